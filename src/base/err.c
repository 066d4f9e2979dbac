/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filling and extending struct err. Nothing here allocates: an error must be reportable when
 * memory is what is missing, and in a child between clone and exec.
 * Rests on: errno(3), strerrordesc_np(3). Read err.h first.
 */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
	enum err_kind kind;
	int exit_code;
} kind_table[ERR_KINDS] = {
	[ERR_NONE] = {ERR_NONE, 0},
	[ERR_INTERNAL] = {ERR_INTERNAL, 125},
	[ERR_SYSTEM] = {ERR_SYSTEM, 125},
	[ERR_INVALID] = {ERR_INVALID, 125},
	[ERR_USAGE] = {ERR_USAGE, 125},
	[ERR_NOT_FOUND] = {ERR_NOT_FOUND, 125},
	[ERR_CONFLICT] = {ERR_CONFLICT, 125},
	[ERR_DENIED] = {ERR_DENIED, 125},
	[ERR_NO_COMMAND] = {ERR_NO_COMMAND, 127},
	[ERR_NOT_EXECUTABLE] = {ERR_NOT_EXECUTABLE, 126},
	[ERR_TIMEOUT] = {ERR_TIMEOUT, 125},
	[ERR_OUTPUT] = {ERR_OUTPUT, 1},
};

/* What an errno of a plain system call means to a user, and what to do. */
static const struct {
	int number;
	enum err_kind kind;
	const char *hint;
} errno_table[] = {
	{EPERM, ERR_DENIED, "run hull as root"},
	{EACCES, ERR_DENIED, NULL},
	{ENOENT, ERR_NOT_FOUND, NULL},
	{ENOMEM, ERR_SYSTEM, "free memory, or raise the memory limit that hull itself runs under"},
	{ENOSPC, ERR_SYSTEM, "free space (hull rm, hull rmi), or move the state with --root"},
	{EDQUOT, ERR_SYSTEM, "a quota is full: free space or raise it"},
	{EAGAIN, ERR_SYSTEM, "the limit on processes (ulimit -u, pids cgroup) may be reached"},
	{EMFILE, ERR_SYSTEM, "raise the limit on open files (ulimit -n)"},
	{ENFILE, ERR_SYSTEM, "the machine has no free file handles: raise fs.file-max"},
	{EROFS, ERR_SYSTEM, "the file system is read-only"},
};

const char *err_errno_text(int number)
{
	const char *text = strerrordesc_np(number);
	return text ? text : "unknown error";
}

static void err_fill(struct err *e, int number, enum err_kind kind, const char *fmt, va_list ap)
{
	*e = (struct err){.number = number ? number : EIO, .kind = kind};
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
}

int err_set(struct err *e, int number, enum err_kind kind, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	err_fill(e, number < 0 ? -number : number, kind, fmt, ap);
	va_end(ap);
	return -e->number;
}

int err_errno(struct err *e, int number, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	err_fill(e, number < 0 ? -number : number, ERR_SYSTEM, fmt, ap);
	va_end(ap);
	size_t used = strlen(e->text);
	snprintf(e->text + used, sizeof(e->text) - used, ": %s", err_errno_text(e->number));
	for (size_t i = 0; i < sizeof(errno_table) / sizeof(errno_table[0]); i++) {
		if (errno_table[i].number != e->number)
			continue;
		e->kind = errno_table[i].kind;
		if (errno_table[i].hint)
			err_hint(e, "%s", errno_table[i].hint);
	}
	return -e->number;
}

int err_context(struct err *e, const char *fmt, ...)
{
	char old[sizeof(e->text)];
	memcpy(old, e->text, sizeof(old));
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	size_t used = strlen(e->text);
	snprintf(e->text + used, sizeof(e->text) - used, ": %s", old);
	return -e->number;
}

int err_hint(struct err *e, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(e->hint, sizeof(e->hint), fmt, ap);
	va_end(ap);
	return -e->number;
}

int err_exit_code(enum err_kind kind)
{
	return kind < ERR_KINDS ? kind_table[kind].exit_code : 125;
}
