/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding members. Links between members (docker save wrote layers that way for years) are followed
 * by name within the archive, a few times at most; a folder's files are opened beneath it
 * (openat2(2)). Read archive.h first.
 */
#include "image/archive.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/path.h"
#include "image/unpack_job.h"

enum { LINKS_MAX = 8 };

/* Names are compared in path_clean's form without its "/": "./a//b" is "a/b". */
static char *clean_name(struct arena *a, const char *name)
{
	return path_clean(a, name) + 1;
}

static int add_member(void *ctx, const struct unpack_message *m, struct err *e)
{
	struct archive *ar = ctx;
	if (ar->count >= UNPACK_MEMBERS_MAX)
		return err_set(e, E2BIG, ERR_INVALID, "the archive has too many members");
	ar->members =
		arena_grow(ar->arena, ar->members, ar->count, &ar->room, sizeof(*ar->members));
	ar->members[ar->count++] = (struct archive_member){
		.name = clean_name(ar->arena, m->name),
		.link = m->kind == MEMBER_LINK || m->kind == MEMBER_HARDLINK
				? arena_strdup(ar->arena, m->link)
				: NULL,
		.kind = m->kind,
		.number = m->number,
		.offset = m->offset,
		.size = m->size,
		.layer = m->layer,
	};
	return 0;
}

static int by_name(const void *a, const void *b)
{
	const struct archive_member *x = a, *y = b;
	return strcmp(x->name, y->name);
}

static int order_members(struct archive *ar, struct err *e)
{
	if (ar->count)
		qsort(ar->members, ar->count, sizeof(ar->members[0]), by_name);
	for (size_t i = 1; i < ar->count; i++)
		if (!strcmp(ar->members[i - 1].name, ar->members[i].name))
			return err_set(e, EINVAL, ERR_INVALID,
				       "the archive has two members called \"%s\"",
				       ar->members[i].name);
	return 0;
}

/* Compressed archives are streams, too: there is no place to seek to. */
static bool looks_packed(int fd, off_t at)
{
	unsigned char magic[4] = {0};
	if (pread(fd, magic, sizeof(magic), at) < 2)
		return false;
	return (magic[0] == 0x1f && magic[1] == 0x8b) || !memcmp(magic, "\x28\xb5\x2f\xfd", 4) ||
	       ((magic[0] & 0xf0) == 0x50 && !memcmp(magic + 1, "\x2a\x4d\x18", 3)) ||
	       !memcmp(magic, "BZh", 3) ||
	       !memcmp(magic,
		       "\xfd"
		       "7zX",
		       4);
}

static void on_progress(void *ctx, uint64_t done)
{
	const struct archive *ar = ctx;
	struct image_progress p = {.layer = "archive", .done = done, .total = ar->end};
	if (ar->req->progress && ar->form == ARCHIVE_STREAM)
		ar->req->progress(&p, ar->req->ctx);
}

static int list_members(struct archive *ar, struct image_store *s, off_t at, struct err *e)
{
	CLEANUP_JOB struct unpack_job j = UNPACK_JOB_NONE;
	struct unpack_request q = {
		.version = UNPACK_VERSION,
		.mode = ar->form == ARCHIVE_TAR ? UNPACK_INDEX : UNPACK_ARCHIVE,
		.seekable = ar->form == ARCHIVE_TAR,
		.offset = ar->form == ARCHIVE_TAR ? (uint64_t)at : 0,
		.size = ar->form == ARCHIVE_TAR ? ar->end - (uint64_t)at : UNPACK_WHOLE,
	};
	struct unpack_events on = {.progress = on_progress, .member = add_member, .ctx = ar};
	unpack_limits(&q, &ar->req->limits);
	int r = unpack_start(&j, s->libexec, &q, ar->fd, ar->stage->fd, e);
	if (r == 0)
		r = unpack_finish(&j, &on, e);
	return r < 0 ? r : order_members(ar, e);
}

int archive_open(struct archive *ar, struct image_store *s, int fd, struct stage *st,
		 const struct image_load *req, struct arena *a, struct err *e)
{
	struct stat info;
	if (fstat(fd, &info) < 0)
		return err_errno(e, errno, "cannot look at the archive");
	*ar = (struct archive){
		.form = ARCHIVE_STREAM, .fd = fd, .stage = st, .arena = a, .req = req};
	if (S_ISDIR(info.st_mode)) {
		ar->form = ARCHIVE_FOLDER;
		return 0;
	}
	off_t at = S_ISREG(info.st_mode) ? lseek(fd, 0, SEEK_CUR) : -1;
	if (at >= 0 && at <= info.st_size && !looks_packed(fd, at)) {
		ar->form = ARCHIVE_TAR;
		ar->end = (uint64_t)info.st_size;
	}
	return list_members(ar, s, at, e);
}

