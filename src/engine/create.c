/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Creating a container: merge the image's config into the request, check all that can be checked
 * before anything exists, then folder first, row last. A row without its folder can never be seen;
 * a folder without a row is what a killed `create` leaves, and `hull system check --repair`
 * removes.
 */
#include "engine/internal.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/path.h"
#include "base/schema.sql.h"
#include "base/utf8.h"
#include "engine/health.h"
#include "engine/launch.h"
#include "engine/layer.h"
#include "engine/mounts.h"
#include "engine/network.h"
#include "engine/root.h"
#include "engine/secret.h"
#include "linux/cgroup.h"
#include "linux/namespaces.h"
#include "linux/systemd.h"

enum { CONTAINER_NAME_MAX = 128 };

int container_name_check(const char *name, struct err *e)
{
	if (name_is_valid(name, CONTAINER_NAME_MAX) && strlen(name) >= 2)
		return 0;
	return err_set(
		e, EINVAL, ERR_INVALID,
		"Invalid container name (%s), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed, 2 to "
		"%d characters",
		name, CONTAINER_NAME_MAX);
}

int container_name_conflict(struct engine *en, const char *name, struct err *e)
{
	char id[ID_LEN + 1] = "";
	container_resolve(en, name, id, ERR_IGNORED);
	err_set(e, EEXIST, ERR_CONFLICT,
		"Conflict. The container name \"/%s\" is already in use by container \"%s\". You "
		"have "
		"to remove (or rename) that container to be able to reuse that name.",
		name, id);
	return err_hint(e, "hull rm %s, or hull rename %s NEWNAME", name, name);
}

static char *string_or(char *own, char *fallback)
{
	return own && *own ? own : fallback;
}

static void merge_env(struct arena *a, const struct strv *image, struct strv *own)
{
	struct strv merged = {0};
	strv_push_all(a, &merged, image);
	for (size_t i = 0; i < own->count; i++) {
		/* NAME without '=' removes the image's variable, as docker does. */
		if (strchr(own->items[i], '='))
			strv_set_env(a, &merged, own->items[i]);
	}
	*own = merged;
}

static void merge_set(struct arena *a, const struct strv *image, struct strv *own)
{
	for (size_t i = 0; i < image->count; i++) {
		bool there = false;
		for (size_t j = 0; j < own->count; j++)
			there |= !strcmp(own->items[j], image->items[i]);
		if (!there)
			strv_push(a, own, image->items[i]);
	}
}

/* Images of some builders say "80" where docker says "80/tcp". */
static void merge_ports(struct arena *a, const struct strv *image, struct strv *own)
{
	struct strv ports = {0};
	for (size_t i = 0; i < image->count; i++)
		strv_push(a, &ports,
			  strchr(image->items[i], '/')
				  ? image->items[i]
				  : arena_printf(a, "%s/tcp", image->items[i]));
	merge_set(a, &ports, own);
}

static void merge_labels(struct arena *a, const struct kvs *image, struct kvs *own)
{
	for (size_t i = 0; i < image->count; i++)
		if (!kvs_get(own, image->items[i].key))
			kvs_set(a, own, image->items[i].key, image->items[i].value);
}

int config_inherit(struct docker_config *own, bool entrypoint_set,
		   const struct oci_image_process *image, struct arena *a, struct err *e)
{
	if (!own->entrypoint.count && !entrypoint_set) {
		strv_push_all(a, &own->entrypoint, &image->entrypoint);
		if (!own->cmd.count)
			strv_push_all(a, &own->cmd, &image->cmd);
	}
	merge_env(a, &image->env, &own->env);
	merge_set(a, &image->volumes, &own->volumes);
	merge_ports(a, &image->exposed_ports, &own->exposed_ports);
	merge_labels(a, &image->labels, &own->labels);
	own->user = string_or(own->user, image->user);
	own->working_dir = string_or(own->working_dir, image->working_dir);
	own->stop_signal = string_or(own->stop_signal, image->stop_signal);
	if (!own->shell.count)
		strv_push_all(a, &own->shell, &image->shell);
	return health_merge(own, image->healthcheck, a, e);
}

