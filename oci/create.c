/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a bundle to a container that waits. What has to be cleaned up is written down as soon as it
 * is there, so that `delete --force` can remove what a killed runtime left.
 */
#include <errno.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>

#include "base/caps.h"
#include "base/cleanup.h"
#include "base/jsonout.h"
#include "base/str.h"
#include "container.h"
#include "sec/bpf.h"
#include "sys/process.h"

/* ---- the keeper (run/run.h) ---- */

struct making {
	struct oci *o;
	struct container_ref *ref;
	struct buf config; /* the text of config.json */
};

static void making_done(struct making *m)
{
	buf_done(&m->config);
}

static int put_note(struct oci *o, struct state *s, const char *key, const char *value)
{
	struct key *slot = arena_push(o->arena, &s->notes.items, &s->notes.n, sizeof(*slot));

	if (!slot)
		return -ENOMEM;
	*slot = (struct key){ key, arena_strdup(o->arena, value) };
	return slot->value ? 0 : -ENOMEM;
}

/* Where one sees whether it is frozen. */
static const char *freezer_file(struct oci *o, const struct cg *cg)
{
	const char *unified = cg_unified_path(cg), *v1 = cg_path(cg, CG_FREEZER);

	if (unified)
		return arena_printf(o->arena, "%s/cgroup.events", unified);
	return v1 ? arena_printf(o->arena, "%s/freezer.state", v1) : NULL;
}

/* Each key stands once. */
static int set_note(struct oci *o, struct state *s, const char *key, const char *value)
{
	for (size_t i = 0; i < s->notes.n; i++)
		if (str_eq(s->notes.items[i].key, key))
			s->notes.items[i] = s->notes.items[--s->notes.n];
	return value ? put_note(o, s, key, value) : 0;
}

static int note_cgroup(struct making *m, const struct cg *cg, struct err *e)
{
	_cleanup_free_ char *saved = cg->n ? cg_save(cg) : NULL;

	m->ref->state.freezer = freezer_file(m->o, cg);
	if ((cg->n && !saved) || set_note(m->o, &m->ref->state, "cgroup", saved) < 0)
		return err_errno(e, ENOMEM, "cgroup");
	return 0;
}

/*
 * Saved before it is there: from now on there may be something to be removed. That there is a
 * process is saved with the rest, if it can be found by its cgroup: a file costs as much as three
 * mounts.
 */
static int cgroup_planned(void *arg, const struct cg *cg, struct err *e)
{
	struct making *m = arg;
	int r = note_cgroup(m, cg, e);

	return r == 0 ? state_save(&m->ref->dir, &m->ref->state, e) : r;
}

/* Nothing was made: whatever has that path is somebody else's, and stays. */
static int cgroup_made(void *arg, const struct cg *cg, struct err *e)
{
	struct making *m = arg;

	return cg ? note_cgroup(m, cg, e) : set_note(m->o, &m->ref->state, "cgroup", NULL);
}

/* Its name is saved with the cgroup that is planned; its id soon after, with the cgroup made. */
static int unit_known(void *arg, const struct unit *u, const char *invocation, struct err *e)
{
	struct making *m = arg;
	struct state *s = &m->ref->state;
	int r = set_note(m->o, s, "systemd-user", u && u->user ? "yes" : NULL);

	s->systemd_unit = u ? u->name : NULL;
	if (r == 0)
		r = set_note(m->o, s, "invocation", invocation);
	if (r == 0 && !u)
		r = set_note(m->o, s, "cgroup", NULL);
	return r < 0 ? err_errno(e, ENOMEM, "state") : 0;
}

/* Saved before it is made, as the cgroup is. */
static int rdt_told(void *arg, const struct rdt_wish *w, bool made, struct err *e)
{
	struct making *m = arg;
	struct state *s = &m->ref->state;
	bool ours = w && (made || rdt_is_ours(m->o, &m->ref->dir, w->group));
	int r = set_note(m->o, s, RDT_NOTE_MADE, ours ? "yes" : NULL);

	if (r == 0)
		r = set_note(m->o, s, RDT_NOTE_MONITOR, w ? w->monitor : NULL);
	s->rdt_path = w ? w->group : NULL;
	if (r < 0)
		return err_errno(e, ENOMEM, "state");
	return w ? state_save(&m->ref->dir, s, e) : 0;
}

