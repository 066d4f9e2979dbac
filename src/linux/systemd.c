/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scopes. Invariant: when systemd_scope_start() fails, or its caller is killed, nothing of it is
 * left but what systemd itself collects (CollectMode). Read systemd.h first.
 */
#include "linux/systemd.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/path.h"
#include "linux/cgroup_host.h"
#include "linux/cgroup_limits.h"
#include "linux/cpuset_list.h"
#include "linux/dbus.h"
#include "linux/namespaces.h"
#include "linux/pidfd.h"

/* ---- names ---- */

bool systemd_is_slice(const char *name)
{
	size_t len = strlen(name);
	return len > 6 && !strcmp(name + len - 6, ".slice") && path_is_component(name) &&
	       name[0] != '.' && !strstr(name, "--") &&
	       (name[0] != '-' || !strcmp(name, "-.slice"));
}

/* "a-b.slice" lies in "a.slice": /a.slice/a-b.slice. */
static int slice_path(const char *slice, char *buf, size_t size)
{
	size_t used = 0;
	buf[0] = '\0';
	if (!strcmp(slice, "-.slice"))
		return 0;
	for (size_t i = 0; slice[i] && used < size; i++)
		if (slice[i] == '-' || !strcmp(slice + i, ".slice"))
			used += (size_t)snprintf(buf + used, size - used, "/%.*s.slice", (int)i,
						 slice);
	return used < size ? 0 : -ENAMETOOLONG;
}

int systemd_scope_name(const char *path, const char *id, struct systemd_scope *ret, struct err *e)
{
	char copy[512], folder[256];
	char *part[3] = {"", "", ""}, *rest = copy;
	size_t n = 0;
	bool given = path && *path;
	*ret = (struct systemd_scope)SYSTEMD_SCOPE_NONE;
	int len = snprintf(copy, sizeof(copy), "%s", given ? path : ":hull:");
	while (rest && n < ARRAY_LEN(part))
		part[n++] = strsep(&rest, ":");
	if (rest || n != ARRAY_LEN(part) || len >= (int)sizeof(copy)) {
		err_set(e, EINVAL, ERR_INVALID, "cgroupsPath \"%.100s\": not slice:prefix:name",
			path);
		return err_hint(
			e, "systemd takes \"system.slice:prefix:name\"; for a path use the manager "
			   "cgroupfs");
	}
	const char *slice = *part[0]                     ? part[0]
			    : namespace_caller_is_user() ? "user.slice"
							 : "system.slice";
	snprintf(ret->slice, sizeof(ret->slice), "%s", slice);
	len = snprintf(ret->unit, sizeof(ret->unit), "%s%s%s.scope", part[1], *part[1] ? "-" : "",
		       *part[2] ? part[2] : id);
	if (!systemd_is_slice(slice) || slice_path(slice, folder, sizeof(folder)) < 0)
		return err_set(e, EINVAL, ERR_INVALID, "\"%.100s\" is not the name of a slice",
			       slice);
	if (len >= (int)sizeof(ret->unit) || !path_is_component(ret->unit) ||
	    snprintf(ret->group, sizeof(ret->group), "%s/%s", folder, ret->unit) >=
		    (int)sizeof(ret->group))
		return err_set(e, EINVAL, ERR_INVALID, "\"%.100s\" is not the name of a scope",
			       ret->unit);
	return 0;
}

/* ---- the connection ---- */

/* The socket of "unix:path=/run/user/1000/bus,guid=...", or of "unix:abstract=...". */
static bool session_bus(char *buf, size_t size)
{
	static const char *const kinds[][2] = {{"unix:path=", ""}, {"unix:abstract=", "@"}};
	const char *address = getenv("DBUS_SESSION_BUS_ADDRESS");
	for (size_t i = 0; address && i < ARRAY_LEN(kinds); i++) {
		size_t len = strlen(kinds[i][0]);
		if (!strncmp(address, kinds[i][0], len)) {
			snprintf(buf, size, "%s%.*s", kinds[i][1],
				 (int)strcspn(address + len, ",;"), address + len);
			return true;
		}
	}
	return false;
}

