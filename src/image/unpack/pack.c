/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packing. Rests on libarchive's pax writer, openat(2) with O_NOFOLLOW, lseek(2) with SEEK_DATA. A
 * tree that changes meanwhile gives a whole archive all the same: what vanishes is left out, a file
 * is as long as it was when it was opened. Read pack.h first.
 */
#include "image/unpack/pack.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "image/unpack/sink.h"
#include "linux/overlay.h"

/* A file with more pieces is read whole from there on: a list of them takes memory. */
enum { PIECES_MAX = 10000, HOLE = 1 << 20, LAYER_HOLES_LEAST = 1 << 30 };
enum {
	BLOCK = 128 << 10,
	XATTR_NAMES_MAX = 64 << 10,
	XATTR_VALUE_MAX = 64 << 10,
	XATTRS_MAX = 256
};
enum { ENTRY_OPEN = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC };

struct packer {
	const struct pack *pack;
	struct archive *archive;
	struct archive_entry *entry;
	struct archive_entry_linkresolver *links;
	struct sink sink;
	uint64_t done;
	char path[TREE_PATH_MAX]; /* of the entry, in the archive */
	struct err *e;
};

static int failed(struct packer *p, int number, const char *what)
{
	return err_errno(p->e, number, "%s", what);
}

/* libarchive's own failures are those of writing, or of memory. */
static int archive_failed(struct packer *p)
{
	int number = archive_errno(p->archive);
	return failed(p, number > 0 ? number : EIO, "cannot write the archive");
}

static la_ssize_t write_out(struct archive *a, void *ctx, const void *data, size_t len)
{
	struct packer *p = ctx;
	int r = sink_write(&p->sink, data, len);
	if (r < 0)
		archive_set_error(a, -r, "cannot write");
	return r < 0 ? -1 : (la_ssize_t)len;
}

/* A file's holes become holes of the archive. But in a layer others cannot pass them on (what
 * docker and podman keep of a layer to write it again knows no holes), so there it is zeros, until
 * that would be absurd: a lastlog of a large user id has hundreds of gigabytes. */
static void note_holes(struct packer *p, int fd, off_t size)
{
	off_t at = lseek(fd, 0, SEEK_HOLE);
	if (at < 0 || at >= size)
		return;
	int pieces = 0;
	off_t holes = size;
	for (at = 0; at < size; pieces++) {
		off_t data = lseek(fd, at, SEEK_DATA);
		off_t end = data < 0 ? -1 : lseek(fd, data, SEEK_HOLE);
		if (data < 0 || end < 0 || data >= size)
			break;
		/* It grew meanwhile: libarchive drops what exceeds the size. */
		if (end > size || pieces == PIECES_MAX)
			end = size;
		archive_entry_sparse_add_entry(p->entry, data, end - data);
		holes -= end - data;
		at = end;
	}
	/* A hole to the end, or nothing else. */
	if (!pieces)
		archive_entry_sparse_add_entry(p->entry, size, 0);
	if (p->pack->whiteouts && holes < LAYER_HOLES_LEAST)
		archive_entry_sparse_clear(p->entry);
}

