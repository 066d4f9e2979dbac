/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The container's file system, put together. Rests on mount_setattr(2), pivot_root(2), openat2(2).
 * Invariant: after rootfs_take_sources() no path of the host is walked but /dev/null and devices;
 * no path of the container is ever walked but below r->root by base/path.h. Read rootfs.h first.
 */
#include "runtime/rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "linux/device.h"
#include "linux/idmap.h"
#include "linux/lsm.h"
#include "linux/namespaces.h"
#include "runtime/hooks.h"
#include "runtime/spaces.h"

enum { MOUNTS_MAX = 1024 };

static const struct {
	const char *name;
	uint64_t propagation;
} propagations[] = {
	{"private", MS_PRIVATE},       {"rprivate", MS_PRIVATE},       {"slave", MS_SLAVE},
	{"rslave", MS_SLAVE},          {"shared", MS_SHARED},          {"rshared", MS_SHARED},
	{"unbindable", MS_UNBINDABLE}, {"runbindable", MS_UNBINDABLE},
};

static bool is_bind(const struct rootfs_mount *m)
{
	return m->options.bind || (m->spec->type && !strcmp(m->spec->type, "bind"));
}

static bool has_cgroup_namespace(const struct oci_spec *spec)
{
	const struct oci_namespace *n = spec->linux_.namespaces.items;
	for (size_t i = 0; i < spec->linux_.namespaces.count; i++)
		if (!strcmp(n[i].type, "cgroup"))
			return true;
	return false;
}

static bool wants_idmap(const struct rootfs_mount *m)
{
	return m->options.idmap || m->spec->uid_mappings.count || m->spec->gid_mappings.count;
}

/* Relative paths of the host begin at the bundle. */
static const char *host_path(const struct runtime_start *p, const char *path, struct arena *a)
{
	bool whole = !p->bundle || !path || !*path || *path == '/';
	return whole ? path : arena_printf(a, "%s/%s", p->bundle, path);
}

static int plan_mount(struct rootfs_mount *m, struct arena *a, struct err *e)
{
	m->source = m->idmap = -1;
	m->destination = path_clean(a, m->spec->destination);
	if (!strcmp(m->destination, "/"))
		return err_set(e, EINVAL, ERR_INVALID,
			       "mount destination \"%s\": the root itself cannot be mounted upon",
			       m->spec->destination);
	int r = mount_options_parse(&m->spec->options, &m->options, e);
	if (r == 0 && is_bind(m) && m->options.data_count)
		r = err_set(e, EINVAL, ERR_INVALID, "unknown option \"%s\" for a bind mount",
			    m->options.data[0]);
	if (r == 0 && is_bind(m) && (!m->spec->source || !*m->spec->source))
		r = err_set(e, EINVAL, ERR_INVALID, "a bind mount needs a source");
	if (r == 0 && !is_bind(m) && wants_idmap(m))
		r = err_set(e, EINVAL, ERR_INVALID, "only a bind mount can be idmapped");
	if (r == 0 && !is_bind(m) && !m->options.remount && (!m->spec->type || !*m->spec->type))
		r = err_set(e, EINVAL, ERR_INVALID, "a mount needs a type");
	return r < 0 ? err_context(e, "mount %s", m->destination) : 0;
}

