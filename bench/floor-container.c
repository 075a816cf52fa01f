/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's own price for a container: the namespaces, cgroups, mounts and exec that `holm-oci
 *run` makes of the configuration of `holm-oci spec` with three limits, and nothing besides: no
 *configuration is read, no state written, nothing checked.
 *
 *	floor-container ROOTFS PROG [ARG...]
 *
 * On cgroup v1, as bench/oci shows it to all. The exit status is PROG's. A step that fails ends it
 *with 125 and the line, and what it has made stays.
 */
#include <linux/capability.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sysmacros.h>

#include "floor.h"

#define NAMESPACES (CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS)
#define CGROUPS    "/sys/fs/cgroup"
#define MAX_TREES  16

/* A hierarchy of v1: what mounts it ("cpu", or "name=systemd"), its directory, and the cgroup that
 * we make below ours. */
struct tree {
	char options[64], made[512];
};

static struct tree trees[MAX_TREES];
static size_t n_trees;
static const char *rootfs;
static char **prog;

/* ---- cgroups ---- */

static const char *place_of(const struct tree *t)
{
	return t->options + (strncmp(t->options, "name=", 5) == 0 ? 5 : 0);
}

static void find_trees(void)
{
	FILE *f = fopen("/proc/self/cgroup", "re");
	char line[512], ours[300];

	MUST(f ? 0 : -1);
	while (n_trees < MAX_TREES && fgets(line, sizeof(line), f)) {
		struct tree *t = &trees[n_trees];

		if (sscanf(line, "%*d:%63[^:]:%299s", t->options, ours) != 2)
			continue; /* "0::": the tree of v2 */
		snprintf(t->made, sizeof(t->made), CGROUPS "/%s%s/floor-%d", place_of(t),
			 strcmp(ours, "/") == 0 ? "" : ours, (int)getpid());
		n_trees++;
	}
	fclose(f);
}

static void set(const struct tree *t, const char *file, const char *text)
{
	char path[600];

	snprintf(path, sizeof(path), "%s/%s", t->made, file);
	put(path, 0, text);
}

/* A new cpuset is empty, and takes nobody. */
static void like_parent(const struct tree *t, const char *file)
{
	char path[600], text[256];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/../%s", t->made, file);
	fd = open(path, O_RDONLY);
	MUST(fd);
	n = read(fd, text, sizeof(text) - 1);
	MUST(n);
	text[n] = 0;
	close(fd);
	set(t, file, text);
}

static void set_devices(const struct tree *t)
{
	static const char *const allowed[] = {
		"c *:* m",   "b *:* m",   "c 1:3 rwm", "c 1:8 rwm",   "c 1:7 rwm", "c 5:0 rwm",
		"c 1:5 rwm", "c 1:9 rwm", "c 5:1 rwm", "c 136:* rwm", "c 5:2 rwm",
	};

	set(t, "devices.deny", "a");
	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
		set(t, "devices.allow", allowed[i]);
}

static void make_cgroup(const struct tree *t)
{
	MUST(mkdir(t->made, 0755));
	if (strcmp(place_of(t), "memory") == 0)
		set(t, "memory.limit_in_bytes", "536870912");
	if (strcmp(place_of(t), "pids") == 0)
		set(t, "pids.max", "2048");
	if (strcmp(place_of(t), "cpu") == 0)
		set(t, "cpu.shares", "1024");
	if (strcmp(place_of(t), "cpuset") == 0) {
		like_parent(t, "cpuset.cpus");
		like_parent(t, "cpuset.mems");
	}
	if (strcmp(place_of(t), "devices") == 0)
		set_devices(t);
}

/* ---- mounts ---- */

static void mount_dev(void)
{
	static const struct {
		const char *path;
		int major, minor;
	} nodes[] = {
		{ "dev/null", 1, 3 },   { "dev/zero", 1, 5 },    { "dev/full", 1, 7 },
		{ "dev/random", 1, 8 }, { "dev/urandom", 1, 9 }, { "dev/tty", 5, 0 },
	};

	MUST(mount("tmpfs", "dev", "tmpfs", MS_NOSUID | MS_STRICTATIME, "mode=755,size=65536k"));
	for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++)
		MUST(mknod(nodes[i].path, S_IFCHR | 0666,
			   makedev((unsigned)nodes[i].major, (unsigned)nodes[i].minor)));
	MUST(mkdir("dev/pts", 0755));
	MUST(mount("devpts", "dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
		   "newinstance,ptmxmode=0666,mode=0620,gid=5"));
	tmpfs("dev/shm", "mode=1777,size=65536k");
	mount_mqueue();
	link_dev();
}

static void mount_sys(void)
{
	const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
	char path[128];

	MUST(mount("sysfs", "sys", "sysfs", flags | MS_RDONLY, NULL));
	MUST(mount("tmpfs", "sys/fs/cgroup", "tmpfs", flags, "mode=755"));
	for (size_t i = 0; i < n_trees; i++) {
		snprintf(path, sizeof(path), "sys/fs/cgroup/%s", place_of(&trees[i]));
		MUST(mkdir(path, 0755));
		MUST(mount("cgroup", path, "cgroup", flags | MS_RDONLY | MS_RELATIME,
			   trees[i].options));
	}
	MUST(mount(NULL, "sys/fs/cgroup", NULL, flags | MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
}

/* What is not there needs no mask. */
static void hide(void)
{
	static const char *const masked[] = {
		"proc/acpi",
		"proc/asound",
		"proc/kcore",
		"proc/keys",
		"proc/latency_stats",
		"proc/sched_debug",
		"proc/scsi",
		"proc/timer_list",
		"proc/timer_stats",
		"sys/firmware",
		"sys/devices/virtual/powercap",
	};
	static const char *const read_only[] = { "proc/bus", "proc/fs", "proc/irq", "proc/sys",
						 "proc/sysrq-trigger" };
	struct stat st;

	for (size_t i = 0; i < sizeof(masked) / sizeof(masked[0]); i++) {
		if (stat(masked[i], &st) < 0)
			continue;
		if (S_ISDIR(st.st_mode))
			MUST(mount("tmpfs", masked[i], "tmpfs", MS_RDONLY, "nr_blocks=1"));
		else
			MUST(mount("dev/null", masked[i], NULL, MS_BIND, NULL));
	}
	for (size_t i = 0; i < sizeof(read_only) / sizeof(read_only[0]); i++) {
		struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };

		if (stat(read_only[i], &st) < 0)
			continue;
		MUST(mount(read_only[i], read_only[i], NULL, MS_BIND, NULL));
		MUST(syscall(SYS_mount_setattr, AT_FDCWD, read_only[i], 0, &attr, sizeof(attr)));
	}
}

static void make_root(void)
{
	MUST(mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL));
	MUST(mount(rootfs, rootfs, NULL, MS_BIND | MS_REC, NULL));
	MUST(chdir(rootfs));
	MUST(mount("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL));
	mount_dev();
	mount_sys();
	hide();
	MUST(syscall(SYS_pivot_root, ".", "."));
	MUST(umount2(".", MNT_DETACH));
	MUST(mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
	MUST(chdir("/"));
}

/* ---- the process ---- */

static void drop_rights(void)
{
	const unsigned keep = 1U << CAP_KILL | 1U << CAP_NET_BIND_SERVICE | 1U << CAP_AUDIT_WRITE;
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct caps[2] = { { keep, keep, 0 } };
	struct rlimit files = { 1024, 1024 };

	for (int cap = 0; cap <= CAP_LAST_CAP; cap++)
		if (cap > 31 || !(keep >> cap & 1))
			MUST(prctl(PR_CAPBSET_DROP, cap, 0, 0, 0));
	MUST(setrlimit(RLIMIT_NOFILE, &files));
	MUST(syscall(SYS_capset, &head, caps));
	MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
}

static _Noreturn void child(void)
{
	char *env[] = { (char *)"PATH=/usr/bin:/bin", (char *)"TERM=xterm", NULL };

	for (size_t i = 0; i < n_trees; i++)
		set(&trees[i], "tasks", "0");
	MUST(unshare(CLONE_NEWCGROUP));
	lo_up();
	make_root();
	drop_rights();
	execve(prog[0], prog, env);
	fail(__FILE__, __LINE__, prog[0]);
}

int main(int argc, char **argv)
{
	struct clone_args args = { .flags = NAMESPACES | CLONE_VM | CLONE_VFORK,
				   .exit_signal = SIGCHLD };
	long pid;
	int code;

	if (argc < 3) {
		dprintf(2, "usage: floor-container ROOTFS PROG [ARG...]\n");
		return 125;
	}
	rootfs = argv[1];
	prog = argv + 2;
	find_trees();
	for (size_t i = 0; i < n_trees; i++)
		make_cgroup(&trees[i]);
	pid = clone3_inline(&args);
	if (pid == 0)
		child();
	errno = pid < 0 ? (int)-pid : 0;
	MUST(pid);
	code = wait_for((pid_t)pid);
	for (size_t i = 0; i < n_trees; i++)
		MUST(rmdir(trees[i].made));
	return code;
}
