/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Room in a container: every file system that it can write to, by what the kernel says to a
 * program in it; its own layer and its log; and files that were removed but are held open, whose
 * room nobody finds. Rests on mountinfo, statvfs(3) and /proc/PID/fd. File systems of other
 * machines and of programs (FUSE) are not asked, since they may never answer.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/path.h"
#include "base/tree.h"
#include "base/units.h"
#include "diagnose/processes.h"
#include "diagnose/usage.h"
#include "engine/internal.h"
#include "linux/process.h"

enum { MOUNTS_MAX = 4 << 20, PLACES_MAX = 256, FILES_MAX = 4096, NEAR_PERCENT = 95 };
/* Of a layer that is full: its file system may keep some for itself. */
enum { FULL_PERCENT = 90 };

static const char *const not_asked[] = {"proc", "sysfs", "cgroup", "cgroup2", "devpts", "mqueue",
					"nfs",  "nfs4",  "cifs",   "smb3",    "9p",     "ceph"};

struct look {
	const struct container *c;
	struct story *s;
	int root;
	dev_t seen[PLACES_MAX];
	size_t seen_count;
	int64_t deleted; /* bytes, ... */
	size_t files;    /* ... of so many */
	struct {
		dev_t dev;
		ino_t ino;
	} held[FILES_MAX];
};

#define LAYER_ADVICE                                                                               \
	"remove files that it writes, or have it write them to a volume; a new container may "     \
	"have "                                                                                    \
	"more: --storage-opt size="

/* Bytes; 0: none. */
static int64_t layer_limit(const struct container *c)
{
	const char *text = kvs_get(&c->config.host.storage_opt, "size");
	int64_t limit;
	return text && size_parse(text, &limit) == 0 ? limit : 0;
}

/* NULL: it is not, or has no limit. */
static char *full_layer(const struct container *c, int64_t own, struct arena *a)
{
	const int64_t limit = layer_limit(c);
	return limit > 0 && own >= limit / 100 * FULL_PERCENT
		       ? arena_printf(a, "its own layer is full: %s of %s", size_text(a, own),
				      size_text(a, limit))
		       : NULL;
}

void diagnose_layer_full(struct engine *en, const struct container *c, struct story *s)
{
	int64_t own, all;
	if (!layer_limit(c) || container_size(en, c, &own, &all, ERR_IGNORED) < 0)
		return;
	const char *text = full_layer(c, own, s->a);
	if (!text)
		return;
	s->verdict = arena_printf(s->a, "%s; %s", s->verdict, text);
	story_advise(s, LAYER_ADVICE);
}

static int64_t percent(uint64_t used, uint64_t left)
{
	return used + left ? (int64_t)(used * 100 / (used + left)) : 0;
}

static void near_full(struct look *x, const char *path, const char *what, int64_t part, bool memory)
{
	struct story *s = x->s;
	if (part < NEAR_PERCENT)
		return;
	if (!s->verdict)
		s->verdict = arena_printf(s->a, "%s is nearly full: %lld %% of its %s are used",
					  path, (long long)part, what);
	if (!strcmp(path, "/") && layer_limit(x->c) > 0)
		story_advise(s, LAYER_ADVICE);
	else
		story_advise(s,
			     memory ? "%s is in memory: --shm-size or --tmpfs PATH:size= gives it "
				      "another size"
				    : "%s: remove files in it; hull system df tells what hull "
				      "itself could give back",
			     path);
}

static void tell_place(struct look *x, const char *path, const char *type)
{
	struct statvfs fs;
	struct stat st;
	CLEANUP_FD int fd = path_open_in_root(x->root, path, O_PATH | O_DIRECTORY, 0);
	if (fd < 0 || fstat(fd, &st) < 0 || fstatvfs(fd, &fs) < 0 || fs.f_flag & ST_RDONLY ||
	    !fs.f_blocks)
		return;
	for (size_t i = 0; i < x->seen_count; i++)
		if (x->seen[i] == st.st_dev)
			return;
	if (x->seen_count < PLACES_MAX)
		x->seen[x->seen_count++] = st.st_dev;
	bool memory = !strcmp(type, "tmpfs");
	uint64_t unit = fs.f_frsize;
	int64_t room = percent(fs.f_blocks - fs.f_bfree, fs.f_bavail);
	int64_t inodes = percent(fs.f_files - fs.f_ffree, fs.f_favail);
	story_evidence(x->s, path, "%s: %s of %s used (%lld %%), %lld %% of the inodes%s", type,
		       size_text(x->s->a, (int64_t)((fs.f_blocks - fs.f_bfree) * unit)),
		       size_text(x->s->a, (int64_t)(fs.f_blocks * unit)), (long long)room,
		       (long long)inodes, memory ? "; in memory" : "");
	near_full(x, path, "bytes", room, memory);
	near_full(x, path, "inodes", inodes, memory);
}

