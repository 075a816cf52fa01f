/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cgroups of this machine, whatever its layout: made, limited, entered, frozen, killed, removed.
 * Needs root; all that is touched is /holm-test-PID in each tree.
 */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cg/driver.h"
#include "sys/process.h"

static struct cg_system sys;
static struct err e;
static char path[64];

#define OK(call)                                                  \
	do {                                                      \
		e.text[0] = 0;                                    \
		int r_ = (call);                                  \
		if (r_ != 0)                                      \
			fail_msg("%s: %d %s", #call, r_, e.text); \
	} while (0)

static int has(enum cg_controller c)
{
	for (size_t i = 0; i < sys.n; i++)
		if (sys.trees[i].controllers & CG_BIT(c))
			return 1;
	return 0;
}

static bool has_v2(void)
{
	return sys.layout >= CG_HYBRID;
}

static int probe_all(void **state)
{
	(void)state;
	return cg_probe(&sys, &e);
}

static int done_all(void **state)
{
	(void)state;
	cg_system_done(&sys);
	return 0;
}

static char *read_proc(const char *file)
{
	char *text = calloc(1, 1 << 20);
	FILE *f = fopen(file, "re");

	assert_non_null(text);
	assert_non_null(f);
	assert_true(fread(text, 1, (1 << 20) - 1, f) > 0);
	fclose(f);
	return text;
}

/* However the trees were found, they are those of mountinfo. */
static void trees_are_those_of_mountinfo(void **state)
{
	struct cg_system whole = { .text = { read_proc("/proc/self/mountinfo"),
					     read_proc("/proc/self/cgroup") } };

	(void)state;
	cg_parse_mounts(&whole, whole.text[0]);
	cg_parse_own(&whole, whole.text[1]);
	assert_int_equal(sys.n, whole.n);
	assert_int_equal(sys.layout, whole.layout);
	for (size_t i = 0; i < sys.n; i++) {
		const struct cg_tree *t = &sys.trees[i], *other = NULL;

		for (size_t k = 0; k < whole.n; k++)
			if (strcmp(whole.trees[k].mount, t->mount) == 0)
				other = &whole.trees[k];
		assert_non_null(other);
		assert_string_equal(t->root, other->root);
		assert_string_equal(t->own, other->own);
		assert_int_equal(t->unified, other->unified);
		assert_true((t->name && other->name && strcmp(t->name, other->name) == 0) ||
			    t->name == other->name);
		assert_true(t->unified || t->controllers == other->controllers);
	}
	cg_system_done(&whole);
}

static bool there(const char *dir)
{
	struct stat st;

	return stat(dir, &st) == 0;
}

static bool left_in_any_tree(const char *below)
{
	char full[PATH_MAX];

	for (size_t i = 0; i < sys.n; i++) {
		snprintf(full, sizeof(full), "%s/%s", sys.trees[i].mount, below);
		if (there(full))
			return true;
	}
	return false;
}

static int setup(void **state)
{
	(void)state;
	snprintf(path, sizeof(path), "/holm-test-%d", getpid());
	return 0;
}

/* A test that failed leaves what it made; the next ones shall not fail for that. */
static void clean(void)
{
	struct buf text = { 0 };
	struct cg cg = CG_INIT;

	for (size_t i = 0; i < sys.n; i++)
		buf_printf(&text, "%s %s %u 1 %s%s\n", cg_layout_name(sys.layout),
			   sys.trees[i].unified ? "v2" : "v1", sys.trees[i].controllers,
			   sys.trees[i].mount, path);
	if (cg_open(&cg, text.data, &e) == 0) {
		cg_kill(&cg, &e);
		cg_remove(&cg, &e);
	}
	cg_done(&cg);
	buf_done(&text);
}

static int teardown(void **state)
{
	bool left = left_in_any_tree(path);

	(void)state;
	if (left)
		clean();
	return left;
}

static void need_root(void)
{
	if (geteuid() != 0 || sys.layout == CG_NONE)
		skip();
}

/* Uses so much memory; the pointer is volatile lest the compiler think it useless. */
static void use_memory(size_t mb)
{
	for (size_t i = 0; i < mb * 256; i++) {
		char *volatile page = malloc(4096);

		memset(page, 1, 4096);
	}
}

/* A process that does nothing until it is killed. */
static pid_t start_idle(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		sys_prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		for (;;)
			pause();
	}
	return pid;
}

static int end_of(pid_t pid)
{
	int status = 0;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : -WEXITSTATUS(status);
}

