/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of environment variables and labels, by docker's rules: docker run reference, "--env-file".
 * Read env_file.h first.
 */
#include "cli/env_file.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/utf8.h"

static bool is_utf8(const char *text)
{
	size_t len = strlen(text), width = 0;
	for (uint32_t c; len; text += width, len -= width) {
		width = utf8_decode(text, len, &c);
		if (width == 1 && c == UTF8_BROKEN)
			return false;
	}
	return true;
}

static int read_line(char *line, enum env_bare bare, struct strv *ret, struct arena *a,
		     struct err *e)
{
	while (isspace((unsigned char)*line))
		line++;
	if (!*line || *line == '#')
		return 0;
	size_t len = strcspn(line, "=");
	if (!len)
		return err_set(e, EINVAL, ERR_INVALID,
			       "poorly formatted environment: no variable name on line '%s'", line);
	char *name = arena_strndup(a, line, len);
	if (name[strcspn(name, " \t\v\f\r")])
		return err_set(e, EINVAL, ERR_INVALID,
			       "poorly formatted environment: variable '%s' contains whitespaces",
			       name);
	if (line[len] == '=' || bare == ENV_BARE_EMPTY) {
		strv_push(a, ret, line);
		return 0;
	}
	const char *value = getenv(name);
	if (value)
		strv_push(a, ret, arena_printf(a, "%s=%s", name, value));
	return 0;
}

int env_text_read(const char *text, size_t len, enum env_bare bare, struct strv *ret,
		  struct arena *a, struct err *e)
{
	static const char mark[] = "\xef\xbb\xbf"; /* a byte order mark, as Windows editors write */
	char *copy = arena_strndup(a, text, len);
	size_t count = 0;
	if (!strncmp(copy, mark, 3))
		copy += 3;
	for (char *line = copy, *next; line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		size_t end = strlen(line);
		if (end && line[end - 1] == '\r')
			line[end - 1] = '\0';
		if (++count > ENV_LINES_MAX)
			return err_set(e, E2BIG, ERR_INVALID, "more than %d lines", ENV_LINES_MAX);
		if (!is_utf8(line))
			return err_set(e, EILSEQ, ERR_INVALID, "invalid utf8 bytes at line %zu",
				       count);
		int r = read_line(line, bare, ret, a, e);
		if (r < 0)
			return r;
	}
	return 0;
}

int env_file_read(const char *path, enum env_bare bare, struct strv *ret, struct arena *a,
		  struct err *e)
{
	char *text;
	size_t len;
	int r = file_read_named(path, ENV_FILE_MAX, a, &text, &len, e);
	if (r < 0)
		return r;
	if (memchr(text, '\0', len))
		return err_set(e, EINVAL, ERR_INVALID, "%s is not a text file", path);
	r = env_text_read(text, len, bare, ret, a, e);
	return r < 0 ? err_context(e, "%s", path) : 0;
}

int env_files_read(const struct strv *files, const struct strv *more, enum env_bare bare,
		   struct strv *ret, struct arena *a, struct err *e)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < files->count; i++)
		r = env_file_read(files->items[i], bare, ret, a, e);
	strv_push_all(a, ret, more);
	return r;
}
