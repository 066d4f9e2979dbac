/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading an archive: look at it (archive.h), make a plan (plan.h), unpack what the store has not
 * got, two layers at a time, check every diff id, commit (stage.h). Nothing of the image is visible
 * before the commit, and nothing of a failed load stays. Read those headers first.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "image/digest.h"
#include "image/plan.h"
#include "image/unpack_job.h"

enum { JOBS = 2 };

struct load {
	struct image_store *store;
	const struct image_load *req;
	struct stage stage;
	struct archive archive;
	struct plan plan;
	struct arena *arena;
};

/* One layer that is being unpacked. */
struct work {
	struct load *load;
	struct plan_layer *layer; /* NULL: idle */
	size_t index;
	struct unpack_job job;
};

static void tell(struct load *ld, struct plan_layer *l, size_t index, uint64_t done, bool finished,
		 bool existed)
{
	if (!ld->req->progress)
		return;
	char name[ID_SHORT_LEN + 1];
	snprintf(name, sizeof(name), "%.*s", ID_SHORT_LEN, l->diff_id);
	struct image_progress p = {
		.layer = name,
		.index = index,
		.count = ld->plan.layer_count,
		.done = done,
		.total = l->source.member ? l->source.member->size : l->source.size,
		.finished = finished,
		.existed = existed,
	};
	ld->req->progress(&p, ld->req->ctx);
}

static void on_progress(void *ctx, uint64_t done)
{
	struct work *w = ctx;
	tell(w->load, w->layer, w->index, done, false, false);
}

static int wrong_blob(const struct plan_layer *l, const char *digest, struct err *e)
{
	return err_set(e, EBADMSG, ERR_INVALID,
		       "layer %.12s: the blob has sha256 %s, the manifest says %s", l->diff_id,
		       digest, l->digest);
}

static int check_layer(const struct plan_layer *l, const struct unpack_layer *got, struct err *e)
{
	if (strcmp(got->diff_id, l->diff_id))
		return err_set(e, EBADMSG, ERR_INVALID,
			       "layer %.12s: the unpacked bytes have sha256 %s, the config says %s",
			       l->diff_id, got->diff_id, l->diff_id);
	return *l->digest && strcmp(got->digest, l->digest) ? wrong_blob(l, got->digest, e) : 0;
}

static int begin(struct work *w, struct plan_layer *l, size_t index, struct err *e)
{
	struct load *ld = w->load;
	struct unpack_request q = {
		.version = UNPACK_VERSION,
		.mode = UNPACK_LAYER,
		.seekable = true,
		.offset = l->source.offset,
		.size = l->source.size,
	};
	unpack_limits(&q, &ld->req->limits);
	l->folder = arena_printf(ld->arena, "layer-%zu", index);
	CLEANUP_FD int folder = stage_make_dir(&ld->stage, l->folder, e);
	if (folder < 0)
		return folder;
	int r = unpack_start(&w->job, ld->store->libexec, &q, l->source.fd, folder, e);
	w->layer = r < 0 ? NULL : l;
	w->index = index;
	return r;
}

/* A message from this job has arrived. */
static int step(struct work *w, struct err *e)
{
	struct unpack_events on = {.progress = on_progress, .ctx = w};
	struct plan_layer *l = w->layer;
	int r = unpack_handle(&w->job, &on, e);
	if (r > 0)
		return 0;
	w->layer = NULL;
	if (r < 0)
		return err_context(e, "layer %.12s", l->diff_id);
	r = check_layer(l, &w->job.layer, e);
	l->ready = r == 0;
	l->size = (int64_t)w->job.layer.size;
	if (r == 0)
		tell(w->load, l, w->index, w->job.layer.packed, true, false);
	return r;
}

/* Give every idle worker a layer. How many work? */
static int employ(struct work *works, struct plan *p, size_t *next, struct err *e)
{
	int busy = 0;
	for (size_t i = 0; i < JOBS; i++) {
		while (!works[i].layer && *next < p->layer_count) {
			size_t index = (*next)++;
			if (p->layers[index]->ready)
				continue;
			int r = begin(&works[i], p->layers[index], index, e);
			if (r < 0)
				return r;
		}
		busy += works[i].layer != NULL;
	}
	return busy;
}

static int wait_any(struct work *works, struct err *e)
{
	struct pollfd p[JOBS];
	for (size_t i = 0; i < JOBS; i++)
		p[i] = (struct pollfd){works[i].layer ? works[i].job.sock : -1, POLLIN, 0};
	int r = TEMP_FAILURE_RETRY(poll(p, JOBS, -1));
	if (r < 0)
		return err_errno(e, errno, "cannot wait for hull-unpack");
	for (size_t i = 0; i < JOBS; i++)
		if (p[i].revents && (r = step(&works[i], e)) < 0)
			return r;
	return 0;
}

static void stop_works(struct work (*works)[JOBS])
{
	for (size_t i = 0; i < JOBS; i++)
		if ((*works)[i].layer)
			unpack_stop(&(*works)[i].job);
}

