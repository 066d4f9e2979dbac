/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state folder. Rests on flock(2) of a folder, rename(2), pidfd_open(2).
 * Invariant: a name is checked before it is part of a path, and everything goes by descriptors from
 * then on. Read state.h first.
 */
#include "oci/state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/path.h"
#include "linux/cgroup.h"
#include "linux/namespaces.h"
#include "linux/pidfd.h"
#include "linux/systemd.h"
#include "oci/group.h"
#include "runtime/gate.h"

enum { RECORD_VERSION = 1, RECORD_MAX = 1 << 20, RECORD_STRINGS = 5 };

struct record_head {
	uint32_t version, flags, owner;
	int32_t pid;
	uint64_t pid_start;
	int64_t created_ns;
	uint32_t lengths[RECORD_STRINGS]; /* without the NUL that follows each */
	uint32_t reserved;
};

const char *const oci_status_names[] = {
	[OCI_CREATING] = "creating", [OCI_CREATED] = "created", [OCI_RUNNING] = "running",
	[OCI_PAUSED] = "paused",     [OCI_STOPPED] = "stopped",
};

static int default_root(struct oci *oci, const char **ret, struct err *e)
{
	const char *home = getenv("XDG_RUNTIME_DIR");
	*ret = oci->globals.root;
	if (*ret && **ret)
		return 0;
	*ret = "/run/hull-runtime";
	/* As in runc: a root who calls himself so, in a user namespace, is that of a machine. */
	const char *user = getenv("USER");
	bool named = user && !strcmp(user, "root");
	if (geteuid() == 0 && (!home || !*home || named || !namespace_caller_is_user()))
		return 0;
	if (!home || !*home) {
		err_set(e, EINVAL, ERR_INVALID, "no folder for the state of containers is known");
		return err_hint(e, "set XDG_RUNTIME_DIR, or give --root");
	}
	*ret = arena_printf(&oci->arena, "%s/hull-runtime", home);
	return 0;
}

int state_root(struct oci *oci, bool make, struct err *e)
{
	const char *path;
	int r = default_root(oci, &path, e);
	if (r < 0)
		return r;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT && make && (r = dir_make(AT_FDCWD, path, 0700, e)) < 0)
		return r;
	if (fd < 0 && make)
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? err_errno(e, errno, "cannot open the state folder %s", path) : fd;
}

static int check_id(const char *id, struct err *e)
{
	if (name_is_valid(id, OCI_ID_MAX))
		return 0;
	err_set(e, EINVAL, ERR_INVALID, "invalid container id \"%.200s\"", id);
	return err_hint(e,
			"1 to %d letters, digits, \"_\", \".\", \"-\"; the first a letter or digit",
			OCI_ID_MAX);
}

static int not_there(const char *id, struct err *e)
{
	return err_set(e, ENOENT, ERR_NOT_FOUND, "container %s does not exist", id);
}

/* Whoever had it before us may have removed it. */
static int lock(int dir)
{
	struct stat st;
	int r = TEMP_FAILURE_RETRY(flock(dir, LOCK_EX));
	if (r < 0 || fstat(dir, &st) < 0)
		return -errno;
	return st.st_nlink == 0 ? -ENOENT : 0;
}

static int record_read(int dir, struct arena *a, struct record *ret, struct err *e)
{
	struct record_head h;
	char *text,
		**const strings[RECORD_STRINGS] = {&ret->oci_version, &ret->bundle, &ret->rootfs,
						   &ret->cgroup, &ret->annotations};
	size_t len, at = sizeof(h);
	int r = file_read(dir, "record", RECORD_MAX, a, &text, &len, e);
	if (r < 0)
		return r;
	bool whole = len >= sizeof(h);
	if (whole)
		memcpy(&h, text, sizeof(h));
	whole = whole && h.version == RECORD_VERSION;
	for (size_t i = 0; whole && i < RECORD_STRINGS; i++) {
		whole = h.lengths[i] < len - at && text[at + h.lengths[i]] == '\0';
		*strings[i] = text + at;
		at += whole ? h.lengths[i] + 1 : 0;
	}
	if (!whole)
		return err_set(e, EINVAL, ERR_INTERNAL, "its record is damaged");
	ret->pid = h.pid;
	ret->pid_start = h.pid_start;
	ret->created_ns = h.created_ns;
	ret->flags = h.flags;
	ret->owner = h.owner;
	return 0;
}

