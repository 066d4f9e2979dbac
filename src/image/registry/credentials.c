/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rests on the format of docker's config.json (auths, credsStore, credHelpers) and on the protocol
 * of docker-credential-helpers: a verb as argument, the rest over pipes. Members that hull does not
 * know stay as they are. Read credentials.h first.
 */
#include "image/registry/credentials.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/base64.h"
#include "base/json.h"
#include "base/path.h"
#include "base/shape.h"

enum { FILE_MAX = 4 << 20, HELPER_ANSWER_MAX = 64 << 10 };
#define DOCKER_HUB "https://index.docker.io/v1/"

extern char **environ;

/* --- config.json --- */

struct config {
	int dir; /* its folder; -1: there is none */
	char *folder;
	struct json_object *json; /* NULL: there is none */
};

static void config_close(struct config *c)
{
	fd_drop(&c->dir);
	json_object_put(c->json);
}
#define CLEANUP_CONFIG CLEANUP(config_close)

static int config_open(struct config *c, struct arena *a, struct err *e)
{
	const char *given = getenv("DOCKER_CONFIG"), *home = getenv("HOME");
	char *text;
	size_t len;
	*c = (struct config){.dir = -1};
	if (given && *given)
		c->folder = arena_strdup(a, given);
	else if (home && *home)
		c->folder = arena_printf(a, "%s/.docker", home);
	if (!c->folder || !file_exists(AT_FDCWD, c->folder))
		return 0;
	c->dir = dir_open(AT_FDCWD, c->folder, e);
	if (c->dir < 0)
		return c->dir;
	if (!file_exists(c->dir, "config.json"))
		return 0;
	int r = file_read(c->dir, "config.json", FILE_MAX, a, &text, &len, e);
	if (r == 0 && strspn(text, " \t\r\n") < len)
		r = json_parse(text, len, &c->json, e);
	if (r == 0 && c->json && !json_object_is_type(c->json, json_type_object))
		r = err_set(e, EINVAL, ERR_INVALID, "config.json is not an object");
	return r < 0 ? err_context(e, "%s", c->folder) : 0;
}

static int config_write(struct config *c, struct err *e)
{
	const char *text = json_object_to_json_string_ext(
		c->json, JSON_C_TO_STRING_PRETTY_TAB | JSON_C_TO_STRING_PRETTY |
				 JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE);
	int r = file_replace(c->dir, "config.json", text, strlen(text), false, e);
	return r < 0 ? err_context(e, "%s", c->folder) : 0;
}

static const char *text_member(struct json_object *o, const char *name)
{
	struct json_object *m = json_object_object_get(o, name);
	const char *text =
		m && json_object_is_type(m, json_type_string) ? json_object_get_string(m) : NULL;
	return text && *text ? text : NULL;
}

/* The key of a registry in the file; docker's own has an old one. */
static const char *key_of(const char *domain)
{
	return strcmp(domain, "docker.io") ? domain : DOCKER_HUB;
}

/* "https://host/v1/" is host, too. */
static bool key_is(const char *key, const char *domain)
{
	if (!strcmp(key, key_of(domain)))
		return true;
	const char *scheme = strstr(key, "://");
	key = scheme ? scheme + 3 : key;
	size_t len = strcspn(key, "/");
	bool bare = !key[len] || !strcmp(key + len, "/") || !strcmp(key + len, "/v1/") ||
		    !strcmp(key + len, "/v2/");
	return bare && strcmp(domain, "docker.io") && len == strlen(domain) &&
	       !strncmp(key, domain, len);
}

/* --- helpers --- */

static const char *helper_of(const struct config *c, const char *domain)
{
	struct json_object *table = json_object_object_get(c->json, "credHelpers");
	const char *own = text_member(table, domain);
	if (!own)
		own = text_member(table, key_of(domain));
	return own ? own : text_member(c->json, "credsStore");
}

static int spawn_helper(const char *program, const char *verb, int in, int out, pid_t *ret)
{
	posix_spawn_file_actions_t files;
	char *const argv[] = {(char *)program, (char *)verb, NULL};
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
	int r = posix_spawnp(ret, program, &files, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&files);
	return -r;
}

