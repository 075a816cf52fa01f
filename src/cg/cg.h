/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Control groups (cgroups(7)): what a group of processes may use, how much it did use, and the
 * handle by which all of it is frozen and killed. Runs in the parent and may allocate, but for
 * cg_join().
 *
 * A machine has one of these layouts:
 *
 *	v2	one tree with all controllers
 *	v1	a tree for each controller, or for a few of them together
 *	hybrid	v1 trees for controllers, and a v2 tree beside them. A container is in all of them;
 *		the v2 tree is the handle: freeze, kill and "is it empty?" without a race
 *	none	no tree that could be used
 *
 * The layout decides about freezing and killing (struct cg_ops, v1.c and v2.c). Which file a limit
 * goes to is decided controller by controller (limits.c), because a hybrid machine may have
 * hugetlb in the v2 tree and the others in v1.
 *
 * Only directories that cg_create() made, and what is below them, are ever written to. There is one
 * exception: on v2 a controller has to be switched on in the cgroups above.
 *
 * Results are 0 or -errno; `e` may be NULL.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/resources.h"

enum cg_layout { CG_NONE, CG_V1, CG_HYBRID, CG_V2 };

enum cg_controller {
	CG_CPU,
	CG_CPUACCT,
	CG_CPUSET,
	CG_MEMORY,
	CG_IO, /* v1: blkio */
	CG_PIDS,
	CG_DEVICES, /* v2: a program, in every cgroup */
	CG_FREEZER, /* v2: in every cgroup */
	CG_HUGETLB,
	CG_NET_CLS,
	CG_NET_PRIO,
	CG_PERF_EVENT,
	CG_RDMA,
	CG_MISC,
	CG_DMEM,
	CG_CONTROLLERS
};

#define CG_BIT(controller) (1U << (controller))
#define CG_TREES_MAX       20
#define CG_MARK_SIZE       17

const char *cg_layout_name(enum cg_layout layout);
const char *cg_controller_name(enum cg_controller c, bool unified);

/* ---- probe.c: the trees of this machine ---- */

struct cg_tree {
	const char *mount;    /* "/sys/fs/cgroup/cpu,cpuacct" */
	const char *root;     /* which directory of the tree is mounted there: "/", or a part */
	const char *own;      /* the caller's cgroup, below root: "/", "/user.slice/..." */
	const char *name;     /* of a v1 tree without controllers ("systemd"), else NULL */
	unsigned controllers; /* CG_BIT()s */
	bool unified;         /* v2 */
};

struct cg_system {
	enum cg_layout layout;
	size_t n;
	struct cg_tree trees[CG_TREES_MAX];
	char *text[2]; /* what the strings point into */
};

int cg_probe(struct cg_system *out, struct err *e);
void cg_system_done(struct cg_system *s);

/*
 * The parsers of /proc/self/mountinfo and /proc/self/cgroup. Both cut `text` into strings, which
 * must stay. Mounts first.
 */
void cg_parse_mounts(struct cg_system *s, char *text);
void cg_parse_own(struct cg_system *s, char *text);

/*
 * Could the caller make cgroups here, as an ordinary user too? That is the bits of the controllers
 * whose trees it may write to where a relative path leads; *tracking says whether the v2 tree is
 * among them.
 */
unsigned cg_delegated(const struct cg_system *s, bool *tracking);

/* ---- a cgroup: the same path in every tree ---- */

struct cg_dir {
	const char *path;     /* absolute */
	int fd;               /* O_PATH, opened when first needed; -1 */
	unsigned controllers; /* which limit here */
	unsigned made;        /* so many components at the end of the path are ours */
	unsigned mount_len;   /* so much of the path is the mount; 0 of one that was saved */
	bool unified;
};

/* A limit that could not be had, and why; see CG_BEST_EFFORT. */
struct cg_left_out {
	char field[32];
	char why[256];
};

struct cg {
	enum cg_layout layout;
	const struct cg_ops *ops;
	size_t n;
	struct cg_dir dirs[CG_TREES_MAX];
	bool devices_open; /* rules for devices were asked for and need a privilege; see cg_set() */
	char *text;        /* what the paths point into */
	struct cg_left_out *left_out;
	size_t n_left_out;
	char mark[CG_MARK_SIZE]; /* of its owner, see mark.c; "": it cannot be told */
};

