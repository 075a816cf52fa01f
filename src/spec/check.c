/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * check: from the wish to the decision. Pure: a spec and the facts go in, spec->d or one clear
 * error comes out. The parts stand in check_ids.c, check_root.c and check_program.c.
 */
#include <errno.h>
#include <linux/mount.h>
#include <string.h>

#include "base/str.h"
#include "spec/spec.h"

#define MOUNTS_MAX 100000

static bool is_new(const struct spec *s, enum ns_type type)
{
	return s->ns[type].mode == NS_NEW;
}

static int hostname_ok(const char *what, const char *name, struct err *e)
{
	if (!*name || strlen(name) > 64)
		return err_set(e, EINVAL, "%s: \"%s\" is empty or longer than 64 characters", what,
			       name);
	for (const char *p = name; *p; p++)
		if ((unsigned char)*p <= ' ' || *p == '/' || *p == 0x7f)
			return err_set(e, EINVAL,
				       "%s: \"%s\" has a character that no name may have", what,
				       name);
	return 0;
}

static int check_names(struct spec *s, struct err *e)
{
	struct decided *d = &s->d;
	int r = 0;

	if (!is_new(s, NS_UTS)) {
		if (s->hostname || s->domainname)
			return err_set(e, EINVAL,
				       "hostname: cannot be set in a uts namespace that "
				       "is shared or joined");
		return 0;
	}
	d->hostname = s->hostname ? s->hostname : "holm";
	d->domainname = s->domainname;
	r = hostname_ok("hostname", d->hostname, e);
	if (r == 0 && d->domainname)
		r = hostname_ok("domainname", d->domainname, e);
	return r;
}

int check_time(struct spec *s, struct err *e)
{
	static const char *const clocks[] = { "monotonic", "boottime" };
	const char *text = "";

	if (!s->time_offset_set[0] && !s->time_offset_set[1])
		return 0;
	if (!is_new(s, NS_TIME))
		return err_set(e, EINVAL,
			       "time-offset: cannot be set in a time namespace that is "
			       "shared or joined");
	for (int i = 0; i < 2; i++) {
		int64_t ns = s->time_offset_ns[i], sec = ns / 1000000000;

		/* The kernel wants the nanoseconds positive: -0.5 s is -1 s + 500,000,000 ns. */
		if (ns % 1000000000 < 0)
			sec--;
		if (s->time_offset_set[i])
			text = arena_printf(s->arena, "%s%s %lld %lld\n", text, clocks[i],
					    (long long)sec, (long long)(ns - sec * 1000000000));
		if (!text)
			return err_errno(e, ENOMEM, "time-offset");
	}
	s->d.time_offsets = text;
	return 0;
}

static int check_shared_mounts(const struct spec *s, struct err *e)
{
	if (s->mounts.n || s->rootfs || s->host_root || s->work || s->root_overlay ||
	    s->root_propagation)
		return err_set(e, EINVAL,
			       "a root or mounts were asked for, but the mount namespace is "
			       "%s: leave one of the two away",
			       s->ns[NS_MNT].mode == NS_SHARED ? "shared" : "joined");
	return 0;
}

int check_namespaces(struct spec *s, const struct facts *f, struct err *e)
{
	struct decided *d = &s->d;
	int r;

	(void)f;
	for (int i = 0; i < NS_COUNT; i++) {
		if (is_new(s, (enum ns_type)i))
			d->clone_flags |= ns_table[i].clone_flag;
		d->joins |= s->ns[i].mode == NS_JOINED;
	}
	d->init_is_pid1 = is_new(s, NS_PID);
	d->loopback = is_new(s, NS_NET);
	d->new_root = is_new(s, NS_MNT);
	if (s->as_pid1 && !d->init_is_pid1)
		return err_set(e, EINVAL, "as-pid1: needs a pid namespace of its own, but it is %s",
			       s->ns[NS_PID].mode == NS_SHARED ? "shared" : "joined");
	if (s->as_pid1 && s->services.n)
		return err_set(e, EINVAL,
			       "as-pid1: services need holm's init, which as-pid1 replaces");
	d->as_pid1 = s->as_pid1;
	r = check_names(s, e);
	if (r == 0)
		r = check_time(s, e);
	if (r == 0 && !d->new_root)
		r = check_shared_mounts(s, e);
	return r;
}

