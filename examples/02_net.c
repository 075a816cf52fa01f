/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lesson 2: a new network namespace has nothing but lo. We listen on a port; inside, the same port
 * is free. With the caller's network (share=net) it is not.
 */
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "example.h"

/* A listener on any free port of 127.0.0.1; the port. */
static unsigned listen_here(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&a, len) < 0 || listen(fd, 1) < 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &len) < 0)
		err(1, "listen");
	return ntohs(a.sin_port);
}

static void look_from_inside(const char *share, unsigned port)
{
	struct holm_spec *spec = new_spec();
	char script[512];

	if (share)
		set(spec, "share", share);
	/* /proc/net/tcp lists sockets of the reader's network, ports in hexadecimal. */
	snprintf(script, sizeof(script),
		 "echo \"interfaces:\" $(sed -n 's/:.*//p' /proc/net/dev);"
		 "if grep -q ':%04X .* 0A ' /proc/net/tcp; then echo 'port: in use';"
		 "else echo 'port: free'; fi",
		 port);
	finish(start(spec, script));
	holm_spec_free(spec);
}

int main(void)
{
	unsigned port = listen_here();

	printf("we listen on port %u\n", port);
	puts("in a network of its own:");
	look_from_inside(NULL, port);
	puts("in ours:");
	look_from_inside("net", port);
	return 0;
}
