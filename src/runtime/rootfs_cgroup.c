/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a container sees of its control groups at /sys/fs/cgroup: its own group in each hierarchy as
 * the root of a bind mount. That is the same view as a mount made inside its cgroup namespace, but
 * need not wait until the process has been attached to the groups. See cgroup_namespaces(7).
 * Invariant: nothing above the container's own group can be reached. Read rootfs.h first.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "linux/cgroup_host.h"
#include "runtime/rootfs.h"

/* Of an ordinary user we are in a mount namespace of our own by now, where the descriptor is of
 * another's mount (EINVAL), and the control group is to be found by its path. */
static int clone_v2(const struct cgroup *g)
{
	char path[CGROUP_POINT_SIZE + sizeof(g->path)];
	int fd = mount_clone(g->v2, "", false);
	snprintf(path, sizeof(path), "%s%s", cgroup_host_get()->v2_point, g->path);
	return fd == -EINVAL ? mount_clone(AT_FDCWD, path, false) : fd;
}

static int take(struct rootfs *r, const char *name, int fd, struct err *e)
{
	if (fd < 0)
		return err_errno(e, fd, "cannot take the control group %s", name);
	struct rootfs_cgroup *c = &r->cgroups[r->cgroup_count++];
	snprintf(c->name, sizeof(c->name), "%s", name);
	c->source = fd;
	return 0;
}

/* Controllers that share a hierarchy have the same folder, on a device of its own. */
static int take_v1(struct rootfs *r, const struct cgroup *g, struct err *e)
{
	dev_t from[ROOTFS_CGROUPS_MAX];
	for (size_t i = 0; i < CGROUP_CONTROLLERS; i++) {
		size_t k = 0;
		struct stat st;
		if (g->v1[i] < 0)
			continue;
		if (fstat(g->v1[i], &st) < 0)
			return err_errno(e, errno, "cannot stat the control group");
		while (k < r->cgroup_count && from[k] != st.st_dev)
			k++;
		if (k < r->cgroup_count) {
			char *name = r->cgroups[k].name;
			size_t len = strlen(name);
			snprintf(name + len, sizeof(r->cgroups[k].name) - len, ",%s",
				 cgroup_controller_name((enum cgroup_controller)i, false));
			continue;
		}
		int n = take(r, cgroup_controller_name((enum cgroup_controller)i, false),
			     mount_clone(g->v1[i], "", false), e);
		if (n < 0)
			return n;
		from[k] = st.st_dev;
	}
	return 0;
}

static bool wants_cgroups(const struct rootfs *r)
{
	for (size_t i = 0; i < r->spec->mounts.count; i++) {
		const char *type = r->mounts[i].spec->type;
		if (type && !strncmp(type, "cgroup", 6) && !r->mounts[i].options.bind)
			return true;
	}
	return false;
}

int rootfs_take_cgroups(struct rootfs *r, const struct cgroup *g, struct err *e)
{
	if (!g || r->cgroup_count || !wants_cgroups(r))
		return 0;
	r->cgroup_v2 = g->layout == CGROUP_V2;
	if (r->cgroup_v2 && r->cgroup_shared) {
		/* Without a cgroup namespace /proc/self/cgroup names the path from the host's root.
		 */
		CLEANUP_FD int all = open("/sys/fs/cgroup", O_PATH | O_DIRECTORY | O_CLOEXEC);
		return all < 0 ? err_errno(e, errno, "cannot open /sys/fs/cgroup")
			       : take(r, "unified", mount_clone(all, "", false), e);
	}
	int n = take_v1(r, g, e);
	if (n == 0 && g->v2 >= 0)
		n = take(r, "unified", clone_v2(g), e);
	return n;
}

/* "cpu" and "cpuacct" lead to "cpu,cpuacct", as on the host. */
static int link_names(int dir, const char *joined)
{
	char name[64];
	for (const char *at = joined; strchr(joined, ',') && *at;) {
		size_t len = strcspn(at, ",");
		snprintf(name, sizeof(name), "%.*s", (int)len, at);
		if (symlinkat(joined, dir, name) < 0)
			return -errno;
		at += len + (at[len] == ',');
	}
	return 0;
}

static int attach_one(struct rootfs_cgroup *c, uint64_t attrs, int dir)
{
	int n = mount_change(c->source, false, attrs, 0, MS_PRIVATE);
	if (n == 0 && mkdirat(dir, c->name, 0755) < 0)
		n = -errno;
	if (n == 0)
		n = mount_attach_at(c->source, dir, c->name);
	if (n == 0)
		n = link_names(dir, c->name);
	fd_drop(&c->source);
	return n;
}

/* One folder per hierarchy, in a small file system of their own. */
static int attach_v1(struct rootfs *r, uint64_t attrs, int target, struct err *e)
{
	static const char *const options[] = {"mode=755", "size=64k"};
	CLEANUP_FD int dir = mount_new("tmpfs", "cgroup", options, ARRAY_LEN(options),
				       attrs & ~MOUNT_ATTR_RDONLY, e);
	if (dir < 0)
		return dir;
	int n = mount_attach(dir, target);
	for (size_t i = 0; n == 0 && i < r->cgroup_count; i++)
		n = attach_one(&r->cgroups[i], attrs, dir);
	if (n == 0 && attrs & MOUNT_ATTR_RDONLY)
		n = mount_change(dir, false, MOUNT_ATTR_RDONLY, 0, 0);
	return n < 0 ? err_errno(e, n, "cannot mount the control groups") : 0;
}

int rootfs_attach_cgroups(struct rootfs *r, const struct rootfs_mount *m, int target, struct err *e)
{
	uint64_t attrs = m->options.set | m->options.set_all;
	if (r->cgroup_v2 && r->cgroup_count == 1) {
		int n = mount_change(r->cgroups[0].source, false, attrs, 0, MS_PRIVATE);
		if (n == 0)
			n = mount_attach(r->cgroups[0].source, target);
		fd_drop(&r->cgroups[0].source);
		r->cgroup_count = 0;
		return n < 0 ? err_errno(e, n, "cannot mount the control group") : 0;
	}
	if (strcmp(m->spec->type, "cgroup2"))
		return attach_v1(r, attrs, target, e);
	CLEANUP_FD int mount = mount_new("cgroup2", "cgroup", NULL, 0, attrs, e);
	if (mount < 0)
		return mount;
	int n = mount_attach(mount, target);
	return n < 0 ? err_errno(e, n, "cannot mount the control groups") : 0;
}
