/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The grammar of mounts: colon-separated words; a colon inside a path is written "\:". */
#include <errno.h>
#include <linux/mount.h>
#include <string.h>

#include "base/str.h"
#include "spec/spec.h"

#define WORDS_MAX 256

struct words {
	char *word[WORDS_MAX];
	size_t n;
};

static int split(struct spec *s, const struct field *f, const char *value, struct words *w,
		 struct err *e)
{
	char *copy = arena_strdup(s->arena, value), *out = copy;

	if (!copy)
		return err_errno(e, ENOMEM, "%s", f->name);
	*w = (struct words){ .word = { copy }, .n = 1 };
	for (const char *in = value; *in; in++) {
		if (in[0] == '\\' && (in[1] == ':' || in[1] == '\\')) {
			*out++ = *++in;
		} else if (*in != ':') {
			*out++ = *in;
		} else {
			if (w->n == WORDS_MAX)
				return err_set(e, E2BIG, "%s: more than %d words", f->name,
					       WORDS_MAX);
			*out++ = 0;
			w->word[w->n++] = out;
		}
	}
	*out = 0;
	return 0;
}

static struct mnt *add(struct spec *s, enum mnt_kind kind)
{
	struct mnt *m = arena_push(s->arena, &s->mounts.items, &s->mounts.n, sizeof(*m));

	if (m) {
		*m = (struct mnt){ .kind = kind, .fd = -1 };
		m->order = (uint32_t)s->mounts.n;
	}
	return m;
}

/* Inside, a path is absolute; "..", which could mean anything once links are followed, is refused.
 */
static int check_dst(const struct field *f, const char *dst, struct err *e)
{
	size_t len = strlen(dst);

	if (*dst != '/')
		return err_set(e, EINVAL, "%s: \"%s\" is no absolute path inside the box", f->name,
			       dst);
	if (strstr(dst, "/../") || (len >= 3 && strcmp(dst + len - 3, "/..") == 0))
		return err_set(e, EINVAL, "%s: \"%s\" leads through \"..\"", f->name, dst);
	return 0;
}

