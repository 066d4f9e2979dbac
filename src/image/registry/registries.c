/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Of TOML (toml.io, v1.0) what such a file has: tables, lists of tables, keys with a text, a truth
 * value or a list of texts; of other values only where they end. Read registries.h first.
 */
#include "image/registry/registries.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"

enum { FILE_MAX = 1 << 20, RULES_MAX = 1000, MIRRORS_MAX = 100, KEY_MAX = 128 };

/* --- TOML --- */

struct toml {
	const char *at;
	unsigned line;
	struct registries *to;
	struct arena *arena;
	struct err *e;
	bool top, aliases; /* before the first table; in that one */
	/* What the keys of this table set; NULL: they are passed over. */
	struct registry_rule *rule;
	struct registry_place *mirror;
};

static int bad(struct toml *t, const char *what)
{
	return err_set(t->e, EINVAL, ERR_INVALID, "line %u: %s", t->line, what);
}

static void skip(struct toml *t, bool lines)
{
	for (;;) {
		t->at += strspn(t->at, " \t\r");
		if (*t->at == '#')
			t->at += strcspn(t->at, "\n");
		if (*t->at != '\n' || !lines)
			return;
		t->line++;
		t->at++;
	}
}

/* "..." with escapes (of which \uXXXX is none here), or '...' as it stands. */
static int take_text(struct toml *t, char **ret)
{
	char quote = *t->at++;
	size_t len = 0;
	const char *end = t->at;
	while (*end && *end != '\n' && *end != quote)
		end += quote == '"' && *end == '\\' && end[1] ? 2 : 1;
	if (*end != quote)
		return bad(t, "a text does not end");
	char *text = arena_alloc(t->arena, (size_t)(end - t->at) + 1);
	for (; t->at < end; t->at++) {
		if (quote == '"' && *t->at == '\\' && !strchr("\\\"", *++t->at))
			return bad(t, "an escape that is not known here");
		text[len++] = *t->at;
	}
	t->at++;
	*ret = text;
	return 0;
}

/* A value that means nothing to us: up to the end of its line, lists and inline tables whole. */
static int pass_value(struct toml *t)
{
	int depth = 0;
	char *ignored;
	for (;;) {
		skip(t, depth > 0);
		int r = 0;
		if (*t->at == '"' || *t->at == '\'')
			r = take_text(t, &ignored);
		else if (!*t->at || *t->at == '\n')
			return depth ? bad(t, "a list does not end") : 0;
		else
			depth += strchr("[{", *t->at) ? 1 : strchr("]}", *t->at) ? -1 : 0, t->at++;
		if (r < 0)
			return r;
	}
}

/* [ "...", '...', ]: instead of what another file said. */
static int take_list(struct toml *t, struct strv *ret)
{
	char *text;
	*ret = (struct strv){0};
	if (*t->at++ != '[')
		return bad(t, "a list was expected");
	for (skip(t, true); *t->at != ']'; skip(t, true)) {
		if (*t->at != '"' && *t->at != '\'')
			return bad(t, "a text was expected");
		if (take_text(t, &text) < 0)
			return -EINVAL;
		strv_push(t->arena, ret, text);
		skip(t, true);
		if (*t->at == ',')
			t->at++;
		else if (*t->at != ']')
			return bad(t, "a list does not end");
	}
	t->at++;
	return 0;
}

struct toml_key {
	const char *name;
	char **text;
	bool *flag;
	struct strv *list;
};

static int set_mirror_rule(struct toml *t, const char *value)
{
	t->mirror->no_tags = !strcmp(value, "digest-only");
	t->mirror->no_digests = !strcmp(value, "tag-only");
	return t->mirror->no_tags || t->mirror->no_digests || !strcmp(value, "all")
		       ? 0
		       : bad(t, "pull-from-mirror is all, digest-only or tag-only");
}

