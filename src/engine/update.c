/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changing the limits of a container: what differs between its old config and the new one is
 * written to its control group and its processes, if it runs, and the new config to the store.
 * Invariant: all of it or nothing; when the kernel refuses one limit, the others are set back.
 * Kernel first, store last: killed in between, the old limits come back with the next start. Read
 * spec_limits.c first.
 */
#include "engine/internal.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "engine/monitor.h"
#include "engine/run_folder.h"
#include "engine/spec.h"
#include "engine/update_live.h"
#include "linux/cgroup.h"

/* The limits of one config. */
struct planned {
	bool known;
	struct oci_resources resources; /* what the limits point into */
	struct cgroup_limits limits;
};

/* What is written when a limit is taken away: the kernel's default. That of a swappiness, and of
 * real time, is only had by a new start. */
#define L(member) offsetof(struct cgroup_limits, member)
static const struct {
	size_t at;
	int64_t none;
} numbers[] = {
	{L(memory), -1},         {L(memory_swap), -1}, {L(memory_swappiness), -1},
	{L(cpu_period), 100000}, {L(cpu_quota), -1},   {L(memory_reservation), -1},
	{L(cpu_shares), 1024},   {L(cpu_burst), 0},    {L(cpu_rt_period), 0},
	{L(cpu_rt_runtime), 0},  {L(pids), -1},        {L(io_weight), CGROUP_IO_WEIGHT_DEFAULT},
};
/* The first ones depend on each other on version 2; then those of which systemd forgets the one
 * while there is none of the other. */
enum { MEMORY_TRIO = 3, CPU_PAIR = MEMORY_TRIO + 2 };

static bool differ(const struct opt_i64 *a, const struct opt_i64 *b)
{
	return a->set != b->set || (a->set && a->value != b->value);
}

static void number_change(size_t i, const struct cgroup_limits *old, struct cgroup_limits *change,
			  bool always)
{
	const struct opt_i64 *was = (const void *)((const char *)old + numbers[i].at);
	struct opt_i64 *is = (void *)((char *)change + numbers[i].at);
	if (!always && !differ(was, is))
		is->set = false;
	else if (was->set && !is->set)
		*is = (struct opt_i64){true, numbers[i].none};
}

static const char *text_change(const char *old, const char *new)
{
	old = old ? old : "";
	new = new ? new : "";
	return strcmp(old, new) ? new : NULL;
}

static bool same_thing(const struct cgroup_item *a, const struct cgroup_item *b)
{
	return a->name ? b->name && !strcmp(a->name, b->name)
		       : a->major == b->major && a->minor == b->minor;
}

static const struct cgroup_item *find(const struct cgroup_list *l, const struct cgroup_item *item)
{
	for (size_t i = l->count; i > 0; i--)
		if (same_thing(&l->items[i - 1], item))
			return &l->items[i - 1];
	return NULL;
}

/* Items that are new or differ; those that are gone are unlimited: 0 is that for devices, -1 for
 * the rest.
 */
static void list_change(const struct cgroup_list *old, struct cgroup_list *l, struct arena *a)
{
	const struct cgroup_list new = *l;
	struct cgroup_item *items = arena_array(a, old->count + new.count, sizeof(*items));
	*l = (struct cgroup_list){.items = items};
	for (size_t i = 0; i < old->count; i++)
		if (!find(&new, &old->items[i])) {
			items[l->count] = old->items[i];
			items[l->count++].value = old->items[i].name ? -1 : 0;
		}
	for (size_t i = 0; i < new.count; i++) {
		const struct cgroup_item *was = find(old, &new.items[i]);
		if (!was || was->value != new.items[i].value)
			items[l->count++] = new.items[i];
	}
}

static void unified_change(const struct kvs *old, struct cgroup_limits *change, struct arena *a)
{
	struct kvs *changed = arena_new(a, struct kvs);
	for (size_t i = 0; change->unified && i < change->unified->count; i++) {
		const struct kv *new = &change->unified->items[i];
		const char *was = old ? kvs_get(old, new->key) : NULL;
		if (!was || strcmp(was, new->value) != 0)
			kvs_set(a, changed, new->key, new->value);
	}
	change->unified = changed->count ? changed : NULL;
}

