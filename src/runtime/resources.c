/* SPDX-License-Identifier: Apache-2.0 */
/* Limits and device rules of a spec. Source: config-linux.md, "Control groups". Read resources.h.
 */
#include "runtime/resources.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"

enum { RULES_MAX = 4096, ALL = CGROUP_DEV_READ | CGROUP_DEV_WRITE | CGROUP_DEV_MKNOD };

/* The devices that every container has (config-linux.md, "Default Devices"), whatever the list. */
static const struct cgroup_device_rule always[] = {
	{true, 'c', 1, 3, ALL}, {true, 'c', 1, 5, ALL},    {true, 'c', 1, 7, ALL},
	{true, 'c', 1, 8, ALL}, {true, 'c', 1, 9, ALL},    {true, 'c', 5, 0, ALL},
	{true, 'c', 5, 2, ALL}, {true, 'c', 136, -1, ALL},
};

static int access_read(const char *text, unsigned *ret)
{
	static const char letters[] = "rwm"; /* in the order of the bits */
	*ret = text && *text ? 0 : ALL;
	for (; text && *text; text++) {
		const char *at = strchr(letters, *text);
		if (!at)
			return -EINVAL;
		*ret |= 1U << (at - letters);
	}
	return 0;
}

static int rule_read(const struct oci_device_rule *in, struct cgroup_device_rule *out,
		     struct err *e)
{
	const char *type = in->type && *in->type ? in->type : "a";
	*out = (struct cgroup_device_rule){
		.allow = in->allow,
		.type = *type,
		.major = in->major.set ? in->major.value : -1,
		.minor = in->minor.set ? in->minor.value : -1,
	};
	if (type[1] || !strchr("abc", *type))
		return err_set(e, EINVAL, ERR_INVALID, "type \"%s\": must be a, b or c", type);
	if (access_read(in->access, &out->access) < 0)
		return err_set(e, EINVAL, ERR_INVALID, "access \"%s\": must be of r, w and m",
			       in->access);
	return 0;
}

static int rules_read(const struct array *list, struct arena *a, struct resources *ret,
		      struct err *e)
{
	const struct oci_device_rule *in = list->items;
	if (list->count == 0)
		return 0;
	if (list->count > RULES_MAX)
		return err_set(e, E2BIG, ERR_INVALID, "more than %d device rules", RULES_MAX);
	ret->rules = arena_array(a, list->count + ARRAY_LEN(always), sizeof(*ret->rules));
	for (size_t i = 0; i < list->count; i++)
		if (rule_read(&in[i], &ret->rules[i], e) < 0)
			return err_context(e, "linux.resources.devices[%zu]", i);
	memcpy(ret->rules + list->count, always, sizeof(always));
	ret->rule_count = list->count + ARRAY_LEN(always);
	return 0;
}

int resources_read(const struct oci_resources *r, struct arena *a, struct resources *ret,
		   struct err *e)
{
	const struct oci_memory *m = &r->memory;
	const struct oci_cpu *c = &r->cpu;
	*ret = (struct resources){.limits = {
					  .memory = m->limit,
					  .memory_reservation = m->reservation,
					  .memory_swap = m->swap,
					  .memory_swappiness = m->swappiness,
					  .oom_kill_disable = m->disable_oom_killer,
					  .cpu_shares = c->shares,
					  .cpu_quota = c->quota,
					  .cpu_period = c->period,
					  .cpu_burst = c->burst,
					  .cpuset_cpus = c->cpus && *c->cpus ? c->cpus : NULL,
					  .cpuset_mems = c->mems && *c->mems ? c->mems : NULL,
					  .unified = r->unified.count ? &r->unified : NULL,
				  }};
	if (r->pids)
		ret->limits.pids = r->pids->limit;
	/* Callers give twice the memory as a matter of course, wherever they run. */
	if (ret->limits.memory_swap.set && !cgroup_host_limits_swap())
		ret->limits.memory_swap.set = false;
	return rules_read(&r->devices, a, ret, e);
}
