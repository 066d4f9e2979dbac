/* SPDX-License-Identifier: Apache-2.0 */
/* Rests on open(2) with O_TMPFILE. Read repack.h first, then unpack/pack.c. */
#include "image/repack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/json.h"
#include "image/unpack_job.h"

/* The tree was not removed meanwhile: that begins with taking its name away. */
static int check_there(struct image_store *s, int folder, const char *path, struct err *e)
{
	struct stat was, is;
	if (fstat(folder, &was) == 0 && fstatat(s->root_fd, path, &is, 0) == 0 &&
	    was.st_ino == is.st_ino && was.st_dev == is.st_dev)
		return 0;
	return err_set(e, ENOENT, ERR_NOT_FOUND, "the image was removed meanwhile");
}

void repack_stop(struct repack *r)
{
	unpack_stop(&r->job);
	fd_drop(&r->folder);
	fd_drop(&r->file);
}

/* Into a new file: what a first try wrote into another counts for nothing. */
static int start(struct image_store *s, struct repack *r, bool replay, struct err *e)
{
	fd_drop(&r->file);
	r->file = openat(s->root_fd, "layers", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (r->file < 0)
		return err_errno(e, errno, "cannot pack a layer");
	if (!replay)
		return unpack_start_pack(
			&r->job, s->libexec, r->folder, "", "./",
			UNPACK_WHITEOUTS | UNPACK_SUMS | (r->gzip ? UNPACK_GZIP : 0), r->file, e);
	char path[ID_LEN + 16];
	snprintf(path, sizeof(path), "layers/%s", r->diff_id);
	CLEANUP_FD int whole = dir_open(s->root_fd, path, e);
	return whole < 0 ? whole
			 : unpack_start_replay(&r->job, s->libexec, whole, r->gzip, r->file, e);
}

int repack_begin(struct image_store *s, const char *diff_id, bool gzip, struct repack *r,
		 struct err *e)
{
	char layout[ID_LEN + 16];
	*r = (struct repack)REPACK_NONE;
	r->gzip = gzip;
	snprintf(r->diff_id, sizeof(r->diff_id), "%s", diff_id);
	snprintf(r->path, sizeof(r->path), "layers/%s/fs", diff_id);
	snprintf(layout, sizeof(layout), "layers/%s/layout", diff_id);
	r->folder = dir_open(s->root_fd, r->path, e);
	if (r->folder < 0)
		return r->folder;
	r->replay = file_exists(s->root_fd, layout);
	return start(s, r, r->replay, e);
}

/* The tree may not have all that the tar had: then it is another layer. */
static int finish(struct image_store *s, struct repack *r, struct err *e)
{
	static const struct unpack_events none;
	int n = unpack_finish(&r->job, &none, e);
	if (!r->replay || (n == 0 && !strcmp(r->job.layer.diff_id, r->diff_id)) ||
	    (n < 0 && n != -EILSEQ))
		return n;
	n = start(s, r, false, e);
	return n < 0 ? n : unpack_finish(&r->job, &none, e);
}

int repack_end(struct image_store *s, struct repack *r, int *ret_fd, struct blob *ret,
	       struct err *e)
{
	const struct unpack_layer *l = &r->job.layer;
	int n = finish(s, r, e);
	if (n == 0)
		n = check_there(s, r->folder, r->path, e);
	if (n < 0)
		return n;
	*ret = (struct blob){.size = l->packed,
			     .type = r->gzip ? OCI_TYPE("layer.v1.tar+gzip")
					     : OCI_TYPE("layer.v1.tar")};
	memcpy(ret->digest, l->digest, sizeof(ret->digest));
	memcpy(ret->diff_id, l->diff_id, sizeof(ret->diff_id));
	*ret_fd = fd_steal(&r->file);
	return 0;
}

static char *digest_text(const char *hex, struct arena *a)
{
	return arena_printf(a, "sha256:%s", hex);
}

static char *print(struct json_object *o, struct arena *a)
{
	return arena_strdup(a, json_object_to_json_string_ext(
				       o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
}

int repack_config(const struct image *image, const struct blob *layers, struct arena *a, char **ret,
		  struct err *e)
{
	CLEANUP_JSON struct json_object *o = NULL;
	CLEANUP_JSON struct json_object *ids = json_object_new_array();
	struct json_object *rootfs;
	bool same = true;
	for (size_t i = 0; i < image->layer_count; i++) {
		same &= !strcmp(layers[i].diff_id,
				image->layers[image->layer_count - 1 - i].diff_id);
		json_object_array_add(ids,
				      json_object_new_string(digest_text(layers[i].diff_id, a)));
	}
	*ret = image->config_text;
	if (same)
		return 0;
	int r = json_parse(image->config_text, strlen(image->config_text), &o, e);
	if (r == 0 && !json_object_object_get_ex(o, "rootfs", &rootfs))
		r = err_set(e, EBADMSG, ERR_INTERNAL, "its config has no rootfs");
	if (r < 0)
		return r;
	json_object_object_add(rootfs, "diff_ids", ptr_steal(ids));
	*ret = print(o, a);
	return 0;
}

struct json_object *repack_descriptor(const char *type, const struct blob *b, struct arena *a)
{
	struct json_object *o = json_object_new_object();
	json_add_string(o, "mediaType", type);
	json_add_string(o, "digest", digest_text(b->digest, a));
	json_add_int(o, "size", (int64_t)b->size);
	return o;
}

char *repack_manifest(const struct blob *config, const struct blob *layers, size_t count,
		      struct arena *a)
{
	CLEANUP_JSON struct json_object *o = json_object_new_object();
	struct json_object *list = json_object_new_array();
	json_add_int(o, "schemaVersion", 2);
	json_add_string(o, "mediaType", OCI_TYPE("manifest.v1+json"));
	json_object_object_add(o, "config",
			       repack_descriptor(OCI_TYPE("config.v1+json"), config, a));
	for (size_t i = 0; i < count; i++)
		json_object_array_add(list, repack_descriptor(layers[i].type, &layers[i], a));
	json_object_object_add(o, "layers", list);
	return print(o, a);
}
