/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copying files in and out. A running container's root is opened through /proc/PID/root: paths that
 * are resolved from there cross its mounts as they would inside. For one that does not run, its
 * root and mounts are put together in a mount namespace of this process. Read files.h first.
 */
#include "engine/files.h"

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "engine/internal.h"
#include "engine/mounts.h"
#include "engine/root.h"
#include "image/unpack_job.h"
#include "linux/mount.h"
#include "linux/pidfd.h"
#include "linux/process.h"
#include "runtime/runtime.h"

enum { LINKS_MAX = 40 };

void file_space_close(struct file_space *s)
{
	fd_drop(&s->root);
	fd_drop(&s->lock);
}

int file_space_host(struct file_space *ret, struct err *e)
{
	*ret = (struct file_space)FILE_SPACE_NONE;
	ret->root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return ret->root < 0 ? err_errno(e, errno, "cannot open /") : 0;
}

int container_root_open(const struct container *c, struct err *e)
{
	CLEANUP_FD int fd = process_root(c->pid);
	if (fd < 0)
		return err_errno(e, fd, "container %s: cannot open its root", c->name);
	/* The number may belong to another process by now. */
	CLEANUP_FD int pidfd = pidfd_of_started(c->pid, c->pid_start);
	if (pidfd >= 0 && pidfd_has_ended(pidfd) == 0)
		return fd_steal(&fd);
	return err_set(e, EAGAIN, ERR_CONFLICT, "container %s has just ended", c->name);
}

/* What does not run is locked: it cannot be started meanwhile. */
static int find(struct engine *en, const char *ref, struct arena *a, struct container_lock *lock,
		struct container *c, struct err *e)
{
	int r = container_find_locked(en, ref, a, lock, c, e);
	if (r == 0 && c->pid)
		container_unlock(lock);
	return r;
}

static int attach_mount(struct engine *en, const struct container *c, int root,
			const struct mount_point *m, struct err *e)
{
	struct stat st;
	bool bind = m->kind == MOUNT_BIND;
	CLEANUP_FD int clone = bind ? mount_clone(AT_FDCWD, m->source, !m->non_recursive)
			       : m->kind == MOUNT_IMAGE ? image_mount(en, m, e)
							: volume_mount(en, m, c->id, NULL, e);
	if (clone == -ENOENT && bind)
		return 0;
	if (clone < 0 || fstat(clone, &st) < 0)
		return !bind && clone < 0 ? clone
					  : err_errno(e, clone < 0 ? clone : errno,
						      "cannot bind %s", m->source);
	CLEANUP_FD int target = S_ISDIR(st.st_mode)
					? path_make_dirs_in_root(root, m->destination, 0, 0, e)
					: path_make_file_in_root(root, m->destination, e);
	if (target < 0)
		return err_context(e, "container %s", c->name);
	int r = m->read_only ? mount_change(clone, !m->shallow_read_only, MOUNT_ATTR_RDONLY, 0, 0)
			     : 0;
	if (r == 0)
		r = mount_attach(clone, target);
	return r < 0 ? err_errno(e, r, "container %s: cannot mount %s", c->name, m->destination)
		     : 0;
}

static int attach_mounts(struct engine *en, const struct container *c, int root, struct arena *a,
			 struct err *e)
{
	struct mount_point *mounts;
	size_t count;
	int r = container_mounts(en, c, a, &mounts, &count, e);
	if (r < 0 || !count)
		return r;
	/* A detached mount takes none upon it: this one is hung up where only we can see it. */
	if (unshare(CLONE_NEWNS) < 0)
		return err_errno(e, errno, "cannot make a mount namespace");
	CLEANUP_FD int top = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_FD int place = open(en->runroot, O_PATH | O_DIRECTORY | O_CLOEXEC);
	r = top < 0 || place < 0 ? -errno : mount_change(top, true, 0, 0, MS_PRIVATE);
	if (r == 0)
		r = mount_attach(root, place);
	if (r < 0)
		return err_errno(e, r, "container %s: cannot mount its root", c->name);
	for (size_t i = 0; r == 0 && i < count; i++)
		if (mounts[i].kind != MOUNT_TMPFS)
			r = attach_mount(en, c, root, &mounts[i], e);
	return r;
}

