/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ending a container, and saying how it went.
 *
 * `stop` sends the stop signal to the container's first process, waits up to the grace time, and
 * then kills it, which makes the kernel kill everything in its pid namespace (pid_namespaces(7)).
 * Before it waits it looks into /proc/PID/status: a signal that the first process neither catches
 * nor ignores is dropped by the kernel, since PID 1 has no default actions, so the outcome is known
 * at once. With hull-init as PID 1 the signal reaches every process, and the exit record names
 * those that ignored it.
 */
#include "engine/internal.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "engine/monitor.h"
#include "init/report.h"
#include "linux/cgroup.h"
#include "linux/namespaces.h"
#include "linux/pidfd.h"
#include "linux/process.h"
#include "linux/signals.h"

enum { GRACE_DEFAULT = 10, KILL_WAIT_MS = 10000, KILL_QUICK_MS = 100, INIT_SLACK_MS = 500 };

static int not_running(const struct container *c, struct err *e)
{
	return err_set(e, ESRCH, ERR_CONFLICT, "container %s is not running", c->id);
}

/* A pidfd of the container's first process, checked against its start time. */
static int open_first(const struct container *c, struct err *e)
{
	int fd = c->pid ? pidfd_of_started(c->pid, c->pid_start) : -ESRCH;
	if (fd == -ESRCH)
		return not_running(c, e);
	return fd >= 0 ? fd : err_errno(e, fd, "container %s: cannot find its process", c->name);
}

static int set_paused(struct engine *en, const struct container *c, bool paused, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	CLEANUP_CGROUP struct cgroup group = CGROUP_CLOSED;
	int r = cgroup_open(container_cgroup_path(c, &a), &group, e);
	if (r == 0)
		r = cgroup_freeze(&group, paused, e);
	if (r < 0)
		return err_context(e, "container %s", c->name);
	r = run_record_state(en, c->id, paused ? RUN_PAUSED : RUN_ON);
	event_container(&en->db, ERR_IGNORED, c->id, paused ? "pause" : "unpause", NULL);
	return r < 0 ? err_errno(e, r, "container %s: cannot note whether it is paused", c->name)
		     : 0;
}

/* After a signal that is meant to end it: a frozen container hears most signals only when it is
 * thawed. That it has ended meanwhile (Linux kills what is frozen on v2 at once) is no failure. */
static int thaw(struct engine *en, const struct container *c, int pidfd, struct err *e)
{
	int r = c->status == CONTAINER_PAUSED ? set_paused(en, c, false, e) : 0;
	return r < 0 && pidfd_has_ended(pidfd) == 1 ? 0 : r;
}

/* True when the first process has no disposition of its own for @signal: the kernel will drop it.
 */
static bool dropped_by_kernel(pid_t pid, int signal)
{
	struct process p;
	return process_read(pid, &p) == 0 && process_drops(&p, signal);
}

bool container_drops_signal(struct engine *en, const char *ref, int signal)
{
	CLEANUP_ARENA struct arena a = {0};
	struct container c;
	return container_find(en, ref, &a, &c, ERR_IGNORED) == 0 && c.pid &&
	       dropped_by_kernel(c.pid, signal);
}

int container_stop_signal(const struct container *c)
{
	const char *name = c->config.config.stop_signal;
	int number = name && *name ? signal_parse(name) : SIGTERM;
	return number > 0 ? number : SIGTERM;
}

/* What the first process does with it, for whoever asks later; NULL: it ends it, or that is not
 * seen. With hull-init that says nothing of the program. */
static const char *handling(const struct container *c, int signal)
{
	struct process p;
	const uint64_t bit = UINT64_C(1) << (signal - 1);
	if (process_read(c->pid, &p) < 0 || container_has_init(c))
		return NULL;
	return p.ignored & bit             ? "ignored"
	       : process_drops(&p, signal) ? "none"
	       : p.caught & bit            ? "caught"
					   : NULL;
}

/* 1: it has ended, 0: the time is over. */
static int await_end(int pidfd, int64_t until_ms)
{
	struct pollfd p = {pidfd, POLLIN, 0};
	for (;;) {
		int64_t left = until_ms < 0 ? -1 : until_ms - clock_ms();
		if (until_ms >= 0 && left < 0)
			left = 0;
		int n = poll(&p, 1, left > INT32_MAX ? INT32_MAX : (int)left);
		if (n > 0)
			return 1;
		if (n == 0 && until_ms >= 0 && clock_ms() >= until_ms)
			return 0;
		if (n < 0 && errno != EINTR)
			return 0;
	}
}

