/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Addresses and ports: who has which. The caller holds the lock of the host. */
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "state/network_files.h"
#include "state/state.h"
#include "sys/process.h"

#define PREFIX    "lease-"
#define PATH_MAX_ (NETWORK_NAME_MAX + LEASE_NAME_MAX + 16)

/* ---- whose ---- */

uint64_t lease_own_pid_ns(void)
{
	struct statx sx;

	return sys_statx(AT_FDCWD, "/proc/self/ns/pid", 0, STATX_INO, &sx) < 0 ? 0 : sx.stx_ino;
}

bool lease_is_left(const struct lease *l, bool thorough)
{
	uint64_t start;
	bool ended;

	if (l->pid_ns != lease_own_pid_ns())
		return false;
	if (sys_kill(l->pid, 0) == -ESRCH)
		return true;
	if (!thorough || state_process(l->pid, &start, &ended) < 0)
		return false;
	return ended || start != l->start;
}

bool lease_from_name(const char *name, struct lease *out)
{
	unsigned long long ns, start;
	unsigned number;
	int pid, end = 0;

	if (strlen(name) >= LEASE_NAME_MAX ||
	    sscanf(name, PREFIX "%u-%llx-%d-%llu%n", &number, &ns, &pid, &start, &end) != 4 ||
	    name[end] || pid <= 0)
		return false;
	*out = (struct lease){ .number = number, .pid_ns = ns, .pid = pid, .start = start };
	snprintf(out->name, sizeof(out->name), "%s", name);
	return true;
}

struct listing {
	struct arena *a;
	leases list;
};

static int add_lease(void *arg, const char *name)
{
	struct listing *l = arg;
	struct lease lease, *slot;

	if (!lease_from_name(name, &lease))
		return 0;
	slot = arena_push(l->a, &l->list.items, &l->list.n, sizeof(*slot));
	if (!slot)
		return -ENOMEM;
	*slot = lease;
	return 0;
}

int lease_list(struct arena *a, const struct networks *n, const char *network, leases *out)
{
	struct listing l = { a, { 0 } };
	int r = network_each_entry(n->fd, network, add_lease, &l);

	if (r == 0)
		*out = l.list;
	return r;
}

void lease_mac(const struct lease *l, uint8_t out[MAC_LEN])
{
	out[0] = 0x0a; /* chosen here, not by a manufacturer; and nobody's group */
	out[1] = 0x48;
	memcpy(out + 2, l->address[0].bytes, 4);
}

/* ---- which ---- */

#define NUMBERS_MAX 65536

int lease_choose(const struct network *net, const leases *taken, uint32_t wanted, uint32_t *out)
{
	uint32_t first, end;
	_cleanup_free_ uint8_t *used = calloc(1, NUMBERS_MAX);

	if (!used)
		return -ENOMEM;
	network_share(net, &first, &end);
	for (size_t i = 0; i < taken->n; i++)
		if (taken->items[i].number < NUMBERS_MAX)
			used[taken->items[i].number] = 1;
	if (wanted) {
		*out = wanted;
		return wanted < first || wanted >= end ? -ERANGE : used[wanted] ? -EADDRINUSE : 0;
	}
	for (uint32_t i = first; i < end; i++) {
		if (used[i])
			continue;
		*out = i;
		return 0;
	}
	return -ENOSPC;
}

/* ---- files ---- */

static void lease_path(const char *network, const char *name, char out[PATH_MAX_])
{
	snprintf(out, PATH_MAX_, "%s/%s", network, name);
}

int lease_load(const struct networks *n, const char *network, struct lease *l)
{
	_cleanup_buf_ struct buf text = { 0 };
	char path[PATH_MAX_], word[80];
	int r;

	lease_path(network, l->name, path);
	r = network_read_file(n->fd, path, &text);
	if (r < 0)
		return r;
	network_find_line(text.data, "interface", l->interface, sizeof(l->interface));
	network_find_line(text.data, "hostname", l->hostname, sizeof(l->hostname));
	if (network_find_line(text.data, "address4", word, sizeof(word)))
		ip_parse(word, &l->address[0]);
	if (network_find_line(text.data, "address6", word, sizeof(word)))
		ip_parse(word, &l->address[1]);
	if (network_find_line(text.data, "netns", word, sizeof(word)))
		str_u64(word, UINT64_MAX, &l->net_ns);
	return 0;
}

/* hosts(5): for the name server, which looks when a file changes. */
static int save_hosts(const struct networks *n, const struct network *net, const struct lease *l)
{
	_cleanup_buf_ struct buf text = { 0 };
	char path[PATH_MAX_], word[IP_TEXT_MAX];

	if (!*l->hostname || !net->has_dns)
		return 0;
	for (int v6 = 0; v6 < 2; v6++)
		if (l->address[v6].family)
			buf_printf(&text, "%s %s\n", ip_print(&l->address[v6], word), l->hostname);
	snprintf(path, sizeof(path), "%s/hosts", net->name);
	sys_mkdirat(n->fd, path, 0755);
	snprintf(path, sizeof(path), "%s/hosts/%u", net->name, l->number);
	return network_write_file(n->fd, path, &text);
}

