/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The acts of JOIN and ROOT: what the first process does. Values go to the leaves. Child-safe. */
#include <fcntl.h>
#include <sys/wait.h>
#include <termios.h>

#include "base/caps.h"
#include "net/net.h"
#include "ns/ns.h"
#include "run/run.h"
#include "run/wire.h"
#include "sec/rights.h"
#include "sys/mnt.h"
#include "sys/security.h"
#include "sys/sock.h"

/* Each by a descriptor of its own. */
size_t want_targets(const struct run *r)
{
	size_t n = 0;

	if (r->d->enters)
		return 0;
	for (int i = 0; i < NS_COUNT; i++)
		n += r->spec->ns[i].mode == NS_JOINED;
	return n;
}

size_t want_joins(const struct run *r)
{
	return r->d->enters ? r->d->enter_flags != 0 : want_targets(r);
}

/* The i-th joined namespace, the user namespace last: entering it gives up the caller's rights. */
static enum ns_type joined(const struct run *r, size_t i)
{
	for (int type = NS_COUNT - 1; type >= 0; type--)
		if (r->spec->ns[type].mode == NS_JOINED && i-- == 0)
			return (enum ns_type)type;
	return NS_USER;
}

/*
 * What the caller may not enter as it is, it may be able to enter as a member of the user namespace
 * that is joined too; so that one is entered as soon as something is refused.
 */
int act_join(struct run *r, size_t i)
{
	enum ns_type type = joined(r, i);
	int user_fd = r->join_fd[NS_USER], code;

	if (r->d->enters)
		return ns_enter(r->d->enter_pidfd, (int)r->d->enter_flags);
	if (r->join_fd[type] < 0) /* entered already */
		return 0;
	code = ns_enter(r->join_fd[type], (int)ns_table[type].clone_flag);
	if (code == -EPERM && type != NS_USER && user_fd >= 0) {
		code = ns_enter(user_fd, CLONE_NEWUSER);
		r->join_fd[NS_USER] = -1;
		if (code == 0)
			code = ns_enter(r->join_fd[type], (int)ns_table[type].clone_flag);
	}
	return code;
}

void close_keepers_fds(struct run *r)
{
	for (size_t i = 0; r->keeper && i < r->keeper->n_own_fds; i++)
		if (r->keeper->own_fds[i] >= 0)
			sys_close(r->keeper->own_fds[i]);
}

/*
 * And the parent's ends of our channels are closed at once: as long as we hold them too, its death
 * is no end of file to us. What we make from here on has the mode that is asked for.
 */
int act_close_on_exec(struct run *r, size_t i)
{
	(void)i;
	sys_umask(0);
	sys_close(r->control_fd[0]);
	sys_close(r->report_fd[0]);
	close_keepers_fds(r);
	for (int fd = 0; fd < 3; fd++)
		if (r->stdio.lacking & 1U << fd && sys_dup3(r->stdio.null_fd, fd, 0) < 0)
			return -EBADF;
	return sys_close_range(3, ~0U, 1U << 2 /* CLOSE_RANGE_CLOEXEC */);
}

/* Who enters the user namespace to make its network is somebody there only if that has its maps. */
bool is_played(const struct run *r)
{
	return want_pasta(r) || want_egress(r);
}

size_t want_pasta(const struct run *r)
{
	return r->d->nets.n && r->d->nets.items[0].kind == NET_PASTA;
}

size_t want_egress(const struct run *r)
{
	return r->d->nets.n && r->d->nets.items[0].kind == NET_NAMES;
}

size_t want_map_parent(const struct run *r)
{
	return r->d->map_by == MAP_BY_PARENT || r->d->map_by == MAP_BY_HELPER ||
	       (r->d->map_by == MAP_BY_CHILD && is_played(r));
}

size_t want_idmap(const struct run *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->d->mounts.n; i++)
		n += r->d->mounts.items[i].idmap;
	return n;
}

size_t want_link(const struct run *r)
{
	return want_map_parent(r) || want_idmap(r) || want_unit(r) || want_unit_enter(r) ||
	       r->d->net_devices || r->d->nets.n;
}