static void lift_rates(const struct container *c)
{
	CLEANUP_ARENA struct arena a = {0};
	CLEANUP_CGROUP struct cgroup group = CGROUP_CLOSED;
	if (cgroup_open(container_cgroup_path(c, &a), &group, ERR_IGNORED) == 0)
		cgroup_rates_lift(&group);
}

/* After SIGKILL. What does not end quickly may wait for a disk at its rates. */
static int await_killed(const struct container *c, int pidfd)
{
	if (await_end(pidfd, clock_ms() + KILL_QUICK_MS))
		return 1;
	lift_rates(c);
	return await_end(pidfd, clock_ms() + KILL_WAIT_MS);
}

/* D state: it cannot die before the kernel lets go of it. Say what it waits for. */
static int stuck(const struct container *c, struct err *e)
{
	char path[32], wchan[64] = "";
	snprintf(path, sizeof(path), "/proc/%d/wchan", c->pid);
	CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		(void)!read(fd, wchan, sizeof(wchan) - 1);
	err_set(e, ETIMEDOUT, ERR_TIMEOUT,
		"container %s: its first process (host pid %d) does not die on SIGKILL: it "
		"waits in the kernel%s%s",
		c->name, c->pid, *wchan ? " in " : "", wchan);
	return err_hint(e, "it ends when the disk or the file system that it waits for answers");
}

/* Who asked for it: our user, and the program that started us. */
static void sender(const struct engine *en, char buf[static 64])
{
	char program[PROCESS_NAME_SIZE];
	if (*en->asked_by)
		snprintf(buf, 64, "%s", en->asked_by);
	else
		snprintf(buf, 64, "uid %u, from %s", (unsigned)namespace_real_uid(),
			 process_name(getppid(), program));
}

/* Send @value, or the signal alone, and tell of it: in one transaction, so that what it leads to is
 * told later, and nothing that was not sent. That it cannot be told, on a full disk, is no reason
 * not to send it. */
static int send_told(struct engine *en, const struct container *c, int pidfd, int signal,
		     const uint64_t *value, bool stopping, struct err *e)
{
	char number[12], by[64];
	struct err ignored;
	const char *handler = c->pid ? handling(c, signal) : NULL;
	snprintf(number, sizeof(number), "%d", signal);
	sender(en, by);
	int told = db_begin(&en->db, false, &ignored);
	if (told == 0)
		told = event_container(&en->db, &ignored, c->id, "kill", "signal", number, "sender",
				       by, "handler", handler, "stop", stopping ? "true" : NULL,
				       NULL);
	if (told >= 0 && stopping)
		told = db_run(&en->db, &ignored,
			      "UPDATE container SET told = told | ?2 WHERE id = ?1", "si", c->id,
			      (int64_t)TOLD_STOPPING);
	int r = value ? pidfd_signal_value(pidfd, signal, *value) : pidfd_signal(pidfd, signal);
	if (en->db.locked)
		db_end(&en->db, r < 0 ? r : told, &ignored);
	if (r == -ESRCH)
		return not_running(c, e);
	return r < 0 ? err_errno(e, r, "container %s: cannot send signal %d", c->name, signal) : 0;
}

static int kill_one(struct engine *en, const char *ref, int signal, bool hold, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	struct container c;
	int r = container_find(en, ref, &a, &c, e);
	if (r < 0)
		return r;
	/* As docker has it: who sends the last signal, or the one that stops it, wants it stopped.
	 */
	if (hold && (signal == SIGKILL || signal == container_stop_signal(&c)) &&
	    (r = restart_hold(en, &c, e)) < 0)
		return r;
	CLEANUP_FD int pidfd = open_first(&c, e);
	if (pidfd == -ESRCH)
		return err_set(e, ESRCH, ERR_CONFLICT,
			       "cannot kill container: %s: container %s is not running", ref, c.id);
	if (pidfd < 0)
		return pidfd;
	struct err ignored;
	/* One that was killed a moment ago may look alive still, and the end wants a witness. */
	CLEANUP_FD int monitor = container_monitor(en, &c, &ignored);
	r = send_told(en, &c, pidfd, signal, NULL, false, e);
	if (r < 0 || signal != SIGKILL)
		return r;
	r = thaw(en, &c, pidfd, e);
	if (r == 0 && !await_killed(&c, pidfd))
		r = stuck(&c, e);
	/* What comes next finds it ended: `hull kill X && hull rm X`. */
	if (r == 0)
		reap_briefly(en, c.id, &ignored);
	return r;
}

