/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of this room share. */
#pragma once

#include "spec/json_text.h"
#include "state/state.h"

/*
 * The second is what the state is called while the container is made. So a container's usual life
 * renames no file over another: on ext4 that starts the disk, to be safe against the loss of power
 * (mount option auto_da_alloc), and removing what is on its way there waits for it.
 */
#define STATE_FILE    "state.json"
#define CREATING_FILE "creating.json"
#define LOCK_FILE     "config.json"

int state_read(struct arena *a, const char *text, size_t len, const char *name, struct state *out,
	       struct err *e);
void state_write(struct jsonout *j, const struct state *s);
