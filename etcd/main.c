/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * holm-etcd join|leave NETWORK OPTION...
 *
 * "join" says "slot N" on its standard output, or "failed ERRNO TEXT". It waits for a line on its
 * standard input, which is written when it is known who it is; if that ends first it gives all
 * back. Then it goes on by itself as long as its network is there. "leave" gives back what that
 * had.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "etcd.h"

static int usage(void)
{
	fputs("holm-etcd: holm net create --etcd starts this program; it is of no use alone\n",
	      stderr);
	return 2;
}

/* "A,B,C", cut in place. */
static void read_urls(struct client *c, char *text)
{
	char *word;

	while (c->n_urls < URLS_MAX && (word = strsep(&text, ","))) {
		size_t len = strlen(word);

		if (len && word[len - 1] == '/')
			word[len - 1] = 0;
		if (*word)
			c->urls[c->n_urls++] = word;
	}
}

static bool read_options(struct host *h, int argc, char **argv)
{
	const struct {
		const char *name;
		const char **text;
		uint32_t *number;
	} rows[] = {
		{ "--dir", &h->dir, NULL },          { "--local", &h->local, NULL },
		{ "--config", &h->config, NULL },    { "--ca", &h->client.ca, NULL },
		{ "--cert", &h->client.cert, NULL }, { "--key", &h->client.key, NULL },
		{ "--ttl", NULL, &h->ttl_s },        { "--slots", NULL, &h->slots },
		{ "--slot", NULL, &h->slot },
	};

	for (int i = 3; i + 1 < argc; i += 2) {
		size_t k = 0;

		if (str_eq(argv[i], "--urls")) {
			read_urls(&h->client, argv[i + 1]);
			continue;
		}
		while (k < ARRAY_SIZE(rows) && !str_eq(argv[i], rows[k].name))
			k++;
		if (k == ARRAY_SIZE(rows))
			return false;
		if (rows[k].text)
			*rows[k].text = argv[i + 1];
		else if (str_u32(argv[i + 1], rows[k].number) < 0)
			return false;
	}
	return h->dir && h->local && h->config && h->client.n_urls && h->ttl_s && h->slots &&
	       h->slots <= 64;
}

static bool is_there(const struct host *h)
{
	char path[384];

	snprintf(path, sizeof(path), "%s/network", h->dir);
	return access(path, F_OK) == 0;
}

static int watch_names(const struct host *h)
{
	char path[384];
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	snprintf(path, sizeof(path), "%s/hosts", h->dir);
	mkdir(path, 0755); /* the first name is yet to come */
	if (fd >= 0)
		inotify_add_watch(fd, path, IN_MOVED_TO | IN_DELETE);
	return fd;
}

static bool emptied(int fd)
{
	char block[4096];
	bool some = false;

	while (fd >= 0 && read(fd, block, sizeof(block)) > 0)
		some = true;
	return some;
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000) + ts.tv_nsec / 1000000;
}

/* Once told, a trouble is told again only when it is another one. */
static void tell(int r, const struct err *e, char last[ERR_TEXT_MAX])
{
	const char *text = r < 0 ? e->text : "";

	if (!str_eq(text, last))
		syslog(r < 0 ? LOG_WARNING : LOG_NOTICE, "%s", r < 0 ? text : "etcd answers again");
	snprintf(last, ERR_TEXT_MAX, "%s", text);
}

/* The lease that runs out takes the slot along; whoever is quick gets the same again. */
static int keep(struct host *h, struct err *e)
{
	int r = host_keep_alive(h, e);

	return r == -ENOENT ? host_join(h, e) : r;
}

static void serve(struct host *h)
{
	int64_t period = h->ttl_s * INT64_C(1000) / 3, next = now_ms() + period;
	char last[ERR_TEXT_MAX] = "";
	int fd = watch_names(h);

	h->client.event = true;
	while (is_there(h)) {
		bool alive = now_ms() >= next;
		struct err e = { 0 };
		int r = 0;

		if (alive) {
			next = now_ms() + period;
			r = keep(h, &e);
		}
		if (r == 0 && (h->client.event || !h->client.watch)) {
			r = host_sync(h, &e);
			alive = true;
		}
		/* What has failed is tried again in time, not at once. */
		h->client.event = false;
		if (alive)
			tell(r, &e, last);
		client_wait(&h->client, fd, (int)MAX(next - now_ms(), 0));
		/* A box of ours came or went: the watch at etcd does not tell of that. */
		h->client.event |= emptied(fd);
	}
	cleanup_fd(&fd);
}

static void detach(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int i = 0; null >= 0 && i < 3; i++)
		dup2(null, i);
	cleanup_fd(&null);
	openlog("holm-etcd", LOG_PID, LOG_DAEMON);
}

int main(int argc, char **argv)
{
	static struct host h = { .slot = UINT32_MAX };
	bool leave = argc > 2 && str_eq(argv[1], "leave");
	struct err e = { 0 };
	int r;

	if (argc < 3 || (!leave && !str_eq(argv[1], "join")))
		return usage();
	h.network = argv[2];
	if (!read_options(&h, argc, argv))
		return usage();
	r = client_open(&h.client);
	if (r == 0)
		r = leave ? host_leave(&h, &e) : host_join(&h, &e);
	if (r < 0) {
		printf("failed %d %s\n", -r, e.text);
		return 1;
	}
	if (leave)
		return 0;
	printf("slot %u\n", h.slot);
	fflush(stdout);
	if (getchar() == EOF) {
		host_leave(&h, NULL);
		return 1;
	}
	detach();
	serve(&h);
	return 0;
}
