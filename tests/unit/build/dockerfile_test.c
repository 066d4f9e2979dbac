/* SPDX-License-Identifier: Apache-2.0 */
/* Dockerfiles taken apart: instructions, words, .dockerignore. */
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "build/dockerfile.h"
#include "build/expand.h"
#include "build/ignore.h"

static int parse(const char *text, struct arena *a, struct dockerfile *ret, struct err *e)
{
	return dockerfile_parse("Dockerfile", text, strlen(text), a, ret, e);
}

static void test_lines(void **state)
{
	CLEANUP_ARENA struct arena a = {0};
	struct dockerfile d;
	struct err e;
	assert_int_equal(parse("\xef\xbb\xbf# syntax=docker/dockerfile:1\r\n"
			       "# check=skip=all\n"
			       "\n"
			       "from  base  AS x\r\n"
			       "RUN a \\\n"
			       "  # a comment\n"
			       "\n"
			       "  b \\  \n"
			       "c\\\\\n"
			       "CMD [\"x\"]",
			       &a, &d, &e),
			 0);
	assert_string_equal(d.syntax, "docker/dockerfile:1");
	assert_string_equal(d.check, "skip=all");
	assert_int_equal(d.count, 3);
	assert_string_equal(d.items[0].name, "FROM");
	assert_string_equal(d.items[0].typed, "from");
	assert_string_equal(d.items[0].rest, "base  AS x");
	assert_string_equal(d.items[1].rest, "a   b c\\\\");
	assert_true(d.items[1].gap);
	assert_int_equal(d.items[1].first, 5);
	assert_int_equal(d.items[1].last, 9);
	assert_string_equal(d.items[2].text, "CMD [\"x\"]");
}

static void test_escape(void **state)
{
	CLEANUP_ARENA struct arena a = {0};
	struct dockerfile d;
	struct err e;
	assert_int_equal(parse("# escape=`\nFROM x\nRUN a `\n b \\\nRUN c", &a, &d, &e), 0);
	assert_int_equal(d.count, 3);
	assert_string_equal(d.items[1].rest, "a  b \\");
	assert_int_equal(parse("# escape=x\nFROM x", &a, &d, &e), -EINVAL);
	/* Behind another comment it is a comment, too. */
	assert_int_equal(parse("# hello\n# escape=x\nFROM x", &a, &d, &e), 0);
}

static void test_flags(void **state)
{
	CLEANUP_ARENA struct arena a = {0};
	struct dockerfile d;
	struct err e;
	assert_int_equal(parse("FROM --platform=linux/amd64 x\n"
			       "COPY --from=a --link --exclude=\"a b\" --exclude=c -- x y\n"
			       "HEALTHCHECK --interval=5s CMD x",
			       &a, &d, &e),
			 0);
	const struct instruction *copy = &d.items[1];
	assert_string_equal(instruction_flag(&d.items[0], "platform"), "linux/amd64");
	assert_string_equal(instruction_flag(copy, "from"), "a");
	assert_string_equal(instruction_flag(copy, "exclude"), "c");
	assert_true(instruction_has(copy, "link"));
	assert_false(instruction_has(copy, "parents"));
	assert_string_equal(copy->rest, "x y");
	assert_string_equal(d.items[2].rest, "--interval=5s CMD x");
	assert_int_equal(parse("FROM x\nCOPY --form=a b c", &a, &d, &e), -EINVAL);
	assert_string_equal(e.text, "Dockerfile:2: unknown flag: --form");
	assert_string_equal(e.hint, "did you mean --from?");
	assert_int_equal(parse("FROM x\nCOPY --from b c", &a, &d, &e), -EINVAL);
}