static const char *native_architecture(void)
{
#if defined(__x86_64__)
	return "amd64";
#elif defined(__aarch64__)
	return "arm64";
#else
	return "unknown";
#endif
}

static int check_platform(struct engine *en, const struct container_create *c,
			  const struct image *image, struct arena *a, struct err *e)
{
	const char *arch = image->config.architecture;
	char *have = arena_printf(a, "%s/%s", image->config.os ? image->config.os : "linux",
				  arch ? arch : native_architecture());
	if (c->platform && strncmp(c->platform, have, strlen(have)))
		return err_set(
			e, ENOENT, ERR_NOT_FOUND,
			"image with reference %s was found but does not provide the specified "
			"platform (%s): it is for %s",
			c->image, c->platform, have);
	if (arch && *arch && strcmp(arch, native_architecture()))
		engine_warn(en,
			    "The requested image's platform (%s) does not match the detected host "
			    "platform (linux/%s) and no specific platform was requested",
			    have, native_architecture());
	return 0;
}

static void set_defaults(struct container_create *c, const char *id, struct arena *a)
{
	struct docker_config *config = &c->config.config;
	struct docker_host_config *host = &c->config.host;
	config->image = (char *)(c->image ? c->image : "");
	if (!host->network_mode || !*host->network_mode)
		host->network_mode = "bridge";
	if (!config->hostname || !*config->hostname) {
		struct utsname names;
		bool hosts = !strcmp(host->network_mode, "host") ||
			     (host->uts_mode && !strcmp(host->uts_mode, "host"));
		config->hostname = hosts && uname(&names) == 0 ? arena_strdup(a, names.nodename)
							       : arena_strndup(a, id, ID_SHORT_LEN);
	}
	if (!host->shm_size)
		host->shm_size = SHM_DEFAULT;
	if (!host->log_config.type || !*host->log_config.type)
		host->log_config.type = "json-file";
	if (!host->restart_policy.name || !*host->restart_policy.name)
		host->restart_policy.name = "no";
	host->ipc_mode = string_or(host->ipc_mode, "private");
	host->cgroupns_mode = string_or(host->cgroupns_mode, "private");
	host->runtime = string_or(host->runtime, "hull");
	/* docker: memory without memory-swap allows as much swap again. */
	if (host->memory > 0 && host->memory_swap == 0)
		host->memory_swap = host->memory * 2;
}

/* docker's rules for its two drivers. A slice without systemd is but a name. */
static int settle_cgroup_parent(const struct engine *en, struct docker_host_config *h,
				struct arena *a, struct err *e)
{
	char *parent = h->cgroup_parent;
	bool given = parent && *parent, slice = given && systemd_is_slice(parent);
	if (en->systemd_cgroup && given && !slice) {
		err_set(e, EINVAL, ERR_INVALID, "--cgroup-parent %s: not the name of a slice",
			parent);
		return err_hint(e,
				"with systemd's control groups it is like \"my-containers.slice\"");
	}
	if (en->systemd_cgroup && namespace_caller_is_user()) {
		err_set(e, ENOTSUP, ERR_INVALID,
			"the cgroup manager systemd is for root's containers only");
		return err_hint(e,
				"with cgroupfs hull uses what systemd has delegated to the user");
	}
	if (en->systemd_cgroup && !given)
		h->cgroup_parent = "system.slice";
	else if (!en->systemd_cgroup && slice)
		h->cgroup_parent = arena_printf(a, "/%s", parent);
	else if (!given && namespace_caller_is_user())
		h->cgroup_parent = container_user_parent(a);
	return 0;
}

/* It goes into files of lines (/etc/hostname, /etc/hosts, /etc/resolv.conf) and into what ps and
 * logs print. */
