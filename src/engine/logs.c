/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading logs: the list of files, the window of --tail, --since, --until, and following.
 *
 * All files of a log are opened first, so that a rotation during the reading changes nothing, and
 * those that may be compressed are locked, so that none becomes another file meanwhile
 * (log_pack.c).
 * --tail counts records that end a line, backwards from the end, in blocks of a fixed buffer.
 * Following waits for inotify(7) events of the log folder; when the current file was renamed away,
 * it and all that came between are read to their ends. Read logs.h first.
 */
#include "engine/logs.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/logformat.h"
#include "engine/logs_parse.h"
#include "image/unpack_job.h"

enum { WINDOW = 2 * LOG_JSON_LINE_MAX, FREE_MAX = 4, SCANS_MAX = 16 };

struct files {
	int fd[LOG_FILES_MAX]; /* the newest first; -1 is skipped by close(2) */
	bool packed[LOG_FILES_MAX];
	unsigned count;
};

struct reader {
	const struct logs_query *query;
	logs_fn fn;
	void *ctx;
	struct logs_result *result;
	int dir_fd;
	bool local;
	char name[300];
	int end_fd;    /* of the query, or the one after it */
	bool ended[3]; /* the last record of stream i ended a line */
	struct files files;
	uint64_t made, opened; /* files that became the current one since following began */
	bool discarding;       /* in a line that is longer than any record */
	size_t len;            /* of what is in the window */
	char window[WINDOW];
};

static void file_name(const struct reader *r, unsigned number, const char *end, char *buf,
		      size_t size)
{
	if (number)
		snprintf(buf, size, "%s.%u%s", r->name, number, end);
	else
		snprintf(buf, size, "%s%s", r->name, end);
}

static int open_file(const struct reader *r, unsigned number, const char *end)
{
	char name[320];
	file_name(r, number, end, name, sizeof(name));
	int fd = openat(r->dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	if (fd >= 0 && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))) {
		close(fd);
		return -1;
	}
	return fd;
}

static int open_log(const struct reader *r, unsigned number)
{
	return open_file(r, number, "");
}

/* The plain file if there is one, as the other may not be whole; that one stays plain as long as it
 * is open. What was compressed while it was waited for has another name now. */
static int open_either(const struct reader *r, unsigned number, bool *ret_packed)
{
	struct flock shared = {.l_type = F_RDLCK};
	struct stat st;
	for (int fd; (fd = open_log(r, number)) >= 0; close(fd)) {
		fcntl(fd, F_OFD_SETLKW, &shared);
		*ret_packed = false;
		if (fstat(fd, &st) == 0 && st.st_nlink)
			return fd;
	}
	*ret_packed = number > 0;
	return number > 0 ? open_file(r, number, ".gz") : -1;
}

/* ---- records ---- */

static bool is_wanted(const struct logs_query *q, const struct logs_record *r)
{
	if (q->since && r->time_ns < q->since)
		return false;
	if (q->until && r->time_ns > q->until)
		return false;
	return r->stream == 2 ? !q->no_stderr : !q->no_stdout;
}

static int deliver(struct reader *r, struct logs_record *record)
{
	record->begins_line = r->ended[record->stream];
	r->ended[record->stream] = record->len && record->bytes[record->len - 1] == '\n';
	r->result->records++;
	return is_wanted(r->query, record) ? r->fn(record, r->ctx) : 0;
}

/* The first record of @data: its length, 0 if it is not whole; *ret_ok is false for what is none.
 */
static ssize_t next_record(const struct reader *r, char *data, size_t len, struct logs_record *ret,
			   bool *ret_ok)
{
	if (r->local) {
		ssize_t n = logs_parse_local(data, len, ret);
		*ret_ok = n > 0;
		/* No way to find the next one for sure: what follows in this file is lost. */
		return n < 0 ? (ssize_t)len : n;
	}
	char *end = memchr(data, '\n', len);
	if (!end)
		return 0;
	*ret_ok = logs_parse_json(data, (size_t)(end - data), ret) == 0;
	return end - data + 1;
}

/* Deliver what is whole in the window, and keep the rest at its front. */
static int drain_window(struct reader *r)
{
	size_t at = 0;
	while (at < r->len) {
		struct logs_record record;
		bool ok;
		ssize_t n = next_record(r, r->window + at, r->len - at, &record, &ok);
		if (n == 0)
			break;
		at += (size_t)n;
		if (!ok || r->discarding)
			r->result->skipped++;
		else {
			int result = deliver(r, &record);
			if (result < 0)
				return result;
		}
		r->discarding = false;
	}
	memmove(r->window, r->window + at, r->len - at);
	r->len -= at;
	if (r->len == WINDOW) {
		/* Longer than any record: not one of ours. */
		r->discarding = true;
		r->len = 0;
	}
	return 0;
}

