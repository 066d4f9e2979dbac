/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Control groups: one API over version 1, version 2 and hybrid hosts (v1 controllers beside a bare
 * v2 tree). See cgroups(7) and the kernel's cgroup-v1/ and cgroup-v2.rst documents. Conversions
 * between the two stand in one table in cgroup_limits.c.
 *
 * A container's group is named by a path below the root of every hierarchy ("/hull/<id>"); on
 * hybrid hosts it exists in the v1 hierarchies that are needed and in the v2 tree (PSI, freeze,
 * kill).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/shape.h"

/* Groups within each other that are followed. */
enum { CGROUP_NESTED_MAX = 128 };

enum cgroup_layout { CGROUP_NONE, CGROUP_V1, CGROUP_V2, CGROUP_HYBRID };

/** Controllers as bits; the bit's number is the index into the tables in cgroup.c. */
enum cgroup_controller {
	CGROUP_CPU,
	CGROUP_CPUACCT,
	CGROUP_CPUSET,
	CGROUP_MEMORY,
	CGROUP_PIDS,
	CGROUP_DEVICES,
	CGROUP_FREEZER,
	CGROUP_BLKIO,
	CGROUP_HUGETLB,
	CGROUP_NET_CLS,
	CGROUP_NET_PRIO,
	CGROUP_RDMA,
	CGROUP_SYSTEMD, /* no controller: where systemd keeps its units on version 1 */
	CGROUP_CONTROLLERS
};

/** Limits that come in lists: one line of a file for each device, page size or interface. */
enum cgroup_list_kind {
	CGROUP_IO_WEIGHTS, /* 10..1000 */
	CGROUP_IO_LEAF_WEIGHTS,
	CGROUP_IO_READ_BPS, /* bytes or operations a second; 0 max */
	CGROUP_IO_WRITE_BPS,
	CGROUP_IO_READ_IOPS,
	CGROUP_IO_WRITE_IOPS,
	CGROUP_HUGEPAGES,      /* name: "2MB"; bytes, -1 max */
	CGROUP_NET_PRIORITIES, /* name: of the interface */
	CGROUP_RDMA_HANDLES,   /* name: of the device */
	CGROUP_RDMA_OBJECTS,
	CGROUP_LISTS
};
struct cgroup_item {
	int64_t major, minor; /* of a block device */
	const char *name;     /* of anything else */
	int64_t value;
};
struct cgroup_list {
	const struct cgroup_item *items;
	size_t count;
};

/** Limits in the units of the OCI spec (v1's units); unset ones are left as the kernel has them. */
struct cgroup_limits {
	struct opt_i64 memory, memory_reservation,
		memory_swap;              /* bytes; swap is memory+swap; -1 max */
	struct opt_i64 memory_swappiness; /* 0..100 */
	struct opt_bool oom_kill_disable;
	struct opt_i64 cpu_shares;                       /* 2..262144 */
	struct opt_i64 cpu_quota, cpu_period, cpu_burst; /* microseconds; quota -1 max */
	const char *cpuset_cpus, *cpuset_mems;           /* NULL: as it is; "": as the parent */
	struct opt_i64 cpu_rt_runtime, cpu_rt_period;    /* microseconds; version 1 */
	struct opt_i64 cpu_idle;                         /* 1: SCHED_IDLE */
	struct opt_i64 pids;                             /* -1 max */
	struct opt_i64 io_weight, io_leaf_weight;        /* 10..1000, or CGROUP_IO_WEIGHT_DEFAULT */
	struct opt_i64 net_class;                        /* version 1 */
	struct cgroup_list lists[CGROUP_LISTS];
	const struct kvs *unified; /* v2 file -> value, or NULL */
};

enum { CGROUP_IO_WEIGHT_DEFAULT = -1 };

struct cgroup_device_rule {
	bool allow;
	char type;            /* 'a', 'b', 'c' */
	int64_t major, minor; /* -1: any */
	unsigned access;      /* CGROUP_DEV_READ | ... */
};
enum { CGROUP_DEV_READ = 1, CGROUP_DEV_WRITE = 2, CGROUP_DEV_MKNOD = 4 };

/** An open group; all descriptors are O_PATH directories, -1 where the hierarchy lacks it. */
struct cgroup {
	enum cgroup_layout layout;
	int v1[CGROUP_CONTROLLERS]; /* co-mounted controllers share one descriptor number's folder
				     */
	int v2;
	char path[256];
};

