/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of images, by the grammar of github.com/distribution/reference:
 *
 *   reference = name [ ":" tag ] [ "@" digest ]      name = [ domain "/" ] path
 *   domain    = labels joined by "." [ ":" port ], or an IPv6 address in brackets
 *   path      = components joined by "/"; a component is [a-z0-9]+ runs joined by ".", "_", "__",
 * "-"+ tag       = [A-Za-z0-9_][A-Za-z0-9_.-]{0,127}
 *
 * and docker's normalisation: a first component without ".", ":" that is not "localhost" is no
 * domain; no domain is docker.io, where a single component stands for library/<component>.
 * Invariant: a struct image_reference holds normalised, checked parts. Read image.h first.
 */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/units.h"
#include "image/image.h"

#define DEFAULT_DOMAIN "docker.io"
#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

enum { PORT_MAX = 65535 };

static bool only(const char *text, size_t len, const char *set)
{
	return strspn(text, set) >= len;
}

bool image_digest_is_valid(const char *text)
{
	static const struct {
		const char *prefix;
		size_t prefix_len, digits;
	} known[] = {{"sha256:", 7, 64}, {"sha512:", 7, 128}};
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strncmp(text, known[i].prefix, known[i].prefix_len))
			continue;
		const char *hex = text + known[i].prefix_len;
		return strlen(hex) == known[i].digits &&
		       strspn(hex, DIGITS "abcdef") == known[i].digits;
	}
	return false;
}

static bool tag_is_valid(const char *tag)
{
	size_t len = strlen(tag);
	return len >= 1 && len <= IMAGE_TAG_MAX && *tag != '.' && *tag != '-' &&
	       only(tag, len, LOWER UPPER DIGITS "_.-");
}

/* [a-z0-9]+ runs joined by one ".", one or two "_", or any number of "-". */
static bool component_is_valid(const char *p, size_t len)
{
	const char *end = p + len;
	for (;;) {
		size_t run = strspn(p, LOWER DIGITS);
		if (run == 0)
			return false;
		p += run;
		if (p >= end)
			return p == end;
		if (*p == '.')
			p++;
		else if (*p == '_')
			p += p[1] == '_' ? 2 : 1;
		else if (*p == '-')
			p += strspn(p, "-");
		else
			return false;
	}
}

static bool path_is_valid(const char *path)
{
	for (;;) {
		size_t len = strcspn(path, "/");
		if (!component_is_valid(path, len))
			return false;
		if (!path[len])
			return true;
		path += len + 1;
	}
}

static bool label_is_valid(const char *p, size_t len)
{
	return len >= 1 && only(p, len, LOWER UPPER DIGITS "-") && p[0] != '-' && p[len - 1] != '-';
}

static bool domain_is_valid(const char *domain)
{
	uint64_t port;
	const char *host_end;
	if (*domain == '[') {
		host_end = strchr(domain, ']');
		if (!host_end || host_end == domain + 1 ||
		    !only(domain + 1, (size_t)(host_end - domain - 1), DIGITS "abcdefABCDEF:"))
			return false;
		host_end++;
	} else {
		host_end = domain + strcspn(domain, ":");
		for (const char *p = domain; p <= host_end;) {
			size_t len = strcspn(p, ".:");
			if (!label_is_valid(p, len))
				return false;
			p += len + 1;
		}
	}
	return !*host_end || (*host_end == ':' && uint_parse(host_end + 1, PORT_MAX, &port) == 0);
}

static int bad_format(const char *text, struct err *e)
{
	err_set(e, EINVAL, ERR_INVALID, "invalid reference format: \"%.200s\"", text);
	return err_hint(
		e,
		"a name is [HOST[:PORT]/]PATH[:TAG] with a path of lower-case letters, digits and "
		"single . _ - between them");
}

/* Does the part before the first '/' name a registry? */
static bool is_domain(const char *text, size_t len)
{
	bool upper = false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '.' || text[i] == ':')
			return true;
		upper |= isupper((unsigned char)text[i]) != 0;
	}
	return upper || (len == 9 && !strncmp(text, "localhost", 9));
}

