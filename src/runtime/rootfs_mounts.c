/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The spec's mounts, in order. Rests on move_mount(2) onto descriptors, statfs(2).
 * Invariant: the target of a mount is resolved below the root once, to a descriptor, and looked at
 * through that descriptor only; neither a link that the image holds nor one that another container
 * swaps in meanwhile can move it. Read rootfs.h first.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "runtime/rootfs.h"

/* What may be mounted upon inside /proc: files that only inform. Anything else could make the
 * runtime, or a program, believe it wrote to the kernel when it did not. */
static const char *const proc_targets[] = {
	"/proc/cpuinfo",
	"/proc/diskstats",
	"/proc/loadavg",
	"/proc/meminfo",
	"/proc/net/dev",
	"/proc/slabinfo",
	"/proc/stat",
	"/proc/swaps",
	"/proc/uptime",
	"/proc/sys/kernel/ns_last_pid",
	"/proc/sys/crypto/fips_enabled",
};

static bool is_type(const struct rootfs_mount *m, const char *type)
{
	return m->source < 0 && m->spec->type && !strcmp(m->spec->type, type);
}

static bool is_cgroup(const struct rootfs_mount *m)
{
	return is_type(m, "cgroup") || is_type(m, "cgroup2");
}

static bool fs_is(int fd, unsigned magic)
{
	struct statfs fs;
	return fstatfs(fd, &fs) == 0 && (unsigned)fs.f_type == magic;
}

/* /proc and /sys themselves must be where programs look for them: no link on the way. */
static int open_without_links(int root, const char *path)
{
	struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS,
	};
	long fd = syscall(SYS_openat2, root, path, &how, sizeof(how));
	return fd < 0 ? -errno : (int)fd;
}

static bool proc_target_is_allowed(const char *destination)
{
	for (size_t i = 0; i < ARRAY_LEN(proc_targets); i++)
		if (!strcmp(destination, proc_targets[i]))
			return true;
	return false;
}

static int check_target(const struct rootfs_mount *m, int target, struct err *e)
{
	struct stat at, from;
	if (fstat(target, &at) < 0)
		return err_errno(e, errno, "cannot stat the target");
	if (m->source >= 0) {
		if (fstat(m->source, &from) < 0)
			return err_errno(e, errno, "cannot stat %s", m->spec->source);
		if (S_ISDIR(from.st_mode) != S_ISDIR(at.st_mode)) {
			err_set(e, ENOTDIR, ERR_INVALID,
				"%s is a %s and the target is a %s: not a "
				"directory",
				m->spec->source, S_ISDIR(from.st_mode) ? "folder" : "file",
				S_ISDIR(at.st_mode) ? "folder" : "file");
			return err_hint(e, "mount a folder upon a folder, and a file upon a file");
		}
	}
	bool replaces_proc = !strcmp(m->destination, "/proc") && !is_type(m, "proc") &&
			     !(m->source >= 0 && fs_is(m->source, PROC_SUPER_MAGIC));
	struct statfs fs;
	if (fstatfs(target, &fs) < 0)
		return err_errno(e, errno, "cannot look at the target");
	bool inside_proc =
		(unsigned)fs.f_type == PROC_SUPER_MAGIC && !proc_target_is_allowed(m->destination);
	if (replaces_proc || inside_proc)
		return err_set(e, EPERM, ERR_DENIED,
			       "nothing may be mounted there: the engine and the programs of the "
			       "container rely on the kernel's own /proc");
	return 0;
}

/* The target as a descriptor, made if missing. @ret_existed: it was there before. */
static int open_target(struct rootfs *r, const struct rootfs_mount *m, bool *ret_existed,
		       struct err *e)
{
	bool strict = is_type(m, "proc") || is_type(m, "sysfs");
	int fd = strict ? open_without_links(r->root, m->destination)
			: path_open_in_root(r->root, m->destination, O_PATH, 0);
	*ret_existed = fd >= 0;
	if (fd >= 0)
		return fd;
	if (fd == -ELOOP && strict)
		return err_set(e, ELOOP, ERR_DENIED, "the image has a symbolic link there");
	if (fd != -ENOENT)
		return err_errno(e, fd, "cannot open the target");
	struct stat st = {.st_mode = S_IFDIR};
	if (m->source >= 0 && fstat(m->source, &st) < 0)
		return err_errno(e, errno, "cannot stat %s", m->spec->source);
	if (!S_ISDIR(st.st_mode))
		return path_make_file_in_root(r->root, m->destination, e);
	return path_make_dirs_in_root(r->root, m->destination, 0, 0, e);
}

/* A bind: what it came with stays (nosuid of the source's file system ...), except what is asked.
 */
static int attach_bind(const struct rootfs_mount *m, int target, struct err *e)
{
	const struct mount_options *o = &m->options;
	uint64_t propagation = o->propagation ? o->propagation : MS_PRIVATE;
	bool all = o->propagation_all || !o->propagation;
	int r = 0;
	if (!o->recursive) {
		r = mount_change(m->source, false, o->set | o->set_all, o->clear | o->clear_all,
				 propagation);
	} else {
		r = mount_change(m->source, true, o->set_all, o->clear_all, all ? propagation : 0);
		if (r == 0 && (o->set || o->clear || !all))
			r = mount_change(m->source, false, o->set, o->clear, all ? 0 : propagation);
	}
	if (r == 0)
		r = mount_attach(m->source, target);
	return r < 0 ? err_errno(e, r, "cannot mount %s", m->spec->source) : 0;
}

static bool has_data(const struct mount_options *o, const char *key)
{
	size_t len = strlen(key);
	for (size_t i = 0; i < o->data_count; i++)
		if (!strncmp(o->data[i], key, len))
			return true;
	return false;
}

