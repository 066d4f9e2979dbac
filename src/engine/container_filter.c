/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The filters of `ps`, by docker's rules (moby, daemon/list.go); those of lists that have one rule
 * for all keys are in filters.c.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "engine/filters.h"
#include "engine/internal.h"
#include "engine/network.h"

static const char *const filter_keys[] = {"id",       "name",    "label",  "exited", "status",
					  "ancestor", "before",  "since",  "volume", "network",
					  "health",   "publish", "expose", "is-task"};

/* Keys that take these values only. */
static const struct {
	const char *key, *values;
} filter_values[] = {
	{"status", " created running paused restarting removing exited dead "},
	{"health", " none starting healthy unhealthy "},
	{"is-task", " true false 1 0 "},
};

static int check_value(const char *key, const char *value, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(filter_values); i++) {
		char word[64];
		snprintf(word, sizeof(word), " %.60s ", value);
		bool known = strstr(filter_values[i].values, word) && !strchr(value, ' ');
		if (known || strcmp(key, filter_values[i].key))
			continue;
		err_set(e, EINVAL, ERR_INVALID, "invalid filter '%s=%s'", key, value);
		return err_hint(e, "its values are:%s", filter_values[i].values);
	}
	return 0;
}

int container_filter_add(struct arena *a, struct container_filter *f, const char *filter,
			 struct err *e)
{
	const char *equals = strchr(filter, '=');
	if (!equals)
		return err_set(e, EINVAL, ERR_INVALID,
			       "invalid filter '%s': bad format of filter (expected name=value)",
			       filter);
	char *key = arena_strndup(a, filter, (size_t)(equals - filter));
	for (size_t i = 0; i < ARRAY_LEN(filter_keys); i++) {
		if (strcmp(key, filter_keys[i]))
			continue;
		uint64_t code;
		if (!strcmp(key, "exited") && uint_parse(equals + 1, 255, &code) < 0)
			return err_set(e, EINVAL, ERR_INVALID,
				       "invalid filter 'exited=%s': not an exit code (0 to 255)",
				       equals + 1);
		if (check_value(key, equals + 1, e) < 0)
			return -EINVAL;
		if ((!strcmp(key, "id") || !strcmp(key, "name")) &&
		    filter_finds("", equals + 1, e) < 0)
			return -EINVAL;
		/* Keys repeat, so each gets a number: "label#2". */
		kvs_set(a, &f->filters, arena_printf(a, "%s#%zu", key, f->filters.count),
			equals + 1);
		return 0;
	}
	err_set(e, EINVAL, ERR_INVALID, "invalid filter '%s'", key);
	return err_hint(e,
			"known filters: id name label exited status ancestor before since volume "
			"network health publish expose is-task");
}

static bool exit_code_is(const struct container *c, const char *value)
{
	uint64_t code;
	return uint_parse(value, 255, &code) == 0 && (uint64_t)c->exit_code == code;
}

static int64_t created_of(struct engine *en, const char *ref)
{
	struct err ignored;
	char id[ID_LEN + 1];
	CLEANUP_STMT sqlite3_stmt *s = NULL;
	if (container_resolve(en, ref, id, &ignored) < 0 ||
	    db_query(&en->db, &s, &ignored, "SELECT created FROM container WHERE id = ?1", "s",
		     id) < 0 ||
	    db_next(s, &ignored) != 1)
		return -1;
	return db_int(s, 0);
}

static bool uses_volume(struct engine *en, const struct container *c, const char *volume)
{
	struct err ignored;
	CLEANUP_STMT sqlite3_stmt *s = NULL;
	return db_query(&en->db, &s, &ignored,
			"SELECT 1 FROM volume_use WHERE container = ?1 AND (volume = ?2 OR "
			"destination = ?2)",
			"ss", c->id, volume) == 0 &&
	       db_next(s, &ignored) == 1;
}

static bool has_network(struct engine *en, const struct container *c, const char *network)
{
	CLEANUP_STMT sqlite3_stmt *s = NULL;
	return db_first(&en->db, &s, ERR_IGNORED,
			"SELECT 1 FROM container WHERE id = ?1 AND config ->> "
			"'$.HostConfig.NetworkMode' = ?2 UNION SELECT 1 FROM endpoint "
			"WHERE container = ?1 AND (name = ?2 OR network = ?2)",
			"ss", c->id, network) == 1;
}

static bool is_descendant(struct engine *en, const struct container *c, const char *image)
{
	CLEANUP_ARENA struct arena a = {0};
	struct image found;
	if (!strcmp(c->image_name, image))
		return true;
	return c->image_id && image_find(&en->images, image, &a, &found, ERR_IGNORED) == 0 &&
	       !strcmp(found.id, c->image_id);
}

