/* SPDX-License-Identifier: Apache-2.0 */
/* hull-runtime update: change the limits of a container. Options win over the file. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/units.h"
#include "linux/cgroup.h"
#include "linux/systemd.h"
#include "oci/commands.h"
#include "oci/group.h"
#include "oci/state.h"
#include "runtime/resources.h"

enum { RESOURCES_MAX = 1 << 20 };

struct values {
	char *resources;
	char *cpus, *mems, *l3, *bandwidth, *ignored;
	struct opt_i64 blkio_weight, period, quota, burst, shares, rt_period, rt_runtime, idle;
	struct opt_i64 memory, reservation, swap, pids;
};

static int read_stdin(struct arena *a, char **ret, size_t *ret_len, struct err *e)
{
	*ret = arena_alloc(a, RESOURCES_MAX + 1);
	ssize_t n = fd_read_full(0, *ret, RESOURCES_MAX);
	if (n == RESOURCES_MAX)
		return err_set(e, EFBIG, ERR_INVALID, "standard input: too long");
	*ret_len = n < 0 ? 0 : (size_t)n;
	return n < 0 ? err_errno(e, (int)n, "cannot read standard input") : 0;
}

static int read_resources(const char *path, struct arena *a, struct oci_resources *ret,
			  struct err *e)
{
	char *text;
	size_t len;
	if (!path || !*path)
		return 0;
	int r = !strcmp(path, "-") ? read_stdin(a, &text, &len, e)
				   : file_read(AT_FDCWD, path, RESOURCES_MAX, a, &text, &len, e);
	if (r == 0)
		r = shape_parse(&oci_resources_shape, text, len, ret, a, e);
	return r < 0 ? err_context(e, "--resources %s", path) : 0;
}

static void override(struct opt_i64 *field, struct opt_i64 given)
{
	if (given.set)
		*field = given;
}

static void apply_options(const struct values *v, struct oci_resources *r, struct arena *a)
{
	override(&r->cpu.period, v->period);
	override(&r->cpu.quota, v->quota);
	override(&r->cpu.burst, v->burst);
	override(&r->cpu.shares, v->shares);
	override(&r->cpu.realtime_period, v->rt_period);
	override(&r->cpu.realtime_runtime, v->rt_runtime);
	override(&r->cpu.idle, v->idle);
	override(&r->memory.limit, v->memory);
	override(&r->memory.reservation, v->reservation);
	override(&r->memory.swap, v->swap);
	if (v->cpus && *v->cpus)
		r->cpu.cpus = v->cpus;
	if (v->mems && *v->mems)
		r->cpu.mems = v->mems;
	if (v->pids.set && !r->pids)
		r->pids = arena_new(a, struct oci_pids);
	if (v->pids.set)
		r->pids->limit = v->pids;
	if (v->blkio_weight.set && !r->block_io)
		r->block_io = arena_new(a, struct oci_block_io);
	if (v->blkio_weight.set)
		r->block_io->weight = v->blkio_weight;
}

/* On version 1 systemd takes away all devices for a moment, and gives back those that are allowed.
 */
static int tell_systemd(const struct state *s, const struct cgroup *g, struct err *e)
{
	struct err ignored;
	bool freeze = g->layout != CGROUP_V2 && s->status == OCI_RUNNING &&
		      cgroup_freeze(g, true, &ignored) == 0;
	int r = systemd_scope_limits(record_unit(&s->record), g, e);
	if (freeze)
		cgroup_freeze(g, false, &ignored);
	return r;
}

static int update_rdt(struct oci *oci, const struct state *s, const struct values *v, struct err *e)
{
	struct oci_spec spec = {0};
	if ((!v->l3 || !*v->l3) && (!v->bandwidth || !*v->bandwidth))
		return 0;
	int r = s->record.flags & RECORD_RDT
			? state_config(s, &oci->arena, &spec, e)
			: err_set(e, ENOTSUP, ERR_INVALID,
				  "container %s has no group of resctrl: it was created without "
				  "intelRdt",
				  s->id);
	if (r < 0)
		return r;
	struct resctrl_wish wish = group_rdt(&spec, s->id);
	CLEANUP_FD int mount = resctrl_mount(e);
	wish.l3 = v->l3;
	wish.bandwidth = v->bandwidth;
	wish.more = NULL;
	return mount < 0 ? mount : resctrl_update(mount, &wish, e);
}

