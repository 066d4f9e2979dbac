/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the outer archive with libarchive's tar reader. A seekable plain tar is only listed, so
 * that the engine can have its layers unpacked in parallel, straight from the file. Anything else
 * passes by once, and what is a layer is told by its first bytes. Read outer.h first.
 */
#include "image/unpack/outer.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/id.h"

enum { TAR_BLOCK = 512 };

struct reader {
	const struct outer *outer;
	struct source *source;
	struct stream *stream; /* or NULL: the source is plain */
	struct archive *a;
	uint32_t number;
	struct err err;
	uint8_t block[STREAM_BLOCK];
};

static la_ssize_t on_read(struct archive *a, void *ctx, const void **ret)
{
	struct reader *r = ctx;
	*ret = r->block;
	ssize_t n = r->stream ? stream_read(r->stream, r->block, sizeof(r->block), &r->err)
			      : r->source->read(r->source, r->block, sizeof(r->block), &r->err);
	if (n < 0)
		archive_set_error(a, r->err.number, "%s", r->err.text);
	return n < 0 ? ARCHIVE_FATAL : n;
}

static la_int64_t on_skip(struct archive *a, void *ctx, la_int64_t request)
{
	struct reader *r = ctx;
	if (r->stream || !r->source->seekable || request <= 0)
		return 0;
	uint64_t step = (uint64_t)request < r->source->left ? (uint64_t)request : r->source->left;
	r->source->at += step;
	if (r->source->left != UINT64_MAX)
		r->source->left -= step;
	return (la_int64_t)step;
}

static void cleanup_reader(struct reader **r)
{
	if (!*r)
		return;
	archive_read_free((*r)->a);
	stream_close(&(*r)->stream);
	free(*r);
}

/* Why libarchive failed: our own reading below it, or its contents. */
static int reader_error(struct reader *r, struct err *e)
{
	if (!r->err.number)
		return layer_reader_error(r->a, e);
	*e = r->err;
	return -e->number;
}

static int reader_open(struct reader **ret, const struct outer *o, struct source *source,
		       bool packed, struct err *e)
{
	struct reader *r = calloc(1, sizeof(*r));
	if (!r)
		return err_errno(e, ENOMEM, "cannot unpack");
	*ret = r;
	r->outer = o;
	r->source = source;
	/* The layers have budgets of their own; this one is for the sum of what passes by. */
	struct stream_limits most = {.bytes = INT64_MAX, .ratio = o->limits.ratio};
	if (packed && stream_open(&r->stream, source, &most, e) < 0)
		return -e->number;
	r->a = layer_reader();
	if (!r->a)
		return err_errno(e, ENOMEM, "cannot unpack");
	archive_read_set_read_callback(r->a, on_read);
	archive_read_set_skip_callback(r->a, on_skip);
	archive_read_set_callback_data(r->a, r);
	if (archive_read_open1(r->a) == ARCHIVE_OK)
		return 0;
	return reader_error(r, e);
}

/* 1: the next member, 0: no more. */
static int next_member(struct reader *r, struct archive_entry **ret, struct err *e)
{
	int h = archive_read_next_header(r->a, ret);
	if (h == ARCHIVE_EOF)
		return 0;
	if (layer_header_ok(r->a, h)) {
		if (r->number++ < UNPACK_MEMBERS_MAX)
			return 1;
		return err_set(e, E2BIG, ERR_INVALID, "the archive has more than %d members",
			       UNPACK_MEMBERS_MAX);
	}
	return reader_error(r, e);
}

static int copy_name(char to[UNPACK_NAME_MAX], const char *name, struct err *e)
{
	char shown[208];
	size_t len = name ? strlen(name) : 0;
	if (!len || len >= UNPACK_NAME_MAX)
		return err_set(e, ENAMETOOLONG, ERR_INVALID,
			       "member \"%s\": the name must have 1 to %d bytes",
			       layer_show_name(name ? name : "", shown), UNPACK_NAME_MAX - 1);
	memcpy(to, name, len + 1);
	return 0;
}

/* Fill the name, and all of a link. Returns 1 when the member has data to look at, 0 when it has
 * been dealt with, negative errno when it cannot be. */
