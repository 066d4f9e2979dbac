/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine's fitness: what hull needs of the kernel, what it would like, what runs short, and
 * what others have set that surprises. Nothing is changed. Rests on sysctl files below /proc/sys
 * (see Documentation/admin-guide/sysctl), statfs(2), cgroups(7), adjtimex(2).
 */
#include "diagnose/host.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/json.h"
#include "base/room.h"
#include "base/shape.h"
#include "base/units.h"
#include "engine/apparmor.h"
#include "linux/cgroup.h"
#include "linux/cgroup_host.h"
#include "linux/idmap.h"
#include "linux/lsm.h"
#include "linux/namespaces.h"
#include "linux/netlink.h"
#include "linux/nftables.h"
#include "linux/subid.h"

enum { FREE_PERCENT = 10, IDS_USUAL = 65535, DAY = 86400 };

/* A number of /proc/sys; -1: it is not there. */
static int64_t knob(const char *name)
{
	char path[96], text[64];
	uint64_t n;
	snprintf(path, sizeof(path), "/proc/sys/%s", name);
	if (file_read_small(AT_FDCWD, path, text, sizeof(text)) <= 0)
		return -1;
	text[strcspn(text, " \t\n")] = '\0';
	return uint_parse(text, INT64_MAX, &n) == 0 ? (int64_t)n : -1;
}

static bool file_lists(const char *path, const char *word)
{
	char text[8192];
	return file_read_small(AT_FDCWD, path, text, sizeof(text)) > 0 && strstr(text, word);
}

static void check_kernel(struct engine *en, struct story *s)
{
	struct utsname u;
	uname(&u);
	story_evidence(s, "kernel", "%s, %s", u.release, u.machine);
	if (!file_lists("/proc/filesystems", "overlay"))
		story_advise(
			s, "overlay is not there: modprobe overlay; images cannot be run without");
	if (knob("user/max_net_namespaces") == 0 || knob("user/max_pid_namespaces") == 0)
		story_advise(s,
			     "user.max_net_namespaces or max_pid_namespaces is 0: no container can "
			     "have namespaces of its own; raise them with sysctl -w");
	if (knob("kernel/seccomp/actions_avail") < 0 &&
	    !file_exists(AT_FDCWD, "/proc/sys/kernel/seccomp/actions_avail"))
		story_advise(
			s, "the kernel has no seccomp filters (CONFIG_SECCOMP_FILTER): containers "
			   "need --security-opt seccomp=unconfined, and are less safe");
}

/* Of a user: what root gave him. */
static void check_user(struct engine *en, struct story *s)
{
	char parent[256], path[320], controllers[256] = "";
	struct err e;
	int64_t most = idmap_highest_gid();
	if (!namespace_caller_is_user())
		return;
	story_evidence(s, "ids", "%lld", (long long)most + 1);
	if (most < IDS_USUAL)
		story_advise(
			s, "%lld ids: images with files of others cannot be unpacked; " SUBID_HINT,
			(long long)most + 1, "USER");
	if (cgroup_parent(parent, sizeof(parent), &e) < 0) {
		story_evidence(s, "limits", "none");
		story_advise(s, "%s; %s", e.text, e.hint);
		return;
	}
	*strrchr(parent, '/') = '\0';
	snprintf(path, sizeof(path), "/sys/fs/cgroup%s/cgroup.controllers", parent);
	file_read_small(AT_FDCWD, path, controllers, sizeof(controllers));
	story_evidence(s, "limits", "%s, delegated in %s", controllers, parent);
	const unsigned needed = 1U << CGROUP_MEMORY | 1U << CGROUP_PIDS | 1U << CGROUP_CPU;
	if (~cgroup_controllers_parse(controllers, ' ') & needed)
		story_advise(s, "only %s delegated: " CGROUP_DELEGATE_HINT,
			     *controllers ? controllers : "nothing");
}

