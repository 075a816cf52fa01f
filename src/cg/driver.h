/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of this room share. */
#pragma once

#include <sys/types.h>

#include "base/str.h"
#include "cg/cg.h"

#define CG_WAIT_MS 10000 /* for what only the kernel can finish: freezing, the end of a process */

/* How a layout freezes and kills. `e` may be NULL. */
struct cg_ops {
	int (*freeze)(struct cg *cg, bool freeze, struct err *e);
	int (*is_frozen)(struct cg *cg);
	int (*kill)(struct cg *cg, struct err *e);
	int (*is_populated)(struct cg *cg);
	int (*wait_empty)(struct cg *cg, int64_t deadline_ms, struct err *e);
	int (*set_devices)(struct cg *cg, const struct resources *r, bool first_time,
			   struct err *e);
};

extern const struct cg_ops cg_ops_none, cg_ops_v1, cg_ops_hybrid, cg_ops_v2;

const struct cg_ops *cg_ops_of(enum cg_layout layout);

/* ---- file.c: files and directories of one cgroup ---- */

#define CG_FILE_MAX 16384 /* what one read takes at most; memory.stat has 2,000 */

int cg_dir_fd(struct cg_dir *d); /* belongs to `d` */
int cg_open_file(struct cg_dir *d, const char *file, int flags);
/* The file as a string, its last newline cut off: the length, or -errno. */
ssize_t cg_read(struct cg_dir *d, const char *file, char *out, size_t room);
int cg_read_u64(struct cg_dir *d, const char *file, uint64_t *out); /* "max" is CG_UNKNOWN */
int cg_write(struct cg_dir *d, const char *file, const char *text);
/* The number behind `key` in lines of "key number"; false if it is not there. */
bool cg_find_key(const char *text, const char *key, uint64_t *out);

struct cg_dir *cg_find(struct cg *cg, enum cg_controller c);
struct cg_dir *cg_unified(struct cg *cg);
/* The tree to ask for processes: v2 if there is one. NULL if there is no tree. */
struct cg_dir *cg_tracker(struct cg *cg);

/* All cgroups below `d`, parents first: relative paths, each ending in NUL. */
int cg_below(struct cg_dir *d, struct buf *out);
/* Calls fn for each process of `d` and of all below; stops when that returns non-zero. */
int cg_each_pid(struct cg_dir *d, int (*fn)(void *arg, int pid), void *arg);
/* 1 if there is one; *pid is 0 if our pid namespace does not show it. 0: there is none. */
int cg_first_pid(struct cg_dir *d, int *pid);

int64_t cg_now_ms(void);

/* ---- create.c, enable.c ---- */

bool cg_is_refusal(int r);

struct cg_enable {
	unsigned needed; /* by limits */
	unsigned wanted; /* those to be switched on */
	unsigned seen;   /* those that count as there, if they are */
	bool of_unit; /* systemd has switched on what it knows: only what is needed and missing */
	bool best_effort;
};

int cg_enable(struct cg_dir *d, const struct cg_enable *w, struct err *e);

/* ---- limits.c ---- */

/* One write that a limit comes to. */
struct cg_write {
	const char *field; /* as a bundle calls it: "memory.limit" */
	enum cg_controller controller;
	char file[96], text[128];
	char alt_file[32], alt_text[32]; /* where `file` is not there; "": no such way */
	bool optional;                   /* a file that is not there is fine */
	bool again;    /* may have to wait for a later one: try it once more at the end */
	bool last_try; /* this is that */
};

struct cg_limits {
	const struct resources *r;
	unsigned v1, v2; /* controllers that are to be had here, and there */
	/* What is in force, where a limit depends on it (v2): "max", "100000"; NULL: unknown. */
	const char *memory_now, *cpu_now;
	int (*emit)(void *arg, const struct cg_write *w); /* 1: try this row again at the end */
	/* Notes a limit that cannot be had, for the reason in `e`. NULL: that is an error. */
	int (*leave_out)(void *arg, const char *field);
	bool best_effort; /* leave out whatever cannot be had */
	void *arg;
	bool last_try;
	struct err *e;
};

/* Turns the wish into writes, in order. */
int cg_limits_each(struct cg_limits *l);
/* set.c: as cg_set() for the first time, but what cannot be had goes to cg->left_out. */
int cg_set_some(struct cg *cg, const struct resources *r, struct err *e);
/* set.c: where the rows find what is in force; the texts must stay. */
void cg_limits_present(struct cg *cg, struct cg_limits *l, char memory[32], char cpu[64]);
/* Of an update: to lift the limit on memory, the one on both together must go first. */
struct resources cg_update_wish(const struct resources *r);
unsigned cg_limits_controllers(const struct resources *r, unsigned v1, unsigned v2);
uint64_t cg_weight_of_shares(uint64_t shares);

/* ---- devices.c, devices_bpf.c ---- */

int cg_devices_v1(struct cg *cg, const struct resources *r, bool first_time, struct err *e);
int cg_devices_v2(struct cg *cg, const struct resources *r, bool first_time, struct err *e);
/* May this caller set rules for devices at all? */
bool cg_devices_allowed(int code);
