/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The acts of HOST, CLONE and LINK: what the parent does. */
#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "ns/ns.h"
#include "run/run.h"
#include "run/watch.h"
#include "run/wire.h"
#include "sys/mnt.h"
#include "sys/process.h"
#include "sys/sock.h"

#define BRIEF_MAX     (16U << 20)
#define MEMFD_CLOEXEC 1U
#define MEMFD_EXEC    16U /* Linux 6.3 */

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* ---- HOST ---- */

/*
 * And is it known how to end what is to be started? A filter around us, or an old kernel, may
 * refuse that alone: then no limit would hold, and who waits for the end would wait for ever.
 */
int act_report(struct run *r, size_t i)
{
	int code = sys_pidfd_send_signal(-1, 0);

	(void)i;
	if (code != -EBADF) {
		r->failed = "pidfd_send_signal(2), to end the box by, is refused";
		return code;
	}
	return sys_pipe2(r->report_fd, 0);
}

void undo_report(struct run *r)
{
	close_fd(&r->report_fd[0]);
	close_fd(&r->report_fd[1]);
}

/* Of a process that has ended meanwhile the pid may be another's by now. */
static int is_still_there(struct run *r)
{
	if (!r->spec->enters || sys_pidfd_send_signal(r->spec->enter_pidfd, 0) != -ESRCH)
		return 0;
	return err_set(r->err, ESRCH, "enter: the process has ended");
}

/* A path leads elsewhere when its process has ended, or its file was replaced. */
static int is_as_seen(struct run *r, enum ns_type type)
{
	uint64_t seen = r->d->joined_inode[type];
	struct statx it;
	int code = 0;

	if (seen)
		code = sys_statx(r->join_fd[type], "", AT_EMPTY_PATH, STATX_INO, &it);
	if (!seen || code < 0 || it.stx_ino == seen)
		return code;
	return err_set(r->err, ESTALE,
		       "join %s=%s: another namespace has taken its place meanwhile",
		       ns_table[type].name, r->spec->ns[type].target);
}

int act_targets(struct run *r, size_t i)
{
	int code;

	for (int type = NS_COUNT - 1; type >= 0; type--) {
		if (r->spec->ns[type].mode != NS_JOINED || i-- != 0)
			continue;
		code = r->join_fd[type] =
			join_open((enum ns_type)type, r->spec->ns[type].target, r->err);
		if (code >= 0)
			code = is_as_seen(r, (enum ns_type)type);
		return code < 0 ? code : is_still_there(r);
	}
	return -EINVAL;
}

void undo_targets(struct run *r)
{
	for (int type = 0; type < NS_COUNT; type++)
		close_fd(&r->join_fd[type]);
}

size_t want_die_with_parent(const struct run *r)
{
	return r->d->die_with_parent;
}

int act_parent(struct run *r, size_t i)
{
	(void)i;
	r->parent_pidfd = sys_pidfd_open(getpid(), 0);
	return r->parent_pidfd < 0 ? r->parent_pidfd : 0;
}

void undo_parent(struct run *r)
{
	close_fd(&r->parent_pidfd);
}

size_t want_init(const struct run *r)
{
	return !r->d->as_pid1;
}

/* The init program, as bytes within us (init_image.S). */
extern const char init_image[], init_image_end[];

/*
 * The init runs from a memory file: nothing of the host's, and not our own executable, is ever
 * within reach of the box as /proc/1/exe.
 */
int act_init_image(struct run *r, size_t i)
{
	_cleanup_fd_ int fd = sys_memfd_create("holm-init", MEMFD_CLOEXEC | MEMFD_EXEC);
	int code;

	(void)i;
	if (fd == -EINVAL)
		fd = sys_memfd_create("holm-init", MEMFD_CLOEXEC);
	if (fd < 0)
		return fd;
	code = sys_write_all(fd, init_image, (size_t)(init_image_end - init_image));
	if (code == 0)
		r->init_fd = TAKE_FD(fd);
	return code;
}

