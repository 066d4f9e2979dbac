/* SPDX-License-Identifier: Apache-2.0 */
/* Why a container ended that did not end by itself: memory, and signals of others, for hull why.
 * Rests on signal(7), and on what the kernel's log and the recorder keep. Read why_life.h first. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysinfo.h>

#include "base/cleanup.h"
#include "base/id.h"
#include "base/units.h"
#include "diagnose/usage.h"
#include "diagnose/why_life.h"
#include "engine/recorder.h"
#include "engine/spec.h"
#include "linux/capability.h"
#include "linux/crash.h"
#include "linux/lsm.h"
#include "linux/namespaces.h"
#include "linux/seccomp_ask.h"
#include "linux/seccomp_calls.h"
#include "linux/signals.h"

enum { DENIALS = 3, SIGNALS = 32 };

/* A signal is sent as soon as it is noted. */
enum { NOTED_NS = 1000000000 };

/* So long a process may take to end that was killed for memory. */
static const int64_t DYING_NS = 60000000000;

/* Whose memory it was that came to its end; the first %s is "probably ", where that is concluded.
 */
static char *memory_cause(const struct life *l)
{
	const struct oom *o = &l->oom_of;
	const char *maybe = o->logged ? "" : "probably ";
	struct arena *a = l->s->a;
	char size[SIZE_TEXT_SIZE];
	const char *of = o->limit ? arena_printf(a, " of %s", size_binary(o->limit, size)) : "";
	if (o->scope == OOM_OWN)
		return arena_printf(a, ": the container %sreached its memory limit%s", maybe, of);
	if (o->scope == OOM_INSIDE)
		return arena_printf(a,
				    ": a group inside of the container, %s, %sreached its "
				    "memory limit%s",
				    *o->group ? o->group : "whose name is not known", maybe, of);
	if (o->scope == OOM_ABOVE)
		return arena_printf(a,
				    ": the group %s above it %sreached its memory limit%s, "
				    "which all that is in it share",
				    o->group, maybe, of);
	if (o->scope == OOM_HOST)
		return arena_printf(a, ": the machine %shad no memory left", maybe);
	return " for want of memory; whose limit it was is not recorded";
}

/* Shared memory is much of what came to its end. */
static bool is_shared(const struct oom *o)
{
	return o->shared > 0 && o->shared >= o->limit / 4;
}

/* ": the container reached ...; 12MiB of it were in tmpfs and shared memory". */
static char *memory_end(const struct life *l)
{
	char *cause = memory_cause(l), size[SIZE_TEXT_SIZE];
	return is_shared(&l->oom_of)
		       ? arena_printf(l->s->a, "%s; %s of it were in tmpfs and shared memory",
				      cause, size_binary(l->oom_of.shared, size))
		       : cause;
}

/* "/dev/shm, /cache" */
static char *shared_places(const struct container *c, struct arena *a)
{
	const struct docker_host_config *h = &c->config.host;
	const struct docker_mount *mounts = h->mounts.items;
	char *text = "/dev/shm";
	for (size_t i = 0; i < h->tmpfs.count; i++)
		text = arena_printf(a, "%s, %s", text, h->tmpfs.items[i].key);
	for (size_t i = 0; i < h->mounts.count; i++)
		if (mounts[i].type && !strcmp(mounts[i].type, "tmpfs"))
			text = arena_printf(a, "%s, %s", text, mounts[i].target);
	return text;
}

/* How much each tmpfs of a container that runs has in it, which diagnose_disk() tells. */
static void shared_evidence(struct life *l)
{
	struct story disk = {.a = l->s->a};
	char size[SIZE_TEXT_SIZE];
	story_evidence(l->s, "shared memory", "%s: files in tmpfs, and what programs share",
		       size_binary(l->oom_of.shared, size));
	if (!l->c)
		return;
	story_evidence(l->s, "its tmpfs", "%s", shared_places(l->c, l->s->a));
	if (!l->c->pid || diagnose_disk(l->en, l->c, &disk, ERR_IGNORED) < 0)
		return;
	for (size_t i = 0; i < disk.evidence.count; i++)
		if (!strncmp(disk.evidence.items[i].value, "tmpfs:", 6))
			story_evidence(l->s, disk.evidence.items[i].key, "%s",
				       disk.evidence.items[i].value);
}

