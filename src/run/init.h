/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of the init program share. */
#pragma once

#include <sys/signalfd.h>
#include <sys/wait.h>

#include "run/run.h"
#include "run/wire.h"
#include "sys/process.h"
#include "sys/sock.h"

#define HELPERS_MAX  16
#define POINTERS_MAX 16384

struct service {
	struct program program;
	int pid; /* 0: not running */
	int last_status;
	unsigned restarts, short_runs;
	bool failed; /* for good */
	int64_t started_ms, start_at_ms, backoff_ms;
};

struct helper {
	int pid;
	uint32_t id;
};

struct init {
	int label_fd, control_fd, report_fd, parent_fd, terminal_fd, signal_fd, null_fd;
	int enter_fd;    /* a container's process whose pid namespace is to be entered */
	char **own_envp; /* what to fail at, in tests */
	int main_pid;    /* 0: it has ended */
	int helper_pid;  /* of the set-up; 0: there was none */
	int status;
	bool is_pid1, timed, measures, seals, stopping, orphaned;
	struct rusage before, main_used; /* of children, before the command; of the command */
	uint64_t exec_cpu_ns;            /* what the command's process had used before it */
	int64_t main_start_ns, main_end_ns;
	hooks start_hooks;  /* of a container */
	unsigned n_to_stop; /* companions that have not been stopped yet */
	int64_t start_ms, kill_at_ms;
	uint64_t reaped;
	struct seal seal, others; /* of the command; of companions and helpers */
	struct program main;
	char **envp;
	struct service services[SERVICES_MAX];
	unsigned n_services;
	struct helper helpers[HELPERS_MAX];
	char **pointers; /* of argument lists; more than a packet can hold are mapped */
	size_t n_pointers, pointers_max;
	char *few_pointers[POINTERS_MAX];
	_Alignas(8) char conf[WIRE_MAX]; /* pages that are not touched cost nothing */
	_Alignas(8) char packet[WIRE_MAX];
	_Alignas(16) char stack[STACK_SIZE]; /* of a program between clone and exec */
};

extern const struct step init_steps[];
extern const size_t init_n_steps;

void init_main(long *stack);
int64_t init_now_ns(void);
int64_t init_now_ms(void);
bool init_read_conf(struct init *in);
uint32_t init_count_processes(void); /* of the pid namespace; 0 if there is no /proc */
