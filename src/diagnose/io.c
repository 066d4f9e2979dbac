/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a container reads from disks and writes to them, against its limits; and what waits in
 * memory to be written. A buffered write is done when its page is dirty. What holds up such writers
 * are the thresholds of the whole machine (vm.dirty_*), and with control groups of version 2 also
 * the limits of the group. See cgroups(7), the kernel's admin-guide/sysctl/vm.rst.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/units.h"
#include "diagnose/usage.h"
#include "linux/cgroup.h"
#include "linux/device.h"

enum {
	USED_PERCENT = 80,
	FULL_PERCENT = 95,
	WAIT_PERCENT = 10,
	ROOM_PERCENT = 30,
	SLOWED_PERCENT = 90,
	NAME_SIZE = 64
};

static const struct rate {
	enum docker_rate which;
	const char *op, *doing;
	bool bytes;
} rates[] = {{RATE_READ_BPS, "Read", "reading", true},
	     {RATE_WRITE_BPS, "Write", "writing", true},
	     {RATE_READ_IOPS, "Read", "reading", false},
	     {RATE_WRITE_IOPS, "Write", "writing", false}};

struct look {
	const struct container *c;
	struct story *s;
	const struct usage_window *w;
};

static int64_t find(const struct array *list, int64_t major, int64_t minor, const char *op)
{
	const struct cgroup_io_entry *entries = list->items;
	for (size_t i = 0; i < list->count; i++)
		if (entries[i].major == major && entries[i].minor == minor &&
		    !strcmp(entries[i].op, op))
			return entries[i].value;
	return 0;
}

/* A second, of bytes or operations. */
static int64_t rate_of(const struct look *x, int64_t major, int64_t minor, const char *op,
		       bool bytes)
{
	const struct array *now = bytes ? &x->w->now.io_bytes : &x->w->now.io_operations;
	const struct array *before = bytes ? &x->w->before.io_bytes : &x->w->before.io_operations;
	int64_t n = find(now, major, minor, op) - find(before, major, minor, op);
	return x->w->ms > 0 && n > 0 ? n * 1000 / x->w->ms : 0;
}

static char *amount(struct arena *a, int64_t n, bool bytes)
{
	return bytes ? size_text(a, n) : arena_printf(a, "%lld operations", (long long)n);
}

/* "vda"; its numbers where it has no name any more. */
static char *disk_name(struct arena *a, int64_t major, int64_t minor)
{
	char path[64], link[512];
	snprintf(path, sizeof(path), "/sys/dev/block/%lld:%lld", (long long)major,
		 (long long)minor);
	ssize_t n = readlink(path, link, sizeof(link) - 1);
	link[n > 0 ? n : 0] = '\0';
	char *slash = strrchr(link, '/');
	return slash ? arena_strdup(a, slash + 1)
		     : arena_printf(a, "%lld:%lld", (long long)major, (long long)minor);
}

/* Bytes a second, over all disks. */
static int64_t tell_disks(struct look *x)
{
	const struct cgroup_io_entry *entries = x->w->now.io_bytes.items;
	struct arena *a = x->s->a;
	int64_t sum = 0;
	for (size_t i = 0; i < x->w->now.io_bytes.count; i++) {
		int64_t major = entries[i].major, minor = entries[i].minor;
		if (strcmp(entries[i].op, "Read") != 0)
			continue;
		int64_t in = rate_of(x, major, minor, "Read", true);
		int64_t out = rate_of(x, major, minor, "Write", true);
		story_evidence(x->s, disk_name(a, major, minor),
			       "reads %s/s, writes %s/s; so far %s and %s", amount(a, in, true),
			       amount(a, out, true), amount(a, entries[i].value, true),
			       amount(a, find(&x->w->now.io_bytes, major, minor, "Write"), true));
		sum += in + out;
	}
	return sum;
}

static void judge_limit(struct look *x, const struct rate *r, const struct docker_blkio_device *d)
{
	struct story *s = x->s;
	dev_t disk;
	bool part;
	if (d->value <= 0 || device_find_disk(d->path, &disk, &part) < 0)
		return;
	int64_t now = rate_of(x, major(disk), minor(disk), r->op, r->bytes);
	int64_t percent = now * 100 / d->value;
	char *limit = amount(s->a, d->value, r->bytes);
	story_evidence(s, "limit", "%s/s for %s %s: used to %lld %%", limit, r->doing, d->path,
		       (long long)percent);
	if (percent < USED_PERCENT || s->verdict)
		return;
	s->verdict = arena_printf(
		s->a, "its limit of %s/s for %s %s %s: used to %lld %%", limit, r->doing, d->path,
		percent < FULL_PERCENT ? "is near" : "holds it back", (long long)percent);
	story_advise(s, "hull update gives %s a higher limit", x->c->name);
}

static void judge_limits(struct look *x)
{
	for (size_t i = 0; i < ARRAY_LEN(rates); i++) {
		const struct array *list = &x->c->config.host.blkio_rates[rates[i].which];
		const struct docker_blkio_device *devices = list->items;
		for (size_t k = 0; k < list->count; k++)
			judge_limit(x, &rates[i], &devices[k]);
	}
}

