/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting a container. The processes that `hull run` makes, in order:
 *
 *   hull --fork--> keeper --fork--> monitor --clone3--> first process of the container
 *
 * The keeper becomes a subreaper before it forks, so that it inherits the container if the monitor
 * dies; the monitor is the container's parent. Both begin as copies of this process, which saves an
 * execve on the way to the container's first instruction. The monitor becomes the small program
 * hull-monitor as soon as it has cloned; the keeper attaches the container to its groups, releases
 * it, waits for its execve, tells this process one struct err over a pipe (number 0 when the
 * command runs), opens the monitor's gate, and becomes the small program, too. If the command
 * cannot run, both end without a trace.
 *
 * Crash rules: the row says `running` before anything is made in the kernel; the run record is
 * written before the first instruction. Whoever is killed in between, reap.c sees which of the two
 * is there.
 */
#include "engine/internal.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/units.h"
#include "engine/monitor.h"
#include "engine/monitor.h"
#include "engine/mounts.h"
#include "engine/root.h"
#include "engine/spec.h"
#include "engine/start.h"
#include "linux/pidfd.h"
#include "runtime/runtime.h"

/* Everything that the new processes inherit. */
struct launch {
	struct engine *en;
	struct container *c;
	struct arena a;
	struct spec_build build;
	struct cgroup cgroup;
	int run_dir, control, root, init, attach, program;
	int stdin_read, stdin_write, stdout_fd, stderr_fd, null;
	int oom, init_report[2], error[2], keeper[2];
};

static void launch_close(struct launch *l)
{
	int *fds[] = {&l->program,        &l->run_dir,    &l->control,     &l->root,
		      &l->init,           &l->stdin_read, &l->stdin_write, &l->stdout_fd,
		      &l->stderr_fd,      &l->null,       &l->oom,         &l->init_report[0],
		      &l->init_report[1], &l->error[0],   &l->error[1],    &l->keeper[0],
		      &l->keeper[1]};
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		fd_drop(fds[i]);
	cgroup_close(&l->cgroup);
	arena_free(&l->a);
}

/* ---- the run folder ---- */

