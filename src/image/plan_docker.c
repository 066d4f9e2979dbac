/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The format of `docker save`: manifest.json is an array of images, each naming its config, its
 * tags and its layers' members. Old ones call the config <id>.json and the layers <id>/layer.tar,
 * new ones blobs/sha256/<hex>; skopeo, buildah and podman write the same. Read plan.h first.
 */
#include <errno.h>
#include <string.h>

#include "image/plan.h"

static int add_tags(struct plan *p, struct plan_image *im, const struct strv *tags, struct err *e)
{
	for (size_t i = 0; i < tags->count; i++) {
		struct image_reference ref;
		int r = image_reference_parse(tags->items[i], p->arena, &ref, e);
		if (r < 0)
			return err_context(e, "manifest.json: RepoTags[%zu]", i);
		if (ref.digest)
			return err_set(e, EINVAL, ERR_INVALID,
				       "manifest.json: RepoTags[%zu]: a tag cannot have a digest",
				       i);
		plan_add_name(p, im, image_reference_full(&ref, p->arena), NULL);
	}
	return 0;
}

/* A member called like a digest, "<hex>.json" or "blobs/sha256/<hex>", must have that digest. */
static int check_name(const struct plan_image *im, const char *name, struct err *e)
{
	const char *base = strrchr(name, '/');
	base = base ? base + 1 : name;
	if (strlen(base) < ID_LEN || !id_is_hex(base, ID_LEN) ||
	    (base[ID_LEN] && strcmp(base + ID_LEN, ".json")))
		return 0;
	if (strncmp(base, im->id, ID_LEN))
		return err_set(e, EBADMSG, ERR_INVALID, "config \"%s\" has sha256 %s", name,
			       im->id);
	return 0;
}

static int add_image(struct plan *p, const struct docker_archive_image *d, struct err *e)
{
	char *text;
	size_t len;
	struct plan_image *im;
	int r = archive_read_text(p->archive, d->config, ARCHIVE_CONFIG_MAX, &text, &len, e);
	if (r == 0)
		r = plan_add_image(p, d->config, text, len, &im, e);
	if (r == 0)
		r = check_name(im, d->config, e);
	if (r < 0)
		return r;
	if (d->layers.count != im->config.rootfs.diff_ids.count)
		return err_set(e, EINVAL, ERR_INVALID,
			       "manifest.json names %zu layers, config \"%s\" %zu", d->layers.count,
			       d->config, im->config.rootfs.diff_ids.count);
	for (size_t i = 0; r == 0 && i < d->layers.count; i++)
		r = plan_set_layer(p, im, i, d->layers.items[i], NULL, e);
	return r < 0 ? r : add_tags(p, im, &d->repo_tags, e);
}

int plan_docker(struct plan *p, struct err *e)
{
	CLEANUP_JSON struct json_object *list = NULL;
	char *text;
	size_t len;
	int r = archive_read_text(p->archive, "manifest.json", ARCHIVE_MANIFEST_MAX, &text, &len,
				  e);
	if (r == 0)
		r = plan_check_document("manifest.json", text, len, e);
	if (r == 0 && (r = json_parse(text, len, &list, e)) < 0)
		err_context(e, "manifest.json");
	if (r < 0)
		return r;
	if (!json_object_is_type(list, json_type_array) || !json_object_array_length(list))
		return err_set(e, EINVAL, ERR_INVALID, "manifest.json is not a list of images");
	for (size_t i = 0; r == 0 && i < json_object_array_length(list); i++) {
		struct docker_archive_image d = {0};
		r = shape_read(&docker_archive_image_shape, json_object_array_get_idx(list, i), &d,
			       p->arena, e);
		if (r < 0)
			return err_context(e, "manifest.json[%zu]", i);
		r = add_image(p, &d, e);
	}
	return r;
}
