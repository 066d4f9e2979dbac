/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Moving a network device by rtnetlink: addresses are read, the device is moved and named in one
 * request, and a second socket, made in the other namespace, gives the addresses back. See
 * rtnetlink(7), netlink(7), setns(2). Invariant: the caller is back in its own namespace.
 */
#include "linux/netdevice.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"

enum { ADDRESSES_MAX = 64, ATTRIBUTES_MAX = 64, REPLY_MAX = 32768 };

struct message {
	struct nlmsghdr head;
	union {
		struct ifinfomsg link;
		struct ifaddrmsg address;
	};
	uint8_t attributes[ATTRIBUTES_MAX];
};

struct addresses {
	struct message list[ADDRESSES_MAX];
	size_t count;
};

bool netdevice_name_is_valid(const char *name)
{
	size_t len = strlen(name);
	return len > 0 && len < IFNAMSIZ && strcspn(name, "/: \t\n\v\f\r") == len &&
	       strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static void begin(struct message *m, uint16_t type, uint16_t flags, size_t size)
{
	m->head = (struct nlmsghdr){.nlmsg_len = (uint32_t)NLMSG_LENGTH(size),
				    .nlmsg_type = type,
				    .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags)};
}

static bool add(struct message *m, uint16_t type, const void *data, size_t len)
{
	struct rtattr a = {.rta_len = (uint16_t)RTA_LENGTH(len), .rta_type = type};
	size_t at = NLMSG_ALIGN(m->head.nlmsg_len);
	if (at + RTA_ALIGN(a.rta_len) > sizeof(*m))
		return false;
	memcpy((uint8_t *)m + at, &a, sizeof(a));
	memcpy((uint8_t *)m + at + sizeof(a), data, len);
	m->head.nlmsg_len = (uint32_t)(at + RTA_ALIGN(a.rta_len));
	return true;
}

/* Send, and hear what became of it. */
static int request(int sock, struct message *m)
{
	struct {
		struct nlmsghdr head;
		struct nlmsgerr error;
		uint8_t rest[sizeof(*m)];
	} reply;
	m->head.nlmsg_flags |= NLM_F_ACK;
	if (send(sock, m, m->head.nlmsg_len, 0) < 0)
		return -errno;
	ssize_t n = TEMP_FAILURE_RETRY(recv(sock, &reply, sizeof(reply), 0));
	if (n < 0)
		return -errno;
	return (size_t)n >= NLMSG_LENGTH(sizeof(reply.error)) &&
			       reply.head.nlmsg_type == NLMSG_ERROR
		       ? reply.error.error
		       : -EBADMSG;
}

/* What it takes to make the address again. What the kernel gave it itself comes by itself. */
static int keep(struct addresses *list, const struct nlmsghdr *h)
{
	static const uint16_t wanted[] = {IFA_LOCAL, IFA_ADDRESS, IFA_BROADCAST};
	const struct ifaddrmsg *from = NLMSG_DATA(h);
	if (!(from->ifa_flags & IFA_F_PERMANENT) || from->ifa_scope != RT_SCOPE_UNIVERSE)
		return 0;
	if (list->count == ADDRESSES_MAX)
		return -E2BIG;
	struct message *m = &list->list[list->count++];
	begin(m, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, sizeof(m->address));
	m->address = (struct ifaddrmsg){.ifa_family = from->ifa_family,
					.ifa_prefixlen = from->ifa_prefixlen,
					.ifa_scope = from->ifa_scope};
	int len = (int)IFA_PAYLOAD(h);
	for (struct rtattr *a = IFA_RTA(from); RTA_OK(a, len); a = RTA_NEXT(a, len))
		for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
			if (a->rta_type == wanted[i] &&
			    !add(m, a->rta_type, RTA_DATA(a), RTA_PAYLOAD(a)))
				return -EMSGSIZE;
	return 0;
}

