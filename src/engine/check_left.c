/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What may be left in the kernel of a container that the store does not know: processes, control
 * groups, mounts, loop devices. Another --root has the same parents of groups and the same
 * programs: so a process or a device is ours by the paths that it holds, and all of them by an id
 * of which our events or folders tell. See proc_pid_fd(5), proc_pid_mountinfo(5), loop(4). Read
 * check.h first.
 */
#include "engine/check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/db_anew.h"
#include "base/file.h"
#include "base/path.h"
#include "linux/cgroup.h"
#include "linux/pidfd.h"
#include "linux/process.h"

enum { MOUNTS_MAX = 16 << 20, ARGUMENTS_MAX = 4096 };
/* What watched or used a container may end a little after it was removed. */
enum { GRACE_MS = 4000, NAP_MS = 20 };

/* The id in "<base>/<folder>/<id>..."; @folder has both slashes. */
static bool take_id(const char *path, const char *base, const char *folder, char id[ID_LEN + 1])
{
	size_t len = strlen(base), more = strlen(folder);
	if (strncmp(path, base, len) || strncmp(path + len, folder, more) ||
	    strnlen(path + len + more, ID_LEN) < ID_LEN || !id_is_hex(path + len + more, ID_LEN))
		return false;
	snprintf(id, ID_LEN + 1, "%s", path + len + more);
	return true;
}

static bool is_of_container(const struct check *k, const char *path, char id[ID_LEN + 1])
{
	return take_id(path, k->run, "/containers/", id) ||
	       take_id(path, k->root, "/containers/", id);
}

static bool has_folder(const struct check *k, const char *folder, const char *id)
{
	char path[sizeof("containers/") + ID_LEN];
	snprintf(path, sizeof(path), "%s/%s", folder, id);
	return file_exists(k->en->root_fd, path) || file_exists(k->en->run_fd, path);
}

/* A path alone does not tell: it is that of whoever opened it, and in another mount namespace
 * another --root may have ours, as that of a hull in a container has. */
static bool is_known(struct check *k, const char *id)
{
	return check_was_ours(k, id) || has_folder(k, "containers", id) ||
	       has_folder(k, "networks", id);
}

/* --- processes --- */

static bool is_helper(const char *program)
{
	static const char *const helpers[] = {"hull-", "pasta", "passt", "slirp4netns"};
	for (size_t i = 0; i < ARRAY_LEN(helpers); i++)
		if (!strncmp(program, helpers[i], strlen(helpers[i])))
			return true;
	return false;
}

static bool is_helper_process(pid_t pid)
{
	char link[32], path[PATH_MAX];
	snprintf(link, sizeof(link), "/proc/%d/exe", (int)pid);
	ssize_t n = readlink(link, path, sizeof(path) - 1);
	path[n > 0 ? n : 0] = '\0';
	const char *slash = strrchr(path, '/');
	return slash && is_helper(slash + 1);
}

/* What a process holds: a container, or a network that it answers for. */
struct holder {
	char id[ID_LEN + 1];
	bool network;
};

static bool take_holder(const struct check *k, const char *path, struct holder *ret)
{
	ret->network = take_id(path, k->run, "/networks/", ret->id);
	return ret->network || is_of_container(k, path, ret->id);
}

/* By its descriptors, or by an argument, of those who open nothing there. */
static bool find_holder(const struct check *k, pid_t pid, struct holder *ret)
{
	char name[32], text[ARGUMENTS_MAX];
	snprintf(name, sizeof(name), "/proc/%d/fd", (int)pid);
	CLEANUP_DIR DIR *d = opendir(name);
	for (struct dirent *entry; d && (entry = dir_next(d));) {
		ssize_t n = readlinkat(dirfd(d), entry->d_name, text, sizeof(text) - 1);
		text[n > 0 ? n : 0] = '\0';
		if (take_holder(k, text, ret))
			return true;
	}
	if (process_command_line(pid, text, sizeof(text)) <= 0)
		return false;
	for (char *rest, *word = strtok_r(text, " ", &rest); word;
	     word = strtok_r(NULL, " ", &rest))
		if (take_holder(k, word, ret))
			return true;
	return false;
}

