/* SPDX-License-Identifier: Apache-2.0 */
/* Heads of requests, their limits, chunks, whom a path leads to, and who reads too slowly. */
#include "unit.h"

#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/api.h"
#include "base/strbuf.h"

static int parse(const char *head, struct arena *a, struct http_request *ret)
{
	struct err e;
	return http_parse(head, strlen(head), a, ret, &e);
}

static void request(void **state)
{
	CLEANUP_ARENA struct arena a = {0};
	struct http_request q;
	const char *head = "POST /v1.47/a%20b/c?x=1+2&y=%2f&x=3&z HTTP/1.1\r\nHost: hull\r\n"
			   "X-Thing:  two words \r\nContent-Length: 12\r\n"
			   "Connection: keep-alive, Upgrade\r\nExpect: 100-continue\r\n\r\n";
	assert_int_equal(http_head_end(head, strlen(head)), strlen(head));
	assert_int_equal(http_head_end(head, strlen(head) - 1), 0);
	assert_int_equal(parse(head, &a, &q), 0);
	assert_string_equal(q.method, "POST");
	assert_string_equal(q.path, "/v1.47/a b/c");
	assert_string_equal(http_param(&q, "x"), "1 2");
	assert_string_equal(http_param(&q, "y"), "/");
	assert_string_equal(http_param(&q, "z"), "");
	assert_null(http_param(&q, "w"));
	assert_int_equal(q.params.count, 4);
	assert_string_equal(http_header(&q, "x-thing"), "two words");
	assert_int_equal(q.length, 12);
	assert_true(q.keep && q.upgrade && q.expects && !q.chunked);
	assert_int_equal(
		parse("GET http://x/y HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", &a, &q),
		0);
	assert_string_equal(q.path, "/y");
	assert_false(q.keep);
	/* RFC 9112 2.3, 3.2: the older one has no Host, chunks or kept connections. */
	assert_int_equal(parse("GET / HTTP/1.0\r\nConnection: upgrade\r\n\r\n", &a, &q), 0);
	assert_true(q.old && !q.keep && !q.upgrade);
	assert_int_equal(parse("GET / HTTP/1.2\r\nHost:\r\n\r\n", &a, &q), 0);
	assert_int_equal(parse("GET / HTTP/2.0\r\nHost: x\r\n\r\n", &a, &q), -EPROTONOSUPPORT);
}

static void refused(void **state)
{
	static const char *const heads[] = {
		"\r\n\r\n",
		"GET /\r\n\r\n",
		"GET / HTTP/1\r\nHost: x\r\n\r\n",
		"GET / HTTP/1.1\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n",
		"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
		"GET x HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /%0g HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /%00 HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /?a=%2 HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /\n HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\n: x\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\na b: x\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\na: x\r\n y\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\na: x\ny\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1, 1\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
		"Content-Length: 1\r\n\r\n",
	};
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		CLEANUP_ARENA struct arena a = {0};
		struct http_request q;
		if (parse(heads[i], &a, &q) != -EINVAL)
			fail_msg("accepted: %s", heads[i]);
	}
}

/* So many are taken, and one more is not. */
static void limits(void **state)
{
	for (int more = 0; more < 2; more++) {
		CLEANUP_ARENA struct arena a = {0};
		CLEANUP_STRBUF struct strbuf s = STRBUF_MAX(1 << 20);
		struct http_request q;
		strbuf_puts(&s, "GET /?");
		for (int i = 0; i < HTTP_PARAMS_MAX + more; i++)
			strbuf_puts(&s, "a=b&");
		strbuf_puts(&s, " HTTP/1.1\r\nHost:\r\n\r\n");
		assert_int_equal(parse(strbuf_text(&s), &a, &q), more ? -EINVAL : 0);
		s.len = 0;
		strbuf_puts(&s, "GET / HTTP/1.1\r\nHost:\r\n");
		for (int i = 1; i < HTTP_HEADERS_MAX + more; i++)
			strbuf_puts(&s, "a: b\r\n");
		strbuf_puts(&s, "\r\n");
		assert_int_equal(parse(strbuf_text(&s), &a, &q), more ? -EINVAL : 0);
	}
}

static void chunks(void **state)
{
	uint64_t size = 7;
	assert_int_equal(http_parse_chunk("1aF", &size), 0);
	assert_int_equal(size, 0x1af);
	assert_int_equal(http_parse_chunk("0;x=y", &size), 0);
	assert_int_equal(size, 0);
	assert_int_equal(http_parse_chunk("fffffffffffffff", &size), 0);
	assert_int_equal(http_parse_chunk("ffffffffffffffff", &size), -EINVAL);
	assert_int_equal(http_parse_chunk("", &size), -EINVAL);
	assert_int_equal(http_parse_chunk("-1", &size), -EINVAL);
	assert_int_equal(http_parse_chunk("1g", &size), -EINVAL);
}

static void found(void **state)
{
	static const struct {
		const char *method, *path, *route, *arg;
	} cases[] = {
		{"GET", "/containers/json", "/containers/json", NULL},
		{"GET", "/containers/aa/json", "/containers/{}/json", "aa"},
		{"DELETE", "/containers/aa", "/containers/{}", "aa"},
		{"GET", "/images/host:5000/a/b:c/json", "/images/{}/json", "host:5000/a/b:c"},
		{"GET", "/images/get", "/images/get", NULL},
		{"GET", "/images/json/get", "/images/{}/get", "json"},
		{"POST", "/containers/json", NULL, NULL},
		{"GET", "/plugins/a/b:c/json", "/plugins/{}", "a/b:c/json"},
		{"PATCH", "/services/aa/update", "/services/{}", "aa/update"},
		{"GET", "/containers//json", NULL, NULL},
		{"GET", "/", "/", NULL},
		{"GET", "//", NULL, NULL},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CLEANUP_ARENA struct arena a = {0};
		const char *arg = NULL;
		const struct route *route = route_find(cases[i].method, cases[i].path, &a, &arg);
		assert_int_equal(route != NULL, cases[i].route != NULL);
		if (route)
			assert_string_equal(route->path, cases[i].route);
		if (cases[i].arg)
			assert_string_equal(arg, cases[i].arg);
	}
}

/* Who is written to by a process that has 100 ms for it; what it ends with. */
static int written_to(bool reads)
{
	int ends[2], status = -1;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	pid_t pid = fork();
	if (pid == 0) {
		static struct http h = {.life = -1, .hurried = true, .body_ended = true};
		static char piece[64 * 1024];
		h.fd = ends[0];
		h.patience = h.patience_max = 100;
		close(ends[1]);
		alarm(20);
		http_begin(&h, 200, "text/plain", "");
		for (int i = 0; i < 100; i++)
			http_write(&h, piece, sizeof(piece));
		_exit(7);
	}
	close(ends[0]);
	char taken[4096];
	while (reads && read(ends[1], taken, sizeof(taken)) > 0)
		;
	waitpid(pid, &status, 0);
	close(ends[1]);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void slow_reader(void **state)
{
	assert_int_equal(written_to(false), HTTP_GONE);
	assert_int_equal(written_to(true), 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(request), cmocka_unit_test(refused), cmocka_unit_test(limits),
		cmocka_unit_test(chunks),  cmocka_unit_test(found),   cmocka_unit_test(slow_reader),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
