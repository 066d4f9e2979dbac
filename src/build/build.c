/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A build from its request to its image: read the Dockerfile, cut it into stages, find those that
 * the target needs, work them off, and bring the result into the store. Read build.h and internal.h
 * first.
 *
 * Killed at any point, a build leaves a staging folder that nobody has locked and a container that
 * its guard removes (step_run.c); nothing of it is in the store before its end.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <strings.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/path.h"
#include "base/units.h"
#include "base/utf8.h"
#include "base/fd.h"
#include "build/copy_internal.h"
#include "build/internal.h"
#include "image/digest.h"
#include "image/rows.h"

/* ---- reading ---- */

static int read_stdin(struct arena *a, char **ret, size_t *ret_len, struct err *e)
{
	CLEANUP_STRBUF struct strbuf text = STRBUF_MAX(DOCKERFILE_MAX);
	ssize_t n;
	char buf[4096];
	while ((n = TEMP_FAILURE_RETRY(read(STDIN_FILENO, buf, sizeof(buf)))) > 0)
		strbuf_add(&text, buf, (size_t)n);
	if (n < 0 || !strbuf_ok(&text))
		return n < 0 ? err_errno(e, errno, "cannot read the Dockerfile from stdin")
			     : err_set(e, EFBIG, ERR_INVALID,
				       "the Dockerfile on stdin is too large");
	*ret = arena_strndup(a, strbuf_text(&text), text.len);
	*ret_len = text.len;
	return 0;
}

/* In the context a link may not lead out of it; elsewhere the user says what he wants. */
static int open_in_context(const struct build *b, const char *name)
{
	return b->context < 0 ? -ENOENT : path_open_in_root(b->context, name, O_RDONLY, 0);
}

static int read_open(struct arena *a, int fd, const char *name, size_t max, char **ret,
		     size_t *ret_len, struct err *e)
{
	char self[32];
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	int r = file_read(AT_FDCWD, self, max, a, ret, ret_len, e);
	return r < 0 ? err_set(e, -r, ERR_INVALID, "cannot read %s: %s", name, err_errno_text(-r))
		     : 0;
}

static int read_dockerfile(struct build *b, char **ret, size_t *ret_len, struct err *e)
{
	const char *name = b->q->file;
	b->file.name = name && strcmp(name, "-") ? name : "Dockerfile";
	if (b->stdin_text >= 0)
		return read_open(b->a, b->stdin_text, "stdin", DOCKERFILE_MAX, ret, ret_len, e);
	if (name && !strcmp(name, "-"))
		return read_stdin(b->a, ret, ret_len, e);
	bool remote = !strcmp(b->q->context, "-"); /* then it is in the context */
	if (name && !remote)
		return file_read(AT_FDCWD, name, DOCKERFILE_MAX, b->a, ret, ret_len, e);
	CLEANUP_FD int fd = open_in_context(b, name ? name : "Dockerfile");
	if (fd == -ENOENT && !name) {
		fd = open_in_context(b, "Containerfile");
		if (fd >= 0)
			b->file.name = "Containerfile";
	}
	if (fd < 0) {
		err_set(e, ENOENT, ERR_NOT_FOUND,
			"failed to read dockerfile: there is no %s in the context %s", b->file.name,
			b->q->context);
		err_hint(e, "name it by -f");
		return -ENOENT;
	}
	return read_open(b->a, fd, b->file.name, DOCKERFILE_MAX, ret, ret_len, e);
}

/* NAME.dockerignore, beside the Dockerfile, goes before .dockerignore in the context. */
static int read_ignore(struct build *b, struct err *e)
{
	const char *name = b->q->file ? b->q->file : "Dockerfile";
	char *text = NULL;
	struct err ignored;
	if (b->context < 0)
		return 0;
	char *own = arena_printf(b->a, "%s.dockerignore", name);
	if (b->q->file && strcmp(name, "-") &&
	    file_read(AT_FDCWD, own, IGNORE_FILE_MAX, b->a, &text, NULL, &ignored) < 0)
		text = NULL;
	CLEANUP_FD int fd = text ? -1 : b->q->file ? -ENOENT : open_in_context(b, own);
	if (!text && fd < 0)
		fd = open_in_context(b, ".dockerignore");
	int r = fd < 0 ? 0 : read_open(b->a, fd, ".dockerignore", IGNORE_FILE_MAX, &text, NULL, e);
	if (r == 0 && text)
		ignore_parse(text, b->a, &b->ignore);
	return r;
}

