/* SPDX-License-Identifier: Apache-2.0 */
/* Why a probe died: what the kernel says about the place where it was seen last. And how the
 * container finds an address for a name. Read path.h first. */
#include "engine/path.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/icmp.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "engine/internal.h"
#include "linux/namespaces.h"
#include "network/name_query.h"
#include "network/network.h"

enum { NAME_WAIT_MS = 2000, FILE_MAX = 64 << 10, NAME_PORT = 53 };

/* ---- reasons ---- */

static void because(struct path *p, const char *reason, const char *command)
{
	p->reason = reason;
	p->command = command;
}

static const char *ip_of(const struct ip *ip, struct arena *a)
{
	char text[IP_TEXT_SIZE];
	return arena_strdup(a, ip_print(ip, text));
}

/* It did not leave the container, or there is no way that it could. */
static void not_sent(const struct path_look *l, struct path *p)
{
	const char *enter =
		arena_printf(l->a, "nsenter -n -t %d ip route get %s", (int)l->c.pid, p->address);
	switch (-l->send_error) {
	case ENETUNREACH:
		because(p,
			arena_printf(l->a, "the container has no route to %s%s", p->address,
				     l->net.count ? "" : ": it is on no network"),
			enter);
		break;
	case EPERM:
		because(p, "the container's own packet filter does not let it go",
			arena_printf(l->a, "nsenter -n -t %d nft list ruleset", (int)l->c.pid));
		break;
	case EMSGSIZE:
		because(p,
			arena_printf(l->a,
				     "the packet of %u bytes is larger than the MTU of its "
				     "device",
				     p->probe.size),
			arena_printf(l->a, "nsenter -n -t %d ip link", (int)l->c.pid));
		break;
	default:
		because(p,
			arena_printf(l->a, "the container cannot send to %s: %s", p->address,
				     err_errno_text(-l->send_error)),
			enter);
	}
}

static const char *unreachable(uint8_t code)
{
	static const char *const codes[] = {
		[ICMP_NET_UNREACH] = "it knows no way there",
		[ICMP_HOST_UNREACH] = "nobody there answers to that address",
		[ICMP_PROT_UNREACH] = "that protocol is not spoken there",
		[ICMP_PORT_UNREACH] = "nobody listens there, or a firewall says so",
		[ICMP_NET_ANO] = "it is forbidden (network)",
		[ICMP_HOST_ANO] = "it is forbidden (host)",
		[ICMP_PKT_FILTERED] = "it is forbidden (filtered)",
	};
	return code < ARRAY_LEN(codes) && codes[code] ? codes[code] : "destination unreachable";
}

static void told_by_icmp(const struct path_look *l, struct path *p)
{
	const struct sighting *x = &l->error;
	const char *who = ip_of(&x->from, l->a);
	if (x->type == ICMP_DEST_UNREACH && x->code == ICMP_FRAG_NEEDED)
		because(p,
			arena_printf(l->a, "%s says: larger than the MTU of its next link, %u", who,
				     x->mtu),
			NULL);
	else if (x->type == ICMP_DEST_UNREACH)
		because(p, arena_printf(l->a, "%s says: %s", who, unreachable(x->code)), NULL);
	else
		because(p,
			arena_printf(l->a, "%s says: %s (ICMP type %u code %u)", who,
				     x->type == ICMP_TIME_EXCEEDED ? "it goes in a circle"
								   : "it failed",
				     x->type, x->code),
			NULL);
}

static void dropped(const struct path_look *l, struct path *p)
{
	const char *what = l->failed ? "rejected" : "dropped";
	if (l->handle)
		because(p,
			arena_printf(l->a, "%s by chain %s of table %s %s, rule handle %llu", what,
				     l->chain, l->family, l->table, (unsigned long long)l->handle),
			arena_printf(l->a, "nft -a list chain %s %s %s", l->family, l->table,
				     l->chain));
	else
		because(p,
			arena_printf(l->a, "dropped by the policy of chain %s of table %s %s",
				     l->chain, l->family, l->table),
			arena_printf(l->a, "nft list chain %s %s %s", l->family, l->table,
				     l->chain));
}

