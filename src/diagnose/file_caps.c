/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a program would have of capabilities once the first process of a container has executed it:
 * the kernel's own computation (capabilities(7), "Transformation of capabilities during execve()"),
 * from the file's owner, mode and security.capability, its mount, and the process. Not known from
 * outside are the process's securebits: the usual ones are taken. Read security.h first.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "diagnose/processes.h"
#include "diagnose/security.h"
#include "engine/internal.h"
#include "linux/process.h"
#include "spec/oci.h"

enum { INTERPRETERS_MAX = 4, LINE_MAX_READ = 256 };

/* A program file, as execve(2) sees it. */
struct program {
	char *path;
	struct stat st;
	bool nosuid; /* its mount gives nothing */
	bool has_caps;
	capset permitted, inheritable;
	bool effective;
	int64_t owner; /* user namespaces whose root is this user of ours; -1: all */
};

/* Who executes it. */
struct executor {
	struct process_rights rights;
	pid_t pid;
	int64_t root; /* its user namespace's root, as a user of ours */
};

struct outcome {
	int64_t uid;
	bool refused;   /* with EPERM */
	bool held;      /* by no_new_privs from something that the file would have given */
	capset missing; /* what the file wants, and the bounding set lacks */
	capset permitted, effective, inheritable, ambient;
};

static capset set_of(uint32_t low, uint32_t high)
{
	return ((capset)le32toh(high) << 32 | le32toh(low)) & capability_all();
}

/* vfs_cap_data and vfs_ns_cap_data of linux/capability.h; of another revision the kernel takes no
 * notice either. */
static void read_file_caps(int fd, struct program *p)
{
	char path[32];
	struct vfs_ns_cap_data data = {0};
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ssize_t n = getxattr(path, "security.capability", &data, sizeof(data));
	uint32_t magic = n > 0 ? le32toh(data.magic_etc) : 0,
		 revision = magic & VFS_CAP_REVISION_MASK;
	bool second = n == XATTR_CAPS_SZ_2 && revision == VFS_CAP_REVISION_2;
	bool third = n == XATTR_CAPS_SZ_3 && revision == VFS_CAP_REVISION_3;
	if (!second && !third)
		return;
	p->has_caps = true;
	p->effective = magic & VFS_CAP_FLAGS_EFFECTIVE;
	p->permitted = set_of(data.data[0].permitted, data.data[1].permitted);
	p->inheritable = set_of(data.data[0].inheritable, data.data[1].inheritable);
	p->owner = third ? (int64_t)le32toh(data.rootid) : -1;
}

/* A name without a slash is looked for in the container's PATH. */
static int open_program(int root, const struct container *c, const char *name, struct arena *a,
			char **ret_path)
{
	const char *search = PATH_DEFAULT;
	const struct strv *env = &c->config.config.env;
	if (strchr(name, '/')) {
		*ret_path = arena_strdup(a, name);
		return path_open_in_root(root, name, O_PATH, 0);
	}
	for (size_t i = 0; i < env->count; i++)
		if (!strncmp(env->items[i], "PATH=", 5))
			search = env->items[i] + 5;
	while (*search) {
		size_t n = strcspn(search, ":");
		*ret_path = arena_printf(a, "%.*s/%s", (int)n, search, name);
		int fd = n ? path_open_in_root(root, *ret_path, O_PATH, 0) : -ENOENT;
		if (fd >= 0)
			return fd;
		search += n + (search[n] == ':');
	}
	*ret_path = arena_strdup(a, name);
	return -ENOENT;
}

/* The interpreter of a script, whose rights count instead of the script's; NULL: it is none. */
static char *interpreter_of(int fd, struct arena *a)
{
	char path[32], line[LINE_MAX_READ];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	CLEANUP_FD int readable = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n = readable < 0 ? -1 : read(readable, line, sizeof(line) - 1);
	if (n < 3 || memcmp(line, "#!", 2))
		return NULL;
	line[n] = '\0';
	char *begin = line + 2 + strspn(line + 2, " \t");
	begin[strcspn(begin, " \t\n")] = '\0';
	return *begin ? arena_strdup(a, begin) : NULL;
}

static int find_program(int root, const struct container *c, const char *name, struct story *s,
			struct program *p, struct err *e)
{
	for (int i = 0; i <= INTERPRETERS_MAX; i++) {
		struct statvfs fs;
		*p = (struct program){.owner = -1};
		CLEANUP_FD int fd = open_program(root, c, name, s->a, &p->path);
		if (fd < 0)
			return err_errno(e, fd, "container %s: cannot find %s", c->name, p->path);
		if (fstat(fd, &p->st) < 0 || fstatvfs(fd, &fs) < 0)
			return err_errno(e, errno, "container %s: cannot look at %s", c->name,
					 p->path);
		if (!S_ISREG(p->st.st_mode) || !(p->st.st_mode & 0111) || fs.f_flag & ST_NOEXEC)
			return err_set(e, EACCES, ERR_INVALID,
				       "container %s: %s cannot be executed: %s", c->name, p->path,
				       !S_ISREG(p->st.st_mode) ? "it is no regular file"
				       : p->st.st_mode & 0111  ? "it lies on a noexec mount"
							       : "nobody may, by its mode");
		p->nosuid = fs.f_flag & ST_NOSUID;
		read_file_caps(fd, p);
		name = interpreter_of(fd, s->a);
		if (!name)
			return 0;
		story_evidence(s, p->path,
			       "a script: what its interpreter may counts, not what it may itself");
	}
	return err_set(e, ELOOP, ERR_INVALID, "container %s: %s: too many interpreters", c->name,
		       p->path);
}

