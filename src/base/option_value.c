/* SPDX-License-Identifier: Apache-2.0 */
/* Setters for the types of option.h. The error texts are those of Go's strconv and of docker. */
#include "base/option_value.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "base/units.h"

int option_set_bool(void *field, const char *value, struct arena *a, struct err *e)
{
	return bool_parse(value, field) == 0
		       ? 0
		       : err_set(e, EINVAL, ERR_USAGE,
				 "strconv.ParseBool: parsing \"%s\": invalid syntax", value);
}

static int set_tri(void *field, const char *value, struct arena *a, struct err *e)
{
	struct opt_bool *b = field;
	b->set = true;
	return option_set_bool(&b->value, value, a, e);
}

int option_set_str(void *field, const char *value, struct arena *a, struct err *e)
{
	*(char **)field = arena_strdup(a, value);
	return 0;
}

static int set_list(void *field, const char *value, struct arena *a, struct err *e)
{
	strv_push(a, field, value);
	return 0;
}

int option_set_lower_list(void *field, const char *value, struct arena *a, struct err *e)
{
	char *lower = arena_strdup(a, value);
	for (char *p = lower; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	strv_push(a, field, lower);
	return 0;
}

static int set_map(void *field, const char *value, struct arena *a, struct err *e)
{
	if (!*value || *value == '=')
		return err_set(e, EINVAL, ERR_USAGE, "invalid value '%s': the key is missing",
			       value);
	kvs_set_pair(a, field, value);
	return 0;
}

static int set_size(void *field, const char *value, struct arena *a, struct err *e)
{
	int64_t *size = field;
	return size_parse(value, size) < 0 || *size < 0
		       ? err_set(e, EINVAL, ERR_USAGE, "invalid size: '%s'", value)
		       : 0;
}

int option_set_int(void *field, const char *value, struct arena *a, struct err *e)
{
	int r = int_parse(value + (*value == '+'), INT64_MIN + 1, INT64_MAX, field);
	return r < 0 ? err_set(e, EINVAL, ERR_USAGE, "strconv.ParseInt: parsing \"%s\": %s", value,
			       r == -ERANGE ? "value out of range" : "invalid syntax")
		     : 0;
}

static int set_opt_int(void *field, const char *value, struct arena *a, struct err *e)
{
	struct opt_i64 *o = field;
	o->set = true;
	return option_set_int(&o->value, value, a, e);
}

/* Refused options never get here: the parser says no first. */
static int set_nothing(void *field, const char *value, struct arena *a, struct err *e)
{
	return err_set(e, ENOTSUP, ERR_USAGE, "not supported");
}

static const struct option_value_type types[] = {
	[OPTION_BOOL] = {"", false, option_set_bool},
	[OPTION_TRI] = {"", false, set_tri},
	[OPTION_STR] = {"string", true, option_set_str},
	[OPTION_LIST] = {"list", true, set_list},
	[OPTION_MAP] = {"map", true, set_map},
	[OPTION_SIZE] = {"bytes", true, set_size},
	[OPTION_INT] = {"int", true, option_set_int},
	[OPTION_OPT_INT] = {"int", true, set_opt_int},
	[OPTION_CUSTOM] = {"value", true, set_nothing},
	[OPTION_REFUSED] = {"", true, set_nothing},
	[OPTION_REFUSED_FLAG] = {"", false, set_nothing},
};
_Static_assert(ARRAY_LEN(types) == OPTION_TYPES, "every type of option.h has its row");

const struct option_value_type *option_value_type(enum option_type type)
{
	return &types[type];
}

int path_from_cwd(const char *path, char **ret, struct arena *a, struct err *e)
{
	char cwd[4096] = "";
	if (*path != '/' && !getcwd(cwd, sizeof(cwd)))
		return err_errno(e, errno, "cannot find the current folder");
	*ret = path_clean(a, arena_printf(a, "%s/%s", cwd, path));
	return 0;
}
