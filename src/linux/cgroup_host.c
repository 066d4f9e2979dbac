/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds the machine's control group hierarchies, once per process: at the usual places, else in
 * /proc/self/mountinfo. See proc_pid_mountinfo(5); statfs(2); cgroups(7). Invariant: of several
 * mounts of one hierarchy the one that shows its root wins, so that "/hull/<id>" is the same group
 * for every hull on the machine. Read cgroup_host.h first.
 */
#include "linux/cgroup_host.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <threads.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/path.h"

static const struct {
	const char *v1, *v2; /* NULL: not a controller of that version */
	const char *joint;   /* where it is mounted with another one and has no link of its own */
} controllers[CGROUP_CONTROLLERS] = {
	[CGROUP_CPU] = {"cpu", "cpu"},
	[CGROUP_CPUACCT] = {"cpuacct", NULL},
	[CGROUP_CPUSET] = {"cpuset", "cpuset"},
	[CGROUP_MEMORY] = {"memory", "memory"},
	[CGROUP_PIDS] = {"pids", "pids"},
	[CGROUP_DEVICES] = {"devices", NULL},
	[CGROUP_FREEZER] = {"freezer", NULL},
	[CGROUP_BLKIO] = {"blkio", "io"},
	[CGROUP_HUGETLB] = {"hugetlb", "hugetlb"},
	[CGROUP_NET_CLS] = {"net_cls", NULL, "net_cls,net_prio"},
	[CGROUP_NET_PRIO] = {"net_prio", NULL, "net_cls,net_prio"},
	[CGROUP_RDMA] = {"rdma", "rdma"},
	[CGROUP_SYSTEMD] = {"systemd", NULL},
};

const char *cgroup_controller_name(enum cgroup_controller c, bool is_v2)
{
	return is_v2 ? controllers[c].v2 : controllers[c].v1;
}

static bool word_is(const char *word, size_t len, const char *name)
{
	return name && strlen(name) == len && !memcmp(word, name, len);
}

unsigned cgroup_controllers_parse(const char *list, char separator)
{
	const char stops[] = {separator, '\n', '\0'};
	unsigned bits = 0;
	while (*list) {
		list += strncmp(list, "name=systemd", 12) ? 0 : 5;
		size_t len = strcspn(list, stops);
		for (int c = 0; c < CGROUP_CONTROLLERS; c++) {
			if (word_is(list, len, controllers[c].v1) ||
			    word_is(list, len, controllers[c].v2))
				bits |= 1U << c;
		}
		list += len;
		list += *list != '\0';
	}
	return bits;
}

/* "36 35 98:0 /root /mount/point options [tags ...] - type source super,options" */
int cgroup_mount_parse(const char *line, struct cgroup_mount *ret)
{
	struct cgroup_mount m = {0};
	const char *field[5];
	size_t len[5];
	for (int i = 0; i < 5; i++) {
		field[i] = line;
		len[i] = strcspn(line, " ");
		if (len[i] == 0 || line[len[i]] == '\0')
			return -EINVAL;
		line += len[i] + 1;
	}
	const char *type = strstr(line, " - ");
	if (!type)
		return -EINVAL;
	type += 3;
	m.is_v2 = !strncmp(type, "cgroup2 ", 8);
	if (!m.is_v2 && strncmp(type, "cgroup ", 7) != 0)
		return 0;
	const char *options = strchr(type + (m.is_v2 ? 8 : 7), ' ');
	if (!options)
		return -EINVAL;
	m.controllers = m.is_v2 ? 0 : cgroup_controllers_parse(options + 1, ',');
	m.whole = len[3] == 1 && field[3][0] == '/';
	if (len[4] >= sizeof(m.point))
		return 0;
	memcpy(m.point, field[4], len[4]);
	path_unescape(m.point);
	*ret = m;
	return m.is_v2 || m.controllers;
}

struct found {
	bool v1_whole[CGROUP_CONTROLLERS], v2_whole;
};

static bool better(const char *point, bool whole, const struct cgroup_mount *m)
{
	return !*point || (m->whole && !whole);
}

static void mount_note(struct cgroup_host *h, struct found *f, const struct cgroup_mount *m)
{
	if (m->is_v2 && better(h->v2_point, f->v2_whole, m)) {
		memcpy(h->v2_point, m->point, sizeof(m->point));
		f->v2_whole = m->whole;
	}
	for (int c = 0; c < CGROUP_CONTROLLERS; c++) {
		if (!(m->controllers & 1U << c) || !better(h->v1_point[c], f->v1_whole[c], m))
			continue;
		memcpy(h->v1_point[c], m->point, sizeof(m->point));
		f->v1_whole[c] = m->whole;
	}
}

static void mounts_read(struct cgroup_host *h)
{
	CLEANUP_FILE FILE *f = fopen("/proc/self/mountinfo", "re");
	CLEANUP_FREE char *line = NULL;
	size_t room = 0;
	struct found found = {0};
	struct cgroup_mount m;
	if (!f)
		h->error = errno;
	while (f && getline(&line, &room, f) > 0) {
		if (cgroup_mount_parse(line, &m) == 1)
			mount_note(h, &found, &m);
	}
	if (f && ferror(f))
		h->error = EIO;
}

