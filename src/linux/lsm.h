/* SPDX-License-Identifier: Apache-2.0 */
/* The label of a security module for the next execve(2): AppArmor profiles, SELinux contexts. See
 * the kernel's admin-guide/LSM. */
#pragma once

#include <stdbool.h>

#include "base/err.h"

/**
 * Have the calling process take @profile (AppArmor) or @label (SELinux) at its next execve. NULL or
 * "" asks for nothing. Fails when the running kernel does not have that module: a profile that was
 * asked for and is not there must not pass silently. @procfd is a procfs of ourselves.
 */
int lsm_apparmor_on_exec(int procfd, const char *profile, struct err *e);
int lsm_selinux_on_exec(int procfd, const char *label, struct err *e);
bool lsm_selinux_is_there(void);
bool lsm_apparmor_is_there(void);
/** Is @profile loaded? 1, 0, or negative errno where nobody may know (a user). */
int lsm_apparmor_has(const char *profile);
