/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A group in all hierarchies at once: made, opened, entered, changed, removed.
 * See cgroups(7). Invariant: either the whole group stands, or nothing of it. What is done to the
 * processes inside is in cgroup_processes.c; the limits' table is in cgroup_limits.c.
 * Read cgroup.h first, then cgroup_host.h.
 */
#include "linux/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/path.h"
#include "linux/cgroup_limits.h"
#include "linux/cgroup_version.h"
#include "linux/cpuset_list.h"

static const struct cgroup no_group = CGROUP_CLOSED;

/* "/hull/<id>": absolute, clean, and short enough for all that is put together from it. */
static int path_check(const char *path, struct err *e)
{
	size_t len = strnlen(path, sizeof(no_group.path));
	bool bad = path[0] != '/' || len < 2 || len >= sizeof(no_group.path);
	for (const char *p = path; !bad && *p; p += strcspn(p, "/")) {
		char name[sizeof(no_group.path)];
		p++;
		size_t part = strcspn(p, "/");
		memcpy(name, p, part);
		name[part] = '\0';
		bad = !path_is_component(name);
	}
	return bad ? err_set(e, EINVAL, ERR_INVALID, "\"%.100s\" is no path of a control group",
			     path)
		   : cgroup_host_check(e);
}

static bool is_first_of(const int fds[static CGROUP_CONTROLLERS], int controller)
{
	for (int c = 0; c < controller; c++) {
		if (fds[c] == fds[controller])
			return false;
	}
	return fds[controller] >= 0;
}

void cgroup_close(struct cgroup *g)
{
	for (int c = CGROUP_CONTROLLERS - 1; c >= 0; c--) {
		if (is_first_of(g->v1, c))
			close(g->v1[c]);
		g->v1[c] = -1;
	}
	fd_drop(&g->v2);
}

/** A group under construction: removed again unless it is handed over. */
struct building {
	struct cgroup group;
	bool done;
};

/* Never cgroup_remove(), which clears away what is below a folder. */
static void remove_empty(const int v1[static CGROUP_CONTROLLERS], int v2, const char *path)
{
	const struct cgroup_host *h = cgroup_host_get();
	for (int c = 0; c < CGROUP_CONTROLLERS; c++)
		if (is_first_of(v1, c))
			unlinkat(h->v1[c], path + 1, AT_REMOVEDIR);
	if (v2 >= 0)
		unlinkat(h->v2, path + 1, AT_REMOVEDIR);
}

/* Only what was made here. */
static void building_end(struct building *b)
{
	if (b->done)
		return;
	remove_empty(b->group.v1, b->group.v2, b->group.path);
	cgroup_close(&b->group);
}

static bool wants_list(int c, const struct cgroup_limits *l)
{
	for (size_t kind = 0; kind < CGROUP_LISTS; kind++)
		if (l->lists[kind].count && (int)cgroup_list_controller(kind) == c)
			return true;
	return false;
}

/* What the rest of hull counts on, and whose figures stats tells, is always made; the others when a
 * limit needs them. */
static bool is_wanted(const struct cgroup_host *h, int c, const struct cgroup_limits *l)
{
	if (h->v1[c] < 0)
		return false;
	switch ((enum cgroup_controller)c) {
	case CGROUP_CPUSET:
		return (l->cpuset_cpus && *l->cpuset_cpus) || (l->cpuset_mems && *l->cpuset_mems);
	case CGROUP_FREEZER:
		return h->v2 < 0;
	case CGROUP_NET_CLS:
		return l->net_class.set;
	case CGROUP_HUGETLB:
	case CGROUP_NET_PRIO:
	case CGROUP_RDMA:
		return wants_list(c, l);
	case CGROUP_SYSTEMD: /* it makes them itself */
		return false;
	default:
		return true;
	}
}

