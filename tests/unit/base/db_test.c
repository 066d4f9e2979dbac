/* SPDX-License-Identifier: Apache-2.0 */
/* The state store: constraints, transactions, and writers that queue. */
#include "tests/unit/unit.h"

#include "base/db.h"

static const char insert_layer[] = "INSERT INTO layer VALUES (?1, ?2, 0)";

static int add_layer(struct db *db, const char *id, struct err *e)
{
	return db_run(db, e, insert_layer, "si", id, INT64_C(1));
}

static int64_t count(struct db *db, const char *sql)
{
	struct err e;
	CLEANUP_STMT sqlite3_stmt *s = NULL;
	assert_int_equal(db_query(db, &s, &e, sql, ""), 0);
	assert_int_equal(db_next(s, &e), 1);
	return db_int(s, 0);
}

static void rows_come_and_go(void **state)
{
	struct scratch *t = *state;
	struct db db;
	struct err e;
	assert_int_equal(db_open(&db, t->path, &e), 0);
	assert_int_equal(db_begin(&db, true, &e), 0);
	assert_int_equal(add_layer(&db, "a", &e), 1);
	assert_int_equal(add_layer(&db, "b", &e), 1);
	assert_int_equal(db_end(&db, 0, &e), 0);
	db_close(&db);

	assert_int_equal(db_open(&db, t->path, &e), 0);
	CLEANUP_STMT sqlite3_stmt *s = NULL;
	assert_int_equal(db_query(&db, &s, &e,
				  "SELECT diff_id, size, NULL FROM layer WHERE diff_id > ?1 "
				  "ORDER BY diff_id",
				  "s", "a"),
			 0);
	assert_int_equal(db_next(s, &e), 1);
	assert_string_equal(db_text(s, 0), "b");
	assert_int_equal(db_int(s, 1), 1);
	assert_null(db_text(s, 2));
	assert_int_equal(db_next(s, &e), 0);
	sqlite3_finalize(s);
	s = NULL;
	assert_int_equal(db_begin(&db, false, &e), 0);
	assert_int_equal(db_run(&db, &e, "DELETE FROM layer", ""), 2);
	db_rollback(&db);
	db_rollback(&db);
	assert_int_equal(count(&db, "SELECT count(*) FROM layer"), 2);
	db_close(&db);
}

static void constraints_have_their_errno(void **state)
{
	struct scratch *t = *state;
	struct db db;
	struct err e;
	assert_int_equal(db_open(&db, t->path, &e), 0);
	assert_int_equal(db_begin(&db, false, &e), 0);
	assert_int_equal(add_layer(&db, "a", &e), 1);
	assert_int_equal(add_layer(&db, "a", &e), -EEXIST);
	assert_int_equal(e.kind, ERR_CONFLICT);
	assert_int_equal(db_run(&db, &e, "INSERT INTO image_layer VALUES ('none', 0, 'a')", ""),
			 -EBUSY);
	assert_true(db_run(&db, &e, insert_layer, "si", NULL, INT64_C(1)) < 0);
	assert_int_equal(db_run(&db, &e, "UPDATE layer SET size = ?1", "i", INT64_MAX), 1);
	assert_int_equal(db_run(&db, &e, "no SQL at all", ""), -EIO);
	assert_int_equal(e.kind, ERR_INTERNAL);
	assert_int_equal(db_end(&db, 0, &e), 0);
	db_close(&db);
}

static void a_damaged_file_says_so(void **state)
{
	struct scratch *t = *state;
	struct db db;
	struct err e;
	char garbage[8192];
	memset(garbage, 'g', sizeof(garbage) - 1);
	garbage[sizeof(garbage) - 1] = '\0';
	put_file(t->fd, "hull.db", garbage);
	assert_true(db_open(&db, t->path, &e) < 0);
	assert_non_null(strstr(e.hint, "hull.db"));
	db_close(&db);
}