static void made_and_removed(void **state)
{
	struct cg cg = CG_INIT;

	(void)state;
	need_root();
	OK(cg_create(&cg, &sys, path, NULL, 0, &e));
	assert_int_equal(cg.n, sys.n);
	for (size_t i = 0; i < cg.n; i++)
		assert_true(there(cg.dirs[i].path));
	assert_int_equal(cg_is_populated(&cg), 0);
	assert_int_equal(cg_is_frozen(&cg), 0);
	OK(cg_remove(&cg, &e));
	assert_false(left_in_any_tree(path));
	OK(cg_remove(&cg, &e)); /* twice is fine */
	cg_done(&cg);
}

/* As a container's is: what its first process is born into, and the rest beside that. */
static void made_in_two_parts(void **state)
{
	struct resources r = RESOURCES_INIT;
	struct cg cg = CG_INIT;
	bool v1 = sys.layout == CG_V1 || sys.layout == CG_HYBRID;
	size_t first;

	(void)state;
	need_root();
	assert_int_equal(cg_create_first(&cg, &sys, path, &r, 0, &e), v1);
	first = cg.n;
	assert_int_equal(first, has_v2());
	for (size_t i = 0; i < first; i++)
		assert_true(cg.dirs[i].unified && there(cg.dirs[i].path));
	if (v1) {
		r.cpuset_cpus = "4000-5000";
		assert_true(cg_create_rest(&cg, &sys, path, &r, 0, &e) < 0);
		assert_int_equal(cg.n, first); /* untouched */
		assert_int_equal(left_in_any_tree(path), first);
		r.cpuset_cpus = NULL;
		OK(cg_create_rest(&cg, &sys, path, &r, 0, &e));
	}
	assert_int_equal(cg.layout, sys.layout);
	assert_int_equal(cg.n, sys.n);
	for (size_t i = 0; i < cg.n; i++)
		assert_true(cg.dirs[i].made == 1 && there(cg.dirs[i].path));
	OK(cg_remove(&cg, &e));
	cg_done(&cg);
}

static void removed_without_a_look(void **state)
{
	struct cg cg = CG_INIT;
	pid_t pid;

	(void)state;
	need_root();
	OK(cg_create(&cg, &sys, path, NULL, 0, &e));
	pid = start_idle();
	OK(cg_attach(&cg, pid, false, &e));
	assert_int_equal(cg_remove_unused(&cg, &e), -EBUSY);
	for (size_t i = 0; i < cg.n; i++)
		assert_true(there(cg.dirs[i].path));
	OK(cg_kill(&cg, &e));
	assert_int_equal(end_of(pid), SIGKILL);
	OK(cg_remove_unused(&cg, &e));
	assert_false(left_in_any_tree(path));
	OK(cg_remove_unused(&cg, &e)); /* twice is fine */
	cg_done(&cg);
}

static void parents_that_were_made_go_too(void **state)
{
	struct cg cg = CG_INIT, other = CG_INIT;
	char deep[128], beside[128];

	(void)state;
	need_root();
	snprintf(deep, sizeof(deep), "%s//a/./b/", path);
	snprintf(beside, sizeof(beside), "%s/a/c", path);
	OK(cg_create(&cg, &sys, deep, NULL, 0, &e));
	OK(cg_create(&other, &sys, beside, NULL, 0, &e));
	OK(cg_remove(&cg, &e)); /* the parents have another child */
	assert_true(left_in_any_tree(path));
	OK(cg_remove(&other, &e));
	assert_true(left_in_any_tree(path)); /* not made by `other` */
	OK(cg_remove(&cg, &e));
	cg_done(&cg);
	cg_done(&other);
	for (size_t i = 0; i < sys.n; i++) {
		snprintf(deep, sizeof(deep), "%s%s/a", sys.trees[i].mount, path);
		rmdir(deep);
		*strrchr(deep, '/') = 0;
		rmdir(deep);
	}
}

