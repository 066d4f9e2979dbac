/* SPDX-License-Identifier: Apache-2.0 */
/* --secret of run and create, in podman's form. Read resource_option.h first. */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/mount_option.h"
#include "cli/resource_option.h"
#include "spec/docker.h"

enum { SECRETS_MAX = 256 };

static int wrong(const char *key, const char *value, struct err *e)
{
	return err_set(e, EINVAL, ERR_USAGE, "invalid value for %s: %.80s", key, value);
}

/* Digits of @base, at most @max. */
static int number(const char *key, const char *value, unsigned base, int64_t max, int64_t *ret,
		  struct err *e)
{
	int64_t n = 0;
	const char *p = value;
	for (; *p >= '0' && *p < (char)('0' + base) && n <= max; p++)
		n = n * base + (*p - '0');
	if (*p || p == value || n > max)
		return wrong(key, value, e);
	*ret = n;
	return 0;
}

static int read_field(struct hull_secret *s, char *field, bool *file_only, struct err *e)
{
	char *value = strchr(field, '=');
	if (!value)
		return err_set(e, EINVAL, ERR_USAGE, "invalid field '%s' must be a key=value pair",
			       field);
	*value++ = '\0';
	const struct {
		const char *key;
		unsigned base;
		int64_t max, *to;
	} numbers[] = {{"uid", 10, UINT32_MAX - 1, &s->uid},
		       {"gid", 10, UINT32_MAX - 1, &s->gid},
		       {"mode", 8, 07777, &s->mode}};
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		if (strcmp(field, numbers[i].key))
			continue;
		*file_only = true;
		return number(field, value, numbers[i].base, numbers[i].max, numbers[i].to, e);
	}
	if (!strcmp(field, "source"))
		s->name = value;
	else if (!strcmp(field, "target"))
		s->target = value;
	else if (!strcmp(field, "type") && !strcmp(value, "env"))
		s->variable = "";
	else if (!strcmp(field, "type") && !strcmp(value, "mount"))
		s->variable = NULL;
	else if (!strcmp(field, "type"))
		return wrong(field, value, e);
	else
		return err_set(e, EINVAL, ERR_USAGE, "unexpected key '%s'", field);
	return 0;
}

/* The name may stand first and alone. */
static int read_secret(const char *text, struct hull_secret *s, struct arena *a, struct err *e)
{
	struct strv fields = {0};
	bool file_only = false;
	int r = csv_split(text, &fields, a, e);
	size_t first = r == 0 && !strchr(fields.items[0], '=');
	if (first)
		s->name = fields.items[0];
	for (size_t i = first; r == 0 && i < fields.count; i++)
		r = read_field(s, fields.items[i], &file_only, e);
	if (r < 0)
		return r;
	if (!s->name || !*s->name)
		return err_set(e, EINVAL, ERR_USAGE, "it names no secret");
	if (!s->variable)
		return 0;
	if (file_only)
		return err_set(e, EINVAL, ERR_USAGE, "uid, gid and mode are of files: type=mount");
	if (s->target && strchr(s->target, '='))
		return wrong("target", s->target, e);
	s->variable = s->target ? s->target : "";
	s->target = NULL;
	return 0;
}

int option_set_secret(void *field, const char *value, struct arena *a, struct err *e)
{
	struct array *list = field;
	struct hull_secret s = {.mode = 0444};
	int r = read_secret(value, &s, a, e);
	if (r < 0)
		return r;
	if (list->count == SECRETS_MAX)
		return err_set(e, E2BIG, ERR_USAGE, "more than %d secrets", SECRETS_MAX);
	*(struct hull_secret *)array_push(a, list, sizeof(s)) = s;
	return 0;
}