static void memory_advice(struct life *l)
{
	if (is_shared(&l->oom_of))
		story_advise(l->s, "what is in a tmpfs counts as memory until it is removed: a "
				   "size (--shm-size, --tmpfs PATH:size=) bounds it");
	const enum oom_scope scope = l->oom_of.scope;
	if (scope == OOM_OWN && l->c)
		story_advise(l->s, "give it more (hull update -m SIZE %s), or make it need less",
			     l->name);
	if (scope == OOM_ABOVE)
		story_advise(l->s,
			     "hull update cannot lift the limit of %s; hull explain %s "
			     "limits shows all of them",
			     l->oom_of.group, l->name);
	if (scope == OOM_HOST || (scope == OOM_ABOVE && l->c && l->c->config.host.memory <= 0))
		story_advise(l->s, "the kernel takes the process that holds the most: limits (-m) "
				   "on those that need much protect the others");
}

/* Where the kernel's log did not tell, the recorder may. */
static void find_victim(struct life *l)
{
	struct oom *o = &l->oom_of;
	struct recorded r;
	if (o->pid || recorder_list(l->en, RECORDED_OOM, l->id, l->started, l->ended, &r, 1) != 1)
		return;
	o->pid = r.pid;
	o->anon = r.anon;
	o->file = r.file;
	o->shmem = r.shmem;
	memcpy(o->comm, r.comm, sizeof(r.comm));
}

static void memory_evidence(struct life *l)
{
	const struct oom *o = &l->oom_of;
	char all[SIZE_TEXT_SIZE], anon[SIZE_TEXT_SIZE], file[SIZE_TEXT_SIZE], shmem[SIZE_TEXT_SIZE];
	if (o->scope)
		story_evidence(l->s, "whose limit", "%s",
			       o->logged ? "the kernel's log names it"
					 : "concluded from the counters of the groups: the "
					   "kernel's log does not "
					   "tell");
	if (o->pid && o->anon < 0)
		story_evidence(l->s, "victim", "%s (pid %lld of the host)", o->comm,
			       (long long)o->pid);
	else if (o->pid)
		story_evidence(l->s, "victim",
			       "%s (pid %lld of the host), which held %s: anonymous %s, files %s, "
			       "shared %s",
			       o->comm, (long long)o->pid,
			       size_binary(o->anon + o->file + o->shmem, all),
			       size_binary(o->anon, anon), size_binary(o->file, file),
			       size_binary(o->shmem, shmem));
	if (is_shared(o))
		shared_evidence(l);
}

void why_memory(struct life *l)
{
	l->oom_told = true;
	l->s->verdict = arena_printf(l->s->a, "%s killed by the kernel%s",
				     !l->oom_main    ? "a process of it was"
				     : l->oom_likely ? "its main process was probably"
						     : "its main process was",
				     memory_end(l));
	if (l->oom_main && l->oom_likely)
		story_evidence(l->s, "main process",
			       "ended by SIGKILL right after a process of it was killed for "
			       "memory; that this was the one no record tells");
	memory_advice(l);
	find_victim(l);
	memory_evidence(l);
}

void why_memory_too(struct life *l)
{
	struct arena *a = l->s->a;
	const struct oom *o = &l->oom_of;
	find_victim(l);
	char *who = l->oom_kills == 1 ? "a process of it was"
		    : l->oom_kills > 1
			    ? arena_printf(a, "%lld processes of it were", (long long)l->oom_kills)
			    : "processes of it were";
	if (o->pid)
		who = arena_printf(a, "%s killed by the kernel, %s%s", who,
				   l->oom_kills == 1 ? "" : "the last one ", o->comm);
	else
		who = arena_printf(a, "%s killed by the kernel", who);
	l->s->verdict = arena_printf(a, "%s; before that %s%s", l->s->verdict, who, memory_end(l));
	memory_advice(l);
	memory_evidence(l);
}

