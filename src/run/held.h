/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Namespaces that are kept by a name, without a process:
 *
 *	/run/holm/ns/NAME/TYPE	a mount of the namespace's file
 *	/run/holm/ns/NAME/init	of a pid namespace that was made for it: its first process, "PID
 *START"
 *
 * The directory is a mount of its own that is private: a mount namespace cannot be mounted where it
 * would be copied into itself.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "base/nstype.h"

#define HELD_ROOT     "/run/holm/ns"
#define HELD_NAME_MAX 32

struct held_wish {
	const char *name;
	unsigned types;                /* a bit for each enum ns_type */
	int pid;                       /* whose; 0: new ones */
	const char *uid_map, *gid_map; /* of a new user namespace, as the kernel reads them */
};

/* All of them, or nothing. */
int held_make(const struct held_wish *w, struct err *e);
/* The mounts, the first process of a pid namespace that was made for it, and the name. */
int held_drop(const char *name, struct err *e);

struct held {
	const char *name, *path;
	enum ns_type type;
	uint64_t inode; /* 0: the file is left from before a reboot, and is removed now */
	int init;       /* of a pid namespace; 0: none of ours */
};

/* By name. A return other than 0 ends the walk and is handed on. */
typedef int held_fn(void *arg, const struct held *h);
int held_list(held_fn *fn, void *arg, struct err *e);

#define HELD_PATH_MAX 128
/* Where the namespace of that type is that is held by the name; false: none is. */
bool held_path(const char *name, enum ns_type type, char out[HELD_PATH_MAX]);

/* ---- enter.c ---- */

struct spec;

struct enter_wish {
	int pid, pidfd;   /* pidfd -1: none */
	unsigned types;   /* a bit for each enum ns_type; 0: all */
	const char *root; /* a directory there that is to be the root; NULL: the process's own */
};

/* A spec that goes where a process is: its namespaces where they differ from ours, ours else. */
int enter_fill(struct spec *s, const struct enter_wish *w, struct err *e);
