/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a bundle's config.json means, decided: the counterpart of the parts of check that decide for
 * a box. Much shorter, because an engine has said everything; nothing is added that the
 * specification does not demand. Its mounts stand in check_container_fs.c.
 */
#include <errno.h>
#include <linux/mount.h>
#include <string.h>

#include "base/str.h"
#include "spec/container.h"

void container_is_built(struct container *c)
{
	c->mounts.n = c->devices.n = c->masked_paths.n = c->readonly_paths.n = 0;
	c->sysctl.n = c->net_devices.n = 0;
	c->uid_mappings.n = c->gid_mappings.n = 0;
	c->time_offset_given[0] = c->time_offset_given[1] = false;
	c->hostname = c->domainname = c->root_path = NULL;
	memset(c->hooks, 0, sizeof(c->hooks));
}

/*
 * exec: all of them are one process's, and its pidfd leads to them with one call. With a user
 * namespace among them they are joined one by one, because it may be that one that gives the right
 * to the others; nobody in there can look at a process that the host's user namespace owns.
 */
static void decide_entry(struct spec *s)
{
	struct decided *d = &s->d;

	const struct container_life *life = &s->container->life;

	/* Whom systemd is to put into a unit waits for that before it becomes the init. */
	if (!life->member_pidfd || life->systemd_unit || s->ns[NS_USER].mode != NS_SHARED)
		return;
	for (int i = 0; i < NS_COUNT; i++)
		if (s->ns[i].mode == NS_JOINED && i != NS_PID)
			d->enter_flags |= ns_table[i].clone_flag;
	d->enters = true;
	d->enter_pidfd = life->member_pidfd;
	d->enters_pid_ns = s->ns[NS_PID].mode == NS_JOINED;
	d->joins = false;
}

/*
 * Who has no mount namespace of its own is in the runtime's, whose mounts stay as they are: the
 * root is a tree that is mounted nowhere, and the container's mounts are put into that.
 */
static int check_unattached(const struct spec *s, const struct facts *f, struct err *e)
{
	if (s->ns[NS_USER].mode != NS_SHARED)
		return err_set(
			e, EINVAL,
			"linux.namespaces: there is a user namespace and no mount namespace: "
			"the kernel lets nobody mount from there in the runtime's");
	if (!f->mounts_unattached)
		return err_set(e, EOPNOTSUPP,
			       "linux.namespaces: there is no mount namespace, without which only "
			       "Linux 6.15 and later can mount for a container alone");
	return 0;
}

static int decide_namespaces(struct spec *s, const struct facts *f, struct err *e)
{
	const struct container *c = s->container;
	struct decided *d = &s->d;

	for (int i = 0; i < NS_COUNT; i++) {
		struct ns_choice *ns = &s->ns[i];

		*ns = (struct ns_choice){ .mode = NS_SHARED };
		if (!c->ns[i].listed)
			continue;
		ns->mode = c->ns[i].path ? NS_JOINED : NS_NEW;
		ns->target = c->ns[i].path;
		d->joins |= ns->mode == NS_JOINED;
		if (ns->mode == NS_NEW && i != NS_CGROUP)
			d->clone_flags |= ns_table[i].clone_flag;
	}
	decide_entry(s);
	d->own_cgroup_ns = s->ns[NS_CGROUP].mode == NS_NEW;
	d->unattached = s->ns[NS_MNT].mode == NS_SHARED && !c->life.member;
	/* pivot_root(2) would change the root of whoever else is in the mount namespace. */
	d->no_pivot = c->life.no_pivot || s->ns[NS_MNT].mode != NS_NEW;
	d->init_is_pid1 = s->ns[NS_PID].mode == NS_NEW;
	d->loopback = s->ns[NS_NET].mode == NS_NEW;
	/* Into a mount namespace that is joined our root is put as well; exec finds one in place.
	 */
	d->new_root = s->ns[NS_MNT].mode == NS_NEW || d->unattached ||
		      (s->ns[NS_MNT].mode == NS_JOINED && c->root_path);
	return d->unattached ? check_unattached(s, f, e) : 0;
}

/*
 * Which namespace a parameter of the kernel belongs to; what belongs to none is the whole machine's
 * and not for a container to set.
 */
