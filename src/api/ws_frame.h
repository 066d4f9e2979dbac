/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames of a WebSocket (RFC 6455, section 5), as a client sends them: taken apart as they come, in
 * pieces of any size, and strictly; payload is unmasked where it lies and never held back. Of a
 * message only its bytes count, so text and binary are the same, and its fragments are not put
 * together.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	WS_HEAD_MAX = 14,        /* with an extended length and a mask */
	WS_CONTROL_MAX = 125,    /* payload of ping, pong and close */
	WS_FRAME_MAX = 16 << 20, /* payload of a frame that a client may send */
	WS_NORMAL = 1000,        /* RFC 6455, section 7.4.1 */
	WS_PROTOCOL_ERROR = 1002,
	WS_TOO_BIG = 1009,
};
enum ws_opcode { WS_CONTINUE, WS_TEXT, WS_BINARY, WS_CLOSE = 8, WS_PING, WS_PONG };

/* All zero at first. */
struct ws_reader {
	unsigned char head[WS_HEAD_MAX];
	size_t have;     /* of the head */
	uint64_t left;   /* of the payload, once the head is there */
	size_t masked;   /* bytes of the payload that were unmasked: where the mask goes on */
	bool in_message; /* the last data frame was not its message's end */
	unsigned char control[WS_CONTROL_MAX];
	size_t control_len;
	uint16_t fault; /* of WS_FAULT: the code to close with */
};

enum ws_event {
	WS_MORE,    /* all was taken */
	WS_DATA,    /* payload at *@ret_data */
	WS_CONTROL, /* `control`, of what kind *@ret_opcode says */
	WS_FAULT    /* nothing more can be understood */
};

/** Take of @data up to the first event; @ret_used: how much of it that was. */
enum ws_event ws_take(struct ws_reader *r, unsigned char *data, size_t len, size_t *ret_used,
		      unsigned char **ret_data, size_t *ret_len, enum ws_opcode *ret_opcode);
/** The head of a whole frame of ours: unmasked, @len bytes of payload. Returns its length. */
size_t ws_head(unsigned char head[WS_HEAD_MAX], enum ws_opcode opcode, size_t len);
