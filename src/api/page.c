/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page (page.html, a part of the program) and the figures that it asks for every two seconds:
 * those of /metrics, the limits, and why the last containers ended. Nothing in them is secret: no
 * command, no environment, no log; names and errors are foreign text, which the page takes for
 * text.
 *
 * Each viewer has a process, as any client. What one collected is good for a second for all: it
 * lies in a memfd, under a lock of fcntl(2) that ends with its holder. Read page.h first.
 */
#include "api/page.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "api/handlers.h"
#include "api/listen.h"
#include "api/metrics.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/json.h"
#include "base/units.h"
#include "diagnose/why.h"
#include "engine/events.h"
#include "linux/ip_address.h"

enum { FRESH_MS = 1000, ENDS = 20, FIGURES_MAX = 64 << 20 };

extern const char page_html[]; /* page.S */

/* ---- the port ---- */

/* "127.0.0.1", "[::1]", "localhost". */
static bool is_here(const char *host, struct arena *a, struct ip *ret)
{
	size_t len = strlen(host);
	if (!strcmp(host, "localhost"))
		return ip_parse("127.0.0.1", ret);
	if (len > 2 && *host == '[' && host[len - 1] == ']')
		return ip_parse(arena_strndup(a, host + 1, len - 2), ret) &&
		       ret->family == AF_INET6 &&
		       !memcmp(ret->bytes, &in6addr_loopback, sizeof(in6addr_loopback));
	return ip_parse(host, ret) && ret->family == AF_INET && ret->bytes[0] == 127;
}

/* Without its port; one that has none ends in ']' or has no ':'. */
static const char *host_of(const char *text, struct arena *a)
{
	const char *colon = strrchr(text, ':');
	return colon && text[strlen(text) - 1] != ']'
		       ? arena_strndup(a, text, (size_t)(colon - text))
		       : text;
}

int page_listen(const char *where, struct arena *a, struct err *e)
{
	const char *host = host_of(where, a), *colon = where + strlen(host);
	uint64_t port;
	struct ip ip;
	if (!*colon || uint_parse(colon + 1, UINT16_MAX, &port) < 0 || !port)
		return err_set(e, EINVAL, ERR_USAGE, "invalid --page %s: ADDRESS:PORT is wanted",
			       where);
	if (!is_here(host, a, &ip)) {
		err_set(e, EINVAL, ERR_USAGE,
			"invalid --page %s: it has no password, so it is served to this machine "
			"alone: at 127.0.0.1, [::1] or localhost",
			where);
		return err_hint(
			e,
			"ssh -L %llu:127.0.0.1:%llu HOST brings it to the machine that you sit at",
			(unsigned long long)port, (unsigned long long)port);
	}
	int fd = tcp_listen(&ip, (uint16_t)port);
	return fd < 0 ? err_errno(e, fd, "--page: cannot listen at %s", where) : fd;
}

int page_share(struct err *e)
{
	int fd = memfd_create("hulld-page", MFD_CLOEXEC);
	return fd < 0 ? err_errno(e, errno, "--page: cannot make a memfd") : fd;
}

#define SAFE_HEADERS                                                                               \
	"Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nReferrer-Policy: "          \
	"no-referrer\r\nCross-Origin-Resource-Policy: same-origin\r\n"

int page_admit(struct call *c, struct err *e)
{
	const char *host = http_header(c->q, "host");
	struct ip ignored;
	c->http->headers = SAFE_HEADERS;
	if (host && is_here(host_of(host, c->a), c->a, &ignored))
		return 0;
	return err_set(e, EACCES, ERR_DENIED,
		       "this page is served to this machine alone, as localhost, 127.0.0.1 or "
		       "[::1], not as %s",
		       host ? host : "a host without a name");
}

/* ---- the page ---- */

/* Nothing runs in it but what has this answer's number, and nothing is loaded from elsewhere. */
int page_show(struct call *c, struct err *e)
{
	static const char place[] = "NONCE";
	CLEANUP_STRBUF struct strbuf text = STRBUF_MAX(FIGURES_MAX);
	char nonce[ID_LEN + 1];
	const char *at = page_html;
	id_new(nonce);
	for (const char *next; (next = strstr(at, place)); at = next + strlen(place)) {
		strbuf_add(&text, at, (size_t)(next - at));
		strbuf_puts(&text, nonce);
	}
	strbuf_puts(&text, at);
	c->http->headers = arena_printf(
		c->a,
		SAFE_HEADERS "Content-Security-Policy: default-src 'none'; script-src 'nonce-%s'; "
			     "style-src 'nonce-%s'; img-src data:; connect-src 'self'; base-uri "
			     "'none'; form-action 'none'; frame-ancestors 'none'\r\n",
		nonce, nonce);
	http_answer(c->http, 200, "text/html; charset=utf-8", text.buf, text.len);
	return 0;
}

/* ---- its figures ---- */

static struct json_object *machine_object(void)
{
	struct json_object *o = json_object_new_object(), *list = json_object_new_array();
	struct sysinfo info = {0};
	struct utsname u;
	double load[3] = {0};
	uname(&u);
	sysinfo(&info);
	getloadavg(load, 3);
	json_add_string(o, "name", u.nodename);
	json_add_int(o, "cpus", get_nprocs());
	json_add_int(o, "memory_bytes", (int64_t)(info.totalram * info.mem_unit));
	for (size_t i = 0; i < ARRAY_LEN(load); i++)
		json_object_array_add(list, json_object_new_double(load[i]));
	json_object_object_add(o, "load", list);
	return o;
}

