/* SPDX-License-Identifier: Apache-2.0 */
/* The spec's names, and what contradicts itself. Read tuning.h first. */
#include "runtime/tuning.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/personality.h>

enum { IO_LEVEL_MAX = 7, NICE_MIN = -20, NICE_MAX = 19 };

static int unknown(const char *field, const char *name, struct err *e)
{
	return err_set(e, EINVAL, ERR_INVALID, "%s %.64s: there is none of that name", field, name);
}

static int scheduling_check(const struct oci_scheduler *s, int policy, struct err *e)
{
	bool realtime = policy == SCHED_FIFO || policy == SCHED_RR;
	bool deadline = policy == SCHED_DEADLINE;
	if (s->nice.value < NICE_MIN || s->nice.value > NICE_MAX)
		return err_set(e, EINVAL, ERR_INVALID, "scheduler.nice %lld: it goes from %d to %d",
			       (long long)s->nice.value, NICE_MIN, NICE_MAX);
	if (s->priority.value && !realtime)
		return err_set(e, EINVAL, ERR_INVALID,
			       "scheduler.priority is for SCHED_FIFO and SCHED_RR, not for %s",
			       s->policy);
	if ((s->runtime || s->deadline || s->period) && !deadline)
		return err_set(e, EINVAL, ERR_INVALID,
			       "scheduler.runtime, deadline and period are for SCHED_DEADLINE, not "
			       "for %s",
			       s->policy);
	return 0;
}

static int plan_scheduling(const struct oci_scheduler *s, struct arena *a, struct tuning *t,
			   struct err *e)
{
	int policy = scheduling_policy(s->policy);
	if (policy < 0)
		return unknown("scheduler.policy", s->policy, e);
	int r = scheduling_check(s, policy, e);
	if (r < 0)
		return r;
	t->scheduling = arena_new(a, struct scheduling);
	*t->scheduling = (struct scheduling){
		.policy = (uint32_t)policy,
		.nice = (int32_t)s->nice.value,
		.priority = (uint32_t)s->priority.value,
		.runtime = (uint64_t)s->runtime,
		.deadline = (uint64_t)s->deadline,
		.period = (uint64_t)s->period,
	};
	for (size_t i = 0; i < s->flags.count; i++) {
		int flag = scheduling_flag(s->flags.items[i]);
		if (flag < 0)
			return unknown("scheduler.flags", s->flags.items[i], e);
		t->scheduling->flags |= (uint64_t)flag;
	}
	return 0;
}

static int plan_io(const struct oci_io_priority *p, struct tuning *t, struct err *e)
{
	t->io_class = io_priority_class(p->class);
	t->io_level = (int)p->priority;
	if (t->io_class < 0)
		return unknown("ioPriority.class", p->class, e);
	if (p->priority < 0 || p->priority > IO_LEVEL_MAX)
		return err_set(e, EINVAL, ERR_INVALID,
			       "ioPriority.priority %lld: it goes from 0 to %d",
			       (long long)p->priority, IO_LEVEL_MAX);
	return 0;
}

static int plan_personality(const struct oci_personality *p, struct tuning *t, struct err *e)
{
	bool bits32 = !strcmp(p->domain, "LINUX32");
	if (!bits32 && strcmp(p->domain, "LINUX"))
		return unknown("personality.domain", p->domain, e);
	if (p->flags.count)
		return unknown("personality.flags", p->flags.items[0], e);
	t->personality = bits32 ? PER_LINUX32 : PER_LINUX;
	return 0;
}

static int plan_memory(const struct oci_memory_policy *p, struct arena *a, struct tuning *t,
		       struct err *e)
{
	struct mempolicy *m = t->memory = arena_new(a, struct mempolicy);
	m->mode = mempolicy_mode(p->mode);
	if (m->mode < 0)
		return unknown("memoryPolicy.mode", p->mode, e);
	if (cpuset_list_parse(p->nodes ? p->nodes : "", &m->nodes) < 0)
		return err_set(e, EINVAL, ERR_INVALID,
			       "memoryPolicy.nodes %.100s: expected a list of nodes like 0-2,4",
			       p->nodes);
	for (size_t i = 0; i < p->flags.count; i++) {
		int flag = mempolicy_flag(p->flags.items[i]);
		if (flag < 0)
			return unknown("memoryPolicy.flags", p->flags.items[i], e);
		m->mode |= flag;
	}
	return 0;
}

static int check_affinity(const char *name, const char *list, struct err *e)
{
	struct cpuset_list set;
	return list && cpuset_list_parse(list, &set) < 0
		       ? err_set(e, EINVAL, ERR_INVALID,
				 "execCPUAffinity.%s %.100s: expected a list of CPUs like 0-2,4",
				 name, list)
		       : 0;
}

int tuning_plan(const struct oci_process *p, const struct oci_linux *l, struct arena *a,
		struct tuning *ret, struct err *e)
{
	*ret = (struct tuning){.personality = -1};
	int r = p->scheduler ? plan_scheduling(p->scheduler, a, ret, e) : 0;
	if (r == 0 && p->io_priority)
		r = plan_io(p->io_priority, ret, e);
	if (r == 0 && l && l->personality)
		r = plan_personality(l->personality, ret, e);
	if (r == 0 && l && l->memory_policy)
		r = plan_memory(l->memory_policy, a, ret, e);
	const struct oci_cpu_affinity *cpus = p->exec_cpu_affinity;
	if (r == 0 && cpus)
		r = check_affinity("initial", cpus->initial, e);
	if (r == 0 && cpus)
		r = check_affinity("final", cpus->final, e);
	return r;
}

int tuning_apply(const struct tuning *t, struct err *e)
{
	int r = t->scheduling ? scheduling_set(t->scheduling) : 0;
	if (r < 0)
		return err_errno(e, r, "cannot set the scheduler");
	if (t->io_class && (r = io_priority_set(t->io_class, t->io_level)) < 0)
		return err_errno(e, r, "cannot set the ioPriority");
	if (t->memory && (r = mempolicy_set(t->memory)) < 0)
		return err_errno(e, r, "cannot set the memoryPolicy");
	if (t->personality >= 0 && personality((unsigned long)t->personality) < 0)
		return err_errno(e, errno, "cannot set the personality");
	return 0;
}
