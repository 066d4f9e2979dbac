/* SPDX-License-Identifier: Apache-2.0 */
/* /volumes. Read api.h first. */
#include <errno.h>
#include <string.h>

#include "api/handlers.h"
#include "engine/filters.h"

int volumes_list(struct call *c, struct err *e)
{
	struct strv filters = {0};
	struct volume *found;
	const struct volume none = {.name = ""};
	size_t count;
	int r = param_filters(c, &filters, e);
	if (r == 0)
		r = filters_check(&filters, volume_filter_matches, &none, e);
	if (r >= 0)
		r = volume_list(c->en, c->a, &found, &count, e);
	if (r < 0)
		return r;
	struct json_object *o = json_object_new_object(), *list = json_object_new_array();
	for (size_t i = 0; i < count; i++) {
		struct json_object *item;
		if (filters_all_match(&filters, volume_filter_matches, &found[i], e) > 0 &&
		    volume_inspect(c->en, found[i].name, &item, e) == 0)
			json_object_array_add(list, item);
	}
	json_object_object_add(o, "Volumes", list);
	json_object_object_add(o, "Warnings", NULL);
	return answer_json(c, 200, o);
}

int volume_show(struct call *c, struct err *e)
{
	struct json_object *o;
	int r = volume_inspect(c->en, c->arg, &o, e);
	return r < 0 ? r : answer_json(c, 200, o);
}

struct request {
	char *name, *driver;
	struct kvs options, labels;
	char *cluster;
};
static const struct field fields[] = {
	FIELD(struct request, name, "Name", FIELD_STR),
	FIELD(struct request, driver, "Driver", FIELD_STR),
	FIELD(struct request, options, "DriverOpts", FIELD_KVS),
	FIELD(struct request, labels, "Labels", FIELD_KVS),
	FIELD(struct request, cluster, "ClusterVolumeSpec", FIELD_RAW),
};
static const struct shape shape = SHAPE(struct request, fields);

int volume_make(struct call *c, struct err *e)
{
	struct request q = {0};
	struct volume made;
	struct json_object *o;
	int r = body_read(c, &shape, &q, e);
	if (r == 0 && q.cluster)
		r = err_set(e, ENOTSUP, ERR_INVALID, "hull has no cluster volumes");
	if (r == 0)
		r = volume_driver_check(q.driver, e);
	if (r == 0)
		r = volume_create(c->en, q.name && *q.name ? q.name : NULL, &q.labels, &q.options,
				  c->a, &made, e);
	if (r == 0)
		r = volume_inspect(c->en, made.name, &o, e);
	return r < 0 ? r : answer_json(c, 201, o);
}

int volume_do_remove(struct call *c, struct err *e)
{
	int r = volume_remove(c->en, c->arg, param_true(c, "force", false), e);
	return r < 0 ? r : answer_nothing(c, 204);
}
