/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From decision to process. One table of steps (steps.c) says in which order everything happens and
 * who does it:
 *
 *	HOST   parent, before the clone          ROOT  first process, in its new namespaces
 *	CLONE  parent                            SEAL  the program's own process, up to exec
 *	LINK   parent, beside the first process  LIVE  parent, when the program runs
 *	LAUNCH parent: what is said of the command, now or, of a box that was prepared, later
 *	JOIN   first process, before it clones once more into what it joined
 *
 * Four processes take part. The parent P clones C, the first process of the box, in the same
 * memory (CLONE_VM: no page table is copied, however large the caller is). C builds the box, helped
 * by H (beside.c), and then executes the init, a tiny program of its own; init clones X, which
 * seals itself and executes the command. What C, H and X do may neither allocate, nor print, nor
 * touch errno; what went wrong they leave in `struct report`, and P finds the words.
 */
#pragma once

#include <sys/ioctl.h>

#include "cg/cg.h"
#include "fs/fs.h"
#include "run/stdio.h"
#include "run/wire.h"
#include "spec/spec.h"

enum stage {
	STAGE_HOST,
	STAGE_CLONE,
	STAGE_LINK,
	STAGE_LAUNCH,
	STAGE_JOIN,
	STAGE_ROOT,
	STAGE_SEAL,
	STAGE_LIVE,
	STAGE_COUNT,
};

extern const char *const stage_names[STAGE_COUNT];

struct run;
struct child_memory;

struct step {
	enum stage stage;
	const char *name;                     /* stable: in errors, plans, timings, faults */
	const char *words;                    /* what it does, for a person */
	size_t (*count)(const struct run *r); /* how many times; 0: this spec does not want it */
	int (*act)(struct run *r, size_t i);  /* 0 or -errno */
	void (*undo)(struct run *r);          /* parent only: for a start that failed later */
};

extern const struct step steps[];
extern const size_t n_steps;

#define STEPS_MAX 96

/* The first failure of the child, in memory that P and C share. */
struct report {
	int code; /* errno; 0: none */
	unsigned step, item;
	const char *failed; /* which call, in the words of the leaf; NULL: the only one */
};

struct shared {
	struct report report;
	unsigned at_step, at_item; /* what the child is doing: its last word if it is killed */
	int init_tried;            /* C went as far as exec of the init */
	int exec_tried; /* X went as far as exec: what comes after that is the command's doing */
	int main_pid;   /* X, inside */
	uint64_t exec_cpu_ns; /* what X had used by then, where that is measured */
	int64_t exec_at_ns;   /* and when that was */
	char failed[128];     /* words that are not constant */
	int init_pid;         /* C where a first process joined and cloned again: as P sees it */
	uint64_t step_ns[STEPS_MAX];
};

/*
 * Who keeps a container while no command runs: it is told what there is to clean up as soon as it
 * is there, and asked what hooks are to read.
 */
struct keeper {
	/* What is going to be made, to be written down; then what was. NULL: nothing was. */
	int (*cgroup_planned)(void *arg, const struct cg *cg, struct err *e);
	int (*cgroup_made)(void *arg, const struct cg *cg, struct err *e);
	/* The unit that is going to be its cgroup; again, with its id, when it is there. NULL: it
	 * was not made. */
	int (*unit)(void *arg, const struct unit *u, const char *invocation, struct err *e);
	/* The group of resctrl, before anything is done to it; again with NULL if nothing was. */
	int (*rdt)(void *arg, const struct rdt_wish *w, bool made, struct err *e);
	int (*process_made)(void *arg, int pid, struct err *e);
	char *(*state)(void *arg, int pid, const char *status); /* JSON, to be freed */
	/* What goes with the listener of a filter: a "container process state". */
	char *(*process_state)(void *arg, int pid, const char *metadata);
	void *arg;
	int start_fd;       /* listens for the word to start; -1: it starts at once */
	int console_fd;     /* to whom the terminal goes; -1: nobody */
	int listener_fd;    /* to whom the filter's listener goes; -1: nobody */
	const int *own_fds; /* the keeper's, its lock among them: no child may hold them */
	size_t n_own_fds;
	int root_fd;       /* of a container that only chroot(2) holds: to enter it by; -1: none */
	struct cg *cgroup; /* to enter, of a container that runs; NULL: made as the spec says */
};

