/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is said of the end of a box. */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/str.h"
#include "run/watch.h"
#include "sec/bpf.h"

const char *const verdict_names[VERDICT_KINDS] = {
	[VERDICT_OK] = "ok",           [VERDICT_EXIT] = "exit",     [VERDICT_SIGNAL] = "signal",
	[VERDICT_CPU] = "cpu",         [VERDICT_WALL] = "wall",     [VERDICT_IDLE] = "idle",
	[VERDICT_MEMORY] = "memory",   [VERDICT_OUTPUT] = "output", [VERDICT_PIDS] = "pids",
	[VERDICT_SYSCALL] = "syscall", [VERDICT_SETUP] = "setup",
};

static bool known_above(uint64_t value, uint64_t bound)
{
	return value != CG_UNKNOWN && value > bound;
}

static bool has_file_limit(const struct box *b)
{
	const rlimits *list = &b->run->d->seal.rlimits;

	for (size_t i = 0; i < list->n; i++)
		if (list->items[i].resource == RLIMIT_FSIZE)
			return true;
	return false;
}

/* What it was ended for. */
static enum verdict_kind kind_of_ending(enum ending why)
{
	static const enum verdict_kind kinds[] = {
		[END_CPU] = VERDICT_CPU,         [END_WALL] = VERDICT_WALL,
		[END_IDLE] = VERDICT_IDLE,       [END_MEMORY] = VERDICT_MEMORY,
		[END_OUTPUT] = VERDICT_OUTPUT,   [END_PIDS] = VERDICT_PIDS,
		[END_SYSCALL] = VERDICT_SYSCALL,
	};

	return kinds[why];
}

/* What was counted, of one that ended by itself or by the kernel. */
static enum verdict_kind kind_of_count(const struct box *b, const struct box_verdict *v)
{
	const struct watch_wish *wish = b->watch ? b->watch->wish : &b->run->spec->watch;

	if (known_above(v->oom_kills, 0))
		return VERDICT_MEMORY;
	if (wish->judge && known_above(v->pids_refused, 0))
		return VERDICT_PIDS;
	if (wish->denied == DENIED_KILL && v->syscalls_denied)
		return VERDICT_SYSCALL;
	if (wish->time_ns.soft && known_above(v->cpu_ns, wish->time_ns.soft))
		return VERDICT_CPU;
	if (wish->wall_ns.soft && known_above(v->wall_ns, wish->wall_ns.soft))
		return VERDICT_WALL;
	if (wish->idle_ns.soft && b->watch &&
	    MIN(b->watch->idle_most_ns, v->wall_ns) > wish->idle_ns.soft)
		return VERDICT_IDLE;
	if (wish->output_bytes.soft && known_above(v->output_bytes, wish->output_bytes.soft))
		return VERDICT_OUTPUT;
	return VERDICT_OK;
}

/*
 * The kernel tells in no other way than by SIGXFSZ that a file reached its limit. Who sends it to
 * itself gets what it deserves.
 */
static enum verdict_kind kind_of_status(const struct box *b, int status)
{
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXFSZ && has_file_limit(b))
		return VERDICT_OUTPUT;
	if (WIFSIGNALED(status))
		return VERDICT_SIGNAL;
	return WEXITSTATUS(status) ? VERDICT_EXIT : VERDICT_OK;
}

static uint64_t less(uint64_t value, uint64_t by)
{
	return value == CG_UNKNOWN ? value : value - MIN(value, by);
}

/*
 * Three have counted. The init: what its children used, and theirs: the command's, exactly. The
 * kernel for us, who wait for the init: the same and the init's own, set-up and end included. The
 * cgroup: all, also those whom nobody waited for. So what the cgroup has beyond the second was
 * hidden from the first; a little of it is a matter of when each of them looked.
 */
#define HIDDEN_NS 2000000

static uint64_t hidden_ns(const struct box *b, uint64_t in_cgroup)
{
	uint64_t more = less(in_cgroup, b->waited_ns);

	return b->waited_ns == CG_UNKNOWN || more < HIDDEN_NS ? 0 : more;
}

