/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gathering the mount points of a container. Later sources win over earlier ones at the same
 * destination: image VOLUMEs, then --volumes-from, -v, --mount, --tmpfs. Read mounts.h first.
 */
#include "engine/mounts.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/json.h"
#include "base/path.h"
#include "base/tree.h"

enum { MOUNTS_MAX = 1024, VOLUMES_FROM_DEPTH = 8 };

struct gather {
	struct engine *en;
	const struct container *c;
	struct arena *a;
	struct mount_point *list;
	size_t count;
	int depth;
	bool asked_for;
	struct err *e;
};

static int add(struct gather *g, struct mount_point m)
{
	if (!m.destination || *m.destination != '/')
		return err_set(g->e, EINVAL, ERR_INVALID,
			       "invalid mount config: mount path must be absolute: %s",
			       m.destination ? m.destination : "");
	m.destination = path_clean(g->a, m.destination);
	if (!strcmp(m.destination, "/"))
		return err_set(g->e, EINVAL, ERR_INVALID,
			       "invalid specification: destination can't be '/'");
	if (m.idmap && *m.idmap) {
		struct oci_mount ignored = {0};
		int r = mount_idmap_plan(&m, NULL, NULL, &ignored, g->a, g->e);
		if (r < 0)
			return r;
	}
	m.asked_for = g->asked_for;
	m.mode = m.mode ? m.mode : "";
	m.propagation = m.propagation ? m.propagation : "rprivate";
	m.tmpfs_options = m.tmpfs_options ? m.tmpfs_options : "";
	for (size_t i = 0; i < g->count; i++) {
		if (!strcmp(g->list[i].destination, m.destination)) {
			if (g->list[i].asked_for && m.asked_for)
				return err_set(g->e, EINVAL, ERR_INVALID,
					       "Duplicate mount point: %s", m.destination);
			g->list[i] = m;
			return 0;
		}
	}
	if (g->count == MOUNTS_MAX)
		return err_set(g->e, E2BIG, ERR_INVALID, "more than %d mounts", MOUNTS_MAX);
	g->list[g->count++] = m;
	return 0;
}

static bool climbs(const char *path)
{
	for (size_t len; *path; path += len + (path[len] == '/')) {
		len = strcspn(path, "/");
		if (len == 2 && !memcmp(path, "..", 2))
			return true;
	}
	return false;
}

static int check_subpath(const char *what, const char *subpath, struct err *e)
{
	if (!subpath || (*subpath != '/' && !climbs(subpath)))
		return 0;
	return err_set(e, EINVAL, ERR_INVALID,
		       "%s-subpath %s: must be a relative path within the %s", what, subpath, what);
}

static int add_volume(struct gather *g, struct mount_point m)
{
	struct err *e = g->e;
	CLEANUP_STMT sqlite3_stmt *s = NULL;
	int r = 0;
	m.kind = MOUNT_VOLUME;
	if (!m.name) {
		char *destination = path_clean(g->a, m.destination);
		r = db_query(
			&g->en->db, &s, e,
			"SELECT volume FROM volume_use WHERE container = ?1 AND destination = ?2",
			"ss", g->c->id, destination);
		if (r == 0)
			r = db_next(s, e);
		if (r < 0)
			return r;
		char id[ID_LEN + 1];
		if (r == 0)
			id_new(id);
		m.anonymous = true;
		m.name = arena_strdup(g->a, r ? db_text(s, 0) : id);
	} else if ((r = volume_name_check(m.name, e)) < 0) {
		return r;
	}
	m.source = arena_printf(g->a, "%s/volumes/%s/_data", g->en->root, m.name);
	r = check_subpath("volume", m.subpath, e);
	if (r == 0 && m.options)
		r = volume_options_check(m.name, m.options, e);
	return r < 0 ? r : add(g, m);
}

