/* SPDX-License-Identifier: Apache-2.0 */
/* hull build. What is built how: build/build.h. Progress and failures go to stderr, as BuildKit's.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "build/build.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/create_options.h"
#include "cli/resource_option.h"

/* --output */
struct build_out {
	enum { OUT_IMAGE, OUT_LOCAL, OUT_TAR, OUT_ARCHIVE } type;
	char *dest;
};

struct build_values {
	struct build_request request;
	struct strv labels;
	char *iidfile;
	struct build_out output;
	bool rm, force_rm;
};

/* HOST:IP or HOST=IP; the engine wants the colon. */
static int set_host(void *field, const char *value, struct arena *a, struct err *e)
{
	size_t n = strcspn(value, ":=");
	if (!n || !value[n] || !value[n + 1])
		return err_set(e, EINVAL, ERR_USAGE, "bad format for add-host: \"%s\"", value);
	strv_push(a, field, arena_printf(a, "%.*s:%s", (int)n, value, value + n + 1));
	return 0;
}

static int set_build_arg(void *field, const char *value, struct arena *a, struct err *e)
{
	if (!*value || *value == '=')
		return err_set(e, EINVAL, ERR_USAGE, "invalid environment variable: %s", value);
	if (strchr(value, '='))
		strv_set_env(a, field, value);
	else
		strv_push(a, field, value);
	return 0;
}

/* id=ID[,src=FILE][,env=NAME][,type=file|env] */
static int set_secret(void *field, const char *value, struct arena *a, struct err *e)
{
	struct build_secret secret = {0};
	char *rest = arena_strdup(a, value);
	for (char *part; (part = strsep(&rest, ","));) {
		char *text = strchr(part, '=');
		if (!text)
			return err_set(e, EINVAL, ERR_USAGE,
				       "invalid field '%s' must be a key=value "
				       "pair",
				       part);
		*text++ = '\0';
		if (!strcmp(part, "id"))
			secret.id = text;
		else if (!strcmp(part, "src") || !strcmp(part, "source"))
			secret.source = text;
		else if (!strcmp(part, "env"))
			secret.env = text;
		else if (strcmp(part, "type") || (strcmp(text, "file") && strcmp(text, "env")))
			return err_set(e, EINVAL, ERR_USAGE, "unexpected key '%s' in '%s'", part,
				       value);
	}
	if (!secret.id || !*secret.id)
		return err_set(e, EINVAL, ERR_USAGE, "invalid secret '%s': it has no id", value);
	*(struct build_secret *)array_push(a, field, sizeof(secret)) = secret;
	return 0;
}

/* IMAGE, or type=registry,ref=IMAGE. */
static int set_cache_from(void *field, const char *value, struct arena *a, struct err *e)
{
	static const char type[] = "type=registry,ref=";
	const char *name =
		!strncmp(value, type, sizeof(type) - 1) ? value + sizeof(type) - 1 : value;
	if (!*name || strpbrk(name, ",="))
		return err_set(e, EINVAL, ERR_USAGE,
			       "--cache-from %s: use the name of an image, or "
			       "type=registry,ref=IMAGE",
			       value);
	strv_push(a, field, name);
	return 0;
}

static int set_cache_to(void *field, const char *value, struct arena *a, struct err *e)
{
	if (strcmp(value, "type=inline"))
		return err_set(e, ENOTSUP, ERR_USAGE,
			       "--cache-to %s: hull keeps a cache for others in the image only "
			       "(type=inline)",
			       value);
	*(bool *)field = true;
	return 0;
}

/* ID[=SOCKET]: that of $SSH_AUTH_SOCK. */
static int set_ssh(void *field, const char *value, struct arena *a, struct err *e)
{
	size_t n = strcspn(value, "=");
	const char *socket = value[n] ? value + n + 1 : getenv("SSH_AUTH_SOCK");
	if (!n || !socket || !*socket) {
		err_set(e, EINVAL, ERR_USAGE, "invalid ssh agent: \"%s\"", value);
		err_hint(e, "default, or ID=SOCKET; without a socket SSH_AUTH_SOCK must name one");
		return -EINVAL;
	}
	*(struct build_agent *)array_push(a, field, sizeof(struct build_agent)) =
		(struct build_agent){arena_strndup(a, value, n), arena_strdup(a, socket)};
	return 0;
}

