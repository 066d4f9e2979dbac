/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Removing names and images, with docker's rules and words. The rows go in one durable transaction;
 * then the trees of layers that lost their row are swept (sweep.c), and if that is cut short, the
 * next load sweeps them. Read image.h first.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/event.h"
#include "image/rows.h"
#include "image/stage.h"

struct removal {
	struct image_store *store;
	struct image image;
	char *name;         /* the user named this one; NULL: the image itself */
	bool force, unused; /* unused: not while a container has it */
	char running[ID_SHORT_LEN + 1], stopped[ID_SHORT_LEN + 1]; /* a container each, or "" */
	struct arena *arena;
	struct strv *lines;
};

static int find_users(struct removal *x, struct err *e)
{
	CLEANUP_STMT sqlite3_stmt *q = NULL;
	/* Its own image, or one that it mounts: the key is that of struct docker_mount. */
	int r = db_query(x->store->db, &q, e,
			 "SELECT id, status = 'running' FROM container WHERE image IN (?1, ?2) "
			 "OR instr(config, '\"ImageID\":\"' || ?1 || '\"')",
			 "ss", x->image.id, arena_printf(x->arena, "sha256:%s", x->image.id));
	while (r >= 0 && (r = db_next(q, e)) > 0) {
		char *to = db_int(q, 1) ? x->running : x->stopped;
		snprintf(to, ID_SHORT_LEN + 1, "%s", db_text(q, 0));
	}
	return r;
}

static bool several_repositories(const struct removal *x)
{
	const struct strv *tags = &x->image.tags;
	for (size_t i = 1; i < tags->count; i++) {
		size_t len = (size_t)(strrchr(tags->items[0], ':') - tags->items[0]);
		if (strncmp(tags->items[0], tags->items[i], len + 1))
			return true;
	}
	return false;
}

/* May the image go? Its names may be taken in any case when forced. */
static int check_allowed(const struct removal *x, struct err *e)
{
	const char *id = x->image.id;
	if (x->unused && (*x->running || *x->stopped))
		return err_set(e, EBUSY, ERR_CONFLICT, "image %.12s is used by container %s", id,
			       *x->running ? x->running : x->stopped);
	if (x->name && (*x->running || *x->stopped) && !x->force) {
		struct image_reference ref;
		int r = image_reference_parse(x->name, x->arena, &ref, e);
		return r < 0 ? r
			     : err_set(e, EBUSY, ERR_CONFLICT,
				       "conflict: unable to remove repository reference \"%s\" "
				       "(must "
				       "force) - container %s is using its referenced image %.12s",
				       image_reference_familiar(&ref, x->arena),
				       *x->running ? x->running : x->stopped, id);
	}
	if (x->name)
		return 0;
	if (*x->running)
		return err_set(
			e, EBUSY, ERR_CONFLICT,
			"conflict: unable to delete %.12s (cannot be forced) - image is being "
			"used by running container %s",
			id, x->running);
	if (*x->stopped && !x->force)
		return err_set(e, EBUSY, ERR_CONFLICT,
			       "conflict: unable to delete %.12s (must be forced) - image is being "
			       "used by stopped container %s",
			       id, x->stopped);
	if (several_repositories(x) && !x->force)
		return err_set(e, EBUSY, ERR_CONFLICT,
			       "conflict: unable to delete %.12s (must be forced) - image is "
			       "referenced in multiple repositories",
			       id);
	return 0;
}

static int untag(struct removal *x, const char *name, struct err *e)
{
	struct image_reference ref;
	int r = image_reference_parse(name, x->arena, &ref, e);
	if (r == 0)
		r = event_image(x->store->db, e, x->image.id, "untag", NULL);
	if (r >= 0)
		r = db_run(x->store->db, e, "DELETE FROM reference WHERE name = ?1", "s", name);
	if (r >= 0)
		strv_push(x->arena, x->lines,
			  arena_printf(x->arena, "Untagged: %s",
				       image_reference_familiar(&ref, x->arena)));
	return r < 0 ? r : 0;
}