/* Everything that is in @fd now. */
static int read_on(struct reader *r, int fd, struct err *e)
{
	for (;;) {
		ssize_t n = read(fd, r->window + r->len, WINDOW - r->len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(e, errno, "cannot read the log");
		if (n == 0)
			return 0;
		r->len += (size_t)n;
		int result = drain_window(r);
		if (result < 0)
			return result;
	}
}

/* A file that nothing is added to any more; half a record at its end is none. */
static int read_whole(struct reader *r, int fd, struct err *e)
{
	int result = read_on(r, fd, e);
	if (r->len || r->discarding)
		r->result->skipped++;
	r->len = 0;
	r->discarding = false;
	return result;
}

/* Have what is packed in @fd unpacked into a file that goes with its descriptor. What there is of
 * one that is damaged is read, too. */
static int unpack(struct reader *r, int *fd, struct err *e)
{
	static const struct unpack_events none;
	CLEANUP_JOB struct unpack_job job = UNPACK_JOB_NONE;
	CLEANUP_FD int plain = openat(r->dir_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	struct err why;
	if (plain < 0)
		return err_errno(e, errno, "cannot unpack a file of the log");
	int result = unpack_start_bytes(&job, r->query->libexec, *fd, false, plain, e);
	if (result < 0)
		return result;
	if (unpack_finish(&job, &none, &why) < 0)
		r->result->unreadable++;
	lseek(plain, 0, SEEK_SET);
	close(*fd);
	*fd = fd_steal(&plain);
	return 0;
}

/* Make file @i ready to be read. */
static int prepare(struct reader *r, unsigned i, struct err *e)
{
	struct files *f = &r->files;
	int result = f->packed[i] ? unpack(r, &f->fd[i], e) : 0;
	f->packed[i] &= result < 0;
	return result;
}

static void begin_file(const struct reader *r, int fd)
{
	if (r->local)
		lseek(fd, LOG_LOCAL_MAGIC_LEN, SEEK_SET);
}

/* ---- the tail ---- */

/* Does the record that ends in this line of a json-file end a line of the container? Its text then
 * is followed by an escaped newline. Good enough to count: a foreign member order only counts more.
 */
static bool json_ends_line(const char *line, size_t len)
{
	static const char mark[] = "\\n\"";
	const char *found = memmem(line, len, mark, sizeof(mark) - 1);
	return found != NULL;
}

struct tail {
	int64_t left;  /* lines still wanted */
	unsigned file; /* where to begin: files.fd[file] ... */
	off_t offset;  /* ... at this offset */
};

/* Walk one json-file backwards, line by line. True when the beginning was found in it. */
static bool tail_json(struct reader *r, int fd, struct tail *t)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return false;
	off_t end = st.st_size; /* behind the line that is looked at */
	while (end > 0) {
		off_t start = end > WINDOW ? end - WINDOW : 0;
		ssize_t n = pread(fd, r->window, (size_t)(end - start), start);
		if (n <= 0)
			return false;
		char *limit = r->window + n;
		while (limit > r->window) {
			char *before =
				limit - 1 > r->window
					? memrchr(r->window, '\n', (size_t)(limit - 1 - r->window))
					: NULL;
			if (!before && start > 0)
				break;
			char *line = before ? before + 1 : r->window;
			if (limit[-1] == '\n' && json_ends_line(line, (size_t)(limit - line)) &&
			    t->left-- == 0) {
				t->offset = start + (limit - r->window);
				return true;
			}
			limit = line;
		}
		if (limit == r->window + n)
			return false; /* a line longer than any record */
		end = start + (limit - r->window);
	}
	return false;
}

static bool tail_local(int fd, struct tail *t)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return false;
	off_t end = st.st_size;
	while (end > LOG_LOCAL_MAGIC_LEN) {
		uint32_t len;
		char last;
		off_t tail = end - (off_t)sizeof(len);
		if (pread(fd, &len, sizeof(len), tail) != (ssize_t)sizeof(len) || len == 0 ||
		    len > LOG_PIECE_MAX || pread(fd, &last, 1, tail - 1) != 1)
			return false;
		off_t start = tail - (off_t)len - (off_t)sizeof(struct log_local_head);
		if (start < LOG_LOCAL_MAGIC_LEN)
			return false;
		if (last == '\n' && t->left-- == 0) {
			t->offset = end;
			return true;
		}
		end = start;
	}
	return false;
}

