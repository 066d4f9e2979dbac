/* SPDX-License-Identifier: Apache-2.0 */
/* The option parser: every spelling, every refusal in docker's words, and suggestions. */
#include "tests/unit/unit.h"

#include "base/option.h"
#include "base/option_value.h"
#include "base/suggest.h"

struct values {
	bool all, tty, interactive;
	struct opt_bool oom;
	char *name, *init, *set_by_default;
	struct strv env;
	struct kvs labels;
	int64_t memory, last;
	struct opt_i64 timeout;
};
#define O(member) .offset = offsetof(struct values, member)
static const struct option items[] = {
	{"all", 'a', OPTION_BOOL, O(all), .help = "a"},
	{"default", 0, OPTION_STR, O(set_by_default), .initial = "given", .help = "d"},
	{"env", 'e', OPTION_LIST, O(env), .help = "e"},
	{"init", 0, OPTION_STR, O(init), .implied = "all", .help = "i"},
	{"interactive", 'i', OPTION_BOOL, O(interactive), .help = "i"},
	{"label", 'l', OPTION_MAP, O(labels), .help = "l"},
	{"last", 'n', OPTION_INT, O(last), .initial = "-1", .help = "n"},
	{"memory", 'm', OPTION_SIZE, O(memory), .help = "m"},
	{"name", 0, OPTION_STR, O(name), .help = "n"},
	{"oom", 0, OPTION_TRI, O(oom), .help = "o"},
	{"publish", 'p', OPTION_REFUSED, .help = "no networks yet"},
	{"secret", 0, OPTION_BOOL, OPTION_HIDDEN, O(all), .help = "s"},
	{"timeout", 't', OPTION_OPT_INT, O(timeout), .help = "t"},
	{"tty", 'T', OPTION_BOOL, O(tty), .help = "T"},
};
static const struct option_table table = OPTIONS(items);

struct parsed {
	struct arena arena;
	struct values v;
	struct strv args;
	struct err e;
	int r;
};

static struct parsed *parse(bool stop, const char *const *words)
{
	static struct parsed p;
	char *argv[16];
	size_t argc = 0;
	arena_free(&p.arena);
	p = (struct parsed){0};
	for (; words[argc]; argc++)
		argv[argc] = (char *)words[argc];
	void *values[] = {&p.v};
	const struct option_request q = {&table, 1, values, stop};
	p.r = options_parse(&q, &p.arena, argv, argc, &p.args, &p.e);
	return &p;
}
#define PARSE(...) parse(false, (const char *const[]){__VA_ARGS__, NULL})
#define PARSE_STOP(...) parse(true, (const char *const[]){__VA_ARGS__, NULL})

static void spellings(void **state)
{
	(void)state;
	assert_string_equal(PARSE("--name", "x")->v.name, "x");
	assert_string_equal(PARSE("--name=x")->v.name, "x");
	assert_string_equal(PARSE("--name=")->v.name, "");
	assert_string_equal(PARSE("--name", "-x")->v.name, "-x");
	assert_int_equal(PARSE("-m", "1k")->v.memory, 1024);
	assert_int_equal(PARSE("-m1k")->v.memory, 1024);
	assert_int_equal(PARSE("-m=1k")->v.memory, 1024);
	struct parsed *p = PARSE("-aiT", "-eA=1", "-e", "B", "--env", "C=");
	assert_true(p->v.all && p->v.interactive && p->v.tty);
	assert_int_equal(p->v.env.count, 3);
	assert_string_equal(p->v.env.items[0], "A=1");
	assert_string_equal(p->v.env.items[1], "B");
	p = PARSE("-iTm", "2k", "x");
	assert_int_equal(p->v.memory, 2048);
	assert_int_equal(p->args.count, 1);
	assert_false(PARSE("--all=false")->v.all);
	assert_true(PARSE("--all=T")->v.all);
	/* A flag never takes the next word. */
	assert_string_equal(PARSE("--all", "false")->args.items[0], "false");
	assert_string_equal(PARSE("-l", "k=v=w")->v.labels.items[0].value, "v=w");
	assert_string_equal(PARSE("-l", "k")->v.labels.items[0].value, "");
}

static void absent_and_default(void **state)
{
	(void)state;
	struct parsed *p = PARSE("x");
	assert_int_equal(p->v.last, -1);
	assert_string_equal(p->v.set_by_default, "given");
	assert_false(p->v.oom.set);
	assert_false(p->v.timeout.set);
	assert_null(p->v.init);
	p = PARSE("--oom=false", "-t", "0", "--init", "main");
	assert_true(p->v.oom.set && !p->v.oom.value);
	assert_true(p->v.timeout.set);
	assert_string_equal(p->v.init, "all"); /* an implied value takes no word */
	assert_string_equal(p->args.items[0], "main");
	assert_string_equal(PARSE("--init=main")->v.init, "main");
}

