/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Everything about one process, fact by fact: what the kernel says, and what that means. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/caps.h"
#include "base/cleanup.h"
#include "base/str.h"
#include "see/facts.h"
#include "sys/fd.h"

int facts_say(struct facts_out *o, const char *section, const char *name, const char *value,
	      const char *words)
{
	struct see_fact f = { section, name, value, words };

	return o->result == 0 ? o->result = o->fn(o->arg, &f) : o->result;
}

int facts_sayf(struct facts_out *o, const char *section, const char *name, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return facts_say(o, section, name, text, "");
}

/* ---- /proc/PID/status ---- */

/* "\nCapEff:\t0000" -> its value, ended where the line does. */
static bool take_line(const char *status, const char *key, char *out, size_t room)
{
	char before[32];
	const char *at;
	size_t len;

	snprintf(before, sizeof(before), "\n%s:", key);
	at = strstr(status, before);
	if (!at)
		return false;
	at += strlen(before);
	at += strspn(at, "\t ");
	len = strcspn(at, "\n");
	while (len && (at[len - 1] == ' ' || at[len - 1] == '\t'))
		len--;
	snprintf(out, room, "%.*s", (int)MIN(len, room - 1), at);
	for (char *c = out; *c; c++)
		if (*c == '\t')
			*c = ' ';
	return true;
}

static void say_ids(struct facts_out *o, const char *status)
{
	static const char *const keys[] = { "Uid", "Gid" };
	static const char *const names[] = { "uid", "gid" };
	char text[4096];
	unsigned id[4];

	for (int i = 0; i < 2; i++) {
		if (!take_line(status, keys[i], text, sizeof(text)) ||
		    sscanf(text, "%u %u %u %u", &id[0], &id[1], &id[2], &id[3]) != 4)
			continue;
		if (id[0] == id[1] && id[1] == id[2] && id[2] == id[3])
			facts_sayf(o, "ids", names[i], "%u", id[0]);
		else
			facts_sayf(o, "ids", names[i], "%u, effective %u, saved %u, of files %u",
				   id[0], id[1], id[2], id[3]);
	}
	if (take_line(status, "Groups", text, sizeof(text)))
		facts_say(o, "ids", "groups", *text ? text : "none", "");
}

static const char *cap_words(uint64_t caps, char *out, size_t room)
{
	size_t len = 0;

	*out = 0;
	if (caps == 0)
		return "none";
	if ((caps & CAPS_ALL) == CAPS_ALL)
		return "all";
	for (unsigned i = 0; i < 64 && len < room; i++) {
		const char *name = caps_name(i);

		if (!(caps >> i & 1))
			continue;
		len += (size_t)(name ? snprintf(out + len, room - len, "%s%s", len ? " " : "", name)
				     : snprintf(out + len, room - len, "%s%u", len ? " " : "", i));
	}
	return out;
}

/* More than half of them reads better as what is missing. */
static void say_caps(struct facts_out *o, const char *status)
{
	static const struct {
		const char *key, *name;
	} sets[] = {
		{ "CapEff", "effective" }, { "CapPrm", "permitted" }, { "CapInh", "inheritable" },
		{ "CapBnd", "bounding" },  { "CapAmb", "ambient" },
	};
	char text[64], list[1024], words[1100];

	for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
		uint64_t caps;

		if (!take_line(status, sets[i].key, text, sizeof(text)))
			continue;
		caps = strtoull(text, NULL, 16);
		if (__builtin_popcountll(caps & CAPS_ALL) > 20 && (caps & CAPS_ALL) != CAPS_ALL)
			snprintf(words, sizeof(words), "all but %s",
				 cap_words(CAPS_ALL & ~caps, list, sizeof(list)));
		else
			snprintf(words, sizeof(words), "%s", cap_words(caps, list, sizeof(list)));
		facts_say(o, "capabilities", sets[i].name, text, words);
	}
}

static void say_security(struct facts_out *o, const char *proc, const char *status)
{
	static const char *const modes[] = { "none", "strict: read, write, exit", "filter" };
	char text[256], path[64], number[32] = "";
	int n;

	if (take_line(status, "NoNewPrivs", text, sizeof(text)))
		facts_say(o, "security", "no_new_privs", text,
			  *text == '1' ? "exec gains no rights" : "exec may gain rights");
	if (take_line(status, "Seccomp", text, sizeof(text)) && *text >= '0' && *text <= '2') {
		take_line(status, "Seccomp_filters", number, sizeof(number));
		facts_say(o, "security", "seccomp", modes[*text - '0'],
			  *text == '2' && *number ? number : "");
	}
	snprintf(path, sizeof(path), "%s/attr/current", proc);
	n = see_read(o->world->proc_fd, path, text, sizeof(text));
	if (n > 0) {
		text[strcspn(text, "\n")] = 0;
		facts_say(o, "security", "label", text, "");
	}
}

/* ---- maps of ids ---- */

void see_map_words(const char *line, char *out, size_t room)
{
	unsigned long long in, from, count;

	if (sscanf(line, "%llu %llu %llu", &in, &from, &count) != 3 || count == 0)
		snprintf(out, room, "%s", line);
	else if (in == 0 && from == 0 && count == UINT32_MAX)
		snprintf(out, room, "every id is the same outside");
	else if (count == 1)
		snprintf(out, room, "%llu here is %llu outside", in, from);
	else
		snprintf(out, room, "%llu..%llu here are %llu..%llu outside", in, in + count - 1,
			 from, from + count - 1);
}

