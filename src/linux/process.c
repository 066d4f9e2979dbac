/* SPDX-License-Identifier: Apache-2.0 */
/* One process of /proc. Rests on the fields of /proc/PID/status by name. Read process.h first. */
#include "linux/process.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/units.h"
#include "linux/namespaces.h"
#include "linux/pidfd.h"

enum { STATUS_MAX = 8192 };

/* What follows "Name:\t" at the beginning of a line; NULL if there is none. */
static const char *field(const char *text, const char *name)
{
	for (const char *p = text; (p = strstr(p, name)); p++)
		if ((p == text || p[-1] == '\n') && p[strlen(name)] == ':')
			return p + strlen(name) + 1 + strspn(p + strlen(name) + 1, "\t ");
	return NULL;
}

static uint64_t mask(const char *text, const char *name)
{
	const char *at = field(text, name);
	return at ? strtoull(at, NULL, 16) : 0;
}

static int64_t number(const char *text, const char *name)
{
	const char *at = field(text, name);
	return at ? strtoll(at, NULL, 10) : 0;
}

/* Of the numbers that it has, one for each namespace from ours on, the last. */
static pid_t own_number(const char *text)
{
	const char *at = field(text, "NSpid");
	pid_t last = 0;
	while (at && *at >= '0' && *at <= '9') {
		char *end;
		last = (pid_t)strtol(at, &end, 10);
		at = end + strspn(end, "\t ");
	}
	return last;
}

/* In sigwait or sigtimedwait(2), as hull-init is: while it sleeps there, the mask in /proc lacks
 * the signals that it waits for. */
bool process_waits(const struct process *p)
{
	char path[32], where[64];
	snprintf(path, sizeof(path), "/proc/%d/wchan", (int)p->pid);
	return file_read_small(AT_FDCWD, path, where, sizeof(where)) > 0 &&
	       strstr(where, "sigtimedwait");
}

static bool is_of(pid_t pid, ino_t space)
{
	char path[32];
	struct stat st;
	snprintf(path, sizeof(path), "/proc/%d/ns/pid", (int)pid);
	return stat(path, &st) == 0 && st.st_ino == space;
}

int process_list_beside(pid_t pid, struct arena *a, pid_t **ret, size_t *ret_count, struct err *e)
{
	char path[32];
	struct stat own;
	size_t room = 0;
	uint64_t number;
	snprintf(path, sizeof(path), "/proc/%d/ns/pid", (int)pid);
	CLEANUP_FD int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_DIR DIR *d = proc < 0 ? NULL : dir_stream(proc);
	if (!d || stat(path, &own) < 0)
		return err_errno(e, errno, "cannot look for the container's processes");
	*ret = NULL;
	*ret_count = 0;
	for (struct dirent *entry; (entry = dir_next(d));) {
		if (uint_parse(entry->d_name, INT32_MAX, &number) < 0 ||
		    !is_of((pid_t)number, own.st_ino))
			continue;
		*ret = arena_grow(a, *ret, *ret_count, &room, sizeof(**ret));
		(*ret)[(*ret_count)++] = (pid_t)number;
	}
	return 0;
}

static ssize_t read_status(pid_t pid, char text[static STATUS_MAX])
{
	char path[32];
	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	return file_read_small(AT_FDCWD, path, text, STATUS_MAX);
}

int process_read_rights(pid_t pid, struct process_rights *ret)
{
	char text[STATUS_MAX];
	ssize_t n = read_status(pid, text);
	if (n < 0)
		return (int)n;
	const char *ids = field(text, "Uid");
	ids = ids ? ids + strcspn(ids, "\t ") : ""; /* the real one */
	*ret = (struct process_rights){
		.uid = strtoll(ids, NULL, 10),
		.caps = {.bounding = mask(text, "CapBnd"),
			 .effective = mask(text, "CapEff"),
			 .inheritable = mask(text, "CapInh"),
			 .permitted = mask(text, "CapPrm"),
			 .ambient = mask(text, "CapAmb")},
		.no_new_privs = number(text, "NoNewPrivs") != 0,
		.seccomp = number(text, "Seccomp"),
		.filters = field(text, "Seccomp_filters") ? number(text, "Seccomp_filters") : -1,
	};
	return 0;
}

int process_read(pid_t pid, struct process *ret)
{
	char text[STATUS_MAX];
	ssize_t n = read_status(pid, text);
	if (n < 0)
		return (int)n;
	const char *name = field(text, "Name"), *state = field(text, "State");
	*ret = (struct process){
		.pid = pid,
		.inside = own_number(text),
		.parent = (pid_t)number(text, "PPid"),
		.state = state ? *state : '?',
		.uid = number(text, "Uid"),
		.caught = mask(text, "SigCgt"),
		.ignored = mask(text, "SigIgn"),
		.blocked = mask(text, "SigBlk"),
		.pending = mask(text, "SigPnd") | mask(text, "ShdPnd"),
		.threads = number(text, "Threads"),
		.anonymous = number(text, "RssAnon") * 1024,
		.hugetlb = number(text, "HugetlbPages") * 1024,
		.sleeps = number(text, "voluntary_ctxt_switches"),
	};
	if (name)
		snprintf(ret->comm, sizeof(ret->comm), "%.*s", (int)strcspn(name, "\n"), name);
	return 0;
}

