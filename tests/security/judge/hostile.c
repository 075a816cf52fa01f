/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a judged program may try, each by a word: judge_hostile WORD [ARG...]. An attack that fails
 * as it should ends with 0, and one that got somewhere with 66 and a word on what it has reached.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MIB     1048576
#define REACHED 66

static char **args;

static long number(int i, long otherwise)
{
	return args[0] && args[i] ? atol(args[i]) : otherwise;
}

static int reached(const char *what)
{
	printf("reached: %s\n", what);
	return REACHED;
}

static _Noreturn void spin(void)
{
	for (;;)
		__asm__ volatile("");
}

static _Noreturn void wait_for_ever(void)
{
	for (;;)
		pause();
}

static void catch_all(void (*fn)(int))
{
	for (int i = 1; i < NSIG; i++)
		signal(i, fn);
}

static void nothing(int signo)
{
	(void)signo;
}

/* ---- processes ---- */

static int many_spin(void)
{
	for (long i = number(1, 50); i > 1; i--)
		if (fork() == 0)
			spin();
	spin();
}

static int many_sleep(void)
{
	catch_all(nothing);
	for (long i = number(1, 10); i > 1; i--)
		fork();
	wait_for_ever();
}

/* Away from whoever started it: a child of nobody, in a session of its own. */
static void escape(void (*then)(void))
{
	if (fork() != 0)
		return;
	setsid();
	if (fork() != 0)
		_exit(0);
	catch_all(SIG_IGN);
	then();
}

static void spin_on(void)
{
	spin();
}

static void sleep_on(void)
{
	wait_for_ever();
}

static int daemons(void)
{
	for (int i = 0; i < 5; i++)
		escape(sleep_on);
	return 0;
}

static int daemon_that_spins(void)
{
	escape(spin_on);
	wait_for_ever();
}

/* Who dies leaves one behind that does the same: no process ever uses much. */
static int relay(void)
{
	if (fork() != 0)
		wait_for_ever();
	for (;;) {
		for (volatile int i = 0; i < 1000000; i++)
			;
		if (fork() != 0)
			_exit(0);
	}
}

static int short_lived(void)
{
	signal(SIGCHLD, SIG_IGN);
	for (;;)
		if (fork() == 0)
			_exit(0);
}

static int vforks(void)
{
	for (;;) {
		if (vfork() == 0)
			_exit(0);
		waitpid(-1, NULL, WNOHANG);
	}
}

static int exec_loop(void)
{
	char *argv[] = { args[-1], args[0], NULL };

	execv("/proc/self/exe", argv);
	return 1;
}

static int close_all_and_spin(void)
{
	close_range(0, ~0U, 0);
	spin();
}

static int close_all(void)
{
	close_range(0, ~0U, 0);
	return 0;
}

static int stop_self(void)
{
	raise(SIGSTOP);
	return 0;
}

static int stop_with_children(void)
{
	for (int i = 0; i < 3; i++)
		if (fork() == 0)
			kill(getpid(), SIGSTOP);
	return stop_self();
}

/* Process 1 takes no signal from inside; all others are its own. */
static int kill_all(void)
{
	for (int i = 1; i < NSIG; i++) {
		kill(1, i);
		kill(getppid(), i);
	}
	kill(-1, SIGKILL);
	usleep(50000);
	return kill(1, 0) < 0 && errno == ESRCH ? reached("process 1 is gone") : 0;
}

static int be_nice(void)
{
	setpriority(PRIO_PROCESS, 0, 19);
	if (setpriority(PRIO_PROCESS, 0, -20) == 0)
		return reached("nice -20");
	spin();
}

static int be_real_time(void)
{
	struct sched_param p = { 1 };

	if (sched_setscheduler(0, SCHED_FIFO, &p) == 0 || sched_setscheduler(0, SCHED_RR, &p) == 0)
		return reached("a real-time priority");
	spin();
}

static int be_orphaned(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	return prctl(PR_GET_DUMPABLE) < 0;
}

static int timers(void)
{
	struct itimerval often = { { 0, 1 }, { 0, 1 } };
	struct itimerspec also = { { 0, 1000 }, { 0, 1000 } };
	struct sigevent e = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	timer_t t;

	catch_all(nothing);
	for (int i = 0; i < 100 && timer_create(CLOCK_MONOTONIC, &e, &t) == 0; i++)
		timer_settime(t, 0, &also, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	wait_for_ever();
}

/* ---- memory ---- */

static char *map(size_t len)
{
	return mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		    -1, 0);
}

