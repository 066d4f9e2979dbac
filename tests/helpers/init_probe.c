// SPDX-License-Identifier: Apache-2.0
/*
 * The programs that tests/e2e/init.bats runs under hull-init, one per subcommand: those that die,
 * listen, refuse, breed, and those that ask the kernel how they were started.
 *
 * Invariant: whatever it creates is inside the PID namespace or process group the test ends.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../src/init/report.h"

static void die(const char *what)
{
	fprintf(stderr, "init_probe: %s: %s\n", what, strerror(errno));
	exit(99);
}

static void nap(long ms)
{
	struct timespec left = {ms / 1000, ms % 1000 * 1000000};

	while (nanosleep(&left, &left) != 0 && errno == EINTR)
		;
}

static void touch(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0)
		die(path);
	close(fd);
}

/* die SIGNAL: end by its default action. */
static int probe_die(char **argv)
{
	int sig = atoi(argv[0]);
	struct rlimit no_core = {0, 0};

	setrlimit(RLIMIT_CORE, &no_core);
	signal(sig, SIG_DFL);
	syscall(SYS_kill, getpid(), sig);
	nap(200);
	return 77; /* not deadly: CHLD, CONT, URG, WINCH */
}

static int catch_fd;

static void on_any(int sig)
{
	char line[8];
	int size = snprintf(line, sizeof(line), "%d\n", sig);

	if (write(catch_fd, line, (size_t)size) < 0)
		_exit(98);
}

/* catch FILE: write the number of each signal received to FILE, "ready" first. */
static int probe_catch(char **argv)
{
	struct sigaction action = {.sa_handler = on_any};

	catch_fd = open(argv[0], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	for (int sig = 1; sig <= 64; sig++)
		sigaction(sig, &action, NULL);
	if (write(catch_fd, "ready\n", 6) != 6)
		die(argv[0]);
	while (pause() < 0)
		;
	return 0;
}

/* slow NAME MS: ready at NAME.ready; on TERM take MS to finish, then leave NAME.done. */
static int slow(const char *name, long ms)
{
	char path[512];
	sigset_t set;
	int sig;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	snprintf(path, sizeof(path), "%s.ready", name);
	touch(path);
	sigwait(&set, &sig);
	nap(ms);
	snprintf(path, sizeof(path), "%s.done", name);
	touch(path);
	return 0;
}

static int probe_slow(char **argv)
{
	return slow(argv[0], atol(argv[1]));
}

/* trio DIR MS: main, a child in its group and a daemon in its own session, each slow. */
static int probe_trio(char **argv)
{
	long ms = atol(argv[1]);

	if (chdir(argv[0]) != 0)
		die(argv[0]);
	if (fork() == 0)
		_exit(slow("group", ms + 200));
	if (fork() == 0) {
		setsid();
		if (fork() == 0)
			_exit(slow("daemon", ms + 400));
		_exit(0);
	}
	return slow("main", ms);
}

/* ignore FILE: ignore TERM and stay. */
static int probe_ignore(char **argv)
{
	signal(SIGTERM, SIG_IGN);
	touch(argv[0]);
	while (pause() < 0)
		;
	return 0;
}

static int zombies(void)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	int count = 0;

	if (!dir)
		die("/proc");
	while ((entry = readdir(dir))) {
		char path[300], line[512], *state;
		FILE *file;

		snprintf(path, sizeof(path), "/proc/%s/stat", entry->d_name);
		file = fopen(path, "re");
		if (!file)
			continue;
		if (fgets(line, sizeof(line), file) && (state = strrchr(line, ')')))
			count += state[2] == 'Z';
		fclose(file);
	}
	closedir(dir);
	return count;
}

/* Children of children, that do what body says once their parent has ended. */
static void breed(int count, int gate)
{
	for (int i = 0; i < count; i++) {
		char byte;
		pid_t pid = fork();

		if (pid < 0)
			die("fork");
		if (pid == 0) {
			pid_t orphan = fork();

			if (orphan == 0 && gate >= 0 && read(gate, &byte, 1) != 0)
				_exit(98);
			_exit(0);
		}
		waitpid(pid, NULL, 0);
	}
}

/* orphans N: how many zombies stay when N orphans have ended, and whose child one is. */
static int probe_orphans(char **argv)
{
	int fds[2];
	pid_t parent = 0;
	int left = 1;

	if (pipe2(fds, O_CLOEXEC) != 0)
		die("pipe");
	if (fork() == 0) {
		const pid_t middle = getpid();
		if (fork() == 0) {
			while ((parent = getppid()) == middle)
				nap(5);
			_exit(write(fds[1], &parent, sizeof(parent)) != sizeof(parent));
		}
		_exit(0);
	}
	wait(NULL);
	breed(atoi(argv[0]), -1);
	if (read(fds[0], &parent, sizeof(parent)) != sizeof(parent))
		die("read");
	for (int i = 0; left > 0 && i < 300; i++) {
		nap(200);
		left = zombies();
	}
	printf("zombies %d parent %d\n", left, (int)parent);
	return 0;
}

static long microseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* latency N: send TERM to PID 1 while N orphans exit; print how long until it came back to us. */
static int probe_latency(char **argv)
{
	struct timespec limit = {60, 0};
	int gate[2];
	sigset_t set;
	long begin;

	if (pipe2(gate, O_CLOEXEC) != 0)
		die("pipe");
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (fork() == 0) {
		/* Their parent must not be us, and their gate must have no other writer. */
		close(gate[1]);
		breed(atoi(argv[0]), gate[0]);
		_exit(0);
	}
	wait(NULL);
	close(gate[1]);
	begin = microseconds();
	kill(1, SIGTERM);
	if (sigtimedwait(&set, NULL, &limit) != SIGTERM)
		die("no TERM came back");
	printf("%ld\n", microseconds() - begin);
	return 0;
}

