/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernel parameters of a container: only those that belong to one of its own namespaces. See
 * proc(5), namespaces(7). The list is an allow-list: what is not in it would change the host.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"

enum { SYSCTL_VALUE_MAX = 4095 };

/**
 * Check one parameter, before anything is created. @own is the set of CLONE_NEW* namespaces that
 * the container has for itself. Keys are written with dots ("net.ipv4.ip_forward") or with slashes,
 * not both ways at once. Errors name the key and the namespace that is missing.
 */
int sysctl_check(const char *key, const char *value, unsigned long own, struct err *e);
/** Write it, below @procfd: the root of a procfs made by ourselves. Never leaves that mount. */
int sysctl_write(int procfd, const char *key, const char *value, struct err *e);
/** Those of @spaces (CLONE_NEWNET, IPC, UTS) as they are in the namespaces of the process @pidfd,
 * or with -1 in our own: keys with dots, on one line each. Without those of single devices,
 * secrets, and what counts by itself. */
int sysctl_read_all(int pidfd, int spaces, struct arena *a, struct kvs *ret, struct err *e);
