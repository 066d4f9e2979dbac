/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The instructions that only change the image's config, and ARG. What follows the name is expanded
 * here; what it means to the config is known in image/change.c, which `commit -c` uses too. Read
 * internal.h first.
 */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "build/internal.h"

struct expand step_expand(struct build *b, const struct build_stage *s)
{
	return (struct expand){
		.vars = {s ? &s->image.config.env : NULL, s ? &s->args : &b->globals},
		.escape = b->file.escape,
		.a = b->a,
	};
}

void step_history(struct build *b, struct build_stage *s, const char *text,
		  const struct step_key *key, bool empty)
{
	char now[TIME_TEXT_SIZE];
	struct oci_history *h = array_push(b->a, &s->image.history, sizeof(*h));
	h->created_by = arena_strdup(b->a, text);
	h->comment = key && b->q->cache_inline
			     ? arena_printf(b->a, HISTORY_COMMENT " sha256:%s", key->words)
			     : HISTORY_COMMENT;
	h->empty_layer = empty;
	/* An instruction that made nothing takes its time from the image, at the end. */
	if (!empty)
		h->created = arena_strdup(b->a, time_format(s->created, now));
}

/* ---- ARG ---- */

static const char *build_arg(struct build *b, const char *name)
{
	const char *value = strv_get_env(&b->q->args, name);
	for (size_t i = 0; i < b->q->args.count && !value; i++)
		if (!strcmp(b->q->args.items[i], name))
			value = secure_getenv(name);
	if (value)
		strv_push(b->a, &b->used_args, name);
	return value;
}

int step_arg(struct build *b, struct build_stage *s, const struct instruction *in, struct err *e)
{
	struct strv words = {0};
	int r = expand_split(in->rest, b->file.escape, b->a, &words, e);
	for (size_t i = 0; r == 0 && i < words.count; i++) {
		struct expand x = step_expand(b, s);
		char *word = words.items[i], *value = NULL;
		char *equals = strchr(word, '=');
		char *name = equals ? arena_strndup(b->a, word, (size_t)(equals - word)) : word;
		if (equals && (r = expand_word(&x, equals + 1, &value, e)) < 0)
			return r;
		r = expand_word(&x, name, &name, e);
		if (r == 0 && !*name)
			return err_set(e, EINVAL, ERR_INVALID, "ARG names can not be blank");
		const char *given = build_arg(b, name);
		if (!given && !value && s)
			given = strv_get_env(&b->globals, name);
		if (given)
			value = (char *)given;
		if (s)
			strv_push(b->a, &s->declared, name);
		if (value)
			strv_set_env(b->a, s ? &s->args : &b->globals,
				     arena_printf(b->a, "%s=%s", name, value));
	}
	return r;
}

/* ---- config ---- */

/* ENV and LABEL: NAME=VALUE words, or in the old form one name and the rest of the line. */
static int read_pairs(struct build *b, struct build_stage *s, const struct instruction *in,
		      struct strv *ret, struct err *e)
{
	struct strv words = {0};
	const struct expand x = step_expand(b, s);
	size_t n = strcspn(in->rest, " \t=");
	int r = 0;
	if (in->rest[n] != '=') {
		const char *value = in->rest + n + strspn(in->rest + n, " \t");
		if (!*value)
			return err_set(e, EINVAL, ERR_INVALID, "%s must have two arguments",
				       in->name);
		strv_push(b->a, &words, arena_printf(b->a, "%.*s=%s", (int)n, in->rest, value));
	} else {
		r = expand_split(in->rest, b->file.escape, b->a, &words, e);
	}
	for (size_t i = 0; r == 0 && i < words.count; i++) {
		char *pair;
		r = expand_word(&x, words.items[i], &pair, e);
		if (r == 0 && (!strchr(pair, '=') || *pair == '='))
			return err_set(e, EINVAL, ERR_INVALID,
				       "Syntax error - can't find = in \"%.100s\". Must be of the "
				       "form: name=value",
				       words.items[i]);
		if (r == 0)
			strv_push(b->a, ret, pair);
	}
	return r;
}

static int apply_env(struct build *b, struct build_stage *s, const struct instruction *in,
		     struct err *e)
{
	struct strv pairs = {0};
	int r = read_pairs(b, s, in, &pairs, e);
	for (size_t i = 0; r == 0 && i < pairs.count; i++)
		strv_set_env(b->a, &s->image.config.env, pairs.items[i]);
	return r;
}

static int apply_label(struct build *b, struct build_stage *s, const struct instruction *in,
		       struct err *e)
{
	struct strv pairs = {0};
	int r = read_pairs(b, s, in, &pairs, e);
	for (size_t i = 0; r == 0 && i < pairs.count; i++) {
		size_t n = strcspn(pairs.items[i], "=");
		kvs_set(b->a, &s->image.config.labels, arena_strndup(b->a, pairs.items[i], n),
			pairs.items[i] + n + 1);
	}
	return r;
}

static int change(struct build *b, struct build_stage *s, const char *name, const char *text,
		  struct err *e)
{
	return image_change_apply(arena_printf(b->a, "%s %s", name, text), &s->image.config, b->a,
				  e);
}