void undo_init_image(struct run *r)
{
	close_fd(&r->init_fd);
}

int act_control(struct run *r, size_t i)
{
	(void)i;
	return sys_socketpair(AF_UNIX, SOCK_SEQPACKET, r->control_fd);
}

void undo_control(struct run *r)
{
	close_fd(&r->control_fd[0]);
	close_fd(&r->control_fd[1]);
}

static int memory_new(struct run *r)
{
	void *p = mmap(NULL, sizeof(*r->memory), PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return -ENOMEM;
	r->memory = p;
	return 0;
}

static void memory_free(struct run *r)
{
	if (!r->memory)
		return;
	/* What is mapped there next is none of its stacks. */
	FORGET_FRAMES(r->memory, sizeof(*r->memory));
	munmap(r->memory, sizeof(*r->memory));
	r->memory = NULL;
}

size_t want_net_early(const struct run *r)
{
	return r->d->net_early;
}

/* The first of all rows: it works while we prepare the rest, and holds no end of our channels. */
int act_net_early(struct run *r, size_t i)
{
	uint64_t all = ~UINT64_C(0), old;
	int code = memory_new(r);

	(void)i;
	if (code < 0)
		return code;
	r->memory->early = (struct beside){ .parent = getpid(), .makes_network = true };
	sys_sigprocmask(SIG_SETMASK, &all, &old);
	code = beside_start(&r->memory->early, r->memory->early_stack);
	sys_sigprocmask(SIG_SETMASK, &old, NULL);
	return code;
}

void undo_net_early(struct run *r)
{
	if (r->memory)
		beside_end(&r->memory->early);
	memory_free(r);
}

/* ---- CLONE ---- */

/* The first process is gone as soon as it has cloned; the box is its sibling. */
static int collect_first(struct run *r)
{
	int status;

	while (waitpid(r->pid, &status, __WALL) < 0)
		if (errno != EINTR)
			return -errno;
	close_fd(&r->pidfd);
	r->pid = 0;
	return r->shared->report.code ? -ECANCELED : 0; /* what it reported stands */
}

static int adopt_sibling(struct run *r)
{
	int code = collect_first(r);

	if (code < 0)
		return code;
	if (r->shared->init_pid == 0)
		return -ECHILD;
	r->pid = r->shared->init_pid;
	r->pidfd = sys_pidfd_open(r->pid, 0);
	return r->pidfd < 0 ? r->pidfd : 0;
}

/* The init is one process, and in the pid namespace another. It tells which, or the error, through
 * the pipe of the report. */
static int adopt_entered(struct run *r)
{
	int32_t pid = 0;
	siginfo_t info;
	ssize_t n;
	int code;

	do {
		n = sys_read(r->report_fd[0], &pid, sizeof(pid));
	} while (n == -EINTR);
	code = collect_first(r);
	if (code < 0)
		return code;
	if (n != sizeof(pid) || pid <= 0) {
		r->failed = "enter the pid namespace";
		return n == sizeof(pid) ? pid : -ECHILD;
	}
	/* Who may trace whoever enters can write into that pipe as well, and name a process of its
	 * choice. */
	if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) < 0) {
		r->failed = "enter the pid namespace: the pid that was told is not that of a child";
		return -ECHILD;
	}
	r->pid = pid;
	r->pidfd = sys_pidfd_open(r->pid, 0);
	return r->pidfd < 0 ? r->pidfd : 0;
}

