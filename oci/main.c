/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `holm-oci`: the command line of runc. Each command is a row here and a file in cmd/. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/signals.h"
#include "base/str.h"
#include "holm.h"
#include "oci.h"
#include "oci_commit.h"

#define ID "ID"

const struct oci_command commands[] = {
	{ "create", ID, "make a container, which then waits to be started", cmd_create,
	  &create_options, 1, 1, 0 },
	{ "start", ID, "start what was created", cmd_start, &no_options, 1, 1, 0 },
	{ "run", ID, "create and start a container, and wait for its end", cmd_run, &run_options, 1,
	  1, 0 },
	{ "kill", ID " [SIGNAL]", "send a signal to a container", cmd_kill, &kill_options, 1, 2,
	  0 },
	{ "delete", ID, "remove what a container has left", cmd_delete, &delete_options, 1, 1, 0 },
	{ "exec", ID " COMMAND [ARG...]", "run one more process in a container", cmd_exec,
	  &exec_options, 1, -1, EXIT_OCI_EXEC },
	{ "ps", ID " [PS-OPTION...]", "list the processes of a container", cmd_ps, &ps_options, 1,
	  -1, 0 },
	{ "pause", ID, "freeze all processes of a container", cmd_pause, &no_options, 1, 1, 0 },
	{ "resume", ID, "let them go on", cmd_resume, &no_options, 1, 1, 0 },
	{ "update", ID, "change the limits of a container", cmd_update, &update_options, 1, 1, 0 },
	{ "events", ID, "print what a container uses, again and again", cmd_events, &events_options,
	  1, 1, 0 },
	{ "stats", ID, "print what a container uses, once", cmd_stats, &no_options, 1, 1, 0 },
	{ "checkpoint", ID, "save a container's processes to files, by criu", cmd_checkpoint,
	  &checkpoint_options, 1, 1, 0 },
	{ "restore", ID, "make a container from such files", cmd_restore, &restore_options, 1, 1,
	  0 },
	{ "mounts", "add|remove " ID " FILE", "change the mounts of a container that runs",
	  cmd_mounts, &no_options, 3, 3, 0 },
	{ "state", ID, "print a container's state as JSON", cmd_state, &no_options, 1, 1, 0 },
	{ "list", "", "list the containers below --root", cmd_list, &list_options, 0, 0, 0 },
	{ "spec", "", "write a config.json to begin with", cmd_spec, &spec_options, 0, 0, 0,
	  .stateless = true },
	{ "features", "", "print what this runtime can do as JSON", cmd_features, &no_options, 0, 0,
	  0, .stateless = true },
};

const unsigned n_commands = ARRAY_SIZE(commands);

/* ---- help, version ---- */

static int help(void)
{
	puts("Usage: holm-oci [OPTIONS] COMMAND [OPTIONS] [ARGS]\n\n"
	     "Runs containers from OCI bundles, for engines that know runc.\n");
	for (unsigned i = 0; i < n_commands; i++)
		printf("  %-12s %s\n", commands[i].name, commands[i].words);
	puts("\nOptions:");
	options_help(&global_options);
	puts("\nholm-oci COMMAND --help tells more.");
	return 0;
}

static int command_help(const struct oci_command *c)
{
	printf("Usage: holm-oci %s [OPTIONS] %s\n\nWhat it does: %s.\n\n", c->name, c->args,
	       c->words);
	options_help(c->options);
	return 0;
}

/* The lines that engines look for. */
static int version(void)
{
	printf("holm-oci version %s\ncommit: %s\nspec: %s\n", holm_version(), HOLM_COMMIT,
	       CONFIG_VERSION);
	return 0;
}

/* ---- what the global options mean ---- */

/*
 * Root of a user namespace is nobody on the host: /run is not its own. A session's directory is
 * used then, but not by real root, for whom it would change from session to session.
 */
bool is_ordinary_user(void)
{
	_cleanup_file_ FILE *f = NULL;
	unsigned inside = 1, outside = 1;

	if (geteuid() != 0)
		return true;
	if (str_eq(getenv("USER"), "root"))
		return false;
	f = fopen("/proc/self/uid_map", "re");
	return f && fscanf(f, "%u %u", &inside, &outside) == 2 && (inside || outside);
}

