/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>

#include "base/macro.h"
#include "base/workers.h"

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

/* No signal of the caller's is for a thread that it knows nothing of. */
static void start(char *workers, size_t size, unsigned n, void *(*act)(void *), pthread_t *threads,
		  bool *started)
{
	sigset_t all, old;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	for (unsigned i = 1; i < n; i++)
		started[i] = pthread_create(&threads[i], NULL, act, workers + i * size) == 0;
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