/* All of it, as nobody knows what it is before it has begun. */
static int keep_stdin(struct build *b, struct err *e)
{
	char buf[64 << 10];
	ssize_t n;
	int r = stage_open(&b->staging, &b->en->images, e);
	if (r < 0)
		return r;
	CLEANUP_FD int fd =
		openat(b->staging.fd, "stdin", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || unlinkat(b->staging.fd, "stdin", 0) < 0)
		return err_errno(e, errno, "cannot keep the context");
	while ((n = TEMP_FAILURE_RETRY(read(STDIN_FILENO, buf, sizeof(buf)))) > 0)
		if ((r = fd_write_full(fd, buf, (size_t)n)) < 0)
			return err_errno(e, r, "cannot keep the context");
	if (n < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return err_errno(e, errno, "cannot read the context from stdin");
	return fd_steal(&fd);
}

/* "-": a tar that is a context, or a Dockerfile without one. */
static int context_of_stdin(struct build *b, struct err *e)
{
	static const struct unpack_events none;
	CLEANUP_JOB struct unpack_job job = UNPACK_JOB_NONE;
	CLEANUP_FD int fd = keep_stdin(b, e);
	int r = fd < 0 ? fd : copy_is_archive(fd);
	if (r <= 0) {
		b->stdin_text = r < 0 ? -1 : fd_steal(&fd);
		return r;
	}
	b->context = stage_make_dir(&b->staging, "context", e);
	r = b->context < 0 ? b->context
			   : unpack_start_into(&job, b->en->libexec, fd, b->context, "", NULL, e);
	if (r == 0)
		r = unpack_finish(&job, &none, e);
	return r < 0 ? err_context(e, "the context on stdin") : 0;
}

static int open_context(struct build *b, struct err *e)
{
	if (!strcmp(b->q->context, "-"))
		return b->q->file && !strcmp(b->q->file, "-")
			       ? err_set(e, EINVAL, ERR_INVALID,
					 "invalid argument: can't use stdin for both build context "
					 "and dockerfile")
			       : context_of_stdin(b, e);
	b->context = open(b->q->context, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (b->context >= 0)
		return 0;
	int r = err_errno(e, errno, "unable to prepare context: %s", b->q->context);
	if (strstr(b->q->context, "://") || !strncmp(b->q->context, "git@", 4))
		err_hint(e, "hull fetches no contexts: clone or unpack it first");
	return r;
}

/* ---- stages ---- */

static const char *base_name_of(const struct instruction *from, struct arena *a, char **ret_as)
{
	char *rest = arena_strdup(a, from->rest);
	size_t n = strcspn(rest, " \t");
	char *more = rest + n + strspn(rest + n, " \t");
	rest[n] = '\0';
	*ret_as = NULL;
	if (!*more)
		return rest;
	if (strncasecmp(more, "as", 2) || !more[2] || !strchr(" \t", more[2]))
		return NULL;
	more += 2;
	more += strspn(more, " \t");
	n = strcspn(more, " \t");
	if (!n || more[n + strspn(more + n, " \t")])
		return NULL;
	*ret_as = arena_strndup(a, more, n);
	return rest;
}

static bool stage_name_ok(const char *name)
{
	if (!((*name | 0x20) >= 'a' && (*name | 0x20) <= 'z'))
		return false;
	return name_is_valid(name, 128);
}

static int cut_stages(struct build *b, struct err *e)
{
	const struct dockerfile *d = &b->file;
	struct build_stage *s = NULL;
	b->stages = arena_array(b->a, d->count, sizeof(*b->stages));
	for (size_t i = 0; i < d->count; i++) {
		const struct instruction *in = &d->items[i];
		b->at = in;
		if (in->kind != INSTRUCTION_FROM) {
			if (!s && in->kind != INSTRUCTION_ARG)
				return err_set(e, EINVAL, ERR_INVALID,
					       "no build stage in current context: a Dockerfile "
					       "begins with FROM");
			int r = s ? 0 : step_arg(b, NULL, in, e);
			if (r < 0)
				return r;
			if (s)
				s->count++;
			continue;
		}
		s = &b->stages[b->stage_count];
		s->index = b->stage_count++;
		s->from = in;
		s->items = in + 1;
		if (!base_name_of(in, b->a, &s->name))
			return err_set(
				e, EINVAL, ERR_INVALID,
				"FROM requires either one or three arguments: FROM IMAGE [AS "
				"NAME]");
		if (s->name && !stage_name_ok(s->name))
			return err_set(e, EINVAL, ERR_INVALID,
				       "invalid name for build stage: \"%.100s\", name can't start "
				       "with a number or contain symbols",
				       s->name);
	}
	b->at = NULL;
	return s ? 0 : err_set(e, EINVAL, ERR_INVALID, "%s has no FROM", d->name);
}

struct build_stage *build_find_stage(struct build *b, const char *name, size_t before)
{
	uint64_t number;
	/* The last one of that name. */
	for (size_t i = before; i-- > 0;)
		if (b->stages[i].name && !strcasecmp(b->stages[i].name, name))
			return &b->stages[i];
	if (uint_parse(name, SIZE_MAX, &number) == 0 && number < before)
		return &b->stages[number];
	return NULL;
}

int build_base_name(struct build *b, const struct build_stage *s, const char **ret, struct err *e)
{
	const struct expand x = step_expand(b, NULL);
	char *as, *name;
	b->at = s->from;
	int r = expand_word(&x, base_name_of(s->from, b->a, &as), &name, e);
	if (r == 0 && !*name) {
		err_set(e, EINVAL, ERR_INVALID, "base name (%.100s) should not be blank",
			s->from->rest);
		err_hint(e, "an ARG that FROM uses stands before the first FROM, and needs a "
			    "default or --build-arg");
		return -EINVAL;
	}
	b->at = r < 0 ? s->from : NULL;
	*ret = name;
	return r;
}

static struct build_stage *find_base(struct build *b, const char *name, size_t before)
{
	/* FROM takes no numbers. */
	return *name >= '0' && *name <= '9' ? NULL : build_find_stage(b, name, before);
}

static int mark_needed(struct build *b, struct build_stage *s, struct err *e);

/* COPY --from=STAGE, RUN --mount=...,from=STAGE */
static int mark_sources(struct build *b, struct build_stage *s, const struct instruction *in,
			struct err *e)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < in->flags.count; i++) {
		const char *text = in->flags.items[i];
		const char *from = !strncmp(text, "from=", 5)    ? text
				   : !strncmp(text, "mount=", 6) ? strstr(text, ",from=")
								 : NULL;
		if (!from && !strncmp(text, "mount=from=", 11))
			from = text + 5;
		if (!from)
			continue;
		from = strchr(from, '=') + 1;
		struct build_stage *other = build_find_stage(
			b, arena_strndup(b->a, from, strcspn(from, ",")), s->index);
		if (other)
			r = mark_needed(b, other, e);
	}
	return r;
}

