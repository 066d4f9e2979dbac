/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RUN --mount: detached mounts that a step's container gets (struct container_folder), and what of
 * them counts for its cache key. Nothing of them comes into the layer: what is written into a bind
 * is thrown away, a cache is kept below --root/build/cache, a secret is in a tmpfs that no path
 * leads to. Where their targets did not exist, these are taken out of the layer again. Read
 * step_run.c first.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/path.h"
#include "base/units.h"
#include "build/run.h"
#include "engine/secret.h"
#include "image/digest.h"
#include "linux/mount.h"
#include "linux/overlay.h"

enum { SECRET_MAX = 500 << 10, AGENT_BACKLOG = 16 };

struct spec {
	struct build *b;
	struct build_stage *s;
	struct run *run;
	struct kvs words;
	char *target;
};

static const char *word(const struct spec *m, const char *name)
{
	return kvs_get(&m->words, name);
}

static bool flag(const struct spec *m, const char *name)
{
	const char *value = word(m, name);
	return value && strcmp(value, "false") && strcmp(value, "0");
}

static int wrong(struct err *e, const char *key, const char *value)
{
	return err_set(e, EINVAL, ERR_INVALID, "RUN --mount: invalid value for %s: \"%.100s\"", key,
		       value);
}

static int number(const struct spec *m, const char *key, int base, uint64_t initial, uint64_t *ret,
		  struct err *e)
{
	const char *value = word(m, key);
	char *end;
	*ret = initial;
	if (!value)
		return 0;
	*ret = strtoul(value, &end, base);
	return *value < '0' || *value > '9' || *end || *ret > INT32_MAX ? wrong(e, key, value) : 0;
}

/* Of what is mounted. */
struct owner {
	mode_t mode;
	uid_t uid;
	gid_t gid;
};

static int read_owner(const struct spec *m, mode_t initial, struct owner *ret, struct err *e)
{
	uint64_t mode, uid, gid;
	int r = number(m, "mode", 8, initial, &mode, e);
	if (r == 0)
		r = number(m, "uid", 10, 0, &uid, e);
	if (r == 0)
		r = number(m, "gid", 10, 0, &gid, e);
	if (r == 0)
		*ret = (struct owner){(mode_t)mode & 07777, (uid_t)uid, (gid_t)gid};
	return r;
}

/* ---- the words of one --mount ---- */

/* Names that mean the same. */
static const char *const synonyms[][2] = {
	{"src", "source"},  {"dst", "target"},   {"destination", "target"},
	{"ro", "readonly"}, {"rw", "readwrite"},
};

static const char *const known[] = {"type",      "from",     "source",  "target", "readonly",
				    "readwrite", "id",       "sharing", "mode",   "uid",
				    "gid",       "required", "env",     "size"};

static int take_word(struct spec *m, char *text, struct err *e)
{
	const struct expand x = step_expand(m->b, m->s);
	char *value = strchr(text, '=');
	if (value)
		*value++ = '\0';
	for (size_t i = 0; i < ARRAY_LEN(synonyms); i++)
		if (!strcmp(text, synonyms[i][0]))
			text = (char *)synonyms[i][1];
	bool found = false;
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		found |= !strcmp(text, known[i]);
	if (!found)
		return err_set(e, EINVAL, ERR_INVALID, "RUN --mount: unexpected key '%.64s'", text);
	int r = value ? expand_word(&x, value, &value, e) : 0;
	if (r == 0)
		kvs_set(m->b->a, &m->words, text, value ? value : "true");
	return r;
}

static char *absolute(const struct spec *m, const char *path)
{
	const char *dir = m->s->image.config.working_dir;
	return path_clean(m->b->a, *path == '/' ? path
						: arena_printf(m->b->a, "%s/%s",
							       dir && *dir ? dir : "/", path));
}

static int add_folder(struct spec *m, int mount, bool read_only, struct err *e)
{
	struct container_folder *f;
	if (mount < 0)
		return err_errno(e, mount, "RUN --mount: cannot mount %s", m->target);
	f = array_push(m->b->a, &m->run->folders, sizeof(*f));
	*f = (struct container_folder){m->target, mount, read_only};
	strv_push(m->b->a, &m->run->targets, m->target);
	return 0;
}

/* A new folder in the staging folder, and its name there. */
static int scratch(struct build *b, struct strbuf *name, struct err *e)
{
	int r = b->staging.fd >= 0 ? 0 : stage_open(&b->staging, &b->en->images, e);
	strbuf_printf(name, "scratch-%zu", b->folders++);
	return r < 0 ? r : stage_make_dir(&b->staging, strbuf_text(name), e);
}

