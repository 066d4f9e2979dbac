/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hull-tls: locks itself in, reads the certificates, which are open already, shakes hands with the
 * client, says so, and passes bytes on. hulld starts one for each connection (api/door.c); what it
 * gets wrong is between it and one client. Read tls.h first.
 */
#include <errno.h>
#include <openssl/err.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "tls/tls.h"

enum { LINGER_MS = 1000 };

static void say(char kind, const char *text)
{
	char message[TLS_MESSAGE_MAX];
	snprintf(message, sizeof(message), "%c%s", kind, text);
	send(TLS_FD_SOCKET, message, strlen(message), MSG_NOSIGNAL);
	close(TLS_FD_SOCKET);
}

/* 1: it is there; 0: too late, or hulld has gone. */
static int await(int error, int64_t until)
{
	struct pollfd fds[] = {{TLS_FD_CLIENT, error == SSL_ERROR_WANT_WRITE ? POLLOUT : POLLIN, 0},
			       {TLS_FD_SOCKET, 0, 0}};
	int64_t left = until - clock_ms();
	return left > 0 && TEMP_FAILURE_RETRY(poll(fds, ARRAY_LEN(fds), (int)left)) > 0 &&
	       !fds[1].revents;
}

/* Closing at once would reset the connection, and what we said last might not arrive. */
static void linger(void)
{
	char ignored[4096];
	int64_t until = clock_ms() + LINGER_MS;
	shutdown(TLS_FD_CLIENT, SHUT_WR);
	for (ssize_t n = 1; n > 0 || (n < 0 && errno == EAGAIN);) {
		struct pollfd fd = {TLS_FD_CLIENT, POLLIN, 0};
		int64_t left = until - clock_ms();
		if (left <= 0 || poll(&fd, 1, (int)left) <= 0)
			return;
		n = recv(TLS_FD_CLIENT, ignored, sizeof(ignored), MSG_DONTWAIT);
	}
}

/* As docker's daemon says it. */
static void answer_plain(void)
{
	static const char text[] = "HTTP/1.0 400 Bad Request\r\nConnection: close\r\n\r\n"
				   "Client sent an HTTP request to an HTTPS server.\n";
	send(TLS_FD_CLIENT, text, sizeof(text) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static bool shake_hands(SSL *ssl)
{
	char fault[TLS_FAULT_MAX] = "";
	int64_t until = clock_ms() + TLS_HANDSHAKE_SECONDS * 1000;
	SSL_set_app_data(ssl, fault);
	ERR_clear_error(); /* the end of a file in PEM is one */
	for (int n; (n = SSL_accept(ssl)) != 1;) {
		int error = SSL_get_error(ssl, n);
		if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) {
			if (await(error, until))
				continue;
			say(TLS_FAILED, "the handshake took too long");
			return false;
		}
		if (ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_HTTP_REQUEST)
			answer_plain();
		say(TLS_FAILED, *fault ? fault : last_reason());
		return false;
	}
	SSL_set_app_data(ssl, NULL);
	return true;
}

static void serve(SSL_CTX *ctx)
{
	SSL *ssl = SSL_new(ctx);
	bool there = ssl && SSL_set_fd(ssl, TLS_FD_CLIENT) == 1;
	if (there && shake_hands(ssl)) {
		say(TLS_READY, "");
		there = pump_run(ssl, TLS_FD_CLIENT, TLS_FD_STREAM);
	}
	close(TLS_FD_STREAM);
	if (there)
		linger();
}

int main(void)
{
	struct err e;
	SSL_CTX *ctx;
	signal(SIGPIPE, SIG_IGN);
	if (!fd_is_open(TLS_FD_SOCKET)) {
		fprintf(stderr, "hull-tls is started by hulld, it does nothing by itself\n");
		return 125;
	}
	close_range(TLS_FD_CRL + 1, ~0U, 0);
	bool has_client = fd_is_open(TLS_FD_CLIENT);
	if (confine(&e) < 0 || context_make(&ctx, &e) < 0) {
		say(TLS_FAILED, e.text);
		_exit(1);
	}
	if (has_client)
		serve(ctx);
	else
		say(TLS_READY, "");
	_exit(0);
}