static void limits_are_in_force(void **state)
{
	struct resources r = RESOURCES_INIT;
	struct cg cg = CG_INIT;
	struct cg_stats s;
	struct arena *a;

	(void)state;
	need_root();
	a = arena_new();
	r.memory_limit = 64 << 20;
	r.cpu_shares = 512;
	r.cpu_quota_us = 50000;
	r.cpu_period_us = 100000;
	r.pids_limit = 20;
	r.cpuset_cpus = "0";
	OK(cg_create(&cg, &sys, path, &r, 0, &e));
	OK(cg_stats(&cg, a, &s, &e));
	assert_int_equal(s.memory.usage.limit, 64 << 20);
	assert_int_equal(s.pids.limit, 20);
	assert_string_equal(s.cpuset.cpus, "0");
	assert_int_equal(s.pids.current, 0);
	assert_true(s.memory.raw.n > 10);
	assert_true(s.cpu.total_ns != CG_UNKNOWN);
	assert_int_equal(s.memory.oom_kill, 0);

	/* Up and down again, in use or not. */
	r = (struct resources)RESOURCES_INIT;
	r.memory_limit = 128 << 20;
	r.memory_swap = 256 << 20;
	OK(cg_set(&cg, &r, false, &e));
	r.memory_limit = 32 << 20;
	r.memory_swap = 48 << 20;
	OK(cg_set(&cg, &r, false, &e));
	OK(cg_stats(&cg, a, &s, &e));
	assert_int_equal(s.memory.usage.limit, 32 << 20);
	assert_int_equal(s.memory.swap.limit, 48 << 20);
	r.memory_limit = -1;
	r.memory_swap = NOT_GIVEN;
	r.pids_limit = -1;
	OK(cg_set(&cg, &r, false, &e));
	OK(cg_stats(&cg, a, &s, &e));
	assert_int_equal(s.pids.limit, CG_UNKNOWN);
	assert_true(s.memory.usage.limit > (uint64_t)1 << 60);
	OK(cg_remove(&cg, &e));
	cg_done(&cg);
	arena_free(a);
}

static void failure_leaves_nothing(void **state)
{
	struct resources r = RESOURCES_INIT;
	struct cg cg = CG_INIT;
	char deep[128];

	(void)state;
	need_root();
	snprintf(deep, sizeof(deep), "%s/x/y", path);
	r.cpuset_cpus = "4000-5000";
	assert_true(cg_create(&cg, &sys, deep, &r, 0, &e) < 0);
	assert_non_null(strstr(e.text, "cpu.cpus"));
	assert_false(left_in_any_tree(path));
	assert_int_equal(cg.n, 0); /* untouched */
	assert_int_equal(cg_create(&cg, &sys, "/../x", NULL, 0, &e), -EINVAL);
	assert_int_equal(cg_create(&cg, &sys, "/", NULL, 0, &e), -EINVAL);
	assert_int_equal(cg_create(&cg, &sys, "/a\nb", NULL, 0, &e), -EINVAL);
}

static int only_pid_is(struct cg *cg, pid_t pid)
{
	struct cg_pids pids = { 0 };
	int same;

	OK(cg_pids(cg, &pids, &e));
	same = pids.n == 1 && pids.items[0] == pid;
	cg_pids_done(&pids);
	return same;
}

/* Is `pid` in our cgroup in every tree? */
static void assert_inside(pid_t pid)
{
	char file[64], line[512];
	size_t lines = 0, inside = 0;
	FILE *f;

	snprintf(file, sizeof(file), "/proc/%d/cgroup", pid);
	f = fopen(file, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		lines++;
		line[strcspn(line, "\n")] = 0;
		inside += strlen(line) > strlen(path) &&
			  str_eq(line + strlen(line) - strlen(path), path);
	}
	fclose(f);
	assert_true(inside >= sys.n && lines >= sys.n);
}

static void processes_are_moved_and_killed(void **state)
{
	struct cg cg = CG_INIT, opened = CG_INIT;
	char *saved;
	pid_t pid;

	(void)state;
	need_root();
	OK(cg_create(&cg, &sys, path, NULL, 0, &e));
	pid = start_idle();
	OK(cg_attach(&cg, pid, false, &e));
	assert_inside(pid);
	assert_true(only_pid_is(&cg, pid));
	assert_int_equal(cg_is_populated(&cg), 1);
	OK(cg_signal(&cg, SIGCONT, &e));

	/* As a later program does it. */
	saved = cg_save(&cg);
	cg_done(&cg);
	OK(cg_open(&opened, saved, &e));
	free(saved);
	OK(cg_kill(&opened, &e));
	assert_int_equal(end_of(pid), SIGKILL);
	OK(cg_wait_empty(&opened, 5000, &e));
	OK(cg_remove(&opened, &e));
	assert_int_equal(cg_kill(&opened, &e), 0); /* gone */
	cg_done(&opened);
}

