/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container's namespaces. Rests on setns(2), user_namespaces(7) for the maps.
 * Invariant: nothing is joined that was not checked to be a namespace of the right kind.
 * Read spaces.h first.
 */
#include "runtime/spaces.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "linux/namespaces.h"

enum { MAPPINGS_MAX = 340, MAP_TEXT_MAX = 4095 }; /* both: user_namespaces(7) */

static size_t kind_index(const struct namespace_kind *kind)
{
	return (size_t)(kind - namespace_at(0));
}

static int add(struct spaces *s, const struct oci_namespace *n, struct err *e)
{
	const struct namespace_kind *kind = namespace_find(n->type);
	if (!kind)
		return err_set(e, EINVAL, ERR_INVALID, "namespace \"%s\": there is no such kind",
			       n->type);
	unsigned long flag = (unsigned)kind->flag;
	if (s->own & flag)
		return err_set(e, EINVAL, ERR_INVALID, "the %s namespace is listed twice", n->type);
	s->own |= flag;
	if (!n->path || !*n->path) {
		s->make |= flag;
		return 0;
	}
	if (flag == CLONE_NEWNS)
		return err_set(e, EINVAL, ERR_INVALID,
			       "a container cannot join a mount namespace: it has its own root");
	s->join |= flag;
	return s->fds[kind_index(kind)] = namespace_open(kind, n->path, e);
}

static int check_maps(const struct spaces *s, struct err *e)
{
	const struct oci_linux *l = s->spec;
	if (!(s->make & CLONE_NEWUSER))
		return 0;
	if (l->uid_mappings.count && l->gid_mappings.count &&
	    l->uid_mappings.count <= MAPPINGS_MAX && l->gid_mappings.count <= MAPPINGS_MAX)
		return 0;
	return err_set(e, EINVAL, ERR_INVALID,
		       "a user namespace needs 1 to %d user and group id mappings", MAPPINGS_MAX);
}

int spaces_open(struct spaces *s, const struct oci_linux *spec, struct err *e)
{
	const struct oci_namespace *list = spec->namespaces.items;
	*s = (struct spaces){.spec = spec};
	for (size_t i = 0; i < SPACES_MAX; i++)
		s->fds[i] = -1;
	static_assert(SPACES_MAX == 8, "one slot per kind in namespaces.c");
	for (size_t i = 0; i < spec->namespaces.count; i++) {
		int r = add(s, &list[i], e);
		if (r < 0)
			return r;
	}
	if (!(s->make & CLONE_NEWNS))
		return err_set(e, EINVAL, ERR_INVALID, "a container needs a mount namespace");
	return check_maps(s, e);
}

void spaces_close(struct spaces *s)
{
	/* Nothing was opened yet in a struct that is all zero. */
	for (size_t i = 0; s->spec && i < SPACES_MAX; i++)
		fd_drop(&s->fds[i]);
}

int spaces_join(const struct spaces *s, unsigned long flag, struct err *e)
{
	const struct namespace_kind *kind;
	for (size_t i = 0; (kind = namespace_at(i)); i++)
		if ((unsigned)kind->flag == flag && s->fds[i] >= 0 &&
		    setns(s->fds[i], kind->flag) < 0)
			return err_errno(e, errno, "cannot join the %s namespace", kind->name);
	return 0;
}

int spaces_join_early(const struct spaces *s, struct err *e)
{
	const struct namespace_kind *kind;
	int r = 0;
	for (size_t i = 0; r == 0 && (kind = namespace_at(i)); i++)
		if (!(kind->flag & (CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWCGROUP)))
			r = spaces_join(s, (unsigned)kind->flag, e);
	return r;
}

static int write_map(pid_t pid, const char *file, const struct array *maps, struct err *e)
{
	const struct oci_id_mapping *m = maps->items;
	CLEANUP_STRBUF struct strbuf text = STRBUF_MAX(MAP_TEXT_MAX);
	for (size_t i = 0; i < maps->count; i++)
		strbuf_printf(&text, "%lld %lld %lld\n", (long long)m[i].container_id,
			      (long long)m[i].host_id, (long long)m[i].size);
	if (!strbuf_ok(&text))
		return err_set(e, E2BIG, ERR_INVALID, "%s: too many id mappings", file);
	char path[48];
	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	int r = file_write_small(AT_FDCWD, path, strbuf_text(&text));
	if (r == -EINVAL)
		return err_set(e, EINVAL, ERR_INVALID, "%s: the id mappings overlap or are empty",
			       file);
	return r < 0 ? err_errno(e, r, "cannot write the %s", file) : 0;
}

int spaces_map_ids(const struct spaces *s, pid_t pid, struct err *e)
{
	if (!(s->make & CLONE_NEWUSER))
		return 0;
	int r = write_map(pid, "uid_map", &s->spec->uid_mappings, e);
	return r < 0 ? r : write_map(pid, "gid_map", &s->spec->gid_mappings, e);
}
