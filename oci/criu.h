/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * criu(8), which takes processes apart and puts them together again, as a child that is talked to:
 * `criu swrk` reads requests from a socket, messages of the protocol buffers in its rpc.proto.
 */
#pragma once

#include "base/str.h"
#include "container.h"

/* criu_req_type of rpc.proto */
enum criu_request { CRIU_DUMP = 1, CRIU_RESTORE = 2, CRIU_PRE_DUMP = 4 };

#define CRIU_DESCRIPTORS "descriptors.json" /* beside criu's images */

/* Descriptors that criu gets from 4 on; 3 is its socket. */
#define CRIU_FDS_MAX  8
#define CRIU_FD_FIRST 4

struct criu {
	const char *program;
	enum criu_request request;
	struct buf options; /* criu_opts, encoded */
	int work_fd, images_fd;
	const char *work_path, *log;
	int fds[CRIU_FDS_MAX];
	unsigned n_fds;

	/* restore */
	struct cg *cgroup;                /* criu enters it, and what it restores stays there */
	int home_ns, home_root, home_dir; /* while we are in a mount namespace of our own; -1 */

	/* results */
	int pid;       /* restored, our child */
	int master_fd; /* of the terminal that was restored; -1: none */
};

#define CRIU_INIT                                                                               \
	{                                                                                       \
		.work_fd = -1, .images_fd = -1, .home_ns = -1, .home_root = -1, .home_dir = -1, \
		.pid = 0, .master_fd = -1                                                       \
	}

/*
 * criu wants a root that is a mount. That it is one nobody else shall see, so that nothing is left
 * of it whatever happens: until criu_leave() we are in a mount namespace of our own. Before
 * criu_prepare(), because criu works in directories that we open for it.
 */
int criu_enter(struct criu *c, const char *rootfs, struct err *e);
int criu_leave(struct criu *c, struct err *e);
/* What both commands share: options, directories, external mounts and namespaces. */
int criu_prepare(struct criu *c, const struct oci *o, enum criu_request request,
		 const struct checkpoint_options *opt, const struct container *config,
		 struct err *e);
/* A descriptor for criu, and what the images know it by. */
int criu_inherit(struct criu *c, const char *key, int fd, struct err *e);
int criu_run(struct criu *c, struct err *e);
void criu_done(struct criu *c);

#define _cleanup_criu_ __attribute__((cleanup(criu_done)))

/* ---- the encoding: a field of criu_opts, by its number ---- */

enum criu_field {
	CRIU_IMAGES_DIR_FD = 1,
	CRIU_PID = 2,
	CRIU_LEAVE_RUNNING = 3,
	CRIU_EXT_UNIX_SK = 4,
	CRIU_TCP_ESTABLISHED = 5,
	CRIU_SHELL_JOB = 7,
	CRIU_FILE_LOCKS = 8,
	CRIU_LOG_LEVEL = 9,
	CRIU_LOG_FILE = 10,
	CRIU_PAGE_SERVER = 11,
	CRIU_NOTIFY_SCRIPTS = 12,
	CRIU_ROOT = 13,
	CRIU_PARENT_IMG = 14,
	CRIU_TRACK_MEM = 15,
	CRIU_AUTO_DEDUP = 16,
	CRIU_WORK_DIR_FD = 17,
	CRIU_LINK_REMAP = 18,
	CRIU_MANAGE_CGROUPS = 24,
	CRIU_CG_ROOT = 25,
	CRIU_RST_SIBLING = 26,
	CRIU_INHERIT_FD = 27,
	CRIU_AUTO_EXT_MNT = 28,
	CRIU_EXT_SHARING = 29,
	CRIU_EXT_MASTERS = 30,
	CRIU_MANAGE_CGROUPS_MODE = 34,
	CRIU_EXTERNAL = 37,
	CRIU_EMPTY_NS = 38,
	CRIU_FREEZE_CGROUP = 44,
	CRIU_TCP_SKIP_IN_FLIGHT = 46,
	CRIU_LAZY_PAGES = 48,
	CRIU_STATUS_FD = 49,
	CRIU_ORPHAN_PTS_MASTER = 50,
	CRIU_LSM_PROFILE = 53,
	CRIU_LSM_MOUNT_CONTEXT = 63,
	CRIU_NETWORK_LOCK = 64,
};

void pb_int(struct buf *b, unsigned field, uint64_t value);
void pb_text(struct buf *b, unsigned field, const char *text);
void pb_bytes(struct buf *b, unsigned field, const char *data, size_t len);

struct pb_in {
	const unsigned char *at, *end;
};

struct pb_field {
	unsigned number;
	uint64_t value;   /* of a number */
	const char *data; /* of text, bytes, a message: not ended by a NUL */
	size_t len;
};

/* The next field; false at the end, or where it is malformed. */
bool pb_next(struct pb_in *in, struct pb_field *out);
