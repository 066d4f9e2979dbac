/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A build of BuildKit's client comes in several requests at once: POST /session, whose connection
 * becomes HTTP/2 in which he serves what the build needs of him; POST /build, which names that
 * session (build.c); perhaps another POST /build with the context, and POST /build/cancel. Each has
 * a process of its own, and they find each other by sockets below --runroot (engine/waiting.h).
 *
 * No process of root's reads what comes in the session: hull-session does. Read session/wire.h
 * next.
 */
#include "api/session.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <strings.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/handlers.h"
#include "base/cleanup.h"
#include "base/fd.h"
#include "image/digest.h"
#include "image/helper.h"
#include "session/wire.h"

enum { UPLOAD_MS = 5000 };
static char *const no_env[] = {NULL};

void rendezvous_name(const char *what, const char *id, char ret[ID_LEN + 1])
{
	CLEANUP_STRBUF struct strbuf text = STRBUF_MAX(HTTP_HEAD_MAX + 32);
	strbuf_printf(&text, "%s %s", what, id);
	digest_sha256(strbuf_text(&text), text.len, ret);
}

/* ---- the session ---- */

static int check_session(const struct call *c, const char *id, struct err *e)
{
	const char *to = http_header(c->q, "upgrade");
	if (!c->q->upgrade || !to || strcasecmp(to, "h2c"))
		return err_set(e, EINVAL, ERR_INVALID,
			       "/session: the connection must be upgraded to h2c");
	if (!id || !*id)
		return err_set(e, EINVAL, ERR_INVALID,
			       "/session: X-Docker-Expose-Session-Uuid is missing");
	if (c->http->len != c->http->at)
		return err_set(e, EPROTO, ERR_INVALID,
			       "/session: the client does not wait for the answer");
	return 0;
}

static int hear_ready(struct helper *h, struct err *e)
{
	struct err told;
	ssize_t n = fd_recv(h->sock, &told, sizeof(told), NULL, 0);
	if (n != sizeof(told))
		return helper_died(h, "hull-session", e);
	*e = told;
	return -told.number;
}

int session_open(struct call *c, struct err *e)
{
	const char *id = http_header(c->q, "x-docker-expose-session-uuid");
	char name[ID_LEN + 1], byte;
	CLEANUP_WAITING struct waiting w = {-1, -1, ""};
	CLEANUP(helper_stop) struct helper h = HELPER_NONE;
	int r = check_session(c, id, e);
	if (r < 0)
		return r;
	rendezvous_name("session", id, name);
	if ((r = waiting_open(c->en, name, &w, e)) < 0)
		return r;
	const struct helper_fd fds[] = {{c->http->fd, SESSION_FD_CLIENT},
					{w.socket, SESSION_FD_LISTENER}};
	r = helper_start(&h, c->en->libexec, "hull-session", no_env, fds, ARRAY_LEN(fds), e);
	if (r == 0)
		r = hear_ready(&h, e);
	if (r < 0)
		return r;
	http_take_over(c->http, 101, "Connection: Upgrade\r\nUpgrade: h2c\r\n");
	fd_send(h.sock, "", 1, NULL, 0);
	fd_recv(h.sock, &byte, 1, NULL, 0); /* its end */
	return 0;
}

/* Docker's client closes its session when the build has failed; where it was not begun yet, that
 * does nothing, and then it waits for ever. So no build is refused before its session is there. */
void session_await(struct call *c)
{
	char name[ID_LEN + 1];
	const char *id = param(c, "session");
	if (!id)
		return;
	rendezvous_name("session", id, name);
	CLEANUP_FD int s = waiting_connect(c->en, name, UPLOAD_MS, ERR_IGNORED);
}

/* ---- a build's other requests ---- */

int session_upload(struct call *c, const char *id, struct err *e)
{
	char name[ID_LEN + 1];
	CLEANUP_WAITING struct waiting w = {-1, -1, ""};
	rendezvous_name("upload", id, name);
	int r = waiting_open(c->en, name, &w, e);
	if (r < 0)
		return r;
	CLEANUP_FD int body = http_body_fd(c->http, HTTP_PAUSE_SECONDS, e);
	r = body < 0 ? body : waiting_serve(&w, c->http->fd, body, 0, UPLOAD_MS, e);
	if (r == 0)
		r = err_set(e, ETIMEDOUT, ERR_TIMEOUT, "no build wants the context %.64s", id);
	if (r < 0)
		return r;
	/* The build reads it; the child that we have fills the pipe. */
	fd_drop(&body);
	waitpid(-1, NULL, 0);
	return answer_nothing(c, 200);
}

int session_take_upload(struct call *c, const char *id, struct err *e)
{
	char name[ID_LEN + 1];
	uint32_t flags;
	int fd;
	rendezvous_name("upload", id, name);
	CLEANUP_FD int s = waiting_connect(c->en, name, UPLOAD_MS, e);
	ssize_t n = s < 0 ? s : fd_recv(s, &flags, sizeof(flags), &fd, 1);
	return n == sizeof(flags) && fd >= 0
		       ? fd
		       : err_set(e, ENOENT, ERR_NOT_FOUND, "the context %.64s is not sent", id);
}

int session_await_cancel(struct call *c, const char *id, struct waiting *w, struct err *e)
{
	char name[ID_LEN + 1];
	rendezvous_name("cancel", id, name);
	int r = waiting_open(c->en, name, w, e);
	if (r < 0)
		return r;
	/* Whoever connects is a SIGTERM for the builder, which then ends in order. */
	if (fcntl(w->socket, F_SETOWN, getpid()) < 0 || fcntl(w->socket, F_SETSIG, SIGTERM) < 0 ||
	    fcntl(w->socket, F_SETFL, O_ASYNC) < 0)
		return err_errno(e, errno, "cannot wait for the build's end");
	return 0;
}

int build_cancel(struct call *c, struct err *e)
{
	char name[ID_LEN + 1];
	const char *id = param(c, "id");
	if (!id)
		return err_set(e, EINVAL, ERR_INVALID, "build ID not provided");
	rendezvous_name("cancel", id, name);
	CLEANUP_FD int s = waiting_connect(c->en, name, 0, ERR_IGNORED);
	return answer_nothing(c, 200); /* as docker: one that is not there has ended */
}
