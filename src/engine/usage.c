/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Measuring --root. The folders of layers, containers and volumes are read entry by entry: one with
 * a row is measured for what the row stands for, one without is an orphan, or is being made if its
 * maker has it locked. Containers go on writing meanwhile. Read usage.h first.
 */
#include "engine/usage.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/tree.h"
#include "engine/internal.h"

/* A layer on the disk, and who has it. */
struct layer {
	const char *diff_id;
	int64_t size;
	size_t images; /* that have it */
	bool used;     /* by an image that a container uses */
};
struct survey {
	struct engine *en;
	struct usage *u;
	const char *container; /* whose folder is measured, or NULL */
	struct layer *layers;
	size_t layer_count;
	struct err *e;
};

static struct layer *find_layer(const struct survey *s, const char *diff_id)
{
	for (size_t i = 0; i < s->layer_count; i++)
		if (!strcmp(s->layers[i].diff_id, diff_id))
			return &s->layers[i];
	return NULL;
}

static void count(struct survey *s, enum usage_kind kind, int64_t size, bool active)
{
	struct usage_total *t = &s->u->totals[kind];
	t->count++;
	t->active += active;
	t->size += size;
	t->reclaimable += active ? 0 : size;
}

/* A container may make folders as deep as it likes: that must not end the survey. */
static int measure(struct survey *s, int dir, const char *name, int64_t *ret)
{
	int r = tree_usage(dir, name, ret, s->e);
	if (r > 0)
		engine_warn(s->en, "%s%s: folders that lie too deep are not counted",
			    s->container ? "container " : "", s->container ? s->container : name);
	return r < 0 ? r : 0;
}

/* --- what each folder holds: 1 if @name has a row, and is counted --- */

static int measure_layer(struct survey *s, int dir, const char *name)
{
	struct layer *l = find_layer(s, name);
	int r = l ? measure(s, dir, name, &l->size) : 0;
	return r < 0 ? r : l != NULL;
}

static bool is_log(const char *name, const char *id)
{
	return !strncmp(name, id, ID_LEN);
}

static int measure_parts(struct survey *s, int dir, const struct container *c, int64_t *ret_size)
{
	int64_t logs = 0, part;
	struct stat st;
	CLEANUP_DIR DIR *d = dir_stream(dir);
	if (!d || fstat(dir, &st) < 0)
		return err_errno(s->e, errno, "container %s: cannot read its folder", c->name);
	*ret_size = (int64_t)st.st_blocks * 512;
	int r = 0;
	for (struct dirent *entry; r == 0 && (entry = dir_next(d));) {
		r = measure(s, dir, entry->d_name, &part);
		if (r == 0)
			*(is_log(entry->d_name, c->id) ? &logs : ret_size) += part;
	}
	if (r == 0 && logs)
		count(s, USAGE_LOGS, logs, container_is_up(c));
	return r;
}

static int measure_container(struct survey *s, int dir, const char *name)
{
	struct usage *u = s->u;
	for (size_t i = 0; i < u->container_count; i++) {
		const struct container *c = &u->containers[i];
		if (strcmp(c->id, name))
			continue;
		CLEANUP_FD int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		s->container = c->name;
		int r = fd < 0 ? 0 : measure_parts(s, fd, c, &u->container_sizes[i]);
		s->container = NULL;
		if (r == 0)
			count(s, USAGE_CONTAINERS, u->container_sizes[i], container_is_up(c));
		return r < 0 ? r : 1;
	}
	return 0;
}

static int measure_volume(struct survey *s, int dir, const char *name)
{
	struct usage *u = s->u;
	for (size_t i = 0; i < u->volume_count; i++) {
		if (strcmp(u->volumes[i].name, name))
			continue;
		int r = measure(s, dir, name, &u->volume_sizes[i]);
		if (r == 0)
			count(s, USAGE_VOLUMES, u->volume_sizes[i], u->volumes[i].uses > 0);
		return r < 0 ? r : 1;
	}
	return 0;
}

static const struct {
	const char *name, *query;
	int (*measure)(struct survey *s, int dir, const char *name);
} folders[] = {
	{"layers", "SELECT 1 FROM layer WHERE diff_id = ?1", measure_layer},
	{"containers", "SELECT 1 FROM container WHERE id = ?1", measure_container},
	{"volumes", "SELECT 1 FROM volume WHERE name = ?1", measure_volume},
};

/* Made since the rows were read, or being made: its maker has it locked. */
static bool is_new(struct survey *s, int dir, const char *name, const char *query)
{
	CLEANUP_STMT sqlite3_stmt *q = NULL;
	CLEANUP_FD int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	return (fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0) ||
	       db_first(&s->en->db, &q, ERR_IGNORED, query, "s", name) != 0;
}

