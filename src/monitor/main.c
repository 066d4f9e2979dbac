/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Start and end of hull-monitor: clean up what was inherited, read the configuration, find the
 * container (given by descriptors, or adopted by its run record), give up all rights, run the loop.
 * Started as "hull-keeper" it is the keeper. Read monitor.h first.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "linux/pidfd.h"
#include "monitor/monitor.h"
#include "monitor/start.h"

static void fix_stdio(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int fd = 0; fd <= 2 && null >= 0; fd++)
		if (null != fd)
			dup2(null, fd);
	if (null > 2)
		close(null);
}

/* Best effort: without CAP_SYS_RESOURCE only a value above the inherited one is accepted. */
static void avoid_oom_killer(void)
{
	CLEANUP_FD int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	if (fd >= 0 && write(fd, "-999", 4) < 0)
		return;
}

static void shed_inheritance(void)
{
	static const int ignored[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGTERM, SIGPIPE, SIGALRM, SIGUSR1,
				      SIGUSR2, SIGTSTP, SIGTTIN, SIGTTOU, SIGXFSZ, SIGXCPU, SIGIO};
	sigset_t none;
	sigemptyset(&none);
	for (size_t i = 0; i < ARRAY_LEN(ignored); i++)
		signal(ignored[i], SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	umask(077);
	if (chdir("/") < 0)
		_exit(1);
	for (int fd = MONITOR_RUN_FD; fd < MONITOR_FD_END; fd++)
		fcntl(fd, F_SETFD, FD_CLOEXEC);
	close_range(MONITOR_FD_END, ~0U, 0);
	fix_stdio();
	avoid_oom_killer();
}

static int inherited(int fd)
{
	return fd_is_open(fd) ? fd : -1;
}

/* All at once, and first: a number that is free now is soon taken by something else. */
static void take_descriptors(struct monitor *m)
{
	m->run_fd = MONITOR_RUN_FD;
	m->control_fd = inherited(MONITOR_CONTROL_FD);
	m->pidfd = inherited(MONITOR_PIDFD_FD);
	m->pty_fd = inherited(MONITOR_PTY_FD);
	m->stdin_fd = inherited(MONITOR_STDIN_FD);
	m->first_client = inherited(MONITOR_ATTACH_FD);
	m->held_streams[0] = inherited(MONITOR_STDOUT_FD);
	m->held_streams[1] = inherited(MONITOR_STDERR_FD);
	m->oom_fd = inherited(MONITOR_OOM_FD);
	m->memory_fd = inherited(MONITOR_MEMORY_FD);
	m->init_fd = inherited(MONITOR_INIT_FD);
	m->keeper_fd = inherited(MONITOR_KEEPER_FD);
	m->gate_fd = inherited(MONITOR_GATE_FD);
	m->log_fd = inherited(MONITOR_LOG_FD);
	for (size_t i = 0; i < TMPFS_MAX; i++)
		m->tmpfs_fds[i] = -1;
}

static bool is_pipe(const struct stat *st, uint64_t inode)
{
	return S_ISFIFO(st->st_mode) && st->st_ino == inode;
}

/* The write end of the container's stdin, from the container; -1 when that is something else now.
 */
static int stdin_again(const struct run_record *run)
{
	char path[32];
	struct stat st;
	snprintf(path, sizeof(path), "/proc/%u/fd/0", (unsigned)run->pid);
	/* Looked at before, since opening is no small thing for a terminal, and after. */
	if (fstatat(AT_FDCWD, path, &st, 0) < 0 || !is_pipe(&st, run->stdin_pipe))
		return -1;
	CLEANUP_FD int fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	return fd >= 0 && fstat(fd, &st) == 0 && is_pipe(&st, run->stdin_pipe) ? fd_steal(&fd) : -1;
}

static ssize_t read_run_record(const struct monitor *m, struct run_record *ret)
{
	CLEANUP_FD int fd = openat(m->run_fd, "running", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd_read_full(fd, ret, sizeof(*ret));
}

/* Without a pidfd: the container that the run record names, if it still is that one. A failure to
 * look does not mean that it ended: the next monitor may see more. */
static int adopt(struct monitor *m, const struct monitor_config *c)
{
	struct run_record run;
	ssize_t n = read_run_record(m, &run);
	if (n == (ssize_t)sizeof(run) && run.version == WIRE_VERSION)
		n = m->pidfd = pidfd_of_started(run.pid, run.pid_start);
	if (n < 0 && n != -ENOENT && n != -ESRCH)
		return (int)n;
	if (m->pidfd >= 0 && c->stdin_open && !c->tty && m->stdin_fd < 0)
		m->stdin_fd = stdin_again(&run);
	if (c->tty)
		strcpy(m->record.error,
		       "its terminal was lost: every process that held it was killed");
	return 0;
}

/* One monitor for a run folder. The lock lies on the folder and ends with this process; a successor
 * may have to wait until the kernel has taken its predecessor apart. */
static int lock_folder(const struct monitor *m)
{
	int wait = m->pidfd >= 0 ? 0 : LOCK_NB;
	int fd = openat(m->run_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 || flock(fd, LOCK_EX | wait) < 0 ? -errno : 0;
}

/* Of a container that runs: who looks at many sees by the record that he reads anyway that it is
 * watched. The lock ends with this process, as the folder's does. */
static void lock_record(const struct monitor *m)
{
	int fd = openat(m->run_fd, "running", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0)
		flock(fd, LOCK_EX);
}

static int configure(struct monitor *m)
{
	/* In a buffer that is given back: on the stack it would cost its pages for ever. */
	struct monitor_config *c = (struct monitor_config *)m->batch;
	m->buffers_used = true;
	int r = monitor_config_read(c);
	if (r < 0)
		return r;
	memcpy(m->id, c->id, sizeof(m->id));
	m->tty = c->tty;
	m->stdin_once = c->stdin_once;
	m->main_status = -1;
	if (m->pidfd < 0 && (r = adopt(m, c)) < 0)
		return r;
	log_open(&m->log, c);
	m->log.begun = m->begun;
	m->log.socket = m->log_fd;
	m->log.connected = m->log_fd >= 0;
	oom_init(m);
	return 0;
}

/* The first message of whoever starts the container: the terminal's master, if there is one. */
static void await_terminal(struct monitor *m)
{
	char word;
	if (m->gate_fd >= 0)
		fd_recv(m->gate_fd, &word, 1, &m->pty_fd, 1);
}

/* A container that is being started is none of our business before its command runs. If the gate is
 * closed instead of opened, the start failed or was killed: without a run record nothing ever ran,
 * and nothing is to be recorded. With one, that one tells whether the command was let go. */
static int await_gate(struct monitor *m)
{
	struct run_record run;
	uint8_t word[1 + TMPFS_MAX] = {0};
	if (m->gate_fd < 0)
		return 0;
	bool opened = fd_recv(m->gate_fd, word, sizeof(word), m->tmpfs_fds, TMPFS_MAX) > 0;
	memcpy(m->tmpfs_numbers, word + 1, sizeof(m->tmpfs_numbers));
	fd_drop(&m->gate_fd);
	if (opened)
		return 0;
	ssize_t n = read_run_record(m, &run);
	m->unreleased = n == sizeof(run) && run.state == RUN_UNRELEASED;
	if (n != -ENOENT)
		return 0;
	keeper_tell(m, KEEPER_NOTE_ABANDONED);
	return -ECANCELED;
}

static int set_up(struct monitor *m)
{
	m->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (m->epoll < 0)
		return -errno;
	attach_init(m);
	int r = configure(m);
	if (r == 0)
		r = exit_open(m);
	if (r == 0)
		r = inflight_open(m);
	if (r < 0)
		return r;
	inflight_recover(m);
	if (m->tty)
		await_terminal(m);
	keeper_greet(m);
	input_init(m);
	control_init(m);
	r = stdio_open(m);
	if (r < 0)
		return r;
	if (m->init_fd >= 0)
		loop_watch(m, m->init_fd, WATCH_INIT, 0, EPOLLIN);
	if (m->first_client >= 0)
		attach_add(m, m->first_client, ATTACH_STDIN | ATTACH_STDOUT | ATTACH_STDERR);
	if ((r = confine(m)) < 0)
		return r;
	if (!m->tty)
		await_terminal(m);
	if ((r = await_gate(m)) < 0)
		return r;
	lock_record(m);
	control_serve_pending(m); /* clients that are to see the first byte */
	if (m->pidfd >= 0)
		return loop_watch(m, m->pidfd, WATCH_PIDFD, 0, EPOLLIN);
	status_lost(m);
	return 0;
}

int monitor_main(void)
{
	struct monitor *m = mmap(NULL, sizeof(*m), PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (m == MAP_FAILED)
		return 1;
	take_descriptors(m);
	if (lock_folder(m) < 0)
		return 1;
	if (set_up(m) < 0)
		return 1;
	if (!logfile_exists(m->exits_fd, m->id))
		loop_run(m);
	else
		keeper_retire(m, -1);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc < 1 || inherited(MONITOR_RUN_FD) < 0) {
		static const char text[] = "hull-monitor is started by hull\n";
		return write(2, text, sizeof(text) - 1) < 0 ? 2 : 1;
	}
	const char *slash = strrchr(argv[0], '/');
	bool keeper = !strcmp(slash ? slash + 1 : argv[0], "hull-keeper");
	shed_inheritance();
	start_remember(argc, argv);
	start_show(keeper ? "hull-keeper" : "hull-monitor");
	return keeper ? keeper_main() : monitor_main();
}
