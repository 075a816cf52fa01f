/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Owning locals wear their destructor, so that every return path releases what it holds:
 *
 *	_cleanup_fd_ int fd = -1;
 *	...
 *	return TAKE_FD(fd);
 *
 * Destructors accept the empty value (-1 for a descriptor, NULL for a pointer).
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(fn) __attribute__((cleanup(fn)))

static inline void cleanup_fd(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void cleanup_ptr(void *p)
{
	free(*(void **)p);
}

static inline void cleanup_file(FILE **f)
{
	if (*f)
		fclose(*f);
}

#define _cleanup_fd_   _cleanup_(cleanup_fd)
#define _cleanup_free_ _cleanup_(cleanup_ptr)
#define _cleanup_file_ _cleanup_(cleanup_file)

#define TAKE_FD(fd)                        \
	({                                 \
		int *take_fd_ = &(fd);     \
		int take_val_ = *take_fd_; \
		*take_fd_ = -1;            \
		take_val_;                 \
	})

#define TAKE_PTR(p)                                \
	({                                         \
		__auto_type take_pp_ = &(p);       \
		__auto_type take_val_ = *take_pp_; \
		*take_pp_ = NULL;                  \
		take_val_;                         \
	})
