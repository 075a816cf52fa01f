/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state of containers on disk, and what is looked up of them. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/jsonout.h"
#include "base/str.h"
#include "state/state.h"
#include "sys/raw.h"

static char root[64]; /* a directory that is made anew for each test */

static void *make_one(void *arg)
{
	struct state_dir *d = arg;

	return (void *)(intptr_t)state_create(root, "same", d, NULL);
}

static void ids(void **state)
{
	static const char *const good[] = { "a", "A.b", "x_y-z+1", "_", "+", "0", "-a", "a..b" };
	static const char *const bad[] = { "",    ".",   "..",       ".a", "a/b",
					   "a b", "a\n", "\xc3\xa9", "a:b" };
	char longest[STATE_ID_MAX + 2];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_true(state_id_valid(good[i]));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(state_id_valid(bad[i]));
	memset(longest, 'x', sizeof(longest));
	longest[STATE_ID_MAX + 1] = 0;
	assert_false(state_id_valid(longest));
	longest[STATE_ID_MAX] = 0;
	assert_true(state_id_valid(longest));
}

static void one_of_two_wins(void **state)
{
	struct state_dir dirs[8];
	pthread_t threads[8];
	int won = 0;

	(void)state;
	for (size_t i = 0; i < 8; i++) {
		dirs[i] = (struct state_dir)STATE_DIR_INIT;
		assert_int_equal(pthread_create(&threads[i], NULL, make_one, &dirs[i]), 0);
	}
	for (size_t i = 0; i < 8; i++) {
		void *r;

		pthread_join(threads[i], &r);
		assert_true((intptr_t)r == 0 || (intptr_t)r == -EEXIST);
		won += (intptr_t)r == 0;
		state_close(&dirs[i]);
	}
	assert_int_equal(won, 1);
}

