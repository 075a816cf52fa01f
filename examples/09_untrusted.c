/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lesson 9: a program that nobody has read. The defaults are the strictest that are useful; on top
 * come limits and a time after which it is over. The verdict is a number that a machine can read.
 *
 *	09_untrusted [PROGRAM [ARG...]]
 *
 * Without arguments it runs a script that tries to do harm.
 */
#include <signal.h>
#include <unistd.h>

#include "example.h"

static const char *const limits[] = { "cpu=2:3", "as=512m", "nofile=32", "fsize=8m" };

static const char harm[] =
	"try() { \"$@\" >/dev/null 2>&1 && echo \"DONE: $*\" || echo \"refused: $*\"; }\n"
	"try cat /etc/shadow\n"
	"try ls /root\n"
	"try touch /usr/bin/evil\n"
	"try mount -t tmpfs none /mnt\n"
	"try unshare -U true\n"
	"try sh -c 'echo 1 >/proc/sys/kernel/panic'\n"
	"try sh -c 'echo b >/proc/sysrq-trigger'\n"
	"try head -c 1 /dev/mem\n"
	"try dd if=/dev/zero of=/tmp/big bs=1M count=64\n"
	"while :; do :; done"; /* and at last it would run for ever */

int main(int argc, char **argv)
{
	char *harmful[] = { (char *)"/bin/sh", (char *)"-c", (char *)harm, NULL };
	struct holm_spec *spec = new_spec();
	struct holm_event end;
	struct holm_box *box;
	int r;

	set(spec, "scratch-size", "16m");
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		set(spec, "rlimit", limits[i]);
	if (geteuid() != 0) /* the kernel counts no processes of its root's */
		set(spec, "rlimit", "nproc=64");
	if (holm_spec_command(spec, argc > 1 ? argv + 1 : harmful) < 0)
		errx(1, "out of memory");
	if (holm_spawn(spec, &box) < 0)
		errx(holm_error(spec)->exit_code, "%s", holm_error(spec)->text);

	/* The limit counts time on the processor; who only sleeps is ended here. */
	r = holm_wait(box, &end, 10000);
	if (r == 0) {
		holm_signal(box, SIGKILL);
		r = holm_wait(box, &end, -1);
	}
	if (r < 0)
		errx(1, "wait: %s", strerror(-r));
	r = holm_exit_code(end.status);
	printf("verdict: %s, code %d\n", r == 0 ? "fine" : r > 128 ? "stopped" : "failed", r);
	holm_free(box);
	holm_spec_free(spec);
	return 0;
}
