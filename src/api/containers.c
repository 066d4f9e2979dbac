/* SPDX-License-Identifier: Apache-2.0 */
/* Requests on containers that are one call of the engine each. Read api.h first. */
#include <errno.h>
#include <string.h>

#include "api/handlers.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "engine/files.h"
#include "engine/network.h"
#include "linux/signals.h"

/* ---- looking ---- */

int containers_list(struct call *c, struct err *e)
{
	struct container_filter f = {.all = param_true(c, "all", false), .configs = CONFIGS_LISTED};
	struct strv filters = {0};
	struct container *found;
	size_t count;
	bool size = param_true(c, "size", false);
	int64_t now = clock_real_ns();
	int r = param_int(c, "limit", &f.last, e);
	if (r == 0)
		r = param_filters(c, &filters, e);
	for (size_t i = 0; r == 0 && i < filters.count; i++)
		r = container_filter_add(c->a, &f, filters.items[i], e);
	if (r == 0)
		r = container_list(c->en, &f, c->a, &found, &count, e);
	if (r < 0)
		return r;
	CLEANUP_STRBUF struct strbuf list = STRBUF_MAX(SIZE_MAX / 2);
	json_text_open(&list, '[');
	for (size_t i = 0; i < count; i++) {
		/* No row of versions.c: this is text, a tree takes thrice the time. */
		if (c->minor < 46)
			found[i].config.host.annotations = (struct kvs){0};
		/* One that cannot be read must not hide the others. */
		container_summary(c->en, &found[i], size, now, &list, ERR_IGNORED);
	}
	json_text_close(&list, ']');
	return answer_text(c, &list, e);
}

static void add_alias(struct json_object *list, struct json_object *alias)
{
	for (size_t i = 0; i < json_object_array_length(list); i++)
		if (json_object_equal(json_object_array_get_idx(list, i), alias))
			return json_object_put(alias), (void)0;
	json_object_array_add(list, alias);
}

/* Before 1.45 what DNSNames has besides the name stood among the aliases. */
static void add_aliases(struct json_object *o)
{
	struct json_object *settings = json_object_object_get(o, "NetworkSettings");
	struct json_object *config = json_object_object_get(o, "Config");
	const char *id = json_object_get_string(json_object_object_get(o, "Id"));
	json_object_object_foreach(json_object_object_get(settings, "Networks"), name, place)
	{
		struct json_object *list = json_object_object_get(place, "Aliases");
		if (!json_object_object_get(place, "DNSNames"))
			continue;
		if (!list)
			json_object_object_add(place, "Aliases", list = json_object_new_array());
		add_alias(list, json_object_new_string_len(id, ID_SHORT_LEN));
		add_alias(list, json_object_get(json_object_object_get(config, "Hostname")));
		(void)name;
	}
}

int container_show(struct call *c, struct err *e)
{
	struct json_object *o;
	int r = container_inspect(c->en, c->arg, param_true(c, "size", false), &o, e);
	if (r == 0 && c->minor < 45)
		add_aliases(o);
	return r < 0 ? r : answer_json(c, 200, o);
}

int container_show_top(struct call *c, struct err *e)
{
	struct top_table t;
	struct strv args = {0};
	const char *text = param(c, "ps_args");
	for (const char *p = text ? text : "-ef"; *p;) {
		size_t len = strcspn(p, " ");
		if (len)
			strv_push(c->a, &args, arena_strndup(c->a, p, len));
		p += len + (p[len] == ' ');
	}
	/* Some show the environment. */
	int r = text && strcmp(text, "-ef") && strcmp(text, "aux") ? refuse_looker(c, "ps_args", e)
								   : 0;
	if (r == 0)
		r = container_top(c->en, c->arg, &args, false, c->a, &t, e);
	if (r < 0)
		return r;
	struct json_object *o = json_object_new_object(), *rows = json_object_new_array();
	for (size_t i = 0; i < t.row_count; i++) {
		struct json_object *row = json_of_strv(&t.rows[i]), *last;
		size_t count = json_object_array_length(row);
		/* The program, and nothing of what it was given. */
		if (c->http->read_only && count) {
			last = json_object_array_get_idx(row, count - 1);
			const char *line = json_object_get_string(last);
			json_object_set_string_len(last, line, (int)strcspn(line, " "));
		}
		json_object_array_add(rows, row);
	}
	json_object_object_add(o, "Titles", json_of_strv(&t.titles));
	json_object_object_add(o, "Processes", rows);
	return answer_json(c, 200, o);
}

