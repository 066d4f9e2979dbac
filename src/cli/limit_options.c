/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The limits of a container, and its restart policy, as options: one table for run, create and
 * update, which fills struct container_config. The grammars are docker's; what the limits become is
 * in engine/spec_limits.c and linux/cgroup_limits.c.
 */
#include "cli/create_options.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/option_value.h"
#include "base/units.h"
#include "cli/resource_option.h"
#include "linux/cgroup.h"

enum { WEIGHT_LEAST = 10, WEIGHT_MOST = 1000, DEVICES_MAX = 1024 };

static int set_cpus(void *field, const char *value, struct arena *a, struct err *e)
{
	return nano_parse(value, field) < 0
		       ? err_set(e, EINVAL, ERR_USAGE, "failed to parse %s as a rational number",
				 value)
		       : 0;
}

static int set_swap(void *field, const char *value, struct arena *a, struct err *e)
{
	return size_parse(value, field) < 0
		       ? err_set(e, EINVAL, ERR_USAGE, "invalid size: '%s'", value)
		       : 0;
}

/* The number of DEVICE:NUMBER in @list; one that the device has already is replaced. */
static int set_device(struct array *list, const char *value, int64_t number, struct arena *a,
		      struct err *e)
{
	char *path = arena_strndup(a, value, strcspn(value, ":"));
	struct docker_blkio_device *d = list->items;
	for (size_t i = 0; i < list->count; i++)
		if (!strcmp(d[i].path, path)) {
			d[i].value = number;
			return 0;
		}
	if (list->count == DEVICES_MAX)
		return err_set(e, E2BIG, ERR_USAGE, "given more than %d times", DEVICES_MAX);
	d = array_push(a, list, sizeof(*d));
	*d = (struct docker_blkio_device){path, number};
	return 0;
}

/* What follows the device's path; NULL: filled @e. */
static const char *behind_device(const char *value, struct err *e)
{
	const char *colon = strchr(value, ':');
	if (!colon || colon == value)
		err_set(e, EINVAL, ERR_USAGE, "bad format: %s", value);
	else if (strncmp(value, "/dev/", 5) != 0)
		err_set(e, EINVAL, ERR_USAGE, "bad format for device path: %s", value);
	else
		return colon + 1;
	return NULL;
}

static int set_weight(void *field, const char *value, struct arena *a, struct err *e)
{
	uint64_t weight;
	const char *number = behind_device(value, e);
	if (!number)
		return -EINVAL;
	if (uint_parse(number, WEIGHT_MOST, &weight) < 0 || (weight && weight < WEIGHT_LEAST))
		return err_set(e, EINVAL, ERR_USAGE,
			       "invalid weight for device: %s: it goes from %d to %d, 0: none",
			       value, WEIGHT_LEAST, WEIGHT_MOST);
	return set_device(field, value, (int64_t)weight, a, e);
}

static int set_rate(void *field, const char *value, struct arena *a, struct err *e)
{
	int64_t rate;
	const char *number = behind_device(value, e);
	if (!number)
		return -EINVAL;
	if (size_parse(number, &rate) < 0 || rate < 0)
		return err_set(e, EINVAL, ERR_USAGE,
			       "invalid rate for device: %s. The correct format is "
			       "<device-path>:<number>[<unit>]. Number must be a positive integer. "
			       "Unit is optional and can be kb, mb, or gb",
			       value);
	return set_device(field, value, rate, a, e);
}

static int set_iops(void *field, const char *value, struct arena *a, struct err *e)
{
	uint64_t rate;
	const char *number = behind_device(value, e);
	if (!number)
		return -EINVAL;
	if (uint_parse(number, UINT32_MAX, &rate) < 0)
		return err_set(e, EINVAL, ERR_USAGE,
			       "invalid rate for device: %s. The correct format is "
			       "<device-path>:<number>. Number must be a positive integer",
			       value);
	return set_device(field, value, (int64_t)rate, a, e);
}

