/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The acts: what is asked of systemd's manager about one unit. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "helper.h"

#define NO_SUCH_UNIT "org.freedesktop.systemd1.NoSuchUnit"
#define UNIT_EXISTS  "org.freedesktop.systemd1.UnitExists"
#define NOT_LOADED   "org.freedesktop.systemd1.UnitNotLoaded"

static const char *doing(struct helper *h, const char *verb)
{
	const char *text = arena_printf(h->arena, "%s the unit %s", verb, h->unit);

	return text ? text : verb;
}

/* ---- properties of units ---- */

static int unit_path(struct helper *h, char **out, struct err *e)
{
	int r = sd_bus_path_encode(SYSTEMD_PATH "/unit", h->unit, out);

	return r < 0 ? err_errno(e, -r, "unit %s", h->unit) : 0;
}

static int get_string(struct helper *h, const char *path, const char *interface, const char *name,
		      char **out, struct err *e)
{
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	int r = sd_bus_get_property_string(h->bus, SYSTEMD_SERVICE, path, interface, name, &error,
					   out);

	return r < 0 ? err_set(e, -r, "cannot read %s of systemd: %s", name,
			       error.message ? error.message : strerrordesc_np(-r))
		     : 0;
}

/* The cgroup of a unit is a property of its type. */
static const char *type_interface(const struct helper *h)
{
	const char *dot = strrchr(h->unit, '.');

	return str_eq(dot, ".slice") ? SYSTEMD_SERVICE ".Slice" : SYSTEMD_SERVICE ".Scope";
}

/* 128 bits as hexadecimal digits; "" if it is not active, and then it has none. */
static int get_invocation(struct helper *h, const char *path, char out[33], struct err *e)
{
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	const uint8_t *bytes = NULL;
	size_t n = 0;
	int r = sd_bus_get_property(h->bus, SYSTEMD_SERVICE, path, SYSTEMD_UNIT, "InvocationID",
				    &error, &reply, "ay");

	if (r >= 0)
		r = sd_bus_message_read_array(reply, 'y', (const void **)&bytes, &n);
	if (r < 0)
		return err_set(e, -r, "cannot read InvocationID of %s: %s", h->unit,
			       error.message ? error.message : strerrordesc_np(-r));
	out[0] = 0;
	for (size_t i = 0; n == 16 && i < n; i++)
		snprintf(out + 2 * i, 3, "%02x", bytes[i]);
	return 0;
}

/* ---- small calls with the unit's name ---- */

/* 0, or the error; `ignored` is one that is as good as none. */
static int call_simple(struct helper *h, const char *method, const char *verb, const char *ignored,
		       struct err *e)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	const char *name = NULL;
	int r = bus_message(h, method, &m, e);

	if (r == 0)
		r = sd_bus_message_append(m, "s", h->unit);
	if (r >= 0)
		r = bus_call(h, m, doing(h, verb), NULL, &name, e);
	if (r < 0 && name && (str_eq(name, ignored) || str_eq(name, NOT_LOADED)))
		r = 0;
	return MIN(r, 0);
}

/* ---- start ---- */

/* 1: there is one of that name, and it is active. One that failed is forgotten. */
static int is_taken(struct helper *h, struct err *e)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
	_cleanup_free_ char *state = NULL;
	const char *name = NULL, *path;
	int r = bus_message(h, "GetUnit", &m, e);

	if (r == 0)
		r = sd_bus_message_append(m, "s", h->unit);
	if (r >= 0)
		r = bus_call(h, m, doing(h, "look for"), &reply, &name, e);
	if (r < 0)
		return str_eq(name, NO_SUCH_UNIT) ? 0 : r;
	r = sd_bus_message_read(reply, "o", &path);
	if (r >= 0)
		r = get_string(h, path, SYSTEMD_UNIT, "ActiveState", &state, e);
	if (r < 0)
		return r;
	if (str_eq(state, "failed"))
		return call_simple(h, "ResetFailedUnit", "reset", NO_SUCH_UNIT, e);
	return !str_eq(state, "inactive");
}

static int say_taken(const struct helper *h, struct err *e)
{
	return err_set(e, EEXIST,
		       "the unit %s is there already; delete the container that has it, run "
		       "`systemctl %sstop %s`, or choose another linux.cgroupsPath",
		       h->unit, h->user ? "--user " : "", h->unit);
}

static int start_job(struct helper *h, int pid, struct err *e)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	const char *name = NULL;
	int r = bus_message(h, "StartTransientUnit", &m, e);

	if (r == 0)
		r = sd_bus_message_append(m, "ss", h->unit, "fail");
	if (r >= 0)
		r = properties_append(h, m, h->rest, pid, e);
	if (r >= 0)
		r = sd_bus_message_append(m, "a(sa(sv))", 0);
	if (r < 0)
		return e->code ? r : err_errno(e, -r, "StartTransientUnit");
	h->maybe_made = true;
	r = bus_job(h, m, doing(h, "start"), &name, e);
	if (r < 0 && name) /* the call itself was refused */
		h->maybe_made = false;
	return str_eq(name, UNIT_EXISTS) ? say_taken(h, e) : r;
}

