/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The AppArmor profile of a container: the one that it names, or hull's own, which is loaded into
 * the kernel with the first container after a boot. See apparmor.d(5), docs/security.md.
 */
#pragma once

#include "engine/internal.h"

#define APPARMOR_DEFAULT "hull-default"

/** The profile that @c is to have, for inspect: "" where there is none, "unconfined" where it was
 * asked for. */
const char *apparmor_of(const struct container *c);
/** The same for the spec of a process that is started now: NULL for none. A profile that was named
 * must be there; hull's own is loaded, and where it cannot be, the container goes without. */
int apparmor_profile(struct engine *en, const struct container *c, const char **ret, struct err *e);
/** What this machine lacks for profiles, and what to do; NULL: nothing. */
const char *apparmor_lacks(void);
