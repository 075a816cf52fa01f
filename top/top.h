/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * holm-top: a live screen of namespaces. A program of its own, so that `holm` need not load what
 * draws on terminals. It knows libholm, and of the house nothing but system calls.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "holm.h"

#define NAME_MAX_    48
#define COMMAND_MAX_ 128

/* A namespace, or one process of that which is open. */
struct row {
	uint64_t inode;    /* 0: it is a process */
	int pid;           /* of the oldest; 0: nobody is in it */
	uint64_t start_ns; /* of that: a pid alone may be another's by now */
	char name[NAME_MAX_], command[COMMAND_MAX_];
	unsigned processes, threads;
	double cpu_percent; /* of one processor */
	uint64_t memory_bytes;
	bool has_net;
	double rx_rate, tx_rate; /* bytes a second */
};

enum order { BY_CPU, BY_MEMORY, BY_PROCESSES, BY_NET, BY_NAME, ORDERS };

struct sample {
	int pid;
	uint64_t start_ns, cpu_ns;
};

struct net_sample {
	uint64_t ns, rx, tx;
};

/* What was seen last, for the differences. */
struct past {
	struct sample *processes;
	size_t n_processes;
	struct net_sample *nets;
	size_t n_nets;
	double at; /* seconds; 0: nothing yet */
};

struct model {
	unsigned type;
	uint64_t open; /* a namespace whose processes are the rows; 0: namespaces are */
	enum order order;
	char filter[64];
	struct row *rows;
	size_t n;
	struct past past;
	unsigned processes, unseen;
	double took; /* seconds */
};

/* Looks again. 0 or -errno, and `error` has the words. */
int model_update(struct model *m, struct holm_error *error);
void model_done(struct model *m);
/* Sorts and filters what is there. */
void model_sort(struct model *m);
extern const char *const order_names[ORDERS];

/* ---- screen.c ---- */

struct view {
	size_t selected, top; /* indexes of rows */
	uint64_t inode;       /* of what is selected: it moves with the order */
	int pid;
	char message[128]; /* shown once, at the bottom */
};

bool screen_open(void); /* false: TERM is not known */
void screen_close(void);
void screen_draw(const struct model *m, struct view *v);
/* A line to be typed, at the bottom; `text` is where it begins. False: it was given up. */
bool screen_ask(const char *words, char *text, size_t room);
