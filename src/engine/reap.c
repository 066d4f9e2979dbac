/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Crash-only: bringing the state store and the kernel in line with what happened to a container
 * while no command looked.
 *
 * What can be found, and what is done:
 * - an exit record: the container ended; note it in the store, clean up, remove it if --rm
 * - running, but the process is dead and there is no record: its monitors died too; ask once more,
 *   else the status is unknown
 * - running, but without a process: the boot ended, or `start` was killed half-way; clean up
 * - removing: `rm` was killed half-way; finish it
 *
 * The order is kernel, store, record. Every step may be repeated. The exit record goes last: as
 * long as it exists, the job is not done. Caller holds the container's lock. Read wire.h first.
 */
#include "engine/internal.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "engine/monitor.h"
#include "engine/network.h"
#include "engine/user_network.h"
#include "linux/cgroup.h"
#include "linux/cgroup_stats.h"
#include "linux/crash.h"
#include "linux/namespaces.h"
#include "linux/pidfd.h"

/* How long a monitor may take to record an end; and how long who only looks waits for that. */
enum { KILL_WAIT_MS = 5000, RECORD_GLANCE_S = 1, LATE_NS = 1000000000 };

int group_clean(const char *cgroup, const char *scope, struct err *e)
{
	struct err ignored;
	int r = *cgroup ? cgroup_remove(cgroup, e) : 0;
	if (r == -EBUSY) {
		/* Processes outlived the first one (--pid=host): they belong to the container. */
		CLEANUP_CGROUP struct cgroup group = CGROUP_CLOSED;
		r = cgroup_open(cgroup, &group, e);
		if (r == 0)
			r = cgroup_kill(&group, e);
		if (r == 0) {
			cgroup_wait_empty(&group, KILL_WAIT_MS);
			r = cgroup_remove(cgroup, e);
		}
	}
	/* A scope without processes ends by itself: this waits for it, where systemd answers. */
	if (r == 0 && scope)
		systemd_scope_stop(scope, &ignored);
	return r;
}

int container_cgroup_clean(const struct container *c, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	struct systemd_scope scope;
	bool in_scope = container_scope(c, &scope);
	return group_clean(container_cgroup_path(c, &a), in_scope ? scope.unit : NULL, e);
}

/* Control group and run folder: what a run leaves in the kernel and below --runroot. */
static int clean_run(struct engine *en, const struct container *c, struct err *e)
{
	char path[sizeof("containers/") + ID_LEN];
	int r = container_cgroup_clean(c, e);
	bool has_own = user_network_stop(en, c->id);
	if (r == 0 && (c->networked || has_own))
		r = container_net_release(en, c->id, e);
	if (r < 0)
		return err_context(e, "container %s", c->name);
	snprintf(path, sizeof(path), "containers/%s", c->id);
	return tree_remove(en->run_fd, path, e);
}

int exit_record_drop(struct engine *en, const char *id, struct err *e)
{
	char path[sizeof("exits/" FILE_ASIDE) + ID_LEN];
	snprintf(path, sizeof(path), "exits/%s", id);
	if (unlinkat(en->run_fd, path, 0) == 0)
		return 0;
	if (errno != ENOENT)
		return err_errno(e, errno, "cannot remove the exit record of %.12s", id);
	/* Nobody could write it: a killed monitor may have begun to. */
	snprintf(path, sizeof(path), "exits/" FILE_ASIDE, id);
	unlinkat(en->run_fd, path, 0);
	return 0;
}

/* One whose start was cut off never ran: nothing is told of it. */
static bool never_ran(const struct container *c, const struct exit_record *x)
{
	return !c->told &&
	       (x->flags & EXIT_UNSTARTED || (x->flags & EXIT_UNKNOWN && !x->finished_ns));
}

static bool was_oom(const struct exit_record *x)
{
	return x->flags & (EXIT_OOM_MAIN | EXIT_OOM_CHILD);
}