int monitor_socket_make(int run_dir, struct err *e)
{
	/* Through /proc/self/fd: a socket's path has 108 bytes, --runroot may have more. */
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/control", run_dir);
	CLEANUP_FD int s = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	unlinkat(run_dir, "control", 0);
	if (s < 0 || bind(s, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(s, 128) < 0)
		return err_errno(e, errno, "cannot make the monitor's control socket");
	return fd_steal(&s);
}

static int open_fifo(int dir, const char *name, int flags, struct err *e)
{
	int fd = openat(dir, name, flags | O_CLOEXEC | O_NOFOLLOW);
	return fd >= 0 ? fd : err_errno(e, errno, "cannot open the %s FIFO", name);
}

static int make_fifos(struct launch *l, struct err *e)
{
	const struct docker_config *c = &l->c->config.config;
	static const char *const names[] = {"stdin", "stdout", "stderr"};
	l->null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (l->null < 0)
		return err_errno(e, errno, "cannot open /dev/null");
	if (c->tty)
		return 0;
	for (size_t i = c->open_stdin ? 0 : 1; i < ARRAY_LEN(names); i++)
		if (mkfifoat(l->run_dir, names[i], 0600) < 0)
			return err_errno(e, errno, "cannot make the %s FIFO", names[i]);
	/* Read-write: the container itself keeps its output open, whoever reads it or dies. */
	l->stdout_fd = open_fifo(l->run_dir, "stdout", O_RDWR, e);
	l->stderr_fd = l->stdout_fd < 0 ? -1 : open_fifo(l->run_dir, "stderr", O_RDWR, e);
	if (l->stderr_fd < 0)
		return -e->number;
	if (!c->open_stdin)
		return 0;
	/* A reader must be there before a writer can open: both ends, reader first. */
	l->stdin_read = open_fifo(l->run_dir, "stdin", O_RDONLY | O_NONBLOCK, e);
	l->stdin_write = l->stdin_read < 0 ? -1 : open_fifo(l->run_dir, "stdin", O_WRONLY, e);
	if (l->stdin_write < 0)
		return -e->number;
	return fcntl(l->stdin_read, F_SETFL, 0) < 0 ? err_errno(e, errno, "stdin FIFO") : 0;
}

static int log_options(const struct docker_log_config *log, struct monitor_config *m, struct err *e)
{
	static const char *const drivers[] = {[LOG_JSON_FILE] = "json-file",
					      [LOG_LOCAL] = "local",
					      [LOG_JOURNALD] = "journald",
					      [LOG_NONE] = "none"};
	const char *size = kvs_get(&log->config, "max-size");
	const char *file = kvs_get(&log->config, "max-file");
	const char *tag = kvs_get(&log->config, "tag");
	int64_t bytes = INT64_C(10) << 20;
	uint64_t files = 3;
	size_t driver = 0;
	while (driver < ARRAY_LEN(drivers) && strcmp(drivers[driver], log->type))
		driver++;
	if (driver == ARRAY_LEN(drivers)) {
		int r = err_set(e, EINVAL, ERR_INVALID, "unknown log driver: %s", log->type);
		err_hint(e, "known log drivers: json-file, local, journald, none");
		return r;
	}
	for (size_t i = 0; i < log->config.count; i++) {
		const char *key = log->config.items[i].key;
		if (strcmp(key, "max-size") && strcmp(key, "max-file") && strcmp(key, "tag"))
			return err_set(e, EINVAL, ERR_INVALID,
				       "unknown log opt '%s' for %s log driver", key, log->type);
	}
	if (size && (size_parse(size, &bytes) < 0 || bytes == 0))
		return err_set(e, EINVAL, ERR_INVALID, "log opt max-size: invalid size: '%s'",
			       size);
	if (file && (uint_parse(file, 1000, &files) < 0 || files < 1))
		return err_set(e, EINVAL, ERR_INVALID,
			       "log opt max-file: must be a number from 1 to 1000: '%s'", file);
	m->log_driver = (uint32_t)driver;
	m->log_max_size = bytes < 0 ? 0 : (uint64_t)bytes;
	m->log_max_file = (uint32_t)files;
	snprintf(m->log_tag, sizeof(m->log_tag), "%s", tag ? tag : "");
	return 0;
}

int log_options_check(const struct docker_log_config *log, struct err *e)
{
	struct monitor_config ignored;
	return log_options(log, &ignored, e);
}

static int write_monitor_config(struct launch *l, struct err *e)
{
	const struct container *c = l->c;
	struct monitor_config m = {
		.version = WIRE_VERSION,
		.tty = c->config.config.tty,
		.stdin_open = c->config.config.open_stdin,
		.stdin_once = c->config.config.stdin_once,
		.cgroup_version = l->cgroup.layout == CGROUP_V2 ? 2 : 1,
	};
	int r = log_options(&c->config.host.log_config, &m, e);
	if (r < 0)
		return r;
	snprintf(m.id, sizeof(m.id), "%s", c->id);
	snprintf(m.name, sizeof(m.name), "%s", c->name);
	snprintf(m.root, sizeof(m.root), "%s", l->en->root);
	snprintf(m.runroot, sizeof(m.runroot), "%s", l->en->runroot);
	snprintf(m.log_dir, sizeof(m.log_dir), "%s/containers/%s", l->en->root, c->id);
	snprintf(m.hull, sizeof(m.hull), "%s/hull", l->en->libexec);
	cgroup_memory_path(&l->cgroup, m.memory_cgroup, sizeof(m.memory_cgroup));
	return file_replace(l->run_dir, "monitor", &m, sizeof(m), false, e);
}

static int make_run_folder(struct launch *l, struct err *e)
{
	char path[sizeof("containers/") + ID_LEN];
	snprintf(path, sizeof(path), "containers/%s", l->c->id);
	int r = tree_remove(l->en->run_fd, path, e);
	if (r < 0)
		return r;
	if (mkdirat(l->en->run_fd, path, 0700) < 0)
		return err_errno(e, errno, "cannot make the run folder %s", path);
	l->run_dir = dir_open(l->en->run_fd, path, e);
	if (l->run_dir < 0)
		return l->run_dir;
	l->control = monitor_socket_make(l->run_dir, e);
	return l->control < 0 ? l->control : make_fifos(l, e);
}

/* ---- preparing ---- */

/* The runtime executes it from a read-only mount: what a container finds as /proc/1/exe is this
 * file. */
static int open_init(struct launch *l, struct err *e)
{
	const struct docker_host_config *h = &l->c->config.host;
	if (!h->init.set || !h->init.value)
		return 0;
	char *path = arena_printf(&l->a, "%s/hull-init", l->en->libexec);
	l->init = open(path, O_PATH | O_CLOEXEC);
	if (l->init < 0)
		return err_errno(e, errno, "--init: cannot open %s", path);
	if (pipe2(l->init_report, O_CLOEXEC | O_NONBLOCK) < 0)
		return err_errno(e, errno, "--init: cannot make a pipe");
	return 0;
}

/* Before anything runs: without it a container would have nobody to watch it. */
static int open_monitor(struct launch *l, struct err *e)
{
	char *path = arena_printf(&l->a, "%s/hull-monitor", l->en->libexec);
	l->program = open(path, O_PATH | O_CLOEXEC);
	if (l->program >= 0)
		return 0;
	err_errno(e, errno, "cannot open %s", path);
	err_hint(e, "hull, hull-monitor, hull-init and hull-unpack belong into one folder");
	return -e->number;
}

static int make_cgroup(struct launch *l, struct err *e)
{
	const struct spec_build *b = &l->build;
	int r = cgroup_make(b->spec.linux_.cgroups_path, &b->limits, b->device_rules,
			    b->device_rule_count, &l->cgroup, e);
	if (r < 0)
		return r;
	l->oom = cgroup_oom_eventfd(&l->cgroup);
	return 0;
}

static int prepare(struct launch *l, struct strv *warnings, struct err *e)
{
	struct mount_point *mounts;
	int r = container_mounts(l->en, l->c, &l->a, &mounts, &l->build.mount_count, e);
	if (r < 0)
		return r;
	l->build.container = l->c;
	l->build.mounts = mounts;
	l->build.warnings = warnings;
	/* The group first of all: making it takes the lock that a move holds while it waits. Then
	 * that wait begins in a child, and lasts no longer than what is done here meanwhile. */
	r = open_monitor(l, e);
	if (r == 0)
		r = spec_resources(&l->build, &l->a, e);
	if (r == 0)
		r = make_cgroup(l, e);
	if (r < 0)
		return r;
	cgroup_warm();
	l->build.root_fd = l->root = root_mount(l->en, l->c, &l->a, e);
	if (l->root < 0)
		return l->root;
	r = make_run_folder(l, e);
	if (r == 0)
		r = spec_build(l->en, &l->build, &l->a, e);
	if (r == 0)
		r = spec_seccomp(&l->build, &l->a, e);
	if (r == 0)
		r = open_init(l, e);
	if (r == 0)
		r = write_monitor_config(l, e);
	if (r == 0 && (pipe2(l->error, O_CLOEXEC) < 0 ||
		       socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, l->keeper) < 0))
		r = err_errno(e, errno, "cannot make a pipe");
	return r;
}

