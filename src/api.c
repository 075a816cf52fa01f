/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The public calls. Each checks what it was given, and hands it to the room that does it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "holm.h"
#include "run/doctor.h"
#include "run/held.h"
#include "run/run.h"
#include "run/status.h"
#include "run/watch.h"

#define NOTES_MAX 8

struct holm_spec {
	struct spec *spec;
	struct holm_error error;
	const char *notes[NOTES_MAX + 1]; /* of the last decision: constant texts, or limits_note */
	char *limits_note;                /* of the last start */
};

struct holm_box {
	struct box *box;
	struct spec *decided;  /* a copy of the spec, with all that was decided for this box */
	struct spec *launched; /* the same of the one it was launched with; NULL: it is that */
	struct status status;
	struct facts facts; /* by which it was decided */
};

_Static_assert(sizeof(struct holm_event) == sizeof(struct box_event), "one layout");
_Static_assert(sizeof(struct holm_state) == sizeof(struct box_state), "one layout");
_Static_assert(sizeof(struct holm_usage) == sizeof(struct box_usage), "one layout");
_Static_assert(HOLM_UNKNOWN == CG_UNKNOWN, "one word for it");
_Static_assert(sizeof(struct holm_verdict) == sizeof(struct box_verdict), "one layout");
_Static_assert((int)HOLM_VERDICT_SETUP == (int)VERDICT_SETUP, "one numbering");
_Static_assert((int)HOLM_LOST == (int)BOX_LOST, "one numbering");

const char *holm_version(void)
{
	return HOLM_VERSION;
}

const struct holm_error *holm_error(const struct holm_spec *spec)
{
	return &spec->error;
}

int holm_field(size_t i, struct holm_field *out)
{
	const struct field *f = &spec_fields[i];

	if (i >= spec_n_fields)
		return -ENOENT;
	*out = (struct holm_field){ f->name, f->letter, f->flags, f->group, f->arg, f->help };
	return 0;
}

int holm_spec_new(struct holm_spec **out)
{
	_cleanup_free_ struct holm_spec *h = calloc(1, sizeof(*h));

	if (h)
		h->spec = spec_new();
	if (!h || !h->spec)
		return -ENOMEM;
	*out = TAKE_PTR(h);
	return 0;
}

void holm_spec_free(struct holm_spec *spec)
{
	if (!spec)
		return;
	if (spec->spec->enters) {
		cleanup_fd(&spec->spec->enter_pidfd);
		cleanup_fd(&spec->spec->enter_root_fd);
	}
	spec_free(spec->spec);
	free(spec->limits_note);
	free(spec);
}

/* Keeps the error for holm_error(). A command that could not be executed has codes of its own. */
static int keep(struct holm_spec *h, int r, const struct err *e)
{
	h->error = (struct holm_error){ 0 };
	if (r >= 0)
		return r;
	h->error.code = -r;
	h->error.exit_code = !e->command ? 125 : r == -ENOENT ? 127 : 126;
	memcpy(h->error.text, e->text, sizeof(h->error.text));
	if (e->step)
		strncpy(h->error.step, e->step, sizeof(h->error.step) - 1);
	return r;
}

/* The same for calls that have no spec. */
static int tell(struct holm_error *out, int r, const struct err *e)
{
	if (!out)
		return r;
	*out = (struct holm_error){ 0 };
	if (r < 0) {
		out->code = -r;
		out->exit_code = 125;
		memcpy(out->text, e->text, sizeof(out->text));
	}
	return r;
}

int holm_spec_set(struct holm_spec *h, const char *field, const char *value)
{
	struct err e = { 0 };

	return keep(h, spec_set(h->spec, field, value, &e), &e);
}

int holm_spec_add(struct holm_spec *h, const char *field, const char *value)
{
	return holm_spec_set(h, field, value);
}

int holm_spec_command(struct holm_spec *h, char *const argv[])
{
	struct spec *s = h->spec;
	size_t kept = 0;

	for (size_t i = 0; i < s->journal.n; i++) /* a command replaces the one before */
		if (!str_eq(s->journal.items[i].field, "command"))
			s->journal.items[kept++] = s->journal.items[i];
	s->journal.n = kept;
	s->command.n = 0;
	for (; *argv; argv++)
		if (spec_command(s, *argv) < 0)
			return -ENOMEM;
	return 0;
}

