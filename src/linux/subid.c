/* SPDX-License-Identifier: Apache-2.0 */
/* Reading subuid(5). Read subid.h first. */
#include "linux/subid.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/units.h"

enum { FILE_MAX = 4 << 20 };

/* "name:first:count" */
static bool read_line(char *line, const char *user, uid_t uid, struct idmap *ret)
{
	char *first = strchr(line, ':'), *count = first ? strchr(first + 1, ':') : NULL, number[16];
	if (!count)
		return false;
	*first++ = *count++ = '\0';
	snprintf(number, sizeof(number), "%u", uid);
	return ((user && !strcmp(line, user)) || !strcmp(line, number)) &&
	       int_parse(first, 0, UINT32_MAX - 1, &ret->outside) == 0 &&
	       int_parse(count, 1, UINT32_MAX - 1 - ret->outside, &ret->length) == 0;
}

int subid_map(const char *path, const char *user, uid_t uid, uid_t own, struct arena *a,
	      struct idmap **ret, size_t *ret_count, struct err *e)
{
	char *text = NULL;
	struct idmap *map = arena_array(a, IDMAP_MAX, sizeof(*map));
	size_t count = 0;
	map[count++] = (struct idmap){.inside = 0, .outside = own, .length = 1};
	int r = file_read(AT_FDCWD, path, FILE_MAX, a, &text, NULL, e);
	if (r < 0 && r != -ENOENT)
		return err_context(e, "%s", path);
	for (char *line; r >= 0 && count < IDMAP_MAX && (line = strsep(&text, "\n"));) {
		map[count].inside = map[count - 1].inside + map[count - 1].length;
		if (read_line(line, user, uid, &map[count]))
			count++;
	}
	*ret = map;
	*ret_count = count;
	return 0;
}