static void the_root_is_made(void **state)
{
	struct state_dir d = STATE_DIR_INIT;
	char deep[128];
	struct stat st;

	(void)state;
	snprintf(deep, sizeof(deep), "%s/a/b", root);
	assert_int_equal(state_create(deep, "x", &d, NULL), 0);
	assert_int_equal(stat(deep, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(state_remove(&d, "x", NULL, NULL), 0);
	state_close(&d);
	assert_int_equal(rmdir(deep), 0);
}

/* A state with everything in it, of this process. */
static struct state full_state(void)
{
	static struct key annotations[] = { { "a.b", "c\"d\n" }, { "e", "" } };
	static struct key notes[] = { { "hook", "done" } };
	static const char *descriptors[] = { "/dev/null", "pipe:[1]", "pipe:[2]" };
	struct state s = { .id = "c",
			   .phase = PHASE_STARTED,
			   .pid = getpid(),
			   .bundle = "/b",
			   .rootfs = "/b/rootfs",
			   .created = "2026-01-02T03:04:05.678901234Z",
			   .owner = 7,
			   .terminal = true,
			   .cgroup_manager = "cgroupfs",
			   .cgroup_path = "/x/c",
			   .systemd_unit = "x-c.scope",
			   .freezer = "/nosuch",
			   .rdt_path = "/r" };
	bool ended;

	s.annotations = (keys){ annotations, 2 };
	s.notes = (keys){ notes, 1 };
	s.descriptors = (strings){ descriptors, 3 };
	assert_int_equal(state_process(s.pid, &s.pid_start, &ended), 0);
	assert_false(ended);
	return s;
}

static void saved_and_loaded(void **state)
{
	struct state s = full_state(), t = { 0 };
	_cleanup_state_ struct state_dir d = STATE_DIR_INIT;
	_cleanup_fd_ int root_fd = -1;

	assert_int_equal(state_create(root, "c", &d, NULL), 0);
	assert_int_equal(state_save(&d, &s, NULL), 0);
	root_fd = state_open_root(root);
	assert_int_equal(state_load(*state, root_fd, "c", &t, NULL), 0);
	assert_string_equal(t.id, "c");
	assert_int_equal(t.phase, PHASE_STARTED);
	assert_int_equal(t.pid, s.pid);
	assert_true(t.pid_start == s.pid_start && t.terminal && t.owner == 7);
	assert_string_equal(t.bundle, s.bundle);
	assert_string_equal(t.rootfs, s.rootfs);
	assert_string_equal(t.created, s.created);
	assert_string_equal(t.cgroup_manager, s.cgroup_manager);
	assert_string_equal(t.cgroup_path, s.cgroup_path);
	assert_string_equal(t.systemd_unit, s.systemd_unit);
	assert_string_equal(t.freezer, s.freezer);
	assert_string_equal(t.rdt_path, s.rdt_path);
	assert_int_equal(t.descriptors.n, 3);
	assert_string_equal(t.descriptors.items[2], "pipe:[2]");
	assert_int_equal(t.annotations.n, 2);
	assert_string_equal(t.annotations.items[0].value, "c\"d\n");
	assert_string_equal(t.annotations.items[1].value, "");
	assert_string_equal(t.notes.items[0].value, "done");
	assert_int_equal(state_remove(&d, "c", NULL, NULL), 0);
	assert_int_equal(state_load(*state, root_fd, "c", &t, NULL), -ENOENT);
}

static void odd_texts_and_numbers(void **state)
{
	static const char *const bundles[] = { "/b", "/with \"quotes\"", "/{[,:]}", "/\xc3\xa9" };
	struct state s = full_state(), t = { 0 };
	_cleanup_state_ struct state_dir d = STATE_DIR_INIT;
	_cleanup_fd_ int root_fd = -1;

	assert_int_equal(state_create(root, "c", &d, NULL), 0);
	root_fd = state_open_root(root);
	for (size_t i = 0; i < ARRAY_SIZE(bundles); i++) {
		s.bundle = bundles[i];
		s.pid_start = i ? UINT64_MAX : 5;
		assert_int_equal(state_save(&d, &s, NULL), 0);
		assert_int_equal(state_load(*state, root_fd, "c", &t, NULL), 0);
		assert_string_equal(t.id, "c");
		assert_string_equal(t.bundle, s.bundle);
		assert_string_equal(t.created, s.created);
		assert_string_equal(t.rdt_path, s.rdt_path);
		assert_true(t.phase == s.phase && t.pid == s.pid && t.pid_start == s.pid_start);
		assert_true(t.owner == 7 && t.terminal);
	}
	assert_int_equal(state_remove(&d, "c", NULL, NULL), 0);
}

static void status_is_looked_up(void **state)
{
	struct state s = full_state();
	char frozen[96];
	FILE *f;

	(void)state;
	assert_int_equal(state_status(&s, -1), STATUS_RUNNING);
	s.phase = PHASE_CREATED;
	assert_int_equal(state_status(&s, -1), STATUS_CREATED);
	s.phase = PHASE_CREATING;
	assert_int_equal(state_status(&s, -1), STATUS_CREATING);
	s.phase = PHASE_STARTED;
	s.pid_start++; /* another process has the number now */
	assert_int_equal(state_status(&s, -1), STATUS_STOPPED);
	assert_int_equal(state_pidfd(&s), -ESRCH);
	s.pid_start--;
	snprintf(frozen, sizeof(frozen), "%s/cgroup.events", root);
	s.freezer = frozen;
	f = fopen(frozen, "w");
	fputs("populated 1\nfrozen 1\n", f);
	fclose(f);
	assert_int_equal(state_status(&s, -1), STATUS_PAUSED);
	f = fopen(frozen, "w");
	fputs("populated 1\nfrozen 0\n", f);
	fclose(f);
	assert_int_equal(state_status(&s, -1), STATUS_RUNNING);
	unlink(frozen);
}

/* As a list does, where the kernel tells processes apart by the inodes of their pidfds. */
static void many_are_looked_up(void **state)
{
	struct state_look look = STATE_LOOK_INIT;
	struct state s = full_state();
	char boot[STATE_BOOT_SIZE], dir[96], frozen[2][128];

	(void)state;
	state_boot(boot);
	assert_int_equal(strlen(boot), 36);
	s.boot = boot;
	if (state_pid_inode(s.pid, &s.pid_inode) < 0)
		skip();
	s.pid_start++; /* is not asked for */
	assert_int_equal(state_status_next(&look, &s, -1), STATUS_RUNNING);
	assert_int_equal(state_status(&s, -1), STATUS_STOPPED);
	s.pid_start--;
	s.pid_inode++; /* another process has the number now */
	assert_int_equal(state_status_next(&look, &s, -1), STATUS_STOPPED);
	s.boot = "another boot, whose inodes tell nothing";
	assert_int_equal(state_status_next(&look, &s, -1), STATUS_RUNNING);
	for (int i = 0; i < 2; i++) {
		FILE *f;

		snprintf(dir, sizeof(dir), "%s/%d", root, i);
		assert_int_equal(mkdir(dir, 0700), 0);
		snprintf(frozen[i], sizeof(frozen[i]), "%s/cgroup.events", dir);
		f = fopen(frozen[i], "w");
		fprintf(f, "populated 1\nfrozen %d\n", i);
		fclose(f);
	}
	for (int i = 0; i < 4; i++) {
		s.freezer = frozen[i & 1];
		assert_int_equal(state_status_next(&look, &s, -1),
				 i & 1 ? STATUS_PAUSED : STATUS_RUNNING);
	}
	s.freezer = "/nosuch/cgroup.events";
	assert_int_equal(state_status_next(&look, &s, -1), STATUS_RUNNING);
	state_look_done(&look);
	for (int i = 0; i < 2; i++) {
		unlink(frozen[i]);
		*strrchr(frozen[i], '/') = 0;
		rmdir(frozen[i]);
	}
}

static void *wait_for_ever(void *arg)
{
	for (;;)
		pause();
	return arg;
}

/* The first thread may end before the others; then it looks like a zombie. */
static void one_whose_first_thread_has_ended(void **state)
{
	struct state s = { .phase = PHASE_STARTED };
	struct state_look look = STATE_LOOK_INIT;
	char boot[STATE_BOOT_SIZE], path[64], text[512] = "";
	bool ended;

	(void)state;
	s.pid = fork();
	if (s.pid == 0) {
		pthread_t thread;

		pthread_create(&thread, NULL, wait_for_ever, NULL);
		/* Of this thread alone; pthread_exit(3) would want libgcc_s to be there. */
		RAW1(SYS_exit, 0);
	}
	snprintf(path, sizeof(path), "/proc/%d/stat", s.pid);
	for (int i = 0; i < 500 && !strstr(text, ") Z "); i++) {
		FILE *f = fopen(path, "r");

		assert_non_null(f);
		assert_non_null(fgets(text, sizeof(text), f));
		fclose(f);
		usleep(10000);
	}
	assert_non_null(strstr(text, ") Z "));
	state_boot(boot);
	s.boot = boot;
	assert_int_equal(state_process(s.pid, &s.pid_start, &ended), 0);
	assert_false(ended);
	assert_int_equal(state_status(&s, -1), STATUS_RUNNING);
	if (state_pid_inode(s.pid, &s.pid_inode) == 0)
		assert_int_equal(state_status_next(&look, &s, -1), STATUS_RUNNING);
	kill(s.pid, SIGKILL);
	waitpid(s.pid, NULL, 0);
	assert_int_equal(state_status_next(&look, &s, -1), STATUS_STOPPED);
	state_look_done(&look);
}

static void a_zombie_has_stopped(void **state)
{
	struct state s = { .phase = PHASE_STARTED };
	struct state_look look = STATE_LOOK_INIT;
	char boot[STATE_BOOT_SIZE];
	siginfo_t info;
	bool ended;
	int fd;

	(void)state;
	s.pid = fork();
	if (s.pid == 0)
		for (;;)
			pause();
	assert_int_equal(state_process(s.pid, &s.pid_start, &ended), 0);
	fd = state_pidfd(&s);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(state_status(&s, -1), STATUS_RUNNING);
	state_boot(boot);
	s.boot = boot;
	state_pid_inode(s.pid, &s.pid_inode);
	kill(s.pid, SIGKILL);
	assert_int_equal(waitid(P_PID, (id_t)s.pid, &info, WEXITED | WNOWAIT), 0);
	assert_int_equal(state_status(&s, -1), STATUS_STOPPED);
	assert_int_equal(state_status_next(&look, &s, -1), STATUS_STOPPED);
	state_look_done(&look);
	assert_int_equal(state_pidfd(&s), -ESRCH);
	waitpid(s.pid, NULL, 0);
	assert_int_equal(state_status(&s, -1), STATUS_STOPPED);
	assert_int_equal(state_process(s.pid, &s.pid_start, &ended), -ESRCH);
}

/* Nobody knows of it but its lock. */
static void one_that_is_being_made(void **state)
{
	struct state_dir d = STATE_DIR_INIT;
	_cleanup_fd_ int root_fd = -1;
	struct state s;

	assert_int_equal(state_create(root, "new", &d, NULL), 0);
	root_fd = state_open_root(root);
	assert_int_equal(state_load(*state, root_fd, "new", &s, NULL), 0);
	assert_int_equal(state_status(&s, root_fd), STATUS_CREATING);
	state_close(&d); /* as if the maker had died */
	assert_int_equal(state_status(&s, root_fd), STATUS_STOPPED);
	assert_int_equal(state_open(root, "new", true, &d, NULL), 0);
	assert_int_equal(state_remove(&d, "new", NULL, NULL), 0);
	state_close(&d);
}

static void *open_and_remove(void *arg)
{
	_cleanup_state_ struct state_dir d = STATE_DIR_INIT;
	int r = state_open(root, "gone", true, &d, NULL);

	(void)arg;
	if (r == 0)
		r = state_remove(&d, "gone", NULL, NULL);
	return (void *)(intptr_t)r;
}

/* Of several that wait to remove it one does, and the others are told that it is gone. */
/* It goes by another name then, which what comes later outdoes. */
static void the_newest_is_loaded(void **state)
{
	_cleanup_state_ struct state_dir d = STATE_DIR_INIT;
	_cleanup_fd_ int root_fd = state_open_root(root);
	struct state s = full_state(), t = { 0 };

	assert_int_equal(state_create(root, "new", &d, NULL), 0);
	s.phase = PHASE_CREATING;
	assert_int_equal(state_save(&d, &s, NULL), 0);
	assert_int_equal(state_load(*state, root_fd, "new", &t, NULL), 0);
	assert_int_equal(t.phase, PHASE_CREATING);
	assert_int_equal(t.pid, s.pid);
	s.phase = PHASE_STARTED;
	assert_int_equal(state_save(&d, &s, NULL), 0);
	assert_int_equal(state_load(*state, root_fd, "new", &t, NULL), 0);
	assert_int_equal(t.phase, PHASE_STARTED);
	assert_int_equal(state_remove(&d, "new", NULL, NULL), 0);
	assert_int_equal(state_load(*state, root_fd, "new", &t, NULL), -ENOENT);
}

static void who_waited_in_vain(void **state)
{
	struct state_dir d = STATE_DIR_INIT;
	pthread_t threads[4];
	int removed = 0;

	(void)state;
	assert_int_equal(state_create(root, "gone", &d, NULL), 0);
	for (size_t i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, open_and_remove, NULL);
	usleep(20000);
	state_close(&d);
	for (size_t i = 0; i < 4; i++) {
		void *r;

		pthread_join(threads[i], &r);
		assert_true((intptr_t)r == 0 || (intptr_t)r == -ENOENT);
		removed += (intptr_t)r == 0;
	}
	assert_int_equal(removed, 1);
}

static void foreign_files_stay(void **state)
{
	static const char *const more[] = { "mine", "absent", NULL };
	struct state_dir d = STATE_DIR_INIT;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(state_create(root, "f", &d, NULL), 0);
	close(openat(d.fd, "mine", O_CREAT | O_WRONLY, 0600));
	close(openat(d.fd, "other", O_CREAT | O_WRONLY, 0600));
	assert_int_equal(state_remove(&d, "f", more, &e), -ENOTEMPTY);
	assert_int_equal(faccessat(d.fd, "mine", F_OK, 0), -1);
	assert_int_equal(unlinkat(d.fd, "other", 0), 0);
	assert_int_equal(state_remove(&d, "f", NULL, &e), 0);
	state_close(&d);
}

/* Killed between the removal of the lock and that of the directory. */
static void an_interrupted_removal(void **state)
{
	struct state_dir d = STATE_DIR_INIT;
	char path[128];

	(void)state;
	snprintf(path, sizeof(path), "%s/half", root);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(state_open(root, "half", true, &d, NULL), -ENOENT);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(state_create(root, "half", &d, NULL), 0);
	assert_int_equal(state_remove(&d, "half", NULL, NULL), 0);
	state_close(&d);
}

static void the_list_is_sorted(void **state)
{
	static const char *const names[] = { "b", "c", "a", "B" };
	_cleanup_fd_ int root_fd = -1;
	char path[128];
	strings list;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct state_dir d = STATE_DIR_INIT;

		assert_int_equal(state_create(root, names[i], &d, NULL), 0);
		state_close(&d);
	}
	snprintf(path, sizeof(path), "%s/.hidden", root);
	assert_int_equal(mkdir(path, 0700), 0);
	root_fd = state_open_root(root);
	assert_int_equal(state_list(*state, root_fd, &list), 0);
	assert_int_equal(list.n, 4);
	assert_string_equal(list.items[0], "B");
	assert_string_equal(list.items[3], "c");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct state_dir d = STATE_DIR_INIT;

		assert_int_equal(state_open(root, names[i], true, &d, NULL), 0);
		assert_int_equal(state_remove(&d, names[i], NULL, NULL), 0);
		state_close(&d);
	}
	assert_int_equal(rmdir(path), 0);
}

