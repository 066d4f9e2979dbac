/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hull-dns: answers the containers of one network by each other's names, and passes on the rest.
 * The engine starts it with the first container of a network (engine/network_names.c), with its
 * sockets, the folder of the network, and a lock that says that it lives. When there is nobody on
 * the network any more, it ends. It holds no state: another one goes on where it was killed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "dns/server.h"

enum { LOOK_MS = 1000 };

/* Who writes names looks for the lock afterwards: so it is given up first, and then it is looked
 * again. */
static bool may_go(struct server *s)
{
	flock(DNS_FD_LOCK, LOCK_UN);
	return !server_refresh(s) || flock(DNS_FD_LOCK, LOCK_EX | LOCK_NB) < 0;
}

static void serve(struct server *s)
{
	struct pollfd watched[2 + PENDING_MAX + STREAMS_MAX];
	for (;;) {
		size_t udp = udp_watch(s, watched);
		size_t count = udp + tcp_watch(s, watched + udp);
		poll(watched, count, LOOK_MS);
		if (!server_refresh(s) && may_go(s))
			return;
		int64_t now = clock_ms();
		udp_serve(s, watched, now);
		tcp_serve(s, watched + udp, now);
	}
}

int main(int argc, char **argv)
{
	static struct server s;
	struct err e;
	if (argc > 1) {
		fprintf(stderr,
			"hull-dns is started by hull, with its sockets: it takes no arguments\n");
		return 2;
	}
	prctl(PR_SET_NAME, "hull-dns");
	for (size_t i = 0; i < PENDING_MAX; i++)
		s.pending[i].fd = -1;
	for (size_t i = 0; i < STREAMS_MAX; i++)
		s.streams[i].fd = s.streams[i].up = -1;
	if (confine(&e) < 0) {
		fprintf(stderr, "%s\n", e.text);
		return 1;
	}
	serve(&s);
	return 0;
}
