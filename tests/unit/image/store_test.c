/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store without hull-unpack: layers are staged by hand, committed, found, listed, tagged,
 * removed; what killed commands leave is swept; what containers use stays.
 */
#include "unit/unit.h"

#include <sys/file.h>

#include "base/cleanup.h"
#include "image/image.h"
#include "image/stage.h"

static const char ids[][ID_LEN + 1] = {
	"a000000000000000000000000000000000000000000000000000000000000000",
	"a100000000000000000000000000000000000000000000000000000000000000",
	"b000000000000000000000000000000000000000000000000000000000000000",
};
static const char layers[][ID_LEN + 1] = {
	"1000000000000000000000000000000000000000000000000000000000000000",
	"2000000000000000000000000000000000000000000000000000000000000000",
	"3000000000000000000000000000000000000000000000000000000000000000",
};

struct fixture {
	struct scratch *scratch;
	struct db db;
	struct image_store store;
	struct arena a;
	struct err e;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	if (scratch_setup((void **)&f->scratch) < 0 || db_open(&f->db, f->scratch->path, &f->e) < 0)
		return -1;
	f->store = (struct image_store){&f->db, f->scratch->fd, f->scratch->path, "/nonexistent"};
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	void *scratch = f->scratch;
	db_close(&f->db);
	arena_free(&f->a);
	free(f);
	return scratch_teardown(&scratch);
}

/* Image number @id with the layers numbered @first and @second, called @name. */
static int add_image(struct fixture *f, int id, int first, int second, const char *name)
{
	const int numbers[] = {first, second};
	struct stage st;
	struct stage_layer l[2];
	assert_int_equal(stage_open(&st, &f->store, &f->e), 0);
	for (int i = 0; i < 2; i++) {
		char *folder = arena_printf(&f->a, "l%d", i);
		int fd = stage_make_dir(&st, folder, &f->e);
		assert_true(fd >= 0);
		assert_int_equal(mkdirat(fd, "fs", 0755), 0);
		put_file(fd, "fs/file", "x");
		close(fd);
		l[i] = (struct stage_layer){layers[numbers[i]], folder, 100 * (numbers[i] + 1)};
	}
	struct stage_name named = {.name = name};
	struct stage_image im = {
		.id = ids[id],
		.config_text =
			arena_printf(&f->a,
				     "{\"os\":\"linux\",\"config\":{\"Labels\":{\"n\":\"%d\"}},"
				     "\"history\":[{\"created_by\":\"A\"},{\"created_by\":\"E\","
				     "\"empty_layer\":true},{\"created_by\":\"B\"}],"
				     "\"rootfs\":{\"diff_ids\":[\"sha256:%s\",\"sha256:%s\"]}}",
				     id, l[0].diff_id, l[1].diff_id),
		.created = 1000 + id,
		.layers = l,
		.layer_count = 2,
		.names = &named,
		.name_count = name != NULL,
	};
	int r = stage_commit(&st, &f->store, &im, 1, &f->e);
	stage_close(&st);
	return r;
}

static bool on_disk(struct fixture *f, const char *layer)
{
	return file_exists(f->scratch->fd, arena_printf(&f->a, "layers/%s/fs/file", layer));
}

static void images_are_found(void **state)
{
	struct fixture *f = *state;
	struct image im;
	assert_int_equal(add_image(f, 0, 0, 1, "docker.io/library/x:1"), 0);
	assert_int_equal(add_image(f, 1, 0, 2, NULL), 0);
	static const char *const good[] = {"x:1", "library/x:1", "a00", "sha256:a00", ids[0]};
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_int_equal(image_find(&f->store, good[i], &f->a, &im, &f->e), 0);
		assert_string_equal(im.id, ids[0]);
	}
	assert_int_equal(im.layer_count, 2);
	assert_string_equal(im.layers[0].diff_id, layers[1]); /* the topmost first */
	assert_int_equal(im.size, 300);
	assert_string_equal(im.tags.items[0], "x:1");
	assert_int_equal(image_find(&f->store, "x", &f->a, &im, &f->e), -ENOENT);
	assert_string_equal(f->e.text, "No such image: x:latest");
	assert_int_equal(f->e.kind, ERR_NOT_FOUND);
	assert_int_equal(image_find(&f->store, "a", &f->a, &im, &f->e), -EINVAL);
	assert_non_null(strstr(f->e.text, "ambiguous"));
	assert_int_equal(image_find(&f->store, "X/../y", &f->a, &im, &f->e), -EINVAL);
}