static const struct {
	int signal;
	const char *means;
} crashes[] = {
	{SIGSEGV, "a crash, by the use of memory that it does not have: a bug, or a stack that is "
		  "too small"},
	{SIGBUS, "memory that cannot be had: a file that became shorter while it was mapped, "
		 "or a full /dev/shm (--shm-size)"},
	{SIGILL, "an instruction that this processor does not know: was it built for a newer one?"},
	{SIGFPE, "a division by zero, or the like"},
	{SIGABRT, "by itself, because something was wrong: see what it wrote last"},
	{SIGSYS, "a system call that its seccomp profile forbids"},
	{SIGXCPU, "its limit on processor time (--ulimit cpu)"},
	{SIGXFSZ, "its limit on the size of a file (--ulimit fsize)"},
	{SIGPIPE, "because it wrote to a pipe that nobody reads any more"},
	{SIGALRM, "a timer that it has set itself (alarm(2))"},
};

/* "kill[12], which bash[10] started, user 1000, in session-3.scope" */
static char *recorded_sender(const struct recorded *s, struct arena *a)
{
	char *text =
		arena_printf(a, "%s[%d]", *s->sender ? s->sender : "a process", (int)s->sender_pid);
	if (*s->parent && s->sender_parent > 1)
		text = arena_printf(a, "%s, which %s[%d] started", text, s->parent,
				    (int)s->sender_parent);
	if (s->sender_uid >= 0)
		text = arena_printf(a, "%s, user %d", text, (int)s->sender_uid);
	if (!*s->unit || s->inside || s->unplaced)
		return text;
	/* The id is cut where it is the whole name. */
	return id_is_hex(s->unit, RECORDED_UNIT_MAX - 1)
		       ? arena_printf(a, "%s, in the container %.12s", text, s->unit)
		       : arena_printf(a, "%s, in %s", text, s->unit);
}

/* hull passes on what its client gets, which is no wish that was noted. */
static const char *recorded_origin(const struct recorded *s)
{
	if (s->unplaced)
		return "a place that was not seen, inside or outside";
	if (s->inside)
		return "inside, not by hull";
	return strncmp(s->sender, "hull", 4) ? "outside of the container, not by hull"
					     : "outside of the container";
}

/* PID 1 of its namespace, as far as is known. */
static bool is_first(const struct life *l)
{
	const char *mode = l->c ? l->c->config.host.pid_mode : NULL;
	return !(l->c && container_has_init(l->c)) && (!mode || !*mode || !strcmp(mode, "private"));
}

/* Whether it may have come to the limit on processor time at which the kernel sends @signal: by
 * what its processes used, or where that is not known, could have used while it lived. A limit
 * counts in ticks of one process: roughly. @unknown: where it is not known whether it had a limit.
 */
static bool used_up(const struct life *l, int signal, bool unknown)
{
	const struct array *limits = l->c ? &l->c->config.host.ulimits : NULL;
	const struct docker_ulimit *items = limits ? limits->items : NULL;
	const double most = l->used ? (double)l->used / 8e8
				    : (double)(l->ended - l->started) / 1e9 * get_nprocs();
	for (size_t i = 0; limits && i < limits->count; i++) {
		const int64_t limit = signal == SIGXCPU ? items[i].soft : items[i].hard;
		if (!strcmp(items[i].name, "cpu"))
			return (signal == SIGKILL || signal == SIGXCPU) && limit > 0 &&
			       most >= (double)limit;
	}
	return unknown;
}