static int tell_made(struct helper *h, struct err *e)
{
	_cleanup_free_ char *path = NULL, *cgroup = NULL;
	char invocation[33] = "";
	int r = unit_path(h, &path, e);

	if (r == 0)
		r = get_invocation(h, path, invocation, e);
	if (r == 0)
		r = get_string(h, path, type_interface(h), "ControlGroup", &cgroup, e);
	if (r == 0 && (!*invocation || !*cgroup))
		r = err_set(e, ECHILD, "the unit %s ended as soon as it was started", h->unit);
	return r == 0 ? answer("made %s %s", invocation, cgroup) : r;
}

/* Says that the way is free, waits for the word, and starts it. */
int unit_start(struct helper *h, struct err *e)
{
	_cleanup_free_ char *own = NULL;
	char word[64];
	uint32_t pid;
	int r = is_taken(h, e);

	if (r > 0)
		return say_taken(h, e);
	if (r == 0)
		r = get_string(h, SYSTEMD_PATH, SYSTEMD_MANAGER, "ControlGroup", &own, e);
	if (r == 0)
		r = answer("free %s", str_eq(own, "/") ? "" : own);
	if (r < 0)
		return r;
	r = hear(word, sizeof(word));
	if (r <= 0)
		return r; /* it was given up */
	if (!str_starts(word, "start ") || str_u32(word + strlen("start "), &pid) < 0)
		return err_set(e, EPROTO, "\"%s\" is no word of the protocol", word);
	r = start_job(h, (int)pid, e);
	return r == 0 ? tell_made(h, e) : r;
}

/* ---- set, attach ---- */

int unit_set(struct helper *h, struct err *e)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	int r = bus_message(h, "SetUnitProperties", &m, e);

	if (r == 0) /* "runtime": until the next boot at most */
		r = sd_bus_message_append(m, "sb", h->unit, 1);
	if (r >= 0)
		r = properties_append(h, m, h->rest, 0, e);
	if (r >= 0)
		r = bus_call(h, m, doing(h, "set properties of"), NULL, NULL, e);
	return r >= 0 ? answer("done") : e->code ? r : err_errno(e, -r, "SetUnitProperties");
}

int unit_attach(struct helper *h, struct err *e)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	uint32_t pid;
	int r = bus_message(h, "AttachProcessesToUnit", &m, e);

	if (r == 0 && (!*h->rest || str_u32(*h->rest, &pid) < 0))
		return err_set(e, EINVAL, "attach: wants a process");
	if (r == 0)
		r = sd_bus_message_append(m, "ssau", h->unit, "", 1, pid);
	if (r >= 0)
		r = bus_call(h, m, doing(h, "move a process into"), NULL, NULL, e);
	return r >= 0 ? answer("done") : e->code ? r : err_errno(e, -r, "AttachProcessesToUnit");
}

/* ---- stop ---- */

static int kill_all(struct helper *h, struct err *e)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	const char *name = NULL;
	int r = bus_message(h, "KillUnit", &m, e);

	if (r == 0)
		r = sd_bus_message_append(m, "ssi", h->unit, "all", SIGKILL);
	if (r >= 0)
		r = bus_call(h, m, doing(h, "kill"), NULL, &name, e);
	/* Nobody is in it any more: then stopping is all that is left. */
	return r < 0 && name ? 0 : MIN(r, 0);
}

static int stop_job(struct helper *h, struct err *e)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	const char *name = NULL;
	int r = bus_message(h, "StopUnit", &m, e);

	if (r == 0)
		r = sd_bus_message_append(m, "ss", h->unit, "replace");
	if (r >= 0)
		r = bus_job(h, m, doing(h, "stop"), &name, e);
	return str_eq(name, NO_SUCH_UNIT) || str_eq(name, NOT_LOADED) ? 0 : r;
}

/* Is it still the one that was started, and not a later one of the same name? */
static int is_another(struct helper *h, const char *invocation, struct err *e)
{
	_cleanup_free_ char *path = NULL;
	char now[33] = "";
	int r = unit_path(h, &path, e);

	if (r == 0)
		r = get_invocation(h, path, now, e);
	return r < 0 ? r : *now && !str_eq(now, invocation);
}

int unit_stop(struct helper *h, struct err *e)
{
	int r = *h->rest ? is_another(h, *h->rest, e) : 0;

	if (r > 0)
		return answer("done other");
	if (r == 0)
		r = kill_all(h, e);
	if (r == 0)
		r = stop_job(h, e);
	if (r == 0)
		r = call_simple(h, "ResetFailedUnit", "reset", NO_SUCH_UNIT, e);
	return r == 0 ? answer("done") : r;
}
