/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The frame of a command: the engine on demand, messages, archives that are written, and doing one
 * thing for many names. Rests on fork(2) and waitpid(2) for names in parallel: the state store's
 * connection must not cross a fork, so each child opens its own. Read cli.h first.
 */
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "cli/text.h"

int cli_engine(struct cli *cli, struct engine **ret, struct err *e)
{
	*ret = &cli->engine;
	if (cli->engine_is_open)
		return 0;
	int r = settings_open_engine(&cli->settings, &cli->engine, &cli->arena, e);
	cli->engine_is_open = r == 0;
	return r;
}

/* The kernel takes back all memory at once; piece by piece it costs more than many commands do.
 * (LeakSanitizer wants to see it given back.) */
#ifdef __SANITIZE_ADDRESS__
enum { FREES_ALL = true };
#else
enum { FREES_ALL = false };
#endif

void cli_exit(struct cli *cli, int code)
{
	if (cli->engine_is_open)
		(FREES_ALL ? engine_close : engine_leave)(&cli->engine);
	if (FREES_ALL)
		arena_free(&cli->arena);
	fflush(NULL);
	if (cli->behind.root_fd >= 0)
		remove_behind_exit(&cli->behind, code);
	_exit(code);
}

/* Names come from archives and command lines: none may command the terminal. */
static void put_plain(const char *prefix, const char *text)
{
	fputs(prefix, stderr);
	while (*text) {
		size_t width = *text == '\n' || *text == '\t' ? 0 : text_control(text);
		putc(width ? '?' : *text, stderr);
		text += width ? width : 1;
	}
	putc('\n', stderr);
}

void cli_complain(const struct cli *cli, const struct err *e)
{
	bool plain = !cli->command || cli->command->flags & COMMAND_ENGINE_EXIT;
	fflush(stdout);
	put_plain(plain || e->kind == ERR_USAGE ? "hull: " : "Error: ", e->text);
	if (*e->hint)
		put_plain("hint: ", e->hint);
	if (cli->settings.debug)
		fprintf(stderr, "debug: %s, kind %u; root %s, runroot %s\n",
			strerrorname_np(e->number) ? strerrorname_np(e->number) : "no errno",
			e->kind, cli->settings.root ? cli->settings.root : "-",
			cli->settings.runroot ? cli->settings.runroot : "-");
}

