/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * crowd N COMMAND [ARG...]: runs COMMAND beside N processes that sleep, and exits with its status.
 * They have no descriptors but the usual three, and end with this program, however that ends.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void sleeper(pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	syscall(SYS_close_range, 3, ~0U, 0);
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	int n = argc > 2 ? atoi(argv[1]) : 0, status = 0;
	pid_t self = getpid(), pid;

	if (n <= 0)
		return fprintf(stderr, "usage: crowd N COMMAND [ARG...]\n"), 2;
	for (int i = 0; i < n; i++) {
		pid = fork();
		if (pid == 0)
			sleeper(self);
		if (pid < 0) {
			perror("crowd: fork");
			return 1;
		}
	}
	pid = fork();
	if (pid == 0) {
		execvp(argv[2], argv + 2);
		perror(argv[2]);
		_exit(127);
	}
	if (waitpid(pid, &status, 0) < 0)
		return 1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
