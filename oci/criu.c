/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "criu.h"
#include "sys/process.h"
#include "sys/sock.h"

#define REPLY_MAX     65536
#define CRIU_LOG_ALL  4
#define CRIU_NOTIFY   6 /* criu_req_type */
#define SOCKET_FD     3
#define NETWORK_CLONE 0x40000000U

/* ---- what is asked ---- */

static int open_dir(const char *what, const char *path, struct err *e)
{
	int fd;

	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return err_errno(e, errno, "%s %s", what, path);
	fd = sys_openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0);
	return fd < 0 ? err_errno(e, -fd, "%s %s", what, path) : fd;
}

static int put_cgroup_mode(struct criu *c, const char *mode, struct err *e)
{
	static const char *const modes[] = {
		"ignore", "cg_none", "props", "soft", "full", "strict"
	};

	for (unsigned i = 0; i < ARRAY_SIZE(modes); i++) {
		if (!str_eq(mode ? mode : "soft", modes[i]))
			continue;
		pb_int(&c->options, CRIU_MANAGE_CGROUPS, i > 0);
		pb_int(&c->options, CRIU_MANAGE_CGROUPS_MODE, i);
		return 0;
	}
	return err_set(e, EINVAL,
		       "--manage-cgroups-mode: \"%.32s\" is none of soft, full, strict, ignore",
		       mode);
}

static int put_empty_ns(struct criu *c, const strings *names, struct err *e)
{
	for (size_t i = 0; i < names->n; i++)
		if (!str_eq(names->items[i], "network"))
			return err_set(
				e, EINVAL,
				"--empty-ns: only \"network\" can be left empty, not \"%.32s\"",
				names->items[i]);
	if (names->n)
		pb_int(&c->options, CRIU_EMPTY_NS, NETWORK_CLONE);
	return 0;
}

static int put_page_server(struct criu *c, const char *text, struct err *e)
{
	_cleanup_buf_ struct buf server = { 0 };
	const char *colon = text ? strrchr(text, ':') : NULL;
	uint32_t port;

	if (!text)
		return 0;
	if (!colon || str_u32(colon + 1, &port) < 0 || port > 65535)
		return err_set(e, EINVAL, "--page-server: \"%.64s\" is not ADDRESS:PORT", text);
	pb_bytes(&server, 1, text, (size_t)(colon - text));
	pb_int(&server, 2, port);
	pb_bytes(&c->options, CRIU_PAGE_SERVER, server.data, server.len);
	return 0;
}

static void put_flags(struct buf *b, const struct checkpoint_options *opt)
{
	const struct {
		enum criu_field field;
		bool value;
	} flags[] = {
		{ CRIU_LEAVE_RUNNING, opt->leave_running },
		{ CRIU_EXT_UNIX_SK, opt->ext_unix_sk },
		{ CRIU_TCP_ESTABLISHED, opt->tcp_established },
		{ CRIU_TCP_SKIP_IN_FLIGHT, opt->tcp_skip_in_flight },
		{ CRIU_SHELL_JOB, opt->shell_job },
		{ CRIU_FILE_LOCKS, opt->file_locks },
		{ CRIU_AUTO_DEDUP, opt->auto_dedup },
		{ CRIU_LINK_REMAP, opt->link_remap },
		{ CRIU_LAZY_PAGES, opt->lazy_pages },
		{ CRIU_TRACK_MEM, opt->pre_dump },
	};

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
		if (flags[i].value)
			pb_int(b, flags[i].field, 1);
}

static bool is_bind(const struct container_mount *m)
{
	for (size_t i = 0; i < m->options.n; i++)
		if (str_eq(m->options.items[i], "bind") || str_eq(m->options.items[i], "rbind"))
			return true;
	return str_eq(m->type, "bind");
}

/*
 * A bind is known by where it is inside; at a restore by what belongs there, which may be
 * elsewhere on that machine. What we add ourselves (masks, devices, the console) criu finds alone.
 */
static void put_mounts(struct criu *c, const struct container *config)
{
	for (size_t i = 0; i < config->mounts.n; i++) {
		const struct container_mount *m = &config->mounts.items[i];
		_cleanup_buf_ struct buf text = { 0 };

		if (!is_bind(m))
			continue;
		buf_printf(&text, "mnt[%s]:%s", m->destination,
			   c->request == CRIU_RESTORE ? m->source : m->destination);
		pb_bytes(&c->options, CRIU_EXTERNAL, text.data, text.len);
	}
	pb_int(&c->options, CRIU_AUTO_EXT_MNT, 1);
	pb_int(&c->options, CRIU_EXT_SHARING, 1);
	pb_int(&c->options, CRIU_EXT_MASTERS, 1);
}

