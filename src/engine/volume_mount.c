/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a volume mounts, as a detached mount. Rests on linux/mount.h. The options are those of
 * docker's local driver: type, device and o, which are mount(8)'s; docker mounts them on the host,
 * hull for each container, whose mount namespace then holds them.
 *
 * Containers that run at the same time share one tmpfs, as with docker. Nobody holds it but they:
 * who comes later takes a copy of the mount out of the mount namespace of one that has it, and when
 * the last of them is gone the kernel has freed it. Which device it is stands in the volume's file
 * "tmpfs", because what a container shows at that place may be something else by then.
 *
 * Invariant: nothing is ever mounted on the host. Read mounts.h first.
 */
#include "engine/mounts.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/path.h"
#include "base/units.h"
#include "linux/mount.h"
#include "linux/pidfd.h"
#include "linux/resolve.h"

struct local {
	const char *type, *device; /* NULL: a folder of ours */
	struct mount_options mount;
	int64_t size; /* 0: no limit */
};

/* docker: each option and those that it does not come without. */
static const struct {
	const char *name, *needs[2];
} known[] = {
	{"device", {"type"}}, {"type", {"device"}}, {"o", {"device", "type"}}, {"size", {NULL}}};

static int check_known(const struct kvs *options, struct err *e)
{
	for (size_t i = 0; i < options->count; i++) {
		size_t k = 0;
		while (k < ARRAY_LEN(known) && strcmp(known[k].name, options->items[i].key))
			k++;
		if (k == ARRAY_LEN(known)) {
			err_set(e, EINVAL, ERR_INVALID, "invalid option: \"%s\"",
				options->items[i].key);
			return err_hint(
				e, "there are type, device, o and size; o has what mount -o takes");
		}
		for (size_t n = 0; n < ARRAY_LEN(known[k].needs) && known[k].needs[n]; n++)
			if (!kvs_get(options, known[k].needs[n]))
				return err_set(e, EINVAL, ERR_INVALID,
					       "missing required option: \"%s\"",
					       known[k].needs[n]);
	}
	return 0;
}

/* Of a folder, or of a tmpfs, whose option it becomes. */
static int read_size(const struct kvs *options, struct arena *a, struct local *l, struct err *e)
{
	const char *text = kvs_get(options, "size");
	bool tmpfs = l->type && !strcmp(l->type, "tmpfs");
	if (!text)
		return 0;
	if (size_parse(text, &l->size) < 0 || l->size < 0)
		return err_set(e, EINVAL, ERR_INVALID, "invalid size: '%s'", text);
	if (l->type && !tmpfs)
		return err_set(e, EINVAL, ERR_INVALID,
			       "size=%s: only a folder of hull's own and a tmpfs can be limited",
			       text);
	if (!tmpfs || !l->size)
		return 0;
	if (l->mount.data_count == MOUNT_DATA_MAX)
		return err_set(e, E2BIG, ERR_INVALID, "too many options");
	l->mount.data[l->mount.data_count++] = arena_printf(a, "size=%lld", (long long)l->size);
	return 0;
}

int64_t volume_size_limit(const struct kvs *options)
{
	int64_t size = 0;
	const char *text = options ? kvs_get(options, "size") : NULL;
	return text && !kvs_get(options, "type") && size_parse(text, &size) == 0 ? size : 0;
}

/* The strings live in @a. */
static int read_options(const struct kvs *options, struct arena *a, struct local *ret,
			struct err *e)
{
	const char *words = kvs_get(options, "o");
	struct strv list = {0};
	char *rest = words ? arena_strdup(a, words) : NULL;
	*ret = (struct local){.type = kvs_get(options, "type"),
			      .device = kvs_get(options, "device")};
	for (char *word; (word = strsep(&rest, ","));)
		strv_push(a, &list, word);
	int r = check_known(options, e);
	if (r == 0)
		r = mount_options_parse(&list, &ret->mount, e);
	const struct mount_options *m = &ret->mount;
	if (r == 0 &&
	    (m->remount || m->idmap || m->copy_up || m->propagation || (m->bind && m->data_count)))
		r = err_set(e, EINVAL, ERR_INVALID, "o=%s: not for a %s", words,
			    m->bind ? "bind" : "volume");
	if (r == 0 && m->bind && *ret->device != '/')
		r = err_set(e, EINVAL, ERR_INVALID, "device=%s: must be an absolute path",
			    ret->device);
	return r < 0 ? r : read_size(options, a, ret, e);
}