#define CG_INIT             \
	{                   \
		.ops = NULL \
	}

void cg_done(struct cg *cg); /* closes; the cgroup stays */

/* What to do about a refusal: behind the words of an error. */
#define CG_NEEDS_DELEGATION                                                                   \
	"; an ordinary user needs a cgroup that is delegated to him, as `systemd-run --user " \
	"--scope -p Delegate=yes COMMAND` gives it"

#define CG_IF_ALLOWED  1U  /* a tree that the caller may not write to is left out */
#define CG_WANTED_ONLY 2U  /* only the trees that the limits need, and one to kill by */
#define CG_OF_UNIT     4U  /* systemd has made it, with a process in it already */
#define CG_BEST_EFFORT 8U  /* what cannot be had is left out, and noted in cg->left_out */
#define CG_ACCOUNT     16U /* also what counts without limiting, as far as it is to be had */

/*
 * Makes the cgroup `path` and sets the limits `r` (NULL: none) in it. An absolute path starts at
 * each tree's mount. A relative one starts, as in runc, on v1 at the caller's own cgroup, on v2 at
 * the parent of that: in a cgroup that holds processes no controller can be switched on for
 * children.
 *
 * A cgroup that is there already is taken over, but not if it has processes or is frozen (-EBUSY).
 * On failure everything that was made is removed again, and nothing else.
 *
 * With CG_OF_UNIT only what systemd has left out is made and switched on, and what is above it is
 * systemd's to remove.
 *
 * With CG_IF_ALLOWED it may end with no tree at all (CG_NONE) if the limits need none: then
 * attaching does nothing, and freezing and killing are refused.
 */
int cg_create(struct cg *cg, const struct cg_system *s, const char *path, const struct resources *r,
	      unsigned flags, struct err *e);

/*
 * The same in two parts. The first makes what a process has to be born into, the v2 directory with
 * its controllers; 1: there are v1 trees too, and the second part makes those, sets all limits, and
 * may run beside that process; 0: that was all. If the second fails, `cg` is what the first made.
 */
int cg_create_first(struct cg *cg, const struct cg_system *s, const char *path,
		    const struct resources *r, unsigned flags, struct err *e);
int cg_create_rest(struct cg *cg, const struct cg_system *s, const char *path,
		   const struct resources *r, unsigned flags, struct err *e);

/*
 * What cg_create() would make, without making anything: to be written down first, so that it can be
 * removed whatever happens. A cgroup that is there already and has processes is refused here too.
 */
int cg_plan(struct cg *cg, const struct cg_system *s, const char *path, unsigned flags,
	    struct err *e);

/*
 * Sets limits: for the first time, or later on a cgroup in use. A limit that was asked for and
 * cannot be had is an error that names it.
 *
 * Rules for devices need CAP_SYS_ADMIN (CAP_BPF on v2) outside of user namespaces. A caller without
 * cannot make devices either, so that for him they are left out and cg->devices_open says so.
 */
int cg_set(struct cg *cg, const struct resources *r, bool first_time, struct err *e);
bool cg_wants_limits(const struct resources *r); /* devices do not count */

/* ---- processes ---- */

/*
 * Three ways in; they can be combined.
 *
 * cg_into_fd(): the v2 directory for CLONE_INTO_CGROUP, which belongs to `cg`; -ENOENT if there is
 * none.
 *
 * cg_join_open() and cg_join(): the child goes by itself. The parent opens a file per v1 tree, the
 * child (which must have one thread) writes to it, without libc. Moving somebody else makes the
 * kernel wait for an RCU grace period when the machine was idle: 7 ms, against 50 us for this.
 *
 * cg_attach(): moves `pid`, all its threads included. `in_unified`: it is in the v2 tree already.
 */
int cg_into_fd(struct cg *cg);
int cg_join_open(struct cg *cg, int fds[CG_TREES_MAX], struct err *e); /* how many */
int cg_join(const int *fds, int n);                                    /* in the child */
int cg_attach(struct cg *cg, int pid, bool in_unified, struct err *e);

/*
 * within.c: from now on `cg` is a cgroup below, for a later process to enter.
 *
 * cg_descend(): as `exec --cgroup` says it: PATH, or CONTROLLER[,CONTROLLER...]:PATH on v1.
 * cg_follow(): where `pid` is, its first process, if the cgroup hands controllers on: on v2 such a
 * one cannot hold processes. systemd as that process makes it so.
 */
