/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel inside answers a SYN-ACK that it did not ask for with a reset, so no half-open
 * connection is left at the far end. See raw(7), packet(7), ip(7), ipv6(7), RFC 9293, RFC 792, RFC
 * 4443. */
#include "network/probe.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip6.h>
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

static bool is_six(const struct probe *p)
{
	return p->to.family == AF_INET6;
}

/* An address with a port, of both families. */
union endpoint {
	struct sockaddr any;
	struct sockaddr_in four;
	struct sockaddr_in6 six;
};

static union endpoint as_socket(const struct ip *ip)
{
	union endpoint to = {.any.sa_family = ip->family};
	memcpy(ip->family == AF_INET6 ? (void *)&to.six.sin6_addr : (void *)&to.four.sin_addr,
	       ip->bytes, ip_size(ip));
	return to;
}

/* A port that no connection of the container has while this lasts. */
static int keep_port(struct probe *p, int netns)
{
	union endpoint own = as_socket(&p->from);
	socklen_t len = sizeof(own);
	p->sockets[1] = namespace_socket(netns, p->from.family, SOCK_STREAM, 0);
	if (p->sockets[1] < 0)
		return p->sockets[1];
	if (bind(p->sockets[1], &own.any, len) < 0 ||
	    getsockname(p->sockets[1], &own.any, &len) < 0)
		return -errno;
	p->from_port = ntohs(is_six(p) ? own.six.sin6_port : own.four.sin_port);
	return 0;
}

/* Not cut, whatever the path's MTU is known to be. Checksums of IPv6 are the kernel's: of ICMP
 * always, of TCP at the offset that it is told. */
static void set_options(const struct probe *p)
{
	const int whole = IP_PMTUDISC_PROBE, whole6 = IPV6_PMTUDISC_PROBE, on = 1;
	const int check = offsetof(struct tcphdr, check);
	int fd = p->sockets[0];
	if (!is_six(p)) {
		setsockopt(fd, SOL_IP, IP_MTU_DISCOVER, &whole, sizeof(whole));
		return;
	}
	setsockopt(fd, SOL_IPV6, IPV6_MTU_DISCOVER, &whole6, sizeof(whole6));
	setsockopt(fd, SOL_IPV6, IPV6_DONTFRAG, &on, sizeof(on));
	if (p->port)
		setsockopt(fd, SOL_IPV6, IPV6_CHECKSUM, &check, sizeof(check));
}

int probe_open(struct probe *p, int netns)
{
	const union endpoint to = as_socket(&p->to);
	union endpoint own;
	socklen_t len = is_six(p) ? sizeof(to.six) : sizeof(to.four);
	p->sockets[1] = -1;
	p->sockets[0] = namespace_socket(netns, p->to.family, SOCK_RAW,
					 p->port     ? IPPROTO_TCP
					 : is_six(p) ? IPPROTO_ICMPV6
						     : IPPROTO_ICMP);
	if (p->sockets[0] < 0)
		return p->sockets[0];
	set_options(p);
	if (connect(p->sockets[0], &to.any, len) < 0 ||
	    getsockname(p->sockets[0], &own.any, &len) < 0)
		return -errno;
	p->from = (struct ip){.family = p->to.family};
	memcpy(p->from.bytes,
	       is_six(p) ? (const void *)&own.six.sin6_addr : (const void *)&own.four.sin_addr,
	       ip_size(&p->from));
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
	if (is_six(p))
		return sizeof(t);
	t.check = checksum(sum, buf, sizeof(t));
	memcpy(buf, &t, sizeof(t));
	return sizeof(t);
}

static size_t put_echo(const struct probe *p, uint8_t *buf)
{
	struct icmphdr h = {.type = is_six(p) ? ICMP6_ECHO_REQUEST : ICMP_ECHO};
	const uint32_t mark = htonl(p->mark);
	const size_t header = is_six(p) ? sizeof(struct ip6_hdr) : sizeof(struct iphdr);
	const size_t least = header + sizeof(h) + sizeof(mark);
	size_t len = MAX(p->size, least) - header;
	h.un.echo.id = (uint16_t)p->mark;
	memset(buf, 0, len);
	memcpy(buf + sizeof(h), &mark, sizeof(mark));
	memcpy(buf, &h, sizeof(h));
	if (is_six(p))
		return len;
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
	/* All ICMP; of TCP what has the number, or acknowledges it. X: where TCP begins. */
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xf0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x60, 5, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x40, 0, 13),
		BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, offsetof(struct iphdr, protocol)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_ICMP, 9, 0),
		BPF_JUMP(BPF_JMP | BPF_JA, 3, 0, 0),
		BPF_STMT(BPF_LDX | BPF_W | BPF_IMM, sizeof(struct ip6_hdr)),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, offsetof(struct ip6_hdr, ip6_nxt)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_ICMPV6, 5, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_TCP, 0, 5),
		BPF_STMT(BPF_LD | BPF_W | BPF_IND, offsetof(struct tcphdr, seq)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, p->mark, 2, 0),
		BPF_STMT(BPF_LD | BPF_W | BPF_IND, offsetof(struct tcphdr, ack_seq)),
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

