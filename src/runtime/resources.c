/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the spec's resources to limits and device rules. Ranges are those of config-linux.md; what
 * the kernel takes is checked where it is written. Read resources.h first.
 */
#include "runtime/resources.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"

enum { WEIGHT_MIN = 10, WEIGHT_MAX = 1000, RULES_MAX = 4096, ALL = 7, MKNOD = CGROUP_DEV_MKNOD };

static int weight_check(const struct opt_i64 *w, const char *what, struct err *e)
{
	if (!w->set || w->value == 0 || (w->value >= WEIGHT_MIN && w->value <= WEIGHT_MAX))
		return 0;
	return err_set(e, EINVAL, ERR_INVALID, "blockIO.%s %lld: it goes from %d to %d", what,
		       (long long)w->value, WEIGHT_MIN, WEIGHT_MAX);
}

static void add(struct cgroup_list *list, struct cgroup_item item, size_t room, struct arena *a)
{
	if (!list->items)
		list->items = arena_array(a, room, sizeof(item));
	((struct cgroup_item *)list->items)[list->count++] = item;
}

static int io_weights(const struct oci_block_io *io, struct arena *a, struct cgroup_limits *l,
		      struct err *e)
{
	const struct oci_weight_device *d = io->weight_device.items;
	l->io_weight = io->weight;
	l->io_leaf_weight = io->leaf_weight;
	int r = weight_check(&io->weight, "weight", e);
	if (r == 0)
		r = weight_check(&io->leaf_weight, "leafWeight", e);
	for (size_t i = 0; r == 0 && i < io->weight_device.count; i++) {
		const struct {
			const struct opt_i64 *value;
			struct cgroup_list *list;
		} both[] = {{&d[i].weight, &l->lists[CGROUP_IO_WEIGHTS]},
			    {&d[i].leaf_weight, &l->lists[CGROUP_IO_LEAF_WEIGHTS]}};
		if (!d[i].weight.set && !d[i].leaf_weight.set)
			return err_set(e, EINVAL, ERR_INVALID,
				       "blockIO.weightDevice[%zu]: neither weight nor leafWeight",
				       i);
		for (size_t k = 0; r == 0 && k < ARRAY_LEN(both); k++) {
			r = weight_check(both[k].value, "weightDevice", e);
			struct cgroup_item item = {d[i].major, d[i].minor, NULL,
						   both[k].value->value};
			if (both[k].value->set)
				add(both[k].list, item, io->weight_device.count, a);
		}
	}
	return r;
}

static void io_rates(const struct oci_block_io *io, struct arena *a, struct cgroup_limits *l)
{
	const struct {
		const struct array *from;
		enum cgroup_list_kind to;
	} rates[] = {{&io->read_bps, CGROUP_IO_READ_BPS},
		     {&io->write_bps, CGROUP_IO_WRITE_BPS},
		     {&io->read_iops, CGROUP_IO_READ_IOPS},
		     {&io->write_iops, CGROUP_IO_WRITE_IOPS}};
	for (size_t k = 0; k < ARRAY_LEN(rates); k++) {
		const struct oci_throttle_device *d = rates[k].from->items;
		for (size_t i = 0; i < rates[k].from->count; i++) {
			struct cgroup_item item = {d[i].major, d[i].minor, NULL, d[i].rate};
			add(&l->lists[rates[k].to], item, rates[k].from->count, a);
		}
	}
}

static int names(const struct oci_resources *r, struct arena *a, struct cgroup_limits *l,
		 struct err *e)
{
	const struct oci_hugepage_limit *h = r->hugepage_limits.items;
	const struct oci_rdma *d = r->rdma.items;
	for (size_t i = 0; i < r->hugepage_limits.count; i++)
		add(&l->lists[CGROUP_HUGEPAGES],
		    (struct cgroup_item){.name = h[i].page_size, .value = h[i].limit},
		    r->hugepage_limits.count, a);
	for (size_t i = 0; i < r->rdma.count; i++) {
		struct cgroup_item item = {.name = d[i].device, .value = d[i].hca_handles.value};
		if (!d[i].hca_handles.set && !d[i].hca_objects.set)
			return err_set(e, EINVAL, ERR_INVALID,
				       "rdma.%s: neither hcaHandles nor hcaObjects", d[i].device);
		if (d[i].hca_handles.set)
			add(&l->lists[CGROUP_RDMA_HANDLES], item, r->rdma.count, a);
		item.value = d[i].hca_objects.value;
		if (d[i].hca_objects.set)
			add(&l->lists[CGROUP_RDMA_OBJECTS], item, r->rdma.count, a);
	}
	if (!r->network)
		return 0;
	const struct oci_interface_priority *p = r->network->priorities.items;
	l->net_class = r->network->class_id;
	for (size_t i = 0; i < r->network->priorities.count; i++)
		add(&l->lists[CGROUP_NET_PRIORITIES],
		    (struct cgroup_item){.name = p[i].name, .value = p[i].priority},
		    r->network->priorities.count, a);
	return 0;
}