int container_kill(struct engine *en, const char *ref, int signal, struct err *e)
{
	return kill_one(en, ref, signal, true, e);
}

int container_kill_unheld(struct engine *en, const char *id, struct err *e)
{
	return kill_one(en, id, SIGKILL, false, e);
}

bool container_has_init(const struct container *c)
{
	return c->config.host.init.set && c->config.host.init.value;
}

/* hull-init is told the grace time, so that it ends and names the survivors before we would. */
static int send_stop(struct engine *en, const struct container *c, int pidfd, int signal,
		     int64_t grace_seconds, struct err *e)
{
	uint32_t ms = grace_seconds < 0 || grace_seconds > 86400 * 20
			      ? INIT_STOP_NO_LIMIT
			      : (uint32_t)(grace_seconds * 1000);
	const uint64_t value = INIT_STOP_VALUE(ms);
	return send_told(en, c, pidfd, signal, container_has_init(c) ? &value : NULL, true, e);
}

/* The exit record: from the monitor, which answers at once when the container has ended. */
static int fetch_exit(struct engine *en, const struct container *c, int monitor,
		      struct exit_record *ret, struct err *e)
{
	struct err ignored;
	CLEANUP_ARENA struct arena a = {0};
	struct container now;
	if (monitor >= 0)
		monitor_patience(monitor, RECORD_WAIT_S);
	int r = monitor < 0 ? monitor : monitor_wait_end(monitor, ret, &ignored);
	if (r == 0 || exit_record_read(en, c->id, ret) == 0)
		return 0;
	/* It was taken note of already. */
	if (container_read(en, c->id, &a, &now, &ignored) == 0 && now.status == CONTAINER_EXITED) {
		*ret = (struct exit_record){.exit_code = now.exit_code, .signal = now.exit_signal};
		return 0;
	}
	*ret = (struct exit_record){.exit_code = 255, .flags = EXIT_UNKNOWN};
	return r == -EAGAIN ? reap_unrecorded(c->id, e) : 0;
}

char *exit_survivors(const struct exit_record *x, struct arena *a)
{
	const uint32_t room = ARRAY_LEN(x->survivors);
	uint32_t count = x->survivor_count < room ? x->survivor_count : room;
	char *text = NULL;
	for (uint32_t i = 0; i < count; i++)
		text = arena_printf(a, "%s%s%d (%.15s)", text ?: "", i ? ", " : "",
				    x->survivors[i].pid, x->survivors[i].comm);
	return x->survivor_count > count
		       ? arena_printf(a, "%s and %u more", text, x->survivor_count - count)
		       : text;
}

static int stop_running(struct engine *en, const struct container *c, int64_t grace_seconds,
			stop_notice_fn notice, void *ctx, struct stop_report *ret, struct err *e)
{
	CLEANUP_FD int pidfd = open_first(c, e);
	struct err ignored;
	/* One that was killed a moment ago may look alive still, and its last lines want a reader.
	 */
	CLEANUP_FD int monitor = pidfd < 0 ? -1 : container_monitor(en, c, &ignored);
	int64_t began = clock_ms();
	if (pidfd < 0)
		return pidfd;
	/* Asked before the signal: afterwards it may be too late. */
	if (monitor >= 0 && monitor_wait_begin(monitor, WAIT_REAP, &ignored) < 0)
		fd_drop(&monitor);
	const char *how = handling(c, ret->signal) ?: "";
	ret->ignores = !strcmp(how, "ignored");
	ret->ignored_by_kernel = ret->ignores || !strcmp(how, "none");
	if (notice && ret->ignored_by_kernel)
		notice(ret, grace_seconds, ctx);
	int r = send_stop(en, c, pidfd, ret->signal, grace_seconds, e);
	if (r == 0)
		r = thaw(en, c, pidfd, e);
	if (r < 0 && r != -ESRCH)
		return r;
	int64_t until = grace_seconds < 0 ? -1 : began + grace_seconds * 1000;
	if (container_has_init(c) && until >= 0)
		until += INIT_SLACK_MS;
	if (!await_end(pidfd, until)) {
		ret->killed = true;
		send_told(en, c, pidfd, SIGKILL, NULL, true, e);
		if (!await_killed(c, pidfd))
			return stuck(c, e);
	}
	r = fetch_exit(en, c, monitor, &ret->exit, e);
	ret->milliseconds = clock_ms() - began;
	if (r == 0)
		engine_reap(en, c->id, &ignored);
	return r;
}

