/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `hull system check`: what no single container's look-up would find. Folders without a row are
 * left by a `create` that was killed; they hold nothing that anyone was told about. Everything else
 * is found by its row or its exit record (reap.c).
 */
#include "engine/layer.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/db_anew.h"
#include "base/db_room.h"
#include "base/event.h"
#include "base/file.h"
#include "engine/internal.h"
#include "engine/network.h"
#include "engine/user_network.h"
#include "linux/namespaces.h"
#include "network/network.h"

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

/* A bridge of ours (by its alias) without a row; and a firewall that somebody flushed. */
struct bridges {
	struct engine *en;
	const char *table;
	struct arena *a;
	bool repair;
	struct strv *problems, lost;
};

static void note_lost(struct bridges *b, const char *name, const char *alias, const char *what)
{
	strv_push(b->a, b->problems, arena_printf(b->a, what, name, b->repair ? ": removed" : ""));
	strv_push(b->a, &b->lost, name);
	strv_push(b->a, &b->lost, alias);
}

/* Of a `network connect` that was killed: the container is on the network, and no row says so. */
static void look_at_veth(struct bridges *b, const char *name)
{
	struct err ignored;
	CLEANUP_STMT sqlite3_stmt *s = NULL;
	char id[11];
	int position, end = 0;
	if (sscanf(name, "ve%10[0-9a-f].%2d%n", id, &position, &end) == 2 && !name[end] &&
	    db_first(&b->en->db, &s, &ignored,
		     "SELECT 1 FROM container WHERE substr(id, 1, 10) = ?1 AND NOT EXISTS (SELECT "
		     "1 FROM endpoint WHERE container = id AND position = ?2)",
		     "si", id, (int64_t)position) == 1)
		note_lost(b, name, "", "device %s of a place on no network%s");
}

static void look_at_link(void *ctx, const char *name, const struct link_info *link)
{
	struct bridges *b = ctx;
	struct err ignored;
	CLEANUP_STMT sqlite3_stmt *s = NULL;
	size_t len = strlen(b->table);
	if (!strcmp(link->kind, "veth"))
		look_at_veth(b, name);
	if (strcmp(link->kind, "bridge") || strncmp(link->alias, b->table, len) ||
	    link->alias[len] != ':' ||
	    db_first(&b->en->db, &s, &ignored, "SELECT 1 FROM network WHERE name = ?1", "s",
		     link->alias + len + 1) != 0)
		return;
	note_lost(b, name, link->alias, "bridge %s without a network%s");
}

static int has_row(struct engine *en, const char *query, const char *name, struct err *e)
{
	CLEANUP_STMT sqlite3_stmt *s = NULL;
	return db_first(&en->db, &s, e, query, "s", name);
}

static int check_networks(struct engine *en, bool repair, struct arena *a, struct strv *problems,
			  struct err *e)
{
	CLEANUP_NETWORK_KERNEL struct network_kernel k = NETWORK_KERNEL_CLOSED;
	if (!namespace_owns_network())
		return user_networks_mend(en, repair, a, problems, e);
	/* Where there has never been a network nothing is looked for. */
	int r = has_row(en, "SELECT 1 FROM network WHERE name = ?1", "bridge", e);
	if (r <= 0 || (r = network_kernel_open(en, &k, e)) < 0)
		return r;
	struct bridges b = {en, k.table, a, repair, problems, {0}};
	/* Who makes one holds this lock until its row is there. */
	if ((r = db_begin(&en->db, true, e)) < 0)
		return r;
	r = link_list(&k.links, look_at_link, &b);
	if (r < 0)
		netlink_problem(&k.links, r, e, "cannot list network devices");
	for (size_t i = 0; r == 0 && repair && i + 1 < b.lost.count; i += 2)
		r = bridge_remove(&k.links, b.lost.items[i], b.lost.items[i + 1], e);
	r = db_end(&en->db, r, e);
	if (r == 0)
		r = networks_in_use(en, e);
	size_t before = problems->count;
	if (r == 1 && !firewall_is_whole(&k.nft, k.table))
		strv_push(
			a, problems,
			arena_printf(a, "nftables table inet %s is not as hull made it", k.table));
	if (r >= 0)
		r = endpoints_mend(en, false, a, problems, e);
	return r == 0 && repair && problems->count > before ? network_reload(en, e) : r;
}

