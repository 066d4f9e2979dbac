/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The processes of a container, as `ps` of the host prints them: docker's `top`. ps(1) is run with
 * the user's arguments for the container's processes, where it lets them be chosen so, and the rows
 * whose PID column is one of theirs are kept. Also here: the size of a container's files.
 */
#include "engine/layer.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "base/tree.h"
#include "base/units.h"
#include "linux/cgroup.h"
#include "linux/namespaces.h"
#include "linux/process.h"

enum { PS_OUTPUT_MAX = 64 << 20, PS_ARGUMENT_MAX = 100 << 10 };

/* @pids: "-q1,2,3", or NULL for those that ps itself chooses: without -e those of our terminal. */
static int run_ps(const struct strv *args, const char *pids, struct strbuf *out, struct err *e)
{
	static const char *const programs[] = {"/usr/bin/ps", "/bin/ps"};
	CLEANUP_ARENA struct arena a = {0};
	struct strv argv = {0};
	int pipes[2], status = 0;
	strv_push(&a, &argv, "ps");
	if (args->count)
		strv_push_all(&a, &argv, args);
	else
		strv_push(&a, &argv, "-ef");
	if (pids)
		strv_push(&a, &argv, pids);
	if (pipe2(pipes, O_CLOEXEC) < 0)
		return err_errno(e, errno, "cannot make a pipe");
	pid_t pid = fork();
	if (pid == 0) {
		char *const env[] = {"LC_ALL=C", "COLUMNS=10000", NULL};
		dup2(pipes[1], STDOUT_FILENO);
		if (pids)
			close(STDERR_FILENO); /* it will be asked again */
		for (size_t i = 0; i < ARRAY_LEN(programs); i++)
			execve(programs[i], argv.items, env);
		_exit(127);
	}
	close(pipes[1]);
	CLEANUP_FD int from = pipes[0];
	for (ssize_t n = 1; pid > 0 && n > 0;) {
		char *at = strbuf_reserve(out, 65536);
		n = at ? read(from, at, 65536) : 0;
		if (n > 0)
			out->len += (size_t)n;
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return err_errno(e, errno, "cannot run ps");
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127) {
		err_set(e, ENOENT, ERR_SYSTEM, "cannot run ps: it is not installed");
		return err_hint(e, "install the package procps on the host");
	}
	if (!strbuf_ok(out) || status != 0)
		return err_set(e, EINVAL, ERR_INVALID, "error running ps: exit status %d",
			       WEXITSTATUS(status));
	return 0;
}

/* Split one line into @columns fields; the last one takes the rest, blanks included. */
static void split(char *line, size_t columns, struct arena *a, struct strv *ret)
{
	for (size_t i = 0; *(line += strspn(line, " \t")); i++) {
		size_t len = i + 1 == columns ? strlen(line) : strcspn(line, " \t");
		strv_push(a, ret, arena_strndup(a, line, len));
		line += len;
	}
}

static bool has_pid(const pid_t *pids, size_t count, const char *text)
{
	uint64_t pid;
	if (uint_parse(text, INT32_MAX, &pid) < 0)
		return false;
	for (size_t i = 0; i < count; i++)
		if (pids[i] == (pid_t)pid)
			return true;
	return false;
}

/* The @depth-th number that a process has, from the outermost namespace on; how many it has. */
static size_t number_of(const char *pid, size_t depth, struct arena *a, char **ret)
{
	char path[64], text[4096] = "";
	size_t count = 0;
	snprintf(path, sizeof(path), "/proc/%s/status", pid);
	file_read_small(AT_FDCWD, path, text, sizeof(text));
	char *line = strstr(text, "\nNSpid:");
	for (line = line ? line + 7 : text + strlen(text); *(line += strspn(line, "\t "));
	     count++) {
		size_t len = strspn(line, "0123456789");
		if (!len)
			break;
		if (count == depth)
			*ret = arena_strndup(a, line, len);
		line += len;
	}
	return count;
}

/* In front of each row. */
static void add_inside(const struct container *c, size_t pid_column, struct arena *a,
		       struct top_table *t)
{
	char *ignored;
	size_t depth = number_of(arena_printf(a, "%d", (int)c->pid), 0, a, &ignored);
	for (size_t i = 0; i <= t->row_count; i++) {
		struct strv *row = i ? &t->rows[i - 1] : &t->titles, wide = {0};
		char *number = i ? "-" : "INSIDE"; /* - : it has ended */
		if (i && depth)
			number_of(row->items[pid_column], depth - 1, a, &number);
		strv_push(a, &wide, number);
		strv_push_all(a, &wide, row);
		*row = wide;
	}
}

