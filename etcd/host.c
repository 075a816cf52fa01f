/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "etcd.h"
#include "holm.h"

#define KEY_MAX   160
#define PATH_ROOM 384
#define PEERS_MAX 64

static void key_of(const struct host *h, const char *kind, char out[KEY_MAX])
{
	snprintf(out, KEY_MAX, "/holm/%s/%s", h->network, kind);
}

/* ---- the lease, and until when it is sure to be ours ---- */

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return ts.tv_sec * INT64_C(1000) + ts.tv_nsec / 1000000;
}

/* Read by who starts a box (run/net_etcd.c). Replaced as a whole. */
static int note_held(const struct host *h, int64_t until_ms)
{
	char path[PATH_ROOM], new[PATH_ROOM];
	_cleanup_file_ FILE *f = NULL;

	snprintf(path, sizeof(path), "%s/held", h->dir);
	snprintf(new, sizeof(new), "%s/held~", h->dir);
	f = fopen(new, "we");
	if (!f || fprintf(f, "held %lld %lld\n", (long long)until_ms, (long long)h->lease) < 0 ||
	    fflush(f) < 0)
		return -errno;
	return rename(new, path) < 0 ? -errno : 0;
}

static struct json_object *lease_body(const struct host *h)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "ID", json_object_new_int64(h->lease));
	return o;
}

static int grant(struct host *h, struct err *e)
{
	struct json_object *o = json_object_new_object(), *answer = NULL;
	int r;

	json_object_object_add(o, "TTL", json_object_new_int((int)h->ttl_s));
	r = client_ask(&h->client, "/v3/lease/grant", o, &answer, e);
	if (r < 0)
		return r;
	h->lease = client_get_number(answer, "ID");
	json_object_put(answer);
	return h->lease ? 0 : err_set(e, EPROTO, "etcd: no lease was granted");
}

int host_keep_alive(struct host *h, struct err *e)
{
	struct json_object *answer = NULL, *result;
	int64_t at = now_ms(), ttl = 0;
	int r = client_ask(&h->client, "/v3/lease/keepalive", lease_body(h), &answer, e);

	if (r < 0)
		return r;
	if (json_object_object_get_ex(answer, "result", &result))
		ttl = client_get_number(result, "TTL");
	json_object_put(answer);
	/* From when it was asked: etcd cannot have counted from earlier. */
	return ttl > 0 ? note_held(h, at + ttl * 1000)
		       : err_set(e, ENOENT, "etcd: the lease has run out");
}

/* ---- all that is there ---- */

struct slots {
	char value[PEERS_MAX][VALUE_MAX]; /* "": free */
	int64_t made[PEERS_MAX];          /* at which revision */
	struct json_object *boxes;        /* "N/NUMBER": lines */
	int64_t revision;
};

static void slots_done(struct slots *s)
{
	json_object_put(s->boxes);
}

static void take_pair(const struct host *h, struct slots *s, struct json_object *pair)
{
	char key[KEY_MAX], value[VALUE_MAX], prefix[KEY_MAX];
	uint32_t slot;
	size_t len;

	if (!client_get_text(pair, "key", key, sizeof(key)) ||
	    !client_get_text(pair, "value", value, sizeof(value)))
		return;
	key_of(h, "slots/", prefix);
	len = strlen(prefix);
	if (str_starts(key, prefix) && str_u32(key + len, &slot) == 0 && slot < h->slots) {
		memcpy(s->value[slot], value, sizeof(value));
		s->made[slot] = client_get_number(pair, "create_revision");
		return;
	}
	key_of(h, "boxes/", prefix);
	if (str_starts(key, prefix))
		json_object_object_add(s->boxes, key + len, json_object_new_string(value));
}

