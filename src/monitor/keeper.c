/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keeper: a second process of this program that holds what must not be closed (pty, write end
 * of stdin, pidfd, control socket, the pipes) and starts the next monitor when one dies.
 *
 * The engine makes it the monitor's parent and a child subreaper (PR_SET_CHILD_SUBREAPER,
 * prctl(2)), so an orphaned container becomes its child: it waits for it and tells the new monitor
 * the status. If the keeper dies, the monitor starts another one as its own child (a standby); that
 * one gets to know the exit status through the pidfd only.
 *
 * The two speak over a SOCK_SEQPACKET pair. The monitor's first message carries the descriptors;
 * one byte says that the exit is recorded, or that stdin was closed. The keeper sends struct
 * status_note. Of a process that was killed for memory while the container runs on, the keeper has
 * `hull system oom` write the event; of a log file that is to be compressed, `hull system
 * pack-logs` make it so. For a health check it has the time of the next one, and executes `hull
 * system probe`, which writes that time (engine/health.c). Where disks have rates, the end may wait
 * for them, in the kernel and before anybody is told: the keeper looks each second, and then has
 * `hull system lift` take them away. When the exit is recorded, the keeper becomes the clean-up
 * command `hull system reap`. That takes all rights, so the keeper keeps them, and takes from the
 * monitor nothing but these messages; a standby is as confined as the monitor that forked it
 * (confine.c) and leaves the clean-up to hull's next command.
 *
 * Started without a monitor, for a container that has lost both, it starts one itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "linux/pidfd.h"
#include "monitor/monitor.h"
#include "monitor/start.h"

enum {
	QUICK_MS = 1000, /* a monitor that lived for less ... */
	QUICK_MAX = 10,  /* ... so many times in a row is started again only after a pause */
	REAPER_WAIT_MS = 2000,
	RATED_MS = 1000,
	TELL_EVERY_MS = 1000, /* whatever the monitor says: each time a program is started */
	PACK_EVERY_MS = 1000, /* the same */
};
static const struct timespec damping = {.tv_nsec = 250000000};

/* Which descriptors the monitor shares; index i is MONITOR_RUN_FD + i in both processes. */
static const int shared[] = {MONITOR_CONTROL_FD, MONITOR_PIDFD_FD, MONITOR_PTY_FD,
			     MONITOR_STDIN_FD,   MONITOR_OOM_FD,   MONITOR_MEMORY_FD,
			     MONITOR_INIT_FD,    MONITOR_LOG_FD};
enum { SHARED_COUNT = sizeof(shared) / sizeof(shared[0]) };
_Static_assert((int)SHARED_COUNT <= (int)FD_PASS_MAX, "one message");

struct message {
	uint32_t magic;
	uint32_t value; /* of a greeting, bit i: shared[i] is attached; of a kill: so many ms ago,
			 * or OOM_TIME_UNKNOWN */
};
#define GREETING_MAGIC UINT32_C(0x4b4c5548)
#define KILL_MAGIC UINT32_C(0x4d4f4f4f)

struct status_note {
	int32_t code, status; /* si_code, si_status of waitid(2) */
};

/* ---- the monitor's side ---- */

static int greet(struct monitor *m)
{
	const int fds[SHARED_COUNT] = {m->control_fd, m->pidfd,     m->pty_fd,  m->stdin_fd,
				       m->oom_fd,     m->memory_fd, m->init_fd, m->log_fd};
	int sent[SHARED_COUNT];
	size_t count = 0;
	struct message g = {.magic = GREETING_MAGIC};
	for (size_t i = 0; i < SHARED_COUNT; i++) {
		if (fds[i] < 0)
			continue;
		g.value |= 1u << i;
		sent[count++] = fds[i];
	}
	return fd_send(m->keeper_fd, &g, sizeof(g), sent, count);
}

/* What the monitor shares comes with its greeting; of the rest nothing may stay open. */
static int standby_main(void)
{
	close_range(MONITOR_CONTROL_FD, MONITOR_KEEPER_FD - 1, 0);
	return keeper_main();
}

static int start_standby(struct monitor *m)
{
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	pid_t pid = start_other("hull-keeper", pair, standby_main);
	if (pid < 0)
		return pid;
	m->keeper_pid = pid;
	m->keeper_fd = pair[0];
	return 0;
}

