/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A build from its request to its image: read the Dockerfile, cut it into stages, find those that
 * the target needs, work them off, and bring the result into the store. Read build.h and internal.h
 * first.
 *
 * Killed at any point, a build leaves a staging folder that nobody has locked and a container that
 * its guard removes (step_run.c); nothing of it is in the store before its end. What steps had come
 * to lies in that folder, with a note, and the next build takes it over (cache.c).
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <strings.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/units.h"
#include "base/utf8.h"
#include "build/internal.h"
#include "image/digest.h"

/* ---- the image ---- */

static int64_t epoch_of(const struct build_request *q)
{
	const char *text = strv_get_env(&q->args, "SOURCE_DATE_EPOCH");
	uint64_t seconds;
	if (!text)
		text = secure_getenv("SOURCE_DATE_EPOCH");
	return text && uint_parse(text, INT64_MAX / 1000000000, &seconds) == 0 ? (int64_t)seconds
									       : -1;
}

/* The time of an image that was built before from the same, so that it is the same image. */
static int creation_time(struct build *b, const struct oci_image *image, int64_t *ret,
			 struct err *e)
{
	CLEANUP_STMT sqlite3_stmt *q = NULL;
	char key[ID_LEN + 1];
	char *text =
		arena_printf(b->a, "image %s", shape_print(&oci_image_shape, image, false, b->a));
	digest_sha256(text, strlen(text), key);
	int r = b->epoch >= 0 || b->q->no_cache
			? 0
			: db_first(&b->en->db, &q, e,
				   "SELECT created FROM build_cache WHERE key = ?1", "s", key);
	if (r < 0)
		return r;
	*ret = b->epoch >= 0 ? b->epoch * 1000000000 : r > 0 ? db_int(q, 0) : clock_real_ns();
	if (r == 0) {
		struct build_stage none = {0};
		cache_note(b, &none, key, NULL, NULL, "image");
		b->rows[b->row_count - 1].created = *ret;
	}
	return 0;
}

static int finish_config(struct build *b, struct build_stage *s, int64_t *ret_created,
			 struct err *e)
{
	char text[TIME_TEXT_SIZE];
	struct oci_history *h = s->image.history.items;
	for (size_t i = 0; i < b->q->labels.count; i++)
		kvs_set(b->a, &s->image.config.labels, b->q->labels.items[i].key,
			b->q->labels.items[i].value);
	s->image.rootfs.type = "layers";
	for (size_t i = 0; i < s->layer_count; i++)
		strv_push(b->a, &s->image.rootfs.diff_ids,
			  arena_printf(b->a, "sha256:%s", s->layers[i]->diff_id));
	s->image.created = NULL;
	int r = creation_time(b, &s->image, ret_created, e);
	s->image.created = arena_strdup(b->a, time_format(*ret_created, text));
	for (size_t i = 0; i < s->image.history.count; i++)
		if (!h[i].created ||
		    (b->epoch >= 0 && h[i].comment &&
		     !strncmp(h[i].comment, HISTORY_COMMENT, strlen(HISTORY_COMMENT))))
			h[i].created = s->image.created;
	return r;
}

static int full_names(struct build *b, struct stage_name **ret, size_t *ret_count, struct err *e)
{
	struct stage_name *names = arena_array(b->a, b->q->tags.count + 1, sizeof(*names));
	int r = 0;
	for (size_t i = 0; r == 0 && i < b->q->tags.count; i++) {
		struct image_reference ref;
		r = image_reference_parse(b->q->tags.items[i], b->a, &ref, e);
		if (r == 0 && ref.digest)
			r = err_set(e, EINVAL, ERR_INVALID,
				    "invalid tag \"%.200s\": it has a digest", b->q->tags.items[i]);
		if (r < 0)
			return err_context(e, "-t %.200s", b->q->tags.items[i]);
		names[i].name = image_reference_full(&ref, b->a);
	}
	*ret = names;
	*ret_count = b->q->tags.count;
	return r;
}

