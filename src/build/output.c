/* SPDX-License-Identifier: Apache-2.0 */
/*
 * build --output: the tree that the target has come to, as a tar or as files in a folder, by
 * hull-unpack's way out and in. Such a build makes no image; its layers stay as its cache.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "build/internal.h"

static int write_folder(struct build *b, int tree, const char *path, struct err *e)
{
	CLEANUP_JOB struct unpack_job out = UNPACK_JOB_NONE, in = UNPACK_JOB_NONE;
	static const struct unpack_events none;
	int pipe[2];
	int r = dir_make(AT_FDCWD, path, 0755, e);
	CLEANUP_FD int folder = r < 0 ? r : dir_open(AT_FDCWD, path, e);
	if (folder < 0)
		return folder;
	if (pipe2(pipe, O_CLOEXEC) < 0)
		return err_errno(e, errno, "cannot make a pipe");
	CLEANUP_FD int from = pipe[0];
	CLEANUP_FD int to = pipe[1];
	r = unpack_start_pack(&out, b->en->libexec, tree, "", "", 0, to, e);
	fd_drop(&to);
	if (r == 0)
		r = unpack_start_into(&in, b->en->libexec, from, folder, "", NULL, e);
	fd_drop(&from);
	return r < 0 ? r : unpack_finish_pair(&out, &in, &none, e);
}

static int write_tar(struct build *b, int tree, int to, struct err *e)
{
	CLEANUP_JOB struct unpack_job job = UNPACK_JOB_NONE;
	static const struct unpack_events none;
	int r = unpack_start_pack(&job, b->en->libexec, tree, "", "", 0, to, e);
	return r < 0 ? r : unpack_finish(&job, &none, e);
}

int output_write(struct build *b, struct err *e)
{
	const struct build_request *q = b->q;
	CLEANUP_FD int tree = layer_mount(b, b->target, NULL, e);
	int r = tree < 0                 ? tree
		: q->output == BUILD_TAR ? write_tar(b, tree, q->output_fd, e)
					 : write_folder(b, tree, q->output_dir, e);
	if (r < 0)
		return err_context(e, "--output");
	return b->row_count ? build_commit(b, NULL, e) : 0;
}
