/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is found, how it is called, how it is printed. */
#include <errno.h>
#include <linux/magic.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/say.h"
#include "look/look.h"

int ns_world(unsigned flags, struct holm_world **out)
{
	struct holm_error e;

	return holm_world_new(flags, out, &e) < 0 ? out_error("%s", e.text) : 0;
}

/* ---- targets ---- */

static int target_by_number(const struct holm_world *w, const char *word, uint64_t number,
			    struct ns_target *out)
{
	struct holm_process p;
	struct holm_ns n;

	*out = (struct ns_target){ 0 };
	if (number <= 0x7fffffff && holm_world_process_find(w, (int)number, &p) == 0)
		out->pid = (int)number;
	else if (holm_world_find(w, number, &n) == 0)
		out->inode = number;
	else
		return out_error(
			"ns %s: there is no process and no namespace %llu (holm ns ls lists "
			"what there is)",
			word, (unsigned long long)number);
	return 0;
}

static int target_by_file(const struct holm_world *w, const char *word, const char *path,
			  struct ns_target *out)
{
	struct statfs fs;
	struct stat st;
	struct holm_ns n;

	if (statfs(path, &fs) < 0 || stat(path, &st) < 0)
		return out_error("ns %s: %s: %s", word, path, err_words(errno));
	if (fs.f_type != NSFS_MAGIC)
		return out_error("ns %s: %s: is no namespace; such files are /proc/PID/ns/net and "
				 "/run/netns/NAME",
				 word, path);
	if (holm_world_find(w, st.st_ino, &n) < 0)
		return out_error("ns %s: %s: its namespace is not for you to see", word, path);
	*out = (struct ns_target){ .inode = st.st_ino };
	return 0;
}

/* The first process of what is called so; or, where nobody is, the namespace. */
static int target_by_name(const struct holm_world *w, const char *word, const char *name,
			  struct ns_target *out)
{
	struct holm_ns n, found = { 0 };

	for (size_t i = 0; holm_world_ns(w, i, &n) == 0; i++)
		if (str_eq(n.name, name) && (!found.inode || (!found.pid && n.pid)))
			found = n;
	if (!found.inode)
		return out_error(
			"ns %s: nothing is called \"%s\" (holm ns ls lists names; a target "
			"is a pid, a name, an inode or a file)",
			word, name);
	*out = (struct ns_target){ .pid = found.pid, .inode = found.inode };
	/* A name of ip-netns is one of that namespace alone. */
	if (str_eq(found.given_by, "netns"))
		out->pid = 0;
	return 0;
}

int ns_find_target(const struct holm_world *w, const char *word, const char *text,
		   struct ns_target *out)
{
	const char *digits = strchr(text, '[');
	uint64_t number;

	if (strchr(text, '/'))
		return target_by_file(w, word, text, out);
	digits = digits ? digits + 1 : text;
	if (str_take_u64(&digits, &number) == 0 && (!*digits || str_eq(digits, "]")))
		return target_by_number(w, word, number, out);
	return target_by_name(w, word, text, out);
}

int ns_find_process(const struct holm_world *w, const char *word, const char *text,
		    struct holm_process *out)
{
	struct ns_target t;
	struct holm_ns n;
	int r = ns_find_target(w, word, text, &t);

	if (r)
		return r;
	if (!t.pid && holm_world_find(w, t.inode, &n) == 0)
		t.pid = n.pid;
	if (!t.pid || holm_world_process_find(w, t.pid, out) < 0)
		return out_error("ns %s: %s: no process is in it", word, text);
	return 0;
}

int ns_find_namespace(const struct holm_world *w, const char *word, const char *text,
		      enum holm_ns_type type, struct holm_ns *out)
{
	struct holm_process p = { 0 };
	struct ns_target t;
	int r = ns_find_target(w, word, text, &t);

