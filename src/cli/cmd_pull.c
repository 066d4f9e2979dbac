/* SPDX-License-Identifier: Apache-2.0 */
/* hull pull: images from registries. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/progress.h"
#include "cli/registry_options.h"

static const struct option registry_option_items[] = {
	{"cert-dir", 0, OPTION_STR, .offset = offsetof(struct image_registry, cert_dir),
	 .arg = "dir",
	 .help = "Folder with certificates for the registry, instead of certs.d/HOST"},
	{"tls-verify", 0, OPTION_TRI, .offset = offsetof(struct image_registry, tls_verify),
	 .help = "Require https, and a certificate that can be verified"},
};
const struct option_table registry_option_table = OPTIONS(registry_option_items);

struct pull_values {
	struct image_registry registry;
	char *platform;
	bool all_tags, quiet;
};

const struct progress_words pull_words = {"Pulling fs layer", "Downloading", "Pull complete",
					  "Already exists"};

/* "1.36" of "docker.io/library/busybox:1.36", or the digest. */
static const char *tag_of(const struct image_reference *ref)
{
	return ref->digest ? ref->digest : ref->tag;
}

int pull_one(struct cli *cli, const struct image_pull *req, FILE *to, struct image_pulled *ret,
	     struct err *e)
{
	struct image_reference ref;
	struct image_pull own = *req;
	struct progress *p = arena_new(&cli->arena, struct progress);
	*p = (struct progress){.words = &pull_words, .to = to};
	int r = image_reference_parse(req->reference, &cli->arena, &ref, e);
	if (r < 0)
		return r;
	if (to) {
		p->terminal = isatty(fileno(to));
		own.progress = progress_show;
		own.ctx = p;
		fprintf(to, "%s: Pulling from %s\n", tag_of(&ref),
			strcmp(ref.domain, "docker.io") ? arena_printf(&cli->arena, "%s", ref.path)
							: ref.path);
		fflush(to);
	}
	r = image_pull(&cli->engine.images, &own, &cli->arena, ret, e);
	if (r < 0 || !to)
		return r;
	fprintf(to, "Digest: %s\n", ret->digest);
	fprintf(to, "Status: %s %s\n",
		ret->newer ? "Downloaded newer image for" : "Image is up to date for",
		ret->familiar);
	fflush(to);
	return 0;
}

static int pull_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	const struct pull_values *v = values;
	struct image_pulled pulled;
	struct image_reference ref;
	struct strv names = {0};
	struct image_pull req = {
		.reference = args->items[0], .platform = v->platform, .registry = v->registry};
	int r = image_reference_parse(req.reference, &cli->arena, &ref, e);
	if (r < 0)
		return r;
	const char *slash = strrchr(req.reference, '/');
	if (v->all_tags && (ref.digest || strchr(slash ? slash : req.reference, ':')))
		return err_set(e, EINVAL, ERR_INVALID, "tag can't be used with --all-tags/-a");
	if (!v->all_tags) {
		if (!v->quiet && ref.tag && !ref.digest &&
		    !strchr(slash ? slash : req.reference, ':'))
			printf("Using default tag: %s\n", ref.tag);
		strv_push(&cli->arena, &names, req.reference);
	} else {
		r = image_remote_tags(&cli->engine.images, &req, &cli->arena, &names, e);
	}
	for (size_t i = 0; r == 0 && i < names.count; i++) {
		req.reference = names.items[i];
		r = pull_one(cli, &req, v->quiet ? NULL : stdout, &pulled, e);
	}
	if (r < 0)
		return r;
	ref.tag = v->all_tags ? NULL : ref.tag;
	puts(image_reference_full(&ref, &cli->arena));
	return 0;
}

#define O(member) .offset = offsetof(struct pull_values, member)
static const struct option options[] = {
	{"all-tags", 'a', OPTION_BOOL, O(all_tags),
	 .help = "Download all tagged images in the repository"},
	{"platform", 0, OPTION_STR, O(platform),
	 .help = "Set platform if server is multi-platform capable"},
	{"quiet", 'q', OPTION_BOOL, O(quiet), .help = "Suppress verbose output"},
};

const struct command command_pull = {
	.names = NAMES("pull", "image pull"),
	.synopsis = "[OPTIONS] NAME[:TAG|@DIGEST]",
	.summary = "Download an image from a registry",
	.text = "Layers come side by side, each unpacked as it arrives, and what is here is not "
		"fetched again. A name without a registry is one of docker.io. Where a registry "
		"or its mirrors are, and which are insecure, is read from "
		"containers-registries.conf(5); who we are there from docker's config.json.",
	.options = OPTIONS(options),
	.values_size = sizeof(struct pull_values),
	.more = {{&registry_option_table, offsetof(struct pull_values, registry)}},
	.args_min = 1,
	.args_max = 1,
	.flags = COMMAND_COMMON,
	.complete = COMPLETE_IMAGE_ONCE,
	.run = pull_run,
};
