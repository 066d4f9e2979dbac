/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of passwd(5) and group(5), as foreign bytes: broken lines are skipped, ids outside of
 * 0..2^31-1 too. A later file of a layer may be anything; nothing here fails.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "spec/oci.h"

struct user_entry {
	const char *name; /* NULL: no entry */
	const char *home; /* "" when unknown */
	int64_t uid, gid;
};

struct group_list {
	struct oci_number *items;
	size_t count, room;
};

enum { GROUP_LIST_MAX = 65536 };

/** The first entry of @name, or with NULL the first of @uid. False leaves @ret as it was. */
bool user_file_find(const char *text, const char *name, int64_t uid, struct arena *a,
		    struct user_entry *ret);
/** The id of the group @name. */
bool group_file_find(const char *text, const char *name, int64_t *ret);
/** Add the groups whose member list has @user. */
void group_file_members(const char *text, const char *user, struct arena *a,
			struct group_list *list);
/** Add one; a gid that is in the list, or beyond GROUP_LIST_MAX, is left out. */
void group_list_add(struct arena *a, struct group_list *list, int64_t gid);