/* "80", "80/udp", "8000-8080": a port of the host, or one of the container. */
static bool has_port(struct engine *en, const struct container *c, const char *value, bool host)
{
	CLEANUP_STMT sqlite3_stmt *s = NULL;
	uint64_t from, until;
	char numbers[16];
	const char *slash = strchr(value, '/'), *protocol = slash ? slash + 1 : "tcp";
	snprintf(numbers, sizeof(numbers), "%.*s", (int)strcspn(value, "/"), value);
	char *dash = strchr(numbers, '-');
	if (dash)
		*dash++ = '\0';
	if (uint_parse(numbers, UINT16_MAX, &from) < 0 ||
	    uint_parse(dash ? dash : numbers, UINT16_MAX, &until) < 0)
		return false;
	return db_first(
		       &en->db, &s, ERR_IGNORED,
		       "SELECT 1 FROM port WHERE container = ?1 AND protocol = ?2 AND iif(?3, "
		       "host_port, port) BETWEEN ?4 AND ?5 UNION SELECT 1 FROM container, "
		       "json_each(config, '$.Config.ExposedPorts') WHERE NOT ?3 AND container.id = "
		       "?1 AND CAST(key AS INTEGER) BETWEEN ?4 AND ?5 AND key LIKE '%/' || ?6",
		       "siiiis", c->id, (int64_t)protocol_parse(protocol), (int64_t)host,
		       (int64_t)from, (int64_t)until, protocol) == 1;
}

/* Of docker's names each begins with a slash; who asks may know that or not. */
static bool name_is(const char *name, const char *value)
{
	char slashed[NAME_MAX + 2];
	snprintf(slashed, sizeof(slashed), "/%s", name);
	return filter_finds(slashed, value, ERR_IGNORED) == 1 ||
	       (strchr(value, '^') && filter_finds(name, value, ERR_IGNORED) == 1);
}

struct candidate {
	struct engine *en;
	const struct container *c;
};

static bool meets(const void *item, const char *key, const char *value)
{
	const struct candidate *x = item;
	struct engine *en = x->en;
	const struct container *c = x->c;
	if (!strcmp(key, "id"))
		return filter_finds(c->id, value, ERR_IGNORED) == 1;
	if (!strcmp(key, "name"))
		return name_is(c->name, value);
	if (!strcmp(key, "label"))
		return kvs_holds(&c->labels, value);
	if (!strcmp(key, "exited"))
		return c->status == CONTAINER_EXITED && exit_code_is(c, value);
	if (!strcmp(key, "status"))
		return !strcmp(container_status_name(c->status), value);
	if (!strcmp(key, "before"))
		return c->created < created_of(en, value);
	if (!strcmp(key, "since"))
		return c->created > created_of(en, value);
	if (!strcmp(key, "volume"))
		return uses_volume(en, c, value);
	if (!strcmp(key, "network"))
		return has_network(en, c, value);
	if (!strcmp(key, "health"))
		return !strcmp(*c->health ? c->health : "none", value);
	/* hull has no swarm tasks. */
	if (!strcmp(key, "is-task"))
		return *value == 'f' || *value == '0';
	if (!strcmp(key, "publish") || !strcmp(key, "expose"))
		return container_is_up(c) && has_port(en, c, value, *key == 'p');
	return is_descendant(en, c, value);
}

static size_t key_len(const char *numbered)
{
	return strcspn(numbered, "#");
}

bool filters_match(const struct kvs *filters, filter_fn matches, const void *item)
{
	for (size_t i = 0; i < filters->count; i++) {
		size_t len = key_len(filters->items[i].key);
		char key[16];
		snprintf(key, sizeof(key), "%.*s", (int)len, filters->items[i].key);
		bool any = false, all = true;
		for (size_t j = 0; j < filters->count; j++) {
			const struct kv *f = &filters->items[j];
			if (key_len(f->key) != len || strncmp(f->key, key, len))
				continue;
			bool match = matches(item, key, f->value);
			any |= match;
			all &= match;
		}
		if (!strcmp(key, "label") ? !all : !any)
			return false;
	}
	return true;
}

bool filters_have(const struct kvs *filters, const char *key)
{
	for (size_t i = 0; i < filters->count; i++)
		if (key_len(filters->items[i].key) == strlen(key) &&
		    !strncmp(filters->items[i].key, key, strlen(key)))
			return true;
	return false;
}

int container_filter_check(struct engine *en, const struct kvs *filters, struct err *e)
{
	char id[ID_LEN + 1];
	int r = 0;
	for (size_t i = 0; r >= 0 && i < filters->count; i++)
		if (!strncmp(filters->items[i].key, "before#", 7) ||
		    !strncmp(filters->items[i].key, "since#", 6))
			r = container_resolve(en, filters->items[i].value, id, e);
	return r;
}

bool container_filter_matches(struct engine *en, const struct container *c,
			      const struct kvs *filters)
{
	return filters_match(filters, meets, &(struct candidate){en, c});
}
