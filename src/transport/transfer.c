/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request of the engine, until it is done or hopeless: challenges are answered, redirects are
 * followed, a broken body goes on where it broke (Range), and what a busy registry refuses is asked
 * again later (429, 5xx, Retry-After). A large blob is sent in chunks: one that did not come
 * through is sent again from where the registry says that it stands, not the blob. Rests on
 * libcurl's easy interface, RFC 9110, and OCI's distribution specification ("Pushing a blob in
 * chunks"). Read client.h first.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "transport/client.h"

enum {
	REDIRECTS_MAX = 8,
	WAIT_FIRST_MS = 250,
	WAIT_MOST_MS = 30000,
	RETRY_AFTER_MAX = 120,
	PROGRESS_STEP = 1 << 20,
	SUBPATH_MAX = 2048,
	CHUNK = 16 << 20, /* of an upload */
};
static const char MANIFESTS[] = "Accept: application/vnd.oci.image.index.v1+json, "
				"application/vnd.oci.image.manifest.v1+json, "
				"application/vnd.docker.distribution.manifest.list.v2+json, "
				"application/vnd.docker.distribution.manifest.v2+json";

void transfer_free(struct transfer *t)
{
	if (t->easy) {
		curl_multi_remove_handle(t->client->multi, t->easy);
		curl_easy_cleanup(t->easy);
	}
	curl_slist_free_all(t->headers);
	strbuf_free(&t->said);
	if (!t->parent)
		fd_drop(&t->fd);
	free(t->hold);
	free(t);
}

/* --- what the engine hears --- */

static void say(struct transfer *t, uint32_t op, const struct err *why)
{
	const struct answer *got = &t->answer;
	struct transport_message m = {.version = TRANSPORT_VERSION,
				      .op = op,
				      .id = t->q.id,
				      .status = (uint32_t)got->status,
				      .plain = t->client->plain,
				      .mounted =
					      t->q.op == TRANSPORT_UPLOAD && t->step == STEP_BEGIN,
				      .done = t->done,
				      .length = got->has_length ? got->length : UINT64_MAX};
	memcpy(m.type, got->type, sizeof(m.type));
	memcpy(m.digest, got->digest, sizeof(m.digest));
	memcpy(m.next, got->next, sizeof(m.next));
	if (why)
		m.err = *why;
	if (fd_send(TRANSPORT_SOCKET_FD, &m, sizeof(m), NULL, 0) < 0)
		_exit(1); /* the engine has gone */
}

void transfer_finish(struct transfer *t, const struct err *why)
{
	if (t->parent) {
		ranges_part_ended(t, why);
		return;
	}
	ranges_give_up(t);
	struct client *c = t->client;
	struct transfer **p = &c->transfers;
	say(t, why ? TRANSPORT_FAILED : TRANSPORT_DONE, why);
	while (*p != t)
		p = &(*p)->next;
	*p = t->next;
	c->count--;
	transfer_free(t);
}

static void fail(struct transfer *t, int number, enum err_kind kind, const char *text,
		 const char *hint)
{
	struct err e = {0};
	err_set(&e, number, kind, "%s", text);
	if (hint)
		err_hint(&e, "%s", hint);
	transfer_finish(t, &e);
}

void transfer_later(struct transfer *t, int64_t ms)
{
	t->due = clock_ms() + ms;
}

static void failed_for_now(struct transfer *t, int number, const char *text, const char *hint)
{
	/* An upload without chunks, and where a redirect led, may be known no more. */
	*t->url = '\0';
	t->redirects = 0;
	if (*t->session) {
		t->step = STEP_STATUS;
		memcpy(t->url, t->session, sizeof(t->url));
	} else if (t->step != STEP_PLAIN) {
		t->step = STEP_BEGIN;
	}
	t->attempts++;
	if (t->attempts >= t->client->setup.attempts) {
		fail(t, number, ERR_SYSTEM, text, hint);
		return;
	}
	int64_t wait = (int64_t)WAIT_FIRST_MS << (t->attempts < 8 ? t->attempts - 1 : 7);
	if (t->answer.retry_after >= 0)
		wait = t->answer.retry_after * 1000;
	else if (wait > WAIT_MOST_MS)
		wait = WAIT_MOST_MS;
	if (wait > RETRY_AFTER_MAX * 1000)
		fail(t, EAGAIN, ERR_SYSTEM, text, "the registry says to try again later");
	else
		transfer_later(t, wait + (int64_t)(clock_ms() % 50)); /* not all at once */
}

/* --- bytes --- */

/* What @location means where we are, or NULL. */
static CURLU *located(const struct transfer *t, const char *location)
{
	CURLU *u = curl_url();
	if (u && curl_url_set(u, CURLUPART_URL, t->url, 0) == CURLUE_OK &&
	    curl_url_set(u, CURLUPART_URL, location, 0) == CURLUE_OK)
		return u;
	curl_url_cleanup(u);
	return NULL;
}

/* A list goes on there, at the registry itself, whatever host (of a proxy's) the link names. */
static void list_goes_on(struct transfer *t, const char *link)
{
	char *path = NULL, *query = NULL;
	size_t size = sizeof(t->answer.next);
	CURLU *u = located(t, link);
	if (u && curl_url_get(u, CURLUPART_PATH, &path, 0) == CURLUE_OK) {
		bool more = curl_url_get(u, CURLUPART_QUERY, &query, 0) == CURLUE_OK;
		if (snprintf(t->answer.next, size, "%s%s%s", path, more ? "?" : "",
			     more ? query : "") >= (int)size)
			*t->answer.next = '\0';
	}
	curl_free(path);
	curl_free(query);
	curl_url_cleanup(u);
}

static size_t on_header(char *data, size_t one, size_t count, void *ctx)
{
	struct transfer *t = ctx;
	struct answer *a = &t->answer;
	size_t len = one * count;
	char line[CLIENT_URL_MAX];
	a->header_bytes += len;
	if (a->header_bytes > CLIENT_HEADERS_MAX)
		return 0;
	if (len >= sizeof(line))
		return len;
	memcpy(line, data, len);
	line[len] = '\0';
	line[strcspn(line, "\r\n")] = '\0';
	if (!strncmp(line, "HTTP/", 5)) { /* of a proxy's, or a 100's, before the real one */
		*a = (struct answer){.header_bytes = a->header_bytes, .retry_after = -1};
		return len;
	}
	char *value = strchr(line, ':');
	if (!value)
		return len;
	*value++ = '\0';
	value += strspn(value, " \t");
	if (!strcasecmp(line, "Content-Type")) {
		value[strcspn(value, "; \t")] = '\0';
		snprintf(a->type, sizeof(a->type), "%s", value);
	} else if (!strcasecmp(line, "Content-Range")) {
		a->has_range = content_range_parse(value, &a->first) == 0;
		a->total = content_range_total(value);
	} else if (!strcasecmp(line, "Range")) {
		a->has_stored = upload_range_parse(value, &a->stored) == 0;
	} else if (!strcasecmp(line, "OCI-Chunk-Min-Length")) {
		a->chunk = chunk_length_parse(value);
	} else if (!strcasecmp(line, "ETag")) {
		snprintf(a->etag, sizeof(a->etag), "%s", value);
	} else if (!strcasecmp(line, "Docker-Content-Digest")) {
		if (digest_header_is_valid(value))
			memcpy(a->digest, value, strlen(value) + 1);
	} else if (!strcasecmp(line, "Location")) {
		memcpy(a->location, value, strlen(value) + 1);
	} else if (!strcasecmp(line, "Retry-After")) {
		a->retry_after = retry_after_parse(value, time(NULL));
	} else if (!strcasecmp(line, "WWW-Authenticate")) {
		challenge_parse(value, &a->challenge);
	} else if (!strcasecmp(line, "Link")) {
		char url[CLIENT_URL_MAX];
		if (link_next_parse(value, url, sizeof(url)) == 0)
			list_goes_on(t, url);
	}
	return len;
}

ssize_t transfer_put(struct transfer *t, const char *data, size_t len)
{
	size_t at = 0;
	while (at < len) {
		ssize_t n = write(t->fd, data + at, len - at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0) {
			t->fd_error = errno;
			return -1;
		}
		at += (size_t)n;
	}
	return (ssize_t)at;
}

static bool is_success(const struct answer *a)
{
	return a->status >= 200 && a->status < 300;
}

/* To where its bytes belong: a part's stay here until it is their turn. */
static ssize_t keep(struct transfer *t, const char *data, size_t len)
{
	if (!t->parent)
		return transfer_put(t, data, len);
	memcpy(t->hold + t->done, data, len);
	return (ssize_t)len;
}

/* libcurl gives the same bytes again after a pause, so what was written of them is passed over. */
static size_t on_body(char *data, size_t one, size_t count, void *ctx)
{
	struct transfer *t = ctx;
	size_t len = one * count;
	if (t->dead)
		return 0;
	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &t->answer.status);
	if (!is_success(&t->answer) || t->q.op != TRANSPORT_GET) {
		strbuf_add(&t->said, data, len);
		return strbuf_ok(&t->said) ? len : 0;
	}
	if (t->ranged && !ranges_answered(t))
		return 0;
	size_t over = t->skip < len ? (size_t)t->skip : len;
	uint64_t most = t->until ? t->until : t->q.size == UINT64_MAX ? t->q.most : t->q.size;
	if (len - over > most - t->done) {
		t->too_long = true;
		return 0;
	}
	ssize_t n = keep(t, data + over, len - over);
	if (n < 0)
		return 0;
	t->done += (size_t)n;
	if (n)
		t->attempts = 0;
	if (over + (size_t)n == len) {
		t->skip -= over;
		if (t->parent)
			ranges_pump(t->parent);
		return len;
	}
	t->skip = over + (size_t)n;
	t->paused = true;
	return CURL_WRITEFUNC_PAUSE;
}

