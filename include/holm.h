/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libholm: run a program isolated from the rest of the machine, in its own Linux namespaces.
 *
 *	struct holm_spec *spec;
 *	struct holm_box *box;
 *	struct holm_event event;
 *	char *argv[] = { "python3", "-c", "print('hello')", NULL };
 *
 *	holm_spec_new(&spec);
 *	holm_spec_set(spec, "hostname", "sandbox");
 *	holm_spec_add(spec, "ro-bind", "/srv/data");
 *	holm_spec_command(spec, argv);
 *	if (holm_spawn(spec, &box) < 0)
 *		errx(1, "%s", holm_error(spec)->text);
 *	holm_wait(box, &event, -1);
 *	holm_free(box);
 *	holm_spec_free(spec);
 *
 * Conventions. Calls return 0 (or a documented positive number) or a negative errno, and leave
 * their outputs alone when they fail. Handles are opaque; one handle is used by one thread at a
 * time, different handles by any number of threads. The library keeps no global state, never
 * prints, never exits and installs no signal handler. A box is a child process of the caller: its
 * end raises SIGCHLD, and a caller that reaps by waitpid(-1) may take it; holm_wait then still
 * tells how the command ended, except with as-pid1. A caller that ignores SIGCHLD (or has
 * SA_NOCLDWAIT) is refused with ECHILD. In the box every signal has its default action, whatever
 * the caller ignores. Every descriptor that is opened is close-on-exec. What of 0, 1 and 2 is
 * closed, or close-on-exec, is /dev/null in the box.
 */
#ifndef HOLM_H
#define HOLM_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default) /* other compilers pass over it */

#define HOLM_VERSION "0.1.0"

const char *holm_version(void);

/* ---- errors ---- */

struct holm_error {
	int code;       /* positive errno; 0: no error */
	int exit_code;  /* what a program should exit with: 125 holm failed, 126 the command
			   cannot be executed, 127 it was not found */
	char step[32];  /* which step of the plan failed; "": none was taken yet */
	char text[768]; /* one line: which object, which step, what the kernel said, what to do */
};

struct holm_spec;

/* The last error on this spec. Never NULL; belongs to the spec. */
const struct holm_error *holm_error(const struct holm_spec *spec);

/* ---- fields: what can be asked for ---- */

enum holm_field_flag {
	HOLM_FIELD_LIST = 1, /* may be given several times: holm_spec_add */
	HOLM_FIELD_BOOL = 2, /* "true" or "false" */
	HOLM_FIELD_LATE = 4, /* of the command, and may be told as late as holm_launch() */
};

/* A row of the one table that options, profiles and this library share; see holm-box(1). */
struct holm_field {
	const char *name;
	char letter; /* short option of `holm box`, or 0 */
	unsigned flags;
	const char *group;
	const char *arg; /* form of the value; NULL for a boolean */
	const char *help;
};

/* The i-th field. 0, or -ENOENT behind the last. */
int holm_field(size_t i, struct holm_field *out);

/* ---- spec: what is wanted ---- */

/* -ENOMEM */
int holm_spec_new(struct holm_spec **out);
void holm_spec_free(struct holm_spec *spec);

/*
 * Sets a field, or adds to a list, in the words that the option of the same name takes.
 * -EINVAL: there is no such field, or it does not take this value.
 */
int holm_spec_set(struct holm_spec *spec, const char *field, const char *value);
int holm_spec_add(struct holm_spec *spec, const char *field, const char *value);

/* The program and its arguments, ended by NULL; copied. Without a '/' it is searched in PATH. */
int holm_spec_command(struct holm_spec *spec, char *const argv[]);

/*
 * What the command has as standard input, output and error; -1: what the caller has. They are read
 * at the start of a box and stay the caller's to close. No terminal is made in their place.
 */
int holm_spec_stdio(struct holm_spec *spec, const int fds[3]);

/*
 * Reads a profile: a JSON object of fields (holm-profile(5)). `name` is said in errors, with line
 * and column. -EINVAL
 */
