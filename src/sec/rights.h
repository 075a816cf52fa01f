/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a process gives up for good: limits, ids, capabilities, new privileges, files. Runs between
 * clone and exec. 0 or -errno.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Leaves exactly `keep` in the bounding set, which bounds every later exec (capabilities(7)). */
int rights_bound_caps(uint64_t keep);
/* Leaves exactly `keep` in all other sets, ambient too, so that an ordinary program has them. */
int rights_set_caps(uint64_t keep);
/* The five sets as they are to be: bounding, effective, inheritable, permitted, ambient. */
int rights_set_cap_sets(const uint64_t sets[5]);
/* Before ids change: capabilities that are permitted stay permitted. */
int rights_keep_caps(void);
int rights_no_new_privs(void);

/* A filter of its own under any other: socket(2) makes nothing but Unix sockets. */
int rights_local_sockets_only(void);

/* ---- Landlock (landlock(7)) ---- */

enum rights_access { RIGHTS_RO, RIGHTS_RX, RIGHTS_RW, RIGHTS_ALL };

int rights_landlock_abi(void); /* 0: the kernel has none */
/* A new ruleset that forbids everything this kernel's Landlock knows: a descriptor or -errno. */
int rights_landlock_new(bool no_net);
int rights_landlock_allow(int fd, enum rights_access access, const char *path);
int rights_landlock_enforce(int fd);
