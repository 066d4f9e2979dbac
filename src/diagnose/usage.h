/* SPDX-License-Identifier: Apache-2.0 */
/* Questions about what a running container uses, against what it may. */
#pragma once

#include "diagnose/story.h"
#include "engine/engine.h"
#include "linux/cgroup_stats.h"
#include "linux/oom.h"

/** Processor time: user and system, and how much its quota held it back. */
int diagnose_cpu(const struct container *c, struct story *s, struct err *e);
/** Each limit as it was asked for, as it stands in its file, and as it is in force. */
int diagnose_limits(const struct container *c, struct story *s, struct err *e);
/** "it reached its limit on processes of 10". @whose: of cgroup_pids_refused(); @own: 0, none. */
char *limits_refused(int whose, int64_t own, struct arena *a);
/** Memory: what it needs, what the kernel can take back, and how far it is from its limit. */
int diagnose_memory(const struct container *c, struct story *s, struct err *e);
/** Network: who listens, whether published ports reach somebody, what was lost. */
int diagnose_network(struct engine *en, const struct container *c, struct story *s, struct err *e);
/** Disks: what it reads and writes, against its limits; what waits to be written. */
int diagnose_io(const struct container *c, struct story *s, struct err *e);
/** Room: file systems that it can write to, its layer and log, removed files that are open. */
int diagnose_disk(struct engine *en, const struct container *c, struct story *s, struct err *e);
/** Adds to the verdict that the layer of @c, which need not run, is full of what its limit allows.
 */
void diagnose_layer_full(struct engine *en, const struct container *c, struct story *s);
/** Whether a group above that of @c allows less of memory (bytes) or processors (thousandths) than
 * its own, and which. In @a. */
bool limit_above(const struct container *c, enum cgroup_controller controller, struct arena *a,
		 int64_t *ret, char **ret_group);
/** True, and the verdict says so, of a container of an ordinary user without a control group. */
bool usage_uncounted(const struct container *c, struct story *s);
/** All that its control group counts, now. */
int usage_read(const struct container *c, struct arena *a, struct cgroup_stats *ret, struct err *e);
/** How long each process was ready to run and did not, all its threads together. */
struct waits {
	struct wait {
		pid_t pid;
		char *label;
		int64_t ns;    /* since it began; negative: it is not told */
		int64_t since; /* of that, what came since waits_since() */
	} * list;
	size_t count;
};
int waits_read(const struct container *c, struct arena *a, struct waits *ret, struct err *e);
/** What came since @before; those that waited longest come first. */
void waits_since(struct waits *now, const struct waits *before);
/** As evidence: in all, and who waited most of the @ms. */
void waits_tell(const struct waits *w, int64_t ms, struct story *s);

/** What its group counts and its processes waited, twice, half a second apart; the topics of one
 * command share what it took. */
struct usage_window {
	struct cgroup_stats before, now;
	struct waits waited;
	int64_t ms; /* in between */
};
int usage_window(const struct container *c, const struct usage_window **ret, struct err *e);
/** A number of memory.stat; 0 where it does not stand there. */
int64_t usage_memory(const struct cgroup_stats *g, const char *v1, const char *v2);
/** Processes of @c, which runs, that were killed for memory since it was started; and the last. */
int64_t usage_killed(const struct container *c, struct oom *ret);
