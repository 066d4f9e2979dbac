/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hull container, image, network, volume, builder and system prune: what nothing uses goes, after a
 * question. Words are docker's. Read engine/prune.h first.
 */
#include <errno.h>

#include "build/build.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/text.h"
#include "engine/filters.h"
#include "engine/prune.h"

struct prune_values {
	bool all, force, volumes;
	int64_t keep;
	struct strv filters;
};

/* @switch_: the filter that says the same as --all, the other way round for images: "all=",
 * "dangling=" or NULL. @known: for the message. */
static int take_filters(struct prune *p, const struct prune_values *v, const char *switch_,
			bool with_until, const char *known, struct err *e)
{
	int r = 0;
	p->all = v->all;
	for (size_t i = 0; r >= 0 && i < v->filters.count; i++) {
		const char *f = v->filters.items[i];
		if (switch_ && text_after(f, switch_)) {
			if (v->all && *switch_ == 'a')
				return err_set(e, EINVAL, ERR_INVALID,
					       "conflicting options: cannot specify both --all and "
					       "--filter all=1");
			bool yes;
			if ((r = filter_bool(f, &yes, e)) == 0)
				p->all = yes == (*switch_ == 'a');
		} else {
			r = !with_until && text_after(f, "until=") ? 0 : prune_filter_add(p, f, e);
			if (r == 0)
				r = filter_unknown(f, known, e);
		}
	}
	return r < 0 ? r : 0;
}

/* What went, under its heading. */
static void tell(const char *heading, const struct strv *lines)
{
	if (lines->count)
		puts(heading);
	for (size_t i = 0; i < lines->count; i++)
		puts(lines->items[i]);
	if (lines->count)
		putchar('\n');
}

static int tell_pruned(struct prune *p, int (*prune)(struct prune *, struct strv *, struct err *),
		       const char *heading, struct err *e)
{
	struct strv gone = {0};
	int r = prune(p, &gone, e);
	tell(heading, &gone);
	return r;
}

static int containers(struct prune *p, struct err *e)
{
	return tell_pruned(p, prune_containers, "Deleted Containers:", e);
}

static int volumes(struct prune *p, struct err *e)
{
	return tell_pruned(p, prune_volumes, "Deleted Volumes:", e);
}

static int networks(struct prune *p, struct err *e)
{
	return tell_pruned(p, prune_networks, "Deleted Networks:", e);
}

static int images(struct prune *p, struct err *e)
{
	return tell_pruned(p, prune_images, "Deleted Images:", e);
}

static int prune_builds(struct prune *p, int64_t keep, struct err *e)
{
	const struct build_prune q = {.all = p->all, .until = p->until, .keep = keep};
	struct strv gone = {0};
	int64_t freed = 0;
	int r = build_prune(p->engine, &q, p->arena, &gone, &freed, e);
	tell("Deleted build cache objects:", &gone);
	return prune_tell(p, "builder", freed, r);
}

static int tell_total(const struct prune *p, int r)
{
	if (r == 0)
		printf("Total reclaimed space: %s\n", text_size(p->arena, p->freed));
	return r;
}

static int container_prune_run(struct cli *cli, void *values, const struct strv *args,
			       struct err *e)
{
	const struct prune_values *v = values;
	struct prune p = {.engine = &cli->engine, .arena = &cli->arena};
	int r = take_filters(&p, v, NULL, true, "until label label!", e);
	if (r < 0 ||
	    (!v->force && !cli_confirm("WARNING! This will remove all stopped containers.")))
		return r;
	return tell_total(&p, containers(&p, e));
}

static int image_prune_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	const struct prune_values *v = values;
	struct prune p = {.engine = &cli->engine, .arena = &cli->arena};
	int r = take_filters(&p, v, "dangling=", true, "dangling until label label!", e);
	if (r < 0 ||
	    (!v->force &&
	     !cli_confirm(p.all ? "WARNING! This will remove all images without at least one "
				  "container associated to them."
				: "WARNING! This will remove all dangling images.")))
		return r;
	return tell_total(&p, images(&p, e));
}

static int network_prune_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	const struct prune_values *v = values;
	struct prune p = {.engine = &cli->engine, .arena = &cli->arena};
	int r = take_filters(&p, v, NULL, true, "until label label!", e);
	if (r < 0 || (!v->force && !cli_confirm("WARNING! This will remove all custom networks not "
						"used by at least one container.")))
		return r;
	return networks(&p, e);
}

static int volume_prune_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	const struct prune_values *v = values;
	struct prune p = {.engine = &cli->engine, .arena = &cli->arena};
	int r = take_filters(&p, v, "all=", false, "all label label!", e);
	if (r < 0 ||
	    (!v->force &&
	     !cli_confirm(v->all ? "WARNING! This will remove all local volumes not used by at "
				   "least one container."
				 : "WARNING! This will remove anonymous local volumes not used by "
				   "at least one container.")))
		return r;
	return tell_total(&p, volumes(&p, e));
}

static int builder_prune_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	const struct prune_values *v = values;
	struct prune p = {.engine = &cli->engine, .arena = &cli->arena};
	int r = take_filters(&p, v, NULL, true, "until", e);
	if (r == 0 && (p.labels.count || p.not_labels.count))
		r = filter_unknown("label", "until", e);
	if (r < 0 ||
	    (!v->force && !cli_confirm(v->all ? "WARNING! This will remove all build cache."
					      : "WARNING! This will remove all dangling build "
						"cache.")))
		return r;
	return tell_total(&p, prune_builds(&p, v->keep, e));
}

