/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The options of `run` and `create`: their table, and the way from them to a request for the
 * engine. Most options fill a field of struct container_create directly; the rest stand here until
 * create_options_build has put them together.
 */
#pragma once

#include "base/option.h"
#include "engine/engine.h"

struct cli;

struct create_options {
	struct container_create create;
	struct strv networks, network_aliases, link_local, publish;
	char *ip, *ip6, *mac_address;
	struct strv attach, env, env_files, labels, label_files, volumes, security;
	char *cidfile, *entrypoint, *init, *rootfs, *pull;
	int64_t kernel_memory;
	struct docker_healthcheck health;
	char *health_cmd;
	bool no_healthcheck, quiet, disable_content_trust;
};

extern const struct option_table create_option_table;
/** The limits and the restart policy, of run, create and update; they fill a struct
 * container_config.
 */
extern const struct option_table limit_option_table;
/** The same without the restart policy. */
extern const struct option_table build_limit_option_table;

/** --security-opt as the engine takes it: profiles are read. */
int security_options_read(const struct strv *given, struct docker_host_config *host,
			  struct arena *a, struct err *e);
/** Check what docker's client checks, read the files, and complete `create` from the options and
 *  @args (IMAGE COMMAND...; with --rootfs COMMAND...). @detach: nobody attaches.
 *  Options without effect get a word. Errors have docker's texts, kind ERR_INVALID. */
int create_options_build(struct cli *cli, struct create_options *o, const struct strv *args,
			 bool detach, struct err *e);
/** Refuse an existing --cidfile, before anything is made. */
int cidfile_check(const char *path, struct err *e);
/** Write it whole, or not at all. */
int cidfile_write(const char *path, const char *id, struct err *e);
