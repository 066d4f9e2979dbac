/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See usage_probe.h. Programs run at the tracepoints sys_enter, sched_process_exec and cap_capable;
 * before Linux 6.14, which brought the last, at the entry and the return of that function, to which
 * every check of a capability comes: between the two the question is kept by thread. A call that a
 * filter refuses comes to sys_exit and never to sys_enter, which lies behind the filter. Rests on
 * bpf(2), "kprobe" in perf_event_open(2), security/commoncap.c.
 * Invariant: all is tied to descriptors of this process, and gone with it.
 */
#include "linux/usage_probe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "linux/bpf.h"
#include "linux/tracepoint.h"

/* In `entered`, of a thread that is in none. */
enum { NO_CALL = USAGE_CALLS, ERRNO_MAX = 4095 };
enum { CAPS = 128, DENIED = 64, THREADS = 4096, NOAUDIT = 2 };
/* Keys of the map `state`. */
enum { EXECUTED, COUNTING, STATES };

/* Where struct pt_regs has the third and fourth argument and the result of a function. */
#if defined(__x86_64__)
enum { ARG3 = 12 * 8, ARG4 = 11 * 8, RESULT = 10 * 8 };
#elif defined(__aarch64__)
enum { ARG3 = 2 * 8, ARG4 = 3 * 8, RESULT = 0 };
#else
enum { ARG3 = -1, ARG4 = -1, RESULT = -1 };
#endif

/* ---- pieces of programs ---- */

/* R0: the entry of @map whose 32-bit key is in @key, or with -1 is @constant; ends without one. */
static void find(struct bpf_program *p, int map, int key, int32_t constant)
{
	if (key >= 0)
		bpf_emit(&p->a, BPF_STX | BPF_W | BPF_MEM, BPF_FP, key, -24, 0);
	else
		bpf_emit(&p->a, BPF_ST | BPF_W | BPF_MEM, BPF_FP, 0, -24, constant);
	bpf_map_into(p, BPF_R1, map);
	bpf_address(p, BPF_R2, 24);
	bpf_helper(p, BPF_FUNC_map_lookup_elem);
	bpf_exit_if(p, BPF_JEQ, BPF_R0, 0);
}

static void mark(struct bpf_program *p)
{
	bpf_emit(&p->a, BPF_ST | BPF_W | BPF_MEM, BPF_R0, 0, 0, 1);
}

static void only_in_group(struct bpf_program *p, int group)
{
	bpf_map_into(p, BPF_R1, group);
	bpf_set(p, BPF_R2, 0);
	bpf_helper(p, BPF_FUNC_current_task_under_cgroup);
	bpf_exit_if(p, BPF_JNE, BPF_R0, 1);
}

static void thread_into_frame(struct bpf_program *p)
{
	bpf_helper(p, BPF_FUNC_get_current_pid_tgid);
	bpf_emit(&p->a, BPF_STX | BPF_DW | BPF_MEM, BPF_FP, BPF_R0, -8, 0);
}

/* The number in @value, for this thread. */
static void remember(struct bpf_program *p, int map, int value)
{
	thread_into_frame(p);
	bpf_emit(&p->a, BPF_STX | BPF_DW | BPF_MEM, BPF_FP, value, -16, 0);
	bpf_map_into(p, BPF_R1, map);
	bpf_address(p, BPF_R2, 8);
	bpf_address(p, BPF_R3, 16);
	bpf_set(p, BPF_R4, BPF_ANY);
	bpf_helper(p, BPF_FUNC_map_update_elem);
}

/* R0: where that lies, or 0. */
static void look_up(struct bpf_program *p, int map)
{
	thread_into_frame(p);
	bpf_map_into(p, BPF_R1, map);
	bpf_address(p, BPF_R2, 8);
	bpf_helper(p, BPF_FUNC_map_lookup_elem);
}

/* The same; ends without one. */
static void recall(struct bpf_program *p, int map)
{
	look_up(p, map);
	bpf_exit_if(p, BPF_JEQ, BPF_R0, 0);
}

