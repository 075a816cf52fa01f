/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "etcd.h"

#define CONNECT_MS 1000L
#define ANSWER_MS  3000L
#define ANSWER_MAX (8U << 20)

/* ---- base64 (RFC 4648) ---- */

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static char *encode(const char *text, size_t len)
{
	char *out = malloc((len + 2) / 3 * 4 + 1), *p = out;

	for (size_t i = 0; out && i < len; i += 3) {
		uint32_t n = 0;

		for (size_t k = 0; k < 3; k++)
			n = n << 8 | (i + k < len ? (unsigned char)text[i + k] : 0);
		for (unsigned k = 0; k < 4; k++)
			*p++ = (char)(i + k > len ? '=' : digits[n >> (18 - 6 * k) & 63]);
	}
	if (out)
		*p = 0;
	return out;
}

static bool decode(const char *text, char *out, size_t room)
{
	uint32_t n = 0, bits = 0;
	size_t len = 0;

	for (; *text && *text != '='; text++) {
		const char *digit = strchr(digits, *text);

		if (!digit || len + 1 >= room)
			return false;
		n = n << 6 | (uint32_t)(digit - digits);
		bits += 6;
		if (bits < 8)
			continue;
		bits -= 8;
		out[len++] = (char)(n >> bits & 255);
	}
	out[len] = 0;
	return strlen(out) == len; /* a text has no NUL in it */
}

static void put_bytes(struct json_object *o, const char *member, const char *text, size_t len)
{
	_cleanup_free_ char *word = encode(text, len);

	json_object_object_add(o, member, json_object_new_string(word ? word : ""));
}

void client_put_text(struct json_object *o, const char *member, const char *text)
{
	put_bytes(o, member, text, strlen(text));
}

bool client_get_text(struct json_object *o, const char *member, char *out, size_t room)
{
	struct json_object *v;

	return json_object_object_get_ex(o, member, &v) &&
	       json_object_is_type(v, json_type_string) &&
	       decode(json_object_get_string(v), out, room);
}

int64_t client_get_number(struct json_object *o, const char *member)
{
	struct json_object *v;

	return json_object_object_get_ex(o, member, &v) ? json_object_get_int64(v) : 0;
}

struct json_object *client_range(const char *prefix)
{
	struct json_object *o = json_object_new_object();
	size_t len = strlen(prefix);
	char end[256];

	/* The next one behind them: the last byte is a slash, which is not the greatest. */
	snprintf(end, sizeof(end), "%s", prefix);
	end[len - 1]++;
	put_bytes(o, "key", prefix, len);
	put_bytes(o, "range_end", end, len);
	return o;
}

/* ---- transfers ---- */

static size_t take(char *data, size_t size, size_t n, void *arg)
{
	struct buf *b = arg;

	buf_put(b, data, size * n);
	return b->failed || b->len > ANSWER_MAX ? 0 : size * n;
}

