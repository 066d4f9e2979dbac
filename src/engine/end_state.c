/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was short when a container ended with a fault: how much its processes waited (pressure stall
 * information, Documentation/accounting/psi.rst; the group's files are in the v2 tree alone) and
 * whether a file system that hull gave it was full (statfs(2)). Looked at before its control group
 * goes, for the event `die`; an end without a fault costs nothing. Mounts of others are not asked:
 * a dead server would keep the clean-up.
 */
#include "engine/internal.h"

#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>

#include "base/clock.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/room.h"
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

void end_look(struct engine *en, const struct container *c, struct end *end)
{
	CLEANUP_ARENA struct arena a = {0};
	struct strv volumes = {0};
	if (!end->x->exit_code || clock_real_ns() - end->x->finished_ns > FRESH_NS)
		return;
	look_at_pressure(c, end);
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
