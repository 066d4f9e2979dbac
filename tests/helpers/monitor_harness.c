/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plays the engine for hull-monitor, with an ordinary child instead of a container.
 *
 *   monitor_harness start DIR MONITOR [option...] -- COMMAND...   prints "keeper PID monitor PID
 * child PID" monitor_harness adopt DIR MONITOR        new ones with nothing but the run folder
 *   monitor_harness attach DIR [in] [out] [err]   our stdio is the client, until the stream ends
 *   monitor_harness wait DIR                 "code N signal N flags N dropped N oom N error TEXT"
 *   monitor_harness reap DIR                 the same, and clean up instead of the keeper
 *   monitor_harness record DIR               the same from the exit record file
 *   monitor_harness sync DIR | ping DIR | resize DIR ROWS COLS
 *   monitor_harness churn DIR COUNT          attach and detach so many times
 *   monitor_harness malformed DIR            send what no engine would
 *   monitor_harness kills DIR MONITOR COUNT AGO   what the monitor MONITOR (a number) would say to
 * its keeper of that many kills, the last one AGO ms ago
 *
 * Options of start: tty stdin once local journald none nokeeper attach cut (the starter is gone
 * once there is a run record) unreleased (and said there that the command waits) logdir=D size=N files=N hull=P oom=FILE DIR gets containers/<id>,
 * exits and logs, as --runroot and --root have them.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/file.h"
#include "engine/monitor.h"
#include "linux/pidfd.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void die(const char *what, int error)
{
	fprintf(stderr, "monitor_harness: %s: %s\n", what, strerror(error < 0 ? -error : error));
	exit(125);
}

static void check(const char *what, int r)
{
	if (r < 0)
		die(what, r == -1 ? errno : r);
}

static void check_err(int r, const struct err *e)
{
	if (r >= 0)
		return;
	fprintf(stderr, "monitor_harness: %s\n", e->text);
	exit(124);
}

struct launch {
	struct monitor_config config;
	const char *program, *dir;
	char **command;
	int run_fd, config_fd, memory, control, stdin_read, stdin_write, out, err, pty, attach,
		gate, keeper[2], ready[2];
	bool no_keeper, unreleased;
};

static void option(struct launch *l, const char *text)
{
	struct monitor_config *c = &l->config;
	const char *value = strchr(text, '=');
	value = value ? value + 1 : "";
	if (!strcmp(text, "tty"))
		c->tty = 1;
	else if (!strcmp(text, "stdin"))
		c->stdin_open = 1;
	else if (!strcmp(text, "once"))
		c->stdin_once = 1;
	else if (!strcmp(text, "local"))
		c->log_driver = LOG_LOCAL;
	else if (!strcmp(text, "journald"))
		c->log_driver = LOG_JOURNALD;
	else if (!strcmp(text, "none"))
		c->log_driver = LOG_NONE;
	else if (!strcmp(text, "nokeeper"))
		l->no_keeper = true;
	else if (!strcmp(text, "cut") || !strcmp(text, "unreleased")) {
		int pair[2];
		check("socketpair", socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair));
		l->gate = pair[0];
		l->unreleased = *text == 'u';
		close(pair[1]);
	} else if (!strncmp(text, "logdir=", 7))
		snprintf(c->log_dir, sizeof(c->log_dir), "%s", value);
	else if (!strncmp(text, "size=", 5))
		c->log_max_size = strtoull(value, NULL, 10);
	else if (!strncmp(text, "files=", 6))
		c->log_max_file = (uint32_t)strtoul(value, NULL, 10);
	else if (!strncmp(text, "hull=", 5))
		snprintf(c->hull, sizeof(c->hull), "%s", value);
	else if (!strncmp(text, "oom=", 4)) {
		l->memory = open(value, O_RDONLY | O_CLOEXEC);
		check(value, l->memory);
	} else
		die(text, EINVAL);
}

static int make_control(int run_fd)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	snprintf(a.sun_path, sizeof(a.sun_path), "/proc/self/fd/%d/control", run_fd);
	int s = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	unlinkat(run_fd, "control", 0);
	check("bind", bind(s, (struct sockaddr *)&a, sizeof(a)));
	check("listen", listen(s, 128));
	return s;
}

