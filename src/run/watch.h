/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The limits of a box that the kernel has none for, and the verdict on its end.
 *
 * P watches, by one epoll descriptor that is also what holm_poll_fd() gives: a timer for time, a
 * pipe for each of the command's outputs, the cgroup's own word for memory and processes, and the
 * listener of the filter. What reaches a limit is ended by SIGKILL to the init, with which its
 * whole pid namespace ends in one step, whatever it forks or catches.
 *
 * Time is not polled. All processes together cannot use more than the processors have: after
 * (limit - used) / processors it is looked at again, and so a limit of a second takes some ten
 * looks. Idleness alone is sampled, every few milliseconds, for nothing tells when something ran
 * last.
 *
 * Why a box ended is never guessed from a status: who ended it wrote down why, and otherwise the
 * cgroup has counted.
 */
#pragma once

#include "run/run.h"
#include "run/wire.h"

enum ending {
	END_NONE,
	END_CPU,
	END_WALL,
	END_IDLE,
	END_MEMORY,
	END_OUTPUT,
	END_PIDS,
	END_SYSCALL,
};

/* stream.c: from a pipe to where its bytes belong, counted. */
struct stream {
	int from, to;
	bool waits; /* `to` is full: there is no point in reading on */
	size_t at, n;
	char data[16384];
};

int stream_open(struct stream *s, int to, int *child_fd);
void stream_close(struct stream *s);
/*
 * Moves what can be moved without blocking, and counts what was read; of that `room` bytes are
 * passed on. `last`: nobody writes any more, and what is there is passed on even if that blocks.
 */
uint64_t stream_pump(struct stream *s, uint64_t room, bool last);

#define LISTENERS_MAX 16

struct watch {
	const struct watch_wish *wish;
	int epoll_fd, timer_fd, cpu_fd, oom_fd, pids_fd;
	int listener_fd[2]; /* through which listeners come: ours, the init's */
	int listeners[LISTENERS_MAX];
	unsigned n_listeners;
	struct stream streams[2]; /* standard output, standard error */
	int child_fd[2];          /* their ends of the box */
	int main_pid, main_pidfd; /* the command, to read its clock by */
	unsigned processors;

	uint64_t start_ns, end_ns; /* of the command, as seen from here */
	uint64_t setup_cpu_ns;     /* what had been used before it */
	uint64_t idle_since_ns, idle_most_ns;
	uint64_t cpu_ns; /* what it had used at the last look */
	uint64_t output_bytes;

	enum ending ending; /* what it was ended for */
	bool out_of_memory; /* the kernel is looking for whom to kill */
	uint64_t n_denied;
	uint32_t denied_arch;
	int denied_nr; /* the first */
	bool streams_counted;
	bool told; /* `used` is known */
	struct wire_usage used;
};

/* ---- watch.c ---- */

int watch_new(struct run *r, struct watch **out); /* before the clone */
void watch_started(struct watch *w);              /* the box's ends are the box's alone */
int watch_begin(struct run *r, struct watch *w);  /* the command runs */
void watch_serve(struct box *b);                  /* what is due, without blocking */
void watch_ended(struct box *b);                  /* all are gone; its cgroup is there yet */
void watch_free(struct watch *w);

/* ---- watch_clock.c: processor time where no cgroup counts it ---- */

/* Of all below `pid`, itself not, by the clocks of those alive and what their parents know of the
 * dead. */
uint64_t watch_clocks(int pid);
/* Of one process; 0 if it is gone. */
uint64_t watch_clock_of(int pid, int pidfd);

/* ---- verdict.c ---- */

enum verdict_kind {
	VERDICT_OK,
	VERDICT_EXIT,
	VERDICT_SIGNAL,
	VERDICT_CPU,
	VERDICT_WALL,
	VERDICT_IDLE,
	VERDICT_MEMORY,
	VERDICT_OUTPUT,
	VERDICT_PIDS,
	VERDICT_SYSCALL,
	VERDICT_SETUP,
	VERDICT_KINDS,
};

extern const char *const verdict_names[VERDICT_KINDS];

/* As struct holm_verdict. */
struct box_verdict {
	enum verdict_kind kind;
	const char *name;
	int exit_code, signal;
	uint64_t cpu_ns, cpu_user_ns, cpu_system_ns, wall_ns;
	uint64_t memory_peak_bytes, oom_kills;
	uint64_t pids_peak, pids_refused;
	uint64_t output_bytes, io_read_bytes, io_write_bytes;
	uint64_t voluntary_switches, involuntary_switches, minor_faults, major_faults;
	uint64_t syscalls_denied;
	char syscall[32];
	char isolation[96];
	const char *cgroup;
};

void verdict_of(const struct box *b, struct box_verdict *out); /* of one that has ended */
