// SPDX-License-Identifier: Apache-2.0
/*
 * Find the command in PATH and become it: execve(2), execvp(3).
 *
 * A name with a slash is a path. Any other is tried in each folder of PATH; what is not there is
 * passed over, what may not be executed is remembered. A file the kernel does not know (ENOEXEC)
 * is given to /bin/sh, as execvp does: tini and dumb-init users have scripts without "#!".
 *
 * Invariant: runs in the child only, so it may spend stack and change argv.
 */
#include <asm/errno.h>
#include <linux/limits.h>

#include "exec.h"
#include "init.h"
#include "sys.h"
#include "text.h"

/* What docker gives an image without a PATH. */
static const char default_path[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

static const char *search_path(char **envp)
{
	const char *path = text_env(envp, "PATH");

	return path ? path : default_path;
}

static int run(char *path, char **command, char **envp)
{
	static const char shell[] = "/bin/sh";
	int error = (int)sys_execve(path, command, envp);

	if (error != -ENOEXEC)
		return error;
	command[-1] = (char *)(uintptr_t)shell;
	command[0] = path;
	sys_execve(shell, command - 1, envp);
	return -ENOEXEC;
}

/*
 * Write the first folder of *path, a slash and name to file; *path moves behind the folder's
 * colon, or becomes NULL after the last. An empty folder is the current one.
 */
static bool next_candidate(const char **path, const char *name, char file[PATH_MAX])
{
	const char *from = *path;
	size_t used = 0;
	bool fits = true;

	for (; *from && *from != ':'; from++) {
		fits = fits && used < PATH_MAX - 1;
		if (fits)
			file[used++] = *from;
	}
	*path = *from ? from + 1 : NULL;
	if (used > 0 && fits)
		file[used++] = '/';
	fits = fits && used + text_length(name) < PATH_MAX;
	if (fits)
		memcpy(file + used, name, text_length(name) + 1);
	return fits;
}

static bool is_missing(int error)
{
	return error == -ENOENT || error == -ENOTDIR || error == -ENODEV || error == -ESTALE ||
	       error == -ETIMEDOUT;
}

static bool has_slash(const char *name)
{
	return *text_basename(name) == '\0' || text_basename(name) != name;
}

int exec_command(char **command, char **envp)
{
	char *name = command[0];
	char file[PATH_MAX];
	int result = -ENOENT;

	if (!*name)
		return -ENOENT;
	if (has_slash(name))
		return run(name, command, envp);
	for (const char *path = search_path(envp); path;) {
		int error;

		if (!next_candidate(&path, name, file))
			continue;
		error = run(file, command, envp);
		if (error == -EACCES)
			result = error;
		else if (!is_missing(error))
			return error;
	}
	return result;
}

static void explain_missing(const char *name, char **envp)
{
	if (!has_slash(name))
		text_say("cannot run ", *name ? name : "\"\"", ": not found in PATH (",
			 search_path(envp), "); check the name, or give the file's full path",
			 NULL);
	else if (sys_access(name) == 0)
		text_say("cannot run ", name,
			 ": the file exists, but its interpreter (the \"#!\" "
			 "line or the dynamic loader) does not; install that",
			 NULL);
	else
		text_say("cannot run ", name, ": no such file or directory; check the path", NULL);
}

int exec_explain(char **command, char **envp, int error)
{
	char buffer[TEXT_NUMBER_SIZE + 6];
	const char *hint = "";

	if (error == -ENOENT || error == -ENOTDIR) {
		explain_missing(command[0], envp);
		return INIT_EXIT_NOT_FOUND;
	}
	if (error == -EACCES)
		hint = "; make it an executable file (chmod +x) this user may run, on a mount "
		       "without noexec";
	if (error == -ENOEXEC)
		hint = "; it was built for another architecture, or is a script without \"#!\" "
		       "and there is no /bin/sh";
	text_say("cannot run ", command[0], ": ", text_error(-error, buffer), hint, NULL);
	return INIT_EXIT_NOT_EXECUTABLE;
}
