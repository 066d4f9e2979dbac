/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The grammar of --mount: one table of keys, each with the part of struct docker_mount it fills.
 * What contradicts itself is refused here; whether the source exists is the engine's question.
 * Format: RFC 4180 for the record, docker's documentation "Bind mounts", "Volumes", "tmpfs mounts"
 * for the keys. Read mount_option.h first.
 */
#include "cli/mount_option.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "base/option_value.h"

/* One field up to its comma; *@p is left on the comma or the end. */
static int csv_field(const char **p, char *out, struct err *e)
{
	const char *at = *p;
	if (*at != '"') {
		for (; *at && *at != ','; at++) {
			if (*at == '"')
				return err_set(e, EINVAL, ERR_USAGE, "bare \" in non-quoted field");
			*out++ = *at;
		}
		*p = at;
		return 0;
	}
	for (at++; *at && (*at != '"' || at[1] == '"'); at++) {
		at += *at == '"';
		*out++ = *at;
	}
	if (*at++ != '"' || (*at && *at != ','))
		return err_set(e, EINVAL, ERR_USAGE, "extraneous or missing \" in quoted field");
	*p = at;
	return 0;
}

int csv_split(const char *text, struct strv *ret, struct arena *a, struct err *e)
{
	size_t len = strlen(text);
	if (len > MOUNT_TEXT_MAX)
		return err_set(e, E2BIG, ERR_USAGE, "longer than %d bytes", MOUNT_TEXT_MAX);
	for (const char *p = text;; p++) {
		char *field = arena_alloc(a, len + 1);
		int r = csv_field(&p, field, e);
		if (r < 0)
			return r;
		if (ret->count == MOUNT_FIELDS_MAX)
			return err_set(e, E2BIG, ERR_USAGE, "more than %d fields",
				       MOUNT_FIELDS_MAX);
		strv_push(a, ret, field);
		if (!*p)
			return 0;
	}
}

struct reader {
	struct docker_mount *m;
	struct arena *a;
	struct err *e;
	const char *key; /* as typed */
};

static struct docker_bind_options *bind_of(struct reader *r)
{
	if (!r->m->bind_options)
		r->m->bind_options = arena_new(r->a, struct docker_bind_options);
	return r->m->bind_options;
}

static struct docker_volume_options *volume_of(struct reader *r)
{
	if (!r->m->volume_options)
		r->m->volume_options = arena_new(r->a, struct docker_volume_options);
	return r->m->volume_options;
}

static struct docker_tmpfs_options *tmpfs_of(struct reader *r)
{
	if (!r->m->tmpfs_options)
		r->m->tmpfs_options = arena_new(r->a, struct docker_tmpfs_options);
	return r->m->tmpfs_options;
}

static int bad_value(struct reader *r, const char *value)
{
	return err_set(r->e, EINVAL, ERR_USAGE, "invalid value for %s: %s", r->key, value);
}

static int set_flag(struct reader *r, const char *value, bool *flag)
{
	return option_set_bool(flag, value, r->a, r->e) < 0 ? bad_value(r, value) : 0;
}

