/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The knobs are files of sysfs, which shows the devices of the namespace that it was mounted in: so
 * it is mounted for this alone, detached, while we are there. See sysfs(5), setns(2).
 */
#include "linux/rps.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "linux/cpuset_list.h"
#include "linux/mount.h"
#include "linux/namespaces.h"

enum { MASK_MAX = CPUSET_BITS / 32 * 9 + 1 };

bool rps_is_valid(const char *mask)
{
	return !strcmp(mask, "auto") || (*mask && strlen(mask) < MASK_MAX &&
					 strspn(mask, "0123456789abcdefABCDEF,") == strlen(mask));
}

/* Groups of 32 bits, the highest first. */
static void print_mask(const struct cpuset_list *l, char *buf, size_t size)
{
	size_t len = 0;
	for (int i = CPUSET_BITS / 32 - 1; i >= 0; i--) {
		uint32_t group = (uint32_t)(l->words[i / 2] >> (i % 2 * 32));
		if (len || group || i == 0)
			len += (size_t)snprintf(buf + len, size - len, len ? ",%08x" : "%x", group);
	}
}

static int all_processors(char *buf, size_t size)
{
	char text[CPUSET_TEXT_MAX];
	struct cpuset_list online;
	ssize_t n = file_read_small(AT_FDCWD, "/sys/devices/system/cpu/online", text, sizeof(text));
	int r = n < 0 ? (int)n : cpuset_list_parse(text, &online);
	if (r == 0)
		print_mask(&online, buf, size);
	return r;
}

/* Its sysfs, and back home. */
static int mount_there(int netns, struct err *e)
{
	if (netns < 0)
		return mount_new("sysfs", "sysfs", NULL, 0, 0, e);
	CLEANUP_FD int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (own < 0 || setns(netns, CLONE_NEWNET) < 0)
		return err_errno(e, errno, "cannot reach the network namespace");
	int sysfs = mount_new("sysfs", "sysfs", NULL, 0, 0, e);
	namespace_network_back(own);
	return sysfs;
}

/* The folder of its queues. */
static int open_queues(int netns, const char *device, struct err *e)
{
	char path[64];
	CLEANUP_FD int sysfs = mount_there(netns, e);
	if (sysfs < 0)
		return sysfs;
	snprintf(path, sizeof(path), "class/net/%s/queues", device);
	int queues = openat(sysfs, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return queues < 0 ? err_errno(e, errno, "cannot find the queues of %s", device) : queues;
}

int rps_read(int netns, const char *device, char *buf, size_t size, struct err *e)
{
	CLEANUP_FD int queues = open_queues(netns, device, e);
	ssize_t n = queues < 0 ? queues : file_read_small(queues, "rx-0/rps_cpus", buf, size);
	if (queues >= 0 && n < 0)
		return err_errno(e, (int)n, "cannot read how %s is steered", device);
	/* "00000000,00000003" */
	size_t zeros = n < 0 ? 0 : strspn(buf, "0,");
	if (zeros && !buf[zeros])
		zeros--;
	if (n >= 0)
		memmove(buf, buf + zeros, strlen(buf + zeros) + 1);
	return n < 0 ? (int)n : 0;
}

int rps_set(int netns, const char *device, const char *mask, struct err *e)
{
	char path[64], own[MASK_MAX];
	int r = 0;
	if (!strcmp(mask, "auto") && (r = all_processors(own, sizeof(own))) < 0)
		return err_errno(e, r, "cannot tell the processors of this machine");
	CLEANUP_FD int queues = open_queues(netns, device, e);
	if (queues < 0)
		return queues;
	CLEANUP_DIR DIR *d = dir_stream(queues);
	if (!d)
		return err_errno(e, errno, "cannot read the queues of %s", device);
	for (struct dirent *entry; r == 0 && (entry = dir_next(d));) {
		if (strncmp(entry->d_name, "rx-", 3) != 0)
			continue;
		snprintf(path, sizeof(path), "%.40s/rps_cpus", entry->d_name);
		r = file_write_small(queues, path, strcmp(mask, "auto") ? mask : own);
	}
	return r < 0 ? err_errno(e, r, "cannot set the processors %s for what %s receives",
				 strcmp(mask, "auto") ? mask : own, device)
		     : 0;
}
