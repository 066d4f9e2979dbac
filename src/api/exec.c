/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Execs: made, started, resized, looked at. The process that serves the start is the parent of what
 * it starts, carries its bytes and notes its end: it stays until then, whether its client does or
 * not, and the listener may be killed meanwhile. Read exec_record.h and pump.h first.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/exec_record.h"
#include "api/handlers.h"
#include "api/pump.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/frames.h"
#include "base/json.h"
#include "linux/pidfd.h"
#include "linux/pty.h"

/* ---- made ---- */

int exec_make(struct call *c, struct err *e)
{
	struct exec_record x = {0};
	struct container *found = arena_new(c->a, struct container);
	struct detach_keys keys;
	char id[ID_LEN + 1];
	int r = body_read(c, &exec_asked_shape, &x, e);
	if (r == 0)
		r = container_find(c->en, c->arg, c->a, found, e);
	if (r < 0)
		return r;
	if (!x.args.count)
		return err_set(e, EINVAL, ERR_INVALID, "No exec command specified");
	if (x.detach_keys && *x.detach_keys && (r = detach_keys_parse(x.detach_keys, &keys, e)) < 0)
		return r;
	if (!found->pid)
		return err_set(e, ESRCH, ERR_CONFLICT, "container %s is not running", found->id);
	if (found->status == CONTAINER_PAUSED)
		return err_set(e, EBUSY, ERR_CONFLICT,
			       "container %s is paused, unpause the container before exec",
			       found->id);
	x.container = found->id;
	r = exec_record_make(c->en, &x, c->a, id, e);
	if (r < 0)
		return r;
	struct json_object *o = json_object_new_object();
	json_add_string(o, "Id", id);
	return answer_json(c, 201, o);
}

/* ---- started ---- */

struct start {
	bool detach, tty;
	struct array console_size;
};
static const struct field start_fields[] = {
	FIELD(struct start, detach, "Detach", FIELD_BOOL),
	FIELD(struct start, tty, "Tty", FIELD_BOOL),
	FIELD(struct start, console_size, "ConsoleSize", FIELD_NUMBERS),
};
static const struct shape start_shape = SHAPE(struct start, start_fields);

/* The process' ends and ours. */
struct stdio {
	int process[3], ours[3];
};

static void stdio_close(struct stdio *s)
{
	for (int i = 0; i < 3; i++) {
		fd_drop(&s->process[i]);
		fd_drop(&s->ours[i]);
	}
}

static int open_stdio(struct stdio *s, const struct exec_record *x, bool detach, struct err *e)
{
	const bool wanted[] = {x->attach_stdin, x->attach_stdout, x->attach_stderr};
	for (int i = 0; i < 3 && !detach && !x->tty; i++) {
		int ends[2];
		if (!wanted[i])
			continue;
		if (pipe2(ends, O_CLOEXEC) < 0)
			return err_errno(e, errno, "cannot make a pipe");
		s->process[i] = ends[i == 0 ? 0 : 1];
		s->ours[i] = ends[i == 0 ? 1 : 0];
	}
	return 0;
}

/* The client reads it where the output would be. */
static void say_why(struct http *h, bool tty, const struct err *e)
{
	CLEANUP_STRBUF struct strbuf text = STRBUF_MAX(sizeof(*e) * 2);
	unsigned char head[FRAME_HEADER];
	strbuf_printf(&text, "%s\r\n", e->text);
	frame_head(head, 2, text.len);
	if (!tty)
		fd_write_full(h->fd, head, sizeof(head));
	fd_write_full(h->fd, text.buf, text.len);
}

static void carry(struct call *c, struct exec_record *x, struct exec_process *p, struct stdio *s)
{
	struct http *h = c->http;
	struct detach_keys keys;
	const char *text =
		x->detach_keys && *x->detach_keys ? x->detach_keys : c->settings->detach_keys;
	struct pump pump = {.client = h->taken ? h->fd : -1,
			    .input = x->tty ? p->pty_fd : fd_steal(&s->ours[0]),
			    .output = {x->tty ? p->pty_fd : fd_steal(&s->ours[1]),
				       x->tty ? -1 : fd_steal(&s->ours[2])},
			    .frames = !x->tty,
			    .process = p->pidfd,
			    .first = h->buf + h->at,
			    .first_len = h->taken ? h->len - h->at : 0};
	if (x->tty && x->attach_stdin &&
	    detach_keys_parse(text && *text ? text : DETACH_KEYS_DEFAULT, &keys, ERR_IGNORED) == 0)
		pump.keys = &keys;
	if (pump_run(&pump) != PUMP_DETACHED)
		return;
	container_exec_ended(c->en, p, -1);
	shutdown(h->fd, SHUT_RDWR);
	pump.client = -1;
	pump.keys = NULL;
	pump.first_len = 0;
	pump_run(&pump);
}

static void note_end(struct call *c, const char *id, struct exec_record *x, int64_t code)
{
	x->ended = true;
	x->exit_code = code;
	x->ended_at = clock_real_ns();
	exec_record_write(c->en, id, x, c->a, ERR_IGNORED);
}

/* What the client still sends would be answered by a reset, which it takes for a failure. */
static void end_stream(int fd)
{
	char piece[16 * 1024];
	const struct timeval patience = {.tv_sec = 1};
	shutdown(fd, SHUT_WR);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	for (int left = 64; left && recv(fd, piece, sizeof(piece), 0) > 0; left--)
		;
}

