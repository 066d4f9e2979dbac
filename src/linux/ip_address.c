/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses are bytes, most significant first, so that both versions go through the same lines. */
#include "linux/ip_address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/units.h"

size_t ip_size(const struct ip *ip)
{
	return ip->family == AF_INET6 ? 16 : ip->family == AF_INET ? 4 : 0;
}

bool ip_parse(const char *text, struct ip *ret)
{
	*ret = (struct ip){.family = strchr(text, ':') ? AF_INET6 : AF_INET};
	return inet_pton(ret->family, text, ret->bytes) == 1;
}

bool subnet_parse(const char *text, struct subnet *ret)
{
	char address[IP_TEXT_SIZE];
	const char *slash = strchr(text, '/');
	uint64_t prefix;
	if (!slash || (size_t)(slash - text) >= sizeof(address))
		return false;
	snprintf(address, sizeof(address), "%.*s", (int)(slash - text), text);
	if (!ip_parse(address, &ret->ip) || uint_parse(slash + 1, ip_bits(&ret->ip), &prefix) < 0)
		return false;
	ret->prefix = (uint8_t)prefix;
	return true;
}

const char *ip_print(const struct ip *ip, char buf[static IP_TEXT_SIZE])
{
	buf[0] = '\0';
	if (ip->family)
		inet_ntop(ip->family, ip->bytes, buf, IP_TEXT_SIZE);
	return buf;
}

const char *subnet_print(const struct subnet *s, char buf[static SUBNET_TEXT_SIZE])
{
	char address[IP_TEXT_SIZE];
	snprintf(buf, SUBNET_TEXT_SIZE, "%s/%u", ip_print(&s->ip, address), s->prefix);
	return buf;
}

int ip_compare(const struct ip *a, const struct ip *b)
{
	return memcmp(a->bytes, b->bytes, ip_size(a));
}

struct ip ip_add(struct ip ip, int64_t n)
{
	for (size_t i = ip_size(&ip); i-- > 0 && n != 0;) {
		n += ip.bytes[i];
		ip.bytes[i] = (uint8_t)(n & 0xff);
		n >>= 8; /* rounds down: a borrow is -1 */
	}
	return ip;
}

int64_t ip_distance(const struct ip *a, const struct ip *b)
{
	if (ip_compare(a, b) < 0) {
		int64_t d = ip_distance(b, a);
		return d == INT64_MAX ? INT64_MIN : -d;
	}
	uint8_t rest[16];
	int borrow = 0;
	size_t size = ip_size(a);
	for (size_t i = size; i-- > 0;) {
		int d = a->bytes[i] - b->bytes[i] - borrow;
		borrow = d < 0;
		rest[i] = (uint8_t)d;
	}
	uint64_t sum = 0;
	for (size_t i = 0; i < size; i++) {
		if (sum > (uint64_t)INT64_MAX >> 8)
			return INT64_MAX;
		sum = sum << 8 | rest[i];
	}
	return (int64_t)sum;
}

/* @ip with the bits after @prefix all 0, or all 1. */
static struct ip fill(struct ip ip, unsigned prefix, bool ones)
{
	for (unsigned i = 0; i < ip_size(&ip); i++) {
		unsigned kept = prefix > i * 8 ? prefix - i * 8 : 0;
		uint8_t host = kept >= 8 ? 0 : (uint8_t)(0xff >> kept);
		ip.bytes[i] = (uint8_t)(ones ? ip.bytes[i] | host : ip.bytes[i] & ~host);
	}
	return ip;
}

struct ip subnet_base(const struct subnet *s)
{
	return fill(s->ip, s->prefix, false);
}

struct ip subnet_last(const struct subnet *s)
{
	return fill(s->ip, s->prefix, true);
}

bool subnet_has(const struct subnet *s, const struct ip *ip)
{
	struct ip own = subnet_base(s), other = fill(*ip, s->prefix, false);
	return ip->family == s->ip.family && ip_compare(&own, &other) == 0;
}

bool subnets_overlap(const struct subnet *a, const struct subnet *b)
{
	return a->prefix < b->prefix ? subnet_has(a, &b->ip) : subnet_has(b, &a->ip);
}

bool subnet_of_link_local(const char *text, struct subnet *ret)
{
	static const struct subnet all[] = {
		{.ip = {.family = AF_INET, .bytes = {169, 254}}, .prefix = 16},
		{.ip = {.family = AF_INET6, .bytes = {0xfe, 0x80}}, .prefix = 64}};
	struct subnet s;
	if (!ip_parse(text, &s.ip))
		return false;
	const struct subnet *of = &all[s.ip.family == AF_INET6];
	s.prefix = of->prefix;
	if (!subnet_has(of, &s.ip))
		return false;
	*ret = s;
	return true;
}
