/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Receive packet steering: packets of one flow are worked off by one processor, so that they stay
 * in their order, where a device has fewer queues than the machine has processors (a veth has one).
 * See the kernel's Documentation/networking/scaling.rst.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/** "auto" (all processors), or a mask as the kernel writes it, "3" or "ff,ffffffff"? */
bool rps_is_valid(const char *mask);
/** Set it for all receive queues of @device in the network namespace of @netns, a descriptor of it
 * or of a process (pidfd); -1: ours. 0, or negative errno. */
int rps_set(int netns, const char *device, const char *mask, struct err *e);
/** The mask of its first receive queue, "0" where nothing is steered. 0, or negative errno. */
int rps_read(int netns, const char *device, char *buf, size_t size, struct err *e);