static void check_cgroups(struct engine *en, struct story *s)
{
	static const struct {
		enum cgroup_controller controller;
		const char *loses;
	} wanted[] = {{CGROUP_MEMORY, "-m"}, {CGROUP_PIDS, "--pids-limit"}, {CGROUP_CPU, "--cpus"}};
	static const char *const layouts[] = {[CGROUP_NONE] = "none",
					      [CGROUP_V1] = "version 1",
					      [CGROUP_HYBRID] =
						      "version 1 with a v2 tree beside it",
					      [CGROUP_V2] = "version 2"};
	enum cgroup_layout layout = cgroup_host_layout();
	char controllers[256] = "";
	story_evidence(s, "control groups", "%s", layouts[layout]);
	file_read_small(AT_FDCWD, "/sys/fs/cgroup/cgroup.controllers", controllers,
			sizeof(controllers));
	if (layout == CGROUP_NONE)
		story_advise(s,
			     "no control groups are mounted: mount -t cgroup2 none /sys/fs/cgroup");
	const unsigned there = cgroup_controllers_parse(controllers, ' ');
	for (size_t i = 0; layout != CGROUP_NONE && i < ARRAY_LEN(wanted); i++) {
		const enum cgroup_controller c = wanted[i].controller;
		if (!cgroup_host_on_v1(c) && !(there & 1U << c))
			story_advise(s, "there is no %s controller: %s has no effect",
				     cgroup_controller_name(c, true), wanted[i].loses);
	}
	const bool counts = cgroup_host_on_v1(CGROUP_MEMORY) || there & 1U << CGROUP_MEMORY;
	if (counts && !cgroup_host_limits_swap())
		story_advise(s, "the kernel does not count swap: --memory-swap has no effect "
				"(swapaccount=1 on the kernel's command line)");
}

static void check_room(struct engine *en, struct story *s)
{
	struct statfs fs;
	char left[SIZE_TEXT_SIZE], all[SIZE_TEXT_SIZE], kept[SIZE_TEXT_SIZE];
	if (statfs(en->root, &fs) < 0 || !fs.f_blocks)
		return;
	/* What hull and layers can write, as everywhere else in hull. */
	const int64_t bytes = room_left(&fs), size = (int64_t)fs.f_blocks * fs.f_frsize,
		      reserve = bytes - (int64_t)fs.f_bavail * fs.f_frsize;
	size_binary(bytes, left);
	size_binary(size, all);
	story_evidence(s, "room", "%s of %s below %s%s%s", left, all, en->root,
		       reserve > 0 ? ", of which root alone has " : "",
		       reserve > 0 ? size_binary(reserve, kept) : "");
	if (bytes / (size / 100 + 1) < FREE_PERCENT)
		story_advise(
			s,
			"%s is nearly full (%s left): hull system df shows what takes it, hull "
			"system prune frees it",
			en->root, left);
	else if (!fs.f_bavail)
		story_advise(s,
			     "%s has room for root alone (%s): other users of containers cannot "
			     "write to volumes on it; hull system prune frees some, tune2fs -m "
			     "makes that reserve smaller",
			     en->root, left);
	if (fs.f_files && fs.f_ffree * 100 / fs.f_files < FREE_PERCENT)
		story_advise(s,
			     "%s has few inodes left (%llu of %llu): many small files of layers; "
			     "hull system prune frees some",
			     en->root, (unsigned long long)fs.f_ffree,
			     (unsigned long long)fs.f_files);
}

static void check_limits(struct engine *en, struct story *s)
{
	static const struct {
		const char *name;
		int64_t least;
		const char *why;
	} knobs[] = {
		{"kernel/pid_max", 32768, "so many processes of all containers together"},
		{"kernel/keys/root_maxkeys", 200, "each container takes a key of its user"},
		{"fs/inotify/max_user_instances", 128,
		 "programs that watch files fail with \"too many open files\""},
		{"user/max_user_namespaces", 1, "unprivileged and --userns containers need one"},
	};
	for (size_t i = 0; i < ARRAY_LEN(knobs); i++) {
		int64_t now = knob(knobs[i].name);
		if (now >= 0 && now < knobs[i].least)
			story_advise(s, "%s is %lld: %s; raise it: sysctl -w %s=%lld",
				     knobs[i].name, (long long)now, knobs[i].why, knobs[i].name,
				     (long long)knobs[i].least);
	}
}

