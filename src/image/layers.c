/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The trees of an image's layers, as OverlayFS takes them. OverlayFS reads trusted.overlay.opaque
 * on every folder but the root of a layer, so that a layer whose root hides all below is cut off
 * here. Read image.h first.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "image/stage.h"
#include "linux/overlay.h"

void image_layers_close(int *fds, size_t count)
{
	for (size_t i = 0; i < count; i++)
		fd_drop(&fds[i]);
}

static int open_tree(struct image_store *s, const char *diff_id, bool *ret_opaque)
{
	char path[ID_LEN + 16];
	snprintf(path, sizeof(path), "layers/%s/fs", diff_id);
	CLEANUP_FD int fd =
		openat(s->root_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	*ret_opaque = overlay_is_opaque(fd);
	int tree = openat(fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return tree < 0 ? -errno : tree;
}

/* An image of no layers is an empty folder. */
static int open_empty(struct image_store *s, int *ret, struct err *e)
{
	CLEANUP_FD int layers = stage_open_layers(s, e);
	if (layers < 0)
		return layers;
	if (mkdirat(layers, "empty", 0755) < 0 && errno != EEXIST)
		return err_errno(e, errno, "cannot create a folder for an image without layers");
	*ret = openat(layers, "empty", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return *ret < 0 ? err_errno(e, errno, "cannot open the folder of an empty image") : 0;
}

static int layer_ids(struct image_store *s, const char *image, struct arena *a, struct strv *ret,
		     struct err *e)
{
	CLEANUP_STMT sqlite3_stmt *q = NULL;
	int r = db_query(
		s->db, &q, e,
		"SELECT layer FROM image LEFT JOIN image_layer ON image = id WHERE id = ?1 "
		"ORDER BY position DESC",
		"s", image);
	if (r >= 0 && (r = db_next(q, e)) == 0)
		return err_set(e, ENOENT, ERR_NOT_FOUND, "No such image: %s", image);
	/* One row without a layer: an image of none. */
	for (; r > 0 && db_text(q, 0); r = db_next(q, e))
		strv_push(a, ret, db_text(q, 0));
	return r < 0 ? r : 0;
}

int image_trees_open(struct image_store *s, const struct strv *names, struct arena *a,
		     int **ret_fds, size_t *ret_count, struct err *e)
{
	int *fds = arena_array(a, names->count + 2, sizeof(int));
	size_t n = 0;
	bool opaque = false;
	for (; n < names->count && !opaque; n++) {
		fds[n] = open_tree(s, names->items[n], &opaque);
		if (fds[n] >= 0)
			continue;
		int r = fds[n];
		image_layers_close(fds, n);
		err_errno(e, r, "layer %.12s cannot be opened", names->items[n]);
		if (r == -ENOENT)
			err_hint(e,
				 "its files below %s/layers are gone: load or pull the image again",
				 s->root);
		return r;
	}
	if (n == 0) {
		int r = open_empty(s, &fds[n++], e);
		if (r < 0)
			return r;
	}
	*ret_fds = fds;
	*ret_count = n;
	return 0;
}

int image_layers_open(struct image_store *s, const char *image, struct arena *a, int **ret_fds,
		      size_t *ret_count, struct err *e)
{
	struct strv ids = {0};
	int r = layer_ids(s, image, a, &ids, e);
	if (r == 0 && (r = image_trees_open(s, &ids, a, ret_fds, ret_count, e)) < 0)
		return err_context(e, "image %.12s", image);
	return r;
}
