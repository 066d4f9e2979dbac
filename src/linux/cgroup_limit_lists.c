/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits that are lists: rates and weights of block devices, huge pages, priorities of network
 * interfaces, RDMA; and files of v2 by their names. See cgroup-v1/blkio-controller.rst,
 * hugetlb.rst, net_prio.rst, rdma.rst and cgroup-v2.rst of the kernel. Invariant: as in
 * cgroup_limits.c, which is to be read first.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/path.h"
#include "linux/cgroup_limits.h"

enum { TEXT_MAX = CGROUP_LIST_FILE_MAX, UNIFIED_MAX = 256 };

/* %s in a file's name is the item's; a line begins with the device or the name. */
static const struct list {
	const char *label;
	enum cgroup_controller controller;
	const char *v1_file, *v2_file; /* NULL: not there */
	const char *v1_line, *v2_line; /* between the device and the number */
	const char *also[2];           /* v1, v2: a second file, where it exists */
	const char *hint;              /* when it cannot be had */
} lists[CGROUP_LISTS] = {
	[CGROUP_IO_WEIGHTS] = {"I/O weight of device",
			       CGROUP_BLKIO,
			       "blkio.weight_device",
			       "io.weight",
			       " ",
			       " ",
			       {"blkio.bfq.weight_device", "io.bfq.weight"},
			       "the disk needs the I/O scheduler bfq: echo bfq "
			       ">/sys/block/NAME/queue/scheduler"},
	[CGROUP_IO_LEAF_WEIGHTS] = {"I/O leaf weight of device", CGROUP_BLKIO,
				    "blkio.leaf_weight_device", NULL, " "},
	[CGROUP_IO_READ_BPS] = {"read rate of device", CGROUP_BLKIO,
				"blkio.throttle.read_bps_device", "io.max", " ", " rbps="},
	[CGROUP_IO_WRITE_BPS] = {"write rate of device", CGROUP_BLKIO,
				 "blkio.throttle.write_bps_device", "io.max", " ", " wbps="},
	[CGROUP_IO_READ_IOPS] = {"read operations of device", CGROUP_BLKIO,
				 "blkio.throttle.read_iops_device", "io.max", " ", " riops="},
	[CGROUP_IO_WRITE_IOPS] = {"write operations of device", CGROUP_BLKIO,
				  "blkio.throttle.write_iops_device", "io.max", " ", " wiops="},
	[CGROUP_HUGEPAGES] = {"limit of huge pages",
			      CGROUP_HUGETLB,
			      "hugetlb.%s.limit_in_bytes",
			      "hugetlb.%s.max",
			      NULL,
			      NULL,
			      {"hugetlb.%s.rsvd.limit_in_bytes", "hugetlb.%s.rsvd.max"},
			      "ls /sys/kernel/mm/hugepages shows the sizes that this kernel has"},
	[CGROUP_NET_PRIORITIES] = {"priority of network interface", CGROUP_NET_PRIO,
				   "net_prio.ifpriomap", NULL, " "},
	[CGROUP_RDMA_HANDLES] = {"RDMA handles of device", CGROUP_RDMA, "rdma.max", "rdma.max",
				 " hca_handle=", " hca_handle="},
	[CGROUP_RDMA_OBJECTS] = {"RDMA objects of device", CGROUP_RDMA, "rdma.max", "rdma.max",
				 " hca_object=", " hca_object="},
};

enum cgroup_controller cgroup_list_controller(enum cgroup_list_kind kind)
{
	return lists[kind].controller;
}

static bool is_io(const struct list *k)
{
	return k->controller == CGROUP_BLKIO;
}

/* "8:0", "eth0". */
static void subject(const struct list *k, const struct cgroup_item *i, char buf[static TEXT_MAX])
{
	if (is_io(k))
		snprintf(buf, TEXT_MAX, "%lld:%lld", (long long)i->major, (long long)i->minor);
	else
		snprintf(buf, TEXT_MAX, "%.100s", i->name);
}

