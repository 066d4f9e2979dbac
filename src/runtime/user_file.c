/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parsing passwd(5) and group(5). Invariant: one pass, no state between lines, nothing is written
 * to the text. Read user_file.h first.
 */
#include "runtime/user_file.h"

#include <string.h>

#include "base/units.h"

enum { PASSWD_FIELDS = 7, GROUP_FIELDS = 4, ID_TEXT_MAX = 16 };

struct part {
	const char *at;
	size_t len;
};

/* Split the line at *@text at colons, and go to the next one. False at the end of the text.
 * Missing fields are empty. */
static bool next_line(const char **text, struct part *fields, size_t count)
{
	const char *at = *text;
	if (!*at)
		return false;
	const char *end = at + strcspn(at, "\n");
	for (size_t i = 0; i < count; i++) {
		size_t len = 0;
		while (at + len < end && (at[len] != ':' || i + 1 == count))
			len++;
		fields[i] = (struct part){at, len};
		at += len + (at + len < end);
	}
	*text = *end ? end + 1 : end;
	return true;
}

static bool part_is(const struct part *f, const char *text)
{
	return f->len == strlen(text) && !memcmp(f->at, text, f->len);
}

static bool part_id(const struct part *f, int64_t *ret)
{
	char text[ID_TEXT_MAX];
	uint64_t id;
	if (f->len >= sizeof(text))
		return false;
	memcpy(text, f->at, f->len);
	text[f->len] = '\0';
	if (uint_parse(text, INT32_MAX, &id) < 0)
		return false;
	*ret = (int64_t)id;
	return true;
}

bool user_file_find(const char *text, const char *name, int64_t uid, struct arena *a,
		    struct user_entry *ret)
{
	enum { NAME, PASSWORD, UID, GID, GECOS, HOME };
	struct part f[PASSWD_FIELDS];
	while (next_line(&text, f, PASSWD_FIELDS)) {
		int64_t u, g;
		if (!f[NAME].len || !part_id(&f[UID], &u) || !part_id(&f[GID], &g))
			continue;
		if (name ? !part_is(&f[NAME], name) : u != uid)
			continue;
		ret->name = arena_strndup(a, f[NAME].at, f[NAME].len);
		ret->home = arena_strndup(a, f[HOME].at, f[HOME].len);
		ret->uid = u;
		ret->gid = g;
		return true;
	}
	return false;
}

bool group_file_find(const char *text, const char *name, int64_t *ret)
{
	enum { NAME, PASSWORD, GID, MEMBERS };
	struct part f[GROUP_FIELDS];
	while (next_line(&text, f, GROUP_FIELDS))
		if (f[NAME].len && part_is(&f[NAME], name) && part_id(&f[GID], ret))
			return true;
	return false;
}

static bool has_member(const struct part *members, const char *user)
{
	const char *at = members->at, *end = at + members->len;
	while (at < end) {
		const char *comma = memchr(at, ',', (size_t)(end - at));
		struct part one = {at, (size_t)((comma ? comma : end) - at)};
		if (one.len && part_is(&one, user))
			return true;
		at += one.len + 1;
	}
	return false;
}

void group_list_add(struct arena *a, struct group_list *list, int64_t gid)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].value == gid)
			return;
	if (list->count == GROUP_LIST_MAX)
		return;
	list->items = arena_grow(a, list->items, list->count, &list->room, sizeof(*list->items));
	list->items[list->count++].value = gid;
}

void group_file_members(const char *text, const char *user, struct arena *a,
			struct group_list *list)
{
	enum { NAME, PASSWORD, GID, MEMBERS };
	struct part f[GROUP_FIELDS];
	int64_t gid;
	while (next_line(&text, f, GROUP_FIELDS))
		if (f[NAME].len && has_member(&f[MEMBERS], user) && part_id(&f[GID], &gid))
			group_list_add(a, list, gid);
}
