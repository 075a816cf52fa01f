/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * THE order of everything. A row: who does it and when, its name, what it does in words, how many
 * times this spec wants it, the act, and its undo. `holm plan`, errors, timings, fault tests and
 * the clean-up after a failure are all this table, read in one way or another.
 *
 * A new action is a row here and a leaf function in one of the rooms ns, fs, net, sec.
 */
#include "base/macro.h"
#include "run/run.h"

const char *const stage_names[STAGE_COUNT] = { "host", "clone", "link", "launch",
					       "join", "root",  "seal", "live" };

const struct step steps[] = {
	/* clang-format off */
	{ STAGE_HOST, "net-early", "have a helper make the network namespace meanwhile", want_net_early,
	  act_net_early, undo_net_early },
	{ STAGE_HOST, "report", "open the pipe that tells when set-up is over", want_always,
	  act_report, undo_report },
	{ STAGE_HOST, "targets", "open a namespace to join", want_targets, act_targets, undo_targets },
	{ STAGE_HOST, "parent", "open a descriptor of ourselves, for the init to watch",
	  want_die_with_parent, act_parent, undo_parent },
	{ STAGE_HOST, "init", "make the init program ready", want_init, act_init_image,
	  undo_init_image },
	{ STAGE_HOST, "control", "open the control channel", want_always, act_control,
	  undo_control },

	{ STAGE_HOST, "cgroup", "make the cgroup and set its limits", want_cgroup, act_cgroup,
	  undo_cgroup },
	{ STAGE_HOST, "unit", "see with systemd that the unit can be made", want_unit, act_unit,
	  undo_unit },
	{ STAGE_HOST, "rdt", "make the group of resctrl and write its schemata", want_rdt, act_rdt, undo_rdt },
	{ STAGE_HOST, "oom-score", "take on the OOM score that the process is to inherit", want_oom_score,
	  act_oom_score, undo_oom_score },

	{ STAGE_CLONE, "clone", "clone the first process into its new namespaces", want_always,
	  act_clone, undo_clone },

	{ STAGE_LINK, "keep", "write down which process it is", want_keeper, act_keep, NULL },
	{ STAGE_LINK, "rdt-join", "put the process into its group of resctrl", want_rdt_join, act_rdt_join,
	  NULL },
	{ STAGE_LINK, "unit-start", "have systemd make the unit, with the process in it", want_unit,
	  act_unit_start, NULL },
	{ STAGE_LINK, "unit-limits", "set the limits in its cgroup that systemd cannot", want_unit,
	  act_unit_limits, NULL },
	{ STAGE_LINK, "unit-enter", "have systemd move the process into the unit", want_unit_enter,
	  act_unit_enter, NULL },
	{ STAGE_LINK, "map-ids", "write the id maps from outside", want_map_parent, act_map_parent,
	  NULL },
	{ STAGE_LINK, "net-device", "move a network device into the network namespace", want_net_devices,
	  act_net_device, undo_net_devices },
	{ STAGE_LINK, "net", "make an interface in the network namespace", want_nets, act_net, undo_nets },
	{ STAGE_LINK, "rules", "load the rules of the firewall", want_rules, act_rules, undo_nets },
	{ STAGE_LINK, "net-up", "give it its addresses and bring it up", want_nets, act_net_up, NULL },
	{ STAGE_LINK, "pasta", "have pasta play the network", want_pasta, act_pasta, undo_nets },
	{ STAGE_LINK, "egress", "have holm-egress lead to the names that are allowed", want_egress, act_egress,
	  undo_nets },
	{ STAGE_LINK, "go", "let the first process go on", want_link, act_go, NULL },
	{ STAGE_LINK, "cgroup-rest", "make it in the v1 trees too, and set its limits", want_cgroup_rest,
	  act_cgroup_rest, NULL },
	{ STAGE_LINK, "idmap", "make an idmapped view of a directory", want_idmap, act_idmap, NULL },
	{ STAGE_LINK, "host-hooks", "run the hooks outside, once all is mounted", want_host_hooks,
	  act_host_hooks, NULL },
	{ STAGE_LINK, "state", "write down the state for what runs inside", want_state_file,
	  act_state_file, undo_state_file },
	{ STAGE_LINK, "take-workspace", "take a descriptor of the workspace", want_workspace,
	  act_take_workspace, undo_workspace },

	{ STAGE_LAUNCH, "late-limits", "set the limits of the command", want_late_limits,
	  act_late_limits, NULL },
	{ STAGE_LAUNCH, "watch", "make ready to watch what ends it", want_watch, act_watch, undo_watch },
	{ STAGE_LAUNCH, "brief", "tell the init its work", want_init, act_brief, NULL },

	{ STAGE_JOIN, "join", "enter a namespace", want_joins, act_join, NULL },

	{ STAGE_ROOT, "close-on-exec", "close every other descriptor at exec", want_always,
	  act_close_on_exec, NULL },
	{ STAGE_ROOT, "beside", "have a helper do meanwhile what takes the kernel long", want_beside,
	  act_beside, NULL },
	{ STAGE_ROOT, "wait", "wait for the parent's part", want_link, act_wait, NULL },
	{ STAGE_ROOT, "map-self", "map the one id of our own", want_map_self, act_map_self, NULL },
	{ STAGE_ROOT, "chroot", "enter the root that the container has in its namespace", want_old_root,
	  act_old_root, NULL },
	{ STAGE_ROOT, "cgroup-join", "enter the cgroup", want_cgroup_join, act_cgroup_join, NULL },
	{ STAGE_ROOT, "cgroup-ns", "see that cgroup as the root", want_cgroup_ns, act_cgroup_ns,
	  NULL },
	{ STAGE_ROOT, "time", "shift the clocks", want_time, act_time, NULL },
	{ STAGE_ROOT, "early-ids", "become an id that the box knows", want_early_ids,
	  act_early_ids, NULL },
	{ STAGE_ROOT, "subreaper", "inherit orphans without being process 1", want_not_pid1,
	  act_subreaper, NULL },
	{ STAGE_ROOT, "own-mounts", "cut the mounts off from the host's", want_own_propagation,
	  act_own_propagation, NULL },
	{ STAGE_ROOT, "names", "set the host name", want_names, act_names, NULL },
	{ STAGE_ROOT, "loopback", "bring lo up", want_loopback, act_loopback, NULL },
	{ STAGE_ROOT, "root", "put a new root in place", want_root, act_root, NULL },
	{ STAGE_ROOT, "mount", "mount or make", want_mounts, act_mount, NULL },
	{ STAGE_ROOT, "cgroup-enter", "enter the cgroup that was made meanwhile", want_cgroup_rest,
	  act_cgroup_enter, NULL },
	{ STAGE_ROOT, "workspace", "hand out a descriptor of the workspace", want_workspace,
	  act_workspace, NULL },
	{ STAGE_ROOT, "workdir", "make the working directory, if it is not there", want_workdir,
	  act_workdir, NULL },
	{ STAGE_ROOT, "attribute", "set a property of the process", want_attributes, act_attribute,
	  NULL },
	{ STAGE_ROOT, "setup-hooks", "run the hooks inside", want_setup_hooks, act_setup_hooks,
	  NULL },
	{ STAGE_ROOT, "terminal", "open a terminal of the box's own", want_terminal, act_terminal,
	  NULL },
	{ STAGE_ROOT, "console", "show it as /dev/console", want_console, act_console, NULL },
	{ STAGE_ROOT, "cover", "mask a path or make it read-only", want_covers, act_cover, NULL },
	{ STAGE_ROOT, "root-read-only", "make the root read-only", want_root_read_only,
	  act_root_read_only, NULL },
	{ STAGE_ROOT, "network", "enter the new network namespace", want_network, act_network, NULL },
	{ STAGE_ROOT, "sysctl", "set a parameter of the kernel", want_sysctl, act_sysctl, NULL },
	{ STAGE_ROOT, "open-label", "open where the label of the next program is set", want_label,
	  act_open_label, NULL },
	{ STAGE_ROOT, "pivot", "enter the new root", want_root, act_pivot, NULL },
	{ STAGE_ROOT, "let-go", "let go of the host's root", want_let_go, act_let_go, NULL },
	{ STAGE_ROOT, "propagation", "set the propagation of the root", want_root_propagation,
	  act_root_propagation, NULL },

	{ STAGE_ROOT, "init-caps", "keep over exec what the init needs to start programs",
	  want_init_caps, act_init_caps, NULL },

#include "run/seal.rows"

	{ STAGE_LIVE, "take-terminal", "take over the box's terminal", want_terminal, act_live_terminal,
	  undo_live_terminal },
	{ STAGE_LIVE, "send-console", "hand the terminal to the engine", want_send_console,
	  act_send_console, NULL },
	{ STAGE_LIVE, "started", "hear from the init that the command runs", want_init, act_started,
	  NULL },
	{ STAGE_LIVE, "measure", "begin to measure what the command uses", want_watch, act_measure, NULL },
	{ STAGE_LIVE, "own-oom-score", "take back our own OOM score", want_oom_score, act_own_oom_score,
	  NULL },
	/* clang-format on */
};

const size_t n_steps = ARRAY_SIZE(steps);

_Static_assert(ARRAY_SIZE(steps) <= STEPS_MAX, "struct shared times every step");
