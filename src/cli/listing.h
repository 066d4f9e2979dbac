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

/** How the rows are to be shown, for the columns. */
struct listing_view {
	struct arena *arena;
	bool no_trunc, human;
	void *more; /* of that list alone */
};

/** A column is a `char *` member of the row (NULL: ""), or what @get makes of the row, in the
 * view's arena. */
struct listing_column {
	const char *name;   /* .ID */
	const char *header; /* "CONTAINER ID" */
	const char *(*get)(const void *row, const struct listing_view *view);
	size_t offset;
};
#define LISTING_MEMBER(type_, member_) NULL, offsetof(type_, member_)

struct listing {
	const char *type;                     /* Go's name of a row, in errors */
	const struct listing_column *columns; /* in alphabetical order, as docker's JSON */
	size_t count;
	const struct kvs *(*labels)(const void *row); /* for .Label "key", or NULL */
};

enum { LISTING_COLUMNS_MAX = 32, LISTING_OUTPUT_MAX = 64 * 1024 * 1024 };

struct listing_out {
	const struct listing *listing;
	struct listing_view view;
	struct template *template;
	struct template_field fields[LISTING_COLUMNS_MAX + 1];
	struct template_type type;
	uint32_t wanted; /* columns, as bits */
	bool table;
	struct strbuf text;
};
void listing_free(struct listing_out *o);
#define CLEANUP_LISTING __attribute__((cleanup(listing_free)))

/** docker's rule for --quiet beside --format: a template of the user's own wins. @id: the template
 * of
 *  --quiet. */
const char *listing_quiet(bool quiet, const char *id, const char *format);
/**
 * Begin. @format: the user's --format ("table", "table TEMPLATE", "json", TEMPLATE) or NULL, which
 * is "table"; @standard: the template of the plain table.
 */
int listing_open(struct listing_out *o, const struct listing *l, const char *format,
		 const char *standard, const struct listing_view *view, struct err *e);
int listing_row(struct listing_out *o, const void *row, struct err *e);
/** Print all of it, aligned when it is a table. */
int listing_print(struct listing_out *o, FILE *out, struct err *e);

/** Help text for --format, the same for every list. */
#define LISTING_FORMAT_HELP                                                                        \
	"Format output using a custom template: 'table' (default), 'table TEMPLATE', 'json', or "  \
	"a Go "                                                                                    \
	"template"
