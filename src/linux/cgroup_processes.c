/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The processes of a group: list, freeze, kill, wait until they are gone.
 * See cgroup-v2.rst, "Core Interface Files"; cgroup-v1/freezer-subsystem.rst; pidfd_open(2).
 * Invariant: a group is never left frozen by a freeze that failed. Read cgroup.h first.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "linux/cgroup_host.h"
#include "linux/cgroup_stats.h"

enum {
	FREEZE_TIMEOUT_MS = 5000,
	KILL_TIMEOUT_MS = 10000,
	PIDS_MAX = 1 << 20,
};

struct pid_list {
	const char *file;
	struct arena *arena;
	pid_t *pids;
	size_t count, room;
};

static int pid_add(struct pid_list *l, pid_t pid)
{
	if (l->count >= PIDS_MAX)
		return -E2BIG;
	l->pids = arena_grow(l->arena, l->pids, l->count, &l->room, sizeof(*l->pids));
	l->pids[l->count++] = pid;
	return 0;
}

/* One folder: a number a line. 0 stands for processes outside our pid namespace. */
static int folder_pids(int fd, void *ctx)
{
	struct pid_list *l = ctx;
	CLEANUP_FD int procs = openat(fd, l->file, O_RDONLY | O_CLOEXEC);
	if (procs < 0)
		return -errno;
	char buf[4096];
	pid_t pid = 0;
	for (ssize_t n; (n = read(procs, buf, sizeof(buf))) != 0;) {
		if (n < 0)
			return -errno;
		for (ssize_t i = 0; i < n; i++) {
			if (buf[i] >= '0' && buf[i] <= '9') {
				pid = pid * 10 + (buf[i] - '0');
				continue;
			}
			int r = pid > 0 ? pid_add(l, pid) : 0;
			if (r < 0)
				return r;
			pid = 0;
		}
	}
	return 0;
}

static int walk(int parent, const char *name, int (*each)(int folder, void *ctx), void *ctx,
		int depth)
{
	struct stat st;
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	int r = each(fd, ctx);
	if (r < 0 || (fstat(fd, &st) == 0 && st.st_nlink <= 2)) { /* no folder in it */
		close(fd);
		return r == -ENODEV || r == -ENOENT ? 0 : r;
	}
	CLEANUP_DIR DIR *d = fdopendir(fd);
	if (!d) {
		close(fd);
		return -ENOMEM;
	}
	for (struct dirent *entry; r == 0 && (entry = readdir(d));)
		if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
			r = depth < CGROUP_NESTED_MAX
				    ? walk(fd, entry->d_name, each, ctx, depth + 1)
				    : -E2BIG;
	return r;
}

int cgroup_walk(int folder, int (*each)(int folder, void *ctx), void *ctx)
{
	return walk(folder, ".", each, ctx, 0);
}

/* The v2 tree where there is one, else the first v1 hierarchy: the same processes are in all. */
static int main_folder(const struct cgroup *g)
{
	int fd = g->v2;
	for (int c = 0; c < CGROUP_CONTROLLERS && fd < 0; c++)
		fd = g->v1[c];
	return fd;
}

static int list(const struct cgroup *g, const char *file, struct arena *a, pid_t **ret,
		size_t *ret_count, struct err *e)
{
	struct pid_list l = {.file = file, .arena = a};
	int r = cgroup_walk(main_folder(g), folder_pids, &l);
	if (r < 0)
		return err_errno(e, r, "cannot list the processes of control group %s", g->path);
	*ret = l.pids;
	*ret_count = l.count;
	return 0;
}

int cgroup_pids(const struct cgroup *g, struct arena *a, pid_t **ret, size_t *ret_count,
		struct err *e)
{
	return list(g, "cgroup.procs", a, ret, ret_count, e);
}

int cgroup_tasks(const struct cgroup *g, struct arena *a, pid_t **ret, size_t *ret_count,
		 struct err *e)
{
	return list(g, g->v2 >= 0 ? "cgroup.threads" : "tasks", a, ret, ret_count, e);
}

