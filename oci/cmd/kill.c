/* SPDX-License-Identifier: GPL-2.0-or-later */
/* holm-oci kill and delete. */
#include <errno.h>
#include <signal.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "container.h"
#include "sys/process.h"

static int signal_one(struct container_ref *ref, int signo, struct err *e)
{
	_cleanup_fd_ int fd = state_pidfd(&ref->state);
	int r = fd < 0 ? fd : sys_pidfd_send_signal(fd, signo);

	if (r < 0)
		return err_errno(e, -r, "signal \"%s\"", ref->state.id);
	if (signo != SIGKILL || ref->status != STATUS_PAUSED)
		return 0;
	/* In a v1 freezer it would wait for ever. */
	r = ref_cgroup(ref, e);
	return r < 0 ? r : cg_freeze(&ref->cg, false, e);
}

/* Without a pid namespace of its own the end of the first process ends nobody else. */
static int signal_all(struct container_ref *ref, int signo, struct err *e)
{
	int r = ref_cgroup(ref, e);

	if (r < 0)
		return r;
	if (!ref->cg.n)
		return ref->status == STATUS_STOPPED ? 0 : signal_one(ref, signo, e);
	return cg_signal(&ref->cg, signo, e);
}

int cmd_kill(struct oci *o, int argc, char **argv, struct err *e)
{
	_cleanup_ref_ struct container_ref ref = CONTAINER_REF_INIT;
	bool only_asks = argc > 1 && str_eq(argv[1], "0"); /* as kill(2) has it: is it there? */
	int signo = argc > 1 ? str_signal(argv[1]) : SIGTERM, r;

	if (signo <= 0 && !only_asks)
		return err_set(e, EINVAL, "kill: \"%.32s\" is no signal", argv[1]);
	signo = only_asks ? 0 : signo;
	r = ref_look(o, argv[0], &ref, e);
	if (r < 0)
		return r;
	if (o->opt.kill.all)
		return signal_all(&ref, signo, e);
	if (ref.status == STATUS_STOPPED || ref.status == STATUS_CREATING)
		return ref_wrong_status(&ref, "kill", e);
	return signal_one(&ref, signo, e);
}

/*
 * Before the lock is asked for: who has it may be waiting for the container, which may see to it
 * that this has no end.
 */
static int end_first(struct oci *o, const char *id, struct err *e)
{
	_cleanup_ref_ struct container_ref ref = CONTAINER_REF_INIT;
	int r = ref_look(o, id, &ref, e);

	if (r == 0 && ref.status != STATUS_STOPPED)
		r = ref_end(&ref, e);
	return r;
}

int cmd_delete(struct oci *o, int argc, char **argv, struct err *e)
{
	_cleanup_ref_ struct container_ref ref = CONTAINER_REF_INIT;
	bool force = o->opt.delete.force;
	int r = force ? end_first(o, argv[0], e) : 0;

	(void)argc;
	if (r == 0)
		r = ref_open(o, argv[0], &ref, e);
	if (r == -ENOENT && force)
		return 0;
	if (r < 0)
		return r;
	if (!force && (ref.status == STATUS_RUNNING || ref.status == STATUS_PAUSED))
		return ref_wrong_status(&ref, "delete", e);
	return ref_destroy(o, &ref, e);
}