int rootfs_plan(struct rootfs *r, const struct runtime_start *p, struct arena *a, struct err *e)
{
	const struct oci_spec *spec = p->spec;
	const struct oci_mount *mounts = spec->mounts.items;
	*r = (struct rootfs){.spec = spec,
			     .root_path =
				     p->root_mount < 0 ? host_path(p, spec->root.path, a) : NULL,
			     .root = -1,
			     .init = -1,
			     .null = -1,
			     .proc = -1,
			     .cwd = -1,
			     .dev = -1,
			     .cgroup_shared = !has_cgroup_namespace(spec)};
	r->cgroup_guarded = r->cgroup_shared && namespace_caller_is_user();
	if (spec->mounts.count > MOUNTS_MAX)
		return err_set(e, E2BIG, ERR_INVALID, "more than %d mounts", MOUNTS_MAX);
	r->mounts = arena_array(a, spec->mounts.count, sizeof(*r->mounts));
	const char *label = spec->linux_.mount_label;
	if (label && *label && !lsm_selinux_is_there())
		return err_set(e, EOPNOTSUPP, ERR_INVALID,
			       "mountLabel %s: this kernel runs without SELinux", label);
	label = label && *label ? arena_printf(a, "context=\"%s\"", label) : NULL;
	for (size_t i = 0; i < spec->mounts.count; i++) {
		r->mounts[i].spec = &mounts[i];
		r->mounts[i].label = label;
		r->mounts[i].from = host_path(p, mounts[i].source, a);
		int n = plan_mount(&r->mounts[i], a, e);
		if (n < 0)
			return n;
	}
	return 0;
}

static int take_root(struct rootfs *r, int ready, struct err *e)
{
	const char *path = r->root_path;
	if (ready >= 0) {
		r->root = fcntl(ready, F_DUPFD_CLOEXEC, 0);
		return r->root < 0 ? err_errno(e, errno, "cannot take the root file system") : 0;
	}
	if (!path || !*path)
		return err_set(e, EINVAL, ERR_INVALID, "no root file system given (root.path)");
	r->root = mount_clone(AT_FDCWD, path, true);
	if (r->root < 0)
		return err_errno(e, r->root, "cannot open the root file system %s", path);
	/* A copy of a shared mount shows on the host what is mounted upon it, until it is private.
	 */
	int n = mount_change(r->root, true, 0, 0, MS_PRIVATE);
	if (n < 0)
		return err_errno(e, n, "cannot open the root file system %s", path);
	struct stat st;
	if (fstat(r->root, &st) == 0 && S_ISDIR(st.st_mode))
		return 0;
	return err_set(e, ENOTDIR, ERR_INVALID, "the root file system %s is not a folder", path);
}

/* The program that becomes the container's first process, from a mount that cannot be written: the
 * file that the container finds as /proc/1/exe is the host's. */
static int take_init(struct rootfs *r, int init_fd, struct err *e)
{
	if (init_fd < 0)
		return 0;
	r->init = mount_clone(init_fd, "", false);
	int n = r->init < 0 ? r->init
			    : mount_change(r->init, false, MOUNT_ATTR_RDONLY, 0, MS_PRIVATE);
	return n < 0 ? err_errno(e, n, "cannot take hull-init") : 0;
}

/* The maps of the mount, else those of the container's user namespace. */
static int open_idmap(const struct rootfs *r, struct rootfs_mount *m, struct arena *a,
		      struct err *e)
{
	const struct oci_linux *l = &r->spec->linux_;
	const struct oci_namespace *n = l->namespaces.items;
	bool own = m->spec->uid_mappings.count || m->spec->gid_mappings.count;
	struct idmaps maps;
	for (size_t i = 0; !own && i < l->namespaces.count; i++)
		if (!strcmp(n[i].type, "user") && n[i].path && *n[i].path)
			return m->idmap = namespace_open(namespace_find("user"), n[i].path, e);
	int k = spaces_idmaps(own ? &m->spec->uid_mappings : &l->uid_mappings,
			      own ? &m->spec->gid_mappings : &l->gid_mappings, "an idmapped mount",
			      a, &maps, e);
	return m->idmap = k < 0 ? k : idmap_namespace(&maps, e);
}

int rootfs_take_idmaps(struct rootfs *r, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	for (size_t i = 0; i < r->spec->mounts.count; i++) {
		struct rootfs_mount *m = &r->mounts[i];
		if (wants_idmap(m) && open_idmap(r, m, &a, e) < 0)
			return err_context(e, "mount %s", m->destination);
	}
	return 0;
}