/*
 * Hooks during set-up enter the namespaces of the first process, as engines do to wire up its
 * network, and so do the devices that are moved into it: all of them must be its own by then, so
 * the network is not made beside.
 */
static bool network_is_entered(const struct decided *d)
{
	return d->net_devices || d->nets.n || d->hooks[HOOK_PRESTART].n ||
	       d->hooks[HOOK_CREATE_RUNTIME].n || d->hooks[HOOK_CREATE_CONTAINER].n;
}

/*
 * Of memory, while it is set up. A container's set-up takes far less than this, so that it need not
 * be slower for a usual limit; in a box the caller may have more to lose than one command.
 */
#define ENOUGH_TO_SET_UP (INT64_C(16) << 20)

static bool can_run_out(const struct decided *d)
{
	int64_t limit = d->resources ? d->resources->memory_limit : -1;

	return limit > 0 && (!d->container || limit < ENOUGH_TO_SET_UP);
}

/*
 * May the first process work in the caller's memory? Not if it joins a namespace: who is in there
 * already could look at it, and a time namespace refuses it (setns(2), EUSERS). And not if it
 * changes its ids: that makes its memory unreadable for others (prctl(2), PR_SET_DUMPABLE), and the
 * memory would be the caller's. And not if it can run out of memory in its cgroup: the kernel kills
 * all who share the memory of whom it kills, and that would be the caller.
 *
 * A clone without shared memory is in its time namespace at once, too late for offsets; then, and
 * before Linux 6.3, where exec does not enter one, the first process unshares it instead. So it
 * does when it has a helper, for the kernel shares no memory across time namespaces. Where exec
 * does not enter it, the first process does that itself: as long as a time namespace waits for a
 * process's children, that process may not clone with shared memory (clone(2), EINVAL), which is
 * vfork and threads.
 */
int check_memory(struct spec *s, const struct facts *f, struct err *e)
{
	struct decided *d = &s->d;
	bool may_oom = can_run_out(d);
	bool can_share = !d->joins && !d->enters && !d->early_ids &&
			 (f->exec_enters_time_ns || !is_new(s, NS_TIME));

	(void)e;
	d->share_memory = can_share && !may_oom;
	d->enter_time_ns = is_new(s, NS_TIME) && !f->exec_enters_time_ns;
	d->beside = can_share && d->new_root && !d->no_pivot && is_new(s, NS_NET) &&
		    is_new(s, NS_PID) && !network_is_entered(d);
	d->late_time_ns = is_new(s, NS_TIME) && (!d->share_memory || d->beside);
	if (d->late_time_ns)
		d->clone_flags &= ~ns_table[NS_TIME].clone_flag;
	/* One that the host's user namespace owns can be made before there is a first process. */
	d->net_early = d->container && d->share_memory && is_new(s, NS_NET) &&
		       !is_new(s, NS_USER) && !d->net_devices;
	if (d->beside || d->net_early) {
		d->clone_flags &= ~ns_table[NS_NET].clone_flag;
		d->loopback = false;
	}
	return 0;
}

bool path_below(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	if (str_eq(dir, "/"))
		return true;
	return strncmp(path, dir, len) == 0 && (path[len] == 0 || path[len] == '/');
}

/* Drops the last component of the `len` characters at `out`; the root stays. */
static size_t path_up(const char *out, size_t len)
{
	while (len > 0 && out[len - 1] != '/')
		len--;
	return len > 0 ? len - 1 : 0;
}