void keeper_greet(struct monitor *m)
{
	if (m->keeper_fd >= 0 && greet(m) < 0)
		fd_drop(&m->keeper_fd);
	if (m->keeper_fd < 0 && (start_standby(m) < 0 || greet(m) < 0)) {
		fd_drop(&m->keeper_fd);
		return;
	}
	loop_watch(m, m->keeper_fd, WATCH_KEEPER, 0, EPOLLIN);
}

static void keeper_died(struct monitor *m)
{
	siginfo_t ignored;
	fd_drop(&m->keeper_fd);
	if (m->keeper_pid > 0)
		waitid(P_PID, (id_t)m->keeper_pid, &ignored, WEXITED);
	m->keeper_pid = 0;
	if (m->phase < PHASE_RECORDED)
		keeper_greet(m);
}

void keeper_event(struct monitor *m, size_t index, uint32_t events)
{
	struct status_note n;
	ssize_t len = recv(m->keeper_fd, &n, sizeof(n), MSG_DONTWAIT);
	if (len == (ssize_t)sizeof(n))
		status_from_keeper(m, n.code, n.status);
	else if (len == 0 || (len < 0 && errno != EAGAIN && errno != EINTR))
		keeper_died(m);
}

static int tell(struct monitor *m, enum keeper_note note, int fd)
{
	const char byte = (char)note;
	if (m->keeper_fd < 0)
		return -ENOTCONN;
	return fd_send(m->keeper_fd, &byte, 1, &fd, fd >= 0 ? 1 : 0);
}

int keeper_tell(struct monitor *m, enum keeper_note note)
{
	return tell(m, note, -1);
}

int keeper_tell_oom(struct monitor *m, int64_t at_ms)
{
	const int64_t ago = clock_ms() - at_ms;
	const struct message k = {KILL_MAGIC, at_ms && ago < OOM_TIME_UNKNOWN ? (uint32_t)ago
									      : OOM_TIME_UNKNOWN};
	return m->keeper_fd < 0 ? -ENOTCONN : fd_send(m->keeper_fd, &k, sizeof(k), NULL, 0);
}

void keeper_retire(struct monitor *m, int reaper)
{
	tell(m, KEEPER_NOTE_RECORDED, reaper);
	fd_drop(&m->keeper_fd);
}

/* ---- the keeper ---- */

struct keeper {
	bool greeted;
	bool ended; /* the container, and `status` says how */
	struct status_note status;
	int64_t started_ms; /* of the current monitor, CLOCK_BOOTTIME */
	int quick;
	uint32_t health_ms; /* 0: no health check, or one that we may not have done */
	int64_t health_due; /* CLOCK_BOOTTIME */
	pid_t probe;        /* what does it now, or 0 */
	int64_t rated_due;  /* the same: to look whether it is ending; 0: its disks have no rates */
	pid_t lifter;       /* what takes those away now, or 0 */
	bool killed;        /* a process, for memory, which is to be told, */
	int64_t kill_ms;    /* when: CLOCK_BOOTTIME; 0: not known */
	pid_t teller;       /* what tells of one now, or 0 */
	int64_t tell_due;   /* not before, CLOCK_BOOTTIME */
	bool rotated;       /* a file of the log, which is to be packed */
	pid_t monitor;      /* the last one that was started here */
	pid_t packer;       /* what packs some now, or 0 */
	int64_t pack_due;   /* not before, CLOCK_BOOTTIME */
};

static void child_ended(int signal)
{
	(void)signal; /* only to interrupt ppoll */
}

/* A pipe's contents live as long as somebody holds it open, and container and monitor may end
 * first: see inflight.c and stdio.c. With a terminal there is no "stdout". */
static void hold_pipes(void)
{
	static const char *const names[] = {"inflight", "terminal", "stdout", "stderr"};
	struct stat st;
	bool tty = fstatat(MONITOR_RUN_FD, "stdout", &st, AT_SYMLINK_NOFOLLOW) < 0;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		bool wanted = i == 0 || tty == (i == 1);
		bool there = i == 0 && fd_is_open(MONITOR_FLIGHT_FD);
		/* A monitor that is forked from here has the low numbers for its own. */
		if (wanted)
			fd_move_up(there ? MONITOR_FLIGHT_FD : stdio_fifo(MONITOR_RUN_FD, names[i]),
				   MONITOR_FD_END);
	}
}

