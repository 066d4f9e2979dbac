/* SPDX-License-Identifier: Apache-2.0 */
/* registries.conf: what is read, and where a repository is tried. */
#include "unit.h"

#include <string.h>

#include "image/registry/registries.h"

/* "HOST PATH [insecure|loopback]" of all endpoints, a line each; or the error. */
static const char *where(const char *conf, const char *domain, const char *path, bool by_digest,
			 bool push, struct arena *a)
{
	struct registries r = {0};
	struct array list = {0};
	struct err e = {0};
	char *text = "";
	if (registries_parse(conf, &r, a, &e) < 0 ||
	    registries_endpoints(&r, domain, path, by_digest, push, &list, a, &e) < 0)
		return arena_printf(a, "%s", e.text);
	const struct endpoint *at = list.items;
	for (size_t i = 0; i < list.count; i++)
		text = arena_printf(a, "%s%s%s %s%s%s", text, i ? "\n" : "", at[i].host, at[i].path,
				    at[i].insecure ? " insecure" : "",
				    at[i].loopback ? " loopback" : "");
	return text;
}

#define CHECK(conf, domain, path, want)                                                            \
	assert_string_equal(where(conf, domain, path, false, false, &a), want)

static void without_a_file(void **state)
{
	CLEANUP_ARENA struct arena a = {0};
	CHECK("", "docker.io", "library/busybox", "registry-1.docker.io library/busybox");
	CHECK("", "example:5000", "a/b", "example:5000 a/b");
	CHECK("", "localhost:5000", "a", "localhost:5000 a loopback");
	CHECK("", "127.1.2.3", "a", "127.1.2.3 a loopback");
	CHECK("", "[::1]:5000", "a", "[::1]:5000 a loopback");
	/* Names that only begin so. */
	CHECK("", "127.0.0.1.example", "a", "127.0.0.1.example a");
	CHECK("", "localhost.example", "a", "localhost.example a");
}

static void rules(void **state)
{
	CLEANUP_ARENA struct arena a = {0};
	static const char conf[] =
		"[[registry]]\nprefix='one.example/a'\nlocation='two.example/b'\n"
		"[[registry]]\nprefix='one.example'\nlocation='three.example'\n"
		"insecure=true\n"
		"[[registry]]\nprefix=\"*.wild.example\"\ninsecure = true\n"
		"[[registry]]\nlocation='no.example'\nblocked=true\n";
	CHECK(conf, "one.example", "a/x", "two.example b/x");
	CHECK(conf, "one.example", "ab/x", "three.example ab/x insecure");
	CHECK(conf, "one.example:5000", "a", "three.example:5000 a insecure");
	CHECK(conf, "one.example.org", "a", "one.example.org a");
	CHECK(conf, "x.wild.example", "a", "x.wild.example a insecure");
	CHECK(conf, "wild.example", "a", "wild.example a");
	CHECK(conf, "no.example", "a", "registry no.example is blocked");
}

static void mirrors(void **state)
{
	CLEANUP_ARENA struct arena a = {0};
	static const char conf[] = "[[registry]]\nlocation='docker.io'\n"
				   "[[registry.mirror]]\nlocation='m1:5000/hub'\ninsecure=true\n"
				   "[[registry.mirror]]\nlocation='m2'\n"
				   "pull-from-mirror='digest-only'\n";
	CHECK(conf, "docker.io", "library/x",
	      "m1:5000 hub/library/x insecure\nregistry-1.docker.io library/x");
	assert_string_equal(where(conf, "docker.io", "library/x", true, false, &a),
			    "m1:5000 hub/library/x insecure\nm2 library/x\n"
			    "registry-1.docker.io library/x");
	assert_string_equal(where(conf, "docker.io", "library/x", false, true, &a),
			    "registry-1.docker.io library/x");
}

