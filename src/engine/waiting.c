/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets of clients that wait. Rests on unix(7), SCM_RIGHTS. Read waiting.h first. */
#include "engine/waiting.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/file.h"

enum { BACKLOG = 16 };

/* Through /proc/self/fd: a socket's path has 108 bytes, --runroot may have more. */
static struct sockaddr_un address_of(int folder, const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", folder, name);
	return address;
}

/* The names end with the pid of who made them: those of killed ones go. */
static void sweep(int folder)
{
	struct dirent *entry;
	CLEANUP_DIR DIR *d = dir_stream(folder);
	while (d && (entry = dir_next(d))) {
		const char *dot = strchr(entry->d_name, '.');
		pid_t pid = dot ? (pid_t)strtol(dot + 1, NULL, 10) : 0;
		if (pid == getpid() || (pid > 0 && kill(pid, 0) < 0 && errno == ESRCH))
			unlinkat(folder, entry->d_name, 0);
	}
}

static int open_folder(struct engine *en, struct err *e)
{
	if (mkdirat(en->run_fd, "attach", 0700) < 0 && errno != EEXIST)
		return err_errno(e, errno, "cannot make a folder for clients that wait");
	return dir_open(en->run_fd, "attach", e);
}

int waiting_open(struct engine *en, const char *id, struct waiting *ret, struct err *e)
{
	*ret = (struct waiting){-1, -1, ""};
	ret->folder = open_folder(en, e);
	if (ret->folder < 0)
		return ret->folder;
	sweep(ret->folder);
	/* It has its name once it listens: until then nobody takes it for that of a killed one. */
	char unborn[ID_LEN + 16];
	snprintf(ret->name, sizeof(ret->name), "%s.%d", id, getpid());
	snprintf(unborn, sizeof(unborn), "new.%d", getpid());
	const struct sockaddr_un address = address_of(ret->folder, unborn);
	ret->socket = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (ret->socket < 0 ||
	    bind(ret->socket, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(ret->socket, BACKLOG) < 0 ||
	    renameat(ret->folder, unborn, ret->folder, ret->name) < 0)
		return err_errno(e, errno, "cannot make a socket for a client that waits");
	return 0;
}

int waiting_serve(struct waiting *w, int client, int stream, uint32_t flags, int patience_ms,
		  struct err *e)
{
	for (;;) {
		struct pollfd fds[] = {{w->socket, POLLIN, 0}, {client, 0, 0}};
		int n = TEMP_FAILURE_RETRY(poll(fds, ARRAY_LEN(fds), patience_ms));
		if (n < 0)
			return err_errno(e, errno,
					 "cannot wait for whoever takes the client's stream");
		if (n == 0 || fds[1].revents)
			return 0;
		CLEANUP_FD int starter = accept4(w->socket, NULL, NULL, SOCK_CLOEXEC);
		if (starter >= 0 && fd_send(starter, &flags, sizeof(flags), &stream, 1) == 0)
			return 1;
	}
}

void waiting_close(struct waiting *w)
{
	if (w->socket >= 0)
		unlinkat(w->folder, w->name, 0);
	fd_drop(&w->socket);
	fd_drop(&w->folder);
}

static int connect_to(int folder, const char *name)
{
	const struct sockaddr_un address = address_of(folder, name);
	CLEANUP_FD int s = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	/* The container is locked meanwhile: who is stopped, or busy with a client that does not
	 * read, is left out. Connecting waits as well, once several have given up. */
	const struct timeval patience = {.tv_sec = 1};
	if (s < 0 || setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0 ||
	    setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0)
		return -errno;
	if (connect(s, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return fd_steal(&s);
	const int failed = -errno;
	/* Its process was killed: what it left is of no use. */
	if (failed == -ECONNREFUSED)
		unlinkat(folder, name, 0);
	return failed;
}

static bool take_one(int folder, const char *name, struct waiting_client *ret)
{
	CLEANUP_FD int s = connect_to(folder, name);
	ret->stream = -1;
	ssize_t n = s < 0 ? s : fd_recv(s, &ret->flags, sizeof(ret->flags), &ret->stream, 1);
	if (n == sizeof(ret->flags) && ret->stream >= 0)
		return true;
	fd_drop(&ret->stream);
	return false;
}

void waiting_take(struct engine *en, const char *id, struct waiting_clients *ret)
{
	struct dirent *entry;
	CLEANUP_FD int folder =
		openat(en->run_fd, "attach", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	CLEANUP_DIR DIR *d = folder < 0 ? NULL : dir_stream(folder);
	while (d && ret->count < WAITING_MAX && (entry = dir_next(d)))
		if (!strncmp(entry->d_name, id, ID_LEN) &&
		    take_one(folder, entry->d_name, &ret->items[ret->count]))
			ret->count++;
}

static int find_and_connect(int folder, const char *id)
{
	struct dirent *entry;
	CLEANUP_DIR DIR *d = dir_stream(folder);
	int s = -ENOENT;
	while (s < 0 && d && (entry = dir_next(d)))
		if (!strncmp(entry->d_name, id, ID_LEN))
			s = connect_to(folder, entry->d_name);
	return s;
}

int waiting_connect(struct engine *en, const char *id, int patience_ms, struct err *e)
{
	char path[32], buf[4096];
	const int64_t until = clock_ms() + patience_ms;
	CLEANUP_FD int folder = open_folder(en, e);
	CLEANUP_FD int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (folder < 0)
		return folder;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", folder);
	if (watch < 0 || inotify_add_watch(watch, path, IN_MOVED_TO) < 0)
		return err_errno(e, errno, "cannot wait for a client");
	for (;;) {
		int s = find_and_connect(folder, id);
		struct pollfd fd = {watch, POLLIN, 0};
		int64_t left = until - clock_ms();
		if (s >= 0)
			return s;
		if (left <= 0 || TEMP_FAILURE_RETRY(poll(&fd, 1, (int)left)) <= 0)
			return err_set(e, ENOENT, ERR_NOT_FOUND, "nobody waits there");
		while (read(watch, buf, sizeof(buf)) > 0)
			;
	}
}

void waiting_drop(struct waiting_clients *w)
{
	while (w->count)
		fd_drop(&w->items[--w->count].stream);
}
