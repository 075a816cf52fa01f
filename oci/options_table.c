/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every option of every command. */
#include "options.h"

#define OPT(type, name_, letter_, value_, member, arg_, help_)                          \
	{                                                                               \
		.name = (name_), .letter = (letter_), .value = (value_),                \
		.offset = offsetof(struct type, member), .arg = (arg_), .help = (help_) \
	}
/* Taken and of no effect. */
#define IGNORED(name_, value_, arg_, help_)                                        \
	{                                                                          \
		.name = (name_), .value = (value_), .arg = (arg_), .help = (help_) \
	}
#define TABLE(type, rows_)                                                           \
	{                                                                            \
		.rows = (rows_), .n = ARRAY_SIZE(rows_), .size = sizeof(struct type) \
	}

/* ---- global ---- */

#define GLOBAL(...) OPT(global_options, __VA_ARGS__)

static const struct oci_option global_rows[] = {
	GLOBAL("root", 0, OCI_TEXT, root, "DIR", "where containers are kept"),
	GLOBAL("log", 0, OCI_TEXT, log, "FILE", "write errors and warnings there, too"),
	GLOBAL("log-format", 0, OCI_TEXT, log_format, "text|json", "how the log is written"),
	GLOBAL("log-level", 0, OCI_TEXT, log_level, "error|warning|debug", "how much is logged"),
	GLOBAL("debug", 0, OCI_FLAG, debug, NULL, "the same as --log-level debug"),
	GLOBAL("systemd-cgroup", 0, OCI_FLAG, systemd_cgroup, NULL,
	       "the same as --cgroup-manager systemd"),
	GLOBAL("cgroup-manager", 0, OCI_TEXT, cgroup_manager, "cgroupfs|systemd|disabled",
	       "who makes the cgroups"),
	GLOBAL("rootless", 0, OCI_TEXT, rootless, "true|false|auto",
	       "do without what only root may do"),
	GLOBAL("criu", 0, OCI_TEXT, criu, "PATH", "the criu of checkpoint and restore"),
	GLOBAL("version", 'v', OCI_FLAG, version, NULL, "say which version this is"),
};

const struct oci_options global_options = TABLE(global_options, global_rows);

static const struct oci_option none_rows[] = {
	IGNORED("verbose", OCI_NO_FLAG, NULL, "taken and ignored"),
};

const struct oci_options no_options = { .rows = none_rows, .n = 0, .size = 0 };

/* ---- create, run ---- */

#define CREATE(...) OPT(create_options, __VA_ARGS__)
#define CREATE_ROWS                                                                               \
	CREATE("bundle", 'b', OCI_TEXT, bundle, "DIR", "the bundle; else the current directory"), \
		CREATE("config", 'f', OCI_TEXT, config, "FILE",                                   \
		       "read this instead of config.json"),                                       \
		CREATE("console-socket", 0, OCI_TEXT, console_socket, "PATH",                     \
		       "send the terminal's master over this socket"),                            \
		CREATE("pidfd-socket", 0, OCI_TEXT, pidfd_socket, "PATH",                         \
		       "send a pidfd of the first process over this socket"),                     \
		CREATE("pid-file", 0, OCI_TEXT, pid_file, "FILE",                                 \
		       "write the first process's pid there"),                                    \
		CREATE("preserve-fds", 0, OCI_COUNT, preserve_fds, "N",                           \
		       "hand on N descriptors from 3 on, or behind LISTEN_FDS"),                  \
		CREATE("no-pivot", 0, OCI_FLAG, no_pivot, NULL,                                   \
		       "move the root instead of pivot_root; for ramdisks"),                      \
		CREATE("no-new-keyring", 0, OCI_FLAG, no_new_keyring, NULL,                       \
		       "keep the session keyring"),                                               \
		CREATE("no-subreaper", 0, OCI_FLAG, no_subreaper, NULL,                           \
		       "do not collect what the container leaves")

static const struct oci_option create_rows[] = { CREATE_ROWS };

