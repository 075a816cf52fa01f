/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * While the box runs: signals that holm gets go to the command, and where the box has a terminal of
 * its own, bytes and window sizes are carried between it and ours. The box never holds our
 * terminal, so what it does to its own (ioctl_tty(2), TIOCSTI) reaches nothing of ours.
 */
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "base/macro.h"
#include "cli.h"
#include "sys/heap.h"

/* The linker's name for where our own program file begins in memory. */
extern const char __ehdr_start[] __attribute__((visibility("hidden")));

#define TRIM_AFTER_MS 100

struct relay {
	struct holm_box *box;
	int master_fd, signal_fd, out_fd;
	bool raw, input_open, trimmed;
	struct pollfd fds[4]; /* signals, the box, its terminal, our input */
	struct termios saved;
};

static const int passed_on[] = { SIGTERM, SIGINT,  SIGHUP,  SIGQUIT,
				 SIGUSR1, SIGUSR2, SIGCONT, SIGWINCH };

static void signals_open(struct relay *r, sigset_t *old)
{
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(passed_on); i++)
		sigaddset(&set, passed_on[i]);
	sigprocmask(SIG_BLOCK, &set, old);
	r->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void terminal_open(struct relay *r)
{
	struct termios raw;

	if (r->master_fd < 0)
		return;
	/* What the box's terminal shows belongs on ours, not in a file that 1 was sent to. */
	r->out_fd = isatty(1) ? 1 : isatty(2) ? 2 : isatty(0) ? 0 : 1;
	fcntl(r->master_fd, F_SETFL, O_NONBLOCK);
	r->input_open = true;
	if (tcgetattr(0, &r->saved) < 0)
		return;
	raw = r->saved;
	cfmakeraw(&raw);
	r->raw = tcsetattr(0, TCSANOW, &raw) == 0;
}

static void relay_close(struct relay *r, const sigset_t *old)
{
	if (r->raw)
		tcsetattr(0, TCSADRAIN, &r->saved);
	if (r->signal_fd >= 0)
		close(r->signal_fd);
	sigprocmask(SIG_SETMASK, old, NULL);
}

static void resize(struct relay *r)
{
	struct winsize size;

	if (ioctl(0, TIOCGWINSZ, &size) == 0 || ioctl(1, TIOCGWINSZ, &size) == 0)
		holm_resize(r->box, size.ws_row, size.ws_col);
}

static void take_signal(struct relay *r)
{
	struct signalfd_siginfo info;

	if (read(r->signal_fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGWINCH && r->master_fd >= 0)
		resize(r);
	else if (info.ssi_signo != SIGWINCH)
		holm_signal(r->box, (int)info.ssi_signo);
}

static void write_all(int fd, const char *data, ssize_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, data, (size_t)len);

		if (n < 0 && errno == EAGAIN) {
			struct pollfd p = { fd, POLLOUT, 0 };

			if (poll(&p, 1, 1000) <= 0)
				return;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		data += n;
		len -= n;
	}
}

/* False: nothing more will come. */
static bool copy(int from, int to)
{
	char block[16384];
	ssize_t n = read(from, block, sizeof(block));

	if (n > 0)
		write_all(to, block, n);
	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

/* Our input is at its end: so is that of the box's terminal. */
static void end_input(struct relay *r)
{
	struct termios t;
	char eof = 4;

	r->input_open = false;
	if (tcgetattr(r->master_fd, &t) == 0)
		eof = (char)t.c_cc[VEOF];
	write_all(r->master_fd, &eof, 1);
}

/* What the command wrote last may still be on its way when it has ended. */
static void drain(struct relay *r)
{
	struct pollfd p = { r->master_fd, POLLIN, 0 };

	for (int i = 0; i < 4096 && poll(&p, 1, 0) > 0 && p.revents & POLLIN; i++)
		if (!copy(r->master_fd, r->out_fd))
			return;
}

/*
 * Whoever waits long should not hold what it needed to start: the pages of our program file go back
 * to being just the file, and come again when they are used; each use brings 64 KiB, so this makes
 * as few calls as it can. The first segment, which holds the headers that are read here, goes last.
 */
WAITING static void trim(void)
{
	const ElfW(Ehdr) *elf = (const void *)__ehdr_start;
	const ElfW(Phdr) *p = (const void *)(__ehdr_start + elf->e_phoff);

	sys_give_heap_back();
	for (int i = elf->e_phnum - 1; i >= 0; i--) {
		uintptr_t base = (uintptr_t)elf + p[i].p_vaddr;
		uintptr_t start = (base + 4095) & ~(uintptr_t)4095;
		uintptr_t end = (base + p[i].p_filesz) & ~(uintptr_t)4095;
		bool first = p[i].p_offset == 0;

		if (p[i].p_type != PT_LOAD || p[i].p_flags & PF_W)
			continue;
		madvise((void *)start, end - start, MADV_DONTNEED);
		if (first)
			break;
	}
}

WAITING static void wait_for_something(struct relay *r)
{
	struct pollfd *fds = r->fds;
	int n;

	fds[3].fd = r->input_open ? 0 : -1;
	n = poll(fds, ARRAY_SIZE(r->fds), r->trimmed ? -1 : TRIM_AFTER_MS);
	if (n == 0 && !r->trimmed) {
		trim();
		r->trimmed = true;
	}
	if (n <= 0)
		return;
	if (fds[0].revents)
		take_signal(r);
	if (fds[2].revents & POLLIN)
		copy(r->master_fd, r->out_fd);
	else if (fds[2].revents & POLLHUP) /* nobody holds the other side any more */
		poll(NULL, 0, 5);
	if (fds[3].revents && !copy(0, r->master_fd))
		end_input(r);
}

WAITING int relay_run(struct holm_box *box, struct holm_event *end)
{
	struct relay r = { .box = box, .master_fd = holm_terminal(box) };
	sigset_t old;
	int code;

	signals_open(&r, &old);
	terminal_open(&r);
	memcpy(r.fds,
	       (struct pollfd[]){ { r.signal_fd, POLLIN, 0 },
				  { holm_poll_fd(box), POLLIN, 0 },
				  { r.master_fd, POLLIN, 0 },
				  { -1, POLLIN, 0 } },
	       sizeof(r.fds));
	for (;;) {
		code = holm_wait(box, end, 0);
		if (code != 0)
			break;
		wait_for_something(&r);
	}
	if (r.master_fd >= 0)
		drain(&r);
	relay_close(&r, &old);
	return code;
}
