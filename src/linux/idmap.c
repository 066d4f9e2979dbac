/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing id maps. Rests on /proc/PID/uid_map, gid_map and setgroups; newuidmap(1).
 * Invariant: setgroups(2) stays possible only where a privileged writer set the group map, or a
 * user could drop a group that forbids him something (CVE-2014-8989). Read idmap.h first.
 */
#include "linux/idmap.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "linux/namespaces.h"
#include "linux/pidfd.h"

enum { MAP_TEXT_MAX = 4095 }; /* one page, in one write */

int idmap_check(const struct idmap *m, size_t count, const char *what, struct err *e)
{
	if (count > IDMAP_MAX)
		return err_set(e, E2BIG, ERR_INVALID, "%s: more than %d id mappings", what,
			       IDMAP_MAX);
	for (size_t i = 0; i < count; i++) {
		int64_t most = (int64_t)UINT32_MAX - m[i].length;
		if (m[i].length > 0 && m[i].inside >= 0 && m[i].outside >= 0 &&
		    m[i].inside <= most && m[i].outside <= most)
			continue;
		return err_set(
			e, EINVAL, ERR_INVALID, "%s[%zu]: %lld %lld %lld: not a range of ids", what,
			i, (long long)m[i].inside, (long long)m[i].outside, (long long)m[i].length);
	}
	return 0;
}

static int write_file(pid_t pid, const char *file, const char *text)
{
	char path[48];
	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	return file_write_small(AT_FDCWD, path, text);
}

/* A program that has root's rights is looked for where root puts it, whatever $PATH says. */
static _Noreturn void execute_helper(char *const argv[])
{
	static const char *const folders[] = {"/usr/bin", "/bin", "/usr/local/bin",
					      "/run/wrappers/bin"};
	char path[64];
	for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
		snprintf(path, sizeof(path), "%s/%s", folders[i], argv[0]);
		execv(path, argv);
	}
	_exit(127);
}

/* newuidmap PID INSIDE OUTSIDE LENGTH ... */
static int run_helper(const char *program, pid_t pid, const struct idmap *m, size_t count,
		      struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	struct strv argv = {0};
	int status;
	strv_push(&a, &argv, program);
	strv_push(&a, &argv, arena_printf(&a, "%d", (int)pid));
	for (size_t i = 0; i < count; i++) {
		strv_push(&a, &argv, arena_printf(&a, "%lld", (long long)m[i].inside));
		strv_push(&a, &argv, arena_printf(&a, "%lld", (long long)m[i].outside));
		strv_push(&a, &argv, arena_printf(&a, "%lld", (long long)m[i].length));
	}
	pid_t helper = fork();
	if (helper == 0)
		execute_helper(argv.items);
	while (helper > 0 && waitpid(helper, &status, 0) < 0)
		if (errno != EINTR)
			helper = -1;
	if (helper > 0 && status == 0)
		return 0;
	if (helper < 0)
		return err_errno(e, errno, "cannot run %s", program);
	bool missing = WIFEXITED(status) && WEXITSTATUS(status) == 127;
	err_set(e, EPERM, ERR_DENIED,
		missing ? "%s is not installed, and only it may map more than the caller's own id"
			: "%s refuses the id mappings",
		program);
	return err_hint(e, missing ? "install the package uidmap"
				   : "see what /etc/subuid and /etc/subgid grant this user");
}

static int write_map(pid_t pid, bool is_gid, const struct idmap *m, size_t count, struct err *e)
{
	const char *file = is_gid ? "gid_map" : "uid_map";
	CLEANUP_STRBUF struct strbuf text = STRBUF_MAX(MAP_TEXT_MAX);
	for (size_t i = 0; i < count; i++)
		strbuf_printf(&text, "%lld %lld %lld\n", (long long)m[i].inside,
			      (long long)m[i].outside, (long long)m[i].length);
	if (!strbuf_ok(&text))
		return err_set(e, E2BIG, ERR_INVALID, "%s: too many id mappings", file);
	uid_t own = is_gid ? getegid() : geteuid();
	bool alone = count == 1 && m->length == 1 && m->outside == own;
	int r = write_file(pid, file, strbuf_text(&text));
	if (r == -EPERM && geteuid() != 0 && alone && is_gid) {
		r = write_file(pid, "setgroups", "deny");
		r = r < 0 ? r : write_file(pid, file, strbuf_text(&text));
	} else if (r == -EPERM && geteuid() != 0 && !alone) {
		return run_helper(is_gid ? "newgidmap" : "newuidmap", pid, m, count, e);
	}
	if (r == -EINVAL)
		return err_set(e, EINVAL, ERR_INVALID, "%s: the id mappings overlap or are empty",
			       file);
	return r < 0 ? err_errno(e, r, "cannot write the %s", file) : 0;
}

int idmap_write(pid_t pid, const struct idmaps *m, struct err *e)
{
	int r = write_map(pid, false, m->uid, m->uid_count, e);
	return r < 0 ? r : write_map(pid, true, m->gid, m->gid_count, e);
}

int64_t idmap_highest_gid(void)
{
	long long highest = 0, inside, outside, length;
	CLEANUP_FILE FILE *f = fopen("/proc/self/gid_map", "re");
	while (f && fscanf(f, "%lld %lld %lld", &inside, &outside, &length) == 3)
		if (inside + length - 1 > highest)
			highest = inside + length - 1;
	return highest;
}

int idmap_namespace(const struct idmaps *m, struct err *e)
{
	int status;
	CLEANUP_FD int pidfd = -1;
	pid_t pid = namespace_clone(CLONE_NEWUSER, -1, &pidfd);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	if (pid < 0)
		return err_errno(e, pid, "cannot create a user namespace");
	char path[48];
	snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
	int r = idmap_write(pid, m, e);
	int fd = r < 0 ? r : open(path, O_RDONLY | O_CLOEXEC);
	if (r == 0 && fd < 0)
		fd = err_errno(e, errno, "cannot open the user namespace");
	pidfd_signal(pidfd, SIGKILL);
	pidfd_wait_child(pidfd, &status);
	return fd;
}
