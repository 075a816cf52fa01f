/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Asking for names as every program of the host does, by getaddrinfo(3): a thread for each, some
 * at a time. The answers come back through a pipe. What a name may stand for is decided here.
 */
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "egress.h"

#define THREAD_STACK (256 * 1024)

static int pipe_fd[2] = { -1, -1 };

struct question {
	char name[HOSTNAME_LEN_MAX + 1];
	struct answer *answer;
};

static bool ip_from(const struct sockaddr *a, struct ip *out)
{
	*out = (struct ip){ 0 };
	if (a && a->sa_family == AF_INET) {
		out->family = AF_INET;
		memcpy(out->bytes, &((const struct sockaddr_in *)(const void *)a)->sin_addr, 4);
	} else if (a && a->sa_family == AF_INET6) {
		out->family = AF_INET6;
		memcpy(out->bytes, &((const struct sockaddr_in6 *)(const void *)a)->sin6_addr, 16);
	}
	return out->family != 0;
}

static bool is_hosts_own(const struct ifaddrs *all, const struct ip *ip)
{
	struct ip own;

	for (; all; all = all->ifa_next)
		if (ip_from(all->ifa_addr, &own) && ip_eq(&own, ip))
			return true;
	return false;
}

/* Whoever answers for an allowed name is not to open what is within: the host, its networks. */
static void take(struct answer *out, const struct addrinfo *found)
{
	struct ifaddrs *own = NULL;
	struct ip ip;

	if (getifaddrs(&own) < 0) {
		out->why = "which addresses are the host's own is not known";
		return;
	}
	for (; found && out->n < ADDRESSES_MAX; found = found->ai_next) {
		if (!ip_from(found->ai_addr, &ip))
			continue;
		if (ip_is_special(&ip) || is_hosts_own(own, &ip))
			out->why = "the name stands for a private address, or the host's own: if "
				   "it may, say NAME=ADDRESS";
		else
			out->addresses[out->n++] = ip;
	}
	freeifaddrs(own);
}

static void *ask(void *arg)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG };
	struct question *q = arg;
	struct answer *a = q->answer;
	struct addrinfo *found = NULL;
	int r = getaddrinfo(q->name, NULL, &hints, &found);

	if (r)
		a->why = gai_strerror(r);
	else
		take(a, found);
	if (found)
		freeaddrinfo(found);
	free(q);
	while (write(pipe_fd[1], &a, sizeof(a)) < 0 && errno == EINTR)
		;
	return NULL;
}

int resolve_open(void)
{
	return pipe2(pipe_fd, O_CLOEXEC) < 0 || fcntl(pipe_fd[0], F_SETFL, O_NONBLOCK) < 0
		       ? -errno
		       : pipe_fd[0];
}

bool resolve_ask(const char *name, void *who)
{
	struct question *q = calloc(1, sizeof(*q));
	struct answer *a = calloc(1, sizeof(*a));
	pthread_attr_t attr;
	pthread_t thread;
	int r = -1;

	if (q && a) {
		a->who = who;
		q->answer = a;
		strcpy(q->name, name);
		pthread_attr_init(&attr);
		pthread_attr_setstacksize(&attr, THREAD_STACK);
		pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
		r = pthread_create(&thread, &attr, ask, q);
		pthread_attr_destroy(&attr);
	}
	if (r) {
		free(q);
		free(a);
	}
	return r == 0;
}

struct answer *resolve_next(void)
{
	struct answer *a;

	return read(pipe_fd[0], &a, sizeof(a)) == sizeof(a) ? a : NULL;
}
