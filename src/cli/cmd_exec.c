/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hull exec: one more process in a running container. hull itself is its parent: without a terminal
 * the process has pipes, those of our caller where he has some; with one we serve its pty. Signals
 * that we get go to it, so that ending `hull exec` ends what it started. What was detached goes on,
 * and a child of ours until it ends.
 * Read exec_stdio.h and client.h first.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/env_file.h"
#include "cli/exec_stdio.h"
#include "cli/resource_option.h"
#include "cli/session.h"
#include "linux/tty.h"
#include "linux/pidfd.h"
#include "linux/pty.h"

struct exec_values {
	bool detach, interactive, privileged, tty;
	bool debug;
	char *detach_keys, *user, *workdir, *image;
	struct strv env, env_files;
};

static void forward_signal(void *ctx, int number)
{
	const struct exec_process *p = ctx;
	pidfd_signal(p->pidfd, number);
}

static void forward_size(void *ctx, unsigned rows, unsigned cols)
{
	const struct exec_process *p = ctx;
	pty_resize(p->pty_fd, rows, cols);
}

static int code_of(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int exit_code(struct cli *cli, const struct exec_process *p, struct err *e)
{
	int status;
	int r = pidfd_wait_child(p->pidfd, &status);
	if (r < 0)
		return err_errno(e, r, "cannot wait for the process");
	container_exec_ended(&cli->engine, p, code_of(status));
	return code_of(status);
}

/* ---- what goes on without us ---- */

/* Its parent knows how it ended; from its pidfd anybody does, once a new parent has taken note. */
static bool tell_end(struct engine *en, const struct exec_process *p, int pidfd)
{
	int status = 0;
	if (pidfd_wait_child(pidfd, &status) < 0 && pidfd_exit_status(pidfd, &status) < 0)
		return false;
	if (db_open(&en->db, en->root, ERR_IGNORED) == 0)
		container_exec_ended(en, p, code_of(status));
	db_close(&en->db);
	return true;
}

/* In a child of ours: until the process has ended, and no other has its terminal open any more. A
 * terminal whose last holder closes it hangs up its session, and one that nobody reads stops its
 * writers. */
static _Noreturn void stay(struct engine *en, const struct exec_process *p)
{
	enum { PIDFD = 3, PTY, REST, NOTE_MS = 10000 };
	char chunk[4096];
	db_close(&en->db);
	setsid();
	(void)!chdir("/");
	int pidfd = fcntl(p->pidfd, F_DUPFD, REST);
	int pty = p->pty_fd < 0 ? -1 : fcntl(p->pty_fd, F_DUPFD, REST);
	int null = open("/dev/null", O_RDWR);
	for (int fd = 0; fd < PIDFD; fd++)
		dup2(null, fd);
	dup2(pidfd, PIDFD);
	dup2(pty, PTY);
	close_range(pty < 0 ? PTY : REST, ~0U, 0);
	struct pollfd fds[] = {{PIDFD, POLLIN, 0}, {pty < 0 ? -1 : PTY, POLLIN, 0}};
	while (fds[0].fd >= 0 || fds[1].fd >= 0) {
		bool first = fds[0].fd < 0 || fds[0].events;
		int n = TEMP_FAILURE_RETRY(poll(fds, 2, first || fds[1].fd >= 0 ? -1 : NOTE_MS));
		if (n <= 0)
			break;
		if (fds[1].revents && read(PTY, chunk, sizeof(chunk)) <= 0)
			fds[1].fd = -1;
		if (fds[0].revents && (tell_end(en, p, PIDFD) || !first))
			fds[0].fd = -1;
		else if (fds[0].revents)
			fds[0].events = 0; /* POLLHUP is when the new parent has */
	}
	_exit(0);
}

/* After the detach keys. */
static int leave(struct cli *cli, const struct exec_process *p, struct err *e)
{
	container_exec_ended(&cli->engine, p, -1);
	cli_notice("read escape sequence");
	db_close(&cli->engine.db); /* it is not carried over a fork(2) */
	signal(SIGHUP, SIG_IGN); /* our own end may hang up the user's terminal before the setsid */
	pid_t pid = fork();
	if (pid == 0)
		stay(&cli->engine, p);
	return pid > 0 ? 1 : err_errno(e, errno, "cannot leave the terminal to a child");
}

/* With -d a child of ours is its parent: nobody else would learn how it ended. */
static int run_detached(struct cli *cli, const struct container_exec *x, const char *ref,
			struct err *e)
{
	int report[2];
	struct err done = {0};
	if (pipe2(report, O_CLOEXEC) < 0)
		return err_errno(e, errno, "cannot make a pipe");
	CLEANUP_FD int ours = report[0];
	CLEANUP_FD int theirs = report[1];
	signal(SIGHUP, SIG_IGN);
	pid_t pid = fork();
	if (pid < 0)
		return err_errno(e, errno, "cannot leave the process to a child");
	if (pid == 0) {
		struct engine *en;
		struct exec_process p;
		int r = cli_engine(cli, &en, &done);
		if (r == 0)
			r = container_exec(en, ref, x, &p, &done);
		fd_write_full(theirs, &done, sizeof(done));
		if (r < 0)
			_exit(1);
		stay(en, &p);
	}
	fd_drop(&theirs);
	if (fd_read_full(ours, &done, sizeof(done)) != sizeof(done))
		return err_set(e, EIO, ERR_INTERNAL, "who was to start the process was killed");
	if (done.number)
		*e = done;
	return -done.number;
}

static int serve_pty(struct cli *cli, const struct exec_values *v, struct exec_process *p,
		     struct err *e)
{
	struct client c = {.stream = p->pty_fd,
			   .raw = true,
			   .with_stdin = v->interactive,
			   .with_stdout = true,
			   .watch = p->pidfd,
			   .on_signal = forward_signal,
			   .on_resize = forward_size,
			   .ctx = p};
	const char *keys = v->detach_keys ? v->detach_keys : cli->settings.detach_keys;
	int number = 0;
	/* What ends with us has none. */
	int r = v->debug ? 0
			 : detach_keys_parse(keys && *keys ? keys : DETACH_KEYS_DEFAULT, &c.detach,
					     e);
	if (r < 0)
		return r;
	switch (r = client_run(&c, &number, e)) {
	case CLIENT_ENDED:
		return exit_code(cli, p, e);
	case CLIENT_DETACHED:
		return leave(cli, p, e);
	case CLIENT_SIGNALLED:
		forward_signal(p, number);
		return 128 + number;
	default:
		return r;
	}
}

/* What we are told meanwhile, it is told. */
static int serve_stdio(struct cli *cli, struct exec_stdio *stdio, struct exec_process *p,
		       struct err *e)
{
	exec_stdio_given(stdio);
	int r = exec_stdio_serve(stdio, p->pidfd, forward_signal, p, e);
	return r ? r : exit_code(cli, p, e);
}

static int exec_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	const struct exec_values *v = values;
	struct engine *en;
	struct exec_process p;
	struct container_exec x = {
		.args = {args->items + 1, args->count - 1, 0},
		.user = v->user,
		.workdir = v->workdir,
		.tty = v->tty,
		.privileged = v->privileged,
		.debug = v->debug,
		.tended = v->debug,
		.image = v->image,
	};
	unsigned rows, cols;
	int r = session_check_tty(v->tty, v->interactive && !v->detach, e);
	if (r == 0)
		r = env_files_read(&v->env_files, &v->env, ENV_BARE_INHERIT, &x.env, &cli->arena,
				   e);
	if (r < 0)
		return r;
	struct exec_stdio stdio CLEANUP_EXEC_STDIO;
	r = exec_stdio_open(&stdio, v->detach || v->tty, v->interactive, e);
	if (r < 0)
		return r;
	memcpy(x.stdio, stdio.process, sizeof(x.stdio));
	if (v->tty && tty_size(&rows, &cols)) {
		x.rows = rows;
		x.cols = cols;
	}
	if (v->detach)
		return run_detached(cli, &x, args->items[0], e);
	r = cli_engine(cli, &en, e);
	if (r == 0)
		r = container_exec(en, args->items[0], &x, &p, e);
	if (r < 0)
		return r;
	return v->tty ? serve_pty(cli, v, &p, e) : serve_stdio(cli, &stdio, &p, e);
}

