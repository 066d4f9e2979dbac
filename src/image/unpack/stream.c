/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unpacking and hashing. Rests on ISA-L (igzip), libzstd, liblzma, libbz2 and OpenSSL's EVP. gzip:
 * RFC 1952, several members in a row are one stream; zstd: RFC 8878; xz: the .xz file format 1.1.
 * Read stream.h first.
 */
#include "image/unpack/stream.h"

#include <bzlib.h>
#include <errno.h>
#include <isa-l/igzip_lib.h>
#include <lzma.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "base/cleanup.h"
#include "base/id.h"

/* Decoders must take windows of 8 MiB (RFC 8878, 3.1.1.1.2); 16 MiB keep us below 32 in all. */
enum { ZSTD_WINDOW_LOG_MAX = 24, ZSTD_WINDOW_LOG_SMALL = 21 };
static const uint64_t RATIO_FROM = (uint64_t)1 << 30;
/* Dictionaries of 16 MiB (xz -7; -6 without a flag) are as large as we have memory for. */
enum { XZ_MEMORY_MIB = 18 };

enum packing {
	PACKING_UNKNOWN,
	PACKING_PLAIN,
	PACKING_GZIP,
	PACKING_ZSTD,
	PACKING_XZ,
	PACKING_BZIP2
};

struct stream {
	struct source *source;
	struct stream_limits limits;
	enum packing packing;
	EVP_MD_CTX *stored, *plain;
	struct inflate_state *gzip;
	ZSTD_DCtx *zstd;
	lzma_stream xz;
	bz_stream bzip2; /* there while frame_open */
	uint64_t in, out;
	bool source_ended;
	bool frame_open;   /* within a gzip member or a zstd frame */
	bool held_back;    /* the decoder may have output left that did not fit */
	size_t begin, end; /* unread part of input */
	uint8_t input[STREAM_BLOCK];
};

static ssize_t read_fd(struct source *s, void *buf, size_t len, struct err *e)
{
	if (len > s->left)
		len = (size_t)s->left;
	ssize_t n = TEMP_FAILURE_RETRY(s->seekable ? pread(s->fd, buf, len, (off_t)s->at)
						   : read(s->fd, buf, len));
	if (n < 0)
		return err_errno(e, errno, "cannot read the archive");
	if (n == 0 && len && s->left != UINT64_MAX)
		return err_set(e, EINVAL, ERR_INVALID, "the archive is cut short");
	s->at += (uint64_t)n;
	if (s->left != UINT64_MAX)
		s->left -= (uint64_t)n;
	__atomic_store_n(&s->done, s->done + (uint64_t)n, __ATOMIC_RELAXED);
	return n;
}

void source_open(struct source *s, int fd, bool seekable, uint64_t offset, uint64_t size)
{
	*s = (struct source){
		.read = read_fd, .fd = fd, .seekable = seekable, .at = offset, .left = size};
}

static EVP_MD_CTX *hash_new(void)
{
	EVP_MD_CTX *h = EVP_MD_CTX_new();
	if (h && EVP_DigestInit_ex(h, EVP_sha256(), NULL) != 1) {
		EVP_MD_CTX_free(h);
		return NULL;
	}
	return h;
}

int stream_open(struct stream **ret, struct source *source, const struct stream_limits *limits,
		struct err *e)
{
	struct stream *s = calloc(1, sizeof(*s));
	if (!s)
		return err_errno(e, ENOMEM, "cannot unpack");
	s->source = source;
	s->limits = *limits;
	s->stored = hash_new();
	s->plain = hash_new();
	*ret = s;
	if (s->stored && s->plain)
		return 0;
	stream_close(ret);
	return err_errno(e, ENOMEM, "cannot unpack");
}

void stream_close(struct stream **s)
{
	if (!*s)
		return;
	EVP_MD_CTX_free((*s)->stored);
	EVP_MD_CTX_free((*s)->plain);
	ZSTD_freeDCtx((*s)->zstd);
	lzma_end(&(*s)->xz);
	BZ2_bzDecompressEnd(&(*s)->bzip2); /* of one that was not begun it does nothing */
	free((*s)->gzip);
	free(*s);
	*s = NULL;
}

