/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "cg/driver.h"
#include "sys/fd.h"
#include "sys/mnt.h"

#define CGROUP2_MAGIC 0x63677270
#define USUAL_PLACE   "/sys/fs/cgroup"
#define TEXT_MAX_SIZE (16U << 20)

static const struct {
	const char *v1, *v2;
} names[CG_CONTROLLERS] = {
	[CG_CPU] = { "cpu", "cpu" },
	[CG_CPUACCT] = { "cpuacct", "cpu" },
	[CG_CPUSET] = { "cpuset", "cpuset" },
	[CG_MEMORY] = { "memory", "memory" },
	[CG_IO] = { "blkio", "io" },
	[CG_PIDS] = { "pids", "pids" },
	[CG_DEVICES] = { "devices", "devices" },
	[CG_FREEZER] = { "freezer", "freezer" },
	[CG_HUGETLB] = { "hugetlb", "hugetlb" },
	[CG_NET_CLS] = { "net_cls", "net_cls" },
	[CG_NET_PRIO] = { "net_prio", "net_prio" },
	[CG_PERF_EVENT] = { "perf_event", "perf_event" },
	[CG_RDMA] = { "rdma", "rdma" },
	[CG_MISC] = { "misc", "misc" },
	[CG_DMEM] = { "dmem", "dmem" },
};

const char *cg_controller_name(enum cg_controller c, bool unified)
{
	return unified ? names[c].v2 : names[c].v1;
}

const char *cg_layout_name(enum cg_layout layout)
{
	static const char *const words[] = { "none", "v1", "hybrid", "v2" };

	return words[layout];
}

static bool same_word(const char *s, size_t len, const char *word)
{
	return strncmp(s, word, len) == 0 && word[len] == 0;
}

/* The controllers among the words of `list`, which `between` separates; others are passed over. */
static unsigned parse_controllers(const char *list, const char *between, bool unified)
{
	unsigned bits = 0;

	while (*list) {
		size_t len = strcspn(list, between);

		for (unsigned c = 0; c < CG_CONTROLLERS; c++)
			if (same_word(list, len, cg_controller_name(c, unified)))
				bits |= CG_BIT(c);
		list += len + (list[len] != 0);
	}
	return bits;
}

/* Spaces and the like stand as \040 in mountinfo. */
static void unescape(char *s)
{
	char *out = s;

	for (; *s; s++) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] && s[3]) {
			*out++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
			s += 3;
		} else {
			*out++ = *s;
		}
	}
	*out = 0;
}

static char *next_word(char **at)
{
	char *word = *at, *end = word + strcspn(word, " ");

	*at = end + (*end != 0);
	*end = 0;
	return word;
}

/* "rw,xattr,name=systemd" -> "systemd"; NULL if it has no name. */
static const char *name_option(char *options)
{
	for (char *word = options; word; word = strchr(word, ',')) {
		word += *word == ',';
		if (strncmp(word, "name=", 5) == 0) {
			word[strcspn(word, ",")] = 0;
			return word + 5;
		}
	}
	return NULL;
}

static bool same_tree(const struct cg_tree *a, const struct cg_tree *b)
{
	return a->unified == b->unified && a->controllers == b->controllers &&
	       (a->name == b->name || str_eq(a->name, b->name));
}

/*
 * A tree may be mounted at several places, of which one that shows all of it is the best; below
 * the roots of containers others show only a part. Otherwise the first one, which is the host's.
 */
static void add_tree(struct cg_system *s, const struct cg_tree *t)
{
	for (size_t i = 0; i < s->n; i++) {
		struct cg_tree *old = &s->trees[i];

		if (!same_tree(old, t))
			continue;
		if (!str_eq(old->root, "/") && str_eq(t->root, "/"))
			*old = *t;
		return;
	}
	if (s->n < CG_TREES_MAX)
		s->trees[s->n++] = *t;
}

/* "31 23 0:28 ROOT MOUNT rw,relatime shared:1 - cgroup SOURCE rw,cpu" (proc_pid_mountinfo(5)) */
static void parse_mount(struct cg_system *s, char *line)
{
	char *tail = strstr(line, " - cgroup");
	struct cg_tree t = { .own = "/" };
	char *options;

	if (!tail)
		return;
	*tail = 0;
	tail += strlen(" - cgroup");
	t.unified = *tail == '2';
	tail += t.unified;
	if (*tail++ != ' ')
		return;
	next_word(&tail);
	options = tail;
	for (int skip = 0; skip < 3; skip++)
		next_word(&line);
	t.root = next_word(&line);
	t.mount = next_word(&line);
	unescape((char *)t.root);
	unescape((char *)t.mount);
	if (!t.unified) {
		t.controllers = parse_controllers(options, ",", false);
		t.name = t.controllers ? NULL : name_option(options);
		if (!t.controllers && !t.name)
			return; /* a controller that we know nothing about */
	}
	if (t.mount[0] == '/')
		add_tree(s, &t);
}