static int fifo(int dir, const char *name, int flags)
{
	if (mkfifoat(dir, name, 0600) < 0 && errno != EEXIST)
		die(name, errno);
	int fd = openat(dir, name, flags | O_CLOEXEC);
	check(name, fd);
	return fd;
}

static void prepare(struct launch *l)
{
	struct err e;
	char path[4096];
	snprintf(path, sizeof(path), "%s/containers/" ID, l->dir);
	check_err(dir_make(AT_FDCWD, path, 0700, &e), &e);
	l->run_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	check(path, l->run_fd);
	snprintf(path, sizeof(path), "%s/exits", l->dir);
	check_err(dir_make(AT_FDCWD, path, 0700, &e), &e);
	snprintf(path, sizeof(path), "%s/logs", l->dir);
	check_err(dir_make(AT_FDCWD, path, 0700, &e), &e);
	struct monitor_config *c = &l->config;
	snprintf(c->root, sizeof(c->root), "%s", l->dir);
	snprintf(c->runroot, sizeof(c->runroot), "%s", l->dir);
	if (!c->log_dir[0])
		snprintf(c->log_dir, sizeof(c->log_dir), "%s/logs", l->dir);
	strcpy(c->id, ID);
	strcpy(c->name, "web");
	check_err(file_replace(l->run_fd, "monitor", c, sizeof(*c), false, &e), &e);
	l->config_fd = openat(l->run_fd, "monitor", O_RDONLY | O_CLOEXEC);
	l->control = make_control(l->run_fd);
	if (c->tty)
		return;
	l->out = fifo(l->run_fd, "stdout", O_RDWR);
	l->err = fifo(l->run_fd, "stderr", O_RDWR);
	if (!c->stdin_open)
		return;
	int in[2];
	check("pipe", pipe2(in, O_CLOEXEC));
	l->stdin_read = in[0];
	l->stdin_write = in[1];
}

/* @pairs: number of enum monitor_fd, descriptor; ended by 0. */
static void become(const struct launch *l, const char *name, const int *pairs)
{
	int moved[MONITOR_FD_END - MONITOR_RUN_FD];
	for (int i = 0; i < MONITOR_FD_END - MONITOR_RUN_FD; i++)
		moved[i] = -1;
	for (; *pairs; pairs += 2)
		if (pairs[1] >= 0)
			moved[pairs[0] - MONITOR_RUN_FD] = fcntl(pairs[1], F_DUPFD_CLOEXEC, 64);
	for (int i = 0; i < MONITOR_FD_END - MONITOR_RUN_FD; i++) {
		close(MONITOR_RUN_FD + i);
		if (moved[i] >= 0)
			dup2(moved[i], MONITOR_RUN_FD + i);
	}
	close_range(MONITOR_FD_END, ~0U, 0);
	for (int i = 0; i < 3; i++) {
		close(i);
		open("/dev/null", O_RDWR);
	}
	char *const argv[] = {(char *)name, "web", "0123456789ab", NULL};
	char *const env[] = {NULL};
	execve(l->program, argv, env);
	_exit(127);
}

static void child(const struct launch *l)
{
	if (l->config.tty) {
		setsid();
		int slave = ioctl(l->pty, TIOCGPTPEER, O_RDWR);
		ioctl(slave, TIOCSCTTY, 0);
		for (int i = 0; i < 3; i++)
			dup2(slave, i);
	} else {
		int in = l->stdin_read >= 0 ? l->stdin_read : open("/dev/null", O_RDONLY);
		dup2(in, 0);
		dup2(l->out, 1);
		dup2(l->err, 2);
	}
	close_range(3, ~0U, 0);
	execvp(l->command[0], l->command);
	_exit(127);
}

