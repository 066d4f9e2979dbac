/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resource limits: from docker's fields (bytes, nano-CPUs, paths of devices) to the OCI spec's
 * resources, and from there, as for any bundle, to control groups (runtime/resources.c). What is
 * refused here is refused in docker's words. The files behind the limits are the business of
 * linux/cgroup_limits.c.
 */
#include "engine/internal.h"
#include "engine/spec.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "base/units.h"
#include "linux/device.h"
#include "runtime/resources.h"

enum { PIDS_DEFAULT = 4096, PERIOD_DEFAULT = 100000, WEIGHT_LEAST = 10, WEIGHT_MOST = 1000 };

static struct opt_i64 unless_zero(int64_t value)
{
	return (struct opt_i64){value != 0, value};
}

static int count_cpus(void)
{
	cpu_set_t usable;
	return sched_getaffinity(0, sizeof(usable), &usable) < 0 ? 0 : CPU_COUNT(&usable);
}

static int cpu_resources(const struct container_config *c, struct oci_cpu *cpu, struct err *e)
{
	const struct docker_host_config *h = &c->host;
	*cpu = (struct oci_cpu){.shares = unless_zero(h->cpu_shares),
				.quota = unless_zero(h->cpu_quota),
				.period = unless_zero(h->cpu_period),
				.burst = c->hull.cpu_burst,
				.realtime_period = unless_zero(h->cpu_rt_period),
				.realtime_runtime = unless_zero(h->cpu_rt_runtime),
				.cpus = h->cpuset_cpus,
				.mems = h->cpuset_mems};
	if (h->cpu_rt_period && h->cpu_rt_runtime > h->cpu_rt_period)
		return err_set(e, EINVAL, ERR_INVALID,
			       "cpu real-time runtime cannot be higher than cpu real-time period");
	if (!h->nano_cpus)
		return 0;
	if (h->cpu_quota || h->cpu_period)
		return err_set(e, EINVAL, ERR_INVALID,
			       "Conflicting options: --cpus and --cpu-%s cannot both be set",
			       h->cpu_quota ? "quota" : "period");
	int count = count_cpus();
	if (h->nano_cpus < 10000000 || (count && h->nano_cpus > count * INT64_C(1000000000)))
		return err_set(e, EINVAL, ERR_INVALID,
			       "range of CPUs is from 0.01 to %d.00, as there are only %d CPUs "
			       "available",
			       count, count);
	cpu->period = (struct opt_i64){true, PERIOD_DEFAULT};
	cpu->quota = (struct opt_i64){true, h->nano_cpus / (1000000000 / PERIOD_DEFAULT)};
	return 0;
}

static int memory_resources(const struct docker_host_config *h, struct engine *warn,
			    struct oci_memory *m, struct err *e)
{
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
	*m = (struct oci_memory){.limit = unless_zero(h->memory),
				 .swap = unless_zero(h->memory_swap),
				 .reservation = unless_zero(h->memory_reservation),
				 .swappiness = h->memory_swappiness,
				 .disable_oom_killer = h->oom_kill_disable};
	m->swappiness.set &= m->swappiness.value != -1;
	if (m->swap.set && !cgroup_host_limits_swap()) {
		/* Only a limit that was asked for deserves a word: docker's own default does not.
		 */
		if (h->memory_swap != h->memory * 2)
			engine_warn(warn,
				    "Your kernel does not support swap limit capabilities or the "
				    "cgroup is not mounted. Memory limited without swap.");
		m->swap.set = false;
	}
	if (m->swappiness.set && m->swappiness.value == 0 && !cgroup_host_on_v1(CGROUP_MEMORY))
		engine_warn(warn, "--memory-swappiness 0: control groups version 2 have no "
				  "swappiness; the container gets no swap at all instead");
	return 0;
}

/* The disk of a device that a limit is for. */
static int find_disk(const char *option, const char *path, struct engine *warn, dev_t *ret,
		     struct err *e)
{
	bool is_partition;
	int r = device_find_disk(path ? path : "", ret, &is_partition);
	if (r == -ENOTBLK)
		return err_set(e, ENOTBLK, ERR_INVALID, "--%s %s: not a block device", option,
			       path);
	if (r < 0)
		return err_errno(e, r, "--%s %s: no such device", option, path);
	if (is_partition)
		engine_warn(warn,
			    "--%s %s: that is a partition; the kernel limits whole disks, so the "
			    "limit is that of its disk, %u:%u",
			    option, path, major(*ret), minor(*ret));
	return 0;
}

static int weights(const struct array *list, struct engine *warn, struct arena *a,
		   struct oci_block_io *io, struct err *e)
{
	const struct docker_blkio_device *d = list->items;
	for (size_t i = 0; i < list->count; i++) {
		dev_t disk;
		int r = find_disk("blkio-weight-device", d[i].path, warn, &disk, e);
		if (r == -ENOENT && d[i].value == 0)
			continue; /* no limit, and no device either */
		if (r < 0)
			return r;
		*(struct oci_weight_device *)array_push(a, &io->weight_device,
							sizeof(struct oci_weight_device)) =
			(struct oci_weight_device){
				major(disk), minor(disk), {true, d[i].value}, {false, 0}};
	}
	return 0;
}