int lease_save(const struct networks *n, const struct network *net, struct lease *l)
{
	_cleanup_buf_ struct buf text = { 0 };
	char path[PATH_MAX_], word[IP_TEXT_MAX];
	int r;

	snprintf(l->name, sizeof(l->name), PREFIX "%u-%llx-%d-%llu", l->number,
		 (unsigned long long)l->pid_ns, l->pid, (unsigned long long)l->start);
	buf_printf(&text, "interface %s\nnetns %llu\n", l->interface,
		   (unsigned long long)l->net_ns);
	if (*l->hostname)
		buf_printf(&text, "hostname %s\n", l->hostname);
	for (int v6 = 0; v6 < 2; v6++)
		if (l->address[v6].family)
			buf_printf(&text, "address%d %s\n", v6 ? 6 : 4,
				   ip_print(&l->address[v6], word));
	lease_path(net->name, l->name, path);
	r = network_write_file(n->fd, path, &text);
	return r < 0 ? r : save_hosts(n, net, l);
}

/* The names first: a name that leads nowhere is worse than none. */
int lease_drop(const struct networks *n, const char *network, const struct lease *l)
{
	char path[PATH_MAX_];
	bool named;
	int r;

	snprintf(path, sizeof(path), "%s/hosts/%u", network, l->number);
	named = sys_unlinkat(n->fd, path, 0) == 0;
	lease_path(network, l->name, path);
	r = sys_unlinkat(n->fd, path, 0);
	return r < 0 ? r : named;
}

/*
 * ---- ports: "t4 1f90 0000 NETWORK LEASE MAP ADDRESS" ----
 *
 * In front stands what a look for one port needs, at fixed places: protocol, family, the first of
 * the host's ports and how many follow it, in hexadecimal. So a thousand lines cost little more
 * than one.
 */
#define FRONT "t4 1f90 0000 "

static bool parse_claim(const char *line, struct port_claim *out)
{
	char map[PORTMAP_TEXT_MAX], to[IP_TEXT_MAX];

	_Static_assert(NETWORK_NAME_MAX == 32 && LEASE_NAME_MAX == 80 && PORTMAP_TEXT_MAX == 96 &&
			       IP_TEXT_MAX == 56,
		       "the widths below");
	return sscanf(line, "%*2s %*4x %*4x %32s %79s %95s %55s", out->network, out->lease, map,
		      to) == 4 &&
	       portmap_parse(map, &out->map) == 0 && ip_parse(to, &out->to) == 0;
}

static uint32_t hex4(const char *s)
{
	uint32_t value = 0;

	for (int i = 0; i < 4; i++)
		value = value << 4 | (uint32_t)(s[i] <= '9' ? s[i] - '0' : s[i] - 'a' + 10);
	return value & 0xffff;
}

static char protocol_letter(const struct portmap *p)
{
	return p->protocol == IPPROTO_UDP ? 'u' : 't';
}

static char family_letter(const struct portmap *p)
{
	return p->host.family == AF_INET6 ? '6' : '4';
}

/* Might the line be about one of these ports? */
static bool is_near(const char *line, const struct portmap *near)
{
	uint32_t first = hex4(line + 3), last = first + hex4(line + 8);

	return line[0] == protocol_letter(near) && line[1] == family_letter(near) &&
	       first < near->first + (uint32_t)near->count && near->first <= last;
}

int ports_load(struct arena *a, const struct networks *n, const struct portmap *near,
	       port_claims *out)
{
	_cleanup_buf_ struct buf text = { 0 };
	port_claims list = { 0 };
	int r = network_read_file(n->fd, "ports", &text);

	if (r < 0 && r != -ENOENT)
		return r;
	for (const char *line = text.data; r == 0 && line && *line;) {
		struct port_claim claim, *slot;
		const char *end = strchr(line, '\n');

		/* A line without an end was being written when its writer was killed. */
		if (end && end - line > (ptrdiff_t)strlen(FRONT) &&
		    (!near || is_near(line, near)) && parse_claim(line, &claim)) {
			slot = arena_push(a, &list.items, &list.n, sizeof(*slot));
			if (!slot)
				return -ENOMEM;
			*slot = claim;
		}
		line = end ? end + 1 : NULL;
	}
	*out = list;
	return 0;
}

bool ports_mention(const struct networks *n, const char *lease)
{
	_cleanup_buf_ struct buf text = { 0 };

	return network_read_file(n->fd, "ports", &text) == 0 && strstr(text.data, lease);
}

static void put_claim(struct buf *text, const struct port_claim *c)
{
	char map[PORTMAP_TEXT_MAX], to[IP_TEXT_MAX];

	buf_printf(text, "%c%c %04x %04x %s %s %s %s\n", protocol_letter(&c->map),
		   family_letter(&c->map), c->map.first, c->map.count - 1U, c->network, c->lease,
		   portmap_print(&c->map, map), ip_print(&c->to, to));
}

int ports_save(const struct networks *n, const port_claims *all)
{
	_cleanup_buf_ struct buf text = { 0 };

	for (size_t i = 0; i < all->n; i++)
		put_claim(&text, &all->items[i]);
	return network_write_file(n->fd, "ports", &text);
}

int ports_add(const struct networks *n, const struct port_claim *claims, size_t count)
{
	_cleanup_fd_ int fd =
		sys_openat(n->fd, "ports", O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, 0644);
	_cleanup_buf_ struct buf text = { 0 };

	buf_puts(&text, "\n"); /* ends what another may not have ended */
	for (size_t i = 0; i < count; i++)
		put_claim(&text, &claims[i]);
	if (fd < 0 || text.failed)
		return fd < 0 ? fd : -ENOMEM;
	return sys_write_all(fd, text.data, text.len);
}