int criu_inherit(struct criu *c, const char *key, int fd, struct err *e)
{
	_cleanup_buf_ struct buf item = { 0 };
	int there = fd;

	if (fd > 2) {
		if (c->n_fds == CRIU_FDS_MAX)
			return err_set(e, EMFILE, "restore: too many descriptors");
		there = CRIU_FD_FIRST + (int)c->n_fds;
		c->fds[c->n_fds++] = fd;
	}
	pb_text(&item, 1, key);
	pb_int(&item, 2, (uint64_t)there);
	pb_bytes(&c->options, CRIU_INHERIT_FD, item.data, item.len);
	return 0;
}

/* A namespace that the container only joined: it is not taken along, but joined again. */
static int put_namespace(struct criu *c, const char *word, const char *key, const char *path,
			 struct err *e)
{
	char text[96];
	struct stat st;
	int fd;

	if (c->request == CRIU_RESTORE) {
		fd = sys_openat(AT_FDCWD, path, O_RDONLY, 0);
		return fd < 0 ? err_errno(e, -fd, "namespace %s", path)
			      : criu_inherit(c, key, fd, e);
	}
	if (stat(path, &st) < 0)
		return err_errno(e, errno, "namespace %s", path);
	snprintf(text, sizeof(text), "%s[%llu]:%s", word, (unsigned long long)st.st_ino, key);
	pb_text(&c->options, CRIU_EXTERNAL, text);
	return 0;
}

static int put_namespaces(struct criu *c, const struct container *config, struct err *e)
{
	const char *net = config->ns[NS_NET].path, *pid = config->ns[NS_PID].path;
	int r = 0;

	if (!config->ns[NS_MNT].listed)
		return err_set(e, EOPNOTSUPP,
			       "linux.namespaces: criu does not know a root that is mounted "
			       "nowhere, as one without a mount namespace has it");
	r = net && *net ? put_namespace(c, "net", "extRootNetNS", net, e) : 0;

	return r == 0 && pid && *pid ? put_namespace(c, "pid", "extRootPidNS", pid, e) : r;
}

/* Where there is no iptables, criu can hold connections by nftables as well. */
static void put_network_lock(struct criu *c)
{
	static const char *const places[] = { "/usr/sbin/iptables-restore",
					      "/sbin/iptables-restore",
					      "/usr/local/sbin/iptables-restore" };

	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (access(places[i], X_OK) == 0)
			return;
	pb_int(&c->options, CRIU_NETWORK_LOCK, 2);
}

int criu_prepare(struct criu *c, const struct oci *o, enum criu_request request,
		 const struct checkpoint_options *opt, const struct container *config,
		 struct err *e)
{
	const char *images = opt->image_path ? opt->image_path : "checkpoint";
	const char *work = opt->work_path ? opt->work_path : images;
	struct buf *b = &c->options;
	int r;

	c->program = o->criu;
	c->request = request;
	c->log = request == CRIU_RESTORE ? "restore.log" : "dump.log";
	c->work_path = work;
	r = c->images_fd = open_dir("--image-path", images, e);
	if (r >= 0)
		r = c->work_fd = open_dir("--work-path", work, e);
	if (r < 0)
		return r;
	pb_int(b, CRIU_IMAGES_DIR_FD, (uint64_t)c->images_fd);
	pb_int(b, CRIU_WORK_DIR_FD, (uint64_t)c->work_fd);
	pb_text(b, CRIU_LOG_FILE, c->log);
	pb_int(b, CRIU_LOG_LEVEL, CRIU_LOG_ALL);
	pb_int(b, CRIU_NOTIFY_SCRIPTS, 1);
	pb_int(b, CRIU_ORPHAN_PTS_MASTER, 1);
	put_flags(b, opt);
	put_mounts(c, config);
	put_network_lock(c);
	if (opt->status_fd)
		pb_int(b, CRIU_STATUS_FD, opt->status_fd);
	if (opt->parent_path)
		pb_text(b, CRIU_PARENT_IMG, opt->parent_path);
	r = put_cgroup_mode(c, opt->manage_cgroups_mode, e);
	if (r == 0)
		r = put_empty_ns(c, &opt->empty_ns, e);
	if (r == 0)
		r = put_page_server(c, opt->page_server, e);
	return r == 0 ? put_namespaces(c, config, e) : r;
}

