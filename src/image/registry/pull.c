/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pulling: the manifest says what there is (plan_oci.c reads it as it does in an archive), and each
 * layer that is not here goes from the registry through a pipe into a hull-unpack: hashed, unpacked
 * and written in one pass, several at a time, with no copy of it. What the disk cannot take fills
 * the pipe, and that holds up the registry. Nothing of the image is visible before the commit.
 * Read fill.h and remote.h first.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "image/digest.h"
#include "image/fill.h"
#include "image/registry/remote.h"
#include "image/rows.h"

enum { PIPE_SIZE = 1 << 20, TAGS_MAX = 10000, TAG_PAGES_MAX = 1000, JOBS_LEAST = 2 };

struct pull {
	const struct image_pull *req;
	struct image_reference ref;
	struct remote remote;
	struct fill fill;
	/* The manifest or index that the name stands for. */
	struct oci_descriptor top;
	char *text;
	size_t len;
};

static void cleanup_pull(struct pull *p)
{
	remote_close(&p->remote);
	stage_close(&p->fill.stage);
}

/* What the registry's refusal means for this name, in docker's words. */
static int explain(const struct pull *p, struct err *e)
{
	struct arena *a = p->fill.arena;
	const char *name = image_reference_familiar(&p->ref, a);
	const char *repository = image_reference_repository(&p->ref, a);
	const char *why = arena_strdup(a, e->text);
	if (e->kind == ERR_NOT_FOUND && !strncmp(why, "name unknown", 12))
		err_set(e, ENOENT, ERR_NOT_FOUND, "repository %s not found: %s", repository, why);
	else if (e->kind == ERR_NOT_FOUND)
		err_set(e, ENOENT, ERR_NOT_FOUND, "manifest for %s not found: %s", name, why);
	else if (e->kind == ERR_DENIED &&
		 (!strncmp(why, "denied", 6) || !strncmp(why, "unauthorized", 12))) {
		err_set(e, EACCES, ERR_DENIED,
			"pull access denied for %s, repository does not exist or may require "
			"'docker login': %s",
			repository, why);
		err_hint(e, "hull login %s", p->ref.domain);
	} else
		return err_context(e, "cannot pull %s", name);
	return -e->number;
}

/* --- documents --- */

static int check_digest(const char *wanted, const char *text, size_t len, struct err *e)
{
	char sum[ID_LEN + 1];
	digest_sha256(text, len, sum);
	if (!strncmp(wanted, "sha256:", 7) && !strcmp(wanted + 7, sum))
		return 0;
	return err_set(e, EBADMSG, ERR_INVALID, "%s: what the registry sent has sha256 %s", wanted,
		       sum);
}

static int fetch_top(struct pull *p, struct err *e)
{
	struct transport_request q;
	struct transport_message m;
	char sum[ID_LEN + 1];
	struct arena *a = p->fill.arena;
	const char *wanted = p->ref.digest;
	remote_request(&p->remote, &q, TRANSPORT_GET,
		       arena_printf(a, "manifests/%s", wanted ?: p->ref.tag));
	q.manifest = true;
	int r = remote_text(&p->remote, &q, UINT64_MAX, ARCHIVE_MANIFEST_MAX, &p->text, &p->len, &m,
			    e);
	if (r == 0 && (wanted || *m.digest))
		r = check_digest(wanted ?: m.digest, p->text, p->len, e);
	if (r < 0)
		return r;
	digest_sha256(p->text, p->len, sum);
	p->top = (struct oci_descriptor){.digest = arena_printf(a, "sha256:%s", sum),
					 .size = (int64_t)p->len};
	if (strstr(m.type, "+json") || !strncmp(m.type, "application/vnd.", 16))
		p->top.media_type = arena_strdup(a, m.type);
	if (strstr(m.type, "docker.distribution.manifest.v1+"))
		return err_set(e, ENOTSUP, ERR_INVALID,
			       "the registry has it as a manifest of schema 1, which is no longer "
			       "used");
	return 0;
}

