/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The template language, case by case: template, data, what Go prints or says. The expected texts
 * are those of Go's text/template with docker's functions over the same data.
 * Read src/template/template.h first.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <json-c/json.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "template/template.h"

static const char sample[] =
	"{\"Id\":\"abcdef0123456789\",\"Name\":\"/"
	"web\",\"Code\":0,\"Neg\":-7,\"F\":1.5,\"Run\":true,"
	"\"Nil\":null,\"e\":\"\",\"Big\":9007199254740993,\"Args\":[\"-c\",\"echo hi\"],"
	"\"List\":[1,2,3],\"Mixed\":[1,\"a\",null,true,2.5,[1]],"
	"\"Config\":{\"Env\":[\"A=1\",\"B=2\"],\"Labels\":{\"b\":\"<y>\",\"a.b\":\"x\"},\"Tty\":"
	"false,"
	"\"Empty\":[]},\"Ports\":{\"80/tcp\":[{\"HostIp\":\"0.0.0.0\",\"HostPort\":\"8080\"}],"
	"\"90/tcp\":null},\"m\":{}}";

struct result {
	struct strbuf out;
	struct err err;
	int r;
};

static struct result run_into(const char *text, struct template_data *data, size_t max)
{
	CLEANUP_TEMPLATE struct template *t = NULL;
	struct result res = {.out = STRBUF_MAX(max)};
	res.r = template_parse(text, strlen(text), &t, &res.err);
	if (!res.r)
		res.r = template_execute(t, data, &res.out, &res.err);
	return res;
}

static struct result run_over(const char *text, struct template_data *data)
{
	return run_into(text, data, TEMPLATE_OUTPUT_MAX);
}

static void check_result(struct result res, const char *out, const char *error)
{
	if (error)
		assert_string_equal(res.err.text, error);
	else
		assert_string_equal(res.r ? res.err.text : strbuf_text(&res.out), out);
	assert_int_equal(res.r < 0, error != NULL);
	strbuf_free(&res.out);
}

static void check(const char *text, struct template_data *data, const char *out, const char *error)
{
	check_result(run_over(text, data), out, error);
}

struct sample_case {
	const char *text, *out, *error;
};

static void check_cases(const struct sample_case *cases, size_t count, bool strict)
{
	struct template_data data = {.root = json_tokener_parse(sample), .strict = strict};
	assert_non_null(data.root);
	for (size_t i = 0; i < count; i++)
		check(cases[i].text, &data, cases[i].out, cases[i].error);
	json_object_put(data.root);
}

#define CHECK_CASES(cases) check_cases(cases, ARRAY_LEN(cases), false)
#define EXEC(at, node) "template: :1:" at ": executing \"\" at <" node ">: "

static void test_text_and_actions(void **state)
{
	(void)state;
	static const struct sample_case cases[] = {
		{"", "", NULL},
		{"plain } {", "plain } {", NULL},
		{"{{.Id}}\n", "abcdef0123456789\n", NULL},
		{"a  {{- /* c */ -}}  b {{- .Code}} {{.Code -}}  c", "ab0 0c", NULL},
		{"a {{/* c */}} b", "a  b", NULL},
		{"{{\"{{\"}}{{`raw\\n`}}{{\"\\x41\\u00e9\\101\\n\"}}",
		 "{{raw\\nA\xC3\xA9"
		 "A\n",
		 NULL},
		{"{{1_000}} {{0x1F}} {{0b11}} {{017}} {{'a'}} {{1e3}} {{.5}} {{-3}} {{1e100}}",
		 "1000 31 3 15 97 1000 0.5 -3 1e+100", NULL},
		{"{{.Missing}} {{.Missing.Sub}} {{.Nil}} {{.m.x}}",
		 "<no value> <no value> <no value> <no value>", NULL},
		{"{{.Config.Labels}} {{.Args}} {{.Mixed}} {{.Big}} {{.m}}",
		 "map[a.b:x b:<y>] [-c echo hi] [1 a <nil> true 2.5 [1]] 9007199254740993 map[]",
		 NULL},
		{"{{$x := 1}}{{$x}}{{$x = .Name}}{{$x}}{{$.Code}}", "1/web0", NULL},
		{"{{(.Config).Tty}} {{(index .Args 0)}} {{((.Id))}}", "false -c abcdef0123456789",
		 NULL},
	};
	CHECK_CASES(cases);
}

