/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading an archive: look at it (archive.h), make a plan (plan.h), unpack what the store has not
 * got (fill.h), check every diff id, commit (stage.h). Nothing of the image is visible
 * before the commit, and nothing of a failed load stays. Read those headers first.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "image/digest.h"
#include "image/fill.h"

enum { JOBS = 2 };

struct load {
	const struct image_load *req;
	struct archive archive;
	struct fill fill;
};

/* A layer of the store is not unpacked again; its blob must still be what the manifest says. */
static int check_blob(const struct plan_layer *l, struct err *e)
{
	char sum[ID_LEN + 1];
	if (!*l->digest)
		return 0;
	int r = digest_sha256_file(l->source.fd, l->source.offset, l->source.size, sum);
	if (r < 0)
		return err_errno(e, r, "layer %.12s: cannot read its blob", l->diff_id);
	return strcmp(sum, l->digest) ? fill_wrong_blob(l, sum, e) : 0;
}

/* What need not be unpacked: layers of the store, and those that came in passing. */
static int find_ready(struct load *ld, struct err *e)
{
	for (size_t i = 0; i < ld->fill.plan.layer_count; i++) {
		struct plan_layer *l = ld->fill.plan.layers[i];
		const struct archive_member *m = l->source.member;
		int r = 0;
		if (ld->archive.form == ARCHIVE_STREAM)
			r = fill_check(l, &m->layer, e);
		if (r == 0)
			r = stage_has_layer(&ld->fill.stage, ld->fill.store, l->diff_id, &l->size,
					    e);
		if (r < 0)
			return r;
		if (r > 0 && ld->archive.form != ARCHIVE_STREAM && check_blob(l, e) < 0)
			return -e->number;
		l->ready = r > 0 || ld->archive.form == ARCHIVE_STREAM;
		if (r == 0 && l->ready) {
			l->folder = arena_printf(ld->fill.arena, "%u", m->number);
			l->size = (int64_t)m->layer.size;
		}
		if (l->ready)
			fill_tell(&ld->fill, l, i, 0, true, r > 0);
	}
	return 0;
}

static void fill_result(struct load *ld, const struct plan_image *from, struct image_loaded *to)
{
	const struct stage_name *names = from->names.items;
	memcpy(to->id, from->id, sizeof(to->id));
	for (size_t i = 0; i < from->names.count; i++) {
		struct image_reference ref;
		if (image_reference_parse(names[i].name, ld->fill.arena, &ref, ERR_IGNORED) == 0)
			strv_push(ld->fill.arena, &to->tags,
				  image_reference_familiar(&ref, ld->fill.arena));
	}
}

static void cleanup_load(struct load *ld)
{
	/* In a folder every layer is a file of its own, else all are the caller's descriptor. */
	for (size_t i = 0; ld->archive.form == ARCHIVE_FOLDER && i < ld->fill.plan.layer_count; i++)
		fd_drop(&ld->fill.plan.layers[i]->source.fd);
	stage_close(&ld->fill.stage);
}

static int load_fd(struct image_store *s, const struct image_load *req, int fd, struct arena *a,
		   struct image_loaded **ret, size_t *ret_count, struct err *e)
{
	CLEANUP(cleanup_load)
	struct load ld = {.req = req,
			  .fill = {.store = s,
				   .stage = STAGE_NONE,
				   .arena = a,
				   .limits = req->limits,
				   .progress = req->progress,
				   .ctx = req->ctx,
				   .jobs = JOBS,
				   .room = (size_t)JOBS * FILL_ZSTD_WEIGHT,
				   .event = "load",
				   .other = -1}};
	struct plan *p = &ld.fill.plan;
	int r = stage_sweep(s, e);
	if (r == 0)
		r = stage_open(&ld.fill.stage, s, e);
	if (r == 0)
		r = archive_open(&ld.archive, s, fd, &ld.fill.stage, req, a, e);
	*p = (struct plan){.archive = &ld.archive, .platform = req->platform, .arena = a};
	if (r == 0)
		r = plan_make(p, e);
	if (r == 0)
		r = find_ready(&ld, e);
	if (r == 0)
		r = fill_layers(&ld.fill, e);
	if (r == 0)
		r = fill_commit(&ld.fill, e);
	if (r < 0)
		return r;
	*ret = arena_array(a, p->count, sizeof(**ret));
	*ret_count = p->count;
	for (size_t i = 0; i < p->count; i++)
		fill_result(&ld, &p->images[i], &(*ret)[i]);
	return 0;
}

int image_load(struct image_store *s, const struct image_load *req, struct arena *a,
	       struct image_loaded **ret, size_t *ret_count, struct err *e)
{
	CLEANUP_FD int opened = -1;
	if (req->fd < 0) {
		opened = open(req->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
		if (opened < 0)
			return err_errno(e, errno, "cannot open %s", req->path);
	}
	int r = load_fd(s, req, req->fd < 0 ? opened : req->fd, a, ret, ret_count, e);
	bool named = req->path && strcmp(req->path, "-");
	return r < 0 ? err_context(e, "cannot load %s", named ? req->path : "the archive") : 0;
}
