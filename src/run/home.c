/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * HOME of a container's process, where its environment has none: what the /etc/passwd of its own
 * root says, or "/". Runs in the init, which is in that root by then. Child-safe.
 */
#include <string.h>

#include "run/run.h"
#include "sys/mnt.h"

#define FILE_MAX (1 << 20) /* of it is read */

enum { FIELD_UID = 2, FIELD_HOME = 5 };

/* name:password:uid:gid:gecos:home:shell */
struct line {
	unsigned field;
	uint64_t uid;
	bool is_number; /* the uid, as far as it was read */
	unsigned digits;
	size_t len;
	char home[512];
};

/* Also a home that is no path, or too long, counts as none. */
static bool is_found(const struct line *l, uint32_t uid)
{
	return l->field >= FIELD_HOME && l->is_number && l->digits && l->uid == uid &&
	       l->home[0] == '/' && l->len < sizeof(l->home);
}

static void take(struct line *l, char c)
{
	if (c == ':') {
		l->field++;
		l->is_number |= l->field == FIELD_UID;
		return;
	}
	if (l->field == FIELD_UID) {
		l->is_number &= c >= '0' && c <= '9' && l->uid <= UINT32_MAX;
		l->uid = l->is_number ? l->uid * 10 + (uint64_t)(c - '0') : 0;
		l->digits++;
	} else if (l->field == FIELD_HOME) {
		if (l->len < sizeof(l->home))
			l->home[l->len] = c;
		l->len++;
	}
}

static bool find(int fd, uint32_t uid, struct line *l)
{
	char block[4096];
	ssize_t n;

	memset(l, 0, sizeof(*l));
	for (size_t total = 0; total < FILE_MAX; total += (size_t)n) {
		n = sys_read(fd, block, sizeof(block));
		for (ssize_t i = 0; i < n; i++) {
			if (block[i] != '\n') {
				take(l, block[i]);
				continue;
			}
			if (is_found(l, uid))
				return true;
			memset(l, 0, sizeof(*l));
		}
		if (n <= 0)
			break;
	}
	return is_found(l, uid);
}

/* The image's: a link in it leads to no descriptor of ours, and a pipe or device is not read. */
static int open_passwd(void)
{
	int fd = sys_openat2(AT_FDCWD, "/etc/passwd", O_RDONLY | O_NONBLOCK | O_NOCTTY,
			     RESOLVE_NO_MAGICLINKS);
	struct statx sx;

	if (fd >= 0 &&
	    (sys_statx(fd, "", AT_EMPTY_PATH, STATX_TYPE, &sx) < 0 || !S_ISREG(sx.stx_mode))) {
		sys_close(fd);
		return -1;
	}
	return fd;
}

size_t want_home(const struct run *r)
{
	return r->seal->find_home;
}

/* Check has put it there, empty. */
int act_home(struct run *r, size_t i)
{
	static char home[sizeof("HOME=") + sizeof(((struct line *)NULL)->home)] = "HOME=/";
	struct line line;
	int fd = open_passwd();
	char **env = r->program->envp;

	(void)i;
	if (fd >= 0 && find(fd, r->seal->uid, &line))
		memcpy(home + strlen("HOME="), line.home, line.len + 1);
	if (fd >= 0)
		sys_close(fd);
	for (; *env; env++)
		if (strncmp(*env, "HOME=", sizeof("HOME=")) == 0)
			*env = home;
	return 0;
}
