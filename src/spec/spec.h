/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What was asked for. A spec is plain data in one arena: options, a JSON profile and the C API all
 * fill it through one table of fields (fields.c). spec_check() then decides everything that can be
 * decided without acting and writes the decisions into the second half, `struct decided`; whoever
 * acts reads only that and never interprets the user's wish again.
 *
 * No function of this room makes a system call. What the decision needs to know of the machine is
 * handed in as `struct facts`, so that every decision can be tested without a machine.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/list.h"
#include "base/netrule.h"
#include "base/nstype.h"
#include "base/resources.h"
#include "base/scmp.h"
#include "spec/net.h"

struct sock_filter;
struct container;

enum ns_mode { NS_NEW, NS_SHARED, NS_JOINED };

struct ns_choice {
	enum ns_mode mode;
	const char *target; /* joined: a path, a pid, "fd:N" or a name */
};

struct id_range {
	uint32_t inside, outside, count;
};

typedef LIST(struct id_range) id_ranges;

enum mnt_kind {
	MNT_BIND,
	MNT_TMPFS,
	MNT_SCRATCH, /* a directory of the fresh root, writable although the root is not */
	MNT_OVERLAY,
	MNT_PROC,
	MNT_DEVPTS,
	MNT_MQUEUE,
	MNT_NODE, /* a device of the host's /dev, bound */
	MNT_DIR,
	MNT_FILE,
	MNT_SYMLINK,
	MNT_MASK,
	MNT_REMOUNT_RO,
	MNT_PROPAGATION,
	MNT_DEV, /* the wish for a whole /dev; check turns it into the kinds above */
	/* of containers */
	MNT_FRESH,     /* a file system of any type, with options of its own */
	MNT_CGROUP,    /* all trees of cgroups, or the one of v2 */
	MNT_MAKE_NODE, /* a device, made and not bound */
	MNT_REMOUNT,   /* other attributes for what is mounted there */
	MNT_READ_ONLY, /* what is there, made read-only by a view of itself */
};

enum mnt_is { MNT_IS_UNKNOWN, MNT_IS_DIR, MNT_IS_FILE };

/* One entry of the mount list, in the order in which it is made. */
struct mnt {
	enum mnt_kind kind;
	enum mnt_is is;       /* what is bound, where that is known beforehand */
	const char *src;      /* bind, node: a host path; symlink: its text */
	const char *dst;      /* absolute, inside */
	uint64_t attrs;       /* MOUNT_ATTR_* of mount_setattr(2) */
	uint64_t propagation; /* MS_PRIVATE ... ; 0: as it is */
	bool recursive, optional, idmap;
	bool is_command; /* shows the command alone: what is wrong with it is the command's */
	uint64_t size_bytes, inodes; /* tmpfs; 0: no limit of its own */
	uint32_t mode;               /* tmpfs, dir, file */
	const char *data;            /* file: its content */
	size_t len;
	int fd;                   /* file: read the content from here; -1: data */
	strings layers;           /* overlay: lower directories, the top first */
	const char *upper, *work; /* overlay: the kept writable layer; NULL: thrown away */
	bool read_only;           /* overlay without a writable layer */
	uint32_t order;           /* as given, for messages */

	/* of containers */
	const char *type;                  /* fresh */
	strings options;                   /* fresh: KEY=VALUE or KEY, for fsconfig(2) */
	uint64_t clear;                    /* MOUNT_ATTR_* that are taken away */
	uint64_t attrs_below, clear_below; /* the same for it and what is mounted below */
	const char *uid_map, *gid_map; /* idmap: as the kernel reads them; NULL: the box's own */
	bool idmap_below;
	bool copy_up;                     /* tmpfs: begins with what it hides */
	bool propagate_below;             /* `propagation` is for what is below, too */
	uint32_t node_type, major, minor; /* make node: S_IFCHR ... */
	uint32_t uid, gid;
};

typedef LIST(struct mnt) mnts;

struct rlimit_wish {
	int resource;
	struct rlimit limit;
};

