/* SPDX-License-Identifier: GPL-2.0-or-later */
/* run and exec without --detach: our signals, our terminal and our exit code are the container's.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <termios.h>

#include "base/cleanup.h"
#include "base/macro.h"
#include "container.h"
#include "sys/fd.h"
#include "sys/process.h"

/*
 * What goes one way between the container's terminal and ours. Whoever does not read must not keep
 * us from what else there is to do, so nothing is written before there is room for it.
 */
struct flow {
	int from, to;   /* -1: it has ended */
	size_t at, len; /* of what was read and not written yet */
	char data[16384];
};

/* A pipe that has room at all takes so much at once (pipe(7)). Ours may be shared: it stays as it
 * is. */
#define AT_ONCE 4096

struct relay {
	struct box *box;
	int signal_fd;
	bool raw;
	struct flow in, out;
	struct termios saved;
	uint64_t old;
};

static void terminal_raw(struct relay *r)
{
	struct termios t;

	if (r->box->master_fd < 0 || tcgetattr(0, &r->saved) < 0)
		return;
	t = r->saved;
	cfmakeraw(&t);
	t.c_oflag |= OPOST; /* the container's terminal leaves that to ours */
	r->raw = tcsetattr(0, TCSANOW, &t) == 0;
}

static void resize(const struct relay *r)
{
	struct winsize size;

	if (r->box->master_fd >= 0 && ioctl(0, TIOCGWINSZ, &size) == 0)
		ioctl(r->box->master_fd, TIOCSWINSZ, &size);
}

static int relay_open(struct relay *r, struct err *e)
{
	static const int ours[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGPIPE };
	uint64_t all = ~UINT64_C(0);

	/* The kernel's set: what is all to sigfillset(3) lacks those that the C library needs. */
	for (size_t i = 0; i < ARRAY_SIZE(ours); i++)
		all &= ~(UINT64_C(1) << (ours[i] - 1));
	sys_sigprocmask(SIG_SETMASK, &all, &r->old);
	r->signal_fd = sys_signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	if (r->signal_fd < 0)
		return err_errno(e, -r->signal_fd, "signals");
	if (r->box->master_fd >= 0)
		sys_fcntl(r->box->master_fd, F_SETFL, O_RDWR | O_NONBLOCK);
	terminal_raw(r);
	resize(r);
	return 0;
}

static void relay_close(struct relay *r)
{
	if (r->raw)
		tcsetattr(0, TCSADRAIN, &r->saved);
	cleanup_fd(&r->signal_fd);
	sys_sigprocmask(SIG_SETMASK, &r->old, NULL);
}

static bool is_to_end(uint32_t signo)
{
	return signo == SIGTERM || signo == SIGINT || signo == SIGHUP || signo == SIGQUIT;
}

/* After the container's end such a signal is for us: perhaps nobody reads what is left. */
static void take_signal(struct relay *r, bool ended)
{
	struct signalfd_siginfo info;

	if (read(r->signal_fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (ended && is_to_end(info.ssi_signo)) {
		r->out.from = -1;
		r->out.len = 0;
		return;
	}
	if (info.ssi_signo == SIGWINCH)
		resize(r);
	else if (info.ssi_signo != SIGCHLD && info.ssi_signo != SIGURG)
		sys_pidfd_send_signal(r->box->pidfd, (int)info.ssi_signo);
}

static bool is_passing(int code)
{
	return code == EAGAIN || code == EINTR;
}

static void flow_read(struct flow *f)
{
	ssize_t n = read(f->from, f->data, sizeof(f->data));

	f->at = 0;
	f->len = n > 0 ? (size_t)n : 0;
	if (n == 0 || (n < 0 && !is_passing(errno)))
		f->from = -1;
}

/* What nobody can have any more is thrown away. */
static void flow_write(struct flow *f)
{
	ssize_t n = write(f->to, f->data + f->at, MIN(f->len, (size_t)AT_ONCE));

	if (n < 0 && is_passing(errno))
		return;
	f->at += n > 0 ? (size_t)n : 0;
	f->len -= n > 0 ? (size_t)n : f->len;
}

static int exit_code(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void flow_poll(const struct flow *f, struct pollfd fds[2])
{
	fds[0] = (struct pollfd){ f->len ? -1 : f->from, POLLIN, 0 };
	fds[1] = (struct pollfd){ f->len ? f->to : -1, POLLOUT, 0 };
}

static void flow_step(struct flow *f, const struct pollfd fds[2])
{
	if (fds[0].revents)
		flow_read(f);
	if (fds[1].revents)
		flow_write(f);
}

/* Until it has ended and what it wrote is through. */
static int relay_run(struct relay *r)
{
	bool ended = false;
	int status = 0;

	for (;;) {
		struct pollfd fds[6] = {
			{ r->signal_fd, POLLIN, 0 },
			{ ended ? -1 : r->box->pidfd, POLLIN, 0 },
		};

		flow_poll(&r->out, fds + 2);
		flow_poll(&r->in, fds + 4);
		poll(fds, 6, ended && !r->out.len ? 0 : -1);
		if (fds[0].revents)
			take_signal(r, ended);
		flow_step(&r->out, fds + 2);
		flow_step(&r->in, fds + 4);
		if (fds[1].revents) {
			ended = true;
			r->in.from = -1;
			r->in.len = 0;
		}
		/* What others have on the terminal is not waited for; what is in it is fetched. */
		if (ended && !r->out.len && !(fds[2].revents & POLLIN) &&
		    (fds[2].fd >= 0 || r->out.from < 0))
			break;
	}
	while (waitpid(r->box->pid, &status, __WALL) < 0)
		if (errno != EINTR)
			return -errno;
	r->box->ended = true;
	return exit_code(status);
}

/*
 * A terminal can be written to, it says, as soon as it has room for one byte, and then blocks on
 * more. So by a descriptor of our own that does not block; other people's stay as they are.
 */
static int own_terminal(void)
{
	return isatty(STDOUT_FILENO) ? sys_openat(AT_FDCWD, "/proc/self/fd/1",
						  O_WRONLY | O_NONBLOCK | O_NOCTTY, 0)
				     : -1;
}

int foreground(struct box *b, struct err *e)
{
	_cleanup_fd_ int own_fd = -1;
	struct relay r = { .box = b, .signal_fd = -1 };
	int code = relay_open(&r, e);

	r.out.from = r.in.to = b->master_fd;
	r.in.from = b->master_fd >= 0 ? STDIN_FILENO : -1;
	own_fd = b->master_fd >= 0 ? own_terminal() : -1;
	r.out.to = own_fd >= 0 ? own_fd : STDOUT_FILENO;
	if (code == 0) {
		code = relay_run(&r);
		if (code < 0)
			err_errno(e, -code, "wait for the container");
	}
	relay_close(&r);
	return code;
}