int64_t cgroup_tasks_counted(const struct cgroup *g)
{
	char text[32];
	const int folder = g->v1[CGROUP_PIDS] >= 0 ? g->v1[CGROUP_PIDS] : g->v2;
	return file_read_small(folder, "pids.current", text, sizeof(text)) > 0
		       ? strtoll(text, NULL, 10)
		       : 0;
}

/* The value of @key in cgroup.events; the file is read anew, which also arms poll(2). */
static int event_value(int events, const char *key)
{
	char text[256];
	ssize_t n = pread(events, text, sizeof(text) - 1, 0);
	if (n < 0)
		return -errno;
	text[n] = '\0';
	const char *found = strstr(text, key);
	return found ? found[strlen(key) + 1] == '1' : -EOPNOTSUPP;
}

static int event_wait(int events, const char *key, int wanted, int timeout_ms)
{
	int64_t end = clock_ms() + timeout_ms;
	for (;;) {
		int value = event_value(events, key);
		if (value < 0 || value == wanted)
			return value < 0 ? value : 0;
		int64_t left = end - clock_ms();
		struct pollfd p = {.fd = events, .events = POLLPRI};
		if (left <= 0)
			return -ETIMEDOUT;
		if (poll(&p, 1, (int)left) < 0 && errno != EINTR)
			return -errno;
	}
}

int cgroup_wait_empty(const struct cgroup *g, int timeout_ms)
{
	if (g->v2 < 0)
		return -EOPNOTSUPP;
	CLEANUP_FD int events = openat(g->v2, "cgroup.events", O_RDONLY | O_CLOEXEC);
	return events < 0 ? -errno : event_wait(events, "populated", 0, timeout_ms);
}

static int v2_freeze(const struct cgroup *g, bool frozen)
{
	CLEANUP_FD int events = openat(g->v2, "cgroup.events", O_RDONLY | O_CLOEXEC);
	if (events < 0)
		return -errno;
	int r = file_write_small(g->v2, "cgroup.freeze", frozen ? "1" : "0");
	return r < 0 ? r : event_wait(events, "frozen", frozen, FREEZE_TIMEOUT_MS);
}

/* v1 tells nobody when it is done: ask, and let time pass, at most FREEZE_TIMEOUT_MS. A fork during
 * the freeze can leave it at FREEZING until it is asked for again. */
static int v1_freeze(const struct cgroup *g, bool frozen)
{
	int fd = g->v1[CGROUP_FREEZER];
	const char *wanted = frozen ? "FROZEN" : "THAWED";
	for (int64_t end = clock_ms() + FREEZE_TIMEOUT_MS; clock_ms() < end; poll(NULL, 0, 1)) {
		char state[32];
		int r = file_write_small(fd, "freezer.state", wanted);
		if (r < 0)
			return r;
		if (file_read_small(fd, "freezer.state", state, sizeof(state)) < 0)
			return -EIO;
		if (!strcmp(state, wanted))
			return 0;
	}
	return -ETIMEDOUT;
}

int cgroup_freeze(const struct cgroup *g, bool frozen, struct err *e)
{
	const char *verb = frozen ? "freeze" : "thaw";
	if (g->v2 < 0 && g->v1[CGROUP_FREEZER] < 0)
		return err_set(e, EOPNOTSUPP, ERR_SYSTEM,
			       "cannot %s control group %s: no freezer here", verb, g->path);
	int r = g->v2 >= 0 ? v2_freeze(g, frozen) : v1_freeze(g, frozen);
	if (r == 0)
		return 0;
	if (frozen && g->v2 >= 0)
		file_write_small(g->v2, "cgroup.freeze", "0");
	else if (frozen)
		file_write_small(g->v1[CGROUP_FREEZER], "freezer.state", "THAWED");
	err_errno(e, r, "cannot %s control group %s", verb, g->path);
	if (r == -ETIMEDOUT) {
		e->kind = ERR_TIMEOUT;
		err_hint(e,
			 "a process in state D (waiting for a disk or a server) cannot be frozen");
	}
	return r;
}

