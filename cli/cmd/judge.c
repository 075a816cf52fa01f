/* SPDX-License-Identifier: GPL-2.0-or-later */
/* holm judge: one program and a verdict on it, or jobs from a file or a socket. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "judge/judge.h"
#include "sys/fd.h"

struct judge_options {
	const char *jobs, *serve, *parallel, *warm, *order;
	const char *input, *out, *err, *report, *format;
	const char *expect, *checker, *tolerance;
	strings in, collect;
	struct arena *arena;
};

#define FILES_LIMIT 512 /* open at one time, in each process */
#define AT(member)  offsetof(struct judge_options, member)

const struct own_option judge_options[] = {
	/* clang-format off */
	{ "report", "FILE|fd:N", "where the verdict goes (fd:2)" },
	{ "report-format", "json|isolate", "how it is written (json)" },
	{ "stdin", "FILE", "standard input (nothing)" },
	{ "stdout", "FILE", "standard output (ours)" },
	{ "stderr", "FILE", "standard error (ours)" },
	{ "in", "NAME=FILE[:MODE]", "copy a file into the workspace" },
	{ "out", "NAME=FILE[:MAX]", "copy a file out of it at the end" },
	{ "expect", "FILE", "what standard output should be (it is kept, not shown)" },
	{ "checker", "exact|tokens|floats", "how it is compared (tokens)" },
	{ "tolerance", "N", "of floats (1e-6)" },
	{ "jobs", "FILE|-", "judge many: a line of JSON each, see holm-judge(5)" },
	{ "serve", "SOCKET", "the same for clients of a Unix socket" },
	{ "parallel", "N", "jobs at one time (1)" },
	{ "order", "given|done", "of the results (given)" },
	{ "warm", "N", "keep N boxes prepared, for each that works in parallel (0)" },
	/* clang-format on */
};

const unsigned n_judge_options = ARRAY_SIZE(judge_options);

/* Where each goes, in the same order. */
static const size_t places[] = {
	AT(report), AT(format),  AT(input),    AT(out),     AT(err),
	AT(in),     AT(collect), AT(expect),   AT(checker), AT(tolerance),
	AT(jobs),   AT(serve),   AT(parallel), AT(order),   AT(warm),
};

_Static_assert(ARRAY_SIZE(places) == ARRAY_SIZE(judge_options), "a place for each");

static void free_spec(struct holm_spec **spec)
{
	holm_spec_free(*spec);
}

/* ---- options ---- */

static int judge_option(void *arg, const char *name, const char *value)
{
	struct judge_options *o = arg;

	for (size_t i = 0; i < ARRAY_SIZE(judge_options); i++) {
		void *at = (char *)o + places[i];
		strings *list = at;
		const char **slot = at;

		if (!str_eq(judge_options[i].name, name))
			continue;
		if (!value)
			return out_error("judge: --%s needs an argument: %s", name,
					 judge_options[i].arg);
		if (places[i] == AT(in) || places[i] == AT(collect))
			slot = arena_push(o->arena, &list->items, &list->n, sizeof(*slot));
		if (!slot)
			return out_error("judge: out of memory");
		*slot = value;
		return 0;
	}
	return -1;
}

static void print_help(void)
{
	puts("Usage: holm judge [OPTIONS] [--] COMMAND [ARG...]\n"
	     "       holm judge [OPTIONS] --jobs FILE|- | --serve SOCKET\n\n"
	     "Runs programs that nobody trusts, each in a box of its own, and says how each "
	     "ended:\n"
	     "ok, exit, signal, cpu, wall, idle, memory, output, pids, syscall or setup.\n\n"
	     "judge:");
	for (size_t i = 0; i < ARRAY_SIZE(judge_options); i++)
		opts_help_line(0, judge_options[i].name, judge_options[i].arg,
			       judge_options[i].help);
	opts_help_fields();
	puts("\nExit code: 0 if the verdict is ok (and the answer right), 1 if not, 125 if there "
	     "is "
	     "none.\nSee holm-judge(1) and holm-judge(5).");
}

static int take_count(const char *option, const char *text, unsigned max, unsigned least,
		      unsigned *out)
{
	uint64_t n = least;

	if (text && (str_u64(text, max, &n) < 0 || n < least))
		return out_error("judge: --%s: \"%s\" is no number from %u to %u", option, text,
				 least, max);
	*out = (unsigned)n;
	return 0;
}

/* ---- one program ---- */

