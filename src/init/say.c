// SPDX-License-Identifier: Apache-2.0
/*
 * Messages to standard error, which must never stop PID 1.
 *
 * Standard error may be a pipe whose reader is stuck, and its O_NONBLOCK flag is shared with the
 * container's programs, so it is not ours to set. pwritev2(2) with RWF_NOWAIT asks for one write
 * that does not wait (pipes: Linux 6.4); where the flag is not known, poll(2) tells whether there
 * is room.
 *
 * Invariant: text_say() returns at once; one message is one write.
 */
#include <stdarg.h>

#include <asm/errno.h>

#include "sys.h"
#include "text.h"

/* One write that does not wait. */
static void write_now(const char *line, size_t size)
{
	struct pollfd room = {.fd = 2, .events = POLLOUT};
	long written = sys_write_now(2, line, size);

	if (written >= 0 || written == -EPIPE)
		return;
	/* Full; or a file, or a kernel, that does not know such a write. */
	if (sys_poll_now(&room, 1) == 1 && room.revents & POLLOUT)
		sys_write(2, line, size);
}

void text_say(const char *part, ...)
{
	char line[TEXT_LINE_MAX];
	size_t used = 11;
	va_list parts;

	memcpy(line, "hull-init: ", used);
	va_start(parts, part);
	for (; part; part = va_arg(parts, const char *))
		while (*part && used < sizeof(line) - 1)
			line[used++] = *part++;
	va_end(parts);
	line[used++] = '\n';
	write_now(line, used);
}

void text_print(int fd, const char *text)
{
	size_t left = text_length(text);

	while (left > 0) {
		long written = sys_write(fd, text, left);

		if (written <= 0)
			return;
		text += written;
		left -= (size_t)written;
	}
}
