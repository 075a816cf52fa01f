/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What network.c and lease.c share: small files of lines "KEY VALUE". */
#pragma once

#include "base/str.h"
#include "state/network.h"

int network_read_file(int dir_fd, const char *path, struct buf *out); /* with a NUL behind */
int network_write_file(int dir_fd, const char *path, const struct buf *text);
/* The word behind "KEY " at the beginning of a line; false if there is none. */
bool network_find_line(const char *text, const char *key, char *out, size_t room);
/* Of a directory, but those that begin with a dot. */
int network_each_entry(int dir_fd, const char *path, int (*fn)(void *arg, const char *name),
		       void *arg);
