/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading config.json. Runs in the root of the sources. */
#include "unit.h"

#include <errno.h>
#include <linux/ioprio.h>
#include <linux/mempolicy.h>
#include <linux/sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <unistd.h>

#include "base/caps.h"
#include "base/cleanup.h"
#include "base/str.h"
#include "config.h"
#include "spec/json_read.h"

#define FULL   "tests/unit/data/config-full.json"
#define DOCKER "tests/unit/data/config-docker.json"

static struct container load(struct arena *a, const char *path)
{
	struct container c;
	struct err e = { 0 };

	if (config_load(a, "tests", path, &c, &e) < 0)
		fail_msg("%s", e.text);
	return c;
}

#define ASSERT_RANGE(r, in, out, n)                                             \
	do {                                                                    \
		const struct id_range range_ = (r);                             \
		assert_true(range_.inside == (in) && range_.outside == (out) && \
			    range_.count == (n));                               \
	} while (0)

static void full_process(void **state)
{
	struct container_process p = load(*state, FULL).process;

	assert_true(p.given && p.terminal && p.console_size_given && p.umask_given);
	assert_int_equal(p.console_height, 25);
	assert_int_equal(p.console_width, 80);
	assert_int_equal(p.uid, 1000);
	assert_int_equal(p.gid, 1001);
	assert_int_equal(p.umask, 022);
	assert_int_equal(p.additional_gids.n, 2);
	assert_int_equal(p.additional_gids.items[1], 6);
	assert_int_equal(p.args.n, 4);
	assert_string_equal(p.args.items[2], "");
	assert_string_equal(p.args.items[3], "true");
	assert_int_equal(p.env.n, 3); /* of A the last value */
	assert_string_equal(p.env.items[0], "A=2");
	assert_string_equal(p.env.items[2], "EMPTY=");
	assert_string_equal(p.cwd, "/work");
	assert_true(p.no_new_privileges && p.oom_score_adj_given);
	assert_int_equal(p.oom_score_adj, -500);
	assert_string_equal(p.apparmor_profile, "acme");
	assert_string_equal(p.selinux_label, "system_u:object_r:a:s0");
}

static void full_rights(void **state)
{
	struct container_process p = load(*state, FULL).process;

	assert_true(p.caps_given);
	assert_true(p.caps[CAP_BOUNDING] == (caps_by_name("kill") | caps_by_name("net_admin")));
	assert_true(p.caps[CAP_EFFECTIVE] == caps_by_name("kill"));
	assert_true(p.caps[CAP_INHERITABLE] == caps_by_name("chown"));
	assert_true(p.caps[CAP_PERMITTED] == caps_by_name("kill"));
	assert_true(p.caps[CAP_AMBIENT] == caps_by_name("bpf"));
	assert_int_equal(p.unknown_caps.n, 2);
	assert_string_equal(p.unknown_caps.items[0], "CAP_FUTURE");
	assert_string_equal(p.unknown_caps.items[1], "all");
	assert_int_equal(p.rlimits.n, 2);
	assert_int_equal(p.rlimits.items[0].resource, RLIMIT_NOFILE);
	assert_int_equal(p.rlimits.items[0].limit.rlim_cur, 1024);
	assert_int_equal(p.rlimits.items[0].limit.rlim_max, 2048);
	assert_true(p.rlimits.items[1].limit.rlim_max == RLIM_INFINITY);
}

static void full_scheduling(void **state)
{
	struct container_process p = load(*state, FULL).process;

	assert_true(p.scheduler.given && p.io_priority_given);
	assert_int_equal(p.scheduler.policy, SCHED_DEADLINE);
	assert_int_equal(p.scheduler.nice, -5);
	assert_int_equal(p.scheduler.priority, 7);
	assert_int_equal(p.scheduler.flags, SCHED_FLAG_RESET_ON_FORK | SCHED_FLAG_RECLAIM);
	assert_int_equal(p.scheduler.runtime_ns, 1);
	assert_int_equal(p.scheduler.deadline_ns, 2);
	assert_true(p.scheduler.period_ns == UINT64_MAX);
	assert_int_equal(p.io_priority, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 7));
	assert_string_equal(p.cpu_affinity_initial, "0-3,7");
	assert_string_equal(p.cpu_affinity_final, "1");
}