/* Whether the kernel may have killed it for memory, as far as its log does not name whom: one that
 * held much takes seconds to be gone. */
static bool maybe_victim(const struct life *l, int signal)
{
	return signal == SIGKILL && l->oom && !l->oom_of.logged &&
	       (!l->oom_at || l->ended - l->oom_at < DYING_NS);
}

/* When an end was noted is not to the millisecond. */
enum { TOGETHER_NS = 1000000000 };

/* The kernel ends all processes of a pid namespace whose first one ends: whether that was so, where
 * it was another container's. NULL: it was its own, or the other one ran. */
static const char *ended_together(const struct life *l)
{
	const char *mode = l->c ? l->c->config.host.pid_mode : NULL;
	struct container first;
	if (!mode || strncmp(mode, "container:", 10))
		return NULL;
	const bool there = container_find(l->en, mode + 10, l->s->a, &first, ERR_IGNORED) == 0;
	const bool runs = there && first.pid && first.started < l->ended;
	if (runs || (there && !first.pid && first.finished > l->ended + TOGETHER_NS))
		return NULL;
	const bool before = there && !first.pid && first.finished <= l->ended;
	return arena_printf(l->s->a,
			    "the kernel did, %s the first process of container %s, in whose pid "
			    "namespace it was, had ended; or a process",
			    before ? "for" : "if", there ? first.name : mode + 10);
}

/* Who may have sent what nobody recorded. From inside nobody can end the first process. */
static const char *suspects(const struct life *l, int signal)
{
	const bool terminal = l->c && l->c->config.config.tty &&
			      (signal == SIGINT || signal == SIGQUIT || signal == SIGHUP);
	if (maybe_victim(l, signal))
		return "the kernel did, for want of memory, or a process";
	const char *first = signal == SIGKILL ? ended_together(l) : NULL;
	if (first)
		return first;
	/* reboot(2) in a pid namespace: its first process gets them, with a handler or without. */
	if (l->c && is_first(l) && !terminal && (signal == SIGHUP || signal == SIGINT))
		return signal == SIGHUP
			       ? "it called reboot(2) to restart, or a process outside of "
				 "the container did"
			       : "it called reboot(2) to halt, or a process outside of the "
				 "container did";
	if (used_up(l, signal, false))
		return "the kernel did, at its limit on processor time (--ulimit cpu), or a "
		       "process";
	if (terminal)
		return "its terminal did (a key like Ctrl-C, or its end), or a process";
	return l->c && is_first(l) ? "a process outside of the container did"
				   : "a process did, in the container or outside of it";
}

static void recorded_verdict(struct life *l, int signal, const struct recorded *s)
{
	struct arena *a = l->s->a;
	l->s->verdict =
		!signal_has_sender(s->code)
			? arena_printf(a, "it was ended by %s, which %s%s", why_signal(a, signal),
				       s->code > 0 ? "the kernel itself sent"
						   : "came from a timer, or I/O, of its own",
				       s->code > 0 && used_up(l, signal, false)
					       ? ": probably at its limit on processor time "
						 "(--ulimit cpu)"
					       : "")
			: arena_printf(a, "it was ended by %s, sent from %s: %s",
				       why_signal(a, signal), recorded_origin(s),
				       recorded_sender(s, a));
}

static const char *crash_of(int signal)
{
	for (size_t i = 0; i < ARRAY_LEN(crashes); i++)
		if (crashes[i].signal == signal)
			return crashes[i].means;
	return NULL;
}

