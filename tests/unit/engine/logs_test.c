/* SPDX-License-Identifier: Apache-2.0 */
/* Reading logs back: what the monitor writes, what docker writes, and what neither would. */
#include "tests/unit/unit.h"

#include <sys/eventfd.h>

#include "base/clock.h"
#include "base/strbuf.h"
#include "engine/logs.h"
#include "engine/logs_parse.h"
#include "monitor/log.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static int collect(const struct logs_record *r, void *ctx)
{
	strbuf_add(ctx, r->bytes, r->len);
	return 0;
}

static char *read_all(const struct scratch *s, struct logs_query q, struct logs_result *result)
{
	static char text[1 << 20];
	struct err e;
	CLEANUP_STRBUF struct strbuf b = STRBUF_MAX(sizeof(text));
	q.id = ID;
	q.end_fd = q.follow ? q.end_fd : -1;
	assert_int_equal(logs_read(s->fd, &q, collect, &b, result, &e), 0);
	snprintf(text, sizeof(text), "%s", strbuf_text(&b));
	return text;
}

static void write_log(const struct scratch *s, enum log_driver driver, uint64_t size,
		      uint32_t files, const char *text)
{
	static uint8_t batch[LOG_BATCH_MAX];
	struct log l;
	struct monitor_config c = {.version = WIRE_VERSION,
				   .log_driver = driver,
				   .log_max_size = size,
				   .log_max_file = files,
				   .id = ID};
	snprintf(c.log_dir, sizeof(c.log_dir), "%s", s->path);
	log_open(&l, &c);
	const uint8_t *at = (const uint8_t *)text;
	for (size_t left = strlen(text), len, used; left; left -= used, at += used) {
		log_prepare(&l);
		used = log_encode(&l, 1, at, left, true, batch, &len);
		log_write(&l, batch, len, used);
	}
	close(l.fd);
	close(l.dir_fd);
}

static void test_empty(void **state)
{
	struct logs_result r;
	assert_string_equal(read_all(*state, (struct logs_query){.tail = -1}, &r), "");
	assert_string_equal(read_all(*state, (struct logs_query){.tail = 5}, &r), "");
	assert_int_equal(r.records, 0);
}

static const enum log_driver both[] = {LOG_JSON_FILE, LOG_LOCAL};

static void test_round_trip(void **state)
{
	static const char text[] =
		"one\ntwo \"quoted\" \\ <tag> \xc3\xa4 \xe2\x80\xa8\n\ntab\t\x01\nend";
	for (size_t i = 0; i < 2; i++) {
		write_log(*state, both[i], 0, 1, text);
		assert_string_equal(
			read_all(*state, (struct logs_query){.driver = both[i], .tail = -1}, NULL),
			text);
	}
}

static void test_tail_across_files(void **state)
{
	for (size_t d = 0; d < 2; d++) {
		char all[4096] = "";
		for (int i = 1; i <= 60; i++)
			snprintf(all + strlen(all), sizeof(all) - strlen(all), "line %d\n", i);
		write_log(*state, both[d], 600, 9, all);
		for (int n = 0; n <= 25; n++) {
			char expected[4096] = "";
			for (int i = 61 - n; i <= 60; i++)
				snprintf(expected + strlen(expected),
					 sizeof(expected) - strlen(expected), "line %d\n", i);
			const struct logs_query q = {.driver = both[d], .tail = n};
			assert_string_equal(read_all(*state, q, NULL), expected);
		}
	}
}

static void test_tail_counts_lines_not_pieces(void **state)
{
	static char text[3 * LOG_PIECE_MAX + 100];
	for (size_t d = 0; d < 2; d++) {
		strcpy(text, "first\n");
		memset(text + 6, 'x', 2 * LOG_PIECE_MAX + 50);
		strcpy(text + 6 + 2 * LOG_PIECE_MAX + 50, "\nlast\nbegun");
		write_log(*state, both[d], 0, 1, text);
		struct logs_query q = {.driver = both[d], .tail = 2};
		assert_string_equal(read_all(*state, q, NULL), "last\nbegun");
		q.tail = 3;
		assert_string_equal(read_all(*state, q, NULL), text + 6);
		q.tail = 4;
		assert_string_equal(read_all(*state, q, NULL), text);
	}
}

#define AT(seconds, text)                                                                          \
	"{\"log\":\"" text "\\n\",\"stream\":\"stdout\",\"time\":\"2026-01-01T00:00:" seconds      \
	"Z\"}\n"

static void test_since_until(void **state)
{
	struct scratch *s = *state;
	int64_t from, to;
	put_file(s->fd, ID "-json.log", AT("01", "a") AT("02", "b") AT("03.5", "c") AT("04", "d"));
	assert_int_equal(time_parse("2026-01-01T00:00:02Z", &from), 0);
	assert_int_equal(time_parse("2026-01-01T00:00:03.5Z", &to), 0);
	struct logs_query q = {.tail = -1, .since = from};
	assert_string_equal(read_all(s, q, NULL), "b\nc\nd\n");
	q.until = to;
	assert_string_equal(read_all(s, q, NULL), "b\nc\n");
	q.since = 0;
	assert_string_equal(read_all(s, q, NULL), "a\nb\nc\n");
}

