/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the words of `holm ns` share that act: each is a file here, and a row in cmd/ns.c. */
#pragma once

#include "look/look.h"

int ns_enter_word(int argc, char **argv);
int ns_hold_word(int argc, char **argv);
int ns_drop_word(int argc, char **argv);
int ns_unshare_word(int argc, char **argv);

/* `holm ns ls --held` */
int ns_ls_held(bool json);

/* "--net": the type, or -1. The user namespace is "--userns", for --user says who one is there. */
int ns_type_option(const char *word);
