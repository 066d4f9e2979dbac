/* SPDX-License-Identifier: Apache-2.0 */
/* Images and volumes as docker inspect shows them; names and order are the Engine API's. */
#include "cli/object_json.h"

#include "base/clock.h"

static void add_string(struct json_object *o, const char *key, const char *value)
{
	json_object_object_add(o, key, json_object_new_string(value ? value : ""));
}

static struct json_object *list_of(const struct strv *items)
{
	struct json_object *list = json_object_new_array();
	for (size_t i = 0; i < items->count; i++)
		json_object_array_add(list, json_object_new_string(items->items[i]));
	return list;
}

static struct json_object *map_of(const struct kvs *map)
{
	struct json_object *o = json_object_new_object();
	for (size_t i = 0; i < map->count; i++)
		add_string(o, map->items[i].key, map->items[i].value);
	return o;
}

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

struct json_object *object_json_image(const struct image *image, struct arena *a)
{
	struct json_object *o = json_object_new_object(), *rootfs, *metadata;
	char text[TIME_TEXT_SIZE];
	const struct oci_image *c = &image->config;
	add_string(o, "Id", arena_printf(a, "sha256:%s", image->id));
	json_object_object_add(o, "RepoTags", list_of(&image->tags));
	json_object_object_add(o, "RepoDigests", list_of(&image->digests));
	add_string(o, "Parent", "");
	const struct oci_history *history = c->history.items;
	add_string(o, "Comment", c->history.count ? history[c->history.count - 1].comment : "");
	add_string(o, "Created", time_format(image->created, text));
	add_string(o, "DockerVersion", "");
	add_string(o, "Author", c->author);
	json_object_object_add(o, "Config", config_of(&c->config));
	add_string(o, "Architecture", c->architecture);
	if (c->variant && *c->variant)
		add_string(o, "Variant", c->variant);
	add_string(o, "Os", c->os);
	json_object_object_add(o, "Size", json_object_new_int64(image->size));
	rootfs = json_object_new_object();
	add_string(rootfs, "Type", "layers");
	json_object_object_add(rootfs, "Layers", list_of(&c->rootfs.diff_ids));
	json_object_object_add(o, "RootFS", rootfs);
	metadata = json_object_new_object();
	add_string(metadata, "LastTagTime", time_format(image->loaded, text));
	json_object_object_add(o, "Metadata", metadata);
	return o;
}

struct json_object *object_json_volume(const struct volume *v)
{
	struct json_object *o = json_object_new_object();
	char text[TIME_TEXT_SIZE];
	add_string(o, "CreatedAt", time_format(v->created, text));
	add_string(o, "Driver", "local");
	json_object_object_add(o, "Labels", v->labels.count ? map_of(&v->labels) : NULL);
	add_string(o, "Mountpoint", v->mountpoint);
	add_string(o, "Name", v->name);
	json_object_object_add(o, "Options", v->options.count ? map_of(&v->options) : NULL);
	add_string(o, "Scope", "local");
	return o;
}
