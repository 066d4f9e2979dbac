/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening the engine: the two roots and the state store. Nothing else is touched, so that a command
 * that only looks at a container pays for no more. Read engine.h first.
 */
#include "engine/launch.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/db_anew.h"
#include "base/file.h"
#include "linux/cgroup.h"

/*
 * Tell ext4 that the folders below this one have nothing to do with each other (chattr(1), "T"): it
 * then puts each container into a block group of its own. Otherwise all share one, where every new
 * file first searches past each inode that was deleted within the last minutes: after some hundred
 * short containers that was more than half of the time of a start. Other file systems do not know
 * the flag.
 */
static void spread(int dirfd, const char *name)
{
	int flags = 0;
	CLEANUP_FD int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0)
		return;
	flags |= FS_TOPDIR_FL;
	ioctl(fd, FS_IOC_SETFLAGS, &flags);
}

/* Both roots are 0700: images hold setuid files that a user of the host must not reach (T042). */
static int open_root(const char *path, const char *const *below, struct err *e)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		int r = dir_make(AT_FDCWD, path, 0700, e);
		if (r < 0)
			return r;
		fd = dir_open(AT_FDCWD, path, e);
	}
	if (fd < 0)
		return fd;
	/* The last one is made last: where it is, all are. */
	size_t count = 0;
	while (below[count])
		count++;
	if (faccessat(fd, below[count - 1], F_OK, 0) == 0)
		return fd;
	for (; *below; below++) {
		if (mkdirat(fd, *below, 0700) == 0) {
			spread(fd, *below);
		} else if (errno != EEXIST) {
			int r = err_errno(e, errno, "cannot create %s/%s", path, *below);
			close(fd);
			return r;
		}
	}
	return fd;
}

int engine_open(struct engine *en, const char *root, const char *runroot, const char *libexec,
		struct err *e)
{
	static const char *const root_folders[] = {"containers", "volumes", "layers", NULL};
	static const char *const run_folders[] = {"containers", "exits", NULL};
	*en = (struct engine){.root = root,
			      .runroot = runroot,
			      .libexec = libexec,
			      .root_fd = -1,
			      .run_fd = -1,
			      .db = {.lock_fd = -1}};
	en->root_fd = open_root(root, root_folders, e);
	en->run_fd = en->root_fd < 0 ? -1 : open_root(runroot, run_folders, e);
	int r = en->root_fd < 0 || en->run_fd < 0 ? -e->number : db_open(&en->db, root, e);
	if (r < 0 && en->run_fd >= 0 && engine_make_room(en))
		r = db_open(&en->db, root, e);
	if (r < 0) {
		engine_close(en);
		return r;
	}
	if (en->db.made)
		db_anew_note(en->root_fd);
	if (!en->db.refused.number)
		engine_renew_ballast(en);
	en->images = (struct image_store){
		.db = &en->db, .root_fd = en->root_fd, .root = root, .libexec = libexec};
	return 0;
}

void engine_leave(struct engine *en)
{
	/* What is tidied after a container has ended may long be due before one does. */
	if (en->db.untidy)
		engine_spawn(en, "tidy", NULL, false);
	en->db.untidy = false;
}

void engine_close(struct engine *en)
{
	engine_leave(en);
	db_close(&en->db);
	fd_drop(&en->root_fd);
	fd_drop(&en->run_fd);
	if (en->starting)
		fd_drop(&en->starting->lock_fd);
	arena_free(&en->notes);
	en->warnings = (struct strv){0};
}

void engine_warn(struct engine *en, const char *fmt, ...)
{
	char text[512];
	va_list ap;
	if (!en)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	strv_push(&en->notes, &en->warnings, arena_strdup(&en->notes, text));
}
