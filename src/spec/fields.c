/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * THE table of fields. An option of `holm box`, a key of a profile and a field of the C API are the
 * same row; help, man page, shell completion and documentation checks are derived from it.
 */
#include <errno.h>
#include <linux/mount.h>
#include <string.h>

#include "base/str.h"
#include "spec/spec.h"

static int set_string(struct spec *s, const struct field *f, const char *value, struct err *e)
{
	(void)e;
	*(const char **)((char *)s + f->param) = arena_strdup(s->arena, value);
	return 0;
}

static int set_bool(struct spec *s, const struct field *f, const char *value, struct err *e)
{
	if (str_bool(value, (bool *)((char *)s + f->param)) < 0)
		return err_set(e, EINVAL, "%s: \"%s\" is neither true nor false", f->name, value);
	return 0;
}

static int set_fd(struct spec *s, const struct field *f, const char *value, struct err *e)
{
	if (str_fd(value, (int *)((char *)s + f->param)) < 0)
		return err_set(e, EINVAL, "%s: \"%s\" is no file descriptor", f->name, value);
	return 0;
}

static int set_tri(struct spec *s, const struct field *f, const char *value, struct err *e)
{
	enum tri *t = (enum tri *)((char *)s + f->param);
	bool yes;

	if (str_eq(value, "auto"))
		*t = TRI_AUTO;
	else if (str_bool(value, &yes) == 0)
		*t = yes ? TRI_YES : TRI_NO;
	else
		return err_set(e, EINVAL, "%s: \"%s\" is not one of auto, yes, no", f->name, value);
	return 0;
}

#define AT(member) offsetof(struct spec, member)

