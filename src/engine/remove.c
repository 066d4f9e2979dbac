/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Removing and renaming containers. Invariant: the row goes after the folder, so that a removal
 * that was cut off is found again by its row; but see remove_behind.h. Read reap.c first.
 */
#include "engine/layer.h"
#include "engine/network.h"
#include "engine/remove_behind.h"
#include "engine/waiting.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

/* 1 if the volume has no name of the user's and no other container uses it. */
static int is_its_own(struct engine *en, const char *volume, const char *id, struct err *e)
{
	CLEANUP_STMT sqlite3_stmt *s = NULL;
	return db_first(
		&en->db, &s, e,
		"SELECT 1 FROM volume WHERE name = ?1 AND anonymous AND NOT EXISTS (SELECT 1 "
		"FROM volume_use WHERE volume = ?1 AND container <> ?2)",
		"ss", volume, id);
}

static const char USED_VOLUMES[] = "SELECT DISTINCT volume FROM volume_use WHERE container = ?1";
static const char DELETE_ROW[] = "DELETE FROM container WHERE id = ?1";

void container_expect_removal(struct engine *en)
{
	container_expect_glance(en);
	db_expect(&en->db, USED_VOLUMES);
	db_expect(&en->db, DELETE_ROW);
}

/* Volumes that were made for this container alone. */
static int anonymous_volumes(struct engine *en, const char *id, struct arena *a, struct strv *ret,
			     struct err *e)
{
	struct strv used = {0};
	int r = db_list(&en->db, a, &used, e, USED_VOLUMES, "s", id);
	for (size_t i = 0; r >= 0 && i < used.count; i++)
		if ((r = is_its_own(en, used.items[i], id, e)) > 0)
			strv_push(a, ret, used.items[i]);
	return r;
}

static int delete_volume(struct engine *en, const char *name, struct err *e)
{
	int r = event_note(&en->db, e, "volume", name, "destroy", "driver", "local", NULL);
	return r < 0 ? r : db_run(&en->db, e, "DELETE FROM volume WHERE name = ?1", "s", name);
}

static int delete_rows(struct engine *en, const char *id, const struct strv *volumes,
		       const struct end *end, struct err *e)
{
	int r = db_begin(&en->db, false, e);
	if (r < 0)
		return r;
	if (end)
		r = reap_tell(en, end, NULL, e);
	if (r >= 0)
		r = event_container(&en->db, e, id, "destroy", NULL);
	if (r >= 0)
		r = db_run(&en->db, e, DELETE_ROW, "s", id);
	for (size_t i = 0; r >= 0 && i < volumes->count; i++)
		r = delete_volume(en, volumes->items[i], e);
	return db_end(&en->db, r, e);
}

/* The same. On a full disk what the folder that was left behind takes may be what is wanting. */
static int delete_rows_behind(struct engine *en, const char *id, const char *folder,
			      const struct strv *volumes, const struct end *end, struct err *e)
{
	int r = delete_rows(en, id, volumes, end, e);
	if (r >= 0)
		return r;
	remove_behind_drop(en->behind);
	r = limited_folder_remove(en->root_fd, folder, e);
	return r < 0 ? r : delete_rows(en, id, volumes, end, e);
}

int remove_locked(struct engine *en, const char *id, bool volumes, const struct end *end,
		  struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	CLEANUP(waiting_drop) struct waiting_clients waiting = {0};
	struct strv gone = {0};
	char path[sizeof("containers/") + ID_LEN];
	snprintf(path, sizeof(path), "containers/%s", id);
	int r = volumes ? anonymous_volumes(en, id, &a, &gone, e) : 0;
	bool behind = r >= 0 && remove_behind_take(en, id);
	if (r >= 0 && !behind)
		r = limited_folder_remove(en->root_fd, path, e);
	for (size_t i = 0; r >= 0 && i < gone.count; i++)
		r = limited_folder_remove(en->root_fd,
					  arena_printf(&a, "volumes/%s", gone.items[i]), e);
	if (r >= 0)
		r = behind ? delete_rows_behind(en, id, path, &gone, end, e)
			   : delete_rows(en, id, &gone, end, e);
	if (r >= 0) /* nobody starts it any more: who is attached sees the end */
		waiting_take(en, id, &waiting);
	return r < 0 ? err_context(e, "container %.12s: cannot remove it", id) : 0;
}

/* Whoever finishes a removal that was cut off must know whether the volumes go, as with --rm. */
static int mark_removing(struct engine *en, const char *id, bool volumes, struct err *e)
{
	return db_change(&en->db, false, e,
			 "UPDATE container SET status = 'removing', auto_remove = ?2 WHERE id = ?1",
			 "si", id, (int64_t)volumes);
}