int file_space_container(struct engine *en, const char *ref, struct arena *a,
			 struct file_space *ret, struct err *e)
{
	struct container c;
	*ret = (struct file_space)FILE_SPACE_NONE;
	CLEANUP_FILE_SPACE struct file_space s = FILE_SPACE_NONE;
	CLEANUP_LOCK struct container_lock lock = {-1};
	int r = find(en, ref, a, &lock, &c, e);
	if (r < 0)
		return r;
	s.name = c.name;
	memcpy(s.id, c.id, sizeof(s.id));
	s.root = c.pid ? container_root_open(&c, e) : root_mount(en, &c, a, e);
	if (s.root < 0)
		return s.root;
	s.lock = fd_steal(&lock.fd);
	if (!c.pid && (r = attach_mounts(en, &c, s.root, a, e)) < 0)
		return r;
	/* Not before: a place for a volume may be missing in it. */
	if (!c.pid && c.config.host.readonly_rootfs &&
	    (r = mount_change(s.root, false, MOUNT_ATTR_RDONLY, 0, 0)) < 0)
		return err_errno(e, r, "container %s: cannot protect its root", c.name);
	*ret = s;
	s = (struct file_space)FILE_SPACE_NONE;
	return 0;
}

/* --- places --- */

static int missing(const struct file_space *s, const char *path, int number, struct err *e)
{
	if (number != ENOENT && number != ENOTDIR)
		return err_errno(e, number, "cannot look at %s", path);
	if (s->name)
		err_set(e, ENOENT, ERR_NOT_FOUND, "Could not find the file %s in container %s",
			path, s->name);
	else
		err_set(e, number, ERR_NOT_FOUND, "lstat %s: %s", path,
			number == ENOENT ? "no such file or directory" : "not a directory");
	return -e->number;
}

/* Where @at lies, and its name. What ends with ".." (a link's target may) has none: it is resolved
 * whole, as a name alone it would lead above the root. */
static int open_holder(const struct file_space *s, const char *at, struct arena *a,
		       const char **ret_name)
{
	char *parent = path_parent(a, at, ret_name);
	bool plain = **ret_name && strcmp(*ret_name, ".") && strcmp(*ret_name, "..");
	if (!plain)
		*ret_name = "";
	return path_open_in_root(s->root, plain ? parent : at, O_PATH | O_DIRECTORY, 0);
}

/* Follow the links at the end of @path, one by one, so that folder and name are known. */
static int walk(const struct file_space *s, const char *path, bool follow, struct arena *a,
		struct file_place *ret, struct err *e)
{
	char *at = path_clean(a, path);
	for (int links = 0; links <= LINKS_MAX; links++) {
		struct stat st;
		char target[PATH_MAX];
		const char *name;
		CLEANUP_FD int folder = open_holder(s, at, a, &name);
		if (folder < 0)
			return missing(s, path, -folder, e);
		bool there = fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) == 0;
		if (!there && errno != ENOENT)
			return missing(s, path, errno, e);
		if (!there || !S_ISLNK(st.st_mode) || !follow) {
			ret->folder = fd_steal(&folder);
			ret->path = at;
			ret->name = arena_strdup(a, name);
			ret->exists = there;
			ret->is_folder = there && S_ISDIR(st.st_mode);
			return 0;
		}
		ssize_t n = readlinkat(folder, name, target, sizeof(target) - 1);
		if (n < 0)
			return missing(s, path, errno, e);
		target[n] = '\0';
		/* Not path_clean: ".." behind a link means the link's folder. */
		at = *target == '/' ? arena_strdup(a, target)
				    : arena_printf(a, "%s/%s", path_parent(a, at, &name), target);
		while (at[1] && at[strlen(at) - 1] == '/')
			at[strlen(at) - 1] = '\0';
	}
	return missing(s, path, ELOOP, e);
}

static bool ends_with(const char *path, const char *end)
{
	size_t len = strlen(path), more = strlen(end);
	return len >= more && !strcmp(path + len - more, end);
}