/* ---- in the new processes ---- */

/* Put @fds[i] at number MONITOR_RUN_FD + i without close-on-exec; close the rest. */
static void become_monitor(const struct launch *l, const int *fds, bool keeper)
{
	enum { COUNT = MONITOR_FD_END - MONITOR_RUN_FD, ABOVE = MONITOR_FD_END };
	int moved[COUNT];
	int program = fcntl(l->program, F_DUPFD_CLOEXEC, ABOVE);
	for (int i = 0; i < COUNT; i++)
		moved[i] = fds[i] < 0 ? -1 : fcntl(fds[i], F_DUPFD_CLOEXEC, ABOVE);
	/* Before the numbers above are given out anew: ours may be among them. */
	for (int i = 0; i < 3; i++)
		dup2(l->null, i);
	for (int i = 0; i < COUNT; i++) {
		if (moved[i] >= 0)
			dup3(moved[i], MONITOR_RUN_FD + i, 0);
		else
			close(MONITOR_RUN_FD + i);
	}
	char short_id[ID_SHORT_LEN + 1];
	snprintf(short_id, sizeof(short_id), "%s", l->c->id);
	char *const argv[] = {keeper ? "hull-keeper" : "hull-monitor", l->c->name, short_id, NULL};
	char *const env[] = {NULL};
	execveat(program, "", argv, env, AT_EMPTY_PATH);
	_exit(127);
}

