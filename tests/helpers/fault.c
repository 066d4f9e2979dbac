// SPDX-License-Identifier: Apache-2.0
/*
 * Run a command, and at one system call of one of its processes kill that process or let the call
 * fail. Rests on ptrace(2) with PTRACE_SEIZE. strace can inject as well, but counts each kind of
 * call of each process by itself; here a point is (process, number of its call), so that a sweep
 * can visit each once.
 *
 *   fault [-o FILE] [-t SECONDS] [-a ROLE:NUMBER (-k | -e ERRNO)] [-x CALL,...] [-m] COMMAND...
 *
 * A process is named by its place in the tree: 0 is the command, 0.2 its second child, 0.2.1 the
 * first of that one. Numbers begin with 1 and go on over execve; calls of -x are not hit, but the
 * next one is. A process that executes a program not named hull* is let go: that is the
 * container's. FILE gets a line "ROLE NUMBER CALL PROGRAM" for each call, or with -a for the one
 * that was hit. With -m all are let go when the command itself has ended. After SECONDS everything
 * is killed, status 124. The status is the command's.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { TASKS = 512, CALLS = 1024 };

struct task {
	pid_t pid;
	char role[64], program[20];
	unsigned children;
	unsigned long calls;
	bool known;     /* who its parent is */
	bool waiting;   /* stopped until that is known */
	bool overwrite; /* the result at the next exit ... */
	bool replaced;  /* ... and the first argument */
	long argument;
};

static struct task tasks[TASKS];
static const char *at_role;
static unsigned long at_number;
static int fail_with;
static bool done, spared[CALLS];
static FILE *out;
static pid_t root;
static int root_status = 125;

static struct task *task_of(pid_t pid)
{
	struct task *free_one = NULL;
	for (size_t i = 0; i < TASKS; i++) {
		if (tasks[i].pid == pid)
			return &tasks[i];
		if (!tasks[i].pid && !free_one)
			free_one = &tasks[i];
	}
	if (!free_one) {
		fputs("fault: too many processes\n", stderr);
		exit(125);
	}
	*free_one = (struct task){.pid = pid};
	return free_one;
}

static size_t task_count(void)
{
	size_t count = 0;
	for (size_t i = 0; i < TASKS; i++)
		count += tasks[i].pid != 0;
	return count;
}

static void kill_all(int signal)
{
	(void)signal;
	for (size_t i = 0; i < TASKS; i++)
		if (tasks[i].pid)
			kill(tasks[i].pid, SIGKILL);
	_exit(124);
}

static void note_program(struct task *t)
{
	char link[64], path[512] = "";
	snprintf(link, sizeof(link), "/proc/%d/exe", (int)t->pid);
	if (readlink(link, path, sizeof(path) - 1) < 0)
		return;
	/* "/" is from a mount of its own: the program itself again, or hull-init, with whose end
	 * the container's is the right outcome. */
	const char *slash = strrchr(path, '/');
	static ino_t own;
	struct stat st = {0};
	stat(link, &st);
	own = own ?: st.st_ino;
	if (slash && !slash[1] && st.st_ino == own)
		return;
	if (slash && !slash[1])
		slash = "/init";
	snprintf(t->program, sizeof(t->program), "%.19s", slash ? slash + 1 : path);
}

static void go_on(const struct task *t, int signal)
{
	ptrace(PTRACE_SYSCALL, t->pid, NULL, (long)signal);
}

/* At the entry of a call: have close(-1) run in its place. Not "no call" (-1), which a system call
 * filter would not know and end the process for; close(2) is in every filter of hull's. */
static void replace_call(struct task *t)
{
#if defined(__x86_64__)
	t->argument = ptrace(PTRACE_PEEKUSER, t->pid, offsetof(struct user_regs_struct, rdi), 0);
	ptrace(PTRACE_POKEUSER, t->pid, offsetof(struct user_regs_struct, rdi), -1L);
	ptrace(PTRACE_POKEUSER, t->pid, offsetof(struct user_regs_struct, orig_rax),
	       (long)SYS_close);
#elif defined(__aarch64__)
	int close_nr = SYS_close;
	struct user_regs_struct r;
	struct iovec call = {&close_nr, sizeof(close_nr)}, all = {&r, sizeof(r)};
	ptrace(PTRACE_GETREGSET, t->pid, 1 /* NT_PRSTATUS */, &all);
	r.regs[0] = -1UL;
	ptrace(PTRACE_SETREGSET, t->pid, 1, &all);
	ptrace(PTRACE_SETREGSET, t->pid, 0x404 /* NT_ARM_SYSTEM_CALL */, &call);
#else
#error "registers of this architecture"
#endif
	t->replaced = true;
}

