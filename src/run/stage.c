/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Walks the table. Runs in P, C, the init and X, so nothing here may allocate or touch errno. */
#include "run/run.h"
#include "sys/process.h"

static uint64_t now_ns(void)
{
	struct timespec ts;

	sys_clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000U + (uint64_t)ts.tv_nsec;
}

size_t want_always(const struct run *r)
{
	(void)r;
	return 1;
}

static int step_run(struct run *r, unsigned index)
{
	const struct step *s = &r->steps[index];
	size_t n = s->count(r);

	for (size_t i = 0; i < n; i++) {
		int code;

		r->failed = r->fs.failed = NULL;
		if (s->stage >= STAGE_JOIN && s->stage <= STAGE_SEAL) {
			r->shared->at_step = index;
			r->shared->at_item = (unsigned)i;
		}
		code = fault_hit(r, s, i);
		if (code == 0)
			code = s->act(r, i);
		if (code < 0 && r->report->code)
			return code; /* the other side failed first, and ours follows from it */
		if (code < 0) {
			*r->report = (struct report){
				.code = -code,
				.step = index,
				.item = (unsigned)i,
				.failed = r->failed ? r->failed : r->fs.failed,
			};
			return code;
		}
	}
	return 0;
}

int stage_run(struct run *r, enum stage stage)
{
	for (unsigned i = 0; i < r->n_steps; i++) {
		uint64_t start = 0;
		int code;

		if (r->steps[i].stage != stage)
			continue;
		if (r->timed)
			start = now_ns();
		r->n_started = i + 1;
		code = step_run(r, i);
		if (r->timed)
			r->shared->step_ns[i] = now_ns() - start;
		if (code < 0)
			return code;
	}
	return 0;
}
