/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "base/jsonout.h"
#include "base/str.h"
#include "container.h"
#include "run/wire.h"
#include "sys/process.h"
#include "sys/sock.h"

#define END_MS 10000 /* for the kernel to end processes that were killed */

static int load(struct oci *o, const char *id, struct container_ref *out, struct err *e)
{
	bool locked = out->dir.lock_fd >= 0;
	int r = state_load(o->arena, out->dir.root_fd, id, &out->state, e);

	/* What is being made has its lock; if that is ours, then nobody makes it any more. */
	if (r == 0)
		out->status = state_status(&out->state, locked ? -1 : out->dir.root_fd);
	/* Who starts it finds out by that. */
	if (r == 0 && locked && out->status == STATUS_CREATED && o->command->run != cmd_start &&
	    state_was_started(out->dir.root_fd, id))
		out->status = STATUS_RUNNING;
	return r;
}

int ref_open(struct oci *o, const char *id, struct container_ref *out, struct err *e)
{
	int r = state_open(o->root, id, true, &out->dir, e);

	return r == 0 ? load(o, id, out, e) : r;
}

int ref_look(struct oci *o, const char *id, struct container_ref *out, struct err *e)
{
	int r = state_open(o->root, id, false, &out->dir, e);

	return r == 0 ? load(o, id, out, e) : r;
}

void ref_close(struct container_ref *ref)
{
	cg_done(&ref->cg);
	state_close(&ref->dir);
}

const char *note(const struct state *s, const char *key)
{
	for (size_t i = 0; i < s->notes.n; i++)
		if (str_eq(s->notes.items[i].key, key))
			return s->notes.items[i].value;
	return NULL;
}

/* Nobody else's cgroup, whatever is written there: an ordinary user's container may do that. */
static bool holds_its_process(struct container_ref *ref)
{
	_cleanup_(cg_pids_done) struct cg_pids pids = { 0 };

	if (ref->status == STATUS_STOPPED || cg_pids(&ref->cg, &pids, NULL) < 0)
		return false;
	for (size_t i = 0; i < pids.n; i++)
		if (pids.items[i] == ref->state.pid)
			return true;
	return false;
}

int ref_cgroup(struct container_ref *ref, struct err *e)
{
	const char *saved = note(&ref->state, "cgroup"), *none = "none\n";
	int r = ref->cg.ops ? 0 : cg_open(&ref->cg, saved ? saved : none, e);

	if (r < 0 || !cg_is_anothers(&ref->cg) || holds_its_process(ref))
		return r;
	cg_done(&ref->cg);
	ref->cg_lost = true;
	return cg_open(&ref->cg, none, e);
}

bool ref_unattached(const struct container_ref *ref)
{
	const char *how = note(&ref->state, "chroot");

	return how && str_eq(how, "unattached");
}

int ref_root(const struct container_ref *ref, int *out, struct err *e)
{
	_cleanup_fd_ int pidfd = -1, fd = -1;
	char path[64];

	*out = -1;
	if (!note(&ref->state, "chroot"))
		return 0;
	pidfd = state_pidfd(&ref->state);
	snprintf(path, sizeof(path), "/proc/%d/root", ref->state.pid);
	fd = sys_openat(AT_FDCWD, path, O_PATH | O_DIRECTORY, 0);
	/* Is the process that it was opened by still the container's? Then so is the root. */
	if (pidfd < 0 || sys_pidfd_send_signal(pidfd, 0) < 0)
		return err_set(e, ESRCH, "container not running: cannot enter \"%s\"",
			       ref->state.id);
	if (fd < 0)
		return err_errno(e, -fd, "open the root of \"%s\"", ref->state.id);
	*out = TAKE_FD(fd);
	return 0;
}

int ref_wrong_status(const struct container_ref *ref, const char *verb, struct err *e)
{
	/* containerd and podman look for these very words. */
	if (ref->status == STATUS_STOPPED)
		return err_set(e, ESRCH, "container not running: cannot %s \"%s\"", verb,
			       ref->state.id);
	return err_set(e, EINVAL, "cannot %s a container in the %s state: \"%s\"", verb,
		       status_name(ref->status), ref->state.id);
}

/* ---- hooks ---- */

void state_put(struct jsonout *j, const struct state *s, int pid, const char *status)
{
	jsonout_open(j, j->depth ? "state" : NULL, '{');
	jsonout_string(j, "ociVersion", CONFIG_VERSION);
	jsonout_string(j, "id", s->id);
	jsonout_string(j, "status", status);
	if (pid)
		jsonout_number(j, "pid", pid);
	jsonout_string(j, "bundle", s->bundle);
	if (s->annotations.n)
		jsonout_keys(j, "annotations", &s->annotations);
	jsonout_close(j, '}');
}

