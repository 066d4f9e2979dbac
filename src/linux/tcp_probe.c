/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See tcp_probe.h. A socket calls the program when it connects, listens, or has been connected;
 * then it asks to be called for each further state and each segment that is sent again.
 * Invariant: what the kernel asks of such a program (time limits, window) stays as without one.
 */
#include "linux/tcp_probe.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "linux/bpf.h"

/* Where the event lies in the frame, with the key of the map of the lost ones below it. */
enum { EVENT = sizeof(struct tcp_event), KEY = EVENT + 8 };

static void store(struct bpf_program *p, int size, size_t member, int src)
{
	bpf_emit(&p->a, BPF_STX | size | BPF_MEM, BPF_FP, src, (int)member - EVENT, 0);
}

#define COPY(from_, to_)                                                                           \
	{                                                                                          \
		offsetof(struct bpf_sock_ops, from_), offsetof(struct tcp_event, to_)              \
	}
static const struct {
	size_t from, to;
} copies[] = {
	COPY(op, what),
	COPY(args[0], args[0]),
	COPY(args[1], args[1]),
	COPY(family, family),
	COPY(local_port, local_port),
	COPY(remote_port, remote_port_be),
	COPY(local_ip4, local4),
	COPY(remote_ip4, remote4),
	COPY(local_ip6[0], local6[0]),
	COPY(local_ip6[1], local6[1]),
	COPY(local_ip6[2], local6[2]),
	COPY(local_ip6[3], local6[3]),
	COPY(remote_ip6[0], remote6[0]),
	COPY(remote_ip6[1], remote6[1]),
	COPY(remote_ip6[2], remote6[2]),
	COPY(remote_ip6[3], remote6[3]),
};

/* R6: struct bpf_sock_ops. */
static void take_word(struct bpf_program *p, int dst, size_t offset)
{
	bpf_emit(&p->a, BPF_LDX | BPF_W | BPF_MEM, dst, BPF_R6, (int)offset, 0);
}

static void ask_for_more(struct bpf_program *p)
{
	const size_t jump = p->a.count;
	bpf_emit(&p->a, BPF_JMP | BPF_JGT | BPF_K, BPF_R7, 0, 0,
		 BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB);
	take_word(p, BPF_R2, offsetof(struct bpf_sock_ops, bpf_sock_ops_cb_flags));
	bpf_emit(&p->a, BPF_ALU64 | BPF_OR | BPF_K, BPF_R2, 0, 0,
		 BPF_SOCK_OPS_STATE_CB_FLAG | BPF_SOCK_OPS_RETRANS_CB_FLAG);
	bpf_move(p, BPF_R1, BPF_R6);
	bpf_helper(p, BPF_FUNC_sock_ops_cb_flags_set);
	p->code[jump].off = (int16_t)(p->a.count - jump - 1);
}

/* R7: the operation. Of states only some are of use: each event takes room. */
static void leave_out(struct bpf_program *p)
{
	static const int states[] = {BPF_TCP_FIN_WAIT1, BPF_TCP_CLOSE, BPF_TCP_CLOSE_WAIT,
				     BPF_TCP_LAST_ACK};
	const size_t first = p->a.count, count = ARRAY_LEN(states);
	bpf_emit(&p->a, BPF_JMP | BPF_JNE | BPF_K, BPF_R7, 0, (int)count + 2,
		 BPF_SOCK_OPS_STATE_CB);
	take_word(p, BPF_R8, offsetof(struct bpf_sock_ops, args[1]));
	for (size_t i = 0; i < count; i++)
		bpf_emit(&p->a, BPF_JMP | BPF_JEQ | BPF_K, BPF_R8, 0,
			 (int)(first + count + 2 - p->a.count), states[i]);
	bpf_exit_if(p, BPF_JA, 0, 0);
}

static void fill(struct bpf_program *p, bool thread)
{
	for (size_t i = 0; i < ARRAY_LEN(copies); i++) {
		take_word(p, BPF_R0, copies[i].from);
		store(p, BPF_W, copies[i].to, BPF_R0);
	}
	bpf_helper(p, BPF_FUNC_ktime_get_ns);
	store(p, BPF_DW, offsetof(struct tcp_event, time), BPF_R0);
	bpf_move(p, BPF_R1, BPF_R6);
	bpf_helper(p, BPF_FUNC_get_socket_cookie);
	store(p, BPF_DW, offsetof(struct tcp_event, cookie), BPF_R0);
	if (thread)
		bpf_helper(p, BPF_FUNC_get_current_pid_tgid);
	else
		bpf_set(p, BPF_R0, 0);
	store(p, BPF_DW, offsetof(struct tcp_event, thread), BPF_R0);
}

