/* SPDX-License-Identifier: Apache-2.0 */
/* See bpf_ring.h. A record has a header of two 32-bit words, of which the first is its length with
 * two bits of state; positions only grow. */
#include "linux/bpf_ring.h"

#include <errno.h>
#include <linux/bpf.h>
#include <sys/mman.h>
#include <unistd.h>

static size_t page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

static size_t whole(size_t len)
{
	return (len + BPF_RINGBUF_HDR_SZ + 7) & ~(size_t)7;
}

int bpf_ring_open(struct bpf_ring *r, int map, size_t size)
{
	const size_t page = page_size();
	void *mine = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, map, 0);
	if (mine == MAP_FAILED)
		return -errno;
	void *its = mmap(NULL, page + 2 * size, PROT_READ, MAP_SHARED, map, (off_t)page);
	if (its == MAP_FAILED) {
		const int error = errno;
		munmap(mine, page);
		return -error;
	}
	*r = (struct bpf_ring){size, mine, its};
	return 0;
}

static const uint32_t *header(const struct bpf_ring *r)
{
	const char *data = r->producer + page_size();
	return (const uint32_t *)(const void *)(data + (*r->consumer & (r->size - 1)));
}

const void *bpf_ring_first(const struct bpf_ring *r, size_t *ret_len)
{
	const uint64_t *end = (const uint64_t *)(const void *)r->producer;
	while (r->size && *r->consumer < __atomic_load_n(end, __ATOMIC_ACQUIRE)) {
		const uint32_t *at = header(r), state = __atomic_load_n(at, __ATOMIC_ACQUIRE);
		if (state & BPF_RINGBUF_BUSY_BIT)
			return NULL;
		*ret_len = state & ~BPF_RINGBUF_DISCARD_BIT;
		if (!(state & BPF_RINGBUF_DISCARD_BIT))
			return at + BPF_RINGBUF_HDR_SZ / sizeof(*at);
		__atomic_store_n(r->consumer, *r->consumer + whole(*ret_len), __ATOMIC_RELEASE);
	}
	return NULL;
}

void bpf_ring_done(struct bpf_ring *r, size_t len)
{
	__atomic_store_n(r->consumer, *r->consumer + whole(len), __ATOMIC_RELEASE);
}

void bpf_ring_close(struct bpf_ring *r)
{
	if (!r->size)
		return;
	munmap(r->consumer, page_size());
	munmap((void *)r->producer, page_size() + 2 * r->size);
	r->size = 0;
}
