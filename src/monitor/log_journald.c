/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journald driver: one datagram a record to the journal's native socket, with docker's field
 * names. See systemd.journal-fields(7) and "Native Journal Protocol": NAME=value newline, or for
 * values that may hold newlines NAME newline, length as 64 bits little-endian, the value, newline.
 *
 * A batch is a row of datagrams, each behind its length. A journal that is away or does not read is
 * treated as a full disk: what it did not take is dropped and counted. Read log.h first.
 */
#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "monitor/log.h"

enum { SHORT_ID_LEN = 12 };

static uint8_t *put_field(uint8_t *out, const char *name, const char *value, size_t max)
{
	out = (uint8_t *)stpcpy((char *)out, name);
	*out++ = '=';
	size_t len = strnlen(value, max);
	for (size_t i = 0; i < len; i++)
		*out++ = value[i] == '\n' ? ' ' : (uint8_t)value[i];
	*out++ = '\n';
	return out;
}

static uint8_t *put_message(uint8_t *out, const uint8_t *text, size_t len)
{
	uint64_t size = htole64(len);
	out = (uint8_t *)stpcpy((char *)out, "MESSAGE\n");
	memcpy(out, &size, sizeof(size));
	memcpy(out + sizeof(size), text, len);
	out += sizeof(size) + len;
	*out++ = '\n';
	return out;
}

static size_t journald_put(struct log *l, const struct log_piece *p, uint8_t *out)
{
	uint8_t *start = out;
	const char *tag = l->tag[0] ? l->tag : l->id;
	size_t tag_max = l->tag[0] ? sizeof(l->tag) : SHORT_ID_LEN;
	bool whole = p->text[p->len - 1] == '\n';
	out += sizeof(uint32_t);
	out = put_field(out, "PRIORITY", p->stream == 2 ? "3" : "6", 1);
	out = put_field(out, "CONTAINER_ID", l->id, SHORT_ID_LEN);
	out = put_field(out, "CONTAINER_ID_FULL", l->id, sizeof(l->id));
	out = put_field(out, "CONTAINER_NAME", l->container_name, sizeof(l->container_name));
	out = put_field(out, "CONTAINER_TAG", tag, tag_max);
	out = put_field(out, "SYSLOG_IDENTIFIER", tag, tag_max);
	out = (uint8_t *)stpcpy((char *)out, l->attrs);
	if (!whole)
		out = put_field(out, "CONTAINER_PARTIAL_MESSAGE", "true", 4);
	out = put_message(out, p->text, whole ? p->len - 1 : p->len);
	uint32_t len = (uint32_t)((size_t)(out - start) - sizeof(len));
	memcpy(start, &len, sizeof(len));
	return (size_t)(out - start);
}

static int journal_connect(struct log *l)
{
	static const struct sockaddr_un journal = {.sun_family = AF_UNIX,
						   .sun_path = "/run/systemd/journal/socket"};
	if (l->socket >= 0)
		return 0;
	l->socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (l->socket < 0)
		return -errno;
	if (connect(l->socket, (const struct sockaddr *)&journal, sizeof(journal)) == 0)
		return 0;
	int r = -errno;
	fd_drop(&l->socket);
	return r;
}

static int journal_send(struct log *l, const uint8_t *datagram, size_t len)
{
	int r = journal_connect(l);
	if (r < 0)
		return r;
	if (send(l->socket, datagram, len, MSG_NOSIGNAL) >= 0)
		return 0;
	r = -errno;
	if (r != -EAGAIN)
		fd_drop(&l->socket); /* restarted: connect again */
	return r;
}

int log_send_row(struct log *l, const uint8_t *batch, size_t len,
		 int (*one)(struct log *l, const uint8_t *record, size_t len))
{
	int result = 0;
	for (size_t at = 0; at < len;) {
		uint32_t size;
		memcpy(&size, batch + at, sizeof(size));
		at += sizeof(size);
		int r = one(l, batch + at, size);
		if (r == -ECONNREFUSED || r == -ENOTCONN || r == -ECONNRESET || r == -EPIPE)
			r = one(l, batch + at, size);
		if (r < 0)
			result = r;
		at += size;
	}
	return result;
}

static int journald_write(struct log *l, const uint8_t *batch, size_t len)
{
	return log_send_row(l, batch, len, journal_send);
}

const struct log_ops log_journald_ops = {NULL, 1, journald_put, journald_write};
