/* SPDX-License-Identifier: GPL-2.0-or-later */
/* holm-oci exec: one more process in a container that runs. */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "container.h"
#include "sys/process.h"

/* UID or UID:GID; names are the engine's to look up. */
static int put_user(struct container_process *p, const char *text, struct err *e)
{
	char uid[16];
	const char *colon = strchr(text, ':');
	size_t len = colon ? (size_t)(colon - text) : strlen(text);

	if (len >= sizeof(uid))
		return err_set(e, EINVAL, "--user: \"%.32s\" is not UID[:GID]", text);
	memcpy(uid, text, len);
	uid[len] = 0;
	if (str_u32(uid, &p->uid) < 0 || (colon && str_u32(colon + 1, &p->gid) < 0))
		return err_set(e, EINVAL, "--user: \"%.32s\" is not UID[:GID]", text);
	return 0;
}

static int put_groups(struct oci *o, struct container_process *p, const strings *groups,
		      struct err *e)
{
	for (size_t i = 0; i < groups->n; i++) {
		uint32_t *slot = arena_push(o->arena, &p->additional_gids.items,
					    &p->additional_gids.n, sizeof(*slot));

		if (!slot)
			return err_errno(e, ENOMEM, "--additional-gids");
		if (str_u32(groups->items[i], slot) < 0)
			return err_set(e, EINVAL, "--additional-gids: \"%.32s\" is no number",
				       groups->items[i]);
	}
	return 0;
}

static int put_caps(struct container_process *p, const strings *caps, struct err *e)
{
	for (size_t i = 0; i < caps->n; i++) {
		uint64_t bit = config_capability(caps->items[i]);

		if (!bit)
			return err_set(e, EINVAL, "--cap: there is no capability \"%.32s\"",
				       caps->items[i]);
		for (int set = 0; set < CAP_SETS; set++)
			p->caps[set] |= bit;
	}
	return 0;
}

static int put_env(struct oci *o, struct container_process *p, const strings *env, struct err *e)
{
	for (size_t i = 0; i < env->n; i++) {
		const char *s = env->items[i];

		if (*s == '=' || !strchr(s, '='))
			return err_set(e, EINVAL, "--env: \"%.64s\" is not NAME=VALUE", s);
		if (config_env_put(o->arena, &p->env, s) < 0)
			return err_errno(e, ENOMEM, "--env");
	}
	return 0;
}

/* The container's own process, changed as the options say. */
static int from_options(struct oci *o, struct container_process *p, int argc, char **argv,
			struct err *e)
{
	const struct exec_options *opt = &o->opt.exec;
	int r = 0;

	p->given = true;
	p->terminal = opt->tty;
	p->args = (strings){ (const char **)argv, (size_t)argc };
	if (opt->cwd)
		p->cwd = opt->cwd;
	if (opt->apparmor)
		p->apparmor_profile = opt->apparmor;
	if (opt->process_label)
		p->selinux_label = opt->process_label;
	if (opt->no_new_privs)
		p->no_new_privileges = true;
	if (opt->user) {
		r = put_user(p, opt->user, e);
		p->additional_gids.n = 0;
	}
	if (r == 0)
		r = put_env(o, p, &opt->env, e);
	if (r == 0)
		r = put_groups(o, p, &opt->additional_gids, e);
	return r == 0 ? put_caps(p, &opt->caps, e) : r;
}

/* A namespace by descriptor, which stays open until we end; NULL: it is gone. */
static const char *open_namespace(struct oci *o, int pid, enum ns_type type)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, ns_table[type].proc_file);
	fd = sys_openat(AT_FDCWD, path, O_RDONLY, 0);
	return fd < 0 ? NULL : arena_printf(o->arena, "fd:%d", fd);
}

static int gone(const struct state *s, struct err *e)
{
	return err_set(e, ESRCH, "container not running: cannot enter \"%s\"", s->id);
}

/*
 * The namespaces by the pidfd of the process, which stays open until we end. In a user namespace
 * they are entered one by one, by descriptors of their own.
 */
static int target(struct oci *o, struct container *c, int pid, enum ns_type type)
{
	c->ns[type].path = c->life.member_pidfd ? arena_printf(o->arena, "%d", pid)
						: open_namespace(o, pid, type);
	return c->ns[type].path ? 0 : -ESRCH;
}

/* Every namespace that is the container's own is joined; there is nothing to be built. */
static int enter(struct oci *o, struct container *c, const struct state *s, struct err *e)
{
	_cleanup_fd_ int pidfd = state_pidfd(s);

	c->life.member_pidfd = pidfd >= 0 && !c->ns[NS_USER].listed ? pidfd : 0;
	container_is_built(c);
	for (int i = 0; i < NS_COUNT; i++) {
		if (c->ns[i].listed && target(o, c, s->pid, (enum ns_type)i) < 0)
			return gone(s, e);
	}
	/* Is the process that they were opened by still the container's? Then so are they. */
	if (pidfd < 0 || sys_pidfd_send_signal(pidfd, 0) < 0)
		return gone(s, e);
	if (c->life.member_pidfd)
		TAKE_FD(pidfd);
	return 0;
}

