/* SPDX-License-Identifier: Apache-2.0 */
/* One question to a name server, for the IPv4 address of a name, and its answer. RFC 1035. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "linux/ip_address.h"

enum { NAME_MESSAGE_MAX = 512 };

/** Its length; 0: @name can be no name. */
size_t name_question(const char *name, uint16_t id, uint8_t buf[static NAME_MESSAGE_MAX]);
/** The first address of an answer @m to a question of @question bytes; false: it has none. */
bool name_answer(const uint8_t *m, size_t size, size_t question, struct ip *ret);
