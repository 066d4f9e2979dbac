/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop of hull-session: poll(2) over the client, the listener, and a slot for each thing that
 * is asked for. A slot of ssh has a listening socket, and for each who connects there one of its
 * own. Read session.h first.
 */
#include "session/session.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/protobuf.h"
#include "session/files.h"
#include "session/grpc.h"
#include "session/wire.h"

/* As for the body of a request (api/http.h): a client that lets us wait for so long, which it earns
 * back with what it sends, has no time left. */
enum { PATIENCE_MS = 60000, RATE = 1000, PIECE = 16 << 10, SLOTS = 2 * SESSION_CALLS_MAX };
/* Between two looks whether the client still serves, and how long it may take to say so. */
enum { CHECK_EVERY_MS = 1000, CHECK_MS = 20000 };

enum slot_kind { FREE, ASKING, DOING, STREAM, CHECK };
struct slot {
	struct grpc_call call; /* the first, so that one can be the other */
	enum slot_kind kind;
	enum session_op op;
	int asker;       /* who asked, or -1; of a STREAM the connection in the container */
	int fd;          /* where it goes, or -1; of SESSION_AGENT the listening socket */
	int64_t until;   /* ms; 0: as long as it takes */
	struct slot *of; /* of a STREAM: whose it is */
	struct files files;
	char id[256];       /* of SESSION_AGENT */
	struct strbuf back; /* of a STREAM: what the container has not taken */
	bool over;          /* the client has said all: the one answer, or of a STREAM the end */
};

struct session {
	struct grpc grpc;
	struct slot slots[SLOTS];
	int64_t check_at; /* ms; INT64_MAX: it is asked just now */
	bool over;        /* the client does not serve any more */
};
static struct session session;

/* ---- slots ---- */

static struct slot *slot_take(enum slot_kind kind, int asker)
{
	for (size_t i = 0; i < SLOTS; i++)
		if (session.slots[i].kind == FREE) {
			session.slots[i] = (struct slot){.kind = kind,
							 .asker = asker,
							 .fd = -1,
							 .back = STRBUF_MAX(4 * GRPC_WINDOW)};
			return &session.slots[i];
		}
	return NULL;
}

static void slot_free(struct slot *s)
{
	grpc_cancel(&session.grpc, &s->call);
	files_free(&s->files);
	strbuf_free(&s->back);
	fd_drop(&s->asker);
	fd_drop(&s->fd);
	s->kind = FREE;
	for (size_t i = 0; i < SLOTS; i++)
		if (session.slots[i].kind == STREAM && session.slots[i].of == s)
			slot_free(&session.slots[i]);
}

/* Of an agent the connection stays: its end is that of the agent. */
static void answer(struct slot *s, const struct err *told)
{
	struct err e = *told;
	/* It may be the client's text, and goes to somebody's terminal. */
	for (char *at = e.text; *at; at++)
		if ((unsigned char)*at < ' ')
			*at = ' ';
	fd_send(s->asker, &e, sizeof(e), NULL, 0);
	if (e.number || s->op != SESSION_AGENT)
		slot_free(s);
}

/* ---- what is asked of the client ---- */

static int take_files(struct grpc_call *c, const void *message, size_t len, struct err *e)
{
	struct slot *s = (struct slot *)c;
	int64_t now = clock_ms();
	s->until += (int64_t)len * 1000 / RATE;
	if (s->until > now + PATIENCE_MS)
		s->until = now + PATIENCE_MS;
	int r = files_take(&s->files, message, len, e);
	if (r == 0 && !strbuf_ok(&c->up))
		r = err_set(e, EPROTO, ERR_INVALID, "the client does not hear what is asked of it");
	if (r == 0 && s->files.ended)
		grpc_send_end(&session.grpc, c);
	return r;
}

static void say_files(void *ctx, const void *packet, size_t len)
{
	struct slot *s = ctx;
	grpc_send(&session.grpc, &s->call, packet, len);
}

