/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A network namespace that is made while the caller does something else: making it takes the kernel
 * half a millisecond, a tenth of a container's start, and another processor has the time.
 */
#pragma once

#include <sys/types.h>

enum { NETWORK_AHEAD_STACK = 4096 };

/* What the maker writes while the caller goes on: it must stay where it is until the end. */
struct network_ahead {
	pid_t maker; /* 0: none */
	int netns;
	_Alignas(16) char stack[NETWORK_AHEAD_STACK];
};

#define NETWORK_AHEAD_NONE ((struct network_ahead){.netns = -1})

/** Begin. What fails is told by network_ahead_wait(). Until then the caller executes no program. */
void network_ahead_begin(struct network_ahead *n);
/** Wait for it. The namespace, with its loopback device up, which stays @n's; -1: there is none. */
int network_ahead_wait(struct network_ahead *n);
/** Wait if it was begun, and close it. */
void network_ahead_end(struct network_ahead *n);