static void serve(struct call *c, const char *id, struct exec_record *x, struct exec_process *p,
		  struct stdio *s)
{
	int status = 0;
	x->pid = p->pid;
	x->pty = p->pty_fd;
	exec_record_write(c->en, id, x, c->a, ERR_IGNORED);
	for (int i = 0; i < 3; i++)
		fd_drop(&s->process[i]);
	carry(c, x, p, s);
	/* Its end is known before the client sees the end of the stream: it asks at once. */
	int code = pidfd_wait_child(p->pidfd, &status) < 0 ? 255
		   : WIFSIGNALED(status)                   ? 128 + WTERMSIG(status)
							   : WEXITSTATUS(status);
	note_end(c, id, x, code);
	container_exec_ended(c->en, p, code);
	if (c->http->taken)
		end_stream(c->http->fd);
}

static int64_t number(const struct array *list, size_t i)
{
	return i < list->count ? ((const int64_t *)list->items)[i] : 0;
}

int exec_start(struct call *c, struct err *e)
{
	CLEANUP(stdio_close) struct stdio s = {{-1, -1, -1}, {-1, -1, -1}};
	struct exec_record x;
	struct exec_process p;
	struct start q = {0};
	int r = body_read(c, &start_shape, &q, e);
	if (r == 0)
		r = exec_record_take(c->en, c->arg, c->a, &x, e);
	if (r == 0)
		r = open_stdio(&s, &x, q.detach, e);
	if (r < 0)
		return r;
	const struct array *size = q.console_size.count ? &q.console_size : &x.console_size;
	const struct container_exec exec = {.args = x.args,
					    .env = x.env,
					    .user = x.user,
					    .workdir = x.workdir,
					    .tty = x.tty,
					    .privileged = x.privileged,
					    .stdio = {s.process[0], s.process[1], s.process[2]},
					    .rows = number(size, 0),
					    .cols = number(size, 1)};
	if (!q.detach)
		http_hijack(c->http, x.tty || c->minor < 42
					     ? "application/vnd.docker.raw-stream"
					     : "application/vnd.docker.multiplexed-stream");
	r = container_exec(c->en, x.container, &exec, &p, e);
	if (r < 0) {
		note_end(c, c->arg, &x, err_exit_code(e->kind));
		if (!q.detach)
			say_why(c->http, x.tty, e);
		return r;
	}
	if (q.detach) {
		c->http->lost = true;
		answer_nothing(c, 200);
		shutdown(c->http->fd, SHUT_RDWR);
	}
	serve(c, c->arg, &x, &p, &s);
	return 0;
}

/* ---- looked at, resized ---- */

int exec_show(struct call *c, struct err *e)
{
	struct exec_record x;
	int r = exec_record_find(c->en, c->arg, c->a, &x, e);
	if (r < 0)
		return r;
	struct json_object *o = json_object_new_object(), *p = json_object_new_object();
	struct strv rest = {x.args.items + 1, x.args.count - 1, 0};
	json_add_bool(p, "tty", x.tty);
	json_add_string(p, "entrypoint", x.args.items[0]);
	json_object_object_add(p, "arguments", json_of_strv(&rest));
	json_add_bool(p, "privileged", x.privileged);
	if (x.user && *x.user)
		json_add_string(p, "user", x.user);
	json_add_string(o, "ID", c->arg);
	json_add_bool(o, "Running", x.started && !x.ended);
	json_object_object_add(o, "ExitCode", x.ended ? json_object_new_int64(x.exit_code) : NULL);
	json_object_object_add(o, "ProcessConfig", p);
	json_add_bool(o, "OpenStdin", x.attach_stdin);
	json_add_bool(o, "OpenStderr", x.attach_stderr);
	json_add_bool(o, "OpenStdout", x.attach_stdout);
	json_add_bool(o, "CanRemove", x.ended);
	json_add_string(o, "ContainerID", x.container);
	json_add_string(o, "DetachKeys", x.detach_keys);
	json_add_int(o, "Pid", x.ended ? 0 : x.pid);
	return answer_json(c, 200, o);
}

/* The terminal is a descriptor of the process that serves it: pidfd_getfd(2). */
int exec_resize(struct call *c, struct err *e)
{
	struct exec_record x;
	int64_t rows = 0, cols = 0;
	int r = param_int(c, "h", &rows, e);
	if (r == 0)
		r = param_int(c, "w", &cols, e);
	if (r == 0)
		r = exec_record_find(c->en, c->arg, c->a, &x, e);
	if (r < 0)
		return r;
	if (!x.pid || x.ended || !x.tty)
		return err_set(e, ESRCH, ERR_CONFLICT, "Exec process is not started");
	CLEANUP_FD int holder = pidfd_of_started((pid_t)x.holder, (uint64_t)x.holder_start);
	CLEANUP_FD int pty =
		holder < 0 ? holder : (int)syscall(SYS_pidfd_getfd, holder, (int)x.pty, 0);
	r = pty < 0 ? -errno : pty_resize(pty, (unsigned)rows, (unsigned)cols);
	if (r < 0)
		return err_errno(e, r, "cannot resize exec %.12s", c->arg);
	return answer_nothing(c, 200);
}
