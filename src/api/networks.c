/* SPDX-License-Identifier: Apache-2.0 */
/* /networks. Read api.h first. */
#include <errno.h>
#include <string.h>

#include "api/handlers.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "engine/filters.h"
#include "engine/network.h"

int networks_list(struct call *c, struct err *e)
{
	struct strv filters = {0};
	struct network *found;
	size_t count;
	int r = param_filters(c, &filters, e);
	if (r == 0)
		r = network_list(c->en, c->a, &found, &count, e);
	if (r < 0)
		return r;
	CLEANUP_JSON struct json_object *list = json_object_new_array();
	for (size_t i = 0; i < count; i++) {
		const struct network_candidate x = {c->en, &found[i]};
		struct json_object *o;
		r = filters_all_match(&filters, network_filter_matches, &x, e);
		if (r < 0)
			return r;
		if (r == 0 || network_inspect(c->en, found[i].id, &o, e) < 0)
			continue;
		/* The containers on it are for who asks for the network alone; before 1.28 for all.
		 */
		if (c->minor >= 28)
			json_object_object_add(o, "Containers", json_object_new_object());
		json_object_array_add(list, o);
	}
	return answer_json(c, 200, ptr_steal(list));
}

int network_show(struct call *c, struct err *e)
{
	struct json_object *o;
	const char *scope = param(c, "scope");
	if (scope && *scope && strcmp(scope, "local"))
		return err_set(e, ENOENT, ERR_NOT_FOUND, "network %s not found", c->arg);
	int r = network_inspect(c->en, c->arg, &o, e);
	return r < 0 ? r : answer_json(c, 200, o);
}

/* What only a swarm has. */
static int refuse_swarm(struct json_object *body, struct err *e)
{
	struct json_object *v;
	return json_object_object_get_ex(body, "Ingress", &v) && json_object_get_boolean(v)
		       ? err_set(e, ENOTSUP, ERR_INVALID, "Ingress: hull has no swarm")
		       : 0;
}

int network_make(struct call *c, struct err *e)
{
	CLEANUP_JSON struct json_object *body = NULL;
	struct json_object *name = NULL;
	struct docker_network n = {.enable_ipv4 = true};
	char id[ID_LEN + 1];
	int r = body_json(c, &body, e);
	if (r == 0 && (!json_object_object_get_ex(body, "Name", &name) ||
		       !json_object_is_type(name, json_type_string)))
		r = err_set(e, EINVAL, ERR_INVALID, "a network needs a name");
	if (r == 0)
		r = refuse_swarm(body, e);
	if (r == 0)
		r = shape_read(&docker_network_shape, body, &n, c->a, e);
	if (r < 0)
		return r;
	if (!n.driver || !*n.driver)
		n.driver = "bridge";
	if (!n.ipam.driver || !*n.ipam.driver)
		n.ipam.driver = "default";
	if (strcmp(n.ipam.driver, "default"))
		return err_set(e, ENOTSUP, ERR_INVALID, "ipam driver %s: hull has the default one",
			       n.ipam.driver);
	r = network_create(c->en, json_object_get_string(name), &n, c->a, id, e);
	if (r < 0)
		return r;
	struct json_object *o = json_object_new_object();
	json_add_string(o, "Id", id);
	json_add_string(o, "Warning", strv_join(c->a, &c->en->warnings, "; "));
	c->en->warnings.count = 0;
	return answer_json(c, 201, o);
}

int network_do_remove(struct call *c, struct err *e)
{
	int r = network_remove(c->en, c->arg, e);
	/* docker's client expects "forbidden" for one that is in use, and for the three. */
	if (r < 0 && e->kind == ERR_CONFLICT)
		e->kind = ERR_DENIED;
	return r < 0 ? r : answer_nothing(c, 204);
}

struct place {
	char *container;
	bool force;
	struct docker_endpoint *config;
};
static const struct field place_fields[] = {
	FIELD(struct place, container, "Container", FIELD_STR, .flags = FIELD_REQUIRED),
	FIELD(struct place, force, "Force", FIELD_BOOL),
	FIELD(struct place, config, "EndpointConfig", FIELD_PTR, .shape = &docker_endpoint_shape),
};
static const struct shape place_shape = SHAPE(struct place, place_fields);

int network_do_connect(struct call *c, struct err *e)
{
	struct place p = {0};
	struct docker_endpoint none = {0};
	int r = body_read(c, &place_shape, &p, e);
	if (r == 0)
		r = network_connect(c->en, c->arg, p.container, p.config ? p.config : &none, e);
	return r < 0 ? r : answer_nothing(c, 200);
}

int network_do_disconnect(struct call *c, struct err *e)
{
	struct place p = {0};
	int r = body_read(c, &place_shape, &p, e);
	if (r == 0)
		r = network_disconnect(c->en, c->arg, p.container, p.force, e);
	return r < 0 ? r : answer_nothing(c, 200);
}