/* An end of file instead of the word means that the parent is gone. */
int act_wait(struct run *r, size_t i)
{
	struct wire_head head;
	unsigned none = 0;
	ssize_t n;

	(void)i;
	do {
		n = sys_recv_fds(r->control_fd[1], &head, sizeof(head), NULL, &none, 0);
	} while (n == -EINTR);
	if (n < 0)
		return (int)n;
	return n == sizeof(head) && head.type == WIRE_GO ? 0 : -ECANCELED;
}

size_t want_map_self(const struct run *r)
{
	return r->d->map_by == MAP_BY_CHILD && !is_played(r);
}

int act_map_self(struct run *r, size_t i)
{
	(void)i;
	return user_write_maps("/proc/self", r->d->uid_map, r->d->gid_map, r->d->deny_setgroups,
			       &r->failed);
}

size_t want_early_ids(const struct run *r)
{
	return r->d->early_ids;
}

int act_early_ids(struct run *r, size_t i)
{
	int code = cgroup_enter(r); /* which only processes of the caller's own id may */

	(void)i;
	if (code < 0)
		return code;
	return user_become(r->d->early_uid, r->d->early_gid, r->d->seal.drop_groups, &r->failed);
}

size_t want_not_pid1(const struct run *r)
{
	return !r->d->init_is_pid1 && !r->d->enters_pid_ns;
}

int act_subreaper(struct run *r, size_t i)
{
	(void)r, (void)i;
	return sys_prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

/* In a new user namespace the kernel has turned every shared mount into a slave already. */
size_t want_own_propagation(const struct run *r)
{
	return r->d->new_root && (r->d->clone_flags & (CLONE_NEWUSER | CLONE_NEWNS)) == CLONE_NEWNS;
}

int act_own_propagation(struct run *r, size_t i)
{
	struct mount_attr attr = { .propagation = MS_SLAVE };

	(void)i;
	if (r->d->host_propagation)
		attr.propagation = r->d->host_propagation;
	return sys_mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &attr);
}

size_t want_time(const struct run *r)
{
	return r->d->time_offsets || r->d->late_time_ns;
}

int act_time(struct run *r, size_t i)
{
	int code = r->d->late_time_ns ? sys_unshare(CLONE_NEWTIME) : 0;

	(void)i;
	if (code == 0 && r->d->time_offsets)
		code = time_write_offsets(r->d->time_offsets, &r->failed);
	return code == 0 && r->d->enter_time_ns ? time_enter_own(&r->failed) : code;
}

size_t want_names(const struct run *r)
{
	return r->d->hostname != NULL;
}

int act_names(struct run *r, size_t i)
{
	(void)i;
	return uts_set_names(r->d->hostname, r->d->domainname, &r->failed);
}

size_t want_loopback(const struct run *r)
{
	return r->d->loopback;
}

int act_loopback(struct run *r, size_t i)
{
	(void)r, (void)i;
	return net_loopback_up();
}

size_t want_root(const struct run *r)
{
	return r->d->new_root;
}

/* tmpfs options; the numbers' text lives in `text`. */
static void tmpfs_options(const struct mnt *m, struct fs_option o[4], char text[3][24])
{
	fs_put_u64(text[0], m->mode, 8);
	*o++ = (struct fs_option){ "mode", text[0] };
	if (m->size_bytes) {
		fs_put_u64(text[1], m->size_bytes, 10);
		*o++ = (struct fs_option){ "size", text[1] };
	}
	if (m->inodes) {
		fs_put_u64(text[2], m->inodes, 10);
		*o++ = (struct fs_option){ "nr_inodes", text[2] };
	}
	*o = (struct fs_option){ NULL, NULL };
}

static struct fs_overlay overlay_values(const struct mnt *m, const struct fs_place *place)
{
	return (struct fs_overlay){
		.layers = m->layers.items,
		.n_layers = m->layers.n,
		.keep = m->upper,
		.read_only = m->read_only,
		.size_bytes = m->size_bytes,
		.inodes = m->inodes,
		.place = place,
	};
}

/* A box's tree is read-only as a whole and from the start; a container's at its top, in the end. */
static int mount_root_bind(struct run *r, const struct mnt *m)
{
	uint64_t propagation = r->d->root_propagation;
	int code;

	if (!r->d->container)
		return fs_root_bind(&r->fs, m->src,
				    m->attrs | (m->read_only ? MOUNT_ATTR_RDONLY : 0), MS_PRIVATE,
				    false);
	code = propagation == MS_SHARED ? fs_root_unshare(&r->fs, m->src) : 0;
	if (code < 0)
		return code;
	if (propagation == MS_UNBINDABLE) /* in the end: until then parts of it are bound */
		propagation = MS_PRIVATE;
	return fs_root_bind(&r->fs, m->src, 0, propagation == MS_SHARED ? 0 : propagation,
			    r->d->attach_in_place);
}

