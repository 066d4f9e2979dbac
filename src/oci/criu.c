/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Driving criu. Rests on criu(8), "swrk"; on unix(7) SOCK_SEQPACKET, where a message is a packet.
 * Invariant: criu has ended when criu_run() returns; before the event "post-restore" was answered
 * nothing that it restores runs, and all of it ends with criu. Read criu.h first.
 */
#include "oci/criu.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/file.h"
#include "linux/mount.h"
#include "linux/shared_child.h"
#include "linux/signals.h"
#include "runtime/command.h"

enum { REQUEST_MAX = 1 << 20, ANSWER_MAX = 1 << 16, LOG_LEVEL = 4, LOG_TAIL = 1 << 16, NOTIFY = 6 };

/* ---- protocol buffers: a field is its number and kind, and a number or a length and bytes ---- */

enum { KIND_NUMBER = 0, KIND_BYTES = 2 };

static void put_varint(struct strbuf *s, uint64_t n)
{
	for (; n > 0x7f; n >>= 7)
		strbuf_putc(s, (char)(n | 0x80));
	strbuf_putc(s, (char)n);
}

static void put_number(struct strbuf *s, unsigned field, int64_t n)
{
	put_varint(s, field << 3 | KIND_NUMBER);
	put_varint(s, (uint64_t)n);
}

static void put_bytes(struct strbuf *s, unsigned field, const char *data, size_t len)
{
	put_varint(s, field << 3 | KIND_BYTES);
	put_varint(s, len);
	strbuf_add(s, data, len);
}

struct message {
	const uint8_t *at, *end;
};

static bool get_varint(struct message *m, uint64_t *ret)
{
	*ret = 0;
	for (unsigned shift = 0; m->at < m->end && shift < 64; shift += 7) {
		*ret |= (uint64_t)(*m->at & 0x7f) << shift;
		if (!(*m->at++ & 0x80))
			return true;
	}
	return false;
}

/* The next field: its number, with @n, or with @inner for bytes. 0 at the end, or of nonsense. */
static unsigned get_field(struct message *m, uint64_t *n, struct message *inner)
{
	uint64_t key;
	*inner = (struct message){0};
	if (!get_varint(m, &key) || !get_varint(m, n))
		return 0;
	if ((key & 7) == KIND_BYTES) {
		if (*n > (uint64_t)(m->end - m->at))
			return 0;
		*inner = (struct message){m->at, m->at + *n};
		m->at += *n;
	} else if ((key & 7) != KIND_NUMBER) {
		return 0;
	}
	return (unsigned)(key >> 3);
}

/* ---- the request ---- */

void criu_number(struct criu_call *c, enum criu_field field, int64_t value)
{
	put_number(&c->opts, field, value);
}

void criu_text(struct criu_call *c, enum criu_field field, const char *text)
{
	if (text && *text)
		put_bytes(&c->opts, field, text, strlen(text));
}

/* A message of two: a text, and another one or a number. */
static void put_pair(struct criu_call *c, enum criu_field field, const char *key, const char *value,
		     int64_t number)
{
	CLEANUP_STRBUF struct strbuf s = STRBUF_MAX(REQUEST_MAX);
	put_bytes(&s, 1, key, strlen(key));
	if (value)
		put_bytes(&s, 2, value, strlen(value));
	else
		put_number(&s, 2, number);
	put_bytes(&c->opts, field, strbuf_text(&s), s.len);
	c->opts.failed |= s.failed;
}

void criu_pair(struct criu_call *c, enum criu_field field, const char *key, const char *value)
{
	put_pair(c, field, key, value, 0);
}

int criu_inherit(struct criu_call *c, const char *name, int fd, struct err *e)
{
	if (c->inherited_count == CRIU_INHERITED_MAX)
		return err_set(e, E2BIG, ERR_INVALID, "too many descriptors for criu");
	c->inherited[c->inherited_count++] = fd;
	put_pair(c, CRIU_INHERIT_FD, name, NULL, fd);
	return 0;
}

static const char *work_path(const struct criu_options *o)
{
	return o->work && *o->work ? o->work : o->image;
}

