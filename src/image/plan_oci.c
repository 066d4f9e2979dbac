/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The OCI image layout (image-layout.md): index.json leads to manifests or further indexes, which
 * lead to blobs/sha256/<hex>. Every blob is checked against the digest and size that led to it. Of
 * an index over platforms the wanted one is taken. Read plan.h first.
 */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "image/digest.h"
#include "image/plan.h"

enum { INDEX_DEPTH_MAX = 8 };
#define OCI_MANIFEST_TYPE "application/vnd.oci.image.manifest.v1+json"

static int blob_name(struct plan *p, const struct oci_descriptor *d, char **ret, struct err *e)
{
	if (!image_digest_is_valid(d->digest))
		return err_set(e, EINVAL, ERR_INVALID, "\"%.100s\" is not a digest", d->digest);
	if (strncmp(d->digest, "sha256:", 7))
		return err_set(e, ENOTSUP, ERR_INVALID, "%.20s...: only sha256 is supported",
			       d->digest);
	if (d->size < 0)
		return err_set(e, EINVAL, ERR_INVALID, "%s: a size of %lld", d->digest,
			       (long long)d->size);
	*ret = arena_printf(p->arena, "blobs/sha256/%s", d->digest + 7);
	return 0;
}

/* The text of a blob, if it is what the descriptor promises. */
static int read_blob(struct plan *p, const struct oci_descriptor *d, bool manifest, size_t max,
		     char **ret, size_t *ret_len, struct err *e)
{
	char *name, sum[ID_LEN + 1];
	int r = blob_name(p, d, &name, e);
	if (r == 0 && (uint64_t)d->size > max)
		return err_set(e, EFBIG, ERR_INVALID, "%s: larger than %zu bytes", d->digest, max);
	if (r == 0)
		r = p->fetch ? p->fetch(p, d, manifest, max, ret, ret_len, e)
			     : archive_read_text(p->archive, name, max, ret, ret_len, e);
	if (r < 0)
		return r;
	digest_sha256(*ret, *ret_len, sum);
	if ((uint64_t)d->size != *ret_len || strcmp(sum, d->digest + 7))
		return err_set(e, EBADMSG, ERR_INVALID,
			       "%s: the blob has sha256 %s and %zu bytes, not %lld", d->digest, sum,
			       *ret_len, (long long)d->size);
	return 0;
}

static int parse_document(struct plan *p, const char *name, const char *media_type, char *text,
			  size_t len, struct oci_document *ret, struct err *e)
{
	*ret = (struct oci_document){0};
	int r = plan_check_document(name, text, len, e);
	if (r < 0)
		return r;
	r = shape_parse(&oci_document_shape, text, len, ret, p->arena, e);
	if (r < 0)
		return err_context(e, "%s", name);
	if (ret->manifests.items && (ret->layers.items || ret->config))
		return err_set(e, EINVAL, ERR_INVALID, "%s is both an index and a manifest", name);
	if (ret->schema_version != 2)
		return err_set(e, ENOTSUP, ERR_INVALID, "%s has schema version %lld, not 2", name,
			       (long long)ret->schema_version);
	if (media_type && ret->media_type && strcmp(media_type, ret->media_type))
		return err_set(e, EINVAL, ERR_INVALID,
			       "%s calls itself \"%.100s\", its descriptor calls it \"%.100s\"",
			       name, ret->media_type, media_type);
	/* Another client may go by the type and see another image (CVE-2021-41190). */
	const char *type = media_type ?: ret->media_type ?: "";
	bool index = strstr(type, ".index.") || strstr(type, ".manifest.list.");
	if ((index && (ret->layers.items || ret->config)) ||
	    (!index && strstr(type, ".manifest.") && ret->manifests.items))
		return err_set(e, EINVAL, ERR_INVALID, "%s is no %s, as its type says", name,
			       index ? "index" : "manifest");
	return 0;
}

/* containerd's annotation is a full name; the spec's may be a tag alone, which names nothing here.
 */
static int add_name(struct plan *p, struct plan_image *im, const struct oci_descriptor *d,
		    const char *digest, struct err *e)
{
	const char *name = kvs_get(&d->annotations, "io.containerd.image.name");
	if (!name) {
		name = kvs_get(&d->annotations, "org.opencontainers.image.ref.name");
		if (!name || !strpbrk(name, ":/"))
			return 0;
	}
	struct image_reference ref;
	int r = image_reference_parse(name, p->arena, &ref, e);
	if (r < 0)
		return err_context(e, "index.json: name \"%.100s\"", name);
	ref.digest = NULL;
	if (!ref.tag)
		return 0;
	plan_add_name(p, im, image_reference_full(&ref, p->arena), digest);
	return 0;
}

static int add_layer(struct plan *p, struct plan_image *im, size_t i,
		     const struct oci_descriptor *d, struct err *e)
{
	char *name;
	const char *type = d->media_type ?: "";
	if ((strncmp(type, "application/vnd.oci.image.layer.", 32) &&
	     strncmp(type, "application/vnd.docker.image.rootfs.", 36)) ||
	    strstr(type, "+encrypted"))
		return err_set(e, ENOTSUP, ERR_INVALID,
			       "layer %.80s is of the unknown type \"%.100s\"", d->digest, type);
	int r = blob_name(p, d, &name, e);
	if (r == 0)
		r = plan_set_layer(p, im, i, name, d->digest + 7, e);
	if (r < 0)
		return r;
	struct archive_layer *l = &im->layers[i]->source;
	im->layers[i]->media_type = type;
	if (!p->archive && !l->size)
		l->size = (uint64_t)d->size;
	uint64_t size = l->member ? l->member->size : l->size;
	if (!strcmp(im->layers[i]->digest, d->digest + 7) && size != (uint64_t)d->size)
		return err_set(e, EBADMSG, ERR_INVALID, "%s: the blob has %llu bytes, not %lld",
			       d->digest, (unsigned long long)size, (long long)d->size);
	return 0;
}

