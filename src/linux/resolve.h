/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses of names. A static program cannot load the modules that /etc/nsswitch.conf names, so
 * getent(1) asks them. */
#pragma once

#include <netinet/in.h>

/** The address of @name, of IPv4 if it has one; an address is its own. -ENOENT: it has none, or
 *  there is no getent. */
int resolve_address(const char *name, char ret[static INET6_ADDRSTRLEN]);
