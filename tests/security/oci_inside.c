/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a hostile container does to those who enter it.
 *
 *	oci_inside stop		stops every process that it can see, for ever
 *	oci_inside look FILE	stops each newcomer, writes to FILE what /proc shows of it, and lets
 *it go on
 */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static void put_link(FILE *out, const char *path)
{
	char text[512];
	ssize_t n = readlink(path, text, sizeof(text) - 1);

	if (n < 0)
		return;
	text[n] = 0;
	fprintf(out, "%s %s\n", path, text);
}

static void look_at(FILE *out, const char *pid)
{
	char path[300], name[330];
	DIR *fds;

	snprintf(path, sizeof(path), "/proc/%s/exe", pid);
	put_link(out, path);
	snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	fds = opendir(path);
	for (struct dirent *d; fds && (d = readdir(fds));) {
		snprintf(name, sizeof(name), "%s/%.20s", path, d->d_name);
		put_link(out, name);
	}
	if (fds)
		closedir(fds);
}

static void each_newcomer(FILE *out)
{
	DIR *proc = opendir("/proc");

	for (struct dirent *d; proc && (d = readdir(proc));) {
		int pid = isdigit((unsigned char)*d->d_name) ? atoi(d->d_name) : 0;

		if (pid <= 1 || kill(pid, SIGSTOP) < 0)
			continue;
		look_at(out, d->d_name);
		kill(pid, SIGCONT);
	}
	if (proc)
		closedir(proc);
	fflush(out);
}

/* A packet that says that a step failed which there is not (src/run/wire.h). */
static void forge_failure(int fd)
{
	struct {
		unsigned type, id, size, flags;
		int code;
		unsigned step, item;
		int pid;
		char failed[128];
		unsigned long long step_ns[24], setup_cpu_ns;
	} packet = { .type = 11, .code = 5, .step = 0xffffff, .item = 0xffffff };

	send(fd, &packet, sizeof(packet), MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void forge(const char *pid, int told)
{
	int pidfd = (int)syscall(SYS_pidfd_open, atoi(pid), 0);

	for (int fd = 3; pidfd >= 0 && fd < 40; fd++) {
		char path[64];
		int theirs = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0), pipe;

		snprintf(path, sizeof(path), "/proc/%.20s/fd/%d", pid, fd);
		pipe = open(path, O_WRONLY | O_NONBLOCK);
		if (pipe >= 0 && write(pipe, &told, sizeof(told)) < 0)
			perror("write");
		if (theirs >= 0)
			forge_failure(theirs);
		close(pipe);
		close(theirs);
	}
	close(pidfd);
}

static void forge_all(int told)
{
	DIR *proc = opendir("/proc");

	for (struct dirent *d; proc && (d = readdir(proc));)
		if (isdigit((unsigned char)*d->d_name) && atoi(d->d_name) > 1)
			forge(d->d_name, told);
	if (proc)
		closedir(proc);
}

int main(int argc, char **argv)
{
	bool forges = argc > 2 && strcmp(argv[1], "forge") == 0;
	FILE *out = argc > 2 && !forges ? fopen(argv[2], "w") : NULL;

	for (;;) {
		if (argc == 2 && strcmp(argv[1], "stop") == 0)
			kill(-1, SIGSTOP);
		else if (forges)
			forge_all(atoi(argv[2]));
		else if (out)
			each_newcomer(out);
		else
			return 1;
	}
}