const struct field spec_fields[] = {
	/* clang-format off */
	{ "cwd", 0, FIELD_LATE, "Program", "DIR", "working directory inside", set_string, AT(cwd) },
	{ "env", 'e', FIELD_LIST | FIELD_LATE, "Program", "NAME[=VALUE]",
	  "set a variable, or pass the caller's on", set_env, 0 },
	{ "keep-env", 0, FIELD_BOOL | FIELD_LATE, "Program", NULL,
	  "pass the caller's whole environment on", set_bool, AT(keep_env) },
	{ "keep-fd", 0, FIELD_LIST, "Program", "N",
	  "leave descriptor N open inside (0, 1 and 2 always are)", set_keep_fd, 0 },
	{ "umask", 0, FIELD_LATE, "Program", "OCTAL", "file mode creation mask (022)", set_string, AT(umask) },
	{ "nice", 0, FIELD_LATE, "Program", "N", "scheduling priority, -20 to 19", set_string, AT(nice) },
	{ "rlimit", 0, FIELD_LIST | FIELD_LATE, "Program", "NAME=SOFT[:HARD]",
	  "a resource limit: nofile=64:128, as=2g, cpu=unlimited", set_rlimit, 0 },
	{ "service", 0, FIELD_LIST, "Program", "NAME[:RESTART]=CMD",
	  "a companion beside the command, run by /bin/sh -c; RESTART is no, on-failure or always",
	  set_service, 0 },
	{ "as-pid1", 0, FIELD_BOOL, "Program", NULL,
	  "run the command as process 1 itself, without holm's init", set_bool, AT(as_pid1) },
	{ "pty", 0, 0, "Program", "auto|yes|no",
	  "a terminal of the box's own (auto: when 0, 1 or 2 is one)", set_tri, AT(pty) },

	{ "share", 0, FIELD_LIST, "Namespaces", "TYPE[,TYPE...]",
	  "keep the caller's: user mnt pid net ipc uts cgroup time", set_share, 0 },
	{ "join", 0, FIELD_LIST, "Namespaces", "TYPE=TARGET|NAME",
	  "enter an existing one: a path, a pid, fd:N, or a name; NAME: all that `holm ns hold` keeps by it", set_join, 0 },
	{ "hostname", 0, 0, "Namespaces", "NAME", "host name inside (holm)", set_string, AT(hostname) },
	{ "domainname", 0, 0, "Namespaces", "NAME", "NIS domain name inside", set_string, AT(domainname) },
	{ "time-offset", 0, FIELD_LIST, "Namespaces", "CLOCK=DURATION",
	  "shift a clock: monotonic=+3d, boottime=-1h30m", set_time_offset, 0 },

	{ "net", 0, FIELD_LIST, "Network", "MODE[,KEY=VALUE...]",
	  "none, host, join:TARGET, veth, bridge[:NETWORK], macvlan:IF, ipvlan:IF, phys:IF, pasta", set_net, 0 },
	{ "publish", 'p', FIELD_LIST, "Network", "[IP:]HOST:BOX[/tcp|udp]",
	  "reach a port of the box at a port of the host (127.0.0.1); ranges too", set_publish, 0 },

	{ "allow", 0, FIELD_LIST, "Network", "in|out:[PROTO:]PEER[:PORTS]",
	  "let through, and nothing else in that direction; out:tcp:10.0.0.5:5432", set_rule, true },
	{ "deny", 0, FIELD_LIST, "Network", "in|out:[PROTO:]PEER[:PORTS]",
	  "do not let through; of several rules the last one decides", set_rule, false },

	{ "allow-host", 0, FIELD_LIST, "Network", "NAME[=ADDRESS][:PORT][,...]",
	  "reach these names, by tcp, and nothing else; *.NAME is every name below it", set_allow_host, 0 },
	{ "egress-log", 0, 0, "Network", "FILE|-",
	  "where --allow-host says what was reached and refused", set_string, AT(egress_log) },

	{ "user", 'u', 0, "Ids", "root|UID[:GID]",
	  "who the command is inside (the caller's own ids)", set_string, AT(user) },
	{ "map-users", 0, FIELD_LIST, "Ids", "IN:OUT:COUNT", "map user ids", set_map, AT(map_users) },
	{ "map-groups", 0, FIELD_LIST, "Ids", "IN:OUT:COUNT", "map group ids", set_map, AT(map_groups) },
	{ "map-auto", 0, FIELD_BOOL, "Ids", NULL,
	  "map a whole range of ids, from /etc/subuid and /etc/subgid", set_bool, AT(map_auto) },

	{ "rootfs", 0, 0, "Root", "DIR", "use a directory as the root", set_string, AT(rootfs) },
	{ "writable", 'w', FIELD_BOOL, "Root", NULL,
	  "let the box write to its root (with --rootfs or --host-root)", set_bool, AT(writable) },
	{ "host-root", 0, FIELD_BOOL, "Root", NULL, "show the whole host, read-only", set_bool, AT(host_root) },
	{ "work", 0, 0, "Root", "DIR",
	  "a host directory, writable, at the same path; becomes the working directory",
	  set_string, AT(work) },
	{ "workspace", 0, 0, "Root", "DST",
	  "an empty directory, writable, gone with the box; becomes the working directory",
	  set_string, AT(workspace) },
	{ "scratch-size", 0, 0, "Root", "SIZE",
	  "room for /tmp, /run and /dev/shm together (1g)", set_size, AT(scratch_bytes) },

	{ "bind", 0, FIELD_LIST, "Mounts", "SRC[:DST[:OPTIONS]]",
	  "show SRC at DST, writable; OPTIONS: idmap suid noexec optional and propagation", set_bind, 0 },
	{ "ro-bind", 'r', FIELD_LIST, "Mounts", "SRC[:DST[:OPTIONS]]",
	  "the same, read-only all the way down", set_bind, MOUNT_ATTR_RDONLY },
	{ "dev-bind", 0, FIELD_LIST, "Mounts", "SRC[:DST[:OPTIONS]]",
	  "the same, writable, with device nodes working", set_bind, MOUNT_ATTR_NODEV },
	{ "tmpfs", 0, FIELD_LIST, "Mounts", "DST[:size=SIZE][:mode=OCTAL]",
	  "an empty file system in memory", set_tmpfs, 0 },
	{ "overlay", 0, FIELD_LIST, "Mounts", "LOWER[:LOWER...]:DST[:keep=DIR|:ro] | tmp | DIR",
	  "layers at DST, changes thrown away or kept; without ':' the layer over --rootfs", set_overlay, 0 },
	{ "proc", 0, FIELD_LIST, "Mounts", "DST[:full]",
	  "process information; full: writable and without masks", set_place, MNT_PROC },
	{ "dev", 0, FIELD_LIST, "Mounts", "DST", "a minimal /dev", set_place, MNT_DEV },
	{ "mqueue", 0, FIELD_LIST, "Mounts", "DST", "POSIX message queues", set_place, MNT_MQUEUE },
	{ "dir", 0, FIELD_LIST, "Mounts", "DST[:OCTAL]", "an empty directory", set_place, MNT_DIR },
	{ "file", 0, FIELD_LIST, "Mounts", "DST=CONTENT|@FILE|fd:N",
	  "a read-only file: the text, a copy of FILE, or what descriptor N gives", set_file, 0 },
	{ "symlink", 0, FIELD_LIST, "Mounts", "TARGET:DST", "a symbolic link at DST", set_symlink, 0 },
	{ "mask", 0, FIELD_LIST, "Mounts", "DST", "hide a file or directory", set_place, MNT_MASK },
	{ "remount-ro", 0, FIELD_LIST, "Mounts", "DST", "make a mount read-only", set_place, MNT_REMOUNT_RO },
	{ "propagation", 0, FIELD_LIST, "Mounts", "MODE[:DST]",
	  "private, slave, shared or unbindable: for the root, or the mount at DST", set_propagation, 0 },

	{ "cap", 0, FIELD_LIST, "Rights", "NAME", "keep a capability of the box's own user namespace", set_cap, 0 },
	{ "seccomp", 0, FIELD_LATE, "Rights", "default|none|FILE",
	  "system call filter: an OCI profile (JSON) or a compiled filter", set_string, AT(seccomp) },
	{ "landlock", 0, FIELD_LIST | FIELD_LATE, "Rights", "ACCESS:PATH",
	  "allow only these paths; ACCESS is ro, rx, rw or all", set_landlock, 0 },
	{ "allow-new-privs", 0, FIELD_BOOL, "Rights", NULL,
	  "let set-user-id programs work inside", set_bool, AT(allow_new_privs) },
	{ "fallback", 0, 0, "Rights", "landlock",
	  "where user namespaces are refused: Landlock, seccomp and limits alone", set_fallback, 0 },

	{ "memory", 0, FIELD_LATE, "Limits", "SIZE", "memory for the box as a whole",
	  set_memory, AT(limits.resources.memory_limit) },
	{ "swap", 0, FIELD_LATE, "Limits", "SIZE", "swap on top of --memory (0)", set_swap, 0 },
	{ "memory-low", 0, FIELD_LATE, "Limits", "SIZE", "memory that is taken from the box last",
	  set_memory, AT(limits.resources.memory_reservation) },
	{ "cpus", 0, FIELD_LATE, "Limits", "N.N", "processors' worth of time: 0.5, 2", set_cpu_time, 0 },
	{ "cpu-weight", 0, FIELD_LATE, "Limits", "N", "share of the processors when they are scarce, 1 to 10000 (100)",
	  set_weight, AT(limits.resources.cpu_weight) },
	{ "cpuset", 0, FIELD_LATE, "Limits", "LIST", "run on these processors alone: 0-3,7", set_cpuset, 0 },
	{ "pids", 0, FIELD_LATE, "Limits", "N", "processes and threads, the init included", set_pids, 0 },
	{ "io-weight", 0, FIELD_LATE, "Limits", "N", "share of the disks when they are busy, 1 to 10000 (100)",
	  set_weight, AT(limits.resources.io_weight_v2) },
	{ "io-max", 0, FIELD_LIST | FIELD_LATE, "Limits", "DISK:RATE=N[,...]",
	  "rbps, wbps, riops, wiops; DISK is MAJOR:MINOR, or a path on it", set_io_max, 0 },
	{ "hugetlb", 0, FIELD_LIST | FIELD_LATE, "Limits", "SIZE=LIMIT", "huge pages of a size: 2m=64m", set_hugetlb, 0 },
	{ "devices", 0, FIELD_LIST, "Limits", "RULE",
	  "allow devices, beside those of each box no others: \"c 10:229 rw\"", set_devices, 0 },
	{ "cgroup", 0, FIELD_BOOL, "Limits", NULL,
	  "a cgroup without limits too, to be told what was used", set_bool, AT(limits.cgroup) },
	{ "limits", 0, FIELD_LATE, "Limits", "strict|best-effort",
	  "a limit that cannot be had is an error (strict), or left out", set_limits, 0 },

	{ "time", 0, FIELD_LATE, "End", "SOFT[:HARD]", "processor time of all processes together: 2s, 500ms",
	  set_watch_time, AT(watch.time_ns) },
	{ "wall", 0, FIELD_LATE, "End", "SOFT[:HARD]", "time from the start of the command",
	  set_watch_time, AT(watch.wall_ns) },
	{ "idle", 0, FIELD_LATE, "End", "SOFT[:HARD]", "time in a row in which nothing of the box runs",
	  set_watch_time, AT(watch.idle_ns) },
	{ "output", 0, FIELD_LATE, "End", "SOFT[:HARD]", "bytes on standard output and error together",
	  set_watch_size, AT(watch.output_bytes) },
	{ "file-size", 0, FIELD_LATE, "End", "SIZE[:HARD]", "of each file that is written (rlimit fsize)",
	  set_one_rlimit, RLIMIT_FSIZE },
	{ "open-files", 0, FIELD_LATE, "End", "N[:HARD]", "descriptors of each process (rlimit nofile)",
	  set_one_rlimit, RLIMIT_NOFILE },
	{ "stack", 0, FIELD_LATE, "End", "SIZE[:HARD]", "of each process (rlimit stack)",
	  set_one_rlimit, RLIMIT_STACK },
	{ "core", 0, FIELD_LATE, "End", "SIZE[:HARD]", "of a core dump (rlimit core; 0)",
	  set_one_rlimit, RLIMIT_CORE },
	{ "seccomp-action", 0, FIELD_LATE, "End", "errno|kill|log",
	  "what a system call leads to that the filter forbids: it fails, ends the box, or fails and is told",
	  set_denied, 0 },
	{ "judge", 0, FIELD_BOOL | FIELD_LATE, "End", NULL,
	  "end the box at the first limit that it reaches, those of memory and pids too",
	  set_bool, AT(watch.judge) },

	{ "outlive-parent", 0, FIELD_BOOL, "Life", NULL, "go on when holm is killed", set_bool, AT(outlive_parent) },
	{ "info-fd", 0, 0, "Life", "N", "write what was made, as one JSON line", set_fd, AT(info_fd) },
	{ "status-fd", 0, 0, "Life", "N", "write what happens, as JSON lines", set_fd, AT(status_fd) },
	{ "sync-fd", 0, 0, "Life", "N", "keep N open until the box has ended", set_fd, AT(sync_fd) },
	{ "block-fd", 0, 0, "Life", "N", "start the command when N can be read", set_fd, AT(block_fd) },
	{ "ready-fd", 0, 0, "Life", "N", "write a line when the command runs, and close", set_fd, AT(ready_fd) },
	/* clang-format on */
};

