/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Find the command in PATH and become it.
 */
#ifndef HULL_INIT_EXEC_H
#define HULL_INIT_EXEC_H

/*
 * Execute command[0] as execvpe(3) of glibc does; command[-1] must exist and may be overwritten.
 * Returns only on failure: the negative errno. -ENOENT also if the file is there and its
 * interpreter is not: exec_explain() tells them apart.
 */
int exec_command(char **command, char **envp);

/* Say on standard error why exec_command() failed. Returns the exit code a shell would have. */
int exec_explain(char **command, char **envp, int error);

#endif