static int load(struct host *h, struct slots *s, struct err *e)
{
	struct json_object *answer = NULL, *pairs, *header;
	char prefix[KEY_MAX];
	int r;

	memset(s, 0, sizeof(*s));
	s->boxes = json_object_new_object();
	key_of(h, "", prefix);
	r = client_ask(&h->client, "/v3/kv/range", client_range(prefix), &answer, e);
	if (r < 0)
		return r;
	if (json_object_object_get_ex(answer, "header", &header))
		s->revision = client_get_number(header, "revision");
	if (json_object_object_get_ex(answer, "kvs", &pairs))
		for (size_t i = 0; i < json_object_array_length(pairs); i++)
			take_pair(h, s, json_object_array_get_idx(pairs, i));
	json_object_put(answer);
	return 0;
}

/* The address that stands in front of a slot's value; and with the nonce behind it. */
static void host_of(const char *value, char out[64])
{
	snprintf(out, 64, "%.*s", (int)MIN(strcspn(value, "# "), 63U), value);
}

static void peer_of(const char *value, char out[128])
{
	snprintf(out, 128, "%.*s", (int)MIN(strcspn(value, " "), 127U), value);
}

/* ---- a slot ---- */

static struct json_object *put_body(const struct host *h, const char *key, const char *value)
{
	struct json_object *o = json_object_new_object();

	client_put_text(o, "key", key);
	client_put_text(o, "value", value);
	json_object_object_add(o, "lease", json_object_new_int64(h->lease));
	return o;
}

/* 1: it is ours. 0: somebody else was there. `made`: the revision that it must still be of. */
static int claim(struct host *h, uint32_t slot, int64_t made, struct err *e)
{
	struct json_object *o = json_object_new_object(), *compare = json_object_new_object();
	struct json_object *if_ = json_object_new_array(), *then = json_object_new_array();
	struct json_object *put = json_object_new_object(), *answer = NULL, *yes;
	char kind[32], key[KEY_MAX], value[VALUE_MAX];
	int r;

	snprintf(kind, sizeof(kind), "slots/%u", slot);
	key_of(h, kind, key);
	snprintf(value, sizeof(value), "%s#%s %s", h->local, h->nonce, h->config);
	client_put_text(compare, "key", key);
	json_object_object_add(compare, "target", json_object_new_string("CREATE"));
	json_object_object_add(compare, "result", json_object_new_string("EQUAL"));
	json_object_object_add(compare, "create_revision", json_object_new_int64(made));
	json_object_array_add(if_, compare);
	json_object_object_add(put, "requestPut", put_body(h, key, value));
	json_object_array_add(then, put);
	json_object_object_add(o, "compare", if_);
	json_object_object_add(o, "success", then);
	r = client_ask(&h->client, "/v3/kv/txn", o, &answer, e);
	if (r < 0)
		return r;
	r = json_object_object_get_ex(answer, "succeeded", &yes) && json_object_get_boolean(yes);
	json_object_put(answer);
	return r;
}

/* Who was there first is right about what the network is. */
static int check_config(const struct host *h, const struct slots *s, struct err *e)
{
	int64_t own = h->slot < h->slots ? s->made[h->slot] : INT64_MAX;

	for (uint32_t i = 0; i < h->slots; i++) {
		const char *config = s->value[i] + strcspn(s->value[i], " ");
		char host[64];

		host_of(s->value[i], host);
		if (!*s->value[i] || s->made[i] > own || str_eq(host, h->local) ||
		    str_eq(config + (*config == ' '), h->config))
			continue;
		return err_set(e, EEXIST,
			       "the network %s is \"%s\" on the host %s, and would be \"%s\" here: "
			       "give the same --subnet, --vni and --port",
			       h->network, config + (*config == ' '), host, h->config);
	}
	return 0;
}

/* Ours from an earlier life; else the one behind the highest, so that what has just come free is
 * not given away at once. UINT32_MAX: there is none. */
