/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trying credentials, and keeping them. A registry checks them when its base, /v2/, is asked for:
 * itself, or by the token service that it names. Read credentials.h and remote.h first.
 */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "image/registry/remote.h"

enum { ANSWER_MAX = 64 << 10 };

static int try_them(struct image_store *s, const struct image_login *l, const struct credentials *c,
		    struct arena *a, struct err *e)
{
	struct endpoint *at;
	CLEANUP_REMOTE struct remote remote = REMOTE_NONE;
	struct transport_request q;
	struct transport_message m;
	char *text;
	size_t len;
	/* Any repository would do: it is the registry's own place that counts. */
	int r = registries_first(l->domain, "any", true, &at, a, e);
	if (r < 0)
		return r;
	at->path = "";
	r = remote_open(&remote, s, &l->registry, l->domain, "", at, "", c, a, e);
	if (r < 0)
		return r;
	remote_request(&remote, &q, TRANSPORT_GET, "");
	return remote_text(&remote, &q, UINT64_MAX, ANSWER_MAX, &text, &len, &m, e);
}

int image_login(struct image_store *s, const struct image_login *l, struct arena *a,
		char **ret_where, struct err *e)
{
	struct credentials c = {.user = (char *)l->user, .secret = (char *)l->secret};
	int r = l->user ? 0 : credentials_find(l->domain, a, &c, e);
	if (r == 0)
		r = try_them(s, l, &c, a, e);
	if (r < 0)
		return err_context(e, "login to %s", l->domain);
	*ret_where = NULL;
	return l->user && !l->check ? credentials_store(l->domain, &c, a, ret_where, e) : 0;
}

int image_login_known(const char *domain, struct arena *a, const char **ret_user, struct err *e)
{
	struct credentials c;
	int r = credentials_find(domain, a, &c, e);
	*ret_user = c.user;
	return r < 0 ? r : (c.user && c.secret) || c.identity;
}

int image_logout(const char *domain, struct arena *a, struct err *e)
{
	return credentials_erase(domain, a, e);
}

char *image_registry_name(const char *given, struct arena *a)
{
	static const char *const hub[] = {"index.docker.io", "registry-1.docker.io", "docker.io"};
	const char *scheme = strstr(given, "://");
	given = scheme ? scheme + 3 : given;
	char *name = arena_strndup(a, given, strcspn(given, "/"));
	for (size_t i = 0; i < ARRAY_LEN(hub); i++)
		if (!*name || !strcmp(name, hub[i]))
			return "docker.io";
	return name;
}
