/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/doctor.h"
#include "run/box_net.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "run/overlay.h"
#include "run/run.h"
#include "sec/rights.h"
#include "sys/mnt.h"
#include "sys/security.h"

struct doctor {
	finding_fn *fn;
	void *arg;
	int worst, result;
};

static void tell(struct doctor *d, enum finding_kind kind, const char *what, const char *found,
		 const char *fix)
{
	const struct finding f = { kind, what, found, kind == FINDING_GOOD ? NULL : fix };

	if (d->result)
		return;
	d->result = d->fn(d->arg, &f);
	d->worst = MAX(d->worst, (int)kind);
}

/* The first line of a file of /proc or /sys; false if it is not there. */
static bool read_line(const char *path, char *out, size_t room)
{
	_cleanup_file_ FILE *f = fopen(path, "re");

	if (!f || !fgets(out, (int)room, f))
		return false;
	out[strcspn(out, "\n")] = 0;
	return true;
}

static void kernel(struct doctor *d)
{
	struct utsname u;
	bool ok = facts_kernel_at_least(5, 14);

	uname(&u);
	tell(d, ok ? FINDING_GOOD : FINDING_BAD, "kernel", u.release,
	     "holm needs Linux 5.14 or later");
}

static void user_namespaces(struct doctor *d)
{
	const char *what = NULL;
	int r = facts_probe_userns(&what);

	if (r == 0)
		tell(d, FINDING_GOOD, "user namespaces", "allowed", NULL);
	else
		tell(d, FINDING_BAD, "user namespaces", what,
		     "see the next lines for the setting; or `holm box --fallback landlock`, which "
		     "isolates files, network and limits, but not processes");
}

/* A sysctl whose value `bad` is the reason for a refusal. */
static void sysctl_blocks(struct doctor *d, const char *name, const char *path, const char *bad,
			  const char *fix)
{
	char value[64];

	if (!read_line(path, value, sizeof(value)))
		return;
	tell(d, str_eq(value, bad) ? FINDING_BAD : FINDING_GOOD, name, value, fix);
}

static void settings(struct doctor *d)
{
	sysctl_blocks(d, "kernel.unprivileged_userns_clone",
		      "/proc/sys/kernel/unprivileged_userns_clone", "0",
		      "sysctl -w kernel.unprivileged_userns_clone=1");
	sysctl_blocks(d, "kernel.apparmor_restrict_unprivileged_userns",
		      "/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1",
		      "give holm an AppArmor profile with `userns,` (Ubuntu 24.04), or sysctl -w "
		      "kernel.apparmor_restrict_unprivileged_userns=0");
	sysctl_blocks(d, "user.max_user_namespaces", "/proc/sys/user/max_user_namespaces", "0",
		      "sysctl -w user.max_user_namespaces=10000");
	sysctl_blocks(d, "vm.memfd_noexec", "/proc/sys/vm/memfd_noexec", "2",
		      "sysctl -w vm.memfd_noexec=1: holm's init runs from a memory file");
}

static void namespaces(struct doctor *d)
{
	char missing[128] = "";

	for (int i = 0; i < NS_COUNT; i++) {
		char path[64];

		snprintf(path, sizeof(path), "/proc/self/%s", ns_table[i].proc_file);
		if (access(path, F_OK) < 0) {
			strncat(missing, " ", sizeof(missing) - strlen(missing) - 1);
			strncat(missing, ns_table[i].name, sizeof(missing) - strlen(missing) - 1);
		}
	}
	if (*missing)
		tell(d, FINDING_BAD, "namespaces missing", missing,
		     "a kernel with CONFIG_*_NS; or --share them");
	else
		tell(d, FINDING_GOOD, "namespaces", "all eight", NULL);
}

static void landlock(struct doctor *d)
{
	char text[64];
	int abi = rights_landlock_abi();

	snprintf(text, sizeof(text), abi ? "ABI %d" : "none", abi);
	if (abi > 0 && abi < 6)
		strcat(text, ", which does not scope signals");
	tell(d, abi ? FINDING_GOOD : FINDING_WARN, "Landlock", text,
	     "a kernel with CONFIG_SECURITY_LANDLOCK and lsm=landlock,...: --landlock and the "
	     "fallback need it");
}

static void seccomp(struct doctor *d)
{
	bool ok = sys_prctl(PR_GET_SECCOMP, 0, 0, 0, 0) >= 0;

	tell(d, ok ? FINDING_GOOD : FINDING_BAD, "seccomp filters", ok ? "allowed" : "none",
	     "a kernel with CONFIG_SECCOMP_FILTER; or --seccomp none");
}

static void overlay(struct doctor *d)
{
	_cleanup_file_ FILE *f = fopen("/proc/filesystems", "re");
	char line[128];
	bool found = false;

	while (f && fgets(line, sizeof(line), f))
		found |= strstr(line, "\toverlay\n") != NULL;
	tell(d, found ? FINDING_GOOD : FINDING_WARN, "overlayfs", found ? "there" : "not loaded",
	     "modprobe overlay: --overlay needs it");
}

