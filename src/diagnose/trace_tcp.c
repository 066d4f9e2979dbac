/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TCP connections: what linux/tcp_probe.h tells of the container's sockets, and the kernel's
 * tracepoint for the resets that come in, by the cookie of the socket. Who connects, listens or
 * closes is known, as that happens in its own context; all else may come in anybody's. Read
 * trace_watch.h first.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "diagnose/trace_watch.h"
#include "linux/ip_address.h"
#include "linux/tcp_probe.h"

enum { CONNECTIONS = 4096, LISTENERS = 64, PLACE_SIZE = IP_TEXT_SIZE + 10 };

/* By the low bits of the cookie. */
struct connection {
	uint64_t cookie;
	int64_t asked_ns, from_ns; /* it connects; it is connected, 0: not yet */
	pid_t pid;                 /* 0: not known */
	char comm[16];             /* a socket may outlive its process */
	unsigned again;            /* segments that were sent again */
	bool reset;                /* by the other end */
	const char *closer;
};

struct trace_tcps {
	struct tcp_probe probe;
	struct connection connections[CONNECTIONS];
	struct listener {
		uint32_t port;
		pid_t pid;
	} listeners[LISTENERS];
	size_t listener_count;
	bool knows_who; /* the kernel tells in whose context something happens */
};

/* "10.0.0.2:80", "[fd00::2]:80" */
static char *place(struct watch *w, uint32_t family, uint32_t v4, const uint32_t v6[4],
		   uint32_t port)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	struct ip ip = {.family = AF_INET};
	char text[IP_TEXT_SIZE];
	memcpy(ip.bytes, &v4, sizeof(v4));
	if (family == AF_INET6) {
		memcpy(ip.bytes, v6, sizeof(ip.bytes));
		ip.family = AF_INET6;
	}
	if (ip.family == AF_INET6 && !memcmp(ip.bytes, mapped, sizeof(mapped))) {
		memmove(ip.bytes, ip.bytes + sizeof(mapped), 4);
		ip.family = AF_INET;
	}
	return arena_printf(&w->line, ip.family == AF_INET6 ? "[%s]:%u" : "%s:%u",
			    ip_print(&ip, text), port);
}

static const char *span(struct watch *w, int64_t ns)
{
	const double ms = (double)ns / 1e6;
	return arena_printf(&w->line, ms < 1000 ? "%.1f ms" : "%.1f s", ms < 1000 ? ms : ms / 1000);
}

/* ---- one connection ---- */

struct happening {
	const struct trace_record *r;
	struct tcp_event e;
	struct connection *c;
	const char *local, *remote;
	pid_t doer; /* whose context it was, where that is one of the container's */
	struct kvs facts;
};

static void tell(struct watch *w, struct happening *h, const char *event, const char *text)
{
	struct connection *c = h->c;
	struct seen *s = c->pid ? watch_seen(w, c->pid) : NULL;
	if (s)
		memcpy(*s->comm ? c->comm : s->comm, *s->comm ? s->comm : c->comm, sizeof(c->comm));
	kvs_set(&w->line, &h->facts, "Event", event);
	kvs_set(&w->line, &h->facts, "Local", h->local);
	if (h->e.remote_port_be)
		kvs_set(&w->line, &h->facts, "Remote", h->remote);
	watch_tell(w, h->r, TRACE_TCP, c->pid, &h->facts, text);
}

static void add_ms(struct watch *w, struct happening *h, int64_t ns)
{
	kvs_set(&w->line, &h->facts, "Ms", arena_printf(&w->line, "%.3f", (double)ns / 1e6));
}

static void on_listen(struct watch *w, struct happening *h)
{
	struct trace_tcps *t = w->tcps;
	h->c->pid = h->doer;
	if (h->doer)
		t->listeners[t->listener_count++ % LISTENERS] =
			(struct listener){h->e.local_port, h->doer};
	tell(w, h, "listen", arena_printf(&w->line, "listens on %s", h->local));
}

static void on_ask(struct watch *w, struct happening *h)
{
	h->c->asked_ns = h->r->time_ns;
	h->c->pid = h->doer;
}

static void on_connected(struct watch *w, struct happening *h)
{
	const int64_t took = h->c->asked_ns ? h->r->time_ns - h->c->asked_ns : 0;
	h->c->from_ns = h->r->time_ns;
	h->c->again = 0;
	if (took)
		add_ms(w, h, took);
	tell(w, h, "connected",
	     arena_printf(&w->line, "is connected to %s from %s%s%s", h->remote, h->local,
			  took ? " after " : "", took ? span(w, took) : ""));
}

/* 0: not known, or several do. */
static pid_t who_listens(const struct trace_tcps *t, uint32_t port)
{
	pid_t pid = 0;
	if (t->listener_count > LISTENERS)
		return 0;
	for (size_t i = 0; i < t->listener_count; i++) {
		if (t->listeners[i].port != port)
			continue;
		if (pid && pid != t->listeners[i].pid)
			return 0;
		pid = t->listeners[i].pid;
	}
	return pid;
}

static void on_accepted(struct watch *w, struct happening *h)
{
	h->c->from_ns = h->r->time_ns;
	h->c->pid = who_listens(w->tcps, h->e.local_port);
	tell(w, h, "accepted",
	     arena_printf(&w->line, "%s has connected to %s", h->remote, h->local));
}

static void on_again(struct watch *w, struct happening *h)
{
	h->c->again++;
	if (h->c->from_ns || !h->c->asked_ns)
		tell(w, h, "retransmit",
		     arena_printf(&w->line,
				  "what was sent to %s from %s is not acknowledged: sent "
				  "again",
				  h->remote, h->local));
	else
		tell(w, h, "retransmit",
		     arena_printf(&w->line, "%s does not answer: asked again", h->remote));
}

