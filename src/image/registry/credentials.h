/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Users and passwords of registries, as docker keeps them: config.json in $DOCKER_CONFIG or
 * ~/.docker, with its credential helpers (docker-credential-NAME in the PATH).
 *
 * A secret is never an argument of a program nor part of a message.
 */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"

struct credentials {
	char *user, *secret; /* or NULL */
	char *identity;      /* a token that the registry gave for them, or NULL */
};

/** What is known for the registry; all NULL when nothing is. @domain: "docker.io", "host:5000". */
int credentials_find(const char *domain, struct arena *a, struct credentials *ret, struct err *e);
/** Where it is kept from now on; @ret_where (in @a): the file, or NULL when a helper has it. */
int credentials_store(const char *domain, const struct credentials *c, struct arena *a,
		      char **ret_where, struct err *e);
/** 1: forgotten, 0: there was nothing. */
int credentials_erase(const char *domain, struct arena *a, struct err *e);