/* Each of them stays small. */
static int touch_in_children(void)
{
	for (int i = 0; i < 10; i++) {
		if (fork() == 0) {
			memset(map(16 * MIB), 1, 16 * MIB);
			wait_for_ever();
		}
	}
	wait_for_ever();
}

/* A page in every 2 MiB: page tables weigh as much as what they map. */
static int sparse_pages(void)
{
	size_t len = (size_t)200 << 30;
	char *p = map(len);

	for (size_t at = 0; p != MAP_FAILED && at < len; at += 2 * MIB)
		p[at] = 1;
	wait_for_ever();
}

static int map_much(void)
{
	return map((size_t)1 << 40) == NULL;
}

static int shm_leak(void)
{
	for (int i = 0; i < 64; i++) {
		int id = shmget(IPC_PRIVATE, 4 * MIB, IPC_CREAT | 0600);
		char *p = id < 0 ? (char *)-1 : shmat(id, NULL, 0);

		if (p == (char *)-1)
			return 1;
		memset(p, 1, number(1, 0) ? 4 * MIB : 4096);
		shmdt(p);
	}
	return 0;
}

static int memfd_fill(void)
{
	static char block[MIB];
	int fd = memfd_create("x", 0);

	while (write(fd, block, MIB) > 0)
		;
	return 1;
}

/* What lies in a socket is nobody's page, but the kernel's. */
static int socket_fill(void)
{
	static char block[65536];
	int fds[2];
	long total = 0;

	while (socketpair(AF_UNIX, SOCK_DGRAM, 0, fds) == 0)
		for (ssize_t n; (n = send(fds[0], block, sizeof(block), MSG_DONTWAIT)) > 0;)
			total += n;
	printf("%ld MiB\n", total / MIB);
	fflush(stdout);
	return 0;
}

static int pipe_fill(void)
{
	static char block[65536];
	int fds[2];

	while (pipe(fds) == 0) {
		fcntl(fds[1], F_SETFL, O_NONBLOCK);
		fcntl(fds[1], F_SETPIPE_SZ, MIB);
		while (write(fds[1], block, sizeof(block)) > 0)
			;
	}
	return 0;
}

/* Descriptors that lie in sockets count for the user, not for the process. */
static int fds_in_flight(void)
{
	struct rlimit r;
	int fds[2], null = open("/dev/null", O_RDONLY);

	getrlimit(RLIMIT_NOFILE, &r);
	r.rlim_cur = r.rlim_max;
	setrlimit(RLIMIT_NOFILE, &r);
	while (socketpair(AF_UNIX, SOCK_DGRAM, 0, fds) == 0) {
		union {
			struct cmsghdr head;
			char room[CMSG_SPACE(200 * sizeof(int))];
		} u = { .head = { CMSG_LEN(200 * sizeof(int)), SOL_SOCKET, SCM_RIGHTS } };
		struct iovec io = { &null, 1 };
		struct msghdr m = { .msg_iov = &io,
				    .msg_iovlen = 1,
				    .msg_control = &u,
				    .msg_controllen = sizeof(u) };
		bool full = false;

		for (int i = 0; i < 200; i++)
			memcpy(CMSG_DATA(&u.head) + (size_t)i * sizeof(int), &null, sizeof(int));
		for (int i = 0; i < 10; i++)
			full |= sendmsg(fds[0], &m, MSG_DONTWAIT) < 0 && errno == ETOOMANYREFS;
		if (full)
			break;
	}
	usleep((useconds_t)number(1, 0) * 1000);
	return 0;
}

/* ---- files ---- */

static int deep(void)
{
	for (long i = number(1, 10000); i > 0; i--)
		if (mkdir("d", 0700) < 0 || chdir("d") < 0)
			return 1;
	return 0;
}

static int many_files(void)
{
	char name[32];

	for (long i = number(1, 1000000); i > 0; i--) {
		snprintf(name, sizeof(name), "f%ld", i);
		if (mknod(name, S_IFREG | 0600, 0) < 0)
			return 1;
	}
	return 0;
}

