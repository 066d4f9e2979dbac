/* SPDX-License-Identifier: Apache-2.0 */
/* Random identifiers. Rests on getrandom(2). Read id.h first. */
#include "base/id.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

void hex_encode(const void *data, size_t len, char *out)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *bytes = data;
	for (size_t i = 0; i < len; i++) {
		out[2 * i] = digits[bytes[i] >> 4];
		out[2 * i + 1] = digits[bytes[i] & 15];
	}
	out[2 * len] = '\0';
}

void id_new(char buf[static ID_LEN + 1])
{
	unsigned char raw[ID_LEN / 2];
	do {
		/* Up to 256 bytes never fail nor come short once the pool is ready. */
		if (getrandom(raw, sizeof(raw), 0) != sizeof(raw))
			abort();
		hex_encode(raw, sizeof(raw), buf);
	} while (strspn(buf, "0123456789") >= ID_SHORT_LEN);
}

uint32_t hash_add(uint32_t hash, const void *data, size_t len)
{
	const unsigned char *bytes = data;
	for (size_t i = 0; i < len; i++)
		hash = (hash ^ bytes[i]) * 16777619;
	return hash;
}

bool id_is_hex(const char *text, size_t len)
{
	return len >= 1 && len <= ID_LEN && strspn(text, "0123456789abcdef") >= len;
}
