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
 *	lex    text -> tokens          value   JSON seen as Go values
 *	parse  tokens -> nodes         func    the functions: index, eq, json ...
 *	node   a node, and its text    format  Go's fmt: print, printf
 *	exec   nodes + data -> output  escape  json, html, js, urlquery
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

struct json_object;
struct template;

/* Limits. A template beyond them is refused with E2BIG or fails with ELOOP, ENOBUFS. */
enum {
	TEMPLATE_TEXT_MAX = 64 * 1024,          /* bytes of source */
	TEMPLATE_NESTING_MAX = 64,              /* blocks and parentheses inside each other */
	TEMPLATE_CALLS_MAX = 64,                /* {{template}} inside {{template}} */
	TEMPLATE_VARIABLES_MAX = 256,           /* alive at one moment */
	TEMPLATE_STEPS_MAX = 1024 * 1024,       /* nodes visited by one execution */
	TEMPLATE_OUTPUT_MAX = 16 * 1024 * 1024, /* bytes of output, unless the caller says less */
	TEMPLATE_SCRATCH_MAX = 64 * 1024 * 1024 /* bytes of strings made on the way */
};

enum template_kind {
	TEMPLATE_ANY,    /* whatever the JSON says; Go's interface {} */
	TEMPLATE_STRUCT, /* a fixed set of fields: another field is an error; always true */
	TEMPLATE_MAP,    /* any keys; a missing one is the zero value of `elem` */
	TEMPLATE_LIST,
	TEMPLATE_STRING,
	TEMPLATE_INT,
	TEMPLATE_FLOAT,
	TEMPLATE_BOOL
};

struct template_field;

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
 * A computed field of the root object, such as .Label "key" of `docker ps`. Looked up before the
 * object's keys. @params has one letter per argument: 's' string, 'i' integer, 'v' any.
 * @call sets *@ret to a new reference (NULL: nil) and returns 0, or fills @e.
 */
struct template_method {
	const char *name;
	const char *params;
	int (*call)(void *ctx, struct json_object *const *args, size_t count,
		    struct json_object **ret, struct err *e);
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
	size_t output_max; /* 0: TEMPLATE_OUTPUT_MAX */
};

/** Takes the next piece of output. Returns 0, or a negative errno with @e filled. */
typedef int (*template_write_fn)(void *ctx, const char *data, size_t len, struct err *e);

/**
 * Parse @text. On success *@ret is owned by the caller: template_free().
 * Errors: -E2BIG (longer than TEMPLATE_TEXT_MAX or nested too deep), -EINVAL (syntax; the text
 * is Go's: `template: :1: function "foo" not defined`).
 */
int template_parse(const char *text, size_t len, struct template **ret, struct err *e);

/**
 * Execute @t over @data. As in Go, output before a failure may have been written already: a
 * caller that wants all or nothing collects it and drops it.
 * Errors: -EINVAL (`template: :1:2: executing "" at <.Foo>: ...`), -ELOOP, -ENOBUFS (limits),
 * and what @out or a method returned.
 */
int template_execute(const struct template *t, const struct template_data *data,
		     template_write_fn out, void *ctx, struct err *e);

void template_free(struct template *t);
void template_freep(struct template **t);
#define CLEANUP_TEMPLATE __attribute__((cleanup(template_freep)))

/**
 * Call @found for the top-level field of every .Field and $.Field that the main template looks up
 * in its root object, in order of appearance and with repetitions. Lets `ps` compute only the
 * columns that are asked for (sizes are expensive). Returns true when the root is also used as a
 * whole ({{json .}}, {{template "x" .}}, {{with}} or {{range}} over it): then all are needed.
 */
bool template_fields(const struct template *t, void (*found)(void *ctx, const char *name),
		     void *ctx);
