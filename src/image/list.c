/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Listing images, and docker's filters for it. A pattern is matched as docker does, against the
 * familiar name with and without its tag. Read image.h first.
 */
#include <errno.h>
#include <fnmatch.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/units.h"
#include "image/rows.h"

static int add_reference(struct image_store *s, struct image_filter *f, const char *value,
			 struct arena *a, struct err *e)
{
	strv_push(a, &f->references, value);
	return 0;
}

static int add_label(struct image_store *s, struct image_filter *f, const char *value,
		     struct arena *a, struct err *e)
{
	kvs_set_pair(a, &f->labels, value);
	return 0;
}

static int add_dangling(struct image_store *s, struct image_filter *f, const char *value,
			struct arena *a, struct err *e)
{
	f->dangling.set = true;
	return bool_parse(value, &f->dangling.value) == 0
		       ? 0
		       : err_set(e, EINVAL, ERR_INVALID, "invalid filter 'dangling=[%.100s]'",
				 value);
}

static int add_before(struct image_store *s, struct image_filter *f, const char *value,
		      struct arena *a, struct err *e)
{
	char id[ID_LEN + 1], *name;
	int r = image_resolve(s, value, a, id, &name, e);
	if (r == 0)
		strv_push(a, &f->before, id);
	return r;
}

static int add_since(struct image_store *s, struct image_filter *f, const char *value,
		     struct arena *a, struct err *e)
{
	char id[ID_LEN + 1], *name;
	int r = image_resolve(s, value, a, id, &name, e);
	if (r == 0)
		strv_push(a, &f->since, id);
	return r;
}

static int add_until(struct image_store *s, struct image_filter *f, const char *value,
		     struct arena *a, struct err *e)
{
	int64_t ns;
	if (duration_parse(value, &ns) == 0)
		f->until = clock_real_ns() - ns;
	else if (time_parse(value, &f->until) < 0)
		return err_set(e, EINVAL, ERR_INVALID,
			       "invalid filter 'until=%.100s': neither a duration nor a time",
			       value);
	return 0;
}

int image_filter_add(struct image_store *s, struct image_filter *f, const char *filter,
		     struct arena *a, struct err *e)
{
	static const struct {
		const char *key;
		int (*add)(struct image_store *, struct image_filter *, const char *,
			   struct arena *, struct err *);
	} table[] = {
		{"reference", add_reference}, {"label", add_label}, {"dangling", add_dangling},
		{"before", add_before},       {"since", add_since}, {"until", add_until},
	};
	const char *equals = strchr(filter, '=');
	if (!equals)
		return err_set(e, EINVAL, ERR_INVALID, "invalid filter '%.100s': not KEY=VALUE",
			       filter);
	size_t len = (size_t)(equals - filter);
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (strlen(table[i].key) == len && !strncmp(table[i].key, filter, len))
			return table[i].add(s, f, equals + 1, a, e);
	err_set(e, EINVAL, ERR_INVALID, "invalid filter '%.*s'", len > 100 ? 100 : (int)len,
		filter);
	return err_hint(
		e, "images can be filtered by reference, label, dangling, before, since, until");
}

/* @name: REPOSITORY:TAG or REPOSITORY@DIGEST. */
static bool name_matches(const struct strv *patterns, const char *name, struct arena *a)
{
	const char *end = strchr(name, '@') ?: strrchr(name, ':') ?: name + strlen(name);
	char *repository = arena_strndup(a, name, (size_t)(end - name));
	for (size_t i = 0; i < patterns->count; i++)
		if (fnmatch(patterns->items[i], name, FNM_PATHNAME) == 0 ||
		    fnmatch(patterns->items[i], repository, FNM_PATHNAME) == 0)
			return true;
	return false;
}

static void keep_matching(const struct strv *patterns, struct strv *names, struct arena *a)
{
	struct strv kept = {0};
	for (size_t i = 0; i < names->count; i++)
		if (name_matches(patterns, names->items[i], a))
			strv_push(a, &kept, names->items[i]);
	*names = kept;
}

/* Only the names that match are listed, as docker does. */
static bool references_fit(const struct image_filter *f, struct image *im, struct arena *a)
{
	if (!f->references.count)
		return true;
	keep_matching(&f->references, &im->tags, a);
	keep_matching(&f->references, &im->digests, a);
	return im->tags.count || im->digests.count;
}

static bool labels_fit(const struct image_filter *f, const struct image *im)
{
	for (size_t i = 0; i < f->labels.count; i++) {
		const char *value = kvs_get(&im->config.config.labels, f->labels.items[i].key);
		const char *wanted = f->labels.items[i].value;
		if (!value || (*wanted && strcmp(value, wanted)))
			return false;
	}
	return true;
}

static int created_of(struct image_store *s, const char *id, int64_t *ret, struct err *e)
{
	CLEANUP_STMT sqlite3_stmt *q = NULL;
	int r = db_first(s->db, &q, e, "SELECT created FROM image WHERE id = ?1", "s", id);
	if (r > 0)
		*ret = db_int(q, 0);
	return r < 0 ? r : 0;
}

/* The bounds of the time of creation that before, since and until make. */
struct bounds {
	int64_t above, below; /* both exclusive */
};

static int find_bounds(struct image_store *s, const struct image_filter *f, struct bounds *b,
		       struct err *e)
{
	*b = (struct bounds){INT64_MIN, f->until ? f->until : INT64_MAX};
	int64_t t = 0;
	int r = 0;
	for (size_t i = 0; r == 0 && i < f->before.count; i++) {
		r = created_of(s, f->before.items[i], &t, e);
		b->below = t < b->below ? t : b->below;
	}
	for (size_t i = 0; r == 0 && i < f->since.count; i++) {
		r = created_of(s, f->since.items[i], &t, e);
		b->above = t > b->above ? t : b->above;
	}
	return r;
}

static bool fits(const struct image_filter *f, const struct bounds *b, struct image *im,
		 struct arena *a)
{
	if (im->created <= b->above || im->created >= b->below)
		return false;
	if (f->dangling.set && f->dangling.value != (im->names.count == 0))
		return false;
	return labels_fit(f, im) && references_fit(f, im, a);
}

int image_list(struct image_store *s, const struct image_filter *f, struct arena *a,
	       struct image **ret, size_t *ret_count, struct err *e)
{
	static const struct image_filter none;
	struct strv ids = {0};
	struct bounds b;
	size_t n = 0;
	f = f ? f : &none;
	int r = find_bounds(s, f, &b, e);
	if (r == 0)
		r = db_list(s->db, a, &ids, e, "SELECT id FROM image ORDER BY created DESC, id",
			    "");
	if (r < 0)
		return r;
	struct image *list = arena_array(a, ids.count + 1, sizeof(*list));
	for (size_t i = 0; i < ids.count; i++) {
		r = image_read(s, ids.items[i], a, &list[n], e);
		if (r == -ENOENT) /* removed since */
			continue;
		if (r < 0)
			return r;
		n += fits(f, &b, &list[n], a);
	}
	*ret = list;
	*ret_count = n;
	return 0;
}

int image_store_size(struct image_store *s, int64_t *ret_bytes, struct err *e)
{
	CLEANUP_STMT sqlite3_stmt *q = NULL;
	int r = db_first(s->db, &q, e, "SELECT total(size) FROM layer", "");
	*ret_bytes = r > 0 ? db_int(q, 0) : 0;
	return r < 0 ? r : 0;
}
