/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/caps.h"
#include "sec/rights.h"
#include "sys/security.h"

int rights_bound_caps(uint64_t keep)
{
	for (unsigned cap = 0; cap < 64; cap++) {
		int r;

		if (cap < 63 && keep >> cap & 1)
			continue;
		r = sys_prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
		if (r == -EINVAL) /* beyond the last one that this kernel knows */
			return 0;
		if (r < 0)
			return r;
	}
	return 0;
}

int rights_keep_caps(void)
{
	return sys_prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
}

int rights_set_caps(uint64_t keep)
{
	uint64_t effective = 0, permitted = 0;
	int r = 0;

	if (keep) {
		r = sys_capget(&effective, &permitted);
		if (r < 0)
			return r;
		/* "all" means all that there are; one that was named must be had. */
		if (keep == CAPS_ALL)
			keep &= permitted;
	}
	r = sys_capset(keep, keep, keep);
	for (unsigned cap = 0; r == 0 && cap < 63 && keep >> cap; cap++)
		if (keep >> cap & 1)
			r = sys_prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0);
	return r;
}

/* The bounding set is not touched: it was bounded before the ids changed. */
int rights_set_cap_sets(const uint64_t sets[5])
{
	uint64_t effective = sets[1], inheritable = sets[2], permitted = sets[3], ambient = sets[4];
	int r = sys_prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);

	if (r == 0)
		r = sys_capset(effective, permitted, inheritable);
	for (unsigned cap = 0; r == 0 && cap < 63 && ambient >> cap; cap++)
		if (ambient >> cap & 1)
			r = sys_prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0);
	return r;
}

int rights_no_new_privs(void)
{
	return sys_prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}
