/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Overlays that are encrypted. All hosts have the same secret in a file; each tells the others, by
 * etcd, a nonce that it has chosen when it came. From the secret, both ends and both nonces each
 * makes the same key for each direction. So no key outlives the counters that it is used with: who
 * comes again has another nonce. A list of all that were in use says of a key that is missing that
 * it has to be another one.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/hmac.h"
#include "base/str.h"
#include "net/esp.h"
#include "run/fault.h"
#include "run/overlay.h"
#include "sys/fd.h"
#include "sys/process.h"

#define SECRET_MIN 32
#define SECRET_MAX 4096

struct secret {
	uint8_t bytes[SECRET_MAX];
	size_t len;
};

static void forget_secret(struct secret *s)
{
	explicit_bzero(s, sizeof(*s));
}

#define _cleanup_secret_ _cleanup_(forget_secret)

static int read_secret(const char *path, struct secret *out, struct err *e)
{
	_cleanup_fd_ int fd = sys_openat(AT_FDCWD, path, O_RDONLY, 0);
	struct statx sx;
	ssize_t n = fd;
	int r = fd < 0 ? fd : sys_statx(fd, "", AT_EMPTY_PATH, STATX_MODE | STATX_TYPE, &sx);

	if (r == 0 && (sx.stx_mode & 077))
		return err_set(
			e, EACCES,
			"net: the key file %s can be read by others: chmod 600 it, and make a "
			"new one",
			path);
	while (r == 0 && out->len < SECRET_MAX &&
	       (n = sys_read(fd, out->bytes + out->len, SECRET_MAX - out->len)) > 0)
		out->len += (size_t)n;
	if (r < 0 || n < 0)
		return err_errno(e, r < 0 ? -r : -(int)n, "net: read the key file %s", path);
	return out->len >= SECRET_MIN
		       ? 0
		       : err_set(e, EINVAL,
				 "net: the key file %s has less than %d bytes: head -c 32 "
				 "/dev/urandom makes good ones",
				 path, SECRET_MIN);
}

/* ---- keys ---- */

struct material {
	uint8_t key[2 * HMAC_LEN];
	uint32_t spi;
};

static void add_bytes(uint8_t *to, size_t *at, const void *data, size_t len)
{
	memcpy(to + *at, data, len);
	*at += len;
}

/* Everything of a fixed length, so that no two ways read the same. */
static void derive(const struct secret *secret, const struct network *net, const struct ip *from,
		   const struct nonce *from_nonce, const struct ip *to,
		   const struct nonce *to_nonce, struct material *out)
{
	uint8_t text[160] = "holm overlay esp", last[HMAC_LEN] = { 0 };
	size_t at = 16;

	memcpy(text + at, net->name, strlen(net->name));
	at += NETWORK_NAME_MAX;
	add_bytes(text, &at, from->bytes, sizeof(from->bytes));
	add_bytes(text, &at, to->bytes, sizeof(to->bytes));
	add_bytes(text, &at, from_nonce, sizeof(*from_nonce));
	add_bytes(text, &at, to_nonce, sizeof(*to_nonce));
	for (uint8_t i = 0; i < 3; i++) {
		text[at] = i;
		hmac_sha256(secret->bytes, secret->len, text, at + 1,
			    i < 2 ? out->key + (size_t)HMAC_LEN * i : last);
	}
	memcpy(&out->spi, last, sizeof(out->spi));
	out->spi |= 0x100; /* those below are reserved */
	explicit_bzero(last, sizeof(last));
}

static struct esp_way way(const struct network *net, const struct ip *peer, bool out)
{
	const struct overlay *o = &net->overlay;

	return (struct esp_way){ .from = out ? o->local : *peer,
				 .to = out ? *peer : o->local,
				 .port = o->port,
				 .id = o->vni };
}

static bool is_known(const struct nonce *n)
{
	static const struct nonce none;

	return memcmp(n, &none, sizeof(none)) != 0;
}

struct wanted {
	const struct network *net;
	const struct peers *peers;
	struct net_socket *socket;
	struct secret secret;
	struct material keys[PEERS_MAX][2]; /* in, out */
	bool there[PEERS_MAX][2];
	struct buf used;
};

static void wanted_done(struct wanted *w)
{
	buf_done(&w->used);
	explicit_bzero(w, sizeof(*w));
}

static void derive_all(struct wanted *w)
{
	const struct ip *local = &w->net->overlay.local;
	const struct peers *p = w->peers;

	for (size_t i = 0; i < p->n; i++) {
		if (!is_known(&p->own) || !is_known(&p->nonces[i]))
			continue;
		derive(&w->secret, w->net, &p->items[i], &p->nonces[i], local, &p->own,
		       &w->keys[i][0]);
		derive(&w->secret, w->net, local, &p->own, &p->items[i], &p->nonces[i],
		       &w->keys[i][1]);
	}
}

