/* SPDX-License-Identifier: Apache-2.0 */
/*
 * builder prune: rows of the cache go, the least recently used first, with the layers that only
 * they held; and the folders of RUN --mount=type=cache. No build runs meanwhile: each holds a lock.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/tree.h"
#include "build/internal.h"
#include "image/rows.h"

int build_lock(struct engine *en, int how, struct err *e)
{
	int r = dir_make(en->root_fd, BUILD_FOLDER, 0700, e);
	CLEANUP_FD int fd = r < 0 ? r : dir_open(en->root_fd, BUILD_FOLDER, e);
	if (fd < 0)
		return fd;
	if (flock(fd, how) == 0)
		return fd_steal(&fd);
	return errno == EWOULDBLOCK
		       ? err_set(e, EBUSY, ERR_CONFLICT, "a build is running; wait for its end")
		       : err_errno(e, errno, "cannot lock the build cache");
}

/* Which rows go. Of those with a layer that an image has, too, nothing is freed. */
static int choose(struct engine *en, const struct build_prune *q, struct arena *a, struct strv *ret,
		  struct err *e)
{
	static const char sizes[] =
		"coalesce((SELECT size FROM layer WHERE diff_id = c.layer AND "
		"NOT EXISTS (SELECT 1 FROM image_layer WHERE layer = c.layer)), 0)";
	CLEANUP_STMT sqlite3_stmt *s = NULL, *all = NULL;
	int64_t total = 0;
	int r = db_first(&en->db, &all, e,
			 arena_printf(a, "SELECT sum(%s) FROM build_cache c", sizes), "");
	if (r >= 0)
		total = db_int(all, 0);
	if (r >= 0)
		r = db_query(
			&en->db, &s, e,
			arena_printf(a,
				     "SELECT key, used, %s, EXISTS (SELECT 1 FROM image_layer "
				     "WHERE layer = c.layer), layer IS NULL FROM build_cache c "
				     "ORDER BY used",
				     sizes),
			"");
	while (r >= 0 && (r = db_next(s, e)) > 0) {
		/* That a step changes nothing takes no space to remember. */
		if ((q->until && db_int(s, 1) >= q->until) || (!q->all && db_int(s, 3)) ||
		    (!q->all && !q->until && db_int(s, 4)))
			continue;
		if (q->keep && total <= q->keep)
			break;
		total -= db_int(s, 2);
		strv_push(a, ret, db_text(s, 0));
	}
	return r < 0 ? r : 0;
}

static int drop_rows(struct engine *en, const struct build_prune *q, struct arena *a,
		     struct strv *ret, struct err *e)
{
	int r = choose(en, q, a, ret, e);
	for (size_t i = 0; r >= 0 && i < ret->count; i++)
		r = db_run(&en->db, e, "DELETE FROM build_cache WHERE key = ?1", "s",
			   ret->items[i]);
	return r < 0 ? r : image_drop_layers(&en->images, a, &(struct strv){0}, e);
}

static int drop_mounts(struct engine *en, struct arena *a, struct strv *ret, int64_t *freed,
		       struct err *e)
{
	CLEANUP_FD int dir =
		openat(en->root_fd, BUILD_FOLDER "/cache", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_DIR DIR *d = dir < 0 ? NULL : dir_stream(dir);
	int r = 0;
	for (struct dirent *entry; r >= 0 && d && (entry = dir_next(d));) {
		int64_t size = 0;
		r = tree_usage(dir, entry->d_name, &size, e);
		if (r >= 0)
			r = tree_remove(dir, entry->d_name, e);
		*freed += size;
		strv_push(a, ret, entry->d_name);
	}
	unlinkat(en->root_fd, BUILD_FOLDER "/cache", AT_REMOVEDIR);
	return r < 0 ? r : 0;
}

int build_prune(struct engine *en, const struct build_prune *q, struct arena *a, struct strv *ret,
		int64_t *ret_freed, struct err *e)
{
	int64_t before, after;
	*ret_freed = 0;
	CLEANUP_FD int lock = build_lock(en, LOCK_EX | LOCK_NB, e);
	int r = lock < 0 ? lock : image_store_size(&en->images, &before, e);
	if (r == 0)
		r = db_begin(&en->db, true, e);
	if (r == 0)
		r = db_end(&en->db, drop_rows(en, q, a, ret, e), e);
	if (r == 0)
		r = image_store_sweep(&en->images, e);
	if (r == 0)
		r = image_store_size(&en->images, &after, e);
	if (r < 0)
		return r;
	*ret_freed = before > after ? before - after : 0;
	return q->all && !q->keep && !q->until ? drop_mounts(en, a, ret, ret_freed, e) : 0;
}
