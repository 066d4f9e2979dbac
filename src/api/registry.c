/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images that come and go, with docker's stream of progress: pull and import (/images/create),
 * load, push; and what asks a registry: /auth, /images/search, /distribution. The stream begins
 * with the first progress, so that what fails before has a status of its own. Read api.h first.
 */
#include <errno.h>
#include <string.h>

#include "api/handlers.h"
#include "base/base64.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/units.h"
#include "engine/filters.h"
#include "image/digest.h"
#include "image/registry/credentials.h"

enum { EVERY_MS = 100, BAR = 50 };

/* ---- who we are there ---- */

/* API "AuthConfig". */
struct auth {
	char *user, *secret, *identity, *server;
};
static const struct field auth_fields[] = {
	FIELD(struct auth, user, "username", FIELD_STR),
	FIELD(struct auth, secret, "password", FIELD_STR),
	FIELD(struct auth, identity, "identitytoken", FIELD_STR),
	FIELD(struct auth, server, "serveraddress", FIELD_STR),
};
static const struct shape auth_shape = SHAPE(struct auth, auth_fields);

/* What such a header holds; NULL: nothing. An old client's broken one is none: docker takes it so.
 */
static char *decoded(struct call *c, const char *name)
{
	const char *header = http_header(c->q, name);
	char *own = arena_strdup(c->a, header ?: "");
	for (char *d = own; *d; d++) /* clients use either alphabet */
		*d = (char)(*d == '-' ? '+' : *d == '_' ? '/' : *d);
	return *own ? base64_decode(own, c->a) : NULL;
}

static void add_identity(struct call *c, const char *domain, const struct auth *auth,
			 struct image_registry *ret)
{
	bool token = auth->identity && *auth->identity;
	if ((!auth->user || !*auth->user) && !token)
		return;
	struct credentials *known = arena_new(c->a, struct credentials);
	struct image_identity *own = arena_new(c->a, struct image_identity);
	*known = (struct credentials){auth->user, auth->secret, token ? auth->identity : NULL};
	*own = (struct image_identity){ret->identities, domain, known};
	ret->identities = own;
}

/* X-Registry-Auth; the client sends an empty object where it has none. */
static void read_auth(struct call *c, const char *domain, struct image_registry *ret)
{
	struct err ignored = {0};
	struct auth auth = {0};
	const char *text = decoded(c, "x-registry-auth");
	if (text && shape_parse(&auth_shape, text, strlen(text), &auth, c->a, &ignored) == 0)
		add_identity(c, domain, &auth, ret);
}

void read_identities(struct call *c, struct image_registry *ret)
{
	struct err ignored = {0};
	CLEANUP_JSON struct json_object *all = NULL;
	const char *text = decoded(c, "x-registry-config");
	if (!text || json_parse(text, strlen(text), &all, &ignored) < 0 ||
	    !json_object_is_type(all, json_type_object))
		return;
	json_object_object_foreach(all, server, one)
	{
		struct auth auth = {0};
		if (shape_read(&auth_shape, one, &auth, c->a, &ignored) == 0)
			add_identity(c, image_registry_name(server, c->a), &auth, ret);
	}
}

int system_auth(struct call *c, struct err *e)
{
	struct auth auth = {0};
	char *ignored;
	int r = body_read(c, &auth_shape, &auth, e);
	if (r < 0)
		return r;
	const struct image_login login = {
		.domain = image_registry_name(auth.server ? auth.server : "", c->a),
		.user = auth.user,
		.secret = auth.secret,
		.check = true};
	if (!auth.user || !*auth.user)
		return err_set(e, EINVAL, ERR_INVALID, "username: nobody is named");
	r = image_login(&c->en->images, &login, c->a, &ignored, e);
	if (r < 0) {
		answer_error(c->http, r == -EACCES ? 401 : status_of(r, e), e);
		return 0;
	}
	struct json_object *o = json_object_new_object();
	json_add_string(o, "Status", "Login Succeeded");
	json_add_string(o, "IdentityToken", "");
	return answer_json(c, 200, o);
}

/* ---- the stream ---- */

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
	struct json_object *o = json_object_new_object(), *detail = json_object_new_object();
	begin(p);
	if (bar) {
		char text[BAR + 80], done[SIZE_TEXT_SIZE], total[SIZE_TEXT_SIZE];
		size_t full = i->total ? (size_t)(BAR * i->done / i->total) : 0;
		full = full > BAR ? BAR : full;
		json_add_int(detail, "current", (int64_t)i->done);
		if (i->total)
			json_add_int(detail, "total", (int64_t)i->total);
		snprintf(text, sizeof(text), "[%.*s>%*s]  %s/%s", (int)full,
			 "==================================================", (int)(BAR - full),
			 "", size_human((int64_t)i->done, done),
			 size_human((int64_t)i->total, total));
		if (i->total)
			json_add_string(o, "progress", text);
	}
	json_add_string(o, "status", status);
	json_object_object_add(o, "progressDetail", detail);
	json_add_string(o, "id", arena_strndup(p->call->a, i->layer, 12));
	stream_json(p->call, o);
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
	const char *name = param(c, "fromImage"), *slash = strrchr(name, '/');
	bool all = !param(c, "tag") && !strpbrk(slash ? slash : name, ":@");
	int r = image_reference_parse(q.reference, c->a, &ref, e);
	if (r == 0)
		read_auth(c, ref.domain, &q.registry);
	if (r < 0)
		return r;
	q.ctx = &p;
	/* Without a tag docker's API means all of them. */
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