/* The words of the third part of -v. Those of one class exclude each other, as in docker. */
enum bind_class {
	BIND_ACCESS,
	BIND_PROPAGATION,
	BIND_LABEL,
	BIND_COPY,
	BIND_CACHE,
	BIND_DEPTH,
	BIND_IDMAP
};
static const struct bind_word {
	const char *word;
	enum bind_class class;
} bind_words[] = {
	{"rw", BIND_ACCESS},
	{"ro", BIND_ACCESS},
	{"shared", BIND_PROPAGATION},
	{"rshared", BIND_PROPAGATION},
	{"slave", BIND_PROPAGATION},
	{"rslave", BIND_PROPAGATION},
	{"private", BIND_PROPAGATION},
	{"rprivate", BIND_PROPAGATION},
	{"z", BIND_LABEL},
	{"Z", BIND_LABEL},
	{"nocopy", BIND_COPY},
	{"consistent", BIND_CACHE},
	{"cached", BIND_CACHE},
	{"delegated", BIND_CACHE},
	{"bind", BIND_DEPTH},
	{"rbind", BIND_DEPTH},
	{"idmap", BIND_IDMAP}, /* and "idmap=MAPS" */
};

static int bind_option(struct mount_point *m, char *word, unsigned *seen, struct err *e)
{
	size_t i = 0;
	char *maps = strncmp(word, "idmap=", 6) ? NULL : word + 5;
	if (maps)
		*maps++ = '\0';
	while (i < ARRAY_LEN(bind_words) && strcmp(bind_words[i].word, word))
		i++;
	if (i == ARRAY_LEN(bind_words) || *seen & 1u << bind_words[i].class)
		return err_set(e, EINVAL, ERR_INVALID, "invalid mode: %s", m->mode);
	*seen |= 1u << bind_words[i].class;
	/* Labels and caches have no meaning here: SELinux is not used, and there is no other cache.
	 */
	if (bind_words[i].class == BIND_PROPAGATION)
		m->propagation = word;
	if (bind_words[i].class == BIND_IDMAP)
		m->idmap = maps ? maps : "";
	m->read_only |= !strcmp(word, "ro");
	m->no_copy |= !strcmp(word, "nocopy");
	m->non_recursive |= !strcmp(word, "bind");
	return 0;
}

static int add_bind(struct gather *g, const char *spec)
{
	char *text = arena_strdup(g->a, spec);
	char *destination = strchr(text, ':');
	char *mode = destination ? strchr(destination + 1, ':') : NULL;
	if (!destination)
		return add_volume(g, (struct mount_point){.destination = text});
	*destination++ = '\0';
	if (mode)
		*mode++ = '\0';
	if (!*text || !*destination || (mode && strchr(mode, ':')))
		return err_set(g->e, EINVAL, ERR_INVALID, "invalid volume specification: '%s'",
			       spec);
	struct mount_point m = {.kind = MOUNT_BIND,
				.source = text,
				.destination = destination,
				.mode = mode,
				.create_source = true};
	char *rest = mode && *mode ? arena_strdup(g->a, mode) : NULL;
	unsigned seen = 0;
	for (char *word; (word = strsep(&rest, ","));) {
		int r = bind_option(&m, word, &seen, g->e);
		if (r < 0)
			return r;
	}
	if (*text == '/')
		return add(g, m);
	m.source = NULL;
	m.name = text;
	return add_volume(g, m);
}

/* What a tmpfs may be given beside its size and mode: docker takes the first two. */
static bool is_tmpfs_word(const char *name, bool valued)
{
	static const char *const words[2][7] = {
		{"exec", "noexec"},
		{"size", "mode", "uid", "gid", "nr_inodes", "nr_blocks", "huge"}};
	for (size_t i = 0; i < ARRAY_LEN(words[0]); i++)
		if (words[valued][i] && !strcmp(words[valued][i], name))
			return true;
	return false;
}

/* NULL: there is none, or it is no string. */
static const char *text_at(struct json_object *list, size_t i)
{
	struct json_object *o = json_object_array_get_idx(list, i);
	return json_object_is_type(o, json_type_string) ? json_object_get_string(o) : NULL;
}