static void test_torn_and_foreign(void **state)
{
	struct scratch *s = *state;
	struct logs_result r;
	put_file(s->fd, ID "-json.log",
		 AT("01",
		    "a") "garbage\n\n{\"log\":\"no time\\n\"}\n"
			 "{\"time\":\"2026-01-01T00:00:02Z\",\"x\":[1,{\"y\":\"}\"}],\"stream\":"
			 "\"stderr\",\"attrs\":{\"k\":\"v\"},\"log\":\"b\\ud83d\\ude00\\n\"}\n"
			 "{\"log\":\"torn");
	assert_string_equal(read_all(s, (struct logs_query){.tail = -1}, &r),
			    "a\nb\xf0\x9f\x98\x80\n");
	assert_int_equal(r.records, 2);
	assert_int_equal(r.skipped, 4);
	assert_string_equal(read_all(s, (struct logs_query){.tail = -1, .no_stdout = true}, &r),
			    "b\xf0\x9f\x98\x80\n");
}

static void test_line_longer_than_any_record(void **state)
{
	struct scratch *s = *state;
	struct logs_result r;
	size_t size = 3 * (size_t)LOG_JSON_LINE_MAX;
	char *text = malloc(size + 512);
	memset(text, 'z', size);
	strcpy(text + size, "\n" AT("01", "after"));
	put_file(s->fd, ID "-json.log", text);
	free(text);
	assert_string_equal(read_all(s, (struct logs_query){.tail = -1}, &r), "after\n");
	assert_string_equal(read_all(s, (struct logs_query){.tail = 1}, &r), "after\n");
}

static void test_attributes_and_line_starts(void **state)
{
	(void)state;
	struct logs_record r;
	char line[] = "{\"log\":\"x\",\"stream\":\"stderr\",\"attrs\":{\"a\":\"b,}\"},"
		      "\"time\":\"2026-01-01T00:00:01Z\"}";
	assert_int_equal(logs_parse_json(line, strlen(line), &r), 0);
	assert_int_equal(r.stream, 2);
	assert_int_equal(r.attrs_len, strlen("{\"a\":\"b,}\"}"));
	static const char *const bad[] = {"",
					  "{",
					  "{}",
					  "[]",
					  "{\"log\":1}",
					  "{\"log\":\"\\x\"}",
					  "{\"log\":\"a\",\"time\":\"2026-01-01T00:00:01Z\"} x",
					  "{\"log\":\"a\",\"time\":\"never\"}",
					  "{\"log\":\"\\u12"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char copy[128];
		snprintf(copy, sizeof(copy), "%s", bad[i]);
		assert_int_equal(logs_parse_json(copy, strlen(copy), &r), -EINVAL);
	}
}

/* A child writes through two rotations while we follow, then says that it ended. */
static void test_follow(void **state)
{
	struct scratch *s = *state;
	for (size_t d = 0; d < 2; d++) {
		int end = eventfd(0, EFD_CLOEXEC);
		pid_t pid = fork();
		if (pid == 0) {
			for (int i = 1; i <= 30; i++) {
				char line[32];
				snprintf(line, sizeof(line), "line %d\n", i);
				write_log(s, both[d], 700, 9, line);
			}
			uint64_t one = 1;
			_exit(write(end, &one, sizeof(one)) == sizeof(one) ? 0 : 1);
		}
		char expected[1024] = "";
		for (int i = 1; i <= 30; i++)
			snprintf(expected + strlen(expected), sizeof(expected) - strlen(expected),
				 "line %d\n", i);
		const struct logs_query q = {
			.driver = both[d], .tail = -1, .follow = true, .end_fd = end};
		assert_string_equal(read_all(s, q, NULL), expected);
		int status;
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
		close(end);
	}
}

/* It is stopped anywhere in its looking, and finds several new files when it goes on. */
static void test_follow_late(void **state)
{
	struct scratch *s = *state;
	enum { LINES = 690 };
	for (size_t d = 0; d < 2; d++) {
		int end = eventfd(0, EFD_CLOEXEC);
		pid_t pid = fork();
		if (pid == 0) {
			for (int i = 1; i <= LINES; i++) {
				char line[32];
				snprintf(line, sizeof(line), "line %d\n", i);
				if (i % 30 == 5)
					kill(getppid(), SIGSTOP);
				write_log(s, both[d], 700, 200, line);
				if (i % 30 == 0)
					kill(getppid(), SIGCONT);
			}
			kill(getppid(), SIGCONT);
			uint64_t one = 1;
			_exit(write(end, &one, sizeof(one)) == sizeof(one) ? 0 : 1);
		}
		CLEANUP_STRBUF struct strbuf expected = STRBUF_MAX(1 << 16);
		for (int i = 1; i <= LINES; i++)
			strbuf_printf(&expected, "line %d\n", i);
		const struct logs_query q = {
			.driver = both[d], .tail = -1, .follow = true, .end_fd = end};
		assert_string_equal(read_all(s, q, NULL), strbuf_text(&expected));
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		close(end);
	}
}

static void test_not_readable(void **state)
{
	struct scratch *s = *state;
	struct err e;
	const struct logs_query q = {.driver = LOG_NONE, .id = ID, .tail = -1, .end_fd = -1};
	assert_int_equal(logs_read(s->fd, &q, collect, NULL, NULL, &e), -ENOTSUP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(test_empty),
		scratch_test(test_round_trip),
		scratch_test(test_tail_across_files),
		scratch_test(test_tail_counts_lines_not_pieces),
		scratch_test(test_since_until),
		scratch_test(test_torn_and_foreign),
		scratch_test(test_line_longer_than_any_record),
		cmocka_unit_test(test_attributes_and_line_starts),
		scratch_test(test_follow),
		scratch_test(test_follow_late),
		scratch_test(test_not_readable),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