/* Put received descriptors where they belong. The greetings of later monitors bring the same again.
 */
static void take_descriptors(struct keeper *k, const struct message *g, int *fds)
{
	size_t next = 0;
	/* First out of the way of the numbers they are meant for. */
	for (size_t i = 0; i < FD_PASS_MAX; i++)
		fds[i] = fds[i] < 0 ? -1 : fd_move_up(fds[i], MONITOR_FD_END);
	for (size_t i = 0; i < SHARED_COUNT; i++) {
		CLEANUP_FD int fd = g->value & 1u << i ? fds[next++] : -1;
		if (k->greeted)
			continue;
		if (fd < 0 || dup3(fd, shared[i], O_CLOEXEC) < 0)
			close(shared[i]);
	}
	k->greeted = true;
}

/* The container became our child and has ended: keep its status, let it go, tell the monitor. */
static void look_at_container(struct keeper *k)
{
	siginfo_t info = {0};
	if (k->ended || waitid((idtype_t)P_PIDFD, MONITOR_PIDFD_FD, &info, WEXITED | WNOHANG) < 0 ||
	    !info.si_pid)
		return;
	k->ended = true;
	k->status = (struct status_note){info.si_code, info.si_status};
	send(MONITOR_KEEPER_FD, &k->status, sizeof(k->status), MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* ---- health checks ---- */

static void health_init(struct keeper *k)
{
	if (is_confined() ||
	    pread(MONITOR_CONFIG_FD, &k->health_ms, sizeof(k->health_ms),
		  offsetof(struct monitor_config, health_ms)) != sizeof(k->health_ms))
		k->health_ms = 0;
	k->health_due = k->health_ms ? clock_ms() + k->health_ms : 0;
}

/* What the last one wrote. If it was killed before, or others are at it, after the first wait. */
static void plan_probe(struct keeper *k, bool ended)
{
	struct health_head h;
	int64_t now = clock_ms();
	CLEANUP_FD int fd = openat(MONITOR_RUN_FD, "health", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	bool known = ended && fd >= 0 && pread(fd, &h, sizeof(h), 0) == (ssize_t)sizeof(h) &&
		     h.due_ms > now;
	k->health_due = known ? h.due_ms : now + k->health_ms;
	k->probe = 0;
}

/* `hull system VERB`; its process, or 0. */
static pid_t start_errand(const char *verb, const char *arg)
{
	pid_t pid = fork();
	if (pid == 0) {
		monitor_become(verb, arg);
		_exit(1);
	}
	return pid > 0 ? pid : 0;
}

static void start_probe(struct keeper *k)
{
	/* If it cannot be started, that is tried again. */
	k->health_due = clock_ms() + k->health_ms;
	k->probe = k->greeted ? start_errand("probe", NULL) : 0;
}

/* ---- an end that waits for a disk ---- */

/* A field of the configuration, by the engine's own hand; a standby does nothing of it. */
static bool is_configured(size_t offset)
{
	uint32_t value = 0;
	return !is_confined() &&
	       pread(MONITOR_CONFIG_FD, &value, sizeof(value), (off_t)offset) == sizeof(value) &&
	       value;
}

/* Whoever is last in a mount namespace unmounts what is there, and that writes back the file system
 * below the overlay; PID 1 waits for all others, too, and for what they wait for. */
static void rated_init(struct keeper *k)
{
	if (is_configured(offsetof(struct monitor_config, rated)))
		k->rated_due = clock_ms() + RATED_MS;
}

static void look_at_rated(struct keeper *k)
{
	k->rated_due = clock_ms() + RATED_MS;
	if (!k->greeted || k->lifter || pidfd_has_ended(MONITOR_PIDFD_FD) ||
	    !pidfd_is_ending(MONITOR_PIDFD_FD))
		return;
	k->lifter = start_errand("lift", NULL);
}

/* ---- killed for memory; logs ---- */

static void start_packer(struct keeper *k)
{
	k->pack_due = clock_ms() + PACK_EVERY_MS;
	if (is_configured(offsetof(struct monitor_config, log_compress)))
		k->packer = start_errand("pack-logs", NULL);
	k->rotated = false;
}

/* One at a time; a standby may execute nothing. */
static bool awaits_teller(const struct keeper *k)
{
	return k->killed && !k->teller && !is_confined();
}

static void start_teller(struct keeper *k)
{
	char at[24];
	const unsigned ms = (unsigned)(k->kill_ms % 1000);
	k->tell_due = clock_ms() + TELL_EVERY_MS;
	/* snprintf(3) of this program has no 64-bit numbers. */
	snprintf(at, sizeof(at), "%u%u%u%u", (unsigned)(k->kill_ms / 1000), ms / 100, ms / 10 % 10,
		 ms % 10);
	k->teller = start_errand("oom", at);
	k->killed = false;
}

/* ---- what is done when its time has come; 0: it has none ---- */

static int64_t probe_due(const struct keeper *k)
{
	return k->probe ? 0 : k->health_due;
}

/* The first one is told of at once. */
static int64_t tell_due(const struct keeper *k)
{
	return !awaits_teller(k) ? 0 : k->tell_due ? k->tell_due : 1;
}

static int64_t pack_due(const struct keeper *k)
{
	return !k->rotated || k->packer ? 0 : k->pack_due ? k->pack_due : 1;
}

static int64_t rated_due(const struct keeper *k)
{
	return k->rated_due;
}

static const struct {
	int64_t (*due)(const struct keeper *k);
	void (*begin)(struct keeper *k);
} errands[] = {{probe_due, start_probe},
	       {rated_due, look_at_rated},
	       {tell_due, start_teller},
	       {pack_due, start_packer}};

static void do_what_is_due(struct keeper *k)
{
	const int64_t now = clock_ms();
	for (size_t i = 0; i < ARRAY_LEN(errands); i++) {
		const int64_t due = errands[i].due(k);
		if (due && due <= now)
			errands[i].begin(k);
	}
}

static const struct timespec *until_due(const struct keeper *k, struct timespec *left)
{
	int64_t due = 0;
	for (size_t i = 0; i < ARRAY_LEN(errands); i++) {
		const int64_t one = errands[i].due(k);
		if (one && (!due || one < due))
			due = one;
	}
	if (!due)
		return NULL;
	int64_t ms = due - clock_ms();
	ms = ms < 0 ? 0 : ms;
	*left = (struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
	return left;
}

/* Of one that never came so far that it greeted, too. */
static void reap_monitor(struct keeper *k)
{
	siginfo_t info = {0};
	if (k->monitor > 0 && waitid(P_PID, (id_t)k->monitor, &info, WEXITED | WNOHANG) == 0 &&
	    info.si_pid)
		k->monitor = 0;
}

/* Children are the monitor, the orphaned container, and orphans of a container in our pid
 * namespace. First only look who it is: the container's status must not be thrown away, and without
 * the pidfd that a monitor greets with nobody can tell. */
static void reap_children(struct keeper *k)
{
	pid_t *const others[] = {&k->teller, &k->lifter, &k->packer};
	reap_monitor(k);
	while (k->greeted) {
		siginfo_t info = {0};
		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || !info.si_pid)
			return;
		look_at_container(k);
		if (info.si_pid == k->probe)
			plan_probe(k, info.si_code == CLD_EXITED);
		for (size_t i = 0; i < ARRAY_LEN(others); i++)
			if (info.si_pid == *others[i])
				*others[i] = 0;
		waitid(P_PID, (id_t)info.si_pid, &info, WEXITED | WNOHANG);
	}
}

static void pause_if_hopeless(struct keeper *k)
{
	int64_t now = clock_ms();
	k->quick = now - k->started_ms < QUICK_MS ? k->quick + 1 : 0;
	/* Not synchronisation, but damping: something kills or breaks each monitor at once. */
	if (k->quick > QUICK_MAX)
		ppoll(NULL, 0, &damping, NULL);
	k->started_ms = clock_ms();
}

static void start_monitor(struct keeper *k)
{
	int pair[2];
	pause_if_hopeless(k);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return;
	if (k->ended)
		send(pair[0], &k->status, sizeof(k->status), MSG_NOSIGNAL);
	reap_monitor(k);
	k->monitor = start_other("hull-monitor", pair, monitor_main);
	if (k->monitor < 0 || pair[0] == MONITOR_KEEPER_FD)
		return;
	dup3(pair[0], MONITOR_KEEPER_FD, O_CLOEXEC);
	close(pair[0]);
}

/* A client cleans up, at a fraction of what it would cost us to start a program for it. If it dies
 * or dawdles (its output may be a pipe that nobody reads), we do it after all; when it is done, the
 * run folder is empty. */
static bool is_reaped_by(int client)
{
	struct pollfd p = {.fd = client, .events = POLLRDHUP};
	if (client < 0)
		return false;
	poll(&p, 1, REAPER_WAIT_MS);
	return faccessat(MONITOR_RUN_FD, "monitor", F_OK, AT_SYMLINK_NOFOLLOW) < 0;
}

/* A message or the end of the monitor. False when the work is done. */
static bool hear_monitor(struct keeper *k)
{
	struct message g = {0};
	int fds[FD_PASS_MAX];
	ssize_t n = fd_recv(MONITOR_KEEPER_FD, &g, sizeof(g), fds, FD_PASS_MAX);
	/* It ended without having read our note of the status. What it said before comes now. */
	if (n == -ECONNRESET)
		n = fd_recv(MONITOR_KEEPER_FD, &g, sizeof(g), fds, FD_PASS_MAX);
	if (n == (ssize_t)sizeof(g) && g.magic == GREETING_MAGIC) {
		take_descriptors(k, &g, fds);
		return true;
	}
	if (n == (ssize_t)sizeof(g) && g.magic == KILL_MAGIC) {
		const int64_t at = clock_ms() - g.value;
		k->killed = true;
		k->kill_ms = g.value == OOM_TIME_UNKNOWN || at < 0 ? 0 : at;
		return true;
	}
	char note;
	memcpy(&note, &g, 1);
	if (n == 1 && note == KEEPER_NOTE_STDIN_CLOSED) {
		close(MONITOR_STDIN_FD);
		return true;
	}
	if (n == 1 && note == KEEPER_NOTE_ROTATED) {
		k->rotated = true;
		return true;
	}
	if (n == 1 && note == KEEPER_NOTE_RATED) {
		k->rated_due = is_confined() ? 0 : clock_ms() + RATED_MS;
		return true;
	}
	if (n == 1 && note == KEEPER_NOTE_RECORDED) {
		if (k->rotated)
			start_packer(k);
		/* Who is confined could not do it, and may not look (filter.c). */
		if (!is_confined() && !is_reaped_by(fds[0]))
			monitor_become("reap", NULL);
		return false;
	}
	if (n == 1 && note == KEEPER_NOTE_ABANDONED)
		return false;
	/* Its end. Before it greeted, the container may not be there yet: its starter sees that the
	 * monitor is gone. From the run record on it is ours. */
	struct stat st;
	if (n <= 0 && fstatat(MONITOR_RUN_FD, k->greeted ? "monitor" : "running", &st, 0) < 0)
		return false;
	if (n <= 0)
		start_monitor(k);
	return true;
}

int keeper_main(void)
{
	struct keeper k = {.started_ms = clock_ms()};
	const struct sigaction on_child = {.sa_handler = child_ended};
	sigset_t child, none;
	sigemptyset(&none);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_SETMASK, &child, NULL);
	sigaction(SIGCHLD, &on_child, NULL);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	hold_pipes();
	health_init(&k);
	rated_init(&k);
	close(MONITOR_ATTACH_FD); /* the client must see its monitor die */
	close(MONITOR_STDOUT_FD); /* hold_pipes has opened them itself */
	close(MONITOR_STDERR_FD);
	close(MONITOR_GATE_FD);
	if (!fd_is_open(MONITOR_KEEPER_FD))
		start_monitor(&k);
	for (bool alive = true; alive;) {
		reap_children(&k);
		do_what_is_due(&k);
		struct pollfd p = {.fd = MONITOR_KEEPER_FD, .events = POLLIN};
		struct timespec left;
		if (ppoll(&p, 1, until_due(&k, &left), &none) > 0)
			alive = hear_monitor(&k);
	}
	return 0;
}