const size_t spec_n_fields = ARRAY_SIZE(spec_fields);

const struct field *field_find(const char *name)
{
	for (size_t i = 0; i < spec_n_fields; i++)
		if (str_eq(spec_fields[i].name, name))
			return &spec_fields[i];
	return NULL;
}

struct spec *spec_new(void)
{
	struct arena *a = arena_new();
	struct spec *s = a ? arena_alloc(a, sizeof(*s)) : NULL;

	if (!s) {
		arena_free(a);
		return NULL;
	}
	s->arena = a;
	s->info_fd = s->status_fd = s->sync_fd = s->block_fd = s->ready_fd = -1;
	s->scratch_bytes = UINT64_C(1) << 30;
	s->seccomp = "default";
	s->limits.swap_bytes = NOT_GIVEN;
	s->limits.resources = (struct resources)RESOURCES_INIT;
	return s;
}

struct spec *spec_copy(const struct spec *s)
{
	struct arena *a = arena_new();
	struct spec *copy = a ? arena_alloc(a, sizeof(*copy)) : NULL;

	if (!copy) {
		arena_free(a);
		return NULL;
	}
	*copy = *s;
	copy->arena = a;
	/* The original's may be written to again, and a box that was prepared is compared by it. */
	copy->journal.items = arena_alloc(a, (s->journal.n + 1) * sizeof(*s->journal.items));
	if (!copy->journal.items) {
		arena_free(a);
		return NULL;
	}
	if (s->journal.n)
		memcpy(copy->journal.items, s->journal.items,
		       s->journal.n * sizeof(*s->journal.items));
	return copy;
}

