/* SPDX-License-Identifier: Apache-2.0 */
/* Resource limits. Rests on prlimit(2). Read rlimit.h first. */
#include "linux/rlimit.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>

#include "base/cleanup.h"

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

static rlim_t to_kernel(int64_t value)
{
	return value < 0 ? RLIM_INFINITY : (rlim_t)value;
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
