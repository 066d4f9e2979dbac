/* SPDX-License-Identifier: Apache-2.0 */
/*
 * docker's inspect object of an image; names and order are the Engine API's (1.51, ImageInspect).
 * Read image.h first.
 */
#include <string.h>

#include "base/json.h"
#include "image/image.h"
#include "spec/docker.h"

static struct json_object *config_of(const struct oci_image_process *p)
{
	const struct docker_config c = {
		.user = p->user,
		.exposed_ports = p->exposed_ports,
		.env = p->env,
		.cmd = p->cmd,
		.entrypoint = p->entrypoint,
		.healthcheck = p->healthcheck,
		.volumes = p->volumes,
		.working_dir = p->working_dir,
		.on_build = p->on_build,
		.labels = p->labels,
		.stop_signal = p->stop_signal,
		.shell = p->shell,
	};
	return shape_write(&docker_config_shape, &c);
}

/* docker's paths of overlay2: the uppermost layer, and those below it. */
static struct json_object *driver_object(const struct image_store *s, const struct image *im,
					 struct arena *a)
{
	struct json_object *o = json_object_new_object(), *data = json_object_new_object();
	CLEANUP_STRBUF struct strbuf lower = STRBUF_MAX(64 << 10);
	const struct strv *ids = &im->config.rootfs.diff_ids;
	for (size_t i = ids->count; i-- > 0;) {
		const char *dir =
			arena_printf(a, "%s/layers/%s", s->root, strchr(ids->items[i], ':') + 1);
		if (i + 1 == ids->count)
			json_add_string(data, "UpperDir", dir);
		else
			strbuf_printf(&lower, "%s%s", lower.len ? ":" : "", dir);
	}
	if (lower.len)
		json_add_string(data, "LowerDir", strbuf_text(&lower));
	json_object_object_add(o, "Data", data);
	json_add_string(o, "Name", "overlay2");
	return o;
}

int image_inspect(struct image_store *s, const char *name, struct json_object **ret, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	struct image im;
	int r = image_find(s, name, &a, &im, e);
	if (r < 0)
		return r;
	struct json_object *o = json_object_new_object(), *rootfs = json_object_new_object(),
			   *metadata = json_object_new_object();
	const struct oci_image *c = &im.config;
	const struct oci_history *history = c->history.items;
	size_t steps = c->history.count;
	json_add_string(o, "Id", arena_printf(&a, "sha256:%s", im.id));
	json_object_object_add(o, "RepoTags", json_of_strv(&im.tags));
	json_object_object_add(o, "RepoDigests", json_of_strv(&im.digests));
	json_add_string(o, "Parent", "");
	json_add_string(o, "Comment", steps ? history[steps - 1].comment : "");
	json_add_time(o, "Created", im.created);
	json_add_string(o, "DockerVersion", "");
	json_add_string(o, "Author", c->author);
	json_object_object_add(o, "Config", config_of(&c->config));
	json_add_string(o, "Architecture", c->architecture);
	if (c->variant && *c->variant)
		json_add_string(o, "Variant", c->variant);
	json_add_string(o, "Os", c->os);
	json_add_int(o, "Size", im.size);
	json_object_object_add(o, "GraphDriver", driver_object(s, &im, &a));
	json_add_string(rootfs, "Type", "layers");
	json_object_object_add(rootfs, "Layers", json_of_strv(&c->rootfs.diff_ids));
	json_object_object_add(o, "RootFS", rootfs);
	json_add_time(metadata, "LastTagTime", im.loaded);
	json_object_object_add(o, "Metadata", metadata);
	*ret = o;
	return 0;
}