int act_clone(struct run *r, size_t i)
{
	uint64_t all = ~UINT64_C(0), old;
	bool shared = r->d->share_memory || r->d->share_to_join;
	struct clone_args args = {
		.flags = CLONE_PIDFD | CLONE_CLEAR_SIGHAND | (shared ? CLONE_VM : 0),
		.pidfd = (uintptr_t)&r->pidfd,
		.stack_size = STACK_SIZE,
	};
	bool enters = want_cgroup(r) && !want_unit_enter(r);
	int cgroup_fd = enters ? cg_into_fd(&r->cg) : -ENOENT;

	(void)i;
	if (!r->memory && memory_new(r) < 0)
		return -ENOMEM;
	if (!r->d->joins)
		args.flags |= r->d->clone_flags;
	if (cgroup_fd >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (unsigned)cgroup_fd;
	}
	r->memory->run = *r;
	args.stack = (uintptr_t)r->memory->first_stack;
	/* No signal handler of the caller's may run in the child, in the caller's memory. */
	sys_sigprocmask(SIG_SETMASK, &all, &old);
	r->pid = sys_clone_fn(&args, child_main, &r->memory->run);
	sys_sigprocmask(SIG_SETMASK, &old, NULL);
	if (r->pid < 0)
		return r->pid;
	/* Ours must close, for the child's death to be seen as an end of file. */
	close_fd(&r->report_fd[1]);
	close_fd(&r->control_fd[1]);
	if (r->d->enters_pid_ns)
		return adopt_entered(r);
	return r->d->joins ? adopt_sibling(r) : 0;
}

/* Whatever had been made lives in the namespaces of this process, and ends with it. */
void undo_clone(struct run *r)
{
	int status;

	if (r->pidfd >= 0) {
		sys_pidfd_send_signal(r->pidfd, SIGKILL);
		while (waitpid(r->pid, &status, __WALL) < 0 && errno == EINTR)
			;
		close_fd(&r->pidfd);
	}
	r->pid = 0;
	if (!r->d->net_early)
		memory_free(r);
}

/* ---- LINK ---- */

/*
 * To the first process. A broken pipe is no failure of ours: it has failed and gone, and what it
 * reported tells why.
 */
static int tell(struct run *r, const void *data, size_t len, const int *fds, unsigned n_fds)
{
	ssize_t n = sys_send_fds(r->control_fd[0], data, len, fds, n_fds);

	return n < 0 && n != -EPIPE ? (int)n : 0;
}

