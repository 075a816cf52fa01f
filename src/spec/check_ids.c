/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who the command is, and how ids inside relate to ids outside (user_namespaces(7)).
 *
 * One id mapped to the caller's own needs no help: the child writes its own map. Anything more
 * needs CAP_SETUID outside (the parent writes) or a range granted in /etc/subuid (newuidmap
 * writes).
 */
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "spec/spec.h"

#define EXTENTS_MAX 340 /* user_namespaces(7) */

struct who {
	bool given;
	uint32_t uid, gid;
};

static int parse_user(const struct spec *s, const struct facts *f, struct who *w, struct err *e)
{
	const char *colon;
	char *uid;
	int r;

	*w = (struct who){ s->user != NULL, f->uid, f->gid };
	if (!s->user)
		return 0;
	if (str_eq(s->user, "root")) {
		w->uid = w->gid = 0;
		return 0;
	}
	colon = strchr(s->user, ':');
	uid = arena_strndup(s->arena, s->user, colon ? (size_t)(colon - s->user) : strlen(s->user));
	r = uid ? str_u32(uid, &w->uid) : -ENOMEM;
	if (r == 0)
		r = colon ? str_u32(colon + 1, &w->gid) : (w->gid = w->uid, 0);
	if (r < 0 || w->uid == UINT32_MAX || w->gid == UINT32_MAX)
		return err_set(e, EINVAL, "user: \"%s\" is neither root nor UID[:GID]", s->user);
	return 0;
}

static int add_range(struct spec *s, id_ranges *to, uint32_t inside, uint32_t outside,
		     uint32_t count)
{
	struct id_range *r;

	if (count == 0)
		return 0;
	r = arena_push(s->arena, &to->items, &to->n, sizeof(*r));
	if (!r)
		return -ENOMEM;
	*r = (struct id_range){ inside, outside, count };
	return 0;
}

/*
 * map-auto: the caller is `own_in`; the ids granted fill the places from 0 up around it.
 */
static int auto_ranges(struct spec *s, id_ranges *to, const id_ranges *granted, uint32_t own_in,
		       uint32_t own_out)
{
	uint32_t next = 0;
	int r = add_range(s, to, own_in, own_out, 1);

	for (size_t i = 0; r == 0 && i < granted->n; i++) {
		uint32_t out = granted->items[i].outside, left = granted->items[i].count;

		if (next <= own_in && own_in - next < left) { /* the caller's place lies in here */
			uint32_t before = own_in - next;

			r = add_range(s, to, next, out, before);
			out += before;
			left -= before;
			next = own_in + 1;
		}
		if (r == 0)
			r = add_range(s, to, next, out, left);
		next += left;
	}
	return r;
}

static bool overlap(uint32_t a, uint32_t a_count, uint32_t b, uint32_t b_count)
{
	return a < b + (uint64_t)b_count && b < a + (uint64_t)a_count;
}

static int check_ranges(const char *what, const id_ranges *map, struct err *e)
{
	if (map->n > EXTENTS_MAX)
		return err_set(e, E2BIG, "%s: %zu ranges, the kernel takes %d", what, map->n,
			       EXTENTS_MAX);
	for (size_t i = 0; i < map->n; i++) {
		for (size_t j = 0; j < i; j++) {
			const struct id_range *a = &map->items[i], *b = &map->items[j];

			if (overlap(a->inside, a->count, b->inside, b->count) ||
			    overlap(a->outside, a->count, b->outside, b->count))
				return err_set(e, EINVAL, "%s: %u:%u:%u and %u:%u:%u overlap", what,
					       b->inside, b->outside, b->count, a->inside,
					       a->outside, a->count);
		}
	}
	return 0;
}

