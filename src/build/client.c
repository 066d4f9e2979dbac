/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a build has of its client, where he has opened a session with hulld for it: files, secrets,
 * credentials, agents of ssh. Each is asked for over a connection of its own, of that client's
 * hull-session (session/wire.h). Read internal.h first.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "build/internal.h"
#include "engine/waiting.h"
#include "image/registry/credentials.h"
#include "image/unpack_job.h"
#include "session/wire.h"

enum { PATIENCE_MS = 5000 };

static bool put_text(struct session_request *q, size_t *len, const char *text)
{
	size_t n = strlen(text) + 1;
	if (n > sizeof(q->texts) - *len)
		return false;
	memcpy(q->texts + *len, text, n);
	*len += n;
	return true;
}

/* Patterns are headers for the client: where one cannot be that he sends all, and ignore.c does the
 * rest. One of them alone may be left out of none: it may be an exception of another. */
static bool can_be_told(const struct strv *patterns)
{
	size_t len = 0;
	for (size_t i = 0; patterns && i < patterns->count; i++) {
		const char *p = patterns->items[i];
		len += strlen(p) + 1;
		for (; *p; p++)
			if ((unsigned char)*p < ' ' || (unsigned char)*p > '~' || *p == '%')
				return false;
	}
	return len < SESSION_TEXT_MAX / 2 &&
	       (!patterns || patterns->count < SESSION_PATTERNS_MAX / 2);
}

static int await(struct build *b, int from, struct err *e)
{
	struct pollfd fds[] = {{from, POLLIN, 0}, {b->signals, POLLIN, 0}};
	if (TEMP_FAILURE_RETRY(poll(fds, ARRAY_LEN(fds), -1)) < 0)
		return err_errno(e, errno, "cannot wait for the client");
	return fds[1].revents ? build_canceled(e) : 0;
}

/* @fd goes with it, see there. Returns the connection. */
static int ask(struct build *b, enum session_op op, const char *name, const struct strv *wanted,
	       const struct strv *unwanted, int fd, struct err *e)
{
	struct session_request *q = arena_new(b->a, struct session_request);
	struct err told;
	size_t len = 0;
	bool fits = put_text(q, &len, name);
	wanted = can_be_told(wanted) ? wanted : NULL;
	unwanted = can_be_told(unwanted) ? unwanted : NULL;
	q->version = SESSION_VERSION;
	q->op = op;
	q->wanted = wanted ? (uint32_t)wanted->count : 0;
	q->unwanted = unwanted ? (uint32_t)unwanted->count : 0;
	for (size_t i = 0; i < q->wanted; i++)
		fits &= put_text(q, &len, wanted->items[i]);
	for (size_t i = 0; i < q->unwanted; i++)
		fits &= put_text(q, &len, unwanted->items[i]);
	if (!fits)
		return err_set(e, E2BIG, ERR_INVALID, "%.64s...: a name that is too long", name);
	CLEANUP_FD int s = waiting_connect(b->en, b->q->session, PATIENCE_MS, e);
	int r = s < 0 ? s : fd_send(s, q, offsetof(struct session_request, texts) + len, &fd, 1);
	if (r == 0 && (r = await(b, s, e)) < 0)
		return r;
	if (r < 0 || fd_recv(s, &told, sizeof(told), NULL, 0) != sizeof(told))
		return err_set(e, ESRCH, ERR_NOT_FOUND, "the client has no session (any more)");
	if (!told.number)
		return fd_steal(&s);
	*e = told;
	return -told.number;
}

/* ---- files ---- */

static int fetch(struct build *b, const struct vertex *v, const char *from,
		 const struct strv *wanted, const struct strv *unwanted, struct err *e)
{
	static const struct unpack_events none;
	const char *folder = arena_printf(b->a, "client-%zu", b->folders++);
	CLEANUP_JOB struct unpack_job job = UNPACK_JOB_NONE;
	CLEANUP_FD int tar = build_scratch(b, e);
	CLEANUP_FD int s = tar < 0 ? tar : ask(b, SESSION_FILES, from, wanted, unwanted, tar, e);
	if (s < 0)
		return s;
	CLEANUP_FD int to = build_context_folder(b, folder, e);
	if (to < 0)
		return to;
	const off_t size = lseek(tar, 0, SEEK_END);
	if (size < 0 || lseek(tar, 0, SEEK_SET) < 0)
		return err_errno(e, errno, "cannot read the client's files");
	status_done(b, v, "transferring:", size);
	int r = unpack_start_into(&job, b->en->libexec, tar, to, "", NULL, e);
	if (r == 0)
		r = unpack_finish(&job, &none, e);
	return r < 0 ? r : fd_steal(&to);
}

int client_fetch(struct build *b, const char *what, const char *from, const struct strv *wanted,
		 const struct strv *unwanted, struct err *e)
{
	struct vertex v = {.name = arena_printf(b->a, "[internal] load %s", what)};
	status_begin(b, &v);
	int r = fetch(b, &v, from, wanted, unwanted, e);
	if (r < 0)
		err_context(e, "failed to load %s", what);
	status_end(b, &v, r < 0 ? "ERROR" : NULL, e);
	return r;
}

/* ---- what is small ---- */

static int ask_text(struct build *b, enum session_op op, const char *name, char **ret,
		    size_t *ret_len, struct err *e)
{
	struct stat st;
	CLEANUP_FD int fd = memfd_create("secret", MFD_CLOEXEC);
	if (fd < 0)
		return err_errno(e, errno, "no memory for a secret");
	CLEANUP_FD int s = ask(b, op, name, NULL, NULL, fd, e);
	if (s < 0)
		return s;
	if (fstat(fd, &st) < 0 || st.st_size > 2 * SESSION_SECRET_MAX + 1 ||
	    lseek(fd, 0, SEEK_SET) < 0)
		return err_set(e, EFBIG, ERR_INVALID, "the client sends too much");
	char *text = arena_alloc(b->a, (size_t)st.st_size + 1);
	ssize_t n = fd_read_full(fd, text, (size_t)st.st_size);
	if (n < 0)
		return err_errno(e, (int)n, "cannot read what the client sends");
	*ret = text;
	*ret_len = (size_t)n;
	return 0;
}

int client_secret(struct build *b, const char *id, char **ret, size_t *ret_len, struct err *e)
{
	int r = ask_text(b, SESSION_SECRET, id, ret, ret_len, e);
	return r == -ENOENT ? 0 : r < 0 ? err_context(e, "secret %.64s", id) : 1;
}

const struct credentials *client_credentials(void *ctx, const char *domain)
{
	struct build *b = ctx;
	struct credentials *c = arena_new(b->a, struct credentials);
	const char *host = strcmp(domain, "docker.io") ? domain : "registry-1.docker.io";
	char *text;
	size_t len;
	if (ask_text(b, SESSION_CREDENTIALS, host, &text, &len, ERR_IGNORED) < 0)
		return NULL;
	size_t user = strlen(text);
	if (user == len)
		return NULL;
	/* Without a user it is a token, as docker's client has it. */
	if (*text)
		*c = (struct credentials){.user = text, .secret = text + user + 1};
	else
		c->identity = text + 1;
	return *text || text[1] ? c : NULL;
}

int client_agent(struct build *b, const char *id, int listener, struct err *e)
{
	return ask(b, SESSION_AGENT, id, NULL, NULL, listener, e);
}
