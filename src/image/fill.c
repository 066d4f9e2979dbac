/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hull-unpacks of a load or pull, side by side. Rests on poll(2). Read fill.h first.
 */
#include "image/fill.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "image/unpack_job.h"

/* One layer that is being unpacked. */
struct work {
	struct fill *fill;
	struct plan_layer *layer; /* NULL: idle */
	size_t index;
	struct unpack_job job;
};
struct works {
	struct work items[FILL_JOBS_MAX];
};

void fill_tell(struct fill *f, const struct plan_layer *l, size_t index, uint64_t done,
	       bool finished, bool existed)
{
	if (!f->progress)
		return;
	char name[ID_SHORT_LEN + 1];
	snprintf(name, sizeof(name), "%.*s", ID_SHORT_LEN, f->by_blob ? l->digest : l->diff_id);
	struct image_progress p = {
		.layer = name,
		.index = index,
		.count = f->plan.layer_count,
		.done = done,
		.total = l->source.member ? l->source.member->size : l->source.size,
		.finished = finished,
		.existed = existed,
	};
	f->progress(&p, f->ctx);
}

static void on_progress(void *ctx, uint64_t done)
{
	struct work *w = ctx;
	fill_tell(w->fill, w->layer, w->index, done, false, false);
}

int fill_wrong_blob(const struct plan_layer *l, const char *digest, struct err *e)
{
	return err_set(e, EBADMSG, ERR_INVALID,
		       "layer %.12s: the blob has sha256 %s, the manifest says %s", l->diff_id,
		       digest, l->digest);
}

int fill_check(const struct plan_layer *l, const struct unpack_layer *got, struct err *e)
{
	/* The blob first: where that is wrong, the rest is a consequence. */
	if (*l->digest && strcmp(got->digest, l->digest))
		return fill_wrong_blob(l, got->digest, e);
	if (strcmp(got->diff_id, l->diff_id))
		return err_set(e, EBADMSG, ERR_INVALID,
			       "layer %.12s: the unpacked bytes have sha256 %s, the config says %s",
			       l->diff_id, got->diff_id, l->diff_id);
	return 0;
}

static bool is_zstd(const struct plan_layer *l)
{
	size_t n = l->media_type ? strlen(l->media_type) : 0;
	return n > 4 && !strcmp(l->media_type + n - 4, "zstd");
}

static size_t weight(const struct plan_layer *l)
{
	return is_zstd(l) ? FILL_ZSTD_WEIGHT : 1;
}

static int begin(struct work *w, struct plan_layer *l, size_t index, struct err *e)
{
	struct fill *f = w->fill;
	struct unpack_request q = {
		.version = UNPACK_VERSION,
		.mode = UNPACK_LAYER,
		.seekable = !f->open,
		.flags = f->open && !is_zstd(l) ? UNPACK_SMALL_WINDOW : 0,
		.offset = l->source.offset,
		.size = l->source.size,
	};
	unpack_limits(&q, &f->limits);
	l->folder = arena_printf(f->arena, "layer-%zu", index);
	CLEANUP_FD int folder = stage_make_dir(&f->stage, l->folder, e);
	if (folder < 0)
		return folder;
	CLEANUP_FD int pipe = f->open ? f->open(f, l, index, e) : -1;
	if (f->open && pipe < 0)
		return pipe;
	int r = unpack_start(&w->job, f->store->libexec, &q, f->open ? pipe : l->source.fd, folder,
			     e);
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
	r = fill_check(l, &w->job.layer, e);
	l->ready = r == 0;
	l->size = (int64_t)w->job.layer.size;
	if (r < 0)
		return r;
	l->folder = stage_keep(&w->fill->stage, l->folder, l->diff_id, l->size, w->fill->arena);
	fill_tell(w->fill, l, w->index, w->job.layer.packed, true, false);
	return 0;
}