static int measure_entry(struct survey *s, int dir, const char *name, size_t which)
{
	int64_t size;
	int r = folders[which].measure(s, dir, name);
	if (r != 0)
		return r < 0 ? r : 0;
	r = measure(s, dir, name, &size);
	if (r == 0 && is_new(s, dir, name, folders[which].query))
		s->u->totals[USAGE_STATE].size += size;
	else if (r == 0 && size)
		count(s, USAGE_ORPHANS, size, false);
	return r;
}

static int measure_folder(struct survey *s, size_t which)
{
	struct stat st;
	CLEANUP_FD int dir = dir_open(s->en->root_fd, folders[which].name, s->e);
	CLEANUP_DIR DIR *d = dir < 0 ? NULL : dir_stream(dir);
	if (!d || fstat(dir, &st) < 0)
		return dir < 0 ? dir : err_errno(s->e, errno, "cannot read --root");
	s->u->totals[USAGE_STATE].size += (int64_t)st.st_blocks * 512;
	int r = 0;
	for (struct dirent *entry; r == 0 && (entry = dir_next(d));)
		r = measure_entry(s, dir, entry->d_name, which);
	return r;
}

/* The rest is hull's own. */
static int measure_root(struct survey *s)
{
	struct stat st;
	CLEANUP_DIR DIR *d = dir_stream(s->en->root_fd);
	if (!d || fstat(s->en->root_fd, &st) < 0)
		return err_errno(s->e, errno, "cannot read --root");
	struct usage_total *state = &s->u->totals[USAGE_STATE];
	state->size += (int64_t)st.st_blocks * 512;
	int r = 0;
	for (struct dirent *entry; r == 0 && (entry = dir_next(d));) {
		int64_t size = 0;
		size_t i = 0;
		while (i < ARRAY_LEN(folders) && strcmp(folders[i].name, entry->d_name))
			i++;
		r = i < ARRAY_LEN(folders) ? measure_folder(s, i)
					   : measure(s, s->en->root_fd, entry->d_name, &size);
		state->size += size;
	}
	/* Of builds' own folder what RUN --mount=type=cache keeps. */
	int64_t kept = 0;
	if (r == 0)
		r = measure(s, s->en->root_fd, "build/cache", &kept);
	if (kept)
		count(s, USAGE_CACHE, kept, false);
	state->size -= kept;
	return r;
}

/* --- images: their layers, each once --- */

static int gather_layers(struct survey *s, struct arena *a)
{
	struct usage *u = s->u;
	struct strv cached = {0};
	int r = db_list(&s->en->db, a, &cached, s->e,
			"SELECT DISTINCT layer FROM build_cache WHERE layer IS NOT NULL", "");
	size_t room = cached.count;
	for (size_t i = 0; i < u->image_count; i++)
		room += u->images[i].layer_count;
	s->layers = arena_array(a, room + 1, sizeof(*s->layers));
	for (size_t i = 0; i < u->image_count; i++) {
		const struct image *image = &u->images[i];
		for (size_t k = 0; k < u->container_count; k++)
			u->image_sizes[i].containers +=
				u->containers[k].image_id &&
				!strcmp(u->containers[k].image_id, image->id);
		for (size_t k = 0; k < image->layer_count; k++) {
			struct layer *l = find_layer(s, image->layers[k].diff_id);
			if (!l)
				l = &s->layers[s->layer_count++];
			l->diff_id = image->layers[k].diff_id;
			l->images++;
			l->used |= u->image_sizes[i].containers > 0;
		}
	}
	for (size_t i = 0; r >= 0 && i < cached.count; i++)
		if (!find_layer(s, cached.items[i]))
			s->layers[s->layer_count++].diff_id = cached.items[i];
	return r < 0 ? r : 0;
}

static void add_images(struct survey *s)
{
	struct usage *u = s->u;
	struct usage_total *t = &u->totals[USAGE_IMAGES];
	t->count = (int64_t)u->image_count;
	for (size_t i = 0; i < s->layer_count; i++) {
		if (!s->layers[i].images) {
			count(s, USAGE_CACHE, s->layers[i].size, false);
			continue;
		}
		t->size += s->layers[i].size;
		t->reclaimable += s->layers[i].used ? 0 : s->layers[i].size;
	}
	for (size_t i = 0; i < u->image_count; i++) {
		struct usage_image *use = &u->image_sizes[i];
		t->active += use->containers > 0;
		for (size_t k = 0; k < u->images[i].layer_count; k++) {
			const struct layer *l = find_layer(s, u->images[i].layers[k].diff_id);
			use->size += l->size;
			*(l->images > 1 ? &use->shared : &use->unique) += l->size;
		}
	}
}

