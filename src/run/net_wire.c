/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Two network namespaces joined by a pair of interfaces, which ends with either of them. Whoever
 * wires holds a lock on both (flock(2) on the namespace itself), so that two of us never choose the
 * same names or addresses.
 */
#include <errno.h>
#include <linux/nsfs.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/str.h"
#include "net/link.h"
#include "run/fault.h"
#include "run/netns.h"
#include "state/network.h"
#include "sys/fd.h"
#include "sys/process.h"

#define PATH_ROOM  512
#define LOCK_TRIES 500 /* ten seconds */

/* ---- which namespace ---- */

/* The pid of a box that has this name on some network; 0: there is none. */
static int pid_of_box(const char *name)
{
	_cleanup_networks_ struct networks n = NETWORKS_INIT;
	_cleanup_arena_ struct arena *a = arena_new();
	strings names = { 0 };

	if (!a || networks_open(&n) < 0 || networks_list(a, &n, &names) < 0)
		return 0;
	for (size_t i = 0; i < names.n; i++) {
		leases all = { 0 };

		if (lease_list(a, &n, names.items[i], &all) < 0)
			continue;
		for (size_t k = 0; k < all.n; k++) {
			struct lease *l = &all.items[k];

			if (!lease_is_left(l, true) && lease_load(&n, names.items[i], l) == 0 &&
			    str_eq(l->hostname, name))
				return l->pid;
		}
	}
	return 0;
}

static void path_of(const char *where, char out[PATH_ROOM])
{
	uint32_t pid;

	if (str_eq(where, "host"))
		snprintf(out, PATH_ROOM, "/proc/thread-self/ns/net");
	else if (strchr(where, '/'))
		snprintf(out, PATH_ROOM, "%s", where);
	else if (str_u32(where, &pid) == 0)
		snprintf(out, PATH_ROOM, "/proc/%u/ns/net", pid);
	else
		snprintf(out, PATH_ROOM, NETNS_DIR "/%s", where);
}

static int open_where(const char *where, struct err *e)
{
	_cleanup_fd_ int fd = -1;
	char path[PATH_ROOM];
	int pid;

	path_of(where, path);
	fd = sys_openat(AT_FDCWD, path, O_RDONLY, 0);
	if (fd == -ENOENT && !strchr(where, '/') && (pid = pid_of_box(where)) > 0) {
		snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
		fd = sys_openat(AT_FDCWD, path, O_RDONLY, 0);
	}
	if (fd == -ENOENT)
		return err_set(e, ENOENT,
			       "net wire: \"%.64s\" is no network namespace (a name, a box, a "
			       "pid, a path, or \"host\")",
			       where);
	if (fd < 0)
		return err_errno(e, -fd, "net wire: open %s", path);
	return sys_ioctl(fd, NS_GET_NSTYPE, NULL) == CLONE_NEWNET
		       ? TAKE_FD(fd)
		       : err_set(e, EINVAL, "net wire: %s is no network namespace", path);
}

/* ---- both ends ---- */

struct wiring {
	int own_fd;
	struct {
		int fd;
		uint64_t inode;
		struct net_socket socket;
	} ends[2];
};

static void wiring_close(struct wiring *w)
{
	for (int i = 0; i < 2; i++) {
		net_socket_close(&w->ends[i].socket);
		cleanup_fd(&w->ends[i].fd);
	}
	cleanup_fd(&w->own_fd);
}

#define _cleanup_wiring_ _cleanup_(wiring_close)
#define WIRING_INIT                                                                   \
	{                                                                             \
		-1,                                                                   \
		{                                                                     \
			{ .fd = -1, .socket.fd = -1 }, { .fd = -1, .socket.fd = -1 }, \
		}                                                                     \
	}

static int open_end(struct wiring *w, int i, const char *where, struct err *e)
{
	struct statx sx;
	int r;

	w->ends[i].fd = open_where(where, e);
	if (w->ends[i].fd < 0)
		return w->ends[i].fd;
	r = sys_statx(w->ends[i].fd, "", AT_EMPTY_PATH, STATX_INO, &sx);
	if (r == 0)
		r = net_socket_open_in(&w->ends[i].socket, w->ends[i].fd, w->own_fd);
	if (r < 0)
		return err_errno(e, -r, "net wire: %s: enter the network namespace", where);
	w->ends[i].inode = sx.stx_ino;
	return 0;
}

