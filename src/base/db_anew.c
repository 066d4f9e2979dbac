/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See db_anew.h. The note is the file `anew` in --root: its time of change, and in it the inode of
 * hull.db, so that it says nothing once another file has that name. Rests on statx(2).
 */
#include "base/db_anew.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/db.h"
#include "base/file.h"

static const char NOTE[] = "anew";

static bool has_any(int root_fd, const char *folder)
{
	CLEANUP_FD int fd = openat(root_fd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_DIR DIR *d = fd < 0 ? NULL : dir_stream(fd);
	struct dirent *entry = NULL;
	/* What has a dot in front is a staging folder. */
	while (d && (entry = dir_next(d)) && *entry->d_name == '.')
		;
	return entry != NULL;
}

void db_anew_note(int root_fd)
{
	struct stat st;
	if (fstatat(root_fd, DB_FILE, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    !(has_any(root_fd, "layers") || has_any(root_fd, "containers") ||
	      has_any(root_fd, "volumes")))
		return;
	CLEANUP_FD int fd = openat(root_fd, NOTE, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd >= 0)
		dprintf(fd, "%llu\n", (unsigned long long)st.st_ino);
}

int64_t db_anew_since(int root_fd)
{
	char text[32];
	struct stat db, note;
	if (file_read_small(root_fd, NOTE, text, sizeof(text)) <= 0 ||
	    fstatat(root_fd, DB_FILE, &db, AT_SYMLINK_NOFOLLOW) < 0 ||
	    fstatat(root_fd, NOTE, &note, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	if (strtoull(text, NULL, 10) == db.st_ino)
		return (int64_t)note.st_mtim.tv_sec * 1000000000 + note.st_mtim.tv_nsec;
	unlinkat(root_fd, NOTE, 0);
	return 0;
}

bool db_anew_is_older(int root_fd, int dirfd, const char *name)
{
	struct statx made;
	int64_t since = db_anew_since(root_fd);
	return since && statx(dirfd, name, AT_SYMLINK_NOFOLLOW, STATX_BTIME, &made) == 0 &&
	       made.stx_mask & STATX_BTIME &&
	       (int64_t)made.stx_btime.tv_sec * 1000000000 + made.stx_btime.tv_nsec < since;
}