int cg_descend(struct cg *cg, const char *words, struct err *e);
int cg_follow(struct cg *cg, int pid, struct err *e);

/* Moves the caller, all threads, to where `pid` is, in every tree. */
int cg_go_to(int pid, struct err *e);

struct cg_pids {
	int *items;
	size_t n;
};

void cg_pids_done(struct cg_pids *pids);
/* Of child cgroups too. Processes that the caller's pid namespace does not show are left out. */
int cg_pids(struct cg *cg, struct cg_pids *out, struct err *e);

int cg_freeze(struct cg *cg, bool freeze, struct err *e); /* returns when all are frozen */
int cg_is_frozen(struct cg *cg);                          /* 1, 0 or -errno */
int cg_is_populated(struct cg *cg);                       /* 1, 0 or -errno */
int cg_signal(struct cg *cg, int signo, struct err *e);   /* to each process */
int cg_kill(struct cg *cg, struct err *e); /* SIGKILL to all, frozen or not, forking or not */
int cg_wait_empty(struct cg *cg, int timeout_ms, struct err *e);

/*
 * Removes the cgroup with what is below it, and those directories above it that cg_create() made
 * and that are empty. Waits a while for processes that are ending. What is gone already is fine.
 */
int cg_remove(struct cg *cg, struct err *e);
/*
 * The same for one whose processes are thought to be gone: without a look at them, and without a
 * signal. -EBUSY, and nothing is done, if there is one, or a cgroup below. On v1 a signal to all
 * freezes the cgroup, for which the kernel patches its own code on every processor.
 */
int cg_remove_unused(struct cg *cg, struct err *e);

/* ---- sweep.c: what nobody was left to remove ---- */

/*
 * Removes, beside `cg` in each of its trees, the empty cgroups whose name begins with `prefix` and
 * is said to be left; looks at so many at most. Without `remove` they are only counted. How many
 * names there were. One that is not empty yet stays, and so does one that is not ours to remove.
 */
struct cg_sweep {
	const char *prefix;
	bool (*is_left)(void *arg, const char *name);
	void *arg;
	unsigned max;
	bool remove;
};

unsigned cg_sweep(const struct cg *cg, const struct cg_sweep *w);

/* ---- mark.c: whose it is ---- */

int cg_mark_draw(char out[CG_MARK_SIZE]);                  /* for what is going to be made */
int cg_mark(struct cg *cg, const char mark[CG_MARK_SIZE]); /* what was made */
/* Has somebody taken its path over since? */
bool cg_is_anothers(struct cg *cg);

/* ---- save.c: a cgroup between two runs of a program ---- */

/* A line for each tree; to be freed. */
char *cg_save(const struct cg *cg);
/* The way back. Asks the kernel nothing. */
int cg_open(struct cg *cg, const char *saved, struct err *e);
/* Where `c` is limited, NULL if nowhere; and the v2 directory. */
const char *cg_path(const struct cg *cg, enum cg_controller c);
const char *cg_unified_path(const struct cg *cg);

/* ---- properties.c: limits in the words of systemd ---- */

/*
 * "MemoryMax=uint64 1048576" and so on, appended to `out`: those that systemd has a word for. The
 * first is for a unit to be made; the second for one whose cgroup is `cg`.
 */
int cg_properties(struct arena *a, const struct cg_system *s, const struct resources *r,
		  strings *out, struct err *e);
int cg_update_properties(struct arena *a, struct cg *cg, const struct resources *r, strings *out,
			 struct err *e);

/* ---- unit.c: cgroups that systemd makes, by way of a program that talks to it ---- */

#define CG_INVOCATION_SIZE 33

struct cg_unit_wish {
	const char *helper; /* the program */
	const char *name;   /* of the unit */
	bool user;          /* ask the user's manager */
	const strings *properties;
};

/* A unit on its way: the helper waits for our next word. */
struct cg_unit {
	int pid, fd; /* of the helper; -1: none */
	bool maybe_made;
};

#define CG_UNIT_INIT          \
	{                     \
		-1, -1, false \
	}

/*
 * Is systemd there, and the name free? -EEXIST if not. *own is the manager's own cgroup, to be
 * freed: "" or "/user.slice/...". Nothing is made yet.
 */