static int v1_folder(const struct cgroup_host *h, int c, struct cgroup *g, struct err *e)
{
	for (int other = 0; other < CGROUP_CONTROLLERS; other++) {
		if (other != c && g->v1[other] >= 0 && h->v1[other] == h->v1[c]) {
			g->v1[c] = g->v1[other];
			return 0;
		}
	}
	g->v1[c] = cgroup_v1_make(h, (enum cgroup_controller)c, g->path + 1, e);
	return g->v1[c] < 0 ? -e->number : 0;
}

static int folders_make(const struct cgroup_host *h, const struct cgroup_limits *l,
			struct cgroup *g, struct err *e)
{
	for (int c = 0; c < CGROUP_CONTROLLERS; c++) {
		int r = is_wanted(h, c, l) ? v1_folder(h, c, g, e) : 0;
		if (r < 0)
			return r;
	}
	if (h->v2 >= 0)
		g->v2 = cgroup_v2_make(h, g->path + 1, e);
	return h->v2 >= 0 && g->v2 < 0 ? -e->number : 0;
}

static int devices_set(const struct cgroup *g, const struct cgroup_device_rule *rules, size_t count,
		       struct err *e)
{
	if (count == 0)
		return 0;
	if (g->v1[CGROUP_DEVICES] >= 0)
		return cgroup_v1_devices(g->v1[CGROUP_DEVICES], rules, count, e);
	if (g->v2 >= 0)
		return cgroup_v2_devices(g->v2, rules, count, e);
	return err_set(e, EOPNOTSUPP, ERR_INVALID,
		       "devices cannot be restricted: this machine has no "
		       "devices controller");
}

int cgroup_make(const char *path, const struct cgroup_limits *limits,
		const struct cgroup_device_rule *rules, size_t rule_count, struct cgroup *ret,
		struct err *e)
{
	const struct cgroup_host *h = cgroup_host_get();
	CLEANUP(building_end) struct building b = {.group = no_group};
	b.group.layout = h->layout;
	int r = path_check(path, e);
	if (r < 0)
		return r;
	if (h->layout == CGROUP_NONE) {
		err_set(e, EOPNOTSUPP, ERR_SYSTEM, "no control groups are mounted on this machine");
		return err_hint(e, "mount -t cgroup2 none /sys/fs/cgroup");
	}
	snprintf(b.group.path, sizeof(b.group.path), "%s", path);
	r = cgroup_limits_check(limits, e);
	if (r == 0)
		r = folders_make(h, limits, &b.group, e);
	if (r == 0)
		r = cgroup_limits_apply(&b.group, limits, e);
	if (r == 0)
		r = devices_set(&b.group, rules, rule_count, e);
	if (r < 0)
		return r;
	b.done = true;
	*ret = b.group;
	return 0;
}

