/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The search for a command. Rests on execve(2), faccessat(2).
 * Invariant: what is found here was executable for this user at that moment; execve has the last
 * word, and explain.c explains it. Read command.h first.
 */
#include "runtime/command.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "runtime/runtime.h"

void command_self_read(struct command_self *ret)
{
	struct stat st;
	*ret = (struct command_self){0};
	if (stat("/proc/self/exe", &st) == 0)
		*ret = (struct command_self){st.st_dev, st.st_ino};
}

/* The interpreter that the file's first line names; false when it is no script. */
static bool script_interpreter(const char *path, char ret[static COMMAND_PATH_SIZE])
{
	char line[256] = "";
	CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	ssize_t n = fd < 0 ? -1 : read(fd, line, sizeof(line) - 1);
	if (n < 3 || line[0] != '#' || line[1] != '!')
		return false;
	const char *word = line + 2 + strspn(line + 2, " \t");
	size_t len = strcspn(word, " \t\n");
	memcpy(ret, word, len);
	ret[len] = '\0';
	return len > 0;
}

/*
 * A command, or the interpreter of a script, that leads to /proc/self/exe is this very program, on
 * the host. Executed in the container it could be opened there and, once it has ended, be written
 * to (CVE-2019-5736). The kernel follows the link only at execve, so this stops the image that has
 * such a link, not a process that swaps it in meanwhile.
 */
static int refuse_self(const char *path, const struct command_self *self, struct err *e)
{
	enum { NESTED_MAX = 6 }; /* the kernel stops after five */
	char at[COMMAND_PATH_SIZE];
	struct stat st;
	snprintf(at, sizeof(at), "%s", path);
	for (int i = 0; self->ino && i < NESTED_MAX && stat(at, &st) == 0; i++) {
		if (st.st_ino == self->ino && st.st_dev == self->dev)
			return err_set(e, EACCES, ERR_NOT_EXECUTABLE,
				       "exec: \"%.256s\": permission denied: it leads to the "
				       "engine's own program",
				       path);
		if (!S_ISREG(st.st_mode) || !script_interpreter(at, at))
			break;
	}
	return 0;
}

/* 0, or why not. Directories are "executable" too and must be told apart. */
static int try_file(const char *path)
{
	struct stat st;
	if (stat(path, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0 ? -errno : 0;
}

static int not_found(const char *name, const char *path, struct err *e)
{
	err_set(e, ENOENT, ERR_NO_COMMAND, "exec: \"%.256s\": executable file not found in $PATH",
		name);
	if (!name[strspn(name, " \t\n")])
		err_hint(e, "its name is %s: perhaps a variable in quotes that is not set",
			 *name ? "blank" : "empty");
	else
		err_hint(e,
			 "PATH is %.256s; name the command with its full path, or install it in "
			 "the image",
			 path);
	return -ENOENT;
}

/* Search the folders of @path in order; the first executable file wins. */
static int search(const char *name, const char *path, char *ret, struct err *e)
{
	int best = 0; /* the first file that is there and cannot be executed */
	char candidate[COMMAND_PATH_SIZE];
	for (const char *at = path;; at++) {
		size_t len = strcspn(at, ":");
		int n = snprintf(candidate, sizeof(candidate), "%.*s%s%s", (int)len, at,
				 len ? "/" : "", name);
		int r = n < (int)sizeof(candidate) ? try_file(candidate) : -ENAMETOOLONG;
		if (r == 0 || (r == -EACCES && !best))
			memcpy(ret, candidate, (size_t)n + 1);
		if (r == 0)
			return 0;
		if (r == -EACCES)
			best = r;
		at += len;
		if (!*at)
			break;
	}
	return best ? runtime_explain_exec(ret, EACCES, e) : not_found(name, path, e);
}

int command_find(const char *name, const struct strv *env, const struct command_self *self,
		 char ret[static COMMAND_PATH_SIZE], struct err *e)
{
	if (!strchr(name, '/')) {
		const char *path = strv_get_env(env, "PATH");
		int found = search(name, path ? path : PATH_DEFAULT, ret, e);
		return found < 0 ? found : refuse_self(ret, self, e);
	}
	if (snprintf(ret, COMMAND_PATH_SIZE, "%s", name) >= COMMAND_PATH_SIZE)
		return err_set(e, ENAMETOOLONG, ERR_NO_COMMAND,
			       "exec: \"%.64s...\": file name too "
			       "long",
			       name);
	int r = try_file(ret);
	return r < 0 ? runtime_explain_exec(ret, -r, e) : refuse_self(ret, self, e);
}
