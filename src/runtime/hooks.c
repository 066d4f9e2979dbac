/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running hooks. Rests on memfd_create(2), sigtimedwait(2), execve(2). A memfd is standard input
 * (never blocks, whatever the hook reads of it), another one takes what the hook prints.
 * Invariant: a hook inherits nothing but these: no environment, no descriptors, no ignored signals.
 * Read hooks.h first.
 */
#include "runtime/hooks.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "linux/signals.h"

enum { OUTPUT_SHOWN = 400, STATUS_NO_EXEC = 127, TIMEOUT_MAX = 86400 };

static const struct kind {
	const char *name;
	size_t offset; /* of its array in struct oci_hooks */
	const char *status;
	bool go_on; /* after a failure */
} kinds[] = {
	[HOOK_PRESTART] = {"prestart", offsetof(struct oci_hooks, prestart), "creating", false},
	[HOOK_CREATE_RUNTIME] = {"createRuntime", offsetof(struct oci_hooks, create_runtime),
				 "creating", false},
	[HOOK_CREATE_CONTAINER] = {"createContainer", offsetof(struct oci_hooks, create_container),
				   "creating", false},
	[HOOK_START_CONTAINER] = {"startContainer", offsetof(struct oci_hooks, start_container),
				  "created", false},
	[HOOK_POSTSTART] = {"poststart", offsetof(struct oci_hooks, poststart), "running", false},
	[HOOK_POSTSTOP] = {"poststop", offsetof(struct oci_hooks, poststop), "stopped", true},
};

static const struct array *list_of(const struct oci_hooks *h, enum hook_kind kind)
{
	return (const struct array *)((const char *)h + kinds[kind].offset);
}

static int check_one(const struct oci_hook *h, struct err *e)
{
	if (h->path[0] != '/')
		return err_set(e, EINVAL, ERR_INVALID, "the path must be absolute");
	if (h->timeout.set && (h->timeout.value <= 0 || h->timeout.value > TIMEOUT_MAX))
		return err_set(e, EINVAL, ERR_INVALID, "timeout %lld: it goes from 1 to %d seconds",
			       (long long)h->timeout.value, TIMEOUT_MAX);
	return 0;
}

int hooks_check(const struct oci_hooks *h, struct err *e)
{
	for (size_t kind = 0; h && kind < ARRAY_LEN(kinds); kind++) {
		const struct array *list = list_of(h, (enum hook_kind)kind);
		const struct oci_hook *hooks = list->items;
		for (size_t i = 0; i < list->count; i++)
			if (check_one(&hooks[i], e) < 0)
				return err_context(e, "%s hook %zu (%s)", kinds[kind].name, i,
						   hooks[i].path);
	}
	return 0;
}

bool hooks_before_pivot(const struct oci_spec *spec)
{
	const struct oci_hooks *h = spec->hooks;
	return h && h->prestart.count + h->create_runtime.count + h->create_container.count;
}

struct oci_state hooks_state(const struct hooks *h, const char *status, pid_t pid)
{
	return (struct oci_state){
		.oci_version = h->spec->oci_version,
		.id = (char *)h->id,
		.status = (char *)status,
		.pid = pid,
		.bundle = (char *)h->bundle,
		.annotations = h->spec->annotations,
	};
}

static int memory_file(const char *name, struct err *e)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	return fd < 0 ? err_errno(e, errno, "cannot prepare the hooks") : fd;
}

int hooks_prepare(const struct hooks *h, enum hook_kind kind, pid_t pid, struct hooks_ready *ret,
		  struct err *e)
{
	const struct oci_spec *s = h->spec;
	*ret = (struct hooks_ready){.kind = kind, .state = -1, .output = -1};
	if (!s->hooks || list_of(s->hooks, kind)->count == 0)
		return 0;
	CLEANUP_ARENA struct arena a = {0};
	struct oci_state state = hooks_state(h, kinds[kind].status, pid);
	char *text = shape_print(&oci_state_shape, &state, false, &a);
	ret->hooks = s->hooks;
	ret->state = memory_file("state", e);
	ret->output = ret->state < 0 ? -1 : memory_file("output", e);
	if (ret->output < 0)
		return -e->number;
	int r = fd_write_full(ret->state, text, strlen(text));
	if (r == 0 &&
	    fcntl(ret->state, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW) < 0)
		r = -errno;
	return r < 0 ? err_errno(e, r, "cannot prepare the hooks") : 0;
}

void hooks_close(struct hooks_ready *ready)
{
	if (!ready->hooks)
		return;
	fd_drop(&ready->state);
	fd_drop(&ready->output);
}