/* A name that looks like the beginning of an id wins over the id. */
static void names_win_over_ids(void **state)
{
	struct fixture *f = *state;
	struct image im;
	assert_int_equal(add_image(f, 0, 0, 1, NULL), 0);
	assert_int_equal(add_image(f, 2, 0, 2, "docker.io/library/a00:latest"), 0);
	assert_int_equal(image_find(&f->store, "a00", &f->a, &im, &f->e), 0);
	assert_string_equal(im.id, ids[2]);
}

static size_t count_listed(struct fixture *f, const char *filter)
{
	struct image_filter filters = {0};
	struct image *list;
	size_t n;
	assert_int_equal(image_filter_add(&f->store, &filters, filter, &f->a, &f->e), 0);
	assert_int_equal(image_list(&f->store, &filters, &f->a, &list, &n, &f->e), 0);
	return n;
}

static void filters_apply(void **state)
{
	struct fixture *f = *state;
	struct image_filter filters = {0};
	struct image *list;
	size_t n;
	assert_int_equal(add_image(f, 0, 0, 1, "docker.io/library/x:1"), 0);
	assert_int_equal(add_image(f, 1, 0, 2, "quay.io/a/y:2"), 0);
	assert_int_equal(add_image(f, 2, 1, 2, NULL), 0);
	assert_int_equal(image_list(&f->store, NULL, &f->a, &list, &n, &f->e), 0);
	assert_int_equal(n, 3);
	assert_string_equal(list[0].id, ids[2]); /* the newest first */
	assert_int_equal(count_listed(f, "reference=x"), 1);
	assert_int_equal(count_listed(f, "reference=x:*"), 1);
	assert_int_equal(count_listed(f, "reference=*"), 1); /* "*" does not match "/" */
	assert_int_equal(count_listed(f, "reference=*/*/*"), 1);
	assert_int_equal(count_listed(f, "label=n"), 3);
	assert_int_equal(count_listed(f, "label=n=1"), 1);
	assert_int_equal(count_listed(f, "dangling=true"), 1);
	assert_int_equal(count_listed(f, "dangling=false"), 2);
	assert_int_equal(count_listed(f, "before=quay.io/a/y:2"), 1);
	assert_int_equal(count_listed(f, "since=x:1"), 2);
	assert_int_equal(image_filter_add(&f->store, &filters, "colour=red", &f->a, &f->e),
			 -EINVAL);
	assert_int_equal(image_filter_add(&f->store, &filters, "dangling", &f->a, &f->e), -EINVAL);
	assert_int_equal(image_filter_add(&f->store, &filters, "since=no", &f->a, &f->e), -ENOENT);
}

static int rm(struct fixture *f, const char *name, unsigned flags, struct strv *lines)
{
	*lines = (struct strv){0};
	f->e = (struct err){0};
	return image_remove(&f->store, name, flags, &f->a, lines, &f->e);
}

static void shared_layers_stay(void **state)
{
	struct fixture *f = *state;
	struct strv lines;
	assert_int_equal(add_image(f, 0, 0, 1, "docker.io/library/x:1"), 0);
	assert_int_equal(add_image(f, 1, 0, 2, "docker.io/library/y:1"), 0);
	assert_int_equal(rm(f, "x:1", 0, &lines), 0);
	assert_int_equal(lines.count, 3);
	assert_string_equal(lines.items[0], "Untagged: x:1");
	assert_string_equal(lines.items[1], arena_printf(&f->a, "Deleted: sha256:%s", ids[0]));
	assert_true(on_disk(f, layers[0]));
	assert_false(on_disk(f, layers[1]));
	assert_int_equal(rm(f, "y:1", 0, &lines), 0);
	assert_false(on_disk(f, layers[0]));
	assert_int_equal(rm(f, "y:1", 0, &lines), -ENOENT);
}

