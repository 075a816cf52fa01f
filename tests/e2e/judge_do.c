/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a judged program may do, each by a word: judge_do WORD [ARG...]. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MIB 1048576

static char **args;

static long number(int i)
{
	return args[i] ? atol(args[i]) : 0;
}

static int run(const char *word);

static int yes(void)
{
	return 0;
}

static int with_code(void)
{
	return (int)number(1);
}

static int send_self(void)
{
	raise((int)number(1));
	return 0;
}

static _Noreturn int spin(void)
{
	for (;;)
		__asm__ volatile("");
}

static int spin_ms(void)
{
	long ms = number(1);
	struct timespec ts;

	do {
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	} while (ts.tv_sec * 1000 + ts.tv_nsec / 1000000 < ms);
	return 0;
}

static int spin_children(void)
{
	for (long i = number(1); i > 0; i--)
		if (fork() == 0)
			spin();
	while (wait(NULL) > 0)
		;
	return 0;
}

static int spin_children_ms(void)
{
	for (long i = number(1); i > 0; i--) {
		if (fork() == 0) {
			args++;
			_exit(spin_ms());
		}
	}
	while (wait(NULL) > 0)
		;
	return 0;
}

/* Children that reap themselves: no parent ever knows what they used. */
static _Noreturn int spin_unwaited(void)
{
	struct timespec nap = { 0, 25000000 };
	char ms[] = "20";

	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		if (fork() == 0) {
			args[1] = ms;
			_exit(spin_ms());
		}
		nanosleep(&nap, NULL);
	}
}

static void *spin_thread(void *arg)
{
	spin();
	return arg;
}

static int spin_threads(void)
{
	pthread_t t;

	for (long i = number(1); i > 0; i--)
		pthread_create(&t, NULL, spin_thread, NULL);
	spin();
}

static void ignore(int signo)
{
	(void)signo;
}

static int catch_all_and_spin(void)
{
	for (int i = 1; i < NSIG; i++)
		signal(i, ignore);
	spin();
}

static int sleep_ms(void)
{
	struct timespec ts = { number(1) / 1000, number(1) % 1000 * 1000000 };

	nanosleep(&ts, NULL);
	return 0;
}

static char *map(long mib)
{
	return mmap(NULL, (size_t)mib * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		    -1, 0);
}

static int map_mib(void)
{
	return map(number(1)) == MAP_FAILED;
}

static int touch_mib(void)
{
	memset(map(number(1)), 1, (size_t)number(1) * MIB);
	return 0;
}

static int touch_slowly(void)
{
	char *p = map(number(1));

	for (long i = 0; i < number(1); i++) {
		memset(p + i * MIB, 1, MIB);
		usleep(5000);
	}
	return 0;
}

static int in_child(void)
{
	int status;

	if (fork() == 0) {
		args++;
		_exit(run(args[0]));
	}
	wait(&status);
	return !WIFEXITED(status) || WEXITSTATUS(status);
}

static int fill(void)
{
	static char block[MIB];
	int fd = open(args[1], O_WRONLY | O_CREAT, 0600);

	for (long i = 0; i < number(2); i++)
		if (write(fd, block, MIB) != MIB)
			return 1;
	return 0;
}

static int flood(void)
{
	static char block[65536];

	while (write(1, block, sizeof(block)) > 0)
		;
	return 1;
}

static int print(void)
{
	for (long i = number(1); i > 0; i--)
		putchar('x');
	return 0;
}

static int echo(void)
{
	puts(args[1]);
	return 0;
}

static _Noreturn int fork_bomb(void)
{
	for (;;)
		fork();
}

static void *wait_thread(void *arg)
{
	pause();
	return arg;
}

static _Noreturn int thread_bomb(void)
{
	pthread_t t;

	for (;;)
		pthread_create(&t, NULL, wait_thread, NULL);
}

static int call_ptrace(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0 ? errno : 0;
}

static int copy_fd(int from, int to)
{
	char block[65536];
	ssize_t n;

	while ((n = read(from, block, sizeof(block))) > 0)
		if (write(to, block, (size_t)n) != n)
			return 1;
	return n < 0;
}

static int cat(void)
{
	return copy_fd(0, 1);
}

static int copy(void)
{
	return copy_fd(open(args[1], O_RDONLY), open(args[2], O_WRONLY | O_CREAT | O_EXCL, 0600));
}

static int make_link(void)
{
	return symlink(args[1], args[2]) < 0;
}

static int make_dir(void)
{
	return mkdir(args[1], 0700) < 0;
}

static int make_fifo(void)
{
	return mkfifo(args[1], 0600) < 0;
}

static int make_sparse(void)
{
	return ftruncate(open(args[1], O_WRONLY | O_CREAT, 0600), (off_t)1 << 40) < 0;
}

/* What is open for reading can be opened again by its link, if its owner may write to it. */
static int write_to_stdin(void)
{
	int fd = open("/proc/self/fd/0", O_RDWR);

	return write(0, "x", 1) == 1 || (fd >= 0 && write(fd, "x", 1) == 1) ? 0 : 1;
}

static int there;

static void leave_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0666);

	there += fd < 0 && errno == EEXIST;
}

static void leave_socket(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX, .sun_path = "\0holm-trace" };

	there += bind(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&a, 16) < 0 && errno == EADDRINUSE;
}

/* A trace wherever there may be one; says whether an earlier run's was there. */
static int leave_traces(void)
{
	leave_file("/tmp/trace");
	leave_file("/dev/shm/trace");
	leave_file("/run/trace");
	leave_file("/work/trace");
	leave_socket();
	there += shmget(4711, 4096, IPC_CREAT | IPC_EXCL | 0600) < 0 && errno == EEXIST;
	if (fork() == 0) {
		setsid();
		pause();
	}
	there += getpid() > 3;
	printf(there ? "%d were there\n" : "nothing was there\n", there);
	return 0;
}

static const struct {
	const char *word;
	int (*fn)(void);
} words[] = {
	{ "true", yes },
	{ "exit", with_code },
	{ "raise", send_self },
	{ "spin", spin },
	{ "spin-ms", spin_ms },
	{ "spin-children", spin_children },
	{ "spin-children-ms", spin_children_ms },
	{ "spin-unwaited", spin_unwaited },
	{ "spin-threads", spin_threads },
	{ "catch-all-and-spin", catch_all_and_spin },
	{ "sleep-ms", sleep_ms },
	{ "map-mib", map_mib },
	{ "touch-mib", touch_mib },
	{ "touch-slowly", touch_slowly },
	{ "child", in_child },
	{ "fill", fill },
	{ "flood", flood },
	{ "print", print },
	{ "echo", echo },
	{ "fork-bomb", fork_bomb },
	{ "thread-bomb", thread_bomb },
	{ "call-ptrace", call_ptrace },
	{ "cat", cat },
	{ "copy", copy },
	{ "symlink", make_link },
	{ "mkdir", make_dir },
	{ "fifo", make_fifo },
	{ "sparse", make_sparse },
	{ "write-to-stdin", write_to_stdin },
	{ "leave-traces", leave_traces },
};

static int run(const char *word)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i].word, word) == 0)
			return words[i].fn();
	return 99;
}

int main(int argc, char **argv)
{
	args = argv + 1;
	return argc < 2 ? 99 : run(args[0]);
}
