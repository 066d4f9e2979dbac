/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What containers get of secrets: copies in their folders, files of a tmpfs each, variables. No
 * path of the host's leads to such a tmpfs, and the container's layer has an empty file in its
 * place. Invariant: what is in a secret is in no row, in no spec that is written down, and in no
 * message. Read secret.h first.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/path.h"
#include "engine/secret.h"
#include "engine/spec.h"
#include "linux/mount.h"

/* VARIABLE_MAX: execve(2), "NAME=VALUE" with its NUL. */
enum { VARIABLE_MAX = 128 << 10, REPLACED_MAX = 100 };

int secret_mount(const char *data, size_t len, uid_t uid, gid_t gid, mode_t mode, struct err *e)
{
	static const char *const options[] = {"mode=0700"};
	CLEANUP_FD int tmpfs =
		mount_new("tmpfs", "tmpfs", options, 1,
			  MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, e);
	if (tmpfs < 0)
		return tmpfs;
	CLEANUP_FD int fd = openat(tmpfs, "secret", O_WRONLY | O_CREAT | O_CLOEXEC, 0400);
	if (fd < 0 || fd_write_full(fd, data, len) < 0)
		return err_errno(e, errno, "cannot keep a secret");
	if (fchown(fd, uid, gid) < 0) {
		err_errno(e, errno, "cannot give it to uid %u, gid %u", uid, gid);
		return e->number != EINVAL ? -e->number
					   : err_hint(e, "a user's containers have as many ids as "
							 "/etc/subuid and /etc/subgid grant him");
	}
	if (fchmod(fd, mode & 07777) < 0)
		return err_errno(e, errno, "cannot keep a secret");
	int r = mount_clone_elsewhere(-1, tmpfs, "secret");
	return r < 0 ? err_errno(e, r, "cannot mount a secret") : r;
}

int secret_variable_check(const char *secret, const char *variable, struct err *e)
{
	if (strcmp(variable, "PATH"))
		return 0;
	err_set(e, EINVAL, ERR_INVALID,
		"secret %.64s: it cannot be the variable PATH, which messages of commands that are "
		"not found tell",
		secret);
	return err_hint(e, "give it another variable, or make it a file");
}

static int plan(struct engine *en, struct hull_secret *s, struct arena *a, struct err *e)
{
	struct secret found;
	int r = secret_find(en, s->name, a, &found, e);
	if (r < 0)
		return r;
	s->name = found.name;
	s->id = found.id;
	if (s->variable) {
		s->variable = *s->variable ? s->variable : s->name;
		return secret_variable_check(s->name, s->variable, e);
	}
	const char *target = s->target && *s->target ? s->target : s->name;
	s->target =
		path_clean(a, *target == '/' ? target : arena_printf(a, "/run/secrets/%s", target));
	if (!s->target[1])
		return err_set(e, EINVAL, ERR_INVALID, "secret %s: its target cannot be '/'",
			       s->name);
	return 0;
}

int secrets_plan(struct engine *en, struct hull_config *h, struct arena *a, struct err *e)
{
	struct hull_secret *s = h->secrets.items;
	int r = 0;
	for (size_t i = 0; r == 0 && i < h->secrets.count; i++)
		r = plan(en, &s[i], a, e);
	return r;
}

static char *copy_of(const struct container *c, size_t i, struct arena *a)
{
	return arena_printf(a, "containers/%s/secret.%zu", c->id, i);
}

static int check_variable(const struct hull_secret *s, const char *data, size_t len, struct err *e)
{
	if (memchr(data, '\0', len))
		return err_set(e, EINVAL, ERR_INVALID,
			       "secret %s: a NUL byte is in it, so it cannot be the variable %s; "
			       "type=mount makes it a file",
			       s->name, s->variable);
	if (strlen(s->variable) + 1 + len >= VARIABLE_MAX)
		return err_set(e, E2BIG, ERR_INVALID,
			       "secret %s: it is too large for the variable %s, of less than %d "
			       "bytes; type=mount makes it a file",
			       s->name, s->variable, VARIABLE_MAX);
	return 0;
}

/* One that was replaced since it was planned is what it is now. */
static int read_now(struct engine *en, struct hull_secret *s, struct arena *kept, struct arena *a,
		    char **ret, size_t *ret_len, struct err *e)
{
	for (int tries = 0;; tries++) {
		struct secret from = {.id = s->id, .name = s->name};
		int r = secret_read(en, &from, a, ret, ret_len, e);
		if (r != -ENOENT || tries == REPLACED_MAX ||
		    secret_find(en, s->name, kept, &from, ERR_IGNORED) < 0 ||
		    !strcmp(from.id, s->id))
			return r;
		s->id = from.id;
	}
}

int secrets_keep(struct engine *en, struct container *c, bool durable, struct arena *kept,
		 struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	struct hull_secret *s = c->config.hull.secrets.items;
	int r = 0;
	for (size_t i = 0; r == 0 && i < c->config.hull.secrets.count; i++) {
		char *data;
		size_t len;
		r = read_now(en, &s[i], kept, &a, &data, &len, e);
		if (r == 0 && s[i].variable)
			r = check_variable(&s[i], data, len, e);
		if (r == 0 &&
		    secret_file_write(en->root_fd, copy_of(c, i, &a), data, len, durable, e) < 0)
			r = err_context(e, "container %s: secret %s", c->name, s[i].name);
	}
	return r;
}

static int read_copy(struct engine *en, const struct container *c, size_t i, struct arena *a,
		     char **ret, size_t *ret_len, struct err *e)
{
	const struct hull_secret *s = c->config.hull.secrets.items;
	int r = file_read(en->root_fd, copy_of(c, i, a), SECRET_SIZE_END, a, ret, ret_len, e);
	return r < 0 ? err_context(e, "container %s: its copy of secret %s", c->name, s[i].name)
		     : 0;
}

int secrets_env(struct engine *en, const struct container *c, struct arena *a, struct strv *ret,
		struct err *e)
{
	const struct hull_secret *s = c->config.hull.secrets.items;
	int r = 0;
	for (size_t i = 0; r == 0 && i < c->config.hull.secrets.count; i++) {
		char *data;
		if (s[i].variable && (r = read_copy(en, c, i, a, &data, NULL, e)) == 0)
			strv_push(a, ret, arena_printf(a, "%s=%s", s[i].variable, data));
	}
	return r;
}

int secrets_mount(struct engine *en, struct spec_build *b, struct arena *a, struct err *e)
{
	const struct container *c = b->container;
	const struct hull_secret *s = c->config.hull.secrets.items;
	struct oci_mount *to = (struct oci_mount *)b->spec.mounts.items + b->spec.mounts.count;
	for (size_t i = c->config.hull.secrets.count; i-- > 0;) {
		char *data;
		size_t len;
		if (s[i].variable)
			continue;
		int r = read_copy(en, c, i, a, &data, &len, e);
		if (r == 0 && (r = secret_mount(data, len, (uid_t)s[i].uid, (gid_t)s[i].gid,
						(mode_t)s[i].mode, e)) < 0)
			err_context(e, "secret %s", s[i].name);
		if (r < 0)
			return r;
		(--to)->fd = r;
	}
	return 0;
}