/* A record without its newline at the very end is the last line, begun; it counts as one. */
static bool ends_in_begun_line(struct reader *r, int fd)
{
	struct stat st;
	char text[64];
	if (fstat(fd, &st) < 0 || st.st_size < (off_t)sizeof(text))
		return false;
	if (r->local)
		return pread(fd, text, 1, st.st_size - 5) == 1 && text[0] != '\n';
	off_t start = st.st_size > WINDOW ? st.st_size - WINDOW : 0;
	ssize_t n = pread(fd, r->window, (size_t)(st.st_size - start), start);
	if (n < 2)
		return false;
	char *line = memrchr(r->window, '\n', (size_t)n - 1);
	line = line ? line + 1 : r->window;
	return !json_ends_line(line, (size_t)(r->window + n - line));
}

static int find_tail(struct reader *r, struct tail *t, struct err *e)
{
	const struct files *f = &r->files;
	*t = (struct tail){.left = r->query->tail};
	for (unsigned i = 0; i < f->count; i++) {
		int result = prepare(r, i, e);
		if (result < 0)
			return result;
		if (i == 0 && t->left > 0 && ends_in_begun_line(r, f->fd[0]))
			t->left--;
		t->file = i;
		t->offset = 0;
		if (r->local ? tail_local(f->fd[i], t) : tail_json(r, f->fd[i], t))
			break;
	}
	return 0;
}

/* ---- the files ---- */

static void files_close(struct files *f)
{
	for (unsigned i = 0; i < f->count; i++)
		close(f->fd[i]);
	f->count = 0;
}

static bool is_open(const struct files *f, const struct stat *st)
{
	struct stat other;
	for (unsigned i = 0; i < f->count; i++)
		if (!f->packed[i] && fstat(f->fd[i], &other) == 0 && other.st_ino == st->st_ino)
			return true;
	return false;
}

/* Is @fd, or nothing for -1, what stands under the first number? */
static bool is_newest(const struct reader *r, int fd)
{
	CLEANUP_FD int now = open_log(r, 0);
	struct stat st, other;
	if (fd < 0 || now < 0)
		return fd < 0 && now < 0;
	return fstat(now, &st) == 0 && fstat(fd, &other) == 0 && st.st_ino == other.st_ino;
}

/* A rotation leaves one number free while it moves the files up, and so may the next: few are not
 * the end. */
static void files_scan(struct reader *r, int than)
{
	struct files *f = &r->files;
	struct stat stop = {0}, st;
	if (than >= 0)
		fstat(than, &stop);
	for (unsigned i = 0, free = 0; i < LOG_FILES_MAX && free < FREE_MAX; i++) {
		bool packed;
		CLEANUP_FD int fd = open_either(r, i, &packed);
		free = fd < 0 ? free + 1 : 0;
		if (fd < 0)
			continue;
		if (fstat(fd, &st) < 0 || (than >= 0 && !packed && st.st_ino == stop.st_ino))
			return;
		if (!packed && is_open(f, &st))
			continue;
		f->packed[f->count] = packed;
		f->fd[f->count++] = fd_steal(&fd);
	}
}

/*
 * Open all files that are newer than @than (-1: all), the newest first. In this order one rotation
 * that happens meanwhile shows a file under two numbers, which is seen, but never hides one. A
 * second one would show the file that came between them behind its successor: then again.
 */
static void files_open(struct reader *r, int than)
{
	for (int tries = 0; tries < SCANS_MAX; tries++) {
		files_close(&r->files);
		files_scan(r, than);
		if (is_newest(r, r->files.count ? r->files.fd[0] : than))
			return;
	}
}

static int read_files(struct reader *r, struct err *e)
{
	struct files *f = &r->files;
	struct tail t = {.file = f->count ? f->count - 1 : 0};
	int result = r->query->tail >= 0 ? find_tail(r, &t, e) : 0;
	for (unsigned i = f->count ? t.file + 1 : 0; i-- > 0 && result >= 0;) {
		result = prepare(r, i, e);
		if (result < 0)
			break;
		begin_file(r, f->fd[i]);
		if (i == t.file && t.offset)
			lseek(f->fd[i], t.offset, SEEK_SET);
		result = i == 0 && r->query->follow ? read_on(r, f->fd[i], e)
						    : read_whole(r, f->fd[i], e);
		if (i > 0)
			fd_drop(&f->fd[i]);
	}
	return result < 0 ? result : 0;
}

/* ---- following ---- */

/* Every file that was made is either open now or gone: files are made by one process, in a row, and
 * each was announced before it was opened here. What was opened before its announcement was read
 * makes the number smaller for a while, never larger. */
static void note_missed(struct reader *r)
{
	if (r->made <= r->opened)
		return;
	if (r->query->missed)
		r->query->missed(r->made - r->opened, r->ctx);
	r->opened = r->made;
}

