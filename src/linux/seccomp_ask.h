/* SPDX-License-Identifier: Apache-2.0 */
/* What a system call filter says of a call, without making it. */
#pragma once

#include "linux/seccomp.h"

enum seccomp_answer { SECCOMP_ALLOWS, SECCOMP_REFUSES, SECCOMP_DEPENDS /* on the arguments */ };

/** Of the call @number of this machine's native ABI, or of its 32-bit programs. A program that is
 * empty allows all. */
enum seccomp_answer seccomp_ask(const struct seccomp_program *p, bool is_32bit, int number);
