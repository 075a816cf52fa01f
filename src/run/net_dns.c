/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The name server of a network: dnsmasq(8), one for each, at the gateway's addresses. It reads the
 * names of boxes from a directory with a file for each, and looks again when one comes or goes
 * (inotify(7)); what else is asked goes to the host's own servers, unless the network is internal.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "run/box_net.h"
#include "run/networks.h"
#include "state/state.h"
#include "sys/fd.h"
#include "sys/process.h"

#define WORD_MAX 160

struct words {
	char text[4][WORD_MAX];
	char *argv[24];
	size_t n_text, n;
};

static void add(struct words *w, const char *word)
{
	w->argv[w->n++] = (char *)word;
}

static char *next_text(struct words *w)
{
	char *text = w->text[w->n_text++];

	add(w, text);
	return text;
}

static void fill(struct words *w, const struct networks *n, const struct network *net)
{
	static const char *const fixed[] = { "dnsmasq",      "--conf-file=/dev/null",
					     "--no-hosts",   "--bind-interfaces",
					     "--no-ping",    "--except-interface=lo",
					     "--bogus-priv", "--domain-needed" };

	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
		add(w, fixed[i]);
	if (net->internal)
		add(w, "--no-resolv");
	snprintf(next_text(w), WORD_MAX, "--interface=%s", net->bridge);
	snprintf(next_text(w), WORD_MAX, "--hostsdir=" NETWORKS_ROOT "/%llu/%s/hosts",
		 (unsigned long long)n->host, net->name);
	snprintf(next_text(w), WORD_MAX, "--pid-file=" NETWORKS_ROOT "/%llu/%s/dnsmasq.pid",
		 (unsigned long long)n->host, net->name);
}

/* It goes into the background itself, once it listens. */
static int run(char *const argv[], struct err *e)
{
	_cleanup_fd_ int null = sys_openat(AT_FDCWD, "/dev/null", O_RDWR, 0);
	char path[PLAYER_PATH_MAX];
	int pid = null < 0 ? null : player_find("dnsmasq", path), status = 0;

	if (pid == 0)
		pid = sys_spawn(path, argv, environ, (const int[]){ null, null, null });
	if (pid < 0)
		return err_errno(e, -pid,
				 "net: start dnsmasq (Debian: apt-get install dnsmasq-base; "
				 "--no-dns does without)");
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status == 0 ? 0
			   : err_set(e, EIO,
				     "net: dnsmasq ended with exit code %d: is a name "
				     "server listening at every address already?",
				     WEXITSTATUS(status));
}

static int read_pid(const struct networks *n, const struct network *net)
{
	char path[NETWORK_NAME_MAX + 16], text[16] = "";
	_cleanup_fd_ int fd = -1;
	const char *p = text;
	uint64_t pid;

	snprintf(path, sizeof(path), "%s/dnsmasq.pid", net->name);
	fd = sys_openat(n->fd, path, O_RDONLY | O_NOFOLLOW, 0);
	if (fd < 0 || sys_read(fd, text, sizeof(text) - 1) <= 0 || str_take_u64(&p, &pid) < 0)
		return -ESRCH;
	return (int)pid;
}

bool dns_is_up(const struct network *net)
{
	uint64_t start;
	bool ended;

	return !net->has_dns || (net->dns_pid && state_process(net->dns_pid, &start, &ended) == 0 &&
				 !ended && start == net->dns_start);
}

int dns_start(const struct networks *n, struct network *net, struct err *e)
{
	char path[NETWORK_NAME_MAX + 16];
	struct words w = { .n = 0 };
	bool ended;
	int r;

	if (dns_is_up(net))
		return 0;
	snprintf(path, sizeof(path), "%s/hosts", net->name);
	r = sys_mkdirat(n->fd, path, 0755);
	if (r < 0 && r != -EEXIST)
		return err_errno(e, -r, "net: %s", net->name);
	fill(&w, n, net);
	r = run(w.argv, e);
	if (r < 0)
		return r;
	net->dns_pid = read_pid(n, net);
	if (net->dns_pid <= 0 || state_process(net->dns_pid, &net->dns_start, &ended) < 0) {
		net->dns_pid = 0;
		return err_set(e, EIO, "net: %s: dnsmasq has not said its pid", net->name);
	}
	r = network_save(n, net);
	return r < 0 ? err_errno(e, -r, "net: %s", net->name) : 0;
}

static void send_signal(const struct network *net, int signo)
{
	_cleanup_fd_ int fd = -1;

	if (!net->dns_pid)
		return;
	/* First the descriptor, then the look: what it holds cannot change any more. */
	fd = sys_pidfd_open(net->dns_pid, 0);
	if (fd >= 0 && dns_is_up(net))
		sys_pidfd_send_signal(fd, signo);
}

void dns_stop(const struct network *net)
{
	send_signal(net, SIGKILL);
}

/* That a file has gone it does not notice by itself. */
void dns_look_again(const struct network *net)
{
	send_signal(net, SIGHUP);
}
