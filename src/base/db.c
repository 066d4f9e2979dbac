/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state store. Rests on SQLite in WAL mode (sqlite.org/wal.html) and flock(2).
 * Invariant: a write transaction is open only while the lock file is locked. Read db.h first.
 */
#include "base/db.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/db_memory.h"
#include "base/db_room.h"
#include "base/schema.sql.h"

#define FREE_SPACE                                                                                 \
	"hull system df shows what takes room; hull rm, hull rmi and hull system prune free it, "  \
	"or move the state with --root"

static int db_error(sqlite3 *sql, struct err *e, const char *what)
{
	static const struct {
		int code, number;
		enum err_kind kind;
	} table[] = {
		{SQLITE_CONSTRAINT_UNIQUE, EEXIST, ERR_CONFLICT},
		{SQLITE_CONSTRAINT_PRIMARYKEY, EEXIST, ERR_CONFLICT},
		{SQLITE_CONSTRAINT_FOREIGNKEY, EBUSY, ERR_CONFLICT},
		{SQLITE_FULL, ENOSPC, ERR_SYSTEM},
		{SQLITE_IOERR_SHMSIZE, ENOSPC, ERR_SYSTEM},
		{SQLITE_NOMEM, ENOMEM, ERR_SYSTEM},
		{SQLITE_READONLY, EROFS, ERR_SYSTEM},
	};
	int code = sqlite3_extended_errcode(sql);
	int r = 0;
	for (size_t i = 0; r == 0 && i < sizeof(table) / sizeof(table[0]); i++)
		if (code == table[i].code || (code & 0xff) == table[i].code)
			r = err_set(e, table[i].number, table[i].kind, "state store: %s: %s", what,
				    sqlite3_errmsg(sql));
	int why = sqlite3_system_errno(sql);
	if (r == 0)
		r = err_set(e, why ? why : EIO, why ? ERR_SYSTEM : ERR_INTERNAL,
			    "state store: %s: %s%s%s", what, sqlite3_errmsg(sql), why ? ": " : "",
			    why ? err_errno_text(why) : "");
	if (r == -ENOSPC)
		err_hint(e, FREE_SPACE);
	if ((code & 0xff) == SQLITE_READONLY)
		err_hint(e, "a file hull.db* below --root could not be opened for writing");
	if ((code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB)
		err_hint(e,
			 "the disk cannot be read (see dmesg), or the file hull.db below --root is "
			 "damaged: restore it from a backup, or move it aside to begin anew");
	return r;
}

/* @what it is for, in messages. */
static int db_exec(struct db *db, const char *sql, const char *what, struct err *e)
{
	bool ok = sqlite3_exec(db->sql, sql, NULL, NULL, NULL) == SQLITE_OK;
	return ok ? 0 : db_error(db->sql, e, what);
}

static int schema_version(struct db *db, int64_t *ret, struct err *e)
{
	CLEANUP_STMT sqlite3_stmt *s = NULL;
	int r = db_first(db, &s, e, "PRAGMA user_version", "");
	if (r < 0)
		return r;
	*ret = db_int(s, 0);
	return 0;
}

static int writers_lock(struct db *db, struct err *e)
{
	int r = TEMP_FAILURE_RETRY(flock(db->lock_fd, LOCK_EX));
	if (r < 0)
		return err_errno(e, errno, "cannot lock the state store");
	db->locked = true;
	return 0;
}

static void writers_unlock(struct db *db)
{
	if (db->locked)
		flock(db->lock_fd, LOCK_UN);
	db->locked = false;
}

static int schema_install(struct db *db, struct err *e)
{
	static const char *const upgrades[SCHEMA_VERSION - 1] = SCHEMA_UPGRADES;
	int64_t version = 0;
	char done[64];
	int r = schema_version(db, &version, e);
	if (r < 0 || version == SCHEMA_VERSION)
		return r;
	if (version > SCHEMA_VERSION)
		return err_set(
			e, ENOTSUP, ERR_SYSTEM,
			"the state below --root was written by a newer hull (schema %lld, this "
			"one knows %d)",
			(long long)version, SCHEMA_VERSION);
	/* Properties of the file, set once, before the first transaction, by one at a time: SQLite
	 * does not wait for a lock in this. Small pages, because every command that opens the store
	 * alone reads the whole log (see checkpoint). */
	if ((r = writers_lock(db, e)) < 0)
		return r;
	if (!version)
		r = db_exec(db, "PRAGMA page_size=1024; PRAGMA journal_mode=WAL", "open", e);
	writers_unlock(db);
	if (r < 0 || (r = db_begin(db, true, e)) < 0)
		return r;
	/* Another process may have made the tables while this one waited for the lock. */
	r = schema_version(db, &version, e);
	db->made = r == 0 && !version;
	if (db->made)
		r = db_exec(db, SCHEMA_SQL, "open", e);
	for (int64_t v = version; r == 0 && v && v < SCHEMA_VERSION; v++)
		r = db_exec(db, upgrades[v - 1], "open", e);
	snprintf(done, sizeof(done), "PRAGMA user_version=%d", SCHEMA_VERSION);
	if (r == 0 && version < SCHEMA_VERSION)
		r = db_exec(db, done, "open", e);
	return db_end(db, r, e);
}

enum {
	PAGE_SIZE_STORE = 1024,
	BUSY_MS = 30000,
	WAL_TIDY = 128,    /* pages from which a background command brings them in */
	WAL_DURABLE = 512, /* from which one does that waits for the disk anyway */
	WAL_MAX = 4000,    /* from which any does */
};

static const char *log_path(sqlite3 *sql)
{
	return sqlite3_filename_wal(sqlite3_db_filename(sql, "main"));
}

/* TRUNCATE, because a lesser checkpoint is forgotten: the next to open the store alone rebuilds the
 * log's index and takes every page still in it for new. But where the disk is nearly full the log
 * keeps its blocks, for the next commits. It is given up at once if someone reads. */
static void checkpoint(struct db *db)
{
	bool plenty = db_room_is_plenty(db->lock_fd);
	sqlite3_busy_timeout(db->sql, 0);
	sqlite3_wal_checkpoint_v2(db->sql, NULL,
				  plenty ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_RESTART,
				  NULL, NULL);
	sqlite3_busy_timeout(db->sql, BUSY_MS);
	db_room_reserve(log_path(db->sql));
}

static int after_commit(void *ctx, sqlite3 *sql, const char *name, int pages)
{
	struct db *db = ctx;
	if (pages / WAL_TIDY > db->wal_pages / WAL_TIDY)
		db->untidy = true;
	db->wal_pages = pages;
	if (pages >= (db->durable ? WAL_DURABLE : WAL_MAX))
		checkpoint(db);
	return SQLITE_OK;
}

/* The log's file shrinks only by a checkpoint that truncates it: its size tells its pages. */
static int log_pages(sqlite3 *sql)
{
	enum { FRAME = PAGE_SIZE_STORE + 24 };
	struct stat st;
	return stat(log_path(sql), &st) == 0 ? (int)(st.st_size / FRAME) : 0;
}

void db_checkpoint(struct db *db)
{
	if (!db->sql || log_pages(db->sql) < WAL_TIDY || flock(db->lock_fd, LOCK_EX | LOCK_NB) < 0)
		return;
	checkpoint(db);
	flock(db->lock_fd, LOCK_UN);
}

/* Whoever finds this byte unlocked is the first to open the store and rebuilds the index of its
 * log: UNIX_SHM_DMS of SQLite's os_unix.c, part of its file format (sqlite.org/walformat.html). */
int db_hold_index(int root_fd)
{
	struct flock first = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 128, .l_len = 1};
	int fd = openat(root_fd, "hull.db-shm", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fcntl(fd, F_OFD_SETLK, &first) == 0)
		return fd < 0 ? -errno : fd;
	int r = -errno;
	close(fd);
	return r;
}

