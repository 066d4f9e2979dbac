/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dockerfile instructions applied to an image's config, as `import -c` and `commit -c` do. The
 * grammar is the Dockerfile reference's; words are split as there: quotes, and "\" before a
 * character. Read image.h first.
 */
#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/path.h"
#include "base/units.h"
#include "image/image.h"
#include "linux/signals.h"

enum { INSTRUCTION_MAX = 64 << 10, PORT_MAX = 65535, WORDS_MAX = 1024 };

struct change {
	const char *rest; /* what follows the instruction's name, trimmed */
	struct oci_image_process *p;
	struct arena *a;
};

static int empty(const char *instruction, struct err *e)
{
	return err_set(e, EINVAL, ERR_INVALID, "%s requires an argument", instruction);
}

bool image_exec_form(const char *text, struct arena *a, struct strv *ret)
{
	CLEANUP_JSON struct json_object *o = NULL;
	struct strv v = {0};
	if (*text != '[' || json_parse(text, strlen(text), &o, ERR_IGNORED) < 0 ||
	    !json_object_is_type(o, json_type_array))
		return false;
	for (size_t i = 0; i < json_object_array_length(o); i++) {
		struct json_object *item = json_object_array_get_idx(o, i);
		if (!json_object_is_type(item, json_type_string))
			return false;
		strv_push(a, &v, json_object_get_string(item));
	}
	*ret = v;
	return true;
}

/* The exec form, or the shell form: one string for a shell. */
static struct strv parse_command(const struct change *c, const char *text)
{
	struct strv v = {0};
	if (image_exec_form(text, c->a, &v))
		return v;
	if (c->p->shell.count) {
		strv_push_all(c->a, &v, &c->p->shell);
	} else {
		strv_push(c->a, &v, "/bin/sh");
		strv_push(c->a, &v, "-c");
	}
	strv_push(c->a, &v, text);
	return v;
}

/* One word, its quotes resolved; the text behind it is returned. */
static const char *next_word(const char *text, struct arena *a, char **ret)
{
	char *word = arena_alloc(a, strlen(text) + 1), quote = 0;
	size_t len = 0;
	for (; *text && (quote || !isspace((unsigned char)*text)); text++) {
		if (*text == '\\' && quote != '\'' && text[1])
			word[len++] = *++text;
		else if (quote ? *text == quote : *text == '"' || *text == '\'')
			quote = quote ? 0 : *text;
		else
			word[len++] = *text;
	}
	*ret = word;
	return text + strspn(text, " \t\r\n");
}

static int split_words(const char *text, struct arena *a, struct strv *ret, struct err *e)
{
	while (*text) {
		char *word;
		text = next_word(text, a, &word);
		if (ret->count == WORDS_MAX)
			return err_set(e, E2BIG, ERR_INVALID, "more than %d words", WORDS_MAX);
		strv_push(a, ret, word);
	}
	return 0;
}

/* KEY=VALUE words, or in the old form one KEY and the rest of the line. */
static int split_pairs(const struct change *c, struct strv *ret, struct err *e)
{
	size_t key = strcspn(c->rest, " \t=");
	if (c->rest[key] != '=') {
		const char *value = c->rest + key + strspn(c->rest + key, " \t");
		if (!*value)
			return err_set(e, EINVAL, ERR_INVALID, "\"%.100s\" has no value", c->rest);
		strv_push(c->a, ret, arena_printf(c->a, "%.*s=%s", (int)key, c->rest, value));
		return 0;
	}
	int r = split_words(c->rest, c->a, ret, e);
	for (size_t i = 0; r == 0 && i < ret->count; i++)
		if (!strchr(ret->items[i], '=') || ret->items[i][0] == '=')
			return err_set(e, EINVAL, ERR_INVALID, "\"%.100s\" is not NAME=VALUE",
				       ret->items[i]);
	return r;
}

static int change_cmd(struct change *c, struct err *e)
{
	c->p->cmd = parse_command(c, c->rest);
	return 0;
}

static int change_entrypoint(struct change *c, struct err *e)
{
	c->p->entrypoint = parse_command(c, c->rest);
	return 0;
}

static int change_env(struct change *c, struct err *e)
{
	struct strv pairs = {0};
	int r = split_pairs(c, &pairs, e);
	for (size_t i = 0; r == 0 && i < pairs.count; i++)
		strv_set_env(c->a, &c->p->env, pairs.items[i]);
	return r;
}

