/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Named and anonymous volumes: folders volumes/<name>/_data below --root, with a row each.
 * Invariant: a volume in use by a container (even a stopped one) is never removed.
 */
#include "engine/internal.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/path.h"
#include "base/tree.h"
#include "base/utf8.h"
#include "engine/layer.h"
#include "engine/mounts.h"

enum { VOLUME_NAME_MAX = 255, USERS_MAX = 512 };

int volume_folder_make(struct engine *en, const char *name, int64_t size, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	const char *path = arena_printf(&a, "volumes/%s", name);
	if (mkdirat(en->root_fd, path, 0711) < 0 && errno != EEXIST)
		return err_errno(e, errno, "volume %s: cannot create its folder", name);
	CLEANUP_FD int holder = size ? dir_open(en->root_fd, path, e) : -1;
	path = arena_printf(&a, "volumes/%s/_data", name);
	/* Once it is there, its mode is the containers' own. */
	bool there = file_exists(en->root_fd, path);
	if (size && (holder < 0 || limited_folder_make(holder, "_data", (uint64_t)size, e) < 0))
		return err_context(e, "create %s", name);
	if (!size && !there && mkdirat(en->root_fd, path, 0755) < 0 && errno != EEXIST)
		return err_errno(e, errno, "volume %s: cannot create its folder", name);
	/* As asked for, whatever the caller's umask. */
	if (!there && fchmodat(en->root_fd, path, 0755, 0) < 0)
		return err_errno(e, errno, "volume %s: cannot set the mode of its folder", name);
	return 0;
}

void volume_folder_drop(struct engine *en, const char *name)
{
	CLEANUP_ARENA struct arena a = {0};
	struct err ignored;
	struct volume other;
	if (db_begin(&en->db, false, &ignored) < 0)
		return;
	/* Someone else may have made one of the same name meanwhile. */
	if (volume_find(en, name, &a, &other, &ignored) == -ENOENT)
		limited_folder_remove(en->root_fd, arena_printf(&a, "volumes/%s", name), &ignored);
	db_rollback(&en->db);
}

int volume_name_check(const char *name, struct err *e)
{
	if (strlen(name) == 1)
		return err_set(e, EINVAL, ERR_INVALID,
			       "create %s: volume name is too short, names should be at least two "
			       "alphanumeric characters",
			       name);
	if (name_is_valid(name, VOLUME_NAME_MAX))
		return 0;
	return err_set(
		e, EINVAL, ERR_INVALID,
		"create %s: \"%s\" includes invalid characters for a local volume name, only "
		"\"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed. If you intended to pass a host "
		"directory, use absolute path",
		name, name);
}

static int volume_in_use(struct engine *en, const char *name, struct err *e);

int volume_options(struct engine *en, const char *name, const struct kvs *planned, struct arena *a,
		   struct kvs *ret, struct err *e)
{
	CLEANUP_STMT sqlite3_stmt *s = NULL;
	int r = db_first(&en->db, &s, e, "SELECT options FROM volume WHERE name = ?1", "s", name);
	if (r == 0 && planned)
		*ret = *planned;
	return r > 0 ? kvs_parse(db_text(s, 0), ret, a, e) : r;
}

/* docker goes on with those that it has: a promise without effect. */
static int check_same(struct engine *en, const char *name, const char *options, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	struct kvs have = {0};
	int r = volume_options(en, name, NULL, &a, &have, e);
	if (r < 0 || !strcmp(kvs_print(&have, &a), options))
		return r < 0 ? r : 0;
	err_set(e, EEXIST, ERR_CONFLICT,
		"create %s: conflict: a volume of this name exists, with other options", name);
	return err_hint(e, "hull volume inspect %s shows them", name);
}

