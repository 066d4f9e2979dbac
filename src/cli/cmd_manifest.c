/* SPDX-License-Identifier: Apache-2.0 */
/* hull manifest: what registries have, and lists of images for several platforms. */
#include <errno.h>
#include <string.h>

#include "base/base64.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "base/shape.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/registry_options.h"

struct manifest_values {
	struct image_registry registry;
	bool insecure, verbose, amend, purge;
	struct oci_platform platform;
};

static const struct image_registry *registry_of(struct manifest_values *v)
{
	if (v->insecure)
		v->registry.tls_verify = (struct opt_bool){.set = true};
	return &v->registry;
}

#define M(member) .offset = offsetof(struct manifest_values, member)
#define INSECURE                                                                                   \
	{                                                                                          \
		"insecure", 0, OPTION_BOOL, M(insecure),                                           \
			.help = "Allow communication with an insecure registry"                    \
	}
#define REGISTRY .more = {{&registry_option_table, offsetof(struct manifest_values, registry)}}

/* --- inspect --- */

static int print_text(const char *text, struct err *e)
{
	CLEANUP_JSON struct json_object *o = NULL;
	CLEANUP_STRBUF struct strbuf out = STRBUF_MAX(64 << 20);
	int r = json_parse(text, strlen(text), &o, e);
	if (r < 0)
		return r;
	json_print(&out, o, 0);
	puts(strbuf_text(&out));
	return 0;
}

/* docker's form: the name, the descriptor, the bytes, and what they say. */
static int describe(struct cli *cli, const struct image_entry *entry, struct json_object **ret,
		    struct err *e)
{
	const char *type = entry->descriptor.media_type ?: "";
	char *descriptor =
		shape_print(&oci_descriptor_shape, &entry->descriptor, false, &cli->arena);
	CLEANUP_JSON struct json_object *o = json_object_new_object();
	struct json_object *part;
	json_add_string(o, "Ref", entry->ref);
	int r = json_parse(descriptor, strlen(descriptor), &part, e);
	if (r < 0)
		return r;
	json_object_object_add(o, "Descriptor", part);
	json_add_string(o, "Raw",
			base64_encode_bytes(entry->manifest, strlen(entry->manifest), &cli->arena));
	r = json_parse(entry->manifest, strlen(entry->manifest), &part, e);
	if (r < 0)
		return r;
	json_object_object_add(o, strstr(type, ".docker.") ? "SchemaV2Manifest" : "OCIManifest",
			       part);
	*ret = ptr_steal(o);
	return 0;
}

static int print_entries(struct cli *cli, const struct array *entries, bool list, struct err *e)
{
	CLEANUP_JSON struct json_object *all = json_object_new_array();
	CLEANUP_STRBUF struct strbuf out = STRBUF_MAX(256 << 20);
	const struct image_entry *items = entries->items;
	struct json_object *one;
	int r = 0;
	for (size_t i = 0; r == 0 && i < entries->count; i++)
		if ((r = describe(cli, &items[i], &one, e)) == 0)
			json_object_array_add(all, one);
	if (r < 0)
		return r;
	json_print(&out, list ? all : json_object_array_get_idx(all, 0), 0);
	puts(strbuf_text(&out));
	return 0;
}

/* One image of a list that was made here. */
static int inspect_member(struct cli *cli, const char *list, const char *member, bool verbose,
			  struct err *e)
{
	struct image_index index;
	struct image_reference ref;
	int r = image_index_find(&cli->engine.images, list, &cli->arena, &index, e);
	if (r == 0)
		return err_set(e, ENOENT, ERR_NOT_FOUND, "No such manifest: %s", list);
	if (r > 0)
		r = image_reference_parse(member, &cli->arena, &ref, e);
	if (r < 0)
		return r;
	const struct image_entry *items = index.entries.items;
	char *full = image_reference_full(&ref, &cli->arena);
	for (size_t i = 0; i < index.entries.count; i++)
		if (!strcmp(items[i].ref, full))
			return verbose ? print_entries(cli, &(struct array){(void *)&items[i], 1},
						       false, e)
				       : print_text(items[i].manifest, e);
	return err_set(e, ENOENT, ERR_NOT_FOUND, "No such manifest: %s in %s", member, index.name);
}

static int inspect_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	struct manifest_values *v = values;
	struct image_store *store = &cli->engine.images;
	struct image_pull req = {.reference = args->items[0], .registry = *registry_of(v)};
	struct image_index index;
	struct array entries = {0};
	const char *type;
	char *text;
	bool list;
	if (args->count == 2)
		return inspect_member(cli, args->items[0], args->items[1], v->verbose, e);
	int r = image_index_find(store, req.reference, &cli->arena, &index, e);
	if (r > 0)
		return v->verbose ? print_entries(cli, &index.entries, true, e)
				  : print_text(image_index_text(&index, &cli->arena, &type), e);
	if (r < 0)
		return r;
	if (!v->verbose) {
		r = image_remote_manifest(store, &req, &cli->arena, &text, e);
		return r < 0 ? r : print_text(text, e);
	}
	r = image_remote_entries(store, &req, &cli->arena, &entries, &list, e);
	return r < 0 ? r : print_entries(cli, &entries, list, e);
}