static void cgroups(struct doctor *d)
{
	static const char *const words[] = {
		[CG_NONE] = "not mounted",
		[CG_V1] = "v1",
		[CG_HYBRID] = "v1 with a v2 tree beside it (hybrid)",
		[CG_V2] = "v2",
	};
	struct cg_system system = { 0 };

	cg_probe(&system, NULL);
	tell(d, system.layout != CG_NONE ? FINDING_GOOD : FINDING_WARN, "cgroups",
	     words[system.layout],
	     "mount -t cgroup2 cgroup2 /sys/fs/cgroup: limits for a box as a whole need it");
	cg_system_done(&system);
}

struct every_limit {
	struct resources resources;
	struct hugepage_limit huge;
	struct device_rule rule;
	char cpu[16];
};

/* One that we may run on. */
static void first_cpu(char out[16])
{
	cpu_set_t set;
	int cpu = 0;

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		while (cpu < CPU_SETSIZE - 1 && !CPU_ISSET((size_t)cpu, &set))
			cpu++;
	snprintf(out, 16, "%d", cpu);
}

/* As large as can be: what counts is whether the kernel takes them. */
static void every_limit(struct every_limit *l)
{
	struct resources *r = &l->resources;

	l->huge = (struct hugepage_limit){ "2MB", INT64_MAX };
	l->rule = (struct device_rule){ true, 'a', -1, -1, true, true, true };
	*r = (struct resources)RESOURCES_INIT;
	r->of_box = true;
	r->memory_limit = r->memory_swap = INT64_MAX & ~(int64_t)0xffff;
	r->memory_reservation = 1 << 20;
	r->cpu_quota_us = r->cpu_period_us = 100000;
	r->cpu_weight = r->io_weight_v2 = 100;
	r->pids_limit = 1000;
	first_cpu(l->cpu);
	r->cpuset_cpus = l->cpu;
	r->hugepages.items = &l->huge;
	r->hugepages.n = 1;
	r->devices.items = &l->rule;
	r->devices.n = 1;
}

/* NULL: it can be had. */
static const char *why_not(const struct cg *cg, const char *option)
{
	for (size_t i = 0; i < cg->n_left_out; i++)
		if (str_eq(cg->left_out[i].field, option))
			return cg->left_out[i].why;
	return NULL;
}

#define NOT_THIS_USER                                                                            \
	"as root, or in a cgroup of the user's own: systemd-run --user --scope -p Delegate=yes " \
	"COMMAND; a kernel without the controllers needs another"

/* Tried, not guessed: what stands in the way may be the kernel, a mount, a right, or a neighbour.
 */
static void limits(struct doctor *d)
{
	static const char *const options[] = { "memory",     "swap",   "memory-low", "cpus",
					       "cpu-weight", "cpuset", "pids",       "io-weight",
					       "hugetlb",    "devices" };
	struct every_limit wish;
	_cleanup_buf_ struct buf have = { 0 }, not = { 0 };
	struct cg cg = CG_INIT;
	struct err e = { 0 };
	bool usual;

	every_limit(&wish);
	if (box_cgroup_try(&wish.resources, &cg, &e) < 0) {
		tell(d, FINDING_WARN, "limits", e.text, NOT_THIS_USER);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		struct buf *b = why_not(&cg, options[i]) ? &not : &have;

		buf_printf(b, "%s%s", b->len ? " " : "", options[i]);
	}
	if (cg_path(&cg, CG_IO))
		buf_puts(&have, " io-max");
	usual = !why_not(&cg, "memory") && !why_not(&cg, "cpus") && !why_not(&cg, "pids");
	tell(d, usual ? FINDING_GOOD : FINDING_WARN, "limits", have.data ? have.data : "none",
	     NOT_THIS_USER);
	if (usual && not .data)
		tell(d, FINDING_WARN, "limits that are refused", not .data,
		     why_not(&cg, not .data) ? why_not(&cg, not .data) : NOT_THIS_USER);
	cg_remove(&cg, NULL);
	cg_done(&cg);
}

static void left_behind(struct doctor *d)
{
	char text[64];
	int n = box_cgroup_clean(false);

	snprintf(text, sizeof(text), "%d left by killed programs", n);
	if (n > 0)
		tell(d, FINDING_WARN, "cgroups of boxes", text, "holm doctor --clean");
}

static void left_networks(struct doctor *d)
{
	char text[64];
	int n = networks_bury(false, NULL);

	snprintf(text, sizeof(text), "of %d network namespaces that nobody is in any more", n);
	if (n > 0)
		tell(d, FINDING_WARN, "networks", text, "holm net gc");
}

