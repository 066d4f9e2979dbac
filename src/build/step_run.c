/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RUN: a container of the engine, with the sandbox that every container has, on the layers of its
 * stage and a new one. Should this process be killed, a
 * child that waits for that removes the container; the folder goes with the next sweep of staging
 * folders. Read internal.h first.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "build/run.h"
#include "linux/mount.h"

#define SCRIPT "/dev/hull-heredoc"

/* ---- the guard ---- */

_Noreturn static void guard(const struct build *b, int from)
{
	char program[PATH_MAX], byte, names[BUILD_RUNS_MAX][sizeof(b->container) + 4];
	const char *argv[BUILD_RUNS_MAX + 8] = {"hull",         "--root", b->en->root, "--runroot",
						b->en->runroot, "rm",     "-f"};
	setsid(); /* the terminal's ^C is for the other one */
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	dup2(from, 3);
	for (int fd = 0; fd <= 2; fd++)
		dup2(null, fd);
	close_range(4, ~0U, 0);
	snprintf(program, sizeof(program), "%s/hull", b->en->libexec);
	for (size_t i = 0; i < BUILD_RUNS_MAX; i++) {
		snprintf(names[i], sizeof(names[i]), "%s-%zu", b->container, i);
		argv[7 + i] = names[i];
	}
	if (TEMP_FAILURE_RETRY(read(3, &byte, 1)) == 0)
		execv(program, (char *const *)argv);
	_exit(0);
}

/* The end for writing is ours alone: it closes with us. */
static int post_guard(struct build *b, struct err *e)
{
	int pipe[2];
	char id[ID_LEN + 1];
	if (b->guard > 0)
		return 0;
	id_new(id);
	snprintf(b->container, sizeof(b->container), "build-%.12s", id);
	if (pipe2(pipe, O_CLOEXEC) < 0 || (b->guard = fork()) < 0)
		return err_errno(e, errno, "cannot guard the build");
	if (!b->guard) {
		close(pipe[1]);
		guard(b, pipe[0]);
	}
	close(pipe[0]);
	b->guard_pipe = pipe[1];
	return 0;
}

/* ---- the command ---- */

static void shell_words(struct build *b, const struct build_stage *s, struct strv *ret)
{
	if (s->image.config.shell.count) {
		strv_push_all(b->a, ret, &s->image.config.shell);
	} else {
		strv_push(b->a, ret, "/bin/sh");
		strv_push(b->a, ret, "-c");
	}
}

/* The shell gets here-documents as they are; one alone is the script itself. */
static void read_command(struct build *b, const struct build_stage *s, const struct instruction *in,
			 struct run *run)
{
	const struct heredoc *h = in->heredocs.items;
	char *text = in->rest;
	if (image_exec_form(in->rest, b->a, &run->args))
		return;
	bool alone = in->heredocs.count == 1 && !strncmp(text, "<<", 2) && !strpbrk(text, " \t");
	if (alone && !strncmp(h->text, "#!", 2)) {
		run->script = h->text;
		strv_push(b->a, &run->args, SCRIPT);
		return;
	}
	if (alone)
		text = h->text;
	for (size_t i = 0; !alone && i < in->heredocs.count; i++)
		text = arena_printf(b->a, "%s\n%s%s", text, h[i].text, h[i].name);
	shell_words(b, s, &run->args);
	strv_push(b->a, &run->args, text);
}

/* Proxies need no ARG, and are no part of the key, nor of the image. */
static void add_proxies(struct build *b, struct strv *env)
{
	static const char *const names[] = {
		"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "FTP_PROXY",
		"ftp_proxy",  "NO_PROXY",   "no_proxy",    "ALL_PROXY",   "all_proxy"};
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *value = strv_get_env(&b->q->args, names[i]);
		if (value && !strv_get_env(env, names[i]))
			strv_push(b->a, env, arena_printf(b->a, "%s=%s", names[i], value));
		if (value)
			strv_push(b->a, &b->used_args, names[i]);
	}
}

static void run_key(const struct build *b, const struct build_stage *s, const struct run *run,
		    struct step_key *ret)
{
	CLEANUP_STRBUF struct strbuf text = STRBUF_MAX(8 << 20);
	const struct oci_image_process *p = &s->image.config;
	key_add(&text, "RUN");
	key_add_all(&text, &run->args);
	key_add_all(&text, &run->env);
	key_add(&text, run->script ? run->script : "");
	key_add(&text, p->user ? p->user : "");
	key_add(&text, p->working_dir ? p->working_dir : "");
	key_add(&text, run->network);
	key_add(&text, strbuf_text(&run->key));
	strbuf_printf(&text, "%lld", (long long)b->epoch);
	key_finish(s, &text, ret);
}

/* ---- the container ---- */

