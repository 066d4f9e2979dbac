/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Another program may take the firewall's table away (nft flush ruleset, a firewall that restarts).
 * While hulld runs it hears of that from the kernel, and has a child make the table again: once
 * within a second, however often that happens. Without hulld the next start of a container does.
 */
#pragma once

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "engine/settings.h"
#include "linux/netlink.h"

struct mender {
	struct netlink news;
	int64_t due, last; /* by clock_ms(); 0: never */
	pid_t pid;         /* of the child; 0: none */
};
#define MENDER_CLOSED                                                                              \
	{                                                                                          \
		.news = NETLINK_CLOSED                                                             \
	}

/** Begin to listen; where this process may not (without rights over the network), there is nothing
 * to mend. */
void mender_open(struct mender *m);
void mender_close(struct mender *m);
/** Descriptor to poll; -1: none. */
int mender_fd(const struct mender *m);
/** Milliseconds until mender_work() is to be called; -1: not before there is something to read. */
int mender_wait(const struct mender *m);
/** Read what came, and start the child when it is time. @apart is called in it first. */
void mender_work(struct mender *m, const struct settings *settings, void (*apart)(void *ctx),
		 void *ctx);
/** A child ended. */
void mender_forget(struct mender *m, pid_t pid);
