/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting a container, as the store sees it: take it (found, locked, put down as running), launch
 * it, and say why if that failed. Crash rule: the row says `running` before anything is made in the
 * kernel. Read launch.c next.
 */
#include "engine/internal.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "engine/health.h"
#include "engine/launch.h"
#include "engine/monitor.h"
#include "engine/network.h"
#include "engine/recorder.h"
#include "engine/user_network.h"
#include "engine/waiting.h"

/* @why: the failure, or NULL. A start takes back that somebody wanted it stopped; a failed one must
 * not. */
static int set_status(struct engine *en, const struct container *c, const char *status,
		      int64_t started, int exit_code, const struct err *why, int64_t due,
		      struct err *e)
{
	return db_change(
		&en->db, !c->auto_remove, e,
		"UPDATE container SET status = ?2, started = ?3, exit_code = ?4, error = ?5, hint "
		"= ?11, "
		"exit_signal = 0, oom_killed = 0, oom_kills = 0, auto_remove = ?6, restarts = ?7, "
		"restart_wait = ?8, held = held AND ?2 <> 'running', "
		"restart_due = iif(held AND ?2 <> 'running', 0, ?9), told = 0, health = ?10 WHERE "
		"id = ?1",
		"ssiisiiiiss", c->id, status, started, (int64_t)exit_code, why ? why->text : "",
		(int64_t)c->auto_remove, c->restarts, c->restart_wait, due,
		strcmp(status, "running") ? "" : c->health, why ? why->hint : "");
}

/* Undo what a failed start left in the kernel, and say in the store why it failed. With --rm the
 * container is of no use to anybody; if it cannot be removed, its row says `running` still, and the
 * next command finishes it. @by_policy: that tries it again, as after an end. */
static void failed(struct engine *en, const struct container *c, bool by_policy,
		   const struct err *why)
{
	struct container tried = *c;
	int code = err_exit_code(why->kind);
	tried.started = clock_real_ns(); /* what did not run was no steady run */
	bool again = by_policy && restart_wanted(&tried, code, &tried.restart_wait);
	struct err ignored;
	char path[sizeof("containers/") + ID_LEN];
	snprintf(path, sizeof(path), "containers/%s", c->id);
	container_cgroup_clean(c, &ignored);
	if (network_mode_is_network(c->config.host.network_mode) || user_network_stop(en, c->id))
		container_net_release(en, c->id, &ignored);
	tree_remove(en->run_fd, path, &ignored);
	exit_record_drop(en, c->id, &ignored);
	if (c->auto_remove)
		remove_locked(en, c->id, true, NULL, &ignored);
	else if (set_status(en, &tried, c->started ? "exited" : "created", c->started, code, why,
			    again ? tried.started + tried.restart_wait * 1000000 : 0,
			    &ignored) >= 0 &&
		 again)
		restart_spawn(en, c->id);
}

int container_ended(struct engine *en, struct container_end *end, int *ret_code, struct err *e)
{
	struct err ignored;
	/* Open until the container is reaped: its keeper waits for that. */
	CLEANUP_FD int monitor = fd_steal(&end->monitor);
	int r = end->record.version ? 0 : -ENOENT;
	if (monitor >= 0)
		r = monitor_wait_end(monitor, &end->record, e);
	if (r < 0)
		r = exit_record_read(en, end->id, &end->record);
	if (r < 0) /* its monitor died: the container may still run */
		return container_wait(en, end->id, WAIT_NOT_RUNNING, 0, ret_code, e);
	*ret_code = end->record.exit_code;
	engine_reap(en, end->id, &ignored);
	return 0;
}

static bool may_have_volumes(const struct container_config *c)
{
	return c->host.binds.count || c->host.mounts.count || c->host.volumes_from.count ||
	       c->config.volumes.count;
}

/* Once its command runs, and its lock is held still, so that its end is told later. If this is cut
 * off, whoever notes the end tells of the start, too. */
