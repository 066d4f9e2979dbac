/* SPDX-License-Identifier: Apache-2.0 */
/* /images: looking, naming, removing, and as archives. Read api.h first. */
#include <errno.h>
#include <string.h>

#include "api/handlers.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "engine/files.h"
#include "engine/usage.h"

/* Before 1.43 one without a name has this. */
static struct json_object *names(struct call *c, const struct image *im, const struct strv *list,
				 const char *none)
{
	struct json_object *o = json_of_strv(list);
	if (c->minor < 43 && !im->tags.count && !im->digests.count)
		json_object_array_add(o, json_object_new_string(none));
	return o;
}

static struct json_object *summary(struct call *c, const struct image *im)
{
	struct json_object *o = json_object_new_object();
	json_add_string(o, "Id", arena_printf(c->a, "sha256:%s", im->id));
	json_add_string(o, "ParentId", "");
	json_object_object_add(o, "RepoTags", names(c, im, &im->tags, "<none>:<none>"));
	json_object_object_add(o, "RepoDigests", names(c, im, &im->digests, "<none>@<none>"));
	json_add_int(o, "Created", im->created / 1000000000);
	json_add_int(o, "Size", im->size);
	json_add_int(o, "SharedSize", -1);
	json_object_object_add(o, "Labels", json_of_kvs(&im->config.config.labels));
	json_add_int(o, "Containers", -1);
	return o;
}

static bool has_several(const char *diff_id, const struct image *all, size_t count)
{
	size_t found = 0;
	for (size_t i = 0; i < count && found < 2; i++)
		for (size_t k = 0; k < all[i].layer_count; k++)
			found += !strcmp(all[i].layers[k].diff_id, diff_id);
	return found > 1;
}

/* ?shared-size=1: of the bytes of each those in layers that another one has, too. */
static int add_shared(struct call *c, struct json_object *list, const struct image *found,
		      struct err *e)
{
	struct image *all;
	size_t count;
	int r = image_list(&c->en->images, NULL, c->a, &all, &count, e);
	for (size_t i = 0; r == 0 && i < json_object_array_length(list); i++) {
		int64_t shared = 0;
		for (size_t k = 0; k < found[i].layer_count; k++)
			if (has_several(found[i].layers[k].diff_id, all, count))
				shared += found[i].layers[k].size;
		json_add_int(json_object_array_get_idx(list, i), "SharedSize", shared);
	}
	return r;
}

/* From 1.51 on: how many containers each has. */
static int add_uses(struct call *c, struct json_object *list, const struct image *found,
		    struct err *e)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < json_object_array_length(list); i++) {
		int64_t uses = 0;
		r = usage_of_image(c->en, found[i].id, &uses, e);
		json_add_int(json_object_array_get_idx(list, i), "Containers", uses);
	}
	return r;
}

int images_list(struct call *c, struct err *e)
{
	struct image_filter f = {.all = param_true(c, "all", false)};
	struct strv filters = {0};
	struct image *found;
	size_t count;
	int r = param_filters(c, &filters, e);
	for (size_t i = 0; r == 0 && i < filters.count; i++)
		r = image_filter_add(&c->en->images, &f, filters.items[i], c->a, e);
	if (r == 0 && param(c, "filter"))
		strv_push(c->a, &f.references, param(c, "filter"));
	if (r == 0)
		r = image_list(&c->en->images, &f, c->a, &found, &count, e);
	if (r < 0)
		return r;
	CLEANUP_JSON struct json_object *list = json_object_new_array();
	for (size_t i = 0; i < count; i++)
		json_object_array_add(list, summary(c, &found[i]));
	if (c->minor >= 51)
		r = add_uses(c, list, found, e);
	if (r == 0 && param_true(c, "shared-size", false))
		r = add_shared(c, list, found, e);
	return r < 0 ? r : answer_json(c, 200, ptr_steal(list));
}

int param_platform(const struct call *c, const char *name, const char **ret, struct err *e)
{
	static const char *const keys[] = {"os", "architecture", "variant"};
	const struct strv all = param_all(c, name);
	const char *text = all.count ? all.items[0] : NULL;
	CLEANUP_JSON struct json_object *o = NULL;
	CLEANUP_STRBUF struct strbuf out = STRBUF_MAX(256);
	struct json_object *part;
	*ret = text;
	if (all.count > 1)
		return err_set(e, ENOTSUP, ERR_INVALID, "%s: hull keeps the image of one platform",
			       name);
	if (!text || *text != '{')
		return 0;
	if (json_parse(text, strlen(text), &o, e) < 0)
		return err_set(e, EINVAL, ERR_INVALID, "%s: invalid platform %s", name, text);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (json_object_object_get_ex(o, keys[i], &part))
			strbuf_printf(&out, "%s%s", i ? "/" : "", json_object_get_string(part));
	*ret = arena_strdup(c->a, strbuf_text(&out));
	return 0;
}

