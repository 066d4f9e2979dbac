/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernel parameters of the namespaces that a container has for itself, against the machine's; and
 * what was asked for against what is in force, since root in the container may have changed it
 * where it may write to /proc/sys. Read linux/sysctl.h first.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "diagnose/security.h"
#include "engine/internal.h"
#include "linux/namespaces.h"
#include "linux/pidfd.h"
#include "linux/sysctl.h"

static const struct space {
	int flag;
	const char *name, *keys, *option;
} spaces[] = {
	{CLONE_NEWNET, "network", "net.*", "--network"},
	{CLONE_NEWIPC, "ipc", "kernel.msg* sem shm* fs.mqueue.*", "--ipc"},
	{CLONE_NEWUTS, "names", "kernel.domainname", "--uts"},
};

/* "4096 87380" and "4096  87380" are the same to the kernel. */
static bool same(const char *x, const char *y)
{
	while (*x && *y) {
		size_t blank_x = strspn(x, " \t"), blank_y = strspn(y, " \t");
		x += blank_x;
		y += blank_y;
		if (!blank_x != !blank_y || *x != *y)
			return !*x && !*y;
		x += *x != '\0';
		y += *y != '\0';
	}
	return !x[strspn(x, " \t")] && !y[strspn(y, " \t")];
}

static int tell_spaces(struct story *s, int own)
{
	for (size_t i = 0; i < ARRAY_LEN(spaces); i++)
		story_evidence(s, spaces[i].name, "%s: %s (%s)", spaces[i].keys,
			       own & spaces[i].flag
				       ? "not the machine's"
				       : "the machine's: a change there is one of the machine",
			       spaces[i].option);
	return own;
}

/* Whether it is in force. Keys may be written with slashes, which the lists have not. */
static bool tell_asked(struct story *s, const struct kvs *inside, const struct kv *asked)
{
	const char *now = kvs_get(inside, asked->key);
	if (!now || same(now, asked->value))
		return true;
	story_advise(s,
		     "%s: %s was asked for, and it is %s now: something in the container has "
		     "changed it; a restart sets it again",
		     asked->key, asked->value, now);
	return false;
}

static size_t tell_differences(struct story *s, const struct container *c, const struct kvs *inside,
			       const struct kvs *outside)
{
	size_t n = 0;
	for (size_t i = 0; i < inside->count; i++) {
		const struct kv *in = &inside->items[i];
		const char *out = kvs_get(outside, in->key);
		if (!out || same(in->value, out))
			continue;
		const char *asked = kvs_get(&c->config.host.sysctls, in->key);
		story_evidence(s, in->key, "%s; the machine has %s%s", in->value, out,
			       asked ? "; by --sysctl" : "");
		n++;
	}
	return n;
}

/* As the container has it mounted: security options and other mounts decide that. */
static void tell_mount(struct story *s, const struct container *c)
{
	struct statvfs fs;
	CLEANUP_FD int root = container_root_open(c, ERR_IGNORED);
	CLEANUP_FD int sys =
		root < 0 ? -1 : path_open_in_root(root, "proc/sys", O_PATH | O_DIRECTORY, 0);
	if (sys < 0 || fstatvfs(sys, &fs) < 0)
		return;
	story_evidence(s, "/proc/sys", "%s",
		       fs.f_flag & ST_RDONLY ? "read-only in it: a parameter is set when it is "
					       "made, --sysctl NAME=VALUE"
					     : "mounted writable in it");
}

int diagnose_sysctl(const struct container *c, struct story *s, struct err *e)
{
	struct arena *a = s->a;
	struct kvs inside = {0}, outside = {0};
	int all = 0;
	for (size_t i = 0; i < ARRAY_LEN(spaces); i++)
		all |= spaces[i].flag;
	CLEANUP_FD int first = pidfd_of_started(c->pid, c->pid_start);
	if (first < 0)
		return err_set(e, ESRCH, ERR_CONFLICT, "container %s is not running", c->name);
	int own = tell_spaces(s, namespace_others(c->pid, all));
	int r = own ? sysctl_read_all(first, own, a, &inside, e) : 0;
	if (r == 0 && own)
		r = sysctl_read_all(-1, own, a, &outside, e);
	if (r < 0)
		return r;
	kvs_sort(&inside);
	size_t n = tell_differences(s, c, &inside, &outside), lost = 0;
	const struct kvs *asked = &c->config.host.sysctls;
	for (size_t i = 0; i < asked->count; i++)
		lost += !tell_asked(s, &inside, &asked->items[i]);
	tell_mount(s, c);
	if (lost)
		s->verdict = arena_printf(a,
					  "%zu of %zu parameters that were asked for are not "
					  "in force any more",
					  lost, asked->count);
	else if (!own)
		s->verdict = "it has no kernel parameters of its own: all are the machine's";
	else
		s->verdict = arena_printf(a,
					  "%zu of %zu kernel parameters of its own differ from "
					  "the machine's",
					  n, inside.count);
	return 0;
}
