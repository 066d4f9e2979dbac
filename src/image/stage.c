/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The staging folder and its end. Rests on flock(2), syncfs(2), renameat2(2). Read stage.h first.
 */
#include "image/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/event.h"
#include "base/file.h"
#include "base/units.h"

int stage_open_layers(struct image_store *s, struct err *e)
{
	if (mkdirat(s->root_fd, "layers", 0700) < 0 && errno != EEXIST)
		return err_errno(e, errno, "cannot create %s/layers", s->root);
	return dir_open(s->root_fd, "layers", e);
}

static bool same_folder(int dir, const char *name, int fd)
{
	struct stat a, b;
	return fstatat(dir, name, &a, AT_SYMLINK_NOFOLLOW) == 0 && fstat(fd, &b) == 0 &&
	       a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

enum { PREFIX_LEN = 15 };

/* ".stage-" and the beginning of this boot's id. */
static void boot_prefix(char ret[static PREFIX_LEN + 1])
{
	char boot[64] = "";
	file_read_small(AT_FDCWD, "/proc/sys/kernel/random/boot_id", boot, sizeof(boot));
	snprintf(ret, PREFIX_LEN + 1, ".stage-%-8.8s", *boot ? boot : "00000000");
}

/* Make and lock; a sweeper may take the folder for an orphan before the lock is there. */
static int make_locked(struct stage *st, struct err *e)
{
	for (int tries = 0; tries < 16; tries++) {
		char id[ID_LEN + 1];
		id_new(id);
		boot_prefix(st->name);
		snprintf(st->name + PREFIX_LEN, sizeof(st->name) - PREFIX_LEN, "%.16s", id);
		if (mkdirat(st->layers_fd, st->name, 0700) < 0)
			return err_errno(e, errno, "cannot create a staging folder");
		CLEANUP_FD int fd = openat(st->layers_fd, st->name,
					   O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd >= 0 && flock(fd, LOCK_EX) == 0 &&
		    same_folder(st->layers_fd, st->name, fd)) {
			st->fd = fd_steal(&fd);
			return 0;
		}
	}
	return err_set(e, EAGAIN, ERR_SYSTEM, "cannot lock a staging folder");
}

int stage_open(struct stage *st, struct image_store *s, struct err *e)
{
	*st = (struct stage)STAGE_NONE;
	st->layers_fd = stage_open_layers(s, e);
	return st->layers_fd < 0 ? st->layers_fd : make_locked(st, e);
}

void stage_close(struct stage *st)
{
	if (st->fd >= 0)
		tree_remove(st->layers_fd, st->name, ERR_IGNORED);
	fd_drop(&st->fd);
	fd_drop(&st->layers_fd);
}

int stage_make_dir(struct stage *st, const char *folder, struct err *e)
{
	if (mkdirat(st->fd, folder, 0700) < 0)
		return err_errno(e, errno, "cannot create a staging folder");
	return dir_open(st->fd, folder, e);
}

char *stage_keep(struct stage *st, const char *folder, const char *diff_id, int64_t size,
		 struct arena *a)
{
	char *name = arena_printf(a, "%s-%lld", diff_id, (long long)size);
	return renameat(st->fd, folder, st->fd, name) < 0 ? (char *)folder : name;
}

int stage_next_orphan(int layers_fd, const char *own, DIR *d)
{
	char prefix[PREFIX_LEN + 1];
	struct dirent *entry;
	boot_prefix(prefix);
	while (d && (entry = dir_next(d))) {
		if (strncmp(entry->d_name, prefix, PREFIX_LEN) || !strcmp(entry->d_name, own))
			continue;
		CLEANUP_FD int fd = openat(layers_fd, entry->d_name,
					   O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0) /* else its owner lives */
			return fd_steal(&fd);
	}
	return -1;
}

static char *adopt_from(struct stage *st, int orphan, const char *diff_id, int64_t *ret_size,
			struct arena *a)
{
	CLEANUP_DIR DIR *d = dir_stream(orphan);
	struct dirent *entry;
	while (d && (entry = dir_next(d))) {
		const char *name = entry->d_name;
		if (strncmp(name, diff_id, ID_LEN) || name[ID_LEN] != '-' ||
		    int_parse(name + ID_LEN + 1, 0, INT64_MAX, ret_size) < 0)
			continue;
		if (renameat(orphan, name, st->fd, name) == 0)
			return arena_strdup(a, name);
	}
	return NULL;
}

char *stage_adopt(struct stage *st, const char *diff_id, int64_t *ret_size, struct arena *a)
{
	CLEANUP_DIR DIR *d = dir_stream(st->layers_fd);
	char *found = NULL;
	for (int fd; !found && (fd = stage_next_orphan(st->layers_fd, st->name, d)) >= 0; close(fd))
		found = adopt_from(st, fd, diff_id, ret_size, a);
	return found;
}

int stage_has_layer(struct stage *st, struct image_store *s, const char *diff_id, int64_t *ret_size,
		    struct err *e)
{
	CLEANUP_STMT sqlite3_stmt *q = NULL;
	int r = db_first(s->db, &q, e, "SELECT size FROM layer WHERE diff_id = ?1", "s", diff_id);
	if (r <= 0)
		return r;
	*ret_size = db_int(q, 0);
	return file_exists(st->layers_fd, diff_id);
}

/* Put one layer in its place. What stands there already under this name is as good, see stage.h. */
static int place_layer(struct stage *st, const struct stage_layer *l, struct err *e)
{
	if (l->folder && renameat(st->fd, l->folder, st->layers_fd, l->diff_id) == 0)
		return 0;
	/* Two images of one load may share it, so that it has been renamed already. */
	if (l->folder && errno != EEXIST && errno != ENOTEMPTY && errno != ENOENT)
		return err_errno(e, errno, "cannot move layer %.12s into place", l->diff_id);
	if (file_exists(st->layers_fd, l->diff_id))
		return 0;
	return err_set(e, EAGAIN, ERR_CONFLICT,
		       "layer %.12s was removed by another command meanwhile; try again",
		       l->diff_id);
}

static int place_all(struct stage *st, const struct stage_image *images, size_t count,
		     struct err *e)
{
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < images[i].layer_count; k++) {
			int r = place_layer(st, &images[i].layers[k], e);
			if (r < 0)
				return r;
		}
	return fsync(st->layers_fd) < 0 ? err_errno(e, errno, "cannot sync the layers' folder") : 0;
}

