/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Cgroups that systemd makes. Who talks to systemd is a program of its own (systemd/): linking its
 * library would cost every start a millisecond. It is given its work as arguments, and answers on
 * its standard input, a socket of packets:
 *
 *	free OWN                    plan: nobody has the name; the manager's own cgroup
 *	made INVOCATION PATH        start
 *	done [other]                set, attach, stop; "other": the unit is not the one meant
 *	failed ERRNO none|made TEXT it could not; "made": something may be left to stop
 *
 * Between "free" and "made" it waits for "start PID", so that what is to be made can be written
 * down first. If the socket ends instead, so does it.
 */
#include <errno.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "cg/driver.h"
#include "sys/process.h"
#include "sys/sock.h"

#define ANSWER_MAX 8192
#define ANSWER_MS  120000 /* the helper's own limits are shorter, and say more */

static int spawn(struct cg_unit *u, const struct cg_unit_wish *w, int fd, char **argv,
		 struct err *e)
{
	posix_spawn_file_actions_t actions;
	pid_t pid;
	int r = posix_spawn_file_actions_init(&actions);

	if (r == 0)
		r = posix_spawn_file_actions_adddup2(&actions, fd, 0);
	if (r == 0)
		r = posix_spawn(&pid, w->helper, &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (r)
		return err_errno(e, r, "systemd unit %s: cannot start %s", w->name, w->helper);
	u->pid = pid;
	return 0;
}

/* `more`: further arguments, NULL at the end. */
static int open_helper(struct cg_unit *u, const struct cg_unit_wish *w, const char *verb,
		       const char *more, struct err *e)
{
	size_t n = w->properties ? w->properties->n : 0, at = 0;
	_cleanup_free_ const char **argv = calloc(n + 6, sizeof(*argv));
	_cleanup_fd_ int theirs = -1;
	int fds[2], r;

	if (!argv)
		return err_errno(e, ENOMEM, "systemd unit %s", w->name);
	argv[at++] = "holm-systemd";
	if (w->user)
		argv[at++] = "--user";
	argv[at++] = verb;
	argv[at++] = w->name;
	for (size_t i = 0; i < n; i++)
		argv[at++] = w->properties->items[i];
	argv[at] = more;
	r = sys_socketpair(AF_UNIX, SOCK_SEQPACKET, fds);
	if (r < 0)
		return err_errno(e, -r, "systemd unit %s: cannot make a socket", w->name);
	u->fd = fds[0];
	theirs = fds[1];
	r = spawn(u, w, theirs, (char **)argv, e);
	if (r < 0)
		cg_unit_close(u);
	return r;
}

/* It has nothing to clean up: whenever it is not needed any more, it may just be killed. */
void cg_unit_close(struct cg_unit *u)
{
	if (u->pid > 0) {
		sys_kill(u->pid, SIGKILL);
		while (waitpid(u->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	cleanup_fd(&u->fd);
	u->pid = u->fd = -1;
}

static ssize_t receive(int fd, char text[ANSWER_MAX])
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	unsigned none = 0;
	int r;

	do {
		r = sys_poll(&p, 1, ANSWER_MS);
	} while (r == -EINTR);
	if (r <= 0)
		return r < 0 ? r : -ETIMEDOUT;
	return sys_recv_fds(fd, text, ANSWER_MAX - 1, NULL, &none, 0);
}

/* "failed 17 none the unit is there already" */
static int refused(struct cg_unit *u, const char *text, struct err *e)
{
	uint64_t code;

	if (str_take_u64(&text, &code) < 0 || code == 0 || code > 4095 || *text++ != ' ')
		return err_set(e, EPROTO, "systemd: the helper's answer makes no sense");
	u->maybe_made = str_starts(text, "made ");
	return err_set(e, (int)code, "systemd: %s", text + strlen("made "));
}

/* The answer must begin with `word`; *rest is what stands behind it. */
static int answer(struct cg_unit *u, const char *word, char text[ANSWER_MAX], const char **rest,
		  struct err *e)
{
	ssize_t n = receive(u->fd, text);
	size_t len = strlen(word);

	if (n <= 0)
		return err_set(e, n < 0 ? (int)-n : ECHILD, "systemd: the helper %s",
			       n == -ETIMEDOUT ? "does not answer" : "ended without a word");
	text[n] = 0;
	if (str_starts(text, "failed "))
		return refused(u, text + strlen("failed "), e);
	if (!str_starts(text, word) || (text[len] && text[len] != ' '))
		return err_set(e, EPROTO, "systemd: the helper's answer makes no sense");
	*rest = text + len + (text[len] == ' ');
	return 0;
}

int cg_unit_plan(struct cg_unit *u, const struct cg_unit_wish *w, char **own, struct err *e)
{
	char text[ANSWER_MAX];
	const char *rest;
	int r = open_helper(u, w, "start", NULL, e);

	if (r == 0)
		r = answer(u, "free", text, &rest, e);
	if (r < 0)
		return r;
	*own = strdup(rest);
	return *own ? 0 : err_errno(e, ENOMEM, "systemd unit %s", w->name);
}

int cg_unit_start(struct cg_unit *u, int pid, char **path, char invocation[CG_INVOCATION_SIZE],
		  struct err *e)
{
	char text[ANSWER_MAX];
	const char *rest;
	ssize_t n;
	int r;

	snprintf(text, sizeof(text), "start %d", pid);
	/* From here on it is unknown whether there is one, until the answer says so. */
	u->maybe_made = true;
	n = sys_send_fds(u->fd, text, strlen(text), NULL, 0);
	r = n < 0 ? err_errno(e, (int)-n, "systemd: the helper has ended")
		  : answer(u, "made", text, &rest, e);
	if (r == 0 && (strcspn(rest, " ") != CG_INVOCATION_SIZE - 1 ||
		       rest[CG_INVOCATION_SIZE - 1] != ' ' || rest[CG_INVOCATION_SIZE] != '/'))
		r = err_set(e, EPROTO, "systemd: the helper's answer makes no sense");
	if (r == 0) {
		memcpy(invocation, rest, CG_INVOCATION_SIZE - 1);
		invocation[CG_INVOCATION_SIZE - 1] = 0;
		*path = strdup(rest + CG_INVOCATION_SIZE);
		r = *path ? 0 : err_errno(e, ENOMEM, "systemd unit");
	}
	cg_unit_close(u);
	return r;
}

static int ask(const struct cg_unit_wish *w, const char *verb, const char *more, struct err *e)
{
	struct cg_unit u = CG_UNIT_INIT;
	char text[ANSWER_MAX];
	const char *rest;
	int r = open_helper(&u, w, verb, more, e);

	if (r == 0)
		r = answer(&u, "done", text, &rest, e);
	if (r == 0)
		r = str_eq(rest, "other");
	cg_unit_close(&u);
	return r;
}

int cg_unit_set(const struct cg_unit_wish *w, struct err *e)
{
	return w->properties->n ? ask(w, "set", NULL, e) : 0;
}

int cg_unit_attach(const struct cg_unit_wish *w, int pid, struct err *e)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", pid);
	return ask(w, "attach", text, e);
}

int cg_unit_stop(const struct cg_unit_wish *w, const char *invocation, struct err *e)
{
	return ask(w, "stop", invocation, e);
}
