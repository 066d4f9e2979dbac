/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images that come and go, with docker's stream of progress: pull and import (/images/create),
 * load, push. The stream begins with the first progress, so that what fails before has a status of
 * its own. Read api.h first.
 */
#include <string.h>

#include "api/handlers.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"

enum { EVERY_MS = 100 };

struct progress {
	struct call *call;
	const char *begins, *goes_on, *finished, *existed; /* docker's words */
	const char *first, *first_id;                      /* said before all else, or NULL */
	struct strv begun;                                 /* layers */
	int64_t shown;
};

static void say(struct progress *p, const char *key, const char *text, const char *id)
{
	struct json_object *o = json_object_new_object();
	if (!p->call->http->streaming)
		http_begin(p->call->http, 200, "application/json", "");
	json_object_object_add(o, key, json_of_string(text));
	if (id)
		json_add_string(o, "id", id);
	stream_json(p->call, o);
}

static void begin(struct progress *p)
{
	if (p->first)
		say(p, "status", p->first, p->first_id);
	p->first = NULL;
}

static void say_layer(struct progress *p, const char *status, const struct image_progress *i,
		      bool bar)
{
	begin(p);
	stream_json(p->call, image_progress_json(i, status, bar));
}

static void on_progress(const struct image_progress *i, void *ctx)
{
	struct progress *p = ctx;
	bool known = false;
	for (size_t k = 0; k < p->begun.count; k++)
		known |= !strcmp(p->begun.items[k], i->layer);
	if (!p->call->http->streaming)
		http_begin(p->call->http, 200, "application/json", "");
	if (!known) {
		strv_push(p->call->a, &p->begun, i->layer);
		if (!i->existed && p->begins)
			say_layer(p, p->begins, i, false);
	}
	if (i->finished || i->existed) {
		say_layer(p, i->existed ? p->existed : p->finished, i, false);
	} else if (clock_ms() - p->shown >= EVERY_MS) {
		p->shown = clock_ms();
		say_layer(p, p->goes_on, i, true);
	}
}

/* What failed after the first word is a line of the stream. */
static int end_stream(struct progress *p, int r, struct err *e)
{
	if (r < 0 && !p->call->http->streaming)
		return r;
	if (r < 0)
		stream_error(p->call, e);
	http_end(p->call->http);
	return 0;
}

/* Without a tag docker's API means all of them. */
static bool has_tag(const char *name)
{
	const char *slash = strrchr(name, '/');
	return strpbrk(slash ? slash : name, ":@");
}

/* ---- in ---- */

static int pull(struct call *c, struct err *e)
{
	struct image_pull q = {.reference = param_reference(c, "fromImage"),
			       .platform = param(c, "platform"),
			       .progress = on_progress};
	struct image_pulled pulled;
	struct image_reference ref;
	struct progress p = {c, "Pulling fs layer", "Downloading", "Pull complete",
			     "Already exists"};
	struct strv names = {0};
	bool all = !param(c, "tag") && !has_tag(param(c, "fromImage"));
	int r = image_reference_parse(q.reference, c->a, &ref, e);
	if (r == 0)
		read_auth(c, ref.domain, &q.registry);
	if (r < 0)
		return r;
	q.ctx = &p;
	if (all)
		r = image_remote_tags(&c->en->images, &q, c->a, &names, e);
	else
		strv_push(c->a, &names, q.reference);
	for (size_t i = 0; r == 0 && i < names.count; i++) {
		r = image_reference_parse(q.reference = names.items[i], c->a, &ref, e);
		p.first = arena_printf(c->a, "Pulling from %s", ref.path);
		p.first_id = ref.digest ? ref.digest : ref.tag;
		if (r == 0)
			r = image_pull(&c->en->images, &q, c->a, &pulled, e);
		if (r < 0)
			break;
		begin(&p);
		say(&p, "status", arena_printf(c->a, "Digest: %s", pulled.digest), NULL);
		say(&p, "status",
		    arena_printf(c->a, "Status: %s %s",
				 pulled.newer ? "Downloaded newer image for"
					      : "Image is up to date for",
				 pulled.familiar),
		    NULL);
	}
	return end_stream(&p, r, e);
}