/* When the last one was; 0: not known. */
static int64_t killed_ns(const struct exit_record *x)
{
	return x->oom_before_ms == OOM_TIME_UNKNOWN
		       ? 0
		       : x->finished_ns - (int64_t)x->oom_before_ms * 1000000;
}

int reap_tell(struct engine *en, const struct end *end, const char *policy, struct err *e)
{
	const struct container *c = end->c;
	const struct exit_record *x = end->x;
	CLEANUP_ARENA struct arena a = {0};
	char code[12], duration[24], signal[12], refused[24], unlogged[24], used[24], late[24];
	int64_t lasted = (x->finished_ns - c->started) / 1000000000;
	int r = 0;
	if (never_ran(c, x))
		return 0;
	snprintf(code, sizeof(code), "%d", x->exit_code);
	snprintf(signal, sizeof(signal), "%d", x->signal);
	snprintf(refused, sizeof(refused), "%lld", (long long)end->refused);
	/* Nobody may have looked for long. */
	const bool is_late = x->finished_ns && clock_real_ns() - x->finished_ns > LATE_NS;
	snprintf(late, sizeof(late), "%lld", (long long)x->finished_ns);
	snprintf(used, sizeof(used), "%lld", (long long)end->used_ns);
	snprintf(unlogged, sizeof(unlogged), "%llu", (unsigned long long)x->log_dropped_bytes);
	snprintf(duration, sizeof(duration), "%lld", (long long)(lasted > 0 ? lasted : 0));
	if (!(c->told & TOLD_START))
		r = event_container(&en->db, e, c->id, "start", "restartCount", NULL, NULL);
	if (r >= 0 && was_oom(x) && (int64_t)x->oom_kills > c->oom_kills)
		r = oom_tell(en, c->id, (int64_t)x->oom_kills, killed_ns(x), &end->oom, e);
	if (r >= 0)
		r = event_container(&en->db, e, c->id, "die", "exitCode", code, "execDuration",
				    duration, "signal", x->signal ? signal : NULL, "oomKilled",
				    !(x->flags & EXIT_OOM_MAIN) ? NULL
				    : end->oom_named            ? "true"
								: "probably",
				    "error", *x->error ? x->error : NULL, "restart", policy,
				    "survivors", exit_survivors(x, &a), "fault",
				    *end->fault ? end->fault : NULL, "processesRefused",
				    end->refused > 0 ? refused : NULL, "processesLimit",
				    end->refused <= 0 || end->refused_by < 0 ? NULL
				    : end->refused_by                        ? "own"
									     : "other",
				    "processorNano", end->used_ns > 0 ? used : NULL, "pressure",
				    *end->pressure ? end->pressure : NULL, "full",
				    *end->full ? end->full : NULL, "bytesNotLogged",
				    x->log_dropped_bytes ? unlogged : NULL, "finishedNano",
				    is_late ? late : NULL, NULL);
	if (r >= 0 && c->told & TOLD_VOLUMES)
		r = event_volumes(&en->db, e, c->id, "unmount");
	if (r >= 0 && c->told & TOLD_STOPPING)
		r = event_container(&en->db, e, c->id, "stop", NULL);
	return r;
}

/* Its start was cut off before its command ran: it is what it was before, but for the exit code of
 * the run before, which its start has overwritten. */
static int note_unstarted(struct engine *en, const struct container *c, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	return db_change(
		&en->db, false, e,
		"UPDATE container SET status = iif(finished, 'exited', 'created'), started = "
		"iif(finished, min(started, finished), 0), exit_code = iif(finished, 255, 0), "
		"health = '', "
		"error = ?2, hint = ?3 WHERE id = ?1",
		"sss", c->id,
		"its start was interrupted: the command that started it was ended before the "
		"container ran",
		arena_printf(&a, "hull start %s starts it", c->name));
}