static void line(const struct list *k, const struct cgroup_item *i, bool on_v1, int64_t value,
		 char buf[static TEXT_MAX])
{
	const char *between = on_v1 ? k->v1_line : k->v2_line;
	char of[TEXT_MAX], number[24];
	subject(k, i, of);
	bool weight = k == &lists[CGROUP_IO_WEIGHTS];
	/* v1 takes 0 for a rate without a limit, and -1 for huge pages. */
	bool unlimited = value < 0 || (value == 0 && is_io(k));
	if (weight && value == 0)
		snprintf(number, sizeof(number), "default");
	else if (unlimited && !on_v1)
		snprintf(number, sizeof(number), "max");
	else
		snprintf(number, sizeof(number), "%lld", (long long)value);
	snprintf(buf, TEXT_MAX, "%s%s%s", between ? of : "", between ? between : "", number);
}

/* A name becomes part of a line, and of a file's name. */
static int check(const struct list *k, const struct cgroup_item *i, struct err *e)
{
	bool is_page = k->controller == CGROUP_HUGETLB;
	const char *name = i->name ? i->name : "";
	size_t digits = strspn(name, "0123456789");
	bool good = is_io(k)  ? i->major >= 0 && i->minor >= 0
		    : is_page ? digits > 0 && strchr("KMG", name[digits]) && name[digits] &&
					!strcmp(name + digits + 1, "B")
			      : path_is_component(name) && !strchr(name, ' ') && strlen(name) < 64;
	return good ? 0
		    : err_set(e, EINVAL, ERR_INVALID, "%s \"%.100s\": there is no such thing",
			      k->label, is_io(k) ? "-1" : name);
}

/* A file's name of the table, of @item. 0, or -ENOENT: there is none of so long a name. */
static int name_file(const char *name, const char *item, char file[static TEXT_MAX])
{
	int n = snprintf(file, TEXT_MAX, "%s", name);
	const char *at = strstr(name, "%s");
	if (at)
		n = snprintf(file, TEXT_MAX, "%.*s%s%s", (int)(at - name), name, item, at + 2);
	return n >= TEXT_MAX ? -ENOENT : 0;
}

static int write_line(const struct cgroup *g, const struct list *k, bool on_v1, const char *name,
		      const struct cgroup_item *i, const char *text)
{
	char file[TEXT_MAX];
	int r = name_file(name, i->name, file);
	if (r < 0)
		return r;
	return on_v1 ? file_write_small(g->v1[k->controller], file, text)
		     : cgroup_v2_write(g, file, text);
}

static int failed(const struct list *k, const struct cgroup_item *i, int r, struct err *e)
{
	char of[TEXT_MAX];
	subject(k, i, of);
	if (r == -ENODEV)
		return err_set(e, ENODEV, ERR_INVALID, "%s %s: there is no such device", k->label,
			       of);
	if (r != -ENOENT && r != -EOPNOTSUPP)
		return err_errno(e, r, "cannot set %s %s to %lld", k->label, of,
				 (long long)i->value);
	err_set(e, EOPNOTSUPP, ERR_INVALID,
		"%s %s cannot be set: this machine's control groups have no such limit", k->label,
		of);
	if (k->hint)
		err_hint(e, "%s", k->hint);
	return -EOPNOTSUPP;
}

static bool is_there(const struct list *k)
{
	const struct cgroup_host *h = cgroup_host_get();
	return cgroup_host_on_v1(k->controller)
		       ? k->v1_file != NULL
		       : k->v2_file && h->v2_controllers & 1U << k->controller;
}

static int apply(const struct cgroup *g, const struct list *k, const struct cgroup_item *i,
		 struct err *e)
{
	bool on_v1 = cgroup_host_on_v1(k->controller);
	bool weight = k == &lists[CGROUP_IO_WEIGHTS];
	const char *file = on_v1 ? k->v1_file : k->v2_file;
	const char *also = k->also[!on_v1];
	char text[TEXT_MAX];
	int r = check(k, i, e);
	if (r < 0)
		return r;
	if (!is_there(k) || (!on_v1 && g->v2 < 0))
		return failed(k, i, -EOPNOTSUPP, e);
	line(k, i, on_v1, weight && !on_v1 && i->value ? cgroup_io_weight(i->value) : i->value,
	     text);
	r = write_line(g, k, on_v1, file, i, text);
	if (also && (r == 0 || r == -ENOENT || r == -EOPNOTSUPP)) {
		line(k, i, on_v1, i->value, text);
		int second = write_line(g, k, on_v1, also, i, text);
		r = r < 0 || (second < 0 && second != -ENOENT && second != -EOPNOTSUPP) ? second
											: r;
	}
	return r < 0 ? failed(k, i, r, e) : 0;
}

