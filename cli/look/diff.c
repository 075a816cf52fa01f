/* SPDX-License-Identifier: GPL-2.0-or-later */
/* holm ns diff: what two processes share, and what not. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/macro.h"
#include "look/look.h"

/* What it means that a namespace is one, or that there are two. */
static const struct {
	const char *one, *two;
} means[HOLM_NS_TYPES] = {
	[HOLM_NS_USER] = { "ids and capabilities mean the same to both",
			   "root of the one need not be root to the other" },
	[HOLM_NS_MNT] = { "what one mounts the other sees", "each has its own table of mounts" },
	[HOLM_NS_PID] = { "they see the same processes, by the same numbers",
			  "pids of the one are not those of the other" },
	[HOLM_NS_NET] = { "the same interfaces and ports; 127.0.0.1 is the same",
			  "each has its own interfaces and ports; 127.0.0.1 is another" },
	[HOLM_NS_IPC] = { "they can share System V memory and message queues",
			  "no System V memory or message queue of the one is seen by the other" },
	[HOLM_NS_UTS] = { "one hostname", "each has a hostname of its own" },
	[HOLM_NS_CGROUP] = { "cgroup paths mean the same to both",
			     "the same cgroup has another path for each" },
	[HOLM_NS_TIME] = { "one monotonic clock", "monotonic and boot-time clocks may differ" },
};

#define FACTS_MAX 64

/* Facts that are worth a comparison: of both, by section and name. */
struct compared {
	char *key, *value[2];
};

struct diff {
	struct holm_world *world;
	struct holm_process of[2];
	struct compared facts[FACTS_MAX];
	size_t n;
	int side; /* that is being read */
};

static bool compares(const struct holm_fact *f)
{
	static const char *const sections[] = { "ids",    "capabilities", "security",
						"cgroup", "files",        "names" };

	for (size_t i = 0; i < ARRAY_SIZE(sections); i++)
		if (str_eq(f->section, sections[i]))
			return !str_eq(f->name, "exe") && !str_eq(f->name, "cwd");
	return false;
}

/* Several lines of one name, as of a map, are one value. */
static void add_value(char **value, const struct holm_fact *f)
{
	const char *text = str_eq(f->section, "capabilities") ? f->words : f->value;
	char *longer = NULL;

	if (asprintf(&longer, "%s%s%s", *value ? *value : "", *value ? "; " : "", text) < 0)
		return;
	free(*value);
	*value = longer;
}

static int take_fact(void *arg, const struct holm_fact *f)
{
	struct diff *d = arg;
	char key[160];
	size_t i = 0;

	if (!compares(f))
		return str_eq(f->section, "mounts") ? 1 : 0;
	snprintf(key, sizeof(key), "%s %s", f->section, f->name);
	while (i < d->n && !str_eq(d->facts[i].key, key))
		i++;
	if (i == FACTS_MAX)
		return 0;
	if (i == d->n) {
		d->facts[i].key = strdup(key);
		if (!d->facts[i].key)
			return 0;
		d->n++;
	}
	add_value(&d->facts[i].value[d->side], f);
	return 0;
}

static void diff_done(struct diff *d)
{
	for (size_t i = 0; i < d->n; i++) {
		free(d->facts[i].key);
		free(d->facts[i].value[0]);
		free(d->facts[i].value[1]);
	}
}

static bool same_fact(const struct compared *c)
{
	return c->value[0] && c->value[1] && str_eq(c->value[0], c->value[1]);
}

static void print_types(const struct diff *d, bool shared)
{
	bool any = false;

	for (unsigned t = 0; t < HOLM_NS_TYPES; t++) {
		char a[NS_LABEL_MAX], b[NS_LABEL_MAX];
		uint64_t one = d->of[0].ns[t], two = d->of[1].ns[t];

		if ((one && one == two) != shared)
			continue;
		if (!any)
			puts(shared ? "shared" : "different");
		any = true;
		ns_label(t, one, a);
		ns_label(t, two, b);
		if (shared)
			printf("  %-22s %s\n", a, means[t].one);
		else
			printf("  %-22s %-22s %s\n", a, b,
			       one && two ? means[t].two : "one has none");
	}
}

static void print_facts(const struct diff *d)
{
	for (size_t i = 0; i < d->n; i++) {
		const struct compared *c = &d->facts[i];
		char a[600], b[600];

		if (!same_fact(c))
			printf("  %-22s %s | %s\n", c->key,
			       ns_clean(c->value[0] ? c->value[0] : "-", a, sizeof(a)),
			       ns_clean(c->value[1] ? c->value[1] : "-", b, sizeof(b)));
	}
}

static int json_diff(const struct diff *d)
{
	struct jsonout j = { .compact = true };

	jsonout_open(&j, NULL, '{');
	jsonout_number(&j, "a", d->of[0].pid);
	jsonout_number(&j, "b", d->of[1].pid);
	jsonout_open(&j, "namespaces", '[');
	for (unsigned t = 0; t < HOLM_NS_TYPES; t++) {
		bool same = d->of[0].ns[t] && d->of[0].ns[t] == d->of[1].ns[t];

		jsonout_open(&j, NULL, '{');
		jsonout_string(&j, "type", holm_ns_type_name(t));
		jsonout_bool(&j, "same", same);
		ns_json_inode(&j, "a", d->of[0].ns[t]);
		ns_json_inode(&j, "b", d->of[1].ns[t]);
		jsonout_string(&j, "words", same ? means[t].one : means[t].two);
		jsonout_close(&j, '}');
	}
	jsonout_close(&j, ']');
	jsonout_open(&j, "facts", '[');
	for (size_t i = 0; i < d->n; i++) {
		const struct compared *c = &d->facts[i];

		jsonout_open(&j, NULL, '{');
		jsonout_string(&j, "name", c->key);
		jsonout_bool(&j, "same", same_fact(c));
		ns_json_string(&j, "a", c->value[0] ? c->value[0] : "");
		ns_json_string(&j, "b", c->value[1] ? c->value[1] : "");
		jsonout_close(&j, '}');
	}
	jsonout_close(&j, ']');
	jsonout_close(&j, '}');
	return ns_json_end(&j);
}

static int look_at_both(struct diff *d, const struct ns_args *a)
{
	for (d->side = 0; d->side < 2; d->side++) {
		struct holm_process *p = &d->of[d->side];
		struct holm_error e;
		int r = ns_find_process(d->world, "diff", a->plain[d->side], p);

		if (r)
			return r;
		if (p->unseen)
			return out_error(
				"ns diff: process %d: its namespaces are not for you to see",
				p->pid);
		if (holm_process_facts(d->world, p->pid, take_fact, d, &e) < 0)
			return out_error("ns diff: %s", e.text);
	}
	return 0;
}

int ns_diff(int argc, char **argv)
{
	_cleanup_ns_world_ struct holm_world *world = NULL;
	_cleanup_(diff_done) struct diff d = { 0 };
	bool json = false;
	const struct ns_option options[] = { { "json", &json, NULL } };
	struct ns_args a = { .options = options, .n_options = ARRAY_SIZE(options) };
	int r = ns_parse(&a, argc, argv);

	if (r == 0 && a.n_plain != 2)
		r = out_error("ns diff: needs two TARGETs");
	if (r == 0)
		r = ns_world(HOLM_WORLD_HELD, &world);
	d.world = world;
	if (r == 0)
		r = look_at_both(&d, &a);
	if (r)
		return r;
	if (json)
		return json_diff(&d);
	print_types(&d, true);
	print_types(&d, false);
	print_facts(&d);
	return 0;
}