/* The folder where the hierarchy has it, -1 where not; a failure to look is neither. */
static int folder_open(int root, const char *point, const char *path, int *ret, struct err *e)
{
	*ret = root < 0 ? -1 : openat(root, path + 1, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return root < 0 || *ret >= 0 || errno == ENOENT
		       ? 0
		       : err_errno(e, errno, "cannot open control group %s in %s", path, point);
}

/* "" is what has no group, because its maker may make none. */
static int tell_none(struct err *e)
{
	char parent[sizeof(no_group.path)];
	if (cgroup_parent(parent, sizeof(parent), e) < 0)
		return -e->number;
	return err_set(e, EACCES, ERR_DENIED, "it was made where no control group could be");
}

int cgroup_open(const char *path, struct cgroup *ret, struct err *e)
{
	const struct cgroup_host *h = cgroup_host_get();
	CLEANUP_CGROUP struct cgroup g = CGROUP_CLOSED;
	bool any = false;
	if (!*path)
		return tell_none(e);
	int r = path_check(path, e);
	for (int c = 0; r == 0 && c < CGROUP_CONTROLLERS; c++) {
		for (int other = 0; other < c && g.v1[c] < 0; other++)
			g.v1[c] = h->v1[other] == h->v1[c] ? g.v1[other] : -1;
		if (g.v1[c] < 0 && is_first_of(h->v1, c))
			r = folder_open(h->v1[c], h->v1_point[c], path, &g.v1[c], e);
		any |= g.v1[c] >= 0;
	}
	if (r == 0)
		r = folder_open(h->v2, h->v2_point, path, &g.v2, e);
	if (r == 0 && !any && g.v2 < 0)
		r = err_set(e, ENOENT, ERR_NOT_FOUND, "there is no control group %s", path);
	if (r < 0)
		return r;
	g.layout = h->layout;
	snprintf(g.path, sizeof(g.path), "%s", path);
	*ret = g;
	g = no_group;
	return 0;
}

static int process_write(int fd, const char *pid, const char *where, struct err *e)
{
	int r = file_write_small(fd, "cgroup.procs", pid);
	return r < 0 ? err_errno(e, r, "cannot move process %s into control group %s", pid, where)
		     : 0;
}

int cgroup_attach_v2(const struct cgroup *g, pid_t pid, struct err *e)
{
	char text[16];
	snprintf(text, sizeof(text), "%d", (int)pid);
	return g->v2 < 0 ? 0 : process_write(g->v2, text, g->path, e);
}

int cgroup_attach(const struct cgroup *g, pid_t pid, struct err *e)
{
	char text[16];
	snprintf(text, sizeof(text), "%d", (int)pid);
	for (int c = 0; c < CGROUP_CONTROLLERS; c++) {
		int r = is_first_of(g->v1, c) ? process_write(g->v1[c], text, g->path, e) : 0;
		if (r < 0)
			return r;
	}
	return cgroup_attach_v2(g, pid, e);
}

void cgroup_entry_close(struct cgroup_entry *entry)
{
	for (int c = 0; c < CGROUP_CONTROLLERS; c++)
		fd_drop(&entry->tasks[c]);
}

int cgroup_entry_open(const struct cgroup *g, struct cgroup_entry *ret, struct err *e)
{
	for (int c = 0; g && c < CGROUP_CONTROLLERS; c++) {
		if (!is_first_of(g->v1, c))
			continue;
		ret->tasks[c] = openat(g->v1[c], "tasks", O_WRONLY | O_CLOEXEC);
		if (ret->tasks[c] >= 0)
			continue;
		int r = err_errno(e, errno, "cannot open control group %s to enter it (%s)",
				  g->path, cgroup_controller_name(c, false));
		cgroup_entry_close(ret);
		return r;
	}
	return 0;
}

/* A new group of the cpu controller has no real-time budget (CONFIG_RT_GROUP_SCHED). */
static int entry_failed(int c, int number, struct err *e)
{
	int policy = sched_getscheduler(0);
	err_errno(e, number, "cannot enter the container's control group (%s)",
		  cgroup_controller_name(c, false));
	if (number == EINVAL && c == CGROUP_CPU && (policy == SCHED_FIFO || policy == SCHED_RR))
		err_hint(e, "hull runs with a real-time policy (chrt), which its containers "
			    "inherit, and their group has no time for it: give it some with "
			    "--cpu-rt-runtime, or start hull with chrt --other 0");
	return -number;
}

int cgroup_enter(const struct cgroup_entry *entry, struct err *e)
{
	for (int c = 0; c < CGROUP_CONTROLLERS; c++)
		if (entry->tasks[c] >= 0 && write(entry->tasks[c], "0", 1) < 0)
			return entry_failed(c, errno, e);
	return 0;
}

/* v2 states some limits relative to others: fetch what the user does not change. */
static void v2_complete(const struct cgroup *g, struct cgroup_limits *l)
{
	char text[64];
	if (l->memory_swap.set && l->memory_swap.value > 0 && !(l->memory.set && l->memory.value) &&
	    file_read_small(g->v2, "memory.max", text, sizeof(text)) > 0)
		l->memory = (struct opt_i64){true, *text == 'm' ? -1 : strtoll(text, NULL, 10)};
	if (l->cpu_period.set && l->cpu_period.value && !(l->cpu_quota.set && l->cpu_quota.value) &&
	    file_read_small(g->v2, "cpu.max", text, sizeof(text)) > 0)
		l->cpu_quota = (struct opt_i64){true, *text == 'm' ? -1 : strtoll(text, NULL, 10)};
}

/* An empty list is what the group above has; the kernel takes none from a group with processes. */
static const char *cpuset_given(const struct cgroup *g, const char *list, const char *v1_file,
				const char *v2_file, char buf[static CPUSET_TEXT_MAX])
{
	bool on_v1 = g->v1[CGROUP_CPUSET] >= 0;
	if (!list || *list)
		return list;
	return file_read_small(on_v1 ? g->v1[CGROUP_CPUSET] : g->v2, on_v1 ? v1_file : v2_file, buf,
			       CPUSET_TEXT_MAX) > 0
		       ? buf
		       : NULL;
}

/* A group that was not in this hierarchy so far enters it now, with all its processes. What was
 * forked meanwhile is seen in the next round; what a process that has entered forks is in it. */
static int v1_join(const struct cgroup *g, int folder, struct err *e)
{
	size_t last = 0;
	for (int round = 0; round < 10; round++) {
		CLEANUP_ARENA struct arena a = {0};
		pid_t *pids;
		size_t count;
		int r = cgroup_pids(g, &a, &pids, &count, e);
		if (r < 0 || (round > 0 && count <= last))
			return r;
		last = count;
		for (size_t i = 0; i < count; i++) {
			char pid[16];
			snprintf(pid, sizeof(pid), "%d", (int)pids[i]);
			r = process_write(folder, pid, g->path, e);
			if (r < 0 && r != -ESRCH)
				return r;
		}
	}
	return 0;
}

/* Hierarchies that the group needs for these limits and is not in yet. */
static int v1_extend(struct cgroup *g, const struct cgroup_limits *l, unsigned *ret_new,
		     struct err *e)
{
	const struct cgroup_host *h = cgroup_host_get();
	for (int c = 0; c < CGROUP_CONTROLLERS; c++) {
		if (g->v1[c] >= 0 || !is_wanted(h, c, l))
			continue;
		int r = v1_folder(h, c, g, e);
		if (r < 0)
			return r;
		*ret_new |= 1U << c;
	}
	return 0;
}

int cgroup_update(const struct cgroup *g, const struct cgroup_limits *limits, struct err *e)
{
	struct cgroup_limits l = *limits;
	struct cgroup with = *g;
	char cpus[CPUSET_TEXT_MAX], mems[CPUSET_TEXT_MAX];
	unsigned new = 0;
	int r = cgroup_limits_check(&l, e);
	if (r == 0)
		r = v1_extend(&with, &l, &new, e);
	if (r == 0 && g->v2 >= 0) {
		v2_complete(g, &l);
		r = cgroup_memory_shrink(g, &l, e);
	}
	l.cpuset_cpus = cpuset_given(&with, l.cpuset_cpus, "../cpuset.cpus",
				     "../cpuset.cpus.effective", cpus);
	l.cpuset_mems = cpuset_given(&with, l.cpuset_mems, "../cpuset.mems",
				     "../cpuset.mems.effective", mems);
	if (r == 0)
		r = cgroup_limits_apply(&with, &l, e);
	if (r == -EBUSY)
		cgroup_memory_busy(g, &l, e);
	for (int c = 0; c < CGROUP_CONTROLLERS; c++) {
		if (!(new & 1U << c) || !is_first_of(with.v1, c))
			continue;
		if (r == 0)
			r = v1_join(g, with.v1[c], e);
		close(with.v1[c]);
	}
	return r;
}

int cgroup_adopt(const char *path, const struct cgroup_limits *limits,
		 const struct cgroup_device_rule *rules, size_t rule_count, struct cgroup *ret,
		 struct err *e)
{
	unsigned new = 0;
	int r = cgroup_open(path, ret, e);
	if (r == 0)
		r = v1_extend(ret, limits, &new, e);
	if (r == 0)
		r = cgroup_update(ret, limits, e);
	return r < 0 ? r : devices_set(ret, rules, rule_count, e);
}

/* rmdir @name below @fd; groups below it that a container made go first. */
static int nested_remove(int fd, const char *name, int depth)
{
	if (unlinkat(fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	if (errno != EBUSY || depth >= CGROUP_NESTED_MAX)
		return -errno;
	int sub = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (sub < 0)
		return errno == ENOENT ? 0 : -errno;
	CLEANUP_DIR DIR *d = fdopendir(sub);
	if (!d) {
		close(sub);
		return -ENOMEM;
	}
	int r = -EBUSY; /* without groups below, it is processes that keep it */
	for (struct dirent *entry; (entry = readdir(d));) {
		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		r = nested_remove(dirfd(d), entry->d_name, depth + 1);
		if (r < 0)
			return r;
	}
	if (r < 0)
		return r;
	return unlinkat(fd, name, AT_REMOVEDIR) < 0 && errno != ENOENT ? -errno : 0;
}

static int hierarchy_remove(int root, const char *point, const char *path, struct err *e)
{
	int r = nested_remove(root, path + 1, 0);
	if (r == 0)
		return 0;
	err_errno(e, r, "cannot remove control group %s in %s", path, point);
	if (r == -EBUSY)
		err_hint(e, "processes live in it: see %s%s/cgroup.procs", point, path);
	return r;
}

int cgroup_remove(const char *path, struct err *e)
{
	const struct cgroup_host *h = cgroup_host_get();
	int first = path_check(path, e);
	if (first < 0)
		return first;
	for (int c = 0; c < CGROUP_CONTROLLERS; c++) {
		int r = is_first_of(h->v1, c) ? hierarchy_remove(h->v1[c], h->v1_point[c], path, e)
					      : 0;
		first = first < 0 ? first : r;
	}
	int r = h->v2 >= 0 ? hierarchy_remove(h->v2, h->v2_point, path, e) : 0;
	return first < 0 ? first : r;
}

void cgroup_remove_empty(const char *path)
{
	const struct cgroup_host *h = cgroup_host_get();
	if (path_check(path, ERR_IGNORED) == 0)
		remove_empty(h->v1, h->v2, path);
}

static bool is_listed(const struct strv *list, const char *text)
{
	for (size_t i = 0; i < list->count; i++)
		if (!strcmp(list->items[i], text))
			return true;
	return false;
}

static void find_below(int parent, const char *path, bool (*is_sought)(const char *name),
		       struct arena *a, struct strv *ret)
{
	CLEANUP_FD int fd = openat(parent, *path ? strrchr(path, '/') + 1 : ".",
				   O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_DIR DIR *d = fd < 0 ? NULL : dir_stream(fd);
	/* A deeper one cannot be removed either. */
	if (!d || strlen(path) >= sizeof(no_group.path) / 2)
		return;
	for (struct dirent *entry; (entry = dir_next(d));) {
		if (entry->d_type != DT_DIR)
			continue;
		char *sub = arena_printf(a, "%s/%s", path, entry->d_name);
		if (!is_sought(entry->d_name))
			find_below(fd, sub, is_sought, a, ret);
		else if (!is_listed(ret, sub))
			strv_push(a, ret, sub);
	}
}

void cgroup_find(bool (*is_sought)(const char *name), struct arena *a, struct strv *ret)
{
	const struct cgroup_host *h = cgroup_host_get();
	for (int c = 0; c < CGROUP_CONTROLLERS; c++)
		if (h->v1[c] >= 0 && is_first_of(h->v1, c))
			find_below(h->v1[c], "", is_sought, a, ret);
	if (h->v2 >= 0)
		find_below(h->v2, "", is_sought, a, ret);
}