/* The lock is held for the whole of a start. */
static int settle_restart(struct engine *en, struct container *c, struct arena *a, struct err *e)
{
	CLEANUP_LOCK struct container_lock lock = {-1};
	char id[ID_LEN + 1];
	memcpy(id, c->id, sizeof(id));
	int r = container_lock(en, id, true, &lock, e);
	container_unlock(&lock);
	return r < 0 ? r : container_find(en, id, a, c, e);
}

int container_stop(struct engine *en, const char *ref, int signal, int64_t grace_seconds,
		   stop_notice_fn notice, void *ctx, struct stop_report *ret, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	struct container c;
	int r = container_find(en, ref, &a, &c, e);
	if (r < 0)
		return r;
	const struct opt_i64 *own = &c.config.config.stop_timeout;
	struct stop_report report = {
		.was_running = c.pid != 0,
		.signal = signal ? signal : container_stop_signal(&c),
	};
	if ((r = restart_hold(en, &c, e)) < 0)
		return r;
	/* Its policy may be starting it at this moment, and then it is to be stopped. */
	if (c.status == CONTAINER_RESTARTING && (r = settle_restart(en, &c, &a, e)) < 0)
		return r;
	report.was_running = c.pid != 0;
	if (grace_seconds == -2)
		grace_seconds = own->set ? own->value : GRACE_DEFAULT;
	if (c.pid) {
		r = stop_running(en, &c, grace_seconds, notice, ctx, &report, e);
		if (r == -ESRCH) { /* it ended by itself meanwhile */
			engine_reap(en, c.id, ERR_IGNORED);
			r = 0;
		}
	}
	if (r == 0)
		*ret = report;
	return r;
}

/* Whoever reaps a --rm container that is to run again must leave it there. Its next start takes
 * that back; a restart that is killed leaves a container that ended, or will. */
static int suspend_removal(struct engine *en, const struct container *c, bool suspend,
			   struct err *e)
{
	return db_change(&en->db, false, e,
			 "UPDATE container SET auto_remove = ?2 WHERE id = ?1 AND status <> "
			 "'removing'",
			 "si", c->id, (int64_t)!suspend);
}

int container_restart(struct engine *en, const char *ref, int signal, int64_t grace_seconds,
		      struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	struct container c;
	struct stop_report report;
	int r = container_find(en, ref, &a, &c, e);
	if (r == 0 && c.auto_remove)
		r = suspend_removal(en, &c, true, e);
	if (r < 0)
		return r;
	r = container_stop(en, c.id, signal, grace_seconds, NULL, NULL, &report, e);
	if (r < 0 && c.auto_remove)
		suspend_removal(en, &c, false, ERR_IGNORED);
	if (r < 0)
		return r;
	r = container_start_at(en, c.id, START_AGAIN, e);
	/* Someone else was faster: it runs anew, as was asked for. */
	return r == -EALREADY ? 0 : r;
}

/* ---- pause ---- */

int container_pause(struct engine *en, const char *ref, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	struct container c;
	int r = container_find(en, ref, &a, &c, e);
	if (r < 0)
		return r;
	if (!c.pid)
		return err_set(e, ESRCH, ERR_CONFLICT, "container %s is not running", c.id);
	if (c.status == CONTAINER_PAUSED)
		return err_set(e, EALREADY, ERR_CONFLICT, "container %s is already paused", c.id);
	return set_paused(en, &c, true, e);
}

int container_unpause(struct engine *en, const char *ref, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	struct container c;
	int r = container_find(en, ref, &a, &c, e);
	if (r < 0)
		return r;
	if (c.status != CONTAINER_PAUSED)
		return err_set(e, EALREADY, ERR_CONFLICT, "container %s is not paused", c.id);
	return set_paused(en, &c, false, e);
}

int engine_let_end(struct engine *en, const char *id, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	CLEANUP_CGROUP struct cgroup group = CGROUP_CLOSED;
	struct container c;
	struct err ignored;
	int r = container_find(en, id, &a, &c, e);
	CLEANUP_FD int pidfd = r < 0 ? -1 : open_first(&c, e);
	/* Without its lock, which a start may hold that waits for the same disk: what was opened
	 * before a process of this run has ended is the group of this run, whatever runs next. */
	if (pidfd >= 0 && cgroup_open(container_cgroup_path(&c, &a), &group, &ignored) == 0 &&
	    pidfd_is_ending(pidfd) && pidfd_has_ended(pidfd) == 0)
		cgroup_rates_lift(&group);
	return r;
}
