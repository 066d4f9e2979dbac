/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The OCI image specification 1.1 (config.md, manifest.md, image-index.md, image-layout.md) and the
 * manifest.json of `docker save`, as C structs. The shape tables in oci_image.c tie them to JSON.
 * An image config in docker's own form has the same members, so one struct serves both.
 *
 * Ownership: everything lives in the arena that filled the struct.
 */
#pragma once

#include "base/arena.h"
#include "base/shape.h"

/** What an image says about the process to start: the member "config" of the image config. */
struct oci_image_process {
	char *user;
	struct strv exposed_ports; /* "80/tcp" */
	struct strv env;
	struct strv entrypoint, cmd;
	struct strv volumes; /* absolute paths */
	char *working_dir;
	struct kvs labels; /* never interpreted */
	char *stop_signal;
	char *healthcheck;           /* JSON text of docker's extension, or NULL */
	struct strv shell, on_build; /* docker's extensions */
};

struct oci_rootfs {
	char *type;           /* "layers" */
	struct strv diff_ids; /* "sha256:<hex>", the lowest first */
};

struct oci_history {
	char *created; /* RFC 3339 */
	char *created_by;
	char *author;
	char *comment;
	bool empty_layer; /* this step made no layer */
};

struct oci_image {
	char *created, *author;
	char *architecture, *variant, *os, *os_version; /* in Go's names: amd64, arm64 */
	struct oci_image_process config;
	struct oci_rootfs rootfs;
	struct array history; /* of struct oci_history, the oldest first */
};
extern const struct shape oci_image_shape;
extern const struct shape oci_image_process_shape;

struct oci_platform {
	char *architecture, *os, *variant, *os_version;
	struct strv os_features;
};

struct oci_descriptor {
	char *media_type;
	char *digest;
	int64_t size;
	struct strv urls;
	struct kvs annotations;
	struct oci_platform *platform;
	char *artifact_type;
};
extern const struct shape oci_descriptor_shape;

/**
 * A manifest or an index: whichever it is, both sets of members are read, because a document that
 * has both is refused (it would be one image to one reader and another to the next).
 */
struct oci_document {
	int64_t schema_version;
	char *media_type;
	char *artifact_type;
	struct oci_descriptor *config;
	struct array layers;    /* of struct oci_descriptor; NULL items when absent */
	struct array manifests; /* of struct oci_descriptor; NULL items when absent */
	struct kvs annotations;
};
extern const struct shape oci_document_shape;

/** One element of the array in docker's manifest.json. */
struct docker_archive_image {
	char *config;          /* member name of the config */
	struct strv repo_tags; /* "busybox:latest" */
	struct strv layers;    /* member names, the lowest first */
};
extern const struct shape docker_archive_image_shape;

/** "amd64" on x86_64, as images name the machine that this program runs on. */
const char *oci_native_architecture(void);
