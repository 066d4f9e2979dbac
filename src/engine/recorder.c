/* SPDX-License-Identifier: Apache-2.0 */
/* See recorder.h. */
#include "engine/recorder.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "engine/internal.h"
#include "linux/namespaces.h"
#include "linux/signals.h"

enum { RING_VERSION = 5 };

struct recorder_ring {
	uint32_t version, unused;
	struct lane {
		uint64_t last; /* number of the newest entry, from 1 */
		struct entry {
			uint64_t number; /* 0 while it is written */
			struct recorded s;
		} entries[RECORDED_MAX];
	} lanes[RECORDED_KINDS];
	struct recorded_load loads[RECORDED_LOADS];
};

struct recorder_ring *recorder_open(struct engine *en, struct err *e)
{
	CLEANUP_FD int fd = openat(en->run_fd, "recorder", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, sizeof(struct recorder_ring)) < 0) {
		err_errno(e, errno, "cannot make the recorder's ring in %s", en->runroot);
		return NULL;
	}
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	if (fcntl(fd, F_OFD_SETLK, &lock) < 0) {
		err_set(e, EBUSY, ERR_CONFLICT, "the recorder runs already");
		err_hint(e, "one is enough for all containers of %s; hull why reads what it keeps",
			 en->runroot);
		return NULL;
	}
	struct recorder_ring *ring =
		mmap(NULL, sizeof(*ring), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (ring == MAP_FAILED) {
		err_errno(e, errno, "cannot map the recorder's ring");
		return NULL;
	}
	if (ring->version != RING_VERSION)
		memset(ring, 0, sizeof(*ring));
	ring->version = RING_VERSION;
	fd_steal(&fd); /* the lock's */
	return ring;
}

void recorder_put(struct recorder_ring *ring, enum recorded_kind kind, const struct recorded *r)
{
	struct lane *lane = &ring->lanes[kind];
	const uint64_t number = lane->last + 1;
	struct entry *entry = &lane->entries[number % RECORDED_MAX];
	__atomic_store_n(&entry->number, 0, __ATOMIC_SEQ_CST);
	entry->s = *r;
	__atomic_store_n(&entry->number, number, __ATOMIC_SEQ_CST);
	__atomic_store_n(&lane->last, number, __ATOMIC_SEQ_CST);
}

static bool copy(const struct entry *from, struct recorded *ret)
{
	const uint64_t number = __atomic_load_n(&from->number, __ATOMIC_SEQ_CST);
	*ret = from->s;
	ret->comm[sizeof(ret->comm) - 1] = ret->sender[sizeof(ret->sender) - 1] = '\0';
	ret->parent[sizeof(ret->parent) - 1] = ret->unit[sizeof(ret->unit) - 1] = '\0';
	ret->call[sizeof(ret->call) - 1] = '\0';
	return number && __atomic_load_n(&from->number, __ATOMIC_SEQ_CST) == number;
}

/* What is asked for. */
struct wanted {
	const char *container;
	int64_t since_ns, until_ns;
};

static bool is_wanted(const struct recorded *s, const struct wanted *w)
{
	return s->time_ns >= w->since_ns && (!w->until_ns || s->time_ns <= w->until_ns) &&
	       !strncmp(s->container, w->container, sizeof(s->container));
}

/* hull-init passes signals on, and ends what is left: who sent them to it is recorded as well. It
 * is the child of its monitor, which nothing else in a container is. */
static bool is_passed_on(const struct recorded *s)
{
	return s->inside && !strncmp(s->sender, "hull-init", sizeof(s->sender)) &&
	       !strncmp(s->parent, "hull-monitor", sizeof(s->parent));
}

/* A program that has tidied up may send itself the signal again; the kernel ends what is left of a
 * pid namespace. What began it tells more. */
static int worth(const struct recorded *s)
{
	if (!signal_has_sender(s->code))
		return 0;
	return s->sender_pid == s->pid ? 1 : 2;
}