static int note_exit(struct engine *en, const struct end *end, struct err *e)
{
	const struct container *c = end->c;
	const struct exit_record *x = end->x;
	int64_t wait_ms = 0, finished = x->finished_ns ? x->finished_ns : clock_real_ns();
	bool again = restart_wanted(c, x->exit_code, &wait_ms);
	if (never_ran(c, x) && !again)
		return note_unstarted(en, c, e);
	int r = db_begin(&en->db, false, e);
	if (r < 0)
		return r;
	r = db_run(&en->db, e,
		   "UPDATE container SET status = 'exited', finished = ?2, exit_code = ?3, "
		   "exit_signal = ?4, oom_killed = ?5, oom_kills = max(oom_kills, ?6), error = ?7, "
		   "hint = '', "
		   "restart_wait = ?8, "
		   "health = iif(health = '', '', 'unhealthy'), "
		   "restart_due = ?9 WHERE id = ?1",
		   "siiiiisii", c->id, finished, (int64_t)x->exit_code, (int64_t)x->signal,
		   x->flags & EXIT_OOM_MAIN ? OOM_OF_FIRST : (int64_t)was_oom(x),
		   (int64_t)x->oom_kills, x->error, wait_ms,
		   again ? clock_real_ns() + wait_ms * 1000000 : 0);
	if (r >= 0)
		r = reap_tell(en, end, again ? c->config.host.restart_policy.name : NULL, e);
	r = db_end(&en->db, r, e);
	if (r >= 0 && again)
		restart_spawn(en, c->id);
	return r;
}

/* What was its first process; 0: not known. */
static pid_t first_process(struct engine *en, const struct container *c)
{
	struct run_record run;
	return run_record_read(en, c->id, &run) < 0 ? 0 : run.pid;
}

/* The monitor takes whoever gets a SIGKILL soon after a kill for memory for its victim. The
 * kernel's log knows: it names all that were killed. What hull-init runs has no number here. */
static void judge_oom(struct engine *en, const char *path, struct end *end, struct exit_record *x)
{
	const struct container *c = end->c;
	struct oom *ret = &end->oom;
	if (!was_oom(x))
		return;
	const pid_t first = first_process(en, c);
	oom_look(path, first, c->started, ret);
	if (ret->whole_since_ns > x->finished_ns || !first || container_has_init(c) ||
	    !namespace_caller_is_in_first_pid())
		return;
	end->oom_named = true;
	x->flags &= ~(uint32_t)(EXIT_OOM_MAIN | EXIT_OOM_CHILD);
	x->flags |= x->signal == SIGKILL && ret->first_killed ? EXIT_OOM_MAIN : EXIT_OOM_CHILD;
}

/* Version 1 does not tell the monitor of kills in groups that the container made. */
static void add_kills_below(const struct cgroup *g, struct exit_record *x)
{
	const int64_t kills = g->v1[CGROUP_MEMORY] >= 0 ? cgroup_oom_kills(g) : 0;
	if (kills <= 0 || (uint64_t)kills <= x->oom_kills)
		return;
	x->oom_kills = (uint64_t)kills;
	if (was_oom(x))
		return;
	x->oom_before_ms = OOM_TIME_UNKNOWN;
	x->flags |= EXIT_OOM_CHILD;
}

/* Which a limit on it, that counts for each process alone, is compared with. */
static int64_t processor_time(const struct cgroup *g)
{
	char text[1024];
	const int v1 = g->v1[CGROUP_CPUACCT];
	if (file_read_small(v1 < 0 ? g->v2 : v1, v1 < 0 ? "cpu.stat" : "cpuacct.usage", text,
			    sizeof(text)) <= 0)
		return 0;
	return v1 < 0 ? cgroup_keyed(text, "usage_usec") * 1000 : strtoll(text, NULL, 10);
}

/* What its control group says of its end. */
static void look_at_group(struct engine *en, struct end *end, struct exit_record *x)
{
	CLEANUP_ARENA struct arena a = {0};
	CLEANUP_CGROUP struct cgroup group = CGROUP_CLOSED;
	const char *path = container_cgroup_path(end->c, &a);
	if (*path && cgroup_open(path, &group, ERR_IGNORED) == 0) {
		end->refused = cgroup_pids_refused(&group, &end->refused_by);
		add_kills_below(&group, x);
		if (x->signal == SIGKILL || x->signal == SIGXCPU)
			end->used_ns = processor_time(&group);
	}
	judge_oom(en, path, end, x);
}