static int check_word(const char *what, const char *word, struct err *e)
{
	for (const char *p = word; p && *p; p++) {
		if ((unsigned char)*p > ' ' && *p != 0x7f && *p != '/')
			continue;
		return err_set(e, EINVAL, ERR_INVALID,
			       "invalid %s: byte %zu is a blank, a slash or a control character",
			       what, (size_t)(p - word) + 1);
	}
	return 0;
}

static int check_words(const struct container_config *c, struct err *e)
{
	const struct docker_host_config *h = &c->host;
	const struct {
		const char *what;
		const struct strv *words;
	} lists[] = {{"DNS search domain", &h->dns_search},
		     {"DNS option", &h->dns_options},
		     {"extra host", &h->extra_hosts}};
	int r = check_word("hostname", c->config.hostname, e);
	if (r == 0)
		r = check_word("domain name", c->config.domainname, e);
	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		for (size_t k = 0; r == 0 && k < lists[i].words->count; k++)
			r = check_word(lists[i].what, lists[i].words->items[k], e);
	return r;
}

static int check_command(const struct docker_config *config, const char *image, struct err *e)
{
	if (config->entrypoint.count || config->cmd.count)
		return 0;
	err_set(e, EINVAL, ERR_INVALID,
		"no command specified: neither the command line nor "
		"%s%s names one (Entrypoint, Cmd)",
		image ? "image " : "the root folder", image ? image : "");
	return err_hint(e, "add the command after the image, for example: hull run %s /bin/sh",
			image ? image : "--rootfs DIR");
}

/* As docker shows it: an argument with a space in it is quoted. */
static char *command_text(const struct docker_config *config, struct arena *a)
{
	struct strv words = {0};
	strv_push_all(a, &words, &config->entrypoint);
	strv_push_all(a, &words, &config->cmd);
	char *text = "";
	for (size_t i = 0; i < words.count && strlen(text) < 4096; i++) {
		const char *quote = i && strchr(words.items[i], ' ') ? "'" : "";
		text = arena_printf(a, "%s%s%s%s%s", text, i ? " " : "", quote, words.items[i],
				    quote);
	}
	return text;
}

/* Locked from its first moment until its row is there: a folder without either is what a killed
 * create left. */
static int make_folder(struct engine *en, const struct container *c, struct container_lock *lock,
		       struct err *e)
{
	char path[64 + ID_LEN];
	snprintf(path, sizeof(path), "containers/%s", c->id);
	/* The mode is what is said, whatever the caller's umask. */
	if (mkdirat(en->root_fd, path, 0700) < 0 || fchmodat(en->root_fd, path, 0700, 0) < 0)
		return err_errno(e, errno, "cannot create the container's folder");
	int r = container_lock(en, c->id, true, lock, e);
	return r < 0 ? r : layer_make(en, c, lock->fd, e);
}

/* A volume is there with its container or not at all: row, folder and contents come in the
 * container's own transaction. @fresh: which are new. */
static int insert_volumes(struct engine *en, const char *id, const struct mount_point *mounts,
			  size_t count, bool *fresh, struct arena *a, struct err *e)
{
	int r = 0;
	for (size_t i = 0; r >= 0 && i < count; i++) {
		const struct mount_point *m = &mounts[i];
		if (m->kind != MOUNT_VOLUME)
			continue;
		r = volume_row_add(en, m->name, m->anonymous, m->labels, m->options, e);
		fresh[i] = r > 0;
		if (r >= 0)
			r = volume_place(en, m->name, m->options, mount_staged(id, i, a), e);
		if (r >= 0)
			r = db_run(&en->db, e,
				   "INSERT INTO volume_use (volume, container, destination) VALUES "
				   "(?1,?2,?3)",
				   "sss", m->name, id, m->destination);
	}
	return r;
}

struct parts {
	const struct mount_point *mounts;
	size_t count;
	struct endpoint_plan *endpoints;
	size_t endpoint_count;
};

