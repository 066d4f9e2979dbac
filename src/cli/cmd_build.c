/* SPDX-License-Identifier: Apache-2.0 */
/* hull build. What is built how: build/build.h. Progress and failures go to stderr, as BuildKit's.
 * Options of docker's that would have no effect here are refused with the reason, or get a word. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/json.h"
#include "build/build.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/create_options.h"
#include "cli/registry_options.h"
#include "cli/resource_option.h"

/* --output */
struct build_out {
	enum { OUT_IMAGE, OUT_LOCAL, OUT_TAR, OUT_ARCHIVE } type;
	char *dest;
};

struct build_values {
	struct build_request request;
	struct strv labels, security;
	char *iidfile, *metadata_file, *progress;
	struct build_out output;
	bool rm, force_rm, compress, load, push;
	char none; /* of options that only check what they are given */
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
		return err_hint(
			e, "default, or ID=SOCKET; without a socket SSH_AUTH_SOCK must name one");
	}
	*(struct build_agent *)array_push(a, field, sizeof(struct build_agent)) =
		(struct build_agent){arena_strndup(a, value, n), arena_strdup(a, socket)};
	return 0;
}

static int set_platform(void *field, const char *value, struct arena *a, struct err *e)
{
	int r = build_platform_parse(value, a, field, e);
	if (r < 0)
		e->kind = ERR_USAGE;
	return r;
}

/* NAME=FOLDER, or NAME=docker-image://IMAGE */
static int set_context(void *field, const char *value, struct arena *a, struct err *e)
{
	static const char image[] = "docker-image://";
	const char *what = strchr(value, '=');
	if (!what || what == value || !what[1])
		return err_set(e, EINVAL, ERR_USAGE,
			       "use NAME=FOLDER or NAME=docker-image://IMAGE");
	struct build_named named = {.name = arena_strndup(a, value, (size_t)(what++ - value))};
	if (!strncmp(what, image, sizeof(image) - 1))
		named.image = arena_strdup(a, what + sizeof(image) - 1);
	else if (strstr(what, "://") || !strncmp(what, "git@", 4) || !strncmp(what, "target:", 7))
		return err_set(e, ENOTSUP, ERR_USAGE,
			       "hull takes folders and docker-image://IMAGE: clone or unpack other "
			       "sources first");
	else
		named.folder = arena_strdup(a, what);
	*(struct build_named *)array_push(a, field, sizeof(named)) = named;
	return 0;
}

static int set_stages(void *field, const char *value, struct arena *a, struct err *e)
{
	char *rest = arena_strdup(a, value);
	for (char *part; (part = strsep(&rest, ","));) {
		if (!*part)
			return err_set(e, EINVAL, ERR_USAGE,
				       "use the names of stages: STAGE,STAGE");
		strv_push(a, field, part);
	}
	return 0;
}

static int set_allow(void *field, const char *value, struct arena *a, struct err *e)
{
	if (strcmp(value, "network.host"))
		return err_set(e, ENOTSUP, ERR_USAGE,
			       "only network.host can be allowed: every step has the sandbox of "
			       "hull run");
	*(bool *)field = true;
	return 0;
}

static int check_attestation(void *field, const char *value, struct arena *a, struct err *e)
{
	if (!strcmp(value, "false") || !strcmp(value, "0") || !strcmp(value, "disabled=true"))
		return 0;
	return err_set(e, ENOTSUP, ERR_USAGE,
		       "hull makes no attestations: leave it out, or say false");
}

static int check_builder(void *field, const char *value, struct arena *a, struct err *e)
{
	if (!*value || !strcmp(value, "default"))
		return 0;
	return err_set(e, ENOTSUP, ERR_USAGE,
		       "hull builds itself, and has no builder but \"default\"");
}

