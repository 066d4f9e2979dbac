/* SPDX-License-Identifier: Apache-2.0 */
/* Image configs and manifests as structs; Dockerfile instructions applied to a config. */
#include "unit/unit.h"

#include "image/image.h"

static const char docker_config[] =
	"{\"architecture\":\"arm64\",\"variant\":\"v8\",\"os\":\"linux\",\"created\":\"2024-01-"
	"02T03:04:05Z\","
	"\"config\":{\"User\":\"www\",\"Env\":[\"A=1\"],\"Entrypoint\":[\"/e\"],\"Cmd\":null,"
	"\"WorkingDir\":\"/w\",\"Volumes\":{\"/v\":{}},\"ExposedPorts\":{\"80/tcp\":{}},"
	"\"Labels\":{\"k\":\"v\"},\"StopSignal\":\"SIGQUIT\",\"Shell\":[\"/bin/bash\",\"-c\"],"
	"\"OnBuild\":[\"RUN x\"],\"Healthcheck\":{\"Test\":[\"CMD\",\"x\"],\"Interval\":1000}},"
	"\"history\":[{\"created_by\":\"ADD\"},{\"created_by\":\"ENV\",\"empty_layer\":true}],"
	"\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:00\"]},\"container_config\":{\"x\":"
	"[1,{}]}}";

static void config_is_read(void **state)
{
	(void)state;
	CLEANUP_ARENA struct arena a = {0};
	struct oci_image c = {0};
	struct err e = {0};
	assert_int_equal(
		shape_parse(&oci_image_shape, docker_config, strlen(docker_config), &c, &a, &e), 0);
	assert_string_equal(c.architecture, "arm64");
	assert_string_equal(c.variant, "v8");
	assert_string_equal(c.config.user, "www");
	assert_int_equal(c.config.cmd.count, 0);
	assert_string_equal(c.config.entrypoint.items[0], "/e");
	assert_string_equal(c.config.volumes.items[0], "/v");
	assert_string_equal(c.config.exposed_ports.items[0], "80/tcp");
	assert_string_equal(kvs_get(&c.config.labels, "k"), "v");
	assert_string_equal(c.config.healthcheck, "{\"Test\":[\"CMD\",\"x\"],\"Interval\":1000}");
	assert_string_equal(c.rootfs.diff_ids.items[0], "sha256:00");
	assert_int_equal(c.history.count, 2);
	assert_true(((struct oci_history *)c.history.items)[1].empty_layer);
}