/* Get more stored bytes behind those that are left; 0 at the end. */
static ssize_t fill(struct stream *s, struct err *e)
{
	if (s->source_ended)
		return 0;
	if (s->begin == s->end) {
		s->begin = s->end = 0;
	} else if (s->end == sizeof(s->input)) {
		memmove(s->input, s->input + s->begin, s->end - s->begin);
		s->end -= s->begin;
		s->begin = 0;
	}
	ssize_t n = s->source->read(s->source, s->input + s->end, sizeof(s->input) - s->end, e);
	if (n < 0)
		return n;
	s->source_ended = n == 0;
	if (s->limits.hash)
		EVP_DigestUpdate(s->stored, s->input + s->end, (size_t)n);
	s->end += (size_t)n;
	s->in += (uint64_t)n;
	return n;
}

static int gzip_begin(struct stream *s, struct err *e)
{
	if (!s->gzip && !(s->gzip = malloc(sizeof(*s->gzip))))
		return err_errno(e, ENOMEM, "cannot unpack");
	isal_inflate_init(s->gzip);
	s->gzip->crc_flag = ISAL_GZIP;
	s->frame_open = true;
	return 0;
}

static int zstd_begin(struct stream *s, struct err *e)
{
	s->zstd = ZSTD_createDCtx();
	if (!s->zstd)
		return err_errno(e, ENOMEM, "cannot unpack");
	ZSTD_DCtx_setParameter(s->zstd, ZSTD_d_windowLogMax,
			       s->limits.small_window ? ZSTD_WINDOW_LOG_SMALL
						      : ZSTD_WINDOW_LOG_MAX);
	return 0;
}

static int xz_begin(struct stream *s, struct err *e)
{
	s->frame_open = true;
	return lzma_stream_decoder(&s->xz, (uint64_t)XZ_MEMORY_MIB << 20, LZMA_CONCATENATED) ==
			       LZMA_OK
		       ? 0
		       : err_errno(e, ENOMEM, "cannot unpack");
}

static int bzip2_begin(struct stream *s, struct err *e)
{
	s->frame_open = true;
	return BZ2_bzDecompressInit(&s->bzip2, 0, 0) == BZ_OK
		       ? 0
		       : err_errno(e, ENOMEM, "cannot unpack");
}

/* Formats by their first bytes. Those that are not supported have a name to be told. */
static const struct {
	const char *magic;
	size_t len;
	enum packing packing;
	const char *name;
} formats[] = {
	{"\x1f\x8b", 2, PACKING_GZIP, NULL},
	{"\x28\xb5\x2f\xfd", 4, PACKING_ZSTD, NULL},
	{"BZh", 3, PACKING_BZIP2, NULL},
	{"\xfd"
	 "7zXZ",
	 5, PACKING_XZ, NULL},
	{"PK\3\4", 4, PACKING_UNKNOWN, "zip"},
	{"\x04\x22\x4d\x18", 4, PACKING_UNKNOWN, "lz4"},
};

/* Index into formats, or -1: plain. */
static int find_format(const uint8_t *head, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(formats); i++)
		if (len >= formats[i].len && !memcmp(head, formats[i].magic, formats[i].len))
			return (int)i;
	/* zstd's skippable frames, with which zstd:chunked layers may begin. */
	return len >= 4 && (head[0] & 0xf0) == 0x50 && !memcmp(head + 1, "\x2a\x4d\x18", 3) ? 1
											    : -1;
}

bool stream_is_packed(const uint8_t *head, size_t len)
{
	return find_format(head, len) >= 0;
}

static int detect(struct stream *s, struct err *e)
{
	ssize_t n = 1;
	while (n > 0 && s->end - s->begin < 6)
		n = fill(s, e);
	if (n < 0)
		return (int)n;
	int format = find_format(s->input + s->begin, s->end - s->begin);
	if (format >= 0 && formats[format].name) {
		err_set(e, ENOTSUP, ERR_INVALID, "it is packed with %s", formats[format].name);
		return err_hint(e, "unpack it first, or pack it with gzip, zstd, xz or bzip2");
	}
	s->packing = format < 0 ? PACKING_PLAIN : formats[format].packing;
	static int (*const begin[])(struct stream *,
				    struct err *) = {[PACKING_GZIP] = gzip_begin,
						     [PACKING_ZSTD] = zstd_begin,
						     [PACKING_XZ] = xz_begin,
						     [PACKING_BZIP2] = bzip2_begin};
	return begin[s->packing] ? begin[s->packing](s, e) : 0;
}