/* ---- bind ---- */

/* What is written is thrown away with the staging folder. @path (or NULL): where @lower lies in
 * @mount, which is detached. */
static int writable(struct build *b, int lower, int mount, const char *path, struct err *e)
{
	CLEANUP_STRBUF struct strbuf name = STRBUF_MAX(64);
	CLEANUP_FD int dir = scratch(b, &name, e);
	if (dir < 0)
		return dir;
	if (mkdirat(dir, "upper", 0755) < 0 || mkdirat(dir, "work", 0700) < 0)
		return err_errno(e, errno, "cannot make a folder");
	CLEANUP_FD int upper = openat(dir, "upper", O_PATH | O_CLOEXEC);
	CLEANUP_FD int work = openat(dir, "work", O_PATH | O_CLOEXEC);
	struct overlay o = {.lowers = &lower,
			    .lower_count = 1,
			    .lower_mount = mount,
			    .lower_path = path,
			    .upper = upper,
			    .work = work,
			    .upper_mount = -1,
			    .is_volatile = true};
	return overlay_mount(&o, e);
}

/* What .dockerignore hides does not exist for a bind, too: it is of a copy without that. */
static int copied(struct build *b, struct copy *c, struct err *e)
{
	CLEANUP_STRBUF struct strbuf name = STRBUF_MAX(64);
	CLEANUP_FD int dir = scratch(b, &name, e);
	c->to = "/";
	int r = dir < 0 ? dir : copy_write(c, dir, e);
	const struct copy_source *top = c->sources.items;
	if (r == 0 && fchmod(dir, top->st.st_mode & 07777) < 0)
		r = err_errno(e, errno, "cannot make a folder");
	return r < 0 ? r : openat(dir, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static int bind_context(struct spec *m, const char *source, int context,
			const struct ignore *ignore, struct err *e)
{
	struct build *b = m->b;
	char digest[ID_LEN + 1];
	struct copy c CLEANUP_COPY = {.root = context,
				      .ignore = ignore,
				      .libexec = b->en->libexec,
				      .epoch = -1,
				      .a = b->a};
	if (context < 0)
		return context;
	int r = copy_find(&c, source, e);
	if (r >= 0)
		r = copy_digest(&c, digest, e);
	if (r < 0)
		return r;
	key_add(&m->run->key, digest);
	const struct copy_source *top = c.sources.items;
	struct stat st;
	bool folder = S_ISDIR(top->st.st_mode);
	/* The context's own folder is not always there for everyone to see: see copy_find(). */
	bool as_it_is = !ignore->patterns.count &&
			(*top->path || (fstat(context, &st) == 0 && (st.st_mode & 05) == 05));
	CLEANUP_FD int from =
		folder && !as_it_is ? copied(b, &c, e)
				    : path_open_in_root(context, *source ? source : ".", O_PATH, 0);
	if (from < 0)
		return from;
	if (folder && flag(m, "readwrite"))
		return add_folder(m, writable(b, from, -1, NULL, e), false, e);
	return add_folder(m, mount_clone(from, "", false), true, e);
}

static int mount_bind(struct spec *m, struct err *e)
{
	struct build *b = m->b;
	const char *from = word(m, "from"), *source = word(m, "source");
	char *path = path_clean(b->a, source ? source : "/");
	if (!from)
		return bind_context(m, path + 1, build_context(b, e), &b->ignore, e);
	const struct named_context *context = build_named_context(b, from);
	if (context && context->folder >= 0)
		return bind_context(m, path + 1, context->folder, &context->ignore, e);
	struct build_stage *other = build_find_stage(b, from, m->s->index),
			   image = {.platform = m->s->platform};
	if (!other && build_from_image(b, other = &image, from, e) < 0)
		return -e->number;
	key_add(&m->run->key, other->chain);
	key_add(&m->run->key, path);
	CLEANUP_FD int tree = layer_mount(b, other, NULL, e);
	if (tree < 0)
		return tree;
	if (!strcmp(path, "/") && !flag(m, "readwrite"))
		return add_folder(m, fd_steal(&tree), true, e);
	CLEANUP_FD int at = path_open_in_root(tree, path, O_PATH, 0);
	if (at < 0)
		return err_errno(e, at, "RUN --mount: %s in %s", path, from);
	if (flag(m, "readwrite"))
		return add_folder(m, writable(b, at, tree, path, e), false, e);
	return add_folder(m, mount_clone_elsewhere(-1, tree, path), true, e);
}

/* ---- cache ---- */

static bool holds(const struct spec *m, int dir)
{
	const int *held = m->run->held.items;
	struct stat st, other;
	bool found = false;
	for (size_t i = 0; i < m->run->held.count && fstat(dir, &st) == 0; i++)
		found |= fstat(held[i], &other) == 0 && st.st_ino == other.st_ino;
	return found;
}

/* Its folder is locked while it is used: shared, or alone where that was asked for. Nobody waits
 * for the lock with others in his hands, or two builds could wait for each other: without LOCK_NB
 * in
 * @how it is noted for mounts_blocked(), and the step begins again when it is free. */
static int open_cache(struct spec *m, const char *id, int how, struct err *e)
{
	struct owner o;
	char name[ID_LEN + 1], path[128];
	int r = read_owner(m, 0755, &o, e);
	if (r == 0)
		r = dir_make(m->b->en->root_fd, BUILD_FOLDER "/cache", 0700, e);
	if (r < 0)
		return r;
	digest_sha256(id, strlen(id), name);
	snprintf(path, sizeof(path), BUILD_FOLDER "/cache/%s", name);
	bool fresh = mkdirat(m->b->en->root_fd, path, 0700) == 0;
	CLEANUP_FD int dir = dir_open(m->b->en->root_fd, path, e);
	if (dir < 0)
		return dir;
	if (fresh && (fchown(dir, o.uid, o.gid) < 0 || fchmod(dir, o.mode) < 0))
		return err_errno(e, errno, "cannot make the cache %s", id);
	if (flock(dir, how | LOCK_NB) == 0)
		return fd_steal(&dir);
	if (errno != EWOULDBLOCK)
		return err_errno(e, errno, "cannot lock the cache %s", id);
	if (how & LOCK_NB)
		return -EWOULDBLOCK;
	if (holds(m, dir))
		return err_set(e, EDEADLK, ERR_INVALID,
			       "RUN --mount: the cache %.100s is mounted twice, and locked", id);
	m->s->awaited = fd_steal(&dir);
	m->s->awaited_how = how | LOCK_NB;
	return -EWOULDBLOCK;
}

static int mount_cache(struct spec *m, struct err *e)
{
	const char *id = word(m, "id"), *sharing = word(m, "sharing");
	if (word(m, "from") || word(m, "source"))
		return err_set(e, ENOTSUP, ERR_INVALID,
			       "RUN --mount=type=cache: hull's caches begin empty (from, source)");
	id = id ? id : m->target;
	bool private = sharing && !strcmp(sharing, "private");
	bool locked = sharing && !strcmp(sharing, "locked");
	if (sharing && !private && !locked && strcmp(sharing, "shared"))
		return wrong(e, "sharing", sharing);
	int dir = open_cache(m, id, private ? LOCK_EX | LOCK_NB : locked ? LOCK_EX : LOCK_SH, e);
	for (int i = 2; private && dir == -EWOULDBLOCK; i++)
		dir = open_cache(m, arena_printf(m->b->a, "%s %d", id, i), LOCK_EX | LOCK_NB, e);
	if (dir < 0)
		return dir == -EWOULDBLOCK ? STEP_WAITS : dir;
	/* Held until the step has ended. */
	*(int *)array_push(m->b->a, &m->run->held, sizeof(int)) = dir;
	return add_folder(m, mount_clone(dir, "", false), flag(m, "readonly"), e);
}

/* ---- tmpfs, secrets ---- */

static int mount_tmpfs(struct spec *m, struct err *e)
{
	const char *data[2] = {"mode=1777"};
	size_t count = 1;
	int64_t size;
	const char *text = word(m, "size");
	if (text && size_parse(text, &size) < 0)
		return wrong(e, "size", text);
	if (text)
		data[count++] = arena_printf(m->b->a, "size=%lld", (long long)size);
	int mount =
		mount_new("tmpfs", "tmpfs", data, count, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, e);
	return mount < 0 ? mount : add_folder(m, mount, false, e);
}

/* 1: @ret is what --secret says for @id, 0: nothing does. */
static int find_secret(struct build *b, const char *id, char **ret, size_t *ret_len, struct err *e)
{
	const struct build_secret *secrets = b->q->secrets.items;
	if (b->q->session)
		return client_secret(b, id, ret, ret_len, e);
	for (size_t i = 0; i < b->q->secrets.count; i++) {
		if (strcmp(secrets[i].id, id))
			continue;
		const char *env = secrets[i].env ? secrets[i].env : secrets[i].source ? NULL : id;
		const char *value = env ? secure_getenv(env) : NULL;
		if (env && !value)
			return err_set(e, ENOENT, ERR_NOT_FOUND,
				       "secret %s: the environment has no %s", id, env);
		*ret = (char *)value;
		*ret_len = value ? strlen(value) : 0;
		int r = env ? 0
			    : file_read(AT_FDCWD, secrets[i].source, SECRET_MAX, b->a, ret, ret_len,
					e);
		return r < 0 ? err_context(e, "secret %s", id) : 1;
	}
	return 0;
}

static int secret_file(struct spec *m, const char *text, size_t len, struct err *e)
{
	struct owner o;
	int r = read_owner(m, 0400, &o, e);
	if (r < 0)
		return r;
	int mount = secret_mount(text, len, o.uid, o.gid, o.mode, e);
	return mount < 0 ? mount : add_folder(m, mount, true, e);
}

static int mount_secret(struct spec *m, struct err *e)
{
	const char *id = word(m, "id"), *env = word(m, "env");
	char *text;
	size_t len;
	if (!id && m->target)
		id = strrchr(m->target, '/') + 1;
	if (!id || !*id)
		return err_set(e, EINVAL, ERR_INVALID, "RUN --mount=type=secret: it has no id");
	int r = find_secret(m->b, id, &text, &len, e);
	if (r == 0 && flag(m, "required")) {
		err_set(e, ENOENT, ERR_NOT_FOUND, "secret %.64s: not found", id);
		return err_hint(e, "give it by --secret id=%.64s,src=FILE or ,env=NAME", id);
	}
	if (r <= 0)
		return r;
	if (env && secret_variable_check(id, env, e) < 0)
		return -EINVAL;
	if (env)
		strv_set_env(m->b->a, &m->run->secrets, arena_printf(m->b->a, "%s=%s", env, text));
	if (env && !word(m, "target"))
		return 0;
	if (!m->target)
		m->target = arena_printf(m->b->a, "/run/secrets/%s", id);
	return secret_file(m, text, len, e);
}

/* ---- ssh ---- */

static int refuse_agent(struct spec *m, const char *id, struct err *e)
{
	if (!flag(m, "required"))
		return 0;
	err_set(e, ENOENT, ERR_NOT_FOUND, "RUN --mount=type=ssh: no agent %.64s", id);
	return err_hint(e, "give it by --ssh %.64s[=SOCKET]", id);
}

static int add_agent(struct spec *m, int socket, struct err *e)
{
	if (!m->target)
		m->target = "/run/buildkit/ssh_agent.0";
	strv_set_env(m->b->a, &m->run->secrets,
		     arena_printf(m->b->a, "SSH_AUTH_SOCK=%s", m->target));
	return add_folder(m, mount_clone(socket, "", false), false, e);
}

/* A socket of ours, whose connections end at an agent of the client's. */
static int forward_agent(struct spec *m, const char *id, struct err *e)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	CLEANUP_STRBUF struct strbuf name = STRBUF_MAX(64);
	struct owner o;
	int r = read_owner(m, 0600, &o, e);
	if (r < 0)
		return r;
	CLEANUP_FD int dir = scratch(m->b, &name, e);
	if (dir < 0)
		return dir;
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/agent", dir);
	CLEANUP_FD int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listener < 0 || bind(listener, (void *)&address, sizeof(address)) < 0 ||
	    listen(listener, AGENT_BACKLOG) < 0 ||
	    fchownat(dir, "agent", o.uid, o.gid, AT_SYMLINK_NOFOLLOW) < 0 ||
	    fchmodat(dir, "agent", o.mode, 0) < 0)
		return err_errno(e, errno, "cannot make a socket for an agent");
	int held = client_agent(m->b, id, listener, e);
	if (held < 0)
		return held == -ENOENT ? refuse_agent(m, id, e)
				       : err_context(e, "RUN --mount=type=ssh: %.64s", id);
	*(int *)array_push(m->b->a, &m->run->held, sizeof(int)) = held;
	CLEANUP_FD int socket = openat(dir, "agent", O_PATH | O_CLOEXEC);
	return socket < 0 ? err_errno(e, errno, "cannot open a socket") : add_agent(m, socket, e);
}