int holm_spec_load(struct holm_spec *spec, const char *json, size_t len, const char *name);

/*
 * What was set so far, in order: the i-th field and its value, or one word of the "command". Belong
 * to the spec. -ENOENT behind the last.
 */
int holm_spec_entry(const struct holm_spec *spec, size_t i, const char **field, const char **value);

/* Can this be done, as far as it can be told without doing it? -EINVAL and other errors. */
int holm_check(struct holm_spec *spec);

/*
 * What one should know of the box although it is no error: a fallback that is in force, and what
 * it does not isolate. The i-th note since holm_check, holm_plan or holm_spawn; NULL behind the
 * last. Belongs to the spec.
 */
const char *holm_note(const struct holm_spec *spec, size_t i);

/* ---- plan: what would be done ---- */

struct holm_plan_step {
	const char *stage;  /* host, clone, link, join, root, seal, live */
	const char *name;   /* stable name of the step */
	const char *words;  /* what it does */
	const char *object; /* to what; "" if there is nothing to say */
	uint64_t took_ns;   /* holm_timings only: the whole step, on its first row */
};

/* Valid during the call. A return other than 0 ends the walk and is handed on. */
typedef int holm_plan_fn(void *arg, const struct holm_plan_step *step);

/* Every step that holm_spawn would take, in order, without taking any. Checks first. */
int holm_plan(struct holm_spec *spec, holm_plan_fn *fn, void *arg);

/* ---- box: a running one ---- */

struct holm_box;

enum holm_spawn_flag {
	HOLM_TIMED = 1, /* measure each step, for holm_timings */
};

/*
 * Starts the box and returns when its command is being executed. On failure nothing remains:
 * no process, mount, namespace or file. The set-up runs in the caller's memory (CLONE_VM), so the
 * size of the caller does not matter.
 * Errors are those of the calls behind each step; holm_error() has the words. -EPERM: user
 * namespaces are refused. -ENOENT, -EACCES, -ENOEXEC: also for the command itself.
 */
int holm_spawn(struct holm_spec *spec, struct holm_box **out);
int holm_spawn_flags(struct holm_spec *spec, unsigned flags, struct holm_box **out);

/*
 * The same in two steps: everything is built but for the command, which need not be known yet; then
 * it is launched, at a fraction of the price. A box that is prepared has run nothing, and is used
 * once. `spec` of holm_launch() has the command; it differs from the one
 * that was prepared in fields with HOLM_FIELD_LATE alone, or else -EXDEV, and the box can still be
 * launched with another. After any other failure it is only to be freed. Until it is launched
 * nothing but these, holm_workspace() and holm_free() may be done with it.
 */
int holm_prepare(struct holm_spec *spec, struct holm_box **out);
int holm_launch(struct holm_box *box, struct holm_spec *spec);

/*
 * The directory of the field "workspace", by a descriptor (O_PATH): empty before the launch, and to
 * be read also when the box has ended. -ENOENT: it has none. Belongs to the box. What the box has
 * put there is not to be trusted: open it by openat2(2) with RESOLVE_BENEATH and
 * RESOLVE_NO_SYMLINKS.
 */
int holm_workspace(const struct holm_box *box);

/*
 * pidfd_open(2) of the box's first process, its init: readable when the box is gone. Belongs to
 * the box. And that process's pid.
 */
int holm_pidfd(const struct holm_box *box);
int holm_pid(const struct holm_box *box);
/* The command's pid as seen from here; -ENOENT if it is gone. */
int holm_main_pid(struct holm_box *box);
/* What to poll(2) for: readable when holm_wait() would not block. Belongs to the box. */
int holm_poll_fd(const struct holm_box *box);

enum holm_event_kind {
	HOLM_MAIN_EXIT,      /* the command ended, companions are being stopped: status */
	HOLM_SERVICE_START,  /* name, pid */
	HOLM_SERVICE_EXIT,   /* name, status; started again if its policy says so */
	HOLM_SERVICE_FAILED, /* name, status; it will not be started again */
	HOLM_RUN_EXIT,       /* what holm_run started ended: id, status */
	HOLM_ENDED,          /* the box is gone: status is the command's */
	HOLM_LOST,           /* the init was killed from outside, and the box with it */
};

