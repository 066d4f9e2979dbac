/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `run` and `create` say about networks: --network with its long form, --ip, --publish and the
 * like. Grammar and texts are those of docker's client.
 */
#pragma once

#include "cli/create_options.h"

/** Complete o->create's networks, NetworkMode, PortBindings and ExposedPorts; @fallback is the mode
 * where the user named none, or NULL for the engine's. */
int network_options_build(struct create_options *o, const char *fallback, struct arena *a,
			  struct err *e);
/** "NAME" or "name=NAME,ip=ADDRESS,alias=NAME,..."; the struct's strings lie in @a. */
int network_option_parse(const char *text, struct docker_endpoint *ret, struct arena *a,
			 struct err *e);
/** --add-host: NAME:ADDRESS or NAME=ADDRESS. */
int option_set_host(void *field, const char *value, struct arena *a, struct err *e);
/** --dns. */
int option_set_ip(void *field, const char *value, struct arena *a, struct err *e);