/* CMD, ENTRYPOINT, HEALTHCHECK, ONBUILD: a shell will expand it, or nobody. */
static int apply_raw(struct build *b, struct build_stage *s, const struct instruction *in,
		     struct err *e)
{
	int r = change(b, s, in->name, in->rest, e);
	if (r < 0)
		return r;
	/* A command of the image below was one for its entrypoint. */
	if (in->kind == INSTRUCTION_ENTRYPOINT && !s->cmd_set)
		s->image.config.cmd = (struct strv){0};
	s->cmd_set |= in->kind == INSTRUCTION_CMD;
	return 0;
}

/* USER, STOPSIGNAL, WORKDIR: one word, blanks and all. EXPOSE: several. */
static int apply_expanded(struct build *b, struct build_stage *s, const struct instruction *in,
			  struct err *e)
{
	const struct expand x = step_expand(b, s);
	char *text;
	int r = expand_word(&x, in->rest, &text, e);
	if (r == 0 && !text[strspn(text, " \t")])
		return err_set(e, EINVAL, ERR_INVALID, "%s: %.100s is empty", in->name, in->rest);
	return r < 0 ? r : change(b, s, in->name, text, e);
}

int step_words(struct build *b, const struct build_stage *s, const struct instruction *in,
	       struct strv *ret, struct err *e)
{
	const struct expand x = step_expand(b, s);
	struct strv words = {0};
	int r = 0;
	if (!image_exec_form(in->rest, b->a, &words))
		r = expand_split(in->rest, b->file.escape, b->a, &words, e);
	for (size_t i = 0; r == 0 && i < words.count; i++) {
		char *word;
		r = expand_word(&x, words.items[i], &word, e);
		if (r == 0)
			strv_push(b->a, ret, word);
	}
	return r;
}

static int apply_volume(struct build *b, struct build_stage *s, const struct instruction *in,
			struct err *e)
{
	struct strv words = {0};
	int r = step_words(b, s, in, &words, e);
	for (size_t i = 0; r == 0 && i < words.count; i++) {
		CLEANUP_JSON struct json_object *list = json_object_new_array();
		json_object_array_add(list, json_object_new_string(words.items[i]));
		r = change(b, s, "VOLUME", json_object_to_json_string(list), e);
	}
	return r;
}

static int apply_shell(struct build *b, struct build_stage *s, const struct instruction *in,
		       struct err *e)
{
	struct strv words = {0};
	if (!image_exec_form(in->rest, b->a, &words) || !words.count)
		return err_set(e, EINVAL, ERR_INVALID,
			       "SHELL requires the arguments to be in JSON form");
	s->image.config.shell = words;
	return 0;
}

static int apply_maintainer(struct build *b, struct build_stage *s, const struct instruction *in,
			    struct err *e)
{
	s->image.author = in->rest;
	return 0;
}

static int apply_arg(struct build *b, struct build_stage *s, const struct instruction *in,
		     struct err *e)
{
	return step_arg(b, s, in, e);
}

static int apply_workdir(struct build *b, struct build_stage *s, const struct instruction *in,
			 struct err *e)
{
	size_t before = s->layer_count;
	int r = apply_expanded(b, s, in, e);
	struct step_key key;
	if (r == 0)
		r = step_workdir(b, s, &key, e);
	if (r == 0)
		step_history(b, s, in->text, &key, s->layer_count == before);
	return r;
}

static int apply_from(struct build *b, struct build_stage *s, const struct instruction *in,
		      struct err *e)
{
	return err_set(e, EINVAL, ERR_INVALID, "FROM is not allowed here");
}

static const struct {
	int (*apply)(struct build *b, struct build_stage *s, const struct instruction *in,
		     struct err *e);
	bool history; /* a row that says it made no layer; else the function writes its own */
} table[INSTRUCTION_KINDS] = {
	[INSTRUCTION_ADD] = {step_copy},
	[INSTRUCTION_ARG] = {apply_arg, true},
	[INSTRUCTION_CMD] = {apply_raw, true},
	[INSTRUCTION_COPY] = {step_copy},
	[INSTRUCTION_ENTRYPOINT] = {apply_raw, true},
	[INSTRUCTION_ENV] = {apply_env, true},
	[INSTRUCTION_EXPOSE] = {apply_expanded, true},
	[INSTRUCTION_FROM] = {apply_from},
	[INSTRUCTION_HEALTHCHECK] = {apply_raw, true},
	[INSTRUCTION_LABEL] = {apply_label, true},
	[INSTRUCTION_MAINTAINER] = {apply_maintainer, true},
	[INSTRUCTION_ONBUILD] = {apply_raw, true},
	[INSTRUCTION_RUN] = {step_run},
	[INSTRUCTION_SHELL] = {apply_shell, true},
	[INSTRUCTION_STOPSIGNAL] = {apply_expanded, true},
	[INSTRUCTION_USER] = {apply_expanded, true},
	[INSTRUCTION_VOLUME] = {apply_volume, true},
	[INSTRUCTION_WORKDIR] = {apply_workdir},
};

int step_apply(struct build *b, struct build_stage *s, const struct instruction *in, struct err *e)
{
	b->at = in;
	int r = table[in->kind].apply(b, s, in, e);
	if (r != STEP_DONE)
		return r;
	if (table[in->kind].history)
		step_history(b, s, in->text, NULL, true);
	b->at = NULL;
	return 0;
}
