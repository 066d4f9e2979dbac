/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The floor: what a docker-like container costs when a program with everything wired in makes the
 * kernel calls and nothing else. No spec, no checks, no safety, no error texts. What hull needs
 * more than this is hull's own cost; bench/runtime-bench prints the ratio.
 *
 *   bench-floor [--no-overlay] [--no-cgroup] [--no-seccomp] [--limits] [--bridge NAME] [--repeat N]
 *               ROOT COMMAND
 *   bench-floor [--no-cgroup] [--no-seccomp] [--repeat N] --enter PID COMMAND [ARGUMENT...]
 * ROOT is the layer below an overlay whose upper layer is a new folder beside it. With --repeat the
 * microseconds of each start are printed, from before the clone until its end was waited for. With
 * --enter the command runs in the namespaces and groups of the container that PID is in.
 *
 * With --bridge it gets a veth pair to that bridge, an address and a default route, and port 8080
 * of the host leads to it by an element of the map "ports" of nftables' table "inet floor"; both
 * are there (bench.py makes them). The pair goes with the namespace.
 *
 * The child is cloned into its group of the v2 tree, and enters those of version 1 (one folder in
 * each of five hierarchies) itself, by "tasks", for which the kernel does not wait.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "linux/link.h"
#include "linux/nftables.h"
#include "linux/seccomp.h"

#define CAPS_14 0xa80425fbULL

static struct {
	const char *root;
	char scratch[4096]; /* folder with "u" and "w", or "" */
	char cgroup[256];
	const char *bridge;
	bool overlay, groups, seccomp, limits;
	int repeat, enter;
	char **argv;
	struct seccomp_program filter;
} o = {.overlay = true, .groups = true, .seccomp = true, .repeat = 1};

/* The v2 tree is the first, where there is one. */
static const char *const v1_groups[] = {"unified", "memory", "pids", "devices", "cpu", "cpuacct"};
static const char *const v2_groups[] = {"."};
static const char *const *groups = v1_groups;
static size_t group_count = sizeof(v1_groups) / sizeof(v1_groups[0]), trees = 1;
struct limit {
	const char *group, *file, *value;
};
static const struct limit v1_limits[] = {{"memory", "memory.limit_in_bytes", "67108864"},
					 {"memory", "memory.memsw.limit_in_bytes", "134217728"},
					 {"pids", "pids.max", "100"},
					 {"cpu", "cpu.cfs_quota_us", "100000"}};
static const struct limit v2_limits[] = {{".", "memory.max", "67108864"},
					 {".", "memory.swap.max", "67108864"},
					 {".", "pids.max", "100"},
					 {".", "cpu.max", "100000 100000"}};
static const char *const masked_dirs[] = {"acpi", "asound", "scsi"};
static const char *const masked_files[] = {
	"interrupts", "kcore", "keys", "latency_stats", "sched_debug", "timer_list", "timer_stats"};
