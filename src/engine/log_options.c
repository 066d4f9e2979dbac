/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --log-driver and --log-opt: what docker's drivers of the same names take, checked when a
 * container is created, and put into the monitor's terms when it starts. Attributes (labels, env,
 * tag) are written here once, in the form that the driver copies into every record. Read
 * base/wire.h first.
 */
#include <errno.h>
#include <json-c/json.h>
#include <regex.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/logformat.h"
#include "base/option_value.h"
#include "base/units.h"
#include "engine/run_folder.h"

enum {
	JSON = 1 << LOG_JSON_FILE,
	LOCAL = 1 << LOG_LOCAL,
	JOURNALD = 1 << LOG_JOURNALD,
	NONE = 1 << LOG_NONE,
	SYSLOG = 1 << LOG_SYSLOG,
	FILES = JSON | LOCAL,
	ATTRS = JSON | JOURNALD,
	ALL = FILES | JOURNALD | NONE | SYSLOG,
};

static const struct {
	const char *name;
	unsigned drivers;
} known[] = {
	{"max-size", FILES},
	{"max-file", FILES},
	{"compress", FILES},
	{"mode", ALL},
	{"tag", ATTRS | SYSLOG},
	{"labels", ATTRS},
	{"env", ATTRS},
	{"labels-regex", ATTRS},
	{"env-regex", ATTRS},
	{"max-buffer-size", 0},
	{"syslog-address", SYSLOG},
	{"syslog-facility", SYSLOG},
	{"syslog-format", SYSLOG},
};

#define COMMA ,
static const char *const drivers[] = {LOG_DRIVER_NAMES(COMMA)}; /* by enum log_driver */

int log_driver_find(const char *type, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(drivers); i++)
		if (!strcmp(drivers[i], type))
			return (int)i;
	err_set(e, EINVAL, ERR_INVALID, "unknown log driver: %s", type);
	return err_hint(e, "known log drivers: " LOG_DRIVER_NAMES(", "));
}

static int check_names(const struct docker_log_config *log, int driver, struct err *e)
{
	for (size_t i = 0; i < log->config.count; i++) {
		const char *key = log->config.items[i].key;
		size_t k = 0;
		while (k < ARRAY_LEN(known) && strcmp(known[k].name, key))
			k++;
		if (k == ARRAY_LEN(known) || !(known[k].drivers & 1U << driver))
			return err_set(e, EINVAL, ERR_INVALID,
				       "unknown log opt '%s' for %s log driver", key, log->type);
	}
	return 0;
}

/* What hull could accept only without effect. */
static int check_refused(const struct kvs *options, struct err *e)
{
	const char *mode = kvs_get(options, "mode");
	if (mode && !strcmp(mode, "non-blocking")) {
		err_set(e, EINVAL, ERR_INVALID,
			"log opt mode=non-blocking: hull does not drop what a container writes");
		return err_hint(
			e, "a container waits only while its log is being written; leave mode out");
	}
	return mode && strcmp(mode, "blocking")
		       ? err_set(e, EINVAL, ERR_INVALID, "logger: logging mode not supported: %s",
				 mode)
		       : 0;
}

static int read_sizes(const struct kvs *options, struct monitor_config *m, struct err *e)
{
	const char *size = kvs_get(options, "max-size"), *file = kvs_get(options, "max-file");
	int64_t bytes = INT64_C(10) << 20;
	uint64_t files = 3;
	if (size && (size_parse(size, &bytes) < 0 || bytes == 0))
		return err_set(e, EINVAL, ERR_INVALID, "log opt max-size: invalid size: '%s'",
			       size);
	if (file && (uint_parse(file, LOG_FILES_MAX, &files) < 0 || files < 1))
		return err_set(e, EINVAL, ERR_INVALID,
			       "log opt max-file: must be a number from 1 to %d: '%s'",
			       LOG_FILES_MAX, file);
	m->log_max_size = bytes < 0 ? 0 : (uint64_t)bytes;
	m->log_max_file = (uint32_t)files;
	bool compress = false;
	const char *asked = kvs_get(options, "compress");
	if (asked && option_set_bool(&compress, asked, NULL, e) < 0) {
		e->kind = ERR_INVALID;
		return err_context(e, "log opt compress");
	}
	m->log_compress = compress;
	if (!compress || (files > 1 && bytes > 0))
		return 0;
	err_set(e, EINVAL, ERR_INVALID,
		"log opt compress: it cannot be true when max-file is less than 2 or max-size is "
		"-1");
	return err_hint(e, "what is compressed are the files before the current one");
}

