/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the two halves of the parser share: looking ahead, failing, making nodes. parse.c
 * reads lists and actions, template_parse_pipe.c what stands inside an action.
 * Invariant: after the first failure every function returns NULL or false and `err` is filled.
 */
#pragma once

#include "template/template.h"
#include "template/node.h"

enum { LOOKAHEAD = 3 };

struct parser {
	struct template *t;
	struct arena *arena;
	struct lexer lexer;
	struct token tokens[LOOKAHEAD]; /* tokens[0] is what was read last, or is read next */
	int peeked;                     /* of them not yet consumed; the top one is next */
	unsigned action_line;           /* where the open action starts, 0 outside */
	struct span vars[TEMPLATE_VARIABLES_MAX];
	size_t var_first; /* the first that this definition may see */
	size_t var_count;
	int depth;
	int range_depth;
	struct err *err;
};

/* --- tokens: "word" means not a space --- */
struct token parser_next(struct parser *p);
struct token parser_next_word(struct parser *p);
struct token parser_peek(struct parser *p);
struct token parser_peek_word(struct parser *p);
void parser_backup(struct parser *p);
/** Put @count older tokens back before the one that is next. */
void parser_backup_before(struct parser *p, const struct token *older, int count);
/** The next word must be @type. */
bool parser_expect(struct parser *p, enum token_type type, const char *context);

/** Fail with "template: :LINE: " and the message. Returns NULL. */
void *parser_fail(struct parser *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void *parser_unexpected(struct parser *p, struct token t, const char *context);
/** One level deeper; the caller takes it back from `depth`. */
bool parser_enter(struct parser *p);

struct node *parser_node(struct parser *p, enum node_type type, size_t pos);
/** Append to @parent; @tail is the end of its members. */
void parser_append(struct node *parent, struct node ***tail, struct node *n);
void parser_add_name(struct parser *p, struct node *n, struct span name);
bool parser_add_variable(struct parser *p, struct span name);
/** The value of a string literal. */
bool parser_unquote(struct parser *p, struct span literal, struct span *ret);

/** A pipeline up to and including the token @end. @context: for messages. */
struct node *template_parse_pipe(struct parser *p, const char *context, enum token_type end);
