/* SPDX-License-Identifier: Apache-2.0 */
/* Files of a client: what he may send, in which order, and how much; and the tar that becomes of
 * it. */
#include "unit.h"

#include <sys/mman.h>

#include "base/cleanup.h"
#include "base/protobuf.h"
#include "session/files.h"

enum { STAT, REQ, DATA, FIN, FAILED };

struct test {
	struct files f;
	struct err e;
	char said[64]; /* "r0r2f": REQ of 0 and of 2, FIN */
};

static void hear(void *ctx, const void *packet, size_t len)
{
	struct test *t = ctx;
	struct protobuf m = {packet, len};
	struct protobuf_field field;
	uint64_t kind = 0, id = 0;
	while (protobuf_next(&m, &field) > 0)
		*(field.number == 1 ? &kind : &id) = field.value;
	size_t n = strlen(t->said);
	snprintf(t->said + n, sizeof(t->said) - n, kind == REQ ? "r%u" : "f", (unsigned)id);
}

static void begin(struct test *t)
{
	*t = (struct test){.f = {.fd = memfd_create("tar", MFD_CLOEXEC), .say = hear, .ctx = t}};
}

static void end(struct test *t)
{
	files_free(&t->f);
	close(t->f.fd);
}

static int send_packet(struct test *t, int kind, uint64_t id, const struct strbuf *stat,
		       const char *data, size_t len)
{
	CLEANUP_STRBUF struct strbuf m = STRBUF_MAX(1 << 20);
	protobuf_put(&m, 1, (uint64_t)kind);
	if (stat)
		protobuf_put_bytes(&m, 2, stat->buf, stat->len);
	protobuf_put(&m, 3, id);
	if (data)
		protobuf_put_bytes(&m, 4, data, len);
	return files_take(&t->f, m.buf, m.len, &t->e);
}

static int tell(struct test *t, const char *path, uint32_t mode, uint64_t size, const char *link)
{
	CLEANUP_STRBUF struct strbuf stat = STRBUF_MAX(1 << 20);
	protobuf_put_text(&stat, 1, path);
	protobuf_put(&stat, 2, mode);
	protobuf_put(&stat, 5, size);
	protobuf_put(&stat, 6, 1000000001);
	if (*link)
		protobuf_put_text(&stat, 7, link);
	return send_packet(t, STAT, 0, &stat, NULL, 0);
}

static int data(struct test *t, uint64_t id, const char *text)
{
	return send_packet(t, DATA, id, NULL, text, strlen(text));
}

static int last(struct test *t)
{
	return send_packet(t, STAT, 0, NULL, NULL, 0);
}

static void good(void **state)
{
	struct test t;
	begin(&t);
	assert_int_equal(tell(&t, "a", 0644, 5, ""), 0);
	assert_int_equal(tell(&t, "dir", 1U << 31 | 0755, 4096, ""), 0);
	assert_int_equal(tell(&t, "dir/b", 04755, 600, ""), 0);
	assert_int_equal(tell(&t, "empty", 0644, 0, ""), 0);
	assert_int_equal(tell(&t, "link", 1U << 27 | 0777, 1, "a"), 0);
	assert_int_equal(tell(&t, "socket", 1U << 24 | 0777, 0, ""), 0);
	/* The second comes before the first, in two parts. */
	char part[301] = {0};
	memset(part, 'b', 300);
	assert_int_equal(data(&t, 2, part), 0);
	assert_int_equal(data(&t, 0, "hello"), 0);
	assert_int_equal(data(&t, 0, ""), 0);
	assert_int_equal(last(&t), 0);
	assert_int_equal(data(&t, 2, part), 0);
	assert_string_equal(t.said, "r0r2");
	assert_int_equal(data(&t, 2, ""), 0);
	assert_string_equal(t.said, "r0r2f");
	assert_false(t.f.ended);
	assert_int_equal(send_packet(&t, FIN, 0, NULL, NULL, 0), 0);
	assert_true(t.f.ended);
	/* Of five files (a socket is none) a record, its text and a head; 1 and 2 blocks of bytes.
	 */
	struct stat st;
	assert_int_equal(fstat(t.f.fd, &st), 0);
	assert_int_equal(st.st_size, 512 * (5 * 3 + 1 + 2 + 2));
	char block[5];
	assert_int_equal(pread(t.f.fd, block, 5, 3 * 512), 5);
	assert_memory_equal(block, "hello", 5);
	assert_int_equal(files_take(&t.f, "", 0, &t.e), -EPROTO);
	end(&t);
}

static void sizes(void **state)
{
	struct test t;
	begin(&t);
	assert_int_equal(tell(&t, "a", 0644, 2, ""), 0);
	assert_int_equal(data(&t, 0, "abc"), -ESTALE);
	assert_int_equal(data(&t, 0, "a"), 0);
	assert_int_equal(data(&t, 0, ""), -ESTALE);
	assert_int_equal(tell(&t, "b", 0644, FILES_BYTES_MAX, ""), -EFBIG);
	assert_int_equal(tell(&t, "c", 0644, (uint64_t)-1, ""), -EFBIG);
	assert_int_equal(data(&t, 1, "x"), -EPROTO);
	assert_int_equal(data(&t, 1ULL << 40, "x"), -EPROTO);
	/* Not while something is to come. */
	assert_int_equal(last(&t), 0);
	assert_int_equal(send_packet(&t, FIN, 0, NULL, NULL, 0), -EPROTO);
	assert_int_equal(tell(&t, "d", 0644, 0, ""), -EPROTO);
	assert_int_equal(send_packet(&t, FAILED, 0, NULL, "he cannot", 9), -EIO);
	assert_string_equal(t.e.text, "the client says: he cannot");
	assert_int_equal(send_packet(&t, 9, 0, NULL, NULL, 0), -EPROTO);
	end(&t);
}

static void names(void **state)
{
	struct test t;
	char path[FILES_PATH_MAX + 1] = {0};
	begin(&t);
	assert_int_equal(tell(&t, "", 0644, 0, ""), -EPROTO);
	memset(path, 'x', FILES_PATH_MAX);
	assert_int_equal(tell(&t, path, 0644, 0, ""), -EPROTO);
	assert_int_equal(tell(&t, "a", 1U << 27, 0, path), -EPROTO);
	path[FILES_PATH_MAX - 1] = '\0';
	assert_int_equal(tell(&t, path, 0644, 0, ""), 0);
	/* A NUL in it, an attribute with a '=', and what is no message. */
	assert_int_equal(files_take(&t.f,
				    "\x12\x05\x0a\x03"
				    "a\0b",
				    7, &t.e),
			 -EPROTO);
	assert_int_equal(files_take(&t.f,
				    "\x12\x0a\x0a\x01"
				    "a\x52\x05\x0a\x03"
				    "a=b",
				    12, &t.e),
			 -EPROTO);
	assert_int_equal(files_take(&t.f, "\xff", 1, &t.e), -EPROTO);
	end(&t);
}

static void many(void **state)
{
	struct test t;
	begin(&t);
	/* Without their heads: FILES_MAX of those take a minute. */
	t.f.items = calloc(FILES_MAX, sizeof(*t.f.items));
	t.f.count = FILES_MAX - 1;
	t.f.room = FILES_MAX;
	assert_int_equal(tell(&t, "a", 0644, 0, ""), 0);
	assert_int_equal(tell(&t, "b", 0644, 0, ""), -E2BIG);
	end(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good),
		cmocka_unit_test(sizes),
		cmocka_unit_test(names),
		cmocka_unit_test(many),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
