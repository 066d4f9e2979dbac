/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a repository is to be had: containers-registries.conf(5), version 2. Of it these are
 * followed: [[registry]] with prefix, location, insecure, blocked, mirror-by-digest-only;
 * [[registry.mirror]] with location, insecure, pull-from-mirror; and what names without a registry
 * stand for: unqualified-search-registries, short-name-mode, [aliases]. Other keys are passed over.
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
	struct strv search; /* registries for names that have none */
	char *short_mode;   /* "enforcing", "permissive", "disabled"; NULL: permissive */
	struct kvs aliases; /* name without a registry: name with one */
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
/** The first of them, as it is configured now: of the registry itself where it is to be written to
 * (@push), else perhaps a mirror that has digests. */
int registries_first(const char *domain, const char *path, bool push, struct endpoint **ret,
		     struct arena *a, struct err *e);
/** What @reference may stand for, in this order: itself, but for a name without a registry what an
 *  alias says, or the name in each registry to be searched. -EINVAL: it may be one of several, and
 *  none is to be guessed. */
int registries_names(const struct registries *r, const char *reference, struct strv *ret,
		     struct arena *a, struct err *e);
/** What is configured: $CONTAINERS_REGISTRIES_CONF, the user's or the system's; perhaps nothing.
 *  Then the files *.conf in the folders of that name with ".d". */
int registries_read(struct registries *ret, struct arena *a, struct err *e);
