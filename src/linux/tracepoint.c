/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See tracepoint.h. The first event of a processor has the ring, all others of it write there too
 * (PERF_EVENT_IOC_SET_OUTPUT); which one a record is of, its first two bytes say. Rests on
 * perf_event_open(2), "MMAP layout", and Documentation/trace/events.rst, "Event formats".
 * Invariants: a record is copied out of the ring before its place is given back; what is handed on
 * is complete up to a moment, for a ring is read while the others go on.
 */
#include "linux/tracepoint.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "linux/mount.h"

enum { RING_PAGES = 64, FORMAT_MAX = 16384, STACK_MAX = 48 };

static size_t ring_bytes(void)
{
	return (size_t)sysconf(_SC_PAGESIZE) * RING_PAGES;
}

/* ---- what a tracepoint looks like ---- */

/* "	field:__data_loc char[] filename;	offset:8;	size:4;	signed:0;" */
static void parse_field(const char *line, struct tracepoint *p)
{
	char what[128];
	unsigned offset, size, is_signed;
	if (p->count == TRACE_FIELDS ||
	    sscanf(line, " field:%127[^;]; offset:%u; size:%u; signed:%u", what, &offset, &size,
		   &is_signed) != 4)
		return;
	const char *name = strrchr(what, ' ');
	struct trace_field *f = &p->fields[p->count];
	*f = (struct trace_field){.offset = (uint16_t)offset,
				  .size = (uint16_t)size,
				  .is_signed = is_signed,
				  .is_elsewhere = !strncmp(what, "__data_loc", 10)};
	if (!name || offset > UINT16_MAX || size > UINT16_MAX)
		return;
	snprintf(f->name, sizeof(f->name), "%s", name + 1);
	f->name[strcspn(f->name, "[")] = '\0';
	p->count++;
}

static int read_point(struct trace *t, const char *name, struct tracepoint *ret, struct err *e)
{
	char path[128], text[FORMAT_MAX];
	size_t group = strcspn(name, ":");
	*ret = (struct tracepoint){.name = name};
	snprintf(path, sizeof(path), "events/%.*s/%s/format", (int)group, name, name + group + 1);
	ssize_t n = file_read_small(t->tracefs, path, text, sizeof(text));
	if (n == -ENOENT) {
		err_set(e, ENOENT, ERR_SYSTEM, "this kernel has no tracepoint %s", name);
		return err_hint(e, "hull trace --all tells all that this kernel can");
	}
	if (n < 0)
		return err_errno(e, (int)n, "cannot read what the tracepoint %s looks like", name);
	const char *id = strstr(text, "\nID: ");
	ret->id = id ? (uint16_t)strtoul(id + 5, NULL, 10) : 0;
	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		parse_field(line, ret);
	}
	return 0;
}

static const struct trace_field *field_of(const struct trace_record *r, const char *name)
{
	for (size_t i = 0; i < r->point->count; i++) {
		const struct trace_field *f = &r->point->fields[i];
		if (!strcmp(f->name, name))
			return (size_t)f->offset + f->size <= r->size ? f : NULL;
	}
	return NULL;
}

bool trace_has(const struct trace_record *r, const char *field)
{
	return field_of(r, field) != NULL;
}

int64_t trace_number(const struct trace_record *r, const char *field)
{
	const struct trace_field *f = field_of(r, field);
	uint64_t n = 0;
	if (!f || !f->size || f->size > sizeof(n))
		return 0;
	memcpy(&n, r->raw + f->offset, f->size); /* little-endian, as all that hull runs on */
	unsigned unused = 64 - 8U * f->size;
	return f->is_signed ? (int64_t)(n << unused) >> unused : (int64_t)n;
}

const char *trace_text(const struct trace_record *r, const char *field, char *buf, size_t size)
{
	const struct trace_field *f = field_of(r, field);
	size_t from = f ? f->offset : 0, len = f ? f->size : 0;
	if (f && f->is_elsewhere) {
		uint32_t where;
		memcpy(&where, r->raw + f->offset, sizeof(where));
		from = where & 0xffff;
		len = where >> 16;
	}
	if (from > r->size || len > r->size - from)
		len = 0;
	len = strnlen(r->raw + from, len < size - 1 ? len : size - 1);
	memcpy(buf, r->raw + from, len);
	buf[len] = '\0';
	return buf;
}