static void where_options_end(void **state)
{
	(void)state;
	struct parsed *p = PARSE("a", "-a", "b");
	assert_true(p->v.all);
	assert_int_equal(p->args.count, 2);
	p = PARSE_STOP("-i", "image", "-a", "--nosuch");
	assert_int_equal(p->r, 0);
	assert_false(p->v.all);
	assert_int_equal(p->args.count, 3);
	p = PARSE("-a", "--", "-x", "--", "y");
	assert_int_equal(p->r, 0);
	assert_int_equal(p->args.count, 3);
	assert_string_equal(p->args.items[1], "--");
	p = PARSE("-", "-a");
	assert_string_equal(p->args.items[0], "-");
	assert_true(p->v.all);
}

static void help_is_asked_for(void **state)
{
	(void)state;
	assert_int_equal(PARSE("--help")->r, 1);
	assert_int_equal(PARSE("-h")->r, 1);
	assert_int_equal(PARSE_STOP("image", "--help")->r, 0);
}

static void refusals(void **state)
{
	(void)state;
	static const struct {
		const char *words[3];
		const char *text;
	} cases[] = {
		{{"--foo"}, "unknown flag: --foo"},
		{{"--foo=1"}, "unknown flag: --foo"},
		{{"-x"}, "unknown shorthand flag: 'x' in -x"},
		{{"-ax"}, "unknown shorthand flag: 'x' in -x"},
		{{"-axy"}, "unknown shorthand flag: 'x' in -xy"},
		{{"--name"}, "flag needs an argument: --name"},
		{{"-m"}, "flag needs an argument: 'm' in -m"},
		{{"-am"}, "flag needs an argument: 'm' in -m"},
		{{"--=x"}, "bad flag syntax: --=x"},
		{{"---x"}, "bad flag syntax: ---x"},
		{{"-m", "x"},
		 "invalid argument \"x\" for \"-m, --memory\" flag: invalid size: 'x'"},
		{{"-m", "-1"},
		 "invalid argument \"-1\" for \"-m, --memory\" flag: invalid size: '-1'"},
		{{"--all=x"},
		 "invalid argument \"x\" for \"-a, --all\" flag: strconv.ParseBool: parsing "
		 "\"x\": invalid syntax"},
		{{"--oom=x"},
		 "invalid argument \"x\" for \"--oom\" flag: strconv.ParseBool: parsing "
		 "\"x\": invalid syntax"},
		{{"-t", "x"},
		 "invalid argument \"x\" for \"-t, --timeout\" flag: strconv.ParseInt: "
		 "parsing \"x\": invalid syntax"},
		{{"-t", "99999999999999999999"},
		 "invalid argument \"99999999999999999999\" for \"-t, --timeout\" flag: "
		 "strconv.ParseInt: "
		 "parsing \"99999999999999999999\": value out of range"},
		{{"-p", "80:80"}, "--publish is not supported: no networks yet"},
		{{"-l", "=v"},
		 "invalid argument \"=v\" for \"-l, --label\" flag: invalid value '=v': the "
		 "key is missing"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct parsed *p = parse(false, cases[i].words);
		assert_true(p->r < 0);
		assert_int_equal(p->e.kind, ERR_USAGE);
		assert_string_equal(p->e.text, cases[i].text);
	}
}

static void suggestions(void **state)
{
	(void)state;
	assert_string_equal(PARSE("--nmae")->e.hint, "did you mean --name?");
	assert_string_equal(PARSE("--inter")->e.hint, "did you mean --interactive?");
	assert_string_equal(PARSE("--memroy")->e.hint, "did you mean --memory?");
	assert_string_equal(PARSE("--secrt")->e.hint, ""); /* hidden ones stay hidden */
	assert_string_equal(PARSE("--publsh")->e.hint, "");
	assert_string_equal(PARSE("--zzzzzz")->e.hint, "");
	struct suggestion s = suggestion_for("sotp");
	suggestion_offer(&s, "start");
	suggestion_offer(&s, "stop");
	suggestion_offer(&s, "top");
	assert_string_equal(s.name, "stop");
	s = suggestion_for("a-word-that-is-longer-than-any-name-there-is");
	suggestion_offer(&s, "a-word-that-is-longer-than-any-name-there-iz");
	assert_null(s.name);
}

static int release(void **state)
{
	(void)state;
	PARSE("x");
	struct parsed *p = PARSE("x");
	arena_free(&p->arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spellings),         cmocka_unit_test(absent_and_default),
		cmocka_unit_test(where_options_end), cmocka_unit_test(help_is_asked_for),
		cmocka_unit_test(refusals),          cmocka_unit_test(suggestions),
	};
	return cmocka_run_group_tests(tests, NULL, release);
}
