// SPDX-License-Identifier: Apache-2.0
/*
 * Other processes, as /proc shows them: proc_pid_stat(5), proc_pid_status(5), pidfd_open(2).
 *
 * A process is below us if its chain of parents leads to us. The chain is read anew for each
 * process, so neither depth nor number is bounded by memory of ours. The pidfd is opened before
 * the chain is read: what is signalled through it is the process that was looked at, even if it
 * ended meanwhile and its number went to another.
 *
 * A chain can break while it is read (a parent ends): the child then hangs below the next
 * subreaper, which is us, and a second reading shows it.
 *
 * Invariant: one descriptor of /proc and two more at a time; about 3.5 KiB of stack.
 */
#include <asm/errno.h>

#include "proc.h"
#include "sys.h"
#include "text.h"

#define DEPTH_MAX 4096 /* a longer chain is not one, but parents changing under our eyes */
#define READINGS_MAX 3

/* getdents64(2): the C library has this struct, the kernel's headers do not. */
struct entry {
	uint64_t inode;
	int64_t offset;
	uint16_t size;
	uint8_t type;
	char name[];
};

/* The number at the beginning of a line's field, moving behind it. */
static int number_at(const char **at)
{
	int64_t number;

	while (**at == ' ')
		(*at)++;
	number = text_number(at, INT32_MAX);
	return number < 0 ? 0 : (int)number;
}

/*
 * "12 (a comm) S 1 ...". The comm may hold any character, parentheses too: what follows it is
 * found behind the last ")".
 */
static bool parse_stat(char *line, struct proc *ret_proc)
{
	char *open = NULL, *end = NULL;
	const char *at = line;
	size_t length = 0;

	for (char *c = line; *c; c++) {
		if (*c == '(' && !open)
			open = c + 1;
		if (*c == ')')
			end = c;
	}
	if (!open || !end || !end[1])
		return false;
	ret_proc->pid = number_at(&at);
	for (; open < end && length < sizeof(ret_proc->comm) - 1; open++)
		ret_proc->comm[length++] = *open;
	ret_proc->comm[length] = '\0';
	ret_proc->state = end[2];
	at = end + 3;
	ret_proc->parent = number_at(&at);
	return true;
}

/* Read the beginning of /proc/PID/file, as a string. Returns its length or a negative errno. */
static long read_file(int proc_fd, int pid, const char *file, char *text, size_t size)
{
	char path[TEXT_NUMBER_SIZE + 8];
	char *name = text_from_number(path, pid);
	long fd, length;

	memcpy(name + text_length(name), file, text_length(file) + 1);
	fd = sys_openat(proc_fd, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fd;
	length = sys_read((int)fd, text, size - 1);
	sys_close((int)fd);
	if (length > 0)
		text[length] = '\0';
	return length;
}

static int read_stat(int proc_fd, int pid, struct proc *ret_proc)
{
	char line[192]; /* pid, comm, state and parent are well within */

	if (read_file(proc_fd, pid, "/stat", line, sizeof(line)) <= 0)
		return -ESRCH;
	return parse_stat(line, ret_proc) ? 0 : -ESRCH;
}

/* Whether the chain of parents that begins at parent leads to self; -EAGAIN if it broke. */
static int leads_to(int proc_fd, int parent, int self)
{
	struct proc above;

	for (int depth = 0; depth < DEPTH_MAX; depth++) {
		if (parent == self)
			return 1;
		if (parent <= 1)
			return 0;
		if (read_stat(proc_fd, parent, &above) < 0)
			return -EAGAIN;
		parent = above.parent;
	}
	return 0;
}

static bool is_below(int proc_fd, int pid, int self, struct proc *ret_proc)
{
	for (int reading = 0; reading < READINGS_MAX; reading++) {
		int result;

		if (read_stat(proc_fd, pid, ret_proc) < 0)
			return false;
		result = self == 1 ? 1 : leads_to(proc_fd, ret_proc->parent, self);
		if (result >= 0)
			return result > 0;
	}
	return false;
}

static void look_at(int proc_fd, int pid, int self, proc_visit visit, void *context)
{
	struct proc proc;
	int pidfd = (int)sys_pidfd_open(pid);

	if (pidfd == -ESRCH)
		return;
	if (is_below(proc_fd, pid, self, &proc) && proc.state != 'Z' && proc.state != 'X')
		visit(context, &proc, pidfd);
	if (pidfd >= 0)
		sys_close(pidfd);
}

/* /proc may be missing, or be that of another PID namespace: there "self" has another number. */
static bool shows_us(int self)
{
	char link[TEXT_NUMBER_SIZE];
	char number[TEXT_NUMBER_SIZE];
	long size = sys_readlink("/proc/self", link, sizeof(link) - 1);

	if (size <= 0)
		return false;
	link[size] = '\0';
	return text_equal(link, text_from_number(number, self));
}

int proc_each_below(int self, proc_visit visit, void *context)
{
	_Alignas(8) char buffer[1024];
	long proc_fd, size;

	if (!shows_us(self))
		return -ESRCH;
	proc_fd = sys_openat(AT_FDCWD, "/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (proc_fd < 0)
		return (int)proc_fd;
	while ((size = sys_getdents((int)proc_fd, buffer, sizeof(buffer))) > 0) {
		for (long at = 0; at < size;) {
			struct entry *entry = (struct entry *)(void *)(buffer + at);
			const char *name = entry->name;
			int64_t pid = text_number(&name, INT32_MAX);

			at += entry->size;
			if (pid > 0 && !*name && pid != self)
				look_at((int)proc_fd, (int)pid, self, visit, context);
		}
	}
	sys_close((int)proc_fd);
	return (int)size;
}

/* 16 hexadecimal digits in lower case, as the kernel writes a signal set. */
static uint64_t parse_set(const char *text)
{
	uint64_t set = 0;

	for (; *text && *text != '\n'; text++)
		set = set << 4 | (uint64_t)(*text <= '9' ? *text - '0' : *text - 'a' + 10);
	return set;
}

bool proc_ignores(int pid, uint64_t signals)
{
	char status[2048];
	long proc_fd = sys_openat(AT_FDCWD, "/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	long length = read_file((int)proc_fd, pid, "/status", status, sizeof(status));

	sys_close((int)proc_fd);
	for (const char *line = status; length > 0 && *line; line++) {
		const char *set = text_after(line, "\nSigIgn:\t");

		if (set)
			return (parse_set(set) & signals) == signals;
	}
	return false;
}
