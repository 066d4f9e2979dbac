/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: records of the kernel's log, of which parts are names that a container chose. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "linux/oom.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_ARENA struct arena a = {0};
	struct oom o = {0};
	char *text = arena_strndup(&a, (const char *)data, size);
	char *second = strstr(text, "\n\n");
	if (second)
		*second = '\0';
	oom_log_record(text, "abc", 77, &o);
	if (second)
		oom_log_record(second + 2, "abc", 77, &o);
	if (o.anon < 0 || o.file < 0 || o.shmem < 0 || o.scope < 0 || o.scope >= OOM_SCOPES)
		abort();
	return 0;
}
