/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `hull system check`: what no single container's look-up would find, by the table at the end.
 * Folders without a row are left by a `create` that was killed; they hold nothing that anyone was
 * told about. Rows without their folder are of folders that somebody removed. What is left in the
 * kernel is in check_left.c; everything else is found by its row or its exit record (reap.c).
 */
#include "engine/check.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/db_anew.h"
#include "base/db_room.h"
#include "base/event.h"
#include "base/file.h"
#include "engine/layer.h"
#include "engine/network.h"
#include "engine/secret.h"
#include "engine/user_network.h"
#include "linux/namespaces.h"
#include "network/network.h"

struct place {
	const char *folder, *what, *query;
};
static const struct place root_places[] = {
	{"containers", "folder of a container", "SELECT 1 FROM container WHERE id = ?1"},
	{"volumes", "folder of a volume", "SELECT 1 FROM volume WHERE name = ?1"},
	{"secrets", "file of a secret", "SELECT 1 FROM secret WHERE id = ?1"},
};
static const struct place run_places[] = {
	{"containers", "run folder of a container", "SELECT 1 FROM container WHERE id = ?1"},
	{"exits", "exit record of a container", "SELECT 1 FROM container WHERE id = ?1"},
	{"networks", "run folder of a network", "SELECT 1 FROM network WHERE id = ?1"},
};

/* A bridge of ours (by its alias, or by its mark) without a row; and a firewall that somebody
 * flushed. */
struct bridges {
	struct check *k;
	const struct network_kernel *kernel;
	struct strv lost;
};

static void note_lost(struct bridges *b, const char *name, const char *alias)
{
	strv_push(b->k->a, &b->lost, name);
	strv_push(b->k->a, &b->lost, alias);
}

/* Of a `network connect` that was killed: the container is on the network, and no row says so. */
static void look_at_veth(struct bridges *b, const char *name)
{
	CLEANUP_STMT sqlite3_stmt *s = NULL;
	char id[11];
	int position, end = 0;
	if (sscanf(name, "ve%10[0-9a-f].%2d%n", id, &position, &end) == 2 && !name[end] &&
	    db_first(&b->k->en->db, &s, ERR_IGNORED,
		     "SELECT 1 FROM container WHERE substr(id, 1, 10) = ?1 AND NOT EXISTS (SELECT "
		     "1 FROM endpoint WHERE container = id AND position = ?2)",
		     "si", id, (int64_t)position) == 1) {
		check_tell(b->k, "device %s of a place on no network", name);
		note_lost(b, name, "");
	}
}

static void look_at_link(void *ctx, const char *name, const struct link_info *link)
{
	struct bridges *b = ctx;
	CLEANUP_STMT sqlite3_stmt *s = NULL;
	size_t len = strlen(b->kernel->table);
	if (!strcmp(link->kind, "veth"))
		look_at_veth(b, name);
	if (strcmp(link->kind, "bridge"))
		return;
	bool half = !*link->alias && link->group == b->kernel->mark;
	bool ours = !strncmp(link->alias, b->kernel->table, len) && link->alias[len] == ':';
	if (!half && (!ours || db_first(&b->k->en->db, &s, ERR_IGNORED,
					"SELECT 1 FROM network WHERE name = ?1", "s",
					link->alias + len + 1) != 0))
		return;
	check_tell(b->k, "bridge %s without a network", name);
	note_lost(b, name, link->alias);
}

static int has_row(struct engine *en, const char *query, const char *name, struct err *e)
{
	CLEANUP_STMT sqlite3_stmt *s = NULL;
	return db_first(&en->db, &s, e, query, "s", name);
}

static int check_networks(struct check *check, struct err *e)
{
	CLEANUP_NETWORK_KERNEL struct network_kernel k = NETWORK_KERNEL_CLOSED;
	struct engine *en = check->en;
	struct strv *problems = check->problems;
	if (!namespace_owns_network())
		return user_networks_mend(en, check->repair, check->a, problems, e);
	/* Where there has never been a network nothing is looked for. */
	int r = has_row(en, "SELECT 1 FROM network WHERE name = ?1", "bridge", e);
	if (r <= 0 || (r = network_kernel_open(en, &k, e)) < 0)
		return r;
	struct bridges b = {check, &k, {0}};
	size_t before = problems->count;
	/* Who makes one holds this lock until its row is there. */
	if ((r = db_begin(&en->db, true, e)) < 0)
		return r;
	r = link_list(&k.links, look_at_link, &b);
	if (r < 0)
		netlink_problem(&k.links, r, e, "cannot list network devices");
	for (size_t i = 0; r == 0 && check->repair && i + 1 < b.lost.count; i += 2)
		r = bridge_remove(&k.links, b.lost.items[i], b.lost.items[i + 1], e);
	if (r == 0 && check->repair)
		r = network_names_mend(en, e);
	r = db_end(&en->db, r, e);
	if (r == 0)
		r = networks_in_use(en, e);
	if (r == 1 && !firewall_is_whole(&k.nft, k.table))
		strv_push(check->a, problems,
			  arena_printf(check->a, "nftables table inet %s is not as hull made it",
				       k.table));
	if (r >= 0)
		r = endpoints_mend(en, false, check->a, problems, e);
	return r == 0 && check->repair && problems->count > before ? network_reload(en, e) : r;
}

