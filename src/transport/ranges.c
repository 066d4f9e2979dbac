/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Large bodies in parts, side by side: what one connection gives is often a fraction of what the
 * line could. Rests on RFC 9110, section 14 (Range, 206, If-Range).
 *
 * The first request of a large body asks for its first part only. If the answer is that part, of a
 * whole as long as the manifest says, the next parts are asked for while it still comes, each as a
 * transfer of its own that holds its bytes in memory until all before it went on; so what comes out
 * is in order, and the memory that it takes has a limit for all bodies together. If the answer is
 * the whole body, that is taken. If one part fails for good, is not what was asked for, or has
 * another ETag, the body goes on without parts from where it is, as one that broke off.
 *
 * Invariant: parts follow each other without a gap from where the body is to `planned`. Nothing is
 * freed but in ranges_sweep(), as libcurl may be in a callback of it. Read transfer.c first.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "transport/client.h"

enum {
	PART = 2 << 20,
	LARGE = 8 * PART, /* below it the beginning of further connections is not worth while */
	AHEAD_MAX = 3,    /* parts of one body in memory */
	ALL_AHEAD_MAX = 8 /* of all bodies */
};

static uint64_t end_of_part(const struct transfer *t, uint64_t from)
{
	return t->q.size - from > PART ? from + PART : t->q.size;
}

void ranges_begin(struct transfer *t)
{
	if (t->q.op == TRANSPORT_GET && t->q.size != UINT64_MAX && t->q.size >= LARGE)
		t->until = PART;
}

void ranges_header(struct transfer *t, char ret[static 64])
{
	unsigned long long from = t->base + t->done;
	*ret = '\0';
	if (t->parent)
		snprintf(ret, 64, "%llu-%llu", from, (unsigned long long)(t->base + t->q.size - 1));
	else if (t->until)
		snprintf(ret, 64, "%llu-%llu", from, (unsigned long long)t->until - 1);
	else if (t->done)
		snprintf(ret, 64, "%llu-", from);
	t->ranged = *ret != '\0';
	t->from = from;
}

/* ---- parts ---- */

static struct transfer *part_at(const struct transfer *t, uint64_t base)
{
	for (struct transfer *p = t->client->transfers; p; p = p->next)
		if (p->parent == t && !p->dead && p->base == base)
			return p;
	return NULL;
}

static void kill_part(struct transfer *part)
{
	part->dead = true;
	part->client->ahead--;
}

void ranges_give_up(struct transfer *t)
{
	for (struct transfer *p = t->client->transfers; p; p = p->next)
		if (p->parent == t && !p->dead)
			kill_part(p);
	t->planned = 0;
}

void ranges_sweep(struct client *c)
{
	for (struct transfer **p = &c->transfers; *p;) {
		struct transfer *t = *p;
		if (!t->dead) {
			p = &t->next;
			continue;
		}
		*p = t->next;
		transfer_free(t);
	}
}

/* It begins where the body's own request was led to. */
static bool add_part(struct transfer *t)
{
	struct client *c = t->client;
	struct transfer *p = calloc(1, sizeof(*p));
	uint64_t size = end_of_part(t, t->planned) - t->planned;
	if (!p || !(p->hold = malloc((size_t)size))) {
		free(p);
		return false;
	}
	p->client = c;
	p->q = t->q;
	p->q.size = size;
	p->fd = -1;
	p->step = STEP_PLAIN;
	p->parent = t;
	p->base = t->planned;
	memcpy(p->url, t->url, sizeof(p->url));
	p->said = (struct strbuf)STRBUF_MAX(CLIENT_ERROR_BODY_MAX);
	struct transfer **last = &c->transfers; /* they begin in their order */
	while (*last)
		last = &(*last)->next;
	*last = p;
	c->ahead++;
	t->planned += size;
	transfer_later(p, 0);
	return true;
}

static void ask_for_more(struct transfer *t)
{
	size_t mine = 0;
	for (struct transfer *p = t->client->transfers; p; p = p->next)
		mine += p->parent == t && !p->dead;
	while (t->planned && t->planned < t->q.size && mine < AHEAD_MAX &&
	       t->client->ahead < ALL_AHEAD_MAX && add_part(t))
		mine++;
}

static bool is_part(const struct transfer *part)
{
	const struct answer *a = &part->answer;
	return a->status == 206 && a->has_range && a->first == part->from &&
	       (a->total == UINT64_MAX || a->total == part->parent->q.size) &&
	       !strcmp(a->etag, part->parent->etag);
}

/* It would answer the same the next time. */
static bool refuse(struct transfer *part)
{
	part->attempts = part->client->setup.attempts;
	return false;
}

bool ranges_answered(struct transfer *t)
{
	const struct answer *a = &t->answer;
	bool whole_fits = a->total == UINT64_MAX || a->total == t->q.size;
	t->ranged = false;
	if (t->parent)
		return is_part(t) || refuse(t);
	if (a->status == 206 && a->has_range && a->first == t->from && whole_fits) {
		memcpy(t->etag, a->etag, sizeof(t->etag));
		/* The next ones, while this one comes. */
		if (t->until && !t->planned)
			t->planned = t->until;
		ask_for_more(t);
		return true;
	}
	if (a->status == 206)
		return false;
	/* All of it, from the first byte. */
	ranges_give_up(t);
	t->until = 0;
	t->skip = t->done;
	return true;
}

/* Its own request is for the rest, and for nothing if that cannot be. */
static void alone(struct transfer *t)
{
	ranges_give_up(t);
	t->until = 0;
	if (t->idle) {
		t->idle = t->paused = false;
		transfer_later(t, 0);
	}
}

void ranges_part_ended(struct transfer *part, const struct err *why)
{
	struct transfer *t = part->parent;
	if (part->dead)
		return;
	if (why) {
		alone(t);
		return;
	}
	part->idle = true;
	if (part->base + part->q.size <= t->done) { /* what it had has gone on already */
		kill_part(part);
		ask_for_more(t);
	}
	ranges_pump(t);
}

/* What of the part is here. 1: all of it went on, 0: not yet, negative: the pipe has no reader. */
static int pass_on(struct transfer *t, struct transfer *part)
{
	while (part->taken < part->done) {
		ssize_t n = transfer_put(t, part->hold + part->taken,
					 (size_t)(part->done - part->taken));
		if (n < 0)
			return -1;
		part->taken += (uint64_t)n;
		t->done += (uint64_t)n;
		if (part->taken < part->done) {
			t->paused = true;
			return 0;
		}
	}
	return part->idle && part->taken == part->q.size;
}

void ranges_pump(struct transfer *t)
{
	if (t->dead || t->paused || (!t->idle && (t->easy || t->done != t->until)))
		return; /* its own part is not through */
	t->idle = true;
	struct transfer *part;
	while ((part = part_at(t, t->done - t->done % PART))) {
		int r = pass_on(t, part);
		if (r < 0) {
			transfer_write_failed(t);
			return;
		}
		if (r == 0)
			return;
		kill_part(part);
		ask_for_more(t);
	}
	if (t->done == t->q.size) {
		transfer_finish(t, NULL);
		return;
	}
	/* Others have all the memory: the next part is its own again. */
	t->until = t->planned = end_of_part(t, t->done);
	t->idle = false;
	transfer_later(t, 0);
}
