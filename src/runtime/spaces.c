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
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "linux/namespaces.h"
#include "linux/pidfd.h"

static size_t kind_index(const struct namespace_kind *kind)
{
	return (size_t)(kind - namespace_at(0));
}

/* That of the machine or of the caller: everybody there would lose his root. */
static bool is_hosts(int fd)
{
	struct stat theirs, self, first;
	return fstat(fd, &theirs) == 0 &&
	       ((stat("/proc/self/ns/mnt", &self) == 0 && theirs.st_ino == self.st_ino) ||
		(stat("/proc/1/ns/mnt", &first) == 0 && theirs.st_ino == first.st_ino));
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
	int fd = s->fds[kind_index(kind)] = namespace_open(kind, n->path, e);
	if (fd >= 0 && flag == CLONE_NEWNS && is_hosts(fd))
		return err_set(e, EINVAL, ERR_INVALID,
			       "mount namespace %s: the host would lose its root", n->path);
	s->join |= flag;
	return fd;
}

static int idmaps(const struct array *list, const char *what, const char *kind, struct arena *a,
		  struct idmap **ret, size_t *ret_count, struct err *e)
{
	const struct oci_id_mapping *m = list->items;
	*ret = arena_array(a, list->count, sizeof(**ret));
	*ret_count = list->count;
	for (size_t i = 0; i < list->count; i++)
		(*ret)[i] = (struct idmap){m[i].container_id, m[i].host_id, m[i].size};
	return idmap_check(*ret, list->count, kind, e) < 0 ? err_context(e, "%s", what) : 0;
}

int spaces_idmaps(const struct array *uids, const struct array *gids, const char *what,
		  struct arena *a, struct idmaps *ret, struct err *e)
{
	if (uids->count == 0 || gids->count == 0)
		return err_set(e, EINVAL, ERR_INVALID, "%s needs uidMappings and gidMappings",
			       what);
	int r = idmaps(uids, what, "uidMappings", a, &ret->uid, &ret->uid_count, e);
	return r < 0 ? r : idmaps(gids, what, "gidMappings", a, &ret->gid, &ret->gid_count, e);
}

static int spec_maps(const struct spaces *s, struct arena *a, struct idmaps *ret, struct err *e)
{
	return spaces_idmaps(&s->spec->uid_mappings, &s->spec->gid_mappings, "a user namespace", a,
			     ret, e);
}

