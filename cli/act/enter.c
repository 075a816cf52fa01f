/* SPDX-License-Identifier: GPL-2.0-or-later */
/* holm ns enter: a command where another process is, as a box that joins and mounts nothing. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "act/act.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/macro.h"

#define ENV_MAX (1 << 20)

static void free_spec(struct holm_spec **spec)
{
	holm_spec_free(*spec);
}

static void free_box(struct holm_box **box)
{
	holm_free(*box);
}

int ns_type_option(const char *word)
{
	if (str_eq(word, "--userns"))
		return HOLM_NS_USER;
	for (unsigned type = 0; type < HOLM_NS_TYPES; type++)
		if (type != HOLM_NS_USER && str_starts(word, "--") &&
		    str_eq(word + 2, holm_ns_type_name(type)))
			return (int)type;
	return -1;
}

struct wish {
	struct holm_enter enter;
	const char *target, *user, *cwd;
	bool join_cgroup, its_env, no_pty;
	struct holm_spec *spec;
};

/* What goes to the spec as it is. */
static const char *const handed_on[] = { "cap", "env", "seccomp", "umask", "nice", "rlimit" };

static int set(struct wish *w, const char *field, const char *value)
{
	return holm_spec_set(w->spec, field, value) < 0 ? out_spec_error(w->spec) : 0;
}

static int take_value(struct wish *w, const char *name, const char *value)
{
	if (str_eq(name, "user"))
		w->user = value;
	else if (str_eq(name, "root"))
		w->enter.root = value;
	else if (str_eq(name, "cwd"))
		w->cwd = value;
	else if (str_eq(name, "pidfd"))
		return str_fd(value, &w->enter.pidfd) < 0
			       ? out_error("ns enter: pidfd: \"%s\" is no descriptor", value)
			       : 0;
	else
		return set(w, name, value);
	return 0;
}

static bool takes_value(const char *name, size_t len)
{
	static const char *const own[] = { "user", "root", "cwd", "pidfd" };

	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		if (strlen(own[i]) == len && strncmp(own[i], name, len) == 0)
			return true;
	for (size_t i = 0; i < ARRAY_SIZE(handed_on); i++)
		if (strlen(handed_on[i]) == len && strncmp(handed_on[i], name, len) == 0)
			return true;
	return false;
}

static bool take_flag(struct wish *w, const char *word)
{
	int type = ns_type_option(word);

	if (type >= 0)
		w->enter.types |= 1U << type;
	else if (str_eq(word, "--join-cgroup"))
		w->join_cgroup = true;
	else if (str_eq(word, "--its-env"))
		w->its_env = true;
	else if (!str_eq(word, "--all"))
		return false;
	return true;
}

/* How many words were taken; 0: it was no option of ours, and that was said. */
static int take_option(struct wish *w, int argc, char **argv, int at)
{
	const char *name = argv[at] + 2, *eq = strchr(name, '=');
	size_t len = eq ? (size_t)(eq - name) : strlen(name);
	char plain[16];

	if (take_flag(w, argv[at]))
		return 1;
	if (len >= sizeof(plain) || !takes_value(name, len))
		return out_error("ns enter: there is no option %s (see holm ns --help)", argv[at]),
		       0;
	if (!eq && at + 1 >= argc)
		return out_error("ns enter: %s needs an argument", argv[at]), 0;
	snprintf(plain, sizeof(plain), "%.*s", (int)len, name);
	if (take_value(w, plain, eq ? eq + 1 : argv[at + 1]))
		return 0;
	return eq ? 1 : 2;
}

/* Where the command begins, or -1. */
static int read_words(struct wish *w, int argc, char **argv)
{
	int at = 1;

	while (at < argc && !str_eq(argv[at], "--")) {
		int n = 1;

		if (str_starts(argv[at], "--"))
			n = take_option(w, argc, argv, at);
		else if (!w->target && w->enter.pidfd < 0)
			w->target = argv[at];
		else
			break;
		if (n == 0)
			return -1;
		at += n;
	}
	return at + (at < argc && str_eq(argv[at], "--"));
}

/* ---- whom ---- */

static int pid_of_pidfd(struct wish *w)
{
	char path[40], line[128];
	_cleanup_file_ FILE *f = NULL;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", w->enter.pidfd);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "Pid: %d", &w->enter.pid) == 1 && w->enter.pid > 0)
			return 0;
	return out_error("ns enter: descriptor %d is no pidfd of a process that is here",
			 w->enter.pidfd);
}

/* A namespace in which nobody is: it is joined by its file, and all others are ours. */
static int enter_alone(struct wish *w, const struct holm_world *world, const struct ns_target *t)
{
	char text[512];
	struct holm_ns n;
	struct holm_holder h;
	const char *path = NULL;

	if (holm_world_find(world, t->inode, &n) < 0)
		return out_error("ns enter: %s: is gone", w->target);
	for (size_t i = 0; !path && holm_world_holder(world, i, &h) == 0; i++)
		if (h.inode == t->inode && h.fd < 0)
			path = h.path;
	if (strchr(w->target, '/'))
		path = w->target;
	if (!path)
		return out_error("ns enter: %s: no process is in it, and no file leads there",
				 w->target);
	for (unsigned type = 0; type < HOLM_NS_TYPES; type++)
		if (type != n.type && set(w, "share", holm_ns_type_name(type)))
			return EXIT_HOLM;
	snprintf(text, sizeof(text), "%s=%s", holm_ns_type_name(n.type), path);
	return set(w, "join", text);
}

/* Whatever is held by a name is entered together. */
struct held_by_name {
	const char *name;
	unsigned types;
};