/* Of a store that was lost, as far as one can tell. */
static bool is_of_before(const struct check *k, pid_t pid)
{
	int64_t since = db_anew_since(k->en->root_fd);
	int64_t started;
	return since && (pidfd_started_ns(pid, &started) < 0 || started < since);
}

static int is_left_holder(struct check *k, const struct holder *h, pid_t pid, struct err *e)
{
	CLEANUP_STMT sqlite3_stmt *s = NULL;
	int r = h->network ? db_first(&k->en->db, &s, e, "SELECT 1 FROM network WHERE id = ?1", "s",
				      h->id)
			   : check_is_left(k, h->id, e);
	if (h->network && r >= 0)
		r = r == 0;
	return r > 0 && is_of_before(k, pid) ? 0 : r;
}

static int look_at_process(struct check *k, pid_t pid, struct err *e)
{
	struct holder h;
	struct process p;
	CLEANUP_FD int pidfd = pid == getpid() || !is_helper_process(pid) ? -1 : pidfd_of(pid);
	bool ours = pidfd >= 0 && find_holder(k, pid, &h) && is_known(k, h.id);
	int r = ours ? is_left_holder(k, &h, pid, e) : 0;
	if (r <= 0 || process_read(pid, &p) < 0)
		return r;
	struct pollfd end = {.fd = pidfd, .events = POLLIN};
	if (TEMP_FAILURE_RETRY(poll(&end, 1, GRACE_MS)) != 0)
		return 0;
	check_tell(k, "process %d (%s) of %s %.12s that does not exist", (int)pid, p.comm,
		   h.network ? "network" : "container", h.id);
	if (!k->repair)
		return 0;
	r = pidfd_signal(pidfd, SIGKILL);
	if (r < 0 && r != -ESRCH)
		return err_errno(e, r, "cannot end process %d", (int)pid);
	if (TEMP_FAILURE_RETRY(poll(&end, 1, GRACE_MS)) == 0)
		return err_set(e, ETIMEDOUT, ERR_TIMEOUT, "process %d does not end", (int)pid);
	return 0;
}

int check_processes(struct check *k, struct err *e)
{
	CLEANUP_DIR DIR *d = opendir("/proc");
	int r = d ? 0 : err_errno(e, errno, "cannot list the processes");
	for (struct dirent *entry; r == 0 && (entry = dir_next(d));) {
		long pid = strtol(entry->d_name, NULL, 10); /* 0: another file */
		if (pid > 0)
			r = look_at_process(k, (pid_t)pid, e);
	}
	return r;
}

/* --- control groups --- */

#define SCOPE "hull-" /* and the id, and ".scope": container_scope() */

static bool is_group_name(const char *name)
{
	bool scope = !strncmp(name, SCOPE, strlen(SCOPE));
	const char *id = scope ? name + strlen(SCOPE) : name;
	return strnlen(id, ID_LEN) == ID_LEN && id_is_hex(id, ID_LEN) &&
	       !strcmp(id + ID_LEN, scope ? ".scope" : "");
}

static int look_at_group(struct check *k, const char *path, struct err *e)
{
	char id[ID_LEN + 1];
	const char *name = strrchr(path, '/') + 1;
	bool scope = !strncmp(name, SCOPE, strlen(SCOPE));
	snprintf(id, sizeof(id), "%s", scope ? name + strlen(SCOPE) : name);
	if (!is_known(k, id))
		return 0;
	int r = check_is_left(k, id, e);
	/* It was there when they were listed. Its row goes after it: who has it still is left. */
	CLEANUP_CGROUP struct cgroup g = CGROUP_CLOSED;
	struct err gone;
	if (r <= 0 || cgroup_open(path, &g, &gone) == -ENOENT)
		return r < 0 ? r : 0;
	check_tell(k, "control group %s of a container that does not exist", path);
	return k->repair ? group_clean(path, scope ? name : NULL, e) : 0;
}

int check_groups(struct check *k, struct err *e)
{
	struct strv found = {0};
	int r = 0;
	cgroup_find(is_group_name, k->a, &found);
	for (size_t i = 0; r == 0 && i < found.count; i++)
		r = look_at_group(k, found.items[i], e);
	return r;
}

/* --- mounts --- */