/* What an error is about, at @at: a header of IP, and eight bytes at the least of what follows. */
static bool is_about(const struct probe *p, const uint8_t *packet, size_t size, size_t at)
{
	struct iphdr four;
	struct ip6_hdr six;
	uint8_t protocol;
	if (is_six(p)) {
		if (!take(packet, size, at, &six, sizeof(six)))
			return false;
		protocol = six.ip6_nxt;
		at += sizeof(six);
	} else {
		if (!take(packet, size, at, &four, sizeof(four)))
			return false;
		protocol = four.protocol;
		at += (size_t)four.ihl * 4;
	}
	if (p->port)
		return protocol == IPPROTO_TCP && is_mark(packet, size, at + 4, p->mark);
	return protocol == (is_six(p) ? IPPROTO_ICMPV6 : IPPROTO_ICMP) &&
	       is_mark(packet, size, at + sizeof(struct icmphdr), p->mark);
}

static bool read_icmp(const struct probe *p, const uint8_t *packet, size_t size, size_t at,
		      struct sighting *ret)
{
	struct icmphdr h;
	size_t next = at + sizeof(h);
	if (!take(packet, size, at, &h, sizeof(h)))
		return false;
	ret->type = h.type;
	ret->code = h.code;
	ret->kind = h.type == ICMP_ECHO ? PROBE_GOES : PROBE_ANSWER;
	if (h.type == ICMP_ECHO || h.type == ICMP_ECHOREPLY)
		return !p->port && is_mark(packet, size, next, p->mark);
	ret->kind = PROBE_ERROR;
	ret->mtu = ntohs(h.un.frag.mtu);
	return is_about(p, packet, size, next);
}

/* An error of ICMPv6 as ICMP of IPv4 says it (RFC 7915, 4.2 and 5.2). */
static void translate(const struct icmp6_hdr *h, struct sighting *ret)
{
	static const uint8_t unreachable[] = {
		[ICMP6_DST_UNREACH_NOROUTE] = ICMP_NET_UNREACH,
		[ICMP6_DST_UNREACH_ADMIN] = ICMP_PKT_FILTERED,
		[ICMP6_DST_UNREACH_BEYONDSCOPE] = ICMP_HOST_UNREACH,
		[ICMP6_DST_UNREACH_ADDR] = ICMP_HOST_UNREACH,
		[ICMP6_DST_UNREACH_NOPORT] = ICMP_PORT_UNREACH,
	};
	ret->type = ICMP_DEST_UNREACH;
	ret->code = ICMP_PKT_FILTERED;
	if (h->icmp6_type == ICMP6_PACKET_TOO_BIG) {
		ret->code = ICMP_FRAG_NEEDED;
		ret->mtu = (uint16_t)MIN(ntohl(h->icmp6_mtu), UINT16_MAX);
	} else if (h->icmp6_type == ICMP6_DST_UNREACH) {
		if (h->icmp6_code < ARRAY_LEN(unreachable))
			ret->code = unreachable[h->icmp6_code];
	} else {
		ret->type = h->icmp6_type == ICMP6_TIME_EXCEEDED ? ICMP_TIME_EXCEEDED
								 : ICMP_PARAMETERPROB;
		ret->code = h->icmp6_code;
	}
}

static bool read_icmp6(const struct probe *p, const uint8_t *packet, size_t size, size_t at,
		       struct sighting *ret)
{
	struct icmp6_hdr h;
	size_t next = at + sizeof(h);
	if (!take(packet, size, at, &h, sizeof(h)))
		return false;
	if (h.icmp6_type == ICMP6_ECHO_REQUEST || h.icmp6_type == ICMP6_ECHO_REPLY) {
		ret->kind = h.icmp6_type == ICMP6_ECHO_REQUEST ? PROBE_GOES : PROBE_ANSWER;
		return !p->port && is_mark(packet, size, next, p->mark);
	}
	if (h.icmp6_type & ICMP6_INFOMSG_MASK)
		return false;
	ret->kind = PROBE_ERROR;
	translate(&h, ret);
	return is_about(p, packet, size, next);
}

static bool read_six(const struct probe *p, const uint8_t *packet, size_t size,
		     struct sighting *ret)
{
	struct ip6_hdr h;
	if (!take(packet, size, 0, &h, sizeof(h)) || h.ip6_vfc >> 4 != 6)
		return false;
	ret->from.family = ret->to.family = AF_INET6;
	memcpy(ret->from.bytes, &h.ip6_src, 16);
	memcpy(ret->to.bytes, &h.ip6_dst, 16);
	return h.ip6_nxt == IPPROTO_TCP
		       ? read_tcp(p, packet, size, sizeof(h), ret)
		       : h.ip6_nxt == IPPROTO_ICMPV6 && read_icmp6(p, packet, size, sizeof(h), ret);
}

bool probe_read(const struct probe *p, const uint8_t *packet, size_t size, struct sighting *ret)
{
	struct iphdr h;
	if (is_six(p))
		return read_six(p, packet, size, ret);
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
