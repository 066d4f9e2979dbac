/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Removing what killed commands left below layers/. A staging folder is an orphan when its lock can
 * be had; a layer is one when it has no row. The latter is decided and the name taken away under
 * the state store's lock, so that no load can adopt it in between; the files go afterwards. Read
 * stage.h first.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/db_anew.h"
#include "base/file.h"
#include "image/stage.h"

/* Names of the folder, read whole before anything is changed. */
static int list_names(int layers_fd, struct arena *a, struct strv *ret, struct err *e)
{
	CLEANUP_DIR DIR *d = dir_stream(layers_fd);
	if (!d)
		return err_errno(e, errno, "cannot list the layers");
	struct dirent *entry;
	while ((entry = dir_next(d)))
		strv_push(a, ret, entry->d_name);
	return errno ? err_errno(e, errno, "cannot list the layers") : 0;
}

static void remove_stage(int layers_fd, const char *name)
{
	CLEANUP_FD int fd =
		openat(layers_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	/* Locked: its owner lives. What cannot be removed is tried again next time. */
	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
		tree_remove(layers_fd, name, ERR_IGNORED);
}

static int has_row(struct db *db, const char *diff_id, struct err *e)
{
	CLEANUP_STMT sqlite3_stmt *q = NULL;
	return db_first(db, &q, e, "SELECT 1 FROM layer WHERE diff_id = ?1", "s", diff_id);
}

/* Rename layers without a row to staging names, of which remove_stage then disposes. */
static int disown(struct image_store *s, int layers_fd, struct strv *names, struct arena *a,
		  struct err *e)
{
	for (size_t i = 0; i < names->count; i++) {
		const char *name = names->items[i];
		if (strlen(name) != ID_LEN || !id_is_hex(name, ID_LEN))
			continue;
		int r = has_row(s->db, name, e);
		if (r < 0)
			return r;
		char *aside = arena_printf(a, ".stage-%.24s", name);
		if (r == 0 && !db_anew_is_older(s->root_fd, layers_fd, name) &&
		    renameat(layers_fd, name, layers_fd, aside) == 0)
			names->items[i] = aside;
	}
	return 0;
}

static int any_without_row(struct image_store *s, const struct strv *names, struct err *e)
{
	for (size_t i = 0; i < names->count; i++) {
		const char *name = names->items[i];
		int r = strlen(name) == ID_LEN && id_is_hex(name, ID_LEN) ? has_row(s->db, name, e)
									  : 1;
		if (r <= 0)
			return r < 0 ? r : 1;
	}
	return 0;
}

int stage_sweep(struct image_store *s, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	struct strv names = {0};
	CLEANUP_FD int layers_fd = stage_open_layers(s, e);
	int r = layers_fd < 0 ? layers_fd : list_names(layers_fd, &a, &names, e);
	if (r == 0)
		r = any_without_row(s, &names, e);
	if (r > 0) {
		r = db_begin(s->db, false, e);
		if (r == 0)
			r = disown(s, layers_fd, &names, &a, e);
		db_rollback(s->db);
	}
	for (size_t i = 0; r >= 0 && i < names.count; i++)
		if (!strncmp(names.items[i], ".stage-", 7))
			remove_stage(layers_fd, names.items[i]);
	return r;
}

int image_store_sweep(struct image_store *s, struct err *e)
{
	return stage_sweep(s, e);
}