static void monitor(struct launch *l, pid_t keeper)
{
	struct err e;
	if (l->config.tty) {
		l->pty = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
		unlockpt(l->pty);
	}
	pid_t pid = fork();
	if (pid == 0)
		child(l);
	int pidfd = pidfd_open(pid, 0);
	struct run_record r = {.version = WIRE_VERSION,
			       .state = l->unreleased ? RUN_UNRELEASED : RUN_ON,
			       .pid = pid,
			       .started_ns = clock_real_ns()};
	pidfd_start_time(pid, &r.pid_start);
	file_replace(l->run_fd, "running", &r, sizeof(r), false, &e);
	dprintf(l->ready[1], "keeper %d monitor %d child %d\n", (int)keeper, (int)getpid(),
		(int)pid);
	const int fds[] = {MONITOR_RUN_FD,
			   l->run_fd,
			   MONITOR_CONFIG_FD,
			   l->config_fd,
			   MONITOR_MEMORY_FD,
			   l->memory,
			   MONITOR_CONTROL_FD,
			   l->control,
			   MONITOR_PIDFD_FD,
			   pidfd,
			   MONITOR_PTY_FD,
			   l->pty,
			   MONITOR_STDIN_FD,
			   l->stdin_write,
			   MONITOR_ATTACH_FD,
			   l->attach,
			   MONITOR_KEEPER_FD,
			   l->keeper[1],
			   MONITOR_STDOUT_FD,
			   l->out,
			   MONITOR_STDERR_FD,
			   l->err,
			   MONITOR_GATE_FD,
			   l->gate,
			   0};
	become(l, "hull-monitor", fds);
}

static int relay(int s, bool raw);

static int start(struct launch *l, bool attach)
{
	char text[128];
	int stream[2] = {-1, -1};
	prepare(l);
	if (attach) {
		check("socketpair", socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, stream));
		l->attach = stream[1];
	}
	if (!l->no_keeper)
		check("socketpair",
		      socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, l->keeper));
	check("pipe", pipe2(l->ready, O_CLOEXEC));
	if (fork() == 0) {
		setsid();
		prctl(PR_SET_CHILD_SUBREAPER, 1);
		if (l->no_keeper || fork() == 0)
			monitor(l, l->no_keeper ? 0 : getppid());
		const int fds[] = {MONITOR_RUN_FD,
				   l->run_fd,
				   MONITOR_CONFIG_FD,
				   l->config_fd,
				   MONITOR_CONTROL_FD,
				   l->control,
				   MONITOR_STDIN_FD,
				   l->stdin_write,
				   MONITOR_KEEPER_FD,
				   l->keeper[0],
				   0};
		become(l, "hull-keeper", fds);
	}
	close(l->ready[1]);
	close(l->attach);
	close(l->stdin_write);
	close(l->stdin_read);
	ssize_t n = fd_read_full(l->ready[0], text, sizeof(text));
	FILE *out = attach ? stderr : stdout;
	fprintf(out, "%.*s", (int)n, text);
	fflush(out);
	return attach ? relay(stream[0], l->config.tty) : 0;
}

static int command_start(int argc, char **argv)
{
	struct launch l = {.dir = argv[0],
			   .program = argv[1],
			   .run_fd = -1,
			   .memory = -1,
			   .control = -1,
			   .stdin_read = -1,
			   .stdin_write = -1,
			   .out = -1,
			   .err = -1,
			   .pty = -1,
			   .attach = -1,
			   .gate = -1,
			   .keeper = {-1, -1}};
	bool attach = false;
	l.config = (struct monitor_config){.version = WIRE_VERSION, .log_max_file = 1};
	int i = 2;
	for (; i < argc && strcmp(argv[i], "--"); i++) {
		if (!strcmp(argv[i], "attach"))
			attach = true;
		else
			option(&l, argv[i]);
	}
	l.command = argv + i + 1;
	return start(&l, attach);
}

static int command_adopt(int argc, char **argv)
{
	(void)argc;
	struct launch l = {.dir = argv[0], .program = argv[1]};
	char path[4096];
	snprintf(path, sizeof(path), "%s/containers/" ID, l.dir);
	l.run_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	check(path, l.run_fd);
	l.control = make_control(l.run_fd);
	l.config_fd = openat(l.run_fd, "monitor", O_RDONLY | O_CLOEXEC);
	const int fds[] = {
		MONITOR_RUN_FD, l.run_fd, MONITOR_CONFIG_FD, l.config_fd, MONITOR_CONTROL_FD,
		l.control,      0};
	pid_t pid = fork();
	if (pid == 0)
		become(&l, "hull-keeper", fds);
	printf("keeper %d\n", (int)pid);
	return 0;
}

static int connect_to(const char *dir)
{
	CLEANUP_FD int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	check(dir, fd);
	int conn = monitor_connect(fd, ID);
	check("connect", conn);
	return conn;
}