int state_write(struct state *s, struct err *e)
{
	const struct record *c = &s->record;
	const char *const strings[RECORD_STRINGS] = {c->oci_version, c->bundle, c->rootfs,
						     c->cgroup, c->annotations};
	struct record_head h = {.version = RECORD_VERSION,
				.flags = c->flags,
				.owner = c->owner,
				.pid = c->pid,
				.pid_start = c->pid_start,
				.created_ns = c->created_ns};
	CLEANUP_ARENA struct arena a = {0};
	size_t len = sizeof(h);
	for (size_t i = 0; i < RECORD_STRINGS; i++)
		len += (h.lengths[i] = (uint32_t)strlen(strings[i])) + 1;
	if (len > RECORD_MAX)
		return err_set(e, E2BIG, ERR_INVALID, "the annotations are too long");
	char *text = arena_alloc(&a, len), *at = text + sizeof(h);
	memcpy(text, &h, sizeof(h));
	for (size_t i = 0; i < RECORD_STRINGS; i++, at++) {
		memcpy(at, strings[i], h.lengths[i]);
		at += h.lengths[i];
	}
	return file_replace(s->dir, "record", text, len, false, e);
}

const char *record_unit(const struct record *r)
{
	const char *slash = strrchr(r->cgroup, '/');
	return r->flags & RECORD_SYSTEMD && slash ? slash + 1 : NULL;
}

static bool is_frozen(const struct state *s)
{
	CLEANUP_CGROUP struct cgroup group = CGROUP_CLOSED;
	return file_exists(s->dir, "paused") && *s->record.cgroup &&
	       cgroup_open(s->record.cgroup, &group, ERR_IGNORED) == 0 &&
	       cgroup_is_frozen(&group) == 1;
}

void state_look(struct state *s)
{
	fd_drop(&s->pidfd);
	s->status = s->record.pid ? OCI_STOPPED : OCI_CREATING;
	if (!s->record.pid)
		return;
	s->pidfd = pidfd_of_started(s->record.pid, s->record.pid_start);
	if (s->pidfd < 0 || pidfd_has_ended(s->pidfd) == 1) {
		fd_drop(&s->pidfd);
		return;
	}
	CLEANUP_FD int gate = gate_connect(s->dir, "start");
	s->status = gate >= 0 ? OCI_CREATED : OCI_RUNNING;
	if (is_frozen(s))
		s->status = OCI_PAUSED;
}

void state_close(struct state *s)
{
	fd_drop(&s->dir);
	fd_drop(&s->pidfd);
}

static int open_folder(struct oci *oci, const char *id, enum state_how how, struct err *e)
{
	int r = check_id(id, e);
	if (r < 0)
		return r;
	CLEANUP_FD int root = state_root(oci, false, e);
	if (root == -ENOENT)
		return not_there(id, e);
	if (root < 0)
		return root;
	CLEANUP_FD int dir = openat(root, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP))
		return not_there(id, e);
	r = dir < 0 ? -errno : how == STATE_READ ? 0 : lock(dir);
	if (r == -ENOENT)
		return not_there(id, e);
	return r < 0 ? err_errno(e, r, "container %s: cannot open its state", id) : fd_steal(&dir);
}

/* Without its record it can be reached by its group alone, which the copy of its config.json names.
 * A group that others were in already was never made its own: create refuses that. */
static void guess(struct state *s, struct oci *oci)
{
	enum { NOBODY = -1 }; /* there was a process */
	struct arena *a = &oci->arena;
	struct oci_spec spec = {0};
	struct systemd_scope scope = SYSTEMD_SCOPE_NONE;
	struct err ignored;
	state_config(s, a, &spec, &ignored);
	const char *given = spec.linux_.cgroups_path;
	s->record = (struct record){.pid = NOBODY, .bundle = "", .cgroup = ""};
	s->record.flags = spec.hooks && spec.hooks->poststop.count ? RECORD_POSTSTOP : 0;
	s->record.flags |= spec.linux_.intel_rdt ? RECORD_RDT : 0;
	/* "slice:prefix:name", by a caller who may not say again that it is systemd's. */
	bool scoped = oci_uses_systemd(oci) || (given && *given != '/' && strchr(given, ':'));
	if (!scoped) {
		group_path(s->id, given, a, &s->record.cgroup, &ignored);
	} else if (systemd_scope_name(given, s->id, &scope, &ignored) == 0) {
		s->record.flags |= RECORD_SYSTEMD;
		s->record.cgroup = arena_strdup(a, scope.group);
	}
}