static int take_value(struct toml *t, const char *key)
{
	char *from_mirror = NULL, *alias = NULL;
	struct registry_rule *rule = t->rule;
	struct registry_place *place = t->mirror ? t->mirror : rule ? &rule->place : NULL;
	const struct toml_key known[] = {
		{t->aliases ? key : "\n", &alias, NULL, NULL},
		{"unqualified-search-registries", NULL, NULL, t->top ? &t->to->search : NULL},
		{"short-name-mode", t->top ? &t->to->short_mode : NULL, NULL, NULL},
		{"location", place ? &place->location : NULL, NULL},
		{"insecure", NULL, place ? &place->insecure : NULL},
		{"pull-from-mirror", t->mirror ? &from_mirror : NULL, NULL},
		{"prefix", rule && !t->mirror ? &rule->prefix : NULL, NULL},
		{"blocked", NULL, rule && !t->mirror ? &rule->blocked : NULL},
		{"mirror-by-digest-only", NULL,
		 rule && !t->mirror ? &rule->mirrors_by_digest : NULL},
	};
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		if (strcmp(known[i].name, key))
			continue;
		if (known[i].text) {
			if (*t->at != '"' && *t->at != '\'')
				return bad(t, "a text was expected");
			int r = take_text(t, known[i].text);
			if (r == 0 && alias)
				kvs_set(t->arena, &t->to->aliases, key, alias);
			return r == 0 && from_mirror ? set_mirror_rule(t, from_mirror) : r;
		}
		if (known[i].list)
			return take_list(t, known[i].list);
		if (known[i].flag) {
			*known[i].flag = !strncmp(t->at, "true", 4);
			if (!*known[i].flag && strncmp(t->at, "false", 5))
				return bad(t, "true or false was expected");
			t->at += *known[i].flag ? 4 : 5;
			return 0;
		}
	}
	return pass_value(t);
}

static int take_table(struct toml *t)
{
	bool list = t->at[1] == '[';
	const char *name = t->at + 1 + list;
	size_t len = strcspn(name, "]\n");
	if (name[len] != ']' || (list && name[len + 1] != ']'))
		return bad(t, "the name of a table does not end");
	t->at = name + len + 1 + list;
	t->mirror = NULL;
	t->top = false;
	t->aliases = !list && len == 7 && !strncmp(name, "aliases", 7);
	if (list && len == 8 && !strncmp(name, "registry", 8)) {
		if (t->to->rules.count == RULES_MAX)
			return bad(t, "there are too many registries");
		t->rule = array_push(t->arena, &t->to->rules, sizeof(*t->rule));
	} else if (list && len == 15 && !strncmp(name, "registry.mirror", 15)) {
		if (!t->rule || t->rule->mirrors.count == MIRRORS_MAX)
			return bad(t, t->rule ? "there are too many mirrors"
					      : "a mirror stands before its registry");
		t->mirror = array_push(t->arena, &t->rule->mirrors, sizeof(*t->mirror));
	} else {
		t->rule = NULL;
	}
	return 0;
}

static int take_pair(struct toml *t)
{
	char *key;
	if (*t->at == '"' || *t->at == '\'') {
		if (take_text(t, &key) < 0)
			return -EINVAL;
	} else {
		size_t len = strcspn(t->at, " \t\r\n=#");
		if (!len || len > KEY_MAX)
			return bad(t, "a key was expected");
		key = arena_strndup(t->arena, t->at, len);
		t->at += len;
	}
	skip(t, false);
	if (*t->at++ != '=')
		return bad(t, "a = was expected behind the key");
	skip(t, false);
	return take_value(t, key);
}

