/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the parent and the box's init say to each other over the control channel, a socket pair made
 * before the isolation. Packets of one machine and one build, so plain structs and native numbers;
 * still nothing that is read is trusted to be well-formed. Header only: init has no libc to link.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define WIRE_MAX (192 * 1024) /* a packet must fit a socket's default send buffer */

enum wire_type {
	WIRE_CONF = 1, /* parent -> init, once, before anything else: seal, environment, services */
	WIRE_SIGNAL,   /* value: signal for the main command */
	WIRE_STATE,    /* asks for WIRE_STATE_REPLY */
	WIRE_RUN,      /* argv; up to three descriptors for its stdio */
	WIRE_RUN_REPLY, /* value: pid inside or -errno */
	WIRE_STATE_REPLY,
	WIRE_EVENT,     /* a struct box_event */
	WIRE_GO,        /* the parent has done its part of the set-up */
	WIRE_TREE,      /* an idmapped tree, as a descriptor */
	WIRE_TERMINAL,  /* the terminal's master, as a descriptor */
	WIRE_STARTED,   /* a struct wire_started */
	WIRE_MOUNTED,   /* a container is mounted: the parent's hooks may run */
	WIRE_HOOKED,    /* they have; with the state, as a descriptor */
	WIRE_CGROUP,    /* the v1 trees are made, with their limits; descriptors to enter them by */
	WIRE_WORKSPACE, /* the workspace, as a descriptor */
	WIRE_USAGE,     /* a struct wire_usage, before the last event */
};

/* Which descriptors come with WIRE_CONF, in this order: its value. */
enum wire_brief {
	BRIEF_FILE = 1,     /* the brief itself, that a packet has no room for */
	BRIEF_HOOKS = 2,    /* the state, as hooks read it */
	BRIEF_PROCESS = 4,  /* the state of the process, as a listener reads it */
	BRIEF_LISTENER = 8, /* to whom the filter's listener goes */
	BRIEF_STDIO = 16,   /* three: what the command has as 0, 1 and 2 */
	BRIEF_MEASURE = 32, /* no descriptor: say what the command uses */
};

#define BRIEF_FDS_MAX 7

/* What is said to a container that waits, over its start socket. */
#define START_WORD 'S'

/* How the start of the command went: what the processes that seal it cannot write down for P. */
struct wire_started {
	int32_t code;        /* errno; 0: it is being executed */
	uint32_t step, item; /* the row of SEAL that failed, counted from its first */
	int32_t pid;         /* inside */
	char failed[128];
	uint64_t step_ns[24];
	uint64_t setup_cpu_ns; /* processor time before the command (INIT_MEASURES) */
};

/* What the command and its descendants used, as far as somebody waited for them. */
struct wire_usage {
	uint64_t user_ns, system_ns;
	uint64_t wall_ns; /* of the command alone */
	uint64_t main_peak_bytes;
	uint64_t voluntary, involuntary; /* context switches */
	uint64_t minor_faults, major_faults;
};

struct wire_head {
	uint32_t type, id;
	int32_t value;
	uint32_t len; /* of what follows */
};

/* Writes items one after another, each padded to 8 bytes. */
struct wire_out {
	char *data;
	size_t len, room;
	bool overflow;
};

static inline void wire_put(struct wire_out *w, const void *item, size_t len)
{
	size_t padded = (len + 7) & ~(size_t)7;

	if (w->overflow || w->room - w->len < padded) {
		w->overflow = true;
		return;
	}
	if (len) /* an empty list has no address either */
		memcpy(w->data + w->len, item, len);
	memset(w->data + w->len + len, 0, padded - len);
	w->len += padded;
}

static inline void wire_put_u64(struct wire_out *w, uint64_t v)
{
	wire_put(w, &v, sizeof(v));
}

static inline void wire_put_str(struct wire_out *w, const char *s)
{
	size_t len = s ? strlen(s) + 1 : 0;

	wire_put_u64(w, len);
	if (len)
		wire_put(w, s, len);
}

static inline void wire_put_list(struct wire_out *w, char *const *list)
{
	uint64_t n = 0;

	while (list[n])
		n++;
	wire_put_u64(w, n);
	for (uint64_t i = 0; i < n; i++)
		wire_put_str(w, list[i]);
}

/* Reads them back, in place. After anything malformed `bad` is set and all that follows is empty.
 */
struct wire_in {
	char *data;
	size_t len, at;
	bool bad;
};

static inline void *wire_get(struct wire_in *w, size_t len)
{
	size_t padded = (len + 7) & ~(size_t)7;
	void *p = w->data + w->at;

	if (w->bad || len > w->len || w->len - w->at < padded) {
		w->bad = true;
		return NULL;
	}
	w->at += padded;
	return p;
}

static inline uint64_t wire_get_u64(struct wire_in *w)
{
	uint64_t *p = wire_get(w, sizeof(*p));

	return p ? *p : 0;
}

static inline char *wire_get_str(struct wire_in *w)
{
	uint64_t len = wire_get_u64(w);
	char *s = len ? wire_get(w, len) : NULL;

	if (s && s[len - 1] != 0)
		w->bad = true;
	return w->bad ? NULL : s;
}

/* A NULL-ended list of pointers, taken from a pool; NULL if it does not fit. */
static inline char **wire_get_list(struct wire_in *w, char **pool, size_t *used, size_t room)
{
	uint64_t n = wire_get_u64(w);
	char **list = pool + *used;

	if (w->bad || n >= room - *used) {
		w->bad = true;
		return NULL;
	}
	for (uint64_t i = 0; i < n; i++)
		list[i] = wire_get_str(w);
	list[n] = NULL;
	*used += n + 1;
	return w->bad ? NULL : list;
}