static void count_lost(struct bpf_program *p, int map)
{
	bpf_exit_if(p, BPF_JEQ, BPF_R0, 0);
	bpf_emit(&p->a, BPF_ST | BPF_W | BPF_MEM, BPF_FP, 0, -KEY, 0);
	bpf_map_into(p, BPF_R1, map);
	bpf_address(p, BPF_R2, KEY);
	bpf_helper(p, BPF_FUNC_map_lookup_elem);
	bpf_exit_if(p, BPF_JEQ, BPF_R0, 0);
	bpf_set(p, BPF_R1, 1);
	bpf_emit(&p->a, BPF_STX | BPF_DW | BPF_ATOMIC, BPF_R0, BPF_R1, 0, BPF_ADD);
}

static int load(const struct tcp_probe *probe, bool thread)
{
	static const int others[] = {BPF_SOCK_OPS_NEEDS_ECN, BPF_SOCK_OPS_BASE_RTT,
				     BPF_SOCK_OPS_RTO_CB};
	struct bpf_program p;
	bpf_begin(&p);
	bpf_move(&p, BPF_R6, BPF_R1);
	take_word(&p, BPF_R7, offsetof(struct bpf_sock_ops, op));
	bpf_exit_if(&p, BPF_JLT, BPF_R7, BPF_SOCK_OPS_TCP_CONNECT_CB);
	bpf_exit_if(&p, BPF_JGT, BPF_R7, BPF_SOCK_OPS_TCP_LISTEN_CB);
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		bpf_exit_if(&p, BPF_JEQ, BPF_R7, others[i]);
	ask_for_more(&p);
	leave_out(&p);
	fill(&p, thread);
	bpf_map_into(&p, BPF_R1, probe->ring);
	bpf_address(&p, BPF_R2, EVENT);
	bpf_set(&p, BPF_R3, EVENT);
	bpf_set(&p, BPF_R4, 0);
	bpf_helper(&p, BPF_FUNC_ringbuf_output);
	count_lost(&p, probe->lost);
	return bpf_finish(&p, 1, BPF_PROG_TYPE_SOCK_OPS, "hull_tcp");
}

int tcp_probe_open(struct tcp_probe *p, int cgroup, struct err *e)
{
	union bpf_attr link;
	*p = (struct tcp_probe)TCP_PROBE_CLOSED;
	p->ring = bpf_map(BPF_MAP_TYPE_RINGBUF, 0, 0, TCP_PROBE_RING, "hull_tcp");
	p->lost = bpf_map(BPF_MAP_TYPE_ARRAY, sizeof(uint32_t), sizeof(uint64_t), 1, "hull_lost");
	CLEANUP_FD int program = load(p, true);
	if (program == -EINVAL)
		program = load(p, false);
	memset(&link, 0, sizeof(link));
	link.link_create.prog_fd = (uint32_t)program;
	link.link_create.target_fd = (uint32_t)cgroup;
	link.link_create.attach_type = BPF_CGROUP_SOCK_OPS;
	p->link = program < 0 ? program : bpf_call(BPF_LINK_CREATE, &link);
	if (p->link >= 0)
		return 0;
	const int r = program < 0 ? program : -errno;
	tcp_probe_close(p);
	err_errno(e, r, "cannot look at connections (BPF in the container's control group)");
	return err_hint(
		e, "it needs root on the machine itself, and Linux 5.8 with CONFIG_CGROUP_BPF");
}

uint64_t tcp_probe_lost(const struct tcp_probe *p)
{
	uint32_t key = 0;
	uint64_t count = 0;
	union bpf_attr get;
	memset(&get, 0, sizeof(get));
	get.map_fd = (uint32_t)p->lost;
	get.key = (uint64_t)(uintptr_t)&key;
	get.value = (uint64_t)(uintptr_t)&count;
	return p->lost >= 0 && bpf_call(BPF_MAP_LOOKUP_ELEM, &get) == 0 ? count : 0;
}

void tcp_probe_close(struct tcp_probe *p)
{
	fd_drop(&p->link);
	fd_drop(&p->ring);
	fd_drop(&p->lost);
}
