/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens of a template. Spaces inside an action are tokens too, because `.a .b` is two operands
 * and `.a.b` is one. Trim markers and comments never reach the parser.
 * Invariant: a token's text points into the source, but for TOKEN_ERROR, whose text is a message
 * in the lexer; after TOKEN_ERROR or TOKEN_EOF the lexer returns the same again.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum token_type {
	TOKEN_ERROR,
	TOKEN_EOF,
	TOKEN_TEXT,
	TOKEN_LEFT,  /* {{ */
	TOKEN_RIGHT, /* }} */
	TOKEN_SPACE,
	TOKEN_ASSIGN,  /* = */
	TOKEN_DECLARE, /* := */
	TOKEN_PIPE,
	TOKEN_CHAR, /* any other printable character, such as a comma */
	TOKEN_LEFT_PAREN,
	TOKEN_RIGHT_PAREN,
	TOKEN_BOOL,
	TOKEN_RUNE, /* 'x' */
	TOKEN_NUMBER,
	TOKEN_STRING,     /* "x" */
	TOKEN_RAW_STRING, /* `x` */
	TOKEN_IDENTIFIER,
	TOKEN_FIELD,    /* .x */
	TOKEN_VARIABLE, /* $ or $x */
	TOKEN_KEYWORD,  /* never returned: all that follow are keywords */
	TOKEN_BLOCK,
	TOKEN_BREAK,
	TOKEN_CONTINUE,
	TOKEN_DEFINE,
	TOKEN_DOT,
	TOKEN_ELSE,
	TOKEN_END,
	TOKEN_IF,
	TOKEN_NIL,
	TOKEN_RANGE,
	TOKEN_TEMPLATE,
	TOKEN_WITH
};

/** A piece of text that somebody else owns; not NUL-terminated. */
struct span {
	const char *s;
	size_t len;
};

struct token {
	enum token_type type;
	size_t pos;    /* byte offset in the source */
	unsigned line; /* of its first byte, from 1 */
	struct span text;
};

struct lexer {
	const char *text;
	size_t len;
	size_t pos;
	size_t start;   /* of the token being read */
	size_t counted; /* newlines before here are in `line` */
	unsigned line;  /* of `counted` */
	int parens;     /* open ( in this action */
	bool inside;    /* between {{ and }} */
	bool failed;
	struct token failure; /* what is returned for ever after an error */
	char message[96];
};

void template_lex_start(struct lexer *l, const char *text, size_t len);
struct token template_lex_next(struct lexer *l);
