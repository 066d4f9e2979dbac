/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From what a user typed to an image. A name wins over an id, as in docker: an image called "cafe"
 * is found as such although another image's id may begin with it. Read image.h first.
 */
#include <errno.h>
#include <string.h>

#include "image/registry/registries.h"
#include "image/rows.h"

/* Ids are shorter than this; what is longer cannot be a prefix of one. */
#define ID_PREFIX "sha256:"

static int query_id(struct image_store *s, const char *sql, const char *key, char *ret,
		    struct err *e)
{
	CLEANUP_STMT sqlite3_stmt *q = NULL;
	int r = db_first(s->db, &q, e, sql, "s", key);
	if (r > 0)
		memccpy(ret, db_text(q, 0), '\0', ID_LEN + 1);
	return r;
}

/* 1: found, 0: there is no such name. */
static int by_name(struct image_store *s, const char *name, struct arena *a, char *ret_id,
		   char **ret_name, struct err *e)
{
	struct image_reference ref;
	if (image_reference_parse(name, a, &ref, ERR_IGNORED) < 0)
		return 0;
	char *full = image_reference_full(&ref, a);
	int r = query_id(s, "SELECT image FROM reference WHERE name = ?1", full, ret_id, e);
	if (r > 0)
		*ret_name = full;
	if (r != 0 || !ref.digest)
		return r;
	/* NAME@DIGEST: any tag of that repository that came by this manifest. */
	CLEANUP_STMT sqlite3_stmt *q = NULL;
	char *prefix = arena_printf(a, "%s/%s:", ref.domain, ref.path);
	r = db_first(s->db, &q, e,
		     "SELECT image, name FROM reference WHERE digest = ?1 AND "
		     "substr(name, 1, length(?2)) = ?2 ORDER BY name",
		     "ss", ref.digest, prefix);
	if (r > 0) {
		memccpy(ret_id, db_text(q, 0), '\0', ID_LEN + 1);
		*ret_name = arena_strdup(a, db_text(q, 1));
	}
	return r;
}

/* 1: found, 0: no id begins so, -EINVAL: several do. */
static int by_id(struct image_store *s, const char *name, char *ret_id, struct err *e)
{
	const char *hex = strncmp(name, ID_PREFIX, 7) ? name : name + 7;
	size_t len = strlen(hex);
	if (len == 0 || len > ID_LEN || !id_is_hex(hex, len))
		return 0;
	CLEANUP_STMT sqlite3_stmt *q = NULL;
	/* 'g' sorts behind every hex digit: the range of ids with this prefix, by the index. */
	int r = db_first(s->db, &q, e,
			 "SELECT id FROM image WHERE id >= ?1 AND id < ?1 || 'g' LIMIT 2", "s",
			 hex);
	if (r <= 0)
		return r;
	memccpy(ret_id, db_text(q, 0), '\0', ID_LEN + 1);
	r = db_next(q, e);
	if (r > 0) {
		err_set(e, EINVAL, ERR_INVALID, "image id prefix \"%s\" is ambiguous", name);
		return err_hint(e, "give more digits of the id");
	}
	return r < 0 ? r : 1;
}

/* As pull would call it. What is wrong with the configuration is said by those who need it. */
static int by_short_name(struct image_store *s, const char *name, struct arena *a, char *ret_id,
			 char **ret_name, struct err *e)
{
	struct registries configured = {0};
	struct strv names = {0};
	struct err ignored;
	int r = 0;
	if (registries_read(&configured, a, &ignored) == 0)
		registries_names(&configured, name, &names, a, &ignored);
	for (size_t i = 0; r == 0 && i < names.count; i++)
		if (strcmp(names.items[i], name))
			r = by_name(s, names.items[i], a, ret_id, ret_name, e);
	return r;
}

int image_resolve(struct image_store *s, const char *name, struct arena *a,
		  char ret_id[static ID_LEN + 1], char **ret_name, struct err *e)
{
	*ret_name = NULL;
	int r = by_name(s, name, a, ret_id, ret_name, e);
	if (r == 0)
		r = by_id(s, name, ret_id, e);
	if (r == 0)
		r = by_short_name(s, name, a, ret_id, ret_name, e);
	if (r != 0)
		return r < 0 ? r : 0;
	struct image_reference ref;
	struct err bad = {0};
	int parsed = image_reference_parse(name, a, &ref, &bad);
	if (parsed < 0 && !id_is_hex(name, strlen(name)) && strncmp(name, ID_PREFIX, 7)) {
		*e = bad;
		return -e->number;
	}
	err_set(e, ENOENT, ERR_NOT_FOUND, "No such image: %.300s",
		parsed < 0 ? name : image_reference_familiar(&ref, a));
	return err_hint(
		e, "`hull images` lists those that are here; `hull load` or `hull import` brings "
		   "one in");
}

