/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list format of cpuset(7): numbers and ranges, separated by commas.
 * Invariant: no number is used before it is known to be below CPUSET_BITS. Read cpuset_list.h
 * first.
 */
#include "linux/cpuset_list.h"

#include <errno.h>
#include <string.h>

/* Digits only; anything above CPUSET_BITS stays there instead of overflowing. */
static bool number(const char **text, uint32_t *ret)
{
	uint32_t value = 0;
	const char *p = *text;
	for (; *p >= '0' && *p <= '9'; p++) {
		value = value * 10 + (uint32_t)(*p - '0');
		if (value > CPUSET_BITS)
			value = CPUSET_BITS;
	}
	if (p == *text)
		return false;
	*text = p;
	*ret = value;
	return true;
}

static int range(const char **text, struct cpuset_list *l)
{
	uint32_t first, last;
	if (!number(text, &first))
		return -EINVAL;
	last = first;
	if (**text == '-') {
		(*text)++;
		if (!number(text, &last))
			return -EINVAL;
	}
	if (first > last || last >= CPUSET_BITS)
		return -ERANGE;
	for (uint32_t n = first; n <= last; n++)
		l->words[n / 64] |= (uint64_t)1 << n % 64;
	return 0;
}

int cpuset_list_parse(const char *text, struct cpuset_list *ret)
{
	struct cpuset_list l = {0};
	if (strnlen(text, CPUSET_TEXT_MAX + 1) > CPUSET_TEXT_MAX)
		return -EINVAL;
	while (*text) {
		int r = range(&text, &l);
		if (r < 0)
			return r;
		if (*text == '\0')
			break;
		if (*text++ != ',' || *text == '\0')
			return -EINVAL;
	}
	*ret = l;
	return 0;
}

int cpuset_list_beyond(const struct cpuset_list *a, const struct cpuset_list *b)
{
	for (int i = 0; i < CPUSET_BITS / 64; i++) {
		uint64_t extra = a->words[i] & ~b->words[i];
		if (extra)
			return i * 64 + __builtin_ctzll(extra);
	}
	return -1;
}

bool cpuset_list_is_empty(const struct cpuset_list *l)
{
	static const struct cpuset_list none;
	return !memcmp(l, &none, sizeof(none));
}
