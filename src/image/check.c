/* SPDX-License-Identifier: Apache-2.0 */
/* Is every listed image whole on the disk? Read image.h first. */
#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "image/rows.h"
#include "image/stage.h"

static void check_layers(struct image_store *s, const struct image *im, struct arena *a,
			 struct strv *problems)
{
	for (size_t i = 0; i < im->layer_count; i++) {
		char path[ID_LEN + 16];
		snprintf(path, sizeof(path), "layers/%s/fs", im->layers[i].diff_id);
		if (!file_exists(s->root_fd, path))
			strv_push(a, problems,
				  arena_printf(
					  a,
					  "image %.12s (%s): layer %.12s is missing: load or pull "
					  "the image again",
					  im->id, im->tags.count ? im->tags.items[0] : "<none>",
					  im->layers[i].diff_id));
	}
}

int image_store_check(struct image_store *s, struct arena *a, struct strv *problems, struct err *e)
{
	CLEANUP_STMT sqlite3_stmt *q = NULL;
	int r = db_query(s->db, &q, e, "SELECT id FROM image ORDER BY id", "");
	while (r >= 0 && (r = db_next(q, e)) > 0) {
		struct image im;
		struct err damage = {0};
		if (image_read(s, db_text(q, 0), a, &im, &damage) < 0)
			strv_push(a, problems, damage.text);
		else
			check_layers(s, &im, a, problems);
	}
	return r;
}
