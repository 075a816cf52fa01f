/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "ns/ns.h"
#include "sys/process.h"

int uts_set_names(const char *hostname, const char *domainname, const char **failed)
{
	int r = sys_sethostname(hostname, strlen(hostname));

	*failed = "sethostname";
	if (r == 0 && domainname) {
		*failed = "setdomainname";
		r = sys_setdomainname(domainname, strlen(domainname));
	}
	return r;
}