static struct cgroup_limits changes(const struct cgroup_limits *old,
				    const struct cgroup_limits *new, struct arena *a)
{
	struct cgroup_limits change = *new;
	bool memory = differ(&old->memory, &new->memory) ||
		      differ(&old->memory_swap, &new->memory_swap) ||
		      differ(&old->memory_swappiness, &new->memory_swappiness);
	bool cpu = differ(&old->cpu_period, &new->cpu_period) ||
		   differ(&old->cpu_quota, &new->cpu_quota);
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		number_change(i, old, &change, i < MEMORY_TRIO ? memory : i < CPU_PAIR && cpu);
	bool off = old->oom_kill_disable.set && old->oom_kill_disable.value;
	change.oom_kill_disable.set = off != change.oom_kill_disable.value;
	change.cpuset_cpus = text_change(old->cpuset_cpus, new->cpuset_cpus);
	change.cpuset_mems = text_change(old->cpuset_mems, new->cpuset_mems);
	for (size_t i = 0; i < CGROUP_LISTS; i++)
		list_change(&old->lists[i], &change.lists[i], a);
	unified_change(old->unified, &change, a);
	return change;
}

/* The old limits without those that systemd sets back when it is reloaded, because it has no
 * property for them: they are written each time. */
static struct cgroup_limits without_forgotten(const struct cgroup_limits *old,
					      const struct cgroup_limits *new, struct arena *a)
{
	struct cgroup_limits l = *old;
	struct cgroup_list *weights = &l.lists[CGROUP_IO_WEIGHTS];
	struct cgroup_item *items = arena_array(a, weights->count, sizeof(*items));
	struct kvs *unified = arena_new(a, struct kvs);
	for (size_t i = 0; i < weights->count; i++) {
		items[i] = weights->items[i];
		items[i].value = 0; /* which is none */
	}
	weights->items = items;
	l.io_weight.set &= !new->io_weight.set;
	for (size_t i = 0; old->unified && i < old->unified->count; i++) {
		const struct kv *kv = &old->unified->items[i];
		if (strcmp(kv->key, "memory.oom.group") != 0)
			kvs_set(a, unified, kv->key, kv->value);
	}
	l.unified = unified;
	return l;
}

/* What docker refuses by comparison with what is set already. */
static int conflict(const struct docker_host_config *old, const struct docker_host_config *new,
		    struct err *e)
{
	const struct {
		bool is;
		const char *text, *hint;
	} conflicts[] = {
		{new->auto_remove &&restart_policy_any(&new->restart_policy),
		 "Restart policy cannot be updated because AutoRemove is enabled for the container",
		 "it was made with --rm"},
		{new->memory != old->memory && old->memory_swap > 0 &&
			 new->memory_swap == old->memory_swap &&new->memory > old->memory_swap,
		 "Memory limit should be smaller than already set memoryswap limit, update the "
		 "memoryswap at the same time",
		 "give --memory-swap too; -1: unlimited swap"},
		{new->nano_cpus && old->nano_cpus &&new->cpu_quota,
		 "Conflicting options: CPU Quota cannot be updated as NanoCPUs has already been "
		 "set",
		 "--cpus 0 takes it away"},
		{new->nano_cpus && old->nano_cpus &&new->cpu_period,
		 "Conflicting options: CPU Period cannot be updated as NanoCPUs has already been "
		 "set",
		 "--cpus 0 takes it away"},
		{new->nano_cpus && old->cpu_quota &&new->cpu_quota,
		 "Conflicting options: Nano CPUs cannot be updated as CPU Quota has already been "
		 "set",
		 "--cpu-quota 0 takes it away"},
		{new->nano_cpus && old->cpu_period &&new->cpu_period,
		 "Conflicting options: Nano CPUs cannot be updated as CPU Period has already been "
		 "set",
		 "--cpu-period 0 takes it away"},
	};
	for (size_t i = 0; i < ARRAY_LEN(conflicts); i++)
		if (conflicts[i].is) {
			err_set(e, EINVAL, ERR_CONFLICT, "%s", conflicts[i].text);
			return err_hint(e, "%s", conflicts[i].hint);
		}
	return 0;
}