int registries_parse(const char *text, struct registries *ret, struct arena *a, struct err *e)
{
	static const char *const modes[] = {"enforcing", "permissive", "disabled"};
	struct toml t = {.at = text, .line = 1, .to = ret, .arena = a, .e = e, .top = true};
	for (skip(&t, true); *t.at; skip(&t, true)) {
		int r = *t.at == '[' ? take_table(&t) : take_pair(&t);
		if (r < 0)
			return r;
		skip(&t, false);
		if (*t.at && *t.at != '\n')
			return bad(&t, "something stands behind a value");
	}
	const struct registry_rule *rules = ret->rules.items;
	size_t mode = 0;
	while (ret->short_mode && mode < ARRAY_LEN(modes) && strcmp(modes[mode], ret->short_mode))
		mode++;
	if (mode == ARRAY_LEN(modes))
		return err_set(e, EINVAL, ERR_INVALID,
			       "short-name-mode is enforcing, permissive or disabled");
	for (size_t i = 0; i < ret->rules.count; i++)
		if (!rules[i].prefix && !rules[i].place.location)
			return err_set(e, EINVAL, ERR_INVALID,
				       "[[registry]] number %zu has neither prefix nor location",
				       i + 1);
	return 0;
}

/* --- what it means --- */

static bool is_loopback(const char *host)
{
	size_t len = *host == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":");
	return (len == 9 && !strncmp(host, "localhost", 9)) || !strncmp(host, "[::1]", 5) ||
	       (!strncmp(host, "127.", 4) && strspn(host, "0123456789.") == len);
}

/* How much of @name the prefix covers; 0: it does not fit. */
static size_t covers(const char *prefix, const char *name)
{
	size_t len = strlen(prefix);
	if (!strncmp(prefix, "*.", 2)) {
		size_t host = strcspn(name, "/:");
		return host >= len && !strncmp(name + host - (len - 1), prefix + 1, len - 1) ? host
											     : 0;
	}
	return len && !strncmp(prefix, name, len) && (!name[len] || strchr("/:", name[len])) ? len
											     : 0;
}

/* @rest is what follows the prefix, with its "/". */
static int add_endpoint(struct array *list, const struct registry_place *p, const char *rest,
			struct arena *a, struct err *e)
{
	char *all = arena_printf(a, "%s%s", p->location, rest);
	char *slash = strchr(all, '/');
	if (!slash || !slash[1] || slash == all || strstr(all, "://"))
		return err_set(e, EINVAL, ERR_INVALID,
			       "registries.conf: location \"%s\" makes \"%s\"", p->location, all);
	*slash = '\0';
	struct endpoint *to = array_push(a, list, sizeof(*to));
	/* docker's name of the registry is not the one that it has. */
	*to = (struct endpoint){.host = strcmp(all, "docker.io") ? all : "registry-1.docker.io",
				.path = slash + 1,
				.insecure = p->insecure,
				.loopback = is_loopback(all)};
	return 0;
}

int registries_endpoints(const struct registries *r, const char *domain, const char *path,
			 bool by_digest, bool push, struct array *ret, struct arena *a,
			 struct err *e)
{
	const char *name = arena_printf(a, "%s/%s", domain, path);
	const struct registry_rule *rules = r->rules.items, *best = NULL;
	size_t longest = 0;
	for (size_t i = 0; i < r->rules.count; i++) {
		size_t n = covers(rules[i].prefix ?: rules[i].place.location, name);
		if (n > longest) {
			longest = n;
			best = &rules[i];
		}
	}
	struct registry_place own = {.location = (char *)name};
	if (!best)
		return add_endpoint(ret, &own, "", a, e);
	if (best->blocked) {
		err_set(e, EACCES, ERR_DENIED, "registry %s is blocked", domain);
		return err_hint(e, "registries.conf says so for \"%s\"",
				best->prefix ?: best->place.location);
	}
	const struct registry_place *mirrors = best->mirrors.items;
	for (size_t i = 0; !push && i < best->mirrors.count; i++) {
		bool wanted = by_digest ? !mirrors[i].no_digests
					: !mirrors[i].no_tags && !best->mirrors_by_digest;
		int n = wanted && mirrors[i].location
				? add_endpoint(ret, &mirrors[i], name + longest, a, e)
				: 0;
		if (n < 0)
			return n;
	}
	if (best->place.location)
		return add_endpoint(ret, &best->place, name + longest, a, e);
	own.insecure = best->place.insecure;
	return add_endpoint(ret, &own, "", a, e);
}

