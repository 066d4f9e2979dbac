/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Noting events. The attributes come from the row that the event is about, put together by SQLite,
 * so that a clean-up need not read it for this. Read event.h first.
 */
#include "base/event.h"

#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/shape.h"
#include "base/utf8.h"

enum { SLACK = 1000 }; /* events beyond those kept, before it is worth a transaction */

/* Many events are kept, and neither commands nor labels have a limit: commands are cut off, and
 * more labels than 16 KiB left out. */

/* ?1 its id, ?2 the time, ?3 the action, ?4 further attributes. */
#define INSERT "INSERT INTO event (time, type, action, actor, attributes) SELECT ?2, "

static const char of_container[] =
	INSERT "'container', ?3, id, json_patch(json_patch(iif(length(labels) <= 16384, labels, "
	       "'{}'), json_object('image', image_name, 'name', name)), ?4) FROM container "
	       "WHERE id = ?1";
static const char of_image[] =
	INSERT "'image', ?3, 'sha256:' || id, json_patch(iif(json_type(config, '$.config.Labels') "
	       "= 'object' AND length(config -> '$.config.Labels') <= 16384, "
	       "config -> '$.config.Labels', '{}'), json_object('name', coalesce(?4, "
	       "'sha256:' || id))) FROM image WHERE id = ?1";
static const char of_volumes[] =
	INSERT "'volume', ?3, volume, json_object('container', container, 'destination', "
	       "destination, 'driver', 'local') FROM volume_use WHERE container = ?1";

/* In the caller's transaction, or one of its own. */
static int put(struct db *db, struct err *e, const char *sql, const char *types, const char *id,
	       const char *action, const char *more, const char *type)
{
	char clean[EVENT_ACTION_MAX + 1];
	bool own = !db->locked;
	int r = own ? db_begin(db, false, e) : 0;
	if (r < 0)
		return r;
	snprintf(clean, sizeof(clean), "%s", action);
	utf8_repair(clean);
	r = db_run(db, e, sql, types, id, clock_real_ns(), clean, more, type);
	return own ? db_end(db, r, e) : r;
}

static struct json_object *attributes(va_list ap)
{
	struct json_object *o = json_object_new_object();
	for (const char *key; (key = va_arg(ap, const char *));) {
		const char *value = va_arg(ap, const char *);
		if (value)
			json_object_object_add(o, key, json_of_string(value));
		else /* takes a label of that name away (RFC 7396), which would pass for ours */
			json_object_object_add(o, key, NULL);
	}
	return o;
}

static const char *text(struct json_object *o)
{
	return json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN);
}

int event_container(struct db *db, struct err *e, const char *id, const char *action, ...)
{
	va_list ap;
	va_start(ap, action);
	CLEANUP_JSON struct json_object *more = attributes(ap);
	va_end(ap);
	return put(db, e, of_container, "siss", id, action, text(more), NULL);
}

int event_image(struct db *db, struct err *e, const char *id, const char *action, const char *name)
{
	return put(db, e, of_image, "siss", id, action, name, NULL);
}

int event_note(struct db *db, struct err *e, const char *type, const char *id, const char *action,
	       ...)
{
	va_list ap;
	va_start(ap, action);
	CLEANUP_JSON struct json_object *more = attributes(ap);
	va_end(ap);
	return put(db, e, INSERT "?5, ?3, ?1, json_patch('{}', ?4)", "sisss", id, action,
		   text(more), type);
}

int event_volumes(struct db *db, struct err *e, const char *container, const char *action)
{
	return put(db, e, of_volumes, "sis", container, action, NULL, NULL);
}

void event_trim(struct db *db)
{
	struct err ignored;
	CLEANUP_STMT sqlite3_stmt *s = NULL;
	/* A number is given again only after the newest, which is kept. */
	if (db_first(db, &s, &ignored,
		     "SELECT (SELECT max(seq) FROM event) - ?1, (SELECT min(seq) FROM event)", "i",
		     (int64_t)EVENTS_KEPT) != 1)
		return;
	int64_t old = db_int(s, 0);
	bool many = old - db_int(s, 1) >= SLACK;
	sqlite3_reset(s);
	if (many)
		db_change(db, false, &ignored, "DELETE FROM event WHERE seq <= ?1", "i", old);
}
