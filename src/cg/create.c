/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Makes a cgroup in every tree, or none of it. */
#include <limits.h>
#include <string.h>

#include "base/cleanup.h"
#include "cg/driver.h"
#include "sys/fd.h"

/* Those that tell what was used, too. */
#define COUNTING (CG_BIT(CG_CPUACCT) | CG_BIT(CG_MEMORY) | CG_BIT(CG_IO) | CG_BIT(CG_PIDS))

/* The steps of cg_create(), and what they hand on. */
struct create {
	struct cg *cg;
	const struct resources *r;
	unsigned needed; /* controllers that the limits need */
	unsigned wanted; /* and those that only count; CG_WANTED_ONLY */
	unsigned v2_all; /* those of the v2 tree */
	bool if_allowed, of_unit, best_effort, wanted_only;
	bool alone; /* the v2 tree is the only one that may be used */
	enum { PART_ALL, PART_UNIFIED, PART_V1 } part;
	bool existed[CG_TREES_MAX];
	struct err *e;
};

/* ---- where ---- */

/* "a//b/./c/" -> "a/b/c"; 0 or -errno. What would lead elsewhere is refused. */
static int clean_path(const char *path, struct buf *out, struct err *e)
{
	for (const char *p = path; *p;) {
		size_t len = strcspn(p, "/");

		if (len > NAME_MAX)
			return err_set(e, ENAMETOOLONG, "cgroup %s: a name is too long", path);
		if (len == 2 && strncmp(p, "..", 2) == 0)
			return err_set(e, EINVAL, "cgroup %s: must not hold \"..\"", path);
		for (size_t i = 0; i < len; i++)
			if ((unsigned char)p[i] < 32)
				return err_set(e, EINVAL, "cgroup path: holds a control character");
		if (len > 0 && !(len == 1 && *p == '.')) {
			if (out->len)
				buf_put(out, "/", 1);
			buf_put(out, p, len);
		}
		p += len + (p[len] != 0);
	}
	if (!out->len && !out->failed)
		return err_set(e, EINVAL, "cgroup %s: is the root of the tree, a name is missing",
			       path);
	return out->failed ? err_errno(e, ENOMEM, "cgroup %s", path) : 0;
}

/* Where a relative path starts in `t`: a directory below its mount, and its length without "/". */
static const char *start_of(const struct cg_system *s, const struct cg_tree *t, size_t *len)
{
	const char *end = strrchr(t->own, '/');

	*len = s->layout == CG_V2 && end ? (size_t)(end - t->own) : strlen(t->own);
	if (*len == 1)
		*len = 0;
	return t->own;
}

static bool tree_is_wanted(const struct cg_system *s, const struct cg_tree *t, unsigned needed,
			   unsigned flags)
{
	if (!(flags & CG_WANTED_ONLY) || t->unified || (t->controllers & needed))
		return true;
	return s->layout == CG_V1 && (t->controllers & CG_BIT(CG_FREEZER));
}

static int place_dirs(struct create *c, const struct cg_system *s, const char *path, unsigned flags)
{
	_cleanup_buf_ struct buf text = { 0 }, rest = { 0 };
	size_t at[CG_TREES_MAX];
	struct cg *cg = c->cg;
	int r = clean_path(path, &rest, c->e);

	for (size_t i = 0; r == 0 && i < s->n; i++) {
		const struct cg_tree *t = &s->trees[i];
		size_t len = 0, own_len;
		const char *own = start_of(s, t, &own_len);

		if (!tree_is_wanted(s, t, c->wanted, flags) ||
		    (c->part == PART_UNIFIED && !t->unified))
			continue;
		at[cg->n] = text.len;
		len = strlen(t->mount);
		buf_put(&text, t->mount, len);
		if (path[0] != '/')
			buf_put(&text, own, own_len);
		buf_put(&text, "/", 1);
		buf_put(&text, rest.data, rest.len + 1);
		cg->dirs[cg->n] = (struct cg_dir){
			.fd = -1,
			.unified = t->unified,
			.controllers = t->unified ? 0 : t->controllers,
			.mount_len = (unsigned)len,
		};
		if (text.len - at[cg->n] > PATH_MAX)
			r = err_set(c->e, ENAMETOOLONG, "cgroup %s: is too long", path);
		cg->n++;
	}
	if (r == 0 && cg->n) {
		cg->text = buf_take(&text);
		if (!cg->text)
			r = err_errno(c->e, ENOMEM, "cgroup %s", path);
	}
	if (r < 0) {
		cg->n = 0;
		return r;
	}
	for (size_t i = 0; i < cg->n; i++)
		cg->dirs[i].path = cg->text + at[i];
	return 0;
}

