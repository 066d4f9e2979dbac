/* SPDX-License-Identifier: Apache-2.0 */
/* Resource limits. Rests on prlimit(2); fs.nr_open in proc_sys_fs(5). Read rlimit.h first. */
#include "linux/rlimit.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "linux/capability.h"
#include "linux/namespaces.h"

static const char *const names[] = {
	[RLIMIT_AS] = "RLIMIT_AS",
	[RLIMIT_CORE] = "RLIMIT_CORE",
	[RLIMIT_CPU] = "RLIMIT_CPU",
	[RLIMIT_DATA] = "RLIMIT_DATA",
	[RLIMIT_FSIZE] = "RLIMIT_FSIZE",
	[RLIMIT_LOCKS] = "RLIMIT_LOCKS",
	[RLIMIT_MEMLOCK] = "RLIMIT_MEMLOCK",
	[RLIMIT_MSGQUEUE] = "RLIMIT_MSGQUEUE",
	[RLIMIT_NICE] = "RLIMIT_NICE",
	[RLIMIT_NOFILE] = "RLIMIT_NOFILE",
	[RLIMIT_NPROC] = "RLIMIT_NPROC",
	[RLIMIT_RSS] = "RLIMIT_RSS",
	[RLIMIT_RTPRIO] = "RLIMIT_RTPRIO",
	[RLIMIT_RTTIME] = "RLIMIT_RTTIME",
	[RLIMIT_SIGPENDING] = "RLIMIT_SIGPENDING",
	[RLIMIT_STACK] = "RLIMIT_STACK",
};

int rlimit_number(const char *name)
{
	if (!strncasecmp(name, "RLIMIT_", 7))
		name += 7;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (names[i] && !strcasecmp(name, names[i] + 7))
			return (int)i;
	return -EINVAL;
}

const char *rlimit_name(int number)
{
	return number >= 0 && (size_t)number < ARRAY_LEN(names) ? names[number] : NULL;
}

int64_t rlimit_ceiling(int number)
{
	char text[32];
	struct rlimit now;
	/* That of a user namespace counts for nothing here. */
	if (!capability_has(CAP_SYS_RESOURCE) || namespace_caller_is_user())
		return getrlimit(number, &now) < 0 || now.rlim_max == RLIM_INFINITY
			       ? -1
			       : (int64_t)now.rlim_max;
	if (number != RLIMIT_NOFILE ||
	    file_read_small(AT_FDCWD, "/proc/sys/fs/nr_open", text, sizeof(text)) < 0)
		return -1;
	return strtoll(text, NULL, 10);
}

static rlim_t to_kernel(int64_t value)
{
	return value < 0 ? RLIM_INFINITY : (rlim_t)value;
}

int rlimit_set_of(pid_t pid, int number, int64_t soft, int64_t hard)
{
	const struct rlimit wish = {.rlim_cur = to_kernel(soft), .rlim_max = to_kernel(hard)};
	return prlimit(pid, (enum __rlimit_resource)number, &wish, NULL) < 0 ? -errno : 0;
}

int rlimit_set(int number, int64_t soft, int64_t hard, bool *ret_clamped)
{
	struct rlimit wish = {.rlim_cur = to_kernel(soft), .rlim_max = to_kernel(hard)};
	*ret_clamped = false;
	if (wish.rlim_cur > wish.rlim_max)
		return -EINVAL;
	if (setrlimit(number, &wish) == 0)
		return 0;
	if (errno != EPERM)
		return -errno;
	struct rlimit now;
	if (getrlimit(number, &now) < 0)
		return -errno;
	if (wish.rlim_max > now.rlim_max)
		wish.rlim_max = now.rlim_max;
	if (wish.rlim_cur > wish.rlim_max)
		wish.rlim_cur = wish.rlim_max;
	*ret_clamped = true;
	return setrlimit(number, &wish) < 0 ? -errno : 0;
}
