/* SPDX-License-Identifier: Apache-2.0 */
/* What a group of resctrl is given and uses, read from its files and from `info`. What this
 * processor does not have is left out. See Documentation/filesystems/resctrl.rst. */
#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "linux/resctrl.h"

enum { TEXT_MAX = 16384, NAME_MAX_HERE = 900 };

/* The words of a file, NULL where it is not there. */
__attribute__((format(printf, 3, 4))) static char *words(int mount, struct arena *a,
							 const char *format, ...)
{
	char path[NAME_MAX_HERE], text[TEXT_MAX];
	va_list args;
	va_start(args, format);
	vsnprintf(path, sizeof(path), format, args);
	va_end(args);
	return file_read_small(mount, path, text, sizeof(text)) < 0 ? NULL : arena_strdup(a, text);
}

static int64_t number(const char *text)
{
	return text ? strtoll(text, NULL, 10) : 0;
}

/* The line of L3 (or of L3CODE and L3DATA the last one), or of MB. */
static char *line_with(const struct strv *schemata, const char *name)
{
	char *found = NULL;
	for (size_t i = 0; i < schemata->count; i++)
		if (!strncmp(schemata->items[i], name, strlen(name)))
			found = schemata->items[i];
	return found;
}

/* The kernel aligns the names by blanks in front. */
static struct strv lines_of(char *text, struct arena *a)
{
	struct strv lines = {0};
	char *rest = text;
	for (char *line; text && (line = strsep(&rest, "\n"));) {
		line += strspn(line, " ");
		if (*line)
			strv_push(a, &lines, line);
	}
	return lines;
}

static void read_shares(int mount, const char *group, struct arena *a, struct resctrl_stats *ret)
{
	struct strv root = lines_of(words(mount, a, "schemata"), a);
	ret->schemata = lines_of(words(mount, a, "%s/schemata", group), a);
	ret->l3_root = line_with(&root, "L3");
	ret->l3 = line_with(&ret->schemata, "L3");
	ret->bandwidth_root = line_with(&root, "MB");
	ret->bandwidth = line_with(&ret->schemata, "MB");
}

static void read_info(int mount, struct arena *a, struct resctrl_stats *ret)
{
	char *mask = words(mount, a, "info/L3/cbm_mask");
	char *least = words(mount, a, "info/MB/min_bandwidth");
	if (mask) {
		ret->cache = arena_new(a, struct resctrl_cache);
		*ret->cache = (struct resctrl_cache){
			mask, number(words(mount, a, "info/L3/min_cbm_bits")),
			number(words(mount, a, "info/L3/num_closids"))};
	}
	if (least) {
		ret->memory = arena_new(a, struct resctrl_memory);
		*ret->memory = (struct resctrl_memory){
			number(words(mount, a, "info/MB/bandwidth_gran")),
			number(words(mount, a, "info/MB/delay_linear")), number(least),
			number(words(mount, a, "info/MB/num_closids"))};
	}
}

static int is_domain(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

/* A folder for each domain, which shares a cache: mon_data/mon_L3_00. */
static void read_counters(int mount, const char *group, struct arena *a, struct resctrl_stats *ret)
{
	char path[NAME_MAX_HERE];
	struct dirent **domains = NULL;
	snprintf(path, sizeof(path), "%s/mon_data", group);
	int count = scandirat(mount, path, &domains, is_domain, alphasort);
	for (int i = 0; i < count; i++) {
		const char *domain = domains[i]->d_name;
		char *total = words(mount, a, "%s/%s/mbm_total_bytes", path, domain);
		char *local = words(mount, a, "%s/%s/mbm_local_bytes", path, domain);
		char *held = words(mount, a, "%s/%s/llc_occupancy", path, domain);
		if (total || local)
			*(struct resctrl_moved *)array_push(a, &ret->moved,
							    sizeof(struct resctrl_moved)) =
				(struct resctrl_moved){number(total), number(local)};
		if (held)
			*(struct resctrl_held *)array_push(a, &ret->held,
							   sizeof(struct resctrl_held)) =
				(struct resctrl_held){number(held)};
		free(domains[i]);
	}
	free(domains);
}

void resctrl_stats_read(int mount, const struct resctrl_wish *w, struct arena *a,
			struct resctrl_stats *ret)
{
	char own[RESCTRL_PATH_SIZE];
	const char *group = resctrl_group(w);
	*ret = (struct resctrl_stats){0};
	read_shares(mount, group, a, ret);
	read_info(mount, a, ret);
	read_counters(mount, w->monitor ? resctrl_monitoring_group(w, own) : group, a, ret);
}