static void what_is_passed_over(void **state)
{
	CLEANUP_ARENA struct arena a = {0};
	static const char conf[] =
		"# words\nunqualified-search-registries = [\n  \"a\", # one\n  'b]',\n]\n"
		"short-name-mode = \"permissive\" \n number = 12\ninline = {a = [1, 2], b = '}'}\n"
		"[aliases]\n\"a/b\" = \"c\"\nlocation = \"not of a registry\"\n"
		"[[registry]]\nlocation = \"x.example\"\nother = 1979-05-27\n";
	CHECK(conf, "x.example", "a", "x.example a");
}

static const char *names(const char *conf, const char *reference, struct arena *a)
{
	struct registries r = {0};
	struct strv list = {0};
	struct err e = {0};
	char *text = "";
	if (registries_parse(conf, &r, a, &e) < 0 ||
	    registries_names(&r, reference, &list, a, &e) < 0)
		return arena_printf(a, "%s", e.text);
	for (size_t i = 0; i < list.count; i++)
		text = arena_printf(a, "%s%s%s", text, i ? " " : "", list.items[i]);
	return text;
}

static void short_names(void **state)
{
	CLEANUP_ARENA struct arena a = {0};
	static const char conf[] =
		"unqualified-search-registries = [\"one.example\", 'two:5000',]\n"
		"[aliases]\n\"team/app\" = \"three.example/x/app\"\nbad = \"short\"\n";
	assert_string_equal(names("", "busybox", &a), "busybox");
	assert_string_equal(names(conf, "busybox:1", &a),
			    "one.example/busybox:1 two:5000/busybox:1");
	assert_string_equal(names(conf, "team/app@sha256:0", &a), "three.example/x/app@sha256:0");
	assert_string_equal(names(conf, "team/app/more", &a),
			    "one.example/team/app/more two:5000/team/app/more");
	/* They have a registry. */
	assert_string_equal(names(conf, "x.example/busybox", &a), "x.example/busybox");
	assert_string_equal(names(conf, "x:1/busybox", &a), "x:1/busybox");
	assert_string_equal(names(conf, "localhost/busybox", &a), "localhost/busybox");
	assert_string_equal(names(conf, "bad", &a),
			    "registries.conf: the alias \"short\" of bad has no registry");
	assert_string_equal(
		names("short-name-mode='enforcing'\nunqualified-search-registries=['a']", "x", &a),
		"a/x");
	assert_string_equal(
		names("short-name-mode='enforcing'\nunqualified-search-registries=['a','b']", "x",
		      &a),
		"x may be of any of 2 registries, and registries.conf wants no guess "
		"(short-name-mode is enforcing)");
	assert_string_equal(names("short-name-mode='maybe'", "x", &a),
			    "short-name-mode is enforcing, permissive or disabled");
	assert_string_equal(names("unqualified-search-registries='a'", "x", &a),
			    "line 1: a list was expected");
	assert_string_equal(names("unqualified-search-registries=['a' 'b']", "x", &a),
			    "line 1: a list does not end");
}

static void what_is_wrong(void **state)
{
	CLEANUP_ARENA struct arena a = {0};
	CHECK("a", "x", "y", "line 1: a = was expected behind the key");
	CHECK("\n\na = \"b", "x", "y", "line 3: a text does not end");
	CHECK("a = [1,\n2\n", "x", "y", "line 3: a list does not end");
	CHECK("[[registry", "x", "y", "line 1: the name of a table does not end");
	CHECK("[[registry.mirror]]", "x", "y", "line 1: a mirror stands before its registry");
	CHECK("[[registry]]\nlocation=1", "x", "y", "line 2: a text was expected");
	CHECK("[[registry]]\nblocked='yes'", "x", "y", "line 2: true or false was expected");
	CHECK("[[registry]]\n", "x", "y", "[[registry]] number 1 has neither prefix nor location");
	CHECK("[[registry]] x = 1", "x", "y", "line 1: something stands behind a value");
	CHECK("[[registry]]\nlocation='https://x'\n", "https://x", "y",
	      "registries.conf: location \"https://x\" makes \"https://x/y\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_file), cmocka_unit_test(rules),
		cmocka_unit_test(mirrors),        cmocka_unit_test(what_is_passed_over),
		cmocka_unit_test(what_is_wrong),  cmocka_unit_test(short_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
