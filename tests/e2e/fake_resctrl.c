/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fake_resctrl DIR [CLOSIDS [control|monitor]]
 *
 * A resctrl file system (Documentation/filesystems/resctrl.rst of the kernel) without the processor
 * that it takes, by FUSE: two L3 caches of 20 bits, memory bandwidth in steps of 10 %, counters
 * that never move. It refuses what the kernel refuses, and says so in info/last_cmd_status. What it
 * cannot know is who clones whom: only processes whose pid was written are in a group.
 */
#define FUSE_USE_VERSION 31

#include <ctype.h>
#include <errno.h>
#include <fuse.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GROUPS     32
#define TASKS      4096
#define DOMAINS    2
#define CBM_BITS   20
#define CBM_MASK   0xfffffUL
#define MB_GRAN    10
#define RMIDS      16
#define TEXT_MAX   8192
#define PATH_PARTS 6

/* Group 0 is the default one. A group that only counts has the one above it as `parent`. */
struct group {
	bool used, counts_only;
	int parent;
	char name[256];
	unsigned long l3[DOMAINS], mb[DOMAINS];
};

struct task {
	int pid, control, monitor; /* monitor 0: none */
};

static struct group groups[GROUPS];
static struct task tasks[TASKS];
static int n_tasks, closids = 4;
static bool controls = true, monitors = true;
static char status[512] = "ok\n";

static void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void say(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(status, sizeof(status), fmt, args);
	va_end(args);
}

static void ok(void)
{
	say("ok\n");
}

/* ---- paths ---- */

/* A path taken apart: the group it is in, and what of it is meant. */
struct place {
	int group;
	int n; /* parts behind the group: 0 is its directory */
	char text[1024];
	char *parts[PATH_PARTS];
};

static int find_group(const char *name, bool counts_only, int parent)
{
	for (int i = 1; i < GROUPS; i++)
		if (groups[i].used && groups[i].counts_only == counts_only &&
		    groups[i].parent == parent && strcmp(groups[i].name, name) == 0)
			return i;
	return -1;
}

static int locate(const char *path, struct place *out)
{
	char *parts[PATH_PARTS] = { 0 }, *save = NULL;
	int n = 0, i = 0, g;

	if (strlen(path) >= sizeof(out->text))
		return -ENAMETOOLONG;
	strcpy(out->text, path);
	for (char *p = strtok_r(out->text, "/", &save); p; p = strtok_r(NULL, "/", &save)) {
		if (n == PATH_PARTS)
			return -ENOENT;
		parts[n++] = p;
	}
	out->group = 0;
	if (n && (g = find_group(parts[0], false, 0)) > 0) {
		out->group = g;
		i = 1;
	}
	if (n > i + 1 && strcmp(parts[i], "mon_groups") == 0) {
		g = find_group(parts[i + 1], true, out->group);
		if (g > 0) {
			out->group = g;
			i += 2;
		}
	}
	out->n = n - i;
	memcpy(out->parts, parts + i, (size_t)out->n * sizeof(*parts));
	return 0;
}

/* ---- what is where ---- */

enum node {
	NONE,
	DIRECTORY,
	CONSTANT,
	SCHEMATA,
	SIZE,
	MODE,
	TASKS_FILE,
	CPUS,
	COUNTER,
	LAST_STATUS,
};

enum when { ALWAYS, CONTROLS, MONITORS };

struct entry {
	const char *path; /* behind the group */
	enum node node;
	enum when when;
	bool top;          /* in the root alone */
	bool control_only; /* not in groups that only count */
	const char *text;
};

