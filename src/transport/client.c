/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop: the engine's socket, libcurl's connections, and the pipes that are full. Rests on
 * libcurl-multi(3). A full pipe pauses its transfer, and thereby, through TCP, the registry: no
 * body is ever held here but some parts of large ones (ranges.c). Read client.h first.
 */
#include "transport/client.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/file.h"

enum {
	CERTIFICATES_MAX = 4 << 20,
	CERTS_D_MAX = 64,
	CONNECT_SECONDS = 20,
	RECEIVE_SIZE = 256 << 10
};

void client_base(const struct client *c, char ret[static CLIENT_URL_MAX])
{
	snprintf(ret, CLIENT_URL_MAX, "%s://%s", c->plain ? "http" : "https", c->setup.host);
}

static bool same_part(CURLU *a, CURLU *b, CURLUPart part)
{
	char *x = NULL, *y = NULL;
	bool same = curl_url_get(a, part, &x, CURLU_DEFAULT_PORT) == CURLUE_OK &&
		    curl_url_get(b, part, &y, CURLU_DEFAULT_PORT) == CURLUE_OK && !strcasecmp(x, y);
	curl_free(x);
	curl_free(y);
	return same;
}

bool client_same_origin(const char *a, const char *b)
{
	CURLU *x = curl_url(), *y = curl_url();
	bool same = x && y && curl_url_set(x, CURLUPART_URL, a, 0) == CURLUE_OK &&
		    curl_url_set(y, CURLUPART_URL, b, 0) == CURLUE_OK &&
		    same_part(x, y, CURLUPART_SCHEME) && same_part(x, y, CURLUPART_HOST) &&
		    same_part(x, y, CURLUPART_PORT);
	curl_url_cleanup(x);
	curl_url_cleanup(y);
	return same;
}

CURL *client_easy(struct client *c, const char *url)
{
	CURL *easy = curl_easy_init();
	if (!easy)
		return NULL;
	bool any = c->setup.flags & TRANSPORT_ANY_CERTIFICATE;
	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "hull/" HULL_VERSION);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, (long)c->setup.timeout);
	curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)RECEIVE_SIZE);
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, any ? 0L : 1L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, any ? 0L : 2L);
	curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
	curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	if (c->roots.len)
		curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &c->roots);
	if (c->cert.len && c->key.len) {
		curl_easy_setopt(easy, CURLOPT_SSLCERT_BLOB, &c->cert);
		curl_easy_setopt(easy, CURLOPT_SSLKEY_BLOB, &c->key);
	}
	return easy;
}

/* --- certificates --- */

static int append_file(struct curl_blob *b, int dir, const char *path, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	char *text;
	size_t len;
	int r = file_read(dir, path, CERTIFICATES_MAX, &a, &text, &len, e);
	if (r < 0)
		return r;
	char *more = realloc(b->data, b->len + len + 1);
	if (!more)
		return err_errno(e, ENOMEM, "%s", path);
	memcpy(more + b->len, text, len);
	explicit_bzero(text, len);
	more[b->len + len] = '\n';
	*b = (struct curl_blob){more, b->len + len + 1, CURL_BLOB_NOCOPY};
	return 0;
}

/* NAME.crt is an authority; NAME.cert with NAME.key is what we are known by. */
static int read_certs(struct client *c, const char *folder, struct err *e)
{
	CLEANUP_FD int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_DIR DIR *d = fd < 0 ? NULL : dir_stream(fd);
	struct dirent *entry;
	int r = 0;
	for (int n = 0; d && r == 0 && n < CERTS_D_MAX && (entry = dir_next(d)); n++) {
		const char *dot = strrchr(entry->d_name, '.');
		if (dot && !strcmp(dot, ".crt"))
			r = append_file(&c->roots, fd, entry->d_name, e);
		else if (dot && !strcmp(dot, ".cert") && !c->cert.len)
			r = append_file(&c->cert, fd, entry->d_name, e);
		else if (dot && !strcmp(dot, ".key") && !c->key.len)
			r = append_file(&c->key, fd, entry->d_name, e);
	}
	if (r == 0 && !c->cert.len != !c->key.len)
		return err_set(e, ENOENT, ERR_INVALID,
			       "%s: a client certificate needs both NAME.cert and NAME.key",
			       folder);
	return r < 0 ? err_context(e, "%s", folder) : 0;
}