/** A group that is not open: what a CLEANUP_CGROUP variable starts with. */
#define CGROUP_CLOSED                                                                              \
	{                                                                                          \
		.v1 = {[0 ... CGROUP_CONTROLLERS - 1] = -1}, .v2 = -1                              \
	}
#define CLEANUP_CGROUP __attribute__((cleanup(cgroup_close)))

/** The name that v1 or v2 uses, as in "memory" and "memory.max"; NULL: that version has none. */
const char *cgroup_controller_name(enum cgroup_controller c, bool is_v2);
/** How this host mounts its control groups (read once from /proc/self/mountinfo). */
enum cgroup_layout cgroup_host_layout(void);
/** Whether this host has the controller in version 1. */
bool cgroup_host_on_v1(enum cgroup_controller c);
/** True when a memory+swap limit can be enforced here; else leave memory_swap unset (docker warns).
 */
bool cgroup_host_limits_swap(void);
/** The folder in which this caller may make groups: "/hull", or for a user without that right
 *  "<delegated>/hull", found above his own place in the v2 tree. 0, or -EACCES with the way out. */
int cgroup_parent(char *buf, size_t size, struct err *e);
/** What root does where systemd passes a user too few controllers. */
#define CGROUP_DELEGATE_HINT                                                                       \
	"root writes \"[Service]\\nDelegate=cpu cpuset io memory pids\" to "                       \
	"/etc/systemd/system/user@.service.d/delegate.conf"
/**
 * Do the limits make sense, by themselves and on this machine? For use before anything is made:
 * memory from 256 KiB; memory+swap >= memory >= reservation; swappiness 0..100; quota and period
 * within the kernel's 1000 us..1 s; CPUs and nodes that exist. 0, or -EINVAL with the limit named.
 * 0 and negative numbers mean "not set" and "unlimited" where docker takes them so.
 */
int cgroup_limits_check(const struct cgroup_limits *l, struct err *e);
/** Can the limits be had with this machine's version of control groups? 0, or -EOPNOTSUPP with the
 * one that cannot, and why. */
int cgroup_limits_possible(const struct cgroup_limits *l, struct err *e);
/** The name of a limit that is set, NULL when there is none: what it costs to do without a group.
 */
const char *cgroup_limits_any(const struct cgroup_limits *l);
/**
 * Make the group @path in every hierarchy that is needed (memory, pids, devices, cpu, cpuacct, and
 * cpuset when @limits asks for it, freezer where v2 cannot freeze), set the limits and device
 * rules. On failure nothing of it is left. Errors name the limit, the value, the file and what to
 * do.
 */
int cgroup_make(const char *path, const struct cgroup_limits *limits,
		const struct cgroup_device_rule *rules, size_t rule_count, struct cgroup *ret,
		struct err *e);
/** The same for a group that somebody else (systemd) has made, and that has processes. What was set
 *  stays when a later limit fails; then too @ret is the caller's to close. */
int cgroup_adopt(const char *path, const struct cgroup_limits *limits,
		 const struct cgroup_device_rule *rules, size_t rule_count, struct cgroup *ret,
		 struct err *e);
/** Open an existing group; -ENOENT when no hierarchy has it. For "", that of who has none, -EACCES
 *  with the reason of cgroup_parent(). */
int cgroup_open(const char *path, struct cgroup *ret, struct err *e);
void cgroup_close(struct cgroup *g);
/** A descriptor of the group's folder in the v2 tree, for what the kernel does for one group alone
 * (perf, BPF); or negative errno with what to do where there is no such tree. */
int cgroup_scope(const struct cgroup *g, struct err *e);
/**
 * How a process of one thread puts itself into the hierarchies of version 1: a descriptor of
 * `tasks` in each, -1 where there is none. Whoever moves another process makes the kernel wait for
 * an RCU grace period (5 to 25 ms), in which nothing on the machine can fork; this way it need not
 * (cgroup_procs_write_start() in kernel/cgroup/cgroup.c, Linux 5.4).
 */
struct cgroup_entry {
	int tasks[CGROUP_CONTROLLERS];
};
#define CGROUP_ENTRY_CLOSED                                                                        \
	{                                                                                          \
		{                                                                                  \
			[0 ... CGROUP_CONTROLLERS - 1] = -1                                        \
		}                                                                                  \
	}