/* Read on in @fd, and in the files that took its place. */
static int catch_up(struct reader *r, int *fd, struct err *e)
{
	for (;;) {
		/* Look for successors first: then the end of this one is final. */
		files_open(r, *fd);
		/* In the midst of a rotation: the current one is being made. */
		if (r->files.count && r->files.packed[0])
			files_close(&r->files);
		unsigned count = r->files.count;
		int result = 0;
		r->opened += count;
		if (*fd >= 0)
			result = count ? read_whole(r, *fd, e) : read_on(r, *fd, e);
		note_missed(r);
		if (result < 0 || count == 0)
			return result;
		for (unsigned i = count; i-- > 1 && result == 0;) {
			result = prepare(r, i, e);
			if (result < 0)
				break;
			begin_file(r, r->files.fd[i]);
			result = read_whole(r, r->files.fd[i], e);
		}
		fd_drop(fd);
		*fd = fd_steal(&r->files.fd[0]);
		begin_file(r, *fd);
		files_close(&r->files);
		if (result < 0)
			return result;
	}
}

/* Take all events; how often the current file was made anew. */
static uint64_t take_news(const struct reader *r, int notify)
{
	_Alignas(struct inotify_event) char events[4096];
	uint64_t made = 0;
	ssize_t n;
	while ((n = read(notify, events, sizeof(events))) > 0) {
		const struct inotify_event *v;
		for (char *at = events; at < events + n; at += sizeof(*v) + v->len) {
			v = (const struct inotify_event *)at;
			made += v->mask & IN_CREATE && v->len && !strcmp(v->name, r->name);
		}
	}
	return made;
}

/* 1 when the end is reached, 0 when there is news, negative errno. */
static int await_news(struct reader *r, int notify, struct err *e)
{
	struct pollfd p[2] = {{.fd = notify, .events = POLLIN},
			      {.fd = r->end_fd, .events = POLLIN}};
	int n = TEMP_FAILURE_RETRY(poll(p, 2, -1));
	if (n < 0)
		return err_errno(e, errno, "cannot wait for the log");
	r->made += take_news(r, notify);
	return p[1].revents != 0;
}

static int follow(struct reader *r, int notify, int *fd, struct err *e)
{
	for (;;) {
		int result = catch_up(r, fd, e);
		if (result < 0)
			return result;
		int ended = await_news(r, notify, e);
		if (ended < 0)
			return ended;
		if (!ended)
			continue;
		result = catch_up(r, fd, e);
		r->end_fd = result == 0 && r->query->ended ? r->query->ended(r->ctx) : -1;
		if (r->end_fd < 0)
			return result;
	}
}

static int watch_folder(int dir_fd, struct err *e)
{
	char path[40];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", dir_fd);
	CLEANUP_FD int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (fd < 0 || inotify_add_watch(fd, path, IN_MODIFY | IN_CREATE | IN_MOVED_TO) < 0)
		return err_errno(e, errno, "cannot watch the log folder");
	return fd_steal(&fd);
}

static int run(struct reader *r, struct err *e)
{
	CLEANUP_FD int notify = -1;
	CLEANUP_FD int current = -1;
	/* Watch before reading: what is written in between is news. */
	if (r->query->follow && (notify = watch_folder(r->dir_fd, e)) < 0)
		return notify;
	files_open(r, -1);
	if (notify >= 0)
		take_news(r, notify);
	int result = read_files(r, e);
	if (r->files.count)
		current = fd_steal(&r->files.fd[0]);
	files_close(&r->files);
	return result < 0 || !r->query->follow ? result : follow(r, notify, &current, e);
}

static void reader_free(struct reader **r)
{
	if (*r)
		files_close(&(*r)->files);
	free(*r);
}

int logs_read(int dir_fd, const struct logs_query *q, logs_fn fn, void *ctx,
	      struct logs_result *ret, struct err *e)
{
	struct logs_result ignored;
	if (q->driver != LOG_JSON_FILE && q->driver != LOG_LOCAL)
		return err_set(e, ENOTSUP, ERR_INVALID,
			       "configured logging driver does not support reading");
	struct reader *r __attribute__((cleanup(reader_free))) = calloc(1, sizeof(*r));
	if (!r)
		return err_errno(e, ENOMEM, "cannot read the log");
	r->query = q;
	r->fn = fn;
	r->ctx = ctx;
	r->result = ret ? ret : &ignored;
	r->dir_fd = dir_fd;
	r->local = q->driver == LOG_LOCAL;
	r->ended[1] = r->ended[2] = true;
	r->end_fd = q->end_fd;
	*r->result = (struct logs_result){0};
	snprintf(r->name, sizeof(r->name), "%s%s", q->id,
		 r->local ? LOG_LOCAL_SUFFIX : LOG_JSON_SUFFIX);
	return run(r, e);
}