void cli_notice(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

bool cli_confirm(const char *warning)
{
	char answer[8] = "";
	printf("%s\nAre you sure you want to continue? [y/N] ", warning);
	fflush(stdout);
	if (!fgets(answer, sizeof(answer), stdin))
		putchar('\n');
	return (answer[0] == 'y' || answer[0] == 'Y') && (answer[1] == '\n' || !answer[1]);
}

void cli_warn(struct cli *cli)
{
	struct strv *warnings = &cli->engine.warnings;
	for (size_t i = 0; i < warnings->count; i++)
		cli_notice("WARNING: %s", warnings->items[i]);
	warnings->count = 0;
}

int cli_output_lost(const char *what, int number, struct err *e)
{
	int r = err_errno(e, number, "cannot write %s", what);
	e->kind = ERR_OUTPUT;
	if (r == -ENOSPC || r == -EDQUOT)
		err_hint(e, "what it goes to is full: free space there, or send it elsewhere");
	return r;
}

int cli_exit_code(const struct cli *cli, const struct err *e)
{
	unsigned flags = cli->command ? cli->command->flags : 0;
	bool command = e->kind == ERR_NO_COMMAND || e->kind == ERR_NOT_EXECUTABLE;
	if (e->kind == ERR_USAGE)
		return 125;
	if (flags & COMMAND_ENGINE_EXIT || (flags & COMMAND_EXEC_EXIT && command))
		return err_exit_code(e->kind);
	return 1;
}

int cli_write_archive(struct cli *cli, const char *output, archive_writer write, void *ctx,
		      struct err *e)
{
	bool is_file = output && *output;
	if (!is_file && isatty(STDOUT_FILENO))
		return err_set(
			e, EINVAL, ERR_INVALID,
			"cowardly refusing to save to a terminal. Use the -o flag or redirect");
	if (!is_file)
		return write(cli, STDOUT_FILENO, ctx, e);
	/* Written aside: a failure leaves what was there. The way through the container's mounts
	 * leads out of the current folder. */
	char *aside = arena_printf(&cli->arena, "%s.hull-%d", output, (int)getpid());
	struct stat st;
	if (stat(output, &st) == 0 && !S_ISREG(st.st_mode)) {
		err_set(e, EINVAL, ERR_INVALID,
			"cannot create %s: something that is no file is there", output);
		return err_hint(e, "without -o the archive goes to the standard output: ... > %s",
				output);
	}
	CLEANUP_FD int here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_FD int fd = here < 0 ? -errno : file_unnamed(here, output, aside);
	if (fd < 0)
		return err_errno(e, fd, "cannot create %s", output);
	int r = write(cli, fd, ctx, e);
	if (r < 0) {
		unlinkat(here, aside, 0);
		return r;
	}
	r = file_publish(fd, here, output, aside);
	return r < 0 ? err_errno(e, r, "cannot create %s", output) : 0;
}

int cli_missing_is_fine(const struct cli *cli, int r, const struct err *e)
{
	if (r != -ENOENT || e->kind != ERR_NOT_FOUND)
		return r;
	cli_complain(cli, e);
	return 1;
}

enum each_result { EACH_NAME, EACH_SAID, EACH_FAILED };

static enum each_result do_one(struct cli *cli, const char *name, void *values)
{
	struct err e = {0};
	struct engine *en;
	int r = cli_engine(cli, &en, &e);
	if (r == 0)
		r = cli->command->each(cli, name, values, &e);
	cli_warn(cli);
	if (r < 0)
		cli_complain(cli, &e);
	return r < 0 ? EACH_FAILED : r ? EACH_SAID : EACH_NAME;
}

/* In a process of its own. It leaves without running the parent's clean-up. */
static pid_t fork_one(struct cli *cli, const char *name, void *values)
{
	pid_t pid = fork();
	if (pid)
		return pid;
	enum each_result r = do_one(cli, name, values);
	cli_exit(cli, (int)r);
}

static enum each_result wait_one(pid_t pid)
{
	int status;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return EACH_FAILED;
	return WIFEXITED(status) ? (enum each_result)WEXITSTATUS(status) : EACH_FAILED;
}

int cli_each(struct cli *cli, const struct strv *names, void *values)
{
	pid_t pids[CLI_PARALLEL_MAX];
	int failed = 0;
	bool parallel = cli->command->flags & COMMAND_PARALLEL && names->count > 1;
	size_t at_once = parallel ? CLI_PARALLEL_MAX : 1;
	fflush(NULL);
	for (size_t i = 0; i < names->count; i++) {
		if (i % at_once == 0)
			for (size_t k = 0; parallel && k < at_once && i + k < names->count; k++)
				pids[k] = fork_one(cli, names->items[i + k], values);
		/* Alone, or no process to be had. */
		bool here = !parallel || pids[i % at_once] < 0;
		enum each_result r =
			here ? do_one(cli, names->items[i], values) : wait_one(pids[i % at_once]);
		if (r == EACH_NAME)
			puts(names->items[i]);
		fflush(stdout);
		failed |= r == EACH_FAILED;
	}
	return failed;
}

int cli_find_running(struct cli *cli, const char *name, struct container *ret, struct err *e)
{
	int r = container_find(&cli->engine, name, &cli->arena, ret, e);
	if (r < 0 || ret->pid)
		return r;
	err_set(e, ESRCH, ERR_CONFLICT, "container %s is not running", ret->name);
	return err_hint(e, "hull why %s says how it ended", ret->name);
}