static size_t on_upload(char *data, size_t one, size_t count, void *ctx)
{
	struct transfer *t = ctx;
	size_t len = one * count, left = (size_t)(t->end - t->done);
	ssize_t n = TEMP_FAILURE_RETRY(pread(t->fd, data, len < left ? len : left, (off_t)t->done));
	if (n < 0) {
		t->fd_error = errno;
		return CURL_READFUNC_ABORT;
	}
	t->done += (size_t)n;
	if (t->done - t->told >= PROGRESS_STEP) {
		t->told = t->done;
		say(t, TRANSPORT_PROGRESS, NULL);
	}
	return (size_t)n;
}

/* --- the requests --- */

static void add_header(struct transfer *t, const char *line)
{
	struct curl_slist *more = curl_slist_append(t->headers, line);
	if (more)
		t->headers = more;
}

/* A body of known length; its end is where the length says, whatever the file does. */
static void send_body(struct transfer *t)
{
	char type[TRANSPORT_TYPE_MAX + 16], range[64];
	t->done = t->told = t->stored;
	t->end = t->q.size;
	if (t->step == STEP_CHUNK) {
		if (t->end - t->stored > t->chunk)
			t->end = t->stored + t->chunk;
		snprintf(range, sizeof(range), "Content-Range: %llu-%llu",
			 (unsigned long long)t->stored, (unsigned long long)t->end - 1);
		add_header(t, range);
		curl_easy_setopt(t->easy, CURLOPT_CUSTOMREQUEST, "PATCH");
	}
	curl_easy_setopt(t->easy, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(t->easy, CURLOPT_READFUNCTION, on_upload);
	curl_easy_setopt(t->easy, CURLOPT_READDATA, t);
	curl_easy_setopt(t->easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)(t->end - t->done));
	snprintf(type, sizeof(type), "Content-Type: %s",
		 *t->q.type ? t->q.type : "application/octet-stream");
	add_header(t, type);
	add_header(t, "Expect:");
}