int act_root(struct run *r, size_t i)
{
	const struct mnt *m = &r->d->root;
	struct fs_option options[4];
	char text[3][24];
	int tree_fd;

	(void)i;
	r->fs.unattached = r->d->unattached;
	if (m->kind == MNT_BIND)
		return mount_root_bind(r, m);
	if (m->kind == MNT_OVERLAY) {
		struct fs_overlay o = overlay_values(m, NULL);

		tree_fd = fs_overlay(&r->fs, &o, m->attrs);
		return tree_fd < 0 ? tree_fd : fs_root_place(&r->fs, tree_fd, -1);
	}
	tmpfs_options(m, options, text);
	return fs_root_fresh(&r->fs, options, m->attrs);
}

size_t want_mounts(const struct run *r)
{
	return r->d->mounts.n;
}

/* An idmapped tree was made by the parent, who alone may; it comes over the control channel. */
static int receive_tree(struct run *r)
{
	struct wire_head head;
	unsigned n_fds = 1;
	int fd = -1, code = cgroup_enter(r);
	ssize_t n;

	if (code < 0)
		return code;
	n = sys_recv_fds(r->control_fd[1], &head, sizeof(head), &fd, &n_fds, 0);
	if (n < 0)
		return (int)n;
	return n == sizeof(head) && head.type == WIRE_TREE && n_fds == 1 ? fd : -ECANCELED;
}

static int mount_bind(struct run *r, const struct mnt *m)
{
	struct fs_bind b = {
		.src = m->idmap || m->fd >= 0 ? NULL : m->src,
		.src_fd = m->idmap ? receive_tree(r) : m->fd,
		.dst = m->dst,
		.attrs = m->attrs,
		.propagation = m->propagation ? m->propagation : r->d->root_propagation,
		.recursive = m->recursive,
		.optional = m->optional,
		.is_dir = m->is == MNT_IS_UNKNOWN ? -1 : m->is == MNT_IS_DIR,
		.top_only = r->d->container,
		.propagate_below = m->propagate_below,
		.clear = m->clear,
		.attrs_below = m->attrs_below,
		.clear_below = m->clear_below,
	};

	if (r->d->container) {
		b.propagation = m->propagation;
		b.procfs = strcmp(m->dst, "/proc") == 0;
		return fs_bind(&r->fs, &b);
	}

	/* A slave stays what the kernel made it; the others are set, all the way down. */
	if (b.propagation == MS_SLAVE)
		b.propagation = 0;
	return fs_bind(&r->fs, &b);
}

static int mount_overlay(struct run *r, const struct mnt *m)
{
	struct fs_place place;
	struct fs_overlay o = overlay_values(m, &place);
	int tree_fd, code = fs_place(&r->fs, m->dst, FS_PLACE(true), &place);

	if (code < 0)
		return code;
	tree_fd = fs_overlay(&r->fs, &o, m->attrs);
	return tree_fd < 0 ? tree_fd : fs_attach(&r->fs, tree_fd, &place);
}

static int mount_tmpfs(struct run *r, const struct mnt *m)
{
	struct fs_option options[4];
	char text[3][24];

	tmpfs_options(m, options, text);
	return fs_fresh(&r->fs, "tmpfs", options, m->dst, m->attrs);
}

static int mount_devpts(struct run *r, const struct mnt *m)
{
	/* Each devpts mount is an instance of its own; gid=5 would need that id in the map. */
	static const struct fs_option options[] = { { "mode", "620" },
						    { "ptmxmode", "666" },
						    { NULL, NULL } };

	return fs_fresh(&r->fs, "devpts", options, m->dst, m->attrs);
}

