/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * holm ns unshare: the system call and little more, for those who want just that. It happens in
 * this very process, in the order in which unshare(1) does it; nothing is watched or cleaned up.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "act/act.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/macro.h"
#include "base/nstype.h"
#include "sys/security.h"

#define MAP_MAX 1024

struct wish {
	unsigned flags;
	bool map_root, map_self, fork, mount_proc, keep_caps, deny_groups;
	int kill_child; /* the signal; 0: none */
	char uid_map[MAP_MAX], gid_map[MAP_MAX];
	const char *propagation, *root, *cwd, *monotonic, *boottime;
	uint32_t uid, gid;
	bool set_uid, set_gid;
	int parent_fd; /* of a child: its end is that of the parent; 0: none */
};

/* ---- words ---- */

static const struct {
	const char *word;
	unsigned flag;
} more_flags[] = {
	{ "--user", CLONE_NEWUSER },
	{ "--files", CLONE_FILES },
	{ "--fs", CLONE_FS },
	{ "--sysvsem", CLONE_SYSVSEM },
};

static bool take_type(struct wish *w, const char *word)
{
	int type = ns_type_option(word);

	if (type >= 0) {
		w->flags |= ns_table[type].clone_flag;
		return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(more_flags); i++) {
		if (!str_eq(word, more_flags[i].word))
			continue;
		w->flags |= more_flags[i].flag;
		return true;
	}
	return false;
}

static bool take_flag(struct wish *w, const char *word)
{
	const struct {
		const char *word;
		bool *flag;
	} flags[] = {
		{ "--map-root", &w->map_root },   { "--map-self", &w->map_self },
		{ "--fork", &w->fork },           { "--mount-proc", &w->mount_proc },
		{ "--keep-caps", &w->keep_caps }, { "--deny-setgroups", &w->deny_groups },
	};

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		if (!str_eq(word, flags[i].word))
			continue;
		*flags[i].flag = true;
		return true;
	}
	if (str_eq(word, "--kill-child"))
		w->kill_child = SIGKILL;
	return str_eq(word, "--kill-child");
}

static int add_map(char map[MAP_MAX], const char *text)
{
	unsigned long long in, outside, count;
	size_t len = strlen(map);
	int end = 0;

	if (sscanf(text, "%llu:%llu:%llu%n", &in, &outside, &count, &end) != 3 || text[end] ||
	    len > MAP_MAX - 64)
		return out_error("ns unshare: \"%s\" is no map; write IN:OUT:COUNT", text);
	snprintf(map + len, MAP_MAX - len, "%llu %llu %llu\n", in, outside, count);
	return 0;
}

static int take_id(const char *text, uint32_t *id, bool *set)
{
	*set = true;
	return str_u32(text, id) < 0 ? out_error("ns unshare: \"%s\" is no id", text) : 0;
}

static int take_signal(struct wish *w, const char *text)
{
	w->kill_child = str_signal(text);
	return w->kill_child ? 0 : out_error("ns unshare: \"%s\" is no signal", text);
}

/* -1: there is no such option. */
static int take_value(struct wish *w, const char *name, const char *value)
{
	const struct {
		const char *name;
		const char **text;
	} texts[] = { { "--propagation", &w->propagation },
		      { "--root", &w->root },
		      { "--cwd", &w->cwd },
		      { "--monotonic", &w->monotonic },
		      { "--boottime", &w->boottime } };

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		if (!str_eq(name, texts[i].name))
			continue;
		*texts[i].text = value;
		return 0;
	}
	if (str_eq(name, "--map-users"))
		return add_map(w->uid_map, value);
	if (str_eq(name, "--map-groups"))
		return add_map(w->gid_map, value);
	if (str_eq(name, "--uid"))
		return take_id(value, &w->uid, &w->set_uid);
	if (str_eq(name, "--gid"))
		return take_id(value, &w->gid, &w->set_gid);
	if (str_eq(name, "--kill-child"))
		return take_signal(w, value);
	return -1;
}

