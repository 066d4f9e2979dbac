/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits that make no sense are refused before anything is made, with the reason in the user's
 * words. Invariant: nothing here changes the machine. Read cgroup.h, cgroup_limits_check(), first.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "base/file.h"
#include "base/units.h"
#include "linux/cgroup_host.h"
#include "linux/cpuset_list.h"

enum {
	MEMORY_LEAST = 64 * 1024, /* no program starts in that; less is a slip of the unit */
	CFS_LEAST_US = 1000,      /* min_cfs_quota_period, max_cfs_quota_period of the kernel */
	CFS_MOST_US = 1000000,
};

static bool limited(const struct opt_i64 *o)
{
	return o->set && o->value > 0;
}

/* -1 is none; no other negative number means anything. */
static int size_check(const char *what, const struct opt_i64 *o, struct err *e)
{
	return !o->set || o->value >= -1
		       ? 0
		       : err_set(e, EINVAL, ERR_INVALID,
				 "%s %lld: it is a number of bytes, or -1 for none", what,
				 (long long)o->value);
}

static int memory_check(const struct cgroup_limits *l, struct err *e)
{
	char one[SIZE_TEXT_SIZE], two[SIZE_TEXT_SIZE];
	int64_t memory = l->memory.value;
	int r = size_check("memory limit", &l->memory, e);
	if (r == 0)
		r = size_check("memory+swap limit", &l->memory_swap, e);
	if (r == 0)
		r = size_check("memory reservation", &l->memory_reservation, e);
	if (r < 0 || !limited(&l->memory))
		return r;
	if (memory < MEMORY_LEAST)
		return err_set(e, EINVAL, ERR_INVALID, "memory limit %s: at least %s is needed",
			       size_binary(memory, one), size_binary(MEMORY_LEAST, two));
	if (limited(&l->memory_swap) && l->memory_swap.value < memory) {
		err_set(e, EINVAL, ERR_INVALID, "memory+swap limit %s is below the memory limit %s",
			size_binary(l->memory_swap.value, one), size_binary(memory, two));
		return err_hint(
			e,
			"--memory-swap counts memory and swap together: give at least %s, or -1 "
			"for "
			"unlimited swap",
			two);
	}
	if (limited(&l->memory_reservation) && l->memory_reservation.value > memory)
		return err_set(e, EINVAL, ERR_INVALID,
			       "memory reservation %s is above the memory limit %s",
			       size_binary(l->memory_reservation.value, one),
			       size_binary(memory, two));
	return 0;
}

static int swappiness_check(const struct cgroup_limits *l, struct err *e)
{
	if (!l->memory_swappiness.set ||
	    (l->memory_swappiness.value >= -1 && l->memory_swappiness.value <= 100))
		return 0;
	return err_set(e, EINVAL, ERR_INVALID, "memory swappiness %lld: it goes from 0 to 100",
		       (long long)l->memory_swappiness.value);
}

static int cpu_check(const struct cgroup_limits *l, struct err *e)
{
	if (l->cpu_shares.set && l->cpu_shares.value < 0)
		return err_set(e, EINVAL, ERR_INVALID, "CPU shares %lld: they go from 2 to 262144",
			       (long long)l->cpu_shares.value);
	if (l->cpu_period.set && l->cpu_period.value != 0 &&
	    (l->cpu_period.value < CFS_LEAST_US || l->cpu_period.value > CFS_MOST_US))
		return err_set(e, EINVAL, ERR_INVALID, "CPU period %lld us: it goes from %d to %d",
			       (long long)l->cpu_period.value, CFS_LEAST_US, CFS_MOST_US);
	if (limited(&l->cpu_quota) && l->cpu_quota.value < CFS_LEAST_US)
		return err_set(e, EINVAL, ERR_INVALID, "CPU quota %lld us: at least %d is needed",
			       (long long)l->cpu_quota.value, CFS_LEAST_US);
	if (l->cpu_burst.set &&
	    (l->cpu_burst.value < 0 ||
	     (limited(&l->cpu_quota) && l->cpu_burst.value > l->cpu_quota.value)))
		return err_set(e, EINVAL, ERR_INVALID,
			       "CPU burst %lld us: it goes from 0 to the quota",
			       (long long)l->cpu_burst.value);
	return 0;
}

static int set_check(const char *label, const char *noun, const char *text, const char *online_file,
		     struct err *e)
{
	struct cpuset_list wanted, online;
	char list[CPUSET_TEXT_MAX];
	if (!text || !*text)
		return 0;
	int r = cpuset_list_parse(text, &wanted);
	if (r == -EINVAL)
		return err_set(e, EINVAL, ERR_INVALID,
			       "cpuset %.100s: expected a list of %s like 0-2,4", text, noun);
	if (file_read_small(AT_FDCWD, online_file, list, sizeof(list)) <= 0 ||
	    cpuset_list_parse(list, &online) < 0)
		return r < 0 ? err_set(e, EINVAL, ERR_INVALID, "cpuset %.100s: no such %s", text,
				       noun)
			     : 0;
	if (r == 0 && cpuset_list_beyond(&wanted, &online) < 0)
		return 0;
	err_set(e, EINVAL, ERR_INVALID, "cpuset %.100s: this machine has %s %s", text, noun, list);
	return err_hint(e, "give --%s a list like %s", label, list);
}

int cgroup_limits_check(const struct cgroup_limits *l, struct err *e)
{
	int r = memory_check(l, e);
	if (r == 0)
		r = swappiness_check(l, e);
	if (r == 0)
		r = cpu_check(l, e);
	if (r == 0)
		r = set_check("cpuset-cpus", "CPUs", l->cpuset_cpus,
			      "/sys/devices/system/cpu/online", e);
	if (r == 0)
		r = set_check("cpuset-mems", "memory nodes", l->cpuset_mems,
			      "/sys/devices/system/node/has_memory", e);
	return r;
}
