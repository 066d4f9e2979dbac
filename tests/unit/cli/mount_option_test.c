/* SPDX-License-Identifier: Apache-2.0 */
/* --mount: the record, the keys, and what contradicts itself. */
#include "tests/unit/unit.h"

#include "cli/mount_option.h"

static struct arena arena;

static struct docker_mount parsed(const char *text)
{
	struct docker_mount m = {0};
	struct err e = {0};
	if (mount_option_parse(text, &m, &arena, &e) < 0)
		fail_msg("%s: %s", text, e.text);
	return m;
}

static void keys(void **state)
{
	(void)state;
	struct docker_mount m = parsed("type=bind,src=/a,dst=/b,ro");
	assert_string_equal(m.type, "bind");
	assert_string_equal(m.source, "/a");
	assert_string_equal(m.target, "/b");
	assert_true(m.read_only);
	m = parsed("TYPE=Volume,Source=data,destination=/d,readonly=false,volume-nocopy,"
		   "volume-label=a=b,volume-label=c,volume-subpath=x/y");
	assert_string_equal(m.type, "volume");
	assert_false(m.read_only);
	assert_true(m.volume_options->no_copy);
	assert_string_equal(m.volume_options->labels.items[0].value, "b");
	assert_string_equal(m.volume_options->labels.items[1].key, "c");
	assert_string_equal(m.volume_options->subpath, "x/y");
	m = parsed("target=/t,type=tmpfs,tmpfs-size=64m,tmpfs-mode=1777");
	assert_int_equal(m.tmpfs_options->size_bytes, 64 << 20);
	assert_int_equal(m.tmpfs_options->mode, 01777);
	m = parsed("type=image,source=a:b,target=/t,image-subpath=x/y");
	assert_string_equal(m.image_options->subpath, "x/y");
	m = parsed(
		"type=bind,source=/a,target=/b,bind-propagation=rshared,bind-recursive=disabled");
	assert_string_equal(m.bind_options->propagation, "rshared");
	assert_true(m.bind_options->non_recursive);
	m = parsed("type=bind,source=/a,target=/b,bind-nonrecursive");
	assert_true(m.bind_options->non_recursive);
	m = parsed("src=v,dst=/d,volume-driver=local,volume-opt=type=nfs,volume-opt=o=a=b");
	assert_string_equal(m.volume_options->driver->name, "local");
	assert_string_equal(kvs_get(&m.volume_options->driver->options, "o"), "a=b");
	assert_null(m.idmap);
	assert_string_equal(parsed("src=v,dst=/d,idmap").idmap, MOUNT_IDMAP_USER);
	assert_string_equal(parsed("src=v,dst=/d,idmap=uids=0-1-2").idmap, "uids=0-1-2");
	/* The default type is volume, the source may be missing. */
	m = parsed("dst=/anonymous");
	assert_string_equal(m.type, "volume");
	assert_null(m.source);
}

static void quoted_fields(void **state)
{
	(void)state;
	struct docker_mount m = parsed("type=bind,\"src=/a,b\",\"dst=/c\"\"d\"");
	assert_string_equal(m.source, "/a,b");
	assert_string_equal(m.target, "/c\"d");
}

static void relative_sources(void **state)
{
	(void)state;
	char cwd[4096], want[4200];
	assert_non_null(getcwd(cwd, sizeof(cwd)));
	snprintf(want, sizeof(want), "%s/x", strcmp(cwd, "/") ? cwd : "");
	assert_string_equal(parsed("type=bind,src=./x,dst=/b").source, want);
	assert_string_equal(parsed("type=bind,src=x,dst=/b").source,
			    "x"); /* the engine refuses it */
}