static size_t room_taken(const struct works *works)
{
	size_t taken = 0;
	for (size_t i = 0; i < FILL_JOBS_MAX; i++)
		taken += works->items[i].layer ? weight(works->items[i].layer) : 0;
	return taken;
}

/* Give every idle worker a layer, if there is room for it. How many work? */
static int employ(struct fill *f, struct works *works, size_t *next, struct err *e)
{
	struct plan *p = &f->plan;
	int busy = 0;
	for (size_t i = 0; i < f->jobs; i++) {
		struct work *w = &works->items[i];
		w->fill = f;
		while (*next < p->layer_count && p->layers[*next]->ready)
			(*next)++;
		if (!w->layer && *next < p->layer_count &&
		    room_taken(works) + weight(p->layers[*next]) <= f->room) {
			int r = begin(w, p->layers[*next], *next, e);
			if (r < 0)
				return r;
			(*next)++;
		}
		busy += w->layer != NULL;
	}
	return busy;
}

/* Whoever feeds the failed one may have the reason; it was sent before. */
static int explain(struct fill *f, int r, struct err *e)
{
	struct err why;
	struct pollfd p = {f->other, POLLIN, 0};
	while (f->other >= 0 && poll(&p, 1, 0) > 0 && p.revents) {
		int n = f->heard(f, &why);
		if (n >= 0)
			continue;
		*e = why;
		return n;
	}
	return r;
}

static int wait_any(struct fill *f, struct works *works, struct err *e)
{
	struct pollfd p[FILL_JOBS_MAX + 1];
	for (size_t i = 0; i < f->jobs; i++) {
		const struct work *w = &works->items[i];
		p[i] = (struct pollfd){w->layer ? w->job.helper.sock : -1, POLLIN, 0};
	}
	p[f->jobs] = (struct pollfd){f->other, POLLIN, 0};
	int r = TEMP_FAILURE_RETRY(poll(p, f->jobs + 1, -1));
	if (r < 0)
		return err_errno(e, errno, "cannot wait for hull-unpack");
	if (p[f->jobs].revents && (r = f->heard(f, e)) < 0)
		return r;
	for (size_t i = 0; i < f->jobs; i++)
		if (p[i].revents && (r = step(&works->items[i], e)) < 0)
			return explain(f, r, e);
	return 0;
}

static void stop_works(struct works *works)
{
	for (size_t i = 0; i < FILL_JOBS_MAX; i++)
		if (works->items[i].layer)
			unpack_stop(&works->items[i].job);
}

int fill_layers(struct fill *f, struct err *e)
{
	CLEANUP(stop_works) struct works works = {0};
	size_t next = 0;
	int r;
	while ((r = employ(f, &works, &next, e)) > 0)
		if ((r = wait_any(f, &works, e)) < 0)
			break;
	return r;
}

static void fill_image(struct fill *f, const struct plan_image *from, struct stage_image *to)
{
	size_t n = from->config.rootfs.diff_ids.count;
	*to = (struct stage_image){
		.id = from->id,
		.event = f->event,
		.config_text = from->config_text,
		.layers = arena_array(f->arena, n, sizeof(struct stage_layer)),
		.layer_count = n,
		.names = from->names.items,
		.name_count = from->names.count,
		.manifest = from->manifest,
	};
	if (from->config.created && time_parse(from->config.created, &to->created) < 0)
		to->created = 0;
	for (size_t i = 0; i < n; i++)
		to->layers[i] = (struct stage_layer){
			from->layers[i]->diff_id, from->layers[i]->folder, from->layers[i]->size};
}

int fill_commit(struct fill *f, struct err *e)
{
	struct plan *p = &f->plan;
	struct stage_image *images = arena_array(f->arena, p->count, sizeof(*images));
	for (size_t i = 0; i < p->count; i++)
		fill_image(f, &p->images[i], &images[i]);
	return stage_commit(&f->stage, f->store, images, p->count, e);
}
