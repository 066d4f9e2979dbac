/* SPDX-License-Identifier: Apache-2.0 */
/* Pruning containers, volumes, networks and images. Read prune.h first. */
#include "engine/prune.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/event.h"
#include "base/time_option.h"
#include "engine/filters.h"
#include "engine/internal.h"
#include "engine/network.h"

int prune_filter_add(struct prune *p, const char *filter, struct err *e)
{
	const char *value;
	if ((value = text_after(filter, "label=")))
		kvs_set(p->arena, &p->labels, value, "");
	else if ((value = text_after(filter, "label!=")))
		kvs_set(p->arena, &p->not_labels, value, "");
	else if ((value = text_after(filter, "until=")))
		return time_option_parse(value, clock_real_ns(), &p->until, e) < 0 ? -EINVAL : 1;
	else
		return 0;
	return 1;
}

static bool matches(const struct prune *p, const struct kvs *labels, int64_t created)
{
	if (p->until && created >= p->until)
		return false;
	for (size_t i = 0; i < p->labels.count; i++)
		if (!kvs_holds(labels, p->labels.items[i].key))
			return false;
	for (size_t i = 0; i < p->not_labels.count; i++)
		if (kvs_holds(labels, p->not_labels.items[i].key))
			return false;
	return true;
}

int prune_tell(struct prune *p, const char *type, int64_t freed, int r)
{
	p->freed += freed;
	event_note(&p->engine->db, ERR_IGNORED, type, "", "prune", "reclaimed",
		   arena_printf(p->arena, "%lld", (long long)freed), NULL);
	return r;
}

/* Somebody uses it now, or it has just gone: nothing to tell. */
static int forgive(int r)
{
	return r == -EBUSY || r == -ENOENT ? 0 : r;
}

int prune_containers(struct prune *p, struct strv *ret, struct err *e)
{
	struct engine *en = p->engine;
	struct container_filter all = {.all = true, .configs = CONFIGS_ALL};
	struct container *list;
	int64_t freed = 0;
	size_t count;
	engine_sweep_folders(en);
	int r = container_list(en, &all, p->arena, &list, &count, e);
	for (size_t i = 0; r == 0 && i < count; i++) {
		const struct container *c = &list[i];
		int64_t size = 0, root;
		bool idle = c->status == CONTAINER_CREATED || c->status == CONTAINER_EXITED ||
			    c->status == CONTAINER_DEAD;
		if (!idle || !matches(p, &c->labels, c->created))
			continue;
		container_size(en, c, &size, &root, ERR_IGNORED);
		r = container_remove(en, c->id, 0, e);
		if (r == 0) {
			strv_push(p->arena, ret, c->id);
			freed += size;
		}
		r = forgive(r);
	}
	return prune_tell(p, "container", freed, r);
}

int prune_volumes(struct prune *p, struct strv *ret, struct err *e)
{
	struct engine *en = p->engine;
	struct volume *list;
	int64_t freed = 0;
	size_t count;
	int r = volume_list(en, p->arena, &list, &count, e);
	for (size_t i = 0; r == 0 && i < count; i++) {
		const struct volume *v = &list[i];
		int64_t size = 0;
		if (v->uses || !(p->all || v->anonymous) || !matches(p, &v->labels, v->created))
			continue;
		volume_size(en, v, &size, ERR_IGNORED);
		r = volume_remove(en, v->name, true, e);
		if (r == 0) {
			strv_push(p->arena, ret, v->name);
			freed += size;
		}
		r = forgive(r);
	}
	return prune_tell(p, "volume", freed, r);
}

int prune_networks(struct prune *p, struct strv *ret, struct err *e)
{
	struct engine *en = p->engine;
	struct network *list;
	size_t count;
	int64_t uses;
	int r = network_list(en, p->arena, &list, &count, e);
	for (size_t i = 0; r == 0 && i < count; i++) {
		const struct network *n = &list[i];
		r = network_uses(en, n, &uses, e);
		if (r < 0 || uses || n->config.config_only || network_is_builtin(n->name) ||
		    !matches(p, &n->config.labels, n->created))
			continue;
		r = network_remove(en, n->id, e);
		if (r == 0)
			strv_push(p->arena, ret, n->name);
		r = forgive(r);
	}
	return prune_tell(p, "network", 0, r);
}

static bool is_used(const struct image *image, const struct container *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (list[i].image_id && !strcmp(list[i].image_id, image->id))
			return true;
	return false;
}

/* Name by name: the image goes with the last, unless somebody uses it. */
static int remove_image(struct prune *p, const struct image *image, struct strv *lines,
			struct err *e)
{
	struct image_store *s = &p->engine->images;
	int r = 0;
	for (size_t i = 0; r == 0 && i < image->names.count; i++)
		r = image_remove(s, image->names.items[i], 0, p->arena, lines, e);
	if (!image->names.count)
		r = image_remove(s, image->id, 0, p->arena, lines, e);
	return forgive(r);
}

int prune_images(struct prune *p, struct strv *ret, struct err *e)
{
	struct engine *en = p->engine;
	struct container_filter all = {.all = true};
	struct container *users;
	struct image *list;
	size_t user_count, count;
	int64_t before = 0, left = 0;
	int r = container_list(en, &all, p->arena, &users, &user_count, e);
	if (r == 0)
		r = image_list(&en->images, NULL, p->arena, &list, &count, e);
	if (r == 0)
		r = image_store_size(&en->images, &before, e);
	for (size_t i = 0; r == 0 && i < count; i++) {
		const struct image *image = &list[i];
		if ((p->all || !image->names.count) && !is_used(image, users, user_count) &&
		    matches(p, &image->config.config.labels, image->created))
			r = remove_image(p, image, ret, e);
	}
	/* docker writes these words small here. */
	for (size_t i = 0; i < ret->count; i++)
		ret->items[i][0] |= 0x20;
	if (r == 0)
		r = image_store_size(&en->images, &left, e);
	return prune_tell(p, "image", before > left ? before - left : 0, r);
}
