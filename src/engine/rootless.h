/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hull of an ordinary user. He gets a user namespace with the ids that /etc/subuid and /etc/subgid
 * grant him, one for each --runroot, in which every command goes on as root; from there on the
 * engine is the same. See user_namespaces(7), newuidmap(1), docs/rootless.md.
 *
 * All that happens at the same time must be in one namespace, or a command would have no rights
 * over a container that another one started. So a small process holds it as long as somebody has a
 * lock on the file "userns" below --runroot: each command, and the keeper of each container.
 */
#pragma once

#include "engine/settings.h"

/**
 * For root nothing is done. Else the calling process, of one thread, enters the namespace that
 * belongs to the --runroot of @s, or makes it, and a mount namespace of its own; @s is complete.
 * @argv is that of main: the process that holds a new namespace puts its own name there.
 * Errors: the folders are not the user's alone, he may make no namespace, newuidmap refuses.
 */
int rootless_enter(const struct settings *s, char *const argv[], struct arena *a, struct err *e);
/** A descriptor whose lock keeps the namespace that was entered, or negative errno: there is none.
 */
int rootless_hold(int run_fd);