static uint32_t choose(const struct host *h, const struct slots *s)
{
	uint32_t behind = 0;
	char host[64];

	for (uint32_t i = 0; i < h->slots; i++) {
		host_of(s->value[i], host);
		if (str_eq(host, h->local))
			return i;
		behind = *host ? i + 1 : behind;
	}
	if (h->slot < h->slots) /* the addresses of our boxes are of it */
		return *s->value[h->slot] ? UINT32_MAX : h->slot;
	for (uint32_t i = 0; i < h->slots; i++)
		if (!*s->value[(behind + i) % h->slots])
			return (behind + i) % h->slots;
	return UINT32_MAX;
}

static int take_slot(struct host *h, struct err *e)
{
	for (int tries = 0; tries < PEERS_MAX; tries++) {
		_cleanup_(slots_done) struct slots s;
		int r = load(h, &s, e);
		uint32_t slot;

		if (r == 0)
			r = check_config(h, &s, e);
		if (r < 0)
			return r;
		slot = choose(h, &s);
		if (slot == UINT32_MAX)
			return err_set(e, ENOSPC,
				       h->slot < h->slots
					       ? "slot %u of the network %s is another host's now"
					       : "none of the %u slots of the network %s is free",
				       h->slot < h->slots ? h->slot : h->slots, h->network);
		r = claim(h, slot, s.made[slot], e);
		if (r < 0)
			return r;
		if (r == 0)
			continue;
		h->slot = slot;
		return 0;
	}
	return err_set(e, EAGAIN, "etcd: too many hosts come at once");
}

/* Each time that it comes: keys are made from it, which must be other ones then. */
static int new_nonce(struct host *h)
{
	unsigned char bytes[16];

	if (getentropy(bytes, sizeof(bytes)) < 0)
		return -errno;
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(h->nonce + 2 * i, 3, "%02x", bytes[i]);
	return 0;
}

int host_join(struct host *h, struct err *e)
{
	_cleanup_(slots_done) struct slots s = { .boxes = NULL };
	int r = new_nonce(h) < 0 ? err_set(e, EIO, "no random numbers") : grant(h, e);

	if (r == 0)
		r = take_slot(h, e);
	if (r == 0) /* two may have come at once, with different ideas */
		r = load(h, &s, e);
	if (r == 0)
		r = check_config(h, &s, e);
	if (r == 0)
		return host_keep_alive(h, e);
	if (h->lease)
		client_ask(&h->client, "/v3/lease/revoke", lease_body(h), NULL, NULL);
	return r;
}

int host_leave(struct host *h, struct err *e)
{
	char path[PATH_ROOM];
	_cleanup_file_ FILE *f = NULL;
	long long until, lease;

	snprintf(path, sizeof(path), "%s/held", h->dir);
	f = fopen(path, "re");
	if (!f || fscanf(f, "held %lld %lld", &until, &lease) != 2)
		return 0;
	h->lease = lease;
	return client_ask(&h->client, "/v3/lease/revoke", lease_body(h), NULL, e);
}

/* ---- both ways ---- */

static int apply_peers(struct host *h, const struct slots *s, struct err *e)
{
	char hosts[PEERS_MAX][128];
	const char *list[PEERS_MAX + 1] = { NULL };
	_cleanup_buf_ struct buf all = { 0 };
	struct holm_error error;
	size_t n = 0;

	for (uint32_t i = 0; i < h->slots; i++) {
		if (!*s->value[i])
			continue;
		peer_of(s->value[i], hosts[n]);
		buf_printf(&all, "%s ", hosts[n]);
		list[n] = hosts[n];
		n++;
	}
	buf_puts(&all, json_object_to_json_string(s->boxes));
	buf_put(&all, "", 1);
	if (h->peers.len && str_eq(h->peers.data, all.data))
		return 0;
	if (holm_net_peers(h->network, HOLM_PEERS_SET, list, &error) < 0)
		return err_set(e, error.code, "%s", error.text);
	buf_done(&h->peers);
	h->peers = all;
	all = (struct buf){ 0 };
	return 0;
}

