/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine's end of hull-unpack. Rests on helper.h. What arrives is checked for its form before
 * anyone else sees it. Read unpack_job.h and unpack.h first.
 */
#include "image/unpack_job.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/xattr.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/room.h"
#include "linux/overlay.h"

void unpack_limits(struct unpack_request *q, const struct image_limits *limits)
{
	q->max_bytes = limits->bytes ? limits->bytes : (uint64_t)64 << 30;
	q->max_entries = limits->entries ? limits->entries : (uint64_t)4 << 20;
	q->max_ratio = limits->ratio ? limits->ratio : 500;
}

/* What is packed takes no less room unpacked; a full disk is told before it is full. */
static int check_room(const struct unpack_request *q, int source_fd, int stage_fd, struct err *e)
{
	struct stat st;
	struct statfs fs;
	uint64_t size = q->size;
	if (q->mode != UNPACK_LAYER || fstatfs(stage_fd, &fs) < 0)
		return 0;
	if (size == UNPACK_WHOLE)
		size = fstat(source_fd, &st) == 0 && S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
	uint64_t room = (uint64_t)room_left(&fs);
	if (size <= room)
		return 0;
	return err_errno(e, ENOSPC, "its %llu bytes do not fit into the %llu that are free",
			 (unsigned long long)size, (unsigned long long)room);
}

int unpack_start(struct unpack_job *j, const char *libexec, const struct unpack_request *q,
		 int source_fd, int stage_fd, struct err *e)
{
	static char *const env[] = {NULL};
	const struct helper_fd fds[] = {{source_fd, UNPACK_SOURCE_FD}, {stage_fd, UNPACK_STAGE_FD}};
	*j = (struct unpack_job)UNPACK_JOB_NONE;
	if (check_room(q, source_fd, stage_fd, e) < 0)
		return -e->number;
	int r = helper_start(&j->helper, libexec, "hull-unpack", env, fds, ARRAY_LEN(fds), e);
	if (r < 0)
		return r;
	r = fd_send(j->helper.sock, q, sizeof(*q), NULL, 0);
	if (r < 0) {
		err_errno(e, r, "cannot ask hull-unpack");
		unpack_stop(j);
	}
	return r;
}

/* What the user himself copies has no limits. */
static const struct image_limits no_limits = {.bytes = INT64_MAX / 2, .entries = INT64_MAX};

int unpack_start_pack(struct unpack_job *j, const char *libexec, int folder, const char *name,
		      const char *as, uint32_t flags, int to, struct err *e)
{
	struct unpack_request q = {.version = UNPACK_VERSION,
				   .mode = UNPACK_PACK,
				   .flags = flags,
				   .size = UNPACK_WHOLE};
	unpack_limits(&q, &no_limits);
	if (snprintf(q.name, sizeof(q.name), "%s", name) >= (int)sizeof(q.name) ||
	    snprintf(q.as, sizeof(q.as), "%s", as) >= (int)sizeof(q.as))
		return err_errno(e, ENAMETOOLONG, "cannot copy %.64s...", name);
	return unpack_start(j, libexec, &q, to, folder, e);
}

int unpack_start_replay(struct unpack_job *j, const char *libexec, int folder, bool gzip, int to,
			struct err *e)
{
	struct unpack_request q = {.version = UNPACK_VERSION,
				   .mode = UNPACK_REPLAY,
				   .flags = UNPACK_SUMS | (gzip ? UNPACK_GZIP : 0),
				   .size = UNPACK_WHOLE};
	unpack_limits(&q, &no_limits);
	return unpack_start(j, libexec, &q, to, folder, e);
}

int unpack_start_digest(struct unpack_job *j, const char *libexec, int folder, struct err *e)
{
	struct unpack_request q = {.version = UNPACK_VERSION,
				   .mode = UNPACK_DIGEST,
				   .flags = UNPACK_WHITEOUTS,
				   .size = UNPACK_WHOLE,
				   .as = "./"}; /* as save.c packs it: it stays the same layer */
	unpack_limits(&q, &no_limits);
	return unpack_start(j, libexec, &q, folder, folder, e);
}

int unpack_start_bytes(struct unpack_job *j, const char *libexec, int from, bool gzip, int to,
		       struct err *e)
{
	struct unpack_request q = {.version = UNPACK_VERSION,
				   .mode = UNPACK_BYTES,
				   .seekable = true,
				   .flags = gzip ? UNPACK_GZIP : 0,
				   .size = UNPACK_WHOLE};
	unpack_limits(&q, &no_limits);
	q.max_ratio = UINT64_MAX;
	return unpack_start(j, libexec, &q, from, to, e);
}

int unpack_start_into(struct unpack_job *j, const char *libexec, int from, int folder,
		      const char *below, const uint32_t *owner, struct err *e)
{
	struct unpack_request q = {.version = UNPACK_VERSION,
				   .mode = UNPACK_INTO,
				   .flags = owner ? UNPACK_OWNER : 0,
				   .size = UNPACK_WHOLE,
				   .uid = owner ? owner[0] : 0,
				   .gid = owner ? owner[1] : 0};
	unpack_limits(&q, &no_limits);
	if (snprintf(q.name, sizeof(q.name), "%s", below) >= (int)sizeof(q.name))
		return err_errno(e, ENAMETOOLONG, "cannot copy to %.64s...", below);
	return unpack_start(j, libexec, &q, from, folder, e);
}

