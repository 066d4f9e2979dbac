/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: what a bus or systemd answers, and the text of a property. Strings end within what
 * came, and what is put stays within the message. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "linux/dbus.h"
#include "linux/systemd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct dbus_reply *r, const char *text)
{
	const char *begin = (const char *)r->buf, *end = begin + sizeof(r->buf);
	if (*text && (text < begin || text >= end || text + strlen(text) >= end))
		abort();
}

static void answer(const uint8_t *data, size_t size)
{
	static struct dbus_reply r;
	int pair[2];
	struct err e;
	if (size > 65536 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return;
	struct dbus d = {.fd = pair[0], .deadline_ms = INT64_MAX};
	if (send(pair[1], data, size, MSG_DONTWAIT) == (ssize_t)size &&
	    shutdown(pair[1], SHUT_WR) == 0) {
		dbus_call(&d, false, "Get", "", NULL, &r, &e);
		while (dbus_await_signal(&d, &r, &e) == 0) {
			check(&r, r.member);
			check(&r, r.error);
			for (size_t i = 0; i < ARRAY_LEN(r.strings); i++)
				check(&r, r.strings[i]);
		}
	}
	dbus_close(&d);
	close(pair[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct dbus_body b;
	struct err e;
	answer(data, size);
	CLEANUP_FREE char *text = malloc(size + 1);
	if (!text)
		return 0;
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	b.len = 0;
	b.failed = false;
	for (size_t i = 0; i < 8; i++)
		systemd_property_put(&b,
				     i % 2 ? "org.systemd.property.RuntimeMaxSec"
					   : "org.systemd.property.Thing",
				     text, &e);
	if (b.len > sizeof(b.buf))
		abort();
	return 0;
}