static int unpack_layers(struct load *ld, struct err *e)
{
	CLEANUP(stop_works) struct work works[JOBS] = {{.load = ld}, {.load = ld}};
	size_t next = 0;
	int r;
	while ((r = employ(works, &ld->plan, &next, e)) > 0)
		if ((r = wait_any(works, e)) < 0)
			break;
	return r;
}

/* A layer of the store is not unpacked again; its blob must still be what the manifest says. */
static int check_blob(const struct plan_layer *l, struct err *e)
{
	char sum[ID_LEN + 1];
	if (!*l->digest)
		return 0;
	int r = digest_sha256_file(l->source.fd, l->source.offset, l->source.size, sum);
	if (r < 0)
		return err_errno(e, r, "layer %.12s: cannot read its blob", l->diff_id);
	return strcmp(sum, l->digest) ? wrong_blob(l, sum, e) : 0;
}

/* What need not be unpacked: layers of the store, and those that came in passing. */
static int find_ready(struct load *ld, struct err *e)
{
	for (size_t i = 0; i < ld->plan.layer_count; i++) {
		struct plan_layer *l = ld->plan.layers[i];
		const struct archive_member *m = l->source.member;
		int r = 0;
		if (ld->archive.form == ARCHIVE_STREAM)
			r = check_layer(l, &m->layer, e);
		if (r == 0)
			r = stage_has_layer(&ld->stage, ld->store, l->diff_id, &l->size, e);
		if (r < 0)
			return r;
		if (r > 0 && ld->archive.form != ARCHIVE_STREAM && check_blob(l, e) < 0)
			return -e->number;
		l->ready = r > 0 || ld->archive.form == ARCHIVE_STREAM;
		if (r == 0 && l->ready) {
			l->folder = arena_printf(ld->arena, "%u", m->number);
			l->size = (int64_t)m->layer.size;
		}
		if (l->ready)
			tell(ld, l, i, 0, true, r > 0);
	}
	return 0;
}

static void fill_image(struct load *ld, const struct plan_image *from, struct stage_image *to)
{
	size_t n = from->config.rootfs.diff_ids.count;
	*to = (struct stage_image){
		.id = from->id,
		.event = "load",
		.config_text = from->config_text,
		.layers = arena_array(ld->arena, n, sizeof(struct stage_layer)),
		.layer_count = n,
		.names = from->names.items,
		.name_count = from->names.count,
	};
	if (from->config.created && time_parse(from->config.created, &to->created) < 0)
		to->created = 0;
	for (size_t i = 0; i < n; i++)
		to->layers[i] = (struct stage_layer){
			from->layers[i]->diff_id, from->layers[i]->folder, from->layers[i]->size};
}

static void fill_result(struct load *ld, const struct plan_image *from, struct image_loaded *to)
{
	const struct stage_name *names = from->names.items;
	memcpy(to->id, from->id, sizeof(to->id));
	for (size_t i = 0; i < from->names.count; i++) {
		struct image_reference ref;
		struct err ignored = {0};
		if (image_reference_parse(names[i].name, ld->arena, &ref, &ignored) == 0)
			strv_push(ld->arena, &to->tags, image_reference_familiar(&ref, ld->arena));
	}
}

static int commit(struct load *ld, struct image_loaded **ret, size_t *ret_count, struct err *e)
{
	struct plan *p = &ld->plan;
	struct stage_image *images = arena_array(ld->arena, p->count, sizeof(*images));
	struct image_loaded *done = arena_array(ld->arena, p->count, sizeof(*done));
	for (size_t i = 0; i < p->count; i++) {
		fill_image(ld, &p->images[i], &images[i]);
		fill_result(ld, &p->images[i], &done[i]);
	}
	int r = stage_commit(&ld->stage, ld->store, images, p->count, e);
	if (r < 0)
		return r;
	*ret = done;
	*ret_count = p->count;
	return 0;
}

static void cleanup_load(struct load *ld)
{
	/* In a folder every layer is a file of its own, else all are the caller's descriptor. */
	for (size_t i = 0; ld->archive.form == ARCHIVE_FOLDER && i < ld->plan.layer_count; i++)
		fd_drop(&ld->plan.layers[i]->source.fd);
	stage_close(&ld->stage);
}

static int load_fd(struct image_store *s, const struct image_load *req, int fd, struct arena *a,
		   struct image_loaded **ret, size_t *ret_count, struct err *e)
{
	CLEANUP(cleanup_load)
	struct load ld = {.store = s, .req = req, .stage = STAGE_NONE, .arena = a};
	int r = stage_sweep(s, e);
	if (r == 0)
		r = stage_open(&ld.stage, s, e);
	if (r == 0)
		r = archive_open(&ld.archive, s, fd, &ld.stage, req, a, e);
	ld.plan = (struct plan){.archive = &ld.archive, .platform = req->platform, .arena = a};
	if (r == 0)
		r = plan_make(&ld.plan, e);
	if (r == 0)
		r = find_ready(&ld, e);
	if (r == 0)
		r = unpack_layers(&ld, e);
	return r < 0 ? r : commit(&ld, ret, ret_count, e);
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