static int finish(struct engine *en, const struct container *c, const struct exit_record *found,
		  struct err *e)
{
	struct exit_record x = *found;
	struct end end = {.c = c, .x = &x};
	look_at_group(en, &end, &x); /* while it is there */
	end_look(en, c, &end);
	const pid_t first = crash_is_fault(x.signal) ? first_process(en, c) : 0;
	if (first)
		crash_look(first, c->started, end.fault, sizeof(end.fault));
	int r = clean_run(en, c, e);
	if (r == 0)
		r = c->auto_remove ? remove_locked(en, c->id, true, &end, e)
				   : note_exit(en, &end, e);
	return r < 0 ? r : exit_record_drop(en, c->id, e);
}

static struct exit_record lost(const char *why)
{
	struct exit_record x = {
		.version = WIRE_VERSION,
		.flags = EXIT_UNKNOWN,
		.exit_code = 255,
		.finished_ns = clock_real_ns(),
	};
	snprintf(x.error, sizeof(x.error), "%s", why);
	return x;
}

/* Only these say that there is nothing; after any other nothing may be concluded. */
static bool is_absent(int r)
{
	return r == -ENOENT || r == -EBADMSG;
}

static bool is_dead(int r)
{
	return r == -ENOENT || r == -ECONNREFUSED || r == -ECONNRESET || r == -EPIPE ||
	       r == -EPROTO;
}

int reap_unrecorded(const char *id, struct err *e)
{
	err_set(e, ETIMEDOUT, ERR_TIMEOUT,
		"container %.12s has ended, but its monitor does not record it", id);
	return err_hint(
		e,
		"its log may wait for a full or broken disk; if it does not, end the process "
		"hull-monitor of this container: another one takes over. hull rm -f %.12s "
		"removes it without its exit code",
		id);
}

/* The process is gone and no record is there yet. Its monitor may be about to write it. */
static int await_record(struct engine *en, const char *id, int seconds, struct exit_record *ret,
			struct err *e)
{
	CLEANUP_FD int monitor = monitor_connect(en->run_fd, id);
	if (monitor >= 0)
		monitor_patience(monitor, seconds);
	else
		err_errno(e, monitor, "container %.12s: cannot ask its monitor how it ended", id);
	int r = monitor < 0 ? monitor : monitor_wait(monitor, ret, e);
	int record = r == 0 ? 0 : exit_record_read(en, id, ret);
	if (record == 0)
		return 0;
	if (r == -EAGAIN)
		return reap_unrecorded(id, e);
	if (!is_dead(r))
		return r;
	if (!is_absent(record))
		return err_errno(e, record, "container %.12s: cannot read its exit record", id);
	*ret = lost(record == -EBADMSG ? "its exit record was damaged"
				       : "the exit status was lost: every process that watched it "
					 "was killed");
	return 0;
}

/* In a pid namespace that is not ours. */
static bool lives_apart(pid_t pid)
{
	CLEANUP_FD int fd = pidfd_of(pid);
	return fd >= 0 && namespace_others(pid, CLONE_NEWPID) && pidfd_has_ended(fd) == 0;
}

/* What is in the container's group knows better: the process of that number began at another time,
 * or there is none, and yet some are there that would have ended with the first one of their pid
 * namespace. Then it is the record that is wrong. */
static bool is_contradicted(const struct container *c, const struct run_record *run)
{
	CLEANUP_ARENA struct arena a = {0};
	uint64_t start;
	pid_t *pids;
	size_t count;
	int r = pidfd_start_time(run->pid, &start);
	if ((r == 0 && start == run->pid_start) ||
	    container_pids(c, &a, &pids, &count, ERR_IGNORED) < 0 || !count)
		return false;
	if (r < 0)
		return lives_apart(pids[0]);
	while (count > 0 && pids[count - 1] != run->pid)
		count--;
	return count > 0;
}