static void wrong_configs_are_refused(void **state)
{
	static const struct {
		const char *text, *word;
	} table[] = {
		{"[]", "object"},
		{"{}", "rootfs"},
		{"{\"rootfs\":[]}", "rootfs"},
		{"{\"rootfs\":{\"diff_ids\":[1]}}", "diff_ids"},
		{"{\"rootfs\":{},\"os\":1}", "os"},
		{"{\"rootfs\":{},\"config\":{\"Env\":{}}}", "Env"},
		{"{\"rootfs\":{},\"config\":{\"Labels\":{\"a\":1}}}", "Labels"},
		{"{\"rootfs\":{},\"history\":[1]}", "history[0]"},
		{"{\"rootfs\":{}", "JSON"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		CLEANUP_ARENA struct arena a = {0};
		struct oci_image c = {0};
		struct err e = {0};
		const char *text = table[i].text;
		assert_true(shape_parse(&oci_image_shape, text, strlen(text), &c, &a, &e) < 0);
		assert_non_null(strstr(e.text, table[i].word));
	}
}

static void documents_tell_index_from_manifest(void **state)
{
	static const char index[] =
		"{\"schemaVersion\":2,\"manifests\":[{\"digest\":\"d\",\"size\":1,"
		"\"platform\":{\"os\":\"linux\",\"architecture\":\"amd64\"}}]}";
	(void)state;
	CLEANUP_ARENA struct arena a = {0};
	struct oci_document d = {0};
	struct err e = {0};
	assert_int_equal(shape_parse(&oci_document_shape, index, strlen(index), &d, &a, &e), 0);
	assert_null(d.layers.items);
	assert_null(d.config);
	const struct oci_descriptor *m = d.manifests.items;
	assert_int_equal(m->size, 1);
	assert_string_equal(m->platform->architecture, "amd64");
	static const char bare[] = "{\"manifests\":[{\"size\":1}]}";
	assert_true(shape_parse(&oci_document_shape, bare, strlen(bare), &d, &a, &e) < 0);
	assert_non_null(strstr(e.text, "digest"));
}

static char *apply_all(const char *const *changes, struct arena *a)
{
	struct oci_image_process p = {0};
	struct err e = {0};
	for (; *changes; changes++)
		if (image_change_apply(*changes, &p, a, &e) < 0)
			fail_msg("%s: %s", *changes, e.text);
	return shape_print(&oci_image_process_shape, &p, false, a);
}

static void changes_are_applied(void **state)
{
	static const struct {
		const char *changes[4];
		const char *json;
	} table[] = {
		{{"CMD echo hi"}, "{\"Cmd\":[\"/bin/sh\",\"-c\",\"echo hi\"]}"},
		{{"cmd [\"a\", \"b c\"]"}, "{\"Cmd\":[\"a\",\"b c\"]}"},
		{{"CMD [ -f x ] && y"}, "{\"Cmd\":[\"/bin/sh\",\"-c\",\"[ -f x ] && y\"]}"},
		{{"ENTRYPOINT [\"/x\"]"}, "{\"Entrypoint\":[\"/x\"]}"},
		{{"ENV A=1 B=\"two words\" C=x\\ y D='a\\b'"},
		 "{\"Env\":[\"A=1\",\"B=two words\",\"C=x y\",\"D=a\\\\b\"]}"},
		{{"ENV A old form", "ENV A=2"}, "{\"Env\":[\"A=2\"]}"},
		{{"EXPOSE 80 81/UDP 90-91"},
		 "{\"ExposedPorts\":{\"80/tcp\":{},\"81/udp\":{},\"90/tcp\":{},\"91/tcp\":{}}}"},
		{{"EXPOSE 80", "EXPOSE 80/tcp"}, "{\"ExposedPorts\":{\"80/tcp\":{}}}"},
		{{"LABEL a=1 \"b c\"=\"d e\""}, "{\"Labels\":{\"a\":\"1\",\"b c\":\"d e\"}}"},
		{{"USER 1000:1000"}, "{\"User\":\"1000:1000\"}"},
		{{"VOLUME /a /b", "VOLUME [\"/b\", \"/c d\"]"},
		 "{\"Volumes\":{\"/a\":{},\"/b\":{},\"/c d\":{}}}"},
		{{"WORKDIR /a/b", "WORKDIR ../c"}, "{\"WorkingDir\":\"/a/c\"}"},
		{{"STOPSIGNAL SIGQUIT"}, "{\"StopSignal\":\"SIGQUIT\"}"},
		{{"ONBUILD RUN x"}, "{\"OnBuild\":[\"RUN x\"]}"},
		{{"HEALTHCHECK NONE"}, "{\"Healthcheck\":{\"Test\":[\"NONE\"]}}"},
		{{"HEALTHCHECK --interval=1m --retries=3 CMD [\"x\"]"},
		 "{\"Healthcheck\":{\"Interval\":60000000000,\"Retries\":3,\"Test\":[\"CMD\",\"x\"]"
		 "}}"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		CLEANUP_ARENA struct arena a = {0};
		assert_string_equal(apply_all(table[i].changes, &a), table[i].json);
	}
}

static void wrong_changes_are_refused(void **state)
{
	static const char *const table[] = {
		"",
		"CMD",
		"RUN x",
		"FROM x",
		"ENV A",
		"ENV =x",
		"ENV A=1 B",
		"EXPOSE x",
		"EXPOSE 0",
		"EXPOSE 65536",
		"EXPOSE 90-80",
		"EXPOSE 80/icmp",
		"STOPSIGNAL x",
		"ONBUILD ONBUILD RUN x",
		"ONBUILD FROM x",
		"HEALTHCHECK x",
		"HEALTHCHECK CMD",
		"HEALTHCHECK --interval=x CMD y",
		"HEALTHCHECK --bad=1 CMD y",
		"VOLUME [\"\"]",
	};
	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		CLEANUP_ARENA struct arena a = {0};
		struct oci_image_process p = {0};
		struct err e = {0};
		if (image_change_apply(table[i], &p, &a, &e) != -EINVAL)
			fail_msg("\"%s\" was applied", table[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(config_is_read),
		cmocka_unit_test(wrong_configs_are_refused),
		cmocka_unit_test(documents_tell_index_from_manifest),
		cmocka_unit_test(changes_are_applied),
		cmocka_unit_test(wrong_changes_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
