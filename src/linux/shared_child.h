/* SPDX-License-Identifier: Apache-2.0 */
/* A child that shares our memory until it executes a program: vfork(2). */
#pragma once

#include <sys/types.h>

/**
 * Run @body(@arg) in a new process that has its own descriptors, session and so on, but our memory;
 * we wait meanwhile. It is to end in an execve; if @body returns, the process ends with status 127.
 * No page is copied, so the cost does not grow with our size. @body must leave all variables that
 * we go on with as they are (descriptors that it closes stay open here), and may call itself for a
 * grandchild. Returns the pid once the child has executed its program or ended, or negative errno.
 */
pid_t shared_child(void (*body)(void *arg), void *arg);
