/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making a container's run folder. FIFOs are opened for reading and writing, and the container
 * itself holds them so: whoever reads its output, or dies, it gets no EPIPE (fifo(7)). Read
 * run_folder.h first.
 */
#include "engine/run_folder.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/file.h"
#include "engine/health.h"

int monitor_socket_make(int run_dir, struct err *e)
{
	/* Through /proc/self/fd: a socket's path has 108 bytes, --runroot may have more. */
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/control", run_dir);
	CLEANUP_FD int s = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s >= 0)
		unlinkat(run_dir, "control", 0);
	if (s < 0 || bind(s, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(s, 128) < 0)
		return err_errno(e, errno, "cannot make the monitor's control socket");
	return fd_steal(&s);
}

static int make_fifo(int dir, const char *name, struct err *e)
{
	if (mkfifoat(dir, name, 0600) < 0)
		return err_errno(e, errno, "cannot make the %s FIFO", name);
	int fd = openat(dir, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	return fd >= 0 ? fd : err_errno(e, errno, "cannot open the %s FIFO", name);
}

/* A pipe for stdin, not a FIFO: once its writers are gone, opening /dev/stdin again must not wait
 * for one (fifo(7)). */
static int make_stdio(struct run_folder *f, bool with_stdin, struct err *e)
{
	int in[2] = {-1, -1};
	if (with_stdin && pipe2(in, O_CLOEXEC) < 0)
		return err_errno(e, errno, "cannot make the stdin pipe");
	f->stdin_read = in[0];
	f->stdin_write = in[1];
	f->stdout_fd = make_fifo(f->dir, "stdout", e);
	f->stderr_fd = f->stdout_fd < 0 ? -1 : make_fifo(f->dir, "stderr", e);
	return f->stderr_fd < 0 ? -e->number : 0;
}

/* The room for the exit record: at the end there may be none. */
static int reserve_record(struct engine *en, const char *id, struct err *e)
{
	static const struct exit_record zeros;
	char path[sizeof("exits/" FILE_ASIDE) + ID_LEN];
	snprintf(path, sizeof(path), "exits/" FILE_ASIDE, id);
	CLEANUP_FD int fd = openat(en->run_fd, path,
				   O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	int r = fd < 0 ? -errno : fd_write_full(fd, &zeros, sizeof(zeros));
	return r < 0 ? err_errno(e, r, "cannot reserve the exit record's space") : 0;
}

int run_folder_full(const struct engine *en, int r, struct err *e)
{
	if (r == -ENOSPC)
		err_hint(e, "free space in %s, or choose another folder with --runroot",
			 en->runroot);
	return r;
}

int run_folder_make(struct engine *en, const struct container *c, struct run_folder *ret,
		    struct err *e)
{
	char path[sizeof("containers/") + ID_LEN];
	const struct docker_config *config = &c->config.config;
	snprintf(path, sizeof(path), "containers/%s", c->id);
	if (mkdirat(en->run_fd, path, 0700) < 0) {
		int r = errno == EEXIST ? tree_remove(en->run_fd, path, e) : 0;
		if (r < 0)
			return r;
		if (mkdirat(en->run_fd, path, 0700) < 0)
			return err_errno(e, errno, "cannot make the run folder %s", path);
	}
	ret->dir = dir_open(en->run_fd, path, e);
	ret->control = ret->dir < 0 ? -1 : monitor_socket_make(ret->dir, e);
	if (ret->control < 0)
		return -e->number;
	/* What the monitor moves through these dies with their last holder: the keeper has them
	 * from its birth. */
	ret->flight_fd = make_fifo(ret->dir, "inflight", e);
	int r = ret->flight_fd < 0 ? ret->flight_fd : 0;
	if (r == 0 && config->tty)
		r = ret->terminal_fd = make_fifo(ret->dir, "terminal", e);
	else if (r == 0)
		r = make_stdio(ret, config->open_stdin, e);
	return r < 0 ? r : reserve_record(en, c->id, e);
}

void run_folder_close(struct run_folder *f)
{
	int *const fds[] = {&f->dir,         &f->config,    &f->control,   &f->stdin_read,
			    &f->stdin_write, &f->stdout_fd, &f->stderr_fd, &f->terminal_fd,
			    &f->flight_fd,   &f->log_fd};
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		fd_drop(fds[i]);
}

bool config_has_rates(const struct container_config *c)
{
	bool any = kvs_get(&c->hull.cgroup_conf, "io.max");
	for (size_t i = 0; i < RATES; i++)
		any |= c->host.blkio_rates[i].count > 0;
	return any;
}

int monitor_config_write(struct engine *en, const struct container *c, struct run_folder *f,
			 struct err *e)
{
	struct monitor_config m = {
		.version = WIRE_VERSION,
		.tty = c->config.config.tty,
		.stdin_open = c->config.config.open_stdin,
		.stdin_once = c->config.config.stdin_once,
		.rated = config_has_rates(&c->config),
	};
	m.health_ms = health_first_wait(c);
	int r = log_options_read(c, &m, e);
	CLEANUP_FD int log = r < 0 || m.log_driver != LOG_SYSLOG ? -1 : syslog_open(&m.syslog, e);
	if (r < 0 || (m.log_driver == LOG_SYSLOG && log < 0))
		return r < 0 ? r : log;
	if (log >= 0 && syslog_is_remote(&m.syslog))
		f->log_fd = fd_steal(&log);
	snprintf(m.id, sizeof(m.id), "%s", c->id);
	snprintf(m.name, sizeof(m.name), "%s", c->name);
	snprintf(m.root, sizeof(m.root), "%s", en->root);
	snprintf(m.runroot, sizeof(m.runroot), "%s", en->runroot);
	snprintf(m.log_dir, sizeof(m.log_dir), "%s/containers/%s", en->root, c->id);
	snprintf(m.hull, sizeof(m.hull), "%s/hull", en->libexec);
	r = file_replace(f->dir, "monitor", &m, sizeof(m), false, e);
	if (r < 0)
		return r;
	/* A monitor without capabilities cannot write what nobody may write. */
	f->config = openat(f->dir, "monitor", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (f->config < 0 || fchmod(f->config, 0400) < 0)
		return err_errno(e, errno, "cannot open the monitor's configuration");
	return 0;
}
