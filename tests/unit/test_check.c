/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Decisions: a wish and a made-up machine go in, what will be done or one clear refusal comes out.
 */
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "fake_facts.h"

/* "field=value" words and the command "true"; the result of check. */
static int decide(struct spec **out, const struct facts *f, struct err *e, const char *const *words)
{
	struct spec *s = spec_new();
	const char **slot;

	*out = s;
	for (; *words; words++) {
		const char *eq = strchr(*words, '=');
		char *name = arena_strndup(s->arena, *words, (size_t)(eq - *words));

		assert_int_equal(spec_set(s, name, eq + 1, e), 0);
	}
	slot = arena_push(s->arena, &s->command.items, &s->command.n, sizeof(*slot));
	*slot = "true";
	return spec_check(s, f, e);
}

#define WORDS(...) ((const char *const[]){ __VA_ARGS__ __VA_OPT__(, ) NULL })

static struct spec *decided(const struct facts *f, const char *const *words)
{
	struct err e = { 0 };
	struct spec *s;

	if (decide(&s, f, &e, words) < 0)
		fail_msg("%s", e.text);
	return s;
}

static void refused(const struct facts *f, int code, const char *expected, const char *const *words)
{
	struct err e = { 0 };
	struct spec *s;
	int r = decide(&s, f, &e, words);

	if (r != -code || !strstr(e.text, expected))
		print_message("wanted %d \"%s\", got %d \"%s\"\n", -code, expected, r, e.text);
	assert_int_equal(r, -code);
	assert_non_null(strstr(e.text, expected));
	spec_free(s);
}

