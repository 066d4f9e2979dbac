/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of CPUs and memory nodes, "0-3,7", as a bitmap of fixed size. See cpuset(7), "List format".
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { CPUSET_BITS = 8192 /* the largest NR_CPUS of Linux */, CPUSET_TEXT_MAX = 4096 };

struct cpuset_list {
	uint64_t words[CPUSET_BITS / 64];
};

/**
 * Parse @text. An empty list is valid and empty. 0, -EINVAL when it is no list (or longer than
 * CPUSET_TEXT_MAX), -ERANGE for a number beyond CPUSET_BITS or a range that runs backwards. Takes
 * time by the length of the text, never by the numbers in it.
 */
int cpuset_list_parse(const char *text, struct cpuset_list *ret);
/** The lowest number that is in @a and not in @b, or -1. */
int cpuset_list_beyond(const struct cpuset_list *a, const struct cpuset_list *b);
bool cpuset_list_is_empty(const struct cpuset_list *l);
