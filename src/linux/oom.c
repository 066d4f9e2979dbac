/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See oom.h. The kernel logs a kill in two records:
 *   oom-kill:constraint=C,nodemask=N,cpuset=S,mems_allowed=M,oom_memcg=G,task_memcg=T,task=c,pid=P,..
 *   Memory cgroup out of memory: Killed process P (c) total-vm:.., anon-rss:1kB, file-rss:.., ..
 * with "global_oom" in place of oom_memcg where it was the machine. Names in them may be a
 * container's: words are looked for from the end, where they are the kernel's. Rests on
 * cgroup-v1/memory.rst ("failcnt"), cgroup-v2.rst
 * ("memory.events.local").
 */
#include "linux/oom.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "linux/cgroup.h"
#include "linux/cgroup_stats.h"
#include "linux/kernel_log.h"

enum { PATH_TEXT = 256 };

static const char *const scopes[OOM_SCOPES] = {"", "own", "inside", "above", "host"};

const char *oom_scope_name(enum oom_scope scope)
{
	return scopes[scope];
}

enum oom_scope oom_scope_of(const char *name)
{
	for (int i = 1; name && i < OOM_SCOPES; i++)
		if (!strcmp(name, scopes[i]))
			return (enum oom_scope)i;
	return OOM_UNKNOWN;
}

/* ---- the kernel's log ---- */

/* Behind the last @word before @end; NULL: there is none. */
static const char *after_last(const char *text, const char *end, const char *word)
{
	const size_t len = strlen(word);
	for (const char *at = end - len; end - text >= (ptrdiff_t)len && at >= text; at--)
		if (!memcmp(at, word, len))
			return at + len;
	return NULL;
}

/* How much of the path leads to the group @name: 0, it is not in it. */
static size_t leads_to(const char *path, size_t len, const char *name)
{
	const size_t n = strlen(name);
	for (size_t i = 0; i + 1 + n <= len; i++)
		if (path[i] == '/' && !memcmp(path + i + 1, name, n) &&
		    (i + 1 + n == len || path[i + 1 + n] == '/'))
			return i + 1 + n;
	return 0;
}

static enum oom_scope compare(const char *limited, size_t len, const char *own, size_t own_len)
{
	const size_t least = len < own_len ? len : own_len;
	if (len == 1 && own_len > 1 && *limited == '/')
		return OOM_ABOVE;
	if (memcmp(limited, own, least) || (len > least && limited[least] != '/') ||
	    (own_len > least && own[least] != '/'))
		return OOM_UNKNOWN;
	return len == own_len ? OOM_OWN : len > own_len ? OOM_INSIDE : OOM_ABOVE;
}

static void take_kill(const char *text, const char *end, const char *name, struct oom *ret)
{
	const int64_t shared = ret->stat_shared;
	const bool first_killed = ret->first_killed;
	ret->stat_shared = 0;
	const char *pid = after_last(text, end, ",pid=");
	const char *task = pid ? after_last(text, pid, ",task=") : NULL;
	const char *member = task ? after_last(text, task, ",task_memcg=") : NULL;
	if (!member)
		return;
	const char *member_end = task - strlen(",task="), *comm_end = pid - strlen(",pid=");
	const char *before = member - strlen(",task_memcg=");
	size_t own = leads_to(member, (size_t)(member_end - member), name);
	const char *limited = after_last(text, before, ",oom_memcg=");
	const bool global = after_last(text, before, ",global_oom") == before;
	if (!own || (!limited && !global))
		return;
	*ret = (struct oom){.logged = true,
			    .first_killed = first_killed,
			    .scope = OOM_HOST,
			    .pid = strtoll(pid, NULL, 10),
			    .shared = global ? 0 : shared};
	snprintf(ret->comm, sizeof(ret->comm), "%.*s", (int)(comm_end - task), task);
	if (global)
		return;
	ret->scope = compare(limited, (size_t)(before - limited), member, own);
	snprintf(ret->group, sizeof(ret->group), "%.*s", (int)(before - limited), limited);
}

/* "shmem 4096": a record of its own, or (before Linux 6.7) a line of one for all, in which a
 * newline is written so. What is below the group counts, which version 1 has apart. */
static void take_stat(const char *text, const char *end, struct oom *ret)
{
	static const char newline[] = "\\x0a";
	static const char *const keys[] = {"shmem ", "total_shmem "};
	while (text && text < end) {
		for (size_t i = 0; i < ARRAY_LEN(keys); i++)
			if (!strncmp(text, keys[i], strlen(keys[i])))
				ret->stat_shared = strtoll(text + strlen(keys[i]), NULL, 10);
		text = strstr(text, newline);
		text = text ? text + sizeof(newline) - 1 : NULL;
	}
}

static int64_t kilobytes(const char *text, const char *end, const char *word)
{
	const char *at = after_last(text, end, word);
	int64_t n = at ? strtoll(at, NULL, 10) : 0;
	return n > 0 && n < INT64_MAX / 1024 ? n * 1024 : 0;
}

static void take_sizes(const char *text, const char *end, pid_t first, struct oom *ret)
{
	static const char word[] = "Killed process ";
	const char *at = strstr(text, word);
	const int64_t pid = at ? strtoll(at + sizeof(word) - 1, NULL, 10) : 0;
	ret->first_killed |= pid > 0 && pid == first;
	if (pid <= 0 || pid != ret->pid)
		return;
	ret->anon = kilobytes(text, end, " anon-rss:");
	ret->file = kilobytes(text, end, " file-rss:");
	ret->shmem = kilobytes(text, end, " shmem-rss:");
}