static void several_names_need_force(void **state)
{
	struct fixture *f = *state;
	struct strv lines;
	assert_int_equal(add_image(f, 0, 0, 1, "docker.io/library/x:1"), 0);
	assert_int_equal(image_tag(&f->store, "x:1", "x:2", &f->e), 0);
	assert_int_equal(image_tag(&f->store, "x:1", "quay.io/z", &f->e), 0);
	assert_int_equal(image_tag(&f->store, "x:1", "Bad", &f->e), -EINVAL);
	assert_int_equal(image_tag(&f->store, "no", "y", &f->e), -ENOENT);
	assert_int_equal(rm(f, "a00", 0, &lines), -EBUSY);
	assert_non_null(strstr(f->e.text, "referenced in multiple repositories"));
	assert_int_equal(rm(f, "x:2", 0, &lines), 0);
	assert_int_equal(lines.count, 1);
	assert_int_equal(rm(f, "a00", IMAGE_REMOVE_FORCE, &lines), 0);
	assert_int_equal(lines.count, 5);
	assert_false(on_disk(f, layers[0]));
}

static void add_container(struct fixture *f, const char *status)
{
	assert_int_equal(db_begin(&f->db, false, &f->e), 0);
	assert_true(
		db_run(&f->db, &f->e,
		       "INSERT OR REPLACE INTO container (id, name, image, image_name, command, "
		       "config, labels, created, status, auto_remove) VALUES "
		       "('c0ffee0000001111', 'c', ?1, 'x', 'sh', '{}', '{}', 0, ?2, 0)",
		       "ss", ids[0], status) >= 0);
	assert_int_equal(db_end(&f->db, 0, &f->e), 0);
}

static void containers_keep_their_image(void **state)
{
	struct fixture *f = *state;
	struct strv lines;
	struct image im;
	assert_int_equal(add_image(f, 0, 0, 1, "docker.io/library/x:1"), 0);
	add_container(f, "running");
	assert_int_equal(rm(f, "x:1", 0, &lines), -EBUSY);
	assert_non_null(strstr(f->e.text, "container c0ffee000000 is using"));
	assert_int_equal(rm(f, "a00", IMAGE_REMOVE_FORCE, &lines), -EBUSY);
	assert_non_null(strstr(f->e.text, "cannot be forced"));
	add_container(f, "exited");
	assert_int_equal(rm(f, "a00", 0, &lines), -EBUSY);
	assert_non_null(strstr(f->e.text, "must be forced"));
	assert_int_equal(rm(f, "a00", IMAGE_REMOVE_FORCE, &lines), 0);
	assert_int_equal(lines.count, 1); /* untagged only */
	assert_int_equal(image_find(&f->store, ids[0], &f->a, &im, &f->e), 0);
	assert_true(on_disk(f, layers[0]));
}

static void history_meets_layers(void **state)
{
	struct fixture *f = *state;
	struct image_history_row *rows;
	size_t n;
	assert_int_equal(add_image(f, 0, 0, 1, "docker.io/library/x:1"), 0);
	assert_int_equal(image_history(&f->store, "x:1", &f->a, &rows, &n, &f->e), 0);
	assert_int_equal(n, 3);
	assert_string_equal(rows[0].id, ids[0]);
	assert_string_equal(rows[0].created_by, "B");
	assert_int_equal(rows[0].size, 200);
	assert_string_equal(rows[1].id, "<missing>");
	assert_int_equal(rows[1].size, 0);
	assert_int_equal(rows[2].size, 100);
}

