/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A job: one object of JSON (holm-judge(5)). What concerns the box is a profile (holm-profile(5))
 * on top of the options that holm judge was given; a member that nobody knows is an error, for it
 * could be a limit that was spelt wrongly.
 */
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/str.h"
#include "judge/judge.h"

#define DEPTH     32
#define FILES_MAX 256
#define MODE      0644

typedef int member_fn(struct job *job, const struct json *v, struct err *e);

struct member {
	const char *name;
	member_fn *set;
};

struct holm_spec *spec_like(const struct holm_spec *base)
{
	struct holm_spec *copy = NULL;
	const char *field, *value;
	char *words[1024];
	size_t n = 0;

	if (holm_spec_new(&copy) < 0)
		return NULL;
	for (size_t i = 0; holm_spec_entry(base, i, &field, &value) == 0; i++) {
		if (str_eq(field, "command") && n + 1 < ARRAY_SIZE(words))
			words[n++] = (char *)value;
		else if (!str_eq(field, "command"))
			holm_spec_add(copy, field, value);
	}
	words[n] = NULL;
	if (n)
		holm_spec_command(copy, words);
	return copy;
}

void job_init(struct job *job)
{
	*job = (struct job){ .arena = arena_new(), .input_fd = -1, .out.fd = -1, .err.fd = -1 };
}

static void let_go(struct job *job)
{
	holm_spec_free(job->spec);
	cleanup_fd(&job->input_fd);
	sink_close(&job->out);
	sink_close(&job->err);
	arena_free(job->arena);
	*job = (struct job){ .input_fd = -1, .out.fd = -1, .err.fd = -1 };
}

/* The interactor lies in the arena of its job. */
void job_done(struct job *job)
{
	if (job->interactor)
		let_go(job->interactor);
	let_go(job);
}

/* ---- values ---- */

static int take_string(const struct json *v, const char *what, const char **out, struct err *e)
{
	if (!json_is(v, JSON_STRING))
		return err_set(e, EINVAL, "%s: is no string", what);
	if (!json_is_text(v))
		return err_set(e, EINVAL, "%s: has a NUL in it", what);
	*out = v->string;
	return 0;
}

static int take_path(const struct json *v, const char *what, const char **out, struct err *e)
{
	int r = take_string(v, what, out, e);

	if (r == 0 && !**out)
		r = err_set(e, EINVAL, "%s: is empty", what);
	return r;
}

/* A number of bytes, or "64k". */
static int take_size(const struct json *v, const char *what, uint64_t *out, struct err *e)
{
	if (json_is(v, JSON_INT) && !v->negative)
		*out = MIN(v->number, (uint64_t)INT64_MAX);
	else if (!json_is_text(v) || str_size(v->string, out) < 0)
		return err_set(e, EINVAL, "%s: is no size; write 65536 or \"64k\"", what);
	return 0;
}

/* "text", or {"file": PATH}, or {"text": "text"} with other members that the caller knows. */
static int take_source(const struct json *v, const char *what, struct source *out, struct err *e)
{
	const struct json *file = json_member(v, "file"), *text = v;

	out->given = true;
	if (file)
		return take_path(file, what, &out->path, e);
	if (json_is(v, JSON_OBJECT))
		text = json_member(v, "text");
	if (!text)
		return err_set(e, EINVAL, "%s: has neither \"file\" nor \"text\"", what);
	if (!json_is(text, JSON_STRING))
		return err_set(e, EINVAL, "%s: is no string", what);
	out->text.len = text->len;
	out->text.data = text->string;
	return 0;
}

static int only_members(const struct json *v, const char *what, const char *const *known,
			struct err *e)
{
	json_each(member, v) {
		size_t i = 0;

		while (known[i] && !str_eq(known[i], member->key))
			i++;
		if (!known[i])
			return err_set(e, EINVAL, "%s: there is no member \"%.60s\"", what,
				       member->key);
	}
	return 0;
}

/* ---- members ---- */

static int set_id(struct job *job, const struct json *v, struct err *e)
{
	return take_string(v, "id", &job->id, e);
}