static int check_isolation(void *field, const char *value, struct arena *a, struct err *e)
{
	if (!*value || !strcmp(value, "default"))
		return 0;
	return err_set(e, ENOTSUP, ERR_USAGE, "on Linux there is \"default\" only");
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

static int write_file(const char *option, const char *path, const char *text, struct err *e)
{
	if (!path || !*path)
		return 0;
	CLEANUP_FD int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	int r = fd < 0 ? -errno : fd_write_full(fd, text, strlen(text));
	return r < 0 ? err_errno(e, r, "%s %s", option, path) : 0;
}

/* buildx's keys. @pushed: the digest of the manifest, or NULL. */
static int write_metadata(struct cli *cli, const struct build_values *v, const char *id,
			  const char *pushed, struct err *e)
{
	CLEANUP_JSON struct json_object *o = json_object_new_object();
	CLEANUP_STRBUF struct strbuf names = STRBUF_MAX(1 << 20), text = STRBUF_MAX(2 << 20);
	const struct strv *tags = &v->request.tags;
	struct image_reference ref;
	char *digest = arena_printf(&cli->arena, "sha256:%s", id);
	for (size_t i = 0; i < tags->count; i++)
		if (image_reference_parse(tags->items[i], &cli->arena, &ref, e) == 0)
			strbuf_printf(&names, "%s%s", i ? "," : "",
				      image_reference_full(&ref, &cli->arena));
	json_add_string(o, "containerimage.config.digest", digest);
	json_add_string(o, "containerimage.digest", pushed ? pushed : digest);
	if (tags->count)
		json_add_string(o, "image.name", strbuf_text(&names));
	json_print(&text, o, 0);
	return write_file("--metadata-file", v->metadata_file, strbuf_text(&text), e);
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

/* What is said about the result fits what becomes of it. */
static int check_result(const struct build_values *v, struct err *e)
{
	bool files = v->output.type == OUT_LOCAL || v->output.type == OUT_TAR;
	const char *option = v->push                                 ? "--push"
			     : v->load                               ? "--load"
			     : v->metadata_file && *v->metadata_file ? "--metadata-file"
								     : NULL;
	if (files && option)
		return err_set(e, EINVAL, ERR_USAGE,
			       "%s is for an image, and --output asks for files", option);
	if (v->push && !v->request.tags.count)
		return err_set(e, EINVAL, ERR_USAGE,
			       "--push: tag is needed when pushing to registry (-t NAME)");
	return 0;
}

/* The image is there: to the registry, and into the files that tell of it. */
static int hand_out(struct cli *cli, const struct build_values *v, const char *id,
		    struct progress *p, struct err *e)
{
	const struct build_request *q = &v->request;
	struct image_pushed pushed;
	int r = 0;
	for (size_t i = 0; v->push && r == 0 && i < q->tags.count; i++)
		r = push_one(cli, &q->registry, q->tags.items[i], p, &pushed, e);
	if (r == 0)
		r = write_file("--iidfile", v->iidfile, arena_printf(&cli->arena, "sha256:%s", id),
			       e);
	if (r == 0 && v->metadata_file && *v->metadata_file)
		r = write_metadata(cli, v, id, v->push ? pushed.digest : NULL, e);
	if (r == 0 && q->quiet)
		printf("sha256:%s\n", id);
	return r;
}

static int build_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	struct build_values *v = values;
	struct build_request *q = &v->request;
	char id[ID_LEN + 1];
	struct progress *p = arena_new(&cli->arena, struct progress);
	if (progress_form(v->progress, stderr, &p->form, e) < 0)
		return -e->number;
	q->tty = p->form == PROGRESS_TTY;
	q->json = p->form == PROGRESS_JSON;
	p->to = q->quiet ? NULL : q->json ? stdout : stderr;
	if (q->json && (v->output.type == OUT_TAR || v->output.type == OUT_ARCHIVE) &&
	    !v->output.dest)
		return err_set(e, EINVAL, ERR_USAGE,
			       "--progress json and --output - both write to standard output");
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
	int r = check_result(v, e);
	if (r == 0)
		r = security_options_read(&v->security, &q->limits.host, &cli->arena, e);
	if (r < 0)
		return r;
	if (v->compress)
		cli_notice("--compress has no effect: the context is read where it lies");
	r = v->output.type == OUT_TAR && !q->check
		    ? cli_write_archive(cli, v->output.dest, build_tar, &w, e)
		    : build_image(&cli->engine, q, &cli->arena, id, e);
	cli_warn(cli);
	if (r == 0 && v->output.type == OUT_ARCHIVE && !q->check)
		r = cli_write_archive(cli, v->output.dest, save_image, &w, e);
	if (q->check)
		return r;
	if (r == 0 && q->output == BUILD_IMAGE)
		r = hand_out(cli, v, id, p, e);
	return progress_result(p, r, e);
}

#define O(member) .offset = offsetof(struct build_values, member)
#define Q(member) O(request.member)
static const struct option options[] = {
	{"add-host", 0, OPTION_CUSTOM, Q(extra_hosts), .arg = "strings", .set = set_host,
	 .help = "Add a custom host-to-IP mapping (format: \"host:ip\")"},
	{"allow", 0, OPTION_CUSTOM, Q(allow_host_network), .arg = "stringArray", .set = set_allow,
	 .help = "Allow RUN --network=host (\"network.host\")"},
	{"annotation", 0, OPTION_REFUSED,
	 .help = "an image has its manifest only when it is saved or pushed; use --label"},
	{"build-arg", 0, OPTION_CUSTOM, Q(args), .arg = "stringArray", .set = set_build_arg,
	 .help = "Set build-time variables"},
	{"build-context", 0, OPTION_CUSTOM, Q(contexts), .arg = "stringArray", .set = set_context,
	 .help = "What a name in FROM, COPY --from and RUN --mount=from is (format: "
		 "\"name=folder\", \"name=docker-image://image\")"},
	{"builder", 0, OPTION_CUSTOM, O(none), .arg = "string", .set = check_builder,
	 .help = "Taken for docker's sake: \"default\" only"},
	{"cache-from", 0, OPTION_CUSTOM, Q(cache_from), .arg = "stringArray", .set = set_cache_from,
	 .help = "Images to consider as cache sources"},
	{"cache-to", 0, OPTION_CUSTOM, Q(cache_inline), .arg = "stringArray", .set = set_cache_to,
	 .help = "Keep in the image what its steps were, for --cache-from (type=inline)"},
	{"cgroup-parent", 0, OPTION_STR, Q(limits.host.cgroup_parent),
	 .help = "Parent cgroup for the containers of \"RUN\""},
	{"check", 0, OPTION_BOOL, Q(check),
	 .help = "Do not build; tell what in the Dockerfile may not be meant"},
	{"compress", 0, OPTION_BOOL, O(compress),
	 .help = "Taken for docker's sake: no context is sent anywhere"},
	{"file", 'f', OPTION_STR, Q(file),
	 .help = "Name of the Dockerfile (default: \"PATH/Dockerfile\", then Containerfile)"},
	{"force-rm", 0, OPTION_BOOL, OPTION_HIDDEN, O(force_rm),
	 .help = "Taken for docker's sake: no step's container is ever kept"},
	{"iidfile", 0, OPTION_STR, O(iidfile), .help = "Write the image ID to a file"},
	{"isolation", 0, OPTION_CUSTOM, O(none), .arg = "string", .set = check_isolation,
	 .help = "Taken for docker's sake: \"default\" only"},
	{"label", 0, OPTION_CUSTOM, O(labels), .arg = "stringArray", .set = option_set_label,
	 .help = "Set metadata for an image"},
	{"load", 0, OPTION_BOOL, O(load),
	 .help = "Keep the image in the store, which is done anyway; not with --output of files"},
	{"metadata-file", 0, OPTION_STR, O(metadata_file),
	 .help = "Write the image's digests and names to a file, as JSON"},
	{"network", 0, OPTION_STR, Q(network), .initial = "default",
	 .help = "Set the networking mode for the \"RUN\" instructions during build "
		 "(as of hull run)"},
	{"no-cache", 0, OPTION_BOOL, Q(no_cache),
	 .help = "Do not use cache when building the image"},
	{"no-cache-filter", 0, OPTION_CUSTOM, Q(no_cache_stages), .arg = "stringArray",
	 .set = set_stages, .help = "Do not cache specified stages"},
	{"output", 'o', OPTION_CUSTOM, O(output), .arg = "output", .set = set_output,
	 .help = "Output destination (a folder, - for a tar, or "
		 "type=local|tar|docker|oci,dest=path)"},
	{"platform", 0, OPTION_CUSTOM, Q(platform), .arg = "string", .set = set_platform,
	 .help = "Build for another platform, which FROM's images are taken for"},
	{"progress", 0, OPTION_STR, O(progress), .initial = "auto", .arg = PROGRESS_FORMS,
	 .help = "How steps are shown: as lines, in place on a terminal (auto: if stderr is "
		 "one), or on stdout as lines of JSON, as docker's API has them"},
	{"provenance", 0, OPTION_CUSTOM, O(none), .arg = "false", .set = check_attestation,
	 .help = "Taken for docker's sake: hull makes no attestations"},
	{"pull", 0, OPTION_BOOL, Q(pull), .help = "Always attempt to pull all referenced images"},
	{"push", 0, OPTION_BOOL, O(push), .help = "Push the image by all its names afterwards"},
	{"quiet", 'q', OPTION_BOOL, Q(quiet),
	 .help = "Suppress the build output and print image ID on success"},
	{"rm", 0, OPTION_BOOL, OPTION_HIDDEN, O(rm), .initial = "true",
	 .help = "Taken for docker's sake: no step's container is ever kept"},
	{"sbom", 0, OPTION_CUSTOM, O(none), .arg = "false", .set = check_attestation,
	 .help = "Taken for docker's sake: hull makes no attestations"},
	{"secret", 0, OPTION_CUSTOM, Q(secrets), .arg = "stringArray", .set = set_secret,
	 .help = "Secret to expose to the build (format: "
		 "\"id=mysecret[,src=/local/secret][,env=NAME]\")"},
	{"security-opt", 0, OPTION_LIST, O(security), .arg = "stringArray",
	 .help = "Security options of \"RUN\", as of hull run"},
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
	.options = OPTIONS_FOR(struct build_values, options),
	.more = {{&build_limit_option_table, offsetof(struct build_values, request.limits)},
		 {&registry_option_table, offsetof(struct build_values, request.registry)}},
	.args = {1, 1},
	.run = build_run,
};
