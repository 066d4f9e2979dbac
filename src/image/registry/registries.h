/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a repository is to be had: containers-registries.conf(5), version 2. Of it these are
 * followed: [[registry]] with prefix, location, insecure, blocked, mirror-by-digest-only, and
 * [[registry.mirror]] with location, insecure, pull-from-mirror. Other keys are passed over.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "base/shape.h"

struct registry_place {
	char *location; /* HOST[:PORT][/PATH] */
	bool insecure;
	bool no_tags, no_digests; /* a mirror, from which only the other is taken */
};
struct registry_rule {
	char *prefix; /* NULL: its location */
	struct registry_place place;
	bool blocked, mirrors_by_digest;
	struct array mirrors; /* of struct registry_place */
};
struct registries {
	struct array rules; /* of struct registry_rule */
};

/** Where one repository is tried, in this order. */
struct endpoint {
	char *host, *path;
	bool insecure; /* any certificate, or http */
	bool loopback; /* http, where https fails */
};

int registries_parse(const char *text, struct registries *ret, struct arena *a, struct err *e);
/** The endpoints of a repository, @ret of struct endpoint. With @push only the registry itself, as
 * mirrors are not written to. -EACCES: it is blocked. */
int registries_endpoints(const struct registries *r, const char *domain, const char *path,
			 bool by_digest, bool push, struct array *ret, struct arena *a,
			 struct err *e);
/** What is configured: $CONTAINERS_REGISTRIES_CONF, the user's or the system's; perhaps nothing. */
int registries_read(struct registries *ret, struct arena *a, struct err *e);