char *state_text(const struct state *s, int pid, const char *status)
{
	struct jsonout j = { .compact = true };

	state_put(&j, s, pid, status);
	return buf_take(&j.buf);
}

char *process_state_text(const struct state *s, int pid, int first_pid, const char *status,
			 const char *metadata)
{
	struct jsonout j = { .compact = true };

	jsonout_open(&j, NULL, '{');
	jsonout_string(&j, "ociVersion", CONFIG_VERSION);
	jsonout_open(&j, "fds", '[');
	jsonout_string(&j, NULL, "seccompFd");
	jsonout_close(&j, ']');
	jsonout_number(&j, "pid", pid);
	if (metadata)
		jsonout_string(&j, "metadata", metadata);
	state_put(&j, s, first_pid, status);
	jsonout_close(&j, '}');
	return buf_take(&j.buf);
}

static int state_memfd(const struct container_ref *ref, struct err *e)
{
	_cleanup_free_ char *text =
		state_text(&ref->state, ref->status == STATUS_STOPPED ? 0 : ref->state.pid,
			   status_name(ref->status));
	_cleanup_fd_ int fd = text ? sys_memfd_create("holm-state", 1 /* MFD_CLOEXEC */) : -ENOMEM;
	int r = fd < 0 ? fd : sys_write_all(fd, text, strlen(text));

	return r < 0 ? err_errno(e, -r, "hooks") : TAKE_FD(fd);
}

int hooks_of(struct oci *o, const struct container_ref *ref, enum hook_kind kind, hooks *out,
	     struct err *e)
{
	struct spec s = { .arena = o->arena };
	struct container c;
	char path[64];
	int r;

	*out = (hooks){ 0 };
	if (!note(&ref->state, "hooks"))
		return 0;
	snprintf(path, sizeof(path), "/proc/self/fd/%d/config.json", ref->dir.fd);
	r = config_load(o->arena, NULL, path, &c, e);
	s.container = &c;
	if (r == 0)
		r = check_hooks(&s, e);
	if (r == 0)
		*out = s.d.hooks[kind];
	return r;
}

int hooks_run(struct oci *o, const struct container_ref *ref, enum hook_kind kind, bool all,
	      struct err *e)
{
	_cleanup_fd_ int fd = -1;
	hooks list;
	int r = hooks_of(o, ref, kind, &list, e);

	if (r < 0 || list.n == 0)
		return r;
	fd = state_memfd(ref, e);
	if (fd < 0)
		return fd;
	for (size_t i = 0; i < list.n; i++) {
		char failed[HOOK_FAILED];

		r = hook_run(&list.items[i], fd, failed);
		if (r < 0)
			err_errno(e, -r, "hook %s", failed);
		if (r < 0 && !all)
			return r;
		if (r < 0)
			log_say(&o->log, LOG_LEVEL_WARNING, "%s", e->text);
	}
	return 0;
}

/* ---- the end ---- */

static int wait_end(int pidfd)
{
	struct pollfd fd = { pidfd, POLLIN, 0 };
	int n;

	do {
		n = sys_poll(&fd, 1, END_MS);
	} while (n == -EINTR);
	return n == 0 ? -ETIMEDOUT : n < 0 ? n : 0;
}

/* The first process by its pidfd, the rest by the cgroup: no number can be somebody else's. */
static int end_all(struct container_ref *ref, struct err *e)
{
	_cleanup_fd_ int pidfd = state_pidfd(&ref->state);
	int r = 0;

	if (pidfd >= 0)
		sys_pidfd_send_signal(pidfd, SIGKILL);
	/* A cgroup that is systemd's goes with its processes, and may be another's by now. */
	if (ref->cg.n && (pidfd >= 0 || !ref->state.systemd_unit))
		r = cg_kill(&ref->cg, e);
	if (pidfd >= 0 && r == 0)
		r = wait_end(pidfd);
	return r < 0 && r != -ESRCH ? err_errno(e, -r, "end the container") : 0;
}

int ref_end(struct container_ref *ref, struct err *e)
{
	int r = ref_cgroup(ref, e);

	return r == 0 ? end_all(ref, e) : r;
}

/* What has ended by itself has mostly left nobody. */
static int end_and_remove(struct oci *o, struct container_ref *ref, struct err *e)
{
	int r = -EBUSY;

	if (ref->status == STATUS_STOPPED && ref->cg.n && !ref->state.systemd_unit)
		r = cg_remove_unused(&ref->cg, NULL);
	if (r == 0)
		return 0;
	r = end_all(ref, e);
	if (r == 0 && ref->state.systemd_unit)
		r = systemd_stop(o, ref, e);
	return r == 0 && ref->cg.n ? cg_remove(&ref->cg, e) : r;
}

