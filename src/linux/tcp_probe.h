/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the TCP connections of one control group come to, from a program in the kernel that each of
 * its sockets calls (BPF_CGROUP_SOCK_OPS in bpf(2), Linux 5.8). Needs a v2 tree and CAP_SYS_ADMIN
 * (or CAP_BPF and CAP_NET_ADMIN). Connections that were there before say nothing; of the states
 * only those that lead to the end are told.
 */
#pragma once

#include <stdint.h>

#include "base/err.h"

enum { TCP_PROBE_RING = 1 << 20 };

/** As it lies in the ring; begins as trace_add_ring() wants it. */
struct tcp_event {
	uint64_t time, thread; /* CLOCK_MONOTONIC; bpf_get_current_pid_tgid(), 0 before Linux 6.10:
				* who runs just now, which may be anybody */
	uint64_t cookie;       /* of the socket, for life */
	uint32_t what;         /* BPF_SOCK_OPS_... of linux/bpf.h */
	uint32_t args[2];      /* of BPF_SOCK_OPS_STATE_CB: from, to; BPF_TCP_... */
	uint32_t family, local_port, remote_port_be;
	uint32_t local4, remote4, local6[4], remote6[4]; /* as on the wire */
};

struct tcp_probe {
	int ring, lost, link;
};
#define TCP_PROBE_CLOSED                                                                           \
	{                                                                                          \
		-1, -1, -1                                                                         \
	}

/** Begin. @cgroup: its folder in the v2 tree. 0, or negative errno with what is missing. */
int tcp_probe_open(struct tcp_probe *p, int cgroup, struct err *e);
/** Events for which there was no room. */
uint64_t tcp_probe_lost(const struct tcp_probe *p);
void tcp_probe_close(struct tcp_probe *p);
