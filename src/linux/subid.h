/* SPDX-License-Identifier: Apache-2.0 */
/* The ids that a user may give away: /etc/subuid and /etc/subgid. See subuid(5). */
#pragma once

#include "base/arena.h"
#include "linux/idmap.h"

/** What root does where they grant nothing; one %s: the user. */
#define SUBID_HINT "as root: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 %s"

/**
 * The map of a user namespace: @own is 0 in it, and behind come, in the order of the file, the
 * ranges that @path grants to @user (or NULL) or to the number @uid. A file that is not there
 * grants none, and lines that make no sense are passed over, as newuidmap(1) does. Lives in the
 * arena.
 */
int subid_map(const char *path, const char *user, uid_t uid, uid_t own, struct arena *a,
	      struct idmap **ret, size_t *ret_count, struct err *e);