/* An init that is killed cannot tell, and its children count for nobody but the cgroup. */
static void put_time(const struct box *b, struct box_verdict *v)
{
	const struct box_usage *u = &b->usage;
	const struct watch *w = b->watch;
	bool counted = u->cpu_user_ns != CG_UNKNOWN && !str_eq(u->cgroup, "none");
	uint64_t all =
		u->cpu_user_ns == CG_UNKNOWN ? CG_UNKNOWN : u->cpu_user_ns + u->cpu_system_ns;

	v->cpu_user_ns = u->cpu_user_ns;
	v->cpu_system_ns = u->cpu_system_ns;
	v->cpu_ns = all;
	if (w && w->told) {
		v->cpu_user_ns = w->used.user_ns + (counted ? hidden_ns(b, all) : 0);
		v->cpu_system_ns = w->used.system_ns;
		v->cpu_ns = v->cpu_user_ns + v->cpu_system_ns;
	} else if (w && counted) {
		v->cpu_ns = less(all, w->setup_cpu_ns);
		v->cpu_user_ns = MIN(v->cpu_user_ns, v->cpu_ns);
		v->cpu_system_ns = v->cpu_ns - v->cpu_user_ns;
	} else if (w) {
		v->cpu_ns = w->cpu_ns ? w->cpu_ns : CG_UNKNOWN;
		v->cpu_user_ns = v->cpu_system_ns = CG_UNKNOWN;
	}
}

static void put_watched(const struct watch *w, struct box_verdict *v)
{
	if (!w)
		return;
	v->wall_ns = w->told ? w->used.wall_ns : w->end_ns - w->start_ns;
	v->output_bytes = w->streams_counted ? w->output_bytes : CG_UNKNOWN;
	if (w->told) { /* who was killed could not tell */
		v->voluntary_switches = w->used.voluntary;
		v->involuntary_switches = w->used.involuntary;
		v->minor_faults = w->used.minor_faults;
		v->major_faults = w->used.major_faults;
	}
	if (v->memory_peak_bytes == CG_UNKNOWN && w->used.main_peak_bytes)
		v->memory_peak_bytes = w->used.main_peak_bytes;
	v->syscalls_denied = w->n_denied;
	if (!w->n_denied)
		return;
	if (scmp_name(w->denied_arch, w->denied_nr))
		snprintf(v->syscall, sizeof(v->syscall), "%s",
			 scmp_name(w->denied_arch, w->denied_nr));
	else
		snprintf(v->syscall, sizeof(v->syscall), "%d", w->denied_nr);
}

static void put_word(char out[96], const char *word)
{
	size_t len = strlen(out);

	snprintf(out + len, 96 - len, "%s%s", len ? "," : "", word);
}

static void put_isolation(const struct run *r, char out[96])
{
	for (int i = 0; i < NS_COUNT; i++)
		if (r->spec->ns[i].mode == NS_NEW)
			put_word(out, ns_table[i].name);
	if (r->d->seal.filter)
		put_word(out, "seccomp");
	if (r->d->seal.landlock_on)
		put_word(out, "landlock");
	if (r->d->seal.no_new_privs)
		put_word(out, "no-new-privs");
}

void verdict_of(const struct box *b, struct box_verdict *out)
{
	const struct box_usage *u = &b->usage;
	struct box_verdict v = {
		.wall_ns = CG_UNKNOWN,
		.memory_peak_bytes = u->memory_peak_bytes,
		.oom_kills = u->oom_kills,
		.pids_peak = u->pids_peak,
		.pids_refused = u->pids_refused,
		.output_bytes = CG_UNKNOWN,
		.io_read_bytes = u->io_read_bytes,
		.io_write_bytes = u->io_write_bytes,
		.voluntary_switches = CG_UNKNOWN,
		.involuntary_switches = CG_UNKNOWN,
		.minor_faults = CG_UNKNOWN,
		.major_faults = CG_UNKNOWN,
		.cgroup = u->cgroup,
	};

	put_isolation(b->run, v.isolation);
	put_time(b, &v);
	put_watched(b->watch, &v);
	if (WIFSIGNALED(b->status))
		v.signal = WTERMSIG(b->status);
	else
		v.exit_code = WEXITSTATUS(b->status);
	/* What the init could tell of had ended before our signal came, however late we were. */
	v.kind = b->watch && b->watch->ending && !b->watch->told ? kind_of_ending(b->watch->ending)
								 : kind_of_count(b, &v);
	if (v.kind == VERDICT_OK)
		v.kind = b->lost ? VERDICT_SETUP : kind_of_status(b, b->status);
	v.name = verdict_names[v.kind];
	*out = v;
}
