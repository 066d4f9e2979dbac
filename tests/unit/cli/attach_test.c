/* SPDX-License-Identifier: Apache-2.0 */
/* What an attached client does with bytes: detach keys in the input, frames in the output. */
#include "tests/unit/unit.h"

#include "base/detach_keys.h"
#include "base/frames.h"

static struct detach_keys keys(const char *text)
{
	struct detach_keys d;
	struct err e = {0};
	if (detach_keys_parse(text, &d, &e) < 0)
		fail_msg("%s: %s", text, e.text);
	return d;
}

static void keys_are_parsed(void **state)
{
	(void)state;
	struct detach_keys d = keys("ctrl-p,ctrl-q");
	assert_int_equal(d.count, 2);
	assert_int_equal(d.keys[0], 16);
	assert_int_equal(d.keys[1], 17);
	d = keys("a,ctrl-@,ctrl-_,DEL,ctrl-[");
	assert_memory_equal(d.keys, "a\0\x1f\x7f\x1b", 5);
	static const char *const bad[] = {
		"",        "ab", "ctrl-", "ctrl-A", "ctrl-1",
		"ctrl-pq", "a,", "a,,b",  "CTRL-a", "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err e = {0};
		if (detach_keys_parse(bad[i], &d, &e) >= 0)
			fail_msg("%s was taken", bad[i]);
	}
}

/* Feed @in in pieces of @step; what comes out; true when detached. */
static bool feed(struct detach_keys *d, const char *in, size_t step, char *ret)
{
	size_t used = 0, len = strlen(in);
	bool detached = false;
	for (size_t i = 0; i < len && !detached; i += step) {
		unsigned char out[256];
		size_t take = len - i < step ? len - i : step, n;
		detached = detach_keys_filter(d, (const unsigned char *)in + i, take, out, &n);
		memcpy(ret + used, out, n);
		used += n;
	}
	ret[used] = '\0';
	return detached;
}

static void keys_are_found(void **state)
{
	(void)state;
	static const struct {
		const char *keys, *in, *out;
		bool detached;
	} cases[] = {
		{"ctrl-p,ctrl-q", "abc\x10\x11xyz", "abc", true},
		{"ctrl-p,ctrl-q", "a\x10z", "a\x10z", false},
		{"ctrl-p,ctrl-q", "a\x10\x10\x11", "a\x10", true},
		{"ctrl-p,ctrl-q", "\x11\x11", "\x11\x11", false},
		{"a,b,c", "ababc", "ab", true},
		{"a,b,c", "aabc", "a", true},
		{"a,a,b", "aaab", "a", true},
		{"a,b,a,c", "abab", "ab", false}, /* "ab" is held */
		{"x", "12x3", "12", true},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (size_t step = 1; step < 8; step++) {
			struct detach_keys d = keys(cases[i].keys);
			char out[256];
			assert_int_equal(feed(&d, cases[i].in, step, out), cases[i].detached);
			assert_string_equal(out, cases[i].out);
		}
}

struct sink {
	char text[3][64];
	size_t len[3];
	int fail;
};

static int collect(void *ctx, int stream, const unsigned char *data, size_t len, struct err *e)
{
	struct sink *s = ctx;
	if (s->fail)
		return err_set(e, EPIPE, ERR_SYSTEM, "broken");
	memcpy(s->text[stream] + s->len[stream], data, len);
	s->len[stream] += len;
	return 0;
}

static void frames_are_taken_apart(void **state)
{
	(void)state;
	static const unsigned char bytes[] =
		"\1\0\0\0\0\0\0\3out\2\0\0\0\0\0\0\3err\1\0\0\0\0\0\0\0"
		"\1\0\0\0\0\0\0\1!";
	for (size_t step = 1; step < sizeof(bytes); step++) {
		struct frames f = {0};
		struct sink s = {0};
		struct err e = {0};
		for (size_t i = 0; i < sizeof(bytes) - 1; i += step) {
			size_t take = sizeof(bytes) - 1 - i < step ? sizeof(bytes) - 1 - i : step;
			assert_int_equal(frames_feed(&f, bytes + i, take, collect, &s, &e), 0);
		}
		assert_string_equal(s.text[1], "out!");
		assert_string_equal(s.text[2], "err");
	}
}

static void frames_that_are_none(void **state)
{
	(void)state;
	static const char *const bad[] = {"\0\0\0\0\0\0\0\1", "\3\0\0\0\0\0\0\1",
					  "\1\1\0\0\0\0\0\1"};
	for (size_t i = 0; i < 3; i++) {
		struct frames f = {0};
		struct sink s = {0};
		struct err e = {0};
		assert_int_equal(frames_feed(&f, (const unsigned char *)bad[i], 8, collect, &s, &e),
				 -EPROTO);
	}
	struct frames f = {0};
	struct sink s = {.fail = 1};
	struct err e = {0};
	assert_int_equal(
		frames_feed(&f, (const unsigned char *)"\1\0\0\0\0\0\0\1x", 9, collect, &s, &e),
		-EPIPE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_parsed),
		cmocka_unit_test(keys_are_found),
		cmocka_unit_test(frames_are_taken_apart),
		cmocka_unit_test(frames_that_are_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
