/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pushing. An image that was pulled goes on under the manifest that it came by: a blob that the
 * registry has not got is mounted from another repository of it, or else fetched from where the
 * image came from, as blobs are not kept here. What was made here, or has lost its source, is
 * packed anew (repack.h). The manifest goes last, when all that it names is there. Read remote.h
 * first.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/event.h"
#include "base/fd.h"
#include "image/digest.h"
#include "image/plan.h"
#include "image/registry/remote.h"
#include "image/repack.h"

struct push {
	struct image_store *store;
	const struct image_push *req;
	struct arena *arena;
	struct image_reference ref;
	char *name; /* full */
	struct image image;
	struct remote to, from;        /* @from is opened when it is needed */
	struct image_reference source; /* of the image; domain NULL: it has none */
	const char *manifest, *type;
	struct oci_document doc;   /* @manifest, parsed */
	const struct blob *packed; /* its layers, where they were packed here */
	int *files;                /* of those */
	bool repacked;
};

static void cleanup_push(struct push *p)
{
	remote_close(&p->to);
	remote_close(&p->from);
	for (size_t i = 0; p->files && i < p->image.layer_count; i++)
		fd_drop(&p->files[i]);
}

static void tell(struct push *p, const char *digest, size_t i, uint64_t done, uint64_t total,
		 bool finished, bool existed)
{
	if (!p->req->progress)
		return;
	const struct image_progress said = {.layer = arena_strndup(p->arena, digest + 7, 12),
					    .index = i,
					    .count = p->doc.layers.count,
					    .done = done,
					    .total = total,
					    .finished = finished,
					    .existed = existed};
	p->req->progress(&said, p->req->ctx);
}

/* --- what is pushed --- */

/* The manifest that the image came by, if it is still known. 1: it is. */
static int find_manifest(struct push *p, struct err *e)
{
	CLEANUP_STMT sqlite3_stmt *q = NULL;
	struct err ignored;
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
	if (image_reference_parse(db_text(q, 2), p->arena, &p->source, &ignored) < 0)
		p->source = (struct image_reference){0};
	r = shape_parse(&oci_document_shape, p->manifest, strlen(p->manifest), &p->doc, p->arena,
			e);
	if (r == 0 && (!p->doc.config || p->doc.layers.count != p->image.layer_count))
		r = err_set(e, EBADMSG, ERR_INTERNAL, "the state store has a wrong manifest");
	return r < 0 ? r : 1;
}

/* Make blobs and a manifest of what is here. */
static int pack_all(struct push *p, struct err *e)
{
	size_t n = p->image.layer_count;
	struct blob config, *blobs = arena_array(p->arena, n + 1, sizeof(*blobs));
	char *text;
	p->files = arena_array(p->arena, n + 1, sizeof(*p->files));
	memset(p->files, 0xff, n * sizeof(*p->files));
	for (size_t i = 0; i < n; i++) {
		int r = repack_layer(p->store, p->image.layers[n - 1 - i].diff_id, &p->files[i],
				     &blobs[i], e);
		if (r < 0)
			return r;
	}
	int r = repack_config(&p->image, blobs, p->arena, &text, e);
	if (r < 0)
		return r;
	config.size = strlen(text);
	digest_sha256(text, config.size, config.digest);
	p->image.config_text = text;
	p->packed = blobs;
	p->type = OCI_TYPE("manifest.v1+json");
	p->manifest = repack_manifest(&config, blobs, n, p->arena);
	p->doc = (struct oci_document){0};
	return shape_parse(&oci_document_shape, p->manifest, strlen(p->manifest), &p->doc, p->arena,
			   e);
}

/* --- to the registry --- */

static int explain(const struct push *p, struct err *e)
{
	if (e->kind == ERR_DENIED)
		err_hint(e, "hull login %s", p->ref.domain);
	return err_context(e, "cannot push %s", image_reference_familiar(&p->ref, p->arena));
}

