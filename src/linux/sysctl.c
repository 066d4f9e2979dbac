/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernel parameters. Rests on proc(5), openat2(2) with RESOLVE_NO_XDEV: a mount that someone put
 * upon a part of /proc is an error, never written to. Invariant: a key that passed sysctl_check()
 * consists of plain components and belongs to a namespace. Read sysctl.h first.
 */
#include "linux/sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "linux/namespaces.h"
#include "linux/pidfd.h"

enum { KEY_MAX = 255, LIST_MAX = 1 << 20 };

static const struct {
	const char *key; /* with slashes; a trailing one stands for all below */
	unsigned long namespace;
	const char *option; /* how the user gets that namespace */
} allowed[] = {
	{"kernel/auto_msgmni", CLONE_NEWIPC, "--ipc private"},
	{"kernel/domainname", CLONE_NEWUTS, "--uts private"},
	{"kernel/msg_next_id", CLONE_NEWIPC, "--ipc private"},
	{"kernel/msgmax", CLONE_NEWIPC, "--ipc private"},
	{"kernel/msgmnb", CLONE_NEWIPC, "--ipc private"},
	{"kernel/msgmni", CLONE_NEWIPC, "--ipc private"},
	{"kernel/sem", CLONE_NEWIPC, "--ipc private"},
	{"kernel/sem_next_id", CLONE_NEWIPC, "--ipc private"},
	{"kernel/shm_next_id", CLONE_NEWIPC, "--ipc private"},
	{"kernel/shm_rmid_forced", CLONE_NEWIPC, "--ipc private"},
	{"kernel/shmall", CLONE_NEWIPC, "--ipc private"},
	{"kernel/shmmax", CLONE_NEWIPC, "--ipc private"},
	{"kernel/shmmni", CLONE_NEWIPC, "--ipc private"},
	{"fs/mqueue/", CLONE_NEWIPC, "--ipc private"},
	{"net/", CLONE_NEWNET, "a network of its own (not --network host)"},
	{"user/", CLONE_NEWUSER, "--userns private"},
};

/*
 * Write @key with slashes. A key with a dot before its first slash is in dots, where a slash stands
 * for a dot of a name ("net.ipv4.conf.eth0/100.forwarding"): sysctl(8). Mixing is refused, except
 * for exactly that.
 */
static int key_to_path(const char *key, char path[static KEY_MAX + 1])
{
	size_t len = strlen(key);
	if (len == 0 || len > KEY_MAX)
		return -EINVAL;
	char separator = key[strcspn(key, "./")];
	for (size_t i = 0; i <= len; i++) {
		unsigned char c = (unsigned char)key[i];
		if ((c && c <= 0x20) || c == 0x7f)
			return -EINVAL;
		if (c == '.' || c == '/')
			path[i] = c == separator ? '/' : '.';
		else
			path[i] = (char)c;
	}
	return 0;
}

static bool path_is_plain(const char *path)
{
	while (*path) {
		size_t len = strcspn(path, "/");
		if (len == 0 || (len == 1 && path[0] == '.') ||
		    (len == 2 && path[0] == '.' && path[1] == '.'))
			return false;
		path += len;
		if (*path == '/' && !*++path)
			return false;
	}
	return true;
}

static bool entry_matches(const char *entry, const char *path)
{
	size_t len = strlen(entry);
	return entry[len - 1] == '/' ? !strncmp(path, entry, len) : !strcmp(path, entry);
}

static int value_check(const char *key, const char *value, struct err *e)
{
	size_t len = strlen(value);
	if (len <= SYSCTL_VALUE_MAX && !strpbrk(value, "\n\r"))
		return 0;
	return err_set(e, EINVAL, ERR_INVALID,
		       "sysctl %s: the value must be one line of at most %d "
		       "characters",
		       key, SYSCTL_VALUE_MAX);
}

int sysctl_check(const char *key, const char *value, unsigned long own, struct err *e)
{
	char path[KEY_MAX + 1];
	if (key_to_path(key, path) < 0 || !path_is_plain(path))
		return err_set(e, EINVAL, ERR_INVALID, "sysctl %.256s: not the name of a parameter",
			       key);
	for (size_t i = 0; i < ARRAY_LEN(allowed); i++) {
		if (!entry_matches(allowed[i].key, path))
			continue;
		if (own & allowed[i].namespace)
			return value_check(key, value, e);
		err_set(e, EPERM, ERR_INVALID,
			"sysctl %s: it would change the host, since the container shares the "
			"namespace it belongs to",
			key);
		return err_hint(e, "give the container %s, or set it on the host",
				allowed[i].option);
	}
	err_set(e, EPERM, ERR_INVALID,
		"sysctl %s: it belongs to no namespace and would change the whole host", key);
	return err_hint(e, "set it on the host with sysctl -w, or leave it out");
}

/* What counts by itself, is secret, or says with a sign whose it is (tcp_ehash_entries). */
static bool is_no_setting(const char *name)
{
	size_t len = strlen(name);
	return !strcmp(name, "nf_conntrack_count") || strstr(name, "hash_entries") ||
	       (len > 4 && !strcmp(name + len - 4, "_key")) || strstr(name, "secret");
}