static int point_open(struct cgroup_host *h, const char *point)
{
	int fd = *point ? open(point, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	if (*point && fd < 0)
		h->error = errno;
	return fd;
}

/* Co-mounted controllers ("cpu,cpuacct") share the descriptor of the first. */
static void v1_share(struct cgroup_host *h)
{
	dev_t devs[CGROUP_CONTROLLERS];
	struct stat st;
	for (int c = 0; c < CGROUP_CONTROLLERS; c++) {
		devs[c] = 0;
		if (h->v1[c] < 0 || fstat(h->v1[c], &st) < 0)
			continue;
		devs[c] = st.st_dev;
		for (int other = 0; other < c; other++) {
			if (devs[other] != devs[c])
				continue;
			close(h->v1[c]);
			h->v1[c] = h->v1[other];
			break;
		}
	}
}

static void points_open(struct cgroup_host *h)
{
	char list[512];
	for (int c = 0; c < CGROUP_CONTROLLERS; c++)
		h->v1[c] = point_open(h, h->v1_point[c]);
	v1_share(h);
	h->v2 = point_open(h, h->v2_point);
	ssize_t n =
		h->v2 < 0 ? 0 : file_read_small(h->v2, "cgroup.controllers", list, sizeof(list));
	if (n > 0)
		h->v2_controllers = cgroup_controllers_parse(list, ' ');
	else if (n < 0)
		h->error = (int)-n;
}

static bool is_mount_of(struct cgroup_host *h, const char *path, long magic)
{
	struct statfs fs;
	if (statfs(path, &fs) == 0)
		return fs.f_type == magic;
	if (errno != ENOENT && errno != ENOTDIR && errno != EACCES)
		h->error = errno;
	return false;
}

static bool is_v1_point(struct cgroup_host *h, int c, const char *name)
{
	if (!name)
		return false;
	snprintf(h->v1_point[c], sizeof(h->v1_point[c]), "/sys/fs/cgroup/%s", name);
	return is_mount_of(h, h->v1_point[c], CGROUP_SUPER_MAGIC);
}

/* Where every distribution mounts them. mountinfo takes the kernel a fifth of a millisecond to
 * write, and is read only where this does not find what every container needs. */
static bool usual_points(struct cgroup_host *h)
{
	unsigned needed = 1U << CGROUP_CPU | 1U << CGROUP_MEMORY | 1U << CGROUP_PIDS;
	bool v2_only = is_mount_of(h, "/sys/fs/cgroup", CGROUP2_SUPER_MAGIC);
	if (v2_only || is_mount_of(h, "/sys/fs/cgroup/unified", CGROUP2_SUPER_MAGIC))
		snprintf(h->v2_point, sizeof(h->v2_point), "/sys/fs/cgroup%s",
			 v2_only ? "" : "/unified");
	for (int c = 0; !v2_only && c < CGROUP_CONTROLLERS; c++) {
		if (is_v1_point(h, c, controllers[c].v1) || is_v1_point(h, c, controllers[c].joint))
			needed &= ~(1U << c);
		else
			h->v1_point[c][0] = '\0';
	}
	points_open(h);
	return !(needed & ~h->v2_controllers) && !h->error;
}

static void points_close(struct cgroup_host *h)
{
	for (int c = CGROUP_CONTROLLERS - 1; c >= 0; c--) {
		bool shared = false;
		for (int other = 0; other < c; other++)
			shared |= h->v1[other] == h->v1[c];
		if (!shared)
			fd_drop(&h->v1[c]);
	}
	fd_drop(&h->v2);
	*h = (struct cgroup_host){0};
}

static struct cgroup_host host;
static once_flag host_once = ONCE_FLAG_INIT;

static void host_find(void)
{
	bool any_v1 = false;
	if (!usual_points(&host)) {
		points_close(&host);
		mounts_read(&host);
		points_open(&host);
	}
	for (int c = 0; c < CGROUP_CONTROLLERS; c++)
		any_v1 |= host.v1[c] >= 0 && c != CGROUP_SYSTEMD;
	host.layout = host.v2 < 0 ? (any_v1 ? CGROUP_V1 : CGROUP_NONE)
				  : (any_v1 ? CGROUP_HYBRID : CGROUP_V2);
}

int cgroup_host_check(struct err *e)
{
	int error = cgroup_host_get()->error;
	return error ? err_errno(e, error, "cannot look for the machine's control groups") : 0;
}

const struct cgroup_host *cgroup_host_get(void)
{
	call_once(&host_once, host_find);
	return &host;
}

bool cgroup_host_on_v1(enum cgroup_controller c)
{
	return cgroup_host_get()->v1[c] >= 0;
}

enum cgroup_layout cgroup_host_layout(void)
{
	return cgroup_host_get()->layout;
}
