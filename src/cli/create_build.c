/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the options of `run` and `create` to a request for the engine: what docker's client does
 * before it talks to its daemon. Paths become absolute, files are read, options that exclude each
 * other are refused. What needs the image or the host is checked by the engine. Read
 * create_options.h first.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "cli/cli.h"
#include "cli/create_options.h"
#include "cli/env_file.h"
#include "cli/network_option.h"
#include "base/option_value.h"

enum { SECCOMP_PROFILE_MAX = 1024 * 1024 };

static int build_env(struct create_options *o, struct arena *a, struct err *e)
{
	return env_files_read(&o->env_files, &o->env, ENV_BARE_INHERIT,
			      &o->create.config.config.env, a, e);
}

static int build_labels(struct create_options *o, struct arena *a, struct err *e)
{
	struct strv lines = {0};
	int r = env_files_read(&o->label_files, &o->labels, ENV_BARE_EMPTY, &lines, a, e);
	for (size_t i = 0; r == 0 && i < lines.count; i++)
		kvs_set_pair(a, &o->create.config.config.labels, lines.items[i]);
	return r;
}

/* -v DST is an anonymous volume, -v SRC:DST[:OPTIONS] a bind or a named volume. */
static int build_volume(struct create_options *o, const char *spec, struct arena *a, struct err *e)
{
	const char *colon = strchr(spec, ':');
	if (!*spec)
		return err_set(e, EINVAL, ERR_INVALID, "invalid empty volume spec");
	if (colon == spec || (colon && (colon[1] == ':' || !colon[1])))
		return err_set(e, EINVAL, ERR_INVALID,
			       "invalid spec: %s: empty section between colons", spec);
	if (!colon) {
		strv_push(a, &o->create.config.config.volumes, spec);
		return 0;
	}
	if (*spec != '.') {
		strv_push(a, &o->create.config.host.binds, spec);
		return 0;
	}
	char *source;
	int r = path_from_cwd(arena_strndup(a, spec, (size_t)(colon - spec)), &source, a, e);
	if (r == 0)
		strv_push(a, &o->create.config.host.binds, arena_printf(a, "%s%s", source, colon));
	return r;
}

/* The profile itself travels, not its path: the engine may read it later, elsewhere. */
static int read_profile(const char *path, char **ret, struct arena *a, struct err *e)
{
	char *text;
	size_t len;
	int r = file_read_named(path, SECCOMP_PROFILE_MAX, a, &text, &len, e);
	if (r < 0)
		return err_context(e, "opening seccomp profile (%s) failed", path);
	CLEANUP_JSON struct json_object *o = NULL;
	r = json_parse(text, len, &o, e);
	if (r < 0)
		return err_context(e, "compacting json for seccomp profile (%s) failed", path);
	*ret = arena_printf(a, "seccomp=%s",
			    json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));
	return 0;
}

int security_options_read(const struct strv *given, struct docker_host_config *host,
			  struct arena *a, struct err *e)
{
	for (size_t i = 0; i < given->count; i++) {
		char *option = given->items[i];
		char *value = strpbrk(option, "=:");
		if (!value && strcmp(option, "no-new-privileges"))
			return err_set(e, EINVAL, ERR_INVALID, "Invalid --security-opt: \"%s\"",
				       option);
		if (!strcmp(option, "systempaths=unconfined")) {
			host->system_paths_unconfined = true;
			continue;
		}
		if (!strncmp(option, "seccomp", 7) && value == option + 7 &&
		    strcmp(value + 1, "unconfined") && strcmp(value + 1, "builtin")) {
			int r = read_profile(value + 1, &option, a, e);
			if (r < 0)
				return r;
		}
		strv_push(a, &host->security_opt, option);
	}
	return 0;
}

static int build_init(struct create_options *o, struct err *e)
{
	struct container_config *c = &o->create.config;
	if (c->hull.systemd && !c->config.stop_signal)
		c->config.stop_signal = "RTMIN+3";
	const char *path = c->hull.init_path;
	if (path && *path) {
		if (*path != '/')
			return err_set(e, EINVAL, ERR_USAGE,
				       "--init-path %s: must be an absolute path of this machine",
				       path);
		if (o->init && strcmp(o->init, "auto") != 0)
			return err_set(e, EINVAL, ERR_USAGE,
				       "conflicting options: --init-path and --init=%s, which is "
				       "hull-init's own",
				       o->init);
		o->init = "auto";
	}
	if (!o->init)
		return 0;
	c->host.init = (struct opt_bool){true, strcmp(o->init, "false") != 0};
	if (c->host.init.value)
		c->hull.init_mode = path && *path ? NULL : o->init;
	return 0;
}

static int check_pull(const char *pull, struct err *e)
{
	if (!strcmp(pull, "missing") || !strcmp(pull, "never") || !strcmp(pull, "always") || !*pull)
		return 0;
	return err_set(
		e, EINVAL, ERR_INVALID,
		"invalid pull option: '%s': must be one of \"always\", \"missing\" or \"never\"",
		pull);
}