	if (r)
		return r;
	if (t.pid && holm_world_process_find(w, t.pid, &p) == 0)
		t.inode = p.ns[type];
	if (holm_world_find(w, t.inode, out) < 0)
		return out_error("ns %s: %s: its namespaces are not for you to see", word, text);
	if (out->type != type)
		return out_error("ns %s: %s: is a %s namespace, and %s is wanted", word, text,
				 holm_ns_type_name(out->type), holm_ns_type_name(type));
	return 0;
}

/* ---- words ---- */

const char *ns_label(unsigned type, uint64_t inode, char out[NS_LABEL_MAX])
{
	if (inode)
		snprintf(out, NS_LABEL_MAX, "%s:[%llu]", holm_ns_type_name(type),
			 (unsigned long long)inode);
	else
		snprintf(out, NS_LABEL_MAX, "-");
	return out;
}

/* Not by getpwuid(3), which loads libraries: this program is static. */
const char *ns_user(uint32_t uid, char out[NS_USER_MAX])
{
	static uint32_t last = HOLM_NOBODY;
	static char name[NS_USER_MAX];
	_cleanup_file_ FILE *f = NULL;
	const struct passwd *p;

	if (uid == HOLM_NOBODY)
		return "-";
	if (uid != last) {
		f = fopen("/etc/passwd", "re");
		snprintf(name, sizeof(name), "%u", uid);
		while (f && (p = fgetpwent(f)))
			if (p->pw_uid == uid) {
				snprintf(name, sizeof(name), "%s", p->pw_name);
				break;
			}
		last = uid;
	}
	return strcpy(out, name);
}

/* How many bytes the character there has; 0: it is none. */
static size_t character(const unsigned char *s)
{
	static const struct {
		unsigned char mask, head;
		unsigned min;
	} forms[] = { { 0xe0, 0xc0, 0x80 }, { 0xf0, 0xe0, 0x800 }, { 0xf8, 0xf0, 0x10000 } };

	if (*s < 0x80)
		return *s >= 0x20 && *s != 0x7f;
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		unsigned value = *s & (unsigned char)~forms[i].mask;
		size_t len = i + 2, k = 1;

		if ((*s & forms[i].mask) != forms[i].head)
			continue;
		while (k < len && (s[k] & 0xc0) == 0x80)
			value = value << 6 | (s[k++] & 0x3f);
		/* What 0x80..0x9f would do to a terminal is as bad as what 0..0x1f does. */
		return k == len && value >= MAX(forms[i].min, 0xa0U) && value <= 0x10ffff &&
				       (value < 0xd800 || value > 0xdfff)
			       ? len
			       : 0;
	}
	return 0;
}

const char *ns_clean(const char *s, char *out, size_t room)
{
	const unsigned char *at = (const unsigned char *)s;
	size_t len = 0;

	while (*at) {
		size_t n = character(at);

		if (len + MAX(n, 1U) >= room)
			break;
		if (n)
			memcpy(out + len, at, n);
		else
			out[len] = '?';
		len += MAX(n, 1U);
		at += MAX(n, 1U);
	}
	out[len] = 0;
	return out;
}

void ns_json_string(struct jsonout *j, const char *key, const char *s)
{
	char text[4200];

	jsonout_string(j, key, ns_clean(s, text, sizeof(text)));
}

void ns_json_inode(struct jsonout *j, const char *key, uint64_t inode)
{
	if (inode)
		jsonout_u64(j, key, inode);
	else
		jsonout_null(j, key);
}

void ns_say_unseen(const struct holm_world *w)
{
	struct holm_world_sum s;

	holm_world_sum(w, &s);
	if (s.unseen)
		say_line("holm",
			 "%u of %u processes are not for you to see: they have other users, or "
			 "more rights",
			 s.unseen, s.processes);
}

int ns_json_end(struct jsonout *j)
{
	_cleanup_free_ char *text = buf_take(&j->buf);

	if (!text)
		return out_error("ns: out of memory");
	puts(text);
	return ferror(stdout) ? EXIT_HOLM : 0;
}

/* ---- how it is kept ---- */

