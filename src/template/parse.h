/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parsed template: a tree of nodes in the template's arena.
 * Invariant: immutable after parsing; nested at most TEMPLATE_NESTING_MAX deep, so that walking
 * it may recurse.
 */
#pragma once

#include "template/value.h"

enum node_type {
	NODE_TEXT,
	NODE_ACTION,
	NODE_IF,
	NODE_RANGE,
	NODE_WITH,
	NODE_BREAK,
	NODE_CONTINUE,
	NODE_TEMPLATE,
	NODE_LIST, /* what stands between two control actions */
	/* What follows stands inside actions. */
	NODE_PIPE,    /* commands; the value of one is the last argument of the next */
	NODE_COMMAND, /* operands; the first may be a function or method */
	NODE_CONST,
	NODE_DOT,
	NODE_FUNCTION,
	NODE_FIELD,   /* .name of `first`, or of dot */
	NODE_VARIABLE /* $x */
};

struct node {
	enum node_type type;
	size_t pos;         /* in the source, for messages */
	struct span source; /* as written, for messages */
	struct node *next;  /* in the list, pipeline or command that holds it */

	struct node *first;            /* members of LIST, PIPE, COMMAND; what a FIELD is of */
	struct node *pipe;             /* of ACTION, IF, RANGE, WITH, TEMPLATE (may be NULL) */
	struct node *body, *otherwise; /* LISTs of IF, RANGE, WITH */

	const char *name;   /* FUNCTION, FIELD, VARIABLE, TEMPLATE */
	struct value value; /* CONST, TEXT */
	const struct template_func *func;

	const char *vars[2]; /* PIPE: what it declares or, with `assign`, sets */
	int var_count;
	bool assign;
};

/** A template with a name: {{define}}, {{block}}; the main one's name is "". */
struct definition {
	const char *name;
	struct node *body;
	struct definition *next;
};

struct template
{
	struct arena arena;
	const char *text;
	struct definition main;
	struct definition *definitions;
};

/** NULL when there is none. */
const struct definition *template_definition(const struct template *t, const char *name);
/** In double quotes, for messages. */
const char *template_quoted(struct arena *a, const char *s, size_t len);