/* "memory.high" needs the memory controller in the v2 tree. */
static int unified_possible(const char *file, struct err *e)
{
	char name[32];
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(file, "."), file);
	unsigned bits = cgroup_controllers_parse(name, ' ');
	if (!(bits & ~cgroup_host_get()->v2_controllers))
		return 0;
	err_set(e, EOPNOTSUPP, ERR_INVALID,
		"%s cannot be set: this machine has no %s controller in control groups version 2",
		file, name);
	if (cgroup_host_on_v1(__builtin_ctz(bits)))
		err_hint(e, "version 1 has it: boot with cgroup_no_v1=%s, or with version 2 alone",
			 name);
	return -EOPNOTSUPP;
}

int cgroup_lists_possible(const struct cgroup_limits *l, struct err *e)
{
	for (size_t k = 0; k < CGROUP_LISTS; k++)
		if (l->lists[k].count && !is_there(&lists[k]))
			return failed(&lists[k], l->lists[k].items, -EOPNOTSUPP, e);
	int r = 0;
	for (size_t i = 0; r == 0 && l->unified && i < l->unified->count; i++)
		r = unified_possible(l->unified->items[i].key, e);
	return r;
}

int cgroup_lists_apply(const struct cgroup *g, const struct cgroup_limits *l, struct err *e)
{
	for (size_t kind = 0; kind < CGROUP_LISTS; kind++) {
		for (size_t i = 0; i < l->lists[kind].count; i++) {
			int r = apply(g, &lists[kind], &l->lists[kind].items[i], e);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

ssize_t cgroup_list_read(const struct cgroup *g, enum cgroup_list_kind kind, const char *item,
			 struct cgroup_list_text *ret)
{
	const struct list *k = &lists[kind];
	bool on_v1 = cgroup_host_on_v1(k->controller);
	int r = name_file(on_v1 ? k->v1_file : k->v2_file, item, ret->file);
	return r < 0 ? r
		     : file_read_small(on_v1 ? g->v1[k->controller] : g->v2, ret->file, ret->text,
				       sizeof(ret->text));
}

void cgroup_rates_lift(const struct cgroup *g)
{
	for (size_t kind = CGROUP_IO_READ_BPS; kind <= CGROUP_IO_WRITE_IOPS; kind++) {
		struct cgroup_list_text said;
		struct cgroup_item disk = {0};
		struct err ignored;
		const char *line = said.text;
		if (cgroup_list_read(g, kind, NULL, &said) <= 0)
			continue;
		while (sscanf(line, "%ld:%ld", &disk.major, &disk.minor) == 2) {
			apply(g, &lists[kind], &disk, &ignored);
			line += strcspn(line, "\n");
			line += *line == '\n';
		}
	}
}

/* The settings that only v2 has. "cgroup.*" files steer the group itself and are hull's. */
int cgroup_unified_apply(const struct cgroup *g, const struct kvs *unified, struct err *e)
{
	for (size_t i = 0; unified && i < unified->count; i++) {
		const char *file = unified->items[i].key, *text = unified->items[i].value;
		if (strchr(file, '/') || !strchr(file, '.') || file[0] == '.' ||
		    !strncmp(file, "cgroup.", 7))
			return err_set(e, EINVAL, ERR_INVALID,
				       "unified setting \"%s\" is no file of a controller", file);
		if (g->v2 < 0)
			return err_set(
				e, EOPNOTSUPP, ERR_INVALID,
				"unified setting %s: this machine has no control groups version 2",
				file);
		/* A file that takes a line for each device is written line by line. */
		char line[UNIFIED_MAX];
		for (size_t len; *text; text += len + (text[len] == '\n')) {
			len = strcspn(text, "\n");
			snprintf(line, sizeof(line), "%.*s", (int)len, text);
			int r = len < sizeof(line) ? cgroup_v2_write(g, file, line) : -E2BIG;
			if (r < 0)
				return err_errno(e, r, "cannot set %s to \"%s\"", file, line);
		}
	}
	return 0;
}
