/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "state/network_files.h"
#include "state/state.h"
#include "sys/process.h"
#include "sys/sock.h"

#define PIECE 4096

#define NUMBERS_MAX 65536U
#define SLOTS_MAX   64U
#define SLOT_MIN    16U

static uint32_t numbers_of(uint8_t prefix)
{
	return prefix <= 16 ? NUMBERS_MAX : 1U << (32 - prefix);
}

uint32_t overlay_slots(uint8_t prefix)
{
	return MIN(SLOTS_MAX, numbers_of(prefix) / SLOT_MIN);
}

void network_share(const struct network *n, uint32_t *first, uint32_t *end)
{
	const struct overlay *o = &n->overlay;
	uint32_t numbers = numbers_of(n->subnet[0].prefix),
		 size = o->vni ? numbers / o->slots : numbers;
	uint32_t at = o->vni ? o->slot * size : 0;

	/* The first is the host's, but that of all is the network's; the last is for broadcasts. */
	*first = MAX(at, 1U) + 1;
	*end = MIN(at + size, numbers - 1);
}

struct ip network_gateway(const struct network *n, int v6)
{
	uint32_t first, end;

	network_share(n, &first, &end);
	return n->subnet[v6].ip.family ? ip_net_at(&n->subnet[v6], first - 1) : (struct ip){ 0 };
}

bool network_name_valid(const char *name)
{
	size_t len = strlen(name);

	/* What else lies beside the networks. */
	if (str_eq(name, "lock") || str_eq(name, "ports") || str_eq(name, "forwarding"))
		return false;
	return len > 0 && len <= NETWORK_NAME_MAX && name[0] != '-' &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") == len;
}

/* ---- files ---- */

int network_read_file(int dir_fd, const char *path, struct buf *out)
{
	_cleanup_fd_ int fd = sys_openat(dir_fd, path, O_RDONLY | O_NOFOLLOW, 0);
	char piece[PIECE];
	ssize_t n = fd;

	while (fd >= 0 && (n = sys_read(fd, piece, sizeof(piece))) > 0)
		buf_put(out, piece, (size_t)n);
	buf_put(out, "", 1);
	return n < 0 ? (int)n : out->failed ? -ENOMEM : 0;
}

/* Replaced as a whole. A name server that watches the directory passes over what ends in "~". */
int network_write_file(int dir_fd, const char *path, const struct buf *text)
{
	char new[NETWORK_NAME_MAX + LEASE_NAME_MAX + 8];
	_cleanup_fd_ int fd = -1;
	int r;

	if (text->failed)
		return -ENOMEM;
	snprintf(new, sizeof(new), "%s~", path);
	fd = r = sys_openat(dir_fd, new, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0644);
	if (r >= 0)
		r = sys_write_all(fd, text->data, text->len);
	return r < 0 ? r : sys_renameat(dir_fd, new, path, 0);
}

bool network_find_line(const char *text, const char *key, char *out, size_t room)
{
	size_t len = strlen(key);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, len) != 0 || line[len] != ' ')
			continue;
		snprintf(out, room, "%.*s", (int)strcspn(line + len + 1, "\n"), line + len + 1);
		return true;
	}
	return false;
}

/* ---- the host ---- */

int networks_own(uint64_t *out)
{
	_cleanup_fd_ int fd = sys_socket(AF_UNIX, SOCK_DGRAM, 0);

	return fd < 0 ? fd : sys_netns_cookie(fd, out);
}

static int open_dir(const char *path)
{
	return sys_openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
}

static void path_of_host(uint64_t host, char out[64])
{
	snprintf(out, 64, NETWORKS_ROOT "/%llu", (unsigned long long)host);
}

static int host_path(uint64_t *host, char out[64])
{
	int r = networks_own(host);

	path_of_host(*host, out);
	return r;
}

int networks_open(struct networks *out)
{
	struct networks n = NETWORKS_INIT;
	char path[64];
	int r = host_path(&n.host, path);

	if (r == 0)
		n.fd = r = open_dir(path);
	if (r >= 0)
		*out = n;
	return r < 0 ? r : 0;
}

static int make_and_open(const char *path)
{
	int r = open_dir(path);

	if (r != -ENOENT)
		return r;
	sys_mkdirat(AT_FDCWD, "/run/holm", 0755);
	sys_mkdirat(AT_FDCWD, NETWORKS_ROOT, 0755);
	r = sys_mkdirat(AT_FDCWD, path, 0755);
	return r < 0 && r != -EEXIST ? r : open_dir(path);
}

