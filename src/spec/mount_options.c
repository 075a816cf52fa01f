/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "spec/mount_options.h"

#include <errno.h>
#include <linux/mount.h>
#include <string.h>

#include "base/str.h"

enum effect {
	NOTHING,  /* known, and without effect here */
	ATTR,     /* value: MOUNT_ATTR_* to set */
	CLEAR,    /* ... to clear */
	REC_ATTR, /* the same for the tree below, too */
	REC_CLEAR,
	PROPAGATION, /* value: MS_* */
	OWN,         /* value: offset of a bool in struct mount_words */
	OWN_BOTH,    /* ... and of the one before it */
	FLAG,        /* of the file system as a whole */
	REFUSED,     /* what crun does with it is not done here: following the link would be less */
};

struct word {
	const char *name;
	enum effect effect;
	uint64_t value;
};

#define FIELD(name) offsetof(struct mount_words, name)

_Static_assert(FIELD(rbind) == FIELD(bind) + 1 && FIELD(ridmap) == FIELD(idmap) + 1,
	       "OWN_BOTH sets a bool and the one before it");

/*
 * Relative access times are the kernel's default and their value is 0, so that whatever undoes
 * another rule is the same as "relatime".
 */
static const struct word words[] = {
	{ "async", FLAG, 0 },
	{ "atime", ATTR, MOUNT_ATTR_RELATIME },
	{ "bind", OWN, FIELD(bind) },
	{ "copy-symlink", REFUSED, 0 },
	{ "defaults", NOTHING, 0 },
	{ "dest-nofollow", REFUSED, 0 },
	{ "dev", CLEAR, MOUNT_ATTR_NODEV },
	{ "diratime", CLEAR, MOUNT_ATTR_NODIRATIME },
	{ "dirsync", FLAG, 0 },
	{ "exec", CLEAR, MOUNT_ATTR_NOEXEC },
	{ "idmap", OWN, FIELD(idmap) },
	{ "iversion", FLAG, 0 },
	{ "lazytime", FLAG, 0 },
	{ "loud", NOTHING, 0 },
	{ "mand", FLAG, 0 },
	{ "noatime", ATTR, MOUNT_ATTR_NOATIME },
	{ "nodev", ATTR, MOUNT_ATTR_NODEV },
	{ "nodiratime", ATTR, MOUNT_ATTR_NODIRATIME },
	{ "noexec", ATTR, MOUNT_ATTR_NOEXEC },
	{ "noiversion", FLAG, 0 },
	{ "nolazytime", FLAG, 0 },
	{ "nomand", FLAG, 0 },
	{ "norelatime", ATTR, MOUNT_ATTR_RELATIME },
	{ "nostrictatime", ATTR, MOUNT_ATTR_RELATIME },
	{ "nosuid", ATTR, MOUNT_ATTR_NOSUID },
	{ "nosymfollow", ATTR, MOUNT_ATTR_NOSYMFOLLOW },
	{ "private", PROPAGATION, MS_PRIVATE },
	{ "ratime", REC_ATTR, MOUNT_ATTR_RELATIME },
	{ "rbind", OWN_BOTH, FIELD(rbind) },
	{ "rdev", REC_CLEAR, MOUNT_ATTR_NODEV },
	{ "rdiratime", REC_CLEAR, MOUNT_ATTR_NODIRATIME },
	{ "relatime", ATTR, MOUNT_ATTR_RELATIME },
	{ "remount", OWN, FIELD(remount) },
	{ "rexec", REC_CLEAR, MOUNT_ATTR_NOEXEC },
	{ "ridmap", OWN_BOTH, FIELD(ridmap) },
	{ "rnoatime", REC_ATTR, MOUNT_ATTR_NOATIME },
	{ "rnodev", REC_ATTR, MOUNT_ATTR_NODEV },
	{ "rnodiratime", REC_ATTR, MOUNT_ATTR_NODIRATIME },
	{ "rnoexec", REC_ATTR, MOUNT_ATTR_NOEXEC },
	{ "rnorelatime", REC_ATTR, MOUNT_ATTR_RELATIME },
	{ "rnostrictatime", REC_ATTR, MOUNT_ATTR_RELATIME },
	{ "rnosuid", REC_ATTR, MOUNT_ATTR_NOSUID },
	{ "rnosymfollow", REC_ATTR, MOUNT_ATTR_NOSYMFOLLOW },
	{ "ro", ATTR, MOUNT_ATTR_RDONLY },
	{ "rprivate", PROPAGATION, MS_PRIVATE | MS_REC },
	{ "rrelatime", REC_ATTR, MOUNT_ATTR_RELATIME },
	{ "rro", REC_ATTR, MOUNT_ATTR_RDONLY },
	{ "rrw", REC_CLEAR, MOUNT_ATTR_RDONLY },
	{ "rshared", PROPAGATION, MS_SHARED | MS_REC },
	{ "rslave", PROPAGATION, MS_SLAVE | MS_REC },
	{ "rstrictatime", REC_ATTR, MOUNT_ATTR_STRICTATIME },
	{ "rsuid", REC_CLEAR, MOUNT_ATTR_NOSUID },
	{ "rsymfollow", REC_CLEAR, MOUNT_ATTR_NOSYMFOLLOW },
	{ "runbindable", PROPAGATION, MS_UNBINDABLE | MS_REC },
	{ "rw", CLEAR, MOUNT_ATTR_RDONLY },
	{ "shared", PROPAGATION, MS_SHARED },
	{ "silent", NOTHING, 0 },
	{ "slave", PROPAGATION, MS_SLAVE },
	{ "src-nofollow", REFUSED, 0 },
	{ "strictatime", ATTR, MOUNT_ATTR_STRICTATIME },
	{ "suid", CLEAR, MOUNT_ATTR_NOSUID },
	{ "symfollow", CLEAR, MOUNT_ATTR_NOSYMFOLLOW },
	{ "sync", FLAG, 0 },
	{ "tmpcopyup", OWN, FIELD(tmpcopyup) },
	{ "unbindable", PROPAGATION, MS_UNBINDABLE },
};

