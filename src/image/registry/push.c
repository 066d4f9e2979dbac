/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pushing. An image that was pulled goes on under the manifest that it came by: a blob that the
 * registry has not got is mounted from another repository of it, or else fetched from where the
 * image came from, as blobs are not kept here. What was made here, or has lost its source, is
 * packed anew (repack.h), with gzip; but a layer of it that came by another image, or was pushed by
 * one, is known by its blob, and is not sent where that one is. All layers are asked for and sent
 * side by side. The manifest goes last, when all that it names is there. Read remote.h first.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/event.h"
#include "image/digest.h"
#include "image/plan.h"
#include "image/registry/remote.h"
#include "image/repack.h"

enum { UPLOADS_MAX = 6, PACKERS_MAX = 4, SOURCES_MAX = 4 };

/* A layer on its way. */
struct part {
	const char *diff_id;           /* here */
	struct blob blob;              /* with a digest once it is known */
	struct image_reference source; /* where the blob is; domain NULL: it is not known */
	int file;                      /* the blob, or -1 */
	bool there;                    /* in the registry */
	uint32_t asked;                /* id of a request about it, or 0 */
};

struct push {
	struct image_store *store;
	const struct image_push *req;
	struct arena *arena;
	struct image_reference ref;
	char *name; /* full */
	struct image image;
	struct remote to, from;      /* @from is opened when it is needed */
	struct strv sources;         /* repositories of the registry that blobs are mounted from */
	const char *manifest, *type; /* NULL: it is to be made */
	struct oci_document doc;     /* @manifest, parsed */
	struct part *parts;          /* the lowest first */
	size_t count;
	bool repacked;
};

static void cleanup_push(struct push *p)
{
	remote_close(&p->to);
	remote_close(&p->from);
	for (size_t i = 0; i < p->count; i++)
		fd_drop(&p->parts[i].file);
}

static void tell(struct push *p, const struct part *part, uint64_t done, bool finished,
		 bool existed)
{
	if (!p->req->progress)
		return;
	const struct image_progress said = {.layer = arena_strndup(p->arena, part->blob.digest, 12),
					    .index = (size_t)(part - p->parts),
					    .count = p->count,
					    .done = done,
					    .total = part->blob.size,
					    .finished = finished,
					    .existed = existed};
	p->req->progress(&said, p->req->ctx);
}

/* --- what is pushed --- */

static bool is_sha256(const char *digest)
{
	return digest && !strncmp(digest, "sha256:", 7) && image_digest_is_valid(digest);
}

/* In a manifest of ours the types are OCI's. */
static const char *layer_type(const char *type)
{
	size_t len = strlen(type);
	return len > 4 && !strcmp(type + len - 4, "gzip")   ? OCI_TYPE("layer.v1.tar+gzip")
	       : len > 4 && !strcmp(type + len - 4, "zstd") ? OCI_TYPE("layer.v1.tar+zstd")
							    : OCI_TYPE("layer.v1.tar");
}

/* The layer is this blob of @repository. */
static void know_part(struct push *p, struct part *part, const struct oci_descriptor *d,
		      const char *repository)
{
	if (!d->media_type || d->size < 0 || !is_sha256(d->digest))
		return;
	memcpy(part->blob.digest, d->digest + 7, sizeof(part->blob.digest));
	part->blob.size = (uint64_t)d->size;
	part->blob.type = layer_type(d->media_type);
	memcpy(part->blob.diff_id, part->diff_id, sizeof(part->blob.diff_id));
	if (image_reference_parse(repository, p->arena, &part->source, ERR_IGNORED) < 0)
		part->source = (struct image_reference){0};
}

static int parse_manifest(struct push *p, const char *text, struct oci_document *ret, struct err *e)
{
	*ret = (struct oci_document){0};
	return shape_parse(&oci_document_shape, text, strlen(text), ret, p->arena, e);
}

