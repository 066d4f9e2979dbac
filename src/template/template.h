/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The template language of `--format`: Go's text/template as far as docker's users need it,
 * executed over JSON.
 *
 *	{{range $k, $v := .Config.Labels}}{{$k}}={{$v | upper}}{{"\n"}}{{end}}
 *
 * A template is parsed once (per command) and executed once per row. It is immutable after
 * parsing; executions share nothing. The order of the work, and of reading:
 *
 *	lex     text -> tokens            value   JSON seen as Go values
 *	parse   tokens -> nodes           func    the functions: index, eq, json ...
 *	exec    walk the nodes            format  Go's fmt: print, printf
 *	eval    the value of a pipeline   quote   Go's quoted strings
 *
 * Sources: the documentation of Go's text/template and fmt; docker's "Format command and log
 * output". Error texts are Go's, because scripts and people search for them.
 *
 * Where the JSON alone cannot say what docker's Go struct would do (is a missing key an error, a
 * missing label "" or "<no value>"?), the caller hands in a struct template_type.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/strbuf.h"

struct json_object;
struct template;

/* Limits. A template beyond them is refused with E2BIG or fails with ELOOP, ENOBUFS. */
enum {
	TEMPLATE_TEXT_MAX = 64 * 1024,          /* bytes of source */
	TEMPLATE_NESTING_MAX = 64,              /* blocks, parentheses, fields inside each other */
	TEMPLATE_CALLS_MAX = 64,                /* {{template}} inside {{template}} */
	TEMPLATE_VARIABLES_MAX = 256,           /* alive at one moment */
	TEMPLATE_STEPS_MAX = 1024 * 1024,       /* nodes visited by one execution */
	TEMPLATE_OUTPUT_MAX = 16 * 1024 * 1024, /* what a caller's buffer should hold */
	TEMPLATE_SCRATCH_MAX = 64 * 1024 * 1024 /* bytes of strings made on the way */
};

enum template_kind {
	TEMPLATE_ANY,    /* whatever the JSON says; Go's interface {} */
	TEMPLATE_STRUCT, /* a fixed set of fields: another field is an error; always true */
	TEMPLATE_MAP,    /* any keys; a missing one is the zero value of `elem` */
	TEMPLATE_LIST,
	TEMPLATE_STRING
};

/** What Go type a JSON value stands for. All of it constant data; NULL means TEMPLATE_ANY. */
struct template_type {
	enum template_kind kind;
	bool pointer;                        /* JSON null is a nil pointer, printed <nil> */
	const char *name;                    /* as Go prints it: "*formatter.ContainerContext" */
	const struct template_type *elem;    /* of MAP and LIST */
	const struct template_field *fields; /* of STRUCT, ended by a NULL name; NULL: the keys
						that the object has */
};

struct template_field {
	const char *name;
	const struct template_type *type;
};

/**
 * A computed field of the root object that takes one string, such as .Label "key" of `docker ps`.
 * Looked up before the object's keys. @call appends its answer, or fills @e.
 */
struct template_method {
	const char *name;
	int (*call)(void *ctx, const char *arg, struct strbuf *answer, struct err *e);
};

/** What a template is executed over. Borrowed for the time of the call. */
struct template_data {
	struct json_object *root;
	const struct template_type *type; /* of root */
	const struct template_method *methods;
	size_t method_count;
	void *method_ctx;
	bool strict; /* a missing key of a map is an error (Go's missingkey=error) */
	bool header; /* root maps names to column headers: json, upper, split ... pass through */
};

/**
 * Parse @text. On success *@ret is owned by the caller: template_free().
 * Errors: -E2BIG (longer than TEMPLATE_TEXT_MAX or nested too deep), -EINVAL (syntax; the text
 * is Go's: `template: :1: function "foo" not defined`).
 */
int template_parse(const char *text, size_t len, struct template **ret, struct err *e);

/**
 * Execute @t over @data and append what it prints to @out, whose maximum limits it. As in Go,
 * output before a failure is there. Errors: -EINVAL (`template: :1:2: executing "" at <.Foo>:
 * ...`), -ELOOP, -ENOBUFS (limits).
 */
int template_execute(const struct template *t, const struct template_data *data, struct strbuf *out,
		     struct err *e);

void template_free(struct template *t);
static inline void cleanup_template(struct template **t)
{
	template_free(*t);
}
#define CLEANUP_TEMPLATE __attribute__((cleanup(cleanup_template)))

/**
 * Call @found for the top-level field of every .Field and $.Field that the main template looks up
 * in its root object, in order of appearance and with repetitions. Lets `ps` compute only the
 * columns that are asked for (sizes are expensive). Returns true when the root is also used as a
 * whole ({{json .}}, {{template "x" .}}, {{with}} or {{range}} over it): then all are needed.
 */
bool template_fields(const struct template *t, void (*found)(void *ctx, const char *name),
		     void *ctx);
