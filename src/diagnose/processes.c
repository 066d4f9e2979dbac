/* SPDX-License-Identifier: Apache-2.0 */
/* The processes of a container. Read processes.h first. */
#include "diagnose/processes.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/units.h"
#include "engine/stats.h"
#include "linux/cgroup.h"
#include "linux/cgroup_stats.h"
#include "linux/namespaces.h"
#include "linux/process.h"

/* In its group, or where it has none (of an ordinary user) in its pid namespace. */
static int list(const struct container *c, struct cgroup *group, struct arena *a, pid_t **ret,
		size_t *ret_count, struct err *e)
{
	struct container_stats_place place;
	container_stats_place(c, &place);
	if (!*place.path && namespace_others(c->pid, CLONE_NEWPID))
		return process_list_beside(c->pid, a, ret, ret_count, e);
	int r = cgroup_open(place.path, group, e);
	return r < 0 ? r : cgroup_pids(group, a, ret, ret_count, e);
}

int processes_read(const struct container *c, struct arena *a, struct processes *ret, struct err *e)
{
	CLEANUP_CGROUP struct cgroup group = CGROUP_CLOSED;
	struct cgroup_stats_files files = CGROUP_STATS_CLOSED;
	struct cgroup_stats stats = {0};
	pid_t *pids;
	size_t count;
	*ret = (struct processes){0};
	int r = list(c, &group, a, &pids, &count, e);
	if (r < 0)
		return r;
	ret->list = arena_array(a, count + 1, sizeof(*ret->list));
	ret->room = count + 1;
	for (size_t i = 0; i < count; i++) {
		if (process_read(pids[i], &ret->list[ret->count]) < 0)
			continue;
		/* The first one first: it decides. */
		if (pids[i] == c->pid && ret->count) {
			struct process own = ret->list[ret->count];
			ret->list[ret->count] = ret->list[0];
			ret->list[0] = own;
		}
		ret->count++;
	}
	cgroup_stats_read(&group, &files, true, a, &stats);
	cgroup_stats_close(&files);
	ret->pids = stats.pids.current;
	ret->pids_limit = stats.pids.limit;
	return 0;
}

/* A first thread that has ended while others go on looks like one, and is none. */
static bool is_zombie(const struct processes *all, size_t living, const struct process *p)
{
	bool child = false;
	for (size_t i = 0; i < living; i++) {
		if (all->list[i].pid == p->pid)
			return false;
		child |= all->list[i].pid == p->parent;
	}
	return child && p->state == 'Z' && p->threads <= 1;
}

int processes_add_zombies(struct processes *all, struct arena *a, struct err *e)
{
	CLEANUP_DIR DIR *d = opendir("/proc");
	size_t living = all->count;
	struct dirent *entry;
	uint64_t pid;
	if (!d)
		return err_errno(e, errno, "cannot read /proc");
	while ((entry = dir_next(d))) {
		struct process p;
		if (uint_parse(entry->d_name, INT32_MAX, &pid) < 0 ||
		    process_read((pid_t)pid, &p) < 0 || !is_zombie(all, living, &p))
			continue;
		all->list = arena_grow(a, all->list, all->count, &all->room, sizeof(*all->list));
		all->list[all->count++] = p;
	}
	return 0;
}

char *process_label(const struct process *p, struct arena *a)
{
	return arena_printf(a, "%d %s", (int)p->inside, p->comm);
}