/* 1: whom we waited for has removed the directory. */
static int take_lock(struct networks *n, int how)
{
	struct statx st = { 0 };
	int r = sys_openat(n->fd, "lock", O_RDWR | O_CREAT | O_NOFOLLOW, 0600);

	if (r == -ENOENT)
		return 1;
	if (r < 0)
		return r;
	n->lock_fd = r;
	do
		r = sys_flock(n->lock_fd, how);
	while (r == -EINTR);
	if (r == 0)
		r = sys_statx(n->lock_fd, "", AT_EMPTY_PATH, STATX_NLINK, &st);
	return r < 0 ? r : st.stx_nlink == 0;
}

int networks_lock(struct networks *out, struct err *e)
{
	char path[64] = NETWORKS_ROOT;
	int r = 1;

	for (int tries = 0; r == 1 && tries < 100; tries++) {
		_cleanup_networks_ struct networks n = NETWORKS_INIT;

		r = host_path(&n.host, path);
		if (r == 0)
			n.fd = r = make_and_open(path);
		if (r >= 0)
			r = take_lock(&n, LOCK_EX);
		if (r == 0) {
			*out = n;
			n = (struct networks)NETWORKS_INIT;
		}
	}
	return r == 0 ? 0 : err_errno(e, r < 0 ? -r : EBUSY, "networks: %s", path);
}

int networks_lock_other(struct networks *out, uint64_t host)
{
	_cleanup_networks_ struct networks n = NETWORKS_INIT;
	char path[64];
	int r;

	n.host = host;
	path_of_host(host, path);
	n.fd = r = open_dir(path);
	if (r >= 0)
		r = take_lock(&n, LOCK_EX | LOCK_NB);
	if (r)
		return r < 0 ? r : -ENOENT;
	*out = n;
	n = (struct networks)NETWORKS_INIT;
	return 0;
}

void networks_close(struct networks *n)
{
	cleanup_fd(&n->lock_fd);
	cleanup_fd(&n->fd);
	*n = (struct networks)NETWORKS_INIT;
}

struct host_walk {
	int (*fn)(void *arg, uint64_t host);
	void *arg;
};

static int take_host(void *arg, const char *name)
{
	const struct host_walk *w = arg;
	uint64_t host;

	return str_take_u64(&name, &host) < 0 || *name ? 0 : w->fn(w->arg, host);
}

