/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request: its version, its route, its parameters and body, its answer. Read api.h first.
 */
#include "api/api.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/page.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "base/units.h"
#include "image/image.h"
#include "linux/namespaces.h"
#include "linux/process.h"

/* ---- what was asked ---- */

const char *param(const struct call *c, const char *name)
{
	const char *value = http_param(c->q, name);
	return value && *value && version_has_param(c, name) ? value : NULL;
}

int refuse_looker(const struct call *c, const char *name, struct err *e)
{
	if (!c->http->read_only || !param(c, name))
		return 0;
	return err_set(e, EACCES, ERR_DENIED,
		       "this socket is read-only: %s could show values of environment variables",
		       name);
}

bool param_true(const struct call *c, const char *name, bool otherwise)
{
	static const char *const none[] = {"0", "no", "false", "none", "False"};
	const char *value = param(c, name);
	if (!value)
		return otherwise;
	for (size_t i = 0; i < ARRAY_LEN(none); i++)
		if (!strcmp(value, none[i]))
			return false;
	return true;
}

int param_int(const struct call *c, const char *name, int64_t *ret, struct err *e)
{
	const char *value = param(c, name);
	if (!value || int_parse(value, INT64_MIN, INT64_MAX, ret) == 0)
		return 0;
	return err_set(e, EINVAL, ERR_INVALID, "%s: '%s' is no number", name, value);
}

struct strv param_all(const struct call *c, const char *name)
{
	struct strv all = {0};
	for (size_t i = 0; i < c->q->params.count; i++) {
		const struct kv *p = &c->q->params.items[i];
		if (!strcmp(p->key, name) && *p->value && version_has_param(c, name))
			strv_push(c->a, &all, p->value);
	}
	return all;
}

static int wrong_filters(const char *text, struct err *e)
{
	return err_set(e, EINVAL, ERR_INVALID, "invalid filter: %s", text);
}

static void add_filter(const struct call *c, struct strv *ret, const char *key, const char *value)
{
	strv_push(c->a, ret, arena_printf(c->a, "%s=%s", key, value));
}

int param_filters(const struct call *c, struct strv *ret, struct err *e)
{
	const char *text = param(c, "filters");
	CLEANUP_JSON struct json_object *o = NULL;
	if (!text)
		return 0;
	if (json_parse(text, strlen(text), &o, e) < 0)
		return wrong_filters(text, e);
	if (!json_object_is_type(o, json_type_object))
		return wrong_filters(text, e);
	json_object_object_foreach(o, key, values)
	{
		if (json_object_is_type(values, json_type_object)) {
			json_object_object_foreach(values, value, wanted)
			{
				if (json_object_get_boolean(wanted))
					add_filter(c, ret, key, value);
			}
			continue;
		}
		if (!json_object_is_type(values, json_type_array))
			return wrong_filters(text, e);
		for (size_t i = 0; i < json_object_array_length(values); i++)
			add_filter(c, ret, key,
				   json_object_get_string(json_object_array_get_idx(values, i)));
	}
	return 0;
}

int body_json(struct call *c, struct json_object **ret, struct err *e)
{
	char *text;
	size_t len;
	*ret = NULL;
	int r = http_read_all(c->http, c->a, &text, &len, e);
	if (r == 0 && len)
		r = json_parse(text, len, ret, e);
	return r < 0 ? r : version_of_asked(c, *ret, e);
}

int body_read(struct call *c, const struct shape *s, void *out, struct err *e)
{
	CLEANUP_JSON struct json_object *o = NULL;
	int r = body_json(c, &o, e);
	if (r == 0 && !o)
		o = json_object_new_object();
	return r < 0 ? r : shape_read(s, o, out, c->a, e);
}

char *default_network(const struct settings *s)
{
	return s->network && *s->network ? s->network : "bridge";
}

/* ---- answers ---- */

static const char *text_of(struct json_object *o)
{
	return json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN |
							 JSON_C_TO_STRING_NOSLASHESCAPE);
}

static size_t shown_of_variable(const char *text)
{
	return strcspn(text, "=");
}

static size_t shown_of_line(const char *text)
{
	return strcspn(text, " ");
}

/* "exec_start: sh -c ..." */
static size_t shown_of_action(const char *text)
{
	return strncmp(text, "exec_", 5) ? strlen(text) : strcspn(text, ":");
}

/* What may have a password in it: of the text of @key so much may be seen. NULL: nothing. */
static const struct {
	const char *key;
	size_t (*shown)(const char *text);
} secret[] = {
	{"Env", shown_of_variable},
	{"Command", shown_of_line},
	{"CreatedBy", shown_of_line},
	{"Action", shown_of_action},
	{"status", shown_of_action},
	{"Cmd", NULL},
	{"Args", NULL},
	{"Entrypoint", NULL},
	{"arguments", NULL},
	{"Test", NULL},
	{"o", NULL},
};