static int many_fds(void)
{
	while (dup(0) >= 0 || errno == EINTR)
		;
	return fork() == 0 ? 0 : wait(NULL) < 0;
}

static int write_outside(void)
{
	static const char *const paths[] = {
		"/etc/passwd",
		"/usr/bin/x",
		"/x",
		"/proc/sys/kernel/core_pattern",
		"/proc/sysrq-trigger",
		"/proc/sys/kernel/hostname",
		"/proc/1/oom_score_adj",
		"/sys/fs/cgroup/cgroup.procs",
		"/dev/mem",
		"/dev/kmsg",
		"/dev/sda",
		"/dev/vda",
	};

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (open(paths[i], O_WRONLY | O_CREAT, 0600) >= 0)
			return reached(paths[i]);
	return 0;
}

static int sparse_tib(void)
{
	return ftruncate(open("sparse", O_WRONLY | O_CREAT, 0600), (off_t)1 << 40) < 0;
}

static int inotify_all(void)
{
	while (inotify_init() >= 0)
		;
	return 0;
}

static int keys(void)
{
	char name[32];

	for (int i = 0; i < 100000; i++) {
		snprintf(name, sizeof(name), "holm-hostile-%d", i);
		/* KEY_SPEC_USER_KEYRING */
		if (syscall(SYS_add_key, "user", name, "x", 1, -4) < 0)
			return errno == EPERM ? 0 : 1;
	}
	return reached("the user's keyring");
}

/* ---- /proc ---- */

static int open_proc(const char *path, int flags)
{
	int fd = open(path, flags), got;
	char byte;

	if (fd < 0)
		return 0;
	/* Of some files the rights are looked at only here. */
	got = flags == O_RDONLY ? read(fd, &byte, 1) >= 0 : 1;
	close(fd);
	return got;
}

static int proc_of_init(void)
{
	static const char *const paths[] = {
		"/proc/1/mem",        "/proc/1/environ", "/proc/1/maps",   "/proc/1/fd/3",
		"/proc/1/fd/4",       "/proc/1/exe",     "/proc/1/root/x", "/proc/1/cwd/x",
		"/proc/1/auxv",       "/proc/1/syscall", "/proc/1/stack",  "/proc/1/map_files",
		"/proc/1/clear_refs",
	};

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (open_proc(paths[i], O_RDONLY) || open_proc(paths[i], O_WRONLY))
			return reached(paths[i]);
	return opendir("/proc/1/fd") && open_proc("/proc/1/fd/0", O_RDONLY) ? reached("/proc/1/fd")
									    : 0;
}

static int proc_of_self(void)
{
	static const char *const written[] = {
		"/proc/self/exe",       "/proc/self/uid_map",    "/proc/self/gid_map",
		"/proc/self/setgroups", "/proc/self/attr/exec",  "/proc/self/projid_map",
		"/proc/self/root/etc",  "/proc/self/root/../..", "/proc/self/timens_offsets",
	};

	for (size_t i = 0; i < sizeof(written) / sizeof(written[0]); i++) {
		int fd = open(written[i], O_WRONLY);

		if (fd >= 0 && write(fd, "0 0 1\n", 6) > 0)
			return reached(written[i]);
	}
	return 0;
}

static int oom_score(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY);

	return fd >= 0 && write(fd, "-1000", 5) == 5 ? reached("oom_score_adj -1000") : 0;
}

/* Is anything open that nobody gave? */
static int look_at_fds(void)
{
	char path[64], target[4096];

	for (int fd = 0; fd < 1024; fd++) {
		ssize_t n;

		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		n = readlink(path, target, sizeof(target) - 1);
		if (n < 0)
			continue;
		target[n] = 0;
		if (fd > 2 || (fd > 0 && strncmp(target, "pipe:", 5) != 0))
			return reached(target);
	}
	return 0;
}

/* What is given can be opened once more, and perhaps otherwise. */
static int open_stdio_again(void)
{
	char byte;
	int fd = open("/proc/self/fd/1", O_RDWR | O_NONBLOCK);

	if (fd >= 0 && (lseek(fd, 0, SEEK_SET) == 0 || ftruncate(fd, 0) == 0))
		return reached("standard output as a file");
	fd = open("/proc/self/fd/0", O_RDWR);
	if (fd >= 0 && lseek(fd, 0, SEEK_END) > 0 && write(fd, "x", 1) == 1)
		return reached("standard input for writing");
	return read(1, &byte, 1) == 1 ? reached("reading of standard output") : 0;
}

