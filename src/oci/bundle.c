/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a bundle. What src/runtime checks itself is not checked here. Read bundle.h first. */
#include "oci/bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/option_value.h"
#include "oci/state.h"
#include "runtime/runtime.h"

static int check(const struct oci_spec *s, struct err *e)
{
	if (!s->oci_version || !*s->oci_version)
		return err_set(e, EINVAL, ERR_INVALID, "ociVersion: missing");
	if (strncmp(s->oci_version, "1.", 2) != 0)
		return err_set(e, EINVAL, ERR_INVALID,
			       "ociVersion \"%.40s\": only versions 1.x are known", s->oci_version);
	if (!s->root.path || !*s->root.path)
		return err_set(e, EINVAL, ERR_INVALID, "root.path: missing");
	if (s->process.args.count == 0)
		return err_set(e, EINVAL, ERR_INVALID, "process.args: must not be empty");
	return 0;
}

int bundle_read(struct oci *oci, const char *path, const char *config, struct bundle *ret,
		struct err *e)
{
	struct arena *a = &oci->arena;
	int r = path_from_cwd(path && *path ? path : ".", &ret->path, a, e);
	if (r < 0)
		return r;
	CLEANUP_FD int dir = open(ret->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_errno(e, errno, "cannot open the bundle %s", ret->path);
	const char *name = config && *config ? config : "config.json";
	r = file_read(config && *config ? AT_FDCWD : dir, name, OCI_CONFIG_MAX, a, &ret->text,
		      &ret->length, e);
	if (r == 0)
		r = shape_parse(&oci_spec_shape, ret->text, ret->length, &ret->spec, a, e);
	if (r == 0)
		r = check(&ret->spec, e);
	return r < 0 ? err_context(e, "%s of bundle %s", name, ret->path) : 0;
}

char *bundle_rootfs(const struct bundle *b, struct arena *a)
{
	const char *path = b->spec.root.path;
	return *path == '/' ? arena_strdup(a, path) : arena_printf(a, "%s/%s", b->path, path);
}

void bundle_home(struct oci_process *p, int rootfd, struct arena *a)
{
	struct oci_user user;
	char *home = "";
	if (strv_get_env(&p->env, "HOME") || rootfd < 0)
		return;
	const char *ids =
		arena_printf(a, "%lld:%lld", (long long)p->user.uid, (long long)p->user.gid);
	runtime_lookup_user(rootfd, ids, NULL, a, &user, &home, ERR_IGNORED);
	strv_set_env(a, &p->env, arena_printf(a, "HOME=%s", *home ? home : "/"));
}