/* Without it a list takes longer. */
static void note_inode(struct making *m, int pid)
{
	struct state *s = &m->ref->state;
	char boot[STATE_BOOT_SIZE];

	state_boot(boot);
	if (*boot && state_pid_inode(pid, &s->pid_inode) == 0)
		s->boot = arena_strdup(m->o->arena, boot);
}

static int process_made(void *arg, int pid, struct err *e)
{
	struct making *m = arg;
	struct state *s = &m->ref->state;
	bool ended;
	int r = state_process(pid, &s->pid_start, &ended);

	if (r < 0)
		return r == -ESRCH ? 0 : r; /* it failed at once, and says why itself */
	s->pid = pid;
	note_inode(m, pid);
	return note(s, "cgroup") && !s->systemd_unit ? 0 : state_save(&m->ref->dir, s, e);
}

static char *state_for_hooks(void *arg, int pid, const char *status)
{
	struct making *m = arg;

	return state_text(&m->ref->state, pid, status);
}

static char *process_state(void *arg, int pid, const char *metadata)
{
	struct making *m = arg;

	return process_state_text(&m->ref->state, pid, pid, "creating", metadata);
}

/* As it was read: the file may change or go, and can be one that is read only once. */
static int keep_config(const struct making *m, struct err *e)
{
	int r = sys_write_all(m->ref->dir.lock_fd, m->config.data, m->config.len);

	return r < 0 ? err_errno(e, -r, "keep config.json") : 0;
}

/* ---- the filter ---- */

static int compile_filter(struct spec *s, struct err *e)
{
	const struct scmp_profile *p = s->container->seccomp;
	struct sock_filter *insns;
	size_t n = 0;
	int r;

	if (!p)
		return 0;
	insns = arena_alloc(s->arena, BPF_MAXINSNS * sizeof(*insns));
	if (!insns)
		return err_errno(e, ENOMEM, "linux.seccomp");
	r = scmp_compile(p, insns, BPF_MAXINSNS, &n, e);
	if (r < 0)
		return err_prefix(e, "linux.seccomp");
	s->filter = insns;
	s->filter_len = (uint16_t)n;
	s->filter_flags = p->flags | (scmp_notifies(p) ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0);
	if (scmp_notifies(p) && !p->listener_path)
		return err_set(e, EINVAL,
			       "linux.seccomp: a rule asks a listener, but there is no "
			       "listenerPath");
	return 0;
}

/* config.md of the specification wants this told, and no failure. */
static void warn_of_caps(const struct oci *o, const struct spec *s)
{
	const struct container_process *p = &s->container->process;
	/* What is not inheritable can never be ambient: buildah asks for it all the same. */
	uint64_t never = ~p->caps[CAP_INHERITABLE] | ~p->caps[CAP_PERMITTED], denied = 0;

	for (size_t i = 0; i < p->unknown_caps.n; i++)
		log_say(&o->log, LOG_LEVEL_WARNING,
			"process.capabilities: the kernel has no %.64s: it is left out",
			p->unknown_caps.items[i]);
	for (int set = 0; set < CAP_SETS; set++)
		denied |=
			p->caps[set] & ~s->d.seal.cap_sets[set] & ~(set == CAP_AMBIENT ? never : 0);
	for (unsigned cap = 0; caps_name(cap); cap++)
		if (denied >> cap & 1)
			log_say(&o->log, LOG_LEVEL_WARNING,
				"process.capabilities: %s cannot be granted here: it is left out",
				caps_name(cap));
}

/* Who is a member of the host's mount namespace may enter it again, and is then at its root. */
static void warn_of_way_out(const struct oci *o, const struct spec *s)
{
	const uint64_t needed = UINT64_C(1) << CAP_SYS_ADMIN | UINT64_C(1) << CAP_SYS_CHROOT;
	const uint64_t *sets = s->d.seal.cap_sets;

	if (s->ns[NS_MNT].mode == NS_SHARED &&
	    ((sets[CAP_BOUNDING] | sets[CAP_PERMITTED]) & needed) == needed)
		log_say(&o->log, LOG_LEVEL_WARNING,
			"linux.namespaces: without a mount namespace CAP_SYS_ADMIN and "
			"CAP_SYS_CHROOT together lead to the host's root");
}

int spec_decide(const struct oci *o, struct spec *s, struct err *e)
{
	struct facts facts;
	int r = descriptors_check(o, &s->container->life, e);

	if (r == 0)
		r = facts_read(s, &facts, e);
	if (r == 0)
		r = compile_filter(s, e);
	if (r == 0)
		r = spec_check(s, &facts, e);
	if (r < 0)
		return r;
	warn_of_caps(o, s);
	warn_of_way_out(o, s);
	return 0;
}

