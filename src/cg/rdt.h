/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Groups of resctrl: which part of the caches and how much memory bandwidth a group of tasks may
 * use, and what it does use (Documentation/filesystems/resctrl.rst of the kernel). Intel calls this
 * RDT, AMD QoS.
 *
 * A group is a directory right below the root, and the root is the default one. In each there is
 * mon_groups, with groups that only count some of its tasks. There are as few as the processor has
 * numbers for. New tasks are in the groups of whoever clones them; when a group is removed, its
 * tasks are in the one above.
 *
 * Who makes, joins or removes groups holds the lock of the root, as the kernel's manual asks
 * everybody to: so that nobody removes as empty what somebody is about to enter.
 *
 * Results are 0 or -errno; `e` may be NULL, and says "linux.intelRdt" in front.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/list.h"

#define RDT_DEFAULT "/" /* the name of the default group */
#define RDT_PLACE   "/sys/fs/resctrl"

/*
 * The root, wherever it is mounted. -ENOENT: it is not. With a `stand_in` the directory of that
 * name is taken for it, if it is a FUSE file system: what tests have in place of the hardware.
 */
int rdt_open(const char *stand_in, struct err *e);
bool rdt_known(void); /* do kernel and processor have it? */
int rdt_lock(int root_fd, struct err *e);
void rdt_unlock(int root_fd);

bool rdt_has(int root_fd, const char *path); /* a file or directory below the root */

/* 1: there is this group; 0: nothing has its name. `monitor` NULL: the group itself. */
int rdt_exists(int root_fd, const char *group, const char *monitor, struct err *e);
int rdt_make(int root_fd, const char *group, const char *monitor, struct err *e);
/* Nothing of that name: 0. */
int rdt_remove(int root_fd, const char *group, const char *monitor, struct err *e);
/* `schemata`: lines, written as one wish. */
int rdt_set(int root_fd, const char *group, const char *schemata, struct err *e);
/* Is what `schemata` says so already, but for what `over` says of it? -EEXIST if it is not. */
int rdt_compare(int root_fd, const char *group, const char *schemata, const char *over,
		struct err *e);
/* A process, and all that it will ever clone. */
int rdt_join(int root_fd, const char *group, const char *monitor, int pid, struct err *e);
/* 1: it has tasks other than those that have ended; `ended` says which. */
int rdt_is_used(int root_fd, const char *group, bool (*ended)(int pid), struct err *e);

/* ---- rdt_schemata.c ---- */

/*
 * Does `have`, as the kernel shows schemata, say all that the lines of `want` say, but for what
 * `over` (or NULL) says, which was written later? Bandwidth is rounded up to multiples of `gran` by
 * the kernel; 0: it is not. If not, the line is left in `line`.
 */
bool rdt_matches(const char *have, const char *want, const char *over, uint64_t gran, char *line,
		 size_t room);
/* The line of a resource: "L3:0=f;1=f"; in the arena, without blanks at its head. NULL: none. */
char *rdt_line(struct arena *a, const char *schemata, const char *resource);

/* ---- rdt_stat.c ---- */

#define RDT_UNKNOWN UINT64_MAX

/* One cache, or one node of it. */
struct rdt_count {
	uint64_t llc_bytes, mbm_total_bytes, mbm_local_bytes; /* RDT_UNKNOWN: not to be had now */
};

struct rdt_stats {
	bool has_l3, has_mb;
	const char *cbm_mask;
	uint64_t min_cbm_bits, l3_closids;
	uint64_t bandwidth_gran, delay_linear, min_bandwidth, mb_closids;
	const char *l3_root, *l3, *mb_root, *mb; /* lines of schemata; NULL: none */
	LIST(struct rdt_count) counts;
};

/* `count`: what it uses as well, and not only what it may. */
int rdt_stats(int root_fd, const char *group, const char *monitor, bool count, struct arena *a,
	      struct rdt_stats *out, struct err *e);

/* ---- within the room ---- */

#define RDT_TEXT_MAX 16384 /* of a file */

int rdt_path(char *out, size_t room, const char *group, const char *monitor, const char *file);
int rdt_open_file(int root_fd, const char *path, int flags);
/* All of a small file, with NUL behind; the number of bytes or -errno. */
long rdt_read(int root_fd, const char *path, char *out, size_t room);
