/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one table of limits: what each becomes on version 1 and on version 2; docs/limits.md has its
 * rows and formulas for people. See cgroup-v1/memory.rst, scheduler/sched-bwc.rst, cgroup-v2.rst of
 * the kernel; the OCI runtime spec, config-linux.md "Control groups". Invariant: a limit that was
 * asked for is set, or the call fails and names it. Read cgroup.h, struct cgroup_limits, first.
 */
#include "linux/cgroup_limits.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/units.h"
#include "linux/cgroup_version.h"

enum {
	SHARES_MIN = 2,
	SHARES_MAX = 262144,
	PIDS_MOST = 4194304, /* PID_MAX_LIMIT: the files take nothing above */
};

/** What is to be written to a file. */
struct value {
	const char *text;
	char buf[48];
};

static int put(struct value *v, const char *text)
{
	v->text = text;
	return 1;
}

static int put_number(struct value *v, int64_t number)
{
	snprintf(v->buf, sizeof(v->buf), "%lld", (long long)number);
	return put(v, v->buf);
}

static int put_number_or_max(struct value *v, int64_t number)
{
	return number < 0 ? put(v, "max") : put_number(v, number);
}

/* 0 stands for "not set" in docker's API and in many a config.json. */
static bool given(const struct opt_i64 *o)
{
	return o->set && o->value != 0;
}

/*
 * The formulas, of the limit's own member and the others: 1 and @v filled, 0 when the limit is not
 * set, -EOPNOTSUPP when this version cannot express it.
 */
typedef int (*formula)(const struct opt_i64 *own, const struct cgroup_limits *l, struct value *v);

static int number(const struct opt_i64 *own, const struct cgroup_limits *l, struct value *v)
{
	return given(own) ? put_number(v, own->value) : 0;
}

static int number_or_zero(const struct opt_i64 *own, const struct cgroup_limits *l, struct value *v)
{
	return own->set ? put_number(v, own->value) : 0;
}

static int absent(const struct opt_i64 *own, const struct cgroup_limits *l, struct value *v)
{
	return given(own) ? -EOPNOTSUPP : 0;
}

static int memory_v2(const struct opt_i64 *own, const struct cgroup_limits *l, struct value *v)
{
	return given(own) ? put_number_or_max(v, own->value) : 0;
}

/* v1 and the OCI spec count memory+swap, v2 swap alone. */
static int swap_v2(const struct opt_i64 *own, const struct cgroup_limits *l, struct value *v)
{
	if (!given(own))
		return 0;
	if (own->value < 0)
		return put(v, "max");
	if (!given(&l->memory) || l->memory.value < 0)
		return -EOPNOTSUPP;
	return put_number(v, own->value - l->memory.value);
}

/* memory.low protects what v1's soft limit would not reclaim first; "no soft limit" protects 0. */
static int reservation_v2(const struct opt_i64 *own, const struct cgroup_limits *l, struct value *v)
{
	return given(own) ? put_number(v, own->value < 0 ? 0 : own->value) : 0;
}

static int swappiness_v1(const struct opt_i64 *own, const struct cgroup_limits *l, struct value *v)
{
	return own->set && own->value >= 0 ? put_number(v, own->value) : 0;
}

/* v2 has no swappiness of a group; 0 is "do not swap", which memory.swap.max 0 is too. */
static int swappiness_v2(const struct opt_i64 *own, const struct cgroup_limits *l, struct value *v)
{
	if (!own->set || own->value < 0)
		return 0;
	return own->value == 0 ? put(v, "0") : -EOPNOTSUPP;
}

static int oom_v1(const struct opt_i64 *own, const struct cgroup_limits *l, struct value *v)
{
	return l->oom_kill_disable.set ? put(v, l->oom_kill_disable.value ? "1" : "0") : 0;
}

static int oom_v2(const struct opt_i64 *own, const struct cgroup_limits *l, struct value *v)
{
	return l->oom_kill_disable.set && l->oom_kill_disable.value ? -EOPNOTSUPP : 0;
}