int volume_row_add(struct engine *en, const char *name, bool anonymous, const struct kvs *labels,
		   const struct kvs *options, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	const char *text = labels ? kvs_print(labels, &a) : "{}", *driver = "{}";
	if (options && options->count) {
		struct kvs sorted = {0};
		for (size_t i = 0; i < options->count; i++)
			kvs_set(&a, &sorted, options->items[i].key, options->items[i].value);
		kvs_sort(&sorted);
		driver = kvs_print(&sorted, &a);
	}
	int r = utf8_check_json(text, e);
	if (r == 0)
		r = utf8_check_json(driver, e);
	if (r == 0)
		r = db_run(&en->db, e,
			   "INSERT INTO volume (name, anonymous, labels, options, created) VALUES "
			   "(?1,?2,?3,?4,?5) ON CONFLICT (name) DO NOTHING",
			   "sissi", name, (int64_t)anonymous, text, driver, clock_real_ns());
	if (r > 0)
		r = event_note(&en->db, e, "volume", name, "create", "driver", "local", NULL);
	return r == 0 && driver[1] != '}' ? check_same(en, name, driver, e) : r;
}

/* Copy what was staged into the folder that is there, if that is empty. */
static int volume_fill(struct engine *en, const char *name, const char *staged, const char *data,
		       struct err *e)
{
	int r = volume_folder_make(en, name, 0, e);
	CLEANUP_FD int from = r < 0 ? -1 : dir_open(en->root_fd, staged, e);
	CLEANUP_FD int to = from < 0 ? -1 : dir_open(en->root_fd, data, e);
	if (to < 0)
		return -e->number;
	r = tree_is_empty(to);
	if (r > 0)
		r = tree_copy(from, to, e);
	else if (r < 0)
		r = err_errno(e, r, "volume %s: cannot read it", name);
	return r < 0 ? r : tree_remove(en->root_fd, staged, e);
}

int volume_place(struct engine *en, const char *name, const struct kvs *options, const char *staged,
		 struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	const char *folder = arena_printf(&a, "volumes/%s", name);
	const char *data = arena_printf(&a, "%s/_data", folder);
	if (!file_exists(en->root_fd, staged))
		return volume_folder_make(en, name, volume_size_limit(options), e);
	if (mkdirat(en->root_fd, folder, 0711) < 0 && errno != EEXIST)
		return err_errno(e, errno, "volume %s: cannot create its folder", name);
	int r = volume_in_use(en, name, e);
	if (r == 0 && renameat(en->root_fd, staged, en->root_fd, data) == 0)
		return 0;
	/* A container has it mounted, it has a file system of its own, or it is not empty. */
	return r < 0 && r != -EBUSY ? r : volume_fill(en, name, staged, data, e);
}

int volume_driver_check(const char *driver, struct err *e)
{
	if (!driver || !*driver || !strcmp(driver, "local"))
		return 0;
	return err_set(e, ENOTSUP, ERR_NOT_FOUND,
		       "volume driver %s not found: hull has local volumes only", driver);
}

int volume_create(struct engine *en, const char *name, const struct kvs *labels,
		  const struct kvs *options, struct arena *a, struct volume *ret, struct err *e)
{
	char id[ID_LEN + 1];
	bool anonymous = !name;
	if (anonymous) {
		id_new(id);
		name = id;
	}
	int r = volume_name_check(name, e);
	if (r == 0)
		r = volume_options_check(name, options, e);
	if (r == 0)
		r = db_begin_addition(&en->db, true, e);
	if (r < 0)
		return r;
	r = volume_row_add(en, name, anonymous, labels, options, e);
	bool fresh = r > 0;
	/* Both under the writers' lock: a folder without a row belongs to nothing (check.c). */
	if (r >= 0)
		r = volume_folder_make(en, name, fresh ? volume_size_limit(options) : 0, e);
	if (r == 0)
		r = volume_find(en, name, a, ret, e);
	r = db_end(&en->db, r, e);
	if (r < 0 && fresh)
		volume_folder_drop(en, name);
	return r;
}

#define VOLUME_QUERY                                                                               \
	"SELECT name, anonymous, labels, options, created, (SELECT count(DISTINCT container) "     \
	"FROM "                                                                                    \
	"volume_use u WHERE u.volume = v.name) FROM volume v "

