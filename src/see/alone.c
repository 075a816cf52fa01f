/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Is a network namespace anybody's? Those who ask will end what runs in it, so whatever cannot be
 * told makes it somebody's: a process that we may not see, one of a pid namespace above ours, a
 * mount namespace that nobody is in and whose mounts nobody therefore tells.
 *
 * A socket keeps its namespace, too, wherever its owner is (and from a socket there is a way back,
 * SIOCGSKNS). The kernel counts them (sockstat): all have to be those of its own processes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "see/see.h"
#include "sys/process.h"
#include "sys/sock.h"

#define FIRST_PID_NS UINT64_C(0xeffffffc) /* proc(5) has no name for it; the kernel's is fixed */

/* ---- do we see everything? ---- */

static bool proc_hides(const struct see_world *w)
{
	_cleanup_free_ char *text = see_mountinfo(w, getpid());

	return !text || strstr(text, "hidepid=");
}

static bool sees_everything(const struct see_world *w)
{
	const struct see_process *own = see_process(w, getpid());

	if (w->n_unseen || w->n_fds_unseen || !own || own->ns[NS_PID] != FIRST_PID_NS ||
	    proc_hides(w))
		return false;
	for (size_t i = 0; i < w->all.n; i++) {
		const struct see_ns *n = &w->all.items[i];

		if (n->type == NS_MNT && !n->processes && !n->threads)
			return false;
	}
	return true;
}

/* ---- who keeps it ---- */

typedef LIST(uint64_t) numbers;

/* In whichever root: a process sees those mounts alone that are below its own. */
static bool is_mounted(const struct see_world *w, uint64_t inode)
{
	char mark[48];

	snprintf(mark, sizeof(mark), " net:[%llu] ", (unsigned long long)inode);
	for (size_t i = 0; i < w->processes.n; i++) {
		const struct see_process *p = &w->processes.items[i];
		_cleanup_free_ char *text =
			p->tid || !p->ns[NS_MNT] ? NULL : see_mountinfo(w, p->pid);

		if (text && strstr(text, mark))
			return true;
	}
	return false;
}

/* Is it a socket of that network? Then its number. */
static uint64_t socket_number(int pidfd, const char *name, uint64_t cookie)
{
	uint64_t of;
	int theirs;
	_cleanup_fd_ int fd = str_fd(name, &theirs) == 0 ? sys_pidfd_getfd(pidfd, theirs) : -1;
	struct statx sx;

	if (fd < 0 || sys_netns_cookie(fd, &of) < 0 || of != cookie)
		return 0;
	return sys_statx(fd, "", AT_EMPTY_PATH, STATX_INO, &sx) == 0 ? sx.stx_ino : 0;
}

static bool has(const numbers *list, uint64_t number)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->items[i] == number)
			return true;
	return false;
}

/* Each once, however many descriptors there are of it. */
static void add_sockets(const struct see_world *w, int pid, uint64_t cookie, numbers *out)
{
	_Alignas(struct sys_dirent) char block[4096];
	_cleanup_fd_ int pidfd = sys_pidfd_open(pid, 0), fd = -1;
	char path[32];
	ssize_t n;

	snprintf(path, sizeof(path), "%d/fd", pid);
	fd = sys_openat(w->proc_fd, path, O_RDONLY | O_DIRECTORY, 0);
	while (pidfd >= 0 && fd >= 0 && (n = sys_getdents(fd, block, sizeof(block))) > 0) {
		for (ssize_t at = 0; at < n;) {
			const struct sys_dirent *d = (const struct sys_dirent *)(block + at);
			uint64_t number = socket_number(pidfd, d->name, cookie), *slot;

			at += d->len;
			if (!number || has(out, number))
				continue;
			slot = arena_push(w->arena, &out->items, &out->n, sizeof(*slot));
			if (slot)
				*slot = number;
		}
	}
}

static numbers sockets_of(const struct see_world *w, const struct see_host *h)
{
	numbers all = { 0 };

	for (size_t i = 0; i < h->n; i++)
		add_sockets(w, h->helpers[i].pid, h->cookie, &all);
	return all;
}

/* All that hold the namespace of that process; UINT64_MAX: it cannot be told. */
static uint64_t sockets_in(const struct see_world *w, int pid)
{
	static const char key[] = "sockets: used ";
	char path[32], text[1024];
	const char *at;
	uint64_t n;

	snprintf(path, sizeof(path), "%d/net/sockstat", pid);
	if (see_read(w->proc_fd, path, text, sizeof(text)) <= 0 || !str_starts(text, key))
		return UINT64_MAX;
	at = text + strlen(key);
	return str_take_u64(&at, &n) < 0 ? UINT64_MAX : n;
}

/*
 * Its helpers open and close sockets meanwhile: only those that they have before and after the
 * kernel has counted were among those that it counted.
 */
static bool has_other_sockets(const struct see_world *w, const struct see_host *h)
{
	numbers before = sockets_of(w, h), after;
	uint64_t all = sockets_in(w, h->helpers[0].pid), its = 0;

	after = sockets_of(w, h);
	for (size_t i = 0; i < before.n; i++)
		its += has(&after, before.items[i]);
	return all > its;
}

static bool is_alone(const struct see_world *w, const struct see_ns *n, const struct see_host *h)
{
	if (!h->n || n->processes != h->n || n->threads || n->fds || n->mounts)
		return false;
	for (size_t i = 0; i < h->n; i++) {
		const struct see_process *p = see_process(w, h->helpers[i].pid);

		if (!p || p->ns[NS_NET] != n->inode || p->start_ticks != h->helpers[i].start)
			return false;
	}
	return !has_other_sockets(w, h) && !is_mounted(w, n->inode);
}

/* ---- which is which ---- */

static int cookie_of(const struct see_world *w, const struct see_ns *n, uint64_t *out)
{
	_cleanup_fd_ int ns_fd = see_open(w, n), fd = -1;

	if (ns_fd < 0)
		return ns_fd;
	fd = see_socket_in(ns_fd, -1);
	return fd < 0 ? fd : sys_netns_cookie(fd, out);
}

void see_hosts(const struct see_world *w, struct see_host *hosts, size_t n)
{
	bool all = sees_everything(w), unknown = false;

	for (size_t i = 0; i < n; i++)
		hosts[i].use = all ? SEE_GONE : SEE_USED;
	for (size_t i = 0; all && i < w->all.n; i++) {
		const struct see_ns *ns = &w->all.items[i];
		uint64_t cookie;

		if (ns->type != NS_NET)
			continue;
		if (cookie_of(w, ns, &cookie) < 0) {
			unknown = true;
			continue;
		}
		for (size_t k = 0; k < n; k++)
			if (hosts[k].cookie == cookie)
				hosts[k].use = is_alone(w, ns, &hosts[k]) ? SEE_ALONE : SEE_USED;
	}
	/* One whose helpers are elsewhere is not what it seems. */
	for (size_t k = 0; k < n; k++)
		if (hosts[k].use == SEE_GONE && (unknown || hosts[k].n))
			hosts[k].use = SEE_USED;
}
