/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The cgroup of a box: a fresh one for each run, below our own. Its name says whose it is:
 *
 *	holm-box-PIDNS-PID-START-RANDOM
 *
 * the pid namespace, pid and time of start of who made it. Who is killed cannot remove what he has
 * made; the next one that makes a cgroup beside it sees by the name that he is gone
 * (docs/design/0011).
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "run/run.h"
#include "state/state.h"
#include "sys/process.h"

#define PREFIX     "holm-box-"
#define NAME_SIZE  96
#define SWEEP_SOME 256 /* at a start, which is not to wait for thousands of neighbours */

/* ---- the name ---- */

static uint64_t our_pid_namespace(void)
{
	struct statx sx;

	return sys_statx(AT_FDCWD, "/proc/self/ns/pid", 0, STATX_INO, &sx) < 0 ? 0 : sx.stx_ino;
}

static int make_name(char out[NAME_SIZE])
{
	uint64_t start, random;
	bool ended;
	int code = state_process(getpid(), &start, &ended);

	if (code < 0)
		return code;
	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		return -EIO;
	snprintf(out, NAME_SIZE, PREFIX "%llx-%d-%llu-%016llx",
		 (unsigned long long)our_pid_namespace(), getpid(), (unsigned long long)start,
		 (unsigned long long)random);
	return 0;
}

struct judge {
	uint64_t pid_namespace;
	bool thorough; /* look whether a process of that pid is the one that is meant */
};

/* Of another pid namespace nobody here can tell; what ends that one has to clean up there. */
static bool is_left(void *arg, const char *name)
{
	const struct judge *judge = arg;
	unsigned long long ns, start, random;
	uint64_t other;
	bool ended;
	int pid, end = 0;

	if (sscanf(name, PREFIX "%llx-%d-%llu-%llx%n", &ns, &pid, &start, &random, &end) != 4 ||
	    name[end] || pid <= 0 || ns != judge->pid_namespace)
		return false;
	if (sys_kill(pid, 0) == -ESRCH)
		return true;
	if (!judge->thorough || state_process(pid, &other, &ended) < 0)
		return false;
	return ended || other != start;
}

static unsigned sweep(const struct cg *cg, bool remove, bool thorough, unsigned max)
{
	struct judge judge = { our_pid_namespace(), thorough };
	const struct cg_sweep w = { PREFIX, is_left, &judge, max, remove };

	return judge.pid_namespace ? cg_sweep(cg, &w) : 0;
}

int box_cgroup_clean(bool remove)
{
	struct cg_system system = { 0 };
	struct cg beside = CG_INIT;
	int code = cg_probe(&system, NULL);

	/* Any name will do: the cgroups that we look for are beside it. */
	if (code == 0)
		code = cg_plan(&beside, &system, PREFIX "0", 0, NULL);
	if (code == 0)
		code = (int)sweep(&beside, remove, true, UINT32_MAX);
	cg_done(&beside);
	cg_system_done(&system);
	return code;
}

/* ---- its beginning ---- */

/* One note, to be freed, of all that was left out; NULL if nothing was. */
static char *note_of(const struct cg *cg, bool wants_any)
{
	struct buf b = { 0 };

	if (wants_any && cg->layout == CG_NONE)
		buf_puts(&b, "limits left out: cgroup (none can be made here)");
	for (size_t i = 0; i < cg->n_left_out; i++)
		buf_printf(&b, "%s%s (%s)",
			   b.len ? "; " : "limits left out: ", cg->left_out[i].field,
			   cg->left_out[i].why);
	return buf_take(&b);
}

/* Nothing that was asked for by name failed, but there may be no cgroup at all. */
static int see_that_it_is_there(struct run *r)
{
	const struct limits *wish = &r->spec->limits;

	if (r->cg.layout == CG_NONE && wish->cgroup && !wish->best_effort)
		return err_set(r->err, ENOENT, "no cgroup can be made here" CG_NEEDS_DELEGATION);
	r->limits_note = note_of(&r->cg, wish->cgroup);
	return 0;
}

static int make(const struct resources *limits, unsigned flags, struct cg *out, struct err *e)
{
	struct cg_system system = { 0 };
	char name[NAME_SIZE];
	int code = make_name(name);

	if (code == 0)
		code = cg_probe(&system, e);
	if (code == 0)
		code = cg_create(out, &system, name, limits, flags | CG_IF_ALLOWED | CG_WANTED_ONLY,
				 e);
	cg_system_done(&system);
	return code;
}

int box_cgroup_make(struct run *r)
{
	const struct limits *wish = &r->spec->limits;
	unsigned flags = (wish->cgroup || wish->account ? CG_ACCOUNT : 0) |
			 (wish->best_effort ? CG_BEST_EFFORT : 0);
	int code = make(r->d->resources, flags, &r->cg, r->err);

	if (code == 0)
		code = see_that_it_is_there(r);
	/* What was killed may have been in trees that we have no use for. */
	if (code == 0 && sweep(&r->cg, false, false, SWEEP_SOME) > 0)
		box_cgroup_clean(true);
	if (code < 0 && r->err && r->err->code)
		words_limits(r, r->err);
	return code;
}

int box_cgroup_try(const struct resources *limits, struct cg *out, struct err *e)
{
	return make(limits, CG_ACCOUNT | CG_BEST_EFFORT, out, e);
}

/* ---- its end ---- */

bool box_cgroup_is_full(struct run *r)
{
	uint64_t kills = r->keeper || !r->cg.n ? 0 : cg_oom_kills(&r->cg);

	return kills > 0 && kills != CG_UNKNOWN;
}

static void read_usage(struct cg *cg, struct box_usage *u)
{
	struct cg_used used;

	cg_use(cg, &used);
	u->memory_peak_bytes = used.memory_peak_bytes;
	u->oom_kills = used.oom_kills;
	u->pids_peak = used.pids_peak;
	u->pids_refused = used.pids_refused;
	u->io_read_bytes = used.io_read_bytes;
	u->io_write_bytes = used.io_write_bytes;
	if (used.cpu_user_ns != CG_UNKNOWN && used.cpu_kernel_ns != CG_UNKNOWN) {
		u->cpu_user_ns = used.cpu_user_ns;
		u->cpu_system_ns = used.cpu_kernel_ns;
	}
}

/*
 * The first process is gone, and with its pid namespace all others; where that was shared some may
 * have stayed. What is in the box's cgroup is the box's.
 */
void box_cgroup_end(struct run *r, struct box_usage *u)
{
	u->cgroup = cg_layout_name(r->cg.layout);
	if (r->keeper)
		return; /* a container has its own ways */
	if (r->cg.n) {
		if (cg_is_populated(&r->cg) > 0)
			cg_kill(&r->cg, NULL);
		read_usage(&r->cg, u);
		cg_remove(&r->cg, NULL);
	}
	cg_done(&r->cg);
}