static const struct {
	const char *name; /* a dot at the end: all that begin so */
	enum ns_type type;
} namespaced[] = {
	{ "net.", NS_NET },
	{ "fs.mqueue.", NS_IPC },
	{ "kernel.domainname", NS_UTS },
	{ "kernel.msgmax", NS_IPC },
	{ "kernel.msgmnb", NS_IPC },
	{ "kernel.msgmni", NS_IPC },
	{ "kernel.sem", NS_IPC },
	{ "kernel.shm_rmid_forced", NS_IPC },
	{ "kernel.shmall", NS_IPC },
	{ "kernel.shmmax", NS_IPC },
	{ "kernel.shmmni", NS_IPC },
	{ "user.", NS_USER },
};

static bool is_parameter(const char *key, const char *name)
{
	return name[strlen(name) - 1] == '.' ? str_starts(key, name) : str_eq(key, name);
}

/* One that is joined may be the caller's own: what is set there is set for the machine. */
static bool is_separate(const struct spec *s, const struct facts *f, enum ns_type type)
{
	return s->ns[type].mode != NS_SHARED && !(f->joins_own >> type & 1);
}

static int check_sysctl(const struct spec *s, const struct facts *f, struct err *e)
{
	const keys *list = &s->container->sysctl;

	for (size_t i = 0; i < list->n; i++) {
		const char *key = list->items[i].key;
		bool own = false;

		for (size_t k = 0; k < ARRAY_SIZE(namespaced); k++)
			own |= is_parameter(key, namespaced[k].name) &&
			       is_separate(s, f, namespaced[k].type);
		if (!own)
			return err_set(e, EINVAL,
				       "linux.sysctl: \"%.64s\" is not in a separate kernel "
				       "namespace: it would be set for the whole machine",
				       key);
	}
	return 0;
}

static int decide_net_devices(struct spec *s, const struct facts *f, struct err *e)
{
	const struct container *c = s->container;

	if (c->net_devices.n && !is_separate(s, f, NS_NET))
		return err_set(e, EINVAL,
			       "linux.netDevices: there is no network namespace into which they "
			       "could be moved");
	for (size_t i = 0; i < c->net_devices.n; i++)
		for (size_t k = 0; k < i; k++)
			if (str_eq(c->net_devices.items[i].inside, c->net_devices.items[k].inside))
				return err_set(e, EINVAL,
					       "linux.netDevices: two of them would be \"%s\"",
					       c->net_devices.items[i].inside);
	s->d.net_devices = c->net_devices.n > 0;
	return 0;
}

static int decide_names(struct spec *s, const struct facts *f, struct err *e)
{
	const struct container *c = s->container;

	if ((c->hostname || c->domainname) && !is_separate(s, f, NS_UTS))
		return err_set(e, EINVAL,
			       "hostname: without a uts namespace it would be the host's");
	s->d.hostname = c->hostname;
	s->d.domainname = c->domainname;
	return 0;
}

static int decide_clocks(struct spec *s, const struct facts *f, struct err *e)
{
	const struct container *c = s->container;

	(void)f;
	for (int i = 0; i < 2; i++) {
		s->time_offset_set[i] = c->time_offset_given[i];
		s->time_offset_ns[i] = c->time_offset_ns[i];
	}
	return check_time(s, e);
}

/* Will the first process be user 0 in the new user namespace? */
static bool maps_to_root(const struct decided *d, const struct facts *f)
{
	if (d->early_ids)
		return d->early_uid == 0;
	for (size_t i = 0; i < d->uid_ranges.n; i++)
		if (d->uid_ranges.items[i].inside == 0)
			return d->uid_ranges.items[i].outside == f->uid;
	return false;
}

static int decide_ids(struct spec *s, const struct facts *f, struct err *e)
{
	const struct container *c = s->container;
	const struct container_process *p = &c->process;
	struct decided *d = &s->d;
	struct seal *seal = &d->seal;
	int r = 0;

	s->map_users = c->uid_mappings;
	s->map_groups = c->gid_mappings;
	if (s->ns[NS_USER].mode != NS_NEW && (s->map_users.n || s->map_groups.n)) {
		s->map_users.n = s->map_groups.n = 0; /* those of a namespace that is joined */
	}
	s->user = arena_printf(s->arena, "%u:%u", p->uid, p->gid);
	if (!s->user)
		return err_errno(e, ENOMEM, "process.user");
	r = check_ids(s, f, e);
	if (r < 0)
		return r;
	/* What is set up is set up as the container's root; the process's ids come last. */
	seal->change_ids = true;
	seal->drop_groups = !d->deny_setgroups;
	if (p->additional_gids.n > SEAL_GROUPS_MAX)
		return err_set(e, E2BIG, "process.user.additionalGids: more than %d",
			       SEAL_GROUPS_MAX);
	if (p->additional_gids.n && d->deny_setgroups)
		return err_set(e, EPERM,
			       "process.user.additionalGids: the container's user namespace "
			       "allows no setgroups(2)");
	if (s->ns[NS_USER].mode == NS_JOINED) /* what is entered is entered as its root */
		d->early_uid = d->early_gid = 0;
	d->init_caps = s->ns[NS_USER].mode == NS_JOINED ? false
		       : s->ns[NS_USER].mode == NS_NEW  ? !maps_to_root(d, f)
							: f->uid != 0;
	seal->n_groups = (uint32_t)p->additional_gids.n;
	for (uint32_t i = 0; i < seal->n_groups; i++)
		seal->groups[i] = p->additional_gids.items[i];
	return 0;
}