static int note_state(void *arg, const struct ip *to, uint32_t spi)
{
	struct wanted *w = arg;

	for (size_t i = 0; i < w->peers->n; i++)
		for (int out = 0; out < 2; out++)
			if (w->keys[i][out].spi == spi &&
			    ip_eq(to, out ? &w->peers->items[i] : &w->net->overlay.local))
				w->there[i][out] = true;
	return 0;
}

static int load(struct wanted *w, const struct networks *n, const struct network *net,
		const struct peers *peers, struct net_socket *s, struct err *e)
{
	int r;

	memset(w, 0, sizeof(*w));
	w->net = net;
	w->peers = peers;
	w->socket = s;
	r = read_secret(net->overlay.key_file, &w->secret, e);
	if (r < 0)
		return r;
	derive_all(w);
	r = keys_load(n, net->name, &w->used);
	buf_put(&w->used, "", 1);
	if (r == 0)
		r = esp_states(s, net->overlay.vni, note_state, w);
	return r < 0 ? err_errno(e, -r, "net: %s: look which keys there are", net->name) : 0;
}

static void key_line(const struct material *m, bool out, char line[24])
{
	snprintf(line, 24, "%s %08x\n", out ? "out" : "in", m->spi);
}

/* -EKEYEXPIRED: it was in use, and is gone. It is written down before it is put. */
static int put_key(struct wanted *w, const struct networks *n, size_t i, bool out)
{
	const struct material *m = &w->keys[i][out];
	struct esp_way wy = way(w->net, &w->peers->items[i], out);
	char line[24];
	int r;

	if (!m->spi || w->there[i][out])
		return 0;
	key_line(m, out, line);
	if (strstr(w->used.data, line))
		return -EKEYEXPIRED;
	r = keys_add(n, w->net->name, line);
	if (r == 0)
		r = fault_point("esp-key");
	return r < 0 ? r : esp_put_state(w->socket, &wy, m->spi, m->key);
}

/* ---- all of it ---- */

struct stale {
	const struct wanted *w;
	struct {
		struct ip to;
		uint32_t spi;
	} items[4 * PEERS_MAX];
	size_t n;
};

static int note_stale(void *arg, const struct ip *to, uint32_t spi)
{
	struct stale *s = arg;
	const struct wanted *w = s->w;

	for (size_t i = 0; w && i < w->peers->n; i++)
		for (int out = 0; out < 2; out++)
			if (w->keys[i][out].spi == spi)
				return 0;
	if (s->n < ARRAY_SIZE(s->items)) {
		s->items[s->n].to = *to;
		s->items[s->n++].spi = spi;
	}
	return 0;
}

/* Keys that nobody has any use for; `w` NULL: all of the network. */
static void remove_stale(struct net_socket *s, uint32_t id, const struct wanted *w)
{
	struct stale stale = { .w = w };

	if (esp_states(s, id, note_stale, &stale) < 0)
		return;
	for (size_t i = 0; i < stale.n; i++)
		esp_remove_state(s, &stale.items[i].to, stale.items[i].spi);
}

static int put_policies(struct net_socket *s, const struct network *net, const struct peers *peers)
{
	int r = fault_point("esp-policy");

	for (size_t i = 0; r == 0 && i < peers->n; i++)
		for (int out = 0; r == 0 && out < 2; out++) {
			struct esp_way w = way(net, &peers->items[i], out);

			r = esp_has_policy(s, &w, out);
			r = r == 1 ? 0 : r < 0 ? r : esp_put_policy(s, &w, out);
		}
	return r;
}

int esp_put_up(const struct networks *n, const struct network *net, const struct peers *peers,
	       struct err *e)
{
	_cleanup_(wanted_done) struct wanted w;
	struct net_socket s = { .fd = -1 };
	int r;

	memset(&w, 0, sizeof(w));
	r = *net->overlay.key_file ? esp_open(&s) : 1;
	if (r)
		return r == 1 ? 0 : err_errno(e, -r, "net: %s: speak of IPsec", net->name);
	r = put_policies(&s, net, peers);
	if (r < 0)
		err_errno(e, -r, "net: %s: demand encryption", net->name);
	if (r == 0)
		r = load(&w, n, net, peers, &s, e);
	for (size_t i = 0; r == 0 && i < peers->n; i++)
		for (int out = 0; r == 0 && out < 2; out++) {
			r = put_key(&w, n, i, out);
			if (r < 0)
				err_errno(e, -r, "net: %s: put the keys", net->name);
		}
	if (r == 0)
		remove_stale(&s, net->overlay.vni, &w);
	net_socket_close(&s);
	return r;
}