static int volume_row(struct engine *en, sqlite3_stmt *s, struct arena *a, struct volume *v,
		      struct err *e)
{
	*v = (struct volume){
		.name = arena_strdup(a, db_text(s, 0)),
		.anonymous = db_int(s, 1),
		.created = db_int(s, 4),
		.uses = db_int(s, 5),
	};
	v->mountpoint = arena_printf(a, "%s/volumes/%s/_data", en->root, v->name);
	int r = kvs_parse(db_text(s, 2), &v->labels, a, e);
	return r < 0 ? r : kvs_parse(db_text(s, 3), &v->options, a, e);
}

int volume_find(struct engine *en, const char *name, struct arena *a, struct volume *ret,
		struct err *e)
{
	CLEANUP_STMT sqlite3_stmt *s = NULL;
	int r = db_first(&en->db, &s, e, VOLUME_QUERY "WHERE name = ?1", "s", name);
	if (r == 0) {
		err_set(e, ENOENT, ERR_NOT_FOUND, "get %s: no such volume", name);
		return err_hint(e, "hull volume ls lists all volumes");
	}
	return r < 0 ? r : volume_row(en, s, a, ret, e);
}

int volume_list(struct engine *en, struct arena *a, struct volume **ret, size_t *ret_count,
		struct err *e)
{
	CLEANUP_STMT sqlite3_stmt *count = NULL, *s = NULL;
	int r = engine_settle(en, e);
	if (r < 0)
		return r;
	r = db_first(&en->db, &count, e, "SELECT count(*) FROM volume", "");
	if (r < 0)
		return r;
	size_t room = (size_t)db_int(count, 0), n = 0;
	struct volume *list = arena_array(a, room, sizeof(*list));
	r = db_query(&en->db, &s, e, VOLUME_QUERY "ORDER BY name", "");
	while (r >= 0 && n < room && (r = db_next(s, e)) == 1)
		if ((r = volume_row(en, s, a, &list[n], e)) == 0)
			n++;
	if (r < 0)
		return r;
	*ret = list;
	*ret_count = n;
	return 0;
}

static int volume_in_use(struct engine *en, const char *name, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	CLEANUP_STMT sqlite3_stmt *s = NULL;
	struct strv users = {0};
	const char *list = "";
	int r = db_list(&en->db, &a, &users, e,
			"SELECT DISTINCT container FROM volume_use WHERE volume = ?1", "s", name);
	if (r < 0 || !users.count)
		return r;
	for (size_t i = 0; i < users.count && strlen(list) < USERS_MAX; i++)
		list = arena_printf(&a, "%s%s%s", list, i ? ", " : "", users.items[i]);
	err_set(e, EBUSY, ERR_CONFLICT, "remove %s: volume is in use - [%s]", name, list);
	return err_hint(e, "remove the containers first: hull ps -a --filter volume=%s", name);
}

int volume_remove(struct engine *en, const char *name, bool force, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	struct volume v;
	int r = engine_settle(en, e);
	if (r == 0)
		r = volume_find(en, name, &a, &v, e);
	if (r == -ENOENT && force)
		return 0;
	if (r < 0 || (r = db_begin(&en->db, true, e)) < 0)
		return r;
	/* Under the writers' lock: no container can take it into use meanwhile. */
	r = volume_in_use(en, name, e);
	if (r == 0)
		r = event_note(&en->db, e, "volume", name, "destroy", "driver", "local", NULL);
	if (r >= 0)
		r = db_run(&en->db, e, "DELETE FROM volume WHERE name = ?1", "s", name);
	r = db_end(&en->db, r, e);
	return r < 0 ? r
		     : limited_folder_remove(en->root_fd, arena_printf(&a, "volumes/%s", name), e);
}

int volume_size(struct engine *en, const struct volume *v, int64_t *ret_bytes, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	CLEANUP_FD int dir =
		dir_open(en->root_fd, arena_printf(&a, "volumes/%s/_data", v->name), e);
	return dir < 0 ? dir : tree_size(dir, ret_bytes, e);
}
