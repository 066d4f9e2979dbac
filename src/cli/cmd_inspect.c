/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hull inspect and its kin of one kind: container inspect, image inspect, network inspect, secret
 * inspect, volume inspect. Several names give one JSON array; with --format each object is put
 * through the Go template. What is not found is told at the end, and the exit code is 1. Kinds are
 * tried in docker's order.
 */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/object_format.h"
#include "engine/network.h"
#include "engine/secret.h"
#include "template/template.h"

struct inspect_values {
	char *format, *type, *platform;
	bool size, pretty, data;
};

static int find_container(struct cli *cli, const char *name, const struct inspect_values *v,
			  struct json_object **ret, struct err *e)
{
	return container_inspect(&cli->engine, name, v->size, ret, e);
}

static int find_image(struct cli *cli, const char *name, const struct inspect_values *v,
		      struct json_object **ret, struct err *e)
{
	return image_inspect(&cli->engine.images, name, ret, e);
}

static int find_volume(struct cli *cli, const char *name, const struct inspect_values *v,
		       struct json_object **ret, struct err *e)
{
	return volume_inspect(&cli->engine, name, ret, e);
}

static int find_network(struct cli *cli, const char *name, const struct inspect_values *v,
			struct json_object **ret, struct err *e)
{
	return network_inspect(&cli->engine, name, ret, e);
}

static int find_secret(struct cli *cli, const char *name, const struct inspect_values *v,
		       struct json_object **ret, struct err *e)
{
	return secret_inspect(&cli->engine, name, v->data, ret, e);
}

static const struct inspect_kind {
	const char *name;
	int (*find)(struct cli *cli, const char *name, const struct inspect_values *v,
		    struct json_object **ret, struct err *e);
} kinds[] = {{"container", find_container},
	     {"image", find_image},
	     {"network", find_network},
	     {"volume", find_volume},
	     {"secret", find_secret}};

static int find(struct cli *cli, const char *name, const struct inspect_values *v,
		struct json_object **ret, struct err *e)
{
	int r = -ENOENT;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (v->type && *v->type && strcmp(v->type, kinds[i].name))
			continue;
		r = kinds[i].find(cli, name, v, ret, e);
		/* Another kind's name rules may refuse this name altogether. */
		if (r >= 0 || (r != -ENOENT && r != -EINVAL))
			return r;
	}
	if (r == -EINVAL || !v->type || !*v->type)
		err_set(e, ENOENT, ERR_NOT_FOUND, "No such %s: %s",
			v->type && *v->type ? v->type : "object", name);
	return -e->number;
}

static int inspect(struct cli *cli, const struct inspect_values *v, const struct strv *names,
		   struct err *e)
{
	struct template *t CLEANUP_TEMPLATE = NULL;
	struct strbuf out CLEANUP_STRBUF = STRBUF_MAX(TEMPLATE_OUTPUT_MAX);
	CLEANUP_JSON struct json_object *list = json_object_new_array();
	struct strv failures = {0};
	/* All in one list, as docker has it for this word alone. */
	bool json = v->format && !strcmp(v->format, "json");
	int r = object_format_open(json ? NULL : v->format, &t, e);
	for (size_t i = 0; r == 0 && i < names->count; i++) {
		struct json_object *o = NULL;
		if (image_require_platform(&cli->engine.images, names->items[i], v->platform,
					   &cli->arena, e) < 0 ||
		    find(cli, names->items[i], v, &o, e) < 0) {
			strv_push(&cli->arena, &failures, e->text);
			continue;
		}
		json_object_array_add(list, o);
		if (t)
			r = object_format_put(t, o, &out, e);
	}
	if (r < 0)
		return r;
	if (json)
		strbuf_puts(&out,
			    json_object_to_json_string_ext(
				    list, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	else if (!t)
		json_print(&out, list, 0);
	fwrite(strbuf_text(&out), 1, out.len, stdout);
	if (!t || !out.len)
		putchar('\n'); /* docker does, too, where nothing was found */
	fflush(stdout);
	for (size_t i = 0; i < failures.count; i++)
		cli_notice("Error: %s", failures.items[i]);
	return failures.count ? 1 : 0;
}

static int check_type(const char *type, struct err *e)
{
	if (!type || !*type)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (!strcmp(kinds[i].name, type))
			return 0;
	return err_set(
		e, EINVAL, ERR_INVALID,
		"unknown type: \"%s\": must be one of \"container\", \"image\", \"network\", "
		"\"volume\", \"secret\"",
		type);
}

static int inspect_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	struct inspect_values *v = values;
	int r = check_type(v->type, e);
	if (r == 0 && v->size && v->type && strcmp(v->type, "container"))
		r = err_set(e, EINVAL, ERR_INVALID, "\"size\" is not supported for type \"%s\"",
			    v->type);
	return r < 0 ? r : inspect(cli, v, args, e);
}

static int container_inspect_run(struct cli *cli, void *values, const struct strv *args,
				 struct err *e)
{
	struct inspect_values *v = values;
	v->type = "container";
	return inspect(cli, v, args, e);
}

static int image_inspect_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	struct inspect_values *v = values;
	v->type = "image";
	return inspect(cli, v, args, e);
}