struct holm_event {
	enum holm_event_kind kind;
	char name[40];
	int status; /* as waitpid(2) gives it */
	int pid;    /* inside */
	uint32_t id;
	uint64_t reaped; /* orphans that the init has waited for so far */
};

/*
 * The next event. 1, or 0 when timeout_ms (-1: none) is over. After HOLM_ENDED or HOLM_LOST
 * nothing of the box is left, and the next call gives -ECHILD.
 */
int holm_next(struct holm_box *box, struct holm_event *out, int timeout_ms);
/* Passes over everything but HOLM_ENDED and HOLM_LOST. 1, 0 or an error as above. */
int holm_wait(struct holm_box *box, struct holm_event *out, int timeout_ms);
#define HOLM_UNKNOWN UINT64_MAX

/*
 * What a box used, set-up and init included. A number that nobody can tell is HOLM_UNKNOWN: without
 * a cgroup of its own (a limit, or the field "cgroup") that is all but the time, and with one what
 * its controllers count: memory by "memory" or "cgroup", and so on.
 */
struct holm_usage {
	uint64_t memory_peak_bytes;
	uint64_t oom_kills; /* processes killed because the limit of memory was reached */
	uint64_t cpu_user_ns, cpu_system_ns;
	uint64_t pids_peak;                     /* processes and threads at one time */
	uint64_t pids_refused;                  /* how often "pids" refused one more */
	uint64_t io_read_bytes, io_write_bytes; /* of block devices */
	const char *cgroup; /* the kind that it had: "v2", "v1", "hybrid", or "none" */
};

/* After HOLM_ENDED or HOLM_LOST; before, -EAGAIN. */
int holm_usage(const struct holm_box *box, struct holm_usage *out);

enum holm_verdict_kind {
	HOLM_VERDICT_OK,      /* it ended with 0 */
	HOLM_VERDICT_EXIT,    /* with another exit code */
	HOLM_VERDICT_SIGNAL,  /* by a signal that none of the following explains */
	HOLM_VERDICT_CPU,     /* "time" was reached */
	HOLM_VERDICT_WALL,    /* "wall" */
	HOLM_VERDICT_IDLE,    /* "idle" */
	HOLM_VERDICT_MEMORY,  /* the limit of memory: the kernel has killed for it */
	HOLM_VERDICT_OUTPUT,  /* "output", or the size of a file */
	HOLM_VERDICT_PIDS,    /* a process was refused (with "judge") */
	HOLM_VERDICT_SYSCALL, /* the filter forbids it ("seccomp-action" kill) */
	HOLM_VERDICT_SETUP,   /* the box, not the command: its init was killed from outside */
};

/*
 * How a box ended, and what it used: the command and all below it, not the set-up. Numbers that
 * nobody can tell are HOLM_UNKNOWN: those of the init need a box that is watched, by a field of the
 * group "End"; for the others see struct holm_usage. The kind is decided by who ended the box and
 * by what the cgroup has counted, never by the status alone, but for SIGXFSZ.
 */
struct holm_verdict {
	enum holm_verdict_kind kind;
	const char *name;      /* "ok", "exit" ... */
	int exit_code, signal; /* of the command: one of the two */
	uint64_t cpu_ns, cpu_user_ns, cpu_system_ns, wall_ns;
	uint64_t memory_peak_bytes, oom_kills;
	uint64_t pids_peak, pids_refused;
	uint64_t output_bytes; /* that were written to 1 and 2, where "output" counts them */
	uint64_t io_read_bytes, io_write_bytes;
	uint64_t voluntary_switches, involuntary_switches, minor_faults, major_faults;
	uint64_t syscalls_denied; /* with "seccomp-action" kill or log */
	char syscall[32];         /* the first of them */
	char isolation[96];       /* "user,mnt,...,seccomp": new namespaces, and what else holds */
	const char *cgroup;       /* as in struct holm_usage */
};