static int apply_idmap(struct rootfs_mount *m, struct err *e)
{
	int n = mount_idmap(m->source, m->options.idmap_all, m->idmap);
	fd_drop(&m->idmap);
	if (n == -EINVAL) {
		err_set(e, EINVAL, ERR_INVALID,
			"mount %s: the file system of %s cannot be idmapped", m->destination,
			m->spec->source);
		return err_hint(e, "ext4, xfs and btrfs can; tmpfs since Linux 6.3; NFS cannot");
	}
	return n < 0 ? err_errno(e, n, "mount %s: cannot be idmapped", m->destination) : 0;
}

int rootfs_take_sources(struct rootfs *r, const struct runtime_start *p, struct err *e)
{
	int n = take_root(r, p->root_mount, e);
	if (n >= 0)
		n = take_init(r, p->init_fd, e);
	if (n >= 0)
		n = rootfs_take_cgroups(r, p->cgroup, e);
	for (size_t i = 0; n >= 0 && i < r->spec->mounts.count; i++) {
		struct rootfs_mount *m = &r->mounts[i];
		if (!is_bind(m))
			continue;
		m->source = n = m->spec->fd ? m->spec->fd
					    : mount_clone(AT_FDCWD, m->from, m->options.recursive);
		if (n < 0)
			err_errno(e, n, "cannot mount %s upon %s", m->spec->source, m->destination);
		else if (m->idmap >= 0)
			n = apply_idmap(m, e);
	}
	return n < 0 ? n : 0;
}

/*
 * Of the root mount alone: each bind keeps what it asked for itself. It was private while things
 * were mounted upon it, or they would have appeared on the host.
 */
static int set_propagation(struct rootfs *r, struct err *e)
{
	const char *name = r->spec->linux_.rootfs_propagation;
	if (!name || !*name)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(propagations); i++) {
		if (strcmp(name, propagations[i].name))
			continue;
		int n = mount_change(r->root, false, 0, 0, propagations[i].propagation);
		return n < 0 ? err_errno(e, n, "cannot make the root %s", name) : 0;
	}
	return err_set(e, EINVAL, ERR_INVALID, "rootfsPropagation \"%s\": there is no such kind",
		       name);
}

/* Hooks look for it where the spec says. */
static bool root_has_name(const struct rootfs *r)
{
	return r->root_path && hooks_before_pivot(r->spec);
}

/* Mount the root upon "/". Names that begin with "/" still lead to the host's root, which lies
 * below; the new one is reached by its descriptor only. */
static int attach_root(struct rootfs *r, struct err *e)
{
	int n = mount_enter_top();
	if (n == 0)
		n = mount_isolate();
	if (n == 0)
		n = mount_attach_at(r->root, AT_FDCWD, root_has_name(r) ? r->root_path : "/");
	return n < 0 ? err_errno(e, n, "cannot attach the root file system") : 0;
}

static int open_null(struct rootfs *r, struct err *e)
{
	r->null = open("/dev/null", O_RDWR | O_NOCTTY | O_CLOEXEC);
	int n = r->null < 0 ? -errno : device_check_null(r->null);
	if (n < 0)
		return err_errno(e, n, "cannot use the host's /dev/null");
	if (r->init < 0)
		return 0;
	/* hull-init's mount must be somewhere, or its release costs execve an RCU grace period.
	 * Upon this file of the old root it goes away together with that. */
	n = mount_attach(r->init, r->null);
	return n < 0 ? err_errno(e, n, "cannot take hull-init") : 0;
}

/* Resolved once, below the root: a working directory such as /proc/self/fd/7, or one behind a link,
 * cannot lead outside, since no magic link is followed. A missing one is made, as docker does. */