int ref_destroy(struct oci *o, struct container_ref *ref, struct err *e)
{
	static const char *const more[] = { START_SOCKET, NULL };
	int r = ref_cgroup(ref, e);

	if (r == 0)
		r = end_and_remove(o, ref, e);
	if (r == 0)
		r = rdt_give_back(o, ref, e);
	if (r < 0)
		return r;
	ref->status = STATUS_STOPPED;
	hooks_run(o, ref, HOOK_POSTSTOP, true, e);
	sys_unlinkat(ref->dir.fd, NOTIFY_DIR "/notify.sock", 0);
	sys_unlinkat(ref->dir.fd, NOTIFY_DIR, AT_REMOVEDIR);
	return state_remove(&ref->dir, ref->state.id, more, e);
}

/* ---- the beginning ---- */

static int connect_start(const struct container_ref *ref)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	_cleanup_fd_ int fd = sys_socket(AF_UNIX, SOCK_SEQPACKET, 0);

	snprintf(to.sun_path, sizeof(to.sun_path), "/proc/self/fd/%d/" START_SOCKET, ref->dir.fd);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		return -errno;
	return TAKE_FD(fd);
}

/* Our word lay unread: somebody, killed since, had started it before. Did that go well? */
static int hear_of_other(const struct container_ref *ref, struct err *e)
{
	_cleanup_fd_ int pidfd = state_pidfd(&ref->state);

	return pidfd >= 0
		       ? 0
		       : err_set(e, ESRCH, "start \"%s\": it ended before its command was executed",
				 ref->state.id);
}

/* What went wrong after the word was given; nothing, if the connection just ends. */
static int hear_of_failure(int fd, const struct container_ref *ref, struct err *e)
{
	struct {
		struct wire_head head;
		struct wire_started started;
	} packet;
	unsigned none = 0;
	ssize_t n;

	do {
		n = sys_recv_fds(fd, &packet, sizeof(packet), NULL, &none, 0);
	} while (n == -EINTR);
	if (n == -ECONNRESET)
		return hear_of_other(ref, e);
	if (n < (ssize_t)sizeof(packet))
		return n < 0 ? err_errno(e, (int)-n, "start") : 0;
	packet.started.failed[sizeof(packet.started.failed) - 1] = 0;
	return err_errno(e, packet.started.code, "start \"%s\": %s: %s", ref->state.id,
			 seal_step_name(packet.started.step),
			 *packet.started.failed ? packet.started.failed : "it failed");
}

int ref_start(struct oci *o, struct container_ref *ref, struct err *e)
{
	const char word = START_WORD;
	_cleanup_fd_ int fd = -1, notify_fd = -1;
	int r;

	if (ref->status != STATUS_CREATED)
		return ref_wrong_status(ref, "start", e);
	notify_fd = notify_listen(ref, e);
	if (notify_fd < -1)
		return notify_fd;
	fd = connect_start(ref);
	r = fd < 0 ? fd : (int)sys_write(fd, &word, 1);
	if (r == -ECONNREFUSED) { /* by somebody who could not write it down */
		ref->status = STATUS_RUNNING;
		return ref_wrong_status(ref, "start", e);
	}
	if (r < 0)
		return err_errno(e, -r, "start \"%s\": it does not wait to be started",
				 ref->state.id);
	r = hear_of_failure(fd, ref, e);
	if (r < 0) { /* with its end, which is a moment away */
		_cleanup_fd_ int pidfd = state_pidfd(&ref->state);

		if (pidfd >= 0)
			wait_end(pidfd);
		return r;
	}
	ref->state.phase = PHASE_STARTED;
	ref->status = STATUS_RUNNING;
	/* Where it cannot be written down, it is seen by the socket, on which nobody listens. */
	if (state_save(&ref->dir, &ref->state, e) == 0)
		sys_unlinkat(ref->dir.fd, START_SOCKET, 0);
	else
		log_say(&o->log, LOG_LEVEL_WARNING, "start \"%s\": %s", ref->state.id, e->text);
	r = hooks_run(o, ref, HOOK_POSTSTART, false, e);
	if (r < 0) { /* the specification has it stopped, and what is left of it is for `delete` */
		struct err ignored;

		ref_end(ref, &ignored);
		return r;
	}
	if (notify_fd >= 0) {
		/* That can take long: others may go on with the container meanwhile. */
		cleanup_fd(&ref->dir.lock_fd);
		ref->dir.lock_fd = -1;
		r = notify_wait(notify_fd, ref, e);
	}
	return r;
}