/* Where the command begins, or -1. */
static int read_words(struct wish *w, int argc, char **argv)
{
	int at = 1;

	for (; at < argc && str_starts(argv[at], "--") && argv[at][2]; at++) {
		char *eq = strchr(argv[at], '=');
		char *value = eq ? eq + 1 : argv[at + 1];
		int r;

		if (!eq && (take_type(w, argv[at]) || take_flag(w, argv[at])))
			continue;
		if (eq)
			*eq = 0;
		r = value ? take_value(w, argv[at], value) : -1;
		if (r < 0)
			out_error("ns unshare: there is no option %s, or it needs an argument",
				  argv[at]);
		if (r)
			return -1;
		at += !eq;
	}
	return at + (at < argc && str_eq(argv[at], "--"));
}

/* ---- what they imply ---- */

static int settle(struct wish *w)
{
	if (w->mount_proc)
		w->flags |= CLONE_NEWNS;
	if (w->map_root || w->map_self || *w->uid_map || *w->gid_map)
		w->flags |= CLONE_NEWUSER;
	if (w->monotonic || w->boottime)
		w->flags |= CLONE_NEWTIME;
	if (w->flags & CLONE_NEWPID || w->kill_child)
		w->fork = true;
	if (w->map_root || w->map_self) {
		snprintf(w->uid_map, MAP_MAX, "%u %u 1\n", w->map_root ? 0 : geteuid(), geteuid());
		snprintf(w->gid_map, MAP_MAX, "%u %u 1\n", w->map_root ? 0 : getegid(), getegid());
		w->deny_groups = true; /* else who has no rights outside may not map a group */
	}
	return w->flags
		       ? 0
		       : out_error(
				 "ns unshare: of what? --net, --mnt ..., --files, --fs, --sysvsem");
}

/* ---- acts; each says what went wrong ---- */

static int failed(const char *what)
{
	return out_error("ns unshare: %s: %s", what, err_words(errno));
}

static int write_to(const char *path, const char *text)
{
	_cleanup_fd_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd < 0 || write(fd, text, strlen(text)) < 0 ? failed(path) : 0;
}

static int make(const struct wish *w)
{
	if (unshare((int)w->flags) == 0)
		return 0;
	if (errno == EPERM && !(w->flags & CLONE_NEWUSER))
		return out_error("ns unshare: new namespaces need CAP_SYS_ADMIN: do it as root, or "
				 "together with --map-root");
	return failed("unshare");
}

static int write_maps(const struct wish *w, const char *proc)
{
	char path[64];
	int r = 0;

	snprintf(path, sizeof(path), "%s/setgroups", proc);
	if (w->deny_groups)
		r = write_to(path, "deny");
	snprintf(path, sizeof(path), "%s/uid_map", proc);
	if (r == 0 && *w->uid_map)
		r = write_to(path, w->uid_map);
	snprintf(path, sizeof(path), "%s/gid_map", proc);
	return r == 0 && *w->gid_map ? write_to(path, w->gid_map) : r;
}

/* Of more than our own id only who stays outside may write a map: it waits for the word. */
static int start_mapper(const struct wish *w, int *go_fd, pid_t *mapper)
{
	char proc[32], byte;
	int fds[2];

	snprintf(proc, sizeof(proc), "/proc/%d", getpid());
	if (pipe2(fds, O_CLOEXEC) < 0)
		return failed("pipe");
	*mapper = fork();
	if (*mapper == 0) {
		close(fds[1]);
		_exit(read(fds[0], &byte, 1) != 1 || write_maps(w, proc));
	}
	close(fds[0]);
	*go_fd = fds[1];
	return *mapper < 0 ? failed("fork") : 0;
}

static int await_mapper(int go_fd, pid_t mapper)
{
	int status = 1;

	if (write(go_fd, "", 1) != 1)
		return failed("the one who maps ids");
	while (waitpid(mapper, &status, 0) < 0 && errno == EINTR)
		;
	return status ? EXIT_HOLM : 0; /* it has said why */
}

static int make_and_map(const struct wish *w)
{
	bool others = !w->map_root && !w->map_self && (*w->uid_map || *w->gid_map);
	_cleanup_fd_ int go_fd = -1;
	pid_t mapper = 0;
	int r = others ? start_mapper(w, &go_fd, &mapper) : 0;

	if (r == 0)
		r = make(w);
	if (r)
		return r;
	return others ? await_mapper(go_fd, mapper) : write_maps(w, "/proc/self");
}

static int shift_clock(const char *clock, const char *value)
{
	int64_t ns, s;
	char line[64];

	if (!value)
		return 0;
	if (str_duration(value, &ns) < 0)
		return out_error("ns unshare: \"%s\" is no duration", value);
	s = ns / 1000000000 - (ns % 1000000000 < 0);
	snprintf(line, sizeof(line), "%s %lld %lld\n", clock, (long long)s,
		 (long long)(ns - s * 1000000000));
	return write_to("/proc/self/timens_offsets", line);
}

