/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Engines read why something failed from the log file: the last line of level "error". People read
 * it from standard error. The formats are those of logrus, which the engines' own programs write.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/jsonout.h"
#include "base/say.h"
#include "base/str.h"
#include "oci.h"

static const char *const level_words[] = {
	[LOG_LEVEL_DEBUG] = "debug",
	[LOG_LEVEL_WARNING] = "warning",
	[LOG_LEVEL_ERROR] = "error",
};

static int read_level(const struct global_options *g, enum log_level *out, struct err *e)
{
	*out = LOG_LEVEL_WARNING;
	if (g->debug)
		*out = LOG_LEVEL_DEBUG;
	if (g->debug || !g->log_level)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(level_words); i++) {
		if (!str_eq(g->log_level, level_words[i]))
			continue;
		*out = (enum log_level)i;
		return 0;
	}
	return err_set(e, EINVAL, "--log-level: \"%.32s\" is not error, warning or debug",
		       g->log_level);
}

static int read_format(const struct global_options *g, enum log_format *out, struct err *e)
{
	*out = str_eq(g->log_format, "json") ? LOG_FORMAT_JSON : LOG_FORMAT_TEXT;
	if (!g->log_format || *out == LOG_FORMAT_JSON || str_eq(g->log_format, "text"))
		return 0;
	return err_set(e, EINVAL, "--log-format: \"%.32s\" is not text or json", g->log_format);
}

int log_open(struct oci_log *log, const struct global_options *g, struct err *e)
{
	const char *path = g->log;
	int r = read_level(g, &log->level, e);

	if (r == 0)
		r = read_format(g, &log->format, e);
	if (r < 0 || !path || !*path)
		return r;
	if (str_starts(path, "file:"))
		path += strlen("file:");
	log->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	return log->fd < 0 ? err_errno(e, errno, "--log %s", path) : 0;
}

static void write_json(struct jsonout *j, const char *level, const char *text, const char *time)
{
	j->compact = true;
	jsonout_open(j, NULL, '{');
	jsonout_string(j, "level", level);
	jsonout_string(j, "msg", text);
	jsonout_string(j, "time", time);
	jsonout_close(j, '}');
}

/* One write, so that lines of several writers do not mix. */
static void write_line(const struct oci_log *log, enum log_level level, const char *text)
{
	_cleanup_free_ char *line = NULL;
	struct jsonout j = { 0 };
	char time[STATE_TIME_SIZE];

	state_now(time);
	if (log->format == LOG_FORMAT_JSON) {
		write_json(&j, level_words[level], text, time);
	} else {
		buf_printf(&j.buf, "time=\"%s\" level=%s msg=", time, level_words[level]);
		buf_json(&j.buf, text);
	}
	buf_puts(&j.buf, "\n");
	line = buf_take(&j.buf);
	/* There is nobody left who could be told that the log cannot be written. */
	if (line && write(log->fd, line, strlen(line)) < 0)
		return;
}

void log_say(const struct oci_log *log, enum log_level level, const char *fmt, ...)
{
	char text[ERR_TEXT_MAX + 64];
	va_list ap;

	if (level < log->level)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (log->fd >= 0)
		write_line(log, level, text);
	if (log->fd < 0 || level == LOG_LEVEL_ERROR)
		say_line("holm-oci", "%s", text);
}
