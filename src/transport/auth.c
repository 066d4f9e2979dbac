/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answering a challenge: user and secret with each request (Basic), or a token for them (Bearer),
 * got from the service that the registry names. Rests on RFC 6750 and on distribution's token
 * specification (spec/auth/token.md, oauth.md). Read client.h first.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/shape.h"
#include "transport/client.h"

struct token_answer {
	char *token, *access_token;
};
static const struct field token_fields[] = {
	FIELD(struct token_answer, token, "token", FIELD_STR),
	FIELD(struct token_answer, access_token, "access_token", FIELD_STR),
};
static const struct shape token_shape = SHAPE(struct token_answer, token_fields);

struct failure {
	char *code, *message;
};
struct failures {
	struct array errors;
	char *details; /* of a token service */
};
static const struct field failure_fields[] = {
	FIELD(struct failure, code, "code", FIELD_STR),
	FIELD(struct failure, message, "message", FIELD_STR),
};
static const struct shape failure_shape = SHAPE(struct failure, failure_fields);
static const struct field failures_fields[] = {
	FIELD(struct failures, errors, "errors", FIELD_ARRAY, .shape = &failure_shape),
	FIELD(struct failures, details, "details", FIELD_STR),
};
static const struct shape failures_shape = SHAPE(struct failures, failures_fields);

void auth_error_text(const struct strbuf *body, char *ret, size_t size)
{
	CLEANUP_ARENA struct arena a = {0};
	struct failures f = {0};
	*ret = '\0';
	if (shape_parse(&failures_shape, strbuf_text(body), body->len, &f, &a, ERR_IGNORED) < 0)
		return;
	const struct failure *first = f.errors.items;
	if (!f.errors.count) {
		snprintf(ret, size, "%s", f.details ?: "");
		return;
	}
	/* As docker prints them: MANIFEST_UNKNOWN is "manifest unknown". */
	char code[64];
	snprintf(code, sizeof(code), "%s", first->code ?: "unknown");
	for (char *p = code; *p; p++)
		*p = *p == '_' ? ' ' : (char)(*p >= 'A' && *p <= 'Z' ? *p + 'a' - 'A' : *p);
	snprintf(ret, size, "%s: %.400s", code, first->message ?: "");
	for (char *p = ret; *p; p++)
		if ((unsigned char)*p < ' ')
			*p = ' ';
}

static size_t collect(char *data, size_t one, size_t count, void *ctx)
{
	struct strbuf *body = ctx;
	strbuf_add(body, data, one * count);
	return strbuf_ok(body) ? one * count : 0;
}

static void add_param(struct strbuf *s, CURL *easy, const char *name, const char *value)
{
	char *escaped = curl_easy_escape(easy, value, 0);
	char before = s->len && !strchr("?&", s->buf[s->len - 1]) ? '&' : 0;
	if (before)
		strbuf_putc(s, before);
	strbuf_printf(s, "%s=%s", name, escaped ?: "");
	curl_free(escaped);
}

/* What the registry asks for, and what the engine knows that it will need, each once. */
static void add_scopes(struct strbuf *s, CURL *easy, const struct client *c,
		       const struct challenge *challenge)
{
	char all[TRANSPORT_SCOPE_MAX], *rest = all, *one;
	snprintf(all, sizeof(all), "%s", c->setup.scope);
	if (*challenge->scope)
		add_param(s, easy, "scope", challenge->scope);
	while ((one = strsep(&rest, " ")))
		if (*one && strcmp(one, challenge->scope))
			add_param(s, easy, "scope", one);
}

/* Where credentials go. What came over TLS sends them nowhere else than over TLS. */
static int check_realm(const struct client *c, const char *realm, struct err *e)
{
	bool tls = !strncasecmp(realm, "https://", 8);
	if (tls || (!strncasecmp(realm, "http://", 7) && c->plain))
		return 0;
	return err_set(e, EACCES, ERR_DENIED,
		       "registry %s wants credentials to go to \"%.100s\", which is not https",
		       c->setup.host, realm);
}