static bool range_granted(const struct id_range *r, uint32_t own, const id_ranges *granted)
{
	if (r->outside == own && r->count == 1)
		return true;
	for (size_t i = 0; i < granted->n; i++) {
		const struct id_range *g = &granted->items[i];

		if (r->outside >= g->outside && r->outside - g->outside <= g->count &&
		    r->count <= g->count - (r->outside - g->outside))
			return true;
	}
	return false;
}

static int check_granted(const char *what, const char *file, const id_ranges *map, uint32_t own,
			 const id_ranges *granted, const struct facts *f, struct err *e)
{
	for (size_t i = 0; i < map->n; i++) {
		const struct id_range *r = &map->items[i];

		if (!range_granted(r, own, granted) && r->outside < 1000)
			return err_set(e, EPERM,
				       "%s: %u ids from %u are not yours to map, and "
				       "belong to the system: map your own id or a range of %s",
				       what, r->count, r->outside, file);
		if (!range_granted(r, own, granted))
			return err_set(e, EPERM,
				       "%s: %u ids from %u are not yours to map: add the "
				       "line \"%s:%u:%u\" to %s (as root), or map only your own id",
				       what, r->count, r->outside,
				       f->user_name ? f->user_name : "USER", r->outside, r->count,
				       file);
	}
	return 0;
}

static const char *map_text(struct spec *s, const id_ranges *map)
{
	const char *text = "";

	for (size_t i = 0; text && i < map->n; i++)
		text = arena_printf(s->arena, "%s%u %u %u\n", text, map->items[i].inside,
				    map->items[i].outside, map->items[i].count);
	return text;
}

/* The id inside that stands for `outside`; false if none does. */
static bool inside_of(const id_ranges *map, uint32_t outside, uint32_t *out)
{
	for (size_t i = 0; i < map->n; i++) {
		const struct id_range *r = &map->items[i];

		if (outside >= r->outside && outside - r->outside < r->count) {
			*out = r->inside + (outside - r->outside);
			return true;
		}
	}
	return false;
}

static bool is_mapped(const id_ranges *map, uint32_t inside)
{
	for (size_t i = 0; i < map->n; i++)
		if (inside - map->items[i].inside < map->items[i].count &&
		    inside >= map->items[i].inside)
			return true;
	return false;
}

/* One of the two maps: given, taken from the granted ranges, or the caller's id alone. */
static int build_map(struct spec *s, id_ranges *map, const id_ranges *given,
		     const id_ranges *granted, uint32_t own_in, uint32_t own_out)
{
	if (given->n)
		*map = *given;
	else if (s->map_auto)
		return auto_ranges(s, map, granted, own_in, own_out);
	else
		return add_range(s, map, own_in, own_out, 1);
	return 0;
}

static int first_id(const char *what, const id_ranges *map, bool given, uint32_t own, uint32_t *id,
		    struct err *e)
{
	if (!given && !inside_of(map, own, id))
		*id = map->items[0].inside;
	if (!is_mapped(map, *id))
		return err_set(e, EINVAL, "user: %s %u has no place in the map", what, *id);
	return 0;
}

static int check_auto(const struct spec *s, const struct facts *f, struct err *e)
{
	const char *name = f->user_name ? f->user_name : "your name";

	if (!s->map_auto)
		return 0;
	if (s->map_users.n || s->map_groups.n)
		return err_set(e, EINVAL, "map-auto: goes without map-users and map-groups");
	if (!f->subuids.n || !f->subgids.n)
		return err_set(
			e, ENOENT,
			"map-auto: %s has no range for %s: as root, run "
			"`usermod --add-subuids 100000-165535 --add-subgids 100000-165535 %s`",
			f->subuids.n ? "/etc/subgid" : "/etc/subuid", name, name);
	return 0;
}