static int64_t clamp(int64_t n, int64_t low, int64_t high)
{
	return n < low ? low : n > high ? high : n;
}

static int shares_v1(const struct opt_i64 *own, const struct cgroup_limits *l, struct value *v)
{
	return given(own) ? put_number(v, clamp(own->value, SHARES_MIN, SHARES_MAX)) : 0;
}

/* The range of v1 and of bfq to that of v2 (runc, crun). */
int64_t cgroup_io_weight(int64_t weight)
{
	return 1 + (weight - 10) * 9999 / 990;
}

/* A curve through (2, 1), (1024, 100) and (262144, 10000): the defaults of both versions meet, as
 * they did not in the straight line of old (OCI runtime spec 1.3; runc 1.3.2, crun 1.23). */
int64_t cgroup_weight_from_shares(int64_t shares)
{
	if (shares <= SHARES_MIN)
		return 1;
	if (shares >= SHARES_MAX)
		return 10000;
	double l = log2((double)shares);
	return (int64_t)ceil(pow(10, (l * l + 125 * l) / 612.0 - 7.0 / 34.0));
}

int64_t cgroup_shares_from_milli(int64_t milli_cpus)
{
	return clamp(clamp(milli_cpus, 0, SHARES_MAX) * 1024 / 1000, SHARES_MIN, SHARES_MAX);
}

static int shares_v2(const struct opt_i64 *own, const struct cgroup_limits *l, struct value *v)
{
	return given(own) ? put_number(v, cgroup_weight_from_shares(own->value)) : 0;
}

static int io_weight_v1(const struct opt_i64 *own, const struct cgroup_limits *l, struct value *v)
{
	return own->value == CGROUP_IO_WEIGHT_DEFAULT ? put(v, "100") : number(own, l, v);
}

static int io_weight_v2(const struct opt_i64 *own, const struct cgroup_limits *l, struct value *v)
{
	if (own->value == CGROUP_IO_WEIGHT_DEFAULT)
		return put(v, "default");
	return given(own) ? put_number(v, cgroup_io_weight(own->value)) : 0;
}

static int quota_v1(const struct opt_i64 *own, const struct cgroup_limits *l, struct value *v)
{
	return given(own) ? put_number(v, own->value < 0 ? -1 : own->value) : 0;
}

/* "QUOTA PERIOD"; QUOTA alone keeps the period. A period alone has its quota put in by the caller.
 */
static int quota_v2(const struct opt_i64 *own, const struct cgroup_limits *l, struct value *v)
{
	char quota[24] = "max";
	if (!given(own) && !given(&l->cpu_period))
		return 0;
	if (given(own) && own->value > 0)
		snprintf(quota, sizeof(quota), "%lld", (long long)own->value);
	if (given(&l->cpu_period))
		snprintf(v->buf, sizeof(v->buf), "%s %lld", quota, (long long)l->cpu_period.value);
	else
		snprintf(v->buf, sizeof(v->buf), "%s", quota);
	return put(v, v->buf);
}

static int cpus(const struct opt_i64 *own, const struct cgroup_limits *l, struct value *v)
{
	return l->cpuset_cpus && *l->cpuset_cpus ? put(v, l->cpuset_cpus) : 0;
}

static int mems(const struct opt_i64 *own, const struct cgroup_limits *l, struct value *v)
{
	return l->cpuset_mems && *l->cpuset_mems ? put(v, l->cpuset_mems) : 0;
}

/* 0 is a limit, as of 1.3; who enters a group is not stopped by it, but who is born in it is. */
static int pids(const struct opt_i64 *own, const struct cgroup_limits *l, struct value *v)
{
	int64_t n = own->value == 0 ? 1 : own->value;
	return own->set ? put_number_or_max(v, n >= PIDS_MOST ? -1 : n) : 0;
}

