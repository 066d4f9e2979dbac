/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The folder stays open from its row's last moment on. Read remove_behind.h first.
 */
#include "engine/remove_behind.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>

#include "base/cleanup.h"
#include "engine/layer.h"
#include "linux/outlive.h"

bool remove_behind_take(struct engine *en, const char *id)
{
	struct remove_behind *b = en->behind;
	char path[sizeof("containers/") + ID_LEN];
	if (!b || b->root_fd >= 0)
		return false;
	snprintf(path, sizeof(path), "containers/%s", id);
	snprintf(b->id, sizeof(b->id), "%s", id);
	b->folder_fd = openat(en->root_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	b->root_fd = b->folder_fd < 0 ? -1 : fcntl(en->root_fd, F_DUPFD_CLOEXEC, 3);
	if (b->root_fd < 0)
		remove_behind_drop(b);
	return b->root_fd >= 0;
}

void remove_behind_close(struct engine *en, int *fd)
{
	if (en->behind && en->behind->firewall_fd < 0)
		en->behind->firewall_fd = fd_steal(fd);
}

void remove_behind_drop(struct remove_behind *b)
{
	fd_drop(&b->root_fd);
	fd_drop(&b->folder_fd);
}

static void remove_it(void *arg)
{
	const struct remove_behind *b = arg;
	char path[sizeof("containers/") + ID_LEN];
	snprintf(path, sizeof(path), "containers/%s", b->id);
	/* As long as it is locked it is in nobody's way; who has the lock sees that its row is
	 * gone. */
	if (TEMP_FAILURE_RETRY(flock(b->folder_fd, LOCK_EX)) == 0)
		limited_folder_remove(b->root_fd, path, ERR_IGNORED);
}

void remove_behind_exit(struct remove_behind *b, int code)
{
	const int keep[] = {b->root_fd, b->folder_fd, b->mounts_fd, b->firewall_fd};
	outlive(code, "hull-remove", keep, ARRAY_LEN(keep), remove_it, b);
}
