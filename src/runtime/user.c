/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Users and groups of an image, looked up in its own passwd(5) and group(5) without any code of the
 * image or of the host's name service. Rests on openat2(2).
 * Invariant: files are the image's words: opened below its root, never waited for, regular, at most
 * FILE_MAX bytes, line by line. Digits are a number and never a name, or an image could make 1000
 * mean root. Read runtime.h first.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/units.h"
#include "runtime/runtime.h"
#include "runtime/user_file.h"

enum { FILE_MAX = 1 << 20 };
#define ID_MAX ((uint64_t)INT32_MAX)

/* The text of a file below the root; "" when there is none. -errno: it is there and of no use. */
static int read_text(int rootfd, const char *path, struct arena *a, const char **ret)
{
	struct stat st;
	CLEANUP_FD int fd = path_open_in_root(rootfd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	*ret = "";
	if (fd == -ENOENT || fd == -ENOTDIR)
		return 0;
	if (fd < 0 || fstat(fd, &st) < 0)
		return fd < 0 ? fd : -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if (st.st_size > FILE_MAX)
		return -EFBIG;
	char *text = arena_alloc(a, (size_t)st.st_size + 1);
	ssize_t n = fd_read_full(fd, text, (size_t)st.st_size);
	if (n < 0)
		return (int)n;
	text[n] = '\0';
	*ret = text;
	return 0;
}

static int unusable(const char *path, int number, struct err *e)
{
	if (number == -EINVAL)
		return err_set(e, EINVAL, ERR_INVALID, "the image's /%s is not a regular file",
			       path);
	if (number == -EFBIG)
		return err_set(e, EFBIG, ERR_INVALID, "the image's /%s is larger than %d bytes",
			       path, FILE_MAX);
	return err_errno(e, number, "cannot read the image's /%s", path);
}

static bool is_digits(const char *text)
{
	return *text && text[strspn(text, "0123456789")] == '\0';
}

/* Only digits, and at most 2^31-1 as in docker: nothing wraps, nothing is -1. */
static int parse_id(const char *text, const char *what, int64_t *ret, struct err *e)
{
	uint64_t id;
	if (uint_parse(text, ID_MAX, &id) < 0)
		return err_set(e, EINVAL, ERR_INVALID, "%s %.64s: must be between 0 and %llu", what,
			       text, (unsigned long long)ID_MAX);
	*ret = (int64_t)id;
	return 0;
}

/* A number, or with a sign or blank something that was meant to be one: never a name. */
static bool looks_numeric(const char *text)
{
	return is_digits(text + strspn(text, "+-"));
}

static int not_found(const char *what, const char *name, const char *path, struct err *e)
{
	err_set(e, ENOENT, ERR_INVALID,
		"unable to find %s %.128s: no matching entry in /%s of the image", what, name,
		path);
	return err_hint(e, "use a number, or add the %s to the image", what);
}

static int find_user(int rootfd, const char *name, struct arena *a, struct user_entry *ret,
		     struct err *e)
{
	static const char path[] = "etc/passwd";
	const char *text;
	*ret = (struct user_entry){.home = ""};
	bool numeric = looks_numeric(name);
	int r = numeric ? parse_id(name, "user", &ret->uid, e) : 0;
	if (r < 0)
		return r;
	r = read_text(rootfd, path, a, &text);
	/* For a number the file only adds a home and a group: nothing depends on it. */
	if (r < 0)
		return numeric ? 0 : unusable(path, r, e);
	if (user_file_find(text, numeric ? NULL : name, ret->uid, a, ret) || numeric)
		return 0;
	return not_found("user", name, path, e);
}

static int find_group(int rootfd, const char *name, struct arena *a, int64_t *ret, struct err *e)
{
	static const char path[] = "etc/group";
	const char *text;
	if (looks_numeric(name))
		return parse_id(name, "group", ret, e);
	int r = read_text(rootfd, path, a, &text);
	if (r < 0)
		return unusable(path, r, e);
	return group_file_find(text, name, ret) ? 0 : not_found("group", name, path, e);
}

static int add_groups(int rootfd, const struct user_entry *user, bool implicit,
		      const struct strv *group_add, struct arena *a, struct oci_user *ret,
		      struct err *e)
{
	const char *text = "";
	struct group_list list = {0};
	if (implicit && user->name) {
		int r = read_text(rootfd, "etc/group", a, &text);
		if (r < 0)
			return unusable("etc/group", r, e);
		group_file_members(text, user->name, a, &list);
	}
	for (size_t i = 0; group_add && i < group_add->count; i++) {
		int64_t gid;
		int r = find_group(rootfd, group_add->items[i], a, &gid, e);
		if (r < 0)
			return r;
		group_list_add(a, &list, gid);
	}
	ret->additional_gids = (struct array){list.items, list.count};
	return 0;
}

void runtime_add_groups(struct oci_user *u, const struct array *more, struct arena *a)
{
	const struct array *const from[] = {&u->additional_gids, more};
	struct group_list list = {0};
	for (size_t k = 0; k < ARRAY_LEN(from); k++)
		for (size_t i = 0; i < from[k]->count; i++)
			group_list_add(a, &list,
				       ((const struct oci_number *)from[k]->items)[i].value);
	u->additional_gids = (struct array){list.items, list.count};
}

int runtime_lookup_user(int rootfd, const char *user, const struct strv *group_add, struct arena *a,
			struct oci_user *ret, char **ret_home, struct err *e)
{
	struct user_entry entry;
	struct oci_user found = {0};
	const char *colon = strchr(user, ':');
	char *name = arena_strndup(a, user, colon ? (size_t)(colon - user) : strlen(user));
	const char *group = colon && colon[1] ? colon + 1 : NULL;
	int r = find_user(rootfd, *name ? name : "0", a, &entry, e);
	if (r < 0)
		return r;
	found.uid = entry.uid;
	found.gid = entry.gid;
	if (group && (r = find_group(rootfd, group, a, &found.gid, e)) < 0)
		return r;
	r = add_groups(rootfd, &entry, !group, group_add, a, &found, e);
	if (r < 0)
		return r;
	*ret = found;
	*ret_home = arena_strdup(a, entry.home);
	return 0;
}