/* ---- create ---- */

static int absolute(struct oci *o, const char *path, const char **out, struct err *e)
{
	char real[PATH_MAX];

	path = path && *path ? path : ".";
	if (!realpath(path, real))
		return err_errno(e, errno, "bundle %s", path);
	*out = arena_strdup(o->arena, real);
	return *out ? 0 : err_errno(e, ENOMEM, "bundle");
}

static bool has_hooks(const struct container *c)
{
	return c->hooks[HOOK_POSTSTART].n || c->hooks[HOOK_POSTSTOP].n;
}

static int write_down(struct oci *o, const char *id, const struct container *c,
		      struct container_ref *ref, struct err *e)
{
	static const char *const managers[] = { "cgroupfs", "systemd", "disabled" };
	char now[STATE_TIME_SIZE];
	struct state *s = &ref->state;
	int r = 0;

	state_now(now);
	*s = (struct state){
		.id = id,
		.phase = PHASE_CREATING,
		.bundle = c->bundle,
		.rootfs = path_normal(o->arena, c->bundle, c->root_path ? c->root_path : ""),
		.created = arena_strdup(o->arena, now),
		.owner = geteuid(),
		.terminal = c->process.terminal,
		.cgroup_manager = managers[o->cgroup_manager],
		.cgroup_path = c->life.cgroup,
		.annotations = c->annotations,
	};
	if (has_hooks(c))
		r = put_note(o, s, "hooks", "yes");
	if (r == 0 && !c->ns[NS_MNT].listed)
		r = put_note(o, s, "chroot", "unattached");
	else if (r == 0 && (c->life.no_pivot || c->ns[NS_MNT].path))
		r = put_note(o, s, "chroot", "yes");
	return r < 0 ? err_errno(e, ENOMEM, "state") : 0;
}

static uint32_t listen_fds(void)
{
	const char *n = getenv("LISTEN_FDS"), *pid = getenv("LISTEN_PID");
	uint32_t fds, owner;

	if (!n || str_u32(n, &fds) < 0)
		return 0;
	if (pid && (str_u32(pid, &owner) < 0 || owner != (uint32_t)sys_getpid()))
		return 0;
	return fds;
}

/* Socket activation: the numbers are told, and that they are for process 1 (sd_listen_fds(3)). */
static int pass_listen_fds(struct oci *o, struct container *c)
{
	strings *env = &c->process.env;

	c->life.listen_fds = listen_fds();
	if (!c->life.listen_fds)
		return 0;
	if (config_env_put(o->arena, env,
			   arena_printf(o->arena, "LISTEN_FDS=%u", c->life.listen_fds)) < 0)
		return -ENOMEM;
	return config_env_put(o->arena, env, "LISTEN_PID=1");
}

#define ANNOTATIONS_MAX (STATE_MAX - 65536) /* what is left is for the rest of the state */

/* They are kept with the state, which every later command reads again. */
static int check_annotations(const keys *list, struct err *e)
{
	struct jsonout j = { .compact = true };
	size_t len = 0;

	for (size_t i = 0; i < list->n; i++)
		len += strlen(list->items[i].key) + strlen(list->items[i].value) + 6;
	if (len > ANNOTATIONS_MAX / 6) { /* a character can become six: "\u001b" */
		jsonout_keys(&j, NULL, list);
		len = j.buf.len;
		buf_done(&j.buf);
	}
	return len <= ANNOTATIONS_MAX ? 0
				      : err_set(e, E2BIG,
						"annotations: %zu bytes of text; at most %d can be "
						"kept",
						len, ANNOTATIONS_MAX);
}

/* What is made may have names that are longer than the id. */
static int check_id(const char *id, const struct container *c, struct err *e)
{
	const char *name = strrchr(c->life.cgroup, '/');

	if (!state_id_valid(id))
		return state_id_refused(id, e);
	name = name ? name + 1 : c->life.cgroup;
	if (c->life.no_cgroup || strlen(name) <= NAME_MAX)
		return 0;
	return err_set(
		e, ENAMETOOLONG,
		"linux.cgroupsPath: \"%.64s...\": no cgroup's name has more than %d characters",
		name, NAME_MAX);
}