static void taken_over_by_another(void **state)
{
	struct cg first = CG_INIT, second = CG_INIT;
	pid_t pid;

	(void)state;
	need_root();
	OK(cg_create(&first, &sys, path, NULL, 0, &e));
	assert_false(cg_is_anothers(&first)); /* cannot be told */
	assert_int_equal(cg_mark_draw(first.mark), 0);
	assert_false(cg_is_anothers(&first)); /* was not marked any more, and is empty */
	pid = start_idle();
	OK(cg_attach(&first, pid, false, &e));
	assert_true(cg_is_anothers(&first)); /* somebody is in it who does not mark */
	assert_int_equal(cg_mark(&first, first.mark), 0);
	assert_false(cg_is_anothers(&first));
	OK(cg_kill(&first, &e));
	assert_int_equal(end_of(pid), SIGKILL);
	OK(cg_wait_empty(&first, 5000, &e));

	/* The same directory. */
	OK(cg_create(&second, &sys, path, NULL, 0, &e));
	assert_int_equal(cg_mark_draw(second.mark), 0);
	assert_string_not_equal(first.mark, second.mark);
	assert_int_equal(cg_mark(&second, second.mark), 0);
	assert_true(cg_is_anothers(&first));
	assert_false(cg_is_anothers(&second));
	OK(cg_remove(&second, &e));
	assert_false(cg_is_anothers(&first)); /* nobody's: there is nothing */
	cg_done(&second);
	cg_done(&first);
}

static void a_child_joins_by_itself(void **state)
{
	struct cg cg = CG_INIT;
	int fds[CG_TREES_MAX], n;
	pid_t pid;

	(void)state;
	need_root();
	OK(cg_create(&cg, &sys, path, NULL, 0, &e));
	n = cg_join_open(&cg, fds, &e);
	assert_true(n >= 0);
	if (has_v2()) {
		struct clone_args args = { .flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD };

		args.cgroup = (unsigned)cg_into_fd(&cg);
		pid = (pid_t)RAW2(SYS_clone3, &args, sizeof(args));
	} else {
		pid = fork();
	}
	if (pid == 0) {
		if (cg_join(fds, n) < 0)
			sys_exit(1);
		for (;;)
			pause();
	}
	while (n > 0)
		close(fds[--n]);
	/* The child writes by itself; it is done when it sleeps. */
	for (int i = 0; i < 1000; i++) {
		char file[64], text[256] = "";
		int fd;

		snprintf(file, sizeof(file), "/proc/%d/wchan", pid);
		fd = open(file, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0 || fd < 0 ||
		    strstr(text, "pause"))
			i = 1000;
		close(fd);
		usleep(1000);
	}
	assert_inside(pid);
	OK(cg_kill(&cg, &e));
	assert_int_equal(end_of(pid), SIGKILL);
	OK(cg_remove(&cg, &e));
	cg_done(&cg);
}

static void frozen_and_thawed(void **state)
{
	struct cg cg = CG_INIT, second = CG_INIT;
	pid_t pid;

	(void)state;
	need_root();
	OK(cg_create(&cg, &sys, path, NULL, 0, &e));
	pid = start_idle();
	OK(cg_attach(&cg, pid, false, &e));
	OK(cg_freeze(&cg, true, &e));
	assert_int_equal(cg_is_frozen(&cg), 1);
	assert_int_equal(cg_create(&second, &sys, path, NULL, 0, &e), -EBUSY);
	assert_non_null(strstr(e.text, "in use"));
	OK(cg_freeze(&cg, false, &e));
	assert_int_equal(cg_is_frozen(&cg), 0);
	OK(cg_freeze(&cg, true, &e));
	OK(cg_kill(&cg, &e)); /* frozen ones too */
	assert_int_equal(end_of(pid), SIGKILL);
	/* Frozen and empty. */
	OK(cg_freeze(&cg, true, &e));
	assert_int_equal(cg_create(&second, &sys, path, NULL, 0, &e), -EBUSY);
	assert_non_null(strstr(e.text, "frozen"));
	OK(cg_freeze(&cg, false, &e));
	/* Empty: taken over. */
	OK(cg_create(&second, &sys, path, NULL, 0, &e));
	OK(cg_remove(&second, &e));
	cg_done(&second);
	OK(cg_remove(&cg, &e));
	cg_done(&cg);
}

static void frozen_by_the_v1_freezer(void **state)
{
	struct cg_dir *d;
	struct cg cg = CG_INIT;
	pid_t pid;

	(void)state;
	need_root();
	if (sys.layout != CG_HYBRID || !has(CG_FREEZER))
		skip();
	OK(cg_create(&cg, &sys, path, NULL, 0, &e));
	pid = start_idle();
	OK(cg_attach(&cg, pid, false, &e));
	d = cg_find(&cg, CG_FREEZER);
	OK(cg_write(d, "freezer.state", "FROZEN"));
	assert_int_equal(cg_is_frozen(&cg), 1);
	OK(cg_freeze(&cg, false, &e));
	assert_int_equal(cg_is_frozen(&cg), 0);
	OK(cg_write(d, "freezer.state", "FROZEN"));
	OK(cg_kill(&cg, &e));
	assert_int_equal(end_of(pid), SIGKILL);
	OK(cg_remove(&cg, &e));
	cg_done(&cg);
}