static void full_root_and_mounts(void **state)
{
	struct container c = load(*state, FULL);
	char bundle[4096];

	assert_non_null(getcwd(bundle, sizeof(bundle) - 8));
	strcat(bundle, "/tests");
	assert_string_equal(c.bundle, bundle);
	assert_string_equal(c.oci_version, "1.3.0");
	assert_string_equal(c.root_path, "rootfs");
	assert_true(c.root_readonly);
	assert_string_equal(c.hostname, "island");
	assert_string_equal(c.domainname, "sea");
	assert_int_equal(c.mounts.n, 2);
	assert_string_equal(c.mounts.items[0].destination, "/proc");
	assert_string_equal(c.mounts.items[0].type, "proc");
	assert_int_equal(c.mounts.items[0].options.n, 0);
	assert_string_equal(c.mounts.items[1].destination, "/data");
	assert_string_equal(c.mounts.items[1].source, "/srv");
	assert_string_equal(c.mounts.items[1].options.items[1], "ro");
	ASSERT_RANGE(c.mounts.items[1].uid_mappings.items[0], 0, 1000, 10);
	ASSERT_RANGE(c.mounts.items[1].gid_mappings.items[0], 1, 2000, 20);
}

static void full_hooks_and_annotations(void **state)
{
	static const size_t counts[HOOK_KINDS] = { 1, 1, 1, 1, 1, 2 };
	struct container c = load(*state, FULL);
	const struct container_hook *h = c.hooks[HOOK_CREATE_RUNTIME].items;

	for (size_t i = 0; i < HOOK_KINDS; i++)
		assert_int_equal(c.hooks[i].n, counts[i]);
	assert_string_equal(h->path, "/b");
	assert_string_equal(h->args.items[1], "x");
	assert_string_equal(h->env.items[0], "K=V");
	assert_int_equal(h->timeout_s, 30);
	assert_string_equal(c.hooks[HOOK_PRESTART].items[0].path, "/a");
	assert_int_equal(c.hooks[HOOK_PRESTART].items[0].timeout_s, 0);
	assert_string_equal(c.hooks[HOOK_POSTSTOP].items[1].path, "/g");
	assert_int_equal(c.annotations.n, 2);
	assert_string_equal(c.annotations.items[0].key, "org.example.key");
	assert_string_equal(c.annotations.items[0].value, "value");
	assert_string_equal(c.annotations.items[1].value, "");
}

static void full_namespaces_and_devices(void **state)
{
	struct container c = load(*state, FULL);

	for (int i = 0; i < NS_COUNT; i++) {
		assert_true(c.ns[i].listed);
		assert_true((c.ns[i].path != NULL) == (i == NS_NET));
	}
	assert_string_equal(c.ns[NS_NET].path, "/run/netns/x");
	ASSERT_RANGE(c.uid_mappings.items[0], 0, 100000, 65536);
	ASSERT_RANGE(c.gid_mappings.items[0], 0, 200000, 65536);
	assert_true(c.time_offset_given[0] && c.time_offset_given[1]);
	assert_int_equal(c.time_offset_ns[0], 172800000000005);
	assert_int_equal(c.time_offset_ns[1], -3000000000);
	assert_int_equal(c.devices.n, 2);
	assert_string_equal(c.devices.items[0].path, "/dev/fuse");
	assert_int_equal(c.devices.items[0].type, 'c');
	assert_int_equal(c.devices.items[0].major, 10);
	assert_int_equal(c.devices.items[0].minor, 229);
	assert_true(c.devices.items[0].mode_given);
	assert_int_equal(c.devices.items[0].mode, 0666); /* without its S_IFCHR */
	assert_int_equal(c.devices.items[0].uid, 1);
	assert_int_equal(c.devices.items[0].gid, 2);
	assert_int_equal(c.devices.items[1].type, 'p');
	assert_int_equal(c.devices.items[1].major, 0);
	assert_int_equal(c.net_devices.n, 2);
	assert_string_equal(c.net_devices.items[0].outside, "eth7");
	assert_string_equal(c.net_devices.items[0].inside, "inner");
	assert_string_equal(c.net_devices.items[1].inside, "eth8");
}