static int insert(struct engine *en, struct container *c, const char *name, const char *config,
		  const struct parts *parts, struct arena *a, struct err *e)
{
	char generated[CONTAINER_NAME_MAX + 1];
	const struct mount_point *mounts = parts->mounts;
	const size_t count = parts->count;
	bool *fresh = arena_array(a, count + 1, sizeof(*fresh)), named = false;
	for (size_t i = 0; i < count; i++)
		named |= mounts[i].kind == MOUNT_VOLUME && !mounts[i].anonymous;
	/* A --rm container dies with its run: nothing to save from a power cut. */
	int r = db_begin_addition(&en->db, !c->auto_remove || named, e);
	if (r < 0)
		return r;
	/* Under the writers' lock, so that nobody else draws the same one. */
	if (!name)
		r = name_generate(en, generated, sizeof(generated), e);
	c->name = arena_strdup(a, name ? name : generated);
	if (r == 0)
		r = db_run(&en->db, e,
			   "INSERT INTO container (id, name, image, image_name, command, config, "
			   "labels, "
			   "created, status, auto_remove, started, health, shown) VALUES (?1,?2,"
			   "?3,?4,?5,?6,?7,?8,?9,?10,?11,?12," SCHEMA_SHOWN("?6") ")",
			   "sssssssisiis", c->id, c->name, c->image_id, c->image_name, c->command,
			   config, kvs_print(&c->config.config.labels, a), c->created,
			   container_status_name(c->status), (int64_t)c->auto_remove, c->started,
			   c->started ? c->health : "");
	if (r == -EEXIST)
		r = container_name_conflict(en, c->name, e);
	if (r >= 0)
		r = insert_volumes(en, c->id, mounts, count, fresh, a, e);
	if (r >= 0)
		r = endpoints_insert(en, c->id, parts->endpoints, parts->endpoint_count, a, e);
	if (r >= 0)
		r = event_container(&en->db, e, c->id, "create", NULL);
	r = db_end(&en->db, r, e);
	for (size_t i = 0; r < 0 && i < count; i++)
		if (fresh[i])
			volume_folder_drop(en, mounts[i].name);
	return r;
}

/* Copy what the image has at the places of its volumes. */
static int stage_volumes(struct engine *en, const struct container *c,
			 const struct mount_point *mounts, size_t count, struct arena *a,
			 struct err *e)
{
	bool any = false;
	for (size_t i = 0; i < count; i++)
		any |= mounts[i].kind == MOUNT_VOLUME;
	if (!any || !c->image_id)
		return 0;
	CLEANUP_FD int root = root_mount_image(en, c, a, e);
	return root < 0 ? root : mounts_stage(en, c->id, mounts, count, root, e);
}

static int resolve_image(struct engine *en, struct container_create *c, struct container *row,
			 struct arena *a, struct err *e)
{
	if (!c->image) {
		row->image_name = c->config.hull.layer ? "(build)" : c->config.hull.rootfs;
		return 0;
	}
	struct image *image = arena_new(a, struct image);
	int r = image_find_config(&en->images, c->image, a, image, e);
	if (r == 0)
		r = check_platform(en, c, image, a, e);
	if (r < 0)
		return r;
	row->image_id = image->id;
	row->image_name = (char *)c->image;
	return config_inherit(&c->config.config, c->entrypoint_set, &image->config.config, a, e);
}

/* Name, image, command: what can be said before anything else is looked at. */
static int check_request(struct engine *en, struct container_create *c, struct container *row,
			 struct arena *a, struct err *e)
{
	int r = c->name ? container_name_check(c->name, e) : 0;
	/* Its holder may have ended, and only wait to be removed. */
	if (r == 0 && c->name && (r = name_taken(en, c->name, e)) == 1)
		r = engine_settle(en, e);
	if (r == 0)
		r = resolve_image(en, c, row, a, e);
	if (r == 0)
		r = check_command(&c->config.config, c->image, e);
	return r < 0 ? r : check_words(&c->config, e);
}

