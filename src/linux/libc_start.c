/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a static program comes from its first instruction to main() without asking the processor what
 * it is: __libc_start_main in place of glibc's.
 *
 * glibc asks with 72 CPUID instructions, half of them about the sizes of caches, to choose among
 * its copies of strlen and memcpy. In a virtual machine each one leaves for the host (7 us where
 * this was measured): that was a sixth of the time of `hull exec`, and more of a short command's.
 * hull's commands move little memory; the copies that every x86-64 processor can run serve them as
 * well. What moves much (hull-unpack, hull-transport, hulld) begins as glibc has it.
 *
 * The rest is what glibc 2.36 does in csu/libc-start.c for a static program, in its order, by its
 * own functions. They are private to it, hence meson.build takes this file for that version alone
 * and only where it links; with any other one the program begins as usual, and is that much slower.
 *
 * Invariant: until relocate() has run no string function may be called, until __libc_setup_tls() no
 * errno and no stack protector (the flags are in meson.build).
 */
#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

typedef int main_fn(int argc, char **argv, char **envp);
typedef void step_fn(int argc, char **argv, char **envp);

/* Of glibc. */
extern char **__environ;
extern void *__libc_stack_end;
extern int __libc_enable_secure;
extern uint64_t *_dl_random;
extern const Elf64_Rela __rela_iplt_start[], __rela_iplt_end[];
extern step_fn *const __preinit_array_start[], *const __preinit_array_end[];
extern step_fn *const __init_array_start[], *const __init_array_end[];
extern void (*const __fini_array_start[])(void), (*const __fini_array_end[])(void);
void _dl_aux_init(Elf64_auxv_t *auxv);
void __tunables_init(char **envp);
void _dl_relocate_static_pie(void);
void __libc_setup_tls(void);
void __libc_early_init(bool initial);
void __libc_init_first(int argc, char **argv, char **envp);
void __libc_check_standard_fds(void);
int __cxa_atexit(void (*end)(void *), void *arg, void *dso);

int __libc_start_main(main_fn *run, int argc, char **argv, void (*init)(void), void (*fini)(void),
		      void (*rtld_fini)(void), void *stack_end);

/* What its memcpy and memset compare lengths with, in bytes: glibc's own for caches of unknown
 * size. */
enum { DATA_CACHE = 32 << 10, SHARED_CACHE = 1 << 20, REPEATED = 2 << 10 };
long __x86_data_cache_size = DATA_CACHE, __x86_data_cache_size_half = DATA_CACHE / 2;
long __x86_shared_cache_size = SHARED_CACHE, __x86_shared_cache_size_half = SHARED_CACHE / 2;
long __x86_shared_non_temporal_threshold = SHARED_CACHE / 4 * 3;
long __x86_rep_movsb_threshold = REPEATED, __x86_rep_stosb_threshold = REPEATED;
long __x86_rep_movsb_stop_threshold = SHARED_CACHE / 4 * 3;
int __x86_string_control;

/* Each function that has several copies chooses one; nothing being known of the processor, the
 * first. */
static void relocate(void)
{
	for (const Elf64_Rela *r = __rela_iplt_start; r < __rela_iplt_end; r++)
		*(uintptr_t *)r->r_offset = ((uintptr_t(*)(void))r->r_addend)();
}

/* The words at the thread's pointer that functions compare before they return, and that hide
 * pointers in memory (sysdeps/x86_64/nptl/tls.h: stack_guard, pointer_guard). The first byte stays
 * zero, so that no string that is too long can carry the word. */
static void set_guards(void)
{
	__asm__ volatile("mov %0, %%fs:0x28" : : "r"(_dl_random[0] & ~(uint64_t)0xff));
	__asm__ volatile("mov %0, %%fs:0x30" : : "r"(_dl_random[1]));
}

static void finish(void *unused)
{
	for (size_t i = (size_t)(__fini_array_end - __fini_array_start); i-- > 0;)
		__fini_array_start[i]();
}

static void call_all(step_fn *const *from, step_fn *const *to, int argc, char **argv)
{
	for (; from < to; from++)
		(*from)(argc, argv, __environ);
}

int __libc_start_main(main_fn *run, int argc, char **argv, void (*init)(void), void (*fini)(void),
		      void (*rtld_fini)(void), void *stack_end)
{
	char **end = argv + argc + 1;
	__environ = end;
	__libc_stack_end = stack_end;
	while (*end++)
		continue;
	_dl_aux_init((Elf64_auxv_t *)end);
	__tunables_init(__environ);
	_dl_relocate_static_pie();
	relocate();
	__libc_setup_tls();
	set_guards();
	if (rtld_fini)
		__cxa_atexit((void (*)(void *))rtld_fini, NULL, NULL);
	__libc_early_init(true);
	__libc_init_first(argc, argv, __environ);
	__cxa_atexit(finish, NULL, NULL);
	if (__libc_enable_secure)
		__libc_check_standard_fds();
	call_all(__preinit_array_start, __preinit_array_end, argc, argv);
	/* _init() and _fini() are left out: all that is in them is OpenSSL's questions, see
	 * image/digest.c. */
	call_all(__init_array_start, __init_array_end, argc, argv);
	exit(run(argc, argv, __environ));
}
