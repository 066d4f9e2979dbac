/* SPDX-License-Identifier: Apache-2.0 */
/* Rests on memfd_create(2) for documents: hull-transport writes them where it has no file. Read
 * remote.h first. */
#include "image/registry/remote.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/units.h"

enum { ATTEMPTS = 5, TIMEOUT_SECONDS = 30, TIMEOUT_MOST = 3600 };
#define ROOTS "/etc/ssl/certs/ca-certificates.crt"

static int put_text(char *to, size_t size, const char *text, struct err *e)
{
	if (strlen(text ?: "") >= size)
		return err_set(e, ENAMETOOLONG, ERR_INVALID,
			       "a name or secret is longer than %zu characters", size - 1);
	memcpy(to, text ?: "", strlen(text ?: "") + 1);
	return 0;
}

static uint32_t timeout(void)
{
	uint64_t seconds;
	const char *given = getenv("HULL_REGISTRY_TIMEOUT");
	return given && uint_parse(given, TIMEOUT_MOST, &seconds) == 0 && seconds
		       ? (uint32_t)seconds
		       : TIMEOUT_SECONDS;
}

static int fill_setup(struct transport_setup *s, const struct image_registry *how,
		      const struct endpoint *at, const struct credentials *c, const char *scope,
		      struct arena *a, struct err *e)
{
	const char *roots = getenv("SSL_CERT_FILE");
	bool insecure = how->tls_verify.set ? !how->tls_verify.value : at->insecure;
	bool plain = insecure || (at->loopback && !how->tls_verify.value);
	*s = (struct transport_setup){
		.version = TRANSPORT_VERSION, .timeout = timeout(), .attempts = ATTEMPTS};
	s->flags = (insecure ? TRANSPORT_ANY_CERTIFICATE : 0) | (plain ? TRANSPORT_PLAIN : 0);
	const struct {
		char *to;
		size_t size;
		const char *text;
	} table[] = {
		{s->host, sizeof(s->host), at->host},
		{s->user, sizeof(s->user), c->user},
		{s->secret, sizeof(s->secret), c->secret},
		{s->identity, sizeof(s->identity), c->identity},
		{s->scope, sizeof(s->scope), scope},
		{s->roots, sizeof(s->roots), roots && *roots ? roots : ROOTS},
		{s->certs[0], sizeof(s->certs[0]),
		 how->cert_dir ?: arena_printf(a, "/etc/containers/certs.d/%s", at->host)},
		{s->certs[1], sizeof(s->certs[1]),
		 how->cert_dir ? "" : arena_printf(a, "/etc/docker/certs.d/%s", at->host)},
	};
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (put_text(table[i].to, table[i].size, table[i].text, e) < 0)
			return -e->number;
	return 0;
}

int remote_open(struct remote *r, struct image_store *s, const struct image_registry *how,
		const char *domain, const char *path, const struct endpoint *at, const char *scope,
		const struct credentials *credentials, struct arena *a, struct err *e)
{
	struct transport_setup *setup = arena_new(a, struct transport_setup);
	struct credentials kept = {0};
	*r = (struct remote){.job = TRANSPORT_JOB_NONE,
			     .store = s,
			     .arena = a,
			     .path = at->path,
			     .repository = arena_printf(a, "%s/%s", domain, path)};
	for (const struct image_identity *i = how->identities; !credentials && i; i = i->next)
		if (!strcmp(i->domain, domain))
			credentials = i->credentials;
	if (!credentials && how->ask)
		credentials = how->ask(how->ctx, domain);
	int n = credentials ? 0 : credentials_find(domain, a, &kept, e);
	if (n == 0)
		n = fill_setup(setup, how, at, credentials ?: &kept, scope, a, e);
	if (n == 0)
		n = transport_start(&r->job, s->libexec, setup, !at->loopback, e);
	explicit_bzero(setup, sizeof(*setup));
	return n;
}

void remote_close(struct remote *r)
{
	transport_stop(&r->job);
}

void remote_request(const struct remote *r, struct transport_request *q, uint32_t op,
		    const char *what)
{
	*q = (struct transport_request){.op = op};
	snprintf(q->path, sizeof(q->path), "/v2/%s%s%s", r->path, *r->path ? "/" : "", what);
}

int remote_memory(const char *text, struct err *e)
{
	CLEANUP_FD int fd = memfd_create("document", MFD_CLOEXEC);
	int r = fd < 0 ? -errno : fd_write_full(fd, text, strlen(text));
	return r < 0 ? err_errno(e, r, "no memory for a document") : fd_steal(&fd);
}

int remote_put_manifest(struct remote *r, const char *name, const char *type, const char *text,
			struct err *e)
{
	struct transport_request q;
	struct transport_message m;
	CLEANUP_FD int fd = remote_memory(text, e);
	if (fd < 0)
		return fd;
	remote_request(r, &q, TRANSPORT_PUT, arena_printf(r->arena, "manifests/%s", name));
	q.size = strlen(text);
	if (strlen(type) >= sizeof(q.type) || strpbrk(type, "\r\n"))
		return err_set(e, EINVAL, ERR_INVALID, "its manifest is of a strange type");
	memcpy(q.type, type, strlen(type) + 1);
	return transport_call(&r->job, &q, fd, &m, e);
}

int remote_text(struct remote *r, struct transport_request *q, uint64_t size, size_t most,
		char **ret, size_t *ret_len, struct transport_message *m, struct err *e)
{
	CLEANUP_FD int fd = memfd_create("document", MFD_CLOEXEC);
	if (fd < 0)
		return err_errno(e, errno, "no memory for a document");
	q->size = size;
	q->most = most;
	int n = transport_call(&r->job, q, fd, m, e);
	r->plain = m->plain;
	if (n < 0)
		return n;
	if (m->done > most || lseek(fd, 0, SEEK_SET) < 0)
		return err_set(e, EPROTO, ERR_INTERNAL, "hull-transport wrote too much");
	char *text = arena_alloc(r->arena, (size_t)m->done + 1);
	ssize_t got = fd_read_full(fd, text, (size_t)m->done);
	if (got != (ssize_t)m->done)
		return err_set(e, EPROTO, ERR_INTERNAL, "hull-transport wrote too little");
	if (memchr(text, 0, (size_t)got))
		return err_set(e, EINVAL, ERR_INVALID, "a document has a NUL byte");
	*ret = text;
	*ret_len = (size_t)got;
	return 0;
}
