/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* struct state as text, and back. A member that a later version adds is passed over. */
#include <string.h>

#include "base/jsonout.h"
#include "spec/json_read.h"
#include "state/layout.h"

#define VERSION      1       /* of state.json */
#define SPEC_VERSION "1.3.0" /* of the state that is printed */
#define ROW(n, s, m, ...)                                                                   \
	{                                                                                   \
		.name = (n), .set = (s), .offset = offsetof(struct state, m), ##__VA_ARGS__ \
	}

static const struct json_word phase_words[] = {
	{ "creating", PHASE_CREATING },
	{ "created", PHASE_CREATED },
	{ "started", PHASE_STARTED },
};

static const struct json_words phases = { "a phase", phase_words, ARRAY_SIZE(phase_words) };

static const struct json_row rows[] = {
	ROW("phase", json_set_word, phase, .required = true, .words = &phases),
	ROW("pid", json_set_int, pid, .max = INT32_MAX),
	ROW("pidStart", json_set_u64, pid_start),
	ROW("pidInode", json_set_u64, pid_inode),
	ROW("boot", json_set_string, boot),
	ROW("bundle", json_set_string, bundle, .required = true),
	ROW("rootfs", json_set_string, rootfs),
	ROW("created", json_set_string, created),
	ROW("owner", json_set_u32, owner),
	ROW("terminal", json_set_bool, terminal),
	ROW("cgroupManager", json_set_string, cgroup_manager),
	ROW("cgroupPath", json_set_string, cgroup_path),
	ROW("systemdUnit", json_set_string, systemd_unit),
	ROW("freezer", json_set_string, freezer),
	ROW("rdtPath", json_set_string, rdt_path),
	ROW("descriptors", json_set_strings, descriptors),
	ROW("annotations", json_set_keys, annotations),
	ROW("notes", json_set_keys, notes),
};

static const struct json_table table = { .rows = rows,
					 .n = ARRAY_SIZE(rows),
					 .size = sizeof(struct state) };

int state_read(struct arena *a, const char *text, size_t len, const char *name, struct state *out,
	       struct err *e)
{
	struct json_reader r = { .a = a, .name = name, .text = text, .len = len, .e = e };
	struct state s = { 0 };
	int ret = json_read_text(&r, &table, &s);

	if (ret == 0)
		*out = s;
	return ret;
}

static void put_string(struct jsonout *j, const char *key, const char *value)
{
	if (value)
		jsonout_string(j, key, value);
}

static void put_keys(struct jsonout *j, const char *key, const keys *list)
{
	if (list->n)
		jsonout_keys(j, key, list);
}

void state_write(struct jsonout *j, const struct state *s)
{
	jsonout_open(j, NULL, '{');
	jsonout_number(j, "version", VERSION);
	jsonout_string(j, "phase", phase_words[s->phase].name);
	jsonout_number(j, "pid", s->pid);
	jsonout_u64(j, "pidStart", s->pid_start);
	jsonout_u64(j, "pidInode", s->pid_inode);
	put_string(j, "boot", s->boot);
	put_string(j, "bundle", s->bundle);
	put_string(j, "rootfs", s->rootfs);
	put_string(j, "created", s->created);
	jsonout_number(j, "owner", s->owner);
	jsonout_bool(j, "terminal", s->terminal);
	put_string(j, "cgroupManager", s->cgroup_manager);
	put_string(j, "cgroupPath", s->cgroup_path);
	put_string(j, "systemdUnit", s->systemd_unit);
	put_string(j, "freezer", s->freezer);
	put_string(j, "rdtPath", s->rdt_path);
	jsonout_open(j, "descriptors", '[');
	for (size_t i = 0; i < s->descriptors.n; i++)
		jsonout_string(j, NULL, s->descriptors.items[i]);
	jsonout_close(j, ']');
	put_keys(j, "annotations", &s->annotations);
	put_keys(j, "notes", &s->notes);
	jsonout_close(j, '}');
}

void state_print(struct jsonout *j, const struct state *s, enum status status, bool more)
{
	jsonout_string(j, "ociVersion", SPEC_VERSION);
	jsonout_string(j, "id", s->id);
	jsonout_string(j, "status", status_name(status));
	jsonout_number(j, "pid", status == STATUS_STOPPED ? 0 : s->pid);
	jsonout_string(j, "bundle", s->bundle ? s->bundle : "");
	if (more) {
		put_string(j, "rootfs", s->rootfs);
		put_string(j, "created", s->created);
	}
	put_keys(j, "annotations", &s->annotations);
}