void criu_done(struct criu *c)
{
	for (unsigned i = 0; i < c->n_fds; i++)
		cleanup_fd(&c->fds[i]);
	c->n_fds = 0;
	cleanup_fd(&c->work_fd);
	cleanup_fd(&c->images_fd);
	cleanup_fd(&c->master_fd);
	cleanup_fd(&c->home_ns);
	cleanup_fd(&c->home_root);
	cleanup_fd(&c->home_dir);
	buf_done(&c->options);
}

/* ---- a mount namespace of our own ---- */

int criu_enter(struct criu *c, const char *rootfs, struct err *e)
{
	c->home_ns = sys_openat(AT_FDCWD, "/proc/self/ns/mnt", O_RDONLY, 0);
	c->home_root = sys_openat(AT_FDCWD, "/", O_PATH | O_DIRECTORY, 0);
	c->home_dir = sys_openat(AT_FDCWD, ".", O_PATH | O_DIRECTORY, 0);
	if (c->home_ns < 0 || c->home_root < 0 || c->home_dir < 0)
		return err_set(e, EIO, "restore: cannot tell where we are");
	if (sys_unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0 ||
	    mount(rootfs, rootfs, NULL, MS_BIND | MS_REC, NULL) < 0)
		return err_errno(e, errno, "restore: make %s a mount", rootfs);
	return 0;
}

int criu_leave(struct criu *c, struct err *e)
{
	int ns = TAKE_FD(c->home_ns), root = TAKE_FD(c->home_root), dir = TAKE_FD(c->home_dir);
	bool left = ns < 0 || (setns(ns, CLONE_NEWNS) == 0 && fchdir(root) == 0 &&
			       chroot(".") == 0 && fchdir(dir) == 0);

	cleanup_fd(&ns);
	cleanup_fd(&root);
	cleanup_fd(&dir);
	return left ? 0 : err_errno(e, errno, "restore: leave the mount namespace");
}

/* ---- criu, our child ---- */

/* Numbers that none of ours has, first: they must not be written over while they are moved. */
static void take_places(const struct criu *c, int socket_fd)
{
	int high[CRIU_FDS_MAX + 1];

	high[0] = fcntl(socket_fd, F_DUPFD_CLOEXEC, 100);
	for (unsigned i = 0; i < c->n_fds; i++)
		high[i + 1] = fcntl(c->fds[i], F_DUPFD_CLOEXEC, 100);
	for (unsigned i = 0; i <= c->n_fds; i++)
		dup2(high[i], SOCKET_FD + (int)i);
	sys_close_range(CRIU_FD_FIRST + c->n_fds, ~0U, 0);
}

static _Noreturn void be_criu(const struct criu *c, int socket_fd)
{
	char number[8];

	signal(SIGPIPE, SIG_DFL);
	/* It would complain that no second request comes; what matters is in its log. */
	if (c->request == CRIU_PRE_DUMP)
		dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), 2);
	take_places(c, socket_fd);
	snprintf(number, sizeof(number), "%d", SOCKET_FD);
	execlp(c->program, c->program, "swrk", number, (char *)NULL);
	_exit(127);
}

/*
 * What criu restores stays in the cgroup that it is in itself, if it is told that this takes the
 * place of the one that it remembers.
 */
static int enter_cgroup(struct criu *c, int pid, struct err *e)
{
	char path[32], line[4096];
	_cleanup_file_ FILE *f = NULL;
	int r = cg_attach(c->cgroup, pid, false, e);

	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "/proc/%d/cgroup", pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		_cleanup_buf_ struct buf root = { 0 };
		char *controller = strchr(line, ':'), *where;

		line[strcspn(line, "\n")] = 0;
		where = controller ? strchr(controller + 1, ':') : NULL;
		if (!where)
			continue;
		if (where > controller + 1) /* v2 has no name */
			pb_bytes(&root, 1, controller + 1, (size_t)(where - controller - 1));
		pb_text(&root, 2, where + 1);
		pb_bytes(&c->options, CRIU_CG_ROOT, root.data, root.len);
	}
	return f ? 0 : err_errno(e, errno, "%s", path);
}

static int spawn(struct criu *c, int socket_fd, int *pid, struct err *e)
{
	*pid = fork();
	if (*pid == 0)
		be_criu(c, socket_fd);
	if (*pid < 0)
		return err_errno(e, errno, "start criu");
	return c->cgroup && c->cgroup->n ? enter_cgroup(c, *pid, e) : 0;
}

/* ---- the talk ---- */

struct reply {
	uint64_t type, success, error, pid;
	char message[256], script[64];
};