/* Below a volume's folder, of which the store knows nothing? */
static int is_left_volume(struct check *k, const char *path, struct err *e)
{
	static const char folder[] = "/volumes/";
	CLEANUP_STMT sqlite3_stmt *s = NULL;
	size_t len = strlen(k->root);
	if (strncmp(path, k->root, len) || strncmp(path + len, folder, strlen(folder)))
		return 0;
	const char *name = path + len + strlen(folder);
	name = arena_printf(k->a, "%.*s", (int)strcspn(name, "/"), name);
	int r = db_first(&k->en->db, &s, e, "SELECT 1 FROM volume WHERE name = ?1", "s", name);
	if (r != 0)
		return r < 0 ? r : 0;
	CLEANUP_FD int volumes = dir_open(k->en->root_fd, "volumes", e);
	return volumes < 0 ? volumes : !db_anew_is_older(k->en->root_fd, volumes, name);
}

static int look_at_mount(struct check *k, const char *path, struct err *e)
{
	char id[ID_LEN + 1];
	int r = is_of_container(k, path, id) ? check_is_left(k, id, e) : is_left_volume(k, path, e);
	if (r <= 0)
		return r;
	check_tell(k, "mount %s in the folder of what does not exist", path);
	if (k->repair && umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) < 0 && errno != EINVAL &&
	    errno != ENOENT)
		return err_errno(e, errno, "cannot unmount %s", path);
	return 0;
}

int check_mounts(struct check *k, struct err *e)
{
	struct strv found = {0};
	char *text, *rest, path[PATH_MAX];
	int r = file_read_named("/proc/self/mountinfo", MOUNTS_MAX, k->a, &text, NULL, e);
	if (r < 0)
		return r;
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		if (sscanf(line, "%*d %*d %*s %*s %4095s", path) != 1)
			continue;
		path_unescape(path);
		strv_push(k->a, &found, path);
	}
	/* The last one is the uppermost. */
	for (size_t i = found.count; r == 0 && i > 0; i--)
		r = look_at_mount(k, found.items[i - 1], e);
	return r;
}

/* --- loop devices --- */

/* The container whose disk image the device @name, "loop0", has. */
static bool read_loop(const struct check *k, int block, const char *name, char id[ID_LEN + 1])
{
	char file[64], path[PATH_MAX];
	snprintf(file, sizeof(file), "%.20s/loop/backing_file", name);
	return file_read_small(block, file, path, sizeof(path)) > 0 &&
	       take_id(path, k->root, "/containers/", id);
}

/* One that ends with its last user does so behind the back of whoever removed the container. */
static bool stays(const struct check *k, int block, const char *name)
{
	char file[64], clears[4] = "", id[ID_LEN + 1];
	static const struct timespec nap = {.tv_nsec = NAP_MS * 1000000};
	snprintf(file, sizeof(file), "%.20s/loop/autoclear", name);
	file_read_small(block, file, clears, sizeof(clears));
	for (int ms = 0; *clears == '1' && ms < GRACE_MS; ms += NAP_MS) {
		if (!read_loop(k, block, name, id))
			return false;
		nanosleep(&nap, NULL);
	}
	return read_loop(k, block, name, id);
}

static int look_at_loop(struct check *k, int block, const char *name, struct err *e)
{
	char id[ID_LEN + 1], path[32];
	bool ours = read_loop(k, block, name, id) && is_known(k, id);
	int r = ours ? check_is_left(k, id, e) : 0;
	if (r <= 0 || !stays(k, block, name))
		return r < 0 ? r : 0;
	snprintf(path, sizeof(path), "/dev/%.20s", name);
	check_tell(k, "loop device %s on the disk image of container %.12s that does not exist",
		   path, id);
	if (!k->repair)
		return 0;
	CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || (ioctl(fd, LOOP_CLR_FD, 0) < 0 && errno != ENXIO))
		return err_errno(e, errno, "cannot take the disk image off %s", path);
	return 0;
}

int check_loops(struct check *k, struct err *e)
{
	CLEANUP_DIR DIR *d = opendir("/sys/block");
	int r = 0;
	for (struct dirent *entry; d && r == 0 && (entry = dir_next(d));)
		if (!strncmp(entry->d_name, "loop", 4))
			r = look_at_loop(k, dirfd(d), entry->d_name, e);
	return r;
}