static int network_inspect_run(struct cli *cli, void *values, const struct strv *args,
			       struct err *e)
{
	struct inspect_values *v = values;
	v->type = "network";
	return inspect(cli, v, args, e);
}

static int secret_inspect_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	struct inspect_values *v = values;
	v->type = "secret";
	if (v->pretty)
		v->format = "ID:              {{.ID}}\nName:              {{.Spec.Name}}"
			    "{{if .Spec.Labels}}\nLabels:{{range $k, $v := .Spec.Labels}}\n - "
			    "{{$k}}{{if $v}}={{$v}}{{end}}{{end}}{{end}}\n"
			    "Driver:            \nCreated at:        {{.CreatedAt}}\n"
			    "Updated at:        {{.UpdatedAt}}";
	return inspect(cli, v, args, e);
}

static int volume_inspect_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	struct inspect_values *v = values;
	v->type = "volume";
	return inspect(cli, v, args, e);
}

#define O(member) .offset = offsetof(struct inspect_values, member)
#define FORMAT_OPTION                                                                              \
	{                                                                                          \
		"format", 'f', OPTION_STR, O(format),                                              \
			.help = "Format output using a custom template: 'json' or a Go template"   \
	}
#define SIZE_OPTION                                                                                \
	{                                                                                          \
		"size", 's', OPTION_BOOL, O(size),                                                 \
			.help = "Display total file sizes if the type is container"                \
	}

static const struct option inspect_options[] = {
	FORMAT_OPTION,
	SIZE_OPTION,
	{"type", 0, OPTION_STR, O(type),
	 .help = "Only inspect objects of the given type (container|image|network|volume|secret)"},
};
static const struct option image_options[] = {
	FORMAT_OPTION,
	{"platform", 0, OPTION_STR, O(platform),
	 .help = "Only if the image is for this platform (os/arch, as linux/arm64)"},
};
static const struct option container_options[] = {FORMAT_OPTION, SIZE_OPTION};
static const struct option volume_options[] = {FORMAT_OPTION};
static const struct option secret_options[] = {
	FORMAT_OPTION,
	{"pretty", 0, OPTION_BOOL, O(pretty),
	 .help = "Print the information in a human friendly format"},
	{"showsecret", 0, OPTION_BOOL, O(data),
	 .help = "Show what is in it, too, as SecretData, if it is text"},
};

const struct command command_inspect = {
	.names = NAMES("inspect"),
	.synopsis = "[OPTIONS] NAME|ID [NAME|ID...]",
	.summary = "Return low-level information on hull's objects",
	.options = OPTIONS_FOR(struct inspect_values, inspect_options),
	.args = {1, ANY_NUMBER},
	.complete = COMPLETE_OBJECTS,
	.run = inspect_run,
};

const struct command command_container_inspect = {
	.names = NAMES("container inspect"),
	.synopsis = "[OPTIONS] CONTAINER [CONTAINER...]",
	.summary = "Display detailed information on one or more containers",
	.options = OPTIONS_FOR(struct inspect_values, container_options),
	.args = {1, ANY_NUMBER},
	.complete = COMPLETE_CONTAINERS,
	.run = container_inspect_run,
};

const struct command command_image_inspect = {
	.names = NAMES("image inspect"),
	.synopsis = "[OPTIONS] IMAGE [IMAGE...]",
	.summary = "Display detailed information on one or more images",
	.options = OPTIONS_FOR(struct inspect_values, image_options),
	.args = {1, ANY_NUMBER},
	.complete = COMPLETE_IMAGES,
	.run = image_inspect_run,
};

const struct command command_network_inspect = {
	.names = NAMES("network inspect"),
	.synopsis = "[OPTIONS] NETWORK [NETWORK...]",
	.summary = "Display detailed information on one or more networks",
	.options = OPTIONS_FOR(struct inspect_values, volume_options),
	.args = {1, ANY_NUMBER},
	.complete = COMPLETE_NETWORKS,
	.run = network_inspect_run,
};

const struct command command_secret_inspect = {
	.names = NAMES("secret inspect"),
	.synopsis = "[OPTIONS] SECRET [SECRET...]",
	.summary = "Display detailed information on one or more secrets",
	.options = OPTIONS_FOR(struct inspect_values, secret_options),
	.args = {1, ANY_NUMBER},
	.complete = COMPLETE_SECRETS,
	.run = secret_inspect_run,
};

const struct command command_volume_inspect = {
	.names = NAMES("volume inspect"),
	.synopsis = "[OPTIONS] VOLUME [VOLUME...]",
	.summary = "Display detailed information on one or more volumes",
	.options = OPTIONS_FOR(struct inspect_values, volume_options),
	.args = {1, ANY_NUMBER},
	.complete = COMPLETE_VOLUMES,
	.run = volume_inspect_run,
};
