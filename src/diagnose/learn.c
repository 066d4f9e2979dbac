/* SPDX-License-Identifier: Apache-2.0 */
/* See learn.h. The profile is docker's format ("Seccomp security profiles"). */
#include "diagnose/learn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/json.h"
#include "base/shape.h"
#include "linux/cgroup.h"
#include "linux/seccomp_ask.h"
#include "linux/seccomp_calls.h"

enum { PROFILE_MAX = 1 << 20 };

/* ---- watching ---- */

static int at_birth(const struct cgroup *g, uint64_t caps, void *ctx, struct err *e)
{
	struct learn *l = ctx;
	l->given = caps;
	CLEANUP_FD int group = cgroup_scope(g, e);
	if (group < 0)
		return group;
	int r = usage_probe_open(&l->probe, group, l->caps, e);
	if (r == 0 && l->calls) {
		l->abis = arena_new(l->a, struct call_abis);
		call_abis_open(l->abis, &l->ends, group, false, l->a);
	}
	return r;
}

void learn_begin(struct learn *l, struct engine *en)
{
	en->at_birth = at_birth;
	en->at_birth_ctx = l;
}

void learn_take(void *learn)
{
	struct learn *l = learn;
	if (l->abis)
		call_abis_take(l->abis, &l->ends);
}

/* A call that came to no end, or whose end was lost, may be of either ABI. */
static void tell_apart(const struct learn *l, struct usage *u)
{
	for (int i = 0; i < USAGE_CALLS && l->abis && l->abis->any_32bit; i++) {
		const uint8_t seen = l->abis->seen[i];
		const bool known = seen && !u->ends_lost;
		u->calls_32bit[i] = u->calls[i] && (!known || seen & ABI_32BIT);
		u->calls[i] = u->calls[i] && (!known || seen & ABI_NATIVE);
		u->refused_32bit[i] = u->refused[i] && seen & ABI_32BIT_FAILED;
		u->refused[i] = u->refused[i] && (!u->refused_32bit[i] || seen & ABI_NATIVE_FAILED);
	}
}

void learn_end(struct learn *l, struct usage *ret)
{
	usage_probe_read(&l->probe, ret);
	usage_probe_close(&l->probe);
	learn_take(l);
	ret->ends_lost = l->calls ? trace_lost(&l->ends) : 0;
	tell_apart(l, ret);
	trace_close(&l->ends);
	/* A file system may ask for what its own work needs, as who mounted it (overlayfs). */
	ret->granted &= l->given;
	if ((ret->granted | ret->denied) & UINT64_C(1) << CAP_DAC_OVERRIDE)
		ret->denied &= ~(UINT64_C(1) << CAP_DAC_READ_SEARCH); /* its first try */
}

/* ---- capabilities ---- */

char *learn_cap_options(capset needed, struct arena *a)
{
	return arena_printf(a, "--cap-drop ALL%s%s", needed ? " " : "",
			    capability_text(needed, "--cap-add ", " ", a));
}

/* ---- system calls ---- */

/* A process that cannot end, or cannot return from a handler, is of no use; and what starts it. */
static const char *const always[] = {"execve", "exit", "exit_group", "restart_syscall",
				     "rt_sigreturn"};

/* The native one first. */
static const char *const arches[] = {
#if defined(__x86_64__)
	"SCMP_ARCH_X86_64", "SCMP_ARCH_X86"
#elif defined(__aarch64__)
	"SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"
#else
#error "the names of this architecture in seccomp profiles are missing"
#endif
};

/* What a profile allows. */
struct learned {
	struct strv names;
	bool has_32bit; /* of both ABIs */
};

static void add_name(struct strv *names, const char *name, struct arena *a)
{
	for (size_t i = 0; i < names->count; i++)
		if (!strcmp(names->items[i], name))
			return;
	strv_push(a, names, name);
}

static bool is_used(const bool calls[USAGE_CALLS], int number)
{
	return number >= 0 && number < USAGE_CALLS && calls[number];
}

static void add_used(struct learned *l, const struct usage *u, struct arena *a)
{
	for (size_t i = 0; i < ARRAY_LEN(always); i++)
		add_name(&l->names, always[i], a);
	for (size_t i = 0; i < seccomp_call_count; i++) {
		const int *numbers = seccomp_calls[i].numbers;
		const bool used_32bit = is_used(u->calls_32bit, numbers[SECCOMP_32BIT]);
		if (used_32bit || is_used(u->calls, numbers[SECCOMP_NATIVE]))
			add_name(&l->names, seccomp_calls[i].name, a);
		l->has_32bit |= used_32bit;
	}
}

static char *add_refused(char *text, const bool refused[USAGE_CALLS], bool is_32bit,
			 const struct seccomp_program *by, bool others, struct arena *a)
{
	for (size_t i = 0; i < seccomp_call_count; i++) {
		const int number =
			seccomp_calls[i].numbers[is_32bit ? SECCOMP_32BIT : SECCOMP_NATIVE];
		if (number < 0 || number >= USAGE_CALLS || !refused[number])
			continue;
		if (!by || (seccomp_ask(by, is_32bit, number) == SECCOMP_ALLOWS) == others)
			text = arena_printf(a, "%s%s%s%s", text ?: "", text ? ", " : "",
					    seccomp_calls[i].name, is_32bit ? " (32-bit)" : "");
	}
	return text;
}

