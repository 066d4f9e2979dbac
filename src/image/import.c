/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An image of one layer from the tar of a root file system, or of one layer more than another has,
 * with a config of hull's own making. The way of the layer is that of a load (load.c). Read image.h
 * first.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "image/digest.h"
#include "image/stage.h"
#include "image/unpack_job.h"

#define LAYER_FOLDER "layer-0"

struct import {
	struct image_store *store;
	const struct image_import *req;
	struct stage stage;
	struct unpack_layer layer;
	struct arena *arena;
};

static void on_progress(void *ctx, uint64_t done)
{
	const struct import *im = ctx;
	struct image_progress p = {.layer = "archive", .count = 1, .done = done};
	if (im->req->progress)
		im->req->progress(&p, im->req->ctx);
}

static int unpack(struct import *im, struct err *e)
{
	CLEANUP_JOB struct unpack_job j = UNPACK_JOB_NONE;
	struct stat st;
	off_t at = -1;
	if (fstat(im->req->fd, &st) < 0)
		return err_errno(e, errno, "cannot look at the archive");
	if (S_ISREG(st.st_mode))
		at = lseek(im->req->fd, 0, SEEK_CUR);
	struct unpack_request q = {
		.version = UNPACK_VERSION,
		.mode = UNPACK_LAYER,
		.seekable = at >= 0,
		.offset = at >= 0 ? (uint64_t)at : 0,
		.size = UNPACK_WHOLE,
	};
	struct unpack_events on = {.progress = on_progress, .ctx = im};
	unpack_limits(&q, &im->req->limits);
	CLEANUP_FD int folder = stage_make_dir(&im->stage, LAYER_FOLDER, e);
	if (folder < 0)
		return folder;
	int r = unpack_start(&j, im->store->libexec, &q, im->req->fd, folder, e);
	if (r == 0)
		r = im->req->packer ? unpack_finish_pair(im->req->packer, &j, &on, e)
				    : unpack_finish(&j, &on, e);
	im->layer = j.layer;
	return r;
}

static int set_platform(const char *text, struct oci_image *c, struct arena *a, struct err *e)
{
	c->os = "linux";
	c->architecture = (char *)oci_native_architecture();
	if (!text || !*text)
		return 0;
	char *rest = arena_strdup(a, text);
	char *os = strsep(&rest, "/");
	if (!rest && strcmp(os, "linux")) { /* "arm64" alone */
		rest = os;
		os = "linux";
	}
	if (strcmp(os, "linux"))
		return err_set(e, ENOTSUP, ERR_INVALID,
			       "platform %.100s: only Linux images are supported", text);
	if (rest)
		c->architecture = strsep(&rest, "/");
	c->variant = rest;
	return 0;
}

/* Those of the image below, and this one. */
static void add_history(struct import *im, struct oci_image *c)
{
	const struct image_import *q = im->req;
	const char *message = q->message ? q->message : "";
	if (!*message && !q->base)
		message = "Imported from -";
	size_t before = c->history.count;
	struct oci_history *all = arena_array(im->arena, before + 1, sizeof(*all));
	if (before)
		memcpy(all, c->history.items, before * sizeof(*all));
	all[before] = (struct oci_history){.created = c->created,
					   .created_by = (char *)q->created_by,
					   .author = (char *)q->author,
					   .comment = arena_strdup(im->arena, message)};
	c->history = (struct array){all, before + 1};
}

static int make_config(struct import *im, struct oci_image *c, struct err *e)
{
	char now[TIME_TEXT_SIZE];
	const struct image *base = im->req->base;
	*c = base ? base->config : (struct oci_image){.rootfs = {.type = "layers"}};
	c->created = arena_strdup(im->arena, time_format(clock_real_ns(), now));
	if (im->req->author)
		c->author = (char *)im->req->author;
	if (im->req->process)
		c->config = *im->req->process;
	int r = base ? 0 : set_platform(im->req->platform, c, im->arena, e);
	for (size_t i = 0; r == 0 && i < im->req->changes.count; i++)
		r = image_change_apply(im->req->changes.items[i], &c->config, im->arena, e);
	if (r < 0)
		return r;
	add_history(im, c);
	return 0;
}

static int full_name(const char *reference, struct arena *a, char **ret, struct err *e)
{
	struct image_reference ref;
	*ret = NULL;
	if (!reference || !*reference)
		return 0;
	int r = image_reference_parse(reference, a, &ref, e);
	if (r == 0 && ref.digest)
		r = err_set(e, EINVAL, ERR_INVALID, "cannot import digest reference");
	if (r == 0)
		*ret = image_reference_full(&ref, a);
	return r;
}

static int commit(struct import *im, struct oci_image *c, char *name, char ret_id[ID_LEN + 1],
		  struct err *e)
{
	char id[ID_LEN + 1];
	strv_push(im->arena, &c->rootfs.diff_ids,
		  arena_printf(im->arena, "sha256:%s", im->layer.diff_id));
	char *text = shape_print(&oci_image_shape, c, false, im->arena);
	int r = utf8_check_json(text, e);
	if (r < 0)
		return r;
	digest_sha256(text, strlen(text), id);
	const struct image *base = im->req->base;
	size_t below = base ? base->layer_count : 0;
	struct stage_layer *layers = arena_array(im->arena, below + 1, sizeof(*layers));
	for (size_t i = 0; i < below; i++) {
		const struct image_layer *l = &base->layers[below - 1 - i];
		layers[i] = (struct stage_layer){l->diff_id, NULL, l->size};
	}
	layers[below] =
		(struct stage_layer){im->layer.diff_id, LAYER_FOLDER, (int64_t)im->layer.size};
	struct stage_name named = {.name = name};
	struct stage_image image = {.id = id,
				    .event = base ? NULL : "import",
				    .config_text = text,
				    .layers = layers,
				    .layer_count = below + 1,
				    .names = &named,
				    .name_count = name != NULL};
	time_parse(c->created, &image.created);
	r = stage_commit(&im->stage, im->store, &image, 1, e);
	if (r == 0)
		memcpy(ret_id, id, sizeof(id));
	return r;
}

static void cleanup_import(struct import *im)
{
	stage_close(&im->stage);
}

int image_import(struct image_store *s, const struct image_import *req, char ret_id[ID_LEN + 1],
		 struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	CLEANUP(cleanup_import)
	struct import im = {.store = s, .req = req, .stage = STAGE_NONE, .arena = &a};
	struct oci_image config;
	char *name;
	int r = full_name(req->reference, &a, &name, e);
	if (r == 0)
		r = make_config(&im, &config, e);
	if (r == 0)
		r = stage_sweep(s, e);
	if (r == 0)
		r = stage_open(&im.stage, s, e);
	if (r == 0)
		r = unpack(&im, e);
	return r < 0 ? r : commit(&im, &config, name, ret_id, e);
}
