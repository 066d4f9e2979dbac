/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: names of images. What is accepted is its own normal form, and its familiar form
 * means the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "image/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int good)
{
	if (!good)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_ARENA struct arena a = {0};
	struct image_reference r, again;
	struct err e = {0};
	char *text = arena_strndup(&a, (const char *)data, size);
	image_digest_is_valid(text);
	if (image_reference_parse(text, &a, &r, &e) < 0) {
		check(e.number > 0 && *e.text);
		return 0;
	}
	char *full = image_reference_full(&r, &a);
	check(!strstr(r.path, "..") && !strpbrk(full, " \n\\"));
	check(image_reference_parse(full, &a, &again, &e) == 0);
	check(!strcmp(image_reference_full(&again, &a), full));
	check(image_reference_parse(image_reference_familiar(&r, &a), &a, &again, &e) == 0);
	check(!strcmp(image_reference_full(&again, &a), full));
	return 0;
}