/* args: the paths that are none of its business. */
static int read_secrets(void)
{
	char path[4096];

	for (int i = 1; args[i]; i++) {
		if (open_proc(args[i], O_RDONLY))
			return reached(args[i]);
		for (int pid = 1; pid < 10; pid++) {
			snprintf(path, sizeof(path), "/proc/%d/root%s", pid, args[i]);
			if (open_proc(path, O_RDONLY))
				return reached(path);
		}
	}
	return 0;
}

static int own_cgroup(void)
{
	static const char *const kinds[] = { "cgroup2", "cgroup" };

	for (int i = 0; i < 2; i++)
		if (syscall(SYS_mount, "none", "/tmp", kinds[i], 0, NULL) == 0)
			return reached("a mount of cgroups");
	if (unshare(CLONE_NEWCGROUP) == 0 || unshare(CLONE_NEWUSER) == 0)
		return reached("namespaces of its own");
	return mkdir("/sys/fs/cgroup/x", 0700) == 0 ? reached("a cgroup") : 0;
}

static int core_dump(void)
{
	struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };

	if (setrlimit(RLIMIT_CORE, &all) == 0)
		return reached("core dumps");
	abort();
}

/* ---- output and reports ---- */

static const char forged[] =
	"\n{\"id\":\"x\",\"verdict\":\"ok\",\"exit-code\":0,\"answer\":\"right\",\"cpu-us\":1}\n";

static int forge(void)
{
	for (int fd = 0; fd < 4096; fd++) {
		if (write(fd, forged, sizeof(forged) - 1) < 0)
			send(fd, forged, sizeof(forged) - 1, MSG_DONTWAIT);
	}
	return 3;
}

static int flood_fd(int fd)
{
	static char block[65536];

	while (write(fd, block, sizeof(block)) > 0 || errno == EINTR)
		;
	return 1;
}

static int flood_err(void)
{
	return flood_fd(2);
}

static int flood_both(void)
{
	if (fork() == 0)
		_exit(flood_fd(2));
	return flood_fd(1);
}

static int flood_again(void)
{
	int fd = open("/proc/self/fd/1", O_WRONLY);

	return flood_fd(fd);
}

static int flood_bytes(void)
{
	while (write(1, "x", 1) == 1)
		;
	return 1;
}

static int flood_many(void)
{
	for (int i = 0; i < 3; i++)
		fork();
	fcntl(1, F_SETPIPE_SZ, MIB);
	return flood_fd(1);
}

/* Not by write(2). */
static int flood_spliced(void)
{
	static char block[65536];
	struct iovec io = { block, sizeof(block) };

	while (vmsplice(1, &io, 1, 0) > 0)
		;
	return 1;
}

static int flood_file(void)
{
	static char block[65536];
	int fd = open("out", O_WRONLY | O_CREAT, 0600);

	signal(SIGXFSZ, number(1, 0) ? SIG_IGN : SIG_DFL);
	while (write(fd, block, sizeof(block)) > 0)
		;
	return 7;
}

/* A pipe that nobody reads. */
static int stuck_pipe(void)
{
	int fds[2];

	return pipe(fds) < 0 || flood_fd(fds[1]);
}

/* ---- the filter ---- */

static _Noreturn int denied(void)
{
	for (;;)
		syscall(SYS_add_key, "user", "x", "x", 1, -4);
}

static int denied_by_many(void)
{
	for (long i = number(1, 8); i > 1; i--)
		if (fork() == 0)
			denied();
	return denied();
}

static int denied_and_interrupted(void)
{
	struct itimerval often = { { 0, 20 }, { 0, 20 } };

	signal(SIGALRM, nothing);
	setitimer(ITIMER_REAL, &often, NULL);
	return denied();
}

static _Noreturn int denied_and_killed(void)
{
	for (;;) {
		int pid = fork();

		if (pid == 0)
			denied();
		for (volatile int i = 0; i < 20000; i++)
			;
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
}

static int own_filter(unsigned action, unsigned flags)
{
	struct sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, action),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog p = { sizeof(f) / sizeof(f[0]), f };

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &p);
}

static int filter_kills(void)
{
	own_filter(SECCOMP_RET_KILL_PROCESS, 0);
	return (int)syscall(SYS_getppid);
}