/* net/ipv4/conf/eth0: the other side has another set of them. */
static bool is_of_device(const char *path)
{
	const char *name = strstr(path, "/conf/");
	name = name ? name + strlen("/conf/") : strstr(path, "/neigh/");
	size_t len = name ? strcspn(name, "/") : 0;
	return name && !(len == 3 && !strncmp(name, "all", len)) &&
	       !(len == 7 && !strncmp(name, "default", len));
}

static void put_value(int sys, const char *path, struct strbuf *out)
{
	char value[512];
	ssize_t n = file_read_small(sys, path, value, sizeof(value));
	if (n < 0)
		return;
	for (char *p = value; *p; p++)
		if (*p == '\t' || *p == '\n')
			*p = ' ';
	strbuf_printf(out, "%s=%s\n", path, value);
}

/* @path has no more parts than the kernel's own deepest. */
static void put_below(int sys, const char *path, int depth, struct strbuf *out)
{
	enum { DEPTH_MAX = 6 };
	char at[KEY_MAX + 1];
	CLEANUP_FD int fd = openat(sys, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_DIR DIR *d = fd < 0 ? NULL : dir_stream(fd);
	for (struct dirent *entry; d && (entry = dir_next(d));) {
		if (snprintf(at, sizeof(at), "%s/%s", path, entry->d_name) >= (int)sizeof(at) ||
		    is_no_setting(entry->d_name) || is_of_device(at))
			continue;
		if (entry->d_type != DT_DIR)
			put_value(sys, at, out);
		else if (depth < DEPTH_MAX)
			put_below(sys, at, depth + 1, out);
	}
}

/* In the child: what /proc/sys shows is of the namespaces of who looks. */
static int put_all(int sys, int pidfd, int spaces, int to)
{
	CLEANUP_STRBUF struct strbuf out = STRBUF_MAX(LIST_MAX);
	char path[KEY_MAX + 1];
	if (pidfd >= 0 && setns(pidfd, spaces) < 0)
		return -errno;
	for (size_t i = 0; i < ARRAY_LEN(allowed); i++) {
		size_t len = strlen(allowed[i].key);
		if (!((unsigned long)spaces & allowed[i].namespace))
			continue;
		snprintf(path, sizeof(path), "%s", allowed[i].key);
		if (path[len - 1] != '/') {
			put_value(sys, path, &out);
			continue;
		}
		path[len - 1] = '\0';
		put_below(sys, path, 0, &out);
	}
	return strbuf_ok(&out) ? fd_write_full(to, strbuf_text(&out), out.len) : -E2BIG;
}

static void take_lines(char *text, struct arena *a, struct kvs *ret)
{
	char *rest;
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		char *value = strchr(line, '=');
		if (!value)
			continue;
		*value++ = '\0';
		for (char *p = line; *p; p++)
			if (*p == '/' || *p == '.')
				*p = *p == '/' ? '.' : '/';
		kvs_set(a, ret, line, value);
	}
}

int sysctl_read_all(int pidfd, int spaces, struct arena *a, struct kvs *ret, struct err *e)
{
	int ends[2], status = 0;
	CLEANUP_FD int child = -1;
	CLEANUP_FD int sys = open("/proc/sys", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (sys < 0 || pipe2(ends, O_CLOEXEC) < 0)
		return err_errno(e, errno, "cannot read /proc/sys");
	CLEANUP_FD int ours = ends[0];
	CLEANUP_FD int theirs = ends[1];
	pid_t pid = namespace_clone(0, -1, &child);
	if (pid == 0)
		_exit(-put_all(sys, pidfd, spaces, theirs));
	if (pid < 0)
		return err_errno(e, pid, "cannot make a process that reads /proc/sys");
	fd_drop(&theirs);
	char *text = arena_alloc(a, LIST_MAX + 1);
	ssize_t n = fd_read_full(ours, text, LIST_MAX);
	pidfd_wait_child(child, &status);
	if (n < 0 || status)
		return err_errno(e, n < 0 ? (int)n : WEXITSTATUS(status),
				 "cannot read the kernel parameters of the namespaces");
	text[n] = '\0';
	take_lines(text, a, ret);
	return 0;
}

int sysctl_write(int procfd, const char *key, const char *value, struct err *e)
{
	char path[KEY_MAX + 1];
	if (key_to_path(key, path) < 0 || !path_is_plain(path))
		return err_set(e, EINVAL, ERR_INVALID, "sysctl %.256s: not the name of a parameter",
			       key);
	struct open_how how = {
		.flags = O_WRONLY | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
	};
	CLEANUP_FD int sys = openat(procfd, "sys", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	CLEANUP_FD int fd = -1;
	if (sys >= 0)
		fd = (int)syscall(SYS_openat2, sys, path, &how, sizeof(how));
	if (fd < 0 && errno == ENOENT)
		return err_set(e, ENOENT, ERR_INVALID,
			       "sysctl %s: this kernel has no such parameter", key);
	if (fd < 0)
		return err_errno(e, errno, "sysctl %s", key);
	if (write(fd, value, strlen(value)) < 0)
		return err_errno(e, errno, "sysctl %s: cannot set it to %s", key, value);
	return 0;
}