/* The default profile keeps in its project what has a limit (spec_security.c). */
static int note_limited(struct engine *en, struct container *c, const struct mount_point *mounts,
			size_t count, struct arena *a, struct err *e)
{
	int r = 0;
	for (size_t i = 0; r >= 0 && i < count; i++) {
		struct kvs options = {0};
		if (mounts[i].kind != MOUNT_VOLUME)
			continue;
		r = volume_options(en, mounts[i].name, mounts[i].options, a, &options, e);
		c->config.hull.volume_quota |= volume_size_limit(&options) > 0;
	}
	return r < 0 ? r : 0;
}

static int plan(struct engine *en, struct starting *s, const struct container_create *c,
		struct arena *a, struct err *e)
{
	struct mount_point *mounts = NULL;
	int r = mounts_find_images(en, &s->row.config, a, e);
	if (r == 0)
		r = container_mounts(en, &s->row, a, &mounts, &s->build.mount_count, e);
	if (r == 0)
		r = note_limited(en, &s->row, mounts, s->build.mount_count, a, e);
	s->build.container = &s->row;
	s->build.mounts = mounts;
	s->build.folders = c->folders;
	s->build.secrets = c->secrets;
	s->build.root_fd = -1;
	s->build.warn = en;
	return r < 0 ? r : spec_plan(en, &s->build, a, e);
}

/* Of a request that was checked, with its image. */
static int make(struct engine *en, struct container_create *c, struct starting *s, struct arena *a,
		struct err *e)
{
	CLEANUP_LOCK struct container_lock lock = {-1};
	struct container *row = &s->row;
	struct parts parts = {0};
	set_defaults(c, row->id, a);
	int r = settle_cgroup_parent(en, &c->config.host, a, e);
	if (r == 0)
		r = layer_plan(en, &c->config, e);
	if (r == 0)
		r = secrets_plan(en, &c->config.hull, a, e);
	if (r == 0)
		r = endpoints_plan(en, c, a, &parts.endpoints, &parts.endpoint_count, e);
	if (r < 0)
		return r;
	row->config = c->config;
	row->command = command_text(&c->config.config, a);
	row->auto_remove = c->config.host.auto_remove;
	r = health_begin(row, a, e);
	if (r < 0)
		return r;
	r = plan(en, s, c, a, e);
	if (r < 0)
		return r;
	parts.mounts = s->build.mounts;
	parts.count = s->build.mount_count;
	r = make_folder(en, row, &lock, e);
	if (r == 0)
		r = secrets_keep(en, row, !row->auto_remove, a, e);
	const char *config = shape_print(&container_config_shape, &row->config, false, a);
	if (r == 0)
		r = utf8_check_json(config, e);
	if (r == 0)
		r = stage_volumes(en, row, parts.mounts, parts.count, a, e);
	if (r == 0)
		r = insert(en, row, c->name, config, &parts, a, e);
	if (r < 0) {
		limited_folder_remove(en->root_fd, arena_printf(a, "containers/%s", row->id),
				      ERR_IGNORED);
		return r;
	}
	if (c->start) {
		s->lock_fd = fd_steal(&lock.fd);
		en->starting = s;
	}
	return 0;
}

int container_create(struct engine *en, struct container_create *c, struct arena *a,
		     char ret_id[ID_LEN + 1], struct err *e)
{
	struct starting *s = arena_new(a, struct starting);
	struct container *row = &s->row;
	*row = (struct container){.created = clock_real_ns(), .error = "", .health = ""};
	if (c->name && !*c->name)
		c->name = NULL; /* as docker: scripts pass an empty variable */
	if (c->start) {
		row->status = CONTAINER_RUNNING;
		row->started = row->created;
	}
	id_new(row->id);
	row->name = (char *)(c->name ? c->name : row->id); /* until it gets one, for messages */
	int r = check_request(en, c, row, a, e);
	if (r < 0)
		return r;
	r = make(en, c, s, a, e);
	/* "Not found" is the image alone: docker's clients then pull it, and ask again. */
	if (r < 0 && e->kind == ERR_NOT_FOUND)
		e->kind = ERR_INVALID;
	if (r == 0)
		memcpy(ret_id, row->id, sizeof(row->id));
	return r;
}
