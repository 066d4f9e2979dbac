/* SPDX-License-Identifier: Apache-2.0 */
/* Read ws_frame.h first; section numbers are those of RFC 6455. */
#include "api/ws_frame.h"

#include <endian.h>
#include <string.h>

enum { FIN = 0x80, RESERVED = 0x70, OPCODE = 0x0f, MASKED = 0x80, LENGTH = 0x7f, MASK = 4 };

static enum ws_event fault(struct ws_reader *r, uint16_t code)
{
	r->fault = code;
	return WS_FAULT;
}

/* How long it is, from what is there of it. */
static size_t head_size(const struct ws_reader *r)
{
	unsigned length = r->head[1] & LENGTH;
	return r->have < 2 ? 2 : 2U + (length == 126 ? 2U : length == 127 ? 8U : 0U) + MASK;
}

static enum ws_opcode opcode_of(const struct ws_reader *r)
{
	return (enum ws_opcode)(r->head[0] & OPCODE);
}

static bool is_control(const struct ws_reader *r)
{
	return opcode_of(r) >= WS_CLOSE;
}

/* The shortest form, 5.2. */
static bool read_length(const struct ws_reader *r, uint64_t *ret)
{
	uint16_t two;
	uint64_t eight;
	memcpy(&two, r->head + 2, sizeof(two));
	memcpy(&eight, r->head + 2, sizeof(eight));
	*ret = r->head[1] & LENGTH;
	if (*ret < 126)
		return true;
	bool small = *ret == 126;
	*ret = small ? be16toh(two) : be64toh(eight);
	return small ? *ret >= 126 : *ret > UINT16_MAX;
}

/* WS_MORE: it may be followed. */
static enum ws_event check_head(struct ws_reader *r)
{
	enum ws_opcode opcode = opcode_of(r);
	bool fin = r->head[0] & FIN, shortest = read_length(r, &r->left);
	if (r->head[0] & RESERVED || !shortest || (opcode > WS_BINARY && opcode < WS_CLOSE) ||
	    opcode > WS_PONG)
		return fault(r, WS_PROTOCOL_ERROR);
	if (is_control(r) && (!fin || r->left > WS_CONTROL_MAX)) /* 5.5 */
		return fault(r, WS_PROTOCOL_ERROR);
	if (!is_control(r) && (opcode == WS_CONTINUE) != r->in_message) /* 5.4 */
		return fault(r, WS_PROTOCOL_ERROR);
	if (r->left > WS_FRAME_MAX)
		return fault(r, WS_TOO_BIG);
	if (is_control(r))
		r->control_len = 0;
	else
		r->in_message = !fin;
	r->masked = 0;
	return WS_MORE;
}

/* WS_MORE: more of it has to come, or it is there. */
static enum ws_event take_head(struct ws_reader *r, const unsigned char *data, size_t len,
			       size_t *used)
{
	while (*used < len && r->have < head_size(r))
		r->head[r->have++] = data[(*used)++];
	/* 5.1; before its mask is waited for. */
	if (r->have >= 2 && !(r->head[1] & MASKED))
		return fault(r, WS_PROTOCOL_ERROR);
	return r->have < 2 || r->have < head_size(r) ? WS_MORE : check_head(r);
}

static void unmask(struct ws_reader *r, unsigned char *data, size_t len)
{
	const unsigned char *mask = r->head + r->have - MASK;
	for (size_t i = 0; i < len; i++)
		data[i] ^= mask[r->masked++ % MASK];
	r->left -= len;
}

enum ws_event ws_take(struct ws_reader *r, unsigned char *data, size_t len, size_t *ret_used,
		      unsigned char **ret_data, size_t *ret_len, enum ws_opcode *ret_opcode)
{
	*ret_used = 0;
	while (!r->fault && *ret_used < len) {
		bool begun = r->have >= 2 && r->have == head_size(r);
		if (!begun && take_head(r, data, len, ret_used) == WS_FAULT)
			break;
		if (r->have < 2 || r->have < head_size(r))
			return WS_MORE;
		unsigned char *payload = data + *ret_used;
		size_t have = len - *ret_used, take = r->left < have ? (size_t)r->left : have;
		unmask(r, payload, take);
		*ret_used += take;
		bool whole = !r->left;
		if (whole)
			r->have = 0;
		if (is_control(r)) {
			memcpy(r->control + r->control_len, payload, take);
			r->control_len += take;
			*ret_opcode = opcode_of(r);
			if (whole)
				return WS_CONTROL;
		} else if (take) {
			*ret_data = payload;
			*ret_len = take;
			return WS_DATA;
		}
	}
	return r->fault ? WS_FAULT : WS_MORE;
}

size_t ws_head(unsigned char head[WS_HEAD_MAX], enum ws_opcode opcode, size_t len)
{
	uint16_t two = htobe16((uint16_t)len);
	uint64_t eight = htobe64(len);
	head[0] = (unsigned char)(FIN | opcode);
	if (len < 126) {
		head[1] = (unsigned char)len;
		return 2;
	}
	bool small = len <= UINT16_MAX;
	head[1] = small ? 126 : 127;
	memcpy(head + 2, small ? (void *)&two : &eight, small ? sizeof(two) : sizeof(eight));
	return small ? 2 + sizeof(two) : 2 + sizeof(eight);
}
