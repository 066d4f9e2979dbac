/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images of ext4. Made by mkfs.ext4(8), in two rounds: the first one tells what its own tables
 * take, which is then added, so that `df` shows what was asked for. There is no journal, since for
 * small images it would be a large part; hence e2fsck(8) after a crash of the machine. What is
 * deleted inside is punched out of the file (discard). Read disk_image.h first.
 */
#include "linux/disk_image.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "linux/mount.h"
#include "linux/tool.h"

/* The folders of root and of lost+found, which the kernel does not count as its own. */
enum { FOLDER_BLOCKS = 5 };
enum { BLOCK = 4096, FILE_BYTES = 8192, LOOP_TRIES = 64, NUMBER_SIZE = 16 };

/* --- the image --- */

/* Fields of the superblock by their place in it: ext4's on-disk format. */
enum {
	SUPER_AT = 1024,
	BLOCKS = 0x04,
	FREE = 0x0c,
	STATE = 0x3a,
	BLOCKS_HIGH = 0x150,
	FREE_HIGH = 0x158,
	SUPER_SIZE = 0x160
};
enum { STATE_CLEAN = 1, STATE_ERRORS = 2 };

static uint64_t field(const uint8_t *super, int low, int high)
{
	uint32_t l, h;
	memcpy(&l, super + low, sizeof(l));
	memcpy(&h, super + high, sizeof(h));
	return (uint64_t)le32toh(h) << 32 | le32toh(l);
}

static int read_super(int image, uint8_t super[static SUPER_SIZE])
{
	ssize_t n = pread(image, super, SUPER_SIZE, SUPER_AT);
	return n == SUPER_SIZE ? 0 : n < 0 ? -errno : -EIO;
}

/* The same number of inodes in both rounds: their tables are most of what is its own. */
static int format(int dirfd, int image, uint64_t size, uint64_t files, struct err *e)
{
	char inodes[24];
	snprintf(inodes, sizeof(inodes), "%ju", (uintmax_t)files);
	char *argv[] = {"mkfs.ext4",
			"-N",
			inodes,
			"-q",
			"-F",
			"-b",
			"4096",
			"-m",
			"0",
			"-O",
			"^has_journal,^resize_inode",
			"-E",
			"nodiscard,lazy_itable_init=1,root_owner=0:0",
			DISK_IMAGE,
			NULL};
	if (ftruncate(image, 0) < 0 || ftruncate(image, (off_t)size) < 0)
		return err_errno(e, errno, "cannot make a disk image of %ju bytes",
				 (uintmax_t)size);
	int r = tool_run(dirfd, argv, "e2fsprogs", e);
	return r > 0 ? -e->number : r;
}

int disk_image_make(int dirfd, uint64_t bytes, struct err *e)
{
	uint8_t super[SUPER_SIZE];
	enum { NEW = O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC };
	CLEANUP_FD int image = openat(dirfd, DISK_IMAGE, NEW, 0600);
	CLEANUP_FD int loop = openat(dirfd, DISK_IMAGE_LOOP, NEW, 0600);
	if (image < 0 || loop < 0 || ftruncate(loop, NUMBER_SIZE) < 0)
		return err_errno(e, errno, "cannot make a disk image");
	uint64_t size = (bytes + BLOCK - 1) / BLOCK * BLOCK;
	int r = format(dirfd, image, size, bytes / FILE_BYTES, e);
	if (r == 0 && (r = read_super(image, super)) < 0)
		err_errno(e, r, "cannot read the disk image");
	if (r < 0)
		return r;
	uint64_t own = field(super, BLOCKS, BLOCKS_HIGH) - field(super, FREE, FREE_HIGH);
	size += (own - FOLDER_BLOCKS) * BLOCK;
	r = format(dirfd, image, size, bytes / FILE_BYTES, e);
	/* Its container is told to exist next, and for good. */
	return r == 0 && fdatasync(image) < 0 ? err_errno(e, errno, "cannot make a disk image") : r;
}

