/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel inside answers a SYN-ACK that it did not ask for with a reset, so no half-open
 * connection is left at the far end. See raw(7), packet(7), ip(7), RFC 9293, RFC 792. */
#include "network/probe.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <linux/icmp.h>
#include <linux/ip.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/param.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "linux/namespaces.h"

enum { PACKET_MAX = 65535, WATCH_BUFFER = 1 << 20 };

void probe_close(struct probe *p)
{
	for (size_t i = 0; i < ARRAY_LEN(p->sockets); i++)
		fd_drop(&p->sockets[i]);
}

static struct sockaddr_in as_socket(const struct ip *ip, uint16_t port)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
	memcpy(&to.sin_addr, ip->bytes, 4);
	return to;
}

/* A port that no connection of the container has while this lasts. */
static int keep_port(struct probe *p, int netns)
{
	struct sockaddr_in own = as_socket(&p->from, 0);
	socklen_t len = sizeof(own);
	p->sockets[1] = namespace_socket(netns, AF_INET, SOCK_STREAM, 0);
	if (p->sockets[1] < 0)
		return p->sockets[1];
	if (bind(p->sockets[1], (void *)&own, len) < 0 ||
	    getsockname(p->sockets[1], (void *)&own, &len) < 0)
		return -errno;
	p->from_port = ntohs(own.sin_port);
	return 0;
}

int probe_open(struct probe *p, int netns)
{
	const struct sockaddr_in to = as_socket(&p->to, 0);
	struct sockaddr_in own;
	socklen_t len = sizeof(own);
	const int whole = IP_PMTUDISC_PROBE;
	p->sockets[1] = -1;
	p->sockets[0] =
		namespace_socket(netns, AF_INET, SOCK_RAW, p->port ? IPPROTO_TCP : IPPROTO_ICMP);
	if (p->sockets[0] < 0)
		return p->sockets[0];
	setsockopt(p->sockets[0], SOL_IP, IP_MTU_DISCOVER, &whole, sizeof(whole));
	if (connect(p->sockets[0], (const void *)&to, sizeof(to)) < 0 ||
	    getsockname(p->sockets[0], (void *)&own, &len) < 0)
		return -errno;
	p->from = (struct ip){.family = AF_INET};
	memcpy(p->from.bytes, &own.sin_addr, 4);
	return p->port ? keep_port(p, netns) : 0;
}

static uint16_t checksum(uint32_t sum, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sum += i & 1 ? bytes[i] : (uint32_t)bytes[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

static size_t put_syn(const struct probe *p, uint8_t *buf)
{
	struct tcphdr t = {.source = htons(p->from_port),
			   .dest = htons(p->port),
			   .seq = htonl(p->mark),
			   .doff = sizeof(t) / 4,
			   .syn = 1,
			   .window = htons(1024)};
	uint32_t sum = IPPROTO_TCP + sizeof(t);
	for (size_t i = 0; i < 4; i++)
		sum += (uint32_t)(p->from.bytes[i] + p->to.bytes[i]) << (i & 1 ? 0 : 8);
	memcpy(buf, &t, sizeof(t));
	t.check = checksum(sum, buf, sizeof(t));
	memcpy(buf, &t, sizeof(t));
	return sizeof(t);
}

static size_t put_echo(const struct probe *p, uint8_t *buf)
{
	struct icmphdr h = {.type = ICMP_ECHO};
	const uint32_t mark = htonl(p->mark);
	const size_t least = sizeof(struct iphdr) + sizeof(h) + sizeof(mark);
	size_t len = MAX(p->size, least) - sizeof(struct iphdr);
	h.un.echo.id = (uint16_t)p->mark;
	memset(buf, 0, len);
	memcpy(buf + sizeof(h), &mark, sizeof(mark));
	memcpy(buf, &h, sizeof(h));
	h.checksum = checksum(0, buf, len);
	memcpy(buf, &h, sizeof(h));
	return len;
}

int probe_send(const struct probe *p)
{
	uint8_t buf[PACKET_MAX];
	size_t len = p->port ? put_syn(p, buf) : put_echo(p, buf);
	return TEMP_FAILURE_RETRY(send(p->sockets[0], buf, len, 0)) < 0 ? -errno : 0;
}

/* ---- seeing ---- */

int probe_watch(const struct probe *p, int netns)
{
	/* Of IPv4: all ICMP; of TCP what has the number, or acknowledges it. */
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xf0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x40, 0, 9),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 9),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_ICMP, 6, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_TCP, 0, 6),
		BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),
		BPF_STMT(BPF_LD | BPF_W | BPF_IND, 4),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, p->mark, 2, 0),
		BPF_STMT(BPF_LD | BPF_W | BPF_IND, 8),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, p->mark + 1, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, PACKET_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	const struct sock_fprog filter = {.len = ARRAY_LEN(code), .filter = code};
	const struct sockaddr_ll all = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
	const int size = WATCH_BUFFER;
	CLEANUP_FD int fd = namespace_socket(netns, AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return fd;
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)) < 0 ||
	    bind(fd, (const void *)&all, sizeof(all)) < 0)
		return -errno;
	return fd_steal(&fd);
}