static const struct entry entries[] = {
	{ "info", DIRECTORY, ALWAYS, true, false, NULL },
	{ "info/last_cmd_status", LAST_STATUS, ALWAYS, true, false, NULL },
	{ "info/L3", DIRECTORY, CONTROLS, true, false, NULL },
	{ "info/L3/cbm_mask", CONSTANT, CONTROLS, true, false, "fffff\n" },
	{ "info/L3/min_cbm_bits", CONSTANT, CONTROLS, true, false, "1\n" },
	{ "info/L3/num_closids", CONSTANT, CONTROLS, true, false, "16\n" },
	{ "info/MB", DIRECTORY, CONTROLS, true, false, NULL },
	{ "info/MB/bandwidth_gran", CONSTANT, CONTROLS, true, false, "10\n" },
	{ "info/MB/delay_linear", CONSTANT, CONTROLS, true, false, "1\n" },
	{ "info/MB/min_bandwidth", CONSTANT, CONTROLS, true, false, "10\n" },
	{ "info/MB/num_closids", CONSTANT, CONTROLS, true, false, "8\n" },
	{ "info/L3_MON", DIRECTORY, MONITORS, true, false, NULL },
	{ "info/L3_MON/mon_features", CONSTANT, MONITORS, true, false,
	  "llc_occupancy\nmbm_total_bytes\nmbm_local_bytes\n" },
	{ "info/L3_MON/num_rmids", CONSTANT, MONITORS, true, false, "16\n" },
	{ "mon_groups", DIRECTORY, MONITORS, false, true, NULL },
	{ "schemata", SCHEMATA, CONTROLS, false, true, NULL },
	{ "size", SIZE, CONTROLS, false, true, NULL },
	{ "mode", MODE, CONTROLS, false, true, "shareable\n" },
	{ "tasks", TASKS_FILE, ALWAYS, false, false, NULL },
	{ "cpus", CPUS, ALWAYS, false, false, "0\n" },
	{ "cpus_list", CPUS, ALWAYS, false, false, "\n" },
	{ "mon_data", DIRECTORY, MONITORS, false, false, NULL },
	{ "mon_data/mon_L3_00", DIRECTORY, MONITORS, false, false, NULL },
	{ "mon_data/mon_L3_00/llc_occupancy", COUNTER, MONITORS, false, false, "65536\n" },
	{ "mon_data/mon_L3_00/mbm_total_bytes", COUNTER, MONITORS, false, false, "2000\n" },
	{ "mon_data/mon_L3_00/mbm_local_bytes", COUNTER, MONITORS, false, false, "1000\n" },
	{ "mon_data/mon_L3_01", DIRECTORY, MONITORS, false, false, NULL },
	{ "mon_data/mon_L3_01/llc_occupancy", COUNTER, MONITORS, false, false, "131072\n" },
	{ "mon_data/mon_L3_01/mbm_total_bytes", COUNTER, MONITORS, false, false, "4000\n" },
	{ "mon_data/mon_L3_01/mbm_local_bytes", COUNTER, MONITORS, false, false, "Unavailable\n" },
};

#define N_ENTRIES (sizeof(entries) / sizeof(entries[0]))

static bool is_in(const struct entry *e, int group)
{
	return !(e->when == CONTROLS && !controls) && !(e->when == MONITORS && !monitors) &&
	       !(e->top && group != 0) && !(e->control_only && groups[group].counts_only);
}

static void join_parts(const struct place *p, char *out, size_t room)
{
	size_t len = 0;

	*out = 0;
	for (int i = 0; i < p->n && len < room; i++)
		len += (size_t)snprintf(out + len, room - len, "%s%s", i ? "/" : "", p->parts[i]);
}

static const struct entry *entry_at(const struct place *p)
{
	char path[1024];

	join_parts(p, path, sizeof(path));
	for (size_t i = 0; i < N_ENTRIES; i++)
		if (strcmp(entries[i].path, path) == 0 && is_in(&entries[i], p->group))
			return &entries[i];
	return NULL;
}

/* ---- reading ---- */

static size_t put_schemata(const struct group *g, char *out, bool size)
{
	size_t n = (size_t)sprintf(out, "    MB:");

	for (int i = 0; i < DOMAINS; i++)
		n += (size_t)sprintf(out + n, "%s%d=%4lu", i ? ";" : "", i, g->mb[i]);
	n += (size_t)sprintf(out + n, "\n    L3:");
	for (int i = 0; i < DOMAINS; i++)
		n += (size_t)sprintf(out + n, size ? "%s%d=%lu" : "%s%d=%05lx", i ? ";" : "", i,
				     size ? (unsigned long)__builtin_popcountl(g->l3[i]) * 65536
					  : g->l3[i]);
	return n + (size_t)sprintf(out + n, "\n");
}