static void test_control(void **state)
{
	(void)state;
	static const struct sample_case cases[] = {
		{"{{if .Run}}a{{else}}b{{end}}{{if .e}}a{{else if .F}}c{{else}}b{{end}}", "ac",
		 NULL},
		{"{{range $i, $a := .Args}}{{if $i}},{{end}}{{$i}}={{$a}}{{end}}", "0=-c,1=echo hi",
		 NULL},
		{"{{range $k, $v := .Config.Labels}}{{$k}}:{{$v}};{{end}}", "a.b:x;b:<y>;", NULL},
		{"{{range .Config.Empty}}x{{else}}none{{end}}{{range .Nil}}x{{else}}none{{end}}",
		 "nonenone", NULL},
		{"{{range .List}}{{if eq . 2}}{{continue}}{{end}}{{.}}{{end}}", "13", NULL},
		{"{{range .List}}{{if eq . 2}}{{break}}{{end}}{{.}}{{end}}", "1", NULL},
		{"{{$v := 0}}{{range .List}}{{$v = .}}{{end}}{{$v}}", "3", NULL},
		{"{{range 3}}{{.}}{{end}}{{range $i := 2}}{{$i}}{{end}}{{range "
		 "0}}x{{else}}e{{end}}",
		 "01201e", NULL},
		{"{{range $a, $b := 3}}{{end}}", NULL,
		 EXEC("18", "3") "can't use 3 to iterate over more than one variable"},
		{"{{range .Name}}{{end}}", NULL,
		 EXEC("8", ".Name") "range can't iterate over /web"},
		{"{{with .Name}}{{.}}{{$.Code}}{{end}}{{with .Nil}}x{{else}}e{{end}}", "/web0e",
		 NULL},
		{"{{with .Nil}}x{{else with .Name}}{{.}}{{else}}e{{end}}", "/web", NULL},
		{"{{define \"x\"}}[{{.}}]{{end}}{{template \"x\" .Code}}{{template \"x\"}}",
		 "[0][<no value>]", NULL},
		{"{{block \"b\" .Name}}({{.}}){{end}}", "(/web)", NULL},
		{"{{range $p, $c := .Ports}}{{$p}}{{with $c}}->{{(index . 0).HostPort}}{{end}} "
		 "{{end}}",
		 "80/tcp->8080 90/tcp ", NULL},
	};
	CHECK_CASES(cases);
}