int mount_make(struct run *r, const struct mnt *m)
{
	struct fs *fs = &r->fs;

	switch (m->kind) {
	case MNT_BIND:
		return mount_bind(r, m);
	case MNT_TMPFS:
		return mount_tmpfs(r, m);
	case MNT_SCRATCH:
		return fs_scratch(fs, m->dst, m->mode, m->attrs);
	case MNT_OVERLAY:
		return mount_overlay(r, m);
	case MNT_PROC:
		return fs_fresh(fs, "proc", NULL, m->dst, m->attrs);
	case MNT_DEVPTS:
		return mount_devpts(r, m);
	case MNT_MQUEUE:
		return fs_fresh(fs, "mqueue", NULL, m->dst, m->attrs);
	case MNT_NODE:
		return fs_device(fs, m->src, m->dst);
	case MNT_DIR:
		return fs_dir(fs, m->dst, m->mode);
	case MNT_FILE:
		return m->data ? fs_file(fs, m->dst, m->data, m->len, m->mode)
			       : fs_file_from(fs, m->dst, m->src, m->fd, m->mode);
	case MNT_SYMLINK:
		return fs_symlink(fs, m->src, m->dst, m->optional);
	case MNT_MASK:
		return fs_mask(fs, m->dst, m->is == MNT_IS_UNKNOWN ? -1 : m->is == MNT_IS_DIR,
			       m->optional);
	case MNT_REMOUNT_RO:
		return fs_set_attrs(fs, m->dst, MOUNT_ATTR_RDONLY, 0, 0, false);
	case MNT_PROPAGATION:
		return fs_set_attrs(fs, m->dst, 0, 0, m->propagation, true);
	case MNT_FRESH:
	case MNT_CGROUP:
	case MNT_MAKE_NODE:
	case MNT_REMOUNT:
	case MNT_READ_ONLY:
		return container_mount(r, m);
	case MNT_DEV:
		break;
	}
	return -EINVAL;
}

size_t want_covers(const struct run *r)
{
	return r->d->covers.n;
}

int act_cover(struct run *r, size_t i)
{
	int code = mount_make(r, &r->d->covers.items[i]);

	if (i + 1 == r->d->covers.n)
		fs_flush(&r->fs);
	return code;
}

int act_mount(struct run *r, size_t i)
{
	int code = mount_make(r, &r->d->mounts.items[i]);

	if (i + 1 == r->d->mounts.n)
		fs_flush(&r->fs);
	return code;
}

size_t want_terminal(const struct run *r)
{
	return r->d->pty;
}

static int open_ptmx(struct run *r)
{
	if (!r->d->new_root)
		return sys_openat(AT_FDCWD, "/dev/ptmx", O_RDWR | O_NOCTTY, 0);
	return fs_open(&r->fs, "/dev/pts/ptmx", O_RDWR | O_NOCTTY);
}

/* As engines expect it: no "\r" before "\n", and owned by the process. */
static int engine_terminal(struct run *r)
{
	struct termios t;
	int code = sys_ioctl(r->slave_fd, TCGETS, &t);

	r->failed = "set up the terminal";
	t.c_oflag &= ~(tcflag_t)ONLCR;
	if (code == 0)
		code = sys_ioctl(r->slave_fd, TCSETS, &t);
	if (code == 0 && r->seal->uid)
		code = sys_fchownat(r->slave_fd, "", r->seal->uid, (gid_t)-1, AT_EMPTY_PATH);
	return code;
}

/* The master goes to the parent; the slave becomes the program's terminal. */
int act_terminal(struct run *r, size_t i)
{
	struct wire_head head = { .type = WIRE_TERMINAL };
	int master_fd = open_ptmx(r); /* r->master_fd is the parent's, in the same memory */
	int unlock = 0, code;

	(void)i;
	r->failed = "open /dev/pts/ptmx";
	if (master_fd < 0)
		return master_fd;
	code = sys_ioctl(master_fd, TIOCSPTLCK, &unlock);
	if (code == 0)
		code = sys_ioctl(master_fd, TIOCSWINSZ, &r->winsize);
	/* The slave by the master's descriptor: no path, so nothing can stand in its place. */
	if (code == 0)
		code = sys_ioctl(master_fd, TIOCGPTPEER,
				 (void *)(uintptr_t)(O_RDWR | O_NOCTTY | O_CLOEXEC));
	if (code < 0)
		return code;
	r->slave_fd = r->controlling_fd = code;
	code = r->d->container ? engine_terminal(r) : 0;
	if (code < 0)
		return code;
	code = (int)sys_send_fds(r->control_fd[1], &head, sizeof(head), &master_fd, 1);
	sys_close(master_fd);
	return code < 0 ? code : 0;
}