/* What lies there, after one of these. */
static void forget(struct bpf_program *p, int map)
{
	bpf_map_into(p, BPF_R1, map);
	bpf_address(p, BPF_R2, 8);
	bpf_helper(p, BPF_FUNC_map_delete_elem);
}

static void only_when(struct bpf_program *p, const struct usage_probe *u, int32_t state)
{
	find(p, u->state, -1, state);
	bpf_emit(&p->a, BPF_LDX | BPF_W | BPF_MEM, BPF_R0, BPF_R0, 0, 0);
	bpf_exit_if(p, BPF_JEQ, BPF_R0, 0);
}

/* What kernels write as an int is in the low half of a register. */
static void to_int(struct bpf_program *p, int reg)
{
	bpf_emit(&p->a, BPF_ALU | BPF_MOV | BPF_X, reg, reg, 0, 0);
}

/* R7: the capability. R9: 0, or that it was denied. */
static void mark_capability(struct bpf_program *p, const struct usage_probe *u)
{
	to_int(p, BPF_R9);
	bpf_emit(&p->a, BPF_JMP | BPF_JEQ | BPF_K, BPF_R9, 0, 1, 0);
	bpf_emit(&p->a, BPF_ALU64 | BPF_ADD | BPF_K, BPF_R7, 0, 0, DENIED);
	find(p, u->caps, BPF_R7, 0);
	mark(p);
}

/* ---- the programs ---- */

static int at_exec(const struct usage_probe *u)
{
	struct bpf_program p;
	bpf_begin(&p);
	only_in_group(&p, u->group);
	for (int i = 0; i < STATES; i++) {
		find(&p, u->state, -1, i);
		mark(&p);
	}
	return bpf_finish(&p, 0, BPF_PROG_TYPE_RAW_TRACEPOINT, "hull_exec");
}

/* Its arguments: the registers, the call's number. */
static int at_call(const struct usage_probe *u)
{
	struct bpf_program p;
	bpf_begin(&p);
	bpf_read(&p, BPF_R6, BPF_R1, 8);
	only_in_group(&p, u->group);
	find(&p, u->state, -1, COUNTING);
	bpf_emit(&p.a, BPF_LDX | BPF_W | BPF_MEM, BPF_R7, BPF_R0, 0, 0);
	bpf_emit(&p.a, BPF_JMP | BPF_JNE | BPF_K, BPF_R7, 0, 3, 0);
	/* Not yet: the filter that is loaded now will see what follows. */
	bpf_exit_if(&p, BPF_JNE, BPF_R6, SYS_seccomp);
	mark(&p);
	bpf_exit_if(&p, BPF_JA, 0, 0);
	bpf_exit_if(&p, BPF_JGE, BPF_R6, USAGE_CALLS);
	if (u->knows_calls)
		remember(&p, u->pending, BPF_R6);
	remember(&p, u->entered, BPF_R6);
	find(&p, u->calls, BPF_R6, 0);
	mark(&p);
	return bpf_finish(&p, 0, BPF_PROG_TYPE_RAW_TRACEPOINT, "hull_calls");
}

/* Of the tracepoint's record: the call's number and its result. Whatever the error, a profile may
 * give any. A thread that is seen here first may have entered before it was counted: only from then
 * on is a call that ends, and did not enter, a refused one. */
