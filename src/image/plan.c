/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plans: what both formats have in common. Rests on the OCI image spec's config.md. Labels are kept
 * and never interpreted. Read plan.h first.
 */
#include "image/plan.h"

#include <errno.h>
#include <string.h>

#include "image/digest.h"

enum { DOCUMENT_VALUES_MAX = 20000 };

int plan_check_document(const char *name, const char *text, size_t len, struct err *e)
{
	size_t values = 0;
	for (size_t i = 0; i < len; i++)
		values += text[i] == '{' || text[i] == '[' || text[i] == ',';
	if (values > DOCUMENT_VALUES_MAX)
		return err_set(e, E2BIG, ERR_INVALID, "\"%s\" holds more than %d values", name,
			       DOCUMENT_VALUES_MAX);
	return 0;
}

static int check_config(struct plan *p, const struct plan_image *im, struct err *e)
{
	const struct oci_image *c = &im->config;
	if (c->rootfs.type && *c->rootfs.type && strcmp(c->rootfs.type, "layers"))
		return err_set(e, ENOTSUP, ERR_INVALID, "rootfs.type is \"%.32s\", not \"layers\"",
			       c->rootfs.type);
	if (c->rootfs.diff_ids.count > IMAGE_LAYERS_MAX)
		return err_set(e, E2BIG, ERR_INVALID, "it has %zu layers, the limit is %d",
			       c->rootfs.diff_ids.count, IMAGE_LAYERS_MAX);
	for (size_t i = 0; i < c->rootfs.diff_ids.count; i++) {
		const char *id = c->rootfs.diff_ids.items[i];
		if (strncmp(id, "sha256:", 7) || !image_digest_is_valid(id))
			return err_set(e, EINVAL, ERR_INVALID,
				       "rootfs.diff_ids[%zu] is not a sha256 digest", i);
	}
	if (c->os && *c->os && strcmp(c->os, "linux"))
		return err_set(e, ENOTSUP, ERR_INVALID, "it is an image for %.32s, not for Linux",
			       c->os);
	if (p->platform && !plan_platform_fits(p, c->os, c->architecture, c->variant))
		return err_set(e, ENOENT, ERR_NOT_FOUND,
			       "it is an image for %.32s/%.32s, not for %s", c->os ?: "?",
			       c->architecture ?: "?", p->platform);
	return 0;
}

int plan_add_image(struct plan *p, const char *name, char *config_text, size_t len,
		   struct plan_image **ret, struct err *e)
{
	if (!p->images)
		p->images = arena_array(p->arena, PLAN_IMAGES_MAX, sizeof(p->images[0]));
	if (p->count == PLAN_IMAGES_MAX)
		return err_set(e, E2BIG, ERR_INVALID, "the archive holds more than %d images",
			       PLAN_IMAGES_MAX);
	struct plan_image *im = &p->images[p->count];
	*im = (struct plan_image){.config_text = config_text};
	if (strlen(config_text) != len)
		return err_set(e, EINVAL, ERR_INVALID, "config \"%s\" has a NUL byte", name);
	int r = plan_check_document(name, config_text, len, e);
	if (r == 0)
		r = shape_parse(&oci_image_shape, config_text, len, &im->config, p->arena, e);
	if (r == 0)
		r = check_config(p, im, e);
	if (r < 0)
		return err_context(e, "config \"%s\"", name);
	digest_sha256(config_text, len, im->id);
	im->layers = arena_array(p->arena, im->config.rootfs.diff_ids.count, sizeof(im->layers[0]));
	p->count++;
	*ret = im;
	return 0;
}

static struct plan_layer *add_layer(struct plan *p, const char *diff_id)
{
	for (size_t i = 0; i < p->layer_count; i++)
		if (!strcmp(p->layers[i]->diff_id, diff_id))
			return p->layers[i];
	p->layers = arena_grow(p->arena, p->layers, p->layer_count, &p->layer_room,
			       sizeof(p->layers[0]));
	struct plan_layer *l = arena_new(p->arena, struct plan_layer);
	memcpy(l->diff_id, diff_id, ID_LEN);
	l->source.fd = -1;
	p->layers[p->layer_count++] = l;
	return l;
}

int plan_set_layer(struct plan *p, struct plan_image *im, size_t i, const char *name,
		   const char *digest, struct err *e)
{
	size_t before = p->layer_count;
	struct plan_layer *l = add_layer(p, im->config.rootfs.diff_ids.items[i] + 7);
	im->layers[i] = l;
	if (p->layer_count == before) /* seen before, in this image or another */
		return 0;
	if (digest)
		memcpy(l->digest, digest, ID_LEN);
	if (!p->archive)
		return 0;
	return archive_find_layer(p->archive, name, &l->source, e);
}

void plan_add_name(struct plan *p, struct plan_image *im, const char *name, const char *digest)
{
	struct stage_name *more =
		arena_array(p->arena, im->names.count + 1, sizeof(struct stage_name));
	if (im->names.count)
		memcpy(more, im->names.items, im->names.count * sizeof(*more));
	more[im->names.count++] = (struct stage_name){.name = name, .digest = digest};
	im->names.items = more;
}

bool plan_platform_fits(const struct plan *p, const char *os, const char *architecture,
			const char *variant)
{
	char wanted[128];
	const char *text = p->platform ?: "";
	if (strlen(text) >= sizeof(wanted))
		return false;
	memcpy(wanted, text, strlen(text) + 1);
	char *rest = wanted;
	const char *want_os = strsep(&rest, "/");
	const char *want_arch = rest ? strsep(&rest, "/") : NULL;
	if (!want_arch || !*want_arch)
		want_arch = *text && strcmp(want_os, "linux") ? want_os : oci_native_architecture();
	if (strcmp(os ?: "linux", "linux") || strcmp(architecture ?: "", want_arch))
		return false;
	return !rest || !*rest || !variant || !strcmp(rest, variant);
}

int plan_make(struct plan *p, struct err *e)
{
	if (archive_has(p->archive, "manifest.json"))
		return plan_docker(p, e);
	if (archive_has(p->archive, "index.json"))
		return plan_oci(p, e);
	if (archive_has(p->archive, "repositories"))
		return err_set(
			e, ENOTSUP, ERR_INVALID,
			"archives of docker before 1.10 (no manifest.json) are not supported");
	err_set(e, EINVAL, ERR_INVALID, "not an image archive: no manifest.json, no index.json");
	return err_hint(e, "to make an image of a root file system's files, use `hull import`");
}