static void full_rest_of_linux(void **state)
{
	struct container c = load(*state, FULL);

	assert_string_equal(c.cgroups_path, "/acme/one");
	assert_int_equal(c.sysctl.n, 2);
	assert_string_equal(c.sysctl.items[0].key, "net.ipv4.ip_forward");
	assert_int_equal(c.seccomp->n_rules, 1);
	assert_int_equal(c.seccomp->rules[0].n_names, 2);
	assert_int_equal(c.seccomp->rules[0].action, SECCOMP_RET_ERRNO | 13);
	assert_string_equal(c.seccomp->listener_metadata, "m");
	assert_int_equal(c.rootfs_propagation, MS_SLAVE | MS_REC);
	assert_string_equal(c.masked_paths.items[0], "/proc/kcore");
	assert_string_equal(c.readonly_paths.items[1], "/proc/irq");
	assert_string_equal(c.mount_label, "system_u:object_r:b:s0");
	assert_true(c.personality_given);
	assert_int_equal(c.personality, PER_LINUX32);
	assert_true(c.rdt.given && c.rdt.monitoring);
	assert_string_equal(c.rdt.clos_id, "guaranteed");
	assert_string_equal(c.rdt.schemata.items[1], "MB:0=50");
	assert_string_equal(c.rdt.l3_cache_schema, "L3:0=7f0");
	assert_string_equal(c.rdt.mem_bw_schema, "MB:0=20");
	assert_true(c.mempolicy.given);
	assert_int_equal(c.mempolicy.mode, MPOL_INTERLEAVE);
	assert_int_equal(c.mempolicy.flags, MPOL_F_STATIC_NODES);
	assert_string_equal(c.mempolicy.nodes, "0-1");
}

static void full_memory_and_cpu(void **state)
{
	struct resources r = load(*state, FULL).resources;

	assert_int_equal(r.memory_limit, 536870912);
	assert_int_equal(r.memory_reservation, 268435456);
	assert_int_equal(r.memory_swap, -1);
	assert_int_equal(r.memory_kernel, NOT_GIVEN);
	assert_int_equal(r.memory_kernel_tcp, 7);
	assert_int_equal(r.memory_swappiness, 0);
	assert_true(r.memory_oom_killer_off && r.memory_check_before_update);
	assert_int_equal(r.memory_use_hierarchy, 1);
	assert_int_equal(r.cpu_shares, 1024);
	assert_int_equal(r.cpu_quota_us, 1000000);
	assert_int_equal(r.cpu_period_us, 500000);
	assert_int_equal(r.cpu_burst_us, 1000);
	assert_int_equal(r.cpu_rt_runtime_us, 950000);
	assert_int_equal(r.cpu_rt_period_us, 1000000);
	assert_int_equal(r.cpu_idle, 1);
	assert_string_equal(r.cpuset_cpus, "2-3");
	assert_string_equal(r.cpuset_mems, "0-7");
	assert_int_equal(r.pids_limit, 32771);
}