int file_find_source(const struct file_space *s, const char *path, bool follow, struct arena *a,
		     struct file_place *ret, struct err *e)
{
	char *clean = path_clean(a, path);
	*ret = (struct file_place){.folder = -1,
				   .content = ends_with(path, "/.") || !strcmp(path, ".")};
	bool folder = ret->content || ends_with(path, "/");
	int r = walk(s, path, follow || folder, a, ret, e);
	if (r == 0 && !ret->exists)
		r = missing(s, path, ENOENT, e);
	if (r == 0 && folder && !ret->is_folder)
		r = err_set(e, ENOTDIR, ERR_INVALID, "%s is not a directory", path);
	ret->base = strrchr(clean, '/') + 1;
	if (r == 0 && !*ret->base) /* the root has no name */
		ret->content = true;
	if (r < 0)
		fd_drop(&ret->folder);
	return r;
}

static int check_writable(const struct file_space *s, const struct file_place *to, struct err *e)
{
	struct stat root, here;
	struct statvfs fs;
	if (!s->name || fstatvfs(to->folder, &fs) < 0 || !(fs.f_flag & ST_RDONLY))
		return 0;
	bool in_root = fstat(s->root, &root) == 0 && fstat(to->folder, &here) == 0 &&
		       root.st_dev == here.st_dev;
	return err_set(e, EROFS, ERR_CONFLICT, "%s is marked read-only",
		       in_root ? "container rootfs" : "mounted volume");
}

int file_find_target(const struct file_space *s, const char *path, struct arena *a,
		     struct file_place *ret, struct err *e)
{
	*ret = (struct file_place){.folder = -1, .root = s->name ? s->root : -1};
	int r = walk(s, path, true, a, ret, e);
	if (r == 0 && ret->exists && !ret->is_folder && ends_with(path, "/"))
		r = err_set(e, ENOTDIR, ERR_INVALID, "%s is not a directory", path);
	if (r == 0 && ret->is_folder && *ret->name) {
		int fd = openat(ret->folder, ret->name,
				O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0)
			r = missing(s, path, errno, e);
		close(ret->folder);
		ret->folder = fd;
		ret->name = "";
	}
	ret->content = ends_with(path, "/");
	const char *ignored;
	if (r == 0 && *ret->name)
		ret->path = path_parent(a, ret->path, &ignored);
	if (r == 0)
		r = check_writable(s, ret, e);
	if (r < 0)
		fd_drop(&ret->folder);
	return r;
}

/* --- copies --- */

static void on_progress(void *ctx, uint64_t done)
{
	const struct file_copy *copy = ctx;
	if (copy->progress)
		copy->progress(copy->ctx, done);
}

static int start_into(struct engine *en, struct unpack_job *j, int fd, const struct file_place *to,
		      const struct file_copy *copy, struct err *e)
{
	const uint32_t owner[2] = {copy->uid, copy->gid};
	bool below = to->root >= 0;
	return unpack_start_into(j, en->libexec, fd, below ? to->root : to->folder,
				 below ? to->path : "", copy->keep_owner ? NULL : owner, e);
}

int file_unpack(struct engine *en, int fd, const struct file_place *to,
		const struct file_copy *copy, struct err *e)
{
	CLEANUP_JOB struct unpack_job j = UNPACK_JOB_NONE;
	const struct unpack_events on = {.progress = on_progress, .ctx = (void *)copy};
	int r = start_into(en, &j, fd, to, copy, e);
	return r < 0 ? r : unpack_finish(&j, &on, e);
}

static int pack(struct engine *en, int folder, const char *name, const char *as, int fd,
		const struct file_copy *copy, struct err *e)
{
	CLEANUP_JOB struct unpack_job j = UNPACK_JOB_NONE;
	const struct unpack_events on = {.progress = on_progress, .ctx = (void *)copy};
	int r = unpack_start_pack(&j, en->libexec, folder, name, as, 0, fd, e);
	return r < 0 ? r : unpack_finish(&j, &on, e);
}

int file_pack(struct engine *en, const struct file_place *from, int fd,
	      const struct file_copy *copy, struct err *e)
{
	return pack(en, from->folder, from->name, from->content ? "./" : from->base, fd, copy, e);
}