static int set_command(struct job *job, const struct json *v, struct err *e)
{
	size_t n = json_is(v, JSON_LIST) ? v->len : 0;
	const char **words = arena_alloc(job->arena, (n + 1) * sizeof(*words));

	if (n == 0)
		return err_set(e, EINVAL, "command: is no list of strings with something in it");
	if (!words)
		return err_errno(e, ENOMEM, "command");
	json_each(word, v) {
		int r = take_string(word, "command", &words[word->nth], e);

		if (r < 0)
			return r;
	}
	return holm_spec_command(job->spec, (char *const *)words) < 0
		       ? err_errno(e, ENOMEM, "command")
		       : 0;
}

static int set_box(struct job *job, const struct json *v, struct err *e)
{
	if (!json_is(v, JSON_OBJECT))
		return err_set(e, EINVAL, "box: is no object of fields");
	if (holm_spec_load(job->spec, v->raw, v->raw_len, "box") < 0)
		return err_set(e, holm_error(job->spec)->code, "%s", holm_error(job->spec)->text);
	return 0;
}

static int set_stdin(struct job *job, const struct json *v, struct err *e)
{
	static const char *const known[] = { "file", "text", NULL };
	int r = json_is(v, JSON_OBJECT) ? only_members(v, "stdin", known, e) : 0;

	return r < 0 ? r : take_source(v, "stdin", &job->input, e);
}

static int take_sink(const struct json *v, const char *what, struct sink *out, struct err *e)
{
	static const char *const known[] = { "file", NULL };
	const struct json *file = json_member(v, "file");

	if (!file)
		return err_set(e, EINVAL, "%s: is not {\"file\": PATH}", what);
	out->keep = false;
	return only_members(v, what, known, e) < 0 ? -EINVAL : take_path(file, what, &out->path, e);
}

static int set_stdout(struct job *job, const struct json *v, struct err *e)
{
	return take_sink(v, "stdout", &job->out, e);
}

static int set_stderr(struct job *job, const struct json *v, struct err *e)
{
	return take_sink(v, "stderr", &job->err, e);
}

/* It is opened below the workspace anyway; here the words of an error are better. */
static int check_name(const char *what, const char *name, struct err *e)
{
	size_t len = strlen(name);

	if (len == 0 || len >= PATH_MAX || *name == '/' || name[len - 1] == '/')
		return err_set(e, EINVAL, "%s: \"%.100s\" is no path below the workspace", what,
			       name);
	for (const char *p = name; p; p = strchr(p, '/')) {
		p += *p == '/';
		if (strncmp(p, "..", 2) == 0 && (p[2] == '/' || !p[2]))
			return err_set(e, EINVAL, "%s: \"%.100s\" leads out of the workspace", what,
				       name);
	}
	return 0;
}

static int take_file_in(struct job *job, const char *name, const struct json *v, struct err *e)
{
	static const char *const known[] = { "file", "text", "mode", NULL };
	struct file_in *f =
		arena_push(job->arena, &job->files_in.items, &job->files_in.n, sizeof(*f));
	const struct json *mode;
	char what[160];
	int r = check_name("files", name, e);

	snprintf(what, sizeof(what), "files: %.120s", name);
	if (r == 0 && !f)
		r = err_errno(e, ENOMEM, "%s", what);
	if (r < 0)
		return r;
	*f = (struct file_in){ .name = arena_strdup(job->arena, name), .mode = MODE };
	r = take_source(v, what, &f->from, e);
	if (r < 0 || !json_is(v, JSON_OBJECT))
		return r;
	mode = json_member(v, "mode");
	if (mode && (!json_is_text(mode) || str_octal(mode->string, 0777, &f->mode) < 0))
		return err_set(e, EINVAL, "%s: mode: is no octal text of up to \"777\"", what);
	return only_members(v, what, known, e);
}

