/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a container may do: capabilities and the other things that confine it, as the kernel has
 * them now, not as they were asked for. Rests on /proc/PID/status, uid_map, mountinfo, attr/current
 * and ns. See capabilities(7), seccomp(2), user_namespaces(7). Read security.h first.
 */
#include "diagnose/security.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "diagnose/processes.h"
#include "engine/spec.h"
#include "linux/lsm.h"
#include "linux/namespaces.h"
#include "linux/process.h"

enum { MOUNTS_MAX = 4 << 20 };

/* Each of them is as good as root on the machine, or reaches beyond the container. */
static const struct {
	int number;
	const char *means;
} strong[] = {
	{CAP_SYS_ADMIN, "mounts, and most of what only root may: nearly all of root's power"},
	{CAP_SYS_MODULE, "loads code into the kernel"},
	{CAP_SYS_RAWIO, "reads and writes memory and disks of the machine"},
	{CAP_SYS_PTRACE, "changes other processes: with --pid host the machine's"},
	{CAP_DAC_READ_SEARCH, "opens any file of a file system by its number (open_by_handle_at)"},
	{CAP_BPF, "loads BPF programs, which see the whole machine"},
	{CAP_PERFMON, "observes the whole machine"},
	{CAP_SYS_BOOT, "loads another kernel (kexec)"},
	{CAP_SYS_TIME, "sets the machine's clock"},
	{CAP_SYSLOG, "reads the kernel's log and its addresses"},
	{CAP_NET_ADMIN, "changes addresses, routes and filters of its network"},
	{CAP_MAC_ADMIN, "changes security labels"},
	{CAP_MAC_OVERRIDE, "ignores security labels"},
};

static bool has(capset set, int number)
{
	return set >> number & 1;
}

static int count(capset set)
{
	return __builtin_popcountll(set);
}

/* All that a container could get from this hull. */
static capset most(void)
{
	return capability_bounding(capability_all());
}

static char *names(capset set, struct arena *a)
{
	return capability_text(set, "", ", ", a);
}

/* What the process has, or can get by executing something. */
static capset reach(const struct process_rights *r)
{
	return r->caps.permitted | (r->no_new_privs ? 0 : r->caps.bounding);
}

char *diagnose_describe_caps(capset set, struct arena *a)
{
	capset usual = CAPS_DOCKER_DEFAULT, less = usual & ~set, more = set & ~usual;
	if (!set)
		return "none";
	if (set == most())
		return arena_printf(a, "all %d", count(set));
	if (set == usual)
		return arena_printf(a, "the default %d", count(set));
	if (count(less) + count(more) >= count(set))
		return names(set, a);
	return arena_printf(a, "the default%s%s%s%s", less ? " without " : "",
			    less ? names(less, a) : "", more ? " and " : "",
			    more ? names(more, a) : "");
}

static void warn_of(capset set, struct story *s)
{
	/* In a user namespace none of them reaches the machine. */
	if (namespace_caller_is_user())
		return;
	if (set == most()) {
		story_advise(s, "leave out --privileged: hull run --learn-caps tells which "
				"capabilities it needs, for --cap-add");
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(strong); i++)
		if (has(set, strong[i].number))
			story_advise(s, "%s: %s; without it, if it is not needed",
				     capability_name(strong[i].number), strong[i].means);
}

/* @can: what any of its processes can get; @first: what is in force in the first one. */
static void caps_verdict(capset can, capset first, struct story *s)
{
	struct arena *a = s->a;
	if (can == most())
		s->verdict = namespace_caller_is_user()
				     ? "it can have all capabilities of its user namespace"
				     : "it can have all capabilities: its root is the machine's";
	else if (can & ~CAPS_DOCKER_DEFAULT)
		s->verdict = arena_printf(a, "it can have more than the default: %s",
					  names(can & ~CAPS_DOCKER_DEFAULT, a));
	else if (!can)
		s->verdict = "none of its processes can have any capability";
	else if (!first)
		s->verdict = arena_printf(
			a, "none is in force in its first process; set-id programs can get %s",
			diagnose_describe_caps(can, a));
	else
		s->verdict = arena_printf(a, "in force in its first process: %s",
					  diagnose_describe_caps(first, a));
}

