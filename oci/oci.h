/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the commands of `holm-oci` share. A command is a file in cmd/, a row in main.c, and a table
 * of options in options_table.c.
 */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "config.h"
#include "options.h"
#include "state/state.h"

#define EXIT_OCI      1   /* the runtime failed */
#define EXIT_OCI_EXEC 255 /* ... in exec, whose command has 1 for itself */

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_WARNING, LOG_LEVEL_ERROR };
enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };
enum cgroup_manager { MANAGER_CGROUPFS, MANAGER_SYSTEMD, MANAGER_DISABLED };

struct oci_log {
	int fd; /* -1: no file */
	enum log_format format;
	enum log_level level; /* what is below is not said */
};

/* One run of the program. */
struct oci {
	struct arena *arena; /* what lives as long as the program */
	char **argv;         /* the program's own */
	const char *root;    /* where containers are kept */
	enum cgroup_manager cgroup_manager;
	enum tri rootless;
	const char *criu; /* the program */
	struct oci_log log;
	unsigned n_passed; /* descriptors from PASSED_FIRST on that our caller had open, in a row */
	const struct oci_command *command;
	union command_options opt; /* of the command */
};

/*
 * `argv` has what stands behind the options, `argc` words; a NULL follows. The exit code, or -errno
 * with the reason in `e`, which main() says.
 */
typedef int oci_run_fn(struct oci *o, int argc, char **argv, struct err *e);

struct oci_command {
	const char *name;
	const char *args;  /* "ID [SIGNAL]" */
	const char *words; /* what it does */
	oci_run_fn *run;
	const struct oci_options *options;
	int min_args, max_args; /* -1: any number */
	int fail_code;          /* EXIT_OCI, if it is 0 */
	bool stateless;         /* it needs no directory of states */
};

extern const struct oci_command commands[];
extern const unsigned n_commands;

/* Each is a row in main.c. */
oci_run_fn cmd_features, cmd_list, cmd_spec, cmd_state;
oci_run_fn cmd_create, cmd_start, cmd_run, cmd_kill, cmd_delete, cmd_exec, cmd_ps, cmd_pause,
	cmd_resume, cmd_update, cmd_events, cmd_stats, cmd_checkpoint, cmd_restore, cmd_mounts;

/* ---- main.c ---- */

/* Nobody on the host, be it as root of a user namespace. */
bool is_ordinary_user(void);

/* ---- log.c ---- */

int log_open(struct oci_log *log, const struct global_options *g, struct err *e);
/* One line to the log file, and to standard error what is an error or has no file. */
void log_say(const struct oci_log *log, enum log_level level, const char *fmt, ...)
	PRINTF_LIKE(3, 4);

/* ---- descriptors.c ---- */

#define PASSED_FIRST 3 /* as sd_listen_fds(3) has it */

/* Before anything else is opened. */
int descriptors_begin(struct oci *o, struct err *e);

/* ---- out.c ---- */

struct jsonout;

/* The text to standard output, with a newline behind. 0 or -errno. */
int out_json(struct jsonout *j, struct err *e);
