/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entries beneath a folder descriptor. Rests on openat2(2) (Linux 5.6), mknodat(2), linkat(2).
 * Whiteouts take OverlayFS's form: a character device 0:0, and trusted.overlay.opaque on a folder.
 * Read tree.h first.
 */
#include "image/unpack/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/path.h"
#include "image/unpack.h"
#include "linux/namespaces.h"
#include "linux/overlay.h"

/* In the file of times: this, then the path with its NUL. */
struct time_record {
	uint32_t len;
	uint32_t reserved;
	struct timespec mtime;
};

enum { PENDING_SIZE = 64 << 10, NAME_BYTES_MAX = 255 };
enum { FOLDER = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK };

/* Where it begins, in front of it; -ENAMETOOLONG. */
static int whole_path(const struct tree *t, const char *path, char ret[static TREE_PATH_MAX])
{
	int len = snprintf(ret, TREE_PATH_MAX, "%s/%s", t->below, path);
	return len < TREE_PATH_MAX ? 0 : -ENAMETOOLONG;
}

static int open_beneath(const struct tree *t, const char *path, int flags)
{
	char whole[TREE_PATH_MAX];
	if (t->below)
		return whole_path(t, path, whole) < 0 ? -ENAMETOOLONG
						      : path_open_in_root(t->root, whole, flags, 0);
	struct open_how how = {
		.flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | (t->into ? 0 : RESOLVE_NO_XDEV),
	};
	long fd = syscall(SYS_openat2, t->root, *path ? path : ".", &how, sizeof(how));
	return fd < 0 ? -errno : (int)fd;
}

int tree_open(struct tree *t, int root, int times, int socket, struct err *e)
{
	*t = (struct tree){.root = root, .times = times, .socket = socket, .parent = -1};
	t->pending = malloc(PENDING_SIZE);
	if (ftruncate(times, 0) < 0 || lseek(times, 0, SEEK_SET) < 0)
		return err_errno(e, errno, "cannot use the file of times");
	return t->pending ? 0 : err_errno(e, ENOMEM, "cannot unpack");
}

void tree_close(struct tree *t)
{
	fd_drop(&t->parent);
	free(t->pending);
	t->pending = NULL;
}

int tree_normalise(const char *name, char path[static TREE_PATH_MAX], struct err *e)
{
	size_t used = 0, depth = 0;
	while (*(name += strspn(name, "/"))) {
		size_t len = strcspn(name, "/");
		if (len == 2 && !memcmp(name, "..", 2))
			return err_set(e, EINVAL, ERR_INVALID, "a path with \"..\" is not allowed");
		if (len > NAME_BYTES_MAX)
			return err_set(e, ENAMETOOLONG, ERR_INVALID,
				       "a name of %zu bytes is longer than %d", len,
				       NAME_BYTES_MAX);
		if (!(len == 1 && *name == '.')) {
			if (++depth > TREE_DEPTH_MAX)
				return err_set(e, ENAMETOOLONG, ERR_INVALID,
					       "it lies more than %d folders deep", TREE_DEPTH_MAX);
			if (used + len + 2 > TREE_PATH_MAX)
				return err_set(e, ENAMETOOLONG, ERR_INVALID,
					       "the path is longer than %d bytes",
					       TREE_PATH_MAX - 1);
			if (used)
				path[used++] = '/';
			memcpy(path + used, name, len);
			used += len;
		}
		name += len;
	}
	path[used] = '\0';
	return 0;
}

static bool is_whiteout(int parent, const char *name)
{
	struct stat st;
	return fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && overlay_is_whiteout(&st);
}

/* Mark the folder at @fd as hiding the layers below: the engine does it for us. */
static int send_opaque(struct tree *t, int fd)
{
	struct unpack_message m = {.version = UNPACK_VERSION, .op = UNPACK_OPAQUE};
	return fd_send(t->socket, &m, sizeof(m), &fd, 1);
}

static int mark_opaque(struct tree *t, int parent, const char *name)
{
	CLEANUP_FD int fd =
		openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	return fd < 0 ? -errno : send_opaque(t, fd);
}