static int read_layers(struct image_store *s, struct image *im, struct arena *a, struct err *e)
{
	CLEANUP_STMT sqlite3_stmt *q = NULL;
	int r = db_query(s->db, &q, e,
			 "SELECT diff_id, size FROM image_layer JOIN layer ON layer = diff_id "
			 "WHERE image = ?1 ORDER BY position DESC",
			 "s", im->id);
	im->layers = arena_array(a, im->config.rootfs.diff_ids.count + 1, sizeof(im->layers[0]));
	while (r >= 0 && (r = db_next(q, e)) > 0) {
		if (im->layer_count > im->config.rootfs.diff_ids.count)
			break;
		im->layers[im->layer_count++] =
			(struct image_layer){arena_strdup(a, db_text(q, 0)), db_int(q, 1)};
	}
	if (r >= 0 && im->layer_count != im->config.rootfs.diff_ids.count)
		return err_set(e, EIO, ERR_INTERNAL,
			       "image %.12s: the state store has another number of layers than its "
			       "config",
			       im->id);
	return r;
}

static int read_names(struct image_store *s, struct image *im, struct arena *a, struct err *e)
{
	CLEANUP_STMT sqlite3_stmt *q = NULL;
	struct image_reference ref;
	int r = db_query(s->db, &q, e,
			 "SELECT name, digest FROM reference WHERE image = ?1 ORDER BY name", "s",
			 im->id);
	while (r >= 0 && (r = db_next(q, e)) > 0) {
		strv_push(a, &im->names, db_text(q, 0));
		r = image_reference_parse(db_text(q, 0), a, &ref, e);
		if (r < 0)
			return err_context(e, "state store");
		if (ref.tag)
			strv_push(a, &im->tags, image_reference_familiar(&ref, a));
		if (!ref.digest && db_text(q, 1))
			ref.digest = arena_strdup(a, db_text(q, 1));
		if (!ref.digest)
			continue;
		char *digest = image_reference_familiar(&ref, a);
		bool known = false;
		for (size_t i = 0; i < im->digests.count; i++)
			known |= !strcmp(im->digests.items[i], digest);
		if (!known)
			strv_push(a, &im->digests, digest);
	}
	return r;
}

static int read_row(struct image_store *s, const char *id, struct arena *a, struct image *im,
		    struct err *e)
{
	CLEANUP_STMT sqlite3_stmt *q = NULL;
	int r = db_first(s->db, &q, e,
			 "SELECT config, size, created, loaded FROM image WHERE id = ?1", "s", id);
	if (r == 0)
		return err_set(e, ENOENT, ERR_NOT_FOUND, "No such image: %s", id);
	if (r < 0)
		return r;
	memccpy(im->id, id, '\0', sizeof(im->id));
	im->config_text = arena_strdup(a, db_text(q, 0));
	im->size = db_int(q, 1);
	im->created = db_int(q, 2);
	im->loaded = db_int(q, 3);
	r = shape_parse(&oci_image_shape, im->config_text, strlen(im->config_text), &im->config, a,
			e);
	return r < 0 ? err_context(e, "image %.12s: its config in the state store is damaged",
				   im->id)
		     : 0;
}

int image_read(struct image_store *s, const char *id, struct arena *a, struct image *ret,
	       struct err *e)
{
	struct image im = {0};
	int r = read_row(s, id, a, &im, e);
	if (r >= 0)
		r = read_layers(s, &im, a, e);
	if (r >= 0)
		r = read_names(s, &im, a, e);
	if (r < 0)
		return r;
	*ret = im;
	return 0;
}

int image_find(struct image_store *s, const char *name, struct arena *a, struct image *ret,
	       struct err *e)
{
	char id[ID_LEN + 1], *ignored;
	int r = image_resolve(s, name, a, id, &ignored, e);
	return r < 0 ? r : image_read(s, id, a, ret, e);
}

int image_find_config(struct image_store *s, const char *name, struct arena *a, struct image *ret,
		      struct err *e)
{
	char id[ID_LEN + 1], *ignored;
	struct image im = {0};
	int r = image_resolve(s, name, a, id, &ignored, e);
	if (r == 0)
		r = read_row(s, id, a, &im, e);
	if (r == 0)
		*ret = im;
	return r;
}