static struct archive_member *lookup(struct archive *ar, const char *name)
{
	struct archive_member key = {.name = clean_name(ar->arena, name)};
	return ar->count ? bsearch(&key, ar->members, ar->count, sizeof(key), by_name) : NULL;
}

/* Follow links by name; NULL when there is nothing at the end. */
static struct archive_member *resolve(struct archive *ar, const char *name)
{
	struct archive_member *m = lookup(ar, name);
	for (int i = 0; m && m->link; i++) {
		if (i == LINKS_MAX)
			return NULL;
		char *target = m->link;
		if (m->kind == MEMBER_LINK) /* relative to the link's own folder */
			target = arena_printf(ar->arena, "%s/../%s", m->name, m->link);
		m = lookup(ar, target);
	}
	return m;
}

/* Open a file of the folder; symbolic links may not lead out of it. */
static int open_in_folder(struct archive *ar, const char *name, struct stat *st)
{
	struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	const char *clean = clean_name(ar->arena, name);
	int fd = (int)syscall(SYS_openat2, ar->fd, clean, &how, sizeof(how));
	if (fd < 0)
		return -errno;
	if (fstat(fd, st) == 0 && S_ISREG(st->st_mode))
		return fd;
	close(fd);
	return -EINVAL;
}

bool archive_has(struct archive *ar, const char *name)
{
	struct stat st;
	if (ar->form != ARCHIVE_FOLDER)
		return resolve(ar, name) != NULL;
	CLEANUP_FD int fd = open_in_folder(ar, name, &st);
	return fd >= 0;
}

static int missing(const char *name, struct err *e)
{
	return err_set(e, ENOENT, ERR_INVALID, "the archive has no member \"%s\"", name);
}

static int read_at(int fd, uint64_t offset, size_t len, struct arena *a, char **ret)
{
	char *text = arena_alloc(a, len + 1);
	for (size_t done = 0; done < len;) {
		ssize_t n = pread(fd, text + done, len - done, (off_t)(offset + done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -ENODATA;
		done += (size_t)n;
	}
	*ret = text;
	return 0;
}

/* A descriptor, offset and size of a member's bytes; @fd is to be closed when it is not the
 * archive. */
static int locate(struct archive *ar, const char *name, struct archive_layer *l, struct err *e)
{
	*l = (struct archive_layer){.fd = -1};
	if (ar->form == ARCHIVE_FOLDER) {
		struct stat st;
		l->fd = open_in_folder(ar, name, &st);
		l->size = l->fd < 0 ? 0 : (uint64_t)st.st_size;
		if (l->fd == -ENOENT)
			return missing(name, e);
		return l->fd < 0 ? err_errno(e, l->fd, "cannot open \"%s\"", name) : 0;
	}
	l->member = resolve(ar, name);
	if (!l->member)
		return missing(name, e);
	if (ar->form == ARCHIVE_STREAM)
		return 0;
	l->fd = ar->fd;
	l->offset = l->member->offset;
	l->size = l->member->size;
	if (l->offset > ar->end || l->size > ar->end - l->offset)
		return err_set(e, EINVAL, ERR_INVALID, "member \"%s\": the archive is cut short",
			       name);
	return 0;
}

int archive_read_text(struct archive *ar, const char *name, size_t max, char **ret, size_t *ret_len,
		      struct err *e)
{
	struct archive_layer l;
	CLEANUP_FD int opened = -1;
	int r = locate(ar, name, &l, e);
	if (r < 0)
		return r;
	if (ar->form == ARCHIVE_FOLDER)
		opened = l.fd;
	if (ar->form == ARCHIVE_STREAM) {
		char kept[32];
		if (l.member->kind != MEMBER_SMALL)
			return err_set(e, EFBIG, ERR_INVALID, "\"%s\" is not a JSON document",
				       name);
		snprintf(kept, sizeof(kept), "%u.small", l.member->number);
		r = file_read(ar->stage->fd, kept, max, ar->arena, ret, ret_len, e);
		return r < 0 ? err_context(e, "%s", name) : 0;
	}
	if (l.size > max)
		return err_set(e, EFBIG, ERR_INVALID, "\"%s\" is larger than %zu bytes", name, max);
	r = read_at(l.fd, l.offset, (size_t)l.size, ar->arena, ret);
	*ret_len = (size_t)l.size;
	return r < 0 ? err_errno(e, r, "cannot read \"%s\"", name) : 0;
}

int archive_find_layer(struct archive *ar, const char *name, struct archive_layer *ret,
		       struct err *e)
{
	int r = locate(ar, name, ret, e);
	if (r == 0 && ar->form == ARCHIVE_STREAM && ret->member->kind != MEMBER_LAYER)
		return err_set(e, EINVAL, ERR_INVALID, "\"%s\" is not a layer (a tar archive)",
			       name);
	return r;
}
