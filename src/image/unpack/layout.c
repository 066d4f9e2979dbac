/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rests on ISA-L's deflate, and on openat2(2) beneath the tree. Read layout.h first.
 *
 * libarchive is given the tar in blocks and does not tell which bytes it takes for what. But when
 * it has returned a header, its position is where the content begins; and a block that it is done
 * with was header or padding wherever no content was named.
 */
#include "image/unpack/layout.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"

/* Beyond it a layout is not kept: a million entries with extended headers. */
static const uint64_t KEPT_MAX = (uint64_t)2 << 30;

static int squeeze(struct layout *l, const void *data, size_t len, bool last)
{
	struct isal_zstream *z = &l->gzip;
	z->next_in = (uint8_t *)data;
	z->avail_in = (uint32_t)len;
	z->end_of_stream = last;
	do {
		z->next_out = l->packed;
		z->avail_out = sizeof(l->packed);
		if (isal_deflate(z) != COMP_OK)
			return -EIO;
		int r = fd_write_full(l->fd, l->packed, sizeof(l->packed) - z->avail_out);
		if (r < 0)
			return r;
	} while (!z->avail_out);
	return 0;
}

/* A layer may be allowed less than its layout takes, which is no fault of the layer. */
static int put(struct layout *l, const void *data, size_t len)
{
	l->kept += len;
	int r = l->spoilt ? 0 : squeeze(l, data, len, false);
	if (r == -EFBIG || l->kept > KEPT_MAX)
		l->spoilt = true;
	return r == -EFBIG ? 0 : r;
}

static int put_record(struct layout *l, uint64_t size, const char *path)
{
	const struct layout_record head = {l->used, (uint32_t)strlen(path), size};
	int r = put(l, &head, sizeof(head));
	if (r == 0)
		r = put(l, l->literal, l->used);
	if (r == 0)
		r = put(l, path, head.path_len);
	l->used = 0;
	return r;
}

/* The tar's bytes up to @to are in the block, and no file has them. */
static int note_up_to(struct layout *l, uint64_t to)
{
	int r = 0;
	while (r == 0 && l->at < to) {
		size_t room = sizeof(l->literal) - l->used;
		size_t n = to - l->at < room ? (size_t)(to - l->at) : room;
		memcpy(l->literal + l->used, l->block + (l->at - l->begin), n);
		l->used += (uint32_t)n;
		l->at += n;
		if (l->used == sizeof(l->literal))
			r = put_record(l, 0, "");
	}
	return r;
}

int layout_open(struct layout **ret, int stage, struct err *e)
{
	struct layout *l = calloc(1, sizeof(*l));
	*ret = l;
	if (!l)
		return err_errno(e, ENOMEM, "cannot unpack");
	l->stage = stage;
	l->fd = -1;
	l->gzip_buf = malloc(ISAL_DEF_LVL1_DEFAULT);
	isal_deflate_init(&l->gzip);
	l->gzip.gzip_flag = IGZIP_GZIP;
	l->gzip.level = 1;
	l->gzip.level_buf = l->gzip_buf;
	l->gzip.level_buf_size = ISAL_DEF_LVL1_DEFAULT;
	l->fd = openat(stage, LAYOUT_FILE, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		       0600);
	if (l->gzip_buf && l->fd >= 0)
		return 0;
	err_errno(e, l->gzip_buf ? errno : ENOMEM, "cannot keep the layout of the layer");
	layout_close(ret);
	return -e->number;
}

void layout_block(struct layout *l, const void *data, size_t len)
{
	l->block = data;
	l->begin = l->end;
	l->end += len;
}

int layout_leave(struct layout *l)
{
	return note_up_to(l, l->end);
}

int layout_content(struct layout *l, uint64_t from, uint64_t size, const char *path)
{
	if (from < l->at || from > l->end) {
		l->spoilt = true;
		return 0;
	}
	int r = note_up_to(l, from);
	if (r == 0)
		r = put_record(l, size, path);
	l->at = from + size;
	return r;
}

int layout_finish(struct layout *l)
{
	int r = put_record(l, 0, "");
	if (r == 0 && !l->spoilt)
		r = squeeze(l, NULL, 0, true);
	if (l->spoilt || r == -EFBIG)
		unlinkat(l->stage, LAYOUT_FILE, 0);
	return r == -EFBIG ? 0 : r;
}

void layout_close(struct layout **l)
{
	if (!*l)
		return;
	fd_drop(&(*l)->fd);
	free((*l)->gzip_buf);
	free(*l);
	*l = NULL;
}