static void a_newer_schema_is_refused(void **state)
{
	struct scratch *t = *state;
	struct db db;
	struct err e;
	assert_int_equal(db_open(&db, t->path, &e), 0);
	assert_int_equal(db_run(&db, &e, "PRAGMA user_version = 9999", ""), 0);
	db_close(&db);
	assert_int_equal(db_open(&db, t->path, &e), -ENOTSUP);
	assert_non_null(strstr(e.text, "9999"));
	assert_int_equal(db_open(&db, "/nonexistent/root", &e), -ENOENT);
}

enum { WRITERS = 6, ROUNDS = 60 };

/* Each writer reads a number and writes one more: a lost update would show. */
static int writer(const char *root)
{
	struct db db;
	struct err e;
	if (db_open(&db, root, &e) < 0)
		return 1;
	for (int i = 0; i < ROUNDS; i++) {
		if (db_begin(&db, i % 2, &e) < 0)
			return 2;
		int64_t value = count(&db, "SELECT size FROM layer WHERE diff_id = 'n'");
		if (db_run(&db, &e, "UPDATE layer SET size = ?1", "i", value + 1) != 1)
			return 3;
		if (i % 10 == 9) {
			db_rollback(&db);
			continue;
		}
		if (db_end(&db, 0, &e) < 0)
			return 4;
	}
	db_close(&db);
	return 0;
}

static void writers_queue(void **state)
{
	struct scratch *t = *state;
	struct db db;
	struct err e;
	pid_t pids[WRITERS];
	int status;
	assert_int_equal(db_open(&db, t->path, &e), 0);
	assert_int_equal(add_layer(&db, "n", &e), 1);
	assert_int_equal(db_run(&db, &e, "UPDATE layer SET size = 0", ""), 1);
	db_close(&db);
	for (int i = 0; i < WRITERS; i++)
		if (!(pids[i] = fork()))
			_exit(writer(t->path));
	for (int i = 0; i < WRITERS; i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(db_open(&db, t->path, &e), 0);
	assert_int_equal(count(&db, "SELECT size FROM layer"), WRITERS * ROUNDS * 9 / 10);
	db_close(&db);
}

/* Many first commands on an empty root at once: one makes the tables, none fails. */
static void many_open_an_empty_root(void **state)
{
	struct scratch *t = *state;
	pid_t pids[12];
	int status;
	for (int i = 0; i < 12; i++) {
		if (!(pids[i] = fork())) {
			struct db db;
			struct err e;
			if (db_open(&db, t->path, &e) < 0) {
				fprintf(stderr, "# %s\n", e.text);
				_exit(1);
			}
			_exit(0);
		}
	}
	int bad = 0;
	for (int i = 0; i < 12; i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		bad += status != 0;
	}
	assert_int_equal(bad, 0);
}

/* kill -9 in a transaction: the next writer goes on, and sees nothing of it. */
static void a_killed_writer_leaves_nothing(void **state)
{
	struct scratch *t = *state;
	struct db db;
	struct err e;
	int ready[2];
	char c;
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid_t pid = fork();
	if (pid == 0) {
		if (db_open(&db, t->path, &e) < 0 || db_begin(&db, true, &e) < 0 ||
		    add_layer(&db, "half", &e) < 0)
			_exit(1);
		(void)!write(ready[1], "x", 1);
		pause();
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	assert_int_equal(kill(pid, SIGKILL), 0);
	waitpid(pid, NULL, 0);
	assert_int_equal(db_open(&db, t->path, &e), 0);
	assert_int_equal(db_begin(&db, true, &e), 0);
	assert_int_equal(count(&db, "SELECT count(*) FROM layer"), 0);
	assert_int_equal(db_end(&db, 0, &e), 0);
	db_close(&db);
	close(ready[0]);
	close(ready[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(rows_come_and_go),
		scratch_test(constraints_have_their_errno),
		scratch_test(a_damaged_file_says_so),
		scratch_test(a_newer_schema_is_refused),
		scratch_test(writers_queue),
		scratch_test(many_open_an_empty_root),
		scratch_test(a_killed_writer_leaves_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