/* A folder that is being made has its lock held by its maker. */
static bool in_the_making(int dirfd, const char *name)
{
	CLEANUP_FD int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0;
}

/* Between a folder's first moment and its lock lie two system calls. */
static bool is_young(int dirfd, const char *name)
{
	enum { YOUNG_NS = 2000000000 };
	struct stat st;
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return true;
	int64_t made = (int64_t)st.st_ctim.tv_sec * 1000000000 + st.st_ctim.tv_nsec;
	int64_t age = clock_real_ns() - made;
	return age >= 0 && age < YOUNG_NS;
}

/* What is older than the store is of one that was lost, or is elsewhere: containers may run on it.
 * What the run folder says of one that lives needs no look at ages. */
static bool is_foreign(struct engine *en, int dirfd, const char *name)
{
	struct run_record run;
	return db_anew_is_older(en->root_fd, dirfd, name) ||
	       (run_record_read(en, name, &run) == 0 && run_record_alive(&run) == 1);
}

static void tell_foreign(struct engine *en, const struct place *p, const char *name,
			 struct arena *a, struct strv *problems)
{
	struct run_record run;
	bool lives = run_record_read(en, name, &run) == 0 && run_record_alive(&run) == 1;
	strv_push(a, problems,
		  arena_printf(a,
			       "%s %s: the state store (" DB_FILE
			       ") does not know it, and is younger%s; it is not removed: bring the "
			       "store of that time back, or remove it by hand",
			       p->what, name,
			       lives ? arena_printf(a, ", but it runs as process %d", (int)run.pid)
				     : ""));
}

