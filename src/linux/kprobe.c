/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See kprobe.h. The kernel refuses to remove an event that somebody records (EBUSY), so who was
 * killed is known without asking. Between the making of an event and its first record nobody
 * records it: a lock on the file keeps others away.
 */
#include "linux/kprobe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/cleanup.h"

static int put(const struct kprobes *k, const char *line)
{
	return write(k->fd, line, strlen(line)) < 0 ? -errno : 0;
}

/* "r64:hull_123/opened do_filp_open ret=$retval:s64" */
static void remove_unused(const struct kprobes *k)
{
	char path[64], line[1024], name[KPROBE_NAME_SIZE], command[KPROBE_NAME_SIZE + 4];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", k->fd);
	FILE *f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%*[^:]:%63s", name) != 1 || strncmp(name, "hull_", 5))
			continue;
		snprintf(command, sizeof(command), "-:%s", name);
		put(k, command);
	}
	if (f)
		fclose(f);
}

int kprobes_open(struct kprobes *k, const struct trace *t, struct err *e)
{
	CLEANUP_FD int fd = openat(t->tracefs, "kprobe_events", O_RDWR | O_APPEND | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return err_set(e, ENOENT, ERR_SYSTEM,
			       "this kernel has no events in functions of its own "
			       "(CONFIG_KPROBE_EVENTS)");
	if (fd < 0 || flock(fd, LOCK_EX) < 0) {
		const int error = errno; /* EPERM: the kernel is locked down */
		err_errno(e, error, "cannot make events in functions of the kernel");
		return error == EPERM ? -ENOENT : -error;
	}
	k->fd = fd_steal(&fd);
	remove_unused(k);
	return 0;
}

int kprobes_make(const struct kprobes *k, const char *kind, const char *name, const char *what,
		 char ret_name[static KPROBE_NAME_SIZE], struct err *e)
{
	char line[512];
	const int pid = (int)getpid();
	snprintf(ret_name, KPROBE_NAME_SIZE, "hull_%d:%s", pid, name);
	snprintf(line, sizeof(line), "%s:hull_%d/%s %s", kind, pid, name, what);
	int r = put(k, line);
	if (r < 0) {
		err_errno(e, r, "cannot make an event of %s", what);
		err_hint(e, "this kernel may not have that function: the file error_log in tracefs "
			    "says more");
	}
	return r == -EINVAL ? -ENOENT : r;
}

void kprobes_ready(const struct kprobes *k)
{
	flock(k->fd, LOCK_UN);
}

void kprobes_close(struct kprobes *k)
{
	if (k->fd < 0)
		return;
	flock(k->fd, LOCK_EX);
	remove_unused(k);
	fd_drop(&k->fd);
}
