/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding containers and reading their rows. Invariant: container_find repairs what happened behind
 * our back before it answers; container_read does not. Read engine.h first, then reap.c.
 */
#include "engine/internal.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/units.h"
#include "engine/health.h"
#include "engine/monitor.h"
#include "engine/network.h"
#include "linux/cgroup.h"
#include "linux/namespaces.h"
#include "linux/pidfd.h"

static const char *const status_names[] = {
	[CONTAINER_CREATED] = "created", [CONTAINER_RUNNING] = "running",
	[CONTAINER_PAUSED] = "paused",   [CONTAINER_RESTARTING] = "restarting",
	[CONTAINER_EXITED] = "exited",   [CONTAINER_REMOVING] = "removing",
	[CONTAINER_DEAD] = "dead",
};

const char *container_status_name(enum container_status s)
{
	return status_names[s];
}

static enum container_status status_parse(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(status_names); i++)
		if (!strcmp(status_names[i], name))
			return (enum container_status)i;
	return CONTAINER_DEAD;
}

char *container_dir_path(const struct engine *en, const char *id, struct arena *a)
{
	return arena_printf(a, "%s/containers/%s", en->root, id);
}

bool container_scope(const struct container *c, struct systemd_scope *ret)
{
	char path[512];
	const char *parent = c->config.host.cgroup_parent;
	if (!parent || !systemd_is_slice(parent))
		return false;
	snprintf(path, sizeof(path), "%s:hull:%s", parent, c->id);
	return systemd_scope_name(path, c->id, ret, ERR_IGNORED) == 0;
}

bool container_has_group(const struct container_config *c)
{
	const char *parent = c->host.cgroup_parent;
	return (parent && *parent) || !namespace_caller_is_user();
}

char *container_user_parent(struct arena *a)
{
	char delegated[256];
	return cgroup_parent(delegated, sizeof(delegated), ERR_IGNORED) == 0
		       ? arena_strdup(a, delegated)
		       : "";
}

int container_group_renew(struct engine *en, struct container *c, struct arena *a, struct err *e)
{
	static const char own[] = "/hull"; /* how all end that were not asked for */
	char *parent = c->config.host.cgroup_parent;
	size_t len = parent ? strlen(parent) : 0, tail = sizeof(own) - 1;
	if (!namespace_caller_is_user() ||
	    (len && (len < tail || strcmp(parent + len - tail, own) != 0)))
		return 0;
	char *now = container_user_parent(a);
	if (!strcmp(parent ? parent : "", now))
		return 0;
	c->config.host.cgroup_parent = now;
	int r = db_change(&en->db, false, e, "UPDATE container SET config = ?2 WHERE id = ?1", "ss",
			  c->id, shape_print(&container_config_shape, &c->config, false, a));
	return r < 0 ? r : 0;
}

char *container_cgroup_path(const struct container *c, struct arena *a)
{
	const char *parent = c->config.host.cgroup_parent;
	struct systemd_scope scope;
	if (!container_has_group(&c->config))
		return "";
	if (container_scope(c, &scope))
		return arena_strdup(a, scope.group);
	if (!parent || !*parent)
		parent = "/hull";
	return arena_printf(a, "%s%s/%s", *parent == '/' ? "" : "/", parent, c->id);
}

