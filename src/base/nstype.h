/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The eight namespaces (namespaces(7)): their names and the bits that clone3(2) and setns(2) take.
 */
#pragma once

#include <stdint.h>

enum ns_type {
	NS_USER,
	NS_MNT,
	NS_PID,
	NS_NET,
	NS_IPC,
	NS_UTS,
	NS_CGROUP,
	NS_TIME,
	NS_COUNT,
};

struct ns_info {
	const char *name;      /* as in options and in /proc/PID/ns */
	const char *proc_file; /* below /proc/PID: where a process holds it */
	uint32_t clone_flag;   /* CLONE_NEW* */
	const char *words;     /* what it separates */
};

extern const struct ns_info ns_table[NS_COUNT];

int ns_by_name(const char *name); /* an enum ns_type, or -EINVAL */
