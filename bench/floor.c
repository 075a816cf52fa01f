/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's own price for a box: the namespaces, mounts, pivot_root and exec that
 * `holm box -- PROG` does by default, with no options, no checks and no clean-up. What holm takes
 * beyond this is holm's; what this takes is the kernel's.
 *
 *	floor [--init | --hand-over | --ns-only] PROG [ARG...]
 *
 * --init      a pid 1 that waits for PROG, which is pid 2
 * --hand-over the same, but the caller goes as soon as pid 1 tells it how PROG ended, while the
 *             kernel still takes the box down: what the tear-down costs on the waiter's path
 * --ns-only   the eight namespaces and exec; nothing mounted, nothing written
 *
 * The exit status is PROG's. A step that fails ends it with 125 and the line number.
 */
#include <linux/capability.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>

#include "floor.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

#define ALL_NAMESPACES                                                                             \
	(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | \
	 CLONE_NEWCGROUP | CLONE_NEWTIME)

enum mode { BARE, INIT, HAND_OVER, NS_ONLY };

static enum mode mode;
static char **prog;
static uid_t uid;
static gid_t gid;
static int result_fds[2];

static void map_id(const char *path, unsigned id)
{
	char line[32];

	snprintf(line, sizeof(line), "%u %u 1", id, id);
	put(path, 0, line);
}

static void map_ids(void)
{
	map_id("/proc/self/uid_map", uid);
	put("/proc/self/setgroups", 0, "deny");
	map_id("/proc/self/gid_map", gid);
}

static void bind_read_only(const char *from, const char *to)
{
	struct mount_attr attr = {
		.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
	};

	MUST(mount(from, to, NULL, MS_BIND | MS_REC, NULL));
	MUST(syscall(SYS_mount_setattr, AT_FDCWD, to, AT_RECURSIVE, &attr, sizeof(attr)));
}

static void mount_etc(void)
{
	MUST(mkdir("etc", 0755));
	MUST(mkdir("etc/ssl", 0755));
	MUST(mkdir("etc/ssl/certs", 0755));
	MUST(mkdir("etc/alternatives", 0755));
	put("etc/ld.so.cache", O_CREAT, "");
	put("etc/localtime", O_CREAT, "");
	put("etc/passwd", O_CREAT, "user:x:1000:1000::/tmp:/bin/sh\n");
	put("etc/group", O_CREAT, "user:x:1000:\n");
	bind_read_only("/etc/alternatives", "etc/alternatives");
	bind_read_only("/etc/ld.so.cache", "etc/ld.so.cache");
	bind_read_only("/etc/localtime", "etc/localtime");
	bind_read_only("/etc/ssl/certs", "etc/ssl/certs");
}

static void mount_dev(void)
{
	static const char *const nodes[][2] = {
		{ "/dev/null", "dev/null" }, { "/dev/zero", "dev/zero" },
		{ "/dev/full", "dev/full" }, { "/dev/random", "dev/random" },
		{ "/dev/tty", "dev/tty" },   { "/dev/urandom", "dev/urandom" },
	};

	MUST(mkdir("dev", 0755));
	for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++) {
		put(nodes[i][1], O_CREAT, "");
		MUST(mount(nodes[i][0], nodes[i][1], NULL, MS_BIND, NULL));
	}
	MUST(mkdir("dev/pts", 0755));
	MUST(mount("devpts", "dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
		   "newinstance,ptmxmode=0666,mode=620"));
	tmpfs("dev/shm", "mode=1777,size=64m");
	mount_mqueue();
	link_dev();
}

/* A program outside /usr is bound in at its own path, its directories made before it. */
static void bind_prog(const char *path)
{
	char to[4096];

	if (*path != '/' || strncmp(path, "/usr/", 5) == 0)
		return;
	snprintf(to, sizeof(to), "%s", path + 1);
	for (char *p = strchr(to, '/'); p; p = strchr(p + 1, '/')) {
		*p = 0;
		mkdir(to, 0755);
		*p = '/';
	}
	put(to, O_CREAT, "");
	bind_read_only(path, to);
}

