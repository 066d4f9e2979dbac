/* SPDX-License-Identifier: Apache-2.0 */
/* Locking hull-unpack in, before it reads a foreign byte. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct cage {
	bool reads; /* it packs the folder, and changes nothing in it; else it writes there */
	bool overlay_marks; /* with reads: trusted.overlay.* too, which takes CAP_SYS_ADMIN */
	bool no_folder;     /* descriptor 4 is a file, and there is nothing else to reach */
	uint64_t max_file;  /* the largest file that it may write */
};

/**
 * From here on this process can reach the folder @stage and its open descriptors, and nothing else:
 * no other file, no network, no new program, no privilege but those that writing a tree needs, or
 * reading it. Threads are started afterwards, so that they inherit it.
 */
int confine(int stage, struct cage cage, struct err *e);
