/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory of the state store. A command lives for some milliseconds, in which SQLite asks for
 * small pieces a thousand times: see db_memory.c. Read db.h first.
 */
#pragma once

/** Have SQLite take its memory as it suits a short process. Once, before it is used. */
void db_memory_configure(void);
