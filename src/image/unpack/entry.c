/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One entry of a layer. Whiteouts: OCI image spec 1.1, layer.md. Attributes that would change how
 * OverlayFS or a security module reads the tree are dropped; sparse files stay sparse and long runs
 * of zeros become holes.
 *
 * Invariant: an entry is written as it was asked for, or the layer is refused. Read layer.h first.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "image/unpack/layer.h"
#include "image/unpack/layout.h"

enum { HOLE_BLOCK = 4096, XATTR_BYTES_MAX = 64 << 10, XATTRS_MAX = 256 };
/* dev_t of the kernel: 12 bits and 20 bits. */
enum { DEVICE_MAJOR_MAX = 0xfff, DEVICE_MINOR_MAX = 0xfffff };

static int entry_meta(const struct layer_writer *w, struct archive_entry *entry,
		      struct tree_meta *m, struct err *e)
{
	int64_t uid = w->owner ? w->owner->uid : archive_entry_uid(entry);
	int64_t gid = w->owner ? w->owner->gid : archive_entry_gid(entry);
	/* 4294967295 means "leave as it is" to chown(2). */
	if (uid < 0 || uid >= UINT32_MAX || gid < 0 || gid >= UINT32_MAX)
		return err_set(e, ERANGE, ERR_INVALID, "owner %lld:%lld is out of range",
			       (long long)uid, (long long)gid);
	long nsec = archive_entry_mtime_nsec(entry);
	*m = (struct tree_meta){
		.mode = archive_entry_perm(entry) & 07777,
		.uid = (uid_t)uid,
		.gid = (gid_t)gid,
		.mtime = {archive_entry_mtime(entry), nsec >= 0 && nsec < 1000000000 ? nsec : 0},
	};
	return 0;
}

static bool is_zero(const char *p, size_t len)
{
	return len == 0 || (*p == 0 && !memcmp(p, p + 1, len - 1));
}

/* Write @len bytes at @at, leaving out aligned blocks of zeros. */
static int write_sparse(int fd, const char *data, size_t len, off_t at)
{
	size_t begin = 0, done = 0;
	while (done < len) {
		size_t step = HOLE_BLOCK - (size_t)((at + (off_t)done) % HOLE_BLOCK);
		if (step > len - done)
			step = len - done;
		bool hole = step == HOLE_BLOCK && is_zero(data + done, step);
		done += step;
		if (!hole && done < len)
			continue;
		size_t end = hole ? done - step : done;
		while (begin < end) {
			ssize_t n = pwrite(fd, data + begin, end - begin, at + (off_t)begin);
			if (n < 0 && errno != EINTR)
				return -errno;
			begin += n > 0 ? (size_t)n : 0;
		}
		begin = done;
	}
	return 0;
}

/* @ret_whole: all of the data was read, and only its padding is still to come. */
static int copy_data(struct archive *a, int fd, int64_t size, bool *ret_whole, struct err *e)
{
	const void *data;
	size_t len;
	la_int64_t at;
	int r;
	while ((r = archive_read_data_block(a, &data, &len, &at)) == ARCHIVE_OK) {
		if (at < 0 || at > size || (int64_t)len > size - at)
			return err_set(e, EINVAL, ERR_INVALID, "its data exceeds its size");
		int w = write_sparse(fd, data, len, at);
		if (w < 0)
			return err_errno(e, w, "cannot write");
		*ret_whole = at + (int64_t)len == size;
	}
	*ret_whole = false;
	if (r != ARCHIVE_EOF)
		return layer_reader_error(a, e);
	return ftruncate(fd, size) < 0 ? err_errno(e, errno, "cannot write") : 0;
}

/* A capability of a user namespace (version 3) names its root: the image's root is this one. */
static bool capability_ok(const unsigned char *v, size_t *len, unsigned char out[24])
{
	enum { V2 = 2, V3 = 3, V2_SIZE = 20, V3_SIZE = 24 };
	if (*len != V2_SIZE && *len != V3_SIZE)
		return false;
	memcpy(out, v, *len);
	unsigned version = v[3];
	if ((version == V2) != (*len == V2_SIZE) || (version != V2 && version != V3))
		return false;
	out[3] = V2;
	*len = V2_SIZE;
	return true;
}

/* The kernel takes an ACL of another version for "not supported", which is no way to refuse one. */
static bool acl_ok(const unsigned char *v, size_t len)
{
	static const unsigned char version[4] = {2, 0, 0, 0};
	return len >= 4 && !memcmp(v, version, 4) && (len - 4) % 8 == 0;
}

