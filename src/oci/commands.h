/* SPDX-License-Identifier: Apache-2.0 */
/* The entries of all commands: the table in commands.c lists them. */
#pragma once

#include "oci/oci.h"

extern const struct oci_command oci_create, oci_start, oci_run, oci_exec, oci_kill, oci_delete,
	oci_state, oci_list, oci_ps, oci_pause, oci_resume, oci_update, oci_events,
	oci_spec_command, oci_features, oci_checkpoint, oci_restore, oci_man, oci_completion,
	oci_complete;