static bool has_line_for(const char *path, const char *name, const char *uid)
{
	_cleanup_file_ FILE *f = fopen(path, "re");
	char line[512];

	while (f && fgets(line, sizeof(line), f)) {
		line[strcspn(line, ":")] = 0;
		if (str_eq(line, name) || str_eq(line, uid))
			return true;
	}
	return false;
}

static void sub_ids(struct doctor *d)
{
	const char *name = getenv("USER");
	char uid[16];
	bool granted, helper;

	snprintf(uid, sizeof(uid), "%u", geteuid());
	granted = has_line_for("/etc/subuid", name, uid) && has_line_for("/etc/subgid", name, uid);
	helper = geteuid() == 0 || access("/usr/bin/newuidmap", X_OK) == 0;
	tell(d, granted ? FINDING_GOOD : FINDING_WARN, "subordinate ids",
	     granted ? "granted" : "none for this user",
	     "as root: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 NAME; only "
	     "--map-auto needs it");
	tell(d, helper ? FINDING_GOOD : FINDING_WARN, "newuidmap", helper ? "there" : "missing",
	     "apt-get install uidmap; only --map-auto and --map-users need it");
}

/* In Docker /proc is covered in places, and the kernel then refuses a fresh one. */
static void container(struct doctor *d)
{
	_cleanup_file_ FILE *f = fopen("/proc/self/mountinfo", "re");
	bool covered = false;
	char line[4096];

	while (f && fgets(line, sizeof(line), f)) {
		/* " ROOT POINT ...": no other field can hold a blank and this. */
		covered |= strstr(line, " /proc/") && !strstr(line, " /proc/sys/fs/binfmt_misc");
	}
	if (covered)
		tell(d, FINDING_BAD, "/proc", "parts of it are covered (inside a container?)",
		     "docker run --security-opt systempaths=unconfined; or --share pid, which "
		     "shows "
		     "the container's own /proc");
	else
		tell(d, FINDING_GOOD, "/proc", "not covered", NULL);
}

/* What networks need is a matter of who makes some, so what is missing is no more than a warning.
 */
static bool in_path(const char *program)
{
	const char *path = getenv("PATH");
	char file[512];

	for (path = path ? path : ""; *path;) {
		size_t len = strcspn(path, ":");

		snprintf(file, sizeof(file), "%.*s/%s", (int)len, path, program);
		if (access(file, X_OK) == 0)
			return true;
		path += len + (path[len] == ':');
	}
	/* Where root has them, and others do not look. */
	snprintf(file, sizeof(file), "/usr/sbin/%s", program);
	return access(file, X_OK) == 0;
}

static void net_programs(struct doctor *d)
{
	static const struct {
		const char *what, *program, *fix;
	} rows[] = {
		{ "nft", "nft", "apt-get install nftables: every network of `holm net` needs it" },
		{ "dnsmasq", "dnsmasq",
		  "apt-get install dnsmasq-base: names on networks need it (or --no-dns)" },
		{ "pasta", "pasta", "apt-get install passt: --net pasta needs it" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		bool there = in_path(rows[i].program);

		tell(d, there ? FINDING_GOOD : FINDING_WARN, rows[i].what,
		     there ? "there" : "missing", rows[i].fix);
	}
}

static void net_by_name(struct doctor *d)
{
	char path[PLAYER_PATH_MAX];
	bool there = egress_find(path) == 0;

	tell(d, there ? FINDING_GOOD : FINDING_WARN, "holm-egress", there ? "there" : "missing",
	     "it is installed with holm, beside it, in libexec/holm or in $PATH: --allow-host "
	     "needs it");
}

static void net_over_hosts(struct doctor *d)
{
	bool loaded = access("/sys/module/vxlan", F_OK) == 0;
	char path[PATH_MAX];
	bool helper = etcd_find_helper(path, NULL) == 0;

	tell(d, loaded ? FINDING_GOOD : FINDING_WARN, "VXLAN", loaded ? "there" : "not loaded",
	     "modprobe vxlan (the kernel does so by itself where it has it): networks over several "
	     "hosts need it");
	tell(d, helper ? FINDING_GOOD : FINDING_WARN, "holm-etcd", helper ? "there" : "missing",
	     "build holm with libcurl: --etcd needs it, and an etcd somewhere (apt-get install "
	     "etcd-server)");
}

int doctor_run(finding_fn *fn, void *arg)
{
	static void (*const checks[])(struct doctor *) = {
		kernel,   namespaces,   user_namespaces, settings,       container,   seccomp,
		landlock, overlay,      cgroups,         limits,         left_behind, left_networks,
		sub_ids,  net_programs, net_by_name,     net_over_hosts,
	};
	struct doctor d = { .fn = fn, .arg = arg };

	for (size_t i = 0; i < ARRAY_SIZE(checks); i++)
		checks[i](&d);
	return d.result ? d.result : d.worst;
}
