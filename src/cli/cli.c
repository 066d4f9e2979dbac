/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The frame of a command: the engine on demand, messages, and doing one thing for many names.
 * Rests on fork(2) and waitpid(2) for names in parallel: the state store's connection must not
 * cross a fork, so each child opens its own. Read cli.h first.
 */
#include "cli/cli.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"

/* The programs that the engine starts lie beside this one. */
static int program_folder(struct arena *a, char **ret, struct err *e)
{
	char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	if (n < 0)
		return err_errno(e, errno, "cannot find where hull is installed");
	path[n] = '\0';
	*strrchr(path, '/') = '\0';
	*ret = arena_strdup(a, path);
	return 0;
}

int cli_engine(struct cli *cli, struct engine **ret, struct err *e)
{
	*ret = &cli->engine;
	if (cli->engine_is_open)
		return 0;
	char *libexec;
	int r = program_folder(&cli->arena, &libexec, e);
	if (r == 0)
		r = engine_open(&cli->engine, cli->settings.root, cli->settings.runroot, libexec,
				e);
	cli->engine_is_open = r == 0;
	return r;
}

void cli_close(struct cli *cli)
{
	if (cli->engine_is_open)
		engine_close(&cli->engine);
	cli->engine_is_open = false;
	arena_free(&cli->arena);
}

void cli_complain(const struct cli *cli, const struct err *e)
{
	bool plain = !cli->command || cli->command->flags & COMMAND_ENGINE_EXIT;
	fflush(stdout);
	fprintf(stderr, "%s: %s\n", plain || e->kind == ERR_USAGE ? "hull" : "Error", e->text);
	if (*e->hint)
		fprintf(stderr, "hint: %s\n", e->hint);
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

void cli_warn(const struct strv *warnings)
{
	for (size_t i = 0; i < warnings->count; i++)
		cli_notice("WARNING: %s", warnings->items[i]);
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

int cli_each(struct cli *cli, const struct strv *names, cli_each_fn fn, void *ctx)
{
	int status = 0;
	for (size_t i = 0; i < names->count; i++) {
		struct err e = {0};
		if (fn(cli, names->items[i], ctx, &e) >= 0)
			continue;
		cli_complain(cli, &e);
		status = 1;
	}
	return status;
}

/* In the child: do it, tell a failure, and leave without running the parent's clean-up. */
static void __attribute__((noreturn))
child_run(struct cli *cli, const char *name, cli_each_fn fn, void *ctx)
{
	struct err e = {0};
	int r = fn(cli, name, ctx, &e);
	if (r < 0)
		cli_complain(cli, &e);
	cli_close(cli);
	fflush(NULL);
	_exit(r < 0 ? 1 : 0);
}

static int child_wait(pid_t pid, const char *name)
{
	int status;
	pid_t r;
	do
		r = waitpid(pid, &status, 0);
	while (r < 0 && errno == EINTR);
	if (r != pid || !WIFEXITED(status) || WEXITSTATUS(status))
		return 1;
	puts(name);
	fflush(stdout);
	return 0;
}

int cli_each_parallel(struct cli *cli, const struct strv *names, cli_each_fn fn, void *ctx)
{
	pid_t pids[CLI_PARALLEL_MAX];
	int status = 0;
	fflush(NULL);
	for (size_t first = 0; first < names->count; first += CLI_PARALLEL_MAX) {
		size_t count = names->count - first;
		if (count > CLI_PARALLEL_MAX)
			count = CLI_PARALLEL_MAX;
		for (size_t i = 0; i < count; i++) {
			pids[i] = count > 1 ? fork() : -1;
			if (pids[i] == 0)
				child_run(cli, names->items[first + i], fn, ctx);
		}
		for (size_t i = 0; i < count; i++) {
			struct strv one = {&names->items[first + i], 1, 0};
			if (pids[i] > 0)
				status |= child_wait(pids[i], one.items[0]);
			else if (cli_each(cli, &one, fn, ctx) == 0)
				puts(one.items[0]); /* alone, or no process to be had */
			else
				status = 1;
		}
	}
	return status;
}