static int fetch(struct plan *plan, const struct oci_descriptor *d, bool manifest, size_t max,
		 char **ret, size_t *ret_len, struct err *e)
{
	struct pull *p = plan->ctx;
	struct transport_request q;
	struct transport_message m;
	if (!strcmp(d->digest, p->top.digest)) {
		*ret = p->text;
		*ret_len = p->len;
		return 0;
	}
	remote_request(
		&p->remote, &q, TRANSPORT_GET,
		arena_printf(plan->arena, "%s/%s", manifest ? "manifests" : "blobs", d->digest));
	q.manifest = manifest;
	int r = remote_text(&p->remote, &q, (uint64_t)d->size, max, ret, ret_len, &m, e);
	return r < 0 ? err_context(e, "%s %.19s", manifest ? "manifest" : "config", d->digest) : 0;
}

/* --- layers --- */

/* Have the blob sent into a pipe; its other end. */
static int open_layer(struct fill *f, struct plan_layer *l, size_t index, struct err *e)
{
	struct pull *p = (struct pull *)f->plan.ctx;
	struct transport_request q;
	int fds[2];
	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_errno(e, errno, "cannot make a pipe");
	CLEANUP_FD int out = fds[0];
	CLEANUP_FD int in = fds[1];
	fcntl(in, F_SETPIPE_SZ, PIPE_SIZE); /* a smaller one is only slower */
	remote_request(&p->remote, &q, TRANSPORT_GET,
		       arena_printf(f->arena, "blobs/sha256:%s", l->digest));
	q.size = l->source.size;
	fill_tell(f, l, index, 0, false, false);
	int r = transport_ask(&p->remote.job, &q, in, e);
	return r < 0 ? r : fd_steal(&out);
}

static int heard(struct fill *f, struct err *e)
{
	struct pull *p = f->plan.ctx;
	struct transport_message m;
	int r = transport_hear(&p->remote.job, &m, e);
	if (r < 0 || m.op != TRANSPORT_FAILED)
		return r;
	/* Nobody reads it any more: hull-unpack has ended, and tells the reason itself. */
	if (m.err.number == EPIPE)
		return 0;
	*e = m.err;
	return err_context(e, "cannot get a layer");
}

/* Layers that are here, though they came by another image; those that a killed pull has left. */
static int find_ready(struct pull *p, struct err *e)
{
	struct plan *plan = &p->fill.plan;
	for (size_t i = 0; i < plan->layer_count; i++) {
		struct plan_layer *l = plan->layers[i];
		int r = stage_has_layer(&p->fill.stage, p->fill.store, l->diff_id, &l->size, e);
		if (r < 0)
			return r;
		if (r == 0)
			l->folder =
				stage_adopt(&p->fill.stage, l->diff_id, &l->size, p->fill.arena);
		l->ready = r > 0 || l->folder;
		if (l->ready)
			fill_tell(&p->fill, l, i, 0, true, true);
	}
	return 0;
}

/* --- the whole --- */

static void describe(struct pull *p, const char *id, const char *digest, bool newer,
		     struct image_pulled *ret)
{
	*ret = (struct image_pulled){
		.digest = arena_strdup(p->fill.arena, digest),
		.full = image_reference_full(&p->ref, p->fill.arena),
		.familiar = image_reference_familiar(&p->ref, p->fill.arena),
		.newer = newer,
	};
	memcpy(ret->id, id, sizeof(ret->id));
}

/* What the name stands for here: 1, and its digest; 0 when it is not here, or not whole. */
static int have(struct pull *p, char ret_id[static ID_LEN + 1], char **ret_digest, struct err *e)
{
	CLEANUP_STMT sqlite3_stmt *q = NULL;
	struct image image;
	struct err ignored;
	int *fds;
	size_t count;
	int r = db_first(p->fill.store->db, &q, e,
			 "SELECT image, digest FROM reference WHERE name = ?1 AND digest IS NOT "
			 "NULL",
			 "s", image_reference_full(&p->ref, p->fill.arena));
	if (r <= 0)
		return r;
	memccpy(ret_id, db_text(q, 0), '\0', ID_LEN + 1);
	*ret_digest = arena_strdup(p->fill.arena, db_text(q, 1));
	const struct plan wanted = {.platform = p->req->platform};
	if (image_read(p->fill.store, ret_id, p->fill.arena, &image, &ignored) < 0 ||
	    image_layers_open(p->fill.store, ret_id, p->fill.arena, &fds, &count, &ignored) < 0)
		return 0;
	image_layers_close(fds, count);
	return !p->req->platform ||
	       plan_platform_fits(&wanted, image.config.os, image.config.architecture,
				  image.config.variant);
}

