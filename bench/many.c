/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Starts many boxes, one after the other, that all stay; then kills them all by pid.
 *
 *	many [-n COUNT] COMMAND [ARG...]
 *
 * COMMAND must write a byte to its standard output once the program inside runs, and must then wait
 * ("bench/true wait" does). The latency of a start is the time from the spawn to that byte. Prints
 * one line of JSON: the median latency of the first and of the last twentieth, the whole time, and
 * how many processes by the names of COMMAND and of the program inside were left 10 s after the
 * kill. Only processes beyond those that were there before are counted.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define START_TIMEOUT_MS 20000
#define END_TIMEOUT_MS   10000

struct box {
	pid_t pid;
	double ms;
};

extern char **environ;

static double now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static int start(struct box *box, char **argv)
{
	posix_spawn_file_actions_t actions;
	double begin = now_ms();
	struct pollfd wait;
	int fds[2], err;
	char byte;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fds[1], 1);
	err = posix_spawn(&box->pid, argv[0], &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(fds[1]);
	wait = (struct pollfd){ .fd = fds[0], .events = POLLIN };
	if (err == 0 && (poll(&wait, 1, START_TIMEOUT_MS) != 1 || read(fds[0], &byte, 1) != 1))
		err = ETIMEDOUT;
	box->ms = now_ms() - begin;
	close(fds[0]);
	return -err;
}

/* Processes called `a` or `b`. */
static int count_processes(const char *a, const char *b)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	int n = 0;

	while (dir && (entry = readdir(dir))) {
		char path[300], name[32] = "";
		FILE *f;

		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/comm", entry->d_name);
		f = fopen(path, "re");
		if (!f)
			continue;
		if (fgets(name, sizeof(name), f))
			name[strcspn(name, "\n")] = 0;
		fclose(f);
		n += strncmp(name, a, 15) == 0 || strncmp(name, b, 15) == 0;
	}
	if (dir)
		closedir(dir);
	return n;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int by_latency(const void *a, const void *b)
{
	double x = ((const struct box *)a)->ms, y = ((const struct box *)b)->ms;

	return (x > y) - (x < y);
}

static double median(const struct box *boxes, size_t n)
{
	struct box *copy = calloc(n ? n : 1, sizeof(*copy));
	double ms;

	if (!copy || !n)
		return 0;
	memcpy(copy, boxes, n * sizeof(*copy));
	qsort(copy, n, sizeof(*copy), by_latency);
	ms = copy[n / 2].ms;
	free(copy);
	return ms;
}

static void kill_all(const struct box *boxes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		kill(boxes[i].pid, SIGKILL);
	for (size_t i = 0; i < n; i++)
		while (waitpid(boxes[i].pid, NULL, 0) < 0 && errno == EINTR)
			;
}

/* What is left once it no longer gets less, or after END_TIMEOUT_MS. */
static int wait_until_gone(int before, const char *a, const char *b)
{
	double end = now_ms() + END_TIMEOUT_MS;
	int left;

	while ((left = count_processes(a, b) - before) > 0 && now_ms() < end)
		usleep(20000);
	return left > 0 ? left : 0;
}

static void raise_fd_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/* The program inside is the last argument that is a path. */
static const char *inner_name(char **argv)
{
	const char *inner = argv[0];

	for (; *argv; argv++)
		if (**argv == '/')
			inner = *argv;
	return base_name(inner);
}

int main(int argc, char **argv)
{
	size_t n = 2000, part, started = 0;
	double begin, started_ms, killed_ms;
	const char *outer, *inner;
	struct box *boxes;
	int c, before, left, err = 0;

	while ((c = getopt(argc, argv, "+n:")) != -1) {
		if (c != 'n')
			return 2;
		n = strtoul(optarg, NULL, 10);
	}
	boxes = calloc(n ? n : 1, sizeof(*boxes));
	if (!boxes || !n || optind >= argc) {
		fprintf(stderr, "usage: many [-n COUNT] COMMAND [ARG...]\n");
		return 2;
	}
	raise_fd_limit();
	outer = base_name(argv[optind]);
	inner = inner_name(argv + optind);
	before = count_processes(outer, inner);
	begin = now_ms();
	while (started < n && (err = start(&boxes[started], argv + optind)) == 0)
		started++;
	started_ms = now_ms() - begin;
	if (err)
		fprintf(stderr, "many: box %zu: %s\n", started + 1, strerror(-err));
	/* The one that failed to tell may be running all the same. */
	kill_all(boxes, started + (err && boxes[started].pid > 0));
	killed_ms = now_ms() - begin - started_ms;
	left = wait_until_gone(before, outer, inner);
	part = MAX(started / 20, 1);
	printf("{\"started\":%zu,\"first_ms\":%.3f,\"last_ms\":%.3f,\"all_ms\":%.0f,"
	       "\"kill_ms\":%.0f,\"left\":%d}\n",
	       started, median(boxes, part), median(boxes + started - MIN(part, started), part),
	       started_ms, killed_ms, left);
	free(boxes);
	return err || left ? 1 : 0;
}
