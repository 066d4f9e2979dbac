/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing a COPY into the mounted tree of its stage. Every path of the destination is resolved in
 * that tree by openat2(2) RESOLVE_IN_ROOT; the overlay beneath sees to what becomes of the layers.
 * Read copy.h and copy.c first.
 */
#include "build/copy_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/tree.h"
#include "image/unpack_job.h"

struct writer {
	struct copy *c;
	int root; /* of the tree */
	struct err *e;
};

int copy_reopen(int dir, const char *name, int flags)
{
	char self[32];
	int fd;
	if (*name) {
		fd = openat(dir, name, flags | O_NOFOLLOW | O_CLOEXEC);
	} else {
		/* What was found is opened, whatever has its name now. */
		snprintf(self, sizeof(self), "/proc/self/fd/%d", dir);
		fd = open(self, flags | O_CLOEXEC);
	}
	return fd < 0 ? -errno : fd;
}

int copy_is_archive(int path_fd)
{
	static const struct {
		size_t at, len;
		const char *magic;
	} known[] = {{257, 5, "ustar"},
		     {0, 3, "\x1f\x8b\x08"},
		     {0, 4, "\x28\xb5\x2f\xfd"},
		     {0, 3, "BZh"},
		     {0, 6,
		      "\xfd"
		      "7zXZ\0"}};
	char head[512] = {0};
	CLEANUP_FD int fd = copy_reopen(path_fd, "", O_RDONLY | O_NONBLOCK);
	ssize_t n = fd < 0 ? fd : fd_read_full(fd, head, sizeof(head));
	if (n < 0)
		return (int)n;
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (!memcmp(head + known[i].at, known[i].magic, known[i].len))
			return 1;
	return 0;
}

/* ---- modes ---- */

/* One clause of a symbolic mode, "u+rwX,go=": who, operator, what. NULL: malformed. */
static const char *apply_clause(const char *s, mode_t *mode)
{
	static const struct {
		char letter;
		mode_t bits;
	} whose[] = {{'u', 04700}, {'g', 02070}, {'o', 01007}, {'a', 07777}},
	  what[] = {{'r', 0444}, {'w', 0222}, {'x', 0111}, {'s', 06000}, {'t', 01000}};
	mode_t who = 0, bits = 0, all = 07777;
	for (; *s && strchr("ugoa", *s); s++)
		for (size_t i = 0; i < ARRAY_LEN(whose); i++)
			who |= *s == whose[i].letter ? whose[i].bits : 0;
	char op = *s;
	if (!op || !strchr("+-=", op))
		return NULL;
	for (s++; *s && strchr("rwxXst", *s); s++) {
		for (size_t i = 0; i < ARRAY_LEN(what); i++)
			bits |= *s == what[i].letter ? what[i].bits : 0;
		if (*s == 'X' && (S_ISDIR(*mode) || *mode & 0111))
			bits |= 0111;
	}
	who = who ? who : 07777;
	bits &= who;
	if (op == '=')
		*mode &= ~(who & all);
	*mode = op == '-' ? *mode & ~bits : *mode | bits;
	return *s && *s != ',' ? NULL : s + (*s == ',');
}

static bool apply_mode(const char *text, mode_t *mode)
{
	if (text[strspn(text, "01234567")] == '\0' && *text && strlen(text) <= 5) {
		*mode = (*mode & S_IFMT) | (mode_t)strtoul(text, NULL, 8);
		return (strtoul(text, NULL, 8) & ~07777UL) == 0;
	}
	while (text && *text)
		text = apply_clause(text, mode);
	return text != NULL;
}

int copy_check_mode(const char *mode, struct err *e)
{
	mode_t any = S_IFREG;
	if (*mode && apply_mode(mode, &any))
		return 0;
	err_set(e, EINVAL, ERR_INVALID, "invalid chmod parameter: '%.64s'", mode);
	return err_hint(
		e, "an octal number between 0 and 07777, or as chmod(1) takes it: u=rwX,go=rX");
}