/* After HOLM_ENDED or HOLM_LOST; before, -EAGAIN. */
int holm_verdict(const struct holm_box *box, struct holm_verdict *out);

/* 0-255 for exit(2), 128 + n for a signal: what a shell would say of a status. */
int holm_exit_code(int status);

/* Sends a signal to the command. -ESRCH: the box has ended. */
int holm_signal(struct holm_box *box, int signo);

/* ---- control: the channel to the box's init ---- */

struct holm_service_state {
	char name[40];
	int pid; /* inside; 0: not running */
	uint32_t restarts;
	int last_status;
	uint32_t failed; /* for good */
};

struct holm_state {
	uint64_t uptime_ns, reaped;
	uint32_t processes; /* in the box's pid namespace, the init too; 0: cannot be told */
	uint32_t n_services;
	struct holm_service_state services[64];
};

/* What the init knows. -EOPNOTSUPP with as-pid1, which has none; -ESRCH: the box has ended. */
int holm_control(struct holm_box *box, struct holm_state *out);
/*
 * Runs one more program in the box, sealed as the command is. `fds` are its stdin, stdout and
 * stderr; NULL: /dev/null, or, in a box with services, what the command had. The id names it in
 * HOLM_RUN_EXIT. The pid is that inside.
 */
int holm_run(struct holm_box *box, char *const argv[], const int fds[3], uint32_t *id, int *pid);
/* The master of the box's terminal, or -ENOTTY; belongs to the box. And its size. */
int holm_terminal(const struct holm_box *box);
int holm_resize(struct holm_box *box, unsigned rows, unsigned columns);

/* What each step of the start took (HOLM_TIMED). */
int holm_timings(struct holm_box *box, holm_plan_fn *fn, void *arg);

/* Kills what still runs, waits until it is gone, frees the handle. NULL is allowed. */
void holm_free(struct holm_box *box);

/* ---- networks ---- */

/*
 * A network is a bridge with a subnet, to which boxes are wired by the field "net": the networks of
 * the caller's network namespace. Who makes or changes one needs CAP_NET_ADMIN there and may write
 * below /run/holm. All of these return 0 or a negative errno and fill `error`, which may be NULL.
 */
enum holm_net_flag {
	HOLM_NET_INTERNAL = 1, /* nothing leads out of it */
	HOLM_NET_NO_IPV6 = 2,
	HOLM_NET_NO_DNS = 4, /* no name server */
};

/* `subnets`: "10.1.0.0/24", "fd00:1::/64", ended by NULL; free ones where none is given. */
int holm_net_create(const char *name, unsigned flags, const char *const *subnets,
		    struct holm_error *error);
int holm_net_remove(const char *name, struct holm_error *error);

/*
 * A network over several hosts, by VXLAN: made on each of them with the same name and the same
 * hosts. What is 0 or NULL is decided, on all of them alike.
 */
struct holm_net_overlay {
	const char *const *peers; /* addresses, ended by NULL; the host's own may be among them */
	const char *local;        /* the host's own */
	unsigned vni, port;
	int slot; /* which part of the subnet is the host's; -1: its place among the sorted hosts */

	/* "http://HOST:2379,...": peers and slots are kept there. Files of TLS, or NULL. */
	const char *etcd, *etcd_ca, *etcd_cert, *etcd_key;
	const char *key_file; /* what goes between the hosts is encrypted, with keys from that */
	unsigned ttl;         /* seconds after which a host that has died is none any more; 0: 15 */
};

int holm_net_create_overlay(const char *name, unsigned flags, const char *const *subnets,
			    const struct holm_net_overlay *overlay, struct holm_error *error);

enum holm_peers_act { HOLM_PEERS_ADD, HOLM_PEERS_REMOVE, HOLM_PEERS_SET };

/* On a network that lives: its packets go to, and come from, these hosts ("ADDRESS#NONCE": where
 * they are encrypted). */
