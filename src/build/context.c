/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a build reads before it begins: the context, a folder or a tar on standard input, its
 * Dockerfile and .dockerignore. Read internal.h first.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/path.h"
#include "build/copy_internal.h"
#include "build/internal.h"

static int read_stdin(struct arena *a, char **ret, size_t *ret_len, struct err *e)
{
	CLEANUP_STRBUF struct strbuf text = STRBUF_MAX(DOCKERFILE_MAX);
	ssize_t n;
	char buf[4096];
	while ((n = TEMP_FAILURE_RETRY(read(STDIN_FILENO, buf, sizeof(buf)))) > 0)
		strbuf_add(&text, buf, (size_t)n);
	if (n < 0 || !strbuf_ok(&text))
		return n < 0 ? err_errno(e, errno, "cannot read the Dockerfile from stdin")
			     : err_set(e, EFBIG, ERR_INVALID,
				       "the Dockerfile on stdin is too large");
	*ret = arena_strndup(a, strbuf_text(&text), text.len);
	*ret_len = text.len;
	return 0;
}

/* In the context a link may not lead out of it; elsewhere the user says what he wants. */
static int open_in_context(const struct build *b, const char *name)
{
	int from = b->sent >= 0 ? b->sent : b->context;
	return from < 0 ? -ENOENT : path_open_in_root(from, name, O_RDONLY, 0);
}

static int read_open(struct arena *a, int fd, const char *name, size_t max, char **ret,
		     size_t *ret_len, struct err *e)
{
	char self[32];
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	int r = file_read(AT_FDCWD, self, max, a, ret, ret_len, e);
	return r < 0 ? err_set(e, -r, ERR_INVALID, "cannot read %s: %s", name, err_errno_text(-r))
		     : 0;
}

int build_read_dockerfile(struct build *b, char **ret, size_t *ret_len, struct err *e)
{
	const char *name = b->q->file;
	b->file.name = name && strcmp(name, "-") ? name : "Dockerfile";
	if (b->stdin_text >= 0)
		return read_open(b->a, b->stdin_text, "stdin", DOCKERFILE_MAX, ret, ret_len, e);
	if (name && !strcmp(name, "-"))
		return read_stdin(b->a, ret, ret_len, e);
	/* Then it is in the context, or comes with it. */
	bool remote = !b->q->context || !strcmp(b->q->context, "-");
	if (name && !remote)
		return file_read_named(name, DOCKERFILE_MAX, b->a, ret, ret_len, e);
	CLEANUP_FD int fd = open_in_context(b, name ? name : "Dockerfile");
	if (fd == -ENOENT && !name) {
		fd = open_in_context(b, "Containerfile");
		if (fd >= 0)
			b->file.name = "Containerfile";
	}
	if (fd < 0) {
		err_set(e, ENOENT, ERR_NOT_FOUND,
			"failed to read dockerfile: there is no %s in the context %s", b->file.name,
			b->q->context ?: "of the client");
		return err_hint(e, "name it by -f");
	}
	return read_open(b->a, fd, b->file.name, DOCKERFILE_MAX, ret, ret_len, e);
}

/* Of the client's context alone, as it says what of that is to be sent. */
static int fetch_ignore(struct build *b, struct err *e)
{
	struct strv wanted = {0};
	strv_push(b->a, &wanted, ".dockerignore");
	int folder = client_fetch(b, ".dockerignore", "context", &wanted, NULL, e);
	if (folder < 0)
		return folder;
	close(b->sent);
	b->sent = folder;
	return 0;
}

/* NAME.dockerignore, beside the Dockerfile, goes before .dockerignore in the context. Both are the
 * context's own unless -f names a file beside a context that is a folder. */
int build_read_ignore(struct build *b, struct err *e)
{
	bool beside = b->q->file && b->q->context && strcmp(b->q->context, "-");
	const char *name = b->q->file ? b->q->file : "Dockerfile";
	char *text = NULL;
	if (b->context < 0 && b->sent < 0)
		return 0;
	char *own = arena_printf(b->a, "%s.dockerignore", name);
	if (beside && strcmp(name, "-") &&
	    file_read(AT_FDCWD, own, IGNORE_FILE_MAX, b->a, &text, NULL, ERR_IGNORED) < 0)
		text = NULL;
	CLEANUP_FD int fd = text ? -1 : beside ? -ENOENT : open_in_context(b, own);
	int r = 0;
	if (!text && fd < 0 && b->sent >= 0)
		r = fetch_ignore(b, e);
	if (!text && fd < 0 && r == 0)
		fd = open_in_context(b, ".dockerignore");
	if (r == 0 && fd >= 0)
		r = read_open(b->a, fd, ".dockerignore", IGNORE_FILE_MAX, &text, NULL, e);
	if (r == 0 && text)
		ignore_parse(text, b->a, &b->ignore);
	return r;
}