static void refusals(void **state)
{
	(void)state;
	static const struct {
		const char *text, *why;
	} cases[] = {
		{"", "value is empty"},
		{"type=bind,foo", "invalid field 'foo' must be a key=value pair"},
		{"type", "invalid field 'type' must be a key=value pair"},
		{"foo=bar,type=bind", "unexpected key 'foo' in 'foo=bar'"},
		{"type=bind,src=/a", "target is required"},
		{"type=bind,dst=/a", "source is required for type 'bind'"},
		{"type=tmpfs,src=/b,dst=/a", "type 'tmpfs' takes no source"},
		{"type=bind,src=/a,dst=/b,ro=x", "invalid value for ro: x"},
		{"type=tmpfs,dst=/a,tmpfs-size=x", "invalid value for tmpfs-size: x"},
		{"type=tmpfs,dst=/a,tmpfs-size=-1", "invalid value for tmpfs-size: -1"},
		{"type=tmpfs,dst=/a,tmpfs-mode=8", "invalid value for tmpfs-mode: 8"},
		{"type=tmpfs,dst=/a,tmpfs-mode=17777", "invalid value for tmpfs-mode: 17777"},
		{"type=tmpfs,dst=/a,tmpfs-mode=", "invalid value for tmpfs-mode: "},
		{"type=bind,src=/a,dst=/b,bind-propagation=up",
		 "invalid value for bind-propagation: up"},
		{"type=bind,src=/a,dst=/b,volume-nocopy",
		 "cannot mix 'volume-*' options with mount type 'bind'"},
		{"type=volume,dst=/b,bind-nonrecursive",
		 "cannot mix 'bind-*' options with mount type 'volume'"},
		{"type=volume,dst=/b,tmpfs-size=1",
		 "cannot mix 'tmpfs-*' options with mount type 'volume'"},
		{"type=bind,src=/a,dst=/b,bind-recursive=readonly",
		 "option 'bind-recursive=readonly' requires 'readonly' to be specified in "
		 "conjunction"},
		{"type=bind,src=/a,dst=/b,ro,bind-recursive=readonly",
		 "option 'bind-recursive=readonly' requires 'bind-propagation=rprivate' to be "
		 "specified "
		 "in conjunction"},
		{"type=volume,dst=/b,volume-opt==1", "invalid value for volume-opt: =1"},
		{"type=tmpfs,dst=/b,idmap", "type 'tmpfs' takes no idmap"},
		{"type=bind,src=/a,dst=/b,idmap=x", "invalid value for idmap: x"},
		{"a\"b", "bare \" in non-quoted field"},
		{"\"ab", "extraneous or missing \" in quoted field"},
		{"\"ab\"c", "extraneous or missing \" in quoted field"},
		{",", "invalid field '' must be a key=value pair"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct docker_mount m = {.type = "untouched"};
		struct err e = {0};
		assert_true(mount_option_parse(cases[i].text, &m, &arena, &e) < 0);
		assert_string_equal(e.text, cases[i].why);
		assert_string_equal(m.type, "untouched");
	}
}

static void limits(void **state)
{
	(void)state;
	struct err e = {0};
	struct docker_mount m;
	char *text = arena_alloc(&arena, MOUNT_TEXT_MAX + 2);
	memset(text, 'a', MOUNT_TEXT_MAX + 1);
	assert_int_equal(mount_option_parse(text, &m, &arena, &e), -E2BIG);
	struct strv fields = {0};
	memset(text, ',', MOUNT_FIELDS_MAX);
	text[MOUNT_FIELDS_MAX] = '\0';
	assert_int_equal(csv_split(text, &fields, &arena, &e), -E2BIG);
	text[MOUNT_FIELDS_MAX - 1] = '\0';
	fields = (struct strv){0};
	assert_int_equal(csv_split(text, &fields, &arena, &e), 0);
	assert_int_equal(fields.count, MOUNT_FIELDS_MAX);
}

static int release(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys),
		cmocka_unit_test(quoted_fields),
		cmocka_unit_test(relative_sources),
		cmocka_unit_test(refusals),
		cmocka_unit_test(limits),
	};
	return cmocka_run_group_tests(tests, NULL, release);
}
