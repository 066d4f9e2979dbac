/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file behind a log: opened below the log folder, appended to, rotated by rename, and kept
 * whole when the disk is full. See open(2), ftruncate(2), renameat(2).
 *
 * A batch is written by one write(2). If that writes less (ENOSPC, EDQUOT, a signal), the file is
 * cut back to where the batch began, so that no half record stays. If even that fails, or a monitor
 * or the machine died in a write, `torn` is set: the half record is cut off before anything more is
 * written. Read log.h first.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "monitor/log.h"

/* Where the last whole record of a text log ends: behind its last newline. */
static off_t end_of_records(int fd, off_t size)
{
	char buf[512];
	while (size > 0) {
		off_t start = size > (off_t)sizeof(buf) ? size - (off_t)sizeof(buf) : 0;
		ssize_t n = pread(fd, buf, (size_t)(size - start), start);
		if (n <= 0)
			return size;
		const char *newline = memrchr(buf, '\n', (size_t)n);
		if (newline)
			return start + (newline - buf) + 1;
		size = start;
	}
	return 0;
}

/* Length of the record of the binary log that begins at @at; 0 when there is no whole one. */
static off_t frame_at(int fd, off_t at, off_t size)
{
	struct log_local_head h;
	uint32_t again;
	if (at < LOG_LOCAL_MAGIC_LEN || pread(fd, &h, sizeof(h), at) != (ssize_t)sizeof(h) ||
	    h.len == 0 || h.len > LOG_PIECE_MAX)
		return 0;
	off_t tail = at + (off_t)sizeof(h) + (off_t)h.len;
	if (tail + (off_t)sizeof(again) > size ||
	    pread(fd, &again, sizeof(again), tail) != (ssize_t)sizeof(again) || again != h.len)
		return 0;
	return tail + (off_t)sizeof(again) - at;
}

/* The same for the binary log: the longest prefix that consists of whole records. Usually that is
 * all, which the last record tells; otherwise it takes a walk from the first. */
static off_t end_of_frames(int fd, off_t size)
{
	uint32_t len = 0;
	off_t at = LOG_LOCAL_MAGIC_LEN, step;
	if (size <= at)
		return size < at ? 0 : at;
	if (pread(fd, &len, sizeof(len), size - (off_t)sizeof(len)) == (ssize_t)sizeof(len)) {
		step = (off_t)(sizeof(struct log_local_head) + len + sizeof(len));
		if (frame_at(fd, size - step, size) == step)
			return size;
	}
	while ((step = frame_at(fd, at, size)) > 0)
		at += step;
	return at;
}

static bool is_binary(const struct log *l)
{
	return l->ops == &log_local_ops;
}

/* Cut off half a record at the end. */
static int repair(struct log *l)
{
	struct stat st;
	if (fstat(l->fd, &st) < 0)
		return -errno;
	off_t end =
		is_binary(l) ? end_of_frames(l->fd, st.st_size) : end_of_records(l->fd, st.st_size);
	if (end < st.st_size && ftruncate(l->fd, end) < 0)
		return -errno;
	l->size = (uint64_t)end;
	l->torn = false;
	return 0;
}

static int put_magic(struct log *l)
{
	if (!is_binary(l) || l->size)
		return 0;
	ssize_t n = write(l->fd, LOG_LOCAL_MAGIC, LOG_LOCAL_MAGIC_LEN);
	if (n == LOG_LOCAL_MAGIC_LEN) {
		l->size = LOG_LOCAL_MAGIC_LEN;
		return 0;
	}
	return ftruncate(l->fd, 0) < 0 || n >= 0 ? -ENOSPC : -errno;
}

void logfile_open(struct log *l, bool make)
{
	if (l->dir_fd < 0)
		return;
	l->fd = openat(l->dir_fd, l->name,
		       O_RDWR | O_APPEND | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK |
			       (make ? O_CREAT : 0),
		       0640);
	struct stat st;
	if (l->fd >= 0 && (fstat(l->fd, &st) < 0 || !S_ISREG(st.st_mode)))
		fd_drop(&l->fd);
	if (l->fd < 0)
		return;
	l->size = (uint64_t)st.st_size;
	l->torn = l->size > 0; /* for all we know: looked at before the first write */
}

static int ready_to_write(struct log *l)
{
	if (l->fd < 0)
		logfile_open(l, true);
	if (l->fd < 0)
		return -ENOSPC;
	int r = l->torn ? repair(l) : 0;
	return r < 0 ? r : put_magic(l);
}

static int write_once(struct log *l, const uint8_t *batch, size_t len)
{
	int r = ready_to_write(l);
	if (r < 0)
		return r;
	ssize_t n = write(l->fd, batch, len);
	if (n == (ssize_t)len) {
		l->size += len;
		return 0;
	}
	r = n < 0 ? -errno : -ENOSPC;
	l->torn = n > 0 && ftruncate(l->fd, (off_t)l->size) < 0;
	return r;
}

int logfile_write(struct log *l, const uint8_t *batch, size_t len)
{
	int r = -EAGAIN;
	for (int i = 0; i < LOG_TRIES && r < 0 && r != -ENOSPC; i++)
		r = write_once(l, batch, len);
	return r;
}

void log_rewind(struct log *l, uint64_t inode, uint64_t size)
{
	if (l->fd < 0 || log_inode(l) != inode || l->size <= size)
		return;
	if (ftruncate(l->fd, (off_t)size) == 0)
		l->size = size;
}

/* "NAME.3" or "NAME.3.gz"; number 0 is the current file. */
static void file_name(const struct log *l, unsigned number, const char *end, char *out)
{
	char digits[8], *d = digits + sizeof(digits);
	*--d = '\0';
	for (unsigned n = number; n; n /= 10)
		*--d = (char)('0' + n % 10);
	strcpy(out, l->name);
	if (number)
		strcat(strcat(out, "."), d);
	strcat(out, end);
}

bool logfile_exists(int dir_fd, const char *name)
{
	struct stat st;
	return fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static void move_up(struct log *l, unsigned number, const char *end)
{
	char from[LOG_NAME_MAX + 16], to[LOG_NAME_MAX + 16];
	file_name(l, number, end, from);
	file_name(l, number + 1, end, to);
	renameat(l->dir_fd, from, l->dir_fd, to);
}

/* Whoever packed it was killed before it took the plain one away, and that is moved alone. */
static void drop_half_packed(struct log *l, unsigned number)
{
	char name[LOG_NAME_MAX + 16];
	file_name(l, number, "", name);
	bool plain = logfile_exists(l->dir_fd, name);
	file_name(l, number, ".gz", name);
	if (plain)
		unlinkat(l->dir_fd, name, 0);
}

void logfile_rotate(struct log *l)
{
	char oldest[LOG_NAME_MAX + 16];
	/* Who packs a file has this lock while it takes its name. It is not waited for: then the
	 * file grows by a batch. */
	if (l->compress && flock(l->fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK)
		return;
	/* The oldest may be here plain or compressed, and with one file only it is the current. */
	file_name(l, l->max_file - 1, "", oldest);
	unlinkat(l->dir_fd, oldest, 0);
	file_name(l, l->max_file - 1, ".gz", oldest);
	unlinkat(l->dir_fd, oldest, 0);
	for (unsigned i = l->max_file - 1; i-- > 1;) {
		if (l->compress)
			drop_half_packed(l, i);
		move_up(l, i, "");
		move_up(l, i, ".gz");
	}
	if (l->max_file > 1)
		move_up(l, 0, "");
	fd_drop(&l->fd);
	l->size = 0;
	l->torn = false;
	l->rotated = l->compress;
	logfile_open(l, true);
}