/* A mark on all that @s needs. Stages only look back, so this ends. */
static int mark_needed(struct build *b, struct build_stage *s, struct err *e)
{
	const char *base;
	if (s->needed)
		return 0;
	s->needed = true;
	int r = build_base_name(b, s, &base, e);
	struct build_stage *other = r < 0 ? NULL : find_base(b, base, s->index);
	if (other)
		r = mark_needed(b, other, e);
	for (size_t i = 0; r == 0 && i < s->count; i++)
		r = mark_sources(b, s, &s->items[i], e);
	return r;
}

static int choose_target(struct build *b, struct err *e)
{
	const char *name = b->q->target;
	b->target = &b->stages[b->stage_count - 1];
	if (name && *name && !(b->target = build_find_stage(b, name, b->stage_count)))
		return err_set(e, ENOENT, ERR_INVALID, "target stage \"%.100s\" could not be found",
			       name);
	return mark_needed(b, b->target, e);
}

/* ---- working a stage off ---- */

int build_canceled(struct err *e)
{
	return err_set(e, EINTR, ERR_SYSTEM, "the build was canceled");
}

static int pull(struct build *b, const char *name, struct err *e)
{
	struct image_pull req = {.reference = name};
	struct image_pulled ignored;
	for (size_t i = 0; i < b->pulled.count; i++)
		if (!strcmp(b->pulled.items[i], name))
			return 0;
	strv_push(b->a, &b->pulled, name);
	int r = image_pull(&b->en->images, &req, b->a, &ignored, e);
	return r < 0 ? err_context(e, "%s is not here and cannot be pulled", name) : 0;
}

