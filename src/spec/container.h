/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a bundle asks for: the config.json of the OCI runtime specification (1.3), for Linux, as
 * plain data. oci/config*.c reads one; check_container.c decides what it means, in place of the
 * parts of check that decide for a box. Where a value was not given, pointers are NULL, lists empty
 * and numbers the "not given" named beside them.
 *
 * Everything lies in one arena, that of the spec to which the container belongs.
 */
#pragma once

#include "base/resources.h"
#include "spec/spec.h"

struct scmp_profile;

/* ---- process ---- */

struct container_scheduler {
	bool given;
	int policy; /* SCHED_* */
	int nice;
	uint32_t priority;
	uint64_t flags; /* SCHED_FLAG_* */
	uint64_t runtime_ns, deadline_ns, period_ns;
};

struct container_process {
	bool given; /* a config.json without `process` can be created, but not started */
	bool terminal;
	bool console_size_given;
	uint32_t console_height, console_width;
	uint32_t uid, gid;
	bool umask_given;
	uint32_t umask;
	LIST(uint32_t) additional_gids;
	strings args, env; /* env: K=V */
	const char *cwd;   /* absolute */
	bool caps_given;
	uint64_t caps[CAP_SETS]; /* bit N: capability N; names the kernel lacks are left out */
	strings unknown_caps;    /* ... and listed here, for a warning */
	rlimits rlimits;
	bool no_new_privileges;
	bool oom_score_adj_given;
	int oom_score_adj;
	struct container_scheduler scheduler;
	bool io_priority_given;
	int io_priority; /* as ioprio_set(2) takes it: class << 13 | level */
	const char *cpu_affinity_initial, *cpu_affinity_final; /* lists of CPUs: "0-3,7" */
	const char *apparmor_profile, *selinux_label;
};

/* ---- root and mounts ---- */

struct container_mount {
	const char *destination, *type, *source;
	strings options; /* as written; check_container.c takes them apart */
	id_ranges uid_mappings, gid_mappings;
};

struct container_device {
	char type; /* 'c', 'u', 'b', 'p' */
	const char *path;
	uint32_t major, minor;
	bool mode_given;
	uint32_t mode, uid, gid;
};

/* ---- hooks ---- */

struct container_hook {
	const char *path;
	strings args, env;
	uint32_t timeout_s; /* 0: none */
};

typedef LIST(struct container_hook) container_hooks;

/* ---- the rest of linux ---- */

struct container_netdev {
	const char *outside, *inside; /* the same where nothing else was said */
};

struct container_rdt {
	bool given, monitoring;
	const char *clos_id, *l3_cache_schema, *mem_bw_schema;
	strings schemata;
};

struct container_mempolicy {
	bool given;
	int mode;       /* MPOL_* */
	unsigned flags; /* MPOL_F_* */
	const char *nodes;
};

/* What the engine said on the command line, and what the runtime adds to it. */
struct container_life {
	bool await_start; /* create: the process waits until it is started */
	bool no_new_keyring, no_pivot;
	uint32_t preserve_fds, listen_fds;
	int member;         /* exec: a process in all of its namespaces; 0: there is none yet */
	int member_pidfd;   /* ... by descriptor, where its namespaces are to be entered by that; 0:
			       none */
	bool no_cgroup;     /* limits are somebody else's work */
	const char *cgroup; /* below the trees; cgroups_path, or made from the id */
	/* with systemd's cgroup manager */
	const char *systemd_helper; /* the program that talks to it; NULL: another manager */
	const char *systemd_unit;   /* of a container that runs; NULL: to be made, by cgroup */
	bool systemd_user;          /* ask the user's manager */
	const char *id;             /* for the unit's description */
	/* exec: the groups of resctrl in which the container is; NULL: none */
	const char *rdt_group, *rdt_monitor;
};

struct container {
	const char *oci_version;
	const char *bundle; /* absolute */
	struct container_process process;
	const char *root_path; /* as written; relative to the bundle */
	bool root_readonly;
	const char *hostname, *domainname;
	LIST(struct container_mount) mounts;
	container_hooks hooks[HOOK_KINDS];
	keys annotations;

	struct {
		bool listed;      /* not listed: the runtime's own is used */
		const char *path; /* join this one; NULL: a new one */
	} ns[NS_COUNT];
	id_ranges uid_mappings, gid_mappings;
	bool time_offset_given[2]; /* monotonic, boottime */
	int64_t time_offset_ns[2];
	LIST(struct container_device) devices;
	LIST(struct container_netdev) net_devices;
	const char *cgroups_path;
	bool resources_given;
	struct resources resources;
	keys sysctl; /* "net.ipv4.ip_forward" */
	const struct scmp_profile *seccomp;
	uint64_t
		rootfs_propagation; /* MS_PRIVATE ..., with MS_REC for the r* forms; 0: not given */
	strings masked_paths, readonly_paths;
	const char *mount_label;
	bool personality_given;
	unsigned long personality; /* as personality(2) takes it */
	struct container_rdt rdt;
	struct container_mempolicy mempolicy;
	struct container_life life;
};

struct rdt_wish;

/* The lines to be written, as two wishes: what is said twice of a resource is refused in one. */
int rdt_schemata(struct arena *a, const struct container_rdt *rdt, struct rdt_wish *out);
/* Is it one line of bandwidth, as memBwSchema has to be? */
bool rdt_is_bandwidth(const char *line);

/* For one more process in it: nothing is left to be made. */
void container_is_built(struct container *c);
