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
#include "container.h"
#include "sys/process.h"

struct relay {
	struct box *box;
	int signal_fd;
	bool raw, input_open;
	struct termios saved;
	sigset_t old;
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
	sigset_t all;

	sigfillset(&all);
	sigdelset(&all, SIGSEGV);
	sigdelset(&all, SIGBUS);
	sigdelset(&all, SIGFPE);
	sigdelset(&all, SIGILL);
	sigdelset(&all, SIGPIPE);
	sigprocmask(SIG_SETMASK, &all, &r->old);
	r->signal_fd = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	if (r->signal_fd < 0)
		return err_errno(e, errno, "signals");
	terminal_raw(r);
	resize(r);
	return 0;
}

static void relay_close(struct relay *r)
{
	if (r->raw)
		tcsetattr(0, TCSADRAIN, &r->saved);
	cleanup_fd(&r->signal_fd);
	sigprocmask(SIG_SETMASK, &r->old, NULL);
}

static void take_signal(const struct relay *r)
{
	struct signalfd_siginfo info;

	if (read(r->signal_fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGWINCH)
		resize(r);
	else if (info.ssi_signo != SIGCHLD && info.ssi_signo != SIGURG)
		sys_pidfd_send_signal(r->box->pidfd, (int)info.ssi_signo);
}

/* False: nothing more will come. */
static bool copy(int from, int to)
{
	char block[16384];
	ssize_t n = read(from, block, sizeof(block));

	if (n > 0)
		sys_write_all(to, block, (size_t)n);
	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

static int exit_code(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Until it has ended and what it wrote is through. */
static int relay_run(struct relay *r)
{
	int master = r->box->master_fd, status = 0;

	for (;;) {
		struct pollfd fds[] = {
			{ r->signal_fd, POLLIN, 0 },
			{ r->box->pidfd, POLLIN, 0 },
			{ master, POLLIN, 0 },
			{ r->input_open ? 0 : -1, POLLIN, 0 },
		};

		poll(fds, 4, -1);
		if (fds[0].revents)
			take_signal(r);
		if (fds[2].revents && !copy(master, 1))
			master = -1;
		if (fds[3].revents && !copy(0, r->box->master_fd))
			r->input_open = false;
		if (fds[1].revents && !(fds[2].revents & POLLIN))
			break;
	}
	while (waitpid(r->box->pid, &status, __WALL) < 0)
		if (errno != EINTR)
			return -errno;
	r->box->ended = true;
	return exit_code(status);
}

int foreground(struct box *b, struct err *e)
{
	struct relay r = { .box = b, .signal_fd = -1, .input_open = b->master_fd >= 0 };
	int code = relay_open(&r, e);

	if (code == 0) {
		code = relay_run(&r);
		if (code < 0)
			err_errno(e, -code, "wait for the container");
	}
	relay_close(&r);
	return code;
}