static int reap_running(struct engine *en, const struct container *c, int seconds, struct err *e)
{
	struct exit_record x;
	struct run_record run;
	int r = exit_record_read(en, c->id, &x);
	if (r == 0)
		return finish(en, c, &x, e);
	if (!is_absent(r))
		return err_errno(e, r, "container %s: cannot read its exit record", c->name);
	r = run_record_read(en, c->id, &run);
	if (r == -ENOENT) {
		const int64_t boot = clock_boot_ns();
		const bool before = c->told && c->started < boot;
		x = lost(before ? "the machine went down while it ran, as far as is recorded"
				: "it was not running any more: the machine restarted, or its "
				  "start was interrupted");
		x.finished_ns = before ? boot : c->told ? x.finished_ns : 0; /* it never ran */
		return finish(en, c, &x, e);
	}
	int alive = r < 0 ? r : run_record_alive(&run);
	if (alive == 0 && is_contradicted(c, &run))
		alive = -EBADMSG;
	if (alive < 0)
		return run_record_problem(en, c, alive, e);
	if (alive)
		return 0;
	r = await_record(en, c->id, seconds, &x, e);
	return r < 0 ? r : finish(en, c, &x, e);
}

int reap_as_lost(struct engine *en, const struct container *c, const char *why, struct err *e)
{
	const struct exit_record x = lost(why);
	return finish(en, c, &x, e);
}

static int reap_within(struct engine *en, const char *id, int seconds, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	struct container c;
	int r = container_glance(en, id, &a, &c, e);
	if (r < 0)
		return r;
	if (c.status == CONTAINER_RUNNING)
		return reap_running(en, &c, seconds, e);
	if (c.status == CONTAINER_REMOVING)
		r = remove_locked(en, id, c.auto_remove, NULL, e);
	/* What is noted already needs its record no more. */
	return r < 0 ? r : exit_record_drop(en, id, e);
}

int reap_locked(struct engine *en, const char *id, struct err *e)
{
	return reap_within(en, id, RECORD_WAIT_S, e);
}

/* 1: it is locked by another command, and it need not @wait. @whole: @id was not looked up. */
static int reap_one(struct engine *en, const char *id, bool wait, int seconds, bool whole,
		    struct err *e)
{
	CLEANUP_LOCK struct container_lock lock = {-1};
	int r = container_lock(en, id, wait, &lock, e);
	if (r == -EWOULDBLOCK)
		return 1;
	/* Without its folder the row is what a cut-off removal left: that needs no lock. */
	if (r == 0 || r == -ENOENT)
		r = reap_within(en, id, seconds, e);
	/* A record whose container is gone: the removal was cut off just before its end. */
	return r == -ENOENT && whole ? exit_record_drop(en, id, e) : r;
}

int engine_reap(struct engine *en, const char *ref, struct err *e)
{
	char id[ID_LEN + 1];
	if (!ref) {
		CLEANUP_ARENA struct arena a = {0};
		struct container_filter all = {
			.all = true, .settled = true, .configs = CONFIGS_ALL};
		struct container *list;
		size_t count;
		return container_list(en, &all, &a, &list, &count, e);
	}
	engine_make_room(en);
	bool whole = strlen(ref) == ID_LEN && id_is_hex(ref, ID_LEN);
	int r = whole ? 0 : container_resolve(en, ref, id, e);
	return r < 0 ? r : reap_one(en, whole ? ref : id, true, RECORD_WAIT_S, whole, e);
}

int reap_unless_busy(struct engine *en, const char *id, struct err *e)
{
	return reap_one(en, id, false, RECORD_GLANCE_S, true, e);
}

int reap_briefly(struct engine *en, const char *id, struct err *e)
{
	return reap_one(en, id, true, RECORD_GLANCE_S, true, e);
}
