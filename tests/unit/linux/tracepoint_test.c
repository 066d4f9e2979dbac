/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the rings of two processors: what is handed on is in the order of time, and no record
 * comes behind a younger one of a later look. */
#include <linux/perf_event.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "linux/tracepoint.h"
#include "unit.h"

enum { RING = 64, POINT = 77 };

struct session {
	struct trace t;
	struct trace_ring rings[2];
	struct trace_source source;
	int64_t times[16];
	size_t count;
};

/* As the kernel writes it: a header, whose it is, the time, and behind its size the raw record. */
static void put(struct trace_ring *ring, int64_t time)
{
	struct __attribute__((packed)) {
		struct perf_event_header h;
		uint32_t pid, tid;
		int64_t time;
		uint32_t size;
		uint16_t id;
		char fields[10];
	} record = {.h = {.type = PERF_RECORD_SAMPLE, .size = sizeof(record)},
		    .pid = 3,
		    .tid = 4,
		    .time = time,
		    .size = 12,
		    .id = POINT};
	char *data = (char *)ring->page + sysconf(_SC_PAGESIZE);
	const size_t size = RING * (size_t)sysconf(_SC_PAGESIZE);
	for (size_t i = 0; i < sizeof(record); i++)
		data[(ring->page->data_head + i) % size] = ((const char *)&record)[i];
	ring->page->data_head += sizeof(record);
}

static int begin(void **state)
{
	static struct session s;
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	s = (struct session){.t = TRACE_CLOSED};
	s.t.a = NULL;
	s.t.rings = s.rings;
	s.t.ring_count = 2;
	s.source.point.id = POINT;
	s.t.sources = &s.source;
	s.t.source_count = 1;
	for (int i = 0; i < 2; i++) {
		void *at = mmap(NULL, (RING + 1) * page, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (at == MAP_FAILED)
			return -1;
		s.rings[i] = (struct trace_ring){.cpu = i, .fd = -1, .page = at};
	}
	*state = &s;
	return 0;
}

static int end(void **state)
{
	struct session *s = *state;
	trace_close(&s->t);
	return 0;
}

static int take(const struct trace_record *r, void *ctx)
{
	struct session *s = ctx;
	assert_int_equal(r->pid, 3);
	assert_int_equal(r->tid, 4);
	assert_true(s->count < ARRAY_LEN(s->times));
	s->times[s->count++] = r->time_ns;
	return 0;
}

/* Times come as those of the wall clock: what lies between them is what was put. */
static void taken(struct session *s, int64_t until, const int64_t *want, size_t count)
{
	s->count = 0;
	assert_int_equal(trace_drain(&s->t, until, take, s), 0);
	assert_int_equal(s->count, count);
	for (size_t i = 1; i < count; i++)
		assert_int_equal(s->times[i] - s->times[0], want[i] - want[0]);
}
#define TAKEN(s_, until_, ...)                                                                     \
	taken(s_, until_, (const int64_t[]){__VA_ARGS__},                                          \
	      sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t))

static void younger_ones_wait(void **state)
{
	struct session *s = *state;
	/* The first ring had been read when 10 came, the second not yet when 20 did. */
	put(&s->rings[0], 5);
	put(&s->rings[0], 10);
	put(&s->rings[0], 30);
	put(&s->rings[1], 7);
	put(&s->rings[1], 20);
	TAKEN(s, 9, 5, 7);
	assert_true(s->t.left);
	put(&s->rings[1], 40);
	TAKEN(s, 25, 10, 20);
	assert_true(s->t.left);
	TAKEN(s, INT64_MAX, 30, 40);
	assert_false(s->t.left);
	taken(s, INT64_MAX, NULL, 0);
}

static void goes_around(void **state)
{
	struct session *s = *state;
	const int rounds = 3 * RING * (int)sysconf(_SC_PAGESIZE) / 40;
	for (int i = 0; i < rounds; i++) {
		put(&s->rings[i % 2], 3 * i);
		put(&s->rings[1 - i % 2], 3 * i + 1);
		TAKEN(s, 3 * i, 3 * i);
		TAKEN(s, 3 * i + 1, 3 * i + 1);
		assert_false(s->t.left);
	}
}

static void its_clock_goes_on(void **state)
{
	const int64_t now = trace_now_ns();
	(void)state;
	assert_true(now > 0);
	assert_true(trace_now_ns() >= now);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(younger_ones_wait, begin, end),
		cmocka_unit_test_setup_teardown(goes_around, begin, end),
		cmocka_unit_test(its_clock_goes_on),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
