/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files as tars: /containers/ID/archive (docker cp) and /export. Paths are resolved in the
 * container (engine/files.h). Read api.h first.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/handlers.h"
#include "base/base64.h"
#include "base/cleanup.h"
#include "base/event.h"
#include "base/json.h"
#include "engine/files.h"

#define TAR "application/x-tar"

struct source {
	struct file_space space;
	struct file_place place;
};

static void source_close(struct source *s)
{
	fd_drop(&s->place.folder);
	file_space_close(&s->space);
}
#define SOURCE_NONE                                                                                \
	{                                                                                          \
		.space = FILE_SPACE_NONE, .place = {.folder = -1 }                                 \
	}

static int source_open(struct call *c, struct source *s, bool target, struct err *e)
{
	const char *path = param(c, "path");
	if (!path)
		return err_set(e, EINVAL, ERR_INVALID, "bad parameter: path cannot be empty");
	path = *path == '/' ? path : arena_printf(c->a, "/%s", path);
	int r = file_space_container(c->en, c->arg, c->a, &s->space, e);
	if (r == 0)
		r = target ? file_find_target(&s->space, path, c->a, &s->place, e)
			   : file_find_source(&s->space, path, false, c->a, &s->place, e);
	if (r == -ENOENT && e->kind != ERR_NOT_FOUND)
		e->kind = ERR_NOT_FOUND;
	/* docker's client puts the name of its copy before what begins with a slash. */
	if (r == 0 && !path[strspn(path, "/")]) {
		s->place.base = "/";
		s->place.content = false;
	}
	return r;
}

/* Go's os.FileMode. */
static uint32_t go_mode(mode_t mode)
{
	static const struct {
		mode_t is;
		uint32_t bits;
	} kinds[] = {{S_IFDIR, 1U << 31},  {S_IFLNK, 1U << 27}, {S_IFIFO, 1U << 25},
		     {S_IFSOCK, 1U << 24}, {S_IFBLK, 1U << 26}, {S_IFCHR, 1U << 26 | 1U << 21}};
	uint32_t bits = mode & 0777;
	bits |= mode & S_ISUID ? 1U << 23 : 0;
	bits |= mode & S_ISGID ? 1U << 22 : 0;
	bits |= mode & S_ISVTX ? 1U << 20 : 0;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if ((mode & S_IFMT) == kinds[i].is)
			bits |= kinds[i].bits;
	return bits;
}

/* Where the links end that begin at @s, as a path in the container; where nothing is, what the
 * first of them says. */
static const char *link_target(struct call *c, const struct source *s)
{
	const struct file_place *p = &s->place;
	struct file_place end = {.folder = -1};
	char link[4096];
	int r = file_find_source(&s->space, p->path, true, c->a, &end, ERR_IGNORED);
	fd_drop(&end.folder);
	if (r == 0)
		return end.path;
	ssize_t n = readlinkat(p->folder, p->name, link, sizeof(link) - 1);
	link[n > 0 ? n : 0] = '\0';
	return *link == '/' ? arena_strdup(c->a, link)
			    : arena_printf(c->a, "%.*s/%s", (int)(strrchr(p->path, '/') - p->path),
					   p->path, link);
}

/* The header that docker's client wants before the tar. */
static int stat_header(struct call *c, const struct source *s, char **ret, struct err *e)
{
	const struct file_place *p = &s->place;
	struct stat st;
	if (fstatat(p->folder, p->name, &st, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) < 0)
		return err_errno(e, errno, "cannot look at %s", p->base);
	CLEANUP_JSON struct json_object *o = json_object_new_object();
	json_add_string(o, "name", p->base);
	json_add_int(o, "size", st.st_size);
	json_add_int(o, "mode", go_mode(st.st_mode));
	json_add_time(o, "mtime", st.st_mtim.tv_sec * INT64_C(1000000000) + st.st_mtim.tv_nsec);
	json_add_string(o, "linkTarget", S_ISLNK(st.st_mode) ? link_target(c, s) : "");
	*ret = arena_printf(
		c->a, "X-Docker-Container-Path-Stat: %s\r\n",
		base64_encode(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN), c->a));
	return 0;
}

int archive_stat(struct call *c, struct err *e)
{
	CLEANUP(source_close) struct source s = SOURCE_NONE;
	char *header;
	int r = source_open(c, &s, false, e);
	if (r == 0)
		r = stat_header(c, &s, &header, e);
	if (r < 0)
		return r;
	http_begin(c->http, 200, TAR, header);
	c->http->streaming = false; /* HEAD has no body */
	return 0;
}

int archive_get(struct call *c, struct err *e)
{
	CLEANUP(source_close) struct source s = SOURCE_NONE;
	const struct file_copy copy = {.keep_owner = true};
	struct http_pipe pipe;
	char *header;
	int r = source_open(c, &s, false, e);
	if (r == 0)
		r = stat_header(c, &s, &header, e);
	if (r == 0)
		r = http_pipe_open(c->http, TAR, header, HTTP_BODY_SECONDS, &pipe, e);
	if (r < 0)
		return r;
	r = http_pipe_end(c->http, TAR, header, &pipe,
			  file_pack(c->en, &s.place, pipe.fd, &copy, e));
	if (r == 0)
		event_container(&c->en->db, e, s.space.id, "archive-path", NULL);
	return r;
}

int archive_put(struct call *c, struct err *e)
{
	CLEANUP(source_close) struct source s = SOURCE_NONE;
	const struct file_copy copy = {.keep_owner = true};
	int r = source_open(c, &s, true, e);
	if (r == 0 && !s.place.exists)
		r = err_set(e, ENOENT, ERR_NOT_FOUND, "Could not find the file %s in container %s",
			    param(c, "path"), c->arg);
	if (r == 0 && !s.place.is_folder)
		r = err_set(e, ENOTDIR, ERR_INVALID, "extraction point is not a directory");
	if (r < 0)
		return r;
	CLEANUP_FD int body = http_body_fd(c->http, HTTP_BODY_SECONDS, e);
	r = body < 0 ? body : file_unpack(c->en, body, &s.place, &copy, e);
	if (r < 0)
		return r;
	event_container(&c->en->db, e, s.space.id, "extract-to-dir", NULL);
	return answer_nothing(c, 200);
}

int container_do_export(struct call *c, struct err *e)
{
	const struct file_copy none = {0};
	struct http_pipe pipe;
	int r = http_pipe_open(c->http, TAR, "", HTTP_BODY_SECONDS, &pipe, e);
	return r < 0 ? r
		     : http_pipe_end(c->http, TAR, "", &pipe,
				     container_export(c->en, c->arg, pipe.fd, &none, e));
}
