/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The image store by itself, for tests: image_tool ROOT LIBEXEC COMMAND [ARGUMENT...]. Prints what
 * the command line prints where it has a counterpart. Exit code 1 with the error on stderr.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "image/image.h"

struct tool {
	struct image_store store;
	struct arena *a;
	char **args;
	int count;
};

static const char *arg(const struct tool *t, int i)
{
	return i < t->count ? t->args[i] : NULL;
}

static void print_progress(const struct image_progress *p, void *ctx)
{
	(void)ctx;
	fprintf(stderr, "progress %s %zu/%zu %llu/%llu%s%s\n", p->layer, p->index, p->count,
		(unsigned long long)p->done, (unsigned long long)p->total,
		p->finished ? " finished" : "", p->existed ? " existed" : "");
}

static uint64_t limit(const char *name)
{
	const char *text = getenv(name);
	return text ? strtoull(text, NULL, 10) : 0;
}

static struct image_limits limits(void)
{
	return (struct image_limits){limit("LIMIT_BYTES"), limit("LIMIT_ENTRIES"),
				     limit("LIMIT_RATIO")};
}

static int do_load(struct tool *t, struct err *e)
{
	const char *path = arg(t, 0);
	struct image_load req = {
		.fd = path && strcmp(path, "-") ? -1 : 0,
		.path = path,
		.platform = arg(t, 1),
		.limits = limits(),
		.progress = getenv("PROGRESS") ? print_progress : NULL,
	};
	struct image_loaded *done;
	size_t n;
	int r = image_load(&t->store, &req, t->a, &done, &n, e);
	for (size_t i = 0; r == 0 && i < n; i++) {
		for (size_t k = 0; k < done[i].tags.count; k++)
			printf("Loaded image: %s\n", done[i].tags.items[k]);
		if (!done[i].tags.count)
			printf("Loaded image ID: sha256:%s\n", done[i].id);
	}
	return r;
}

static int do_find(struct tool *t, struct err *e)
{
	struct image im;
	int r = image_find(&t->store, arg(t, 0), t->a, &im, e);
	if (r < 0)
		return r;
	printf("id %s\nsize %lld\ncreated %lld\n", im.id, (long long)im.size,
	       (long long)im.created);
	for (size_t i = 0; i < im.tags.count; i++)
		printf("tag %s\n", im.tags.items[i]);
	for (size_t i = 0; i < im.digests.count; i++)
		printf("digest %s\n", im.digests.items[i]);
	for (size_t i = 0; i < im.layer_count; i++)
		printf("layer %s %lld\n", im.layers[i].diff_id, (long long)im.layers[i].size);
	return 0;
}

static int do_config(struct tool *t, struct err *e)
{
	struct image im;
	int r = image_find(&t->store, arg(t, 0), t->a, &im, e);
	if (r == 0)
		printf("%s\n", im.config_text);
	return r;
}

static int do_list(struct tool *t, struct err *e)
{
	struct image_filter f = {0};
	struct image *list;
	size_t n = 0;
	int r = 0;
	for (int i = 0; r == 0 && i < t->count; i++)
		r = image_filter_add(&t->store, &f, t->args[i], t->a, e);
	if (r == 0)
		r = image_list(&t->store, &f, t->a, &list, &n, e);
	for (size_t i = 0; r == 0 && i < n; i++) {
		printf("%.12s", list[i].id);
		for (size_t k = 0; k < list[i].tags.count; k++)
			printf(" %s", list[i].tags.items[k]);
		printf("\n");
	}
	return r;
}

static int do_tag(struct tool *t, struct err *e)
{
	return image_tag(&t->store, arg(t, 0), arg(t, 1), e);
}

static int remove_image(struct tool *t, unsigned flags, struct err *e)
{
	struct strv lines = {0};
	int r = image_remove(&t->store, arg(t, 0), flags, t->a, &lines, e);
	for (size_t i = 0; r == 0 && i < lines.count; i++)
		printf("%s\n", lines.items[i]);
	return r;
}

static int do_rmi(struct tool *t, struct err *e)
{
	return remove_image(t, 0, e);
}

static int do_rmi_force(struct tool *t, struct err *e)
{
	return remove_image(t, IMAGE_REMOVE_FORCE, e);
}

static int do_history(struct tool *t, struct err *e)
{
	struct image_history_row *rows;
	size_t n;
	int r = image_history(&t->store, arg(t, 0), t->a, &rows, &n, e);
	for (size_t i = 0; r == 0 && i < n; i++)
		printf("%.12s|%s|%lld|%s\n", rows[i].id, rows[i].created_by,
		       (long long)rows[i].size, rows[i].comment);
	return r;
}

/* import REFERENCE CHANGE... < TAR */
static int do_import(struct tool *t, struct err *e)
{
	char id[ID_LEN + 1];
	struct image_import req = {.reference = arg(t, 0), .limits = limits()};
	for (int i = 1; i < t->count; i++)
		strv_push(t->a, &req.changes, t->args[i]);
	int r = image_import(&t->store, &req, id, e);
	if (r == 0)
		printf("sha256:%s\n", id);
	return r;
}

/* The layers' trees as overlay would get them, the topmost first. */
static int do_layers(struct tool *t, struct err *e)
{
	struct image im;
	int *fds;
	size_t n;
	int r = image_find(&t->store, arg(t, 0), t->a, &im, e);
	if (r == 0)
		r = image_layers_open(&t->store, im.id, t->a, &fds, &n, e);
	for (size_t i = 0; r == 0 && i < n; i++) {
		char link[64], path[4096] = "";
		snprintf(link, sizeof(link), "/proc/self/fd/%d", fds[i]);
		if (readlink(link, path, sizeof(path) - 1) > 0)
			printf("%s\n", path);
	}
	if (r == 0)
		image_layers_close(fds, n);
	return r;
}

static int do_check(struct tool *t, struct err *e)
{
	struct strv problems = {0};
	int r = image_store_check(&t->store, false, t->a, &problems, e);
	for (size_t i = 0; r == 0 && i < problems.count; i++)
		printf("%s\n", problems.items[i]);
	return r;
}

static int do_sweep(struct tool *t, struct err *e)
{
	return image_store_sweep(&t->store, e);
}

static const struct {
	const char *name;
	int (*run)(struct tool *t, struct err *e);
} commands[] = {
	{"load", do_load},           {"find", do_find},       {"config", do_config},
	{"list", do_list},           {"tag", do_tag},         {"rmi", do_rmi},
	{"rmi-force", do_rmi_force}, {"history", do_history}, {"import", do_import},
	{"layers", do_layers},       {"check", do_check},     {"sweep", do_sweep},
};

int main(int argc, char **argv)
{
	CLEANUP_ARENA struct arena a = {0};
	struct err e = {0};
	struct db db = {.lock_fd = -1};
	if (argc < 4)
		return 2;
	mkdir(argv[1], 0700);
	struct tool t = {.store = {.db = &db, .root = argv[1], .libexec = argv[2]},
			 .a = &a,
			 .args = argv + 4,
			 .count = argc - 4};
	CLEANUP_FD int root = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	t.store.root_fd = root;
	int r = db_open(&db, argv[1], &e);
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(commands); i++)
		if (!strcmp(argv[3], commands[i].name)) {
			r = commands[i].run(&t, &e);
			break;
		}
	db_close(&db);
	if (r < 0)
		fprintf(stderr, "Error: %s\n%s%s%s", e.text, *e.hint ? "hint: " : "", e.hint,
			*e.hint ? "\n" : "");
	return r < 0;
}