typedef LIST(struct rlimit_wish) rlimits;

enum restart { RESTART_NO, RESTART_ON_FAILURE, RESTART_ALWAYS };

/* A program to start in the box: the main command, or a companion of it. */
struct program {
	const char *name; /* "main", or the service's */
	const char *path; /* to execute; without a slash it is searched in PATH */
	char **argv;      /* ends with NULL */
	char **envp;
	enum restart restart;
};

typedef LIST(struct program) programs;

enum hook_kind {
	HOOK_PRESTART,
	HOOK_CREATE_RUNTIME,
	HOOK_CREATE_CONTAINER,
	HOOK_START_CONTAINER,
	HOOK_POSTSTART,
	HOOK_POSTSTOP,
	HOOK_KINDS,
};

/* A program that an engine wants to be run at a certain moment of a container's life. */
struct hook {
	struct program program;
	uint32_t timeout_s; /* 0: none */
};

typedef LIST(struct hook) hooks;

enum root_kind { ROOT_DEFAULT, ROOT_DIR, ROOT_HOST };
enum tri { TRI_AUTO, TRI_YES, TRI_NO };

enum landlock_access { LANDLOCK_RO, LANDLOCK_RX, LANDLOCK_RW, LANDLOCK_ALL, LANDLOCK_COUNT };

extern const char *const landlock_words[LANDLOCK_COUNT]; /* as the option says them */

struct landlock_rule {
	enum landlock_access access;
	const char *path;
	bool optional;
};

typedef LIST(struct landlock_rule) landlock_rules;

#define ALLOW_HOSTS_MAX 1000
#define SERVICES_MAX    64
#define SEAL_FDS_MAX    64
#define SEAL_GROUPS_MAX 256

enum cap_set { CAP_BOUNDING, CAP_EFFECTIVE, CAP_INHERITABLE, CAP_PERMITTED, CAP_AMBIENT, CAP_SETS };

/*
 * What a process gives up right before it executes its program. Flat values: the same struct is
 * used between clone and exec, and sent to the init for the programs that it starts later.
 */
struct seal {
	bool change_ids, drop_groups, no_new_privs, change_nice, new_session;
	bool landlock_on, landlock_no_net;
	uint32_t uid, gid;
	uint64_t caps; /* what the program keeps */
	uint32_t umask;
	int nice;
	const char *cwd;
	bool cwd_optional; /* not there (a rootfs without it): "/" */
	rlimits rlimits;
	landlock_rules landlock;
	const struct sock_filter *filter; /* NULL: none */
	uint16_t filter_len;
	bool no_inet; /* the landlock fallback: a second filter that leaves only local sockets */
	int keep_fds[SEAL_FDS_MAX];
	size_t n_keep_fds;
	int block_fd; /* wait for it before exec; -1: none */

	/* of containers */
	bool own_null;               /* what is the host's /dev/null becomes the container's */
	bool exact_caps;             /* the five sets, and not `caps` */
	uint64_t cap_sets[CAP_SETS]; /* enum cap_set */
	uint32_t groups[SEAL_GROUPS_MAX];
	uint32_t n_groups;
	bool own_keyring;
	bool find_home;   /* its environment has an empty HOME, to be filled in */
	bool await_start; /* by a word over start_fd */
	int start_fd;     /* a listening socket */
	int label_fd;     /* an open .../attr/exec, for `label`; -1: none */
	const char *label;
	uint32_t filter_flags; /* SECCOMP_FILTER_FLAG_* */
	int listener_fd;       /* a socket to whom the filter's listener goes; -1: none */
	int process_fd;        /* what goes with it; -1: none */
	int hooks_fd;          /* the state that start hooks read; -1: none */
	bool die_with_starter; /* where no pid namespace sees to it */
	bool tty[3];           /* which of 0, 1, 2 the box's terminal replaces */
};

#define SEAL_INIT                                                                  \
	{                                                                          \
		.block_fd = -1, .start_fd = -1, .label_fd = -1, .listener_fd = -1, \
		.process_fd = -1, .hooks_fd = -1                                   \
	}