/* The name in the archive: where the target is a folder, below it; else the target's. */
static int name_copy(const struct file_place *from, const struct file_place *to, const char **ret,
		     struct err *e)
{
	*ret = to->name;
	if (to->is_folder) {
		*ret = from->content ? "" : from->base;
		return 0;
	}
	if (to->exists && from->is_folder)
		return err_set(e, ENOTDIR, ERR_CONFLICT, "cannot copy directory");
	if (!to->exists && !from->is_folder && to->content)
		return err_set(e, ENOENT, ERR_NOT_FOUND, "the destination directory must exist: %s",
			       to->name);
	return 0;
}

int file_copy(struct engine *en, const struct file_place *from, const struct file_place *to,
	      const struct file_copy *copy, struct err *e)
{
	CLEANUP_JOB struct unpack_job out = UNPACK_JOB_NONE;
	CLEANUP_JOB struct unpack_job in = UNPACK_JOB_NONE;
	const struct unpack_events on = {.progress = on_progress, .ctx = (void *)copy};
	const char *as;
	int pipe[2];
	int r = name_copy(from, to, &as, e);
	if (r == 0 && pipe2(pipe, O_CLOEXEC) < 0)
		r = err_errno(e, errno, "cannot copy");
	if (r < 0)
		return r;
	r = unpack_start_pack(&out, en->libexec, from->folder, from->name, as, 0, pipe[1], e);
	close(pipe[1]);
	if (r == 0)
		r = start_into(en, &in, pipe[0], to, copy, e);
	close(pipe[0]);
	return r < 0 ? r : unpack_finish_pair(&out, &in, &on, e);
}

/* --- export --- */

/* What is mounted at the root of its mount namespace, without what is mounted upon it. */
static int clone_running(const struct container *c, struct err *e)
{
	CLEANUP_FD int pidfd = pidfd_of_started(c->pid, c->pid_start);
	if (pidfd < 0)
		return err_errno(e, pidfd, "container %s: cannot reach it", c->name);
	int fd = mount_clone_elsewhere(pidfd, -1, "/");
	CLEANUP_FD int thread = fd == -ESRCH ? process_live_thread(pidfd) : -1;
	if (thread >= 0)
		fd = mount_clone_elsewhere(thread, -1, "/");
	return fd >= 0 ? fd : err_errno(e, fd, "container %s: cannot read its root", c->name);
}

int container_export(struct engine *en, const char *ref, int fd, const struct file_copy *copy,
		     struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	CLEANUP_LOCK struct container_lock lock = {-1};
	struct container c;
	int r = find(en, ref, &a, &lock, &c, e);
	if (r < 0)
		return r;
	CLEANUP_FD int root = c.pid ? clone_running(&c, e) : root_mount(en, &c, &a, e);
	if (root < 0 || (r = pack(en, root, "", "", fd, copy, e)) < 0)
		return root < 0 ? root : r;
	event_container(&en->db, ERR_IGNORED, c.id, "export", NULL);
	return 0;
}

static int open_volume(struct engine *en, const char *name, struct arena *a, struct err *e)
{
	struct volume v;
	if (volume_find(en, name, a, &v, e) < 0)
		return -e->number;
	const struct mount_point m = {.kind = MOUNT_VOLUME, .name = v.name, .source = v.mountpoint};
	return volume_mount(en, &m, "", NULL, e);
}

int volume_export(struct engine *en, const char *name, int fd, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	const struct file_copy all = {0};
	CLEANUP_FD int folder = open_volume(en, name, &a, e);
	return folder < 0 ? folder : pack(en, folder, "", "", fd, &all, e);
}

int volume_import(struct engine *en, const char *name, int fd, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	const struct file_copy all = {.keep_owner = true};
	CLEANUP_FD int folder = open_volume(en, name, &a, e);
	const struct file_place to = {.folder = folder, .root = folder, .path = "/"};
	return folder < 0 ? folder : file_unpack(en, fd, &to, &all, e);
}

int file_owner(int root, const char *owner, struct arena *a, uint32_t ret[2], struct err *e)
{
	struct oci_user user;
	char *home;
	int r = runtime_lookup_user(root, owner, NULL, a, &user, &home, e);
	if (r < 0)
		return r;
	ret[0] = (uint32_t)user.uid;
	ret[1] = (uint32_t)user.gid;
	return 0;
}