static int load(struct oci *o, struct container_ref *ref, int argc, char **argv,
		struct container *c, struct err *e)
{
	const struct exec_options *opt = &o->opt.exec;
	char path[64];
	int r;

	snprintf(path, sizeof(path), "/proc/self/fd/%d/config.json", ref->dir.fd);
	r = config_load(o->arena, NULL, path, c, e);
	if (r < 0)
		return r;
	c->bundle = ref->state.bundle;
	if (opt->process)
		r = config_process_load(o->arena, opt->process, &c->process, e);
	else
		r = from_options(o, &c->process, argc, argv, e);
	if (r == 0 && opt->tty)
		c->process.terminal = true;
	c->life = (struct container_life){
		.preserve_fds = opt->preserve_fds,
		.member = ref->state.pid,
		.no_cgroup = ref->cg.n == 0,
		.rdt_group = ref->state.rdt_path,
		.rdt_monitor = note(&ref->state, RDT_NOTE_MONITOR),
	};
	if (r == 0)
		r = enter(o, c, &ref->state, e);
	return r == 0 ? systemd_enter(o, ref, c, e) : r;
}

static int check(const struct oci *o, const struct container_ref *ref, int argc, struct err *e)
{
	const struct exec_options *opt = &o->opt.exec;

	if (!opt->process && argc < 1)
		return err_set(e, EINVAL, "exec: wants a command, or --process FILE");
	if (ref->status == STATUS_PAUSED && !opt->ignore_paused)
		return err_set(e, EBUSY,
			       "cannot exec in a paused container (use --ignore-paused to "
			       "override)");
	if (ref->status == STATUS_STOPPED || ref->status == STATUS_CREATING)
		return ref_wrong_status(ref, "exec in", e);
	return 0;
}

static char *process_state(void *arg, int pid, const char *metadata)
{
	const struct container_ref *ref = arg;

	return process_state_text(&ref->state, pid, ref->state.pid, status_name(ref->status),
				  metadata);
}

static int launch(struct oci *o, struct container *c, struct container_ref *ref, struct box **box,
		  struct err *e)
{
	const struct exec_options *opt = &o->opt.exec;
	struct spec *s = arena_alloc(o->arena, sizeof(*s));
	_cleanup_fd_ int console_fd = -1, listener_fd = -1;
	const int own_fds[] = { ref->dir.root_fd, ref->dir.fd };
	struct keeper keeper = {
		.process_state = process_state,
		.arg = ref,
		.start_fd = -1,
		.console_fd = -1,
		.listener_fd = -1,
		.cgroup = &ref->cg,
		.own_fds = own_fds,
		.n_own_fds = ARRAY_SIZE(own_fds),
	};
	int r = ref_root(ref, &keeper.root_fd, e);

	if (r < 0)
		return r;
	if (!s)
		return err_errno(e, ENOMEM, "exec");
	*s = (struct spec){ .arena = o->arena, .container = c };
	s->info_fd = s->status_fd = s->sync_fd = s->block_fd = s->ready_fd = -1;
	if (c->process.terminal && opt->console_socket) {
		console_fd = connect_console(opt->console_socket, e);
		if (console_fd < 0)
			return console_fd;
	} else if (c->process.terminal && opt->detach) {
		return err_set(e, EINVAL, "--detach with a terminal needs --console-socket");
	}
	keeper.console_fd = console_fd;
	r = spec_decide(o, s, e);
	if (r == 0)
		r = connect_listener(c, &listener_fd, e);
	keeper.listener_fd = s->d.seal.listener_fd = listener_fd;
	if (r == 0)
		r = container_start(s, &keeper, box, e);
	if (r == 0)
		r = send_pidfd(opt->pidfd_socket, "setns", (*box)->pidfd, e);
	return r == 0 ? write_pid_file(opt->pid_file, (*box)->pid, e) : r;
}

static int choose_cgroup(const struct oci *o, struct container_ref *ref, struct err *e)
{
	int r = ref_cgroup(ref, e);

	if (r == 0 && ref->cg_lost)
		r = err_set(e, EBUSY, "exec: the cgroup of \"%s\" is another container's by now",
			    ref->state.id);
	if (r == 0 && o->opt.exec.cgroup)
		return cg_descend(&ref->cg, o->opt.exec.cgroup, e);
	return r == 0 ? cg_follow(&ref->cg, ref->state.pid, e) : r;
}

int cmd_exec(struct oci *o, int argc, char **argv, struct err *e)
{
	_cleanup_ref_ struct container_ref ref = CONTAINER_REF_INIT;
	struct container *c = arena_alloc(o->arena, sizeof(*c));
	struct box *box = NULL;
	int r = c ? ref_look(o, argv[0], &ref, e) : err_errno(e, ENOMEM, "exec");

	if (r == 0)
		r = check(o, &ref, argc - 1, e);
	if (r == 0)
		r = choose_cgroup(o, &ref, e);
	if (r == 0)
		r = load(o, &ref, argc - 1, argv + 1, c, e);
	if (r == 0)
		r = launch(o, c, &ref, &box, e);
	ref_close(&ref);
	if (r == 0 && !o->opt.exec.detach)
		r = foreground(box, e);
	if (r < 0)
		box_free(box);
	else
		box_forget(box);
	return r;
}