/* [NAME] or [NAME, VALUE], after @options. */
static int add_tmpfs_word(struct gather *g, struct json_object *pair, char **options)
{
	const bool is_list = json_object_is_type(pair, json_type_array);
	const size_t count = is_list ? json_object_array_length(pair) : 0;
	if (count < 1 || count > 2)
		return err_set(g->e, EINVAL, ERR_INVALID,
			       "TmpfsOptions.Options: invalid option array length");
	const bool valued = count == 2;
	const char *name = text_at(pair, 0), *value = valued ? text_at(pair, 1) : "";
	if (!name || !value || strchr(value, ',') || !is_tmpfs_word(name, valued))
		return err_set(g->e, EINVAL, ERR_INVALID,
			       "TmpfsOptions.Options: invalid option: %s",
			       json_object_to_json_string(pair));
	*options = arena_printf(g->a, "%s%s%s%s%s", *options, **options ? "," : "", name,
				valued ? "=" : "", value);
	return 0;
}

/* "Options" of the API, which are JSON text. */
static int add_tmpfs_words(struct gather *g, const char *text, char **options)
{
	CLEANUP_JSON struct json_object *list = NULL;
	int r = json_parse(text, strlen(text), &list, g->e);
	if (r < 0 || (list && !json_object_is_type(list, json_type_array)))
		return err_set(g->e, EINVAL, ERR_INVALID, "TmpfsOptions.Options: not a list");
	for (size_t i = 0; r == 0 && list && i < json_object_array_length(list); i++)
		r = add_tmpfs_word(g, json_object_array_get_idx(list, i), options);
	return r;
}

static int add_tmpfs(struct gather *g, const struct docker_mount *d)
{
	char *options = "";
	const struct docker_tmpfs_options *t = d->tmpfs_options;
	if (d->source && *d->source)
		return err_set(g->e, EINVAL, ERR_INVALID,
			       "invalid mount config for type \"tmpfs\": field Source must not be "
			       "specified");
	if (t && t->size_bytes)
		options = arena_printf(g->a, "size=%lld", (long long)t->size_bytes);
	if (t && t->mode)
		options = arena_printf(g->a, "%s%smode=%llo", options, *options ? "," : "",
				       (unsigned long long)t->mode);
	int r = t && t->options ? add_tmpfs_words(g, t->options, &options) : 0;
	if (r < 0)
		return r;
	return add(g, (struct mount_point){.kind = MOUNT_TMPFS,
					   .destination = d->target,
					   .read_only = d->read_only,
					   .tmpfs_options = options});
}

static int add_image(struct gather *g, const struct docker_mount *d)
{
	struct mount_point m = {.kind = MOUNT_IMAGE,
				.source = d->source,
				.name = d->image_id,
				.destination = d->target,
				.subpath = d->image_options ? d->image_options->subpath : NULL,
				.read_only = true};
	int r = check_subpath("image", m.subpath, g->e);
	return r < 0 ? r : add(g, m);
}

static int add_mount(struct gather *g, const struct docker_mount *d)
{
	const struct docker_bind_options *b = d->bind_options;
	const struct docker_volume_options *v = d->volume_options;
	struct mount_point m = {
		.source = d->source,
		.destination = d->target,
		.read_only = d->read_only,
		.propagation = b ? b->propagation : NULL,
		.non_recursive = b && b->non_recursive,
		.create_source = b && b->create_mountpoint,
		.no_copy = v && v->no_copy,
		.shallow_read_only = b && b->read_only_non_recursive,
		.subpath = v ? v->subpath : NULL,
		.labels = v ? &v->labels : NULL,
		.options = v && v->driver ? &v->driver->options : NULL,
		.idmap = !d->idmap || !*d->idmap              ? NULL
			 : strcmp(d->idmap, MOUNT_IDMAP_USER) ? d->idmap
							      : "",
	};
	int r = volume_driver_check(v && v->driver ? v->driver->name : NULL, g->e);
	if (r < 0)
		return r;
	if (!d->target || !*d->target)
		return err_set(
			g->e, EINVAL, ERR_INVALID,
			"invalid mount config for type \"%s\": field Target must not be empty",
			d->type);
	if (!strcmp(d->type, "tmpfs"))
		return add_tmpfs(g, d);
	if (!strcmp(d->type, "image"))
		return add_image(g, d);
	if (!strcmp(d->type, "volume")) {
		m.name = d->source && *d->source ? d->source : NULL;
		m.source = NULL;
		return add_volume(g, m);
	}
	if (strcmp(d->type, "bind"))
		return err_set(g->e, EINVAL, ERR_INVALID,
			       "mount type \"%s\" is not known: use "
			       "bind, volume, tmpfs or image",
			       d->type);
	if (!d->source || *d->source != '/')
		return err_set(
			g->e, EINVAL, ERR_INVALID,
			"invalid mount config for type \"bind\": source path must be absolute: "
			"%s",
			d->source ? d->source : "");
	return add(g, m);
}

