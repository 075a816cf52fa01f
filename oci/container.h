/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A container between two commands, and what brings one to life. */
#pragma once

#include "cg/cg.h"
#include "oci.h"
#include "run/run.h"

/* One that is there. */
struct container_ref {
	struct state_dir dir;
	struct state state;
	enum status status;
	struct cg cg; /* opened by ref_cgroup() */
	bool cg_lost; /* it had one, which is another's by now: `cg` is none */
};

#define CONTAINER_REF_INIT                           \
	{                                            \
		.dir = STATE_DIR_INIT, .cg = CG_INIT \
	}

/* To change what is written of it: its lock is held. */
int ref_open(struct oci *o, const char *id, struct container_ref *out, struct err *e);
/*
 * To look at it, signal it, freeze it, enter it: without the lock, so that neither a command that
 * hangs nor the container itself, which may stop or freeze who enters it, keeps anybody from ending
 * it. Processes are known by their pidfds, and cgroups by their marks.
 */
int ref_look(struct oci *o, const char *id, struct container_ref *out, struct err *e);
void ref_close(struct container_ref *ref);
/* What a command has left for a later one; NULL: nothing. */
const char *note(const struct state *s, const char *key);
int ref_cgroup(struct container_ref *ref, struct err *e);
/* The root of one that only chroot(2) holds, to be closed; *out -1: that of its mount namespace. */
int ref_root(const struct container_ref *ref, int *out, struct err *e);
/* It has no mount namespace, and a root that is mounted nowhere. */
bool ref_unattached(const struct container_ref *ref);
/* The words that engines look for, for a command that wants another status. */
int ref_wrong_status(const struct container_ref *ref, const char *verb, struct err *e);

#define _cleanup_ref_ __attribute__((cleanup(ref_close)))

/* Ends everything in it. */
int ref_end(struct container_ref *ref, struct err *e);
/* Ends everything in it, removes its cgroup, runs the poststop hooks, removes its state. */
int ref_destroy(struct oci *o, struct container_ref *ref, struct err *e);
/* Gives the word to start, and waits for what comes of it. */
int ref_start(struct oci *o, struct container_ref *ref, struct err *e);

struct jsonout;

/* The state as hooks read it; below another object it is its member "state". */
void state_put(struct jsonout *j, const struct state *s, int pid, const char *status);
/* The same as text; to be freed. */
char *state_text(const struct state *s, int pid, const char *status);
/*
 * The specification's "container process state", with the one descriptor that comes along: of a
 * process in the container whose first one is `first_pid`. To be freed.
 */
char *process_state_text(const struct state *s, int pid, int first_pid, const char *status,
			 const char *metadata);
int hooks_of(struct oci *o, const struct container_ref *ref, enum hook_kind kind, hooks *out,
	     struct err *e);
/* All of a kind; with `all` a failure does not end it, and is only logged. */
int hooks_run(struct oci *o, const struct container_ref *ref, enum hook_kind kind, bool all,
	      struct err *e);

/* ---- sealed.c ---- */

/*
 * Where a process of ours will be seen by others of a pid namespace that is joined: goes on as a
 * copy of the program, and does not return then. 0: there is no need.
 */
int run_sealed(struct oci *o, const struct container *c, const char *config, struct err *e);

/* ---- systemd.c ---- */

/* The program that talks to systemd; NULL: it is not there. */
const char *systemd_helper(struct oci *o);
/* For a container that is to be made. */
int systemd_choose(struct oci *o, struct container *c, struct err *e);
/* Of one that is there; nothing is done if systemd did not make its cgroup. */
int systemd_enter(struct oci *o, const struct container_ref *ref, struct container *c,
		  struct err *e);
int systemd_update(struct oci *o, struct container_ref *ref, const struct resources *limits,
		   struct err *e);
/* 1: its unit has ended, and another one has its name and its cgroup by now. */
int systemd_stop(struct oci *o, const struct container_ref *ref, struct err *e);

/* ---- rdt.c: the group of resctrl ---- */

#define RDT_NOTE_MADE    "rdt-made"    /* the group is ours to remove */
#define RDT_NOTE_MONITOR "rdt-monitor" /* the name of the one in it that counts */

/* Has a container of ours made it? */
bool rdt_is_ours(struct oci *o, const struct state_dir *dir, const char *group);
/* Removes what was made, once nobody is in it. */
int rdt_give_back(struct oci *o, struct container_ref *ref, struct err *e);
/* As the options of `update` say. */
int rdt_update(struct oci *o, struct container_ref *ref, struct err *e);
/* Into an open object; nothing for a container without a group. */
int rdt_put_stats(struct oci *o, const struct container_ref *ref, struct jsonout *j, struct err *e);

/* ---- notify.c: sd_notify(3) ---- */

#define NOTIFY_DIR "notify" /* in the state directory */

bool notify_wanted(void);
int notify_add(struct oci *o, const char *id, struct container *c);
int notify_make_dir(const struct state_dir *dir, struct err *e);
int notify_listen(const struct container_ref *ref, struct err *e);
int notify_wait(int fd, const struct container_ref *ref, struct err *e);

/* ---- descriptors.c ---- */

/* Has our caller passed as many as are to be passed on? */
int descriptors_check(const struct oci *o, const struct container_life *life, struct err *e);

/* ---- sockets.c ---- */

/* In the container's directory: whoever is to be started waits there. */
int listen_start(const struct state_dir *dir, struct err *e);
int connect_console(const char *path, struct err *e);
/* To whom the listener of its filter goes; *fd stays as it is if there is none. */
int connect_listener(const struct container *c, int *fd, struct err *e);
int send_pidfd(const char *path, const char *kind, int pidfd, struct err *e);
int write_pid_file(const char *path, int pid, struct err *e);

/* ---- create.c: from configuration to process ---- */

/* A spec that holds the container, decided; its descriptors are the keeper's. */
int spec_decide(const struct oci *o, struct spec *s, struct err *e);

/*
 * create and run: makes the container, up to where it waits for the word to start, or runs at once;
 * `box` is the caller's to wait for or to forget.
 */
int container_create(struct oci *o, const char *id, const struct create_options *opt, bool at_once,
		     struct box **box, struct container_ref *ref, struct err *e);
/*
 * restore: what create does for a container, but for the process: everything is checked and written
 * down, and its cgroup is made, in `ref`. container_revived() tells of the process that criu made.
 */
int container_revive(struct oci *o, const char *id, const struct create_options *opt,
		     struct container **out, struct container_ref *ref, struct err *e);
int container_revived(struct oci *o, struct container_ref *ref, int pid,
		      const struct create_options *opt, struct err *e);
/* Until it ends, with its terminal and our signals passed on. The exit code, or -errno. */
int foreground(struct box *b, struct err *e);
/* The same, and then it is deleted. */
int wait_and_delete(struct oci *o, const char *id, struct box *box, bool keep, struct err *e);
