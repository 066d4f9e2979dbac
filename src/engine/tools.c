/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The root of `hull debug`. An image's layers have a throw-away upper folder on a tmpfs. Of this
 * machine only the programs are shown, and what they need to run: no file in which a machine has
 * its secrets, since a process of the container that has the debugger's user may look over its
 * shoulder (/proc/PID/root). Folders are overlays, which nobody can make writable; the few files of
 * /etc are copies. Users, names and addresses are the container's. Read root.h and runtime.h first.
 */
#include "engine/tools.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/path.h"
#include "engine/root.h"
#include "linux/mount.h"

enum { COPY_MAX = 1 << 20 };

/* Folders are shown, links and files copied; what there is not is left out. */
static const char *const shown[] = {
	"usr",
	"bin",
	"sbin",
	"lib",
	"lib32",
	"lib64",
	"libx32",
	"etc/alternatives",
	"etc/ssl/certs",
	"etc/terminfo",
	"etc/ld.so.cache",
	"etc/bash.bashrc",
	"etc/services",
	"etc/protocols",
};
static_assert(ARRAY_LEN(shown) <= RUNTIME_VIEW_PARTS, "all can be mounted");

static const struct {
	const char *name;
	mode_t mode;
} places[] = {{"container", 0755}, {"proc", 0755}, {"sys", 0755}, {"dev", 0755},  {"etc", 0755},
	      {"etc/ssl", 0755},   {"run", 0755},  {"var", 0755}, {"root", 0700}, {"tmp", 01777}};

/* By the container's files; users are the image's, if one has the tools. */
static const struct {
	const char *name;
	bool of_image;
} linked[] = {{"hosts", true}, {"resolv.conf", true}, {"passwd", false}, {"group", false}};

static int new_tmpfs(struct err *e)
{
	static const char *const data[] = {"mode=755"};
	return mount_new("tmpfs", "hull-debug", data, ARRAY_LEN(data),
			 MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, e);
}