static void test_functions(void **state)
{
	(void)state;
	static const struct sample_case cases[] = {
		{"{{index .Config.Labels \"a.b\"}}|{{index .Config.Labels \"zz\"}}|", "x||", NULL},
		{"{{index .Ports \"zz\"}} {{index .Ports \"80/tcp\" 0 \"HostIp\"}}",
		 "<no value> 0.0.0.0", NULL},
		{"{{len .Args}} {{len .Id}} {{slice .Id 0 3}} {{slice .List 1}}", "2 16 abc [2 3]",
		 NULL},
		{"{{and 1 0 2}} {{or 0 \"\" \"x\"}} {{not .e}} {{or .Run .Nil.X}}", "0 x true true",
		 NULL},
		{"{{eq 1 2 1}} {{ne 1 2}} {{lt 1 2}} {{le 2 2}} {{gt 3 2}} {{ge 1 2}} {{eq .Nil "
		 "nil}}",
		 "true true true true true false true", NULL},
		{"{{upper .Name}} {{lower \"AB\"}} {{title \"a-b c_d x1y\"}}",
		 "/WEB ab A-B C_d X1y", NULL},
		{"{{join .Args \" \"}}|{{split \"a,b\" \",\"}}|{{pad .Name 1 2}}|{{truncate .Id "
		 "3}}",
		 "-c echo hi|[a b]| /web  |abc", NULL},
		{"{{json .Config}}{{json .Nil}}{{json \"<\\u2028\\n\"}}",
		 "{\"Env\":[\"A=1\",\"B=2\"],\"Labels\":{\"b\":\"<y>\",\"a.b\":\"x\"},\"Tty\":"
		 "false,"
		 "\"Empty\":[]}null\"<\\u2028\\n\"",
		 NULL},
		{"{{print 1 2 \"a\" 3 nil}}{{println \"a\" 1}}", "1 2a3 <nil>a 1\n", NULL},
		{"{{.Name | upper | printf \"%s-%s\" \"x\"}}", "x-/WEB", NULL},
		{"{{html .Config.Labels.b}} {{js \"'<\"}} {{urlquery \"a b&\"}}",
		 "&lt;y&gt; \\'\\u003C a+b%26", NULL},
		{"{{index .Args 2}}", NULL,
		 EXEC("2",
		      "index .Args 2") "error calling index: reflect: slice index out of range"},
		{"{{index .Args 3}}", NULL,
		 EXEC("2", "index .Args 3") "error calling index: index out of range: 3"},
		{"{{index .Nil 1}}", NULL,
		 EXEC("2", "index .Nil 1") "error calling index: index of untyped nil"},
		{"{{len 3}}", NULL, EXEC("2", "len 3") "error calling len: len of type int"},
		{"{{call .Id}}", NULL,
		 EXEC("2", "call .Id") "error calling call: non-function of type string"},
		{"{{eq .Code \"0\"}}", NULL,
		 EXEC("2", "eq .Code \"0\"") "error calling eq: incompatible types for comparison"},
		{"{{upper 3}}", NULL, EXEC("8", "3") "expected string; found 3"},
		{"{{.Code | upper}}", NULL,
		 EXEC("10", "upper") "wrong type for value; expected string; got int"},
		{"{{upper}}", NULL,
		 EXEC("2", "upper") "wrong number of args for upper: want 1 got 0"},
		{"{{join .List \",\"}}", NULL,
		 EXEC("7", ".List") "wrong type for value; expected []string; got []interface {}"},
	};
	CHECK_CASES(cases);
}

static void test_printf(void **state)
{
	(void)state;
	static const struct sample_case cases[] = {
		{"{{printf \"%s %d %v %q %t %x\" .Name .Code .F .Id .Run .Neg}}",
		 "/web 0 1.5 \"abcdef0123456789\" true -7", NULL},
		{"{{printf \"%5d|%-5d|%05d|%+d|%x|%#x|%o|%b|%c|%U\" 42 42 42 42 255 255 8 5 65 "
		 "65}}",
		 "   42|42   |00042|+42|ff|0xff|10|101|A|U+0041", NULL},
		{"{{printf \"%8s|%-8s|%.2s|%x\" \"hello\" \"hello\" \"hello\" \"hi\"}}",
		 "   hello|hello   |he|6869", NULL},
		{"{{printf \"%f %.2f %e %g %08.2f\" 3.14159 3.14159 3.14159 1e6 -3.14159}}",
		 "3.141590 3.14 3.141590e+00 1e+06 -0003.14", NULL},
		{"{{printf \"%T %T %T %T %T\" 1 \"a\" nil .Args .Mixed}}",
		 "int string <nil> []string []interface {}", NULL},
		{"{{printf \"%d\" \"x\"}} {{printf \"%z\" 1}} {{printf \"%s\" nil}} {{printf "
		 "\"%d\"}}",
		 "%!d(string=x) %!z(int=1) %!s(<nil>) %!d(MISSING)", NULL},
		{"{{printf \"%\"}} {{printf \"x\" 1}} {{printf \"%[2]d %[1]d\" 1 2}} {{printf "
		 "\"%*d\" 3 1}}",
		 "%!(NOVERB) x%!(EXTRA int=1) 2 1   1", NULL},
		{"{{printf \"%\\x00\" 1.5 | printf \"%q\"}}", "\"%!\\x00(float64=1.5)\"", NULL},
		{"{{printf \"%v %q %d\" .Config.Labels .Args .List}}",
		 "map[a.b:x b:<y>] [\"-c\" \"echo hi\"] [1 2 3]", NULL},
		{"{{printf \"%5s|%q\" \"\xE6\x97\xA5\" \"\\x00\\xff\"}}",
		 "    \xE6\x97\xA5|\"\\x00\\xff\"", NULL},
	};
	CHECK_CASES(cases);
}