/* ---- mkdir, and back ---- */

/* The whole path first: what is above is mostly there. 0, or -errno; *made counts. */
static int make_dir(char *path, size_t mount_len, unsigned *made)
{
	int r = sys_mkdirat(AT_FDCWD, path, 0755);

	*made = r == 0;
	if (r != -ENOENT)
		return r;
	for (char *p = path + mount_len + 1; r == -ENOENT || r == -EEXIST || r == 0; p++) {
		p += strcspn(p, "/");
		if (!*p) {
			r = sys_mkdirat(AT_FDCWD, path, 0755);
			*made += r == 0;
			return r;
		}
		*p = 0;
		r = sys_mkdirat(AT_FDCWD, path, 0755);
		*p = '/';
		*made += r == 0;
		if (r == -ENOENT)
			return r; /* the mount itself is gone, or someone removes beside us */
	}
	return r;
}

static int say_mkdir(struct create *c, const char *path, int r)
{
	err_errno(c->e, -r, "cgroup %s: cannot make it", path);
	if (r == -EACCES || r == -EPERM)
		err_append(c->e, CG_NEEDS_DELEGATION);
	else if (r == -EROFS)
		err_append(c->e, "; the cgroups are mounted read-only here");
	else if (r == -EAGAIN)
		err_append(c->e, "; a cgroup above bounds the number below it "
				 "(cgroup.max.descendants, cgroup.max.depth)");
	return r;
}

bool cg_is_refusal(int r)
{
	return r == -EACCES || r == -EPERM || r == -EROFS;
}

static void drop_dir(struct create *c, size_t i)
{
	size_t behind = --c->cg->n - i;

	memmove(&c->cg->dirs[i], &c->cg->dirs[i + 1], behind * sizeof(c->cg->dirs[0]));
}

/* By the trees that are left: a user may be allowed into some only. */
static void settle_layout(struct cg *cg)
{
	bool v1 = false;

	for (size_t i = 0; i < cg->n; i++)
		v1 |= !cg->dirs[i].unified && cg->dirs[i].controllers;
	cg->layout = cg_unified(cg) ? (v1 ? CG_HYBRID : CG_V2) : cg->n ? CG_V1 : CG_NONE;
	cg->ops = cg_ops_of(cg->layout);
}

static int make_dirs(struct create *c)
{
	for (size_t i = 0; i < c->cg->n;) {
		struct cg_dir *d = &c->cg->dirs[i];
		unsigned limits = d->unified ? c->v2_all : d->controllers;
		int r;

		if (c->part == PART_V1 && d->unified) {
			i++;
			continue;
		}
		r = make_dir((char *)d->path, d->mount_len, &d->made);

		/* A parent that was there may go while its last cgroup is removed beside us. */
		for (int tries = 0; r == -ENOENT && tries < 3; tries++)
			r = make_dir((char *)d->path, d->mount_len, &d->made);

		c->existed[i] = r == -EEXIST;
		if (r == 0 || r == -EEXIST) {
			i++;
		} else if (c->if_allowed && cg_is_refusal(r) &&
			   (c->best_effort || !(limits & c->needed))) {
			drop_dir(c, i);
		} else {
			return say_mkdir(c, d->path, r);
		}
	}
	settle_layout(c->cg);
	return 0;
}

static void unmake_dirs(struct cg *cg)
{
	for (size_t i = 0; i < cg->n; i++) {
		struct cg_dir *d = &cg->dirs[i];
		char *path = (char *)d->path;

		for (; d->made > 0; d->made--) {
			sys_unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
			*strrchr(path, '/') = 0;
		}
	}
}

