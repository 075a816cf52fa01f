/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The acts of SEAL: what cannot be taken back, and exec. They read r->seal and r->program only, for
 * init runs them too, for services and helpers. Child-safe.
 */
#include <fcntl.h>
#include <string.h>
#include <termios.h>

#include "ns/ns.h"
#include "run/run.h"
#include "sec/rights.h"
#include "sec/seccomp.h"
#include "sys/security.h"
#include "sys/sock.h"

size_t want_session(const struct run *r)
{
	return r->seal->new_session;
}

int act_session(struct run *r, size_t i)
{
	int code = sys_setsid();

	(void)i;
	if (code < 0 || r->controlling_fd < 0)
		return code == -EPERM ? 0 : code < 0 ? code : 0;
	r->failed = "make the terminal ours";
	code = sys_ioctl(r->controlling_fd, TIOCSCTTY, NULL);
	for (int fd = 0; fd < 3 && code >= 0; fd++)
		if (r->seal->tty[fd])
			code = sys_dup3(r->controlling_fd, fd, 0);
	return code < 0 ? code : 0;
}

size_t want_null(const struct run *r)
{
	return r->seal->own_null;
}

static bool is_null(int fd)
{
	struct statx st;

	return sys_statx(fd, "", AT_EMPTY_PATH, STATX_TYPE, &st) == 0 && S_ISCHR(st.stx_mode) &&
	       st.stx_rdev_major == 1 && st.stx_rdev_minor == 3;
}

/*
 * An open file of the host's /dev is a way to that mount, and keeps criu(8) from saving the
 * container. One without a /dev/null of its own keeps what it was given.
 */
int act_null(struct run *r, size_t i)
{
	int own = -1;

	(void)r, (void)i;
	for (int fd = 0; fd < 3; fd++) {
		if (!is_null(fd))
			continue;
		if (own < 0)
			own = sys_openat(AT_FDCWD, "/dev/null",
					 O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0);
		if (own < 0 || !is_null(own))
			break;
		sys_dup3(own, fd, 0);
	}
	if (own >= 0)
		sys_close(own);
	return 0;
}

size_t want_block(const struct run *r)

{
	return r->seal->block_fd >= 0;
}

int act_block(struct run *r, size_t i)
{
	struct pollfd fds[2] = {
		{ r->seal->block_fd, POLLIN, 0 },
		{ r->parent_pidfd, POLLIN, 0 }, /* init sleeps until we execute: we watch for it */
	};
	char byte;
	ssize_t n;

	(void)i;
	do {
		n = sys_poll(fds, 2, -1);
	} while (n == -EINTR);
	if (n < 0 || fds[1].revents)
		return n < 0 ? (int)n : -ECANCELED;
	n = sys_read(r->seal->block_fd, &byte, 1);
	return n < 0 ? (int)n : 0;
}

size_t want_rlimits(const struct run *r)
{
	return r->seal->rlimits.n;
}

/* What it takes to be started, and for hooks. It can be lowered later without any right. */
#define OWN_FILES 256

static bool is_low(const struct rlimit_wish *w)
{
	return w->resource == RLIMIT_NOFILE && w->limit.rlim_cur < OWN_FILES;
}

int act_rlimit(struct run *r, size_t i)
{
	const struct rlimit_wish *w = &r->seal->rlimits.items[i];
	struct rlimit limit = w->limit;
	int code;

	if (is_low(w)) {
		limit.rlim_max = MAX(limit.rlim_max, OWN_FILES);
		limit.rlim_cur = OWN_FILES;
	}
	code = sys_setrlimit(w->resource, &limit);
	/* Who may have fewer itself has to do with those. */
	return code == -EPERM && is_low(w) ? 0 : code;
}

size_t want_open_files(const struct run *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->seal->rlimits.n; i++)
		n += is_low(&r->seal->rlimits.items[i]);
	return n;
}

int act_open_files(struct run *r, size_t i)
{
	size_t k = 0;

	while (!is_low(&r->seal->rlimits.items[k]) || i-- > 0)
		k++;
	return sys_setrlimit(RLIMIT_NOFILE, &r->seal->rlimits.items[k].limit);
}

size_t want_nice(const struct run *r)
{
	return r->seal->change_nice;
}

int act_nice(struct run *r, size_t i)
{
	(void)i;
	return sys_setpriority(PRIO_PROCESS, 0, r->seal->nice);
}

int act_cwd(struct run *r, size_t i)
{
	(void)i;
	sys_umask(r->seal->umask);
	r->failed = "enter the directory";
	return sys_chdir(r->seal->cwd);
}

size_t want_keyring(const struct run *r)
{
	return r->seal->own_keyring;
}

/* Kernels without keys have nothing to share either. */
int act_keyring(struct run *r, size_t i)
{
	int code = sys_join_new_keyring();

	(void)r, (void)i;
	return code == -ENOSYS ? 0 : code;
}

size_t want_start(const struct run *r)
{
	return r->seal->await_start;
}

static int find_command(struct run *r);

/*
 * Says that all is ready, and waits for the word to start; who gives it hears over the same
 * connection what goes wrong after that, or, when exec closes it, that nothing did. That there is
 * something to execute is found out before.
 */
