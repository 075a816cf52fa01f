/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What this machine allows, and what to do where it does not. Looks, changes nothing. */
#pragma once

enum finding_kind { FINDING_GOOD, FINDING_WARN, FINDING_BAD };

struct finding {
	enum finding_kind kind;
	const char *what, *found, *fix;
};

typedef int finding_fn(void *arg, const struct finding *f);

int doctor_run(finding_fn *fn, void *arg); /* the worst kind, or what fn returned if not 0 */
