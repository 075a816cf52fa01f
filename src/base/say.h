/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a program has to say to people; the library says nothing. */
#pragma once

#include "base/macro.h"

/*
 * "PROGRAM: text" and a new line on the standard error, by one write(2): lines of several writers
 * do not mix, and none is read in halves. It is one line whatever a path or a name in it holds:
 * control characters are written as \xNN.
 */
void say_line(const char *program, const char *fmt, ...) PRINTF_LIKE(2, 3);
