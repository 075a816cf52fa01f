/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * holm-egress PID PIDFD LOGFD NAME...: PID is the first process of the box, whose end is ours, too;
 * LOGFD 0 is none. A byte on standard output says that all is ready; what went wrong stands on
 * standard error.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/str.h"
#include "egress.h"
#include "sec/rights.h"

#define NOBODY 65534

static struct names names;
static struct inside inside;
static int pidfd, answers_fd, null_fd, term_fd;

static int fail(const char *what, int code)
{
	fprintf(stderr, "%s: %s\n", what, strerror(-code));
	return 1;
}

static int read_names(char **argv, int n)
{
	names.wishes = calloc((size_t)n + 1, sizeof(*names.wishes));
	if (!names.wishes)
		return fail("names", -ENOMEM);
	for (int i = 0; i < n; i++) {
		const char *why;

		if (host_wish_parse(argv[i], &names.wishes[names.n_wishes++], &why) == 0)
			continue;
		fprintf(stderr, "%s: %s\n", argv[i], why);
		return 1;
	}
	return 0;
}

/* From here on we can do no more than talk, and read what everybody may read. */
static int give_up_rights(void)
{
	int landlock;

	if (geteuid() == 0 && (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
			       setresuid(NOBODY, NOBODY, NOBODY) < 0))
		return -errno;
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	if (rights_landlock_abi() == 0)
		return 0;
	landlock = rights_landlock_new(false);
	if (landlock < 0)
		return landlock;
	if (rights_landlock_allow(landlock, RIGHTS_RX, "/") < 0)
		return -EPERM;
	return rights_landlock_enforce(landlock);
}

static int add(int epoll_fd, int *fd)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = fd };

	return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, *fd, &ev) < 0 ? -errno : 0;
}

static void take_answers(void)
{
	struct answer *a;

	while ((a = resolve_next())) {
		forward_resolved(a);
		free(a);
	}
}

static int serve(int epoll_fd)
{
	for (;;) {
		struct epoll_event events[64];
		int n = epoll_wait(epoll_fd, events, 64, forward_tick());

		for (int i = 0; i < n; i++) {
			void *what = events[i].data.ptr;

			if (what == &pidfd || what == &term_fd) {
				dns_serve(&names, inside.dns_fd);
				refused_read(inside.refused_fd);
				forward_end();
				return 0;
			}
			if (what == &inside.dns_fd)
				dns_serve(&names, inside.dns_fd);
			else if (what == &inside.refused_fd)
				refused_read(inside.refused_fd);
			else if (what == &answers_fd)
				take_answers();
			else
				forward_ready(what);
		}
	}
}

static int prepare(int pid, int *epoll_fd)
{
	struct rlimit files;
	int r = setup_inside(pid, pidfd, &inside);

	if (r < 0)
		return fail(inside.failed, r);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	r = give_up_rights();
	if (r < 0)
		return fail("give up rights", r);
	answers_fd = resolve_open();
	*epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (answers_fd < 0 || *epoll_fd < 0)
		return fail("make ready", -errno);
	r = add(*epoll_fd, &pidfd);
	if (r == 0)
		r = add(*epoll_fd, &term_fd);
	if (r == 0)
		r = add(*epoll_fd, &inside.dns_fd);
	if (r == 0)
		r = add(*epoll_fd, &inside.refused_fd);
	if (r == 0)
		r = add(*epoll_fd, &answers_fd);
	if (r == 0)
		r = forward_open(&names, *epoll_fd, inside.listen_fd);
	return r < 0 ? fail("make ready", r) : 0;
}

/* Who wants our end sends TERM: what there is to say is said before. */
static int hear_of_end(void)
{
	sigset_t term;

	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	if (sigprocmask(SIG_BLOCK, &term, NULL) < 0)
		return -errno;
	term_fd = signalfd(-1, &term, SFD_CLOEXEC | SFD_NONBLOCK);
	return term_fd < 0 ? -errno : 0;
}

/* Nothing of whoever started us is held on to, but the log. */
static void be_alone(void)
{
	signal(SIGPIPE, SIG_IGN);
	setsid();
	dup2(null_fd, 0);
	dup2(null_fd, 1);
	dup2(null_fd, 2);
	if (chdir("/") < 0)
		_exit(1);
}

int main(int argc, char **argv)
{
	uint32_t pid = 0, watched = 0, log = 0;
	int epoll_fd = -1;

	if (argc < 4 || str_u32(argv[1], &pid) < 0 || str_u32(argv[2], &watched) < 0 ||
	    str_u32(argv[3], &log) < 0) {
		fputs("holm-egress: holm starts this program; see --allow-host in holm-box(1)\n",
		      stderr);
		return 2;
	}
	/* A child of ours enters namespaces of others. */
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null_fd < 0)
		return fail("/dev/null", -errno);
	pidfd = (int)watched;
	if (hear_of_end() < 0)
		return fail("signals", -errno);
	log_open(log ? (int)log : -1);
	if (read_names(argv + 4, argc - 4) || prepare((int)pid, &epoll_fd))
		return 1;
	if (write(1, "\n", 1) != 1)
		return 1;
	be_alone();
	return serve(epoll_fd);
}