static void missing_layers_are_told(void **state)
{
	struct fixture *f = *state;
	struct strv problems = {0};
	struct image im;
	int *fds;
	size_t n;
	assert_int_equal(add_image(f, 0, 0, 1, "docker.io/library/x:1"), 0);
	assert_int_equal(image_find(&f->store, "x:1", &f->a, &im, &f->e), 0);
	assert_int_equal(image_layers_open(&f->store, im.id, &f->a, &fds, &n, &f->e), 0);
	assert_int_equal(n, 2);
	image_layers_close(fds, n);
	assert_int_equal(image_store_check(&f->store, false, &f->a, &problems, &f->e), 0);
	assert_int_equal(problems.count, 0);
	tree_remove(f->scratch->fd, arena_printf(&f->a, "layers/%s", layers[1]), &f->e);
	assert_int_equal(image_layers_open(&f->store, im.id, &f->a, &fds, &n, &f->e), -ENOENT);
	assert_int_equal(image_store_check(&f->store, false, &f->a, &problems, &f->e), 0);
	assert_int_equal(problems.count, 1);
	/* Loading it again mends it. */
	assert_int_equal(add_image(f, 0, 0, 1, "docker.io/library/x:1"), 0);
	assert_true(on_disk(f, layers[1]));
}

/* Orphans go, what has an owner or a row stays. */
static void sweep_takes_orphans_only(void **state)
{
	struct fixture *f = *state;
	struct stage alive;
	assert_int_equal(add_image(f, 0, 0, 1, "docker.io/library/x:1"), 0);
	CLEANUP_FD int dir = openat(f->scratch->fd, "layers", O_RDONLY | O_DIRECTORY);
	assert_int_equal(mkdirat(dir, ".stage-dead", 0700), 0);
	put_file(dir, ".stage-dead/file", "half");
	assert_int_equal(mkdirat(dir, layers[2], 0700), 0);
	put_file(dir, "foreign", "not ours");
	assert_int_equal(stage_open(&alive, &f->store, &f->e), 0);
	assert_int_equal(image_store_sweep(&f->store, &f->e), 0);
	assert_false(file_exists(dir, ".stage-dead"));
	assert_false(file_exists(dir, layers[2]));
	assert_true(file_exists(dir, alive.name));
	assert_true(file_exists(dir, "foreign"));
	assert_true(on_disk(f, layers[0]));
	stage_close(&alive);
	assert_int_equal(image_store_sweep(&f->store, &f->e), 0);
}

/* A layer that was there when the load began and is not when it ends. */
static void vanished_layers_fail_the_commit(void **state)
{
	struct fixture *f = *state;
	struct stage st;
	struct image im;
	struct stage_layer l = {layers[0], NULL, 1};
	struct stage_image si = {.id = ids[0], .config_text = "{}", .layers = &l, .layer_count = 1};
	assert_int_equal(stage_open(&st, &f->store, &f->e), 0);
	assert_int_equal(stage_commit(&st, &f->store, &si, 1, &f->e), -EAGAIN);
	stage_close(&st);
	assert_int_equal(image_find(&f->store, ids[0], &f->a, &im, &f->e), -ENOENT);
}

static void bars_are_dockers(void **state)
{
	static const char equals[] = "==================================================";
	char want[IMAGE_PROGRESS_BAR_SIZE], is[IMAGE_PROGRESS_BAR_SIZE];
	assert_string_equal(image_progress_bar(1000, 0, is), "1kB");
	for (uint64_t done = 0; done <= 3000; done += 1000) {
		const int full = done < 2000 ? (int)done / 40 : 50;
		snprintf(want, sizeof(want), "[%.*s>%*s]  %s/2kB", full, equals, 50 - full, "",
			 done == 0      ? "0B"
			 : done == 1000 ? "1kB"
			 : done == 2000 ? "2kB"
					: "3kB");
		assert_string_equal(image_progress_bar(done, 2000, is), want);
	}
}

#define store_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bars_are_dockers),
		store_test(images_are_found),
		store_test(names_win_over_ids),
		store_test(filters_apply),
		store_test(shared_layers_stay),
		store_test(several_names_need_force),
		store_test(containers_keep_their_image),
		store_test(history_meets_layers),
		store_test(missing_layers_are_told),
		store_test(sweep_takes_orphans_only),
		store_test(vanished_layers_fail_the_commit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
