/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Places in the v2 tree. Where a caller may make groups: the root's "/hull", or, without the right
 * to write there, a folder that was delegated to him. See cgroup-v2.rst, "Delegation";
 * systemd.resource-control(5), Delegate=. Invariant: a folder that holds processes of its own is
 * never chosen, since its children could get no controllers. Read cgroup.h, cgroup_parent(), first.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "linux/cgroup_host.h"

bool cgroup_place(pid_t pid, const char *hierarchy, char buf[static CGROUP_POINT_SIZE])
{
	char text[4096], file[32] = "/proc/self/cgroup";
	if (pid)
		snprintf(file, sizeof(file), "/proc/%d/cgroup", (int)pid);
	if (file_read_small(AT_FDCWD, file, text, sizeof(text)) <= 0)
		return false;
	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		const char *name = line + strcspn(line, ":"), *path = name + 1 + strlen(hierarchy);
		size_t len = strcspn(line, "\n");
		if (*name != ':' || strncmp(name + 1, hierarchy, strlen(hierarchy)) != 0 ||
		    strncmp(path, ":/", 2) != 0 || line + len - path > CGROUP_POINT_SIZE)
			continue;
		snprintf(buf, CGROUP_POINT_SIZE, "%.*s", (int)(line + len - path - 1), path + 1);
		return !strstr(buf, "..");
	}
	return false;
}

static bool is_writable(int root, const char *rel, const char *file)
{
	char path[CGROUP_POINT_SIZE + 32];
	snprintf(path, sizeof(path), "%s%s%s", *rel ? rel : ".", *file ? "/" : "", file);
	return faccessat(root, path, W_OK, AT_EACCESS) == 0;
}

static bool has_processes(int root, const char *rel)
{
	char path[CGROUP_POINT_SIZE + 32], text[64];
	snprintf(path, sizeof(path), "%s/cgroup.procs", *rel ? rel : ".");
	return file_read_small(root, path, text, sizeof(text)) != 0;
}

int cgroup_v2_of(const struct cgroup *g, pid_t pid)
{
	char place[CGROUP_POINT_SIZE];
	size_t len = strlen(g->path);
	if (!cgroup_place(pid, "", place) || strncmp(place, g->path, len) != 0 || place[len] != '/')
		return -ENOENT;
	int fd = openat(g->v2, place + len + 1, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int cgroup_parent(char *buf, size_t size, struct err *e)
{
	const struct cgroup_host *h = cgroup_host_get();
	char own[CGROUP_POINT_SIZE];
	int root = h->v2 >= 0 ? h->v2 : h->v1[CGROUP_MEMORY];
	if (root >= 0 && is_writable(root, "", "")) {
		snprintf(buf, size, "/hull");
		return 0;
	}
	bool found = h->v2 >= 0 && cgroup_place(0, "", own);
	for (char *slash; found && (slash = strrchr(own, '/')) && slash != own;) {
		*slash = '\0';
		if (!is_writable(h->v2, own + 1, "") ||
		    !is_writable(h->v2, own + 1, "cgroup.subtree_control") ||
		    has_processes(h->v2, own + 1))
			continue;
		if (snprintf(buf, size, "%s/hull", own) < (int)size)
			return 0;
	}
	err_set(e, EACCES, ERR_DENIED,
		"no control group may be made here: %s is not writable, and no "
		"group above this process was delegated to its user",
		h->v2 >= 0 ? h->v2_point : "/sys/fs/cgroup");
	return err_hint(
		e,
		"log in with a systemd user session, or start hull by: systemd-run --user --scope "
		"-p Delegate=yes");
}