int cg_unit_plan(struct cg_unit *u, const struct cg_unit_wish *w, char **own, struct err *e);
/*
 * Makes it, with the process in it (0: none), and waits until it is there. *path is its cgroup, to
 * be freed; `invocation` is what tells it from a later unit of that name. The helper ends.
 */
int cg_unit_start(struct cg_unit *u, int pid, char **path, char invocation[CG_INVOCATION_SIZE],
		  struct err *e);
void cg_unit_close(struct cg_unit *u);

int cg_unit_set(const struct cg_unit_wish *w, struct err *e);
int cg_unit_attach(const struct cg_unit_wish *w, int pid, struct err *e);
/*
 * Kills all that is in it, and waits until it is gone. `invocation`: only if it is still that one
 * (NULL: whichever it is). 1: it was another, and nothing was done; gone already is fine.
 */
int cg_unit_stop(const struct cg_unit_wish *w, const char *invocation, struct err *e);

/* ---- stat.c ---- */

#define CG_UNKNOWN UINT64_MAX /* the kernel does not tell; a limit: there is none */

struct cg_counter {
	uint64_t usage, max_usage, failcnt, limit;
};

struct cg_value {
	const char *key;
	uint64_t value;
};

typedef LIST(struct cg_value) cg_values;

struct cg_io_entry {
	uint64_t major, minor;
	const char *op; /* "Read"; NULL where there is only one number */
	uint64_t value;
};

typedef LIST(struct cg_io_entry) cg_io_entries;

struct cg_pressure_line {
	uint32_t avg10, avg60, avg300; /* hundredths of a per cent */
	uint64_t total_us;
};

struct cg_pressure {
	bool known;
	struct cg_pressure_line some, full;
};

struct cg_hugetlb {
	const char *size;
	struct cg_counter count;
};

struct cg_stats {
	struct {
		uint64_t total_ns, user_ns, kernel_ns;
		LIST(uint64_t) percpu_ns, percpu_user_ns, percpu_kernel_ns; /* v1 */
		uint64_t periods, throttled_periods, throttled_ns, bursts, burst_ns;
		struct cg_pressure pressure;
	} cpu;
	struct {
		const char *cpus, *mems; /* NULL: unknown */
		cg_values flags;         /* "cpu_exclusive" ...; v1 */
	} cpuset;
	struct {
		uint64_t cache;
		struct cg_counter usage;
		struct cg_counter swap;      /* memory and swap together */
		struct cg_counter swap_only; /* v2 */
		struct cg_counter kernel, kernel_tcp;
		bool use_hierarchy;
		cg_values raw;    /* memory.stat */
		cg_values events; /* v2: memory.events */
		uint64_t oom, oom_kill;
		struct cg_pressure pressure;
	} memory;
	struct {
		uint64_t current, peak, limit, failcnt;
	} pids;
	struct {
		bool known;
		cg_io_entries service_bytes, serviced, queued, service_time, wait_time, merged,
			time, sectors;
		struct cg_pressure pressure;
	} io;
	LIST(struct cg_hugetlb) hugetlb;
};

/* Lists and strings go to `a`. Files that are not there are left out. */
int cg_stats(struct cg *cg, struct arena *a, struct cg_stats *out, struct err *e);
/* ---- used.c: the few numbers for a verdict ---- */

struct cg_used {
	uint64_t memory_peak_bytes, oom_kills;
	uint64_t cpu_user_ns, cpu_kernel_ns;
	uint64_t pids_peak, pids_refused;
	uint64_t io_read_bytes, io_write_bytes; /* of block devices */
};

void cg_use(struct cg *cg, struct cg_used *out);
/* How often a process was killed for want of memory, or refused; CG_UNKNOWN if not told. */
uint64_t cg_oom_kills(struct cg *cg);
uint64_t cg_pids_refused(struct cg *cg);

/* ---- watch.c: descriptors for who looks at a cgroup again and again ---- */

int cg_cpu_open(struct cg *cg); /* -ENOENT: nothing counts it */
uint64_t cg_cpu_ns(int fd);     /* used so far, by all processes; CG_UNKNOWN: it is gone */
/*
 * To poll(2) for: readable, or with something urgent (POLLPRI), when the cgroup has run out of
 * memory; when it was refused a process. After that read it once. -ENOENT: nobody tells.
 */
int cg_oom_open(struct cg *cg);
int cg_pids_open(struct cg *cg);