static int change_label(struct change *c, struct err *e)
{
	struct strv pairs = {0};
	int r = split_pairs(c, &pairs, e);
	for (size_t i = 0; r == 0 && i < pairs.count; i++)
		kvs_set_pair(c->a, &c->p->labels, pairs.items[i]);
	return r;
}

static void add_once(struct arena *a, struct strv *v, const char *text)
{
	for (size_t i = 0; i < v->count; i++)
		if (!strcmp(v->items[i], text))
			return;
	strv_push(a, v, text);
}

/* "80", "80/udp", "8000-8010/tcp" */
static int expose(struct change *c, char *spec, struct err *e)
{
	static const char *const protocols[] = {"tcp", "udp", "sctp"};
	const char *protocol = "tcp";
	char *slash = strchr(spec, '/');
	bool known = false;
	if (slash) {
		*slash = '\0';
		protocol = slash + 1;
	}
	for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++)
		known |= !strcasecmp(protocol, protocols[i]);
	char *dash = strchr(spec, '-');
	uint64_t first, last;
	if (dash)
		*dash = '\0';
	if (!known || uint_parse(spec, PORT_MAX, &first) < 0 ||
	    uint_parse(dash ? dash + 1 : spec, PORT_MAX, &last) < 0 || !first || last < first)
		return err_set(e, EINVAL, ERR_INVALID, "invalid containerPort: %.100s", spec);
	for (uint64_t port = first; port <= last; port++) {
		char *text = arena_printf(c->a, "%u/%s", (unsigned)port, protocol);
		for (char *p = text; *p; p++)
			*p = (char)tolower((unsigned char)*p);
		add_once(c->a, &c->p->exposed_ports, text);
	}
	return 0;
}

static int change_expose(struct change *c, struct err *e)
{
	struct strv words = {0};
	int r = split_words(c->rest, c->a, &words, e);
	for (size_t i = 0; r == 0 && i < words.count; i++)
		r = expose(c, words.items[i], e);
	return r;
}

static int change_onbuild(struct change *c, struct err *e)
{
	static const char *const forbidden[] = {"ONBUILD", "FROM", "MAINTAINER"};
	for (size_t i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++) {
		size_t len = strlen(forbidden[i]);
		if (!strncasecmp(c->rest, forbidden[i], len) && strchr(" \t", c->rest[len]))
			return err_set(e, EINVAL, ERR_INVALID,
				       "%s isn't allowed as an ONBUILD trigger", forbidden[i]);
	}
	strv_push(c->a, &c->p->on_build, c->rest);
	return 0;
}

static int change_stopsignal(struct change *c, struct err *e)
{
	if (signal_parse(c->rest) < 0)
		return err_set(e, EINVAL, ERR_INVALID, "invalid signal: %.100s", c->rest);
	c->p->stop_signal = arena_strdup(c->a, c->rest);
	return 0;
}

static int change_user(struct change *c, struct err *e)
{
	c->p->user = arena_strdup(c->a, c->rest);
	return 0;
}

static int change_volume(struct change *c, struct err *e)
{
	struct strv paths = {0};
	int r = image_exec_form(c->rest, c->a, &paths) ? 0 : split_words(c->rest, c->a, &paths, e);
	for (size_t i = 0; r == 0 && i < paths.count; i++) {
		if (!*paths.items[i])
			return err_set(e, EINVAL, ERR_INVALID,
				       "VOLUME specified can not be an empty string");
		add_once(c->a, &c->p->volumes, paths.items[i]);
	}
	return r;
}

static int change_workdir(struct change *c, struct err *e)
{
	const char *before = c->p->working_dir && *c->p->working_dir ? c->p->working_dir : "/";
	c->p->working_dir = path_clean(
		c->a, *c->rest == '/' ? c->rest : arena_printf(c->a, "%s/%s", before, c->rest));
	return 0;
}