/* As in the kernel, who has ended is a task until somebody has waited for it. */
static size_t put_tasks(int g, char *out, size_t room)
{
	size_t n = 0;

	for (int i = 0; i < n_tasks; i++) {
		bool in = groups[g].counts_only ? tasks[i].monitor == g : tasks[i].control == g;

		if (in && (kill(tasks[i].pid, 0) == 0 || errno == EPERM) && n + 16 < room)
			n += (size_t)sprintf(out + n, "%d\n", tasks[i].pid);
	}
	return n;
}

static size_t content(const struct entry *e, int g, char out[TEXT_MAX])
{
	switch (e->node) {
	case SCHEMATA:
	case SIZE:
		return put_schemata(&groups[g], out, e->node == SIZE);
	case TASKS_FILE:
		return put_tasks(g, out, TEXT_MAX);
	case LAST_STATUS:
		return (size_t)sprintf(out, "%s", status);
	default:
		return (size_t)sprintf(out, "%s", e->text ? e->text : "");
	}
}

/* ---- writing ---- */

static struct task *task_of(int pid)
{
	for (int i = 0; i < n_tasks; i++)
		if (tasks[i].pid == pid)
			return &tasks[i];
	if (n_tasks == TASKS)
		return NULL;
	tasks[n_tasks] = (struct task){ .pid = pid };
	return &tasks[n_tasks++];
}

static int move_task(int g, int pid)
{
	struct task *t;

	if (pid < 0) {
		say("Invalid pid %d value\n", pid);
		return -EINVAL;
	}
	if (pid == 0)
		pid = fuse_get_context()->pid;
	if (kill(pid, 0) < 0 && errno != EPERM) {
		say("No task %d\n", pid);
		return -ESRCH;
	}
	t = task_of(pid);
	if (!t)
		return -ENOMEM;
	if (groups[g].counts_only && t->control != groups[g].parent) {
		say("Can't move task to different control group\n");
		return -EINVAL;
	}
	t->monitor = groups[g].counts_only ? g : 0;
	t->control = groups[g].counts_only ? groups[g].parent : g;
	return 0;
}

static int write_tasks(int g, char *text)
{
	char *save = NULL;

	for (char *word = strtok_r(text, ",\n", &save); word; word = strtok_r(NULL, ",\n", &save)) {
		char *end;
		long pid = strtol(word, &end, 10);
		int r;

		if (*end || end == word) {
			say("Task list parsing error pid %s\n", word);
			return -EINVAL;
		}
		r = move_task(g, (int)pid);
		if (r < 0)
			return r;
	}
	return 0;
}

static int parse_mask(const char *word, unsigned long *out)
{
	char *end;
	unsigned long v = strtoul(word, &end, 16), low;

	if (*end || end == word) {
		say("Non-hex character in the mask %s\n", word);
		return -EINVAL;
	}
	if (v == 0 || v > CBM_MASK) {
		say("Mask out of range\n");
		return -EINVAL;
	}
	low = v >> __builtin_ctzl(v);
	if (low & (low + 1)) {
		say("The mask %lx has non-consecutive 1-bits\n", v);
		return -EINVAL;
	}
	*out = v;
	return 0;
}

static int parse_bandwidth(const char *word, unsigned long *out)
{
	char *end;
	unsigned long v = strtoul(word, &end, 10);

	if (*end || end == word) {
		say("Invalid MB value %s\n", word);
		return -EINVAL;
	}
	if (v < MB_GRAN || v > 100) {
		say("MB value %lu out of range [10,100]\n", v);
		return -EINVAL;
	}
	*out = (v + MB_GRAN - 1) / MB_GRAN * MB_GRAN;
	return 0;
}

static int parse_line(char *line, struct group *g)
{
	char *colon = strchr(line, ':'), *save = NULL, *name = line + strspn(line, " ");
	bool is_mb, seen[DOMAINS] = { false };

	if (!colon) {
		say("Missing ':'\n");
		return -EINVAL;
	}
	*colon = 0;
	is_mb = strcmp(name, "MB") == 0;
	if (!is_mb && strcmp(name, "L3") != 0) {
		say("Unknown or unsupported resource name '%s'\n", name);
		return -EINVAL;
	}
	for (char *w = strtok_r(colon + 1, ";", &save); w; w = strtok_r(NULL, ";", &save)) {
		char *end;
		long id = strtol(w, &end, 10);
		int r;

		if (end == w || *end != '=') {
			say("Missing '=' or non-numeric domain\n");
			return -EINVAL;
		}
		if (id < 0 || id >= DOMAINS)
			return -EINVAL;
		if (seen[id]) {
			say("Duplicate domain %ld\n", id);
			return -EINVAL;
		}
		seen[id] = true;
		r = is_mb ? parse_bandwidth(end + 1, &g->mb[id]) : parse_mask(end + 1, &g->l3[id]);
		if (r < 0)
			return r;
	}
	return 0;
}