/* What a container does with its own cgroup: children, and processes in them. */
static void cgroups_below_are_seen_and_removed(void **state)
{
	struct cg cg = CG_INIT;
	struct cg_pids pids = { 0 };
	char below[PATH_MAX], pid_text[16];
	pid_t inner, outer;

	(void)state;
	need_root();
	OK(cg_create(&cg, &sys, path, NULL, 0, &e));
	inner = start_idle();
	outer = start_idle();
	/* In v2 with controllers switched on both may not be in one line; here none are. */
	for (size_t i = 0; i < cg.n; i++) {
		for (const char *p = "/a\0/a/b\0/c\0"; *p; p += strlen(p) + 1) {
			snprintf(below, sizeof(below), "%s%s", cg.dirs[i].path, p);
			assert_int_equal(mkdir(below, 0755), 0);
		}
	}
	OK(cg_attach(&cg, outer, false, &e));
	snprintf(below, sizeof(below), "a/b/cgroup.procs");
	snprintf(pid_text, sizeof(pid_text), "%d", inner);
	OK(cg_write(cg_tracker(&cg), below, pid_text));
	OK(cg_pids(&cg, &pids, &e));
	assert_int_equal(pids.n, 2);
	cg_pids_done(&pids);
	OK(cg_freeze(&cg, true, &e));
	OK(cg_freeze(&cg, false, &e));
	OK(cg_kill(&cg, &e));
	OK(cg_remove(&cg, &e)); /* waits for both to die, by itself */
	assert_int_equal(end_of(inner), SIGKILL);
	assert_int_equal(end_of(outer), SIGKILL);
	cg_done(&cg);
}

static void a_fork_bomb_is_killed(void **state)
{
	struct resources r = RESOURCES_INIT;
	struct cg cg = CG_INIT;
	int start[2];
	pid_t pid;

	(void)state;
	need_root();
	r.pids_limit = 50;
	OK(cg_create(&cg, &sys, path, &r, 0, &e));
	assert_int_equal(pipe(start), 0);
	pid = fork();
	if (pid == 0) {
		char c;

		close(start[1]);
		if (read(start[0], &c, 1) != 0)
			_exit(1);
		for (;;)
			fork();
	}
	OK(cg_attach(&cg, pid, false, &e));
	close(start[0]);
	close(start[1]);
	usleep(50000);
	OK(cg_kill(&cg, &e));
	assert_int_equal(end_of(pid), SIGKILL);
	OK(cg_remove(&cg, &e));
	cg_done(&cg);
}

static void too_much_memory_kills(void **state)
{
	struct resources r = RESOURCES_INIT;
	struct cg cg = CG_INIT;
	int fds[CG_TREES_MAX];
	pid_t pid;

	(void)state;
	need_root();
	if (!has(CG_MEMORY))
		skip();
	r.memory_limit = r.memory_swap = 8 << 20;
	OK(cg_create(&cg, &sys, path, &r, 0, &e));
	assert_int_equal(cg_oom_kills(&cg), 0);
	pid = fork();
	if (pid == 0) {
		int n = cg_join_open(&cg, fds, NULL);

		if (n < 0 || cg_join(fds, n) < 0 || cg_attach(&cg, getpid(), n > 0, NULL) < 0)
			_exit(1);
		use_memory(64);
		_exit(2);
	}
	assert_int_equal(end_of(pid), SIGKILL);
	assert_int_equal(cg_oom_kills(&cg), 1);
	OK(cg_remove(&cg, &e));
	cg_done(&cg);
}

static void lowering_below_usage_can_be_refused(void **state)
{
	struct resources r = RESOURCES_INIT;
	struct cg cg = CG_INIT;
	pid_t pid;
	int ready[2];
	char c;

	(void)state;
	need_root();
	if (!has(CG_MEMORY))
		skip();
	OK(cg_create(&cg, &sys, path, NULL, 0, &e));
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		if (cg_attach(&cg, getpid(), false, NULL) < 0)
			_exit(1);
		use_memory(16);
		if (write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &c, 1), 1);
	close(ready[0]);
	r.memory_limit = 1 << 20;
	r.memory_check_before_update = true;
	assert_int_equal(cg_set(&cg, &r, false, &e), -EBUSY);
	assert_non_null(strstr(e.text, "checkBeforeUpdate"));
	OK(cg_kill(&cg, &e));
	assert_int_equal(end_of(pid), SIGKILL);
	OK(cg_remove(&cg, &e));
	cg_done(&cg);
}