int check_platform(struct call *c, const char *name, const char *reference, struct err *e)
{
	const char *platform;
	struct image found;
	int r = param_platform(c, name, &platform, e);
	if (r < 0 || !platform)
		return r;
	r = image_find_config(&c->en->images, reference, c->a, &found, e);
	return r < 0 ? r : image_platform_check(&found, reference, platform, e);
}

int image_show(struct call *c, struct err *e)
{
	struct json_object *o;
	int r = check_platform(c, "platform", c->arg, e);
	if (r == 0)
		r = image_inspect(&c->en->images, c->arg, &o, e);
	return r < 0 ? r : answer_json(c, 200, o);
}

int image_show_history(struct call *c, struct err *e)
{
	struct image_history_row *rows;
	size_t count;
	int r = check_platform(c, "platform", c->arg, e);
	if (r == 0)
		r = image_history(&c->en->images, c->arg, c->a, &rows, &count, e);
	if (r < 0)
		return r;
	struct json_object *list = json_object_new_array();
	for (size_t i = 0; i < count; i++) {
		struct json_object *o = json_object_new_object();
		bool own = *rows[i].id != '<';
		json_add_string(o, "Id",
				own ? arena_printf(c->a, "sha256:%s", rows[i].id) : rows[i].id);
		json_add_int(o, "Created", rows[i].created / 1000000000);
		json_add_string(o, "CreatedBy", rows[i].created_by);
		json_object_object_add(o, "Tags",
				       rows[i].tags.count ? json_of_strv(&rows[i].tags) : NULL);
		json_add_int(o, "Size", rows[i].size);
		json_add_string(o, "Comment", rows[i].comment);
		json_object_array_add(list, o);
	}
	return answer_json(c, 200, list);
}

/* ?repo= and ?tag= */
char *param_reference(const struct call *c, const char *name)
{
	const char *repository = param(c, name), *tag = param(c, "tag");
	if (!repository)
		return NULL;
	return arena_printf(c->a, "%s%s%s", repository,
			    !tag                          ? ""
			    : !strncmp(tag, "sha256:", 7) ? "@"
							  : ":",
			    tag ? tag : "");
}

int image_do_tag(struct call *c, struct err *e)
{
	char *name = param_reference(c, "repo");
	int r = name ? image_tag(&c->en->images, c->arg, name, e)
		     : err_set(e, EINVAL, ERR_INVALID, "repo: an image needs a name");
	return r < 0 ? r : answer_nothing(c, 201);
}

int image_do_remove(struct call *c, struct err *e)
{
	struct strv lines = {0};
	unsigned flags = param_true(c, "force", false) ? IMAGE_REMOVE_FORCE : 0;
	int r = check_platform(c, "platforms", c->arg, e);
	if (r == 0)
		r = engine_settle(c->en, e); /* a container that has ended holds no image */
	if (r == 0)
		r = image_remove(&c->en->images, c->arg, flags, c->a, &lines, e);
	return r < 0 ? r : answer_json(c, 200, removed_object(&lines));
}

static int save(struct call *c, struct image_save *q, struct err *e)
{
	static const char type[] = "application/x-tar";
	struct http_pipe pipe;
	int r = param_platform(c, "platform", &q->platform, e);
	for (size_t i = 0; r == 0 && q->platform && i < q->names.count; i++)
		r = check_platform(c, "platform", q->names.items[i], e);
	if (r == 0)
		r = http_pipe_open(c->http, type, "", HTTP_PAUSE_SECONDS, &pipe, e);
	if (r < 0)
		return r;
	q->fd = pipe.fd;
	return http_pipe_end(c->http, type, "", &pipe, image_save(&c->en->images, q, e));
}

int image_get(struct call *c, struct err *e)
{
	struct image_save q = {0};
	strv_push(c->a, &q.names, c->arg);
	return save(c, &q, e);
}

int images_get(struct call *c, struct err *e)
{
	struct image_save q = {.names = param_all(c, "names")};
	return q.names.count ? save(c, &q, e)
			     : err_set(e, EINVAL, ERR_INVALID, "names: no image is named");
}

/* ---- made of a container ---- */

int image_commit(struct call *c, struct err *e)
{
	struct docker_config *config = arena_new(c->a, struct docker_config);
	const char *container = param(c, "container");
	struct container_commit q = {.reference = param_reference(c, "repo"),
				     .author = param(c, "author"),
				     .message = param(c, "comment"),
				     .changes = param_all(c, "changes"),
				     .pause = param_true(c, "pause", true),
				     .config = config};
	char id[ID_LEN + 1];
	int r = body_read(c, &docker_config_shape, config, e);
	if (r == 0 && !container)
		r = err_set(e, EINVAL, ERR_INVALID, "container: none is named");
	if (r == 0)
		r = container_commit(c->en, container, &q, id, e);
	if (r < 0)
		return r;
	struct json_object *o = json_object_new_object();
	json_add_string(o, "Id", arena_printf(c->a, "sha256:%s", id));
	return answer_json(c, 201, o);
}