static int open_cwd(struct rootfs *r, const struct process_plan *p, struct err *e)
{
	r->cwd = path_open_in_root(r->root, p->spec->cwd, O_PATH | O_DIRECTORY, 0);
	if (r->cwd >= 0)
		return 0;
	int n = r->cwd;
	if (n == -ENOENT)
		n = r->cwd = path_make_dirs_in_root(r->root, p->spec->cwd, p->uid, p->gid, e);
	return n < 0 ? runtime_explain_cwd(r->root, p->spec->cwd, n, e) : 0;
}

int rootfs_build(struct rootfs *r, const struct process_plan *process, struct err *e)
{
	int n = attach_root(r, e);
	if (n == 0)
		n = open_null(r, e);
	if (n == 0)
		n = rootfs_attach_mounts(r, e);
	if (n == 0)
		n = rootfs_make_devices(r, e);
	if (n == 0)
		n = open_cwd(r, process, e);
	return n;
}

/* The terminal's name inside is /dev/pts/0, and /dev/console for programs that want one. */
static int bind_console(struct rootfs *r, int slave, struct err *e)
{
	CLEANUP_FD int dir = path_make_dirs_in_root(r->root, "dev", 0, 0, e);
	if (dir < 0)
		return dir;
	struct stat st;
	if (fstatat(dir, "console", &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode))
		unlinkat(dir, "console", 0);
	if (mknodat(dir, "console", S_IFREG | 0600, 0) < 0 && errno != EEXIST)
		return err_errno(e, errno, "cannot create /dev/console");
	CLEANUP_FD int target = openat(dir, "console", O_PATH | O_NOFOLLOW | O_CLOEXEC);
	int n = target < 0 ? -errno : 0;
	CLEANUP_FD int source = mount_clone(slave, "", false);
	if (n == 0)
		n = source;
	if (n >= 0)
		n = mount_attach(source, target);
	return n < 0 ? err_errno(e, n, "cannot set up /dev/console") : 0;
}

int rootfs_console(struct rootfs *r, const struct process_plan *process, struct pty *ret,
		   struct err *e)
{
	int n = process_terminal(process, r->root, ret, e);
	return n < 0 ? n : bind_console(r, ret->slave, e);
}

/* The host's root stays below ours, but no name leads there: ours is upon "/", or comes there now,
 * so that whoever joins the mount namespace (exec) finds himself in it. */
static int change_root(const struct rootfs *r, struct err *e)
{
	int root = r->root, n = 0;
	if (root_has_name(r) && (n = mount_attach_at(root, AT_FDCWD, "/")) < 0)
		return err_errno(e, n, "cannot make the root file system the root");
	if (fchdir(root) < 0 || chroot(".") < 0 || chdir("/") < 0)
		return err_errno(e, errno, "cannot enter the root file system");
	return 0;
}

int rootfs_finish(struct rootfs *r, bool no_pivot, struct err *e)
{
	int n = rootfs_mask(r, e);
	if (n == 0 && r->dev_readonly &&
	    (n = mount_change(r->dev, false, MOUNT_ATTR_RDONLY, 0, 0)) < 0)
		err_errno(e, n, "cannot make /dev read-only");
	if (n == 0 && r->spec->root.readonly &&
	    (n = mount_change(r->root, false, MOUNT_ATTR_RDONLY, 0, 0)) < 0)
		err_errno(e, n, "cannot make the root read-only");
	if (n == 0)
		n = no_pivot ? change_root(r, e) : mount_pivot(r->root, e);
	if (n == 0)
		n = set_propagation(r, e);
	if (n < 0)
		return n;
	char path[4096];
	if (fchdir(r->cwd) < 0)
		return err_errno(e, errno, "cannot enter the working directory");
	/* The kernel writes "(unreachable)" in front of a path outside the root. */
	if (syscall(SYS_getcwd, path, sizeof(path)) < 0)
		return err_errno(e, errno, "cannot tell where the working directory is");
	if (path[0] != '/')
		return err_set(e, EPERM, ERR_DENIED,
			       "the working directory is outside of the container");
	return 0;
}