static int set_type(struct reader *r, const char *value)
{
	r->m->type = arena_strdup(r->a, value);
	for (char *p = r->m->type; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return 0;
}

static int set_source(struct reader *r, const char *value)
{
	r->m->source = arena_strdup(r->a, value);
	return 0;
}

static int set_target(struct reader *r, const char *value)
{
	r->m->target = arena_strdup(r->a, value);
	return 0;
}

static int set_read_only(struct reader *r, const char *value)
{
	return set_flag(r, value, &r->m->read_only);
}

static int set_consistency(struct reader *r, const char *value)
{
	r->m->consistency = arena_strdup(r->a, value);
	return 0;
}

static int set_propagation(struct reader *r, const char *value)
{
	static const char *const known[] = {"private", "rprivate", "shared",
					    "rshared", "slave",    "rslave"};
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (!strcmp(known[i], value)) {
			bind_of(r)->propagation = arena_strdup(r->a, value);
			return 0;
		}
	return bad_value(r, value);
}

static int set_non_recursive(struct reader *r, const char *value)
{
	return set_flag(r, value, &bind_of(r)->non_recursive);
}

static int set_recursive(struct reader *r, const char *value)
{
	struct docker_bind_options *b = bind_of(r);
	if (!strcmp(value, "disabled"))
		b->non_recursive = true;
	else if (!strcmp(value, "writable"))
		b->read_only_non_recursive = true;
	else if (!strcmp(value, "readonly"))
		b->read_only_force_recursive = true;
	else if (strcmp(value, "enabled"))
		return err_set(r->e, EINVAL, ERR_USAGE,
			       "invalid value for bind-recursive: %s (must be \"enabled\", "
			       "\"disabled\", \"writable\", or \"readonly\")",
			       value);
	return 0;
}

static int set_no_copy(struct reader *r, const char *value)
{
	return set_flag(r, value, &volume_of(r)->no_copy);
}

static int set_pair(struct reader *r, const char *value, struct kvs *to)
{
	if (!*value || *value == '=')
		return bad_value(r, value);
	kvs_set_pair(r->a, to, value);
	return 0;
}

static int set_label(struct reader *r, const char *value)
{
	return set_pair(r, value, &volume_of(r)->labels);
}

static int set_subpath(struct reader *r, const char *value)
{
	volume_of(r)->subpath = arena_strdup(r->a, value);
	return 0;
}

static int set_image_subpath(struct reader *r, const char *value)
{
	if (!r->m->image_options)
		r->m->image_options = arena_new(r->a, struct docker_image_options);
	r->m->image_options->subpath = arena_strdup(r->a, value);
	return 0;
}

static int set_tmpfs_size(struct reader *r, const char *value)
{
	int64_t *size = &tmpfs_of(r)->size_bytes;
	return size_parse(value, size) < 0 || *size < 0 ? bad_value(r, value) : 0;
}

static int set_tmpfs_mode(struct reader *r, const char *value)
{
	int64_t mode = 0;
	const char *p = value;
	for (; *p >= '0' && *p <= '7' && mode <= 07777; p++)
		mode = mode * 8 + (*p - '0');
	if (*p || p == value || mode > 07777)
		return bad_value(r, value);
	tmpfs_of(r)->mode = mode;
	return 0;
}

static struct docker_driver *driver_of(struct reader *r)
{
	struct docker_volume_options *v = volume_of(r);
	if (!v->driver)
		v->driver = arena_new(r->a, struct docker_driver);
	return v->driver;
}

static int set_driver(struct reader *r, const char *value)
{
	driver_of(r)->name = arena_strdup(r->a, value);
	return 0;
}

static int set_driver_option(struct reader *r, const char *value)
{
	return set_pair(r, value, &driver_of(r)->options);
}

static int set_create_source(struct reader *r, const char *value)
{
	return set_flag(r, value, &bind_of(r)->create_mountpoint);
}

/* Alone, or with maps. */
static int set_idmap(struct reader *r, const char *value)
{
	bool plain = false;
	if (strchr(value, '=')) {
		r->m->idmap = arena_strdup(r->a, value);
		return 0;
	}
	int n = set_flag(r, value, &plain);
	r->m->idmap = plain ? MOUNT_IDMAP_USER : NULL;
	return n;
}

static const struct mount_key {
	const char *name;
	bool flag; /* may stand alone */
	int (*set)(struct reader *r, const char *value);
} keys[] = {
	{"type", false, set_type},
	{"source", false, set_source},
	{"src", false, set_source},
	{"target", false, set_target},
	{"dst", false, set_target},
	{"destination", false, set_target},
	{"readonly", true, set_read_only},
	{"ro", true, set_read_only},
	{"consistency", false, set_consistency},
	{"bind-propagation", false, set_propagation},
	{"bind-nonrecursive", true, set_non_recursive},
	{"bind-recursive", false, set_recursive},
	{"bind-create-src", true, set_create_source},
	{"volume-nocopy", true, set_no_copy},
	{"volume-label", false, set_label},
	{"volume-subpath", false, set_subpath},
	{"volume-driver", false, set_driver},
	{"volume-opt", false, set_driver_option},
	{"image-subpath", false, set_image_subpath},
	{"tmpfs-size", false, set_tmpfs_size},
	{"tmpfs-mode", false, set_tmpfs_mode},
	{"idmap", true, set_idmap},
};

static int read_field(struct reader *r, const char *field)
{
	size_t len = strcspn(field, "=");
	char *key = arena_strndup(r->a, field, len);
	for (char *p = key; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	const struct mount_key *k = NULL;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (!strcmp(keys[i].name, key))
			k = &keys[i];
	r->key = key;
	if (field[len] != '=' && !(k && k->flag))
		return err_set(r->e, EINVAL, ERR_USAGE,
			       "invalid field '%s' must be a key=value pair", field);
	if (!k)
		return err_set(r->e, EINVAL, ERR_USAGE, "unexpected key '%s' in '%s'", key, field);
	return k->set(r, field[len] ? field + len + 1 : "true");
}

static int check_recursive(const struct docker_mount *m, struct err *e)
{
	const struct docker_bind_options *b = m->bind_options;
	const char *word = b && b->read_only_force_recursive ? "readonly"
			   : b && b->read_only_non_recursive ? "writable"
							     : NULL;
	if (!word)
		return 0;
	if (!m->read_only)
		return err_set(e, EINVAL, ERR_USAGE,
			       "option 'bind-recursive=%s' requires 'readonly' to be specified in "
			       "conjunction",
			       word);
	if (b->read_only_force_recursive && (!b->propagation || strcmp(b->propagation, "rprivate")))
		return err_set(e, EINVAL, ERR_USAGE,
			       "option 'bind-recursive=readonly' requires "
			       "'bind-propagation=rprivate' to be specified in conjunction");
	return 0;
}

static int check_options(const struct docker_mount *m, struct err *e)
{
	const struct {
		const char *type;
		bool given;
	} parts[] = {{"bind", m->bind_options},
		     {"volume", m->volume_options},
		     {"image", m->image_options},
		     {"tmpfs", m->tmpfs_options}};
	if (!m->target)
		return err_set(e, EINVAL, ERR_USAGE, "target is required");
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		if (parts[i].given && strcmp(parts[i].type, m->type))
			return err_set(e, EINVAL, ERR_USAGE,
				       "cannot mix '%s-*' options with mount type '%s'",
				       parts[i].type, m->type);
	bool tmpfs = !strcmp(m->type, "tmpfs"), image = !strcmp(m->type, "image");
	if ((image || !strcmp(m->type, "bind")) && !m->source)
		return err_set(e, EINVAL, ERR_USAGE, "source is required for type '%s'", m->type);
	if ((tmpfs || image) && m->idmap)
		return err_set(e, EINVAL, ERR_USAGE, "type '%s' takes no idmap", m->type);
	if (tmpfs && m->source)
		return err_set(e, EINVAL, ERR_USAGE, "type 'tmpfs' takes no source");
	return check_recursive(m, e);
}

int mount_option_parse(const char *text, struct docker_mount *ret, struct arena *a, struct err *e)
{
	struct docker_mount m = {.type = "volume"};
	struct reader reader = {.m = &m, .a = a, .e = e};
	struct strv fields = {0};
	if (!*text)
		return err_set(e, EINVAL, ERR_USAGE, "value is empty");
	int r = csv_split(text, &fields, a, e);
	for (size_t i = 0; r == 0 && i < fields.count; i++)
		r = read_field(&reader, fields.items[i]);
	if (r == 0)
		r = check_options(&m, e);
	if (r < 0)
		return r;
	if (!strcmp(m.type, "bind") && m.source[0] == '.') {
		r = path_from_cwd(m.source, &m.source, a, e);
		if (r < 0)
			return r;
	}
	*ret = m;
	return 0;
}