/* GET with user and secret; POST with the token that stands for them. */
static int ask_service(struct client *c, const struct challenge *challenge, struct strbuf *body,
		       long *ret_status, struct err *e)
{
	CLEANUP_STRBUF struct strbuf url = STRBUF_MAX(CLIENT_URL_MAX);
	CLEANUP_STRBUF struct strbuf form = STRBUF_MAX(4 * TRANSPORT_SECRET_MAX);
	char error[CURL_ERROR_SIZE] = "";
	CURL *easy = client_easy(c, challenge->realm);
	if (!easy)
		return err_errno(e, ENOMEM, "cannot ask for a token");
	bool post = *c->setup.identity;
	struct strbuf *params = post ? &form : &url;
	strbuf_puts(&url, challenge->realm);
	if (!post)
		strbuf_putc(&url, strchr(challenge->realm, '?') ? '&' : '?');
	add_param(params, easy, "service", challenge->service);
	add_scopes(params, easy, c, challenge);
	if (post) {
		add_param(params, easy, "grant_type", "refresh_token");
		add_param(params, easy, "client_id", "hull");
		add_param(params, easy, "refresh_token", c->setup.identity);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, strbuf_text(&form));
	} else if (*c->setup.user) {
		curl_easy_setopt(easy, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
		curl_easy_setopt(easy, CURLOPT_USERNAME, c->setup.user);
		curl_easy_setopt(easy, CURLOPT_PASSWORD, c->setup.secret);
	}
	curl_easy_setopt(easy, CURLOPT_URL, strbuf_text(&url));
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, collect);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, body);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT, (long)c->setup.timeout);
	CURLcode code =
		strbuf_ok(&url) && strbuf_ok(&form) ? curl_easy_perform(easy) : CURLE_URL_MALFORMAT;
	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, ret_status);
	curl_easy_cleanup(easy);
	if (form.buf)
		explicit_bzero(form.buf, form.len);
	if (code == CURLE_OK)
		return 0;
	return err_set(e, EIO, ERR_SYSTEM, "cannot get a token from %.200s: %s", challenge->realm,
		       *error ? error : curl_easy_strerror(code));
}

static int refused(struct client *c, const char *why, struct err *e)
{
	err_set(e, EACCES, ERR_DENIED, "unauthorized: %s",
		*why                                   ? why
		: *c->setup.user || *c->setup.identity ? "incorrect username or password"
						       : "authentication required");
	return err_hint(e, "hull login %s", c->setup.host);
}

static int get_token(struct client *c, const struct challenge *challenge, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	CLEANUP_STRBUF struct strbuf body = STRBUF_MAX(CLIENT_ERROR_BODY_MAX);
	struct token_answer answer = {0};
	long status = 0;
	char why[512];
	int r = check_realm(c, challenge->realm, e);
	if (r == 0)
		r = ask_service(c, challenge, &body, &status, e);
	if (r < 0)
		return r;
	if (status != 200) {
		auth_error_text(&body, why, sizeof(why));
		if (status == 401 || status == 403)
			return refused(c, "", e);
		return err_set(e, EIO, ERR_SYSTEM, "the token service of %s answers %ld %s",
			       c->setup.host, status, why);
	}
	r = shape_parse(&token_shape, strbuf_text(&body), body.len, &answer, &a, ERR_IGNORED);
	const char *token = answer.token && *answer.token ? answer.token : answer.access_token;
	if (r < 0 || !token || !*token || strlen(token) >= sizeof(c->token) ||
	    strpbrk(token, "\r\n"))
		return err_set(e, EPROTO, ERR_SYSTEM, "the token service of %s gave no token",
			       c->setup.host);
	memcpy(c->token, token, strlen(token) + 1);
	c->serial++;
	return 0;
}

int auth_answer(struct client *c, const struct challenge *challenge, struct err *e)
{
	if (challenge->bearer && *challenge->realm)
		return get_token(c, challenge, e);
	if (!challenge->basic)
		return err_set(e, ENOTSUP, ERR_DENIED,
			       "registry %s wants a kind of authentication that hull does not have",
			       c->setup.host);
	if (!*c->setup.user)
		return refused(c, "authentication required", e);
	c->basic = true;
	c->serial++;
	return 0;
}

void auth_apply(const struct client *c, CURL *easy)
{
	if (*c->token) {
		curl_easy_setopt(easy, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
		curl_easy_setopt(easy, CURLOPT_XOAUTH2_BEARER, c->token);
	} else if (c->basic) {
		curl_easy_setopt(easy, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
		curl_easy_setopt(easy, CURLOPT_USERNAME, c->setup.user);
		curl_easy_setopt(easy, CURLOPT_PASSWORD, c->setup.secret);
	}
}