/* A folder that is being made has its lock held by its maker. */
static bool in_the_making(int dirfd, const char *name)
{
	CLEANUP_FD int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0;
}

enum { YOUNG_NS = 2000000000 };

static bool is_young(int dirfd, const char *name)
{
	struct stat st;
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return true;
	int64_t made = (int64_t)st.st_ctim.tv_sec * 1000000000 + st.st_ctim.tv_nsec;
	int64_t age = clock_real_ns() - made;
	return age >= 0 && age < YOUNG_NS;
}

/* What the run folder says of one that lives needs no look at ages. */
static pid_t living(struct engine *en, const char *id)
{
	struct run_record run;
	return run_record_read(en, id, &run) == 0 && run_record_alive(&run) == 1 ? run.pid : 0;
}

bool check_was_ours(struct check *k, const char *id)
{
	CLEANUP_STMT sqlite3_stmt *s = NULL;
	return db_first(&k->en->db, &s, ERR_IGNORED,
			"SELECT 1 FROM event WHERE actor = ?1 AND type IN ('container', "
			"'network')",
			"s", id) == 1;
}

int check_is_left(struct check *k, const char *id, struct err *e)
{
	struct engine *en = k->en;
	int r = has_row(en, root_places[0].query, id, e);
	if (r != 0)
		return r < 0 ? r : 0;
	CLEANUP_FD int folders = dir_open(en->root_fd, "containers", e);
	CLEANUP_FD int runs = folders < 0 ? folders : dir_open(en->run_fd, "containers", e);
	if (runs < 0)
		return runs;
	if (in_the_making(folders, id) || living(en, id))
		return 0;
	return check_was_ours(k, id) || (!db_anew_is_older(en->root_fd, folders, id) &&
					 !db_anew_is_older(en->root_fd, runs, id));
}

void check_tell(struct check *k, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	strv_push(k->a, k->problems,
		  arena_printf(k->a, "%s%s", text, k->repair ? ": removed" : ""));
}

static void tell_kept(struct check *k, const char *text)
{
	strv_push(k->a, k->problems, text);
	k->kept++;
}

static void tell_foreign(struct check *k, const struct place *p, const char *name)
{
	pid_t pid = living(k->en, name);
	const char *runs = pid ? arena_printf(k->a, ", but it runs as process %d", (int)pid) : "";
	tell_kept(k,
		  pid && check_was_ours(k, name)
			  ? arena_printf(k->a,
					 "%s %s: the state store (" DB_FILE ") has lost it%s; it "
					 "is not removed: end that process, then check again",
					 p->what, name, runs)
			  : arena_printf(k->a,
					 "%s %s: the state store (" DB_FILE
					 ") does not know it, and is younger%s; it is not "
					 "removed: bring the store of that time back, or remove "
					 "it by hand",
					 p->what, name, runs));
}

/* Whose entry it is; NULL: nobody's. What is kept for an exit record, for a full disk, has a name
 * like a file that is being written. */
static const char *owner_of(const struct place *p, const char *name, struct arena *a)
{
	const char *id = name + (*name == '.');
	bool hex = strnlen(id, ID_LEN) == ID_LEN && id_is_hex(id, ID_LEN);
	if (*name == '.')
		return hex && !strcmp(p->folder, "exits") ? arena_printf(a, "%.*s", ID_LEN, id)
							  : NULL;
	return hex || strcmp(p->folder, "networks") ? name : NULL;
}

/* The entry @name, of @owner. */
static int check_entry(struct check *k, int dirfd, const struct place *p, const char *name,
		       const char *owner, struct err *e)
{
	struct engine *en = k->en;
	/* What is older than the store is of one that was lost, or is elsewhere. */
	if (db_anew_is_older(en->root_fd, dirfd, name) || living(en, owner)) {
		tell_foreign(k, p, owner);
		return 0;
	}
	/* It may have been completed between the two looks: a volume is under the lock. */
	int r = db_begin(&en->db, false, e);
	if (r == 0 && (r = has_row(en, p->query, owner, e)) == 0 && file_exists(dirfd, name)) {
		check_tell(k, "%s %s that does not exist", p->what, owner);
		r = k->repair ? limited_folder_remove(dirfd, name, e) : 0;
	}
	db_rollback(&en->db);
	return r < 0 ? r : 0;
}