int image_drop_layers(struct image_store *s, struct arena *a, struct strv *ret, struct err *e)
{
	int r = db_list(s->db, a, ret, e,
			"SELECT diff_id FROM layer WHERE NOT EXISTS (SELECT 1 FROM image_layer "
			"WHERE image_layer.layer = layer.diff_id) AND NOT EXISTS (SELECT 1 FROM "
			"build_cache WHERE build_cache.layer = layer.diff_id)",
			"");
	for (size_t i = 0; r >= 0 && i < ret->count; i++)
		r = db_run(s->db, e, "DELETE FROM layer WHERE diff_id = ?1", "s", ret->items[i]);
	return r < 0 ? r : 0;
}

static int delete_image(struct removal *x, struct err *e)
{
	struct strv unused = {0};
	int r = event_image(x->store->db, e, x->image.id, "delete", NULL);
	if (r >= 0)
		r = db_run(x->store->db, e, "DELETE FROM image WHERE id = ?1", "s", x->image.id);
	if (r < 0)
		return r;
	strv_push(x->arena, x->lines, arena_printf(x->arena, "Deleted: sha256:%s", x->image.id));
	r = image_drop_layers(x->store, x->arena, &unused, e);
	for (size_t i = 0; r >= 0 && i < unused.count; i++)
		strv_push(x->arena, x->lines,
			  arena_printf(x->arena, "Deleted: sha256:%s", unused.items[i]));
	return r < 0 ? r : 0;
}

/* Within the transaction. 1: layers may have lost their rows. */
static int remove_rows(struct removal *x, const char *name, struct err *e)
{
	char id[ID_LEN + 1];
	int r = image_resolve(x->store, name, x->arena, id, &x->name, e);
	if (r == 0)
		r = image_read(x->store, id, x->arena, &x->image, e);
	if (r < 0)
		return r;
	if (x->name && x->image.names.count > 1)
		return untag(x, x->name, e);
	r = find_users(x, e);
	if (r == 0)
		r = check_allowed(x, e);
	for (size_t i = 0; r == 0 && i < x->image.names.count; i++)
		r = untag(x, x->image.names.items[i], e);
	/* A container needs the layers as long as it exists. */
	if (r < 0 || *x->running || *x->stopped)
		return r;
	r = delete_image(x, e);
	return r < 0 ? r : 1;
}

int image_remove(struct image_store *s, const char *name, unsigned flags, struct arena *a,
		 struct strv *lines, struct err *e)
{
	struct strv done = {0};
	struct removal x = {.store = s,
			    .force = flags & IMAGE_REMOVE_FORCE,
			    .unused = flags & IMAGE_REMOVE_UNUSED,
			    .arena = a,
			    .lines = &done};
	int r = db_begin(s->db, true, e);
	if (r < 0)
		return r;
	int changed = remove_rows(&x, name, e);
	r = db_end(s->db, changed, e);
	if (r < 0)
		return r;
	strv_push_all(a, lines, &done);
	struct err later = {0};
	if (changed > 0)
		stage_sweep(s, &later); /* what is left, the next sweep takes */
	return 0;
}

static int untag_all(struct removal *x, const char *name, const struct strv *names, struct err *e)
{
	char id[ID_LEN + 1], *ignored;
	struct image_reference ref;
	int r = image_resolve(x->store, name, x->arena, id, &ignored, e);
	if (r == 0)
		r = image_read(x->store, id, x->arena, &x->image, e);
	for (size_t i = 0; r == 0 && !names->count && i < x->image.names.count; i++)
		r = untag(x, x->image.names.items[i], e);
	for (size_t i = 0; r == 0 && i < names->count; i++) {
		r = image_reference_parse(names->items[i], x->arena, &ref, e);
		const char *full = r < 0 ? "" : image_reference_full(&ref, x->arena);
		size_t k = 0;
		while (r == 0 && k < x->image.names.count && strcmp(x->image.names.items[k], full))
			k++;
		if (r == 0 && k == x->image.names.count)
			r = err_set(e, ENOENT, ERR_NOT_FOUND, "image %.12s has no name %s",
				    x->image.id, names->items[i]);
		if (r == 0)
			r = untag(x, full, e);
	}
	return r;
}

int image_untag(struct image_store *s, const char *name, const struct strv *names, struct arena *a,
		struct strv *ret, struct err *e)
{
	struct strv done = {0};
	struct removal x = {.store = s, .arena = a, .lines = &done};
	int r = db_begin(s->db, true, e);
	if (r == 0)
		r = db_end(s->db, untag_all(&x, name, names, e), e);
	if (r == 0)
		strv_push_all(a, ret, &done);
	return r;
}
