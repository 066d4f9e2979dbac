/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Groups of the file system resctrl. Rests on Documentation/filesystems/resctrl.rst.
 * Invariant: whoever makes or compares holds the lock that the kernel's document names, flock(2) of
 * the mount; a group that was not made here is never removed. Read resctrl.h first.
 */
#include "linux/resctrl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/path.h"

enum { SCHEMATA_MAX = 16384 };

void resctrl_close(struct resctrl *r)
{
	fd_drop(&r->tasks[0]);
	fd_drop(&r->tasks[1]);
}

static bool given(const char *text)
{
	return text && *text;
}

const char *resctrl_group(const struct resctrl_wish *w)
{
	return !given(w->clos) ? w->id : !strcmp(w->clos, "/") ? "." : w->clos;
}

/* What the kernel has to say of the last thing that it refused. */
static int refused(int mount, int number, struct err *e, const char *what,
		   const struct resctrl_wish *w)
{
	char words[256];
	err_errno(e, number, "intelRdt: cannot %s group %s", what, resctrl_group(w));
	if (file_read_small(mount, "info/last_cmd_status", words, sizeof(words)) > 0 &&
	    strcmp(words, "ok") != 0)
		err_hint(e, "the kernel says: %s", words);
	return -e->number;
}

/* "36 35 98:0 / /mount/point options - resctrl resctrl rw" */
int resctrl_mount(struct err *e)
{
	CLEANUP_FILE FILE *f = fopen("/proc/self/mountinfo", "re");
	CLEANUP_FREE char *line = NULL;
	size_t room = 0;
	while (f && getline(&line, &room, f) > 0) {
		CLEANUP_FREE char *point = NULL;
		if (!strstr(line, " - resctrl ") ||
		    sscanf(line, "%*s %*s %*s %*s %ms", &point) != 1)
			continue;
		path_unescape(point);
		int fd = open(point, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		return fd < 0 ? err_errno(e, errno, "intelRdt: cannot open %s", point) : fd;
	}
	err_set(e, EOPNOTSUPP, ERR_INVALID,
		"intelRdt: the file system resctrl is not mounted here");
	return err_hint(e, "where the processor has it: mount -t resctrl resctrl /sys/fs/resctrl");
}

/* ---- words ---- */

static int check_line(const char *name, const char *line, const char *start, struct err *e)
{
	if (given(line) && (strncmp(line, start, strlen(start)) != 0 || strchr(line, '\n')))
		return err_set(e, EINVAL, ERR_INVALID, "intelRdt.%s \"%.200s\": not one line%s%s",
			       name, line, *start ? " that starts with " : "", start);
	return 0;
}

static bool has_shares(const struct resctrl_wish *w)
{
	return given(w->l3) || given(w->bandwidth) || (w->more && w->more->count);
}

char *resctrl_monitoring_group(const struct resctrl_wish *w, char path[static RESCTRL_PATH_SIZE])
{
	snprintf(path, RESCTRL_PATH_SIZE, "%.255s/mon_groups/%.255s", resctrl_group(w), w->id);
	return path;
}

/* What is this container's alone, and goes with it: a group, or one that counts in another's. */
static const char *own_group(const struct resctrl_wish *w, char path[static RESCTRL_PATH_SIZE])
{
	return !given(w->clos) ? w->id : w->monitor ? resctrl_monitoring_group(w, path) : NULL;
}

static int check_words(const struct resctrl_wish *w, struct err *e)
{
	int r = check_line("l3CacheSchema", w->l3, "", e);
	if (r == 0)
		r = check_line("memBwSchema", w->bandwidth, "MB:", e);
	for (size_t i = 0; r == 0 && w->more && i < w->more->count; i++)
		r = check_line("schemata", w->more->items[i], "", e);
	return r;
}

int resctrl_check(int mount, const struct resctrl_wish *w, struct err *e)
{
	char path[RESCTRL_PATH_SIZE];
	const char *own = own_group(w, path);
	bool named = given(w->clos) && strcmp(w->clos, "/") != 0;
	int r = check_words(w, e);
	if (r == 0 && named && !path_is_component(w->clos))
		r = err_set(e, EINVAL, ERR_INVALID, "intelRdt.closID \"%.200s\": no name", w->clos);
	if (r == 0 && named && !has_shares(w) && !file_exists(mount, w->clos))
		r = err_set(e, ENOENT, ERR_NOT_FOUND,
			    "intelRdt.closID %s: there is no such group, and no schemata to make "
			    "it with",
			    w->clos);
	/* Who removes it afterwards must know that it was made for him. */
	if (r == 0 && own && file_exists(mount, own))
		r = err_set(e, EEXIST, ERR_CONFLICT,
			    "intelRdt: there is a group %s already, and not this container's", own);
	return r;
}

/* ---- shares ---- */

/* The share of @id in "L3:0=7f0;1=1f": hexadecimal or not, zeros in front count for nothing. */
static bool share_of(const char *line, unsigned long id, unsigned long long *ret)
{
	for (const char *at = strchr(line, ':'); at && *at != '\n'; at = strpbrk(at + 1, ";\n")) {
		char *end;
		if (strtoul(at + 1, &end, 10) != id || *end != '=')
			continue;
		*ret = strtoull(end + 1, NULL, 16);
		return true;
	}
	return false;
}

/* The line of @name, of @length with its colon, in what the kernel shows, which indents. */
static const char *line_of(const char *schemata, const char *name, size_t length)
{
	for (const char *at = schemata; at; at = strchr(at, '\n')) {
		at += strspn(at, " \n");
		if (!strncmp(at, name, length))
			return at;
	}
	return NULL;
}

static bool line_holds(const char *schemata, const char *wanted)
{
	size_t name = strcspn(wanted, ":");
	const char *line = wanted[name] ? line_of(schemata, wanted, name + 1) : NULL;
	unsigned long long have, want;
	for (const char *at = wanted + name; line && at && *at; at = strchr(at + 1, ';')) {
		unsigned long id = strtoul(at + 1, NULL, 10);
		if (!share_of(wanted, id, &want) || !share_of(line, id, &have) || have != want)
			return false;
	}
	return line;
}

static int compare(int group, const struct resctrl_wish *w, struct err *e)
{
	char text[SCHEMATA_MAX];
	const char *const wanted[] = {w->l3, w->bandwidth};
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
		if (!given(wanted[i]))
			continue;
		ssize_t n = file_read_small(group, "schemata", text, sizeof(text));
		if (n < 0)
			return err_errno(e, (int)n,
					 "intelRdt: cannot read the schemata of group %s",
					 resctrl_group(w));
		if (!line_holds(text, wanted[i]))
			return err_set(e, EINVAL, ERR_CONFLICT,
				       "intelRdt: group %s is there, and its schemata are not %s",
				       resctrl_group(w), wanted[i]);
	}
	return 0;
}

