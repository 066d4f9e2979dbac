/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The maps of idmapped mounts, from "idmap" of -v and --mount. See mount_setattr(2), ID-mapped
 * mounts: containerID of the spec is an id as the file system stores it, hostID as the mount shows
 * it. Invariant: an id that a map leaves out is nobody, and cannot be written; so no two owners are
 * ever taken for one. Read mounts.h first.
 */
#include "engine/mounts.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "linux/idmap.h"

enum { PARTS = 3 };
#define IDS INT64_C(4294967295) /* 0 to 4294967294; the last number means "no id" */

static struct oci_id_mapping *push(struct array *list, struct arena *a)
{
	return array_push(a, list, sizeof(struct oci_id_mapping));
}

/* "0-1000-1#1-5-10". Podman's "@" in front says: as the container counts; it counts as the host. */
static int read_ranges(char *text, struct array *list, struct arena *a)
{
	text += *text == '@';
	for (char *range; (range = strsep(&text, "#"));) {
		struct oci_id_mapping *m = push(list, a);
		int64_t *const parts[PARTS] = {&m->container_id, &m->host_id, &m->size};
		for (int i = 0; i < PARTS; i++) {
			char *part = strsep(&range, "-");
			if (!part || int_parse(part, i == PARTS - 1, IDS, parts[i]) < 0)
				return -EINVAL;
		}
		if (range || m->container_id > IDS - m->size || m->host_id > IDS - m->size)
			return -EINVAL;
	}
	return list->count > IDMAP_MAX ? -EINVAL : 0;
}

static int read_maps(const char *text, struct oci_mount *ret, struct arena *a, struct err *e)
{
	struct array uids = {0}, gids = {0};
	char *rest = arena_strdup(a, text);
	int r = 0;
	for (char *part; r == 0 && (part = strsep(&rest, ";"));) {
		bool uid = !strncmp(part, "uids=", 5);
		struct array *list = uid ? &uids : &gids;
		r = list->count || (!uid && strncmp(part, "gids=", 5))
			    ? -EINVAL
			    : read_ranges(part + 5, list, a);
	}
	if (r < 0) {
		err_set(e, EINVAL, ERR_INVALID, "idmap=%s: not understood", text);
		return err_hint(e, "idmap alone shows the source as the user's own; else "
				   "idmap=uids=STORED-SHOWN-COUNT[#...][;gids=...]");
	}
	ret->uid_mappings = uids.count ? uids : gids;
	ret->gid_mappings = gids.count ? gids : uids;
	return 0;
}

/* All ids as they are but two: what @owner has is shown as @user's. */
static void exchange(int64_t owner, int64_t user, struct array *list, struct arena *a)
{
	int64_t low = owner < user ? owner : user, high = owner < user ? user : owner;
	const struct oci_id_mapping ranges[] = {
		{0, 0, low},
		{owner, user, 1},
		{low + 1, low + 1, high - low - 1},
		{high + 1, high + 1, IDS - high - 1},
	};
	for (size_t i = 0; i < ARRAY_LEN(ranges); i++)
		if (ranges[i].size > 0)
			*push(list, a) = ranges[i];
}

int mount_idmap_plan(const struct mount_point *m, const struct oci_user *user,
		     const struct stat *owner, struct oci_mount *ret, struct arena *a,
		     struct err *e)
{
	strv_push(a, &ret->options, m->non_recursive ? "idmap" : "ridmap");
	if (*m->idmap)
		return read_maps(m->idmap, ret, a, e);
	exchange(owner->st_uid, user->uid, &ret->uid_mappings, a);
	exchange(owner->st_gid, user->gid, &ret->gid_mappings, a);
	return 0;
}