static void decide_layout(struct cg_system *s)
{
	bool v1 = false, v2 = false;

	for (size_t i = 0; i < s->n; i++) {
		v1 |= !s->trees[i].unified && s->trees[i].controllers;
		v2 |= s->trees[i].unified;
	}
	s->layout = v1 && v2 ? CG_HYBRID : v2 ? CG_V2 : v1 ? CG_V1 : CG_NONE;
}

void cg_parse_mounts(struct cg_system *s, char *text)
{
	char *next;

	for (char *line = text; *line; line = next) {
		char *end = line + strcspn(line, "\n");

		next = end + (*end != 0);
		*end = 0;
		parse_mount(s, line);
	}
	decide_layout(s);
}

/* Where the cgroup `own` of the tree is below `root`, which is all that is mounted. */
static const char *below_root(const char *root, const char *own)
{
	size_t len = strlen(root);

	if (len <= 1)
		return own[0] == '/' && strncmp(own, "/..", 3) != 0 ? own : "/";
	if (strncmp(own, root, len) != 0 || (own[len] && own[len] != '/'))
		return "/"; /* we are outside of what we see, as behind a cgroup namespace */
	return own[len] ? own + len : "/";
}

/* "4:memory:/a", "9:name=systemd:/", "0::/" (cgroups(7)) */
static void parse_own(struct cg_system *s, char *line)
{
	char *list = strchr(line, ':');
	char *own = list ? strchr(++list, ':') : NULL;
	struct cg_tree key = { 0 };

	if (!own)
		return;
	*own++ = 0;
	key.unified = !*list;
	key.controllers = parse_controllers(list, ",", false);
	key.name = key.controllers ? NULL : name_option(list);
	for (size_t i = 0; i < s->n; i++)
		if (same_tree(&s->trees[i],
			      &(struct cg_tree){ .unified = key.unified,
						 .name = key.name,
						 .controllers = key.unified
									? s->trees[i].controllers
									: key.controllers }))
			s->trees[i].own = below_root(s->trees[i].root, own);
}

void cg_parse_own(struct cg_system *s, char *text)
{
	char *next;

	for (char *line = text; *line; line = next) {
		char *end = line + strcspn(line, "\n");

		next = end + (*end != 0);
		*end = 0;
		parse_own(s, line);
	}
}

static int read_whole(const char *path, char **out, struct err *e)
{
	_cleanup_fd_ int fd = sys_openat(AT_FDCWD, path, O_RDONLY, 0);
	_cleanup_free_ char *text = NULL;
	size_t len = 0, room = 16384;
	ssize_t n = fd;

	if (fd < 0)
		return err_errno(e, -fd, "cgroups: cannot open %s", path);
	text = malloc(room);
	while (text && (n = sys_read(fd, text + len, room - 1 - len)) > 0) {
		len += (size_t)n;
		if (room - len < 4096) {
			char *bigger = room < TEXT_MAX_SIZE ? realloc(text, room *= 2) : NULL;

			if (!bigger)
				return err_set(e, E2BIG, "cgroups: %s is too large", path);
			text = bigger;
		}
	}
	if (!text || n < 0)
		return err_errno(e, text ? (int)-n : ENOMEM, "cgroups: cannot read %s", path);
	text[len] = 0;
	*out = TAKE_PTR(text);
	return 0;
}

static bool is_v2_alone(void)
{
	struct statfs fs;

	return sys_statfs(USUAL_PLACE, &fs) == 0 && fs.f_type == CGROUP2_MAGIC;
}

/* With v2 alone the list of mounts, which may be long, tells nothing new. */
static int probe_v2(struct cg_system *s)
{
	char path[PATH_MAX];

	s->trees[0] =
		(struct cg_tree){ .mount = USUAL_PLACE, .root = "/", .own = "/", .unified = true };
	s->n = 1;
	cg_parse_own(s, s->text[1]);
	/* Somebody may have mounted a part, in a container without a cgroup namespace. */
	if (strlen(s->trees[0].own) + sizeof(USUAL_PLACE) > sizeof(path))
		return -ENAMETOOLONG;
	strcpy(path, USUAL_PLACE);
	strcat(path, s->trees[0].own);
	if (sys_faccessat(AT_FDCWD, path, F_OK) < 0)
		s->trees[0].own = "/";
	s->layout = CG_V2;
	return 0;
}