/* At its exit: the result, and the argument as it was. */
static void set_result(struct task *t, long result)
{
#if defined(__x86_64__)
	ptrace(PTRACE_POKEUSER, t->pid, offsetof(struct user_regs_struct, rax), result);
	if (t->replaced)
		ptrace(PTRACE_POKEUSER, t->pid, offsetof(struct user_regs_struct, rdi),
		       t->argument);
#elif defined(__aarch64__)
	struct user_regs_struct r;
	struct iovec all = {&r, sizeof(r)};
	ptrace(PTRACE_GETREGSET, t->pid, 1, &all);
	r.regs[0] = (unsigned long)result;
	ptrace(PTRACE_SETREGSET, t->pid, 1, &all);
#endif
	t->overwrite = t->replaced = false;
}

static void entered(struct task *t, long nr, unsigned long first)
{
	t->calls++;
	bool hit = at_role && !done && t->calls >= at_number && !strcmp(at_role, t->role) &&
		   !(nr >= 0 && nr < CALLS && spared[nr]);
	done |= hit;
	if (out && (hit || !at_role))
		fprintf(out, "%s %lu %ld %lu %s\n", t->role, t->calls, nr, first, t->program);
	if (!hit)
		return;
	if (out)
		fflush(out);
	if (!fail_with) {
		kill(t->pid, SIGKILL);
		return;
	}
	t->overwrite = true;
	/* close(2) closes whatever it returns. */
	if (nr != SYS_close)
		replace_call(t);
}

static void on_syscall(struct task *t)
{
	struct __ptrace_syscall_info info = {0};
	if (ptrace(PTRACE_GET_SYSCALL_INFO, t->pid, sizeof(info), &info) < 0)
		return;
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
		entered(t, (long)info.entry.nr, info.entry.args[0]);
	} else if (info.op == PTRACE_SYSCALL_INFO_EXIT && t->overwrite) {
		set_result(t, -fail_with);
	}
}

static void on_child(struct task *parent)
{
	unsigned long pid;
	if (ptrace(PTRACE_GETEVENTMSG, parent->pid, NULL, &pid) < 0)
		return;
	struct task *t = task_of((pid_t)pid);
	snprintf(t->role, sizeof(t->role), "%.50s.%u", parent->role, ++parent->children);
	memcpy(t->program, parent->program, sizeof(t->program));
	t->known = true;
	if (t->waiting)
		go_on(t, 0);
	t->waiting = false;
}

static void let_go(struct task *t, int signal)
{
	ptrace(PTRACE_DETACH, t->pid, NULL, (long)signal);
	*t = (struct task){0};
}

static void on_stop(struct task *t, int status)
{
	int signal = WSTOPSIG(status), event = status >> 16;
	if (event == PTRACE_EVENT_STOP) {
		t->waiting = !t->known;
		if (t->known)
			go_on(t, 0);
		return;
	}
	if (event == PTRACE_EVENT_EXEC) {
		note_program(t);
		if (strncmp(t->program, "hull", 4)) {
			let_go(t, 0);
			return;
		}
	} else if (event) {
		on_child(t);
	} else if (signal == (SIGTRAP | 0x80)) {
		on_syscall(t);
	}
	go_on(t, event || signal == (SIGTRAP | 0x80) ? 0 : signal);
}

/* Everything traced is stopped by a signal first: only a stopped process can be let go. */
/* A first thread that has ended is told of only when the others, which come after it here, have
 * too. */
static bool await_stop(pid_t pid, int *status)
{
	const struct timespec moment = {.tv_nsec = 5000000};
	for (int i = 0; i < 200; i++) {
		pid_t r = waitpid(pid, status, __WALL | WNOHANG);
		if (r != 0)
			return r > 0;
		nanosleep(&moment, NULL);
	}
	return false;
}