/* One request without a body, which registries count as less: is it still the same? */
static int is_current(struct pull *p, const char *digest)
{
	struct transport_request q;
	struct transport_message m;
	remote_request(&p->remote, &q, TRANSPORT_HEAD,
		       arena_printf(p->fill.arena, "manifests/%s", p->ref.digest ?: p->ref.tag));
	q.manifest = true;
	return transport_call(&p->remote.job, &q, -1, &m, ERR_IGNORED) == 0 &&
	       !strcmp(m.digest, digest);
}

/* 1: it has the manifest, the rest is its own; 0: it is done. */
static int look(struct pull *p, void *ctx, struct err *e)
{
	char id[ID_LEN + 1], *digest;
	int here = have(p, id, &digest, e);
	if (here < 0)
		return here;
	if (here && is_current(p, digest)) {
		describe(p, id, digest, false, ctx);
		return 0;
	}
	int r = fetch_top(p, e);
	return r < 0 ? r : 1;
}

/* One endpoint after the other, until @ask is answered well. */
static int ask_endpoints(struct pull *p, const struct registries *configured, const char *name,
			 int (*ask)(struct pull *p, void *ctx, struct err *e), void *ctx,
			 struct err *e)
{
	struct array endpoints = {0};
	struct arena *a = p->fill.arena;
	int r = image_reference_parse(name, a, &p->ref, e);
	if (r == 0)
		r = registries_endpoints(configured, p->ref.domain, p->ref.path, p->ref.digest,
					 false, &endpoints, a, e);
	if (r < 0)
		return r;
	const struct endpoint *list = endpoints.items;
	for (size_t i = 0; i < endpoints.count; i++) {
		r = remote_open(&p->remote, p->fill.store, &p->req->registry, p->ref.domain,
				p->ref.path, &list[i],
				arena_printf(a, "repository:%s:pull", list[i].path), NULL, a, e);
		if (r == 0)
			r = ask(p, ctx, e);
		if (r >= 0)
			return r;
		remote_close(&p->remote);
	}
	return explain(p, e);
}

/* The same for all names that a short one may stand for. */
static int ask_everywhere(struct pull *p, int (*ask)(struct pull *p, void *ctx, struct err *e),
			  void *ctx, struct err *e)
{
	struct registries configured = {0};
	struct strv names = {0};
	struct arena *a = p->fill.arena;
	int r = image_reference_parse(p->req->reference, a, &p->ref, e);
	if (r == 0)
		r = registries_read(&configured, a, e);
	if (r == 0)
		r = registries_names(&configured, p->req->reference, &names, a, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < names.count; i++)
		if ((r = ask_endpoints(p, &configured, names.items[i], ask, ctx, e)) >= 0)
			return r;
	return r;
}

static int take_image(struct pull *p, struct image_pulled *ret, struct err *e)
{
	struct fill *f = &p->fill;
	struct plan_image *im;
	int r = stage_open(&f->stage, f->store, e);
	if (r == 0)
		r = plan_oci_image(&f->plan, &p->top, &im, e);
	if (r == 0)
		r = find_ready(p, e);
	if (r == 0)
		r = stage_sweep(f->store, e);
	f->other = p->remote.job.helper.sock;
	if (r == 0)
		r = fill_layers(f, e);
	if (r < 0)
		return r;
	im->manifest.repository = p->remote.repository;
	plan_add_name(&f->plan, im, image_reference_full(&p->ref, f->arena), p->top.digest);
	char before[ID_LEN + 1] = "", *digest = "";
	r = have(p, before, &digest, e);
	if (r < 0)
		return r;
	bool newer = strcmp(before, im->id) || strcmp(digest, p->top.digest);
	r = fill_commit(f, e);
	if (r == 0)
		describe(p, im->id, p->top.digest, newer, ret);
	return r;
}