void unpack_stop(struct unpack_job *j)
{
	helper_stop(&j->helper);
}

/* The form of a message: every string ends, every digest is one. */
static bool message_ok(const struct unpack_message *m)
{
	bool text = memchr(m->name, 0, sizeof(m->name)) && memchr(m->link, 0, sizeof(m->link)) &&
		    memchr(m->err.text, 0, sizeof(m->err.text)) &&
		    memchr(m->err.hint, 0, sizeof(m->err.hint)) &&
		    memchr(m->layer.diff_id, 0, sizeof(m->layer.diff_id)) &&
		    memchr(m->layer.digest, 0, sizeof(m->layer.digest));
	bool layer = m->op == UNPACK_DONE ? m->layer.diff_id[0] : m->kind == MEMBER_LAYER;
	return m->version == UNPACK_VERSION && text &&
	       (!layer || (id_is_hex(m->layer.diff_id, ID_LEN) &&
			   id_is_hex(m->layer.digest, ID_LEN) && m->layer.size <= INT64_MAX));
}

static int mark_opaque(int fd, struct err *e)
{
	struct stat st;
	if (fd >= 0 && fstat(fd, &st) < 0)
		return err_errno(e, errno, "cannot look at a folder of the layer");
	if (fd < 0 || !S_ISDIR(st.st_mode))
		return err_set(e, EPROTO, ERR_INTERNAL, "hull-unpack sent no folder");
	if (fsetxattr(fd, overlay_opaque(), "y", 1, 0) < 0)
		return err_errno(e, errno, "cannot mark a folder as opaque");
	return 0;
}

/* 1: go on, 0: done, else failed. */
static int take(struct unpack_job *j, const struct unpack_message *m, int fd,
		const struct unpack_events *on, struct err *e)
{
	int r = 0;
	switch (m->op) {
	case UNPACK_PROGRESS:
		if (on->progress)
			on->progress(on->ctx, m->done);
		return 1;
	case UNPACK_OPAQUE:
		r = mark_opaque(fd, e);
		return r < 0 ? r : 1;
	case UNPACK_MEMBER:
		r = on->member ? on->member(on->ctx, m, e) : 0;
		return r < 0 ? r : 1;
	case UNPACK_DONE:
		if (on->progress)
			on->progress(on->ctx, m->done);
		j->layer = m->layer;
		return 0;
	case UNPACK_FAILED:
		*e = m->err;
		if (e->number <= 0 || e->kind >= ERR_KINDS)
			return err_set(e, EPROTO, ERR_INTERNAL, "hull-unpack failed");
		return -e->number;
	}
	return err_set(e, EPROTO, ERR_INTERNAL, "hull-unpack sent an unknown message");
}

int unpack_handle(struct unpack_job *j, const struct unpack_events *on, struct err *e)
{
	struct unpack_message m;
	int fds[1];
	ssize_t n = fd_recv(j->helper.sock, &m, sizeof(m), fds, 1);
	CLEANUP_FD int fd = n >= 0 ? fds[0] : -1;
	if (n == 0 || n == -ECONNRESET)
		return helper_died(&j->helper, "hull-unpack", e);
	int r;
	if (n < 0)
		r = err_errno(e, (int)n, "cannot hear hull-unpack");
	else if (n != sizeof(m) || !message_ok(&m))
		r = err_set(e, EPROTO, ERR_INTERNAL, "hull-unpack sent a malformed message");
	else
		r = take(j, &m, fd, on, e);
	if (r <= 0)
		unpack_stop(j);
	return r;
}

int unpack_finish(struct unpack_job *j, const struct unpack_events *on, struct err *e)
{
	int r;
	do
		r = unpack_handle(j, on, e);
	while (r > 0);
	return r;
}

int unpack_finish_pair(struct unpack_job *pack, struct unpack_job *into,
		       const struct unpack_events *on, struct err *e)
{
	static const struct unpack_events none;
	struct err other;
	while (pack->helper.pid && into->helper.pid) {
		struct pollfd fds[] = {{pack->helper.sock, POLLIN, 0},
				       {into->helper.sock, POLLIN, 0}};
		if (poll(fds, ARRAY_LEN(fds), -1) < 0)
			continue;
		int r = fds[0].revents ? unpack_handle(pack, &none, e) : 0;
		if (r < 0) /* what it has written so far is no archive, and the other may say so */
			return r;
		r = fds[1].revents ? unpack_handle(into, on, e) : 0;
		if (r < 0)
			return r;
	}
	int r = pack->helper.pid ? unpack_finish(pack, &none, &other) : 0;
	/* Its reader has all that it needs, and the rest goes nowhere. */
	if (r < 0 && other.number != EPIPE) {
		*e = other;
		return r;
	}
	return into->helper.pid ? unpack_finish(into, on, e) : 0;
}
