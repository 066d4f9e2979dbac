/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Version 2: a group's folder in the unified tree, and handing controllers down to it.
 * See cgroup-v2.rst of the kernel, "Controlling Controllers" and "No Internal Process Constraint".
 * Invariant: whoever makes a folder above a group also enables the controllers there, so the usual
 * case costs one mkdir. Read cgroup_version.h first.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "linux/cgroup_version.h"

/* All at once, else one by one: a single one can be refused (cpu, while realtime tasks live in
 * groups), and must not keep the others away. Not so in a folder with processes: there cpu and pids
 * alone would be taken, and make it a threaded group that can hold no containers. */
static int folder_enable(const struct cgroup_host *h, unsigned bits, const char *folder, size_t len)
{
	char path[512], all[256] = "";
	snprintf(path, sizeof(path), "%.*s%scgroup.subtree_control", (int)len, folder,
		 len ? "/" : "");
	for (int c = 0, used = 0; c < CGROUP_CONTROLLERS; c++) {
		if (bits & 1U << c)
			used += snprintf(all + used, sizeof(all) - (size_t)used, "+%s ",
					 cgroup_controller_name(c, true));
	}
	int first = *all ? file_write_small(h->v2, path, all) : 0;
	if (first == 0 || first == -EBUSY)
		return first;
	if (first == -EOPNOTSUPP)
		return -EBUSY;
	first = 0;
	for (int c = 0; c < CGROUP_CONTROLLERS; c++) {
		if (!(bits & 1U << c))
			continue;
		snprintf(all, sizeof(all), "+%s", cgroup_controller_name(c, true));
		int r = file_write_small(h->v2, path, all);
		if (r < 0 && first == 0)
			first = r;
	}
	return first;
}

int cgroup_v2_enable(const struct cgroup_host *h, const char *rel, unsigned mask)
{
	int first = 0;
	for (size_t i = 0; rel[i]; i++) {
		if (i > 0 && rel[i] != '/')
			continue;
		int r = folder_enable(h, h->v2_controllers & mask, rel, i);
		if (r < 0 && first == 0)
			first = r;
	}
	return first;
}

int cgroup_v2_make(const struct cgroup_host *h, const char *rel, struct err *e)
{
	bool parents;
	int r = cgroup_folder_make(h->v2, rel, &parents);
	if (r == -EEXIST)
		return err_set(e, EEXIST, ERR_CONFLICT, "control group /%s is in use", rel);
	if (r < 0)
		return err_errno(e, r, "cannot make control group /%s in %s", rel, h->v2_point);
	if (parents)
		cgroup_v2_enable(h, rel,
				 CGROUP_V2_ALWAYS); /* what is missing shows when a limit is set */
	int fd = openat(h->v2, rel, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	r = -errno;
	unlinkat(h->v2, rel, AT_REMOVEDIR);
	return err_errno(e, r, "cannot open control group /%s in %s", rel, h->v2_point);
}

int cgroup_scope(const struct cgroup *g, struct err *e)
{
	if (g->v2 < 0) {
		err_set(e, EOPNOTSUPP, ERR_SYSTEM,
			"the container has no control group of version 2, by which the kernel "
			"tells its processes from others");
		return err_hint(e, "a tree without controllers is enough: mount -t cgroup2 none "
				   "/sys/fs/cgroup/unified, and start the container again");
	}
	int fd = openat(g->v2, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? err_errno(e, errno, "cannot open the container's control group") : fd;
}
