/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of hull-runtime, and its global options. Order is the order of help. */
#include "oci/commands.h"

#include "base/cleanup.h"

const struct oci_command *const oci_commands[] = {
	&oci_create,     &oci_start,   &oci_run,    &oci_exec,         &oci_kill,
	&oci_delete,     &oci_state,   &oci_list,   &oci_ps,           &oci_pause,
	&oci_resume,     &oci_update,  &oci_events, &oci_spec_command, &oci_features,
	&oci_checkpoint, &oci_restore, &oci_man,    &oci_completion,   &oci_complete,
};
const size_t oci_command_count = ARRAY_LEN(oci_commands);

#define G(member_) .offset = offsetof(struct oci_globals, member_)
static const struct option globals[] = {
	{"cgroup-manager", 0, OPTION_STR, G(cgroup_manager),
	 .help = "cgroupfs (default), systemd, or disabled"},
	{"criu", 0, OPTION_STR, G(criu), .help = "Program that makes checkpoints"},
	{"debug", 0, OPTION_BOOL, G(debug), .help = "Say more about failures"},
	{"log", 0, OPTION_STR, G(log), .help = "File that failures are written to as well"},
	{"log-format", 0, OPTION_STR, G(log_format), .help = "text (default) or json"},
	{"log-level", 0, OPTION_STR, G(log_level), .flags = OPTION_HIDDEN, .help = "crun's"},
	{"root", 0, OPTION_STR, G(root),
	 .help = "Folder of the containers' state (default: /run/hull-runtime, or "
		 "$XDG_RUNTIME_DIR/hull-runtime)"},
	{"rootless", 0, OPTION_STR, G(rootless),
	 .help = "Pass over failures of control groups: true, false or auto (default)"},
	{"systemd-cgroup", 0, OPTION_BOOL, G(systemd_cgroup),
	 .help = "Control groups by systemd: cgroupsPath is slice:prefix:name"},
	{"version", 'v', OPTION_BOOL, G(version), .help = "Print the version"},
};
const struct option_table oci_global_options = OPTIONS(globals);
