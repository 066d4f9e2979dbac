/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole file trees by descriptor: copying with owners, modes, times, extended attributes, devices
 * and sparse files kept, and measuring. Symbolic links are copied, never followed.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/err.h"

enum { TREE_DEPTH_MAX = 1024 };

/** Copy everything in the directory @from into the directory @to, and make @to's owner, mode and
 *  attributes those of @from. Both stay the caller's. */
int tree_copy(int from, int to, struct err *e);
/** Copy the open regular file @from to a new file, with the owner, mode and times of @st. 0 or
 *  -errno. */
int tree_copy_file(int from, int to_dir, const char *name, const struct stat *st);
/** The same of what is neither a regular file nor a folder. */
int tree_copy_special(int from_dir, const char *from, int to_dir, const char *name,
		      const struct stat *st);
/** Give the open file or folder @to the owner, mode and times of @st, and the extended attributes
 *  that @from has, but not the overlay's. 0 or -errno. */
int tree_copy_meta(int from, int to, const struct stat *st);
/** 1: the directory has no entry, 0: it has, or negative errno. */
int tree_is_empty(int fd);
/** Bytes of all regular files below the directory @fd, a file with two names counts twice. */
int tree_size(int fd, int64_t *ret_bytes, struct err *e);
/** What du(1) says of the file or tree @name: bytes that are allocated for it, folders too, a file
 * with several names in it once. What vanishes meanwhile does not count; nothing there is 0. 1:
 * what lies deeper than TREE_DEPTH_MAX folders, or than descriptors allow, is left out. */
int tree_usage(int dirfd, const char *name, int64_t *ret_bytes, struct err *e);