int build_scratch(struct build *b, struct err *e)
{
	int r = b->staging.fd >= 0 ? 0 : stage_open(&b->staging, &b->en->images, e);
	if (r < 0)
		return r;
	CLEANUP_FD int fd =
		openat(b->staging.fd, "scratch", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return fd < 0 || unlinkat(b->staging.fd, "scratch", 0) < 0
		       ? err_errno(e, errno, "cannot keep the context")
		       : fd_steal(&fd);
}

int build_context_folder(struct build *b, const char *name, struct err *e)
{
	CLEANUP_FD int fd = stage_make_dir(&b->staging, name, e);
	if (fd >= 0 && fchmod(fd, 0755) < 0)
		return err_errno(e, errno, "cannot make a folder for the context");
	return fd_steal(&fd);
}

/* All of it, as nobody knows what it is before it has begun. */
static int keep_stdin(struct build *b, struct err *e)
{
	char buf[64 << 10];
	ssize_t n;
	int r;
	CLEANUP_FD int fd = build_scratch(b, e);
	if (fd < 0)
		return fd;
	while ((n = TEMP_FAILURE_RETRY(read(STDIN_FILENO, buf, sizeof(buf)))) > 0)
		if ((r = fd_write_full(fd, buf, (size_t)n)) < 0)
			return err_errno(e, r, "cannot keep the context");
	if (n < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return err_errno(e, errno, "cannot read the context from stdin");
	return fd_steal(&fd);
}

/* "-": a tar that is a context, or a Dockerfile without one. */
static int context_of_stdin(struct build *b, struct err *e)
{
	static const struct unpack_events none;
	CLEANUP_JOB struct unpack_job job = UNPACK_JOB_NONE;
	CLEANUP_FD int fd = keep_stdin(b, e);
	int r = fd < 0 ? fd : copy_is_archive(fd);
	if (r <= 0) {
		b->stdin_text = r < 0 ? -1 : fd_steal(&fd);
		return r;
	}
	b->context = build_context_folder(b, "context", e);
	r = b->context < 0 ? b->context
			   : unpack_start_into(&job, b->en->libexec, fd, b->context, "", NULL, e);
	if (r == 0)
		r = unpack_finish(&job, &none, e);
	return r < 0 ? err_context(e, "the context on stdin") : 0;
}

/* With its own .dockerignore, as the context. */
static int open_named(struct build *b, struct named_context *c, struct err *e)
{
	char *text;
	c->folder = -1;
	if (!c->of->folder)
		return 0;
	c->folder = open(c->of->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (c->folder < 0)
		return err_errno(e, errno, "--build-context %s: %s", c->of->name, c->of->folder);
	CLEANUP_FD int fd = path_open_in_root(c->folder, ".dockerignore", O_RDONLY, 0);
	int r = fd < 0 ? 0 : read_open(b->a, fd, ".dockerignore", IGNORE_FILE_MAX, &text, NULL, e);
	if (r == 0 && fd >= 0)
		ignore_parse(text, b->a, &c->ignore);
	return r < 0 ? err_context(e, "--build-context %s", c->of->name) : 0;
}

static int open_all_named(struct build *b, struct err *e)
{
	const struct build_named *all = b->q->contexts.items;
	b->contexts = arena_array(b->a, b->q->contexts.count + 1, sizeof(*b->contexts));
	for (size_t i = 0; i < b->q->contexts.count; i++)
		b->contexts[i] = (struct named_context){.of = &all[i], .folder = -1};
	int r = 0;
	for (size_t i = 0; r == 0 && i < b->q->contexts.count; i++)
		r = open_named(b, &b->contexts[i], e);
	return r;
}

void build_close_contexts(struct build *b)
{
	for (size_t i = 0; b->contexts && i < b->q->contexts.count; i++)
		fd_drop(&b->contexts[i].folder);
	fd_drop(&b->context);
	fd_drop(&b->sent);
}

static bool same_image(struct arena *a, const char *x, const char *y)
{
	struct image_reference one, other;
	struct err ignored;
	return image_reference_parse(x, a, &one, &ignored) == 0 &&
	       image_reference_parse(y, a, &other, &ignored) == 0 &&
	       !strcmp(image_reference_full(&one, a), image_reference_full(&other, a));
}

/* The last one counts; "alpine" is "alpine:latest", too. */
const struct named_context *build_named_context(const struct build *b, const char *name)
{
	for (size_t i = b->contexts ? b->q->contexts.count : 0; i-- > 0;)
		if (!strcasecmp(b->contexts[i].of->name, name) ||
		    same_image(b->a, b->contexts[i].of->name, name))
			return &b->contexts[i];
	return NULL;
}

/* The client has two folders: of the Dockerfile, and the context. */
static int fetch_dockerfile(struct build *b, struct err *e)
{
	const char *name = b->q->file ?: "Dockerfile";
	struct strv wanted = {0};
	strv_push(b->a, &wanted, name);
	strv_push(b->a, &wanted, arena_printf(b->a, "%s.dockerignore", name));
	if (!b->q->file)
		strv_push(b->a, &wanted, "Containerfile");
	b->sent = client_fetch(b, arena_printf(b->a, "build definition from %s", name),
			       "dockerfile", &wanted, NULL, e);
	return b->sent < 0 ? b->sent : 0;
}

int build_context(struct build *b, struct err *e)
{
	if (!b->q->context && !b->fetched) {
		b->context =
			client_fetch(b, "build context", "context", NULL, &b->ignore.patterns, e);
		if (b->context < 0)
			return b->context;
		b->fetched = true;
	}
	return b->context >= 0
		       ? b->context
		       : err_set(e, ENOENT, ERR_INVALID, "there is no build context to copy from");
}

int build_open_context(struct build *b, struct err *e)
{
	if (open_all_named(b, e) < 0)
		return -e->number;
	if (!b->q->context)
		return fetch_dockerfile(b, e);
	if (!strcmp(b->q->context, "-"))
		return b->q->file && !strcmp(b->q->file, "-")
			       ? err_set(e, EINVAL, ERR_INVALID,
					 "invalid argument: can't use stdin for both build context "
					 "and dockerfile")
			       : context_of_stdin(b, e);
	b->context = open(b->q->context, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (b->context >= 0)
		return 0;
	int r = err_errno(e, errno, "unable to prepare context: %s", b->q->context);
	if (strstr(b->q->context, "://") || !strncmp(b->q->context, "git@", 4))
		err_hint(e, "hull fetches no contexts: clone or unpack it first");
	return r;
}