int container_show_changes(struct call *c, struct err *e)
{
	struct file_change *changes;
	size_t count;
	int r = container_changes(c->en, c->arg, c->a, &changes, &count, e);
	if (r < 0)
		return r;
	struct json_object *list = json_object_new_array();
	for (size_t i = 0; i < count; i++) {
		struct json_object *o = json_object_new_object();
		json_add_string(o, "Path", changes[i].path);
		json_add_int(o, "Kind", changes[i].kind);
		json_object_array_add(list, o);
	}
	return answer_json(c, 200, count ? list : NULL);
}

/* ---- doing ---- */

int container_do_start(struct call *c, struct err *e)
{
	int r = container_start(c->en, c->arg, -1, e);
	if (r == -EALREADY)
		return answer_nothing(c, 304);
	return r < 0 ? r : answer_nothing(c, 204);
}

/* ?signal= and ?t=: 0 and -2 are the container's own. */
static int read_stop(const struct call *c, int *signal, int64_t *seconds, struct err *e)
{
	const char *name = param(c, "signal");
	*signal = name ? signal_parse(name) : 0;
	*seconds = -2;
	if (*signal < 0)
		return err_set(e, EINVAL, ERR_INVALID, "Invalid signal: %s", name);
	int r = param_int(c, "t", seconds, e);
	if (r == 0 && param(c, "t") && *seconds < 0)
		*seconds = -1;
	return r;
}

int container_do_stop(struct call *c, struct err *e)
{
	struct stop_report report;
	int64_t seconds;
	int signal;
	int r = read_stop(c, &signal, &seconds, e);
	if (r == 0)
		r = container_stop(c->en, c->arg, signal, seconds, NULL, NULL, &report, e);
	return r < 0 ? r : answer_nothing(c, report.was_running ? 204 : 304);
}

int container_do_restart(struct call *c, struct err *e)
{
	int64_t seconds;
	int signal;
	int r = read_stop(c, &signal, &seconds, e);
	if (r == 0)
		r = container_restart(c->en, c->arg, signal, seconds, e);
	return r < 0 ? r : answer_nothing(c, 204);
}

int container_do_kill(struct call *c, struct err *e)
{
	const char *name = param(c, "signal");
	int number = signal_parse(name ? name : "KILL");
	if (number < 0)
		return err_set(e, EINVAL, ERR_INVALID, "Invalid signal: %s", name);
	int r = container_kill(c->en, c->arg, number, e);
	return r < 0 ? r : answer_nothing(c, 204);
}

int container_do_pause(struct call *c, struct err *e)
{
	int r = container_pause(c->en, c->arg, e);
	return r < 0 ? r : answer_nothing(c, 204);
}

int container_do_unpause(struct call *c, struct err *e)
{
	int r = container_unpause(c->en, c->arg, e);
	return r < 0 ? r : answer_nothing(c, 204);
}

int container_do_rename(struct call *c, struct err *e)
{
	const char *name = param(c, "name");
	if (!name)
		return err_set(e, EINVAL, ERR_INVALID, "Neither old nor new names may be empty");
	int r = container_rename(c->en, c->arg, name, e);
	return r < 0 ? r : answer_nothing(c, 204);
}

int container_do_remove(struct call *c, struct err *e)
{
	unsigned flags = (param_true(c, "force", false) ? REMOVE_FORCE : 0) |
			 (param_true(c, "v", false) ? REMOVE_VOLUMES : 0);
	int r = param_true(c, "link", false) ? network_unlink(c->en, c->arg, e)
					     : container_remove(c->en, c->arg, flags, e);
	return r < 0 ? r : answer_nothing(c, 204);
}