static const struct option inspect_options[] = {
	INSECURE,
	{"verbose", 'v', OPTION_BOOL, M(verbose),
	 .help = "Output additional info: each manifest with its platform and bytes"},
};

const struct command command_manifest_inspect = {
	.names = NAMES("manifest inspect"),
	.synopsis = "[OPTIONS] [MANIFEST_LIST] NAME[:TAG|@DIGEST]",
	.summary = "Display an image manifest, or manifest list",
	.text = "A list that was made here goes before one of that name in the registry. Of an "
		"index only its list is fetched, with --verbose each of its manifests. Of what was "
		"pulled nothing is changed.",
	.options = OPTIONS_FOR(struct manifest_values, inspect_options),
	REGISTRY,
	.args = {1, 2},
	.complete = COMPLETE_IMAGE_ONCE,
	.run = inspect_run,
};

/* --- create, annotate, rm --- */

static int create_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	struct manifest_values *v = values;
	struct image_reference ref;
	const struct strv members = {args->items + 1, args->count - 1};
	int r = image_index_create(&cli->engine.images, args->items[0], &members, v->amend,
				   registry_of(v), &cli->arena, e);
	if (r == 0)
		r = image_reference_parse(args->items[0], &cli->arena, &ref, e);
	if (r == 0)
		printf("Created manifest list %s\n", image_reference_full(&ref, &cli->arena));
	return r;
}

static const struct option create_options[] = {
	{"amend", 'a', OPTION_BOOL, M(amend), .help = "Amend an existing manifest list"},
	INSECURE,
};

const struct command command_manifest_create = {
	.names = NAMES("manifest create"),
	.synopsis = "[OPTIONS] MANIFEST_LIST MANIFEST [MANIFEST...]",
	.summary = "Create a local manifest list for annotating and pushing to a registry",
	.text = "The images are in a registry already, each for its platform. The list is kept "
		"below --root until `hull manifest rm`; no image of it comes here.",
	.options = OPTIONS_FOR(struct manifest_values, create_options),
	REGISTRY,
	.args = {2, ANY_NUMBER},
	.complete = COMPLETE_IMAGES,
	.run = create_run,
};

static int annotate_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	const struct manifest_values *v = values;
	return image_index_annotate(&cli->engine.images, args->items[0], args->items[1],
				    &v->platform, &cli->arena, e);
}

static const struct option annotate_options[] = {
	{"arch", 0, OPTION_STR, M(platform.architecture), .help = "Set architecture"},
	{"os", 0, OPTION_STR, M(platform.os), .help = "Set operating system"},
	{"os-features", 0, OPTION_LIST, M(platform.os_features), .arg = "stringSlice",
	 .help = "Set operating system feature"},
	{"os-version", 0, OPTION_STR, M(platform.os_version),
	 .help = "Set operating system version"},
	{"variant", 0, OPTION_STR, M(platform.variant), .help = "Set architecture variant"},
};

const struct command command_manifest_annotate = {
	.names = NAMES("manifest annotate"),
	.synopsis = "[OPTIONS] MANIFEST_LIST MANIFEST",
	.summary = "Add additional information to a local image manifest",
	.text = "The image is named as it was for create.",
	.options = OPTIONS_FOR(struct manifest_values, annotate_options),
	.args = {2, 2},
	.complete = COMPLETE_IMAGES,
	.run = annotate_run,
};

static int rm_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	for (size_t i = 0; i < args->count; i++) {
		int r = image_index_remove(&cli->engine.images, args->items[i], &cli->arena, e);
		if (r < 0)
			return r;
	}
	return 0;
}

const struct command command_manifest_rm = {
	.names = NAMES("manifest rm"),
	.synopsis = "MANIFEST_LIST [MANIFEST_LIST...]",
	.summary = "Delete one or more manifest lists from local storage",
	.text = "What was pushed of them stays in the registry.",
	.args = {1, ANY_NUMBER},
	.run = rm_run,
};

/* --- push --- */

static int push_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	struct manifest_values *v = values;
	struct image_store *store = &cli->engine.images;
	struct image_pushed pushed;
	int r = image_index_push(store, args->items[0], registry_of(v), &cli->arena, &pushed, e);
	if (r == 0 && v->purge)
		r = image_index_remove(store, args->items[0], &cli->arena, e);
	if (r == 0)
		puts(pushed.digest);
	return r;
}

static const struct option push_options[] = {
	INSECURE,
	{"purge", 'p', OPTION_BOOL, M(purge), .help = "Remove the local manifest list after push"},
};

const struct command command_manifest_push = {
	.names = NAMES("manifest push"),
	.synopsis = "[OPTIONS] MANIFEST_LIST",
	.summary = "Push a manifest list to a repository",
	.text = "Images of other repositories of the same registry are mounted from there; those "
		"of "
		"other registries are refused. Prints the digest of the list.",
	.options = OPTIONS_FOR(struct manifest_values, push_options),
	REGISTRY,
	.args = {1, 1},
	.run = push_run,
};
