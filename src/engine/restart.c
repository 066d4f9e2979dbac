/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Restart policies without a daemon. Whoever reaps a container asks its policy, notes when it is
 * due in the same transaction, and starts a process that waits for that time and starts it: a
 * moment of memory for each container that is down, none for those that run. If that process is
 * killed, the next command that looks finds the time past and starts another; two do no harm,
 * because the start compares the time under the container's lock. Policies and the back-off are
 * docker's: 100 ms, doubled each time up to a minute, anew after a run of ten seconds. Read reap.c
 * first.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/units.h"
#include "engine/internal.h"

enum { WAIT_FIRST_MS = 100, WAIT_MAX_MS = 60000, STEADY_S = 10, OVERDUE_S = 2, LOOK_MS = 2000 };
static const int64_t SECOND = 1000000000;

int restart_policy_check(const struct docker_restart_policy *p, struct err *e)
{
	static const char *const names[] = {"", "no", "always", "unless-stopped", "on-failure"};
	const char *name = p->name ? p->name : "";
	bool known = false, counts = !strcmp(name, "on-failure");
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		known |= !strcmp(names[i], name);
	if (!known)
		return err_set(e, EINVAL, ERR_INVALID,
			       "invalid restart policy: unknown policy '%s'; use one of 'no', "
			       "'always', 'on-failure', or 'unless-stopped'",
			       name);
	if (p->maximum_retry_count && !counts)
		return err_set(e, EINVAL, ERR_INVALID,
			       "invalid restart policy: maximum retry count can only be used with "
			       "'on-failure'");
	if (p->maximum_retry_count < 0)
		return err_set(e, EINVAL, ERR_INVALID,
			       "invalid restart policy: maximum retry count cannot be negative");
	return 0;
}

int restart_policy_parse(const char *text, struct arena *a, struct docker_restart_policy *ret,
			 struct err *e)
{
	const char *colon = strchr(text, ':');
	size_t len = colon ? (size_t)(colon - text) : strlen(text);
	uint64_t times = 0;
	*ret = (struct docker_restart_policy){.name = *text ? arena_strndup(a, text, len) : "no"};
	if (colon && uint_parse(colon + 1, INT32_MAX, &times) < 0)
		return err_set(
			e, EINVAL, ERR_INVALID,
			"invalid restart policy format: maximum retry count must be an integer "
			"(\"%s\")",
			text);
	ret->maximum_retry_count = (int64_t)times;
	return restart_policy_check(ret, e);
}

bool restart_policy_any(const struct docker_restart_policy *p)
{
	return p->name && *p->name && strcmp(p->name, "no");
}

static bool policy_is(const struct container *c, const char *name)
{
	const char *own = c->config.host.restart_policy.name;
	return own && !strcmp(own, name);
}

bool container_is_up(const struct container *c)
{
	return c->status == CONTAINER_RUNNING || c->status == CONTAINER_PAUSED ||
	       c->status == CONTAINER_RESTARTING;
}

bool restart_wanted(const struct container *c, int code, int64_t *ret_wait_ms)
{
	int64_t most = c->config.host.restart_policy.maximum_retry_count;
	bool wanted = policy_is(c, "always") || policy_is(c, "unless-stopped");
	if (policy_is(c, "on-failure"))
		wanted = code != 0 && (!most || c->restarts < most);
	if (!wanted || c->held)
		return false;
	bool steady = clock_real_ns() - c->started > STEADY_S * SECOND;
	int64_t wait = steady || !c->restart_wait ? WAIT_FIRST_MS : 2 * c->restart_wait;
	*ret_wait_ms = wait > WAIT_MAX_MS ? WAIT_MAX_MS : wait;
	return true;
}

int restart_hold(struct engine *en, const struct container *c, struct err *e)
{
	if (!restart_policy_any(&c->config.host.restart_policy))
		return 0;
	int r = db_change(&en->db, false, e,
			  "UPDATE container SET held = 1, restart_due = 0 WHERE id = ?1", "s",
			  c->id);
	return r < 0 ? r : 0;
}