static _Noreturn void execute(const struct oci_hook *h, const struct hooks_ready *ready)
{
	char *none[] = {NULL}, *only[] = {h->path, NULL};
	signal_reset_all();
	setpgid(0, 0); /* so that a timeout ends what it started, too */
	if (dup2(ready->state, 0) == 0 && dup2(ready->output, 1) == 1 && dup2(1, 2) == 2 &&
	    syscall(SYS_close_range, 3, ~0U, CLOSE_RANGE_CLOEXEC) == 0)
		execve(h->path, h->args.count ? h->args.items : only,
		       h->env.count ? h->env.items : none);
	const char *why = err_errno_text(errno);
	fd_write_full(ready->output, why, strlen(why));
	_exit(STATUS_NO_EXEC);
}

/* Its wait status, or -ETIMEDOUT once it was killed. SIGCHLD is blocked, so none is missed. */
static int await(pid_t pid, int64_t timeout_s, int *ret_status)
{
	int64_t until = clock_ms() + timeout_s * 1000;
	sigset_t child;
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	for (;;) {
		int64_t left = until - clock_ms();
		pid_t ended = waitpid(pid, ret_status, timeout_s > 0 ? WNOHANG : 0);
		if (ended == pid)
			return 0;
		if (ended < 0 && errno != EINTR)
			return -errno;
		if (timeout_s > 0 && left <= 0)
			break;
		struct timespec wait = {left / 1000, left % 1000 * 1000000};
		if (timeout_s > 0)
			sigtimedwait(&child, NULL, &wait);
	}
	kill(-pid, SIGKILL);
	kill(pid, SIGKILL);
	TEMP_FAILURE_RETRY(waitpid(pid, ret_status, 0));
	return -ETIMEDOUT;
}

static int spawn(const struct oci_hook *h, const struct hooks_ready *ready, int *ret_status)
{
	struct sigaction normal = {.sa_handler = SIG_DFL}, action;
	sigset_t child, mask;
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	/* Ignored, the kernel would reap it before we can. */
	sigaction(SIGCHLD, &normal, &action);
	sigprocmask(SIG_BLOCK, &child, &mask);
	pid_t pid = fork();
	if (pid == 0)
		execute(h, ready);
	int r = pid < 0 ? -errno : await(pid, h->timeout.set ? h->timeout.value : 0, ret_status);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	sigaction(SIGCHLD, &action, NULL);
	return r;
}

/* The end of what it printed, on one line. */
static void show_output(int fd, char *buf, size_t size)
{
	off_t end = lseek(fd, 0, SEEK_END);
	off_t from = end > (off_t)size - 1 ? end - ((off_t)size - 1) : 0;
	ssize_t n = pread(fd, buf, size - 1, from);
	while (n > 0 && (buf[n - 1] == '\n' || buf[n - 1] == ' '))
		n--;
	for (ssize_t i = 0; i < n; i++)
		if ((unsigned char)buf[i] < ' ' || buf[i] == 0x7f)
			buf[i] = ' ';
	buf[n > 0 ? n : 0] = '\0';
}

static int run_one(const struct oci_hook *h, const struct hooks_ready *ready, struct err *e)
{
	int status = 0;
	char said[OUTPUT_SHOWN];
	if (lseek(ready->state, 0, SEEK_SET) < 0 || ftruncate(ready->output, 0) < 0 ||
	    lseek(ready->output, 0, SEEK_SET) < 0)
		return err_errno(e, errno, "cannot prepare it");
	int r = spawn(h, ready, &status);
	if (r == 0 && status == 0)
		return 0;
	show_output(ready->output, said, sizeof(said));
	const char *colon = *said ? ": " : "";
	if (r == -ETIMEDOUT)
		return err_set(e, ETIMEDOUT, ERR_TIMEOUT, "it did not end within %lld s%s%s",
			       (long long)h->timeout.value, colon, said);
	if (r < 0)
		return err_errno(e, r, "cannot run it");
	bool killed = WIFSIGNALED(status);
	return err_set(e, ECANCELED, ERR_SYSTEM, "%s %d%s%s",
		       killed ? "killed by signal" : "exit status",
		       killed ? WTERMSIG(status) : WEXITSTATUS(status), colon, said);
}

int hooks_run_ready(const struct hooks_ready *ready, struct err *e)
{
	if (!ready->hooks)
		return 0;
	const struct kind *kind = &kinds[ready->kind];
	const struct array *list = list_of(ready->hooks, ready->kind);
	const struct oci_hook *hooks = list->items;
	struct err one;
	int first = 0;
	for (size_t i = 0; i < list->count; i++) {
		int r = run_one(&hooks[i], ready, &one);
		if (r == 0)
			continue;
		err_context(&one, "%s hook %zu (%s)", kind->name, i, hooks[i].path);
		if (first == 0)
			*e = one;
		first = first < 0 ? first : r;
		if (!kind->go_on)
			break;
	}
	return first;
}

int hooks_run(const struct hooks *h, enum hook_kind kind, pid_t pid, struct err *e)
{
	CLEANUP_HOOKS struct hooks_ready ready;
	int r = hooks_prepare(h, kind, pid, &ready, e);
	return r < 0 ? r : hooks_run_ready(&ready, e);
}
