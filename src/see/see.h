/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What namespaces there are on this machine, and who is in them. The kernel has no list of them: a
 * namespace is found by what keeps it alive.
 *
 *	a process, or a thread that went alone	links of /proc/PID/ns		scan.c
 *	an open descriptor			links of /proc/PID/fd		scan.c
 *	a mount of its file			/proc/PID/mountinfo		mounts.c
 *	a namespace below, or owned by it	ioctl_ns(2)			kin.c
 *
 * All of it is read once into a world, and nothing is written or changed. Whoever ends while it is
 * read is left out: then it was not there. A world is no photograph, for the kernel does not stand
 * still: a row says what was so at some moment while it was read.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/ip.h"
#include "base/list.h"
#include "base/nstype.h"

#define SEE_COMM_MAX    16
#define SEE_COMMAND_MAX 256

struct see_process {
	int pid;
	int tid; /* of a thread that is in other namespaces than its process; else 0 */
	int ppid;
	uint32_t threads;
	uint32_t uid; /* effective; SEE_NOBODY until it was asked for */
	char state;
	bool unseen; /* we may not see its namespaces */
	char comm[64];
	uint64_t start_ticks, cpu_ticks, rss_pages;
	uint64_t ns[NS_COUNT]; /* inodes; 0: none, as of a zombie, or not to be seen */
	uint64_t time_for_children;
	const char *command; /* NULL until it was asked for */
};

#define SEE_NOBODY UINT32_MAX

enum see_how { SEE_BY_FD, SEE_BY_MOUNT };

/* What keeps a namespace although nobody needs to be in it. */
struct see_holder {
	uint64_t inode;
	enum ns_type type;
	enum see_how how;
	int pid;          /* whose descriptor; or a process that sees the mount */
	int fd;           /* SEE_BY_FD */
	const char *path; /* SEE_BY_MOUNT: as that process sees it */
	uint64_t mnt_ns;  /* SEE_BY_MOUNT: where */
};

struct see_ns {
	uint64_t inode;
	enum ns_type type;
	uint32_t processes, threads; /* threads: those that are in it alone */
	uint32_t oldest;             /* index of a process; SEE_NONE */
	uint32_t fds, mounts;
	uint32_t children, owned; /* of those that are known */
	uint64_t owner, parent;   /* inodes; 0: none, or not for us to know */
	uint32_t owner_uid;       /* of a user namespace: whose it is */
	bool asked;               /* for owner and parent */
	const char *name, *given_by;
};

#define SEE_NONE UINT32_MAX

struct see_world {
	struct arena *arena;
	int proc_fd;
	LIST(struct see_process) processes; /* by pid; threads of their own behind theirs */
	LIST(struct see_holder) holders;
	LIST(struct see_ns) all;
	uint32_t *table; /* of `all`, by inode */
	size_t table_size;
	uint32_t n_processes, n_unseen, n_ended;
	uint32_t n_fds_unseen; /* processes whose descriptors we may not see */
	uint64_t own_mnt;
};

#define SEE_HOLDERS  1 /* descriptors and mounts, too */
#define SEE_COMMANDS 2 /* command and user of every process; else only of the oldest */

/* ---- scan.c ---- */

/* Fills processes, and holders by descriptor. 0 or -errno. */
int see_scan(struct see_world *w, unsigned flags);
/* The whole of a small file; its length, or -errno. Ends with a 0. */
int see_read(int dir_fd, const char *path, char *out, size_t room);
int see_hold(struct see_world *w, const struct see_holder *h); /* -ENOMEM */
/* "net:[4026531833]": its type, or -1. */
int see_parse_link(const char *text, uint64_t *inode);

/* ---- world.c ---- */

int see_world_take(struct see_world *w, unsigned flags, struct err *e);
void see_world_done(struct see_world *w);
/* NULL: there is none. */
struct see_ns *see_find(const struct see_world *w, uint64_t inode);
struct see_ns *see_add(struct see_world *w, enum ns_type type, uint64_t inode);
const struct see_process *see_process(const struct see_world *w, int pid);
/* Reads command and user, where that was not done yet. */
void see_tell(struct see_world *w, struct see_process *p);
/* "process", "thread", "descriptor", "mount", "child": the strongest of what keeps it. */
const char *see_held(const struct see_ns *n);

#define _cleanup_world_ __attribute__((cleanup(see_world_done)))

/* ---- mounts.c ---- */

struct see_mount {
	unsigned id, parent, shared, master, from; /* peer groups; 0: none */
	bool unbindable;
	const char *device, *root, *point, *options, *type, *source, *super;
};

typedef int see_mount_fn(void *arg, const struct see_mount *m);
/* Each line of a mountinfo; its text is cut to pieces. */
int see_mounts_parse(char *text, see_mount_fn *fn, void *arg);
/* Namespaces that are held by a mount, in every mount namespace that can be read. */
int see_scan_mounts(struct see_world *w);
/* All of /proc/PID/mountinfo; to be freed. NULL: it cannot be read. */
char *see_mountinfo(const struct see_world *w, int pid);