int holm_spec_enter(struct holm_spec *h, const struct holm_enter *enter)
{
	struct enter_wish w = { enter->pid, enter->pidfd, enter->types, enter->root };
	struct err e = { 0 };

	if (h->spec->enters)
		return keep(h, err_set(&e, EINVAL, "enter: only one process can be entered"), &e);
	return keep(h, enter_fill(h->spec, &w, &e), &e);
}

int holm_spec_stdio(struct holm_spec *h, const int fds[3])
{
	h->spec->own_stdio = true;
	memcpy(h->spec->stdio, fds, sizeof(h->spec->stdio));
	return 0;
}

int holm_spec_entry(const struct holm_spec *h, size_t i, const char **field, const char **value)
{
	if (i >= h->spec->journal.n)
		return -ENOENT;
	*field = h->spec->journal.items[i].field;
	*value = h->spec->journal.items[i].value;
	return 0;
}

int holm_spec_load(struct holm_spec *h, const char *json, size_t len, const char *name)
{
	struct err e = { 0 };

	return keep(h, spec_load(h->spec, json, len, name, &e), &e);
}

static void free_spec(struct spec **s)
{
	spec_free(*s);
}

#define _cleanup_spec_ _cleanup_(free_spec)

static void keep_notes(struct holm_spec *h, const struct spec *decided)
{
	memset(h->notes, 0, sizeof(h->notes));
	free(TAKE_PTR(h->limits_note));
	for (size_t i = 0; i < decided->d.notes.n && i < NOTES_MAX; i++)
		h->notes[i] = decided->d.notes.items[i];
}

/* For a box that was decided on: the command alone. */
static int decide_late(struct holm_spec *h, struct holm_box *b, struct spec **out, struct err *e)
{
	_cleanup_spec_ struct spec *s = spec_copy(h->spec);
	int r;

	if (!s)
		return err_errno(e, ENOMEM, "spec");
	r = filter_prepare(s, e);
	if (r == 0)
		r = spec_check_late(s, b->decided, &b->facts, e);
	if (r < 0)
		return r;
	keep_notes(h, s);
	*out = TAKE_PTR(s);
	return 0;
}

/* Facts, filter, decision; on a copy, so that a spec can be used for any number of boxes. */
static int decide(struct holm_spec *h, bool prepare, struct facts *facts, struct spec **out,
		  struct err *e)
{
	_cleanup_spec_ struct spec *s = spec_copy(h->spec);
	const char *what;
	int r;

	if (!s)
		return err_errno(e, ENOMEM, "spec");
	s->prepared = prepare;
	r = facts_read(s, facts, e);
	facts->fallback_active =
		s->fallback && s->ns[NS_USER].mode == NS_NEW && facts_probe_userns(&what) < 0;
	if (r == 0)
		r = filter_prepare(s, e);
	if (r == 0)
		r = spec_check(s, facts, e);
	if (r == 0)
		keep_notes(h, s);
	if (r == 0)
		*out = TAKE_PTR(s);
	return r;
}

int holm_check(struct holm_spec *h)
{
	_cleanup_spec_ struct spec *decided = NULL;
	struct err e = { 0 };
	struct facts facts;

	return keep(h, decide(h, false, &facts, &decided, &e), &e);
}

const char *holm_note(const struct holm_spec *h, size_t i)
{
	return i < NOTES_MAX ? h->notes[i] : NULL;
}

static int plan_walk(const struct run *r, holm_plan_fn *fn, void *arg)
{
	for (size_t i = 0; i < r->n_steps; i++) {
		const struct step *s = &r->steps[i];
		size_t n = s->count(r);

		for (size_t k = 0; k < n; k++) {
			_cleanup_(buf_done) struct buf object = { 0 };
			struct holm_plan_step row = {
				.stage = stage_names[s->stage],
				.name = s->name,
				.words = s->words,
			};
			int result;

			words_item(r, s, k, &object);
			row.object = object.data ? object.data : "";
			row.took_ns = r->shared && k == 0 ? r->shared->step_ns[i] : 0;
			result = fn(arg, &row);
			if (result)
				return result;
		}
	}
	return 0;
}

int holm_plan(struct holm_spec *h, holm_plan_fn *fn, void *arg)
{
	_cleanup_spec_ struct spec *decided = NULL;
	struct err e = { 0 };
	struct facts facts;
	struct run r;
	int code = keep(h, decide(h, false, &facts, &decided, &e), &e);

	if (code < 0)
		return code;
	run_init(&r, decided);
	return plan_walk(&r, fn, arg);
}

