/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The file system of a box, one mount at a time. Runs between clone and exec: no allocation, no
 * libc state. Inside a tree that someone else may change, paths are only ever resolved by
 * descriptor, with openat2(2) RESOLVE_IN_ROOT from the new root: a symbolic link in a hostile
 * rootfs leads nowhere but inside it. Mounts are made detached and put in place by move_mount(2).
 *
 * Every function returns 0 or -errno and then sets fs->failed to what it was doing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#define FS_LOOSE_MAX 128
#define FS_VIEWS_MAX 8

/* A mount that shows the kernel; view.c says why it is remembered. */
struct fs_view {
	const char *dst;
	int fd;
	uint64_t mnt_id;
};

struct fs {
	int root_fd;          /* the new root, once it is in place; else -1 */
	uint64_t root_mnt_id; /* once it is the root */
	const char *failed;   /* words for the call that failed */
	uint64_t root_attrs;  /* of a fresh root */
	bool no_tree_attr;    /* this kernel has no open_tree_attr(2) */
	bool unattached;      /* the new root is mounted nowhere, and stays so */

	/*
	 * Descriptors are not closed one by one but together, by fs_flush(), which finds most of
	 * them next to each other. Three are remembered until then: the directory that was used
	 * last, the host's /dev/null, and an empty directory.
	 */
	int loose[FS_LOOSE_MAX];
	unsigned n_loose;
	int dir_fd, null_fd, empty_fd; /* -1: none */
	const char *dir_path;          /* the first dir_len characters name dir_fd */
	size_t dir_len;

	struct fs_view views[FS_VIEWS_MAX]; /* the newest last */
	unsigned n_views;
	struct {
		uint64_t mnt_id, ino; /* 0: not asked yet */
	} root;
};

#define FS_INIT                                                            \
	{                                                                  \
		.root_fd = -1, .dir_fd = -1, .null_fd = -1, .empty_fd = -1 \
	}

/* Counts a new descriptor among the loose ones; hands it on, an error too. */
int fs_loose(struct fs *fs, int fd);
void fs_flush(struct fs *fs);

/* Options of a fresh file system: pairs of key and value, NULL value for a flag, NULL key ends. */
struct fs_option {
	const char *key, *value;
};

/* ---- path.c: finding and making places inside the root ---- */

/* Where something will be mounted: name below dir_fd, or, if it is "", dir_fd itself. */
struct fs_place {
	int dir_fd;
	const char *name;
	bool anywhere; /* below a view, too: what was asked for is there, and no link led to it */
};

int fs_find(const struct fs *fs, const char *path, uint64_t flags); /* for the caller to close */
int fs_open(struct fs *fs, const char *path, uint64_t flags); /* O_PATH unless flags say more */
/* The directory that holds `path`, made if need be; *name is the last component. */
int fs_parent(struct fs *fs, const char *path, const char **name);
/* The place to mount on; made as `mode` says, type and all, if it is not there; and its parents. */
int fs_place(struct fs *fs, const char *path, unsigned mode, struct fs_place *out);
#define FS_PLACE(dir) ((dir) ? S_IFDIR | 0755U : S_IFREG | 0644U)
int fs_attach(struct fs *fs, int tree_fd, const struct fs_place *place);
int fs_is_root(struct fs *fs, int fd); /* does fd name the root itself? */

/* ---- view.c: /proc, /sys, and what else is of their types ---- */

bool fs_view_wanted(const char *type, const char *dst); /* NULL: of any other type */
/* The view that shows `path`, if that is not a link to somewhere else; NULL: none. */
const struct fs_view *fs_view_of(const struct fs *fs, const char *path);
/* The same as fs_place(), for a view. */
int fs_view_place(struct fs *fs, const char *dst, struct fs_place *out);
/* The mount `fd` is in place, and is the view of dst from now on; takes it if it is loose. */
int fs_view_add(struct fs *fs, const char *dst, int fd);
void fs_view_hidden(struct fs *fs, const char *dst); /* by another mount at dst */
/* After somebody else could mount over them: each is what is to be seen there now. */
int fs_views_again(struct fs *fs);

/* ---- mount.c ---- */