static void hide_secrets(struct arena *a, const char *key, struct json_object *o)
{
	if (json_object_is_type(o, json_type_object)) {
		json_object_object_foreach(o, name, value) hide_secrets(a, name, value);
		return;
	}
	if (json_object_is_type(o, json_type_array))
		for (size_t i = 0; i < json_object_array_length(o); i++)
			hide_secrets(a, key, json_object_array_get_idx(o, i));
	if (!json_object_is_type(o, json_type_string))
		return;
	const char *text = json_object_get_string(o);
	size_t i = 0;
	while (i < ARRAY_LEN(secret) && strcmp(key, secret[i].key))
		i++;
	if (i == ARRAY_LEN(secret))
		return;
	size_t shown = secret[i].shown ? secret[i].shown(text) : 0;
	if (text[shown])
		json_object_set_string(o, arena_printf(a, "%.*s%.1s***", (int)shown, text,
						       shown ? text + shown : ""));
}

/* Append what the client may see of @o, which is given up. */
static void put_json(struct call *c, struct strbuf *out, struct json_object *o)
{
	if (c->http->read_only)
		hide_secrets(c->a, "", o);
	strbuf_puts(out, text_of(o));
	json_object_put(o);
}

int answer_json(struct call *c, int status, struct json_object *o)
{
	CLEANUP_STRBUF struct strbuf line = STRBUF_MAX(SIZE_MAX / 2);
	version_of_answer(c, o);
	put_json(c, &line, o);
	strbuf_putc(&line, '\n');
	http_answer(c->http, status, "application/json", line.buf, line.len);
	return 0;
}

int answer_text(struct call *c, struct strbuf *text, struct err *e)
{
	struct json_object *o;
	if (c->http->read_only) {
		int r = json_parse(text->buf, text->len, &o, e);
		return r < 0 ? r : answer_json(c, 200, o);
	}
	strbuf_putc(text, '\n');
	http_answer(c->http, 200, "application/json", text->buf, text->len);
	return 0;
}

int answer_nothing(struct call *c, int status)
{
	http_answer(c->http, status, NULL, NULL, 0);
	return 0;
}

void stream_json(struct call *c, struct json_object *o)
{
	CLEANUP_STRBUF struct strbuf line = STRBUF_MAX(SIZE_MAX / 2);
	put_json(c, &line, o);
	strbuf_puts(&line, "\r\n");
	http_write(c->http, line.buf, line.len);
}

void stream_error(struct call *c, const struct err *e)
{
	stream_json(c, image_failed_json(e));
}

int status_of(int r, const struct err *e)
{
	static const int of_kind[ERR_KINDS] = {
		[ERR_INVALID] = 400,  [ERR_USAGE] = 400,         [ERR_NOT_FOUND] = 404,
		[ERR_CONFLICT] = 409, [ERR_DENIED] = 403,        [ERR_NO_COMMAND] = 400,
		[ERR_TIMEOUT] = 500,  [ERR_NOT_EXECUTABLE] = 400};
	int status = e->kind < ERR_KINDS ? of_kind[e->kind] : 0;
	return status ? status : 500;
}

/* What to do about it stands behind it: docker's clients show the message alone. */
void answer_error(struct http *h, int status, const struct err *e)
{
	CLEANUP_JSON struct json_object *o = json_object_new_object();
	CLEANUP_STRBUF struct strbuf text = STRBUF_MAX(sizeof(*e) * 2);
	strbuf_puts(&text, e->text);
	if (*e->hint)
		strbuf_printf(&text, "\nhint: %s", e->hint);
	json_add_string(o, "message", strbuf_text(&text));
	const char *body = text_of(o);
	http_answer(h, status, "application/json", body, strlen(body));
}

struct json_object *warnings_object(struct call *c)
{
	struct json_object *list = json_of_strv(&c->en->warnings);
	c->en->warnings.count = 0;
	return list;
}

/* ---- routing ---- */

