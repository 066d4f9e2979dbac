/* SPDX-License-Identifier: Apache-2.0 */
/* Internet addresses of both versions, and networks of them. See inet_pton(3), RFC 4632, RFC 4291.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ip {
	uint8_t family;    /* AF_INET, AF_INET6; 0: none */
	uint8_t bytes[16]; /* most significant first; 4 or 16 count */
};
struct subnet {
	struct ip ip; /* as it was written: see subnet_base() */
	uint8_t prefix;
};
enum { IP_TEXT_SIZE = 46, SUBNET_TEXT_SIZE = IP_TEXT_SIZE + 4 };

/** "10.0.0.1", "fd00::1". False: it is none. */
bool ip_parse(const char *text, struct ip *ret);
/** "10.0.0.0/24". */
bool subnet_parse(const char *text, struct subnet *ret);
/** An address that holds on one link alone, with the subnet of those: 169.254.0.0/16 (RFC 3927),
 * fe80::/64 (RFC 4291). False: it is none. */
bool subnet_of_link_local(const char *text, struct subnet *ret);
const char *ip_print(const struct ip *ip, char buf[static IP_TEXT_SIZE]);
const char *subnet_print(const struct subnet *s, char buf[static SUBNET_TEXT_SIZE]);

size_t ip_size(const struct ip *ip); /* in bytes: 4, 16; 0 for none */
static inline unsigned ip_bits(const struct ip *ip)
{
	return (unsigned)ip_size(ip) * 8;
}
/** Less than, equal to, or greater than 0; of one family. */
int ip_compare(const struct ip *a, const struct ip *b);
/** @ip + @n (may be negative); wraps around. */
struct ip ip_add(struct ip ip, int64_t n);
/** @a - @b if that fits; else INT64_MAX or INT64_MIN. */
int64_t ip_distance(const struct ip *a, const struct ip *b);

/** Its first address, whose bits after the prefix are 0; its last. */
struct ip subnet_base(const struct subnet *s);
struct ip subnet_last(const struct subnet *s);
bool subnet_has(const struct subnet *s, const struct ip *ip);
/** Have they an address in common? */
bool subnets_overlap(const struct subnet *a, const struct subnet *b);