/* The end of one that never was. */
static void on_failed(struct watch *w, struct happening *h)
{
	const char *after = "";
	if (h->c->asked_ns) {
		add_ms(w, h, h->r->time_ns - h->c->asked_ns);
		after = arena_printf(&w->line, " after %s",
				     span(w, h->r->time_ns - h->c->asked_ns));
	}
	if (h->c->reset)
		tell(w, h, "refused", arena_printf(&w->line, "%s refuses%s", h->remote, after));
	else
		tell(w, h, "failed",
		     arena_printf(&w->line,
				  "there is no connection to %s%s; it was asked %u time%s",
				  h->remote, after, h->c->again + 1, h->c->again ? "s" : ""));
}

static void on_end(struct watch *w, struct happening *h)
{
	const bool at_once = h->e.args[0] == BPF_TCP_ESTABLISHED;
	const char *after = "", *event = "closed", *how = h->c->closer ? h->c->closer : "";
	if (h->c->from_ns) {
		add_ms(w, h, h->r->time_ns - h->c->from_ns);
		after = arena_printf(&w->line, " after %s", span(w, h->r->time_ns - h->c->from_ns));
	}
	if (h->c->reset) {
		event = "reset";
		how = ", reset by the other end";
	} else if (at_once && !h->doer && h->c->again) {
		event = "timeout";
		how = arena_printf(&w->line, ", not acknowledged any more: sent again %u time%s",
				   h->c->again, h->c->again > 1 ? "s" : "");
	} else if (at_once && !h->doer && w->tcps->knows_who) {
		event = "dropped";
		how = ", given up by the kernel: no process closed it";
	} else if (at_once) {
		event = "aborted";
		how = ", broken off at this end";
	}
	tell(w, h, event,
	     arena_printf(&w->line, "the connection of %s with %s has ended%s%s", h->local,
			  h->remote, after, how));
}

static void on_state(struct watch *w, struct happening *h)
{
	const uint32_t from = h->e.args[0], to = h->e.args[1];
	const bool closes = (from == BPF_TCP_ESTABLISHED && to == BPF_TCP_FIN_WAIT1) ||
			    (from == BPF_TCP_CLOSE_WAIT && to == BPF_TCP_LAST_ACK);
	if (closes && !h->c->pid)
		h->c->pid = h->doer;
	if (from == BPF_TCP_ESTABLISHED && to == BPF_TCP_FIN_WAIT1)
		h->c->closer = ", closed by this end first";
	if (from == BPF_TCP_ESTABLISHED && to == BPF_TCP_CLOSE_WAIT)
		h->c->closer = ", closed by the other end first";
	if (to != BPF_TCP_CLOSE || from == BPF_TCP_LISTEN)
		return;
	if (from == BPF_TCP_SYN_SENT)
		on_failed(w, h);
	else if (h->c->from_ns)
		on_end(w, h);
	h->c->cookie = 0;
}

static void (*const on[])(struct watch *w, struct happening *h) = {
	[BPF_SOCK_OPS_TCP_CONNECT_CB] = on_ask,
	[BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB] = on_connected,
	[BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB] = on_accepted,
	[BPF_SOCK_OPS_RETRANS_CB] = on_again,
	[BPF_SOCK_OPS_STATE_CB] = on_state,
	[BPF_SOCK_OPS_TCP_LISTEN_CB] = on_listen,
};

/* ---- records ---- */

static void take_event(struct watch *w, const struct trace_record *r)
{
	struct happening h = {.r = r};
	if (r->size < sizeof(h.e))
		return;
	memcpy(&h.e, r->raw, sizeof(h.e));
	if (h.e.what >= ARRAY_LEN(on) || !on[h.e.what])
		return;
	h.c = &w->tcps->connections[h.e.cookie % CONNECTIONS];
	if (h.c->cookie != h.e.cookie)
		*h.c = (struct connection){.cookie = h.e.cookie};
	w->tcps->knows_who |= r->pid != 0;
	/* Its owner may have ended since. */
	const bool ours = r->pid && (r->pid == h.c->pid || watch_is_member(w, r->pid));
	h.doer = ours ? r->pid : 0;
	h.local = place(w, h.e.family, h.e.local4, h.e.local6, h.e.local_port);
	h.remote = place(w, h.e.family, h.e.remote4, h.e.remote6, ntohl(h.e.remote_port_be));
	on[h.e.what](w, &h);
}

static void take_reset(struct watch *w, const struct trace_record *r)
{
	const uint64_t cookie = (uint64_t)trace_number(r, "sock_cookie");
	struct connection *c = &w->tcps->connections[cookie % CONNECTIONS];
	if (cookie && c->cookie == cookie)
		c->reset = true;
}

int trace_tcp_begin(struct watch *w, struct err *e)
{
	static const struct trace_point event = {"tcp", false, take_event},
					resets = {"tcp:tcp_receive_reset", true, take_reset};
	struct trace_tcps *t = arena_array(w->a, 1, sizeof(*t));
	t->probe = (struct tcp_probe)TCP_PROBE_CLOSED;
	w->tcps = t;
	int r = watch_add(w, &resets, e);
	if (r == 0)
		r = tcp_probe_open(&t->probe, w->group, e);
	if (r == 0)
		r = trace_add_ring(&w->trace, t->probe.ring, TCP_PROBE_RING, (void *)&event, e);
	return r == -EINVAL ? -ENOENT : r;
}

uint64_t trace_tcp_end(struct watch *w)
{
	const uint64_t lost = w->tcps ? tcp_probe_lost(&w->tcps->probe) : 0;
	if (w->tcps)
		tcp_probe_close(&w->tcps->probe);
	return lost;
}
