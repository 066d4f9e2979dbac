/* SPDX-License-Identifier: Apache-2.0 */
/* "The host" is the namespace that this process enters; containers and the world outside are two
 * others, of which only descriptors are known: sockets made there stay there. See unshare(2). */
#include "network/bench.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "linux/namespaces.h"
#include "network/firewall.h"
#include "network/network.h"

enum { BLOCK = 128 << 10, SAMPLES_MAX = 100000, SERVER_PORT = 80, HOST_PORT = 8080 };
enum { ECHO = 'e', STREAM = 's' };

struct world {
	struct netlink links, nft;
	int host, container, other; /* their namespaces */
};

static int64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* ---- the two ends ---- */

static struct sockaddr_in at(const char *address, uint16_t port)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct ip ip;
	if (ip_parse(address, &ip))
		memcpy(&in.sin_addr, ip.bytes, 4);
	return in;
}

/* One client after the other, each of which says with its first byte what it wants. */
static void serve(int listener)
{
	static char block[BLOCK];
	for (;;) {
		CLEANUP_FD int fd = accept(listener, NULL, NULL);
		const int one = 1;
		char kind = 0;
		setsockopt(fd, SOL_TCP, TCP_NODELAY, &one, sizeof(one));
		if (recv(fd, &kind, 1, 0) != 1)
			continue;
		ssize_t n;
		while ((n = recv(fd, block, sizeof(block), 0)) > 0)
			if (kind == ECHO && send(fd, block, (size_t)n, MSG_NOSIGNAL) < 0)
				break;
		send(fd, &kind, 1, MSG_NOSIGNAL);
	}
}

static int start_server(int netns, pid_t *ret)
{
	const struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(SERVER_PORT)};
	CLEANUP_FD int fd = namespace_socket(netns, AF_INET, SOCK_STREAM, 0);
	if (fd < 0 || bind(fd, (const void *)&any, sizeof(any)) < 0 || listen(fd, 4) < 0)
		return fd < 0 ? fd : -errno;
	pid_t parent = getpid();
	*ret = fork();
	if (*ret < 0)
		return -errno;
	if (*ret == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() == parent)
			serve(fd);
		_exit(0);
	}
	return 0;
}

static int reach(int netns, const char *address, uint16_t port, char kind)
{
	const struct sockaddr_in to = at(address, port);
	const struct timeval patience = {.tv_sec = 5};
	const int one = 1;
	CLEANUP_FD int fd = namespace_socket(netns, AF_INET, SOCK_STREAM, 0);
	if (fd < 0)
		return fd;
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(fd, (const void *)&to, sizeof(to)) < 0 || send(fd, &kind, 1, MSG_NOSIGNAL) != 1)
		return -errno;
	return fd_steal(&fd);
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return x < y ? -1 : x > y;
}

static int round_trips(int fd, int ms, double *ret)
{
	static int64_t samples[SAMPLES_MAX];
	size_t count = 0;
	int64_t began = now_ns(), before = began;
	while (count < SAMPLES_MAX && before - began < ms * INT64_C(1000000)) {
		char c = ECHO;
		if (send(fd, &c, 1, MSG_NOSIGNAL) != 1 || recv(fd, &c, 1, 0) != 1)
			return -errno;
		int64_t now = now_ns();
		samples[count++] = now - before;
		before = now;
	}
	qsort(samples, count, sizeof(*samples), compare);
	*ret = count ? (double)samples[count / 2] / 1e3 : 0;
	return 0;
}

static int stream(int fd, int ms, double *ret)
{
	static char block[BLOCK];
	int64_t began = now_ns(), sent = 0;
	char end;
	while (now_ns() - began < ms * INT64_C(1000000)) {
		ssize_t n = send(fd, block, sizeof(block), MSG_NOSIGNAL);
		if (n < 0)
			return -errno;
		sent += n;
	}
	/* It counts when it has arrived. */
	shutdown(fd, SHUT_WR);
	if (recv(fd, &end, 1, 0) != 1)
		return -EIO;
	*ret = (double)sent * 8 / (double)(now_ns() - began);
	return 0;
}

