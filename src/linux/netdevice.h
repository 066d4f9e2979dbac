/* SPDX-License-Identifier: Apache-2.0 */
/* Network devices that change their namespace. See rtnetlink(7), network_namespaces(7). */
#pragma once

#include <stdbool.h>

#include "base/err.h"

/** May a network device have this name? */
bool netdevice_name_is_valid(const char *name);
/**
 * Move the device @name of our network namespace into that of @netns (a descriptor), as @new_name,
 * and bring it up there. Its permanent addresses of global scope, which the kernel drops, come with
 * it; MTU and hardware address are its own. 0, or negative errno with @e; -ENODEV: not there.
 */
int netdevice_move(const char *name, const char *new_name, int netns, struct err *e);