static uint64_t propagation_by_name(const char *name)
{
	static const struct {
		const char *name;
		uint64_t bits;
	} modes[] = {
		{ "private", MS_PRIVATE },
		{ "slave", MS_SLAVE },
		{ "shared", MS_SHARED },
		{ "unbindable", MS_UNBINDABLE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(modes); i++)
		if (str_eq(name, modes[i].name))
			return modes[i].bits;
	return 0;
}

static int bind_option(struct mnt *m, const char *word)
{
	if (str_eq(word, "idmap"))
		m->idmap = true;
	else if (str_eq(word, "suid"))
		m->attrs &= ~(uint64_t)MOUNT_ATTR_NOSUID;
	else if (str_eq(word, "noexec"))
		m->attrs |= MOUNT_ATTR_NOEXEC;
	else if (str_eq(word, "optional"))
		m->optional = true;
	else
		m->propagation = propagation_by_name(word);
	return str_eq(word, "idmap") || str_eq(word, "suid") || str_eq(word, "noexec") ||
			       str_eq(word, "optional") || m->propagation
		       ? 0
		       : -EINVAL;
}

/* The row's param says what sets it apart: MOUNT_ATTR_RDONLY to add, MOUNT_ATTR_NODEV to leave. */
int set_bind(struct spec *s, const struct field *f, const char *value, struct err *e)
{
	struct words w;
	struct mnt *m;
	int r = split(s, f, value, &w, e);

	if (r < 0)
		return r;
	m = add(s, MNT_BIND);
	if (!m)
		return err_errno(e, ENOMEM, "%s", f->name);
	m->src = w.word[0];
	m->dst = w.n > 1 && *w.word[1] ? w.word[1] : NULL; /* check: the same path, made absolute */
	m->recursive = true;
	m->attrs = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
	if (f->param == MOUNT_ATTR_RDONLY)
		m->attrs |= MOUNT_ATTR_RDONLY;
	else if (f->param == MOUNT_ATTR_NODEV)
		m->attrs &= ~(uint64_t)MOUNT_ATTR_NODEV;
	if (!*m->src)
		return err_set(e, EINVAL, "%s: \"%s\" names no source", f->name, value);
	for (size_t i = 2; i < w.n; i++)
		if (bind_option(m, w.word[i]) < 0)
			return err_set(e, EINVAL,
				       "%s: \"%s\" is no option of a bind; there are "
				       "idmap, suid, noexec, optional, private, slave, shared and "
				       "unbindable",
				       f->name, w.word[i]);
	return m->dst ? check_dst(f, m->dst, e) : 0;
}

int set_tmpfs(struct spec *s, const struct field *f, const char *value, struct err *e)
{
	struct words w;
	struct mnt *m;
	int r = split(s, f, value, &w, e);

	if (r < 0)
		return r;
	m = add(s, MNT_TMPFS);
	if (!m)
		return err_errno(e, ENOMEM, "%s", f->name);
	m->dst = w.word[0];
	m->mode = 0755;
	m->attrs = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
	for (size_t i = 1; i < w.n; i++) {
		if (str_starts(w.word[i], "size="))
			r = str_size(w.word[i] + 5, &m->size_bytes);
		else if (str_starts(w.word[i], "mode="))
			r = str_octal(w.word[i] + 5, 07777, &m->mode);
		else
			r = -EINVAL;
		if (r < 0)
			return err_set(e, EINVAL, "%s: \"%s\" is neither size=SIZE nor mode=OCTAL",
				       f->name, w.word[i]);
	}
	return check_dst(f, m->dst, e);
}

static int overlay_layers(struct spec *s, struct mnt *m, struct words *w)
{
	for (size_t i = 0; i + 1 < w->n; i++) {
		const char **slot =
			arena_push(s->arena, &m->layers.items, &m->layers.n, sizeof(*slot));

		if (!slot)
			return -ENOMEM;
		*slot = w->word[i];
	}
	m->dst = w->word[w->n - 1];
	return 0;
}

int set_overlay(struct spec *s, const struct field *f, const char *value, struct err *e)
{
	struct words w;
	struct mnt *m;
	int r = split(s, f, value, &w, e);

	if (r < 0)
		return r;
	if (w.n == 1) { /* the layer over --rootfs */
		s->root_overlay = w.word[0];
		return 0;
	}
	m = add(s, MNT_OVERLAY);
	if (!m)
		return err_errno(e, ENOMEM, "%s", f->name);
	m->attrs = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
	if (str_starts(w.word[w.n - 1], "keep="))
		m->upper = w.word[--w.n] + 5;
	else if (str_eq(w.word[w.n - 1], "ro"))
		m->read_only = w.word[--w.n];
	if (w.n < 2)
		return err_set(e, EINVAL, "%s: \"%s\" needs at least LOWER:DST", f->name, value);
	if (overlay_layers(s, m, &w) < 0)
		return err_errno(e, ENOMEM, "%s", f->name);
	return check_dst(f, m->dst, e);
}

/* proc, dev, mqueue, dir, mask, remount-ro: a place, and for two of them one more word. */
int set_place(struct spec *s, const struct field *f, const char *value, struct err *e)
{
	struct words w;
	struct mnt *m;
	int r = split(s, f, value, &w, e);

	if (r < 0)
		return r;
	m = add(s, (enum mnt_kind)f->param);
	if (!m)
		return err_errno(e, ENOMEM, "%s", f->name);
	m->dst = w.word[0];
	m->mode = 0755;
	m->attrs = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
	if (m->kind == MNT_PROC)
		m->attrs |= MOUNT_ATTR_RDONLY;
	if (w.n == 2 && m->kind == MNT_PROC && str_eq(w.word[1], "full"))
		m->attrs &= ~(uint64_t)MOUNT_ATTR_RDONLY;
	else if (w.n == 2 && m->kind == MNT_DIR)
		r = str_octal(w.word[1], 07777, &m->mode);
	else if (w.n > 1)
		r = -EINVAL;
	if (r < 0)
		return err_set(e, EINVAL, "%s: \"%s\" is not %s", f->name, value, f->arg);
	return check_dst(f, m->dst, e);
}

int set_file(struct spec *s, const struct field *f, const char *value, struct err *e)
{
	const char *content = strchr(value, '=');
	struct mnt *m;

	if (!content)
		return err_set(e, EINVAL, "%s: \"%s\" is not %s", f->name, value, f->arg);
	m = add(s, MNT_FILE);
	if (!m)
		return err_errno(e, ENOMEM, "%s", f->name);
	m->dst = arena_strndup(s->arena, value, (size_t)(content++ - value));
	m->mode = 0444;
	if (*content == '@')
		m->src = arena_strdup(s->arena, content + 1);
	else if (str_starts(content, "fd:")) {
		if (str_fd(content + 3, &m->fd) < 0)
			return err_set(e, EINVAL, "%s: \"%s\" is no file descriptor", f->name,
				       content + 3);
	} else {
		m->data = arena_strdup(s->arena, content);
		m->len = strlen(content);
	}
	return check_dst(f, m->dst, e);
}

int set_symlink(struct spec *s, const struct field *f, const char *value, struct err *e)
{
	struct words w;
	struct mnt *m;
	int r = split(s, f, value, &w, e);

	if (r < 0)
		return r;
	if (w.n != 2 || !*w.word[0])
		return err_set(e, EINVAL, "%s: \"%s\" is not %s", f->name, value, f->arg);
	m = add(s, MNT_SYMLINK);
	if (!m)
		return err_errno(e, ENOMEM, "%s", f->name);
	m->src = w.word[0];
	m->dst = w.word[1];
	return check_dst(f, m->dst, e);
}

int set_propagation(struct spec *s, const struct field *f, const char *value, struct err *e)
{
	struct words w;
	struct mnt *m;
	uint64_t mode;
	int r = split(s, f, value, &w, e);

	if (r < 0)
		return r;
	mode = propagation_by_name(w.word[0]);
	if (!mode || w.n > 2)
		return err_set(e, EINVAL,
			       "%s: \"%s\" is not private, slave, shared or unbindable, "
			       "with an optional :DST",
			       f->name, value);
	if (w.n == 1) {
		s->root_propagation = mode;
		return 0;
	}
	m = add(s, MNT_PROPAGATION);
	if (!m)
		return err_errno(e, ENOMEM, "%s", f->name);
	m->propagation = mode;
	m->dst = w.word[1];
	return check_dst(f, m->dst, e);
}