static int write_limits(struct engine *en, const struct container *c, const struct container *new,
			const struct planned *from, const struct planned *to, struct arena *a,
			struct err *e)
{
	CLEANUP_CGROUP struct cgroup group = CGROUP_CLOSED;
	struct systemd_scope scope;
	const bool scoped = container_scope(c, &scope);
	const struct cgroup_limits old =
		scoped ? without_forgotten(&from->limits, &to->limits, a) : from->limits;
	struct cgroup_limits forth = changes(&old, &to->limits, a),
			     back = changes(&to->limits, &from->limits, a);
	struct err ignored;
	bool grouped = container_has_group(&c->config);
	int r = grouped ? cgroup_open(container_cgroup_path(c, a), &group, e) : 0;
	if (r == -ENOENT) /* it has just ended */
		return 0;
	if (r == 0 && grouped)
		r = cgroup_update(&group, &forth, e);
	if (r == 0 && scoped)
		r = systemd_scope_limits(scope.unit, &group, e);
	if (r == -ESRCH) /* the same: systemd is quicker than the clean-up */
		return 0;
	if (r == 0)
		r = update_shm(en, c, new, a, e);
	bool resized = r == 0;
	if (r == 0)
		r = update_ulimits(en, c, new, a, e);
	if (r < 0 && resized)
		update_shm(en, new, c, a, &ignored);
	if (r < 0 && group.layout != CGROUP_NONE && from->known)
		cgroup_update(&group, &back, &ignored);
	if (r < 0 && scoped)
		systemd_scope_limits(scope.unit, &group, &ignored);
	return r;
}

/* One that had none before is not looked at when it ends: monitor/keeper.c. */
static void tell_of_rates(struct engine *en, const struct container *c)
{
	CLEANUP_FD int monitor = monitor_connect(en->run_fd, c->id);
	if (monitor >= 0)
		monitor_rated(monitor, ERR_IGNORED);
}

/* @c as it is, and the same again to be changed. */
static int update_locked(struct engine *en, const struct container *c, struct container *new,
			 container_change_fn change, void *ctx, struct arena *a, struct err *e)
{
	struct planned *was = arena_new(a, struct planned), *is = arena_new(a, struct planned);
	int r = change(&new->config, ctx, a, e);
	if (!new->config.host.shm_size)
		new->config.host.shm_size = SHM_DEFAULT;
	if (r == 0)
		r = restart_policy_check(&new->config.host.restart_policy, e);
	if (r == 0)
		r = conflict(&c->config.host, &new->config.host, e);
	if (r == 0)
		r = limits_plan(&new->config, en, a, &is->resources, &is->limits, e);
	if (r < 0)
		return r;
	/* A device of the old ones may be gone: then nothing is known of them, and all is set. */
	was->known =
		limits_plan(&c->config, NULL, a, &was->resources, &was->limits, ERR_IGNORED) == 0;
	r = c->pid ? write_limits(en, c, new, was, is, a, e) : 0;
	if (r == 0 && c->pid && config_has_rates(&new->config))
		tell_of_rates(en, c);
	if (r < 0 || (r = db_begin(&en->db, !c->auto_remove, e)) < 0)
		return r;
	r = db_run(&en->db, e,
		   "UPDATE container SET config = ?2, restart_due = iif(?3, restart_due, 0) "
		   "WHERE id = ?1",
		   "ssi", c->id, shape_print(&container_config_shape, &new->config, false, a),
		   (int64_t)restart_policy_any(&new->config.host.restart_policy));
	if (r >= 0)
		r = event_container(&en->db, e, c->id, "update", NULL);
	return db_end(&en->db, r, e);
}

int container_update(struct engine *en, const char *ref, container_change_fn change, void *ctx,
		     struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	CLEANUP_LOCK struct container_lock lock = {-1};
	struct container c, new;
	int r = container_find_locked(en, ref, &a, &lock, &c, e);
	if (r == 0)
		r = container_read(en, c.id, &a, &new, e);
	if (r < 0)
		return r;
	new.pid = c.pid;
	new.pid_start = c.pid_start;
	r = update_locked(en, &c, &new, change, ctx, &a, e);
	return r < 0 ? err_context(e, "Cannot update container %s", c.name) : 0;
}
