/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: the documents of an image (config, manifest, index, docker's manifest.json), and
 * Dockerfile instructions. A config that was read is written and read again.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "image/plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_and_write(const char *text, size_t len, struct arena *a)
{
	struct oci_image c = {0}, again = {0};
	struct err e = {0};
	if (shape_parse(&oci_image_shape, text, len, &c, a, &e) < 0)
		return;
	char *out = shape_print(&oci_image_shape, &c, false, a);
	if (shape_parse(&oci_image_shape, out, strlen(out), &again, a, &e) < 0 ||
	    again.rootfs.diff_ids.count != c.rootfs.diff_ids.count)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_ARENA struct arena a = {0};
	struct oci_document d = {0};
	struct docker_archive_image m = {0};
	struct oci_image_process p = {0};
	struct plan_image *im;
	struct err e = {0};
	struct archive empty = {.form = ARCHIVE_TAR, .fd = -1, .arena = &a};
	struct plan plan = {.archive = &empty, .arena = &a};
	char *text = arena_strndup(&a, (const char *)data, size);
	image_change_apply(text, &p, &a, &e);
	if (plan_check_document("fuzz", text, size, &e) < 0)
		return 0;
	shape_parse(&oci_document_shape, text, size, &d, &a, &e);
	shape_parse(&docker_archive_image_shape, text, size, &m, &a, &e);
	read_and_write(text, size, &a);
	plan_add_image(&plan, "fuzz", text, size, &im, &e);
	return 0;
}