int holm_net_peers(const char *name, enum holm_peers_act act, const char *const *peers,
		   struct holm_error *error);

/* Valid during the call that they are handed to; "" where there is nothing. */
struct holm_net {
	const char *name, *bridge;
	const char *subnet[2], *gateway[2]; /* IPv4, IPv6 */
	unsigned flags;                     /* enum holm_net_flag */
	unsigned boxes;
	/* of an overlay; vni 0: it is none */
	unsigned vni, port, mtu, slot, slots;
	const char *local, *device;
	const char *const *peers; /* ended by NULL */
};

struct holm_net_box {
	const char *network;
	int pid; /* of the box's first process */
	const char *hostname, *address[2], *interface;
};

struct holm_net_port {
	const char *network;
	int pid;
	const char *port; /* "127.0.0.1:8080:80/tcp" */
	const char *to;   /* the box's address */
};

/* A return other than 0 ends the walk and is handed on. */
typedef int holm_net_fn(void *arg, const struct holm_net *net);
typedef int holm_net_box_fn(void *arg, const struct holm_net_box *box);
typedef int holm_net_port_fn(void *arg, const struct holm_net_port *port);
int holm_net_list(holm_net_fn *fn, void *arg, struct holm_error *error);
int holm_net_boxes(const char *network, holm_net_box_fn *fn, void *arg, struct holm_error *error);
int holm_net_ports(holm_net_port_fn *fn, void *arg, struct holm_error *error);

/*
 * Ports of a box that runs, in the words of the field "publish", ended by NULL: all of them or
 * none. `box` is a pid in it, or its name on the network. `fn`, which may be NULL, is told which
 * they are, for those that were chosen.
 */
int holm_net_publish(const char *network, const char *box, const char *const *ports,
		     holm_net_port_fn *fn, void *arg, struct holm_error *error);
int holm_net_unpublish(const char *network, const char *box, const char *const *ports,
		       struct holm_error *error);

/*
 * A further interface, on this network, for a box that runs: `pid` is a process in it, and as long
 * as that lives it has the address. `fn` is told which; it may be NULL.
 */
int holm_net_connect(const char *network, int pid, holm_net_box_fn *fn, void *arg,
		     struct holm_error *error);
int holm_net_disconnect(const char *network, const char *box, struct holm_error *error);

/*
 * The firewall of a box that runs: rules in the words of the fields "allow" and "deny", behind
 * those that are there. They go for connections that there are, too. `box` is a pid in it, or the
 * name that it has on a network. -EINVAL: a rule that is none (the others are not added then
 * either), a process in the host's network, a name that several have; -ENOENT: no such box.
 */
int holm_net_allow(const char *box, const char *const *rules, struct holm_error *error);
int holm_net_deny(const char *box, const char *const *rules, struct holm_error *error);

struct holm_net_rule {
	unsigned number;         /* from 1 on, in the order in which they were given */
	const char *text;        /* "allow out:tcp:10.0.0.5:5432" */
	uint64_t packets, bytes; /* that it has decided about */
};

/*
 * The rules of a box; behind them, with the number 0, what becomes of the rest: "deny out". None:
 * `fn` is never called. What it returns that is not 0 ends the walk and is handed on.
 */
typedef int holm_net_rule_fn(void *arg, const struct holm_net_rule *rule);
int holm_net_rules(const char *box, holm_net_rule_fn *fn, void *arg, struct holm_error *error);
/* Takes away the rules with these numbers: all or none. -ENOENT: there is no such number. */
int holm_net_withdraw(const char *box, const unsigned *numbers, size_t n, struct holm_error *error);

/*
 * Is all there that networks and ports need, although others have changed the host's interfaces and
 * rules? With `repair` it is made again. How much is wrong, after that. A finding that was repaired
 * is HOLM_WARN.
 */
struct holm_finding;
typedef int holm_net_check_fn(void *arg, const struct holm_finding *finding);
int holm_net_check(int repair, holm_net_check_fn *fn, void *arg, struct holm_error *error);

