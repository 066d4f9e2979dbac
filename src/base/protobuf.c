/* SPDX-License-Identifier: Apache-2.0 */
/* See protobuf.dev/programming-guides/encoding. Read protobuf.h first. */
#include "base/protobuf.h"

#include <errno.h>
#include <string.h>

enum { VARINT_MAX = 10, FIELD_MAX = (1 << 29) - 1 };

/* ---- reading ---- */

static bool take_varint(struct protobuf *m, uint64_t *ret)
{
	uint64_t value = 0;
	for (unsigned i = 0; i < VARINT_MAX && i < m->left; i++) {
		value |= (uint64_t)(m->at[i] & 0x7f) << (7 * i);
		if (m->at[i] & 0x80)
			continue;
		m->at += i + 1;
		m->left -= i + 1;
		*ret = value;
		return true;
	}
	return false;
}

static bool take_bytes(struct protobuf *m, uint64_t len, struct protobuf *ret)
{
	if (len > m->left)
		return false;
	*ret = (struct protobuf){m->at, (size_t)len};
	m->at += len;
	m->left -= (size_t)len;
	return true;
}

int protobuf_next(struct protobuf *m, struct protobuf_field *ret)
{
	uint64_t key, len = 0;
	struct protobuf bytes;
	if (!m->left)
		return 0;
	*ret = (struct protobuf_field){0};
	if (!take_varint(m, &key) || key >> 3 < 1 || key >> 3 > FIELD_MAX)
		return -EBADMSG;
	ret->number = (uint32_t)(key >> 3);
	ret->type = key & 7;
	switch (ret->type) {
	case PROTOBUF_VARINT:
		return take_varint(m, &ret->value) ? 1 : -EBADMSG;
	case PROTOBUF_BYTES:
		return take_varint(m, &len) && take_bytes(m, len, &ret->bytes) ? 1 : -EBADMSG;
	case PROTOBUF_FIXED64: /* none of those that we know has one */
		return take_bytes(m, 8, &bytes) ? 1 : -EBADMSG;
	case PROTOBUF_FIXED32:
		return take_bytes(m, 4, &bytes) ? 1 : -EBADMSG;
	}
	return -EBADMSG;
}

/* ---- writing ---- */

static void put_varint(struct strbuf *to, uint64_t value)
{
	for (; value > 0x7f; value >>= 7)
		strbuf_putc(to, (char)(value | 0x80));
	strbuf_putc(to, (char)value);
}

void protobuf_put(struct strbuf *to, uint32_t number, uint64_t value)
{
	if (!value)
		return;
	put_varint(to, (uint64_t)number << 3 | PROTOBUF_VARINT);
	put_varint(to, value);
}

void protobuf_put_bytes(struct strbuf *to, uint32_t number, const void *bytes, size_t len)
{
	put_varint(to, (uint64_t)number << 3 | PROTOBUF_BYTES);
	put_varint(to, len);
	strbuf_add(to, bytes, len);
}

void protobuf_put_text(struct strbuf *to, uint32_t number, const char *text)
{
	protobuf_put_bytes(to, number, text, strlen(text));
}

void protobuf_put_time(struct strbuf *to, uint32_t number, int64_t ns)
{
	struct strbuf time = STRBUF_MAX(32);
	protobuf_put(&time, 1, (uint64_t)(ns / 1000000000));
	protobuf_put(&time, 2, (uint64_t)(ns % 1000000000));
	protobuf_put_bytes(to, number, time.buf, time.len);
	strbuf_free(&time);
}