static void test_syntax_errors(void **state)
{
	(void)state;
	static const struct sample_case cases[] = {
		{"{{.Foo}", NULL, "template: :1: bad character U+007D '}'"},
		{"{{.Foo }", NULL, "template: :1: unexpected \"}\" in operand"},
		{"{{foo}}", NULL, "template: :1: function \"foo\" not defined"},
		{"{{.Foo", NULL, "template: :1: unclosed action"},
		{"a\n{{.Foo\n", NULL, "template: :3: unclosed action started at :2"},
		{"{{}}", NULL, "template: :1: missing value for command"},
		{"{{if .x}}", NULL, "template: :1: unexpected EOF"},
		{"{{end}}", NULL, "template: :1: unexpected {{end}}"},
		{"{{$y}}", NULL, "template: :1: undefined variable \"$y\""},
		{"{{\"abc}}", NULL, "template: :1: unterminated quoted string"},
		{"{{\"\\z\"}}", NULL, "template: :1: invalid syntax"},
		{"{{1x}}", NULL, "template: :1: bad number syntax: \"1x\""},
		{"{{(.Id}}", NULL, "template: :1: unclosed left paren"},
		{"{{.a-b}}", NULL, "template: :1: bad character U+002D '-'"},
		{"{{break}}", NULL, "template: :1: {{break}} outside {{range}}"},
		{"{{.Id | 1}}", NULL, "template: :1: non executable command in pipeline stage 2"},
		{"{{/* a }}", NULL, "template: :1: unclosed comment"},
		{"{{\"x\".y}}", NULL, "template: :1: unexpected . after term \"\\\"x\\\"\""},
		{"{{1i}}", NULL, "template: :1: illegal number syntax: \"1i\""},
	};
	CHECK_CASES(cases);
}

static void test_execution_errors(void **state)
{
	(void)state;
	static const struct sample_case cases[] = {
		{"{{.Foo}}", NULL, EXEC("2", ".Foo") "map has no entry for key \"Foo\""},
		{"a{{.Config.Foo}}", NULL,
		 EXEC("10", ".Config.Foo") "map has no entry for key \"Foo\""},
		{"{{.Id.foo}}", NULL,
		 EXEC("5", ".Id.foo") "can't evaluate field foo in type interface {}"},
		{"{{.Nil.X}}", NULL, EXEC("6", ".Nil.X") "nil pointer evaluating interface {}.X"},
		{"{{.Id 2}}", NULL, EXEC("2", ".Id") "Id is not a method but has arguments"},
		{"{{1 2}}", NULL, EXEC("2", "1") "can't give argument to non-function 1"},
		{"{{nil}}", NULL, EXEC("2", "nil") "nil is not a command"},
		{"{{template \"no\"}}", NULL,
		 EXEC("11", "{{template \"no\"}}") "template \"no\" not defined"},
		{"{{define \"d\"}}{{.X}}{{end}}\n{{template \"d\" .}}", NULL,
		 "template: :1:16: executing \"d\" at <.X>: map has no entry for key \"X\""},
	};
	check_cases(cases, ARRAY_LEN(cases), true);
}

/* --- types, methods, headers, fields --- */

static const struct template_type type_string = {.kind = TEMPLATE_STRING, .name = "string"};
static const struct template_type type_labels = {
	.kind = TEMPLATE_MAP, .name = "map[string]string", .elem = &type_string};
static const struct template_type type_port = {
	.kind = TEMPLATE_STRUCT, .pointer = true, .name = "*Port"};
static const struct template_type type_ports = {
	.kind = TEMPLATE_MAP, .name = "map[string]*Port", .elem = &type_port};
static const struct template_type type_args = {
	.kind = TEMPLATE_LIST, .name = "[]string", .elem = &type_string};
static const struct template_field row_fields[] = {
	{"Name", &type_string}, {"Labels", &type_labels},
	{"Ports", &type_ports}, {"Args", &type_args},
	{"Any", NULL},          {NULL, NULL},
};
static const struct template_type type_row = {
	.kind = TEMPLATE_STRUCT, .name = "*Row", .fields = row_fields};

