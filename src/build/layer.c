/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Folders that become layers. layers/.stage-X/N has `upper` and `work` while a step writes, and
 * `fs` afterwards, as every layer: it is renamed, never copied. Its digest is that of the tar that
 * it would be; hull-unpack computes it while the next steps work already. Read image/stage.h first.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/tree.h"
#include "build/internal.h"
#include "linux/overlay.h"

/* Digests that are computed at the same time. */
enum { JOBS_MAX = 4 };

struct layer *layer_stored(struct build *b, const char *diff_id, int64_t size)
{
	struct layer *l = arena_new(b->a, struct layer);
	*l = (struct layer){.size = size, .stored = true, .job = UNPACK_JOB_NONE};
	snprintf(l->folder, sizeof(l->folder), "%s", diff_id);
	snprintf(l->diff_id, sizeof(l->diff_id), "%s", diff_id);
	return l;
}

struct layer *layer_new(struct build *b, char name[static LAYER_NAME_SIZE], struct err *e)
{
	struct layer *l = arena_new(b->a, struct layer);
	l->job = (struct unpack_job)UNPACK_JOB_NONE;
	if (b->staging.fd < 0 && stage_open(&b->staging, &b->en->images, e) < 0)
		return NULL;
	snprintf(name, LAYER_NAME_SIZE, "%zu", b->folders++);
	snprintf(l->folder, sizeof(l->folder), "%s/%s", b->staging.name, name);
	return l;
}

int layer_begin(struct build *b, struct layer **ret, struct err *e)
{
	char name[LAYER_NAME_SIZE];
	struct layer *l = layer_new(b, name, e);
	if (!l)
		return -e->number;
	CLEANUP_FD int dir = stage_make_dir(&b->staging, name, e);
	if (dir < 0)
		return dir;
	/* The modes are what is said, whatever the caller's umask. */
	if (mkdirat(dir, "upper", 0755) < 0 || fchmodat(dir, "upper", 0755, 0) < 0 ||
	    mkdirat(dir, "work", 0700) < 0)
		return err_errno(e, errno, "cannot make a folder for a layer");
	*ret = l;
	return 0;
}

int layer_dir(struct build *b, const struct layer *layer, struct err *e)
{
	return dir_open(b->staging.fd, strchr(layer->folder, '/') + 1, e);
}

struct strv layer_names(struct build *b, const struct build_stage *s, size_t first)
{
	struct strv names = {0};
	for (size_t i = s->layer_count; i-- > first;)
		strv_push(b->a, &names, s->layers[i]->folder);
	return names;
}

static int open_nothing(struct build *b, struct err *e)
{
	static const char name[] = BUILD_FOLDER "/nothing";
	int r = dir_make(b->en->root_fd, name, 0755, e);
	if (r < 0)
		return r;
	int fd = openat(b->en->root_fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd >= 0 ? fd : err_errno(e, errno, "cannot open an empty layer");
}

int layer_mount(struct build *b, const struct build_stage *s, const struct layer *layer,
		struct err *e)
{
	const struct strv names = layer_names(b, s, 0);
	int *lowers;
	size_t count;
	int r = image_trees_open(&b->en->images, &names, b->a, &lowers, &count, e);
	if (r < 0)
		return r;
	CLEANUP_FD int dir = layer ? layer_dir(b, layer, e) : -1;
	CLEANUP_FD int upper = dir < 0 ? -1 : openat(dir, "upper", O_PATH | O_CLOEXEC);
	CLEANUP_FD int work = dir < 0 ? -1 : openat(dir, "work", O_PATH | O_CLOEXEC);
	/* Read-only it takes two layers, the lowest of which may be nothing. */
	if (!layer) {
		int nothing = open_nothing(b, e);
		if (nothing < 0) {
			image_layers_close(lowers, count);
			return nothing;
		}
		lowers[count++] = nothing;
	}
	struct overlay o = {.lowers = lowers,
			    .lower_count = count,
			    .upper = upper,
			    .work = work,
			    .upper_mount = -1,
			    .is_volatile = true};
	r = layer && work < 0 ? err_errno(e, errno, "cannot open a layer") : overlay_mount(&o, e);
	image_layers_close(lowers, count);
	return r;
}

void layer_push(struct build *b, struct build_stage *s, struct layer *layer)
{
	struct layer **all = arena_array(b->a, s->layer_count + 1, sizeof(*all));
	if (s->layer_count)
		memcpy(all, s->layers, s->layer_count * sizeof(*all));
	all[s->layer_count++] = layer;
	s->layers = all;
}

/* ---- digests ---- */

static int await(struct layer *l, struct err *e)
{
	static const struct unpack_events none;
	int r = l->job.helper.pid ? unpack_finish(&l->job, &none, e) : 0;
	if (r < 0)
		return r;
	if (!*l->diff_id) {
		memcpy(l->diff_id, l->job.layer.diff_id, sizeof(l->diff_id));
		l->size = (int64_t)l->job.layer.size;
	}
	return 0;
}

int layers_await(struct build *b, struct err *e)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < b->fresh_count; i++)
		r = await(b->fresh[i], e);
	return r;
}