/* ---- kin.c ---- */

/* Of a file that may be one: its type, or -ESTALE if it is not that one. */
int see_type_of(int dir_fd, const char *path, uint64_t inode);
/* A descriptor of this namespace, or -errno. */
int see_open(const struct see_world *w, const struct see_ns *n);
/* Owners and parents, and the namespaces that are known by those alone. */
int see_kin(struct see_world *w);

/* ---- names.c ---- */

/* Names by mounts, and by the containers that processes belong to. Who has one keeps it. */
void see_names(struct see_world *w);
/* Those of the namespaces of that process in which nobody is older. */
void see_name_process(struct see_world *w, int pid, const char *name, const char *given_by);

/* ---- net.c: what is in a network namespace ---- */

struct see_link {
	uint64_t ns;
	int index, master; /* master: of a bridge or bond; 0: none */
	int peer_index;    /* of the other end of a pair, or of the interface below */
	int peer_nsid;     /* where that is, as this namespace numbers others; -1: here */
	uint64_t peer_ns;  /* 0: not known, or there is none */
	char name[16];
	const char *kind; /* "veth", "bridge" ...; "" for hardware and the loopback */
	char mac[MAC_TEXT_MAX];
	bool up;
	uint32_t mtu;
	uint64_t rx_bytes, tx_bytes;
	strings addresses; /* "10.0.0.2/24" */
};

typedef LIST(struct see_link) see_links;

struct see_route {
	const char *to, *via, *link, *source; /* "" where there is none */
};

struct see_port {
	const char *protocol, *address; /* "tcp", "127.0.0.1:80" */
	uint32_t uid;
};

/* Of one namespace; `fd` is it. Peers are not yet looked for. 0 or -errno. */
int see_net_links(struct see_world *w, const struct see_ns *n, int fd, see_links *out);
/* Whose ends belong together: `peer_ns` of those that have one. */
void see_net_peers(struct see_world *w, see_links *all);

typedef int see_route_fn(void *arg, const struct see_route *r);
typedef int see_port_fn(void *arg, const struct see_port *p);
int see_net_routes(int fd, const see_links *links, see_route_fn *fn, void *arg);
int see_net_ports(int fd, see_port_fn *fn, void *arg);

/* ---- inside.c: what can be asked only by who is in there ---- */

/*
 * Opens a netlink(7) socket in that network namespace; a descriptor, or -errno. With a protocol
 * below 0 it is one that only knows where it is, and keeps nothing once it is closed: of netlink(7)
 * the kernel forgets a socket a grace period later.
 */
int see_socket_in(int net_fd, int protocol);
/* The names of that uts namespace. 0 or -errno. */
int see_uts_in(int uts_fd, char host[65], char domain[65]);

/* ---- facts.c: everything about one process ---- */

struct see_fact {
	const char *section, *name, *value, *words; /* words: "" if there is nothing to add */
};

/* What is not 0 ends it, and is handed on. */
typedef int see_fact_fn(void *arg, const struct see_fact *f);
int see_facts_of_process(struct see_world *w, const struct see_process *p, see_fact_fn *fn,
			 void *arg);
/* What is in it, by whoever is in it. */
int see_facts_of_ns(struct see_world *w, const struct see_ns *n, see_fact_fn *fn, void *arg);

/* "0..65535 here are 165536..231071 outside"; into `out`. One line of a map of ids. */
void see_map_words(const char *line, char *out, size_t room);

/* ---- alone.c: is a network namespace anybody's? ---- */

struct see_helper {
	int pid;
	uint64_t start; /* in ticks, as in /proc/PID/stat */
};

enum see_use {
	SEE_USED,  /* somebody's, or that cannot be told */
	SEE_ALONE, /* nobody but its helpers is in it, or has a way into it */
	SEE_GONE,  /* there is no such namespace */
};

struct see_host {
	uint64_t cookie; /* SO_NETNS_COOKIE */
	const struct see_helper *helpers;
	size_t n;
	enum see_use use; /* out */
};

/* Of a world with holders. */
void see_hosts(const struct see_world *w, struct see_host *hosts, size_t n);

/* ---- pids.c ---- */

struct see_pid {
	uint64_t ns; /* 0: not known */
	int pid;
};

#define SEE_PIDS_MAX 40

/* Of `pid` at each level, from ours inwards. How many, or -errno. */
int see_pid_levels(const struct see_world *w, int pid, struct see_pid out[SEE_PIDS_MAX]);
/* Ours of the one that is `pid` in that pid namespace. -ESRCH */
int see_pid_from(const struct see_world *w, const struct see_ns *n, int pid);
