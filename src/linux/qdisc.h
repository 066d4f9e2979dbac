/* SPDX-License-Identifier: Apache-2.0 */
/* Rates of links: a token bucket before what a device sends. See tc-tbf(8), rtnetlink(7). */
#pragma once

#include "linux/netlink.h"

/** "10m", "1.5gbit", "500kbit": bits a second, as networks count them; to bytes a second. False: it
 * is none, or is below 8 kbit. */
bool rate_parse(const char *text, uint64_t *ret);
/** Let the link @index send no more than @rate bytes a second; 0: as it likes. 0 or negative errno.
 */
int link_limit_rate(struct netlink *nl, int index, uint64_t rate);