int act_start(struct run *r, size_t i)
{
	struct {
		struct wire_head head;
		struct wire_started started;
	} ready = { { WIRE_STARTED, 0, 0, sizeof(struct wire_started) }, { 0 } };
	/* Without a process nothing can be found; that it is missing matters when it is started. */
	int code = *r->program->path ? find_command(r) : 0, fd = -1;
	char word = 0;

	(void)i;
	if (code < 0)
		return code;
	code = (int)sys_send_fds(r->control_fd[1], &ready, sizeof(ready), NULL, 0);
	if (code < 0)
		return code;
	sys_close(r->control_fd[1]);
	sys_close(r->report_fd[1]);
	while (word != START_WORD) {
		fd = sys_accept(r->seal->start_fd);
		if (fd == -EINTR || fd == -ECONNABORTED)
			continue;
		if (fd < 0)
			return fd;
		if (sys_read(fd, &word, 1) <= 0 || word != START_WORD)
			sys_close(fd);
	}
	r->started_fd = fd;
	/* start_fd stays until exec: as long as it listens, the container is seen as created. */
	return 0;
}

size_t want_start_hooks(const struct run *r)
{
	return r->start_hooks ? r->start_hooks->n : 0;
}

int act_start_hook(struct run *r, size_t i)
{
	int code = hook_run(&r->start_hooks->items[i], r->seal->hooks_fd, r->shared->failed);

	if (code < 0)
		r->failed = r->shared->failed;
	return code;
}

size_t want_label(const struct run *r)
{
	return r->seal->label != NULL;
}

int act_label(struct run *r, size_t i)
{
	(void)i;
	return (int)sys_write(r->seal->label_fd, r->seal->label, strlen(r->seal->label));
}

/*
 * With no_new_privs and no capability left, no exec can gain one: the bounding set would bound
 * nothing. It matters when capabilities are kept, or new privileges allowed.
 */
size_t want_bound(const struct run *r)
{
	return r->seal->exact_caps || r->seal->caps != 0 || !r->seal->no_new_privs;
}

int act_bound(struct run *r, size_t i)
{
	(void)i;
	return rights_bound_caps(r->seal->exact_caps ? r->seal->cap_sets[CAP_BOUNDING]
						     : r->seal->caps);
}

size_t want_ids(const struct run *r)
{
	return r->seal->change_ids;
}

int act_ids(struct run *r, size_t i)
{
	int code = rights_keep_caps();

	(void)i;
	if (code < 0)
		return code;
	if (r->seal->n_groups) {
		r->failed = "setgroups";
		code = sys_setgroups(r->seal->n_groups, r->seal->groups);
		if (code < 0)
			return code;
	}
	return user_become(r->seal->uid, r->seal->gid, r->seal->drop_groups && !r->seal->n_groups,
			   &r->failed);
}

size_t want_caps(const struct run *r)
{
	(void)r;
	return 1;
}

int act_caps(struct run *r, size_t i)
{
	(void)i;
	if (r->seal->exact_caps)
		return rights_set_cap_sets(r->seal->cap_sets);
	return rights_set_caps(r->seal->caps);
}

/* The kernel forgets this signal when ids or capabilities change, so it comes after them. */
size_t want_die(const struct run *r)
{
	return r->seal->die_with_starter;
}

int act_die(struct run *r, size_t i)
{
	struct pollfd gone = { r->parent_pidfd, POLLIN, 0 };
	int code = sys_prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);

	(void)i;
	/* Died before we could ask for the signal? */
	if (code == 0 && r->parent_pidfd >= 0 && sys_poll(&gone, 1, 0) > 0)
		return -ECANCELED;
	return code;
}

size_t want_no_new_privs(const struct run *r)
{
	return r->seal->no_new_privs;
}

int act_no_new_privs(struct run *r, size_t i)
{
	(void)r, (void)i;
	return rights_no_new_privs();
}

_Static_assert((int)LANDLOCK_ALL == (int)RIGHTS_ALL, "one order of accesses");

size_t want_landlock(const struct run *r)
{
	return r->seal->landlock_on;
}

int act_landlock(struct run *r, size_t i)
{
	int fd = rights_landlock_new(r->seal->no_inet), code = fd < 0 ? fd : 0;

	(void)i;
	for (size_t k = 0; code == 0 && k < r->seal->landlock.n; k++) {
		const struct landlock_rule *rule = &r->seal->landlock.items[k];

		code = rights_landlock_allow(fd, (enum rights_access)rule->access, rule->path);
		if (code == -ENOENT && rule->optional)
			code = 0;
		if (code < 0)
			r->failed = rule->path;
	}
	return code == 0 ? rights_landlock_enforce(fd) : code;
}

int act_descriptors(struct run *r, size_t i)
{
	uint64_t none = 0;

	(void)i;
	for (size_t k = 0; k < r->seal->n_keep_fds; k++) {
		int code = sys_fcntl(r->seal->keep_fds[k], F_SETFD, 0);

		if (code < 0) {
			r->failed = "keep-fd: it is not open";
			return code;
		}
	}
	return sys_sigprocmask(SIG_SETMASK, &none, NULL);
}