static CURL *begin(struct client *c, const char *path, const char *body, struct buf *answer)
{
	char url[512];
	CURL *t = curl_easy_init();

	if (!t)
		return NULL;
	snprintf(url, sizeof(url), "%s%s", c->urls[c->at], path);
	curl_easy_setopt(t, CURLOPT_URL, url);
	curl_easy_setopt(t, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(t, CURLOPT_NOPROXY,
			 "*"); /* what a variable says of proxies is not for this */
	curl_easy_setopt(t, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(t, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
	curl_easy_setopt(t, CURLOPT_COPYPOSTFIELDS, body);
	curl_easy_setopt(t, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(t, CURLOPT_WRITEDATA, answer);
	if (c->ca)
		curl_easy_setopt(t, CURLOPT_CAINFO, c->ca);
	if (c->cert)
		curl_easy_setopt(t, CURLOPT_SSLCERT, c->cert);
	if (c->key)
		curl_easy_setopt(t, CURLOPT_SSLKEY, c->key);
	return t;
}

int client_open(struct client *c)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return -ENOMEM;
	c->multi = curl_multi_init();
	return c->multi ? 0 : -ENOMEM;
}

/* etcd's own words: {"error":"...","code":5,...}, or within "error" for a stream. */
static int refused(const char *path, struct json_object *answer, struct err *e)
{
	struct json_object *v, *words;

	if (!json_object_object_get_ex(answer, "error", &v))
		return 0;
	if (json_object_object_get_ex(v, "message", &words))
		v = words;
	return err_set(e, strstr(json_object_get_string(v), "not found") ? ENOENT : EIO,
		       "etcd: %s: %s", path, json_object_get_string(v));
}

/* What is to be done is mostly about the files of TLS, and curl does not know how we call them. */
static int unreachable(const struct client *c, CURL *t, CURLcode code, const char *words,
		       struct err *e)
{
	const char *hint = "";
	curl_off_t shaken = 0;

	/* With TLS 1.3 it refuses us when for us the handshake is over: then the connection breaks.
	 */
	curl_easy_getinfo(t, CURLINFO_APPCONNECT_TIME_T, &shaken);

	if (code == CURLE_GOT_NOTHING && str_starts(c->urls[c->at], "http://"))
		hint = " (does it speak TLS? then write https://)";
	else if (code == CURLE_PEER_FAILED_VERIFICATION)
		hint = " (--etcd-ca: who has signed its certificate)";
	else if (code == CURLE_SSL_CACERT_BADFILE)
		hint = " (--etcd-ca)";
	else if (code == CURLE_SSL_CERTPROBLEM || strstr(words, "alert") ||
		 (shaken && code != CURLE_OPERATION_TIMEDOUT))
		hint = " (--etcd-cert, --etcd-key: who we are, signed by whom it trusts)";
	return err_set(e, EHOSTUNREACH, "etcd: %s: %s%s", c->urls[c->at],
		       *words ? words : curl_easy_strerror(code), hint);
}

static int ask_one(struct client *c, const char *path, const char *body, struct json_object **out,
		   struct err *e)
{
	_cleanup_buf_ struct buf text = { 0 };
	CURL *t = begin(c, path, body, &text);
	char words[CURL_ERROR_SIZE] = "";
	struct json_object *answer;
	CURLcode code;
	int r;

	if (!t)
		return err_errno(e, ENOMEM, "etcd");
	curl_easy_setopt(t, CURLOPT_TIMEOUT_MS, ANSWER_MS);
	curl_easy_setopt(t, CURLOPT_ERRORBUFFER, words);
	code = curl_easy_perform(t);
	r = code == CURLE_OK ? 0 : unreachable(c, t, code, words, e);
	curl_easy_cleanup(t);
	if (r < 0)
		return r;
	buf_put(&text, "", 1);
	answer = text.failed ? NULL : json_tokener_parse(text.data);
	if (!answer)
		return err_set(e, EPROTO, "etcd: %s%s: no answer of etcd's", c->urls[c->at], path);
	r = refused(path, answer, e);
	if (r == 0 && out)
		*out = json_object_get(answer);
	json_object_put(answer);
	return r;
}

int client_ask(struct client *c, const char *path, struct json_object *body,
	       struct json_object **out, struct err *e)
{
	const char *text = json_object_to_json_string(body);
	int r = -EHOSTUNREACH;

	for (unsigned i = 0; r == -EHOSTUNREACH && i < c->n_urls; i++) {
		r = ask_one(c, path, text, out, e);
		if (r == -EHOSTUNREACH)
			c->at = (c->at + 1) % c->n_urls;
	}
	json_object_put(body);
	return r;
}

/* ---- watching ---- */

static void end_watch(struct client *c)
{
	if (c->watch) {
		curl_multi_remove_handle(c->multi, c->watch);
		curl_easy_cleanup(c->watch);
	}
	c->watch = NULL;
	buf_done(&c->watch_body);
	c->watch_body = (struct buf){ 0 };
}

void client_watch(struct client *c, const char *prefix, int64_t revision)
{
	struct json_object *body = json_object_new_object(), *request = client_range(prefix);

	end_watch(c);
	json_object_object_add(request, "start_revision", json_object_new_int64(revision));
	json_object_object_add(body, "create_request", request);
	c->watch = begin(c, "/v3/watch", json_object_to_json_string(body), &c->watch_body);
	if (c->watch)
		curl_multi_add_handle(c->multi, c->watch);
	json_object_put(body);
	c->event = false;
}

void client_wait(struct client *c, int fd, int timeout_ms)
{
	struct curl_waitfd extra = { .fd = fd, .events = CURL_WAIT_POLLIN };
	int running = 0, left;

	/* Its first line says that it watches; what comes then is of events. */
	curl_multi_perform(c->multi, &running);
	if (!c->event)
		curl_multi_poll(c->multi, &extra, fd >= 0, timeout_ms, NULL);
	curl_multi_perform(c->multi, &running);
	if (curl_multi_info_read(c->multi, &left)) {
		end_watch(c);
		return;
	}
	buf_put(&c->watch_body, "", 1);
	c->event = c->watch_body.data && strstr(c->watch_body.data, "\"events\":[");
	if (c->watch_body.len)
		c->watch_body.len--;
}