static int load(struct making *m, const char *id, const struct create_options *opt, bool at_once,
		struct container *c, struct err *e)
{
	struct oci *o = m->o;
	const char *bundle;
	int r = absolute(o, opt->bundle, &bundle, e);

	if (r == 0)
		r = config_load_text(o->arena, bundle, opt->config, c, &m->config, e);
	if (r == 0)
		r = run_sealed(o, c,
			       opt->config ? opt->config
					   : arena_printf(o->arena, "%s/config.json", bundle),
			       e);
	if (r < 0)
		return r;
	c->bundle = bundle;
	c->life = (struct container_life){
		.await_start = !at_once,
		.no_new_keyring = opt->no_new_keyring,
		.no_pivot = opt->no_pivot,
		.preserve_fds = opt->preserve_fds,
		.no_cgroup = o->cgroup_manager == MANAGER_DISABLED,
		.cgroup = c->cgroups_path && *c->cgroups_path
				  ? c->cgroups_path
				  : arena_printf(o->arena, "holm-oci-%s", id),
		.id = id,
	};
	r = c->life.cgroup ? check_id(id, c, e) : err_errno(e, ENOMEM, "create");
	if (r == 0)
		r = check_annotations(&c->annotations, e);
	if (r == 0 && o->cgroup_manager == MANAGER_SYSTEMD)
		r = systemd_choose(o, c, e);
	if (r < 0)
		return r;
	if (notify_add(o, id, c) < 0 || pass_listen_fds(o, c) < 0)
		return err_errno(e, ENOMEM, "create");
	return 0;
}

static int check_console(const struct container *c, const struct create_options *opt,
			 bool foreground, struct err *e)
{
	if (c->process.terminal && !opt->console_socket && !foreground)
		return err_set(e, EINVAL,
			       "process.terminal: without --console-socket nobody would have "
			       "the terminal");
	if (!c->process.terminal && opt->console_socket)
		return err_set(e, EINVAL,
			       "--console-socket: config.json asks for no terminal "
			       "(process.terminal)");
	return 0;
}

struct sockets {
	int start_fd, console_fd, listener_fd;
};

static void sockets_close(struct sockets *s)
{
	cleanup_fd(&s->start_fd);
	cleanup_fd(&s->console_fd);
	cleanup_fd(&s->listener_fd);
}

static int sockets_open(struct sockets *out, const struct container *c,
			const struct create_options *opt, const struct state_dir *dir,
			struct err *e)
{
	int r = 0;

	if (c->life.await_start)
		r = out->start_fd = listen_start(dir, e);
	if (r >= 0 && opt->console_socket)
		r = out->console_fd = connect_console(opt->console_socket, e);
	return r < 0 ? r : connect_listener(c, &out->listener_fd, e);
}

static int start_box(struct making *m, struct spec *s, const struct create_options *opt,
		     struct box **box, struct err *e)
{
	_cleanup_(sockets_close) struct sockets fds = { -1, -1, -1 };
	const struct state_dir *dir = &m->ref->dir;
	const int own_fds[] = { dir->root_fd, dir->fd, dir->lock_fd };
	struct keeper keeper = {
		.cgroup_planned = cgroup_planned,
		.cgroup_made = cgroup_made,
		.process_made = process_made,
		.unit = unit_known,
		.rdt = rdt_told,
		.state = state_for_hooks,
		.process_state = process_state,
		.arg = m,
		.own_fds = own_fds,
		.n_own_fds = ARRAY_SIZE(own_fds),
		.root_fd = -1,
	};
	int r = sockets_open(&fds, s->container, opt, dir, e);

	if (r < 0)
		return r;
	keeper.start_fd = s->d.seal.start_fd = fds.start_fd;
	keeper.console_fd = fds.console_fd;
	keeper.listener_fd = s->d.seal.listener_fd = fds.listener_fd;
	return container_start(s, &keeper, box, e);
}

static int finish(struct making *m, const struct create_options *opt, bool await_start,
		  struct box *box, struct err *e)
{
	struct container_ref *ref = m->ref;
	int r;

	ref->state.phase = await_start ? PHASE_CREATED : PHASE_STARTED;
	ref->status = await_start ? STATUS_CREATED : STATUS_RUNNING;
	r = state_save(&ref->dir, &ref->state, e);
	if (r == 0)
		r = send_pidfd(opt->pidfd_socket, "standard", box->pidfd, e);
	return r == 0 ? write_pid_file(opt->pid_file, box->pid, e) : r;
}