static size_t jobs(void)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	return processors < JOBS_LEAST      ? JOBS_LEAST
	       : processors > FILL_JOBS_MAX ? FILL_JOBS_MAX
					    : (size_t)processors;
}

int image_pull(struct image_store *s, const struct image_pull *req, struct arena *a,
	       struct image_pulled *ret, struct err *e)
{
	CLEANUP(cleanup_pull)
	struct pull p = {.req = req,
			 .remote = REMOTE_NONE,
			 .fill = {.store = s,
				  .stage = STAGE_NONE,
				  .arena = a,
				  .limits = req->limits,
				  .progress = req->progress,
				  .ctx = req->ctx,
				  .jobs = jobs(),
				  .room = FILL_JOBS_MAX, /* with the transport, below 64 MiB */
				  .event = "pull",
				  .by_blob = true,
				  .other = -1,
				  .open = open_layer,
				  .heard = heard}};
	p.fill.plan =
		(struct plan){.platform = req->platform, .arena = a, .fetch = fetch, .ctx = &p};
	int r = ask_everywhere(&p, look, ret, e);
	if (r <= 0)
		return r;
	r = take_image(&p, ret, e);
	return r < 0 ? err_context(e, "cannot pull %s", image_reference_familiar(&p.ref, a)) : 0;
}

/* --- all tags --- */

struct tag_list {
	struct strv tags;
};
static const struct field tag_fields[] = {
	FIELD(struct tag_list, tags, "tags", FIELD_STRV),
};
static const struct shape tag_shape = SHAPE(struct tag_list, tag_fields);

static int list_tags(struct pull *p, struct strv *ret, struct err *e)
{
	struct arena *a = p->fill.arena;
	struct transport_request q;
	struct transport_message m;
	remote_request(&p->remote, &q, TRANSPORT_GET, "tags/list");
	for (int page = 0; page < TAG_PAGES_MAX; page++) {
		struct tag_list list = {0};
		char *text;
		size_t len;
		int r = remote_text(&p->remote, &q, UINT64_MAX, ARCHIVE_MANIFEST_MAX, &text, &len,
				    &m, e);
		if (r == 0)
			r = plan_check_document("tags/list", text, len, e);
		if (r == 0)
			r = shape_parse(&tag_shape, text, len, &list, a, e);
		if (r < 0)
			return r;
		for (size_t i = 0; i < list.tags.count && ret->count < TAGS_MAX; i++) {
			struct image_reference one = p->ref;
			one.tag = list.tags.items[i];
			strv_push(a, ret, image_reference_full(&one, a));
		}
		if (!*m.next || *m.next != '/')
			break;
		memcpy(q.path, m.next, sizeof(q.path));
	}
	return 0;
}

static int ask_tags(struct pull *p, void *ctx, struct err *e)
{
	return list_tags(p, ctx, e);
}

int image_remote_tags(struct image_store *s, const struct image_pull *req, struct arena *a,
		      struct strv *ret, struct err *e)
{
	CLEANUP(cleanup_pull)
	struct pull p = {.req = req,
			 .remote = REMOTE_NONE,
			 .fill = {.store = s, .stage = STAGE_NONE, .arena = a}};
	return ask_everywhere(&p, ask_tags, ret, e);
}

static int ask_manifest(struct pull *p, void *ctx, struct err *e)
{
	return fetch_top(p, e);
}

int image_remote_manifest(struct image_store *s, const struct image_pull *req, struct arena *a,
			  char **ret, struct err *e)
{
	CLEANUP(cleanup_pull)
	struct pull p = {.req = req,
			 .remote = REMOTE_NONE,
			 .fill = {.store = s, .stage = STAGE_NONE, .arena = a}};
	int r = ask_everywhere(&p, ask_manifest, NULL, e);
	if (r == 0)
		r = plan_check_document(req->reference, p.text, p.len, e);
	*ret = r < 0 ? NULL : p.text;
	return r;
}

/* --- all images that a name stands for --- */