char *learn_refused(const struct usage *u, const struct seccomp_program *by, bool others,
		    struct arena *a)
{
	char *text = add_refused(NULL, u->refused, false, by, others, a);
	return add_refused(text, u->refused_32bit, true, by, others, a);
}

static bool member_is(struct json_object *o, const char *key, const char *text)
{
	struct json_object *value;
	return json_object_object_get_ex(o, key, &value) &&
	       json_object_is_type(value, json_type_string) &&
	       !strcmp(json_object_get_string(value), text);
}

/* One or both of ours, in their order. */
static bool are_ours(struct json_object *list)
{
	const size_t count =
		json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
	for (size_t i = 0; i < count && i < ARRAY_LEN(arches); i++) {
		struct json_object *name = json_object_array_get_idx(list, i);
		if (!json_object_is_type(name, json_type_string) ||
		    strcmp(json_object_get_string(name), arches[i]) != 0)
			return false;
	}
	return count && count <= ARRAY_LEN(arches);
}

/* The names of what profile_text() writes, and of nothing else: what another one says would be
 * lost, or be turned into its opposite. */
static struct json_object *learned_names(struct json_object *o, bool *ret_has_32bit)
{
	struct json_object *rules, *rule, *list, *own;
	if (!json_object_is_type(o, json_type_object) || json_object_object_length(o) != 4 ||
	    !member_is(o, "defaultAction", "SCMP_ACT_ERRNO") ||
	    !json_object_object_get_ex(o, "defaultErrnoRet", &list) ||
	    !json_object_object_get_ex(o, "architectures", &own) || !are_ours(own) ||
	    !json_object_object_get_ex(o, "syscalls", &rules) ||
	    !json_object_is_type(rules, json_type_array) || json_object_array_length(rules) != 1)
		return NULL;
	rule = json_object_array_get_idx(rules, 0);
	if (!json_object_is_type(rule, json_type_object) || json_object_object_length(rule) != 2 ||
	    !member_is(rule, "action", "SCMP_ACT_ALLOW") ||
	    !json_object_object_get_ex(rule, "names", &list) ||
	    !json_object_is_type(list, json_type_array))
		return NULL;
	for (size_t i = 0; i < json_object_array_length(list); i++)
		if (!json_object_is_type(json_object_array_get_idx(list, i), json_type_string))
			return NULL;
	*ret_has_32bit = json_object_array_length(own) > 1;
	return list;
}

static int add_known(struct learned *l, const char *path, struct arena *a, struct err *e)
{
	CLEANUP_JSON struct json_object *o = NULL;
	char *text;
	size_t len;
	int r = file_read(AT_FDCWD, path, PROFILE_MAX, a, &text, &len, e);
	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = json_parse(text, len, &o, e);
	if (r < 0)
		return err_context(e, "%s", path);
	bool has_32bit = false;
	struct json_object *list = learned_names(o, &has_32bit);
	if (!list) {
		err_set(e, EEXIST, ERR_CONFLICT, "%s is there, and is no profile that was learned",
			path);
		return err_hint(e, "name another file; a learned one grows with each run");
	}
	for (size_t i = 0; i < json_object_array_length(list); i++)
		add_name(
			&l->names,
			arena_strdup(a, json_object_get_string(json_object_array_get_idx(list, i))),
			a);
	l->has_32bit |= has_32bit;
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static char *profile_text(const struct learned *l, struct arena *a)
{
	CLEANUP_JSON struct json_object *o = json_object_new_object();
	CLEANUP_STRBUF struct strbuf out = STRBUF_MAX(PROFILE_MAX);
	struct json_object *rules = json_object_new_array(), *rule = json_object_new_object(),
			   *own = json_object_new_array();
	for (size_t i = 0; i < (l->has_32bit ? ARRAY_LEN(arches) : 1); i++)
		json_object_array_add(own, json_object_new_string(arches[i]));
	json_add_string(o, "defaultAction", "SCMP_ACT_ERRNO");
	json_add_int(o, "defaultErrnoRet", EPERM);
	json_object_object_add(o, "architectures", own);
	json_object_object_add(rule, "names", json_of_strv(&l->names));
	json_add_string(rule, "action", "SCMP_ACT_ALLOW");
	json_object_array_add(rules, rule);
	json_object_object_add(o, "syscalls", rules);
	json_print(&out, o, 0);
	strbuf_putc(&out, '\n');
	return arena_strdup(a, strbuf_text(&out));
}

int learn_profile_write(const char *path, const struct usage *u, size_t *ret_count, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	struct learned l = {0};
	add_used(&l, u, &a);
	int r = add_known(&l, path, &a, e);
	if (r < 0)
		return r;
	qsort(l.names.items, l.names.count, sizeof(*l.names.items), by_name);
	const char *text = profile_text(&l, &a);
	const char *aside = arena_printf(&a, "%s.hull", path);
	CLEANUP_FD int fd = file_unnamed(AT_FDCWD, path, aside);
	r = fd < 0 ? fd : (int)fd_write_full(fd, text, strlen(text));
	if (r >= 0)
		fchmod(fd, 0644); /* nothing in it is secret */
	if (r >= 0)
		r = file_publish(fd, AT_FDCWD, path, aside);
	if (r < 0)
		return err_errno(e, r, "cannot write the seccomp profile %s", path);
	*ret_count = l.names.count;
	return 0;
}
