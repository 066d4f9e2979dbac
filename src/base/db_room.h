/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Room on the disk for the state store alone. Who removes something must be able to note it on a
 * full disk, too, whoever else writes there: so the blocks that the store needs for that are its
 * own beforehand, behind the ends of its files, where nobody else can get them. Read db.h first.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/** The file system of @fd has so little room that only what removes something is begun. */
bool db_room_is_short(int fd);
/** It has enough for reserves. */
bool db_room_is_plenty(int fd);
/** Keep the blocks of the store's index, and leave owners that are right already alone: once in this
 * process, before SQLite opens a store. */
void db_room_keep_files(void);
/** Have blocks behind the end of the file @path, if it has few and there is plenty of room. Not for
 * a database that is open: to close it here would give up SQLite's locks (fcntl(2), F_SETLK). */
void db_room_reserve(const char *path);
