/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the words of `holm ns` share. A word is a file here, and a row in cmd/ns.c. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "base/jsonout.h"
#include "base/str.h"
#include "cli.h"

int ns_ls(int argc, char **argv);
int ns_tree(int argc, char **argv);
int ns_show(int argc, char **argv);
int ns_pid(int argc, char **argv);
int ns_diff(int argc, char **argv);
int ns_map(int argc, char **argv);
int ns_top(int argc, char **argv);

/* ---- args.c ---- */

/* Where an option goes: a bool, if `arg` is NULL, or a text. */
struct ns_option {
	const char *name; /* without the -- */
	bool *flag;
	const char **text;
};

#define NS_PLAIN_MAX 16

struct ns_args {
	const struct ns_option *options;
	size_t n_options;
	const char *plain[NS_PLAIN_MAX]; /* what is no option */
	unsigned n_plain;
};

/* 0, or the exit code after saying what is wrong. */
int ns_parse(struct ns_args *a, int argc, char **argv);

/* ---- world.c ---- */

static inline void ns_free_world(struct holm_world **w)
{
	holm_world_free(*w);
}

#define _cleanup_ns_world_ __attribute__((cleanup(ns_free_world)))

int ns_world(unsigned flags, struct holm_world **out);

/* What was meant: a process or a namespace. */
struct ns_target {
	int pid; /* 0: none */
	uint64_t inode;
};

/*
 * "4711", "box-4711", "blue", "4026531833", "net:[4026531833]", "/run/netns/blue". 0, or the exit
 * code after saying that there is no such thing, and for whom `word` speaks.
 */
int ns_find_target(const struct holm_world *w, const char *word, const char *text,
		   struct ns_target *out);
/* The process of a target: itself, or the oldest of a namespace. */
int ns_find_process(const struct holm_world *w, const char *word, const char *text,
		    struct holm_process *out);
/* The namespace of that type of a target. */
int ns_find_namespace(const struct holm_world *w, const char *word, const char *text,
		      enum holm_ns_type type, struct holm_ns *out);

#define NS_LABEL_MAX 40
/* "net:[4026531833]", or "-" */
const char *ns_label(unsigned type, uint64_t inode, char out[NS_LABEL_MAX]);

#define NS_USER_MAX 40
/* Its name in /etc/passwd, or its number. */
const char *ns_user(uint32_t uid, char out[NS_USER_MAX]);

/*
 * What processes call themselves is not ours: without control characters, and valid UTF-8. `room`
 * bytes are cut at a character.
 */
const char *ns_clean(const char *s, char *out, size_t room);
void ns_json_string(struct jsonout *j, const char *key, const char *s);
void ns_json_inode(struct jsonout *j, const char *key, uint64_t inode); /* 0: null */

/* What an ordinary user could not see, one line on standard error; nothing if that is nothing. */
void ns_say_unseen(const struct holm_world *w);

/* Prints and frees it. The exit code. */
int ns_json_end(struct jsonout *j);

/* The members that every description of a namespace has, into an open object. */
void ns_json_ns(struct jsonout *j, const struct holm_world *w, const struct holm_ns *n);
/* All of it. */
void ns_json_world(struct jsonout *j, struct holm_world *w);

/* ---- of the map ---- */

extern const char map_html[], map_html_end[];
int ns_put_svg(FILE *f, struct holm_world *w); /* 0 or -errno */

/* How it is kept, in words. */
void ns_held_words(struct buf *b, const struct holm_world *w, const struct holm_ns *n);