static int run_helper(struct run *r, const char *program, const id_ranges *map)
{
	char pid[16], numbers[340 * 3][12];
	char *argv[340 * 3 + 3] = { (char *)program, pid };
	static char *no_env[] = { NULL };
	size_t n = 2;
	pid_t helper;
	int status, code;

	snprintf(pid, sizeof(pid), "%d", r->pid);
	for (size_t i = 0; i < map->n; i++) {
		const uint32_t v[3] = { map->items[i].inside, map->items[i].outside,
					map->items[i].count };

		for (int k = 0; k < 3; k++) {
			snprintf(numbers[n - 2], sizeof(numbers[0]), "%u", v[k]);
			argv[n] = numbers[n - 2];
			n++;
		}
	}
	r->failed = program;
	code = posix_spawnp(&helper, program, NULL, NULL, argv, no_env);
	if (code)
		return -code;
	while (waitpid(helper, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return status == 0 ? 0 : -EPERM;
}

int act_map_parent(struct run *r, size_t i)
{
	char proc[32];
	int code;

	(void)i;
	if (r->d->map_by == MAP_BY_HELPER) {
		code = run_helper(r, "newuidmap", &r->d->uid_ranges);
		return code < 0 ? code : run_helper(r, "newgidmap", &r->d->gid_ranges);
	}
	snprintf(proc, sizeof(proc), "/proc/%d", r->pid);
	return user_write_maps(proc, r->d->uid_map, r->d->gid_map, r->d->deny_setgroups,
			       &r->failed);
}

static const struct mnt *nth_idmapped(const struct run *r, size_t i)
{
	for (size_t k = 0; k < r->d->mounts.n; k++)
		if (r->d->mounts.items[k].idmap && i-- == 0)
			return &r->d->mounts.items[k];
	return NULL;
}

static int user_ns_of(int pid)
{
	char path[48];

	snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
	return sys_openat(AT_FDCWD, path, O_RDONLY, 0);
}

static int wait_to_be_killed(void *arg)
{
	(void)arg;
	while (sys_poll(NULL, 0, -1) <= 0)
		;
	return 0;
}

/* A user namespace that nobody lives in: only its maps are wanted. */
static int user_ns_of_maps(const char *uid_map, const char *gid_map)
{
	_cleanup_stack_ struct small_stack stack;
	struct clone_args args = {
		.flags = CLONE_NEWUSER | CLONE_VM | CLONE_CLEAR_SIGHAND,
		.stack = (uintptr_t)&stack,
		.stack_size = sizeof(stack),
	};
	int pid = sys_clone_fn(&args, wait_to_be_killed, NULL), fd, code;
	const char *failed;
	char proc[32];

	if (pid < 0)
		return pid;
	snprintf(proc, sizeof(proc), "/proc/%d", pid);
	code = user_write_maps(proc, uid_map, gid_map, false, &failed);
	fd = code < 0 ? code : user_ns_of(pid);
	sys_kill(pid, SIGKILL);
	while (sys_wait4(pid, NULL, __WALL, NULL) == -EINTR)
		;
	return fd;
}

/*
 * mount_setattr(2), MOUNT_ATTR_IDMAP: an id on the disk is seen inside as if the box's map did not
 * exist. Only the owner of the file system may do it, so the parent does, and passes the tree on.
 */
int act_idmap(struct run *r, size_t i)
{
	const struct mnt *m = nth_idmapped(r, i);
	struct wire_head head = { .type = WIRE_TREE };
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP };
	_cleanup_fd_ int user_fd = -1, tree_fd = -1;
	int code;

	unsigned below = m->recursive || !r->d->container ? AT_RECURSIVE : 0;

	user_fd = m->uid_map ? user_ns_of_maps(m->uid_map, m->gid_map) : user_ns_of(r->pid);
	tree_fd = sys_open_tree(AT_FDCWD, m->src, OPEN_TREE_CLONE | below);
	r->failed = "open the source";
	if (user_fd < 0 || tree_fd < 0)
		return user_fd < 0 ? user_fd : tree_fd;
	attr.userns_fd = (unsigned)user_fd;
	r->failed = "idmap it (can this file system be idmapped?)";
	if (r->d->container && !m->idmap_below)
		below = 0;
	code = sys_mount_setattr(tree_fd, "", AT_EMPTY_PATH | below, &attr);
	if (code < 0)
		return code;
	return tell(r, &head, sizeof(head), &tree_fd, 1);
}

int act_go(struct run *r, size_t i)
{
	struct wire_head head = { .type = WIRE_GO };

	(void)i;
	return tell(r, &head, sizeof(head), NULL, 0);
}

/* What init needs to start programs by the same rows as the first process does. */
static void put_seal(struct wire_out *w, const struct seal *seal)
{
	wire_put(w, seal, sizeof(*seal)); /* its pointers are of no use there, and are replaced */
	wire_put_str(w, seal->cwd);
	wire_put_str(w, seal->label);
	wire_put_u64(w, seal->rlimits.n);
	wire_put(w, seal->rlimits.items, seal->rlimits.n * sizeof(struct rlimit_wish));
	wire_put_u64(w, seal->landlock.n);
	for (size_t i = 0; i < seal->landlock.n; i++) {
		wire_put_u64(w, (uint64_t)seal->landlock.items[i].access |
					(uint64_t)seal->landlock.items[i].optional << 32);
		wire_put_str(w, seal->landlock.items[i].path);
	}
	wire_put_u64(w, seal->filter ? seal->filter_len : 0);
	if (seal->filter)
		wire_put(w, seal->filter, seal->filter_len * (size_t)8);
}

static void put_hooks(struct wire_out *w, const hooks *list)
{
	wire_put_u64(w, list->n);
	for (size_t i = 0; i < list->n; i++) {
		wire_put_u64(w, list->items[i].timeout_s);
		wire_put_str(w, list->items[i].program.path);
		wire_put_list(w, list->items[i].program.argv);
		wire_put_list(w, list->items[i].program.envp);
	}
}

static void put_brief(struct wire_out *w, const struct run *r)
{
	put_seal(w, r->seal);
	wire_put_list(w, r->d->main.envp);
	wire_put_str(w, r->d->main.path);
	wire_put_list(w, r->d->main.argv);
	wire_put_u64(w, r->d->services.n);
	for (size_t i = 0; i < r->d->services.n; i++) {
		const struct program *p = &r->d->services.items[i];

		wire_put_str(w, p->name);
		wire_put_u64(w, p->restart);
		wire_put_str(w, p->path);
		wire_put_list(w, p->argv);
	}
	put_hooks(w, &r->d->hooks[HOOK_START_CONTAINER]);
}

struct brief_fds {
	int fds[BRIEF_FDS_MAX];
	unsigned n;
	unsigned which; /* enum wire_brief */
};

static void add_fd(struct brief_fds *b, int fd, unsigned what)
{
	if (fd < 0)
		return;
	b->fds[b->n++] = fd;
	b->which |= what;
}

/* What the command has as 0, 1 and 2, if that is not what we have. */
static void add_stdio(struct brief_fds *b, const struct run *r)
{
	if (!r->spec->own_stdio && !r->d->collect)
		return;
	for (int i = 0; i < 3; i++) {
		int piped = i > 0 && r->d->collect ? r->watch->child_fd[i - 1] : -1;
		int given = spec_stdio(r->spec, i);

		b->fds[b->n++] = piped >= 0 ? piped : given >= 0 ? given : i;
	}
	b->which |= BRIEF_STDIO;
}

static struct brief_fds brief_fds(const struct run *r, int file_fd)
{
	struct brief_fds b = { 0 };

	add_fd(&b, file_fd, BRIEF_FILE);
	add_fd(&b, r->hooks_fd, BRIEF_HOOKS);
	add_fd(&b, r->process_fd, BRIEF_PROCESS);
	add_fd(&b, r->d->listens ? r->watch->listener_fd[1] : -1, BRIEF_LISTENER);
	add_stdio(&b, r);
	b.which |= r->d->watched ? BRIEF_MEASURE : 0;
	return b;
}

/* What a packet has no room for goes by memory file. */
static int brief_by_file(struct run *r)
{
	_cleanup_free_ char *data = malloc(BRIEF_MAX);
	struct wire_out w = { data, 0, BRIEF_MAX, false };
	struct wire_head head = { .type = WIRE_CONF };
	_cleanup_fd_ int fd = -1;
	struct brief_fds fds;
	int code;

	if (!data)
		return -ENOMEM;
	put_brief(&w, r);
	if (w.overflow) {
		r->failed = "command, environment, services and filter together exceed 16 MiB";
		return -E2BIG;
	}
	fd = sys_memfd_create("holm-brief", MEMFD_CLOEXEC);
	code = fd < 0 ? fd : sys_write_all(fd, data, w.len);
	fds = brief_fds(r, fd);
	head.len = (uint32_t)w.len;
	head.value = (int32_t)fds.which;
	return code < 0 ? code : tell(r, &head, sizeof(head), fds.fds, fds.n);
}

/* Goes out while the first process works, and lies in the channel until init reads it. */
int act_brief(struct run *r, size_t i)
{
	char *data = r->memory->brief;
	struct wire_out w = { data, sizeof(struct wire_head), WIRE_MAX, false };
	struct wire_head *head = (struct wire_head *)data;
	struct brief_fds fds = brief_fds(r, -1);

	(void)i;
	put_brief(&w, r);
	if (w.overflow)
		return brief_by_file(r);
	*head = (struct wire_head){ .type = WIRE_CONF, .value = (int32_t)fds.which };
	return tell(r, data, w.len, fds.fds, fds.n);
}