struct run {
	const struct spec *spec;
	const struct decided *d;
	const struct seal *seal; /* what SEAL applies: the box's, in C and in init alike */
	const struct program *program;
	const struct step *steps;
	size_t n_steps;
	struct err *err; /* P only */
	struct shared *shared;
	struct report *report;

	struct fs fs;
	const char *failed;

	int pid, pidfd;   /* C */
	int workspace_fd; /* the box's workspace, as C opened it; -1: none */
	struct stdio_guard stdio;
	int report_fd[2];  /* closes when set-up is over, well or ill */
	int control_fd[2]; /* P's end, init's end */
	int parent_pidfd;  /* P, watched by init */
	int init_fd;       /* the init program */
	int join_fd[NS_COUNT];
	int master_fd, slave_fd; /* the box's terminal */
	int controlling_fd;      /* what X makes its terminal; -1: none */
	struct winsize winsize;
	struct child_memory *memory;

	struct cg_system cg_system;
	struct cg cg;             /* of a box: until its end */
	int cg_fds[CG_TREES_MAX]; /* to enter the cgroup by; n_cg_fds of them */
	int n_cg_fds;
	struct cg cg_planned; /* of a container: what C knows of it */
	char *limits_note; /* of a box: which limits could not be had, and why; NULL: all could */

	/* of containers */
	const struct keeper *keeper;
	int oom_score; /* our own, while we have the container's */
	bool oom_score_changed;
	int rdt_fd; /* the root of resctrl, locked; -1: none */
	bool rdt_group_made, rdt_monitor_made, rdt_told;
	struct cg_unit unit;
	char *unit_path; /* its cgroup, below the trees */
	char invocation[CG_INVOCATION_SIZE];
	struct net_moving *moving; /* steps_net.c */
	const hooks *start_hooks;
	int hooks_fd;   /* the state, as hooks read it */
	int process_fd; /* the state of the process, as a listener reads it */
	int label_fd;   /* for seal->label */
	int started_fd; /* init: who said that we shall start, and hears of a failure */

	struct watch *watch; /* of a box that is watched; watch.h */
	struct box_net *net; /* box_net.c; until the box has ended */

	bool timed, measured;
	bool late;          /* it was prepared, and now gets its command */
	bool in_network;    /* C has entered the one that H made */
	bool cg_beside;     /* P makes the v1 trees while C works */
	bool in_cgroup;     /* and C has entered them */
	bool done;          /* it has started: undo only releases what P holds */
	unsigned n_started; /* rows of the table begun by P, for undo */
	struct {
		const char *step; /* fault injection, in test builds */
		int action;
		unsigned item;
	} fault;
};

#define STACK_SIZE  (64 * 1024)
#define STACK_ALIGN 16 /* what every ABI wants of a stack, and compilers make use of */

enum { BESIDE_DEAD, BESIDE_WORKING, BESIDE_READY, BESIDE_GO };

/* What a helper and who uses it say to each other: C and H, or C and the one that P has started. */
struct beside {
	unsigned state; /* a futex; the kernel writes 0, BESIDE_DEAD, when it ends */
	int pid, pidfd; /* as who started it sees it */
	int parent;     /* who is not to be outlived; 0: it ends with its pid namespace */
	bool makes_network, lets_go;
	int code;
	const char *failed;
	struct report *report;
	unsigned step; /* of letting go, for the report */
	uint64_t root_mnt_id;
	const int *cg_fds; /* of a box: to enter its cgroup by */
	int n_cg_fds;
};

/*
 * What C works in. Its copy of the run is made before it is cloned: P goes on at once, and closes
 * descriptors that C still needs under their numbers.
 */
struct child_memory {
	_Alignas(STACK_ALIGN) char first_stack[STACK_SIZE];
	/* Of the process that is cloned after joining; or of H. */
	_Alignas(STACK_ALIGN) char second_stack[STACK_SIZE];
	/* Of the helper that makes the network before there is C. */
	_Alignas(STACK_ALIGN) char early_stack[STACK_SIZE];
	struct run run;
	struct beside beside, early;
	_Alignas(8) char brief[WIRE_MAX]; /* P writes it; pages that are not touched cost nothing */
};