static const struct oci_option run_rows[] = {
	CREATE_ROWS,
	CREATE("detach", 'd', OCI_FLAG, detach, NULL, "return when the command runs"),
	CREATE("keep", 0, OCI_FLAG, keep, NULL, "do not delete the container when it ends"),
};

const struct oci_options create_options = TABLE(create_options, create_rows);
const struct oci_options run_options = TABLE(create_options, run_rows);

/* ---- exec ---- */

#define EXEC(...) OPT(exec_options, __VA_ARGS__)

static const struct oci_option exec_rows[] = {
	EXEC("process", 'p', OCI_TEXT, process, "FILE", "the process, as in config.json"),
	EXEC("tty", 't', OCI_FLAG, tty, NULL, "give it a terminal"),
	EXEC("detach", 'd', OCI_FLAG, detach, NULL, "return when the command runs"),
	EXEC("console-socket", 0, OCI_TEXT, console_socket, "PATH",
	     "send the terminal's master over this socket"),
	EXEC("pidfd-socket", 0, OCI_TEXT, pidfd_socket, "PATH",
	     "send a pidfd of the process over this socket"),
	EXEC("pid-file", 0, OCI_TEXT, pid_file, "FILE", "write its pid there"),
	EXEC("cwd", 0, OCI_TEXT, cwd, "DIR", "its working directory"),
	EXEC("env", 'e', OCI_LIST, env, "NAME=VALUE", "one more variable"),
	EXEC("user", 'u', OCI_TEXT, user, "UID[:GID]", "who runs it"),
	EXEC("additional-gids", 'g', OCI_LIST, additional_gids, "GID", "one more group"),
	EXEC("cap", 'c', OCI_LIST, caps, "NAME", "one more capability"),
	EXEC("apparmor", 0, OCI_TEXT, apparmor, "PROFILE", "its AppArmor profile"),
	EXEC("process-label", 0, OCI_TEXT, process_label, "LABEL", "its SELinux label"),
	EXEC("no-new-privs", 0, OCI_FLAG, no_new_privs, NULL, "no program gives it more rights"),
	EXEC("preserve-fds", 0, OCI_COUNT, preserve_fds, "N", "hand on N descriptors from 3 on"),
	EXEC("cgroup", 0, OCI_TEXT, cgroup, "PATH", "run it in this cgroup of the container's"),
	EXEC("ignore-paused", 0, OCI_FLAG, ignore_paused, NULL,
	     "a paused container is no error: the command waits"),
	EXEC("no-subreaper", 0, OCI_FLAG, no_subreaper, NULL, "do not collect what it leaves"),
};

const struct oci_options exec_options = TABLE(exec_options, exec_rows);

/* ---- kill, delete, list, ps ---- */

static const struct oci_option kill_rows[] = {
	OPT(kill_options, "all", 'a', OCI_FLAG, all, NULL, "every process of the container"),
};

static const struct oci_option delete_rows[] = {
	OPT(delete_options, "force", 'f', OCI_FLAG, force, NULL, "kill it first, if it still runs"),
};

#define FORMAT(words) OPT(list_options, "format", 'f', OCI_TEXT, format, "table|json", words)

static const struct oci_option list_rows[] = {
	FORMAT("how the list is written"),
	OPT(list_options, "quiet", 'q', OCI_FLAG, quiet, NULL, "only the ids"),
};

static const struct oci_option ps_rows[] = {
	FORMAT("json: only the pids"),
};

const struct oci_options kill_options = TABLE(kill_options, kill_rows);
const struct oci_options delete_options = TABLE(delete_options, delete_rows);
const struct oci_options list_options = TABLE(list_options, list_rows);
const struct oci_options ps_options = TABLE(list_options, ps_rows);

/* ---- update ---- */

#define UPDATE(...) OPT(update_options, __VA_ARGS__)

