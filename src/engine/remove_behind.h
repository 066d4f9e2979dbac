/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The folder of a removed container, left to a process that outlives this program: a file system
 * takes a millisecond for what nobody waits for. From the moment that its row is gone the folder is
 * nobody's: if that process does not come to its end, engine_sweep_folders() finds the folder.
 */
#pragma once

#include "engine/engine.h"

/** At most one folder; its maker's until remove_behind_exit(). */
struct remove_behind {
	int root_fd, folder_fd; /* both -1: none */
	/* The container's mount namespace, which ends with the last who holds it: what the kernel
	 * waits for as it takes the mounts apart, nobody else need. -1: its processes alone do. */
	int mounts_fd;
	/* A socket by which elements were taken out of the firewall: its end waits until no packet
	 * is about to meet them (nft_rcv_nl_event() in net/netfilter/nf_tables_api.c), 5 to 15 ms.
	 * -1: none. */
	int firewall_fd;
	char id[ID_LEN + 1];
};

#define REMOVE_BEHIND_NONE ((struct remove_behind){-1, -1, -1, -1, ""})

/** Take the folder of the container @id, if there is room for it; false: it is to be removed now.
 */
bool remove_behind_take(struct engine *en, const char *id);
/** Have *@fd, such a socket, closed behind our end where that is possible; then it is -1. */
void remove_behind_close(struct engine *en, int *fd);
/** Give it back: it is to be removed now. */
void remove_behind_drop(struct remove_behind *b);
/** End the program with @code, without what exit(3) does besides, and have the folder removed. The
 *  engine is closed. */
_Noreturn void remove_behind_exit(struct remove_behind *b, int code);