/* In the first step: nobody said what hardware address the next one has. */
static void not_resolved(const struct path_look *l, struct path *p, const struct ip *next,
			 const char *device, const char *where)
{
	because(p,
		arena_printf(l->a, "nobody answers to %s on %s (%s)", ip_of(next, l->a), device,
			     next->family == AF_INET6 ? "neighbour discovery" : "ARP"),
		arena_printf(l->a, "%s neighbour show %s", where, ip_of(next, l->a)));
}

static bool is_bridge(const struct path_look *l, const struct path_hop *h)
{
	return !h->inside && h->index == l->bridge && l->outer;
}

/* It was on the bridge, and did not come out of the host. */
static void not_forwarded(struct path_look *l, struct path *p)
{
	struct ip_route r;
	const struct ip from = p->probe.from;
	if (host_forwards(from.family) == 0) {
		because(p,
			arena_printf(l->a, "this host does not forward packets (%s is 0)",
				     from.family == AF_INET6 ? "net.ipv6.conf.all.forwarding"
							     : "net.ipv4.ip_forward"),
			"hull network reload");
		return;
	}
	int number = ip_route_find(&l->k.links, &p->probe.to, &from, l->bridge, &r);
	if (number == -EXDEV)
		because(p, "the host does not take that source address on its bridge (rp_filter)",
			"sysctl net.ipv4.conf.all.rp_filter");
	else if (number < 0)
		because(p,
			arena_printf(l->a, "the host has no route to %s: %s", p->address,
				     err_errno_text(-number)),
			arena_printf(l->a, "ip route get %s", p->address));
	else if (r.gateway.family || r.type == RTN_UNICAST)
		not_resolved(l, p, r.gateway.family ? &r.gateway : &p->probe.to, p->died, "ip");
	else
		because(p, "the host does not say why; iptables of the old kind are not traced",
			"iptables-legacy -L -v");
}

static void lost_on_the_way_back(const struct path_look *l, struct path *p,
				 const struct path_hop *at)
{
	char path[96], all[8] = "", own[8] = "";
	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/%s/rp_filter", at->name);
	file_read_small(AT_FDCWD, path, own, sizeof(own));
	file_read_small(AT_FDCWD, "/proc/sys/net/ipv4/conf/all/rp_filter", all, sizeof(all));
	bool strict = p->probe.to.family == AF_INET && (*all == '1' || *own == '1');
	because(p,
		arena_printf(l->a, "the answer came to %s and was not passed on%s", at->name,
			     strict ? "; rp_filter is 1 there: if the route back leads out of "
				      "another device, that is why"
				    : ""),
		arena_printf(l->a, "ip route get %s", p->address));
}

static void explain_hop(struct path_look *l, struct path *p, size_t i)
{
	const struct path_hop *dead = &p->hops[i], *last = i ? dead - 1 : NULL;
	struct link_info link;
	p->died = dead->name;
	if (l->dropped && l->dropped_back == dead->back)
		dropped(l, p);
	else if (i == 0)
		not_resolved(l, p, l->route.gateway.family ? &l->route.gateway : &p->probe.to,
			     dead->name, arena_printf(l->a, "nsenter -n -t %d ip", (int)l->c.pid));
	else if (dead->back && !last->back)
		because(p, arena_printf(l->a, "no answer from %s", p->address),
			"what listens there, and its firewall");
	else if (dead->back)
		lost_on_the_way_back(l, p, last);
	else if (is_bridge(l, dead) && link_find(&l->k.links, last->name, &link) == 0 &&
		 link.master != l->bridge)
		because(p,
			arena_printf(l->a, "%s is no port of the bridge %s", last->name,
				     dead->name),
			arena_printf(l->a, "ip link set %s master %s", last->name, dead->name));
	else if (is_bridge(l, last))
		not_forwarded(l, p);
	else
		because(p,
			arena_printf(l->a,
				     "%s did not get what %s sent: it is down, or a filter "
				     "of the bridge family or netdev took it",
				     dead->name, last->name),
			arena_printf(l->a, "ip link show %s", dead->name));
}

