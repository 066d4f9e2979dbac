/* SPDX-License-Identifier: Apache-2.0 */
/* Which containers, and what they use. Read stats_rows.h first. */
#include "cli/stats_rows.h"

#include <string.h>
#include <sys/resource.h>

static const struct container_stats_place no_place = {.group = CGROUP_CLOSED,
						      .files = CGROUP_STATS_CLOSED};

void stats_pass_free(struct stats_pass *p)
{
	for (size_t i = 0; i < p->count; i++)
		container_stats_place_close(&p->rows[i].place);
	arena_free(&p->arena);
	*p = (struct stats_pass){0};
}

/* Most often where it was: from @near on. */
static struct stats_row *find_row(const struct stats_pass *p, const char *id, size_t near)
{
	for (size_t i = 0; i < p->count; i++) {
		struct stats_row *r = &p->rows[(near + i) % p->count];
		if (!strcmp(r->id, id))
			return r;
	}
	return NULL;
}

static void add(struct cli *cli, struct stats_pass *p, const struct stats_pass *before,
		const struct container *c, const char *asked)
{
	struct stats_row *r = &p->rows[p->count];
	struct stats_row *known = find_row(before, c->id, p->count);
	struct container whole;
	memcpy(r->id, c->id, sizeof(r->id));
	if (known) {
		r->before = known->now;
		r->place = known->place;
		known->place = no_place;
	} else if (container_find(&cli->engine, c->id, &p->arena, &whole, ERR_IGNORED) == 0) {
		container_stats_place(&whole, &r->place);
	} else {
		return; /* it has just gone */
	}
	r->place.has_tasks = p->tasks;
	r->name = arena_strdup(&p->arena, c->name);
	r->asked = asked;
	r->pid = c->pid;
	container_stats_read(&r->place, r->pid, &r->now);
	p->count++;
}

int stats_look(struct cli *cli, bool all, const struct strv *names, struct stats_pass *before,
	       struct stats_pass *ret, struct err *e)
{
	struct container_filter f = {.all = all};
	struct container *list, c;
	size_t count = names->count;
	*ret = (struct stats_pass){.tasks = before->tasks};
	int r = 0;
	if (!count)
		r = container_list(&cli->engine, &f, &ret->arena, &list, &count, e);
	ret->rows = arena_array(&ret->arena, count + 1, sizeof(*ret->rows));
	for (size_t i = 0; r == 0 && i < count; i++) {
		if (names->count)
			r = container_find(&cli->engine, names->items[i], &ret->arena, &c, e);
		if (r == 0)
			add(cli, ret, before, names->count ? &c : &list[i],
			    names->count ? names->items[i] : NULL);
	}
	return r;
}

void stats_again(struct stats_pass *p)
{
	for (size_t i = 0; i < p->count; i++) {
		struct stats_row *r = &p->rows[i];
		r->before = r->now;
		container_stats_read(&r->place, r->pid, &r->now);
	}
}

void stats_tell_unknown(const struct stats_pass *p)
{
	CLEANUP_CGROUP struct cgroup none = CGROUP_CLOSED;
	struct err e;
	for (size_t i = 0; i < p->count; i++) {
		if (!p->rows[i].pid || *p->rows[i].place.path || cgroup_open("", &none, &e) == 0)
			continue;
		cli_notice("WARNING: container %s: nothing is counted without a control group: %s",
			   p->rows[i].name, e.text);
		cli_notice("hint: %s", e.hint);
	}
}

void stats_raise_descriptors(void)
{
	struct rlimit l;
	if (getrlimit(RLIMIT_NOFILE, &l) < 0)
		return;
	l.rlim_cur = l.rlim_max;
	setrlimit(RLIMIT_NOFILE, &l);
}