int container_lock(struct engine *en, const char *id, bool wait, struct container_lock *ret,
		   struct err *e)
{
	char path[sizeof("containers/") + ID_LEN];
	snprintf(path, sizeof(path), "containers/%s", id);
	CLEANUP_FD int fd = openat(en->root_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return err_set(e, ENOENT, ERR_NOT_FOUND, "No such container: %s", id);
	if (fd < 0)
		return err_errno(e, errno, "container %.12s: cannot open its folder", id);
	int r = TEMP_FAILURE_RETRY(flock(fd, LOCK_EX | (wait ? 0 : LOCK_NB)));
	if (r < 0)
		return err_errno(e, errno, "container %.12s: cannot lock it", id);
	ret->fd = fd_steal(&fd);
	return 0;
}

void container_unlock(struct container_lock *l)
{
	/* Explicitly, because a monitor that was just forked may hold the same open folder still.
	 */
	if (l->fd >= 0)
		flock(l->fd, LOCK_UN);
	fd_drop(&l->fd);
}

/* @ret_locked: whether somebody holds a lock on it; or NULL. */
static int read_record(int dirfd, const char *path, void *record, size_t size, bool *ret_locked)
{
	CLEANUP_FD int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	ssize_t n = fd_read_full(fd, record, size);
	if (n < 0)
		return (int)n;
	if (ret_locked)
		*ret_locked = flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
	return (size_t)n == size ? 0 : -EBADMSG;
}

static int read_run_record(struct engine *en, const char *id, struct run_record *ret,
			   bool *ret_watched)
{
	char path[sizeof("containers//running") + ID_LEN];
	snprintf(path, sizeof(path), "containers/%s/running", id);
	int r = read_record(en->run_fd, path, ret, sizeof(*ret), ret_watched);
	return r == 0 && (ret->version != WIRE_VERSION || ret->pid <= 0) ? -EBADMSG : r;
}

int run_record_read(struct engine *en, const char *id, struct run_record *ret)
{
	return read_run_record(en, id, ret, NULL);
}

int run_record_state(struct engine *en, const char *id, enum run_state state)
{
	const uint16_t word = state;
	char path[sizeof("containers//running") + ID_LEN];
	snprintf(path, sizeof(path), "containers/%s/running", id);
	CLEANUP_FD int fd = openat(en->run_fd, path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t n =
		fd < 0 ? -1 : pwrite(fd, &word, sizeof(word), offsetof(struct run_record, state));
	return n < 0 ? -errno : 0;
}

int exit_record_read(struct engine *en, const char *id, struct exit_record *ret)
{
	char path[sizeof("exits/") + ID_LEN];
	snprintf(path, sizeof(path), "exits/%s", id);
	int r = read_record(en->run_fd, path, ret, sizeof(*ret), NULL);
	return r == 0 && !exit_record_check(ret) ? -EBADMSG : r;
}

bool exit_record_pending(struct engine *en, const char *id)
{
	char path[sizeof("exits/") + ID_LEN];
	snprintf(path, sizeof(path), "exits/%s", id);
	return file_exists(en->run_fd, path);
}

int run_record_alive(const struct run_record *r)
{
	CLEANUP_FD int pidfd = pidfd_of_started(r->pid, r->pid_start);
	if (pidfd < 0)
		return pidfd == -ESRCH ? 0 : pidfd;
	int ended = pidfd_has_ended(pidfd);
	return ended < 0 ? ended : !ended;
}

int run_record_problem(struct engine *en, const struct container *c, int number, struct err *e)
{
	if (number != -EBADMSG)
		return err_errno(e, number, "container %s: cannot see whether it runs", c->name);
	err_set(e, EBADMSG, ERR_INTERNAL, "container %s: %s/containers/%s/running is damaged",
		c->name, en->runroot, c->id);
	return err_hint(e, "hull rm -f %s ends its processes and removes it", c->name);
}

/* @ret_watched: whether its monitor is there; of false nothing may be concluded. */
static int probe(struct engine *en, struct container *c, bool *ret_watched, struct err *e)
{
	struct run_record record;
	c->pid = 0;
	if (c->status != CONTAINER_RUNNING)
		return 0;
	int r = read_run_record(en, c->id, &record, ret_watched);
	if (r == -ENOENT || (r == 0 && kill(record.pid, 0) < 0 && errno == ESRCH))
		return 0;
	if (r < 0)
		return run_record_problem(en, c, r, e);
	c->pid = record.pid;
	c->pid_start = record.pid_start;
	if (record.state == RUN_PAUSED)
		c->status = CONTAINER_PAUSED;
	return 0;
}

int container_probe(struct engine *en, struct container *c, struct err *e)
{
	return probe(en, c, NULL, e);
}

/* @config: where it is read from. It is long: a list of all takes twice the time over it. */
#define COLUMNS(config)                                                                            \
	"id, name, image, image_name, command, " config ", labels, created, status, auto_remove, " \
	"started, finished, exit_code, exit_signal, oom_killed, oom_kills, error, restarts, "      \
	"restart_wait, restart_due, health, hint"

/* Its config may be the whole one, or what is shown of it, or nothing. @last: see
 * shape_parse_next(). */
static int row_read(sqlite3_stmt *s, struct shape_last *last, struct arena *a, struct container *c,
		    struct err *e)
{
	const char *image = db_text(s, 2), *config = db_text(s, 5), *labels = db_text(s, 6);
	*c = (struct container){
		.name = arena_strdup(a, db_text(s, 1)),
		.image_id = image ? arena_strdup(a, image) : NULL,
		.image_name = arena_strdup(a, db_text(s, 3)),
		.command = arena_strdup(a, db_text(s, 4)),
		.created = db_int(s, 7),
		.status = status_parse(db_text(s, 8)),
		.auto_remove = db_int(s, 9),
		.started = db_int(s, 10),
		.finished = db_int(s, 11),
		.exit_code = (int)db_int(s, 12),
		.exit_signal = (int)db_int(s, 13),
		.oom_killed = db_int(s, 14) != 0,
		.oom_first = db_int(s, 14) == OOM_OF_FIRST,
		.oom_kills = db_int(s, 15),
		.error = arena_strdup(a, db_text(s, 16)),
		.restarts = db_int(s, 17),
		.restart_wait = db_int(s, 18),
		.restart_due = db_int(s, 19),
		.health = arena_strdup(a, db_text(s, 20)),
		.hint = arena_strdup(a, db_text(s, 21)),
	};
	if (c->restart_due && c->status == CONTAINER_EXITED)
		c->status = CONTAINER_RESTARTING;
	snprintf(c->id, sizeof(c->id), "%s", db_text(s, 0));
	int r = strcmp(labels, "{}") ? kvs_parse(labels, &c->labels, a, e) : 0;
	if (r == 0 && config)
		r = shape_parse_next(&container_config_shape, config, last, &c->config, a, e);
	if (r == 0)
		return 0;
	e->number = EBADMSG;
	err_hint(e, "hull rm -f %s ends its processes and removes it", c->name);
	return err_context(e, "container %s: its record is damaged", c->name);
}

/* @query: with the COLUMNS, of the one that ?1, @ref, is. Returns 1, 0: none, or negative errno. */
static int row_find(struct engine *en, const char *query, const char *ref, struct arena *a,
		    struct container *ret, struct err *e)
{
	CLEANUP_STMT sqlite3_stmt *s = NULL;
	int r = db_first(&en->db, &s, e, query, "s", ref);
	if (r == 1 && (r = row_read(s, NULL, a, ret, e)) == 0)
		r = 1;
	return r;
}

int container_read(struct engine *en, const char *id, struct arena *a, struct container *ret,
		   struct err *e)
{
	int r = row_find(en, "SELECT " COLUMNS("config") " FROM container WHERE id = ?1", id, a,
			 ret, e);
	if (r == 0)
		return err_set(e, ENOENT, ERR_NOT_FOUND, "No such container: %s", id);
	return r < 0 ? r : 0;
}

static const char GLANCE[] =
	"SELECT name, status, auto_remove, iif(json_valid(config), config ->> "
	"'$.HostConfig.CgroupParent', NULL), iif(NOT auto_remove AND "
	"json_valid(config), config ->> '$.HostConfig.RestartPolicy.Name', NULL), "
	"restarts, restart_wait, restart_due, started, held, iif(NOT auto_remove "
	"AND json_valid(config), config ->> "
	"'$.HostConfig.RestartPolicy.MaximumRetryCount', 0), told, EXISTS (SELECT 1 "
	"FROM endpoint WHERE container = ?1), oom_kills, iif(json_valid(config), config ->> "
	"'$.HostConfig.Init', 0) FROM container WHERE id = ?1";

void container_expect_glance(struct engine *en)
{
	db_expect(&en->db, GLANCE);
}

int container_glance(struct engine *en, const char *id, struct arena *a, struct container *ret,
		     struct err *e)
{
	CLEANUP_STMT sqlite3_stmt *s = NULL;
	int r = db_first(&en->db, &s, e, GLANCE, "s", id);
	if (r < 0)
		return r;
	if (r == 0)
		return err_set(e, ENOENT, ERR_NOT_FOUND, "No such container: %s", id);
	const char *parent = db_text(s, 3), *policy = db_text(s, 4);
	*ret = (struct container){
		.name = arena_strdup(a, db_text(s, 0)),
		.status = status_parse(db_text(s, 1)),
		.auto_remove = db_int(s, 2),
		.config.host.cgroup_parent = parent ? arena_strdup(a, parent) : NULL,
		.config.host.restart_policy = {.name = policy ? arena_strdup(a, policy) : NULL,
					       .maximum_retry_count = db_int(s, 10)},
		.restarts = db_int(s, 5),
		.restart_wait = db_int(s, 6),
		.restart_due = db_int(s, 7),
		.started = db_int(s, 8),
		.held = db_int(s, 9),
		.told = (unsigned)db_int(s, 11),
		.networked = db_int(s, 12),
		.oom_kills = db_int(s, 13),
		.config.host.init = {.set = true, .value = db_int(s, 14)},
	};
	snprintf(ret->id, sizeof(ret->id), "%s", id);
	return 0;
}

/* @ref is no whole id or name: a prefix that only one id has. */
static int resolve_prefix(struct engine *en, const char *ref, char ret_id[ID_LEN + 1],
			  struct err *e)
{
	CLEANUP_STMT sqlite3_stmt *prefix = NULL;
	int r = 0, found = 0;
	size_t len = strlen(ref);
	if (id_is_hex(ref, len)) {
		char end[ID_LEN + 2];
		snprintf(end, sizeof(end), "%sg", ref); /* 'g' sorts after every hex digit */
		r = db_query(&en->db, &prefix, e,
			     "SELECT id FROM container WHERE id >= ?1 AND id < ?2 LIMIT 2", "ss",
			     ref, end);
		while (r >= 0 && (r = db_next(prefix, e)) == 1 && ++found == 1)
			snprintf(ret_id, ID_LEN + 1, "%s", db_text(prefix, 0));
	}
	if (r < 0)
		return r;
	if (found > 1)
		return err_set(e, ENOTUNIQ, ERR_INVALID,
			       "Multiple IDs found with provided prefix: %s", ref);
	if (!found) {
		err_set(e, ENOENT, ERR_NOT_FOUND, "No such container: %s", ref);
		return err_hint(e, "hull ps -a lists all containers");
	}
	return 0;
}

int container_resolve(struct engine *en, const char *ref, char ret_id[ID_LEN + 1], struct err *e)
{
	CLEANUP_STMT sqlite3_stmt *exact = NULL;
	if (*ref == '/')
		ref++;
	int r = db_first(&en->db, &exact, e, "SELECT id FROM container WHERE id = ?1 OR name = ?1",
			 "s", ref);
	if (r == 1)
		snprintf(ret_id, ID_LEN + 1, "%s", db_text(exact, 0));
	if (r != 0)
		return r < 0 ? r : 0;
	return resolve_prefix(en, ref, ret_id, e);
}

/* The usual one, a whole name or id, is found and read by one statement. */
static int read_by_ref(struct engine *en, const char *ref, struct arena *a, struct container *ret,
		       struct err *e)
{
	char id[ID_LEN + 1];
	if (*ref == '/')
		ref++;
	int r = row_find(en,
			 "SELECT " COLUMNS("config") " FROM container WHERE id = ?1 OR name = ?1",
			 ref, a, ret, e);
	if (r == 0 && (r = resolve_prefix(en, ref, id, e)) == 0)
		return container_read(en, id, a, ret, e);
	return r < 0 ? r : 0;
}

/* How it ended, when the store was not told: its disk may be full. */
static bool show_record(struct engine *en, struct container *c)
{
	struct exit_record x;
	if (exit_record_read(en, c->id, &x) < 0)
		return false;
	c->status = CONTAINER_EXITED;
	c->pid = 0;
	c->finished = x.finished_ns;
	c->exit_code = x.exit_code;
	c->exit_signal = x.signal;
	return true;
}

int container_find(struct engine *en, const char *ref, struct arena *a, struct container *ret,
		   struct err *e)
{
	char id[ID_LEN + 1];
	int r = read_by_ref(en, ref, a, ret, e);
	if (r < 0)
		return r;
	memcpy(id, ret->id, sizeof(id));
	restart_check(en, ret);
	if (ret->status != CONTAINER_RUNNING && ret->status != CONTAINER_REMOVING)
		return 0;
	struct run_record record;
	bool alive = ret->status == CONTAINER_RUNNING && !exit_record_pending(en, id) &&
		     run_record_read(en, id, &record) == 0 && run_record_alive(&record) == 1;
	if (!alive) {
		r = engine_reap(en, id, e);
		if ((r == -ENOSPC || r == -EROFS) && show_record(en, ret))
			return 0;
		if (r < 0 || (r = container_read(en, id, a, ret, e)) < 0)
			return r;
	}
	r = container_probe(en, ret, e);
	/* It ended since the first look: how, the row that was read does not say. */
	if (r == 0 && alive && !ret->pid && (r = engine_reap(en, id, e)) >= 0 &&
	    (r = container_read(en, id, a, ret, e)) == 0)
		r = container_probe(en, ret, e);
	if (r == 0 && ret->pid)
		container_adopt_orphan(en, ret);
	if (r == 0)
		health_check(en, ret);
	return r;
}

int container_find_locked(struct engine *en, const char *ref, struct arena *a,
			  struct container_lock *lock, struct container *ret, struct err *e)
{
	int r = container_find(en, ref, a, ret, e);
	if (r == 0)
		r = container_lock(en, ret->id, true, lock, e);
	/* Again under the lock: someone may have started or removed it meanwhile. */
	if (r == 0)
		r = reap_locked(en, ret->id, e);
	if (r == 0)
		r = container_read(en, ret->id, a, ret, e);
	return r < 0 ? r : container_probe(en, ret, e);
}

/* ---- lists ---- */

/* @all: wait for those that another command is at, too. */
static int settle(struct engine *en, bool all, struct err *e)
{
	engine_make_room(en);
	CLEANUP_FD int fd = openat(en->run_fd, "exits", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(e, errno, "cannot read the exit records");
	CLEANUP_DIR DIR *d = fdopendir(fd);
	if (!d)
		return err_errno(e, errno, "cannot read the exit records");
	fd_steal(&fd);
	struct dirent *entry;
	while ((entry = readdir(d))) {
		if (strlen(entry->d_name) == ID_LEN && id_is_hex(entry->d_name, ID_LEN))
			(all ? engine_reap : reap_unless_busy)(en, entry->d_name, ERR_IGNORED);
	}
	return 0;
}

int engine_settle(struct engine *en, struct err *e)
{
	return settle(en, true, e);
}

/* Another command is at it, and is not waited for. Where that begins a run, it is what it was
 * before until there is a process; where it notes an end, it is what it was until that is known.
 * The row is read after the records, since who notes an end drops them last. False: it is gone, or
 * about to be.
 */
static bool show_busy(struct engine *en, struct container *c, struct arena *a)
{
	struct err ignored;
	struct run_record run;
	if (show_record(en, c))
		return !c->auto_remove;
	bool begins = run_record_read(en, c->id, &run) == -ENOENT;
	if (container_read(en, c->id, a, c, &ignored) < 0)
		return false;
	if (c->status == CONTAINER_RUNNING && begins)
		c->status = c->finished ? CONTAINER_EXITED : CONTAINER_CREATED;
	container_probe(en, c, &ignored);
	return c->status != CONTAINER_REMOVING;
}

/* Bring a row up to date that says `running`. False: it is gone, or about to be. */
static bool refresh(struct engine *en, struct container *c, bool wait, struct arena *a)
{
	struct err ignored;
	bool watched = false;
	if (probe(en, c, &watched, &ignored) < 0)
		return true; /* nothing may be concluded */
	if (c->pid) {
		if (!watched)
			container_adopt_orphan(en, c);
		health_check(en, c);
		return true;
	}
	/* It ended and nobody recorded it, or its start was cut off: put it right. */
	int r = (wait ? engine_reap : reap_unless_busy)(en, c->id, &ignored);
	if (r == 1)
		return show_busy(en, c, a);
	if (r < 0) {
		show_record(en, c);
		return true;
	}
	if (container_read(en, c->id, a, c, &ignored) < 0)
		return false;
	container_probe(en, c, &ignored);
	return true;
}

int container_list(struct engine *en, const struct container_filter *f, struct arena *a,
		   struct container **ret, size_t *ret_count, struct err *e)
{
#define LIST(config)                                                                               \
	"SELECT " COLUMNS(config) " FROM container WHERE ?1 OR status = 'running' OR "             \
				  "restart_due ORDER BY created DESC, rowid DESC"
	static const char *const queries[] = {
		[CONFIGS_NONE] = LIST("NULL"),
		[CONFIGS_PORTS] = LIST("iif(instr(shown, 'ExposedPorts'), shown, NULL)"),
		[CONFIGS_LISTED] = LIST("nullif(shown, '')"),
		[CONFIGS_ALL] = LIST("config")};
	CLEANUP_STMT sqlite3_stmt *s = NULL;
	int r = settle(en, f->settled, e);
	if (r == 0)
		r = container_filter_check(en, &f->filters, e);
	bool all = f->all || f->last > 0 || filters_have(&f->filters, "status") ||
		   filters_have(&f->filters, "exited");
	if (r >= 0)
		r = db_query(&en->db, &s, e, queries[f->configs], "i", (int64_t)all);
	struct container *list = NULL;
	struct shape_last last = {0};
	size_t count = 0, room = 0;
	while (r >= 0 && (r = db_next(s, e)) == 1) {
		if (f->last > 0 && count >= (size_t)f->last)
			break;
		list = arena_grow(a, list, count, &room, sizeof(*list));
		struct container *c = &list[count];
		if (row_read(s, &last, a, c, e) < 0) {
			engine_warn(en, "%s (%s)", e->text, e->hint);
			continue;
		}
		/* A removal that was cut off, or goes on: finish it, and do not show it. */
		if (c->status == CONTAINER_REMOVING &&
		    (f->settled ? engine_reap : reap_unless_busy)(en, c->id, e) >= 0)
			continue;
		restart_check(en, c);
		if (c->status == CONTAINER_RUNNING) {
			if (!refresh(en, c, f->settled, a))
				continue;
			if (!all && !container_is_up(c))
				continue;
		}
		if (container_filter_matches(en, c, &f->filters))
			count++;
	}
	if (r >= 0 && (f->configs == CONFIGS_PORTS || f->configs == CONFIGS_LISTED))
		r = ports_fill(en, list, count, a, e);
	if (r >= 0 && f->configs == CONFIGS_LISTED)
		r = endpoints_fill(en, list, count, a, e);
	if (r < 0)
		return r;
	*ret = list;
	*ret_count = count;
	return 0;
}