void path_explain(const struct path_look *look, struct path *p)
{
	struct path_look *l = (struct path_look *)look;
	p->reached = p->answer && !l->reset;
	if (l->send_error) {
		p->died = p->count ? p->hops[0].name : "route";
		not_sent(l, p);
		return;
	}
	if (p->answer) {
		if (l->reset) {
			p->died = p->address;
			because(p,
				arena_printf(l->a, "%s refuses: nobody listens on port %u",
					     p->address, p->probe.port),
				NULL);
		}
		return;
	}
	size_t i = 0;
	while (i < p->count && p->hops[i].packets)
		i++;
	/* A rule of this host that rejects is more than what it has the kernel say. */
	const bool ours = l->dropped && i < p->count && l->dropped_back == p->hops[i].back;
	if (l->failed && !ours) {
		p->died = ip_of(&l->error.from, l->a);
		told_by_icmp(l, p);
		return;
	}
	if (i < p->count) {
		explain_hop(l, p, i);
		return;
	}
	p->died = p->hops[p->count - 1].name;
	because(p, "the answer was seen, and is none", NULL);
}

/* ---- names ---- */

/* A file of the container's that hull has written: lines of words. */
static char *own_file(const struct path_look *l, const char *name)
{
	char *text = arena_array(l->a, FILE_MAX, 1);
	const char *path =
		arena_printf(l->a, "%s/%s", container_dir_path(l->en, l->c.id, l->a), name);
	return file_read_small(AT_FDCWD, path, text, FILE_MAX) < 0 ? "" : text;
}

static bool in_hosts(const struct path_look *l, const char *name, struct ip *ret)
{
	char *lines = NULL, *words = NULL;
	for (char *line = strtok_r(own_file(l, "hosts"), "\n", &lines); line;
	     line = strtok_r(NULL, "\n", &lines)) {
		char *address = strtok_r(line, " \t", &words);
		for (char *word; address && (word = strtok_r(NULL, " \t", &words));)
			if (!strcasecmp(word, name) && ip_parse(address, ret) &&
			    ret->family == AF_INET)
				return true;
	}
	return false;
}

static bool first_server(const struct path_look *l, struct ip *ret)
{
	static const char key[] = "nameserver ";
	char *lines = NULL;
	for (char *line = strtok_r(own_file(l, "resolv.conf"), "\n", &lines); line;
	     line = strtok_r(NULL, "\n", &lines))
		if (!strncmp(line, key, strlen(key)) && ip_parse(line + strlen(key), ret) &&
		    ret->family == AF_INET)
			return true;
	return false;
}

static ssize_t ask(const struct path_look *l, const struct ip *server, const uint8_t *question,
		   size_t len, uint8_t answer[static NAME_MESSAGE_MAX])
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(NAME_PORT)};
	memcpy(&to.sin_addr, server->bytes, 4);
	CLEANUP_FD int fd = namespace_socket(l->pidfd, AF_INET, SOCK_DGRAM, 0);
	struct pollfd p = {.fd = fd, .events = POLLIN};
	if (fd < 0 || connect(fd, (void *)&to, sizeof(to)) < 0 || send(fd, question, len, 0) < 0)
		return -errno;
	if (poll(&p, 1, NAME_WAIT_MS) <= 0)
		return -ETIMEDOUT;
	ssize_t n = recv(fd, answer, NAME_MESSAGE_MAX, 0);
	return n < 0 ? -errno : n < 12 || memcmp(answer, question, 2) ? -EBADMSG : n;
}

bool path_resolve(const struct path_look *l, const char *name, struct ip *ret, struct path *p)
{
	uint8_t question[NAME_MESSAGE_MAX], answer[NAME_MESSAGE_MAX];
	uint16_t id = 0;
	struct ip server;
	if (getrandom(&id, sizeof(id), 0) != sizeof(id))
		id = (uint16_t)clock_ms();
	size_t len = name_question(name, id, question);
	if (in_hosts(l, name, ret))
		return true;
	if (!len || !first_server(l, &server)) {
		because(p,
			len ? "the container's resolv.conf names no server of IPv4"
			    : arena_printf(l->a, "\"%s\" is neither an address nor a name", name),
			NULL);
		return false;
	}
	const char *who = ip_of(&server, l->a);
	ssize_t n = ask(l, &server, question, len, answer);
	const char *command = arena_printf(l->a, "hull network path %s %s:53", p->container, who);
	if (n < 0)
		because(p,
			arena_printf(l->a, "the name server %s does not answer: %s", who,
				     err_errno_text((int)-n)),
			command);
	else if (answer[3] & 0xf || !name_answer(answer, (size_t)n, len, ret))
		because(p,
			arena_printf(l->a, "the name server %s knows no address of %s", who, name),
			NULL);
	else
		return true;
	return false;
}