static void test_types(void **state)
{
	(void)state;
	static const struct sample_case cases[] = {
		{"{{.Foo}}", NULL, EXEC("2", ".Foo") "can't evaluate field Foo in type *Row"},
		{"{{.Labels.zz}}|{{index .Labels \"zz\"}}|", "<no value>||", NULL},
		{"{{.Args}} {{len .Args}} {{join .Args \",\"}}|{{.Any}}", "[] 0 |<no value>", NULL},
		{"{{index .Ports \"zz\"}} {{.Ports.a}}", "<nil> {1}", NULL},
		{"{{.}}", "{web map[] map[a:{1}] [] <nil>}", NULL},
		{"{{printf \"%+v\" .Ports.a}}", "{P:1}", NULL},
		{"{{json .Labels}}{{json .Ports}}", "null{\"a\":{\"P\":1}}", NULL},
		{"{{range .Labels}}x{{else}}none{{end}}{{if .Labels}}x{{end}}{{if .}}struct{{end}}",
		 "nonestruct", NULL},
	};
	struct template_data data = {
		.root = json_tokener_parse(
			"{\"Ports\":{\"a\":{\"P\":1}},\"Name\":\"web\",\"Labels\":null}"),
		.type = &type_row,
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		check(cases[i].text, &data, cases[i].out, cases[i].error);
	json_object_put(data.root);
}

static int method_label(void *ctx, const char *key, struct strbuf *out, struct err *e)
{
	if (!strcmp(key, "bad"))
		return err_set(e, ENOENT, ERR_NOT_FOUND, "no such label");
	strbuf_printf(out, "%s:%s", (const char *)ctx, key);
	return 0;
}

static void test_methods(void **state)
{
	(void)state;
	static const struct template_method methods[] = {{"Label", method_label}};
	static const struct sample_case cases[] = {
		{"{{.Label \"k\"}} {{upper (.Label \"x\")}} {{$.Label \"y\"}} {{\"z\" | .Label}}",
		 "ctx:k CTX:X ctx:y ctx:z", NULL},
		{"{{.Label}}", NULL,
		 EXEC("2", ".Label") "wrong number of args for Label: want 1 got 0"},
		{"{{.Label 1}}", NULL, EXEC("9", "1") "expected string; found 1"},
		{"{{.Label \"bad\"}}", NULL,
		 EXEC("2", ".Label") "error calling Label: no such label"},
	};
	char ctx[] = "ctx";
	struct template_data data = {.methods = methods, .method_count = 1, .method_ctx = ctx};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		check(cases[i].text, &data, cases[i].out, cases[i].error);
}

static void test_headers(void **state)
{
	(void)state;
	struct template_data data = {
		.root = json_tokener_parse("{\"ID\":\"CONTAINER ID\",\"Names\":\"NAMES\"}"),
		.header = true};
	check("{{.ID}}\t{{.Names | lower}}\t{{json .ID}}\t{{truncate .ID 2}}\t{{split .ID \"N\"}}"
	      "\t{{join .ID \",\"}}\t{{pad .ID 1 1}}\t{{title .ID}}{{upper .ID}}",
	      &data,
	      "CONTAINER ID\tNAMES\tCONTAINER ID\tCONTAINER ID\tCONTAINER ID\tCONTAINER ID"
	      "\t CONTAINER ID \tCONTAINER IDCONTAINER ID",
	      NULL);
	json_object_put(data.root);
}

static void note(void *ctx, const char *name)
{
	strbuf_printf(ctx, "%s ", name);
}

static void test_fields(void **state)
{
	(void)state;
	static const struct {
		const char *text, *fields;
		bool whole;
	} cases[] = {
		{"{{.ID}} {{.Names | upper}} {{if .A.B}}{{.C}}{{else}}{{.D}}{{end}}",
		 "ID Names A C D ", false},
		{"{{range .A}}{{.Not}}{{$.B}}{{else}}{{.C}}{{end}}", "A B C ", false},
		{"{{json .}}", "", true},
		{"{{with $}}{{.X}}{{end}}", "", true},
		{"{{(index .Ports 0).X}} {{$x := .Y}}{{$x.Z}}", "Ports Y ", false},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP_TEMPLATE struct template *t = NULL;
		CLEANUP_STRBUF struct strbuf names = STRBUF_MAX(1000);
		struct err e;
		assert_int_equal(template_parse(cases[i].text, strlen(cases[i].text), &t, &e), 0);
		assert_int_equal(template_fields(t, note, &names), cases[i].whole);
		assert_string_equal(strbuf_text(&names), cases[i].fields);
	}
}

/* --- limits --- */

static void check_limit(const char *text, int number, const char *part)
{
	struct template_data data = {0};
	struct result res = run_over(text, &data);
	assert_int_equal(res.r, -number);
	assert_non_null(strstr(res.err.text, part));
	strbuf_free(&res.out);
}

static void check_nesting(size_t depth, const char *open, const char *middle, const char *close,
			  int number)
{
	CLEANUP_STRBUF struct strbuf text = STRBUF_MAX(TEMPLATE_TEXT_MAX);
	for (size_t i = 0; i < depth; i++)
		strbuf_puts(&text, open);
	strbuf_puts(&text, middle);
	for (size_t i = 0; i < depth; i++)
		strbuf_puts(&text, close);
	CLEANUP_STRBUF struct strbuf action = STRBUF_MAX(TEMPLATE_TEXT_MAX);
	bool paren = *open == '(';
	strbuf_printf(&action, "%s%s%s", paren ? "{{" : "", strbuf_text(&text), paren ? "}}" : "");
	struct template_data data = {0};
	struct result res = run_over(strbuf_text(&action), &data);
	assert_int_equal(res.r, -number);
	strbuf_free(&res.out);
}

static void test_limits(void **state)
{
	(void)state;
	CLEANUP_STRBUF struct strbuf text = STRBUF_MAX(2 * TEMPLATE_TEXT_MAX);
	while (text.len < TEMPLATE_TEXT_MAX)
		strbuf_putc(&text, 'x');
	struct template_data data = {0};
	struct result res = run_over(strbuf_text(&text), &data);
	assert_int_equal(res.r, 0);
	assert_int_equal(res.out.len, TEMPLATE_TEXT_MAX);
	strbuf_free(&res.out);
	strbuf_putc(&text, 'x');
	check_limit(strbuf_text(&text), E2BIG, "longer than");

	check_nesting(TEMPLATE_NESTING_MAX, "(", "1", ")", 0);
	check_nesting(TEMPLATE_NESTING_MAX + 1, "(", "1", ")", E2BIG);
	check_nesting(TEMPLATE_NESTING_MAX, "{{if 1}}", "x", "{{end}}", 0);
	check_nesting(TEMPLATE_NESTING_MAX + 1, "{{if 1}}", "x", "{{end}}", E2BIG);

	check_limit("{{define \"r\"}}{{template \"r\"}}{{end}}{{template \"r\"}}", ELOOP,
		    "exceeded maximum template depth (64)");
	check_limit("{{range 9223372036854775807}}{{end}}", ELOOP, "steps");
	check_limit("{{range 1000000}}{{$a := print 1}}{{end}}", ELOOP, "steps");
	check_limit("{{range 100}}{{printf \"%999999d\" 1}}{{end}}", ENOBUFS, "output longer than");
	check_limit("{{range 1000}}{{$x := printf \"%999999d\" 1}}{{end}}", ENOBUFS,
		    "strings longer than");
	check_limit("{{pad \"x\" 9223372036854775807 1}}", ENOBUFS, "strings longer than");
}

static void test_output_limit(void **state)
{
	(void)state;
	struct template_data data = {0};
	check_result(run_into("12345", &data, 5), "12345", NULL);
	check_result(run_into("12345{{1}}", &data, 5), NULL,
		     EXEC("7", "{{1}}") "output longer than 5 bytes");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text_and_actions),
		cmocka_unit_test(test_control),
		cmocka_unit_test(test_functions),
		cmocka_unit_test(test_printf),
		cmocka_unit_test(test_syntax_errors),
		cmocka_unit_test(test_execution_errors),
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_methods),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_output_limit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