static const struct word *find(const char *name)
{
	size_t low = 0, high = ARRAY_SIZE(words);

	while (low < high) {
		size_t mid = (low + high) / 2;
		int order = strcmp(name, words[mid].name);

		if (order == 0)
			return &words[mid];
		if (order < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return NULL;
}

const char *mount_option_name(size_t i)
{
	for (size_t k = 0; k < ARRAY_SIZE(words); k++)
		if (words[k].effect != REFUSED && i-- == 0)
			return words[k].name;
	return NULL;
}

uint64_t mount_propagation(const char *word)
{
	const struct word *w = find(word);

	return w && w->effect == PROPAGATION ? w->value : 0;
}

/* The rules for access times are one number, not bits: it is cleared as a whole (mount_setattr(2)).
 */
static bool is_atime(uint64_t bits)
{
	return bits == MOUNT_ATTR_RELATIME || (bits & MOUNT_ATTR__ATIME);
}

static void attr_set(struct mount_attrs *a, uint64_t bits)
{
	if (is_atime(bits)) {
		a->clear |= MOUNT_ATTR__ATIME;
		a->set = (a->set & ~(uint64_t)MOUNT_ATTR__ATIME) | bits;
		return;
	}
	a->set |= bits;
	a->clear &= ~bits;
}

static void attr_clear(struct mount_attrs *a, uint64_t bits)
{
	a->clear |= bits;
	a->set &= ~bits;
}

static int keep(struct arena *a, strings *list, const char *s)
{
	const char **slot = arena_push(a, &list->items, &list->n, sizeof(*slot));

	if (!slot)
		return -ENOMEM;
	*slot = s;
	return 0;
}

static int apply(struct arena *a, const struct word *w, struct mount_words *out)
{
	bool *own;

	switch (w->effect) {
	case NOTHING:
		break;
	case ATTR:
		attr_set(&out->attrs, w->value);
		break;
	case CLEAR:
		attr_clear(&out->attrs, w->value);
		break;
	case REC_ATTR:
		attr_set(&out->recursive, w->value);
		break;
	case REC_CLEAR:
		attr_clear(&out->recursive, w->value);
		break;
	case PROPAGATION:
		out->propagation = w->value;
		break;
	case OWN_BOTH:
	case OWN:
		own = (bool *)((char *)out + w->value);
		own[0] = true;
		if (w->effect == OWN_BOTH)
			own[-1] = true;
		break;
	case FLAG:
		return keep(a, &out->flags, w->name);
	case REFUSED:
		return -EOPNOTSUPP;
	}
	return 0;
}

/* ---- idmap=uids=0-1000-1#1-2000-5;gids=@0-0-10 ---- */

static int take_number(const char **s, char behind, uint32_t *out)
{
	uint64_t v;

	if (str_take_u64(s, &v) < 0 || v > UINT32_MAX)
		return -EINVAL;
	*out = (uint32_t)v;
	if (!behind)
		return 0;
	return *(*s)++ == behind ? 0 : -EINVAL;
}

/* Triples, with "#" between them; ends at a ";" or the end of the text. */
static int take_map(struct arena *a, const char **s, struct mount_id_map *out)
{
	if (**s == '@') {
		out->relative = true;
		(*s)++;
	}
	for (;; (*s)++) {
		struct id_range *range =
			arena_push(a, &out->ranges.items, &out->ranges.n, sizeof(*range));

		if (!range)
			return -ENOMEM;
		if (take_number(s, '-', &range->inside) < 0 ||
		    take_number(s, '-', &range->outside) < 0 ||
		    take_number(s, 0, &range->count) < 0 || range->count == 0)
			return -EINVAL;
		if (**s != '#')
			return **s && **s != ';' ? -EINVAL : 0;
	}
}

static int parse_maps(struct arena *a, const char *s, struct mount_words *out)
{
	while (*s) {
		struct mount_id_map *map = str_starts(s, "uids=")   ? &out->uids
					   : str_starts(s, "gids=") ? &out->gids
								    : NULL;
		int r;

		if (!map || map->ranges.n)
			return -EINVAL;
		s += strlen("uids=");
		r = take_map(a, &s, map);
		if (r < 0)
			return r;
		if (*s == ';')
			s++;
	}
	return 0;
}

static int parse_idmap(struct arena *a, const char *option, const char *maps,
		       struct mount_words *out, struct err *e)
{
	int r = parse_maps(a, maps, out);

	if (r == -EINVAL)
		return err_set(e, EINVAL,
			       "\"%.128s\": maps are like "
			       "uids=INSIDE-OUTSIDE-COUNT#...;gids=...",
			       option);
	out->idmap = true;
	out->ridmap = out->ridmap || *option == 'r';
	return r < 0 ? err_errno(e, -r, "mount options") : 0;
}

/* Words that are meant for programs in user space alone. */
static bool for_others(const char *s)
{
	return str_starts(s, "X-") || str_starts(s, "x-") || !*s;
}

static int parse_one(struct arena *a, const char *s, struct mount_words *m, struct err *e)
{
	const struct word *w = find(s);
	int r = 0;

	if (w)
		r = apply(a, w, m);
	else if (str_starts(s, "idmap="))
		r = parse_idmap(a, s, s + strlen("idmap="), m, e);
	else if (str_starts(s, "ridmap="))
		r = parse_idmap(a, s, s + strlen("ridmap="), m, e);
	else if (!for_others(s))
		r = keep(a, &m->data, s);
	if (r == -EOPNOTSUPP)
		return err_set(e, EOPNOTSUPP, "%s: links are always followed here", s);
	return r == -ENOMEM ? err_errno(e, ENOMEM, "mount options") : r;
}

/*
 * Several can stand in one word, as on mount(8)'s command line. A comma that belongs to a value is
 * escaped by "\", or the value stands in double quotes (labels of SELinux).
 */
static char *next_option(char **rest)
{
	char *begin = *rest, *s = begin;
	/* In a map there is none, and what stands there instead is told as it was written. */
	bool quoted = false, whole = str_starts(s, "idmap=") || str_starts(s, "ridmap=");

	while (*s && (quoted || whole || *s != ',')) {
		quoted ^= *s == '"';
		s += s[0] == '\\' && s[1] ? 2 : 1;
	}
	*rest = *s ? s + 1 : NULL;
	*s = 0;
	return begin;
}

int mount_options_parse(struct arena *a, const strings *options, struct mount_words *out,
			struct err *e)
{
	struct mount_words m = { 0 };

	for (size_t i = 0; i < options->n; i++) {
		char *rest = arena_strdup(a, options->items[i]);
		int r = rest ? 0 : err_errno(e, ENOMEM, "mount options");

		while (r == 0 && rest)
			r = parse_one(a, next_option(&rest), &m, e);
		if (r < 0)
			return r;
	}
	*out = m;
	return 0;
}