int state_open(struct oci *oci, const char *id, enum state_how how, struct state *ret,
	       struct err *e)
{
	CLEANUP_STATE struct state s = {.id = id, .dir = -1, .pidfd = -1};
	s.dir = open_folder(oci, id, how, e);
	if (s.dir < 0)
		return s.dir;
	int r = record_read(s.dir, &oci->arena, &s.record, e);
	if (r == -ENOENT && how < STATE_DELETE)
		return not_there(id, e);
	if (r < 0 && r != -ENOENT && how != STATE_FORCE) {
		err_hint(e, "hull-runtime delete --force %s ends and removes it", id);
		return err_context(e, "container %s", id);
	}
	if (r == -ENOENT)
		s.record.cgroup = "";
	else if (r < 0)
		guess(&s, oci);
	state_look(&s);
	*ret = s;
	s.dir = s.pidfd = -1;
	return 0;
}

int state_make(struct oci *oci, const char *id, struct state *ret, struct err *e)
{
	int r = check_id(id, e);
	CLEANUP_FD int root = r < 0 ? r : state_root(oci, true, e);
	if (root < 0)
		return root;
	if (mkdirat(root, id, 0700) < 0)
		return errno == EEXIST
			       ? err_set(e, EEXIST, ERR_CONFLICT, "container %s already exists", id)
			       : err_errno(e, errno, "container %s: cannot make its state", id);
	CLEANUP_FD int dir = openat(root, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	r = dir < 0 ? -errno : lock(dir);
	if (r == -ENOENT)
		return err_set(e, ENOENT, ERR_CONFLICT,
			       "container %s was deleted while it was created", id);
	if (r < 0)
		return err_errno(e, r, "container %s: cannot make its state", id);
	*ret = (struct state){.id = id, .dir = fd_steal(&dir), .pidfd = -1};
	return 0;
}

int state_remove(struct oci *oci, struct state *s, struct err *e)
{
	static const char *const files[] = {"start", "paused", "config.json", "filter"};
	CLEANUP_FD int root = state_root(oci, false, e);
	if (root < 0)
		return root;
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		unlinkat(s->dir, files[i], 0);
	/* Usually all that is left is the record. */
	if (unlinkat(s->dir, "record", 0) < 0 || unlinkat(root, s->id, AT_REMOVEDIR) < 0) {
		int r = tree_remove(root, s->id, e);
		if (r < 0)
			return err_context(e, "container %s", s->id);
	}
	return 0;
}

int state_config(const struct state *s, struct arena *a, struct oci_spec *ret, struct err *e)
{
	char *text;
	size_t len;
	int r = file_read(s->dir, "config.json", OCI_CONFIG_MAX, a, &text, &len, e);
	if (r == 0)
		r = shape_parse(&oci_spec_shape, text, len, ret, a, e);
	return r < 0 ? err_context(e, "container %s", s->id) : 0;
}

int state_filter_write(const struct state *s, const struct seccomp_program *p, struct err *e)
{
	CLEANUP_FD int fd = openat(s->dir, "filter", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	int r = fd < 0 ? -errno : fd_write_full(fd, &p->flags, sizeof(p->flags));
	if (r == 0)
		r = fd_write_full(fd, p->code, p->count * sizeof(*p->code));
	return r < 0 ? err_errno(e, r, "cannot keep the system call filter") : 0;
}

int state_filter_read(const struct state *s, struct arena *a, struct seccomp_program *ret,
		      struct err *e)
{
	enum { MAX = sizeof(uint32_t) + 4096 * sizeof(struct sock_filter) };
	char *text;
	size_t len;
	int r = file_read(s->dir, "filter", MAX, a, &text, &len, e);
	if (r < 0)
		return err_context(e, "container %s: the system call filter", s->id);
	if (len < sizeof(uint32_t) || (len - sizeof(uint32_t)) % sizeof(struct sock_filter))
		return err_set(e, EINVAL, ERR_INTERNAL,
			       "container %s: its system call filter is damaged", s->id);
	size_t size = len - sizeof(uint32_t);
	*ret = (struct seccomp_program){.code = arena_alloc(a, size),
					.count = (uint16_t)(size / sizeof(struct sock_filter))};
	memcpy(&ret->flags, text, sizeof(uint32_t));
	memcpy(ret->code, text + sizeof(uint32_t), size);
	return 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_id(const struct dirent *d)
{
	return name_is_valid(d->d_name, OCI_ID_MAX);
}

int state_list(struct oci *oci, struct strv *ret, struct err *e)
{
	struct dirent **entries = NULL;
	CLEANUP_FD int root = state_root(oci, false, e);
	/* The default folder need not be there yet. */
	if (root < 0)
		return root == -ENOENT && !oci->globals.root ? 0 : root;
	int n = scandirat(root, ".", &entries, is_id, by_name);
	for (int i = 0; i < n; i++) {
		strv_push(&oci->arena, ret, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return n < 0 ? err_errno(e, errno, "cannot list the containers") : 0;
}