/* ---- update ---- */

/* What an update may change. Docker's clients send all of them: what is empty or 0 stays. */
static const char *const changeable[] = {"CpuShares",
					 "Memory",
					 "NanoCpus",
					 "BlkioWeight",
					 "BlkioWeightDevice",
					 "BlkioDeviceReadBps",
					 "BlkioDeviceWriteBps",
					 "BlkioDeviceReadIOps",
					 "BlkioDeviceWriteIOps",
					 "CpuPeriod",
					 "CpuQuota",
					 "CpuRealtimePeriod",
					 "CpuRealtimeRuntime",
					 "CpusetCpus",
					 "CpusetMems",
					 "MemoryReservation",
					 "MemorySwap",
					 "MemorySwappiness",
					 "PidsLimit",
					 "Ulimits",
					 "RestartPolicy"};

static bool says_something(const char *key, struct json_object *v)
{
	struct json_object *name;
	switch (json_object_get_type(v)) {
	case json_type_int:
		return json_object_get_int64(v) || !strcmp(key, "PidsLimit");
	case json_type_string:
		return *json_object_get_string(v);
	case json_type_array:
		return json_object_array_length(v);
	case json_type_object:
		return json_object_object_get_ex(v, "Name", &name) && name &&
		       *json_object_get_string(name);
	default:
		return v != NULL;
	}
}

static int apply(struct container_config *config, void *ctx, struct arena *a, struct err *e)
{
	return shape_read(&docker_host_config_shape, ctx, &config->host, a, e);
}

int container_do_update(struct call *c, struct err *e)
{
	CLEANUP_JSON struct json_object *body = NULL;
	CLEANUP_JSON struct json_object *wanted = json_object_new_object();
	struct json_object *value;
	int r = body_json(c, &body, e);
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(changeable); i++)
		if (json_object_object_get_ex(body, changeable[i], &value) &&
		    says_something(changeable[i], value))
			json_object_object_add(wanted, changeable[i], json_object_get(value));
	if (r == 0)
		r = container_update(c->en, c->arg, apply, wanted, e);
	if (r < 0)
		return r;
	struct json_object *o = json_object_new_object();
	json_object_object_add(o, "Warnings", warnings_object(c));
	return answer_json(c, 200, o);
}

/* ---- wait ---- */

static int read_condition(const struct call *c, enum wait_condition *ret, struct err *e)
{
	static const char *const names[] = {[WAIT_NOT_RUNNING] = "not-running",
					    [WAIT_NEXT_EXIT] = "next-exit",
					    [WAIT_REMOVED] = "removed"};
	const char *name = param(c, "condition");
	*ret = WAIT_NOT_RUNNING;
	for (size_t i = 0; name && i < ARRAY_LEN(names); i++)
		if (!strcmp(name, names[i])) {
			*ret = (enum wait_condition)i;
			name = NULL;
		}
	return name ? err_set(e, EINVAL, ERR_INVALID, "invalid condition: \"%s\"", name) : 0;
}

/* The headers come at once: docker's client waits for them before it starts the container. */
int container_do_wait(struct call *c, struct err *e)
{
	enum wait_condition until;
	struct container *found = arena_new(c->a, struct container);
	int64_t since = clock_real_ns();
	int code = 0;
	int r = read_condition(c, &until, e);
	if (r == 0)
		r = container_find(c->en, c->arg, c->a, found, e);
	if (r < 0)
		return r;
	http_begin(c->http, 200, "application/json", "");
	http_end_with_client(c->http);
	r = container_wait(c->en, found->id, until, since, &code, e);
	struct json_object *o = json_object_new_object(), *error = NULL;
	json_add_int(o, "StatusCode", r < 0 ? 125 : code);
	if (r < 0) {
		error = json_object_new_object();
		json_add_string(error, "Message", e->text);
		json_object_object_add(o, "Error", error);
	}
	stream_json(c, o);
	http_end(c->http);
	return 0;
}
