/* SPDX-License-Identifier: Apache-2.0 */
/* Groups of a container, and those that were made below it. Read group.h and linux/cgroup.h. */
#include "oci/group.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "linux/cgroup_host.h"

int group_path(const char *id, const char *given, struct arena *a, char **ret, struct err *e)
{
	char parent[sizeof(((struct cgroup *)0)->path)];
	if (given && *given) {
		*ret = *given == '/' ? arena_strdup(a, given) : arena_printf(a, "/%s", given);
		return 0;
	}
	int r = cgroup_parent(parent, sizeof(parent), e);
	if (r == 0)
		*ret = arena_printf(a, "%s-runtime/%s", parent, id);
	return r;
}

void group_close(struct group *g)
{
	cgroup_close(&g->whole);
	while (g->count > 0)
		cgroup_close(&g->below[--g->count]);
	g->open = false;
}

static int take(struct group *g, unsigned controllers, bool all, const char *path, struct err *e)
{
	char full[2 * sizeof(g->whole.path)];
	snprintf(full, sizeof(full), "%s%s%s", g->whole.path, *path == '/' ? "" : "/", path);
	if (g->count == ARRAY_LEN(g->below))
		return err_set(e, E2BIG, ERR_INVALID, "more groups than controllers");
	struct cgroup *below = &g->below[g->count];
	int r = cgroup_open(full, below, e);
	if (r < 0)
		return r;
	g->count++;
	bool any = false;
	for (int c = 0; c < CGROUP_CONTROLLERS; c++) {
		if (below->v1[c] < 0 || !(all || controllers & 1U << c))
			continue;
		g->joined.v1[c] = below->v1[c];
		any = true;
	}
	if (all && below->v2 >= 0)
		g->joined.v2 = below->v2;
	return any || (all && below->v2 >= 0)
		       ? 0
		       : err_set(e, ENOENT, ERR_NOT_FOUND, "there is no such group");
}

static int take_one(struct group *g, const char *text, struct err *e)
{
	const char *colon = strchr(text, ':');
	char list[128];
	if (!colon)
		return take(g, 0, true, text, e);
	size_t len = (size_t)(colon - text);
	if (len >= sizeof(list) || len == 0)
		return err_set(e, EINVAL, ERR_INVALID, "no controllers before the \":\"");
	memcpy(list, text, len);
	list[len] = '\0';
	unsigned bits = cgroup_controllers_parse(list, ',');
	return bits ? take(g, bits, false, colon + 1, e)
		    : err_set(e, EINVAL, ERR_INVALID, "there is no controller %s", list);
}

int group_open(const struct state *s, const struct strv *subgroups, struct group *ret,
	       struct err *e)
{
	if (!*s->record.cgroup)
		return subgroups->count ? err_set(e, EINVAL, ERR_INVALID,
						  "container %s has no control group", s->id)
					: 0;
	int r = cgroup_open(s->record.cgroup, &ret->whole, e);
	ret->joined = ret->whole;
	ret->open = r == 0;
	for (size_t i = 0; r == 0 && i < subgroups->count; i++) {
		r = take_one(ret, subgroups->items[i], e);
		if (r < 0)
			err_context(e, "--cgroup %s", subgroups->items[i]);
	}
	return r;
}

struct resctrl_wish group_rdt(const struct oci_spec *s, const char *id)
{
	const struct oci_intel_rdt *rdt = s->linux_.intel_rdt;
	return (struct resctrl_wish){
		.id = id,
		.clos = rdt->clos_id,
		.l3 = rdt->l3_cache_schema,
		.bandwidth = rdt->mem_bw_schema,
		.more = &rdt->schemata,
		.monitor = rdt->enable_monitoring,
	};
}

int group_rdt_open(const struct oci_spec *s, const char *id, struct resctrl *ret, struct err *e)
{
	struct resctrl_wish wish = group_rdt(s, id);
	CLEANUP_FD int mount = resctrl_mount(e);
	return mount < 0 ? mount : resctrl_open(mount, &wish, ret, e);
}
