/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines from a descriptor that may give them in pieces. */
#pragma once

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "judge/judge.h"

struct line_reader {
	struct buf text;
	size_t at;   /* what is before was handed out */
	bool at_end; /* what is left is a line, too */
};

static inline void line_reader_done(struct line_reader *r)
{
	buf_done(&r->text);
	*r = (struct line_reader){ 0 };
}

/* Reads once: how much, 0 at the end, or -errno; -EFBIG: a line is too long. */
static inline int line_read(struct line_reader *r, int fd)
{
	char block[65536];
	ssize_t n = read(fd, block, sizeof(block));

	if (n < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	if (r->at) {
		memmove(r->text.data, r->text.data + r->at, r->text.len - r->at);
		r->text.len -= r->at;
		r->at = 0;
	}
	if (r->text.len + (size_t)n > LINE_MAX_LEN)
		return -EFBIG;
	buf_put(&r->text, block, (size_t)n);
	return r->text.failed ? -ENOMEM : (int)n;
}

static inline void line_end(struct line_reader *r)
{
	r->at_end = true;
}

/* The next whole line, valid until the next read. */
static inline bool line_next(struct line_reader *r, const char **line, size_t *len)
{
	const char *start = r->text.data + r->at;
	size_t left = r->text.len - r->at;
	const char *end = left ? memchr(start, '\n', left) : NULL;

	if (!end && !(r->at_end && left))
		return false;
	*line = start;
	*len = end ? (size_t)(end - start) : left;
	r->at += *len + (end != NULL);
	return true;
}

static inline bool line_is_empty(const struct line_reader *r)
{
	return r->at == r->text.len;
}

static inline bool line_has_words(const char *line, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!strchr(" \t\r", line[i]))
			return true;
	return false;
}
