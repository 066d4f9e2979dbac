/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a container may do: capabilities, system calls, new privileges, hidden and read-only paths,
 * limits per process. The defaults stand in docs/security.md. See capabilities(7), seccomp(2),
 * getrlimit(2).
 */
#include "engine/spec.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "engine/apparmor.h"
#include "engine/layer.h"
#include "engine/seccomp_profile.h"
#include "linux/rlimit.h"
#include "linux/sysctl.h"

/* The union of docker's and podman's lists (docs/security.md). */
static const char *const masked_paths[] = {
	"/proc/acpi",
	"/proc/asound",
	"/proc/interrupts",
	"/proc/kcore",
	"/proc/keys",
	"/proc/latency_stats",
	"/proc/sched_debug",
	"/proc/scsi",
	"/proc/timer_list",
	"/proc/timer_stats",
	"/sys/firmware",
	"/sys/fs/selinux",
	"/sys/devices/virtual/powercap",
};
static const char *const readonly_paths[] = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
					     "/proc/sysrq-trigger"};

const char *security_option(const struct container *c, const char *name)
{
	const struct strv *options = &c->config.host.security_opt;
	size_t len = strlen(name);
	for (size_t i = options->count; i-- > 0;) {
		const char *o = options->items[i];
		if (!strncmp(o, name, len) && (o[len] == '=' || o[len] == ':'))
			return o + len + 1;
		if (!strcmp(o, name))
			return "true";
	}
	return NULL;
}

static int capability_list(const struct strv *names, capset *ret, bool *ret_all, struct err *e)
{
	capset set = 0;
	*ret_all = false;
	for (size_t i = 0; i < names->count; i++) {
		const char *name = names->items[i];
		if (!strcasecmp(name, "ALL")) {
			*ret_all = true;
			continue;
		}
		int number = capability_number(name);
		if (number < 0) {
			err_set(e, EINVAL, ERR_INVALID,
				"invalid CapAdd or CapDrop: unknown "
				"capability: \"%s\"",
				name);
			return err_hint(
				e, "man 7 capabilities lists them; with or without CAP_, any case");
		}
		set |= (capset)1 << number;
	}
	*ret = set;
	return 0;
}

static int container_caps(struct spec_build *b, struct err *e)
{
	const struct docker_host_config *h = &b->container->config.host;
	capset add, drop, caps;
	bool add_all, drop_all;
	int r = capability_list(&h->cap_add, &add, &add_all, e);
	if (r == 0)
		r = capability_list(&h->cap_drop, &drop, &drop_all, e);
	if (r < 0)
		return r;
	if (h->privileged)
		caps = capability_all();
	else if (add_all)
		caps = capability_all() & ~drop;
	else
		caps = ((drop_all ? 0 : CAPS_DOCKER_DEFAULT) & ~drop) | add;
	b->caps = capability_bounding(caps);
	capset missing = add & ~b->caps & ~drop;
	for (int i = 0; i < 64; i++)
		if (missing & ((capset)1 << i))
			engine_warn(b->warn, "%s cannot be given: hull itself lacks it",
				    capability_name(i));
	return 0;
}

void spec_capabilities(struct oci_process *p, capset caps, struct arena *a)
{
	struct oci_capabilities *c = arena_new(a, struct oci_capabilities);
	for (int i = 0; i < 64; i++) {
		const char *name = caps & ((capset)1 << i) ? capability_name(i) : NULL;
		if (!name)
			continue;
		strv_push(a, &c->bounding, name);
		/* An ordinary user's effective set is empty: the kernel clears it at setuid(2). */
		if (p->user.uid == 0) {
			strv_push(a, &c->permitted, name);
			strv_push(a, &c->effective, name);
		}
	}
	p->capabilities = c;
}

