/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: what a client sends as files of a build. Packets stand behind each other, each with
 * a byte for its length. Nothing is kept open that was not asked for, the tar ends behind all that
 * it has, and what is refused has a reason.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "session/files.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int good)
{
	if (!good)
		abort();
}

static void hear(void *ctx, const void *packet, size_t len)
{
	check(len > 0 && len < 32);
	++*(size_t *)ctx;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int tar = -1;
	size_t said = 0, open = 0;
	struct stat st;
	struct err e = {0};
	if (tar < 0)
		tar = memfd_create("tar", MFD_CLOEXEC);
	check(ftruncate(tar, 0) == 0);
	struct files f = {.fd = tar, .say = hear, .ctx = &said};
	for (size_t at = 0; at < size;) {
		size_t len = data[at++];
		len = len < size - at ? len : size - at;
		uint8_t *copy = malloc(len ? len : 1);
		memcpy(copy, data + at, len);
		int r = files_take(&f, copy, len, &e);
		free(copy);
		at += len;
		check(r <= 0 && (r == 0 || e.number == -r));
		if (r < 0)
			break;
	}
	for (size_t i = 0; i < f.count; i++)
		open += f.items[i].open;
	check(open == f.open && said <= f.count + 1 && (!f.ended || (f.listed && !open)));
	check(fstat(tar, &st) == 0 && (uint64_t)st.st_size <= f.end + 1024);
	files_free(&f);
	return 0;
}
