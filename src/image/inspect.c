/* SPDX-License-Identifier: Apache-2.0 */
/*
 * docker's inspect object of an image; names and order are the Engine API's (1.51, ImageInspect).
 * Read image.h first.
 */
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
	json_add_string(rootfs, "Type", "layers");
	json_object_object_add(rootfs, "Layers", json_of_strv(&c->rootfs.diff_ids));
	json_object_object_add(o, "RootFS", rootfs);
	json_add_time(metadata, "LastTagTime", im.loaded);
	json_object_object_add(o, "Metadata", metadata);
	*ret = o;
	return 0;
}
