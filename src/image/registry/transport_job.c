/* SPDX-License-Identifier: Apache-2.0 */
/* The engine's end of hull-transport. Read transport_job.h and transport/wire.h first. */
#include "image/registry/transport_job.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fd.h"

/* libcurl reads them; http_proxy it takes in small letters only, others write it large. */
static void proxy_env(struct arena *a, struct strv *ret)
{
	static const struct {
		const char *from, *to;
	} table[] = {
		{"HTTP_PROXY", "http_proxy"},   {"http_proxy", "http_proxy"},
		{"HTTPS_PROXY", "https_proxy"}, {"https_proxy", "https_proxy"},
		{"ALL_PROXY", "all_proxy"},     {"all_proxy", "all_proxy"},
		{"NO_PROXY", "no_proxy"},       {"no_proxy", "no_proxy"},
	};
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		const char *value = getenv(table[i].from);
		if (value && *value)
			strv_set_env(a, ret, arena_printf(a, "%s=%s", table[i].to, value));
	}
}

void transport_stop(struct transport_job *j)
{
	helper_stop(&j->helper);
}

int transport_start(struct transport_job *j, const char *libexec, const struct transport_setup *s,
		    bool proxies, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	static char *const no_env[] = {NULL};
	struct transport_message m;
	struct strv env = {0};
	*j = (struct transport_job)TRANSPORT_JOB_NONE;
	if (proxies)
		proxy_env(&a, &env);
	int r = helper_start(&j->helper, libexec, "hull-transport", env.count ? env.items : no_env,
			     NULL, 0, e);
	if (r < 0)
		return r;
	r = fd_send(j->helper.sock, s, sizeof(*s), NULL, 0);
	if (r < 0)
		err_errno(e, r, "cannot ask hull-transport");
	else
		r = transport_hear(j, &m, e);
	if (r == 0 && m.op == TRANSPORT_FAILED) {
		*e = m.err;
		r = -e->number;
	}
	if (r < 0)
		transport_stop(j);
	return r;
}

int transport_ask(struct transport_job *j, struct transport_request *q, int fd, struct err *e)
{
	q->version = TRANSPORT_VERSION;
	q->id = ++j->last;
	int r = fd_send(j->helper.sock, q, sizeof(*q), &fd, fd >= 0);
	return r < 0 ? err_errno(e, r, "cannot ask hull-transport") : 0;
}

/* The form of a message: every string ends, every failure is one. */
static bool message_ok(const struct transport_message *m)
{
	return m->version == TRANSPORT_VERSION && m->op >= TRANSPORT_PROGRESS &&
	       m->op <= TRANSPORT_FAILED && memchr(m->type, 0, sizeof(m->type)) &&
	       memchr(m->digest, 0, sizeof(m->digest)) && memchr(m->next, 0, sizeof(m->next)) &&
	       memchr(m->err.text, 0, sizeof(m->err.text)) &&
	       memchr(m->err.hint, 0, sizeof(m->err.hint)) &&
	       (m->op != TRANSPORT_FAILED || (m->err.number > 0 && m->err.kind < ERR_KINDS));
}

int transport_hear(struct transport_job *j, struct transport_message *ret, struct err *e)
{
	ssize_t n = fd_recv(j->helper.sock, ret, sizeof(*ret), NULL, 0);
	if (n == 0 || n == -ECONNRESET)
		return helper_died(&j->helper, "hull-transport", e);
	int r = 0;
	if (n < 0)
		r = err_errno(e, (int)n, "cannot hear hull-transport");
	else if (n != sizeof(*ret) || !message_ok(ret))
		r = err_set(e, EPROTO, ERR_INTERNAL, "hull-transport sent a malformed message");
	if (r < 0)
		transport_stop(j);
	return r;
}

int transport_call(struct transport_job *j, struct transport_request *q, int fd,
		   struct transport_message *ret, struct err *e)
{
	*ret = (struct transport_message){0};
	int r = transport_ask(j, q, fd, e);
	while (r == 0) {
		r = transport_hear(j, ret, e);
		if (r < 0 || ret->id != q->id || ret->op == TRANSPORT_PROGRESS)
			continue;
		if (ret->op == TRANSPORT_DONE)
			return 0;
		*e = ret->err;
		return -e->number;
	}
	return r;
}