void engine_spawn(const struct engine *en, const char *verb, const char *id, bool wait)
{
	char program[4096];
	posix_spawnattr_t attr;
	posix_spawn_file_actions_t files;
	sigset_t none, all;
	pid_t pid;
	char *const argv[] = {
		"hull",   "--root",     (char *)en->root, "--runroot", (char *)en->runroot,
		"system", (char *)verb, (char *)id,       NULL};
	if (snprintf(program, sizeof(program), "%s/hull", en->libexec) >= (int)sizeof(program))
		return;
	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
						POSIX_SPAWN_SETSID);
	posix_spawn_file_actions_init(&files);
	int r = 0;
	for (int fd = 0; r == 0 && fd <= 2; fd++)
		r = posix_spawn_file_actions_addopen(&files, fd, "/dev/null", O_RDWR, 0);
	if (r == 0 && posix_spawn(&pid, program, &files, &attr, argv, environ) == 0 && wait)
		TEMP_FAILURE_RETRY(waitpid(pid, NULL, 0));
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attr);
}

/* If it cannot be started now, the next command finds the time past. */
void restart_spawn(struct engine *en, const char *id)
{
	engine_spawn(en, "restart", id, true); /* it lets go of us at once */
}

void restart_check(struct engine *en, const struct container *c)
{
	if (c->status == CONTAINER_RESTARTING &&
	    clock_real_ns() > c->restart_due + OVERDUE_S * SECOND)
		restart_spawn(en, c->id);
}

int go_on_alone(struct engine *en, struct err *e)
{
	db_close(&en->db); /* it is not carried over a fork(2), nor held while we sleep */
	pid_t pid = fork();
	if (pid < 0)
		return err_errno(e, errno, "cannot wait in the background");
	if (pid == 0 && chdir("/") < 0)
		return err_errno(e, errno, "cannot leave the current folder");
	return pid > 0;
}

/* Is it to be started at @due still? Looks once and closes the store again. */
static int still_due(struct engine *en, const char *id, int64_t due, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	struct container c;
	int r = db_open(&en->db, en->root, e);
	if (r == 0)
		r = container_glance(en, id, &a, &c, e);
	db_close(&en->db);
	return r < 0 ? r : c.restart_due == due;
}

/* Never longer than the back-off, wherever the clock was set meanwhile; and no longer than somebody
 * wants it. 1: now, 0: not any more. */
static int sleep_until_due(struct engine *en, const struct container *c, struct err *e)
{
	int64_t left = (c->restart_due - clock_real_ns()) / 1000000 + 1;
	if (left > c->restart_wait)
		left = c->restart_wait;
	int r = 1;
	for (int64_t end = clock_ms() + left; r == 1 && (left = end - clock_ms()) > 0;) {
		poll(NULL, 0, left < LOOK_MS ? (int)left : LOOK_MS);
		if (left > LOOK_MS)
			r = still_due(en, c->id, c->restart_due, e);
	}
	return r;
}

int container_start_due(struct engine *en, const char *id, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	struct container c;
	int r = container_read(en, id, &a, &c, e);
	if (r < 0 || c.status != CONTAINER_RESTARTING)
		return r;
	r = go_on_alone(en, e);
	if (r != 0)
		return r < 0 ? r : 0;
	r = sleep_until_due(en, &c, e);
	if (r == 1 && (r = db_open(&en->db, en->root, e)) == 0)
		r = container_start_at(en, id, c.restart_due, e);
	return r == -EALREADY || r == -ENOENT ? 0 : r;
}

/* As its policy would after an end: also again, if it fails. */
static int start_stopped(struct engine *en, const struct container *c, struct err *e)
{
	int64_t due = clock_real_ns();
	int r = db_change(&en->db, false, e,
			  "UPDATE container SET held = 0, restarts = 0, restart_wait = 0, "
			  "restart_due = ?2 WHERE id = ?1 AND status = 'exited'",
			  "si", c->id, due);
	r = r < 0 ? r : container_start_at(en, c->id, due, e);
	return r == -EALREADY ? 0 : r;
}

int engine_restore(struct engine *en, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	struct container_filter all = {.all = true, .configs = CONFIGS_ALL};
	struct container *list;
	size_t count;
	/* Looking finds what went down with the machine, and its policy does the rest. */
	int r = container_list(en, &all, &a, &list, &count, e);
	for (size_t i = 0; r == 0 && i < count; i++) {
		struct err why;
		if (list[i].status == CONTAINER_EXITED && policy_is(&list[i], "always") &&
		    start_stopped(en, &list[i], &why) < 0)
			engine_warn(en, "%s", why.text);
	}
	return r;
}