static int at_return(const struct usage_probe *u)
{
	struct bpf_program p;
	bpf_begin(&p);
	bpf_read(&p, BPF_R6, BPF_R1, 8);
	bpf_read(&p, BPF_R7, BPF_R1, 16);
	only_in_group(&p, u->group);
	only_when(&p, u, COUNTING);
	look_up(&p, u->entered);
	const size_t seen = p.a.count;
	bpf_emit(&p.a, BPF_JMP | BPF_JNE | BPF_K, BPF_R0, 0, 0, 0);
	bpf_set(&p, BPF_R8, NO_CALL);
	remember(&p, u->entered, BPF_R8);
	bpf_exit_if(&p, BPF_JA, 0, 0);
	p.code[seen].off = (int16_t)(p.a.count - seen - 1);
	bpf_emit(&p.a, BPF_LDX | BPF_DW | BPF_MEM, BPF_R8, BPF_R0, 0, 0);
	bpf_emit(&p.a, BPF_ST | BPF_DW | BPF_MEM, BPF_R0, 0, 0, NO_CALL);
	bpf_exit_if(&p, BPF_JNE, BPF_R8, NO_CALL);
	bpf_exit_if(&p, BPF_JSGE, BPF_R7, 0);
	bpf_exit_if(&p, BPF_JSLT, BPF_R7, -ERRNO_MAX);
	bpf_exit_if(&p, BPF_JGE, BPF_R6, USAGE_CALLS);
	find(&p, u->refused, BPF_R6, 0);
	mark(&p);
	/* With 0 nobody's perf events would get this record. */
	return bpf_finish(&p, 1, BPF_PROG_TYPE_TRACEPOINT, "hull_return");
}

/* Calls that may need CAP_SYS_ADMIN. In many others the kernel asks by the way whether memory may
 * be overcommitted, and who is refused that is none the worse. */
static const int for_admin[] = {
	SYS_mount,           SYS_umount2,     SYS_pivot_root,    SYS_setns,
	SYS_unshare,         SYS_sethostname, SYS_setdomainname, SYS_quotactl,
	SYS_swapon,          SYS_swapoff,     SYS_bpf,           SYS_syslog,
	SYS_perf_event_open, SYS_ioctl,       SYS_keyctl,        SYS_seccomp,
	SYS_fanotify_init,   SYS_setxattr,    SYS_lsetxattr,     SYS_fsetxattr,
	SYS_prctl,           SYS_prlimit64,   SYS_ioprio_set,    SYS_open_by_handle_at,
#ifdef SYS_move_mount
	SYS_move_mount,      SYS_fsopen,      SYS_fsmount,       SYS_fsconfig,
	SYS_open_tree,
#endif
#ifdef SYS_mount_setattr
	SYS_mount_setattr,
#endif
};

/* Its arguments: credentials, two user namespaces, the capability, the answer. */
static int at_capable(const struct usage_probe *u)
{
	struct bpf_program p;
	bpf_begin(&p);
	bpf_read(&p, BPF_R7, BPF_R1, 3 * 8);
	bpf_read(&p, BPF_R9, BPF_R1, 4 * 8);
	only_in_group(&p, u->group);
	only_when(&p, u, EXECUTED);
	to_int(&p, BPF_R7);
	bpf_exit_if(&p, BPF_JGE, BPF_R7, DENIED);
	size_t other = p.a.count;
	bpf_emit(&p.a, BPF_JMP | BPF_JNE | BPF_K, BPF_R7, 0, 0, CAP_SYS_ADMIN);
	recall(&p, u->pending);
	bpf_read(&p, BPF_R8, BPF_R0, 0);
	size_t first = p.a.count;
	for (size_t i = 0; i < ARRAY_LEN(for_admin); i++)
		bpf_emit(&p.a, BPF_JMP | BPF_JEQ | BPF_K, BPF_R8, 0, 0, for_admin[i]);
	const size_t last = p.a.count;
	bpf_exit_if(&p, BPF_JA, 0, 0);
	for (; first < last; first++)
		p.code[first].off = (int16_t)(p.a.count - first - 1);
	p.code[other].off = (int16_t)(p.a.count - other - 1);
	mark_capability(&p, u);
	return bpf_finish(&p, 0, BPF_PROG_TYPE_RAW_TRACEPOINT, "hull_capable");
}

