/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state store: one SQLite database below --root, write-ahead logged.
 *
 * Readers never wait. Writers queue on a flock(2) of the lock file, where the kernel wakes them in
 * turn, instead of SQLite's polling. A transaction is `durable` when the user may rely on it after
 * a power cut (what he created), and not when its object dies with the container.
 *
 * Where it cannot be written (a full disk, a read-only file system) it is opened for reading alone:
 * queries work, and each transaction is refused with the reason.
 *
 * The tables are in schema.sql.h, commented. Statements take their values by a type string:
 * 's' const char * (NULL becomes NULL), 'i' int64_t (pass exactly that type), as in
 *   db_run(db, e, "UPDATE container SET name = ?1 WHERE id = ?2", "ss", name, id)
 */
#pragma once

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

#define DB_FILE "hull.db" /* in --root */

struct db {
	sqlite3 *sql;
	int lock_fd; /* flock'ed while a transaction is open */
	bool locked, durable;
	bool made;          /* just now, by us */
	struct err refused; /* .number: opened for reading alone, and why */
	int wal_pages;      /* in the log, at the beginning or after our last commit */
	/* Of all commands' commits, one of ours filled up another WAL_TIDY pages of the log: it is
	 * for us to have it tidied. (If all that see it long did, many would try, none succeed.) */
	bool untidy;
};

/** Open (and make or upgrade) the database in the folder @root, for reading alone where it cannot
 * be written. The caller closes it. */
int db_open(struct db *db, const char *root, struct err *e);
void db_close(struct db *db);

/** Take the writers' lock and begin. Waits for other writers without polling. */
int db_begin(struct db *db, bool durable, struct err *e);
/** The same for what takes room. -ENOSPC on a disk so full that what is left is for removals. */
int db_begin_addition(struct db *db, bool durable, struct err *e);
/** What is read until db_view_end() is of one moment; nothing is written in between. */
int db_view_begin(struct db *db, struct err *e);
void db_view_end(struct db *db);
/** Undo and unlock; without an open transaction it does nothing. */
void db_rollback(struct db *db);
/** End the transaction: commit if @r, what was done in it came to, is no error; else undo. Returns
 * 0, or @r or the commit's error. */
int db_end(struct db *db, int r, struct err *e);
/** One statement as a transaction of its own. Returns 0, or negative errno as db_run(). */
int db_change(struct db *db, bool durable, struct err *e, const char *sql, const char *types, ...);

/** Bring the log into the database file if it has grown: two fsyncs, so only where nobody waits.
 * The first to open the store reads the whole log; a short one keeps every command's start short.
 */
void db_checkpoint(struct db *db);

/** A descriptor that spares the commands the reading of the log when they open the store below
 * @root_fd, for as long as any process has it open; or negative errno. Not for the process that has
 * the store open: to close it there would give up SQLite's locks (fcntl(2), F_SETLK). */
int db_hold_index(int root_fd);

/** Run one statement that returns no row. Returns the number of rows changed, or negative errno:
 *  -EEXIST for a broken UNIQUE or PRIMARY KEY, -EBUSY for a broken FOREIGN KEY. */
int db_run(struct db *db, struct err *e, const char *sql, const char *types, ...);
/** Prepare a query. The caller gives it back (CLEANUP_STMT): the next query of that text is quick.
 */
int db_query(struct db *db, sqlite3_stmt **ret, struct err *e, const char *sql, const char *types,
	     ...);
/** The same, and its first row. 1: there is one, 0: there is none, negative errno: @e is filled. */
int db_first(struct db *db, sqlite3_stmt **ret, struct err *e, const char *sql, const char *types,
	     ...);
/** Append the first column of all rows to @ret. */
int db_list(struct db *db, struct arena *a, struct strv *ret, struct err *e, const char *sql,
	    const char *types, ...);
/** 1: a row, 0: no more, negative errno: @e is filled. */
int db_next(sqlite3_stmt *s, struct err *e);
/** Column as text; valid until the next db_next. NULL stays NULL. */
const char *db_text(sqlite3_stmt *s, int column);
int64_t db_int(sqlite3_stmt *s, int column);

void db_give_back(sqlite3_stmt *s);
/** Prepare @sql ahead, while there is nothing else to do: the next query of that text is quick. */
void db_expect(struct db *db, const char *sql);
static inline void cleanup_stmt(sqlite3_stmt **s)
{
	db_give_back(*s);
}
#define CLEANUP_STMT __attribute__((cleanup(cleanup_stmt)))
