/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is what the store has of images whole on the disk? A layer whose tree is gone takes its images
 * along, and what builds made of it: load and pull take a layer that has a row for one that is
 * there. Read image.h first.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "image/rows.h"
#include "image/stage.h"

struct images {
	struct image_store *store;
	struct arena *a;
	struct strv *problems;
	bool repair;
	int kept;
};

static bool is_lost(const struct image_store *s, const char *diff_id)
{
	char path[ID_LEN + 16];
	snprintf(path, sizeof(path), "layers/%s/fs", diff_id);
	return !file_exists(s->root_fd, path);
}

/* The first layer of @im that is lost, or NULL. */
static const char *find_lost(const struct images *m, const struct image *im)
{
	for (size_t i = 0; i < im->layer_count; i++)
		if (is_lost(m->store, im->layers[i].diff_id))
			return im->layers[i].diff_id;
	return NULL;
}

static int tell_lost(struct images *m, const struct image *im, const char *layer, struct err *e)
{
	enum { FLAGS = IMAGE_REMOVE_FORCE | IMAGE_REMOVE_UNUSED };
	const char *what = ": load or pull the image again";
	struct strv lines = {0};
	int r = m->repair ? image_remove(m->store, im->id, FLAGS, m->a, &lines, e) : 0;
	if (r == -ENOENT)
		return 0;
	if (r < 0 && r != -EBUSY)
		return r;
	if (r == -EBUSY)
		what = ", and a container uses it: load or pull the image again";
	else if (m->repair)
		what = ": removed";
	m->kept += r == -EBUSY;
	strv_push(m->a, m->problems,
		  arena_printf(m->a, "image %.12s (%s): layer %.12s is missing%s", im->id,
			       im->tags.count ? im->tags.items[0] : "<none>", layer, what));
	return 0;
}

static int check_image(struct images *m, const char *id, struct err *e)
{
	struct image im;
	struct err damage = {0};
	const char *lost = NULL;
	int r = image_read(m->store, id, m->a, &im, &damage);
	/* A removal deletes the row first: it may have gone meanwhile. */
	if (r == 0 && (lost = find_lost(m, &im)))
		r = image_read(m->store, id, m->a, &im, &damage);
	if (r == 0)
		return lost ? tell_lost(m, &im, lost, e) : 0;
	if (r != -ENOENT)
		strv_push(m->a, m->problems, arena_strdup(m->a, damage.text));
	return 0;
}

/* The row of a layer that only the cache of builds has goes with it. */
static int forget(struct images *m, const char *diff_id, struct err *e)
{
	struct strv gone = {0};
	char path[ID_LEN + 8];
	int r = db_begin(m->store->db, true, e);
	if (r == 0)
		r = db_run(m->store->db, e, "DELETE FROM build_cache WHERE layer = ?1", "s",
			   diff_id);
	if (r >= 0)
		r = image_drop_layers(m->store, m->a, &gone, e);
	/* What is left of its folder would be taken for the layer. */
	snprintf(path, sizeof(path), "layers/%s", diff_id);
	if (r >= 0)
		r = tree_remove(m->store->root_fd, path, e);
	return db_end(m->store->db, r, e);
}

static int check_cache(struct images *m, const char *diff_id, struct err *e)
{
	CLEANUP_STMT sqlite3_stmt *q = NULL;
	if (!is_lost(m->store, diff_id))
		return 0;
	int r = db_first(m->store->db, &q, e, "SELECT 1 FROM build_cache WHERE layer = ?1", "s",
			 diff_id);
	if (r > 0)
		strv_push(m->a, m->problems,
			  arena_printf(m->a, "build cache: layer %.12s is missing%s", diff_id,
				       m->repair ? ": removed" : ""));
	return r < 0 || !m->repair ? r : forget(m, diff_id, e);
}

int image_store_check(struct image_store *s, bool repair, struct arena *a, struct strv *problems,
		      struct err *e)
{
	struct images m = {s, a, problems, repair, 0};
	struct strv layers = {0}, ids = {0};
	int r = db_list(s->db, a, &layers, e, "SELECT diff_id FROM layer ORDER BY diff_id", "");
	if (r >= 0)
		r = db_list(s->db, a, &ids, e, "SELECT id FROM image ORDER BY id", "");
	if (r >= 0 && layers.count > 1 && dir_is_empty(s->root_fd, "layers")) {
		strv_push(a, problems,
			  arena_printf(
				  a,
				  "images: the folders of all %zu layers are gone, so nothing is "
				  "removed: is a file system not mounted at layers below "
				  "--root?",
				  layers.count));
		return 1;
	}
	for (size_t i = 0; r >= 0 && i < layers.count; i++)
		r = check_cache(&m, layers.items[i], e);
	for (size_t i = 0; r >= 0 && i < ids.count; i++)
		r = check_image(&m, ids.items[i], e);
	return r < 0 ? r : m.kept;
}