static void split_name(const char *name, struct arena *a, struct image_reference *r)
{
	const char *slash = strchr(name, '/');
	if (slash && is_domain(name, (size_t)(slash - name))) {
		r->domain = arena_strndup(a, name, (size_t)(slash - name));
		name = slash + 1;
	}
	if (!r->domain || !strcmp(r->domain, "index.docker.io"))
		r->domain = DEFAULT_DOMAIN;
	r->path = arena_strdup(a, name);
	if (!strcmp(r->domain, DEFAULT_DOMAIN) && !strchr(name, '/'))
		r->path = arena_printf(a, "library/%s", name);
}

static int check_name(const char *text, const struct image_reference *r, struct err *e)
{
	if (strlen(r->path) > IMAGE_NAME_MAX)
		return err_set(e, ENAMETOOLONG, ERR_INVALID,
			       "repository name must not be more than %d characters",
			       IMAGE_NAME_MAX);
	if (strpbrk(r->path, UPPER))
		return err_set(e, EINVAL, ERR_INVALID,
			       "invalid reference format: repository name (%s) must be lowercase",
			       r->path);
	if (!path_is_valid(r->path) || !domain_is_valid(r->domain))
		return bad_format(text, e);
	return 0;
}

int image_reference_parse(const char *text, struct arena *a, struct image_reference *ret,
			  struct err *e)
{
	struct image_reference r = {0};
	size_t len = strlen(text);
	if (len == 0 || len > IMAGE_REFERENCE_MAX)
		return bad_format(text, e);
	if (len == ID_LEN && id_is_hex(text, len))
		return err_set(e, EINVAL, ERR_INVALID,
			       "invalid repository name (%s), cannot specify 64-byte hexadecimal "
			       "strings",
			       text);
	char *name = arena_strdup(a, text);
	char *at = strchr(name, '@');
	if (at) {
		*at = '\0';
		r.digest = at + 1;
		if (!image_digest_is_valid(r.digest))
			return bad_format(text, e);
	}
	char *slash = strrchr(name, '/');
	char *colon = strrchr(slash ? slash : name, ':');
	if (colon) {
		*colon = '\0';
		r.tag = colon + 1;
		if (!tag_is_valid(r.tag))
			return bad_format(text, e);
	}
	split_name(name, a, &r);
	int n = check_name(text, &r, e);
	if (n < 0)
		return n;
	if (!r.tag && !r.digest)
		r.tag = "latest";
	*ret = r;
	return 0;
}

static char *with_suffix(const char *name, const struct image_reference *r, struct arena *a)
{
	if (r->digest)
		return arena_printf(a, "%s@%s", name, r->digest);
	return r->tag ? arena_printf(a, "%s:%s", name, r->tag) : arena_strdup(a, name);
}

char *image_reference_full(const struct image_reference *r, struct arena *a)
{
	return with_suffix(arena_printf(a, "%s/%s", r->domain, r->path), r, a);
}

char *image_reference_repository(const struct image_reference *r, struct arena *a)
{
	if (strcmp(r->domain, DEFAULT_DOMAIN))
		return arena_printf(a, "%s/%s", r->domain, r->path);
	/* library/ is left out only where it would be put back. */
	bool library = !strncmp(r->path, "library/", 8) && !strchr(r->path + 8, '/');
	const char *slash = strchr(r->path, '/');
	/* docker.io/a.b/c would be taken for c at the registry a.b. */
	if (!library && slash && is_domain(r->path, (size_t)(slash - r->path)))
		return arena_printf(a, "%s/%s", r->domain, r->path);
	return arena_strdup(a, library ? r->path + 8 : r->path);
}

char *image_reference_familiar(const struct image_reference *r, struct arena *a)
{
	return with_suffix(image_reference_repository(r, a), r, a);
}
