/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hull container, image, network, volume, builder and system prune: what nothing uses
 * goes, after a question. What is taken into use meanwhile is kept: each removal is the ordinary
 * one, not forced. Words are docker's.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/event.h"
#include "build/build.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/text.h"
#include "base/time_option.h"
#include "engine/network.h"

struct prune_values {
	bool all, force, volumes;
	int64_t keep;
	struct strv filters;
};

struct prune {
	struct cli *cli;
	bool all;
	int64_t until; /* created before; 0: any */
	struct kvs labels, not_labels;
	int64_t freed;
};

/* @switch_: the filter that says the same as --all, the other way round for images: "all=",
 * "dangling=" or NULL. @known: for the message. */
static int take_filters(struct prune *p, const struct prune_values *v, const char *switch_,
			bool with_until, const char *known, struct err *e)
{
	struct arena *a = &p->cli->arena;
	int r = 0;
	p->all = v->all;
	for (size_t i = 0; r == 0 && i < v->filters.count; i++) {
		const char *f = v->filters.items[i], *value;
		if (switch_ && (value = text_after(f, switch_))) {
			if (v->all && *switch_ == 'a')
				return err_set(e, EINVAL, ERR_INVALID,
					       "conflicting options: cannot specify both --all and "
					       "--filter all=1");
			p->all = text_is_true(value) == (*switch_ == 'a');
		} else if ((value = text_after(f, "label="))) {
			kvs_set(a, &p->labels, value, "");
		} else if ((value = text_after(f, "label!="))) {
			kvs_set(a, &p->not_labels, value, "");
		} else if (with_until && (value = text_after(f, "until="))) {
			r = time_option_parse(value, clock_real_ns(), &p->until, e);
		} else {
			r = cli_no_filter(f, known, e);
		}
	}
	return r;
}

