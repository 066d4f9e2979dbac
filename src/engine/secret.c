/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store of secrets. Crash rules: all of it is done under the writers' lock. A file is there
 * before its row is committed, and gone before that of its removal is: what is removed is nowhere
 * any more, whatever happens then. So a file without a row belongs to nothing, and a row without
 * its file is one whose removal was cut off (check.c). Read secret.h first.
 */
#include "engine/secret.h"

#include <ctype.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/event.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/json.h"
#include "base/path.h"
#include "base/utf8.h"

int secret_file_write(int dirfd, const char *path, const void *data, size_t len, bool durable,
		      struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	const char *aside = arena_printf(&a, "%s.new", path);
	CLEANUP_FD int fd = file_unnamed(dirfd, path, aside);
	int r = fd < 0 ? fd : fd_write_full(fd, data, len);
	if (r == 0 && durable && fsync(fd) < 0)
		r = -errno;
	if (r == 0)
		r = file_publish(fd, dirfd, path, aside);
	if (r == 0)
		return 0;
	if (fd >= 0)
		unlinkat(dirfd, aside, 0);
	return err_errno(e, r, "cannot write its file");
}

/* Swarm's rule: its last character is no punctuation, either. */
static int check(const char *name, size_t len, struct err *e)
{
	size_t n = strlen(name);
	if (!name_is_valid(name, SECRET_NAME_MAX) || !isalnum((unsigned char)name[n - 1]))
		return err_set(e, EINVAL, ERR_INVALID,
			       "secret %.80s: invalid name, only %d [a-zA-Z0-9-_.] characters "
			       "allowed, and the start and end character must be [a-zA-Z0-9]",
			       name, SECRET_NAME_MAX);
	if (len < 1 || len >= SECRET_SIZE_END)
		return err_set(
			e, len ? EFBIG : EINVAL, ERR_INVALID,
			"secret %s: secret data must be larger than 0 and less than %d bytes", name,
			SECRET_SIZE_END);
	return 0;
}

static char *file_of(const char *id, struct arena *a)
{
	return arena_printf(a, "secrets/%s", id);
}

/* Its directory entry, too, is there when the row is. */
static int write_file(struct engine *en, const char *id, const void *data, size_t len,
		      struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	if (mkdirat(en->root_fd, "secrets", 0700) < 0 && errno != EEXIST)
		return err_errno(e, errno, "cannot create the folder secrets");
	CLEANUP_FD int folder = dir_open(en->root_fd, "secrets", e);
	int r = folder < 0 ? folder
			   : secret_file_write(en->root_fd, file_of(id, &a), data, len, true, e);
	return r == 0 && fsync(folder) < 0 ? err_errno(e, errno, "cannot write the folder secrets")
					   : r;
}

static int tell(struct engine *en, const char *id, const char *name, const char *action,
		struct err *e)
{
	return event_note(&en->db, e, "secret", id, action, "name", name, NULL);
}

/* Inside a transaction. */
static int forget(struct engine *en, const char *id, const char *name, struct err *e)
{
	int r = tell(en, id, name, "remove", e);
	return r < 0 ? r : db_run(&en->db, e, "DELETE FROM secret WHERE id = ?1", "s", id);
}

/* Inside a transaction. @replaced gets the id of the one whose place it takes. */
static int insert(struct engine *en, const char *id, const char *name, const char *labels,
		  bool replace, char replaced[static SECRET_ID_LEN + 1], struct err *e)
{
	CLEANUP_STMT sqlite3_stmt *s = NULL;
	int64_t now = clock_real_ns();
	int r = db_first(&en->db, &s, e, "SELECT id, created FROM secret WHERE name = ?1", "s",
			 name);
	int64_t created = r > 0 ? db_int(s, 1) : now;
	if (r > 0 && !replace) {
		err_set(e, EEXIST, ERR_CONFLICT, "secret %s already exists", name);
		return err_hint(e, "remove it, or take its place: hull secret create --replace %s",
				name);
	}
	if (r > 0) {
		snprintf(replaced, SECRET_ID_LEN + 1, "%s", db_text(s, 0));
		r = forget(en, replaced, name, e);
	}
	if (r >= 0)
		r = db_run(&en->db, e,
			   "INSERT INTO secret (id, name, labels, created, updated) VALUES "
			   "(?1,?2,?3,?4,?5)",
			   "sssii", id, name, labels, created, now);
	return r < 0 ? r : tell(en, id, name, "create", e);
}

int secret_create(struct engine *en, const char *name, const struct kvs *labels, const void *data,
		  size_t len, bool replace, char ret_id[SECRET_ID_LEN + 1], struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	char id[ID_LEN + 1], replaced[SECRET_ID_LEN + 1] = "";
	const char *text = kvs_print(labels, &a);
	int r = check(name, len, e);
	if (r == 0)
		r = utf8_check_json(text, e);
	if (r == 0)
		r = db_begin_addition(&en->db, true, e);
	if (r < 0)
		return r;
	id_new(id);
	id[SECRET_ID_LEN] = '\0';
	r = insert(en, id, name, text, replace, replaced, e);
	if (r >= 0 && (r = write_file(en, id, data, len, e)) < 0)
		err_context(e, "secret %s", name);
	r = db_end(&en->db, r, e);
	/* One of the two files has no row now; where we are killed before, `system check` finds it.
	 */
	if (r != 0 || *replaced)
		unlinkat(en->root_fd, file_of(r == 0 ? replaced : id, &a), 0);
	if (r == 0)
		memcpy(ret_id, id, SECRET_ID_LEN + 1);
	return r;
}