/*
 * Makes free what killed programs have left, as every box that is wired does in passing. How many
 * addresses that were.
 */
int holm_net_clean(struct holm_error *error);

/*
 * Ends what holm has started in other network namespaces that nobody is in any more, or has a way
 * into, and forgets their networks. How many namespaces. It looks at the whole machine; where it
 * cannot see all of that, and outside the first pid namespace, it leaves everything alone.
 */
int holm_net_bury(struct holm_error *error);

/* ---- namespaces: what there is on this machine ---- */

/*
 * The kernel has no list of namespaces. A world is what was found by all that keeps them alive:
 * processes and threads, open descriptors, mounts of their files, namespaces below them. It is read
 * once; nothing is changed by it, and nothing of it changes afterwards. Who ended meanwhile is not
 * in it. Its texts belong to it. All of these return 0 or a negative errno; `error` may be NULL.
 */
struct holm_world;

enum holm_ns_type {
	HOLM_NS_USER,
	HOLM_NS_MNT,
	HOLM_NS_PID,
	HOLM_NS_NET,
	HOLM_NS_IPC,
	HOLM_NS_UTS,
	HOLM_NS_CGROUP,
	HOLM_NS_TIME,
	HOLM_NS_TYPES, /* how many */
};

/* "user", "mnt" ...; NULL behind the last. */
const char *holm_ns_type_name(unsigned type);

enum holm_world_flag {
	HOLM_WORLD_HELD = 1,     /* those, too, that only a descriptor or a mount keeps */
	HOLM_WORLD_COMMANDS = 2, /* command and user of every process, not of the oldest alone */
	HOLM_WORLD_LINKS = 4,    /* interfaces of all network namespaces, and which are pairs */
};

int holm_world_new(unsigned flags, struct holm_world **out, struct holm_error *error);
void holm_world_free(struct holm_world *world); /* NULL is allowed */

struct holm_world_sum {
	unsigned namespaces, processes, holders, links;
	unsigned unseen;       /* processes whose namespaces the caller may not see */
	unsigned held_unseen;  /* processes whose descriptors the caller may not see */
	unsigned links_unseen; /* network namespaces into which the caller cannot look */
	unsigned ended;        /* while they were read */
};

void holm_world_sum(const struct holm_world *world, struct holm_world_sum *out);

#define HOLM_NOBODY UINT32_MAX

struct holm_ns {
	uint64_t inode; /* what links of /proc/PID/ns and stat(2) say; 0: none */
	enum holm_ns_type type;
	unsigned processes;  /* in it */
	unsigned threads;    /* in it without the rest of their process */
	int pid;             /* the oldest of them; 0: none */
	uint32_t uid;        /* of that; HOLM_NOBODY: not known */
	const char *command; /* of that; "" */
	uint64_t owner;  /* inode of the user namespace that owns it; 0: not known, or the first */
	uint64_t parent; /* of a user or pid namespace; 0: none, or not known */
	uint32_t owner_uid;       /* of a user namespace: who has made it */
	unsigned fds, mounts;     /* with HOLM_WORLD_HELD: descriptors and mounts that keep it */
	unsigned children, owned; /* namespaces below it, and further ones that it owns */
	const char *held; /* "process", "thread", "descriptor", "mount", "child": the first that is
			     so */
	const char *name, *given_by; /* "blue", "netns": holm, netns, docker, podman; "" */
};

/* The i-th, by type and inode. -ENOENT behind the last. */
int holm_world_ns(const struct holm_world *world, size_t i, struct holm_ns *out);
int holm_world_find(const struct holm_world *world, uint64_t inode, struct holm_ns *out);

struct holm_process {
	int pid, parent;
	int tid;    /* a thread that is in other namespaces than its process; else 0 */
	int unseen; /* 1: the caller may not see its namespaces */
	char state; /* as in proc_pid_stat(5) */
	unsigned threads;
	uint32_t uid;               /* HOLM_NOBODY: was not asked for */
	const char *name, *command; /* command: "" where it was not asked for */
	uint64_t start_ns;          /* since the boot */
	uint64_t cpu_ns, memory_bytes;
	uint64_t ns[HOLM_NS_TYPES]; /* inodes; 0: none */
	uint64_t time_for_children;
};

