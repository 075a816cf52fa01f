/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Looking at containers: as few system calls for each as can be, because there may be many. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/jsonout.h"
#include "state/layout.h"
#include "sys/fd.h"
#include "sys/process.h"
#include "sys/sock.h"

bool state_id_valid(const char *id)
{
	static const char first[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_+-";
	size_t len = strlen(id);

	if (len == 0 || len > STATE_ID_MAX || !strchr(first, id[0]))
		return false;
	for (id += strspn(id, first); *id == '.'; id += strspn(id, first))
		id++;
	return *id == 0;
}

int state_id_refused(const char *id, struct err *e)
{
	if (strlen(id) > STATE_ID_MAX)
		return err_set(e, EINVAL,
			       "\"%.64s...\" cannot be a container's id: it has more than %d "
			       "characters",
			       id, STATE_ID_MAX);
	return err_set(e, EINVAL,
		       "\"%.64s\" cannot be a container's id: letters, digits, _, +, - and, not as "
		       "the first, .",
		       id);
}

const char *status_name(enum status s)
{
	static const char *const names[] = {
		[STATUS_CREATING] = "creating", [STATUS_CREATED] = "created",
		[STATUS_RUNNING] = "running",   [STATUS_PAUSED] = "paused",
		[STATUS_STOPPED] = "stopped",
	};

	return names[s];
}

/*
 * The beginning of a file, `room - 1` bytes at most, with a NUL behind; the count, or -errno. Files
 * of tmpfs, proc and cgroups give all they have at once.
 */
static ssize_t read_start(int dir_fd, const char *path, char *out, size_t room)
{
	_cleanup_fd_ int fd = sys_openat(dir_fd, path, O_RDONLY | O_NOFOLLOW, 0);
	ssize_t n = fd < 0 ? fd : sys_read(fd, out, room - 1);

	if (n >= 0)
		out[n] = 0;
	return n;
}

/* ---- processes ---- */

int state_process(int pid, uint64_t *start, bool *ended)
{
	char path[32], text[1024];
	const char *p;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	n = read_start(AT_FDCWD, path, text, sizeof(text));
	if (n < 0)
		return n == -ENOENT || n == -ESRCH ? -ESRCH : (int)n;
	/* The name may hold anything, blanks and brackets too; its own bracket is the last one. */
	p = strrchr(text, ')');
	if (!p || p[1] != ' ')
		return -EIO;
	p += 2;
	*ended = *p == 'Z' || *p == 'X';
	for (int field = 3; field < 22 && p; field++) { /* the 22nd is the start (proc(5)) */
		/* The 20th is how many threads: the first of them alone may have ended. */
		if (field == 20 && *ended && strncmp(p, " 1 ", 3) != 0 && strncmp(p, " 0 ", 3) != 0)
			*ended = false;
		p = strchr(p + 1, ' ');
	}
	if (!p)
		return -EIO;
	p++;
	return str_take_u64(&p, start);
}

#define PIDFS_MAGIC 0x50494446
#define BOOT_FILE   "/proc/sys/kernel/random/boot_id"

void state_boot(char out[STATE_BOOT_SIZE])
{
	if (read_start(AT_FDCWD, BOOT_FILE, out, STATE_BOOT_SIZE) < 0)
		out[0] = 0;
	out[strcspn(out, "\n")] = 0;
}

static int inode_of(int pidfd, uint64_t *out)
{
	struct statx st = { 0 };
	int r = sys_statx(pidfd, "", AT_EMPTY_PATH, STATX_INO, &st);

	if (r == 0)
		*out = st.stx_ino;
	return r;
}

/* Before, all pidfds have one inode together. */
int state_pid_inode(int pid, uint64_t *out)
{
	_cleanup_fd_ int fd = sys_pidfd_open(pid, 0);
	struct statfs fs;
	int r = fd < 0 ? fd : sys_fstatfs(fd, &fs);

	if (r == 0 && fs.f_type != PIDFS_MAGIC)
		r = -EOPNOTSUPP;
	return r < 0 ? r : inode_of(fd, out);
}

/* A pidfd can be read when its process has ended. */
static bool is_alive_by_inode(const struct state *s)
{
	_cleanup_fd_ int fd = sys_pidfd_open(s->pid, 0);
	struct pollfd ended = { fd, POLLIN, 0 };
	uint64_t inode;

	return fd >= 0 && inode_of(fd, &inode) == 0 && inode == s->pid_inode &&
	       sys_poll(&ended, 1, 0) == 0;
}

static bool is_alive(const struct state *s)
{
	uint64_t start;
	bool ended;

	return s->pid > 0 && state_process(s->pid, &start, &ended) == 0 && !ended &&
	       start == s->pid_start;
}

int state_pidfd(const struct state *s)
{
	_cleanup_fd_ int fd = -1;

	if (s->pid <= 0)
		return -ESRCH;
	/* First the descriptor, then the look: what it holds cannot change any more. */
	fd = sys_pidfd_open(s->pid, 0);
	if (fd < 0)
		return fd;
	return is_alive(s) ? TAKE_FD(fd) : -ESRCH;
}

/* ---- status ---- */

/*
 * The walk to a cgroup is half of the price of a look into it, and most are in one directory. What
 * is left of `path` below the one that is open.
 */
static const char *below_same_dir(struct state_look *look, const char *path)
{
	const char *file = strrchr(path, '/');
	const char *name = file ? memrchr(path, '/', (size_t)(file - path)) : NULL;
	size_t len = name ? (size_t)(name - path) : 0;

	if (len == 0 || len >= sizeof(look->dir))
		return NULL;
	if (look->dir_fd < 0 || strncmp(look->dir, path, len) != 0 || look->dir[len]) {
		state_look_done(look);
		memcpy(look->dir, path, len);
		look->dir[len] = 0;
		look->dir_fd = sys_openat(AT_FDCWD, look->dir, O_PATH | O_DIRECTORY, 0);
	}
	return look->dir_fd < 0 ? NULL : name + 1;
}

void state_look_done(struct state_look *look)
{
	cleanup_fd(&look->dir_fd);
	look->dir_fd = -1;
}

/* "1" in cgroup.freeze, "frozen 1" in cgroup.events, FROZEN in the freezer.state of v1. */
static bool is_frozen(struct state_look *look, const struct state *s)
{
	const char *below = look && s->freezer ? below_same_dir(look, s->freezer) : NULL;
	char text[128];

	if (!s->freezer || read_start(below ? look->dir_fd : AT_FDCWD, below ? below : s->freezer,
				      text, sizeof(text)) <= 0)
		return false;
	return text[0] == '1' || str_starts(text, "FROZEN") || strstr(text, "frozen 1");
}

/* Somebody holds the lock of ROOT/ID. */
static bool is_locked(int root_fd, const char *id)
{
	char path[STATE_ID_MAX + sizeof("/" LOCK_FILE)];
	_cleanup_fd_ int fd = -1;

	snprintf(path, sizeof(path), "%s/%s", id, LOCK_FILE);
	fd = sys_openat(root_fd, path, O_RDONLY | O_NOFOLLOW, 0);
	return fd >= 0 && sys_flock(fd, LOCK_SH | LOCK_NB) == -EWOULDBLOCK;
}

static bool is_of_this_boot(struct state_look *look, const struct state *s)
{
	if (!look || !s->pid_inode || !s->boot)
		return false;
	if (!*look->boot)
		state_boot(look->boot);
	return str_eq(s->boot, look->boot);
}

/*
 * By way of its directory: a path of a socket has only 108 characters. A socket of another type
 * than the one that listens: it is told that there is one, and never stands in its queue.
 */
bool state_was_started(int root_fd, const char *id)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	_cleanup_fd_ int dir_fd = sys_openat(root_fd, id, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);
	_cleanup_fd_ int fd = sys_socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	if (dir_fd < 0 || fd < 0)
		return false;
	snprintf(to.sun_path, sizeof(to.sun_path), "/proc/self/fd/%d/" START_SOCKET, dir_fd);
	return connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0 && errno == ECONNREFUSED;
}