struct knob {
	const char *label;
	enum cgroup_controller controller;
	bool is_bytes;
	size_t own; /* offset in struct cgroup_limits */
	const char *v1_file;
	formula v1;
	const char *v2_file;
	formula v2;
	const char *hint; /* when the file or the feature is missing */
	const char
		*bfq[2]; /* v1, v2: the same for the scheduler bfq, which takes the value of v1 */
	const char *refused; /* hint for EINVAL, in place of the general one */
};

#define OWN(member) offsetof(struct cgroup_limits, member)
#define NO_REALTIME "it needs control groups version 1 and CONFIG_RT_GROUP_SCHED"
#define REALTIME_REFUSED                                                                           \
	"each group above needs as much real-time budget first, like: echo 500000 "                \
	">/sys/fs/cgroup/cpu/hull/cpu.rt_runtime_us"

/* In the order of writing: in a fresh group the kernel takes each line after the one above. */
static const struct knob knobs[] = {
	{"memory limit", CGROUP_MEMORY, true, OWN(memory), "memory.limit_in_bytes", number,
	 "memory.max", memory_v2},
	{"memory+swap limit", CGROUP_MEMORY, true, OWN(memory_swap), "memory.memsw.limit_in_bytes",
	 number, "memory.swap.max", swap_v2,
	 "it needs a memory limit beside it, and a kernel that counts swap (boot with "
	 "swapaccount=1)"},
	{"memory reservation", CGROUP_MEMORY, true, OWN(memory_reservation),
	 "memory.soft_limit_in_bytes", number, "memory.low", reservation_v2},
	{"memory swappiness", CGROUP_MEMORY, false, OWN(memory_swappiness), "memory.swappiness",
	 swappiness_v1, "memory.swap.max", swappiness_v2,
	 "control groups version 2 have no swappiness: leave it away, or use 0 for no swap at all"},
	{"disabling of the OOM killer", CGROUP_MEMORY, false, 0, "memory.oom_control", oom_v1, NULL,
	 oom_v2, "control groups version 2 cannot do that: leave it away"},
	{"CPU shares", CGROUP_CPU, false, OWN(cpu_shares), "cpu.shares", shares_v1, "cpu.weight",
	 shares_v2},
	{"CPU period", CGROUP_CPU, false, OWN(cpu_period), "cpu.cfs_period_us", number, NULL, NULL},
	{"CPU quota", CGROUP_CPU, false, OWN(cpu_quota), "cpu.cfs_quota_us", quota_v1, "cpu.max",
	 quota_v2, "the kernel needs CONFIG_CFS_BANDWIDTH"},
	{"CPU burst", CGROUP_CPU, false, OWN(cpu_burst), "cpu.cfs_burst_us", number_or_zero,
	 "cpu.max.burst", number_or_zero, "CPU bursts need Linux 5.14"},
	{"cpuset of CPUs", CGROUP_CPUSET, false, 0, "cpuset.cpus", cpus, "cpuset.cpus", cpus},
	{"cpuset of memory nodes", CGROUP_CPUSET, false, 0, "cpuset.mems", mems, "cpuset.mems",
	 mems},
	{"realtime period", CGROUP_CPU, false, OWN(cpu_rt_period), "cpu.rt_period_us", number, NULL,
	 absent, NO_REALTIME, .refused = REALTIME_REFUSED},
	{"realtime runtime", CGROUP_CPU, false, OWN(cpu_rt_runtime), "cpu.rt_runtime_us", number,
	 NULL, absent, NO_REALTIME, .refused = REALTIME_REFUSED},
	{"CPU idle flag", CGROUP_CPU, false, OWN(cpu_idle), "cpu.idle", number_or_zero, "cpu.idle",
	 number_or_zero, "it needs Linux 5.15"},
	{"limit of processes", CGROUP_PIDS, false, OWN(pids), "pids.max", pids, "pids.max", pids},
	{"I/O weight",
	 CGROUP_BLKIO,
	 false,
	 OWN(io_weight),
	 "blkio.weight",
	 io_weight_v1,
	 "io.weight",
	 io_weight_v2,
	 "it needs the I/O scheduler bfq, or a kernel with io.weight",
	 {"blkio.bfq.weight", "io.bfq.weight"}},
	{"I/O leaf weight", CGROUP_BLKIO, false, OWN(io_leaf_weight), "blkio.leaf_weight", number,
	 NULL, absent, "it needs the I/O scheduler cfq, which Linux 5.0 removed"},
	{"network class", CGROUP_NET_CLS, false, OWN(net_class), "net_cls.classid", number, NULL,
	 absent, "control groups version 2 have none: match the group itself in nftables"},
};

