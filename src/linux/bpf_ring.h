/* SPDX-License-Identifier: Apache-2.0 */
/* A ring into which programs in the kernel write, as this process reads it. See
 * Documentation/bpf/ringbuf.rst. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct bpf_ring {
	size_t size; /* 0: closed */
	uint64_t *consumer;
	const char *producer; /* its position, and a page further on the data, twice */
};

/** @map: of BPF_MAP_TYPE_RINGBUF with @size bytes. 0, or -errno. */
int bpf_ring_open(struct bpf_ring *r, int map, size_t size);
/** The oldest record, or NULL; its place is given back by bpf_ring_done(). */
const void *bpf_ring_first(const struct bpf_ring *r, size_t *ret_len);
void bpf_ring_done(struct bpf_ring *r, size_t len);
void bpf_ring_close(struct bpf_ring *r);
