/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hull run, hull create. `run` is create and start with a client attached from the container's
 * first byte on; its exit code is the container's. Read create_options.h and session.h first.
 */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/create_options.h"
#include "cli/registry_options.h"
#include "cli/session.h"
#include "diagnose/learn.h"
#include "linux/namespaces.h"
#include "linux/own_program.h"

struct run_values {
	bool detach, sig_proxy, learn_caps;
	char *detach_keys, *learn_seccomp;
	struct create_options create;
};

/* Whether another container, or who writes into its folders from outside, can change what this one
 * is about to execute; else nobody is there before its command. */
static bool is_shared(const struct create_options *o)
{
	const struct docker_host_config *host = &o->create.config.host;
	return o->volumes.count || host->mounts.count || host->volumes_from.count ||
	       (o->rootfs && *o->rootfs) || (host->pid_mode && *host->pid_mode);
}

/* Of a container that is removed at its end nobody outside has anything mounted: its mounts may
 * last a moment longer than it. Its own disk image or quota is given back in order. */
static bool leaves_mounts(const struct create_options *o)
{
	const struct docker_host_config *host = &o->create.config.host;
	return host->auto_remove && !is_shared(o) && !host->storage_opt.count;
}

static int pull(struct cli *cli, const struct create_options *o, struct err *e)
{
	struct image_pulled ignored;
	struct image_pull req = {.reference = o->create.image, .platform = o->create.platform};
	struct progress *p = arena_new(&cli->arena, struct progress);
	p->to = o->quiet ? NULL : stderr;
	progress_form(NULL, stderr, &p->form, e);
	return pull_one(cli, &req, p, &ignored, e);
}

static void warn(struct cli *cli, bool quiet)
{
	if (quiet)
		cli->engine.warnings.count = 0;
	cli_warn(cli);
}

/* With its image from a registry, where that is wanted, or needed and allowed. */
static int create_pulling(struct cli *cli, struct engine *en, struct create_options *o,
			  char ret_id[ID_LEN + 1], struct err *e)
{
	struct image found;
	struct err ignored;
	struct image_reference ref;
	const char *image = o->create.image;
	int r = image && !strcmp(o->pull, "always") ? pull(cli, o, e) : 0;
	if (r == 0)
		r = container_create(en, &o->create, &cli->arena, ret_id, e);
	/* It may also be something else that was not found. */
	if (r != -ENOENT || e->kind != ERR_NOT_FOUND || !image || strcmp(o->pull, "missing") ||
	    image_find_config(&en->images, image, &cli->arena, &found, &ignored) != -ENOENT ||
	    image_reference_parse(image, &cli->arena, &ref, &ignored) < 0)
		return r;
	if (!o->quiet)
		cli_notice("Unable to find image '%s' locally",
			   image_reference_familiar(&ref, &cli->arena));
	r = pull(cli, o, e);
	return r < 0 ? r : container_create(en, &o->create, &cli->arena, ret_id, e);
}

/* Most get a network namespace of their own: it is made while the store is opened and read. Where
 * the container turns out to need none it is given back at our end. */
static void begin_network(struct cli *cli, const struct docker_host_config *host)
{
	if (docker_mode_is_own(host->network_mode) && !namespace_caller_is_user())
		network_ahead_begin(&cli->network);
}

static int create(struct cli *cli, struct create_options *o, const struct strv *args, bool detach,
		  bool start, char ret_id[ID_LEN + 1], struct err *e)
{
	struct engine *en;
	int r = create_options_build(cli, o, args, detach, e);
	if (r < 0)
		e->kind = ERR_USAGE; /* whatever it was: the command line is at fault */
	if (r == 0)
		r = cidfile_check(o->cidfile, e);
	if (r == 0 && start)
		begin_network(cli, &o->create.config.host);
	if (r == 0)
		r = cli_engine(cli, &en, e);
	if (r == 0 && start && cli->network.maker)
		en->network_ahead = &cli->network;
	o->create.start = start;
	if (r == 0)
		r = create_pulling(cli, en, o, ret_id, e);
	warn(cli, o->quiet);
	if (r < 0 || !o->cidfile || !*o->cidfile)
		return r;
	r = cidfile_write(o->cidfile, ret_id, e);
	if (r < 0) { /* nobody would know its name */
		container_start_cancel(en, ret_id, e);
		container_remove(en, ret_id, REMOVE_FORCE | REMOVE_VOLUMES, ERR_IGNORED);
	}
	return r;
}