static int set_files(struct job *job, const struct json *v, struct err *e)
{
	if (!json_is(v, JSON_OBJECT))
		return err_set(e, EINVAL, "files: is no object of names");
	if (v->len > FILES_MAX)
		return err_set(e, E2BIG, "files: at most %d", FILES_MAX);
	json_each(file, v) {
		int r = take_file_in(job, file->key, file, e);

		if (r < 0)
			return r;
	}
	return 0;
}

static int take_file_out(struct job *job, const char *name, const struct json *v, struct err *e)
{
	static const char *const known[] = { "to", "max", NULL };
	struct file_out *f =
		arena_push(job->arena, &job->files_out.items, &job->files_out.n, sizeof(*f));
	const struct json *to, *max;
	char what[160];
	int r = check_name("collect", name, e);

	snprintf(what, sizeof(what), "collect: %.120s", name);
	if (r == 0 && !f)
		r = err_errno(e, ENOMEM, "%s", what);
	if (r < 0)
		return r;
	*f = (struct file_out){ .name = arena_strdup(job->arena, name), .max_bytes = COLLECT_MAX };
	if (!v || json_is(v, JSON_NULL))
		return 0;
	if (!json_is(v, JSON_OBJECT))
		return err_set(e, EINVAL, "%s: is no object", what);
	to = json_member(v, "to");
	max = json_member(v, "max");
	if (to)
		r = take_path(to, what, &f->to, e);
	if (r == 0 && max)
		r = take_size(max, what, &f->max_bytes, e);
	return r < 0 ? r : only_members(v, what, known, e);
}

/* ["out.txt"], or {"out.txt": {"to": PATH, "max": SIZE}} */
static int set_collect(struct job *job, const struct json *v, struct err *e)
{
	bool is_list = json_is(v, JSON_LIST);

	if (!is_list && !json_is(v, JSON_OBJECT))
		return err_set(e, EINVAL, "collect: is neither a list nor an object of names");
	if (v->len > FILES_MAX)
		return err_set(e, E2BIG, "collect: at most %d", FILES_MAX);
	json_each(file, v) {
		const char *name = file->key;
		int r = is_list ? take_string(file, "collect", &name, e) : 0;

		if (r == 0)
			r = take_file_out(job, name, is_list ? NULL : file, e);
		if (r < 0)
			return r;
	}
	return 0;
}

static int take_checker(const struct json *v, struct expectation *x, struct err *e)
{
	const struct json *name = json_member(v, "checker");
	const struct json *tolerance = json_member(v, "tolerance");

	if (name) {
		unsigned i = 0;

		while (i < CHECKERS &&
		       (!json_is_text(name) || !str_eq(checker_names[i], name->string)))
			i++;
		if (i == CHECKERS)
			return err_set(e, EINVAL,
				       "expect: checker: is not one of exact, tokens, floats");
		x->checker = (enum checker)i;
	}
	if (tolerance) {
		if (json_is(tolerance, JSON_INT))
			x->tolerance = tolerance->negative ? -1 : (double)tolerance->number;
		else
			x->tolerance = json_is(tolerance, JSON_FRACTION) ? tolerance->fraction : -1;
		if (!isfinite(x->tolerance) || x->tolerance < 0)
			return err_set(e, EINVAL, "expect: tolerance: is no number above 0");
	}
	return 0;
}

static int set_expect(struct job *job, const struct json *v, struct err *e)
{
	static const char *const known[] = { "file", "text", "checker", "tolerance", "of", NULL };
	struct expectation *x = &job->expect;
	const struct json *of = json_member(v, "of");
	int r = take_source(v, "expect", &x->what, e);

	x->checker = CHECK_TOKENS;
	x->tolerance = 1e-6;
	if (r < 0 || !json_is(v, JSON_OBJECT))
		return r;
	r = take_checker(v, x, e);
	if (r == 0 && of)
		r = take_path(of, "expect: of", &x->of, e);
	return r < 0 ? r : only_members(v, "expect", known, e);
}

static int parse_members(struct job *job, const struct json *o, const struct member *known,
			 size_t n, struct err *e);