/* NAME=FILE[:LAST], where LAST is what `read` takes. */
static int split(struct arena *a, const char *option, const char *value, const char **name,
		 const char **file, const char **last)
{
	const char *equal = strchr(value, '='), *colon = strrchr(value, ':');

	if (!equal || equal == value || !equal[1])
		return out_error("judge: --%s: \"%s\" is not NAME=FILE", option, value);
	*last = colon && colon > equal && !strchr(colon, '/') ? colon + 1 : NULL;
	*name = arena_strndup(a, value, (size_t)(equal - value));
	*file = *last ? arena_strndup(a, equal + 1, (size_t)(colon - equal - 1))
		      : arena_strdup(a, equal + 1);
	return *name && *file ? 0 : out_error("judge: out of memory");
}

static int add_in(struct job *job, const char *value)
{
	struct file_in *f =
		arena_push(job->arena, &job->files_in.items, &job->files_in.n, sizeof(*f));
	const char *mode;

	if (!f)
		return out_error("judge: out of memory");
	f->from.given = true;
	f->mode = 0755;
	if (split(job->arena, "in", value, &f->name, &f->from.path, &mode))
		return EXIT_HOLM;
	if (mode && str_octal(mode, 0777, &f->mode) < 0)
		return out_error("judge: --in: \"%s\" is no octal mode", mode);
	return 0;
}

static int add_out(struct job *job, const char *value)
{
	struct file_out *f =
		arena_push(job->arena, &job->files_out.items, &job->files_out.n, sizeof(*f));
	const char *max;

	if (!f)
		return out_error("judge: out of memory");
	f->max_bytes = COLLECT_MAX;
	if (split(job->arena, "out", value, &f->name, &f->to, &max))
		return EXIT_HOLM;
	if (max && str_size(max, &f->max_bytes) < 0)
		return out_error("judge: --out: \"%s\" is no size", max);
	return 0;
}

static int set_expectation(struct job *job, const struct judge_options *o)
{
	struct expectation *x = &job->expect;
	unsigned i = 0;
	char *end;

	if (!o->expect)
		return o->checker || o->tolerance
			       ? out_error("judge: --checker and --tolerance go with --expect")
			       : 0;
	x->what = (struct source){ .given = true, .path = o->expect };
	x->checker = CHECK_TOKENS;
	x->tolerance = o->tolerance ? strtod(o->tolerance, &end) : 1e-6;
	if (o->tolerance && (*end || !(x->tolerance >= 0)))
		return out_error("judge: --tolerance: \"%s\" is no number above 0", o->tolerance);
	while (o->checker && i < CHECKERS && !str_eq(checker_names[i], o->checker))
		i++;
	if (i == CHECKERS)
		return out_error("judge: --checker: \"%s\" is not one of exact, tokens, floats",
				 o->checker);
	x->checker = o->checker ? (enum checker)i : CHECK_TOKENS;
	job->out.keep = !o->out;
	return o->out ? out_error("judge: --expect: standard output goes to --stdout") : 0;
}

static int make_job(struct job *job, const struct holm_spec *spec, const struct judge_options *o)
{
	int r = 0;

	job_init(job);
	job->spec = spec_like(spec);
	if (!job->arena || !job->spec)
		return out_error("judge: out of memory");
	job->input.given = true;
	job->input.path = o->input ? o->input : "/dev/null";
	job->out.path = o->out;
	job->err.path = o->err;
	for (size_t i = 0; r == 0 && i < o->in.n; i++)
		r = add_in(job, o->in.items[i]);
	for (size_t i = 0; r == 0 && i < o->collect.n; i++)
		r = add_out(job, o->collect.items[i]);
	return r == 0 ? set_expectation(job, o) : r;
}

/* The program may have left its last line on standard error unfinished. */
static bool may_follow_words(const struct judge_options *o, const struct result *r)
{
	uint64_t bytes = r->verdict.output_bytes;

	return !o->err && bytes && bytes != HOLM_UNKNOWN;
}

static int write_report(const struct judge_options *o, const struct result *r)
{
	_cleanup_buf_ struct buf text = { 0 };
	_cleanup_fd_ int fd = -1;
	const char *to = o->report ? o->report : "fd:2";
	int code, number = -1;

	if (str_starts(to, "fd:") && str_fd(to + 3, &number) < 0)
		return out_error("judge: --report %s: is no descriptor", to);
	if (number == 2 && may_follow_words(o, r))
		buf_puts(&text, "\n");
	if (o->format && str_eq(o->format, "isolate"))
		report_isolate(&text, r);
	else
		report_json(&text, NULL, 0, r);
	if (number < 0)
		fd = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (number < 0 && fd < 0)
		return out_error("judge: --report %s: %s", to, err_words(errno));
	code = text.failed ? -ENOMEM
			   : sys_write_all(number >= 0 ? number : fd, text.data, text.len);
	return code < 0 ? out_error("judge: --report %s: %s", to, err_words(-code)) : 0;
}

static int exit_code(const struct result *r)
{
	if (r->error.code || r->verdict.kind == HOLM_VERDICT_SETUP)
		return EXIT_HOLM;
	if (r->answer == ANSWER_UNKNOWN)
		return EXIT_HOLM;
	return r->verdict.kind != HOLM_VERDICT_OK || r->answer == ANSWER_WRONG;
}

