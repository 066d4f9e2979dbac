/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where networks get their addresses where the user names none. Small networks from a wide pool:
 * docker's few large ones run out after some thirty.
 */
#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "network/network.h"

static const struct pool {
	struct subnet from;
	uint8_t prefix; /* of one network */
	unsigned count;
} pools[] = {
	/* The default network: where docker has it, or beside. */
	{{{AF_INET, {172, 17}}, 16}, 16, 15},
	/* All others: 16 384 of 254 addresses. */
	{{{AF_INET, {10, 192}}, 10}, 24, 16384},
};

struct routes {
	struct arena a;
	struct subnet *list;
	size_t count, room;
};

static void note_route(void *ctx, const struct subnet *to)
{
	struct routes *r = ctx;
	r->list = arena_grow(&r->a, r->list, r->count, &r->room, sizeof(*r->list));
	r->list[r->count++] = *to;
}

static const struct subnet *find_overlap(const struct subnet *s, const struct subnet *list,
					 size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (list[i].ip.family == s->ip.family && subnets_overlap(s, &list[i]))
			return &list[i];
	return NULL;
}

bool pool_meets_route(struct netlink *nl, const struct subnet *s, struct subnet *ret)
{
	struct routes routes = {0};
	const struct subnet *found = NULL;
	if (route_list(nl, note_route, &routes) == 0)
		found = find_overlap(s, routes.list, routes.count);
	if (found)
		*ret = *found;
	arena_free(&routes.a);
	return found;
}

int pool_choose(struct netlink *nl, bool first, const struct subnet *taken, size_t count,
		struct subnet *ret, struct err *e)
{
	struct routes routes = {0};
	int r = route_list(nl, note_route, &routes);
	for (size_t p = first ? 0 : 1; r == 0 && p < ARRAY_LEN(pools); p++) {
		const struct pool *pool = &pools[p];
		struct subnet s = {pool->from.ip, pool->prefix};
		for (unsigned i = 0; i < pool->count; i++) {
			if (!find_overlap(&s, taken, count) &&
			    !find_overlap(&s, routes.list, routes.count)) {
				*ret = s;
				arena_free(&routes.a);
				return 0;
			}
			s.ip = ip_add(s.ip, INT64_C(1) << (ip_bits(&s.ip) - s.prefix));
		}
	}
	arena_free(&routes.a);
	if (r < 0)
		return netlink_problem(nl, r, e, "cannot read the host's routes");
	err_set(e, ENOSPC, ERR_CONFLICT,
		"all predefined address pools have been fully subnetted: each overlaps with a "
		"network or with a route of this host");
	return err_hint(e, "give it one with --subnet; see hull network ls, ip route");
}

struct subnet pool_choose6(void)
{
	struct subnet s = {{AF_INET6, {0xfd}}, 64};
	if (getrandom(s.ip.bytes + 1, 7, 0) != 7)
		memset(s.ip.bytes + 1, 0x42, 7);
	return s;
}