static int read_addresses(int sock, unsigned index, struct addresses *ret)
{
	_Alignas(struct nlmsghdr) uint8_t buf[REPLY_MAX];
	struct message m;
	begin(&m, RTM_GETADDR, NLM_F_DUMP, sizeof(m.address));
	m.address = (struct ifaddrmsg){.ifa_family = AF_UNSPEC};
	if (send(sock, &m, m.head.nlmsg_len, 0) < 0)
		return -errno;
	for (;;) {
		ssize_t n = TEMP_FAILURE_RETRY(recv(sock, buf, sizeof(buf), MSG_TRUNC));
		if (n < 0 || (size_t)n > sizeof(buf))
			return n < 0 ? -errno : -EMSGSIZE;
		unsigned left = (unsigned)n;
		for (struct nlmsghdr *h = (struct nlmsghdr *)buf; NLMSG_OK(h, left);
		     h = NLMSG_NEXT(h, left)) {
			if (h->nlmsg_type == NLMSG_DONE)
				return 0;
			if (h->nlmsg_type == NLMSG_ERROR)
				return ((struct nlmsgerr *)NLMSG_DATA(h))->error ?: -EBADMSG;
			const struct ifaddrmsg *a = NLMSG_DATA(h);
			if (h->nlmsg_type != RTM_NEWADDR || a->ifa_index != index)
				continue;
			int r = keep(ret, h);
			if (r < 0)
				return r;
		}
	}
}

static int open_here(void)
{
	int sock = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	return sock < 0 ? -errno : sock;
}

/* A socket stays in the namespace that it was made in. */
static int open_there(int netns)
{
	CLEANUP_FD int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (own < 0 || setns(netns, CLONE_NEWNET) < 0)
		return -errno;
	CLEANUP_FD int sock = open_here();
	return setns(own, CLONE_NEWNET) < 0 ? -errno : fd_steal(&sock);
}

static int index_of(int sock, const char *name)
{
	struct ifreq r = {.ifr_ifindex = 0};
	memcpy(r.ifr_name, name, strlen(name) + 1);
	return ioctl(sock, SIOCGIFINDEX, &r) < 0 ? -errno : r.ifr_ifindex;
}

static int move(int sock, int index, const char *name, int netns)
{
	struct message m;
	uint32_t fd = (uint32_t)netns;
	begin(&m, RTM_NEWLINK, 0, sizeof(m.link));
	m.link = (struct ifinfomsg){.ifi_index = index};
	add(&m, IFLA_NET_NS_FD, &fd, sizeof(fd));
	add(&m, IFLA_IFNAME, name, strlen(name) + 1);
	return request(sock, &m);
}

static int settle(int sock, const char *name, struct addresses *list)
{
	int index = index_of(sock, name), r = 0;
	for (size_t i = 0; index > 0 && r == 0 && i < list->count; i++) {
		list->list[i].address.ifa_index = (unsigned)index;
		r = request(sock, &list->list[i]);
	}
	struct message up;
	begin(&up, RTM_NEWLINK, 0, sizeof(up.link));
	up.link = (struct ifinfomsg){.ifi_index = index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP};
	return index < 0 ? index : r < 0 ? r : request(sock, &up);
}

int netdevice_move(const char *name, const char *new_name, int netns, struct err *e)
{
	struct addresses list = {.count = 0};
	CLEANUP_FD int here = open_here();
	CLEANUP_FD int there = open_there(netns);
	if (here < 0 || there < 0)
		return err_errno(e, here < 0 ? here : there, "cannot reach the network namespace");
	int index = index_of(here, name);
	if (index < 0)
		return err_errno(e, index, "there is no network device %s here", name);
	int r = read_addresses(here, (unsigned)index, &list);
	if (r < 0)
		return err_errno(e, r, "cannot read the addresses of %s", name);
	r = move(here, index, new_name, netns);
	if (r < 0)
		return err_errno(e, r, "cannot move %s in as %s", name, new_name);
	r = settle(there, new_name, &list);
	return r < 0 ? err_errno(e, r, "cannot set %s up inside as %s", name, new_name) : 0;
}
