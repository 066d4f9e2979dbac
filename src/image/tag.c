/* SPDX-License-Identifier: Apache-2.0 */
/* Giving an image one more name. Read image.h first. */
#include <errno.h>

#include "base/event.h"
#include "image/rows.h"

int image_tag(struct image_store *s, const char *source, const char *target, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	struct image_reference ref;
	char id[ID_LEN + 1], *name;
	int r = image_reference_parse(target, &a, &ref, e);
	if (r < 0)
		return r;
	if (ref.digest)
		return err_set(e, EINVAL, ERR_INVALID,
			       "refusing to create a tag with a digest reference");
	r = db_begin_addition(s->db, true, e);
	if (r < 0)
		return r;
	r = image_resolve(s, source, &a, id, &name, e);
	if (r == 0)
		r = db_run(
			s->db, e,
			"INSERT INTO reference VALUES (?1, ?2, NULL) ON CONFLICT (name) DO UPDATE "
			"SET image = excluded.image, digest = NULL WHERE image <> excluded.image",
			"ss", image_reference_full(&ref, &a), id);
	if (r >= 0)
		r = event_image(s->db, e, id, "tag", image_reference_familiar(&ref, &a));
	return db_end(s->db, r, e);
}
