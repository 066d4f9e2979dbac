/* SPDX-License-Identifier: Apache-2.0 */
/* The grammars of single options; see docker's "run" reference for each. Read resource_option.h
 * first. */
#include "cli/resource_option.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/units.h"
#include "cli/mount_option.h"
#include "base/option_value.h"
#include "linux/rlimit.h"
#include "linux/signals.h"
#include "spec/docker.h"

enum { LIST_MAX = 1024, PORT_MAX = 65535 };

static int too_many(struct err *e)
{
	return err_set(e, E2BIG, ERR_USAGE, "given more than %d times", LIST_MAX);
}

/* One to three different letters of "rwm". */
static bool is_device_mode(const char *mode)
{
	if (!*mode || strlen(mode) > 3 || strspn(mode, "rwm") != strlen(mode))
		return false;
	for (const char *p = mode; *p; p++)
		if (strchr(p + 1, *p))
			return false;
	return true;
}

int option_set_device(void *field, const char *value, struct arena *a, struct err *e)
{
	struct array *list = field;
	char *source = arena_strdup(a, value), *rest = source;
	struct docker_device d = {.path_on_host = strsep(&rest, ":"), .cgroup_permissions = "rwm"};
	char *second = strsep(&rest, ":"), *third = strsep(&rest, ":");
	if (rest)
		return err_set(e, EINVAL, ERR_USAGE, "invalid device specification: %s", value);
	if (second && !third && is_device_mode(second))
		d.cgroup_permissions = second;
	else
		d.path_in_container = second;
	if (third)
		d.cgroup_permissions = third;
	if (!d.path_in_container || !*d.path_in_container)
		d.path_in_container = d.path_on_host;
	if (*d.path_on_host != '/') {
		err_set(e, EINVAL, ERR_USAGE, "%s is not an absolute path", d.path_on_host);
		if (strchr(value, '='))
			err_hint(e, "CDI device names are not supported");
		return -EINVAL;
	}
	if (*d.path_in_container != '/')
		return err_set(e, EINVAL, ERR_USAGE, "%s is not an absolute path",
			       d.path_in_container);
	if (!is_device_mode(d.cgroup_permissions))
		return err_set(e, EINVAL, ERR_USAGE, "bad mode specified: %s",
			       d.cgroup_permissions);
	if (list->count == LIST_MAX)
		return too_many(e);
	*(struct docker_device *)array_push(a, list, sizeof(d)) = d;
	return 0;
}

/* Digits or '*'; *@p moves behind. */
static bool skip_number(const char **p)
{
	if (**p == '*') {
		++*p;
		return true;
	}
	size_t len = strspn(*p, "0123456789");
	*p += len;
	return len > 0;
}

int option_set_device_rule(void *field, const char *value, struct arena *a, struct err *e)
{
	const char *p = value;
	bool ok = *p && strchr("acb", *p) && *++p == ' ' && p++ && skip_number(&p) && *p == ':' &&
		  p++ && skip_number(&p) && *p == ' ' && is_device_mode(p + 1);
	if (!ok)
		return err_set(e, EINVAL, ERR_USAGE, "invalid device cgroup format '%s'", value);
	strv_push(a, field, value);
	return 0;
}

static int limit_parse(const char *text, int64_t *ret, struct err *e)
{
	if (int_parse(text, -1, INT64_MAX, ret) < 0)
		return err_set(e, EINVAL, ERR_USAGE,
			       "strconv.ParseInt: parsing \"%s\": invalid syntax", text);
	return 0;
}

int option_set_ulimit(void *field, const char *value, struct arena *a, struct err *e)
{
	struct array *list = field;
	char *name = arena_strdup(a, value), *limits = strchr(name, '='), *hard;
	if (!limits || limits == name || !limits[1])
		return err_set(e, EINVAL, ERR_USAGE, "invalid ulimit argument: %s", value);
	*limits++ = '\0';
	struct docker_ulimit u = {.name = name};
	if (!islower((unsigned char)*name) || rlimit_number(name) < 0)
		return err_set(e, EINVAL, ERR_USAGE, "invalid ulimit type: %s", name);
	hard = strchr(limits, ':');
	if (hard && strchr(hard + 1, ':'))
		return err_set(e, EINVAL, ERR_USAGE,
			       "too many limit value arguments - %s, can only have up to two, "
			       "`soft[:hard]`",
			       limits);
	if (hard)
		*hard++ = '\0';
	int r = limit_parse(limits, &u.soft, e);
	if (r == 0)
		r = limit_parse(hard ? hard : limits, &u.hard, e);
	if (r < 0)
		return r;
	if (u.hard != -1 && (u.soft == -1 || u.soft > u.hard))
		return err_set(e, EINVAL, ERR_USAGE,
			       "ulimit soft limit must be less than or equal to hard limit: %lld > "
			       "%lld",
			       (long long)u.soft, (long long)u.hard);
	/* The last one of a name counts. */
	struct docker_ulimit *own = list->items, *at = NULL;
	for (size_t i = 0; i < list->count; i++)
		if (!strcmp(own[i].name, name))
			at = &own[i];
	if (!at && list->count == LIST_MAX)
		return too_many(e);
	if (!at)
		at = array_push(a, list, sizeof(u));
	*at = u;
	return 0;
}

