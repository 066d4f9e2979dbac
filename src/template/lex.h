/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens of a template. Trim markers and comments never reach the parser; constants arrive as their
 * values.
 * Invariant: after TOKEN_ERROR or TOKEN_EOF the lexer returns the same again.
 */
#pragma once

#include "template/value.h"

/* A mark such as '|' or '(' is its own type. */
enum token_type {
	TOKEN_ERROR = 256, /* the text is the message */
	TOKEN_EOF,
	TOKEN_TEXT,
	TOKEN_LEFT,     /* {{ */
	TOKEN_RIGHT,    /* }} */
	TOKEN_DECLARE,  /* := */
	TOKEN_CONST,    /* a number, string, character, true, false, nil */
	TOKEN_FUNCTION, /* a word */
	TOKEN_FIELD,    /* .x */
	TOKEN_VARIABLE, /* $ or $x */
	TOKEN_DOT,
	TOKEN_KEYWORD, /* never returned: all that follow are keywords */
	TOKEN_BLOCK,
	TOKEN_BREAK,
	TOKEN_CONTINUE,
	TOKEN_DEFINE,
	TOKEN_ELSE,
	TOKEN_END,
	TOKEN_IF,
	TOKEN_RANGE,
	TOKEN_TEMPLATE,
	TOKEN_WITH
};

struct token {
	int type;
	bool spaced;        /* a space is in front: ".a .b" is two operands, ".a.b" one */
	size_t pos;         /* byte offset in the source */
	struct span text;   /* as written */
	struct value value; /* of TOKEN_CONST */
};

struct lexer {
	struct arena *arena; /* for strings and messages */
	const char *text;
	size_t len, pos;
	size_t action;        /* where the open action began */
	int parens;           /* open ( in this action */
	bool inside;          /* between {{ and }} */
	struct token failure; /* what is returned for ever after an error */
};

struct token template_lex(struct lexer *l);
/** The line, from 1, on which byte @pos stands. */
unsigned template_line(const char *text, size_t pos);
