/* SPDX-License-Identifier: Apache-2.0 */
/* POST .../prune, and /system/df. Read api.h and engine/prune.h first. */
#include <errno.h>
#include <string.h>

#include "api/handlers.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "build/build.h"
#include "engine/filters.h"
#include "engine/prune.h"
#include "engine/usage.h"

/* @switch_: the filter that says how much goes, "all=" or, the other way round, "dangling=". */
static int read_filters(struct call *c, struct prune *p, const char *switch_, struct err *e)
{
	struct strv filters = {0};
	/* Before 1.42 volumes with a name went, too. */
	bool all = switch_ && *switch_ == 'a' && c->minor < 42;
	*p = (struct prune){.engine = c->en, .arena = c->a, .all = all};
	int r = param_filters(c, &filters, e);
	for (size_t i = 0; r >= 0 && i < filters.count; i++) {
		const char *f = filters.items[i];
		bool yes;
		if (switch_ && text_after(f, switch_)) {
			if ((r = filter_bool(f, &yes, e)) == 0)
				p->all = yes == (*switch_ == 'a');
		} else if ((r = prune_filter_add(p, f, e)) == 0)
			r = filter_unknown(f, "until label label! all dangling", e);
	}
	return r < 0 ? r : 0;
}

static int answer_gone(struct call *c, const struct prune *p, const char *key,
		       struct json_object *list, bool space)
{
	struct json_object *o = json_object_new_object();
	json_object_object_add(o, key, list);
	if (space)
		json_add_int(o, "SpaceReclaimed", p->freed);
	return answer_json(c, 200, o);
}

static int prune_names(struct call *c, const char *switch_,
		       int (*prune)(struct prune *, struct strv *, struct err *), const char *key,
		       bool space, struct err *e)
{
	struct prune p;
	struct strv gone = {0};
	int r = read_filters(c, &p, switch_, e);
	if (r == 0)
		r = prune(&p, &gone, e);
	return r < 0 ? r : answer_gone(c, &p, key, json_of_strv(&gone), space);
}

int containers_prune(struct call *c, struct err *e)
{
	return prune_names(c, NULL, prune_containers, "ContainersDeleted", true, e);
}

int volumes_prune(struct call *c, struct err *e)
{
	return prune_names(c, "all=", prune_volumes, "VolumesDeleted", true, e);
}

int networks_prune(struct call *c, struct err *e)
{
	return prune_names(c, NULL, prune_networks, "NetworksDeleted", false, e);
}

/* "Untagged: x" and "Deleted: x", small or not. */
struct json_object *removed_object(const struct strv *lines)
{
	struct json_object *list = json_object_new_array();
	for (size_t i = 0; i < lines->count; i++) {
		const char *value = strchr(lines->items[i], ' ');
		struct json_object *o = json_object_new_object();
		json_object_object_add(o, (*lines->items[i] | 0x20) == 'u' ? "Untagged" : "Deleted",
				       json_of_string(value ? value + 1 : ""));
		json_object_array_add(list, o);
	}
	return list;
}

int images_prune(struct call *c, struct err *e)
{
	struct prune p;
	struct strv lines = {0};
	int r = read_filters(c, &p, "dangling=", e);
	if (r == 0)
		r = prune_images(&p, &lines, e);
	return r < 0 ? r : answer_gone(c, &p, "ImagesDeleted", removed_object(&lines), true);
}

int builds_prune(struct call *c, struct err *e)
{
	struct prune p;
	struct strv gone = {0};
	struct build_prune q = {.all = param_true(c, "all", false)};
	int64_t room = 0, most = 0;
	int r = read_filters(c, &p, NULL, e);
	if (r == 0)
		r = param_int(c, "keep-storage", &q.keep, e);
	if (r == 0)
		r = param_int(c, "reserved-space", &q.keep, e);
	if (r == 0)
		r = param_int(c, "max-used-space", &most, e);
	if (r == 0)
		r = param_int(c, "min-free-space", &room, e);
	if (r == 0 && room)
		r = err_set(e, ENOTSUP, ERR_INVALID,
			    "min-free-space: hull has reserved-space and max-used-space");
	q.keep = most > q.keep ? most : q.keep;
	q.until = p.until;
	if (r == 0)
		r = build_prune(c->en, &q, c->a, &gone, &p.freed, e);
	if (r < 0)
		return r;
	prune_tell(&p, "builder", 0, 0);
	return answer_gone(c, &p, "CachesDeleted", json_of_strv(&gone), true);
}

static const char *const kinds[][2] = {{"image", "Images"},
				       {"container", "Containers"},
				       {"volume", "Volumes"},
				       {"build-cache", "BuildCache"}};

/* Of which kinds, as bits; 0: of all. */
static int read_types(const struct strv *types, unsigned *ret, struct err *e)
{
	*ret = 0;
	for (size_t i = 0; i < types->count; i++) {
		size_t k = 0;
		while (k < ARRAY_LEN(kinds) && strcmp(kinds[k][0], types->items[i]))
			k++;
		if (k == ARRAY_LEN(kinds))
			return err_set(e, EINVAL, ERR_INVALID, "unknown object type: %s",
				       types->items[i]);
		*ret |= 1U << k;
	}
	return 0;
}

/* What is not asked for is null. */
static void leave_out(struct json_object *o, unsigned wanted)
{
	for (size_t k = 0; wanted && k < ARRAY_LEN(kinds); k++)
		if (!(wanted & 1U << k))
			json_object_object_add(o, kinds[k][1], NULL);
	if (wanted && !(wanted & 1))
		json_add_int(o, "LayersSize", 0);
}

int system_df(struct call *c, struct err *e)
{
	const struct strv types = param_all(c, "type");
	struct usage u;
	unsigned wanted;
	int r = read_types(&types, &wanted, e);
	if (r == 0)
		r = engine_usage(c->en, c->a, &u, e);
	if (r < 0)
		return r;
	struct json_object *o = usage_object(c->en, &u, c->a);
	json_add_int(o, "BuilderSize", u.totals[USAGE_CACHE].size);
	leave_out(o, wanted);
	return answer_json(c, 200, o);
}