int volume_options_check(const char *name, const struct kvs *options, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	struct local l;
	return read_options(options, &a, &l, e) < 0 ? err_context(e, "create %s", name) : 0;
}

/* A folder of the host, or a part of it. */
static int mount_folder(struct engine *en, const struct mount_point *m, const struct local *l,
			struct err *e)
{
	enum { FLAGS = O_PATH | O_DIRECTORY | O_CLOEXEC };
	/* By path: what --root's descriptor leads to may be of another mount namespace (files.c).
	 */
	const char *path = l->type ? l->device : m->source;
	int r = l->type ? 0 : volume_folder_make(en, m->name, l->size, e);
	CLEANUP_FD int folder = r < 0 ? -1 : open(path, FLAGS);
	if (folder < 0)
		return r < 0 ? r : err_errno(e, errno, "volume %s: cannot open %s", m->name, path);
	const char *part = m->subpath && *m->subpath ? m->subpath : ".";
	CLEANUP_FD int at = path_open_in_root(folder, part, O_PATH, 0);
	bool recursive = !m->non_recursive && (!l->type || l->mount.recursive);
	CLEANUP_FD int fd = at < 0 ? at : mount_clone(at, "", recursive);
	if (fd >= 0 && l->type)
		r = mount_change(fd, recursive, l->mount.set | l->mount.set_all,
				 l->mount.clear | l->mount.clear_all, MS_PRIVATE);
	if (fd < 0 || r < 0)
		return err_errno(e, fd < 0 ? fd : r, "volume %s: cannot mount %s of %s", m->name,
				 part, path);
	return fd_steal(&fd);
}

/* The kernel takes addresses only: of servers docker looks up the names, and so do we. */
static int find_server(const struct local *l, const char **option, struct arena *a, struct err *e)
{
	char address[INET6_ADDRSTRLEN];
	bool network =
		!strcmp(l->type, "nfs") || !strcmp(l->type, "nfs4") || !strcmp(l->type, "cifs");
	if (!network || strncmp(*option, "addr=", 5))
		return 0;
	int r = resolve_address(*option + 5, address);
	if (r == 0)
		*option = arena_printf(a, "addr=%s", address);
	return r < 0 ? err_errno(e, r, "cannot find the address of the server (%s)", *option) : 0;
}

static int mount_other(const struct mount_point *m, const struct local *l, struct arena *a,
		       struct err *e)
{
	const struct mount_options *o = &l->mount;
	const char *data[MOUNT_DATA_MAX + ARRAY_LEN(o->super)];
	size_t count = o->data_count;
	memcpy(data, o->data, count * sizeof(data[0]));
	for (size_t i = 0; i < o->super_count; i++)
		data[count++] = o->super[i];
	int r = 0;
	for (size_t i = 0; r == 0 && i < count; i++)
		r = find_server(l, &data[i], a, e);
	CLEANUP_FD int fd =
		r < 0 ? r : mount_new(l->type, l->device, data, count, o->set | o->set_all, e);
	/* mount(8) tries one after the other, mount(2) takes the type's first. */
	if (fd == -EPROTONOSUPPORT && !strncmp(l->type, "nfs", 3))
		err_hint(e, "the server does not speak this version of NFS, and unlike mount(8) a "
			    "volume tries no other: name one in the volume's o=, as in vers=4.2");
	if (fd < 0)
		return err_context(e, "volume %s: device %s", m->name, l->device);
	if (!m->subpath || !*m->subpath)
		return fd_steal(&fd);
	int part = mount_clone_elsewhere(-1, fd, m->subpath);
	return part >= 0 ? part
			 : err_errno(e, part, "volume %s: cannot mount %s of %s", m->name,
				     m->subpath, l->device);
}

/* ---- a tmpfs that is shared ---- */

/* -ENOENT: that one has it not. */
static int take_from(struct engine *en, const char *id, const char *destination, uint64_t device)
{
	struct run_record run;
	struct stat st;
	int r = run_record_read(en, id, &run);
	CLEANUP_FD int pidfd = r < 0 ? r : pidfd_of_started(run.pid, run.pid_start);
	CLEANUP_FD int fd = pidfd < 0 ? pidfd : mount_clone_elsewhere(pidfd, -1, destination);
	if (fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP || fd == -ESRCH || fd == -EINVAL)
		return -ENOENT;
	if (fd >= 0 && (fstat(fd, &st) < 0 || st.st_dev != device))
		return -ENOENT;
	return fd_steal(&fd);
}