static int run_detached(struct cli *cli, const struct run_values *v, const char *id, struct err *e)
{
	int r = container_start(&cli->engine, id, -1, e);
	warn(cli, v->create.quiet);
	puts(id); /* docker does, even if the start failed */
	return r;
}

/* To stderr: the output is the container's. */
static int tell_learned(struct cli *cli, const struct run_values *v, const struct usage *u,
			struct err *e)
{
	struct arena *a = &cli->arena;
	size_t count;
	if (v->learn_caps) {
		cli_notice("learned: %s", learn_cap_options(u->granted, a));
		if (u->denied & ~u->granted)
			cli_notice("learned: it asked for these, too, and was denied: %s",
				   capability_text(u->denied & ~u->granted, "", ", ", a));
	}
	const char *refused = v->learn_seccomp ? learn_refused(u, NULL, false, a) : NULL;
	if (refused)
		cli_notice("learned: a seccomp filter refused these, which the new one has not "
			   "either: %s",
			   refused);
	if (u->ends_lost)
		cli_notice("learned: the ends of %llu calls came too fast to be read: calls of "
			   "32-bit programs may be missing, or taken for others; if it has such "
			   "programs, learn it again on a machine that has less to do",
			   (unsigned long long)u->ends_lost);
	int r = v->learn_seccomp ? learn_profile_write(v->learn_seccomp, u, &count, e) : 0;
	if (v->learn_seccomp && r == 0)
		cli_notice("learned: --security-opt seccomp=%s (%zu system calls)",
			   v->learn_seccomp, count);
	return r;
}

static int serve(struct cli *cli, const struct run_values *v, struct session *s,
		 struct container_end *end, struct learn *learn, struct err *e)
{
	struct usage usage;
	struct err failed;
	bool detached;
	int r = session_serve(cli, s, end, &detached, e);
	if (!learn)
		return r;
	learn_end(learn, &usage);
	if (detached)
		cli_notice("the container runs on; this is what it did so far");
	if (tell_learned(cli, v, &usage, &failed) < 0)
		cli_complain(cli, &failed);
	return r;
}

static int run_attached(struct cli *cli, const struct run_values *v, const char *id, struct err *e)
{
	const struct docker_config *c = &v->create.create.config.config;
	const struct session_options o = {c->tty,           c->attach_stdin, c->attach_stdout,
					  c->attach_stderr, v->sig_proxy,    v->detach_keys};
	struct session s CLEANUP_SESSION;
	struct container_end end;
	struct learn learn = LEARN_NOTHING;
	learn.caps = v->learn_caps;
	learn.calls = v->learn_seccomp != NULL;
	learn.a = &cli->arena;
	const bool learns = v->learn_caps || v->learn_seccomp;
	if (learns)
		learn_begin(&learn, &cli->engine);
	int r = session_open(cli, &s, id, &o, e);
	if (r == 0 && leaves_mounts(&v->create))
		s.engine->mounts_hold = &cli->behind.mounts_fd;
	if (r < 0)
		container_start_cancel(&cli->engine, id, e);
	else
		r = container_start_watched(s.engine, id, s.theirs, &end, e);
	warn(cli, v->create.quiet);
	if (r < 0)
		return r;
	if (!c->attach_stdout && !c->attach_stderr) {
		puts(id);
		fflush(stdout);
	}
	if (v->create.create.config.host.auto_remove) {
		s.engine->behind = &cli->behind;
		container_expect_removal(s.engine);
	}
	s.client.also = learn.ends.epoll;
	s.client.also_ctx = &learn;
	s.client.on_also = learn.ends.epoll < 0 ? NULL : learn_take;
	return serve(cli, v, &s, &end, learns ? &learn : NULL, e);
}

/* What docker's client refuses with exit code 1 instead of 125. */
static int check_streams(const struct run_values *v, struct err *e)
{
	const struct docker_config *c = &v->create.create.config.config;
	if (v->detach && v->create.attach.count)
		return err_set(e, EINVAL, ERR_INVALID,
			       "conflicting options: cannot specify both --attach and --detach");
	if (v->detach && (v->learn_caps || v->learn_seccomp))
		return err_set(e, EINVAL, ERR_INVALID,
			       "conflicting options: what a container needs is learned while hull "
			       "waits for it, not with --detach");
	return session_check_tty(c->tty, c->open_stdin && !v->detach, e);
}