/** @g NULL, or without a hierarchy of version 1: there is nothing to open. */
int cgroup_entry_open(const struct cgroup *g, struct cgroup_entry *ret, struct err *e);
void cgroup_entry_close(struct cgroup_entry *entry);
/** The calling process, of one thread, enters. The v2 tree has no such way: clone into that. */
int cgroup_enter(const struct cgroup_entry *entry, struct err *e);
/** Move another process into all hierarchies, with the wait that is told above. */
int cgroup_attach(const struct cgroup *g, pid_t pid, struct err *e);
/** The same in the v2 tree alone, for a process that may not be cloned into it. */
int cgroup_attach_v2(const struct cgroup *g, pid_t pid, struct err *e);
/** v2: a descriptor of the group below @g in which @pid is, or -errno. A container that made groups
 * of its own and passes controllers on to them has none in @g itself, where clone3 says EBUSY. */
int cgroup_v2_of(const struct cgroup *g, pid_t pid);
/** CPU shares for so many thousandths of a CPU, as Kubernetes counts them in requests. */
int64_t cgroup_shares_from_milli(int64_t milli_cpus);
/** Change limits of a running group; unset ones stay. A memory limit below what is used reclaims,
 * or fails with the figures (-EBUSY). */
int cgroup_update(const struct cgroup *g, const struct cgroup_limits *limits, struct err *e);
/** Freeze or thaw all processes, and wait until it took effect (bounded, by notification). */
int cgroup_freeze(const struct cgroup *g, bool frozen, struct err *e);
/** 1 frozen, 0 not, negative errno. */
int cgroup_is_frozen(const struct cgroup *g);
/** What the group has of a list, as the kernel prints it, and the name of the file that says so.
 *  @item: of whom, where each has a file (huge pages). file_read_small()'s result, or -ENOENT. */
enum { CGROUP_LIST_FILE_MAX = 160 };
struct cgroup_list_text {
	char file[CGROUP_LIST_FILE_MAX], text[4096];
};
ssize_t cgroup_list_read(const struct cgroup *g, enum cgroup_list_kind kind, const char *item,
			 struct cgroup_list_text *ret);
/** Take the rates of disks away, of a group that is to end: a write that waits for its turn ends
 * for no signal, and whoever is last in a mount namespace writes back what its file systems hold.
 */
void cgroup_rates_lift(const struct cgroup *g);
/** SIGKILL every process in the group: cgroup.kill where v2 has it, else by cgroup.procs until it
 * is empty. Its rates of disks end with that. */
int cgroup_kill(const struct cgroup *g, struct err *e);
/** The host pids in the group and its children; @ret lives in the arena. */
int cgroup_pids(const struct cgroup *g, struct arena *a, pid_t **ret, size_t *ret_count,
		struct err *e);
/** The same of tasks: the threads, but those that have ended and were not waited for. */
int cgroup_tasks(const struct cgroup *g, struct arena *a, pid_t **ret, size_t *ret_count,
		 struct err *e);
/** How many there are with those, as the limit on processes counts; 0: nobody counts. */
int64_t cgroup_tasks_counted(const struct cgroup *g);
/** Remove the group in all hierarchies, with groups that the container made below it. A group that
 *  is gone is no error; -EBUSY while processes live in it. */
int cgroup_remove(const char *path, struct err *e);
/** Remove what is left of the group where it is empty, and has none below it: no more than that is
 *  known to be nobody's when its maker was killed. */
void cgroup_remove_empty(const char *path);
/** Add to @ret the paths of all groups on this machine, in any hierarchy, whose name @is_sought;
 * each once, and none below another one. */
void cgroup_find(bool (*is_sought)(const char *name), struct arena *a, struct strv *ret);
/** Absolute path of the folder with the memory files (v1) or of the v2 group, "" if none. */
void cgroup_memory_path(const struct cgroup *g, char *buf, size_t size);
/** Wait until no process lives in the group (v2: by notification of cgroup.events). 0, -ETIMEDOUT,
 * or -EOPNOTSUPP where there is no v2 tree. */
int cgroup_wait_empty(const struct cgroup *g, int timeout_ms);
/** Processes that were killed for memory in the group and those below it (v1: Linux 4.13), or
 * negative errno. */
int64_t cgroup_oom_kills(const struct cgroup *g);
/** How often a process or thread was refused in the group, because a limit on them was reached (the
 *  group's own, on many kernels also one above it), or negative errno. @ret_whose: 1 the group's
 *  own, 0 another's, -1 not known (before Linux 6.1). */
int64_t cgroup_pids_refused(const struct cgroup *g, int *ret_whose);
/** v1: an eventfd registered with memory.oom_control; -1 on v2 or where it cannot be had. */
int cgroup_oom_eventfd(const struct cgroup *g);
/** The file with the counter of processes killed for memory: memory.oom_control (v1), memory.events
 *  (v2). A descriptor to read, or -1. */
int cgroup_oom_file(const struct cgroup *g);