/* ---- the other way ---- */

struct replay {
	struct stream *stream;
	int tree;
	struct sink *sink;
	layer_progress_fn progress;
	void *ctx;
	uint64_t done;
};

/* 1, or 0: the notes end here. */
static int get(struct replay *p, void *buf, size_t len, struct err *e)
{
	for (size_t at = 0; at < len;) {
		ssize_t n = stream_read(p->stream, (char *)buf + at, len - at, e);
		if (n < 0)
			return (int)n;
		if (n == 0)
			return at ? err_set(e, EILSEQ, ERR_INTERNAL, "its layout is cut short") : 0;
		at += (size_t)n;
	}
	return 1;
}

/* A later entry of the same tar may have put anything in the file's place, or in that of a folder
 * above it. A device is not even opened. */
static int open_content(int tree, const char *path, struct err *e)
{
	struct open_how how = {.flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
			       .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV};
	struct stat st;
	if (fstatat(tree, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISREG(st.st_mode))
		return err_set(e, EILSEQ, ERR_INTERNAL, "a file of the layer was replaced");
	int fd = (int)syscall(SYS_openat2, tree, path, &how, sizeof(how));
	if (fd >= 0)
		return fd;
	bool replaced = errno == ENOENT || errno == ENOTDIR || errno == ELOOP;
	return err_errno(e, replaced ? EILSEQ : errno, "cannot open a file of the layer");
}

static int put_content(struct replay *p, const char *path, uint64_t size, struct err *e)
{
	static char block[128 << 10];
	CLEANUP_FD int fd = open_content(p->tree, path, e);
	if (fd < 0)
		return fd;
	while (size) {
		size_t want = size < sizeof(block) ? (size_t)size : sizeof(block);
		ssize_t n = TEMP_FAILURE_RETRY(read(fd, block, want));
		if (n <= 0)
			return err_errno(e, n < 0 ? errno : EILSEQ, "cannot read a file");
		int r = sink_write(p->sink, block, (size_t)n);
		if (r < 0)
			return err_errno(e, r, "cannot write the archive");
		size -= (uint64_t)n;
		p->done += (uint64_t)n;
		if (p->progress)
			p->progress(p->ctx, p->done);
	}
	return 0;
}

/* 1, or 0: it was the last one. */
static int replay_record(struct replay *p, struct err *e)
{
	static char literal[LAYOUT_LITERAL_MAX], path[TREE_PATH_MAX];
	struct layout_record head;
	int r = get(p, &head, sizeof(head), e);
	if (r <= 0)
		return r;
	if (head.literal > sizeof(literal) || head.path_len >= sizeof(path))
		return err_set(e, EILSEQ, ERR_INTERNAL, "its layout is damaged");
	r = get(p, literal, head.literal, e);
	if (r >= 0)
		r = get(p, path, head.path_len, e);
	if (r < 0)
		return r;
	path[head.path_len] = '\0';
	r = sink_write(p->sink, literal, head.literal);
	if (r < 0)
		return err_errno(e, r, "cannot write the archive");
	r = head.path_len ? put_content(p, path, head.size, e) : 0;
	return r < 0 ? r : 1;
}

static void cleanup_replay(struct replay *p)
{
	stream_close(&p->stream);
}

int layout_replay(int stage, struct sink *sink, layer_progress_fn progress, void *ctx,
		  struct unpack_layer *ret, struct err *e)
{
	static const struct stream_limits limits = {.bytes = UINT64_MAX, .ratio = UINT64_MAX};
	CLEANUP(cleanup_replay)
	struct replay p = {.sink = sink, .progress = progress, .ctx = ctx};
	struct source source;
	CLEANUP_FD int notes = openat(stage, LAYOUT_FILE, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (notes < 0)
		return err_errno(e, errno, "the layer has no layout");
	CLEANUP_FD int tree = openat(stage, "fs", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (tree < 0)
		return err_errno(e, errno, "cannot open the layer");
	p.tree = tree;
	source_open(&source, notes, false, 0, UINT64_MAX);
	int r = stream_open(&p.stream, &source, &limits, e);
	while (r >= 0 && (r = replay_record(&p, e)) > 0)
		;
	if (r == 0 && sink_end(sink) < 0)
		r = err_errno(e, EIO, "cannot write the archive");
	if (r == 0) {
		sink_tell(sink, ret);
		ret->size = p.done;
	}
	return r;
}
