/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --squash: the layers that the build made become one. Their folders are laid upon each other as
 * the overlay would show them, with the marks kept that hide something of the image below. Files
 * are linked, not copied: a finished layer never changes. Rests on linkat(2) and the marks of
 * linux/overlay.h. Invariant: nothing is written into a layer that is finished.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/tree.h"
#include "build/copy.h"
#include "build/internal.h"
#include "linux/overlay.h"

/* What of the image below is seen in a folder: all, nothing because of its own mark, or nothing
 * because of one above, so that nothing need be hidden one by one. */
enum below { SEEN, HIDDEN_HERE, HIDDEN_ABOVE };

static int lay_folder(int from, int to, enum below below, int depth, struct err *e);

/* The folder @name of @to, made if it is not there; @opaque: empty. */
static int open_target(int to, const char *name, bool opaque, enum below *ret, struct err *e)
{
	struct stat st;
	bool there = fstatat(to, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
	bool replaces = there && (opaque || !S_ISDIR(st.st_mode));
	/* What an earlier step removed, or had as a file, hid the folder that lay there before. */
	if ((opaque || replaces) && *ret == SEEN)
		*ret = HIDDEN_HERE;
	int r = replaces ? tree_remove(to, name, e) : 0;
	if (r == 0 && (!there || replaces) && mkdirat(to, name, 0700) < 0)
		r = err_errno(e, errno, "%s", name);
	if (r < 0)
		return r;
	int fd = dir_open(to, name, e);
	if (fd >= 0 && overlay_is_opaque(fd))
		*ret = HIDDEN_HERE;
	return fd;
}

static int lay_entry(int from, int to, const char *name, enum below below, int depth, struct err *e)
{
	struct stat st;
	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_errno(e, errno, "%s", name);
	if (S_ISDIR(st.st_mode)) {
		CLEANUP_FD int sub = dir_open(from, name, e);
		enum below inside = below == SEEN ? SEEN : HIDDEN_ABOVE;
		CLEANUP_FD int target =
			sub < 0 ? -1 : open_target(to, name, overlay_is_opaque(sub), &inside, e);
		return target < 0 ? -e->number : lay_folder(sub, target, inside, depth + 1, e);
	}
	int r = tree_remove(to, name, e);
	if (r == 0 && (below == SEEN || !overlay_is_whiteout(&st)) &&
	    linkat(from, name, to, name, 0) < 0)
		r = err_errno(e, errno, "%s", name);
	return r;
}

/* A step may have taken an attribute from a folder that an earlier one gave it. */
static int drop_attributes(int from, int to)
{
	char names[XATTR_LIST_MAX];
	ssize_t len = flistxattr(to, names, sizeof(names));
	if (len < 0)
		return errno == ENOTSUP ? 0 : -errno;
	for (ssize_t at = 0; at < len; at += (ssize_t)strlen(names + at) + 1)
		if (strcmp(names + at, overlay_opaque()) != 0 &&
		    fgetxattr(from, names + at, NULL, 0) < 0 && errno == ENODATA &&
		    fremovexattr(to, names + at) < 0)
			return -errno;
	return 0;
}

static int lay_folder(int from, int to, enum below below, int depth, struct err *e)
{
	CLEANUP_DIR DIR *d = dir_stream(from);
	struct stat st;
	if (!d || depth > COPY_DEPTH_MAX || fstat(from, &st) < 0)
		return err_errno(e, depth > COPY_DEPTH_MAX ? ELOOP : errno, "cannot read a layer");
	for (struct dirent *entry; (entry = dir_next(d));) {
		int r = lay_entry(from, to, entry->d_name, below, depth, e);
		if (r < 0)
			return r;
	}
	/* Last, for what is made in a folder changes its times. */
	int r = drop_attributes(from, to);
	if (r == 0)
		r = tree_copy_meta(from, to, &st);
	if (r == 0 && below == HIDDEN_HERE && fsetxattr(to, overlay_opaque(), "y", 1, 0) < 0)
		r = -errno;
	return r < 0 ? err_errno(e, r, "cannot make a folder for a layer") : 0;
}

static int lay_layers(struct build *b, const struct build_stage *s, struct layer *layer,
		      struct err *e)
{
	const struct strv names = layer_names(b, s, s->from_layers);
	int *fds;
	size_t count;
	int r = image_trees_open(&b->en->images, &names, b->a, &fds, &count, e);
	if (r < 0)
		return r;
	CLEANUP_FD int dir = layer_dir(b, layer, e);
	CLEANUP_FD int upper = dir < 0 ? -1 : dir_open(dir, "upper", e);
	enum below below = s->from_layers ? SEEN : HIDDEN_ABOVE;
	r = upper < 0 ? -e->number : 0;
	for (size_t i = count; r == 0 && i-- > 0;) {
		CLEANUP_FD int from = openat(fds[i], ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (from >= 0 && overlay_is_opaque(from) && below == SEEN)
			below = HIDDEN_HERE;
		r = from < 0 ? err_errno(e, errno, "cannot open a layer")
			     : lay_folder(from, upper, below, 0, e);
	}
	image_layers_close(fds, count);
	return r == 0 ? layer_seal(b, layer, dir, upper, e) : r;
}

/* As docker's: the steps stay to be read, and one more has their files. */
static void squash_history(struct build *b, struct build_stage *s, const char *text)
{
	struct oci_history *h = s->image.history.items;
	for (size_t i = s->from_history; i < s->image.history.count; i++) {
		h[i].empty_layer = true;
		h[i].created = NULL;
	}
	step_history(b, s, text, NULL, false);
}

int build_squash(struct build *b, struct build_stage *s, struct err *e)
{
	CLEANUP_STRBUF struct strbuf words = STRBUF_MAX(1 << 20);
	struct build_stage made = {0};
	struct step_key key;
	size_t made_of = s->layer_count - s->from_layers;
	if (made_of < 2)
		return 0;
	int r = layers_await(b, e);
	if (r < 0)
		return r;
	key_add(&words, "squash");
	for (size_t i = s->from_layers; i < s->layer_count; i++)
		key_add(&words, s->layers[i]->diff_id);
	key_finish(&made, &words, &key);
	r = cache_use(b, &made, &key, e);
	if (r == STEP_RUNS) {
		struct layer *layer;
		r = layer_begin(b, &layer, e);
		if (r == 0)
			r = lay_layers(b, s, layer, e);
		if (r == 0)
			r = layers_await(b, e);
		if (r == 0)
			cache_note(b, &made, key.key, layer, key.key, "squash");
	}
	if (r < 0)
		return err_context(e, "--squash");
	s->layer_count = s->from_layers;
	layer_push(b, s, made.layers[0]);
	s->created = made.created;
	squash_history(b, s, arena_printf(b->a, "squash of %zu layers", made_of));
	return 0;
}