/* The manifest that the image came by, if it is still known. 1: it is. */
static int find_manifest(struct push *p, struct err *e)
{
	CLEANUP_STMT sqlite3_stmt *q = NULL;
	/* Of several the one from where it goes now: nothing need be moved then. */
	int r = db_first(p->store->db, &q, e,
			 "SELECT text, media_type, repository FROM manifest WHERE image = ?1 ORDER "
			 "BY repository <> ?2, digest",
			 "ss", p->image.id,
			 arena_printf(p->arena, "%s/%s", p->ref.domain, p->ref.path));
	if (r <= 0)
		return r;
	p->manifest = arena_strdup(p->arena, db_text(q, 0));
	p->type = arena_strdup(p->arena, db_text(q, 1));
	r = parse_manifest(p, p->manifest, &p->doc, e);
	const struct oci_descriptor *layers = p->doc.layers.items;
	bool whole = r == 0 && p->doc.config && p->doc.layers.count == p->count;
	for (size_t i = 0; whole && i < p->count; i++) {
		know_part(p, &p->parts[i], &layers[i], db_text(q, 2));
		whole = *p->parts[i].blob.digest;
	}
	return r < 0   ? r
	       : whole ? 1
		       : err_set(e, EBADMSG, ERR_INTERNAL, "the state store has a wrong manifest");
}

/* The blob that the layer is by the manifest of any image, best of one of the same registry. */
static int find_part(struct push *p, struct part *part, struct err *e)
{
	CLEANUP_STMT sqlite3_stmt *q = NULL;
	struct oci_document doc;
	int r = db_first(p->store->db, &q, e,
			 "SELECT text, repository, position FROM image_layer JOIN manifest USING "
			 "(image) WHERE layer = ?1 ORDER BY repository <> ?2, "
			 "substr(repository, 1, length(?3)) <> ?3, digest",
			 "sss", part->diff_id,
			 arena_printf(p->arena, "%s/%s", p->ref.domain, p->ref.path),
			 arena_printf(p->arena, "%s/", p->ref.domain));
	if (r <= 0 || (r = parse_manifest(p, db_text(q, 0), &doc, e)) < 0)
		return r;
	const struct oci_descriptor *layers = doc.layers.items;
	size_t position = (size_t)db_int(q, 2);
	if (position < doc.layers.count)
		know_part(p, part, &layers[position], db_text(q, 1));
	return 0;
}

static int plan_parts(struct push *p, struct err *e)
{
	p->count = p->image.layer_count;
	p->parts = arena_array(p->arena, p->count + 1, sizeof(*p->parts));
	for (size_t i = 0; i < p->count; i++) {
		p->parts[i].diff_id = p->image.layers[p->count - 1 - i].diff_id;
		p->parts[i].file = -1;
	}
	int r = find_manifest(p, e);
	for (size_t i = 0; r == 0 && i < p->count; i++)
		r = find_part(p, &p->parts[i], e);
	return r < 0 ? r : 0;
}

/* Make config and manifest of what the parts have come to. */
static int make_manifest(struct push *p, struct err *e)
{
	struct blob config, *blobs = arena_array(p->arena, p->count + 1, sizeof(*blobs));
	char *text;
	for (size_t i = 0; i < p->count; i++)
		blobs[i] = p->parts[i].blob;
	int r = repack_config(&p->image, blobs, p->arena, &text, e);
	if (r < 0)
		return r;
	config.size = strlen(text);
	digest_sha256(text, config.size, config.digest);
	p->image.config_text = text;
	p->type = OCI_TYPE("manifest.v1+json");
	p->manifest = repack_manifest(&config, blobs, p->count, p->arena);
	return parse_manifest(p, p->manifest, &p->doc, e);
}

/* --- to the registry --- */

static int explain(const struct push *p, struct err *e)
{
	if (e->kind == ERR_DENIED)
		err_hint(e, "hull login %s", p->ref.domain);
	return err_context(e, "cannot push %s", image_reference_familiar(&p->ref, p->arena));
}

/* Can blobs be mounted from there? */
static bool is_source(const struct push *p, const struct image_reference *r)
{
	for (size_t i = 0; i < p->sources.count; i++)
		if (!strcmp(p->sources.items[i], r->path))
			return r->domain && !strcmp(r->domain, p->ref.domain);
	return false;
}

static int open_to(struct push *p, struct err *e)
{
	struct endpoint *at;
	int r = registries_first(p->ref.domain, p->ref.path, true, &at, p->arena, e);
	if (r < 0)
		return r;
	char *scope = arena_printf(p->arena, "repository:%s:pull,push", at->path);
	for (size_t i = 0; i < p->count && p->sources.count < SOURCES_MAX; i++) {
		const struct image_reference *from = &p->parts[i].source;
		if (!from->domain || strcmp(from->domain, p->ref.domain) ||
		    !strcmp(from->path, p->ref.path) || is_source(p, from))
			continue;
		strv_push(p->arena, &p->sources, from->path);
		scope = arena_printf(p->arena, "%s repository:%s:pull", scope, from->path);
	}
	return remote_open(&p->to, p->store, &p->req->registry, p->ref.domain, p->ref.path, at,
			   scope, NULL, p->arena, e);
}