static const struct oci_option update_rows[] = {
	UPDATE("resources", 'r', OCI_TEXT, resources, "FILE",
	       "linux.resources as in config.json; - is standard input"),
	UPDATE("blkio-weight", 0, OCI_NUMBER, limits.io_weight, "N", "share of I/O: 10 to 1000"),
	UPDATE("cpu-period", 0, OCI_NUMBER, limits.cpu_period_us, "US", "period of the CPU quota"),
	UPDATE("cpu-quota", 0, OCI_NUMBER, limits.cpu_quota_us, "US", "CPU time in a period"),
	UPDATE("cpu-burst", 0, OCI_NUMBER, limits.cpu_burst_us, "US", "CPU time saved for later"),
	UPDATE("cpu-share", 0, OCI_NUMBER, limits.cpu_shares, "N", "share of CPU time"),
	UPDATE("cpu-rt-period", 0, OCI_NUMBER, limits.cpu_rt_period_us, "US",
	       "period of real-time scheduling"),
	UPDATE("cpu-rt-runtime", 0, OCI_NUMBER, limits.cpu_rt_runtime_us, "US",
	       "real-time scheduling in a period"),
	UPDATE("cpu-idle", 0, OCI_NUMBER, limits.cpu_idle, "0|1", "run only when nobody else does"),
	UPDATE("cpuset-cpus", 0, OCI_TEXT, limits.cpuset_cpus, "LIST", "CPUs to run on"),
	UPDATE("cpuset-mems", 0, OCI_TEXT, limits.cpuset_mems, "LIST", "memory nodes to use"),
	UPDATE("memory", 0, OCI_SIZE, limits.memory_limit, "BYTES", "limit of memory"),
	UPDATE("memory-reservation", 0, OCI_SIZE, limits.memory_reservation, "BYTES",
	       "memory that is not taken away lightly"),
	UPDATE("memory-swap", 0, OCI_SIZE, limits.memory_swap, "BYTES",
	       "limit of memory and swap together"),
	UPDATE("kernel-memory", 0, OCI_SIZE, limits.memory_kernel, "BYTES",
	       "limit of the kernel's memory (cgroup v1)"),
	UPDATE("kernel-memory-tcp", 0, OCI_SIZE, limits.memory_kernel_tcp, "BYTES",
	       "limit of TCP buffers (cgroup v1)"),
	UPDATE("pids-limit", 0, OCI_NUMBER, limits.pids_limit, "N", "limit of processes"),
	UPDATE("l3-cache-schema", 0, OCI_TEXT, l3_cache_schema, "SCHEMA", "Intel RDT: L3 cache"),
	UPDATE("mem-bw-schema", 0, OCI_TEXT, mem_bw_schema, "SCHEMA",
	       "Intel RDT: memory bandwidth"),
};

static const struct update_options update_init = { .limits = RESOURCES_INIT };

const struct oci_options update_options = { .rows = update_rows,
					    .n = ARRAY_SIZE(update_rows),
					    .init = &update_init,
					    .size = sizeof(struct update_options) };

/* ---- events, spec ---- */

static const struct oci_option events_rows[] = {
	OPT(events_options, "interval", 0, OCI_DURATION, interval_ns, "TIME",
	    "between two lines of statistics"),
	OPT(events_options, "stats", 0, OCI_FLAG, stats, NULL, "statistics once, and nothing else"),
};

static const struct events_options events_init = { .interval_ns = INT64_C(5000000000) };

const struct oci_options events_options = { .rows = events_rows,
					    .n = ARRAY_SIZE(events_rows),
					    .init = &events_init,
					    .size = sizeof(struct events_options) };

static const struct oci_option spec_rows[] = {
	OPT(spec_options, "bundle", 'b', OCI_TEXT, bundle, "DIR",
	    "where config.json is written; else the current directory"),
	OPT(spec_options, "rootless", 0, OCI_FLAG, rootless, NULL,
	    "for a container that an ordinary user makes"),
};

const struct oci_options spec_options = TABLE(spec_options, spec_rows);