static int gather_all(struct gather *g);

static int add_from(struct gather *g, const char *spec)
{
	char *ref = arena_strdup(g->a, spec);
	char *mode = strchr(ref, ':');
	struct container *other = arena_new(g->a, struct container);
	if (mode)
		*mode++ = '\0';
	if (mode && strcmp(mode, "ro") && strcmp(mode, "rw"))
		return err_set(g->e, EINVAL, ERR_INVALID, "--volumes-from %s: invalid mode: %s",
			       ref, mode);
	if (g->depth >= VOLUMES_FROM_DEPTH)
		return err_set(g->e, ELOOP, ERR_INVALID, "--volumes-from %s: nested too deep", ref);
	int r = container_find(g->en, ref, g->a, other, g->e);
	if (r < 0)
		return r;
	struct gather from = {.en = g->en, .c = other, .a = g->a, .e = g->e, .depth = g->depth + 1};
	from.list = arena_array(g->a, MOUNTS_MAX, sizeof(*from.list));
	r = gather_all(&from);
	for (size_t i = 0; r == 0 && i < from.count; i++) {
		struct mount_point m = from.list[i];
		m.read_only |= mode && !strcmp(mode, "ro");
		if (m.kind == MOUNT_BIND || m.kind == MOUNT_VOLUME)
			r = add(g, m);
	}
	return r;
}

/* What systemd would mount itself, and has no right to. */
static const struct mount_point for_systemd[] = {
	{.kind = MOUNT_TMPFS, .destination = "/run", .tmpfs_options = "exec,mode=755"},
	{.kind = MOUNT_TMPFS, .destination = "/run/lock", .tmpfs_options = "mode=1777"},
	{.kind = MOUNT_TMPFS, .destination = "/tmp", .tmpfs_options = "exec,mode=1777"},
};

static int gather_all(struct gather *g)
{
	const struct container_config *c = &g->c->config;
	const struct docker_mount *mounts = c->host.mounts.items;
	int r = 0;
	for (size_t i = 0; r == 0 && i < c->config.volumes.count; i++)
		r = add_volume(g, (struct mount_point){.destination = c->config.volumes.items[i]});
	for (size_t i = 0; r == 0 && i < c->host.volumes_from.count; i++)
		r = add_from(g, c->host.volumes_from.items[i]);
	for (size_t i = 0; r == 0 && c->hull.systemd && i < ARRAY_LEN(for_systemd); i++)
		r = add(g, for_systemd[i]);
	g->asked_for = true;
	for (size_t i = 0; r == 0 && i < c->host.binds.count; i++)
		r = add_bind(g, c->host.binds.items[i]);
	for (size_t i = 0; r == 0 && i < c->host.mounts.count; i++)
		r = add_mount(g, &mounts[i]);
	for (size_t i = 0; r == 0 && i < c->host.tmpfs.count; i++)
		r = add(g, (struct mount_point){.kind = MOUNT_TMPFS,
						.destination = c->host.tmpfs.items[i].key,
						.tmpfs_options = c->host.tmpfs.items[i].value});
	return r;
}

static int depth_of(const char *path)
{
	int depth = 0;
	for (; *path; path++)
		depth += *path == '/';
	return depth;
}