static ssize_t plain_read(struct stream *s, void *buf, size_t len, struct err *e)
{
	if (s->begin == s->end) {
		ssize_t n = fill(s, e);
		if (n <= 0)
			return n;
	}
	if (len > s->end - s->begin)
		len = s->end - s->begin;
	memcpy(buf, s->input + s->begin, len);
	s->begin += len;
	return (ssize_t)len;
}

static int packing_error(struct err *e, const char *format, const char *why)
{
	return err_set(e, EINVAL, ERR_INVALID, "damaged %s data: %s", format, why);
}

/* 1: there is work for the decoder, 0: the stream has ended where it may. */
static int fill_frame(struct stream *s, const char *format, struct err *e)
{
	if (s->begin != s->end || (s->frame_open && s->held_back))
		return 1;
	ssize_t n = fill(s, e);
	if (n == 0 && s->frame_open)
		return packing_error(e, format, "it is cut short");
	return n > 0 ? 1 : (int)n;
}

static ssize_t gzip_read(struct stream *s, void *buf, size_t len, struct err *e)
{
	for (;;) {
		int r = fill_frame(s, "gzip", e);
		if (r <= 0)
			return r;
		if (!s->frame_open && gzip_begin(s, e) < 0)
			return -ENOMEM;
		s->gzip->next_in = s->input + s->begin;
		s->gzip->avail_in = (uint32_t)(s->end - s->begin);
		s->gzip->next_out = buf;
		s->gzip->avail_out = (uint32_t)len;
		r = isal_inflate(s->gzip);
		s->begin = s->end - s->gzip->avail_in;
		s->held_back = s->gzip->avail_out == 0;
		if (r != ISAL_DECOMP_OK && r != ISAL_END_INPUT)
			return packing_error(e, "gzip",
					     r == ISAL_INCORRECT_CHECKSUM ? "wrong checksum"
									  : "not a gzip stream");
		if (s->gzip->block_state == ISAL_BLOCK_FINISH)
			s->frame_open = false;
		if (s->gzip->avail_out < len)
			return (ssize_t)(len - s->gzip->avail_out);
	}
}

static ssize_t zstd_read(struct stream *s, void *buf, size_t len, struct err *e)
{
	ZSTD_outBuffer out = {buf, len, 0};
	while (out.pos == 0) {
		int have = fill_frame(s, "zstd", e);
		if (have <= 0)
			return have;
		ZSTD_inBuffer in = {s->input + s->begin, s->end - s->begin, 0};
		size_t r = ZSTD_decompressStream(s->zstd, &out, &in);
		if (ZSTD_getErrorCode(r) == ZSTD_error_frameParameter_windowTooLarge &&
		    s->limits.small_window)
			return err_set(e, EFBIG, ERR_INVALID,
				       "its type does not say zstd, and it is, with a window of "
				       "more than %d MiB",
				       1 << (ZSTD_WINDOW_LOG_SMALL - 20));
		if (ZSTD_isError(r))
			return packing_error(e, "zstd", ZSTD_getErrorName(r));
		s->begin += in.pos;
		s->held_back = out.pos == out.size;
		s->frame_open = r != 0;
	}
	return (ssize_t)out.pos;
}

static int too_large_xz(struct err *e)
{
	err_set(e, EFBIG, ERR_INVALID, "to unpack this xz takes more than %d MiB of memory",
		XZ_MEMORY_MIB);
	return err_hint(e, "pack it with xz -7 or less, with zstd or gzip");
}

