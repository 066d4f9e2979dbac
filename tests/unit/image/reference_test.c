/* SPDX-License-Identifier: Apache-2.0 */
/* Names of images: docker's normalisation, its familiar form, and what is no name. */
#include "unit/unit.h"

#include "image/image.h"

#define SHA "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void names_are_normalised(void **state)
{
	static const struct {
		const char *text, *full, *familiar, *repository;
	} table[] = {
		{"busybox", "docker.io/library/busybox:latest", "busybox:latest", "busybox"},
		{"busybox:1.36", "docker.io/library/busybox:1.36", "busybox:1.36", "busybox"},
		{"library/busybox", "docker.io/library/busybox:latest", "busybox:latest",
		 "busybox"},
		{"docker.io/busybox", "docker.io/library/busybox:latest", "busybox:latest",
		 "busybox"},
		{"index.docker.io/a/b", "docker.io/a/b:latest", "a/b:latest", "a/b"},
		{"a/b:c", "docker.io/a/b:c", "a/b:c", "a/b"},
		{"library/a/b", "docker.io/library/a/b:latest", "library/a/b:latest",
		 "library/a/b"},
		{"localhost/a", "localhost/a:latest", "localhost/a:latest", "localhost/a"},
		{"localhost:5000/a:t", "localhost:5000/a:t", "localhost:5000/a:t",
		 "localhost:5000/a"},
		{"quay.io/x/y/z", "quay.io/x/y/z:latest", "quay.io/x/y/z:latest", "quay.io/x/y/z"},
		{"[::1]:5000/a", "[::1]:5000/a:latest", "[::1]:5000/a:latest", "[::1]:5000/a"},
		{"docker.io/a.b/c", "docker.io/a.b/c:latest", "docker.io/a.b/c:latest",
		 "docker.io/a.b/c"},
		{"Host/a", "Host/a:latest", "Host/a:latest", "Host/a"},
		{"a__b.c-d--e_f", "docker.io/library/a__b.c-d--e_f:latest", "a__b.c-d--e_f:latest",
		 "a__b.c-d--e_f"},
		{"a@" SHA, "docker.io/library/a@" SHA, "a@" SHA, "a"},
		{"a:t@" SHA, "docker.io/library/a@" SHA, "a@" SHA, "a"},
		{"a:_.-", "docker.io/library/a:_.-", "a:_.-", "a"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		CLEANUP_ARENA struct arena a = {0};
		struct image_reference r;
		struct err e = {0};
		assert_int_equal(image_reference_parse(table[i].text, &a, &r, &e), 0);
		assert_string_equal(image_reference_full(&r, &a), table[i].full);
		assert_string_equal(image_reference_familiar(&r, &a), table[i].familiar);
		assert_string_equal(image_reference_repository(&r, &a), table[i].repository);
	}
}

static void bad_names_are_refused(void **state)
{
	static const char *const table[] = {
		"",
		" ",
		"a b",
		"A",
		"library/A",
		"a:",
		":t",
		"a:t:u",
		"a/",
		"/a",
		"a//b",
		"a..b",
		"a.-b",
		"-a",
		"a-",
		"_a",
		"a___b",
		"a:.t",
		"a:-t",
		"a@",
		"a@sha256",
		"a@sha256:",
		"a@md5:00",
		"a@sha256:abc",
		"a@" SHA "0",
		"http://a/b",
		"a:t@" SHA ":x",
		"../a",
		"a/../b",
		"./a",
		"a\nb",
		"host:port/a",
		"host:99999/a",
		"-host.x/a",
		"ho_st.x/a",
		"[::1/a",
		"[x]/a",
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
	};
	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		CLEANUP_ARENA struct arena a = {0};
		struct image_reference r;
		struct err e = {0};
		if (image_reference_parse(table[i], &a, &r, &e) != -EINVAL)
			fail_msg("\"%s\" was taken for a name", table[i]);
		assert_int_equal(e.kind, ERR_INVALID);
	}
}

/* One more than the most of everything. */
static void lengths_have_limits(void **state)
{
	(void)state;
	CLEANUP_ARENA struct arena a = {0};
	struct image_reference r;
	struct err e = {0};
	char tag[IMAGE_TAG_MAX + 4] = "a:", path[IMAGE_NAME_MAX + 8] = "h.x/";
	memset(tag + 2, 't', IMAGE_TAG_MAX);
	assert_int_equal(image_reference_parse(tag, &a, &r, &e), 0);
	tag[IMAGE_TAG_MAX + 2] = 't';
	assert_int_equal(image_reference_parse(tag, &a, &r, &e), -EINVAL);
	memset(path + 4, 'p', IMAGE_NAME_MAX);
	assert_int_equal(image_reference_parse(path, &a, &r, &e), 0);
	path[IMAGE_NAME_MAX + 4] = 'p';
	assert_int_equal(image_reference_parse(path, &a, &r, &e), -ENAMETOOLONG);
}

static void only_digests_are_digests(void **state)
{
	static const char *const bad[] = {
		"sha256:",
		"sha512:00",
		"md5:00",
		"SHA256:00",
		"",
		"sha256:../../../../../../../../../../../../../../etc/passwd00",
		SHA "0",
		"sha256:G123456789abcdef0123456789abcdef0123456789"
		"abcdef0123456789abcdef",
		"sha256:A123456789abcdef0123456789abcdef0123456789abcdef01234567"
		"89abcdef"};
	(void)state;
	assert_true(image_digest_is_valid(SHA));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(image_digest_is_valid(bad[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_normalised),
		cmocka_unit_test(bad_names_are_refused),
		cmocka_unit_test(lengths_have_limits),
		cmocka_unit_test(only_digests_are_digests),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