static int choose_root(struct oci *o, const char *given, struct err *e)
{
	const char *session = getenv("XDG_RUNTIME_DIR");

	o->root = "/run/holm-oci";
	if (given && *given)
		o->root = given;
	else if (session && *session == '/' && is_ordinary_user())
		o->root = arena_printf(o->arena, "%s/holm-oci", session);
	else if (geteuid() != 0)
		return err_set(e, EINVAL,
			       "XDG_RUNTIME_DIR is not set to an absolute path: use --root DIR");
	return o->root ? 0 : err_errno(e, ENOMEM, "--root");
}

static int choose_manager(struct oci *o, const struct global_options *g, struct err *e)
{
	static const char *const words[] = { "cgroupfs", "systemd", "disabled" };

	o->cgroup_manager = g->systemd_cgroup ? MANAGER_SYSTEMD : MANAGER_CGROUPFS;
	if (!g->cgroup_manager)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (!str_eq(g->cgroup_manager, words[i]))
			continue;
		o->cgroup_manager = (enum cgroup_manager)i;
		return 0;
	}
	return err_set(e, EINVAL,
		       "--cgroup-manager: \"%.32s\" is not cgroupfs, systemd or disabled",
		       g->cgroup_manager);
}

static int choose_rootless(struct oci *o, const struct global_options *g, struct err *e)
{
	bool yes;

	o->rootless = TRI_AUTO;
	if (!g->rootless || str_eq(g->rootless, "auto"))
		return 0;
	if (str_bool(g->rootless, &yes) < 0)
		return err_set(e, EINVAL, "--rootless: \"%.32s\" is not true, false or auto",
			       g->rootless);
	o->rootless = yes ? TRI_YES : TRI_NO;
	return 0;
}

static int apply(struct oci *o, const struct global_options *g, struct err *e)
{
	int r = log_open(&o->log, g, e);

	o->criu = g->criu && *g->criu ? g->criu : "criu";
	if (r == 0)
		r = choose_manager(o, g, e);
	if (r == 0)
		r = choose_rootless(o, g, e);
	return r;
}

/* ---- the command ---- */

static const struct oci_command *find(const char *name)
{
	for (unsigned i = 0; i < n_commands; i++)
		if (str_eq(commands[i].name, name))
			return &commands[i];
	return NULL;
}

static int run(struct oci *o, const char *root, int argc, char **argv, struct err *e)
{
	const struct oci_command *c = o->command;
	bool wants_help = false;
	int at = options_parse(c->options, o->arena, argc, argv, &o->opt, &wants_help, e);

	if (wants_help)
		return command_help(c);
	if (at < 0)
		return err_prefix(e, "%s", c->name);
	argc -= at;
	argv += at;
	if (argc < c->min_args || (c->max_args >= 0 && argc > c->max_args))
		return err_set(e, EINVAL, "%s: wants %s%s", c->name,
			       *c->args ? c->args : "no arguments", ", see --help");
	at = c->stateless ? 0 : choose_root(o, root, e);
	return at < 0 ? at : c->run(o, argc, argv, e);
}

/* What stands before the command. The exit code, or -errno. */
static int start(struct oci *o, int argc, char **argv, struct err *e)
{
	struct global_options g;
	bool wants_help = false;
	int at = options_parse(&global_options, o->arena, argc, argv, &g, &wants_help, e), r;

	if (at < 0)
		return at;
	if (g.version)
		return version();
	if (wants_help || (at < argc && str_eq(argv[at], "help")))
		return help();
	r = apply(o, &g, e);
	if (r < 0)
		return r;
	if (at >= argc)
		return err_set(e, EINVAL, "which command? See holm-oci --help");
	o->command = find(argv[at]);
	if (!o->command)
		return err_set(e, EINVAL, "there is no command \"%.32s\" (see holm-oci --help)",
			       argv[at]);
	return run(o, g.root, argc - at, argv + at, e);
}

int main(int argc, char **argv)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct oci o = { .arena = arena,
			 .argv = argv,
			 .log = { .fd = -1, .level = LOG_LEVEL_WARNING } };
	struct err e = { 0 };
	int r;

	signals_begin();
	r = descriptors_begin(&o, &e);
	if (r == 0)
		r = arena ? start(&o, argc, argv, &e) : err_errno(&e, ENOMEM, "start");
	if (r >= 0)
		return r;
	log_say(&o.log, LOG_LEVEL_ERROR, "%s", e.text);
	return o.command && o.command->fail_code ? o.command->fail_code : EXIT_OCI;
}