/* The i-th, by pid; threads stand behind their process. -ENOENT behind the last. */
int holm_world_process(const struct holm_world *world, size_t i, struct holm_process *out);
int holm_world_process_find(const struct holm_world *world, int pid, struct holm_process *out);

/* A descriptor or a mount that keeps a namespace. */
struct holm_holder {
	uint64_t inode;
	enum holm_ns_type type;
	int pid;          /* whose descriptor; or one who sees the mount */
	int fd;           /* -1: it is a mount */
	const char *path; /* of the mount; "" */
	uint64_t mnt_ns;  /* in which mount namespace; 0 */
};

int holm_world_holder(const struct holm_world *world, size_t i, struct holm_holder *out);

struct holm_link {
	uint64_t ns; /* inode of its network namespace */
	int index;
	int master;       /* index of its bridge; 0: none */
	uint64_t peer_ns; /* where the other end of a pair is, or the interface below; 0: none */
	int peer_index;
	const char *name, *kind, *mac; /* "" where there is none */
	int up;
	uint32_t mtu;
	uint64_t rx_bytes, tx_bytes;
	const char *const *addresses; /* "10.0.0.2/24" ...; NULL behind the last */
};

/* With HOLM_WORLD_LINKS. Those of a namespace follow each other. */
int holm_world_link(const struct holm_world *world, size_t i, struct holm_link *out);

/* What the kernel says of one process or namespace, piece by piece. Valid during the call. */
struct holm_fact {
	const char *section; /* process, ids, capabilities, security, cgroup, files, clocks, names,
				mounts, interfaces, routes, ports */
	const char *name, *value;
	const char *words; /* what it means; "" if that is plain */
};

/* A return other than 0 ends the walk and is handed on. */
typedef int holm_fact_fn(void *arg, const struct holm_fact *fact);
/* -ESRCH: it is not there (any more). */
int holm_process_facts(struct holm_world *world, int pid, holm_fact_fn *fn, void *arg,
		       struct holm_error *error);
/* -ENOENT: there is no such namespace. */
int holm_ns_facts(struct holm_world *world, uint64_t inode, holm_fact_fn *fn, void *arg,
		  struct holm_error *error);

struct holm_pid_level {
	uint64_t ns; /* inode of the pid namespace; 0: not for the caller to see */
	int pid;     /* there */
};

/*
 * The pid that a process has at each level, from the caller's inwards, into `out`, which has room
 * for `room`. How many there are. -ESRCH.
 */
int holm_pid_levels(const struct holm_world *world, int pid, struct holm_pid_level *out,
		    size_t room, struct holm_error *error);
/* The caller's pid of the one that is `pid` in that pid namespace. -ENOENT, -ESRCH. */
int holm_pid_from(const struct holm_world *world, uint64_t pid_ns, int pid,
		  struct holm_error *error);

/* ---- namespaces: going there, and keeping them ---- */

/*
 * The box goes where process `pid` is: into its namespaces, where they differ from the caller's,
 * and all others are the caller's. No mount is made. Its root is the process's own if its mount
 * namespace is entered, else the caller's. What the command may do is said by the other fields, as
 * of any box; -ESRCH: there is no such process, -EPERM: it is not for the caller to enter.
 */
struct holm_enter {
	int pid, pidfd;   /* pidfd: of that process, so that it is no other one; -1: none. It stays
			     the   caller's */
	unsigned types;   /* a bit (1 << type) for each enum holm_ns_type; 0: all */
	const char *root; /* a directory there, which is to be the root; NULL: as it is */
};

int holm_spec_enter(struct holm_spec *spec, const struct holm_enter *enter);

