/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Capability names (capabilities(7)), without libcap: bit N is capability N. */
#pragma once

#include <stdint.h>

#define CAPS_ALL ((UINT64_C(1) << 41) - 1) /* CAP_CHECKPOINT_RESTORE is 40 */

/* "net_admin", "CAP_NET_ADMIN" or "all": the bits, or 0 if there is no such capability. */
uint64_t caps_by_name(const char *name);
const char *caps_name(unsigned cap); /* "net_admin"; NULL beyond the last */