/* SIZE=LIMIT, where 2MB, 2Mi and 2m are one size; the kernel's name for it is 2MB. */
static int set_hugepages(void *field, const char *value, struct arena *a, struct err *e)
{
	static const char units[] = "KMG";
	const char *equals = strchr(value, '=');
	size_t len = equals ? (size_t)(equals - value) : 0, unit = 0;
	int64_t size, limit;
	if (len && tolower((unsigned char)value[len - 1]) == 'i')
		len--;
	if (!len || size_parse(arena_strndup(a, value, len), &size) < 0 || size < 1024 ||
	    size % 1024)
		return err_set(e, EINVAL, ERR_USAGE,
			       "expected SIZE=LIMIT with a size of huge pages, like 2MB=64m");
	if (size_parse(equals + 1, &limit) < 0)
		return err_set(e, EINVAL, ERR_USAGE, "invalid size: '%s'", equals + 1);
	for (size /= 1024; size % 1024 == 0 && unit < 2; size /= 1024)
		unit++;
	kvs_set(a, field, arena_printf(a, "%lld%cB", (long long)size, units[unit]),
		arena_printf(a, "%lld", (long long)limit));
	return 0;
}

static int set_swappiness(void *field, const char *value, struct arena *a, struct err *e)
{
	struct opt_i64 *o = field;
	int r = option_set_int(&o->value, value, a, e);
	if (r == 0 && (o->value < -1 || o->value > 100))
		return err_set(e, EINVAL, ERR_USAGE,
			       "invalid value: %lld. Valid memory swappiness range is 0-100",
			       (long long)o->value);
	o->set = r == 0 && o->value != -1;
	return r;
}

/* Shares, or the request of a pod: "250m" is a quarter of a processor. */
static int set_shares(void *field, const char *value, struct arena *a, struct err *e)
{
	size_t len = strlen(value);
	uint64_t milli;
	if (!len || value[len - 1] != 'm')
		return option_set_int(field, value, a, e);
	if (uint_parse(arena_strndup(a, value, len - 1), INT64_MAX, &milli) < 0)
		return err_set(
			e, EINVAL, ERR_USAGE,
			"\"%s\" are no thousandths of a processor: expected a number like 250m",
			value);
	*(int64_t *)field = cgroup_shares_from_milli((int64_t)milli);
	return 0;
}

static int set_restart(void *field, const char *value, struct arena *a, struct err *e)
{
	return restart_policy_parse(value, a, field, e);
}

#define HOST(member) .offset = offsetof(struct container_config, host.member)
#define HULL(member) .offset = offsetof(struct container_config, hull.member)

