/* SPDX-License-Identifier: Apache-2.0 */
/* Which processors handle the packets that come in: /proc/net/softnet_stat, a line for each, of the
 * whole machine since it booted (net/core/net-procfs.c of the kernel). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct softnet {
	unsigned processors;
	unsigned busiest;
	uint64_t packets, most; /* of all; of the busiest */
};

/** False: it is not such a file. */
bool softnet_parse(const char *text, struct softnet *ret);
/** 0, or negative errno. */
int softnet_read(struct softnet *ret);
