/* SPDX-License-Identifier: Apache-2.0 */
/* Files below --runroot/execs. Read exec_record.h first. */
#include "api/exec_record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "linux/pidfd.h"

#define FOLDER "execs"
enum { RECORD_MAX = 4 << 20, KEPT_SECONDS = 600, ASKED_FIELDS = 11 };

#define F(member, name, type, ...) FIELD(struct exec_record, member, name, type, ##__VA_ARGS__)
static const struct field fields[] = {
	F(attach_stdin, "AttachStdin", FIELD_BOOL),
	F(attach_stdout, "AttachStdout", FIELD_BOOL),
	F(attach_stderr, "AttachStderr", FIELD_BOOL),
	F(tty, "Tty", FIELD_BOOL),
	F(privileged, "Privileged", FIELD_BOOL),
	F(detach_keys, "DetachKeys", FIELD_STR),
	F(user, "User", FIELD_STR),
	F(workdir, "WorkingDir", FIELD_STR),
	F(env, "Env", FIELD_STRV),
	F(args, "Cmd", FIELD_STRV),
	F(console_size, "ConsoleSize", FIELD_NUMBERS),
	/* Ours, from here on. */
	F(container, "ContainerID", FIELD_STR),
	F(started, "Started", FIELD_BOOL),
	F(ended, "Ended", FIELD_BOOL),
	F(exit_code, "ExitCode", FIELD_I64),
	F(pid, "Pid", FIELD_I64),
	F(holder, "Holder", FIELD_I64),
	F(holder_start, "HolderStart", FIELD_I64),
	F(pty, "Pty", FIELD_I64),
	F(ended_at, "EndedAt", FIELD_I64),
};
#undef F
static const struct shape exec_record_shape = SHAPE(struct exec_record, fields);
const struct shape exec_asked_shape = {sizeof(struct exec_record), fields, ASKED_FIELDS};

/* Old ones are told by the time of their files. */
void exec_records_sweep(struct engine *en)
{
	struct stat st;
	struct dirent *entry;
	time_t now = time(NULL);
	CLEANUP_FD int folder =
		openat(en->run_fd, FOLDER, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	CLEANUP_DIR DIR *d = folder < 0 ? NULL : dir_stream(folder);
	while (d && (entry = dir_next(d))) {
		CLEANUP_ARENA struct arena a = {0};
		struct exec_record x = {0};
		struct err ignored;
		char *text;
		size_t len;
		if (fstatat(folder, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    now - st.st_mtime < KEPT_SECONDS)
			continue;
		bool readable = file_read(folder, entry->d_name, RECORD_MAX, &a, &text, &len,
					  &ignored) >= 0 &&
				shape_parse(&exec_record_shape, text, len, &x, &a, &ignored) == 0;
		CLEANUP_FD int holder = pidfd_of_started((pid_t)x.holder, (uint64_t)x.holder_start);
		if (!readable || holder < 0)
			unlinkat(folder, entry->d_name, 0);
	}
}

static int open_folder(struct engine *en, struct err *e)
{
	if (mkdirat(en->run_fd, FOLDER, 0700) < 0 && errno != EEXIST)
		return err_errno(e, errno, "cannot make a folder for execs");
	return dir_open(en->run_fd, FOLDER, e);
}

int exec_record_write(struct engine *en, const char *id, const struct exec_record *x,
		      struct arena *a, struct err *e)
{
	const char *text = shape_print(&exec_record_shape, x, false, a);
	CLEANUP_FD int folder = open_folder(en, e);
	return folder < 0 ? folder : file_replace(folder, id, text, strlen(text), false, e);
}

int exec_record_make(struct engine *en, const struct exec_record *x, struct arena *a,
		     char ret_id[ID_LEN + 1], struct err *e)
{
	CLEANUP_FD int folder = open_folder(en, e);
	if (folder < 0)
		return folder;
	id_new(ret_id);
	return exec_record_write(en, ret_id, x, a, e);
}

int exec_record_find(struct engine *en, const char *id, struct arena *a, struct exec_record *ret,
		     struct err *e)
{
	char *text;
	size_t len;
	*ret = (struct exec_record){0};
	bool valid = strlen(id) == ID_LEN && id_is_hex(id, ID_LEN);
	CLEANUP_FD int folder =
		valid ? openat(en->run_fd, FOLDER, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	if (folder < 0 || file_read(folder, id, RECORD_MAX, a, &text, &len, e) < 0)
		return err_set(e, ENOENT, ERR_NOT_FOUND, "No such exec instance: %s", id);
	int r = shape_parse(&exec_record_shape, text, len, ret, a, e);
	if (r < 0)
		return err_context(e, "exec %.12s", id);
	/* Who would have told its end was killed. */
	CLEANUP_FD int holder =
		ret->started && !ret->ended
			? pidfd_of_started((pid_t)ret->holder, (uint64_t)ret->holder_start)
			: -1;
	if (ret->started && !ret->ended && holder < 0) {
		ret->ended = true;
		ret->exit_code = 255;
	}
	return 0;
}

int exec_record_take(struct engine *en, const char *id, struct arena *a, struct exec_record *ret,
		     struct err *e)
{
	uint64_t start = 0;
	CLEANUP_FD int folder = open_folder(en, e);
	if (folder < 0)
		return folder;
	/* Of two that come at once one is the first. */
	flock(folder, LOCK_EX);
	int r = exec_record_find(en, id, a, ret, e);
	if (r == 0 && ret->started)
		r = err_set(e, EALREADY, ERR_CONFLICT,
			    ret->ended ? "Error: Exec command %s has already run"
				       : "Error: Exec command %s is already running",
			    id);
	if (r < 0)
		return r;
	pidfd_start_time(getpid(), &start);
	ret->started = true;
	ret->holder = getpid();
	ret->holder_start = (int64_t)start;
	return exec_record_write(en, id, ret, a, e);
}