/* ---- tag ---- */

/* The fields of docker's tags. */
static const char *tag_field(const struct container *c, const char *name, size_t len,
			     struct arena *a)
{
	const char *image = c->image_id ? c->image_id : "";
	const char *image_hex = strchr(image, ':') ? strchr(image, ':') + 1 : image;
	const struct {
		const char *name, *value;
	} fields[] = {
		{"ID", arena_printf(a, "%.12s", c->id)},
		{"FullID", c->id},
		{"Name", c->name},
		{"ImageID", arena_printf(a, "%.12s", image_hex)},
		{"ImageFullID", image},
		{"ImageName", c->image_name ? c->image_name : ""},
		{"DaemonName", "hull"},
	};
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (strlen(fields[i].name) == len && !memcmp(fields[i].name, name, len))
			return fields[i].value;
	return NULL;
}

static int expand_tag(const struct container *c, const char *tag, struct arena *a, char **ret,
		      struct err *e)
{
	char *text = "";
	for (const char *open; (open = strstr(tag, "{{")); tag = strstr(open, "}}") + 2) {
		const char *name = open + 2 + strspn(open + 2, " ");
		size_t len = *name == '.' ? strcspn(name + 1, " }") : 0;
		const char *value = tag_field(c, name + 1, len, a);
		const char *end = name + 1 + len;
		end += strspn(end, " ");
		if (!value || strncmp(end, "}}", 2)) {
			err_set(e, EINVAL, ERR_INVALID, "log opt tag: cannot expand '%s'", open);
			return err_hint(e, "it may hold {{.ID}} {{.FullID}} {{.Name}} {{.ImageID}} "
					   "{{.ImageFullID}} {{.ImageName}} {{.DaemonName}}");
		}
		text = arena_printf(a, "%s%.*s%s", text, (int)(open - tag), tag, value);
	}
	*ret = arena_printf(a, "%s%s", text, tag);
	return 0;
}

/* ---- attributes ---- */

static void take_named(const struct kvs *from, const char *names, struct kvs *to, struct arena *a)
{
	for (const char *at = names ? names : ""; *at; at += *at == ',') {
		size_t len = strcspn(at, ",");
		const char *key = arena_strndup(a, at, len), *value = kvs_get(from, key);
		if (value)
			kvs_set(a, to, key, value);
		at += len;
	}
}

static int take_matching(const struct kvs *from, const char *option, const char *pattern,
			 struct kvs *to, struct arena *a, struct err *e)
{
	regex_t regex;
	if (!pattern)
		return 0;
	if (regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB))
		return err_set(e, EINVAL, ERR_INVALID, "log opt %s: invalid pattern '%s'", option,
			       pattern);
	for (size_t i = 0; i < from->count; i++)
		if (regexec(&regex, from->items[i].key, 0, NULL, 0) == 0)
			kvs_set(a, to, from->items[i].key, from->items[i].value);
	regfree(&regex);
	return 0;
}

static struct kvs environment(const struct container *c, struct arena *a)
{
	const struct strv *env = &c->config.config.env;
	struct kvs map = {0};
	for (size_t i = 0; i < env->count; i++) {
		size_t len = strcspn(env->items[i], "=");
		if (env->items[i][len])
			kvs_set(a, &map, arena_strndup(a, env->items[i], len),
				env->items[i] + len + 1);
	}
	return map;
}

static char *as_json(const struct kvs *attrs, struct arena *a)
{
	struct json_object *o = json_object_new_object();
	for (size_t i = 0; i < attrs->count; i++)
		json_object_object_add(o, attrs->items[i].key,
				       json_object_new_string(attrs->items[i].value));
	const int flags = JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE;
	char *text = arena_printf(a, ",\"attrs\":%s", json_object_to_json_string_ext(o, flags));
	json_object_put(o);
	return text;
}