/* Take docker's frames apart; raw with a terminal. */
static void demultiplex(const char *data, size_t len, bool raw)
{
	static unsigned char head[8];
	static size_t have;
	static uint32_t left;
	while (len) {
		if (raw) {
			fd_write_full(1, data, len);
			return;
		}
		if (left == 0) {
			head[have++] = (unsigned char)*data++;
			len--;
			if (have < sizeof(head))
				continue;
			have = 0;
			left = (uint32_t)head[4] << 24 | (uint32_t)head[5] << 16 |
			       (uint32_t)head[6] << 8 | head[7];
			if (head[0] < 1 || head[0] > 2 || head[1] || head[2] || head[3])
				die("frame header", EPROTO);
			continue;
		}
		size_t n = len < left ? len : left;
		if (fd_write_full(head[0], data, n) < 0)
			exit(0);
		data += n;
		len -= n;
		left -= (uint32_t)n;
	}
}

static int relay(int s, bool raw)
{
	static char buf[65536];
	struct pollfd p[2] = {{.fd = s, .events = POLLIN}, {.fd = 0, .events = POLLIN}};
	for (;;) {
		if (poll(p, 2, -1) < 0)
			die("poll", errno);
		if (p[1].revents) {
			ssize_t n = read(0, buf, sizeof(buf));
			if (n > 0 && fd_write_full(s, buf, (size_t)n) == 0)
				continue;
			shutdown(s, SHUT_WR);
			p[1].fd = -1;
		}
		if (!p[0].revents)
			continue;
		ssize_t n = read(s, buf, sizeof(buf));
		if (n <= 0)
			return 0;
		demultiplex(buf, (size_t)n, raw);
	}
}

static int command_attach(int argc, char **argv)
{
	struct err e;
	unsigned flags = 0;
	bool raw = false;
	int pair[2], conn = connect_to(argv[0]);
	for (int i = 1; i < argc; i++) {
		raw |= !strcmp(argv[i], "raw");
		flags |= !strcmp(argv[i], "in")    ? ATTACH_STDIN
			 : !strcmp(argv[i], "out") ? ATTACH_STDOUT
			 : !strcmp(argv[i], "err") ? ATTACH_STDERR
						   : 0;
	}
	check("socketpair", socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
	check_err(monitor_attach(conn, pair[1], flags, &e), &e);
	close(pair[1]);
	if (!(flags & ATTACH_STDIN))
		dup2(open("/dev/null", O_RDONLY), 0);
	fprintf(stderr, "attached\n");
	return relay(pair[0], raw);
}

static void print_record(const struct exit_record *x)
{
	printf("code %d signal %d flags %u dropped %llu oom %llu survivors %u error %s\n",
	       x->exit_code, x->signal, x->flags, (unsigned long long)x->log_dropped_bytes,
	       (unsigned long long)x->oom_kills, x->survivor_count, x->error);
}

static int command_wait(int argc, char **argv)
{
	(void)argc;
	struct err e;
	struct exit_record x;
	check_err(monitor_wait(connect_to(argv[0]), &x, &e), &e);
	print_record(&x);
	return 0;
}

static int command_reap(int argc, char **argv)
{
	(void)argc;
	struct err e;
	struct exit_record x;
	char path[4096];
	int conn = connect_to(argv[0]);
	check_err(monitor_wait_begin(conn, WAIT_REAP, &e), &e);
	fprintf(stderr, "asked\n");
	check_err(monitor_wait_end(conn, &x, &e), &e);
	print_record(&x);
	snprintf(path, sizeof(path), "%s/containers/" ID "/monitor", argv[0]);
	return unlink(path) < 0;
}

static int command_record(int argc, char **argv)
{
	(void)argc;
	char path[4096];
	struct exit_record x;
	snprintf(path, sizeof(path), "%s/exits/" ID, argv[0]);
	CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fd_read_full(fd, &x, sizeof(x)) != sizeof(x) || !exit_record_check(&x))
		return 1;
	print_record(&x);
	return 0;
}

static int command_sync(int argc, char **argv)
{
	(void)argc;
	struct err e;
	check_err(monitor_log_sync(connect_to(argv[0]), &e), &e);
	return 0;
}