/* SIGTERM and its like end the box first, so that nothing of it is left. */
static int signals_open(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

static int judge_one(const struct holm_spec *spec, const struct judge_options *o)
{
	_cleanup_fd_ int stop_fd = -1;
	struct result result = { 0 };
	struct job job;
	int code = make_job(&job, spec, o);

	if (code == 0) {
		stop_fd = signals_open();
		watch_keenly();
		job_run(&job, NULL, stop_fd, &result);
		code = write_report(o, &result);
		if (o->report && result.error.code)
			out_error("%s", result.error.text);
		if (code == 0)
			code = exit_code(&result);
	}
	job_done(&job);
	return code;
}

/* ---- all of it ---- */

static int serve(const struct holm_spec *spec, const struct judge_options *o)
{
	struct serve how = { .base = spec, .jobs = o->jobs, .socket = o->serve };

	if (o->jobs && o->serve)
		return out_error("judge: --jobs and --serve exclude each other");
	if (o->input || o->out || o->err || o->expect || o->report || o->format || o->in.n ||
	    o->collect.n)
		return out_error("judge: with --jobs and --serve each job says its own files, and "
				 "gets its own report");
	if (o->order && !str_eq(o->order, "given") && !str_eq(o->order, "done"))
		return out_error("judge: --order: \"%s\" is neither given nor done", o->order);
	how.in_order = !o->order || str_eq(o->order, "given");
	if (take_count("parallel", o->parallel, 256, 1, &how.workers) ||
	    take_count("warm", o->warm, 256, 0, &how.warm))
		return EXIT_HOLM;
	return serve_run(&how);
}

/* What a judge wants and a box does not: what was not given is added. */
/*
 * Descriptors that lie in sockets, unread, count for the user, and so for all boxes together: who
 * has more of them there than his own limit can send none. Ours has to be out of reach of theirs
 * (and of the 253 that one message may carry beyond it), or one job could keep all others from
 * being set up. Nor may what lies in sockets be too much: its memory is in no cgroup.
 */
static int limit_descriptors(struct holm_spec *spec)
{
	const char *field, *value;
	struct rlimit ours;
	char text[48];

	for (size_t i = 0; holm_spec_entry(spec, i, &field, &value) == 0; i++)
		if (str_eq(field, "rlimit") && str_starts(value, "nofile="))
			return 0;
	if (getrlimit(RLIMIT_NOFILE, &ours) < 0)
		return out_error("judge: getrlimit: %s", err_words(errno));
	snprintf(text, sizeof(text), "nofile=%u",
		 (unsigned)MIN(ours.rlim_cur / 2, (rlim_t)FILES_LIMIT));
	return holm_spec_add(spec, "rlimit", text) < 0 ? out_spec_error(spec) : 0;
}

static int set_defaults(struct holm_spec *spec)
{
	static const char *const defaults[][2] = {
		{ "judge", "true" },
		{ "pty", "no" },
		{ "workspace", WORKSPACE },
	};
	const char *field, *value;

	for (size_t i = 0; i < ARRAY_SIZE(defaults); i++) {
		bool given = false;

		for (size_t k = 0; holm_spec_entry(spec, k, &field, &value) == 0; k++)
			given |= str_eq(field, defaults[i][0]) ||
				 (str_eq(field, "work") && str_eq(defaults[i][0], "workspace"));
		if (!given && holm_spec_set(spec, defaults[i][0], defaults[i][1]) < 0)
			return out_spec_error(spec);
	}
	return limit_descriptors(spec);
}

static int check_options(const struct judge_options *o)
{
	if (o->format && !str_eq(o->format, "json") && !str_eq(o->format, "isolate"))
		return out_error("judge: --report-format: \"%s\" is neither json nor isolate",
				 o->format);
	if (!o->jobs && !o->serve && (o->parallel || o->warm || o->order))
		return out_error("judge: --parallel, --order and --warm go with --jobs or --serve");
	return 0;
}

int cmd_judge(int argc, char **argv)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	__attribute__((cleanup(free_spec))) struct holm_spec *spec = NULL;
	struct judge_options o = { .arena = arena };
	struct box_options box = { .more = judge_option, .more_arg = &o };
	int r;

	if (!arena || holm_spec_new(&spec) < 0)
		return out_error("out of memory");
	r = opts_parse(spec, argc, argv, &box);
	if (r != 0 || box.print_profile)
		return r;
	if (box.help)
		return print_help(), 0;
	r = check_options(&o);
	if (r == 0)
		r = set_defaults(spec);
	if (r != 0)
		return r;
	return o.jobs || o.serve ? serve(spec, &o) : judge_one(spec, &o);
}