static int open_from(struct push *p, const struct image_reference *s, struct err *e)
{
	struct endpoint *at;
	if (p->from.job.helper.pid) /* a manifest has one source */
		return 0;
	if (!s->domain)
		return err_set(e, ENOENT, ERR_NOT_FOUND, "it is not known where it came from");
	int r = registries_first(s->domain, s->path, false, &at, p->arena, e);
	if (r < 0)
		return r;
	return remote_open(&p->from, p->store, &p->req->registry, s->domain, s->path, at,
			   arena_printf(p->arena, "repository:%s:pull", at->path), NULL, p->arena,
			   e);
}

/* --- all layers at once --- */

/* A question about a layer, and what its answer means. */
struct question {
	/* 1: it is to be asked; a descriptor goes with it. */
	int (*ask)(struct push *p, struct part *part, struct transport_request *q, int *ret_fd);
	/* Without an error the layer is there. 0: it may also be that it is not; else the failure.
	 */
	int (*refused)(const struct transport_message *m);
	bool existed; /* what is there was there before */
};

static struct part *asked_by(struct push *p, uint32_t id)
{
	for (size_t i = 0; i < p->count; i++)
		if (p->parts[i].asked == id)
			return &p->parts[i];
	return NULL;
}

static int take_answer(struct push *p, const struct question *what, struct part *part,
		       const struct transport_message *m, struct err *e)
{
	part->asked = 0;
	if (m->op == TRANSPORT_DONE) {
		part->there = true;
		tell(p, part, part->blob.size, true, what->existed);
		return 0;
	}
	int r = what->refused(m);
	if (r < 0) {
		*e = m->err;
		return err_context(e, "layer sha256:%.12s", part->blob.digest);
	}
	return 0;
}

static int ask_all(struct push *p, const struct question *what, struct err *e)
{
	struct transport_request q;
	struct transport_message m;
	size_t next = 0, open = 0;
	int r = 0;
	while (r == 0 && (next < p->count || open)) {
		if (next < p->count && open < UPLOADS_MAX) {
			struct part *part = &p->parts[next++];
			int fd = -1;
			if (part->there || !what->ask(p, part, &q, &fd))
				continue;
			r = transport_ask(&p->to.job, &q, fd, e);
			part->asked = q.id;
			open++;
			continue;
		}
		r = transport_hear(&p->to.job, &m, e);
		struct part *part = r < 0 ? NULL : asked_by(p, m.id);
		if (!part)
			continue;
		if (m.op == TRANSPORT_PROGRESS)
			tell(p, part, m.done, false, false);
		else if (open--)
			r = take_answer(p, what, part, &m, e);
	}
	return r;
}

static int ask_head(struct push *p, struct part *part, struct transport_request *q, int *ret_fd)
{
	remote_request(&p->to, q, TRANSPORT_HEAD,
		       arena_printf(p->arena, "blobs/sha256:%s", part->blob.digest));
	return *part->blob.digest != 0;
}

static int head_refused(const struct transport_message *m)
{
	return m->status == 404 ? 0 : -m->err.number;
}

static void fill_upload(struct push *p, const struct blob *b, struct transport_request *q)
{
	remote_request(&p->to, q, TRANSPORT_UPLOAD, "blobs/uploads/");
	q->size = b->size;
	snprintf(q->digest, sizeof(q->digest), "sha256:%s", b->digest);
}

static int ask_mount(struct push *p, struct part *part, struct transport_request *q, int *ret_fd)
{
	if (!*part->blob.digest || !is_source(p, &part->source) ||
	    strlen(part->source.path) >= sizeof(q->from))
		return 0;
	fill_upload(p, &part->blob, q);
	memcpy(q->from, part->source.path, strlen(part->source.path) + 1);
	return 1;
}

static int mount_refused(const struct transport_message *m)
{
	return 0;
}

/* Of two equal ones the first is sent. */
static int ask_upload(struct push *p, struct part *part, struct transport_request *q, int *ret_fd)
{
	for (struct part *other = p->parts; other < part; other++)
		if (!strcmp(other->blob.digest, part->blob.digest))
			return 0;
	fill_upload(p, &part->blob, q);
	*ret_fd = part->file;
	tell(p, part, 0, false, false);
	return 1;
}