/* Tell the process that the user started how it went. */
static void report(struct launch *l, const struct err *e)
{
	fd_write_full(l->error[1], e, sizeof(*e));
	fd_drop(&l->error[1]);
}

static int write_run_record(struct launch *l, const struct runtime_process *p, struct err *e)
{
	struct run_record record = {
		.version = WIRE_VERSION, .pid = p->pid, .started_ns = clock_real_ns()};
	int r = pidfd_start_time(p->pid, &record.pid_start);
	if (r < 0)
		return err_errno(e, r, "cannot read the container's start time");
	return file_replace(l->run_dir, "running", &record, sizeof(record), false, e);
}

static struct strv init_arguments(struct launch *l)
{
	const char *mode = l->c->config.hull.init_mode;
	const char *grace = "10";
	const struct docker_config *c = &l->c->config.config;
	const char *signal = c->stop_signal && *c->stop_signal ? c->stop_signal : "TERM";
	struct strv args = {0};
	if (c->stop_timeout.set && c->stop_timeout.value >= 0)
		grace = arena_printf(&l->a, "%lld", (long long)c->stop_timeout.value);
	const char *const words[] = {
		"hull-init",
		arena_printf(&l->a, "--forward=%s", mode && *mode ? mode : "auto"),
		arena_printf(&l->a, "--grace=%s", grace),
		arena_printf(&l->a, "--stop-signal=%s", signal),
		"--report-fd=3",
		"--"};
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		strv_push(&l->a, &args, words[i]);
	return args;
}

/* What the monitor-to-be tells the keeper-to-be once it has cloned: this, with pidfd and go_fd. */
struct birth {
	struct err e;
	pid_t pid;
};

/* Clone the container, tell the keeper, and turn into the small program at once: it gets ready
 * while the container sets itself up, and acts on nothing before the gate opens. */
static void __attribute__((noreturn))
run_monitor(struct launch *l, struct runtime_start *start, int gate)
{
	struct birth birth = {0};
	struct runtime_process p = {.pidfd = -1, .pty_fd = -1, .go_fd = -1};
	int r = runtime_clone(start, &p, &birth.e);
	const int passed[] = {p.pidfd, p.go_fd};
	birth.pid = p.pid;
	if (fd_send(gate, &birth, sizeof(birth), passed, r < 0 ? 0 : 2) < 0 || r < 0)
		_exit(1);
	const int fds[] = {l->run_dir,     l->control,   p.pidfd,      -1,
			   l->stdin_write, l->attach,    l->oom,       l->init_report[0],
			   l->keeper[1],   l->stdout_fd, l->stderr_fd, gate};
	become_monitor(l, fds, false);
	_exit(127);
}

