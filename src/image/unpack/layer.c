/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a stream of stored bytes to a tree and its digests. Rests on libarchive's tar reader, which
 * is given blocks of plain bytes and never a file, a filter or another format. Read layer.h first.
 */
#include "image/unpack/layer.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "image/unpack/layout.h"
#include "image/unpack/pump.h"

/* What libarchive's callbacks share with us; the first failure is the one that is told. */
struct feed {
	struct pump *pump;
	struct source *source;
	const struct layer_target *target;
	const struct layer_writer *writer;
	struct layout *layout; /* or NULL */
	uint64_t total;        /* bytes given to libarchive */
	struct err err;
};

static ssize_t feed_next(struct feed *f, const void **ret)
{
	int noted = f->layout ? layout_leave(f->layout) : 0;
	if (noted < 0)
		return err_errno(&f->err, noted, "cannot write the layout of the layer");
	ssize_t n = pump_next(f->pump, ret, &f->err);
	if (n > 0 && f->layout)
		layout_block(f->layout, *ret, (size_t)n);
	if (n > 0 && f->target->progress)
		f->target->progress(f->target->ctx,
				    __atomic_load_n(&f->source->done, __ATOMIC_RELAXED));
	return n;
}

static la_ssize_t feed_read(struct archive *a, void *ctx, const void **ret)
{
	enum { BLOCK = 512 };
	static const char zeros[BLOCK];
	struct feed *f = ctx;
	ssize_t n = feed_next(f, ret);
	/* An archive may end with its last file's data (docker's client makes such a one for
	 * build -f): then the padding to a block is ours. */
	if (n == 0 && f->writer->whole && f->total % BLOCK) {
		n = BLOCK - (ssize_t)(f->total % BLOCK);
		*ret = zeros;
	}
	f->total += n > 0 ? (uint64_t)n : 0;
	if (n < 0)
		archive_set_error(a, f->err.number, "%s", f->err.text);
	return n < 0 ? ARCHIVE_FATAL : n;
}

struct archive *layer_reader(void)
{
	struct archive *a = archive_read_new();
	if (a && archive_read_support_format_tar(a) == ARCHIVE_OK &&
	    archive_read_support_format_empty(a) == ARCHIVE_OK)
		return a;
	archive_read_free(a);
	return NULL;
}

int layer_reader_error(struct archive *a, struct err *e)
{
	const char *text = archive_error_string(a);
	if (archive_errno(a) == ENOMEM)
		return err_set(e, ENOMEM, ERR_INVALID,
			       "its headers need more memory than hull-unpack may use");
	return err_set(e, EINVAL, ERR_INVALID, "%s", text ? text : "not a tar archive");
}

bool layer_header_ok(struct archive *a, int r)
{
	if (r == ARCHIVE_OK)
		return true;
	/* In the C locale libarchive gives names as they are, which is what we want, but warns
	 * that it could not convert them. (In a UTF-8 locale it would change them to NFC.) */
	const char *text = archive_error_string(a);
	return r == ARCHIVE_WARN && text && strstr(text, "can't be converted");
}

static void cleanup_archive(struct archive **a)
{
	archive_read_free(*a);
}

/* ARCHIVE_ERRNO_FILE_FORMAT of libarchive on Linux. */
enum { NO_FORMAT = EILSEQ };

static int write_entries(struct feed *f, struct layer_writer *w, struct err *e)
{
	CLEANUP(cleanup_archive) struct archive *a = layer_reader();
	struct archive_entry *entry;
	if (!a)
		return err_errno(e, ENOMEM, "cannot unpack");
	f->writer = w;
	int r = archive_read_open(a, f, NULL, feed_read, NULL);
	while (r == ARCHIVE_OK) {
		int h = archive_read_next_header(a, &entry);
		if (h == ARCHIVE_EOF)
			return 0;
		if (!layer_header_ok(a, h)) {
			r = h;
			break;
		}
		int n = layer_write_entry(w, a, entry, e);
		if (n < 0 && f->err.number)
			*e = f->err;
		if (n < 0)
			return n;
	}
	if (f->err.number) {
		*e = f->err;
		return -e->number;
	}
	const bool none = w->entries == 0 && archive_errno(a) == NO_FORMAT;
	layer_reader_error(a, e);
	if (none)
		e->number = UNPACK_NO_TAR;
	return err_context(e, "after %llu entries", (unsigned long long)w->entries);
}

/* What follows the end mark of the tar belongs to the digests, too. */
static int drain(struct feed *f, struct err *e)
{
	const void *block;
	ssize_t n;
	while ((n = feed_next(f, &block)) > 0)
		;
	if (n < 0)
		*e = f->err;
	return (int)n;
}

static int make_root(const struct layer_target *target, struct err *e)
{
	if (!target->into && mkdirat(target->stage, "fs", 0755) < 0)
		return err_errno(e, errno, "cannot create the layer's folder");
	int fd = openat(target->stage, target->into ? "." : "fs",
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd >= 0 ? fd : err_errno(e, errno, "cannot open the layer's folder");
}

static void cleanup_writer(struct layer_writer *w)
{
	tree_close(&w->tree);
	layout_close(&w->layout);
}

static int unpack(struct feed *f, const struct layer_limits *limits, uint64_t *ret_bytes,
		  uint64_t *ret_entries, struct err *e)
{
	CLEANUP_FD int root = make_root(f->target, e);
	if (root < 0)
		return root;
	CLEANUP(cleanup_writer)
	struct layer_writer w = {.tree.parent = -1, .owner = f->target->owner, .limits = *limits};
	int r = tree_open(&w.tree, root, f->target->times, f->target->socket, e);
	w.tree.into = f->target->into;
	w.tree.below = f->target->below;
	if (r == 0 && !f->target->into)
		r = layout_open(&w.layout, f->target->stage, e);
	f->layout = w.layout;
	if (r == 0)
		r = write_entries(f, &w, e);
	if (r == 0)
		r = drain(f, e);
	if (r == 0 && w.layout && (r = layout_finish(w.layout)) < 0)
		err_errno(e, r, "cannot write the layout of the layer");
	if (r == 0)
		r = tree_finish(&w.tree, e);
	*ret_bytes = w.bytes;
	*ret_entries = w.entries;
	return r;
}

static void cleanup_stream(struct stream **s)
{
	stream_close(s);
}

int layer_unpack(struct source *source, const struct layer_target *target,
		 const struct layer_limits *limits, struct unpack_layer *ret, struct err *e)
{
	CLEANUP(cleanup_stream) struct stream *stream = NULL;
	/* Headers of the entries count towards the plain bytes: half a KiB each, and some more. */
	struct stream_limits most = {
		.bytes = limits->bytes + limits->bytes / 2 + ((uint64_t)64 << 20),
		.ratio = limits->ratio,
		.hash = true,
		.small_window = limits->small_window,
	};
	struct feed f = {.source = source, .target = target};
	int r = stream_open(&stream, source, &most, e);
	if (r == 0)
		r = pump_open(&f.pump, stream, e);
	if (r < 0)
		return r;
	struct unpack_layer layer = {0};
	r = unpack(&f, limits, &layer.size, &layer.entries, e);
	pump_close(&f.pump);
	if (r < 0)
		return r;
	stream_digests(stream, layer.diff_id, layer.digest);
	layer.packed = source->done;
	*ret = layer;
	return 0;
}