static int copy_file(int from, int root, const char *name, struct arena *a, struct err *e)
{
	char *text;
	size_t len;
	int r = file_read(from, name, COPY_MAX, a, &text, &len, e);
	if (r < 0)
		return r;
	CLEANUP_FD int fd = openat(root, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	r = fd < 0 ? -errno : fd_write_full(fd, text, len);
	return r < 0 ? err_errno(e, r, "cannot copy /%s for the tools", name) : 0;
}

static int copy_link(int from, int root, const char *name, struct err *e)
{
	char target[4096];
	ssize_t n = readlinkat(from, name, target, sizeof(target) - 1);
	if (n >= 0)
		target[n] = '\0';
	return n < 0 || symlinkat(target, root, name) < 0
		       ? err_errno(e, errno, "cannot copy the link /%s for the tools", name)
		       : 0;
}

static int show_folder(struct engine *en, int from, const char *name, struct runtime_view *v,
		       struct err *e)
{
	CLEANUP_FD int folder = openat(from, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (folder < 0 || mkdirat(v->root, name, 0755) < 0)
		return err_errno(e, errno, "cannot show /%s to the tools", name);
	int mount = root_show_folder(en, folder, e);
	if (mount < 0) {
		int r = err_context(e, "cannot show this machine's /%s", name);
		err_hint(e, "--image IMAGE takes the tools from an image");
		return r;
	}
	v->parts[v->count].mount = mount;
	v->parts[v->count++].at = name;
	int r = mount_change(mount, true, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
			     0, MS_PRIVATE);
	return r < 0 ? err_errno(e, r, "cannot protect /%s", name) : 0;
}

static int show(struct engine *en, int from, const char *name, struct runtime_view *v,
		struct arena *a, struct err *e)
{
	struct stat st;
	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT || errno == ENOTDIR
			       ? 0
			       : err_errno(e, errno, "cannot look at /%s", name);
	if (S_ISDIR(st.st_mode))
		return show_folder(en, from, name, v, e);
	return S_ISLNK(st.st_mode) ? copy_link(from, v->root, name, e)
				   : copy_file(from, v->root, name, a, e);
}

static int of_machine(struct engine *en, struct runtime_view *v, struct arena *a, struct err *e)
{
	CLEANUP_FD int host = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (host < 0)
		return err_errno(e, errno, "cannot open this machine's root");
	int r = v->root = new_tmpfs(e);
	for (size_t i = 0; r >= 0 && i < ARRAY_LEN(places); i++) {
		const char *name = places[i].name;
		if (mkdirat(v->root, name, 0755) < 0 ||
		    fchmodat(v->root, name, places[i].mode, 0) < 0)
			return err_errno(e, errno, "cannot make /%s for the tools", name);
	}
	for (size_t i = 0; r >= 0 && i < ARRAY_LEN(shown); i++)
		r = show(en, host, shown[i], v, a, e);
	return r;
}

static int of_image(struct engine *en, const char *name, struct runtime_view *v,
		    struct oci_process *p, struct arena *a, struct err *e)
{
	struct image image;
	int r = image_find_config(&en->images, name, a, &image, e);
	CLEANUP_FD int scratch = r < 0 ? r : new_tmpfs(e);
	if (scratch < 0)
		return scratch;
	if (mkdirat(scratch, "upper", 0755) < 0 || mkdirat(scratch, "work", 0755) < 0)
		return err_errno(e, errno, "cannot make a throw-away layer");
	struct container whole = {.name = (char *)name, .image_id = image.id, .auto_remove = true};
	v->root = root_mount_scratch(en, &whole, scratch, a, e);
	if (v->root < 0)
		return v->root;
	for (size_t i = 0; i < image.config.config.env.count; i++)
		strv_set_env(a, &p->env, image.config.config.env.items[i]);
	r = mount_change(v->root, false, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, 0, MS_PRIVATE);
	if (r < 0)
		return err_errno(e, r, "image %s: cannot protect its files", name);
	if (mkdirat(v->root, "tmp", 01777) < 0 && errno != EEXIST)
		return err_errno(e, errno, "image %s: cannot make /tmp", name);
	CLEANUP_FD int container = path_make_dirs_in_root(v->root, "container", 0, 0, e);
	return container < 0 ? container : 0;
}

static int link_files(const struct runtime_view *v, bool image, struct arena *a, struct err *e)
{
	CLEANUP_FD int etc = path_make_dirs_in_root(v->root, "etc", 0, 0, e);
	if (etc < 0)
		return etc;
	for (size_t i = 0; i < ARRAY_LEN(linked); i++) {
		const char *name = linked[i].name;
		if (image && !linked[i].of_image)
			continue;
		if ((unlinkat(etc, name, 0) < 0 && errno != ENOENT) ||
		    symlinkat(arena_printf(a, "/container/etc/%s", name), etc, name) < 0)
			return err_errno(e, errno, "cannot make /etc/%s for the tools", name);
	}
	return 0;
}

static const char *shell(int root)
{
	static const char *const places_of_bash[] = {"bin/bash", "usr/bin/bash",
						     "usr/local/bin/bash"};
	for (size_t i = 0; i < ARRAY_LEN(places_of_bash); i++) {
		CLEANUP_FD int fd = path_open_in_root(root, places_of_bash[i], O_PATH, 0);
		if (fd >= 0)
			return "bash";
	}
	return "sh";
}

int tools_open(struct engine *en, const char *image, struct oci_process *p, struct arena *a,
	       struct tools *ret, struct err *e)
{
	struct runtime_view *v = &ret->view;
	mode_t mask = umask(0);
	int r = image ? of_image(en, image, v, p, a, e) : of_machine(en, v, a, e);
	if (r >= 0)
		r = link_files(v, image != NULL, a, e);
	umask(mask);
	if (r < 0)
		return r;
	CLEANUP_FD int host = image ? -1 : open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (!p->args.count)
		strv_push(a, &p->args, shell(image ? v->root : host));
	return 0;
}

void tools_close(struct tools *t)
{
	for (size_t i = 0; i < t->view.count; i++)
		fd_drop(&t->view.parts[i].mount);
	fd_drop(&t->view.root);
}