static int import(struct call *c, struct err *e)
{
	const char *source = param(c, "fromSrc");
	struct progress p = {.call = c};
	char id[ID_LEN + 1];
	if (strcmp(source, "-"))
		return err_set(e, ENOTSUP, ERR_INVALID, "import %s: hull does not fetch files",
			       source);
	struct image_import q = {.reference = param_reference(c, "repo"),
				 .changes = param_all(c, "changes"),
				 .message = param(c, "message"),
				 .platform = param(c, "platform")};
	CLEANUP_FD int body = http_body_fd(c->http, HTTP_PAUSE_SECONDS, e);
	q.fd = body;
	int r = body < 0 ? body : image_import(&c->en->images, &q, id, e);
	if (r == 0)
		say(&p, "status", arena_printf(c->a, "sha256:%s", id), NULL);
	return end_stream(&p, r, e);
}

int images_create(struct call *c, struct err *e)
{
	if (param(c, "fromImage"))
		return pull(c, e);
	if (param(c, "fromSrc"))
		return import(c, e);
	return err_set(e, EINVAL, ERR_INVALID, "fromImage or fromSrc is wanted");
}

int images_load(struct call *c, struct err *e)
{
	struct progress p = {c, NULL, "Loading layer", "Loaded layer", "Layer already exists"};
	struct image_load q = {.path = "-",
			       .progress = param_true(c, "quiet", false) ? NULL : on_progress,
			       .ctx = &p};
	struct image_loaded *loaded;
	size_t count = 0;
	int r = param_platform(c, "platform", &q.platform, e);
	CLEANUP_FD int body = r < 0 ? r : http_body_fd(c->http, HTTP_PAUSE_SECONDS, e);
	q.fd = body;
	r = body < 0 ? body : image_load(&c->en->images, &q, c->a, &loaded, &count, e);
	for (size_t i = 0; r == 0 && i < count; i++) {
		for (size_t k = 0; k < loaded[i].tags.count; k++)
			say(&p, "stream",
			    arena_printf(c->a, "Loaded image: %s\n", loaded[i].tags.items[k]),
			    NULL);
		if (!loaded[i].tags.count)
			say(&p, "stream",
			    arena_printf(c->a, "Loaded image ID: sha256:%s\n", loaded[i].id), NULL);
	}
	return end_stream(&p, r, e);
}

/* ---- out ---- */

static int push_one(struct progress *p, const struct image_push *q, struct err *e)
{
	struct call *c = p->call;
	struct image_reference ref;
	struct image_pushed pushed;
	int r = image_reference_parse(q->reference, c->a, &ref, e);
	if (r == 0)
		r = image_push(&c->en->images, q, c->a, &pushed, e);
	if (r < 0)
		return r;
	say(p, "status",
	    arena_printf(c->a, "%s: digest: %s size: %llu", ref.tag, pushed.digest,
			 (unsigned long long)pushed.size),
	    NULL);
	stream_json(c, image_pushed_json(&pushed, ref.tag));
	return 0;
}

int image_do_push(struct call *c, struct err *e)
{
	struct image_push q = {.progress = on_progress};
	struct progress p = {c, "Preparing", "Pushing", "Pushed", "Layer already exists"};
	struct image_reference ref;
	struct strv names = {0};
	const char *tag = param(c, "tag");
	const char *name = tag && *tag ? arena_printf(c->a, "%s:%s", c->arg, tag) : c->arg;
	int r = image_reference_parse(name, c->a, &ref, e);
	if (r == 0)
		r = image_local_tags(&c->en->images, &ref, !has_tag(name), c->a, &names, e);
	for (size_t i = 0; r == 0 && i < names.count; i++)
		r = check_platform(c, "platform", names.items[i], e);
	if (r < 0)
		return r;
	read_auth(c, ref.domain, &q.registry);
	q.ctx = &p;
	p.first = arena_printf(c->a, "The push refers to repository [%s/%s]", ref.domain, ref.path);
	begin(&p);
	for (size_t i = 0; r == 0 && i < names.count; i++) {
		q.reference = names.items[i];
		r = push_one(&p, &q, e);
	}
	return end_stream(&p, r, e);
}
