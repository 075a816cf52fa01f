/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Networks whose hosts are kept by etcd. Who speaks with etcd is a program of its own (etcd/), for
 * its libraries would cost every start of ours milliseconds. It has a slot of the subnet there, on
 * a lease; so the addresses of that are nobody else's, and no box has to ask for its own. When the
 * lease may have run out no more of them are given out: another host may have the slot by then.
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "run/box_net.h"
#include "run/fault.h"
#include "run/overlay.h"
#include "run/quiet.h"
#include "state/state.h"
#include "sys/fd.h"
#include "sys/process.h"

#define HELPER    "holm-etcd"
#define WORDS_MAX 40

/* ---- the program ---- */

/* Where it is installed; else beside ourselves, as in a tree where it was built. */
int etcd_find_helper(char *out, struct err *e)
{
	if (player_find_own(HELPER, out) == 0)
		return 0;
	return err_set(e, EOPNOTSUPP,
		       "net: etcd needs the program " HELPER
		       ", which is neither in " HOLM_LIBEXECDIR
		       " nor beside holm: build holm with libcurl (Debian: libcurl4-openssl-dev)");
}

static void put_word(struct buf *b, const char *option, const char *value)
{
	if (value)
		buf_printf(b, "%s\n%s\n", option, value);
}

static bool is_one_line(const char *text)
{
	return !text || (!strchr(text, '\n') && *text);
}

/* holm-etcd reads them for as long as it lives, and is started anew by whoever mends. */
static int check_file(const char *option, const char *path, bool is_secret, struct err *e)
{
	struct statx sx;
	int r;

	if (!path)
		return 0;
	if (*path != '/')
		return err_set(e, EINVAL, "net: %s %s: write its whole path", option, path);
	r = sys_statx(AT_FDCWD, path, 0, STATX_MODE, &sx);
	if (r < 0)
		return err_errno(e, -r, "net: %s %s", option, path);
	if (is_secret && (sx.stx_mode & 007))
		return err_set(e, EACCES,
			       "net: %s %s can be read by everybody: chmod o= it, and make a new "
			       "one",
			       option, path);
	return 0;
}

static int check_files(const struct overlay_wish *w, struct err *e)
{
	int r = check_file("--etcd-ca", w->etcd_ca, false, e);

	if (r == 0)
		r = check_file("--etcd-cert", w->etcd_cert, false, e);
	if (r == 0)
		r = check_file("--etcd-key", w->etcd_key, true, e);
	if (r == 0 && !w->etcd_cert != !w->etcd_key)
		r = err_set(e, EINVAL, "net: --etcd-cert and --etcd-key go together");
	return r;
}

int etcd_prepare(const struct networks *n, const struct network *net, const struct overlay_wish *w,
		 struct err *e)
{
	_cleanup_buf_ struct buf b = { 0 };
	char text[2][IP_TEXT_MAX], local[IP_TEXT_MAX];
	int r;

	if (!is_one_line(w->etcd) || !is_one_line(w->etcd_ca) || !is_one_line(w->etcd_cert) ||
	    !is_one_line(w->etcd_key))
		return err_set(e, EINVAL, "net: etcd: an address or a file's name is of one line");
	r = check_files(w, e);
	if (r < 0)
		return r;
	put_word(&b, "--urls", w->etcd);
	put_word(&b, "--ca", w->etcd_ca);
	put_word(&b, "--cert", w->etcd_cert);
	put_word(&b, "--key", w->etcd_key);
	put_word(&b, "--local", ip_print(&net->overlay.local, local));
	buf_printf(&b, "--dir\n" NETWORKS_ROOT "/%llu/%s\n", (unsigned long long)n->host,
		   net->name);
	buf_printf(&b, "--ttl\n%u\n--slots\n%u\n", w->ttl_s ? w->ttl_s : ETCD_TTL_S,
		   net->overlay.slots);
	buf_printf(&b, "--config\nsubnet %s %s vni %u port %u %s\n",
		   ip_net_print(&net->subnet[0], text[0]),
		   net->subnet[1].ip.family ? ip_net_print(&net->subnet[1], text[1]) : "-",
		   net->overlay.vni, net->overlay.port,
		   *net->overlay.key_file ? "encrypted" : "clear");
	r = etcd_save(n, net->name, &b);
	return r < 0 ? err_errno(e, -r, "net: %s: write down what etcd is asked", net->name) : 0;
}