/* The first bytes of a message are the answer; of credentials both of them. */
static int take_bytes(struct grpc_call *c, const void *message, size_t len, struct err *e)
{
	struct slot *s = (struct slot *)c;
	struct protobuf m = {message, len};
	struct protobuf_field field, found[3] = {0};
	int r;
	if (s->over)
		return err_set(e, EPROTO, ERR_INVALID, "the client sends more than one answer");
	s->over = true;
	while ((r = protobuf_next(&m, &field)) > 0)
		if (field.number <= 2)
			found[field.number] = field;
	if (r < 0 || found[1].bytes.left > SESSION_SECRET_MAX ||
	    found[2].bytes.left > SESSION_SECRET_MAX)
		return err_set(e, EPROTO, ERR_INVALID,
			       "the client sends what is no answer, or has more than %d bytes",
			       SESSION_SECRET_MAX);
	if (s->op == SESSION_AGENT)
		return 0;
	r = fd_write_full(s->fd, found[1].bytes.at, found[1].bytes.left);
	if (r == 0 && s->op == SESSION_CREDENTIALS)
		r = fd_write_full(s->fd, "", 1);
	if (r == 0 && s->op == SESSION_CREDENTIALS)
		r = fd_write_full(s->fd, found[2].bytes.at, found[2].bytes.left);
	return r < 0 ? err_errno(e, r, "cannot keep what the client sends") : 0;
}

static void tell_end(struct grpc_call *c)
{
	struct slot *s = (struct slot *)c;
	if (!c->err.number && s->op == SESSION_FILES && !s->files.ended)
		err_set(&c->err, EPROTO, ERR_INVALID,
			"the client ended before it had sent all files");
	/* Of an agent that he has not docker's client says it in words alone. */
	if (s->op == SESSION_AGENT && c->err.number == EIO)
		c->err.number = ENOENT;
	s->until = 0;
	answer(s, &c->err);
}

static const struct {
	const char *path;
	int (*message)(struct grpc_call *c, const void *message, size_t len, struct err *e);
} calls[SESSION_OPS] = {
	[SESSION_FILES] = {"/moby.filesync.v1.FileSync/DiffCopy", take_files},
	[SESSION_SECRET] = {"/moby.buildkit.secrets.v1.Secrets/GetSecret", take_bytes},
	[SESSION_CREDENTIALS] = {"/moby.filesync.v1.Auth/Credentials", take_bytes},
	[SESSION_AGENT] = {"/moby.sshforward.v1.SSH/CheckAgent", take_bytes},
};

/* ---- who asks ---- */

/* The texts of a request; 0: they are not what the numbers say. */
static size_t cut_texts(const struct session_request *q, size_t len, const char **ret, size_t most)
{
	size_t count = 0;
	if (!len || q->texts[len - 1])
		return 0;
	for (size_t at = 0; at < len; at += strlen(q->texts + at) + 1) {
		if (count == most)
			return 0;
		ret[count++] = q->texts + at;
	}
	return count == 1 + (size_t)q->wanted + q->unwanted ? count : 0;
}

static int begin(struct slot *s, const struct session_request *q, size_t len, struct err *e)
{
	static const char *texts[SESSION_PATTERNS_MAX + 1];
	static const char *metadata[SESSION_PATTERNS_MAX + 1][2];
	CLEANUP_STRBUF struct strbuf message = STRBUF_MAX(SESSION_TEXT_MAX + 16);
	size_t head = offsetof(struct session_request, texts), count = 0;
	if (len > head && q->version == SESSION_VERSION && q->op < SESSION_OPS && s->fd >= 0)
		count = cut_texts(q, len - head, texts, ARRAY_LEN(texts));
	if (!count)
		return err_set(e, EPROTO, ERR_INTERNAL,
			       "hull-session is of another version than hulld");
	bool files = q->op == SESSION_FILES;
	for (size_t i = 0; i < count; i++) {
		metadata[i][0] = !i               ? "dir-name"
				 : i <= q->wanted ? "followpaths"
						  : "exclude-patterns";
		metadata[i][1] = texts[i];
	}
	s->op = q->op;
	s->kind = DOING;
	s->until = clock_ms() + PATIENCE_MS;
	s->files = (struct files){.fd = s->fd, .say = say_files, .ctx = s};
	s->call = (struct grpc_call){.message = calls[q->op].message, .ended = tell_end};
	snprintf(s->id, sizeof(s->id), "%s", texts[0]);
	protobuf_put_text(&message, 1, texts[0]);
	int r = grpc_call(&session.grpc, &s->call, calls[q->op].path, metadata, files ? count : 0,
			  e);
	if (r < 0 || files)
		return r;
	grpc_send(&session.grpc, &s->call, message.buf, message.len);
	grpc_send_end(&session.grpc, &s->call);
	return 0;
}

