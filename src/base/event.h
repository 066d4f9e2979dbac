/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events, as docker has them: rows of the state store that tell what happened to a container, an
 * image or a volume. What changes a row is told in the transaction of the change, so that a kill
 * neither loses nor invents an event; where none is open, an event is a transaction of its own.
 * Reading them: engine/events.h.
 */
#pragma once

#include "base/db.h"

/** So many are kept; and of an action so many bytes. */
enum { EVENTS_KEPT = 10000, EVENT_ACTION_MAX = 4096 };

/** What a container's row says of its present run, as bits of its column `told`. */
enum told { TOLD_START = 1, TOLD_STOPPING = 2, TOLD_VOLUMES = 4 };

/* The arguments after @action of all of these are pairs of texts, attribute and value, ended by
 * NULL; a pair without a value is left out, and so is a label of its name. They return negative
 * errno, or how many were noted (0 in a transaction of their own); who tells of what is done
 * already ignores that. */

/** With image, name and labels of the container's row: it must still be there. */
int event_container(struct db *db, struct err *e, const char *id, const char *action, ...)
	__attribute__((sentinel));
/** @name: of the image, NULL: its id. With the image's labels; its row must still be there. */
int event_image(struct db *db, struct err *e, const char *id, const char *action, const char *name);
/** Of anything else. */
int event_note(struct db *db, struct err *e, const char *type, const char *id, const char *action,
	       ...) __attribute__((sentinel));
/** "mount" or "unmount" of each volume that the container uses. */
int event_volumes(struct db *db, struct err *e, const char *container, const char *action);

/** Forget the oldest ones, if it is time. */
void event_trim(struct db *db);
