/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Networks. A new network namespace holds one interface, lo, and it is down. */
#pragma once

int net_loopback_up(void); /* of the caller's network namespace; 0 or -errno */
