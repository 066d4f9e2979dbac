/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Searching. docker.io, and some others, have an index with words and stars (/v1/search); what the
 * rest has is a list of their repositories (/v2/_catalog), if they give it, of which those are
 * taken that have the term in their name. Read remote.h first.
 */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "image/archive.h"
#include "image/plan.h"
#include "image/registry/remote.h"

enum { PAGES_MAX = 1000 };

struct results {
	struct array results; /* of struct image_found */
};
struct catalog {
	struct strv repositories;
};
static const struct field found_fields[] = {
	FIELD(struct image_found, name, "name", FIELD_STR, .flags = FIELD_REQUIRED),
	FIELD(struct image_found, description, "description", FIELD_STR),
	FIELD(struct image_found, stars, "star_count", FIELD_I64),
	FIELD(struct image_found, official, "is_official", FIELD_BOOL),
};
static const struct shape found_shape = SHAPE(struct image_found, found_fields);
static const struct field results_fields[] = {
	FIELD(struct results, results, "results", FIELD_ARRAY, .shape = &found_shape),
};
static const struct shape results_shape = SHAPE(struct results, results_fields);
static const struct field catalog_fields[] = {
	FIELD(struct catalog, repositories, "repositories", FIELD_STRV),
};
static const struct shape catalog_shape = SHAPE(struct catalog, catalog_fields);

static int get(struct remote *r, struct transport_request *q, const struct shape *shape, void *ret,
	       struct transport_message *m, struct err *e)
{
	char *text;
	size_t len;
	int n = remote_text(r, q, UINT64_MAX, ARCHIVE_MANIFEST_MAX, &text, &len, m, e);
	if (n == 0)
		n = plan_check_document("the answer", text, len, e);
	return n < 0 ? n : shape_parse(shape, text, len, ret, r->arena, e);
}

static int search_index(struct remote *r, const struct image_search *s, struct array *ret,
			struct err *e)
{
	struct transport_request q = {.op = TRANSPORT_GET};
	struct transport_message m;
	struct results results = {0};
	snprintf(q.path, sizeof(q.path), "/v1/search?q=%s&n=%lld", s->term, (long long)s->limit);
	int n = get(r, &q, &results_shape, &results, &m, e);
	struct image_found *found = results.results.items;
	for (size_t i = 0; n == 0 && i < results.results.count && strcmp(s->domain, "docker.io");
	     i++)
		found[i].name = arena_printf(r->arena, "%s/%s", s->domain, found[i].name);
	*ret = results.results;
	return n;
}

static int search_catalog(struct remote *r, const struct image_search *s, struct array *ret,
			  struct err *e)
{
	struct transport_request q = {.op = TRANSPORT_GET, .path = "/v2/_catalog"};
	struct transport_message m;
	for (int page = 0; page < PAGES_MAX; page++) {
		struct catalog c = {0};
		int n = get(r, &q, &catalog_shape, &c, &m, e);
		if (n < 0)
			return n;
		for (size_t i = 0; i < c.repositories.count && (int64_t)ret->count < s->limit;
		     i++) {
			char *name = c.repositories.items[i];
			if (!strstr(name, s->term))
				continue;
			struct image_found *f = array_push(r->arena, ret, sizeof(*f));
			f->name = arena_printf(r->arena, "%s/%s", s->domain, name);
		}
		if (!*m.next || (int64_t)ret->count >= s->limit)
			break;
		memcpy(q.path, m.next, sizeof(q.path));
	}
	return 0;
}

int image_search(struct image_store *store, const struct image_search *s, struct arena *a,
		 struct array *ret, struct err *e)
{
	CLEANUP_REMOTE struct remote r = REMOTE_NONE;
	struct endpoint *at;
	bool hub = !strcmp(s->domain, "docker.io");
	/* It goes into a URL as it is. */
	if (s->term[strspn(s->term, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "._-/")])
		return err_set(e, EINVAL, ERR_INVALID,
			       "a term to search for is made of letters, digits and . _ - /");
	if (s->limit < 1 || s->limit > IMAGE_SEARCH_MAX)
		return err_set(e, EINVAL, ERR_INVALID, "limit %lld is outside the range of [1, %d]",
			       (long long)s->limit, IMAGE_SEARCH_MAX);
	int n = registries_first(s->domain, "any", true, &at, a, e);
	if (n < 0)
		return n;
	if (hub && !strcmp(at->host, "registry-1.docker.io"))
		at->host = "index.docker.io";
	n = remote_open(&r, store, &s->registry, s->domain, "", at, hub ? "" : "registry:catalog:*",
			NULL, a, e);
	if (n == 0)
		n = search_index(&r, s, ret, e);
	if (n < 0 && !hub && r.job.helper.pid)
		n = search_catalog(&r, s, ret, e);
	return n < 0 ? err_context(e, "cannot search %s", s->domain) : 0;
}