static int run_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	struct run_values *v = values;
	struct detach_keys keys;
	char id[ID_LEN + 1];
	if (check_streams(v, e) < 0) {
		cli_complain(cli, e);
		return 1;
	}
	int r = v->detach_keys ? detach_keys_parse(v->detach_keys, &keys, e) : 0;
	if (r == 0 && is_shared(&v->create))
		r = own_program_protect(cli->argv, e);
	if (r == 0)
		r = create(cli, &v->create, args, v->detach, true, id, e);
	if (r < 0)
		return r;
	return v->detach ? run_detached(cli, v, id, e) : run_attached(cli, v, id, e);
}

static int create_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	char id[ID_LEN + 1];
	int r = create(cli, values, args, false, false, id, e);
	if (r < 0)
		return r;
	puts(id);
	return 0;
}

#define O(member) .offset = offsetof(struct run_values, member)
static const struct option run_options[] = {
	{"detach", 'd', OPTION_BOOL, O(detach),
	 .help = "Run container in background and print container ID"},
	{"detach-keys", 0, OPTION_STR, O(detach_keys),
	 .help = "Override the key sequence for detaching a container"},
	{"learn-caps", 0, OPTION_BOOL, O(learn_caps),
	 .help = "Tell at the end which capabilities it used, as options to paste"},
	{"learn-seccomp", 0, OPTION_STR, O(learn_seccomp), .arg = "FILE",
	 .help = "Write the system calls that it made into a profile; one that is there grows"},
	{"sig-proxy", 0, OPTION_BOOL, O(sig_proxy), .initial = "true",
	 .help = "Proxy received signals to the process"},
};

const struct command command_run = {
	.names = NAMES("run", "container run"),
	.synopsis = "[OPTIONS] IMAGE [COMMAND] [ARG...]",
	.summary = "Create and run a new container from an image",
	.text = "Without -d the container's output comes here, signals go to it, and its exit code "
		"is "
		"hull's. With -it a terminal is made in the container; ctrl-p ctrl-q detaches from "
		"it.\n\n"
		"With --rootfs there is no IMAGE: the command follows at once. --init puts a small "
		"PID 1 "
		"before the command, which reaps zombies and forwards signals: the stop signal to "
		"every "
		"process, which it then waits for, and others to the command (auto, the default), "
		"each to "
		"every process (all), to the command's process group (group), or to the command "
		"alone "
		"(main, as tini does).\n\n"
		"idmap, an option of -v and --mount, shows what belongs to the owner of the source "
		"as the container's user's, and stores what he writes as the owner's; nothing is "
		"changed on the disk. A command that changes to another user wants that one named: "
		"idmap=uids=STORED-SHOWN-COUNT;gids=STORED-SHOWN-COUNT, with # between ranges. Of "
		"-v's other options z, Z, consistent, cached and delegated have no effect here.\n\n"
		"--mount type=image,source=IMAGE,target=DIR[,image-subpath=PART] shows the files "
		"of another image, read-only.",
	.options = OPTIONS_FOR(struct run_values, run_options),
	.more = {{&create_option_table, offsetof(struct run_values, create)},
		 {&limit_option_table, offsetof(struct run_values, create.create.config)}},
	.args = {1, ANY_NUMBER},
	.flags = COMMAND_STOP_AT_ARGUMENT | COMMAND_COMMON | COMMAND_ENGINE_EXIT |
		 COMMAND_LATE_ENGINE,
	.complete = COMPLETE_IMAGE_ONCE,
	.run = run_run,
};

const struct command command_create = {
	.names = NAMES("create", "container create"),
	.synopsis = "[OPTIONS] IMAGE [COMMAND] [ARG...]",
	.summary = "Create a new container",
	.options.size = sizeof(struct create_options),
	.more = {{&create_option_table},
		 {&limit_option_table, offsetof(struct create_options, create.config)}},
	.args = {1, ANY_NUMBER},
	.flags = COMMAND_STOP_AT_ARGUMENT | COMMAND_LATE_ENGINE,
	.complete = COMPLETE_IMAGE_ONCE,
	.run = create_run,
};
