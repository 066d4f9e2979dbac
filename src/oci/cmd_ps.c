/* SPDX-License-Identifier: Apache-2.0 */
/* hull-runtime ps: the processes in a container, by their ids, or as lines of the host's ps(1). */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "linux/cgroup.h"
#include "linux/signals.h"
#include "oci/commands.h"
#include "oci/state.h"

struct values {
	char *format;
};

struct pids {
	pid_t *items;
	size_t count;
};

static int list(const struct state *s, struct arena *a, struct pids *ret, struct err *e)
{
	CLEANUP_CGROUP struct cgroup group = CGROUP_CLOSED;
	if (!*s->record.cgroup)
		return err_set(e, ENOTSUP, ERR_INVALID,
			       "container %s has no control group that lists its processes", s->id);
	int r = cgroup_open(s->record.cgroup, &group, e);
	return r < 0 ? r : cgroup_pids(&group, a, &ret->items, &ret->count, e);
}

static bool is_in(const struct pids *p, long pid)
{
	for (size_t i = 0; i < p->count; i++)
		if (p->items[i] == pid)
			return true;
	return false;
}

/* The word number @column, -1 when there are not so many. */
static long word_value(const char *line, int column)
{
	for (; column > 0; column--) {
		line += strspn(line, " ");
		line += strcspn(line, " \n");
	}
	line += strspn(line, " ");
	return *line >= '0' && *line <= '9' ? strtol(line, NULL, 10) : -1;
}

static int pid_column(const char *header)
{
	int column = 0;
	for (const char *at = header + strspn(header, " "); *at && *at != '\n'; column++) {
		size_t len = strcspn(at, " \n");
		if (len == 3 && !strncmp(at, "PID", 3))
			return column;
		at += len;
		at += strspn(at, " ");
	}
	return -1;
}

static int filter(FILE *from, const struct pids *pids, struct err *e)
{
	CLEANUP_FREE char *line = NULL;
	size_t room = 0;
	int column = -1;
	for (bool first = true; getline(&line, &room, from) > 0; first = false) {
		if (first && (column = pid_column(line)) < 0)
			return err_set(e, EINVAL, ERR_INVALID,
				       "the output of ps has no column PID");
		if (first || is_in(pids, word_value(line, column)))
			fputs(line, stdout);
	}
	return 0;
}

static _Noreturn void run_ps(int out, const struct strv *options, struct arena *a)
{
	struct strv argv = {0};
	strv_push(a, &argv, "ps");
	strv_push_all(a, &argv, options);
	if (!options->count)
		strv_push(a, &argv, "-ef");
	signal_reset_all();
	if (dup2(out, STDOUT_FILENO) >= 0)
		execvp("ps", argv.items);
	fprintf(stderr, "hull-runtime: cannot execute ps: %s\n", err_errno_text(errno));
	_exit(127);
}

static int print_table(const struct pids *pids, const struct strv *options, struct arena *a,
		       struct err *e)
{
	int pair[2], status = 0;
	if (pipe2(pair, O_CLOEXEC) < 0)
		return err_errno(e, errno, "cannot make a pipe");
	pid_t pid = fork();
	if (pid == 0)
		run_ps(pair[1], options, a);
	close(pair[1]);
	CLEANUP_FILE FILE *from = fdopen(pair[0], "re");
	int r = pid < 0 || !from ? err_errno(e, errno, "cannot run ps") : filter(from, pids, e);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return r == 0 && status ? err_set(e, EIO, ERR_SYSTEM, "ps failed") : r;
}

static int ps(struct oci *oci, void *values, const struct strv *args, struct err *e)
{
	CLEANUP_STATE struct state s = STATE_CLOSED;
	const struct values *v = values;
	struct strv options = {args->items + 1, args->count - 1, 0};
	struct pids pids = {0};
	int r = state_open(oci, args->items[0], STATE_READ, &s, e);
	if (r == 0 && strcmp(v->format, "table") != 0 && strcmp(v->format, "json") != 0)
		r = err_set(e, EINVAL, ERR_USAGE, "invalid format option: \"%s\"", v->format);
	if (r == 0)
		r = list(&s, &oci->arena, &pids, e);
	if (r < 0 || !strcmp(v->format, "table"))
		return r < 0 ? r : print_table(&pids, &options, &oci->arena, e);
	putchar('[');
	for (size_t i = 0; i < pids.count; i++)
		printf("%s%d", i ? "," : "", (int)pids.items[i]);
	puts("]");
	return 0;
}

#define O(member_) .offset = offsetof(struct values, member_)
static const struct option items[] = {
	{"format", 'f', OPTION_STR, O(format), .initial = "table", .help = "table or json"},
};
const struct oci_command oci_ps = {
	.name = "ps",
	.synopsis = "ID [OPTION OF PS...]",
	.summary = "List the processes in a container",
	.options = OPTIONS_FOR(struct values, items),
	.args = {1, SIZE_MAX},
	.flags = OCI_STOP_AT_ARGUMENT,
	.run = ps,
};
