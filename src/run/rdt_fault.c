/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* HOLM_RESCTRL=DIR, in test builds only: what stands in for the hardware. */
#include <stdlib.h>

#include "run/fault.h"

const char *fault_resctrl(void)
{
	return getenv("HOLM_RESCTRL");
}
