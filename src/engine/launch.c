/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Launching a container. The processes, in the order in which they are made:
 *
 *   hull --vfork--> keeper --vfork--> monitor --clone3--> first process of the container
 *
 * The keeper becomes a subreaper before it makes the monitor, so that it inherits the container if
 * the monitor dies; the monitor is the container's parent. Both run in our memory, while we wait
 * (linux/shared_child.h), and only as far as the execve of the small programs that they are; so the
 * container's first process is the only copy of ours. Then this process attaches the container to
 * its groups, releases it, waits for its execve, and opens the monitor's gate.
 *
 * Crash rules: the row says `running` before anything is made in the kernel; the run record is
 * written before the first instruction. The container ends if this process does before it is
 * released; a monitor whose gate is closed before its time goes by the run record: without one,
 * nothing ran, and it ends without a trace (monitor/main.c); with one, that one tells whether its
 * command was let go (RUN_UNRELEASED). Whoever is killed in between, reap.c sees how far it came.
 */
#include "engine/launch.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/file.h"
#include "engine/monitor.h"
#include "engine/mounts.h"
#include "engine/network.h"
#include "engine/proc_view.h"
#include "engine/root.h"
#include "engine/rootless.h"
#include "engine/run_folder.h"
#include "engine/spec.h"
#include "engine/user_network.h"
#include "linux/namespaces.h"
#include "linux/network_ahead.h"
#include "linux/pidfd.h"
#include "linux/shared_child.h"
#include "runtime/runtime.h"

enum { GONE_WAIT_MS = 5000 };

/* What the monitor-to-be tells once it has cloned: this, with pidfd and go_fd. */
struct birth {
	struct err e;
	pid_t pid;
};

/* Everything that the new processes inherit. The two that share our memory change nothing of it. */
struct launch {
	struct engine *en;
	struct container *c;
	struct arena a;
	struct spec_build build;
	struct container_net net;
	struct cgroup cgroup;
	struct systemd_scope scope; /* if it is one, with its holder */
	struct run_folder folder;
	struct runtime_start start;
	int root, init, attach, program, null, oom, memory;
	int netns; /* made beforehand, or -1 */
	struct network_ahead *network, own_network;
	const struct waiting_clients *waiting;
	struct container_end *end; /* for who waits, or NULL */
	int init_report[2], failure[2], keeper[2], gate[2];
};

static void launch_close(struct launch *l)
{
	int *const fds[] = {&l->root,       &l->init,       &l->program,        &l->null,
			    &l->oom,        &l->memory,     &l->init_report[0], &l->init_report[1],
			    &l->failure[0], &l->failure[1], &l->keeper[0],      &l->keeper[1],
			    &l->gate[0],    &l->gate[1],    &l->netns};
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		fd_drop(fds[i]);
	network_ahead_end(l->network);
	spec_close(&l->build);
	run_folder_close(&l->folder);
	cgroup_close(&l->cgroup);
	systemd_scope_release(&l->scope);
	arena_free(&l->a);
}

/* ---- preparing ---- */

/* --init-path, which is absolute; NULL: hull-init. */
static const char *foreign_init(const struct launch *l)
{
	const char *path = l->c->config.hull.init_path;
	return path && *path ? path : NULL;
}

/* The runtime executes it from a read-only mount: what a container finds as /proc/1/exe is this
 * file. */
static int open_init(struct launch *l, struct err *e)
{
	const struct docker_host_config *h = &l->c->config.host;
	if (!h->init.set || !h->init.value)
		return 0;
	const char *foreign = foreign_init(l);
	const char *path = foreign ?: arena_printf(&l->a, "%s/hull-init", l->en->libexec);
	l->init = open(path, O_PATH | O_CLOEXEC);
	if (l->init < 0)
		return err_errno(e, errno, "%s: cannot open %s", foreign ? "--init-path" : "--init",
				 path);
	if (foreign)
		return 0;
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
	return err_hint(e, "hull, hull-monitor, hull-init and hull-unpack belong into one folder");
}