/* All is as it was built before, and has its names. */
static bool is_stored(struct build *b, const struct stage_image *image)
{
	struct err ignored;
	if (b->row_count || b->fresh_count)
		return false;
	for (size_t i = 0; i <= image->name_count; i++) {
		CLEANUP_STMT sqlite3_stmt *q = NULL;
		if (db_first(&b->en->db, &q, &ignored,
			     i < image->name_count
				     ? "SELECT 1 FROM reference WHERE image = ?1 AND name = ?2"
				     : "SELECT 1 FROM image WHERE id = ?1 AND ?2 = ''",
			     "ss", image->id,
			     i < image->name_count ? image->names[i].name : "") <= 0)
			return false;
	}
	return true;
}

static int store_image(struct build *b, char ret_id[ID_LEN + 1], struct err *e)
{
	struct build_stage *s = b->target;
	struct stage_image image = {0};
	int r = b->q->squash ? build_squash(b, s, e) : 0;
	if (r == 0)
		r = layers_await(b, e);
	image.layer_count = s->layer_count;
	if (r == 0)
		r = full_names(b, &image.names, &image.name_count, e);
	if (r == 0)
		r = finish_config(b, s, &image.created, e);
	if (r < 0)
		return r;
	image.config_text = shape_print(&oci_image_shape, &s->image, false, b->a);
	if ((r = utf8_check_json(image.config_text, e)) < 0)
		return r;
	digest_sha256(image.config_text, strlen(image.config_text), ret_id);
	image.id = ret_id;
	image.layers = arena_array(b->a, s->layer_count + 1, sizeof(*image.layers));
	for (size_t i = 0; i < s->layer_count; i++)
		image.layers[i] =
			(struct stage_layer){s->layers[i]->diff_id, NULL, s->layers[i]->size};
	if (!is_stored(b, &image))
		r = build_commit(b, &image, e);
	cache_note_use(b);
	return r;
}

/* ---- all of it ---- */

static void set_platform(struct build *b, const char *who, const char *platform)
{
	char *rest = arena_strdup(b->a, platform), *os = strsep(&rest, "/");
	const char *arch = strsep(&rest, "/");
	const char *const values[][2] = {
		{"PLATFORM", platform}, {"OS", os}, {"ARCH", arch}, {"VARIANT", rest ? rest : ""}};
	for (size_t i = 0; i < ARRAY_LEN(values); i++)
		strv_push(b->a, &b->globals,
			  arena_printf(b->a, "%s%s=%s", who, values[i][0], values[i][1]));
}

static void set_platforms(struct build *b)
{
	const char *own = arena_printf(b->a, "linux/%s", oci_native_architecture());
	set_platform(b, "TARGET", b->q->platform ? b->q->platform : own);
	set_platform(b, "BUILD", own);
	strv_push(b->a, &b->globals,
		  arena_printf(b->a, "TARGETSTAGE=%s", b->q->target ? b->q->target : "default"));
}

int build_platform_parse(const char *text, struct arena *a, const char **ret, struct err *e)
{
	const char *full = strchr(text, '/') ? text : arena_printf(a, "linux/%s", text);
	if (strchr(text, ','))
		return err_set(e, ENOTSUP, ERR_INVALID,
			       "platform %s: a build is for one platform; build them one by one",
			       text);
	if (strncmp(full, "linux/", 6) || !full[6] ||
	    full[strspn(full, "abcdefghijklmnopqrstuvwxyz0123456789/_")])
		return err_set(e, EINVAL, ERR_INVALID,
			       "platform %s: use linux/ARCHITECTURE, as linux/arm64", text);
	*ret = full;
	return 0;
}

