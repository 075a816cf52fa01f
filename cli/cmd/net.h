/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of `holm net` share: an act is a function here and a row in net.c. */
#pragma once

#include "cli.h"

int net_failed(const struct holm_error *e);
void net_json_member(const char *key, const char *value); /* with a comma behind */

/* The value of --NAME VALUE or --NAME=VALUE, and *i is behind it; NULL: it is not that option. */
const char *net_value_of(int argc, char **argv, int *i, const char *option);

int cmd_net_create(int argc, char **argv);
int cmd_net_peers(int argc, char **argv);
int cmd_net_ns(int argc, char **argv);
int cmd_net_wire(int argc, char **argv);
