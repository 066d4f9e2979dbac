/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The OCI spec of a container: its process and its namespaces; the other parts have files of their
 * own (spec.h). Sources: OCI runtime-spec config.md, config-linux.md; docker's `create` for the
 * defaults.
 */
#include "engine/spec.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/units.h"
#include "engine/run_folder.h"
#include "engine/secret.h"
#include "linux/idmap.h"
#include "linux/namespaces.h"
#include "runtime/runtime.h"

static bool is(const char *a, const char *b)
{
	return a && !strcmp(a, b);
}

/* PATH and HOSTNAME first, TERM with a terminal, then the image's and the user's. HOME comes last:
 * build_user. */
static void build_env(struct spec_build *b, struct arena *a)
{
	const struct docker_config *c = &b->container->config.config;
	struct strv *env = &b->spec.process.env;
	strv_push(a, env, "PATH=" PATH_DEFAULT);
	strv_push(a, env, arena_printf(a, "HOSTNAME=%s", c->hostname));
	if (c->tty)
		strv_push(a, env, "TERM=xterm");
	if (b->container->config.hull.systemd)
		strv_push(a, env, "container=hull");
	for (size_t i = 0; i < c->env.count; i++)
		strv_set_env(a, env, c->env.items[i]);
	for (size_t i = 0; i < b->secrets.count; i++)
		strv_set_env(a, env, b->secrets.items[i]);
}

static int build_user(struct spec_build *b, const char *user, struct arena *a, struct err *e)
{
	const struct docker_host_config *h = &b->container->config.host;
	struct oci_process *p = &b->spec.process;
	char *home;
	int r = runtime_lookup_user(b->root_fd, user ? user : "", &h->group_add, a, &p->user, &home,
				    e);
	if (r < 0)
		return r;
	/* The primary group too, as docker does it: a file that forbids it must stay closed after a
	 * setgid program. */
	struct oci_number own = {p->user.gid};
	runtime_add_groups(&p->user, &(struct array){&own, 1}, a);
	if (!strv_get_env(&p->env, "HOME"))
		strv_push(a, &p->env, arena_printf(a, "HOME=%s", *home ? home : "/"));
	return 0;
}

/* {kind of namespace, what the user may say instead of a private one}. */
static int add_namespace(struct engine *en, struct spec_build *b, const char *type,
			 const char *proc_name, const char *mode, struct arena *a, struct err *e)
{
	struct array *list = &b->spec.linux_.namespaces;
	struct oci_namespace *n = &((struct oci_namespace *)list->items)[list->count];
	if (is(mode, "host"))
		return 0;
	*n = (struct oci_namespace){.type = (char *)type};
	const char *name = docker_mode_container(mode);
	if (name) {
		struct container *other = arena_new(a, struct container);
		int r = container_find(en, name, a, other, e);
		if (r < 0)
			return err_context(e, "--%s %s", type, mode);
		if (!other->pid)
			return err_set(
				e, ESRCH, ERR_CONFLICT,
				"cannot join the %s namespace of a non running container: %s", type,
				name);
		n->path = arena_printf(a, "/proc/%d/ns/%s", other->pid, proc_name);
	} else if (mode && *mode && strcmp(mode, "private") && strcmp(mode, "shareable") &&
		   strcmp(type, "network") != 0) { /* a network of any name: engine/endpoint.c */
		return err_set(e, EINVAL, ERR_INVALID,
			       "--%s %s: not known; use private, host or "
			       "container:NAME",
			       type, mode);
	}
	list->count++;
	return 0;
}

static int build_namespaces(struct engine *en, struct spec_build *b, struct arena *a, struct err *e)
{
	const struct docker_host_config *h = &b->container->config.host;
	const struct {
		const char *type, *proc_name, *mode;
	} wanted[] = {
		{"pid", "pid", h->pid_mode}, {"network", "net", h->network_mode},
		{"ipc", "ipc", h->ipc_mode}, {"uts", "uts", h->uts_mode},
		{"mount", "mnt", NULL},      {"cgroup", "cgroup", h->cgroupns_mode},
	};
	size_t count = sizeof(wanted) / sizeof(wanted[0]);
	b->spec.linux_.namespaces.items = arena_array(a, count, sizeof(struct oci_namespace));
	for (size_t i = 0; i < count; i++) {
		int r = add_namespace(en, b, wanted[i].type, wanted[i].proc_name, wanted[i].mode, a,
				      e);
		if (r < 0)
			return r;
	}
	if (h->userns_mode && *h->userns_mode && !is(h->userns_mode, "host"))
		return err_set(e, ENOTSUP, ERR_INVALID, "--userns %s: not known; use host",
			       h->userns_mode);
	return 0;
}

static void build_sysctls(struct spec_build *b, struct arena *a)
{
	const struct docker_host_config *h = &b->container->config.host;
	struct kvs *sysctl = &b->spec.linux_.sysctl;
	/* As docker: ports below 1024 and ping need no privilege in a network of one's own. */
	if (docker_mode_is_own(h->network_mode) && !h->privileged) {
		kvs_set(a, sysctl, "net.ipv4.ip_unprivileged_port_start", "0");
		int64_t most = namespace_caller_is_user() ? idmap_highest_gid() : INT32_MAX;
		kvs_set(a, sysctl, "net.ipv4.ping_group_range",
			arena_printf(a, "0 %lld", (long long)most));
	}
	for (size_t i = 0; i < h->sysctls.count; i++)
		kvs_set(a, sysctl, h->sysctls.items[i].key, h->sysctls.items[i].value);
}