/* 0, or the errno with which a process in `cg` opens the device. */
static int try_open(struct cg *cg, unsigned dev_major, unsigned dev_minor, int flags)
{
	char node[64];
	pid_t pid;
	int r;

	snprintf(node, sizeof(node), "/tmp/holm-test-node-%d", getpid());
	unlink(node);
	if (mknod(node, S_IFCHR | 0600, makedev(dev_major, dev_minor)) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		if (cg_attach(cg, getpid(), false, NULL) < 0)
			_exit(99);
		_exit(open(node, flags | O_CLOEXEC) < 0 ? errno : 0);
	}
	r = -end_of(pid);
	unlink(node);
	return r;
}

static void devices_are_denied(void **state)
{
	struct device_rule rules[] = {
		{ false, 'a', -1, -1, true, true, true },
		{ true, 'c', 1, 3, true, true, true },
		{ true, 'c', 1, 5, .read = true },
	};
	struct resources r = RESOURCES_INIT;
	struct cg cg = CG_INIT;

	(void)state;
	need_root();
	r.devices.items = rules;
	r.devices.n = ARRAY_SIZE(rules);
	OK(cg_create(&cg, &sys, path, &r, 0, &e));
	if (cg.devices_open) {
		OK(cg_remove(&cg, &e));
		cg_done(&cg);
		skip();
	}
	assert_int_equal(try_open(&cg, 1, 3, O_RDWR), 0);
	assert_int_equal(try_open(&cg, 1, 5, O_RDONLY), 0);
	assert_int_equal(try_open(&cg, 1, 5, O_RDWR), EPERM);
	assert_int_equal(try_open(&cg, 1, 7, O_RDONLY), EPERM);
	/* Later: others. */
	rules[1].minor = 7;
	OK(cg_set(&cg, &r, false, &e));
	assert_int_equal(try_open(&cg, 1, 3, O_RDONLY), EPERM);
	assert_int_equal(try_open(&cg, 1, 7, O_RDONLY), 0);
	OK(cg_remove(&cg, &e));
	cg_done(&cg);
}

static void a_lost_rule_is_refused_on_v1(void **state)
{
	struct device_rule rules[] = {
		{ false, 'a', -1, -1, true, true, true },
		{ true, 'c', 1, -1, true, true, true },
		{ false, 'c', 1, 5, true, true, true },
	};
	struct resources r = RESOURCES_INIT;
	struct cg cg = CG_INIT;

	(void)state;
	need_root();
	if (!has(CG_DEVICES))
		skip();
	r.devices.items = rules;
	r.devices.n = ARRAY_SIZE(rules);
	assert_int_equal(cg_create(&cg, &sys, path, &r, 0, &e), -EINVAL);
	assert_non_null(strstr(e.text, "wider rule"));
}

static void only_what_is_wanted(void **state)
{
	struct resources r = RESOURCES_INIT;
	struct cg cg = CG_INIT;
	size_t most = sys.layout == CG_V2 ? sys.n : 2;

	(void)state;
	need_root();
	r.pids_limit = 7;
	OK(cg_create(&cg, &sys, path, &r, CG_WANTED_ONLY, &e));
	assert_true(cg.n <= most);
	assert_non_null(cg_path(&cg, CG_PIDS));
	OK(cg_remove(&cg, &e));
	cg_done(&cg);
}

/* An ordinary user: nothing, unless limits are asked for. */
static void without_rights(void **state)
{
	struct resources r = RESOURCES_INIT;
	struct cg cg = CG_INIT;
	bool tracking;
	pid_t pid;

	(void)state;
	need_root();
	pid = fork();
	if (pid == 0) {
		r.pids_limit = 7;
		if (setresgid(54321, 54321, 54321) < 0 || setresuid(54321, 54321, 54321) < 0)
			_exit(1);
		if (cg_delegated(&sys, &tracking) != 0 || tracking)
			_exit(2);
		if (cg_create(&cg, &sys, path, NULL, CG_IF_ALLOWED, &e) != 0 ||
		    cg.layout != CG_NONE || cg_attach(&cg, getpid(), false, NULL) != 0)
			_exit(3);
		if (cg_create(&cg, &sys, path, &r, CG_IF_ALLOWED, &e) >= 0 ||
		    !strstr(e.text, "delegated"))
			_exit(4);
		if (cg_create(&cg, &sys, path, NULL, 0, &e) != -EACCES)
			_exit(5);
		_exit(0);
	}
	assert_int_equal(end_of(pid), 0);
}