static int take_held(void *arg, const struct holm_held *h)
{
	struct held_by_name *by = arg;

	if (h->inode && str_eq(h->name, by->name))
		by->types |= 1U << h->type;
	return 0;
}

static int enter_held(struct wish *w, unsigned held)
{
	char text[64];
	int r = 0;

	for (unsigned type = 0; r == 0 && type < HOLM_NS_TYPES; type++) {
		bool wanted = !w->enter.types || w->enter.types >> type & 1;

		if (!(held >> type & 1) || !wanted) {
			r = set(w, "share", holm_ns_type_name(type));
			continue;
		}
		snprintf(text, sizeof(text), "%s=%s", holm_ns_type_name(type), w->target);
		r = set(w, "join", text);
	}
	w->enter.types = held;
	return r;
}

static int fill_target(struct wish *w)
{
	struct held_by_name by = { .name = w->target };
	_cleanup_ns_world_ struct holm_world *world = NULL;
	struct ns_target t = { 0 };
	struct holm_ns n;
	uint32_t pid;
	int r = 0;

	if (w->enter.pidfd >= 0)
		r = pid_of_pidfd(w);
	else if (str_u32(w->target, &pid) == 0 && pid <= 0x7fffffff)
		w->enter.pid = (int)pid; /* nothing has to be looked for */
	else if (holm_ns_held(take_held, &by, NULL) == 0 && by.types)
		return enter_held(w, by.types);
	else
		r = ns_world(HOLM_WORLD_HELD, &world);
	if (r == 0 && world)
		r = ns_find_target(world, "enter", w->target, &t);
	if (r)
		return r;
	if (world && !t.pid) {
		if (holm_world_find(world, t.inode, &n) == 0 && !n.pid)
			return enter_alone(w, world, &t);
		w->enter.pid = n.pid;
		w->enter.types = w->enter.types ? w->enter.types : 1U << n.type;
	} else if (world) {
		w->enter.pid = t.pid;
	}
	return holm_spec_enter(w->spec, &w->enter) < 0 ? out_spec_error(w->spec) : 0;
}

/* ---- as whom, with what ---- */

static int take_its_env(struct wish *w)
{
	_cleanup_free_ char *text = malloc(ENV_MAX + 1);
	_cleanup_fd_ int fd = -1;
	char path[40];
	ssize_t n;
	int r = 0;

	snprintf(path, sizeof(path), "/proc/%d/environ", w->enter.pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 || !text ? -1 : read(fd, text, ENV_MAX);
	if (n < 0)
		return out_error("ns enter: its environment: %s", err_words(errno));
	text[n] = 0;
	for (char *at = text; r == 0 && at < text + n; at += strlen(at) + 1)
		if (strchr(at, '=') && *at != '=')
			r = set(w, "env", at);
	return r;
}

/* The rights are those that the caller has there: nothing is given up that was not asked for. */
static int fill_rights(struct wish *w)
{
	static const char *const open_fields[][2] = { { "seccomp", "none" },
						      { "allow-new-privs", "yes" } };
	const char *field, *value;
	bool caps = false, filter = false;
	int r = 0;

	for (size_t i = 0; holm_spec_entry(w->spec, i, &field, &value) == 0; i++) {
		caps |= str_eq(field, "cap");
		filter |= str_eq(field, "seccomp");
	}
	for (size_t i = filter; r == 0 && i < ARRAY_SIZE(open_fields); i++)
		r = set(w, open_fields[i][0], open_fields[i][1]);
	if (r == 0 && !caps && !w->user)
		r = set(w, "cap", "all");
	if (r == 0 && w->user)
		r = set(w, "user", w->user);
	if (r == 0)
		r = w->its_env ? take_its_env(w) : set(w, "keep-env", "yes");
	return r == 0 && w->cwd ? set(w, "cwd", w->cwd) : r;
}

static int fill_command(struct wish *w, char **command)
{
	static char sh[] = "/bin/sh";
	const char *shell = getenv("SHELL");
	char *alone[] = { shell && !w->enter.root ? (char *)shell : sh, NULL };
	char *plain[] = { sh, NULL };

	/* The caller's shell may not be there. */
	if (!*command)
		command = w->enter.types && !(w->enter.types & 1U << HOLM_NS_MNT) ? alone : plain;
	return holm_spec_command(w->spec, command) < 0 ? out_error("out of memory") : 0;
}

static int run(struct holm_spec *spec, int cgroup_of)
{
	__attribute__((cleanup(free_box))) struct holm_box *box = NULL;
	struct holm_error e;
	struct holm_event end;
	int r = cgroup_of ? holm_cgroup_follow(cgroup_of, &e) : 0;

	if (r < 0)
		return out_error("%s", e.text);
	r = holm_spawn(spec, &box);
	if (r < 0)
		return out_spec_error(spec);
	r = relay_run(box, &end);
	if (r < 0)
		return out_error("wait for the command: %s", err_words(-r));
	return holm_exit_code(end.status);
}

int ns_enter_word(int argc, char **argv)
{
	__attribute__((cleanup(free_spec))) struct holm_spec *spec = NULL;
	struct wish w = { .enter.pidfd = -1 };
	int at, r;

	if (holm_spec_new(&spec) < 0)
		return out_error("out of memory");
	w.spec = spec;
	at = read_words(&w, argc, argv);
	if (at < 0)
		return EXIT_HOLM;
	if (!w.target && w.enter.pidfd < 0)
		return out_error("ns enter: needs a TARGET: a pid, a name, an inode or a file");
	r = fill_target(&w);
	if (r == 0)
		r = fill_rights(&w);
	if (r == 0)
		r = fill_command(&w, argv + at);
	return r ? r : run(spec, w.join_cgroup ? w.enter.pid : 0);
}