struct entries {
	struct array *list; /* of struct image_entry */
	bool index;
};

static int fetch_checked(struct pull *p, const struct oci_descriptor *d, bool manifest, size_t max,
			 char **ret, struct err *e)
{
	size_t len;
	if (d->size < 0 || !image_digest_is_valid(d->digest))
		return err_set(e, EBADMSG, ERR_INVALID, "a descriptor of it is malformed");
	int r = fetch(&p->fill.plan, d, manifest, max, ret, &len, e);
	if (r == 0)
		r = check_digest(d->digest, *ret, len, e);
	return r < 0 ? r : plan_check_document(d->digest, *ret, len, e);
}

/* An index says of which platform each is; a manifest alone has that in its config. */
static int find_platform(struct pull *p, const char *manifest, struct oci_descriptor *d,
			 struct err *e)
{
	struct arena *a = p->fill.arena;
	struct oci_document doc = {0};
	struct oci_image config = {0};
	char *text;
	int r = shape_parse(&oci_document_shape, manifest, strlen(manifest), &doc, a, e);
	if (r == 0 && !doc.config)
		return err_set(e, EINVAL, ERR_INVALID, "its manifest names no config");
	if (r == 0)
		r = fetch_checked(p, doc.config, false, ARCHIVE_CONFIG_MAX, &text, e);
	if (r == 0)
		r = shape_parse(&oci_image_shape, text, strlen(text), &config, a, e);
	d->platform = arena_new(a, struct oci_platform);
	*d->platform = (struct oci_platform){.architecture = config.architecture,
					     .os = config.os,
					     .variant = config.variant,
					     .os_version = config.os_version};
	return r;
}

static int add_entry(struct pull *p, const struct oci_descriptor *d, struct array *list,
		     struct err *e)
{
	struct image_reference ref = p->ref;
	struct image_entry entry = {.descriptor = *d};
	struct oci_document doc = {0};
	int r = fetch_checked(p, d, true, ARCHIVE_MANIFEST_MAX, &entry.manifest, e);
	if (r == 0)
		r = shape_parse(&oci_document_shape, entry.manifest, strlen(entry.manifest), &doc,
				p->fill.arena, e);
	if (r == 0 && !d->platform)
		r = find_platform(p, entry.manifest, &entry.descriptor, e);
	if (r < 0)
		return r;
	if (!entry.descriptor.media_type)
		entry.descriptor.media_type = doc.media_type;
	ref.tag = d->platform ? NULL : ref.tag;
	ref.digest = d->platform ? d->digest : ref.digest;
	entry.ref = image_reference_full(&ref, p->fill.arena);
	*(struct image_entry *)array_push(p->fill.arena, list, sizeof(entry)) = entry;
	return 0;
}

static int ask_entries(struct pull *p, void *ctx, struct err *e)
{
	struct entries *out = ctx;
	struct oci_document doc = {0};
	int r = fetch_top(p, e);
	if (r == 0)
		r = plan_check_document(p->req->reference, p->text, p->len, e);
	if (r == 0)
		r = shape_parse(&oci_document_shape, p->text, p->len, &doc, p->fill.arena, e);
	out->index = r == 0 && doc.manifests.items;
	if (r < 0)
		return r;
	if (!out->index)
		return add_entry(p, &p->top, out->list, e);
	const struct oci_descriptor *all = doc.manifests.items;
	for (size_t i = 0; r == 0 && i < doc.manifests.count; i++)
		r = all[i].platform ? add_entry(p, &all[i], out->list, e) : 0;
	return r;
}

int image_remote_entries(struct image_store *s, const struct image_pull *req, struct arena *a,
			 struct array *ret, bool *ret_index, struct err *e)
{
	CLEANUP(cleanup_pull)
	struct pull p = {.req = req,
			 .remote = REMOTE_NONE,
			 .fill = {.store = s, .stage = STAGE_NONE, .arena = a}};
	struct entries out = {.list = ret};
	p.fill.plan = (struct plan){.arena = a, .fetch = fetch, .ctx = &p};
	int r = ask_everywhere(&p, ask_entries, &out, e);
	*ret_index = out.index;
	return r;
}
