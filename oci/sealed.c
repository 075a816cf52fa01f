/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Our program from a sealed copy in memory. What joins a pid namespace is a copy of ours until it
 * executes the init, and for those who are in there and may trace it /proc/PID/exe is our file: the
 * host's, to be written to once nobody executes it any more (CVE-2019-5736). In any other case
 * nobody of a container can see such a process.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "container.h"
#include "sys/fd.h"

#define SELF  "/proc/self/exe"
#define NAME  "holm-oci"
#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static bool is_sealed(void)
{
	char link[64];
	ssize_t n = readlink(SELF, link, sizeof(link) - 1);

	if (n < 0)
		return false;
	link[n] = 0;
	return str_starts(link, "/memfd:" NAME);
}

#define FLAGS (1U | 2U) /* MFD_CLOEXEC, MFD_ALLOW_SEALING */

/* Where programs in memory are not the rule (vm.memfd_noexec) it has to be said; Linux 6.3. */
static int new_program(void)
{
	int fd = sys_memfd_create(NAME, FLAGS | 0x10U /* MFD_EXEC */);

	return fd == -EINVAL ? sys_memfd_create(NAME, FLAGS) : fd;
}

static int copy_self(void)
{
	_cleanup_fd_ int from = sys_openat(AT_FDCWD, SELF, O_RDONLY, 0);
	_cleanup_fd_ int to = from < 0 ? from : new_program();
	char block[65536];
	ssize_t n = to < 0 ? to : 1;
	int r = 0;

	while (r == 0 && n > 0) {
		n = sys_read(from, block, sizeof(block));
		if (n > 0)
			r = sys_write_all(to, block, (size_t)n);
	}
	if (n < 0 || r < 0)
		return n < 0 ? (int)n : r;
	return fcntl(to, F_ADD_SEALS, SEALS) < 0 ? -errno : TAKE_FD(to);
}

/* It is read again, from the beginning. */
static bool is_file(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

int run_sealed(struct oci *o, const struct container *c, const char *config, struct err *e)
{
	_cleanup_fd_ int fd = -1;

	/* Who is in a user namespace may look at nothing that the host's owns. */
	if (!c->ns[NS_PID].path || c->ns[NS_USER].listed || is_sealed())
		return 0;
	if (!is_file(config))
		return err_set(
			e, EINVAL,
			"%s: where a pid namespace is joined the configuration is read twice: "
			"it has to be a file",
			config);
	fd = copy_self();
	if (fd >= 0)
		fexecve(fd, o->argv, environ);
	return err_errno(e, fd < 0 ? -fd : errno, "execute a sealed copy of holm-oci");
}
