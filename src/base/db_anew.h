/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A store that was begun anew where folders of another one lie: that one was lost, or moved aside,
 * as the error of a damaged file proposes. What it knew is not known any more, and containers may
 * run on it: what is older than the new store is not taken for something that a killed command
 * left.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/** Just after a store was made in @root_fd: note it, if layers, containers or volumes are there. */
void db_anew_note(int root_fd);
/** Since when (ns since 1970), 0: no store was begun anew here, or the one of that time is back. */
int64_t db_anew_since(int root_fd);
/** Is @name in the folder @dirfd from before that? False where nothing was noted, when the store of
 * that time is back, and where the file system does not tell when a file was made. */
bool db_anew_is_older(int root_fd, int dirfd, const char *name);