static const struct member one_members[] = {
	{ "command", set_command }, { "box", set_box },         { "stderr", set_stderr },
	{ "files", set_files },     { "collect", set_collect },
};

static const struct holm_spec *base_of; /* while a job is parsed; a worker has one thread */

static int set_interactor(struct job *job, const struct json *v, struct err *e)
{
	struct job *other = arena_alloc(job->arena, sizeof(*other));
	int r;

	if (!json_is(v, JSON_OBJECT))
		return err_set(e, EINVAL, "interactor: is no object");
	if (!other)
		return err_errno(e, ENOMEM, "interactor");
	job_init(other);
	job->interactor = other;
	other->spec = spec_like(base_of);
	other->err.keep = true;
	if (!other->arena || !other->spec)
		return err_errno(e, ENOMEM, "interactor");
	r = parse_members(other, v, one_members, ARRAY_SIZE(one_members), e);
	return r < 0 ? err_prefix(e, "interactor") : 0;
}

static const struct member members[] = {
	{ "id", set_id },         { "command", set_command },
	{ "box", set_box },       { "stdin", set_stdin },
	{ "stdout", set_stdout }, { "stderr", set_stderr },
	{ "files", set_files },   { "collect", set_collect },
	{ "expect", set_expect }, { "interactor", set_interactor },
};

static int parse_members(struct job *job, const struct json *o, const struct member *known,
			 size_t n, struct err *e)
{
	json_each(v, o) {
		size_t i = 0;
		int r;

		while (i < n && !str_eq(known[i].name, v->key))
			i++;
		if (i == n)
			return err_set(e, EINVAL, "there is no member \"%.60s\"", v->key);
		r = known[i].set(job, v, e);
		if (r < 0)
			return r;
	}
	return 0;
}

static int parse_text(struct arena *a, const char *line, size_t len, const struct json **out,
		      struct err *e)
{
	size_t wrong = json_not_utf8(line, len);
	struct json_fault fault = { "is not UTF-8", wrong - 1 };
	const struct json *o = wrong ? NULL : json_parse(a, line, len, DEPTH, &fault);

	if (!o && !fault.words)
		return err_errno(e, ENOMEM, "job");
	if (!o)
		return err_set(e, EINVAL, "job: is no JSON at byte %zu: %s", fault.at, fault.words);
	if (!json_is(o, JSON_OBJECT))
		return err_set(e, EINVAL, "job: is no object of JSON");
	*out = o;
	return 0;
}

static int check_whole(const struct job *job, struct err *e)
{
	const struct expectation *x = &job->expect;

	if (job->interactor && job->input.given)
		return err_set(e, EINVAL, "stdin: comes from the interactor");
	if (job->interactor && job->out.path)
		return err_set(e, EINVAL, "stdout: goes to the interactor");
	if (!x->what.given)
		return 0;
	if (!x->of && (job->interactor || job->out.path))
		return err_set(e, EINVAL,
			       "expect: standard output goes elsewhere; name a file "
			       "with \"of\"");
	for (size_t i = 0; x->of && i < job->files_out.n; i++)
		if (str_eq(job->files_out.items[i].name, x->of) && !job->files_out.items[i].to)
			return 0;
	return x->of ? err_set(e, EINVAL, "expect: of: \"%.100s\" is not collected into the result",
			       x->of)
		     : 0;
}

int job_parse(struct job *job, const struct holm_spec *base, const char *line, size_t len,
	      struct err *e)
{
	const struct json *o = NULL, *id;
	int r;

	job_init(job);
	job->spec = spec_like(base);
	job->out.keep = job->err.keep = true;
	if (!job->arena || !job->spec)
		return err_errno(e, ENOMEM, "job");
	r = parse_text(job->arena, line, len, &o, e);
	if (r < 0)
		return r;
	base_of = base;
	/* Who is wrong should be named as early as can be. */
	id = json_member(o, "id");
	if (id && (r = set_id(job, id, e)) < 0)
		return r;
	r = parse_members(job, o, members, ARRAY_SIZE(members), e);
	return r < 0 ? r : check_whole(job, e);
}
