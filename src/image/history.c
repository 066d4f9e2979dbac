/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How an image came to be: the config's history beside the sizes of its layers. Steps and layers
 * meet by order: every step without "empty_layer" made the next layer. Read image.h first.
 */
#include <string.h>

#include "base/clock.h"
#include "image/rows.h"

static int64_t created_ns(const char *text)
{
	int64_t ns = 0;
	return text && time_parse(text, &ns) == 0 ? ns : 0;
}

int image_history(struct image_store *s, const char *name, struct arena *a,
		  struct image_history_row **ret, size_t *ret_count, struct err *e)
{
	struct image im;
	int r = image_find(s, name, a, &im, e);
	if (r < 0)
		return r;
	const struct oci_history *steps = im.config.history.items;
	size_t n = 0, layer = 0, count = im.config.history.count;
	struct image_history_row *rows = arena_array(a, count + im.layer_count + 1, sizeof(*rows));
	for (size_t i = count; i-- > 0;) {
		struct image_history_row *row = &rows[n++];
		*row = (struct image_history_row){
			.id = "<missing>",
			.created = created_ns(steps[i].created),
			.created_by = steps[i].created_by ?: "",
			.comment = steps[i].comment ?: "",
		};
		if (!steps[i].empty_layer && layer < im.layer_count)
			row->size = im.layers[layer++].size;
	}
	/* Layers that the history does not tell of. */
	for (; layer < im.layer_count; layer++)
		rows[n++] = (struct image_history_row){.id = "<missing>",
						       .created_by = "",
						       .comment = "",
						       .size = im.layers[layer].size};
	if (n == 0)
		rows[n++] = (struct image_history_row){
			.created = im.created, .created_by = "", .comment = ""};
	rows[0].id = arena_strdup(a, im.id);
	rows[0].tags = im.tags;
	*ret = rows;
	*ret_count = n;
	return 0;
}