static int share(int mount, int group, const struct resctrl_wish *w, bool all, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	struct strv lines = {0};
	if (all && given(w->l3))
		strv_push(&a, &lines, w->l3);
	if (all && given(w->bandwidth))
		strv_push(&a, &lines, w->bandwidth);
	if (w->more)
		strv_push_all(&a, &lines, w->more);
	if (lines.count == 0)
		return 0;
	strv_push(&a, &lines, "");
	int r = file_write_small(group, "schemata", strv_join(&a, &lines, "\n"));
	return r < 0 ? refused(mount, r, e, "set the schemata of", w) : 0;
}

/* ---- groups ---- */

static int open_group(int mount, const struct resctrl_wish *w, struct err *e)
{
	int fd = openat(mount, resctrl_group(w), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? refused(mount, errno, e, "open", w) : fd;
}

static int open_tasks(int mount, int group, const struct resctrl_wish *w, struct resctrl *ret,
		      struct err *e)
{
	char path[RESCTRL_PATH_SIZE];
	snprintf(path, sizeof(path), "mon_groups/%.255s/tasks", w->id);
	ret->tasks[0] = openat(group, "tasks", O_WRONLY | O_CLOEXEC);
	if (ret->tasks[0] >= 0 && w->monitor)
		ret->tasks[1] = openat(group, path, O_WRONLY | O_CLOEXEC);
	return ret->tasks[w->monitor] < 0 ? refused(mount, errno, e, "open the tasks of", w) : 0;
}

/* 1: it is new; 0: it was there. */
static int make_group(int mount, const struct resctrl_wish *w, struct err *e)
{
	if (mkdirat(mount, resctrl_group(w), 0755) == 0)
		return 1;
	if (errno == EEXIST && given(w->clos))
		return 0;
	return refused(mount, errno, e, "make", w);
}

/* Its monitoring group, and the ways in. */
static int enter_by(int mount, int group, const struct resctrl_wish *w, struct resctrl *ret,
		    struct err *e)
{
	char path[RESCTRL_PATH_SIZE];
	snprintf(path, sizeof(path), "mon_groups/%.255s", w->id);
	if (w->monitor && mkdirat(group, path, 0755) < 0)
		return refused(mount, errno, e, "make the monitoring group of", w);
	int r = open_tasks(mount, group, w, ret, e);
	if (r < 0 && w->monitor)
		unlinkat(group, path, AT_REMOVEDIR);
	return r;
}

static int fill(int mount, const struct resctrl_wish *w, bool made, struct resctrl *ret,
		struct err *e)
{
	CLEANUP_FD int group = open_group(mount, w, e);
	int r = group < 0 ? group : made ? 0 : compare(group, w, e);
	if (r == 0)
		r = share(mount, group, w, made, e);
	return r < 0 ? r : enter_by(mount, group, w, ret, e);
}

int resctrl_make(int mount, const struct resctrl_wish *w, struct resctrl *ret, struct err *e)
{
	flock(mount, LOCK_EX);
	int made = given(w->clos) && !has_shares(w) ? 0 : make_group(mount, w, e);
	int r = made < 0 ? made : fill(mount, w, made, ret, e);
	if (r < 0)
		resctrl_close(ret);
	if (r < 0 && made > 0)
		unlinkat(mount, resctrl_group(w), AT_REMOVEDIR);
	flock(mount, LOCK_UN);
	return r;
}

int resctrl_open(int mount, const struct resctrl_wish *w, struct resctrl *ret, struct err *e)
{
	CLEANUP_FD int group = open_group(mount, w, e);
	return group < 0 ? group : open_tasks(mount, group, w, ret, e);
}

int resctrl_enter(const struct resctrl *r, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(r->tasks); i++)
		if (r->tasks[i] >= 0 && write(r->tasks[i], "0", 1) < 0)
			return err_errno(e, errno, "intelRdt: cannot enter the group of resctrl");
	return 0;
}

int resctrl_update(int mount, const struct resctrl_wish *w, struct err *e)
{
	int r = check_words(w, e);
	CLEANUP_FD int group = r < 0 ? r : open_group(mount, w, e);
	return group < 0 ? group : share(mount, group, w, true, e);
}

int resctrl_remove(int mount, const struct resctrl_wish *w, struct err *e)
{
	char path[RESCTRL_PATH_SIZE];
	const char *own = own_group(w, path);
	return own && unlinkat(mount, own, AT_REMOVEDIR) < 0 && errno != ENOENT
		       ? refused(mount, errno, e, "remove", w)
		       : 0;
}