static int mount_script(struct build *b, struct run *run, struct err *e)
{
	struct container_folder *f;
	char name[32];
	if (!run->script)
		return 0;
	snprintf(name, sizeof(name), "script-%zu", b->folders++);
	CLEANUP_FD int fd =
		openat(b->staging.fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	if (fd < 0 || fchmod(fd, 0755) < 0 ||
	    write(fd, run->script, strlen(run->script)) != (ssize_t)strlen(run->script))
		return err_errno(e, errno, "cannot keep a heredoc");
	int mount = mount_clone(b->staging.fd, name, false);
	if (mount < 0)
		return err_errno(e, mount, "cannot mount a heredoc");
	f = array_push(b->a, &run->folders, sizeof(*f));
	*f = (struct container_folder){SCRIPT, mount, true};
	return 0;
}

static struct container_config configure(struct build *b, const struct build_stage *s,
					 const struct run *run, const struct layer *layer)
{
	struct container_config c = b->q->limits;
	c.config.user = s->image.config.user;
	c.config.working_dir = s->image.config.working_dir;
	c.config.env = run->env;
	c.config.entrypoint = run->args;
	c.config.hostname = "buildkitsandbox";
	c.host.auto_remove = true;
	c.host.log_config.type = "none";
	c.host.network_mode = (char *)run->network;
	c.host.extra_hosts = b->q->extra_hosts;
	c.hull.layer = (char *)layer->folder;
	c.hull.lowers = layer_names(b, s, 0);
	return c;
}

/* Its name is one that the guard knows. */
static char *take_slot(struct build *b, struct run *run)
{
	bool taken[BUILD_RUNS_MAX] = {0};
	for (size_t i = 0; i < b->stage_count; i++)
		if (b->stages[i].run)
			taken[b->stages[i].run->slot] = true;
	while (taken[run->slot])
		run->slot++;
	return arena_printf(b->a, "%s-%zu", b->container, run->slot);
}

static int launch(struct build *b, struct build_stage *s, struct run *run, struct err *e)
{
	int pair[2];
	struct container_create create = {.name = take_slot(b, run),
					  .config = configure(b, s, run, run->layer),
					  .folders = run->folders,
					  .secrets = run->secrets,
					  .start = true};
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return err_errno(e, errno, "cannot make a socket");
	CLEANUP_FD int ours = pair[0];
	CLEANUP_FD int theirs = pair[1];
	int r = container_create(b->en, &create, b->a, run->id, e);
	if (r == 0)
		r = container_start_watched(b->en, run->id, theirs, &run->end, e);
	if (r == 0)
		run->output = fd_steal(&ours);
	return r;
}

static int failed(const struct run *run, struct build *b, int code, struct err *e)
{
	const char *command = "";
	for (size_t i = 0; i < run->args.count; i++)
		command = arena_printf(b->a, "%s%s%s", command, i ? " " : "", run->args.items[i]);
	err_set(e, EIO, ERR_INVALID,
		"process \"%.700s\" did not complete successfully: exit code: %d", command, code);
	if (code == 137)
		err_hint(e, "137 is SIGKILL: a limit of memory may have been reached");
	return -EIO;
}

static int read_network(struct build *b, const struct instruction *in, const char **ret,
			struct err *e)
{
	const char *flag = instruction_flag(in, "network");
	if (instruction_flag(in, "security"))
		return err_set(e, ENOTSUP, ERR_INVALID,
			       "RUN --security: every step has the sandbox of hull run");
	*ret = flag && strcmp(flag, "default") ? flag : b->q->network;
	if (*ret == flag && strcmp(flag, "none") && strcmp(flag, "host"))
		return err_set(e, EINVAL, ERR_INVALID,
			       "invalid network mode: %.64s (default, none or host)", flag);
	if (*ret == flag && !strcmp(flag, "host") && strcmp(b->q->network, "host") &&
	    !b->q->allow_host_network)
		return err_set(e, EPERM, ERR_DENIED,
			       "RUN --network=host: the build must allow it by --network host or "
			       "--allow network.host");
	return 0;
}

/* ---- the step ---- */

static size_t count_runs(const struct build *b, const char *key)
{
	size_t n = 0;
	for (size_t i = 0; i < b->stage_count; i++)
		n += b->stages[i].run && (!key || !strcmp(b->stages[i].run->key_of.key, key));
	return n;
}

bool step_run_any(const struct build *b, const char *key)
{
	return count_runs(b, key) > 0;
}

/* Whatever its end, descriptors of mounts that no container took are closed. */
static int begin(struct build *b, struct build_stage *s, struct run *run, struct err *e)
{
	int r = post_guard(b, e);
	if (r == 0)
		r = layer_begin(b, &run->layer, e);
	if (r == 0)
		r = mount_script(b, run, e);
	if (r == 0)
		r = mounts_missing(b, s, run, e);
	if (r == 0)
		r = launch(b, s, run, e);
	if (r < 0)
		return r;
	s->run = run;
	return STEP_RUNS;
}

/* What runs programs of other machines registers itself with the kernel by such a name. */
static int check_machine(const struct build_stage *s, struct err *e)
{
	static const struct {
		const char *arch, *name, *also_on;
	} table[] = {{"amd64", "qemu-x86_64", ""},    {"386", "qemu-i386", "amd64"},
		     {"arm64", "qemu-aarch64", ""},   {"arm", "qemu-arm", "arm64"},
		     {"riscv64", "qemu-riscv64", ""}, {"ppc64le", "qemu-ppc64le", ""},
		     {"s390x", "qemu-s390x", ""},     {"mips64le", "qemu-mips64el", ""}};
	const char *arch = s->image.architecture ? s->image.architecture : "";
	const char *own = oci_native_architecture();
	char path[64], state[256];
	if (!*arch || !strcmp(arch, own))
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		if (strcmp(table[i].arch, arch))
			continue;
		snprintf(path, sizeof(path), "/proc/sys/fs/binfmt_misc/%s", table[i].name);
		if (!strcmp(table[i].also_on, own) ||
		    (file_read_small(AT_FDCWD, path, state, sizeof(state)) > 0 &&
		     !strncmp(state, "enabled", 7)))
			return 0;
	}
	err_set(e, ENOEXEC, ERR_INVALID, "RUN of linux/%.32s cannot be done on linux/%s", arch,
		own);
	return err_hint(e, "with qemu-user-static and binfmt_misc it can; or build in a stage FROM "
			   "--platform=$BUILDPLATFORM, and COPY from it");
}

