/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * pasta(1): a program that plays the network for a namespace, with the sockets of an ordinary user.
 * It opens nothing by itself: no port of the box's here, none of ours there, and the gateway is not
 * the host. It ends with us.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "run/box_net.h"
#include "run/networks.h"
#include "sys/fd.h"
#include "sys/process.h"

#define ARGS_MAX (32 + 2 * NET_PORTS_MAX)

struct pasta {
	const char *path;
	char *argv[ARGS_MAX];
	size_t n;
	struct portmap maps[NET_PORTS_MAX]; /* with those that were chosen */
	char ports[NET_PORTS_MAX][PORTMAP_TEXT_MAX];
	char mtu[16], pid[16];
	int ready_fd, said_fd, parent;
};

static void add(struct pasta *p, const char *word)
{
	p->argv[p->n++] = (char *)word;
}

/* "127.0.0.1/8000-8009:80-89" */
static void add_port(struct pasta *p, const struct portmap *m, char out[PORTMAP_TEXT_MAX])
{
	char ip[IP_TEXT_MAX];
	int n = 0;

	if (!ip_is_any(&m->host))
		n = snprintf(out, PORTMAP_TEXT_MAX, "%s/", ip_print(&m->host, ip));
	if (m->count == 1)
		snprintf(out + n, PORTMAP_TEXT_MAX - (size_t)n, "%u:%u", m->first, m->box);
	else
		snprintf(out + n, PORTMAP_TEXT_MAX - (size_t)n, "%d-%d:%d-%d", m->first,
			 m->first + m->count - 1, m->box, m->box + m->count - 1);
	add(p, m->protocol == IPPROTO_UDP ? "-u" : "-t");
	add(p, out);
}

static bool publishes(const struct net_wish *w, uint8_t protocol)
{
	for (size_t i = 0; i < w->ports.n; i++)
		if (w->ports.items[i].protocol == protocol)
			return true;
	return false;
}

static void fill(struct pasta *p, const struct net_wish *w, int pid)
{
	static const char *const fixed[] = {
		"pasta",        "--foreground", "--quiet", "--stderr", "--pid", "/dev/stdout",
		"--config-net", "-T",           "none",    "-U",       "none",  "--ns-ifname"
	};

	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
		add(p, fixed[i]);
	add(p, w->name);
	if (!w->host)
		add(p, "--no-map-gw");
	if (geteuid() == 0) { /* else it becomes nobody, who may not enter namespaces of root's */
		add(p, "--runas");
		add(p, "0:0");
	}
	if (w->mtu) {
		snprintf(p->mtu, sizeof(p->mtu), "%u", w->mtu);
		add(p, "--mtu");
		add(p, p->mtu);
	}
	if (!publishes(w, IPPROTO_TCP)) {
		add(p, "-t");
		add(p, "none");
	}
	if (!publishes(w, IPPROTO_UDP)) {
		add(p, "-u");
		add(p, "none");
	}
	for (size_t i = 0; i < w->ports.n; i++)
		add_port(p, &p->maps[i], p->ports[i]);
	snprintf(p->pid, sizeof(p->pid), "%d", pid);
	add(p, p->pid);
}

static int find_program(const char *name, char out[512])
{
	const char *path = getenv("PATH");

	for (path = path ? path : "/usr/bin:/bin"; *path; path += *path == ':') {
		size_t len = strcspn(path, ":");

		if (len && *path == '/' && len + strlen(name) + 2 < 512) {
			snprintf(out, 512, "%.*s/%s", (int)len, path, name);
			if (sys_faccessat(AT_FDCWD, out, X_OK) == 0)
				return 0;
		}
		path += len;
	}
	return -ENOENT;
}

/* In our memory, and we wait: until it executes pasta, or ends. */
static int become_pasta(void *arg)
{
	struct pasta *p = arg;

	sys_prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (sys_getppid() != p->parent) /* who was killed before that was no help */
		return 1;
	sys_dup3(p->ready_fd, 1, 0);
	sys_dup3(p->said_fd, 2, 0);
	return -sys_execve(p->path, p->argv, environ);
}

/* The last line that it said, without what is no text. */
static void last_line(int fd, char out[96])
{
	char text[2048];
	ssize_t n = sys_lseek(fd, 0, SEEK_SET) < 0 ? -1 : sys_read(fd, text, sizeof(text) - 1);
	const char *line;

	out[0] = 0;
	while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == ' '))
		n--;
	if (n <= 0)
		return;
	text[n] = 0;
	line = strrchr(text, '\n');
	snprintf(out, 96, "%.95s", line ? line + 1 : text);
}

/* It writes its pid when all is set up. */
static int await_ready(struct run *r, struct box_net *n, struct pasta *p, int fd)
{
	char said[96], byte;
	ssize_t got;

	do {
		got = sys_read(fd, &byte, 1);
	} while (got == -EINTR);
	if (got == 1)
		return 0;
	pasta_end(n);
	last_line(p->said_fd, said);
	return err_set(r->err, ECANCELED, "pasta: %s", *said ? said : "ended before it was ready");
}

static int spawn(struct box_net *n, struct pasta *p)
{
	_cleanup_stack_ struct small_stack stack;
	struct clone_args args = {
		.flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | CLONE_CLEAR_SIGHAND,
		.exit_signal = SIGCHLD,
		.pidfd = (uintptr_t)&n->pasta_pidfd,
		.stack = (uintptr_t)&stack,
		.stack_size = sizeof(stack),
	};
	uint64_t all = ~UINT64_C(0), old;

	p->parent = sys_getpid();
	sys_sigprocmask(SIG_SETMASK, &all, &old);
	n->pasta_pid = sys_clone_fn(&args, become_pasta, p);
	sys_sigprocmask(SIG_SETMASK, &old, NULL);
	return n->pasta_pid < 0 ? n->pasta_pid : 0;
}

/* pasta binds them itself, but says little of those that are taken. */
static int choose_ports(const struct net_wish *w, struct pasta *p, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < w->ports.n; i++) {
		p->maps[i] = w->ports.items[i];
		r = port_probe(&p->maps[i], e);
	}
	return r;
}

int pasta_start(struct run *r, struct box_net *n)
{
	_cleanup_free_ struct pasta *p = calloc(1, sizeof(*p));
	_cleanup_fd_ int ready = -1, said = -1;
	int fds[2], code;
	char path[512];

	if (!p)
		return -ENOMEM;
	r->failed = "find the program pasta";
	code = find_program("pasta", path);
	if (code < 0)
		return code;
	r->failed = "start pasta";
	code = choose_ports(&r->d->nets.items[0], p, r->err);
	if (code == 0)
		code = sys_pipe2(fds, 0);
	if (code < 0)
		return code;
	ready = fds[0];
	said = p->said_fd = sys_memfd_create("pasta", 1U /* MFD_CLOEXEC */);
	p->ready_fd = fds[1];
	p->path = path;
	fill(p, &r->d->nets.items[0], r->pid);
	code = said < 0 ? said : spawn(n, p);
	close(fds[1]); /* so that its end is an end of file */
	if (code == 0)
		code = await_ready(r, n, p, ready);
	if (code == 0)
		box_net_note_ports(r, p->maps, r->d->nets.items[0].ports.n);
	return code;
}

void pasta_end(struct box_net *n)
{
	if (n->pasta_pidfd < 0)
		return;
	sys_pidfd_send_signal(n->pasta_pidfd, SIGKILL);
	while (sys_wait4(n->pasta_pid, NULL, 0, NULL) == -EINTR)
		;
	close(TAKE_FD(n->pasta_pidfd));
}