static bool matches(const struct prune *p, const struct kvs *labels, int64_t created)
{
	if (p->until && created >= p->until)
		return false;
	for (size_t i = 0; i < p->labels.count; i++)
		if (!kvs_holds(labels, p->labels.items[i].key))
			return false;
	for (size_t i = 0; i < p->not_labels.count; i++)
		if (kvs_holds(labels, p->not_labels.items[i].key))
			return false;
	return true;
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

static int tell_prune(struct prune *p, const char *type, int64_t freed, int r)
{
	struct err ignored;
	p->freed += freed;
	event_note(&p->cli->engine.db, &ignored, type, "", "prune", "reclaimed",
		   arena_printf(&p->cli->arena, "%lld", (long long)freed), NULL);
	return r;
}

/* Somebody uses it now, or it has just gone: nothing to tell. */
static int forgive(int r)
{
	return r == -EBUSY || r == -ENOENT ? 0 : r;
}

static int prune_containers(struct prune *p, struct err *e)
{
	struct engine *en = &p->cli->engine;
	struct container_filter all = {.all = true, .configs = CONFIGS_ALL};
	struct container *list;
	struct strv removed = {0};
	int64_t freed = 0;
	size_t count;
	int r = container_list(en, &all, &p->cli->arena, &list, &count, e);
	for (size_t i = 0; r == 0 && i < count; i++) {
		const struct container *c = &list[i];
		struct err ignored;
		int64_t size = 0, root;
		bool idle = c->status == CONTAINER_CREATED || c->status == CONTAINER_EXITED ||
			    c->status == CONTAINER_DEAD;
		if (!idle || !matches(p, &c->labels, c->created))
			continue;
		container_size(en, c, &size, &root, &ignored);
		r = container_remove(en, c->id, 0, e);
		if (r == 0) {
			strv_push(&p->cli->arena, &removed, c->id);
			freed += size;
		}
		r = forgive(r);
	}
	tell("Deleted Containers:", &removed);
	return tell_prune(p, "container", freed, r);
}

static int prune_volumes(struct prune *p, struct err *e)
{
	struct engine *en = &p->cli->engine;
	struct volume *list;
	struct strv removed = {0};
	int64_t freed = 0;
	size_t count;
	int r = volume_list(en, &p->cli->arena, &list, &count, e);
	for (size_t i = 0; r == 0 && i < count; i++) {
		const struct volume *v = &list[i];
		struct err ignored;
		int64_t size = 0;
		if (v->uses || !(p->all || v->anonymous) || !matches(p, &v->labels, v->created))
			continue;
		volume_size(en, v, &size, &ignored);
		r = volume_remove(en, v->name, true, e);
		if (r == 0) {
			strv_push(&p->cli->arena, &removed, v->name);
			freed += size;
		}
		r = forgive(r);
	}
	tell("Deleted Volumes:", &removed);
	return tell_prune(p, "volume", freed, r);
}

static int prune_networks(struct prune *p, struct err *e)
{
	struct engine *en = &p->cli->engine;
	struct network *list;
	struct strv removed = {0};
	size_t count;
	int64_t uses;
	int r = network_list(en, &p->cli->arena, &list, &count, e);
	for (size_t i = 0; r == 0 && i < count; i++) {
		const struct network *n = &list[i];
		r = network_uses(en, n, &uses, e);
		if (r < 0 || uses || network_is_builtin(n->name) ||
		    !matches(p, &n->config.labels, n->created))
			continue;
		r = network_remove(en, n->id, e);
		if (r == 0)
			strv_push(&p->cli->arena, &removed, n->name);
		r = forgive(r);
	}
	tell("Deleted Networks:", &removed);
	return tell_prune(p, "network", 0, r);
}

static bool is_used(const struct image *image, const struct container *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (list[i].image_id && !strcmp(list[i].image_id, image->id))
			return true;
	return false;
}

/* Name by name: the image goes with the last, unless somebody uses it. */
static int remove_image(struct prune *p, const struct image *image, struct strv *lines,
			struct err *e)
{
	struct image_store *s = &p->cli->engine.images;
	int r = 0;
	for (size_t i = 0; r == 0 && i < image->names.count; i++)
		r = image_remove(s, image->names.items[i], 0, &p->cli->arena, lines, e);
	if (!image->names.count)
		r = image_remove(s, image->id, 0, &p->cli->arena, lines, e);
	return forgive(r);
}

static int prune_images(struct prune *p, struct err *e)
{
	struct engine *en = &p->cli->engine;
	struct container_filter all = {.all = true};
	struct container *users;
	struct image *list;
	struct strv lines = {0};
	size_t user_count, count;
	int64_t before = 0, left = 0;
	int r = container_list(en, &all, &p->cli->arena, &users, &user_count, e);
	if (r == 0)
		r = image_list(&en->images, NULL, &p->cli->arena, &list, &count, e);
	if (r == 0)
		r = image_store_size(&en->images, &before, e);
	for (size_t i = 0; r == 0 && i < count; i++) {
		const struct image *image = &list[i];
		if ((p->all || !image->names.count) && !is_used(image, users, user_count) &&
		    matches(p, &image->config.config.labels, image->created))
			r = remove_image(p, image, &lines, e);
	}
	/* docker writes these words small here. */
	for (size_t i = 0; i < lines.count; i++)
		lines.items[i][0] |= 0x20;
	tell("Deleted Images:", &lines);
	if (r == 0)
		r = image_store_size(&en->images, &left, e);
	return tell_prune(p, "image", before > left ? before - left : 0, r);
}

static int prune_builds(struct prune *p, int64_t keep, struct err *e)
{
	const struct build_prune q = {.all = p->all, .until = p->until, .keep = keep};
	struct strv gone = {0};
	int64_t freed = 0;
	int r = build_prune(&p->cli->engine, &q, &p->cli->arena, &gone, &freed, e);
	tell("Deleted build cache objects:", &gone);
	return tell_prune(p, "builder", freed, r);
}

static int tell_total(const struct prune *p, int r)
{
	if (r == 0)
		printf("Total reclaimed space: %s\n", text_size(&p->cli->arena, p->freed));
	return r;
}

static int container_prune_run(struct cli *cli, void *values, const struct strv *args,
			       struct err *e)
{
	const struct prune_values *v = values;
	struct prune p = {.cli = cli};
	int r = take_filters(&p, v, NULL, true, "until label label!", e);
	if (r < 0 ||
	    (!v->force && !cli_confirm("WARNING! This will remove all stopped containers.")))
		return r;
	return tell_total(&p, prune_containers(&p, e));
}

static int image_prune_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	const struct prune_values *v = values;
	struct prune p = {.cli = cli};
	int r = take_filters(&p, v, "dangling=", true, "dangling until label label!", e);
	if (r < 0 ||
	    (!v->force &&
	     !cli_confirm(p.all ? "WARNING! This will remove all images without at least one "
				  "container associated to them."
				: "WARNING! This will remove all dangling images.")))
		return r;
	return tell_total(&p, prune_images(&p, e));
}