/* Which controllers the v2 tree has left (v1 trees take theirs away), as seen where we start. */
static void read_v2_controllers(struct cg_tree *t)
{
	struct cg_dir dir = { .path = t->mount, .fd = -1 };
	char text[256];

	if (cg_read(&dir, "cgroup.controllers", text, sizeof(text)) >= 0)
		t->controllers = parse_controllers(text, " ", true) & ~CG_BIT(CG_CPUACCT);
}

/* ---- the usual places ---- */

/*
 * With thousands of mounts mountinfo is long, and the kernel writes all of it for the few lines
 * that we want. So the trees are first looked for where they usually are, by the names that
 * /proc/self/cgroup has for them, and the kernel is asked for each mount alone.
 */
static bool put_mount(struct buf *out, const char *path)
{
	_Alignas(8) char room[2048];
	struct sys_statmount *m = (struct sys_statmount *)room;
	const uint64_t must = SYS_STATMOUNT_MNT_ROOT | SYS_STATMOUNT_FS_TYPE;
	const char *options = ""; /* of v2, none is the usual; a v1 tree always has some */
	struct statx sx;

	if (sys_statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, SYS_STATX_MNT_ID_UNIQUE, &sx) < 0 ||
	    !(sx.stx_mask & SYS_STATX_MNT_ID_UNIQUE) ||
	    !(sx.stx_attributes & STATX_ATTR_MOUNT_ROOT) ||
	    sys_statmount(sx.stx_mnt_id, must | SYS_STATMOUNT_MNT_OPTS, m, sizeof(room)) < 0 ||
	    (m->mask & must) != must)
		return false;
	if (m->mask & SYS_STATMOUNT_MNT_OPTS)
		options = m->text + m->mnt_opts;
	else if (!str_eq(m->text + m->fs_type, "cgroup2"))
		return false; /* before Linux 6.11 */
	/* Anything escaped is unusual. */
	if (strpbrk(m->text + m->mnt_root, "\\ \n"))
		return false;
	/* As a line of mountinfo, as far as parse_mount() looks at it. */
	buf_printf(out, "0 0 0:0 %s %s rw - %s none %s\n", m->text + m->mnt_root, path,
		   m->text + m->fs_type, options);
	return !out->failed;
}

/* "4:cpu,cpuacct:/a", "9:name=systemd:/", "0::/" */
static bool put_mount_of(struct buf *out, const char *line)
{
	const char *list = strchr(line, ':');
	size_t len = list ? strcspn(++list, ":") : 0;
	char path[256];

	if (!list || len > 128)
		return false;
	if (str_starts(list, "name=")) {
		list += strlen("name=");
		len -= strlen("name=");
	}
	snprintf(path, sizeof(path), USUAL_PLACE "/%.*s", (int)(len ? len : strlen("unified")),
		 len ? list : "unified");
	return put_mount(out, path);
}

/*
 * 1: they are all there. 0: look at all mounts. Beside trees of v1, which have the controllers
 * then, one of v2 is not looked for: it is where systemd mounts it, or nobody here uses it.
 */
static int probe_usual(struct cg_system *s)
{
	_cleanup_buf_ struct buf mounts = { 0 };

	for (const char *line = s->text[1]; *line; line += *line == '\n') {
		bool spare = mounts.len && str_starts(line, "0::");

		if (!put_mount_of(&mounts, line) && !spare)
			return 0;
		line += strcspn(line, "\n");
	}
	s->text[0] = buf_take(&mounts);
	return s->text[0] != NULL;
}

int cg_probe(struct cg_system *out, struct err *e)
{
	struct cg_system s = { 0 };
	int r = read_whole("/proc/self/cgroup", &s.text[1], e);

	if (r == 0 && is_v2_alone()) {
		r = probe_v2(&s);
	} else if (r == 0) {
		if (!probe_usual(&s))
			r = read_whole("/proc/self/mountinfo", &s.text[0], e);
		if (r == 0) {
			cg_parse_mounts(&s, s.text[0]);
			cg_parse_own(&s, s.text[1]);
		}
	}
	if (r < 0) {
		cg_system_done(&s);
		return r;
	}
	for (size_t i = 0; i < s.n; i++)
		if (s.trees[i].unified)
			read_v2_controllers(&s.trees[i]);
	*out = s;
	return 0;
}

void cg_system_done(struct cg_system *s)
{
	free(s->text[0]);
	free(s->text[1]);
	*s = (struct cg_system){ 0 };
}