int cgroup_is_frozen(const struct cgroup *g)
{
	char state[256];
	if (g->v2 >= 0) {
		CLEANUP_FD int events = openat(g->v2, "cgroup.events", O_RDONLY | O_CLOEXEC);
		return events < 0 ? -errno : event_value(events, "frozen");
	}
	if (g->v1[CGROUP_FREEZER] < 0)
		return -EOPNOTSUPP;
	ssize_t n = file_read_small(g->v1[CGROUP_FREEZER], "freezer.state", state, sizeof(state));
	return n < 0 ? (int)n : !strcmp(state, "FROZEN");
}

/* Kill and wait for the end of each: at most @end. A pid that was reused is safe: the pidfd is
 * taken while the process is in the group's list, and frozen. */
static void pids_kill(const pid_t *pids, size_t count, const struct cgroup *g, int64_t end)
{
	struct err ignored;
	enum { CHUNK = 64 };
	for (size_t base = 0; base < count; base += CHUNK) {
		size_t n = count - base < CHUNK ? count - base : CHUNK;
		int fds[CHUNK];
		for (size_t i = 0; i < n; i++) {
			fds[i] = (int)syscall(SYS_pidfd_open, pids[base + i], 0);
			if (fds[i] >= 0)
				syscall(SYS_pidfd_send_signal, fds[i], SIGKILL, NULL, 0);
		}
		if (base + n == count)
			cgroup_freeze(g, false, &ignored);
		for (size_t i = 0; i < n; i++) {
			struct pollfd p = {.fd = fds[i], .events = POLLIN};
			int64_t left = end - clock_ms();
			if (fds[i] >= 0 && base + n == count && left > 0)
				poll(&p, 1, (int)left);
			cleanup_close(&fds[i]);
		}
	}
}

/* Before Linux 5.14, and on v1: frozen processes do not fork, so the list is complete. */
static int kill_listed(const struct cgroup *g, struct err *e)
{
	struct err ignored;
	for (int64_t end = clock_ms() + KILL_TIMEOUT_MS; clock_ms() < end;) {
		CLEANUP_ARENA struct arena a = {0};
		pid_t *pids;
		size_t count;
		bool frozen = cgroup_freeze(g, true, &ignored) == 0;
		int r = cgroup_pids(g, &a, &pids, &count, e);
		if (r == 0)
			pids_kill(pids, count, g, end);
		if (frozen && (r < 0 || count == 0))
			cgroup_freeze(g, false, &ignored);
		if (r < 0 || count == 0)
			return r;
	}
	return err_set(e, ETIMEDOUT, ERR_TIMEOUT,
		       "control group %s still has processes after SIGKILL", g->path);
}

int cgroup_kill(const struct cgroup *g, struct err *e)
{
	cgroup_rates_lift(g);
	int r = g->v2 >= 0 ? file_write_small(g->v2, "cgroup.kill", "1") : -ENOENT;
	if (r == -ENOENT || r == -EOPNOTSUPP)
		return kill_listed(g, e);
	return r < 0 ? err_errno(e, r, "cannot kill control group %s", g->path) : 0;
}

int64_t cgroup_pids_refused(const struct cgroup *g, int *ret_whose)
{
	char text[256], most[32], limit[32];
	const int dir = g->v1[CGROUP_PIDS] >= 0 ? g->v1[CGROUP_PIDS] : g->v2;
	ssize_t n = file_read_small(dir, "pids.events", text, sizeof(text));
	*ret_whose = -1;
	if (file_read_small(dir, "pids.peak", most, sizeof(most)) > 0 &&
	    file_read_small(dir, "pids.max", limit, sizeof(limit)) > 0)
		*ret_whose = *limit != 'm' && strtoll(most, NULL, 10) >= strtoll(limit, NULL, 10);
	return n < 0 ? n : cgroup_keyed(text, "max");
}