enum status state_status(const struct state *s, int root_fd)
{
	return state_status_next(NULL, s, root_fd);
}

enum status state_status_next(struct state_look *look, const struct state *s, int root_fd)
{
	bool by_inode = s->pid > 0 && is_of_this_boot(look, s);
	bool alive = by_inode ? is_alive_by_inode(s) : is_alive(s);

	if (s->phase == PHASE_CREATING)
		return alive || is_locked(root_fd, s->id) ? STATUS_CREATING : STATUS_STOPPED;
	if (!alive)
		return STATUS_STOPPED;
	if (is_frozen(look, s))
		return STATUS_PAUSED;
	if (s->phase == PHASE_STARTED || (root_fd >= 0 && state_was_started(root_fd, s->id)))
		return STATUS_RUNNING;
	return STATUS_CREATED;
}

/* ---- state.json ---- */

struct state_text {
	const char *data;
	size_t len;
};

/* What a file has behind its beginning: engines' annotations may be long. */
static int read_rest(int fd, struct buf *out)
{
	char piece[8192];
	ssize_t n;

	do {
		n = sys_read(fd, piece, sizeof(piece));
		if (n > 0)
			buf_put(out, piece, (size_t)n);
		if (out->failed || out->len > STATE_MAX)
			return out->failed ? -ENOMEM : -EFBIG;
	} while (n == sizeof(piece));
	return n < 0 ? (int)n : 0;
}

/*
 * Its text goes to the arena. A short read is the end: it is a plain file, and replaced as a whole.
 * Nothing is allocated to be freed again: where threads read many, each would wait for the others.
 */