/* --interval=30s and its like, in front of CMD. */
static int healthcheck_option(const char *word, struct json_object *o, struct err *e)
{
	static const struct {
		const char *option, *name;
	} times[] = {
		{"--interval=", "Interval"},
		{"--timeout=", "Timeout"},
		{"--start-period=", "StartPeriod"},
		{"--start-interval=", "StartInterval"},
	};
	int64_t ns;
	uint64_t retries;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		size_t len = strlen(times[i].option);
		if (strncmp(word, times[i].option, len))
			continue;
		if (duration_parse(word + len, &ns) < 0 || ns < 0 || (ns && ns < 1000000))
			return err_set(e, EINVAL, ERR_INVALID,
				       "%.100s: not a duration of at least 1ms", word);
		json_object_object_add(o, times[i].name, json_object_new_int64(ns));
		return 0;
	}
	if (!strncmp(word, "--retries=", 10) && uint_parse(word + 10, INT32_MAX, &retries) == 0) {
		json_object_object_add(o, "Retries", json_object_new_int64((int64_t)retries));
		return 0;
	}
	return err_set(e, EINVAL, ERR_INVALID, "HEALTHCHECK: unknown or malformed option %.100s",
		       word);
}

static struct json_object *healthcheck_test(const struct change *c, const char *command)
{
	struct strv v = {0};
	struct json_object *test = json_object_new_array();
	bool exec = image_exec_form(command, c->a, &v);
	json_object_array_add(test, json_object_new_string(exec ? "CMD" : "CMD-SHELL"));
	if (!exec)
		strv_push(c->a, &v, command);
	for (size_t i = 0; i < v.count; i++)
		json_object_array_add(test, json_object_new_string(v.items[i]));
	return test;
}

static int change_healthcheck(struct change *c, struct err *e)
{
	CLEANUP_JSON struct json_object *o = json_object_new_object();
	const char *rest = c->rest;
	char *word;
	while (!strncmp(rest, "--", 2)) {
		rest = next_word(rest, c->a, &word);
		int r = healthcheck_option(word, o, e);
		if (r < 0)
			return r;
	}
	rest = next_word(rest, c->a, &word);
	if (!strcasecmp(word, "NONE") && !*rest) {
		c->p->healthcheck = "{\"Test\":[\"NONE\"]}";
		return 0;
	}
	if (strcasecmp(word, "CMD") || !*rest)
		return err_set(e, EINVAL, ERR_INVALID,
			       "HEALTHCHECK takes [OPTIONS] CMD COMMAND, or NONE");
	json_object_object_add(o, "Test", healthcheck_test(c, rest));
	c->p->healthcheck = arena_strdup(
		c->a, json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN |
								JSON_C_TO_STRING_NOSLASHESCAPE));
	return 0;
}

int image_change_apply(const char *instruction, struct oci_image_process *p, struct arena *a,
		       struct err *e)
{
	static const struct {
		const char *name;
		int (*apply)(struct change *c, struct err *e);
	} table[] = {
		{"CMD", change_cmd},
		{"ENTRYPOINT", change_entrypoint},
		{"ENV", change_env},
		{"EXPOSE", change_expose},
		{"HEALTHCHECK", change_healthcheck},
		{"LABEL", change_label},
		{"ONBUILD", change_onbuild},
		{"STOPSIGNAL", change_stopsignal},
		{"USER", change_user},
		{"VOLUME", change_volume},
		{"WORKDIR", change_workdir},
	};
	if (strlen(instruction) > INSTRUCTION_MAX)
		return err_set(e, E2BIG, ERR_INVALID, "an instruction is longer than %d bytes",
			       INSTRUCTION_MAX);
	instruction += strspn(instruction, " \t\r\n");
	size_t len = strcspn(instruction, " \t\r\n");
	char *rest = arena_strdup(a, instruction + len + strspn(instruction + len, " \t\r\n"));
	for (size_t end = strlen(rest); end && isspace((unsigned char)rest[end - 1]);)
		rest[--end] = '\0';
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (strlen(table[i].name) != len || strncasecmp(instruction, table[i].name, len))
			continue;
		struct change c = {rest, p, a};
		return *rest ? table[i].apply(&c, e) : empty(table[i].name, e);
	}
	err_set(e, EINVAL, ERR_INVALID, "%.*s is not a valid change command",
		len > 40 ? 40 : (int)len, instruction);
	return err_hint(
		e, "valid are CMD ENTRYPOINT ENV EXPOSE HEALTHCHECK LABEL ONBUILD STOPSIGNAL USER "
		   "VOLUME WORKDIR");
}
