/* SPDX-License-Identifier: Apache-2.0 */
/* What copy.c and copy_write.c share. */
#pragma once

#include "build/copy.h"

/** Is @path (below the root of the sources) left out, with all that is below it? */
bool copy_skips(const struct copy *c, const char *path, bool folder);
/** A folder of which only what is taken back in it is copied. */
bool copy_hides(const struct copy *c, const char *path);
/** Whether there is such a thing in the folder @dir, which is @path. */
bool copy_any_below(const struct copy *c, int dir, const char *path, int depth);
/** The names in a folder, ordered. 0 or -errno. */
int copy_list(int dir, struct strv *ret, struct arena *a);
/** Open @name in @dir, or with "" the O_PATH descriptor @dir itself; no link is followed. */
int copy_reopen(int dir, const char *name, int flags);
/** Owner and mode that a copy gets, into @st. */
void copy_attributes(const struct copy *c, struct stat *st);
/** Does the file begin as a tar does, or a packed stream? 1, 0, -errno. */
int copy_is_archive(int fd);
