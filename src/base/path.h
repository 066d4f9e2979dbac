/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paths that someone else controls: inside a root file system, a volume, a build context.
 *
 * Everything resolves below a root descriptor by openat2(2) with RESOLVE_IN_ROOT and
 * RESOLVE_NO_MAGICLINKS: symbolic links are followed as the container itself would follow them and
 * can never leave the root. A path is resolved once, to a descriptor; after that only the
 * descriptor is used.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

struct arena;

/** Open @path below @rootfd; @flags as open(2), O_CLOEXEC is added. fd or negative errno. */
int path_open_in_root(int rootfd, const char *path, int flags, mode_t mode);
/**
 * Make every missing folder of @path below @rootfd (mode 0755, owner @uid:@gid for the new ones)
 * and return an O_PATH descriptor of the last. Existing symbolic links are followed in the root;
 * a dangling one, or a component that is not a folder, is an error.
 */
int path_make_dirs_in_root(int rootfd, const char *path, uid_t uid, gid_t gid, struct err *e);
/** Like the above for the parent folder, then an empty regular file if nothing is there; returns an
 *  O_PATH descriptor of it, never of a symbolic link: where a dangling one points to (in the root)
 * the file is made. What file binds are mounted upon. */
int path_make_file_in_root(int rootfd, const char *path, struct err *e);
/** Lexically clean: "/a//b/../c/." becomes "/a/c". Always absolute; ".." stops at the root. */
char *path_clean(struct arena *a, const char *path);
/** Split a clean absolute path: the folder in which it lies, in @a, and its name, of which @path
 * stays the owner. */
char *path_parent(struct arena *a, const char *path, const char **ret_name);
/** True for one plain name: not empty, ".", "..", no '/', no control character. */
bool path_is_component(const char *name);
/** True for [A-Za-z0-9][A-Za-z0-9_.-]{0,@max-1}: ids, and names of containers and volumes. */
bool name_is_valid(const char *name, size_t max);
/** A path of /proc/PID/mountinfo, in place: blank, tab, newline and backslash stand there as
 * "\040". */
void path_unescape(char *path);