/* Into a directory that is ours alone now. */
static int fill(struct making *m, struct spec *s, const struct create_options *opt,
		struct box **box, struct err *e)
{
	int r = write_down(m->o, m->ref->state.id, s->container, m->ref, e);

	if (r == 0)
		r = keep_config(m, e);
	if (r == 0)
		r = notify_make_dir(&m->ref->dir, e);
	if (r == 0)
		r = start_box(m, s, opt, box, e);
	return r == 0 ? finish(m, opt, s->container->life.await_start, *box, e) : r;
}

static void give_up(struct oci *o, struct container_ref *ref)
{
	struct err ignored;

	ref_destroy(o, ref, &ignored);
}

static struct spec *new_spec(struct oci *o, struct container *c)
{
	struct spec *s = arena_alloc(o->arena, sizeof(*s));

	if (!s)
		return NULL;
	s->arena = o->arena;
	s->container = c;
	s->info_fd = s->status_fd = s->sync_fd = s->block_fd = s->ready_fd = -1;
	return s;
}

int container_create(struct oci *o, const char *id, const struct create_options *opt, bool at_once,
		     struct box **box, struct container_ref *ref, struct err *e)
{
	_cleanup_(making_done) struct making m = { .o = o, .ref = ref };
	struct container *c = arena_alloc(o->arena, sizeof(*c));
	struct spec *s = new_spec(o, c);
	int r = c && s ? load(&m, id, opt, at_once, c, e) : err_errno(e, ENOMEM, "create");

	if (r == 0)
		r = check_console(c, opt, at_once && !opt->detach, e);
	if (r < 0)
		return r;
	r = spec_decide(o, s, e);
	if (r == 0)
		r = state_create(o->root, id, &ref->dir, e);
	if (r < 0)
		return r;
	ref->state.id = id;
	r = fill(&m, s, opt, box, e);
	if (r < 0)
		give_up(o, ref);
	return r;
}

/* ---- restore ---- */

static int make_cgroup(struct making *m, const struct container *c, const struct resources *limits,
		       struct err *e)
{
	struct cg_system system = { 0 };
	const struct keeper keeper = {
		.cgroup_planned = cgroup_planned,
		.cgroup_made = cgroup_made,
		.arg = m,
	};
	int r = c->life.no_cgroup
			? 0
			: cgroup_make(&keeper, &system, c->life.cgroup, limits, &m->ref->cg, e);

	cg_system_done(&system);
	return r;
}

int container_revive(struct oci *o, const char *id, const struct create_options *opt,
		     struct container **out, struct container_ref *ref, struct err *e)
{
	_cleanup_(making_done) struct making m = { .o = o, .ref = ref };
	struct container *c = arena_alloc(o->arena, sizeof(*c));
	struct spec *s = new_spec(o, c);
	int r = c && s ? load(&m, id, opt, true, c, e) : err_errno(e, ENOMEM, "restore");

	if (r == 0 && o->cgroup_manager == MANAGER_SYSTEMD)
		r = err_set(e, EOPNOTSUPP,
			    "restore: criu cannot put processes into a unit of systemd's: use "
			    "--cgroup-manager cgroupfs");
	if (r == 0 && c->net_devices.n)
		r = err_set(e, EOPNOTSUPP,
			    "restore: criu makes the network, and linux.netDevices cannot be "
			    "moved into it");
	if (r == 0 && c->rdt.given)
		r = err_set(
			e, EOPNOTSUPP,
			"restore: criu makes the processes, and would leave them outside of the "
			"group of linux.intelRdt");
	if (r == 0)
		r = check_console(c, opt, !opt->detach, e);
	if (r == 0)
		r = spec_decide(o, s, e);
	if (r == 0)
		r = state_create(o->root, id, &ref->dir, e);
	if (r < 0)
		return r;
	ref->state.id = id;
	r = write_down(o, id, c, ref, e);
	if (r == 0)
		r = keep_config(&m, e);
	if (r == 0)
		r = make_cgroup(&m, c, s->d.resources, e);
	if (r < 0)
		give_up(o, ref);
	*out = c;
	return r;
}

int container_revived(struct oci *o, struct container_ref *ref, int pid,
		      const struct create_options *opt, struct err *e)
{
	struct making m = { .o = o, .ref = ref };
	struct box box = { .pid = pid };
	int r = process_made(&m, pid, e);

	return r == 0 ? finish(&m, opt, false, &box, e) : r;
}
