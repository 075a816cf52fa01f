/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "helper.h"

#define CHANNEL 0

static const struct {
	const char *verb;
	act_fn *act;
} verbs[] = {
	{ "start", unit_start },
	{ "set", unit_set },
	{ "attach", unit_attach },
	{ "stop", unit_stop },
};

int answer(const char *fmt, ...)
{
	char text[4096];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	n = (int)MIN((size_t)n, sizeof(text) - 1);
	return send(CHANNEL, text, (size_t)n, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int hear(char *out, size_t room)
{
	ssize_t n;

	do {
		n = recv(CHANNEL, out, room - 1, 0);
	} while (n < 0 && errno == EINTR);
	out[MAX(n, 0)] = 0;
	return n < 0 ? -errno : (int)n;
}

static int usage(void)
{
	fputs("holm-systemd: holm-oci starts this program, with a socket as standard input; it is "
	      "of no use alone\n",
	      stderr);
	return 2;
}

static void free_arena(struct arena **a)
{
	arena_free(*a);
}

static int run(struct helper *h, act_fn *act, struct err *e)
{
	_cleanup_(free_arena) struct arena *arena = arena_new();
	int r = arena ? 0 : err_errno(e, ENOMEM, "start");

	h->arena = arena;
	if (r == 0)
		r = bus_connect(h, e);
	if (r == 0)
		r = act(h, e);
	sd_bus_flush_close_unref(h->bus);
	return r;
}

int main(int argc, char **argv)
{
	struct helper h = { 0 };
	struct err e = { 0 };
	int type, at = 1;
	socklen_t len = sizeof(type);
	act_fn *act = NULL;

	/* What the engine passes on to the container is none of ours. */
	close_range(3, ~0U, 0);
	h.user = argc > at && str_eq(argv[at], "--user");
	at += h.user;
	for (size_t i = 0; at < argc && i < ARRAY_SIZE(verbs); i++)
		if (str_eq(argv[at], verbs[i].verb))
			act = verbs[i].act;
	if (!act || at + 1 >= argc || getsockopt(CHANNEL, SOL_SOCKET, SO_TYPE, &type, &len) < 0 ||
	    type != SOCK_SEQPACKET)
		return usage();
	h.unit = argv[at + 1];
	h.rest = argv + at + 2;
	if (run(&h, act, &e) == 0)
		return 0;
	answer("failed %d %s %s", e.code ? e.code : EIO, h.maybe_made ? "made" : "none", e.text);
	return 1;
}