/*
 * Moves the calling process, all of its threads, into the cgroups of process `pid`, so that what it
 * starts from then on is there, too, and counts to its limits. -EACCES, -EPERM: they are not for
 * the caller to write to.
 */
int holm_cgroup_follow(int pid, struct holm_error *error);

/*
 * Namespaces that live without a process, by a name (1 to 32 of letters, digits, _ and -), until
 * they are dropped or the machine ends. Boxes join them by the field "join". It needs
 * CAP_SYS_ADMIN.
 */
struct holm_hold {
	unsigned types; /* a bit for each */
	int pid; /* those of this process; 0: new ones. A new pid namespace gets a process 1 */
	const char *map; /* "IN:OUT:COUNT" of a new user namespace; NULL: every id as it is */
};

/* -EEXIST: the name is taken. */
int holm_ns_hold(const char *name, const struct holm_hold *hold, struct holm_error *error);
/* -ENOENT: there is no such name. */
int holm_ns_drop(const char *name, struct holm_error *error);

struct holm_held {
	const char *name, *path; /* path: the file that is the namespace, for setns(2) */
	enum holm_ns_type type;
	uint64_t inode; /* 0: what a reboot has left; it is removed now */
	int init;       /* of a pid namespace that was made for it: its process 1; else 0 */
};

/* A return other than 0 ends the walk and is handed on. */
typedef int holm_held_fn(void *arg, const struct holm_held *held);
int holm_ns_held(holm_held_fn *fn, void *arg, struct holm_error *error);

/*
 * Network namespaces with names, as ip-netns(8) keeps them: each finds what the other has made. One
 * lives until it is removed, without any process. With `force` its name is removed although
 * processes are in it.
 */
int holm_net_ns_add(const char *name, struct holm_error *error);
int holm_net_ns_remove(const char *name, int force, struct holm_error *error);

struct holm_net_ns {
	const char *name;
	uint64_t inode; /* 0: a file that is no namespace */
	unsigned processes;
	int pid; /* of one of them; 0: there is none */
};

typedef int holm_net_ns_fn(void *arg, const struct holm_net_ns *ns);
int holm_net_ns_list(holm_net_ns_fn *fn, void *arg, struct holm_error *error);
/*
 * Becomes the command, in that namespace and with its /sys. Returns only if it cannot; then the
 * calling thread may be there already, and should end.
 */
int holm_net_ns_exec(const char *name, char *const argv[], struct holm_error *error);

/*
 * Joins two network namespaces by a pair of interfaces, which ends with either of them. Each is a
 * pid, a path, the name of a namespace or of a box on a network, or "host": the caller's own.
 * `addresses`: "10.1.0.1/30,10.1.0.2/30", ended by NULL; free ones where there are none.
 * `names` of both interfaces, "a0,b0"; NULL: free ones. `fn`, which may be NULL, is told of both.
 */
struct holm_net_wired {
	const char *where, *interface;
	const char *address[4]; /* NULL behind the last */
};

typedef int holm_net_wire_fn(void *arg, const struct holm_net_wired ends[2]);
int holm_net_wire(const char *a, const char *b, const char *const *addresses, const char *names,
		  holm_net_wire_fn *fn, void *arg, struct holm_error *error);
/* Every wire between the two. How many there were. */
int holm_net_unwire(const char *a, const char *b, struct holm_error *error);

/* ---- doctor: what this machine allows ---- */

enum holm_finding_kind { HOLM_GOOD, HOLM_WARN, HOLM_BAD };

struct holm_finding {
	enum holm_finding_kind kind;
	const char *what;  /* "user namespaces" */
	const char *found; /* how it is here */
	const char *fix;   /* what to do about it; NULL: nothing */
};

typedef int holm_finding_fn(void *arg, const struct holm_finding *finding);

/*
 * A caller that is killed cannot remove the cgroup of its box, which is empty then. The next box
 * with limits does; or this call, at once. How many were removed.
 */
int holm_clean(void);

/* Looks, changes nothing. The worst kind found, or what fn returned if not 0. */
int holm_doctor(holm_finding_fn *fn, void *arg);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
