/* SPDX-License-Identifier: Apache-2.0 */
/* docker's stream of progress in JSON ("JSONMessage"), as its API and --progress json have it. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/units.h"
#include "image/image.h"

enum { BAR = 50, ID_SHOWN = 12 };

char *image_progress_bar(uint64_t done, uint64_t total, char buf[static IMAGE_PROGRESS_BAR_SIZE])
{
	char is[SIZE_TEXT_SIZE], all[SIZE_TEXT_SIZE];
	size_t full = total ? (size_t)((double)done / (double)total * BAR) : 0;
	full = full > BAR ? BAR : full;
	size_human((int64_t)done, is);
	if (total)
		snprintf(buf, IMAGE_PROGRESS_BAR_SIZE, "[%.*s>%*s]  %s/%s", (int)full,
			 "==================================================", (int)(BAR - full),
			 "", is, size_human((int64_t)total, all));
	else
		snprintf(buf, IMAGE_PROGRESS_BAR_SIZE, "%s", is);
	return buf;
}

struct json_object *image_progress_json(const struct image_progress *i, const char *status,
					bool bar)
{
	struct json_object *o = json_object_new_object(), *detail = json_object_new_object();
	if (bar) {
		char text[IMAGE_PROGRESS_BAR_SIZE];
		json_add_int(detail, "current", (int64_t)i->done);
		if (i->total) {
			json_add_int(detail, "total", (int64_t)i->total);
			json_add_string(o, "progress", image_progress_bar(i->done, i->total, text));
		}
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