/* It has ended when this returns. To wait for it here by its id would be to wait for the end of
 * whatever somebody has started meanwhile. */
static int stop_for_removal(struct engine *en, const struct container *c, struct err *e)
{
	int r = container_kill(en, c->id, SIGKILL, e);
	/* It ended by itself; --rm: it may be gone altogether by now. */
	return r == -ESRCH || r == -ENOENT ? 0 : r;
}

static int refuse_running(const struct container *c, struct err *e)
{
	err_set(e, EBUSY, ERR_CONFLICT, "cannot remove container \"/%s\": container is %s", c->name,
		container_status_name(c->status));
	return err_hint(e, "stop the container before removing it, or force it: hull rm -f %s",
			c->name);
}

/* A container whose end nobody will tell; NULL: not one, or that is no reason to remove it. */
static const char *why_lost(int r, unsigned flags)
{
	if (!(flags & REMOVE_FORCE))
		return NULL;
	return r == -EBADMSG     ? "its run record was damaged"
	       : r == -ETIMEDOUT ? "its monitor did not record how it ended"
				 : NULL;
}

static int reap_for_removal(struct engine *en, const char *id, unsigned flags, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	struct container c;
	int r = reap_locked(en, id, e);
	const char *lost = why_lost(r, flags);
	if (lost && (r = container_glance(en, id, &a, &c, e)) == 0)
		r = reap_as_lost(en, &c, lost, e);
	return r;
}

/* One attempt. -EAGAIN: it was started again between its end and our lock. */
static int remove_once(struct engine *en, const char *id, unsigned flags, struct err *e)
{
	CLEANUP_LOCK struct container_lock lock = {-1};
	CLEANUP_ARENA struct arena a = {0};
	struct container c;
	int r = container_find(en, id, &a, &c, e);
	const char *lost = why_lost(r, flags);
	if (lost)
		r = container_glance(en, id, &a, &c, e);
	if (r == 0 && container_is_up(&c) && !(flags & REMOVE_FORCE))
		return refuse_running(&c, e);
	if (r == 0 && c.pid)
		r = stop_for_removal(en, &c, e);
	/* Without its folder the row is what a cut-off removal left. */
	if (r == 0 && (r = container_lock(en, id, true, &lock, e)) == -ENOENT)
		r = 0;
	if (r == 0)
		r = lost ? reap_as_lost(en, &c, lost, e) : reap_for_removal(en, id, flags, e);
	if (r == 0)
		r = container_glance(en, id, &a, &c, e);
	if (r == 0 && c.status == CONTAINER_RUNNING)
		return flags & REMOVE_FORCE ? -EAGAIN : refuse_running(&c, e);
	if (r == 0)
		r = mark_removing(en, id, flags & REMOVE_VOLUMES, e);
	return r < 0 ? r : remove_locked(en, id, flags & REMOVE_VOLUMES, NULL, e);
}

int container_remove(struct engine *en, const char *ref, unsigned flags, struct err *e)
{
	enum { TRIES = 100 }; /* somebody starts it again and again */
	char id[ID_LEN + 1];
	int r = container_resolve(en, ref, id, e);
	if (r < 0)
		return r;
	engine_make_room(en);
	engine_sweep_folders(en);
	for (int i = 0; i < TRIES; i++) {
		r = remove_once(en, id, flags, e);
		if (r != -EAGAIN)
			return r == -ENOENT ? 0 : r;
	}
	return err_set(e, EBUSY, ERR_CONFLICT,
		       "cannot remove container %.12s: it is started again and again", id);
}

int container_rename(struct engine *en, const char *ref, const char *name, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	struct container c;
	if (*name == '/')
		name++;
	int r = container_find(en, ref, &a, &c, e);
	if (r < 0)
		return r;
	r = container_name_check(name, e);
	if (r < 0)
		return r;
	if (!strcmp(c.name, name))
		return err_set(e, EINVAL, ERR_INVALID,
			       "Renaming a container with the same name as its current name: it is "
			       "called %s already",
			       name);
	r = db_begin(&en->db, true, e);
	if (r < 0)
		return r;
	r = db_run(&en->db, e, "UPDATE container SET name = ?2 WHERE id = ?1", "ss", c.id, name);
	if (r >= 0)
		r = event_container(&en->db, e, c.id, "rename", "oldName",
				    arena_printf(&a, "/%s", c.name), NULL);
	if (r >= 0)
		r = network_names_write(en, c.id, e);
	r = db_end(&en->db, r, e);
	return r == -EEXIST ? container_name_conflict(en, name, e) : r;
}