static int command_ping(int argc, char **argv)
{
	(void)argc;
	struct err e;
	check_err(monitor_ping(connect_to(argv[0]), &e), &e);
	return 0;
}

static int command_resize(int argc, char **argv)
{
	struct err e;
	if (argc < 3)
		die("resize", EINVAL);
	check_err(monitor_resize(connect_to(argv[0]), (unsigned)atoi(argv[1]),
				 (unsigned)atoi(argv[2]), &e),
		  &e);
	return 0;
}

static int command_kills(int argc, char **argv)
{
	/* keeper.c */
	const struct {
		uint32_t magic, ago;
	} kill = {UINT32_C(0x4d4f4f4f), (uint32_t)strtoull(argv[3], NULL, 10)};
	CLEANUP_FD int monitor = pidfd_open((pid_t)atol(argv[1]), 0);
	CLEANUP_FD int keeper = pidfd_getfd(monitor, MONITOR_KEEPER_FD, 0);
	check("pidfd_getfd", keeper);
	for (long i = atol(argv[2]); i > 0; i--)
		check("send", (int)send(keeper, &kill, sizeof(kill), 0));
	return 0;
}

static int command_churn(int argc, char **argv)
{
	struct err e;
	long count = argc > 1 ? atol(argv[1]) : 10000;
	int conn = -1;
	for (long i = 0; i < count; i++) {
		int pair[2];
		/* A new connection now and then, too. */
		if (i % 10 == 0) {
			if (conn >= 0)
				close(conn);
			conn = connect_to(argv[0]);
		}
		check("socketpair", socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
		check_err(monitor_attach(conn, pair[1], ATTACH_STDIN | ATTACH_STDOUT, &e), &e);
		close(pair[0]);
		close(pair[1]);
		check_err(monitor_ping(conn, &e), &e);
	}
	return 0;
}

static int command_malformed(int argc, char **argv)
{
	(void)argc;
	static const char big[70000];
	struct wire_reply reply;
	const struct wire_request bad[] = {
		{.version = 99, .op = WIRE_PING},
		{.version = WIRE_VERSION, .op = 0},
		{.version = WIRE_VERSION, .op = 1000000},
		{.version = WIRE_VERSION, .op = WIRE_ATTACH, .flags = 7}, /* no descriptor */
		{.version = WIRE_VERSION, .op = WIRE_RESIZE, .rows = 1 << 20, .cols = 1},
	};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		CLEANUP_FD int conn = connect_to(argv[0]);
		check("send", fd_send(conn, &bad[i], sizeof(bad[i]), NULL, 0));
		ssize_t n = fd_recv(conn, &reply, sizeof(reply), NULL, 0);
		if (n != sizeof(reply) || reply.error == 0)
			return 1;
	}
	const size_t sizes[] = {1, 3, sizeof(bad[0]) - 1, sizeof(bad[0]) + 1, 4096, sizeof(big)};
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		CLEANUP_FD int conn = connect_to(argv[0]);
		int fds[8] = {1, 1, 1, 1, 1, 1, 1, 1};
		check("send", fd_send(conn, big, sizes[i], fds, i % 2 ? 8 : 0));
		ssize_t n = fd_recv(conn, &reply, sizeof(reply), NULL, 0);
		if (n != sizeof(reply) || reply.error == 0)
			return 1;
	}
	return command_ping(argc, argv);
}

static const struct {
	const char *name;
	int args;
	int (*run)(int argc, char **argv);
} commands[] = {
	{"start", 3, command_start},         {"adopt", 2, command_adopt},
	{"attach", 1, command_attach},       {"wait", 1, command_wait},
	{"reap", 1, command_reap},           {"record", 1, command_record},
	{"sync", 1, command_sync},           {"ping", 1, command_ping},
	{"resize", 3, command_resize},       {"churn", 1, command_churn},
	{"malformed", 1, command_malformed}, {"kills", 4, command_kills},
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc >= 3 && i < ARRAY_LEN(commands); i++)
		if (!strcmp(argv[1], commands[i].name) && argc - 2 >= commands[i].args)
			return commands[i].run(argc - 2, argv + 2);
	fprintf(stderr, "usage: see the head of monitor_harness.c\n");
	return 2;
}