/* As docker: a field of the journal is of A-Z, 0-9 and _, and does not begin with that. */
static char *as_fields(const struct kvs *attrs, struct arena *a)
{
	char *text = "";
	for (size_t i = 0; i < attrs->count; i++) {
		char *name = arena_strdup(a, attrs->items[i].key);
		char *value = arena_strdup(a, attrs->items[i].value);
		for (char *p = name; *p; p++)
			*p = *p >= 'a' && *p <= 'z'                                 ? *p - 32
			     : (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') ? *p
										    : '_';
		name += strspn(name, "_");
		for (char *p = value; *p; p++)
			*p = *p == '\n' ? ' ' : *p;
		if (*name)
			text = arena_printf(a, "%s%s=%s\n", text, name, value);
	}
	return text;
}

static int read_attrs(const struct container *c, struct monitor_config *m, struct arena *a,
		      struct err *e)
{
	const struct kvs *o = &c->config.host.log_config.config;
	const struct kvs *labels = &c->config.config.labels;
	const char *tag = kvs_get(o, "tag");
	char *expanded = NULL;
	struct kvs attrs = {0}, env = environment(c, a);
	int r = tag ? expand_tag(c, tag, a, &expanded, e) : 0;
	take_named(labels, kvs_get(o, "labels"), &attrs, a);
	take_named(&env, kvs_get(o, "env"), &attrs, a);
	if (r == 0)
		r = take_matching(labels, "labels-regex", kvs_get(o, "labels-regex"), &attrs, a, e);
	if (r == 0)
		r = take_matching(&env, "env-regex", kvs_get(o, "env-regex"), &attrs, a, e);
	if (r < 0)
		return r;
	for (const char *t = expanded; t && *t; t++)
		if ((unsigned char)*t < ' ')
			return err_set(
				e, EINVAL, ERR_INVALID,
				"log opt tag: it has control characters, and a record is one line");
	bool journald = m->log_driver == LOG_JOURNALD;
	if (expanded && !journald && m->log_driver != LOG_SYSLOG)
		kvs_set(a, &attrs, "tag", expanded);
	if (journald && c->image_name)
		kvs_set(a, &attrs, "IMAGE_NAME", c->image_name);
	kvs_sort(&attrs);
	const char *text = journald ? as_fields(&attrs, a) : attrs.count ? as_json(&attrs, a) : "";
	if (strlen(text) >= sizeof(m->log_attrs) ||
	    strlen(expanded ? expanded : "") >= sizeof(m->log_tag))
		return err_set(e, E2BIG, ERR_INVALID,
			       "log opts labels, env and tag: more than %zu bytes in every record",
			       sizeof(m->log_attrs) - 1);
	snprintf(m->log_attrs, sizeof(m->log_attrs), "%s", text);
	snprintf(m->log_tag, sizeof(m->log_tag), "%s", expanded ? expanded : "");
	return 0;
}

/* Without it every line would be lost, one after the other. */
static int check_journal(struct err *e)
{
	static const char socket[] = "/run/systemd/journal/socket";
	if (access(socket, F_OK) == 0)
		return 0;
	int r = err_errno(e, errno, "log driver journald: %s", socket);
	err_hint(e, "start systemd-journald, or use another --log-driver");
	e->kind = ERR_INVALID;
	return r;
}

int log_options_read(const struct container *c, struct monitor_config *m, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	const struct docker_log_config *log = &c->config.host.log_config;
	int r = log_driver_find(log->type, e);
	if (r < 0)
		return r;
	m->log_driver = (uint32_t)r;
	r = check_names(log, r, e);
	if (r == 0 && m->log_driver == LOG_JOURNALD)
		r = check_journal(e);
	if (r == 0)
		r = check_refused(&log->config, e);
	if (r == 0)
		r = read_sizes(&log->config, m, e);
	m->syslog = (struct syslog_config){0};
	if (r == 0 && m->log_driver == LOG_SYSLOG)
		r = syslog_options_read(&log->config, &m->syslog, e);
	return r < 0 || !((ATTRS | SYSLOG) & 1U << m->log_driver) ? r : read_attrs(c, m, &a, e);
}
