/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The network of a container, as the kernel counts it in its namespace: devices, sockets that
 * listen, and what was lost. Rests on /proc/PID/net/{dev,tcp,tcp6,udp,udp6,snmp,netstat}; see
 * proc_pid_net(5). Where a packet dies on its way is told by `hull network path`.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/units.h"
#include "diagnose/usage.h"
#include "engine/network.h"
#include "engine/user_network.h"
#include "linux/pidfd.h"
#include "linux/rps.h"
#include "linux/softnet.h"

enum { COUNTERS_MAX = 64 << 10, MANY_SEGMENTS = 1000, RESENT_PERCENT = 2, PORTS = 65536 };
/* When one of several processors has nearly all packets. */
enum { MANY_PACKETS = 100000, ONE_PERCENT = 90, MASK_TEXT_MAX = 1024 };
/* How a port can be reached. */
enum { LOCAL = 1, OUTSIDE = 2 };
/* States of the tables: of UDP "unconnected". */
enum { STATE_TCP_LISTEN = 0x0a, STATE_UDP_OPEN = 0x07 };

static const struct table {
	const char *file;
	uint8_t protocol;
	unsigned state;
} tables[] = {{"tcp", IPPROTO_TCP, STATE_TCP_LISTEN},
	      {"tcp6", IPPROTO_TCP, STATE_TCP_LISTEN},
	      {"udp", IPPROTO_UDP, STATE_UDP_OPEN},
	      {"udp6", IPPROTO_UDP, STATE_UDP_OPEN}};

struct look {
	const struct container *c;
	struct story *s;
	uint8_t *tcp, *udp; /* by port */
	char *counters;     /* snmp and netstat */
};

/* What is lost, in the order in which it is told; the first one is the verdict. */
static const struct loss {
	const char *group, *name, *text, *advice;
} losses[] = {
	{"TcpExt", "ListenOverflows",
	 "connections were not taken: the queue of a listening socket was full",
	 "the program takes connections too slowly, or its listen(2) has too short a queue "
	 "(net.core.somaxconn bounds it)"},
	{"Udp", "RcvbufErrors", "UDP packets were dropped: a receive buffer was full",
	 "the program reads too slowly, or needs a larger SO_RCVBUF (net.core.rmem_max bounds it)"},
	{"Ip", "OutNoRoutes", "packets had no route", NULL},
};

static void read_tables(struct look *x)
{
	char path[48], address[33];
	unsigned port, state;
	for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
		const struct table *t = &tables[i];
		snprintf(path, sizeof(path), "/proc/%d/net/%s", x->c->pid, t->file);
		CLEANUP_FILE FILE *f = fopen(path, "re");
		char line[512];
		while (f && fgets(line, sizeof(line), f)) {
			if (sscanf(line, " %*u: %32[0-9A-F]:%4x %*[0-9A-F]:%*x %2x", address, &port,
				   &state) != 3 ||
			    state != t->state || port >= PORTS)
				continue;
			/* 127.x: its first byte stands last; ::1; and 127.x in the clothes of IPv6.
			 */
			size_t len = strlen(address);
			bool local =
				((len == 8 || !strncmp(address, "0000000000000000FFFF0000", 24)) &&
				 !strcmp(address + len - 2, "7F")) ||
				!strcmp(address, "00000000000000000000000001000000");
			(t->protocol == IPPROTO_TCP ? x->tcp : x->udp)[port] |=
				local ? LOCAL : OUTSIDE;
		}
	}
}

/* "Tcp: NAME NAME ..." and below it "Tcp: 1 2 ..."; 0 where there is none. */
static int64_t counter(const char *text, const char *group, const char *name)
{
	size_t len = strlen(group);
	const char *names = text;
	while (names && !(!strncmp(names, group, len) && names[len] == ':'))
		names = (names = strchr(names, '\n')) ? names + 1 : NULL;
	const char *values = names ? strchr(names, '\n') : NULL;
	if (!values)
		return 0;
	values++;
	while (*names && *names != '\n' && *values) {
		size_t n = strcspn(names, " \n");
		if (n == strlen(name) && !strncmp(names, name, n))
			return strtoll(values, NULL, 10);
		names += n + (names[n] == ' ');
		values += strcspn(values, " \n");
		values += *values == ' ';
	}
	return 0;
}