/* A crash, with what the kernel's log says of it. */
static void crash_verdict(struct life *l, int signal, const char *means)
{
	struct arena *a = l->s->a;
	const char *name = why_signal(a, signal);
	bool maybe_abort = signal == SIGSEGV && is_first(l);
	if (l->fault)
		story_evidence(l->s, "the kernel's log", "%s", l->fault);
	if (maybe_abort && l->fault && crash_may_be_abort(l->fault))
		l->s->verdict = arena_printf(
			a,
			"it was ended by %s: probably its program called abort(); the kernel drops "
			"the SIGABRT of PID 1, and abort() then goes on to an instruction that is "
			"a general protection fault, as this was",
			name);
	else if (maybe_abort && !l->fault)
		l->s->verdict = arena_printf(a,
					     "it was ended by %s: usually %s; or, of PID 1, "
					     "abort(): the kernel drops its SIGABRT, and what "
					     "comes after that is a SIGSEGV",
					     name, means);
	else
		l->s->verdict = arena_printf(a, "it was ended by %s: usually %s", name, means);
	if (maybe_abort && !(l->fault && !crash_may_be_abort(l->fault)))
		story_advise(l->s,
			     "with --init the program is not PID 1, and what it ends by shows: "
			     "SIGABRT if it is abort(); what it wrote last may say why: "
			     "hull logs %s",
			     l->name);
}

/* By a signal that hull did not send. The recorder, if it ran, knows of it; it is root's. */
void why_killed(struct life *l, int signal)
{
	struct arena *a = l->s->a;
	const char *name = why_signal(a, signal), *means = crash_of(signal);
	struct recorded s;
	const int r = recorder_find(l->en, l->id, signal, l->started, l->ended, &s);
	/* One that a program gets by its own fault can be sent, too; what it sends itself is one by
	 * abort(), or by the kernel in its name. */
	const bool sent = r == 1 && signal_has_sender(s.code) &&
			  (s.pid != s.sender_pid || crash_is_fault(signal) || signal == SIGSYS);
	if (means && !sent && (signal != SIGXCPU || used_up(l, signal, true))) {
		crash_verdict(l, signal, means);
		return;
	}
	if (r == 1) {
		recorded_verdict(l, signal, &s);
		return;
	}
	if (r < 0 && !namespace_caller_is_user())
		story_advise(l->s,
			     "hull-recorder.service, or recorder = on in hull.conf (hull system "
			     "record), keeps who sends signals to containers: it was not running");
	l->s->verdict = arena_printf(a, "it was ended by %s, which hull did not send: %s", name,
				     suspects(l, signal));
	if (signal == SIGKILL)
		story_advise(l->s, "the kernel kills so, too, when the machine itself is out of "
				   "memory: see its log (dmesg)");
}

int why_recorded(const struct life *l, enum recorded_kind kind, struct recorded *ret, size_t max)
{
	const int64_t from = l->ended - SHORTLY_NS;
	return recorder_list(l->en, kind, l->id, from > l->started ? from : l->started, l->ended,
			     ret, max);
}

/* That of hull's own that its events tell of. */
static bool is_noted(const struct life *l, const struct recorded *r)
{
	const int64_t after = r->time_ns - l->asked;
	return l->asked && r->signal == l->asked_signal && !strncmp(r->sender, "hull", 4) &&
	       after > -NOTED_NS && after < NOTED_NS;
}

/* Just before an end with a code: what came from outside, or would explain the code. */
void why_signalled(struct life *l)
{
	struct arena *a = l->s->a;
	struct recorded all[SIGNALS];
	const int count = why_recorded(l, RECORDED_SIGNAL, all, SIGNALS);
	for (int i = 0; i < count; i++) {
		const struct recorded *r = &all[i];
		if (r->taken_along || !signal_has_sender(r->code) || r->pid == r->sender_pid ||
		    !strcmp(r->sender, "hull-init") || is_noted(l, r) ||
		    (r->inside && l->code != 128 + r->signal))
			continue;
		l->s->verdict = arena_printf(
			a, "%s; %s before that %s[%d] got %s, sent from %s: %s", l->s->verdict,
			why_span(a, l->ended - r->time_ns), r->comm, (int)r->pid,
			why_signal(a, r->signal), recorded_origin(r), recorded_sender(r, a));
		return;
	}
}