/* Which limits are in force is known only now. The spec outlives the box, or the other way round.
 */
static void note_limits(struct holm_spec *h, const char *note)
{
	size_t i = 0;

	h->limits_note = note ? strdup(note) : NULL;
	while (i < NOTES_MAX - 1 && h->notes[i])
		i++;
	h->notes[i] = h->limits_note ? h->limits_note : h->notes[i];
}

static void started(struct holm_spec *h, struct holm_box *b, const struct spec *decided)
{
	note_limits(h, b->box->run->limits_note);
	status_started(&b->status, decided, b->box);
}

int holm_spawn_flags(struct holm_spec *h, unsigned flags, struct holm_box **out)
{
	_cleanup_spec_ struct spec *decided = NULL;
	_cleanup_free_ struct holm_box *b = calloc(1, sizeof(*b));
	struct err e = { 0 };
	int r = b ? decide(h, false, &b->facts, &decided, &e)
		  : err_errno(&e, ENOMEM, "start a box");

	if (r == 0)
		r = facts_check_fds(decided, &e);
	if (r == 0)
		r = box_start(decided, flags & HOLM_TIMED, &b->box, &e);
	if (r == 0)
		started(h, b, decided);
	else
		status_failed(h->spec, &e);
	if (r == 0) {
		b->decided = TAKE_PTR(decided);
		*out = TAKE_PTR(b);
	}
	return keep(h, r, &e);
}

int holm_prepare(struct holm_spec *h, struct holm_box **out)
{
	_cleanup_spec_ struct spec *decided = NULL;
	_cleanup_free_ struct holm_box *b = calloc(1, sizeof(*b));
	struct err e = { 0 };
	int r = b ? decide(h, true, &b->facts, &decided, &e)
		  : err_errno(&e, ENOMEM, "prepare a box");

	if (r == 0)
		r = facts_check_fds(decided, &e);
	if (r == 0)
		r = box_prepare(decided, false, &b->box, &e);
	if (r == 0) {
		b->decided = TAKE_PTR(decided);
		*out = TAKE_PTR(b);
	}
	return keep(h, r, &e);
}

int holm_launch(struct holm_box *b, struct holm_spec *h)
{
	_cleanup_spec_ struct spec *decided = NULL;
	struct err e = { 0 };
	int r = 0;

	if (!b->box->prepared)
		r = err_set(&e, EALREADY, "the box has been launched already");
	else if (!spec_same_shape(b->decided, h->spec))
		r = err_set(&e, EXDEV, "the box was prepared for another spec");
	else if (b->facts.fallback_active) /* its rules stand beside the command's */
		r = decide(h, false, &b->facts, &decided, &e);
	else
		r = decide_late(h, b, &decided, &e);
	if (r == 0)
		r = facts_check_fds(decided, &e);
	if (r < 0)
		return keep(h, r, &e);
	r = box_launch(b->box, decided, &e);
	if (r == 0)
		started(h, b, decided);
	b->launched = TAKE_PTR(decided); /* also of one that failed: it is in use until freed */
	return keep(h, r, &e);
}

int holm_workspace(const struct holm_box *b)
{
	int fd = b->box->prepared ? b->box->run->workspace_fd : b->box->workspace_fd;

	return fd >= 0 ? fd : -ENOENT;
}

int holm_spawn(struct holm_spec *h, struct holm_box **out)
{
	return holm_spawn_flags(h, 0, out);
}

int holm_pidfd(const struct holm_box *b)
{
	return b->box->pidfd;
}

int holm_pid(const struct holm_box *b)
{
	return b->box->pid;
}

int holm_main_pid(struct holm_box *b)
{
	return box_main_pid(b->box);
}

WAITING int holm_poll_fd(const struct holm_box *b)
{
	return box_poll_fd(b->box);
}

WAITING int holm_next(struct holm_box *b, struct holm_event *out, int timeout_ms)
{
	struct box_event event;
	int r = box_next(b->box, &event, timeout_ms);

	if (r <= 0)
		return r;
	status_event(&b->status, b->box, &event);
	memcpy(out, &event, sizeof(*out));
	return 1;
}

WAITING int holm_wait(struct holm_box *b, struct holm_event *out, int timeout_ms)
{
	struct holm_event event;
	int r;

	do {
		r = holm_next(b, &event, timeout_ms);
	} while (r == 1 && event.kind != HOLM_ENDED && event.kind != HOLM_LOST);
	if (r == 1 && out)
		*out = event;
	return r;
}