/* ---- what is there already ---- */

static int check_unused(struct create *c, struct cg_dir *d)
{
	int pid, r = cg_first_pid(d, &pid);

	if (r < 0)
		return err_errno(c->e, -r, "cgroup %s: is there already, and cannot be read",
				 d->path);
	if (r > 0)
		return err_set(
			c->e, EBUSY,
			"cgroup %s: is in use by other processes (one is %d); choose another "
			"path, or end them",
			d->path, pid);
	return 0;
}

static int check_existing(struct create *c)
{
	bool any = false;
	int r = 0;

	for (size_t i = 0; r == 0 && i < c->cg->n; i++) {
		any |= c->existed[i];
		if (c->existed[i])
			r = check_unused(c, &c->cg->dirs[i]);
	}
	/* A process that is put into a frozen cgroup would stop, and we would wait for it. */
	if (r == 0 && any && cg_is_frozen(c->cg) > 0)
		r = err_set(
			c->e, EBUSY,
			"cgroup %s: is frozen; thaw it (cgroup.freeze, freezer.state) or choose "
			"another path",
			cg_tracker(c->cg)->path);
	return r;
}

/* ---- v1: a new cpuset is empty, and nobody can run on no processor ---- */

/* `end` is where the directory above ends in the path of `to`. */
static int copy_file(char *path, char *end, struct cg_dir *to, const char *file)
{
	struct cg_dir from = { .path = path, .fd = -1 };
	char text[4096];
	ssize_t n;

	*end = 0;
	n = cg_read(&from, file, text, sizeof(text));
	*end = '/';
	return n <= 0 ? (int)n : cg_write(to, file, text);
}

/* From the directory above `path` to `path`, but what the limits will set anyway. */
static int fill_cpuset(struct create *c, char *path, bool leaf)
{
	struct cg_dir to = { .path = path, .fd = -1 };
	char *end = strrchr(path, '/');
	int r = 0;

	if (!(leaf && c->r && c->r->cpuset_cpus))
		r = copy_file(path, end, &to, "cpuset.cpus");
	if (r >= 0 && !(leaf && c->r && c->r->cpuset_mems))
		r = copy_file(path, end, &to, "cpuset.mems");
	return r < 0 ? err_errno(c->e, -r, "cgroup %s: cannot copy its cpuset from above", path)
		     : 0;
}

static int fill_cpusets(struct create *c)
{
	struct cg_dir *d = cg_find(c->cg, CG_CPUSET);
	char *path = d ? (char *)d->path : NULL;
	unsigned levels = d ? d->made : 0;
	char text[64];
	int r = 0;

	if (!d || d->unified)
		return 0;
	if (levels == 0)
		levels = cg_read(d, "cpuset.cpus", text, sizeof(text)) == 0;
	/* From the top down; the levels are counted from the bottom. */
	for (; r == 0 && levels > 0; levels--) {
		char *end = path + strlen(path);

		for (unsigned up = 1; up < levels; up++) {
			while (*--end != '/')
				;
		}
		if (levels > 1)
			*end = 0;
		r = fill_cpuset(c, path, levels == 1);
		if (levels > 1)
			*end = '/';
	}
	return r;
}

/* ---- all of it ---- */

/*
 * Those that systemd knows are there in a unit of its own, and it keeps count of who needs what
 * above: there only what a limit needs and systemd does not know (hugetlb, rdma) is switched on.
 */
static int enable_controllers(struct create *c, struct cg_dir *d)
{
	unsigned some = (c->needed | c->wanted) & c->v2_all;
	unsigned all = c->alone && !c->wanted_only ? c->v2_all : some;

	return cg_enable(d,
			 &(struct cg_enable){ .needed = c->needed & c->v2_all,
					      .wanted = all,
					      .seen = c->wanted_only ? c->v2_all : all,
					      .of_unit = c->of_unit,
					      .best_effort = c->best_effort },
			 c->e);
}