/* ---- statements that were given back ---- */

/* To prepare one takes longer than most take to run, and a list runs the same for each container.
 * Whose turn was longest ago is the first. */
enum { KEPT_MAX = 16 };
static struct {
	size_t count;
	sqlite3_stmt *items[KEPT_MAX];
} kept;

static sqlite3_stmt *remove_kept(size_t i)
{
	sqlite3_stmt *s = kept.items[i];
	memmove(&kept.items[i], &kept.items[i + 1], (--kept.count - i) * sizeof(*kept.items));
	return s;
}

static sqlite3_stmt *take_kept(sqlite3 *sql, const char *text)
{
	for (size_t i = kept.count; i-- > 0;)
		if (sqlite3_db_handle(kept.items[i]) == sql &&
		    !strcmp(sqlite3_sql(kept.items[i]), text))
			return remove_kept(i);
	return NULL;
}

static void drop_kept(const sqlite3 *sql)
{
	for (size_t i = kept.count; i-- > 0;)
		if (sqlite3_db_handle(kept.items[i]) == sql)
			sqlite3_finalize(remove_kept(i));
}

void db_give_back(sqlite3_stmt *s)
{
	if (!s)
		return;
	sqlite3_reset(s);
	sqlite3_clear_bindings(s);
	if (kept.count == KEPT_MAX)
		sqlite3_finalize(remove_kept(0));
	kept.items[kept.count++] = s;
}

