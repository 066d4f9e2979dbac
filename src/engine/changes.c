/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a container has changed: diff, and commit. Both read the upper folder of its overlay, whose
 * marks are those of the kernel's Documentation/filesystems/overlayfs.rst: a character device 0:0
 * hides a name, trusted.overlay.opaque on a folder all that is in the folder below. Read files.h
 * first.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/tree.h"
#include "engine/files.h"
#include "engine/internal.h"
#include "engine/layer.h"
#include "engine/root.h"
#include "image/unpack_job.h"
#include "linux/overlay.h"

enum { FOLDER = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC };

struct walk {
	struct arena *a;
	struct file_change *list;
	size_t count, room;
	struct err *e;
};

static void note(struct walk *w, enum change_kind kind, const char *dir, const char *name)
{
	w->list = arena_grow(w->a, w->list, w->count, &w->room, sizeof(*w->list));
	w->list[w->count++] = (struct file_change){kind, arena_printf(w->a, "%s/%s", dir, name)};
}

static bool exists(int dir, const char *name)
{
	struct stat st;
	return dir >= 0 && fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static int walk_folder(struct walk *w, int upper, int lower, const char *dir, int depth);

static int walk_entry(struct walk *w, int upper, int lower, const char *dir, const char *name,
		      int depth)
{
	struct stat st;
	bool below = exists(lower, name);
	if (fstatat(upper, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : err_errno(w->e, errno, "%s/%s", dir, name);
	if (overlay_is_whiteout(&st)) {
		if (below)
			note(w, CHANGE_DELETED, dir, name);
		return 0;
	}
	note(w, below ? CHANGE_MODIFIED : CHANGE_ADDED, dir, name);
	if (!S_ISDIR(st.st_mode))
		return 0;
	CLEANUP_FD int up = openat(upper, name, FOLDER);
	CLEANUP_FD int low = lower < 0 ? -1 : openat(lower, name, FOLDER);
	if (up < 0)
		return errno == ENOENT ? 0 : err_errno(w->e, errno, "%s/%s", dir, name);
	return walk_folder(w, up, low, arena_printf(w->a, "%s/%s", dir, name), depth + 1);
}

/* The whole folder was replaced: what it does not have again is gone. */
static void note_hidden(struct walk *w, int upper, int lower, const char *dir)
{
	CLEANUP_DIR DIR *d = dir_stream(lower);
	for (struct dirent *entry; d && (entry = dir_next(d));)
		if (!exists(upper, entry->d_name))
			note(w, CHANGE_DELETED, dir, entry->d_name);
}

static int walk_folder(struct walk *w, int upper, int lower, const char *dir, int depth)
{
	CLEANUP_DIR DIR *d = dir_stream(upper);
	if (!d)
		return err_errno(w->e, errno, "cannot read %s", *dir ? dir : "/");
	if (depth > TREE_DEPTH_MAX)
		return err_set(w->e, ELOOP, ERR_INVALID, "deeper than %d folders", TREE_DEPTH_MAX);
	int r = 0;
	for (struct dirent *entry; r == 0 && (entry = dir_next(d));)
		r = walk_entry(w, upper, lower, dir, entry->d_name, depth);
	if (r == 0 && lower >= 0 && overlay_is_opaque(upper))
		note_hidden(w, upper, lower, dir);
	return r;
}

static int by_path(const void *x, const void *y)
{
	const struct file_change *a = x, *b = y;
	return strcmp(a->path, b->path);
}

static int open_upper(struct engine *en, const struct container *c, struct err *e)
{
	if (!layer_exists(&c->config))
		return err_set(
			e, ENOTSUP, ERR_INVALID,
			"container %s writes into the folder %s itself (--rootfs): it has no "
			"layer of its own",
			c->name, c->config.hull.rootfs);
	CLEANUP_FD int layer = layer_open(en, c, NULL, e);
	if (layer < 0)
		return layer;
	int fd = openat(layer, "upper", FOLDER);
	return fd >= 0 ? fd : err_errno(e, errno, "container %s: cannot open its layer", c->name);
}

static int open_lower(struct engine *en, const struct container *c, struct arena *a, struct err *e)
{
	if (c->image_id) {
		CLEANUP_FD int mount = root_mount_image(en, c, a, e);
		int fd = mount < 0 ? mount : openat(mount, ".", FOLDER);
		return fd >= 0 || mount < 0 ? fd : err_errno(e, errno, "cannot open the image");
	}
	int fd = open(c->config.hull.rootfs, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd >= 0 ? fd : err_errno(e, errno, "cannot open %s", c->config.hull.rootfs);
}

int container_changes(struct engine *en, const char *ref, struct arena *a, struct file_change **ret,
		      size_t *ret_count, struct err *e)
{
	struct container c;
	struct walk w = {.a = a, .e = e};
	int r = container_find(en, ref, a, &c, e);
	if (r < 0)
		return r;
	CLEANUP_FD int upper = open_upper(en, &c, e);
	if (upper < 0)
		return upper;
	CLEANUP_FD int lower = open_lower(en, &c, a, e);
	if (lower < 0)
		return lower;
	r = walk_folder(&w, upper, lower, "", 0);
	if (r < 0)
		return err_context(e, "container %s", c.name);
	if (w.count)
		qsort(w.list, w.count, sizeof(*w.list), by_path);
	*ret = w.list;
	*ret_count = w.count;
	return 0;
}

/* --- images --- */

static bool is_same(const struct stat *x, const struct stat *y)
{
	return x->st_mode == y->st_mode && x->st_uid == y->st_uid && x->st_gid == y->st_gid &&
	       x->st_rdev == y->st_rdev && x->st_mtim.tv_sec == y->st_mtim.tv_sec &&
	       x->st_mtim.tv_nsec == y->st_mtim.tv_nsec &&
	       (S_ISDIR(x->st_mode) || x->st_size == y->st_size);
}

/* What is in @now is new or other than in @before (-1: nothing is there), or gone. */
static int compare(struct walk *w, int now, int before, const char *dir, int depth)
{
	CLEANUP_DIR DIR *d = dir_stream(now);
	if (!d || depth > TREE_DEPTH_MAX)
		return err_errno(w->e, d ? ELOOP : errno, "cannot read %s", *dir ? dir : "/");
	int r = 0;
	for (struct dirent *entry; r == 0 && (entry = dir_next(d));) {
		const char *name = entry->d_name;
		struct stat st, old;
		bool below = before >= 0 && fstatat(before, name, &old, AT_SYMLINK_NOFOLLOW) == 0;
		if (fstatat(now, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return err_errno(w->e, errno, "%s/%s", dir, name);
		if (!below || !is_same(&st, &old))
			note(w, below ? CHANGE_MODIFIED : CHANGE_ADDED, dir, name);
		if (!S_ISDIR(st.st_mode))
			continue;
		CLEANUP_FD int sub = openat(now, name, FOLDER);
		CLEANUP_FD int sub_before = below ? openat(before, name, FOLDER) : -1;
		r = sub < 0 ? err_errno(w->e, errno, "%s/%s", dir, name)
			    : compare(w, sub, sub_before, arena_printf(w->a, "%s/%s", dir, name),
				      depth + 1);
	}
	if (r == 0 && before >= 0)
		note_hidden(w, now, before, dir);
	return r;
}

/* The tree of an image, without its @less topmost layers. */
static int open_tree(struct engine *en, const char *ref, size_t less, struct arena *a,
		     struct err *e)
{
	struct image image;
	struct container c = {.name = (char *)ref, .config = {.hull = {.layer = (char *)ref}}};
	int r = image_find(&en->images, ref, a, &image, e);
	for (size_t i = less; r == 0 && i < image.layer_count; i++)
		strv_push(a, &c.config.hull.lowers, image.layers[i].diff_id);
	CLEANUP_FD int mount = r < 0 ? r : root_mount_image(en, &c, a, e);
	int fd = mount < 0 ? mount : openat(mount, ".", FOLDER);
	return fd >= 0 || mount < 0 ? fd : err_errno(e, errno, "cannot open image %s", ref);
}

int image_changes(struct engine *en, const char *ref, const char *base, struct arena *a,
		  struct file_change **ret, size_t *ret_count, struct err *e)
{
	struct walk w = {.a = a, .e = e};
	CLEANUP_FD int now = open_tree(en, ref, 0, a, e);
	CLEANUP_FD int before =
		now < 0 ? now : open_tree(en, base ? base : ref, base ? 0 : 1, a, e);
	int r = before < 0 ? before : compare(&w, now, before, "", 0);
	if (r < 0)
		return err_context(e, "image %s", ref);
	if (w.count)
		qsort(w.list, w.count, sizeof(*w.list), by_path);
	*ret = w.list;
	*ret_count = w.count;
	return 0;
}

/* --- commit --- */

/* docker's config of the container as the config of an image. */
static struct oci_image_process process_of(const struct docker_config *c)
{
	return (struct oci_image_process){
		.user = c->user,
		.exposed_ports = c->exposed_ports,
		.env = c->env,
		.entrypoint = c->entrypoint,
		.cmd = c->cmd,
		.volumes = c->volumes,
		.working_dir = c->working_dir,
		.labels = c->labels,
		.stop_signal = c->stop_signal,
		.healthcheck = c->healthcheck,
		.shell = c->shell,
		.on_build = c->on_build,
	};
}

static int commit(struct engine *en, const struct container *c, const struct container_commit *q,
		  struct arena *a, char ret_id[ID_LEN + 1], struct err *e)
{
	CLEANUP_JOB struct unpack_job packer = UNPACK_JOB_NONE;
	struct image base;
	int pipe[2];
	CLEANUP_FD int upper = open_upper(en, c, e);
	int r = upper < 0 ? upper : image_find(&en->images, c->image_id, a, &base, e);
	if (r == 0 && pipe2(pipe, O_CLOEXEC) < 0)
		r = err_errno(e, errno, "cannot commit");
	if (r < 0)
		return r;
	r = unpack_start_pack(&packer, en->libexec, upper, "", "", UNPACK_WHITEOUTS, pipe[1], e);
	close(pipe[1]);
	CLEANUP_FD int source = pipe[0];
	struct oci_image_process process = process_of(&c->config.config);
	if (q->config) {
		struct docker_config config = *q->config;
		r = config_inherit(&config, false, &process, a, e);
		process = process_of(&config);
	}
	struct image_import import = {.fd = source,
				      .reference = q->reference,
				      .changes = q->changes,
				      .message = q->message,
				      .base = &base,
				      .process = &process,
				      .author = q->author,
				      .created_by = c->command,
				      .packer = &packer};
	if (r == 0)
		r = image_import(&en->images, &import, ret_id, e);
	if (r == 0)
		event_container(&en->db, ERR_IGNORED, c->id, "commit", "comment",
				q->message ? q->message : "", "imageID",
				arena_printf(a, "sha256:%s", ret_id), "imageRef",
				q->reference ? q->reference : "", NULL);
	return r;
}

/* A child that unpauses the container if this process is killed before it dismisses it. */
struct guard {
	pid_t pid;
	int pipe[2];
};

static void guard_dismiss(struct guard *g)
{
	/* Its end for reading is open here, too: no SIGPIPE if it was killed. */
	if (g->pid > 0 && write(g->pipe[1], "", 1) == 1)
		TEMP_FAILURE_RETRY(waitpid(g->pid, NULL, 0));
	fd_drop(&g->pipe[0]);
	fd_drop(&g->pipe[1]);
}

_Noreturn static void guard(const struct engine *en, const char *id, struct guard *g)
{
	char program[PATH_MAX], byte;
	setsid(); /* the terminal's ^C is for the other one */
	fd_drop(&g->pipe[1]);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int fd = 0; fd <= 2; fd++)
		dup2(null, fd);
	snprintf(program, sizeof(program), "%s/hull", en->libexec);
	if (TEMP_FAILURE_RETRY(read(g->pipe[0], &byte, 1)) == 0)
		execl(program, "hull", "--root", en->root, "--runroot", en->runroot, "unpause", id,
		      (char *)NULL);
	_exit(0);
}

static int guard_post(const struct engine *en, const char *id, struct guard *ret, struct err *e)
{
	if (pipe2(ret->pipe, O_CLOEXEC) < 0 || (ret->pid = fork()) < 0)
		return err_errno(e, errno, "cannot guard the pause");
	if (!ret->pid)
		guard(en, id, ret);
	return 0;
}

int container_commit(struct engine *en, const char *ref, const struct container_commit *q,
		     char ret_id[ID_LEN + 1], struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	struct container c;
	int r = container_find(en, ref, &a, &c, e);
	if (r < 0)
		return r;
	if (!c.image_id) {
		err_set(e, ENOTSUP, ERR_INVALID,
			"container %s runs on a folder (--rootfs): there is no image below",
			c.name);
		return err_hint(e, "hull export %s | hull import - NAME", c.name);
	}
	bool pause = q->pause && c.status == CONTAINER_RUNNING;
	if (pause && !container_has_group(&c.config))
		engine_warn(en,
			    "container %s has no control group and is not paused: what it "
			    "writes meanwhile may be in the image in part",
			    c.name);
	if (!pause || !container_has_group(&c.config))
		return commit(en, &c, q, &a, ret_id, e);
	CLEANUP(guard_dismiss) struct guard guard = {.pipe = {-1, -1}};
	r = guard_post(en, c.id, &guard, e);
	if (r == 0)
		r = container_pause(en, c.id, e);
	if (r < 0)
		return r;
	r = commit(en, &c, q, &a, ret_id, e);
	/* It may have been unpaused, or have ended, by somebody else. */
	container_unpause(en, c.id, ERR_IGNORED);
	return r;
}
