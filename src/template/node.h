/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parsed template: a tree of nodes in the template's arena.
 * Invariant: immutable after parsing; nested at most TEMPLATE_NESTING_MAX deep, so that walking
 * it may recurse.
 */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "base/strbuf.h"
#include "template/lex.h"

struct template_func;

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
	NODE_BOOL,
	NODE_DOT,
	NODE_NIL,
	NODE_NUMBER,
	NODE_STRING,
	NODE_IDENTIFIER, /* a function */
	NODE_FIELD,      /* .a.b */
	NODE_VARIABLE,   /* $x.a.b */
	NODE_CHAIN       /* (pipeline).a.b */
};

/** A constant is all the types that it can be without loss, as in Go. */
struct number {
	bool is_int, is_float;
	bool prefers_float; /* written with a point or exponent */
	int64_t integer;
	double real;
};

struct node {
	enum node_type type;
	size_t pos;        /* in the source, for messages */
	struct node *next; /* in the list, pipeline or command that holds it */

	struct node *first;            /* members of LIST, PIPE, COMMAND; the operand of CHAIN */
	size_t count;                  /* how many */
	struct node *pipe;             /* of ACTION, IF, RANGE, WITH, TEMPLATE (may be NULL) */
	struct node *body, *otherwise; /* LISTs of IF, RANGE, WITH */

	struct span text;   /* TEXT; IDENTIFIER, TEMPLATE, VARIABLE: the name; STRING: the value */
	struct span source; /* NUMBER, STRING: as written */
	struct span *names; /* FIELD, VARIABLE, CHAIN: fields; PIPE: variables it sets */
	size_t name_count;
	bool assign; /* PIPE: = rather than := */
	bool truth;  /* BOOL */
	struct number number;
	const struct template_func *func;
};

/** A template with a name: {{define}}, {{block}}, or the main one, whose name is "". */
struct definition {
	struct span name;
	struct node *body;
	struct definition *next;
};

struct template
{
	struct arena arena;
	struct span text;
	const struct definition *main;
	struct definition *definitions; /* includes main */
};

bool template_span_equal(struct span a, struct span b);
/** NULL when there is none. */
const struct definition *template_definition(const struct template *t, struct span name);
/** Append @n as Go writes it in messages. */
void template_node_print(const struct node *n, struct strbuf *out);
/** Nothing but spaces? Such a definition may be replaced. */
bool template_node_empty(const struct node *n);
