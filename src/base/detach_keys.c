/* SPDX-License-Identifier: Apache-2.0 */
/* Detach keys: docker's grammar, and a matcher that holds back no more than a begun sequence. */
#include "base/detach_keys.h"

#include <errno.h>
#include <string.h>

/* One key of @len characters; -1: none. */
static int key_parse(const char *text, size_t len)
{
	if (len == 1)
		return (unsigned char)*text;
	if (len == 3 && !memcmp(text, "DEL", 3))
		return 127;
	if (len != 6 || memcmp(text, "ctrl-", 5) != 0)
		return -1;
	if (text[5] >= 'a' && text[5] <= 'z')
		return text[5] - 'a' + 1;
	static const char others[] = "@[\\]^_";
	static const unsigned char codes[] = {0, 27, 28, 29, 30, 31};
	const char *at = strchr(others, text[5]);
	return at ? codes[at - others] : -1;
}

int detach_keys_parse(const char *text, struct detach_keys *ret, struct err *e)
{
	struct detach_keys d = {0};
	for (const char *p = text;;) {
		size_t len = strcspn(p + (*p == ','), ",") + (*p == ',');
		int key = key_parse(p, len);
		if (key < 0 || d.count == DETACH_KEYS_MAX) {
			err_set(e, EINVAL, ERR_USAGE, "invalid detach keys (%s) provided", text);
			return err_hint(
				e,
				"for example %s: single characters and ctrl-<a-z@[\\]^_>, at most "
				"%d",
				DETACH_KEYS_DEFAULT, DETACH_KEYS_MAX);
		}
		d.keys[d.count++] = (unsigned char)key;
		p += len;
		if (!*p)
			break;
		p++;
	}
	*ret = d;
	return 0;
}

/* The longest proper beginning of the sequence that the @held typed keys and @next end with. */
static size_t fall_back(const struct detach_keys *d, unsigned char next)
{
	unsigned char typed[DETACH_KEYS_MAX + 1];
	memcpy(typed, d->keys, d->held);
	typed[d->held] = next;
	for (size_t keep = d->held; keep > 0; keep--)
		if (!memcmp(typed + d->held + 1 - keep, d->keys, keep))
			return keep;
	return 0;
}

bool detach_keys_filter(struct detach_keys *d, const unsigned char *in, size_t len,
			unsigned char *out, size_t *ret_len)
{
	size_t used = 0;
	*ret_len = 0;
	for (size_t i = 0; i < len; i++) {
		if (d->count && in[i] == d->keys[d->held]) {
			if (++d->held == d->count) {
				*ret_len = used;
				return true;
			}
			continue;
		}
		size_t keep = fall_back(d, in[i]);
		size_t give = d->held + 1 - keep; /* the oldest held keys, perhaps this one too */
		size_t keys = give < d->held ? give : d->held;
		memcpy(out + used, d->keys, keys);
		used += keys;
		if (give > d->held)
			out[used++] = in[i];
		d->held = keep;
	}
	*ret_len = used;
	return false;
}