static int furnish_unified(struct create *c)
{
	struct cg_dir *d = cg_unified(c->cg);
	int r = c->of_unit ? 0 : check_existing(c);

	return r == 0 && d ? enable_controllers(c, d) : r;
}

static int set_limits(struct create *c)
{
	int r = fill_cpusets(c);

	if (r < 0 || !c->r)
		return r;
	return c->best_effort ? cg_set_some(c->cg, c->r, c->e) : cg_set(c->cg, c->r, true, c->e);
}

static int create_none(struct create *c, const char *path)
{
	if (c->best_effort)
		return c->r ? cg_set_some(c->cg, c->r, c->e) : 0;
	if (c->needed || (c->r && cg_wants_limits(c->r)))
		return err_set(c->e, ENOENT,
			       "cgroup %s: limits were asked for, but no cgroups are mounted here",
			       path);
	c->cg->devices_open = c->r && c->r->devices.n > 0;
	return 0;
}

/* How many components at the end of the path are not there. */
static unsigned missing(char *path, size_t mount_len)
{
	char *cuts[64];
	unsigned n = 0, count = 0;

	while (n < ARRAY_SIZE(cuts) && strlen(path) > mount_len &&
	       sys_faccessat(AT_FDCWD, path, 0) == -ENOENT) {
		cuts[n] = strrchr(path, '/');
		*cuts[n++] = 0;
	}
	count = n;
	while (n > 0)
		*cuts[--n] = '/';
	return count;
}

/*
 * The trees in which systemd makes a unit's cgroup, and the slices above it: the v2 tree, its own
 * without controllers, and of v1's those that it has limits for. The others are ours to fill.
 */
static bool systemd_makes(const struct cg_dir *d)
{
	const unsigned known = CG_BIT(CG_CPU) | CG_BIT(CG_CPUACCT) | CG_BIT(CG_MEMORY) |
			       CG_BIT(CG_IO) | CG_BIT(CG_PIDS) | CG_BIT(CG_DEVICES);

	return d->unified || !d->controllers || (d->controllers & known);
}

int cg_plan(struct cg *cg, const struct cg_system *s, const char *path, unsigned flags,
	    struct err *e)
{
	struct cg planned = { .layout = s->layout, .ops = cg_ops_of(s->layout) };
	struct create c = { .cg = &planned, .e = e };
	int r = place_dirs(&c, s, path, flags);

	for (size_t i = 0; r == 0 && i < planned.n; i++) {
		struct cg_dir *d = &planned.dirs[i];

		d->made = missing((char *)d->path, d->mount_len);
		if ((flags & CG_OF_UNIT) && systemd_makes(d))
			d->made = 1;
		else if (!d->made)
			r = check_unused(&c, d);
	}
	if (r < 0) {
		cg_done(&planned);
		return r;
	}
	settle_layout(&planned);
	*cg = planned;
	return 0;
}

static struct create create_begin(struct cg *cg, const struct cg_system *s,
				  const struct resources *r, unsigned flags, struct err *e)
{
	struct create c = { .cg = cg,
			    .r = r,
			    .e = e,
			    .if_allowed = flags & CG_IF_ALLOWED,
			    .best_effort = flags & CG_BEST_EFFORT,
			    .wanted_only = flags & CG_WANTED_ONLY,
			    .of_unit = flags & CG_OF_UNIT };
	unsigned v1 = 0;

	*cg = (struct cg){ .layout = s->layout, .ops = cg_ops_of(s->layout) };
	for (size_t i = 0; i < s->n; i++)
		*(s->trees[i].unified ? &c.v2_all : &v1) |= s->trees[i].controllers;
	c.needed = r ? cg_limits_controllers(r, v1, c.v2_all) : 0;
	if (!cg_devices_allowed(-EPERM)) /* cg_set() leaves the rules for devices out */
		c.needed &= ~CG_BIT(CG_DEVICES);
	c.wanted = c.needed | (flags & CG_ACCOUNT ? COUNTING & (v1 | c.v2_all) : 0);
	return c;
}