static void read_env(struct build *b, const struct build_stage *s, struct run *run)
{
	for (size_t i = 0; i < s->args.count; i++)
		strv_push(b->a, &run->env, s->args.items[i]);
	for (size_t i = 0; i < s->image.config.env.count; i++)
		if (strchr(s->image.config.env.items[i], '='))
			strv_set_env(b->a, &run->env, s->image.config.env.items[i]);
}

int step_run(struct build *b, struct build_stage *s, const struct instruction *in, struct err *e)
{
	if (count_runs(b, NULL) == BUILD_RUNS_MAX || mounts_blocked(s))
		return STEP_WAITS;
	struct run *run = arena_new(b->a, struct run);
	size_t before = s->layer_count;
	*run = (struct run){.key = STRBUF_MAX(1 << 20), .output = -1};
	int r = read_network(b, in, &run->network, e);
	if (r == 0)
		r = check_machine(s, e);
	if (r != 0)
		return r;
	read_command(b, s, in, run);
	read_env(b, s, run);
	vertex_begin(b, s, in);
	r = mounts_open(b, s, in, run, e);
	if (r == 0) {
		run_key(b, s, run, &run->key_of);
		add_proxies(b, &run->env);
		r = cache_use(b, s, &run->key_of, e);
	}
	if (r == STEP_RUNS && begin(b, s, run, e) == STEP_RUNS)
		return STEP_RUNS;
	mounts_close(run, run->layer);
	if (r != STEP_DONE)
		return r == STEP_RUNS ? -e->number : r;
	vertex_end(b, s, "CACHED");
	step_history(b, s, in->text, &run->key_of, s->layer_count == before);
	return STEP_DONE;
}

int step_run_output(const struct build_stage *s)
{
	return s->run->output;
}

struct hearing {
	struct build *b;
	struct build_stage *s;
};

static int write_output(void *ctx, int stream, const unsigned char *data, size_t len, struct err *e)
{
	const struct hearing *h = ctx;
	vertex_output(h->b, h->s, (const char *)data, len);
	return 0;
}

/* The container has ended: its folder is the layer. */
static int finish(struct build *b, struct build_stage *s, const struct instruction *in,
		  struct run *run, struct err *e)
{
	bool empty = false;
	int code;
	int r = container_ended(b->en, &run->end, &code, e);
	if (r == 0 && code)
		return failed(run, b, code, e);
	if (r < 0)
		return r;
	mounts_clean(b, run, run->layer);
	if ((r = layer_finish(b, run->layer, &empty, e)) < 0)
		return r;
	cache_note(b, s, run->key_of.key, empty ? NULL : run->layer, NULL, in->text);
	vertex_end(b, s, NULL);
	step_history(b, s, in->text, &run->key_of, empty);
	return 0;
}

static void leave(struct build_stage *s)
{
	fd_drop(&s->run->output);
	mounts_close(s->run, true);
	s->run = NULL;
}

int step_run_hear(struct build *b, struct build_stage *s, const struct instruction *in,
		  struct err *e)
{
	unsigned char buf[16 << 10];
	struct run *run = s->run;
	struct hearing h = {b, s};
	ssize_t n = TEMP_FAILURE_RETRY(read(run->output, buf, sizeof(buf)));
	int r = n < 0   ? err_errno(e, errno, "cannot read the output")
		: n > 0 ? frames_feed(&run->frames, buf, (size_t)n, write_output, &h, e)
			: finish(b, s, in, run, e);
	if (r < 0 && n != 0)
		return r; /* it is canceled with the others */
	if (n > 0)
		return STEP_RUNS;
	leave(s);
	return r;
}

void step_run_cancel(struct build *b, struct build_stage *s)
{
	struct err ignored;
	int code;
	container_kill(b->en, s->run->id, SIGKILL, &ignored);
	container_ended(b->en, &s->run->end, &code, &ignored);
	if (b->failed != s)
		vertex_end(b, s, "CANCELED");
	leave(s);
}