static void let_all_go(void)
{
	for (size_t i = 0; i < TASKS; i++) {
		int status;
		if (!tasks[i].pid)
			continue;
		if (!tasks[i].waiting)
			ptrace(PTRACE_INTERRUPT, tasks[i].pid, NULL, NULL);
		if (!tasks[i].waiting && !await_stop(tasks[i].pid, &status))
			continue;
		bool plain = !tasks[i].waiting && WIFSTOPPED(status) && !(status >> 16) &&
			     WSTOPSIG(status) != (SIGTRAP | 0x80);
		if (tasks[i].overwrite)
			set_result(&tasks[i], -fail_with);
		ptrace(PTRACE_DETACH, tasks[i].pid, NULL, plain ? (long)WSTOPSIG(status) : 0L);
	}
}

static void run(bool main_only)
{
	static const char crashes[] = {SIGSEGV, SIGABRT, SIGBUS, SIGILL, SIGFPE, SIGSYS, 0};
	while (task_count()) {
		int status;
		pid_t pid = waitpid(-1, &status, __WALL);
		if (pid < 0 && errno != EINTR)
			return;
		if (pid < 0)
			continue;
		struct task *t = task_of(pid);
		if (WIFSTOPPED(status)) {
			on_stop(t, status);
			continue;
		}
		if (WIFSIGNALED(status) && strchr(crashes, WTERMSIG(status)) && out)
			fprintf(out, "crash %s %d %s\n", t->role, WTERMSIG(status), t->program);
		*t = (struct task){0};
		if (pid != root)
			continue;
		root_status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
		if (main_only) {
			let_all_go();
			return;
		}
	}
}

static void start(char **argv)
{
	const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
			     PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC;
	int gate[2], status;
	char word;
	if (pipe(gate) < 0 || (root = fork()) < 0)
		exit(125);
	if (root == 0) {
		close(gate[1]);
		if (read(gate[0], &word, 1) < 0)
			_exit(125);
		close(gate[0]);
		execvp(argv[0], argv);
		_exit(127);
	}
	close(gate[0]);
	struct task *t = task_of(root);
	strcpy(t->role, "0");
	t->known = true;
	if (ptrace(PTRACE_SEIZE, root, NULL, options) < 0) {
		perror("fault: ptrace");
		exit(125);
	}
	close(gate[1]);
	/* Its calls are counted from the program's first on. */
	for (;;) {
		if (waitpid(root, &status, __WALL) != root || !WIFSTOPPED(status))
			exit(127);
		if (status >> 16 == PTRACE_EVENT_EXEC)
			break;
		ptrace(PTRACE_CONT, root, NULL, 0L);
	}
	note_program(t);
	go_on(t, 0);
}

int main(int argc, char **argv)
{
	bool main_only = false;
	int option;
	const struct sigaction on_alarm = {.sa_handler = kill_all};
	sigaction(SIGALRM, &on_alarm, NULL);
	sigaction(SIGTERM, &on_alarm, NULL);
	while ((option = getopt(argc, argv, "+o:t:a:ke:mx:")) >= 0) {
		char *colon;
		switch (option) {
		case 'o':
			out = fopen(optarg, "we");
			break;
		case 't':
			alarm((unsigned)atoi(optarg));
			break;
		case 'm':
			main_only = true;
			break;
		case 'e':
			fail_with = atoi(optarg);
			break;
		case 'k':
			break;
		case 'x':
			for (char *n = strtok(optarg, ","); n; n = strtok(NULL, ","))
				if (atoi(n) >= 0 && atoi(n) < CALLS)
					spared[atoi(n)] = true;
			break;
		case 'a':
			colon = strchr(optarg, ':');
			if (!colon)
				return 125;
			*colon = '\0';
			at_role = optarg;
			at_number = strtoul(colon + 1, NULL, 10);
			break;
		default:
			return 125;
		}
	}
	if (optind >= argc)
		return 125;
	start(argv + optind);
	run(main_only);
	if (out)
		fclose(out);
	return root_status;
}
