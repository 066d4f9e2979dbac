/* SPDX-License-Identifier: Apache-2.0 */
/* Header, labels, type A, class IN; in answers a name may end with a pointer, which is skipped. */
#include "network/name_query.h"

#include <string.h>
#include <sys/socket.h>

size_t name_question(const char *name, uint16_t id, uint8_t buf[static NAME_MESSAGE_MAX])
{
	size_t at = 12;
	memset(buf, 0, at);
	memcpy(buf, &id, sizeof(id));
	buf[2] = 1; /* recursion is desired */
	buf[5] = 1; /* one question */
	for (const char *label = name; *label;) {
		size_t len = strcspn(label, ".");
		if (!len || len > 63 || at + len > 255)
			return 0;
		buf[at++] = (uint8_t)len;
		memcpy(buf + at, label, len);
		at += len;
		label += len + (label[len] == '.');
	}
	memcpy(buf + at, (const uint8_t[]){0, 0, 1, 0, 1}, 5);
	return at + 5;
}

bool name_answer(const uint8_t *m, size_t size, size_t question, struct ip *ret)
{
	size_t at = question;
	for (unsigned left = size > 12 ? m[6] * 256u + m[7] : 0; left > 0; left--) {
		while (at < size && m[at] && m[at] < 0xc0)
			at += m[at] + 1u;
		at += at < size && m[at] ? 2 : 1;
		if (at + 10 > size)
			return false;
		size_t len = m[at + 8] * 256u + m[at + 9];
		if (at + 10 + len > size)
			return false;
		if (m[at] == 0 && m[at + 1] == 1 && len == 4) {
			*ret = (struct ip){.family = AF_INET};
			memcpy(ret->bytes, m + at + 10, 4);
			return true;
		}
		at += 10 + len;
	}
	return false;
}
