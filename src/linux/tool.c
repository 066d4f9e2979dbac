/* SPDX-License-Identifier: Apache-2.0 */
/* Read tool.h first. */
#include "linux/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "linux/shared_child.h"

static const char *const program_folders[] = {"/usr/sbin", "/sbin", "/usr/local/sbin", "/usr/bin"};

bool tool_find(const char *name, char *path, size_t size)
{
	for (size_t i = 0; i < ARRAY_LEN(program_folders); i++) {
		snprintf(path, size, "%s/%s", program_folders[i], name);
		if (access(path, X_OK) == 0)
			return true;
	}
	return false;
}

struct program {
	const char *path;
	char *const *argv;
	int dirfd, output;
	int error; /* why it could not be executed */
};

static void execute(void *arg)
{
	struct program *p = arg;
	char *none[] = {NULL};
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (fchdir(p->dirfd) == 0 && dup2(p->output, STDOUT_FILENO) >= 0 &&
	    dup2(p->output, STDERR_FILENO) >= 0)
		execve(p->path, p->argv, none);
	p->error = errno;
}

int tool_run(int dirfd, char *const *argv, const char *package, struct err *e)
{
	const char *name = argv[0];
	char path[64], said[256];
	int pipe[2], status;
	size_t len = 0;
	if (!tool_find(name, path, sizeof(path))) {
		err_set(e, ENOENT, ERR_SYSTEM, "there is no program %s", name);
		return err_hint(e, "install the package %s", package);
	}
	if (pipe2(pipe, O_CLOEXEC) < 0)
		return err_errno(e, errno, "cannot run %s", name);
	CLEANUP_FD int source = pipe[0];
	struct program p = {path, argv, dirfd, pipe[1], 0};
	pid_t pid = shared_child(execute, &p);
	close(pipe[1]);
	if (pid < 0)
		return err_errno(e, pid, "cannot run %s", name);
	for (ssize_t n;
	     (n = TEMP_FAILURE_RETRY(read(source, said + len, sizeof(said) - 1 - len))) > 0;)
		len = len + (size_t)n < sizeof(said) - 1 ? len + (size_t)n : 0;
	said[len] = '\0';
	if (TEMP_FAILURE_RETRY(waitpid(pid, &status, 0)) < 0)
		return err_errno(e, errno, "cannot wait for %s", name);
	if (p.error)
		return err_errno(e, p.error, "cannot run %s", path);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	err_set(e, EIO, ERR_SYSTEM, "%s failed: %s", name, said);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -EIO;
}
