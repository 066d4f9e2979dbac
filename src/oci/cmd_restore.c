/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hull-runtime restore: `run`, with a process that criu makes in the place of a clone.
 * Invariant: it is in the record before it runs, as any other. Read criu.h and create.h first.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/path.h"
#include "linux/pidfd.h"
#include "oci/commands.h"
#include "oci/create.h"
#include "oci/criu.h"
#include "runtime/hooks.h"

enum { ABOVE_STDIO = 3 };

struct restore_options {
	struct create_options create; /* first: what `run` takes */
	struct criu_options criu;
};

static bool lies_below(const struct oci_mount *m, size_t count, const char *path)
{
	for (size_t i = 0; i < count; i++) {
		size_t len = strlen(m[i].destination);
		if (!strncmp(m[i].destination, path, len) && path[len] == '/')
			return true;
	}
	return false;
}

/* In a root that is new, too. What lies below another mount is there with that. */
static int make_targets(const struct bundle *b, const char *rootfs, struct arena *a, struct err *e)
{
	const struct oci_mount *m = b->spec.mounts.items;
	struct stat st;
	CLEANUP_FD int root = dir_open(AT_FDCWD, rootfs, e);
	int r = root < 0 ? root : 0;
	for (size_t i = 0; r >= 0 && i < b->spec.mounts.count; i++) {
		if (lies_below(m, b->spec.mounts.count, m[i].destination))
			continue;
		const char *from = criu_bind_source(&m[i], b->path, a);
		bool file = from && stat(from, &st) == 0 && !S_ISDIR(st.st_mode);
		CLEANUP_FD int at = file ? path_make_file_in_root(root, m[i].destination, e)
					 : path_make_dirs_in_root(root, m[i].destination, 0, 0, e);
		r = at;
	}
	return r < 0 ? r : 0;
}

static int on_event(void *arg, const char *event, pid_t pid, int fd, struct err *e)
{
	struct creation *c = arg;
	struct hooks hooks = {&c->bundle.spec, c->state.id, c->bundle.path};
	int r = 0;
	if (!strcmp(event, "orphan-pts-master")) {
		c->process.pty_fd = fcntl(fd, F_DUPFD_CLOEXEC, ABOVE_STDIO);
		r = c->process.pty_fd < 0 ? err_errno(e, errno, "cannot take the terminal") : 0;
	} else if (!strcmp(event, "setup-namespaces")) {
		r = hooks_run(&hooks, HOOK_PRESTART, pid, e);
		if (r == 0)
			r = hooks_run(&hooks, HOOK_CREATE_RUNTIME, pid, e);
	} else if (!strcmp(event, "post-restore")) {
		c->process.pid = pid;
		c->process.pidfd = pidfd_of(pid);
		r = c->process.pidfd < 0
			    ? err_errno(e, c->process.pidfd, "cannot open process %d", (int)pid)
			    : container_note(c, e);
	}
	return r;
}

static int relaunch(struct oci *oci, const struct create_options *o, struct creation *c,
		    const struct cgroup *group, struct err *e)
{
	CLEANUP_CRIU struct criu_call call = CRIU_CLOSED;
	const struct criu_options *how = &((const struct restore_options *)o)->criu;
	const struct oci_spec *spec = &c->bundle.spec;
	int r = make_targets(&c->bundle, c->state.record.rootfs, &oci->arena, e);
	if (r == 0)
		r = criu_open(oci, CRIU_RESTORE, how, spec, &call, e);
	if (r == 0)
		r = criu_outside(&call, spec, c->bundle.path, 0, &oci->arena, e);
	if (r < 0)
		return r;
	call.event = on_event;
	call.arg = c;
	call.cgroup = group;
	call.root = c->state.record.rootfs;
	criu_number(&call, CRIU_EVASIVE_DEVICES, true);
	criu_number(&call, CRIU_RST_SIBLING, true);
	criu_text(&call, CRIU_ROOT, call.root);
	return criu_run(&call, e);
}

static int restore(struct oci *oci, void *values, const struct strv *args, struct err *e)
{
	struct restore_options *o = values;
	if (access(o->criu.image, R_OK) < 0)
		return err_errno(e, errno, "cannot open the checkpoint %s", o->criu.image);
	o->create.launch = relaunch;
	return oci_run.run(oci, values, args, e);
}

/* clang-format off */
#define C(member_) .offset = offsetof(struct restore_options, criu.member_)
static const struct option items[] = {
	CRIU_OPTIONS(offsetof(struct restore_options, criu)),
	{"bundle", 'b', OPTION_STR, O(bundle), .help = "Folder with config.json (default: the current one)"},
	{"console-socket", 0, OPTION_STR, O(console_socket), .help = "Socket that is sent the master of the terminal"},
	{"detach", 'd', OPTION_BOOL, O(detach), .help = "Leave the container running"},
	{"lsm-mount-context", 0, OPTION_STR, C(lsm_mount_context), .help = "SELinux label of mounts, another than it had"},
	{"lsm-profile", 0, OPTION_STR, C(lsm_profile), .help = "TYPE:NAME of another AppArmor profile or SELinux label"},
	{"no-pivot", 0, OPTION_BOOL, O(no_pivot), .help = "Without effect: the root is entered as criu does it"},
	{"no-subreaper", 0, OPTION_BOOL, O(no_subreaper), .help = "Do not adopt orphans of the container"},
	{"pid-file", 0, OPTION_STR, O(pid_file), .help = "File to write the process id to"},
};
/* clang-format on */

const struct oci_command oci_restore = {
	.name = "restore",
	.synopsis = "ID",
	.summary = "Let a container go on from what checkpoint wrote",
	.options = OPTIONS_FOR(struct restore_options, items),
	.args = {1, 1},
	.flags = OCI_NEW_ID | OCI_ENTERS,
	.run = restore,
};
