/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is told of a job: one line of JSON (holm-judge(5)), or the meta file of isolate(1). */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/jsonout.h"
#include "base/str.h"
#include "judge/judge.h"

static void put_count(struct jsonout *j, const char *key, uint64_t value, uint64_t unit)
{
	if (value != HOLM_UNKNOWN)
		jsonout_u64(j, key, value / unit);
}

/* ---- text that a program wrote: any bytes ---- */

/* The length of the character at `p`, of at most `len` bytes; 0: it is no UTF-8. */
static size_t utf8_length(const unsigned char *p, size_t len)
{
	size_t n = *p < 0x80 ? 1 : *p >= 0xf0 ? 4 : *p >= 0xe0 ? 3 : 2;
	uint32_t value = *p & (0xffU >> (n == 1 ? 0 : n + 1));
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };

	if (*p >= 0xf5 || (*p >= 0x80 && *p < 0xc2) || n > len)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		value = value << 6 | (p[i] & 0x3fU);
	}
	if (n > 1 && (value < least[n] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000)))
		return 0;
	return n;
}

static bool is_text(struct text t)
{
	const unsigned char *p = (const unsigned char *)t.data;

	for (size_t at = 0; at < t.len;) {
		size_t n = p[at] ? utf8_length(p + at, t.len - at) : 0;

		if (n == 0)
			return false;
		at += n;
	}
	return true;
}

static void put_base64(struct buf *b, struct text t)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *p = (const unsigned char *)t.data;

	for (size_t at = 0; at < t.len; at += 3) {
		size_t n = MIN(t.len - at, 3);
		uint32_t v = (uint32_t)p[at] << 16 | (n > 1 ? (uint32_t)p[at + 1] << 8 : 0) |
			     (n > 2 ? p[at + 2] : 0);
		char four[4] = { digits[v >> 18], digits[v >> 12 & 63],
				 n > 1 ? digits[v >> 6 & 63] : '=', n > 2 ? digits[v & 63] : '=' };

		buf_put(b, four, 4);
	}
}

/* The first of it, not in the middle of a character. */
static struct text cut(struct text t, size_t max)
{
	size_t len = MIN(t.len, max);

	for (int i = 0; len < t.len && i < 3 && ((unsigned char)t.data[len] & 0xc0) == 0x80; i++)
		len--;
	return (struct text){ t.data, len };
}

/* As it is if it is text; else under KEY-base64. */
static void put_text(struct jsonout *j, const char *key, struct text t)
{
	struct buf coded = { 0 };
	char name[64];

	if (is_text(t)) {
		char *copy = strndup(t.data, t.len);

		jsonout_string(j, key, copy ? copy : "");
		free(copy);
		return;
	}
	put_base64(&coded, t);
	snprintf(name, sizeof(name), "%.40s-base64", key);
	jsonout_string(j, name, coded.data ? coded.data : "");
	buf_done(&coded);
}

/* ---- JSON ---- */

static void put_error(struct jsonout *j, const struct holm_error *error)
{
	const char *name = err_name(error->code);

	jsonout_string(j, "verdict", "setup");
	jsonout_string(j, "step", *error->step ? error->step : "check");
	jsonout_number(j, "errno", error->code);
	if (name)
		jsonout_string(j, "errno-name", name);
	jsonout_string(j, "error", error->text);
}

static void put_verdict(struct jsonout *j, const struct holm_verdict *v)
{
	jsonout_string(j, "verdict", v->name);
	if (v->signal) {
		jsonout_number(j, "signal", v->signal);
		if (str_signal_name(v->signal))
			jsonout_string(j, "signal-name", str_signal_name(v->signal));
	} else {
		jsonout_number(j, "exit-code", v->exit_code);
	}
	if (*v->syscall)
		jsonout_string(j, "syscall", v->syscall);
	if (v->syscalls_denied)
		jsonout_u64(j, "syscalls-denied", v->syscalls_denied);
	put_count(j, "cpu-us", v->cpu_ns, 1000);
	put_count(j, "cpu-user-us", v->cpu_user_ns, 1000);
	put_count(j, "cpu-system-us", v->cpu_system_ns, 1000);
	put_count(j, "wall-us", v->wall_ns, 1000);
	put_count(j, "memory-peak-bytes", v->memory_peak_bytes, 1);
	put_count(j, "oom-kills", v->oom_kills, 1);
	put_count(j, "pids-peak", v->pids_peak, 1);
	put_count(j, "pids-refused", v->pids_refused, 1);
	put_count(j, "output-bytes", v->output_bytes, 1);
	put_count(j, "io-read-bytes", v->io_read_bytes, 1);
	put_count(j, "io-write-bytes", v->io_write_bytes, 1);
	put_count(j, "voluntary-switches", v->voluntary_switches, 1);
	put_count(j, "involuntary-switches", v->involuntary_switches, 1);
	put_count(j, "minor-faults", v->minor_faults, 1);
	put_count(j, "major-faults", v->major_faults, 1);
	jsonout_string(j, "cgroup", v->cgroup);
	jsonout_string(j, "isolation", v->isolation);
}

static void put_files(struct jsonout *j, const struct result *r)
{
	if (!r->files.n)
		return;
	jsonout_open(j, "files", '{');
	for (size_t i = 0; i < r->files.n; i++) {
		const struct collected *c = &r->files.items[i];

		jsonout_open(j, c->file->name, '{');
		if (*c->error)
			jsonout_string(j, "error", c->error);
		else
			jsonout_u64(j, "bytes", c->bytes);
		if (!*c->error && !c->file->to)
			put_text(j, "text", c->text);
		jsonout_close(j, '}');
	}
	jsonout_close(j, '}');
}

