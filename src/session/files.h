/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of a client, as BuildKit's fsutil sends them, become a tar: he tells of all of them (STAT),
 * we ask for what is in them (REQ), he sends that (DATA) in any order, and both say that they are
 * done (FIN). How large each file is stands in its STAT, so where its bytes lie in the tar is known
 * before they come: nothing is kept in memory but that. What the names mean, and what leads out of
 * the folder, is hull-unpack's affair, which gets the tar.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { FILES_MAX = 1000000, FILES_PATH_MAX = 4096, FILES_HEAD_MAX = 1 << 20 };
#define FILES_BYTES_MAX ((uint64_t)64 << 30)

struct files {
	int fd; /* the tar, an empty file */
	void (*say)(void *ctx, const void *packet, size_t len);
	void *ctx;

	uint64_t end; /* where the next one begins */
	struct file {
		uint64_t at, left; /* where its next byte goes, how many are to come */
		bool open;         /* it was asked for, and its end has not come */
	} * items;                 /* all that he told of; a REQ has its index */
	size_t count, room, open;
	bool listed, ended;
};

/** Take one packet; what is to be said is said. Once `ended` the tar is whole. */
int files_take(struct files *f, const void *packet, size_t len, struct err *e);
void files_free(struct files *f);
