/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The way to systemd: which socket, how long to wait, and what came of a job. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "helper.h"

/* ---- which socket ---- */

/* Root of a user namespace is its owner on the host, and that is whose manager is asked. */
static unsigned outer_uid(void)
{
	_cleanup_file_ FILE *f = fopen("/proc/self/uid_map", "re");
	unsigned inside, outside, count, uid = geteuid();

	while (f && fscanf(f, "%u %u %u", &inside, &outside, &count) == 3)
		if (uid >= inside && uid - inside < count)
			return outside + (uid - inside);
	return uid;
}

static const char *runtime_dir(struct helper *h)
{
	const char *dir = getenv("XDG_RUNTIME_DIR");

	return dir && *dir ? dir : arena_printf(h->arena, "/run/user/%u", outer_uid());
}

/* `is_bus`: other programs are there as well, and one says hello; else systemd alone. */
static int try(struct helper *h, const char *address, bool is_bus)
{
	sd_bus *bus = NULL;
	int r = address ? sd_bus_new(&bus) : -ENOMEM;

	if (r >= 0)
		r = sd_bus_set_address(bus, address);
	if (r >= 0)
		r = sd_bus_set_bus_client(bus, is_bus);
	if (r >= 0 && h->user)
		r = sd_bus_set_trusted(bus, true);
	if (r >= 0)
		r = sd_bus_set_method_call_timeout(bus, CALL_US);
	if (r >= 0)
		r = sd_bus_start(bus);
	/* Starting is done only with the first answer. */
	if (r >= 0 && is_bus)
		r = sd_bus_get_unique_name(bus, &(const char *){ NULL });
	if (r < 0) {
		sd_bus_close_unref(bus);
		return r;
	}
	h->bus = bus;
	return 0;
}

static int connect_user(struct helper *h)
{
	const char *given = getenv("DBUS_SESSION_BUS_ADDRESS"), *dir = runtime_dir(h);
	int r = given && *given ? try(h, given, true) : -ENOENT;

	if (r < 0 && dir)
		r = try(h, arena_printf(h->arena, "unix:path=%s/bus", dir), true);
	if (r < 0 && dir)
		r = try(h, arena_printf(h->arena, "unix:path=%s/systemd/private", dir), false);
	return r;
}

static int connect_system(struct helper *h)
{
	const char *given = getenv("DBUS_SYSTEM_BUS_ADDRESS");
	int r = try(h, given && *given ? given : "unix:path=/run/dbus/system_bus_socket", true);

	/* systemd listens itself, for root, as long as there is no bus. */
	if (r < 0 && geteuid() == 0)
		r = try(h, "unix:path=/run/systemd/private", false);
	return r;
}

int bus_connect(struct helper *h, struct err *e)
{
	int r = h->user ? connect_user(h) : connect_system(h);

	if (r >= 0)
		return 0;
	return err_set(e, -r, "cannot reach %s over D-Bus: %s (%s)",
		       h->user ? "the user's systemd" : "systemd", strerrordesc_np(-r),
		       h->user ? "is there a login session, or lingering, and XDG_RUNTIME_DIR?"
			       : "does it run here? Else tell the engine to use cgroupfs");
}

/* ---- calls ---- */

int bus_message(struct helper *h, const char *method, sd_bus_message **out, struct err *e)
{
	int r = sd_bus_message_new_method_call(h->bus, out, SYSTEMD_SERVICE, SYSTEMD_PATH,
					       SYSTEMD_MANAGER, method);

	return r < 0 ? err_errno(e, -r, "%s", method) : 0;
}

static const struct {
	const char *name, *text;
} remedies[] = {
	{ SD_BUS_ERROR_ACCESS_DENIED, "only root may; an ordinary user asks his own manager" },
	{ SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED,
	  "only root may; an ordinary user asks his own manager" },
	{ SD_BUS_ERROR_NO_REPLY, "systemd does not answer" },
	{ SD_BUS_ERROR_PROPERTY_READ_ONLY,
	  "this version of systemd does not know that property, or not of such a unit" },
};

static int say_call(const char *what, const char *name, const char *message, int code,
		    struct err *e)
{
	err_set(e, code, "cannot %s: %s", what, message ? message : strerrordesc_np(code));
	for (size_t i = 0; name && i < ARRAY_SIZE(remedies); i++)
		if (str_eq(name, remedies[i].name))
			err_append(e, " (%s)", remedies[i].text);
	return -code;
}

int bus_call(struct helper *h, sd_bus_message *m, const char *what, sd_bus_message **reply,
	     const char **name, struct err *e)
{
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	int r = sd_bus_call(h->bus, m, CALL_US, &error, reply);

	if (r >= 0)
		return 0;
	if (name)
		*name = error.name ? arena_strdup(h->arena, error.name) : NULL;
	return say_call(what, error.name, error.message, -r, e);
}

/* ---- jobs ---- */

struct waiting {
	const char *job;
	char result[32]; /* "": not yet */
};

static int job_removed(sd_bus_message *m, void *arg, sd_bus_error *error)
{
	struct waiting *w = arg;
	const char *job, *unit, *result;
	uint32_t id;

	(void)error;
	if (sd_bus_message_read(m, "uoss", &id, &job, &unit, &result) >= 0 && str_eq(job, w->job))
		snprintf(w->result, sizeof(w->result), "%s", result);
	return 0;
}

static uint64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static int wait_job(struct helper *h, struct waiting *w)
{
	uint64_t end = now_us() + JOB_US, now;
	int r = 0;

	while (r >= 0 && !*w->result) {
		r = sd_bus_process(h->bus, NULL);
		now = now_us();
		if (r == 0 && now >= end)
			return -ETIMEDOUT;
		if (r == 0)
			r = sd_bus_wait(h->bus, end - now);
	}
	return MIN(r, 0);
}

static int say_result(const char *what, const struct waiting *w, int r, struct err *e)
{
	if (r == -ETIMEDOUT)
		return err_set(e, ETIMEDOUT, "cannot %s: its job is not done within %d s", what,
			       (int)(JOB_US / 1000000));
	if (r < 0)
		return err_errno(e, -r, "cannot %s", what);
	if (str_eq(w->result, "done") || str_eq(w->result, "skipped"))
		return 0;
	return err_set(e, EIO,
		       "cannot %s: its job ended as \"%s\" (the journal of systemd says why)", what,
		       w->result);
}

static int listen_jobs(struct helper *h, sd_bus_slot **slot, struct waiting *w)
{
	/* Without a bus between us messages carry no sender's name. */
	const char *sender = sd_bus_is_bus_client(h->bus) > 0 ? SYSTEMD_SERVICE : NULL;

	return sd_bus_match_signal(h->bus, slot, sender, SYSTEMD_PATH, SYSTEMD_MANAGER,
				   "JobRemoved", job_removed, w);
}

int bus_job(struct helper *h, sd_bus_message *m, const char *what, const char **name, struct err *e)
{
	_cleanup_(sd_bus_slot_unrefp) sd_bus_slot *slot = NULL;
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	struct waiting w = { 0 };
	int r = listen_jobs(h, &slot, &w); /* before there is a job that could end */

	if (r < 0)
		return err_errno(e, -r, "cannot %s: listen for its job", what);
	r = bus_call(h, m, what, &reply, name, e);
	if (r < 0)
		return r;
	r = sd_bus_message_read(reply, "o", &w.job);
	if (r >= 0)
		r = wait_job(h, &w);
	return say_result(what, &w, r, e);
}
