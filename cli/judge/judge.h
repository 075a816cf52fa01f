/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * holm judge: programs that nobody trusts, each in a box of its own, and a verdict on each.
 *
 *	job.c      a line of JSON -> struct job
 *	files.c    what goes into a box and comes out of it, by descriptors alone
 *	run.c      one job: prepare, put in, launch, wait, take out
 *	check.c    is the output the expected one?
 *	report.c   struct result -> a line of JSON, or isolate's file
 *	pool.c     a worker: jobs one after the other, with boxes prepared ahead
 *	serve.c    the workers, and who gives them jobs: a file, or clients on a socket
 *
 * A worker is a process of its own with one job at a time, so that no start of another box delays
 * the end of this one, and what a job breaks it breaks for itself.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/list.h"
#include "cli.h"

#define WORKSPACE      "/work"
#define COLLECT_MAX    (UINT64_C(64) << 20) /* of a file that comes out, unless the job says */
#define OUTPUT_LIMIT   "64m"                /* of a job whose output is kept, unless it says */
#define OUTPUT_ENDLESS "8388607t"           /* that goes where ours goes */
#define SHOWN_MAX      65536                /* of an output in a report */
#define LINE_MAX_LEN   (UINT32_C(64) << 20) /* of a job */

struct text {
	const char *data;
	size_t len;
};

/* What is read: a file of ours, or the text itself. `path` NULL: the text. */
struct source {
	bool given;
	const char *path;
	struct text text;
};

struct file_in {
	const char *name; /* in the workspace */
	struct source from;
	unsigned mode;
};

struct file_out {
	const char *name;
	const char *to; /* a file of ours; NULL: into the result */
	uint64_t max_bytes;
};

enum checker { CHECK_EXACT, CHECK_TOKENS, CHECK_FLOATS, CHECKERS };

extern const char *const checker_names[CHECKERS];

struct expectation {
	struct source what;
	enum checker checker;
	double tolerance;
	const char *of; /* a file that comes out; NULL: standard output */
};

/* Where standard output or error goes. */
struct sink {
	bool keep;        /* into the result */
	const char *path; /* a file of ours; NULL, and not kept: ours */
	int fd;           /* while it runs; -1 */
};

struct job {
	struct arena *arena;
	const char *id;
	struct holm_spec *spec;
	struct source input;
	int input_fd; /* until the launch; -1 */
	struct sink out, err;
	LIST(struct file_in) files_in;
	LIST(struct file_out) files_out;
	struct expectation expect;
	struct job *interactor; /* its output is our input, and the other way round */
};

enum answer { ANSWER_NONE, ANSWER_RIGHT, ANSWER_WRONG, ANSWER_UNKNOWN };

struct collected {
	const struct file_out *file;
	struct text text; /* of one that goes into the result */
	uint64_t bytes;
	char error[160]; /* "": it was taken */
};

/* How a job went. Strings and lists belong to the job's arena. */
struct result {
	struct holm_verdict verdict;
	struct holm_error error; /* of a setup that failed; code 0: none did */
	strings notes;
	struct text out, err;
	LIST(struct collected) files;
	enum answer answer;
	char answer_detail[200];
	struct result *interactor;
};

/* ---- job.c ---- */

/*
 * 0, or -errno and `e` says which field is wrong, and why; `id` is known as soon as it can be. Done
 * in any case.
 */
int job_parse(struct job *job, const struct holm_spec *base, const char *line, size_t len,
	      struct err *e);
void job_init(struct job *job);
void job_done(struct job *job);

/* ---- files.c ---- */

/* A descriptor to read it by: a sealed copy, so that whoever has it can reach nothing else. */
int source_open(const struct source *s, const char *what, struct err *e);
int source_read(const struct source *s, struct arena *a, const char *what, struct text *out,
		struct err *e);
int files_put_in(const struct job *job, int workspace_fd, struct err *e);
void files_take_out(const struct job *job, int workspace_fd, struct result *r);
int sink_open(struct sink *s, const char *what, struct err *e);
/* What was kept. */
struct text sink_text(const struct sink *s, struct arena *a);
void sink_close(struct sink *s);

/* ---- run.c ---- */

struct pool; /* of boxes that are prepared; NULL: none */

/*
 * Runs it and fills the result; a setup that failed is a result too. When `stop_fd` (-1: none) can
 * be read the job is ended.
 */
void job_run(struct job *job, struct pool *pool, int stop_fd, struct result *out);
void watch_keenly(void); /* once, by who runs jobs */
/* A result that only says what is wrong with the job. */
void result_refuse(struct result *r, const struct err *e);

/* ---- check.c ---- */

void check_answer(const struct job *job, struct result *r);
/* Are they alike? `detail` says where they first differ. */
bool check_texts(enum checker c, double tolerance, struct text expected, struct text got,
		 char detail[200]);

/* ---- report.c ---- */

struct buf;
/* `line`: said of a job without an id; 0: it has no number. */
void report_json(struct buf *out, const char *id, uint64_t line, const struct result *r);
void report_isolate(struct buf *out, const struct result *r);

/* ---- pool.c ---- */

struct pool *pool_new(const struct holm_spec *base, unsigned size);
void pool_free(struct pool *p);
void pool_fill(struct pool *p); /* one more, if it is not full */
bool pool_is_full(const struct pool *p);
/* One to launch with `spec`; NULL: there is none that fits. */
struct holm_box *pool_take(struct pool *p, const struct holm_spec *spec);

/* ---- serve.c ---- */

struct serve {
	const struct holm_spec *base;
	unsigned workers, warm;
	bool in_order;
	const char *jobs;   /* a file, or "-" */
	const char *socket; /* NULL: jobs */
};

int serve_run(const struct serve *s); /* the exit code */

/* A copy that is independent; NULL: out of memory. */
struct holm_spec *spec_like(const struct holm_spec *base);