#define SECRET_QUERY "SELECT id, name, labels, created, updated FROM secret "

static int secret_row(sqlite3_stmt *s, struct arena *a, struct secret *ret, struct err *e)
{
	*ret = (struct secret){.id = arena_strdup(a, db_text(s, 0)),
			       .name = arena_strdup(a, db_text(s, 1)),
			       .created = db_int(s, 3),
			       .updated = db_int(s, 4)};
	return kvs_parse(db_text(s, 2), &ret->labels, a, e);
}

int secret_find(struct engine *en, const char *ref, struct arena *a, struct secret *ret,
		struct err *e)
{
	CLEANUP_STMT sqlite3_stmt *s = NULL;
	int r = db_first(&en->db, &s, e,
			 SECRET_QUERY "WHERE id = ?1 OR name = ?1 OR (?1 <> '' AND substr(id, 1, "
				      "length(?1)) = ?1) ORDER BY id = ?1 DESC, name = ?1 DESC "
				      "LIMIT 2",
			 "s", ref);
	if (r == 0) {
		err_set(e, ENOENT, ERR_NOT_FOUND, "secret %s not found", ref);
		return err_hint(e, "hull secret ls lists all secrets");
	}
	if (r > 0)
		r = secret_row(s, a, ret, e);
	bool exact = r == 0 && (!strcmp(ret->id, ref) || !strcmp(ret->name, ref));
	if (r == 0 && !exact && (r = db_next(s, e)) == 1)
		return err_set(e, EINVAL, ERR_INVALID,
			       "secret %s is ambiguous: several ids begin with it", ref);
	return r;
}

int secret_list(struct engine *en, struct arena *a, struct secret **ret, size_t *ret_count,
		struct err *e)
{
	CLEANUP_STMT sqlite3_stmt *s = NULL;
	struct secret *list = NULL;
	size_t count = 0, room = 0;
	int r = db_query(&en->db, &s, e, SECRET_QUERY "ORDER BY name", "");
	while (r == 0 && (r = db_next(s, e)) == 1) {
		list = arena_grow(a, list, count, &room, sizeof(*list));
		r = secret_row(s, a, &list[count++], e);
	}
	*ret = list;
	*ret_count = count;
	return r;
}

/* The file goes before the row is gone for good, so that no row is without what is in it; it is put
 * back where that comes to nothing. */
int secret_remove(struct engine *en, const char *ref, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	struct secret s;
	char *data = NULL;
	size_t len = 0;
	bool gone = false;
	int r = db_begin(&en->db, true, e);
	if (r < 0)
		return r;
	r = secret_find(en, ref, &a, &s, e);
	if (r == 0)
		r = forget(en, s.id, s.name, e);
	if (r >= 0) {
		file_read(en->root_fd, file_of(s.id, &a), SECRET_SIZE_END, &a, &data, &len,
			  ERR_IGNORED);
		gone = unlinkat(en->root_fd, file_of(s.id, &a), 0) == 0;
		if (!gone && errno != ENOENT)
			r = err_errno(e, errno, "secret %s: cannot remove its file", s.name);
	}
	r = db_end(&en->db, r, e);
	if (r < 0 && gone && data)
		secret_file_write(en->root_fd, file_of(s.id, &a), data, len, true, ERR_IGNORED);
	return r;
}

int secret_read(struct engine *en, const struct secret *s, struct arena *a, char **ret,
		size_t *ret_len, struct err *e)
{
	int r = file_read(en->root_fd, file_of(s->id, a), SECRET_SIZE_END, a, ret, ret_len, e);
	if (r == 0)
		return 0;
	err_context(e, "secret %s: its file in %s/secrets", s->name, en->root);
	return err_hint(e, "hull secret rm %s, and create it again", s->name);
}

struct json_object *secret_object(const struct secret *s)
{
	struct json_object *o = json_object_new_object(), *version = json_object_new_object(),
			   *spec = json_object_new_object();
	json_add_string(o, "ID", s->id);
	json_add_int(version, "Index", 1); /* another content is another secret */
	json_add(o, "Version", version);
	json_add_time(o, "CreatedAt", s->created);
	json_add_time(o, "UpdatedAt", s->updated);
	json_add_string(spec, "Name", s->name);
	json_add(spec, "Labels", json_of_kvs(&s->labels));
	json_add(o, "Spec", spec);
	return o;
}

/* JSON holds text. */
static int add_data(struct engine *en, const struct secret *s, struct arena *a,
		    struct json_object *o, struct err *e)
{
	char *data;
	size_t len = 0;
	int r = secret_read(en, s, a, &data, &len, e);
	for (size_t i = 0, width = 1; r == 0 && i < len; i += width) {
		uint32_t c;
		width = utf8_decode(data + i, len - i, &c);
		if (width == 1 && c == UTF8_BROKEN)
			r = err_set(e, EINVAL, ERR_INVALID,
				    "secret %s: what is in it is no text (UTF-8), and cannot be "
				    "shown; a container can read it",
				    s->name);
	}
	if (r == 0)
		json_add(o, "SecretData", json_object_new_string_len(data, (int)len));
	return r;
}

int secret_inspect(struct engine *en, const char *ref, bool data, struct json_object **ret,
		   struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	CLEANUP_JSON struct json_object *o = NULL;
	struct secret s;
	int r = secret_find(en, ref, &a, &s, e);
	if (r < 0)
		return r;
	o = secret_object(&s);
	if (data && (r = add_data(en, &s, &a, o, e)) < 0)
		return r;
	*ret = json_object_get(o);
	return 0;
}