static void what_is_wrong(void **state)
{
	_cleanup_state_ struct state_dir d = STATE_DIR_INIT;
	_cleanup_fd_ int root_fd = state_open_root(root), fd = -1;
	struct state s;
	struct err e = { 0 };

	assert_int_equal(state_open(root, "no", true, &d, &e), -ENOENT);
	assert_string_equal(e.text, "container \"no\" does not exist");
	assert_int_equal(state_open("/nosuch/x", "no", true, &d, &e), -ENOENT);
	assert_int_equal(state_create(root, "../x", &d, &e), -EINVAL);
	assert_int_equal(state_load(*state, root_fd, "a/b", &s, &e), -EINVAL);
	assert_int_equal(state_create(root, "torn", &d, &e), 0);
	fd = openat(d.fd, "state.json", O_CREAT | O_WRONLY, 0600);
	assert_int_equal(write(fd, "{\"phase\":", 9), 9);
	assert_int_equal(state_load(*state, root_fd, "torn", &s, &e), -EINVAL);
	assert_non_null(strstr(e.text, "torn/state.json:1:10: the JSON text ends too early"));
	assert_int_equal(write(fd, "\"flying\"}", 9), 9);
	assert_int_equal(state_load(*state, root_fd, "torn", &s, &e), -EINVAL);
	assert_non_null(strstr(e.text, "\"flying\" is not a phase"));
	assert_int_equal(state_remove(&d, "torn", NULL, &e), 0);
}