static int write_layers(struct db *db, const struct stage_image *im, int64_t now, struct err *e)
{
	for (size_t k = 0; k < im->layer_count; k++) {
		const struct stage_layer *l = &im->layers[k];
		int r = db_run(db, e, "INSERT OR IGNORE INTO layer VALUES (?1, ?2, ?3)", "sii",
			       l->diff_id, l->size, now);
		if (r >= 0 && im->id)
			r = db_run(db, e, "INSERT INTO image_layer VALUES (?1, ?2, ?3)", "sis",
				   im->id, (int64_t)k, l->diff_id);
		if (r < 0)
			return r;
	}
	return 0;
}

/* As docker: the names that an archive or a registry gives are not told. */
static int tell_image(struct db *db, const struct stage_image *im, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	struct image_reference ref;
	int r = event_image(db, e, im->id, im->event ? im->event : "create", NULL);
	bool names = !im->event || (strcmp(im->event, "load") && strcmp(im->event, "pull"));
	for (size_t i = 0; r >= 0 && names && i < im->name_count; i++)
		if ((r = image_reference_parse(im->names[i].name, &a, &ref, e)) == 0)
			r = event_image(db, e, im->id, "tag", image_reference_familiar(&ref, &a));
	return r < 0 ? r : 0;
}

static int write_image(struct db *db, const struct stage_image *im, struct err *e)
{
	int64_t now = clock_real_ns(), size = 0;
	if (!im->id)
		return write_layers(db, im, now, e);
	for (size_t k = 0; k < im->layer_count; k++)
		size += im->layers[k].size;
	int r = db_run(db, e, "INSERT OR IGNORE INTO image VALUES (?1, ?2, ?3, ?4, ?5)", "ssiii",
		       im->id, im->config_text, size, im->created, now);
	if (r > 0) /* a new one; the same id means the same config, hence the same layers */
		r = write_layers(db, im, now, e);
	if (r >= 0 && im->manifest.repository)
		r = db_run(db, e, "INSERT OR REPLACE INTO manifest VALUES (?1, ?2, ?3, ?4, ?5)",
			   "sssss", im->id, im->manifest.digest, im->manifest.media_type,
			   im->manifest.text, im->manifest.repository);
	for (size_t i = 0; r >= 0 && i < im->name_count; i++)
		r = db_run(db, e,
			   "INSERT INTO reference VALUES (?1, ?2, ?3) ON CONFLICT (name) DO UPDATE "
			   "SET image = excluded.image, digest = excluded.digest",
			   "sss", im->names[i].name, im->id, im->names[i].digest);
	return r < 0 ? r : tell_image(db, im, e);
}

int stage_commit(struct stage *st, struct image_store *s, const struct stage_image *images,
		 size_t count, struct err *e)
{
	for (size_t i = 0; i < count; i++)
		if (images[i].id && images[i].layer_count > IMAGE_LAYERS_MAX)
			return err_set(e, E2BIG, ERR_INVALID,
				       "the image would have %zu layers, the limit is %d",
				       images[i].layer_count, IMAGE_LAYERS_MAX);
	if (syncfs(st->fd) < 0)
		return err_errno(e, errno, "cannot sync the layers");
	int r = db_begin_addition(s->db, true, e);
	if (r < 0)
		return r;
	r = place_all(st, images, count, e);
	for (size_t i = 0; r == 0 && i < count; i++)
		r = write_image(s->db, &images[i], e);
	if (r == 0 && st->also)
		r = st->also(st->also_ctx, e);
	r = db_end(s->db, r, e);
	/* What is in its place already belongs to nothing. */
	if (r < 0)
		stage_sweep(s, ERR_IGNORED);
	return r;
}