static void full_other_resources(void **state)
{
	struct resources r = load(*state, FULL).resources;
	const struct device_rule *rule = r.devices.items;

	assert_int_equal(r.devices.n, 2);
	assert_true(!rule->allow && rule->type == 'a' && rule->major == -1 && rule->minor == -1);
	assert_true(rule->read && rule->write && rule->mknod);
	rule++;
	assert_true(rule->allow && rule->type == 'c' && rule->major == 10 && rule->minor == 229);
	assert_true(rule->read && rule->write && !rule->mknod);
	assert_int_equal(r.io_weight, 10);
	assert_int_equal(r.io_leaf_weight, NOT_GIVEN);
	assert_int_equal(r.io_weight_device.items[0].value, 500);
	assert_int_equal(r.io_weight_device.items[0].leaf_weight, 300);
	assert_int_equal(r.io_read_bps.items[0].value, 600);
	assert_int_equal(r.io_write_bps.items[0].minor, 2);
	assert_int_equal(r.io_read_iops.items[0].value, 602);
	assert_int_equal(r.io_write_iops.items[0].value, 603);
	assert_string_equal(r.hugepages.items[0].size, "2MB");
	assert_int_equal(r.hugepages.items[0].limit_bytes, 9223372036854771712);
	assert_int_equal(r.network_class_id, 1048577);
	assert_string_equal(r.network_priorities.items[0].name, "eth0");
	assert_int_equal(r.network_priorities.items[0].priority, 500);
	assert_int_equal(r.rdma.n, 2);
	assert_string_equal(r.rdma.items[0].device, "mlx5_1");
	assert_int_equal(r.rdma.items[0].handles, 3);
	assert_int_equal(r.rdma.items[1].handles, NOT_GIVEN);
	assert_int_equal(r.rdma.items[1].objects, 5);
	assert_string_equal(r.unified.items[0].key, "memory.high");
	assert_string_equal(r.unified.items[1].value, "");
}

static void what_docker_writes(void **state)
{
	struct container c = load(*state, DOCKER);

	assert_int_equal(c.mounts.n, 10);
	assert_true(c.seccomp->n_rules > 5);
	assert_int_equal(c.process.caps[CAP_BOUNDING], c.process.caps[CAP_PERMITTED]);
	assert_int_equal(c.resources.cpu_shares, NOT_GIVEN);
	assert_int_equal(c.resources.io_weight, NOT_GIVEN);
	assert_int_equal(c.resources.memory_limit, NOT_GIVEN);
	assert_true(c.process.oom_score_adj_given && c.process.oom_score_adj == 0);
}

static void the_least(void **state)
{
	static const char text[] =
		"{\"ociVersion\":\"1.0.0\",\"root\":{\"path\":\"r\"},\"linux\":null,\"x\":null}";
	struct container c;
	struct err e = { 0 };

	assert_int_equal(config_parse(*state, text, strlen(text), "c", &c, &e), 0);
	assert_false(c.process.given || c.resources_given || c.rdt.given || c.mempolicy.given);
	assert_int_equal(c.resources.pids_limit, NOT_GIVEN);
	assert_null(c.seccomp);
	assert_null(c.hostname);
}

/* A piece of JSON, and what is said about it. */
struct bad {
	const char *text, *words;
};

static void refused(struct arena *a, const char *head, const struct bad *bad, const char *tail)
{
	struct container c = { .oci_version = "untouched" };
	char text[2048];
	struct err e = { 0 };

	snprintf(text, sizeof(text), "%s%s%s", head, bad->text, tail);
	if (config_parse(a, text, strlen(text), "c.json", &c, &e) == 0)
		fail_msg("accepted: %s", text);
	if (!strstr(e.text, bad->words) || strncmp(e.text, "c.json:", 7) != 0)
		fail_msg("%s -> %s", text, e.text);
	assert_string_equal(c.oci_version, "untouched");
	assert_null(strchr(e.text, '\n'));
}

