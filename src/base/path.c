/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resolving foreign paths below a root. Rests on openat2(2) (Linux 5.6).
 * Invariant: no function here walks a foreign path by string twice. Read path.h first.
 */
#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/cleanup.h"

enum { LINKS_MAX = 40 }; /* as the kernel, path_resolution(7) */

int path_open_in_root(int rootfd, const char *path, int flags, mode_t mode)
{
	struct open_how how = {
		.flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
		.mode = flags & (O_CREAT | O_TMPFILE) ? mode : 0,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	long fd;
	int tries = 0;
	/* EAGAIN: a rename raced with ".." somewhere on the machine; openat2(2) says try again. */
	do
		fd = syscall(SYS_openat2, rootfd, path, &how, sizeof(how));
	while (fd < 0 && (errno == EINTR || (errno == EAGAIN && ++tries < 100)));
	return fd < 0 ? -errno : (int)fd;
}

/* Make one missing folder below @parent and open it without following links. */
static int make_one(int parent, const char *name, uid_t uid, gid_t gid)
{
	if (mkdirat(parent, name, 0755) < 0 && errno != EEXIST)
		return -errno;
	int fd = openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if ((uid || gid) && fchownat(fd, "", uid, gid, AT_EMPTY_PATH) < 0) {
		int r = -errno;
		close(fd);
		return r;
	}
	return fd;
}

int path_make_dirs_in_root(int rootfd, const char *path, uid_t uid, gid_t gid, struct err *e)
{
	char done[4096] = "";
	size_t used = 0;
	CLEANUP_FD int at = path_open_in_root(rootfd, "/", O_PATH | O_DIRECTORY, 0);
	if (at < 0)
		return err_errno(e, at, "cannot open the root folder");
	while (*(path += strspn(path, "/"))) {
		size_t len = strcspn(path, "/");
		if (used + len + 2 > sizeof(done))
			return err_set(e, ENAMETOOLONG, ERR_INVALID, "path is too long");
		done[used++] = '/';
		memcpy(done + used, path, len);
		done[used += len] = '\0';
		/* The whole prefix from the root, so that links resolve as they do inside. */
		int next = path_open_in_root(rootfd, done, O_PATH | O_DIRECTORY, 0);
		if (next == -ENOENT) {
			char name[256];
			if (len >= sizeof(name))
				return err_set(e, ENAMETOOLONG, ERR_INVALID, "path is too long");
			memcpy(name, path, len);
			name[len] = '\0';
			next = make_one(at, name, uid, gid);
		}
		if (next < 0)
			return err_errno(e, next, "cannot create folder %s", done);
		fd_drop(&at);
		at = next;
		path += len;
	}
	return fd_steal(&at);
}

/* Open @name in @dir, made if it is missing; -ELOOP when it is a symbolic link. */
static int make_file(int dir, const char *name)
{
	CLEANUP_FD int made =
		openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (made < 0 && errno != EEXIST)
		return -errno;
	CLEANUP_FD int fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	return S_ISLNK(st.st_mode) ? -ELOOP : fd_steal(&fd);
}

/* @path leads to a dangling link @name in @dir: put the path of what it points to in its place. */
static int follow_dangling(int dir, char *path, char *name, size_t room)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(dir, name, target, sizeof(target));
	if (n < 0)
		return -errno;
	char *at = n && target[0] == '/' ? path : name;
	if (!n || (size_t)n >= room - (size_t)(at - path))
		return -ENAMETOOLONG;
	memcpy(at, target, (size_t)n);
	at[n] = '\0';
	return 0;
}

int path_make_file_in_root(int rootfd, const char *path, struct err *e)
{
	char at[PATH_MAX];
	size_t len = strlen(path);
	int fd = path_open_in_root(rootfd, path, O_PATH, 0);
	if (fd >= 0)
		return fd;
	if (fd != -ENOENT)
		return err_errno(e, fd, "cannot open %s", path);
	if (len + 2 > sizeof(at))
		return err_set(e, ENAMETOOLONG, ERR_INVALID, "path is too long");
	at[0] = '/';
	memcpy(at + 1, path, len + 1);
	for (int links = 0; links < LINKS_MAX; links++) {
		char *name = strrchr(at, '/') + 1;
		if (!path_is_component(name))
			return err_set(e, EINVAL, ERR_INVALID, "%s does not name a file", path);
		char first = name[0];
		name[0] = '\0';
		CLEANUP_FD int dir = path_make_dirs_in_root(rootfd, at, 0, 0, e);
		name[0] = first;
		if (dir < 0)
			return dir;
		fd = make_file(dir, name);
		if (fd == -ELOOP)
			fd = follow_dangling(dir, at, name, sizeof(at));
		else
			return fd >= 0 ? fd : err_errno(e, fd, "cannot create %s", path);
		if (fd < 0)
			return err_errno(e, fd, "cannot create %s", path);
	}
	return err_errno(e, ELOOP, "cannot create %s", path);
}

char *path_parent(struct arena *a, const char *path, const char **ret_name)
{
	const char *slash = strrchr(path, '/');
	*ret_name = slash + 1;
	return slash == path ? arena_strdup(a, "/")
			     : arena_strndup(a, path, (size_t)(slash - path));
}

char *path_clean(struct arena *a, const char *path)
{
	char *out = arena_alloc(a, strlen(path) + 2);
	size_t used = 0;
	while (*(path += strspn(path, "/"))) {
		size_t len = strcspn(path, "/");
		if (len == 2 && !memcmp(path, "..", 2)) {
			while (used && out[--used] != '/')
				;
		} else if (!(len == 1 && *path == '.')) {
			out[used++] = '/';
			memcpy(out + used, path, len);
			used += len;
		}
		path += len;
	}
	if (!used)
		out[used++] = '/';
	out[used] = '\0';
	return out;
}

bool path_is_component(const char *name)
{
	if (!*name || !strcmp(name, ".") || !strcmp(name, ".."))
		return false;
	for (; *name; name++)
		if (*name == '/' || (unsigned char)*name < 0x20 || *name == 0x7f)
			return false;
	return true;
}

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool name_is_valid(const char *name, size_t max)
{
	size_t len = strlen(name);
	if (len == 0 || len > max || !is_alnum(name[0]))
		return false;
	for (size_t i = 1; i < len; i++)
		if (!is_alnum(name[i]) && !strchr("_.-", name[i]))
			return false;
	return true;
}

void path_unescape(char *path)
{
	char *to = path;
	for (const char *p = path; *p; to++) {
		if (*p == '\\' && p[1] && p[2] && p[3]) {
			*to = (char)((p[1] - '0') << 6 | (p[2] - '0') << 3 | (p[3] - '0'));
			p += 4;
		} else {
			*to = *p++;
		}
	}
	*to = '\0';
}
