/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a large program pays for a box: holds a heap of MIB mebibytes, every page of it touched and
 * none of it huge, so that its page tables are as large as they get, and spawns PROG in boxes.
 *
 *	heap MIB ROUNDS PROG [ARG...]
 *
 * Prints the median time of spawn and wait as JSON.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include <holm.h>

#define WARM_UPS 3

static double now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static int fill_heap(size_t size)
{
	char *heap = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (heap == MAP_FAILED)
		return -1;
	madvise(heap, size, MADV_NOHUGEPAGE);
	for (size_t i = 0; i < size; i += 4096)
		heap[i] = 1;
	return 0;
}

/* Spawns `argv` once and waits for it. */
static int run_box(char **argv)
{
	struct holm_event event;
	struct holm_spec *spec = NULL;
	struct holm_box *box = NULL;
	int ret = holm_spec_new(&spec);

	if (ret == 0)
		ret = holm_spec_command(spec, argv);
	if (ret == 0)
		ret = holm_spawn(spec, &box);
	if (ret == 0)
		ret = holm_wait(box, &event, -1);
	if (ret == 1 && event.status != 0)
		ret = -ECANCELED;
	if (ret < 0)
		fprintf(stderr, "heap: %s\n", spec ? holm_error(spec)->text : strerror(-ret));
	holm_free(box);
	holm_spec_free(spec);
	return ret < 0 ? ret : 0;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	size_t mib, rounds;
	double *run_us;

	if (argc < 4) {
		fprintf(stderr, "usage: heap MIB ROUNDS PROG [ARG...]\n");
		return 2;
	}
	mib = strtoul(argv[1], NULL, 10);
	rounds = strtoul(argv[2], NULL, 10);
	run_us = calloc(rounds ? rounds : 1, sizeof(*run_us));
	if (!run_us || !rounds || fill_heap(mib << 20) < 0) {
		perror("heap");
		return 1;
	}
	for (size_t i = 0; i < rounds + WARM_UPS; i++) {
		double start = now_us();

		if (run_box(argv + 3) < 0)
			return 1;
		if (i >= WARM_UPS)
			run_us[i - WARM_UPS] = now_us() - start;
	}
	qsort(run_us, rounds, sizeof(*run_us), by_value);
	printf("{\"mib\":%zu,\"median_us\":%.1f}\n", mib, run_us[rounds / 2]);
	free(run_us);
	return 0;
}