/* Without the right it can only be raised; the runtime tries, and goes on. */
static void warn_oom_score(const struct spec_build *b)
{
	int64_t wish = b->container->config.host.oom_score_adj, least;
	char now[16];
	if (wish == 0 || (capability_has(CAP_SYS_RESOURCE) && !namespace_caller_is_user()) ||
	    file_read_small(AT_FDCWD, "/proc/self/oom_score_adj", now, sizeof(now)) <= 0 ||
	    int_parse(now, -1000, 1000, &least) < 0 || wish >= least)
		return;
	engine_warn(b->warn, "--oom-score-adj %lld: hull may not lower it here, it stays at %lld",
		    (long long)wish, (long long)least);
}

static void set_size(struct oci_process *p, int64_t rows, int64_t cols, struct arena *a)
{
	if (!p->terminal || rows <= 0)
		return;
	p->console_size = arena_new(a, struct oci_box);
	*p->console_size = (struct oci_box){.height = rows, .width = cols};
}

static int build_process(struct spec_build *b, struct arena *a, struct err *e)
{
	const struct container_config *c = &b->container->config;
	const int64_t *size = c->host.console_size.items;
	struct oci_process *p = &b->spec.process;
	p->terminal = c->config.tty;
	if (c->host.console_size.count == 2)
		set_size(p, size[0], size[1], a);
	strv_push_all(a, &p->args, &c->config.entrypoint);
	strv_push_all(a, &p->args, &c->config.cmd);
	build_env(b, a);
	p->cwd = c->config.working_dir && *c->config.working_dir ? c->config.working_dir : "/";
	if (*p->cwd != '/')
		return err_set(
			e, EINVAL, ERR_INVALID,
			"the working directory '%s' is invalid, it needs to be an absolute path",
			p->cwd);
	p->oom_score_adj = (struct opt_i64){true, c->host.oom_score_adj};
	if (c->host.oom_score_adj < -1000 || c->host.oom_score_adj > 1000)
		return err_set(e, EINVAL, ERR_INVALID,
			       "Invalid value %lld, range for oom score adj is [-1000, 1000]",
			       (long long)c->host.oom_score_adj);
	warn_oom_score(b);
	return 0;
}

static int build(struct engine *en, struct spec_build *b, struct arena *a, struct err *e)
{
	const struct container *c = b->container;
	b->spec.oci_version = "1.2.0";
	b->spec.root = (struct oci_root){.path = c->config.hull.rootfs,
					 .readonly = c->config.host.readonly_rootfs};
	b->spec.hostname = is(c->config.host.uts_mode, "host") ? NULL : c->config.config.hostname;
	b->spec.domainname = c->config.config.domainname;
	b->spec.annotations = c->config.host.annotations;
	b->spec.linux_.rootfs_propagation = "rprivate";
	build_sysctls(b, a);
	int r = build_process(b, a, e);
	if (r == 0)
		r = build_namespaces(en, b, a, e);
	if (r == 0)
		r = spec_security(en, b, a, e);
	return r < 0 ? r : spec_mounts(en, b, a, e);
}

static int build_resources(struct spec_build *b, struct arena *a, struct err *e)
{
	int r = spec_limits(b, a, e);
	b->spec.linux_.cgroups_path = container_cgroup_path(b->container, a);
	return r < 0 ? r : spec_devices(b, a, e);
}

int spec_plan(struct engine *en, struct spec_build *b, struct arena *a, struct err *e)
{
	struct monitor_config ignored;
	int r = build_resources(b, a, e);
	if (r == 0)
		r = build(en, b, a, e);
	if (r == 0)
		r = log_options_read(b->container, &ignored, e);
	return r < 0 ? r : spec_seccomp(b, a, e);
}

int spec_finish(struct engine *en, struct spec_build *b, struct arena *a, struct err *e)
{
	int r = secrets_env(en, b->container, a, &b->secrets, e);
	for (size_t i = 0; r == 0 && i < b->secrets.count; i++)
		strv_set_env(a, &b->spec.process.env, b->secrets.items[i]);
	if (r == 0)
		r = build_user(b, b->container->config.config.user, a, e);
	if (r < 0)
		return r;
	spec_capabilities(&b->spec.process, b->caps, a);
	return spec_mount_sources(en, b, a, e);
}

int spec_exec(struct engine *en, struct spec_build *b, const struct container_exec *x,
	      struct arena *a, struct err *e)
{
	const struct container_config *c = &b->container->config;
	struct oci_process *p = &b->spec.process;
	int r = spec_security(en, b, a, e);
	if (r == 0 && !x->debug)
		r = secrets_env(en, b->container, a, &b->secrets, e);
	if (r < 0)
		return r;
	if (x->debug) { /* its variables are for its programs, LD_PRELOAD among them */
		strv_push(a, &p->env, "PATH=" PATH_DEFAULT);
		b->caps |= capability_bounding((capset)1 << CAP_SYS_PTRACE);
		b->own_filter = true;
	} else {
		build_env(b, a);
	}
	if (x->tty && !strv_get_env(&p->env, "TERM"))
		strv_set_env(a, &p->env, "TERM=xterm");
	for (size_t i = 0; i < x->env.count; i++)
		strv_set_env(a, &p->env, x->env.items[i]);
	r = build_user(b, x->user ? x->user : c->config.user, a, e);
	if (r < 0)
		return r;
	strv_push_all(a, &p->args, &x->args);
	p->terminal = x->tty;
	set_size(p, x->rows, x->cols, a);
	p->cwd = (char *)(x->workdir ? x->workdir : c->config.working_dir);
	if (!p->cwd || !*p->cwd)
		p->cwd = "/";
	if (x->privileged) {
		b->caps = capability_all();
		b->unconfined = true;
		p->apparmor_profile = NULL;
	}
	spec_capabilities(p, b->caps, a);
	return 0;
}
