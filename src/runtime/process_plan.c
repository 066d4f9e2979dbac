/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The spec's process, checked and in the kernel's terms, before anything is created.
 * Invariant: a plan holds no (uid_t)-1: to setresuid(2) that means "leave it", which is root.
 * Read process.h first.
 */
#include "runtime/process.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/cleanup.h"
#include "linux/rlimit.h"

enum { GROUPS_MAX = 65536, UMASK_DEFAULT = 022, UMASK_MAX = 0777 };
#define ID_MAX ((int64_t)UINT32_MAX - 1)

static int id_check(int64_t id, const char *what, struct err *e)
{
	if (id >= 0 && id <= ID_MAX)
		return 0;
	return err_set(e, EINVAL, ERR_INVALID, "%s %lld: must be between 0 and %lld", what,
		       (long long)id, (long long)ID_MAX);
}

static int plan_ids(struct process_plan *p, struct arena *a, struct err *e)
{
	const struct oci_user *u = &p->spec->user;
	const struct oci_number *more = u->additional_gids.items;
	size_t count = u->additional_gids.count;
	int r = id_check(u->uid, "user id", e);
	if (r == 0)
		r = id_check(u->gid, "group id", e);
	if (r == 0 && count >= GROUPS_MAX)
		r = err_set(e, E2BIG, ERR_INVALID, "more than %d groups", GROUPS_MAX - 1);
	if (r < 0)
		return r;
	p->uid = (uid_t)u->uid;
	p->gid = (gid_t)u->gid;
	p->groups = arena_array(a, count, sizeof(gid_t));
	for (size_t i = 0; i < count; i++) {
		if ((r = id_check(more[i].value, "additional group id", e)) < 0)
			return r;
		p->groups[p->group_count++] = (gid_t)more[i].value;
	}
	p->umask = UMASK_DEFAULT;
	if (u->umask.set) {
		if (u->umask.value < 0 || u->umask.value > UMASK_MAX)
			return err_set(e, EINVAL, ERR_INVALID, "umask %lld: must be 0 to 0777",
				       (long long)u->umask.value);
		p->umask = (mode_t)u->umask.value;
	}
	return 0;
}

/* One that this kernel does not know is left out, and told of by process_warnings(): config.md
 * wants no failure. */
static capset caps_read(const struct strv *names)
{
	capset set = 0;
	for (size_t i = 0; i < names->count; i++) {
		int n = capability_number(names->items[i]);
		set |= n < 0 ? 0 : (capset)1 << n;
	}
	return set;
}

/* A name is in several sets as a rule. */
static void warn_once(const char *text, struct arena *a, struct strv *ret)
{
	for (size_t i = 0; i < ret->count; i++)
		if (!strcmp(ret->items[i], text))
			return;
	strv_push(a, ret, text);
}

void process_warnings(const struct oci_process *p, struct arena *a, struct strv *ret)
{
	const struct oci_capabilities *c = p->capabilities;
	if (!c)
		return;
	const struct strv *sets[] = {&c->bounding, &c->effective, &c->inheritable, &c->permitted,
				     &c->ambient};
	for (size_t k = 0; k < ARRAY_LEN(sets); k++)
		for (size_t i = 0; i < sets[k]->count; i++)
			if (capability_number(sets[k]->items[i]) < 0)
				warn_once(arena_printf(
						  a, "capability %.64s: there is none of that name",
						  sets[k]->items[i]),
					  a, ret);
}

static void plan_caps(struct process_plan *p, bool privileged)
{
	const struct oci_capabilities *c = p->spec->capabilities;
	struct capability_sets *s = &p->caps;
	if (privileged) {
		s->bounding = s->permitted = s->effective = capability_all();
	} else if (c) {
		s->bounding = caps_read(&c->bounding);
		s->effective = caps_read(&c->effective);
		s->inheritable = caps_read(&c->inheritable);
		s->permitted = caps_read(&c->permitted);
		s->ambient = caps_read(&c->ambient);
	}
}

static int plan_limits(struct process_plan *p, struct arena *a, struct err *e)
{
	const struct oci_rlimit *l = p->spec->rlimits.items;
	p->limits = arena_array(a, p->spec->rlimits.count, sizeof(*p->limits));
	for (size_t i = 0; i < p->spec->rlimits.count; i++) {
		int number = rlimit_number(l[i].type);
		if (number < 0)
			return err_set(e, EINVAL, ERR_INVALID,
				       "limit %s: there is none of that name", l[i].type);
		if (l[i].hard >= 0 && (l[i].soft < 0 || l[i].soft > l[i].hard))
			return err_set(e, EINVAL, ERR_INVALID,
				       "limit %s: the soft limit is above the hard limit",
				       l[i].type);
		for (size_t k = 0; k < p->limit_count; k++)
			if (p->limits[k].number == number)
				return err_set(e, EINVAL, ERR_INVALID,
					       "limit %s: it is there twice", l[i].type);
		p->limits[p->limit_count++] = (struct process_limit){number, l[i].soft, l[i].hard};
	}
	return 0;
}

static char **vector(const struct strv *v, struct arena *a)
{
	char **items = arena_array(a, v->count + 1, sizeof(*items));
	for (size_t i = 0; i < v->count; i++)
		items[i] = v->items[i];
	return items;
}

int process_plan_make(const struct oci_process *spec, const struct oci_linux *l,
		      const struct seccomp_program *seccomp, bool privileged, struct arena *a,
		      struct process_plan *ret, struct err *e)
{
	*ret = (struct process_plan){
		.spec = spec, .seccomp = privileged ? NULL : seccomp, .listener = {.socket = -1}};
	if (spec->args.count == 0)
		return err_set(e, EINVAL, ERR_INVALID, "no command specified");
	if (!spec->cwd || spec->cwd[0] != '/')
		return err_set(e, EINVAL, ERR_INVALID, "working directory \"%s\": must be absolute",
			       spec->cwd ? spec->cwd : "");
	int r = plan_ids(ret, a, e);
	plan_caps(ret, privileged);
	if (r == 0)
		r = plan_limits(ret, a, e);
	if (r == 0)
		r = tuning_plan(spec, l, a, &ret->tuning, e);
	command_self_read(&ret->self);
	ret->argv = vector(&spec->args, a);
	ret->envp = vector(&spec->env, a);
	return r;
}
