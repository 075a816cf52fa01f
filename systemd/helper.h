/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * holm-systemd: what holm-oci has to ask of systemd, over D-Bus. It is a program of its own because
 * libsystemd costs each program that links it a millisecond at every start. src/cg/unit.c is the
 * other end of its standard input, and has the protocol.
 *
 * Whatever is waited for has a limit of time. What fails is said in one line.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

#include "base/arena.h"
#include "base/err.h"

#define SYSTEMD_SERVICE "org.freedesktop.systemd1"
#define SYSTEMD_PATH    "/org/freedesktop/systemd1"
#define SYSTEMD_MANAGER "org.freedesktop.systemd1.Manager"
#define SYSTEMD_UNIT    "org.freedesktop.systemd1.Unit"

#define CALL_US UINT64_C(15000000) /* an answer to one call */
#define JOB_US  UINT64_C(40000000) /* the end of a job: a unit may be slow to stop */

struct helper {
	struct arena *arena;
	sd_bus *bus;
	bool user;
	const char *unit;
	char **rest; /* arguments behind the unit's name; NULL at the end */
	bool maybe_made;
};

/* ---- bus.c: the connection, calls, jobs ---- */

int bus_connect(struct helper *h, struct err *e);
/* Of a message to the manager. `what` begins the error: "start the unit x.scope". */
int bus_message(struct helper *h, const char *method, sd_bus_message **out, struct err *e);
/*
 * Sends it and waits for the answer (NULL: not wanted). On failure *name is the D-Bus name of the
 * error, if there is one.
 */
int bus_call(struct helper *h, sd_bus_message *m, const char *what, sd_bus_message **reply,
	     const char **name, struct err *e);
/* The same for what answers with a job, and waits until that is done. */
int bus_job(struct helper *h, sd_bus_message *m, const char *what, const char **name,
	    struct err *e);

/* ---- property.c ---- */

/* "NAME=VALUE" ... as an array of (sv), which is appended; `pid` adds the property PIDs. */
int properties_append(struct helper *h, sd_bus_message *m, char **list, int pid, struct err *e);

/* ---- unit.c: the acts; each answers ---- */

typedef int act_fn(struct helper *h, struct err *e);
act_fn unit_start, unit_set, unit_attach, unit_stop;

/* ---- main.c ---- */

int answer(const char *fmt, ...) PRINTF_LIKE(1, 2);
/* The next word from holm-oci; 0: it has gone. */
int hear(char *out, size_t room);
