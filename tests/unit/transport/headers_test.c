/* SPDX-License-Identifier: Apache-2.0 */
/* Header fields of registries. */
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "transport/headers.h"

static void challenges(void **state)
{
	struct challenge c = {0};
	assert_int_equal(challenge_parse("Bearer realm=\"https://a/t?x=1,2\",service=\"s\\\"q\","
					 "scope=\"repository:a/b:pull\"",
					 &c),
			 0);
	assert_true(c.bearer && !c.basic);
	assert_string_equal(c.realm, "https://a/t?x=1,2");
	assert_string_equal(c.service, "s\"q");
	assert_string_equal(c.scope, "repository:a/b:pull");
	/* Several in one field, in any case and order; of Basic's parameters none is taken. */
	c = (struct challenge){0};
	assert_int_equal(
		challenge_parse("basic Realm=\"one\", BEARER  service = tok , realm=\"r\"", &c), 0);
	assert_true(c.bearer && c.basic);
	assert_string_equal(c.realm, "r");
	assert_string_equal(c.service, "tok");
	/* Another scheme before, with a token68. */
	c = (struct challenge){0};
	assert_int_equal(challenge_parse("Digest a=b, Basic", &c), 0);
	assert_true(c.basic && !c.bearer);
	c = (struct challenge){0};
	assert_int_equal(challenge_parse("Negotiate", &c), -EINVAL);
	assert_int_equal(challenge_parse("", &c), -EINVAL);
	assert_int_equal(challenge_parse(",,=\"", &c), -EINVAL);
}

static void challenge_limits(void **state)
{
	static char text[3 * CHALLENGE_TEXT_MAX];
	struct challenge c = {0};
	int n = snprintf(text, sizeof(text), "Bearer realm=\"");
	memset(text + n, 'x', CHALLENGE_TEXT_MAX - 1);
	memcpy(text + n + CHALLENGE_TEXT_MAX - 1, "\"", 2);
	challenge_parse(text, &c);
	assert_int_equal(strlen(c.realm), CHALLENGE_TEXT_MAX - 1);
	/* One byte more, and it is not cut off but not taken. */
	memset(text + n, 'x', CHALLENGE_TEXT_MAX);
	memcpy(text + n + CHALLENGE_TEXT_MAX, "\"", 2);
	c = (struct challenge){0};
	challenge_parse(text, &c);
	assert_string_equal(c.realm, "");
	/* A line break cannot get into a URL. */
	c = (struct challenge){0};
	challenge_parse("Bearer realm=\"a\nb\"", &c);
	assert_string_equal(c.realm, "");
}

static void times(void **state)
{
	assert_int_equal(retry_after_parse("120", 0), 120);
	assert_int_equal(retry_after_parse("0 ", 0), 0);
	assert_int_equal(retry_after_parse("99999999999", 0), INT32_MAX);
	assert_int_equal(retry_after_parse("Wed, 21 Oct 2015 07:28:00 GMT", 1445412470), 10);
	assert_int_equal(retry_after_parse("Wed, 21 Oct 2015 07:28:00 GMT", 1445412490), 0);
	assert_int_equal(retry_after_parse("soon", 0), -EINVAL);
	assert_int_equal(retry_after_parse("", 0), -EINVAL);
	assert_int_equal(retry_after_parse("-1", 0), -EINVAL);
}

static void ranges(void **state)
{
	uint64_t first = 7;
	assert_int_equal(content_range_parse("bytes 100-199/200", &first), 0);
	assert_int_equal(first, 100);
	assert_int_equal(content_range_parse("bytes 0-0/*", &first), 0);
	assert_int_equal(first, 0);
	assert_int_equal(content_range_parse("bytes */200", &first), -EINVAL);
	assert_true(content_range_total("bytes 0-9/1234") == 1234);
	assert_true(content_range_total("bytes 0-9/*") == UINT64_MAX);
	assert_true(content_range_total("bytes 0-9") == UINT64_MAX);
	assert_true(content_range_total("bytes 0-9/99999999999999999999") == UINT64_MAX);
	assert_int_equal(content_range_parse("bytes -5/9", &first), -EINVAL);
	assert_int_equal(content_range_parse("lines 1-2/3", &first), -EINVAL);
	assert_int_equal(upload_range_parse("0-99", &first), 0);
	assert_true(first == 100);
	assert_int_equal(upload_range_parse("bytes=0-0", &first), 0);
	assert_true(first == 0);
	assert_int_equal(upload_range_parse("1-99", &first), -EINVAL);
	assert_int_equal(upload_range_parse("0-", &first), -EINVAL);
	assert_int_equal(upload_range_parse("0-9/10", &first), -EINVAL);
	assert_int_equal(upload_range_parse("0-99999999999999999999", &first), -EINVAL);
	assert_true(chunk_length_parse("5242880") == 5242880 && chunk_length_parse("-1") == 0);
	assert_true(content_range_parse("bytes 99999999999999999999-1/2", &first) < 0);
}

static void links(void **state)
{
	char url[32];
	assert_int_equal(link_next_parse("</v2/a?n=1&last=b>; rel=\"next\"", url, sizeof(url)), 0);
	assert_string_equal(url, "/v2/a?n=1&last=b");
	assert_int_equal(link_next_parse("<x>; rel=\"prev\", <y>; rel=next", url, sizeof(url)), 0);
	assert_string_equal(url, "y");
	assert_int_equal(link_next_parse("<x>; rel=\"prev\"", url, sizeof(url)), -EINVAL);
	assert_int_equal(link_next_parse("<x", url, sizeof(url)), -EINVAL);
	assert_int_equal(link_next_parse("<0123456789012345678901234567890>; rel=\"next\"", url,
					 sizeof(url)),
			 0);
	assert_int_equal(link_next_parse("<01234567890123456789012345678901>; rel=\"next\"", url,
					 sizeof(url)),
			 -EINVAL);
}

static void digests(void **state)
{
	char text[80] = "sha256:";
	memset(text + 7, 'a', 64);
	assert_true(digest_header_is_valid(text));
	text[70] = 'A';
	assert_false(digest_header_is_valid(text));
	text[70] = '\0';
	assert_false(digest_header_is_valid(text));
	assert_false(digest_header_is_valid("md5:aa"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(challenges), cmocka_unit_test(challenge_limits),
		cmocka_unit_test(times),      cmocka_unit_test(ranges),
		cmocka_unit_test(links),      cmocka_unit_test(digests),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
