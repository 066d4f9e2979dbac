/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Overlay mounts whose layers are descriptors. The kernel wants names: /proc/self/fd/N is one that
 * nobody can move. Three ways lead there, tried in this order, since each kernel has a limit:
 *   one option with all lower layers	a value of fsconfig(2) has at most 255 bytes: 14 layers
 *   one option for each layer		"lowerdir+", Linux 6.5
 *   mount(2)				a page of options, but needs a place: mount_in_place()
 * The last one is also taken where a layer is in a detached mount, before Linux 6.15.
 * Invariant: the result is detached, whichever way was taken. Read overlay.h first.
 */
#include "linux/overlay.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "base/strbuf.h"
#include "linux/mount.h"
#include "linux/namespaces.h"

enum { VALUE_MAX = 255, FD_PATH_SIZE = 32 };

/* Nothing that an image can carry in extended attributes shall be believed: no redirects, no
 * metadata-only copies, no index. */
static const char *const fixed_options[] = {"redirect_dir=nofollow", "metacopy=off", "index=off"};

static const char *fd_path(int fd, char buf[static FD_PATH_SIZE])
{
	snprintf(buf, FD_PATH_SIZE, "/proc/self/fd/%d", fd);
	return buf;
}

static void join_lowers(const struct overlay *o, struct strbuf *s)
{
	for (size_t i = 0; i < o->lower_count; i++)
		strbuf_printf(s, "%s/proc/self/fd/%d", i ? ":" : "", o->lowers[i]);
}

/* fsconfig(2) until one fails; then nothing more, and the failure stays in errno. */
static bool set_string(int fs, const char *key, const char *value)
{
	return fsconfig(fs, FSCONFIG_SET_STRING, key, value, 0) == 0;
}

static bool set_lowers(int fs, const struct overlay *o)
{
	char path[FD_PATH_SIZE];
	CLEANUP_STRBUF struct strbuf joined = STRBUF_MAX(VALUE_MAX);
	join_lowers(o, &joined);
	if (strbuf_ok(&joined))
		return set_string(fs, "lowerdir", strbuf_text(&joined));
	for (size_t i = 0; i < o->lower_count; i++)
		if (!set_string(fs, "lowerdir+", fd_path(o->lowers[i], path)))
			return false;
	return true;
}

static bool set_fixed(int fs, const struct overlay *o)
{
	for (size_t i = 0; i < ARRAY_LEN(fixed_options); i++) {
		char key[32];
		size_t len = strcspn(fixed_options[i], "=");
		memcpy(key, fixed_options[i], len);
		key[len] = '\0';
		if (!set_string(fs, key, fixed_options[i] + len + 1))
			return false;
	}
	if (namespace_caller_is_user() && fsconfig(fs, FSCONFIG_SET_FLAG, "userxattr", NULL, 0) < 0)
		return false;
	return !o->is_volatile || fsconfig(fs, FSCONFIG_SET_FLAG, "volatile", NULL, 0) == 0;
}

static bool set_upper(int fs, const struct overlay *o)
{
	char path[FD_PATH_SIZE];
	return o->upper < 0 || (set_string(fs, "upperdir", fd_path(o->upper, path)) &&
				set_string(fs, "workdir", fd_path(o->work, path)));
}

/* By the file system context. -errno; @log gets the kernel's own words. */
static int mount_by_context(const struct overlay *o, char *log, size_t size)
{
	CLEANUP_FD int fs = fsopen("overlay", FSOPEN_CLOEXEC);
	if (fs < 0)
		return -errno;
	if (set_string(fs, "source", "overlay") && set_lowers(fs, o) && set_upper(fs, o) &&
	    set_fixed(fs, o) && fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0) {
		int mount = fsmount(fs, FSMOUNT_CLOEXEC, 0);
		if (mount >= 0)
			return mount;
	}
	int r = -errno;
	ssize_t n = read(fs, log, size - 1);
	log[n > 0 ? n : 0] = '\0';
	log[strcspn(log, "\n")] = '\0';
	return r;
}

/* A place for a detached mount: as with mount_by_page(), upon "/". */
static int attach_on_top(int mount)
{
	CLEANUP_FD int top = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return top < 0 ? -errno : mount_attach(mount, top);
}

