/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mounts by descriptor. Rests on fsopen(2), fsconfig(2), fsmount(2), open_tree(2), move_mount(2),
 * mount_setattr(2), pivot_root(2). Invariant: every descriptor is close-on-exec. Read mount.h
 * first.
 */
#include "linux/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

enum { OPTION_NAME_MAX = 63 };

/*
 * Say what the kernel said. A file system context keeps its messages ("e tmpfs: Bad value for
 * 'size'") until they are read, one by one.
 */
static int context_failed(int fs, int number, const char *type, const char *doing, struct err *e)
{
	char log[256];
	ssize_t n = read(fs, log, sizeof(log) - 1);
	if (n <= 0)
		return err_errno(e, number, "cannot mount %s: %s", type, doing);
	while (n > 0 && log[n - 1] == '\n')
		n--;
	log[n] = '\0';
	err_errno(e, number, "cannot mount %s: %s", type, doing);
	const char *text = n > 2 && log[1] == ' ' ? log + 2 : log;
	err_hint(e, "the kernel says: %s", text);
	return -e->number;
}

/* One option, "key=value" or "key". */
static int set_option(int fs, const char *option)
{
	const char *equals = strchr(option, '=');
	if (!equals)
		return fsconfig(fs, FSCONFIG_SET_FLAG, option, NULL, 0);
	char key[OPTION_NAME_MAX + 1];
	size_t len = (size_t)(equals - option);
	if (len > OPTION_NAME_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(key, option, len);
	key[len] = '\0';
	return fsconfig(fs, FSCONFIG_SET_STRING, key, equals + 1, 0);
}

/* An option as it may stand in a message, which others than its owner read. In @buf. */
static const char *without_password(const char *option, char *buf, size_t size)
{
	static const char *const secret[] = {"pass", "secret", "cred"};
	const int key = (int)strcspn(option, "=");
	snprintf(buf, size, "%.*s", key, option);
	for (size_t i = 0; i < ARRAY_LEN(secret); i++)
		if (strcasestr(buf, secret[i])) {
			snprintf(buf, size, "%.*s=***", key, option);
			return buf;
		}
	return option;
}

int mount_new(const char *type, const char *source, const char *const *data, size_t data_count,
	      uint64_t attrs, struct err *e)
{
	char shown[OPTION_NAME_MAX + 8];
	CLEANUP_FD int fs = fsopen(type, FSOPEN_CLOEXEC);
	if (fs < 0 && errno == ENODEV) {
		err_set(e, ENODEV, ERR_INVALID,
			"cannot mount %s: this kernel has no such file system", type);
		return err_hint(e,
				"/proc/filesystems lists those that it has; others come with its "
				"modules (modprobe %s)",
				type);
	}
	if (fs < 0)
		return err_errno(e, errno, "cannot mount %s", type);
	if (source && fsconfig(fs, FSCONFIG_SET_STRING, "source", source, 0) < 0)
		return context_failed(fs, errno, type, source, e);
	for (size_t i = 0; i < data_count; i++)
		if (set_option(fs, data[i]) < 0)
			return context_failed(fs, errno, type,
					      without_password(data[i], shown, sizeof(shown)), e);
	if (fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return context_failed(fs, errno, type, "the kernel refuses", e);
	int mount = fsmount(fs, FSMOUNT_CLOEXEC, (unsigned)attrs);
	return mount >= 0 ? mount : context_failed(fs, errno, type, "the kernel refuses", e);
}

int mount_reconfigure(int mount, const char *option, struct err *e)
{
	CLEANUP_FD int fs = fspick(mount, "", FSPICK_EMPTY_PATH | FSPICK_CLOEXEC);
	if (fs < 0)
		return err_errno(e, errno, "cannot mount it anew");
	if (set_option(fs, option) < 0 || fsconfig(fs, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0) < 0)
		return context_failed(fs, errno, "it anew", option, e);
	return 0;
}

int mount_clone(int dirfd, const char *path, bool recursive)
{
	unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;
	if (!*path)
		flags |= AT_EMPTY_PATH;
	if (recursive)
		flags |= AT_RECURSIVE;
	int fd = open_tree(dirfd, path, flags);
	return fd < 0 ? -errno : fd;
}

int mount_attach(int mount, int target)
{
	if (move_mount(mount, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) <
	    0)
		return -errno;
	return 0;
}

int mount_attach_at(int mount, int dirfd, const char *name)
{
	return move_mount(mount, "", dirfd, name, MOVE_MOUNT_F_EMPTY_PATH) < 0 ? -errno : 0;
}

int mount_change(int mount, bool recursive, uint64_t set, uint64_t clear, uint64_t propagation)
{
	struct mount_attr attr = {.attr_set = set, .attr_clr = clear, .propagation = propagation};
	/* The ways to keep access times exclude each other: setting one clears the field. */
	if (set & MOUNT_ATTR__ATIME || clear & MOUNT_ATTR__ATIME)
		attr.attr_clr |= MOUNT_ATTR__ATIME;
	unsigned flags = AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);
	return mount_setattr(mount, "", flags, &attr, sizeof(attr)) < 0 ? -errno : 0;
}

int mount_enter_top(void)
{
	CLEANUP_FD int own = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	return own < 0 || setns(own, CLONE_NEWNS) < 0 ? -errno : 0;
}

int mount_idmap(int mount, bool recursive, int userns)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)userns};
	unsigned flags = AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);
	return mount_setattr(mount, "", flags, &attr, sizeof(attr)) < 0 ? -errno : 0;
}

int mount_isolate(void)
{
	struct mount_attr attr = {.propagation = MS_PRIVATE};
	return mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &attr, sizeof(attr)) < 0 ? -errno : 0;
}

int mount_pivot(int root, struct err *e)
{
	/* "." twice stacks the old root upon the new one, from where it is taken off again, so no
	 * folder for it need exist in the image: pivot_root(2), "pivot_root(".", ".")". */
	if (fchdir(root) < 0)
		return err_errno(e, errno, "cannot enter the root file system");
	if (syscall(SYS_pivot_root, ".", ".") < 0)
		return err_errno(e, errno, "cannot make the root file system the root");
	if (umount2(".", MNT_DETACH) < 0)
		return err_errno(e, errno, "cannot detach the host's file systems");
	if (chdir("/") < 0)
		return err_errno(e, errno, "cannot enter the root file system");
	return 0;
}

int mount_reopen(int fd)
{
	char link[32], path[4096];
	struct stat was, is;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, path, sizeof(path) - 1);
	if (n < 0)
		return -errno;
	path[n] = '\0';
	CLEANUP_FD int again = open(path, O_PATH | O_CLOEXEC);
	if (again < 0 || fstat(fd, &was) < 0 || fstat(again, &is) < 0)
		return -errno;
	if (was.st_dev != is.st_dev || was.st_ino != is.st_ino)
		return -ESTALE;
	return dup3(again, fd, O_CLOEXEC) < 0 ? -errno : 0;
}