static void shape_request(struct transfer *t)
{
	CURL *easy = t->easy;
	if (t->q.manifest)
		add_header(t, MANIFESTS);
	if (t->q.op == TRANSPORT_HEAD) {
		curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
	} else if (t->q.op == TRANSPORT_PUT || t->step == STEP_CHUNK || t->step == STEP_SEND) {
		send_body(t);
	} else if (t->step == STEP_STATUS) {
		curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
	} else if (t->q.op == TRANSPORT_UPLOAD) {
		curl_easy_setopt(easy, CURLOPT_POST, 1L);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, "");
	} else if (t->q.size == UINT64_MAX) { /* of a tag: not the same bytes each time */
		if (t->done && ftruncate(t->fd, 0) == 0 && lseek(t->fd, 0, SEEK_SET) == 0)
			t->done = 0;
	} else {
		/* With HTTP/2 a paused stream would be kept in memory, up to its window. */
		curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
		char range[64];
		ranges_header(t, range);
		if (*range)
			curl_easy_setopt(easy, CURLOPT_RANGE, range);
	}
}

void transfer_begin(struct transfer *t)
{
	struct client *c = t->client;
	char base[CLIENT_URL_MAX];
	if (!*t->url) {
		client_base(c, t->url);
		size_t used = strlen(t->url);
		char from[SUBPATH_MAX] = "";
		if (t->q.op == TRANSPORT_UPLOAD && *t->q.from)
			snprintf(from, sizeof(from), "?mount=%s&from=%s", t->q.digest, t->q.from);
		snprintf(t->url + used, sizeof(t->url) - used, "%s%s", t->q.path, from);
	}
	/* Each time anew: a session's URL may be taken up again after a redirect elsewhere. */
	client_base(c, base);
	t->foreign = !client_same_origin(t->url, base);
	t->easy = client_easy(c, t->url);
	if (!t->easy) {
		fail(t, ENOMEM, ERR_SYSTEM, "no memory for a connection", NULL);
		return;
	}
	t->answer = (struct answer){.retry_after = -1};
	t->skip = t->from = 0;
	t->ranged = false;
	t->due = 0;
	t->paused = false;
	t->serial = c->serial;
	strbuf_free(&t->said);
	t->said = (struct strbuf)STRBUF_MAX(CLIENT_ERROR_BODY_MAX);
	curl_slist_free_all(t->headers);
	t->headers = NULL;
	shape_request(t);
	curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers);
	curl_easy_setopt(t->easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(t->easy, CURLOPT_HEADERDATA, t);
	curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(t->easy, CURLOPT_ERRORBUFFER, t->error);
	curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t);
	if (!t->foreign)
		auth_apply(c, t->easy);
	*t->error = '\0';
	if (curl_multi_add_handle(c->multi, t->easy) != CURLM_OK)
		fail(t, ENOMEM, ERR_SYSTEM, "no memory for a connection", NULL);
}

