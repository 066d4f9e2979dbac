/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rests on futex(2) on words of shared memory, and on a record lock (fcntl(2)) of a memfd, which
 * ends with its holder. All that is known stands in the words, each of which is written at once, so
 * whoever is killed leaves nothing behind but his own. Read turn.h first.
 */
#include "api/turn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

enum {
	TURNS = 4,           /* more than this gain nothing, but where one waits for something */
	PATIENCE_MS = 30000, /* whoever is before us hangs */
	NONE = 0,
	HAS = 1,
	FIRST = 2, /* from here on: the number that it has drawn, and waits with */
};

static void set(uint32_t *place, uint32_t value)
{
	__atomic_store_n(place, value, __ATOMIC_SEQ_CST);
}

static uint32_t get(const uint32_t *place)
{
	return __atomic_load_n(place, __ATOMIC_SEQ_CST);
}

static void lock(const struct turns *t, short type)
{
	struct flock l = {.l_type = type, .l_whence = SEEK_SET, .l_len = 1};
	while (fcntl(t->lock, F_SETLKW, &l) < 0 && errno == EINTR)
		;
}

int turns_open(struct turns *t, size_t count)
{
	t->count = count;
	t->lock = memfd_create("hulld-turns", MFD_CLOEXEC);
	t->places = mmap(NULL, count * sizeof(*t->places), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return t->lock < 0 || t->places == MAP_FAILED ? -errno : 0;
}

/* Who waits: the one with the lowest number, and the highest number; how many have a turn. */
struct queue {
	size_t had;
	uint32_t *first, last;
};

static struct queue look(const struct turns *t)
{
	struct queue q = {.last = FIRST - 1};
	for (size_t i = 0; i < t->count; i++) {
		uint32_t *place = &t->places[i], value = get(place);
		q.had += value == HAS;
		if (value < FIRST)
			continue;
		if (!q.first || value < get(q.first))
			q.first = place;
		if (value > q.last)
			q.last = value;
	}
	return q;
}

void turn_begin(const struct turns *t, size_t place)
{
	uint32_t *own = &t->places[place];
	int64_t until = clock_ms() + PATIENCE_MS;
	lock(t, F_WRLCK);
	struct queue q = look(t);
	/* Numbers begin anew whenever nobody waits. */
	uint32_t number = q.had < TURNS && !q.first ? HAS : q.last + 1;
	set(own, number);
	lock(t, F_UNLCK);
	while (number != HAS && get(own) == number) {
		int64_t left = until - clock_ms();
		struct timespec wait = {left / 1000, left % 1000 * 1000000};
		if (left <= 0)
			return turn_end(t, place);
		syscall(SYS_futex, own, FUTEX_WAIT, number, &wait, NULL, 0);
	}
}

void turn_end(const struct turns *t, size_t place)
{
	if (get(&t->places[place]) == NONE)
		return;
	lock(t, F_WRLCK);
	set(&t->places[place], NONE);
	for (struct queue q; (q = look(t)).had < TURNS && q.first;) {
		set(q.first, HAS);
		syscall(SYS_futex, q.first, FUTEX_WAKE, 1, NULL, NULL, 0);
	}
	lock(t, F_UNLCK);
}
