/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Docker Engine API over the engine library. A request is a struct call, which its handler
 * answers; the table of routes (routes.c) says which. What fails is told by the router, as docker
 * does: a status by the kind of error, and {"message": "..."}.
 *
 * Read server.h for the processes, http.h for the connection.
 */
#pragma once

#include <json-c/json.h>

#include "base/strbuf.h"
#include "engine/settings.h"

#define API_VERSION "1.51"
#define API_VERSION_MIN "1.24"
enum { API_MINOR_MIN = 24, API_MINOR_MAX = 51 };

#include "api/http.h"

struct call {
	struct http *http;
	const struct http_request *q;
	struct engine *en; /* open, but for routes with ROUTE_NO_ENGINE */
	struct arena *a;
	const struct settings *settings;
	const struct route *route;
	const char *arg; /* what stands for {} in the route's path */
	int minor;       /* of the API's version that the client speaks: 1.MINOR */
};

/** Returns 0 when it has answered, or negative errno; also after an answer was begun. */
typedef int (*call_fn)(struct call *c, struct err *e);

enum route_flags {
	ROUTE_NO_ENGINE = 1,
	ROUTE_LAST = 2,    /* leaves the process in a state in which it serves nobody else */
	ROUTE_CHANGES = 4, /* changes something, or shows files: not for who may only look */
	ROUTE_PAGE = 8,    /* on the port of --page, and nowhere else */
	ROUTE_TURN = 16,   /* waits for nobody but this machine: it takes its turn, see turn.h */
};
struct route {
	const char *method; /* "*": any */
	const char *path;   /* "/containers/{}/json"; {} takes slashes, too, if something follows */
	call_fn run;
	unsigned flags;
	const char *about; /* for the manual */
};
extern const struct route routes[];
extern const size_t route_count;

/** Where a container comes that names no network: hull.conf's, or "bridge". */
char *default_network(const struct settings *s);
/** The route of a path without its version, and what {} is; NULL: none. */
const struct route *route_find(const char *method, const char *path, struct arena *a,
			       const char **ret_arg);
/* ---- what only some versions have (versions.c) ---- */

/** Whether the client's version knows a parameter of the route. */
bool version_has_param(const struct call *c, const char *name);
/** Take out of what was asked, or put in, what is otherwise in the client's version; NULL is
 * nothing. */
int version_of_asked(const struct call *c, struct json_object *body, struct err *e);
/** The same of an answer. */
void version_of_answer(const struct call *c, struct json_object *o);

/** Serve one request that http_next() has taken. @kept lives as long as the engine, @a as the
 * request. */
void call_serve(struct http *h, const struct settings *settings, struct engine *en, bool *en_open,
		struct arena *kept, struct arena *a);
/** The status of an error. */
int status_of(int r, const struct err *e);

/* ---- what was asked ---- */

/** A parameter; NULL: not given, or empty. */
const char *param(const struct call *c, const char *name);
/** -EACCES where @name is given and this is the socket of who may only look. */
int refuse_looker(const struct call *c, const char *name, struct err *e);
/** "1", "true", "True"; docker takes anything else that is not 0, false, no or none for true. */
bool param_true(const struct call *c, const char *name, bool otherwise);
int param_int(const struct call *c, const char *name, int64_t *ret, struct err *e);
/** All values of a parameter that repeats. */
struct strv param_all(const struct call *c, const char *name);
/** The filters, "KEY=VALUE" each, of {"KEY":["VALUE"]} or {"KEY":{"VALUE":true}}. */
int param_filters(const struct call *c, struct strv *ret, struct err *e);
/** The body as JSON; without one *@ret is NULL. The caller's. */
int body_json(struct call *c, struct json_object **ret, struct err *e);
/** The same into a struct. */
int body_read(struct call *c, const struct shape *s, void *out, struct err *e);

/* ---- answers ---- */

/** Takes @o over. Who may only look does not see the values of environment variables in it, nor
 * what commands are given. */
int answer_json(struct call *c, int status, struct json_object *o);
int answer_nothing(struct call *c, int status);
/** JSON text, of which who may only look sees as much as of answer_json(). */
int answer_text(struct call *c, struct strbuf *text, struct err *e);
/** {"message": text} */
void answer_error(struct http *h, int status, const struct err *e);
/** A line of a stream of JSON objects; takes @o over. */
void stream_json(struct call *c, struct json_object *o);
/** The line of a stream that failed after its first word. */
void stream_error(struct call *c, const struct err *e);
/** What the engine warned of, as a list. */
struct json_object *warnings_object(struct call *c);
