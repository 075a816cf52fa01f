/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/status.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "run/quiet.h"
#include "run/watch.h"
#include "sys/fd.h"

static void put_line(int fd, struct buf *b)
{
	buf_puts(b, "\n");
	if (!b->failed)
		quiet_write_all(fd, b->data, b->len);
}

/* The inode that names a namespace: what `ls -l /proc/PID/ns` shows. */
static void put_namespaces(struct buf *b, int pid)
{
	const char *comma = "";

	buf_puts(b, "\"namespaces\":{");
	for (int i = 0; i < NS_COUNT; i++) {
		char path[64], link[64];
		const char *digits;
		uint64_t inode;
		ssize_t n;

		snprintf(path, sizeof(path), "/proc/%d/%s", pid, ns_table[i].proc_file);
		n = readlink(path, link, sizeof(link) - 1);
		if (n < 0)
			continue;
		link[n] = 0;
		digits = strchr(link, '[');
		if (!digits++ || str_take_u64(&digits, &inode) < 0)
			continue;
		buf_printf(b, "%s\"%s\":%llu", comma, ns_table[i].name, (unsigned long long)inode);
		comma = ",";
	}
	buf_puts(b, "}");
}

static void put_notes(struct buf *b, const strings *notes, const char *limits_note)
{
	if (!notes->n && !limits_note)
		return;
	buf_puts(b, ",\"notes\":[");
	for (size_t i = 0; i < notes->n; i++) {
		buf_puts(b, i ? "," : "");
		buf_json(b, notes->items[i]);
	}
	buf_puts(b, notes->n && limits_note ? "," : "");
	if (limits_note)
		buf_json(b, limits_note);
	buf_puts(b, "]");
}

/* What is in force; only where a cgroup was asked for. */
static void put_limits(struct buf *b, const struct run *r)
{
	if (!r->d->cgroup)
		return;
	buf_printf(b, ",\"cgroup\":\"%s\"", cg_layout_name(r->cg.layout));
	for (size_t i = 0; i < r->cg.n_left_out; i++) {
		buf_puts(b, i ? "," : ",\"limits-left-out\":[");
		buf_json(b, r->cg.left_out[i].field);
	}
	if (r->cg.n_left_out)
		buf_puts(b, "]");
}

static void put_box(struct buf *b, struct box *box)
{
	int main_pid = box_main_pid(box);

	buf_printf(b, "\"init-pid\":%d,", box->pid);
	if (main_pid > 0)
		buf_printf(b, "\"main-pid\":%d,", main_pid);
	buf_printf(b, "\"main-pid-inside\":%d,", box->has_init ? box->run->shared->main_pid : 1);
	put_namespaces(b, box->pid);
	put_limits(b, box->run);
	put_notes(b, &box->run->d->notes, box->run->limits_note);
}

void status_started(struct status *st, const struct spec *s, struct box *box)
{
	_cleanup_(buf_done) struct buf line = { 0 };

	st->fd = s->status_fd;
	if (s->info_fd >= 0 || s->status_fd >= 0)
		put_box(&line, box);
	for (int i = 0; i < 2; i++) {
		int fd = i ? s->status_fd : s->info_fd;
		_cleanup_(buf_done) struct buf whole = { 0 };

		if (fd < 0)
			continue;
		buf_printf(&whole, "{%s%s}", i ? "\"event\":\"started\"," : "", line.data);
		put_line(fd, &whole);
	}
	if (s->info_fd >= 0)
		close(s->info_fd);
	if (s->ready_fd >= 0) {
		quiet_write_all(s->ready_fd, "ready\n", 6);
		close(s->ready_fd);
	}
}

void status_failed(const struct spec *s, const struct err *e)
{
	_cleanup_(buf_done) struct buf line = { 0 };

	if (s->status_fd < 0)
		return;
	buf_printf(&line, "{\"event\":\"failed\",\"errno\":%d,\"error\":", e->code);
	buf_json(&line, e->text);
	buf_puts(&line, "}");
	put_line(s->status_fd, &line);
}

static void put_status(struct buf *b, int status)
{
	if (WIFSIGNALED(status))
		buf_printf(b, ",\"signal\":%d", WTERMSIG(status));
	else
		buf_printf(b, ",\"exit-code\":%d", WEXITSTATUS(status));
}

/* Who is not known is not there. */
static void put_number(struct buf *b, const char *name, uint64_t value, unsigned scale)
{
	if (value != CG_UNKNOWN)
		buf_printf(b, ",\"%s\":%llu", name, (unsigned long long)(value / scale));
}

static void put_verdict(struct buf *b, const struct box *box)
{
	struct box_verdict v;

	if (!box->watch)
		return;
	verdict_of(box, &v);
	buf_printf(b, ",\"verdict\":\"%s\"", v.name);
}

static void put_usage(struct buf *b, const struct box_usage *u)
{
	buf_printf(b, ",\"usage\":{\"cgroup\":\"%s\"", u->cgroup);
	put_number(b, "memory-peak-bytes", u->memory_peak_bytes, 1);
	put_number(b, "oom-kills", u->oom_kills, 1);
	put_number(b, "cpu-user-us", u->cpu_user_ns, 1000);
	put_number(b, "cpu-system-us", u->cpu_system_ns, 1000);
	put_number(b, "pids-peak", u->pids_peak, 1);
	put_number(b, "pids-refused", u->pids_refused, 1);
	put_number(b, "io-read-bytes", u->io_read_bytes, 1);
	put_number(b, "io-write-bytes", u->io_write_bytes, 1);
	buf_puts(b, "}");
}

void status_event(const struct status *st, const struct box *box, const struct box_event *event)
{
	static const char *const names[] = {
		[BOX_MAIN_EXIT] = "main-exit",
		[BOX_SERVICE_START] = "service-start",
		[BOX_SERVICE_EXIT] = "service-exit",
		[BOX_SERVICE_FAILED] = "service-failed",
		[BOX_RUN_EXIT] = "run-exit",
		[BOX_ENDED] = "ended",
		[BOX_LOST] = "lost",
	};
	_cleanup_(buf_done) struct buf line = { 0 };

	if (st->fd < 0 || event->kind > BOX_LOST)
		return;
	buf_printf(&line, "{\"event\":\"%s\"", names[event->kind]);
	if (event->name[0]) {
		buf_puts(&line, ",\"name\":");
		buf_json(&line, event->name);
	}
	if (event->pid)
		buf_printf(&line, ",\"pid-inside\":%d", event->pid);
	if (event->kind != BOX_SERVICE_START)
		put_status(&line, event->status);
	if (event->kind == BOX_ENDED)
		buf_printf(&line, ",\"reaped\":%llu", (unsigned long long)event->reaped);
	if (box->ended) {
		put_verdict(&line, box);
		put_usage(&line, &box->usage);
	}
	buf_puts(&line, "}");
	put_line(st->fd, &line);
}