/* Times that are later than SOURCE_DATE_EPOCH become it. */
static int clamp(int dir, const struct timespec times[2], int depth)
{
	CLEANUP_DIR DIR *d = dir_stream(dir);
	struct stat st;
	if (!d || depth > COPY_DEPTH_MAX)
		return d ? -ELOOP : -errno;
	for (struct dirent *entry; (entry = dir_next(d));) {
		if (fstatat(dir, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return -errno;
		CLEANUP_FD int sub =
			!S_ISDIR(st.st_mode)
				? -1
				: openat(dir, entry->d_name,
					 O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		int r = sub < 0 ? 0 : clamp(sub, times, depth + 1);
		if (r < 0)
			return r;
		if (st.st_mtim.tv_sec > times[1].tv_sec &&
		    utimensat(dir, entry->d_name, times, AT_SYMLINK_NOFOLLOW) < 0)
			return -errno;
	}
	return 0;
}

static int is_unchanged(int upper)
{
	struct stat st;
	if (fstat(upper, &st) < 0)
		return -errno;
	return (st.st_mode & 07777) == 0755 && !st.st_uid && !st.st_gid ? tree_is_empty(upper) : 0;
}

int layer_finish(struct build *b, struct layer *layer, bool *ret_empty, struct err *e)
{
	CLEANUP_FD int dir = layer_dir(b, layer, e);
	CLEANUP_FD int upper = dir < 0 ? -1 : dir_open(dir, "upper", e);
	int r = upper < 0 ? -e->number : tree_remove(dir, "work", e);
	if (r < 0)
		return r;
	r = is_unchanged(upper);
	*ret_empty = r > 0;
	if (r > 0)
		return tree_remove(b->staging.fd, strchr(layer->folder, '/') + 1, e);
	if (r == 0 && b->epoch >= 0) {
		const struct timespec times[2] = {{.tv_sec = b->epoch}, {.tv_sec = b->epoch}};
		r = clamp(upper, times, 0);
		if (r == 0 && futimens(upper, times) < 0)
			r = -errno;
	}
	return r < 0 ? err_errno(e, r, "cannot finish a layer")
		     : layer_seal(b, layer, dir, upper, e);
}

int layer_seal(struct build *b, struct layer *layer, int dir, int upper, struct err *e)
{
	if (renameat(dir, "upper", dir, "fs") < 0)
		return err_errno(e, errno, "cannot finish a layer");
	return layer_digest(b, layer, upper, e);
}

int layer_digest(struct build *b, struct layer *layer, int folder, struct err *e)
{
	size_t running = 0;
	int r = 0;
	for (size_t i = b->fresh_count; r == 0 && i-- > 0;)
		if (b->fresh[i]->job.helper.pid && ++running >= JOBS_MAX)
			r = await(b->fresh[i], e);
	b->fresh = arena_grow(b->a, b->fresh, b->fresh_count, &b->fresh_room, sizeof(*b->fresh));
	b->fresh[b->fresh_count++] = layer;
	return r < 0 ? r : unpack_start_digest(&layer->job, b->en->libexec, folder, e);
}

/* ---- the end of all ---- */

static int write_rows(void *ctx, struct err *e)
{
	const struct build *b = ctx;
	int r = 0;
	for (size_t i = 0; r >= 0 && i < b->row_count; i++) {
		const struct cache_row *row = &b->rows[i];
		r = db_run(&b->en->db, e,
			   "INSERT OR REPLACE INTO build_cache VALUES (?1,?2,?3,?4,?5,?5)", "ssssi",
			   row->key, row->layer ? row->layer->diff_id : NULL, row->chain, row->text,
			   row->created);
	}
	return r < 0 ? r : 0;
}

static struct stage_image fresh_layers(struct build *b)
{
	struct stage_layer *l = arena_array(b->a, b->fresh_count + 1, sizeof(*l));
	size_t n = 0;
	for (size_t i = 0; i < b->fresh_count; i++)
		if (!b->fresh[i]->stored)
			l[n++] = (struct stage_layer){b->fresh[i]->diff_id,
						      strchr(b->fresh[i]->folder, '/') + 1,
						      b->fresh[i]->size};
	return (struct stage_image){.layers = l, .layer_count = n};
}

int build_commit(struct build *b, const struct stage_image *image, struct err *e)
{
	int r = layers_await(b, e);
	if (r == 0 && b->staging.fd < 0)
		r = stage_open(&b->staging, &b->en->images, e);
	if (r < 0)
		return r;
	struct stage_image all[2] = {fresh_layers(b)};
	if (image)
		all[1] = *image;
	b->staging.also = write_rows;
	b->staging.also_ctx = b;
	r = stage_commit(&b->staging, &b->en->images, all, image ? 2 : 1, e);
	for (size_t i = 0; r == 0 && i < b->fresh_count; i++) {
		struct layer *l = b->fresh[i];
		l->stored = true;
		memcpy(l->folder, l->diff_id, sizeof(l->diff_id));
	}
	if (r == 0)
		b->row_count = 0;
	return r;
}
