/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hull-transport: talks to one registry, for the engine that started it and as nobody else.
 *
 * Started with a socket on descriptor 3 (transport/wire.h). It takes one setup, reads the
 * certificates that this names, locks itself in (confine.h), says that it is ready (an empty
 * message of TRANSPORT_DONE), and serves requests until the socket is closed. It has no options and
 * keeps nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "transport/client.h"
#include "transport/confine.h"

static int take_setup(struct transport_setup *s, struct err *e)
{
	ssize_t n = fd_recv(TRANSPORT_SOCKET_FD, s, sizeof(*s), NULL, 0);
	if (n < 0)
		return err_errno(e, (int)n, "hull-transport: no setup");
	if (n != sizeof(*s) || s->version != TRANSPORT_VERSION || !s->attempts ||
	    !memchr(s->host, 0, sizeof(s->host)) || !memchr(s->user, 0, sizeof(s->user)) ||
	    !memchr(s->secret, 0, sizeof(s->secret)) ||
	    !memchr(s->identity, 0, sizeof(s->identity)) ||
	    !memchr(s->scope, 0, sizeof(s->scope)) || !memchr(s->roots, 0, sizeof(s->roots)) ||
	    !memchr(s->certs[0], 0, sizeof(s->certs[0])) ||
	    !memchr(s->certs[1], 0, sizeof(s->certs[1])))
		return err_set(
			e, EPROTO, ERR_INTERNAL,
			"hull-transport is of another version than the program that started it");
	return 0;
}

int main(void)
{
	static struct client client;
	struct transport_message m = {.version = TRANSPORT_VERSION, .op = TRANSPORT_DONE};
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	close_range(TRANSPORT_SOCKET_FD + 1, ~0U, 0);
	if (!fd_is_open(TRANSPORT_SOCKET_FD)) {
		fprintf(stderr, "hull-transport is started by hull, it does nothing by itself\n");
		return 125;
	}
	mallopt(M_ARENA_MAX, 1);
	int r = take_setup(&client.setup, &m.err);
	if (r == 0)
		r = client_open(&client, &m.err);
	if (r == 0)
		r = confine(&m.err);
	if (r < 0)
		m.op = TRANSPORT_FAILED;
	if (fd_send(TRANSPORT_SOCKET_FD, &m, sizeof(m), NULL, 0) < 0 || r < 0)
		_exit(1);
	_exit(client_serve(&client) < 0);
}
