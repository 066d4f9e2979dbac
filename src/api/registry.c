/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who the client is at a registry, and what only asks one: /auth, /images/search, /distribution.
 * Read api.h first.
 */
#include <errno.h>
#include <string.h>

#include "api/handlers.h"
#include "base/base64.h"
#include "base/json.h"
#include "engine/filters.h"
#include "image/digest.h"
#include "image/registry/credentials.h"

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

/* The client sends an empty object where it has none. */
void read_auth(struct call *c, const char *domain, struct image_registry *ret)
{
	struct auth auth = {0};
	const char *text = decoded(c, "x-registry-auth");
	if (text && shape_parse(&auth_shape, text, strlen(text), &auth, c->a, ERR_IGNORED) == 0)
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

/* ---- asking ---- */

int images_search(struct call *c, struct err *e)
{
	struct image_search q = {.domain = "docker.io", .limit = 25};
	struct strv filters = {0};
	const struct image_found none = {0};
	struct array found = {0};
	int64_t limit = 25;
	const char *term = param(c, "term"), *slash = term ? strchr(term, '/') : NULL;
	int r = param_int(c, "limit", &limit, e);
	if (r == 0)
		r = param_filters(c, &filters, e);
	if (r == 0)
		r = filters_check(&filters, search_filter_matches, &none, e);
	if (r >= 0 && !term)
		r = err_set(e, EINVAL, ERR_INVALID, "term: nothing is asked for");
	if (r < 0)
		return r;
	/* "host:5000/term" is one of that registry. */
	if (slash && strcspn(term, ".:") < (size_t)(slash - term)) {
		q.domain = arena_strndup(c->a, term, (size_t)(slash - term));
		term = slash + 1;
	}
	q.term = term;
	q.limit = limit ? limit : 25; /* docker takes 0 for that */
	read_auth(c, q.domain, &q.registry);
	r = image_search(&c->en->images, &q, c->a, &found, e);
	if (r < 0)
		return r;
	struct json_object *list = json_object_new_array();
	for (size_t i = 0; i < found.count; i++) {
		const struct image_found *f = (const struct image_found *)found.items + i;
		if (filters_all_match(&filters, search_filter_matches, f, e) <= 0)
			continue;
		struct json_object *o = json_object_new_object();
		json_add_string(o, "name", f->name);
		json_add_string(o, "description", f->description);
		json_add_int(o, "star_count", f->stars);
		json_add_bool(o, "is_official", f->official);
		json_add_bool(o, "is_automated", false);
		json_object_array_add(list, o);
	}
	return answer_json(c, 200, list);
}

/* Of an index those that it lists; of a manifest alone that of its config, where it has one. */
static struct json_object *platforms_of(struct call *c, const struct image_pull *q,
					struct json_object *document)
{
	struct json_object *list = json_object_new_array(), *manifests, *platform;
	struct array entries = {0};
	struct err ignored;
	bool index;
	if (json_object_object_get_ex(document, "manifests", &manifests) &&
	    json_object_is_type(manifests, json_type_array)) {
		for (size_t i = 0; i < json_object_array_length(manifests); i++)
			if (json_object_object_get_ex(json_object_array_get_idx(manifests, i),
						      "platform", &platform) &&
			    platform)
				json_object_array_add(list, json_object_get(platform));
	} else if (image_remote_entries(&c->en->images, q, c->a, &entries, &index, &ignored) == 0 &&
		   entries.count) {
		const struct image_entry *own = entries.items;
		CLEANUP_JSON struct json_object *d =
			shape_write(&oci_descriptor_shape, &own->descriptor);
		if (json_object_object_get_ex(d, "platform", &platform))
			json_object_array_add(list, json_object_get(platform));
	}
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
	if (r < 0 && e->kind == ERR_DENIED) { /* as its API has it; dockerd says 500 to nobody */
		answer_error(c->http, 401, e);
		return 0;
	}
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
	json_object_object_add(o, "Platforms", platforms_of(c, &q, document));
	return answer_json(c, 200, o);
}
