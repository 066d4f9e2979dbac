/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding the sources of a COPY, and their digest. Rests on openat2(2) RESOLVE_IN_ROOT: a link that
 * a source's path goes through is followed, and cannot leave the root; links that are found below a
 * source are copied as they are. What a name turned out to be is its path without links, by which
 * .dockerignore judges. Read copy.h first; copy_write.c writes.
 */
#include "build/copy_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/path.h"
#include "build/expand.h"
#include "image/digest.h"

/* The path of @fd below @root, "" for that itself: what the kernel says of both. */
static int path_below(int root, int fd, struct arena *a, char **ret)
{
	char link[32], top[PATH_MAX], at[PATH_MAX];
	snprintf(link, sizeof(link), "/proc/self/fd/%d", root);
	ssize_t n = readlink(link, top, sizeof(top) - 1);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t m = readlink(link, at, sizeof(at) - 1);
	if (n < 0 || m < 0)
		return -errno;
	top[n] = at[m] = '\0';
	if (n == 1) /* a mounted tree is its own root */
		n = 0;
	if (strncmp(top, at, (size_t)n) || (at[n] && at[n] != '/'))
		return -ESTALE; /* moved away meanwhile */
	*ret = arena_strdup(a, at + n + strspn(at + n, "/"));
	return 0;
}

static bool ignored(const struct copy *c, const char *path)
{
	size_t n = strlen(c->top);
	const char *below = path + n + (n && path[n] == '/');
	return (*path && c->ignore && ignore_matches(c->ignore, path)) ||
	       (*below && ignore_matches(&c->exclude, below));
}

bool copy_skips(const struct copy *c, const char *path, bool folder)
{
	if (!ignored(c, path))
		return false;
	return !folder || !((c->ignore && c->ignore->negations) || c->exclude.negations);
}

/* A folder that is ignored comes with what is taken back in it, if anything. */
bool copy_hides(const struct copy *c, const char *path)
{
	return ignored(c, path);
}