static int add_image(struct plan *p, const struct oci_descriptor *d, const char *manifest,
		     const struct oci_document *m, struct plan_image **ret, struct err *e)
{
	char *text;
	size_t len;
	const struct oci_descriptor *layers = m->layers.items;
	if (!m->config)
		return err_set(e, EINVAL, ERR_INVALID, "manifest %s names no config", d->digest);
	if (m->config->media_type && !strstr(m->config->media_type, ".image."))
		return err_set(e, ENOTSUP, ERR_INVALID,
			       "%s is not an image: its config is of type \"%.100s\"", d->digest,
			       m->config->media_type);
	int r = read_blob(p, m->config, false, ARCHIVE_CONFIG_MAX, &text, &len, e);
	if (r == 0)
		r = plan_add_image(p, m->config->digest, text, len, ret, e);
	if (r < 0)
		return r;
	(*ret)->manifest = (struct stage_manifest){
		.digest = d->digest,
		.media_type = m->media_type ?: d->media_type ?: OCI_MANIFEST_TYPE,
		.text = manifest,
	};
	if (m->layers.count != (*ret)->config.rootfs.diff_ids.count)
		return err_set(e, EINVAL, ERR_INVALID, "manifest %s has %zu layers, its config %zu",
			       d->digest, m->layers.count, (*ret)->config.rootfs.diff_ids.count);
	for (size_t i = 0; r == 0 && i < m->layers.count; i++)
		r = add_layer(p, *ret, i, &layers[i], e);
	return r;
}

static bool platform_wanted(struct plan *p, const struct oci_descriptor *d)
{
	const struct oci_platform *o = d->platform;
	if (!o || plan_platform_fits(p, o->os, o->architecture, o->variant))
		return true;
	if (strcmp(o->os ?: "", "unknown")) /* "unknown/unknown" are attestations */
		strv_push(p->arena, &p->others,
			  arena_printf(p->arena, "%.32s/%.32s%s%.32s", o->os ?: "?",
				       o->architecture ?: "?", o->variant ? "/" : "",
				       o->variant ?: ""));
	return false;
}

/* Take what the descriptor leads to. 1: an image, 0: nothing that is wanted. */
static int follow(struct plan *p, const struct oci_descriptor *d, int depth,
		  struct plan_image **ret, struct err *e)
{
	struct oci_document doc;
	char *text;
	size_t len;
	if (depth > INDEX_DEPTH_MAX)
		return err_set(e, ELOOP, ERR_INVALID, "indexes are nested more than %d deep",
			       INDEX_DEPTH_MAX);
	int r = read_blob(p, d, true, ARCHIVE_MANIFEST_MAX, &text, &len, e);
	if (r == 0)
		r = parse_document(p, d->digest, d->media_type, text, len, &doc, e);
	if (r < 0)
		return r;
	if (!doc.manifests.items) {
		r = add_image(p, d, text, &doc, ret, e);
		return r < 0 ? r : 1;
	}
	const struct oci_descriptor *inner = doc.manifests.items;
	for (size_t i = 0; i < doc.manifests.count; i++) {
		if (!platform_wanted(p, &inner[i]))
			continue;
		r = follow(p, &inner[i], depth + 1, ret, e);
		if (r)
			return r;
	}
	return 0;
}

static int none_found(struct plan *p, struct err *e)
{
	char found[256] = "";
	size_t used = 0;
	for (size_t i = 0;
	     i < p->others.count && used + strlen(p->others.items[i]) + 3 < sizeof(found); i++)
		used += (size_t)snprintf(found + used, sizeof(found) - used, "%s%s", i ? ", " : "",
					 p->others.items[i]);
	const char *where = p->archive ? "the archive has" : "the registry has";
	if (p->platform)
		err_set(e, ENOENT, ERR_NOT_FOUND, "%s no image for %s", where, p->platform);
	else
		err_set(e, ENOENT, ERR_NOT_FOUND, "%s no image for linux/%s", where,
			oci_native_architecture());
	if (used)
		err_hint(e, "it holds images for %s: choose one with --platform", found);
	return -ENOENT;
}

int plan_oci_image(struct plan *p, const struct oci_descriptor *d, struct plan_image **ret,
		   struct err *e)
{
	int r = follow(p, d, 0, ret, e);
	return r ? (r < 0 ? r : 0) : none_found(p, e);
}

int plan_oci(struct plan *p, struct err *e)
{
	char *text;
	size_t len;
	struct oci_document index;
	int r = archive_read_text(p->archive, "index.json", ARCHIVE_MANIFEST_MAX, &text, &len, e);
	if (r == 0)
		r = parse_document(p, "index.json", NULL, text, len, &index, e);
	if (r < 0)
		return r;
	const struct oci_descriptor *d = index.manifests.items;
	for (size_t i = 0; i < index.manifests.count; i++) {
		struct plan_image *im;
		if (!platform_wanted(p, &d[i]))
			continue;
		r = follow(p, &d[i], 0, &im, e);
		if (r > 0)
			r = add_name(p, im, &d[i], d[i].digest, e);
		if (r < 0)
			return r;
	}
	return p->count ? 0 : none_found(p, e);
}