struct words {
	_Alignas(16) char helper[PATH_MAX];
	struct buf text;
	char slot[16];
	char *argv[WORDS_MAX];
};

static void words_done(struct words *w)
{
	buf_done(&w->text);
}

/* "holm-etcd VERB NETWORK OPTION...", from what is written down. */
static int fill_words(struct words *w, const struct networks *n, const struct network *net,
		      const char *verb, struct err *e)
{
	int r = etcd_find_helper(w->helper, e);
	size_t at = 0;
	char *rest;

	if (r < 0)
		return r;
	r = etcd_load(n, net->name, &w->text);
	if (r < 0)
		return err_errno(e, -r, "net: %s: read how etcd is asked", net->name);
	w->argv[at++] = (char *)HELPER;
	w->argv[at++] = (char *)verb;
	w->argv[at++] = (char *)net->name;
	if (net->etcd_pid) { /* the slot that our boxes have addresses of */
		snprintf(w->slot, sizeof(w->slot), "%u", net->overlay.slot);
		w->argv[at++] = (char *)"--slot";
		w->argv[at++] = w->slot;
	}
	for (rest = w->text.data; *rest && at + 1 < WORDS_MAX;) {
		char *end = strchrnul(rest, '\n');

		w->argv[at++] = rest;
		rest = end + (*end != 0);
		*end = 0;
	}
	w->argv[at] = NULL;
	return 0;
}

static int spawn(struct words *w, int in_fd, int out_fd, pid_t *pid)
{
	_cleanup_fd_ int null = sys_openat(AT_FDCWD, "/dev/null", O_RDWR, 0);
	int r = null;

	if (r >= 0)
		r = sys_spawn(w->helper, w->argv, environ, (const int[]){ in_fd, out_fd, null });
	if (r < 0)
		return r;
	*pid = r;
	return 0;
}

/* A line; or nothing, if it ends without. */
static int hear(int fd, char *out, size_t room)
{
	size_t len = 0;
	ssize_t n;

	do {
		n = sys_read(fd, out + len, room - 1 - len);
		len += (size_t)MAX(n, 0);
	} while (n == -EINTR || (n > 0 && len + 1 < room && out[len - 1] != '\n'));
	out[len] = 0;
	return n < 0 ? (int)n : 0;
}

/* "slot 3", or "failed 113 WORDS". */
static int understand(const struct network *net, const char *text, uint32_t *slot, struct err *e)
{
	unsigned code;
	int at = 0;

	if (sscanf(text, "slot %u", slot) == 1)
		return *slot < net->overlay.slots
			       ? 0
			       : err_set(e, EPROTO, "net: %s: " HELPER " makes no sense",
					 net->name);
	if (sscanf(text, "failed %u %n", &code, &at) == 1 && at && code && code < 4096)
		return err_set(e, (int)code, "net: %s: %.*s", net->name,
			       (int)strcspn(text + at, "\n"), text + at);
	return err_set(e, EIO, "net: %s: " HELPER " ended without a word", net->name);
}

struct pipes {
	int in[2], out[2];
};

static void pipes_done(struct pipes *p)
{
	cleanup_fd(&p->in[0]);
	cleanup_fd(&p->in[1]);
	cleanup_fd(&p->out[0]);
	cleanup_fd(&p->out[1]);
}