void copy_attributes(const struct copy *c, struct stat *st)
{
	if (!c->keep_owner) {
		st->st_uid = c->uid;
		st->st_gid = c->gid;
	}
	if (c->chmod && !S_ISLNK(st->st_mode))
		apply_mode(c->chmod, &st->st_mode);
	if (c->epoch >= 0 && st->st_mtim.tv_sec > c->epoch)
		st->st_mtim = (struct timespec){.tv_sec = c->epoch};
}

/* ---- writing ---- */

static int problem(struct writer *w, int number, const char *path)
{
	return err_errno(w->e, number, "cannot copy to %s", path);
}

/* The folder @path of the tree, made with its parents if it is missing. */
static int open_folder(struct writer *w, const char *path)
{
	const struct copy *c = w->c;
	return path_make_dirs_in_root(w->root, path, c->chown ? c->uid : 0, c->chown ? c->gid : 0,
				      w->e);
}

/* Whatever but a folder has the name goes. */
static int clear(struct writer *w, int dir, const char *name, const char *path)
{
	struct stat st;
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : problem(w, errno, path);
	if (S_ISDIR(st.st_mode))
		return err_set(w->e, EISDIR, ERR_INVALID,
			       "cannot copy a file to %s: a folder is there", path);
	return unlinkat(dir, name, 0) < 0 ? problem(w, errno, path) : 0;
}

/* @from with @name, or the descriptor @from itself with "", to the name @as in @to. */
static int write_entry(struct writer *w, int from, const char *name, const struct stat *st, int to,
		       const char *as, const char *path)
{
	struct stat is = *st;
	if (S_ISSOCK(is.st_mode))
		return 0;
	copy_attributes(w->c, &is);
	int r = clear(w, to, as, path);
	if (r < 0)
		return r;
	if (!S_ISREG(is.st_mode)) {
		r = tree_copy_special(from, name, to, as, &is);
		return r < 0 ? problem(w, r, path) : 0;
	}
	CLEANUP_FD int fd = copy_reopen(from, name, O_RDONLY | O_NONBLOCK);
	r = fd < 0 ? fd : tree_copy_file(fd, to, as, &is);
	return r < 0 ? problem(w, r, path) : 0;
}

static int set_attributes(struct writer *w, int dir, const struct stat *st, const char *path)
{
	struct stat is = *st;
	copy_attributes(w->c, &is);
	const struct timespec times[2] = {is.st_mtim, is.st_mtim};
	if (fchown(dir, is.st_uid, is.st_gid) < 0 || fchmod(dir, is.st_mode & 07777) < 0 ||
	    futimens(dir, times) < 0)
		return problem(w, errno, path);
	return 0;
}

static int write_content(struct writer *w, int from, const char *below, const char *path,
			 int depth);

/* A folder: one that is there stays as it is, and gets what it lacks. */
static int write_folder(struct writer *w, int from, const struct stat *st, const char *below,
			const char *path, int depth)
{
	CLEANUP_FD int there = path_open_in_root(w->root, path, O_PATH | O_DIRECTORY, 0);
	if (there == -ENOTDIR)
		return err_set(w->e, ENOTDIR, ERR_INVALID,
			       "cannot copy a folder to %s: something else is there", path);
	CLEANUP_FD int made = there >= 0 ? -1 : open_folder(w, path);
	if (there < 0 && made < 0)
		return made;
	int r = write_content(w, from, below, path, depth);
	if (r < 0 || there >= 0)
		return r;
	CLEANUP_FD int dir = path_open_in_root(w->root, path, O_RDONLY | O_DIRECTORY, 0);
	return dir < 0 ? problem(w, dir, path) : set_attributes(w, dir, st, path);
}

static int write_content(struct writer *w, int from, const char *below, const char *path, int depth)
{
	CLEANUP_ARENA struct arena a = {0};
	struct strv names = {0};
	int r = depth > COPY_DEPTH_MAX ? -ELOOP : copy_list(from, &names, &a);
	CLEANUP_FD int to = path_open_in_root(w->root, path, O_RDONLY | O_DIRECTORY, 0);
	if (r < 0 || to < 0)
		return problem(w, r < 0 ? r : to, path);
	for (size_t i = 0; r == 0 && i < names.count; i++) {
		const char *name = names.items[i];
		char *at = arena_printf(&a, "%s%s%s", below, *below ? "/" : "", name);
		char *as = arena_printf(&a, "%s/%s", strcmp(path, "/") ? path : "", name);
		struct stat st;
		if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return problem(w, errno, as);
		if (copy_skips(w->c, at, S_ISDIR(st.st_mode)))
			continue;
		if (!S_ISDIR(st.st_mode)) {
			r = write_entry(w, from, name, &st, to, name, as);
			continue;
		}
		CLEANUP_FD int sub = copy_reopen(from, name, O_RDONLY | O_DIRECTORY);
		if (sub < 0)
			r = problem(w, sub, as);
		else if (copy_hides(w->c, at) && !copy_any_below(w->c, sub, at, depth))
			continue;
		else
			r = write_folder(w, sub, &st, at, as, depth + 1);
	}
	return r;
}