/* Percent of a machine's or a group's memory; 0: the threshold is in bytes. */
static int64_t ratio(const char *name)
{
	char path[64], text[32];
	snprintf(path, sizeof(path), "/proc/sys/vm/%s", name);
	return file_read_small(AT_FDCWD, path, text, sizeof(text)) > 0 ? strtoll(text, NULL, 10)
								       : 0;
}

/* From how many unwritten bytes on version 2 slows the writers of a group with a memory limit: the
 * thresholds of the machine, of what the group could have as page cache (mm/page-writeback.c,
 * mdtc_calc_avail() and "freerun"). 0: not known. */
static int64_t slowed_by_limit(const struct cgroup_stats *g)
{
	const int64_t left = g->memory.usage.limit - g->memory.usage.usage;
	const int64_t most = ratio("dirty_ratio"), begin = ratio("dirty_background_ratio");
	return most && begin ? (g->memory.reclaimable + (left > 0 ? left : 0)) *
				       (begin < most ? begin + most : most * 3 / 2) / 200
			     : 0;
}

/* A page cannot be taken back before it is written: under a small limit each write may wait for
 * that; version 2 slows writers before. */
static void judge_room(struct look *x, int64_t unwritten)
{
	struct story *s = x->s;
	int64_t limit = x->w->now.memory.usage.limit;
	if (limit <= 0 || limit == INT64_MAX)
		return;
	const int64_t slowed = cgroup_host_on_v1(CGROUP_MEMORY) ? 0 : slowed_by_limit(&x->w->now);
	if (slowed)
		story_evidence(s, "of its limit",
			       "writers are slowed from %s on, for its memory limit of %s",
			       amount(s->a, slowed, true), amount(s->a, limit, true));
	if (s->verdict ||
	    unwritten < (slowed ? slowed / 100 * SLOWED_PERCENT : limit / 100 * ROOM_PERCENT))
		return;
	s->verdict = arena_printf(
		s->a,
		"its writers wait now and then: pages that are not written yet fill %lld %% of its "
		"memory limit of %s",
		(long long)(unwritten * 100 / limit), amount(s->a, limit, true));
	story_advise(
		s,
		"hull update -m SIZE %s makes write times even; a smaller limit than this makes "
		"them worse",
		x->c->name);
}

/* Its own, and the machine's against its thresholds. */
static void judge_dirty(struct look *x)
{
	static char text[32 << 10];
	struct story *s = x->s;
	struct arena *a = s->a;
	const struct cgroup_stats *g = &x->w->now;
	int64_t own = usage_memory(g, "total_dirty", "file_dirty");
	int64_t leaving = usage_memory(g, "total_writeback", "file_writeback");
	story_evidence(s, "to be written", "%s dirty, %s being written", amount(a, own, true),
		       amount(a, leaving, true));
	judge_room(x, own + leaving);
	if (file_read_small(AT_FDCWD, "/proc/vmstat", text, sizeof(text)) < 0)
		return;
	int64_t page = sysconf(_SC_PAGESIZE);
	int64_t dirty = cgroup_keyed(text, "nr_dirty"),
		most = cgroup_keyed(text, "nr_dirty_threshold");
	int64_t begin = cgroup_keyed(text, "nr_dirty_background_threshold");
	if (dirty < 0 || most <= 0 || begin <= 0)
		return;
	int64_t slowed = (begin + most) / 2; /* mm/page-writeback.c, "freerun" */
	story_evidence(
		s, "of the machine",
		"%s dirty; written in the background from %s on, writers are slowed from %s on",
		amount(a, dirty * page, true), amount(a, begin * page, true),
		amount(a, slowed * page, true));
	if (s->verdict || dirty < slowed)
		return;
	s->verdict = "writers are held back: the machine has too many dirty pages";
	story_advise(
		s,
		"who writes that much: hull top, key of WRITE/s; vm.dirty_background_bytes has the "
		"kernel begin sooner");
}

static void judge_waits(struct look *x)
{
	struct story *s = x->s;
	const char *io = x->w->now.pressure.io;
	if (!*io)
		return;
	story_evidence(s, "pressure",
		       "%s %% of the last ten seconds some process waited for a disk", io);
	if (!s->verdict && strtod(io, NULL) >= WAIT_PERCENT)
		s->verdict =
			arena_printf(s->a, "it waits for disks: %s %% of the last ten seconds", io);
}

int diagnose_io(const struct container *c, struct story *s, struct err *e)
{
	struct look x = {.c = c, .s = s};
	if (usage_uncounted(c, s))
		return 0;
	int r = usage_window(c, &x.w, e);
	if (r < 0)
		return r;
	int64_t sum = tell_disks(&x);
	judge_limits(&x);
	if (cgroup_host_on_v1(CGROUP_BLKIO))
		story_evidence(
			s, "counted",
			"by control groups of version 1: what is written through the page cache "
			"is the kernel's, neither counted nor limited; reading, O_DIRECT and "
			"O_SYNC are");
	judge_waits(&x);
	judge_dirty(&x);
	if (!s->verdict && sum)
		s->verdict = arena_printf(
			s->a, "it reads and writes %s/s, and no limit of its own holds it back",
			amount(s->a, sum, true));
	else if (!s->verdict)
		s->verdict = "it does not use disks now";
	return 0;
}