/* Who is inside can take that lock as well, so nobody waits for ever. */
static int lock_one(int fd)
{
	struct timespec nap = { 0, 20000000 };
	int r = -EWOULDBLOCK;

	for (int tries = 0; r == -EWOULDBLOCK && tries < LOCK_TRIES; tries++) {
		r = sys_flock(fd, LOCK_EX | LOCK_NB);
		if (r == -EWOULDBLOCK)
			nanosleep(&nap, NULL);
	}
	return r;
}

/* In one order, whoever asks. */
static int lock_both(struct wiring *w)
{
	int first = w->ends[0].inode > w->ends[1].inode;
	int r = lock_one(w->ends[first].fd);

	return r < 0 ? r : lock_one(w->ends[!first].fd);
}

static int wiring_open(struct wiring *w, const char *a, const char *b, struct err *e)
{
	int r = w->own_fd = sys_openat(AT_FDCWD, "/proc/thread-self/ns/net", O_RDONLY, 0);

	if (r < 0)
		return err_errno(e, -r, "net wire: open our own network namespace");
	r = open_end(w, 0, a, e);
	if (r == 0)
		r = open_end(w, 1, b, e);
	if (r < 0)
		return r;
	if (w->ends[0].inode == w->ends[1].inode)
		return err_set(e, EINVAL, "net wire: %s and %s are the same network namespace", a,
			       b);
	r = lock_both(w);
	return r < 0 ? err_errno(e, -r, "net wire: lock %s and %s", a, b) : 0;
}

/* ---- addresses ---- */

/* Of the pool of wires, which networks do not choose from: 10.76.0.0/16, in pieces of four. */
#define POOL       "10.76.0.0/16"
#define POOL_SIZE  65536U
#define PIECE      4U
#define PIECE_BITS 30

struct taken {
	const struct ip_net *wish;
	struct ip_net by; /* family 0: nobody */
};

static int look_at_route(void *arg, const struct ip_net *to, int index)
{
	struct taken *t = arg;

	(void)index;
	if (!t->by.ip.family && to->ip.family == t->wish->ip.family && ip_net_overlap(to, t->wish))
		t->by = *to;
	return 0;
}

/* In which of the two there is a route to it: 0, 1, or -1 if in none; else -errno - 1. */
static int who_has(struct wiring *w, const struct ip_net *wish, struct ip_net *by)
{
	for (int i = 0; i < 2; i++) {
		struct taken t = { .wish = wish };
		int r = link_routes(&w->ends[i].socket, look_at_route, &t);

		if (r < 0)
			return r - 1;
		*by = t.by;
		if (t.by.ip.family)
			return i;
	}
	return -1;
}

static int check_pair(struct wiring *w, const struct wire_end ends[2], size_t i, struct err *e)
{
	const struct ip_net *a = &ends[0].addresses[i], *b = &ends[1].addresses[i];
	char one[IP_TEXT_MAX], two[IP_TEXT_MAX];
	struct ip_net base = ip_net_base(a), by;
	int r;

	if (a->ip.family != b->ip.family || a->prefix != b->prefix || ip_eq(&a->ip, &b->ip) ||
	    !ip_net_has(a, &b->ip))
		return err_set(e, EINVAL,
			       "net wire: %s and %s are not two addresses of one network; write "
			       "10.1.0.1/30,10.1.0.2/30",
			       ip_net_print(a, one), ip_net_print(b, two));
	r = who_has(w, &base, &by);
	if (r < -1)
		return err_errno(e, -(r + 1), "net wire: look which addresses are in use");
	return r == -1 ? 0
		       : err_set(e, EADDRINUSE, "net wire: %s overlaps the route to %s of %s",
				 ip_net_print(a, one), ip_net_print(&by, two), ends[r].where);
}

static void put_pair(struct wire_end ends[2], const struct ip_net *base)
{
	for (unsigned i = 0; i < 2; i++)
		ends[i].addresses[ends[i].n++] =
			(struct ip_net){ ip_net_at(base, i + 1), base->prefix };
}