/* Its fourth argument tells what is asked by the way. */
static int at_check(const struct usage_probe *u)
{
	struct bpf_program p;
	bpf_begin(&p);
	bpf_read(&p, BPF_R7, BPF_R1, ARG3);
	bpf_read(&p, BPF_R8, BPF_R1, ARG4);
	only_in_group(&p, u->group);
	only_when(&p, u, EXECUTED);
	to_int(&p, BPF_R7);
	bpf_exit_if(&p, BPF_JGE, BPF_R7, DENIED);
	bpf_emit(&p.a, BPF_ALU64 | BPF_AND | BPF_K, BPF_R8, 0, 0, NOAUDIT);
	bpf_emit(&p.a, BPF_JMP | BPF_JEQ | BPF_K, BPF_R8, 0, 1, 0);
	bpf_exit_if(&p, BPF_JEQ, BPF_R7, CAP_SYS_ADMIN);
	remember(&p, u->pending, BPF_R7);
	return bpf_finish(&p, 0, BPF_PROG_TYPE_KPROBE, "hull_check");
}

static int at_answer(const struct usage_probe *u)
{
	struct bpf_program p;
	bpf_begin(&p);
	bpf_read(&p, BPF_R9, BPF_R1, RESULT);
	recall(&p, u->pending);
	bpf_read(&p, BPF_R7, BPF_R0, 0);
	forget(&p, u->pending);
	bpf_exit_if(&p, BPF_JGE, BPF_R7, DENIED);
	mark_capability(&p, u);
	return bpf_finish(&p, 0, BPF_PROG_TYPE_KPROBE, "hull_answer");
}

/* ---- attaching ---- */

static int attach_tracepoint(int program, const char *name)
{
	union bpf_attr open = {.raw_tracepoint = {.name = (uint64_t)(uintptr_t)name,
						  .prog_fd = (uint32_t)program}};
	int fd = program < 0 ? program : bpf_call(BPF_RAW_TRACEPOINT_OPEN, &open);
	return fd < 0 && program >= 0 ? -errno : fd;
}

/* On all processors: a program belongs to the probe, not to the event that brings it. */
static int attach_function(int program, const char *name, bool at_return)
{
	char type[32];
	struct perf_event_attr attr = {.size = sizeof(attr),
				       .config = at_return, /* format/retprobe */
				       .kprobe_func = (uint64_t)(uintptr_t)name};
	if (program < 0)
		return program;
	if (file_read_small(AT_FDCWD, "/sys/bus/event_source/devices/kprobe/type", type,
			    sizeof(type)) <= 0)
		return -EOPNOTSUPP;
	attr.type = (uint32_t)strtoul(type, NULL, 10);
	CLEANUP_FD int fd =
		(int)syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	if (fd < 0 || ioctl(fd, PERF_EVENT_IOC_SET_BPF, program) < 0)
		return -errno;
	return fd_steal(&fd);
}

static int make_maps(struct usage_probe *u, int cgroup)
{
	const uint32_t number = sizeof(uint32_t), wide = sizeof(uint64_t), first = 0;
	union bpf_attr put;
	u->calls = bpf_map(BPF_MAP_TYPE_ARRAY, number, number, USAGE_CALLS, "hull_calls");
	u->caps = bpf_map(BPF_MAP_TYPE_ARRAY, number, number, CAPS, "hull_caps");
	u->state = bpf_map(BPF_MAP_TYPE_ARRAY, number, number, STATES, "hull_state");
	u->group = bpf_map(BPF_MAP_TYPE_CGROUP_ARRAY, number, number, 1, "hull_group");
	u->pending = bpf_map(BPF_MAP_TYPE_LRU_HASH, wide, wide, THREADS, "hull_pending");
	u->entered = bpf_map(BPF_MAP_TYPE_LRU_HASH, wide, wide, THREADS, "hull_entered");
	u->refused = bpf_map(BPF_MAP_TYPE_ARRAY, number, number, USAGE_CALLS, "hull_refused");
	const int *const all[] = {&u->calls,   &u->caps,    &u->state,  &u->group,
				  &u->pending, &u->entered, &u->refused};
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (*all[i] < 0)
			return *all[i];
	memset(&put, 0, sizeof(put));
	put.map_fd = (uint32_t)u->group;
	put.key = (uint64_t)(uintptr_t)&first;
	put.value = (uint64_t)(uintptr_t)&cgroup;
	return bpf_call(BPF_MAP_UPDATE_ELEM, &put) < 0 ? -errno : 0;
}