static int connect_any(struct dbus *d)
{
	const char *folder = getenv("XDG_RUNTIME_DIR");
	char path[128];
	int r;
	if (!namespace_caller_is_user()) {
		r = dbus_connect(d, "/run/systemd/private", false);
		return r == 0 ? 0 : dbus_connect(d, "/run/dbus/system_bus_socket", true);
	}
	snprintf(path, sizeof(path), "%s/systemd/private", folder ? folder : "");
	r = dbus_connect(d, path, false);
	if (r < 0 && session_bus(path, sizeof(path)))
		return dbus_connect(d, path, true);
	snprintf(path, sizeof(path), "%s/bus", folder ? folder : "");
	return r == 0 ? 0 : dbus_connect(d, path, true);
}

static int connect_to(struct dbus *d, struct err *e)
{
	struct dbus_reply reply;
	struct dbus_body match = {.len = 0};
	int r = connect_any(d);
	if (r < 0) {
		err_errno(e, r, "cannot reach systemd");
		return err_hint(
			e, namespace_caller_is_user()
				   ? "it needs a session of its own for this user: see loginctl "
				     "enable-linger, and XDG_RUNTIME_DIR; else use the manager "
				     "cgroupfs"
				   : "it must be the first process of this machine; else use the "
				     "manager cgroupfs");
	}
	if (!d->is_bus)
		return 0;
	dbus_put_string(&match,
			"type='signal',sender='org.freedesktop.systemd1',member='JobRemoved'");
	r = dbus_call(d, true, "Hello", "", NULL, &reply, e);
	if (r == 0)
		r = dbus_call(d, true, "AddMatch", "s", &match, &reply, e);
	return r < 0 ? r : dbus_call(d, false, "Subscribe", "", NULL, &reply, e);
}

/* Call a method that returns a job, and wait for its end. */
static int run_job(struct dbus *d, const char *member, const char *signature,
		   const struct dbus_body *b, struct dbus_reply *reply, struct err *e)
{
	char job[256];
	int r = dbus_call(d, false, member, signature, b, reply, e);
	if (r < 0)
		return r;
	snprintf(job, sizeof(job), "%s", reply->strings[0]);
	do
		r = dbus_await_signal(d, reply, e);
	while (r == 0 && (strcmp(reply->member, "JobRemoved") || strcmp(reply->strings[0], job)));
	if (r == 0 && strcmp(reply->strings[2], "done"))
		return err_set(e, EIO, ERR_SYSTEM, "systemd's job ended as \"%s\": see journalctl",
			       reply->strings[2]);
	return r;
}

/* ---- properties ---- */

static void put_string(struct dbus_body *b, const char *name, const char *value)
{
	dbus_property(b, name, "s");
	dbus_put_string(b, value);
}

static void put_bool(struct dbus_body *b, const char *name, bool value)
{
	dbus_property(b, name, "b");
	dbus_put_number(b, value, 4);
}

static void put_u64(struct dbus_body *b, const char *name, uint64_t value)
{
	dbus_property(b, name, "t");
	dbus_put_number(b, value, 8);
}

/* "max", and what version 1 has for it. */
static void put_limit(struct dbus_body *b, const char *name, const char *text)
{
	uint64_t value = strtoull(text, NULL, 10);
	put_u64(b, name, *text == 'm' || value >> 62 ? UINT64_MAX : value);
}

enum { IO_DEFAULT = 100 };

/* io.weight begins with "default 100". */
static uint64_t weight_of(const char *text)
{
	return strtoull(text + strcspn(text, "0123456789"), NULL, 10);
}

/* A group with cpu.idle has none. */
static void put_weight(struct dbus_body *b, const char *name, const char *text)
{
	if (weight_of(text))
		put_u64(b, name, weight_of(text));
}

/* What systemd makes this weight of bfq from. */
static uint64_t from_bfq(uint64_t weight)
{
	return weight <= IO_DEFAULT ? weight : IO_DEFAULT + (weight - IO_DEFAULT) * 11;
}

/* It writes io.weight and io.bfq.weight from one value, and with the latter takes those of devices
 * away that it does not know. The scheduler's counts, unless the other one alone was set. */