static int parse_ps(char *text, const pid_t *pids, size_t count, const struct container *inside,
		    struct arena *a, struct top_table *t, struct err *e)
{
	char *rest = text;
	size_t pid_column = 0;
	split(strsep(&rest, "\n"), SIZE_MAX, a, &t->titles);
	while (pid_column < t->titles.count && strcmp(t->titles.items[pid_column], "PID"))
		pid_column++;
	if (pid_column == t->titles.count)
		return err_set(e, EINVAL, ERR_INVALID, "Couldn't find PID field in ps output");
	t->rows = arena_array(a, count, sizeof(*t->rows));
	for (char *line; (line = strsep(&rest, "\n")) && t->row_count < count;) {
		struct strv row = {0};
		split(line, t->titles.count, a, &row);
		if (row.count > pid_column && has_pid(pids, count, row.items[pid_column]))
			t->rows[t->row_count++] = row;
	}
	if (inside)
		add_inside(inside, pid_column, a, t);
	return 0;
}

/* A column that is called PID and is none would choose the rows: processes of others. */
static int refuse_renamed(const struct strv *args, struct err *e)
{
	for (size_t i = 0; i < args->count; i++) {
		const char *title = strchr(args->items[i], '=');
		if (title && strstr(title, "PID") && strcmp(args->items[i], "pid=PID"))
			return err_set(e, EINVAL, ERR_INVALID, "specifying \"%s\" is not allowed",
				       args->items[i]);
	}
	return 0;
}

/* Trees, and other ways to choose, cannot be had together with -q. */
static int list(const struct strv *args, const pid_t *pids, size_t count, struct strbuf *out,
		struct err *e)
{
	CLEANUP_STRBUF struct strbuf q = STRBUF_MAX(PS_ARGUMENT_MAX);
	for (size_t i = 0; i < count; i++)
		strbuf_printf(&q, "%s%d", i ? "," : "-q", (int)pids[i]);
	if (count && strbuf_ok(&q) && run_ps(args, strbuf_text(&q), out, e) == 0)
		return 0;
	strbuf_free(out);
	return run_ps(args, NULL, out, e);
}

int container_pids(const struct container *c, struct arena *a, pid_t **ret, size_t *ret_count,
		   struct err *e)
{
	CLEANUP_CGROUP struct cgroup group = CGROUP_CLOSED;
	const char *path = container_cgroup_path(c, a);
	if (!*path && namespace_others(c->pid, CLONE_NEWPID))
		return process_list_beside(c->pid, a, ret, ret_count, e);
	int r = cgroup_open(path, &group, e);
	return r < 0 ? r : cgroup_pids(&group, a, ret, ret_count, e);
}

int container_top(struct engine *en, const char *ref, const struct strv *ps_args, bool inside,
		  struct arena *a, struct top_table *ret, struct err *e)
{
	CLEANUP_STRBUF struct strbuf out = STRBUF_MAX(PS_OUTPUT_MAX);
	struct container c;
	pid_t *pids;
	size_t count;
	int r = refuse_renamed(ps_args, e);
	if (r == 0)
		r = container_find(en, ref, a, &c, e);
	if (r == 0 && !c.pid)
		r = err_set(e, ESRCH, ERR_CONFLICT, "container %s is not running", c.id);
	if (r == 0)
		r = container_pids(&c, a, &pids, &count, e);
	if (r == 0)
		r = list(ps_args, pids, count, &out, e);
	if (r < 0)
		return r;
	struct top_table table = {0};
	r = parse_ps(arena_strndup(a, out.buf, out.len), pids, count, inside ? &c : NULL, a, &table,
		     e);
	if (r == 0)
		*ret = table;
	if (r == 0)
		event_container(&en->db, ERR_IGNORED, c.id, "top", NULL);
	return r;
}

int container_size(struct engine *en, const struct container *c, int64_t *ret_rw, int64_t *ret_root,
		   struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	int64_t rw = 0, root = 0;
	struct image image;
	bool own = layer_exists(&c->config);
	CLEANUP_FD int layer = own ? layer_open(en, c, NULL, e) : -1;
	CLEANUP_FD int upper =
		layer < 0 ? -1 : openat(layer, "upper", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = own && layer < 0 ? layer : upper < 0 ? 0 : tree_size(upper, &rw, e);
	if (r == 0 && c->image_id && (r = image_find(&en->images, c->image_id, &a, &image, e)) == 0)
		root = image.size;
	if (r < 0)
		return err_context(e, "container %s", c->name);
	*ret_rw = rw;
	*ret_root = root + rw;
	return 0;
}
