/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Version 1: a group's folder in one hierarchy, and the files of the devices controller.
 * See cgroup-v1/cpusets.rst and cgroup-v1/devices.rst of the kernel. Invariant: a cpuset group is
 * never left without CPUs and nodes, since no process could enter it. Read cgroup_version.h first.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "linux/cgroup_version.h"
#include "linux/cpuset_list.h"

static int parents_make(int root, const char *rel)
{
	char part[sizeof(((struct cgroup *)0)->path)];
	for (size_t i = 1; rel[i]; i++) {
		if (rel[i] != '/')
			continue;
		memcpy(part, rel, i);
		part[i] = '\0';
		if (mkdirat(root, part, 0755) == 0) {
			/* Before Linux 5.11 a memory group did not count its children unasked. */
			snprintf(part + i, sizeof(part) - i, "/memory.use_hierarchy");
			file_write_small(root, part, "1");
		} else if (errno != EEXIST) {
			return -errno;
		}
	}
	return 0;
}

int cgroup_folder_make(int root, const char *rel, bool *ret_parents)
{
	if (ret_parents)
		*ret_parents = false;
	if (mkdirat(root, rel, 0755) == 0)
		return 0;
	if (errno == ENOENT) {
		int r = parents_make(root, rel);
		if (r < 0)
			return r;
		if (ret_parents)
			*ret_parents = true;
	} else if (errno != EEXIST || unlinkat(root, rel, AT_REMOVEDIR) < 0) {
		return errno == EBUSY ? -EEXIST : -errno;
	}
	return mkdirat(root, rel, 0755) < 0 ? -errno : 0;
}

/* A new cpuset group has no CPUs and no nodes (unless cgroup.clone_children): from the root down,
 * an empty @file takes what the folder above has. */
static int cpuset_fill(int root, const char *rel, const char *file)
{
	char path[512], text[CPUSET_TEXT_MAX] = "";
	for (size_t i = 0;; i++) {
		if (rel[i] != '/' && rel[i] != '\0' && i > 0)
			continue;
		snprintf(path, sizeof(path), "%.*s%s%s", (int)i, rel, i ? "/" : "", file);
		char own[CPUSET_TEXT_MAX];
		ssize_t n = file_read_small(root, path, own, sizeof(own));
		if (n == 0)
			n = file_write_small(root, path, text);
		else if (n > 0)
			memcpy(text, own, (size_t)n + 1);
		if (n < 0)
			return (int)n;
		if (rel[i] == '\0')
			return 0;
	}
}

int cgroup_v1_make(const struct cgroup_host *h, enum cgroup_controller c, const char *rel,
		   struct err *e)
{
	const char *name = cgroup_controller_name(c, false);
	int r = cgroup_folder_make(h->v1[c], rel, NULL);
	if (r == -EEXIST)
		return err_set(e, EEXIST, ERR_CONFLICT, "control group /%s is in use (%s)", rel,
			       name);
	if (r < 0)
		return err_errno(e, r, "cannot make control group /%s in %s", rel, h->v1_point[c]);
	if (c == CGROUP_CPUSET) {
		r = cpuset_fill(h->v1[c], rel, "cpuset.cpus");
		if (r == 0)
			r = cpuset_fill(h->v1[c], rel, "cpuset.mems");
	}
	int fd = r < 0 ? r : openat(h->v1[c], rel, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	r = fd == -1 ? -errno : fd;
	unlinkat(h->v1[c], rel, AT_REMOVEDIR);
	return err_errno(e, r, "cannot set up control group /%s in %s", rel, h->v1_point[c]);
}

/* "c 1:3 rwm", "b *:* m", "a": what devices.allow and devices.deny take. */
static void rule_text(const struct cgroup_device_rule *rule, char *buf, size_t size)
{
	char major[24] = "*", minor[24] = "*";
	if (rule->major >= 0)
		snprintf(major, sizeof(major), "%lld", (long long)rule->major);
	if (rule->minor >= 0)
		snprintf(minor, sizeof(minor), "%lld", (long long)rule->minor);
	snprintf(buf, size, "%c %s:%s %s%s%s", rule->type, major, minor,
		 rule->access & CGROUP_DEV_READ ? "r" : "",
		 rule->access & CGROUP_DEV_WRITE ? "w" : "",
		 rule->access & CGROUP_DEV_MKNOD ? "m" : "");
}

int cgroup_v1_devices(int fd, const struct cgroup_device_rule *rules, size_t count, struct err *e)
{
	CLEANUP_FD int allow = -1;
	CLEANUP_FD int deny = -1;
	for (size_t i = 0; i < count; i++) {
		int *file = rules[i].allow ? &allow : &deny;
		const char *name = rules[i].allow ? "devices.allow" : "devices.deny";
		char text[80];
		rule_text(&rules[i], text, sizeof(text));
		/* The kernel reads no further than an 'a'; and a fresh group allows all. */
		if (rules[i].type == 'a' && rules[i].allow && i == 0)
			continue;
		if (*file < 0)
			*file = openat(fd, name, O_WRONLY | O_CLOEXEC);
		if (*file < 0 || write(*file, text, strlen(text)) < 0)
			return err_errno(e, errno, "cannot set device rule \"%s\" (%s)", text,
					 name);
	}
	return 0;
}