static int make_cgroup(struct launch *l, struct err *e)
{
	const struct spec_build *b = &l->build;
	if (!container_has_group(&l->c->config))
		return 0;
	/* The rules are root's to give; in a user namespace nobody has more devices than he had. */
	size_t rules = namespace_caller_is_user() ? 0 : b->device_rule_count;
	int r = container_scope(l->c, &l->scope)
			? systemd_scope_make(&l->scope, &b->spec.annotations, &b->limits,
					     b->device_rules, rules, &l->cgroup, e)
			: cgroup_make(b->spec.linux_.cgroups_path, &b->limits, b->device_rules,
				      rules, &l->cgroup, e);
	if (r < 0)
		return r;
	l->oom = cgroup_oom_eventfd(&l->cgroup);
	l->memory = cgroup_oom_file(&l->cgroup);
	return 0;
}

static int make_sockets(struct launch *l, struct err *e)
{
	l->null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (l->null < 0)
		return err_errno(e, errno, "cannot open /dev/null");
	if (pipe2(l->failure, O_CLOEXEC) < 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, l->keeper) < 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, l->gate) < 0)
		return err_errno(e, errno, "cannot make a pipe");
	return 0;
}

static struct strv init_arguments(struct launch *l)
{
	const char *mode = l->c->config.hull.init_mode, *foreign = foreign_init(l);
	const char *grace = "10";
	const struct docker_config *c = &l->c->config.config;
	const char *signal = c->stop_signal && *c->stop_signal ? c->stop_signal : "TERM";
	struct strv args = {0};
	if (foreign) { /* no other init has options that all would know */
		strv_push(&l->a, &args, strrchr(foreign, '/') + 1);
		strv_push(&l->a, &args, "--");
		return args;
	}
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

static void plan_start(struct launch *l)
{
	struct strv *init_args = arena_new(&l->a, struct strv);
	*init_args = init_arguments(l);
	l->start = (struct runtime_start){
		.spec = &l->build.spec,
		.root_mount = l->root,
		.cgroup = container_has_group(&l->c->config) ? &l->cgroup : NULL,
		.seccomp = l->build.unconfined ? NULL : &l->build.seccomp,
		.stdio = {l->folder.stdin_read, l->folder.stdout_fd, l->folder.stderr_fd},
		.init_fd = l->init,
		.init_args = init_args,
		.init_report_fd = l->init_report[1],
		.error_fd = l->failure[1],
		.netns = network_ahead_wait(l->network),
	};
}

static int plan(struct launch *l, struct err *e)
{
	struct mount_point *mounts;
	int r = container_mounts(l->en, l->c, &l->a, &mounts, &l->build.mount_count, e);
	l->build.container = l->c;
	l->build.mounts = mounts;
	l->build.warn = l->en;
	return r < 0 ? r : spec_plan(l->en, &l->build, &l->a, e);
}

/* What carries a user's network must have a namespace before its owner can be looked at. */
static int make_netns(struct launch *l, struct err *e)
{
	struct oci_namespace *n = l->build.spec.linux_.namespaces.items;
	if (!user_network_is_mode(l->c->config.host.network_mode))
		return 0;
	l->netns = user_network_namespace(e);
	for (size_t i = 0; l->netns >= 0 && i < l->build.spec.linux_.namespaces.count; i++)
		if (!strcmp(n[i].type, "network"))
			n[i].path = arena_printf(&l->a, "/proc/self/fd/%d", l->netns);
	return l->netns < 0 ? l->netns : 0;
}

static void begin_network(struct launch *l)
{
	if (l->en->network_ahead)
		l->network = l->en->network_ahead;
	else
		network_ahead_begin(l->network);
	l->en->network_ahead = NULL;
}

static int prepare(struct launch *l, struct err *e)
{
	int r = open_monitor(l, e);
	if (r == 0 && runtime_takes_netns(&l->build.spec))
		begin_network(l);
	/* The group first of all: that begins the wait for a move, and it lasts no longer than what
	 * is done here meanwhile. */
	if (r == 0)
		r = make_cgroup(l, e);
	if (r == 0)
		r = container_net_reserve(l->en, l->c, &l->a, &l->net, e);
	if (r == 0)
		r = make_netns(l, e);
	if (r < 0)
		return r;
	l->build.net = &l->net;
	l->build.root_fd = l->root = root_mount(l->en, l->c, &l->a, e);
	if (l->root < 0)
		return l->root;
	r = run_folder_full(l->en, run_folder_make(l->en, l->c, &l->folder, e), e);
	if (r == 0)
		r = spec_finish(l->en, &l->build, &l->a, e);
	if (r == 0 && l->c->config.hull.proc_view)
		r = proc_view_begin(l->en, &l->build, l->cgroup.path, e);
	if (r == 0)
		r = open_init(l, e);
	if (r == 0)
		r = run_folder_full(l->en, monitor_config_write(l->en, l->c, &l->folder, e), e);
	if (r == 0)
		r = make_sockets(l, e);
	if (r == 0)
		plan_start(l);
	return r;
}

/* ---- in the new processes: our memory, their descriptors ---- */

static void become(const struct launch *l, const int fds[MONITOR_FD_COUNT], bool keeper)
{
	monitor_execute(l->program, l->null, fds, keeper, l->c->name, l->c->id);
}

/* The small program gets ready while the container sets itself up, and acts on nothing before the
 * gate opens. */
static void run_monitor(void *arg)
{
	const struct launch *l = arg;
	struct birth birth = {0};
	struct runtime_process p = {.pidfd = -1, .pty_fd = -1, .go_fd = -1};
	/* Held by the container's process, a killed starter's end of it would not close: both would
	 * wait for ever for a word that lies in it. */
	close(l->gate[0]);
	int r = runtime_clone(&l->start, &p, &birth.e);
	const int passed[] = {p.pidfd, p.go_fd};
	birth.pid = p.pid;
	if (fd_send(l->gate[1], &birth, sizeof(birth), passed, r < 0 ? 0 : 2) < 0 || r < 0)
		return;
	const int fds[MONITOR_FD_COUNT] = {l->folder.dir,
					   l->folder.config,
					   l->folder.control,
					   p.pidfd,
					   -1,
					   l->folder.stdin_write,
					   l->attach,
					   l->oom,
					   l->memory,
					   l->init_report[0],
					   l->keeper[1],
					   l->folder.stdout_fd,
					   l->folder.stderr_fd,
					   l->gate[1],
					   -1,
					   -1,
					   -1,
					   l->folder.log_fd};
	become(l, fds, false);
}

static void run_keeper(void *arg)
{
	const struct launch *l = arg;
	setsid();
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	pid_t monitor = shared_child(run_monitor, arg);
	if (monitor < 0) {
		struct birth none = {0};
		err_errno(&none.e, monitor, "cannot start the container's monitor");
		fd_send(l->gate[1], &none, sizeof(none), NULL, 0);
		return;
	}
	const int fds[MONITOR_FD_COUNT] = {l->folder.dir,
					   l->folder.config,
					   l->folder.control,
					   -1,
					   -1,
					   l->folder.stdin_write,
					   -1,
					   -1,
					   -1,
					   -1,
					   l->keeper[0],
					   l->folder.stdout_fd < 0 ? l->folder.terminal_fd
								   : l->folder.stdout_fd,
					   l->folder.stderr_fd,
					   -1,
					   db_hold_index(l->en->root_fd),
					   rootless_hold(l->en->run_fd),
					   l->folder.flight_fd,
					   -1};
	become(l, fds, true);
}

/* ---- and in ours ---- */

static int receive_birth(int from, struct runtime_process *ret, struct err *e)
{
	struct birth birth;
	int fds[2];
	ssize_t n = fd_recv(from, &birth, sizeof(birth), fds, 2);
	if (n < 0)
		return err_errno(e, (int)n, "the container's monitor cannot be heard");
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

static int write_run_record(struct launch *l, const struct runtime_process *p, struct err *e)
{
	struct run_record record = {.version = WIRE_VERSION,
				    .state = RUN_UNRELEASED,
				    .pid = p->pid,
				    .started_ns = clock_real_ns()};
	struct stat in;
	if (l->folder.stdin_read >= 0 && fstat(l->folder.stdin_read, &in) == 0)
		record.stdin_pipe = in.st_ino;
	int r = pidfd_start_time(p->pid, &record.pid_start);
	if (r < 0)
		return err_errno(e, r, "cannot read the container's start time");
	r = file_replace(l->folder.dir, "running", &record, sizeof(record), false, e);
	return run_folder_full(l->en, r, e);
}

/* From here on the container counts as one that ran, whatever becomes of us. */
static int note_release(const struct launch *l, struct err *e)
{
	int r = run_record_state(l->en, l->c->id, RUN_ON);
	return r < 0 ? err_errno(e, r, "cannot note that the container runs") : 0;
}

/* A terminal's master goes to the monitor at once: should this process be killed, it lives on. */
static int hand_over(struct launch *l, struct runtime_process *p, struct err *e)
{
	int r = fd_send(l->gate[0], "t", 1, &p->pty_fd, p->pty_fd >= 0 ? 1 : 0);
	if (r < 0)
		return err_errno(e, r, "the container's monitor was killed");
	fd_drop(&p->pty_fd);
	return 0;
}

static void write_config_json(const struct launch *l)
{
	CLEANUP_ARENA struct arena a = {0};
	struct oci_spec spec = l->build.spec;
	spec.process.env = (struct strv){0};
	strv_push_all(&a, &spec.process.env, &l->build.spec.process.env);
	for (size_t i = 0; i < l->build.secrets.count; i++) {
		const char *variable = l->build.secrets.items[i];
		strv_set_env(&a, &spec.process.env,
			     arena_printf(&a, "%.*s=***", (int)strcspn(variable, "="), variable));
	}
	char *text = shape_print(&oci_spec_shape, &spec, true, &a);
	CLEANUP_FD int fd = openat(l->folder.dir, "config.json",
				   O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	/* For people to read; nothing depends on it. */
	if (fd >= 0)
		fd_write_full(fd, text, strlen(text));
}

/* Take the newborn process to the first instruction of its command. */
static int bring_up(struct launch *l, struct runtime_process *p, struct err *e)
{
	int r = runtime_tend(&l->start, p, e);
	if (r == 0 && l->netns >= 0)
		r = user_network_start(l->en, l->c, &l->net, l->netns, e);
	else if (r == 0)
		r = container_net_attach(l->en, l->c, &l->net, p->pid, p->pidfd, e);
	if (r == 0)
		r = write_run_record(l, p, e);
	/* A monitor that dies before is noticed here; the keeper replaces one that dies later. */
	if (r == 0)
		r = hand_over(l, p, e);
	if (r == 0)
		r = note_release(l, e);
	if (r == 0)
		r = runtime_release(p, e);
	else
		fd_drop(&p->go_fd);
	if (r == 0)
		write_config_json(l); /* now, because the child takes longer than this */
	/* What the child says about its own failure is nearer to the cause. */
	struct err theirs;
	int exec = runtime_await_exec(l->failure[0], &theirs);
	if (exec < 0 && (r == 0 || theirs.kind != ERR_INTERNAL)) {
		*e = theirs;
		r = exec;
	}
	return r;
}

/* Nothing runs: nothing is there to keep, and there must be no record of an end. The closed gate
 * tells the monitor, and that one the keeper; both are gone when this returns. */
static void abandon(struct launch *l, pid_t keeper, const struct runtime_process *p)
{
	if (p->pidfd >= 0)
		pidfd_signal(p->pidfd, SIGKILL);
	unlinkat(l->folder.dir, "running", 0);
	shutdown(l->gate[0], SHUT_WR);
	struct pollfd monitor = {.fd = l->gate[0], .events = 0};
	poll(&monitor, 1, GONE_WAIT_MS);
	kill(keeper, SIGKILL);
	waitpid(keeper, NULL, 0);
}

/* Who may, may also unmount a tmpfs, which is busy while its monitor holds it, and mount what does
 * not answer. */
static bool may_mount(const struct launch *l)
{
	return l->build.unconfined || l->build.caps & UINT64_C(1) << CAP_SYS_ADMIN;
}

/* Who will wait asks first: a short command may be over before he could connect. Clients come
 * before the first byte of output: the monitor looks for them once the gate is open. */
static void open_gate(const struct launch *l, pid_t pid)
{
	struct err ignored;
	struct {
		char word;
		uint8_t numbers[TMPFS_MAX];
	} message = {.word = 'g'};
	int held[TMPFS_MAX];
	size_t count = 0;
	if (!may_mount(l))
		count = end_hold_tmpfs(l->en, l->c, pid, l->build.mounts, l->build.mount_count,
				       held, message.numbers);
	for (size_t i = 0; i < l->waiting->count; i++) {
		const struct waiting_client *w = &l->waiting->items[i];
		CLEANUP_FD int conn = monitor_connect(l->en->run_fd, l->c->id);
		if (conn >= 0)
			monitor_attach_begin(conn, w->stream, w->flags, &ignored);
	}
	if (l->end) {
		l->end->monitor = monitor_connect(l->en->run_fd, l->c->id);
		if (l->end->monitor >= 0 &&
		    monitor_wait_begin(l->end->monitor, WAIT_REAP, &ignored) < 0)
			fd_drop(&l->end->monitor);
	}
	/* A monitor that has died took the attached stream with it; the next one answers who waits.
	 */
	bool opened = fd_send(l->gate[0], &message, 1 + count, held, count) >= 0;
	for (size_t i = 0; i < count; i++)
		fd_drop(&held[i]);
	if (l->end)
		l->end->cut = !opened;
}

static int run(struct launch *l, struct err *e)
{
	struct runtime_process p = {.pidfd = -1, .pty_fd = -1, .go_fd = -1};
	/* Nothing of the container may read our memory through /proc/PID while it is set up. */
	prctl(PR_SET_DUMPABLE, 0);
	pid_t keeper = shared_child(run_keeper, l);
	if (keeper < 0)
		return err_errno(e, keeper, "cannot start the container's keeper");
	/* What only the children need: the pipe and the sockets must end when they do. */
	fd_drop(&l->failure[1]);
	fd_drop(&l->gate[1]);
	fd_drop(&l->init_report[1]);
	fd_drop(&l->keeper[0]);
	fd_drop(&l->keeper[1]);
	int r = receive_birth(l->gate[0], &p, e);
	if (r == 0 && l->en->at_birth)
		r = l->en->at_birth(&l->cgroup, l->build.caps, l->en->at_birth_ctx, e);
	if (r == 0)
		r = bring_up(l, &p, e);
	if (r == 0 && l->en->mounts_hold)
		*l->en->mounts_hold = pidfd_mounts(p.pidfd);
	if (r < 0)
		abandon(l, keeper, &p);
	else
		open_gate(l, p.pid);
	fd_drop(&p.pidfd);
	fd_drop(&p.pty_fd);
	return r;
}

int container_launch(struct engine *en, struct container *c, const struct spec_build *planned,
		     int attach_fd, const struct waiting_clients *waiting,
		     struct container_end *ret_end, struct err *e)
{
	struct launch l = {
		.en = en,
		.c = c,
		.cgroup = CGROUP_CLOSED,
		.scope = SYSTEMD_SCOPE_NONE,
		.folder = RUN_FOLDER_CLOSED,
		.root = -1,
		.init = -1,
		.attach = attach_fd,
		.waiting = waiting,
		.end = ret_end,
		.program = -1,
		.null = -1,
		.oom = -1,
		.memory = -1,
		.netns = -1,
		.own_network = NETWORK_AHEAD_NONE,
		.init_report = {-1, -1},
		.failure = {-1, -1},
		.keeper = {-1, -1},
		.gate = {-1, -1},
	};
	l.network = &l.own_network;
	if (planned)
		l.build = *planned;
	int r = planned ? 0 : plan(&l, e);
	if (r == 0)
		r = prepare(&l, e);
	if (r == 0)
		r = run(&l, e);
	launch_close(&l);
	return r;
}