static int receive_birth(int from, struct runtime_process *ret, struct err *e)
{
	struct birth birth;
	int fds[2];
	ssize_t n = fd_recv(from, &birth, sizeof(birth), fds, 2);
	if (n != sizeof(birth))
		return err_set(e, EIO, ERR_INTERNAL, "the container's monitor was killed");
	if (birth.e.number) {
		*e = birth.e;
		return -e->number;
	}
	*ret = (struct runtime_process){
		.pid = birth.pid, .pidfd = fds[0], .go_fd = fds[1], .pty_fd = -1};
	return 0;
}

/* Take the newborn process to the first instruction of its command. */
static int bring_up(struct launch *l, const struct runtime_start *start, int failure,
		    struct runtime_process *p, struct err *e)
{
	int r = runtime_tend(start, p, e);
	if (r == 0)
		r = write_run_record(l, p, e);
	if (r == 0)
		r = runtime_release(p, e);
	else
		fd_drop(&p->go_fd);
	/* What the child says about its own failure is nearer to the cause. */
	struct err theirs;
	int exec = runtime_await_exec(failure, &theirs);
	if (exec < 0 && (r == 0 || theirs.kind != ERR_INTERNAL)) {
		*e = theirs;
		r = exec;
	}
	return r;
}

/* Nothing runs: nothing is there to keep, and there must be no record of an end. */
static void __attribute__((noreturn))
abandon(struct launch *l, pid_t monitor, const struct runtime_process *p, const struct err *e)
{
	if (p->pidfd >= 0)
		pidfd_signal(p->pidfd, SIGKILL);
	if (monitor > 0) {
		kill(monitor, SIGKILL);
		waitpid(monitor, NULL, 0);
	}
	report(l, e);
	_exit(1);
}

/* Out of the way of the start: there is nothing to keep before the monitor's first message. */
static void __attribute__((noreturn)) become_keeper(struct launch *l)
{
	struct pollfd greeting = {.fd = l->keeper[0], .events = POLLIN};
	while (poll(&greeting, 1, -1) < 0 && errno == EINTR)
		;
	const int fds[] = {l->run_dir,   l->control, -1, -1, l->stdin_write, -1, -1, -1,
			   l->keeper[0], -1,         -1, -1};
	become_monitor(l, fds, true);
	_exit(127);
}

static void __attribute__((noreturn)) run_keeper(struct launch *l)
{
	struct err e = {0};
	struct runtime_process p = {.pidfd = -1, .pty_fd = -1, .go_fd = -1};
	struct strv init_args = init_arguments(l);
	int gate[2] = {-1, -1}, failure[2] = {-1, -1};
	pid_t monitor = -1;
	setsid();
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	fd_drop(&l->error[0]);
	if (pipe2(failure, O_CLOEXEC) == 0 &&
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, gate) == 0)
		monitor = fork();
	struct runtime_start start = {
		.spec = &l->build.spec,
		.root_mount = l->root,
		.cgroup = &l->cgroup,
		.seccomp = l->build.unconfined ? NULL : &l->build.seccomp,
		.stdio = {l->stdin_read, l->stdout_fd, l->stderr_fd},
		.init_fd = l->init,
		.init_args = &init_args,
		.init_report_fd = l->init_report[1],
		.error_fd = failure[1],
	};
	if (monitor == 0)
		run_monitor(l, &start, gate[1]);
	if (monitor < 0) {
		err_errno(&e, errno, "cannot start the container's monitor");
		abandon(l, -1, &p, &e);
	}
	fd_drop(&gate[1]);
	fd_drop(&failure[1]);
	fd_drop(&l->keeper[1]);
	fd_drop(&l->init_report[1]);
	if (receive_birth(gate[0], &p, &e) < 0 || bring_up(l, &start, failure[0], &p, &e) < 0)
		abandon(l, monitor, &p, &e);
	report(l, &e);
	fd_send(gate[0], "g", 1, &p.pty_fd, p.pty_fd >= 0 ? 1 : 0);
	become_keeper(l);
}