int networks_each(int (*fn)(void *arg, uint64_t host), void *arg)
{
	struct host_walk w = { fn, arg };

	return network_each_entry(AT_FDCWD, NETWORKS_ROOT, take_host, &w);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int network_each_entry(int dir_fd, const char *path, int (*fn)(void *arg, const char *name),
		       void *arg)
{
	_cleanup_fd_ int fd = sys_openat(dir_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	_Alignas(struct sys_dirent) char block[32768];
	ssize_t n = fd;
	int r = 0;

	while (fd >= 0 && r == 0 && (n = sys_getdents(fd, block, sizeof(block))) > 0) {
		for (ssize_t at = 0; at < n && r == 0;) {
			const struct sys_dirent *d = (const struct sys_dirent *)(block + at);

			r = *d->name == '.' ? 0 : fn(arg, d->name);
			at += d->len;
		}
	}
	return n < 0 ? (int)n : r;
}

struct name_list {
	struct arena *a;
	strings list;
};

static int add_network(void *arg, const char *name)
{
	struct name_list *l = arg;
	const char **slot;

	if (!network_name_valid(name))
		return 0;
	slot = arena_push(l->a, &l->list.items, &l->list.n, sizeof(*slot));
	if (slot)
		*slot = arena_strdup(l->a, name);
	return slot && *slot ? 0 : -ENOMEM;
}

int networks_list(struct arena *a, const struct networks *n, strings *out)
{
	struct name_list l = { a, { 0 } };
	int r = network_each_entry(n->fd, ".", add_network, &l);

	if (r < 0)
		return r;
	if (l.list.n)
		qsort(l.list.items, l.list.n, sizeof(*l.list.items), by_name);
	*out = l.list;
	return 0;
}

static int count_network(void *arg, const char *name)
{
	*(int *)arg += network_name_valid(name);
	return 0;
}

void networks_tidy(const struct networks *n)
{
	char path[64];
	int count = 0;

	if (network_each_entry(n->fd, ".", count_network, &count) < 0 || count)
		return;
	path_of_host(n->host, path);
	sys_unlinkat(n->fd, "ports", 0);
	sys_unlinkat(n->fd, "forwarding", 0);
	sys_unlinkat(n->fd, "lock", 0);
	sys_unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

/* ---- one network ---- */

static void path_in(const char *network, const char *file, char out[NETWORK_NAME_MAX + 96])
{
	snprintf(out, NETWORK_NAME_MAX + 96, "%s/%s", network, file);
}

static void read_overlay(const char *words, struct overlay *o)
{
	char local[IP_TEXT_MAX];
	unsigned port;

	if (sscanf(words, "%15s %u %u %u %u %u %55s", o->device, &o->vni, &port, &o->mtu, &o->slot,
		   &o->slots, local) != 7 ||
	    ip_parse(local, &o->local) < 0 || !o->slots || o->slot >= o->slots)
		o->vni = 0;
	else
		o->port = (uint16_t)port;
}

static void read_words(const char *text, struct network *out)
{
	unsigned long long start = 0;
	char word[160];

	if (network_find_line(text, "subnet4", word, sizeof(word)))
		ip_net_parse(word, &out->subnet[0]);
	if (network_find_line(text, "subnet6", word, sizeof(word)))
		ip_net_parse(word, &out->subnet[1]);
	if (network_find_line(text, "dns", word, sizeof(word))) {
		out->has_dns = true;
		sscanf(word, "%d %llu", &out->dns_pid, &start);
		out->dns_start = start;
	}
	network_find_line(text, "keyfile", out->overlay.key_file, sizeof(out->overlay.key_file));
	if (network_find_line(text, "etcd", word, sizeof(word))) {
		out->has_etcd = true;
		start = 0;
		sscanf(word, "%d %llu", &out->etcd_pid, &start);
		out->etcd_start = start;
	}
	if (network_find_line(text, "overlay", word, sizeof(word)))
		read_overlay(word, &out->overlay);
	out->internal = network_find_line(text, "internal", word, sizeof(word));
}

int network_load(const struct networks *n, const char *name, struct network *out)
{
	_cleanup_buf_ struct buf text = { 0 };
	char path[NETWORK_NAME_MAX + 96];
	struct network net = { 0 };
	int r;

	if (!network_name_valid(name))
		return -ENOENT;
	path_in(name, "network", path);
	r = network_read_file(n->fd, path, &text);
	if (r < 0)
		return r;
	snprintf(net.name, sizeof(net.name), "%s", name);
	read_words(text.data, &net);
	if (!network_find_line(text.data, "bridge", net.bridge, sizeof(net.bridge)) ||
	    !net.subnet[0].ip.family)
		return -EIO;
	*out = net;
	return 0;
}

static void put_overlay(struct buf *text, const struct overlay *o)
{
	char local[IP_TEXT_MAX];

	if (*o->key_file)
		buf_printf(text, "keyfile %s\n", o->key_file);
	buf_printf(text, "overlay %s %u %u %u %u %u %s\n", o->device, o->vni, o->port, o->mtu,
		   o->slot, o->slots, ip_print(&o->local, local));
}

int network_make_dir(const struct networks *n, const char *name)
{
	int r = sys_mkdirat(n->fd, name, 0755);

	return r == -EEXIST ? 0 : r;
}

int network_save(const struct networks *n, const struct network *net)
{
	_cleanup_buf_ struct buf text = { 0 };
	char path[NETWORK_NAME_MAX + 96], word[IP_TEXT_MAX];
	int r;

	buf_printf(&text, "bridge %s\nsubnet4 %s\n", net->bridge,
		   ip_net_print(&net->subnet[0], word));
	if (net->subnet[1].ip.family)
		buf_printf(&text, "subnet6 %s\n", ip_net_print(&net->subnet[1], word));
	if (net->internal)
		buf_puts(&text, "internal yes\n");
	if (net->has_etcd)
		buf_printf(&text, "etcd %d %llu\n", net->etcd_pid,
			   (unsigned long long)net->etcd_start);
	if (net->overlay.vni)
		put_overlay(&text, &net->overlay);
	if (net->has_dns)
		buf_printf(&text, "dns %d %llu\n", net->dns_pid,
			   (unsigned long long)net->dns_start);
	r = network_make_dir(n, net->name);
	if (r < 0)
		return r;
	path_in(net->name, "network", path);
	return network_write_file(n->fd, path, &text);
}

/* ---- peers ---- */

static int hex_of(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int peer_parse(const char *word, struct ip *out, struct nonce *nonce)
{
	const char *hex = strchrnul(word, '#');
	char address[IP_TEXT_MAX];

	memset(nonce, 0, sizeof(*nonce));
	snprintf(address, sizeof(address), "%.*s", (int)MIN(hex - word, IP_TEXT_MAX - 1), word);
	if (ip_parse(address, out) < 0)
		return -EINVAL;
	if (!*hex)
		return 0;
	if (strlen(++hex) != 2 * (size_t)NONCE_LEN)
		return -EINVAL;
	for (size_t i = 0; i < NONCE_LEN; i++) {
		int high = hex_of(hex[2 * i]), low = hex_of(hex[2 * i + 1]);

		if (high < 0 || low < 0)
			return -EINVAL;
		nonce->bytes[i] = (uint8_t)(high << 4 | low);
	}
	return 0;
}

static void put_peer(struct buf *text, const struct ip *ip, const struct nonce *nonce)
{
	static const struct nonce none;
	char word[IP_TEXT_MAX];

	buf_puts(text, ip_print(ip, word));
	if (memcmp(nonce, &none, sizeof(none)) != 0) {
		buf_puts(text, "#");
		for (size_t i = 0; i < NONCE_LEN; i++)
			buf_printf(text, "%02x", nonce->bytes[i]);
	}
	buf_puts(text, "\n");
}

/* The first line is our own, with an address that nobody has. */
int peers_load(const struct networks *n, const char *network, struct peers *out)
{
	_cleanup_buf_ struct buf text = { 0 };
	char path[NETWORK_NAME_MAX + 96];
	int r;

	memset(out, 0, sizeof(*out));
	path_in(network, "peers", path);
	r = network_read_file(n->fd, path, &text);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	for (const char *line = text.data; *line && out->n < PEERS_MAX;) {
		char word[IP_TEXT_MAX + 2 * NONCE_LEN];
		size_t len = strcspn(line, "\n");
		struct nonce nonce;
		struct ip ip;

		snprintf(word, sizeof(word), "%.*s", (int)len, line);
		if (peer_parse(word, &ip, &nonce) == 0 && ip_is_any(&ip)) {
			out->own = nonce;
		} else if (ip.family) {
			out->nonces[out->n] = nonce;
			out->items[out->n++] = ip;
		}
		line += len + (line[len] == '\n');
	}
	return 0;
}

int peers_save(const struct networks *n, const char *network, const struct peers *peers)
{
	const struct ip own = { .family = AF_INET };
	_cleanup_buf_ struct buf text = { 0 };
	char path[NETWORK_NAME_MAX + 96];

	put_peer(&text, &own, &peers->own);
	for (size_t i = 0; i < peers->n; i++)
		put_peer(&text, &peers->items[i], &peers->nonces[i]);
	path_in(network, "peers", path);
	return network_write_file(n->fd, path, &text);
}

int keys_load(const struct networks *n, const char *network, struct buf *out)
{
	char path[NETWORK_NAME_MAX + 96];
	int r;

	path_in(network, "keys", path);
	r = network_read_file(n->fd, path, out);
	return r == -ENOENT ? 0 : r;
}

int keys_add(const struct networks *n, const char *network, const char *line)
{
	char path[NETWORK_NAME_MAX + 96];
	_cleanup_fd_ int fd = -1;

	path_in(network, "keys", path);
	fd = sys_openat(n->fd, path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, 0600);
	return fd < 0 ? fd : sys_write_all(fd, line, strlen(line));
}

/* ---- etcd ---- */

int etcd_save(const struct networks *n, const char *network, const struct buf *words)
{
	char path[NETWORK_NAME_MAX + 96];

	path_in(network, "etcd", path);
	return network_write_file(n->fd, path, words);
}

int etcd_load(const struct networks *n, const char *network, struct buf *out)
{
	char path[NETWORK_NAME_MAX + 96];

	path_in(network, "etcd", path);
	return network_read_file(n->fd, path, out);
}

int etcd_held_until(const struct networks *n, const char *network, int64_t *out_ms)
{
	_cleanup_buf_ struct buf text = { 0 };
	char path[NETWORK_NAME_MAX + 96];
	long long until;
	int r;

	path_in(network, "held", path);
	r = network_read_file(n->fd, path, &text);
	if (r < 0)
		return r;
	if (sscanf(text.data, "held %lld", &until) != 1)
		return -EIO;
	*out_ms = until;
	return 0;
}

/* ---- the end ---- */

struct removal {
	int dir_fd;
	const char *below;
};

static int remove_entry(void *arg, const char *name)
{
	const struct removal *rm = arg;
	char path[NETWORK_NAME_MAX + 96 + 256];

	snprintf(path, sizeof(path), "%s/%s", rm->below, name);
	sys_unlinkat(rm->dir_fd, path, 0);
	return 0;
}

/* The record goes first: from then on there is no such network. */
int network_forget(const struct networks *n, const char *name)
{
	char path[NETWORK_NAME_MAX + 96];
	struct removal rm = { n->fd, path };

	path_in(name, "network", path);
	sys_unlinkat(n->fd, path, 0);
	path_in(name, "hosts", path);
	network_each_entry(n->fd, path, remove_entry, &rm);
	sys_unlinkat(n->fd, path, AT_REMOVEDIR);
	path_in(name, "watchers", path);
	network_each_entry(n->fd, path, remove_entry, &rm);
	sys_unlinkat(n->fd, path, AT_REMOVEDIR);
	path_in(name, "", path);
	network_each_entry(n->fd, path, remove_entry, &rm);
	return sys_unlinkat(n->fd, name, AT_REMOVEDIR);
}