static int attach_lower(const struct overlay *o)
{
	int r = attach_on_top(o->lower_mount);
	CLEANUP_FD int root = r < 0 ? r : open("/..", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return r < 0 ? r : -errno;
	CLEANUP_FD int lower = path_open_in_root(root, o->lower_path, O_PATH | O_DIRECTORY, 0);
	if (lower < 0)
		return lower;
	return dup3(lower, o->lowers[0], O_CLOEXEC) < 0 ? -errno : 0;
}

/* The mount of upper and work. */
static int attach_upper(const struct overlay *o)
{
	int r = attach_on_top(o->upper_mount);
	if (r < 0)
		return r;
	CLEANUP_FD int upper = open("/../upper", O_PATH | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_FD int work = open("/../work", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (upper < 0 || work < 0)
		return -errno;
	return dup3(upper, o->upper, O_CLOEXEC) < 0 || dup3(work, o->work, O_CLOEXEC) < 0 ? -errno
											  : 0;
}

static int reopen_all(const struct overlay *o)
{
	int r = o->lower_path ? attach_lower(o) : 0;
	for (size_t i = 0; !o->lower_path && i < o->lower_count && r == 0; i++)
		r = mount_reopen(o->lowers[i]);
	if (r < 0 || o->upper < 0)
		return r;
	if (o->upper_mount >= 0)
		return attach_upper(o);
	r = mount_reopen(o->upper);
	return r < 0 ? r : mount_reopen(o->work);
}

static int mount_by_page(const struct overlay *o)
{
	CLEANUP_STRBUF struct strbuf data = STRBUF_MAX(4095);
	strbuf_puts(&data, "lowerdir=");
	join_lowers(o, &data);
	if (o->upper >= 0)
		strbuf_printf(&data, ",upperdir=/proc/self/fd/%d,workdir=/proc/self/fd/%d",
			      o->upper, o->work);
	for (size_t i = 0; i < ARRAY_LEN(fixed_options); i++)
		strbuf_printf(&data, ",%s", fixed_options[i]);
	if (namespace_caller_is_user())
		strbuf_puts(&data, ",userxattr");
	if (o->is_volatile)
		strbuf_puts(&data, ",volatile");
	if (!strbuf_ok(&data))
		return -E2BIG;
	if (mount("overlay", "/", "overlay", 0, strbuf_text(&data)) < 0)
		return -errno;
	/* Our "/" is still what lies below; ".." of it leads to what is on top. */
	return mount_clone(AT_FDCWD, "/..", false);
}

/* mount(2) needs a place: "/" of a child's own mount namespace, where nobody else sees it. */
static int mount_in_place(const void *arg)
{
	const struct overlay *o = arg;
	int r = unshare(CLONE_NEWNS) < 0 ? -errno : mount_isolate();
	if (r == 0)
		r = reopen_all(o);
	return r < 0 ? r : mount_by_page(o);
}

/*
 * A volatile overlay leaves a mark in its work folder and refuses to be mounted over it again:
 * after a crash of the machine the upper layer may be torn. hull asks for volatile only where a
 * torn layer is thrown away, so the mark is in the way of a mere restart.
 */
static void forget_volatile(int work)
{
	unlinkat(work, "work/incompat/volatile/dirty", 0);
	unlinkat(work, "work/incompat/volatile", AT_REMOVEDIR);
}

int overlay_mount(const struct overlay *o, struct err *e)
{
	char log[256] = "";
	if (o->lower_count == 0 || o->lower_count > OVERLAY_LAYERS_MAX)
		return err_set(e, EINVAL, ERR_INVALID, "an overlay of %zu layers (1 to %d can be)",
			       o->lower_count, OVERLAY_LAYERS_MAX);
	if (o->is_volatile)
		forget_volatile(o->work);
	int mount = mount_by_context(o, log, sizeof(log));
	if (mount == -EINVAL) {
		if (o->is_volatile) /* what failed may have left its mark */
			forget_volatile(o->work);
		mount = fd_from_child(mount_in_place, o);
	}
	if (mount >= 0)
		return mount;
	err_errno(e, mount, "cannot mount the image's layers");
	if (mount == -ENODEV)
		err_hint(e, "this kernel has no overlay file system (modprobe overlay)");
	else if (log[0])
		err_hint(e, "the kernel says: %s", log);
	return mount;
}

const char *overlay_opaque(void)
{
	return namespace_caller_is_user() ? "user.overlay.opaque" : "trusted.overlay.opaque";
}

bool overlay_is_opaque(int fd)
{
	char value;
	return fgetxattr(fd, overlay_opaque(), &value, 1) == 1 && value == 'y';
}

bool overlay_is_whiteout(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == makedev(0, 0);
}
