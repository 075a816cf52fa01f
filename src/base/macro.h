/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#define ARRAY_SIZE(a)     (sizeof(a) / sizeof((a)[0]))
#define PRINTF_LIKE(a, b) __attribute__((format(printf, a, b)))
/* What runs while a box is waited for stands together in memory: the rest is given back. */
#define WAITING   __attribute__((hot))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))
