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
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

enum { KEY_MAX = 255 };

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
		err_hint(e, "give the container %s, or set it on the host", allowed[i].option);
		return -EPERM;
	}
	err_set(e, EPERM, ERR_INVALID,
		"sysctl %s: it belongs to no namespace and would change the whole host", key);
	err_hint(e, "set it on the host with sysctl -w, or leave it out");
	return -EPERM;
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
