/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is kept on disk of a container between two commands: a directory ROOT/ID, and in it
 *
 *	state.json    struct state; replaced as a whole, so that it can be read without the lock
 *	creating.json the same, as it was while the container was made
 *	config.json   the bundle's, as it was when the container was made
 *
 * config.json is the lock as well: whoever changes the container holds it (flock(2)), and a holder
 * that dies frees it.
 *
 * Of two that make the same directory one wins: that is what makes ids unique. It appears with its
 * lock already in it and held. Whether a container runs is never stored, but looked up in /proc,
 * so that nothing has to be told when it ends.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/resources.h"
#include "spec/spec.h"

#define STATE_ID_MAX 255       /* NAME_MAX: it is a directory's name */
#define STATE_MAX    (1 << 20) /* bytes of state.json: annotations can be long */

/* A socket in the directory, on which a container that was created waits for the word to start. */
#define START_SOCKET "start"

struct jsonout;

/* How far the commands have brought it. */
enum state_phase { PHASE_CREATING, PHASE_CREATED, PHASE_STARTED };

struct state {
	const char *id;
	enum state_phase phase;
	int pid; /* of the first process; 0: none yet */
	/* When it was started, in ticks since the boot: a later process with its number differs. */
	uint64_t pid_start;
	/* Of a pidfd of it, in the boot of that id; faster to compare. 0, NULL: not known. */
	uint64_t pid_inode;
	const char *boot;
	const char *bundle, *rootfs;
	const char *created; /* RFC 3339, UTC, with nanoseconds */
	uint32_t owner;      /* uid of who made it */
	bool terminal;
	const char *cgroup_manager; /* "cgroupfs", "systemd", "disabled" */
	const char *cgroup_path;    /* as the manager calls it */
	const char *systemd_unit;
	const char *freezer; /* the file that says whether it is frozen; NULL: it cannot be */
	const char *rdt_path;
	strings descriptors; /* what 0, 1, 2 were, for a restore */
	keys annotations;
	keys notes; /* whatever a command leaves for a later one */
};

#define STATE_BOOT_SIZE 48

enum status { STATUS_CREATING, STATUS_CREATED, STATUS_RUNNING, STATUS_PAUSED, STATUS_STOPPED };

const char *status_name(enum status s);

bool state_id_valid(const char *id);
int state_id_refused(const char *id, struct err *e); /* -EINVAL, with the reason */

/* ---- the directory of one container ---- */

struct state_dir {
	int root_fd, fd, lock_fd; /* -1: none */
};

#define STATE_DIR_INIT     \
	{                  \
		-1, -1, -1 \
	}

/* Makes ROOT too, if need be. -EEXIST: there is a container of this name. */
int state_create(const char *root, const char *id, struct state_dir *out, struct err *e);
/*
 * With the lock, who changes it is alone; that of another is waited for, but not for ever (-EBUSY,
 * and who it is). -ENOENT: there is no such container.
 */
int state_open(const char *root, const char *id, bool locked, struct state_dir *out, struct err *e);
void state_close(struct state_dir *d);

#define _cleanup_state_ __attribute__((cleanup(state_close)))

int state_save(const struct state_dir *d, const struct state *s, struct err *e);
/* Removes what is ours, and the directory. Further files of ours: names with a NULL at the end. */
int state_remove(const struct state_dir *d, const char *id, const char *const *more, struct err *e);

/* ---- looking, without the lock ---- */

int state_open_root(const char *root); /* a descriptor, or -errno */
/* A container whose making was just begun has no state: then only `id` is set. */
int state_load(struct arena *a, int root_fd, const char *id, struct state *out, struct err *e);
/* Is that a directory that a `create` has left that was killed long ago? Then it is removed. */
void state_sweep(int root_fd, const char *name);
/* The names of all containers below, sorted; what is left of others is swept. */
int state_list(struct arena *a, int root_fd, strings *out);

/*
 * What it is now. `root_fd` is asked for the lock of one that is being made, and whether one that
 * was created still waits.
 */
enum status state_status(const struct state *s, int root_fd);
/*
 * Is nobody there any more to take the word to start? It has been given, then, whatever is written:
 * whoever gave it may have been killed before that.
 */
bool state_was_started(int root_fd, const char *id);
/* A pidfd of its first process, if that is still the one. -ESRCH: it is gone. */
int state_pidfd(const struct state *s);
/* For a look at many, one after the other: what they have in common is looked up once. */
struct state_look {
	char boot[STATE_BOOT_SIZE];
	char dir[256]; /* where the last cgroup was; "": none */
	int dir_fd;
};

#define STATE_LOOK_INIT                             \
	{                                           \
		.boot = "", .dir = "", .dir_fd = -1 \
	}

enum status state_status_next(struct state_look *look, const struct state *s, int root_fd);
void state_look_done(struct state_look *look);

void state_boot(char out[STATE_BOOT_SIZE]); /* the id of this boot; "": not known */
/* No other process has it until the next boot (Linux 6.9). 0 or -errno. */
int state_pid_inode(int pid, uint64_t *out);
/* When `pid` was started, and whether it has ended (a zombie counts as ended). 0 or -errno. */
int state_process(int pid, uint64_t *start, bool *ended);

/* ---- text ---- */

#define STATE_TIME_SIZE 40
void state_now(char out[STATE_TIME_SIZE]);
void state_time(char out[STATE_TIME_SIZE], int64_t seconds, long ns);

/* The members of the specification's state, into an open object; `more` adds those of runc's. */
void state_print(struct jsonout *j, const struct state *s, enum status status, bool more);