static int read_state(struct arena *a, int root_fd, const char *path, struct state_text *out)
{
	_cleanup_fd_ int fd = sys_openat(root_fd, path, O_RDONLY | O_NOFOLLOW, 0);
	_cleanup_buf_ struct buf whole = { 0 };
	char piece[8192];
	ssize_t n = fd < 0 ? fd : sys_read(fd, piece, sizeof(piece));
	int r = 0;

	if (n < 0)
		return (int)n;
	if (n == sizeof(piece)) {
		buf_put(&whole, piece, sizeof(piece));
		r = read_rest(fd, &whole);
	}
	out->len = whole.len ? whole.len : (size_t)n;
	out->data = r == 0 ? arena_strndup(a, whole.data ? whole.data : piece, out->len) : NULL;
	return r == 0 && !out->data ? -ENOMEM : r;
}

/* Without any: is there a directory at all? */
static int load_unfinished(int root_fd, const char *id, struct state *out, struct err *e)
{
	int r = sys_faccessat(root_fd, id, 0);

	if (r == -ENOENT)
		return err_set(e, ENOENT, "container \"%.64s\" does not exist", id);
	if (r < 0)
		return err_errno(e, -r, "state of %s", id);
	*out = (struct state){ .id = id };
	return 0;
}

/* Which one it is goes to `path`. */
static int read_newest(struct arena *a, int root_fd, const char *id, char *path, size_t room,
		       struct state_text *out)
{
	/* The last again: it may have come while we looked for what was before it. */
	static const char *const names[] = { STATE_FILE, CREATING_FILE, STATE_FILE };
	int r = -ENOENT;

	for (size_t i = 0; r == -ENOENT && i < ARRAY_SIZE(names); i++) {
		snprintf(path, room, "%s/%s", id, names[i]);
		r = read_state(a, root_fd, path, out);
	}
	return r;
}

int state_load(struct arena *a, int root_fd, const char *id, struct state *out, struct err *e)
{
	char path[STATE_ID_MAX + sizeof("/" CREATING_FILE)];
	struct state_text text;
	int r;

	if (!state_id_valid(id))
		return state_id_refused(id, e);
	r = read_newest(a, root_fd, id, path, sizeof(path), &text);
	id = arena_strdup(a, id);
	if (!id)
		r = -ENOMEM;
	if (r == -ENOENT)
		return load_unfinished(root_fd, id, out, e);
	if (r < 0)
		return err_errno(e, -r, "state of %s", path);
	r = state_read(a, text.data, text.len, path, out, e);
	if (r == 0)
		out->id = id;
	return r;
}

/* ---- the list ---- */

/* linux_dirent64 of getdents64(2), which no header has. */
struct entry {
	uint64_t ino;
	int64_t off;
	uint16_t size;
	uint8_t type;
	char name[];
};

static int add_id(struct arena *a, const struct entry *d, strings *out)
{
	const char **slot;

	if ((d->type != DT_DIR && d->type != DT_UNKNOWN) || !state_id_valid(d->name))
		return 0;
	slot = arena_push(a, &out->items, &out->n, sizeof(*slot));
	if (slot)
		*slot = arena_strdup(a, d->name);
	return slot && *slot ? 0 : -ENOMEM;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int state_list(struct arena *a, int root_fd, strings *out)
{
	_Alignas(struct entry) char block[32768];
	strings list = { 0 };
	ssize_t n;
	int r = 0;

	while ((n = sys_getdents(root_fd, block, sizeof(block))) > 0) {
		for (ssize_t at = 0; at < n && r == 0;) {
			const struct entry *d = (const struct entry *)(block + at);

			if (*d->name == '.')
				state_sweep(root_fd, d->name);
			else
				r = add_id(a, d, &list);
			at += d->size;
		}
		if (r < 0)
			return r;
	}
	if (n < 0)
		return (int)n;
	if (list.n)
		qsort(list.items, list.n, sizeof(*list.items), by_name);
	*out = list;
	return 0;
}

static bool is_leap(int64_t year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Without gmtime_r(3), which reads the file of the time zone first. */
void state_time(char out[STATE_TIME_SIZE], int64_t seconds, long ns)
{
	static const int lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int64_t day = MAX(seconds, 0) / 86400, in_day = MAX(seconds, 0) % 86400, year = 1970;
	int month = 0;

	for (; year < 9999 && day >= 365 + is_leap(year); year++)
		day -= 365 + is_leap(year);
	for (; month < 11; month++) {
		int length = lengths[month] + (month == 1 && is_leap(year));

		if (day < length)
			break;
		day -= length;
	}
	snprintf(out, STATE_TIME_SIZE, "%04d-%02d-%02dT%02d:%02d:%02d.%09ldZ", (int)year, month + 1,
		 (int)day + 1, (int)(in_day / 3600), (int)(in_day / 60 % 60), (int)(in_day % 60),
		 ns);
}

void state_now(char out[STATE_TIME_SIZE])
{
	struct timespec now = { 0 };

	sys_clock_gettime(CLOCK_REALTIME, &now);
	state_time(out, now.tv_sec, now.tv_nsec);
}
