/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libholm as a program sees it: boxes started, asked, signalled, from threads too. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "holm.h"

static struct holm_spec *spec_for(const char *script)
{
	char *argv[] = { (char *)"sh", (char *)"-c", (char *)script, NULL };
	struct holm_spec *spec;

	assert_int_equal(holm_spec_new(&spec), 0);
	assert_int_equal(holm_spec_command(spec, argv), 0);
	return spec;
}

static struct holm_box *start(struct holm_spec *spec)
{
	struct holm_box *box;

	if (holm_spawn(spec, &box) < 0)
		fail_msg("%s", holm_error(spec)->text);
	return box;
}

static int open_fds(void)
{
	int n = 0;

	for (int fd = 3; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void runs_and_ends(void **state)
{
	struct holm_spec *spec = spec_for("exit 42");
	int before = open_fds();
	struct holm_box *box = start(spec);
	struct holm_event end;

	(void)state;
	assert_int_equal(holm_wait(box, &end, 10000), 1);
	assert_int_equal(end.kind, HOLM_ENDED);
	assert_int_equal(holm_exit_code(end.status), 42);
	assert_int_equal(holm_wait(box, &end, 0), -ECHILD);
	assert_int_equal(holm_signal(box, SIGTERM), -ESRCH);
	holm_free(box);
	assert_int_equal(open_fds(), before);
	/* No exit signal, no child that anyone else could wait for. */
	assert_int_equal(waitpid(-1, NULL, WNOHANG | __WALL), -1);
	holm_spec_free(spec);
}

static void signals_and_states(void **state)
{
	struct holm_spec *spec = spec_for("trap 'exit 9' TERM; while :; do sleep 0.05; done");
	struct holm_box *box = start(spec);
	struct holm_state now;
	struct holm_event end;

	(void)state;
	assert_int_equal(holm_wait(box, &end, 50), 0); /* time is up */
	/* The shell has set its trap when it has started something. */
	do {
		assert_int_equal(holm_wait(box, &end, 50), 0);
		assert_int_equal(holm_control(box, &now), 0);
	} while (now.processes < 3);
	assert_true(now.uptime_ns > 0);
	assert_true(holm_pid(box) > 0 && holm_main_pid(box) > 0 && holm_pidfd(box) >= 0);
	assert_int_equal(holm_terminal(box), -ENOTTY);
	assert_int_equal(holm_signal(box, SIGTERM), 0);
	assert_int_equal(holm_wait(box, &end, 10000), 1);
	assert_int_equal(holm_exit_code(end.status), 9);
	holm_free(box);
	holm_spec_free(spec);
}

static void helpers_run_inside(void **state)
{
	struct holm_spec *spec = spec_for("sleep 30");
	struct holm_box *box = start(spec);
	char *argv[] = { (char *)"hostname", NULL }, *bad[] = { (char *)"nosuch", NULL };
	char text[64] = "";
	int out[2], fds[3], pid;
	struct holm_event event;
	uint32_t id;

	(void)state;
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	fds[0] = open("/dev/null", O_RDWR | O_CLOEXEC);
	fds[1] = out[1];
	fds[2] = fds[0];
	assert_int_equal(holm_run(box, argv, fds, &id, &pid), 0);
	close(out[1]);
	assert_true(read(out[0], text, sizeof(text) - 1) > 0);
	assert_string_equal(text, "holm\n");
	assert_int_equal(holm_next(box, &event, 10000), 1);
	assert_int_equal(event.kind, HOLM_RUN_EXIT);
	assert_int_equal(event.id, id);
	assert_int_equal(event.status, 0);
	assert_int_equal(holm_run(box, bad, NULL, &id, &pid), -ENOENT);
	close(fds[0]);
	close(out[0]);
	holm_free(box); /* kills what still runs */
	holm_spec_free(spec);
}

static void failures_have_words(void **state)
{
	struct holm_spec *spec = spec_for("true");
	char *argv[] = { (char *)"nosuch", NULL };
	struct holm_box *box = NULL;

	(void)state;
	assert_int_equal(holm_spec_set(spec, "nosuch", "1"), -EINVAL);
	assert_int_equal(holm_error(spec)->exit_code, 125);
	assert_int_equal(holm_spec_add(spec, "bind", "/nonexistent/dir:/x"), 0);
	assert_int_equal(holm_error(spec)->code, 0);
	assert_int_equal(holm_spawn(spec, &box), -ENOENT);
	assert_null(box);
	assert_non_null(strstr(holm_error(spec)->text, "/nonexistent/dir"));
	assert_int_equal(holm_error(spec)->exit_code, 125);
	holm_spec_free(spec);
	holm_spec_new(&spec);
	holm_spec_command(spec, argv);
	assert_int_equal(holm_spawn(spec, &box), -ENOENT);
	assert_int_equal(holm_error(spec)->exit_code, 127);
	holm_spec_free(spec);
	assert_int_equal(waitpid(-1, NULL, WNOHANG | __WALL), -1);
}

static void spec_is_used_again(void **state)
{
	struct holm_spec *spec = spec_for("exit 3");
	struct holm_event end;

	(void)state;
	for (int i = 0; i < 20; i++) {
		struct holm_box *box = start(spec);

		assert_int_equal(holm_wait(box, &end, 10000), 1);
		assert_int_equal(holm_exit_code(end.status), 3);
		holm_free(box);
	}
	holm_spec_free(spec);
}

static void *one_thread(void *arg)
{
	for (int i = 0; i < 15; i++) {
		char *argv[] = { (char *)"sh", (char *)"-c", (char *)"exit 7", NULL };
		struct holm_spec *spec;
		struct holm_box *box;
		struct holm_event end;

		if (holm_spec_new(&spec) < 0 || holm_spec_command(spec, argv) < 0)
			return arg;
		if (holm_spawn(spec, &box) < 0) {
			print_message("%s\n", holm_error(spec)->text);
			return arg;
		}
		if (holm_wait(box, &end, 20000) != 1 || holm_exit_code(end.status) != 7) {
			print_message("event %d, status %#x\n", end.kind, end.status);
			return arg;
		}
		holm_free(box);
		holm_spec_free(spec);
	}
	return NULL;
}

static void threads(void **state)
{
	pthread_t thread[6];
	void *failed;

	(void)state;
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, one_thread, state), 0);
	for (size_t i = 0; i < 6; i++) {
		pthread_join(thread[i], &failed);
		assert_null(failed);
	}
}

