/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shape tables of the OCI image formats. The order of the fields is the order in which docker
 * writes them. Read oci_image.h first.
 */
#include "spec/oci_image.h"

#include <string.h>
#include <sys/utsname.h>

#define F(member, name, type, ...)                                                                 \
	FIELD(struct oci_image_process, member, name, type, ##__VA_ARGS__)
static const struct field process_fields[] = {
	F(user, "User", FIELD_STR),
	F(exposed_ports, "ExposedPorts", FIELD_SET),
	F(env, "Env", FIELD_STRV),
	F(entrypoint, "Entrypoint", FIELD_STRV),
	F(cmd, "Cmd", FIELD_STRV),
	F(volumes, "Volumes", FIELD_SET),
	F(working_dir, "WorkingDir", FIELD_STR),
	F(labels, "Labels", FIELD_KVS),
	F(stop_signal, "StopSignal", FIELD_STR),
	F(healthcheck, "Healthcheck", FIELD_RAW),
	F(shell, "Shell", FIELD_STRV),
	F(on_build, "OnBuild", FIELD_STRV),
};
#undef F
const struct shape oci_image_process_shape = SHAPE(struct oci_image_process, process_fields);

static const struct field rootfs_fields[] = {
	FIELD(struct oci_rootfs, type, "type", FIELD_STR, .flags = FIELD_KEEP),
	FIELD(struct oci_rootfs, diff_ids, "diff_ids", FIELD_STRV, .flags = FIELD_KEEP),
};
static const struct shape rootfs_shape = SHAPE(struct oci_rootfs, rootfs_fields);

static const struct field history_fields[] = {
	FIELD(struct oci_history, created, "created", FIELD_STR),
	FIELD(struct oci_history, created_by, "created_by", FIELD_STR),
	FIELD(struct oci_history, author, "author", FIELD_STR),
	FIELD(struct oci_history, comment, "comment", FIELD_STR),
	FIELD(struct oci_history, empty_layer, "empty_layer", FIELD_BOOL),
};
static const struct shape history_shape = SHAPE(struct oci_history, history_fields);

#define F(member, name, type, ...) FIELD(struct oci_image, member, name, type, ##__VA_ARGS__)
static const struct field image_fields[] = {
	F(architecture, "architecture", FIELD_STR, .flags = FIELD_KEEP),
	F(author, "author", FIELD_STR),
	F(config, "config", FIELD_STRUCT, .flags = FIELD_KEEP, .shape = &oci_image_process_shape),
	F(created, "created", FIELD_STR),
	F(history, "history", FIELD_ARRAY, .shape = &history_shape),
	F(os, "os", FIELD_STR, .flags = FIELD_KEEP),
	F(os_version, "os.version", FIELD_STR),
	F(rootfs, "rootfs", FIELD_STRUCT, .flags = FIELD_REQUIRED, .shape = &rootfs_shape),
	F(variant, "variant", FIELD_STR),
};
#undef F
const struct shape oci_image_shape = SHAPE(struct oci_image, image_fields);

static const struct field platform_fields[] = {
	FIELD(struct oci_platform, architecture, "architecture", FIELD_STR),
	FIELD(struct oci_platform, os, "os", FIELD_STR),
	FIELD(struct oci_platform, os_version, "os.version", FIELD_STR),
	FIELD(struct oci_platform, os_features, "os.features", FIELD_STRV),
	FIELD(struct oci_platform, variant, "variant", FIELD_STR),
};
static const struct shape platform_shape = SHAPE(struct oci_platform, platform_fields);

#define F(member, name, type, ...) FIELD(struct oci_descriptor, member, name, type, ##__VA_ARGS__)
static const struct field descriptor_fields[] = {
	F(media_type, "mediaType", FIELD_STR),
	F(digest, "digest", FIELD_STR, .flags = FIELD_REQUIRED),
	F(size, "size", FIELD_I64, .flags = FIELD_REQUIRED),
	F(urls, "urls", FIELD_STRV),
	F(annotations, "annotations", FIELD_KVS),
	F(platform, "platform", FIELD_PTR, .shape = &platform_shape),
	F(artifact_type, "artifactType", FIELD_STR),
};
#undef F
const struct shape oci_descriptor_shape = SHAPE(struct oci_descriptor, descriptor_fields);

#define F(member, name, type, ...) FIELD(struct oci_document, member, name, type, ##__VA_ARGS__)
static const struct field document_fields[] = {
	F(schema_version, "schemaVersion", FIELD_I64),
	F(media_type, "mediaType", FIELD_STR),
	F(artifact_type, "artifactType", FIELD_STR),
	F(config, "config", FIELD_PTR, .shape = &oci_descriptor_shape),
	F(layers, "layers", FIELD_ARRAY, .shape = &oci_descriptor_shape),
	F(manifests, "manifests", FIELD_ARRAY, .shape = &oci_descriptor_shape),
	F(annotations, "annotations", FIELD_KVS),
};
#undef F
const struct shape oci_document_shape = SHAPE(struct oci_document, document_fields);

static const struct field archive_fields[] = {
	FIELD(struct docker_archive_image, config, "Config", FIELD_STR, .flags = FIELD_REQUIRED),
	FIELD(struct docker_archive_image, repo_tags, "RepoTags", FIELD_STRV, .flags = FIELD_NULL),
	FIELD(struct docker_archive_image, layers, "Layers", FIELD_STRV, .flags = FIELD_NULL),
};
const struct shape docker_archive_image_shape = SHAPE(struct docker_archive_image, archive_fields);

const char *oci_native_architecture(void)
{
	static const struct {
		const char *machine, *name;
	} table[] = {
		{"x86_64", "amd64"},        {"aarch64", "arm64"},   {"armv7l", "arm"},
		{"armv6l", "arm"},          {"i686", "386"},        {"ppc64le", "ppc64le"},
		{"s390x", "s390x"},         {"riscv64", "riscv64"}, {"mips64", "mips64le"},
		{"loongarch64", "loong64"},
	};
	struct utsname u;
	if (uname(&u) == 0)
		for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
			if (!strcmp(u.machine, table[i].machine))
				return table[i].name;
	return "unknown";
}