/* The kernel's cap_bprm_creds_from_file(), of a process whose real uid is its effective one. */
static struct outcome execute(const struct program *p, const struct executor *x)
{
	const struct capability_sets *old = &x->rights.caps;
	bool no_new = x->rights.no_new_privs, trusted = !p->nosuid;
	bool sets_id = p->st.st_mode & S_ISUID && trusted &&
		       process_user_inside(x->pid, p->st.st_uid) >= 0;
	bool caps = p->has_caps && trusted && (p->owner < 0 || p->owner == x->root);
	struct outcome o = {.uid = sets_id ? (int64_t)p->st.st_uid : x->rights.uid};
	if (no_new && sets_id && o.uid != x->rights.uid) {
		o.held = true;
		o.uid = x->rights.uid;
		sets_id = false;
	}
	bool root = o.uid == x->root;
	bool changes = o.uid != x->rights.uid;
	/* Of a set-user-ID program of root that has capabilities of its own, only those count. */
	bool all = root && !(caps && changes);
	capset permitted = all ? capability_all() : caps ? p->permitted : 0;
	capset inheritable = all ? capability_all() : caps ? p->inheritable : 0;
	bool effective = all || (caps && p->effective) || (root && changes);
	o.inheritable = old->inheritable;
	o.permitted = (permitted & old->bounding) | (inheritable & old->inheritable);
	o.missing = caps && !all ? p->permitted & ~o.permitted : 0;
	o.refused = caps && !all && p->effective && o.missing;
	if (no_new && o.permitted & ~old->permitted) {
		o.held = true;
		o.permitted &= old->permitted;
	}
	o.ambient = caps || changes ? 0 : old->ambient;
	o.permitted |= o.ambient;
	o.effective = effective ? o.permitted : o.ambient;
	return o;
}

/* As the container knows it. */
static long long inside(const struct executor *x, int64_t user)
{
	int64_t known = process_user_inside(x->pid, user);
	return known < 0 ? 65534 : known;
}

static void show_program(const struct program *p, const struct executor *x, struct story *s)
{
	bool other = p->has_caps && p->owner >= 0 && p->owner != x->root;
	story_evidence(s, "file", "%s: uid %lld, mode %04o%s", p->path, inside(x, p->st.st_uid),
		       p->st.st_mode & 07777, p->st.st_mode & S_ISUID ? ", set-user-ID" : "");
	if (p->has_caps)
		story_evidence(s, "its capabilities", "permitted %s; inheritable %s; %s%s",
			       diagnose_describe_caps(p->permitted, s->a),
			       diagnose_describe_caps(p->inheritable, s->a),
			       p->effective ? "at once in force" : "not in force by themselves",
			       other ? "; for another user namespace than this one" : "");
	else
		story_evidence(s, "its capabilities", "none of its own");
	if (p->nosuid && (p->has_caps || p->st.st_mode & S_ISUID))
		story_evidence(s, "mount", "nosuid: neither its mode nor its capabilities count");
}

static void tell(const struct program *p, const struct executor *x, const struct outcome *o,
		 struct story *s)
{
	if (o->refused) {
		s->verdict = arena_printf(
			s->a,
			"executing %s fails with \"Operation not permitted\": the file wants %s, "
			"which its bounding set lacks",
			p->path, diagnose_describe_caps(o->missing, s->a));
		story_advise(s,
			     "--cap-add %s; or take the file's own demand away, if the program "
			     "does without (setcap -r %s)",
			     capability_text(o->missing, "", " --cap-add ", s->a), p->path);
		return;
	}
	s->verdict = arena_printf(s->a, "executing %s comes to uid %lld with %s in force", p->path,
				  inside(x, o->uid), diagnose_describe_caps(o->effective, s->a));
	story_evidence(s, "after execve",
		       "uid %lld: effective %s; permitted %s; inheritable %s; ambient %s",
		       inside(x, o->uid), diagnose_describe_caps(o->effective, s->a),
		       diagnose_describe_caps(o->permitted, s->a),
		       diagnose_describe_caps(o->inheritable, s->a),
		       diagnose_describe_caps(o->ambient, s->a));
	if (o->held)
		story_advise(s, "it would get more, but no-new-privileges is on (--security-opt "
				"no-new-privileges, or the program's own prctl)");
}

int diagnose_file_caps(const struct container *c, const char *file, struct story *s, struct err *e)
{
	struct executor x;
	struct program program;
	struct process first;
	int r = process_read_rights(c->pid, &x.rights);
	if (r == 0)
		r = process_read(c->pid, &first);
	x = (struct executor){x.rights, c->pid, process_user_outside(c->pid, 0)};
	if (r < 0)
		return err_errno(e, r, "container %s: cannot look at its first process", c->name);
	CLEANUP_FD int root = container_root_open(c, e);
	if (root < 0)
		return root;
	story_evidence(s, process_label(&first, s->a), "uid %lld: permitted %s; bounding %s%s",
		       inside(&x, x.rights.uid),
		       diagnose_describe_caps(x.rights.caps.permitted, s->a),
		       diagnose_describe_caps(x.rights.caps.bounding, s->a),
		       x.rights.no_new_privs ? "; no new privileges" : "");
	r = find_program(root, c, file, s, &program, e);
	if (r < 0)
		return r;
	show_program(&program, &x, s);
	struct outcome o = execute(&program, &x);
	tell(&program, &x, &o, s);
	return 0;
}
