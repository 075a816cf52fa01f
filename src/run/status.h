/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is written for other programs: --info-fd, --status-fd (JSON lines) and --ready-fd. */
#pragma once

#include "run/run.h"

struct status {
	int fd; /* of the JSON lines; -1: none */
};

void status_failed(const struct spec *s, const struct err *e);
void status_started(struct status *st, const struct spec *s, struct box *b);
void status_event(const struct status *st, const struct box *box, const struct box_event *event);