static const char *annotation(const struct container *c, const char *key)
{
	for (size_t i = 0; i < c->annotations.n; i++)
		if (str_eq(c->annotations.items[i].key, key))
			return c->annotations.items[i].value;
	return NULL;
}

/*
 * What crun has made the engines' way to ask. Of its other annotations those are refused that would
 * make it another container; the rest only changes how crun goes about it.
 */
static int decide_annotations(struct spec *s, struct err *e)
{
	const char *keep = annotation(s->container, "run.oci.keep_original_groups");
	const char *handler = annotation(s->container, "run.oci.handler");

	if (handler)
		return err_set(
			e, EOPNOTSUPP,
			"annotation run.oci.handler: \"%.64s\": only processes of this kernel "
			"are run",
			handler);
	if (keep && !str_eq(keep, "0") && !str_eq(keep, "false")) {
		s->d.seal.drop_groups = false;
		s->d.seal.n_groups = 0;
	}
	return 0;
}

static char **vector(struct spec *s, const strings *from)
{
	char **v = arena_alloc(s->arena, (from->n + 1) * sizeof(*v));

	for (size_t i = 0; v && i < from->n; i++)
		v[i] = (char *)from->items[i];
	return v;
}

int check_hooks(struct spec *s, struct err *e)
{
	for (int kind = 0; kind < HOOK_KINDS; kind++) {
		const container_hooks *from = &s->container->hooks[kind];
		hooks *to = &s->d.hooks[kind];

		for (size_t i = 0; i < from->n; i++) {
			const struct container_hook *h = &from->items[i];
			struct hook *hook = arena_push(s->arena, &to->items, &to->n, sizeof(*hook));

			if (!hook)
				return err_errno(e, ENOMEM, "hooks");
			hook->timeout_s = h->timeout_s;
			hook->program = (struct program){ .name = "hook", .path = h->path };
			hook->program.argv = vector(s, &h->args);
			hook->program.envp = vector(s, &h->env);
			if (!hook->program.argv || !hook->program.envp)
				return err_errno(e, ENOMEM, "hooks");
			if (!hook->program.argv[0]) /* as execve(2) wants it */
				hook->program.argv =
					vector(s, &(strings){ (const char **)&h->path, 1 });
		}
	}
	return 0;
}

/* Without a HOME, or with an empty one, as engines know it, the init looks it up. */
static char **environment(struct spec *s, const strings *from)
{
	char **v = arena_alloc(s->arena, (from->n + 2) * sizeof(*v));
	bool given = false, empty = false;

	for (size_t i = 0; v && i < from->n; i++) {
		v[i] = (char *)from->items[i];
		empty |= str_eq(v[i], "HOME=");
		given |= str_starts(v[i], "HOME=") && !str_eq(v[i], "HOME=");
	}
	if (v && !given && !empty)
		v[from->n] = (char *)"HOME=";
	s->d.seal.find_home = !given;
	return v;
}

static int decide_vectors(struct spec *s, struct err *e)
{
	const struct container_process *p = &s->container->process;
	struct program *main = &s->d.main;

	main->name = "main";
	main->path = p->args.n ? p->args.items[0] : "";
	main->argv = vector(s, &p->args);
	main->envp = environment(s, &p->env);
	return main->argv && main->envp ? 0 : err_errno(e, ENOMEM, "process");
}

/*
 * Three file descriptors, those that were passed for activation (sd_listen_fds(3)), and on top as
 * many as the engine says.
 */