void facts_maps(struct facts_out *o, const char *proc)
{
	static const char *const files[] = { "uid_map", "gid_map" };
	char path[64], text[8192], words[160], value[96];

	for (int i = 0; i < 2; i++) {
		char *rest = text, *line;
		int n;

		snprintf(path, sizeof(path), "%s/%s", proc, files[i]);
		n = see_read(o->world->proc_fd, path, text, sizeof(text));
		if (n == 0)
			facts_say(o, "ids", files[i], "empty",
				  "no id is mapped yet: everybody is nobody");
		while (n > 0 && (line = strsep(&rest, "\n"))) {
			unsigned long long a, b, c;

			if (sscanf(line, "%llu %llu %llu", &a, &b, &c) != 3)
				continue;
			snprintf(value, sizeof(value), "%llu %llu %llu", a, b, c);
			see_map_words(value, words, sizeof(words));
			facts_say(o, "ids", files[i], value, words);
		}
	}
	snprintf(path, sizeof(path), "%s/setgroups", proc);
	if (see_read(o->world->proc_fd, path, text, sizeof(text)) > 0) {
		text[strcspn(text, "\n")] = 0;
		facts_say(o, "ids", "setgroups", text, "");
	}
}

/* ---- files ---- */

static void say_links(struct facts_out *o, const char *proc)
{
	static const char *const links[] = { "exe", "root", "cwd" };
	char path[64], target[4200];

	for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
		ssize_t n;

		snprintf(path, sizeof(path), "%s/%s", proc, links[i]);
		n = sys_readlinkat(o->world->proc_fd, path, target, sizeof(target) - 1);
		if (n < 0)
			continue;
		target[n] = 0;
		facts_say(o, "files", links[i], target, "");
	}
}

/* "5:memory:/a/b" of v1, "0::/a/b" of v2. */
static void say_cgroups(struct facts_out *o, const char *proc)
{
	char path[64], text[16384], *rest = text, *line;

	snprintf(path, sizeof(path), "%s/cgroup", proc);
	if (see_read(o->world->proc_fd, path, text, sizeof(text)) <= 0)
		return;
	while ((line = strsep(&rest, "\n"))) {
		char *name = strchr(line, ':'), *where = name ? strchr(name + 1, ':') : NULL;

		if (!where)
			continue;
		*where++ = 0;
		facts_say(o, "cgroup", name[1] ? name + 1 : "v2", where, "");
	}
}

/* "monotonic           0         0" */
static void say_clocks(struct facts_out *o, const char *proc)
{
	char path[64], text[512], name[32], *rest = text, *line;
	long long seconds;
	long ns;

	snprintf(path, sizeof(path), "%s/timens_offsets", proc);
	if (see_read(o->world->proc_fd, path, text, sizeof(text)) <= 0)
		return;
	while ((line = strsep(&rest, "\n")))
		if (sscanf(line, "%31s %lld %ld", name, &seconds, &ns) == 3)
			facts_sayf(o, "clocks", name,
				   seconds || ns ? "%+lld.%09ld s" : "as outside", seconds, ns);
}

static void say_process(struct facts_out *o, const struct see_process *p, const char *status)
{
	char text[64];

	facts_sayf(o, "process", "pid", "%d", p->pid);
	facts_sayf(o, "process", "parent", "%d", p->ppid);
	facts_say(o, "process", "command", p->command ? p->command : p->comm, "");
	if (take_line(status, "State", text, sizeof(text)))
		facts_say(o, "process", "state", text, "");
	facts_sayf(o, "process", "threads", "%u", p->threads);
}

int see_facts_of_process(struct see_world *w, const struct see_process *p, see_fact_fn *fn,
			 void *arg)
{
	struct facts_out o = { w, fn, arg, 0 };
	char proc[32], path[64], status[8192];
	int r;

	snprintf(proc, sizeof(proc), "%d", p->pid);
	snprintf(path, sizeof(path), "%s/status", proc);
	r = see_read(w->proc_fd, path, status, sizeof(status));
	if (r < 0)
		return r == -ENOENT ? -ESRCH : r;
	say_process(&o, p, status);
	say_ids(&o, status);
	facts_maps(&o, proc);
	say_caps(&o, status);
	say_security(&o, proc, status);
	say_cgroups(&o, proc);
	say_links(&o, proc);
	say_clocks(&o, proc);
	facts_uts(&o, see_find(w, p->ns[NS_UTS]));
	facts_mounts(&o, p);
	facts_net(&o, see_find(w, p->ns[NS_NET]));
	return o.result;
}

int see_facts_of_ns(struct see_world *w, const struct see_ns *n, see_fact_fn *fn, void *arg)
{
	const struct see_process *p = n->oldest == SEE_NONE ? NULL : &w->processes.items[n->oldest];
	struct facts_out o = { w, fn, arg, 0 };
	char proc[32] = "";

	if (p)
		snprintf(proc, sizeof(proc), "%d", p->tid ? p->tid : p->pid);
	switch (n->type) {
	case NS_USER:
		if (p)
			facts_maps(&o, proc);
		break;
	case NS_MNT:
		if (p)
			facts_mounts(&o, p);
		break;
	case NS_NET:
		facts_net(&o, n);
		break;
	case NS_UTS:
		facts_uts(&o, n);
		break;
	case NS_TIME:
		if (p)
			say_clocks(&o, proc);
		break;
	case NS_CGROUP:
		if (p)
			say_cgroups(&o, proc);
		break;
	default:
		break;
	}
	return o.result;
}
