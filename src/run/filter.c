/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From the words of `seccomp` to instructions: the built-in filter, none, or a file's. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "run/run.h"
#include "sec/bpf.h"
#include "sec/seccomp.h"
#include "spec/scmp_json.h"
#include "sys/fd.h"
#include "sys/security.h"

#define FILE_MAX (4U << 20)

static int read_file(struct arena *a, const char *path, char **out, size_t *out_len, struct err *e)
{
	_cleanup_fd_ int fd = sys_openat(AT_FDCWD, path, O_RDONLY | O_NOCTTY, 0);
	struct stat st;
	size_t len = 0;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(e, fd < 0 ? -fd : errno, "seccomp %s", path);
	if (!S_ISREG(st.st_mode) || st.st_size > FILE_MAX)
		return err_set(e, EINVAL, "seccomp %s: no regular file of up to 4 MiB", path);
	*out = arena_alloc(a, (size_t)st.st_size + 1);
	if (!*out)
		return err_errno(e, ENOMEM, "seccomp %s", path);
	while (len < (size_t)st.st_size) {
		ssize_t n = sys_read(fd, *out + len, (size_t)st.st_size - len);

		if (n < 0)
			return err_errno(e, (int)-n, "seccomp %s", path);
		if (n == 0)
			break;
		len += (size_t)n;
	}
	*out_len = len;
	return 0;
}

static bool looks_like_json(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] != ' ' && text[i] != '\t' && text[i] != '\n' && text[i] != '\r')
			return text[i] == '{';
	return false;
}

static int compile(struct spec *s, const char *text, size_t len, struct err *e)
{
	struct sock_filter *insns = arena_alloc(s->arena, BPF_MAXINSNS * sizeof(*insns));
	struct scmp_profile profile;
	size_t n = 0;
	int r;

	if (!insns)
		return err_errno(e, ENOMEM, "seccomp");
	r = scmp_parse(s->arena, text, len, s->seccomp, &profile, e);
	if (r == 0)
		r = scmp_compile(&profile, insns, BPF_MAXINSNS, &n, e);
	if (r < 0)
		return err_prefix(e, "seccomp");
	if (scmp_notifies(&profile))
		return err_set(e, EINVAL, "seccomp %s: it asks a listener, and a box has none",
			       s->seccomp);
	s->filter = insns;
	s->filter_len = (uint16_t)n;
	return 0;
}

/*
 * What the filter forbids is asked of us instead, and so becomes known: whatever fails with EPERM,
 * and what kills, where it shall kill. Other errnos are no offence: they tell a C library to fall
 * back to another call, or a program that there is no such network.
 */
static int must_allow(const struct spec *s, struct err *e)
{
	/* What the command's process still calls when the filter is there. */
	static const struct {
		int nr;
		const char *name;
	} needed[] = {
		{ SYS_sendmsg, "sendmsg" },     { SYS_close, "close" }, { SYS_execve, "execve" },
		{ SYS_faccessat, "faccessat" }, { SYS_statx, "statx" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(needed); i++)
		if (seccomp_decide(s->filter, s->filter_len, needed[i].nr) != SECCOMP_RET_ALLOW)
			return err_set(e, EINVAL,
				       "seccomp-action: needs a filter that allows %s, for the "
				       "command's process to hand on who is asked, and to start",
				       needed[i].name);
	return 0;
}

static int ask_for_denied(struct spec *s, struct err *e)
{
	struct sock_filter *own = arena_alloc(s->arena, s->filter_len * sizeof(*own));

	if (!own)
		return err_errno(e, ENOMEM, "seccomp");
	memcpy(own, s->filter, s->filter_len * sizeof(*own));
	for (unsigned i = 0; i < s->filter_len; i++) {
		uint32_t action = own[i].k & SECCOMP_RET_ACTION_FULL;
		bool kills =
			action == SECCOMP_RET_KILL_PROCESS || action == SECCOMP_RET_KILL_THREAD;

		if (own[i].code != (BPF_RET | BPF_K))
			continue;
		if (own[i].k == (SECCOMP_RET_ERRNO | EPERM) ||
		    (kills && s->watch.denied == DENIED_KILL))
			own[i].k = SECCOMP_RET_USER_NOTIF;
	}
	s->filter = own;
	s->filter_flags = SECCOMP_FILTER_FLAG_NEW_LISTENER;
	return 0;
}

static int read_filter(struct spec *s, struct err *e)
{
	char *data = NULL;
	size_t len = 0;
	int r;

	s->filter = NULL;
	s->filter_len = 0;
	if (str_eq(s->seccomp, "none"))
		return 0;
	if (str_eq(s->seccomp, "default")) {
		s->filter = seccomp_default_insns;
		s->filter_len = seccomp_default_len;
		return 0;
	}
	r = read_file(s->arena, s->seccomp, &data, &len, e);
	if (r < 0)
		return r;
	if (looks_like_json(data, len))
		return compile(s, data, len, e);
	r = seccomp_check_raw(data, len, e);
	if (r < 0)
		return err_prefix(e, "seccomp %s", s->seccomp);
	s->filter = (const struct sock_filter *)(const void *)data;
	s->filter_len = (uint16_t)(len / sizeof(struct sock_filter));
	return 0;
}

int filter_prepare(struct spec *s, struct err *e)
{
	int r = read_filter(s, e);

	if (r < 0 || !s->filter || s->watch.denied == DENIED_ERRNO)
		return r;
	r = must_allow(s, e);
	if (r < 0)
		return r;
	return ask_for_denied(s, e);
}
