/* SPDX-License-Identifier: Apache-2.0 */
/* Standing in for a service manager. Rests on unix(7) datagrams, sd_notify(3). Read notify.h. */
#include "oci/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/cleanup.h"

enum { MESSAGE_MAX = 4096, MOUNT_OPTIONS = 5 };

static const char *manager(void)
{
	const char *path = getenv("NOTIFY_SOCKET");
	return path && *path ? path : NULL;
}

int notify_prepare(const struct state *s, struct oci_spec *spec, struct arena *a, struct err *e)
{
	static const char *const options[MOUNT_OPTIONS] = {"bind", "ro", "nosuid", "nodev",
							   "noexec"};
	char path[PATH_MAX], link[32];
	if (!manager())
		return 0;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", s->dir);
	ssize_t n = readlink(link, path, sizeof(path) - 1);
	if (n < 0 || (mkdirat(s->dir, "notify", 0755) < 0 && errno != EEXIST))
		return err_errno(e, errno, "cannot make the folder of the notify socket");
	path[n] = '\0';
	struct oci_mount *mounts = arena_array(a, spec->mounts.count + 1, sizeof(*mounts));
	struct oci_mount *ours = &mounts[spec->mounts.count];
	if (spec->mounts.count)
		memcpy(mounts, spec->mounts.items, spec->mounts.count * sizeof(*mounts));
	*ours = (struct oci_mount){.destination = NOTIFY_INSIDE,
				   .type = "bind",
				   .source = arena_printf(a, "%s/notify", path)};
	for (size_t i = 0; i < MOUNT_OPTIONS; i++)
		strv_push(a, &ours->options, options[i]);
	spec->mounts = (struct array){mounts, spec->mounts.count + 1};
	strv_set_env(a, &spec->process.env, "NOTIFY_SOCKET=" NOTIFY_INSIDE "/notify.sock");
	return 0;
}

int notify_listen(const struct state *s, int *ret, struct err *e)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	*ret = -1;
	CLEANUP_FD int dir =
		manager() ? openat(s->dir, "notify", O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	if (dir < 0)
		return 0; /* not asked for, or not when it was created */
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/notify.sock", dir);
	unlinkat(dir, "notify.sock", 0);
	CLEANUP_FD int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    fchmodat(dir, "notify.sock", 0777, 0) < 0)
		return err_errno(e, errno, "cannot make the notify socket");
	*ret = fd_steal(&fd);
	return 0;
}

/* "@name" is in the abstract namespace. */
static int tell_manager(const char *text, struct err *e)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const char *path = manager();
	size_t len = strlen(path);
	CLEANUP_FD int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (len >= sizeof(address.sun_path))
		return err_set(e, ENAMETOOLONG, ERR_INVALID, "NOTIFY_SOCKET: the path is too long");
	memcpy(address.sun_path, path, len);
	if (*path == '@')
		address.sun_path[0] = '\0';
	socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	if (fd < 0 ||
	    sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&address, size) < 0)
		return err_errno(e, errno, "cannot notify %s", path);
	return 0;
}

int notify_pass(int socket, pid_t pid, struct err *e)
{
	char text[MESSAGE_MAX + 32];
	ssize_t n = recv(socket, text, MESSAGE_MAX, 0);
	if (n <= 0)
		return n < 0 && errno != EINTR ? err_errno(e, errno, "cannot read of the container")
					       : 0;
	text[n] = '\0';
	for (char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, "READY=1", 7) != 0 || (line[7] && line[7] != '\n'))
			continue;
		snprintf(text, sizeof(text), "READY=1\nMAINPID=%d\n", (int)pid);
		int r = tell_manager(text, e);
		return r < 0 ? r : 1;
	}
	return 0;
}

int notify_forward(int socket, int pidfd, pid_t pid, struct err *e)
{
	struct pollfd p[] = {{.fd = socket, .events = POLLIN}, {.fd = pidfd, .events = POLLIN}};
	int r = 0;
	while (r == 0) {
		if (poll(p, 2, -1) < 0 && errno != EINTR)
			return err_errno(e, errno, "cannot wait for the container");
		if (p[0].revents)
			r = notify_pass(socket, pid, e);
		else if (p[1].revents)
			break;
	}
	return r < 0 ? r : 0;
}
