/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: the text of passwd(5) and group(5). Ids that are found are in range. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/user_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_ARENA struct arena a = {0};
	struct user_entry user = {0};
	struct group_list list = {0};
	int64_t gid = 0;
	char *text = arena_strndup(&a, (const char *)data, size);
	if (user_file_find(text, "bob", 0, &a, &user) || user_file_find(text, NULL, 1000, &a, &user))
		if (user.uid < 0 || user.uid > INT32_MAX || user.gid < 0 || user.gid > INT32_MAX)
			abort();
	if (group_file_find(text, "wheel", &gid) && (gid < 0 || gid > INT32_MAX))
		abort();
	group_file_members(text, "bob", &a, &list);
	for (size_t i = 0; i < list.count; i++)
		if (list.items[i].value < 0 || list.items[i].value > INT32_MAX)
			abort();
	return 0;
}