static const struct cgroup_device_rule deny_all = {false, 'a', -1, -1, ALL};
static const struct cgroup_device_rule always[] = {
	{true, 'c', -1, -1, MKNOD}, {true, 'b', -1, -1, MKNOD}, {true, 'c', 1, 3, ALL},
	{true, 'c', 1, 5, ALL},     {true, 'c', 1, 7, ALL},     {true, 'c', 1, 8, ALL},
	{true, 'c', 1, 9, ALL},     {true, 'c', 5, 0, ALL},     {true, 'c', 5, 2, ALL},
	{true, 'c', 136, -1, ALL},
};

static int access_of(const char *text, unsigned *ret)
{
	static const char letters[] = "rwm"; /* in the order of CGROUP_DEV_* */
	*ret = text && *text ? 0 : ALL;
	for (; text && *text; text++) {
		const char *at = strchr(letters, *text);
		if (!at)
			return -EINVAL;
		*ret |= 1U << (at - letters);
	}
	return 0;
}

static int rule_of(const struct oci_device_rule *in, struct cgroup_device_rule *out, struct err *e)
{
	const char *type = in->type && *in->type ? in->type : "a";
	bool good = strchr("abc", type[0]) && type[1] == '\0';
	*out = (struct cgroup_device_rule){
		.allow = in->allow,
		.type = type[0],
		.major = in->major.set && in->major.value >= 0 ? in->major.value : -1,
		.minor = in->minor.set && in->minor.value >= 0 ? in->minor.value : -1,
	};
	if (!good)
		return err_set(e, EINVAL, ERR_INVALID, "type \"%s\": it is a, b or c", type);
	if (access_of(in->access, &out->access) < 0)
		return err_set(e, EINVAL, ERR_INVALID, "access \"%s\": it is made of r, w and m",
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
	struct cgroup_device_rule *rules =
		arena_array(a, list->count + 1 + ARRAY_LEN(always), sizeof(*rules));
	size_t n = 0;
	for (size_t i = 0; i < list->count; i++, n++) {
		if (rule_of(&in[i], &rules[n], e) < 0)
			return err_context(e, "devices[%zu]", i);
		if (i == 0 && rules[n].type != 'a') {
			rules[n + 1] = rules[n];
			rules[n++] = deny_all;
		}
	}
	memcpy(rules + n, always, sizeof(always));
	ret->rules = rules;
	ret->rule_count = n + ARRAY_LEN(always);
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
					  .cpu_rt_runtime = c->realtime_runtime,
					  .cpu_rt_period = c->realtime_period,
					  .cpu_idle = c->idle,
					  .cpuset_cpus = c->cpus && *c->cpus ? c->cpus : NULL,
					  .cpuset_mems = c->mems && *c->mems ? c->mems : NULL,
					  .unified = r->unified.count ? &r->unified : NULL,
				  }};
	struct cgroup_limits *l = &ret->limits;
	if (r->pids)
		l->pids = r->pids->limit;
	/* Not refused: callers give twice the memory as a matter of course, wherever they run. */
	if (l->memory_swap.set && !cgroup_host_limits_swap()) {
		l->memory_swap.set = false;
		if (l->memory_swap.value > 0)
			ret->warning = "memory is limited without swap: the kernel does not count "
				       "swap (boot with swapaccount=1)";
	}
	int n = r->block_io ? io_weights(r->block_io, a, l, e) : 0;
	if (n == 0 && r->block_io)
		io_rates(r->block_io, a, l);
	if (n == 0)
		n = names(r, a, l, e);
	if (n == 0)
		n = rules_read(&r->devices, a, ret, e);
	return n < 0 ? err_context(e, "resources") : 0;
}