/* -ENOENT: nobody has it. */
static int take_from_any(struct engine *en, const char *name, const char *self, uint64_t device,
			 struct err *e)
{
	CLEANUP_STMT sqlite3_stmt *s = NULL;
	int places = 0;
	int r = db_query(&en->db, &s, e,
			 "SELECT container, destination FROM volume_use WHERE volume = ?1 "
			 "ORDER BY container <> ?2",
			 "ss", name, self);
	while (r >= 0 && (r = db_next(s, e)) == 1) {
		bool own = !strcmp(db_text(s, 0), self);
		/* Before it is mounted somewhere it cannot be copied. */
		if (own && ++places > 1)
			return err_set(e, EINVAL, ERR_INVALID,
				       "volume %s: a tmpfs can be at one place of a container only",
				       name);
		int fd = own ? -ENOENT : take_from(en, db_text(s, 0), db_text(s, 1), device);
		if (fd >= 0)
			return fd;
		if (fd != -ENOENT)
			return err_errno(e, fd, "volume %s: cannot take it from container %.12s",
					 name, db_text(s, 0));
	}
	return r < 0 ? r : -ENOENT;
}

static int lock_volumes(struct engine *en, int *lock, struct err *e)
{
	if (*lock)
		return 0;
	int fd = openat(en->root_fd, "volumes", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || TEMP_FAILURE_RETRY(flock(fd, LOCK_EX)) < 0)
		return err_errno(e, errno, "cannot lock the volumes");
	*lock = fd;
	return 0;
}

static int mount_tmpfs(struct engine *en, const struct mount_point *m, const struct local *l,
		       const char *container, int *lock, struct arena *a, struct err *e)
{
	char noted[32];
	uint64_t device = 0;
	struct stat st;
	const char *file = arena_printf(a, "volumes/%s/tmpfs", m->name);
	if ((m->subpath && *m->subpath) || m->idmap)
		return err_set(e, EINVAL, ERR_INVALID, "volume %s: a tmpfs has no %s", m->name,
			       m->idmap ? "idmap: its o=uid=,gid= say whose it is" : "subpath");
	int r = lock ? lock_volumes(en, lock, e) : 0;
	if (r < 0)
		return r;
	if (file_read_small(en->root_fd, file, noted, sizeof(noted)) > 0)
		uint_parse(noted, UINT64_MAX, &device);
	CLEANUP_FD int fd = take_from_any(en, m->name, container, device, e);
	if (fd >= 0) { /* that container may have had it read-only */
		r = mount_change(fd, false, l->mount.set, ~l->mount.set & MOUNT_ATTR_RDONLY, 0);
		return r < 0 ? err_errno(e, r, "volume %s", m->name) : fd_steal(&fd);
	}
	if (fd != -ENOENT || (fd = mount_other(m, l, a, e)) < 0 || !lock)
		return fd_steal(&fd);
	if (fstat(fd, &st) < 0)
		return err_errno(e, errno, "volume %s", m->name);
	CLEANUP_FD int folder = dir_open(en->root_fd, arena_printf(a, "volumes/%s", m->name), e);
	snprintf(noted, sizeof(noted), "%llu", (unsigned long long)st.st_dev);
	r = folder < 0 ? folder : file_replace(folder, "tmpfs", noted, strlen(noted), false, e);
	return r < 0 ? r : fd_steal(&fd);
}

int volume_mount(struct engine *en, const struct mount_point *m, const char *container, int *lock,
		 struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	struct kvs options = {0};
	struct local l = {0};
	int r = volume_options(en, m->name, m->options, &a, &options, e);
	if (r >= 0)
		r = read_options(&options, &a, &l, e);
	if (r < 0)
		return err_context(e, "volume %s", m->name);
	if (!l.type || l.mount.bind)
		return mount_folder(en, m, &l, e);
	return strcmp(l.type, "tmpfs") ? mount_other(m, &l, &a, e)
				       : mount_tmpfs(en, m, &l, container, lock, &a, e);
}