void transfer_new(struct client *c, const struct transport_request *q, int fd)
{
	struct transfer *t = calloc(1, sizeof(*t));
	if (!t)
		_exit(1);
	*t = (struct transfer){.client = c, .next = c->transfers, .q = *q, .fd = fd};
	t->step = q->op == TRANSPORT_UPLOAD ? STEP_BEGIN : STEP_PLAIN;
	t->said = (struct strbuf)STRBUF_MAX(CLIENT_ERROR_BODY_MAX);
	/* Of a file that is not ours alone nothing of this is wanted. */
	if (q->op == TRANSPORT_GET)
		fcntl(fd, F_SETFL, O_NONBLOCK | (fcntl(fd, F_GETFL) & ~O_ACCMODE));
	c->transfers = t;
	c->count++;
	ranges_begin(t);
	transfer_later(t, 0);
}

/* --- answers --- */

/* From the first byte again: with another host, or with what a challenge wanted. */
static void again(struct transfer *t)
{
	transfer_later(t, 0);
}

/* The next request goes there. false, and the transfer is over: hull does not. */
static bool resolve(struct transfer *t, const char *location)
{
	char *target = NULL;
	CURLU *u = located(t, location);
	bool ok = u && curl_url_get(u, CURLUPART_URL, &target, 0) == CURLUE_OK &&
		  strlen(target) < sizeof(t->url);
	bool tls = !strncmp(t->url, "https://", 8);
	if (ok)
		memcpy(t->url, target, strlen(target) + 1);
	curl_free(target);
	curl_url_cleanup(u);
	if (!ok || (strncmp(t->url, "https://", 8) && (tls || strncmp(t->url, "http://", 7))))
		fail(t, EPROTO, ERR_SYSTEM, "the registry redirects to where hull does not go",
		     NULL);
	else
		return true;
	return false;
}

static void follow(struct transfer *t, const char *location)
{
	if (!resolve(t, location))
		return;
	if (t->redirects++ == REDIRECTS_MAX)
		fail(t, ELOOP, ERR_SYSTEM, "the registry redirects without an end", NULL);
	else
		again(t);
}