/* What it answers goes to @out; 1 when it says that it has nothing. */
static int ask_helper(const char *name, const char *verb, const char *input, struct arena *a,
		      char **ret, struct err *e)
{
	int in[2], out[2], status;
	pid_t pid;
	char *program = arena_printf(a, "docker-credential-%s", name);
	if (!path_is_component(program))
		return err_set(e, EINVAL, ERR_INVALID, "\"%.64s\" is no credential helper", name);
	if (pipe2(in, O_CLOEXEC) < 0)
		return err_errno(e, errno, "cannot start %s", program);
	CLEANUP_FD int their_in = in[0];
	CLEANUP_FD int our_in = in[1];
	if (pipe2(out, O_CLOEXEC) < 0)
		return err_errno(e, errno, "cannot start %s", program);
	CLEANUP_FD int our_out = out[0];
	CLEANUP_FD int their_out = out[1];
	int r = spawn_helper(program, verb, their_in, their_out, &pid);
	if (r < 0)
		return err_errno(e, r, "cannot start the credential helper %s", program);
	fd_drop(&their_in);
	fd_drop(&their_out);
	fd_write_full(our_in, input, strlen(input)); /* one that does not read says so itself */
	fd_drop(&our_in);
	char *answer = arena_alloc(a, HELPER_ANSWER_MAX);
	ssize_t n = fd_read_full(our_out, answer, HELPER_ANSWER_MAX - 1);
	fd_drop(&our_out);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	*ret = answer;
	if (n >= 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (strstr(answer, "credentials not found"))
		return 1;
	return err_set(e, EIO, ERR_SYSTEM, "the credential helper %s %s: %.200s", program, "failed",
		       answer);
}

struct helper_answer {
	char *user, *secret;
};
static const struct field helper_fields[] = {
	FIELD(struct helper_answer, user, "Username", FIELD_STR),
	FIELD(struct helper_answer, secret, "Secret", FIELD_STR),
};
static const struct shape helper_shape = SHAPE(struct helper_answer, helper_fields);

static int from_helper(const char *name, const char *domain, struct arena *a,
		       struct credentials *ret, struct err *e)
{
	struct helper_answer answer = {0};
	char *text;
	int r = ask_helper(name, "get", key_of(domain), a, &text, e);
	if (r != 0)
		return r < 0 ? r : 0;
	r = shape_parse(&helper_shape, text, strlen(text), &answer, a, e);
	if (r < 0) /* whose words would hold the secret */
		return err_set(e, EPROTO, ERR_SYSTEM,
			       "the credential helper docker-credential-%s gave no JSON", name);
	if (answer.user && !strcmp(answer.user, "<token>"))
		ret->identity = answer.secret;
	else
		*ret = (struct credentials){.user = answer.user, .secret = answer.secret};
	return 0;
}

/* --- what it is for --- */

int credentials_find(const char *domain, struct arena *a, struct credentials *ret, struct err *e)
{
	CLEANUP_CONFIG struct config c;
	*ret = (struct credentials){0};
	int r = config_open(&c, a, e);
	const char *helper = r < 0 ? NULL : helper_of(&c, domain);
	if (r < 0 || helper)
		return r < 0 ? r : from_helper(helper, domain, a, ret, e);
	struct json_object *auths = json_object_object_get(c.json, "auths");
	if (!auths || !json_object_is_type(auths, json_type_object))
		return 0;
	json_object_object_foreach(auths, key, value)
	{
		if (!key_is(key, domain))
			continue;
		const char *pair = text_member(value, "auth");
		const char *identity = text_member(value, "identitytoken");
		char *plain = pair ? base64_decode(pair, a) : NULL;
		char *colon = plain ? strchr(plain, ':') : NULL;
		if (colon) {
			*colon = '\0';
			ret->user = plain;
			ret->secret = colon + 1;
		}
		if (identity)
			ret->identity = arena_strdup(a, identity);
		return 0;
	}
	return 0;
}

static int store_by_helper(const char *helper, const char *domain, const struct credentials *c,
			   struct arena *a, struct err *e)
{
	CLEANUP_JSON struct json_object *o = json_object_new_object();
	char *ignored;
	json_add_string(o, "ServerURL", key_of(domain));
	json_add_string(o, "Username", c->identity ? "<token>" : c->user);
	json_add_string(o, "Secret", c->identity ? c->identity : c->secret);
	return ask_helper(helper, "store", json_object_to_json_string(o), a, &ignored, e);
}

/* The entry of @domain under whatever key; the one it shall have is made. */
static int forget(struct json_object *auths, const char *domain)
{
	struct json_object_iterator it = json_object_iter_begin(auths),
				    end = json_object_iter_end(auths);
	for (; !json_object_iter_equal(&it, &end); json_object_iter_next(&it)) {
		const char *key = json_object_iter_peek_name(&it);
		if (!key_is(key, domain))
			continue;
		json_object_object_del(auths, key);
		return 1;
	}
	return 0;
}

int credentials_store(const char *domain, const struct credentials *c, struct arena *a,
		      char **ret_where, struct err *e)
{
	CLEANUP_CONFIG struct config config;
	int r = config_open(&config, a, e);
	const char *helper = r < 0 ? NULL : helper_of(&config, domain);
	*ret_where = NULL;
	if (r < 0 || helper)
		return r < 0 ? r : store_by_helper(helper, domain, c, a, e);
	if (!config.folder)
		return err_set(e, EINVAL, ERR_INVALID,
			       "nowhere to keep the credentials: HOME is not set");
	if (config.dir < 0) {
		r = dir_make(AT_FDCWD, config.folder, 0700, e);
		config.dir = r < 0 ? r : dir_open(AT_FDCWD, config.folder, e);
		if (config.dir < 0)
			return config.dir;
	}
	if (!config.json)
		config.json = json_object_new_object();
	struct json_object *auths = json_object_object_get(config.json, "auths");
	if (!auths || !json_object_is_type(auths, json_type_object))
		json_object_object_add(config.json, "auths", auths = json_object_new_object());
	while (forget(auths, domain))
		;
	struct json_object *entry = json_object_new_object();
	json_add_string(
		entry, "auth",
		base64_encode(arena_printf(a, "%s:%s", c->user, c->identity ? "" : c->secret), a));
	if (c->identity)
		json_add_string(entry, "identitytoken", c->identity);
	json_object_object_add(auths, key_of(domain), entry);
	*ret_where = arena_printf(a, "%s/config.json", config.folder);
	return config_write(&config, e);
}

int credentials_erase(const char *domain, struct arena *a, struct err *e)
{
	CLEANUP_CONFIG struct config c;
	char *ignored;
	int r = config_open(&c, a, e);
	const char *helper = r < 0 ? NULL : helper_of(&c, domain);
	if (r == 0 && helper) {
		r = ask_helper(helper, "erase", key_of(domain), a, &ignored, e);
		return r < 0 ? r : !r;
	}
	struct json_object *auths = r < 0 ? NULL : json_object_object_get(c.json, "auths");
	if (!auths || !json_object_is_type(auths, json_type_object) || !forget(auths, domain))
		return r;
	while (forget(auths, domain))
		;
	r = config_write(&c, e);
	return r < 0 ? r : 1;
}