/* All of it or nothing. */
static int write_schemata(int g, char *text, size_t len)
{
	struct group copy = groups[g];
	char *save = NULL;

	if (len == 0 || text[len - 1] != '\n')
		return -EINVAL;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		int r = parse_line(line, &copy);

		if (r < 0)
			return r;
	}
	groups[g] = copy;
	return 0;
}

/* ---- the file system ---- */

static int fs_getattr(const char *path, struct stat *st, struct fuse_file_info *fi)
{
	const struct entry *e;
	struct place p;
	int r = locate(path, &p);

	(void)fi;
	if (r < 0)
		return r;
	memset(st, 0, sizeof(*st));
	e = p.n ? entry_at(&p) : NULL;
	if (p.n && !e)
		return -ENOENT;
	st->st_nlink = e && e->node != DIRECTORY ? 1 : 2;
	st->st_mode = e && e->node != DIRECTORY ? S_IFREG | 0644 : S_IFDIR | 0755;
	return 0;
}

/* The entry's last component, if it lies right in `dir`. */
static const char *name_in(const struct entry *e, const char *dir)
{
	size_t len = strlen(dir);
	const char *rest = e->path;

	if (len) {
		if (strncmp(rest, dir, len) != 0 || rest[len] != '/')
			return NULL;
		rest += len + 1;
	}
	return strchr(rest, '/') ? NULL : rest;
}

static int fs_readdir(const char *path, void *buf, fuse_fill_dir_t fill, off_t offset,
		      struct fuse_file_info *fi, enum fuse_readdir_flags flags)
{
	char dir[1024];
	struct place p;
	int r = locate(path, &p);

	(void)offset, (void)fi, (void)flags;
	if (r < 0)
		return r;
	join_parts(&p, dir, sizeof(dir));
	fill(buf, ".", NULL, 0, 0);
	fill(buf, "..", NULL, 0, 0);
	for (size_t i = 0; i < N_ENTRIES; i++)
		if (is_in(&entries[i], p.group) && name_in(&entries[i], dir))
			fill(buf, name_in(&entries[i], dir), NULL, 0, 0);
	for (int i = 1; i < GROUPS; i++) {
		bool here = groups[i].counts_only ? strcmp(dir, "mon_groups") == 0 : !*dir;

		if (groups[i].used && groups[i].parent == p.group && here &&
		    (groups[i].counts_only || p.group == 0))
			fill(buf, groups[i].name, NULL, 0, 0);
	}
	return 0;
}

static int count_groups(bool all)
{
	int n = 1;

	for (int i = 1; i < GROUPS; i++)
		n += groups[i].used && (all || !groups[i].counts_only);
	return n;
}

static int out_of(const char *what)
{
	say("Out of %s\n", what);
	return -ENOSPC;
}

static int fs_mkdir(const char *path, mode_t mode)
{
	struct group g = { .used = true };
	struct place p;
	int r = locate(path, &p), slot = 1;

	(void)mode;
	ok();
	if (r < 0)
		return r;
	if (p.n == 0 || entry_at(&p))
		return -EEXIST;
	g.counts_only = p.n == 2 && strcmp(p.parts[0], "mon_groups") == 0 && monitors;
	if (!g.counts_only && !(p.n == 1 && p.group == 0 && controls))
		return -EPERM;
	if (!g.counts_only && count_groups(false) >= closids)
		return out_of("CLOSIDs");
	if (monitors && count_groups(true) >= RMIDS)
		return out_of("RMIDs");
	g.parent = p.group;
	snprintf(g.name, sizeof(g.name), "%s", p.parts[p.n - 1]);
	for (int i = 0; i < DOMAINS; i++) {
		g.l3[i] = CBM_MASK;
		g.mb[i] = 100;
	}
	while (slot < GROUPS - 1 && groups[slot].used)
		slot++;
	groups[slot] = g;
	return 0;
}

