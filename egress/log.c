/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One line is one write, so that lines of several boxes in one file do not mix. */
#include <errno.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/str.h"
#include "egress.h"

static int log_fd = -1;

void log_open(int fd)
{
	log_fd = fd;
}

static bool begin(struct buf *b, const char *event)
{
	struct timespec now;
	struct tm tm;
	char text[32];

	if (log_fd < 0)
		return false;
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	buf_printf(b, "{\"time\":\"%s.%03ldZ\",\"event\":\"%s\"", text, now.tv_nsec / 1000000,
		   event);
	return true;
}

static void member(struct buf *b, const char *key, const char *value)
{
	if (!value)
		return;
	buf_printf(b, ",\"%s\":", key);
	buf_json(b, value);
}

static void end(struct buf *b)
{
	buf_puts(b, "}\n");
	/* Where there is no room a line is lost; where nobody reads it any more, all are. */
	if (!b->failed && write(log_fd, b->data, b->len) < 0 && (errno == EPIPE || errno == EBADF))
		log_fd = -1;
	buf_done(b);
}

void log_name(const char *event, const char *name, const char *why)
{
	struct buf b = { 0 };

	if (!begin(&b, event))
		return;
	member(&b, "name", name);
	member(&b, "why", why);
	end(&b);
}

void log_connection(const char *event, const char *name, uint16_t port, const struct ip *to,
		    const char *why)
{
	struct buf b = { 0 };
	char text[IP_TEXT_MAX];

	if (!begin(&b, event))
		return;
	member(&b, "name", name);
	buf_printf(&b, ",\"port\":%u", port);
	member(&b, "address", to && to->family ? ip_print(to, text) : NULL);
	member(&b, "why", why);
	end(&b);
}

void log_closed(const char *name, uint16_t port, uint64_t sent, uint64_t received)
{
	struct buf b = { 0 };

	if (!begin(&b, "closed"))
		return;
	member(&b, "name", name);
	buf_printf(&b, ",\"port\":%u,\"sent\":%llu,\"received\":%llu", port,
		   (unsigned long long)sent, (unsigned long long)received);
	end(&b);
}

void log_packet(const char *protocol, const struct ip *to, uint16_t port)
{
	struct buf b = { 0 };
	char text[IP_TEXT_MAX];

	if (!begin(&b, "refused"))
		return;
	member(&b, "protocol", protocol);
	member(&b, "address", ip_print(to, text));
	if (port)
		buf_printf(&b, ",\"port\":%u", port);
	member(&b, "why", "it was reached for by address, or not by tcp");
	end(&b);
}
