/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Learning from a run what a container needs: the capabilities that it used and the system calls
 * that it made. What a run does not come to, it cannot teach.
 */
#pragma once

#include "diagnose/call_abis.h"
#include "engine/engine.h"
#include "linux/seccomp.h"
#include "linux/usage_probe.h"

struct learn {
	bool caps, calls;
	struct call_abis *abis; /* of those; NULL: not asked for */
	struct trace ends;
	struct arena *a;
	struct usage_probe probe;
	capset given; /* what the container may have at most */
};
#define LEARN_NOTHING                                                                              \
	{                                                                                          \
		.ends = TRACE_CLOSED, .probe = USAGE_PROBE_CLOSED                                  \
	}

/** The next container that @en starts is watched from its birth on. @l must outlive that start. */
void learn_begin(struct learn *l, struct engine *en);
/** Called whenever learn.ends.epoll is readable, lest something is lost. */
void learn_take(void *learn);
/** What it has used so far; ends the watching. What cannot be told apart counts for both ABIs, if
 * any call of 32 bits was seen. */
void learn_end(struct learn *l, struct usage *ret);
/** "--cap-drop ALL --cap-add CHOWN": ready to paste. In @a. */
char *learn_cap_options(capset needed, struct arena *a);
/** "mount, unshare, mount (32-bit)": calls that a seccomp filter refused; NULL: none. @by: of them
 * those that it refuses or may refuse, or with @others those that it never does; NULL: all. In @a.
 */
char *learn_refused(const struct usage *u, const struct seccomp_program *by, bool others,
		    struct arena *a);
/** Write a seccomp profile that allows the calls in @u, and those that a profile in @path allows
 *  already. @ret_count: how many those are now. -EEXIST: what is there is no such profile. */
int learn_profile_write(const char *path, const struct usage *u, size_t *ret_count, struct err *e);
