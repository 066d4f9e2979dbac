/* SPDX-License-Identifier: Apache-2.0 */
/* Rests on getent(1), posix_spawn(3). Read resolve.h first. */
#include "linux/resolve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"

/* 4, 6, or 0: it is none. */
static int family_of(const char *text)
{
	struct in6_addr any;
	return inet_pton(AF_INET, text, &any) == 1    ? 4
	       : inet_pton(AF_INET6, text, &any) == 1 ? 6
						      : 0;
}

/* What it prints; negative errno. */
static ssize_t ask(const char *name, char *text, size_t size)
{
	char *const argv[] = {"getent", "ahosts", (char *)name, NULL};
	int out[2];
	pid_t pid;
	if (pipe2(out, O_CLOEXEC) < 0)
		return -errno;
	CLEANUP_FD int ours = out[0];
	CLEANUP_FD int theirs = out[1];
	posix_spawn_file_actions_t files;
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_adddup2(&files, theirs, STDOUT_FILENO);
	int r = posix_spawnp(&pid, argv[0], &files, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&files);
	fd_drop(&theirs);
	if (r)
		return -r;
	ssize_t n = fd_read_full(ours, text, size - 1);
	fd_drop(&ours); /* it may have more to say */
	TEMP_FAILURE_RETRY(waitpid(pid, NULL, 0));
	if (n >= 0)
		text[n] = '\0';
	return n;
}

int resolve_address(const char *name, char ret[static INET6_ADDRSTRLEN])
{
	char text[4096], *rest = text, found[INET6_ADDRSTRLEN] = "";
	int best = family_of(name);
	if (best || *name == '-') {
		snprintf(ret, INET6_ADDRSTRLEN, "%s", name);
		return best ? 0 : -ENOENT;
	}
	ssize_t n = ask(name, text, sizeof(text));
	if (n < 0)
		return (int)n;
	for (char *line; best != 4 && (line = strsep(&rest, "\n"));) {
		line[strcspn(line, " ")] = '\0';
		int family = family_of(line);
		if (family != 4 && best)
			continue;
		snprintf(found, sizeof(found), "%s", line);
		best = family;
	}
	if (!best)
		return -ENOENT;
	memcpy(ret, found, sizeof(found));
	return 0;
}