static void decide_writer(struct spec *s, const struct facts *f)
{
	struct decided *d = &s->d;
	bool own_only = d->uid_ranges.n == 1 && d->gid_ranges.n == 1 &&
			d->uid_ranges.items[0].count == 1 && d->gid_ranges.items[0].count == 1 &&
			d->uid_ranges.items[0].outside == f->uid &&
			d->gid_ranges.items[0].outside == f->gid;
	bool idmaps = false; /* the parent makes those, and needs the maps in place */

	for (size_t i = 0; i < s->mounts.n; i++)
		idmaps |= s->mounts.items[i].idmap;
	/* A caller with CAP_SETGID lets the box drop the groups that it came with. */
	if (own_only && !idmaps && !(f->privileged && f->extra_groups))
		d->map_by = MAP_BY_CHILD;
	else
		d->map_by = f->privileged ? MAP_BY_PARENT : MAP_BY_HELPER;
	d->deny_setgroups = d->map_by == MAP_BY_CHILD || f->setgroups_denied;
	d->seal.drop_groups = !d->deny_setgroups;
}

static int check_new_user(struct spec *s, const struct facts *f, struct who *w, struct err *e)
{
	struct decided *d = &s->d;
	uint32_t ignored;
	int r = check_auto(s, f, e);

	if (r < 0)
		return r;
	if (build_map(s, &d->uid_ranges, &s->map_users, &f->subuids, w->uid, f->uid) < 0 ||
	    build_map(s, &d->gid_ranges, &s->map_groups, &f->subgids, w->gid, f->gid) < 0)
		return err_errno(e, ENOMEM, "id maps");
	decide_writer(s, f);
	r = check_ranges("map-users", &d->uid_ranges, e);
	if (r == 0)
		r = check_ranges("map-groups", &d->gid_ranges, e);
	if (r == 0 && d->map_by == MAP_BY_HELPER)
		r = check_granted("map-users", "/etc/subuid", &d->uid_ranges, f->uid, &f->subuids,
				  f, e);
	if (r == 0 && d->map_by == MAP_BY_HELPER)
		r = check_granted("map-groups", "/etc/subgid", &d->gid_ranges, f->gid, &f->subgids,
				  f, e);
	if (r == 0)
		r = first_id("uid", &d->uid_ranges, w->given, f->uid, &w->uid, e);
	if (r == 0)
		r = first_id("gid", &d->gid_ranges, w->given, f->gid, &w->gid, e);
	if (r < 0)
		return r;
	d->uid_map = map_text(s, &d->uid_ranges);
	d->gid_map = map_text(s, &d->gid_ranges);
	d->seal.change_ids = d->map_by != MAP_BY_CHILD;
	if (!inside_of(&d->uid_ranges, f->uid, &ignored) ||
	    !inside_of(&d->gid_ranges, f->gid, &ignored)) {
		d->early_ids = true;
		d->early_uid = is_mapped(&d->uid_ranges, 0) ? 0 : w->uid;
		d->early_gid = is_mapped(&d->gid_ranges, 0) ? 0 : w->gid;
	}
	return d->uid_map && d->gid_map ? 0 : err_errno(e, ENOMEM, "id maps");
}

int check_ids(struct spec *s, const struct facts *f, struct err *e)
{
	struct decided *d = &s->d;
	struct who w;
	int r = parse_user(s, f, &w, e);

	if (r < 0)
		return r;
	if (s->ns[NS_USER].mode == NS_NEW) {
		r = check_new_user(s, f, &w, e);
	} else {
		if (s->map_users.n || s->map_groups.n || s->map_auto)
			return err_set(e, EINVAL,
				       "map-users: a user namespace that is shared or "
				       "joined has its maps already");
		d->deny_setgroups = f->setgroups_denied;
		d->seal.change_ids = w.given;
		d->seal.drop_groups = w.given && f->extra_groups && !d->deny_setgroups;
		/* Our own id may have no place in the map of a namespace that is joined. */
		d->early_ids = w.given && s->ns[NS_USER].mode == NS_JOINED;
		d->early_uid = w.uid;
		d->early_gid = w.gid;
	}
	d->seal.uid = w.uid;
	d->seal.gid = w.gid;
	return r;
}