int holm_usage(const struct holm_box *b, struct holm_usage *out)
{
	if (!b->box->ended)
		return -EAGAIN;
	memcpy(out, &b->box->usage, sizeof(*out));
	return 0;
}

int holm_verdict(const struct holm_box *b, struct holm_verdict *out)
{
	struct box_verdict v;

	if (!b->box->ended)
		return -EAGAIN;
	verdict_of(b->box, &v);
	memcpy(out, &v, sizeof(*out));
	return 0;
}

int holm_exit_code(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int holm_signal(struct holm_box *b, int signo)
{
	return box_signal(b->box, signo);
}

int holm_control(struct holm_box *b, struct holm_state *out)
{
	struct box_state state;
	int r = box_state(b->box, &state);

	if (r == 0)
		memcpy(out, &state, sizeof(*out));
	return r;
}

int holm_run(struct holm_box *b, char *const argv[], const int fds[3], uint32_t *id, int *pid)
{
	return box_run(b->box, argv, fds, id, pid);
}

int holm_terminal(const struct holm_box *b)
{
	return b->box->master_fd >= 0 ? b->box->master_fd : -ENOTTY;
}

int holm_resize(struct holm_box *b, unsigned rows, unsigned columns)
{
	struct winsize size = { .ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns };

	return box_resize(b->box, &size);
}

int holm_timings(struct holm_box *b, holm_plan_fn *fn, void *arg)
{
	return plan_walk(b->box->run, fn, arg);
}

void holm_free(struct holm_box *b)
{
	if (!b)
		return;
	box_free(b->box);
	spec_free(b->decided);
	spec_free(b->launched);
	free(b);
}

struct doctor_call {
	holm_finding_fn *fn;
	void *arg;
};

static int hand_on(void *arg, const struct finding *f)
{
	const struct doctor_call *call = arg;
	struct holm_finding out = { (enum holm_finding_kind)f->kind, f->what, f->found, f->fix };

	return call->fn(call->arg, &out);
}

int holm_doctor(holm_finding_fn *fn, void *arg)
{
	struct doctor_call call = { fn, arg };

	return doctor_run(hand_on, &call);
}

int holm_clean(void)
{
	return box_cgroup_clean(true);
}

int holm_cgroup_follow(int pid, struct holm_error *error)
{
	struct err e = { 0 };

	return tell(error, cg_go_to(pid, &e), &e);
}

/* ---- namespaces that are held ---- */

/* "IN:OUT:COUNT", as the kernel reads it; NULL: everything as it is. */
static int read_map(const char *map, char out[48], struct err *e)
{
	unsigned long long in = 0, outside = 0, count = UINT32_MAX;
	int end = 0;

	if (map && (sscanf(map, "%llu:%llu:%llu%n", &in, &outside, &count, &end) != 3 || map[end] ||
		    in > UINT32_MAX || outside > UINT32_MAX || count > UINT32_MAX))
		return err_set(e, EINVAL, "hold: \"%.64s\" is no map; write IN:OUT:COUNT", map);
	snprintf(out, 48, "%llu %llu %llu\n", in, outside, count);
	return 0;
}

int holm_ns_hold(const char *name, const struct holm_hold *hold, struct holm_error *error)
{
	char map[48];
	struct held_wish w = { name, hold->types, hold->pid, map, map };
	struct err e = { 0 };
	int r = read_map(hold->map, map, &e);

	if (r == 0)
		r = held_make(&w, &e);
	return tell(error, r, &e);
}

int holm_ns_drop(const char *name, struct holm_error *error)
{
	struct err e = { 0 };

	return tell(error, held_drop(name, &e), &e);
}

struct held_call {
	holm_held_fn *fn;
	void *arg;
};

static int hand_held_on(void *arg, const struct held *h)
{
	const struct held_call *call = arg;

	return call->fn(call->arg, &(struct holm_held){ .name = h->name,
							.path = h->path,
							.type = (enum holm_ns_type)h->type,
							.inode = h->inode,
							.init = h->init });
}

int holm_ns_held(holm_held_fn *fn, void *arg, struct holm_error *error)
{
	struct held_call call = { fn, arg };
	struct err e = { 0 };

	return tell(error, held_list(hand_held_on, &call, &e), &e);
}
