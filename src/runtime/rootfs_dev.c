/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /dev: the nodes that every container has (config-linux.md "Default Devices"), those that the spec
 * adds, and the links that programs expect. Rests on mknod(2), symlink(2).
 * Invariant: everything is made by name in a folder that is open, below the container's root; a
 * /dev that is a link leads elsewhere inside the container, or nowhere. Read rootfs.h first.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "linux/device.h"
#include "runtime/rootfs.h"

enum { MODE_DEFAULT = 0666, DEVICE_PATH_MAX = 4095, MINOR_MAX = 0xfffff, MAJOR_MAX = 0xfff };

static const struct device defaults[] = {
	{"/dev/null", S_IFCHR, 1, 3, MODE_DEFAULT, 0, 0},
	{"/dev/zero", S_IFCHR, 1, 5, MODE_DEFAULT, 0, 0},
	{"/dev/full", S_IFCHR, 1, 7, MODE_DEFAULT, 0, 0},
	{"/dev/random", S_IFCHR, 1, 8, MODE_DEFAULT, 0, 0},
	{"/dev/urandom", S_IFCHR, 1, 9, MODE_DEFAULT, 0, 0},
	{"/dev/tty", S_IFCHR, 5, 0, MODE_DEFAULT, 0, 0},
};

static const struct {
	const char *name, *target;
} links[] = {
	{"fd", "/proc/self/fd"},       {"stdin", "/proc/self/fd/0"}, {"stdout", "/proc/self/fd/1"},
	{"stderr", "/proc/self/fd/2"}, {"core", "/proc/kcore"},      {"ptmx", "pts/ptmx"},
};

static int make_links(int dev, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(links); i++) {
		int r = symlinkat(links[i].target, dev, links[i].name);
		if (r == 0)
			continue;
		/* The image's own /dev: a ptmx node of it would be the host's multiplexer. */
		if (errno == EEXIST && !strcmp(links[i].name, "ptmx") &&
		    unlinkat(dev, "ptmx", 0) == 0)
			r = symlinkat(links[i].target, dev, links[i].name);
		if (r < 0 && errno != EEXIST)
			return err_errno(e, errno, "cannot create /dev/%s", links[i].name);
	}
	return 0;
}

static int device_type(const char *type, mode_t *ret)
{
	static const struct {
		const char *type;
		mode_t mode;
	} types[] = {{"c", S_IFCHR}, {"u", S_IFCHR}, {"b", S_IFBLK}, {"p", S_IFIFO}};
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		if (strcmp(type, types[i].type))
			continue;
		*ret = types[i].mode;
		return 0;
	}
	return -EINVAL;
}

static int translate(const struct oci_device *s, struct device *d, struct err *e)
{
	*d = (struct device){.path = s->path, .host = s->host, .mode = MODE_DEFAULT};
	if (s->path[0] != '/' || strlen(s->path) > DEVICE_PATH_MAX)
		return err_set(e, EINVAL, ERR_INVALID, "device %.256s: the path must be absolute",
			       s->path);
	if (device_type(s->type, &d->type) < 0)
		return err_set(e, EINVAL, ERR_INVALID, "device %s: unknown type \"%s\"", s->path,
			       s->type);
	if (d->type != S_IFIFO &&
	    (s->major < 0 || s->major > MAJOR_MAX || s->minor < 0 || s->minor > MINOR_MAX))
		return err_set(e, EINVAL, ERR_INVALID, "device %s: numbers %lld:%lld do not exist",
			       s->path, (long long)s->major, (long long)s->minor);
	d->major = (unsigned)s->major;
	d->minor = (unsigned)s->minor;
	if (s->file_mode.set)
		d->mode = (mode_t)s->file_mode.value & 07777;
	d->uid = s->uid.set ? (uid_t)s->uid.value : 0;
	d->gid = s->gid.set ? (gid_t)s->gid.value : 0;
	return 0;
}

static int make_one(struct rootfs *r, int dev, const struct oci_device *s, struct err *e)
{
	struct device d;
	int n = translate(s, &d, e);
	if (n < 0)
		return n;
	char parent[DEVICE_PATH_MAX + 1];
	memcpy(parent, d.path, strlen(d.path) + 1); /* at most DEVICE_PATH_MAX: translate() */
	char *slash = strrchr(parent, '/');
	const char *name = d.path + (slash - parent) + 1;
	*slash = '\0';
	if (!path_is_component(name))
		return err_set(e, EINVAL, ERR_INVALID, "device %s: names no file", d.path);
	if (!strcmp(parent, "/dev"))
		return device_make(dev, name, &d, e);
	CLEANUP_FD int dir = path_make_dirs_in_root(r->root, parent, 0, 0, e);
	return dir < 0 ? err_context(e, "device %s", d.path) : device_make(dir, name, &d, e);
}

int rootfs_make_devices(struct rootfs *r, struct err *e)
{
	const struct oci_device *more = r->spec->linux_.devices.items;
	if (r->dev_bound)
		return 0;
	CLEANUP_FD int own = -1;
	if (r->dev < 0 && (own = path_make_dirs_in_root(r->root, "dev", 0, 0, e)) < 0)
		return own;
	int dev = r->dev >= 0 ? r->dev : own;
	int n = 0;
	for (size_t i = 0; n == 0 && i < ARRAY_LEN(defaults); i++)
		n = device_make(dev, defaults[i].path + strlen("/dev/"), &defaults[i], e);
	for (size_t i = 0; n == 0 && i < r->spec->linux_.devices.count; i++)
		n = make_one(r, dev, &more[i], e);
	return n < 0 ? n : make_links(dev, e);
}