int diagnose_caps(const struct container *c, struct story *s, struct err *e)
{
	struct processes all;
	struct process_rights rights;
	capset can = 0, first = 0;
	int r = processes_read(c, s->a, &all, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < all.count; i++) {
		if (all.list[i].state == 'Z' || process_read_rights(all.list[i].pid, &rights) < 0)
			continue;
		const struct capability_sets *sets = &rights.caps;
		can |= reach(&rights);
		if (!s->evidence.count)
			first = sets->effective;
		story_evidence(s, process_label(&all.list[i], s->a),
			       "uid %lld: effective %s; permitted %s; inheritable %s; ambient %s; "
			       "bounding %s%s",
			       (long long)rights.uid, diagnose_describe_caps(sets->effective, s->a),
			       diagnose_describe_caps(sets->permitted, s->a),
			       diagnose_describe_caps(sets->inheritable, s->a),
			       diagnose_describe_caps(sets->ambient, s->a),
			       diagnose_describe_caps(sets->bounding, s->a),
			       rights.no_new_privs ? "; no new privileges" : "");
	}
	if (!s->evidence.count)
		return err_set(e, ESRCH, ERR_CONFLICT, "container %s is not running", c->name);
	caps_verdict(can, first, s);
	warn_of(can & ~CAPS_DOCKER_DEFAULT ? can : 0, s);
	return 0;
}

/* ---- security ---- */

struct look {
	const struct container *c;
	struct story *s;
	struct process_rights rights;
	char *mounts; /* its mountinfo */
	struct strv weaker, stricter;
};

static void weaker(struct look *x, const char *what)
{
	strv_push(x->s->a, &x->weaker, what);
}

static void stricter(struct look *x, const char *what)
{
	strv_push(x->s->a, &x->stricter, what);
}

static ssize_t read_of(const struct look *x, const char *file, char *buf, size_t size)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/%s", x->c->pid, file);
	return file_read_small(AT_FDCWD, path, buf, size);
}

static void look_at_user(struct look *x)
{
	if (x->rights.uid == 0)
		story_evidence(x->s, "user",
			       "0, root; -u USER: no capability is in force, and "
			       "files of root are not its");
	else
		story_evidence(x->s, "user", "%lld, not root", (long long)x->rights.uid);
	if (x->rights.uid != 0)
		stricter(x, "not root");
}

static void look_at_caps(struct look *x)
{
	capset set = reach(&x->rights);
	story_evidence(x->s, "capabilities",
		       "%s can be had, %s in force; hull run --learn-caps tells the least that is "
		       "needed",
		       diagnose_describe_caps(set, x->s->a),
		       diagnose_describe_caps(x->rights.caps.effective, x->s->a));
	if (set & ~CAPS_DOCKER_DEFAULT)
		weaker(x, set == most() ? "all capabilities" : "more capabilities");
	else if (set != CAPS_DOCKER_DEFAULT)
		stricter(x, set ? "fewer capabilities" : "no capabilities");
}

static void look_at_privileges(struct look *x)
{
	if (x->rights.no_new_privs)
		stricter(x, "no new privileges");
	story_evidence(x->s, "no-new-privs", "%s",
		       x->rights.no_new_privs ? "on: set-id programs give no rights"
					      : "off: set-id programs give rights; --security-opt "
						"no-new-privileges");
}

static void look_at_seccomp(struct look *x)
{
	static const char *const modes[] = {
		"off: all system calls are allowed; --security-opt seccomp=builtin",
		"strict: read, write and exit alone", "filter"};
	int64_t mode = x->rights.seccomp;
	const char *profile = security_option(x->c, "seccomp");
	if (mode == 0) {
		weaker(x, "no filter of system calls");
		story_advise(x->s, "it may make all system calls; --security-opt seccomp=builtin");
	}
	if (mode != 2)
		story_evidence(x->s, "seccomp", "%s", mode == 0 || mode == 1 ? modes[mode] : "?");
	else if (x->rights.filters >= 0)
		story_evidence(x->s, "seccomp",
			       "%lld filter%s, profile %s; hull run --learn-seccomp writes a "
			       "stricter one",
			       (long long)x->rights.filters, x->rights.filters == 1 ? "" : "s",
			       profile ? profile : "builtin");
	else
		story_evidence(x->s, "seccomp", "filtered, profile %s",
			       profile ? profile : "builtin");
}

static void look_at_label(struct look *x)
{
	char label[256] = "";
	ssize_t n = read_of(x, "attr/current", label, sizeof(label));
	story_evidence(x->s, "AppArmor, SELinux", "%s",
		       n > 0 ? label : "no label: this kernel runs neither");
	if (n > 0 && !strncmp(label, "unconfined", 10) && lsm_apparmor_is_there())
		weaker(x, "no AppArmor profile");
}

static void look_at_ids(struct look *x)
{
	char map[256];
	long long inside = -1, outside = -1;
	ssize_t n = read_of(x, "uid_map", map, sizeof(map));
	if (n <= 0 || sscanf(map, "%lld %lld", &inside, &outside) != 2) {
		story_evidence(x->s, "user namespace", "not known");
		return;
	}
	if (inside == outside) {
		story_evidence(x->s, "user namespace",
			       "none: root in it is root of the machine; hull of an ordinary user "
			       "gives it one");
		return;
	}
	story_evidence(x->s, "user namespace", "its %lld is %lld outside", inside, outside);
	stricter(x, "ids of its own");
}

