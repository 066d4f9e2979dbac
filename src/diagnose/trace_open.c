/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that are opened, and those that are not there: events at the entry and the return of the
 * kernel's do_filp_open(), to which every open(2), openat(2), openat2(2), execve(2) and io_uring
 * comes, when the path has been copied from the process. The tracepoints of these calls have its
 * address alone; fanotify(7) knows nothing of what fails, and opens what it tells of, which a FIFO
 * or a device of the container would notice. Read trace_watch.h first.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "diagnose/trace_watch.h"
#include "linux/kprobe.h"

enum { PENDING = 1024, ERRNO_MAX = 4095, TO_EXECUTE = 0x20 /* __FMODE_EXEC, linux/fs.h */ };

/* A thread between entry and return, by the low bits of its number. */
struct pending {
	pid_t tid;
	int folder;
	unsigned flags;
	struct arena a;
	char *path;
};

struct trace_opens {
	struct kprobes probes;
	char names[2][KPROBE_NAME_SIZE];
	struct trace_point entry, end;
	struct pending pending[PENDING];
};

static const struct {
	unsigned bits;
	const char *name;
} flag_names[] = {
	{TO_EXECUTE, "to execute it"}, {O_CREAT, "O_CREAT"},     {O_EXCL, "O_EXCL"},
	{O_TRUNC, "O_TRUNC"},          {O_APPEND, "O_APPEND"},   {O_TMPFILE, "O_TMPFILE"},
	{O_DIRECTORY, "O_DIRECTORY"},  {O_PATH, "O_PATH"},       {O_NOFOLLOW, "O_NOFOLLOW"},
	{O_NONBLOCK, "O_NONBLOCK"},    {O_SYNC, "O_SYNC"},       {O_DSYNC, "O_DSYNC"},
	{O_DIRECT, "O_DIRECT"},        {O_NOATIME, "O_NOATIME"}, {O_NOCTTY, "O_NOCTTY"},
};

/* "O_RDWR|O_CREAT"; what only says how the descriptor is kept is left out. */
static char *flags_text(unsigned flags, struct arena *a)
{
	static const char *const modes[] = {"O_RDONLY", "O_WRONLY", "O_RDWR", "3"};
	char *text = arena_strdup(a, flags & TO_EXECUTE ? "" : modes[flags & O_ACCMODE]);
	for (size_t i = 0; i < ARRAY_LEN(flag_names); i++) {
		if ((flags & flag_names[i].bits) != flag_names[i].bits)
			continue;
		text = arena_printf(a, "%s%s%s", text, *text ? "|" : "", flag_names[i].name);
		flags &= ~flag_names[i].bits; /* some consist of others */
	}
	return text;
}

static void take_entry(struct watch *w, const struct trace_record *r)
{
	char path[4096];
	struct pending *p = &w->opens->pending[(unsigned)r->tid % PENDING];
	arena_free(&p->a);
	*p = (struct pending){.tid = r->tid,
			      .folder = (int)trace_number(r, "folder"),
			      .flags = (unsigned)trace_number(r, "flags")};
	p->path = arena_strdup(&p->a, trace_text(r, "path", path, sizeof(path)));
}

/* From where a relative path counts, as that is now: it was so a moment ago, unless the process has
 * moved since. */
static const char *folder_of(struct watch *w, const struct pending *p)
{
	char link[64], folder[4096];
	if (*p->path == '/')
		return NULL;
	if (p->folder == AT_FDCWD)
		snprintf(link, sizeof(link), "/proc/%d/cwd", (int)p->tid);
	else
		snprintf(link, sizeof(link), "/proc/%d/fd/%d", (int)p->tid, p->folder);
	ssize_t n = readlink(link, folder, sizeof(folder));
	return n > 0 ? arena_strndup(&w->line, folder, (size_t)n) : NULL;
}

static void take_end(struct watch *w, const struct trace_record *r)
{
	struct pending *p = &w->opens->pending[(unsigned)r->tid % PENDING];
	const int64_t result = trace_number(r, "result");
	const int error = result < 0 && result >= -ERRNO_MAX ? (int)-result : 0;
	struct kvs facts = {0};
	if (p->tid != r->tid)
		return;
	const char *flags = flags_text(p->flags, &w->line), *folder = folder_of(w, p),
		   *name = error ? strerrorname_np(error) : NULL;
	kvs_set(&w->line, &facts, "Path", p->path);
	kvs_set(&w->line, &facts, "Flags", flags);
	if (folder)
		kvs_set(&w->line, &facts, "Folder", folder);
	if (error)
		kvs_set(&w->line, &facts, "Error", name ? name : "?");
	p->tid = 0;
	watch_tell(w, r, TRACE_OPEN, r->pid, &facts,
		   arena_printf(&w->line, "%s %s%s%s%s, %s%s%s", error ? "cannot open" : "opens",
				p->path, folder ? " (it is in " : "", folder ? folder : "",
				folder ? ")" : "", flags, error ? ": " : "",
				error ? strerror(error) : ""));
}

static int make(struct watch *w, size_t i, const char *kind, const char *name, const char *what,
		struct err *e)
{
	struct trace_opens *o = w->opens;
	struct trace_point *p = i ? &o->end : &o->entry;
	int r = kprobes_make(&o->probes, kind, name, what, o->names[i], e);
	*p = (struct trace_point){o->names[i], false, i ? take_end : take_entry};
	return r < 0 ? r : watch_add(w, p, e);
}

int trace_open_begin(struct watch *w, struct err *e)
{
	struct trace_opens *o = arena_array(w->a, 1, sizeof(*o));
	o->probes.fd = -1;
	int r = kprobes_open(&o->probes, &w->trace, e);
	if (r < 0) {
		err_hint(e,
			 "hull debug %s -- strace -f -e trace=%%file -p PID shows what one "
			 "process opens",
			 w->name);
		return r;
	}
	w->opens = o;
	r = make(w, 0, "p", "open",
		 "do_filp_open folder=$arg1:s32 path=+0(+0($arg2)):string flags=+0($arg3):u32", e);
	if (r == 0)
		r = make(w, 1, "r256", "opened", "do_filp_open result=$retval:s64", e);
	kprobes_ready(&o->probes);
	return r;
}

void trace_open_end(struct watch *w)
{
	for (size_t i = 0; w->opens && i < PENDING; i++)
		arena_free(&w->opens->pending[i].a);
	if (w->opens)
		kprobes_close(&w->opens->probes);
}