static bool xattr_wanted(const char *name)
{
	static const char *const exact[] = {"security.capability", "system.posix_acl_access",
					    "system.posix_acl_default"};
	for (size_t i = 0; i < ARRAY_LEN(exact); i++)
		if (!strcmp(name, exact[i]))
			return true;
	return !strncmp(name, "user.", 5) && strncmp(name, "user.overlay.", 13) &&
	       strlen(name) <= 255;
}

static int set_xattr(int fd, const char *name, const void *value, size_t len, struct err *e)
{
	unsigned char capability[24];
	if (!strcmp(name, "security.capability")) {
		if (!capability_ok(value, &len, capability))
			return err_set(e, EINVAL, ERR_INVALID,
				       "its file capabilities are malformed");
		value = capability;
	}
	if (!strncmp(name, "system.posix_acl_", 17) && !acl_ok(value, len))
		return err_set(e, EINVAL, ERR_INVALID, "its access control list is malformed");
	if (fsetxattr(fd, name, value, len, 0) == 0)
		return 0;
	/* An attribute of users is worth less than the layer, where the file system has none. */
	if (errno == EOPNOTSUPP && strcmp(name, "security.capability"))
		return 0;
	return err_errno(e, errno, "cannot set the extended attribute \"%.64s\"", name);
}

static int set_xattrs(int fd, struct archive_entry *entry, struct err *e)
{
	int count = archive_entry_xattr_reset(entry);
	if (count > XATTRS_MAX)
		return err_set(e, E2BIG, ERR_INVALID,
			       "it has %d extended attributes, the limit is %d", count, XATTRS_MAX);
	const char *name;
	const void *value;
	size_t len;
	while (archive_entry_xattr_next(entry, &name, &value, &len) == ARCHIVE_OK) {
		if (!name || !xattr_wanted(name))
			continue;
		if (len > XATTR_BYTES_MAX)
			return err_set(e, E2BIG, ERR_INVALID,
				       "an extended attribute of %zu bytes exceeds %d", len,
				       XATTR_BYTES_MAX);
		int r = set_xattr(fd, name, value, len, e);
		if (r < 0)
			return r;
	}
	return 0;
}

/* The content stands in the tar as it is in the file, from where libarchive is now. */
static int note_content(struct layer_writer *w, struct archive *a, struct archive_entry *entry,
			const char *path, struct err *e)
{
	int64_t size = archive_entry_size(entry);
	if (!w->layout || !size || archive_entry_sparse_count(entry))
		return 0;
	int r = layout_content(w->layout, (uint64_t)archive_filter_bytes(a, 0), (uint64_t)size,
			       path);
	return r < 0 ? err_errno(e, r, "cannot write the layout of the layer") : 0;
}

static int write_file(struct layer_writer *w, struct archive *a, struct archive_entry *entry,
		      const char *path, const struct tree_meta *m, struct err *e)
{
	int64_t size = archive_entry_size(entry);
	if (size < 0 || (uint64_t)size > w->limits.bytes - w->bytes)
		return err_set(e, EFBIG, ERR_INVALID,
			       "with its %lld bytes the layer exceeds the limit of %llu",
			       (long long)size, (unsigned long long)w->limits.bytes);
	w->bytes += (uint64_t)size;
	CLEANUP_FD int fd = tree_make_file(&w->tree, path, e);
	if (fd < 0)
		return fd;
	int r = note_content(w, a, entry, path, e);
	if (r == 0)
		r = copy_data(a, fd, size, &w->whole, e);
	if (r == 0)
		r = tree_finish_file(fd, m, e);
	return r < 0 ? r : set_xattrs(fd, entry, e);
}

static int write_dir(struct layer_writer *w, struct archive_entry *entry, const char *path,
		     const struct tree_meta *m, struct err *e)
{
	int r = tree_make_dir(&w->tree, path, m, e);
	if (r < 0 || !archive_entry_xattr_count(entry))
		return r;
	CLEANUP_FD int fd = tree_open_for_xattr(&w->tree, path);
	return fd < 0 ? err_errno(e, fd, "cannot open the folder") : set_xattrs(fd, entry, e);
}

static int write_device(struct layer_writer *w, struct archive_entry *entry, mode_t type,
			const char *path, const struct tree_meta *m, struct err *e)
{
	uint64_t major = archive_entry_rdevmajor(entry), minor = archive_entry_rdevminor(entry);
	if (major > DEVICE_MAJOR_MAX || minor > DEVICE_MINOR_MAX)
		return err_set(e, ERANGE, ERR_INVALID, "device number %llu:%llu is out of range",
			       (unsigned long long)major, (unsigned long long)minor);
	if (type == S_IFCHR && !major && !minor)
		return err_set(e, EINVAL, ERR_INVALID,
			       "character device 0:0 would hide a file of another layer");
	return tree_make_node(&w->tree, path, type, makedev((unsigned)major, (unsigned)minor), m,
			      e);
}