static void bad_configs(void **state)
{
	static const struct bad cases[] = {
		{ "", "c.json:1:1: the JSON text ends too early" },
		{ "[]", "c.json:1:1: must be an object, not a list" },
		{ "{} x", "c.json:1:4: " },
		{ "{\"a\":1,}", "c.json:1:8: " },
		{ "{}", "c.json:1:1: .ociVersion: is missing" },
		{ "{\"ociVersion\":1}", ":1:2: .ociVersion: must be a string, not a number" },
		{ "{\"ociVersion\":\"2.0.0\"}", "\"2.0.0\" is not a version 1.x" },
		{ "{\"ociVersion\":\"1.0\"}", "is not a version" },
		{ "{\"ociVersion\":\"1.0.x\"}", "is not a version" },
		{ "{\"ociVersion\":\"1.0.0-\"}", "is not a version" },
		{ "{\"ociVersion\":\"\"}", "must not be empty" },
		{ "{\"ociVersion\":\"1.0.0\"}", ".root: is missing" },
		{ "{\"ociVersion\":\"1.0.0\",\"root\":{}}", ":1:23: .root.path: is missing" },
		{ "{\"ociVersion\":\"1.0.0\",\"root\":null}", ".root: is missing" },
		{ "{\"ociVersion\":\"1.0.0\",\"root\":{\"path\":\"a\\u0000b\"}}",
		  ".root.path: has a zero byte" },
		{ "{\n \"ociVersion\": \"1.0.0\",\n \"root\": {\"path\":\"r\"},\n"
		  " \"linux\": { \"devices\": [ { \"type\": \"c\" },\n"
		  "   { \"type\": \"x\" } ] }\n}",
		  "c.json:4:26: .linux.devices[0].path: is missing" },
		{ "{\n \"ociVersion\": \"1.0.0\",\n \"root\": {\"path\":\"r\"},\n"
		  " \"linux\": { \"masked\": [ {\"maskedPaths\":1} ],\n"
		  "   \"maskedPaths\": [ \"/a\",\n  \"b\" ] }\n}",
		  "c.json:6:3: .linux.maskedPaths[1]: \"b\" is not an absolute path" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		refused(*state, "", &cases[i], "");
}

static void bad_members(void **state)
{
	static const struct bad cases[] = {
		{ "\"hostname\":5", ".hostname: must be a string" },
		{ "\"mounts\":{}", ".mounts: must be a list, not an object" },
		{ "\"mounts\":[null]", ".mounts[0]: must not be null" },
		{ "\"mounts\":[{}]", ".mounts[0].destination: is missing" },
		{ "\"mounts\":[{\"destination\":\"\"}]", "must not be empty" },
		{ "\"mounts\":[{\"destination\":\"/a\",\"options\":[1]}]",
		  ".mounts[0].options[0]: must be a string" },
		{ "\"mounts\":[{\"destination\":\"/a\",\"uidMappings\":[{\"hostID\":1,"
		  "\"containerID\":0}]}]",
		  "uidMappings[0].size: is missing" },
		{ "\"hooks\":{\"poststop\":[{\"path\":\"a\"}]}",
		  ".hooks.poststop[0].path: \"a\" is not an absolute path" },
		{ "\"hooks\":{\"poststop\":[{\"path\":\"/a\",\"timeout\":0}]}",
		  "timeout: must be at least 1" },
		{ "\"hooks\":{\"prestart\":[{}]}", ".hooks.prestart[0].path: is missing" },
		{ "\"annotations\":{\"\":\"x\"}", ".annotations: has an empty name" },
		{ "\"annotations\":{\"a.b\":1}", ".annotations[\"a.b\"]: must be a string" },
		{ "\"annotations\":[]", ".annotations: must be an object" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		refused(*state, "{\"ociVersion\":\"1.0.0\",\"root\":{\"path\":\"r\"},", &cases[i],
			"}");
}

static void bad_processes(void **state)
{
	static const struct bad cases[] = {
		{ "", ".process.args: is missing" },
		{ "\"args\":[]", ".process.args: must not be empty" },
		{ "\"args\":[\"a\"],\"cwd\":\"w\"", ".process.cwd: \"w\" is not an absolute" },
		{ "\"args\":[\"a\"],\"cwd\":\"\"", ".process.cwd: must not be empty" },
		{ "\"args\":[\"a\"],\"cwd\":null", ".process.cwd: is missing" },
		{ "\"terminal\":1", ".process.terminal: must be true or false, not a number" },
		{ "\"consoleSize\":{\"height\":1}", ".consoleSize.width: is missing" },
		{ "\"consoleSize\":{\"height\":65536}", "must be at most 65535" },
		{ "\"user\":{\"uid\":-1}", ".process.user.uid: must be at least 0" },
		{ "\"user\":{\"gid\":4294967295}", "must be at most 4294967294" },
		{ "\"user\":{\"gid\":1.5}", "must be a whole number, not a fraction" },
		{ "\"user\":{\"umask\":512}", "umask: must be at most 511" },
		{ "\"user\":{\"additionalGids\":[1,\"2\"]}", "additionalGids[1]: must be a whole" },
		{ "\"env\":[\"A=1\",\"B\"]", ".process.env[1]: \"B\" is not NAME=VALUE" },
		{ "\"env\":[\"=1\"]", "is not NAME=VALUE" },
		{ "\"capabilities\":{\"ambient\":[7]}", ".capabilities.ambient[0]: must be a str" },
		{ "\"rlimits\":[{\"type\":\"RLIMIT_FOO\"}]",
		  ".process.rlimits[0].type: \"RLIMIT_FOO\" is not a limit" },
		{ "\"rlimits\":[{\"type\":\"NOFILE\"}]", "is not a limit" },
		{ "\"rlimits\":[{\"type\":\"RLIMIT_A_VERY_LONG_NAME_INDEED\"}]", "is not a limit" },
		{ "\"rlimits\":[{\"type\":\"RLIMIT_AS\",\"soft\":2,\"hard\":1}]",
		  "rlimits[0]: the soft limit is above" },
		{ "\"rlimits\":[{\"type\":\"RLIMIT_AS\",\"soft\":2}]", "[0].hard: is missing" },
		{ "\"rlimits\":[{\"type\":\"RLIMIT_AS\",\"soft\":1,\"hard\":1},"
		  "{\"type\":\"RLIMIT_AS\",\"soft\":1,\"hard\":1}]",
		  ".process.rlimits[1].type: this limit was given before" },
		{ "\"oomScoreAdj\":1001", "must be at most 1000" },
		{ "\"oomScoreAdj\":-1001", "must be at least -1000" },
		{ "\"scheduler\":{}", ".process.scheduler.policy: is missing" },
		{ "\"scheduler\":{\"policy\":\"X\"}", "\"X\" is not a scheduling policy" },
		{ "\"scheduler\":{\"flags\":[\"Y\"]}", "flags[0]: \"Y\" is not a scheduling flag" },
		{ "\"scheduler\":{\"nice\":20}", "nice: must be at most 19" },
		{ "\"ioPriority\":{\"class\":\"Z\"}", "\"Z\" is not a class" },
		{ "\"ioPriority\":{\"class\":\"IOPRIO_CLASS_BE\",\"priority\":8}", "at most 7" },
		{ "\"execCPUAffinity\":{\"initial\":\"1-\"}", "initial: \"1-\" is not a list of" },
		{ "\"execCPUAffinity\":{\"final\":\"3-1\"}", "is not a list of CPUs" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		refused(*state, "{\"ociVersion\":\"1.0.0\",\"root\":{\"path\":\"r\"},\"process\":{",
			&cases[i], "}}");
}

static void bad_linux(void **state)
{
	static const struct bad cases[] = {
		{ "\"namespaces\":[{\"type\":\"net\"}]", "\"net\" is not a namespace" },
		{ "\"namespaces\":[{}]", ".linux.namespaces[0].type: is missing" },
		{ "\"namespaces\":[{\"type\":\"pid\",\"path\":\"x\"}]", "not an absolute path" },
		{ "\"namespaces\":[{\"type\":\"pid\"},{\"type\":\"pid\"}]",
		  ".linux.namespaces[1].type: this namespace was listed before" },
		{ "\"uidMappings\":[{\"containerID\":0,\"hostID\":0,\"size\":0}]", "is empty" },
		{ "\"gidMappings\":[{\"containerID\":0,\"hostID\":4294967295,\"size\":1}]",
		  "leaves 32 bits" },
		{ "\"timeOffsets\":{\"boottime\":{\"nanosecs\":1000000000}}", "at most 999999999" },
		{ "\"timeOffsets\":{\"monotonic\":{\"secs\":9223372036}}", "must be at most" },
		{ "\"devices\":[{\"type\":\"cc\"}]", "\"cc\" is not one of c, u, b, p" },
		{ "\"devices\":[{\"type\":\"c\",\"path\":\"/d\",\"minor\":1}]",
		  ".linux.devices[0].major: is missing" },
		{ "\"devices\":[{\"type\":\"c\",\"path\":\"/d\",\"major\":1}]",
		  ".linux.devices[0].minor: is missing" },
		{ "\"netDevices\":{\"a/b\":{}}", "cannot be an interface's name" },
		{ "\"netDevices\":{\"eth0\":{\"name\":\"a-name-of-16-chars\"}}",
		  ".linux.netDevices.eth0.name: " },
		{ "\"netDevices\":{\"eth0\":{\"name\":\"eth%d\"}}",
		  "\"eth%d\" cannot be an interface's name" },
		{ "\"netDevices\":{\"eth0\":null}", "must be an object, not null" },
		{ "\"rootfsPropagation\":\"ro\"", "\"ro\" is not a propagation" },
		{ "\"readonlyPaths\":[\"\"]", ".linux.readonlyPaths[0]: must not be empty" },
		{ "\"personality\":{\"domain\":\"LINUX64\"}", "is not a personality" },
		{ "\"personality\":{\"domain\":\"LINUX\",\"flags\":[\"A\"]}", "there are none" },
		{ "\"intelRdt\":{\"closID\":\"../x\"}", "cannot be a directory's name" },
		{ "\"intelRdt\":{\"closID\":\"/x\"}", "cannot be a directory's name" },
		{ "\"intelRdt\":{\"closID\":\"..\"}", "cannot be a directory's name" },
		{ "\"intelRdt\":{\"memBwSchema\":\"L3:0=1\"}",
		  ".linux.intelRdt.memBwSchema: must be one line that begins with MB:" },
		{ "\"intelRdt\":{\"memBwSchema\":\"MB:0=1\\nL3:0=1\"}",
		  ".linux.intelRdt.memBwSchema: must be one line" },
		{ "\"intelRdt\":{\"schemata\":[\"L3:0=1\",\"a\\nb\"]}",
		  ".linux.intelRdt.schemata[1]: must be one line" },
		{ "\"memoryPolicy\":{\"nodes\":\"0\"}", ".linux.memoryPolicy.mode: is missing" },
		{ "\"memoryPolicy\":{\"mode\":\"BIND\"}", "\"BIND\" is not a memory policy" },
		{ "\"memoryPolicy\":{\"mode\":\"MPOL_BIND\",\"nodes\":\"a\"}", "memory nodes" },
		{ "\"sysctl\":{\"a\":1}", ".linux.sysctl.a: must be a string" },
		{ "\"seccomp\":{}", ".linux.seccomp: .defaultAction: is missing" },
		{ "\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{}]}",
		  ".linux.seccomp: .syscalls[0]" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		refused(*state, "{\"ociVersion\":\"1.0.0\",\"root\":{\"path\":\"r\"},\"linux\":{",
			&cases[i], "}}");
}

static void bad_resources(void **state)
{
	static const struct bad cases[] = {
		{ "\"devices\":[{}]", ".devices[0].allow: is missing" },
		{ "\"devices\":[{\"allow\":true,\"type\":\"p\"}]", "is not one of a, b, c" },
		{ "\"devices\":[{\"allow\":true,\"access\":\"rx\"}]", "not made of r, w, m" },
		{ "\"devices\":[{\"allow\":true,\"major\":-2}]", "must be at least -1" },
		{ "\"memory\":{\"limit\":-2}", ".memory.limit: must be at least -1" },
		{ "\"memory\":{\"limit\":\"1\"}", "must be a whole number, not a string" },
		{ "\"memory\":{\"limit\":9223372036854775808}", "must be at most" },
		{ "\"memory\":{\"swappiness\":101}", "must be at most 100" },
		{ "\"cpu\":{\"shares\":-1}", ".cpu.shares: must be at least 0" },
		{ "\"cpu\":{\"idle\":2}", "must be at most 1" },
		{ "\"pids\":5", ".pids: must be an object" },
		{ "\"blockIO\":{\"weight\":9}", ".blockIO.weight: must be at least 10" },
		{ "\"blockIO\":{\"weight\":1001}", ".blockIO.weight: must be at most 1000" },
		{ "\"blockIO\":{\"weightDevice\":[{\"major\":1,\"minor\":1}]}", "has neither" },
		{ "\"blockIO\":{\"throttleReadBpsDevice\":[{\"major\":1,\"minor\":1}]}",
		  ".throttleReadBpsDevice[0].rate: is missing" },
		{ "\"hugepageLimits\":[{\"pageSize\":\"2M\",\"limit\":1}]", "is not a size like" },
		{ "\"network\":{\"classID\":4294967296}", "must be at most 4294967295" },
		{ "\"network\":{\"priorities\":[{\"name\":\"a\"}]}", "priority: is missing" },
		{ "\"rdma\":{\"x\":{\"hcaHandles\":-1}}", ".rdma.x.hcaHandles: must be at least" },
		{ "\"unified\":{\"../memory.max\":\"1\"}", ".unified[\"../memory.max\"]: " },
		{ "\"unified\":{\"memory.max\":1}", "must be a string" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		refused(*state,
			"{\"ociVersion\":\"1.0.0\",\"root\":{\"path\":\"r\"},\"linux\":{"
			"\"resources\":{",
			&cases[i], "}}}");
}

static void parts_alone(void **state)
{
	static const char process[] = "{\"args\":[\"a\"],\"cwd\":\"/\"}";
	static const char resources[] = "{\"pids\":{\"limit\":-1}}";
	struct container_process p;
	struct resources r;
	struct err e = { 0 };

	assert_int_equal(config_process_parse(*state, process, strlen(process), "p", &p, &e), 0);
	assert_true(p.given);
	assert_string_equal(p.args.items[0], "a");
	assert_int_equal(config_resources_parse(*state, resources, strlen(resources), "r", &r, &e),
			 0);
	assert_int_equal(r.pids_limit, -1);
	assert_int_equal(r.cpu_shares, NOT_GIVEN);
	assert_true(config_process_parse(*state, "{}", 2, "p", &p, &e) < 0);
	assert_string_equal(e.text, "p:1:1: .args: is missing");
}

static void files_that_are_not_there(void **state)
{
	struct container c;
	struct err e = { 0 };

	assert_true(config_load(*state, "/nosuch", NULL, &c, &e) < 0);
	assert_non_null(strstr(e.text, "bundle /nosuch: No such file"));
	assert_true(config_load(*state, "tests", NULL, &c, &e) < 0);
	assert_non_null(strstr(e.text, "/tests/config.json: No such file"));
	assert_true(config_load(*state, NULL, "/nosuch", &c, &e) < 0);
	assert_string_equal(e.text, "/nosuch: No such file or directory");
}

static int set_up(void **state)
{
	*state = arena_new();
	return *state == NULL;
}

static int tear_down(void **state)
{
	arena_free(*state);
	return 0;
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(full_process),
		TEST(full_rights),
		TEST(full_scheduling),
		TEST(full_root_and_mounts),
		TEST(full_hooks_and_annotations),
		TEST(full_namespaces_and_devices),
		TEST(full_rest_of_linux),
		TEST(full_memory_and_cpu),
		TEST(full_other_resources),
		TEST(what_docker_writes),
		TEST(the_least),
		TEST(bad_configs),
		TEST(bad_members),
		TEST(bad_processes),
		TEST(bad_linux),
		TEST(bad_resources),
		TEST(parts_alone),
		TEST(files_that_are_not_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