/* A file: into the folder @path, or as it. */
static int write_file(struct writer *w, const struct copy_source *s, const char *path, bool folder)
{
	struct arena *a = w->c->a;
	CLEANUP_FD int there = path_open_in_root(w->root, path, O_PATH | O_DIRECTORY, 0);
	const char *name = s->name, *dir = path;
	if (there < 0 && !folder)
		dir = path_parent(a, path, &name);
	CLEANUP_FD int to = open_folder(w, dir);
	if (to < 0)
		return to;
	return write_entry(w, s->fd, "", &s->st, to, name,
			   arena_printf(a, "%s/%s", strcmp(dir, "/") ? dir : "", name));
}

/* One that is empty, and was made for what turned out to be none. */
static int remove_folder(struct writer *w, const char *path)
{
	const char *name, *dir = path_parent(w->c->a, path, &name);
	CLEANUP_FD int parent = path_open_in_root(w->root, dir, O_PATH | O_DIRECTORY, 0);
	return parent < 0 ? parent : unlinkat(parent, name, AT_REMOVEDIR) < 0 ? -errno : 0;
}

static int unpack(struct writer *w, const struct copy_source *s, const char *path, bool folder)
{
	CLEANUP_JOB struct unpack_job job = UNPACK_JOB_NONE;
	static const struct unpack_events none;
	const uint32_t owner[] = {w->c->uid, w->c->gid};
	CLEANUP_FD int there = path_open_in_root(w->root, path, O_PATH | O_DIRECTORY, 0);
	CLEANUP_FD int to = open_folder(w, path);
	if (to < 0)
		return to;
	CLEANUP_FD int dir = copy_reopen(to, "", O_RDONLY | O_DIRECTORY);
	CLEANUP_FD int from = copy_reopen(s->fd, "", O_RDONLY);
	int r = dir < 0 ? dir : from;
	if (r < 0)
		return problem(w, r, path);
	r = unpack_start_into(&job, w->c->libexec, from, w->root, path, w->c->chown ? owner : NULL,
			      w->e);
	if (r == 0)
		r = unpack_finish(&job, &none, w->e);
	/* Packed it is, and no archive: it is copied, as docker does it. */
	if (r == -UNPACK_NO_TAR)
		return there < 0 && (r = remove_folder(w, path)) < 0
			       ? problem(w, r, path)
			       : write_file(w, s, path, folder);
	return r < 0 ? err_context(w->e, "ADD %s", s->name) : 0;
}

static int write_source(struct writer *w, const struct copy_source *s)
{
	struct copy *c = w->c;
	size_t len = strlen(c->to);
	bool folder = c->to[len - 1] == '/' || *s->keep || c->sources.count > 1;
	const char *path = path_clean(c->a, arena_printf(c->a, "%s/%s", c->to, s->keep));
	c->top = s->top;
	if (s->archive)
		return unpack(w, s, path, folder);
	if (!S_ISDIR(s->st.st_mode))
		return write_file(w, s, path, folder);
	CLEANUP_FD int from = copy_reopen(s->fd, "", O_RDONLY | O_DIRECTORY);
	return from < 0 ? problem(w, from, path) : write_folder(w, from, &s->st, s->path, path, 0);
}

int copy_write(struct copy *c, int to, struct err *e)
{
	struct writer w = {c, to, e};
	const struct copy_source *s = c->sources.items;
	int r = 0;
	for (size_t i = 0; r == 0 && i < c->sources.count; i++)
		r = write_source(&w, &s[i]);
	return r;
}
