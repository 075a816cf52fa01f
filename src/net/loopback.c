/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <linux/sockios.h>
#include <net/if.h>

#include "net/net.h"
#include "sys/sock.h"

/* netdevice(7): with the flag set the kernel gives lo its addresses 127.0.0.1 and ::1 itself. */
int net_loopback_up(void)
{
	struct ifreq req = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd = sys_socket(AF_INET, SOCK_DGRAM, 0), r;

	if (fd < 0)
		return fd;
	r = sys_ioctl(fd, SIOCSIFFLAGS, &req);
	sys_close(fd);
	return r;
}