/* It asks itself, and so waits for ever. */
static int filter_listens(void)
{
	own_filter(SECCOMP_RET_USER_NOTIF, SECCOMP_FILTER_FLAG_NEW_LISTENER);
	return syscall(SYS_getppid) < 0;
}

static int filter_allows(void)
{
	for (int i = 0; i < 20; i++)
		own_filter(SECCOMP_RET_ALLOW, 0);
	return syscall(SYS_add_key, "user", "x", "x", 1, -4) >= 0 ? reached("add_key") : 0;
}

static int trace_init(void)
{
	if (ptrace(PTRACE_ATTACH, 1, NULL, NULL) == 0 || ptrace(PTRACE_SEIZE, 1, NULL, NULL) == 0)
		return reached("process 1");
	return 0;
}

/* ---- arguments ---- */

static int big_exec(void)
{
	static char word[100000];
	char *many[20];
	static char go_on[] = "exit-0";
	char *argv[] = { word, go_on, NULL };

	memset(word, 'x', sizeof(word) - 1);
	for (int i = 0; i < 19; i++)
		many[i] = word;
	many[19] = NULL;
	if (number(1, 0)) {
		execve("/proc/self/exe", argv, many);
		return 1;
	}
	many[1] = go_on;
	execve("/proc/self/exe", many, NULL);
	return 1;
}

static int exit_0(void)
{
	return 0;
}

static int raise_it(void)
{
	raise((int)number(1, SIGKILL));
	return 0;
}

static const struct {
	const char *word;
	int (*fn)(void);
} words[] = {
	{ "many-spin", many_spin },
	{ "many-sleep", many_sleep },
	{ "daemons", daemons },
	{ "daemon-that-spins", daemon_that_spins },
	{ "relay", relay },
	{ "short-lived", short_lived },
	{ "vforks", vforks },
	{ "exec-loop", exec_loop },
	{ "close-all-and-spin", close_all_and_spin },
	{ "close-all", close_all },
	{ "stop-self", stop_self },
	{ "stop-with-children", stop_with_children },
	{ "kill-all", kill_all },
	{ "be-nice", be_nice },
	{ "be-real-time", be_real_time },
	{ "be-orphaned", be_orphaned },
	{ "timers", timers },
	{ "touch-in-children", touch_in_children },
	{ "sparse-pages", sparse_pages },
	{ "map-much", map_much },
	{ "shm-leak", shm_leak },
	{ "memfd-fill", memfd_fill },
	{ "socket-fill", socket_fill },
	{ "pipe-fill", pipe_fill },
	{ "fds-in-flight", fds_in_flight },
	{ "deep", deep },
	{ "many-files", many_files },
	{ "many-fds", many_fds },
	{ "write-outside", write_outside },
	{ "sparse-tib", sparse_tib },
	{ "inotify", inotify_all },
	{ "keys", keys },
	{ "proc-of-init", proc_of_init },
	{ "proc-of-self", proc_of_self },
	{ "oom-score", oom_score },
	{ "look-at-fds", look_at_fds },
	{ "open-stdio-again", open_stdio_again },
	{ "read-secrets", read_secrets },
	{ "own-cgroup", own_cgroup },
	{ "core-dump", core_dump },
	{ "forge", forge },
	{ "flood-err", flood_err },
	{ "flood-both", flood_both },
	{ "flood-again", flood_again },
	{ "flood-bytes", flood_bytes },
	{ "flood-many", flood_many },
	{ "flood-spliced", flood_spliced },
	{ "flood-file", flood_file },
	{ "stuck-pipe", stuck_pipe },
	{ "denied", denied },
	{ "denied-by-many", denied_by_many },
	{ "denied-and-interrupted", denied_and_interrupted },
	{ "denied-and-killed", denied_and_killed },
	{ "filter-kills", filter_kills },
	{ "filter-listens", filter_listens },
	{ "filter-allows", filter_allows },
	{ "trace-init", trace_init },
	{ "big-exec", big_exec },
	{ "exit-0", exit_0 },
	{ "raise", raise_it },
};

int main(int argc, char **argv)
{
	args = argv + 1;
	for (size_t i = 0; argc > 1 && i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i].word, argv[1]) == 0)
			return words[i].fn();
	return 99;
}
