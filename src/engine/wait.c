/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting for a container, and reaching its monitor. Waiting ends with the monitor's answer; if the
 * monitor dies, a new one is asked, and in the end the exit record decides. The next start of one
 * that does not run is an event.
 */
#include "engine/internal.h"

#include <fcntl.h>
#include <signal.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "engine/events.h"
#include "engine/monitor.h"
#include "engine/rootless.h"
#include "engine/run_folder.h"
#include "linux/cgroup.h"
#include "linux/shared_child.h"

enum { AGAIN_MS = 20 }; /* after a monitor that died meanwhile */

struct adoption {
	const struct container *c;
	int program, null;
	int fds[MONITOR_FD_COUNT], root, run;
};

static void run_adopter(void *arg)
{
	struct adoption *a = arg;
	setsid();
	a->fds[MONITOR_STORE_FD - MONITOR_RUN_FD] = db_hold_index(a->root);
	a->fds[MONITOR_USERNS_FD - MONITOR_RUN_FD] = rootless_hold(a->run);
	monitor_execute(a->program, a->null, a->fds, true, a->c->name, a->c->id);
}

static int open_oom_file(const struct container *c)
{
	CLEANUP_ARENA struct arena a = {0};
	CLEANUP_CGROUP struct cgroup group = CGROUP_CLOSED;
	int r = cgroup_open(container_cgroup_path(c, &a), &group, ERR_IGNORED);
	return r < 0 ? r : cgroup_oom_file(&group);
}

/* The configuration may be of another version of hull: it is written anew, from the row. Where that
 * fails (a syslog that is not there) the old one has to do. */
