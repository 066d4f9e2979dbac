/* SPDX-License-Identifier: Apache-2.0 */
/* The entries of all commands, one a file (or family of files) cmd_*.c. */
#pragma once

#include "cli/command.h"

extern const struct command command_attach, command_build, command_builder_prune, command_commit,
	command_complete, command_completion, command_container_inspect, command_container_prune,
	command_cp, command_create, command_debug, command_diff, command_events, command_exec,
	command_export, command_healthcheck_run, command_help, command_history,
	command_image_inspect, command_image_diff, command_image_tree, command_untag,
	command_image_prune, command_images, command_import, command_info, command_inspect,
	command_kill, command_load, command_login, command_logout, command_logs, command_man,
	command_manifest_annotate, command_manifest_create, command_manifest_inspect,
	command_manifest_push, command_manifest_rm, command_network_bench, command_network_connect,
	command_network_create, command_network_disconnect, command_network_inspect,
	command_network_ls, command_network_path, command_network_prune, command_network_reload,
	command_network_rm, command_network_update, command_pause, command_port, command_ps,
	command_pull, command_push, command_rename, command_restart, command_rm, command_rmi,
	command_run, command_save, command_search, command_secret_create, command_secret_exists,
	command_secret_inspect, command_secret_ls, command_secret_rm, command_start, command_stats,
	command_stop, command_system_check, command_system_df, command_system_health,
	command_system_lift, command_system_oom, command_system_pack_logs, command_system_probe,
	command_system_prune, command_system_reap, command_system_record, command_system_restart,
	command_system_restore, command_system_tidy, command_tag, command_top, command_trace,
	command_unpause, command_update, command_version, command_volume_create,
	command_volume_export, command_volume_import, command_volume_inspect, command_volume_ls,
	command_volume_prune, command_volume_rm, command_wait, command_doctor, command_explain,
	command_why;