static int measure(int server, int client, const char *address, uint16_t port, int ms,
		   struct bench_result *ret)
{
	pid_t pid = -1;
	int r = start_server(server, &pid);
	if (r < 0)
		return r;
	CLEANUP_FD int echo = reach(client, address, port, ECHO);
	r = echo < 0 ? echo : round_trips(echo, ms, &ret->median_us);
	fd_drop(&echo);
	CLEANUP_FD int bulk = r < 0 ? -1 : reach(client, address, port, STREAM);
	if (r == 0)
		r = bulk < 0 ? bulk : stream(bulk, ms, &ret->gbit);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return r;
}

/* ---- the ways ---- */

static int configure(int netns, const char *name, const char *subnet, const char *gateway)
{
	CLEANUP_NETLINK struct netlink nl = NETLINK_CLOSED;
	struct subnet s;
	struct ip g;
	int r = netlink_open(&nl, NETLINK_ROUTE, netns);
	if (r < 0 || !subnet_parse(subnet, &s))
		return r;
	return link_configure(&nl, name, &s, 1, &g, gateway && ip_parse(gateway, &g));
}

static int pair(struct world *w, const char *outer, int bridge, const char *inner, int netns,
		uint8_t number)
{
	const struct veth v = {.name = outer,
			       .bridge = bridge,
			       .inner = inner,
			       .netns = netns,
			       .mac = {2, 0x42, 0, 0, 0, number}};
	return veth_make(&w->links, &v);
}

static int way_loopback(struct world *w, int ms, struct bench_result *ret)
{
	return measure(-1, -1, "127.0.0.1", SERVER_PORT, ms, ret);
}

static int way_veth(struct world *w, int ms, struct bench_result *ret)
{
	int r = pair(w, "plain", 0, "plain0", w->container, 1);
	if (r == 0)
		r = configure(-1, "plain", "10.0.1.1/24", NULL);
	if (r == 0)
		r = configure(w->container, "plain0", "10.0.1.2/24", NULL);
	return r < 0 ? r : measure(w->container, -1, "10.0.1.2", SERVER_PORT, ms, ret);
}

static int way_bridge(struct world *w, int ms, struct bench_result *ret)
{
	struct bridge b = {.name = "bench0", .alias = "bench", .mac = {2, 0x42, 0, 0, 0, 9}};
	struct link_info link;
	subnet_parse("10.0.2.1/24", &b.addresses[b.address_count++]);
	int r = bridge_make(&w->links, &b);
	if (r == 0)
		r = link_find(&w->links, b.name, &link);
	if (r == 0)
		r = pair(w, "port1", link.index, "eth0", w->container, 2);
	if (r == 0)
		r = pair(w, "port2", link.index, "eth0", w->other, 3);
	if (r == 0)
		r = configure(w->container, "eth0", "10.0.2.2/24", "10.0.2.1");
	if (r == 0)
		r = configure(w->other, "eth0", "10.0.2.3/24", NULL);
	return r < 0 ? r : measure(w->container, w->other, "10.0.2.2", SERVER_PORT, ms, ret);
}

/* From outside, by hull's own table. */
static int way_published(struct world *w, int ms, struct bench_result *ret)
{
	struct firewall_network n = {.bridge = "bench0", .masquerade = true, .subnet_count = 1};
	struct firewall_port p = {
		.protocol = IPPROTO_TCP, .host_port = HOST_PORT, .port = SERVER_PORT};
	subnet_parse("10.0.2.0/24", &n.subnets[0]);
	ip_parse("10.0.2.2", &p.to);
	int r = host_forward(AF_INET);
	if (r == 0)
		r = firewall_make(&w->nft, "bench", &n, 1, &p, 1, 0, ERR_IGNORED);
	if (r == 0)
		r = pair(w, "up", 0, "world", w->other, 4);
	if (r == 0)
		r = configure(-1, "up", "203.0.113.1/24", NULL);
	if (r == 0)
		r = configure(w->other, "world", "203.0.113.2/24", NULL);
	return r < 0 ? r : measure(w->container, w->other, "203.0.113.1", HOST_PORT, ms, ret);
}

