/* SPDX-License-Identifier: Apache-2.0 */
/* Scheduling by name. Numbers are those of linux/sched.h and linux/ioprio.h. Read scheduling.h. */
#include "linux/scheduling.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "linux/cpuset_list.h"

struct name {
	const char *name;
	int value;
};

static const struct name policies[] = {
	{"SCHED_OTHER", 0}, {"SCHED_FIFO", 1}, {"SCHED_RR", 2},       {"SCHED_BATCH", 3},
	{"SCHED_ISO", 4},   {"SCHED_IDLE", 5}, {"SCHED_DEADLINE", 6},
};
static const struct name flags[] = {
	{"SCHED_FLAG_RESET_ON_FORK", 0x01},  {"SCHED_FLAG_RECLAIM", 0x02},
	{"SCHED_FLAG_DL_OVERRUN", 0x04},     {"SCHED_FLAG_KEEP_POLICY", 0x08},
	{"SCHED_FLAG_KEEP_PARAMS", 0x10},    {"SCHED_FLAG_UTIL_CLAMP_MIN", 0x20},
	{"SCHED_FLAG_UTIL_CLAMP_MAX", 0x40},
};
static const struct name classes[] = {
	{"IOPRIO_CLASS_RT", 1},
	{"IOPRIO_CLASS_BE", 2},
	{"IOPRIO_CLASS_IDLE", 3},
};

static int find(const struct name *names, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(names[i].name, name))
			return names[i].value;
	return -EINVAL;
}

int scheduling_policy(const char *name)
{
	return find(policies, ARRAY_LEN(policies), name);
}

int scheduling_flag(const char *name)
{
	return find(flags, ARRAY_LEN(flags), name);
}

int io_priority_class(const char *name)
{
	return find(classes, ARRAY_LEN(classes), name);
}

int scheduling_set(const struct scheduling *s)
{
	struct {
		uint32_t size, policy;
		uint64_t flags;
		int32_t nice;
		uint32_t priority;
		uint64_t runtime, deadline, period;
		uint32_t util_min, util_max;
	} attr = {sizeof(attr), s->policy,  s->flags,    s->nice,
		  s->priority,  s->runtime, s->deadline, s->period};
	return syscall(SYS_sched_setattr, 0, &attr, 0U) < 0 ? -errno : 0;
}

int io_priority_set(int class, int level)
{
	enum { WHO_PROCESS = 1, CLASS_SHIFT = 13 };
	return syscall(SYS_ioprio_set, WHO_PROCESS, 0, class << CLASS_SHIFT | level) < 0 ? -errno
											 : 0;
}

int cpu_affinity_set(const char *list)
{
	struct cpuset_list cpus;
	int r = cpuset_list_parse(list, &cpus);
	if (r < 0)
		return -EINVAL;
	return syscall(SYS_sched_setaffinity, 0, sizeof(cpus), &cpus) < 0 ? -errno : 0;
}
