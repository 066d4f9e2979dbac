/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every program that opens the engine is told the same way: configuration files, environment,
 * command line, in this order; later wins. See settings.c for their forms.
 */
#pragma once

#include "base/option.h"
#include "engine/engine.h"

/** --root, --runroot, ... and the keys of hull.conf: one table. */
struct settings {
	char *root, *runroot; /* NULL: not given; see settings_finish */
	bool debug, version, systemd_cgroup, recorder;
	char *log_driver, *detach_keys, *network, *ip;
	struct kvs log_opts, storage_opts;
};

extern const struct option_table settings_options, settings_keys;
/** Read /etc/hull/hull.conf, the user's, and the environment; global options come on top. */
int settings_read(struct settings *s, struct arena *a, struct err *e);
/** Fill root and runroot with the defaults where nothing was given. */
int settings_finish(struct settings *s, struct arena *a, struct err *e);
/** The folder of hull's programs: the one that runs lies there. */
int settings_libexec(char **ret, struct arena *a, struct err *e);
/** engine_open() as they say, with the programs there. @s and @a outlive the engine. */
int settings_open_engine(const struct settings *s, struct engine *ret, struct arena *a,
			 struct err *e);
/** What a container to be gets where its request says nothing: log driver, storage options. */
void settings_apply(const struct settings *s, struct container_create *c);