static const struct option items[] = {
	{"blkio-weight", 0, OPTION_INT, HOST(blkio_weight),
	 .help = "Block IO (relative weight), between 10 and 1000, or 0 to disable; for disks with "
		 "the I/O scheduler bfq"},
	{"blkio-weight-device", 0, OPTION_CUSTOM, HOST(blkio_weights), .arg = "list",
	 .set = set_weight, .help = "Block IO weight (relative device weight)"},
	{"cgroup-conf", 0, OPTION_MAP, HULL(cgroup_conf), .arg = "map",
	 .help = "Write files of control groups version 2, like memory.high=1073741824"},
	{"cpu-burst", 0, OPTION_OPT_INT, HULL(cpu_burst),
	 .help = "CPU time that may be saved up beyond the quota, in microseconds"},
	{"cpu-period", 0, OPTION_INT, HOST(cpu_period),
	 .help = "Limit CPU CFS (Completely Fair Scheduler) period, in microseconds"},
	{"cpu-quota", 0, OPTION_INT, HOST(cpu_quota),
	 .help = "Limit CPU CFS (Completely Fair Scheduler) quota, in microseconds"},
	{"cpu-rt-period", 0, OPTION_INT, HOST(cpu_rt_period),
	 .help = "Limit CPU real-time period in microseconds"},
	{"cpu-rt-runtime", 0, OPTION_INT, HOST(cpu_rt_runtime),
	 .help = "Limit CPU real-time runtime in microseconds"},
	{"cpu-shares", 'c', OPTION_CUSTOM, HOST(cpu_shares), .arg = "int", .set = set_shares,
	 .help = "CPU shares (relative weight); 250m: those of a quarter of a CPU"},
	{"cpus", 0, OPTION_CUSTOM, HOST(nano_cpus), .arg = "decimal", .set = set_cpus,
	 .help = "Number of CPUs"},
	{"cpuset-cpus", 0, OPTION_STR, HOST(cpuset_cpus),
	 .help = "CPUs in which to allow execution (0-3, 0,1)"},
	{"cpuset-mems", 0, OPTION_STR, HOST(cpuset_mems),
	 .help = "MEMs in which to allow execution (0-3, 0,1)"},
	{"device-read-bps", 0, OPTION_CUSTOM, HOST(blkio_rates[RATE_READ_BPS]), .arg = "list",
	 .set = set_rate, .help = "Limit read rate (bytes per second) from a device"},
	{"device-read-iops", 0, OPTION_CUSTOM, HOST(blkio_rates[RATE_READ_IOPS]), .arg = "list",
	 .set = set_iops, .help = "Limit read rate (IO per second) from a device"},
	{"device-write-bps", 0, OPTION_CUSTOM, HOST(blkio_rates[RATE_WRITE_BPS]), .arg = "list",
	 .set = set_rate, .help = "Limit write rate (bytes per second) to a device"},
	{"device-write-iops", 0, OPTION_CUSTOM, HOST(blkio_rates[RATE_WRITE_IOPS]), .arg = "list",
	 .set = set_iops, .help = "Limit write rate (IO per second) to a device"},
	{"hugepages", 0, OPTION_CUSTOM, HULL(hugepages), .arg = "map", .set = set_hugepages,
	 .help = "Limit huge pages of a size (2MB=64m)"},
	{"memory", 'm', OPTION_SIZE, HOST(memory), .help = "Memory limit"},
	{"memory-reservation", 0, OPTION_SIZE, HOST(memory_reservation),
	 .help = "Memory soft limit"},
	{"memory-swap", 0, OPTION_CUSTOM, HOST(memory_swap), .arg = "bytes", .set = set_swap,
	 .help = "Swap limit equal to memory plus swap: '-1' to enable unlimited swap"},
	{"memory-swappiness", 0, OPTION_CUSTOM, HOST(memory_swappiness), .arg = "int",
	 .set = set_swappiness, .help = "Tune container memory swappiness (0 to 100)"},
	{"oom-group", 0, OPTION_TRI, HULL(oom_group),
	 .help = "When memory runs out, kill all processes of the container, not one"},
	{"oom-kill-disable", 0, OPTION_TRI, HOST(oom_kill_disable), .help = "Disable OOM Killer"},
	{"pids-limit", 0, OPTION_OPT_INT, HOST(pids_limit),
	 .help = "Tune container pids limit (set -1 for unlimited); default 4096"},
	{"shm-size", 0, OPTION_SIZE, HOST(shm_size), .help = "Size of /dev/shm"},
	{"ulimit", 0, OPTION_CUSTOM, HOST(ulimits), .arg = "ulimit", .set = option_set_ulimit,
	 .help = "Ulimit options"},
	/* The last one, as a step of a build has none. */
	{"restart", 0, OPTION_CUSTOM, HOST(restart_policy), .arg = "string", .set = set_restart,
	 .help = "Restart policy to apply when a container exits (no, always, unless-stopped, "
		 "on-failure[:TIMES])"},
};
const struct option_table limit_option_table = OPTIONS(items);
const struct option_table build_limit_option_table = {items, ARRAY_LEN(items) - 1};
