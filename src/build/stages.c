/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stages: cut from the Dockerfile, and worked off beside each other. Each is taken step by step; a
 * step that needs another stage waits for its end, and a RUN (step_run.c) goes on by itself while
 * other stages are taken further. All else is done here, one after the other: what takes time is in
 * the containers. Read internal.h first.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/path.h"
#include "base/units.h"
#include "build/internal.h"
#include "image/digest.h"
#include "image/plan.h"
#include "spec/oci.h"

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

int stages_cut(struct build *b, struct err *e)
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
		s->awaited = -1;
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

static struct build_stage *find_stage(struct build *b, const char *name, size_t before)
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

struct build_stage *build_find_stage(struct build *b, const char *name, size_t before)
{
	return build_named_context(b, name) ? NULL : find_stage(b, name, before);
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
		return err_hint(e,
				"an ARG that FROM uses stands before the first FROM, and needs a "
				"default or --build-arg");
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

bool build_known_base(struct build *b, const struct build_stage *s, struct image *ret,
		      struct build_stage **ret_stage)
{
	const char *name;
	struct err ignored;
	*ret_stage = NULL;
	if (build_base_name(b, s, &name, &ignored) < 0)
		return false;
	*ret_stage = build_find_stage(b, name, s->index);
	return *ret_stage || image_find_config(&b->en->images, name, b->a, ret, &ignored) == 0;
}

/* The stage that one flag of an instruction takes from: COPY --from=STAGE, RUN
 * --mount=...,from=STAGE, the last one. dockerfile.c took only plain names. */
static struct build_stage *find_source(struct build *b, const struct build_stage *s,
				       const char *flag)
{
	const char *from = !strncmp(flag, "from=", 5)          ? flag
			   : !strncmp(flag, "mount=from=", 11) ? flag + 6
			   : !strncmp(flag, "mount=", 6)       ? strstr(flag, ",from=")
							       : NULL;
	if (!from)
		return NULL;
	for (const char *next = from; (next = strstr(next + 1, ",from="));)
		from = next;
	from = strchr(from, '=') + 1;
	return build_find_stage(b, arena_strndup(b->a, from, strcspn(from, ",")), s->index);
}

/* A mark on all that @s needs. Stages only look back, so this ends. */
static int mark_needed(struct build *b, struct build_stage *s, struct err *e)
{
	const char *base;
	if (!s || s->needed)
		return 0;
	s->needed = true;
	int r = build_base_name(b, s, &base, e);
	s->base = r < 0 ? NULL : find_base(b, base, s->index);
	if (r == 0)
		r = mark_needed(b, s->base, e);
	for (size_t i = 0; i < s->count; i++)
		for (size_t k = 0; r == 0 && k < s->items[i].flags.count; k++)
			r = mark_needed(b, find_source(b, s, s->items[i].flags.items[k]), e);
	return r;
}

int stages_choose(struct build *b, struct err *e)
{
	const char *name = b->q->target;
	b->target = &b->stages[b->stage_count - 1];
	if (name && *name && !(b->target = find_stage(b, name, b->stage_count)))
		return err_set(e, ENOENT, ERR_INVALID, "target stage \"%.100s\" could not be found",
			       name);
	for (size_t i = 0; i < b->q->no_cache_stages.count; i++)
		if (!find_stage(b, b->q->no_cache_stages.items[i], b->stage_count))
			engine_warn(b->en, "--no-cache-filter %s: there is no stage of that name",
				    b->q->no_cache_stages.items[i]);
	return mark_needed(b, b->target, e);
}

/* ---- FROM ---- */

int build_canceled(struct err *e)
{
	return err_set(e, EINTR, ERR_SYSTEM, "the build was canceled");
}

static int pull(struct build *b, const char *name, const char *platform, struct err *e)
{
	struct image_pull req = {
		.reference = name, .platform = platform, .registry = b->q->registry};
	if (b->q->session) {
		req.registry.ask = client_credentials;
		req.registry.ctx = b;
	}
	struct image_pulled ignored;
	char *what = arena_printf(b->a, "%s %s", name, platform ? platform : "");
	for (size_t i = 0; i < b->pulled.count; i++)
		if (!strcmp(b->pulled.items[i], what))
			return 0;
	strv_push(b->a, &b->pulled, what);
	return image_pull(&b->en->images, &req, b->a, &ignored, e);
}

static bool fits(const char *platform, const struct oci_image *image)
{
	const struct plan wanted = {.platform = platform};
	return !platform ||
	       plan_platform_fits(&wanted, image->os, image->architecture, image->variant);
}

/* What is here is for another platform, and nothing else can be had. */
static int wrong_platform(const char *name, const char *platform, const struct oci_image *here,
			  struct err *e)
{
	const char *variant = here->variant ? here->variant : "";
	char why[sizeof(e->text)];
	snprintf(why, sizeof(why), "%s", e->text);
	err_set(e, ENOTSUP, ERR_INVALID,
		"%s is here for linux/%s%s%s only, not for %s, and that cannot be pulled: %s", name,
		here->architecture, *variant ? "/" : "", variant, platform, why);
	return err_hint(e, "load or pull it for %s, or build FROM it for the platform that is here",
			platform);
}

int build_find_image(struct build *b, const char *name, const char *platform, struct image *ret,
		     struct err *e)
{
	const struct named_context *context = build_named_context(b, name);
	if (context && !context->of->image)
		return err_set(e, ENOTSUP, ERR_INVALID,
			       "--build-context %s is a folder, which COPY --from and RUN --mount "
			       "take from, and no image",
			       name);
	if (context)
		name = context->of->image;
	int r = b->q->pull ? pull(b, name, platform, e) : 0;
	if (r < 0)
		return err_context(e, "%s cannot be pulled", name);
	r = image_find(&b->en->images, name, b->a, ret, e);
	if (r == 0 ? fits(platform, &ret->config) : r != -ENOENT || e->kind != ERR_NOT_FOUND)
		return r;
	bool here = r == 0;
	r = b->q->pull ? 0 : pull(b, name, platform, e);
	if (r < 0)
		return here ? wrong_platform(name, platform, &ret->config, e)
			    : err_context(e, "%s is not here and cannot be pulled", name);
	r = image_find(&b->en->images, name, b->a, ret, e);
	if (r < 0 || fits(platform, &ret->config))
		return r;
	return err_set(e, ENOTSUP, ERR_INVALID, "%s is here for linux/%s, and not for %s", name,
		       ret->config.architecture, platform);
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
	int r = build_find_image(b, name, s->platform, &image, e);
	if (r == 0)
		r = copy_config(&image.config, &s->image, b->a, e);
	if (r < 0)
		return r;
	s->image.rootfs.diff_ids = (struct strv){0};
	s->created = image.created;
	key_add(&chain, "image");
	for (size_t i = image.layer_count; i-- > 0;) {
		const struct image_layer *l = &image.layers[i];
		key_add(&chain, l->diff_id);
		layer_push(b, s, layer_stored(b, l->diff_id, l->size));
	}
	key_digest(&chain, s->chain);
	s->from_layers = s->layer_count;
	s->from_history = s->image.history.count;
	return 0;
}

static int from_stage(struct build *b, struct build_stage *s, const struct build_stage *base,
		      struct err *e)
{
	s->layers = base->layers; /* layer_push() copies */
	s->layer_count = base->layer_count;
	s->from_layers = base->from_layers;
	s->from_history = base->from_history;
	s->created = base->created;
	memcpy(s->chain, base->chain, sizeof(s->chain));
	return copy_config(&base->image, &s->image, b->a, e);
}

static void from_scratch(struct build *b, struct build_stage *s)
{
	char *parts = arena_strdup(b->a, s->platform ? s->platform : "linux");
	char *os = strsep(&parts, "/"), *arch = strsep(&parts, "/");
	s->image =
		(struct oci_image){.os = os,
				   .architecture = arch ? arch : (char *)oci_native_architecture(),
				   .variant = parts,
				   .rootfs = {.type = "layers"}};
	digest_sha256("scratch", 7, s->chain);
}

/* --platform of FROM, or of the build. */
static int read_platform(struct build *b, struct build_stage *s, struct err *e)
{
	const struct expand x = step_expand(b, NULL);
	const char *flag = instruction_flag(s->from, "platform");
	char *wanted = NULL;
	int r = flag ? expand_word(&x, flag, &wanted, e) : 0;
	s->platform = wanted && *wanted ? wanted : s->base ? s->base->platform : b->q->platform;
	if (r == 0 && wanted && s->base && !fits(wanted, &s->base->image))
		r = err_set(e, ENOTSUP, ERR_INVALID,
			    "FROM --platform=%.64s: that stage is for linux/%s", wanted,
			    s->base->image.architecture);
	return r;
}

/* ONBUILD of the image below: as if it stood behind FROM. */
static int read_triggers(struct build *b, struct build_stage *s, struct err *e)
{
	const struct strv texts = s->image.config.on_build;
	struct instruction *in = arena_array(b->a, texts.count + 1, sizeof(*in));
	s->image.config.on_build = (struct strv){0};
	s->triggers = in;
	s->trigger_count = texts.count;
	int r = 0;
	for (size_t i = 0; r == 0 && i < texts.count; i++)
		r = dockerfile_parse_one(texts.items[i], b->file.escape, s->from->first, b->a,
					 &in[i], e);
	return r < 0 ? err_context(e, "ONBUILD of the image") : 0;
}

static int begin_stage(struct build *b, struct build_stage *s, struct err *e)
{
	const char *name;
	int r = build_base_name(b, s, &name, e);
	if (r < 0)
		return r;
	b->at = s->from;
	vertex_begin(b, s, s->from);
	r = read_platform(b, s, e);
	if (r == 0 && !strcmp(name, "scratch"))
		from_scratch(b, s);
	else if (r == 0)
		r = s->base ? from_stage(b, s, s->base, e) : build_from_image(b, s, name, e);
	if (r == 0)
		r = read_triggers(b, s, e);
	if (r < 0)
		return r;
	/* As docker has it: ENV PATH=$PATH:/more adds to what the programs of the image have. */
	if (!strv_get_env(&s->image.config.env, "PATH"))
		strv_push(b->a, &s->image.config.env, "PATH=" PATH_DEFAULT);
	vertex_end(b, s, NULL);
	b->at = NULL;
	return 0;
}

/* ---- all stages ---- */

static const struct instruction *current(const struct build_stage *s)
{
	return !s->next                      ? s->from
	       : s->next <= s->trigger_count ? &s->triggers[s->next - 1]
					     : &s->items[s->next - s->trigger_count - 1];
}

size_t stage_step(const struct build_stage *s)
{
	return s->next > s->trigger_count ? s->next - s->trigger_count : 0;
}

static void passed(struct build_stage *s)
{
	s->done = s->next++ == s->trigger_count + s->count;
}

/* All that its next step takes from is there. 1, 0, or negative errno. */
static int is_ready(struct build *b, struct build_stage *s, struct err *e)
{
	if (!s->next)
		return !s->base || s->base->done;
	const struct strv flags = current(s)->flags;
	for (size_t i = 0; i < flags.count; i++) {
		struct build_stage *other = find_source(b, s, flags.items[i]);
		/* Of ONBUILD it was not known before. */
		int r = mark_needed(b, other, e);
		if (r < 0 || (other && !other->done))
			return r;
	}
	return 1;
}

/* Take @s one step further. 1: something was done. */
static int advance(struct build *b, struct build_stage *s, struct err *e)
{
	int r = !s->needed || s->done || s->run ? 0 : is_ready(b, s, e);
	if (r <= 0)
		return r;
	r = s->next ? step_apply(b, s, current(s), e) : begin_stage(b, s, e);
	if (r < 0) {
		b->failed = s;
		return stage_step(s) || !s->next ? r : err_context(e, "ONBUILD of the image");
	}
	if (r == STEP_DONE)
		passed(s);
	return r != STEP_WAITS;
}

/* How many ms there is nothing to be done; -1: until a container says something. Other builds do
 * not tell when they unlock a cache; no two look for it in step. */
static int pause_ms(struct build *b)
{
	int tick = vertex_tick(b), look = 50 + (int)(clock_real_ns() / 1000 % 100);
	bool awaits = false;
	for (size_t i = 0; i < b->stage_count; i++)
		awaits |= b->stages[i].awaited >= 0;
	if (awaits)
		return tick < 0 || tick > look ? look : tick;
	/* Without a container there is nothing to wait for: a stage was marked. */
	return step_run_any(b, NULL) ? tick : 0;
}

/* Hear what the containers say, and wait for that if nothing else is to be done. */
static int hear(struct build *b, bool wait, struct err *e)
{
	struct pollfd fds[BUILD_RUNS_MAX + 1] = {{b->signals, POLLIN, 0}};
	struct build_stage *who[BUILD_RUNS_MAX + 1];
	nfds_t n = 1;
	for (size_t i = 0; i < b->stage_count; i++)
		if (b->stages[i].run) {
			who[n] = &b->stages[i];
			fds[n++] = (struct pollfd){step_run_output(&b->stages[i]), POLLIN, 0};
		}
	if (poll(fds, n, wait ? pause_ms(b) : 0) > 0 && fds[0].revents)
		return build_canceled(e);
	for (nfds_t i = 1; i < n; i++) {
		int r = fds[i].revents ? step_run_hear(b, who[i], current(who[i]), e) : STEP_RUNS;
		if (r < 0) {
			b->at = current(who[i]);
			b->failed = who[i];
			return r;
		}
		if (r == STEP_DONE)
			passed(who[i]);
	}
	return 0;
}

int stages_work(struct build *b, struct err *e)
{
	int r = 0;
	while (r >= 0 && !b->target->done) {
		bool moved = false;
		for (size_t i = 0; r >= 0 && i < b->stage_count; i++) {
			r = advance(b, &b->stages[i], e);
			moved |= r > 0;
		}
		if (r >= 0)
			r = hear(b, !moved, e);
	}
	for (size_t i = 0; i < b->stage_count; i++) {
		fd_drop(&b->stages[i].awaited);
		if (b->stages[i].run)
			step_run_cancel(b, &b->stages[i]);
	}
	return r < 0 ? r : 0;
}
