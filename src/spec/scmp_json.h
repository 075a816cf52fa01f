/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reads a seccomp profile: the `linux.seccomp` object of an OCI config.json, or the file format
 * that Docker and Podman share, which adds `archMap` and lets rules depend on the container
 * (`includes`, `excludes`). The result speaks of one machine and one set of capabilities; rules
 * that do not fit them are gone.
 *
 * Engines take several conditions on the same argument in one rule for alternatives, because
 * libseccomp cannot hold them together; so each of them becomes a rule of its own here.
 *
 * Members that we do not know are passed over, as the specification demands; wrong values of those
 * we know are errors that name the file and the place in it.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/scmp.h"

struct json;

/* For whom a profile is read. */
struct scmp_host {
	enum scmp_abi native;
	uint64_t caps;      /* bit N: capability N is in the bounding set */
	unsigned kernel[2]; /* major, minor; for `minKernel` */
};

/* As scmp_parse_for, on this machine, for nobody with capabilities, and the oldest kernel we run
 * on. */
int scmp_parse(struct arena *a, const char *json, size_t len, const char *name,
	       struct scmp_profile *out, struct err *e);

/* `name` is what errors call the text: a file name. */
int scmp_parse_for(struct arena *a, const char *json, size_t len, const char *name,
		   const struct scmp_host *host, struct scmp_profile *out, struct err *e);

/* The same from an object that was already read; `name` may be "config.json: .linux.seccomp". */
int scmp_parse_object(struct arena *a, const struct json *root, const char *name,
		      const struct scmp_host *host, struct scmp_profile *out, struct err *e);

/* The words that profiles are written in, one by one; NULL beyond the last. Of machines only those
 * that filters are made for. */
enum scmp_vocabulary {
	SCMP_WORDS_ACTIONS,
	SCMP_WORDS_OPERATORS,
	SCMP_WORDS_ARCHES,
	SCMP_WORDS_FLAGS,
};

const char *scmp_word(enum scmp_vocabulary which, size_t i);