static void test_heredocs(void **state)
{
	CLEANUP_ARENA struct arena a = {0};
	struct dockerfile d;
	struct err e;
	assert_int_equal(parse("FROM x\n"
			       "COPY <<A <<-\"B\" /to/\n"
			       "one\n"
			       "A\n"
			       "\t\ttwo\n"
			       "\tB\n"
			       "RUN cat <<<x '<<NO'\n"
			       "RUN [\"a\", \"<<EOF\"]\n"
			       "RUN 3<<E\nE\n",
			       &a, &d, &e),
			 0);
	const struct heredoc *h = d.items[1].heredocs.items;
	assert_int_equal(d.count, 5);
	assert_int_equal(d.items[1].heredocs.count, 2);
	assert_string_equal(h[0].text, "one\n");
	assert_true(h[0].expand);
	assert_string_equal(h[1].text, "two\n");
	assert_false(h[1].expand);
	assert_int_equal(d.items[1].last, 6);
	assert_int_equal(d.items[2].heredocs.count, 0);
	assert_int_equal(d.items[3].heredocs.count, 0);
	assert_int_equal(d.items[4].heredocs.count, 1);
	assert_int_equal(parse("FROM x\nRUN <<EOF\nx\n", &a, &d, &e), -EINVAL);
}

static void test_refused(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{"", "file with no instructions: Dockerfile"},
		{"# only\n", "file with no instructions: Dockerfile"},
		{"FROM x\nRUNN x", "Dockerfile:2: unknown instruction: RUNN"},
		{"FROM x\n\nRUN", "Dockerfile:3: RUN requires an argument"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CLEANUP_ARENA struct arena a = {0};
		struct dockerfile d;
		struct err e;
		assert_true(parse(cases[i].text, &a, &d, &e) < 0);
		assert_string_equal(e.text, cases[i].says);
	}
}

/* Just at and just above what is allowed. */
static void test_limits(void **state)
{
	CLEANUP_ARENA struct arena a = {0};
	struct dockerfile d;
	struct err e;
	char *text = arena_alloc(&a, DOCKERFILE_MAX + 2);
	memset(text, 'x', DOCKERFILE_MAX + 1);
	memcpy(text, "RUN ", 4);
	assert_int_equal(dockerfile_parse("D", text, DOCKERFILE_MAX + 1, &a, &d, &e), -EFBIG);
	text[DOCKERFILE_INSTRUCTION_MAX + 1] = '\0';
	assert_int_equal(parse(text, &a, &d, &e), -EINVAL);
	text[DOCKERFILE_INSTRUCTION_MAX - 1] = '\0';
	assert_int_equal(parse(text, &a, &d, &e), 0);
	assert_int_equal(dockerfile_parse("D", "RUN \0", 5, &a, &d, &e), -EINVAL);
	for (int i = 0; i <= DOCKERFILE_INSTRUCTIONS_MAX; i++)
		memcpy(text + (size_t)i * 6, "CMD a\n", 6);
	text[((size_t)DOCKERFILE_INSTRUCTIONS_MAX + 1) * 6] = '\0';
	assert_int_equal(parse(text, &a, &d, &e), -EINVAL);
	text[(size_t)DOCKERFILE_INSTRUCTIONS_MAX * 6] = '\0';
	assert_int_equal(parse(text, &a, &d, &e), 0);
}

static void test_expand(void **state)
{
	static const struct {
		const char *text, *becomes; /* NULL: refused */
	} cases[] = {
		{"a$X-b", "a1-b"},
		{"${X}${Y}", "1two words"},
		{"'$X'\"$X\"\\$X", "$X1$X"},
		{"\"a\\\"b\\c\"", "a\"b\\c"},
		{"a\\ b", "a b"},
		{"$NONE.", "."},
		{"${NONE:-d}${EMPTY:-e}${EMPTY-f}${NONE-g}", "deg"},
		{"${X:+y}${EMPTY:+y}${EMPTY+z}${NONE+w}", "yz"},
		{"${NONE:-${X}}${NONE:-'a}'}", "1a}"},
		{"${X:?no}", "1"},
		{"${NONE:?not here}", NULL},
		{"${P#*/}|${P##*/}|${P%/*}|${P%%/*}", "b/c.tar.gz|c.tar.gz|a/b|a"},
		{"${P/b/X}|${P//a/-}|${P/c*/}", "a/X/c.tar.gz|-/b/c.t-r.gz|a/b/"},
		{"${P##nothing}", "a/b/c.tar.gz"},
		{"$", "$"},
		{"$(x)", "$(x)"},
		{"${}", NULL},
		{"${X", NULL},
		{"'open", NULL},
		{"\"open", NULL},
		{"${X^^}", NULL},
	};
	CLEANUP_ARENA struct arena a = {0};
	struct strv env = {0}, missing = {0};
	strv_push(&a, &env, "X=1");
	strv_push(&a, &env, "Y=two words");
	strv_push(&a, &env, "EMPTY=");
	strv_push(&a, &env, "P=a/b/c.tar.gz");
	const struct expand x = {{&env}, '\\', &missing, &a};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *got = NULL;
		struct err e;
		int r = expand_word(&x, cases[i].text, &got, &e);
		if (!cases[i].becomes) {
			assert_true(r < 0);
			continue;
		}
		assert_int_equal(r, 0);
		assert_string_equal(got, cases[i].becomes);
	}
	assert_int_equal(missing.count, 1);
	assert_string_equal(missing.items[0], "NONE");
}