/* How the id maps of a new user namespace get written (user_namespaces(7)). */
enum map_by { MAP_NONE, MAP_BY_CHILD, MAP_BY_PARENT, MAP_BY_HELPER };

/* What check decided; whoever acts reads this and nothing else. */
struct decided {
	uint32_t clone_flags; /* CLONE_NEW* */
	bool share_to_join;   /* who joins, and is gone then, does so in the caller's memory */
	bool share_memory; /* set up in the caller's memory (CLONE_VM): no page table is copied */
	bool beside;       /* a second process helps the first, in the same memory (run/beside.c) */
	bool net_early; /* P has a helper of its own make the network namespace, before the clone */
	bool late_time_ns;  /* unshared by the first process, not by its clone */
	bool enter_time_ns; /* before Linux 6.3: and entered by it, for exec does not */
	bool joins;         /* some namespace is joined: a first process joins, then clones */
	/*
	 * Or the first process enters all that another one has, by its pidfd; the pid namespace
	 * only once it is the init, a program of a few pages: whoever is in there sees nothing else
	 * of us.
	 */
	bool enters, enters_pid_ns;
	uint64_t joined_inode[NS_COUNT]; /* what is decided is true of that one alone; 0: of any */
	uint32_t enter_flags;            /* CLONE_NEW*, without the pid namespace */
	int enter_pidfd;
	bool init_is_pid1, as_pid1;
	enum map_by map_by;
	bool deny_setgroups;
	const char *uid_map, *gid_map; /* as the kernel reads them: lines of three numbers */
	id_ranges uid_ranges, gid_ranges;
	bool early_ids; /* the caller's own id is not mapped: nothing can be made under it */
	uint32_t early_uid, early_gid;
	const char *time_offsets;
	const char *hostname, *domainname;
	bool loopback;
	net_wishes nets;         /* every interface, with its name */
	const char *resolv_conf; /* of the network it is on; NULL: none */
	LIST(struct netrule) rules;
	bool new_root;
	enum root_kind root_kind;
	const char *root_src;
	struct mnt root; /* the root's own mount: its size, attributes, layers */
	mnts mounts;     /* in order */
	uint64_t root_propagation;
	bool pty;
	bool die_with_parent;
	struct seal seal;
	struct program main;
	programs services;
	bool cgroup;                       /* it has one of its own */
	bool own_cgroup_ns;                /* entered after its cgroup was joined */
	const struct resources *resources; /* of its cgroup; NULL: no limits */
	bool watched;                      /* its limits and its end are (run/watch.h) */
	const char *workspace;             /* a directory inside; NULL: none */
	bool collect;                      /* what it writes to 1 and 2 goes through us */
	bool listens;                      /* the filter asks us about what it forbids */

	/* of containers */
	const struct container *container; /* NULL: a box */
	bool no_pivot;
	bool unattached;           /* no mount namespace of its own: the root is mounted nowhere */
	bool attach_in_place;      /* the new root is mounted where it lies, for hooks to find */
	uint64_t host_propagation; /* of the host's mounts as the first process sees them */
	mnts covers;               /* masked and read-only paths, after the hooks */
	bool console;              /* the terminal is shown as /dev/console */
	uint16_t rows, columns;    /* of the terminal; 0: as the caller's */
	bool net_devices;          /* are moved into its network namespace */
	bool init_caps;            /* the init is not user 0 and needs them handed on */
	hooks hooks[HOOK_KINDS];
	const struct unit *unit;    /* of systemd, which is its cgroup; NULL: we make that */
	const struct rdt_wish *rdt; /* its group of resctrl; NULL: it stays in the caller's */

	strings notes; /* what a user should know although it is no error */
};

/* What is to become of a group of resctrl (cg/rdt.h). */
enum rdt_make {
	RDT_NEW,        /* made: it is the container's own, and must not be there */
	RDT_IF_MISSING, /* made, or it is there with the same schemata, and is shared */
	RDT_PRESENT,    /* it must be there */
	RDT_ONLY_JOIN,  /* exec: whatever happened to it */
};

