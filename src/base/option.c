/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The option parser. Rests on nothing but the tables; getopt_long(3) has neither pflag's bundling
 * with
 * "=" nor its texts, which scripts and people know. Read option.h first.
 */
#include "base/option.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/option_value.h"
#include "base/suggest.h"

struct parser {
	const struct option_request *q;
	struct arena *arena;
	char *const *argv;
	size_t argc, next;
	struct err *e;
};

/* An option and the struct that its offset counts in. */
struct found {
	const struct option *option;
	void *values;
};

static const struct option help_option = {
	.name = "help", .type = OPTION_BOOL, .help = "Print usage"};

bool option_takes_value(const struct option *o)
{
	return !o->implied && option_value_type(o->type)->takes_value;
}

const char *option_arg(const struct option *o)
{
	return o->arg ? o->arg : option_value_type(o->type)->arg;
}

int option_apply(const struct option *o, void *values, const char *value, struct arena *a,
		 struct err *e)
{
	option_set_fn set = o->set ? o->set : option_value_type(o->type)->set;
	return set((char *)values + o->offset, value, a, e);
}

static bool name_matches(const struct option *o, const char *name, size_t len)
{
	return strlen(o->name) == len && !memcmp(o->name, name, len);
}

static struct found find(const struct parser *p, const char *name, size_t len, char letter)
{
	for (size_t t = 0; t < p->q->table_count; t++) {
		const struct option_table *table = &p->q->tables[t];
		for (size_t i = 0; i < table->count; i++) {
			const struct option *o = &table->items[i];
			if (letter ? o->letter == letter : name_matches(o, name, len))
				return (struct found){o, p->q->values[t]};
		}
	}
	/* After the tables: in `run`, -h is the host name. */
	if (letter ? letter == 'h' : name_matches(&help_option, name, len))
		return (struct found){&help_option, NULL};
	return (struct found){0};
}

static void suggest_option(const struct parser *p, const char *name, size_t len)
{
	const char *word = arena_strndup(p->arena, name, len);
	struct suggestion best = suggestion_for(word);
	for (size_t t = 0; t < p->q->table_count; t++)
		for (size_t i = 0; i < p->q->tables[t].count; i++) {
			const struct option *o = &p->q->tables[t].items[i];
			if (!(o->flags & OPTION_HIDDEN) && !option_is_refused(o))
				suggestion_offer(&best, o->name);
		}
	if (best.name)
		err_hint(p->e, "did you mean --%s?", best.name);
}

static int apply(struct parser *p, const struct found *f, const char *value)
{
	const struct option *o = f->option;
	if (option_is_refused(o))
		return err_set(p->e, ENOTSUP, ERR_USAGE, "--%s is not supported: %s", o->name,
			       o->help);
	struct err why = {0};
	int r = option_apply(o, f->values, value, p->arena, &why);
	if (r >= 0 && p->q->given) {
		strv_push(p->arena, p->q->given, o->name);
		strv_push(p->arena, p->q->given, value);
	}
	if (r >= 0)
		return 0;
	char letter[5] = "";
	if (o->letter)
		snprintf(letter, sizeof(letter), "-%c, ", o->letter);
	err_set(p->e, EINVAL, ERR_USAGE, "invalid argument \"%s\" for \"%s--%s\" flag: %s", value,
		letter, o->name, why.text);
	if (*why.hint)
		err_hint(p->e, "%s", why.hint);
	return -EINVAL;
}

/* --name, --name=value, --name value. 1: help. */
static int parse_long(struct parser *p, const char *word)
{
	const char *name = word + 1 + (word[1] == '-'), *value = strchr(name, '=');
	size_t len = value ? (size_t)(value - name) : strlen(name);
	if (!len || *name == '-')
		return err_set(p->e, EINVAL, ERR_USAGE, "bad flag syntax: %s", word);
	struct found f = find(p, name, len, 0);
	if (!f.option) {
		err_set(p->e, EINVAL, ERR_USAGE, "unknown flag: --%.*s", (int)len, name);
		suggest_option(p, name, len);
		return -EINVAL;
	}
	if (f.option == &help_option)
		return 1;
	if (value)
		return apply(p, &f, value + 1);
	if (!option_takes_value(f.option))
		return apply(p, &f, f.option->implied ? f.option->implied : "true");
	if (p->next == p->argc)
		return err_set(p->e, EINVAL, ERR_USAGE, "flag needs an argument: %s", word);
	return apply(p, &f, p->argv[p->next++]);
}

static bool is_long(const struct parser *p, const char *word)
{
	size_t len = strcspn(word + 1, "=");
	return word[1] == '-' ||
	       (p->q->one_dash && len > 1 && find(p, word + 1, len, 0).option != NULL);
}

/* -x, -xyz, -xvalue, -x=value, -x value. 1: help. */
static int parse_letters(struct parser *p, const char *word)
{
	for (const char *at = word + 1; *at; at++) {
		struct found f = find(p, NULL, 0, *at);
		if (!f.option)
			return err_set(p->e, EINVAL, ERR_USAGE,
				       "unknown shorthand flag: '%c' in -%s", *at, at);
		if (f.option == &help_option)
			return 1;
		if (at[1] == '=')
			return apply(p, &f, at + 2);
		if (!option_takes_value(f.option)) {
			int r = apply(p, &f, f.option->implied ? f.option->implied : "true");
			if (r < 0)
				return r;
			continue;
		}
		if (at[1])
			return apply(p, &f, at + 1);
		if (p->next == p->argc)
			return err_set(p->e, EINVAL, ERR_USAGE,
				       "flag needs an argument: '%c' in -%s", *at, at);
		return apply(p, &f, p->argv[p->next++]);
	}
	return 0;
}

static int apply_defaults(const struct parser *p)
{
	for (size_t t = 0; t < p->q->table_count; t++)
		for (size_t i = 0; i < p->q->tables[t].count; i++) {
			const struct option *o = &p->q->tables[t].items[i];
			if (!o->initial)
				continue;
			int r = option_apply(o, p->q->values[t], o->initial, p->arena, p->e);
			if (r < 0)
				return r;
		}
	return 0;
}

int options_parse(const struct option_request *q, struct arena *a, char *const *argv, size_t argc,
		  struct strv *args, struct err *e)
{
	struct parser p = {.q = q, .arena = a, .argv = argv, .argc = argc, .e = e};
	int r = apply_defaults(&p);
	while (r == 0 && p.next < argc) {
		const char *word = argv[p.next++];
		if (!strcmp(word, "--"))
			break;
		if (word[0] == '-' && word[1]) {
			r = is_long(&p, word) ? parse_long(&p, word) : parse_letters(&p, word);
			continue;
		}
		strv_push(a, args, word);
		if (q->stop_at_argument)
			break;
	}
	while (r == 0 && p.next < argc)
		strv_push(a, args, argv[p.next++]);
	return r;
}