/* Two children of one parent. */
static int way_children(struct world *w, const char *kind, uint32_t mode, const char *const at_[2],
			const char *server, int ms, struct bench_result *ret)
{
	const int spaces[2] = {w->container, w->other};
	struct link_info parent = {0};
	/* A parent with a carrier: of a pair whose other end is up. */
	int r = pair(w, "parent", 0, "carrier", w->other, (uint8_t)(5 + mode));
	if (r == 0)
		r = configure(w->other, "carrier", "10.0.5.1/24", NULL);
	if (r == 0)
		r = link_find(&w->links, "parent", &parent);
	for (uint8_t i = 0; r == 0 && i < 2; i++) {
		const struct link_child c = {.kind = kind,
					     .name = kind,
					     .parent = parent.index,
					     .mode = mode,
					     .netns = spaces[i],
					     .mac = {2, 0x42, 0, 0, 2, i}};
		r = link_child_make(&w->links, &c);
		if (r == 0)
			r = configure(spaces[i], kind, at_[i], NULL);
	}
	if (r == 0)
		r = measure(w->container, w->other, server, SERVER_PORT, ms, ret);
	link_remove(&w->links, parent.index);
	return r;
}

static int way_macvlan(struct world *w, int ms, struct bench_result *ret)
{
	static const char *const subnets[] = {"10.0.3.2/24", "10.0.3.3/24"};
	return way_children(w, "macvlan", MACVLAN_MODE_BRIDGE, subnets, "10.0.3.2", ms, ret);
}

static int way_ipvlan(struct world *w, int ms, struct bench_result *ret)
{
	static const char *const subnets[] = {"10.0.4.2/24", "10.0.4.3/24"};
	return way_children(w, "ipvlan", IPVLAN_MODE_L2, subnets, "10.0.4.2", ms, ret);
}

static const struct {
	const char *name;
	int (*run)(struct world *w, int ms, struct bench_result *ret);
} ways[BENCH_WAYS] = {
	{"loopback of the host", way_loopback},
	{"veth pair", way_veth},
	{"bridge, between containers", way_bridge},
	{"published port, from outside", way_published},
	{"macvlan", way_macvlan},
	{"ipvlan", way_ipvlan},
};

/* This process enters one after the other, and stays in the last. */
static int enter_new(int *ret)
{
	int r = unshare(CLONE_NEWNET) < 0 ? -errno : namespace_loopback_up();
	*ret = r < 0 ? r : open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	return r < 0 ? r : *ret < 0 ? -errno : 0;
}

static int open_world(struct world *w)
{
	int r = enter_new(&w->container);
	if (r == 0)
		r = enter_new(&w->other);
	if (r == 0)
		r = enter_new(&w->host);
	if (r == 0)
		r = netlink_open(&w->links, NETLINK_ROUTE, -1);
	return r < 0 ? r : netlink_open(&w->nft, NETLINK_NETFILTER, -1);
}

static void close_world(struct world *w)
{
	netlink_close(&w->links);
	netlink_close(&w->nft);
	fd_drop(&w->host);
	fd_drop(&w->container);
	fd_drop(&w->other);
}

int network_bench(int ms, struct bench_result ret[static BENCH_WAYS], struct err *e)
{
	struct world w = {.links = NETLINK_CLOSED,
			  .nft = NETLINK_CLOSED,
			  .host = -1,
			  .container = -1,
			  .other = -1};
	int r = open_world(&w);
	if (r < 0)
		err_errno(e, r, "cannot make network namespaces to measure in");
	for (size_t i = 0; r == 0 && i < BENCH_WAYS; i++) {
		ret[i] = (struct bench_result){.way = ways[i].name};
		r = ways[i].run(&w, ms, &ret[i]);
		if (r == -EOPNOTSUPP) /* a driver that this kernel lacks */
			r = 0;
		else if (r < 0)
			err_errno(e, r, "%s", ways[i].name);
	}
	close_world(&w);
	return r;
}
