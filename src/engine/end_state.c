/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was short when a container ended with a fault: how much its processes waited (pressure stall
 * information, Documentation/accounting/psi.rst; the group's files are in the v2 tree alone) and
 * whether a file system that hull gave it was full (statfs(2)). A tmpfs of it is gone with its
 * first process: its monitor holds it, and tells in the exit record which one was full. Looked at
 * before its control group goes, for the event `die`; an end without a fault costs nothing. Mounts
 * of others are not asked: a dead server would keep the clean-up.
 */
#include "engine/internal.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>

#include "base/clock.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/path.h"
#include "base/room.h"
#include "engine/mounts.h"
#include "linux/cgroup.h"

/* The averages are over ten seconds; who comes later would read of the time after the end. */
#define FRESH_NS INT64_C(2000000000)
enum { SHORT_BYTES = 2 << 20, SHORT_INODES = 16 };

/* "memory=SOME,FULL,TOTAL": per cent of ten seconds, microseconds since its start. */
static void add_pressure(const struct cgroup *g, const char *resource, struct end *end)
{
	char file[24], text[256], some[8], full[8] = "0.00";
	long long total;
	const size_t len = strlen(end->pressure);
	snprintf(file, sizeof(file), "%s.pressure", resource);
	if (file_read_small(g->v2, file, text, sizeof(text)) <= 0 ||
	    sscanf(text, "some avg10=%7[0-9.] avg60=%*s avg300=%*s total=%lld", some, &total) != 2)
		return;
	const char *all = strstr(text, "\nfull avg10=");
	if (all)
		sscanf(all, "\nfull avg10=%7[0-9.]", full);
	snprintf(end->pressure + len, sizeof(end->pressure) - len, "%s%s=%s,%s,%lld",
		 len ? " " : "", resource, some, full, total);
}

static void look_at_pressure(const struct container *c, struct end *end)
{
	static const char *const resources[] = {"memory", "cpu", "io"};
	CLEANUP_ARENA struct arena a = {0};
	CLEANUP_CGROUP struct cgroup group = CGROUP_CLOSED;
	const char *path = container_cgroup_path(c, &a);
	if (!*path || cgroup_open(path, &group, ERR_IGNORED) < 0 || group.v2 < 0)
		return;
	for (size_t i = 0; i < ARRAY_LEN(resources); i++)
		add_pressure(&group, resources[i], end);
}

/* @name: "" for its own layer, else of a volume. The first one that is full is told of,
 * else the first of which only the reserve is left. */
static void look_at_room(struct engine *en, const char *path, const char *name, struct end *end)
{
	struct statfs fs;
	CLEANUP_FD int fd = dir_open(en->root_fd, path, ERR_IGNORED);
	if (fd < 0 || fstatfs(fd, &fs) < 0 || !fs.f_blocks)
		return;
	const int64_t left = (int64_t)fs.f_bavail * fs.f_frsize, of_root = room_left(&fs);
	const char *what = left >= SHORT_BYTES     ? NULL
			   : of_root < SHORT_BYTES ? "bytes"
						   : "reserved";
	if (fs.f_files > 0 && fs.f_ffree < SHORT_INODES)
		what = "inodes";
	if (what && (!*end->full || (*what != 'r' && strstr(end->full, " reserved "))))
		snprintf(end->full, sizeof(end->full), "%lld %s %s",
			 *what == 'i' ? (long long)fs.f_ffree : (long long)of_root, what, name);
}

/* ---- what is in memory, and gone with its first process ---- */

struct place {
	const char *path, *options; /* options: "" or of the tmpfs */
	const char *volume;         /* or NULL */
};

/* Where it may have a tmpfs: the number of a place is the same as long as it runs. */
static size_t places(const struct container *c, const struct mount_point *mounts, size_t count,
		     struct arena *a, struct place ret[TMPFS_MAX])
{
	static const enum mount_kind kinds[] = {MOUNT_TMPFS, MOUNT_VOLUME};
	const char *mode = c->config.host.ipc_mode;
	const bool shared = mode && (!strcmp(mode, "host") || strchr(mode, ':'));
	size_t n = 1;
	ret[0] = (struct place){
		"/dev/shm",
		shared ? "" : arena_printf(a, "size=%lld", (long long)c->config.host.shm_size),
		NULL};
	for (size_t k = 0; k < ARRAY_LEN(kinds); k++)
		for (size_t i = 0; i < count && n < TMPFS_MAX; i++)
			if (mounts[i].kind == kinds[k])
				ret[n++] = (struct place){mounts[i].destination,
							  mounts[i].tmpfs_options ?: "",
							  mounts[i].name};
	for (size_t i = 0; i < count; i++) /* one that is not hull's */
		if (!strcmp(mounts[i].destination, ret[0].path))
			ret[0].path = "";
	return n;
}

/* Else a volume is a folder of the host's, whatever that lies on. */
static bool is_tmpfs(const struct engine *en, const char *volume, struct arena *a)
{
	struct kvs options = {0};
	const char *type;
	return volume_options((struct engine *)en, volume, NULL, a, &options, ERR_IGNORED) >= 0 &&
	       (type = kvs_get(&options, "type")) && !strcmp(type, "tmpfs");
}

size_t end_hold_tmpfs(const struct engine *en, const struct container *c, pid_t pid,
		      const struct mount_point *mounts, size_t count, int fds[TMPFS_MAX],
		      uint8_t numbers[TMPFS_MAX])
{
	CLEANUP_ARENA struct arena a = {0};
	struct place all[TMPFS_MAX];
	struct stat own, st;
	struct statfs fs;
	size_t held = 0, n = places(c, mounts, count, &a, all);
	CLEANUP_FD int root =
		open(arena_printf(&a, "/proc/%d/root", (int)pid), O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0 || fstat(en->root_fd, &own) < 0)
		return 0;
	for (size_t i = 0; i < n; i++) {
		CLEANUP_FD int fd =
			*all[i].path ? path_open_in_root(root, all[i].path, O_PATH | O_DIRECTORY, 0)
				     : -1;
		if (fd < 0 || fstatfs(fd, &fs) < 0 || fs.f_type != TMPFS_MAGIC ||
		    fstat(fd, &st) < 0 || st.st_dev == own.st_dev ||
		    (all[i].volume && !is_tmpfs(en, all[i].volume, &a)))
			continue;
		numbers[held] = (uint8_t)(i + 1);
		fds[held++] = fd_steal(&fd);
	}
	return held;
}

/* "SIZE", "50%" of the word size=, or "0". */
static const char *size_word(const char *options, struct arena *a)
{
	for (const char *at = options; at && *at; at += strspn(at, ",")) {
		const size_t len = strcspn(at, ",");
		if (!strncmp(at, "size=", 5) && len > 5)
			return arena_strndup(a, at + 5, len - 5);
		at += len;
	}
	return "0";
}

static void tell_tmpfs(struct engine *en, const char *id, struct end *end)
{
	CLEANUP_ARENA struct arena a = {0};
	struct container c; /* what was found of it is without its mounts */
	struct mount_point *mounts;
	struct kvs options = {0};
	size_t count, n, number = end->x->flags / EXIT_FULL;
	struct place all[TMPFS_MAX];
	if (container_read(en, id, &a, &c, ERR_IGNORED) < 0 ||
	    container_mounts(en, &c, &a, &mounts, &count, ERR_IGNORED) < 0)
		return;
	n = places(&c, mounts, count, &a, all);
	if (!number || number > n)
		return;
	const struct place *p = &all[number - 1];
	const char *size = size_word(p->options, &a);
	if (p->volume && volume_options(en, p->volume, NULL, &a, &options, ERR_IGNORED) >= 0)
		size = kvs_get(&options, "size") ?: size_word(kvs_get(&options, "o"), &a);
	snprintf(end->full, sizeof(end->full), "%s tmpfs %s", size, p->path);
}

void end_look(struct engine *en, const struct container *c, struct end *end)
{
	CLEANUP_ARENA struct arena a = {0};
	struct strv volumes = {0};
	if (!end->x->exit_code || clock_real_ns() - end->x->finished_ns > FRESH_NS)
		return;
	look_at_pressure(c, end);
	if (end->x->flags >= EXIT_FULL)
		tell_tmpfs(en, c->id, end);
	look_at_room(en, arena_printf(&a, "containers/%s", c->id), "", end);
	if (db_list(&en->db, &a, &volumes, ERR_IGNORED,
		    "SELECT name FROM volume WHERE options ->> '$.type' IS NULL AND name IN "
		    "(SELECT volume FROM volume_use WHERE container = ?1)",
		    "s", c->id) < 0)
		return;
	for (size_t i = 0; i < volumes.count; i++)
		look_at_room(en, arena_printf(&a, "volumes/%s/_data", volumes.items[i]),
			     volumes.items[i], end);
}
