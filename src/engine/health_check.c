/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Health checks without a daemon. The container's keeper has the time of the next one, and executes
 * `hull system probe`, which comes here: one process in the container, whose result goes into the
 * health record of the run folder with the time of the next; the store is written when the status
 * changes. So nothing waits but a process that is there anyway. (monitor/keeper.c)
 *
 * One check at a time: a lock on the run folder's file `checking`, which ends with its holder. If
 * the keeper was killed, the record's time passes, the next command notices, and a process of
 * ours goes on in its place.
 *
 * The process runs below hull-init as a subreaper: at its end, or when it takes too long, or when
 * we are killed, all that it started is killed and reaped, and no zombie is left to the container.
 */
#include "engine/health.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/utf8.h"
#include "linux/pidfd.h"

enum {
	LOG_MAX = ARRAY_LEN(((struct health_record *)0)->log),
	OUTPUT_MAX = 4096,
	EARLY_MS = 100, /* a timer may be early by so much */
	END_MS = 1000,  /* for hull-init to kill and reap, after the time is over ... */
	END_TRIES = 5,  /* ... so many times */
};
static const int64_t MS = 1000000, SECOND = 1000000000;

static int write_record(int run, const struct health_record *h, struct err *e)
{
	return file_replace(run, "health", h, sizeof(*h), false, e);
}

struct check {
	struct engine *en;
	struct container c;
	struct docker_healthcheck config;
	struct arena arena;
	int run, lock;
	struct health_record record;
};

static void check_close(struct check *x)
{
	fd_drop(&x->run);
	fd_drop(&x->lock);
	arena_free(&x->arena);
}

static void plan_next(struct check *x, int64_t further)
{
	int64_t ran = clock_real_ns() - x->c.started;
	x->record.head.due_ms =
		clock_ms() + health_wait(&x->config, x->c.health, ran) / MS + further / MS;
}

/* As Go prints durations. */
static const char *duration(int64_t ns, struct arena *a)
{
	int64_t s = ns / SECOND;
	double rest = (double)(ns % (60 * SECOND)) / (double)SECOND;
	if (ns < SECOND)
		return arena_printf(a, "%gms", (double)ns / (double)MS);
	if (s < 60)
		return arena_printf(a, "%gs", rest);
	if (s < 3600)
		return arena_printf(a, "%lldm%gs", (long long)(s / 60), rest);
	return arena_printf(a, "%lldh%lldm%gs", (long long)(s / 3600), (long long)(s / 60 % 60),
			    rest);
}

/* What it says is taken, and beyond the first bytes thrown away. */
static bool take(int fd, struct health_result *ret)
{
	char chunk[OUTPUT_MAX];
	ssize_t n = read(fd, chunk, sizeof(chunk));
	if (n <= 0)
		return n < 0 && errno == EINTR;
	size_t room = OUTPUT_MAX - ret->len;
	bool more = (size_t)n > room;
	memcpy(ret->output + ret->len, chunk, more ? room : (size_t)n);
	ret->len += (uint32_t)(more ? room : (size_t)n);
	if (more)
		strcpy(ret->output + OUTPUT_MAX, "...");
	return true;
}

/* 1: it has ended, 0: the time is over. */
static int await(int pidfd, int out, int64_t until, struct health_result *ret)
{
	struct pollfd fds[] = {{out, POLLIN, 0}, {pidfd, POLLIN, 0}};
	for (int64_t left; (left = until - clock_ms()) > 0;) {
		if (poll(fds, 2, left > INT32_MAX ? INT32_MAX : (int)left) < 0 && errno != EINTR)
			break;
		if (fds[0].revents && !take(out, ret))
			fds[0].fd = -1;
		else if (!fds[0].revents && fds[1].revents)
			return 1; /* and all that it said is taken */
	}
	return 0;
}

static bool is_paused(const struct check *x)
{
	struct run_record run;
	return run_record_read(x->en, x->c.id, &run) == 0 && run.state == RUN_PAUSED;
}