/* ---- stage.c: walks the table; child-safe ---- */
int stage_run(struct run *r, enum stage stage);

/* ---- steps_*.c: the acts, each `int (struct run *, size_t)`; the counts, `size_t (...)` ---- */
typedef int act_fn(struct run *r, size_t i);
typedef size_t count_fn(const struct run *r);

count_fn want_always, want_init, want_die_with_parent, want_targets, want_joins, want_link,
	want_map_parent;
count_fn want_idmap, want_map_self, want_early_ids, want_own_propagation, want_time, want_names;
count_fn want_beside, want_network, want_net_early, want_loopback, want_root, want_mounts,
	want_terminal, want_root_propagation;
count_fn want_root_read_only;
act_fn act_report, act_control, act_parent, act_init_image, act_targets, act_clone;
act_fn act_map_parent, act_go, act_idmap, act_brief, act_live_terminal, act_started;
act_fn act_join, act_close_on_exec, act_wait, act_map_self, act_early_ids, act_own_propagation;
act_fn act_beside, act_net_early, act_network, act_let_go;
void undo_net_early(struct run *r);
act_fn act_time, act_names, act_loopback, act_root, act_mount, act_terminal;
act_fn act_root_propagation, act_root_read_only, act_pivot, act_subreaper, act_init_caps;
count_fn want_covers, want_let_go, want_cgroup, want_cgroup_ns, want_keeper, want_host_hooks;
count_fn want_oom_score;
count_fn want_attributes, want_setup_hooks, want_console, want_sysctl, want_label,
	want_send_console;
count_fn want_cgroup_rest, want_cgroup_join;
act_fn act_cover, act_cgroup, act_cgroup_rest, act_cgroup_join, act_cgroup_enter, act_cgroup_ns;
act_fn act_keep, act_host_hooks;
act_fn act_oom_score, act_own_oom_score;
act_fn act_attribute, act_setup_hooks, act_console, act_sysctl, act_open_label, act_send_console;
void undo_cgroup(struct run *r), undo_oom_score(struct run *r), undo_unit(struct run *r);
count_fn want_watch, want_workspace, want_late_limits;
act_fn act_workspace, act_take_workspace, act_late_limits;
void undo_workspace(struct run *r);
act_fn act_watch, act_measure;
void undo_watch(struct run *r);
count_fn want_net_devices;
act_fn act_net_device;
void undo_net_devices(struct run *r);
count_fn want_nets, want_pasta, want_egress, want_rules;
act_fn act_net, act_net_up, act_pasta, act_egress, act_rules;
bool is_played(const struct run *r); /* its network, by a program beside it */
void undo_nets(struct run *r);
count_fn want_rdt, want_rdt_join;
act_fn act_rdt, act_rdt_join;
void undo_rdt(struct run *r);
count_fn want_unit, want_unit_enter;
act_fn act_unit, act_unit_start, act_unit_limits, act_unit_enter;
count_fn want_state_file, want_old_root, want_workdir;
act_fn act_old_root, act_workdir;
act_fn act_state_file;
void undo_state_file(struct run *r);
void undo_report(struct run *r);
void undo_control(struct run *r);
void undo_parent(struct run *r);
void undo_init_image(struct run *r);
void undo_targets(struct run *r);
void undo_clone(struct run *r);
void undo_live_terminal(struct run *r);
count_fn want_not_pid1, want_init_caps;

/* SEAL: the same rows for the main command and for what init starts later */
count_fn want_session, want_block, want_rlimits, want_nice, want_bound, want_ids, want_caps;
count_fn want_die, want_no_new_privs, want_landlock, want_no_inet, want_seccomp;
count_fn want_seccomp_early;
count_fn want_null;
act_fn act_null, act_session, act_block, act_rlimit, act_nice, act_cwd, act_bound, act_ids,
	act_caps;
count_fn want_home, want_open_files, want_keyring, want_start, want_start_hooks;
act_fn act_home, act_open_files, act_keyring, act_start, act_start_hook, act_label;
act_fn act_die, act_no_new_privs, act_landlock, act_descriptors, act_no_inet, act_seccomp, act_exec;