static int check_options(const struct container *c, struct err *e)
{
	static const char *const known[] = {"seccomp", "no-new-privileges", "apparmor", "label",
					    "systempaths"};
	const struct strv *options = &c->config.host.security_opt;
	for (size_t i = 0; i < options->count; i++) {
		size_t len = strcspn(options->items[i], "=:");
		bool found = false;
		for (size_t k = 0; k < ARRAY_LEN(known); k++)
			found |= strlen(known[k]) == len &&
				 !strncmp(known[k], options->items[i], len);
		if (found)
			continue;
		err_set(e, EINVAL, ERR_INVALID, "invalid --security-opt: \"%s\"",
			options->items[i]);
		return err_hint(e, "known: seccomp=FILE|unconfined, no-new-privileges, "
				   "apparmor=PROFILE|unconfined, "
				   "label=disable, systempaths=unconfined");
	}
	const char *label = security_option(c, "label");
	if (label && strcmp(label, "disable"))
		return err_set(e, ENOTSUP, ERR_INVALID,
			       "--security-opt label=%s: SELinux labels are not supported; only "
			       "label=disable is",
			       label);
	return 0;
}

void spec_paths(const struct container *c, struct strv *masked, struct strv *readonly,
		struct arena *a)
{
	const struct docker_host_config *h = &c->config.host;
	if (h->privileged || h->system_paths_unconfined || security_option(c, "systempaths"))
		return;
	for (size_t i = 0; i < ARRAY_LEN(masked_paths); i++)
		strv_push(a, masked, masked_paths[i]);
	for (size_t i = 0; i < ARRAY_LEN(readonly_paths); i++)
		strv_push(a, readonly, readonly_paths[i]);
}

static bool is_list(const struct strv *v, const char *const *items, size_t count)
{
	for (size_t i = 0; v->count == count && i < count; i++)
		if (strcmp(v->items[i], items[i]))
			return false;
	return !v->count || v->count == count;
}

bool container_paths_default(const struct docker_host_config *h)
{
	return is_list(&h->masked_paths, masked_paths, ARRAY_LEN(masked_paths)) &&
	       is_list(&h->readonly_paths, readonly_paths, ARRAY_LEN(readonly_paths));
}

static int build_paths(struct spec_build *b, struct arena *a, struct err *e)
{
	const char *system_paths = security_option(b->container, "systempaths");
	if (system_paths && strcmp(system_paths, "unconfined"))
		return err_set(e, EINVAL, ERR_INVALID,
			       "--security-opt systempaths=%s: only unconfined is known",
			       system_paths);
	spec_paths(b->container, &b->spec.linux_.masked_paths, &b->spec.linux_.readonly_paths, a);
	return 0;
}

/* As far as this caller may go: better than a container that does not start, if it is said. */
static struct oci_rlimit clamp(const struct spec_build *b, const char *name, struct oci_rlimit wish)
{
	struct oci_rlimit l = wish;
	int64_t most = rlimit_ceiling(rlimit_number(wish.type));
	if (most < 0 || (wish.hard >= 0 && wish.hard <= most))
		return wish;
	l.hard = most;
	if (l.soft < 0 || l.soft > most)
		l.soft = most;
	engine_warn(b->warn,
		    "--ulimit %s: %lld is the most that can be given here, so the limits are "
		    "%lld:%lld",
		    name, (long long)most, (long long)l.soft, (long long)l.hard);
	return l;
}

int spec_rlimits(struct spec_build *b, struct arena *a, struct err *e)
{
	/* Enough files for anyone, few enough that programs which close them all stay fast. */
	static const struct oci_rlimit defaults[] = {{"RLIMIT_NOFILE", 524288, 1024},
						     {"RLIMIT_CORE", 0, 0}};
	const struct array *ulimits = &b->container->config.host.ulimits;
	const struct docker_ulimit *own = ulimits->items;
	struct oci_rlimit *list = arena_array(a, ulimits->count + 2, sizeof(*list));
	size_t n = 0;
	for (size_t i = 0; i < ulimits->count; i++) {
		char *type = arena_printf(a, "RLIMIT_%s", own[i].name);
		for (char *p = type; *p; p++)
			*p = (char)(*p >= 'a' && *p <= 'z' ? *p - 32 : *p);
		if (rlimit_number(type) < 0)
			return err_set(e, EINVAL, ERR_INVALID, "invalid ulimit type: %s",
				       own[i].name);
		if (own[i].hard >= 0 && (own[i].soft < 0 || own[i].soft > own[i].hard))
			return err_set(e, EINVAL, ERR_INVALID,
				       "ulimit %s: soft limit must be less than or equal to hard "
				       "limit: %lld > %lld",
				       own[i].name, (long long)own[i].soft, (long long)own[i].hard);
		list[n++] =
			clamp(b, own[i].name, (struct oci_rlimit){type, own[i].hard, own[i].soft});
	}
	for (size_t d = 0; d < 2; d++) {
		bool set = false;
		for (size_t i = 0; i < ulimits->count; i++)
			set |= !strcmp(list[i].type, defaults[d].type);
		if (!set)
			list[n++] = defaults[d];
	}
	b->spec.process.rlimits = (struct array){list, n};
	return 0;
}

