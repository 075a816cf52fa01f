/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Single rows of the table, and what the parent believes, without a box. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "run/run.h"
#include "sys/process.h"

struct fixture {
	struct spec spec;
	struct run run;
	struct err err;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	run_init(&f->run, &f->spec);
	f->run.err = &f->err;
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	free(*state);
	return 0;
}

/* A path that leads to one network namespace when it is looked at, and then to another. */
static void joins_what_was_seen(void **state)
{
	struct fixture *f = *state;
	struct stat own;

	assert_int_equal(stat("/proc/self/ns/net", &own), 0);
	f->spec.ns[NS_NET] =
		(struct ns_choice){ .mode = NS_JOINED, .target = (char *)"/proc/self/ns/net" };
	assert_int_equal(act_targets(&f->run, 0), 0); /* nobody looked */
	undo_targets(&f->run);
	f->spec.d.joined_inode[NS_NET] = own.st_ino;
	assert_int_equal(act_targets(&f->run, 0), 0);
	undo_targets(&f->run);
	f->spec.d.joined_inode[NS_NET] = own.st_ino + 1;
	assert_int_equal(act_targets(&f->run, 0), -ESTALE);
	assert_non_null(strstr(f->err.text, "another namespace has taken its place"));
	undo_targets(&f->run);
	assert_int_equal(f->run.join_fd[NS_NET], -1);
}

/* Whoever is in the pid namespace that was joined may keep our channels open for ever. */
static void the_dead_are_heard_of(void **state)
{
	struct fixture *f = *state;
	_cleanup_fd_ int in = -1, out = -1, pidfd = -1;
	int ends[2], pid = fork();

	assert_int_equal(pipe(ends), 0);
	in = ends[0];
	out = ends[1]; /* open in here: there will be no end of file */
	if (pid == 0)
		pause();
	assert_true(pid > 0);
	pidfd = sys_pidfd_open(pid, 0);
	if (pidfd < 0) { /* valgrind does not know the call */
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		skip();
	}
	f->spec.d.joins = true;
	f->run.pidfd = pidfd;
	assert_int_equal(write(out, "x", 1), 1);
	assert_true(run_hears(&f->run, in)); /* it lives, and has said something */
	kill(pid, SIGKILL);
	assert_int_equal(waitid(P_PID, (id_t)pid, NULL, WEXITED | WNOWAIT), 0);
	assert_true(run_hears(&f->run, in)); /* what it has said is heard first */
	assert_int_equal(read(in, ends, 1), 1);
	assert_false(run_hears(&f->run, in));
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(joins_what_was_seen, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_dead_are_heard_of, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