/* In a tree where every level is new; a cpuset is of no use until it is filled. */
static void deep_ones_can_be_entered(void **state)
{
	struct resources r = RESOURCES_INIT;
	struct cg cg = CG_INIT;
	char deep[128];
	pid_t pid;

	(void)state;
	need_root();
	snprintf(deep, sizeof(deep), "%s/one/two/three", path);
	r.pids_limit = 9;
	r.memory_limit = 32 << 20;
	OK(cg_create(&cg, &sys, deep, &r, 0, &e));
	pid = start_idle();
	OK(cg_attach(&cg, pid, false, &e));
	assert_true(only_pid_is(&cg, pid));
	OK(cg_kill(&cg, &e));
	assert_int_equal(end_of(pid), SIGKILL);
	OK(cg_remove(&cg, &e));
	cg_done(&cg);
}

static void usage_is_counted(void **state)
{
	struct arena *a;
	struct cg cg = CG_INIT;
	struct cg_stats s;
	pid_t pid;

	(void)state;
	need_root();
	a = arena_new();
	OK(cg_create(&cg, &sys, path, NULL, 0, &e));
	pid = fork();
	if (pid == 0) {
		volatile unsigned count = 0;

		if (cg_attach(&cg, getpid(), false, NULL) < 0)
			_exit(1);
		use_memory(4);
		for (;;)
			count = count + 1;
	}
	usleep(100000);
	OK(cg_freeze(&cg, true, &e));
	OK(cg_stats(&cg, a, &s, &e));
	assert_true(s.cpu.total_ns > 1000000 && s.cpu.total_ns != CG_UNKNOWN);
	assert_true(s.memory.usage.usage >= 4 << 20 && s.memory.usage.usage != CG_UNKNOWN);
	assert_int_equal(s.pids.current, 1);
	if (sys.layout != CG_V2) {
		assert_true(s.cpu.percpu_ns.n > 0);
		assert_true(s.cpuset.flags.n > 5);
		assert_true(s.memory.usage.max_usage >= s.memory.usage.usage);
	} else {
		assert_true(s.memory.pressure.known);
		assert_true(s.memory.events.n > 0);
	}
	OK(cg_kill(&cg, &e));
	assert_int_equal(end_of(pid), SIGKILL);
	OK(cg_remove(&cg, &e));
	cg_done(&cg);
	arena_free(a);
}

/* v2 switches nothing on for the children of a cgroup that has processes. */
static void a_parent_with_processes_is_named(void **state)
{
	struct resources r = RESOURCES_INIT;
	struct cg cg = CG_INIT, child = CG_INIT;
	char below[128];
	pid_t pid;

	(void)state;
	need_root();
	if (sys.layout != CG_V2)
		skip();
	OK(cg_create(&cg, &sys, path, NULL, 0, &e));
	pid = start_idle();
	OK(cg_attach(&cg, pid, false, &e));
	snprintf(below, sizeof(below), "%s/child", path);
	r.pids_limit = 9;
	assert_int_equal(cg_create(&child, &sys, below, &r, 0, &e), -EBUSY);
	assert_non_null(strstr(e.text, "holds processes itself"));
	assert_non_null(strstr(e.text, "+pids"));
	/* Without limits it may be there, and be killed by. */
	OK(cg_create(&child, &sys, below, NULL, 0, &e));
	OK(cg_attach(&child, pid, false, &e));
	OK(cg_kill(&child, &e));
	assert_int_equal(end_of(pid), SIGKILL);
	OK(cg_remove(&child, &e));
	cg_done(&child);
	OK(cg_remove(&cg, &e));
	cg_done(&cg);
}

#define USER 54321

/* What an administrator does: the directory of each tree, and the files to move and switch by. */
static void delegate(const struct cg *cg)
{
	static const char *const files[] = { "", "/cgroup.procs", "/tasks", "/cgroup.threads",
					     "/cgroup.subtree_control" };
	char name[PATH_MAX + 32];

	for (size_t i = 0; i < cg->n; i++) {
		for (size_t f = 0; f < ARRAY_SIZE(files); f++) {
			snprintf(name, sizeof(name), "%s%s", cg->dirs[i].path, files[f]);
			if (chown(name, USER, USER) < 0)
				assert_int_equal(errno, ENOENT);
		}
	}
}

