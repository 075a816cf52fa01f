/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A process that does one job after another. What is sent has its length in front. */
#pragma once

#include "base/cleanup.h"
#include "base/str.h"
#include "judge/judge.h"

struct worker {
	int pid, fd; /* fd -1: there is none */
};

int worker_start(struct worker *w, const struct holm_spec *base, unsigned warm);
void worker_stop(struct worker *w); /* ends its job, too, and waits for it */

/* With the number of the line. */
int worker_send(int fd, uint64_t seq, const char *data, size_t len);
int worker_cancel(int fd); /* the job that it does, if it does one */
int worker_receive(int fd, uint64_t *seq,
		   struct buf *out); /* 1; 0: the other side has gone; -errno */
