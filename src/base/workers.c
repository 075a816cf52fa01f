/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>

#include "base/macro.h"
#include "base/workers.h"

/* C libraries differ in what they give unasked: 128 KiB, or as much as RLIMIT_STACK. */
#define STACK_SIZE (1024UL * 1024)

/* More threads than processors that we may use only get in each other's way. */
unsigned workers_for(size_t n, size_t each)
{
	size_t most = 1 + n / each;
	cpu_set_t set;

	if (most == 1)
		return 1;
	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		most = MIN(most, (size_t)CPU_COUNT(&set));
	return (unsigned)MIN(MAX(most, 1U), (size_t)WORKERS_MAX);
}

/* The i-th of the processors that we may use and that is not the one we are on. */
static int other_processor(unsigned i)
{
	int mine = sched_getcpu();
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return -1;
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (cpu != mine && CPU_ISSET((size_t)cpu, &set) && --i == 0)
			return cpu;
	return -1;
}

/* The scheduler often leaves a thread that lives for milliseconds where it was born. */
static bool start_one(pthread_t *thread, void *(*act)(void *), void *worker, int cpu)
{
	pthread_attr_t attr;
	cpu_set_t one;
	bool started;

	if (pthread_attr_init(&attr) != 0)
		return false;
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	started = pthread_create(thread, &attr, act, worker) == 0;
	pthread_attr_destroy(&attr);
	if (started && cpu >= 0) {
		CPU_ZERO(&one);
		CPU_SET((size_t)cpu, &one);
		pthread_setaffinity_np(*thread, sizeof(one), &one);
	}
	return started;
}

/* No signal of the caller's is for a thread that it knows nothing of. */
static void start(char *workers, size_t size, unsigned n, void *(*act)(void *), pthread_t *threads,
		  bool *started)
{
	sigset_t all, old;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	for (unsigned i = 1; i < n; i++)
		started[i] = start_one(&threads[i], act, workers + i * size, other_processor(i));
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

void workers_run(void *workers, size_t size, unsigned n, void *(*act)(void *))
{
	bool started[WORKERS_MAX] = { false };
	pthread_t threads[WORKERS_MAX];

	n = MIN(n, (unsigned)WORKERS_MAX);
	start(workers, size, n, act, threads, started);
	act(workers);
	for (unsigned i = 1; i < n; i++) {
		if (started[i])
			pthread_join(threads[i], NULL);
		else
			act((char *)workers + i * size);
	}
}