struct rdt_wish {
	enum rdt_make make;
	const char *group;   /* a directory of the root; "/": the default group */
	const char *monitor; /* of a group in that, the container's own, that counts; NULL: none */
	const char *schemata[2]; /* written one after the other, or compared; NULL: nothing */
};

/*
 * A unit of systemd that is the cgroup of a container: a scope, or a slice if it is called so. Of
 * one that is only entered slice, path and properties are not known.
 */
struct unit {
	const char *helper; /* the program that talks to systemd */
	const char *name;   /* "libpod-1.scope" */
	const char *path;   /* below the manager's own: "/a.slice/a-b.slice/libpod-1.scope" */
	bool user;          /* of the user's manager, not of the machine's */
	bool is_slice;
	strings properties; /* "NAME=VALUE", as variant.h reads VALUE */
};

enum io_rate { IO_RBPS, IO_WBPS, IO_RIOPS, IO_WIOPS, IO_RATES };

struct io_wish {
	const char *device;       /* "8:0", or a path on it */
	uint64_t rates[IO_RATES]; /* 0: not given */
};

/* Limits for the box as a whole, by a cgroup. */
struct limits {
	bool given;         /* some limit is */
	bool cgroup;        /* a cgroup without limits will do */
	bool account;       /* one is wanted to count by, if it can be had */
	bool best_effort;   /* leave out what cannot be had */
	int64_t swap_bytes; /* on top of memory */
	LIST(struct io_wish) io;
	struct resources resources; /* the others, as they were given */
};

/* A limit that ends the box at its hard value; the verdict names it from the soft one on. 0: none.
 */
struct watch_limit {
	uint64_t soft, hard;
};

enum denied { DENIED_ERRNO, DENIED_KILL, DENIED_LOG }; /* what a forbidden system call leads to */

/* When a box is ended from outside, and what is told of its end (run/watch.h). */
struct watch_wish {
	bool judge; /* any limit that is reached ends it, also those that the kernel enforces */
	struct watch_limit time_ns, wall_ns, idle_ns, output_bytes;
	enum denied denied;
};

/* What was set, in order, in the words in which it was set: a spec can be printed as a profile. */
struct spec_entry {
	const char *field, *value; /* field "command": one word of it */
};

struct spec {
	struct arena *arena;
	LIST(struct spec_entry) journal;

	/* the program and its surroundings */
	strings command;
	LIST(struct program) services;
	const char *cwd;
	strings env;
	bool keep_env;
	LIST(int) keep_fds;
	const char *umask, *nice;
	rlimits rlimits;
	bool as_pid1;
	enum tri pty;
	bool own_stdio;
	int stdio[3]; /* and then: what it has as 0, 1 and 2; -1: the caller's */

	/* namespaces */
	struct ns_choice ns[NS_COUNT];
	const char *join_name; /* all that is held by it is joined; run/held.h */
	const char *hostname, *domainname;
	bool time_offset_set[2]; /* monotonic, boottime */
	int64_t time_offset_ns[2];

	/* network */
	net_wishes nets;
	bool net_none;
	LIST(struct portmap) publish; /* of the first interface that can */
	LIST(struct netrule) rules;   /* the last one that speaks of a connection decides */
	bool only_hosts;              /* nothing else is to be reached than these: */
	strings allow_hosts;          /* as base/hostname.h reads them */
	const char *egress_log;       /* a file, or "-" */

	/* ids */
	const char *user;
	id_ranges map_users, map_groups;
	bool map_auto;

	/* root and mounts */
	const char *rootfs;
	bool writable, host_root;
	const char *root_overlay; /* "tmp", or a directory that keeps the changes */
	const char *work, *workspace;
	uint64_t scratch_bytes;
	mnts mounts;
	uint64_t root_propagation;

	/* rights */
	uint64_t caps;
	const char *seccomp;
	landlock_rules landlock;
	bool allow_new_privs;
	const char *fallback;