static bool is_wanted(const char *name)
{
	static const char *const exact[] = {"security.capability", "system.posix_acl_access",
					    "system.posix_acl_default"};
	for (size_t i = 0; i < ARRAY_LEN(exact); i++)
		if (!strcmp(name, exact[i]))
			return true;
	return !strncmp(name, "user.", 5) && strncmp(name, "user.overlay.", 13) != 0;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* In the order of their names: file systems have others, and so would the same layer. */
static void note_xattrs(struct packer *p, int fd)
{
	static char names[XATTR_NAMES_MAX], value[XATTR_VALUE_MAX];
	char *wanted[XATTRS_MAX];
	size_t count = 0;
	ssize_t len = flistxattr(fd, names, sizeof(names));
	for (ssize_t at = 0; at < len && count < XATTRS_MAX; at += (ssize_t)strlen(names + at) + 1)
		if (is_wanted(names + at))
			wanted[count++] = names + at;
	qsort(wanted, count, sizeof(*wanted), by_text);
	for (size_t i = count; i-- > 0;) { /* libarchive keeps the last one first */
		ssize_t n = fgetxattr(fd, wanted[i], value, sizeof(value));
		if (n >= 0)
			archive_entry_xattr_add_entry(p->entry, wanted[i], value, (size_t)n);
	}
}

static void begin(struct packer *p, const struct stat *st)
{
	archive_entry_clear(p->entry);
	archive_entry_copy_stat(p->entry, st);
	archive_entry_unset_atime(p->entry);
	archive_entry_unset_ctime(p->entry);
	archive_entry_unset_birthtime(p->entry);
	archive_entry_copy_pathname(p->entry, p->path);
}

static int write_header(struct packer *p)
{
	/* A warning tells of a name that is not UTF-8: it is written as it is. */
	int r = archive_write_header(p->archive, p->entry);
	return r == ARCHIVE_OK || r == ARCHIVE_WARN ? 0 : archive_failed(p);
}

/* libarchive wants the bytes of a hole, and looks at none of them. */
static int write_hole(struct packer *p, int64_t len)
{
	static char zeros[HOLE];
	for (; len > 0; len -= HOLE)
		if (archive_write_data(p->archive, zeros, len < HOLE ? (size_t)len : HOLE) < 0)
			return archive_failed(p);
	return 0;
}

static int write_piece(struct packer *p, int fd, int64_t at, int64_t end)
{
	static char block[BLOCK];
	while (at < end) {
		ssize_t n = pread(fd, block, end - at < BLOCK ? (size_t)(end - at) : BLOCK, at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return failed(p, errno, "cannot read it");
		if (n == 0) /* it became shorter: zeros in its place */
			return write_hole(p, end - at);
		if (archive_write_data(p->archive, block, (size_t)n) < 0)
			return archive_failed(p);
		at += n;
		p->done += (uint64_t)n;
		if (p->pack->progress)
			p->pack->progress(p->pack->ctx, p->done);
	}
	return 0;
}

static int write_data(struct packer *p, int fd)
{
	int64_t size = archive_entry_size(p->entry), done = 0, at, len;
	int r = 0;
	if (archive_entry_sparse_reset(p->entry) == 0)
		return write_piece(p, fd, 0, size);
	while (r == 0 && archive_entry_sparse_next(p->entry, &at, &len) == ARCHIVE_OK) {
		r = write_hole(p, at - done);
		if (r == 0)
			r = write_piece(p, fd, at, at + len);
		done = at + len;
	}
	return r == 0 ? write_hole(p, size - done) : r;
}

static int pack_file(struct packer *p, int dir, const char *name)
{
	struct stat st;
	struct archive_entry *spare = NULL;
	CLEANUP_FD int fd = openat(dir, name, ENTRY_OPEN);
	if (fd < 0 || fstat(fd, &st) < 0)
		return errno == ENOENT ? 0 : failed(p, errno, "cannot open it");
	if (!S_ISREG(st.st_mode))
		return failed(p, ESTALE, "it changed while it was looked at");
	begin(p, &st);
	/* Its second name becomes a hard link to the first. */
	if (st.st_nlink > 1)
		archive_entry_linkify(p->links, &p->entry, &spare);
	if (!archive_entry_hardlink(p->entry)) {
		note_xattrs(p, fd);
		note_holes(p, fd, st.st_size);
	}
	int r = write_header(p);
	return r < 0 || archive_entry_hardlink(p->entry) ? r : write_data(p, fd);
}

static int pack_symlink(struct packer *p, int dir, const char *name, const struct stat *st)
{
	char target[TREE_PATH_MAX];
	ssize_t n = readlinkat(dir, name, target, sizeof(target) - 1);
	if (n < 0)
		return errno == ENOENT ? 0 : failed(p, errno, "cannot read the symbolic link");
	target[n] = '\0';
	begin(p, st);
	archive_entry_copy_symlink(p->entry, target);
	return write_header(p);
}

/* Append "/name", or @name to nothing; the length before, or negative errno. */
static ssize_t push(struct packer *p, const char *name)
{
	size_t len = strlen(p->path), room = sizeof(p->path) - len;
	const char *between = len && p->path[len - 1] != '/' ? "/" : "";
	if (snprintf(p->path + len, room, "%s%s", between, name) >= (int)room)
		return failed(p, ENAMETOOLONG, "its path is too long");
	return (ssize_t)len;
}

/* An empty file with a name that means something to who unpacks a layer. */
static int pack_mark(struct packer *p, const char *name)
{
	struct stat st = {.st_mode = S_IFREG, .st_nlink = 1};
	ssize_t len = push(p, name);
	if (len < 0)
		return (int)len;
	begin(p, &st);
	int r = write_header(p);
	p->path[len] = '\0';
	return r;
}

/* What the kernel makes up when it is read belongs into no archive. */
static bool is_made_up(int fd)
{
	struct statfs fs;
	return fstatfs(fd, &fs) == 0 &&
	       (fs.f_type == PROC_SUPER_MAGIC || fs.f_type == SYSFS_MAGIC ||
		fs.f_type == CGROUP_SUPER_MAGIC || fs.f_type == CGROUP2_SUPER_MAGIC);
}

static int pack_entry(struct packer *p, int dir, const char *name, dev_t device, int depth);

static int pack_below(struct packer *p, int dir, const char *name, dev_t device, int depth)
{
	ssize_t len = push(p, name);
	if (len < 0)
		return (int)len;
	int r = pack_entry(p, dir, name, device, depth + 1);
	p->path[len] = '\0';
	return r;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int no_dots(const struct dirent *entry)
{
	return strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
}

/* A layer of the same files is the same tar, whatever order the file system has. */
static int pack_sorted(struct packer *p, int fd, dev_t device, int depth)
{
	struct dirent **names;
	int r = 0, count = scandirat(fd, ".", &names, no_dots, by_name);
	if (count < 0)
		return failed(p, errno, "cannot read the folder");
	for (int i = 0; i < count; i++) {
		if (r == 0)
			r = pack_below(p, fd, names[i]->d_name, device, depth);
		free(names[i]);
	}
	free(names);
	return r;
}

static int pack_content(struct packer *p, int fd, dev_t device, int depth)
{
	CLEANUP_DIR DIR *d = fdopendir(fd);
	if (!d) {
		close(fd);
		return failed(p, errno, "cannot read the folder");
	}
	if (depth > TREE_DEPTH_MAX)
		return failed(p, ELOOP, "it lies too deep");
	if (p->pack->whiteouts)
		return pack_sorted(p, dirfd(d), device, depth);
	struct dirent *entry;
	int r = 0;
	while (r == 0 && (entry = dir_next(d)))
		r = pack_below(p, dirfd(d), entry->d_name, device, depth);
	return r == 0 && errno ? failed(p, errno, "cannot read the folder") : r;
}

static int pack_folder(struct packer *p, int dir, const char *name, dev_t device, int depth)
{
	struct stat st;
	CLEANUP_FD int fd = openat(dir, name, ENTRY_OPEN | O_DIRECTORY);
	if (fd < 0 || fstat(fd, &st) < 0)
		return errno == ENOENT ? 0 : failed(p, errno, "cannot open the folder");
	if (*p->path) {
		begin(p, &st);
		note_xattrs(p, fd);
		int r = write_header(p);
		if (r == 0 && p->pack->whiteouts && overlay_is_opaque(fd))
			r = pack_mark(p, ".wh..wh..opq");
		if (r < 0)
			return r;
	}
	if (st.st_dev != device && is_made_up(fd))
		return 0;
	return pack_content(p, fd_steal(&fd), st.st_dev, depth);
}

static int pack_special(struct packer *p, const char *name, const struct stat *st)
{
	char mark[NAME_MAX + 5];
	if (S_ISSOCK(st->st_mode))
		return 0;
	if (!p->pack->whiteouts || !overlay_is_whiteout(st)) {
		begin(p, st);
		return write_header(p);
	}
	char *slash = strrchr(p->path, '/');
	if (slash)
		*slash = '\0';
	else
		*p->path = '\0';
	snprintf(mark, sizeof(mark), ".wh.%s", name);
	return pack_mark(p, mark);
}

static int pack_entry(struct packer *p, int dir, const char *name, dev_t device, int depth)
{
	char shown[208];
	struct stat st;
	int r;
	if (p->pack->whiteouts && !strncmp(name, ".wh.", 4))
		r = err_set(p->e, EINVAL, ERR_INVALID,
			    "in a layer its name would hide others (.wh.): remove or rename it");
	else if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		r = errno == ENOENT && depth ? 0 : failed(p, errno, "cannot look at it");
	else if (S_ISDIR(st.st_mode))
		return pack_folder(p, dir, name, depth ? device : st.st_dev, depth);
	else if (S_ISREG(st.st_mode))
		r = pack_file(p, dir, name);
	else if (S_ISLNK(st.st_mode))
		r = pack_symlink(p, dir, name, &st);
	else
		r = pack_special(p, name, &st);
	return r < 0 ? err_context(p->e, "entry \"%s\"", layer_show_name(p->path, shown)) : 0;
}

static void cleanup_packer(struct packer *p)
{
	archive_entry_linkresolver_free(p->links);
	archive_entry_free(p->entry);
	archive_write_free(p->archive);
	sink_free(&p->sink);
}

static int open_writer(struct packer *p)
{
	p->archive = archive_write_new();
	p->entry = archive_entry_new();
	p->links = archive_entry_linkresolver_new();
	if (!p->archive || !p->entry || !p->links ||
	    sink_open(&p->sink, p->pack->to, p->pack->gzip, p->pack->digest != NULL) < 0)
		return failed(p, ENOMEM, "cannot pack");
	archive_entry_linkresolver_set_strategy(p->links, ARCHIVE_FORMAT_TAR);
	/* Parts of seconds take an extended header for each entry: layers go without, as docker's.
	 */
	int (*format)(struct archive *) = p->pack->whiteouts
						  ? archive_write_set_format_pax_restricted
						  : archive_write_set_format_pax;
	if (format(p->archive) != ARCHIVE_OK ||
	    archive_write_set_format_option(p->archive, "pax", "xattrheader", "SCHILY") !=
		    ARCHIVE_OK ||
	    archive_write_set_bytes_per_block(p->archive, BLOCK) != ARCHIVE_OK ||
	    archive_write_set_bytes_in_last_block(p->archive, 1) != ARCHIVE_OK ||
	    archive_write_open(p->archive, p, NULL, write_out, NULL) != ARCHIVE_OK)
		return archive_failed(p);
	return 0;
}

int pack_tree(const struct pack *pack, struct err *e)
{
	CLEANUP(cleanup_packer) struct packer p = {.pack = pack, .e = e};
	snprintf(p.path, sizeof(p.path), "%s", pack->as);
	int r = open_writer(&p);
	if (r == 0)
		r = pack_entry(&p, pack->folder, *pack->name ? pack->name : ".", 0, 0);
	if (r == 0 && archive_write_close(p.archive) != ARCHIVE_OK)
		r = archive_failed(&p);
	if (r == 0 && sink_end(&p.sink) < 0)
		r = failed(&p, EIO, "cannot write the archive");
	if (r == 0 && pack->digest) {
		sink_tell(&p.sink, pack->digest);
		pack->digest->size = p.done;
	}
	return r;
}