static int evaluate(const struct knob *k, formula f, const struct cgroup_limits *l, struct value *v)
{
	return f ? f((const struct opt_i64 *)((const char *)l + k->own), l, v) : 0;
}

const char *cgroup_limits_any(const struct cgroup_limits *l)
{
	struct value v;
	for (size_t i = 0; i < ARRAY_LEN(knobs); i++)
		if (evaluate(&knobs[i], knobs[i].v2, l, &v) != 0)
			return knobs[i].label;
	for (size_t i = 0; i < CGROUP_LISTS; i++)
		if (l->lists[i].count)
			return "limit of a device";
	return l->unified ? "unified" : NULL;
}

/* "64MiB" for 67108864, so that the message shows what the user typed. */
static const char *value_shown(const struct knob *k, const struct value *v,
			       char buf[static SIZE_TEXT_SIZE])
{
	long long n = strtoll(v->text, NULL, 10);
	if (k->is_bytes && n > 0)
		return size_binary(n, buf);
	return n < 0 || !strcmp(v->text, "max") ? "unlimited" : v->text;
}

static bool value_is_unlimited(const struct value *v)
{
	return !strcmp(v->text, "-1") || !strcmp(v->text, "max");
}

/* What an errno of these files means is not what it means elsewhere. */
static const struct {
	int number;
	const char *hint;
} meanings[] = {
	{EBUSY, "the group uses more than that and cannot give it back"},
	{EINVAL,
	 "the kernel refuses the value: it may exceed a limit of the group above, or contradict "
	 "another limit of this group (memory and memory+swap: set both)"},
	{ENOSPC,
	 "the group above does not have these CPUs or nodes, or processes would be left without"},
	{EACCES,
	 "the group above does not have these CPUs or nodes, or the file is not hull's to write"},
};

static int knob_failed(const struct knob *k, const struct value *v, const char *file, int r,
		       struct err *e)
{
	char shown[SIZE_TEXT_SIZE];
	if (r == -ENOENT || r == -EOPNOTSUPP) {
		err_set(e, EOPNOTSUPP, ERR_INVALID, "%s cannot be set: %s is missing here",
			k->label, file ? file : "such a file");
		if (k->hint)
			err_hint(e, "%s", k->hint);
		return -EOPNOTSUPP;
	}
	err_errno(e, r, "cannot set %s %s (%s)", k->label, value_shown(k, v, shown), file);
	for (size_t i = 0; i < ARRAY_LEN(meanings); i++) {
		if (meanings[i].number == -r)
			err_hint(e, "%s", meanings[i].hint);
	}
	if (r == -EINVAL && k->refused)
		err_hint(e, "%s", k->refused);
	return r;
}

static int controller_missing(const struct knob *k, const struct value *v, struct err *e)
{
	char shown[SIZE_TEXT_SIZE];
	const char *name = cgroup_controller_name(k->controller, false);
	err_set(e, EOPNOTSUPP, ERR_INVALID,
		"%s %s cannot be enforced: this machine has no %s controller", k->label,
		value_shown(k, v, shown), name);
	return err_hint(e, "mount its control groups, or leave the limit away");
}

int cgroup_v2_write(const struct cgroup *g, const char *file, const char *text)
{
	int r = file_write_small(g->v2, file, text);
	if (r != -ENOENT)
		return r;
	/* A controller that is not always passed down; or a maker of the folder above was killed
	 * before it had done so. */
	int enabled = cgroup_v2_enable(cgroup_host_get(), g->path + 1, ~0U);
	r = file_write_small(g->v2, file, text);
	return r == -ENOENT && enabled < 0 ? enabled : r;
}

