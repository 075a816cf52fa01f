/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A job: one object of JSON (holm-judge(5)). What concerns the box is a profile (holm-profile(5))
 * on top of the options that holm judge was given; a member that nobody knows is an error, for it
 * could be a limit that was spelt wrongly.
 */
#include <errno.h>
#include <json-c/json.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "judge/judge.h"

#define DEPTH     32
#define FILES_MAX 256
#define MODE      0644

typedef int member_fn(struct job *job, json_object *v, struct err *e);

struct member {
	const char *name;
	member_fn *set;
};

static void put_json(json_object **o)
{
	json_object_put(*o);
}

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

static int take_string(struct job *job, json_object *v, const char *what, const char **out,
		       struct err *e)
{
	size_t len;

	if (!json_object_is_type(v, json_type_string))
		return err_set(e, EINVAL, "%s: is no string", what);
	len = (size_t)json_object_get_string_len(v);
	if (strlen(json_object_get_string(v)) != len)
		return err_set(e, EINVAL, "%s: has a NUL in it", what);
	*out = arena_strdup(job->arena, json_object_get_string(v));
	return *out ? 0 : err_errno(e, ENOMEM, "%s", what);
}

static int take_path(struct job *job, json_object *v, const char *what, const char **out,
		     struct err *e)
{
	int r = take_string(job, v, what, out, e);

	if (r == 0 && !**out)
		r = err_set(e, EINVAL, "%s: is empty", what);
	return r;
}

/* A number of bytes, or "64k". */
static int take_size(json_object *v, const char *what, uint64_t *out, struct err *e)
{
	int64_t n = json_object_get_int64(v);

	if (json_object_is_type(v, json_type_int) && n >= 0)
		*out = (uint64_t)n;
	else if (!json_object_is_type(v, json_type_string) ||
		 str_size(json_object_get_string(v), out) < 0)
		return err_set(e, EINVAL, "%s: is no size; write 65536 or \"64k\"", what);
	return 0;
}

/* "text", or {"file": PATH}, or {"text": "text"} with other members that the caller knows. */
static int take_source(struct job *job, json_object *v, const char *what, struct source *out,
		       struct err *e)
{
	json_object *file, *text = v;
	bool has_file = json_object_is_type(v, json_type_object) &&
			json_object_object_get_ex(v, "file", &file);

	out->given = true;
	if (has_file)
		return take_path(job, file, what, &out->path, e);
	if (json_object_is_type(v, json_type_object) &&
	    !json_object_object_get_ex(v, "text", &text))
		return err_set(e, EINVAL, "%s: has neither \"file\" nor \"text\"", what);
	if (!json_object_is_type(text, json_type_string))
		return err_set(e, EINVAL, "%s: is no string", what);
	out->text.len = (size_t)json_object_get_string_len(text);
	out->text.data = arena_strndup(job->arena, json_object_get_string(text), out->text.len);
	return out->text.data ? 0 : err_errno(e, ENOMEM, "%s", what);
}

static int only_members(json_object *v, const char *what, const char *const *known, struct err *e)
{
	json_object_object_foreach(v, key, value)
	{
		size_t i = 0;

		(void)value;
		while (known[i] && !str_eq(known[i], key))
			i++;
		if (!known[i])
			return err_set(e, EINVAL, "%s: there is no member \"%.60s\"", what, key);
	}
	return 0;
}

/* ---- members ---- */

static int set_id(struct job *job, json_object *v, struct err *e)
{
	return take_string(job, v, "id", &job->id, e);
}

static int set_command(struct job *job, json_object *v, struct err *e)
{
	size_t n = json_object_is_type(v, json_type_array) ? json_object_array_length(v) : 0;
	const char **words = arena_alloc(job->arena, (n + 1) * sizeof(*words));

	if (n == 0)
		return err_set(e, EINVAL, "command: is no list of strings with something in it");
	if (!words)
		return err_errno(e, ENOMEM, "command");
	for (size_t i = 0; i < n; i++) {
		int r = take_string(job, json_object_array_get_idx(v, i), "command", &words[i], e);

		if (r < 0)
			return r;
	}
	return holm_spec_command(job->spec, (char *const *)words) < 0
		       ? err_errno(e, ENOMEM, "command")
		       : 0;
}

static int set_box(struct job *job, json_object *v, struct err *e)
{
	const char *text = json_object_to_json_string_ext(v, JSON_C_TO_STRING_PLAIN);

	if (!json_object_is_type(v, json_type_object))
		return err_set(e, EINVAL, "box: is no object of fields");
	if (holm_spec_load(job->spec, text, strlen(text), "box") < 0)
		return err_set(e, holm_error(job->spec)->code, "%s", holm_error(job->spec)->text);
	return 0;
}