/* Files beside those of our own boxes, for the name server: "r-SLOT-NUMBER". */
static void apply_names(const struct host *h, const struct slots *s)
{
	char dir[PATH_ROOM], path[PATH_ROOM + 300];
	struct dirent *d;
	uint32_t slot, number;
	DIR *all;

	snprintf(dir, sizeof(dir), "%s/hosts", h->dir);
	json_object_object_foreach(s->boxes, key, value)
	{
		_cleanup_file_ FILE *f = NULL;

		if (sscanf(key, "%u/%u", &slot, &number) != 2 || slot == h->slot)
			continue;
		snprintf(path, sizeof(path), "%s/r-%u-%u", dir, slot, number);
		f = fopen(path, "we");
		if (f)
			fputs(json_object_get_string(value), f);
	}
	all = opendir(dir);
	while (all && (d = readdir(all))) {
		char name[64];

		if (sscanf(d->d_name, "r-%u-%u", &slot, &number) != 2)
			continue;
		snprintf(name, sizeof(name), "%u/%u", slot, number);
		snprintf(path, sizeof(path), "%s/%s", dir, d->d_name);
		if (!json_object_object_get_ex(s->boxes, name, NULL) || slot == h->slot)
			remove(path);
	}
	if (all)
		closedir(all);
}

static void read_file(const char *path, char out[VALUE_MAX])
{
	_cleanup_file_ FILE *f = fopen(path, "re");
	size_t n = f ? fread(out, 1, VALUE_MAX - 1, f) : 0;

	out[n] = 0;
}

static int forget(struct host *h, const char *box, struct err *e)
{
	struct json_object *o = json_object_new_object();
	char kind[96], key[KEY_MAX];

	snprintf(kind, sizeof(kind), "boxes/%s", box);
	key_of(h, kind, key);
	client_put_text(o, "key", key);
	return client_ask(&h->client, "/v3/kv/deleterange", o, NULL, e);
}

/* Our boxes' names, as far as they are not there; and away with those that are gone. */
static int publish(struct host *h, const struct slots *s, struct err *e)
{
	char dir[PATH_ROOM], path[PATH_ROOM + 300], name[64], kind[96], key[KEY_MAX];
	uint32_t slot, number;
	struct dirent *d;
	DIR *all;
	int r = 0;

	snprintf(dir, sizeof(dir), "%s/hosts", h->dir);
	all = opendir(dir);
	while (all && r == 0 && (d = readdir(all))) {
		char value[VALUE_MAX];
		struct json_object *there = NULL;

		if (str_u32(d->d_name, &number) < 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, d->d_name);
		snprintf(name, sizeof(name), "%u/%u", h->slot, number);
		snprintf(kind, sizeof(kind), "boxes/%s", name);
		read_file(path, value);
		key_of(h, kind, key);
		json_object_object_get_ex(s->boxes, name, &there);
		if (*value && (!there || !str_eq(json_object_get_string(there), value)))
			r = client_ask(&h->client, "/v3/kv/put", put_body(h, key, value), NULL, e);
	}
	if (all)
		closedir(all);
	json_object_object_foreach(s->boxes, of, value)
	{
		(void)value;
		if (r < 0 || sscanf(of, "%u/%u", &slot, &number) != 2 || slot != h->slot)
			continue;
		snprintf(path, sizeof(path), "%s/%u", dir, number);
		if (access(path, F_OK) < 0)
			r = forget(h, of, e);
	}
	return r;
}

int host_sync(struct host *h, struct err *e)
{
	_cleanup_(slots_done) struct slots s;
	char prefix[KEY_MAX];
	int r = load(h, &s, e);

	if (r < 0)
		return r;
	apply_names(h, &s);
	r = apply_peers(h, &s, e);
	if (r == 0)
		r = publish(h, &s, e);
	if (r == 0) {
		key_of(h, "", prefix);
		client_watch(&h->client, prefix, s.revision + 1);
	}
	return r;
}
