/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Times commands against each other. They run by turns, one run of each a round, so that whatever
 * the machine does meanwhile meets all of them alike: the ratio of two medians of one run of timer
 * can be compared with another machine's, the milliseconds cannot.
 *
 *	timer [-r ROUNDS] [-w WARM-UPS] [-c CPU] [-i IDLE_MS] [-m MOUNTS] [-j]
 *	      :: NAME COMMAND [ARG...] [:: NAME COMMAND [ARG...]]...
 *
 * -c pins to one CPU; -i sleeps before every run, for the price of a lone start; -m makes that many
 * mounts first, in a mount namespace of its own; -j prints JSON.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define COMMANDS_MAX 16

struct command {
	const char *name;
	char **argv;
	double *run_us;
	unsigned failures;
	long max_kib; /* the most that it or a child of it held */
};

struct options {
	unsigned rounds, warm_ups, idle_ms, mounts;
	int cpu;
	bool json;
};

extern char **environ;

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "timer: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static double run_once(struct command *c, posix_spawn_file_actions_t *actions)
{
	double start = now_us();
	struct rusage usage = { 0 };
	int status = 0, err;
	pid_t pid;

	err = posix_spawn(&pid, c->argv[0], actions, NULL, c->argv, environ);
	if (err) {
		errno = err;
		die(c->argv[0]);
	}
	while (wait4(pid, &status, 0, &usage) < 0)
		if (errno != EINTR)
			die("waitpid");
	if (usage.ru_maxrss > c->max_kib)
		c->max_kib = usage.ru_maxrss;
	if (status != 0)
		c->failures++;
	return now_us() - start;
}

static void run_all(struct command *commands, size_t n, const struct options *o)
{
	posix_spawn_file_actions_t actions;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	for (unsigned round = 0; round < o->warm_ups + o->rounds; round++) {
		for (size_t i = 0; i < n; i++) {
			double us;

			if (o->idle_ms)
				usleep(o->idle_ms * 1000);
			us = run_once(&commands[i], &actions);
			if (round >= o->warm_ups)
				commands[i].run_us[round - o->warm_ups] = us;
		}
	}
	posix_spawn_file_actions_destroy(&actions);
}

/* `n` more mounts for everything that is started from here, and for nobody else. */
static void make_mounts(unsigned n)
{
	char path[64];

	if (unshare(CLONE_NEWNS) < 0)
		die("-m: unshare (needs root)");
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		die("-m: private /");
	if (mount("tmpfs", "/mnt", "tmpfs", 0, NULL) < 0)
		die("-m: tmpfs on /mnt");
	for (unsigned i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "/mnt/%u", i);
		if (mkdir(path, 0755) < 0 || mount(path, path, NULL, MS_BIND, NULL) < 0)
			die(path);
	}
}

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) < 0)
		die("-c: sched_setaffinity");
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double at(const struct command *c, unsigned rounds, double part)
{
	return c->run_us[(size_t)((double)(rounds - 1) * part)];
}

static void print_json(const struct command *commands, size_t n, unsigned rounds)
{
	printf("{");
	for (size_t i = 0; i < n; i++)
		printf("%s\"%s\":{\"min_us\":%.1f,\"median_us\":%.1f,\"p90_us\":%.1f,"
		       "\"failures\":%u,\"max_kib\":%ld}",
		       i ? "," : "", commands[i].name, at(&commands[i], rounds, 0),
		       at(&commands[i], rounds, 0.5), at(&commands[i], rounds, 0.9),
		       commands[i].failures, commands[i].max_kib);
	printf("}\n");
}

static void print_table(const struct command *commands, size_t n, unsigned rounds)
{
	double first = at(&commands[0], rounds, 0.5);

	printf("%-20s %10s %10s %10s %8s\n", "command", "min ms", "median ms", "p90 ms", "ratio");
	for (size_t i = 0; i < n; i++) {
		const struct command *c = &commands[i];

		printf("%-20s %10.3f %10.3f %10.3f %8.2f", c->name, at(c, rounds, 0) / 1e3,
		       at(c, rounds, 0.5) / 1e3, at(c, rounds, 0.9) / 1e3,
		       at(c, rounds, 0.5) / first);
		if (c->failures)
			printf("  %u FAILED", c->failures);
		printf("\n");
	}
}

/* Cuts argv at each "::" into commands. */
static size_t parse_commands(char **argv, struct command *commands, unsigned rounds)
{
	size_t n = 0;

	while (*argv) {
		if (strcmp(*argv, "::") != 0) {
			argv++;
			continue;
		}
		*argv++ = NULL;
		if (n == COMMANDS_MAX || !argv[0] || !argv[1]) {
			errno = EINVAL;
			die(n == COMMANDS_MAX ? "too many commands" : ":: NAME COMMAND");
		}
		commands[n].name = argv[0];
		commands[n].argv = argv + 1;
		commands[n].run_us = calloc(rounds, sizeof(double));
		if (!commands[n++].run_us)
			die("calloc");
	}
	return n;
}

static struct options parse_options(int argc, char **argv)
{
	struct options o = { .rounds = 100, .warm_ups = 5, .cpu = -1 };
	int c;

	while ((c = getopt(argc, argv, "+r:w:c:i:m:j")) != -1) {
		unsigned value = optarg ? (unsigned)strtoul(optarg, NULL, 10) : 0;

		switch (c) {
		case 'r':
			o.rounds = value ? value : 1;
			break;
		case 'w':
			o.warm_ups = value;
			break;
		case 'c':
			o.cpu = (int)value;
			break;
		case 'i':
			o.idle_ms = value;
			break;
		case 'm':
			o.mounts = value;
			break;
		case 'j':
			o.json = true;
			break;
		default:
			exit(2);
		}
	}
	return o;
}

int main(int argc, char **argv)
{
	struct command commands[COMMANDS_MAX] = { 0 };
	struct options o = parse_options(argc, argv);
	size_t n = parse_commands(argv + optind, commands, o.rounds);
	unsigned failures = 0;

	if (n == 0) {
		fprintf(stderr, "usage: timer [-r ROUNDS] [-w WARM-UPS] [-c CPU] [-i IDLE_MS] "
				"[-m MOUNTS] [-j] :: NAME COMMAND [ARG...] ...\n");
		return 2;
	}
	if (o.cpu >= 0)
		pin(o.cpu);
	if (o.mounts)
		make_mounts(o.mounts);
	run_all(commands, n, &o);
	for (size_t i = 0; i < n; i++) {
		qsort(commands[i].run_us, o.rounds, sizeof(double), by_value);
		failures += commands[i].failures;
	}
	if (o.json)
		print_json(commands, n, o.rounds);
	else
		print_table(commands, n, o.rounds);
	for (size_t i = 0; i < n; i++)
		free(commands[i].run_us);
	return failures ? 1 : 0;
}
