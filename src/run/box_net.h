/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What P keeps of a box's interfaces until the box has ended. */
#pragma once

#include "run/net_ends.h"
#include "run/run.h"

struct box_net {
	struct net_ends ends;
	struct net_device *devices; /* that were moved, by their number among the interfaces */
	struct run *run;
	int pasta_pid, pasta_pidfd; /* 0, -1: none */
};

/* Once for a box; NULL when memory is out. */
struct box_net *box_net_of(struct run *r);
/* Copies the words of the kernel to where a failure is told from, and returns `code`. */
int box_net_failed(struct run *r, const struct net_socket *s, int code);

/* ---- box_pasta.c ---- */
int pasta_start(struct run *r, struct box_net *n);
void pasta_end(struct box_net *n);