/* Its time is over. -EBUSY: because it was paused. */
static int overdue(struct check *x, struct exec_process *p, int out, struct health_result *ret,
		   struct err *e)
{
	char *said = arena_strdup(&x->arena, ret->output);
	bool paused = is_paused(x);
	int tries = 0;
	pidfd_signal(p->pidfd, SIGTERM); /* hull-init kills them all, once it is not frozen */
	while (!await(p->pidfd, out, clock_ms() + END_MS, ret) && tries < END_TRIES) {
		paused |= is_paused(x);
		tries += !is_paused(x);
	}
	if (tries == END_TRIES)
		pidfd_signal(p->pidfd, SIGKILL);
	if (paused)
		return err_set(e, EBUSY, ERR_CONFLICT, "container %s was paused during its check",
			       x->c.name);
	ret->exit_code = -1;
	snprintf(ret->output, OUTPUT_MAX, "Health check exceeded timeout (%s)%s%s",
		 duration(x->config.timeout, &x->arena), *said ? ": " : "", said);
	return 0;
}

static void words_of(const struct check *x, struct arena *a, struct strv *ret)
{
	const struct strv *test = &x->config.test, *shell = &x->c.config.config.shell;
	if (!strcmp(test->items[0], "CMD-SHELL")) {
		strv_push_all(a, ret, shell);
		if (!shell->count) {
			strv_push(a, ret, "/bin/sh");
			strv_push(a, ret, "-c");
		}
	}
	for (size_t i = 1; i < test->count; i++)
		strv_push(a, ret, test->items[i]);
}

static int execute(struct check *x, struct health_result *ret, struct err *e)
{
	int pipe[2], status = 0;
	if (pipe2(pipe, O_CLOEXEC) < 0)
		return err_errno(e, errno, "cannot make a pipe");
	CLEANUP_FD int out = pipe[0];
	CLEANUP_FD int theirs = pipe[1];
	struct container_exec q = {.untold = true, .tended = true, .stdio = {-1, theirs, theirs}};
	struct exec_process p;
	words_of(x, &x->arena, &q.args);
	int r = container_exec(x->en, x->c.id, &q, &p, e);
	fd_drop(&theirs);
	if (r < 0)
		return r;
	CLEANUP_FD int pidfd = p.pidfd;
	bool ended = await(pidfd, out, clock_ms() + x->config.timeout / MS, ret);
	int late = ended ? 0 : overdue(x, &p, out, ret, e);
	r = pidfd_wait_child(pidfd, &status);
	if (ended && r == 0 && WIFSIGNALED(status))
		return err_set(e, EINTR, ERR_SYSTEM, "the check was killed by signal %d",
			       WTERMSIG(status));
	if (ended)
		ret->exit_code = r < 0 ? -1 : WEXITSTATUS(status);
	return late;
}

/* The kernel kills what is in a container before the end of its first process is seen: a check that
 * came to nothing waits for that, unless it is the command that cannot be executed. */
static bool has_ended(const struct check *x, const struct err *why)
{
	bool known = why->kind == ERR_NO_COMMAND || why->kind == ERR_NOT_EXECUTABLE;
	CLEANUP_FD int first = pidfd_of_started(x->c.pid, x->c.pid_start);
	return first < 0 || poll(&(struct pollfd){first, POLLIN, 0}, 1, known ? 0 : END_MS) > 0;
}

/* docker's rules: within the start period no failure counts that comes before a success. */
static const char *judge(struct check *x, const struct health_result *result)
{
	const char *was = x->c.health;
	bool young = result->start_ns - x->c.started < x->config.start_period;
	if (result->exit_code == 0) {
		x->record.head.streak = 0;
		return "healthy";
	}
	if (!strcmp(was, "starting") && young)
		return was;
	return ++x->record.head.streak >= x->config.retries ? "unhealthy" : was;
}