static int count_step(void *arg, const struct holm_plan_step *step)
{
	assert_true(*step->stage && *step->name && *step->words);
	++*(int *)arg;
	return 0;
}

static void wait_for_end(struct holm_box *box)
{
	assert_int_equal(holm_wait(box, NULL, 20000), 1);
}

/* The time is always known, the rest needs a cgroup; one that cannot be had is left out with a
 * note. */
static void tells_what_was_used(void **state)
{
	struct holm_spec *spec = spec_for("i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done");
	int before = open_fds();
	struct holm_usage used;
	struct holm_box *box = start(spec);

	(void)state;
	assert_int_equal(holm_usage(box, &used), -EAGAIN);
	wait_for_end(box);
	assert_int_equal(holm_usage(box, &used), 0);
	assert_string_equal(used.cgroup, "none");
	assert_true(used.cpu_user_ns != HOLM_UNKNOWN && used.memory_peak_bytes == HOLM_UNKNOWN);
	holm_free(box);

	assert_int_equal(holm_spec_set(spec, "limits", "best-effort"), 0);
	assert_int_equal(holm_spec_set(spec, "memory", "64m"), 0);
	assert_int_equal(holm_spec_set(spec, "pids", "20"), 0);
	box = start(spec);
	wait_for_end(box);
	assert_int_equal(holm_usage(box, &used), 0);
	if (strcmp(used.cgroup, "none") == 0)
		assert_non_null(strstr(holm_note(spec, 0), "limits left out: memory ("));
	else
		assert_null(holm_note(spec, 0));
	if (used.memory_peak_bytes != HOLM_UNKNOWN)
		assert_in_range(used.memory_peak_bytes, 1, 64 << 20);
	if (used.pids_peak != HOLM_UNKNOWN)
		assert_in_range(used.pids_peak, 2, 20);
	holm_free(box);
	box = start(spec);
	holm_free(box); /* killed: its cgroup goes too, as test_cg_live and the e2e tests see */
	assert_true(holm_clean() >= 0);
	holm_spec_free(spec);
	assert_int_equal(open_fds(), before);
}