/* OS/ARCHITECTURE[/VARIANT], or the architecture alone. */
static int set_platform(void *field, const char *value, struct arena *a, struct err *e)
{
	const char *text = strchr(value, '/') ? value : arena_printf(a, "linux/%s", value);
	if (strchr(value, ','))
		return err_set(e, ENOTSUP, ERR_USAGE,
			       "--platform %s: a build is for one platform; build them one by one",
			       value);
	if (strncmp(text, "linux/", 6) || !text[6] ||
	    text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789/_")])
		return err_set(e, EINVAL, ERR_USAGE,
			       "--platform %s: use linux/ARCHITECTURE, as linux/arm64", value);
	*(const char **)field = text;
	return 0;
}

/* DIR, "-", or type=local|tar|docker|oci|image,dest=PATH */
static int set_output(void *field, const char *value, struct arena *a, struct err *e)
{
	static const char *const types[] = {"image", "local", "tar", "docker", "oci"};
	struct build_out out = {.type = OUT_LOCAL};
	char *rest = arena_strdup(a, value);
	if (!strchr(value, '=')) {
		out.type = strcmp(value, "-") ? OUT_LOCAL : OUT_TAR;
		out.dest = rest;
		rest = NULL;
	}
	for (char *part; (part = strsep(&rest, ","));) {
		size_t i = 0;
		if (!strncmp(part, "type=", 5)) {
			while (i < ARRAY_LEN(types) && strcmp(part + 5, types[i]))
				i++;
			if (i == ARRAY_LEN(types))
				return err_set(e, EINVAL, ERR_USAGE,
					       "use type=local, tar, docker, oci or image");
			out.type = i > OUT_ARCHIVE ? OUT_ARCHIVE : i;
		} else if (!strncmp(part, "dest=", 5)) {
			out.dest = part + 5;
		} else {
			return err_set(e, EINVAL, ERR_USAGE, "unknown key in '%s'", part);
		}
	}
	if (out.type == OUT_LOCAL && !out.dest)
		return err_set(e, EINVAL, ERR_USAGE, "type=local needs dest=DIR");
	if (out.dest && !strcmp(out.dest, "-"))
		out.dest = NULL;
	*(struct build_out *)field = out;
	return 0;
}

static int write_id(const char *path, const char *id, struct err *e)
{
	CLEANUP_FD int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	int r = fd < 0 ? -errno : fd_write_full(fd, "sha256:", 7);
	if (r == 0)
		r = fd_write_full(fd, id, strlen(id));
	return r < 0 ? err_errno(e, r, "--iidfile %s", path) : 0;
}

struct work {
	struct build_request *q;
	char *id;
};

static int build_tar(struct cli *cli, int fd, void *ctx, struct err *e)
{
	struct work *w = ctx;
	w->q->output_fd = fd;
	return build_image(&cli->engine, w->q, &cli->arena, w->id, e);
}

/* By its names, or without any. */
static int save_image(struct cli *cli, int fd, void *ctx, struct err *e)
{
	const struct work *w = ctx;
	struct image_save save = {.names = w->q->tags, .fd = fd};
	if (!save.names.count)
		strv_push(&cli->arena, &save.names, w->id);
	return image_save(&cli->engine.images, &save, e);
}

static int build_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	struct build_values *v = values;
	struct build_request *q = &v->request;
	char id[ID_LEN + 1];
	static const char *const shown[] = {"auto", "plain", "tty"};
	size_t how = 0;
	while (how < ARRAY_LEN(shown) && strcmp(q->progress, shown[how]))
		how++;
	if (how == ARRAY_LEN(shown))
		return err_set(e, EINVAL, ERR_USAGE,
			       "invalid progress mode \"%.32s\": use auto, plain or tty",
			       q->progress);
	q->progress = how ? shown[how] : NULL;
	q->context = args->items[0];
	q->cache_inline |= !strcmp(strv_get_env(&q->args, "BUILDKIT_INLINE_CACHE") ?: "", "1");
	if (q->squash && q->cache_inline)
		return err_set(e, EINVAL, ERR_USAGE,
			       "--squash and --cache-to type=inline exclude each other: the image "
			       "has no layer of a step of its own");
	if (!strcmp(q->network, "default"))
		q->network = cli->settings.network ? cli->settings.network : "bridge";
	for (size_t i = 0; i < v->labels.count; i++)
		kvs_set_pair(&cli->arena, &q->labels, v->labels.items[i]);
	struct work w = {q, id};
	q->output = v->output.type == OUT_LOCAL ? BUILD_FILES
		    : v->output.type == OUT_TAR ? BUILD_TAR
						: BUILD_IMAGE;
	q->output_dir = v->output.dest;
	int r = v->output.type == OUT_TAR && !q->check
			? cli_write_archive(cli, v->output.dest, build_tar, &w, e)
			: build_image(&cli->engine, q, &cli->arena, id, e);
	cli_warn(cli);
	if (r == 0 && v->output.type == OUT_ARCHIVE && !q->check)
		r = cli_write_archive(cli, v->output.dest, save_image, &w, e);
	if (q->check)
		return r;
	if (q->output != BUILD_IMAGE)
		return r;
	if (r == 0 && v->iidfile && *v->iidfile)
		r = write_id(v->iidfile, id, e);
	if (r == 0 && q->quiet)
		printf("sha256:%s\n", id);
	return r;
}

