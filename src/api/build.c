/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /build. The classic one: the context is the body, what the builder says is the stream. The
 * builder reads its standard input and writes to its standard error; here the one is the body, and
 * a child turns the other into docker's lines. That of BuildKit's client (version=2): the context
 * and more are his session's (session.c), and the builder tells what happens in BuildKit's
 * messages. Read build/build.h first.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/handlers.h"
#include "api/session.h"
#include "base/base64.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "build/build.h"

#define UPLOAD "upload-request"

/* What docker's builder can and hull's cannot: with a value that has an effect it is refused. */
static const struct {
	const char *name, *allowed, *hint;
} foreign[] = {
	{"outputs", NULL, "hull build --output writes files"},
	{"isolation", "default", "on Linux there is the default only"},
};

static int refuse(const char *name, const char *value, const char *hint, struct err *e)
{
	err_set(e, ENOTSUP, ERR_INVALID, "build: %s=%.200s is not to be had", name, value);
	return err_hint(e, "%s", hint);
}

static int refuse_foreign(const struct call *c, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(foreign); i++) {
		const char *value = param(c, foreign[i].name);
		if (value && param_true(c, foreign[i].name, false) &&
		    (!foreign[i].allowed || strcmp(value, foreign[i].allowed)))
			return refuse(foreign[i].name, value, foreign[i].hint, e);
	}
	return 0;
}

/* {"KEY":"VALUE"}; with null a build argument is that of the environment, which hulld's is not. */
static int read_map(const struct call *c, const char *name, struct kvs *ret, struct err *e)
{
	const char *text = param(c, name);
	CLEANUP_JSON struct json_object *o = NULL;
	if (!text)
		return 0;
	int r = json_parse(text, strlen(text), &o, e);
	if (r == 0 && o && !json_object_is_type(o, json_type_object))
		r = err_set(e, EINVAL, ERR_INVALID, "expected an object");
	if (r < 0)
		return err_context(e, "%s", name);
	if (!o)
		return 0; /* null */
	json_object_object_foreach(o, key, value) if (value)
		kvs_set(c->a, ret, key, json_object_get_string(value));
	return 0;
}

/* ["IMAGE"] */
static int read_list(const struct call *c, const char *name, struct strv *ret, struct err *e)
{
	const char *text = param(c, name);
	CLEANUP_JSON struct json_object *o = NULL;
	if (!text)
		return 0;
	int r = json_parse(text, strlen(text), &o, e);
	if (r == 0 && o && !json_object_is_type(o, json_type_array))
		r = err_set(e, EINVAL, ERR_INVALID, "expected a list");
	for (size_t i = 0; r == 0 && o && i < json_object_array_length(o); i++) {
		struct json_object *item = json_object_array_get_idx(o, i);
		if (json_object_is_type(item, json_type_string))
			strv_push(c->a, ret, json_object_get_string(item));
	}
	return r < 0 ? err_context(e, "%s", name) : 0;
}

/* docker's list, as HostConfig has it. */
static int read_ulimits(const struct call *c, struct docker_host_config *h, struct err *e)
{
	const char *text = param(c, "ulimits");
	CLEANUP_JSON struct json_object *host = json_object_new_object();
	struct json_object *list = NULL;
	int r = text ? json_parse(text, strlen(text), &list, e) : 0;
	json_object_object_add(host, "Ulimits", list);
	if (r == 0)
		r = shape_read(&docker_host_config_shape, host, h, c->a, e);
	return r < 0 ? err_context(e, "ulimits") : 0;
}

static int read_limits(const struct call *c, struct docker_host_config *h, struct err *e)
{
	const struct {
		const char *name;
		int64_t *to;
	} numbers[] = {{"memory", &h->memory},        {"memswap", &h->memory_swap},
		       {"cpushares", &h->cpu_shares}, {"cpuperiod", &h->cpu_period},
		       {"cpuquota", &h->cpu_quota},   {"shmsize", &h->shm_size}};
	int r = 0;
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(numbers); i++)
		r = param_int(c, numbers[i].name, numbers[i].to, e);
	h->cpuset_cpus = (char *)param(c, "cpusetcpus");
	h->cgroup_parent = (char *)param(c, "cgroupparent");
	h->cpuset_mems = (char *)param(c, "cpusetmems");
	return r;
}