/* "/v1.47/info" is "/info" of version 1.47. */
static int take_version(struct call *c, char **path, struct err *e)
{
	unsigned long major, minor;
	char *p = *path, *end;
	c->minor = API_MINOR_MAX;
	if (strncmp(p, "/v", 2) || p[2] < '0' || p[2] > '9')
		return 0;
	major = strtoul(p + 2, &end, 10);
	if (*end != '.' || end[1] < '0' || end[1] > '9')
		return 0;
	minor = strtoul(end + 1, &end, 10);
	if (*end != '/')
		return 0;
	if (major > 1 || minor > API_MINOR_MAX)
		return err_set(e, EINVAL, ERR_INVALID,
			       "client version %lu.%lu is too new. Maximum supported API version "
			       "is " API_VERSION,
			       major, minor);
	if (major < 1 || minor < API_MINOR_MIN)
		return err_set(e, EINVAL, ERR_INVALID,
			       "client version %lu.%lu is too old. Minimum supported API version "
			       "is " API_VERSION_MIN
			       ", please upgrade your client to a newer version",
			       major, minor);
	c->minor = (int)minor;
	*path = end;
	return 0;
}

const struct route *route_find(const char *method, const char *path, struct arena *a,
			       const char **ret_arg)
{
	for (size_t i = 0; i < route_count; i++) {
		const struct route *route = &routes[i];
		const char *hole = strstr(route->path, "{}");
		size_t len = strlen(path), before = hole ? (size_t)(hole - route->path) : 0;
		size_t behind = hole ? strlen(hole + 2) : 0;
		if (strcmp(route->method, method) && *route->method != '*')
			continue;
		if (!hole && !strcmp(route->path, path))
			return route;
		if (!hole || len <= before + behind || strncmp(route->path, path, before) ||
		    strcmp(path + len - behind, hole + 2))
			continue;
		*ret_arg = arena_strndup(a, path + before, len - before - behind);
		return route;
	}
	return NULL;
}

/* A page of somebody else's, in the browser of who may connect: it says where it is from. Of
 * docker's clients none does. */
static int check_origin(const struct http_request *q, struct err *e)
{
	const char *origin = http_header(q, "origin"), *host = http_header(q, "host");
	const char *authority = origin ? strstr(origin, "://") : NULL;
	if (!origin || (authority && host && !strcasecmp(authority + 3, host)))
		return 0;
	return err_set(e, EACCES, ERR_DENIED, "a page of %s may not use hulld", origin);
}

/* Who asks: it is noted with what he has done to a container. */
static void name_client(int fd, char *ret, size_t size)
{
	struct ucred c;
	socklen_t len = sizeof(c);
	char program[PROCESS_NAME_SIZE];
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &c, &len) < 0)
		return;
	if (c.pid == getppid()) { /* the other end is hull-tls */
		snprintf(ret, size, "a client over TLS, by hulld");
		return;
	}
	const uid_t uid = c.uid == getuid() ? namespace_real_uid() : c.uid;
	snprintf(ret, size, "uid %u, from %s, by hulld", (unsigned)uid,
		 process_name(c.pid, program));
}

static int find_and_run(struct call *c, bool *en_open, struct arena *kept, struct err *e)
{
	char *path = c->http->q.path;
	int r = check_origin(c->q, e);
	if (r == 0)
		r = take_version(c, &path, e);
	if (r < 0)
		return r;
	const struct route *route = route_find(c->q->method, path, c->a, &c->arg);
	c->route = route;
	if (c->http->page && (r = page_admit(c, e)) < 0)
		return r;
	if (!route || c->http->page != ((route->flags & ROUTE_PAGE) != 0))
		return err_set(e, ENOENT, ERR_NOT_FOUND, "page not found");
	if (c->http->read_only && route->flags & ROUTE_CHANGES)
		return err_set(e, EACCES, ERR_DENIED, "this socket is read-only");
	c->http->lost |= (route->flags & ROUTE_LAST) != 0;
	if (!(route->flags & ROUTE_NO_ENGINE) && !*en_open) {
		r = settings_open_engine(c->settings, c->en, kept, e);
		*en_open = r == 0;
	}
	if (r == 0 && route->flags & ROUTE_CHANGES && *en_open && !*c->en->asked_by)
		name_client(c->http->fd, c->en->asked_by, sizeof(c->en->asked_by));
	if (r == 0 && route->flags & ROUTE_TURN)
		http_queue(c->http);
	return r < 0 ? r : route->run(c, e);
}

void call_serve(struct http *h, const struct settings *settings, struct engine *en, bool *en_open,
		struct arena *kept, struct arena *a)
{
	struct err e = {0};
	struct call c = {.http = h, .q = &h->q, .en = en, .a = a, .settings = settings};
	int r = find_and_run(&c, en_open, kept, &e);
	if (r < 0 && settings->debug)
		fprintf(stderr, "debug: %s: %d, kind %u: %s\n", c.q->method, e.number,
			(unsigned)e.kind, e.text);
	if (r < 0 && !h->answered)
		answer_error(h, status_of(r, &e), &e);
}