/* "busybox", "team/app:1": what stands before the first slash is no host. */
static bool is_short(const char *reference)
{
	size_t len = strcspn(reference, "/");
	return !reference[len] || (!memchr(reference, '.', len) && !memchr(reference, ':', len) &&
				   strncmp(reference, "localhost/", 10) != 0);
}

int registries_names(const struct registries *r, const char *reference, struct strv *ret,
		     struct arena *a, struct err *e)
{
	size_t len = strcspn(reference, ":@");
	const char *alias = is_short(reference)
				    ? kvs_get(&r->aliases, arena_strndup(a, reference, len))
				    : reference;
	if (alias && is_short(alias))
		return err_set(e, EINVAL, ERR_INVALID,
			       "registries.conf: the alias \"%s\" of %s has no registry", alias,
			       reference);
	if (alias || !r->search.count) {
		strv_push(a, ret,
			  alias && alias != reference
				  ? arena_printf(a, "%s%s", alias, reference + len)
				  : reference);
		return 0;
	}
	for (size_t i = 0; i < r->search.count; i++)
		strv_push(a, ret, arena_printf(a, "%s/%s", r->search.items[i], reference));
	if (ret->count < 2 || !r->short_mode || strcmp(r->short_mode, "enforcing"))
		return 0;
	err_set(e, EINVAL, ERR_INVALID,
		"%s may be of any of %zu registries, and registries.conf wants no guess "
		"(short-name-mode is enforcing)",
		reference, ret->count);
	return err_hint(e, "say %s, for example, or note an alias", ret->items[0]);
}

static int read_file(const char *path, struct registries *ret, struct arena *a, struct err *e)
{
	char *text;
	int r = file_read(AT_FDCWD, path, FILE_MAX, a, &text, NULL, e);
	if (r == 0)
		r = registries_parse(text, ret, a, e);
	return r < 0 ? err_context(e, "%s", path) : 0;
}

static int is_conf(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');
	return dot && !strcmp(dot, ".conf");
}

static int read_folder(const char *path, struct registries *ret, struct arena *a, struct err *e)
{
	struct dirent **list;
	int r = 0, count = scandir(path, &list, is_conf, alphasort);
	for (int i = 0; i < count; i++) {
		if (r == 0)
			r = read_file(arena_printf(a, "%s/%s", path, list[i]->d_name), ret, a, e);
		free(list[i]);
	}
	if (count >= 0)
		free(list);
	return r;
}

int registries_read(struct registries *ret, struct arena *a, struct err *e)
{
	static const char system[] = "/etc/containers/registries.conf";
	const char *given = getenv("CONTAINERS_REGISTRIES_CONF"), *home = getenv("HOME");
	const char *own = home && *home
				  ? arena_printf(a, "%s/.config/containers/registries.conf", home)
				  : NULL;
	bool asked = given && *given;
	const char *path = asked ? given : own && file_exists(AT_FDCWD, own) ? own : system;
	const char *folders[] = {asked ? given : system, asked ? NULL : own};
	int r = asked || file_exists(AT_FDCWD, path) ? read_file(path, ret, a, e) : 0;
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(folders); i++)
		if (folders[i])
			r = read_folder(arena_printf(a, "%s.d", folders[i]), ret, a, e);
	return r;
}

int registries_first(const char *domain, const char *path, bool push, struct endpoint **ret,
		     struct arena *a, struct err *e)
{
	struct registries configured = {0};
	struct array endpoints = {0};
	int r = registries_read(&configured, a, e);
	if (r == 0)
		r = registries_endpoints(&configured, domain, path, !push, push, &endpoints, a, e);
	if (r == 0)
		*ret = endpoints.items;
	return r;
}