int client_open(struct client *c, struct err *e)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(c->setup.certs); i++)
		if (*c->setup.certs[i])
			r = read_certs(c, c->setup.certs[i], e);
	/* A machine without the system's certificates may still reach plain registries. */
	if (r == 0 && file_exists(AT_FDCWD, c->setup.roots))
		r = append_file(&c->roots, AT_FDCWD, c->setup.roots, e);
	if (r < 0)
		return r;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || !(c->multi = curl_multi_init()))
		return err_set(e, ENOMEM, ERR_SYSTEM, "hull-transport: libcurl does not start");
	curl_multi_setopt(c->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)TRANSPORT_AT_ONCE_MAX);
	return 0;
}

/* --- the loop --- */

static bool request_ok(const struct client *c, const struct transport_request *q, int fd)
{
	bool text = memchr(q->path, 0, sizeof(q->path)) && memchr(q->type, 0, sizeof(q->type)) &&
		    memchr(q->digest, 0, sizeof(q->digest)) && memchr(q->from, 0, sizeof(q->from));
	bool body = q->op == TRANSPORT_GET || q->op == TRANSPORT_PUT;
	return text && q->version == TRANSPORT_VERSION && *q->path == '/' &&
	       c->count < TRANSPORT_AT_ONCE_MAX && q->op >= TRANSPORT_GET &&
	       q->op <= TRANSPORT_UPLOAD && (!body || fd >= 0);
}

/* 1: go on, 0: the engine is done with us. */
static int take_request(struct client *c)
{
	struct transport_request q;
	int fds[1];
	ssize_t n = fd_recv(TRANSPORT_SOCKET_FD, &q, sizeof(q), fds, 1);
	if (n != sizeof(q) || !request_ok(c, &q, fds[0]))
		return 0;
	transfer_new(c, &q, fds[0]);
	return 1;
}

/* Those whose pipe has room again, or no reader. */
static void unpause(struct client *c)
{
	for (struct transfer *t = c->transfers, *next; t; t = next) {
		next = t->next;
		struct pollfd p = {t->fd, POLLOUT, 0};
		if (t->dead || !t->paused || poll(&p, 1, 0) <= 0)
			continue;
		t->paused = false;
		if (t->easy)
			curl_easy_pause(t->easy, CURLPAUSE_CONT);
		else
			ranges_pump(t);
	}
}

/* Begin what is due; how long until the next is, in ms. */
static int begin_due(struct client *c)
{
	int64_t wait = 60000, now = clock_ms();
	for (struct transfer *t = c->transfers, *next; t; t = next) {
		next = t->next;
		if (t->easy || t->idle || t->dead)
			continue;
		if (t->due <= now)
			transfer_begin(t);
		else if (t->due - now < wait)
			wait = t->due - now;
	}
	return (int)wait;
}

static bool harvest(struct client *c)
{
	CURLMsg *m;
	int left;
	bool any = false;
	while ((m = curl_multi_info_read(c->multi, &left))) {
		struct transfer *t;
		CURLcode code = m->data.result;
		if (m->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&t);
		transfer_ended(t, code);
		any = true;
	}
	return any;
}

int client_serve(struct client *c)
{
	struct curl_waitfd fds[TRANSPORT_AT_ONCE_MAX + 1];
	for (;;) {
		int running;
		ranges_sweep(c);
		int wait = begin_due(c);
		if (curl_multi_perform(c->multi, &running) != CURLM_OK)
			return -EIO;
		if (harvest(c))
			continue;
		unsigned n = 1;
		fds[0] = (struct curl_waitfd){TRANSPORT_SOCKET_FD, CURL_WAIT_POLLIN, 0};
		for (struct transfer *t = c->transfers; t; t = t->next)
			if (t->paused && !t->dead)
				fds[n++] = (struct curl_waitfd){t->fd, CURL_WAIT_POLLOUT, 0};
		if (curl_multi_poll(c->multi, fds, n, wait, NULL) != CURLM_OK)
			return -EIO;
		unpause(c);
		struct pollfd p = {TRANSPORT_SOCKET_FD, POLLIN, 0};
		if (poll(&p, 1, 0) > 0 && take_request(c) == 0)
			return 0;
	}
}