static void put_holder(struct buf *b, const struct holm_world *w, const struct holm_holder *h)
{
	struct holm_process p;
	char name[64];

	if (h->fd < 0)
		buf_printf(b, "mount %s", h->path);
	else if (holm_world_process_find(w, h->pid, &p) == 0)
		buf_printf(b, "descriptor %d of %d %s", h->fd, h->pid,
			   ns_clean(p.name, name, sizeof(name)));
}

static bool first_holder(const struct holm_world *w, uint64_t inode, bool fd,
			 struct holm_holder *out)
{
	for (size_t i = 0; holm_world_holder(w, i, out) == 0; i++)
		if (out->inode == inode && (out->fd >= 0) == fd)
			return true;
	return false;
}

static void put_child(struct buf *b, const struct holm_world *w, const struct holm_ns *n)
{
	char label[NS_LABEL_MAX];
	struct holm_ns other;

	for (size_t i = 0; holm_world_ns(w, i, &other) == 0; i++)
		if (other.parent == n->inode || other.owner == n->inode) {
			buf_printf(b, "child %s", ns_label(other.type, other.inode, label));
			return;
		}
}

static void put_for_children(struct buf *b, const struct holm_world *w, const struct holm_ns *n)
{
	struct holm_process p;

	for (size_t i = 0; holm_world_process(w, i, &p) == 0; i++)
		if (p.time_for_children == n->inode) {
			buf_printf(b, "process %d, for its children", p.pid);
			return;
		}
}

void ns_held_words(struct buf *b, const struct holm_world *w, const struct holm_ns *n)
{
	bool mounted = str_eq(n->held, "mount");
	struct holm_holder h;

	if (n->processes)
		buf_puts(b, "process");
	else if (n->threads)
		buf_printf(b, "thread of %d", n->pid);
	else if ((mounted || n->fds) && first_holder(w, n->inode, !mounted, &h))
		put_holder(b, w, &h);
	else if (n->children || n->owned)
		put_child(b, w, n);
	else
		put_for_children(b, w, n);
}

/* ---- JSON ---- */

static void json_holders(struct jsonout *j, const struct holm_world *w, const struct holm_ns *n)
{
	struct holm_holder h;

	jsonout_open(j, "holders", '[');
	for (size_t i = 0; (n->fds || n->mounts) && holm_world_holder(w, i, &h) == 0; i++) {
		if (h.inode != n->inode)
			continue;
		jsonout_open(j, NULL, '{');
		jsonout_string(j, "kind", h.fd < 0 ? "mount" : "descriptor");
		jsonout_number(j, "pid", h.pid);
		if (h.fd >= 0) {
			jsonout_number(j, "fd", h.fd);
		} else {
			ns_json_string(j, "path", h.path);
			ns_json_inode(j, "mnt", h.mnt_ns);
		}
		jsonout_close(j, '}');
	}
	jsonout_close(j, ']');
}

void ns_json_ns(struct jsonout *j, const struct holm_world *w, const struct holm_ns *n)
{
	char user[NS_USER_MAX];

	jsonout_u64(j, "inode", n->inode);
	jsonout_string(j, "type", holm_ns_type_name(n->type));
	jsonout_number(j, "processes", n->processes);
	jsonout_number(j, "threads", n->threads);
	ns_json_inode(j, "pid", (uint64_t)n->pid);
	if (n->uid != HOLM_NOBODY)
		jsonout_number(j, "uid", n->uid);
	else
		jsonout_null(j, "uid");
	jsonout_string(j, "user", ns_user(n->uid, user));
	ns_json_string(j, "command", n->command);
	ns_json_inode(j, "owner", n->owner);
	ns_json_inode(j, "parent", n->parent);
	if (n->type == HOLM_NS_USER && n->owner_uid != HOLM_NOBODY)
		jsonout_number(j, "owner_uid", n->owner_uid);
	jsonout_string(j, "held", n->held);
	json_holders(j, w, n);
	jsonout_number(j, "children", n->children);
	jsonout_number(j, "owned", n->owned);
	ns_json_string(j, "name", n->name);
	jsonout_string(j, "given_by", n->given_by);
}