/* clang-format off */
static void put_options(struct criu_call *c, const struct oci_spec *spec)
{
	const struct criu_options *o = c->o;
	const char *config = kvs_get(&spec->annotations, "org.criu.config");
	const struct {
		enum criu_field field;
		int64_t value;
	} numbers[] = {
		{CRIU_IMAGES, c->images}, {CRIU_WORK, c->work}, {CRIU_LOG_LEVEL, LOG_LEVEL},
		{CRIU_NOTIFY_SCRIPTS, true}, {CRIU_ORPHAN_PTS_MASTER, true}, {CRIU_MANAGE_CGROUPS, true},
		{CRIU_MANAGE_CGROUPS_MODE, o->cgroups_mode}, {CRIU_EMPTY_NS, o->empty_ns},
		{CRIU_TRACK_MEM, o->pre_dump || (o->parent && *o->parent)}, {CRIU_AUTO_DEDUP, o->auto_dedup},
		{CRIU_EXT_UNIX_SK, o->ext_unix_sk}, {CRIU_FILE_LOCKS, o->file_locks}, {CRIU_LAZY_PAGES, o->lazy_pages},
		{CRIU_LEAVE_RUNNING, o->leave_running}, {CRIU_LINK_REMAP, o->link_remap}, {CRIU_SHELL_JOB, o->shell_job},
		{CRIU_TCP_ESTABLISHED, o->tcp_established}, {CRIU_TCP_SKIP_IN_FLIGHT, o->tcp_skip_in_flight},
	};
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		criu_number(c, numbers[i].field, numbers[i].value);
	criu_text(c, CRIU_LOG_FILE, c->log);
	criu_text(c, CRIU_PARENT_IMG, o->parent);
	criu_text(c, CRIU_LSM_PROFILE, o->lsm_profile);
	criu_text(c, CRIU_LSM_MOUNT_CONTEXT, o->lsm_mount_context);
	/* runc's, since that is where people have theirs. */
	criu_text(c, CRIU_CONFIG_FILE, config ? config : "/etc/criu/runc.conf");
	if (o->pages.address)
		put_pair(c, CRIU_PAGE_SERVER, o->pages.address, NULL, o->pages.port);
}
/* clang-format on */

static int find(struct oci *oci, char **ret, struct err *e)
{
	struct command_self nobody = {0};
	struct strv env = {0};
	const char *search = getenv("PATH"), *name = oci->globals.criu;
	*ret = arena_alloc(&oci->arena, COMMAND_PATH_SIZE);
	if (search)
		strv_set_env(&oci->arena, &env, arena_printf(&oci->arena, "PATH=%s", search));
	int r = command_find(name && *name ? name : "criu", &env, &nobody, *ret, e);
	return r < 0 ? err_context(e, "%s needs criu", oci->command->name) : 0;
}

static int open_folder(const char *path, struct err *e)
{
	int r = dir_make(AT_FDCWD, path, 0700, e);
	return r < 0 ? r : dir_open(AT_FDCWD, path, e);
}

int criu_open(struct oci *oci, enum criu_request request, const struct criu_options *o,
	      const struct oci_spec *spec, struct criu_call *ret, struct err *e)
{
	*ret = (struct criu_call)CRIU_CLOSED;
	ret->request = request;
	ret->o = o;
	ret->log = request == CRIU_RESTORE ? "restore.log" : "dump.log";
	ret->opts.max = REQUEST_MAX;
	int r = find(oci, &ret->path, e);
	if (r == 0)
		r = ret->images = open_folder(o->image, e);
	if (r >= 0)
		r = ret->work = open_folder(work_path(o), e);
	if (r >= 0)
		put_options(ret, spec);
	return r < 0 ? r : 0;
}

void criu_close(struct criu_call *c)
{
	fd_drop(&c->images);
	fd_drop(&c->work);
	while (c->inherited_count > 0)
		fd_drop(&c->inherited[--c->inherited_count]);
	strbuf_free(&c->opts);
}

/* ---- the process ---- */

struct worker {
	const struct criu_call *call;
	int ours, theirs; /* of the socket */
	int said;         /* what it says before it has a log */
	pid_t pid;
};

/* criu wants the root to be a mount of its own. And since it mounts in its work folder, both
 * folders must be of the same mount namespace; criu takes them from the other end of its socket. */