int engine_usage(struct engine *en, struct arena *a, struct usage *ret, struct err *e)
{
	struct usage u = {0};
	struct survey s = {.en = en, .u = &u, .e = e};
	const struct container_filter all = {.all = true, .configs = CONFIGS_LISTED};
	int r = container_list(en, &all, a, &u.containers, &u.container_count, e);
	if (r == 0)
		r = image_list(&en->images, NULL, a, &u.images, &u.image_count, e);
	if (r == 0)
		r = volume_list(en, a, &u.volumes, &u.volume_count, e);
	if (r < 0)
		return r;
	u.container_sizes = arena_array(a, u.container_count + 1, sizeof(int64_t));
	u.volume_sizes = arena_array(a, u.volume_count + 1, sizeof(int64_t));
	u.image_sizes = arena_array(a, u.image_count + 1, sizeof(*u.image_sizes));
	r = gather_layers(&s, a);
	if (r == 0)
		r = measure_root(&s);
	if (r < 0)
		return r;
	add_images(&s);
	*ret = u;
	return 0;
}

/* --- as JSON --- */

static struct json_object *image_object(const struct usage *u, size_t i, struct arena *a)
{
	struct json_object *o = json_object_new_object();
	const struct image *image = &u->images[i];
	json_add_string(o, "Id", arena_printf(a, "sha256:%s", image->id));
	json_add_string(o, "ParentId", "");
	json_object_object_add(o, "RepoTags", json_of_strv(&image->tags));
	json_object_object_add(o, "RepoDigests", json_of_strv(&image->digests));
	json_add_int(o, "Created", image->created / 1000000000);
	json_add_int(o, "Size", u->image_sizes[i].size);
	json_add_int(o, "SharedSize", u->image_sizes[i].shared);
	json_object_object_add(o, "Labels", json_of_kvs(&image->config.config.labels));
	json_add_int(o, "Containers", u->image_sizes[i].containers);
	return o;
}

static struct json_object *container_object(struct engine *en, const struct usage *u, size_t i)
{
	const struct container *c = &u->containers[i];
	CLEANUP_STRBUF struct strbuf text = STRBUF_MAX(SIZE_MAX / 2);
	struct json_object *o;
	struct err ignored;
	int64_t image = 0;
	for (size_t k = 0; c->image_id && k < u->image_count; k++)
		if (!strcmp(u->images[k].id, c->image_id))
			image = u->image_sizes[k].size;
	/* It may have been removed meanwhile. */
	if (container_summary(en, c, false, clock_real_ns(), &text, &ignored) < 0 ||
	    json_parse(text.buf, text.len, &o, &ignored) < 0)
		return NULL;
	json_add_int(o, "SizeRw", u->container_sizes[i]);
	json_add_int(o, "SizeRootFs", image + u->container_sizes[i]);
	return o;
}

static struct json_object *used_volume_object(const struct usage *u, size_t i)
{
	struct json_object *o = volume_object(&u->volumes[i]), *data = json_object_new_object();
	json_add_int(data, "RefCount", u->volumes[i].uses);
	json_add_int(data, "Size", u->volume_sizes[i]);
	json_object_object_add(o, "UsageData", data);
	return o;
}

struct json_object *usage_object(struct engine *en, const struct usage *u, struct arena *a)
{
	struct json_object *o = json_object_new_object(), *hull = json_object_new_object();
	struct json_object *images = json_object_new_array(), *volumes = json_object_new_array();
	struct json_object *containers = json_object_new_array(), *one;
	for (size_t i = 0; i < u->image_count; i++)
		json_object_array_add(images, image_object(u, i, a));
	for (size_t i = 0; i < u->container_count; i++)
		if ((one = container_object(en, u, i)))
			json_object_array_add(containers, one);
	for (size_t i = 0; i < u->volume_count; i++)
		json_object_array_add(volumes, used_volume_object(u, i));
	json_add_int(o, "LayersSize", u->totals[USAGE_IMAGES].size);
	json_object_object_add(o, "Images", images);
	json_object_object_add(o, "Containers", containers);
	json_object_object_add(o, "Volumes", volumes);
	json_object_object_add(o, "BuildCache", json_object_new_array());
	json_add_int(hull, "BuildCacheSize", u->totals[USAGE_CACHE].size);
	json_add_int(hull, "LogsSize", u->totals[USAGE_LOGS].size);
	json_add_int(hull, "OrphansSize", u->totals[USAGE_ORPHANS].size);
	json_add_int(hull, "StateSize", u->totals[USAGE_STATE].size);
	json_object_object_add(o, "Hull", hull);
	return o;
}

int usage_of_image(struct engine *en, const char *id, int64_t *ret, struct err *e)
{
	CLEANUP_STMT sqlite3_stmt *q = NULL;
	int r = db_first(&en->db, &q, e,
			 "SELECT count(*) FROM container WHERE image = ?1 AND status <> 'removing'",
			 "s", id);
	if (r < 0)
		return r;
	*ret = r ? db_int(q, 0) : 0;
	return 0;
}
