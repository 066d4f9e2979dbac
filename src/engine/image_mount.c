/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --mount type=image: the tree of an image, or a part of it, read-only. It is what its name meant
 * when the container was made: the config has the id, by which rmi knows that the image is in use
 * (image/remove.c). Read mounts.h first.
 */
#include "engine/mounts.h"

#include <string.h>

#include "base/cleanup.h"
#include "engine/root.h"
#include "linux/mount.h"

int mounts_find_images(struct engine *en, const struct container_config *config, struct arena *a,
		       struct err *e)
{
	struct docker_mount *mounts = config->host.mounts.items;
	int r = 0;
	for (size_t i = 0; r == 0 && i < config->host.mounts.count; i++) {
		struct image *image = arena_new(a, struct image);
		if (strcmp(mounts[i].type, "image") || mounts[i].image_id)
			continue;
		r = image_find_config(&en->images, mounts[i].source, a, image, e);
		mounts[i].image_id = image->id;
	}
	return r;
}

int image_mount(struct engine *en, const struct mount_point *m, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	const struct container whole = {.name = m->destination, .image_id = m->name};
	CLEANUP_FD int fd = root_mount_image(en, &whole, &a, e);
	if (fd < 0 || !m->subpath || !*m->subpath)
		return fd_steal(&fd);
	int part = mount_clone_elsewhere(-1, fd, m->subpath);
	return part >= 0 ? part
			 : err_errno(e, part, "image %s: cannot mount %s of it", m->source,
				     m->subpath);
}
