/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * PID 1 of a box: a program of its own, without libc, a few pages large, executed from a memory
 * file by the process that built the box. It starts the command, reaps whatever ends, starts and
 * restarts the companions, passes signals on, answers the parent over the control channel, and when
 * the command has ended ends everything else and says how it went.
 *
 * Its words: the control channel, the report pipe, a descriptor of the parent process, the box's
 * terminal, the pid of who helped to build the box, flags, where the label of the next program
 * is set, and a process whose pid namespace is to be entered; 0 where there is none.
 */
#include <linux/limits.h>

#include "base/macro.h"
#include "run/init.h"
#include "sys/security.h"

#define STOP_MS     2000 /* between SIGTERM and SIGKILL for companions at the end */
#define BACKOFF_MS  100  /* before the first restart; doubles */
#define BACKOFF_MAX 10000
#define GOOD_RUN_MS 10000 /* who ran this long starts again without delay */
#define TRIES_MAX   5     /* short runs in a row before on-failure gives up */

static struct init me;

int64_t init_now_ns(void)
{
	struct timespec ts;

	sys_clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

int64_t init_now_ms(void)
{
	return init_now_ns() / 1000000;
}

static void copy_name(char out[40], const char *name)
{
	fs_put_str(out, out + 40, name);
}

static void send_event(struct init *in, enum box_event_kind kind, const char *name, int pid,
		       int status, uint32_t id)
{
	struct {
		struct wire_head head;
		struct box_event event;
	} packet = { { WIRE_EVENT, 0, 0, sizeof(struct box_event) }, { .kind = kind } };

	copy_name(packet.event.name, name);
	packet.event.pid = pid;
	packet.event.status = status;
	packet.event.id = id;
	packet.event.reaped = in->reaped;
	sys_send_fds(in->control_fd, &packet, sizeof(packet), NULL, 0);
}

/* ---- programs ---- */

static struct run run_of(struct init *in, const struct seal *seal, const struct program *p,
			 struct shared *shared)
{
	return (struct run){
		.seal = seal,
		.program = p,
		.steps = init_steps,
		.n_steps = init_n_steps,
		.shared = shared,
		.report = &shared->report,
		.controlling_fd = -1,
		.parent_pidfd = -1,
		.report_fd = { -1, -1 },
		.timed = in->timed,
		.measured = in->measures,
	};
}

/*
 * Whoever reads the command's output must see its end when the command ends, so init lets go of it,
 * unless companions write there too. The three numbers stay taken: what is received later must not
 * end up there.
 */
static void let_go_of_stdio(struct init *in)
{
	for (int fd = 0; fd < 3; fd++) {
		if (in->n_services == 0 && in->null_fd >= 0)
			sys_dup3(in->null_fd, fd, 0);
		else if (in->n_services == 0)
			sys_close(fd);
		else if (in->terminal_fd >= 0 && in->seal.tty[fd])
			sys_dup3(in->terminal_fd, fd, 0);
	}
	if (in->null_fd >= 0)
		sys_close(in->null_fd);
}

/* And of what is held for the command alone. */
static void let_go(struct init *in)
{
	let_go_of_stdio(in);
	for (size_t i = 0; i < in->seal.n_keep_fds; i++)
		sys_close(in->seal.keep_fds[i]);
	if (in->terminal_fd >= 0)
		sys_close(in->terminal_fd);
	if (in->seal.block_fd >= 0)
		sys_close(in->seal.block_fd);
	sys_close(in->report_fd);
}

/* ---- what the command uses ---- */

static uint64_t ns_of(const struct timeval *t)
{
	return (uint64_t)t->tv_sec * 1000000000U + (uint64_t)t->tv_usec * 1000;
}

/* All of it until now was set-up: ours, our helper's, that of the command's process. */
static uint64_t measure_setup(struct init *in, const struct shared *shared)
{
	/* Not when we hear of it: a short command may have ended by then. */
	in->main_start_ns = shared->exec_at_ns ? shared->exec_at_ns : init_now_ns();
	in->exec_cpu_ns = shared->exec_cpu_ns;
	sys_getrusage_children(&in->before);
	return sys_cpu_ns() + in->exec_cpu_ns + ns_of(&in->before.ru_utime) +
	       ns_of(&in->before.ru_stime);
}

static uint64_t since(long now, long before)
{
	return (uint64_t)(now - before);
}

static void send_usage(struct init *in)
{
	struct {
		struct wire_head head;
		struct wire_usage usage;
	} packet = { { WIRE_USAGE, 0, 0, sizeof(struct wire_usage) }, { 0 } };
	struct wire_usage *u = &packet.usage;
	const struct rusage *before = &in->before;
	struct rusage all;

	sys_getrusage_children(&all);
	u->user_ns = ns_of(&all.ru_utime) - ns_of(&before->ru_utime);
	u->system_ns = ns_of(&all.ru_stime) - ns_of(&before->ru_stime);
	u->system_ns -= MIN(u->system_ns, in->exec_cpu_ns);
	u->wall_ns = (uint64_t)(in->main_end_ns - in->main_start_ns);
	u->main_peak_bytes = (uint64_t)in->main_used.ru_maxrss * 1024;
	u->voluntary = since(all.ru_nvcsw, before->ru_nvcsw);
	u->involuntary = since(all.ru_nivcsw, before->ru_nivcsw);
	u->minor_faults = since(all.ru_minflt, before->ru_minflt);
	u->major_faults = since(all.ru_majflt, before->ru_majflt);
	sys_send_fds(in->control_fd, &packet, sizeof(packet), NULL, 0);
}

struct started_packet {
	struct wire_head head;
	struct wire_started started;
};

static void put_report(struct wire_started *out, const struct shared *shared)
{
	out->code = shared->report.code;
	out->step = shared->report.step;
	out->item = shared->report.item;
	if (shared->report.failed)
		fs_put_str(out->failed, out->failed + sizeof(out->failed), shared->report.failed);
	memcpy(out->step_ns, shared->step_ns, sizeof(out->step_ns));
}

/*
 * A container has no init of ours: we seal ourselves and become its process. If that fails, whoever
 * started us hears it; after the word to start came, that is who gave it.
 */
static _Noreturn void become_command(struct init *in, char **envp)
{
	struct started_packet packet = { { WIRE_STARTED, 0, 0, sizeof(struct wire_started) },
					 { 0 } };
	struct shared shared = { 0 };
	struct run run = run_of(in, &in->seal, &in->main, &shared);

	run.controlling_fd = in->terminal_fd;
	run.control_fd[1] = in->control_fd;
	run.report_fd[1] = in->report_fd;
	run.start_hooks = &in->start_hooks;
	run.started_fd = -1;
	fault_setup(&run, envp);
	stage_run(&run, STAGE_SEAL);
	put_report(&packet.started, &shared);
	sys_send_fds(run.started_fd >= 0 ? run.started_fd : in->control_fd, &packet, sizeof(packet),
		     NULL, 0);
	sys_exit(1);
}

/* Starts the command and tells the parent how that went. */
static bool start_main(struct init *in, char **envp)
{
	struct started_packet packet = { { WIRE_STARTED, 0, 0, sizeof(struct wire_started) },
					 { 0 } };
	struct wire_started *out = &packet.started;
	struct shared shared = { 0 };
	struct run run = run_of(in, &in->seal, &in->main, &shared);

	run.controlling_fd = in->terminal_fd;
	run.report_fd[1] = in->report_fd;
	run.parent_pidfd = in->parent_fd;
	fault_setup(&run, envp);
	/* By path, so before the command runs: what it finds writable it could replace. */
	in->null_fd = in->n_services ? -1 : sys_openat(AT_FDCWD, "/dev/null", O_RDWR, 0);
	in->main_pid = program_start(&run, in->stack);
	if (in->main_pid > 0 && !shared.exec_tried)
		shared.report = (struct report){ ECANCELED, shared.at_step, shared.at_item,
						 "killed meanwhile" };
	put_report(out, &shared);
	if (in->main_pid < 0 && !out->code)
		out->code = -in->main_pid;
	if (in->measures)
		out->setup_cpu_ns = measure_setup(in, &shared);
	out->pid = in->main_pid;
	sys_send_fds(in->control_fd, &packet, sizeof(packet), NULL, 0);
	let_go(in);
	return out->code == 0;
}

/* A companion or a helper, on the descriptors given or on init's own. */
static int start(struct init *in, const struct program *p, const int *fds, unsigned n_fds)
{
	struct shared shared = { 0 };
	struct run run = run_of(in, &in->others, p, &shared);
	int saved[3] = { -1, -1, -1 }, pid;

	for (unsigned i = 0; i < n_fds; i++) {
		saved[i] = sys_fcntl((int)i, F_DUPFD_CLOEXEC, 10);
		if (fds[i] == (int)i)
			sys_fcntl((int)i, F_SETFD, 0);
		else
			sys_dup3(fds[i], (int)i, 0);
	}
	pid = program_start(&run, in->stack);
	for (unsigned i = 0; i < n_fds; i++) {
		if (saved[i] >= 0)
			sys_dup3(saved[i], (int)i, 0);
		else
			sys_close((int)i);
		sys_close(saved[i]);
	}
	return pid;
}

static void service_start(struct init *in, struct service *s)
{
	int pid = start(in, &s->program, NULL, 0);

	s->started_ms = init_now_ms();
	s->start_at_ms = 0;
	if (pid < 0) {
		s->failed = true;
		send_event(in, BOX_SERVICE_FAILED, s->program.name, 0, 127 << 8, 0);
		return;
	}
	s->pid = pid;
	send_event(in, BOX_SERVICE_START, s->program.name, pid, 0, 0);
}

/* A companion ended: is it started again, and when? */
static void service_ended(struct init *in, struct service *s, int status)
{
	enum restart policy = s->program.restart;
	bool again = policy == RESTART_ALWAYS || (policy == RESTART_ON_FAILURE && status != 0);
	bool good = init_now_ms() - s->started_ms >= GOOD_RUN_MS;

	s->pid = 0;
	s->last_status = status;
	send_event(in, BOX_SERVICE_EXIT, s->program.name, 0, status, 0);
	if (in->stopping)
		return;
	s->short_runs = good ? 0 : s->short_runs + 1;
	if (policy == RESTART_ON_FAILURE && s->short_runs > TRIES_MAX)
		again = false;
	if (!again) {
		s->failed = status != 0;
		if (s->failed)
			send_event(in, BOX_SERVICE_FAILED, s->program.name, 0, status, 0);
		return;
	}
	s->backoff_ms = good || !s->backoff_ms ? BACKOFF_MS : MIN(s->backoff_ms * 2, BACKOFF_MAX);
	s->start_at_ms = init_now_ms() + s->backoff_ms;
	s->restarts++;
}

static void start_due(struct init *in)
{
	for (unsigned i = 0; i < in->n_services; i++) {
		struct service *s = &in->services[i];

		if (s->start_at_ms && s->start_at_ms <= init_now_ms() && !in->stopping)
			service_start(in, s);
	}
}

/* ---- the end ---- */

/* Without a pid namespace of our own, "everyone" would be the whole machine: children only. */
static void kill_children(struct init *in)
{
	char text[4096];
	ssize_t n;
	int fd, pid = 0;

	(void)in;
	fd = sys_openat(AT_FDCWD, "/proc/thread-self/children", O_RDONLY, 0);
	if (fd < 0)
		return;
	n = sys_read(fd, text, sizeof(text));
	sys_close(fd);
	for (ssize_t i = 0; i < n; i++) {
		if (text[i] >= '0' && text[i] <= '9') {
			pid = pid * 10 + (text[i] - '0');
		} else if (pid) {
			sys_kill(pid, SIGKILL);
			pid = 0;
		}
	}
}

static void kill_all(struct init *in)
{
	if (in->is_pid1)
		sys_kill(-1, SIGKILL);
	else
		kill_children(in);
}

/* Companions get a chance to stop, one after the other, the last one first. */
static void stop(struct init *in)
{
	if (in->stopping)
		return;
	in->stopping = true;
	in->n_to_stop = in->n_services;
	for (unsigned i = 0; i < in->n_services; i++)
		in->services[i].start_at_ms = 0;
}

/* True when no companion is left to wait for, so that everything else can be killed. */
static bool stop_next(struct init *in)
{
	while (in->n_to_stop > 0) {
		struct service *s = &in->services[in->n_to_stop - 1];

		if (!s->pid) {
			in->n_to_stop--;
			in->kill_at_ms = 0;
		} else if (!in->kill_at_ms) {
			sys_kill(-s->pid, SIGTERM);
			in->kill_at_ms = init_now_ms() + STOP_MS;
			return false;
		} else {
			if (init_now_ms() >= in->kill_at_ms)
				sys_kill(-s->pid, SIGKILL);
			return false;
		}
	}
	return true;
}

static struct service *service_of(struct init *in, int pid)
{
	for (unsigned i = 0; i < in->n_services; i++)
		if (in->services[i].pid == pid)
			return &in->services[i];
	return NULL;
}

static struct helper *helper_of(struct init *in, int pid)
{
	for (unsigned i = 0; i < HELPERS_MAX; i++)
		if (in->helpers[i].pid == pid)
			return &in->helpers[i];
	return NULL;
}

static void ended(struct init *in, int pid, int status, const struct rusage *used)
{
	struct service *s = service_of(in, pid);
	struct helper *h = helper_of(in, pid);

	if (pid == in->main_pid) {
		in->main_pid = 0;
		in->status = status;
		in->main_used = *used;
		in->main_end_ns = in->measures ? init_now_ns() : 0;
		if (in->n_services)
			send_event(in, BOX_MAIN_EXIT, "main", 0, status, 0);
		stop(in);
	} else if (s) {
		service_ended(in, s, status);
	} else if (h) {
		send_event(in, BOX_RUN_EXIT, "", pid, status, h->id);
		h->pid = 0;
	} else {
		in->reaped++; /* an orphan that nobody else would have waited for */
	}
}

/* True when nobody is left. */
static bool reap(struct init *in)
{
	for (;;) {
		struct rusage used;
		int status, pid = sys_wait4(-1, &status, WNOHANG, &used);

		if (pid <= 0)
			return pid == -ECHILD;
		ended(in, pid, status, &used);
	}
}

/* ---- the control channel ---- */

static void reply(struct init *in, enum wire_type type, uint32_t id, int value)
{
	struct wire_head head = { type, id, value, 0 };

	sys_send_fds(in->control_fd, &head, sizeof(head), NULL, 0);
}

static void reply_state(struct init *in, uint32_t id)
{
	struct {
		struct wire_head head;
		struct box_state state;
	} *packet = (void *)in->packet;

	memset(packet, 0, sizeof(*packet));
	packet->head = (struct wire_head){ WIRE_STATE_REPLY, id, 0, sizeof(packet->state) };
	packet->state.uptime_ns = (uint64_t)(init_now_ms() - in->start_ms) * 1000000U;
	packet->state.reaped = in->reaped;
	packet->state.processes = in->is_pid1 ? init_count_processes() : 0;
	packet->state.n_services = in->n_services;
	for (unsigned i = 0; i < in->n_services; i++) {
		const struct service *s = &in->services[i];

		copy_name(packet->state.services[i].name, s->program.name);
		packet->state.services[i].pid = s->pid;
		packet->state.services[i].restarts = s->restarts;
		packet->state.services[i].last_status = s->last_status;
		packet->state.services[i].failed = s->failed;
	}
	sys_send_fds(in->control_fd, packet, sizeof(*packet), NULL, 0);
}

static void run_helper(struct init *in, const struct wire_head *head, struct wire_in *w,
		       const int *fds, unsigned n_fds)
{
	char *pool[512];
	size_t used = 0;
	char **argv = wire_get_list(w, pool, &used, ARRAY_SIZE(pool));
	struct helper *h = helper_of(in, 0);
	struct program p = { .name = "helper", .argv = argv, .envp = in->envp };
	int pid;

	if (!argv || !argv[0] || !h || in->stopping) {
		reply(in, WIRE_RUN_REPLY, head->id, h ? -EINVAL : -EAGAIN);
		return;
	}
	p.path = argv[0];
	pid = start(in, &p, fds, n_fds);
	if (pid > 0)
		*h = (struct helper){ pid, head->id };
	reply(in, WIRE_RUN_REPLY, head->id, pid);
}

/* One packet. False: the parent has hung up. */
static bool serve(struct init *in)
{
	int fds[3];
	unsigned n_fds = ARRAY_SIZE(fds);
	ssize_t n = sys_recv_fds(in->control_fd, in->packet, sizeof(in->packet), fds, &n_fds,
				 MSG_DONTWAIT);
	struct wire_head head;
	struct wire_in w = { in->packet, (size_t)n, sizeof(head), false };

	if (n == -EAGAIN || n == -EINTR)
		return true;
	if (n < (ssize_t)sizeof(head))
		return false;
	memcpy(&head, in->packet, sizeof(head));
	switch (head.type) {
	case WIRE_SIGNAL:
		if (in->main_pid)
			sys_kill(in->main_pid, head.value);
		break;
	case WIRE_STATE:
		reply_state(in, head.id);
		break;
	case WIRE_RUN:
		run_helper(in, &head, &w, fds, n_fds);
		break;
	default:
		break;
	}
	for (unsigned i = 0; i < n_fds; i++)
		sys_close(fds[i]);
	return true;
}

/* ---- life ---- */

static int64_t next_timeout(const struct init *in)
{
	int64_t at = in->stopping && in->n_to_stop ? in->kill_at_ms : 0;

	for (unsigned i = 0; i < in->n_services; i++) {
		int64_t due = in->services[i].start_at_ms;

		if (due && (!at || due < at))
			at = due;
	}
	return at ? MAX(at - init_now_ms(), 0) : -1;
}

/* Waits for a child, a packet, the parent's death or a time. */
static void wait_event(struct init *in, int64_t timeout_ms)
{
	struct pollfd fds[3] = {
		{ in->signal_fd, POLLIN, 0 },
		{ in->parent_fd, POLLIN, 0 },
		{ in->control_fd, POLLIN, 0 },
	};
	struct signalfd_siginfo drop;

	sys_poll(fds, 3, timeout_ms);
	if (fds[0].revents)
		sys_read(in->signal_fd, &drop, sizeof(drop));
	if (fds[1].revents) /* the kernel ends the rest of the pid namespace with us */
		in->orphaned = true;
	if (fds[2].revents && !serve(in)) {
		in->control_fd = -1;
		in->orphaned |= in->parent_fd >= 0;
	}
}

static void live(struct init *in)
{
	while (!reap(in) || in->main_pid) {
		int64_t timeout_ms;

		if (in->orphaned) {
			stop(in);
			in->n_to_stop = 0; /* no time for that */
		}
		if (in->stopping && stop_next(in)) {
			kill_all(in);
			timeout_ms = in->is_pid1 ? -1 : 10;
		} else {
			timeout_ms = next_timeout(in);
		}
		wait_event(in, timeout_ms);
		start_due(in);
	}
	if (in->measures)
		send_usage(in);
	send_event(in, BOX_ENDED, "", 0, in->status, 0);
}

static int number(const char *s)
{
	int v = 0;

	while (*s >= '0' && *s <= '9')
		v = v * 10 + (*s++ - '0');
	return v;
}

/* Zero stands for "none". */
static int descriptor(const char *word)
{
	int fd = number(word);

	return fd ? fd : -1;
}

static void read_words(struct init *in, char **argv)
{
	int flags = number(argv[6]);

	in->control_fd = descriptor(argv[1]);
	in->report_fd = descriptor(argv[2]);
	in->parent_fd = descriptor(argv[3]);
	in->terminal_fd = descriptor(argv[4]);
	in->helper_pid = number(argv[5]);
	in->is_pid1 = flags & INIT_IS_PID1;
	in->timed = flags & INIT_TIMED;
	in->seals = flags & INIT_SEALS;
	in->label_fd = descriptor(argv[7]);
	in->enter_fd = descriptor(argv[8]);
	in->own_envp = argv + 10;
}

/* It still shares the memory of whoever started the box: nothing may run before it has ended. */
static bool helper_done(const struct init *in)
{
	int status = 0;

	return !in->helper_pid ||
	       (sys_wait4(in->helper_pid, &status, __WALL, NULL) >= 0 && status == 0);
}

/* Process 1 of a pid namespace that is held by a name (held.c): it collects who is left to it. */
static void hold(const uint64_t *child)
{
	char info[128];
	int fd;

	sys_close_range(0, ~0U, 0);
	sys_setsid();
	sys_chdir("/");
	fd = sys_signalfd(-1, child, SOCK_CLOEXEC);
	do {
		while (sys_wait4(-1, NULL, WNOHANG | __WALL, NULL) > 0)
			;
	} while (sys_read(fd, info, sizeof(info)) > 0);
	sys_exit(125);
}

/* The command of a container, or process 1 of a box, until its end. */
static int go_on(void *arg)
{
	struct init *in = arg;
	uint64_t child = UINT64_C(1) << (SIGCHLD - 1);

	in->start_ms = init_now_ms();
	in->signal_fd = sys_signalfd(-1, &child, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (in->signal_fd < 0 || !init_read_conf(in) || !helper_done(in))
		return 125;
	if (in->seals)
		become_command(in, in->own_envp);
	if (!start_main(in, in->own_envp))
		return 125;
	for (unsigned i = 0; i < in->n_services; i++)
		service_start(in, &in->services[i]);
	live(in);
	return 0;
}

/*
 * A pid namespace is entered by the children of whoever calls setns(2). This one goes on there, as
 * a child of our parent's, in our memory, of which we make no use any more. The parent hears its
 * pid, or why there is none.
 */
static int enter_pid_ns(struct init *in)
{
	struct clone_args args = {
		.flags = CLONE_PARENT | CLONE_VM,
		.stack = (uintptr_t)in->stack,
		.stack_size = sizeof(in->stack),
	};
	int32_t pid = sys_setns(in->enter_fd, CLONE_NEWPID);

	sys_close(in->enter_fd);
	if (pid == 0)
		pid = sys_clone_fn(&args, go_on, in);
	return sys_write(in->report_fd, &pid, sizeof(pid)) == sizeof(pid) ? 0 : 125;
}

void init_main(long *stack)
{
	char **argv = (char **)(stack + 1);
	uint64_t child = UINT64_C(1) << (SIGCHLD - 1), all = ~UINT64_C(0);
	struct init *in = &me;

	if (stack[0] != 9 && stack[0] != 2)
		sys_exit(125);
	/* No process of the box may look into this one, unless it was given sys_ptrace. */
	sys_prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	sys_prctl(PR_SET_NAME, (unsigned long)"holm-init", 0, 0, 0);
	sys_sigprocmask(SIG_SETMASK, &all, NULL);
	sys_close_range(3, ~0U, 1U << 2 /* CLOSE_RANGE_CLOEXEC */);
	if (stack[0] == 2)
		hold(&child);
	read_words(in, argv);
	sys_exit(in->enter_fd >= 0 ? enter_pid_ns(in) : go_on(in));
}
