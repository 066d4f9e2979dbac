/* SPDX-License-Identifier: Apache-2.0 */
/* fsutil's packets, and pax(1)'s headers. Read files.h first. */
#include "session/files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/protobuf.h"

enum packet_kind { PACKET_STAT, PACKET_REQ, PACKET_DATA, PACKET_FIN, PACKET_ERR };

/* Go's os.FileMode. */
enum mode_bits {
	GO_SYMLINK = 1 << 27,
	GO_DEVICE = 1 << 26,
	GO_PIPE = 1 << 25,
	GO_SOCKET = 1 << 24,
	GO_SETUID = 1 << 23,
	GO_SETGID = 1 << 22,
	GO_CHAR = 1 << 21,
	GO_STICKY = 1 << 20,
	GO_DIR_SHIFT = 31
};

/* Of its message, in the order of their numbers. */
enum stat_field {
	STAT_PATH = 1,
	STAT_MODE,
	STAT_UID,
	STAT_GID,
	STAT_SIZE,
	STAT_MTIME, /* ns */
	STAT_LINK,
	STAT_MAJOR,
	STAT_MINOR,
	STAT_XATTRS
};

struct stat_packet {
	struct protobuf path, link;
	uint64_t numbers[STAT_XATTRS]; /* all others */
	uint32_t mode;
	int64_t size;
	struct strbuf xattrs; /* as records of pax */
};

static int foreign(struct err *e, const char *what)
{
	return err_set(e, EPROTO, ERR_INVALID, "the client sends %s", what);
}

/* ---- the tar ---- */

enum { BLOCK = 512 };
struct head {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], sum[8], type, link[100],
		magic[8], user[32], group[32], major[8], minor[8], prefix[155], pad[12];
};
_Static_assert(sizeof(struct head) == BLOCK, "of a tar");