static int decide_descriptors(struct spec *s, struct err *e)
{
	const struct container_life *life = &s->container->life;
	uint32_t n = life->listen_fds + life->preserve_fds;
	struct seal *seal = &s->d.seal;

	if (n > SEAL_FDS_MAX)
		return err_set(e, E2BIG, "preserve-fds: at most %d", SEAL_FDS_MAX);
	for (uint32_t i = 0; i < n; i++)
		seal->keep_fds[seal->n_keep_fds++] = 3 + (int)i;
	return 0;
}

/*
 * The one exception from "what cannot be had is an error", by the word of the specification: what
 * cannot be granted is left out, and told. In a user namespace of its own everything can.
 */
static void decide_caps(struct spec *s, const struct facts *f)
{
	uint64_t lacking = s->ns[NS_USER].mode == NS_SHARED ? f->caps_lacking : 0;

	uint64_t *sets = s->d.seal.cap_sets;

	for (int set = 0; set < CAP_SETS; set++)
		sets[set] = s->container->process.caps[set] & ~lacking;
	/* What the kernel demands of one set and another; buildah asks for ambient ones alone. */
	sets[CAP_EFFECTIVE] &= sets[CAP_PERMITTED];
	sets[CAP_INHERITABLE] &= sets[CAP_BOUNDING] | sets[CAP_PERMITTED];
	sets[CAP_AMBIENT] &= sets[CAP_PERMITTED] & sets[CAP_INHERITABLE];
	s->d.seal.exact_caps = true;
}

static int decide_process(struct spec *s, const struct facts *f, struct err *e)
{
	const struct container_process *p = &s->container->process;
	const struct container_life *life = &s->container->life;
	struct decided *d = &s->d;
	struct seal *seal = &d->seal;
	int r = decide_vectors(s, e);

	if (r == 0)
		r = decide_descriptors(s, e);
	seal->own_null = true;
	seal->cwd = p->cwd ? p->cwd : "/";
	seal->umask = p->umask_given ? p->umask : 022;
	seal->new_session = true;
	seal->rlimits = p->rlimits;
	seal->no_new_privs = p->no_new_privileges;
	decide_caps(s, f);
	seal->own_keyring = !life->no_new_keyring;
	seal->await_start = life->await_start;
	seal->label = p->apparmor_profile ? arena_printf(s->arena, "exec %s", p->apparmor_profile)
					  : p->selinux_label;
	seal->filter = s->filter;
	seal->filter_len = s->filter_len;
	seal->filter_flags = s->filter_flags;
	d->pty = p->terminal;
	if (p->console_size_given) {
		d->rows = (uint16_t)MIN(p->console_height, UINT16_MAX);
		d->columns = (uint16_t)MIN(p->console_width, UINT16_MAX);
	}
	d->console = p->terminal && d->new_root;
	for (int i = 0; i < 3; i++)
		seal->tty[i] = p->terminal;
	return r;
}

int check_container(struct spec *s, const struct facts *f, struct err *e)
{
	struct decided *d = &s->d;
	int r = decide_namespaces(s, f, e);

	if (r == 0)
		r = check_sysctl(s, f, e);

	d->container = s->container;
	if (r == 0)
		r = decide_net_devices(s, f, e);
	if (r == 0)
		r = decide_names(s, f, e);
	if (r == 0)
		r = decide_clocks(s, f, e);
	if (r == 0)
		r = decide_ids(s, f, e);
	if (r == 0)
		r = decide_annotations(s, e);
	if (r == 0)
		r = decide_process(s, f, e);
	if (r == 0)
		r = check_hooks(s, e);
	d->cgroup = !s->container->life.no_cgroup;
	d->resources =
		s->container->resources_given ? limits_copy(s, &s->container->resources) : NULL;
	if (r == 0 && s->container->resources_given && !d->resources)
		r = err_errno(e, ENOMEM, "linux.resources");
	if (r == 0)
		r = check_unit(s, e);
	if (r == 0)
		r = check_rdt(s, f, e);
	if (r == 0)
		r = check_memory(s, f, e);
	/*
	 * Whoever joins stays outside of the pid namespace that it joins, where nobody of the
	 * container can see it. Only a time namespace wants a memory of its own (setns(2)).
	 */
	d->share_to_join = (d->joins || d->enters) && s->ns[NS_PID].mode == NS_JOINED &&
			   s->ns[NS_TIME].mode != NS_JOINED;
	if (r == 0 && d->new_root)
		r = check_container_root(s, f, e);
	return r;
}
