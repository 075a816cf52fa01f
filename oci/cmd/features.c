/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * holm-oci features: the features document of the OCI runtime specification. Whatever is a list is
 * printed from the very tables that config.json is read by, so that it cannot say something else.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/caps.h"
#include "base/jsonout.h"
#include "base/str.h"
#include "config_tables.h"
#include "container.h"
#include "holm.h"
#include "oci.h"
#include "oci_commit.h"
#include "spec/mount_options.h"
#include "spec/scmp_json.h"

#define VERSION_MIN "1.0.0"

/* What was built in, whatever the machine has of it. */
static const bool has_cgroup_v1 = true, has_cgroup_v2 = true, has_rdma = true;
static const bool has_apparmor = true, has_selinux = true, has_intel_rdt = true;

static void put_words(struct jsonout *j, const char *key, const struct json_words *words)
{
	jsonout_open(j, key, '[');
	for (size_t i = 0; i < words->n; i++)
		jsonout_string(j, NULL, words->words[i].name);
	jsonout_close(j, ']');
}

static void put_enabled(struct jsonout *j, const char *key, bool enabled)
{
	jsonout_open(j, key, '{');
	jsonout_bool(j, "enabled", enabled);
	jsonout_close(j, '}');
}

static void put_hooks(struct jsonout *j)
{
	jsonout_open(j, "hooks", '[');
	for (size_t i = 0; i < hooks_table.n; i++)
		jsonout_string(j, NULL, hooks_table.rows[i].name);
	jsonout_close(j, ']');
}

static void put_mount_options(struct jsonout *j)
{
	const char *name;

	jsonout_open(j, "mountOptions", '[');
	for (size_t i = 0; (name = mount_option_name(i)); i++)
		jsonout_string(j, NULL, name);
	jsonout_close(j, ']');
}

static void put_capabilities(struct jsonout *j)
{
	const char *name;

	jsonout_open(j, "capabilities", '[');
	for (unsigned i = 0; (name = caps_name(i)); i++) {
		char upper[64] = "CAP_";
		size_t n = strlen(upper);

		for (; *name && n + 1 < sizeof(upper); name++)
			upper[n++] = (char)toupper((unsigned char)*name);
		upper[n] = 0;
		jsonout_string(j, NULL, upper);
	}
	jsonout_close(j, ']');
}

static void put_cgroup(struct oci *o, struct jsonout *j)
{
	bool has_systemd = systemd_helper(o) != NULL;

	jsonout_open(j, "cgroup", '{');
	jsonout_bool(j, "v1", has_cgroup_v1);
	jsonout_bool(j, "v2", has_cgroup_v2);
	jsonout_bool(j, "systemd", has_systemd);
	jsonout_bool(j, "systemdUser", has_systemd);
	jsonout_bool(j, "rdma", has_rdma);
	jsonout_close(j, '}');
}

/* ---- seccomp ---- */

static void put_scmp(struct jsonout *j, const char *key, enum scmp_vocabulary which)
{
	const char *name;

	jsonout_open(j, key, '[');
	for (size_t i = 0; (name = scmp_word(which, i)); i++)
		jsonout_string(j, NULL, name);
	jsonout_close(j, ']');
}

/* All flags are older than the oldest kernel that we run on, but this one is of Linux 5.19. */
static bool has_flag(const char *name)
{
	unsigned major = 0, minor = 0;
	struct utsname u;

	if (!str_eq(name, "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"))
		return true;
	if (uname(&u) < 0 || sscanf(u.release, "%u.%u", &major, &minor) != 2)
		return false;
	return major > 5 || (major == 5 && minor >= 19);
}

static void put_seccomp(struct jsonout *j)
{
	const char *name;

	jsonout_open(j, "seccomp", '{');
	jsonout_bool(j, "enabled", true);
	put_scmp(j, "actions", SCMP_WORDS_ACTIONS);
	put_scmp(j, "operators", SCMP_WORDS_OPERATORS);
	put_scmp(j, "archs", SCMP_WORDS_ARCHES);
	put_scmp(j, "knownFlags", SCMP_WORDS_FLAGS);
	jsonout_open(j, "supportedFlags", '[');
	for (size_t i = 0; (name = scmp_word(SCMP_WORDS_FLAGS, i)); i++)
		if (has_flag(name))
			jsonout_string(j, NULL, name);
	jsonout_close(j, ']');
	jsonout_close(j, '}');
}

static void put_linux(struct oci *o, struct jsonout *j)
{
	jsonout_open(j, "linux", '{');
	put_words(j, "namespaces", &namespaces);
	put_capabilities(j);
	put_cgroup(o, j);
	put_seccomp(j);
	put_enabled(j, "apparmor", has_apparmor);
	put_enabled(j, "selinux", has_selinux);
	jsonout_open(j, "intelRdt", '{');
	jsonout_bool(j, "enabled", has_intel_rdt);
	jsonout_bool(j, "schemata", has_intel_rdt);
	jsonout_bool(j, "monitoring", has_intel_rdt);
	jsonout_close(j, '}');
	jsonout_open(j, "memoryPolicy", '{');
	put_words(j, "modes", &mempolicy_modes);
	put_words(j, "flags", &mempolicy_flags);
	jsonout_close(j, '}');
	jsonout_open(j, "mountExtensions", '{');
	put_enabled(j, "idmap", true);
	jsonout_close(j, '}');
	put_enabled(j, "netDevices", true);
	jsonout_close(j, '}');
}

int cmd_features(struct oci *o, int argc, char **argv, struct err *e)
{
	struct jsonout j = { 0 };

	(void)argc, (void)argv;
	jsonout_open(&j, NULL, '{');
	jsonout_string(&j, "ociVersionMin", VERSION_MIN);
	jsonout_string(&j, "ociVersionMax", CONFIG_VERSION);
	put_hooks(&j);
	put_mount_options(&j);
	put_linux(o, &j);
	jsonout_open(&j, "annotations", '{');
	jsonout_string(&j, "holm.version", holm_version());
	jsonout_string(&j, "holm.commit", HOLM_COMMIT);
	jsonout_close(&j, '}');
	/* They are obeyed, and reach beyond the container; "." at the end: all that begin so. */
	jsonout_open(&j, "potentiallyUnsafeConfigAnnotations", '[');
	jsonout_string(&j, NULL, "org.systemd.property.");
	jsonout_string(&j, NULL, "run.oci.keep_original_groups");
	jsonout_close(&j, ']');
	jsonout_close(&j, '}');
	return out_json(&j, e);
}