static int rates(const char *option, const struct array *list, struct engine *warn, struct arena *a,
		 struct array *ret, struct err *e)
{
	const struct docker_blkio_device *d = list->items;
	for (size_t i = 0; i < list->count; i++) {
		dev_t disk;
		int r = find_disk(option, d[i].path, warn, &disk, e);
		if (r == -ENOENT && d[i].value == 0)
			continue; /* no limit, and no device either */
		if (r < 0)
			return r;
		*(struct oci_throttle_device *)array_push(a, ret,
							  sizeof(struct oci_throttle_device)) =
			(struct oci_throttle_device){major(disk), minor(disk), d[i].value};
	}
	return 0;
}

static int block_resources(const struct docker_host_config *h, struct engine *warn, struct arena *a,
			   struct oci_resources *ret, struct err *e)
{
	struct oci_block_io io = {.weight = unless_zero(h->blkio_weight)};
	const struct {
		const char *option;
		struct array *list;
	} kinds[RATES] = {
		[RATE_READ_BPS] = {"device-read-bps", &io.read_bps},
		[RATE_WRITE_BPS] = {"device-write-bps", &io.write_bps},
		[RATE_READ_IOPS] = {"device-read-iops", &io.read_iops},
		[RATE_WRITE_IOPS] = {"device-write-iops", &io.write_iops},
	};
	if (io.weight.set && (io.weight.value < WEIGHT_LEAST || io.weight.value > WEIGHT_MOST))
		return err_set(e, EINVAL, ERR_INVALID, "Range of blkio weight is from %d to %d",
			       WEIGHT_LEAST, WEIGHT_MOST);
	int r = weights(&h->blkio_weights, warn, a, &io, e);
	bool any = io.weight.set || io.weight_device.count;
	for (size_t i = 0; r == 0 && i < RATES; i++) {
		r = rates(kinds[i].option, &h->blkio_rates[i], warn, a, kinds[i].list, e);
		any |= kinds[i].list->count > 0;
	}
	if (r < 0 || !any)
		return r;
	if (cgroup_host_on_v1(CGROUP_BLKIO) && (io.write_bps.count || io.write_iops.count))
		engine_warn(warn, "control groups version 1 limit direct and synchronous writes "
				  "only: buffered writes are not limited");
	ret->block_io = arena_new(a, struct oci_block_io);
	*ret->block_io = io;
	return 0;
}

static int hull_resources(const struct hull_config *hull, struct arena *a,
			  struct oci_resources *ret, struct err *e)
{
	for (size_t i = 0; i < hull->hugepages.count; i++) {
		struct oci_hugepage_limit page = {.page_size = hull->hugepages.items[i].key};
		if (int_parse(hull->hugepages.items[i].value, -1, INT64_MAX, &page.limit) < 0)
			return err_set(e, EINVAL, ERR_INVALID, "invalid limit of huge pages: %s",
				       hull->hugepages.items[i].value);
		*(struct oci_hugepage_limit *)array_push(a, &ret->hugepage_limits, sizeof(page)) =
			page;
	}
	for (size_t i = 0; i < hull->cgroup_conf.count; i++)
		kvs_set(a, &ret->unified, hull->cgroup_conf.items[i].key,
			hull->cgroup_conf.items[i].value);
	if (hull->oom_group.set)
		kvs_set(a, &ret->unified, "memory.oom.group", hull->oom_group.value ? "1" : "0");
	return 0;
}

/* Of a container that has no control group. */
static int refuse_limits(const struct cgroup_limits *l, struct err *e)
{
	CLEANUP_CGROUP struct cgroup none = CGROUP_CLOSED;
	const char *limit = cgroup_limits_any(l);
	if (!limit)
		return 0;
	int r = cgroup_open("", &none, e);
	err_context(e, "limits (%s) need a control group", limit);
	return r;
}

int limits_plan(const struct container_config *c, struct engine *warn, struct arena *a,
		struct oci_resources *ret, struct cgroup_limits *ret_limits, struct err *e)
{
	struct resources result;
	int64_t pids = c->host.pids_limit.value;
	bool grouped = container_has_group(c);
	*ret = (struct oci_resources){.pids = arena_new(a, struct oci_pids)};
	ret->pids->limit =
		(struct opt_i64){grouped || pids > 0, !c->host.pids_limit.set ? PIDS_DEFAULT
						      : pids > 0              ? pids
									      : -1};
	int r = cpu_resources(c, &ret->cpu, e);
	if (r == 0)
		r = memory_resources(&c->host, warn, &ret->memory, e);
	if (r == 0)
		r = block_resources(&c->host, warn, a, ret, e);
	if (r == 0)
		r = hull_resources(&c->hull, a, ret, e);
	if (r == 0)
		r = resources_read(ret, a, &result, e);
	if (r == 0)
		r = cgroup_limits_check(&result.limits, e);
	if (r == 0)
		r = cgroup_limits_possible(&result.limits, e);
	if (r == 0 && !grouped)
		r = refuse_limits(&result.limits, e);
	if (r == 0)
		*ret_limits = result.limits;
	return r;
}

int spec_limits(struct spec_build *b, struct arena *a, struct err *e)
{
	/* Where the spec is, because the limits point into it. */
	return limits_plan(&b->container->config, b->warn, a, &b->spec.linux_.resources, &b->limits,
			   e);
}
