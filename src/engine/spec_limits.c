/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resource limits: from docker's fields (bytes, nano-CPUs) to the units of control groups. The
 * files behind them are the business of linux/cgroup_limits.c.
 */
#include "engine/spec.h"

#include <errno.h>
#include <sched.h>
#include <string.h>

enum { PIDS_DEFAULT = 4096, PERIOD_DEFAULT = 100000 };

static struct opt_i64 unless_zero(int64_t value)
{
	return (struct opt_i64){value != 0, value};
}

static int cpu_limits(const struct docker_host_config *h, struct cgroup_limits *l, struct err *e)
{
	l->cpu_shares = unless_zero(h->cpu_shares);
	l->cpu_quota = unless_zero(h->cpu_quota);
	l->cpu_period = unless_zero(h->cpu_period);
	if (h->nano_cpus && (h->cpu_quota || h->cpu_period))
		return err_set(e, EINVAL, ERR_INVALID,
			       "Conflicting options: --cpus and --cpu-%s cannot both be set",
			       h->cpu_quota ? "quota" : "period");
	if (h->nano_cpus) {
		cpu_set_t usable;
		int count =
			sched_getaffinity(0, sizeof(usable), &usable) < 0 ? 0 : CPU_COUNT(&usable);
		if (h->nano_cpus < 10000000 ||
		    (count && h->nano_cpus > count * INT64_C(1000000000)))
			return err_set(
				e, EINVAL, ERR_INVALID,
				"range of CPUs is from 0.01 to %d.00, as there are only %d CPUs "
				"available",
				count, count);
		l->cpu_period = (struct opt_i64){true, PERIOD_DEFAULT};
		l->cpu_quota = (struct opt_i64){true, h->nano_cpus / (1000000000 / PERIOD_DEFAULT)};
	}
	l->cpuset_cpus = h->cpuset_cpus && *h->cpuset_cpus ? h->cpuset_cpus : NULL;
	l->cpuset_mems = h->cpuset_mems && *h->cpuset_mems ? h->cpuset_mems : NULL;
	return 0;
}

static int memory_limits(struct spec_build *b, struct cgroup_limits *l, struct err *e)
{
	const struct docker_host_config *h = &b->container->config.host;
	if (h->memory_swap > 0 && h->memory == 0)
		return err_set(e, EINVAL, ERR_INVALID,
			       "You should always set the Memory limit when "
			       "using Memoryswap limit, see usage");
	if (h->memory_swap > 0 && h->memory_swap < h->memory)
		return err_set(e, EINVAL, ERR_INVALID,
			       "Minimum memoryswap limit should be larger "
			       "than memory limit, see usage");
	if (h->memory && h->memory_reservation > h->memory)
		return err_set(
			e, EINVAL, ERR_INVALID,
			"Minimum memory limit can not be less than memory reservation limit, "
			"see usage");
	l->memory = unless_zero(h->memory);
	l->memory_swap = unless_zero(h->memory_swap);
	l->memory_reservation = unless_zero(h->memory_reservation);
	l->memory_swappiness = h->memory_swappiness;
	if (l->memory_swap.set && !cgroup_host_limits_swap()) {
		/* Only a limit that was asked for deserves a word: docker's own default does not.
		 */
		if (h->memory_swap != h->memory * 2)
			engine_warn(b->warn,
				    "Your kernel does not support swap limit capabilities or the "
				    "cgroup is not mounted. Memory limited without swap.");
		l->memory_swap.set = false;
	}
	if (h->memory_swappiness.value == -1)
		l->memory_swappiness.set = false;
	l->oom_kill_disable = h->oom_kill_disable;
	return 0;
}

/* The same figures for config.json, which people read. */
static void describe(const struct cgroup_limits *l, struct spec_build *b, struct arena *a)
{
	struct oci_resources *r = &b->spec.linux_.resources;
	r->memory = (struct oci_memory){.limit = l->memory,
					.reservation = l->memory_reservation,
					.swap = l->memory_swap,
					.swappiness = l->memory_swappiness,
					.disable_oom_killer = l->oom_kill_disable};
	r->cpu = (struct oci_cpu){.shares = l->cpu_shares,
				  .quota = l->cpu_quota,
				  .period = l->cpu_period,
				  .cpus = (char *)l->cpuset_cpus,
				  .mems = (char *)l->cpuset_mems};
	r->pids = arena_new(a, struct oci_pids);
	r->pids->limit = l->pids;
}

int spec_limits(struct spec_build *b, struct arena *a, struct err *e)
{
	const struct docker_host_config *h = &b->container->config.host;
	struct cgroup_limits *l = &b->limits;
	int r = cpu_limits(h, l, e);
	if (r == 0)
		r = memory_limits(b, l, e);
	if (r < 0)
		return r;
	l->pids = (struct opt_i64){true, PIDS_DEFAULT};
	if (h->pids_limit.set)
		l->pids.value = h->pids_limit.value > 0 ? h->pids_limit.value : -1;
	describe(l, b, a);
	return cgroup_limits_check(l, e);
}
