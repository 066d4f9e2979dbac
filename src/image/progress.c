/* SPDX-License-Identifier: Apache-2.0 */
/* docker's stream of progress in JSON ("JSONMessage"), as its API and --progress json have it. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/units.h"
#include "image/image.h"

enum { BAR = 50, ID_SHOWN = 12 };

struct json_object *image_progress_json(const struct image_progress *i, const char *status,
					bool bar)
{
	struct json_object *o = json_object_new_object(), *detail = json_object_new_object();
	if (bar) {
		char text[BAR + 80], done[SIZE_TEXT_SIZE], total[SIZE_TEXT_SIZE];
		size_t full = i->total ? (size_t)(BAR * i->done / i->total) : 0;
		full = full > BAR ? BAR : full;
		json_add_int(detail, "current", (int64_t)i->done);
		if (i->total)
			json_add_int(detail, "total", (int64_t)i->total);
		snprintf(text, sizeof(text), "[%.*s>%*s]  %s/%s", (int)full,
			 "==================================================", (int)(BAR - full),
			 "", size_human((int64_t)i->done, done),
			 size_human((int64_t)i->total, total));
		if (i->total)
			json_add_string(o, "progress", text);
	}
	json_add_string(o, "status", status);
	json_add(o, "progressDetail", detail);
	json_add(o, "id", json_object_new_string_len(i->layer, (int)strnlen(i->layer, ID_SHOWN)));
	return o;
}

struct json_object *image_failed_json(const struct err *e)
{
	struct json_object *o = json_object_new_object(), *detail = json_object_new_object();
	json_add_string(detail, "message", e->text);
	json_add(o, "errorDetail", detail);
	json_add_string(o, "error", e->text);
	return o;
}

struct json_object *image_pushed_json(const struct image_pushed *pushed, const char *tag)
{
	struct json_object *o = json_object_new_object(), *aux = json_object_new_object();
	json_add_string(aux, "Tag", tag);
	json_add_string(aux, "Digest", pushed->digest);
	json_add_int(aux, "Size", (int64_t)pushed->size);
	json_add(o, "progressDetail", json_object_new_object());
	json_add(o, "aux", aux);
	return o;
}
