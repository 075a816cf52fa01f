/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Networks of a network namespace that nobody is in any more. Name servers and holm-etcd would keep
 * it for ever, and what is on disk would stay after a restart of everything. Only who is asked to
 * clean up comes here: it takes a look at the whole machine, twice, for a look is no photograph.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "run/networks.h"
#include "see/see.h"
#include "state/state.h"
#include "sys/fd.h"
#include "sys/process.h"

#define HOSTS_MAX   16 /* at a time; each takes descriptors */
#define HELPERS_MAX 32
#define END_MS      2000

struct host {
	struct networks n; /* locked */
	strings names;
	struct see_helper helpers[HELPERS_MAX];
	int pidfds[HELPERS_MAX];
	size_t n_helpers;
};

struct dead {
	struct arena *a;
	uint64_t own;
	struct host hosts[HOSTS_MAX];
	struct see_host see[HOSTS_MAX];
	size_t n;
};

static void host_done(struct host *h)
{
	for (size_t i = 0; i < h->n_helpers; i++)
		cleanup_fd(&h->pidfds[i]);
	networks_close(&h->n);
}

static void dead_done(struct dead **dead)
{
	struct dead *d = *dead;

	for (size_t i = 0; d && i < d->n; i++)
		host_done(&d->hosts[i]);
	if (d)
		arena_free(d->a);
	free(d);
}

#define _cleanup_dead_ __attribute__((cleanup(dead_done)))

/* ---- what is on disk ---- */

/* First the descriptor, then the look: what it holds cannot change any more. */
static int add_helper(struct host *h, int pid, uint64_t start)
{
	_cleanup_fd_ int fd = pid > 0 ? sys_pidfd_open(pid, 0) : -1;
	uint64_t now;
	bool ended;

	if (fd < 0 || state_process(pid, &now, &ended) < 0 || ended || now != start)
		return 0;
	if (h->n_helpers == HELPERS_MAX)
		return -E2BIG;
	h->helpers[h->n_helpers] = (struct see_helper){ pid, start };
	h->pidfds[h->n_helpers++] = TAKE_FD(fd);
	return 0;
}

/* -EBUSY: a box that lives is on one of its networks. */
static int look_at_network(struct dead *d, struct host *h, const char *name)
{
	struct network net;
	leases all = { 0 };
	int r = lease_list(d->a, &h->n, name, &all);

	for (size_t i = 0; r == 0 && i < all.n; i++)
		if (!lease_is_left(&all.items[i], true))
			r = -EBUSY;
	if (r == 0)
		r = network_load(&h->n, name, &net);
	if (r < 0)
		return r == -ENOENT ? 0 : r; /* it was half made */
	r = add_helper(h, net.dns_pid, net.dns_start);
	return r < 0 ? r : add_helper(h, net.etcd_pid, net.etcd_start);
}

static int look_at_host(struct dead *d, struct host *h, uint64_t cookie)
{
	int r = networks_lock_other(&h->n, cookie);

	if (r == 0)
		r = networks_list(d->a, &h->n, &h->names);
	for (size_t i = 0; r == 0 && i < h->names.n; i++)
		r = look_at_network(d, h, h->names.items[i]);
	return r;
}

static int add_host(void *arg, uint64_t cookie)
{
	struct dead *d = arg;
	struct host *h = &d->hosts[d->n];

	if (cookie == d->own || d->n == HOSTS_MAX)
		return 0;
	*h = (struct host){ .n = NETWORKS_INIT };
	if (look_at_host(d, h, cookie) < 0) {
		host_done(h);
		return 0;
	}
	d->see[d->n++] =
		(struct see_host){ .cookie = cookie, .helpers = h->helpers, .n = h->n_helpers };
	return 0;
}

/* ---- whose it is ---- */

/* Those that are somebody's are let go of. */
static int keep_the_dead(struct dead *d, struct err *e)
{
	_cleanup_world_ struct see_world w = { .proc_fd = -1 };
	int r = see_world_take(&w, SEE_HOLDERS, e);
	size_t kept = 0;

	if (r < 0)
		return r;
	see_hosts(&w, d->see, d->n);
	for (size_t i = 0; i < d->n; i++) {
		if (d->see[i].use == SEE_USED) {
			host_done(&d->hosts[i]);
			continue;
		}
		d->hosts[kept] = d->hosts[i];
		d->see[kept] = d->see[i];
		d->see[kept].helpers = d->hosts[kept].helpers;
		kept++;
	}
	d->n = kept;
	return 0;
}

/* ---- the end ---- */

/* The namespace ends with the last of them, and with it bridges, rules and keys. */
static void bury(struct host *h)
{
	for (size_t i = 0; i < h->n_helpers; i++)
		sys_pidfd_send_signal(h->pidfds[i], SIGKILL);
	for (size_t i = 0; i < h->n_helpers; i++) {
		struct pollfd p = { .fd = h->pidfds[i], .events = POLLIN };

		sys_poll(&p, 1, END_MS);
	}
	for (size_t i = 0; i < h->names.n; i++)
		network_forget(&h->n, h->names.items[i]);
	networks_tidy(&h->n);
}

int networks_bury(bool really, struct err *e)
{
	_cleanup_dead_ struct dead *d = calloc(1, sizeof(*d));
	int r = d && (d->a = arena_new()) ? networks_own(&d->own) : -ENOMEM;

	if (r == 0)
		r = networks_each(add_host, d);
	if (r < 0)
		return r == -ENOENT ? 0 : err_errno(e, -r, "networks: look for dead ones");
	for (int look = 0; look < 2 && d->n; look++) {
		r = keep_the_dead(d, e);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; really && i < d->n; i++)
		bury(&d->hosts[i]);
	return (int)d->n;
}
