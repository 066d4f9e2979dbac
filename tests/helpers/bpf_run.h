/* SPDX-License-Identifier: Apache-2.0 */
/* A tiny interpreter of classic BPF, as far as system call filters use it, and a plain evaluation
 * of a seccomp policy to compare with. For tests and fuzzing. */
#pragma once

#include <linux/seccomp.h>

#include "linux/seccomp.h"

/** What the program returns for @data. Aborts on an invalid program (jump out of it, unknown or
 *  unaligned instruction, no return), as the kernel would refuse to load it. */
uint32_t bpf_run(const struct sock_filter *code, uint32_t count, const struct seccomp_data *data);
/** The policy, evaluated rule by rule. Names are resolved by libseccomp. */
uint32_t policy_run(const struct seccomp_policy *p, const struct seccomp_data *data);
/** True when all @count conditions hold. */
int conditions_hold(const struct seccomp_arg *args, uint32_t count,
		    const struct seccomp_data *data);