static int read_counters(struct look *x, struct err *e)
{
	char path[48], *snmp, *netstat;
	snprintf(path, sizeof(path), "/proc/%d/net/snmp", x->c->pid);
	int r = file_read(AT_FDCWD, path, COUNTERS_MAX, x->s->a, &snmp, NULL, e);
	snprintf(path, sizeof(path), "/proc/%d/net/netstat", x->c->pid);
	if (r == 0)
		r = file_read(AT_FDCWD, path, COUNTERS_MAX, x->s->a, &netstat, NULL, e);
	if (r == 0)
		x->counters = arena_printf(x->s->a, "%s\n%s", snmp, netstat);
	return r;
}

/* How many there are but lo. */
static size_t tell_devices(struct look *x)
{
	char path[48], line[512], name[64];
	unsigned long long v[6];
	size_t n = 0;
	snprintf(path, sizeof(path), "/proc/%d/net/dev", x->c->pid);
	CLEANUP_FILE FILE *f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, " %63[^: ]: %llu %*u %llu %llu %*u %*u %*u %*u %llu %*u %llu %llu",
			   name, &v[0], &v[1], &v[2], &v[3], &v[4], &v[5]) != 7 ||
		    !strcmp(name, "lo"))
			continue;
		story_evidence(
			x->s, name,
			"in %s, %llu dropped, %llu errors; out %s, %llu dropped, %llu errors",
			size_text(x->s->a, (int64_t)v[0]), v[2], v[1],
			size_text(x->s->a, (int64_t)v[3]), v[5], v[4]);
		n++;
	}
	return n;
}

static void listed(struct look *x, const uint8_t *ports, const char *protocol)
{
	enum { SHOWN = 32 };
	char *text = "";
	size_t n = 0;
	for (unsigned p = 0; p < PORTS; p++)
		if (ports[p] && n++ < SHOWN)
			text = arena_printf(x->s->a, "%s%s%u%s", text, *text ? ", " : "", p,
					    ports[p] & OUTSIDE ? "" : " (only on its lo)");
	if (n)
		story_evidence(x->s, protocol, "%s%s", text, n > SHOWN ? ", and others" : "");
}

static void judge_port(struct look *x, const struct port_request *p)
{
	struct story *s = x->s;
	bool tcp = p->protocol == IPPROTO_TCP;
	unsigned how = tcp ? x->tcp[p->port] : x->udp[p->port];
	const char *protocol = tcp ? "tcp" : "udp";
	if (how & OUTSIDE || (!tcp && p->protocol != IPPROTO_UDP))
		return;
	if (!s->verdict)
		s->verdict =
			arena_printf(s->a, "port %u/%s is published, but %s", p->port, protocol,
				     how ? "what listens there does so on its lo alone, where "
					   "nothing from outside comes"
					 : "nobody in it listens there");
	if (how)
		story_advise(s,
			     "have the program listen on 0.0.0.0 or ::, port %u, not on localhost",
			     p->port);
	else
		story_advise(s,
			     "see which port the program listens on, and whether it runs yet: -p "
			     "HOST:%u names another",
			     p->port);
}

static int judge_ports(struct look *x, struct err *e)
{
	struct port_request *list;
	size_t count;
	if (!network_mode_is_network(x->c->config.host.network_mode))
		return 0;
	int r = ports_read(&x->c->config, x->s->a, &list, &count, e);
	for (size_t i = 0; r == 0 && i < count; i++)
		judge_port(x, &list[i]);
	return r;
}

static void judge_losses(struct look *x)
{
	struct story *s = x->s;
	for (size_t i = 0; i < ARRAY_LEN(losses); i++) {
		const struct loss *l = &losses[i];
		long long n = (long long)counter(x->counters, l->group, l->name);
		if (n <= 0)
			continue;
		story_evidence(s, l->name, "%lld %s", n, l->text);
		if (!s->verdict && l->advice)
			s->verdict = arena_printf(s->a, "%lld %s", n, l->text);
		if (l->advice)
			story_advise(s, "%s", l->advice);
	}
}