/* Between a folder's first moment and its lock lie two system calls: what is young is looked at
 * until it is not, or is left to another time (@spare). */
static bool is_being_made(struct check *k, const struct place *p, int dirfd, const char *name,
			  const char *owner, bool spare)
{
	enum { NAPS = 100 };
	static const struct timespec nap = {.tv_nsec = YOUNG_NS / NAPS};
	struct err ignored;
	bool made = in_the_making(dirfd, name);
	for (int i = 0; !made && i < NAPS && is_young(dirfd, name); i++) {
		if (spare || !file_exists(dirfd, name) ||
		    has_row(k->en, p->query, owner, &ignored) != 0)
			return true;
		nanosleep(&nap, NULL);
		made = in_the_making(dirfd, name);
	}
	return made;
}

/* @spare: not what was made just now. */
static int check_place(struct check *k, int base, const struct place *p, bool spare, struct err *e)
{
	CLEANUP_FD int fd = openat(base, p->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_DIR DIR *d = fd < 0 ? NULL : fdopendir(fd);
	if (!d && errno == ENOENT)
		return 0;
	if (!d)
		return err_errno(e, errno, "cannot read the folder %s", p->folder);
	fd_steal(&fd);
	for (struct dirent *entry; (entry = readdir(d));) {
		const char *name = entry->d_name, *owner = owner_of(p, name, k->a);
		int r = owner ? has_row(k->en, p->query, owner, e) : 1;
		if (r == 0 && !is_being_made(k, p, dirfd(d), name, owner, spare))
			r = check_entry(k, dirfd(d), p, name, owner, e);
		if (r < 0)
			return r;
	}
	return 0;
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
	struct check k = {.en = en, .repair = true, .a = &a, .problems = &found};
	if (folder_count(en) > row_count(en))
		check_place(&k, en->root_fd, &root_places[0], true, ERR_IGNORED);
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
		if (container_read(en, ids.items[i], a, &c, ERR_IGNORED) < 0 ||
		    !c.config.hull.layer || build_lives(en, c.config.hull.layer))
			continue;
		strv_push(a, problems,
			  arena_printf(a, "container %s of a build that was killed%s", c.name,
				       repair ? ": removed" : ""));
		r = repair ? container_remove(en, c.id, REMOVE_FORCE, e) : 0;
		r = r == -ENOENT ? 0 : r;
	}
	return r < 0 ? r : 0;
}

static int check_table(struct check *k, const char *name, struct err *e)
{
	struct strv found = {0};
	int r = db_list(&k->en->db, k->a, &found, e,
			arena_printf(k->a, "PRAGMA integrity_check(%s)", name), "");
	if (r < 0 || (found.count == 1 && !strcmp(found.items[0], "ok")))
		return r < 0 ? r : 0;
	err_set(e, EIO, ERR_SYSTEM, "state store: " DB_FILE " is damaged: %.200s",
		found.count ? found.items[0] : "it cannot be checked");
	return err_hint(e, "nothing was removed; restore the file from a backup, or move it aside");
}

/* A row that cannot be found looks like one that is not there: then nothing may be removed. Not all
 * tables at once: SQLite 3.40 finds NULL where there is none in those without a rowid whose columns
 * are not in the order of their key. */
static int check_store(struct check *k, struct err *e)
{
	static const char *const tables[] = {"container", "volume",      "network", "secret",
					     "image",     "image_layer", "layer"};
	int r = 0;
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(tables); i++)
		r = check_table(k, tables[i], e);
	return r;
}

static int check_builds(struct check *k, struct err *e)
{
	return engine_sweep_builds(k->en, k->repair, k->a, k->problems, e);
}

/* Somebody removed its folder: it has no layer, and no log. */
static int check_container(struct check *k, const char *id, struct err *e)
{
	char path[sizeof("containers/") + ID_LEN];
	struct container c;
	snprintf(path, sizeof(path), "containers/%s", id);
	if (file_exists(k->en->root_fd, path))
		return 0;
	int r = container_glance(k->en, id, k->a, &c, e);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	/* Somebody is about to remove its row, too. */
	if (c.status == CONTAINER_REMOVING || exit_record_pending(k->en, id))
		return 0;
	if (living(k->en, id)) {
		tell_kept(k,
			  arena_printf(k->a,
				       "container %s: its folder is gone, but it runs: hull rm -f "
				       "%s removes it",
				       c.name, c.name));
		return 0;
	}
	check_tell(k, "container %s: its folder is gone", c.name);
	return k->repair ? container_remove(k->en, id, REMOVE_FORCE, e) : 0;
}