static void make_root(void)
{
	/* Copies of another user namespace's mounts are slaves: nothing propagates to the host. */
	/* On /sys for the time being, because it is everywhere and nothing is bound from it. */
	MUST(mount("tmpfs", "/sys", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=1m"));
	MUST(chdir("/sys"));
	MUST(mkdir("usr", 0755));
	bind_read_only("/usr", "usr");
	MUST(symlink("usr/bin", "bin"));
	MUST(symlink("usr/sbin", "sbin"));
	MUST(symlink("usr/lib", "lib"));
	MUST(symlink("usr/lib64", "lib64"));
	mount_etc();
	MUST(mkdir("proc", 0755));
	MUST(mount("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL));
	mount_dev();
	tmpfs("tmp", "mode=1777,size=64m");
	tmpfs("run", "mode=0755,size=16m");
	bind_prog(prog[0]);
	MUST(syscall(SYS_pivot_root, ".", "."));
	MUST(umount2(".", MNT_DETACH));
	MUST(chdir("/"));
}

static void drop_rights(void)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct none[2] = { 0 };

	MUST(prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0));
	MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	MUST(syscall(SYS_capset, &head, none));
}

static _Noreturn void exec_prog(void)
{
	char *env[] = { (char *)"PATH=/usr/bin:/bin", (char *)"HOME=/tmp", NULL };

	execve(prog[0], prog, env);
	fail(__FILE__, __LINE__, prog[0]);
}

static void set_up(void)
{
	if (mode == NS_ONLY)
		return;
	map_ids();
	lo_up();
	make_root();
	MUST(sethostname("box", 3));
	drop_rights();
}

/* Pid 1. vfork, because exec is all that pid 2 still does. */
static _Noreturn void be_init(void)
{
	pid_t pid = vfork();
	int code;

	MUST(pid);
	if (pid == 0)
		exec_prog();
	code = wait_for(pid);
	if (mode == HAND_OVER)
		MUST(write(result_fds[1], &code, sizeof(code)));
	_exit(code);
}

static _Noreturn void child(void)
{
	set_up();
	if (mode == INIT || mode == HAND_OVER)
		be_init();
	exec_prog();
}

/*
 * Without an init the child shares our memory until it execs, and we sleep until then, so that no
 * page table is copied. With one it lives on beside us, and CLONE_NEWTIME refuses shared memory
 * (the time page is the memory's), so it is a fork; of so small a program it costs little.
 */
static pid_t start(void)
{
	struct clone_args args = { .flags = ALL_NAMESPACES, .exit_signal = SIGCHLD };
	long pid;

	if (mode == BARE || mode == NS_ONLY)
		args.flags |= CLONE_VM | CLONE_VFORK;
	pid = clone3_inline(&args);
	if (pid == 0)
		child();
	if (pid < 0) {
		errno = (int)-pid;
		fail(__FILE__, __LINE__, "clone3");
	}
	return (pid_t)pid;
}

static int take_result(pid_t pid)
{
	int code;

	if (mode != HAND_OVER)
		return wait_for(pid);
	close(result_fds[1]);
	if (read(result_fds[0], &code, sizeof(code)) != sizeof(code))
		return 125;
	return code;
}

int main(int argc, char **argv)
{
	prog = argv + 1;
	if (argc > 1 && strcmp(argv[1], "--init") == 0)
		mode = INIT;
	else if (argc > 1 && strcmp(argv[1], "--hand-over") == 0)
		mode = HAND_OVER;
	else if (argc > 1 && strcmp(argv[1], "--ns-only") == 0)
		mode = NS_ONLY;
	if (mode != BARE)
		prog++;
	if (!*prog) {
		dprintf(2, "usage: floor [--init | --hand-over | --ns-only] PROG [ARG...]\n");
		return 125;
	}
	uid = getuid();
	gid = getgid();
	if (mode == HAND_OVER)
		MUST(pipe2(result_fds, O_CLOEXEC));
	return take_result(start());
}