static int create_end(struct create *c, struct cg *out, int result)
{
	if (result < 0) {
		unmake_dirs(c->cg);
		cg_done(c->cg);
		return result;
	}
	*out = *c->cg;
	return result;
}

int cg_create(struct cg *cg, const struct cg_system *s, const char *path, const struct resources *r,
	      unsigned flags, struct err *e)
{
	struct cg made;
	struct create c = create_begin(&made, s, r, flags, e);
	int result = place_dirs(&c, s, path, flags);

	if (result == 0)
		result = make_dirs(&c);
	c.alone = made.layout == CG_V2;
	if (result == 0 && made.n)
		result = furnish_unified(&c);
	if (result == 0)
		result = made.n ? set_limits(&c) : create_none(&c, path);
	return create_end(&c, cg, result);
}

/* ---- in two parts ---- */

static bool has_v1(const struct cg_system *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (!s->trees[i].unified)
			return true;
	return false;
}

int cg_create_first(struct cg *cg, const struct cg_system *s, const char *path,
		    const struct resources *r, unsigned flags, struct err *e)
{
	struct cg made;
	struct create c = create_begin(&made, s, r, flags, e);
	int result;

	if (!has_v1(s))
		return cg_create(cg, s, path, r, flags, e);
	c.part = PART_UNIFIED;
	result = place_dirs(&c, s, path, flags);
	if (result == 0)
		result = make_dirs(&c);
	if (result == 0)
		result = furnish_unified(&c);
	return create_end(&c, cg, result < 0 ? result : 1);
}

/* What the first part has made is taken as it is, and left alone. */
static void take_unified(struct create *c, struct cg *from)
{
	struct cg_dir *d = cg_unified(c->cg), *made = cg_unified(from);

	if (d && made) {
		d->fd = TAKE_FD(made->fd);
		d->controllers = made->controllers;
	} else if (d) {
		drop_dir(c, (size_t)(d - c->cg->dirs)); /* it was not allowed */
	}
}

static void give_back_unified(struct create *c, struct cg *to)
{
	struct cg_dir *d = cg_unified(c->cg), *made = cg_unified(to);

	if (d && made)
		made->fd = TAKE_FD(d->fd);
}

int cg_create_rest(struct cg *cg, const struct cg_system *s, const char *path,
		   const struct resources *r, unsigned flags, struct err *e)
{
	struct cg made;
	struct create c = create_begin(&made, s, r, flags, e);
	struct cg_dir *first = cg_unified(cg), *d;
	int result = place_dirs(&c, s, path, flags);

	c.part = PART_V1;
	if (result == 0) {
		take_unified(&c, cg);
		result = make_dirs(&c);
	}
	if (result == 0 && made.n)
		result = check_existing(&c);
	if (result == 0)
		result = made.n ? set_limits(&c) : create_none(&c, path);
	if (result < 0) {
		give_back_unified(&c, cg);
		return create_end(&c, cg, result);
	}
	d = cg_unified(&made);
	if (d && first)
		d->made = first->made;
	memcpy(made.mark, cg->mark, sizeof(made.mark));
	cg_done(cg);
	return create_end(&c, cg, 0);
}

void cg_done(struct cg *cg)
{
	for (size_t i = 0; i < cg->n; i++)
		cleanup_fd(&cg->dirs[i].fd);
	free(cg->text);
	free(cg->left_out);
	*cg = (struct cg)CG_INIT;
}

static bool may_write(const char *path)
{
	return sys_faccessat(AT_FDCWD, path, W_OK) == 0;
}

unsigned cg_delegated(const struct cg_system *s, bool *tracking)
{
	unsigned bits = 0;
	bool unified = false;

	for (size_t i = 0; i < s->n; i++) {
		const struct cg_tree *t = &s->trees[i];
		_cleanup_buf_ struct buf path = { 0 };
		size_t len;
		const char *own = start_of(s, t, &len);

		buf_puts(&path, t->mount);
		buf_put(&path, own, len);
		buf_put(&path, "", 1);
		if (path.failed || !may_write(path.data))
			continue;
		bits |= t->controllers;
		unified |= t->unified;
	}
	*tracking = unified;
	return bits;
}
