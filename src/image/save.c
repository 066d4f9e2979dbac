/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images as an archive: an OCI layout with docker's manifest.json beside it, as docker writes since
 * version 25, so that every reader of either form takes it.
 *
 * Layers are made again byte for byte from what the store has of them, see repack.h: whoever loads
 * the archive has the same image.
 *
 * A member's size stands before it, so each layer is first packed into a file without a name below
 * --root. Read image.h first, then unpack/pack.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/event.h"
#include "base/fd.h"
#include "base/json.h"
#include "image/digest.h"
#include "image/plan.h"
#include "image/repack.h"

enum { TAR_BLOCK = 512, COPY_BLOCK = 64 << 10 };
#define BLOB "blobs/sha256/"

struct saved_layer {
	const char *diff_id; /* in the store */
	struct blob blob;
};
struct saved_image {
	struct image image;
	struct strv tags;         /* full names */
	const struct blob *blobs; /* of its layers, the lowest first */
	struct blob config, manifest;
};
struct save {
	struct image_store *store;
	const struct image_save *req;
	struct arena *arena;
	struct image *all; /* of the store */
	size_t all_count;
	struct saved_image *images;
	size_t image_count;
	struct saved_layer *layers;
	size_t layer_count;
	struct err *e;
};

/* --- the tar around it all --- */

static int put(struct save *s, const void *data, size_t len)
{
	int r = fd_write_full(s->req->fd, data, len);
	return r < 0 ? err_errno(s->e, r, "cannot write the archive") : 0;
}

/* ustar; a size of 8 GiB and more in base 256, as GNU's tar does. */
static int put_header(struct save *s, const char *name, uint64_t size)
{
	char h[TAR_BLOCK] = "";
	unsigned sum = 0;
	snprintf(h, 100, "%s", name);
	memcpy(h + 100, "0000644\0000000000\0000000000", 24);
	snprintf(h + 124, 12, "%011llo", (unsigned long long)size & 077777777777);
	if (size >> 33) {
		for (int i = 11; i > 0; i--, size >>= 8)
			h[124 + i] = (char)(size & 0xff);
		h[124] = (char)0x80;
	}
	memcpy(h + 136, "00000000000", 12);
	memset(h + 148, ' ', 8);
	h[156] = '0';
	memcpy(h + 257, "ustar\00000", 8);
	for (size_t i = 0; i < sizeof(h); i++)
		sum += (unsigned char)h[i];
	snprintf(h + 148, 8, "%06o", sum);
	return put(s, h, sizeof(h));
}