static int put(const struct files *f, uint64_t at, const void *bytes, size_t len, struct err *e)
{
	const char *from = bytes;
	while (len) {
		ssize_t n = TEMP_FAILURE_RETRY(pwrite(f->fd, from, len, (off_t)at));
		if (n <= 0)
			return err_errno(e, n < 0 ? errno : EIO, "cannot keep the files");
		from += n;
		at += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

/* "LENGTH KEY=VALUE\n", where the length counts itself. */
static void put_record(struct strbuf *to, const void *key, size_t key_len, const void *value,
		       size_t value_len)
{
	size_t rest = key_len + value_len + 3, len = rest + 1;
	while ((size_t)snprintf(NULL, 0, "%zu", len) + rest != len)
		len = (size_t)snprintf(NULL, 0, "%zu", len) + rest;
	strbuf_printf(to, "%zu ", len);
	strbuf_add(to, key, key_len);
	strbuf_putc(to, '=');
	strbuf_add(to, value, value_len);
	strbuf_putc(to, '\n');
}

static void put_number(struct strbuf *to, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static void put_number(struct strbuf *to, const char *key, const char *fmt, ...)
{
	char text[64];
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	put_record(to, key, strlen(key), text, (size_t)n);
}

static uint64_t whole_blocks(uint64_t len)
{
	return (len + BLOCK - 1) / BLOCK * BLOCK;
}

static int put_head(struct files *f, struct head *h, char type, uint64_t size, struct err *e)
{
	unsigned sum = 0;
	h->type = type;
	snprintf(h->size, sizeof(h->size), "%011llo", (unsigned long long)size & 077777777777);
	memcpy(h->magic, "ustar\00000", sizeof(h->magic));
	memset(h->sum, ' ', sizeof(h->sum));
	for (size_t i = 0; i < sizeof(*h); i++)
		sum += ((const unsigned char *)h)[i];
	snprintf(h->sum, sizeof(h->sum), "%06o", sum);
	int r = put(f, f->end, h, sizeof(*h), e);
	f->end += sizeof(*h);
	return r;
}

/* All that may not fit into the old header stands in records before it. */
static int put_records(struct files *f, const struct stat_packet *s, struct err *e)
{
	CLEANUP_STRBUF struct strbuf records = STRBUF_MAX(FILES_HEAD_MAX);
	const int64_t mtime = (int64_t)s->numbers[STAT_MTIME];
	struct head h = {.name = "pax"};
	put_record(&records, "path", 4, s->path.at, s->path.left);
	if (s->link.left)
		put_record(&records, "linkpath", 8, s->link.at, s->link.left);
	put_number(&records, "size", "%lld", (long long)s->size);
	put_number(&records, "uid", "%u", (uint32_t)s->numbers[STAT_UID]);
	put_number(&records, "gid", "%u", (uint32_t)s->numbers[STAT_GID]);
	if (mtime >= 0)
		put_number(&records, "mtime", "%lld.%09lld", (long long)(mtime / 1000000000),
			   (long long)(mtime % 1000000000));
	strbuf_add(&records, s->xattrs.buf, s->xattrs.len);
	if (!strbuf_ok(&records))
		return foreign(e, "a file with too many attributes");
	int r = put_head(f, &h, 'x', records.len, e);
	if (r == 0)
		r = put(f, f->end, records.buf, records.len, e);
	f->end += whole_blocks(records.len);
	return r;
}

static int put_entry(struct files *f, const struct stat_packet *s, char type, struct err *e)
{
	struct head h = {.name = "file"};
	unsigned mode = (s->mode & 0777) | (s->mode & GO_SETUID ? 04000 : 0) |
			(s->mode & GO_SETGID ? 02000 : 0) | (s->mode & GO_STICKY ? 01000 : 0);
	/* libarchive takes the record for what it is only if there is something in this place. */
	if (s->link.left)
		memcpy(h.link, s->link.at,
		       s->link.left < sizeof(h.link) ? s->link.left : sizeof(h.link));
	snprintf(h.mode, sizeof(h.mode), "%07o", mode);
	snprintf(h.major, sizeof(h.major), "%07o", (unsigned)s->numbers[STAT_MAJOR] & 07777777);
	snprintf(h.minor, sizeof(h.minor), "%07o", (unsigned)s->numbers[STAT_MINOR] & 07777777);
	int r = put_records(f, s, e);
	return r < 0 ? r : put_head(f, &h, type, (uint64_t)s->size, e);
}

/* ---- packets ---- */

static void say(const struct files *f, enum packet_kind kind, size_t id)
{
	CLEANUP_STRBUF struct strbuf packet = STRBUF_MAX(32);
	protobuf_put(&packet, 1, kind);
	protobuf_put(&packet, 3, id);
	f->say(f->ctx, packet.buf, packet.len);
}

/* {key, value} of a map. */
static int read_xattr(struct protobuf m, struct strbuf *records)
{
	CLEANUP_STRBUF struct strbuf key = STRBUF_MAX(512);
	struct protobuf_field field;
	struct protobuf value = {0};
	int r;
	strbuf_puts(&key, "SCHILY.xattr.");
	while ((r = protobuf_next(&m, &field)) > 0) {
		if (field.number == 1)
			strbuf_add(&key, field.bytes.at, field.bytes.left);
		else if (field.number == 2)
			value = field.bytes;
	}
	if (r < 0 || !strbuf_ok(&key) || memchr(key.buf, '=', key.len) ||
	    memchr(key.buf, '\0', key.len))
		return -EBADMSG;
	put_record(records, key.buf, key.len, value.at, value.left);
	return 0;
}

static int read_stat(struct protobuf m, struct stat_packet *s)
{
	struct protobuf_field field;
	int r;
	while ((r = protobuf_next(&m, &field)) > 0) {
		if (field.number == STAT_PATH)
			s->path = field.bytes;
		else if (field.number == STAT_LINK)
			s->link = field.bytes;
		else if (field.number < STAT_XATTRS)
			s->numbers[field.number] = field.value;
		else if (field.number == STAT_XATTRS && read_xattr(field.bytes, &s->xattrs) < 0)
			return -EBADMSG;
	}
	s->mode = (uint32_t)s->numbers[STAT_MODE];
	s->size = (int64_t)s->numbers[STAT_SIZE];
	return r;
}

static bool is_name(struct protobuf text)
{
	return text.left < FILES_PATH_MAX && !memchr(text.at ?: (const uint8_t *)"", 0, text.left);
}

/* The type in a tar; 0: it is left out, as tar(1) leaves out sockets. */
static char type_of(const struct stat_packet *s)
{
	if (s->mode >> GO_DIR_SHIFT)
		return '5';
	if (s->mode & GO_SYMLINK)
		return '2';
	if (s->mode & GO_DEVICE)
		return s->mode & GO_CHAR ? '3' : '4';
	if (s->mode & GO_PIPE)
		return '6';
	if (s->mode & GO_SOCKET)
		return 0;
	return s->link.left ? '1' : '0';
}

static struct file *add_file(struct files *f, struct err *e)
{
	if (f->count == FILES_MAX) {
		err_set(e, E2BIG, ERR_INVALID, "the client sends more than %d files", FILES_MAX);
		err_hint(e, "name what the build does not need in .dockerignore");
		return NULL;
	}
	if (f->count == f->room) {
		size_t room = f->room ? 2 * f->room : 64;
		struct file *more = reallocarray(f->items, room, sizeof(*more));
		if (!more) {
			err_errno(e, ENOMEM, "the client sends too many files");
			return NULL;
		}
		f->items = more;
		f->room = room;
	}
	f->items[f->count] = (struct file){0};
	return &f->items[f->count++];
}

static int take_stat(struct files *f, struct stat_packet *s, struct err *e)
{
	char type = type_of(s);
	bool has_bytes = type == '0';
	if (f->listed)
		return foreign(e, "a file behind the last one");
	if (!s->path.left || !is_name(s->path) || !is_name(s->link))
		return foreign(e, "a name that no file can have");
	if (!has_bytes)
		s->size = 0;
	if (s->size < 0 || (uint64_t)s->size > FILES_BYTES_MAX ||
	    f->end > FILES_BYTES_MAX - (uint64_t)s->size) {
		err_set(e, EFBIG, ERR_INVALID, "the client sends more than %llu GiB of files",
			(unsigned long long)(FILES_BYTES_MAX >> 30));
		return err_hint(e, "name what the build does not need in .dockerignore");
	}
	struct file *file = add_file(f, e);
	if (!file)
		return -e->number;
	int r = type ? put_entry(f, s, type, e) : 0;
	if (r < 0 || !s->size)
		return r;
	*file = (struct file){f->end, (uint64_t)s->size, true};
	f->end += whole_blocks((uint64_t)s->size);
	f->open++;
	say(f, PACKET_REQ, f->count - 1);
	return 0;
}

static int take_data(struct files *f, uint64_t id, struct protobuf data, struct err *e)
{
	struct file *file = id < f->count ? &f->items[id] : NULL;
	if (!file || !file->open)
		return foreign(e, "bytes that nobody asked for");
	if (data.left > file->left || (!data.left && file->left)) {
		err_set(e, ESTALE, ERR_INVALID, "a file changed its size while it was sent");
		return err_hint(e, "keep what is written meanwhile out by .dockerignore");
	}
	int r = put(f, file->at, data.at, data.left, e);
	file->at += data.left;
	file->left -= data.left;
	file->open = data.left > 0;
	f->open -= !file->open;
	return r;
}

/* A tar ends with two blocks of zeros. */
static int finish(struct files *f, struct err *e)
{
	static const char zeros[2 * BLOCK];
	if (!f->listed || f->open)
		return foreign(e, "an end before all is there");
	f->ended = true;
	return put(f, f->end, zeros, sizeof(zeros), e);
}

struct packet {
	uint64_t kind, id;
	struct protobuf stat, data;
	bool has_stat;
};

static int read_packet(struct protobuf m, struct packet *ret)
{
	struct protobuf_field field;
	int r;
	*ret = (struct packet){0};
	while ((r = protobuf_next(&m, &field)) > 0) {
		if (field.number == 1)
			ret->kind = field.value;
		else if (field.number == 2)
			ret->stat = field.bytes;
		else if (field.number == 3)
			ret->id = field.value;
		else if (field.number == 4)
			ret->data = field.bytes;
		ret->has_stat |= field.number == 2;
	}
	return r;
}

static int take(struct files *f, const struct packet *p, struct stat_packet *s, struct err *e)
{
	switch (p->kind) {
	case PACKET_STAT:
		if (!p->has_stat)
			f->listed = true;
		return p->has_stat ? take_stat(f, s, e) : 0;
	case PACKET_DATA:
		return take_data(f, p->id, p->data, e);
	case PACKET_FIN:
		return finish(f, e);
	case PACKET_ERR:
		return err_set(e, EIO, ERR_INVALID, "the client says: %.*s",
			       p->data.left < 400 ? (int)p->data.left : 400,
			       p->data.at ?: (const uint8_t *)"");
	}
	return foreign(e, "a packet of an unknown kind");
}

int files_take(struct files *f, const void *packet, size_t len, struct err *e)
{
	struct packet p;
	struct stat_packet s = {.xattrs = STRBUF_MAX(FILES_HEAD_MAX)};
	bool waited = !f->listed || f->open;
	if (f->ended)
		return foreign(e, "more behind the end");
	int r = read_packet((struct protobuf){packet, len}, &p);
	if (r == 0 && p.has_stat)
		r = read_stat(p.stat, &s);
	r = r < 0 ? foreign(e, "what is no packet of files") : take(f, &p, &s, e);
	strbuf_free(&s.xattrs);
	if (r == 0 && waited && f->listed && !f->open)
		say(f, PACKET_FIN, 0);
	return r;
}

void files_free(struct files *f)
{
	free(f->items);
	f->items = NULL;
}
