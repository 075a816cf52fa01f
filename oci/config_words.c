/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What may be written in config.json where one word of several is wanted. */
#include <linux/ioprio.h>
#include <linux/mempolicy.h>
#include <linux/sched.h>
#include <sys/personality.h>

#include "base/nstype.h"
#include "config_tables.h"

#define SCHED_ISO           4 /* reserved by the kernel, so that no header names it */
#define WEIGHTED_INTERLEAVE 6 /* MPOL_WEIGHTED_INTERLEAVE of Linux 6.9 */

static const struct json_word policy_words[] = {
	{ "SCHED_OTHER", SCHED_NORMAL },
	{ "SCHED_FIFO", SCHED_FIFO },
	{ "SCHED_RR", SCHED_RR },
	{ "SCHED_BATCH", SCHED_BATCH },
	{ "SCHED_ISO", SCHED_ISO },
	{ "SCHED_IDLE", SCHED_IDLE },
	{ "SCHED_DEADLINE", SCHED_DEADLINE },
};

const struct json_words sched_policies = WORDS(policy_words, "a scheduling policy");

static const struct json_word sched_flag_words[] = {
	{ "SCHED_FLAG_RESET_ON_FORK", SCHED_FLAG_RESET_ON_FORK },
	{ "SCHED_FLAG_RECLAIM", SCHED_FLAG_RECLAIM },
	{ "SCHED_FLAG_DL_OVERRUN", SCHED_FLAG_DL_OVERRUN },
	{ "SCHED_FLAG_KEEP_POLICY", SCHED_FLAG_KEEP_POLICY },
	{ "SCHED_FLAG_KEEP_PARAMS", SCHED_FLAG_KEEP_PARAMS },
	{ "SCHED_FLAG_UTIL_CLAMP_MIN", SCHED_FLAG_UTIL_CLAMP_MIN },
	{ "SCHED_FLAG_UTIL_CLAMP_MAX", SCHED_FLAG_UTIL_CLAMP_MAX },
};

const struct json_words sched_flags = WORDS(sched_flag_words, "a scheduling flag");

static const struct json_word io_class_words[] = {
	{ "IOPRIO_CLASS_RT", IOPRIO_CLASS_RT },
	{ "IOPRIO_CLASS_BE", IOPRIO_CLASS_BE },
	{ "IOPRIO_CLASS_IDLE", IOPRIO_CLASS_IDLE },
};

const struct json_words io_classes = WORDS(io_class_words, "a class of I/O priority");

static const struct json_word mempolicy_mode_words[] = {
	{ "MPOL_DEFAULT", MPOL_DEFAULT },
	{ "MPOL_PREFERRED", MPOL_PREFERRED },
	{ "MPOL_BIND", MPOL_BIND },
	{ "MPOL_INTERLEAVE", MPOL_INTERLEAVE },
	{ "MPOL_LOCAL", MPOL_LOCAL },
	{ "MPOL_PREFERRED_MANY", MPOL_PREFERRED_MANY },
	{ "MPOL_WEIGHTED_INTERLEAVE", WEIGHTED_INTERLEAVE },
};

const struct json_words mempolicy_modes = WORDS(mempolicy_mode_words, "a memory policy");

static const struct json_word mempolicy_flag_words[] = {
	{ "MPOL_F_NUMA_BALANCING", MPOL_F_NUMA_BALANCING },
	{ "MPOL_F_RELATIVE_NODES", MPOL_F_RELATIVE_NODES },
	{ "MPOL_F_STATIC_NODES", MPOL_F_STATIC_NODES },
};

const struct json_words mempolicy_flags = WORDS(mempolicy_flag_words, "a flag of memory policies");

static const struct json_word personality_words[] = {
	{ "LINUX", PER_LINUX },
	{ "LINUX32", PER_LINUX32 },
};

const struct json_words personalities = WORDS(personality_words, "a personality");

static const struct json_word namespace_words[] = {
	{ "cgroup", NS_CGROUP }, { "ipc", NS_IPC },   { "mount", NS_MNT }, { "network", NS_NET },
	{ "pid", NS_PID },       { "time", NS_TIME }, { "user", NS_USER }, { "uts", NS_UTS },
};

const struct json_words namespaces = WORDS(namespace_words, "a namespace");