/* ---- opening and closing ---- */

/* One thread, and nobody who asks for statistics: no mutexes and counters in every allocation. */
static void configure_library(void)
{
	sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	db_memory_configure();
	db_room_keep_files();
}

void db_close(struct db *db)
{
	if (db->sql) {
		db_rollback(db);
		drop_kept(db->sql);
		sqlite3_close_v2(db->sql);
	}
	if (db->lock_fd >= 0)
		close(db->lock_fd);
	*db = (struct db){.lock_fd = -1};
}

static int open_lock(struct db *db, const char *root, struct err *e)
{
	char path[4096];
	if (snprintf(path, sizeof(path), "%s/hull.lock", root) >= (int)sizeof(path))
		return err_set(e, ENAMETOOLONG, ERR_INVALID, "--root %s: path is too long", root);
	db->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (db->lock_fd < 0 && errno == EROFS)
		db->lock_fd = open(path, O_RDONLY | O_CLOEXEC);
	return db->lock_fd < 0 ? err_errno(e, errno, "cannot open %s", path) : 0;
}

/* Whatever forbids to write, SQLite makes do with reading (its unixOpen), which a command would
 * notice only half-way. What passes, as want of memory, is over with the second try. */
static int open_file(struct db *db, const char *path, struct err *e)
{
	const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
	for (int tries = 0; tries < 2; tries++) {
		sqlite3_close_v2(db->sql);
		db->sql = NULL;
		if (sqlite3_open_v2(path, &db->sql, flags, NULL) != SQLITE_OK)
			return db_error(db->sql, e, path);
		if (sqlite3_db_readonly(db->sql, "main") != 1)
			return 0;
		if (faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) < 0)
			break;
		errno = EAGAIN;
	}
	if (errno != EROFS)
		return err_errno(e, errno, "cannot write %s", path);
	err_set(e, EROFS, ERR_SYSTEM, "cannot write %s: its file system is read-only", path);
	return err_hint(
		e, "what is in it can be looked at; to change it mount it for writing, or choose "
		   "another folder with --root");
}

