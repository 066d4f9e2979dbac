/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `hull system check`: what no single container's look-up would find. Folders without a row are
 * left by a `create` that was killed; they hold nothing that anyone was told about. Everything else
 * is found by its row or its exit record (reap.c).
 */
#include "engine/internal.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

#include "base/cleanup.h"
#include "base/file.h"

struct place {
	const char *folder, *what, *query;
};
static const struct place root_places[] = {
	{"containers", "folder of a container", "SELECT 1 FROM container WHERE id = ?1"},
	{"volumes", "folder of a volume", "SELECT 1 FROM volume WHERE name = ?1"},
};
static const struct place run_places[] = {
	{"containers", "run folder of a container", "SELECT 1 FROM container WHERE id = ?1"},
	{"exits", "exit record of a container", "SELECT 1 FROM container WHERE id = ?1"},
};

static int has_row(struct engine *en, const char *query, const char *name, struct err *e)
{
	CLEANUP_STMT sqlite3_stmt *s = NULL;
	int r = db_query(&en->db, &s, e, query, "s", name);
	return r < 0 ? r : db_next(s, e);
}

/* A folder that is being made has its lock held by its maker. */
static bool in_the_making(int dirfd, const char *name)
{
	CLEANUP_FD int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0;
}

static int check_place(struct engine *en, int base, const struct place *p, bool repair,
		       struct arena *a, struct strv *problems, struct err *e)
{
	CLEANUP_FD int fd = openat(base, p->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_DIR DIR *d = fd < 0 ? NULL : fdopendir(fd);
	if (!d)
		return err_errno(e, errno, "cannot read the folder %s", p->folder);
	fd_steal(&fd);
	for (struct dirent *entry; (entry = readdir(d));) {
		const char *name = entry->d_name;
		if (*name == '.')
			continue;
		int r = has_row(en, p->query, name, e);
		if (r < 0)
			return r;
		if (r > 0 || in_the_making(dirfd(d), name))
			continue;
		/* It may have been completed between the two looks. */
		if ((r = has_row(en, p->query, name, e)) != 0)
			continue;
		strv_push(a, problems,
			  arena_printf(a, "%s %s that does not exist%s", p->what, name,
				       repair ? ": removed" : ""));
		if (repair && (r = tree_remove(dirfd(d), name, e)) < 0)
			return r;
	}
	return 0;
}

int engine_check(struct engine *en, bool repair, struct arena *a, struct strv *problems,
		 struct err *e)
{
	int r = engine_reap(en, NULL, e);
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(root_places); i++)
		r = check_place(en, en->root_fd, &root_places[i], repair, a, problems, e);
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(run_places); i++)
		r = check_place(en, en->run_fd, &run_places[i], repair, a, problems, e);
	if (r == 0 && repair)
		r = image_store_sweep(&en->images, e);
	return r < 0 ? r : image_store_check(&en->images, a, problems, e);
}
