/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the commands of `holm` share. A command is a file in cmd/ and a row in main.c. */
#pragma once

#include <stdbool.h>

#include "holm.h"

#define EXIT_HOLM 125 /* holm itself failed; 126 and 127 are the command's */

struct command {
	const char *name;
	const char *words;
	int (*run)(int argc, char **argv); /* argv[0] is the command's name; the exit code */
};

extern const struct command commands[];
extern const unsigned n_commands;

/* A word behind a command that has several: a row of a table in the command's file. */
struct sub_word {
	const char *name, *args, *words;
	int (*run)(int argc, char **argv); /* argv[0] is the word */
};

extern const struct sub_word ns_words[], net_words[];
extern const unsigned n_ns_words, n_net_words;

int cmd_box(int argc, char **argv);
int cmd_judge(int argc, char **argv);
int cmd_plan(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_net(int argc, char **argv);
int cmd_ns(int argc, char **argv);
int cmd_fields(int argc, char **argv);
int cmd_completion(int argc, char **argv);
int cmd_help(int argc, char **argv);

/* ---- opts.c: the options of a box, all from the one table of fields ---- */

struct box_options {
	/* Options beyond those of a box: 0, an exit code, or -1: there is no such option. */
	int (*more)(void *arg, const char *name, const char *value);
	void *more_arg;
	bool timings, explain, json, help, print_profile;
};

/* An option of `holm box` that is not a field: it is about holm, not about the box. */
struct own_option {
	const char *name, *arg, *help;
};

/* Of holm judge. */
extern const struct own_option judge_options[];
extern const unsigned n_judge_options;

extern const struct own_option own_options[];
extern const unsigned n_own_options;

/* Fills the spec. 0, or the exit code after saying what is wrong. */
int opts_parse(struct holm_spec *spec, int argc, char **argv, struct box_options *out);
void opts_help(void);
void opts_help_line(char letter, const char *name, const char *arg, const char *help);
void opts_help_fields(void); /* what every command has that makes boxes */

/* ---- out.c ---- */

int out_error(const char *fmt, ...) __attribute__((format(printf, 1, 2))); /* returns EXIT_HOLM */
int out_spec_error(const struct holm_spec *spec);                          /* its exit code */
void out_json_string(const char *s);

/* ---- relay.c: a terminal between the caller's and the box's; signals passed on ---- */

int relay_run(struct holm_box *box, struct holm_event *end);

/* ---- explain.c ---- */

void explain_steps(struct holm_box *box);
void explain_box(struct holm_box *box);