/* ---- child.c ---- */

/* The last word of the init program. */
enum init_flag {
	INIT_IS_PID1 = 1,
	INIT_TIMED = 2,
	INIT_SEALS = 4, /* a container: it is no init, but seals itself and becomes the command */
};

int child_main(void *run); /* C: on its own stack, in the parent's memory */

/* ---- beside.c: H ---- */
int beside_start(struct beside *b, void *stack);
void beside_end(struct beside *b);
int beside_enter_network(struct beside *b, const char **failed);
void beside_go(struct beside *b, uint64_t root_mnt_id);

/* ---- hooks.c; child-safe ---- */
#define HOOK_FAILED 128
/* Waits for its end. 0 or -errno, and then `failed` says which it was and what it did. */
int hook_run(const struct hook *h, int state_fd, char failed[HOOK_FAILED]);

/* ---- steps_keep.c ---- */

/* The cgroup of a container, and its keeper is told before and after. */
int cgroup_make(const struct keeper *k, struct cg_system *system, const char *path,
		const struct resources *limits, struct cg *out, struct err *e);

/* ---- steps_rdt.c ---- */

/* The root of resctrl, as rdt_open() finds it; test builds may have another. */
int resctrl_open(struct err *e);
/*
 * Removes `monitor` (NULL: none) from the group `in`, and then `group` (NULL: it is not ours). 1:
 * others are in it, and it stays.
 */
int resctrl_remove(int root_fd, const char *group, const char *in, const char *monitor,
		   struct err *e);

/* ---- mounts.c ---- */

/* A container that runs: by whom its namespaces are found, and its root if chroot(2) made that. */
struct container_door {
	int pid, pidfd, root_fd; /* root_fd -1: that of its mount namespace */
	bool remove;             /* take away what is mounted at the destinations */
};

/* Adds the mounts that `s` has decided, or takes them away; all or none are added. */
int mounts_change(struct spec *s, const struct container_door *door, struct err *e);

/* ---- steps_root.c ---- */
int mount_make(struct run *r, const struct mnt *m);
void close_keepers_fds(struct run *r);

/* ---- box_cgroup.c ---- */

/* What a box used; CG_UNKNOWN where nobody can tell. */
struct box_usage {
	uint64_t memory_peak_bytes, oom_kills;
	uint64_t cpu_user_ns, cpu_system_ns;
	uint64_t pids_peak, pids_refused;
	uint64_t io_read_bytes, io_write_bytes;
	const char *cgroup; /* the layout it was told by: "v2", "v1", "hybrid", "none" */
};

int box_cgroup_make(struct run *r);
/* One for nobody, with those of the limits that can be had. For the caller to remove. */
int box_cgroup_try(const struct resources *limits, struct cg *out, struct err *e);
bool box_cgroup_is_full(struct run *r); /* has a process of it died for want of memory? */
/* Reads what was used, and removes it; nothing if there is none. */
void box_cgroup_end(struct run *r, struct box_usage *u);
/* How many cgroups killed callers have left where ours would be made, and removes them. */
int box_cgroup_clean(bool remove);

/* ---- steps_live.c ---- */
bool run_hears(const struct run *r, int fd); /* false: C has ended */
bool run_set_up(const struct run *r);        /* waits for it; true: the pipe can be read */
int lost_child(struct run *r); /* the failure that C died of, without a word of its own */

/* ---- box_net.c ---- */

/* The box is gone: what it was lent comes back, and what it had is free. */
void box_net_end(struct run *r);

/* ---- steps_container.c ---- */
int container_mount(struct run *r, const struct mnt *m);
/* Once, where it is made beside: what shows the network must be mounted by a member of it. */
int network_enter(struct run *r);
/* Once, where P makes it beside: see there. */
int cgroup_enter(struct run *r);

/* ---- program.c: clones X, which seals itself and executes; child-safe ---- */
int program_start(struct run *r, void *stack_top); /* a pid or -errno */

/* ---- join.c ---- */
int join_open(enum ns_type type, const char *target, struct err *e); /* a descriptor */