static int by_depth(const void *x, const void *y)
{
	const struct mount_point *a = x, *b = y;
	int difference = depth_of(a->destination) - depth_of(b->destination);
	return difference ? difference : strcmp(a->destination, b->destination);
}

int container_mounts(struct engine *en, const struct container *c, struct arena *a,
		     struct mount_point **ret, size_t *ret_count, struct err *e)
{
	const struct docker_host_config *h = &c->config.host;
	size_t room = c->config.config.volumes.count + h->binds.count + h->mounts.count +
		      h->tmpfs.count + (c->config.hull.systemd ? ARRAY_LEN(for_systemd) : 0) +
		      (h->volumes_from.count ? MOUNTS_MAX : 0);
	struct gather g = {.en = en, .c = c, .a = a, .e = e};
	if (room > MOUNTS_MAX)
		room = MOUNTS_MAX;
	g.list = arena_array(a, room, sizeof(*g.list));
	int r = gather_all(&g);
	if (r < 0)
		return r;
	if (g.count > 1)
		qsort(g.list, g.count, sizeof(*g.list), by_depth);
	*ret = g.list;
	*ret_count = g.count;
	return 0;
}

char *mount_staged(const char *id, size_t i, struct arena *a)
{
	return arena_printf(a, "containers/%s/volume.%zu", id, i);
}

/* With options it is mounted, and filled at once: only a folder can be renamed into place. A tmpfs
 * begins empty. */
static int fill_mounted(struct engine *en, const struct mount_point *m, const struct kvs *options,
			int from, struct err *e)
{
	const char *type = kvs_get(options, "type");
	if (type && !strcmp(type, "tmpfs"))
		return 0;
	CLEANUP_FD int mount = volume_mount(en, m, "", NULL, e);
	CLEANUP_FD int to = mount < 0 ? -1 : dir_open(mount, ".", e);
	if (to < 0)
		return -e->number;
	int r = tree_is_empty(to);
	if (r < 0)
		return err_errno(e, r, "volume %s: cannot read it", m->name);
	return r ? tree_copy(from, to, e) : 0;
}

static int stage_one(struct engine *en, const struct mount_point *m, const char *staged,
		     int root_fd, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	struct kvs options = {0};
	CLEANUP_FD int from =
		path_open_in_root(root_fd, m->destination, O_RDONLY | O_DIRECTORY | O_NONBLOCK, 0);
	if (from == -ENOENT || from == -ENOTDIR)
		return 0;
	if (from < 0)
		return err_errno(e, from, "volume %s: cannot open %s in the image", m->name,
				 m->destination);
	int r = volume_options(en, m->name, m->options, &a, &options, e);
	if (r < 0 || options.count)
		return r < 0 ? r : fill_mounted(en, m, &options, from, e);
	CLEANUP_FD int there = openat(en->root_fd, arena_printf(&a, "volumes/%s/_data", m->name),
				      O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int empty = there >= 0 ? tree_is_empty(there) : 1;
	if (empty <= 0)
		return empty < 0 ? err_errno(e, empty, "volume %s: cannot read it", m->name) : 0;
	if (mkdirat(en->root_fd, staged, 0755) < 0)
		return err_errno(e, errno, "volume %s: cannot create its folder", m->name);
	CLEANUP_FD int to = dir_open(en->root_fd, staged, e);
	r = to < 0 ? to : tree_copy(from, to, e);
	return r < 0 ? err_context(e, "volume %s: cannot copy %s from the image", m->name,
				   m->destination)
		     : 0;
}

int mounts_stage(struct engine *en, const char *id, const struct mount_point *mounts, size_t count,
		 int root_fd, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	int r = 0;
	for (size_t i = 0; r == 0 && i < count; i++)
		if (mounts[i].kind == MOUNT_VOLUME && !mounts[i].no_copy && !mounts[i].subpath)
			r = stage_one(en, &mounts[i], mount_staged(id, i, &a), root_fd, e);
	return r;
}