static void challenged(struct transfer *t)
{
	struct err e = {0};
	struct client *c = t->client;
	/* Somebody else has got a token meanwhile. */
	if (t->serial != c->serial) {
		again(t);
		return;
	}
	if (t->challenged) {
		char why[512];
		auth_error_text(&t->said, why, sizeof(why));
		fail(t, EACCES, ERR_DENIED, *why ? why : "unauthorized: authentication required",
		     NULL);
		return;
	}
	t->challenged = true;
	*c->token = '\0';
	c->basic = false;
	if (auth_answer(c, &t->answer.challenge, &e) < 0)
		transfer_finish(t, &e);
	else
		again(t);
}

/* Of an upload in chunks. false: for a reason that each request may be refused for. */
static bool chunk_refused(struct transfer *t, const char *text)
{
	long status = t->answer.status;
	if (status == 401 || status == 403 || status == 408 || status == 429 || status >= 500)
		return false;
	/* Known no more, or damaged; or chunks are none of its things. Another order is not. */
	if (t->step == STEP_STATUS || status != 416)
		*t->session = '\0';
	if (t->step == STEP_CHUNK && status != 416 && status != 404)
		t->chunk = UINT64_MAX;
	failed_for_now(t, EPROTO, text, NULL);
	return true;
}

static void refused(struct transfer *t)
{
	const struct answer *a = &t->answer;
	char text[768], why[512];
	auth_error_text(&t->said, why, sizeof(why));
	snprintf(text, sizeof(text), "registry %s answers %ld%s%s", t->client->setup.host,
		 a->status, *why ? ": " : "", why);
	if ((t->step == STEP_CHUNK || t->step == STEP_STATUS) && chunk_refused(t, text))
		return;
	/* What storage was allowed to give has run out: the registry allows it anew. */
	if (t->foreign && t->q.op == TRANSPORT_GET &&
	    (a->status == 400 || a->status == 401 || a->status == 403))
		failed_for_now(t, EACCES, text, NULL);
	/* 404 has many meanings; who asked knows which. */
	else if (a->status == 404)
		fail(t, ENOENT, ERR_NOT_FOUND, *why ? why : "not found", NULL);
	else if (a->status == 401 || a->status == 403)
		fail(t, EACCES, ERR_DENIED, *why ? why : text, NULL);
	else if (a->status == 429 || a->status == 408 || a->status >= 500)
		failed_for_now(t, EAGAIN, text, NULL);
	else
		fail(t, EPROTO, ERR_SYSTEM, text, NULL);
}

/* What of an upload comes next, where its last answer says. */
static void upload_on(struct transfer *t)
{
	bool whole = t->q.size <= t->chunk;
	if (*t->answer.location && !resolve(t, t->answer.location))
		return;
	if (!whole)
		memcpy(t->session, t->url, sizeof(t->session));
	t->step = !whole && t->stored < t->q.size ? STEP_CHUNK : STEP_SEND;
	size_t used = strlen(t->url);
	if (t->step == STEP_SEND &&
	    snprintf(t->url + used, sizeof(t->url) - used, "%cdigest=%s",
		     strchr(t->url, '?') ? '&' : '?', t->q.digest) >= (int)(sizeof(t->url) - used))
		fail(t, EPROTO, ERR_SYSTEM, "the registry does not say where a blob goes", NULL);
	else
		again(t);
}

/* Where an upload goes on, or that it need not. */
static void began(struct transfer *t)
{
	struct answer *a = &t->answer;
	if (a->status == 201 || t->fd < 0) {
		/* Mounted; or it could only be that, and is not. */
		if (a->status == 201)
			transfer_finish(t, NULL);
		else
			fail(t, ENOENT, ERR_NOT_FOUND, "not mounted", NULL);
		return;
	}
	t->stored = 0;
	if (t->chunk != UINT64_MAX)
		t->chunk = a->chunk > CHUNK ? a->chunk : CHUNK;
	if (!*a->location)
		fail(t, EPROTO, ERR_SYSTEM, "the registry does not say where a blob goes", NULL);
	else
		upload_on(t);
}