static int upload_refused(const struct transport_message *m)
{
	return -m->err.number;
}

static const struct question head = {ask_head, head_refused, true},
			     mount = {ask_mount, mount_refused, false},
			     upload = {ask_upload, upload_refused, false};

/* --- the bytes of a layer --- */

/* A layer's blob from where the image came from, checked, in a file without a name. */
static int fetch(struct push *p, struct part *part, struct err *e)
{
	struct transport_request q;
	struct transport_message m;
	char sum[ID_LEN + 1];
	int r = open_from(p, &part->source, e);
	if (r < 0)
		return r;
	CLEANUP_FD int fd =
		openat(p->store->root_fd, "layers", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_errno(e, errno, "cannot keep a layer meanwhile");
	remote_request(&p->from, &q, TRANSPORT_GET,
		       arena_printf(p->arena, "blobs/sha256:%s", part->blob.digest));
	q.size = part->blob.size;
	r = transport_call(&p->from.job, &q, fd, &m, e);
	if (r == 0)
		r = digest_sha256_file(fd, 0, part->blob.size, sum);
	if (r == 0 && strcmp(sum, part->blob.digest))
		r = err_set(e, EBADMSG, ERR_INVALID,
			    "sha256:%s: its source sent what has sha256 %s", part->blob.digest,
			    sum);
	part->file = r < 0 ? -1 : fd_steal(&fd);
	return r;
}

/* What came goes on as it is. But where its source is gone, or out of reach, what is here is as
 * good, if not the same bytes. */
static int fetch_all(struct push *p, struct err *e)
{
	for (size_t i = 0; i < p->count; i++) {
		struct part *part = &p->parts[i];
		if (part->there || !*part->blob.digest)
			continue;
		int r = p->manifest && !p->repacked ? fetch(p, part, e) : -ENOENT;
		if (r < 0 && p->manifest && !p->repacked && e->kind == ERR_DENIED)
			return r;
		if (r < 0)
			*part->blob.digest = '\0';
		p->repacked |= r < 0 && p->manifest;
	}
	if (p->repacked)
		p->manifest = NULL;
	return 0;
}

struct packers {
	struct repack items[PACKERS_MAX];
};

static void stop_packers(struct packers *w)
{
	for (size_t i = 0; i < PACKERS_MAX; i++)
		repack_stop(&w->items[i]);
}

/* Those that are not known by a blob, several at a time, in their order. */
static int pack_all(struct push *p, struct err *e)
{
	CLEANUP(stop_packers)
	struct packers w = {{REPACK_NONE, REPACK_NONE, REPACK_NONE, REPACK_NONE}};
	struct part **todo = arena_array(p->arena, p->count + 1, sizeof(struct part *));
	size_t count = 0, begun = 0;
	int r = 0;
	for (size_t i = 0; i < p->count; i++)
		if (!*p->parts[i].blob.digest)
			todo[count++] = &p->parts[i];
	for (size_t ended = 0; r == 0 && ended < count; ended++) {
		for (; r == 0 && begun < count && begun < ended + PACKERS_MAX; begun++)
			r = repack_begin(p->store, todo[begun]->diff_id, true,
					 &w.items[begun % PACKERS_MAX], e);
		struct repack *one = &w.items[ended % PACKERS_MAX];
		if (r == 0)
			r = repack_end(p->store, one, &todo[ended]->file, &todo[ended]->blob, e);
		repack_stop(one);
	}
	return r;
}

static int push_config(struct push *p, struct err *e)
{
	struct transport_request q;
	struct transport_message m;
	struct blob b = {.size = (uint64_t)p->doc.config->size};
	if (!is_sha256(p->doc.config->digest))
		return err_set(e, EBADMSG, ERR_INTERNAL, "its manifest names no config");
	memcpy(b.digest, p->doc.config->digest + 7, sizeof(b.digest));
	remote_request(&p->to, &q, TRANSPORT_HEAD,
		       arena_printf(p->arena, "blobs/sha256:%s", b.digest));
	int r = transport_call(&p->to.job, &q, -1, &m, e);
	if (r == 0 || m.status != 404)
		return r;
	CLEANUP_FD int fd = remote_memory(p->image.config_text, e);
	fill_upload(p, &b, &q);
	return fd < 0 ? fd : transport_call(&p->to.job, &q, fd, &m, e);
}

static int push_manifest(struct push *p, struct image_pushed *ret, struct err *e)
{
	char sum[ID_LEN + 1];
	ret->size = strlen(p->manifest);
	digest_sha256(p->manifest, ret->size, sum);
	ret->digest = arena_printf(p->arena, "sha256:%s", sum);
	return remote_put_manifest(&p->to, p->ref.tag, p->type, p->manifest, e);
}

static int push_blobs(struct push *p, struct err *e)
{
	int r = ask_all(p, &head, e);
	if (r == 0)
		r = ask_all(p, &mount, e);
	if (r == 0)
		r = fetch_all(p, e);
	if (r == 0)
		r = pack_all(p, e);
	/* It may have been pushed before, and is not known here any more. */
	if (r == 0)
		r = ask_all(p, &head, e);
	if (r == 0)
		r = ask_all(p, &upload, e);
	if (r == 0 && !p->manifest)
		r = make_manifest(p, e);
	return r < 0 ? r : push_config(p, e);
}

/* The name is known by this digest from now on, and the registry as one that has its blobs. */
static int note(struct push *p, const struct image_pushed *done, struct err *e)
{
	struct db *db = p->store->db;
	const char *config = p->doc.config->digest + 7;
	int r = db_begin(db, true, e);
	if (r < 0)
		return r;
	r = db_run(db, e, "UPDATE reference SET digest = ?2 WHERE name = ?1 AND image = ?3", "sss",
		   p->name, done->digest, p->image.id);
	if (r > 0 && !strcmp(config, p->image.id))
		r = db_run(db, e, "INSERT OR IGNORE INTO manifest VALUES (?1, ?2, ?3, ?4, ?5)",
			   "sssss", p->image.id, done->digest, p->type, p->manifest,
			   arena_printf(p->arena, "%s/%s", p->ref.domain, p->ref.path));
	if (r >= 0)
		r = event_image(db, e, p->image.id, "push",
				image_reference_familiar(&p->ref, p->arena));
	return db_end(db, r < 0 ? r : 0, e);
}

static int not_here(const struct image_reference *ref, struct arena *a, struct err *e)
{
	return err_set(e, ENOENT, ERR_NOT_FOUND, "An image does not exist locally with the tag: %s",
		       image_reference_repository(ref, a));
}

static int find(struct push *p, struct err *e)
{
	char id[ID_LEN + 1];
	CLEANUP_STMT sqlite3_stmt *q = NULL;
	int r = image_reference_parse(p->req->reference, p->arena, &p->ref, e);
	if (r == 0 && p->ref.digest)
		return err_set(e, EINVAL, ERR_INVALID, "cannot push a digest reference");
	if (r < 0)
		return r;
	p->name = image_reference_full(&p->ref, p->arena);
	r = db_first(p->store->db, &q, e, "SELECT image FROM reference WHERE name = ?1", "s",
		     p->name);
	if (r == 0)
		return not_here(&p->ref, p->arena, e);
	if (r < 0)
		return r;
	memccpy(id, db_text(q, 0), '\0', sizeof(id));
	return image_find(p->store, id, p->arena, &p->image, e);
}

int image_local_tags(struct image_store *s, const struct image_reference *ref, bool all,
		     struct arena *a, struct strv *ret, struct err *e)
{
	struct image *images;
	size_t count;
	char *name = all ? arena_printf(a, "%s/%s:", ref->domain, ref->path)
			 : image_reference_full(ref, a);
	size_t len = strlen(name) + !all;
	int r = image_list(s, NULL, a, &images, &count, e);
	for (size_t i = 0; r == 0 && i < count; i++)
		for (size_t k = 0; k < images[i].names.count; k++)
			if (!strncmp(images[i].names.items[k], name, len))
				strv_push(a, ret, images[i].names.items[k]);
	return r == 0 && !ret->count ? not_here(ref, a, e) : r;
}

int image_push(struct image_store *s, const struct image_push *req, struct arena *a,
	       struct image_pushed *ret, struct err *e)
{
	CLEANUP(cleanup_push)
	struct push p = {
		.store = s, .req = req, .arena = a, .to = REMOTE_NONE, .from = REMOTE_NONE};
	int r = find(&p, e);
	if (r == 0)
		r = plan_parts(&p, e);
	if (r < 0)
		return r;
	r = open_to(&p, e);
	if (r == 0)
		r = push_blobs(&p, e);
	if (r == 0)
		r = push_manifest(&p, ret, e);
	if (r < 0)
		return explain(&p, e);
	ret->repacked = p.repacked;
	return note(&p, ret, e);
}