void why_refused(struct life *l)
{
	struct arena *a = l->s->a;
	const struct opt_i64 *own = l->c ? &l->c->config.host.pids_limit : NULL;
	story_evidence(l->s, "limit on processes",
		       "reached %lld time%s: each time a new process or "
		       "thread was refused",
		       (long long)l->refused, l->refused == 1 ? "" : "s");
	l->s->verdict =
		arena_printf(a, "%s; before that %s", l->s->verdict,
			     limits_refused(l->refused_by, own && own->set ? own->value : 0, a));
	if (l->c && l->refused_by)
		story_advise(
			l->s,
			"hull update --pids-limit N %s gives it more processes and threads; -1 "
			"takes its own limit away",
			l->name);
}

/* "denied CAP_CHOWN in chown"; "refused mount by its seccomp profile". */
static char *denial_text(struct life *l, const struct recorded *d)
{
	const struct seccomp_call *call = seccomp_call_find(d->call);
	const int number = call ? call->numbers[SECCOMP_NATIVE] : -1;
	struct arena *a = l->s->a;
	struct seccomp_program filter;
	if (d->capability >= 0) {
		const char *name = capability_name(d->capability);
		return arena_printf(a, "denied %s%s%s", name ? name : "a capability",
				    *d->call ? " in " : "", d->call);
	}
	const char *by = "";
	if (l->c && number >= 0 && container_filter(l->c, NULL, a, &filter, ERR_IGNORED) == 0) {
		const enum seccomp_answer answer = seccomp_ask(&filter, false, number);
		if (answer == SECCOMP_REFUSES)
			return arena_printf(a, "refused %s by its seccomp profile", d->call);
		by = answer == SECCOMP_DEPENDS ? ", by its seccomp profile or the kernel"
		     : d->error == EACCES ? " by the kernel: AppArmor, or the permissions of a file"
					  : " by the kernel: a capability may lack";
	}
	return arena_printf(a, "refused %s (%s)%s", d->call, strerrorname_np(d->error) ?: "", by);
}

/* One that was asked for a capability is told of by that. */
static bool is_told(const struct recorded *all, int count, const struct recorded *d)
{
	for (int i = 0; d->capability < 0 && i < count; i++)
		if (all[i].capability >= 0 && all[i].pid == d->pid && !strcmp(all[i].call, d->call))
			return true;
	return false;
}

void why_denied(struct life *l)
{
	struct arena *a = l->s->a;
	struct recorded r[DENIALS];
	const int count = why_recorded(l, RECORDED_DENIAL, r, DENIALS);
	bool profile = false, capability = false, label = false;
	char *all = NULL;
	for (int i = 0; i < count; i++) {
		if (is_told(r, count, &r[i]))
			continue;
		const char *text = denial_text(l, &r[i]);
		const char *span = why_span(a, l->ended - r[i].time_ns);
		text = arena_printf(a, "%s[%d] was %s", r[i].comm, (int)r[i].pid, text);
		if (!all)
			l->s->verdict =
				arena_printf(a, "%s; %s before that %s", l->s->verdict, span, text);
		all = arena_printf(a, "%s%s%s, %s before the end", all ?: "", all ? "; " : "", text,
				   span);
		capability |= r[i].capability >= 0;
		profile |= r[i].capability < 0 && r[i].error != EACCES;
		label |= r[i].capability < 0 && r[i].error == EACCES;
	}
	if (!all)
		return;
	story_evidence(l->s, "lacked", "%s", all);
	if (capability)
		story_advise(l->s, "a capability that lacks need not be the cause: hull run "
				   "--learn-caps tells which ones it needs");
	if (profile)
		story_advise(l->s, "a call that is refused need not be the cause: hull run "
				   "--learn-seccomp FILE tells which ones it needs");
	if (label && lsm_apparmor_is_there())
		story_advise(l->s, "what AppArmor refuses stands in the kernel's log, apparmor="
				   "\"DENIED\"");
}