int build_find_image(struct build *b, const char *name, struct image *ret, struct err *e)
{
	int r = b->q->pull ? pull(b, name, e) : 0;
	if (r == 0)
		r = image_find(&b->en->images, name, b->a, ret, e);
	if (r != -ENOENT || e->kind != ERR_NOT_FOUND || b->q->pull)
		return r;
	r = pull(b, name, e);
	return r < 0 ? r : image_find(&b->en->images, name, b->a, ret, e);
}

/* A copy that shares nothing: both go on to be changed. */
static int copy_config(const struct oci_image *from, struct oci_image *to, struct arena *a,
		       struct err *e)
{
	char *text = shape_print(&oci_image_shape, from, false, a);
	*to = (struct oci_image){0};
	return shape_parse(&oci_image_shape, text, strlen(text), to, a, e);
}

int build_from_image(struct build *b, struct build_stage *s, const char *name, struct err *e)
{
	struct image image;
	CLEANUP_STRBUF struct strbuf chain = STRBUF_MAX(1 << 20);
	int r = build_find_image(b, name, &image, e);
	if (r == 0)
		r = copy_config(&image.config, &s->image, b->a, e);
	if (r < 0)
		return r;
	s->image.rootfs.diff_ids = (struct strv){0};
	s->created = image.created;
	key_add(&chain, "image");
	for (size_t i = image.layer_count; i-- > 0;) {
		struct layer *l = arena_new(b->a, struct layer);
		*l = (struct layer){
			.size = image.layers[i].size, .stored = true, .job = UNPACK_JOB_NONE};
		snprintf(l->folder, sizeof(l->folder), "%s", image.layers[i].diff_id);
		snprintf(l->diff_id, sizeof(l->diff_id), "%s", image.layers[i].diff_id);
		key_add(&chain, l->diff_id);
		layer_push(b, s, l);
	}
	key_digest(&chain, s->chain);
	return 0;
}

static int from_stage(struct build *b, struct build_stage *s, const struct build_stage *base,
		      struct err *e)
{
	s->layers = base->layers; /* layer_push() copies */
	s->layer_count = base->layer_count;
	s->created = base->created;
	memcpy(s->chain, base->chain, sizeof(s->chain));
	return copy_config(&base->image, &s->image, b->a, e);
}

static void from_scratch(struct build_stage *s)
{
	s->image = (struct oci_image){.os = "linux",
				      .architecture = (char *)oci_native_architecture(),
				      .rootfs = {.type = "layers"}};
	digest_sha256("scratch", 7, s->chain);
}

static int check_platform(struct build *b, const struct build_stage *s, struct err *e)
{
	const struct expand x = step_expand(b, NULL);
	const char *flag = instruction_flag(s->from, "platform");
	char *wanted = NULL;
	int r = flag ? expand_word(&x, flag, &wanted, e) : 0;
	if (r < 0 || !wanted || !*wanted)
		return r;
	char *have = arena_printf(b->a, "linux/%s", s->image.architecture);
	return !strncmp(wanted, have, strlen(have))
		       ? 0
		       : err_set(e, ENOTSUP, ERR_INVALID,
				 "FROM --platform=%.64s: the image here is for %s", wanted, have);
}

/* ONBUILD of the image below: as if it stood behind FROM. */
static int run_triggers(struct build *b, struct build_stage *s, struct err *e)
{
	const struct strv triggers = s->image.config.on_build;
	s->image.config.on_build = (struct strv){0};
	int r = 0;
	for (size_t i = 0; r == 0 && i < triggers.count; i++) {
		struct instruction *in = arena_new(b->a, struct instruction);
		r = dockerfile_parse_one(triggers.items[i], b->file.escape, s->from->first, b->a,
					 in, e);
		if (r == 0)
			r = step_apply(b, s, in, e);
		if (r < 0)
			return err_context(e, "ONBUILD of the image");
	}
	return r;
}

