/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits of a running container that are not in its control group: the resource limits of its
 * processes, and the size of its /dev/shm. See prlimit(2), fspick(2), tmpfs(5). Invariant: only a
 * /dev/shm that hull made for this container is touched; paths in its root are opened beneath it.
 * Read update.c first.
 */
#include "engine/update_live.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "engine/spec.h"
#include "linux/mount.h"
#include "linux/rlimit.h"

/* Whether /dev/shm is the container's own: not the host's, not a mount of the user's. */
static int shm_is_own(struct engine *en, const struct container *c, struct arena *a, struct err *e)
{
	struct mount_point *mounts;
	size_t count;
	int r = container_mounts(en, c, a, &mounts, &count, e);
	const char *ipc = c->config.host.ipc_mode;
	bool own = !ipc || strcmp(ipc, "host") != 0;
	for (size_t i = 0; r == 0 && i < count; i++)
		own &= strcmp(mounts[i].destination, "/dev/shm") != 0;
	if (r < 0 || own)
		return r;
	err_set(e, ENOTSUP, ERR_INVALID, "--shm-size: /dev/shm of the container is not its own");
	return err_hint(e, "it comes with --ipc host, or is a mount that was asked for");
}

int update_shm(struct engine *en, const struct container *from, const struct container *to,
	       struct arena *a, struct err *e)
{
	int64_t size = to->config.host.shm_size;
	if (size == from->config.host.shm_size)
		return 0;
	int r = shm_is_own(en, from, a, e);
	if (r < 0)
		return r;
	CLEANUP_FD int root = container_root_open(from, e);
	if (root < 0)
		return root;
	CLEANUP_FD int shm =
		path_open_in_root(root, "dev/shm", O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);
	if (shm < 0)
		return err_errno(e, shm, "--shm-size: cannot open /dev/shm of the container");
	r = mount_reconfigure(shm, arena_printf(a, "size=%lld", (long long)size), e);
	return r < 0 ? err_context(e, "--shm-size") : 0;
}

static const struct oci_rlimit *find(const struct array *list, const char *type)
{
	const struct oci_rlimit *l = list->items;
	for (size_t i = 0; i < list->count; i++)
		if (!strcmp(l[i].type, type))
			return &l[i];
	return NULL;
}

static int set_all(const struct container *c, const struct oci_rlimit *l, struct arena *a,
		   struct err *e)
{
	pid_t *pids;
	size_t count;
	int r = container_pids(c, a, &pids, &count, e);
	for (size_t i = 0; r == 0 && i < count; i++) {
		r = rlimit_set_of(pids[i], rlimit_number(l->type), l->soft, l->hard);
		r = r == -ESRCH ? 0 : r;
		if (r < 0)
			err_errno(e, r, "cannot set %s of process %d", l->type, (int)pids[i]);
		if (r == -EPERM)
			err_hint(e, "to raise a hard limit takes CAP_SYS_RESOURCE");
	}
	return r;
}

int update_ulimits(struct engine *en, const struct container *from, const struct container *to,
		   struct arena *a, struct err *e)
{
	struct spec_build *old = arena_new(a, struct spec_build);
	struct spec_build *new = arena_new(a, struct spec_build);
	old->container = from;
	new->container = to;
	new->warn = en;
	int r = spec_rlimits(old, a, e);
	if (r == 0)
		r = spec_rlimits(new, a, e);
	const struct array *list = &new->spec.process.rlimits;
	const struct oci_rlimit *l = list->items;
	for (size_t i = 0; r == 0 && i < list->count; i++) {
		const struct oci_rlimit *was = find(&old->spec.process.rlimits, l[i].type);
		bool same = was && was->soft == l[i].soft && was->hard == l[i].hard;
		/* Twice: what was forked meanwhile has the limits of before. */
		for (int round = 0; r == 0 && !same && round < 2; round++)
			r = set_all(from, &l[i], a, e);
	}
	return r;
}