#define O(member) .offset = offsetof(struct exec_values, member)
static const struct option options[] = {
	{"detach", 'd', OPTION_BOOL, O(detach),
	 .help = "Detached mode: run command in the background"},
	{"detach-keys", 0, OPTION_STR, O(detach_keys),
	 .help = "Override the key sequence for detaching a container"},
	{"env", 'e', OPTION_CUSTOM, O(env), .arg = "list", .set = option_set_env,
	 .help = "Set environment variables"},
	{"env-file", 0, OPTION_LIST, O(env_files),
	 .help = "Read in a file of environment variables"},
	{"interactive", 'i', OPTION_BOOL, O(interactive),
	 .help = "Keep STDIN open even if not attached"},
	{"privileged", 0, OPTION_BOOL, O(privileged),
	 .help = "Give extended privileges to the command"},
	{"tty", 't', OPTION_BOOL, O(tty), .help = "Allocate a pseudo-TTY"},
	{"user", 'u', OPTION_STR, O(user),
	 .help = "Username or UID (format: \"<name|uid>[:<group|gid>]\")"},
	{"workdir", 'w', OPTION_STR, O(workdir), .help = "Working directory inside the container"},
};

const struct command command_exec = {
	.names = NAMES("exec", "container exec"),
	.synopsis = "[OPTIONS] CONTAINER COMMAND [ARG...]",
	.summary = "Execute a command in a running container",
	.options = OPTIONS_FOR(struct exec_values, options),
	.args = {2, ANY_NUMBER},
	.flags = COMMAND_STOP_AT_ARGUMENT | COMMAND_COMMON | COMMAND_EXEC_EXIT |
		 COMMAND_LATE_ENGINE | COMMAND_ENTERS,
	.complete = COMPLETE_CONTAINER_ONCE,
	.run = exec_run,
};

