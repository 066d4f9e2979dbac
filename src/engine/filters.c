/* SPDX-License-Identifier: Apache-2.0 */
/* Read filters.h first. */
#include "engine/filters.h"

#include <ctype.h>
#include <errno.h>
#include <regex.h>
#include <string.h>

#include "base/units.h"
#include "engine/network.h"
#include "engine/secret.h"

int filter_bool(const char *filter, bool *ret, struct err *e)
{
	size_t key = strcspn(filter, "=");
	const char *value = filter + key + (filter[key] == '=');
	if (bool_parse(value, ret) == 0)
		return 0;
	err_set(e, EINVAL, ERR_INVALID, "invalid filter '%.*s=[%.100s]'", (int)key, filter, value);
	return err_hint(e, "it is true or false");
}

const char *text_after(const char *text, const char *prefix)
{
	size_t len = strlen(prefix);
	return strncmp(text, prefix, len) ? NULL : text + len;
}

/* Of an expression. What repeats by numbers, or looks back, may take all memory and all time; each
 * + doubles what is before it. */
enum { EXPRESSION_MAX = 256, PLUS_MAX = 8 };

/* Of "\\d" and the like, which docker's expressions have, regcomp(3) would make a plain d. */
static bool is_taken(const char *value)
{
	size_t plus = 0;
	for (const char *at = value; *at; at++) {
		plus += *at == '+';
		if (*at == '\\' && at[1] && isalnum((unsigned char)*++at) && !strchr("wWsSbB", *at))
			return false;
	}
	return strlen(value) <= EXPRESSION_MAX && plus <= PLUS_MAX && !strchr(value, '{');
}

int filter_finds(const char *text, const char *value, struct err *e)
{
	regex_t expression;
	if (strstr(text, value))
		return 1;
	if (!value[strcspn(value, "\\^$.[|()?*+{")])
		return 0;
	if (!is_taken(value) || regcomp(&expression, value, REG_EXTENDED | REG_NOSUB)) {
		err_set(e, EINVAL, ERR_INVALID,
			"invalid filter: '%.*s' is no regular expression that hull takes",
			EXPRESSION_MAX, value);
		return err_hint(e,
				"see regex(7): up to %d bytes and %d times +, without {}, \\1, \\d "
				"and (?i)",
				EXPRESSION_MAX, PLUS_MAX);
	}
	int r = regexec(&expression, text, 0, NULL, 0) == 0;
	regfree(&expression);
	return r;
}

int filter_unknown(const char *filter, const char *known, struct err *e)
{
	err_set(e, EINVAL, ERR_INVALID, "invalid filter '%s'", filter);
	return err_hint(e, "known filters: %s", known);
}

int filters_check(const struct strv *filters, list_filter_fn matches, const void *none,
		  struct err *e)
{
	int r = 0;
	for (size_t i = 0; r >= 0 && i < filters->count; i++)
		r = matches(none, filters->items[i], e);
	return r < 0 ? r : 0;
}

int filters_all_match(const struct strv *filters, list_filter_fn matches, const void *ctx,
		      struct err *e)
{
	for (size_t i = 0; i < filters->count; i++) {
		const char *filter = filters->items[i];
		size_t key = strcspn(filter, "=") + 1;
		int r = matches(ctx, filter, e);
		for (size_t k = 0; r == 0 && k < filters->count; k++)
			if (strncmp(filter, "label=", 6) != 0 &&
			    !strncmp(filter, filters->items[k], key))
				r = matches(ctx, filters->items[k], e);
		if (r <= 0)
			return r;
	}
	return 1;
}

/* 1 it matches, 0 it does not, -EINVAL no such filter. */
int volume_filter_matches(const void *row, const char *filter, struct err *e)
{
	const struct volume *v = row;
	const char *value;
	bool yes;
	if ((value = text_after(filter, "name=")))
		return filter_finds(v->name, value, e);
	if ((value = text_after(filter, "label=")))
		return kvs_holds(&v->labels, value);
	if ((value = text_after(filter, "driver=")))
		return !strcmp(value, "local");
	if ((value = text_after(filter, "dangling=")))
		return filter_bool(filter, &yes, e) < 0 ? -EINVAL : yes == (v->uses == 0);
	return filter_unknown(filter, "dangling driver label name", e);
}

/* Of names and ids swarm takes beginnings. */
int secret_filter_matches(const void *row, const char *filter, struct err *e)
{
	const struct secret *s = row;
	const char *value;
	if ((value = text_after(filter, "name=")))
		return text_after(s->name, value) != NULL;
	if ((value = text_after(filter, "names=")))
		return !strcmp(s->name, value);
	if ((value = text_after(filter, "id=")))
		return text_after(s->id, value) != NULL;
	if ((value = text_after(filter, "label=")))
		return kvs_holds(&s->labels, value);
	return filter_unknown(filter, "id label name names", e);
}

int network_filter_matches(const void *row, const char *filter, struct err *e)
{
	const struct network_candidate *x = row;
	const struct network *n = x->network;
	const char *value;
	int64_t uses = 0;
	if ((value = text_after(filter, "name=")))
		return filter_finds(n->name, value, e);
	if ((value = text_after(filter, "id=")))
		return filter_finds(n->id, value, e);
	if ((value = text_after(filter, "label=")))
		return kvs_holds(&n->config.labels, value);
	if ((value = text_after(filter, "driver=")))
		return n->config.driver && !strcmp(value, n->config.driver);
	if ((value = text_after(filter, "scope=")))
		return !strcmp(value, "local");
	if ((value = text_after(filter, "type="))) {
		if (strcmp(value, "builtin") != 0 && strcmp(value, "custom") != 0) {
			err_set(e, EINVAL, ERR_INVALID, "invalid filter: 'type'='%s'", value);
			return err_hint(e, "it is builtin or custom");
		}
		return !strcmp(value, network_is_builtin(n->name) ? "builtin" : "custom");
	}
	if ((value = text_after(filter, "dangling="))) {
		bool yes;
		int r = filter_bool(filter, &yes, e);
		if (r == 0)
			r = network_uses(x->engine, n, &uses, e);
		bool dangling = uses == 0 && !network_is_builtin(n->name);
		return r < 0 ? r : yes == dangling;
	}
	return filter_unknown(filter, "dangling driver id label name scope type", e);
}

int search_filter_matches(const void *row, const char *filter, struct err *e)
{
	const struct image_found *f = row;
	const char *value;
	int64_t stars;
	bool yes;
	if ((value = text_after(filter, "stars=")))
		return int_parse(value, 0, INT32_MAX, &stars) < 0
			       ? err_set(e, EINVAL, ERR_INVALID, "invalid filter '%s'", filter)
			       : f->stars >= stars;
	if ((value = text_after(filter, "is-official=")))
		return filter_bool(filter, &yes, e) < 0 ? -EINVAL : yes == f->official;
	if ((value = text_after(filter, "is-automated="))) /* none is any more */
		return filter_bool(filter, &yes, e) < 0 ? -EINVAL : !yes;
	return filter_unknown(filter, "stars is-official is-automated", e);
}