void oom_log_record(const char *record, const char *name, pid_t first, struct oom *ret)
{
	const char *text = kernel_log_text(record);
	if (!text)
		return;
	const char *end = text + strcspn(text, "\n");
	if (!strncmp(text, "oom-kill:", 9))
		take_kill(text, end, name, ret);
	else if (!strncmp(text, "Killed process ", 15) || strstr(text, ": Killed process "))
		take_sizes(text, end, first, ret);
	else
		take_stat(text, end, ret);
}

struct search {
	const char *name;
	pid_t first;
	struct oom *oom;
};

static void take_record(const char *record, void *ctx)
{
	struct search *s = ctx;
	oom_log_record(record, s->name, s->first, s->oom);
}

/* ---- the groups ---- */

static bool limit_of(const struct cgroup *g, int64_t *ret)
{
	char text[64];
	const bool v1 = g->v1[CGROUP_MEMORY] >= 0;
	if (file_read_small(v1 ? g->v1[CGROUP_MEMORY] : g->v2,
			    v1 ? "memory.limit_in_bytes" : "memory.max", text, sizeof(text)) <= 0)
		return false;
	*ret = strtoll(text, NULL, 10); /* "max": 0 */
	if (*ret > INT64_MAX / 2)       /* of version 1, rounded to pages */
		*ret = 0;
	return true;
}

static int64_t counter(int dir, const char *file, const char *key)
{
	char text[1024];
	if (dir < 0 || file_read_small(dir, file, text, sizeof(text)) <= 0)
		return 0;
	return key ? cgroup_keyed(text, key) : strtoll(text, NULL, 10);
}

/* Version 1 counts how often a limit was reached; but newer kernels (6.18) that of memory and swap
 * no more: there it shows in the most that was used. */
static bool reached_v1(int dir, const char *prefix)
{
	char failcnt[64], most[64], limit[64];
	snprintf(failcnt, sizeof(failcnt), "%s.failcnt", prefix);
	snprintf(most, sizeof(most), "%s.max_usage_in_bytes", prefix);
	snprintf(limit, sizeof(limit), "%s.limit_in_bytes", prefix);
	const int64_t used = counter(dir, most, NULL);
	return counter(dir, failcnt, NULL) > 0 || (used > 0 && used >= counter(dir, limit, NULL));
}

/* Whether it ran into its own limit and could not take enough back. */
static bool was_full(const struct cgroup *g)
{
	const int v1 = g->v1[CGROUP_MEMORY];
	if (v1 >= 0)
		return reached_v1(v1, "memory") || reached_v1(v1, "memory.memsw");
	return counter(g->v2, "memory.events.local", "oom") > 0;
}

static bool limited_and_full(const char *path, int64_t *limit)
{
	CLEANUP_CGROUP struct cgroup g = CGROUP_CLOSED;
	return cgroup_open(path, &g, ERR_IGNORED) == 0 && limit_of(&g, limit) && *limit > 0 &&
	       was_full(&g);
}

/* Some in groups below it. */
static bool has_kills_below(const struct cgroup *g)
{
	const int v1 = g->v1[CGROUP_MEMORY];
	return v1 < 0 ? counter(g->v2, "memory.events", "oom") > 0
		      : cgroup_oom_kills(g) > counter(v1, "memory.oom_control", "oom_kill");
}

/* The nearest group that was full; if there is none, it was the machine. */
static void conclude(const char *path, struct oom *ret)
{
	CLEANUP_CGROUP struct cgroup g = CGROUP_CLOSED;
	char at[PATH_TEXT];
	*ret = (struct oom){0};
	if (cgroup_open(path, &g, ERR_IGNORED) < 0 || !limit_of(&g, &ret->limit))
		return;
	snprintf(at, sizeof(at), "%s", path);
	ret->scope = OOM_OWN;
	for (char *slash; !limited_and_full(at, &ret->limit); ret->scope = OOM_ABOVE) {
		slash = strrchr(at, '/');
		if (!slash || slash == at) {
			*ret = (struct oom){.scope = OOM_HOST};
			if (has_kills_below(&g))
				ret->scope = OOM_INSIDE;
			return;
		}
		*slash = '\0';
	}
	snprintf(ret->group, sizeof(ret->group), "%s", at);
}

void oom_look(const char *path, pid_t first, int64_t since_ns, struct oom *ret)
{
	const char *name = strrchr(path, '/');
	int64_t whole = INT64_MAX;
	*ret = (struct oom){0};
	if (name && name[1])
		whole = kernel_log_read(since_ns, take_record,
					&(struct search){name + 1, first, ret});
	const bool first_killed = ret->first_killed;
	if (ret->scope == OOM_UNKNOWN)
		conclude(path, ret);
	ret->first_killed = first_killed;
	ret->whole_since_ns = whole;
	if (!ret->logged)
		return;
	CLEANUP_CGROUP struct cgroup g = CGROUP_CLOSED;
	if (*ret->group && cgroup_open(ret->group, &g, ERR_IGNORED) == 0)
		limit_of(&g, &ret->limit);
}