static int choose_addresses(struct wiring *w, struct wire_end ends[2], struct err *e)
{
	struct ip_net v6 = { { AF_INET6, { 0xfd } }, 64 }, pool, by;
	int r = 0;

	ip_net_parse(POOL, &pool);
	for (uint32_t at = 0; at < POOL_SIZE; at += PIECE) {
		struct ip_net wish = { ip_net_at(&pool, at), PIECE_BITS };

		r = who_has(w, &wish, &by);
		if (r >= 0)
			continue;
		if (r < -1)
			return err_errno(e, -(r + 1), "net wire: look which addresses are in use");
		put_pair(ends, &wish);
		/* RFC 4193: 40 random bits, which nobody else has chosen. */
		sys_getrandom(v6.ip.bytes + 1, 5, 0);
		put_pair(ends, &v6);
		return 0;
	}
	return err_set(e, ENOSPC, "net wire: nothing of " POOL " is free: give addresses (--ip)");
}

static int decide_addresses(struct wiring *w, struct wire_end ends[2], struct err *e)
{
	int r = 0;

	if (!ends[0].n)
		return choose_addresses(w, ends, e);
	for (size_t i = 0; r == 0 && i < ends[0].n; i++)
		r = check_pair(w, ends, i, e);
	return r;
}

/* ---- wiring ---- */

static int decide_names(struct wiring *w, struct wire_end ends[2], struct err *e)
{
	for (int i = 0; i < 2; i++) {
		bool chosen = *ends[i].name;
		int r = 1;

		for (unsigned n = 0; r == 1 && n < 1000; n++) {
			if (!chosen)
				snprintf(ends[i].name, sizeof(ends[i].name), "eth%u", n);
			r = net_device_exists(&w->ends[i].socket, ends[i].name);
			if (r == 1 && chosen)
				return err_set(e, EEXIST,
					       "net wire: %s has an interface %s already",
					       ends[i].where, ends[i].name);
		}
		if (r)
			return err_errno(e, r < 0 ? -r : EEXIST,
					 "net wire: %s: find a name for the interface",
					 ends[i].where);
	}
	return 0;
}

static int set_up(struct wiring *w, const struct wire_end ends[2], int i)
{
	const struct link_setup l = { .name = ends[i].name,
				      .addresses = ends[i].addresses,
				      .n_addresses = ends[i].n };
	int r = fault_point(i ? "wire-up-b" : "wire-up-a");

	return r < 0 ? r : link_set_up(&w->ends[i].socket, &l);
}

int net_wire(struct wire_end ends[2], struct err *e)
{
	_cleanup_wiring_ struct wiring w = WIRING_INIT;
	struct link_inside other = { .name = ends[1].name };
	struct net_socket *s = &w.ends[0].socket;
	int r = wiring_open(&w, ends[0].where, ends[1].where, e);

	if (r == 0)
		r = decide_names(&w, ends, e);
	if (r == 0)
		r = decide_addresses(&w, ends, e);
	if (r < 0)
		return r;
	other.ns_fd = w.ends[1].fd;
	r = fault_point("wire-make");
	if (r == 0)
		r = link_make_wire(s, ends[0].name, &other);
	if (r < 0)
		return err_errno(e, -r, "net wire: %s and %s: %s", ends[0].where, ends[1].where,
				 s->failed);
	for (int i = 0; r == 0 && i < 2; i++) {
		r = set_up(&w, ends, i);
		if (r < 0)
			err_errno(e, -r, "net wire: %s: %s", ends[i].where,
				  w.ends[i].socket.failed);
	}
	if (r < 0)
		link_delete(s, ends[0].name);
	return r;
}

int net_unwire(const char *a, const char *b, struct err *e)
{
	_cleanup_wiring_ struct wiring w = WIRING_INIT;
	int count = 0, index = 1, r = wiring_open(&w, a, b, e);

	if (r < 0)
		return r;
	while (r == 0 && index) {
		r = link_find_wire(&w.ends[0].socket, w.ends[1].fd, &index);
		if (r == 0 && index)
			r = link_delete_index(&w.ends[0].socket, index);
		count += r == 0 && index;
	}
	if (r < 0)
		return err_errno(e, -r, "net wire: %s and %s: remove it", a, b);
	return count ? count : err_set(e, ENOENT, "net wire: %s and %s are not wired", a, b);
}
