/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the commands can be told. A table says each option once: parsing and help derive from it,
 * and so does the check that the manual has them all. Names and letters are runc's and crun's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/resources.h"
#include "spec/spec.h"

enum oci_value {
	OCI_FLAG,     /* bool */
	OCI_TEXT,     /* const char * */
	OCI_LIST,     /* strings: may be given several times */
	OCI_COUNT,    /* uint32_t */
	OCI_NUMBER,   /* int64_t, -1 and above */
	OCI_SIZE,     /* int64_t: bytes, with k, m, g, t; -1 */
	OCI_DURATION, /* int64_t: nanoseconds; "5s" */
	OCI_NO_FLAG,  /* taken and of no effect: others need it, we do not */
	OCI_NO_TEXT,
};

struct oci_option {
	const char *name;
	char letter; /* or 0 */
	enum oci_value value;
	size_t offset;   /* in the struct that is filled */
	const char *arg; /* placeholder of the value */
	const char *help;
};

struct oci_options {
	const struct oci_option *rows;
	size_t n;
	const void *init; /* the defaults; NULL: zeroes */
	size_t size;
};

/* ---- before the command ---- */

struct global_options {
	const char *root, *log, *log_format, *log_level, *cgroup_manager, *rootless, *criu;
	bool debug, systemd_cgroup, version, help;
};

/* ---- by command ---- */

struct create_options { /* create, run; restore has them too */
	const char *bundle, *config, *console_socket, *pidfd_socket, *pid_file;
	uint32_t preserve_fds;
	bool no_pivot, no_new_keyring, no_subreaper;
	bool detach, keep; /* run */
};

struct exec_options {
	const char *process, *console_socket, *pidfd_socket, *pid_file;
	const char *cwd, *user, *apparmor, *process_label, *cgroup;
	strings env, additional_gids, caps;
	uint32_t preserve_fds;
	bool tty, detach, no_new_privs, ignore_paused, no_subreaper;
};

struct kill_options {
	bool all;
};

struct delete_options {
	bool force;
};

struct list_options { /* list, ps */
	const char *format;
	bool quiet;
};

struct update_options {
	const char *resources; /* a file, or "-"; what is below goes over it */
	struct resources limits;
	const char *l3_cache_schema, *mem_bw_schema;
};

struct events_options {
	int64_t interval_ns;
	bool stats;
};

struct spec_options {
	const char *bundle;
	bool rootless;
};

struct checkpoint_options {
	const char *image_path, *work_path, *parent_path, *page_server, *manage_cgroups_mode;
	strings empty_ns;
	uint32_t status_fd;
	bool leave_running, tcp_established, tcp_skip_in_flight, ext_unix_sk, shell_job, lazy_pages;
	bool file_locks, pre_dump, auto_dedup, link_remap;
	/* restore */
	struct create_options create;
	const char *lsm_profile, *lsm_mount_context;
};

union command_options {
	struct create_options create, run;
	struct exec_options exec;
	struct kill_options kill;
	struct delete_options delete;
	struct list_options list, ps;
	struct update_options update;
	struct events_options events;
	struct spec_options spec;
	struct checkpoint_options checkpoint, restore;
	bool help; /* of a command without options */
};

extern const struct oci_options global_options, no_options;
extern const struct oci_options create_options, run_options, exec_options, kill_options,
	delete_options, list_options, ps_options, update_options, events_options, spec_options,
	checkpoint_options, restore_options;

/*
 * Reads the options at the head of `argv` (argv[0] is passed over) into `out`; the first word that
 * is none ends them, and so does "--". The index of what follows, or -errno. `*help` is set by
 * --help and -h, which every table has.
 */
int options_parse(const struct oci_options *table, struct arena *a, int argc, char **argv,
		  void *out, bool *help, struct err *e);
/* A line for each option, on standard output. */
void options_help(const struct oci_options *table);
/* --format, of whom has it: "table", "json", or none. 0 or -EINVAL. */
int options_format(const char *command, const char *format, struct err *e);
