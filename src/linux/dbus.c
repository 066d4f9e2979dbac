/* SPDX-License-Identifier: Apache-2.0 */
/*
 * D-Bus by hand. Everything is little-endian, every value aligned to its own size.
 * Invariant: what comes from the peer is read only within the bytes that it sent, and nobody waits
 * longer than TIMEOUT_S for it. Read dbus.h first.
 */
#include "linux/dbus.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"

enum {
	TIMEOUT_S = 30,
	LONGEST = 128 << 20, /* "maximum length of a message"; beyond our buffer it is skipped */
	TYPE_CALL = 1,
	TYPE_ERROR = 3,
	TYPE_SIGNAL = 4,
	FIELD_PATH = 1,
	FIELD_INTERFACE = 2,
	FIELD_MEMBER = 3,
	FIELD_ERROR = 4,
	FIELD_SERIAL = 5,
	FIELD_DESTINATION = 6,
	FIELD_SIGNATURE = 8,
	FIXED_HEADER = 16,
};

/* ---- writing ---- */

static size_t aligned(size_t at, size_t to)
{
	return (at + to - 1) / to * to;
}

static void put(struct dbus_body *b, const void *data, size_t len, size_t alignment)
{
	size_t at = aligned(b->len, alignment);
	if (b->failed || at > sizeof(b->buf) || len > sizeof(b->buf) - at) {
		b->failed = true;
		return;
	}
	memset(b->buf + b->len, 0, at - b->len);
	if (len)
		memcpy(b->buf + at, data, len);
	b->len = at + len;
}

void dbus_put_number(struct dbus_body *b, uint64_t value, size_t size)
{
	put(b, &value, size, size);
}

static void put_u32(struct dbus_body *b, size_t value)
{
	dbus_put_number(b, value, sizeof(uint32_t));
}

void dbus_put_string(struct dbus_body *b, const char *text)
{
	put_u32(b, strlen(text));
	put(b, text, strlen(text) + 1, 1);
}

static void put_signature(struct dbus_body *b, const char *text)
{
	dbus_put_number(b, strlen(text), 1);
	put(b, text, strlen(text) + 1, 1);
}

size_t dbus_array_begin(struct dbus_body *b, size_t alignment)
{
	put_u32(b, 0);
	size_t begin = b->len;
	put(b, "", 0, alignment);
	return begin;
}

void dbus_array_end(struct dbus_body *b, size_t begin, size_t alignment)
{
	uint32_t len = (uint32_t)(b->len - aligned(begin, alignment));
	if (!b->failed)
		memcpy(b->buf + begin - sizeof(len), &len, sizeof(len));
}

void dbus_struct(struct dbus_body *b)
{
	put(b, "", 0, 8);
}

void dbus_property(struct dbus_body *b, const char *name, const char *signature)
{
	dbus_struct(b);
	dbus_put_string(b, name);
	put_signature(b, signature);
}

static void header_string(struct dbus_body *h, uint8_t field, const char *type, const char *value)
{
	put(h, &field, 1, 8);
	put_signature(h, type);
	if (*type == 'g')
		put_signature(h, value);
	else
		dbus_put_string(h, value);
}

static int send_all(int fd, const void *data, size_t len)
{
	ssize_t n = TEMP_FAILURE_RETRY(send(fd, data, len, MSG_NOSIGNAL));
	return n < 0 ? -errno : (size_t)n < len ? -ETIMEDOUT : 0;
}

static int send_call(struct dbus *d, bool to_bus, const char *member, const char *signature,
		     const struct dbus_body *body)
{
	struct dbus_body m = {.len = 0};
	const uint8_t first[] = {'l', TYPE_CALL, 0, 1};
	put(&m, first, sizeof(first), 1);
	put_u32(&m, body ? body->len : 0);
	put_u32(&m, ++d->serial);
	size_t fields = dbus_array_begin(&m, 8);
	header_string(&m, FIELD_PATH, "o",
		      to_bus ? "/org/freedesktop/DBus" : "/org/freedesktop/systemd1");
	header_string(&m, FIELD_INTERFACE, "s",
		      to_bus ? "org.freedesktop.DBus" : "org.freedesktop.systemd1.Manager");
	header_string(&m, FIELD_MEMBER, "s", member);
	if (d->is_bus)
		header_string(&m, FIELD_DESTINATION, "s",
			      to_bus ? "org.freedesktop.DBus" : "org.freedesktop.systemd1");
	if (body)
		header_string(&m, FIELD_SIGNATURE, "g", signature);
	dbus_array_end(&m, fields, 8);
	put(&m, body ? body->buf : NULL, body ? body->len : 0, 8);
	if (m.failed || (body && body->failed))
		return -EMSGSIZE;
	return send_all(d->fd, m.buf, m.len);
}

/* ---- reading ---- */

static uint32_t u32_at(const uint8_t *p)
{
	uint32_t value;
	memcpy(&value, p, sizeof(value));
	return value;
}

struct message {
	int type;
	uint32_t reply_to;
	size_t body, len; /* where the body begins, and the end of all */
	const char *signature;
};

static int read_some(int fd, uint8_t *buf, size_t len)
{
	ssize_t n = fd_read_full(fd, buf, len);
	if (n == -EAGAIN)
		return -ETIMEDOUT;
	return n < 0 ? (int)n : (size_t)n < len ? -ECONNRESET : 0;
}

