/* SPDX-License-Identifier: GPL-2.0-or-later */
/* holm-oci spec: a config.json to begin with. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/jsonout.h"
#include "base/str.h"
#include "oci.h"

#define WORDS_MAX 8

struct wanted_mount {
	const char *destination, *type, *source;
	const char *options[WORDS_MAX];
};

static const struct wanted_mount mounts[] = {
	{ "/proc", "proc", "proc", { "nosuid", "noexec", "nodev" } },
	{ "/dev", "tmpfs", "tmpfs", { "nosuid", "strictatime", "mode=755", "size=65536k" } },
	{ "/dev/pts",
	  "devpts",
	  "devpts",
	  { "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5" } },
	{ "/dev/shm", "tmpfs", "shm", { "nosuid", "noexec", "nodev", "mode=1777", "size=65536k" } },
	{ "/dev/mqueue", "mqueue", "mqueue", { "nosuid", "noexec", "nodev" } },
	{ "/sys", "sysfs", "sysfs", { "nosuid", "noexec", "nodev", "ro" } },
	{ "/sys/fs/cgroup", "cgroup", "cgroup", { "nosuid", "noexec", "nodev", "relatime", "ro" } },
};

/* An ordinary user's container shares the network, and so it cannot have a sysfs of its own. */
static const struct wanted_mount rootless_sys = {
	"/sys", "none", "/sys", { "rbind", "nosuid", "noexec", "nodev", "ro" }
};

static const char *const caps[] = { "CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE", NULL };
static const char *const cap_sets[] = { "bounding", "effective", "permitted", NULL };
static const char *const args[] = { "sh", NULL };
static const char *const env[] = {
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm", NULL
};
static const char *const masked[] = { "/proc/acpi",          "/proc/asound",
				      "/proc/kcore",         "/proc/keys",
				      "/proc/latency_stats", "/proc/sched_debug",
				      "/proc/scsi",          "/proc/timer_list",
				      "/proc/timer_stats",   "/sys/devices/virtual/powercap",
				      "/sys/firmware",       NULL };
static const char *const readonly[] = { "/proc/bus",           "/proc/fs", "/proc/irq", "/proc/sys",
					"/proc/sysrq-trigger", NULL };

static void put_list(struct jsonout *j, const char *key, const char *const *words)
{
	jsonout_open(j, key, '[');
	for (; *words; words++)
		jsonout_string(j, NULL, *words);
	jsonout_close(j, ']');
}

static void put_process(struct jsonout *j)
{
	jsonout_open(j, "process", '{');
	jsonout_bool(j, "terminal", true);
	jsonout_open(j, "user", '{');
	jsonout_number(j, "uid", 0);
	jsonout_number(j, "gid", 0);
	jsonout_close(j, '}');
	put_list(j, "args", args);
	put_list(j, "env", env);
	jsonout_string(j, "cwd", "/");
	jsonout_open(j, "capabilities", '{');
	for (size_t i = 0; cap_sets[i]; i++)
		put_list(j, cap_sets[i], caps);
	jsonout_close(j, '}');
	jsonout_open(j, "rlimits", '[');
	jsonout_open(j, NULL, '{');
	jsonout_string(j, "type", "RLIMIT_NOFILE");
	jsonout_number(j, "hard", 1024);
	jsonout_number(j, "soft", 1024);
	jsonout_close(j, '}');
	jsonout_close(j, ']');
	jsonout_bool(j, "noNewPrivileges", true);
	jsonout_close(j, '}');
}

static void put_mount(struct jsonout *j, const struct wanted_mount *m, bool rootless)
{
	jsonout_open(j, NULL, '{');
	jsonout_string(j, "destination", m->destination);
	jsonout_string(j, "type", m->type);
	jsonout_string(j, "source", m->source);
	jsonout_open(j, "options", '[');
	/* The only group of a rootless container is the user's own. */
	for (size_t i = 0; i < WORDS_MAX && m->options[i]; i++)
		if (!rootless || !str_starts(m->options[i], "gid="))
			jsonout_string(j, NULL, m->options[i]);
	jsonout_close(j, ']');
	jsonout_close(j, '}');
}

static void put_mounts(struct jsonout *j, bool rootless)
{
	jsonout_open(j, "mounts", '[');
	for (size_t i = 0; i < ARRAY_SIZE(mounts); i++) {
		bool is_sys = str_eq(mounts[i].destination, "/sys");

		put_mount(j, rootless && is_sys ? &rootless_sys : &mounts[i], rootless);
	}
	jsonout_close(j, ']');
}

static void put_map(struct jsonout *j, const char *key, uint32_t host_id)
{
	jsonout_open(j, key, '[');
	jsonout_open(j, NULL, '{');
	jsonout_number(j, "containerID", 0);
	jsonout_number(j, "hostID", host_id);
	jsonout_number(j, "size", 1);
	jsonout_close(j, '}');
	jsonout_close(j, ']');
}

static void put_namespaces(struct jsonout *j, bool rootless)
{
	static const char *const names[] = { "pid", "ipc", "uts", "mount", "cgroup" };

	jsonout_open(j, "namespaces", '[');
	for (size_t i = 0; i <= ARRAY_SIZE(names); i++) {
		bool last = i == ARRAY_SIZE(names);

		jsonout_open(j, NULL, '{');
		jsonout_string(j, "type", !last ? names[i] : rootless ? "user" : "network");
		jsonout_close(j, '}');
	}
	jsonout_close(j, ']');
}

static void put_linux(struct jsonout *j, bool rootless)
{
	jsonout_open(j, "linux", '{');
	if (rootless) {
		put_map(j, "uidMappings", geteuid());
		put_map(j, "gidMappings", getegid());
	} else {
		jsonout_open(j, "resources", '{');
		jsonout_open(j, "devices", '[');
		jsonout_open(j, NULL, '{');
		jsonout_bool(j, "allow", false);
		jsonout_string(j, "access", "rwm");
		jsonout_close(j, '}');
		jsonout_close(j, ']');
		jsonout_close(j, '}');
	}
	put_namespaces(j, rootless);
	put_list(j, "maskedPaths", masked);
	put_list(j, "readonlyPaths", readonly);
	jsonout_close(j, '}');
}

static void put_all(struct jsonout *j, bool rootless)
{
	jsonout_open(j, NULL, '{');
	jsonout_string(j, "ociVersion", CONFIG_VERSION);
	put_process(j);
	jsonout_open(j, "root", '{');
	jsonout_string(j, "path", "rootfs");
	jsonout_bool(j, "readonly", true);
	jsonout_close(j, '}');
	jsonout_string(j, "hostname", "holm");
	put_mounts(j, rootless);
	put_linux(j, rootless);
	jsonout_close(j, '}');
	buf_puts(&j->buf, "\n");
}

int cmd_spec(struct oci *o, int argc, char **argv, struct err *e)
{
	const struct spec_options *opt = &o->opt.spec;
	const char *dir = opt->bundle ? opt->bundle : ".";
	const char *path = arena_printf(o->arena, "%s/config.json", dir);
	_cleanup_free_ char *text = NULL;
	_cleanup_file_ FILE *f = NULL;
	struct jsonout j = { 0 };

	(void)argc, (void)argv;
	put_all(&j, opt->rootless);
	text = buf_take(&j.buf);
	if (!text || !path)
		return err_errno(e, ENOMEM, "spec");
	f = fopen(path, "wxe");
	if (!f)
		return err_errno(e, errno, "spec: %s", path);
	if (fputs(text, f) < 0 || fflush(f) != 0)
		return err_errno(e, errno, "spec: write %s", path);
	return 0;
}