/* What was in it is lost; containers start on it again. */
static int check_volume(struct check *k, const char *name, struct err *e)
{
	struct kvs options = {0};
	if (file_exists(k->en->root_fd, arena_printf(k->a, "volumes/%s/_data", name)))
		return 0;
	int r = db_begin(&k->en->db, true, e);
	if (r == 0 && (r = has_row(k->en, root_places[1].query, name, e)) > 0) {
		strv_push(k->a, k->problems,
			  arena_printf(k->a, "volume %s: its folder is gone%s", name,
				       k->repair ? ": made anew, empty" : ""));
		r = volume_options(k->en, name, NULL, k->a, &options, e);
		if (r >= 0 && k->repair)
			r = volume_folder_make(k->en, name, volume_size_limit(&options), e);
	}
	return db_end(&k->en->db, r, e);
}

/* Nothing can be done with it any more. One that is being removed has its row for a moment more:
 * that is waited for. */
static int check_secret(struct check *k, const char *id, struct err *e)
{
	if (file_exists(k->en->root_fd, arena_printf(k->a, "secrets/%s", id)))
		return 0;
	int r = db_begin(&k->en->db, true, e);
	if (r < 0)
		return r;
	const int has = has_row(k->en, root_places[2].query, id, e);
	r = db_end(&k->en->db, has < 0 ? has : 0, e);
	if (r < 0 || !has)
		return r;
	check_tell(k, "secret %s: its file is gone", id);
	return k->repair ? secret_remove(k->en, id, e) : 0;
}

static int check_rows(struct check *k, struct err *e)
{
	struct strv ids = {0}, volumes = {0}, secrets = {0};
	int r = db_list(&k->en->db, k->a, &ids, e, "SELECT id FROM container", "");
	if (r >= 0)
		r = db_list(&k->en->db, k->a, &volumes, e, "SELECT name FROM volume", "");
	if (r >= 0)
		r = db_list(&k->en->db, k->a, &secrets, e, "SELECT id FROM secret", "");
	if (r >= 0 && ids.count > 1 && dir_is_empty(k->en->root_fd, "containers")) {
		tell_kept(k,
			  arena_printf(k->a,
				       "containers: the folders of all %zu are gone, so nothing is "
				       "removed: is a file system not mounted at %s/containers?",
				       ids.count, k->en->root));
		ids.count = 0;
	}
	for (size_t i = 0; r >= 0 && i < ids.count; i++)
		r = check_container(k, ids.items[i], e);
	for (size_t i = 0; r >= 0 && i < volumes.count; i++)
		r = check_volume(k, volumes.items[i], e);
	for (size_t i = 0; r >= 0 && i < secrets.count; i++)
		r = check_secret(k, secrets.items[i], e);
	return r;
}

static int check_folders(struct check *k, struct err *e)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(root_places); i++)
		r = check_place(k, k->en->root_fd, &root_places[i], false, e);
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(run_places); i++)
		r = check_place(k, k->en->run_fd, &run_places[i], false, e);
	return r;
}

static int check_quotas(struct check *k, struct err *e)
{
	int r = layer_check(k->en, k->repair, k->a, k->problems);
	return r < 0 ? err_errno(e, r, "cannot give back a quota") : 0;
}

static int check_images(struct check *k, struct err *e)
{
	int r = k->repair ? image_store_sweep(&k->en->images, e) : 0;
	if (r >= 0)
		r = image_store_check(&k->en->images, k->repair, k->a, k->problems, e);
	k->kept += r > 0 ? r : 0;
	return r;
}

/* In this order: who holds something goes before what he holds, and what lies in a folder before
 * it.
 */
static int (*const checks[])(struct check *k, struct err *e) = {
	check_builds, check_rows,    check_processes, check_groups,   check_mounts,
	check_loops,  check_folders, check_quotas,    check_networks, check_images,
};

/* A path as /proc has it, whatever symbolic links the user gave. */
static int real_path(int fd, char buf[static PATH_MAX], struct err *e)
{
	char link[32];
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, buf, PATH_MAX - 1);
	buf[n > 0 ? n : 0] = '\0';
	return n < 0 ? err_errno(e, errno, "cannot read %s", link) : 0;
}

int engine_check(struct engine *en, bool repair, struct arena *a, struct strv *problems,
		 struct err *e)
{
	struct check k = {.en = en, .repair = repair, .a = a, .problems = problems};
	int r = check_store(&k, e);
	if (r == 0)
		r = engine_reap(en, NULL, e);
	if (r == 0)
		r = real_path(en->root_fd, k.root, e);
	if (r == 0)
		r = real_path(en->run_fd, k.run, e);
	for (size_t i = 0; r >= 0 && i < ARRAY_LEN(checks); i++)
		r = checks[i](&k, e);
	return r < 0 ? r : k.kept;
}