/* One field of the header: its kind, and where its value is. */
static int header_field(struct dbus_reply *r, struct message *m, size_t *at, size_t end)
{
	size_t i = aligned(*at, 8);
	if (i + 4 > end || r->buf[i + 1] != 1 || r->buf[i + 3])
		return -EBADMSG;
	uint8_t kind = r->buf[i], type = r->buf[i + 2];
	size_t length = type == 'g' ? 1 : sizeof(uint32_t);
	i += 4;
	if (i + length > end || (type != 's' && type != 'o' && type != 'g' && type != 'u'))
		return -EBADMSG;
	uint32_t value = type == 'g' ? r->buf[i] : u32_at(r->buf + i);
	const char *text = (const char *)r->buf + i + length;
	*at = i + length;
	if (kind == FIELD_SERIAL)
		m->reply_to = value;
	if (type == 'u')
		return 0;
	if (value >= end - *at || text[value])
		return -EBADMSG;
	if (kind == FIELD_SIGNATURE)
		m->signature = text;
	if (kind == FIELD_ERROR)
		r->error = text;
	if (kind == FIELD_MEMBER)
		r->member = text;
	*at += value + 1;
	return 0;
}

/* The strings and paths at the body's beginning; numbers are passed over. */
static void body_strings(struct dbus_reply *r, const struct message *m)
{
	size_t at = m->body, count = 0;
	for (const char *s = m->signature; *s && strchr("sou", *s); s++) {
		at = aligned(at, 4);
		if (at + 4 > m->len)
			return;
		uint32_t value = u32_at(r->buf + at);
		at += 4;
		if (*s == 'u')
			continue;
		if (value >= m->len - at || r->buf[at + value] || count == ARRAY_LEN(r->strings))
			return;
		r->strings[count++] = (const char *)r->buf + at;
		at += value + 1;
	}
}

/* Such as the properties of a unit that we do not care about. */
static int skip(struct dbus *d, struct dbus_reply *r, size_t len)
{
	int n = 0;
	for (size_t part; n == 0 && len; len -= part) {
		part = len < sizeof(r->buf) ? len : sizeof(r->buf);
		n = clock_ms() > d->deadline_ms ? -ETIMEDOUT : read_some(d->fd, r->buf, part);
	}
	return n;
}

static int receive(struct dbus *d, struct dbus_reply *r, struct message *m)
{
	*m = (struct message){.signature = ""};
	r->error = r->member = "";
	for (size_t i = 0; i < ARRAY_LEN(r->strings); i++)
		r->strings[i] = "";
	int n = clock_ms() > d->deadline_ms ? -ETIMEDOUT : read_some(d->fd, r->buf, FIXED_HEADER);
	if (n < 0)
		return n;
	uint32_t body = u32_at(r->buf + 4), fields = u32_at(r->buf + 12);
	if (r->buf[0] != 'l' || body > LONGEST || fields > LONGEST)
		return -EBADMSG;
	size_t end = FIXED_HEADER + fields, at = FIXED_HEADER;
	m->body = aligned(end, 8);
	m->len = m->body + body;
	if (m->len > sizeof(r->buf))
		return skip(d, r, m->len - FIXED_HEADER);
	m->type = r->buf[1];
	n = read_some(d->fd, r->buf + FIXED_HEADER, m->len - FIXED_HEADER);
	while (n == 0 && at < end)
		n = header_field(r, m, &at, end);
	if (n == 0)
		body_strings(r, m);
	return n;
}

/* ---- the connection ---- */

/* The first letter of a line. */
static int answer(int fd)
{
	char line[128];
	size_t got = 0;
	int r = 0;
	while (r == 0 && got < sizeof(line) && (got == 0 || line[got - 1] != '\n'))
		r = read_some(fd, (uint8_t *)line + got++, 1);
	return r < 0 ? r : line[0];
}

/* "EXTERNAL" without a name: as whom the other end sees, who has another number for us when we are
 * in a user namespace. All at once: systemd looks no further at what it reads together with BEGIN,
 * so a message may follow only once we have its answer (systemd 252). */
static int authenticate(int fd)
{
	static const char hello[] = "\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n";
	int r = send_all(fd, hello, sizeof(hello) - 1);
	if (r == 0)
		r = answer(fd);
	if (r == 'D')
		r = answer(fd);
	return r < 0 ? r : r == 'O' ? 0 : -EACCES;
}

int dbus_connect(struct dbus *d, const char *path, bool is_bus)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const struct timeval limit = {.tv_sec = TIMEOUT_S};
	size_t len = strlen(path);
	*d = (struct dbus){.fd = -1, .is_bus = is_bus};
	if (len >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, len + 1);
	if (*path == '@')
		address.sun_path[0] = '\0';
	socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (*path != '@'));
	CLEANUP_FD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0 ||
	    connect(fd, (struct sockaddr *)&address, size) < 0)
		return -errno;
	int r = authenticate(fd);
	if (r < 0)
		return r;
	d->deadline_ms = clock_ms() + TIMEOUT_S * 1000;
	d->fd = fd_steal(&fd);
	return 0;
}

void dbus_close(struct dbus *d)
{
	fd_drop(&d->fd);
}

int dbus_call(struct dbus *d, bool to_bus, const char *member, const char *signature,
	      const struct dbus_body *body, struct dbus_reply *ret, struct err *e)
{
	struct message m = {0};
	int r = send_call(d, to_bus, member, signature, body);
	while (r == 0 && m.reply_to != d->serial)
		r = receive(d, ret, &m);
	if (r < 0)
		return err_errno(e, r, "systemd does not answer to %s", member);
	if (m.type == TYPE_ERROR)
		return err_set(e, EBADMSG, ERR_SYSTEM, "systemd refuses %s: %s", member,
			       *ret->strings[0] ? ret->strings[0] : ret->error);
	return 0;
}

int dbus_await_signal(struct dbus *d, struct dbus_reply *ret, struct err *e)
{
	struct message m = {0};
	int r = 0;
	while (r == 0 && m.type != TYPE_SIGNAL)
		r = receive(d, ret, &m);
	return r < 0 ? err_errno(e, r, "systemd does not say how it went") : 0;
}
