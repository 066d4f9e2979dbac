/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Dockerfile taken apart: lines to instructions, each with its flags and here-documents. What an
 * instruction means is not known here. Read dockerfile.c next, then expand.h.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/shape.h"

enum {
	DOCKERFILE_MAX = 1 << 20,
	DOCKERFILE_INSTRUCTIONS_MAX = 10000,
	DOCKERFILE_INSTRUCTION_MAX = 64 << 10, /* bytes of one, without its here-documents */
	DOCKERFILE_HEREDOCS_MAX = 100          /* of one instruction */
};

struct heredoc {
	char *name, *text; /* without the line that ends it */
	bool expand;       /* its name was not quoted */
};

enum instruction_kind {
	INSTRUCTION_ADD,
	INSTRUCTION_ARG,
	INSTRUCTION_CMD,
	INSTRUCTION_COPY,
	INSTRUCTION_ENTRYPOINT,
	INSTRUCTION_ENV,
	INSTRUCTION_EXPOSE,
	INSTRUCTION_FROM,
	INSTRUCTION_HEALTHCHECK,
	INSTRUCTION_LABEL,
	INSTRUCTION_MAINTAINER,
	INSTRUCTION_ONBUILD,
	INSTRUCTION_RUN,
	INSTRUCTION_SHELL,
	INSTRUCTION_STOPSIGNAL,
	INSTRUCTION_USER,
	INSTRUCTION_VOLUME,
	INSTRUCTION_WORKDIR,
	INSTRUCTION_KINDS
};

struct instruction {
	enum instruction_kind kind;
	const char *name;  /* "RUN" */
	char *typed;       /* the same as it was written */
	struct strv flags; /* "from=base", "link=true" */
	char *rest;        /* what follows them, lines joined */
	char *text;        /* all of it in one line, for people */
	struct array heredocs;
	int first, last; /* lines, from 1 */
	bool gap;        /* an empty line in the middle of it */
};

struct dockerfile {
	const char *name; /* for messages */
	char escape;
	char *syntax, *check; /* directives, or NULL */
	struct strv lines;
	struct instruction *items;
	size_t count;
};

/** Errors name the line. @text has @len bytes and a NUL behind. */
int dockerfile_parse(const char *name, const char *text, size_t len, struct arena *a,
		     struct dockerfile *ret, struct err *e);
/** One instruction alone, as ONBUILD keeps it; @line is what it counts as. */
int dockerfile_parse_one(const char *text, char escape, int line, struct arena *a,
			 struct instruction *ret, struct err *e);
/** The value of the last such flag, or NULL. */
const char *instruction_flag(const struct instruction *in, const char *name);
/** Whether a flag that takes no value is there and not "false". */
bool instruction_has(const struct instruction *in, const char *name);
/** The lines around @first to @last, marked, as BuildKit shows where something failed. */
void dockerfile_show(const struct dockerfile *d, int first, int last, FILE *to);