/* The file system itself, detached. A tmpfs upon an existing folder keeps that folder's mode. */
static int new_mount(const struct rootfs_mount *m, int target, bool existed, uint64_t attrs,
		     struct err *e)
{
	const struct mount_options *o = &m->options;
	const char *data[MOUNT_DATA_MAX + 2 + ARRAY_LEN(o->super)];
	size_t count = o->data_count;
	char mode[16];
	struct stat st;
	memcpy(data, o->data, count * sizeof(data[0]));
	for (size_t i = 0; i < o->super_count; i++)
		data[count++] = o->super[i];
	if (m->label)
		data[count++] = m->label;
	if (is_type(m, "tmpfs") && existed && !has_data(o, "mode=") && fstat(target, &st) == 0) {
		snprintf(mode, sizeof(mode), "mode=%04o", (unsigned)st.st_mode & 07777);
		data[count++] = mode;
	}
	const char *source = m->spec->source && *m->spec->source ? m->spec->source : m->spec->type;
	return mount_new(m->spec->type, source, data, count, attrs, e);
}

static bool shares(const struct rootfs *r, const char *kind)
{
	const struct oci_namespace *n = r->spec->linux_.namespaces.items;
	for (size_t i = 0; i < r->spec->linux_.namespaces.count; i++)
		if (!strcmp(n[i].type, kind) && !n[i].path)
			return false;
	return true;
}

/* These show a namespace, and their mount needs rights over that: without them the host's, if the
 * namespace is the host's, too. A sysfs has much besides. */
static const struct {
	const char *type, *path, *kind;
	uint64_t attrs;
} host_views[] = {
	{"sysfs", "/sys", NULL, MOUNT_ATTR_RDONLY},
	{"proc", "/proc", "pid", 0},
	{"mqueue", "/dev/mqueue", "ipc", 0},
};

/* -EPERM, as before, where it has to be a new one. */
static int host_view(const struct rootfs *r, const struct rootfs_mount *m, uint64_t attrs,
		     struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(host_views); i++) {
		if (!is_type(m, host_views[i].type) ||
		    (host_views[i].kind && !shares(r, host_views[i].kind)))
			continue;
		CLEANUP_FD int copy = mount_clone(AT_FDCWD, host_views[i].path, true);
		int n = copy < 0 ? copy
				 : mount_change(copy, true, attrs | host_views[i].attrs, 0,
						MS_PRIVATE);
		return n < 0 ? err_errno(e, n, "cannot mount the host's %s", host_views[i].path)
			     : fd_steal(&copy);
	}
	return -EPERM;
}

static int attach_new(struct rootfs *r, const struct rootfs_mount *m, int target, bool existed,
		      struct err *e)
{
	const struct mount_options *o = &m->options;
	uint64_t attrs = o->set | o->set_all;
	bool is_dev = is_type(m, "tmpfs") && !strcmp(m->destination, "/dev");
	bool later = is_dev || o->copy_up; /* read-only only after something was put in */
	CLEANUP_FD int mount =
		new_mount(m, target, existed, later ? attrs & ~MOUNT_ATTR_RDONLY : attrs, e);
	int n = mount;
	if (mount == -EPERM)
		n = mount = host_view(r, m, attrs, e);
	if (n < 0)
		return n;
	n = 0;
	if (o->copy_up && existed && (n = rootfs_copy_up(target, mount, e)) < 0)
		return n;
	if (o->copy_up && !is_dev && attrs & MOUNT_ATTR_RDONLY)
		n = mount_change(mount, false, MOUNT_ATTR_RDONLY, 0, 0);
	if (n == 0 && o->propagation && o->propagation != MS_PRIVATE)
		n = mount_change(mount, false, 0, 0, o->propagation);
	if (n == 0)
		n = mount_attach(mount, target);
	if (n < 0)
		return err_errno(e, n, "cannot mount %s", m->spec->type);
	if (is_dev && r->dev < 0) {
		r->dev = fd_steal(&mount);
		r->dev_readonly = attrs & MOUNT_ATTR_RDONLY;
	} else if (is_type(m, "proc") && r->proc < 0) {
		r->proc = fd_steal(&mount);
	}
	return 0;
}

static int change_mounted(const struct rootfs_mount *m, int target, struct err *e)
{
	const struct mount_options *o = &m->options;
	int n = mount_change(target, false, o->set | o->set_all, o->clear | o->clear_all,
			     o->propagation);
	return n == -EINVAL ? err_set(e, EINVAL, ERR_INVALID, "nothing is mounted there to remount")
	       : n < 0      ? err_errno(e, n, "cannot remount it")
			    : 0;
}

static int attach_one(struct rootfs *r, const struct rootfs_mount *m, struct err *e)
{
	bool existed;
	CLEANUP_FD int target = open_target(r, m, &existed, e);
	if (target < 0)
		return target;
	if (m->options.remount && m->source < 0)
		return change_mounted(m, target, e);
	int n = check_target(m, target, e);
	if (n < 0)
		return n;
	if (is_cgroup(m))
		return rootfs_attach_cgroups(r, m, target, e);
	if (m->source < 0)
		return attach_new(r, m, target, existed, e);
	if (!strcmp(m->destination, "/dev"))
		r->dev_bound = true;
	return attach_bind(m, target, e);
}

int rootfs_attach_mounts(struct rootfs *r, struct err *e)
{
	for (size_t i = 0; i < r->spec->mounts.count; i++) {
		int n = attach_one(r, &r->mounts[i], e);
		if (n < 0)
			return err_context(e, "mount %s", r->mounts[i].destination);
	}
	return 0;
}
