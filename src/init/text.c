// SPDX-License-Identifier: Apache-2.0
/*
 * Text without a libc: compare, numbers in and out, words for an errno.
 *
 * Invariant: pure functions that allocate nothing, and a table that holds characters and not
 * pointers (see meson.build). They run in the unit tests on a host libc.
 */
#include <asm/errno.h>

#include "text.h"

struct error_text {
	int error;
	char text[44];
};

static const struct error_text errors[] = {
	{E2BIG, "arguments and environment too long"},
	{EACCES, "permission denied"},
	{EAGAIN, "no process can be created (limit reached)"},
	{EBADF, "no such open descriptor"},
	{EINVAL, "invalid"},
	{EIO, "input/output error"},
	{EISDIR, "is a directory"},
	{ELOOP, "too many symbolic links"},
	{ENAMETOOLONG, "name too long"},
	{ENOENT, "no such file or directory"},
	{ENOEXEC, "not a program for this machine"},
	{ENOMEM, "out of memory"},
	{ENOSYS, "the kernel does not know this call"},
	{ENOTDIR, "a part of the path is not a directory"},
	{EPERM, "not permitted"},
	{ESRCH, "no such process"},
	{ETXTBSY, "the file is being written to"},
};

size_t text_length(const char *text)
{
	size_t length = 0;

	while (text[length])
		length++;
	return length;
}

const char *text_after(const char *text, const char *prefix)
{
	for (; *prefix; prefix++, text++)
		if (*text != *prefix)
			return NULL;
	return text;
}

bool text_equal(const char *left, const char *right)
{
	const char *rest = text_after(left, right);

	return rest && !*rest;
}

const char *text_basename(const char *path)
{
	const char *name = path;

	for (; *path; path++)
		if (*path == '/')
			name = path + 1;
	return name;
}

int64_t text_number(const char **text, int64_t limit)
{
	const char *at = *text;
	int64_t number = 0;

	if (*at < '0' || *at > '9')
		return -1;
	for (; *at >= '0' && *at <= '9'; at++) {
		number = number * 10 + (*at - '0');
		if (number > limit)
			return -1;
	}
	*text = at;
	return number;
}

char *text_from_number(char buffer[TEXT_NUMBER_SIZE], int number)
{
	unsigned int rest = number < 0 ? 0U - (unsigned int)number : (unsigned int)number;
	char *at = buffer + TEXT_NUMBER_SIZE - 1;

	*at = '\0';
	do
		*--at = (char)('0' + rest % 10);
	while (rest /= 10);
	if (number < 0)
		*--at = '-';
	return at;
}

char *text_env(char **envp, const char *name)
{
	for (; *envp; envp++) {
		const char *value = text_after(*envp, name);

		if (value && *value == '=')
			return *envp + (value - *envp) + 1;
	}
	return NULL;
}

const char *text_error(int error, char buffer[TEXT_NUMBER_SIZE + 6])
{
	char *number;

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (errors[i].error == error)
			return errors[i].text;
	number = text_from_number(buffer + 6, error) - 6;
	memcpy(number, "error ", 6);
	return number;
}
