/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --log-opt compress=true: files of a log that were rotated become NAME.1.gz, NAME.2.gz and so on,
 * as docker's. hull-monitor links no compressor: its keeper starts `hull system pack-logs`, which
 * comes here, and hull-unpack packs, locked in, with the two files for all it has.
 *
 * Meanwhile the monitor goes on and moves the files up. So a file is packed into one without a name
 * (O_TMPFILE, open(2)), and only then, with rotation locked out, gets the number that the plain one
 * has by then, which goes. Killed in between, both are there and have the same; the plain one
 * counts.
 *
 * Three locks, all held for that moment alone: the container's, so that its folder is not being
 * removed; a flock(2) of the current file, which the monitor tries before it rotates and does not
 * wait for; and of the plain file an exclusive lock of its open file (F_OFD_SETLK, fcntl(2)), which
 * is not to be had while `hull logs` reads it (logs.c). Such a file is looked at again some seconds
 * long, and then after the next rotation.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/logformat.h"
#include "base/option_value.h"
#include "engine/internal.h"
#include "image/unpack_job.h"

enum { NAME_SIZE = ID_LEN + 32, FREE_MAX = 4, TRIES = 20, LOOK_AGAIN_MS = 250 };

struct packing {
	struct engine *en;
	const char *id, *suffix;
	int dir;
};

static void file_name(const struct packing *p, unsigned number, const char *end,
		      char name[static NAME_SIZE])
{
	if (number)
		snprintf(name, NAME_SIZE, "%s%s.%u%s", p->id, p->suffix, number, end);
	else
		snprintf(name, NAME_SIZE, "%s%s", p->id, p->suffix);
}

static bool is_named(const struct packing *p, const char *name, int fd)
{
	struct stat named, open;
	return fstatat(p->dir, name, &named, AT_SYMLINK_NOFOLLOW) == 0 && fstat(fd, &open) == 0 &&
	       named.st_ino == open.st_ino && named.st_dev == open.st_dev;
}

/* The current file, locked: nothing is rotated as long as it is open. -1 if there is none. */
static int lock_rotation(const struct packing *p)
{
	char name[NAME_SIZE];
	file_name(p, 0, "", name);
	for (int fd; (fd = openat(p->dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)) >= 0; close(fd))
		if (TEMP_FAILURE_RETRY(flock(fd, LOCK_EX)) < 0 || is_named(p, name, fd))
			return fd;
	return -1;
}

static int replace(const struct packing *p, unsigned number, int packed, struct err *e)
{
	char plain[NAME_SIZE], name[NAME_SIZE], open[32];
	file_name(p, number, "", plain);
	file_name(p, number, ".gz", name);
	snprintf(open, sizeof(open), "/proc/self/fd/%d", packed);
	unlinkat(p->dir, name, 0); /* of one who was killed */
	if (linkat(AT_FDCWD, open, p->dir, name, AT_SYMLINK_FOLLOW) < 0 ||
	    unlinkat(p->dir, plain, 0) < 0)
		return err_errno(e, errno, "container %.12s: cannot keep %s", p->id, name);
	return 0;
}

/* Let @packed take the place of the file @plain, wherever that is by now. */
static int take_place(const struct packing *p, unsigned number, int plain, int packed,
		      struct err *e)
{
	CLEANUP_LOCK struct container_lock lock = {-1};
	CLEANUP_ARENA struct arena a = {0};
	struct flock alone = {.l_type = F_WRLCK};
	struct container c;
	char name[NAME_SIZE];
	int r = container_lock(p->en, p->id, true, &lock, e);
	if (r == 0)
		r = container_glance(p->en, p->id, &a, &c, e);
	CLEANUP_FD int current = r < 0 ? -1 : lock_rotation(p);
	if (current < 0)
		return r == -ENOENT ? 0 : r;
	for (; number < LOG_FILES_MAX; number++) {
		file_name(p, number, "", name);
		if (is_named(p, name, plain))
			return fcntl(plain, F_OFD_SETLK, &alone) < 0
				       ? 0
				       : replace(p, number, packed, e);
	}
	return 0; /* rotated away */
}

static int pack(const struct packing *p, unsigned number, int plain, struct err *e)
{
	static const struct unpack_events none;
	CLEANUP_JOB struct unpack_job job = UNPACK_JOB_NONE;
	struct stat st;
	CLEANUP_FD int packed = openat(p->dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (packed < 0 || fstat(plain, &st) < 0 || !S_ISREG(st.st_mode) ||
	    fchmod(packed, st.st_mode & 0777) < 0)
		return err_errno(e, errno, "container %.12s: cannot compress its log", p->id);
	int r = unpack_start_bytes(&job, p->en->libexec, plain, true, packed, e);
	if (r == 0)
		r = unpack_finish(&job, &none, e);
	/* The plain one is on the disk: so is what takes its place, after a power cut too. */
	if (r == 0 && fdatasync(packed) < 0)
		r = err_errno(e, errno, "container %.12s: cannot compress its log", p->id);
	return r < 0 ? r : take_place(p, number, plain, packed, e);
}

static bool is_read(int plain)
{
	struct flock alone = {.l_type = F_WRLCK};
	return fcntl(plain, F_OFD_GETLK, &alone) == 0 && alone.l_type != F_UNLCK;
}

/* All that can be had now; @ret_left: some are being read. */
static int pack_all(const struct packing *p, bool *ret_left, struct err *e)
{
	int r = 0;
	*ret_left = false;
	for (unsigned i = 1, free = 0; i < LOG_FILES_MAX && free < FREE_MAX && r == 0; i++) {
		char name[NAME_SIZE];
		file_name(p, i, "", name);
		CLEANUP_FD int plain =
			openat(p->dir, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		bool left = plain >= 0 && is_read(plain);
		*ret_left |= left;
		if (plain >= 0 && !left)
			r = pack(p, i, plain, e);
		file_name(p, i, ".gz", name);
		free = plain < 0 && !file_exists(p->dir, name) ? free + 1 : 0;
	}
	return r;
}

int engine_pack_logs(struct engine *en, const char *id, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	struct container c;
	bool wanted = false;
	int r = container_read(en, id, &a, &c, e);
	if (r < 0)
		return r;
	const struct docker_log_config *log = &c.config.host.log_config;
	const char *compress = kvs_get(&log->config, "compress");
	/* Nobody else keeps away from files that are packed. */
	if (!compress || option_set_bool(&wanted, compress, &a, e) < 0 || !wanted)
		return 0;
	CLEANUP_FD int dir = dir_open(en->root_fd, arena_printf(&a, "containers/%s", c.id), e);
	const struct packing p = {
		en, c.id, strcmp(log->type, "local") ? LOG_JSON_SUFFIX : LOG_LOCAL_SUFFIX, dir};
	bool left = dir >= 0;
	for (int i = 0; i < TRIES && r == 0 && left; i++) {
		poll(NULL, 0, i ? LOOK_AGAIN_MS : 0);
		r = pack_all(&p, &left, e);
	}
	return dir < 0 ? dir : r;
}
