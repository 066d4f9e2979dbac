/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Maps of ids between user namespaces: those of a process that was made in a new one, and those of
 * an idmapped mount. See user_namespaces(7), newuidmap(1), mount_setattr(2).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

enum { IDMAP_MAX = 340 }; /* lines of a map: user_namespaces(7) */

struct idmap {
	int64_t inside, outside, length;
};
struct idmaps {
	struct idmap *uid, *gid;
	size_t uid_count, gid_count;
};

/** Are these numbers that the kernel knows? @what names them in the error. */
int idmap_check(const struct idmap *map, size_t count, const char *what, struct err *e);
/**
 * Write the maps of @pid's new user namespace. A caller without the right to map anything may map
 * himself alone; for more newuidmap(1) and newgidmap(1) are run, which give what /etc/subuid and
 * /etc/subgid grant. @pid must be dumpable then.
 */
int idmap_write(pid_t pid, const struct idmaps *m, struct err *e);
/** The highest group id of the user namespace that we are in. */
int64_t idmap_highest_gid(void);
/** A descriptor of a user namespace with these maps, for MOUNT_ATTR_IDMAP; or negative errno. */
int idmap_namespace(const struct idmaps *m, struct err *e);