static int update(struct oci *oci, void *values, const struct strv *args, struct err *e)
{
	CLEANUP_STATE struct state s = STATE_CLOSED;
	CLEANUP_CGROUP struct cgroup group = CGROUP_CLOSED;
	const struct values *v = values;
	struct oci_resources wanted = {0};
	struct resources resources;
	int r = read_resources(v->resources, &oci->arena, &wanted, e);
	if (r < 0)
		return r;
	apply_options(v, &wanted, &oci->arena);
	wanted.devices.count = 0; /* as in runc: an update does not touch them */
	r = resources_read(&wanted, &oci->arena, &resources, e);
	if (r == 0)
		r = state_open(oci, args->items[0], STATE_LOCK, &s, e);
	if (r == 0 && s.status == OCI_STOPPED)
		r = err_set(e, ESRCH, ERR_CONFLICT, "container %s: container not running", s.id);
	if (r == 0)
		r = update_rdt(oci, &s, v, e);
	if (r == 0 && !*s.record.cgroup)
		r = err_set(e, ENOTSUP, ERR_INVALID, "container %s has no control group", s.id);
	if (r == 0)
		r = cgroup_open(s.record.cgroup, &group, e);
	if (r == 0)
		r = cgroup_update(&group, &resources.limits, e);
	if (r == 0)
		log_warning_text(oci, resources.warning);
	return r == 0 && record_unit(&s.record) ? tell_systemd(&s, &group, e) : r;
}

#define O(member_) .offset = offsetof(struct values, member_)
/* A size, or -1 for none; "512m" as well as bytes. */
static int set_memory(void *field, const char *value, struct arena *a, struct err *e)
{
	struct opt_i64 *o = field;
	o->set = true;
	return size_parse(value, &o->value) < 0
		       ? err_set(e, EINVAL, ERR_USAGE, "invalid size: '%s'", value)
		       : 0;
}

/* clang-format off */
static const struct option items[] = {
	{"blkio-weight", 0, OPTION_OPT_INT, O(blkio_weight), .help = "Weight of block I/O, 10 to 1000"},
	{"cpu-burst", 0, OPTION_OPT_INT, O(burst), .help = "Time that may be saved up, in microseconds"},
	{"cpu-idle", 0, OPTION_OPT_INT, O(idle), .help = "1: run only when nobody else does"},
	{"cpu-period", 0, OPTION_OPT_INT, O(period), .help = "Period of the quota, in microseconds"},
	{"cpu-quota", 0, OPTION_OPT_INT, O(quota), .help = "CPU time in each period, in microseconds"},
	{"cpu-rt-period", 0, OPTION_OPT_INT, O(rt_period), .help = "Period of realtime tasks, in microseconds"},
	{"cpu-rt-runtime", 0, OPTION_OPT_INT, O(rt_runtime), .help = "Time of realtime tasks in it, in microseconds"},
	{"cpu-share", 0, OPTION_OPT_INT, O(shares), .help = "CPU shares, 2 to 262144"},
	{"cpuset-cpus", 0, OPTION_STR, O(cpus), .help = "CPUs, as 0-3,7"},
	{"cpuset-mems", 0, OPTION_STR, O(mems), .help = "Memory nodes, as 0,1"},
	{"kernel-memory", 0, OPTION_STR, O(ignored), .flags = OPTION_HIDDEN, .help = "Has no effect, as in runc"},
	{"kernel-memory-tcp", 0, OPTION_STR, O(ignored), .flags = OPTION_HIDDEN, .help = "Has no effect, as in runc"},
	{"l3-cache-schema", 0, OPTION_STR, O(l3), .help = "Line of schemata for the L3 cache, L3:0=ff;1=f (intelRdt)"},
	{"mem-bw-schema", 0, OPTION_STR, O(bandwidth), .help = "The same for memory bandwidth, MB:0=20;1=70"},
	{"memory", 0, OPTION_CUSTOM, O(memory), .arg = "bytes", .set = set_memory, .help = "Memory limit"},
	{"memory-reservation", 0, OPTION_CUSTOM, O(reservation), .arg = "bytes", .set = set_memory, .help = "Memory that is reclaimed last"},
	{"memory-swap", 0, OPTION_CUSTOM, O(swap), .arg = "bytes", .set = set_memory, .help = "Limit of memory and swap together, -1: none"},
	{"pids-limit", 0, OPTION_OPT_INT, O(pids), .help = "Number of processes, -1: unlimited"},
	{"resources", 'r', OPTION_STR, O(resources), .arg = "file", .help = "File with linux.resources of the specification, - for standard input"},
};
/* clang-format on */
const struct oci_command oci_update = {
	.name = "update",
	.synopsis = "ID",
	.summary = "Change the limits of a container",
	.options = OPTIONS_FOR(struct values, items),
	.args = {1, 1},
	.run = update,
};
