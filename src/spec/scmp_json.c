/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "spec/scmp_json.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/caps.h"
#include "base/macro.h"
#include "base/str.h"
#include "spec/json_text.h"

#define TEXT_MAX  (4 << 20) /* bytes of JSON */
#define RULES_MAX 16384
#define ERRNO_MAX 4095 /* the kernel cuts what is above */
#define DEPTH_MAX 8

/* Where we are: the names for errors, and what everything is taken from. */
struct reader {
	struct arena *a;
	const char *name;
	const struct scmp_host *host;
	struct scmp_profile *p;
	struct scmp_rule *rules;
	size_t n_rules;
	struct err *e;
};

/* A value's place in the text, told from inside out and only put into words when it is wrong. */
struct place {
	const struct place *up;
	const char *key; /* NULL: element `index` of a list */
	size_t index;
};

#define KEY(up, key)     (&(const struct place){ (up), (key), 0 })
#define ELEMENT(up, nth) (&(const struct place){ (up), NULL, (nth) })

static int PRINTF_LIKE(4, 5)
	fail(const struct reader *r, const struct place *at, int code, const char *fmt, ...)
{
	const struct place *way[DEPTH_MAX];
	size_t depth = 0;
	char words[256];
	va_list ap;

	for (; at && depth < DEPTH_MAX; at = at->up)
		way[depth++] = at;
	err_set(r->e, code, "%s: ", r->name);
	for (size_t i = depth; i-- > 0;) {
		if (way[i]->key)
			err_append(r->e, ".%s", way[i]->key);
		else
			err_append(r->e, "[%zu]", way[i]->index);
	}
	va_start(ap, fmt);
	vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	err_append(r->e, "%s%s", depth ? ": " : "", words);
	return -code;
}

static int no_memory(const struct reader *r)
{
	return fail(r, NULL, ENOMEM, "out of memory");
}

/* ---- words ---- */

struct word {
	const char *name;
	uint32_t value;
};

static const struct word actions[] = {
	{ "SCMP_ACT_ALLOW", SECCOMP_RET_ALLOW },
	{ "SCMP_ACT_ERRNO", SECCOMP_RET_ERRNO },
	{ "SCMP_ACT_KILL", SECCOMP_RET_KILL_THREAD },
	{ "SCMP_ACT_KILL_PROCESS", SECCOMP_RET_KILL_PROCESS },
	{ "SCMP_ACT_KILL_THREAD", SECCOMP_RET_KILL_THREAD },
	{ "SCMP_ACT_LOG", SECCOMP_RET_LOG },
	{ "SCMP_ACT_NOTIFY", SECCOMP_RET_USER_NOTIF },
	{ "SCMP_ACT_TRACE", SECCOMP_RET_TRACE },
	{ "SCMP_ACT_TRAP", SECCOMP_RET_TRAP },
	{ NULL, 0 },
};

static const struct word ops[] = {
	{ "SCMP_CMP_NE", SCMP_NE },
	{ "SCMP_CMP_LT", SCMP_LT },
	{ "SCMP_CMP_LE", SCMP_LE },
	{ "SCMP_CMP_EQ", SCMP_EQ },
	{ "SCMP_CMP_GE", SCMP_GE },
	{ "SCMP_CMP_GT", SCMP_GT },
	{ "SCMP_CMP_MASKED_EQ", SCMP_MASKED_EQ },
	{ NULL, 0 },
};

