/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hull-unpack: from a stream of archive bytes to a file tree, locked in.
 *
 * Started by the engine with the bytes on descriptor 0, a socket on 3 and an empty staging folder
 * on 4 (image/unpack.h). It takes one request, locks itself in (confine.h), and only then reads the
 * bytes. It has no options, reads no file, and answers on the socket only.
 */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <malloc.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "image/unpack.h"
#include "image/unpack/confine.h"
#include "image/unpack/layout.h"
#include "image/unpack/outer.h"
#include "image/unpack/pack.h"
#include "linux/namespaces.h"

enum { PROGRESS_STEP = 1 << 20 };

struct progress {
	uint64_t done, told;
};

static int send_message(void *ctx, const struct unpack_message *m)
{
	return fd_send(UNPACK_SOCKET_FD, m, sizeof(*m), NULL, 0);
}

static void on_progress(void *ctx, uint64_t done)
{
	struct progress *p = ctx;
	p->done = done;
	if (done >= p->told && done - p->told < PROGRESS_STEP)
		return;
	p->told = done;
	struct unpack_message m = {.version = UNPACK_VERSION, .op = UNPACK_PROGRESS, .done = done};
	if (send_message(NULL, &m) < 0)
		_exit(1); /* the engine has gone */
}

/* libarchive calls exit(3) when it has no memory; nothing else here does. */
static void on_exit_called(void)
{
	struct unpack_message m = {.version = UNPACK_VERSION, .op = UNPACK_FAILED};
	err_set(&m.err, ENOMEM, ERR_INVALID,
		"the archive's headers need more memory than hull-unpack may use");
	send_message(NULL, &m);
	_exit(1);
}

static int take_request(struct unpack_request *q, struct err *e)
{
	ssize_t n = fd_recv(UNPACK_SOCKET_FD, q, sizeof(*q), NULL, 0);
	if (n < 0)
		return err_errno(e, (int)n, "hull-unpack: no request");
	if (n != sizeof(*q) || q->version != UNPACK_VERSION ||
	    !memchr(q->name, 0, sizeof(q->name)) || !memchr(q->as, 0, sizeof(q->as)))
		return err_set(
			e, EPROTO, ERR_INTERNAL,
			"hull-unpack is of another version than the program that started it");
	return 0;
}

/* The tree is read, not written, or there is none. */
static bool reads(uint32_t mode)
{
	return mode == UNPACK_PACK || mode == UNPACK_DIGEST || mode == UNPACK_REPLAY ||
	       mode == UNPACK_BYTES;
}

