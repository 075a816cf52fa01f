/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What people call a namespace: by the file in /run/netns that ip-netns(8) has mounted, by the
 * container that its oldest process belongs to, or as a box of ours. Which container that is stands
 * in the process's cgroup, and how it is called in the engine's own files, as far as we may read
 * them; else the first twelve digits of its id are its name.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "see/see.h"
#include "sys/fd.h"

#define ID_LEN    64
#define STATE_MAX (4U << 20)

static void name_it(struct see_ns *n, const char *name, const char *given_by)
{
	if (n && !n->name && name) {
		n->name = name;
		n->given_by = given_by;
	}
}

/* ---- by mounts ---- */

static void name_by_mounts(struct see_world *w)
{
	static const struct {
		const char *dir, *given_by;
	} places[] = {
		{ "/run/holm/ns/", "holm" },
		{ "/run/netns/", "netns" },
		{ "/var/run/netns/", "netns" },
		{ "/run/docker/netns/", "docker" },
	};

	/* Twice, so that what ip-netns(8) knows wins over what Docker has mounted. */
	for (size_t k = 0; k < ARRAY_SIZE(places); k++)
		for (size_t i = 0; i < w->holders.n; i++) {
			const struct see_holder *h = &w->holders.items[i];
			const char *name = h->path + strlen(places[k].dir);

			if (h->how == SEE_BY_MOUNT && str_starts(h->path, places[k].dir))
				name_it(see_find(w, h->inode),
					arena_strndup(w->arena, name, strcspn(name, "/")),
					places[k].given_by);
		}
}

/* ---- by containers ---- */

static char *read_state(const char *path)
{
	_cleanup_fd_ int fd = sys_openat(AT_FDCWD, path, O_RDONLY | O_NONBLOCK, 0);
	_cleanup_buf_ struct buf b = { 0 };
	char block[16384];
	ssize_t n;

	if (fd < 0)
		return NULL;
	while ((n = sys_read(fd, block, sizeof(block))) > 0 && b.len < STATE_MAX)
		buf_put(&b, block, (size_t)n);
	return n < 0 ? NULL : buf_take(&b);
}

/* The text between `before` and the next quote; both engines write JSON without blanks. */
static char *quoted(struct see_world *w, const char *text, const char *before)
{
	const char *at = text ? strstr(text, before) : NULL, *end;

	if (!at)
		return NULL;
	at += strlen(before);
	end = strchr(at, '"');
	return end && end - at < 256 ? arena_strndup(w->arena, at, (size_t)(end - at)) : NULL;
}

static char *docker_name(struct see_world *w, const char *id)
{
	_cleanup_free_ char *text = NULL;
	char path[160];

	snprintf(path, sizeof(path), "/var/lib/docker/containers/%s/config.v2.json", id);
	text = read_state(path);
	return quoted(w, text, "\"Name\":\"/");
}

static char *podman_name(struct see_world *w, const char *id)
{
	_cleanup_free_ char *text =
		read_state("/var/lib/containers/storage/overlay-containers/containers.json");
	char key[ID_LEN + 16];
	const char *at;

	snprintf(key, sizeof(key), "\"id\":\"%s\"", id);
	at = text ? strstr(text, key) : NULL;
	return quoted(w, at, "\"names\":[\"");
}

static const struct {
	const char *before; /* the id in a cgroup's path */
	const char *given_by;
	char *(*name)(struct see_world *w, const char *id);
} engines[] = {
	{ "/docker/", "docker", docker_name },
	{ "/docker-", "docker", docker_name },
	{ "/libpod-", "podman", podman_name },
	{ "/libpod_parent/libpod-", "podman", podman_name },
	{ "/cri-containerd-", "containerd", NULL },
	{ "/crio-", "cri-o", NULL },
};

/* 64 digits behind `before`. */
static bool find_id(const char *cgroups, const char *before, char id[ID_LEN + 1])
{
	for (const char *at = cgroups; (at = strstr(at, before)); at++) {
		const char *from = at + strlen(before);

		if (strspn(from, "0123456789abcdef") != ID_LEN)
			continue;
		memcpy(id, from, ID_LEN);
		id[ID_LEN] = 0;
		return true;
	}
	return false;
}