/* The machine crashed while it was mounted. */
static int repair(int dirfd, int image, struct err *e)
{
	enum { E2FSCK_CORRECTED = 3 };
	char *argv[] = {"e2fsck", "-p", DISK_IMAGE, NULL};
	uint8_t super[SUPER_SIZE];
	uint16_t state;
	int r = read_super(image, super);
	if (r < 0)
		return err_errno(e, r, "cannot read the disk image");
	memcpy(&state, super + STATE, sizeof(state));
	if ((le16toh(state) & (STATE_CLEAN | STATE_ERRORS)) == STATE_CLEAN)
		return 0;
	r = tool_run(dirfd, argv, "e2fsprogs", e);
	if (r >= 0 && r <= E2FSCK_CORRECTED)
		return 0;
	err_context(e, "its disk image is damaged");
	return r < 0 ? r : -e->number;
}

/* --- the loop device --- */

int disk_image_probe(const char **ret_why)
{
	char path[64];
	CLEANUP_FD int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	*ret_why = control < 0 && (errno == EACCES || errno == EPERM)
			   ? "loop devices are for root alone"
		   : control < 0 ? "no loop devices (modprobe loop, /dev/loop-control)"
		   : tool_find("mkfs.ext4", path, sizeof(path))
			   ? NULL
			   : "no mkfs.ext4 (package e2fsprogs)";
	return *ret_why ? -ENOTSUP : 0;
}

static int open_loop(int number, int flags)
{
	char path[32];
	snprintf(path, sizeof(path), "/dev/loop%d", number);
	int fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* The device that has @image already, held open so that it stays; -ENOENT: none has. Only what says
 * so for sure is taken as a no. */
static int find_loop(int lock, int image, int *ret_number)
{
	char text[NUMBER_SIZE + 1] = "";
	struct stat st;
	struct loop_info64 info;
	if (pread(lock, text, NUMBER_SIZE, 0) < 0 || fstat(image, &st) < 0)
		return -errno;
	if (!*text)
		return -ENOENT;
	*ret_number = (int)strtol(text, NULL, 10);
	CLEANUP_FD int fd = open_loop(*ret_number, O_RDONLY);
	if (fd < 0)
		return fd == -ENXIO ? -ENOENT : fd;
	if (ioctl(fd, LOOP_GET_STATUS64, &info) < 0)
		return errno == ENXIO ? -ENOENT : -errno;
	return info.lo_device == st.st_dev && info.lo_inode == st.st_ino ? fd_steal(&fd) : -ENOENT;
}

static int bind_loop(int lock, int image, int *ret_number)
{
	CLEANUP_FD int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	if (control < 0)
		return -errno;
	const struct loop_config config = {.fd = (uint32_t)image,
					   .info = {.lo_flags = LO_FLAGS_AUTOCLEAR}};
	for (int i = 0; i < LOOP_TRIES; i++) {
		char text[NUMBER_SIZE] = "";
		int number = ioctl(control, LOOP_CTL_GET_FREE);
		CLEANUP_FD int fd = number < 0 ? -errno : open_loop(number, O_RDWR);
		if (fd < 0)
			return fd;
		if (ioctl(fd, LOOP_CONFIGURE, &config) < 0) {
			if (errno == EBUSY) /* somebody was faster */
				continue;
			return -errno;
		}
		/* Before anyone mounts it: who is killed until then takes the device along. */
		snprintf(text, sizeof(text), "%d", number);
		if (pwrite(lock, text, sizeof(text), 0) != sizeof(text))
			return -EIO;
		*ret_number = number;
		return fd_steal(&fd);
	}
	return -EBUSY;
}

int disk_image_mount(int dirfd, struct err *e)
{
	static const char *const options[] = {"discard", "noinit_itable", "errors=remount-ro"};
	char device[32];
	int number;
	CLEANUP_FD int lock = openat(dirfd, DISK_IMAGE_LOOP, O_RDWR | O_CLOEXEC);
	CLEANUP_FD int image = lock < 0 ? -1 : openat(dirfd, DISK_IMAGE, O_RDWR | O_CLOEXEC);
	if (image < 0 || flock(lock, LOCK_EX) < 0)
		return err_errno(e, errno, "cannot open its disk image");
	CLEANUP_FD int loop = find_loop(lock, image, &number);
	if (loop == -ENOENT) {
		int r = repair(dirfd, image, e);
		if (r < 0)
			return r;
		loop = bind_loop(lock, image, &number);
	}
	if (loop < 0)
		return err_errno(e, loop, "cannot bind its disk image to a loop device");
	snprintf(device, sizeof(device), "/dev/loop%d", number);
	return mount_new("ext4", device, options, ARRAY_LEN(options), 0, e);
}
