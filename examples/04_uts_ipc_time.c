/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lesson 4: host name, System V IPC, clocks and cgroup paths. We make a message queue and look at
 * our own names and clock; the box sees others.
 */
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/utsname.h>
#include <time.h>

#include "example.h"

static void print_ours(void)
{
	struct timespec t;
	struct utsname u;

	if (uname(&u) < 0 || clock_gettime(CLOCK_BOOTTIME, &t) < 0)
		err(1, "uname, clock_gettime");
	printf("outside: host %s, up %lld days\n", u.nodename, (long long)t.tv_sec / 86400);
}

int main(void)
{
	struct holm_spec *spec = new_spec();
	int queue = msgget(IPC_PRIVATE, 0600), code;

	if (queue < 0)
		err(1, "msgget");
	print_ours();
	set(spec, "hostname", "island");
	set(spec, "domainname", "sea");
	set(spec, "time-offset", "boottime=+1000d");
	code = finish(start(
		spec, "echo inside: host $(uname -n), domain $(cat /proc/sys/kernel/domainname)\n"
		      "read -r up rest </proc/uptime\n"
		      "echo inside: up $((${up%.*} / 86400)) days\n"
		      /* The first line names the columns. */
		      "echo inside: $(tail -n +2 /proc/sysvipc/msg | wc -l) message queues\n"
		      "echo inside: cgroup $(sed -n 's/^0:://p' /proc/self/cgroup)"));
	print_ours();
	msgctl(queue, IPC_RMID, NULL);
	holm_spec_free(spec);
	return code;
}
