/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of start.c that others need. */
#pragma once

#include "engine/internal.h"

/** Bind and listen at <run folder>/control; a descriptor or negative errno. */
int monitor_socket_make(int run_dir, struct err *e);
/** --log-driver and --log-opt; -EINVAL with docker's words. */
int log_options_check(const struct docker_log_config *log, struct err *e);
