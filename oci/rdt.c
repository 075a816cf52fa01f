/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Groups of resctrl, between two commands: whose they are, what changes them, what they tell. */
#include "cg/rdt.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/jsonout.h"
#include "base/str.h"
#include "container.h"
#include "spec/container.h"

/*
 * One that a container of ours has made, and another shares, is both's, so that the last one
 * removes it. Called under the lock of resctrl, by which nobody removes it meanwhile.
 */
bool rdt_is_ours(struct oci *o, const struct state_dir *dir, const char *group)
{
	strings ids = { 0 };

	if (state_list(o->arena, dir->root_fd, &ids) < 0)
		return false;
	for (size_t i = 0; i < ids.n; i++) {
		struct state s = { 0 };

		if (state_load(o->arena, dir->root_fd, ids.items[i], &s, NULL) == 0 &&
		    str_eq(s.rdt_path, group) && note(&s, RDT_NOTE_MADE))
			return true;
	}
	return false;
}

int rdt_give_back(struct oci *o, struct container_ref *ref, struct err *e)
{
	const char *group = ref->state.rdt_path;
	const char *monitor = note(&ref->state, RDT_NOTE_MONITOR);
	bool made = note(&ref->state, RDT_NOTE_MADE);
	_cleanup_fd_ int fd = -1;
	int r;

	if (!group || (!made && !monitor))
		return 0;
	fd = resctrl_open(e);
	if (fd == -ENOENT) /* unmounted: with it all groups are gone */
		return 0;
	r = fd < 0 ? fd : rdt_lock(fd, e);
	if (r == 0)
		r = resctrl_remove(fd, made ? group : NULL, group, monitor, e);
	if (r > 0)
		log_say(&o->log, LOG_LEVEL_DEBUG,
			"delete \"%s\": others are in the group \"%s\" of resctrl: it stays",
			ref->state.id, group);
	return MIN(r, 0);
}

int rdt_update(struct oci *o, struct container_ref *ref, struct err *e)
{
	const struct update_options *opt = &o->opt.update;
	const struct container_rdt wanted = {
		.l3_cache_schema = opt->l3_cache_schema,
		.mem_bw_schema = opt->mem_bw_schema,
	};
	struct rdt_wish w = { 0 };
	_cleanup_fd_ int fd = -1;
	int r;

	if (!opt->l3_cache_schema && !opt->mem_bw_schema)
		return 0;
	if (!ref->state.rdt_path)
		return err_set(e, EINVAL,
			       "update: \"%s\" was created without linux.intelRdt: it is in the "
			       "group of whoever created it",
			       ref->state.id);
	if (!note(&ref->state, RDT_NOTE_MADE))
		return err_set(e, EPERM,
			       "update: the group \"%.64s\" of resctrl was there before \"%s\": "
			       "change it by its own file schemata",
			       ref->state.rdt_path, ref->state.id);
	if (opt->mem_bw_schema && !rdt_is_bandwidth(opt->mem_bw_schema))
		return err_set(e, EINVAL, "--mem-bw-schema: must be one line that begins with MB:");
	if (rdt_schemata(o->arena, &wanted, &w) < 0)
		return err_errno(e, ENOMEM, "update");
	fd = resctrl_open(e);
	r = fd < 0 ? fd : rdt_lock(fd, e);
	return r == 0 && w.schemata[0] ? rdt_set(fd, ref->state.rdt_path, w.schemata[0], e) : r;
}

/* ---- statistics, as runc prints them ---- */

static void put_known(struct jsonout *j, const char *key, uint64_t value)
{
	if (value != RDT_UNKNOWN)
		jsonout_u64(j, key, value);
}

static void put_text(struct jsonout *j, const char *key, const char *value)
{
	if (value)
		jsonout_string(j, key, value);
}

static void put_cache(struct jsonout *j, const struct rdt_stats *s)
{
	if (!s->has_l3)
		return;
	jsonout_open(j, "l3_cache_info", '{');
	put_text(j, "cbm_mask", s->cbm_mask);
	put_known(j, "min_cbm_bits", s->min_cbm_bits);
	put_known(j, "num_closids", s->l3_closids);
	jsonout_close(j, '}');
	put_text(j, "l3_cache_schema_root", s->l3_root);
	put_text(j, "l3_cache_schema", s->l3);
}

static void put_bandwidth(struct jsonout *j, const struct rdt_stats *s)
{
	if (!s->has_mb)
		return;
	jsonout_open(j, "mem_bw_info", '{');
	put_known(j, "bandwidth_gran", s->bandwidth_gran);
	put_known(j, "delay_linear", s->delay_linear);
	put_known(j, "min_bandwidth", s->min_bandwidth);
	put_known(j, "num_closids", s->mb_closids);
	jsonout_close(j, '}');
	put_text(j, "mem_bw_schema_root", s->mb_root);
	put_text(j, "mem_bw_schema", s->mb);
}

static void put_counts(struct jsonout *j, const struct rdt_stats *s)
{
	if (!s->counts.n)
		return;
	jsonout_open(j, "mbm_stats", '[');
	for (size_t i = 0; i < s->counts.n; i++) {
		jsonout_open(j, NULL, '{');
		put_known(j, "mbm_total_bytes", s->counts.items[i].mbm_total_bytes);
		put_known(j, "mbm_local_bytes", s->counts.items[i].mbm_local_bytes);
		jsonout_close(j, '}');
	}
	jsonout_close(j, ']');
	jsonout_open(j, "cmt_stats", '[');
	for (size_t i = 0; i < s->counts.n; i++) {
		jsonout_open(j, NULL, '{');
		put_known(j, "llc_occupancy", s->counts.items[i].llc_bytes);
		jsonout_close(j, '}');
	}
	jsonout_close(j, ']');
}

/* What a group uses that others share would not be this container's. */
int rdt_put_stats(struct oci *o, const struct container_ref *ref, struct jsonout *j, struct err *e)
{
	const char *group = ref->state.rdt_path;
	const char *monitor = note(&ref->state, RDT_NOTE_MONITOR);
	bool alone = monitor || str_eq(group, ref->state.id);
	_cleanup_fd_ int fd = -1;
	struct rdt_stats s;
	int r;

	if (!group)
		return 0;
	fd = resctrl_open(e);
	r = fd < 0 ? fd : rdt_stats(fd, group, monitor, alone, o->arena, &s, e);
	if (r < 0)
		return r;
	jsonout_open(j, "intel_rdt", '{');
	put_cache(j, &s);
	put_bandwidth(j, &s);
	put_counts(j, &s);
	jsonout_close(j, '}');
	return 0;
}
