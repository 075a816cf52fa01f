/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A machine that never changes, for tests of decisions: a small merged-/usr Debian. */
#pragma once

#include <errno.h>
#include <string.h>

#include "base/macro.h"
#include "spec/spec.h"

static const struct {
	const char *path;
	enum fact_kind kind;
	const char *link;
} fake_paths[] = {
	{ "/usr", FACT_DIR, NULL },
	{ "/bin", FACT_LINK, "usr/bin" },
	{ "/sbin", FACT_LINK, "usr/sbin" },
	{ "/lib", FACT_LINK, "usr/lib" },
	{ "/lib64", FACT_LINK, "usr/lib64" },
	{ "/etc/alternatives", FACT_DIR, NULL },
	{ "/etc/ld.so.cache", FACT_FILE, NULL },
	{ "/etc/ssl/certs", FACT_DIR, NULL },
	{ "/etc/localtime", FACT_LINK, "/usr/share/zoneinfo/Etc/UTC" },
	{ "/etc/services", FACT_FILE, NULL },
	{ "/proc/keys", FACT_FILE, NULL },
	{ "/proc/timer_list", FACT_FILE, NULL },
	{ "/home/me", FACT_DIR, NULL },
	{ "/home/me/prog", FACT_FILE, NULL },
	{ "/srv/root", FACT_DIR, NULL },
};

static void fake_look(void *arg, const char *path, struct fact_path *out)
{
	(void)arg;
	out->kind = FACT_ABSENT;
	for (size_t i = 0; i < ARRAY_SIZE(fake_paths); i++) {
		if (strcmp(fake_paths[i].path, path) != 0)
			continue;
		out->kind = fake_paths[i].kind;
		if (fake_paths[i].link)
			strcpy(out->link, fake_paths[i].link);
	}
}

static int fake_disk(void *arg, const char *path, uint32_t *major, uint32_t *minor)
{
	(void)arg;
	*major = 8;
	*minor = 16;
	return strcmp(path, "/home/me/data") == 0 ? 0 : -ENOENT;
}

/* "web", with a name server, and "in", from which nothing leads out. */
static int fake_network(void *arg, const char *name, struct fact_network *out)
{
	bool is_web = strcmp(name, "web") == 0;

	(void)arg;
	if (!is_web && strcmp(name, "in") != 0)
		return -ENOENT;
	ip_net_parse(is_web ? "10.77.0.0/22" : "10.77.4.0/22", &out->subnet[0]);
	ip_parse(is_web ? "10.77.0.1" : "10.77.4.1", &out->gateway[0]);
	out->internal = !is_web;
	out->has_dns = is_web;
	if (!is_web)
		return 0;
	ip_net_parse("fd77::/64", &out->subnet[1]);
	ip_parse("fd77::1", &out->gateway[1]);
	return 0;
}

static char *fake_environ[] = { (char *)"LANG=en_US.UTF-8", (char *)"TERM=xterm",
				(char *)"SECRET=1", NULL };

static inline struct facts fake_facts(uint32_t uid)
{
	return (struct facts){
		.uid = uid,
		.gid = uid,
		.privileged = uid == 0,
		.net_admin = uid == 0,
		.user_name = "me",
		.cwd = "/home/me",
		.environ = fake_environ,
		.exec_enters_time_ns = true,
		.mounts_unattached = true,
		.resolv_conf = "nameserver 192.0.2.1\n",
		.look = fake_look,
		.disk = fake_disk,
		.network = fake_network,
	};
}