int option_set_mount(void *field, const char *value, struct arena *a, struct err *e)
{
	struct array *list = field;
	struct docker_mount m;
	int r = mount_option_parse(value, &m, a, e);
	if (r < 0)
		return r;
	if (list->count == LIST_MAX)
		return too_many(e);
	*(struct docker_mount *)array_push(a, list, sizeof(m)) = m;
	return 0;
}

int option_set_env(void *field, const char *value, struct arena *a, struct err *e)
{
	if (!*value || *value == '=')
		return err_set(e, EINVAL, ERR_USAGE, "invalid environment variable: %s", value);
	const char *inherited = strchr(value, '=') ? NULL : getenv(value);
	strv_push(a, field, inherited ? arena_printf(a, "%s=%s", value, inherited) : value);
	return 0;
}

int option_set_label(void *field, const char *value, struct arena *a, struct err *e)
{
	if (!*value || *value == '=')
		return err_set(e, EINVAL, ERR_USAGE, "invalid label '%s': empty name", value);
	strv_push(a, field, value);
	return 0;
}

int option_set_sysctl(void *field, const char *value, struct arena *a, struct err *e)
{
	static const char *const names[] = {
		"kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem",
		"kernel.shmall", "kernel.shmmax", "kernel.shmmni", "kernel.shm_rmid_forced"};
	const char *equals = strchr(value, '=');
	size_t len = equals ? (size_t)(equals - value) : 0;
	bool allowed = equals && (!strncmp(value, "net.", 4) || !strncmp(value, "fs.mqueue.", 10));
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		allowed |= strlen(names[i]) == len && !strncmp(names[i], value, len);
	if (!allowed)
		return err_set(e, EINVAL, ERR_USAGE, "sysctl '%s' is not allowed", value);
	kvs_set(a, field, arena_strndup(a, value, len), equals + 1);
	return 0;
}

int option_set_tmpfs(void *field, const char *value, struct arena *a, struct err *e)
{
	size_t len = strcspn(value, ":");
	if (!len)
		return err_set(e, EINVAL, ERR_USAGE, "invalid tmpfs '%s': the path is missing",
			       value);
	kvs_set(a, field, arena_strndup(a, value, len), value[len] ? value + len + 1 : "");
	return 0;
}

int option_set_stream(void *field, const char *value, struct arena *a, struct err *e)
{
	struct strv one = {0};
	option_set_lower_list(&one, value, a, e);
	const char *name = one.items[0];
	if (strcmp(name, "stdin") && strcmp(name, "stdout") && strcmp(name, "stderr"))
		return err_set(e, EINVAL, ERR_USAGE, "valid streams are STDIN, STDOUT and STDERR");
	strv_push(a, field, name);
	return 0;
}

int option_set_expose(void *field, const char *value, struct arena *a, struct err *e)
{
	char *from = arena_strdup(a, value), *protocol = strchr(from, '/'), *to;
	uint64_t first, last;
	if (protocol)
		*protocol++ = '\0';
	to = strchr(from, '-');
	if (to)
		*to++ = '\0';
	bool known = !protocol || !strcmp(protocol, "tcp") || !strcmp(protocol, "udp") ||
		     !strcmp(protocol, "sctp");
	if (!known || uint_parse(from, PORT_MAX, &first) < 0 ||
	    uint_parse(to ? to : from, PORT_MAX, &last) < 0 || last < first)
		return err_set(e, EINVAL, ERR_USAGE, "invalid range format for --expose: %s",
			       value);
	for (; first <= last; first++)
		strv_push(a, field,
			  arena_printf(a, "%llu/%s", (unsigned long long)first,
				       protocol ? protocol : "tcp"));
	return 0;
}

int option_set_init(void *field, const char *value, struct arena *a, struct err *e)
{
	static const char *const modes[] = {"auto", "main", "group", "all"};
	bool on;
	for (size_t i = 0; i < ARRAY_LEN(modes); i++)
		if (!strcmp(modes[i], value))
			return option_set_str(field, value, a, e);
	if (option_set_bool(&on, value, a, e) < 0)
		return err_set(e, EINVAL, ERR_USAGE, "use true, false, auto, main, group or all");
	return option_set_str(field, on ? "auto" : "false", a, e);
}

int option_duration(void *field, const char *value, struct arena *a, struct err *e)
{
	int64_t ns;
	bool negative = *value == '-';
	if (duration_parse(value + negative, &ns) < 0)
		return err_set(e, EINVAL, ERR_USAGE, "time: invalid duration \"%s\"", value);
	*(int64_t *)field = negative ? -ns : ns;
	return 0;
}

int option_signal(const char *name, struct err *e)
{
	int number = name ? signal_parse(name) : 0;
	if (number < 0) {
		err_set(e, EINVAL, ERR_INVALID, "invalid signal: %s", name);
		err_hint(e, "a name such as TERM, SIGHUP, RTMIN+3, or a number from 1 to 64");
	}
	return number < 0 ? -EINVAL : number;
}
