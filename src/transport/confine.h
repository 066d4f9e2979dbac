/* SPDX-License-Identifier: Apache-2.0 */
/* Locking hull-transport in, before it hears a foreign byte. */
#pragma once

#include "base/err.h"

/**
 * From here on this process is nobody: no capability, no new privilege, no new program, and of
 * files only those by which names of hosts are looked up, for reading. The network it keeps.
 */
int confine(struct err *e);