static int mount_root(const struct worker *w)
{
	const struct criu_call *c = w->call;
	if (unshare(CLONE_NEWNS) < 0)
		return -errno;
	int r = mount_isolate();
	CLEANUP_FD int copy = r < 0 ? r : mount_clone(AT_FDCWD, c->root, true);
	r = copy < 0 ? copy : mount_attach_at(copy, AT_FDCWD, c->root);
	const int folders[] = {open(c->o->image, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
			       open(work_path(c->o), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
	return r < 0 ? r : fd_send(w->theirs, "", 1, folders, ARRAY_LEN(folders));
}

/* In the place of ours, whose numbers are in the request. */
static int take_folders(const struct worker *w, struct err *e)
{
	char word;
	int folders[2] = {-1, -1};
	ssize_t n = fd_recv(w->ours, &word, 1, folders, ARRAY_LEN(folders));
	CLEANUP_FD int images = folders[0];
	CLEANUP_FD int work = folders[1];
	bool taken = n == 1 && dup3(images, w->call->images, O_CLOEXEC) >= 0 &&
		     dup3(work, w->call->work, O_CLOEXEC) >= 0;
	return taken || n <= 0 ? 0 : err_errno(e, errno, "cannot take the folders of criu");
}

/* In the child that shares our memory. */
static void execute(void *arg)
{
	const struct worker *w = arg;
	const struct criu_call *c = w->call;
	char number[16];
	snprintf(number, sizeof(number), "%d", w->theirs);
	char *argv[] = {c->path, "swrk", number, NULL};
	signal_reset_all();
	int r = c->root ? mount_root(w) : 0;
	for (size_t i = 0; i < c->inherited_count; i++)
		fcntl(c->inherited[i], F_SETFD, 0);
	fcntl(w->theirs, F_SETFD, 0);
	if (r == 0 && dup2(w->said, 2) == 2) {
		execv(c->path, argv);
		r = -errno;
	}
	dprintf(w->said, "Error: cannot run %s: %s\n", c->path, err_errno_text(r));
}

/* Where it is now is where everything goes that was in the old container's groups. */
static int put_cgroups(struct criu_call *c, pid_t pid, struct arena *a, struct err *e)
{
	enum { TEXT_MAX = 1 << 16 };
	char path[32], *text, *line, *one;
	if (!c->cgroup)
		return 0;
	int r = cgroup_attach(c->cgroup, pid, e);
	snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)pid);
	text = r < 0 ? NULL : arena_alloc(a, TEXT_MAX);
	ssize_t n = r < 0 ? r : file_read_small(AT_FDCWD, path, text, TEXT_MAX);
	if (n < 0)
		return r < 0 ? r : err_errno(e, (int)n, "cannot read %s", path);
	while ((line = strsep(&text, "\n"))) {
		char *list = strchr(line, ':'), *place = list ? strchr(++list, ':') : NULL;
		if (!place)
			continue;
		*place++ = '\0';
		while ((one = strsep(&list, ","))) /* "" is version 2 */
			criu_pair(c, CRIU_CG_ROOT, one, place);
	}
	return 0;
}

static int begin(struct worker *w, struct criu_call *c, struct err *e)
{
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_errno(e, errno, "cannot create a socket pair");
	w->ours = pair[0];
	w->theirs = pair[1];
	w->said = memfd_create("criu", MFD_CLOEXEC);
	if (w->said < 0)
		return err_errno(e, errno, "cannot prepare criu");
	w->pid = shared_child(execute, w);
	fd_drop(&w->theirs);
	if (w->pid < 0)
		return err_errno(e, w->pid, "cannot run criu");
	return c->root ? take_folders(w, e) : 0;
}

static void end(struct worker *w)
{
	/* It ends when nobody is there any more. */
	fd_drop(&w->ours);
	fd_drop(&w->theirs);
	fd_drop(&w->said);
	if (w->pid > 0)
		TEMP_FAILURE_RETRY(waitpid(w->pid, NULL, 0));
}

static int ask(const struct worker *w, unsigned request, const struct criu_call *c, struct err *e)
{
	enum { TYPE = 1, OPTS = 2, SUCCESS = 3 };
	CLEANUP_STRBUF struct strbuf s = STRBUF_MAX(REQUEST_MAX + 64);
	put_number(&s, TYPE, request);
	if (c)
		put_bytes(&s, OPTS, strbuf_text(&c->opts), c->opts.len);
	else
		put_number(&s, SUCCESS, true);
	if (!strbuf_ok(&s) || (c && !strbuf_ok(&c->opts)))
		return err_set(e, E2BIG, ERR_INVALID, "the request to criu is too long");
	int r = fd_send(w->ours, s.buf, s.len, NULL, 0);
	/* Of one that has ended already hear() knows more. */
	return r < 0 && r != -EPIPE && r != -ECONNRESET ? err_errno(e, r, "cannot talk to criu")
							: 0;
}

struct answer {
	unsigned type;
	bool success;
	char event[64];
	pid_t pid;
	struct message why;
};

static void understand_event(struct message m, struct answer *ret)
{
	enum { NAME = 1, PID = 2 };
	struct message name;
	unsigned field;
	uint64_t n;
	while ((field = get_field(&m, &n, &name)))
		if (field == NAME)
			snprintf(ret->event, sizeof(ret->event), "%.*s", (int)(name.end - name.at),
				 (const char *)name.at);
		else if (field == PID)
			ret->pid = (pid_t)n;
}

static void understand(struct message m, struct answer *ret)
{
	enum { TYPE = 1, SUCCESS = 2, EVENT = 5, MESSAGE = 9 };
	struct message inner;
	unsigned field;
	uint64_t n;
	while ((field = get_field(&m, &n, &inner)))
		if (field == TYPE)
			ret->type = (unsigned)n;
		else if (field == SUCCESS)
			ret->success = n;
		else if (field == MESSAGE)
			ret->why = inner;
		else if (field == EVENT)
			understand_event(inner, ret);
}

/* The first error in the end of @fd, or NULL: the others follow from it. */
static const char *first_error(int fd, struct arena *a)
{
	struct stat st;
	char *text = arena_alloc(a, LOG_TAIL + 1);
	bool is_long = fd >= 0 && fstat(fd, &st) == 0 && st.st_size > LOG_TAIL;
	if (fd < 0 || pread(fd, text, LOG_TAIL, is_long ? st.st_size - LOG_TAIL : 0) <= 0)
		return NULL;
	char *error = strstr(text, "Error");
	if (error)
		error[strcspn(error, "\n")] = '\0';
	return error;
}

/* @e is filled if something else has failed already, which criu's failure followed from. */
static int failure(const struct worker *w, const struct answer *answer, struct err *e)
{
	const struct criu_call *c = w->call;
	CLEANUP_ARENA struct arena a = {0};
	CLEANUP_FD int log = openat(c->work, c->log, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	const char *why = first_error(log, &a);
	if (!why)
		why = first_error(w->said, &a);
	if (!why && answer->why.at)
		why = arena_strndup(&a, (const char *)answer->why.at,
				    (size_t)(answer->why.end - answer->why.at));
	if (e->number == 0)
		err_set(e, EIO, ERR_SYSTEM, "criu failed: %.700s", why ? why : "it said nothing");
	if (log >= 0)
		err_hint(e, "its log is %s/%s", work_path(c->o), c->log);
	return -e->number;
}

static int hear(const struct worker *w, char *buf, struct answer *answer, struct err *e)
{
	const struct criu_call *c = w->call;
	CLEANUP_FD int fd = -1;
	*answer = (struct answer){0};
	ssize_t n = fd_recv(w->ours, buf, ANSWER_MAX, &fd, 1);
	if (n > 0)
		understand((struct message){(uint8_t *)buf, (uint8_t *)buf + n}, answer);
	if (!answer->success || (answer->type != NOTIFY && answer->type != c->request))
		return failure(w, answer, e);
	if (answer->type != NOTIFY)
		return 1;
	int r = c->event(c->arg, answer->event, answer->pid, fd, e);
	return r < 0 ? r : ask(w, NOTIFY, NULL, e);
}

int criu_run(struct criu_call *c, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	CLEANUP(end) struct worker w = {.call = c, .ours = -1, .theirs = -1, .said = -1};
	struct answer answer;
	char *buf = arena_alloc(&a, ANSWER_MAX);
	e->number = 0;
	int r = begin(&w, c, e);
	if (r == 0)
		r = put_cgroups(c, w.pid, &a, e);
	if (r == 0)
		r = ask(&w, c->request, c, e);
	while (r == 0)
		r = hear(&w, buf, &answer, e);
	return r < 0 ? r : 0;
}
