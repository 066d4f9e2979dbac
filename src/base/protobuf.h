/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages of protocol buffers, field by field: what BuildKit's clients speak. There are a dozen
 * small messages, so there is no generated code and no description of them: who reads one takes the
 * fields that it knows and passes over the others, as the encoding wants it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/strbuf.h"

enum protobuf_type {
	PROTOBUF_VARINT = 0,
	PROTOBUF_FIXED64 = 1,
	PROTOBUF_BYTES = 2,
	PROTOBUF_FIXED32 = 5
};

/** What is left of a message. */
struct protobuf {
	const uint8_t *at;
	size_t left;
};
struct protobuf_field {
	uint32_t number;
	enum protobuf_type type;
	uint64_t value;        /* of numbers */
	struct protobuf bytes; /* a text, bytes, or a message; else empty */
};

/** The next field; 0: there is none, -EBADMSG: this is no message. */
int protobuf_next(struct protobuf *message, struct protobuf_field *ret);

/** A number; 0 is what is not there, and is left out. */
void protobuf_put(struct strbuf *to, uint32_t number, uint64_t value);
/** A text, bytes, or a message; empty ones, too. */
void protobuf_put_bytes(struct strbuf *to, uint32_t number, const void *bytes, size_t len);
void protobuf_put_text(struct strbuf *to, uint32_t number, const char *text);
/** google.protobuf.Timestamp of @ns since 1970. */
void protobuf_put_time(struct strbuf *to, uint32_t number, int64_t ns);