int esp_look(const struct networks *n, const struct network *net, const struct peers *peers)
{
	_cleanup_(wanted_done) struct wanted w;
	struct net_socket s = { .fd = -1 };
	int r, wrong = 0;

	memset(&w, 0, sizeof(w));
	r = *net->overlay.key_file ? esp_open(&s) : 1;
	if (r)
		return r == 1 ? 0 : r;
	r = load(&w, n, net, peers, &s, NULL);
	for (size_t i = 0; r == 0 && i < peers->n; i++)
		for (int out = 0; out < 2; out++) {
			struct esp_way wy = way(net, &peers->items[i], out);
			char line[24];

			wrong |= esp_has_policy(&s, &wy, out) != 1;
			if (!w.keys[i][out].spi || w.there[i][out])
				continue;
			wrong = 1;
			key_line(&w.keys[i][out], out, line);
			if (strstr(w.used.data, line))
				r = -EKEYEXPIRED;
		}
	net_socket_close(&s);
	return r < 0 ? r : wrong;
}

void esp_forget(const struct network *net, const struct peers *old, const struct peers *kept)
{
	struct net_socket s = { .fd = -1 };

	if (!*net->overlay.key_file || esp_open(&s) < 0)
		return;
	for (size_t i = 0; i < old->n; i++) {
		bool stays = false;

		for (size_t k = 0; k < kept->n; k++)
			stays |= ip_eq(&old->items[i], &kept->items[k]);
		for (int out = 0; !stays && out < 2; out++) {
			struct esp_way w = way(net, &old->items[i], out);

			esp_remove_policy(&s, &w, out);
		}
	}
	net_socket_close(&s);
}

void esp_take_down(const struct networks *n, const struct network *net)
{
	struct peers peers, none = { .n = 0 };
	struct net_socket s = { .fd = -1 };

	if (!*net->overlay.key_file || esp_open(&s) < 0)
		return;
	remove_stale(&s, net->overlay.vni, NULL);
	net_socket_close(&s);
	if (peers_load(n, net->name, &peers) == 0)
		esp_forget(net, &peers, &none);
}

/* ---- beforehand ---- */

/* A state that nothing uses: the kernel says whether it knows how. */
static int try_kernel(const struct network *net)
{
	struct esp_way w = { .from = net->overlay.local,
			     .to = net->overlay.local,
			     .port = net->overlay.port,
			     .id = net->overlay.vni };
	uint8_t key[ESP_KEY_LEN];
	uint32_t spi = 0x100;
	struct net_socket s;
	int r = esp_open(&s);

	if (r < 0)
		return r;
	sys_getrandom(key, sizeof(key), 0);
	sys_getrandom(&spi, sizeof(spi), 0);
	spi |= 0x100;
	r = esp_put_state(&s, &w, spi, key);
	if (r == 0)
		r = esp_remove_state(&s, &w.to, spi);
	net_socket_close(&s);
	return r;
}

/* Policies are of a port, and cannot tell two networks there apart. */
static int check_port(const struct networks *n, const struct network *net, struct err *e)
{
	struct arena *a = arena_new();
	strings names = { 0 };
	int r = a ? networks_list(a, n, &names) : -ENOMEM;

	if (r < 0)
		err_errno(e, -r, "networks");
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		struct network other;

		if (!str_eq(names.items[i], net->name) &&
		    network_load(n, names.items[i], &other) == 0 && other.overlay.vni &&
		    other.overlay.port == net->overlay.port &&
		    (*other.overlay.key_file || *net->overlay.key_file))
			r = err_set(
				e, EADDRINUSE,
				"net: %s: the network %s has port %u, and one that is encrypted "
				"has a port for itself (--port)",
				net->name, other.name, net->overlay.port);
	}
	arena_free(a);
	return r;
}

int esp_prepare(const struct networks *n, const struct network *net, struct err *e)
{
	_cleanup_secret_ struct secret secret = { .len = 0 };
	int r = net->overlay.vni ? check_port(n, net, e) : 0;

	if (r < 0 || !*net->overlay.key_file)
		return r;
	r = read_secret(net->overlay.key_file, &secret, e);
	if (r < 0)
		return r;
	r = try_kernel(net);
	return r < 0 ? err_errno(e, -r,
				 "net: %s: this kernel cannot encrypt (ESP with AES-GCM: "
				 "CONFIG_INET_ESP, CONFIG_INET6_ESP, CONFIG_CRYPTO_GCM)",
				 net->name)
		     : 0;
}
