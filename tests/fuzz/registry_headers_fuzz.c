/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: header fields of registries. What is taken is bounded, and fit for a URL; the first
 * byte says which field it is.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "transport/headers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int good)
{
	if (!good)
		abort();
}

static void check_text(const char *text)
{
	check(strlen(text) < CHALLENGE_TEXT_MAX && !strpbrk(text, "\r\n"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_ARENA struct arena a = {0};
	static struct challenge c;
	uint64_t first;
	char url[64];
	if (!size)
		return 0;
	char *text = arena_strndup(&a, (const char *)data + 1, size - 1);
	switch (data[0] % 4) {
	case 0:
		memset(&c, 0, sizeof(c));
		if (challenge_parse(text, &c) == 0)
			check(c.basic || c.bearer);
		check_text(c.realm);
		check_text(c.service);
		check_text(c.scope);
		break;
	case 1:
		check(retry_after_parse(text, 1700000000) >= -EINVAL);
		break;
	case 2:
		if (content_range_parse(text, &first) == 0)
			check(first <= INT64_MAX);
		if (upload_range_parse(text, &first) == 0)
			check(first <= (uint64_t)INT64_MAX + 1);
		break;
	case 3:
		if (link_next_parse(text, url, sizeof(url)) == 0)
			check(*url && !strchr(url, '>'));
	}
	digest_header_is_valid(text);
	return 0;
}