static int check_maps(const struct spaces *s, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	struct idmaps maps;
	if (s->make & CLONE_NEWUSER)
		return spec_maps(s, &a, &maps, e);
	if (s->own & CLONE_NEWUSER ||
	    s->spec->uid_mappings.count + s->spec->gid_mappings.count == 0)
		return 0;
	return err_set(e, EINVAL, ERR_INVALID,
		       "uidMappings and gidMappings need a user namespace of the container's own");
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
	if (!(s->own & CLONE_NEWNS))
		return err_set(e, EINVAL, ERR_INVALID, "a container needs a mount namespace");
	if (spec->time_offsets.count && !(s->make & CLONE_NEWTIME))
		return err_set(e, EINVAL, ERR_INVALID,
			       "timeOffsets need a time namespace of the container's own");
	/* Who has no rights over the pid namespace that he is in could not return to it. */
	s->staged = s->join && (s->own & CLONE_NEWUSER ||
				(s->join & CLONE_NEWPID && namespace_caller_is_user()));
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

int spaces_open_network(const struct spaces *s, pid_t pid, struct err *e)
{
	const struct namespace_kind *network = namespace_find("network");
	char path[48];
	int fd = s->fds[kind_index(network)];
	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
	if (fd < 0)
		return namespace_open(network, path, e);
	fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return fd < 0 ? err_errno(e, errno, "cannot keep the network namespace open") : fd;
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

/* With the rights of the host what belongs to the host, with those of the user namespace the rest.
 */
int spaces_join_all(struct spaces *s, struct err *e)
{
	const struct namespace_kind *kind;
	for (int round = 0; round < 2; round++) {
		bool last = round == 1 || !(s->join & CLONE_NEWUSER);
		for (size_t i = 0; (kind = namespace_at(i)); i++) {
			bool user = kind->flag == CLONE_NEWUSER;
			if (s->fds[i] < 0 || (user && !last))
				continue;
			if (setns(s->fds[i], kind->flag) == 0)
				fd_drop(&s->fds[i]);
			else if (last || errno != EPERM)
				return err_errno(e, errno, "cannot join the %s namespace",
						 kind->name);
			if (user && (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0))
				return err_errno(
					e, errno,
					"the joined user namespace has no user and group 0");
		}
	}
	return 0;
}

/* What the process between says of its child, besides the descriptor. */
struct birth {
	pid_t pid;
	struct err e;
};

/* The child's parent is ours (CLONE_PARENT), and so is its pid. Returns only in the child. */
static void stand_between(const struct between *b, int report)
{
	struct birth birth = {0};
	int pidfd = -1;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_DUMPABLE, b->dumpable);
	birth.pid = b->enter(b->arg, &birth.e);
	if (birth.pid == 0) {
		prctl(PR_SET_DUMPABLE, b->dumpable);
		birth.pid = namespace_clone(b->flags | CLONE_PARENT, b->cgroup, &pidfd);
		if (birth.pid == 0)
			return;
		if (birth.pid < 0)
			err_errno(&birth.e, birth.pid, "cannot create the container's process");
	}
	fd_send(report, &birth, sizeof(birth), &pidfd, pidfd >= 0);
	_exit(0);
}

pid_t spaces_clone_between(const struct between *b, int *ret_pidfd, struct err *e)
{
	int pair[2], status;
	struct birth birth;
	CLEANUP_FD int between = -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_errno(e, errno, "cannot create a socket pair");
	CLEANUP_FD int ours = pair[0];
	CLEANUP_FD int theirs = pair[1];
	pid_t pid = namespace_clone(0, -1, &between);
	if (pid == 0) {
		fd_drop(&ours);
		stand_between(b, theirs);
		return 0;
	}
	if (pid < 0)
		return err_errno(e, pid, "cannot create the container's process");
	fd_drop(&theirs);
	ssize_t n = fd_recv(ours, &birth, sizeof(birth), ret_pidfd, 1);
	pidfd_wait_child(between, &status);
	if (n != sizeof(birth))
		return err_set(e, EIO, ERR_INTERNAL,
			       "the container's process could not be created");
	if (birth.pid < 0)
		*e = birth.e;
	return birth.pid;
}

int spaces_set_clocks(const struct spaces *s, struct err *e)
{
	enum { NANOSECONDS = 1000000000 };
	static const char *const clocks[] = {"monotonic", "boottime"};
	const struct oci_time_offset *o = s->spec->time_offsets.items;
	char text[2][64];
	size_t count = s->spec->time_offsets.count;
	for (size_t i = 0; i < count; i++) {
		if (strcmp(o[i].clock, clocks[0]) && strcmp(o[i].clock, clocks[1]))
			return err_set(e, EINVAL, ERR_INVALID,
				       "timeOffsets: there is no clock \"%s\"", o[i].clock);
		if (o[i].nanosecs < 0 || o[i].nanosecs >= NANOSECONDS)
			return err_set(e, EINVAL, ERR_INVALID,
				       "timeOffsets.%s: nanosecs %lld: must be below a second",
				       o[i].clock, (long long)o[i].nanosecs);
		snprintf(text[i], sizeof(text[i]), "%s %lld %lld\n", o[i].clock,
			 (long long)o[i].secs, (long long)o[i].nanosecs);
	}
	int r = count ? namespace_time(text[0], count > 1 ? text[1] : "") : 0;
	return r < 0 ? err_errno(e, r, "cannot set the timeOffsets") : 0;
}

int spaces_map_ids(const struct spaces *s, pid_t pid, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	struct idmaps maps;
	if (!(s->make & CLONE_NEWUSER))
		return 0;
	int r = spec_maps(s, &a, &maps, e);
	return r < 0 ? r : idmap_write(pid, &maps, e);
}
