/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How fast this kernel is on each kind of way that hull can give a container: round trips of one
 * byte, and one stream of TCP. Everything is made in network namespaces that end with the process:
 * no device, no rule and no packet is in the host's own network.
 */
#pragma once

#include <stddef.h>

#include "base/err.h"

struct bench_result {
	const char *way;
	double median_us; /* of a round trip; 0: this kernel does not have it */
	double gbit;      /* a second */
};
enum { BENCH_WAYS = 6 };

/** Measure, @ms for each figure of each way. The caller is in another network namespace after it.
 */
int network_bench(int ms, struct bench_result ret[static BENCH_WAYS], struct err *e);
