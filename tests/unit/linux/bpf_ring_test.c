/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the ring of a BPF program: records at its end, those that are still written, and those
 * that were given up. */
#include <linux/bpf.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "linux/bpf_ring.h"
#include "unit.h"

enum { SIZE = 4096 };

/* Its pages as the kernel maps them: the consumer's, the producer's, and the data twice. */
static char *pages;

static void put(struct bpf_ring *r, uint32_t state, const char *text)
{
	uint64_t *end = (uint64_t *)(void *)(pages + sysconf(_SC_PAGESIZE));
	char *data = pages + 2 * sysconf(_SC_PAGESIZE);
	const uint32_t len = (uint32_t)strlen(text) + 1, head[2] = {len | state, 0};
	const size_t whole = (len + sizeof(head) + 7) & ~(size_t)7;
	char record[64] = {0};
	memcpy(record, head, sizeof(head));
	memcpy(record + sizeof(head), text, len);
	for (size_t i = 0; i < whole; i++) {
		data[(*end + i) % SIZE] = record[i];
		data[SIZE + (*end + i) % SIZE] = record[i];
	}
	*end += whole;
}

static int open_ring(void **state)
{
	static struct bpf_ring r;
	int fd = memfd_create("ring", MFD_CLOEXEC);
	const size_t all = 2 * (size_t)sysconf(_SC_PAGESIZE) + 2 * SIZE;
	if (fd < 0 || ftruncate(fd, (off_t)all) < 0)
		return -1;
	pages = mmap(NULL, all, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	*state = &r;
	int result = pages == MAP_FAILED ? -1 : bpf_ring_open(&r, fd, SIZE);
	close(fd);
	return result;
}

static void takes_in_order(void **state)
{
	struct bpf_ring *r = *state;
	size_t len;
	assert_null(bpf_ring_first(r, &len));
	for (int i = 0; i < 1000; i++) { /* many times around */
		put(r, 0, "first");
		put(r, BPF_RINGBUF_DISCARD_BIT, "given up");
		put(r, 0, "the second of them");
		assert_string_equal(bpf_ring_first(r, &len), "first");
		assert_int_equal(len, 6);
		bpf_ring_done(r, len);
		assert_string_equal(bpf_ring_first(r, &len), "the second of them");
		bpf_ring_done(r, len);
		assert_null(bpf_ring_first(r, &len));
	}
}

static void waits_for_what_is_written(void **state)
{
	struct bpf_ring *r = *state;
	size_t len;
	put(r, BPF_RINGBUF_BUSY_BIT, "not yet");
	put(r, 0, "after it");
	assert_null(bpf_ring_first(r, &len));
	bpf_ring_close(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_in_order),
		cmocka_unit_test(waits_for_what_is_written),
	};
	return cmocka_run_group_tests(tests, open_ring, NULL);
}