static int write_link(struct layer_writer *w, const char *link, const char *path, struct err *e)
{
	char target[TREE_PATH_MAX];
	int r = tree_normalise(link, target, e);
	if (r < 0)
		return err_context(e, "hard link");
	return tree_make_link(&w->tree, path, target, e);
}

static int write_symlink(struct layer_writer *w, struct archive_entry *entry, const char *path,
			 const struct tree_meta *m, struct err *e)
{
	const char *target = archive_entry_symlink(entry);
	if (!target || !*target)
		return err_set(e, EINVAL, ERR_INVALID, "a symbolic link that leads nowhere");
	return tree_make_symlink(&w->tree, path, target, m, e);
}

/* 1: it was a whiteout, 0: it is an ordinary entry. */
static int write_whiteout(struct layer_writer *w, char *path, struct err *e)
{
	char *slash = strrchr(path, '/');
	char *name = slash ? slash + 1 : path;
	if (strncmp(name, ".wh.", 4))
		return 0;
	const char *hidden = name + 4;
	int r = 0;
	if (!strcmp(hidden, ".wh..opq")) {
		*(slash ? slash : path) = '\0';
		r = tree_opaque(&w->tree, path, e);
	} else if (!*hidden || !strcmp(hidden, ".") || !strcmp(hidden, "..")) {
		r = err_set(e, EINVAL, ERR_INVALID, "a whiteout of no name");
	} else if (strncmp(hidden, ".wh.", 4)) { /* others are AUFS' own: nothing to do */
		memmove(name, hidden, strlen(hidden) + 1);
		r = tree_whiteout(&w->tree, path, e);
	}
	return r < 0 ? r : 1;
}

static int write_plain(struct layer_writer *w, struct archive *a, struct archive_entry *entry,
		       const char *path, struct err *e)
{
	struct tree_meta m;
	const char *link = archive_entry_hardlink(entry);
	mode_t type = archive_entry_filetype(entry);
	if (link)
		return write_link(w, link, path, e);
	int r = entry_meta(w, entry, &m, e);
	if (r < 0)
		return r;
	switch (type) {
	case AE_IFREG:
		return write_file(w, a, entry, path, &m, e);
	case AE_IFDIR:
		return write_dir(w, entry, path, &m, e);
	case AE_IFLNK:
		return write_symlink(w, entry, path, &m, e);
	case AE_IFCHR:
	case AE_IFBLK:
		return write_device(w, entry, type, path, &m, e);
	case AE_IFIFO:
	case AE_IFSOCK:
		return tree_make_node(&w->tree, path, type, 0, &m, e);
	}
	return err_set(e, EINVAL, ERR_INVALID, "its type is not known");
}

int layer_write_entry(struct layer_writer *w, struct archive *a, struct archive_entry *entry,
		      struct err *e)
{
	char path[TREE_PATH_MAX], shown[208];
	const char *name = archive_entry_pathname(entry);
	int r = 0;
	if (!name || !*name)
		r = err_set(e, EINVAL, ERR_INVALID, "it has no name");
	if (++w->entries > w->limits.entries)
		r = err_set(e, E2BIG, ERR_INVALID, "the layer has more than %llu entries",
			    (unsigned long long)w->limits.entries);
	if (r == 0)
		r = tree_normalise(name, path, e);
	/* Where it goes among other files, the folder itself stays as it is. */
	if (r == 0 && w->tree.into && !*path && archive_entry_filetype(entry) == AE_IFDIR)
		return 0;
	if (r == 0 && !w->tree.into)
		r = write_whiteout(w, path, e);
	if (r == 0)
		r = write_plain(w, a, entry, path, e);
	if (r == TREE_LEADS_OUT)
		err_set(e, -r, ERR_INVALID,
			"its path goes through a symbolic link that leads out of the layer");
	return r < 0 ? err_context(e, "entry \"%s\"", layer_show_name(name ? name : "", shown)) : 0;
}

const char *layer_show_name(const char *name, char buf[static 208])
{
	size_t len = 0;
	for (; *name && len < 200; name++)
		buf[len++] = (unsigned char)*name < ' ' || *name == 0x7f ? '?' : *name;
	memcpy(buf + len, *name ? "..." : "", *name ? 4 : 1);
	return buf;
}