static int system_prune_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	const struct prune_values *v = values;
	struct prune p = {.engine = &cli->engine, .arena = &cli->arena};
	int r = take_filters(&p, v, NULL, true, "until label label!", e);
	if (r == 0 && v->volumes && p.until)
		r = err_set(e, EINVAL, ERR_INVALID,
			    "The \"until\" filter is not supported with \"--volumes\"");
	char *warning = arena_printf(
		&cli->arena,
		"WARNING! This will remove:\n  - all stopped containers\n  - all networks not used "
		"by at "
		"least one container\n%s  - all %s\n",
		v->volumes ? "  - all anonymous volumes not used by at least one container\n" : "",
		v->all ? "images without at least one container associated to them"
		       : "dangling images");
	warning = arena_printf(&cli->arena, "%s  - %s build cache\n", warning,
			       v->all ? "all" : "unused");
	if (r < 0 || (!v->force && !cli_confirm(warning)))
		return r;
	r = containers(&p, e);
	if (r == 0)
		r = networks(&p, e);
	p.all = false; /* of volumes only those without a name */
	if (r == 0 && v->volumes)
		r = volumes(&p, e);
	p.all = v->all;
	if (r == 0)
		r = images(&p, e);
	/* What is cached has no labels, and a running build keeps all of it. */
	if (r == 0 && !p.labels.count && !p.not_labels.count &&
	    (r = prune_builds(&p, 0, e)) == -EBUSY)
		r = 0;
	return tell_total(&p, r);
}

#define O(member) .offset = offsetof(struct prune_values, member)
#define FORCE                                                                                      \
	{                                                                                          \
		"force", 'f', OPTION_BOOL, O(force), .help = "Do not prompt for confirmation"      \
	}
#define FILTER(text_)                                                                              \
	{                                                                                          \
		"filter", 0, OPTION_LIST, O(filters),                                              \
			.arg = "filter", .help = "Provide filter values (e.g. \"" text_ "\")"      \
	}
static const struct option container_options[] = {FILTER("until=<timestamp>"), FORCE};
static const struct option builder_options[] = {
	{"all", 'a', OPTION_BOOL, O(all),
	 .help = "Remove all build cache, also what images have, and what RUN "
		 "--mount=type=cache keeps"},
	FILTER("until=24h"),
	FORCE,
	{"keep-storage", 0, OPTION_SIZE, O(keep), .arg = "bytes",
	 .help = "Amount of disk space to keep for cache"},
};
static const struct option image_options[] = {
	{"all", 'a', OPTION_BOOL, O(all),
	 .help = "Remove all unused images, not just dangling ones"},
	FILTER("until=<timestamp>"),
	FORCE,
};
static const struct option volume_options[] = {
	{"all", 'a', OPTION_BOOL, O(all),
	 .help = "Remove all unused volumes, not just anonymous ones"},
	FILTER("label=<label>"),
	FORCE,
};
static const struct option system_options[] = {
	{"all", 'a', OPTION_BOOL, O(all),
	 .help = "Remove all unused images not just dangling ones"},
	FILTER("label=<key>=<value>"),
	FORCE,
	{"volumes", 0, OPTION_BOOL, O(volumes), .help = "Prune anonymous volumes"},
};

const struct command command_container_prune = {
	.names = NAMES("container prune"),
	.synopsis = "[OPTIONS]",
	.summary = "Remove all stopped containers",
	.text = "Filters: until=TIME (made before it), label=KEY[=VALUE], label!=KEY[=VALUE].",
	.options = OPTIONS_FOR(struct prune_values, container_options),
	.run = container_prune_run,
};

const struct command command_builder_prune = {
	.names = NAMES("builder prune", "buildx prune"),
	.synopsis = "[OPTIONS]",
	.summary = "Remove build cache",
	.text = "The least recently used first, and only what no image has, unless --all is given. "
		"Filters: until=TIME (not used since).",
	.options = OPTIONS_FOR(struct prune_values, builder_options),
	.run = builder_prune_run,
};

const struct command command_image_prune = {
	.names = NAMES("image prune"),
	.synopsis = "[OPTIONS]",
	.summary = "Remove unused images",
	.text = "Only those without a name, unless --all is given. An image that a container "
		"uses, even one that does not run, is kept. Filters: dangling=false (as --all), "
		"until=TIME, label=KEY[=VALUE], label!=KEY[=VALUE].",
	.options = OPTIONS_FOR(struct prune_values, image_options),
	.run = image_prune_run,
};

const struct command command_network_prune = {
	.names = NAMES("network prune"),
	.synopsis = "[OPTIONS]",
	.summary = "Remove all unused networks",
	.text = "Filters: until=TIME (made before it), label=KEY[=VALUE], label!=KEY[=VALUE].",
	.options = OPTIONS_FOR(struct prune_values, container_options),
	.run = network_prune_run,
};

const struct command command_volume_prune = {
	.names = NAMES("volume prune"),
	.synopsis = "[OPTIONS]",
	.summary = "Remove unused local volumes",
	.text = "Only anonymous ones, unless --all is given. A volume that a container uses, "
		"even one that does not run, is kept. Filters: all=true, label=KEY[=VALUE], "
		"label!=KEY[=VALUE].",
	.options = OPTIONS_FOR(struct prune_values, volume_options),
	.run = volume_prune_run,
};

const struct command command_system_prune = {
	.names = NAMES("system prune"),
	.synopsis = "[OPTIONS]",
	.summary = "Remove unused data",
	.text = "Stopped containers, networks without containers, then images that nothing uses "
		"any more and the build cache that no image has (--all: all of it), with --volumes "
		"also volumes without a name. Filters: until=TIME, label=KEY[=VALUE], "
		"label!=KEY[=VALUE].",
	.options = OPTIONS_FOR(struct prune_values, system_options),
	.run = system_prune_run,
};
