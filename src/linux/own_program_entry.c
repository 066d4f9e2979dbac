/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first instruction of a program that may enter a container, and how it executes itself again.
 *
 * A program that executes itself again is started twice, and what a libc does before main is the
 * dearest part of so short a command (it asks the processor what it is; in a virtual machine each
 * question leaves for the host). Who has a word of own_program_enters[] among its arguments hence
 * does so here, before there is a libc; a word too many only costs the second start. What cannot be
 * done is left to own_program_protect(), which can say why.
 *
 * Invariant: nothing here uses a libc, thread-local storage or a relocation (meson.build), and what
 * the kernel left on the stack and in the registers is as it was when the libc begins.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>

#include <linux/mount.h>

#include "freestanding/call.h"
#include "linux/own_program.h"

#if defined(__x86_64__)
__asm__(".text\n"
	".globl own_program_entry\n"
	".type own_program_entry, @function\n"
	"own_program_entry:\n"
	"	endbr64\n"
	"	mov %rsp, %rbx\n"
	"	mov %rdx, %r12\n" /* what a loader wants to be called at the end */
	"	mov %rsp, %rdi\n"
	"	and $-16, %rsp\n"
	"	xor %ebp, %ebp\n"
	"	call own_program_begin\n"
	"	mov %rbx, %rsp\n"
	"	mov %r12, %rdx\n"
	"	jmp _start\n");
#elif defined(__aarch64__)
__asm__(".text\n"
	".globl own_program_entry\n"
	".type own_program_entry, %function\n"
	"own_program_entry:\n"
	"	hint 34\n" /* bti c */
	"	mov x19, x0\n"
	"	mov x0, sp\n"
	"	mov x29, #0\n"
	"	mov x30, #0\n"
	"	bl own_program_begin\n"
	"	mov x0, x19\n"
	"	b _start\n");
#endif

enum { PATH_SIZE = 4096 };

/* Of a program that begins at its libc. */
__attribute__((weak)) const char own_program_enters[] = "";

static bool is_same(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

static bool begins_with(const char *text, const char *prefix)
{
	while (*prefix && *text == *prefix)
		text++, prefix++;
	return !*prefix;
}

/* The environment with the path in it, in memory of its own: that of a stack cannot grow. */
static char **name_path(char **envp)
{
	static const char name[] = OWN_PROGRAM_VARIABLE "=";
	unsigned long count = 0, n = 0;
	while (envp[count])
		count++;
	unsigned long size = (count + 2) * sizeof(*envp) + sizeof(name) + PATH_SIZE;
	long memory = sys_call(__NR_mmap, 0, (long)size, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory < 0 && memory > -PATH_SIZE)
		return 0;
	char **ret = (char **)memory, *path = (char *)(ret + count + 2);
	for (unsigned long i = 0; i < sizeof(name); i++)
		path[i] = name[i];
	/* The rest of the memory is zero: the text ends. */
	if (sys_call(__NR_readlinkat, AT_FDCWD, (long)OWN_PROGRAM_LINK,
		     (long)(path + sizeof(name) - 1), PATH_SIZE, 0, 0) < 0)
		return 0;
	ret[n++] = path;
	for (unsigned long i = 0; i < count; i++)
		if (!begins_with(envp[i], name))
			ret[n++] = envp[i];
	return ret;
}

long own_program_again(int self, char *const argv[], char *const envp[])
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};
	long copy = sys_call(__NR_open_tree, self, (long)"",
			     OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH, 0, 0, 0);
	if (copy < 0)
		return copy;
	long r = sys_call(__NR_mount_setattr, copy, (long)"", AT_EMPTY_PATH, (long)&attr,
			  sizeof(attr), 0);
	if (r == 0)
		r = sys_call(__NR_execveat, copy, (long)"", (long)argv, (long)envp, AT_EMPTY_PATH,
			     0);
	sys_call(__NR_close, copy, 0, 0, 0, 0, 0);
	return r;
}

static bool enters(char **argv)
{
	for (; *argv; argv++)
		for (const char *word = own_program_enters; *word; word++) {
			if (is_same(*argv, word))
				return true;
			while (*word)
				word++;
		}
	return false;
}

/* @stack: argc, argv, NULL, envp, NULL, as execve(2) and the ABIs leave it. */
void own_program_begin(long *stack)
{
	char **argv = (char **)(stack + 1), **envp = argv + stack[0] + 1;
	struct statfs fs;
	if (!enters(argv))
		return;
	long self = sys_call(__NR_openat, AT_FDCWD, (long)OWN_PROGRAM_LINK, O_PATH | O_CLOEXEC, 0,
			     0, 0);
	if (self < 0)
		return;
	if (sys_call(__NR_fstatfs, self, (long)&fs, 0, 0, 0, 0) == 0 && !(fs.f_flags & ST_RDONLY) &&
	    (envp = name_path(envp)))
		own_program_again((int)self, argv, envp);
	sys_call(__NR_close, self, 0, 0, 0, 0, 0);
}