static void printed(void **state)
{
	struct state s = full_state();
	struct jsonout j = { .compact = true };
	char *text, *wanted = NULL;

	(void)state;
	jsonout_open(&j, NULL, '{');
	state_print(&j, &s, STATUS_RUNNING, false);
	jsonout_close(&j, '}');
	text = buf_take(&j.buf);
	assert_true(asprintf(&wanted,
			     "{\"ociVersion\":\"1.3.0\",\"id\":\"c\",\"status\":\"running\","
			     "\"pid\":%d,\"bundle\":\"/b\",\"annotations\":{\"a.b\":"
			     "\"c\\\"d\\n\",\"e\":\"\"}}",
			     getpid()) > 0);
	assert_string_equal(text, wanted);
	free(text);
	free(wanted);
}

static void times(void **state)
{
	char now[STATE_TIME_SIZE];

	(void)state;
	state_now(now);
	assert_int_equal(strlen(now), strlen("2026-01-02T03:04:05.678901234Z"));
	assert_int_equal(now[10], 'T');
	assert_int_equal(now[29], 'Z');
	/* Each day of 200 years, at another time of it. */
	for (time_t t = 0; t < (time_t)200 * 366 * 86400; t += 86400 + 61) {
		char wanted[STATE_TIME_SIZE];
		struct tm tm;

		gmtime_r(&t, &tm);
		strftime(wanted, sizeof(wanted), "%Y-%m-%dT%H:%M:%S.000000007Z", &tm);
		state_time(now, t, 7);
		assert_string_equal(now, wanted);
	}
}

static int set_up(void **state)
{
	strcpy(root, "/tmp/holm-state.XXXXXX");
	*state = arena_new();
	return mkdtemp(root) ? 0 : -1;
}

static int tear_down(void **state)
{
	char path[128];

	arena_free(*state);
	snprintf(path, sizeof(path), "%s/a", root);
	rmdir(path);
	snprintf(path, sizeof(path), "%s/same/config.json", root);
	unlink(path);
	snprintf(path, sizeof(path), "%s/same", root);
	rmdir(path);
	return rmdir(root);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(ids),
		TEST(one_of_two_wins),
		TEST(the_root_is_made),
		TEST(saved_and_loaded),
		TEST(odd_texts_and_numbers),
		TEST(status_is_looked_up),
		TEST(many_are_looked_up),
		TEST(one_whose_first_thread_has_ended),
		TEST(a_zombie_has_stopped),
		TEST(one_that_is_being_made),
		TEST(who_waited_in_vain),
		TEST(foreign_files_stay),
		TEST(an_interrupted_removal),
		TEST(the_list_is_sorted),
		TEST(the_newest_is_loaded),
		TEST(what_is_wrong),
		TEST(printed),
		TEST(times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