int image_do_push(struct call *c, struct err *e)
{
	const char *tag = param(c, "tag");
	struct image_push q = {.reference = tag ? arena_printf(c->a, "%s:%s", c->arg, tag) : c->arg,
			       .progress = on_progress};
	struct progress p = {c, "Preparing", "Pushing", "Pushed", "Layer already exists"};
	struct image_reference ref;
	struct image_pushed pushed;
	struct image found;
	int r = image_reference_parse(q.reference, c->a, &ref, e);
	if (r == 0)
		r = image_find_config(&c->en->images, q.reference, c->a, &found, e);
	if (r == 0)
		r = check_platform(c, "platform", q.reference, e);
	if (r == 0)
		read_auth(c, ref.domain, &q.registry);
	if (r < 0)
		return r;
	q.ctx = &p;
	p.first = arena_printf(c->a, "The push refers to repository [%s/%s]", ref.domain, ref.path);
	begin(&p);
	r = image_push(&c->en->images, &q, c->a, &pushed, e);
	if (r == 0) {
		say(&p, "status",
		    arena_printf(c->a, "%s: digest: %s size: %llu", ref.tag, pushed.digest,
				 (unsigned long long)pushed.size),
		    NULL);
		struct json_object *o = json_object_new_object(), *aux = json_object_new_object();
		json_add_string(aux, "Tag", ref.tag);
		json_add_string(aux, "Digest", pushed.digest);
		json_add_int(aux, "Size", (int64_t)pushed.size);
		json_object_object_add(o, "progressDetail", json_object_new_object());
		json_object_object_add(o, "aux", aux);
		stream_json(c, o);
	}
	return end_stream(&p, r, e);
}

/* ---- asking ---- */

int images_search(struct call *c, struct err *e)
{
	struct image_search q = {.domain = "docker.io", .limit = 25};
	struct strv filters = {0};
	struct array found = {0};
	int64_t limit = 25, stars = 0;
	const char *term = param(c, "term"), *slash = term ? strchr(term, '/') : NULL, *value;
	const char *official = NULL;
	int r = param_int(c, "limit", &limit, e);
	if (r == 0)
		r = param_filters(c, &filters, e);
	for (size_t i = 0; r == 0 && i < filters.count; i++) {
		if ((value = text_after(filters.items[i], "stars=")))
			r = int_parse(value, 0, INT32_MAX, &stars);
		else if (!(official = text_after(filters.items[i], "is-official=")) &&
			 !text_after(filters.items[i], "is-automated="))
			r = filter_unknown(filters.items[i], "stars is-official", e);
	}
	if (r == 0 && !term)
		r = err_set(e, EINVAL, ERR_INVALID, "term: nothing is asked for");
	if (r < 0)
		return r;
	/* "host:5000/term" is one of that registry. */
	if (slash && strcspn(term, ".:") < (size_t)(slash - term)) {
		q.domain = arena_strndup(c->a, term, (size_t)(slash - term));
		term = slash + 1;
	}
	q.term = term;
	q.limit = limit > 0 && limit <= 100 ? (size_t)limit : 25;
	read_auth(c, q.domain, &q.registry);
	r = image_search(&c->en->images, &q, c->a, &found, e);
	if (r < 0)
		return r;
	struct json_object *list = json_object_new_array();
	for (size_t i = 0; i < found.count; i++) {
		const struct image_found *f = (const struct image_found *)found.items + i;
		struct json_object *o = json_object_new_object();
		if (f->stars < stars || (official && text_is_true(official) != f->official))
			continue;
		json_add_string(o, "name", f->name);
		json_add_string(o, "description", f->description);
		json_add_int(o, "star_count", f->stars);
		json_add_bool(o, "is_official", f->official);
		json_add_bool(o, "is_automated", false);
		json_object_array_add(list, o);
	}
	return answer_json(c, 200, list);
}

/* Of an index the platforms that it lists, of a manifest none: its config is not fetched. */
static struct json_object *platforms_of(struct json_object *document)
{
	struct json_object *list = json_object_new_array(), *manifests, *platform;
	if (!json_object_object_get_ex(document, "manifests", &manifests) ||
	    !json_object_is_type(manifests, json_type_array))
		return list;
	for (size_t i = 0; i < json_object_array_length(manifests); i++)
		if (json_object_object_get_ex(json_object_array_get_idx(manifests, i), "platform",
					      &platform) &&
		    platform)
			json_object_array_add(list, json_object_get(platform));
	return list;
}

int image_distribution(struct call *c, struct err *e)
{
	struct image_pull q = {.reference = c->arg};
	struct image_reference ref;
	CLEANUP_JSON struct json_object *document = NULL;
	struct json_object *type = NULL;
	char *text, digest[65];
	int r = image_reference_parse(q.reference, c->a, &ref, e);
	if (r == 0)
		read_auth(c, ref.domain, &q.registry);
	if (r == 0)
		r = image_remote_manifest(&c->en->images, &q, c->a, &text, e);
	if (r == 0)
		r = json_parse(text, strlen(text), &document, e);
	if (r < 0)
		return r;
	digest_sha256(text, strlen(text), digest);
	json_object_object_get_ex(document, "mediaType", &type);
	struct json_object *o = json_object_new_object(), *d = json_object_new_object();
	json_add_string(d, "mediaType",
			type ? json_object_get_string(type)
			     : "application/vnd.oci.image.manifest.v1+json");
	json_add_string(d, "digest", arena_printf(c->a, "sha256:%s", digest));
	json_add_int(d, "size", (int64_t)strlen(text));
	json_object_object_add(o, "Descriptor", d);
	json_object_object_add(o, "Platforms", platforms_of(document));
	return answer_json(c, 200, o);
}
