/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reserves of the state store. Rests on fallocate(2) with FALLOC_FL_KEEP_SIZE: the blocks are the
 * file's, and its size, by which the pages of the log are told, stays. Where a file system writes
 * what is overwritten to another place (btrfs) that helps once; there the ballast (check.c of the
 * engine) has to do.
 *
 * The index of the log (hull.db-shm) is cut off by whoever opens the store first, and grows again
 * at once: between the two, on a full disk, somebody else takes its blocks, and the store could not
 * even be read. It is emptied in its place instead, which is the same to SQLite
 * (sqlite.org/walformat.html: an index that does not begin with a valid header is made anew).
 */
#include "base/db_room.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/room.h"

enum {
	ROOM_SHORT = 512 << 10,
	SHORT_PART = 32, /* and less than one in so many of a small disk */
	ROOM_PLENTY = 16 << 20,
	RESERVE = 512 << 10, /* of each file; topped up when half of it is used */
	INDEX_EMPTY = 3,     /* to which SQLite cuts the index, and no other file */
	BLOCK = 512          /* of st_blocks, whatever the file system has */
};

static int64_t room(int fd, int64_t *ret_all)
{
	struct statfs fs;
	if (fstatfs(fd, &fs) < 0)
		return *ret_all = INT64_MAX;
	*ret_all = (int64_t)fs.f_blocks * fs.f_frsize;
	const int64_t left = (int64_t)fs.f_bavail * fs.f_frsize;
	return left >= ROOM_PLENTY ? left : room_left(&fs);
}

bool db_room_is_short(int fd)
{
	int64_t all, left = room(fd, &all);
	return left < ROOM_SHORT && left < all / SHORT_PART;
}

bool db_room_is_plenty(int fd)
{
	int64_t all;
	return room(fd, &all) >= ROOM_PLENTY;
}

static int cut(int fd, off_t size)
{
	static const char nothing[32 << 10];
	struct stat st;
	if (size != INDEX_EMPTY || fstat(fd, &st) < 0)
		return ftruncate(fd, size);
	for (off_t at = 0; at < st.st_size; at += (off_t)sizeof(nothing)) {
		off_t left = st.st_size - at;
		size_t n = left < (off_t)sizeof(nothing) ? (size_t)left : sizeof(nothing);
		if (pwrite(fd, nothing, n, at) != (ssize_t)n)
			return ftruncate(fd, size);
	}
	return 0;
}

/* For root SQLite gives its side files the owner of the database at each open, who they have: that
 * would dirty two inodes for nothing. */
static int own(int fd, uid_t uid, gid_t gid)
{
	struct stat st;
	return fstat(fd, &st) == 0 && st.st_uid == uid && st.st_gid == gid ? 0
									   : fchown(fd, uid, gid);
}

void db_room_keep_files(void)
{
	sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
	if (!vfs || vfs->iVersion < 3)
		return;
	vfs->xSetSystemCall(vfs, "ftruncate", (sqlite3_syscall_ptr)cut);
	vfs->xSetSystemCall(vfs, "fchown", (sqlite3_syscall_ptr)own);
}

void db_room_reserve(const char *path)
{
	struct stat st;
	if (stat(path, &st) < 0 || (int64_t)st.st_blocks * BLOCK >= st.st_size + RESERVE / 2)
		return;
	CLEANUP_FD int fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 && db_room_is_plenty(fd))
		fallocate(fd, FALLOC_FL_KEEP_SIZE, st.st_size, RESERVE);
}