static void paths_are_made_normal(void **state)
{
	struct arena *a = arena_new();
	static const char *const cases[][3] = {
		{ "/", "/", "/" },
		{ "/", "/a//b/", "/a/b" },
		{ "/x", "a", "/x/a" },
		{ "/x/y", "../z", "/x/z" },
		{ "/x", "../../../z", "/z" },
		{ "/x", "./.", "/x" },
		{ "/x", "/..", "/" },
		{ "/", "a/./b/../c", "/a/c" },
		{ "/x", "/a/..b/c..", "/a/..b/c.." },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(path_normal(a, cases[i][0], cases[i][1]), cases[i][2]);
	assert_true(path_below("/a/b", "/a"));
	assert_true(path_below("/a", "/a"));
	assert_false(path_below("/ab", "/a"));
	assert_true(path_below("/x", "/"));
	arena_free(a);
}

static void defaults_are_strict(void **state)
{
	struct facts f = fake_facts(1000);
	struct spec *s = decided(&f, WORDS());
	const struct decided *d = &s->d;

	(void)state;
	assert_int_equal(d->clone_flags,
			 0x3e020000); /* all but net and time: the helper's, and late */
	assert_true(d->init_is_pid1 && d->new_root && d->share_memory);
	assert_true(d->beside && d->late_time_ns && !d->loopback);
	assert_int_equal(d->map_by, MAP_BY_CHILD);
	assert_string_equal(d->uid_map, "1000 1000 1\n");
	assert_true(d->deny_setgroups);
	assert_true(d->seal.no_new_privs);
	assert_true(d->seal.caps == 0);
	assert_true(d->die_with_parent);
	assert_string_equal(d->hostname, "holm");
	assert_string_equal(d->seal.cwd, "/");
	assert_int_equal(d->seal.umask, 022);
	spec_free(s);
}

static void environment_is_clean(void **state)
{
	struct facts f = fake_facts(1000);
	struct spec *s = decided(&f, WORDS("env=A=1", "env=TERM", "env=NOPE", "env=PATH=/x"));
	struct buf all = { 0 };

	(void)state;
	for (char **p = s->d.main.envp; *p; p++)
		buf_printf(&all, "%s ", *p);
	assert_string_equal(all.data, "PATH=/x HOME=/tmp LANG=en_US.UTF-8 A=1 TERM=xterm ");
	buf_done(&all);
	spec_free(s);
	s = decided(&f, WORDS("keep-env=true"));
	assert_string_equal(s->d.main.envp[2], "SECRET=1");
	spec_free(s);
}

static void maps(void **state)
{
	struct facts f = fake_facts(1000), root = fake_facts(0);
	struct id_range sub = { 0, 100000, 65536 };
	struct spec *s;

	(void)state;
	f.subuids.items = f.subgids.items = &sub;
	f.subuids.n = f.subgids.n = 1;
	s = decided(&f, WORDS("user=root"));
	assert_string_equal(s->d.uid_map, "0 1000 1\n");
	spec_free(s);
	s = decided(&f, WORDS("map-auto=true", "user=root"));
	assert_string_equal(s->d.uid_map, "0 1000 1\n1 100000 65536\n");
	assert_int_equal(s->d.map_by, MAP_BY_HELPER);
	assert_false(s->d.deny_setgroups);
	spec_free(s);
	s = decided(&f, WORDS("map-auto=true"));
	assert_string_equal(s->d.uid_map, "1000 1000 1\n0 100000 1000\n1001 101000 64536\n");
	spec_free(s);
	s = decided(&root, WORDS("map-users=0:5000:10", "map-groups=0:5000:10"));
	assert_int_equal(s->d.map_by, MAP_BY_PARENT);
	assert_true(s->d.early_ids);
	assert_int_equal(s->d.seal.uid, 0);
	spec_free(s);
	root.extra_groups = true; /* then they are dropped, which takes the parent */
	s = decided(&root, WORDS());
	assert_int_equal(s->d.map_by, MAP_BY_PARENT);
	assert_true(s->d.seal.drop_groups);
	spec_free(s);
}

static void groups_where_they_are_denied(void **state)
{
	struct facts f = fake_facts(1000), root = fake_facts(0);
	struct spec *s;

	(void)state;
	f.extra_groups = true;
	s = decided(&f, WORDS("join=user=1", "user=0"));
	assert_true(s->d.seal.drop_groups);
	spec_free(s);
	f.setgroups_denied = true; /* then they stay */
	s = decided(&f, WORDS("join=user=1", "user=0"));
	assert_false(s->d.seal.drop_groups);
	assert_true(s->d.early_ids);
	spec_free(s);
	root.extra_groups = root.setgroups_denied = true;
	s = decided(&root, WORDS("share=user", "user=1:1"));
	assert_false(s->d.seal.drop_groups);
	spec_free(s);
	s = decided(&root, WORDS("map-users=0:0:9", "map-groups=0:0:9"));
	assert_int_equal(s->d.map_by, MAP_BY_PARENT);
	assert_true(s->d.deny_setgroups);
	assert_false(s->d.seal.drop_groups);
	spec_free(s);
}

static void maps_that_are_refused(void **state)
{
	struct facts f = fake_facts(1000), root = fake_facts(0);

	(void)state;
	refused(&f, EPERM, "belong to the system", WORDS("map-users=0:0:1"));
	refused(&f, EPERM, "\"me:100000:10\" to /etc/subuid", WORDS("map-users=0:100000:10"));
	refused(&f, ENOENT, "/etc/subuid", WORDS("map-auto=true"));
	refused(&f, EINVAL, "neither root nor UID", WORDS("user=bob"));
	refused(&root, EINVAL, "overlap", WORDS("map-users=0:1:10", "map-users=5:100:1"));
	refused(&root, EINVAL, "overlap", WORDS("map-users=0:1:10", "map-users=50:5:1"));
	refused(&root, EINVAL, "no place in the map", WORDS("map-users=0:1:10", "user=99"));
	refused(&root, EINVAL, "goes without", WORDS("map-auto=true", "map-users=0:1:1"));
	refused(&root, EINVAL, "has its maps already", WORDS("share=user", "map-users=0:1:1"));
}

static void without_a_working_directory(void **state)
{
	struct facts f = fake_facts(1000);

	(void)state;
	f.cwd = NULL;
	refused(&f, ENOENT, "mount: \".\" begins at", WORDS("bind=.:/mnt"));
	refused(&f, ENOENT, "mount: \"x\" begins at", WORDS("ro-bind=x"));
	refused(&f, ENOENT, "rootfs: \".\" begins at", WORDS("rootfs=."));
	refused(&f, ENOENT, "overlay: \"x\" begins at", WORDS("rootfs=/srv/root", "overlay=x"));
	refused(&f, ENOENT, "overlay: \"b\" begins at", WORDS("overlay=/srv/root:b:/mnt"));
	refused(&f, ENOENT, "work: \".\" begins at", WORDS("work=."));
	f.fallback_active = true;
	refused(&f, ENOENT, "work: \".\" begins at", WORDS("fallback=landlock", "work=."));
	f.fallback_active = false;
	spec_free(decided(&f, WORDS("bind=/srv/root:/mnt")));
	spec_free(decided(&f, WORDS("share=mnt")));
}

static void combinations_that_are_refused(void **state)
{
	struct facts f = fake_facts(1000), root = fake_facts(0);

	(void)state;
	refused(&f, EINVAL, "as-pid1", WORDS("as-pid1=true", "share=pid"));
	refused(&f, EINVAL, "as-pid1", WORDS("as-pid1=true", "service=a=b"));
	refused(&f, EINVAL, "hostname", WORDS("share=uts", "hostname=x"));
	refused(&f, EINVAL, "time-offset", WORDS("share=time", "time-offset=monotonic=1"));
	refused(&f, EINVAL, "mount namespace is shared", WORDS("share=mnt", "tmpfs=/x"));
	refused(&f, EINVAL, "exclude each other", WORDS("rootfs=/srv/root", "host-root=true"));
	refused(&f, EINVAL, "goes with rootfs", WORDS("writable=true"));
	refused(&f, EINVAL, "goes with rootfs", WORDS("overlay=tmp"));
	refused(&f, ENOENT, "rootfs: /nope", WORDS("rootfs=/nope"));
	refused(&f, ENOTDIR, "work: /home/me/prog", WORDS("work=prog"));
	refused(&f, EINVAL, "hide the root", WORDS("tmpfs=/"));
	refused(&f, EINVAL, "hide the root", WORDS("proc=//"));
	refused(&f, EPERM, "idmap", WORDS("bind=/srv/root:/x:idmap"));
	refused(&f, EINVAL, "umask", WORDS("umask=999"));
	refused(&f, EINVAL, "nice", WORDS("nice=20"));
	refused(&f, EINVAL, "nice", WORDS("nice=-21"));
	refused(&f, EINVAL, "hostname", WORDS("hostname=a/b"));
	refused(&root, EINVAL, "exempts user 0", WORDS("rlimit=nproc=5"));
}

static const struct mnt *mount_at(const struct spec *s, const char *dst)
{
	for (size_t i = s->d.mounts.n; i-- > 0;)
		if (str_eq(s->d.mounts.items[i].dst, dst))
			return &s->d.mounts.items[i];
	return NULL;
}

static void default_root(void **state)
{
	struct facts f = fake_facts(1000), root = fake_facts(0);
	struct spec *s = decided(&f, WORDS());

	(void)state;
	assert_int_equal(mount_at(s, "/usr")->kind, MNT_BIND);
	assert_int_equal(mount_at(s, "/bin")->kind, MNT_SYMLINK);
	assert_string_equal(mount_at(s, "/etc/localtime")->src, "/usr/share/zoneinfo/Etc/UTC");
	assert_null(mount_at(s, "/lib32"));
	assert_null(mount_at(s, "/etc/resolv.conf")); /* no network, no resolver */
	assert_non_null(mount_at(s, "/proc/keys"));
	assert_true(mount_at(s, "/proc/acpi")->optional); /* not every kernel has it */
	assert_int_equal(mount_at(s, "/proc/scsi")->is, MNT_IS_DIR);
	assert_null(mount_at(s, "/proc/timer_list")); /* only root can read it */
	spec_free(s);
	s = decided(&root, WORDS("share=net"));
	assert_non_null(mount_at(s, "/proc/timer_list"));
	assert_string_equal(mount_at(s, "/etc/resolv.conf")->data, "nameserver 192.0.2.1\n");
	assert_non_null(mount_at(s, "/etc/services"));
	spec_free(s);
	s = decided(&f, WORDS("proc=/proc:full", "tmpfs=/tmp:size=1m"));
	assert_null(mount_at(s, "/proc/keys"));
	assert_int_equal(mount_at(s, "/tmp")->kind, MNT_TMPFS);
	spec_free(s);
}

static void command_outside_is_shown(void **state)
{
	struct facts f = fake_facts(1000);
	struct spec *s = spec_new();
	const char **slot = arena_push(s->arena, &s->command.items, &s->command.n, sizeof(*slot));

	(void)state;
	*slot = "./prog";
	assert_int_equal(spec_check(s, &f, NULL), 0);
	assert_string_equal(s->d.main.path, "/home/me/prog");
	assert_string_equal(s->d.main.argv[0], "./prog");
	assert_int_equal(mount_at(s, "/home/me/prog")->kind, MNT_BIND);
	*slot = "/usr/bin/true";
	assert_int_equal(spec_check(s, &f, NULL), 0);
	assert_null(mount_at(s, "/usr/bin/true"));
	*slot = "./nope";
	assert_int_equal(spec_check(s, &f, NULL), -ENOENT);
	*slot = "/home/me";
	assert_int_equal(spec_check(s, &f, NULL), -EACCES);
	spec_free(s);
}

static void time_offsets(void **state)
{
	struct facts f = fake_facts(1000);
	struct spec *s =
		decided(&f, WORDS("time-offset=monotonic=+3d", "time-offset=boottime=-500ms"));

	(void)state;
	assert_string_equal(s->d.time_offsets, "monotonic 259200 0\nboottime -1 500000000\n");
	assert_false(s->d.enter_time_ns); /* exec does it */
	spec_free(s);
	f.exec_enters_time_ns = false; /* an older kernel: no memory is shared */
	s = decided(&f, WORDS());
	assert_true(s->d.late_time_ns && s->d.enter_time_ns);
	assert_false(s->d.share_memory);
	assert_int_equal(s->d.clone_flags, 0x7e020000);
	spec_free(s);
}

static void fallback(void **state)
{
	struct facts f = fake_facts(1000);
	struct spec *s;

	(void)state;
	f.fallback_active = true;
	s = decided(&f, WORDS("fallback=landlock", "ro-bind=/srv/root", "work=/home/me"));
	assert_int_equal(s->d.clone_flags, 0);
	assert_false(s->d.new_root);
	assert_true(s->d.seal.landlock_on && s->d.seal.no_inet && s->d.seal.no_new_privs);
	assert_string_equal(s->d.seal.cwd, "/home/me");
	assert_int_equal(s->d.notes.n, 1);
	assert_non_null(strstr(s->d.notes.items[0], "can also send signals"));
	spec_free(s);
	f.signals_scoped = true; /* Linux 6.12 */
	s = decided(&f, WORDS("fallback=landlock"));
	assert_non_null(strstr(s->d.notes.items[0], "Not isolated: process list"));
	assert_null(strstr(s->d.notes.items[0], "signals"));
	spec_free(s);
	refused(&f, EINVAL, "fallback landlock", WORDS("fallback=landlock", "rootfs=/srv/root"));
	refused(&f, EINVAL, "at its own path", WORDS("fallback=landlock", "bind=/srv/root:/x"));
}

static void limits(void **state)
{
	struct facts f = fake_facts(1000);
	struct spec *s =
		decided(&f, WORDS("memory=64m", "memory-low=32m", "cpus=1.5", "pids=20",
				  "cpuset=0-1,3", "cpu-weight=50", "io-weight=10000",
				  "io-max=data:rbps=1m,wiops=10", "io-max=259:0:riops=5",
				  "hugetlb=2MB=4m", "hugetlb=1g=0", "devices=c 10:229 rw"));
	const struct resources *r = s->d.resources;

	(void)state;
	assert_true(s->d.cgroup && s->d.own_cgroup_ns && r->of_box && r->swap_implied);
	assert_int_equal(s->d.clone_flags & ns_table[NS_CGROUP].clone_flag, 0);
	assert_int_equal(r->memory_limit, 64 << 20);
	assert_int_equal(r->memory_swap, 64 << 20);
	assert_int_equal(r->memory_reservation, 32 << 20);
	assert_int_equal(r->cpu_quota_us, 150000);
	assert_int_equal(r->cpu_period_us, 100000);
	assert_int_equal(r->io_read_bps.n, 1);
	assert_int_equal(r->io_read_bps.items[0].minor, 16);
	assert_int_equal(r->io_read_iops.items[0].major, 259);
	assert_int_equal(r->io_write_iops.items[0].value, 10);
	assert_string_equal(r->hugepages.items[0].size, "2MB");
	assert_string_equal(r->hugepages.items[1].size, "1GB");
	assert_int_equal(r->devices.n, 11);
	/* Who can run out of memory is killed with all who share it. */
	assert_true(!s->d.share_memory && s->d.beside);
	spec_free(s);

	s = decided(&f, WORDS("memory=64m", "swap=1m"));
	assert_int_equal(s->d.resources->memory_swap, 65 << 20);
	assert_false(s->d.resources->swap_implied);
	spec_free(s);
	s = decided(&f, WORDS("limits=best-effort")); /* of no limit */
	assert_true(!s->d.cgroup && !s->d.own_cgroup_ns && s->d.share_memory);
	spec_free(s);
	s = decided(&f, WORDS("pids=5"));
	assert_true(s->d.share_memory);
	spec_free(s);
	refused(&f, EINVAL, "swap: is counted on top of memory", WORDS("swap=1m"));
	refused(&f, EINVAL, "memory-low: is more than memory", WORDS("memory=1m", "memory-low=2m"));
	refused(&f, EINVAL, "is not MAJOR:MINOR", WORDS("io-max=8:x:rbps=1"));
	refused(&f, ENOENT, "io-max: nowhere: cannot tell", WORDS("io-max=nowhere:rbps=1"));
	refused(&f, ERANGE, "swap: is too large",
		WORDS("memory=4611686018427387904", "swap=4611686018427387904"));
}

/* Each by itself: 0, or the start of what is said. */
static void values_of_limits(void **state)
{
	static const struct {
		const char *field, *value;
		bool good;
	} cases[] = {
		{ "memory", "512", true },
		{ "memory", "0", false },
		{ "memory", "-1", false },
		{ "memory", "1e30", false },
		{ "memory", "5q", false },
		{ "memory", "99999999999999999999", false },
		{ "memory", "", false },
		{ "memory", "9t", true },
		{ "swap", "0", true },
		{ "swap", "-1", false },
		{ "cpus", "0.01", true },
		{ "cpus", "0.009", false },
		{ "cpus", "8192", true },
		{ "cpus", "8192.1", false },
		{ "cpus", "8193", false },
		{ "cpus", "0", false },
		{ "cpus", "1.", false },
		{ "cpus", ".5", false },
		{ "cpus", "1.123456", false },
		{ "cpus", "nan", false },
		{ "cpus", "1e3", false },
		{ "cpu-weight", "1", true },
		{ "cpu-weight", "0", false },
		{ "cpu-weight", "10001", false },
		{ "io-weight", "100", true },
		{ "io-weight", "1.5", false },
		{ "pids", "2", true },
		{ "pids", "1", false },
		{ "pids", "4194305", false },
		{ "cpuset", "0", true },
		{ "cpuset", "0-3,7", true },
		{ "cpuset", "3-1", false },
		{ "cpuset", "", false },
		{ "cpuset", "0,", false },
		{ "cpuset", "8192", false },
		{ "io-max", "8:0:rbps=1m", true },
		{ "io-max", "/a:b:wbps=1", true },
		{ "io-max", "8:0", false },
		{ "io-max", ":rbps=1", false },
		{ "io-max", "8:0:rbps=0", false },
		{ "io-max", "8:0:rbps=1,x=2", false },
		{ "io-max", "8:0:", false },
		{ "hugetlb", "2m=64m", true },
		{ "hugetlb", "2MB=0", true },
		{ "hugetlb", "3m=1m", false },
		{ "hugetlb", "1k=1m", false },
		{ "hugetlb", "2m", false },
		{ "hugetlb", "=1", false },
		{ "devices", "c 1:3", true },
		{ "devices", "b *:* m", true },
		{ "devices", "a *:* rwm", false },
		{ "devices", "c 1:3 x", false },
		{ "devices", "c 1 r", false },
		{ "devices", "c 1:3 ", false },
		{ "limits", "strict", true },
		{ "limits", "none", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct spec *s = spec_new();
		struct err e = { 0 };
		int r = spec_set(s, cases[i].field, cases[i].value, &e);

		if ((r == 0) != cases[i].good || (r < 0 && !str_starts(e.text, cases[i].field)))
			fail_msg("%s=%s: %d %s", cases[i].field, cases[i].value, r, e.text);
		spec_free(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_are_made_normal),
		cmocka_unit_test(defaults_are_strict),
		cmocka_unit_test(environment_is_clean),
		cmocka_unit_test(limits),
		cmocka_unit_test(values_of_limits),
		cmocka_unit_test(maps),
		cmocka_unit_test(groups_where_they_are_denied),
		cmocka_unit_test(maps_that_are_refused),
		cmocka_unit_test(without_a_working_directory),
		cmocka_unit_test(combinations_that_are_refused),
		cmocka_unit_test(default_root),
		cmocka_unit_test(command_outside_is_shown),
		cmocka_unit_test(time_offsets),
		cmocka_unit_test(fallback),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