void spec_free(struct spec *s)
{
	if (s)
		arena_free(s->arena);
}

static int note_entry(struct spec *s, const char *field, const char *value)
{
	struct spec_entry *entry =
		arena_push(s->arena, &s->journal.items, &s->journal.n, sizeof(*entry));

	if (!entry)
		return -ENOMEM;
	*entry = (struct spec_entry){ field, arena_strdup(s->arena, value) };
	return entry->value ? 0 : -ENOMEM;
}

/* The next entry that is about the box; NULL behind the last. */
static const struct spec_entry *next_of_shape(const struct spec *s, size_t *at)
{
	while (*at < s->journal.n) {
		const struct spec_entry *entry = &s->journal.items[(*at)++];
		const struct field *f = field_find(entry->field); /* the command is none */

		if (f && !(f->flags & FIELD_LATE))
			return entry;
	}
	return NULL;
}

bool spec_same_shape(const struct spec *a, const struct spec *b)
{
	size_t at_a = 0, at_b = 0;
	const struct spec_entry *in_a, *in_b;

	do {
		in_a = next_of_shape(a, &at_a);
		in_b = next_of_shape(b, &at_b);
		if (in_a && in_b &&
		    (!str_eq(in_a->field, in_b->field) || !str_eq(in_a->value, in_b->value)))
			return false;
	} while (in_a && in_b);
	return !in_a && !in_b;
}

int field_set(struct spec *s, const struct field *f, const char *value, struct err *e)
{
	int r = f->set(s, f, value, e);

	if (r == 0 && note_entry(s, f->name, value) < 0)
		return err_errno(e, ENOMEM, "%s", f->name);
	return r;
}

int spec_command(struct spec *s, const char *word)
{
	const char **slot = arena_push(s->arena, &s->command.items, &s->command.n, sizeof(*slot));

	if (!slot || note_entry(s, "command", word) < 0)
		return -ENOMEM;
	*slot = s->journal.items[s->journal.n - 1].value;
	return 0;
}

int spec_set(struct spec *s, const char *field, const char *value, struct err *e)
{
	const struct field *f = field_find(field);

	if (!f)
		return err_set(e, EINVAL, "there is no field \"%s\"", field);
	return field_set(s, f, value, e);
}