/* ---- words.c: the table and its failures for a person ---- */
struct buf;
void words_item(const struct run *r, const struct step *s, size_t i, struct buf *out);
void words_limits(const struct run *r, struct err *e); /* in front: which limits it is about */
int words_failure(const struct run *r, const struct step *s, size_t item, int code,
		  const char *failed, struct err *e);

/* The name of a row of SEAL, as the init counts them. */
const char *seal_step_name(unsigned i);

/* ---- fault.c or fault_none.c ---- */
void fault_setup(struct run *r, char *const *environ);
const char *fault_text(const struct run *r); /* for the init's environment; NULL: none */
void fault_asked(void);                      /* by the child, through the report pipe */
int fault_hit(const struct run *r, const struct step *s, size_t item);

/* ---- start.c ---- */

struct box; /* a running box, seen from the parent */

void run_init(struct run *r, const struct spec *s);
int box_start(const struct spec *s, bool timed, struct box **out, struct err *e);
/*
 * The same in two steps. One that is prepared is built, and waits for its command: `s`, which asks
 * for the same namespaces, mounts and ids, and outlives the box as the first one does. If that
 * fails the box is gone, and is only to be freed.
 */
int box_prepare(const struct spec *s, bool timed, struct box **out, struct err *e);
int box_launch(struct box *b, const struct spec *s, struct err *e);
/* A container, up to where it waits to be started, or a process in one that runs. */
int container_start(const struct spec *s, const struct keeper *k, struct box **out, struct err *e);

/* How a box, or something in it, ended or changed. */
enum box_event_kind {
	BOX_MAIN_EXIT,      /* status */
	BOX_SERVICE_START,  /* name, pid */
	BOX_SERVICE_EXIT,   /* name, status */
	BOX_SERVICE_FAILED, /* name, status: it will not be started again */
	BOX_RUN_EXIT,       /* id, status */
	BOX_ENDED,          /* status: how the box ended; reaped */
	BOX_LOST,           /* init was killed from outside */
};

struct box_event {
	enum box_event_kind kind;
	char name[40];
	int status; /* as waitpid(2) gives it */
	int pid;    /* inside */
	uint32_t id;
	uint64_t reaped;
};

struct box_state {
	uint64_t uptime_ns, reaped;
	uint32_t processes; /* 0: cannot be told */
	uint32_t n_services;
	struct {
		char name[40];
		int pid;
		uint32_t restarts;
		int last_status;
		uint32_t failed;
	} services[64];
};

struct box {
	int pid, pidfd, control_fd, master_fd;
	bool ended, has_init, prepared;
	int workspace_fd; /* -1: none */
	int status;
	bool lost;              /* its init was killed by somebody else */
	struct box_usage usage; /* once it has ended */
	uint64_t waited_ns;     /* processor time that waiting for it told; or CG_UNKNOWN */
	struct watch *watch;    /* NULL: nothing is watched */
	uint32_t next_id;
	struct run *run;            /* kept for timings and explanations */
	struct box_event queue[16]; /* events that came while a reply was awaited */
	unsigned n_queue;
	char *held; /* memory of the run */
};

int box_poll_fd(const struct box *b); /* readable: box_next() would not block */
int box_next(struct box *b, struct box_event *out, int timeout_ms); /* 1 event, 0 time is up */
int box_signal(struct box *b, int signo);
int box_state(struct box *b, struct box_state *out);
int box_run(struct box *b, char *const argv[], const int fds[3], uint32_t *id, int *pid);
int box_resize(struct box *b, const struct winsize *size);
int box_main_pid(struct box *b);                          /* outside; -errno if it cannot be told */
void box_ended(struct box *b, const struct rusage *used); /* NULL: somebody else has waited */
void box_free(struct box *b);
void box_forget(struct box *b); /* frees; what runs goes on */

/* ---- facts.c ---- */
int facts_read(struct spec *s, struct facts *f, struct err *e);
int facts_check_fds(const struct spec *s, struct err *e); /* are those that were named open? */
bool facts_kernel_at_least(unsigned major, unsigned minor);
/* 0: a process may make namespaces here; else -errno of the first thing that is refused. */
int facts_probe_userns(const char **what);
/* Loads the filter that spec->seccomp names into the spec. */
int filter_prepare(struct spec *s, struct err *e);
