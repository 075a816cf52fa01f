/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * linux.intelRdt: in which group of resctrl a container is, who makes that, and what is written
 * there. By the rules of the specification:
 *
 *	no closID                a group of its own, called like the container
 *	closID and schemata      made if it is missing; else it must say the same, and is shared
 *	closID alone             it must be there, whoever made it
 *
 * What the lines of schemata mean is the kernel's to say.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/str.h"
#include "spec/container.h"

#define DEFAULT_GROUP "/"

static bool begins_with_mb(const char *line)
{
	return str_starts(line + strspn(line, " \t"), "MB:");
}

bool rdt_is_bandwidth(const char *line)
{
	return begins_with_mb(line) && !strchr(line, '\n');
}

/* Of l3CacheSchema the lines that are memBwSchema's to say do not count, if that is given. */
static void put_cache(struct buf *out, const struct container_rdt *rdt)
{
	const char *line = rdt->l3_cache_schema;

	while (line && *line) {
		size_t len = strcspn(line, "\n");

		if (len && !(rdt->mem_bw_schema && begins_with_mb(line))) {
			buf_put(out, line, len);
			buf_puts(out, "\n");
		}
		line += len + (line[len] == '\n');
	}
}

static int put_text(struct arena *a, struct buf *b, const char **out)
{
	if (b->len && !b->failed)
		*out = arena_strndup(a, b->data, b->len);
	return b->failed || (b->len && !*out) ? -ENOMEM : 0;
}

int rdt_schemata(struct arena *a, const struct container_rdt *rdt, struct rdt_wish *out)
{
	_cleanup_buf_ struct buf old = { 0 }, whole = { 0 };
	size_t n = 0;
	int r;

	put_cache(&old, rdt);
	if (rdt->mem_bw_schema)
		buf_printf(&old, "%s\n", rdt->mem_bw_schema);
	for (size_t i = 0; i < rdt->schemata.n; i++)
		buf_printf(&whole, "%s\n", rdt->schemata.items[i]);
	r = put_text(a, &old, &out->schemata[n]);
	n += out->schemata[n] != NULL;
	return r == 0 ? put_text(a, &whole, &out->schemata[n]) : r;
}

static int check_machine(const struct fact_rdt *f, struct err *e)
{
	if (f->mounted)
		return 0;
	return f->known
		       ? err_set(e, ENOENT,
				 "linux.intelRdt: the resctrl file system is not mounted (mount -t "
				 "resctrl resctrl /sys/fs/resctrl)")
		       : err_set(e, EOPNOTSUPP,
				 "linux.intelRdt: there is no resctrl here: it needs a processor "
				 "with "
				 "Intel RDT or AMD QoS, and a kernel with CONFIG_X86_CPU_RESCTRL");
}

static int check_wish(const struct rdt_wish *w, const struct fact_rdt *f, struct err *e)
{
	bool is_default = str_eq(w->group, DEFAULT_GROUP);

	if (strlen(w->group) > NAME_MAX || (w->monitor && strlen(w->monitor) > NAME_MAX))
		return err_set(e, ENAMETOOLONG,
			       "linux.intelRdt: \"%.64s...\": no group's name has more than %d "
			       "characters",
			       w->group, NAME_MAX);
	if (!f->controls && !is_default)
		return err_set(
			e, EOPNOTSUPP,
			"linux.intelRdt: this processor can only count: there is no group but "
			"the default one (closID \"/\")");
	if (w->schemata[0] && !f->controls)
		return err_set(
			e, EOPNOTSUPP,
			"linux.intelRdt: this processor can only count, and knows no schemata");
	if (w->monitor && !f->monitors)
		return err_set(e, EOPNOTSUPP,
			       "linux.intelRdt.enableMonitoring: this processor cannot count");
	return 0;
}

static int decide_group(struct spec *s, const struct facts *f, struct rdt_wish *w, struct err *e)
{
	const struct container_rdt *rdt = &s->container->rdt;
	const char *id = s->container->life.id;
	int r = check_machine(&f->rdt, e);

	if (r == 0 && rdt_schemata(s->arena, rdt, w) < 0)
		r = err_errno(e, ENOMEM, "linux.intelRdt");
	if (r < 0)
		return r;
	w->group = rdt->clos_id ? rdt->clos_id : id;
	w->monitor = rdt->monitoring ? id : NULL;
	w->make = !rdt->clos_id                                        ? RDT_NEW
		  : !w->schemata[0] || str_eq(w->group, DEFAULT_GROUP) ? RDT_PRESENT
								       : RDT_IF_MISSING;
	return check_wish(w, &f->rdt, e);
}

int check_rdt(struct spec *s, const struct facts *f, struct err *e)
{
	const struct container *c = s->container;
	bool joins = c->life.member && c->life.rdt_group;
	struct rdt_wish *w;
	int r = 0;

	if (!joins && (!c->rdt.given || c->life.member))
		return 0;
	w = arena_alloc(s->arena, sizeof(*w));
	if (!w)
		return err_errno(e, ENOMEM, "linux.intelRdt");
	if (joins)
		*w = (struct rdt_wish){ .make = RDT_ONLY_JOIN,
					.group = c->life.rdt_group,
					.monitor = c->life.rdt_monitor };
	else
		r = decide_group(s, f, w, e);
	s->d.rdt = w;
	return r;
}