static const char *const readonly[] = {"bus", "fs", "irq", "sys", "sysrq-trigger"};
static const struct {
	const char *name;
	int major, minor;
} nodes[] = {{"null", 1, 3},   {"zero", 1, 5},    {"full", 1, 7},
	     {"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0}};
static const char *const links[][2] = {{"fd", "/proc/self/fd"},       {"stdin", "/proc/self/fd/0"},
				       {"stdout", "/proc/self/fd/1"}, {"stderr", "/proc/self/fd/2"},
				       {"core", "/proc/kcore"},       {"ptmx", "pts/ptmx"}};

#define N(a) (sizeof(a) / sizeof((a)[0]))
#define TRY(call)                                                                                  \
	do {                                                                                       \
		if ((call) < 0) {                                                                  \
			perror(#call);                                                             \
			_exit(1);                                                                  \
		}                                                                                  \
	} while (0)

static void mount_root(void)
{
	char data[3 * 4096 + 64];
	TRY(mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL));
	if (o.overlay) {
		snprintf(data, sizeof(data), "lowerdir=%s,upperdir=%s/u,workdir=%s/w,volatile",
			 o.root, o.scratch, o.scratch);
		TRY(mount("overlay", o.root, "overlay", 0, data));
	} else {
		TRY(mount(o.root, o.root, NULL, MS_BIND | MS_REC, NULL));
	}
	TRY(chdir(o.root));
}

static void mount_kernel(void)
{
	unsigned long safe = MS_NOSUID | MS_NODEV | MS_NOEXEC;
	TRY(mount("proc", "proc", "proc", safe, NULL));
	TRY(mount("tmpfs", "dev", "tmpfs", MS_NOSUID | MS_STRICTATIME, "mode=755,size=65536k"));
	mkdir("dev/pts", 0755);
	mkdir("dev/shm", 01777);
	mkdir("dev/mqueue", 01777);
	TRY(mount("devpts", "dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
		  "newinstance,ptmxmode=0666,mode=0620,gid=5"));
	TRY(mount("shm", "dev/shm", "tmpfs", safe, "mode=1777,size=65536k"));
	TRY(mount("mqueue", "dev/mqueue", "mqueue", safe, NULL));
	TRY(mount("sysfs", "sys", "sysfs", safe | MS_RDONLY, NULL));
	TRY(chdir("dev"));
	for (size_t i = 0; i < N(nodes); i++)
		TRY(mknod(nodes[i].name, S_IFCHR | 0666, makedev(nodes[i].major, nodes[i].minor)));
	for (size_t i = 0; i < N(links); i++)
		TRY(symlink(links[i][1], links[i][0]));
	TRY(chdir(".."));
}

static void mount_cgroups(void)
{
	char from[256];
	unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
	if (!o.groups)
		return;
	if (groups == v2_groups) {
		TRY(mount("cgroup", "sys/fs/cgroup", "cgroup2", flags | MS_RDONLY, NULL));
		return;
	}
	TRY(mount("cgroup", "sys/fs/cgroup", "tmpfs", flags, "mode=755,size=64k"));
	TRY(chdir("sys/fs/cgroup"));
	for (size_t i = 0; i < group_count; i++) {
		snprintf(from, sizeof(from), "/sys/fs/cgroup/%s/%s", groups[i], o.cgroup);
		TRY(mkdir(groups[i], 0755));
		TRY(mount(from, groups[i], NULL, MS_BIND, NULL));
		TRY(mount(NULL, groups[i], NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | flags, NULL));
	}
	TRY(mount(NULL, ".", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | flags, NULL));
	TRY(chdir("../../.."));
}

static void mount_masks(void)
{
	unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
	TRY(chdir("proc"));
	for (size_t i = 0; i < N(readonly); i++) {
		if (mount(readonly[i], readonly[i], NULL, MS_BIND | MS_REC, NULL) < 0)
			continue;
		TRY(mount(NULL, readonly[i], NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | flags, NULL));
	}
	for (size_t i = 0; i < N(masked_files); i++)
		mount("../dev/null", masked_files[i], NULL, MS_BIND, NULL);
	for (size_t i = 0; i < N(masked_dirs); i++)
		if (access(masked_dirs[i], F_OK) == 0)
			mount("mask", masked_dirs[i], "tmpfs", MS_RDONLY, "size=0,nr_inodes=1");
	TRY(chdir(".."));
	mount("mask", "sys/firmware", "tmpfs", MS_RDONLY, "size=0,nr_inodes=1");
}

static void drop(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {{(uint32_t)CAPS_14, (uint32_t)CAPS_14, 0}};
	for (int i = 0; i < 41; i++)
		if (!(CAPS_14 >> i & 1))
			prctl(PR_CAPBSET_DROP, i, 0, 0, 0);
	gid_t zero = 0;
	TRY(syscall(SYS_setgroups, 1, &zero));
	TRY(syscall(SYS_setresgid, 0, 0, 0));
	TRY(syscall(SYS_setresuid, 0, 0, 0));
	struct sock_fprog prog = {o.filter.count, o.filter.code};
	if (o.seccomp)
		TRY(syscall(SYS_seccomp, 1, 0, &prog));
	TRY(syscall(SYS_capset, &head, data));
}

static void execute(void)
{
	static char *const env[] = {"PATH=/bin:/usr/bin", NULL};
	drop();
	execve(o.argv[0], o.argv, env);
	perror(o.argv[0]);
	_exit(127);
}

static int group_open(const char *group, const char *name, const char *file, int flags)
{
	char path[4096];
	snprintf(path, sizeof(path), "/sys/fs/cgroup/%s/%s/%s", group, name, file);
	int fd = open(path, flags | O_CLOEXEC);
	if (fd < 0)
		perror(path);
	return fd;
}

static void group_write(const char *group, const char *name, const char *file, const char *text)
{
	int fd = group_open(group, name, file, O_WRONLY);
	TRY(fd);
	TRY(write(fd, text, strlen(text)));
	close(fd);
}

static void groups_enter(void)
{
	for (size_t i = trees; o.groups && i < group_count; i++)
		group_write(groups[i], o.cgroup, "tasks", "0");
}

static void child(int go)
{
	char word;
	struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	TRY(ioctl(sock, SIOCSIFFLAGS, &lo));
	umask(0);
	setsid();
	groups_enter();
	/* It sees its groups as roots of mounts from here on. */
	TRY(unshare(CLONE_NEWCGROUP));
	mount_root();
	mount_kernel();
	mount_cgroups();
	mount_masks();
	TRY(syscall(SYS_pivot_root, ".", "."));
	TRY(umount2(".", MNT_DETACH));
	TRY(chdir("/"));
	TRY(sethostname("floor", 5));
	TRY(read(go, &word, 1));
	umask(022);
	execute();
}

static void groups_make(void)
{
	const struct limit *limits = groups == v2_groups ? v2_limits : v1_limits;
	char path[256];
	for (size_t i = 0; o.groups && i < group_count; i++) {
		snprintf(path, sizeof(path), "/sys/fs/cgroup/%s/%s", groups[i], o.cgroup);
		TRY(mkdir(path, 0755));
	}
	for (size_t i = 0; o.groups && o.limits && i < N(v1_limits); i++)
		group_write(limits[i].group, o.cgroup, limits[i].file, limits[i].value);
}

static void groups_remove(void)
{
	char path[256];
	for (size_t i = 0; o.groups && i < group_count; i++) {
		snprintf(path, sizeof(path), "/sys/fs/cgroup/%s/%s", groups[i], o.cgroup);
		rmdir(path);
	}
}

/* clone3, into the group of the v2 tree. */
static long clone_into(uint64_t flags)
{
	struct clone_args args = {.flags = flags, .exit_signal = SIGCHLD};
	int group = -1;
	if (o.groups && trees) {
		group = group_open(groups[0], o.cgroup, "", O_PATH | O_DIRECTORY);
		TRY(group);
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)group;
	}
	long pid = syscall(SYS_clone3, &args, sizeof(args));
	TRY(pid);
	if (pid != 0 && group >= 0)
		close(group);
	return pid;
}

static const struct ip gateway = {.family = AF_INET, .bytes = {10, 254, 0, 1}};
static const struct subnet address = {{.family = AF_INET, .bytes = {10, 254, 0, 2}}, 16};

static void network_make(pid_t pid)
{
	struct netlink outer = NETLINK_CLOSED, inner = NETLINK_CLOSED;
	char path[64], name[IFNAMSIZ];
	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
	snprintf(name, sizeof(name), "fl%d", (int)pid);
	int netns = open(path, O_RDONLY | O_CLOEXEC);
	TRY(netns);
	TRY(netlink_open(&outer, NETLINK_ROUTE, -1));
	TRY(netlink_open(&inner, NETLINK_ROUTE, netns));
	struct veth pair = {.name = name,
			    .bridge = (int)if_nametoindex(o.bridge),
			    .inner = "eth0",
			    .netns = netns,
			    .mac = {2, 0x42, 10, 254, 0, 2}};
	TRY(veth_make(&outer, &pair));
	TRY(link_configure(&inner, "eth0", &address, 1, &gateway, 1));
	netlink_close(&inner);
	netlink_close(&outer);
	close(netns);
}

/* TCP port 8080 of every address; key and data as nftables' registers have them. */
static void port_set(bool on)
{
	static const uint8_t key[] = {IPPROTO_TCP, 0, 0, 0, 8080 >> 8, 8080 & 0xff, 0, 0},
			     data[] = {10, 254, 0, 2, 0, 80, 0, 0};
	static const struct nft_element port = {key, data, NULL, sizeof(key), sizeof(data)};
	struct netlink nl = NETLINK_CLOSED;
	TRY(netlink_open(&nl, NETLINK_NETFILTER, -1));
	nft_begin(&nl);
	(on ? nft_elements_add : nft_elements_delete)(&nl, "floor", "ports", &port, 1);
	TRY(nft_commit(&nl));
	netlink_close(&nl);
}

static int64_t now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* A new upper layer for each: a volatile overlay is not mounted upon one that was used. */
static void make_upper(void)
{
	char path[4096 + 8];
	if (!o.overlay)
		return;
	snprintf(o.scratch, sizeof(o.scratch), "%s.floor-XXXXXX", o.root);
	if (!mkdtemp(o.scratch)) {
		perror(o.scratch);
		exit(1);
	}
	snprintf(path, sizeof(path), "%s/u", o.scratch);
	TRY(mkdir(path, 0755));
	snprintf(path, sizeof(path), "%s/w", o.scratch);
	TRY(mkdir(path, 0755));
}

static void remove_upper(void)
{
	static const char *const left[] = {"w/work/incompat/volatile/dirty",
					   "w/work/incompat/volatile",
					   "w/work/incompat",
					   "w/work",
					   "w",
					   "u",
					   "."};
	int fd = open(o.scratch, O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; o.overlay && i < N(left); i++)
		if (unlinkat(fd, left[i], 0) < 0)
			unlinkat(fd, left[i], AT_REMOVEDIR);
	if (o.overlay)
		rmdir(o.scratch);
	close(fd);
}

static void once(void)
{
	int go[2], status;
	int64_t start = now_us();
	make_upper();
	groups_make();
	TRY(pipe2(go, O_CLOEXEC));
	long pid =
		clone_into(CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNS);
	if (pid == 0)
		child(go[0]);
	if (o.bridge) {
		network_make((pid_t)pid);
		port_set(true);
	}
	TRY(write(go[1], "g", 1));
	TRY(waitpid((pid_t)pid, &status, 0));
	close(go[0]);
	close(go[1]);
	if (o.bridge)
		port_set(false);
	groups_remove();
	remove_upper();
	if (status)
		exit(1);
	if (o.repeat > 1)
		printf("%lld\n", (long long)(now_us() - start));
}

/* Which groups the container is in: one line of /proc/PID/cgroup per hierarchy, all alike. */
static void find_group(void)
{
	char path[64], line[4096];
	snprintf(path, sizeof(path), "/proc/%d/cgroup", o.enter);
	FILE *f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (groups == v2_groups || strstr(line, ":pids:"))
			sscanf(strrchr(line, ':') + 1, "%255s", o.cgroup);
	if (f)
		fclose(f);
}

static void enter_once(void)
{
	int go[2], status;
	int64_t start = now_us();
	find_group();
	int process = (int)syscall(SYS_pidfd_open, o.enter, 0);
	TRY(process);
	TRY(pipe2(go, O_CLOEXEC));
	/* The pid namespace is for children only, hence one process more. */
	long pid = clone_into(0);
	if (pid == 0) {
		char word;
		groups_enter();
		TRY(setns(process, CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS |
					   CLONE_NEWNS | CLONE_NEWCGROUP));
		TRY(read(go[0], &word, 1));
		pid_t inner = vfork();
		TRY(inner);
		if (inner == 0)
			execute();
		TRY(waitpid(inner, &status, 0));
		_exit(WEXITSTATUS(status));
	}
	TRY(write(go[1], "g", 1));
	TRY(waitpid((pid_t)pid, &status, 0));
	close(go[0]);
	close(go[1]);
	close(process);
	if (status)
		exit(1);
	if (o.repeat > 1)
		printf("%lld\n", (long long)(now_us() - start));
}

int main(int argc, char **argv)
{
	struct arena a = {0};
	struct err e;
	(void)argc;
	for (argv++; *argv && !strncmp(*argv, "--", 2); argv++) {
		if (!strcmp(*argv, "--no-overlay"))
			o.overlay = false;
		else if (!strcmp(*argv, "--no-cgroup"))
			o.groups = false;
		else if (!strcmp(*argv, "--no-seccomp"))
			o.seccomp = false;
		else if (!strcmp(*argv, "--limits"))
			o.limits = true;
		else if (!strcmp(*argv, "--bridge") && argv[1])
			o.bridge = *++argv;
		else if (!strcmp(*argv, "--repeat") && argv[1])
			o.repeat = atoi(*++argv);
		else if (!strcmp(*argv, "--enter") && argv[1])
			o.enter = atoi(*++argv);
		else
			break;
	}
	if (!argv[0] || (!o.enter && !argv[1]) || !strncmp(*argv, "--", 2)) {
		fprintf(stderr, "usage: bench-floor [--no-overlay] [--no-cgroup] [--no-seccomp] "
				"[--limits] [--bridge NAME] [--repeat N] ROOT|--enter PID COMMAND "
				"[ARGUMENT...]\n");
		return 1;
	}
	if (!o.enter)
		o.root = *argv++;
	o.argv = argv;
	if (access("/sys/fs/cgroup/cgroup.procs", F_OK) == 0) {
		groups = v2_groups;
		group_count = 1;
	} else if (access("/sys/fs/cgroup/unified/cgroup.procs", F_OK) < 0) {
		groups++;
		group_count--;
		trees = 0;
	}
	snprintf(o.cgroup, sizeof(o.cgroup), "bench-floor-%d", (int)getpid());
	if (o.seccomp && seccomp_default_program(CAPS_14, &a, &o.filter, &e) < 0)
		return 1;
	for (int i = 0; i < o.repeat; i++)
		o.enter ? enter_once() : once();
	return 0;
}