static int begin_member(struct reader *r, struct archive_entry *entry, struct unpack_message *m,
			struct err *e)
{
	*m = (struct unpack_message){
		.version = UNPACK_VERSION, .op = UNPACK_MEMBER, .number = r->number};
	const char *hard = archive_entry_hardlink(entry);
	int n = copy_name(m->name, archive_entry_pathname(entry), e);
	if (n < 0)
		return n;
	if (!hard && archive_entry_filetype(entry) == AE_IFREG) {
		int64_t size = archive_entry_size(entry);
		m->size = (uint64_t)size;
		return size < 0 ? err_set(e, EINVAL, ERR_INVALID, "member \"%s\" has no size",
					  m->name)
				: 1;
	}
	if (!hard && archive_entry_filetype(entry) != AE_IFLNK)
		return 0; /* folders and the like say nothing */
	m->kind = hard ? MEMBER_HARDLINK : MEMBER_LINK;
	n = copy_name(m->link, hard ? hard : archive_entry_symlink(entry), e);
	if (n == 0)
		n = r->outer->send(r->outer->ctx, m);
	return n;
}

int outer_index(const struct outer *o, struct source *source, struct err *e)
{
	CLEANUP(cleanup_reader) struct reader *r = NULL;
	struct archive_entry *entry;
	struct unpack_message m = {0};
	uint64_t base = source->at;
	bool have = false;
	int n = reader_open(&r, o, source, false, e);
	while (n >= 0) {
		n = next_member(r, &entry, e);
		/* Where this header begins, the padded data of the last member ends. */
		uint64_t end = (uint64_t)archive_read_header_position(r->a);
		uint64_t padded = (m.size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
		if (n >= 0 && have && padded > end)
			return err_set(e, EINVAL, ERR_INVALID, "member \"%s\" is cut short",
				       m.name);
		if (n >= 0 && have) {
			m.offset = base + end - padded;
			m.kind = MEMBER_FILE;
			int sent = o->send(o->ctx, &m);
			n = sent < 0 ? sent : n;
		}
		if (n <= 0)
			break;
		n = begin_member(r, entry, &m, e);
		have = n == 1;
		if (archive_entry_sparse_count(entry) > 0)
			return err_set(e, EINVAL, ERR_INVALID, "member \"%s\" is a sparse file",
				       m.name);
	}
	return n;
}

/* ---- once through ---- */

/* A member as the source of a layer: what was looked at first, then the rest. */
struct member {
	struct reader *reader;
	size_t have, used;
	uint8_t head[TAR_BLOCK];
};

static ssize_t member_data(struct reader *r, void *buf, size_t len, struct err *e)
{
	la_ssize_t n = archive_read_data(r->a, buf, len);
	if (n >= 0)
		return n;
	return reader_error(r, e);
}

static ssize_t member_read(struct source *s, void *buf, size_t len, struct err *e)
{
	struct member *m = s->ctx;
	ssize_t n;
	if (m->used < m->have) {
		n = (ssize_t)(len < m->have - m->used ? len : m->have - m->used);
		memcpy(buf, m->head + m->used, (size_t)n);
		m->used += (size_t)n;
	} else {
		n = member_data(m->reader, buf, len, e);
	}
	if (n > 0)
		__atomic_store_n(&s->done, s->done + (uint64_t)n, __ATOMIC_RELAXED);
	return n;
}

static int member_open(struct member *m, struct reader *r, struct err *e)
{
	*m = (struct member){.reader = r};
	ssize_t n = 1;
	while (n > 0 && m->have < sizeof(m->head)) {
		n = member_data(r, m->head + m->have, sizeof(m->head) - m->have, e);
		if (n > 0)
			m->have += (size_t)n;
	}
	return n < 0 ? (int)n : 0;
}

/* A tar header's checksum: the sum of its bytes, its own field counted as blanks. */
static bool is_tar_header(const uint8_t *p)
{
	char field[9] = {0};
	unsigned long sum = 0;
	bool empty = true;
	for (size_t i = 0; i < TAR_BLOCK; i++) {
		sum += i >= 148 && i < 156 ? ' ' : p[i];
		empty &= p[i] == 0;
	}
	memcpy(field, p + 148, 8);
	return empty || strtoul(field, NULL, 8) == sum;
}

static bool is_layer(const struct member *m)
{
	return stream_is_packed(m->head, m->have) ||
	       (m->have == TAR_BLOCK && is_tar_header(m->head));
}

static int make_numbered(int stage, uint32_t number, struct err *e)
{
	char name[24];
	snprintf(name, sizeof(name), "%u", number);
	if (mkdirat(stage, name, 0700) < 0)
		return err_errno(e, errno, "cannot create the layer's folder");
	int fd = openat(stage, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd >= 0 ? fd : err_errno(e, errno, "cannot open the layer's folder");
}

static int unpack_member(struct reader *r, struct member *member, struct unpack_message *m,
			 struct err *e)
{
	const struct outer *o = r->outer;
	struct source source = {.read = member_read, .fd = -1, .left = UINT64_MAX, .ctx = member};
	CLEANUP_FD int folder = make_numbered(o->stage, m->number, e);
	if (folder < 0)
		return folder;
	struct layer_target target = {.stage = folder,
				      .times = o->times,
				      .socket = o->socket,
				      .progress = o->progress,
				      .ctx = o->ctx};
	int n = layer_unpack(&source, &target, &o->limits, &m->layer, e);
	m->kind = MEMBER_LAYER;
	return n < 0 ? err_context(e, "member \"%s\"", m->name) : 0;
}

static void cleanup_hash(EVP_MD_CTX **h)
{
	EVP_MD_CTX_free(*h);
}

/* Pass a member by, hashed, and kept when it is small. */
static int pass_member(struct reader *r, struct member *member, struct unpack_message *m,
		       struct err *e)
{
	struct source source = {.read = member_read, .fd = -1, .left = UINT64_MAX, .ctx = member};
	CLEANUP(cleanup_hash) EVP_MD_CTX *hash = EVP_MD_CTX_new();
	CLEANUP_FD int fd = -1;
	unsigned char sum[EVP_MAX_MD_SIZE];
	char name[32];
	m->kind = m->size <= UNPACK_SMALL_MAX ? MEMBER_SMALL : MEMBER_UNUSED;
	snprintf(name, sizeof(name), "%u.small", m->number);
	if (m->kind == MEMBER_SMALL) {
		fd = openat(r->outer->stage, name,
			    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (fd < 0)
			return err_errno(e, errno, "cannot keep member \"%s\"", m->name);
	}
	if (!hash || EVP_DigestInit_ex(hash, EVP_sha256(), NULL) != 1)
		return err_errno(e, ENOMEM, "cannot unpack");
	uint8_t buf[16 << 10];
	ssize_t n;
	while ((n = member_read(&source, buf, sizeof(buf), e)) > 0) {
		EVP_DigestUpdate(hash, buf, (size_t)n);
		int w = fd < 0 ? 0 : fd_write_full(fd, buf, (size_t)n);
		if (w < 0)
			return err_errno(e, w, "cannot keep member \"%s\"", m->name);
	}
	if (n == 0 && EVP_DigestFinal_ex(hash, sum, NULL) == 1)
		hex_encode(sum, 32, m->layer.digest);
	return (int)n;
}

int outer_unpack(const struct outer *o, struct source *source, struct err *e)
{
	CLEANUP(cleanup_reader) struct reader *r = NULL;
	struct archive_entry *entry;
	struct unpack_message m;
	uint64_t kept = 0;
	int n = reader_open(&r, o, source, true, e);
	while (n >= 0 && (n = next_member(r, &entry, e)) > 0) {
		struct member member;
		n = begin_member(r, entry, &m, e);
		if (n <= 0)
			continue;
		n = member_open(&member, r, e);
		if (n == 0 && is_layer(&member))
			n = unpack_member(r, &member, &m, e);
		else if (n == 0)
			n = pass_member(r, &member, &m, e);
		if (m.kind == MEMBER_SMALL && (kept += m.size) > 8 * UNPACK_SMALL_MAX)
			n = err_set(e, E2BIG, ERR_INVALID, "the archive holds too many documents");
		if (n == 0)
			n = o->send(o->ctx, &m);
	}
	/* libarchive reads no further than the mark of a tar's end. */
	return n < 0 ? n : stream_finish(r->stream, e);
}