/* The agent's own socket: who may speak to it, its owner and mode say. */
static int mount_ssh(struct spec *m, struct err *e)
{
	const char *id = word(m, "id") ?: "default", *socket = NULL;
	const struct build_agent *agents = m->b->q->agents.items;
	struct stat st;
	if (m->b->q->session)
		return forward_agent(m, id, e);
	if (word(m, "mode") || word(m, "uid") || word(m, "gid"))
		return err_set(e, ENOTSUP, ERR_INVALID,
			       "RUN --mount=type=ssh: the socket is the agent's own, with its "
			       "owner and mode (mode, uid, gid)");
	for (size_t i = 0; i < m->b->q->agents.count; i++)
		if (!strcmp(agents[i].id, id))
			socket = agents[i].socket;
	if (!socket)
		return refuse_agent(m, id, e);
	CLEANUP_FD int fd = open(socket, O_PATH | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(e, errno, "--ssh %s=%s", id, socket);
	if (!S_ISSOCK(st.st_mode))
		return err_set(e, ENOTSOCK, ERR_INVALID,
			       "--ssh %s=%s: it is no socket of an agent; for a key, start "
			       "ssh-agent and ssh-add it",
			       id, socket);
	return add_agent(m, fd, e);
}

static const struct {
	const char *name;
	bool own_target; /* it must be said */
	int (*mount)(struct spec *m, struct err *e);
} types[] = {
	{"bind", true, mount_bind},      {"cache", true, mount_cache}, {"tmpfs", true, mount_tmpfs},
	{"secret", false, mount_secret}, {"ssh", false, mount_ssh},
};

static int read_mount(struct build *b, struct build_stage *s, struct run *run, const char *text,
		      struct err *e)
{
	struct spec m = {.b = b, .s = s, .run = run};
	char *rest = arena_strdup(b->a, text);
	int r = 0;
	key_add(&run->key, text);
	for (char *part; r == 0 && (part = strsep(&rest, ","));)
		r = take_word(&m, part, e);
	if (r < 0)
		return r;
	const char *type = word(&m, "type"), *target = word(&m, "target");
	type = type ? type : "bind";
	if (target)
		m.target = absolute(&m, target);
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		if (strcmp(types[i].name, type))
			continue;
		if (types[i].own_target && !target)
			return err_set(e, EINVAL, ERR_INVALID, "RUN --mount: it has no target");
		if (m.target && !strcmp(m.target, "/"))
			return wrong(e, "target", target);
		return types[i].mount(&m, e);
	}
	return wrong(e, "type", type);
}

