/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files and folders of hull's own, always relative to a directory descriptor (AT_FDCWD for a path
 * that the user gave). For paths that an image, a container or a volume can influence use
 * base/path.h instead.
 */
#pragma once

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

struct arena;

/** Read a whole regular file of at most @max bytes into the arena, NUL-terminated; @ret_len may be
 *  NULL. Errors: ENOENT, EFBIG when larger than @max, EINVAL when not a regular file. */
int file_read(int dirfd, const char *path, size_t max, struct arena *a, char **ret_text,
	      size_t *ret_len, struct err *e);
/** The same of what the user named, from the working directory: it may be a pipe or a terminal, too
 *  (/dev/stdin, <(COMMAND)), and is waited for. EISDIR, but not EINVAL. */
int file_read_named(const char *path, size_t max, struct arena *a, char **ret_text, size_t *ret_len,
		    struct err *e);
/** Read a small kernel file (/proc, cgroup) into @buf, NUL-terminated, trailing newline removed.
 *  Returns the length or a negative errno; no struct err, because callers probe with it. */
ssize_t file_read_small(int dirfd, const char *path, char *buf, size_t size);
/** Write @text in one write(2) to an existing (kernel) file. 0 or negative errno. */
int file_write_small(int dirfd, const char *path, const char *text);
/** Replace @name atomically: write aside, rename. Mode 0600. One writer at a time: the name aside
 * is always the same, so that what a killed one left goes with the next. @reserved: what lies there
 * is space that was reserved for this, in a folder of ours; write over it. */
#define FILE_ASIDE ".%s.hull"
int file_replace(int dirfd, const char *name, const void *data, size_t len, bool reserved,
		 struct err *e);
/** A new file, mode 0600, that has no name before file_publish() makes it @path, or puts it in the
 *  place of what is there: who is killed in between leaves nothing. (Where a file system has no
 * such files, it is called @aside meanwhile, a path in the same folder.) A descriptor, or -errno.
 */
int file_unnamed(int dirfd, const char *path, const char *aside);
/** 0 or -errno; then the file is gone, but for its descriptor. */
int file_publish(int fd, int dirfd, const char *path, const char *aside);
/** mkdir -p below @dirfd; parents get @mode too. An existing directory is no error. */
int dir_make(int dirfd, const char *path, mode_t mode, struct err *e);
/** Open a directory for *at calls; a descriptor, or negative errno with @e filled. */
int dir_open(int dirfd, const char *path, struct err *e);
/** What is in the folder @fd, which stays the caller's; NULL with errno. */
DIR *dir_stream(int fd);
/** The next entry, without "." and ".."; NULL at the end (errno 0), and with errno. */
struct dirent *dir_next(DIR *d);
/** It is there, can be read, and has nothing in it. */
bool dir_is_empty(int dirfd, const char *path);
/** Remove a file or a whole tree by descriptor, never following a symbolic link nor leaving the
 *  file system. A missing @name is no error. Depth and names are the kernel's to limit. */
int tree_remove(int dirfd, const char *name, struct err *e);
/** Whether there is something at @path, itself and not what it points to. Where that cannot be told
 * (EACCES, ENOMEM) it is taken to be there: who then opens it gets the reason. */
bool file_exists(int dirfd, const char *path);