static bool is_asked(const char *type)
{
	for (size_t i = 0; i < ARRAY_LEN(not_asked); i++)
		if (!strcmp(type, not_asked[i]))
			return false;
	return strncmp(type, "fuse", 4) != 0;
}

static int tell_places(struct look *x, struct err *e)
{
	char name[48], path[4096], type[64], *text, *rest;
	snprintf(name, sizeof(name), "/proc/%d/mountinfo", x->c->pid);
	int r = file_read(AT_FDCWD, name, MOUNTS_MAX, x->s->a, &text, NULL, e);
	if (r < 0)
		return r;
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		const char *behind = strstr(line, " - ");
		if (!behind || sscanf(behind, " - %63s", type) != 1 || !is_asked(type) ||
		    sscanf(line, "%*d %*d %*s %*s %4095s", path) != 1)
			continue;
		path_unescape(path);
		tell_place(x, path, type);
	}
	return 0;
}

static bool is_new(struct look *x, const struct stat *st)
{
	for (size_t i = 0; i < x->files; i++)
		if (x->held[i].dev == st->st_dev && x->held[i].ino == st->st_ino)
			return false;
	return x->files < FILES_MAX;
}

static void look_at_files(struct look *x, pid_t pid)
{
	char name[48], link[64];
	snprintf(name, sizeof(name), "/proc/%d/fd", (int)pid);
	CLEANUP_DIR DIR *d = opendir(name);
	struct dirent *entry;
	struct stat st;
	while (d && (entry = dir_next(d))) {
		if (fstatat(dirfd(d), entry->d_name, &st, 0) < 0 || st.st_nlink ||
		    !S_ISREG(st.st_mode))
			continue;
		ssize_t n = readlinkat(dirfd(d), entry->d_name, link, sizeof(link));
		/* memfd_create(2): has never had a name. */
		if ((n > 7 && !strncmp(link, "/memfd:", 7)) || !is_new(x, &st))
			continue;
		x->held[x->files].dev = st.st_dev;
		x->held[x->files++].ino = st.st_ino;
		x->deleted += (int64_t)st.st_blocks * 512;
	}
}

static int tell_deleted(struct look *x, struct err *e)
{
	struct processes all;
	int r = processes_read(x->c, x->s->a, &all, e);
	for (size_t i = 0; r == 0 && i < all.count; i++)
		look_at_files(x, all.list[i].pid);
	if (r == 0 && x->files)
		story_evidence(
			x->s, "removed, but open",
			"%s in %zu file%s: the room comes back when its processes close them",
			size_text(x->s->a, x->deleted), x->files, x->files == 1 ? "" : "s");
	return r;
}

static int tell_own(struct look *x, struct engine *en, int64_t *ret, struct err *e)
{
	struct arena *a = x->s->a;
	int64_t all = 0, log = 0, part;
	const char *limit = kvs_get(&x->c->config.host.storage_opt, "size");
	int r = container_size(en, x->c, ret, &all, e);
	if (r < 0)
		return r;
	story_evidence(x->s, "its own layer", "%s%s%s", size_text(a, *ret), limit ? ", limit " : "",
		       limit ? limit : "; no limit (--storage-opt size=)");
	CLEANUP_FD int dir = dir_open(en->root_fd, arena_printf(a, "containers/%s", x->c->id), e);
	CLEANUP_DIR DIR *d = dir < 0 ? NULL : dir_stream(dir);
	struct dirent *entry;
	while (d && (entry = dir_next(d)))
		if (!strncmp(entry->d_name, x->c->id, strlen(x->c->id)) &&
		    tree_usage(dir, entry->d_name, &part, e) >= 0)
			log += part;
	story_evidence(x->s, "its log", "%s", size_text(a, log));
	return 0;
}

int diagnose_disk(struct engine *en, const struct container *c, struct story *s, struct err *e)
{
	struct look *x = arena_new(s->a, struct look);
	int64_t own = 0;
	CLEANUP_FD int root = container_root_open(c, e);
	if (root < 0)
		return root;
	*x = (struct look){.c = c, .s = s, .root = root};
	int r = tell_places(x, e);
	if (r == 0)
		r = tell_own(x, en, &own, e);
	if (r == 0)
		r = tell_deleted(x, e);
	if (r == 0 && !s->verdict && (s->verdict = full_layer(c, own, s->a)))
		story_advise(s, LAYER_ADVICE); /* of btrfs, whose statvfs(3) does not tell */
	if (r == 0 && !s->verdict)
		s->verdict = arena_printf(s->a, "there is room; it has %s in its own layer",
					  size_text(s->a, own));
	return r;
}