/* The line of mountinfo of @path: from its options on. The last one counts. */
static const char *mount_line(const struct look *x, const char *path)
{
	const char *found = NULL;
	size_t len = strlen(path);
	for (const char *line = x->mounts; line && *line; line = strchr(line, '\n')) {
		int at = 0;
		line += *line == '\n';
		if (sscanf(line, "%*d %*d %*s %*s %n", &at) >= 0 && at > 0 &&
		    !strncmp(line + at, path, len) && line[at + (int)len] == ' ')
			found = line + at + len + 1;
	}
	return found;
}

static void look_at_root(struct look *x)
{
	const char *options = mount_line(x, "/");
	bool readonly = options && !strncmp(options, "ro", 2);
	if (readonly)
		stricter(x, "a read-only root");
	story_evidence(x->s, "root file system", "%s",
		       readonly ? "read-only"
				: "writable: programs can be replaced; --read-only, with --tmpfs "
				  "/tmp");
}

static size_t covered(const struct look *x, const struct strv *paths)
{
	size_t n = 0;
	for (size_t i = 0; i < paths->count; i++)
		n += mount_line(x, paths->items[i]) != NULL;
	return n;
}

static void look_at_paths(struct look *x)
{
	struct strv masked = {0}, readonly = {0};
	spec_paths(x->c, &masked, &readonly, x->s->a);
	size_t hidden = covered(x, &masked), fixed = covered(x, &readonly);
	story_evidence(x->s, "masked paths",
		       "%zu hidden, %zu read-only of /proc and /sys (of %zu and %zu, where the "
		       "kernel has them)",
		       hidden, fixed, masked.count, readonly.count);
	if (hidden)
		return;
	weaker(x, "nothing of /proc and /sys is hidden");
	if (!namespace_caller_is_user())
		story_advise(x->s, "its root may change the machine by /proc/sys and "
				   "/proc/sysrq-trigger; leave out systempaths=unconfined and "
				   "--privileged");
}

/* "; network container:web" */
static char *joined(const struct look *x)
{
	const struct docker_host_config *h = &x->c->config.host;
	const struct {
		const char *name, *mode;
	} modes[] = {{"pid", h->pid_mode}, {"network", h->network_mode}, {"ipc", h->ipc_mode}};
	char *text = "";
	for (size_t i = 0; i < ARRAY_LEN(modes); i++)
		if (docker_mode_container(modes[i].mode))
			text = arena_printf(x->s->a, "%s; %s %s", text, modes[i].name,
					    modes[i].mode);
	return text;
}

static void look_at_spaces(struct look *x)
{
	enum { ALL = CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP };
	struct arena *a = x->s->a;
	int own = namespace_others(x->c->pid, ALL);
	char *names = "";
	const struct namespace_kind *kind;
	for (size_t i = 0; (kind = namespace_at(i)); i++)
		if (kind->flag & ALL && !(kind->flag & own))
			names = arena_printf(a, "%s%s%s", names, *names ? ", " : "", kind->name);
	story_evidence(x->s, "namespaces", "%s%s%s",
		       *names ? "of the machine: " : "none is the machine's", names, joined(x));
	if (!*names)
		return;
	weaker(x, arena_printf(a, "the machine's %s", names));
	story_advise(x->s, "it sees and reaches what is the machine's there (%s)", names);
}

int diagnose_security(const struct container *c, struct story *s, struct err *e)
{
	static void (*const looks[])(struct look *) = {
		look_at_user, look_at_caps, look_at_privileges, look_at_seccomp, look_at_label,
		look_at_ids,  look_at_root, look_at_paths,      look_at_spaces};
	struct look x = {.c = c, .s = s};
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/mountinfo", c->pid);
	if (process_read_rights(c->pid, &x.rights) < 0)
		return err_set(e, ESRCH, ERR_CONFLICT, "container %s is not running", c->name);
	int r = file_read(AT_FDCWD, path, MOUNTS_MAX, s->a, &x.mounts, NULL, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_LEN(looks); i++)
		looks[i](&x);
	if (x.weaker.count)
		s->verdict = arena_printf(s->a, "weaker than the default: %s",
					  strv_join(s->a, &x.weaker, "; "));
	else if (x.stricter.count)
		s->verdict = arena_printf(s->a, "stricter than the default: %s",
					  strv_join(s->a, &x.stricter, "; "));
	else
		s->verdict = "as by default";
	return 0;
}