static void tell_start(struct engine *en, const struct container *c, int64_t due, bool attached)
{
	struct err e;
	char count[24];
	int r = db_begin(&en->db, false, &e);
	if (r < 0)
		return;
	if (may_have_volumes(&c->config))
		r = event_volumes(&en->db, &e, c->id, "mount");
	int64_t told = TOLD_START | (r > 0 ? TOLD_VOLUMES : 0);
	snprintf(count, sizeof(count), "%lld", (long long)c->restarts);
	if (r >= 0)
		r = db_run(&en->db, &e, "UPDATE container SET told = ?2 WHERE id = ?1", "si", c->id,
			   told);
	if (r >= 0 && attached)
		r = event_container(&en->db, &e, c->id, "attach", NULL);
	if (r >= 0)
		r = event_container(&en->db, &e, c->id, "start", "restartCount",
				    due > 0 ? count : NULL, NULL);
	if (r >= 0 && due == START_AGAIN)
		r = event_container(&en->db, &e, c->id, "restart", NULL);
	db_end(&en->db, r, &e);
}

/* Find it, lock it, and put it down as running. @due: see container_start_at(). */
static int take(struct engine *en, const char *ref, int64_t due, struct container_lock *lock,
		struct arena *a, struct container *ret, struct err *e)
{
	int r = container_find_locked(en, ref, a, lock, ret, e);
	if (r < 0)
		return r;
	if (ret->status == CONTAINER_RUNNING || ret->status == CONTAINER_PAUSED)
		return err_set(e, EALREADY, ERR_CONFLICT, "container %s is running already",
			       ret->name);
	if (due > 0 && ret->restart_due != due)
		return err_set(e, EALREADY, ERR_CONFLICT, "container %s is not to be restarted",
			       ret->name);
	ret->restarts = due > 0 ? ret->restarts + 1 : 0;
	ret->restart_wait = due > 0 ? ret->restart_wait : 0;
	ret->auto_remove = ret->config.host.auto_remove; /* a restart suspended it */
	r = health_begin(ret, a, e);
	if (r == 0)
		r = container_group_renew(en, ret, a, e);
	return r < 0 ? r : set_status(en, ret, "running", clock_real_ns(), 0, NULL, 0, e);
}

/* It was created to be started: it is locked and put down as running already. */
static struct starting *take_created(struct engine *en, const char *ref,
				     struct container_lock *lock)
{
	struct starting *s = en->starting;
	if (!s || s->lock_fd < 0 || strcmp(ref, s->row.id))
		return NULL;
	lock->fd = fd_steal(&s->lock_fd);
	s->row.started = 0;
	return s;
}

void container_start_cancel(struct engine *en, const char *id, const struct err *why)
{
	CLEANUP_LOCK struct container_lock lock = {-1};
	struct starting *created = take_created(en, id, &lock);
	if (created)
		failed(en, &created->row, false, why);
}

static int start(struct engine *en, const char *ref, int64_t due, int attach_fd,
		 struct container_end *ret_end, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	CLEANUP_LOCK struct container_lock lock = {-1};
	struct container own, *c = &own;
	struct starting *created = take_created(en, ref, &lock);
	int r = created ? 0 : take(en, ref, due, &lock, &a, c, e);
	if (r < 0)
		return r;
	if (created)
		c = &created->row;
	if (ret_end)
		*ret_end = (struct container_end){.monitor = -1};
	CLEANUP(waiting_drop) struct waiting_clients waiting = {0};
	if (attach_fd < 0)
		waiting_take(en, c->id, &waiting);
	recorder_ensure(en);
	r = container_launch(en, c, created ? &created->build : NULL, attach_fd, &waiting, ret_end,
			     e);
	if (r < 0)
		failed(en, c, due > 0, e);
	else
		tell_start(en, c, due, attach_fd >= 0 || waiting.count);
	if (r == 0 && ret_end)
		memcpy(ret_end->id, c->id, sizeof(ret_end->id));
	/* Under the container's lock nobody can remove it. */
	if (r == 0 && ret_end && ret_end->monitor < 0)
		exit_record_read(en, c->id, &ret_end->record);
	return r;
}

int container_start(struct engine *en, const char *ref, int attach_fd, struct err *e)
{
	return start(en, ref, 0, attach_fd, NULL, e);
}

int container_start_watched(struct engine *en, const char *ref, int attach_fd,
			    struct container_end *ret, struct err *e)
{
	return start(en, ref, 0, attach_fd, ret, e);
}

int container_start_at(struct engine *en, const char *id, int64_t due, struct err *e)
{
	return start(en, id, due, -1, NULL, e);
}
