/* SPDX-License-Identifier: Apache-2.0 */
/* How much may still be written to a file system. */
#pragma once

#include <stdint.h>
#include <sys/vfs.h>

/** Bytes that the caller may still write to the file system of which @fs was read (fstatfs(2)). For
 *  root of the machine that is more than f_bavail says, where some is reserved for him. */
int64_t room_left(const struct statfs *fs);
