/* SPDX-License-Identifier: Apache-2.0 */
/* Arenas, vectors of strings and small maps. */
#include "tests/unit/unit.h"

#include "base/arena.h"

static void memory_is_zeroed_and_aligned(void **state)
{
	(void)state;
	CLEANUP_ARENA struct arena a = {0};
	for (size_t size = 1; size < 100000; size = size * 3 + 1) {
		unsigned char *p = arena_alloc(&a, size);
		assert_int_equal((uintptr_t)p % 16, 0);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(p[i], 0);
		memset(p, 0xff, size);
	}
	assert_non_null(arena_alloc(&a, 0));
	arena_free(&a);
	assert_null(a.chunks);
	assert_string_equal(arena_strdup(&a, "again"), "again");
}

static void pieces_do_not_overlap(void **state)
{
	(void)state;
	CLEANUP_ARENA struct arena a = {0};
	char *pieces[3000];
	for (int i = 0; i < 3000; i++)
		pieces[i] = arena_printf(&a, "piece %d", i);
	for (int i = 0; i < 3000; i++) {
		char want[32];
		snprintf(want, sizeof(want), "piece %d", i);
		assert_string_equal(pieces[i], want);
	}
	assert_string_equal(arena_strndup(&a, "abcdef", 3), "abc");
}

/* A size that comes near SIZE_MAX must end the program, never wrap to a small piece. */
static void huge_sizes_end_the_program(void **state)
{
	(void)state;
	static const size_t sizes[][2] = {{SIZE_MAX, 1},      {SIZE_MAX - 14, 1},
					  {SIZE_MAX - 15, 1}, {SIZE_MAX - 31, 1},
					  {SIZE_MAX / 2, 3},  {1, SIZE_MAX - 40}};
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		pid_t pid = fork();
		if (pid == 0) {
			struct arena a = {0};
			close(STDERR_FILENO);
			arena_array(&a, sizes[i][0], sizes[i][1]);
			_exit(0);
		}
		int status;
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status));
		assert_int_not_equal(WEXITSTATUS(status), 0);
	}
}

/* Also where it fits into what is left of a chunk and yet is long enough for one of its own. */
static void long_texts_are_whole(void **state)
{
	CLEANUP_ARENA struct arena a = {0};
	for (int length = 1; length < 70000; length += length / 2 + 1) {
		char *text = arena_printf(&a, "%*d", length, 7);
		assert_int_equal(strlen(text), length);
		assert_int_equal(text[length - 1], '7');
		memset(arena_alloc(&a, 16), 'x', 16);
		assert_int_equal(text[length], '\0');
	}
}

static void vectors_grow_and_end_in_null(void **state)
{
	(void)state;
	CLEANUP_ARENA struct arena a = {0};
	struct strv v = {0}, all = {0};
	for (int i = 0; i < 1000; i++) {
		strv_push(&a, &v, i % 2 ? "odd" : "even");
		assert_null(v.items[v.count]);
	}
	assert_int_equal(v.count, 1000);
	strv_push(&a, &all, "first");
	strv_push_all(&a, &all, &v);
	assert_int_equal(all.count, 1001);
	assert_string_equal(all.items[1], "even");
	assert_string_equal(all.items[1000], "odd");
	assert_null(all.items[1001]);
}

static void environment_entries_replace_by_name(void **state)
{
	(void)state;
	CLEANUP_ARENA struct arena a = {0};
	struct strv v = {0};
	strv_set_env(&a, &v, "PATH=/bin");
	strv_set_env(&a, &v, "PATHX=/x");
	strv_set_env(&a, &v, "EMPTY=");
	strv_set_env(&a, &v, "PATH=/usr/bin=odd");
	assert_int_equal(v.count, 3);
	assert_string_equal(strv_get_env(&v, "PATH"), "/usr/bin=odd");
	assert_string_equal(strv_get_env(&v, "PATHX"), "/x");
	assert_string_equal(strv_get_env(&v, "EMPTY"), "");
	assert_null(strv_get_env(&v, "PAT"));
	assert_null(strv_get_env(&v, "PATHXY"));
}

static void maps_replace_and_sort(void **state)
{
	(void)state;
	CLEANUP_ARENA struct arena a = {0};
	struct kvs m = {0};
	char key[16];
	for (int i = 99; i >= 0; i--) {
		snprintf(key, sizeof(key), "k%02d", i);
		kvs_set(&a, &m, key, "old");
		kvs_set(&a, &m, key, key + 1);
	}
	assert_int_equal(m.count, 100);
	assert_string_equal(kvs_get(&m, "k42"), "42");
	assert_null(kvs_get(&m, "k"));
	assert_true(kvs_holds(&m, "k42") && kvs_holds(&m, "k42=42"));
	assert_false(kvs_holds(&m, "k4") || kvs_holds(&m, "k421") || kvs_holds(&m, "k"));
	assert_false(kvs_holds(&m, "k42=4") || kvs_holds(&m, "k42=") || kvs_holds(&m, "=42"));
	kvs_sort(&m);
	assert_string_equal(m.items[0].key, "k00");
	assert_string_equal(m.items[99].key, "k99");
	struct kvs empty = {0};
	kvs_sort(&empty);
	assert_null(kvs_get(&empty, "x"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_is_zeroed_and_aligned),
		cmocka_unit_test(pieces_do_not_overlap),
		cmocka_unit_test(huge_sizes_end_the_program),
		cmocka_unit_test(long_texts_are_whole),
		cmocka_unit_test(vectors_grow_and_end_in_null),
		cmocka_unit_test(environment_entries_replace_by_name),
		cmocka_unit_test(maps_replace_and_sort),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
