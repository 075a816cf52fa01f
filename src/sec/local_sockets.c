/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stddef.h>
#include <sys/socket.h>

#include "sec/rights.h"
#include "sys/security.h"

#define LOAD(field) \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)offsetof(struct seccomp_data, field))

/* seccomp(2): Landlock knows TCP alone, so that UDP and all else is refused here. */
static const struct sock_filter filter[] = {
	LOAD(arch),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_AUDIT_ARCH, 1, 0),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	LOAD(nr),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 3),
	LOAD(args[0]), /* the domain is an int: the low half on a little-endian machine */
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_UNIX, 1, 0),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EAFNOSUPPORT),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
};

int rights_local_sockets_only(void)
{
	struct sock_fprog prog = { sizeof(filter) / sizeof(filter[0]),
				   (struct sock_filter *)filter };

	return sys_seccomp(SECCOMP_SET_MODE_FILTER, 0, &prog);
}