void trace_program(const char *file, char ret_comm[static 16])
{
	const char *name = strrchr(file, '/');
	snprintf(ret_comm, 16, "%.15s", name ? name + 1 : file);
}

int tracepoint_attach(const char *name, int program, struct err *e)
{
	struct trace t = TRACE_CLOSED;
	struct tracepoint point;
	CLEANUP_FD int tracefs = mount_new("tracefs", "tracefs", NULL, 0, 0, e);
	t.tracefs = tracefs;
	int r = tracefs < 0 ? tracefs : read_point(&t, name, &point, e);
	if (r < 0)
		return r;
	struct perf_event_attr attr = {
		.size = sizeof(attr), .type = PERF_TYPE_TRACEPOINT, .config = point.id};
	CLEANUP_FD int fd =
		(int)syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	if (fd < 0 || ioctl(fd, PERF_EVENT_IOC_SET_BPF, program) < 0)
		return err_errno(e, errno, "cannot look at the tracepoint %s", name);
	return fd_steal(&fd);
}

/* ---- a session ---- */

int trace_open(struct trace *t, struct arena *a, struct err *e)
{
	long count = sysconf(_SC_NPROCESSORS_CONF);
	t->a = a;
	t->tracefs = mount_new("tracefs", "tracefs", NULL, 0, 0, e);
	if (t->tracefs < 0) {
		err_hint(e, "tracing looks into the kernel: it needs root on the machine itself");
		return err_context(e, "cannot reach the kernel's tracepoints");
	}
	t->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (t->epoll < 0)
		return err_errno(e, errno, "cannot wait for the kernel's records");
	t->ring_count = count > 0 ? (size_t)count : 1;
	t->rings = arena_array(a, t->ring_count, sizeof(*t->rings));
	for (size_t i = 0; i < t->ring_count; i++)
		t->rings[i] = (struct trace_ring){.cpu = (int)i, .fd = -1};
	t->sources = arena_array(a, TRACE_POINTS, sizeof(*t->sources));
	return 0;
}

void trace_close(struct trace *t)
{
	for (size_t i = 0; i < t->ring_count; i++)
		if (t->rings[i].page)
			munmap(t->rings[i].page, ring_bytes() + (size_t)sysconf(_SC_PAGESIZE));
	for (size_t i = 0; i < t->event_count; i++)
		close(t->events[i]);
	bpf_ring_close(&t->ring);
	fd_drop(&t->tracefs);
	fd_drop(&t->epoll);
	t->ring_count = t->event_count = t->source_count = 0;
}

