/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Another process in a running container. The caller is its parent: no monitor stands between, so
 * an exec costs one clone and one execve. See runtime/runtime.h for how the namespaces are joined.
 */
#include "engine/internal.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "engine/spec.h"
#include "engine/tools.h"
#include "linux/mount.h"
#include "linux/pidfd.h"
#include "linux/process.h"
#include "runtime/runtime.h"

static int not_running(const struct container *c, struct err *e)
{
	return err_set(e, ESRCH, ERR_CONFLICT, "container %s is not running", c->id);
}

/* A process that is about to end has no root any more before its end is seen. */
static int open_root(const struct container *c, struct err *e)
{
	int fd = process_root(c->pid);
	if (fd == -ENOENT || fd == -ESRCH)
		return not_running(c, e);
	return fd >= 0 ? fd : err_errno(e, fd, "container %s: cannot open its root", c->name);
}

/* Whatever failed, if the container has ended meanwhile, that is why. */
static int failed(const struct container *c, int first, int r, struct err *e)
{
	return r == -ESRCH || pidfd_has_ended(first) == 1 ? not_running(c, e) : r;
}

/* docker: a user that the image does not have is a command that cannot be executed (126). */
static int build_process(struct engine *en, struct spec_build *b, const struct container_exec *x,
			 struct arena *a, struct err *e)
{
	int r = spec_exec(en, b, x, a, e);
	if (r < 0 && e->kind == ERR_INVALID)
		e->kind = ERR_NOT_EXECUTABLE;
	return r;
}

static int check(const struct container *c, const struct container_exec *x, struct err *e)
{
	if (c->status == CONTAINER_RESTARTING)
		return err_set(e, EBUSY, ERR_CONFLICT,
			       "container %s is restarting, wait until the container is running",
			       c->id);
	if (!c->pid) {
		int r = not_running(c, e);
		if (x->debug)
			err_hint(e,
				 "hull start %s runs it, hull why %s says why it does not; hull cp "
				 "and hull export have its files",
				 c->name, c->name);
		return r;
	}
	if (c->status == CONTAINER_PAUSED) {
		err_set(e, EBUSY, ERR_CONFLICT,
			"container %s is paused, unpause the container before exec", c->id);
		return err_hint(e, "hull unpause %s", c->name);
	}
	if (!x->args.count && !x->debug)
		return err_set(e, EINVAL, ERR_USAGE, "no command given");
	return 0;
}

/* As docker, before it is known whether it can be executed: while the process sets itself up. This
 * stands for exec_create, too (events.c). */
static void tell_exec(struct engine *en, const char *container, const struct container_exec *x,
		      const char *id, struct arena *a)
{
	struct err ignored;
	char *words = "exec_start:";
	for (size_t i = 0; i < x->args.count && strlen(words) < EVENT_ACTION_MAX; i++)
		words = arena_printf(a, "%s %s", words, x->args.items[i]);
	event_container(&en->db, &ignored, container, words, "execID", id, NULL);
}

void container_exec_ended(struct engine *en, const struct exec_process *p, int code)
{
	char text[12];
	snprintf(text, sizeof(text), "%d", code);
	event_container(&en->db, ERR_IGNORED, p->container, code < 0 ? "exec_detach" : "exec_die",
			"execID", p->id, "exitCode", code < 0 ? NULL : text, NULL);
}

/* Its command below hull-init, as a subreaper that ends what is left, and itself if we are killed.
 * Its program comes from a read-only mount, as for a start. */
static int put_init(const struct engine *en, struct oci_process *p, struct arena *a, struct err *e)
{
	static const char *const words[] = {"hull-init", "--wait", "--grace=0",
					    "--parent-death-signal=TERM", "--"};
	struct strv args = {0};
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		strv_push(a, &args, words[i]);
	strv_push_all(a, &args, &p->args);
	p->args = args;
	const char *path = arena_printf(a, "%s/hull-init", en->libexec);
	CLEANUP_FD int program = open(path, O_PATH | O_CLOEXEC);
	CLEANUP_FD int fd = program < 0 ? -errno : mount_clone(program, "", false);
	int r = fd < 0 ? fd : mount_change(fd, false, MOUNT_ATTR_RDONLY, 0, MS_PRIVATE);
	return r < 0 ? err_errno(e, r, "cannot take %s", path) : fd_steal(&fd);
}

int container_exec(struct engine *en, const char *ref, const struct container_exec *x,
		   struct exec_process *ret, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	CLEANUP_CGROUP struct cgroup group = CGROUP_CLOSED;
	struct container c;
	struct runtime_process p;
	int r = container_find(en, ref, &a, &c, e);
	if (r == 0)
		r = check(&c, x, e);
	if (r < 0)
		return r;
	CLEANUP_FD int first = pidfd_of_started(c.pid, c.pid_start);
	if (first == -ESRCH)
		return not_running(&c, e);
	if (first < 0)
		return err_errno(e, first, "container %s: cannot find its process", c.name);
	CLEANUP_FD int root = open_root(&c, e);
	struct spec_build build = {.container = &c, .root_fd = root};
	r = root < 0 ? root : build_process(en, &build, x, &a, e);
	CLEANUP_TOOLS struct tools tools = TOOLS_CLOSED;
	if (r == 0 && x->debug)
		r = tools_open(en, x->image, &build.spec.process, &a, &tools, e);
	CLEANUP_FD int init = -1;
	if (r == 0 && x->tended) {
		init = put_init(en, &build.spec.process, &a, e);
		r = init < 0 ? init : 0;
	}
	if (r == 0)
		r = spec_seccomp(&build, &a, e);
	const char *cgroup = container_cgroup_path(&c, &a);
	if (r == 0 && *cgroup)
		r = cgroup_open(cgroup, &group, e);
	if (r < 0)
		return failed(&c, first, r, e);
	CLEANUP_FD int error_read = -1;
	CLEANUP_FD int error_write = -1;
	int error[2];
	if (pipe2(error, O_CLOEXEC) < 0)
		return err_errno(e, errno, "cannot make a pipe");
	error_read = error[0];
	error_write = error[1];
	prctl(PR_SET_DUMPABLE, 0);
	struct exec_process made = {0};
	id_new(made.id);
	memcpy(made.container, c.id, sizeof(made.container));
	struct runtime_exec request = {
		.pidfd = first,
		.process = &build.spec.process,
		.cgroup = *cgroup ? &group : NULL,
		.seccomp = build.unconfined ? NULL : &build.seccomp,
		.privileged = x->privileged,
		.stdio = {x->stdio[0], x->stdio[1], x->stdio[2]},
		.error_fd = error_write,
		.init_fd = init,
		.view = x->debug ? &tools.view : NULL,
	};
	r = runtime_exec(&request, &p, e);
	if (r < 0)
		return failed(&c, first, r, e);
	fd_drop(&error_write);
	if (!x->untold)
		tell_exec(en, c.id, x, made.id, &a);
	r = runtime_await_exec(error_read, e);
	if (r < 0) {
		int status;
		pidfd_wait_child(p.pidfd, &status);
		fd_drop(&p.pidfd);
		fd_drop(&p.pty_fd);
		return failed(&c, first, r, e);
	}
	made.pid = p.pid;
	made.pidfd = p.pidfd;
	made.pty_fd = p.pty_fd;
	*ret = made;
	return 0;
}