static int not_delegated(const struct knob *k, const struct cgroup *g, struct err *e)
{
	const char *controller = cgroup_controller_name(k->controller, true);
	err_set(e, EACCES, ERR_DENIED,
		"%s cannot be set: the groups above %s do not pass the %s "
		"controller down",
		k->label, g->path, controller);
	return err_hint(e, "for systemd's users " CGROUP_DELEGATE_HINT);
}

static int knob_apply(const struct cgroup *g, const struct knob *k, const struct cgroup_limits *l,
		      struct err *e)
{
	const struct cgroup_host *h = cgroup_host_get();
	bool on_v1 = h->v1[k->controller] >= 0;
	const char *file = on_v1 ? k->v1_file : k->v2_file;
	struct value v = {.text = ""};
	int r = evaluate(k, on_v1 ? k->v1 : k->v2, l, &v);
	if (r == 0)
		return 0;
	if (r < 0)
		return knob_failed(k, &v, file, r, e);
	if (!on_v1 && (g->v2 < 0 || !(h->v2_controllers & 1U << k->controller)))
		return value_is_unlimited(&v) ? 0 : controller_missing(k, &v, e);
	r = on_v1 ? file_write_small(g->v1[k->controller], file, v.text)
		  : cgroup_v2_write(g, file, v.text);
	const char *bfq = k->bfq[!on_v1];
	if (bfq && evaluate(k, k->v1, l, &v) > 0) {
		int also = file_write_small(on_v1 ? g->v1[k->controller] : g->v2, bfq, v.text);
		r = r == -ENOENT ? also : r;
	}
	if (r == 0 || (r == -ENOENT && value_is_unlimited(&v)))
		return 0;
	/* A file that is not there cannot be made, says EACCES. */
	if (!on_v1 && r == -EACCES && !file_exists(g->v2, file))
		return not_delegated(k, g, e);
	r = knob_failed(k, &v, file, r, e);
	if (!on_v1 && r == -EBUSY)
		err_hint(e,
			 "a group above %s has processes of its own, so it cannot pass the %s "
			 "controller down: move them to a group beside, or start hull in a group "
			 "of its own (systemd-run --scope -p Delegate=yes)",
			 g->path, cgroup_controller_name(k->controller, true));
	return r;
}

int cgroup_limits_possible(const struct cgroup_limits *l, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(knobs); i++) {
		const struct knob *k = &knobs[i];
		bool on_v1 = cgroup_host_on_v1(k->controller);
		struct value v = {.text = ""};
		int r = evaluate(k, on_v1 ? k->v1 : k->v2, l, &v);
		if (r < 0)
			return knob_failed(k, &v, on_v1 ? k->v1_file : k->v2_file, r, e);
	}
	return cgroup_lists_possible(l, e);
}

int cgroup_limits_apply(const struct cgroup *g, const struct cgroup_limits *l, struct err *e)
{
	bool refused[ARRAY_LEN(knobs)] = {0};
	bool again = false;
	for (size_t i = 0; i < ARRAY_LEN(knobs); i++) {
		int r = knob_apply(g, &knobs[i], l, e);
		if (r < 0 && r != -EINVAL)
			return r;
		refused[i] = r < 0;
		again |= r < 0;
	}
	/* Refused until another of its kind had changed: memory above the old memory+swap limit, a
	 * period with the old quota. */
	for (size_t i = 0; again && i < ARRAY_LEN(knobs); i++) {
		int r = refused[i] ? knob_apply(g, &knobs[i], l, e) : 0;
		if (r < 0)
			return r;
	}
	if (again)
		*e = (struct err){0};
	int r = cgroup_lists_apply(g, l, e);
	return r < 0 ? r : cgroup_unified_apply(g, l->unified, e);
}