/* @s: NULL for one that is not up. */
static struct json_object *container_object(const struct container *c, const struct sample *s)
{
	struct json_object *o = json_object_new_object();
	double cpus = container_cpu_limit(c);
	json_add_string(o, "id", c->id);
	json_add_string(o, "name", c->name);
	json_add_string(o, "image", c->image_name);
	json_add_string(o, "state", container_status_name(c->status));
	json_add_string(o, "health", c->health);
	json_add_string(o, "error", c->error);
	json_add_int(o, "restarts", c->restarts);
	json_add_int(o, "started_ms", c->started / 1000000);
	if (!s)
		return o;
	json_add_int(o, "at_ms", s->stats.at_ms);
	json_object_object_add(o, "cpu_limit", json_object_new_double(cpus));
	metrics_add(o, &s->stats);
	return o;
}

/* What this process knows of ends, by "ID TIME": to find out why costs more than all the rest. */
struct ends {
	struct call *c;
	struct json_object *known, *next, *list;
};

static struct json_object *end_object(struct ends *ends, const char *id, int64_t at,
				      struct json_object *attributes)
{
	struct json_object *o = json_object_new_object(), *from;
	struct story why;
	struct err ignored;
	static const struct kv texts[] = {
		{"name", "name"}, {"image", "image"}, {"code", "exitCode"}};
	json_add_string(o, "id", id);
	json_add_int(o, "time_ms", at / 1000000);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (json_object_object_get_ex(attributes, texts[i].value, &from))
			json_object_object_add(o, texts[i].key, json_object_get(from));
	if (diagnose_end(ends->c->en, id, at, ends->c->a, &why, &ignored) == 0) {
		json_add_string(o, "why", why.verdict);
		json_add_bool(o, "asked", why.asked);
		json_object_object_add(o, "advice", json_of_strv(&why.advice));
	}
	return o;
}

static int take_end(struct json_object *event, void *ctx, struct err *e)
{
	struct ends *ends = ctx;
	struct json_object *actor, *id, *time, *attributes, *o;
	if (!json_object_object_get_ex(event, "Actor", &actor) ||
	    !json_object_object_get_ex(actor, "ID", &id) ||
	    !json_object_object_get_ex(actor, "Attributes", &attributes) ||
	    !json_object_object_get_ex(event, "timeNano", &time))
		return 0;
	const char *whose = json_object_get_string(id);
	int64_t at = json_object_get_int64(time);
	char *key = arena_printf(ends->c->a, "%s %lld", whose, (long long)at);
	o = json_object_object_get_ex(ends->known, key, &o)
		    ? json_object_get(o)
		    : end_object(ends, whose, at, attributes);
	json_object_object_add(ends->next, key, o);
	json_object_array_add(ends->list, json_object_get(o));
	return 0;
}

static int ends_list(struct call *c, struct json_object **ret, struct err *e)
{
	static struct json_object *known;
	struct ends ends = {c, known, json_object_new_object(), json_object_new_array()};
	int r = engine_last_ends(c->en, ENDS, take_end, &ends, e);
	json_object_put(known);
	known = ends.next;
	*ret = ends.list;
	return r;
}

static int collect(struct call *c, struct json_object *o, struct err *e)
{
	struct json_object *list = json_object_new_array(), *ends;
	struct metrics m;
	size_t up = 0;
	int r = metrics_collect(c->en, c->a, &m, e);
	for (size_t i = 0; r == 0 && i < m.count; i++) {
		bool is_up = up < m.up && m.samples[up].c == &m.list[i];
		json_object_array_add(list,
				      container_object(&m.list[i], is_up ? &m.samples[up] : NULL));
		up += is_up;
	}
	json_add_int(o, "time_ms", clock_real_ns() / 1000000);
	json_object_object_add(o, "machine", machine_object());
	json_object_object_add(o, "containers", list);
	if (r < 0)
		return r;
	r = ends_list(c, &ends, e);
	json_object_object_add(o, "ends", ends);
	return r;
}

/* ---- what the viewers share ---- */

struct shared_head {
	int64_t at_ms; /* 0: none, or not whole */
	uint64_t len;
};

/* The text behind the head, if it is new enough; NULL. */
static char *shared_get(int fd, struct arena *a, size_t *ret_len)
{
	struct shared_head head = {0};
	int64_t now = clock_ms();
	if (pread(fd, &head, sizeof(head), 0) != sizeof(head) || !head.at_ms ||
	    now - head.at_ms >= FRESH_MS)
		return NULL;
	char *text = arena_array(a, head.len + 1, 1);
	*ret_len = head.len;
	return pread(fd, text, head.len, sizeof(head)) == (ssize_t)head.len ? text : NULL;
}

/* Whoever is killed here leaves a head without a time. */
static void shared_put(int fd, const char *text, size_t len)
{
	const struct shared_head none = {0}, head = {clock_ms(), len};
	if (pwrite(fd, &none, sizeof(none), 0) == sizeof(none) &&
	    pwrite(fd, text, len, sizeof(none)) == (ssize_t)len)
		(void)!pwrite(fd, &head, sizeof(head), 0);
}

int page_figures(struct call *c, struct err *e)
{
	CLEANUP_JSON struct json_object *o = json_object_new_object();
	struct flock lock = {.l_type = F_WRLCK};
	size_t len = 0;
	int r = 0;
	if (TEMP_FAILURE_RETRY(fcntl(c->http->shared, F_SETLKW, &lock)) < 0)
		return err_errno(e, errno, "cannot lock what viewers share");
	const char *text = shared_get(c->http->shared, c->a, &len);
	if (!text && (r = collect(c, o, e)) == 0) {
		text = json_object_to_json_string_length(o, JSON_C_TO_STRING_PLAIN, &len);
		shared_put(c->http->shared, text, len);
	}
	lock.l_type = F_UNLCK;
	fcntl(c->http->shared, F_SETLK, &lock);
	if (r == 0)
		http_answer(c->http, 200, "application/json", text, len);
	return r;
}