static void put_io_weights(struct dbus_body *b, int folder)
{
	char text[64] = "", bfq[4096], path[48];
	unsigned major, minor;
	unsigned long long weight;
	file_read_small(folder, "io.weight", text, sizeof(text));
	if (file_read_small(folder, "io.bfq.weight", bfq, sizeof(bfq)) <= 0) {
		put_weight(b, "IOWeight", text);
		return;
	}
	uint64_t all = weight_of(bfq);
	bool is_ours = weight_of(text) == (uint64_t)cgroup_io_weight((int64_t)all);
	put_u64(b, "IOWeight",
		all == IO_DEFAULT && *text && !is_ours ? weight_of(text) : from_bfq(all));
	dbus_property(b, "IODeviceWeight", "a(st)"); /* nothing empties its list */
	dbus_array_end(b, dbus_array_begin(b, 8), 8);
	dbus_property(b, "IODeviceWeight", "a(st)");
	size_t list = dbus_array_begin(b, 8);
	for (char *line = bfq; (line = strchr(line, '\n')); line++) {
		if (sscanf(line, "\n%u:%u %llu", &major, &minor, &weight) != 3)
			continue;
		snprintf(path, sizeof(path), "/dev/block/%u:%u", major, minor);
		dbus_struct(b);
		dbus_put_string(b, path);
		dbus_put_number(b, from_bfq(weight), 8);
	}
	dbus_array_end(b, list, 8);
}

/* A bitmap; the empty list is "as the parent", and systemd has no such setting. */
static void put_cpus(struct dbus_body *b, const char *name, const char *text)
{
	struct cpuset_list set;
	if (cpuset_list_parse(text, &set) < 0 || cpuset_list_is_empty(&set))
		return;
	dbus_property(b, name, "ay");
	size_t list = dbus_array_begin(b, 1);
	for (size_t i = 0; i < ARRAY_LEN(set.words) * 8; i++)
		dbus_put_number(b, set.words[i / 8] >> i % 8 * 8 & 0xff, 1);
	dbus_array_end(b, list, 1);
}

/* systemd counts in microseconds of a second, and keeps whole hundredths. */
static void put_quota(struct dbus_body *b, const char *name, const char *text)
{
	long long quota, period;
	put_u64(b, name,
		sscanf(text, "%lld %lld", &quota, &period) == 2 && quota > 0 && period > 0
			? ((uint64_t)quota * 1000000 / (uint64_t)period + 9999) / 10000 * 10000
			: UINT64_MAX);
}

static void put_period(struct dbus_body *b, const char *name, const char *text)
{
	const char *space = strchr(text, ' ');
	put_u64(b, name, strtoull(space ? space : text, NULL, 10));
}

/* A line of devices.list is "c 1:3 rwm", "c 136:* rw" or "b *:* m"; and "a *:* rwm" alone where all
 * is allowed, which systemd must be told as well: it would give up the group. */
