/* SPDX-License-Identifier: Apache-2.0 */
/* hull pull, push: images from and to registries. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

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
	char *platform, *progress;
	bool all_tags, quiet;
};

const struct progress_words pull_words = {"Pulling fs layer", "Downloading", "Pull complete",
					  "Already exists"};

/* "1.36" of "docker.io/library/busybox:1.36", or the digest. */
static const char *tag_of(const struct image_reference *ref)
{
	return ref->digest ? ref->digest : ref->tag;
}

int pull_one(struct cli *cli, const struct image_pull *req, struct progress *p,
	     struct image_pulled *ret, struct err *e)
{
	struct image_reference ref;
	struct image_pull own = *req;
	p->words = &pull_words;
	progress_end(p);
	int r = image_reference_parse(req->reference, &cli->arena, &ref, e);
	if (r < 0)
		return r;
	if (p->to) {
		own.progress = progress_show;
		own.ctx = p;
		progress_say(p, "%s: Pulling from %s", tag_of(&ref), ref.path);
	}
	r = image_pull(&cli->engine.images, &own, &cli->arena, ret, e);
	if (r < 0 || !p->to)
		return r;
	progress_say(p, "Digest: %s", ret->digest);
	progress_say(p, "Status: %s %s",
		     ret->newer ? "Downloaded newer image for" : "Image is up to date for",
		     ret->familiar);
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
	struct progress *p = arena_new(&cli->arena, struct progress);
	int r = image_reference_parse(req.reference, &cli->arena, &ref, e);
	if (r == 0)
		r = progress_form(v->progress, stdout, &p->form, e);
	if (r < 0)
		return r;
	p->to = v->quiet ? NULL : stdout;
	const char *slash = strrchr(req.reference, '/');
	if (v->all_tags && (ref.digest || strchr(slash ? slash : req.reference, ':')))
		return err_set(e, EINVAL, ERR_INVALID, "tag can't be used with --all-tags/-a");
	if (!v->all_tags) {
		if (!v->quiet && ref.tag && !ref.digest &&
		    !strchr(slash ? slash : req.reference, ':'))
			progress_say(p, "Using default tag: %s", ref.tag);
		strv_push(&cli->arena, &names, req.reference);
	} else {
		r = image_remote_tags(&cli->engine.images, &req, &cli->arena, &names, e);
	}
	for (size_t i = 0; r == 0 && i < names.count; i++) {
		req.reference = names.items[i];
		r = pull_one(cli, &req, p, &pulled, e);
	}
	if (r < 0 || (p->to && p->form == PROGRESS_JSON))
		return progress_result(p, r, e);
	/* What a short name has come to. */
	if (names.count && (r = image_reference_parse(pulled.full, &cli->arena, &ref, e)) < 0)
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
	{"progress", 0, OPTION_STR, O(progress), .initial = "auto", .arg = PROGRESS_FORMS,
	 .help = "How layers are shown: as lines, in place on a terminal (auto: if stdout is "
		 "one), or as docker's API does, a line of JSON each"},
	{"quiet", 'q', OPTION_BOOL, O(quiet), .help = "Suppress verbose output"},
};

const struct command command_pull = {
	.names = NAMES("pull", "image pull"),
	.synopsis = "[OPTIONS] NAME[:TAG|@DIGEST]",
	.summary = "Download an image from a registry",
	.text = "Layers come side by side, each unpacked as it arrives, and what is here is not "
		"fetched again. A name without a registry is one of docker.io. Where a registry "
		"or its mirrors are, and which are insecure, is read from "
		"containers-registries.conf(5); who we are there from docker's config.json.\n\n"
		"What breaks off goes on from there. Layers that a killed pull had whole are not "
		"fetched again before the next reboot.",
	.options = OPTIONS_FOR(struct pull_values, options),
	.more = {{&registry_option_table, offsetof(struct pull_values, registry)}},
	.args = {1, 1},
	.flags = COMMAND_COMMON,
	.complete = COMPLETE_IMAGE_ONCE,
	.run = pull_run,
};

/* --- push --- */

struct push_values {
	struct image_registry registry;
	char *platform, *progress;
	bool all_tags, quiet;
};

static const struct progress_words push_words = {"Preparing", "Pushing", "Pushed",
						 "Layer already exists"};