	struct limits limits;
	struct watch_wish watch;

	/* life */
	bool outlive_parent;
	int info_fd, status_fd, sync_fd, block_fd, ready_fd; /* -1: none */

	/* Where another process is (run/enter.c); both belong to the spec, not to its copies. */
	bool enters;
	int enter_pidfd, enter_root_fd; /* the process, which must live still; its root, -1: none */

	/* Set by whoever calls spec_check: the filter that `seccomp` names, ready to load. */
	const struct sock_filter *filter;
	uint16_t filter_len;

	const struct container *container; /* a bundle's, and then nothing above counts */
	uint32_t filter_flags;
	bool prepared; /* the command comes later */

	struct decided d;
};

/* ---- facts: what the machine is like, read beforehand (run/facts.c) ---- */

enum fact_kind { FACT_ABSENT, FACT_FILE, FACT_DIR, FACT_LINK };

struct fact_path {
	enum fact_kind kind;
	char link[256]; /* FACT_LINK: where it points */
};

struct fact_network {
	struct ip_net subnet[2]; /* v4, v6; family 0: none */
	struct ip gateway[2];    /* the host's own address there */
	bool internal, has_dns;
};

/* What there is of resctrl; only read where a container asks for it. */
struct fact_rdt {
	bool known, mounted;     /* by the kernel and this processor; somewhere */
	bool controls, monitors; /* what its root shows that it can do */
};

struct facts {
	uint32_t uid, gid;
	bool net_admin;        /* may make interfaces here, and enter network namespaces */
	bool privileged;       /* may write any id map, and change ids */
	uint64_t caps_lacking; /* capabilities that the caller cannot hand on */
	bool extra_groups;     /* has groups beside its own */
	bool setgroups_denied; /* in the user namespace that is joined or shared, or above a new one
				*/
	unsigned joins_own;    /* bit N: what is joined as enum ns_type N is the caller's own */
	uint64_t joined_inode[NS_COUNT]; /* of those that were looked at */
	const char *user_name;           /* for /etc/subuid; NULL if unknown */
	const char *cwd;                 /* NULL: it has no path */
	char *const *environ;
	bool tty[3];
	bool exec_enters_time_ns;
	bool mounts_unattached;  /* mounts can be put into a tree that is mounted nowhere */
	bool fallback_active;    /* user namespaces are refused and the fallback was asked for */
	bool signals_scoped;     /* Landlock keeps signals and abstract sockets within (ABI 6) */
	const char *resolv_conf; /* content; NULL: none */
	struct fact_rdt rdt;
	id_ranges subuids, subgids; /* `outside` and `count` of each range granted */

	/* What is at a host path, the last symbolic link not followed. */
	void (*look)(void *arg, const char *path, struct fact_path *out);
	/* The disk that a device file is, or that a file lies on. 0 or -errno. */
	int (*disk)(void *arg, const char *path, uint32_t *major, uint32_t *minor);
	/* A network of holm's. 0 or -errno. */
	int (*network)(void *arg, const char *name, struct fact_network *out);
	void *look_arg;
};

/* ---- the table of fields ---- */

enum field_flag {
	FIELD_LIST = 1, /* may be given several times */
	FIELD_BOOL = 2, /* takes no argument as an option */
	FIELD_LATE = 4, /* of the command, not of the box that is built for it */
};

struct field {
	const char *name;  /* the option's name, the profile's key, and what the API calls it */
	char letter;       /* short option, or 0 */
	unsigned flags;    /* enum field_flag */
	const char *group; /* heading in the help */
	const char *arg;   /* placeholder of the argument; NULL for a boolean */
	const char *help;
	int (*set)(struct spec *s, const struct field *f, const char *value, struct err *e);
	size_t param; /* plain setters: the offset of what they store; others: as they say */
};

/* What the command is to have as descriptor `i` of 0, 1 and 2; -1: the caller's. */
static inline int spec_stdio(const struct spec *s, int i)
{
	return s->own_stdio ? s->stdio[i] : -1;
}