static void build_attach(struct create_options *o, bool detach)
{
	struct docker_config *c = &o->create.config.config;
	for (size_t i = 0; i < o->attach.count; i++) {
		const char *stream = o->attach.items[i] + 3; /* in, out, err */
		c->attach_stdin |= !strcmp(stream, "in");
		c->attach_stdout |= !strcmp(stream, "out");
		c->attach_stderr |= !strcmp(stream, "err");
	}
	if (!o->attach.count && !detach) {
		c->attach_stdin = c->open_stdin;
		c->attach_stdout = c->attach_stderr = true;
	}
	c->stdin_once = c->open_stdin && c->attach_stdin;
}

/* IMAGE COMMAND ...; with --rootfs there is no image. */
static int build_command(struct create_options *o, const struct strv *args, struct arena *a,
			 struct err *e)
{
	struct container_config *c = &o->create.config;
	size_t first = 0;
	if (o->rootfs) {
		size_t len = strlen(o->rootfs);
		c->hull.rootfs_overlay = len > 2 && !strcmp(o->rootfs + len - 2, ":O");
		int r = path_from_cwd(
			arena_strndup(a, o->rootfs, len - (c->hull.rootfs_overlay ? 2 : 0)),
			&c->hull.rootfs, a, e);
		if (r < 0)
			return r;
	} else {
		o->create.image = args->items[first++];
	}
	for (; first < args->count; first++)
		strv_push(a, &c->config.cmd, args->items[first]);
	if (o->entrypoint) {
		o->create.entrypoint_set = true;
		if (*o->entrypoint)
			strv_push(a, &c->config.entrypoint, o->entrypoint);
	}
	return 0;
}

static void note_ignored(const struct create_options *o)
{
	if (o->quiet)
		return;
	if (o->create.config.host.oom_kill_disable.value && !o->create.config.host.memory)
		cli_notice("WARNING: Disabling the OOM killer on containers without setting a "
			   "'-m/--memory' limit may be dangerous.");
	if (o->kernel_memory)
		cli_notice("WARNING: --kernel-memory is without effect: the kernel has dropped it");
	if (o->disable_content_trust)
		cli_notice("WARNING: --disable-content-trust is without effect: hull has no "
			   "content trust");
}

/* docker's client's words. */
static int build_health(struct create_options *o, struct arena *a, struct err *e)
{
	struct docker_healthcheck *h = &o->health;
	const struct {
		const char *option;
		int64_t value;
	} numbers[] = {{"interval", h->interval},
		       {"timeout", h->timeout},
		       {"retries", h->retries},
		       {"start-period", h->start_period},
		       {"start-interval", h->start_interval}};
	bool given = o->health_cmd && *o->health_cmd;
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		given |= numbers[i].value != 0;
	if (o->no_healthcheck && given)
		return err_set(e, EINVAL, ERR_INVALID,
			       "--no-healthcheck conflicts with --health-* options");
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		if (numbers[i].value < 0)
			return err_set(e, EINVAL, ERR_INVALID, "--health-%s cannot be negative",
				       numbers[i].option);
	if (o->health_cmd && *o->health_cmd) {
		strv_push(a, &h->test, "CMD-SHELL");
		strv_push(a, &h->test, o->health_cmd);
	}
	if (o->no_healthcheck)
		strv_push(a, &h->test, "NONE");
	if (o->no_healthcheck || given)
		o->create.config.config.healthcheck =
			shape_print(&docker_healthcheck_shape, h, false, a);
	return 0;
}

int create_options_build(struct cli *cli, struct create_options *o, const struct strv *args,
			 bool detach, struct err *e)
{
	struct arena *a = &cli->arena;
	struct docker_host_config *host = &o->create.config.host;
	int r = build_command(o, args, a, e);
	for (size_t i = 0; r == 0 && i < o->volumes.count; i++)
		r = build_volume(o, o->volumes.items[i], a, e);
	if (r == 0)
		r = build_env(o, a, e);
	if (r == 0)
		r = build_labels(o, a, e);
	if (r == 0)
		r = security_options_read(&o->security, &o->create.config.host, a, e);
	if (r == 0)
		r = build_init(o, e);
	if (r == 0)
		r = network_options_build(o, cli->settings.network, a, e);
	if (r == 0)
		r = check_pull(o->pull, e);
	if (r < 0)
		return r;
	build_attach(o, detach);
	settings_apply(&cli->settings, &o->create);
	note_ignored(o);
	host->container_id_file = o->cidfile;
	r = build_health(o, a, e);
	return r < 0 ? r : container_create_check(&o->create, e);
}

int cidfile_check(const char *path, struct err *e)
{
	if (!path || !*path || !file_exists(AT_FDCWD, path))
		return 0;
	return err_set(
		e, EEXIST, ERR_CONFLICT,
		"container ID file found, make sure the other container isn't running or delete "
		"%s",
		path);
}

int cidfile_write(const char *path, const char *id, struct err *e)
{
	const char *slash = strrchr(path, '/');
	char folder[4096] = ".";
	if (slash && (size_t)(slash - path) >= sizeof(folder))
		return err_set(e, ENAMETOOLONG, ERR_INVALID, "--cidfile: path is too long");
	if (slash)
		snprintf(folder, sizeof(folder), "%.*s/", (int)(slash - path), path);
	CLEANUP_FD int dir = dir_open(AT_FDCWD, folder, e);
	if (dir < 0)
		return err_context(e, "--cidfile %s", path);
	return file_replace(dir, slash ? slash + 1 : path, id, ID_LEN, false, e);
}
