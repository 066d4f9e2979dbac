/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The syslog driver: a record each line, in docker's four formats (RFC 3164, RFC 5424), to a Unix
 * socket or by UDP or TCP, where it ends in a newline. See syslog(3), connect(2).
 *
 * A socket of the network is the engine's (MONITOR_LOG_FD): who is confined may make none, but may
 * connect it again. A receiver that does not take a record for a second, or is away, costs that
 * record, and the next ones until it takes one. Of a record that it took in part the rest is kept
 * and sent first: a connection that is closed for that would take with it what the kernel has. Read
 * log.h first, then log_journald.c.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/cleanup.h"
#include "base/fd.h"
#include "monitor/log.h"

enum { SHORT_ID_LEN = 12, PATIENCE_MS = 1000, MINOR = 6, MAJOR = 3 };

/* ---- records ---- */

static uint8_t *put(uint8_t *out, const char *text)
{
	return (uint8_t *)stpcpy((char *)out, text);
}

static uint8_t *put_number(uint8_t *out, unsigned number)
{
	char digits[12], *d = digits + sizeof(digits) - 1;
	*d = '\0';
	do
		*--d = (char)('0' + number % 10);
	while (number /= 10);
	return put(out, d);
}

static uint8_t *put_padded(uint8_t *out, int number, char pad)
{
	if (number < 10)
		*out++ = (uint8_t)pad;
	return put_number(out, (unsigned)number);
}

/* "Nov  8 09:30:00", of the time zone that the engine is in. */
static uint8_t *put_stamp(const struct log *l, int64_t time_ns, uint8_t *out)
{
	static const char months[12][5] = {"Jan ", "Feb ", "Mar ", "Apr ", "May ", "Jun ",
					   "Jul ", "Aug ", "Sep ", "Oct ", "Nov ", "Dec "};
	time_t t = time_ns / 1000000000 + l->syslog.utc_offset;
	struct tm tm;
	gmtime_r(&t, &tm);
	out = put_padded(put(out, months[tm.tm_mon]), tm.tm_mday, ' ');
	out = put_padded(put(out, " "), tm.tm_hour, '0');
	out = put_padded(put(out, ":"), tm.tm_min, '0');
	return put_padded(put(out, ":"), tm.tm_sec, '0');
}

static uint8_t *put_tag(const struct log *l, uint8_t *out)
{
	size_t len = l->tag[0] ? strlen(l->tag) : SHORT_ID_LEN;
	memcpy(out, l->tag[0] ? l->tag : l->id, len);
	return out + len;
}

static uint8_t *put_old(struct log *l, int64_t time_ns, uint8_t *out)
{
	out = put(put_stamp(l, time_ns, out), " ");
	if (l->syslog.format == SYSLOG_RFC3164)
		out = put(put(out, l->syslog.host), " ");
	out = put(put_tag(l, out), "[");
	return put(put_number(out, (unsigned)getpid()), "]: ");
}

static uint8_t *put_new(struct log *l, int64_t time_ns, uint8_t *out)
{
	const int64_t unit = l->syslog.format == SYSLOG_RFC5424_MICRO ? 1000 : 1000000000;
	out = log_put_time(l, time_ns / unit * unit, put(out, "1 "));
	out = put(put(put(out, " "), l->syslog.host), " ");
	out = put(put_tag(l, out), " ");
	out = put(put_number(out, (unsigned)getpid()), " ");
	return put(put_tag(l, out), " - ");
}

static size_t syslog_put(struct log *l, const struct log_piece *p, uint8_t *out)
{
	uint8_t *start = out;
	size_t len = p->text[p->len - 1] == '\n' ? p->len - 1 : p->len;
	out = put(out + sizeof(uint32_t), "<");
	out = put(put_number(out, l->syslog.facility | (p->stream == 2 ? MAJOR : MINOR)), ">");
	out = l->syslog.format >= SYSLOG_RFC5424 ? put_new(l, p->time_ns, out)
						 : put_old(l, p->time_ns, out);
	memcpy(out, p->text, len);
	out += len;
	*out++ = '\n';
	uint32_t size = (uint32_t)((size_t)(out - start) - sizeof(size));
	memcpy(start, &size, sizeof(size));
	return (size_t)(out - start);
}

/* ---- the socket ---- */

static bool is_local(const struct log *l)
{
	sa_family_t family;
	memcpy(&family, l->syslog.address, sizeof(family));
	return family == AF_UNIX;
}

/* Not again before the next second: what comes until then would wait for nothing. */
static bool await_room(struct log *l)
{
	struct pollfd p = {.fd = l->socket, .events = POLLOUT};
	if (!l->stuck && poll(&p, 1, PATIENCE_MS) > 0)
		return true;
	l->stuck = true;
	return false;
}

static void disconnect(struct log *l)
{
	static const struct sockaddr none = {.sa_family = AF_UNSPEC};
	l->connected = l->stuck = false;
	l->begun_len = 0;
	if (is_local(l))
		fd_drop(&l->socket);
	else
		connect(l->socket, &none, sizeof(none));
}

static int begin(struct log *l)
{
	if (is_local(l))
		l->socket = socket(AF_UNIX, l->syslog.type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (l->socket < 0)
		return -ENOTCONN;
	return fd_connect(l->socket, l->syslog.address, l->syslog.address_len, PATIENCE_MS);
}

static int syslog_connect(struct log *l)
{
	if (l->connected)
		return 0;
	if (clock_ms() < l->again_ms)
		return -ENOTCONN;
	int r = begin(l);
	l->connected = r == 0;
	if (r == 0)
		return 0;
	l->again_ms = clock_ms() + PATIENCE_MS;
	disconnect(l);
	return r;
}

/* @ret_done: bytes that went out. */
static int send_all(struct log *l, const uint8_t *bytes, size_t len, size_t *ret_done)
{
	int r = 0;
	*ret_done = 0;
	while (r == 0 && *ret_done < len) {
		ssize_t n = send(l->socket, bytes + *ret_done, len - *ret_done, MSG_NOSIGNAL);
		if (n >= 0)
			*ret_done += (size_t)n;
		else if (errno != EAGAIN)
			r = -errno;
		else if (!await_room(l))
			r = -EAGAIN;
	}
	return r;
}

static void keep(struct log *l, const uint8_t *rest, size_t len)
{
	memmove(l->begun, rest, len);
	l->begun_len = len;
}

static int syslog_send(struct log *l, const uint8_t *record, size_t len)
{
	size_t done;
	int r = syslog_connect(l);
	if (r < 0)
		return r;
	if (l->begun_len) {
		r = send_all(l, l->begun, l->begun_len, &done);
		keep(l, l->begun + done, l->begun_len - done);
	}
	if (r == 0) {
		r = send_all(l, record, len, &done);
		if (r == -EAGAIN && done) {
			keep(l, record + done, len - done);
			return 0;
		}
	}
	if (r < 0 && r != -EAGAIN)
		disconnect(l);
	l->stuck &= r < 0;
	return r;
}

static int syslog_write(struct log *l, const uint8_t *batch, size_t len)
{
	return log_send_row(l, batch, len, syslog_send);
}

const struct log_ops log_syslog_ops = {NULL, 1, syslog_put, syslog_write};
