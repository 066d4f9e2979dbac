/* SPDX-License-Identifier: Apache-2.0 */
/* libseccomp's header, beside ours: both declare a seccomp_load(). Link the shared library. */
#pragma once

#define seccomp_load libseccomp_load
#include <seccomp.h>
#undef seccomp_load