bool copy_any_below(const struct copy *c, int dir, const char *path, int depth)
{
	CLEANUP_ARENA struct arena a = {0};
	struct strv names = {0};
	if (depth > COPY_DEPTH_MAX || copy_list(dir, &names, &a) < 0)
		return false;
	for (size_t i = 0; i < names.count; i++) {
		char *at = arena_printf(&a, "%s/%s", path, names.items[i]);
		if (!ignored(c, at))
			return true;
		CLEANUP_FD int sub = copy_reopen(dir, names.items[i], O_RDONLY | O_DIRECTORY);
		if (sub >= 0 && copy_any_below(c, sub, at, depth + 1))
			return true;
	}
	return false;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

/* Behind its pivot "/./", or all of it. */
static const char *behind_pivot(const char *named)
{
	const char *pivot = strstr(named, "/./");
	return pivot ? pivot + 3 : named;
}

static const char *kept(const struct copy *c, const char *named, bool folder)
{
	const char *from = behind_pivot(named);
	if (!c->parents)
		return "";
	size_t len = folder ? strlen(from) : (size_t)(base_name(from) - from);
	return arena_strndup(c->a, from, len);
}

/* What --exclude says is of paths in the source, and of a file's name; with --parents, of what the
 * copy is called. */
static const char *top_of(const struct copy *c, const char *named, const char *path)
{
	const char *from = behind_pivot(named);
	size_t n = strlen(path), m = strlen(from);
	if (!c->parents)
		return path;
	return n > m && !strcmp(path + n - m, from) ? arena_strndup(c->a, path, n - m - 1) : "";
}

static bool excluded(const struct copy *c, const char *named, bool folder)
{
	const char *as = c->parents ? behind_pivot(named) : folder ? "" : base_name(named);
	return *as && ignore_matches(&c->exclude, as) && !(folder && c->exclude.negations);
}

static int add_source(struct copy *c, const char *named, struct err *e)
{
	struct copy_source s = {.name = base_name(named)};
	char *path;
	CLEANUP_FD int fd = path_open_in_root(c->root, *named ? named : ".", O_PATH, 0);
	if (fd < 0)
		return fd == -ENOENT ? fd : err_errno(e, fd, "\"/%s\"", named);
	int r = path_below(c->root, fd, c->a, &path);
	if (r < 0 || fstat(fd, &s.st) < 0)
		return err_errno(e, r < 0 ? r : errno, "\"/%s\"", named);
	bool folder = S_ISDIR(s.st.st_mode);
	/* Of the context's own folder nobody said whose it is to be: what is built is the same
	 * from one of mktemp(1), and from a tar. As BuildKit. */
	if (c->ignore && !*path)
		s.st.st_mode = S_IFDIR | 0755;
	c->top = s.top = top_of(c, named, path);
	if (copy_skips(c, path, folder) || excluded(c, named, folder) ||
	    (c->ignore && *named && ignore_matches(c->ignore, named)))
		return -ENOENT;
	if (c->sources.count == COPY_SOURCES_MAX)
		return err_set(e, E2BIG, ERR_INVALID, "more than %d sources", COPY_SOURCES_MAX);
	s.path = path;
	s.keep = kept(c, named, folder);
	if (c->unpack && S_ISREG(s.st.st_mode) && (r = copy_is_archive(fd)) < 0)
		return err_errno(e, r, "\"/%s\"", named);
	s.archive = r > 0;
	s.fd = fd_steal(&fd);
	*(struct copy_source *)array_push(c->a, &c->sources, sizeof(s)) = s;
	return 1;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int no_dots(const struct dirent *entry)
{
	return strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
}

int copy_list(int dir, struct strv *ret, struct arena *a)
{
	struct dirent **names;
	int count = scandirat(dir, ".", &names, no_dots, by_name);
	for (int i = 0; i < count; i++) {
		strv_push(a, ret, names[i]->d_name);
		free(names[i]);
	}
	if (count < 0)
		return -errno;
	free(names);
	return 0;
}

static bool has_wildcard(const char *text)
{
	return strpbrk(text, "*?[\\") != NULL;
}

/* The components of @rest below the folder @at; how many sources there were. */
static int find_below(struct copy *c, const char *at, const char *rest, struct err *e)
{
	size_t n = strcspn(rest, "/");
	const char *more = rest[n] ? rest + n + 1 : "";
	char *first = arena_strndup(c->a, rest, n);
	const char *slash = *at ? "/" : "";
	if (!n)
		return add_source(c, at, e);
	if (!has_wildcard(first))
		return find_below(c, arena_printf(c->a, "%s%s%s", at, slash, first), more, e);
	CLEANUP_FD int dir = path_open_in_root(c->root, *at ? at : ".", O_RDONLY | O_DIRECTORY, 0);
	struct strv names = {0};
	int r = dir < 0 ? dir : copy_list(dir, &names, c->a), found = 0;
	if (r < 0)
		return r == -ENOENT || r == -ENOTDIR ? 0 : err_errno(e, r, "\"/%s\"", at);
	bool deep = !strcmp(first, "**");
	if (deep && *more && (r = find_below(c, at, more, e)) > 0)
		found += r;
	for (size_t i = 0; (r >= 0 || r == -ENOENT) && i < names.count; i++) {
		if (!pattern_matches(first, names.items[i], false))
			continue;
		char *next = arena_printf(c->a, "%s%s%s", at, slash, names.items[i]);
		CLEANUP_FD int sub = path_open_in_root(c->root, next, O_PATH | O_DIRECTORY, 0);
		if (sub < 0 && *more)
			continue;
		if (strlen(next) > PATH_MAX - 256)
			continue;
		r = find_below(c, next, deep && *more ? rest : more, e);
		found += r > 0 ? r : 0;
	}
	return r < 0 && r != -ENOENT ? r : found;
}

int copy_find(struct copy *c, const char *pattern, struct err *e)
{
	/* The pivot of --parents stays, as "/./" is no name. */
	const char *pivot = c->parents ? strstr(pattern, "/./") : NULL;
	char *path = path_clean(c->a, pattern) + 1;
	if (pivot) {
		char *head =
			path_clean(c->a, arena_strndup(c->a, pattern, (size_t)(pivot - pattern)));
		path = arena_printf(c->a, "%s/.%s", head + 1, path_clean(c->a, pivot + 3));
	}
	int r = find_below(c, "", path, e);
	if (r > 0 || (r < 0 && r != -ENOENT))
		return r;
	err_set(e, ENOENT, ERR_NOT_FOUND, "\"/%s\": not found", path);
	if (c->ignore && c->ignore->patterns.count && !has_wildcard(path)) {
		CLEANUP_FD int there = path_open_in_root(c->root, *path ? path : ".", O_PATH, 0);
		if (there >= 0)
			err_hint(e, "it is there, but .dockerignore excludes it");
	}
	return -ENOENT;
}

int copy_add_text(struct copy *c, const char *name, const char *text, struct err *e)
{
	CLEANUP_FD int fd = memfd_create("heredoc", MFD_CLOEXEC);
	size_t len = strlen(text);
	struct copy_source s = {.path = name, .name = name, .keep = "", .top = ""};
	if (fd < 0 || fd_write_full(fd, text, len) < 0 || fstat(fd, &s.st) < 0)
		return err_errno(e, errno, "cannot keep a heredoc");
	s.st.st_mode = S_IFREG | 0644;
	s.fd = fd_steal(&fd);
	*(struct copy_source *)array_push(c->a, &c->sources, sizeof(s)) = s;
	return 0;
}

void copy_close(struct copy *c)
{
	struct copy_source *s = c->sources.items;
	for (size_t i = 0; i < c->sources.count; i++)
		fd_drop(&s[i].fd);
	c->sources.count = 0;
}

/* ---- the digest ---- */

struct sum {
	struct copy *c;
	int64_t *newest; /* not NULL: of inodes, without a look into files; and their latest change
			  */
	char so_far[ID_LEN + 1];
	struct err *e;
};

static void feed(struct sum *s, const char *line)
{
	CLEANUP_ARENA struct arena a = {0};
	char *all = arena_printf(&a, "%s%s", s->so_far, line);
	digest_sha256(all, strlen(all), s->so_far);
}

/* As a container will see it, but for the time. */
static int feed_entry(struct sum *s, int dir, const char *name, const char *path,
		      const struct stat *st)
{
	CLEANUP_ARENA struct arena a = {0};
	char data[PATH_MAX] = "";
	struct stat is = *st;
	copy_attributes(s->c, &is);
	if (s->newest) {
		int64_t changed = (int64_t)st->st_ctim.tv_sec * 1000000000 + st->st_ctim.tv_nsec;
		*s->newest = changed > *s->newest ? changed : *s->newest;
		snprintf(data, sizeof(data), "%llu %lld.%09ld %lld", (unsigned long long)st->st_ino,
			 (long long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec, (long long)changed);
	} else if (S_ISLNK(is.st_mode)) {
		ssize_t n = readlinkat(dir, name, data, sizeof(data) - 1);
		if (n < 0)
			return err_errno(s->e, errno, "\"/%s\"", path);
		data[n] = '\0';
	} else if (S_ISREG(is.st_mode)) {
		CLEANUP_FD int fd = copy_reopen(dir, name, O_RDONLY | O_NONBLOCK);
		int r = fd < 0 ? fd : digest_sha256_file(fd, 0, (uint64_t)is.st_size, data);
		if (r < 0)
			return err_errno(s->e, r, "\"/%s\"", path);
	}
	/* A name may have a line feed in it: its length says where it ends. */
	feed(s, arena_printf(
			&a, "%zu %s %o %u %u %llu %s", strlen(path), path, is.st_mode, is.st_uid,
			is.st_gid,
			(unsigned long long)(S_ISREG(is.st_mode) ? is.st_size : (off_t)is.st_rdev),
			data));
	return 0;
}

static int feed_tree(struct sum *s, int dir, const char *path, const char *shown, int depth)
{
	CLEANUP_ARENA struct arena a = {0};
	struct strv names = {0};
	int r = depth > COPY_DEPTH_MAX ? -ELOOP : copy_list(dir, &names, &a);
	if (r < 0)
		return err_errno(s->e, r, "\"/%s\"", path);
	for (size_t i = 0; r == 0 && i < names.count; i++) {
		const char *name = names.items[i];
		char *at = arena_printf(&a, "%s%s%s", path, *path ? "/" : "", name);
		char *as = arena_printf(&a, "%s/%s", shown, name);
		struct stat st;
		if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return err_errno(s->e, errno, "\"/%s\"", at);
		if (copy_skips(s->c, at, S_ISDIR(st.st_mode)))
			continue;
		if (!copy_hides(s->c, at))
			r = feed_entry(s, dir, name, as, &st);
		if (r < 0 || !S_ISDIR(st.st_mode))
			continue;
		CLEANUP_FD int sub = copy_reopen(dir, name, O_RDONLY | O_DIRECTORY);
		r = sub < 0 ? err_errno(s->e, sub, "\"/%s\"", at)
			    : feed_tree(s, sub, at, as, depth + 1);
	}
	return r;
}

static int sum(struct copy *c, int64_t *newest, char ret[static ID_LEN + 1], struct err *e)
{
	struct sum s = {.c = c, .newest = newest, .e = e};
	const struct copy_source *src = c->sources.items;
	int r = 0;
	for (size_t i = 0; r == 0 && i < c->sources.count; i++) {
		const struct copy_source *at = &src[i];
		bool folder = S_ISDIR(at->st.st_mode);
		c->top = at->top;
		/* The name of a folder whose content is copied does not matter. */
		const char *shown =
			arena_printf(c->a, "%s%s%s", at->keep, at->archive ? "unpacked " : "",
				     folder ? "" : at->name);
		r = feed_entry(&s, at->fd, "", shown, &at->st);
		if (r < 0 || !folder)
			continue;
		CLEANUP_FD int dir = copy_reopen(at->fd, "", O_RDONLY | O_DIRECTORY);
		r = dir < 0 ? err_errno(e, dir, "\"/%s\"", at->path)
			    : feed_tree(&s, dir, at->path, shown, 0);
	}
	memcpy(ret, s.so_far, sizeof(s.so_far));
	return r;
}

int copy_digest(struct copy *c, char ret[static ID_LEN + 1], struct err *e)
{
	return sum(c, NULL, ret, e);
}

int copy_signature(struct copy *c, char ret[static ID_LEN + 1], int64_t *ret_newest, struct err *e)
{
	*ret_newest = 0;
	return sum(c, ret_newest, ret, e);
}