size_t want_root_propagation(const struct run *r)
{
	return r->d->new_root && r->d->root_propagation != MS_PRIVATE;
}

int act_root_propagation(struct run *r, size_t i)
{
	struct mount_attr attr = { .propagation = r->d->root_propagation };
	bool all = r->d->root_propagation != MS_UNBINDABLE;

	(void)i;
	return sys_mount_setattr(r->fs.root_fd, "", AT_EMPTY_PATH | (all ? AT_RECURSIVE : 0),
				 &attr);
}

size_t want_root_read_only(const struct run *r)
{
	return r->d->new_root &&
	       (r->d->container ? r->d->root.read_only : r->d->root.kind == MNT_TMPFS);
}

int act_root_read_only(struct run *r, size_t i)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };

	(void)i;
	return sys_mount_setattr(r->fs.root_fd, "", AT_EMPTY_PATH, &attr);
}

/*
 * exec takes the capabilities of whoever is not user 0. Init needs none, except to change ids, to
 * load a filter without no_new_privs, or to hand capabilities on.
 */
size_t want_init_caps(const struct run *r)
{
	const struct seal *seal = r->seal;

	if (r->d->container)
		return r->d->init_caps;
	return !r->d->as_pid1 &&
	       (seal->caps || seal->change_ids || (seal->filter && !seal->no_new_privs));
}

int act_init_caps(struct run *r, size_t i)
{
	const uint64_t own = UINT64_C(1) << CAP_KILL | UINT64_C(1) << CAP_SETUID |
			     UINT64_C(1) << CAP_SETGID | UINT64_C(1) << CAP_SETPCAP |
			     UINT64_C(1) << CAP_SYS_ADMIN;

	(void)i;
	if (r->d->container || r->seal->caps == CAPS_ALL)
		return rights_set_caps(CAPS_ALL);
	return rights_set_caps(r->seal->caps | own);
}

int act_pivot(struct run *r, size_t i)
{
	int code;

	(void)i;
	if (r->d->no_pivot)
		return fs_chroot(&r->fs);
	code = fs_pivot(&r->fs);
	return code == 0 && r->d->host_propagation == MS_SHARED ? fs_cut_off(&r->fs) : code;
}

/* What stays below a chroot(2) cannot be detached. */
size_t want_let_go(const struct run *r)
{
	return r->d->new_root && !r->d->no_pivot;
}

size_t want_beside(const struct run *r)
{
	return r->d->beside;
}

int act_beside(struct run *r, size_t i)
{
	(void)i;
	r->memory->beside.report = r->report;
	r->memory->beside.makes_network = !r->d->net_early;
	r->memory->beside.lets_go = true;
	if (!r->d->container) { /* what a network costs counts, too */
		r->memory->beside.cg_fds = r->memory->run.cg_fds;
		r->memory->beside.n_cg_fds = r->n_cg_fds;
	}
	return beside_start(&r->memory->beside, r->memory->second_stack);
}

int network_enter(struct run *r)
{
	struct beside *b;
	int code;

	if (!want_network(r) || r->in_network)
		return 0;
	b = r->d->net_early ? &r->memory->early : &r->memory->beside;
	code = beside_enter_network(b, &r->failed);
	r->in_network = code == 0;
	if (r->d->net_early)
		beside_go(b, 0);
	return code;
}

size_t want_network(const struct run *r)
{
	return r->d->beside || r->d->net_early;
}

int act_network(struct run *r, size_t i)
{
	(void)i;
	return network_enter(r);
}

/* The init waits for the helper; where there is none, we do. */
int act_let_go(struct run *r, size_t i)
{
	struct beside *b = &r->memory->beside;
	int status = 0;

	(void)i;
	if (!r->d->beside)
		return fs_let_go(r->fs.root_mnt_id, &r->failed);
	b->step = r->shared->at_step;
	beside_go(b, r->fs.root_mnt_id);
	if (r->d->as_pid1 && sys_wait4(b->pid, &status, __WALL, NULL) >= 0 && status != 0)
		return b->code < 0 ? b->code : -ECANCELED;
	return 0;
}