/* status: masks, group, session and terminal as this program was started with. */
static int probe_status(char **argv)
{
	char line[256];
	FILE *file = fopen("/proc/self/status", "re");

	(void)argv;
	if (!file)
		die("/proc/self/status");
	while (fgets(line, sizeof(line), file))
		if (strncmp(line, "Sig", 3) == 0 && strncmp(line, "SigQ", 4) != 0)
			fputs(line, stdout);
	fclose(file);
	printf("leader %d session %d foreground %d\n", getpgrp() == getpid(), getsid(0) == getpid(),
	       tcgetpgrp(0) == getpgrp());
	return 0;
}

/* bomb: fork without end, as far as the limit lets us. */
static int probe_bomb(char **argv)
{
	(void)argv;
	signal(SIGTERM, SIG_IGN);
	while (fork() >= 0 || errno == EAGAIN)
		if (errno == EAGAIN)
			nap(1);
	return 0;
}

/* queue PID SIGNAL MS: send a signal that carries a grace time. */
static int probe_queue(char **argv)
{
	union sigval value = {.sival_ptr = (void *)(uintptr_t)INIT_STOP_VALUE(atol(argv[2]))};

	return sigqueue(atoi(argv[0]), atoi(argv[1]), value) != 0;
}

/* report: print the records that come on standard input. */
static int probe_report(char **argv)
{
	static const char *const kinds[] = {"?",         "started",  "exec-failed", "main-ended",
					    "forwarded", "stopping", "killed",      "exiting"};
	struct init_report r;

	(void)argv;
	while (read(0, &r, sizeof(r)) == sizeof(r)) {
		if (r.version != INIT_REPORT_VERSION || r.kind > 7 || r.time_ns == 0)
			return 1;
		printf("%s pid=%d value=%d signal=%d scope=%d count=%d error=%d comm=%.16s\n",
		       kinds[r.kind], r.pid, r.value, r.signal, r.scope, r.count, r.error, r.comm);
		fflush(stdout);
	}
	return 0;
}

/* by-fd FILE ARGS...: execute FILE by its descriptor, as the engine does. */
static int probe_by_fd(char **argv)
{
	int fd = open(argv[0], O_PATH | O_CLOEXEC);

	syscall(SYS_execveat, fd, "", argv + 1, environ, AT_EMPTY_PATH);
	die(argv[0]);
	return 1;
}

/* deaf COMMAND...: run COMMAND with every signal blocked and ignored. */
static int probe_deaf(char **argv)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	for (int sig = 1; sig <= 64; sig++)
		signal(sig, SIG_IGN);
	execvp(argv[0], argv);
	die(argv[0]);
	return 1;
}

/* full COMMAND...: run COMMAND with a standard error that nobody reads and that is full. */
static int probe_full(char **argv)
{
	int fds[2];

	if (pipe(fds) != 0 || fcntl(fds[1], F_SETFL, O_NONBLOCK) != 0)
		die("pipe");
	while (write(fds[1], "x", 1) == 1)
		;
	fcntl(fds[1], F_SETFL, 0);
	dup2(fds[1], 2);
	execvp(argv[0], argv);
	return 1;
}

/* adopted: ends while its child lives; that child says whether it was adopted by our parent. */
static int probe_adopted(char **argv)
{
	pid_t parent = getppid();
	int gate[2];
	char byte;

	(void)argv;
	if (pipe2(gate, O_CLOEXEC) != 0)
		die("pipe");
	if (fork() == 0) {
		const pid_t middle = getpid();
		if (fork() == 0) {
			while (getppid() == middle)
				nap(5);
			printf("adopted %d\n", getppid() == parent);
			return 0;
		}
		_exit(0);
	}
	close(gate[1]);
	wait(NULL);
	/* Open as long as the child is there. */
	return read(gate[0], &byte, 1) != 0;
}

static bool has_child(pid_t pid)
{
	char path[64], byte;
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
	FILE *file = fopen(path, "re");
	bool has = file && fread(&byte, 1, 1, file) == 1;
	if (file)
		fclose(file);
	return has;
}

/* orphaned FILE COMMAND...: start COMMAND, write its process id to FILE, and die when it has a
 * child. */
static int probe_orphaned(char **argv)
{
	FILE *file = fopen(argv[0], "we");
	pid_t pid = fork();

	if (!file || pid < 0)
		die(argv[0]);
	if (pid == 0) {
		execvp(argv[1], argv + 1);
		_exit(99);
	}
	fprintf(file, "%d\n", (int)pid);
	fclose(file);
	while (!has_child(pid) && kill(pid, 0) == 0)
		nap(10);
	return 0;
}

static const struct {
	const char *name;
	int arguments;
	int (*run)(char **argv);
} probes[] = {
	{"die", 1, probe_die},           {"catch", 1, probe_catch},   {"slow", 2, probe_slow},
	{"trio", 2, probe_trio},         {"ignore", 1, probe_ignore}, {"orphans", 1, probe_orphans},
	{"latency", 1, probe_latency},   {"status", 0, probe_status}, {"bomb", 0, probe_bomb},
	{"queue", 3, probe_queue},       {"report", 0, probe_report}, {"by-fd", 2, probe_by_fd},
	{"deaf", 1, probe_deaf},         {"full", 1, probe_full},     {"adopted", 0, probe_adopted},
	{"orphaned", 2, probe_orphaned},
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(probes) / sizeof(probes[0]); i++)
		if (strcmp(argv[1], probes[i].name) == 0 && argc - 2 >= probes[i].arguments)
			return probes[i].run(argv + 2);
	fprintf(stderr, "usage: init_probe PROBE ARGUMENT...; the probes are in init_probe.c\n");
	return 99;
}
