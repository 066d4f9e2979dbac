/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event `oom`: processes of a container were killed for memory. Of one that runs on, its keeper
 * has it told at once (monitor/oom.c); of what came at its end, the reaper tells. The row's
 * oom_kills says how many were told of, so that none is told twice.
 */
#include "engine/internal.h"

#include <stdio.h>

#include "base/clock.h"
#include "linux/cgroup.h"

/* Sizes of nobody are left out. */
int oom_tell(struct engine *en, const char *id, int64_t kills, int64_t killed_ns,
	     const struct oom *o, struct err *e)
{
	char limit[24], pid[24], held[80], count[24], shared[24], when[24];
	snprintf(when, sizeof(when), "%lld", (long long)killed_ns);
	snprintf(shared, sizeof(shared), "%lld", (long long)o->shared);
	snprintf(count, sizeof(count), "%lld", (long long)kills);
	snprintf(limit, sizeof(limit), "%lld", (long long)o->limit);
	snprintf(pid, sizeof(pid), "%lld", (long long)o->pid);
	snprintf(held, sizeof(held), "%lld %lld %lld", (long long)o->anon, (long long)o->file,
		 (long long)o->shmem);
	return event_container(&en->db, e, id, "oom", "kills", count, "scope",
			       o->scope ? oom_scope_name(o->scope) : NULL, "group",
			       *o->group ? o->group : NULL, "limit", o->limit ? limit : NULL,
			       "source", o->scope ? o->logged ? "log" : "counters" : NULL, "victim",
			       o->pid ? o->comm : NULL, "victimPid", o->pid ? pid : NULL,
			       "victimMemory", o->pid ? held : NULL, "sharedMemory",
			       o->shared ? shared : NULL, "killedNano", killed_ns ? when : NULL,
			       NULL);
}

static int64_t kills_of(const char *path)
{
	CLEANUP_CGROUP struct cgroup group = CGROUP_CLOSED;
	return *path && cgroup_open(path, &group, ERR_IGNORED) == 0 ? cgroup_oom_kills(&group) : 0;
}

static int note(struct engine *en, const struct container *c, int64_t killed_ns, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	struct oom oom;
	const char *path = container_cgroup_path(c, &a);
	const int64_t kills = kills_of(path);
	if (kills <= c->oom_kills)
		return 0;
	oom_look(path, 0, c->started, &oom);
	int r = db_begin(&en->db, false, e);
	if (r < 0)
		return r;
	r = db_run(&en->db, e, "UPDATE container SET oom_kills = ?2 WHERE id = ?1", "si", c->id,
		   kills);
	if (r >= 0)
		r = oom_tell(en, c->id, kills, killed_ns, &oom, e);
	return db_end(&en->db, r, e);
}

int engine_note_oom(struct engine *en, const char *id, int64_t at_ms, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	CLEANUP_LOCK struct container_lock lock = {-1};
	struct container c;
	int r = container_lock(en, id, true, &lock, e);
	if (r == 0)
		r = container_glance(en, id, &a, &c, e);
	/* Its end, or whoever tells of a start that was cut off, tells of this too. */
	if (r < 0 || c.status != CONTAINER_RUNNING || !(c.told & TOLD_START))
		return r;
	return note(en, &c, at_ms ? clock_real_ns() - (clock_ms() - at_ms) * 1000000 : 0, e);
}