/* Who wants more of it lets it go to a file. */
static void put_output(struct jsonout *j, const char *key, struct text t)
{
	struct text shown = cut(t, SHOWN_MAX);

	if (!t.data)
		return;
	put_text(j, key, shown);
	if (shown.len < t.len) {
		char name[64];

		snprintf(name, sizeof(name), "%s-bytes", key);
		jsonout_u64(j, name, t.len);
	}
}

static void put_result(struct jsonout *j, const struct result *r)
{
	static const char *const answers[] = {
		[ANSWER_RIGHT] = "right", [ANSWER_WRONG] = "wrong", [ANSWER_UNKNOWN] = "unknown"
	};

	if (r->error.code) {
		put_error(j, &r->error);
		return;
	}
	put_verdict(j, &r->verdict);
	if (r->answer)
		jsonout_string(j, "answer", answers[r->answer]);
	if (*r->answer_detail)
		jsonout_string(j, "answer-detail", r->answer_detail);
	put_output(j, "stdout", r->out);
	put_output(j, "stderr", r->err);
	put_files(j, r);
	if (!r->notes.n)
		return;
	jsonout_open(j, "notes", '[');
	for (size_t i = 0; i < r->notes.n; i++)
		jsonout_string(j, NULL, r->notes.items[i]);
	jsonout_close(j, ']');
}

void report_json(struct buf *out, const char *id, uint64_t line, const struct result *r)
{
	struct jsonout j = { .compact = true };

	jsonout_open(&j, NULL, '{');
	if (id)
		jsonout_string(&j, "id", id);
	else if (line)
		jsonout_u64(&j, "line", line);
	put_result(&j, r);
	if (r->interactor) {
		jsonout_open(&j, "interactor", '{');
		put_result(&j, r->interactor);
		jsonout_close(&j, '}');
	}
	jsonout_close(&j, '}');
	buf_puts(&j.buf, "\n");
	if (j.buf.failed)
		out->failed = true;
	else
		buf_put(out, j.buf.data, j.buf.len);
	buf_done(&j.buf);
}

/* ---- isolate ---- */

static void put_seconds(struct buf *b, const char *key, uint64_t ns)
{
	if (ns != HOLM_UNKNOWN)
		buf_printf(b, "%s:%llu.%03llu\n", key, (unsigned long long)ns / 1000000000,
			   (unsigned long long)ns / 1000000 % 1000);
}

static void put_number(struct buf *b, const char *key, uint64_t value)
{
	if (value != HOLM_UNKNOWN)
		buf_printf(b, "%s:%llu\n", key, (unsigned long long)value);
}

static const char *isolate_status(const struct holm_verdict *v)
{
	switch (v->kind) {
	case HOLM_VERDICT_OK:
		return NULL;
	case HOLM_VERDICT_EXIT:
		return "RE";
	case HOLM_VERDICT_CPU:
	case HOLM_VERDICT_WALL:
	case HOLM_VERDICT_IDLE:
		return "TO";
	case HOLM_VERDICT_SETUP:
		return "XX";
	default:
		return "SG";
	}
}

static const char *isolate_message(const struct holm_verdict *v)
{
	switch (v->kind) {
	case HOLM_VERDICT_CPU:
		return "Time limit exceeded";
	case HOLM_VERDICT_WALL:
		return "Time limit exceeded (wall clock)";
	case HOLM_VERDICT_IDLE:
		return "Time limit exceeded (idle)";
	case HOLM_VERDICT_MEMORY:
		return "Memory limit exceeded";
	case HOLM_VERDICT_OUTPUT:
		return "Output limit exceeded";
	case HOLM_VERDICT_PIDS:
		return "Process limit exceeded";
	case HOLM_VERDICT_SYSCALL:
		return "Forbidden system call";
	case HOLM_VERDICT_SETUP:
		return "The sandbox was lost";
	default:
		return NULL;
	}
}

void report_isolate(struct buf *b, const struct result *r)
{
	const struct holm_verdict *v = &r->verdict;
	const char *message = isolate_message(v);

	if (r->error.code) {
		buf_printf(b, "status:XX\nmessage:%s\n", r->error.text);
		return;
	}
	put_seconds(b, "time", v->cpu_ns);
	put_seconds(b, "time-wall", v->wall_ns);
	if (v->memory_peak_bytes != HOLM_UNKNOWN) {
		put_number(b, "max-rss", v->memory_peak_bytes / 1024);
		put_number(b, "cg-mem", v->memory_peak_bytes / 1024);
	}
	put_number(b, "csw-voluntary", v->voluntary_switches);
	put_number(b, "csw-forced", v->involuntary_switches);
	if (v->oom_kills != HOLM_UNKNOWN && v->oom_kills)
		buf_puts(b, "cg-oom-killed:1\n");
	if (!v->signal)
		buf_printf(b, "exitcode:%d\n", v->exit_code);
	else
		buf_printf(b, "exitsig:%d\n", v->signal);
	if (v->kind >= HOLM_VERDICT_CPU && v->kind != HOLM_VERDICT_SETUP)
		buf_puts(b, "killed:1\n");
	if (isolate_status(v))
		buf_printf(b, "status:%s\n", isolate_status(v));
	if (message)
		buf_printf(b, "message:%s\n", message);
	else if (v->signal)
		buf_printf(b, "message:Caught fatal signal %d\n", v->signal);
	else if (v->exit_code)
		buf_printf(b, "message:Exited with error status %d\n", v->exit_code);
}