/* The header of @len bytes at @at of the packet, or false. */
static bool take(const uint8_t *packet, size_t size, size_t at, void *ret, size_t len)
{
	if (at > size || size - at < len)
		return false;
	memcpy(ret, packet + at, len);
	return true;
}

static bool is_mark(const uint8_t *packet, size_t size, size_t at, uint32_t mark)
{
	uint32_t there;
	return take(packet, size, at, &there, sizeof(there)) && ntohl(there) == mark;
}

static bool read_tcp(const struct probe *p, const uint8_t *packet, size_t size, size_t at,
		     struct sighting *ret)
{
	struct tcphdr t;
	if (!p->port || !take(packet, size, at, &t, sizeof(t)))
		return false;
	ret->from_port = ntohs(t.source);
	ret->to_port = ntohs(t.dest);
	ret->reset = t.rst;
	ret->kind = t.syn && !t.ack ? PROBE_GOES : PROBE_ANSWER;
	/* The reset that ends it bears the next number. */
	return ret->kind == PROBE_GOES ? ntohl(t.seq) == p->mark
				       : t.ack && ntohl(t.ack_seq) == p->mark + 1;
}

static bool read_icmp(const struct probe *p, const uint8_t *packet, size_t size, size_t at,
		      struct sighting *ret)
{
	struct icmphdr h;
	struct iphdr inner;
	size_t next = at + sizeof(h);
	if (!take(packet, size, at, &h, sizeof(h)))
		return false;
	ret->type = h.type;
	ret->code = h.code;
	ret->kind = h.type == ICMP_ECHO ? PROBE_GOES : PROBE_ANSWER;
	if (h.type == ICMP_ECHO || h.type == ICMP_ECHOREPLY)
		return !p->port && is_mark(packet, size, next, p->mark);
	/* An error holds what it is about: its header, and eight bytes at the least. */
	ret->kind = PROBE_ERROR;
	ret->mtu = ntohs(h.un.frag.mtu);
	if (!take(packet, size, next, &inner, sizeof(inner)))
		return false;
	next += (size_t)inner.ihl * 4;
	if (p->port)
		return inner.protocol == IPPROTO_TCP && is_mark(packet, size, next + 4, p->mark);
	return inner.protocol == IPPROTO_ICMP && is_mark(packet, size, next + sizeof(h), p->mark);
}

bool probe_read(const struct probe *p, const uint8_t *packet, size_t size, struct sighting *ret)
{
	struct iphdr h;
	if (!take(packet, size, 0, &h, sizeof(h)) || h.version != 4)
		return false;
	ret->from.family = ret->to.family = AF_INET;
	memcpy(ret->from.bytes, &h.saddr, 4);
	memcpy(ret->to.bytes, &h.daddr, 4);
	return h.protocol == IPPROTO_TCP
		       ? read_tcp(p, packet, size, (size_t)h.ihl * 4, ret)
		       : h.protocol == IPPROTO_ICMP &&
				 read_icmp(p, packet, size, (size_t)h.ihl * 4, ret);
}

bool probe_next(const struct probe *p, int watch, struct sighting *ret)
{
	uint8_t packet[256];
	struct sockaddr_ll from;
	socklen_t len = sizeof(from);
	ssize_t n;
	while ((n = TEMP_FAILURE_RETRY(
			recvfrom(watch, packet, sizeof(packet), 0, (void *)&from, &len))) >= 0) {
		*ret = (struct sighting){.index = from.sll_ifindex,
					 .out = from.sll_pkttype == PACKET_OUTGOING};
		if (probe_read(p, packet, (size_t)n, ret))
			return true;
	}
	return false;
}
