/* SPDX-License-Identifier: Apache-2.0 */
/*
 * As much of D-Bus as asking systemd for a unit needs: one blocking connection to systemd's private
 * socket, or to a bus; method calls and signals, at most DBUS_MESSAGE_MAX bytes each. See the D-Bus
 * specification, "Message Protocol" and "Authentication Protocol".
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { DBUS_MESSAGE_MAX = 16384 };

/** The body of a message under construction. Too much marks it failed; the call says so. */
struct dbus_body {
	uint8_t buf[DBUS_MESSAGE_MAX];
	size_t len;
	bool failed;
};

/** A number of @size bytes, aligned to them; true and false have 4. */
void dbus_put_number(struct dbus_body *b, uint64_t value, size_t size);
/** A string or an object path. */
void dbus_put_string(struct dbus_body *b, const char *text);
/** An array: its length is filled in by dbus_array_end(); @alignment is that of its items. */
size_t dbus_array_begin(struct dbus_body *b, size_t alignment);
void dbus_array_end(struct dbus_body *b, size_t begin, size_t alignment);
/** Begin a structure. */
void dbus_struct(struct dbus_body *b);
/** Begin "(sv)", an item of systemd's lists of properties; a value of type @signature follows. */
void dbus_property(struct dbus_body *b, const char *name, const char *signature);

struct dbus {
	int fd; /* -1: not connected */
	bool is_bus;
	uint32_t serial;
	int64_t deadline_ms; /* of all that is done with it (clock_ms) */
};
#define DBUS_CLOSED                                                                                \
	{                                                                                          \
		.fd = -1                                                                           \
	}
#define CLEANUP_DBUS __attribute__((cleanup(dbus_close)))

/** What came back. All strings are "" where there is none. */
struct dbus_reply {
	uint8_t buf[DBUS_MESSAGE_MAX];
	const char *strings[4]; /* of the body's beginning, in order; numbers are passed over */
	const char *error;      /* its name */
	const char *member;     /* the signal's name */
};

/** Connect to the socket @path, "@name" for an abstract one; @is_bus: a message bus, not the peer
 *  itself. 0 or -errno. */
int dbus_connect(struct dbus *d, const char *path, bool is_bus);
void dbus_close(struct dbus *d);
/** Call a method of systemd's manager, or (@to_bus) of the bus. An error that comes back is one:
 *  -EBADMSG with its name in @ret->error and its text in @e. */
int dbus_call(struct dbus *d, bool to_bus, const char *member, const char *signature,
	      const struct dbus_body *body, struct dbus_reply *ret, struct err *e);
/** Wait for the next signal. */
int dbus_await_signal(struct dbus *d, struct dbus_reply *ret, struct err *e);