/* As that user, from inside: 0, or the line that went wrong. */
static int use_delegated(void)
{
	struct device_rule rule = { false, 'a', -1, -1, true, true, true };
	struct resources r = RESOURCES_INIT;
	struct cg_system mine;
	struct cg cg = CG_INIT;
	bool tracking;
	pid_t pid;

	if (setresgid(USER, USER, USER) < 0 || setresuid(USER, USER, USER) < 0)
		return __LINE__;
	if (cg_probe(&mine, &e) < 0)
		return __LINE__;
	if (!(cg_delegated(&mine, &tracking) & CG_BIT(CG_PIDS)) || tracking != has_v2())
		return __LINE__;
	r.pids_limit = 5;
	r.memory_limit = 16 << 20;
	r.devices.items = &rule;
	r.devices.n = 1;
	if (cg_create(&cg, &mine, "mine/box", &r, CG_IF_ALLOWED, &e) < 0)
		return __LINE__;
	if (!cg.devices_open || !cg_path(&cg, CG_PIDS))
		return __LINE__;
	pid = start_idle();
	if (cg_attach(&cg, pid, false, &e) < 0 || cg_freeze(&cg, true, &e) < 0 ||
	    cg_kill(&cg, &e) < 0 || end_of(pid) != SIGKILL || cg_remove(&cg, &e) < 0)
		return __LINE__;
	cg_done(&cg);
	cg_system_done(&mine);
	return 0;
}

static void a_delegated_subtree_is_used(void **state)
{
	struct cg cg = CG_INIT, inner = CG_INIT;
	char own[128];
	pid_t pid;

	(void)state;
	need_root();
	OK(cg_create(&cg, &sys, path, NULL, 0, &e));
	/* On v2 the user's own processes are in a leaf of it; below is where a relative path leads.
	 */
	snprintf(own, sizeof(own), "%s%s", path, sys.layout == CG_V2 ? "/session" : "");
	if (sys.layout == CG_V2)
		OK(cg_create(&inner, &sys, own, NULL, 0, &e));
	delegate(&cg);
	delegate(&inner);
	pid = fork();
	if (pid == 0) {
		int line;

		if (cg_attach(inner.n ? &inner : &cg, getpid(), false, NULL) < 0)
			_exit(255);
		line = use_delegated();
		if (line)
			fprintf(stderr, "# line %d: %s\n", line, e.text);
		_exit(line ? 1 : 0);
	}
	assert_int_equal(end_of(pid), 0);
	OK(cg_remove(&cg, &e));
	cg_done(&inner);
	cg_done(&cg);
}

/* In a hybrid machine hugetlb may be the v2 tree's, which is switched on at its root. */
static void huge_pages_where_they_are(void **state)
{
	struct hugepage_limit huge = { "2MB", 4 << 20 };
	struct resources r = RESOURCES_INIT;
	struct arena *a;
	struct cg cg = CG_INIT;
	struct cg_stats s;
	bool seen = false;

	(void)state;
	need_root();
	if (!getenv("HOLM_TEST_VM") || !has(CG_HUGETLB))
		skip(); /* the root of that tree belongs to the machine */
	a = arena_new();
	r.hugepages.items = &huge;
	r.hugepages.n = 1;
	OK(cg_create(&cg, &sys, path, &r, 0, &e));
	OK(cg_stats(&cg, a, &s, &e));
	for (size_t i = 0; i < s.hugetlb.n; i++)
		seen |= str_eq(s.hugetlb.items[i].size, "2MB") &&
			s.hugetlb.items[i].count.limit == 4 << 20 &&
			s.hugetlb.items[i].count.usage == 0;
	assert_true(seen);
	OK(cg_remove(&cg, &e));
	cg_done(&cg);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		cmocka_unit_test(trees_are_those_of_mountinfo),
		T(made_and_removed),
		T(made_in_two_parts),
		T(removed_without_a_look),
		T(parents_that_were_made_go_too),
		T(limits_are_in_force),
		T(failure_leaves_nothing),
		T(processes_are_moved_and_killed),
		T(taken_over_by_another),
		T(a_child_joins_by_itself),
		T(frozen_and_thawed),
		T(frozen_by_the_v1_freezer),
		T(cgroups_below_are_seen_and_removed),
		T(a_fork_bomb_is_killed),
		T(too_much_memory_kills),
		T(lowering_below_usage_can_be_refused),
		T(devices_are_denied),
		T(a_lost_rule_is_refused_on_v1),
		T(only_what_is_wanted),
		T(without_rights),
		T(deep_ones_can_be_entered),
		T(usage_is_counted),
		T(a_parent_with_processes_is_named),
		T(a_delegated_subtree_is_used),
		T(huge_pages_where_they_are),
	};

	return cmocka_run_group_tests(tests, probe_all, done_all);
}
