/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of objects as `ps`, `images`, `history` and `volume ls` print them: a table, JSON lines, or
 * the user's Go template, over columns that each command names in one const table. A column's value
 * is computed only if the format asks for it.
 */
#pragma once

#include <json-c/json.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/strbuf.h"
#include "template/template.h"

struct listing_column {
	const char *name;   /* .ID */
	const char *header; /* "CONTAINER ID" */
	/** A new object for @item; NULL is printed as <no value>. */
	struct json_object *(*get)(const void *item, void *ctx);
};

struct listing {
	const char *type;                     /* Go's name of a row, in errors */
	const struct listing_column *columns; /* in alphabetical order, as docker's JSON */
	size_t count;
	const struct kvs *(*labels)(const void *item); /* for .Label "key", or NULL */
};

enum { LISTING_COLUMNS_MAX = 32, LISTING_OUTPUT_MAX = 64 * 1024 * 1024 };

struct listing_out {
	const struct listing *listing;
	void *ctx;
	struct template *template;
	struct template_field fields[LISTING_COLUMNS_MAX + 1];
	struct template_type type;
	uint32_t wanted; /* columns, as bits */
	bool table;
	struct strbuf text;
};
void listing_free(struct listing_out *o);
#define CLEANUP_LISTING __attribute__((cleanup(listing_free)))

/**
 * Begin. @format: the user's --format ("table", "table TEMPLATE", "json", TEMPLATE) or NULL, which
 * is "table"; @standard: the template of the plain table. @ctx goes to the columns.
 */
int listing_open(struct listing_out *o, const struct listing *l, const char *format,
		 const char *standard, void *ctx, struct err *e);
/** Whether the format asks for this column. */
bool listing_wants(const struct listing_out *o, const char *column);
int listing_row(struct listing_out *o, const void *item, struct err *e);
/** Print all of it, aligned when it is a table. */
int listing_print(struct listing_out *o, FILE *out, struct err *e);

/** Help text for --format, the same for every list. */
#define LISTING_FORMAT_HELP                                                                        \
	"Format output using a custom template: 'table' (default), 'table TEMPLATE', 'json', or "  \
	"a Go "                                                                                    \
	"template"