/* Remove whatever is called @name; was it a whiteout? Then a folder in its place must be opaque. */
static int clear_name(const struct tree *t, int parent, const char *name, bool *ret_whiteout)
{
	*ret_whiteout = !t->into && is_whiteout(parent, name);
	if (unlinkat(parent, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (t->into || (errno != EISDIR && errno != EPERM))
		return -errno;
	struct err e = {0};
	return tree_remove(parent, name, &e);
}

/* Make the folder @name and open it; anything else of that name is replaced. */
static int step_into(struct tree *t, int parent, const char *name)
{
	bool whiteout = false;
	for (int tries = 0; tries < 2; tries++) {
		int made = mkdirat(parent, name, 0755) < 0 ? -errno : 0;
		if (made == 0 && whiteout) {
			int r = mark_opaque(t, parent, name);
			if (r < 0)
				return r;
		}
		int fd = openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd >= 0)
			return fd;
		if (errno == ENOENT && made < 0)
			return made;
		if (t->into || (errno != ENOTDIR && errno != ELOOP))
			return -errno;
		int r = clear_name(t, parent, name, &whiteout);
		if (r < 0)
			return r;
	}
	return -ENOTDIR;
}

/* Does the symbolic link @name, in a folder @depth below the root, lead out of the layer? */
static bool leads_out(int parent, const char *name, int depth)
{
	char target[TREE_PATH_MAX];
	ssize_t len = readlinkat(parent, name, target, sizeof(target) - 1);
	if (len < 0)
		return false;
	target[len] = '\0';
	if (*target == '/')
		return true;
	for (const char *p = target; *(p += strspn(p, "/")); p += strcspn(p, "/")) {
		size_t part = strcspn(p, "/");
		bool up = part == 2 && !memcmp(p, "..", 2);
		depth += up ? -1 : !(part == 1 && *p == '.');
		if (depth < 0)
			return true;
	}
	return false;
}

static int make_parents(struct tree *t, const char *dir)
{
	char whole[TREE_PATH_MAX];
	if (t->below)
		return whole_path(t, dir, whole) < 0
			       ? -ENAMETOOLONG
			       : path_make_dirs_in_root(t->root, whole, 0, 0, ERR_IGNORED);
	CLEANUP_FD int at = open_beneath(t, "", O_PATH | O_DIRECTORY);
	for (int depth = 0; at >= 0 && *dir; depth++) {
		char name[NAME_BYTES_MAX + 1];
		size_t len = strcspn(dir, "/");
		memcpy(name, dir, len);
		name[len] = '\0';
		if (!t->into && leads_out(at, name, depth))
			return TREE_LEADS_OUT;
		int next = step_into(t, at, name);
		if (next < 0)
			return next;
		fd_drop(&at);
		at = next;
		dir += len + (dir[len] == '/');
	}
	return fd_steal(&at);
}

/*
 * Enter the folder that holds @path, making what is missing; the entry's own name is returned. The
 * descriptor kept from the last entry cannot be stale: only the last entry was removed or replaced
 * since, and that is a child of this folder.
 */
static int enter_parent(struct tree *t, const char *path, const char **ret_name)
{
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) : 0;
	*ret_name = slash ? slash + 1 : path;
	if (t->parent >= 0 && !strncmp(t->parent_path, path, len) && !t->parent_path[len])
		return 0;
	fd_drop(&t->parent);
	memcpy(t->parent_path, path, len);
	t->parent_path[len] = '\0';
	int fd = open_beneath(t, t->parent_path, O_PATH | O_DIRECTORY);
	if (fd == -ENOENT || fd == -ELOOP || fd == -ENOTDIR)
		fd = make_parents(t, t->parent_path);
	if (fd < 0)
		return fd;
	t->parent = fd;
	return 0;
}

/* Enter the parent and remove what has the entry's name. */
static int prepare(struct tree *t, const char *path, const char **ret_name, struct err *e)
{
	bool whiteout;
	if (!*path)
		return err_set(e, EINVAL, ERR_INVALID, "only a folder can be the root");
	int r = enter_parent(t, path, ret_name);
	if (r == 0)
		r = clear_name(t, t->parent, *ret_name, &whiteout);
	if (r == -EISDIR && t->into)
		return err_set(e, EISDIR, ERR_CONFLICT,
			       "cannot overwrite directory with non-directory");
	return r < 0 ? err_errno(e, r, "cannot make room for it") : 0;
}

/* @r of a chown(2), or of what follows it. */
static int entry_failed(int r, const struct tree_meta *m, const char *what, struct err *e)
{
	err_errno(e, r, "%s", what);
	if (r == -EINVAL && namespace_caller_is_user())
		err_hint(e,
			 "its owner is %u:%u, and /etc/subuid and /etc/subgid grant this user not "
			 "so "
			 "many ids (65536 are usual)",
			 m->uid, m->gid);
	return r;
}

static int set_owner(int fd, const char *name, const struct tree_meta *m)
{
	if (!m->uid && !m->gid)
		return 0;
	int flags = *name ? AT_SYMLINK_NOFOLLOW : AT_EMPTY_PATH;
	return fchownat(fd, name, m->uid, m->gid, flags) < 0 ? -errno : 0;
}