static int attach(int *link, int program, const char *tracepoint)
{
	CLEANUP_FD int made = program;
	*link = attach_tracepoint(made, tracepoint);
	return *link < 0 ? *link : 0;
}

static int attach_caps(struct usage_probe *u)
{
	static const char function[] = "cap_capable";
	int r = attach(&u->links[2], at_capable(u), function);
	u->knows_calls = r == 0;
	if (r != -ENOENT)
		return r;
	if (ARG3 < 0)
		return -EOPNOTSUPP;
	CLEANUP_FD int check = at_check(u), answer = at_answer(u);
	u->links[2] = attach_function(answer, function, true);
	u->links[3] = u->links[2] < 0 ? -1 : attach_function(check, function, false);
	return u->links[2] < 0 ? u->links[2] : u->links[3] < 0 ? u->links[3] : 0;
}

int usage_probe_open(struct usage_probe *u, int cgroup, bool caps, struct err *e)
{
	int r = make_maps(u, cgroup);
	if (r < 0) {
		err_errno(e, r, "cannot make the tables in the kernel (BPF) that learning needs");
		return err_hint(e, "it needs root on the machine itself (CAP_SYS_ADMIN)");
	}
	if (caps && (r = attach_caps(u)) < 0) {
		err_errno(e, r, "cannot look at checks of capabilities (kprobe at cap_capable)");
		return err_hint(
			e,
			"that needs Linux 6.14, or one with CONFIG_KPROBES; and CONFIG_BPF_EVENTS");
	}
	if ((r = attach(&u->links[1], at_call(u), "sys_enter")) < 0)
		return err_errno(e, r, "cannot look at system calls (BPF at sys_enter)");
	CLEANUP_FD int returns = at_return(u);
	if (returns < 0)
		return err_errno(e, returns, "cannot look at the ends of system calls (BPF)");
	if ((u->links[4] = tracepoint_attach("raw_syscalls:sys_exit", returns, e)) < 0)
		return u->links[4];
	/* The last: from now on it counts. */
	r = attach(&u->links[0], at_exec(u), "sched_process_exec");
	return r < 0 ? err_errno(e, r, "cannot look at execve (BPF at sched_process_exec)") : 0;
}

void usage_probe_begin(const struct usage_probe *p)
{
	const uint32_t yes = 1;
	for (uint32_t i = 0; i < STATES; i++) {
		union bpf_attr put;
		memset(&put, 0, sizeof(put));
		put.map_fd = (uint32_t)p->state;
		put.key = (uint64_t)(uintptr_t)&i;
		put.value = (uint64_t)(uintptr_t)&yes;
		bpf_call(BPF_MAP_UPDATE_ELEM, &put);
	}
}

static bool is_marked(int map, uint32_t key)
{
	uint32_t value = 0;
	union bpf_attr get;
	memset(&get, 0, sizeof(get));
	get.map_fd = (uint32_t)map;
	get.key = (uint64_t)(uintptr_t)&key;
	get.value = (uint64_t)(uintptr_t)&value;
	return bpf_call(BPF_MAP_LOOKUP_ELEM, &get) == 0 && value;
}

void usage_probe_read(const struct usage_probe *u, struct usage *ret)
{
	*ret = (struct usage){0};
	for (uint32_t i = 0; i < USAGE_CALLS; i++) {
		ret->calls[i] = is_marked(u->calls, i);
		ret->refused[i] = is_marked(u->refused, i);
	}
	for (uint32_t i = 0; i < DENIED; i++) {
		ret->granted |= (capset)is_marked(u->caps, i) << i;
		ret->denied |= (capset)is_marked(u->caps, i + DENIED) << i;
	}
}

void usage_probe_close(struct usage_probe *u)
{
	int *const all[] = {&u->links[0], &u->links[1], &u->links[2], &u->links[3],
			    &u->links[4], &u->calls,    &u->caps,     &u->state,
			    &u->group,    &u->pending,  &u->entered,  &u->refused};
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		fd_drop(all[i]);
}