static int work(struct build *b, char ret_id[ID_LEN + 1], struct err *e)
{
	char *text;
	size_t len;
	struct stage_name *names;
	size_t count;
	int r = full_names(b, &names, &count, e);
	if (r == 0)
		r = build_open_context(b, e);
	if (r == 0)
		r = build_read_dockerfile(b, &text, &len, e);
	if (r == 0)
		r = build_read_ignore(b, e);
	if (r == 0)
		r = dockerfile_parse(b->file.name, text, len, b->a, &b->file, e);
	set_platforms(b);
	if (r == 0)
		r = stages_cut(b, e);
	if (r == 0)
		r = stages_choose(b, e);
	if (r == 0 && b->q->check)
		return lint_tell(b, true, e);
	if (r == 0 && b->file.check && strcasestr(b->file.check, "error=true") &&
	    (r = lint_tell(b, false, e)) > 0)
		r = 0;
	if (r == 0)
		r = stages_work(b, e);
	if (r < 0)
		return r;
	return b->q->output == BUILD_IMAGE ? store_image(b, ret_id, e) : output_write(b, e);
}

/* Arguments that nothing took are often misspelled ones. */
static void warn_unused(struct build *b)
{
	for (size_t i = 0; i < b->q->args.count; i++) {
		const char *arg = b->q->args.items[i];
		char *name = arena_strndup(b->a, arg, strcspn(arg, "="));
		bool used = !strcmp(name, "SOURCE_DATE_EPOCH") || !strncmp(name, "BUILDKIT_", 9);
		for (size_t k = 0; k < b->used_args.count; k++)
			used |= !strcmp(b->used_args.items[k], name);
		if (!used)
			engine_warn(b->en, "One or more build-args [%s] were not consumed", name);
	}
}

static int watch_signals(struct build *b, struct err *e)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	b->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return b->signals < 0 ? err_errno(e, errno, "cannot watch for signals") : 0;
}

static void build_close(struct build *b)
{
	fd_drop(&b->signals);
	for (size_t i = 0; i < b->fresh_count; i++)
		unpack_stop(&b->fresh[i]->job);
	stage_close(&b->staging);
	if (b->guard > 0 && write(b->guard_pipe, "", 1) == 1)
		TEMP_FAILURE_RETRY(waitpid(b->guard, NULL, 0));
	fd_drop(&b->guard_pipe);
	fd_drop(&b->stdin_text);
	build_close_contexts(b);
}

int build_image(struct engine *en, const struct build_request *q, struct arena *a,
		char ret_id[ID_LEN + 1], struct err *e)
{
	struct err ignored;
	CLEANUP_FD int lock = build_lock(en, LOCK_SH, e);
	CLEANUP(build_close)
	struct build b = {.en = en,
			  .q = q,
			  .a = a,
			  .context = -1,
			  .stdin_text = -1,
			  .sent = -1,
			  .guard_pipe = -1,
			  .signals = -1,
			  .staging = STAGE_NONE,
			  .epoch = epoch_of(q)};
	progress_begin(&b);
	int r = lock < 0 ? lock : engine_sweep_builds(en, true, a, &(struct strv){0}, e);
	if (r == 0 && !q->no_cache && !q->no_cache_stages.count && !q->check)
		r = cache_adopt(&b, e);
	if (r == 0)
		r = stage_sweep(&en->images, e);
	if (r == 0)
		r = watch_signals(&b, e);
	if (r == 0)
		r = work(&b, ret_id, e);
	if (q->check && r >= 0)
		return r;
	if (r == 0) {
		warn_unused(&b);
		for (size_t i = 0; i < en->warnings.count; i++)
			status_note(&b, en->warnings.items[i]);
		progress_image(&b, ret_id);
		lint_tell(&b, false, &ignored);
		return 0;
	}
	b.why = e;
	if (b.failed)
		vertex_end(&b, b.failed, "ERROR");
	/* What was done before the failure need not be done again. */
	if (b.row_count)
		build_commit(&b, NULL, &ignored);
	if (b.at && !q->quiet && !q->trace)
		dockerfile_show(&b.file, b.at->first, b.at->last, stderr);
	return r;
}
