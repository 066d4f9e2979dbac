/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a container has from outside is not in its images: they have a name for it, by which a
 * restore says what it is now. A bind mount is called by its destination in config.json, a masked
 * file /dev/null, a joined namespace as by runc, a pipe among the standard streams as it was in
 * /proc/PID/fd (descriptors.json beside the images, as by runc). Read criu.h first.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/json.h"
#include "base/path.h"
#include "linux/mount.h"
#include "linux/namespaces.h"
#include "oci/criu.h"
#include "oci/notify.h"

#define STREAMS_FILE "descriptors.json"
enum { STREAMS_FILE_MAX = 1 << 16, STREAMS = 3 };

/* Where @path leads in the root of @pid, "" if nowhere, and what is there. */
static void look_inside(pid_t pid, const char *path, char at[static PATH_MAX], struct stat *st)
{
	char link[32];
	snprintf(link, sizeof(link), "/proc/%d/root", (int)pid);
	CLEANUP_FD int root = open(link, O_PATH | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_FD int fd = root < 0 ? -1 : path_open_in_root(root, path, O_PATH, 0);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t n = fd < 0 || fstat(fd, st) < 0 ? -1 : readlink(link, at, PATH_MAX - 1);
	at[n > 0 ? n : 0] = '\0';
}

const char *criu_bind_source(const struct oci_mount *m, const char *bundle, struct arena *a)
{
	struct mount_options o;
	bool bind = (m->type && !strcmp(m->type, "bind")) ||
		    (mount_options_parse(&m->options, &o, ERR_IGNORED) == 0 && o.bind);
	if (!bind || !m->source)
		return NULL;
	return *m->source == '/' ? m->source : arena_printf(a, "%s/%s", bundle, m->source);
}

static void dump_mounts(struct criu_call *c, const struct oci_spec *s, const char *bundle,
			pid_t pid, struct arena *a)
{
	const struct oci_mount *m = s->mounts.items;
	const struct strv *masked = &s->linux_.masked_paths;
	char at[PATH_MAX];
	struct stat st;
	for (size_t i = 0; i < s->mounts.count; i++) {
		look_inside(pid, m[i].destination, at, &st);
		if (*at && criu_bind_source(&m[i], bundle, a))
			criu_pair(c, CRIU_EXT_MNT, at, path_clean(a, m[i].destination));
	}
	for (size_t i = 0; i < masked->count; i++) {
		look_inside(pid, masked->items[i], at, &st);
		if (*at && !S_ISDIR(st.st_mode))
			criu_pair(c, CRIU_EXT_MNT, at, "/dev/null");
	}
	criu_pair(c, CRIU_EXT_MNT, NOTIFY_INSIDE, NOTIFY_INSIDE);
}

static void restore_mounts(struct criu_call *c, const struct oci_spec *s, const char *bundle,
			   struct arena *a)
{
	const struct oci_mount *m = s->mounts.items;
	for (size_t i = 0; i < s->mounts.count; i++) {
		const char *from = criu_bind_source(&m[i], bundle, a);
		if (from)
			criu_pair(c, CRIU_EXT_MNT, path_clean(a, m[i].destination), from);
	}
}

/* They are the host's, mounted, where a user namespace may make none. */
static void name_devices(struct criu_call *c, const struct oci_spec *s)
{
	static const char *const always[] = {"/dev/null",   "/dev/zero",    "/dev/full",
					     "/dev/random", "/dev/urandom", "/dev/tty"};
	const struct oci_device *more = s->linux_.devices.items;
	for (size_t i = 0; i < ARRAY_LEN(always); i++)
		criu_pair(c, CRIU_EXT_MNT, always[i], always[i]);
	for (size_t i = 0; i < s->linux_.devices.count; i++)
		criu_pair(c, CRIU_EXT_MNT, more[i].path, more[i].path);
}

/* Two kinds criu can leave alone; the others are dumped, and joined in the place of what was. */
static int name_namespace(struct criu_call *c, const struct namespace_kind *kind, const char *path,
			  pid_t pid, struct err *e)
{
	const char *key = !strcmp(kind->file, "net")   ? "extRootNetNS"
			  : !strcmp(kind->file, "pid") ? "extRootPidNS"
						       : NULL;
	char text[64];
	struct stat st;
	if (!key) {
		if (!pid)
			criu_pair(c, CRIU_JOIN_NS, kind->file, path);
		return 0;
	}
	if (!pid) {
		int fd = namespace_open(kind, path, e);
		return fd < 0 ? fd : criu_inherit(c, key, fd, e);
	}
	snprintf(text, sizeof(text), "/proc/%d/ns/%s", (int)pid, kind->file);
	if (stat(text, &st) < 0)
		return err_errno(e, errno, "cannot look at %s", text);
	snprintf(text, sizeof(text), "%s[%llu]:%s", kind->file, (unsigned long long)st.st_ino, key);
	criu_text(c, CRIU_EXTERNAL, text);
	return 0;
}

static int dump_streams(const struct criu_call *c, pid_t pid, struct arena *a, struct err *e)
{
	struct strv names = {0};
	char at[PATH_MAX];
	for (int i = 0; i < STREAMS; i++) {
		ssize_t n = readlink(arena_printf(a, "/proc/%d/fd/%d", (int)pid, i), at, PATH_MAX);
		strv_push(a, &names, arena_strndup(a, at, n > 0 ? (size_t)n : 0));
	}
	CLEANUP_JSON struct json_object *list = json_of_strv(&names);
	const char *text = json_object_to_json_string(list);
	return file_replace(c->images, STREAMS_FILE, text, strlen(text), false, e);
}

static int restore_streams(struct criu_call *c, struct arena *a, struct err *e)
{
	CLEANUP_JSON struct json_object *list = NULL;
	char *text;
	size_t len;
	int r = file_read(c->images, STREAMS_FILE, STREAMS_FILE_MAX, a, &text, &len, e);
	if (r == 0)
		r = json_parse(text, len, &list, e);
	if (r < 0)
		return err_context(e, "the checkpoint");
	bool is_list = json_object_is_type(list, json_type_array);
	for (size_t i = 0; r == 0 && is_list && i < STREAMS; i++) {
		const char *name = json_object_get_string(json_object_array_get_idx(list, i));
		bool pipe = name && !strncmp(name, "pipe:", strlen("pipe:"));
		int fd = pipe ? fcntl((int)i, F_DUPFD_CLOEXEC, STREAMS) : -1;
		if (fd >= 0)
			r = criu_inherit(c, name, fd, e);
	}
	return r;
}

int criu_outside(struct criu_call *c, const struct oci_spec *s, const char *bundle, pid_t pid,
		 struct arena *a, struct err *e)
{
	const struct oci_namespace *n = s->linux_.namespaces.items;
	int r = 0;
	for (size_t i = 0; r == 0 && i < s->linux_.namespaces.count; i++) {
		const struct namespace_kind *kind = namespace_find(n[i].type);
		if (kind && n[i].path && *n[i].path)
			r = name_namespace(c, kind, n[i].path, pid, e);
	}
	if (r < 0 || c->request == CRIU_PRE_DUMP)
		return r;
	name_devices(c, s);
	if (pid)
		dump_mounts(c, s, bundle, pid, a);
	else
		restore_mounts(c, s, bundle, a);
	return pid ? dump_streams(c, pid, a, e) : restore_streams(c, a, e);
}