static int begin_stage(struct build *b, struct build_stage *s, struct err *e)
{
	const char *name;
	b->at = s->from;
	int r = build_base_name(b, s, &name, e);
	if (r < 0)
		return r;
	b->at = s->from;
	s->step = 0;
	vertex_begin(b, s, s->from);
	struct build_stage *base = find_base(b, name, s->index);
	if (!strcmp(name, "scratch"))
		from_scratch(s);
	else
		r = base ? from_stage(b, s, base, e) : build_from_image(b, s, name, e);
	if (r == 0)
		r = check_platform(b, s, e);
	if (r < 0)
		return r;
	vertex_end(b, NULL);
	b->at = NULL;
	return run_triggers(b, s, e);
}

static int run_stage(struct build *b, struct build_stage *s, struct err *e)
{
	int r = begin_stage(b, s, e);
	for (size_t i = 0; r == 0 && i < s->count; i++) {
		struct pollfd signal = {b->signals, POLLIN, 0};
		if (poll(&signal, 1, 0) > 0)
			return build_canceled(e);
		s->step = i + 1;
		r = step_apply(b, s, &s->items[i], e);
	}
	s->done = r == 0;
	return r;
}

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
		    (b->epoch >= 0 && h[i].comment && !strcmp(h[i].comment, "hull build")))
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
	struct stage_image image = {.layer_count = s->layer_count};
	int r = layers_await(b, e);
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

static void tell_image(struct build *b, const char *id)
{
	if (b->q->quiet || b->q->output != BUILD_IMAGE)
		return;
	fprintf(stderr, "#%zu writing image sha256:%s\n", ++b->vertex, id);
	for (size_t i = 0; i < b->q->tags.count; i++)
		fprintf(stderr, "#%zu naming to %s\n", b->vertex, b->q->tags.items[i]);
	fprintf(stderr, "#%zu DONE\n", b->vertex);
}

/* ---- all of it ---- */

static void set_platforms(struct build *b)
{
	const char *arch = oci_native_architecture();
	static const char *const who[] = {"TARGET", "BUILD"};
	for (size_t i = 0; i < ARRAY_LEN(who); i++) {
		strv_push(b->a, &b->globals,
			  arena_printf(b->a, "%sPLATFORM=linux/%s", who[i], arch));
		strv_push(b->a, &b->globals, arena_printf(b->a, "%sOS=linux", who[i]));
		strv_push(b->a, &b->globals, arena_printf(b->a, "%sARCH=%s", who[i], arch));
		strv_push(b->a, &b->globals, arena_printf(b->a, "%sVARIANT=", who[i]));
	}
	strv_push(b->a, &b->globals,
		  arena_printf(b->a, "TARGETSTAGE=%s", b->q->target ? b->q->target : "default"));
}

static int work(struct build *b, char ret_id[ID_LEN + 1], struct err *e)
{
	char *text;
	size_t len;
	struct stage_name *names;
	size_t count;
	int r = full_names(b, &names, &count, e);
	if (r == 0)
		r = open_context(b, e);
	if (r == 0)
		r = read_dockerfile(b, &text, &len, e);
	if (r == 0)
		r = read_ignore(b, e);
	if (r == 0)
		r = dockerfile_parse(b->file.name, text, len, b->a, &b->file, e);
	set_platforms(b);
	if (r == 0)
		r = cut_stages(b, e);
	if (r == 0)
		r = choose_target(b, e);
	if (r == 0 && b->q->check)
		return lint_tell(b, true, e);
	if (r == 0 && b->file.check && strcasestr(b->file.check, "error=true") &&
	    (r = lint_tell(b, false, e)) > 0)
		r = 0;
	for (size_t i = 0; r == 0 && i < b->stage_count; i++)
		if (b->stages[i].needed)
			r = run_stage(b, &b->stages[i], e);
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
	fd_drop(&b->context);
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
			  .guard_pipe = -1,
			  .signals = -1,
			  .staging = STAGE_NONE,
			  .epoch = epoch_of(q)};
	int r = lock < 0 ? lock : engine_sweep_builds(en, true, a, &(struct strv){0}, e);
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
		tell_image(&b, ret_id);
		lint_tell(&b, false, &ignored);
		return 0;
	}
	vertex_end(&b, "ERROR");
	/* What was done before the failure need not be done again. */
	if (b.row_count)
		build_commit(&b, NULL, &ignored);
	if (b.at && !q->quiet)
		dockerfile_show(&b.file, b.at->first, b.at->last, stderr);
	return r;
}