size_t want_no_inet(const struct run *r)
{
	return r->seal->no_inet;
}

int act_no_inet(struct run *r, size_t i)
{
	(void)r, (void)i;
	return rights_local_sockets_only();
}

/* seccomp(2) wants no_new_privs, or CAP_SYS_ADMIN; so without the former it comes before caps. */
size_t want_seccomp_early(const struct run *r)
{
	return r->seal->filter && !r->seal->no_new_privs;
}

size_t want_seccomp(const struct run *r)
{
	return r->seal->filter && r->seal->no_new_privs;
}

/* Annotations can be long; what reads a stream reads until it is whole. */
static int send_rest(const struct run *r, char *block, size_t size)
{
	ssize_t n;
	int code = 0;

	while (code == 0 && (n = sys_read(r->seal->process_fd, block, size)) != 0)
		code = n < 0 ? (int)n : sys_write_all(r->seal->listener_fd, block, (size_t)n);
	return code;
}

/* Whoever answers for the kernel gets the listener, and with it who asks; that a box need not say.
 */
static int send_listener(struct run *r, int fd)
{
	char state[16384] = "";
	ssize_t n;

	if (r->seal->process_fd < 0) {
		r->failed = "send the listener to who watches";
		n = sys_send_fds(r->seal->listener_fd, state, 1, &fd, 1);
		sys_close(fd);
		return n < 0 ? (int)n : 0;
	}
	sys_lseek(r->seal->process_fd, 0, 0 /* SEEK_SET */);
	n = sys_read(r->seal->process_fd, state, sizeof(state));
	r->failed = "send the listener to linux.seccomp.listenerPath";
	if (n > 0)
		n = sys_send_fds(r->seal->listener_fd, state, (size_t)n, &fd, 1);
	sys_close(fd);
	return n < 0 ? (int)n : send_rest(r, state, sizeof(state));
}

int act_seccomp(struct run *r, size_t i)
{
	const struct seal *seal = r->seal;
	int code = seccomp_install(seal->filter, seal->filter_len, seal->filter_flags);

	(void)i;
	if (code > 0 && seal->filter_flags & SECCOMP_FILTER_FLAG_NEW_LISTENER)
		return send_listener(r, code);
	return code;
}

static int execute(struct run *r, const char *path)
{
	int code = sys_execve(path, r->program->argv, r->program->envp);

	/* "No such file" of a file that is there is about the program that should run it. */
	if (code == -ENOENT && sys_faccessat(AT_FDCWD, path, 0) == 0)
		r->failed = "the interpreter or loader that it names is not in the box";
	return code;
}

static const char *path_of(char *const *envp)
{
	for (; *envp; envp++)
		if (strncmp(*envp, "PATH=", 5) == 0)
			return *envp + 5;
	return "/usr/local/bin:/usr/bin:/bin";
}

static int search(struct run *r, const char *name, bool only_look);

/* As execve(2) would find, who refuses whatever is no file with EACCES. */
static int may_execute(const char *path)
{
	struct statx sx;
	int code = sys_faccessat(AT_FDCWD, path, 1 /* X_OK */);

	if (code == 0)
		code = sys_statx(AT_FDCWD, path, 0, STATX_TYPE, &sx);
	return code < 0 ? code : S_ISREG(sx.stx_mode) ? 0 : -EACCES;
}

/* Can the command be found and may it be executed? */
static int find_command(struct run *r)
{
	const char *path = r->program->path;
	int code = strchr(path, '/') ? may_execute(path) : search(r, path, true);

	if (code < 0)
		r->failed = code == -EACCES     ? "permission denied"
			    : strchr(path, '/') ? "no such file or directory"
						: "executable file not found in $PATH";
	return code;
}

/* As execvp(3): every directory of PATH in turn; "permission denied" wins over "not found". */
static int search(struct run *r, const char *name, bool only_look)
{
	const char *dir = path_of(r->program->envp);
	size_t name_len = strlen(name);
	int result = -ENOENT;

	while (*dir) {
		char path[4096];
		size_t len = strcspn(dir, ":");

		if (len > 0 && len + name_len + 2 <= sizeof(path)) {
			int code;

			memcpy(path, dir, len);
			path[len] = '/';
			memcpy(path + len + 1, name, name_len + 1);
			code = may_execute(path);
			if (code == 0 && only_look)
				return 0;
			if (code == 0)
				code = execute(r, path);
			if (code != -ENOENT && code != -ENOTDIR && code != -EACCES)
				return code;
			if (code == -EACCES)
				result = code;
		}
		dir += len;
		dir += *dir == ':';
	}
	return result;
}

int act_exec(struct run *r, size_t i)
{
	const char *path = r->program->path;

	(void)i;
	if (r->measured) {
		struct timespec now;

		sys_clock_gettime(CLOCK_MONOTONIC, &now);
		r->shared->exec_at_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
		r->shared->exec_cpu_ns = sys_cpu_ns();
	}
	r->shared->exec_tried = 1;
	return strchr(path, '/') ? execute(r, path) : search(r, path, false);
}
