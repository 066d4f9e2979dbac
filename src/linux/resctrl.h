/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shares of the processor's caches and of its memory bandwidth (Intel RDT, AMD QoS), by the file
 * system resctrl: a folder is a class of service (CLOS), its `schemata` the shares, its `tasks` who
 * is in it; a folder below `mon_groups` counts for some of these. See Documentation/filesystems/
 * resctrl.rst, and config-linux.md, "IntelRdt", whose rules these are.
 */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/shape.h"

struct resctrl_wish {
	const char *id;             /* of the container */
	const char *clos;           /* NULL or "": a group by its id; "/": the default one */
	const char *l3, *bandwidth; /* lines of schemata; NULL or "": none */
	const struct strv *more;    /* lines that are written last, or NULL */
	bool monitor;               /* count in a group of its own */
};

/** The `tasks` of its group, and of its monitoring group. */
struct resctrl {
	int tasks[2];
};
#define RESCTRL_CLOSED                                                                             \
	{                                                                                          \
		{                                                                                  \
			-1, -1                                                                     \
		}                                                                                  \
	}
#define CLEANUP_RESCTRL __attribute__((cleanup(resctrl_close)))
void resctrl_close(struct resctrl *r);

/** A descriptor of the mount, the caller's to close; -EOPNOTSUPP: there is none here. */
int resctrl_mount(struct err *e);

/** Do the words make sense? And is the name of a group that is to be made free? For use before
 *  anything is made. */
int resctrl_check(int mount, const struct resctrl_wish *w, struct err *e);
/**
 * Make the group, or find it, with its shares; open its `tasks`. A group that is there must have
 * the shares of @w->l3 and @w->bandwidth already. -EEXIST: one with the container's id is
 * another's. After a failure a group that was made is gone.
 */
int resctrl_make(int mount, const struct resctrl_wish *w, struct resctrl *ret, struct err *e);
/** Open the `tasks` of one that was made. */
int resctrl_open(int mount, const struct resctrl_wish *w, struct resctrl *ret, struct err *e);
/** The calling process, of one thread, enters. */
int resctrl_enter(const struct resctrl *r, struct err *e);
/** Write the shares of @w into its group. */
int resctrl_update(int mount, const struct resctrl_wish *w, struct err *e);
/** Remove what resctrl_make() made for this container alone. No error where it is not there. */
int resctrl_remove(int mount, const struct resctrl_wish *w, struct err *e);
/** The folder of its group below the mount; "." is the default one. */
const char *resctrl_group(const struct resctrl_wish *w);
/** The same of its monitoring group. */
enum { RESCTRL_PATH_SIZE = 600 };
char *resctrl_monitoring_group(const struct resctrl_wish *w, char path[static RESCTRL_PATH_SIZE]);

struct resctrl_cache {
	char *cbm_mask;
	int64_t min_cbm_bits, num_closids;
};
struct resctrl_memory {
	int64_t bandwidth_gran, delay_linear, min_bandwidth, num_closids; /* per cent; 1: linear */
};
struct resctrl_moved {
	int64_t total, local; /* bytes from and to memory, of all and of the near one */
};
struct resctrl_held {
	int64_t bytes; /* of the cache */
};
struct resctrl_stats {
	struct resctrl_cache *cache;   /* NULL where the processor cannot share that */
	struct resctrl_memory *memory; /* the same */
	char *l3_root, *l3, *bandwidth_root, *bandwidth; /* lines of schemata, or NULL */
	struct strv schemata;
	struct array moved, held; /* of the structs above, one for each domain */
};
/** What there is to read of its group; counters are of its monitoring group if it has one, else of
 *  all that are in its group. Strings lie in @a. */
void resctrl_stats_read(int mount, const struct resctrl_wish *w, struct arena *a,
			struct resctrl_stats *ret);