const char *process_name(pid_t pid, char buf[static PROCESS_NAME_SIZE])
{
	char path[32];
	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	if (file_read_small(AT_FDCWD, path, buf, PROCESS_NAME_SIZE) <= 0)
		snprintf(buf, PROCESS_NAME_SIZE, "?");
	for (char *p = buf; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 127)
			*p = '?';
	return buf;
}

char process_state(pid_t tid)
{
	char path[32], text[512];
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)tid);
	if (file_read_small(AT_FDCWD, path, text, sizeof(text)) <= 0)
		return 0;
	const char *name_end = strrchr(text, ')');
	return name_end && name_end[1] ? name_end[2] : 0;
}

/* A thread of @pid that has not ended, or -ESRCH. */
static pid_t live_thread(pid_t pid)
{
	char path[32];
	uint64_t tid;
	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	CLEANUP_FD int tasks = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_DIR DIR *d = tasks < 0 ? NULL : dir_stream(tasks);
	for (struct dirent *entry; d && (entry = dir_next(d));)
		if (uint_parse(entry->d_name, INT32_MAX, &tid) == 0 &&
		    !strchr("ZX", process_state((pid_t)tid)))
			return (pid_t)tid;
	return -ESRCH;
}

int process_live_thread(int pidfd)
{
	enum { THREAD = O_EXCL }; /* PIDFD_THREAD */
	pid_t pid = pidfd_pid(pidfd), tid = pid < 0 ? pid : live_thread(pid);
	int fd = tid < 0 ? tid : pidfd_open(tid, THREAD);
	return fd < 0 && tid > 0 ? -errno : fd;
}

static int open_root(pid_t pid)
{
	char path[32];
	snprintf(path, sizeof(path), "/proc/%d/root", (int)pid);
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int process_root(pid_t pid)
{
	int fd = open_root(pid);
	pid_t thread = fd == -ENOENT ? live_thread(pid) : -1;
	return thread > 0 ? open_root(thread) : fd;
}

bool process_drops(const struct process *p, int signal)
{
	uint64_t bit = UINT64_C(1) << (signal - 1);
	if (signal == SIGKILL || signal == SIGSTOP)
		return false;
	/* A blocked signal may be fetched by sigwait(3) or a signalfd. */
	return p->inside == 1 && !((p->caught | p->blocked) & bit) && !process_waits(p);
}

const char *signal_default_action(int signal)
{
	static const struct {
		const char *action;
		int signals[10];
	} actions[] = {
		{"core",
		 {SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV, SIGXCPU, SIGXFSZ,
		  SIGSYS}},
		{"stop", {SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU}},
		{"cont", {SIGCONT}},
		{"ignore", {SIGCHLD, SIGURG, SIGWINCH}},
	};
	for (size_t i = 0; i < ARRAY_LEN(actions); i++)
		for (size_t k = 0; k < 10 && actions[i].signals[k]; k++)
			if (actions[i].signals[k] == signal)
				return actions[i].action;
	return "term";
}

/* /proc/PID/uid_map: inside, outside, how many (user_namespaces(7)). Who is in that namespace
 * himself reads there how its parent knows them. */
static int64_t map_user(pid_t pid, int64_t user, bool outside)
{
	char path[64], line[128];
	if (!namespace_others(pid, CLONE_NEWUSER))
		return user;
	snprintf(path, sizeof(path), "/proc/%d/uid_map", (int)pid);
	CLEANUP_FILE FILE *f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		long long in, out, count;
		if (sscanf(line, "%lld %lld %lld", &in, &out, &count) != 3)
			return -1;
		long long from = outside ? in : out, to = outside ? out : in;
		if (user >= from && user - from < count)
			return to + (user - from);
	}
	return -1;
}

int64_t process_user_outside(pid_t pid, int64_t inside)
{
	return map_user(pid, inside, true);
}

int64_t process_user_inside(pid_t pid, int64_t outside)
{
	return map_user(pid, outside, false);
}

int process_command_line(pid_t pid, char *buf, size_t size)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	ssize_t n = file_read_small(AT_FDCWD, path, buf, size);
	for (ssize_t i = 0; i + 1 < n; i++)
		buf[i] = buf[i] ? buf[i] : ' ';
	return (int)n;
}
