/* SPDX-License-Identifier: Apache-2.0 */
/* Three bytes are four digits. Read base64.h first. */
#include "base/base64.h"

#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char *base64_encode(const char *text, struct arena *a)
{
	return base64_encode_bytes(text, strlen(text), a);
}

char *base64_encode_bytes(const void *bytes, size_t len, struct arena *a)
{
	const unsigned char *p = bytes;
	size_t n = 0;
	char *to = arena_alloc(a, (len + 2) / 3 * 4 + 1);
	for (size_t i = 0; i < len; i += 3) {
		unsigned v = (unsigned)p[i] << 16;
		v |= i + 1 < len ? (unsigned)p[i + 1] << 8 : 0;
		v |= i + 2 < len ? p[i + 2] : 0;
		for (size_t k = 0; k < 4; k++)
			to[n++] = i + k > len ? '=' : digits[v >> (18 - 6 * k) & 63];
	}
	return to;
}

char *base64_decode(const char *text, struct arena *a)
{
	size_t len = strcspn(text, "="), n = 0;
	char *to = arena_alloc(a, len + 1);
	unsigned v = 0, bits = 0;
	for (size_t i = 0; i < len; i++) {
		const char *at = text[i] ? strchr(digits, text[i]) : NULL;
		if (!at)
			return NULL;
		v = v << 6 | (unsigned)(at - digits);
		bits += 6;
		if (bits >= 8)
			to[n++] = (char)(v >> (bits -= 8));
		v &= (1U << bits) - 1;
	}
	return to;
}