extern const struct field spec_fields[];
extern const size_t spec_n_fields;

const struct field *field_find(const char *name);

/* ---- the life of a spec ---- */

struct spec *spec_new(void);
void spec_free(struct spec *s);
/*
 * A copy to decide on: what check allocates, and changes, is its own. Of what it shares with the
 * original nothing is written to.
 */
struct spec *spec_copy(const struct spec *s);
int spec_set(struct spec *s, const char *field, const char *value, struct err *e);
int spec_command(struct spec *s, const char *word); /* one more word */
int field_set(struct spec *s, const struct field *f, const char *value, struct err *e);
int spec_load(struct spec *s, const char *json, size_t len, const char *name, struct err *e);
int spec_check(struct spec *s, const struct facts *f, struct err *e);
/*
 * The same for a box that was prepared by another spec of the same shape, and is not in a fallback.
 * -EXDEV: the command is not in that box.
 */
int spec_check_late(struct spec *s, const struct spec *prepared, const struct facts *f,
		    struct err *e);

/* One more limit of each process. */
int rlimit_add(struct spec *s, const struct field *f, const struct rlimit_wish *wish,
	       struct err *e);

/* parse.c: the setters of fields that have a grammar of their own */
typedef int field_set_fn(struct spec *s, const struct field *f, const char *value, struct err *e);
field_set_fn set_share, set_join, set_time_offset, set_map, set_rlimit, set_service, set_cap;
field_set_fn set_landlock, set_env, set_keep_fd, set_size, set_fallback;
/* parse_mount.c */
field_set_fn set_bind, set_tmpfs, set_overlay, set_place, set_file, set_symlink, set_propagation;

/* parse_net.c */
field_set_fn set_net, set_publish, set_rule, set_allow_host;

/* parse_limits.c */
field_set_fn set_memory, set_swap, set_cpu_time, set_weight, set_cpuset, set_pids, set_io_max;
field_set_fn set_hugetlb, set_devices, set_limits;
/* parse_watch.c */
field_set_fn set_watch_time, set_watch_size, set_one_rlimit, set_denied;

/* Would boxes of both be built in the same way, but for what shows a command? */
bool spec_same_shape(const struct spec *a, const struct spec *b);

/*
 * An absolute, normalised path: no "//", "/./" or "/../"; in the arena. NULL: no memory, or a
 * relative one where there is no `cwd`.
 */
char *path_normal(struct arena *a, const char *cwd, const char *path);

/* check_*.c: a part of the decisions each */
int check_ids(struct spec *s, const struct facts *f, struct err *e);
int check_namespaces(struct spec *s, const struct facts *f, struct err *e);
int check_root(struct spec *s, const struct facts *f, struct err *e);
int check_program(struct spec *s, const struct facts *f, struct err *e);
int check_fallback(struct spec *s, const struct facts *f, struct err *e);
int check_net(struct spec *s, const struct facts *f, struct err *e);
int check_limits(struct spec *s, const struct facts *f, struct err *e);
int check_watch(struct spec *s, const struct facts *f, struct err *e);
/* A copy, to decide on; with rules for devices it allows what is in every box and container. */
struct resources *limits_copy(struct spec *s, const struct resources *wish);
int check_late_command(struct spec *s, const struct facts *f, struct err *e);
int check_time(struct spec *s, struct err *e);
int check_memory(struct spec *s, const struct facts *f, struct err *e);
int check_container(struct spec *s, const struct facts *f, struct err *e); /* of all of it */
int check_hooks(struct spec *s, struct err *e);                            /* of a container */
int check_container_root(struct spec *s, const struct facts *f, struct err *e);
/* Mounts for a container that runs; or only where they are, for who takes them away. */
int check_later_mounts(struct spec *s, bool places_only, struct err *e);
int check_unit(struct spec *s, struct err *e); /* of systemd: its name, its properties */
int check_rdt(struct spec *s, const struct facts *f, struct err *e);
bool path_below(const char *path, const char *dir); /* path is dir or lies in it */