static int set_mtime(int fd, const char *name, struct timespec mtime)
{
	struct timespec times[2] = {mtime, mtime};
	return utimensat(fd, name, times, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

int tree_make_file(struct tree *t, const char *path, struct err *e)
{
	const char *name;
	int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	int r = *path ? enter_parent(t, path, &name) : -EISDIR;
	int fd = r < 0 ? r : openat(t->parent, name, flags, 0600);
	if (r == 0 && fd < 0 && errno == EEXIST) {
		r = prepare(t, path, &name, e);
		if (r < 0)
			return r;
		fd = openat(t->parent, name, flags, 0600);
	}
	if (r == 0 && fd < 0)
		r = -errno;
	return r < 0 ? err_errno(e, r, "cannot create the file") : fd;
}

int tree_finish_file(int fd, const struct tree_meta *m, struct err *e)
{
	struct timespec times[2] = {m->mtime, m->mtime};
	int r = 0;
	if (m->uid || m->gid)
		r = fchown(fd, m->uid, m->gid) < 0 ? -errno : 0;
	if (r == 0 && (fchmod(fd, m->mode) < 0 || futimens(fd, times) < 0))
		r = -errno;
	return r < 0 ? entry_failed(r, m, "cannot set owner, mode and time", e) : 0;
}

int tree_make_node(struct tree *t, const char *path, mode_t type, dev_t device,
		   const struct tree_meta *m, struct err *e)
{
	const char *name;
	int r = prepare(t, path, &name, e);
	if (r < 0)
		return r;
	if (mknodat(t->parent, name, type | (m->mode & 07777), device) < 0)
		r = -errno;
	/* A user may make none, whose containers get the devices of /dev from the host: as docker
	 * and podman do, without it. */
	if (r == -EPERM && (type == S_IFCHR || type == S_IFBLK) && namespace_caller_is_user())
		return 0;
	if (r == 0)
		r = set_owner(t->parent, name, m);
	/* A change of owner clears the setuid bits; no link can have got there meanwhile. */
	if (r == 0 && m->mode & 07000 && !t->into && fchmodat(t->parent, name, m->mode, 0) < 0)
		r = -errno;
	if (r == 0)
		r = set_mtime(t->parent, name, m->mtime);
	return r < 0 ? entry_failed(r, m, "cannot create the node", e) : 0;
}

int tree_make_symlink(struct tree *t, const char *path, const char *target,
		      const struct tree_meta *m, struct err *e)
{
	const char *name;
	int r = prepare(t, path, &name, e);
	if (r < 0)
		return r;
	if (symlinkat(target, t->parent, name) < 0)
		r = -errno;
	if (r == 0)
		r = set_owner(t->parent, name, m);
	if (r == 0)
		r = set_mtime(t->parent, name, m->mtime);
	return r < 0 ? entry_failed(r, m, "cannot create the symbolic link", e) : 0;
}

/* The folder that holds @path, without making anything. */
static int open_holder(struct tree *t, const char *path, const char **ret_name)
{
	char dir[TREE_PATH_MAX];
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) : 0;
	memcpy(dir, path, len);
	dir[len] = '\0';
	*ret_name = slash ? slash + 1 : path;
	return open_beneath(t, dir, O_PATH | O_DIRECTORY);
}

int tree_make_link(struct tree *t, const char *path, const char *target, struct err *e)
{
	const char *name, *old;
	struct stat st;
	if (!strcmp(path, target))
		return err_set(e, EINVAL, ERR_INVALID, "a hard link to itself");
	CLEANUP_FD int holder = *target ? open_holder(t, target, &old) : -EISDIR;
	if (holder < 0 || fstatat(holder, old, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    is_whiteout(holder, old))
		return err_set(e, ENOENT, ERR_INVALID,
			       "hard link to \"%s\", which is not in this layer", target);
	if (S_ISDIR(st.st_mode))
		return err_set(e, EPERM, ERR_INVALID, "hard link to the folder \"%s\"", target);
	int r = prepare(t, path, &name, e);
	if (r < 0)
		return r;
	/* Making room may have removed the very target, when a folder of its path had this name. */
	if (linkat(holder, old, t->parent, name, 0) < 0)
		return err_errno(e, errno, "cannot make a hard link to \"%s\"", target);
	return 0;
}

static int remember_time(struct tree *t, const char *path, struct timespec mtime)
{
	struct time_record head = {.len = (uint32_t)strlen(path) + 1, .mtime = mtime};
	if (t->pending_len + sizeof(head) + head.len > PENDING_SIZE) {
		int r = fd_write_full(t->times, t->pending, t->pending_len);
		if (r < 0)
			return r;
		t->pending_len = 0;
	}
	memcpy(t->pending + t->pending_len, &head, sizeof(head));
	memcpy(t->pending + t->pending_len + sizeof(head), path, head.len);
	t->pending_len += sizeof(head) + head.len;
	return 0;
}

static int dir_meta(struct tree *t, const char *path, const struct tree_meta *m)
{
	CLEANUP_FD int fd = open_beneath(t, path, FOLDER);
	if (fd < 0)
		return fd;
	if (fchown(fd, m->uid, m->gid) < 0 || fchmod(fd, m->mode) < 0)
		return -errno;
	return remember_time(t, path, m->mtime);
}

int tree_make_dir(struct tree *t, const char *path, const struct tree_meta *m, struct err *e)
{
	const char *name;
	int r = *path ? enter_parent(t, path, &name) : 0;
	if (r == 0 && *path) {
		int fd = step_into(t, t->parent, name);
		r = fd < 0 ? fd : 0;
		if (fd >= 0)
			close(fd);
	}
	if (t->into && (r == -ENOTDIR || r == -ELOOP))
		return err_set(e, ENOTDIR, ERR_CONFLICT,
			       "cannot overwrite non-directory with directory");
	if (r == 0)
		r = dir_meta(t, path, m);
	return r < 0 ? entry_failed(r, m, "cannot create the folder", e) : 0;
}

int tree_whiteout(struct tree *t, const char *path, struct err *e)
{
	const char *name;
	int r = enter_parent(t, path, &name);
	if (r == 0 && mknodat(t->parent, name, S_IFCHR, makedev(0, 0)) < 0)
		r = -errno;
	/* The layer has something of that name itself: it stays and hides what is below. */
	if (r == -EEXIST) {
		r = mark_opaque(t, t->parent, name);
		if (r == -ENOTDIR || r == -ELOOP || r == -ENXIO)
			r = 0;
	}
	return r < 0 ? err_errno(e, r, "cannot make the whiteout") : 0;
}

int tree_opaque(struct tree *t, const char *path, struct err *e)
{
	const char *name;
	int r;
	if (*path) {
		int depth = 0;
		for (const char *p = path; *p; p++)
			depth += *p == '/';
		r = enter_parent(t, path, &name);
		if (r == 0 && leads_out(t->parent, name, depth))
			r = TREE_LEADS_OUT;
		int fd = r < 0 ? r : step_into(t, t->parent, name);
		if (fd >= 0)
			close(fd);
		if (fd >= 0)
			r = mark_opaque(t, t->parent, name);
		else
			r = fd;
	} else {
		CLEANUP_FD int root = open_beneath(t, "", O_RDONLY | O_DIRECTORY);
		r = root < 0 ? root : send_opaque(t, root);
	}
	return r < 0 ? err_errno(e, r, "cannot make the whiteout") : 0;
}

int tree_open_for_xattr(struct tree *t, const char *path)
{
	struct stat st;
	CLEANUP_FD int at = open_beneath(t, path, O_PATH | O_NOFOLLOW);
	if (at < 0 || fstat(at, &st) < 0)
		return at < 0 ? at : -errno;
	if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode))
		return -EPERM;
	return open_beneath(t, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
}

/* One remembered folder; it may have been replaced since, which is no error. */
static void restore_time(struct tree *t, const char *path, struct timespec mtime)
{
	CLEANUP_FD int fd = open_beneath(t, path, FOLDER);
	struct timespec times[2] = {mtime, mtime};
	if (fd >= 0)
		(void)!futimens(fd, times);
}

/* Use the whole records of @have bytes; how many bytes were used. */
static size_t restore_times(struct tree *t, size_t have)
{
	size_t at = 0;
	struct time_record head;
	while (have - at >= sizeof(head)) {
		memcpy(&head, t->pending + at, sizeof(head));
		if (have - at < sizeof(head) + head.len)
			break;
		restore_time(t, t->pending + at + sizeof(head), head.mtime);
		at += sizeof(head) + head.len;
	}
	return at;
}

int tree_finish(struct tree *t, struct err *e)
{
	size_t have = 0;
	ssize_t n = fd_write_full(t->times, t->pending, t->pending_len);
	if (n == 0 && lseek(t->times, 0, SEEK_SET) < 0)
		n = -errno;
	while (n >= 0 && (n = fd_read_full(t->times, t->pending + have, PENDING_SIZE - have)) > 0) {
		have += (size_t)n;
		size_t used = restore_times(t, have);
		memmove(t->pending, t->pending + used, have - used);
		have -= used;
	}
	return n < 0 ? err_errno(e, (int)n, "cannot set the folders' times") : 0;
}
