/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* For the main of a program; the library leaves its caller's signals alone. */
#pragma once

#include <signal.h>

static inline void signals_nothing(int signo)
{
	(void)signo;
}

/*
 * The children of who ignores SIGCHLD cannot be waited for, and who dies of SIGXFSZ
 * (RLIMIT_FSIZE) cannot say that a file was too large: a handler, which no exec hands on.
 */
static inline void signals_begin(void)
{
	signal(SIGCHLD, SIG_DFL);
	signal(SIGXFSZ, signals_nothing);
}