int push_one(struct cli *cli, const struct image_registry *registry, const char *name,
	     struct progress *p, struct image_pushed *ret, struct err *e)
{
	struct image_reference ref;
	struct image_push req = {.reference = name, .registry = *registry};
	int r = image_reference_parse(name, &cli->arena, &ref, e);
	if (r < 0)
		return r;
	p->words = &push_words;
	progress_end(p);
	if (p->to) {
		req.progress = progress_show;
		req.ctx = p;
	}
	r = image_push(&cli->engine.images, &req, &cli->arena, ret, e);
	if (r < 0)
		return r;
	if (ret->repacked)
		cli_notice("WARNING: %s was packed anew, as the registry it came from does not "
			   "give its layers: it has another digest now",
			   name);
	if (p->to)
		progress_say(p, "%s: digest: %s size: %llu", ref.tag, ret->digest,
			     (unsigned long long)ret->size);
	if (p->to && p->form == PROGRESS_JSON)
		json_put_line(p->to, image_pushed_json(ret, ref.tag));
	return 0;
}

static int push_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	const struct push_values *v = values;
	const char *name = args->items[0], *slash = strrchr(name, '/');
	bool tagged = strpbrk(slash ? slash : name, ":@");
	struct image_reference ref;
	struct image_pushed pushed;
	struct strv names = {0};
	struct progress *p = arena_new(&cli->arena, struct progress);
	int r = image_reference_parse(name, &cli->arena, &ref, e);
	if (r == 0)
		r = progress_form(v->progress, stdout, &p->form, e);
	if (r < 0)
		return r;
	p->to = v->quiet ? NULL : stdout;
	if (v->all_tags && tagged)
		return err_set(e, EINVAL, ERR_INVALID, "tag can't be used with --all-tags/-a");
	if (!v->quiet)
		progress_say(p, "The push refers to repository [%s/%s]", ref.domain, ref.path);
	if (!v->quiet && !tagged && !v->all_tags)
		progress_say(p, "Using default tag: latest");
	if (v->all_tags)
		r = image_local_tags(&cli->engine.images, &ref, true, &cli->arena, &names, e);
	else
		strv_push(&cli->arena, &names, name);
	for (size_t i = 0; r == 0 && i < names.count; i++) {
		r = image_require_platform(&cli->engine.images, names.items[i], v->platform,
					   &cli->arena, e);
		if (r == 0)
			r = push_one(cli, &v->registry, names.items[i], p, &pushed, e);
		if (r == 0 && v->quiet &&
		    (r = image_reference_parse(names.items[i], &cli->arena, &ref, e)) == 0)
			puts(image_reference_full(&ref, &cli->arena));
	}
	return progress_result(p, r, e);
}

#define P(member) .offset = offsetof(struct push_values, member)
static const struct option push_options[] = {
	{"all-tags", 'a', OPTION_BOOL, P(all_tags),
	 .help = "Push all tags of an image to the repository"},
	{"platform", 0, OPTION_STR, P(platform),
	 .help = "Only if the image is for this platform (os/arch, as linux/arm64)"},
	{"progress", 0, OPTION_STR, P(progress), .initial = "auto", .arg = PROGRESS_FORMS,
	 .help = "How layers are shown (as of hull pull)"},
	{"quiet", 'q', OPTION_BOOL, P(quiet), .help = "Suppress verbose output"},
};

const struct command command_push = {
	.names = NAMES("push", "image push"),
	.synopsis = "[OPTIONS] NAME[:TAG]",
	.summary = "Upload an image to a registry",
	.text = "An image that was pulled keeps its digest: it goes under the manifest that it "
		"came by, and what the registry lacks is mounted there or fetched from where it "
		"came from. What was made here is packed, and known again the next time, "
		"by other images of the same layers, too.\n\n"
		"A blob of more than 16 MiB is sent in chunks, and goes on from where the registry "
		"says that it is when one does not come through; where the registry takes no "
		"chunks, all at once.",
	.options = OPTIONS_FOR(struct push_values, push_options),
	.more = {{&registry_option_table, offsetof(struct push_values, registry)}},
	.args = {1, 1},
	.complete = COMPLETE_IMAGE_ONCE,
	.run = push_run,
};