static int open_to(struct push *p, struct err *e)
{
	struct registries configured = {0};
	struct array endpoints = {0};
	int r = registries_read(&configured, p->arena, e);
	if (r == 0)
		r = registries_endpoints(&configured, p->ref.domain, p->ref.path, false, true,
					 &endpoints, p->arena, e);
	if (r < 0)
		return r;
	const struct endpoint *at = endpoints.items;
	bool mounts = p->source.domain && !strcmp(p->source.domain, p->ref.domain) &&
		      strcmp(p->source.path, p->ref.path);
	const char *scope = arena_printf(
		p->arena, "repository:%s:pull,push%s", at->path,
		mounts ? arena_printf(p->arena, " repository:%s:pull", p->source.path) : "");
	return remote_open(&p->to, p->store, &p->req->registry, p->ref.domain, p->ref.path, at,
			   scope, NULL, p->arena, e);
}

static int open_from(struct push *p, struct err *e)
{
	struct registries configured = {0};
	struct array endpoints = {0};
	const struct image_reference *s = &p->source;
	if (p->from.job.helper.pid)
		return 0;
	if (!s->domain)
		return err_set(e, ENOENT, ERR_NOT_FOUND, "it is not known where it came from");
	int r = registries_read(&configured, p->arena, e);
	if (r == 0)
		r = registries_endpoints(&configured, s->domain, s->path, true, false, &endpoints,
					 p->arena, e);
	if (r < 0)
		return r;
	const struct endpoint *at = endpoints.items;
	return remote_open(&p->from, p->store, &p->req->registry, s->domain, s->path, at,
			   arena_printf(p->arena, "repository:%s:pull", at->path), NULL, p->arena,
			   e);
}

/* 1: the registry has it, 0: it has not. */
static int is_there(struct push *p, const struct oci_descriptor *d, struct err *e)
{
	struct transport_request q;
	struct transport_message m;
	remote_request(&p->to, &q, TRANSPORT_HEAD, arena_printf(p->arena, "blobs/%s", d->digest));
	int r = transport_call(&p->to.job, &q, -1, &m, e);
	if (r == 0)
		return 1;
	return m.status == 404 ? 0 : r;
}

static int upload(struct push *p, const struct oci_descriptor *d, const char *from, int fd,
		  size_t index, struct err *e)
{
	struct transport_request q;
	struct transport_message m;
	remote_request(&p->to, &q, TRANSPORT_UPLOAD, "blobs/uploads/");
	q.size = (uint64_t)d->size;
	if (strlen(d->digest) >= sizeof(q.digest) || strlen(from) >= sizeof(q.from))
		return err_set(e, ENAMETOOLONG, ERR_INVALID, "%.80s: too long", d->digest);
	memcpy(q.digest, d->digest, strlen(d->digest) + 1);
	memcpy(q.from, from, strlen(from) + 1);
	int r = transport_ask(&p->to.job, &q, fd, e);
	while (r == 0 && (r = transport_hear(&p->to.job, &m, e)) == 0) {
		if (m.op == TRANSPORT_DONE)
			return 0;
		if (m.op == TRANSPORT_PROGRESS)
			tell(p, d->digest, index, m.done, q.size, false, false);
		if (m.op == TRANSPORT_FAILED) {
			*e = m.err;
			return -e->number;
		}
	}
	return r;
}