static int note_status(struct check *x, const char *status, struct err *e)
{
	struct db *db = &x->en->db;
	int r = db_begin(db, false, e);
	if (r < 0)
		return r;
	/* It may have ended meanwhile, and even run anew. */
	r = db_run(db, e,
		   "UPDATE container SET health = ?2 WHERE id = ?1 AND status = 'running' AND "
		   "started = ?3",
		   "ssi", x->c.id, status, x->c.started);
	if (r > 0)
		r = event_container(db, e, x->c.id,
				    arena_printf(&x->arena, "health_status: %s", status), NULL);
	return db_end(db, r, e);
}

/* Who stops it has the last word. */
static int is_to_run(struct engine *en, const struct container *c, struct err *e)
{
	CLEANUP_STMT sqlite3_stmt *s = NULL;
	return db_first(&en->db, &s, e,
			"SELECT 1 FROM container WHERE id = ?1 AND started = ?2 AND status = "
			"'running' AND NOT told & ?3",
			"sii", c->id, c->started, (int64_t)TOLD_STOPPING);
}

static int act(struct engine *en, const struct container *c, struct err *e)
{
	const char *action = c->config.hull.health_on_failure;
	struct stop_report report;
	if (!action || !strcmp(action, "none"))
		return 0;
	int r = is_to_run(en, c, e);
	if (r <= 0)
		return r;
	snprintf(en->asked_by, sizeof(en->asked_by), "%s", ASKED_BY_HEALTH);
	if (!strcmp(action, "restart"))
		return container_restart(en, c->id, 0, -2, e);
	if (!strcmp(action, "stop"))
		return container_stop(en, c->id, 0, -2, NULL, NULL, &report, e);
	return container_kill_unheld(en, c->id, e);
}

/* 0: healthy, 1: not. @ret_bad: it has become unhealthy just now. */
static int check_now(struct check *x, bool *ret_bad, struct err *e)
{
	struct health_result *result = arena_new(&x->arena, struct health_result);
	/* Until it is over nobody need look. */
	plan_next(x, x->config.timeout);
	x->record.head.checking = true;
	int r = write_record(x->run, &x->record, e);
	if (r < 0)
		return r;
	result->start_ns = clock_real_ns();
	r = execute(x, result, e);
	if (r < 0 && r != -ESRCH && r != -EBUSY && has_ended(x, e))
		r = err_set(e, ESRCH, ERR_CONFLICT, "container %s is not running", x->c.id);
	x->record.head.checking = false;
	plan_next(x, 0);
	if (r == -ESRCH || r == -EBUSY) { /* it has ended, or was paused: that says nothing */
		write_record(x->run, &x->record, e);
		return r;
	}
	if (r < 0) {
		result->exit_code = -1;
		result->len = (uint32_t)snprintf(result->output, OUTPUT_MAX, "%s", e->text);
	}
	result->end_ns = clock_real_ns();
	struct health_record *h = &x->record;
	if (h->head.count == LOG_MAX)
		memmove(&h->log[0], &h->log[1], (LOG_MAX - 1) * sizeof(h->log[0]));
	else
		h->head.count++;
	utf8_repair(result->output);
	h->log[h->head.count - 1] = *result;
	const char *status = judge(x, result);
	bool changed = strcmp(status, x->c.health);
	x->c.health = arena_strdup(&x->arena, status);
	plan_next(x, 0);
	r = write_record(x->run, h, e);
	if (r == 0 && changed)
		r = note_status(x, status, e);
	*ret_bad = changed && !strcmp(status, "unhealthy");
	return r < 0 ? r : result->exit_code != 0;
}

/* Under the lock: what the last one came to. */
static int read_status(struct check *x, struct err *e)
{
	CLEANUP_STMT sqlite3_stmt *s = NULL;
	int r = db_first(&x->en->db, &s, e, "SELECT health FROM container WHERE id = ?1", "s",
			 x->c.id);
	if (r > 0)
		x->c.health = arena_strdup(&x->arena, db_text(s, 0));
	return r;
}

