/* SPDX-License-Identifier: Apache-2.0 */
/* Rests on landlock_create_ruleset(2) and its companions. Read landlock.h first. */
#include "linux/landlock.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

/* struct landlock_ruleset_attr as it is since Linux 6.12: newer than the headers of Debian 12. */
struct ruleset {
	uint64_t files, net, scoped;
};
enum { SCOPE_ALL = 3 }; /* abstract sockets and signals: not to processes outside */

int landlock_restrict(const struct landlock_rule *rules, size_t count)
{
	struct ruleset attr = {.files = LANDLOCK_ALL};
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	if (abi < 0)
		return errno == ENOSYS || errno == EOPNOTSUPP ? 0 : -errno;
	if (abi >= 2)
		attr.files |= LANDLOCK_REFER;
	if (abi >= 3)
		attr.files |= LANDLOCK_FILE_TRUNCATE;
	if (abi >= 6)
		attr.scoped = SCOPE_ALL;
	size_t known = abi >= 6 ? sizeof(attr) : sizeof(attr.files);
	CLEANUP_FD int set = (int)syscall(SYS_landlock_create_ruleset, &attr, known, 0);
	if (set < 0)
		return -errno;
	for (size_t i = 0; i < count; i++) {
		struct landlock_path_beneath_attr beneath = {
			.allowed_access = rules[i].rights & attr.files,
			.parent_fd = rules[i].fd,
		};
		if (rules[i].fd >= 0 && syscall(SYS_landlock_add_rule, set,
						LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) < 0)
			return -errno;
	}
	return syscall(SYS_landlock_restrict_self, set, 0) < 0 ? -errno : 1;
}