/* How many were found that are not to be removed, or negative errno. */
static int check_place(struct engine *en, int base, const struct place *p, bool repair, bool spare,
		       struct arena *a, struct strv *problems, struct err *e)
{
	CLEANUP_FD int fd = openat(base, p->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_DIR DIR *d = fd < 0 ? NULL : fdopendir(fd);
	if (!d)
		return err_errno(e, errno, "cannot read the folder %s", p->folder);
	fd_steal(&fd);
	int kept = 0;
	for (struct dirent *entry; (entry = readdir(d));) {
		const char *name = entry->d_name;
		if (*name == '.')
			continue;
		int r = has_row(en, p->query, name, e);
		if (r < 0)
			return r;
		if (r > 0 || (spare && is_young(dirfd(d), name)) || in_the_making(dirfd(d), name))
			continue;
		if (is_foreign(en, dirfd(d), name)) {
			tell_foreign(en, p, name, a, problems);
			kept++;
			continue;
		}
		/* It may have been completed between the two looks: a volume is under the lock. */
		if ((r = db_begin(&en->db, false, e)) < 0)
			return r;
		if ((r = has_row(en, p->query, name, e)) != 0) {
			db_rollback(&en->db);
			continue;
		}
		strv_push(a, problems,
			  arena_printf(a, "%s %s that does not exist%s", p->what, name,
				       repair ? ": removed" : ""));
		if (repair)
			r = limited_folder_remove(dirfd(d), name, e);
		db_rollback(&en->db);
		if (r < 0)
			return r;
	}
	return kept;
}

/* Folders below containers/, by the folder's link count; -1 where the file system does not count
 * so. */
static int64_t folder_count(const struct engine *en)
{
	struct stat st;
	if (fstatat(en->root_fd, "containers", &st, 0) < 0 || st.st_nlink < 2)
		return -1;
	return (int64_t)st.st_nlink - 2;
}

static int64_t row_count(struct engine *en)
{
	struct err ignored;
	CLEANUP_STMT sqlite3_stmt *s = NULL;
	if (db_query(&en->db, &s, &ignored, "SELECT count(*) FROM container", "") < 0 ||
	    db_next(s, &ignored) != 1)
		return INT64_MAX;
	return db_int(s, 0);
}

/*
 * The ballast: a file of BALLAST_SIZE bytes that is removed when the disk is full, for what else a
 * removal has to write, and for file systems where the store's reserves (base/db_room.h) are none.
 */
enum { BALLAST_SIZE = 1 << 20 };

bool engine_make_room(struct engine *en)
{
	return db_room_is_short(en->root_fd) && unlinkat(en->root_fd, "ballast", 0) == 0;
}

void engine_renew_ballast(struct engine *en)
{
	if (file_exists(en->root_fd, "ballast") || !db_room_is_plenty(en->root_fd))
		return;
	CLEANUP_FD int fd =
		openat(en->root_fd, "ballast", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd >= 0 && posix_fallocate(fd, 0, BALLAST_SIZE) != 0)
		unlinkat(en->root_fd, "ballast", 0);
}

void engine_sweep_folders(struct engine *en)
{
	CLEANUP_ARENA struct arena a = {0};
	struct strv found = {0};
	struct err ignored;
	if (folder_count(en) > row_count(en))
		check_place(en, en->root_fd, &root_places[0], true, true, &a, &found, &ignored);
}

void engine_tidy(struct engine *en)
{
	engine_sweep_folders(en);
	event_trim(&en->db);
	db_checkpoint(&en->db);
	en->db.untidy = false;
}

/* Is the staging folder of @layer, "NAME/NUMBER", locked by its build? */
static bool build_lives(struct engine *en, const char *layer)
{
	char path[128];
	snprintf(path, sizeof(path), "layers/%.*s", (int)strcspn(layer, "/"), layer);
	CLEANUP_FD int fd = openat(en->root_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0;
}

int engine_sweep_builds(struct engine *en, bool repair, struct arena *a, struct strv *problems,
			struct err *e)
{
	struct strv ids = {0};
	int r = db_list(&en->db, a, &ids, e,
			"SELECT id FROM container WHERE image_name = '(build)'", "");
	for (size_t i = 0; r >= 0 && i < ids.count; i++) {
		struct container c;
		struct err ignored;
		if (container_read(en, ids.items[i], a, &c, &ignored) < 0 || !c.config.hull.layer ||
		    build_lives(en, c.config.hull.layer))
			continue;
		strv_push(a, problems,
			  arena_printf(a, "container %s of a build that was killed%s", c.name,
				       repair ? ": removed" : ""));
		r = repair ? container_remove(en, c.id, REMOVE_FORCE, e) : 0;
		r = r == -ENOENT ? 0 : r;
	}
	return r < 0 ? r : 0;
}

int engine_check(struct engine *en, bool repair, struct arena *a, struct strv *problems,
		 struct err *e)
{
	int r = engine_reap(en, NULL, e), kept = 0;
	if (r == 0)
		r = engine_sweep_builds(en, repair, a, problems, e);
	for (size_t i = 0; r >= 0 && i < ARRAY_LEN(root_places); i++) {
		r = check_place(en, en->root_fd, &root_places[i], repair, false, a, problems, e);
		kept += r;
	}
	for (size_t i = 0; r >= 0 && i < ARRAY_LEN(run_places); i++) {
		r = check_place(en, en->run_fd, &run_places[i], repair, false, a, problems, e);
		kept += r;
	}
	r = r < 0 ? r : 0;
	if (r == 0 && (r = layer_check(en, repair, a, problems)) < 0)
		err_errno(e, r, "cannot give back a quota");
	if (r == 0)
		r = check_networks(en, repair, a, problems, e);
	if (r == 0 && repair)
		r = image_store_sweep(&en->images, e);
	if (r == 0)
		r = image_store_check(&en->images, a, problems, e);
	return r < 0 ? r : kept;
}
