/* SPDX-License-Identifier: Apache-2.0 */
/* /secrets, which need no swarm here. Read api.h first. */
#include <errno.h>
#include <string.h>

#include "api/handlers.h"
#include "base/base64.h"
#include "engine/filters.h"
#include "engine/secret.h"

int secrets_list(struct call *c, struct err *e)
{
	struct strv filters = {0};
	struct secret *found;
	const struct secret none = {.id = "", .name = ""};
	size_t count;
	int r = param_filters(c, &filters, e);
	if (r == 0)
		r = filters_check(&filters, secret_filter_matches, &none, e);
	if (r >= 0)
		r = secret_list(c->en, c->a, &found, &count, e);
	if (r < 0)
		return r;
	struct json_object *list = json_object_new_array();
	for (size_t i = 0; i < count; i++)
		if (filters_all_match(&filters, secret_filter_matches, &found[i], e) > 0)
			json_object_array_add(list, secret_object(&found[i]));
	return answer_json(c, 200, list);
}

int secret_show(struct call *c, struct err *e)
{
	struct json_object *o;
	int r = secret_inspect(c->en, c->arg, false, &o, e);
	return r < 0 ? r : answer_json(c, 200, o);
}

struct request {
	char *name, *data, *driver, *templating;
	struct kvs labels;
};
static const struct field fields[] = {
	FIELD(struct request, name, "Name", FIELD_STR),
	FIELD(struct request, labels, "Labels", FIELD_KVS),
	FIELD(struct request, data, "Data", FIELD_STR),
	FIELD(struct request, driver, "Driver", FIELD_RAW),
	FIELD(struct request, templating, "Templating", FIELD_RAW),
};
static const struct shape shape = SHAPE(struct request, fields);

static int check(struct request *q, struct err *e)
{
	if (q->driver || q->templating)
		return err_set(e, ENOTSUP, ERR_INVALID,
			       "secret %s: hull has no %s drivers of secrets",
			       q->name ? q->name : "", q->driver ? "external" : "template");
	return 0;
}

int secret_make(struct call *c, struct err *e)
{
	struct request q = {0};
	char id[SECRET_ID_LEN + 1];
	int r = body_read(c, &shape, &q, e);
	if (r == 0)
		r = check(&q, e);
	if (r < 0)
		return r;
	const char *text = q.data ? q.data : "", *name = q.name ? q.name : "";
	const char *data = base64_decode(text, c->a);
	if (!data)
		return err_set(e, EINVAL, ERR_INVALID, "secret %s: its data are not base64", name);
	/* Six bits a digit. */
	r = secret_create(c->en, name, &q.labels, data, strcspn(text, "=") * 6 / 8, false, id, e);
	if (r < 0)
		return r;
	struct json_object *o = json_object_new_object();
	json_object_object_add(o, "ID", json_object_new_string(id));
	return answer_json(c, 201, o);
}

int secret_do_remove(struct call *c, struct err *e)
{
	int r = secret_remove(c->en, c->arg, e);
	return r < 0 ? r : answer_nothing(c, 204);
}