static int map_ring(struct trace *t, struct trace_ring *ring, int fd)
{
	struct epoll_event event = {.events = EPOLLIN};
	void *page = mmap(NULL, ring_bytes() + (size_t)sysconf(_SC_PAGESIZE),
			  PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (page == MAP_FAILED)
		return -errno;
	ring->page = page;
	ring->fd = fd;
	return epoll_ctl(t->epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

/* 0 for a processor that is off, too. */
static int add_on(struct trace *t, struct trace_ring *ring, const struct tracepoint *p, int cgroup)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT,
		.size = sizeof(attr),
		.config = p->id,
		.sample_period = 1,
		.sample_type = PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_RAW |
			       (t->stacks ? PERF_SAMPLE_CALLCHAIN : 0U),
		.read_format = PERF_FORMAT_LOST,
		.exclude_callchain_user = 1,
		.sample_max_stack = t->stacks ? STACK_MAX : 0,
		.watermark = t->lazy,
		.use_clockid = 1,
		.clockid = CLOCK_MONOTONIC,
	};
	if (t->lazy)
		attr.wakeup_watermark = (uint32_t)ring_bytes() / 2;
	else
		attr.wakeup_events = 1;
	const unsigned flags = PERF_FLAG_FD_CLOEXEC | (cgroup >= 0 ? PERF_FLAG_PID_CGROUP : 0U);
	int fd = (int)syscall(SYS_perf_event_open, &attr, cgroup, ring->cpu, -1, flags);
	if (fd < 0 && errno == EINVAL) { /* before Linux 6.0 */
		attr.read_format = 0;
		fd = (int)syscall(SYS_perf_event_open, &attr, cgroup, ring->cpu, -1, flags);
	}
	if (fd < 0)
		return errno == ENODEV ? 0 : -errno;
	t->events = arena_grow(t->a, t->events, t->event_count, &t->event_room, sizeof(*t->events));
	t->events[t->event_count++] = fd;
	if (t->filter && ioctl(fd, PERF_EVENT_IOC_SET_FILTER, t->filter) < 0)
		return -errno;
	if (ring->fd < 0)
		return map_ring(t, ring, fd);
	return ioctl(fd, PERF_EVENT_IOC_SET_OUTPUT, ring->fd) < 0 ? -errno : 0;
}

int trace_add(struct trace *t, const char *name, int cgroup, void *context, struct err *e)
{
	if (t->source_count == TRACE_POINTS)
		return err_set(e, E2BIG, ERR_INVALID, "too many tracepoints at once");
	struct trace_source *source = &t->sources[t->source_count];
	int r = read_point(t, name, &source->point, e);
	if (r < 0)
		return r;
	source->context = context;
	t->source_count++;
	for (size_t i = 0; r == 0 && i < t->ring_count; i++)
		r = add_on(t, &t->rings[i], &source->point, cgroup);
	if (r < 0) {
		err_errno(e, r, "cannot record the tracepoint %s", name);
		err_hint(e,
			 r == -EACCES || r == -EPERM
				 ? "it needs root on the machine itself; inside of a container "
				   "that is not given"
				 : "perf_event_open(2) refused it; the kernel's log may say why");
	}
	return r;
}

/* ---- records ---- */

struct batch {
	struct trace_record *items;
	size_t count, room;
};

static void ring_copy(const char *ring, uint64_t at, void *to, size_t len)
{
	const size_t size = ring_bytes(), from = at % size;
	const size_t first = len < size - from ? len : size - from;
	memcpy(to, ring + from, first);
	memcpy((char *)to + first, ring, len - first);
}

/* The fields of a sample stand in the order of their bits in sample_type. */
static void take_sample(struct trace *t, const char *at, const char *end, struct batch *b)
{
	struct {
		uint32_t pid, tid;
		uint64_t time;
	} head;
	struct trace_record r = {0};
	uint64_t depth = 0;
	uint32_t size;
	if (end - at < (ptrdiff_t)sizeof(head))
		return;
	memcpy(&head, at, sizeof(head));
	at += sizeof(head);
	if (t->stacks) {
		if (end - at < (ptrdiff_t)sizeof(depth))
			return;
		memcpy(&depth, at, sizeof(depth));
		at += sizeof(depth);
		if (depth > (size_t)(end - at) / sizeof(uint64_t))
			return;
		r.stack = (const uint64_t *)(const void *)at;
		r.depth = (size_t)depth;
		at += depth * sizeof(uint64_t);
	}
	if (end - at < (ptrdiff_t)sizeof(size))
		return;
	memcpy(&size, at, sizeof(size));
	at += sizeof(size);
	if (size < sizeof(uint16_t) || size > (size_t)(end - at))
		return;
	uint16_t id;
	memcpy(&id, at, sizeof(id));
	for (size_t i = 0; i < t->source_count; i++) {
		if (t->sources[i].point.id != id)
			continue;
		r.point = &t->sources[i].point;
		r.context = t->sources[i].context;
		r.time_ns = (int64_t)head.time;
		r.pid = (pid_t)head.pid;
		r.tid = (pid_t)head.tid;
		r.raw = at;
		r.size = size;
		b->items = arena_grow(t->a, b->items, b->count, &b->room, sizeof(*b->items));
		b->items[b->count++] = r;
		return;
	}
}

static void take_record(struct trace *t, const struct perf_event_header *head, const char *body,
			struct batch *b)
{
	const char *end = body + head->size - sizeof(*head);
	uint64_t lost[2]; /* id, how many */
	if (head->type == PERF_RECORD_SAMPLE)
		take_sample(t, body, end, b);
	if (head->type == PERF_RECORD_LOST && end - body >= (ptrdiff_t)sizeof(lost)) {
		memcpy(lost, body, sizeof(lost));
		t->lost += lost[1];
	}
}

/* PERF_SAMPLE_TID, and behind it the time. */
static bool is_younger(const struct perf_event_header *h, const char *body, int64_t until_ns)
{
	int64_t time = INT64_MIN;
	if (h->type == PERF_RECORD_SAMPLE && h->size >= sizeof(*h) + 2 * sizeof(time))
		memcpy(&time, body + sizeof(time), sizeof(time));
	return time > until_ns;
}

static void read_ring(struct trace *t, struct trace_ring *ring, int64_t until_ns, struct batch *b)
{
	const char *data = (const char *)ring->page + sysconf(_SC_PAGESIZE);
	const uint64_t head = __atomic_load_n(&ring->page->data_head, __ATOMIC_ACQUIRE);
	uint64_t at = ring->page->data_tail;
	while (head - at >= sizeof(struct perf_event_header)) {
		struct perf_event_header h;
		ring_copy(data, at, &h, sizeof(h));
		if (h.size < sizeof(h) || h.size > head - at)
			break;
		char *body = arena_alloc(t->a, h.size);
		ring_copy(data, at + sizeof(h), body, h.size - sizeof(h));
		if (is_younger(&h, body, until_ns)) {
			t->left = true;
			break;
		}
		take_record(t, &h, body, b);
		at += h.size;
	}
	__atomic_store_n(&ring->page->data_tail, at, __ATOMIC_RELEASE);
}

static int by_time(const void *a, const void *b)
{
	const struct trace_record *x = a, *y = b;
	return x->time_ns < y->time_ns ? -1 : x->time_ns > y->time_ns;
}

int trace_add_ring(struct trace *t, int map, size_t size, void *context, struct err *e)
{
	struct epoll_event event = {.events = EPOLLIN};
	int r = bpf_ring_open(&t->ring, map, size);
	t->ring_context = context;
	if (r == 0 && epoll_ctl(t->epoll, EPOLL_CTL_ADD, map, &event) < 0)
		r = -errno;
	return r < 0 ? err_errno(e, r, "cannot read what a program in the kernel says") : 0;
}

static void read_own_ring(struct trace *t, int64_t until_ns, struct batch *b)
{
	const void *at;
	size_t len;
	uint64_t first[2] = {0}; /* time, thread */
	while ((at = bpf_ring_first(&t->ring, &len))) {
		memcpy(first, at, len < sizeof(first) ? len : sizeof(first));
		if (len >= sizeof(first) && (int64_t)first[0] > until_ns) {
			t->left = true;
			return;
		}
		char *raw = arena_alloc(t->a, len + 1);
		memcpy(raw, at, len);
		bpf_ring_done(&t->ring, len);
		if (len < sizeof(first))
			continue;
		b->items = arena_grow(t->a, b->items, b->count, &b->room, sizeof(*b->items));
		b->items[b->count++] = (struct trace_record){.context = t->ring_context,
							     .time_ns = (int64_t)first[0],
							     .pid = (pid_t)(first[1] >> 32),
							     .tid = (pid_t)first[1],
							     .raw = raw,
							     .size = len};
	}
}

/* What is to be added to CLOCK_MONOTONIC: changes with the clock, and when the machine sleeps. */
static int64_t to_real_ns(void)
{
	struct timespec real, mono;
	clock_gettime(CLOCK_MONOTONIC, &mono);
	clock_gettime(CLOCK_REALTIME, &real);
	return (int64_t)(real.tv_sec - mono.tv_sec) * 1000000000 + (real.tv_nsec - mono.tv_nsec);
}

int64_t trace_now_ns(void)
{
	struct timespec mono;
	clock_gettime(CLOCK_MONOTONIC, &mono);
	return mono.tv_sec * INT64_C(1000000000) + mono.tv_nsec;
}

uint64_t trace_lost(const struct trace *t)
{
	uint64_t all = 0, one[2]; /* records, and those that were lost */
	for (size_t i = 0; i < t->event_count; i++)
		if (read(t->events[i], one, sizeof(one)) == sizeof(one))
			all += one[1];
	return all > t->lost ? all : t->lost;
}

int trace_drain(struct trace *t, int64_t until_ns,
		int (*take)(const struct trace_record *r, void *ctx), void *ctx)
{
	CLEANUP_ARENA struct arena scratch = {0};
	struct arena *own = t->a;
	struct batch b = {0};
	const int64_t to_real = to_real_ns();
	int r = 0;
	t->a = &scratch;
	t->left = false;
	read_own_ring(t, until_ns, &b);
	for (size_t i = 0; i < t->ring_count; i++)
		if (t->rings[i].page)
			read_ring(t, &t->rings[i], until_ns, &b);
	t->a = own;
	qsort(b.items, b.count, sizeof(*b.items), by_time);
	for (size_t i = 0; r == 0 && i < b.count; i++) {
		b.items[i].time_ns += to_real;
		r = take(&b.items[i], ctx);
	}
	return r;
}