/* One decoder for all streams that follow one another, which has to be told of the end. */
static ssize_t xz_read(struct stream *s, void *buf, size_t len, struct err *e)
{
	s->xz.next_out = buf;
	s->xz.avail_out = len;
	while (s->frame_open && s->xz.avail_out == len) {
		ssize_t n = s->begin == s->end ? fill(s, e) : 1;
		if (n < 0)
			return n;
		s->xz.next_in = s->input + s->begin;
		s->xz.avail_in = s->end - s->begin;
		lzma_ret r = lzma_code(&s->xz, s->source_ended ? LZMA_FINISH : LZMA_RUN);
		s->begin = s->end - s->xz.avail_in;
		if (r == LZMA_STREAM_END)
			s->frame_open = false;
		else if (r == LZMA_MEMLIMIT_ERROR || r == LZMA_MEM_ERROR)
			return too_large_xz(e);
		else if (r == LZMA_BUF_ERROR)
			return packing_error(e, "xz", "it is cut short");
		else if (r != LZMA_OK)
			return packing_error(e, "xz", "wrong checksum, or not an xz stream");
	}
	return (ssize_t)(len - s->xz.avail_out);
}

static ssize_t bzip2_read(struct stream *s, void *buf, size_t len, struct err *e)
{
	s->bzip2.next_out = buf;
	s->bzip2.avail_out = (unsigned)len;
	while (s->bzip2.avail_out == len) {
		int r = fill_frame(s, "bzip2", e);
		if (r <= 0)
			return r;
		if (!s->frame_open && bzip2_begin(s, e) < 0)
			return -ENOMEM;
		s->bzip2.next_in = (char *)s->input + s->begin;
		s->bzip2.avail_in = (unsigned)(s->end - s->begin);
		s->bzip2.next_out = buf;
		s->bzip2.avail_out = (unsigned)len;
		r = BZ2_bzDecompress(&s->bzip2);
		s->begin = s->end - s->bzip2.avail_in;
		s->held_back = s->bzip2.avail_out == 0;
		if (r != BZ_OK && r != BZ_STREAM_END)
			return packing_error(e, "bzip2", "wrong checksum, or not a bzip2 stream");
		if (r == BZ_STREAM_END) {
			BZ2_bzDecompressEnd(&s->bzip2);
			s->frame_open = false;
		}
	}
	return (ssize_t)(len - s->bzip2.avail_out);
}

static int check_limits(const struct stream *s, struct err *e)
{
	if (s->out > s->limits.bytes)
		return err_set(e, EFBIG, ERR_INVALID, "it unpacks to more than %llu bytes",
			       (unsigned long long)s->limits.bytes);
	if (s->out > RATIO_FROM && s->out / s->limits.ratio > s->in)
		return err_set(e, EFBIG, ERR_INVALID,
			       "it unpacks to more than %llu times its packed size",
			       (unsigned long long)s->limits.ratio);
	return 0;
}

ssize_t stream_read(struct stream *s, void *buf, size_t len, struct err *e)
{
	static ssize_t (*const readers[])(struct stream *, void *, size_t, struct err *) = {
		[PACKING_PLAIN] = plain_read, [PACKING_GZIP] = gzip_read,
		[PACKING_ZSTD] = zstd_read,   [PACKING_XZ] = xz_read,
		[PACKING_BZIP2] = bzip2_read,
	};
	if (s->packing == PACKING_UNKNOWN) {
		int r = detect(s, e);
		if (r < 0)
			return r;
	}
	ssize_t n = readers[s->packing](s, buf, len, e);
	if (n <= 0)
		return n;
	s->out += (uint64_t)n;
	int r = check_limits(s, e);
	return r < 0 ? r : n;
}

int stream_finish(struct stream *s, struct err *e)
{
	uint8_t rest[4096];
	ssize_t n = 1;
	while (n > 0 && s->frame_open)
		n = stream_read(s, rest, sizeof(rest), e);
	return n < 0 ? (int)n : 0;
}

void stream_hash(struct stream *s, const void *buf, size_t len)
{
	if (s->limits.hash &&
	    s->packing != PACKING_PLAIN) /* else the digest of the stored bytes is the diff id */
		EVP_DigestUpdate(s->plain, buf, len);
}

static void hash_text(EVP_MD_CTX *h, char out[static 65])
{
	unsigned char sum[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	EVP_DigestFinal_ex(h, sum, &len);
	hex_encode(sum, 32, out);
	out[64] = '\0';
}

void stream_digests(struct stream *s, char diff_id[static 65], char digest[static 65])
{
	hash_text(s->stored, digest);
	if (s->packing == PACKING_PLAIN)
		memcpy(diff_id, digest, 65);
	else
		hash_text(s->plain, diff_id);
}
