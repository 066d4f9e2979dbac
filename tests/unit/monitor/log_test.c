/* SPDX-License-Identifier: Apache-2.0 */
/* The monitor's log: docker's escapes, cutting into records, rotation, half records, full files. */
#include "tests/unit/unit.h"

#include <sys/file.h>
#include <sys/resource.h>

#include "monitor/log.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const char *escaped(const char *text, size_t len)
{
	static char out[4096];
	uint8_t *end = log_put_json((const uint8_t *)text, len, (uint8_t *)out);
	*end = '\0';
	return out;
}

static void test_escapes(void **state)
{
	(void)state;
	static const struct {
		const char *text, *expected;
	} cases[] = {
		{"plain", "plain"},
		{"a\n", "a\\n"},
		{"\r\t\x01\x1f\x7f", "\\r\\u0009\\u0001\\u001f\x7f"},
		{"\"\\", "\\\"\\\\"},
		{"<a&b>", "\\u003ca\\u0026b\\u003e"},
		{"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"},
		{"\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa", "\\u2028\\u2029\xe2\x80\xaa"},
		{"\xff", "\\ufffd"},
		{"\xc3", "\\ufffd"},
		{"\xc0\x80", "\\ufffd\\ufffd"},                       /* overlong */
		{"\xe0\x80\x80", "\\ufffd\\ufffd\\ufffd"},            /* overlong */
		{"\xed\xa0\x80", "\\ufffd\\ufffd\\ufffd"},            /* surrogate */
		{"\xf4\x90\x80\x80", "\\ufffd\\ufffd\\ufffd\\ufffd"}, /* above U+10FFFF */
		{"\xe2\x82x", "\\ufffd\\ufffdx"},
		{"0123456789abcde\"0123456789abcdef0\n", "0123456789abcde\\\"0123456789abcdef0\\n"},
		{"0123456789abcdef\xc3\xa4", "0123456789abcdef\xc3\xa4"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(escaped(cases[i].text, strlen(cases[i].text)),
				    cases[i].expected);
	assert_string_equal(escaped("a\0b", 3), "a\\u0000b");
}

static void test_time(void **state)
{
	(void)state;
	struct log l = {.second = -1};
	static const struct {
		int64_t ns;
		const char *text;
	} cases[] = {
		{1795000000123456789, "2026-11-18T11:06:40.123456789Z"},
		{1795000000120000000, "2026-11-18T11:06:40.12Z"},
		{1795000000000000000, "2026-11-18T11:06:40Z"},
		{1795000001000000001, "2026-11-18T11:06:41.000000001Z"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t text[64];
		*log_put_time(&l, cases[i].ns, text) = '\0';
		assert_string_equal((char *)text, cases[i].text);
	}
}

static void test_cut(void **state)
{
	(void)state;
	static uint8_t text[LOG_PIECE_MAX + 10];
	memset(text, 'x', sizeof(text));
	assert_int_equal(log_cut((const uint8_t *)"a\nb", 3, false), 2);
	assert_int_equal(log_cut((const uint8_t *)"ab", 2, false), 0);
	assert_int_equal(log_cut((const uint8_t *)"ab", 2, true), 2);
	assert_int_equal(log_cut((const uint8_t *)"", 0, true), 0);
	assert_int_equal(log_cut(text, LOG_PIECE_MAX - 1, false), 0);
	assert_int_equal(log_cut(text, LOG_PIECE_MAX, false), LOG_PIECE_MAX);
	assert_int_equal(log_cut(text, sizeof(text), false), LOG_PIECE_MAX);
	/* Never through a character ... */
	memcpy(text + LOG_PIECE_MAX - 2, "\xe2\x82\xac", 3);
	assert_int_equal(log_cut(text, sizeof(text), false), LOG_PIECE_MAX - 2);
	memcpy(text + LOG_PIECE_MAX - 3, "\xe2\x82\xac", 3);
	assert_int_equal(log_cut(text, sizeof(text), false), LOG_PIECE_MAX);
	/* ... unless there is none. */
	memset(text, 0x80, sizeof(text));
	assert_int_equal(log_cut(text, sizeof(text), false), LOG_PIECE_MAX);
}

static void open_log(struct log *l, const struct scratch *s, enum log_driver driver, uint64_t size,
		     uint32_t files)
{
	struct monitor_config c = {.version = WIRE_VERSION,
				   .log_driver = driver,
				   .log_max_size = size,
				   .log_max_file = files,
				   .id = ID};
	snprintf(c.log_dir, sizeof(c.log_dir), "%s", s->path);
	log_open(l, &c);
}

static void close_log(struct log *l)
{
	if (l->fd >= 0)
		close(l->fd);
	if (l->dir_fd >= 0)
		close(l->dir_fd);
}

static void add(struct log *l, const char *text)
{
	static uint8_t batch[LOG_BATCH_MAX];
	const uint8_t *at = (const uint8_t *)text;
	for (size_t left = strlen(text), len, used; left; left -= used, at += used) {
		log_prepare(l);
		used = log_encode(l, 1, at, left, true, batch, &len);
		assert_true(used > 0);
		log_write(l, batch, len, used);
	}
}

static off_t size_of(const struct scratch *s, const char *name)
{
	struct stat st;
	return fstatat(s->fd, name, &st, 0) == 0 ? st.st_size : -1;
}

static void test_rotation(void **state)
{
	struct scratch *s = *state;
	struct log l;
	open_log(&l, s, LOG_JSON_FILE, 1000, 3);
	for (int i = 0; i < 100; i++)
		add(&l, "one line\nanother\n");
	assert_int_equal(l.dropped, 0);
	/* At the limit, one record over it at most. */
	assert_in_range(size_of(s, ID "-json.log"), 1, 1100);
	assert_in_range(size_of(s, ID "-json.log.1"), 1000, 1100);
	assert_in_range(size_of(s, ID "-json.log.2"), 1000, 1100);
	assert_int_equal(size_of(s, ID "-json.log.3"), -1);
	close_log(&l);
}

static void test_rotation_moves_compressed_files(void **state)
{
	struct scratch *s = *state;
	struct log l;
	put_file(s->fd, ID "-json.log.1.gz", "packed");
	put_file(s->fd, ID "-json.log.2.gz", "oldest");
	open_log(&l, s, LOG_JSON_FILE, 100, 3);
	add(&l, "one line, long enough to fill the whole file at once\n");
	add(&l, "next\n");
	assert_int_equal(size_of(s, ID "-json.log.2.gz"), strlen("packed"));
	assert_int_equal(size_of(s, ID "-json.log.1.gz"), -1);
	assert_true(size_of(s, ID "-json.log.1") > 0);
	close_log(&l);
}

/* Who packs a file has the lock for a moment; who was killed leaves both files, of which one
 * counts. */
static void test_rotation_beside_packing(void **state)
{
	struct scratch *s = *state;
	struct log l;
	put_file(s->fd, ID "-json.log", "");
	put_file(s->fd, ID "-json.log.1", "plain");
	put_file(s->fd, ID "-json.log.1.gz", "half");
	open_log(&l, s, LOG_JSON_FILE, 100, 3);
	l.compress = true;
	int fd = openat(s->fd, ID "-json.log", O_RDONLY | O_CLOEXEC);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	add(&l, "one line, long enough to fill the whole file at once\n");
	add(&l, "next\n");
	assert_false(l.rotated);
	assert_int_equal(size_of(s, ID "-json.log.1"), strlen("plain"));
	assert_int_equal(l.dropped, 0);
	close(fd);
	add(&l, "last\n");
	assert_true(l.rotated);
	assert_int_equal(size_of(s, ID "-json.log.2"), strlen("plain"));
	assert_int_equal(size_of(s, ID "-json.log.1.gz"), -1);
	assert_int_equal(size_of(s, ID "-json.log.2.gz"), -1);
	assert_in_range(size_of(s, ID "-json.log"), 1, 100);
	close_log(&l);
}

static void test_one_file_only(void **state)
{
	struct scratch *s = *state;
	struct log l;
	open_log(&l, s, LOG_JSON_FILE, 500, 1);
	for (int i = 0; i < 50; i++)
		add(&l, "line\n");
	assert_in_range(size_of(s, ID "-json.log"), 1, 600);
	assert_int_equal(size_of(s, ID "-json.log.1"), -1);
	close_log(&l);
}

static void test_half_record_is_cut_off(void **state)
{
	struct scratch *s = *state;
	struct log l;
	static const char whole[] = "{\"log\":\"a\\n\",\"stream\":\"stdout\",\"time\":\"x\"}\n";
	char text[256];
	snprintf(text, sizeof(text), "%s{\"log\":\"half", whole);
	put_file(s->fd, ID "-json.log", text);
	open_log(&l, s, LOG_JSON_FILE, 0, 1);
	add(&l, "b\n");
	char got[512];
	assert_true(file_read_small(s->fd, ID "-json.log", got, sizeof(got)) > 0);
	assert_int_equal(memcmp(got, whole, strlen(whole)), 0);
	assert_int_equal(memcmp(got + strlen(whole), "{\"log\":\"b\\n\"", 11), 0);
	close_log(&l);
}

static void test_half_frame_is_cut_off(void **state)
{
	struct scratch *s = *state;
	struct log l;
	open_log(&l, s, LOG_LOCAL, 0, 1);
	add(&l, "first\nsecond\n");
	off_t good = size_of(s, ID "-local.log");
	assert_int_equal(write(l.fd, "\x05\0\0\0\x01half", 9), 9);
	close_log(&l);
	open_log(&l, s, LOG_LOCAL, 0, 1);
	add(&l, "third\n");
	assert_int_equal(size_of(s, ID "-local.log"), good + 16 + 6 + 4);
	close_log(&l);
}

/* A file size limit stands for a full disk: both make write(2) come back early. */
static void test_full_disk(void **state)
{
	struct scratch *s = *state;
	struct log l;
	struct rlimit old, small;
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	open_log(&l, s, LOG_JSON_FILE, 0, 1);
	add(&l, "fits\n");
	off_t good = size_of(s, ID "-json.log");
	small = (struct rlimit){.rlim_cur = (rlim_t)good + 20, .rlim_max = old.rlim_max};
	setrlimit(RLIMIT_FSIZE, &small);
	add(&l, "does not fit\n");
	assert_int_equal(size_of(s, ID "-json.log"), good);
	assert_int_equal(l.dropped, strlen("does not fit\n"));
	setrlimit(RLIMIT_FSIZE, &old);
	add(&l, "fits again\n");
	assert_true(size_of(s, ID "-json.log") > good);
	assert_int_equal(l.dropped, strlen("does not fit\n"));
	signal(SIGXFSZ, SIG_DFL);
	close_log(&l);
}

static void test_no_symbolic_link(void **state)
{
	struct scratch *s = *state;
	struct log l;
	put_file(s->fd, "canary", "canary");
	assert_int_equal(symlinkat("canary", s->fd, ID "-json.log"), 0);
	open_log(&l, s, LOG_JSON_FILE, 0, 1);
	add(&l, "text\n");
	assert_int_equal(size_of(s, "canary"), strlen("canary"));
	assert_int_equal(l.dropped, strlen("text\n"));
	close_log(&l);
}

static void test_rewind(void **state)
{
	struct scratch *s = *state;
	struct log l;
	open_log(&l, s, LOG_JSON_FILE, 0, 1);
	add(&l, "kept\n");
	uint64_t size = l.size, inode = log_inode(&l);
	add(&l, "undone\n");
	log_rewind(&l, inode + 1, size); /* another file: no */
	assert_true((uint64_t)size_of(s, ID "-json.log") > size);
	log_rewind(&l, inode, size);
	assert_int_equal(size_of(s, ID "-json.log"), size);
	close_log(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_cut),
		scratch_test(test_rotation),
		scratch_test(test_rotation_moves_compressed_files),
		scratch_test(test_rotation_beside_packing),
		scratch_test(test_one_file_only),
		scratch_test(test_half_record_is_cut_off),
		scratch_test(test_half_frame_is_cut_off),
		scratch_test(test_full_disk),
		scratch_test(test_no_symbolic_link),
		scratch_test(test_rewind),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