static void hear(struct slot *s)
{
	static struct session_request q;
	struct err e = {0};
	ssize_t n = fd_recv(s->asker, &q, sizeof(q), &s->fd, 1);
	if (n <= 0)
		slot_free(s);
	else if (begin(s, &q, (size_t)n, &e) < 0)
		answer(s, &e);
}

/* ---- connections to an agent ---- */

static void stream_ended(struct grpc_call *c)
{
	struct slot *s = (struct slot *)c;
	s->over = true;
	if (!s->back.len)
		slot_free(s);
}

/* What the container does not take waits, and with it the window of the call. */
static int flush(struct slot *s)
{
	ssize_t n = send(s->asker, s->back.buf, s->back.len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0)
		return errno == EAGAIN ? 0 : -errno;
	memmove(s->back.buf, s->back.buf + n, s->back.len - (size_t)n);
	s->back.len -= (size_t)n;
	if (!s->back.len && s->call.id)
		grpc_taken(&session.grpc, &s->call);
	return 0;
}

static int take_stream(struct grpc_call *c, const void *message, size_t len, struct err *e)
{
	struct slot *s = (struct slot *)c;
	struct protobuf m = {message, len};
	struct protobuf_field field;
	int r;
	while ((r = protobuf_next(&m, &field)) > 0)
		if (field.number == 1)
			strbuf_add(&s->back, field.bytes.at, field.bytes.left);
	if (r < 0 || !strbuf_ok(&s->back))
		return err_set(e, EPROTO, ERR_INVALID, "the client sends what is no answer");
	return flush(s);
}

static void stream_accept(struct slot *agent)
{
	struct err e;
	const char *const id[][2] = {{"buildkit.ssh.id", agent->id}};
	int fd = accept4(agent->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct slot *s = fd < 0 ? NULL : slot_take(STREAM, fd);
	if (!s) {
		fd_drop(&fd);
		return;
	}
	s->of = agent;
	s->call = (struct grpc_call){.message = take_stream, .ended = stream_ended, .keeps = true};
	if (grpc_call(&session.grpc, &s->call, "/moby.sshforward.v1.SSH/ForwardAgent", id, 1, &e) <
	    0)
		slot_free(s);
}

static void stream_send(struct slot *s)
{
	CLEANUP_STRBUF struct strbuf message = STRBUF_MAX(PIECE + 16);
	char piece[PIECE];
	ssize_t n = recv(s->asker, piece, sizeof(piece), MSG_DONTWAIT);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		grpc_send_end(&session.grpc, &s->call);
		return;
	}
	protobuf_put_bytes(&message, 1, piece, (size_t)n);
	grpc_send(&session.grpc, &s->call, message.buf, message.len);
}

/* What it says comes when what it said before has gone. */
static short stream_events(const struct slot *s)
{
	bool hears = s->call.id && !s->call.up_ended && s->call.up.len - s->call.up_at < PIECE;
	return (short)((hears ? POLLIN : 0) | (s->back.len ? POLLOUT : 0));
}

static void stream_work(struct slot *s, short events)
{
	if (s->back.len && (flush(s) < 0 || (s->over && !s->back.len)))
		slot_free(s);
	else if (events & (POLLIN | POLLHUP) && s->call.id && !s->call.up_ended)
		stream_send(s);
	else if (events & (POLLERR | POLLHUP))
		slot_free(s);
}

/* ---- whether the client is there ---- */

static int ignore(struct grpc_call *c, const void *message, size_t len, struct err *e)
{
	return 0;
}

/* One that has no such service is there all the same. */
static void checked(struct grpc_call *c)
{
	session.over = c->err.number && c->err.number != ENOENT;
	session.check_at = clock_ms() + CHECK_EVERY_MS;
	slot_free((struct slot *)c);
}

