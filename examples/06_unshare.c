/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lesson 6: a descriptor does not care for namespaces. A child talks to us over a socket pair, then
 * isolates itself - first with a bare unshare(2), then by starting a box that keeps the socket -
 * and the channel works all the time, although nothing else leads from there to here.
 */
#include <sched.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "example.h"

static void say(int fd, const char *text)
{
	char ns[64] = "", line[128];

	if (readlink("/proc/self/ns/net", ns, sizeof(ns) - 1) < 0)
		err(1, "readlink");
	snprintf(line, sizeof(line), "%s, my network is %s\n", text, ns);
	if (write(fd, line, strlen(line)) < 0)
		err(1, "write");
}

static int child(int fd)
{
	struct holm_spec *spec = new_spec();
	char number[16], script[128];
	int code;

	say(fd, "child: not isolated yet");

	/* The box shares nothing of ours but this descriptor. */
	snprintf(number, sizeof(number), "%d", fd);
	snprintf(script, sizeof(script),
		 "echo \"box: started, my network is $(readlink /proc/self/ns/net)\" >&%d", fd);
	set(spec, "keep-fd", number);
	code = finish(start(spec, script));
	holm_spec_free(spec);

	if (unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWUTS) < 0)
		err(1, "unshare");
	say(fd, "child: isolated");
	return code;
}

int main(void)
{
	char line[256];
	int pair[2], status;
	FILE *channel;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
		err(1, "socketpair");
	pid = fork();
	if (pid < 0)
		err(1, "fork");
	if (pid == 0) {
		close(pair[0]);
		exit(child(pair[1]));
	}
	close(pair[1]);
	channel = fdopen(pair[0], "r");
	while (channel && fgets(line, sizeof(line), channel))
		printf("heard from %s", line);
	if (waitpid(pid, &status, 0) < 0)
		err(1, "waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