struct fs_bind {
	const char *src; /* NULL: from src_fd, a detached tree */
	int src_fd;
	const char *dst;
	uint64_t attrs, propagation; /* MOUNT_ATTR_*, MS_* */
	bool recursive, optional;
	bool procfs; /* it must be one */
	/* Where not all of the tree is treated alike: `attrs` are then those of its top alone. */
	bool top_only, propagate_below;
	uint64_t clear, attrs_below, clear_below;
	int is_dir; /* 1, 0, or -1: look */
};

int fs_bind(struct fs *fs, const struct fs_bind *b);
int fs_fresh(struct fs *fs, const char *type, const struct fs_option *options, const char *dst,
	     uint64_t attrs);
/* The same of any type, with options as KEY=VALUE or KEY; `source` may be NULL. */
struct fs_any {
	const char *type, *source, *dst;
	const char *const *options;
	size_t n_options;
	uint64_t attrs, propagation;
	bool propagate_below, copy_up;
};

int fs_any(struct fs *fs, const struct fs_any *a);
/* text.c: the same by mount(2), where fsconfig(2) does not take a value */
bool fs_text_wanted(const struct fs_any *a);
int fs_text(struct fs *fs, const struct fs_any *a);
/* All that is in one directory, into another; takes both. */
int fs_copy_up(int from_fd, int to_fd);
/* What is at dst, covered by a read-only view of itself. */
int fs_read_only(struct fs *fs, const char *dst, bool optional);
int fs_scratch(struct fs *fs, const char *dst, uint32_t mode, uint64_t attrs);
/* dir: 1, 0, or -1: look. A file is covered by /dev/null, a directory by an empty one. */
int fs_mask(struct fs *fs, const char *dst, int dir, bool optional);
int fs_set_attrs(struct fs *fs, const char *dst, uint64_t set, uint64_t clear, uint64_t propagation,
		 bool recursive);

/* ---- node.c: files, links and devices ---- */

int fs_dir(struct fs *fs, const char *dst, uint32_t mode);
int fs_file(struct fs *fs, const char *dst, const char *data, size_t len, uint32_t mode);
int fs_file_from(struct fs *fs, const char *dst, const char *src, int src_fd, uint32_t mode);
int fs_symlink(struct fs *fs, const char *target, const char *dst, bool optional);
int fs_device(struct fs *fs, const char *src, const char *dst);

struct fs_node {
	const char *dst;
	unsigned type, mode; /* S_IFCHR ... */
	unsigned major, minor, uid, gid;
};

int fs_make_node(struct fs *fs, const struct fs_node *n);

/* ---- overlay.c ---- */

struct fs_overlay {
	const char *const *layers; /* lower directories, the top first */
	size_t n_layers;
	const char *keep; /* directory that keeps the changes in upper/ and work/ */
	bool read_only;
	uint64_t size_bytes, inodes;  /* of a throw-away upper layer */
	const struct fs_place *place; /* where it will be mounted; NULL: it becomes the root */
};

/* A detached overlay mount, or -errno. */
int fs_overlay(struct fs *fs, const struct fs_overlay *o, uint64_t attrs);

/* ---- root.c ---- */

int fs_root_fresh(struct fs *fs, const struct fs_option *options, uint64_t attrs);
int fs_root_bind(struct fs *fs, const char *src, uint64_t attrs, uint64_t propagation,
		 bool in_place);
int fs_root_unshare(struct fs *fs, const char *src);
/* Takes tree_fd. `at_fd`: where it is attached before it becomes the root; -1: over "/". */
int fs_root_place(struct fs *fs, int tree_fd, int at_fd);
int fs_pivot(struct fs *fs);
/* After fs_pivot(), where the old root is shared with the host. */
int fs_cut_off(struct fs *fs);
/* Where pivot_root(2) is not to be had: whoever has CAP_SYS_CHROOT can find the way back. */
int fs_chroot(struct fs *fs);
/* By any process of the mount namespace, once it has pivoted. */
int fs_let_go(uint64_t root_mnt_id, const char **failed);

/* ---- fmt.c: numbers as text, without stdio ---- */

char *fs_put_u64(char *out, uint64_t value,
		 unsigned base); /* behind the digits, which end in NUL */
char *fs_put_str(char *out, const char *end, const char *s);
#define FS_FD_PATH 32
void fs_fd_path(char out[FS_FD_PATH], int fd); /* /proc/self/fd/N */