/* A chunk is there, or it was said how much is. */
static void chunk_taken(struct transfer *t)
{
	const struct answer *a = &t->answer;
	bool sent = t->step == STEP_CHUNK;
	uint64_t next = a->has_stored ? a->stored : sent ? t->end : 0;
	uint64_t least = t->chunk < PROGRESS_STEP ? t->chunk : PROGRESS_STEP;
	bool last = next == t->q.size;
	if (next > t->end) {
		fail(t, EPROTO, ERR_SYSTEM,
		     "the registry says that it has more of a blob than was sent", NULL);
		return;
	}
	if (sent && next <= t->stored) {
		failed_for_now(t, EPROTO, "the registry took nothing of what was sent", NULL);
		return;
	}
	if (next > t->farthest && (last || next - t->farthest >= least)) {
		t->farthest = next;
		t->attempts = 0;
	} else if (sent && !last && next - t->stored < least &&
		   ++t->attempts >= t->client->setup.attempts) {
		fail(t, EPROTO, ERR_SYSTEM, "the registry takes next to nothing of what is sent",
		     NULL);
		return;
	}
	t->stored = next;
	upload_on(t);
}

static void succeeded(struct transfer *t)
{
	t->challenged = false;
	t->redirects = 0;
	if (t->step == STEP_BEGIN)
		began(t);
	else if (t->step == STEP_CHUNK || t->step == STEP_STATUS)
		chunk_taken(t);
	else if (t->until && t->done == t->until && t->done < t->q.size)
		ranges_pump(t);
	else if (t->q.op == TRANSPORT_GET && t->q.size != UINT64_MAX && t->done < t->q.size)
		failed_for_now(t, EPROTO, "the registry sent less than the manifest says", NULL);
	else
		transfer_finish(t, NULL);
}

void transfer_write_failed(struct transfer *t)
{
	char text[256];
	snprintf(text, sizeof(text), "cannot %s: %s",
		 t->q.op == TRANSPORT_GET ? "pass on what the registry sends" : "read what is sent",
		 err_errno_text(t->fd_error));
	fail(t, t->fd_error, ERR_SYSTEM, text, NULL);
}

/* The connection, not the request, is at fault. */
static void broken(struct transfer *t, CURLcode code)
{
	struct client *c = t->client;
	char text[768];
	const char *why = *t->error ? t->error : curl_easy_strerror(code);
	if (t->fd_error) {
		transfer_write_failed(t);
		return;
	}
	if (t->too_long) {
		fail(t, EMSGSIZE, ERR_INVALID, "the registry sends more than it may", NULL);
		return;
	}
	/* docker's rule for registries on this machine, and those said to be insecure. */
	if (c->setup.flags & TRANSPORT_PLAIN && !c->plain && !c->answered && !t->foreign &&
	    code != CURLE_PEER_FAILED_VERIFICATION) {
		c->plain = true;
		*t->url = '\0';
		again(t);
		return;
	}
	/* Others of the first requests have found that out. */
	if (c->plain && !t->foreign && !strncmp(t->url, "https:", 6)) {
		*t->url = '\0';
		again(t);
		return;
	}
	snprintf(text, sizeof(text), "cannot %s registry %s: %s", c->answered ? "hear" : "reach",
		 c->setup.host, why);
	if (code == CURLE_PEER_FAILED_VERIFICATION)
		fail(t, EACCES, ERR_DENIED, text,
		     "put its authority's certificate into /etc/containers/certs.d/HOST/ca.crt, or "
		     "call the registry insecure in registries.conf");
	else if (code == CURLE_COULDNT_RESOLVE_HOST)
		fail(t, EHOSTUNREACH, ERR_SYSTEM, text, "is the name right, and DNS reachable?");
	else
		failed_for_now(t, EIO, text, NULL);
}

void transfer_ended(struct transfer *t, CURLcode code)
{
	struct answer *a = &t->answer;
	CURL *easy = t->easy;
	curl_off_t length = -1;
	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &a->status);
	curl_easy_getinfo(easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
	a->has_length = length >= 0;
	a->length = a->has_length ? (uint64_t)length : 0;
	curl_multi_remove_handle(t->client->multi, easy);
	t->easy = NULL;
	curl_easy_cleanup(easy);
	if (t->dead)
		return;
	if (code != CURLE_OK || !a->status) {
		broken(t, code);
		return;
	}
	t->client->answered |= !t->foreign;
	if (a->status >= 300 && a->status < 400 && *a->location)
		follow(t, a->location);
	else if (a->status == 401 && !t->foreign && (a->challenge.basic || a->challenge.bearer))
		challenged(t);
	else if (a->status == 416 || !is_success(a))
		refused(t);
	else
		succeeded(t);
}