/* A line of what BuildKit's clients read: {"id": ..., "aux": ...}. Takes @aux over. */
static void say_aux(struct call *c, const char *id, struct json_object *aux)
{
	struct json_object *o = json_object_new_object();
	json_add_string(o, "id", id);
	json_object_object_add(o, "aux", aux);
	stream_json(c, o);
}

static void say_status(void *ctx, const void *status, size_t len)
{
	CLEANUP_ARENA struct arena a = {0};
	say_aux(ctx, "moby.buildkit.trace", json_of_string(base64_encode_bytes(status, len, &a)));
}

/* Where the context comes from: the body, another request, or the client's session. */
static int read_source(struct call *c, struct build_request *q, struct err *e)
{
	const char *version = param(c, "version"), *remote = param(c, "remote") ?: "";
	const char *session = param(c, "session");
	char *name = arena_alloc(c->a, ID_LEN + 1);
	bool kit = version && !strcmp(version, "2");
	if (version && !kit && strcmp(version, "1"))
		return err_set(e, EINVAL, ERR_INVALID, "invalid version %.64s: 1 or 2", version);
	if (kit && session) {
		rendezvous_name("session", session, name);
		q->session = name;
	}
	if (kit) {
		q->trace = say_status;
		q->trace_ctx = c;
	}
	if (!*remote || (kit && !strcmp(remote, UPLOAD)))
		return 0;
	if (!kit || strcmp(remote, "client-session"))
		return refuse("remote", remote,
			      "hull fetches no contexts: clone or unpack it first", e);
	q->context = NULL;
	return session ? 0
		       : err_set(e, EINVAL, ERR_INVALID,
				 "build: remote=client-session, but no session");
}

static int read_request(struct call *c, struct build_request *q, struct err *e)
{
	struct kvs args = {0};
	const char *network = param(c, "networkmode");
	*q = (struct build_request){.context = "-",
				    .file = param(c, "dockerfile"),
				    .tags = param_all(c, "t"),
				    .extra_hosts = param_all(c, "extrahosts"),
				    .target = param(c, "target"),
				    .no_cache = param_true(c, "nocache", false),
				    .pull = param_true(c, "pull", false),
				    .squash = param_true(c, "squash", false),
				    .quiet = param_true(c, "q", false)};
	q->network = network && strcmp(network, "default") ? network : default_network(c->settings);
	read_identities(c, &q->registry);
	const char *platform = param(c, "platform");
	int r = refuse_foreign(c, e);
	if (r == 0)
		r = read_source(c, q, e);
	if (r == 0 && platform && *platform)
		r = build_platform_parse(platform, c->a, &q->platform, e);
	if (r == 0)
		r = read_map(c, "buildargs", &args, e);
	if (r == 0)
		r = read_map(c, "labels", &q->labels, e);
	if (r == 0)
		r = read_list(c, "cachefrom", &q->cache_from, e);
	for (size_t i = 0; r == 0 && i < args.count; i++)
		strv_push(c->a, &q->args,
			  arena_printf(c->a, "%s=%s", args.items[i].key, args.items[i].value));
	if (r == 0)
		r = read_ulimits(c, &q->limits.host, e);
	q->cache_inline =
		!q->squash && !strcmp(strv_get_env(&q->args, "BUILDKIT_INLINE_CACHE") ?: "", "1");
	return r < 0 ? r : read_limits(c, &q->limits.host, e);
}

static void say(struct call *c, const char *key, const char *text)
{
	struct json_object *o = json_object_new_object();
	json_object_object_add(o, key, json_of_string(text));
	stream_json(c, o);
}