/* The namespaces that the container has for itself decide which kernel parameters it may set. */
static unsigned long own_namespaces(const struct docker_host_config *h)
{
	const struct {
		const char *mode;
		unsigned long flag;
	} kinds[] = {{h->network_mode, CLONE_NEWNET},
		     {h->ipc_mode, CLONE_NEWIPC},
		     {h->uts_mode, CLONE_NEWUTS},
		     {h->pid_mode, CLONE_NEWPID}};
	unsigned long own = CLONE_NEWNS;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (docker_mode_is_own(kinds[i].mode))
			own |= kinds[i].flag;
	return own;
}

static int check_sysctls(const struct spec_build *b, struct err *e)
{
	const struct docker_host_config *h = &b->container->config.host;
	unsigned long own = own_namespaces(h);
	for (size_t i = 0; i < h->sysctls.count; i++) {
		int r = sysctl_check(h->sysctls.items[i].key, h->sysctls.items[i].value, own, e);
		if (r < 0)
			return r;
	}
	return 0;
}

static bool is_unconfined(const struct container *c)
{
	const char *seccomp = security_option(c, "seccomp");
	return seccomp ? !strcmp(seccomp, "unconfined") : c->config.host.privileged;
}

int spec_security(struct engine *en, struct spec_build *b, struct arena *a, struct err *e)
{
	const char *privileges = security_option(b->container, "no-new-privileges");
	const char *profile = NULL;
	int r = check_options(b->container, e);
	if (r == 0)
		r = apparmor_profile(en, b->container, &profile, e);
	if (r == 0)
		r = container_caps(b, e);
	if (r == 0)
		r = build_paths(b, a, e);
	if (r == 0)
		r = spec_rlimits(b, a, e);
	if (r == 0)
		r = check_sysctls(b, e);
	if (r < 0)
		return r;
	if (privileges && strcmp(privileges, "true") && strcmp(privileges, "false"))
		return err_set(e, EINVAL, ERR_INVALID,
			       "invalid --security-opt: "
			       "\"no-new-privileges:%s\"",
			       privileges);
	b->spec.process.no_new_privileges = privileges && !strcmp(privileges, "true");
	b->spec.process.apparmor_profile = (char *)profile;
	b->unconfined = is_unconfined(b->container);
	return 0;
}

int container_filter(const struct container *c, const capset *caps, struct arena *a,
		     struct seccomp_program *ret, struct err *e)
{
	struct spec_build b = {.container = c, .unconfined = is_unconfined(c)};
	int r = 0;
	if (caps)
		b.caps = *caps;
	else
		r = container_caps(&b, e);
	if (r == 0)
		r = spec_seccomp(&b, a, e);
	*ret = b.seccomp;
	return r;
}

int spec_seccomp(struct spec_build *b, struct arena *a, struct err *e)
{
	const char *profile = security_option(b->container, "seccomp");
	bool limited = layer_has_project(b->container) || b->container->config.hull.volume_quota;
	uint64_t project = limited ? SECCOMP_KEEP_PROJECT : 0;
	if (b->unconfined)
		return 0;
	if (!profile || b->own_filter || !strcmp(profile, "builtin"))
		return seccomp_default_program(b->caps | project, a, &b->seccomp, e);
	return seccomp_profile_compile(profile, b->caps, a, &b->seccomp, e);
}