static void test_expand_text(void **state)
{
	CLEANUP_ARENA struct arena a = {0};
	struct strv env = {0};
	struct err e;
	char *got;
	strv_push(&a, &env, "X=1");
	const struct expand x = {{&env}, '\\', NULL, &a};
	assert_int_equal(expand_text(&x, "it's \"$X\" \\$X \\n\n", &got, &e), 0);
	assert_string_equal(got, "it's \"1\" $X \\n\n");
}

static void test_expand_depth(void **state)
{
	CLEANUP_ARENA struct arena a = {0};
	struct err e;
	char *got, *text = "x";
	const struct expand x = {{NULL}, '\\', NULL, &a};
	for (int i = 0; i < EXPAND_DEPTH_MAX; i++)
		text = arena_printf(&a, "${A:-%s}", text);
	assert_int_equal(expand_word(&x, text, &got, &e), 0);
	for (int i = 0; i < 2; i++)
		text = arena_printf(&a, "${A:-%s}", text);
	assert_int_equal(expand_word(&x, text, &got, &e), -EINVAL);
}

static void test_patterns(void **state)
{
	static const struct {
		const char *pattern, *path;
		bool matches, below;
	} cases[] = {
		{"a", "a", true, true},         {"a", "a/b", false, true},
		{"a", "ab", false, false},      {"*", "a", true, true},
		{"*", "a/b", false, true},      {"*.c", "x.c", true, true},
		{"*.c", "d/x.c", false, false}, {"*/*.c", "d/x.c", true, true},
		{"**/*.c", "x.c", true, true},  {"**/*.c", "a/b/x.c", true, true},
		{"**/b", "a/bb", false, false}, {"a/**", "a/b/c", true, true},
		{"a/**/z", "a/z", true, true},  {"a/**/z", "a/b/c/z", true, true},
		{"a?c", "abc", true, true},     {"a?c", "a/c", false, false},
		{"[a-c]x", "bx", true, true},   {"[^a-c]x", "bx", false, false},
		{"[", "[", false, false},       {"\\*", "*", true, true},
		{"\\*", "a", false, false},     {"a*b*c", "aXbYbZc", true, true},
		{"**", "a/b", true, true},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(pattern_matches(cases[i].pattern, cases[i].path, false),
				 cases[i].matches);
		assert_int_equal(pattern_matches(cases[i].pattern, cases[i].path, true),
				 cases[i].below);
	}
}

static void test_ignore(void **state)
{
	CLEANUP_ARENA struct arena a = {0};
	struct ignore ig;
	ignore_parse("# comment\n\n  /node_modules/ \n*.log\n!keep.log\n.\n./a/../b\n", &a, &ig);
	assert_int_equal(ig.patterns.count, 4);
	assert_true(ig.negations);
	assert_true(ignore_matches(&ig, "node_modules"));
	assert_true(ignore_matches(&ig, "node_modules/x/y"));
	assert_true(ignore_matches(&ig, "x.log"));
	assert_false(ignore_matches(&ig, "keep.log"));
	assert_false(ignore_matches(&ig, "d/x.log"));
	assert_true(ignore_matches(&ig, "b/c"));
	assert_false(ignore_matches(&ig, "a"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),        cmocka_unit_test(test_escape),
		cmocka_unit_test(test_flags),        cmocka_unit_test(test_heredocs),
		cmocka_unit_test(test_refused),      cmocka_unit_test(test_limits),
		cmocka_unit_test(test_expand),       cmocka_unit_test(test_expand_text),
		cmocka_unit_test(test_expand_depth), cmocka_unit_test(test_patterns),
		cmocka_unit_test(test_ignore),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