static struct holm_box *prepared(struct holm_spec *spec)
{
	struct holm_box *box;

	if (holm_prepare(spec, &box) < 0)
		fail_msg("%s", holm_error(spec)->text);
	return box;
}

static void put_file(int dir_fd, const char *name, const char *text)
{
	int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void assert_file(int dir_fd, const char *name, const char *text)
{
	char got[64] = "";
	int fd = openat(dir_fd, name, O_RDONLY);

	assert_true(fd >= 0);
	assert_int_equal(read(fd, got, sizeof(got) - 1), strlen(text));
	assert_string_equal(got, text);
	close(fd);
}

/* Who cannot wait for it is told so, before there is anything. */
static void ignores_its_children(void **state)
{
	struct holm_spec *spec = spec_for("exit 0");
	struct holm_box *box = NULL;

	(void)state;
	signal(SIGCHLD, SIG_IGN);
	assert_int_equal(holm_spawn(spec, &box), -ECHILD);
	signal(SIGCHLD, SIG_DFL);
	assert_non_null(strstr(holm_error(spec)->text, "ignores SIGCHLD"));
	assert_null(box);
	box = start(spec);
	wait_for_end(box);
	holm_free(box);
	holm_spec_free(spec);
}

/* The command comes later than the box; and files in and out by the workspace's descriptor. */
static void prepared_and_launched(void **state)
{
	struct holm_spec *bare, *spec = spec_for("tr a-z A-Z <in >out; echo gone >/tmp/x; exit 7");
	struct holm_spec *other = spec_for("exit 0");
	int before = open_fds();
	struct holm_verdict verdict;
	struct holm_event end;
	struct holm_box *box;

	(void)state;
	assert_int_equal(holm_spec_new(&bare), 0); /* without a command */
	assert_int_equal(holm_spec_set(bare, "workspace", "/work"), 0);
	assert_int_equal(holm_spec_set(spec, "workspace", "/work"), 0);
	assert_int_equal(holm_spec_set(spec, "wall", "20s"), 0);
	assert_int_equal(holm_spec_set(spec, "env", "A=b"), 0);
	box = prepared(bare);
	assert_int_equal(holm_next(box, &end, 0), -EAGAIN);
	put_file(holm_workspace(box), "in", "text");
	/* One of another shape does not fit; the box is still good for one that does. */
	assert_int_equal(holm_launch(box, other), -EXDEV);
	if (holm_launch(box, spec) < 0)
		fail_msg("%s", holm_error(spec)->text);
	assert_int_equal(holm_launch(box, spec), -EALREADY);
	assert_int_equal(holm_verdict(box, &verdict), -EAGAIN);
	assert_int_equal(holm_wait(box, &end, 20000), 1);
	assert_file(holm_workspace(box), "out", "TEXT");
	assert_int_equal(holm_verdict(box, &verdict), 0);
	assert_int_equal(verdict.kind, HOLM_VERDICT_EXIT);
	assert_int_equal(verdict.exit_code, 7);
	assert_true(verdict.wall_ns > 0 && verdict.wall_ns < UINT64_C(20000000000));
	holm_free(box);
	/* One that is never launched leaves nothing. */
	holm_free(prepared(bare));
	assert_int_equal(open_fds(), before);
	assert_int_equal(waitpid(-1, NULL, WNOHANG | __WALL), -1);
	holm_spec_free(bare);
	holm_spec_free(other);
	holm_spec_free(spec);
}

static void launch_that_fails(void **state)
{
	char *argv[] = { (char *)"./nosuch", NULL };
	struct holm_spec *spec = spec_for("exit 0");
	int before = open_fds();
	struct holm_box *box;

	(void)state;
	assert_int_equal(holm_spec_set(spec, "workspace", "/work"), 0);
	box = prepared(spec);
	assert_int_equal(holm_spec_command(spec, argv), 0);
	assert_int_equal(holm_launch(box, spec), -ENOENT);
	assert_int_equal(holm_error(spec)->exit_code, 127);
	assert_string_equal(holm_error(spec)->step, "exec");
	holm_free(box);
	assert_int_equal(open_fds(), before);
	holm_spec_free(spec);
}

/* Two boxes in one loop: their limits are looked after by whoever polls. */
static void limits_in_a_loop(void **state)
{
	struct holm_spec *spec = spec_for("while :; do :; done");
	struct holm_box *boxes[2];
	int ended = 0;

	(void)state;
	assert_int_equal(holm_spec_set(spec, "limits", "best-effort"), 0);
	assert_int_equal(holm_spec_set(spec, "time", "100ms"), 0);
	for (int i = 0; i < 2; i++)
		boxes[i] = start(spec);
	while (ended < 2) {
		struct pollfd fds[2] = { { holm_poll_fd(boxes[0]), POLLIN, 0 },
					 { holm_poll_fd(boxes[1]), POLLIN, 0 } };

		assert_true(poll(fds, 2, 20000) > 0);
		ended = 0;
		for (int i = 0; i < 2; i++) {
			int r = holm_wait(boxes[i], NULL, 0);

			ended += r == 1 || r == -ECHILD;
		}
	}
	for (int i = 0; i < 2; i++) {
		struct holm_verdict verdict;

		assert_int_equal(holm_verdict(boxes[i], &verdict), 0);
		assert_int_equal(verdict.kind, HOLM_VERDICT_CPU);
		assert_int_equal(verdict.signal, SIGKILL);
		assert_string_equal(verdict.name, "cpu");
		holm_free(boxes[i]);
	}
	holm_spec_free(spec);
}

static void stdio_of_its_own(void **state)
{
	struct holm_spec *spec = spec_for("cat; echo oops >&2");
	int in[2], out[2], err[2], fds[3];
	char text[16] = "";
	struct holm_box *box;

	(void)state;
	assert_int_equal(pipe2(in, O_CLOEXEC) + pipe2(out, O_CLOEXEC) + pipe2(err, O_CLOEXEC), 0);
	assert_int_equal(write(in[1], "word", 4), 4);
	close(in[1]);
	fds[0] = in[0];
	fds[1] = out[1];
	fds[2] = err[1];
	assert_int_equal(holm_spec_stdio(spec, fds), 0);
	box = start(spec);
	close(in[0]);
	close(out[1]);
	close(err[1]);
	assert_int_equal(holm_wait(box, NULL, 20000), 1);
	assert_int_equal(read(out[0], text, sizeof(text)), 4);
	assert_string_equal(text, "word");
	assert_int_equal(read(err[0], text, sizeof(text)), 5);
	close(out[0]);
	close(err[0]);
	holm_free(box);
	holm_spec_free(spec);
}

/* Neither is one of ours in the place of what is closed, nor are they open afterwards. */
static int without_stdio(bool closed)
{
	struct holm_spec *spec =
		spec_for("a=$(readlink /proc/$$/fd/0) b=$(readlink /proc/$$/fd/1)\n"
			 "[ $a$b$(readlink /proc/$$/fd/2) = "
			 "/dev/null/dev/null/dev/null ]");
	struct holm_spec *own = spec_for("cat; echo oops >&2");
	struct holm_event end;
	struct holm_box *box;
	int in[2], out[2], fds[3], code = 0;
	char text[16] = "";

	if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0 || write(in[1], "word", 4) != 4)
		return 2;
	close(in[1]);
	fds[0] = in[0];
	fds[1] = fds[2] = out[1];
	holm_spec_set(own, "output", "1m");
	holm_spec_stdio(own, fds);
	for (int fd = 0; fd < 3; fd++)
		code |= closed ? close(fd) : fcntl(fd, F_SETFD, FD_CLOEXEC);
	if (code < 0 || holm_spawn(spec, &box) < 0)
		return 3;
	if (holm_wait(box, &end, 10000) != 1 || end.status != 0)
		return 4;
	holm_free(box);
	if (holm_prepare(own, &box) < 0 || holm_launch(box, own) < 0)
		return 5;
	close(out[1]);
	if (holm_wait(box, &end, 10000) != 1 || read(out[0], text, 16) != 9)
		return 6;
	for (int fd = 0; closed && fd < 3; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			return 7;
	holm_free(box);
	holm_spec_free(spec);
	holm_spec_free(own);
	return strcmp(text, "wordoops\n") == 0 ? 0 : 8;
}

static void stdio_that_is_closed(void **state)
{
	(void)state;
	for (int closed = 0; closed < 2; closed++) {
		pid_t pid = fork();
		int status;

		if (pid == 0) {
			alarm(30);
			_exit(without_stdio(closed));
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
	}
}

#define FORKS 300

static pid_t forked[FORKS];
static atomic_uint n_forked;

/* Each has copies of all that is open in that moment, and keeps them. */
static void *forks(void *arg)
{
	const struct timespec pause = { 0, 200000 };

	while (n_forked < FORKS) {
		pid_t pid = fork();

		if (pid == 0) {
			alarm(30);
			for (;;)
				sleep(30);
		}
		if (pid > 0)
			forked[n_forked++] = pid;
		nanosleep(&pause, NULL);
	}
	return arg;
}

/* A box starts, ends and is ended, whoever else holds the descriptors that this is heard by. */
static void threads_that_fork(void **state)
{
	struct holm_spec *spec = spec_for("exit 3"), *long_one = spec_for("sleep 60");
	struct holm_event end;
	pthread_t thread;
	int code[2] = { 0, 0 };

	assert_int_equal(holm_spec_set(long_one, "wall", "1ms"), 0);
	assert_int_equal(pthread_create(&thread, NULL, forks, state), 0);
	alarm(25);
	while (n_forked < FORKS && code[0] == 0 && code[1] == 0) {
		struct holm_box *box = start(spec), *other = start(long_one);

		code[0] = holm_wait(box, &end, 5000) != 1 || holm_exit_code(end.status) != 3;
		code[1] = holm_wait(other, &end, 5000) != 1 || end.kind != HOLM_ENDED;
		holm_free(box);
		holm_free(other);
	}
	alarm(0);
	pthread_join(thread, NULL);
	for (unsigned i = 0; i < n_forked; i++) {
		kill(forked[i], SIGKILL);
		waitpid(forked[i], NULL, 0);
	}
	assert_int_equal(code[0], 0);
	assert_int_equal(code[1], 0);
	holm_spec_free(spec);
	holm_spec_free(long_one);
}

static void plan_does_nothing(void **state)
{
	struct holm_spec *spec = spec_for("true");
	int n = 0;

	(void)state;
	assert_int_equal(holm_plan(spec, count_step, &n), 0);
	assert_true(n > 30);
	assert_int_equal(waitpid(-1, NULL, WNOHANG | __WALL), -1);
	holm_spec_free(spec);
	holm_spec_free(NULL);
	holm_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(runs_and_ends),        cmocka_unit_test(signals_and_states),
		cmocka_unit_test(helpers_run_inside),   cmocka_unit_test(failures_have_words),
		cmocka_unit_test(spec_is_used_again),   cmocka_unit_test(threads),
		cmocka_unit_test(ignores_its_children), cmocka_unit_test(prepared_and_launched),
		cmocka_unit_test(launch_that_fails),    cmocka_unit_test(limits_in_a_loop),
		cmocka_unit_test(stdio_of_its_own),     cmocka_unit_test(plan_does_nothing),
		cmocka_unit_test(tells_what_was_used),  cmocka_unit_test(stdio_that_is_closed),
		cmocka_unit_test(threads_that_fork),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
