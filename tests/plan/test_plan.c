/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What holm would do, for a made-up machine, against what it is meant to do: each case of
 * tests/plan/cases is a list of fields, and golden/ holds the plan that it must give. No root, no
 * kernel. After a change that is meant, UPDATE=1 writes the golden files anew; read the diff.
 */
#include "../unit/unit.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/fake_facts.h"
#include "base/cleanup.h"
#include "base/str.h"
#include "config.h"
#include "run/run.h"
#include "spec/container.h"

#define DIR_OF_CASES "tests/plan/cases"

static void add_word(struct spec *s, const char *word)
{
	const char **slot = arena_push(s->arena, &s->command.items, &s->command.n, sizeof(*slot));

	*slot = arena_strdup(s->arena, word);
}

static char *read_all(const char *path)
{
	_cleanup_file_ FILE *f = fopen(path, "re");
	struct buf b = { 0 };
	char block[4096];
	size_t n;

	while (f && (n = fread(block, 1, sizeof(block), f)) > 0)
		buf_put(&b, block, n);
	return buf_take(&b);
}

/* A bundle's configuration in place of fields; nothing of it is looked at but the text. */
static void read_config(const char *name, struct spec *s, struct buf *out)
{
	struct container *c = arena_alloc(s->arena, sizeof(*c));
	char path[1100];
	char *text;
	struct err e = { 0 };

	snprintf(path, sizeof(path), "tests/plan/configs/%s", name);
	text = read_all(path);
	assert_non_null(text);
	if (config_parse(s->arena, text, strlen(text), name, c, &e) < 0)
		buf_printf(out, "refused: %s\n", e.text);
	c->bundle = "/srv";
	c->life.await_start = true;
	c->life.cgroup = c->cgroups_path ? c->cgroups_path : "holm-oci-name";
	c->life.id = "name";
	s->container = c;
	free(text);
}

/* One more process in the container that a configuration has made. */
static void read_exec(struct container *c)
{
	if (c->rdt.given) {
		c->life.rdt_group = c->rdt.clos_id ? c->rdt.clos_id : c->life.id;
		c->life.rdt_monitor = c->rdt.monitoring ? c->life.id : NULL;
	}
	container_is_built(c);
	c->life.await_start = false;
	c->life.member = 4711;
	c->life.member_pidfd = c->ns[NS_USER].listed ? 0 : 7;
	for (int i = 0; i < NS_COUNT; i++)
		if (c->ns[i].listed)
			c->ns[i].path = "4711";
}

/*
 * Lines: "# comment", "uid N", "field=value", "config FILE", "$ command"; behind a config "systemd"
 * or "systemd user", for who makes the cgroup, "resctrl" for a machine that has it, and "exec".
 * What is wrong ends up in the plan.
 */
static void read_case(FILE *f, struct spec *s, struct facts *facts, struct buf *out)
{
	char line[1024];
	struct err e = { 0 };

	while (fgets(line, sizeof(line), f)) {
		char *eq;

		line[strcspn(line, "\n")] = 0;
		eq = strchr(line, '=');
		if (str_starts(line, "uid ")) {
			*facts = fake_facts((uint32_t)atoi(line + 4));
		} else if (str_starts(line, "config ")) {
			read_config(line + 7, s, out);
		} else if (str_starts(line, "systemd") && s->container) {
			struct container *c = (struct container *)s->container;

			c->life.systemd_helper = "/libexec/holm-systemd";
			c->life.systemd_user = str_eq(line, "systemd user");
		} else if (str_eq(line, "resctrl")) {
			facts->rdt = (struct fact_rdt){ true, true, true, true };
		} else if (str_eq(line, "exec") && s->container) {
			read_exec((struct container *)s->container);
		} else if (str_starts(line, "$ ")) {
			for (char *w = strtok(line + 2, " "); w; w = strtok(NULL, " "))
				add_word(s, w);
		} else if (*line != '#' && eq) {
			*eq = 0;
			if (spec_set(s, line, eq + 1, &e) < 0)
				buf_printf(out, "refused: %s\n", e.text);
		}
	}
}

static int no_process(void *arg, int pid, struct err *e)
{
	(void)arg, (void)pid, (void)e;
	return 0;
}

static const struct keeper keeper = { .process_made = no_process, .console_fd = 9, .root_fd = -1 };

static void put_plan(struct spec *s, const struct facts *facts, struct buf *out)
{
	static const struct sock_filter *const some = (const struct sock_filter *)"";
	struct err e = { 0 };
	struct run r;

	s->filter = some;
	s->filter_len = 100;
	if (spec_check(s, facts, &e) < 0) {
		buf_printf(out, "refused: %s\n", e.text);
		return;
	}
	run_init(&r, s);
	r.keeper = s->container ? &keeper : NULL;
	for (size_t i = 0; i < n_steps; i++) {
		size_t n = steps[i].count(&r);

		for (size_t k = 0; k < n; k++) {
			buf_printf(out, "%-5s %-15s ", stage_names[steps[i].stage], steps[i].name);
			words_item(&r, &steps[i], k, out);
			buf_puts(out, "\n");
		}
	}
}

static char *plan_of(const char *path)
{
	_cleanup_file_ FILE *f = fopen(path, "re");
	struct facts facts = fake_facts(1000);
	struct spec *s = spec_new();
	struct buf out = { 0 };

	assert_non_null(f);
	read_case(f, s, &facts, &out);
	put_plan(s, &facts, &out);
	spec_free(s);
	return buf_take(&out);
}

static void as_it_is_meant(void **state)
{
	const char *name = *state;
	char path[512], golden[512];
	char *is, *meant;

	snprintf(path, sizeof(path), DIR_OF_CASES "/%s", name);
	snprintf(golden, sizeof(golden), "tests/plan/golden/%s", name);
	is = plan_of(path);
	if (getenv("UPDATE")) {
		_cleanup_file_ FILE *f = fopen(golden, "we");

		fputs(is, f);
	}
	meant = read_all(golden);
	if (!meant || strcmp(is, meant) != 0) {
		print_message("%s: the plan is now\n%s\n", name, is);
		fail();
	}
	free(is);
	free(meant);
}

static int is_case(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

int main(void)
{
	struct dirent **names;
	struct CMUnitTest tests[100] = { 0 };
	int failed, n = scandir(DIR_OF_CASES, &names, is_case, alphasort);

	if (n <= 0 || n > 100)
		return 1;
	for (int i = 0; i < n; i++)
		tests[i] = (struct CMUnitTest){ names[i]->d_name, as_it_is_meant, NULL, NULL,
						names[i]->d_name };
	failed = _cmocka_run_group_tests("plan", tests, (size_t)n, NULL, NULL);
	while (n-- > 0)
		free(names[n]);
	free(names);
	return failed;
}