static int put_padding(struct save *s, uint64_t size)
{
	static const char zeros[TAR_BLOCK];
	return put(s, zeros, (TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK);
}

static int put_text(struct save *s, const char *name, const char *text)
{
	size_t len = strlen(text);
	int r = put_header(s, name, len);
	if (r == 0)
		r = put(s, text, len);
	return r < 0 ? r : put_padding(s, len);
}

static int put_blob_text(struct save *s, const char *text, struct blob *ret)
{
	char name[sizeof(BLOB) + ID_LEN];
	ret->size = strlen(text);
	digest_sha256(text, ret->size, ret->digest);
	snprintf(name, sizeof(name), BLOB "%s", ret->digest);
	return put_text(s, name, text);
}

static int put_file(struct save *s, int fd, const struct blob *b)
{
	static char block[COPY_BLOCK];
	char name[sizeof(BLOB) + ID_LEN];
	snprintf(name, sizeof(name), BLOB "%s", b->digest);
	int r = put_header(s, name, b->size);
	for (uint64_t at = 0; r == 0 && at < b->size;) {
		ssize_t n = TEMP_FAILURE_RETRY(pread(fd, block, sizeof(block), (off_t)at));
		if (n <= 0)
			return err_errno(s->e, n < 0 ? errno : EIO, "cannot read a packed layer");
		r = put(s, block, (size_t)n);
		at += (uint64_t)n;
	}
	return r < 0 ? r : put_padding(s, b->size);
}

static int put_json(struct save *s, const char *name, struct json_object *o, struct blob *ret)
{
	const char *text = json_object_to_json_string_ext(
		o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
	return ret ? put_blob_text(s, text, ret) : put_text(s, name, text);
}

/* --- layers --- */

static int save_layer(struct save *s, const char *diff_id)
{
	CLEANUP_REPACK struct repack pack = REPACK_NONE;
	CLEANUP_FD int file = -1;
	for (size_t i = 0; i < s->layer_count; i++)
		if (!strcmp(s->layers[i].diff_id, diff_id))
			return 0;
	struct saved_layer *l = &s->layers[s->layer_count];
	int r = repack_begin(s->store, diff_id, false, &pack, s->e);
	if (r == 0)
		r = repack_end(s->store, &pack, &file, &l->blob, s->e);
	if (r < 0)
		return r;
	s->layer_count++;
	l->diff_id = diff_id;
	/* Two layers that were different tars may be one by now. */
	for (size_t i = 0; i + 1 < s->layer_count; i++)
		if (!strcmp(s->layers[i].blob.digest, l->blob.digest))
			return 0;
	return put_file(s, file, &l->blob);
}

/* The lowest first. */
static const struct blob *blobs_of(const struct save *s, const struct image *image)
{
	struct blob *blobs = arena_array(s->arena, image->layer_count + 1, sizeof(*blobs));
	for (size_t i = 0; i < image->layer_count; i++) {
		const char *diff_id = image->layers[image->layer_count - 1 - i].diff_id;
		size_t k = 0;
		while (strcmp(s->layers[k].diff_id, diff_id))
			k++;
		blobs[i] = s->layers[k].blob;
	}
	return blobs;
}

/* --- documents --- */

static int save_image(struct save *s, struct saved_image *im)
{
	int r = 0;
	for (size_t i = im->image.layer_count; r == 0 && i > 0; i--)
		r = save_layer(s, im->image.layers[i - 1].diff_id);
	const struct image *image = &im->image;
	char *config;
	im->blobs = r < 0 ? NULL : blobs_of(s, image);
	if (r == 0)
		r = repack_config(image, im->blobs, s->arena, &config, s->e);
	if (r == 0)
		r = put_blob_text(s, config, &im->config);
	if (r == 0)
		r = put_blob_text(
			s, repack_manifest(&im->config, im->blobs, image->layer_count, s->arena),
			&im->manifest);
	return r < 0 ? err_context(s->e, "image %.12s", im->image.id) : 0;
}

/* @tag: a full name, or NULL. */
static struct json_object *index_entry(struct save *s, const struct saved_image *im,
				       const char *tag)
{
	struct json_object *o =
		repack_descriptor(OCI_TYPE("manifest.v1+json"), &im->manifest, s->arena);
	if (!tag)
		return o;
	struct json_object *names = json_object_new_object();
	json_add_string(names, "io.containerd.image.name", tag);
	json_add_string(names, "org.opencontainers.image.ref.name", strrchr(tag, ':') + 1);
	json_object_object_add(o, "annotations", names);
	return o;
}

static int save_index(struct save *s)
{
	CLEANUP_JSON struct json_object *o = json_object_new_object();
	struct json_object *list = json_object_new_array();
	for (size_t i = 0; i < s->image_count; i++) {
		const struct saved_image *im = &s->images[i];
		for (size_t k = 0; k < im->tags.count; k++)
			json_object_array_add(list, index_entry(s, im, im->tags.items[k]));
		if (!im->tags.count)
			json_object_array_add(list, index_entry(s, im, NULL));
	}
	json_add_int(o, "schemaVersion", 2);
	json_add_string(o, "mediaType", OCI_TYPE("index.v1+json"));
	json_object_object_add(o, "manifests", list);
	int r = put_json(s, "index.json", o, NULL);
	return r < 0 ? r : put_text(s, "oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}");
}

/* docker's own list, in the names that it shows. */
static int save_list(struct save *s)
{
	CLEANUP_JSON struct json_object *list = json_object_new_array();
	for (size_t i = 0; i < s->image_count; i++) {
		const struct saved_image *im = &s->images[i];
		struct json_object *o = json_object_new_object(), *layers = json_object_new_array();
		struct strv tags = {0};
		for (size_t k = 0; k < im->tags.count; k++) {
			struct image_reference ref;
			if (image_reference_parse(im->tags.items[k], s->arena, &ref, s->e) == 0)
				strv_push(s->arena, &tags,
					  image_reference_familiar(&ref, s->arena));
		}
		for (size_t k = 0; k < im->image.layer_count; k++)
			json_object_array_add(
				layers, json_object_new_string(arena_printf(s->arena, BLOB "%s",
									    im->blobs[k].digest)));
		json_add_string(o, "Config", arena_printf(s->arena, BLOB "%s", im->config.digest));
		json_object_object_add(o, "RepoTags", tags.count ? json_of_strv(&tags) : NULL);
		json_object_object_add(o, "Layers", layers);
		json_object_array_add(list, o);
	}
	return put_json(s, "manifest.json", list, NULL);
}

/* --- which images, and by which names --- */

static struct saved_image *image_slot(struct save *s, const struct image *image)
{
	for (size_t i = 0; i < s->image_count; i++)
		if (!strcmp(s->images[i].image.id, image->id))
			return &s->images[i];
	s->images[s->image_count] = (struct saved_image){.image = *image};
	return &s->images[s->image_count++];
}

static void add_tag(struct save *s, struct saved_image *im, const char *name)
{
	for (size_t i = 0; i < im->tags.count; i++)
		if (!strcmp(im->tags.items[i], name))
			return;
	strv_push(s->arena, &im->tags, name);
}

int image_platform_check(const struct image *image, const char *name, const char *platform,
			 struct err *e)
{
	const struct oci_image *c = &image->config;
	const struct plan wanted = {.platform = platform};
	if (!platform || plan_platform_fits(&wanted, c->os, c->architecture, c->variant))
		return 0;
	return err_set(e, ENOENT, ERR_NOT_FOUND,
		       "image with reference %s was found but does not provide the specified "
		       "platform (%s)",
		       name, platform);
}

int image_require_platform(struct image_store *s, const char *name, const char *platform,
			   struct arena *a, struct err *e)
{
	struct image image;
	int r = platform ? image_find_config(s, name, a, &image, e) : 0;
	return r < 0 || !platform ? r : image_platform_check(&image, name, platform, e);
}

static int choose_image(struct save *s, const struct image *image, const char *name,
			const char *full)
{
	int r = image_platform_check(image, name, s->req->platform, s->e);
	if (r < 0)
		return r;
	struct saved_image *im = image_slot(s, image);
	for (size_t i = 0; full && i < image->names.count; i++)
		if (!strcmp(image->names.items[i], full))
			add_tag(s, im, full);
	return 0;
}

/* As docker: with that name; by a name without a tag, all that have it, with all its tags; by an
 * id, with none. */
static int choose(struct save *s, const char *name)
{
	struct image image;
	struct image_reference ref;
	const char *slash = strrchr(name, '/');
	bool named = image_reference_parse(name, s->arena, &ref, ERR_IGNORED) == 0 && !ref.digest;
	size_t before = s->image_count;
	int r = 0;
	if (named && !strchr(slash ? slash : name, ':')) {
		char *stem = image_reference_full(&ref, s->arena);
		size_t len = strlen(stem) - strlen("latest");
		for (size_t i = 0; r == 0 && i < s->all_count; i++)
			for (size_t k = 0; r == 0 && k < s->all[i].names.count; k++)
				if (!strncmp(s->all[i].names.items[k], stem, len))
					r = choose_image(s, &s->all[i], name,
							 s->all[i].names.items[k]);
		if (r < 0 || s->image_count > before)
			return r;
	}
	r = image_find(s->store, name, s->arena, &image, s->e);
	return r < 0 ? r
		     : choose_image(s, &image, name,
				    named ? image_reference_full(&ref, s->arena) : NULL);
}

int image_save(struct image_store *store, const struct image_save *req, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	struct save s = {.store = store, .req = req, .arena = &a, .e = e};
	static const char end[2 * TAR_BLOCK];
	size_t layers = 0;
	int r = image_list(store, NULL, &a, &s.all, &s.all_count, e);
	if (r < 0)
		return r;
	s.images = arena_array(&a, s.all_count + req->names.count, sizeof(*s.images));
	for (size_t i = 0; r == 0 && i < req->names.count; i++)
		r = choose(&s, req->names.items[i]);
	for (size_t i = 0; i < s.image_count; i++)
		layers += s.images[i].image.layer_count;
	s.layers = arena_array(&a, layers + 1, sizeof(*s.layers));
	for (size_t i = 0; r == 0 && i < s.image_count; i++)
		r = save_image(&s, &s.images[i]);
	if (r == 0)
		r = save_index(&s);
	if (r == 0)
		r = save_list(&s);
	if (r == 0)
		r = put(&s, end, sizeof(end));
	struct err ignored; /* it may be gone meanwhile, and is saved all the same */
	for (size_t i = 0; r == 0 && i < s.image_count; i++)
		event_image(store->db, &ignored, s.images[i].image.id, "save", NULL);
	return r;
}
