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
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "net/net.h"
#include "run/run.h"
#include "spec/container.h"
#include "sys/fd.h"

struct net_moving {
	int own_ns_fd, ns_fd;
	struct net_socket own, its;
	size_t n; /* so many have moved */
	struct net_device devices[];
};

size_t want_net_devices(const struct run *r)
{
	return r->d->net_devices ? r->d->container->net_devices.n : 0;
}

/* By its process, which waits: it has joined what it had to. */
static int open_namespaces(struct run *r, struct net_moving *m)
{
	char path[32];
	struct stat own, its;

	snprintf(path, sizeof(path), "/proc/%d/ns/net", r->pid);
	r->failed = "open the network namespaces";
	m->own_ns_fd = sys_openat(AT_FDCWD, "/proc/self/ns/net", O_RDONLY, 0);
	if (m->own_ns_fd < 0)
		return m->own_ns_fd;
	m->ns_fd = sys_openat(AT_FDCWD, path, O_RDONLY, 0);
	if (m->ns_fd < 0)
		return m->ns_fd;
	if (fstat(m->own_ns_fd, &own) < 0 || fstat(m->ns_fd, &its) < 0)
		return -errno;
	if (own.st_ino == its.st_ino && own.st_dev == its.st_dev)
		return err_set(r->err, EINVAL,
			       "linux.netDevices: the network namespace that is joined is the "
			       "one where the devices are");
	r->failed = "speak of both network namespaces";
	return net_socket_open(&m->own);
}

static int open_moving(struct run *r)
{
	size_t n = want_net_devices(r);
	struct net_moving *m = calloc(1, sizeof(*m) + n * sizeof(m->devices[0]));
	int code;

	if (!m)
		return -ENOMEM;
	m->own_ns_fd = m->ns_fd = m->own.fd = m->its.fd = -1;
	r->moving = m;
	code = open_namespaces(r, m);
	return code < 0 ? code : net_socket_open_in(&m->its, m->ns_fd, m->own_ns_fd);
}

static int move_there(struct run *r, struct net_moving *m, const struct container_netdev *n)
{
	struct net_device *d = &m->devices[m->n];
	int code;

	r->failed = "find it";
	code = net_device_look(&m->own, n->outside, d);
	if (code < 0)
		return code;
	r->failed = "find its name free in the container";
	code = net_device_exists(&m->its, n->inside);
	if (code != 0)
		return code < 0 ? code : -EEXIST;
	r->failed = "move it";
	code = net_device_move(&m->own, &m->its, m->ns_fd, n->inside, d);
	if (code < 0)
		return code;
	m->n++;
	r->failed = "give it its addresses again";
	code = net_device_address(&m->its, d, true);
	if (code < 0)
		return code;
	r->failed = "bring it up";
	return net_device_up(&m->its, d);
}

int act_net_device(struct run *r, size_t i)
{
	int code = r->moving ? 0 : open_moving(r);

	return code < 0 ? code : move_there(r, r->moving, &r->d->container->net_devices.items[i]);
}

/* Nobody could be told that it failed: what failed first is told. */
static void move_back(struct net_moving *m, struct net_device *d, const char *name)
{
	if (net_device_move(&m->its, &m->own, m->own_ns_fd, name, d) < 0)
		return;
	net_device_address(&m->own, d, false);
	if (d->up)
		net_device_up(&m->own, d);
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
	net_socket_close(&m->own);
	net_socket_close(&m->its);
	cleanup_fd(&m->own_ns_fd);
	cleanup_fd(&m->ns_fd);
	free(m);
	r->moving = NULL;
}