/* ---- hull debug ---- */

static int debug_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	struct exec_values *v = values;
	struct strv words = {0};
	for (size_t i = 0; i < args->count; i++)
		if (i != 1 || strcmp(args->items[i], "--"))
			strv_push(&cli->arena, &words, args->items[i]);
	bool terminal = isatty(STDIN_FILENO);
	v->debug = true;
	v->interactive |= terminal || words.count == 1;
	v->tty |= terminal && isatty(STDOUT_FILENO);
	if (!v->user)
		v->user = "0:0";
	if (!v->workdir)
		v->workdir = "/";
	return exec_run(cli, v, &words, e);
}

static const struct option debug_options[] = {
	{"env", 'e', OPTION_CUSTOM, O(env), .arg = "list", .set = option_set_env,
	 .help = "Set environment variables"},
	{"image", 0, OPTION_STR, O(image),
	 .help = "Take the tools from this image, not from this machine"},
	{"interactive", 'i', OPTION_BOOL, O(interactive),
	 .help = "Keep STDIN open even if not attached (default: on a terminal, or without "
		 "COMMAND)"},
	{"privileged", 0, OPTION_BOOL, O(privileged),
	 .help = "All capabilities, and no filter of system calls"},
	{"tty", 't', OPTION_BOOL, O(tty), .help = "Allocate a pseudo-TTY (default: on a terminal)"},
	{"user", 'u', OPTION_STR, O(user),
	 .help = "Username or UID of the container (format: \"<name|uid>[:<group|gid>]\"; default: "
		 "root)"},
	{"workdir", 'w', OPTION_STR, O(workdir),
	 .help = "Working directory, as the tools see it (default \"/\")"},
};

const struct command command_debug = {
	.names = NAMES("debug", "container debug"),
	.synopsis = "[OPTIONS] CONTAINER [[--] COMMAND [ARG...]]",
	.summary = "A shell with tools in a running container that has none",
	.text = "The process is in all namespaces of the container but that of the mounts: it sees "
		"its processes, network and IPC, and has a root with tools: those of this machine, "
		"which it cannot change, or those of an image, whose changes are thrown away. The "
		"container's own files are at /container.\n\n"
		"It runs as the container's root, with the container's capabilities and "
		"CAP_SYS_PTRACE, and hull's own filter of system calls. It belongs to the "
		"container's control group: what it uses counts, and the limits hold for it. It "
		"ends with the container, and with this command; nothing is left of it.\n\n"
		"Without a command it is bash, or sh where there is no bash.",
	.options = OPTIONS_FOR(struct exec_values, debug_options),
	.args = {1, ANY_NUMBER},
	.flags =
		COMMAND_STOP_AT_ARGUMENT | COMMAND_EXEC_EXIT | COMMAND_LATE_ENGINE | COMMAND_ENTERS,
	.complete = COMPLETE_CONTAINER_ONCE,
	.run = debug_run,
};