/* Docker's client that has got an error at once may have closed its session before it was open:
 * then it waits for us to close the connection. */
static void check(void)
{
	struct err e;
	if (clock_ms() < session.check_at)
		return;
	session.check_at = clock_ms() + CHECK_EVERY_MS;
	struct slot *s = slot_take(CHECK, -1);
	if (!s) /* all of them are connections to agents */
		return;
	session.check_at = INT64_MAX;
	s->until = clock_ms() + CHECK_MS;
	s->call = (struct grpc_call){.message = ignore, .ended = checked};
	if (grpc_call(&session.grpc, &s->call, "/grpc.health.v1.Health/Check", NULL, 0, &e) < 0) {
		session.over = true;
		return;
	}
	grpc_send(&session.grpc, &s->call, "", 0);
	grpc_send_end(&session.grpc, &s->call);
}

/* ---- the loop ---- */

static size_t count_askers(void)
{
	size_t n = 0;
	for (size_t i = 0; i < SLOTS; i++)
		n += session.slots[i].kind == ASKING || session.slots[i].kind == DOING;
	return n;
}

static void let_in(void)
{
	int fd = accept4(SESSION_FD_LISTENER, NULL, NULL, SOCK_CLOEXEC);
	if (fd >= 0 && !slot_take(ASKING, fd))
		close(fd);
}

/* A slot that serves an agent has two; -1 is passed over. */
static void watch(const struct slot *s, struct pollfd fds[static 2])
{
	bool agent = s->kind == DOING && s->op == SESSION_AGENT && !s->call.id;
	fds[0] = (struct pollfd){s->kind == FREE ? -1 : s->asker,
				 s->kind == STREAM ? stream_events(s) : POLLIN, 0};
	fds[1] = (struct pollfd){agent ? s->fd : -1, POLLIN, 0};
}

static void work(struct slot *s, const struct pollfd fds[static 2])
{
	struct err late = {0};
	if (s->kind == STREAM && fds[0].revents)
		stream_work(s, fds[0].revents);
	else if (s->kind == ASKING && fds[0].revents)
		hear(s);
	else if (s->kind == DOING && fds[0].revents)
		slot_free(s); /* whoever asked has gone */
	else if (s->kind == DOING && fds[1].revents)
		stream_accept(s);
	else if (s->kind == CHECK && clock_ms() > s->until)
		session.over = true;
	else if (s->kind == DOING && s->until && clock_ms() > s->until) {
		err_set(&late, ETIMEDOUT, ERR_TIMEOUT,
			"the client does not send what it was asked for, or too slowly");
		answer(s, &late);
	}
}

static int time_left(void)
{
	int64_t next = session.check_at, now = clock_ms();
	for (size_t i = 0; i < SLOTS; i++) {
		const struct slot *s = &session.slots[i];
		if ((s->kind == DOING || s->kind == CHECK) && s->until && s->until < next)
			next = s->until;
	}
	return next == INT64_MAX ? -1 : next <= now ? 0 : (int)(next - now) + 1;
}

void session_run(void)
{
	struct err e;
	static struct pollfd fds[3 + 2 * SLOTS];
	if (grpc_open(&session.grpc, SESSION_FD_CLIENT, &e) < 0)
		return;
	for (short events = 0; grpc_work(&session.grpc, events, &e) == 1; events = fds[1].revents) {
		bool full = count_askers() == SESSION_CALLS_MAX;
		fds[0] = (struct pollfd){SESSION_FD_SOCKET, POLLIN, 0};
		fds[1] = (struct pollfd){SESSION_FD_CLIENT, grpc_events(&session.grpc), 0};
		fds[2] = (struct pollfd){full ? -1 : SESSION_FD_LISTENER, POLLIN, 0};
		for (size_t i = 0; i < SLOTS; i++)
			watch(&session.slots[i], fds + 3 + 2 * i);
		if (poll(fds, ARRAY_LEN(fds), time_left()) < 0 && errno != EINTR)
			return;
		if (fds[0].revents)
			return;
		if (fds[2].revents)
			let_in();
		for (size_t i = 0; i < SLOTS; i++)
			work(&session.slots[i], fds + 3 + 2 * i);
		check();
		if (session.over)
			return;
	}
}
