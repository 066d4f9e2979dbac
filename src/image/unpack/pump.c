/* SPDX-License-Identifier: Apache-2.0 */
/* The ring of blocks between the threads of hull-unpack. Read pump.h first. */
#include "image/unpack/pump.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

enum { BLOCKS = 6, STACK_SIZE = 256 << 10 };

struct pump {
	struct stream *stream;
	pthread_mutex_t lock;
	pthread_cond_t moved;
	pthread_t reader, hasher;
	uint64_t read, hashed, used; /* blocks so far, each the thread's own to advance */
	bool ended, stop;
	bool in_hand;   /* the caller has block number @used */
	ssize_t result; /* of the read that ended it */
	struct err err;
	ssize_t len[BLOCKS];
	uint8_t data[BLOCKS][STREAM_BLOCK];
};

static bool block_free(const struct pump *p)
{
	uint64_t slowest = p->hashed < p->used ? p->hashed : p->used;
	return p->read - slowest < BLOCKS;
}

static void *reader_main(void *arg)
{
	struct pump *p = arg;
	struct err e = {0};
	ssize_t n = 1;
	while (n > 0) {
		pthread_mutex_lock(&p->lock);
		while (!p->stop && !block_free(p))
			pthread_cond_wait(&p->moved, &p->lock);
		bool stop = p->stop;
		pthread_mutex_unlock(&p->lock);
		size_t slot = p->read % BLOCKS;
		n = stop ? 0 : stream_read(p->stream, p->data[slot], STREAM_BLOCK, &e);
		pthread_mutex_lock(&p->lock);
		p->len[slot] = n;
		if (n > 0) {
			p->read++;
		} else {
			p->ended = true;
			p->result = n;
			p->err = e;
		}
		pthread_cond_broadcast(&p->moved);
		pthread_mutex_unlock(&p->lock);
	}
	return NULL;
}

static void *hasher_main(void *arg)
{
	struct pump *p = arg;
	for (;;) {
		pthread_mutex_lock(&p->lock);
		while (!p->stop && !p->ended && p->hashed == p->read)
			pthread_cond_wait(&p->moved, &p->lock);
		bool done = p->stop || p->hashed == p->read;
		pthread_mutex_unlock(&p->lock);
		if (done)
			return NULL;
		size_t slot = p->hashed % BLOCKS;
		stream_hash(p->stream, p->data[slot], (size_t)p->len[slot]);
		pthread_mutex_lock(&p->lock);
		p->hashed++;
		pthread_cond_broadcast(&p->moved);
		pthread_mutex_unlock(&p->lock);
	}
}

/* Let the threads come to their end; @whole: after all that was read is hashed. */
static void join(struct pump *p, bool whole, bool has_hasher)
{
	pthread_mutex_lock(&p->lock);
	p->stop = !whole;
	pthread_cond_broadcast(&p->moved);
	pthread_mutex_unlock(&p->lock);
	pthread_join(p->reader, NULL);
	if (has_hasher)
		pthread_join(p->hasher, NULL);
	pthread_cond_destroy(&p->moved);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

static int start(pthread_t *ret, void *(*run)(void *), struct pump *p)
{
	pthread_attr_t attr;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	int r = pthread_create(ret, &attr, run, p);
	pthread_attr_destroy(&attr);
	return r;
}

int pump_open(struct pump **ret, struct stream *stream, struct err *e)
{
	struct pump *p = calloc(1, sizeof(*p));
	if (!p)
		return err_errno(e, ENOMEM, "cannot unpack");
	p->stream = stream;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->moved, NULL);
	int r = start(&p->reader, reader_main, p);
	if (r) {
		free(p);
		return err_errno(e, r, "cannot start a thread");
	}
	r = start(&p->hasher, hasher_main, p);
	if (r) {
		join(p, false, false);
		return err_errno(e, r, "cannot start a thread");
	}
	*ret = p;
	return 0;
}

ssize_t pump_next(struct pump *p, const void **ret, struct err *e)
{
	ssize_t n = 0;
	pthread_mutex_lock(&p->lock);
	if (p->in_hand) {
		p->used++;
		p->in_hand = false;
		pthread_cond_broadcast(&p->moved);
	}
	while (!p->ended && p->used == p->read)
		pthread_cond_wait(&p->moved, &p->lock);
	if (p->used < p->read) {
		*ret = p->data[p->used % BLOCKS];
		n = p->len[p->used % BLOCKS];
		p->in_hand = true;
	} else if (p->result < 0) {
		*e = p->err;
		n = p->result;
	}
	pthread_mutex_unlock(&p->lock);
	return n;
}

void pump_close(struct pump **p)
{
	if (*p)
		join(*p, (*p)->ended && (*p)->result == 0 && (*p)->used == (*p)->read, true);
	*p = NULL;
}