static int network_prune_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	const struct prune_values *v = values;
	struct prune p = {.cli = cli};
	int r = take_filters(&p, v, NULL, true, "until label label!", e);
	if (r < 0 || (!v->force && !cli_confirm("WARNING! This will remove all custom networks not "
						"used by at least one container.")))
		return r;
	return prune_networks(&p, e);
}

static int volume_prune_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	const struct prune_values *v = values;
	struct prune p = {.cli = cli};
	int r = take_filters(&p, v, "all=", false, "all label label!", e);
	if (r < 0 ||
	    (!v->force &&
	     !cli_confirm(v->all ? "WARNING! This will remove all local volumes not used by at "
				   "least one container."
				 : "WARNING! This will remove anonymous local volumes not used by "
				   "at least one container.")))
		return r;
	return tell_total(&p, prune_volumes(&p, e));
}

static int builder_prune_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	const struct prune_values *v = values;
	struct prune p = {.cli = cli};
	int r = take_filters(&p, v, NULL, true, "until", e);
	if (r == 0 && (p.labels.count || p.not_labels.count))
		r = cli_no_filter("label", "until", e);
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
	struct prune p = {.cli = cli};
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
	r = prune_containers(&p, e);
	if (r == 0)
		r = prune_networks(&p, e);
	p.all = false; /* of volumes only those without a name */
	if (r == 0 && v->volumes)
		r = prune_volumes(&p, e);
	p.all = v->all;
	if (r == 0)
		r = prune_images(&p, e);
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
	.options = OPTIONS(container_options),
	.values_size = sizeof(struct prune_values),
	.run = container_prune_run,
};

const struct command command_builder_prune = {
	.names = NAMES("builder prune", "buildx prune"),
	.synopsis = "[OPTIONS]",
	.summary = "Remove build cache",
	.text = "The least recently used first, and only what no image has, unless --all is given. "
		"Filters: until=TIME (not used since).",
	.options = OPTIONS(builder_options),
	.values_size = sizeof(struct prune_values),
	.run = builder_prune_run,
};

const struct command command_image_prune = {
	.names = NAMES("image prune"),
	.synopsis = "[OPTIONS]",
	.summary = "Remove unused images",
	.text = "Only those without a name, unless --all is given. An image that a container "
		"uses, even one that does not run, is kept. Filters: dangling=false (as --all), "
		"until=TIME, label=KEY[=VALUE], label!=KEY[=VALUE].",
	.options = OPTIONS(image_options),
	.values_size = sizeof(struct prune_values),
	.run = image_prune_run,
};

const struct command command_network_prune = {
	.names = NAMES("network prune"),
	.synopsis = "[OPTIONS]",
	.summary = "Remove all unused networks",
	.text = "Filters: until=TIME (made before it), label=KEY[=VALUE], label!=KEY[=VALUE].",
	.options = OPTIONS(container_options),
	.values_size = sizeof(struct prune_values),
	.run = network_prune_run,
};

const struct command command_volume_prune = {
	.names = NAMES("volume prune"),
	.synopsis = "[OPTIONS]",
	.summary = "Remove unused local volumes",
	.text = "Only anonymous ones, unless --all is given. A volume that a container uses, "
		"even one that does not run, is kept. Filters: all=true, label=KEY[=VALUE], "
		"label!=KEY[=VALUE].",
	.options = OPTIONS(volume_options),
	.values_size = sizeof(struct prune_values),
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
	.options = OPTIONS(system_options),
	.values_size = sizeof(struct prune_values),
	.run = system_prune_run,
};