static int set_propagation(const struct wish *w)
{
	static const struct {
		const char *word;
		unsigned long flag;
	} modes[] = { { "private", MS_PRIVATE },
		      { "slave", MS_SLAVE },
		      { "shared", MS_SHARED },
		      { "unchanged", 0 } };
	const char *wish = w->propagation ? w->propagation : "private";

	if (!(w->flags & CLONE_NEWNS))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		if (!str_eq(wish, modes[i].word))
			continue;
		return !modes[i].flag || mount(NULL, "/", NULL, MS_REC | modes[i].flag, NULL) == 0
			       ? 0
			       : failed("propagation of /");
	}
	return out_error("ns unshare: propagation is private, slave, shared or unchanged");
}

/* Capabilities of the new user namespace stay over exec, whatever the id. */
static int keep_caps(void)
{
	uint64_t effective, permitted;
	int r = sys_capget(&effective, &permitted);

	if (r == 0)
		r = sys_capset(effective, permitted, permitted);
	errno = -r;
	if (r < 0)
		return failed("capabilities");
	for (unsigned long cap = 0; cap < 64; cap++)
		prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0);
	return 0;
}

static int become(const struct wish *w)
{
	if (w->set_gid && (setgroups(0, NULL) < 0 && errno != EPERM))
		return failed("setgroups");
	if (w->set_gid && setresgid(w->gid, w->gid, w->gid) < 0)
		return failed("gid");
	if (w->set_uid && setresuid(w->uid, w->uid, w->uid) < 0)
		return failed("uid");
	return w->keep_caps ? keep_caps() : 0;
}

static int move_in(const struct wish *w)
{
	if (w->root && (chroot(w->root) < 0 || chdir("/") < 0))
		return failed(w->root);
	if (w->mount_proc &&
	    mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
		return failed("mount /proc");
	return w->cwd && chdir(w->cwd) < 0 ? failed(w->cwd) : 0;
}

static int execute(char **command)
{
	char *shell[] = { getenv("SHELL"), NULL };

	if (!shell[0])
		shell[0] = (char *)"/bin/sh";
	if (!*command)
		command = shell;
	execvp(*command, command);
	failed(*command);
	return errno == ENOENT ? 127 : 126;
}

/* Its end is an end of file, in whatever pid namespace we are. */
static bool parent_is_gone(const struct wish *w)
{
	struct pollfd p = { .fd = w->parent_fd, .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

static int in_child(const struct wish *w, char **command)
{
	int r = move_in(w);

	if (r == 0)
		r = become(w);
	/* Only now: a change of ids takes it away. */
	if (r == 0 && w->kill_child && prctl(PR_SET_PDEATHSIG, w->kill_child, 0, 0, 0) < 0)
		r = failed("kill-child");
	if (r == 0 && w->kill_child && w->parent_fd && parent_is_gone(w))
		return 128 + w->kill_child;
	return r ? r : execute(command);
}

/* What comes from the terminal goes to both, and the child decides. */
static int fork_and_wait(const struct wish *w, char **command)
{
	struct wish child = *w;
	int status = 0, life[2];
	pid_t pid;

	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	if (pipe2(life, O_CLOEXEC) < 0)
		return failed("pipe");
	pid = fork();
	if (pid < 0)
		return failed("fork");
	if (pid == 0) {
		close(life[1]);
		child.parent_fd = life[0];
		signal(SIGINT, SIG_DFL);
		signal(SIGQUIT, SIG_DFL);
		_exit(in_child(&child, command));
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int ns_unshare_word(int argc, char **argv)
{
	struct wish w = { 0 };
	int at = read_words(&w, argc, argv), r;

	if (at < 0)
		return EXIT_HOLM;
	r = settle(&w);
	if (r == 0)
		r = make_and_map(&w);
	if (r == 0)
		r = shift_clock("monotonic", w.monotonic);
	if (r == 0)
		r = shift_clock("boottime", w.boottime);
	if (r == 0)
		r = set_propagation(&w);
	if (r)
		return r;
	return w.fork ? fork_and_wait(&w, argv + at) : in_child(&w, argv + at);
}
