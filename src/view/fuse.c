/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The requests of the kernel: a header, and what the kind of request has behind it. What the kernel
 * does without for good once it is told ENOSYS is told so; it holds no state of ours that would
 * have to be forgotten. Read fuse.h first.
 */
#include "view/fuse.h"

#include <errno.h>
#include <linux/fuse.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/cleanup.h"

enum { MINOR = 31, BLOCK = 4096 };

struct request {
	struct fuse_in_header head;
	union {
		struct fuse_init_in init;
		struct fuse_read_in read;
		char rest[FUSE_MIN_READ_BUFFER - sizeof(struct fuse_in_header)];
	};
};

/* Who asked may be gone already: that is no error of ours. */
static int answer(const struct fuse_file *f, const struct request *q, int error, const void *data,
		  size_t len)
{
	struct fuse_out_header head = {
		.len = (uint32_t)(sizeof(head) + len), .error = error, .unique = q->head.unique};
	struct iovec parts[] = {{&head, sizeof(head)}, {(void *)data, len}};
	return writev(f->fd, parts, len ? 2 : 1) < 0 && errno != ENOENT ? -errno : 0;
}

static int answer_init(const struct fuse_file *f, const struct request *q)
{
	struct fuse_init_out out = {
		.major = FUSE_KERNEL_VERSION,
		.minor = q->init.minor < MINOR ? q->init.minor : MINOR,
		.max_write = BLOCK,
		.time_gran = 1,
	};
	return answer(f, q, q->init.major == FUSE_KERNEL_VERSION ? 0 : -EPROTO, &out, sizeof(out));
}

/* sendfile(2) reads no further than the size, and takes a text that is shorter; read(2) does not
 * care. So it is in whole blocks, since the text may have grown when it is read. */
static int answer_attributes(const struct fuse_file *f, const struct request *q)
{
	CLEANUP_STRBUF struct strbuf text = STRBUF_MAX(f->text.max);
	f->print(f->ctx, f->number, &text);
	struct fuse_attr_out out = {
		.attr = {.ino = FUSE_ROOT_ID,
			 .mode = S_IFREG | 0444,
			 .nlink = 1,
			 .size = (text.len / BLOCK + 1) * BLOCK,
			 .blksize = BLOCK},
	};
	return answer(f, q, 0, &out, sizeof(out));
}

/* Each reading comes here. */
static int answer_open(const struct fuse_file *f, const struct request *q)
{
	struct fuse_open_out out = {.open_flags = FOPEN_DIRECT_IO};
	return answer(f, q, 0, &out, sizeof(out));
}

/* A later part belongs to the text whose beginning was read. */
static int answer_read(struct fuse_file *f, const struct request *q)
{
	if (q->read.offset == 0) {
		strbuf_free(&f->text);
		f->print(f->ctx, f->number, &f->text);
	}
	if (!strbuf_ok(&f->text))
		return answer(f, q, -ENOMEM, NULL, 0);
	size_t at = q->read.offset < f->text.len ? (size_t)q->read.offset : f->text.len;
	size_t len = f->text.len - at;
	return answer(f, q, 0, len ? f->text.buf + at : "",
		      len < q->read.size ? len : q->read.size);
}

static int answer_any(struct fuse_file *f, const struct request *q)
{
	const struct fuse_statfs_out none = {.st = {.bsize = BLOCK, .frsize = BLOCK}};
	switch (q->head.opcode) {
	case FUSE_INIT:
		return answer_init(f, q);
	case FUSE_GETATTR:
		return answer_attributes(f, q);
	case FUSE_OPEN:
		return answer_open(f, q);
	case FUSE_READ:
		return answer_read(f, q);
	case FUSE_STATFS:
		return answer(f, q, 0, &none, sizeof(none));
	case FUSE_RELEASE:
		return answer(f, q, 0, NULL, 0);
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
	case FUSE_DESTROY:
		return 0; /* these have no answer */
	default:
		return answer(f, q, -ENOSYS, NULL, 0);
	}
}

void fuse_serve(struct fuse_file *f)
{
	struct request q;
	ssize_t n = read(f->fd, &q, sizeof(q));
	/* Interrupted, or the request was taken back. */
	if (n < 0 && (errno == EAGAIN || errno == EINTR || errno == ENOENT))
		return;
	if (n < (ssize_t)sizeof(q.head) || answer_any(f, &q) < 0)
		fd_drop(&f->fd);
}