static void write_config(struct engine *en, const char *id, int run_dir, int *ret_config,
			 int *ret_log)
{
	CLEANUP_ARENA struct arena a = {0};
	struct run_folder f = RUN_FOLDER_CLOSED;
	struct container c;
	struct err ignored;
	f.dir = run_dir;
	if (container_read(en, id, &a, &c, &ignored) == 0)
		monitor_config_write(en, &c, &f, &ignored);
	*ret_config = f.config >= 0 ? f.config
				    : openat(run_dir, "monitor", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	*ret_log = f.log_fd;
}

/* A container without monitor and keeper runs on; give it new ones, which find all they need in the
 * run folder. */
static int adopt(struct engine *en, const struct container *c, struct err *e)
{
	char path[4096];
	CLEANUP_LOCK struct container_lock lock = {-1};
	int r = container_lock(en, c->id, true, &lock, e);
	if (r < 0)
		return r;
	CLEANUP_FD int again = monitor_connect(en->run_fd, c->id);
	if (again >= 0)
		return 0; /* another command was faster */
	snprintf(path, sizeof(path), "containers/%s", c->id);
	CLEANUP_FD int run_dir = dir_open(en->run_fd, path, e);
	CLEANUP_FD int control = run_dir < 0 ? -1 : monitor_socket_make(run_dir, e);
	if (control < 0)
		return -e->number;
	snprintf(path, sizeof(path), "%s/hull-monitor", en->libexec);
	CLEANUP_FD int program = open(path, O_PATH | O_CLOEXEC);
	CLEANUP_FD int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	CLEANUP_FD int config = -1, log = -1;
	write_config(en, c->id, run_dir, &config, &log);
	CLEANUP_FD int memory = open_oom_file(c);
	struct adoption a = {c, program, null, {run_dir, config, control}, en->root_fd, en->run_fd};
	for (int i = 3; i < MONITOR_FD_COUNT; i++)
		a.fds[i] = -1;
	a.fds[MONITOR_MEMORY_FD - MONITOR_RUN_FD] = memory;
	a.fds[MONITOR_LOG_FD - MONITOR_RUN_FD] = log;
	pid_t pid = program < 0 ? -errno : shared_child(run_adopter, &a);
	if (pid < 0)
		return err_errno(e, pid, "container %s: cannot start a new monitor", c->name);
	return 0;
}

/* Once the new monitor answers it holds the pidfd and the pipes: what comes now is not lost. (Our
 * copy of its socket is closed by then, or one that has died would not be noticed.) */
static int adopt_and_await(struct engine *en, const struct container *c, struct err *e)
{
	enum { ANSWER_S = 10 };
	int r = adopt(en, c, e);
	CLEANUP_FD int monitor = r < 0 ? -1 : monitor_connect(en->run_fd, c->id);
	if (monitor >= 0) {
		monitor_patience(monitor, ANSWER_S);
		monitor_ping(monitor, ERR_IGNORED);
	}
	return r;
}

void container_adopt_orphan(struct engine *en, const struct container *c)
{
	char path[sizeof("containers/") + ID_LEN];
	snprintf(path, sizeof(path), "containers/%s", c->id);
	CLEANUP_FD int dir = openat(en->run_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* A monitor holds the lock on its folder: looking wakes nobody, as a connection would. */
	if (dir < 0 || flock(dir, LOCK_SH | LOCK_NB) < 0)
		return;
	fd_drop(&dir);
	CLEANUP_FD int starting = monitor_connect(en->run_fd, c->id);
	if (starting < 0)
		adopt_and_await(en, c, ERR_IGNORED);
}

int container_monitor(struct engine *en, const struct container *c, struct err *e)
{
	if (!c->pid)
		return err_set(e, ESRCH, ERR_CONFLICT, "container %s is not running", c->id);
	int fd = monitor_connect(en->run_fd, c->id);
	if (fd >= 0)
		return fd;
	int r = adopt_and_await(en, c, e);
	if (r < 0)
		return r;
	fd = monitor_connect(en->run_fd, c->id);
	return fd >= 0 ? fd : err_errno(e, fd, "container %s: cannot reach its monitor", c->name);
}

/* The container's folder disappears with its row: wait for that. */
static int await_removal(struct engine *en, const char *id, struct err *e)
{
	char path[4096];
	snprintf(path, sizeof(path), "%s/containers/%s", en->root, id);
	CLEANUP_FD int watch = inotify_init1(IN_CLOEXEC);
	if (watch < 0 || (inotify_add_watch(watch, path, IN_DELETE_SELF) < 0 && errno != ENOENT))
		return err_errno(e, errno, "cannot wait for the removal of %.12s", id);
	snprintf(path, sizeof(path), "containers/%s", id);
	while (file_exists(en->root_fd, path)) {
		char events[4096];
		if (read(watch, events, sizeof(events)) < 0 && errno != EINTR)
			return err_errno(e, errno, "cannot wait for the removal of %.12s", id);
	}
	return 0;
}

/* Wait for the end of a running container; the exit code from the first source that has it. */
static int await_exit(struct engine *en, struct container *c, int *ret_code, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	char id[ID_LEN + 1];
	memcpy(id, c->id, sizeof(id));
	for (int tries = 0;; tries++) {
		struct exit_record x;
		CLEANUP_FD int monitor = container_monitor(en, c, e);
		if (monitor >= 0 && monitor_wait(monitor, &x, e) == 0) {
			*ret_code = x.exit_code;
			return 0;
		}
		if (exit_record_read(en, id, &x) == 0) {
			*ret_code = x.exit_code;
			return 0;
		}
		int r = container_find(en, id, &a, c, e);
		if (r < 0)
			return r;
		if (!c->pid) {
			*ret_code = c->exit_code;
			return 0;
		}
		if (tries > 100)
			return err_set(e, EIO, ERR_INTERNAL,
				       "container %s: its monitor dies again and again", c->name);
		poll(NULL, 0, AGAIN_MS);
	}
}

/* Of one that does not run: its next start, and how that ends. */
struct next_run {
	struct engine *en;
	const char *id;
	enum wait_condition until;
	bool known; /* `code` is */
	int code;
};

static const char *text_at(struct json_object *o, const char *key)
{
	struct json_object *value;
	return json_object_object_get_ex(o, key, &value) ? json_object_get_string(value) : "";
}

/* Its monitor tells the end first; where it has ended already, the events do. 1: enough. */
static int follow_event(struct json_object *event, void *ctx, struct err *e)
{
	struct next_run *n = ctx;
	const char *action = event ? text_at(event, "Action") : "";
	if (!strcmp(action, "destroy"))
		return 1;
	if (!n->known && !strcmp(action, "start")) {
		CLEANUP_ARENA struct arena a = {0};
		struct container c;
		n->known = container_find(n->en, n->id, &a, &c, e) == 0 && c.pid &&
			   await_exit(n->en, &c, &n->code, e) == 0;
		return n->known;
	}
	if (!n->known && !strcmp(action, "die")) {
		struct json_object *actor, *attributes;
		json_object_object_get_ex(event, "Actor", &actor);
		json_object_object_get_ex(actor, "Attributes", &attributes);
		n->code = (int)strtol(text_at(attributes, "exitCode"), NULL, 10);
		n->known = true;
		return n->until == WAIT_NEXT_EXIT;
	}
	return 0;
}

/* @since: when it was seen not to run. */
static int await_next_run(struct next_run *n, int64_t since, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	struct event_query q = {.since = since, .client = -1};
	int r = event_filter_add(&a, &q, "type=container", e);
	if (r == 0)
		r = event_filter_add(&a, &q, arena_printf(&a, "container=%s", n->id), e);
	if (r == 0)
		r = engine_events(n->en, &q, follow_event, n, e);
	return r < 0 ? r : 0;
}

int container_wait(struct engine *en, const char *ref, enum wait_condition until, int64_t since,
		   int *ret_code, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	struct container c;
	char id[ID_LEN + 1];
	int64_t from = since ? since : clock_real_ns();
	int r = container_find(en, ref, &a, &c, e);
	/* One that was seen may have run, ended and gone since: the events know. */
	bool seen = since != 0, gone = r == -ENOENT && seen;
	if (r < 0 && !gone)
		return r;
	int code = gone ? 0 : c.exit_code;
	snprintf(id, sizeof(id), "%s", gone ? ref : c.id);
	struct next_run next = {en, id, until, false, code};
	if (!gone && c.pid) {
		r = await_exit(en, &c, &code, e);
		gone = r == -ENOENT && seen;
	} else if (!gone && until != WAIT_NOT_RUNNING) {
		r = await_next_run(&next, from, e);
	}
	if (gone)
		r = await_next_run(&next, from, e);
	if (next.known)
		code = next.code;
	if (r < 0)
		return r;
	engine_reap(en, id, ERR_IGNORED);
	if (until == WAIT_REMOVED && (r = await_removal(en, id, e)) < 0)
		return r;
	*ret_code = code;
	return 0;
}