static const struct word flags[] = {
	{ "SECCOMP_FILTER_FLAG_TSYNC", SECCOMP_FILTER_FLAG_TSYNC },
	{ "SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_LOG },
	{ "SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_FILTER_FLAG_SPEC_ALLOW },
	{ "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", SCMP_FLAG_WAIT_KILLABLE_RECV },
	{ NULL, 0 },
};

/* The value is a set of scmp_abi; empty for machines that holm does not run on. */
static const struct word arches[] = {
	{ "SCMP_ARCH_X86_64", 1U << SCMP_ABI_X86_64 },
	{ "SCMP_ARCH_X86", 1U << SCMP_ABI_X86 },
	{ "SCMP_ARCH_X32", 1U << SCMP_ABI_X32 },
	{ "SCMP_ARCH_AARCH64", 1U << SCMP_ABI_AARCH64 },
	{ "SCMP_ARCH_ARM", 1U << SCMP_ABI_ARM },
	{ "SCMP_ARCH_RISCV64", 1U << SCMP_ABI_RISCV64 },
	{ "SCMP_ARCH_LOONGARCH64", 0 },
	{ "SCMP_ARCH_M68K", 0 },
	{ "SCMP_ARCH_MIPS", 0 },
	{ "SCMP_ARCH_MIPS64", 0 },
	{ "SCMP_ARCH_MIPS64N32", 0 },
	{ "SCMP_ARCH_MIPSEL", 0 },
	{ "SCMP_ARCH_MIPSEL64", 0 },
	{ "SCMP_ARCH_MIPSEL64N32", 0 },
	{ "SCMP_ARCH_PARISC", 0 },
	{ "SCMP_ARCH_PARISC64", 0 },
	{ "SCMP_ARCH_PPC", 0 },
	{ "SCMP_ARCH_PPC64", 0 },
	{ "SCMP_ARCH_PPC64LE", 0 },
	{ "SCMP_ARCH_S390", 0 },
	{ "SCMP_ARCH_S390X", 0 },
	{ "SCMP_ARCH_SH", 0 },
	{ "SCMP_ARCH_SHEB", 0 },
	{ NULL, 0 },
};

/* How `includes` and `excludes` call the machine. */
static const char *const go_arch[SCMP_ABI_COUNT] = {
	[SCMP_ABI_X86_64] = "amd64",  [SCMP_ABI_X86] = "x86", [SCMP_ABI_X32] = "x32",
	[SCMP_ABI_AARCH64] = "arm64", [SCMP_ABI_ARM] = "arm", [SCMP_ABI_RISCV64] = "riscv64",
};

const char *scmp_word(enum scmp_vocabulary which, size_t i)
{
	static const struct word *const tables[] = {
		[SCMP_WORDS_ACTIONS] = actions,
		[SCMP_WORDS_OPERATORS] = ops,
		[SCMP_WORDS_ARCHES] = arches,
		[SCMP_WORDS_FLAGS] = flags,
	};
	const struct word *w = tables[which];

	/* Machines that we do not run on stand behind all others. */
	for (size_t at = 0; at < i && w->name; at++)
		w++;
	return which == SCMP_WORDS_ARCHES && !w->value ? NULL : w->name;
}

/* ---- members, with their types ---- */

static int must_be(const struct reader *r, const struct place *at, const struct json *o,
		   enum json_kind kind)
{
	if (json_is(o, kind))
		return 0;
	return fail(r, at, EINVAL, "must be %s, not %s", json_kind_words(kind),
		    json_kind_words((enum json_kind)o->kind));
}

/* A C string, which a JSON string with a zero byte in it is not. */
static int text(const struct reader *r, const struct place *at, const struct json *o,
		const char **out)
{
	int ret = must_be(r, at, o, JSON_STRING);

	if (ret < 0)
		return ret;
	if (!json_is_text(o))
		return fail(r, at, EINVAL, "has a zero byte in it");
	*out = o->string;
	return 0;
}

/* An optional string: 1 if it is there. */
static int member_text(const struct reader *r, const struct place *at, const struct json *o,
		       const char *key, const char **out)
{
	const struct json *v = json_get(o, key);
	int ret = v ? text(r, KEY(at, key), v, out) : 0;

	return v && ret == 0 ? 1 : ret;
}

/* An optional number: 1 if it is there. */
static int member_number(const struct reader *r, const struct place *at, const struct json *o,
			 const char *key, uint64_t max, uint64_t *out)
{
	const struct json *v = json_get(o, key);

	if (!v)
		return 0;
	if (!json_is(v, JSON_INT) || v->negative)
		return fail(r, KEY(at, key), EINVAL, "must be a whole number, 0 or more");
	if (v->number > max)
		return fail(r, KEY(at, key), ERANGE, "must not be more than %llu",
			    (unsigned long long)max);
	*out = v->number;
	return 1;
}

/* A number that must be there. */
static int need_number(const struct reader *r, const struct place *at, const struct json *o,
		       const char *key, uint64_t max, uint64_t *out)
{
	int ret = member_number(r, at, o, key, max, out);

	if (ret == 0)
		return fail(r, KEY(at, key), EINVAL, "is missing");
	return ret < 0 ? ret : 0;
}

/* An optional list; `*list` is NULL if it is not there. */
static int member_list(const struct reader *r, const struct place *at, const struct json *o,
		       const char *key, const struct json **list)
{
	*list = json_get(o, key);
	return *list ? must_be(r, KEY(at, key), *list, JSON_LIST) : 0;
}

/* One of `words`, which are `what`. */
static int word(const struct reader *r, const struct place *at, const struct json *o,
		const struct word *words, const char *what, uint32_t *out)
{
	const char *s;
	int ret = text(r, at, o, &s);

	if (ret < 0)
		return ret;
	for (; words->name; words++) {
		if (!str_eq(words->name, s))
			continue;
		*out = words->value;
		return 0;
	}
	return fail(r, at, EINVAL, "there is no %s \"%.64s\"", what, s);
}

static int need_word(const struct reader *r, const struct place *at, const struct json *o,
		     const char *key, const struct word *words, const char *what, uint32_t *out)
{
	const struct json *v = json_get(o, key);

	if (!v)
		return fail(r, KEY(at, key), EINVAL, "is missing");
	return word(r, KEY(at, key), v, words, what, out);
}

/* The union of the words in the list `key`. */
static int member_words(const struct reader *r, const struct place *at, const struct json *o,
			const char *key, const struct word *words, const char *what, unsigned *out)
{
	const struct json *list;
	int ret = member_list(r, at, o, key, &list);

	if (ret < 0)
		return ret;
	json_each(v, list) {
		uint32_t value = 0;

		ret = word(r, ELEMENT(KEY(at, key), v->nth), v, words, what, &value);
		if (ret < 0)
			return ret;
		*out |= value;
	}
	return 0;
}

/* ---- actions ---- */

static bool takes_errno(uint32_t action)
{
	return action == SECCOMP_RET_ERRNO || action == SECCOMP_RET_TRACE;
}

/*
 * Members `key` and `errno_key`, an action and its errno. EPERM is what an action that takes an
 * errno has without one; where an action takes none, the specification wants it refused.
 */
static int need_action(const struct reader *r, const struct place *at, const struct json *o,
		       const char *key, const char *errno_key, uint32_t *out)
{
	uint64_t code = EPERM;
	uint32_t action = 0;
	int ret = need_word(r, at, o, key, actions, "action", &action);

	if (ret < 0)
		return ret;
	ret = member_number(r, at, o, errno_key, ERRNO_MAX, &code);
	if (ret < 0)
		return ret;
	if (ret && !takes_errno(action))
		return fail(r, KEY(at, errno_key), EINVAL, "%s takes no errno",
			    json_get(o, key)->string);
	*out = action | (takes_errno(action) ? (uint32_t)code : 0);
	return 0;
}

/* ---- which rules fit ---- */

/* What an `includes` or an `excludes` says, and how much of it is so. */
struct fit {
	size_t n_caps, n_held_caps, n_arches, n_held_arches;
	bool asks_kernel, has_kernel;
};

static bool holds_cap(const struct scmp_host *host, const char *name)
{
	uint64_t cap = caps_by_name(name);

	/* One that we do not know nobody has: then a rule it opens stays out. */
	return cap && (host->caps & cap) == cap;
}

static bool holds_arch(const struct scmp_host *host, const char *name)
{
	return str_eq(name, go_arch[host->native]);
}

/* Counts the strings in the list `key`, and those of them that `holds` accepts. */
static int count_list(const struct reader *r, const struct place *at, const struct json *o,
		      const char *key, bool (*holds)(const struct scmp_host *, const char *),
		      size_t *n, size_t *n_held)
{
	const struct json *list;
	int ret = member_list(r, at, o, key, &list);

	if (ret < 0)
		return ret;
	json_each(v, list) {
		const char *s;

		ret = text(r, ELEMENT(KEY(at, key), v->nth), v, &s);
		if (ret < 0)
			return ret;
		++*n;
		*n_held += holds(r->host, s);
	}
	return 0;
}

/* `minKernel` is like "4.8". */
static int read_kernel(const struct reader *r, const struct place *at, const struct json *o,
		       struct fit *out)
{
	const struct json *v = json_get(o, "minKernel");
	const unsigned *ours = r->host->kernel;
	uint64_t major, minor;
	const char *s, *p;
	int ret;

	if (!v)
		return 0;
	ret = text(r, KEY(at, "minKernel"), v, &s);
	if (ret < 0 || s[0] == '\0')
		return ret;
	p = s;
	if (str_take_u64(&p, &major) < 0 || *p++ != '.' || str_take_u64(&p, &minor) < 0 || *p)
		return fail(r, KEY(at, "minKernel"), EINVAL, "\"%.32s\" is not like \"4.8\"", s);
	out->asks_kernel = true;
	out->has_kernel = ours[0] > major || (ours[0] == major && ours[1] >= minor);
	return 0;
}

static int read_fit(const struct reader *r, const struct place *at, const struct json *rule,
		    const char *key, struct fit *out)
{
	const struct json *o = json_get(rule, key);
	const struct place *here = KEY(at, key);
	int ret;

	*out = (struct fit){ 0 };
	if (!o)
		return 0;
	ret = must_be(r, here, o, JSON_OBJECT);
	if (ret == 0)
		ret = count_list(r, here, o, "caps", holds_cap, &out->n_caps, &out->n_held_caps);
	if (ret == 0)
		ret = count_list(r, here, o, "arches", holds_arch, &out->n_arches,
				 &out->n_held_arches);
	return ret < 0 ? ret : read_kernel(r, here, o, out);
}

/* Is the rule for this host? It has everything that is included, and nothing that is excluded. */
static int read_fits(const struct reader *r, const struct place *at, const struct json *rule,
		     bool *out)
{
	struct fit in, ex;
	int ret = read_fit(r, at, rule, "includes", &in);

	if (ret == 0)
		ret = read_fit(r, at, rule, "excludes", &ex);
	if (ret < 0)
		return ret;
	*out = in.n_held_caps == in.n_caps && (in.n_arches == 0 || in.n_held_arches > 0) &&
	       in.asks_kernel == in.has_kernel && ex.n_held_caps == 0 && ex.n_held_arches == 0 &&
	       !ex.has_kernel;
	return 0;
}

/* ---- rules ---- */

static int read_arg(const struct reader *r, const struct place *at, const struct json *o,
		    struct scmp_arg *out)
{
	uint64_t index = 0;
	uint32_t op = 0;
	int ret = must_be(r, at, o, JSON_OBJECT);

	if (ret == 0)
		ret = need_number(r, at, o, "index", SCMP_ARGS_MAX - 1, &index);
	if (ret == 0)
		ret = need_number(r, at, o, "value", UINT64_MAX, &out->value);
	if (ret == 0)
		ret = member_number(r, at, o, "valueTwo", UINT64_MAX, &out->value_two);
	if (ret >= 0)
		ret = need_word(r, at, o, "op", ops, "comparison", &op);
	out->index = (unsigned)index;
	out->op = op;
	return ret;
}

static int read_args(const struct reader *r, const struct place *at, const struct json *rule,
		     struct scmp_arg **out, size_t *n_out)
{
	const struct json *list;
	int ret = member_list(r, at, rule, "args", &list);

	if (ret < 0)
		return ret;
	json_each(v, list) {
		struct scmp_arg *arg = arena_push(r->a, out, n_out, sizeof(*arg));

		if (!arg)
			return no_memory(r);
		ret = read_arg(r, ELEMENT(KEY(at, "args"), v->nth), v, arg);
		if (ret < 0)
			return ret;
	}
	return 0;
}

static int add_name(const struct reader *r, const struct place *at, const struct json *o,
		    struct scmp_rule *rule)
{
	const char *s, **slot;
	int ret = text(r, at, o, &s);

	if (ret < 0)
		return ret;
	if (s[0] == '\0')
		return fail(r, at, EINVAL, "is empty");
	slot = arena_push(r->a, &rule->names, &rule->n_names, sizeof(*slot));
	if (!slot)
		return no_memory(r);
	*slot = s;
	return 0;
}

/* `names`; or `name`, which Docker's older profiles have. */
static int read_names(const struct reader *r, const struct place *at, const struct json *o,
		      struct scmp_rule *rule)
{
	const struct json *list, *one = json_get(o, "name");
	int ret = member_list(r, at, o, "names", &list);

	if (ret == 0 && !list && one)
		return add_name(r, KEY(at, "name"), one, rule);
	if (ret == 0 && (!list || !list->len))
		return fail(r, KEY(at, "names"), EINVAL, list ? "is empty" : "is missing");
	if (ret < 0)
		return ret;
	json_each(v, list) {
		ret = add_name(r, ELEMENT(KEY(at, "names"), v->nth), v, rule);
		if (ret < 0)
			return ret;
	}
	return 0;
}

static int add_rule(struct reader *r, struct scmp_rule rule)
{
	struct scmp_rule *slot;

	if (r->n_rules == RULES_MAX)
		return fail(r, KEY(NULL, "syscalls"), E2BIG, "more than %d rules", RULES_MAX);
	slot = arena_push(r->a, &r->rules, &r->n_rules, sizeof(*slot));
	if (!slot)
		return no_memory(r);
	*slot = rule;
	return 0;
}

static bool repeats_an_argument(const struct scmp_arg *args, size_t n)
{
	unsigned seen = 0;

	for (size_t i = 0; i < n; i++) {
		if (seen & 1U << args[i].index)
			return true;
		seen |= 1U << args[i].index;
	}
	return false;
}

static int read_rule(struct reader *r, const struct place *at, const struct json *o)
{
	struct scmp_rule rule = { 0 };
	struct scmp_arg *args = NULL;
	size_t n_args = 0;
	bool fits = false;
	int ret = must_be(r, at, o, JSON_OBJECT);

	if (ret == 0)
		ret = need_action(r, at, o, "action", "errnoRet", &rule.action);
	if (ret == 0)
		ret = read_names(r, at, o, &rule);
	if (ret == 0)
		ret = read_args(r, at, o, &args, &n_args);
	if (ret == 0)
		ret = read_fits(r, at, o, &fits);
	if (ret < 0 || !fits)
		return ret;
	rule.args = args;
	rule.n_args = n_args;
	if (!repeats_an_argument(args, n_args))
		return add_rule(r, rule);
	rule.n_args = 1;
	for (size_t i = 0; i < n_args && ret == 0; i++) {
		rule.args = &args[i];
		ret = add_rule(r, rule);
	}
	return ret;
}

static int read_rules(struct reader *r, const struct json *root)
{
	const struct json *list;
	int ret = member_list(r, NULL, root, "syscalls", &list);

	if (ret < 0)
		return ret;
	json_each(v, list) {
		ret = read_rule(r, ELEMENT(KEY(NULL, "syscalls"), v->nth), v);
		if (ret < 0)
			return ret;
	}
	return 0;
}

/* ---- architectures ---- */

/* One element of `archMap`: what runs on our machine counts, the rest is for others. */
static int read_map_entry(const struct reader *r, const struct place *at, const struct json *o)
{
	unsigned subs = 0;
	uint32_t arch = 0;
	int ret = must_be(r, at, o, JSON_OBJECT);

	if (ret == 0)
		ret = need_word(r, at, o, "architecture", arches, "architecture", &arch);
	if (ret == 0)
		ret = member_words(r, at, o, "subArchitectures", arches, "architecture", &subs);
	if (ret == 0 && arch == 1U << r->host->native)
		r->p->abis |= arch | subs;
	return ret;
}

static int read_arches(const struct reader *r, const struct json *root)
{
	const struct json *list, *map;
	int ret = member_list(r, NULL, root, "architectures", &list);

	if (ret == 0)
		ret = member_list(r, NULL, root, "archMap", &map);
	if (ret < 0)
		return ret;
	if (list && list->len && map && map->len)
		return fail(r, KEY(NULL, "archMap"), EINVAL, "there is .architectures too");
	ret = member_words(r, NULL, root, "architectures", arches, "architecture", &r->p->abis);
	if (ret < 0)
		return ret;
	json_each(v, map) {
		ret = read_map_entry(r, ELEMENT(KEY(NULL, "archMap"), v->nth), v);
		if (ret < 0)
			return ret;
	}
	return 0;
}

/* ---- the whole ---- */

static int read_head(const struct reader *r, const struct json *root)
{
	int ret = must_be(r, NULL, root, JSON_OBJECT);

	if (ret == 0)
		ret = need_action(r, NULL, root, "defaultAction", "defaultErrnoRet",
				  &r->p->default_action);
	if (ret < 0)
		return ret;
	if (r->p->default_action == SECCOMP_RET_USER_NOTIF)
		return fail(r, KEY(NULL, "defaultAction"), EINVAL,
			    "SCMP_ACT_NOTIFY would stop the very process that hands over the "
			    "listener");
	ret = member_words(r, NULL, root, "flags", flags, "flag", &r->p->flags);
	if (ret >= 0)
		ret = member_text(r, NULL, root, "listenerPath", &r->p->listener_path);
	if (ret >= 0)
		ret = member_text(r, NULL, root, "listenerMetadata", &r->p->listener_metadata);
	return ret < 0 ? ret : 0;
}

int scmp_parse_object(struct arena *a, const struct json *root, const char *name,
		      const struct scmp_host *host, struct scmp_profile *out, struct err *e)
{
	struct scmp_profile p = { .native = host->native };
	struct reader r = { .a = a, .name = name, .host = host, .p = &p, .e = e };
	int ret = read_head(&r, root);

	if (ret == 0)
		ret = read_arches(&r, root);
	if (ret == 0)
		ret = read_rules(&r, root);
	if (ret < 0)
		return ret;
	p.rules = r.rules;
	p.n_rules = r.n_rules;
	*out = p;
	return 0;
}

int scmp_parse_for(struct arena *a, const char *json, size_t len, const char *name,
		   const struct scmp_host *host, struct scmp_profile *out, struct err *e)
{
	const struct json *root;
	int r;

	if (len > TEXT_MAX)
		return err_set(e, E2BIG, "%s: is larger than %d bytes", name, TEXT_MAX);
	r = json_text_parse(a, json, len, name, DEPTH_MAX, &root, e);
	return r < 0 ? r : scmp_parse_object(a, root, name, host, out, e);
}

int scmp_parse(struct arena *a, const char *json, size_t len, const char *name,
	       struct scmp_profile *out, struct err *e)
{
	static const struct scmp_host host = { .native = SCMP_ABI_NATIVE, .kernel = { 5, 14 } };

	return scmp_parse_for(a, json, len, name, &host, out, e);
}
