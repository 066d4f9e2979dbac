/* SPDX-License-Identifier: Apache-2.0 */
/* An entry is named by its tuple and its id, so one that is new under the same tuple stays. */
#include "linux/conntrack.h"

#include <errno.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netinet/in.h>
#include <string.h>

#include "base/cleanup.h"

enum { FORGET_MAX = 1 << 20 };

struct forgetting {
	flow_fn which;
	const void *ctx;
	struct netlink gone; /* the messages that delete them */
};

static const struct nlattr *of(const struct nlmsghdr *m, uint16_t type)
{
	return netlink_attribute(m, sizeof(struct nfgenmsg), type);
}

static struct ip address(const struct nlattr *tuple, uint8_t family, uint16_t type4, uint16_t type6)
{
	struct ip ip = {.family = family};
	const void *bytes = netlink_data(netlink_inner(netlink_inner(tuple, CTA_TUPLE_IP),
						       family == AF_INET ? type4 : type6),
					 ip_size(&ip));
	if (bytes)
		memcpy(ip.bytes, bytes, ip_size(&ip));
	return ip;
}

static int look(void *ctx, const struct nlmsghdr *m)
{
	struct forgetting *g = ctx;
	const struct nfgenmsg *head = NLMSG_DATA(m);
	if (m->nlmsg_len < NLMSG_LENGTH(sizeof(*head)) ||
	    (head->nfgen_family != AF_INET && head->nfgen_family != AF_INET6))
		return 0;
	const struct nlattr *tuple = of(m, CTA_TUPLE_ORIG), *id = of(m, CTA_ID);
	const struct nlattr *proto = netlink_inner(tuple, CTA_TUPLE_PROTO);
	const uint8_t *number = netlink_data(netlink_inner(proto, CTA_PROTO_NUM), 1);
	const uint16_t *port = netlink_data(netlink_inner(proto, CTA_PROTO_DST_PORT), 2);
	const uint32_t *status = netlink_data(of(m, CTA_STATUS), 4);
	if (!id || !number || !port || !status)
		return 0;
	struct flow f = {.protocol = *number,
			 .port = ntohs(*port),
			 .answered = ntohl(*status) & IPS_SEEN_REPLY,
			 .to = address(tuple, head->nfgen_family, CTA_IP_V4_DST, CTA_IP_V6_DST),
			 .from = address(of(m, CTA_TUPLE_REPLY), head->nfgen_family, CTA_IP_V4_SRC,
					 CTA_IP_V6_SRC)};
	if (!g->which(g->ctx, &f) || g->gone.buf.len > FORGET_MAX)
		return 0;
	const struct nfgenmsg delete = {.nfgen_family = head->nfgen_family};
	netlink_begin(&g->gone, NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE, 0, &delete,
		      sizeof(delete));
	const struct nlattr *const both[] = {tuple, id};
	for (size_t i = 0; i < ARRAY_LEN(both); i++)
		netlink_put(&g->gone, both[i]->nla_type, (const char *)both[i] + NLA_HDRLEN,
			    both[i]->nla_len - NLA_HDRLEN);
	return 0;
}

int conntrack_forget(struct netlink *nl, flow_fn which, const void *ctx)
{
	const struct nfgenmsg any = {.nfgen_family = AF_UNSPEC};
	struct forgetting g = {
		.which = which, .ctx = ctx, .gone = {.fd = -1, .buf = STRBUF_MAX(2 * FORGET_MAX)}};
	netlink_begin(nl, NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET, NLM_F_DUMP, &any,
		      sizeof(any));
	int r = netlink_ask(nl, look, &g);
	g.gone.fd = nl->fd;
	if (r == 0)
		r = netlink_send(&g.gone);
	strbuf_free(&g.gone.buf);
	return r == -ENOENT ? 0 : r; /* some went by themselves */
}