static void put_devices(struct dbus_body *b, const char *name, const char *text)
{
	char type, major[12], minor[12], access[4], path[48];
	put_string(b, "DevicePolicy", "strict");
	dbus_property(b, name, "a(ss)"); /* nothing empties its list; more is added to it */
	dbus_array_end(b, dbus_array_begin(b, 8), 8);
	dbus_property(b, name, "a(ss)");
	size_t list = dbus_array_begin(b, 8);
	text = *text == 'a' ? "b *:* rwm\nc *:* rwm" : text;
	while (sscanf(text, "%c %11[^:]:%11s %3s", &type, major, minor, access) == 4) {
		snprintf(path, sizeof(path), *minor == '*' ? "%s-%s" : "/dev/%s/%s:%s",
			 type == 'b' ? "block" : "char", major, minor);
		dbus_struct(b);
		dbus_put_string(b, path);
		dbus_put_string(b, access);
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
	dbus_array_end(b, list, 8);
}

/* What systemd writes itself when it is reloaded, and by which property. */
static const struct limit {
	enum cgroup_controller controller;
	const char *v1_file, *v1_property, *v2_file, *v2_property;
	void (*put)(struct dbus_body *b, const char *name, const char *text);
} told[] = {
	{CGROUP_MEMORY, "memory.limit_in_bytes", "MemoryLimit", "memory.max", "MemoryMax",
	 put_limit},
	{CGROUP_MEMORY, NULL, NULL, "memory.high", "MemoryHigh", put_limit},
	{CGROUP_MEMORY, NULL, NULL, "memory.low", "MemoryLow", put_limit},
	{CGROUP_MEMORY, NULL, NULL, "memory.min", "MemoryMin", put_limit},
	{CGROUP_MEMORY, NULL, NULL, "memory.swap.max", "MemorySwapMax", put_limit},
	{CGROUP_PIDS, "pids.max", "TasksMax", "pids.max", "TasksMax", put_limit},
	{CGROUP_CPU, "cpu.shares", "CPUShares", "cpu.weight", "CPUWeight", put_weight},
	{CGROUP_CPU, "cpu.cfs_quota_us", "CPUQuotaPerSecUSec", "cpu.max", "CPUQuotaPerSecUSec",
	 put_quota},
	{CGROUP_CPU, "cpu.cfs_period_us", "CPUQuotaPeriodUSec", "cpu.max", "CPUQuotaPeriodUSec",
	 put_period},
	{CGROUP_BLKIO, "blkio.bfq.weight", "BlockIOWeight", NULL, NULL, put_weight},
	{CGROUP_CPUSET, NULL, NULL, "cpuset.cpus", "AllowedCPUs", put_cpus},
	{CGROUP_CPUSET, NULL, NULL, "cpuset.mems", "AllowedMemoryNodes", put_cpus},
	{CGROUP_DEVICES, "devices.list", "DeviceAllow", NULL, NULL, put_devices},
};

static void put_limits(struct dbus_body *b, const struct cgroup *g)
{
	char text[8192], period[32];
	for (const struct limit *l = told; l < told + ARRAY_LEN(told); l++) {
		bool v1 = cgroup_host_on_v1(l->controller);
		int folder = v1 ? g->v1[l->controller] : g->v2;
		const char *file = v1 ? l->v1_file : l->v2_file;
		if (folder < 0 || !file || file_read_small(folder, file, text, sizeof(text)) <= 0)
			continue;
		if (v1 && l->put == put_quota &&
		    file_read_small(folder, "cpu.cfs_period_us", period, sizeof(period)) > 0)
			snprintf(text + strlen(text), sizeof(period) + 1, " %s", period);
		l->put(b, v1 ? l->v1_property : l->v2_property, text);
	}
	if (!cgroup_host_on_v1(CGROUP_BLKIO) && g->v2 >= 0)
		put_io_weights(b, g->v2);
}

/* What systemd writes too and cannot be told: a scope's oom.group before its version 253, of bfq on
 * version 1 most weights; a weight, which ends cpu.idle, before its version 252; and a period of
 * CPU time without a quota. Left alone where it is the kernel's default. */
static const struct kept {
	enum cgroup_controller controller;
	const char *v1_file, *v2_file, *plain;
} kept[] = {
	{CGROUP_MEMORY, NULL, "memory.oom.group", "0"},
	{CGROUP_BLKIO, "blkio.bfq.weight_device", NULL, "default 100"},
	{CGROUP_CPU, "cpu.idle", "cpu.idle", "0"},
	{CGROUP_CPU, NULL, "cpu.max", "max 100000"},
};
typedef char kept_text[ARRAY_LEN(kept)][4096];

static int kept_folder(const struct cgroup *g, const struct kept *k, const char **ret_file)
{
	int v1 = g->v1[k->controller];
	*ret_file = v1 >= 0 ? k->v1_file : k->v2_file;
	return v1 >= 0 ? v1 : g->v2;
}

static bool kept_read(const struct cgroup *g, kept_text text)
{
	bool any = false;
	for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
		const char *file;
		int folder = kept_folder(g, &kept[i], &file);
		if (!file || file_read_small(folder, file, text[i], sizeof(*text)) <= 0 ||
		    !strcmp(text[i], kept[i].plain))
			*text[i] = '\0';
		any |= *text[i] != '\0';
	}
	return any;
}