bool mounts_blocked(struct build_stage *s)
{
	if (s->awaited >= 0 && flock(s->awaited, s->awaited_how) < 0)
		return true;
	fd_drop(&s->awaited);
	return false;
}

int mounts_open(struct build *b, struct build_stage *s, const struct instruction *in,
		struct run *run, struct err *e)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < in->flags.count; i++)
		if (!strncmp(in->flags.items[i], "mount=", 6))
			r = read_mount(b, s, run, in->flags.items[i] + 6, e);
	return r;
}

/* ---- their targets ---- */

/* Which of them are not in the tree: "/a/b" with a/b/c the target, if /a exists. */
int mounts_missing(struct build *b, const struct build_stage *s, struct run *run, struct err *e)
{
	if (!run->targets.count)
		return 0;
	CLEANUP_FD int tree = layer_mount(b, s, NULL, e);
	for (size_t i = 0; tree >= 0 && i < run->targets.count; i++) {
		char *path = arena_strdup(b->a, run->targets.items[i]);
		for (char *slash; *path; *slash = '\0') {
			CLEANUP_FD int there = path_open_in_root(tree, path, O_PATH, 0);
			if (there >= 0)
				break;
			strv_push(b->a, &run->missing, path);
			slash = strrchr(path, '/');
		}
	}
	return tree < 0 ? tree : 0;
}

void mounts_clean(struct build *b, struct run *run, const struct layer *layer)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/upper", strchr(layer->folder, '/') + 1);
	CLEANUP_FD int upper = openat(b->staging.fd, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; upper >= 0 && i < run->missing.count; i++) {
		const char *at = run->missing.items[i], *slash = strrchr(at, '/');
		char *parent = arena_strndup(b->a, at, (size_t)(slash - at));
		struct stat st;
		CLEANUP_FD int dir =
			path_open_in_root(upper, *parent ? parent : "/", O_PATH | O_DIRECTORY, 0);
		if (dir < 0 || fstatat(dir, slash + 1, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		if (S_ISDIR(st.st_mode))
			unlinkat(dir, slash + 1, AT_REMOVEDIR);
		else if (S_ISREG(st.st_mode) && !st.st_size)
			unlinkat(dir, slash + 1, 0);
	}
}

void mounts_close(struct run *run, bool taken)
{
	int *held = run->held.items;
	struct container_folder *folders = run->folders.items;
	for (size_t i = 0; !taken && i < run->folders.count; i++)
		fd_drop(&folders[i].mount);
	for (size_t i = 0; i < run->held.count; i++)
		fd_drop(&held[i]);
	strbuf_free(&run->key);
}