#define O(member) .offset = offsetof(struct build_values, member)
#define Q(member) O(request.member)
static const struct option options[] = {
	{"add-host", 0, OPTION_CUSTOM, Q(extra_hosts), .arg = "strings", .set = set_host,
	 .help = "Add a custom host-to-IP mapping (format: \"host:ip\")"},
	{"build-arg", 0, OPTION_CUSTOM, Q(args), .arg = "stringArray", .set = set_build_arg,
	 .help = "Set build-time variables"},
	{"cache-from", 0, OPTION_CUSTOM, Q(cache_from), .arg = "stringArray", .set = set_cache_from,
	 .help = "Images to consider as cache sources"},
	{"cache-to", 0, OPTION_CUSTOM, Q(cache_inline), .arg = "stringArray", .set = set_cache_to,
	 .help = "Keep in the image what its steps were, for --cache-from (type=inline)"},
	{"check", 0, OPTION_BOOL, Q(check),
	 .help = "Do not build; tell what in the Dockerfile may not be meant"},
	{"file", 'f', OPTION_STR, Q(file),
	 .help = "Name of the Dockerfile (default: \"PATH/Dockerfile\", then Containerfile)"},
	{"force-rm", 0, OPTION_BOOL, OPTION_HIDDEN, O(force_rm),
	 .help = "Taken for docker's sake: no step's container is ever kept"},
	{"iidfile", 0, OPTION_STR, O(iidfile), .help = "Write the image ID to a file"},
	{"label", 0, OPTION_CUSTOM, O(labels), .arg = "stringArray", .set = option_set_label,
	 .help = "Set metadata for an image"},
	{"network", 0, OPTION_STR, Q(network), .initial = "default",
	 .help = "Set the networking mode for the \"RUN\" instructions during build "
		 "(as of hull run)"},
	{"no-cache", 0, OPTION_BOOL, Q(no_cache),
	 .help = "Do not use cache when building the image"},
	{"output", 'o', OPTION_CUSTOM, O(output), .arg = "output", .set = set_output,
	 .help = "Output destination (a folder, - for a tar, or "
		 "type=local|tar|docker|oci,dest=path)"},
	{"platform", 0, OPTION_CUSTOM, Q(platform), .arg = "string", .set = set_platform,
	 .help = "Build for another platform, which FROM's images are taken for"},
	{"progress", 0, OPTION_STR, Q(progress), .initial = "auto", .arg = "auto|plain|tty",
	 .help = "How steps are shown: as lines, or in place on a terminal (auto: if stderr is "
		 "one)"},
	{"pull", 0, OPTION_BOOL, Q(pull), .help = "Always attempt to pull all referenced images"},
	{"quiet", 'q', OPTION_BOOL, Q(quiet),
	 .help = "Suppress the build output and print image ID on success"},
	{"rm", 0, OPTION_BOOL, OPTION_HIDDEN, O(rm), .initial = "true",
	 .help = "Taken for docker's sake: no step's container is ever kept"},
	{"secret", 0, OPTION_CUSTOM, Q(secrets), .arg = "stringArray", .set = set_secret,
	 .help = "Secret to expose to the build (format: "
		 "\"id=mysecret[,src=/local/secret][,env=NAME]\")"},
	{"squash", 0, OPTION_BOOL, Q(squash),
	 .help = "Make one layer of those that are built (--output of files has none)"},
	{"ssh", 0, OPTION_CUSTOM, Q(agents), .arg = "stringArray", .set = set_ssh,
	 .help = "SSH agent for RUN --mount=type=ssh (format: \"default\" or \"id=socket\")"},
	{"tag", 't', OPTION_LIST, Q(tags), .arg = "stringArray",
	 .help = "Name and optionally a tag (format: \"name:tag\")"},
	{"target", 0, OPTION_STR, Q(target), .help = "Set the target build stage to build"},
};

const struct command command_build = {
	.names = NAMES("build", "image build", "builder build"),
	.synopsis = "[OPTIONS] PATH | -",
	.summary = "Build an image from a Dockerfile",
	.text = "Each step that changes files is a layer. A step that was done before, upon the "
		"same files, with the same words and the same sources, is not done again; labels, "
		"ports and commands are no part of that. RUN has the sandbox of hull run. With - a "
		"tar on standard input is the context, or a Dockerfile that has none. Images that "
		"FROM names are pulled "
		"if they are not here. What differs from docker's BuildKit, and why: "
		"docs/build.md.",
	.options = OPTIONS(options),
	.values_size = sizeof(struct build_values),
	.more = {{&build_limit_option_table, offsetof(struct build_values, request.limits)}},
	.args_min = 1,
	.args_max = 1,
	.run = build_run,
};
