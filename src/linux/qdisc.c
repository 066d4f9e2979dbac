/* SPDX-License-Identifier: Apache-2.0 */
/* Ten milliseconds may go at once, fifty more wait in the queue; what comes then is dropped, which
 * tells TCP. See <linux/pkt_sched.h>. */
#include "linux/qdisc.h"

#include <errno.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/param.h>
#include <sys/socket.h>

/* BURST_MIN: a packet has to fit, of jumbo frames, too. */
enum { BURST_MIN = 16 << 10, RATE_MIN = 1000 };

bool rate_parse(const char *text, uint64_t *ret)
{
	static const char units[] = "kmgt";
	char *end;
	double bits = strtod(text, &end);
	const char *unit = *end ? strchr(units, *end | 0x20) : NULL;
	if (end == text || strspn(text, "0123456789.") != (size_t)(end - text))
		return false;
	if (unit)
		bits *= pow(1000, (double)(unit - units) + 1);
	end += unit != NULL;
	if ((*end && strcasecmp(end, "bit") != 0) || bits < 8.0 * RATE_MIN || bits > 1e15)
		return false;
	*ret = (uint64_t)(bits / 8);
	return true;
}

int link_limit_rate(struct netlink *nl, int index, uint64_t rate)
{
	const struct tcmsg head = {.tcm_family = AF_UNSPEC,
				   .tcm_ifindex = index,
				   .tcm_handle = 1u << 16,
				   .tcm_parent = TC_H_ROOT};
	uint64_t burst = MAX(rate / 100, BURST_MIN), limit = burst + MAX(rate / 20, BURST_MIN);
	const struct tc_tbf_qopt q = {
		.rate = {.rate = (uint32_t)MIN(rate, UINT32_MAX),
			 .linklayer = TC_LINKLAYER_ETHERNET},
		.limit = (uint32_t)MIN(limit, UINT32_MAX),
	};
	if (!rate) {
		netlink_begin(nl, RTM_DELQDISC, 0, &head, sizeof(head));
		int r = netlink_send(nl);
		/* There is none, or none of ours: its handle is another one. */
		return r == -ENOENT || r == -EINVAL ? 0 : r;
	}
	netlink_begin(nl, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_REPLACE, &head, sizeof(head));
	netlink_put_text(nl, TCA_KIND, "tbf");
	size_t options = netlink_nest(nl, TCA_OPTIONS);
	netlink_put(nl, TCA_TBF_PARMS, &q, sizeof(q));
	netlink_put_u32(nl, TCA_TBF_BURST, (uint32_t)MIN(burst, UINT32_MAX));
	if (rate > UINT32_MAX)
		netlink_put(nl, TCA_TBF_RATE64, &rate, sizeof(rate));
	netlink_nest_end(nl, options);
	return netlink_send(nl);
}
