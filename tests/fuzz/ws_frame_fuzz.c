/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: frames of a WebSocket. In one piece and in many they come to the same: the same
 * bytes, the same controls, the same fault. The first byte says how long the pieces are.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "api/ws_frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct heard {
	uint64_t data, controls; /* sums that depend on the order */
	size_t len, control_count;
	uint16_t fault;
};

static void check(int good)
{
	if (!good)
		abort();
}

static void add(uint64_t *sum, const unsigned char *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		*sum = *sum * 31 + p[i] + 1;
}

/* False: nothing more. */
static int take(struct ws_reader *r, unsigned char *at, size_t len, size_t *used, struct heard *h)
{
	unsigned char *payload;
	enum ws_opcode opcode;
	size_t n;
	switch (ws_take(r, at, len, used, &payload, &n, &opcode)) {
	case WS_MORE:
		check(*used == len);
		break;
	case WS_DATA:
		check(n && payload >= at && payload + n <= at + *used);
		add(&h->data, payload, n);
		h->len += n;
		break;
	case WS_CONTROL:
		check(r->control_len <= WS_CONTROL_MAX && opcode >= WS_CLOSE && opcode <= WS_PONG);
		add(&h->controls, r->control, r->control_len);
		h->control_count++;
		break;
	case WS_FAULT:
		h->fault = r->fault;
		check(h->fault);
		return 0;
	}
	check(*used <= len && *used);
	return 1;
}

static struct heard hear(const uint8_t *data, size_t size, size_t piece)
{
	struct ws_reader r = {0};
	struct heard h = {0};
	for (size_t at = 0, used; at < size; at += piece) {
		size_t len = size - at < piece ? size - at : piece;
		unsigned char *copy = malloc(len);
		memcpy(copy, data + at, len);
		for (size_t i = 0; i < len && !h.fault; i += used)
			if (!take(&r, copy + i, len - i, &used, &h))
				break;
		free(copy);
		if (h.fault)
			break;
	}
	return h;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	struct heard whole = hear(data + 1, size - 1, size);
	struct heard parts = hear(data + 1, size - 1, data[0] % 16 + 1);
	check(whole.data == parts.data && whole.len == parts.len);
	check(whole.controls == parts.controls && whole.control_count == parts.control_count);
	check(whole.fault == parts.fault && whole.len <= size);
	return 0;
}
