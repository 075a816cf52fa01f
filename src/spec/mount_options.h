/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The words of a mount's options, as config.json and fstab know them, taken apart into what the
 * kernel's calls want: attributes of the mount, propagation, what holm itself does, flags of the
 * file system, and what is left for the file system to understand.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "spec/spec.h"

/* MOUNT_ATTR_*, as mount_setattr(2) takes them: first `clear`, then `set`. */
struct mount_attrs {
	uint64_t set, clear;
};

/* The map of an idmapped mount that is written into the option (idmap=uids=0-1000-1;gids=...). */
struct mount_id_map {
	id_ranges ranges; /* inside: as the file system has it; outside: as it is shown */
	bool relative;    /* `outside` is an id of the container's user namespace */
};

struct mount_words {
	struct mount_attrs attrs;     /* of the mount itself */
	struct mount_attrs recursive; /* of it and of all below it; to be set before `attrs` */
	uint64_t propagation; /* MS_SHARED ..., with MS_REC for the r* forms; 0: not given */
	bool bind, rbind;     /* rbind: both are true */
	bool remount;         /* what is mounted there already */
	bool idmap, ridmap;   /* ridmap: both are true */
	struct mount_id_map uids, gids;
	bool tmpcopyup; /* a new tmpfs begins with what it hides */
	/*
	 * For fsconfig(2), beside "ro", which is in `attrs` too: flags of the file system as a
	 * whole ("sync"), which a bind leaves alone, and what the file system itself knows
	 * ("size=64k"), as written.
	 */
	strings flags, data;
};

/* `options` as written. Nothing that is not known is refused: it is the file system's. */
int mount_options_parse(struct arena *a, const strings *options, struct mount_words *out,
			struct err *e);

/* MS_* of "rslave" and the like, 0 for other words. */
uint64_t mount_propagation(const char *word);

/* The words that are known, one by one; NULL beyond the last. */
const char *mount_option_name(size_t i);