/* systemd writes the files of a unit between its answer and the next call that it takes. */
static int kept_restore(struct dbus *d, const char *unit, const struct cgroup *g, kept_text text,
			struct err *e)
{
	struct dbus_body b = {.len = 0};
	struct dbus_reply reply;
	dbus_put_string(&b, unit);
	int r = dbus_call(d, false, "GetUnit", "s", &b, &reply, e);
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(kept); i++) {
		const char *file;
		int folder = kept_folder(g, &kept[i], &file);
		char *rest = text[i], *line;
		while (r == 0 && (line = strsep(&rest, "\n")) && *line)
			r = file_write_small(folder, file, line);
		if (r < 0)
			err_errno(e, r, "cannot set %s", file);
	}
	return r;
}

static bool is_no_unit(const struct dbus_reply *reply)
{
	return !strcmp(reply->error, "org.freedesktop.systemd1.NoSuchUnit");
}

int systemd_scope_limits(const char *unit, const struct cgroup *g, struct err *e)
{
	CLEANUP_DBUS struct dbus d = DBUS_CLOSED;
	struct dbus_body b = {.len = 0};
	struct dbus_reply reply = {.error = ""};
	kept_text others;
	int r = connect_to(&d, e);
	if (r < 0)
		return err_context(e, "unit %s", unit);
	bool any = kept_read(g, others);
	dbus_put_string(&b, unit);
	dbus_put_number(&b, true, 4); /* until the machine is started anew */
	size_t list = dbus_array_begin(&b, 8);
	put_limits(&b, g);
	dbus_array_end(&b, list, 8);
	r = dbus_call(&d, false, "SetUnitProperties", "sba(sv)", &b, &reply, e);
	if (r == 0 && any)
		r = kept_restore(&d, unit, g, others, e);
	if (r == -EBADMSG && is_no_unit(&reply))
		r = err_set(e, ESRCH, ERR_CONFLICT, "its processes have ended");
	return r < 0 ? err_context(e, "unit %s", unit) : 0;
}

/* ---- the scope ---- */

static int hold(struct systemd_scope *s, struct err *e)
{
	pid_t parent = getpid();
	pid_t pid = namespace_clone(0, -1, &s->holder);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		while (getppid() == parent)
			pause();
		_exit(0);
	}
	return pid < 0 ? err_errno(e, pid, "cannot make a process to hold it") : pid;
}

/* The properties, the process last. */
static int put_unit(struct dbus_body *b, struct systemd_scope *s, const struct kvs *annotations,
		    struct err *e)
{
	bool v1 = cgroup_host_on_v1(CGROUP_BLKIO);
	const char *const on[] = {"MemoryAccounting", "CPUAccounting", "TasksAccounting",
				  "Delegate", v1 ? "BlockIOAccounting" : "IOAccounting"};
	dbus_put_string(b, s->unit);
	dbus_put_string(b, "replace");
	size_t list = dbus_array_begin(b, 8);
	put_string(b, "Description", "container of hull-runtime");
	put_string(b, "Slice", s->slice);
	put_string(b, "CollectMode", "inactive-or-failed");
	put_bool(b, "DefaultDependencies", false);
	for (size_t i = 0; i < ARRAY_LEN(on); i++)
		put_bool(b, on[i], true);
	for (size_t i = 0; i < annotations->count; i++) {
		const struct kv *a = &annotations->items[i];
		if (systemd_property_put(b, a->key, a->value, e) < 0)
			return -EINVAL;
	}
	pid_t pid = hold(s, e);
	if (pid < 0)
		return pid;
	dbus_property(b, "PIDs", "au");
	size_t pids = dbus_array_begin(b, 4);
	dbus_put_number(b, (uint64_t)pid, 4);
	dbus_array_end(b, pids, 4);
	dbus_array_end(b, list, 8);
	dbus_array_end(b, dbus_array_begin(b, 8), 8); /* no other units */
	return pid;
}

/* Where it really is: below the user's own manager, for one. */
static int read_group(pid_t pid, struct systemd_scope *s, struct err *e)
{
	char place[CGROUP_POINT_SIZE];
	const char *tree = cgroup_host_layout() == CGROUP_V1 ? "name=systemd" : "";
	const char *slash = cgroup_place(pid, tree, place) ? strrchr(place, '/') : NULL;
	if (!slash || strcmp(slash + 1, s->unit) != 0 || strlen(place) >= sizeof(s->group))
		return err_set(e, EIO, ERR_SYSTEM, "systemd did not put the process %d there",
			       (int)pid);
	snprintf(s->group, sizeof(s->group), "%s", place);
	return 0;
}