/* Bridges and published ports are rules of it; a user has pasta in their place. */
static void check_nftables(struct story *s)
{
	CLEANUP_NETLINK struct netlink nl = NETLINK_CLOSED;
	if (namespace_caller_is_user())
		return;
	unsigned rules;
	int r = netlink_open(&nl, NETLINK_NETFILTER, -1);
	if (r == 0)
		r = nft_chain_rules(&nl, "hull", (const char *const[]){"input"}, 1, &rules);
	const bool there = r >= 0 || r == -ENOENT; /* -ENOENT: no table of hull, or no such chain */
	const bool asked = r != -EPERM && r != -EACCES;
	story_evidence(s, "nftables", "%s",
		       there   ? "there"
		       : asked ? "not there"
			       : "not known: CAP_NET_ADMIN lacks");
	if (!there && asked)
		story_advise(s, "the kernel knows no nftables: bridges and published ports need "
				"them; modprobe nf_tables, or --network none, host or macvlan");
}

static void check_network(struct engine *en, struct story *s)
{
	check_nftables(s);
	int64_t forward = knob("net/ipv4/ip_forward");
	story_evidence(s, "forwarding", "%s",
		       forward > 0 ? "on" : "off (hull turns it on with the first bridge)");
	if (knob("net/bridge/bridge-nf-call-iptables") == 1)
		story_advise(
			s,
			"bridge-nf-call-iptables is 1: packets between containers of a network "
			"go through the host's firewall, which costs throughput and may drop "
			"them; sysctl -w net.bridge.bridge-nf-call-iptables=0 if nobody needs it");
	if (knob("net/ipv4/conf/all/rp_filter") == 1)
		story_evidence(s, "reverse path",
			       "strict: answers must leave where requests came in");
}

static void check_storage(struct engine *en, struct story *s)
{
	CLEANUP_JSON struct json_object *info = NULL;
	struct json_object *quota;
	if (engine_info(en, NULL, &info, ERR_IGNORED) == 0 &&
	    json_object_object_get_ex(info, "HullStorageQuota", &quota))
		story_evidence(s, "size quota", "%s", json_object_get_string(quota));
}

/* It cannot be earlier than this program was installed; and somebody should keep it right. */
static void check_clock(struct engine *en, struct story *s)
{
	const time_t now = time(NULL);
	struct timex clock = {0};
	struct stat st;
	struct tm tm;
	const int state = adjtimex(&clock);
	const bool drifts = state == TIME_ERROR;
	story_evidence(s, "clock", "%s",
		       state < 0 ? "not known: the kernel does not say whether it is kept right"
		       : drifts  ? "unsynchronised"
				 : "synchronised");
	if (stat("/proc/self/exe", &st) == 0 && now + DAY < st.st_mtime) {
		gmtime_r(&now, &tm);
		story_advise(s,
			     "the clock says %04d-%02d-%02d, which is before this program was "
			     "installed: certificates of registries will not be valid; set it",
			     tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
	}
	if (drifts)
		story_advise(s, "nobody has told the kernel that the clock is kept right "
				"(adjtimex(2)): if nothing else sets it, as a hypervisor may, it "
				"drifts, and certificates and the times in logs go wrong with it; "
				"systemctl enable --now systemd-timesyncd, or chronyd");
}

static void check_apparmor(struct engine *en, struct story *s)
{
	if (!lsm_apparmor_is_there())
		return;
	const char *lacks = apparmor_lacks();
	story_evidence(s, "AppArmor", "%s",
		       lacks ? "on, and not used for containers"
			     : "on: containers have the profile " APPARMOR_DEFAULT);
	if (lacks && !namespace_caller_is_user())
		story_advise(s, "AppArmor is on, but containers go without a profile: %s", lacks);
}

int diagnose_host(struct engine *en, struct story *s, struct err *e)
{
	static void (*const checks[])(struct engine *, struct story *) = {
		check_kernel, check_cgroups, check_user,  check_storage, check_room,
		check_limits, check_network, check_clock, check_apparmor};
	for (size_t i = 0; i < ARRAY_LEN(checks); i++)
		checks[i](en, s);
	s->verdict = s->advice.count ? arena_printf(s->a, "%zu thing%s to look at", s->advice.count,
						    s->advice.count == 1 ? "" : "s")
				     : "this machine is fit";
	return 0;
}