static void name_by_cgroup(struct see_world *w, const struct see_process *p)
{
	char path[32], cgroups[8192], id[ID_LEN + 1];
	char *name;

	snprintf(path, sizeof(path), "%d/cgroup", p->pid);
	if (see_read(w->proc_fd, path, cgroups, sizeof(cgroups)) <= 0)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(engines); i++) {
		if (!find_id(cgroups, engines[i].before, id))
			continue;
		name = engines[i].name ? engines[i].name(w, id) : NULL;
		see_name_process(w, p->pid, name ? name : arena_strndup(w->arena, id, 12),
				 engines[i].given_by);
		return;
	}
}

/* ---- by who has started it ---- */

/* The value behind that option of a command line, as it is in /proc: words that are ended by 0. */
static const char *value_of(const char *words, ssize_t len, const char *option)
{
	for (const char *at = words, *end = words + len; at < end; at += strlen(at) + 1)
		if (str_eq(at, option) && at + strlen(at) + 1 < end)
			return at + strlen(at) + 1;
	return NULL;
}

static const char *or_short(struct see_world *w, const char *name, const char *id)
{
	bool digits = strspn(id, "0123456789abcdef") == ID_LEN && !id[ID_LEN];

	return name ? name : arena_strndup(w->arena, id, digits ? 12 : SEE_COMMAND_MAX);
}

/*
 * Above a container stands a process that holds its terminal, and its words say whose it is: also
 * where its cgroup is called otherwise, and where the engine's files are elsewhere. Anybody may
 * call himself so, as with cgroups; it is a name, and no proof.
 */
static void name_by_parent(struct see_world *w, const struct see_process *p)
{
	const struct see_process *above = see_process(w, p->ppid);
	char path[32], words[8192];
	const char *id, *whose;
	ssize_t n;

	if (!above ||
	    (!str_starts(above->comm, "containerd-shim") && !str_eq(above->comm, "conmon")))
		return;
	snprintf(path, sizeof(path), "%d/cmdline", above->pid);
	n = see_read(w->proc_fd, path, words, sizeof(words));
	if (n <= 0)
		return;
	if (str_eq(above->comm, "conmon")) {
		id = value_of(words, n, "-c");
		whose = value_of(words, n, "-n");
		if (id)
			see_name_process(
				w, p->pid,
				or_short(w, whose ? arena_strdup(w->arena, whose) : NULL, id),
				value_of(words, n, "--exit-command") ? "podman" : "cri-o");
		return;
	}
	id = value_of(words, n, "-id");
	whose = value_of(words, n, "-namespace");
	if (id && whose && str_eq(whose, "moby"))
		see_name_process(w, p->pid, or_short(w, docker_name(w, id), id), "docker");
	else if (id)
		see_name_process(w, p->pid, or_short(w, NULL, id), "containerd");
}

/* ---- boxes ---- */

/*
 * The first process of a box executes our init out of a memfd. An ordinary user may neither see
 * that nor its namespaces, but who is its parent.
 */
static bool is_box(const struct see_world *w, const struct see_process *p)
{
	char path[32], exe[64];
	ssize_t n;

	if (p && p->unseen)
		return str_eq(p->comm, "holm-init");
	if (!p || !str_eq(p->comm, "holm-init"))
		return false;
	snprintf(path, sizeof(path), "%d/exe", p->pid);
	n = sys_readlinkat(w->proc_fd, path, exe, sizeof(exe) - 1);
	exe[n < 0 ? 0 : n] = 0;
	return str_starts(exe, "/memfd:holm-init");
}

static void name_firsts(struct see_world *w)
{
	int last = 0;

	for (size_t i = 0; i < w->all.n; i++) {
		const struct see_ns *n = &w->all.items[i];
		const struct see_process *p = &w->processes.items[n->oldest];

		if (n->oldest == SEE_NONE || n->name || p->pid == last || p->tid)
			continue;
		last = p->pid;
		name_by_parent(w, p);
		name_by_cgroup(w, p);
		if (n->type != NS_PID || !n->parent)
			continue;
		if (is_box(w, p) || is_box(w, see_process(w, p->ppid)))
			see_name_process(w, p->pid, arena_printf(w->arena, "box-%d", p->pid),
					 "holm");
	}
}

void see_name_process(struct see_world *w, int pid, const char *name, const char *given_by)
{
	const struct see_process *p = see_process(w, pid);

	for (int i = 0; p && i < NS_COUNT; i++) {
		struct see_ns *n = see_find(w, p->ns[i]);

		if (n && n->oldest != SEE_NONE && w->processes.items[n->oldest].pid == pid)
			name_it(n, name, given_by);
	}
}

void see_names(struct see_world *w)
{
	name_by_mounts(w);
	name_firsts(w);
}