/* In a child: lines of @from, until nobody writes any more. For whom the builder has BuildKit's
 * messages they have nothing. */
static _Noreturn void relay(struct call *c, const struct build_request *q, int from)
{
	FILE *lines = fdopen(from, "r");
	char line[8192];
	while (lines && fgets(line, sizeof(line), lines))
		if (!q->trace)
			say(c, "stream", line);
	_exit(0);
}

/* Standard input and standard error are the builder's. Returns who relays. */
static pid_t redirect(struct call *c, const struct build_request *q, int body, struct err *e)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_errno(e, errno, "cannot make a pipe");
	pid_t pid = fork(); /* its input ends with us */
	if (pid == 0) {
		close(ends[1]);
		close(body);
		relay(c, q, ends[0]);
	}
	int r = pid < 0 || dup2(body, STDIN_FILENO) < 0 || dup2(ends[1], STDERR_FILENO) < 0 ? -errno
											    : 0;
	close(ends[0]);
	close(ends[1]);
	setvbuf(stderr, NULL, _IOLBF, 0);
	return r < 0 ? err_errno(e, r, "cannot start a process") : pid;
}

static void tell_result(struct call *c, const struct build_request *q, const char *id)
{
	struct json_object *o = json_object_new_object(), *aux = json_object_new_object();
	json_add_string(aux, "ID", arena_printf(c->a, "sha256:%s", id));
	json_object_object_add(o, "aux", aux);
	if (q->trace)
		say_aux(c, "moby.image.id", json_object_get(aux));
	else if (c->minor >= 30)
		stream_json(c, json_object_get(o));
	json_object_put(o);
	if (q->trace && !q->quiet)
		return;
	if (q->quiet)
		say(c, "stream", arena_printf(c->a, "sha256:%s\n", id));
	else
		say(c, "stream", arena_printf(c->a, "Successfully built %.12s\n", id));
	for (size_t i = 0; !q->quiet && i < q->tags.count; i++)
		say(c, "stream", arena_printf(c->a, "Successfully tagged %s\n", q->tags.items[i]));
}

static int open_body(struct call *c, const char *build, struct err *e)
{
	const char *remote = param(c, "remote");
	if (remote && !strcmp(remote, UPLOAD))
		return session_take_upload(c, build ?: "", e);
	return http_body_fd(c->http, HTTP_PAUSE_SECONDS, e);
}

int image_build(struct call *c, struct err *e)
{
	struct build_request q;
	char id[ID_LEN + 1];
	const char *build = param(c, "buildid");
	CLEANUP_WAITING struct waiting cancel = {-1, -1, ""};
	session_await(c);
	int r = read_request(c, &q, e);
	if (r < 0)
		return r;
	if (q.trace && build && !strncmp(build, UPLOAD ":", strlen(UPLOAD ":")))
		return session_upload(c, build + strlen(UPLOAD ":"), e);
	if (build && (r = session_await_cancel(c, build, &cancel, e)) < 0)
		return r;
	CLEANUP_FD int body = open_body(c, build, e);
	if (body < 0)
		return body;
	http_begin(c->http, 200, "application/json", "");
	http_end_with_client(c->http);
	c->http->hurried = q.trace != NULL; /* the builder itself writes to the client */
	c->http->patience = c->http->patience_max = HTTP_PAUSE_SECONDS * 1000;
	pid_t relayer = redirect(c, &q, body, e);
	r = relayer < 0 ? relayer : build_image(c->en, &q, c->a, id, e);
	/* Its last line comes before ours. */
	CLEANUP_FD int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	dup2(null, STDERR_FILENO);
	waiting_close(&cancel);
	if (relayer > 0)
		waitpid(relayer, NULL, 0);
	if (r < 0)
		stream_error(c, e);
	else
		tell_result(c, &q, id);
	http_end(c->http);
	return 0;
}