/* 1: it is ours to check, and time; 0: not. */
static int check_open(struct check *x, const char *ref, bool by_hand, struct err *e)
{
	int r = container_find(x->en, ref, &x->arena, &x->c, e);
	if (r == 0)
		r = health_config(&x->c, &x->arena, &x->config, e);
	if (r == 0 && by_hand)
		r = err_set(e, ENOENT, ERR_CONFLICT, "container %s has no defined healthcheck",
			    x->c.name);
	if (r > 0 && !x->c.pid)
		r = by_hand ? err_set(e, ESRCH, ERR_CONFLICT, "container %s is not running",
				      x->c.id)
			    : 0;
	if (r <= 0)
		return r;
	x->run = health_run_folder(x->en, x->c.id);
	x->lock = x->run < 0 ? x->run
			     : openat(x->run, "checking", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (x->lock < 0)
		return err_errno(e, x->run < 0 ? x->run : errno, "container %s", x->c.name);
	if (TEMP_FAILURE_RETRY(flock(x->lock, LOCK_EX | (by_hand ? 0 : LOCK_NB))) < 0)
		return 0;
	health_record_read(x->run, &x->record);
	r = read_status(x, e);
	if (r <= 0)
		return r;
	return by_hand || x->record.head.checking || x->record.head.due_ms <= clock_ms() + EARLY_MS;
}

/* @ret_due: when the next one is; 0: somebody else knows. */
static int probe(struct engine *en, const char *ref, bool by_hand, int64_t *ret_due, struct err *e)
{
	CLEANUP(check_close) struct check x = {.en = en, .run = -1, .lock = -1};
	bool bad = false;
	*ret_due = 0;
	int r = check_open(&x, ref, by_hand, e);
	if (r <= 0)
		return r;
	if (x.c.status == CONTAINER_PAUSED && !by_hand) {
		plan_next(&x, 0);
		r = write_record(x.run, &x.record, e);
	} else {
		r = check_now(&x, &bad, e);
	}
	*ret_due = r < 0 && r != -EBUSY ? 0 : x.record.head.due_ms;
	fd_drop(&x.lock);
	if (r == -EBUSY && !by_hand)
		r = 0;
	if (!bad)
		return r;
	*ret_due = 0; /* if it runs anew, its keeper knows */
	int acted = act(en, &x.c, e);
	return acted < 0 ? acted : r;
}

int container_health_probe(struct engine *en, const char *ref, bool by_hand, struct err *e)
{
	int64_t due;
	en->checks_health = true;
	int r = probe(en, ref, by_hand, &due, e);
	return r > 0 && !by_hand ? 0 : r;
}

/* Until @due, or the end of the container: then 0. */
static int sleep_until(struct engine *en, const char *id, int64_t due)
{
	struct run_record run;
	if (run_record_read(en, id, &run) < 0)
		return 0;
	CLEANUP_FD int first = pidfd_of_started(run.pid, run.pid_start);
	struct pollfd p = {first, POLLIN, 0};
	for (int64_t left; first >= 0 && (left = due - clock_ms()) > 0;)
		if (poll(&p, 1, left > INT32_MAX ? INT32_MAX : (int)left) > 0)
			return 0;
	return first >= 0;
}

int container_health_follow(struct engine *en, const char *id, struct err *e)
{
	int64_t due;
	en->checks_health = true;
	int r = go_on_alone(en, e);
	if (r != 0)
		return r < 0 ? r : 0;
	/* One is enough; it may be late itself, as all are after the machine slept. */
	CLEANUP_FD int run = health_run_folder(en, id);
	CLEANUP_FD int lock =
		run < 0 ? -1 : openat(run, "following", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (lock < 0 || flock(lock, LOCK_EX | LOCK_NB) < 0)
		return 0;
	do {
		r = db_open(&en->db, en->root, e);
		if (r == 0)
			r = probe(en, id, false, &due, e);
		db_close(&en->db);
	} while (r >= 0 && due && sleep_until(en, id, due));
	return 0;
}