/* Of "join", *go_fd is what it waits at: when that is closed without a word it gives all back. */
static int run(struct words *w, const struct network *net, pid_t *pid, int *go_fd, char *said,
	       size_t room, struct err *e)
{
	_cleanup_(pipes_done) struct pipes p = { { -1, -1 }, { -1, -1 } };
	int r = sys_pipe2(p.in, 0);

	if (r == 0)
		r = sys_pipe2(p.out, 0);
	if (r == 0)
		r = spawn(w, p.in[0], p.out[1], pid);
	cleanup_fd(&p.out[1]);
	p.out[1] = -1;
	if (r == 0)
		r = hear(p.out[0], said, room);
	if (r < 0)
		return err_errno(e, -r, "net: %s: start " HELPER, net->name);
	*go_fd = TAKE_FD(p.in[1]);
	return 0;
}

/* ---- its life ---- */

bool etcd_is_up(const struct network *net)
{
	uint64_t start;
	bool ended;

	return !net->has_etcd ||
	       (net->etcd_pid && state_process(net->etcd_pid, &start, &ended) == 0 && !ended &&
		start == net->etcd_start);
}

static void reap(pid_t pid)
{
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

/* It goes on when it is known who it is, so that whoever is killed here leaves none behind. */
static int record(const struct networks *n, struct network *net, pid_t pid, int go_fd,
		  struct err *e)
{
	bool ended;
	int r;

	net->etcd_pid = pid;
	r = state_process(pid, &net->etcd_start, &ended);
	if (r == 0)
		r = fault_point("etcd-record");
	if (r == 0)
		r = network_save(n, net);
	if (r == 0) /* it may have died */
		r = quiet_write_all(go_fd, "go\n", 3);
	return r < 0 ? err_errno(e, -r, "net: %s: write down that " HELPER " runs", net->name) : 0;
}

int etcd_start(const struct networks *n, struct network *net, struct err *e)
{
	_cleanup_(words_done) struct words w = { .text = { 0 } };
	char said[1024] = "";
	int go_fd = -1, r;
	pid_t pid = 0;

	if (etcd_is_up(net))
		return 0;
	r = fault_point("etcd-start");
	if (r < 0)
		return err_errno(e, -r, "net: %s: start " HELPER, net->name);
	r = fill_words(&w, n, net, "join", e);
	if (r == 0)
		r = run(&w, net, &pid, &go_fd, said, sizeof(said), e);
	if (r == 0)
		r = understand(net, said, &net->overlay.slot, e);
	if (r == 0)
		r = record(n, net, pid, go_fd, e);
	cleanup_fd(&go_fd);
	if (r < 0)
		reap(pid);
	return r;
}

void etcd_stop(const struct networks *n, const struct network *net)
{
	_cleanup_(words_done) struct words w = { .text = { 0 } };
	_cleanup_fd_ int fd = -1, go_fd = -1;
	char said[1024];
	pid_t pid = 0;

	if (!net->has_etcd)
		return;
	if (net->etcd_pid)
		fd = sys_pidfd_open(net->etcd_pid, 0);
	if (fd >= 0 && etcd_is_up(net))
		sys_pidfd_send_signal(fd, SIGKILL);
	/* The slot comes free at once; else, when its time has run out. */
	if (fill_words(&w, n, net, "leave", NULL) == 0)
		run(&w, net, &pid, &go_fd, said, sizeof(said), NULL);
	reap(pid);
}

int etcd_holds(const struct networks *n, const struct network *net, struct err *e)
{
	struct timespec ts;
	int64_t until = 0, now;
	int r;

	if (!net->has_etcd)
		return 0;
	clock_gettime(CLOCK_BOOTTIME, &ts);
	now = ts.tv_sec * INT64_C(1000) + ts.tv_nsec / 1000000;
	r = etcd_held_until(n, net->name, &until);
	if (r == 0 && now < until)
		return 0;
	if (!etcd_is_up(net))
		return err_set(e, ESTALE,
			       "net: %s: " HELPER
			       " does not run any more, so another host may have "
			       "our addresses (holm net check --repair starts it)",
			       net->name);
	return err_set(e, ESTALE,
		       "net: %s: etcd has not answered in time, so another host may have our "
		       "addresses: boxes that run go on, new ones have to wait for it (" HELPER
		       " says more in the log)",
		       net->name);
}