static int set_stdin(struct job *job, json_object *v, struct err *e)
{
	static const char *const known[] = { "file", "text", NULL };
	int r = json_object_is_type(v, json_type_object) ? only_members(v, "stdin", known, e) : 0;

	return r < 0 ? r : take_source(job, v, "stdin", &job->input, e);
}

static int take_sink(struct job *job, json_object *v, const char *what, struct sink *out,
		     struct err *e)
{
	static const char *const known[] = { "file", NULL };
	json_object *file;

	if (!json_object_is_type(v, json_type_object) ||
	    !json_object_object_get_ex(v, "file", &file))
		return err_set(e, EINVAL, "%s: is not {\"file\": PATH}", what);
	out->keep = false;
	return only_members(v, what, known, e) < 0 ? -EINVAL
						   : take_path(job, file, what, &out->path, e);
}

static int set_stdout(struct job *job, json_object *v, struct err *e)
{
	return take_sink(job, v, "stdout", &job->out, e);
}

static int set_stderr(struct job *job, json_object *v, struct err *e)
{
	return take_sink(job, v, "stderr", &job->err, e);
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

static int take_file_in(struct job *job, const char *name, json_object *v, struct err *e)
{
	static const char *const known[] = { "file", "text", "mode", NULL };
	struct file_in *f =
		arena_push(job->arena, &job->files_in.items, &job->files_in.n, sizeof(*f));
	json_object *mode = NULL;
	char what[160];
	int r = check_name("files", name, e);

	snprintf(what, sizeof(what), "files: %.120s", name);
	if (r == 0 && !f)
		r = err_errno(e, ENOMEM, "%s", what);
	if (r < 0)
		return r;
	*f = (struct file_in){ .name = arena_strdup(job->arena, name), .mode = MODE };
	r = take_source(job, v, what, &f->from, e);
	if (r < 0 || !json_object_is_type(v, json_type_object))
		return r;
	if (json_object_object_get_ex(v, "mode", &mode) &&
	    (!json_object_is_type(mode, json_type_string) ||
	     str_octal(json_object_get_string(mode), 0777, &f->mode) < 0))
		return err_set(e, EINVAL, "%s: mode: is no octal text of up to \"777\"", what);
	return only_members(v, what, known, e);
}

static int set_files(struct job *job, json_object *v, struct err *e)
{
	if (!json_object_is_type(v, json_type_object))
		return err_set(e, EINVAL, "files: is no object of names");
	if (json_object_object_length(v) > FILES_MAX)
		return err_set(e, E2BIG, "files: at most %d", FILES_MAX);
	json_object_object_foreach(v, name, value)
	{
		int r = take_file_in(job, name, value, e);

		if (r < 0)
			return r;
	}
	return 0;
}

static int take_file_out(struct job *job, const char *name, json_object *v, struct err *e)
{
	static const char *const known[] = { "to", "max", NULL };
	struct file_out *f =
		arena_push(job->arena, &job->files_out.items, &job->files_out.n, sizeof(*f));
	json_object *to, *max;
	char what[160];
	int r = check_name("collect", name, e);

	snprintf(what, sizeof(what), "collect: %.120s", name);
	if (r == 0 && !f)
		r = err_errno(e, ENOMEM, "%s", what);
	if (r < 0)
		return r;
	*f = (struct file_out){ .name = arena_strdup(job->arena, name), .max_bytes = COLLECT_MAX };
	if (!v)
		return 0;
	if (!json_object_is_type(v, json_type_object))
		return err_set(e, EINVAL, "%s: is no object", what);
	if (json_object_object_get_ex(v, "to", &to))
		r = take_path(job, to, what, &f->to, e);
	if (r == 0 && json_object_object_get_ex(v, "max", &max))
		r = take_size(max, what, &f->max_bytes, e);
	return r < 0 ? r : only_members(v, what, known, e);
}

/* ["out.txt"], or {"out.txt": {"to": PATH, "max": SIZE}} */
static int set_collect(struct job *job, json_object *v, struct err *e)
{
	int r = 0;

	if (json_object_is_type(v, json_type_array)) {
		for (size_t i = 0; r == 0 && i < json_object_array_length(v); i++) {
			const char *name;

			r = i >= FILES_MAX ? err_set(e, E2BIG, "collect: at most %d", FILES_MAX)
					   : take_string(job, json_object_array_get_idx(v, i),
							 "collect", &name, e);
			if (r == 0)
				r = take_file_out(job, name, NULL, e);
		}
		return r;
	}
	if (!json_object_is_type(v, json_type_object))
		return err_set(e, EINVAL, "collect: is neither a list nor an object of names");
	if (json_object_object_length(v) > FILES_MAX)
		return err_set(e, E2BIG, "collect: at most %d", FILES_MAX);
	json_object_object_foreach(v, name, value)
	{
		if (r == 0)
			r = take_file_out(job, name, value, e);
	}
	return r;
}

static int take_checker(json_object *v, struct expectation *x, struct err *e)
{
	json_object *name, *tolerance;

	if (json_object_object_get_ex(v, "checker", &name)) {
		unsigned i = 0;

		while (i < CHECKERS && !str_eq(checker_names[i], json_object_get_string(name)))
			i++;
		if (i == CHECKERS)
			return err_set(e, EINVAL,
				       "expect: checker: is not one of exact, tokens, floats");
		x->checker = (enum checker)i;
	}
	if (json_object_object_get_ex(v, "tolerance", &tolerance)) {
		x->tolerance = json_object_get_double(tolerance);
		if (json_object_is_type(tolerance, json_type_string) || !isfinite(x->tolerance) ||
		    x->tolerance < 0)
			return err_set(e, EINVAL, "expect: tolerance: is no number above 0");
	}
	return 0;
}

static int set_expect(struct job *job, json_object *v, struct err *e)
{
	static const char *const known[] = { "file", "text", "checker", "tolerance", "of", NULL };
	struct expectation *x = &job->expect;
	json_object *of;
	int r = take_source(job, v, "expect", &x->what, e);

	x->checker = CHECK_TOKENS;
	x->tolerance = 1e-6;
	if (r < 0 || !json_object_is_type(v, json_type_object))
		return r;
	r = take_checker(v, x, e);
	if (r == 0 && json_object_object_get_ex(v, "of", &of))
		r = take_path(job, of, "expect: of", &x->of, e);
	return r < 0 ? r : only_members(v, "expect", known, e);
}

static int parse_members(struct job *job, json_object *o, const struct member *known, size_t n,
			 struct err *e);

static const struct member one_members[] = {
	{ "command", set_command }, { "box", set_box },         { "stderr", set_stderr },
	{ "files", set_files },     { "collect", set_collect },
};

static const struct holm_spec *base_of; /* while a job is parsed; a worker has one thread */

static int set_interactor(struct job *job, json_object *v, struct err *e)
{
	struct job *other = arena_alloc(job->arena, sizeof(*other));
	int r;

	if (!json_object_is_type(v, json_type_object))
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

static int parse_members(struct job *job, json_object *o, const struct member *known, size_t n,
			 struct err *e)
{
	json_object_object_foreach(o, key, value)
	{
		size_t i = 0;
		int r;

		while (i < n && !str_eq(known[i].name, key))
			i++;
		if (i == n)
			return err_set(e, EINVAL, "there is no member \"%.60s\"", key);
		r = known[i].set(job, value, e);
		if (r < 0)
			return r;
	}
	return 0;
}

static json_object *parse_text(const char *line, size_t len, struct err *e)
{
	json_tokener *t = json_tokener_new_ex(DEPTH);
	json_object *o;

	if (!t) {
		err_errno(e, ENOMEM, "job");
		return NULL;
	}
	json_tokener_set_flags(t, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	o = json_tokener_parse_ex(t, line, (int)len);
	if (!o || json_tokener_get_parse_end(t) != len)
		err_set(e, EINVAL, "job: is no JSON at byte %zu: %s", json_tokener_get_parse_end(t),
			o ? "something follows"
			  : json_tokener_error_desc(json_tokener_get_error(t)));
	else if (!json_object_is_type(o, json_type_object))
		err_set(e, EINVAL, "job: is no object of JSON");
	json_tokener_free(t);
	return o;
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
	__attribute__((cleanup(put_json))) json_object *o = NULL;
	json_object *id;
	int r;

	job_init(job);
	job->spec = spec_like(base);
	job->out.keep = job->err.keep = true;
	if (!job->arena || !job->spec)
		return err_errno(e, ENOMEM, "job");
	if (len > INT_MAX)
		return err_set(e, E2BIG, "job: is too long");
	o = parse_text(line, len, e);
	if (e->code)
		return -e->code;
	base_of = base;
	/* Who is wrong should be named as early as can be. */
	if (json_object_object_get_ex(o, "id", &id) && (r = set_id(job, id, e)) < 0)
		return r;
	r = parse_members(job, o, members, ARRAY_SIZE(members), e);
	return r < 0 ? r : check_whole(job, e);
}
