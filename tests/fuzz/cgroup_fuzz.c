/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of CPUs and lines of mountinfo: no crash, and what is parsed keeps its promises. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "linux/cgroup_host.h"
#include "linux/cpuset_list.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_FREE char *text = malloc(size + 1);
	if (!text)
		return 0;
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	struct cpuset_list list;
	if (cpuset_list_parse(text, &list) == 0 &&
	    (strspn(text, "0123456789,-") != strlen(text) ||
	     cpuset_list_is_empty(&list) != (*text == '\0') ||
	     cpuset_list_beyond(&list, &list) != -1))
		abort();
	struct cgroup_mount m;
	if (cgroup_mount_parse(text, &m) == 1 &&
	    (strnlen(m.point, sizeof(m.point)) == sizeof(m.point) ||
	     m.controllers >> CGROUP_CONTROLLERS || (m.is_v2 && m.controllers)))
		abort();
	return 0;
}