static void copy_text(char *out, size_t room, const struct pb_field *f)
{
	size_t n = MIN(f->len, room - 1);

	memcpy(out, f->data, n);
	while (n > 0 && out[n - 1] == '\n')
		n--;
	out[n] = 0;
}

/* Field 1 of criu_restore_resp is the pid, and of criu_notify the script. */
static void read_below(struct reply *out, const struct pb_field *message)
{
	struct pb_in in = { (const unsigned char *)message->data,
			    (const unsigned char *)message->data + message->len };
	struct pb_field f;

	while (pb_next(&in, &f)) {
		if (message->number == 4 && f.number == 1)
			out->pid = f.value;
		if (message->number == 5 && f.number == 1 && f.data)
			copy_text(out->script, sizeof(out->script), &f);
	}
}

static bool read_reply(const char *data, size_t len, struct reply *out)
{
	struct pb_in in = { (const unsigned char *)data, (const unsigned char *)data + len };
	struct pb_field f;

	*out = (struct reply){ 0 };
	while (pb_next(&in, &f)) {
		if (f.number == 1)
			out->type = f.value;
		else if (f.number == 2)
			out->success = f.value;
		else if ((f.number == 4 || f.number == 5) && f.data)
			read_below(out, &f);
		else if (f.number == 7)
			out->error = f.value;
		else if (f.number == 9 && f.data)
			copy_text(out->message, sizeof(out->message), &f);
	}
	return in.at == in.end && out->type;
}

static int ask(const struct criu *c, int fd)
{
	_cleanup_buf_ struct buf request = { 0 };

	pb_int(&request, 1, c->request);
	pb_bytes(&request, 2, c->options.data, c->options.len);
	if (request.failed || c->options.failed)
		return -ENOMEM;
	return (int)sys_write(fd, request.data, request.len);
}

static int agree(int fd)
{
	_cleanup_buf_ struct buf answer = { 0 };

	pb_int(&answer, 1, CRIU_NOTIFY);
	pb_int(&answer, 3, 1);
	return answer.failed ? -ENOMEM : (int)sys_write(fd, answer.data, answer.len);
}

static int say_failure(const struct criu *c, const struct reply *reply, struct err *e)
{
	int code = reply->error ? (int)reply->error : EIO;

	return err_set(e, code, "criu: %s failed%s%s; %s/%s tells more",
		       c->request == CRIU_RESTORE ? "restore" : "dump", *reply->message ? ": " : "",
		       reply->message, c->work_path, c->log);
}

static int say_gone(const struct criu *c, struct err *e)
{
	return err_set(e, EPROTO,
		       "criu: it ended without an answer; is it installed (package criu)? %s/%s "
		       "may tell more",
		       c->work_path, c->log);
}

/* Until criu has done it. It asks at every stage whether it may go on, and passes a terminal. */
static int converse(struct criu *c, int fd, struct err *e)
{
	_cleanup_free_ char *data = malloc(REPLY_MAX);
	struct reply reply;
	int r = data ? ask(c, fd) : -ENOMEM;

	while (r >= 0) {
		int got = -1;
		unsigned n_fds = 1;
		ssize_t n = sys_recv_fds(fd, data, REPLY_MAX, &got, &n_fds, 0);

		if (n == -EINTR)
			continue;
		if (n <= 0 || !read_reply(data, (size_t)n, &reply))
			return say_gone(c, e);
		if (n_fds == 1 && str_eq(reply.script, "orphan-pts-master"))
			c->master_fd = got;
		else if (n_fds == 1)
			cleanup_fd(&got);
		if (reply.type == CRIU_NOTIFY) {
			r = agree(fd);
			continue;
		}
		c->pid = (int)reply.pid;
		return reply.success ? 0 : say_failure(c, &reply, e);
	}
	return r == -EPIPE ? say_gone(c, e) : err_errno(e, -r, "ask criu");
}

/* After a pre-dump it waits for another request. What it still says is of no interest. */
static void take_leave(int fd)
{
	char rest[256];

	shutdown(fd, SHUT_WR);
	while (sys_read(fd, rest, sizeof(rest)) > 0)
		;
	close(fd);
}

int criu_run(struct criu *c, struct err *e)
{
	int sockets[2], pid = 0, r, status;

	r = sys_socketpair(AF_UNIX, SOCK_SEQPACKET, sockets);
	if (r < 0)
		return err_errno(e, -r, "talk to criu");
	r = spawn(c, sockets[1], &pid, e);
	cleanup_fd(&sockets[1]);
	if (r == 0)
		r = converse(c, sockets[0], e);
	take_leave(sockets[0]);
	if (pid > 0)
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
	return r;
}