/* ---- checkpoint, restore ---- */

#define CRIU(...) OPT(checkpoint_options, __VA_ARGS__)
#define CRIU_ROWS                                                                                  \
	CRIU("image-path", 0, OCI_TEXT, image_path, "DIR", "where criu's images are"),             \
		CRIU("work-path", 0, OCI_TEXT, work_path, "DIR", "where criu works and logs"),     \
		CRIU("tcp-established", 0, OCI_FLAG, tcp_established, NULL,                        \
		     "with open TCP connections"),                                                 \
		CRIU("ext-unix-sk", 0, OCI_FLAG, ext_unix_sk, NULL,                                \
		     "with connected unix sockets"),                                               \
		CRIU("shell-job", 0, OCI_FLAG, shell_job, NULL,                                    \
		     "with a terminal of the caller's"),                                           \
		CRIU("file-locks", 0, OCI_FLAG, file_locks, NULL, "with locks of files"),          \
		CRIU("link-remap", 0, OCI_FLAG, link_remap, NULL, "with files that were removed"), \
		CRIU("lazy-pages", 0, OCI_FLAG, lazy_pages, NULL,                                  \
		     "memory later, when it is used"),                                             \
		CRIU("auto-dedup", 0, OCI_FLAG, auto_dedup, NULL, "keep each page once"),          \
		CRIU("manage-cgroups-mode", 0, OCI_TEXT, manage_cgroups_mode, "MODE",              \
		     "soft, full, strict or ignore"),                                              \
		CRIU("empty-ns", 0, OCI_LIST, empty_ns, "NAME", "a namespace without its content")

static const struct oci_option checkpoint_rows[] = {
	CRIU_ROWS,
	CRIU("parent-path", 0, OCI_TEXT, parent_path, "DIR", "images of an earlier --pre-dump"),
	CRIU("leave-running", 0, OCI_FLAG, leave_running, NULL, "the container goes on"),
	CRIU("pre-dump", 0, OCI_FLAG, pre_dump, NULL, "only memory, and the container goes on"),
	CRIU("page-server", 0, OCI_TEXT, page_server, "ADDRESS:PORT", "send memory there"),
	CRIU("status-fd", 0, OCI_COUNT, status_fd, "FD", "tell this descriptor when criu is ready"),
	CRIU("tcp-skip-in-flight", 0, OCI_FLAG, tcp_skip_in_flight, NULL,
	     "without connections that are being made"),
};

#define RESTORE(name, letter, value, member, arg, help) \
	OPT(checkpoint_options, name, letter, value, create.member, arg, help)

static const struct oci_option restore_rows[] = {
	CRIU_ROWS,
	RESTORE("bundle", 'b', OCI_TEXT, bundle, "DIR", "the bundle; else the current directory"),
	RESTORE("console-socket", 0, OCI_TEXT, console_socket, "PATH",
		"send the terminal's master over this socket"),
	RESTORE("pid-file", 0, OCI_TEXT, pid_file, "FILE", "write the first process's pid there"),
	RESTORE("detach", 'd', OCI_FLAG, detach, NULL, "return when it runs"),
	RESTORE("keep", 0, OCI_FLAG, keep, NULL, "do not delete the container when it ends"),
	RESTORE("no-pivot", 0, OCI_FLAG, no_pivot, NULL, "move the root instead of pivot_root"),
	RESTORE("no-subreaper", 0, OCI_FLAG, no_subreaper, NULL,
		"do not collect what the container leaves"),
	CRIU("lsm-profile", 0, OCI_TEXT, lsm_profile, "TYPE:NAME", "another security profile"),
	CRIU("lsm-mount-context", 0, OCI_TEXT, lsm_mount_context, "CONTEXT",
	     "another SELinux label of mounts"),
};

const struct oci_options checkpoint_options = TABLE(checkpoint_options, checkpoint_rows);
const struct oci_options restore_options = TABLE(checkpoint_options, restore_rows);
