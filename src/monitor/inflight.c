/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a pipe to the log, so that SIGKILL at any instruction loses and doubles no byte.
 *
 *   1. tee(2) copies the front of the container's pipe to a pipe of our own, which is read: the
 * bytes are in memory and still in the container's pipe.
 *   2. Whole lines are encoded. A note (how long the log file is now) and then, by splice(2), the
 * raw lines themselves move to the pipe "inflight".
 *   3. The log file is written.
 *   4. "inflight" is emptied.
 *
 * "inflight" is a FIFO in the run folder that the keeper holds open too. A new monitor that finds
 * raw lines in it cuts the log back to the noted length and writes them again; one that finds it
 * empty has nothing to mend. A line without its end stays in the container's pipe. See splice(2),
 * tee(2), pipe(7).
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "monitor/monitor.h"

#define NOTE_MAGIC UINT32_C(0x4c4c5548)

struct note {
	uint32_t magic;
	uint32_t stream;
	uint64_t inode;
	uint64_t size;
};

enum { FLIGHT_PIPE_SIZE = 2 * CHUNK_MAX };

static size_t waiting(int fd)
{
	int n = 0;
	return ioctl(fd, FIONREAD, &n) == 0 && n > 0 ? (size_t)n : 0;
}

int inflight_open(struct monitor *m)
{
	m->flight_fd = stdio_fifo(m->run_fd, "inflight");
	if (m->flight_fd < 0)
		return m->flight_fd;
	if (pipe2(m->peek_pipe, O_NONBLOCK | O_CLOEXEC) < 0)
		return -errno;
	/* Room for the note beside a full chunk. Refused near a user's limit: then batches shrink.
	 */
	fcntl(m->flight_fd, F_SETPIPE_SZ, FLIGHT_PIPE_SIZE);
	fcntl(m->peek_pipe[0], F_SETPIPE_SZ, FLIGHT_PIPE_SIZE);
	return 0;
}

/* @len bytes that are known to be there. What a read that fails for once would leave in its pipe
 * would be taken for what comes next. */
static size_t read_there(struct monitor *m, int fd, size_t len)
{
	enum { TRIES = 3 };
	size_t done = 0;
	m->buffers_used = true;
	for (int failed = 0; done < len && failed < TRIES;) {
		ssize_t n = read(fd, m->peek + done, len - done);
		if (n == 0)
			break;
		if (n > 0)
			done += (size_t)n;
		else if (errno != EINTR)
			failed++;
	}
	return done;
}

size_t inflight_peek(struct monitor *m, int fd, size_t max)
{
	ssize_t n = tee(fd, m->peek_pipe[1], max, SPLICE_F_NONBLOCK);
	if (n <= 0)
		return 0;
	return read_there(m, m->peek_pipe[0], (size_t)n);
}

/* Into a buffer whose contents are no longer needed. */
static void discard(struct monitor *m, int fd, size_t len)
{
	read_there(m, fd, len);
}

/* Move raw bytes behind a note. Returns how many moved. */
static size_t take_off(struct monitor *m, const struct stream *s, size_t len)
{
	struct note n = {.magic = NOTE_MAGIC,
			 .stream = s->number,
			 .inode = log_inode(&m->log),
			 .size = m->log.size};
	if (fd_write_full(m->flight_fd, &n, sizeof(n)) < 0)
		return 0;
	size_t done = 0;
	while (done < len) {
		ssize_t moved = splice(s->fd, NULL, m->flight_fd, NULL, len - done,
				       SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
		if (moved <= 0)
			break;
		done += (size_t)moved;
	}
	return done;
}

size_t inflight_log(struct monitor *m, struct stream *s, size_t len, bool final)
{
	size_t batch_len;
	s->more = false;
	if (m->log.ops == &log_none_ops) {
		discard(m, s->fd, len);
		return len;
	}
	log_prepare(&m->log);
	m->log.rotated = m->log.rotated && keeper_tell(m, KEEPER_NOTE_ROTATED) < 0;
	size_t used = log_encode(&m->log, s->number, m->peek, len, final, m->batch, &batch_len);
	if (used == 0)
		return 0;
	s->more = log_cut(m->peek + used, len - used, final) > 0;
	size_t moved = take_off(m, s, used);
	/* Fewer when the pipe had no slots left: then a line is cut into two records. */
	for (size_t done = 0; moved < used && done < moved; done += len) {
		len = log_encode(&m->log, s->number, m->peek + done, moved - done, true, m->batch,
				 &batch_len);
		log_write(&m->log, m->batch, batch_len, len);
	}
	if (moved == used)
		log_write(&m->log, m->batch, batch_len, used);
	discard(m, m->flight_fd, sizeof(struct note) + moved);
	return moved;
}

/* The note and the raw bytes, into m->peek; their length. They stay in the pipe if that can be. */
static size_t look_into_flight(struct monitor *m, size_t there)
{
	size_t n = inflight_peek(m, m->flight_fd, PEEK_MAX);
	if (n == there)
		return n;
	ssize_t got = fd_read_full(m->flight_fd, m->peek, there);
	return got > 0 ? (size_t)got : 0;
}

static void write_again(struct monitor *m, size_t there)
{
	struct note note;
	size_t len = look_into_flight(m, there);
	if (len < sizeof(note))
		return;
	memcpy(&note, m->peek, sizeof(note));
	if (note.magic != NOTE_MAGIC)
		return;
	log_rewind(&m->log, note.inode, note.size);
	for (size_t at = sizeof(note), batch_len, used; at < len; at += used) {
		used = log_encode(&m->log, (uint8_t)note.stream, m->peek + at, len - at, true,
				  m->batch, &batch_len);
		log_write(&m->log, m->batch, batch_len, used);
	}
}

void inflight_recover(struct monitor *m)
{
	size_t there = waiting(m->flight_fd);
	if (there > sizeof(struct note) && there <= PEEK_MAX)
		write_again(m, there);
	while ((there = waiting(m->flight_fd)) > 0)
		discard(m, m->flight_fd, there < PEEK_MAX ? there : PEEK_MAX);
}