/* A layer's blob from where the image came from, checked, in a file without a name. */
static int fetch(struct push *p, const struct oci_descriptor *d, struct err *e)
{
	struct transport_request q;
	struct transport_message m;
	char sum[ID_LEN + 1];
	int r = open_from(p, e);
	if (r < 0)
		return r;
	CLEANUP_FD int fd =
		openat(p->store->root_fd, "layers", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_errno(e, errno, "cannot keep a layer meanwhile");
	remote_request(&p->from, &q, TRANSPORT_GET, arena_printf(p->arena, "blobs/%s", d->digest));
	q.size = (uint64_t)d->size;
	r = transport_call(&p->from.job, &q, fd, &m, e);
	if (r == 0)
		r = digest_sha256_file(fd, 0, (uint64_t)d->size, sum);
	if (r == 0 && strcmp(sum, d->digest + 7))
		r = err_set(e, EBADMSG, ERR_INVALID, "%s: its source sent what has sha256 %s",
			    d->digest, sum);
	return r < 0 ? r : fd_steal(&fd);
}

/* The bytes of a layer, or -errno. */
static int open_layer(struct push *p, const struct oci_descriptor *d, size_t i, struct err *e)
{
	return p->packed ? fcntl(p->files[i], F_DUPFD_CLOEXEC, 0) : fetch(p, d, e);
}

static int push_layer(struct push *p, const struct oci_descriptor *d, size_t i, struct err *e)
{
	int r = is_there(p, d, e);
	if (r != 0) {
		if (r > 0)
			tell(p, d->digest, i, 0, (uint64_t)d->size, true, true);
		return r < 0 ? r : 0;
	}
	tell(p, d->digest, i, 0, (uint64_t)d->size, false, false);
	struct err ignored;
	bool mounts = !p->packed && p->source.domain && !strcmp(p->source.domain, p->ref.domain) &&
		      strcmp(p->source.path, p->ref.path);
	if (!mounts || upload(p, d, p->source.path, -1, i, &ignored) < 0) {
		CLEANUP_FD int fd = open_layer(p, d, i, e);
		r = fd < 0 ? fd : upload(p, d, "", fd, i, e);
	}
	if (r < 0)
		return err_context(e, "layer %.19s", d->digest);
	tell(p, d->digest, i, (uint64_t)d->size, (uint64_t)d->size, true, false);
	return 0;
}

static int memory_of(const char *text, struct err *e)
{
	CLEANUP_FD int fd = memfd_create("document", MFD_CLOEXEC);
	int r = fd < 0 ? -errno : fd_write_full(fd, text, strlen(text));
	return r < 0 ? err_errno(e, r, "no memory for a document") : fd_steal(&fd);
}

static int push_config(struct push *p, struct err *e)
{
	const struct oci_descriptor *d = p->doc.config;
	int r = is_there(p, d, e);
	if (r != 0)
		return r < 0 ? r : 0;
	CLEANUP_FD int fd = memory_of(p->image.config_text, e);
	return fd < 0 ? fd : upload(p, d, "", fd, 0, e);
}

static int push_manifest(struct push *p, struct image_pushed *ret, struct err *e)
{
	struct transport_request q;
	struct transport_message m;
	char sum[ID_LEN + 1];
	CLEANUP_FD int fd = memory_of(p->manifest, e);
	if (fd < 0)
		return fd;
	ret->size = strlen(p->manifest);
	digest_sha256(p->manifest, ret->size, sum);
	ret->digest = arena_printf(p->arena, "sha256:%s", sum);
	remote_request(&p->to, &q, TRANSPORT_PUT,
		       arena_printf(p->arena, "manifests/%s", p->ref.tag));
	q.size = ret->size;
	if (strlen(p->type) >= sizeof(q.type) || strpbrk(p->type, "\r\n"))
		return err_set(e, EINVAL, ERR_INVALID, "its manifest is of a strange type");
	memcpy(q.type, p->type, strlen(p->type) + 1);
	return transport_call(&p->to.job, &q, fd, &m, e);
}

static int push_blobs(struct push *p, struct err *e)
{
	const struct oci_descriptor *layers = p->doc.layers.items;
	int r = 0;
	for (size_t i = 0; r == 0 && i < p->doc.layers.count; i++)
		r = push_layer(p, &layers[i], i, e);
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
		return err_set(e, ENOENT, ERR_NOT_FOUND,
			       "An image does not exist locally with the tag: %s",
			       image_reference_repository(&p->ref, p->arena));
	if (r < 0)
		return r;
	memccpy(id, db_text(q, 0), '\0', sizeof(id));
	return image_find(p->store, id, p->arena, &p->image, e);
}

int image_push(struct image_store *s, const struct image_push *req, struct arena *a,
	       struct image_pushed *ret, struct err *e)
{
	CLEANUP(cleanup_push)
	struct push p = {
		.store = s, .req = req, .arena = a, .to = REMOTE_NONE, .from = REMOTE_NONE};
	int r = find(&p, e);
	int known = r < 0 ? r : find_manifest(&p, e);
	if (known < 0)
		return known;
	r = known ? 0 : pack_all(&p, e);
	if (r == 0)
		r = open_to(&p, e);
	if (r < 0)
		return explain(&p, e);
	r = push_blobs(&p, e);
	/* Its source is gone, or out of reach: what is here is as good, but not the same bytes. */
	if (r < 0 && known && p.to.job.helper.pid && e->kind != ERR_DENIED) {
		p.repacked = true;
		r = pack_all(&p, e);
		if (r == 0)
			r = push_blobs(&p, e);
	}
	if (r == 0)
		r = push_manifest(&p, ret, e);
	if (r < 0)
		return explain(&p, e);
	ret->repacked = p.repacked;
	return note(&p, ret, e);
}