static void judge_tcp(struct look *x)
{
	struct story *s = x->s;
	const char *text = x->counters;
	int64_t sent = counter(text, "Tcp", "OutSegs"), again = counter(text, "Tcp", "RetransSegs");
	double percent = sent > 0 ? (double)again * 100 / (double)sent : 0;
	story_evidence(s, "TCP",
		       "%lld connections, %lld of %lld segments sent again (%.1f %%), reordering "
		       "seen %lld times",
		       (long long)counter(text, "Tcp", "CurrEstab"), (long long)again,
		       (long long)sent, percent,
		       (long long)counter(text, "TcpExt", "TCPSACKReorder"));
	if (sent < MANY_SEGMENTS || percent < RESENT_PERCENT)
		return;
	if (!s->verdict)
		s->verdict = arena_printf(s->a,
					  "%.1f %% of what it sends by TCP is lost on the way, or "
					  "not answered in time",
					  percent);
	story_advise(s, "hull network path %s ADDRESS tells where packets die", x->c->name);
}

/* A veth has one queue: whoever hands a packet over handles it, unless it is steered to others. */
static void judge_processors(struct engine *en, struct look *x)
{
	struct container_net net;
	struct softnet n;
	struct err ignored;
	bool steered = false;
	CLEANUP_FD int pidfd = pidfd_of_started(x->c->pid, x->c->pid_start);
	int r = pidfd < 0 ? pidfd : endpoints_read(en, x->c, x->s->a, &net, &ignored);
	for (size_t i = 0; r == 0 && i < net.count; i++) {
		char device[IFNAMSIZ], mask[MASK_TEXT_MAX];
		snprintf(device, sizeof(device), "eth%lld", (long long)net.endpoints[i].position);
		if (rps_read(pidfd, device, mask, sizeof(mask), &ignored) < 0)
			continue;
		bool on = strcmp(mask, "0") != 0;
		steered |= on;
		story_evidence(x->s, "RPS", "%s: %s%s", device,
			       on ? "flows are steered to the processors " : "off", on ? mask : "");
	}
	if (r < 0 || softnet_read(&n) < 0 || n.processors < 2 || !n.packets)
		return;
	unsigned percent = (unsigned)(n.most * 100 / n.packets);
	story_evidence(x->s, "processors",
		       "processor %u handled %u %% of the packets that came in on this machine "
		       "since it booted (%u processors)",
		       n.busiest, percent, n.processors);
	if (percent >= ONE_PERCENT && n.packets >= MANY_PACKETS && !steered)
		story_advise(x->s,
			     "one processor handles nearly all packets: a network made with -o "
			     "rps=auto has each flow handled by one of all");
}

int diagnose_network(struct engine *en, const struct container *c, struct story *s, struct err *e)
{
	struct look x = {.c = c, .s = s};
	x.tcp = arena_alloc(s->a, PORTS);
	x.udp = arena_alloc(s->a, PORTS);
	memset(x.tcp, 0, PORTS);
	memset(x.udp, 0, PORTS);
	const char *mode = c->config.host.network_mode;
	int r = read_counters(&x, e);
	if (r == 0)
		read_tables(&x);
	if (r == 0)
		r = judge_ports(&x, e);
	if (r < 0)
		return r;
	size_t devices = tell_devices(&x);
	listed(&x, x.tcp, "listens, TCP");
	listed(&x, x.udp, "listens, UDP");
	if (mode && !strcmp(mode, "host")) {
		s->verdict = "it has the machine's network: ports and figures are the machine's";
		return 0;
	}
	if (mode && user_network_is_mode(mode) && !user_network_lives(en, c->id)) {
		s->verdict =
			arena_printf(s->a,
				     "nothing reaches it or leaves it: its %s, which carries its "
				     "connections, has ended",
				     mode);
		story_advise(s, "hull network reload starts it again");
	}
	judge_tcp(&x);
	judge_losses(&x);
	if (mode && network_mode_is_network(mode))
		judge_processors(en, &x);
	if (!s->verdict)
		s->verdict = devices ? "nothing was lost that its kernel counts"
				     : "it has no network but its own lo";
	return 0;
}