static int search(const struct lane *lane, const struct wanted *w, int signal, struct recorded *ret)
{
	struct recorded s;
	int found = 0;
	for (size_t i = 0; i < RECORDED_MAX; i++) {
		if (!copy(&lane->entries[i], &s) || s.signal != signal || !is_wanted(&s, w) ||
		    is_passed_on(&s))
			continue;
		if (found && (worth(&s) < worth(ret) ||
			      (worth(&s) == worth(ret) && s.time_ns < ret->time_ns)))
			continue;
		*ret = s;
		found = 1;
	}
	return found;
}

static int list(const struct lane *lane, const struct wanted *w, struct recorded *ret, size_t max)
{
	const uint64_t last = __atomic_load_n(&lane->last, __ATOMIC_SEQ_CST);
	struct recorded s;
	size_t found = 0;
	for (uint64_t i = 0; i < RECORDED_MAX && i < last && found < max; i++) {
		if (!copy(&lane->entries[(last - i) % RECORDED_MAX], &s) || !is_wanted(&s, w))
			continue;
		s.taken_along |= s.signal == SIGKILL && is_passed_on(&s);
		if (ret)
			ret[found] = s;
		found++;
	}
	return (int)found;
}

/* Who records holds the lock; a look at it keeps nobody from taking it. */
static bool is_recording(int fd)
{
	struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
	return fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

/* @ret_alive: somebody records. NULL: there is no ring. */
static const struct recorder_ring *map_ring(const struct engine *en, bool *ret_alive)
{
	struct stat st;
	CLEANUP_FD int fd = openat(en->run_fd, "recorder", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0 || st.st_size != sizeof(struct recorder_ring))
		return NULL;
	*ret_alive = is_recording(fd);
	struct recorder_ring *ring = mmap(NULL, sizeof(*ring), PROT_READ, MAP_SHARED, fd, 0);
	if (ring == MAP_FAILED)
		return NULL;
	if (ring->version == RING_VERSION)
		return ring;
	munmap(ring, sizeof(*ring));
	return NULL;
}

/* What was @found in it; an answer of "none" is one only while somebody records. */
static int unmap_ring(const struct recorder_ring *ring, bool alive, int found)
{
	munmap((void *)ring, sizeof(*ring));
	return found || alive ? found : -ENOENT;
}

int recorder_find(const struct engine *en, const char *container, int signal, int64_t since_ns,
		  int64_t until_ns, struct recorded *ret)
{
	const struct wanted w = {container, since_ns, until_ns};
	bool alive;
	const struct recorder_ring *ring = map_ring(en, &alive);
	if (!ring)
		return -ENOENT;
	return unmap_ring(ring, alive, search(&ring->lanes[RECORDED_SIGNAL], &w, signal, ret));
}

int recorder_list(const struct engine *en, enum recorded_kind kind, const char *container,
		  int64_t since_ns, int64_t until_ns, struct recorded *ret, size_t max)
{
	const struct wanted w = {container, since_ns, until_ns};
	bool alive;
	const struct recorder_ring *ring = map_ring(en, &alive);
	if (!ring)
		return -ENOENT;
	return unmap_ring(ring, alive, list(&ring->lanes[kind], &w, ret, max));
}

struct recorded_load *recorder_loads(struct recorder_ring *ring)
{
	return ring->loads;
}

int recorder_load(const struct engine *en, const char *container, struct recorded_load *ret)
{
	bool alive;
	int found = 0;
	const struct recorder_ring *ring = map_ring(en, &alive);
	if (!ring)
		return -ENOENT;
	for (size_t i = 0; i < RECORDED_LOADS && !found; i++) {
		*ret = ring->loads[i];
		found = !strncmp(ret->container, container, sizeof(ret->container));
	}
	munmap((void *)ring, sizeof(*ring));
	return alive ? found : -ENOENT;
}

void recorder_ensure(const struct engine *en)
{
	if (!en->records || namespace_caller_is_user())
		return;
	CLEANUP_FD int fd = openat(en->run_fd, "recorder", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || !is_recording(fd))
		engine_spawn(en, "record", "--detach", true); /* it lets go of us at once */
}

int recorder_detach(struct engine *en, struct err *e)
{
	return go_on_alone(en, e);
}
