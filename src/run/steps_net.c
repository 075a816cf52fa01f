/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * linux.netDevices: interfaces of our network namespace that move into the container's. P does it,
 * because it has the rights in both, while C waits for the word to go on. The namespace is there by
 * then: where devices move it is not made beside (check_memory()).
 *
 * A network namespace ends with its last member, and takes virtual devices with it. For as long as
 * the start may fail we hold it open, so that what we moved can come back.
 */
#include <errno.h>
#include <stdlib.h>

#include "run/net_ends.h"
#include "run/run.h"
#include "spec/container.h"

struct net_moving {
	struct net_ends ends;
	size_t n; /* so many have moved */
	struct net_device devices[];
};

size_t want_net_devices(const struct run *r)
{
	return r->d->net_devices ? r->d->container->net_devices.n : 0;
}

/* By its process, which waits: it has joined what it had to. */
static int open_moving(struct run *r)
{
	size_t n = want_net_devices(r);
	struct net_moving *m = calloc(1, sizeof(*m) + n * sizeof(m->devices[0]));
	int code;

	if (!m)
		return -ENOMEM;
	m->ends = (struct net_ends)NET_ENDS_INIT;
	r->moving = m;
	code = net_ends_open(&m->ends, r->pid, &r->failed);
	if (code == -EALREADY)
		return err_set(r->err, EINVAL,
			       "linux.netDevices: the network namespace that is joined is the "
			       "one where the devices are");
	return code;
}

static int move_there(struct run *r, struct net_moving *m, const struct container_netdev *n)
{
	struct net_device *d = &m->devices[m->n];
	int code;

	r->failed = "find it";
	code = net_device_look(&m->ends.own, n->outside, d);
	if (code < 0)
		return code;
	r->failed = "find its name free in the container";
	code = net_device_exists(&m->ends.its, n->inside);
	if (code != 0)
		return code < 0 ? code : -EEXIST;
	r->failed = "move it";
	code = net_device_move(&m->ends.own, &m->ends.its, m->ends.ns_fd, n->inside, d);
	if (code < 0)
		return code;
	m->n++;
	r->failed = "give it its addresses again";
	code = net_device_address(&m->ends.its, d, true);
	if (code < 0)
		return code;
	r->failed = "bring it up";
	return net_device_up(&m->ends.its, d);
}

int act_net_device(struct run *r, size_t i)
{
	int code = r->moving ? 0 : open_moving(r);

	return code < 0 ? code : move_there(r, r->moving, &r->d->container->net_devices.items[i]);
}

/* Nobody could be told that it failed: what failed first is told. */
static void move_back(struct net_moving *m, struct net_device *d, const char *name)
{
	if (net_device_move(&m->ends.its, &m->ends.own, m->ends.own_ns_fd, name, d) < 0)
		return;
	net_device_address(&m->ends.own, d, false);
	if (d->up)
		net_device_up(&m->ends.own, d);
}

void undo_net_devices(struct run *r)
{
	struct net_moving *m = r->moving;

	if (!m)
		return;
	for (size_t i = m->n; !r->done && i-- > 0;)
		move_back(m, &m->devices[i], r->d->container->net_devices.items[i].outside);
	for (size_t i = 0; i < want_net_devices(r); i++)
		net_device_done(&m->devices[i]);
	net_ends_close(&m->ends);
	free(m);
	r->moving = NULL;
}