static int open_writable(struct db *db, const char *root, struct err *e)
{
	char path[4096];
	snprintf(path, sizeof(path), "%s/" DB_FILE, root);
	db_room_reserve(path);
	int r = open_file(db, path, e);
	if (r < 0)
		return r;
	/* Every command is the last to close: a checkpoint then would cost an fsync each. */
	int on = 1;
	sqlite3_file_control(db->sql, NULL, SQLITE_FCNTL_PERSIST_WAL, &on);
	sqlite3_db_config(db->sql, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	sqlite3_wal_hook(db->sql, after_commit, db);
	sqlite3_busy_timeout(db->sql, BUSY_MS);
	sqlite3_extended_result_codes(db->sql, 1);
	sqlite3_db_config(db->sql, SQLITE_DBCONFIG_ENABLE_FKEY, 1, NULL);
	r = schema_install(db, e);
	if (r == 0)
		db_room_reserve(log_path(db->sql));
	return r;
}

/* "file:/var/lib/hull/hull.db?...": what a URI would not take for a path is escaped. */
static void put_uri(char *to, size_t size, const char *root)
{
	size_t used = (size_t)snprintf(to, size, "file:");
	for (; *root && used < size; root++)
		used += (size_t)snprintf(to + used, size - used,
					 strchr("%?#", *root) ? "%%%02x" : "%c",
					 (unsigned char)*root);
	if (used < size)
		snprintf(to + used, size - used, "/hull.db?readonly_shm=1");
}

/* Nothing is written, not even the index of the log, which is made in memory where nobody keeps it
 * (sqlite.org/wal.html#readonly). */
static int open_readable(struct db *db, const char *root, struct err *e)
{
	char uri[4096 * 3 + 64];
	int64_t version = 0;
	put_uri(uri, sizeof(uri), root);
	if (sqlite3_open_v2(uri, &db->sql,
			    SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX,
			    NULL) != SQLITE_OK)
		return db_error(db->sql, e, uri);
	sqlite3_busy_timeout(db->sql, BUSY_MS);
	sqlite3_extended_result_codes(db->sql, 1);
	int r = schema_version(db, &version, e);
	return r == 0 && version != SCHEMA_VERSION ? -ENOTSUP : r;
}

int db_open(struct db *db, const char *root, struct err *e)
{
	configure_library();
	*db = (struct db){.lock_fd = -1, .durable = true}; /* SQLite's default */
	int r = open_lock(db, root, e);
	if (r == 0)
		r = open_writable(db, root, e);
	if (r == -ENOSPC || r == -EDQUOT || r == -EROFS) {
		if (db->sql)
			drop_kept(db->sql);
		sqlite3_close_v2(db->sql);
		db->sql = NULL;
		db->refused = *e;
		if (open_readable(db, root, ERR_IGNORED) == 0)
			return 0;
	}
	if (r < 0)
		db_close(db);
	return r;
}

/* ---- transactions ---- */

int db_begin(struct db *db, bool durable, struct err *e)
{
	assert(!db->locked);
	if (db->refused.number) {
		*e = db->refused;
		return -e->number;
	}
	int r = writers_lock(db, e);
	if (r < 0)
		return r;
	if (db_room_is_short(db->lock_fd))
		checkpoint(db); /* so that what the log has is used again */
	if (durable != db->durable)
		r = db_exec(db, durable ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL",
			    "begin", e);
	db->durable = durable;
	if (r == 0)
		r = db_exec(db, "BEGIN IMMEDIATE", "begin", e);
	if (r < 0)
		writers_unlock(db);
	db->wal_pages = log_pages(db->sql);
	return r;
}

int db_begin_addition(struct db *db, bool durable, struct err *e)
{
	if (!db_room_is_short(db->lock_fd))
		return db_begin(db, durable, e);
	err_set(e, ENOSPC, ERR_SYSTEM,
		"the disk of --root is full: what is left of it is for removing something");
	return err_hint(e, FREE_SPACE);
}

int db_view_begin(struct db *db, struct err *e)
{
	assert(!db->locked);
	return db_exec(db, "BEGIN", "begin", e);
}

void db_view_end(struct db *db)
{
	sqlite3_exec(db->sql, "ROLLBACK", NULL, NULL, NULL);
}

/* A commit whose fsync failed lies complete in the log: whoever rebuilds its index would take it
 * for good. The next transaction is written over it; this one changes nothing. */
static void disown_commit(struct db *db)
{
	sqlite3_exec(db->sql, "ROLLBACK", NULL, NULL, NULL);
	sqlite3_exec(db->sql,
		     "PRAGMA synchronous=OFF; BEGIN IMMEDIATE; PRAGMA application_id=0; COMMIT;"
		     "PRAGMA synchronous=FULL",
		     NULL, NULL, NULL);
	db->durable = true;
}

void db_rollback(struct db *db)
{
	if (!db->locked)
		return;
	sqlite3_exec(db->sql, "ROLLBACK", NULL, NULL, NULL);
	writers_unlock(db);
}

int db_end(struct db *db, int r, struct err *e)
{
	assert(db->locked);
	if (r >= 0 && (r = db_exec(db, "COMMIT", "commit", e)) < 0)
		disown_commit(db);
	if (r < 0)
		db_rollback(db);
	writers_unlock(db);
	return r;
}

static int db_bind(sqlite3_stmt *s, const char *types, va_list ap)
{
	for (int i = 1; *types; types++, i++) {
		int r;
		if (*types == 'i') {
			r = sqlite3_bind_int64(s, i, va_arg(ap, int64_t));
		} else {
			assert(*types == 's');
			r = sqlite3_bind_text(s, i, va_arg(ap, const char *), -1, SQLITE_TRANSIENT);
		}
		if (r != SQLITE_OK)
			return r;
	}
	return SQLITE_OK;
}

static int db_vquery(struct db *db, sqlite3_stmt **ret, struct err *e, const char *sql,
		     const char *types, va_list ap)
{
	sqlite3_stmt *s = take_kept(db->sql, sql);
	if ((!s && sqlite3_prepare_v2(db->sql, sql, -1, &s, NULL) != SQLITE_OK) ||
	    db_bind(s, types, ap) != SQLITE_OK) {
		int r = db_error(db->sql, e, "query");
		sqlite3_finalize(s);
		return r;
	}
	*ret = s;
	return 0;
}

void db_expect(struct db *db, const char *sql)
{
	sqlite3_stmt *s = take_kept(db->sql, sql);
	if (s || sqlite3_prepare_v2(db->sql, sql, -1, &s, NULL) == SQLITE_OK)
		db_give_back(s);
}

int db_query(struct db *db, sqlite3_stmt **ret, struct err *e, const char *sql, const char *types,
	     ...)
{
	va_list ap;
	va_start(ap, types);
	int r = db_vquery(db, ret, e, sql, types, ap);
	va_end(ap);
	return r;
}

int db_next(sqlite3_stmt *s, struct err *e)
{
	int r = sqlite3_step(s);
	if (r == SQLITE_ROW)
		return 1;
	return r == SQLITE_DONE ? 0 : db_error(sqlite3_db_handle(s), e, "query");
}

int db_first(struct db *db, sqlite3_stmt **ret, struct err *e, const char *sql, const char *types,
	     ...)
{
	va_list ap;
	va_start(ap, types);
	int r = db_vquery(db, ret, e, sql, types, ap);
	va_end(ap);
	return r < 0 ? r : db_next(*ret, e);
}

int db_list(struct db *db, struct arena *a, struct strv *ret, struct err *e, const char *sql,
	    const char *types, ...)
{
	CLEANUP_STMT sqlite3_stmt *s = NULL;
	va_list ap;
	va_start(ap, types);
	int r = db_vquery(db, &s, e, sql, types, ap);
	va_end(ap);
	while (r >= 0 && (r = db_next(s, e)) == 1)
		strv_push(a, ret, db_text(s, 0));
	return r;
}

static int db_vrun(struct db *db, struct err *e, const char *sql, const char *types, va_list ap)
{
	CLEANUP_STMT sqlite3_stmt *s = NULL;
	int r = db_vquery(db, &s, e, sql, types, ap);
	if (r == 0)
		r = db_next(s, e);
	return r < 0 ? r : sqlite3_changes(db->sql);
}

int db_run(struct db *db, struct err *e, const char *sql, const char *types, ...)
{
	va_list ap;
	va_start(ap, types);
	int r = db_vrun(db, e, sql, types, ap);
	va_end(ap);
	return r;
}

int db_change(struct db *db, bool durable, struct err *e, const char *sql, const char *types, ...)
{
	va_list ap;
	int r = db_begin(db, durable, e);
	if (r < 0)
		return r;
	va_start(ap, types);
	r = db_vrun(db, e, sql, types, ap);
	va_end(ap);
	return db_end(db, r, e);
}

const char *db_text(sqlite3_stmt *s, int column)
{
	return (const char *)sqlite3_column_text(s, column);
}

int64_t db_int(sqlite3_stmt *s, int column)
{
	return sqlite3_column_int64(s, column);
}