static int start(struct systemd_scope *s, const struct kvs *annotations, struct err *e)
{
	CLEANUP_DBUS struct dbus d = DBUS_CLOSED;
	struct dbus_body b = {.len = 0};
	struct dbus_reply reply;
	int r = connect_to(&d, e);
	if (r < 0)
		return r;
	if (cgroup_host_layout() != CGROUP_V2 && namespace_caller_is_user()) {
		err_set(e, ENOTSUP, ERR_INVALID,
			"control groups by a user's systemd need version 2, and this machine "
			"mounts version 1");
		return err_hint(e,
				"boot with systemd.unified_cgroup_hierarchy=1, or use the manager "
				"cgroupfs");
	}
	pid_t pid = put_unit(&b, s, annotations, e);
	r = pid < 0 ? pid : run_job(&d, "StartTransientUnit", "ssa(sv)a(sa(sv))", &b, &reply, e);
	return r < 0 ? r : read_group(pid, s, e);
}

int systemd_scope_start(struct systemd_scope *s, const struct kvs *annotations, struct err *e)
{
	int r = start(s, annotations, e);
	s->made = r == 0;
	if (s->made)
		return 0;
	systemd_scope_release(s);
	return err_context(e, "unit %s", s->unit);
}

void systemd_scope_release(struct systemd_scope *s)
{
	int status;
	if (s->holder < 0)
		return;
	pidfd_signal(s->holder, SIGKILL);
	pidfd_wait_child(s->holder, &status);
	fd_drop(&s->holder);
}

int systemd_scope_attach(const char *unit, pid_t pid, struct err *e)
{
	CLEANUP_DBUS struct dbus d = DBUS_CLOSED;
	struct dbus_body b = {.len = 0};
	struct dbus_reply reply;
	int r = connect_to(&d, e);
	dbus_put_string(&b, unit);
	dbus_put_string(&b, "");
	size_t list = dbus_array_begin(&b, 4);
	dbus_put_number(&b, (uint64_t)pid, 4);
	dbus_array_end(&b, list, 4);
	if (r == 0)
		r = dbus_call(&d, false, "AttachProcessesToUnit", "ssau", &b, &reply, e);
	return r < 0 ? err_context(e, "unit %s", unit) : 0;
}

/* On version 1 it is told of the list of what is allowed, and has none of what is not. */
static int check_denials(const struct cgroup_device_rule *rules, size_t count, struct err *e)
{
	bool open = true;
	for (size_t i = 0; i < count && cgroup_host_layout() != CGROUP_V2; i++) {
		if (rules[i].type == 'a')
			open = rules[i].allow;
		else if (open && !rules[i].allow)
			return err_set(e, ENOTSUP, ERR_INVALID,
				       "systemd cannot keep device rules that take something from "
				       "all, on control groups version 1: deny all first");
	}
	return 0;
}

int systemd_scope_make(struct systemd_scope *s, const struct kvs *annotations,
		       const struct cgroup_limits *limits, const struct cgroup_device_rule *rules,
		       size_t rule_count, struct cgroup *ret, struct err *e)
{
	int r = check_denials(rules, rule_count, e);
	if (r == 0)
		r = systemd_scope_start(s, annotations, e);
	if (r == 0)
		r = cgroup_adopt(s->group, limits, rules, rule_count, ret, e);
	return r < 0 ? r : systemd_scope_limits(s->unit, ret, e);
}

int systemd_scope_stop(const char *unit, struct err *e)
{
	CLEANUP_DBUS struct dbus d = DBUS_CLOSED;
	struct dbus_body b = {.len = 0};
	struct dbus_reply reply = {.error = ""};
	int r = connect_to(&d, e);
	dbus_put_string(&b, unit);
	dbus_put_string(&b, "replace");
	if (r == 0)
		r = run_job(&d, "StopUnit", "ss", &b, &reply, e);
	if (r == -EBADMSG && is_no_unit(&reply))
		return 0;
	return r < 0 ? err_context(e, "unit %s", unit) : 0;
}
