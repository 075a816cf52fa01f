/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What P keeps of a box's interfaces until the box has ended. */
#pragma once

#include "run/net_ends.h"
#include "run/run.h"
#include "state/network.h"

/*
 * What there is to do for an interface when the box has ended. By then the wish may be gone, so
 * that what it is called outside is kept here.
 */
struct box_interface {
	char object[NETWORK_NAME_MAX + 1];
	struct net_device device; /* that was moved; index 0: none */
	struct lease lease;       /* on a network; pid 0: none */
	struct ip_net addresses[2];
	size_t n_addresses;
};

struct box_net {
	struct net_ends ends;
	size_t n;
	int player_pid, player_pidfd; /* 0, -1: none */
	bool player_ends_itself;      /* when it is told to, and has something to say before */
	struct box_interface interfaces[];
};

/* Once for a box; NULL when memory is out. */
struct box_net *box_net_of(struct run *r);
/* Tells the caller which ports lead where: "published: 127.0.0.1:8080:80/tcp". */
void box_net_note_ports(struct run *r, const struct portmap *ports, size_t n);
/* Copies the words of the kernel to where a failure is told from, and returns `code`. */
int box_net_failed(struct run *r, const struct net_socket *s, int code);

/* ---- box_player.c ---- */

#define PLAYER_PATH_MAX 512

struct player {
	char path[PLAYER_PATH_MAX];
	char **argv;
	bool ends_with_us; /* with the thread that starts it; else it sees to its end itself */
	int fds[2];        /* that it gets, under their numbers */
	size_t n_fds;
};

/* In $PATH. -ENOENT */
int player_find(const char *name, char out[PLAYER_PATH_MAX]);
/* One of holm's own: where it is installed, or beside this program, as in a tree where it was
 * built. */
int player_find_own(const char *name, char out[PLAYER_PATH_MAX]);
/* Returns when it has said that it is ready. */
int player_start(struct run *r, struct box_net *n, const struct player *p);
void player_end(struct box_net *n);

/* ---- box_pasta.c, box_egress.c ---- */
int pasta_start(struct run *r, struct box_net *n);
int egress_start(struct run *r, struct box_net *n);
int egress_find(char out[PLAYER_PATH_MAX]); /* the program holm-egress; -ENOENT */
