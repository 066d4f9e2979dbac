/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: what a client answers to calls of gRPC, as bytes of HTTP/2. Messages are no longer
 * than they may be, a call ends once, and nothing comes after it.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "session/grpc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct test {
	struct grpc_call call;
	int ended;
};

static void check(int good)
{
	if (!good)
		abort();
}

static int message(struct grpc_call *c, const void *bytes, size_t len, struct err *e)
{
	const struct test *t = (const struct test *)c;
	check(!t->ended && len <= GRPC_MESSAGE_MAX);
	return len == 13 ? err_set(e, EPROTO, ERR_INVALID, "not this one") : 0;
}

static void ended(struct grpc_call *c)
{
	struct test *t = (struct test *)c;
	check(!t->ended++ && !c->id);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const metadata[][2] = {{"dir-name", "context"}};
	struct test tests[] = {{.call = {.message = message, .ended = ended}},
			       {.call = {.message = message, .ended = ended, .keeps = true}}};
	struct grpc g;
	struct err e;
	int pair[2];
	char sink[65536];
	check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	check(grpc_open(&g, pair[0], &e) == 0);
	for (size_t i = 0; i < 2; i++) {
		check(grpc_call(&g, &tests[i].call, "/a/B", metadata, 1, &e) == 0);
		grpc_send(&g, &tests[i].call, "x", 1);
	}
	int r = grpc_work(&g, 0, &e);
	for (size_t at = 0; r == 1 && at < size; at += 4096) {
		size_t len = size - at < 4096 ? size - at : 4096;
		check(write(pair[1], data + at, len) == (ssize_t)len);
		r = grpc_work(&g, 1, &e);
		while (recv(pair[1], sink, sizeof(sink), MSG_DONTWAIT) > 0)
			;
	}
	for (size_t i = 0; i < 2; i++)
		grpc_cancel(&g, &tests[i].call);
	grpc_close(&g);
	close(pair[0]);
	close(pair[1]);
	return 0;
}