/* ---- and in ours ---- */

static int await_start(int fd, struct err *e)
{
	struct err theirs;
	ssize_t n = fd_read_full(fd, &theirs, sizeof(theirs));
	if (n != sizeof(theirs))
		return err_set(e, EIO, ERR_INTERNAL,
			       "the start was cut off: its process was killed");
	if (theirs.number == 0)
		return 0;
	*e = theirs;
	return -e->number;
}

static void write_config_json(const struct launch *l)
{
	CLEANUP_ARENA struct arena a = {0};
	char *text = shape_print(&oci_spec_shape, &l->build.spec, true, &a);
	CLEANUP_FD int fd = openat(l->run_dir, "config.json",
				   O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	/* For people to read; nothing depends on it. */
	if (fd >= 0)
		fd_write_full(fd, text, strlen(text));
}

static int launch_run(struct launch *l, struct strv *warnings, struct err *e)
{
	int r = prepare(l, warnings, e);
	if (r < 0)
		return r;
	/* Nothing of the container may read our memory through /proc/PID while it is set up. */
	prctl(PR_SET_DUMPABLE, 0);
	pid_t keeper = fork();
	if (keeper == 0)
		run_keeper(l);
	if (keeper < 0)
		return err_errno(e, errno, "cannot start the container's keeper");
	/* What only the children need is closed first: the pipe must end when they are done. */
	fd_drop(&l->error[1]);
	fd_drop(&l->init_report[1]);
	fd_drop(&l->keeper[0]);
	fd_drop(&l->keeper[1]);
	r = await_start(l->error[0], e);
	if (r == 0)
		write_config_json(l);
	/* After a failure the keeper is dead; reap it, whoever we are. */
	if (r < 0)
		waitpid(keeper, NULL, WNOHANG);
	return r;
}

static int set_status(struct engine *en, const struct container *c, const char *status,
		      int64_t started, int exit_code, const char *error, struct err *e)
{
	int r = db_begin(&en->db, !c->auto_remove, e);
	if (r < 0)
		return r;
	r = db_run(&en->db, e,
		   "UPDATE container SET status = ?2, started = ?3, exit_code = ?4, error = ?5, "
		   "exit_signal = 0, oom_killed = 0, oom_kills = 0 WHERE id = ?1",
		   "ssiis", c->id, status, started, (int64_t)exit_code, error);
	if (r >= 0)
		return db_commit(&en->db, e);
	db_rollback(&en->db);
	return r;
}

enum { FAILED_WAIT_MS = 5000 };

/* Undo what a failed start left in the kernel, and say in the store why it failed. */
static void failed(struct engine *en, const struct container *c, const struct err *why)
{
	struct err ignored;
	CLEANUP_ARENA struct arena a = {0};
	CLEANUP_CGROUP struct cgroup group = CGROUP_CLOSED;
	char path[sizeof("containers/") + ID_LEN];
	const char *cgroup = container_cgroup_path(c, &a);
	snprintf(path, sizeof(path), "containers/%s", c->id);
	if (cgroup_open(cgroup, &group, &ignored) == 0) {
		cgroup_kill(&group, &ignored);
		cgroup_wait_empty(&group, FAILED_WAIT_MS);
		cgroup_remove(cgroup, &ignored);
	}
	tree_remove(en->run_fd, path, &ignored);
	set_status(en, c, c->started ? "exited" : "created", c->started, err_exit_code(why->kind),
		   why->text, &ignored);
}

static int launch_container(struct engine *en, struct container *c, int attach_fd,
			    struct strv *warnings, struct err *e)
{
	struct launch l = {
		.en = en,
		.c = c,
		.program = -1,
		.run_dir = -1,
		.control = -1,
		.root = -1,
		.init = -1,
		.attach = attach_fd,
		.stdin_read = -1,
		.stdin_write = -1,
		.stdout_fd = -1,
		.stderr_fd = -1,
		.null = -1,
		.oom = -1,
		.init_report = {-1, -1},
		.error = {-1, -1},
		.keeper = {-1, -1},
		.cgroup = CGROUP_CLOSED,
	};
	int r = launch_run(&l, warnings, e);
	launch_close(&l);
	return r;
}

/* Under the container's lock nobody can remove it: either its monitor takes the question, or it has
 * written the exit record already. A monitor answers what waits in its socket before it ends. */
static void watch(struct engine *en, const char *id, struct container_end *ret)
{
	struct err ignored;
	*ret = (struct container_end){.monitor = monitor_connect(en->run_fd, id)};
	memcpy(ret->id, id, sizeof(ret->id));
	if (ret->monitor >= 0 && monitor_wait_begin(ret->monitor, &ignored) < 0)
		fd_drop(&ret->monitor);
	if (exit_record_read(en, id, &ret->record) == 0)
		fd_drop(&ret->monitor);
}

int container_ended(struct engine *en, struct container_end *end, int *ret_code, struct err *e)
{
	CLEANUP_FD int monitor = fd_steal(&end->monitor);
	int r = end->record.version ? 0 : -ENOENT;
	if (monitor >= 0)
		r = monitor_wait_end(monitor, &end->record, e);
	if (r < 0)
		r = exit_record_read(en, end->id, &end->record);
	if (r < 0) /* its monitor died: the container may still run */
		return container_wait(en, end->id, WAIT_NOT_RUNNING, ret_code, e);
	*ret_code = end->record.exit_code;
	return 0;
}

/* Find it, lock it, and put it down as running. */
static int take(struct engine *en, const char *ref, struct container_lock *lock, struct arena *a,
		struct container *ret, struct err *e)
{
	int r = container_find(en, ref, a, ret, e);
	if (r == 0)
		r = container_lock(en, ret->id, true, lock, e);
	/* Again under the lock: someone may have started or removed it meanwhile. */
	if (r == 0)
		r = reap_locked(en, ret->id, e);
	if (r == 0)
		r = container_read(en, ret->id, a, ret, e);
	if (r < 0)
		return r;
	if (ret->status == CONTAINER_RUNNING)
		return err_set(e, EALREADY, ERR_CONFLICT, "container %s is running already",
			       ret->name);
	return set_status(en, ret, "running", clock_real_ns(), 0, "", e);
}

/* It was created to be started: it is locked and put down as running already. */
static int take_created(struct engine *en, struct container_lock *lock, struct arena *a,
			struct container *ret, struct err *e)
{
	lock->fd = fd_steal(&en->starting_fd);
	int r = container_read(en, en->starting_id, a, ret, e);
	ret->started = 0;
	return r;
}

static int start(struct engine *en, const char *ref, int attach_fd, struct container_end *ret_end,
		 struct strv *warnings, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	CLEANUP_LOCK struct container_lock lock = {-1};
	struct container c;
	bool created = en->starting_fd >= 0 && !strcmp(ref, en->starting_id);
	int r = created ? take_created(en, &lock, &a, &c, e) : take(en, ref, &lock, &a, &c, e);
	if (r < 0)
		return r;
	r = launch_container(en, &c, attach_fd, warnings, e);
	if (r < 0)
		failed(en, &c, e);
	else if (ret_end)
		watch(en, c.id, ret_end);
	return r;
}

int container_start(struct engine *en, const char *ref, int attach_fd, struct strv *warnings,
		    struct err *e)
{
	return start(en, ref, attach_fd, NULL, warnings, e);
}

int container_start_watched(struct engine *en, const char *ref, int attach_fd,
			    struct container_end *ret, struct strv *warnings, struct err *e)
{
	return start(en, ref, attach_fd, ret, warnings, e);
}