char *path_normal(struct arena *a, const char *cwd, const char *path)
{
	size_t len = 0;
	const char *in;
	char *out;

	if (*path != '/' && !cwd)
		return NULL;
	in = out = *path == '/' ? arena_strdup(a, path) : arena_printf(a, "%s/%s", cwd, path);
	if (!out)
		return NULL;
	while (*in) {
		size_t n = strcspn(in, "/");

		if (n == 2 && in[0] == '.' && in[1] == '.') {
			len = path_up(out, len);
		} else if (n > 0 && !(n == 1 && in[0] == '.')) {
			out[len++] = '/';
			memmove(out + len, in, n);
			len += n;
		}
		in += n;
		in += *in == '/';
	}
	if (len == 0)
		out[len++] = '/';
	out[len] = 0;
	return out;
}

static int check_path(const char *path, const char *what, struct err *e)
{
	if (!path || *path == '/')
		return 0;
	return err_set(e, ENOENT,
		       "%s: \"%s\" begins at the working directory, which has no path: was it "
		       "removed?",
		       what, path);
}

/* In the workspace it begins there, and without a slash it is searched in PATH. */
static int check_command_path(const struct spec *s, struct err *e)
{
	const char *path = s->command.n ? s->command.items[0] : "/";

	if (!strchr(path, '/') || (s->workspace && !s->cwd))
		return 0;
	return check_path(path, "command", e);
}

/* Without a working directory a relative path means nothing; it must not come to mean another. */
static int check_cwd(struct spec *s, const struct facts *f, struct err *e)
{
	int r = 0;

	if (f->cwd)
		return 0;
	for (size_t i = 0; r == 0 && i < s->mounts.n; i++) {
		const struct mnt *m = &s->mounts.items[i];

		if (m->kind == MNT_BIND || m->kind == MNT_FILE)
			r = check_path(m->src, "mount", e);
		for (size_t k = 0; r == 0 && k < m->layers.n; k++)
			r = check_path(m->layers.items[k], "overlay", e);
		if (r == 0)
			r = check_path(m->upper, "overlay", e);
	}
	if (r == 0)
		r = check_path(s->rootfs, "rootfs", e);
	if (r == 0 && !str_eq(s->root_overlay, "tmp"))
		r = check_path(s->root_overlay, "overlay", e);
	if (r == 0)
		r = check_path(s->work, "work", e);
	return r < 0 ? r : check_command_path(s, e);
}

/*
 * What was decided for the box stands; what is about the command is decided anew, from the same
 * facts.
 */
int spec_check_late(struct spec *s, const struct spec *prepared, const struct facts *f,
		    struct err *e)
{
	static int (*const parts[])(struct spec *, const struct facts *, struct err *) = {
		check_cwd, check_watch, check_limits, check_program, check_late_command,
	};
	struct decided *d = &s->d;
	int r = 0;

	*d = prepared->d;
	d->main = (struct program){ 0 };
	d->services.items = NULL;
	d->services.n = 0;
	d->notes = (strings){ 0 };
	d->pty = d->collect = d->listens = false;
	d->seal.rlimits = (rlimits){ 0 };
	d->seal.n_keep_fds = 0;
	d->seal.change_nice = false;
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(parts); i++)
		r = parts[i](s, f, e);
	return r;
}

int spec_check(struct spec *s, const struct facts *f, struct err *e)
{
	static int (*const parts[])(struct spec *, const struct facts *, struct err *) = {
		check_cwd,    check_fallback, check_namespaces, check_net,     check_watch,
		check_limits, check_ids,      check_memory,     check_program, check_root,
	};

	s->d = (struct decided){ .seal = SEAL_INIT };
	memcpy(s->d.joined_inode, f->joined_inode, sizeof(f->joined_inode));
	if (s->container)
		return check_container(s, f, e);
	if (s->mounts.n > MOUNTS_MAX)
		return err_set(e, E2BIG,
			       "%zu mounts: the kernel allows %d in a namespace "
			       "(fs.mount-max)",
			       s->mounts.n, MOUNTS_MAX);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		int r = parts[i](s, f, e);

		if (r < 0)
			return r;
	}
	return 0;
}