/* The file that remembers the folders' times: unlinked, so that it dies with this process. */
static int open_times(uint32_t mode, struct err *e)
{
	int fd;
	if (reads(mode))
		return 0;
	/* Others look into that folder, and there is less to remember. */
	if (mode == UNPACK_INTO)
		return (fd = memfd_create("times", MFD_CLOEXEC)) >= 0
			       ? fd
			       : err_errno(e, errno, "hull-unpack: no memory");
	fd = openat(UNPACK_STAGE_FD, ".", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	if (fd >= 0)
		return fd;
	fd = openat(UNPACK_STAGE_FD, ".times", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_errno(e, errno, "hull-unpack: cannot write to the staging folder");
	unlinkat(UNPACK_STAGE_FD, ".times", 0);
	return fd;
}

static int no_order(const void *a, const void *b)
{
	return 0;
}

/* What libraries load lazily is loaded now: afterwards there are no files. qsort(3) asks once how
 * much memory there is, when it sorts more than a KiB: the names of a large folder. */
static int warm_up(uint32_t mode, struct err *e)
{
	char many[2048] = "";
	namespace_caller_is_user(); /* it looks into /proc, and keeps the answer */
	qsort(many, sizeof(many) / 8, 8, no_order);
	mallopt(M_ARENA_MAX, 1);
	setlocale(LC_CTYPE, reads(mode) ? "C.UTF-8" : "C"); /* for the names in a tar */
	unsigned char sum[EVP_MAX_MD_SIZE];
	if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1 ||
	    EVP_Digest("", 0, sum, NULL, EVP_sha256(), NULL) != 1)
		return err_set(e, EIO, ERR_INTERNAL, "hull-unpack: no sha256");
	return 0;
}

static struct cage cage_of(const struct unpack_request *q)
{
	if (reads(q->mode))
		return (struct cage){.reads = true,
				     .overlay_marks = q->flags & UNPACK_WHITEOUTS,
				     .no_folder = q->mode == UNPACK_BYTES};
	return (struct cage){.max_file = q->max_bytes};
}

static int replay(const struct unpack_request *q, struct progress *progress,
		  struct unpack_message *m, struct err *e)
{
	struct sink sink;
	int r = sink_open(&sink, UNPACK_SOURCE_FD, q->flags & UNPACK_GZIP, true);
	r = r < 0 ? err_errno(e, r, "cannot pack")
		  : layout_replay(UNPACK_STAGE_FD, &sink, on_progress, progress, &m->layer, e);
	sink_free(&sink);
	return r;
}

/* A file of any bytes, into or out of gzip. */
static int bytes(const struct unpack_request *q, struct source *source, struct err *e)
{
	static uint8_t block[STREAM_BLOCK];
	const struct stream_limits limits = {.bytes = q->max_bytes, .ratio = q->max_ratio};
	const bool gzip = q->flags & UNPACK_GZIP;
	struct stream *stream = NULL;
	struct sink sink;
	ssize_t n = sink_open(&sink, UNPACK_STAGE_FD, gzip, false);
	if (n < 0)
		return err_errno(e, (int)n, "cannot pack");
	if (!gzip)
		n = stream_open(&stream, source, &limits, e);
	while (n >= 0) {
		n = gzip ? source->read(source, block, sizeof(block), e)
			 : stream_read(stream, block, sizeof(block), e);
		if (n <= 0)
			break;
		n = sink_write(&sink, block, (size_t)n);
		if (n < 0)
			err_errno(e, (int)n, "cannot write what was packed");
	}
	if (n == 0 && (n = sink_end(&sink)) < 0)
		err_errno(e, (int)n, "cannot write what was packed");
	stream_close(&stream);
	sink_free(&sink);
	return (int)n;
}

static int serve(const struct unpack_request *q, int times, struct progress *progress,
		 struct unpack_message *m, struct err *e)
{
	struct source source;
	struct layer_limits limits = {q->max_bytes, q->max_entries, q->max_ratio,
				      q->flags & UNPACK_SMALL_WINDOW};
	const struct layer_owner owner = {q->uid, q->gid};
	struct layer_target target = {
		.stage = UNPACK_STAGE_FD,
		.into = q->mode == UNPACK_INTO,
		.below = q->mode == UNPACK_INTO && *q->name ? q->name : NULL,
		.owner = q->flags & UNPACK_OWNER ? &owner : NULL,
		.times = times,
		.socket = UNPACK_SOCKET_FD,
		.progress = on_progress,
		.ctx = progress,
	};
	const struct pack pack = {
		.folder = UNPACK_STAGE_FD,
		.name = q->name,
		.as = q->as,
		.whiteouts = q->flags & UNPACK_WHITEOUTS,
		.to = q->mode == UNPACK_DIGEST ? -1 : UNPACK_SOURCE_FD,
		.gzip = q->flags & UNPACK_GZIP,
		.digest = q->mode == UNPACK_DIGEST || q->flags & (UNPACK_SUMS | UNPACK_GZIP)
				  ? &m->layer
				  : NULL,
		.progress = on_progress,
		.ctx = progress,
	};
	struct outer outer = {UNPACK_STAGE_FD, times,        UNPACK_SOCKET_FD, limits,
			      on_progress,     send_message, progress};
	source_open(&source, UNPACK_SOURCE_FD, q->seekable, q->offset, q->size);
	switch (q->mode) {
	case UNPACK_LAYER:
	case UNPACK_INTO:
		return layer_unpack(&source, &target, &limits, &m->layer, e);
	case UNPACK_INDEX:
		return outer_index(&outer, &source, e);
	case UNPACK_ARCHIVE:
		return outer_unpack(&outer, &source, e);
	case UNPACK_PACK:
	case UNPACK_DIGEST:
		return pack_tree(&pack, e);
	case UNPACK_BYTES:
		return bytes(q, &source, e);
	case UNPACK_REPLAY:
		return replay(q, progress, m, e);
	}
	return err_set(e, EPROTO, ERR_INTERNAL, "hull-unpack: unknown request %u", q->mode);
}

int main(void)
{
	struct unpack_request q;
	struct unpack_message m = {.version = UNPACK_VERSION, .op = UNPACK_DONE};
	struct progress progress = {0};
	int times = -1;
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	umask(0);
	close_range(UNPACK_STAGE_FD + 1, ~0U, 0);
	if (!fd_is_open(UNPACK_SOCKET_FD)) {
		fprintf(stderr, "hull-unpack is started by hull, it does nothing by itself\n");
		return 125;
	}
	atexit(on_exit_called);
	int r = take_request(&q, &m.err);
	if (r == 0)
		r = warm_up(q.mode, &m.err);
	if (r == 0)
		times = r = open_times(q.mode, &m.err);
	if (r >= 0)
		r = confine(UNPACK_STAGE_FD, cage_of(&q), &m.err);
	if (r == 0)
		r = serve(&q, times, &progress, &m, &m.err);
	m.done = progress.done;
	if (r < 0)
		m.op = UNPACK_FAILED;
	/* A message in between could not be sent. */
	if (r < 0 && !m.err.number)
		err_errno(&m.err, r, "hull-unpack cannot tell what it has unpacked");
	int sent = send_message(NULL, &m);
	if (sent < 0) {
		m.op = UNPACK_FAILED;
		err_errno(&m.err, sent, "hull-unpack cannot tell what it has unpacked");
		send_message(NULL, &m);
	}
	_exit(r < 0 || sent < 0);
}