static void drop(int g)
{
	for (int i = 0; i < n_tasks; i++) {
		if (tasks[i].monitor == g)
			tasks[i].monitor = 0;
		if (tasks[i].control == g)
			tasks[i].control = 0;
	}
	groups[g].used = false;
}

static int fs_rmdir(const char *path)
{
	struct place p;
	int r = locate(path, &p);

	ok();
	if (r < 0)
		return r;
	if (p.n)
		return entry_at(&p) ? -EPERM : -ENOENT;
	if (p.group == 0)
		return -EPERM;
	for (int i = 1; i < GROUPS; i++)
		if (groups[i].used && groups[i].counts_only && groups[i].parent == p.group)
			drop(i);
	drop(p.group);
	return 0;
}

static int fs_open(const char *path, struct fuse_file_info *fi)
{
	struct place p;
	int r = locate(path, &p);

	fi->direct_io = 1;
	if (r < 0)
		return r;
	return p.n && entry_at(&p) ? 0 : -ENOENT;
}

static int fs_read(const char *path, char *buf, size_t len, off_t offset, struct fuse_file_info *fi)
{
	char text[TEXT_MAX];
	const struct entry *e;
	struct place p;
	size_t n;
	int r = locate(path, &p);

	(void)fi;
	e = r == 0 && p.n ? entry_at(&p) : NULL;
	if (!e)
		return -ENOENT;
	n = content(e, p.group, text);
	if ((size_t)offset >= n)
		return 0;
	n -= (size_t)offset;
	n = n < len ? n : len;
	memcpy(buf, text + offset, n);
	return (int)n;
}

static int fs_write(const char *path, const char *buf, size_t len, off_t offset,
		    struct fuse_file_info *fi)
{
	char text[TEXT_MAX];
	const struct entry *e;
	struct place p;
	int r = locate(path, &p);

	(void)offset, (void)fi;
	e = r == 0 && p.n ? entry_at(&p) : NULL;
	if (!e)
		return -ENOENT;
	if (len >= sizeof(text))
		return -E2BIG;
	memcpy(text, buf, len);
	text[len] = 0;
	ok();
	r = e->node == SCHEMATA     ? write_schemata(p.group, text, len)
	    : e->node == TASKS_FILE ? write_tasks(p.group, text)
				    : -EPERM;
	return r < 0 ? r : (int)len;
}

static int fs_truncate(const char *path, off_t size, struct fuse_file_info *fi)
{
	(void)path, (void)size, (void)fi;
	return 0;
}

/* Nothing is remembered: every look is answered by what is there at the moment. */
static void *fs_init(struct fuse_conn_info *conn, struct fuse_config *cfg)
{
	(void)conn;
	cfg->entry_timeout = cfg->attr_timeout = cfg->negative_timeout = 0;
	return NULL;
}

static const struct fuse_operations operations = {
	.init = fs_init,
	.getattr = fs_getattr,
	.readdir = fs_readdir,
	.mkdir = fs_mkdir,
	.rmdir = fs_rmdir,
	.open = fs_open,
	.read = fs_read,
	.write = fs_write,
	.truncate = fs_truncate,
};

int main(int argc, char **argv)
{
	char *words[] = { argv[0], (char *)"-f", (char *)"-s", argc > 1 ? argv[1] : NULL, NULL };

	if (argc < 2) {
		fprintf(stderr, "usage: fake_resctrl DIR [CLOSIDS [control|monitor]]\n");
		return 2;
	}
	if (argc > 2)
		closids = atoi(argv[2]);
	if (argc > 3) {
		controls = strcmp(argv[3], "monitor") != 0;
		monitors = strcmp(argv[3], "control") != 0;
	}
	groups[0] = (struct group){ .used = true, .name = "/" };
	for (int i = 0; i < DOMAINS; i++) {
		groups[0].l3[i] = CBM_MASK;
		groups[0].mb[i] = 100;
	}
	return fuse_main(4, words, &operations, NULL);
}
