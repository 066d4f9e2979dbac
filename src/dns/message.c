/* SPDX-License-Identifier: Apache-2.0 */
/* Read message.h first. Every length is checked against what there is: the bytes are foreign. */
#include "dns/message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { FLAGS = 2, COUNTS = 4, CLASS_IN = 1, TTL = 10, LABEL_MAX = 63 };
enum { QR = 0x80, OPCODE = 0x78, AA = 0x04, RD = 0x01, RA = 0x80 };

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void put16(uint8_t *p, unsigned value)
{
	p[0] = (uint8_t)(value >> 8);
	p[1] = (uint8_t)value;
}

/* A question's name has no pointers (RFC 1035, 4.1.4: nothing is there before it). */
static size_t read_name(const uint8_t *m, size_t len, size_t at, char ret[DNS_NAME_MAX + 1])
{
	size_t out = 0;
	for (; at < len && m[at]; at += 1 + m[at]) {
		size_t n = m[at];
		if (n > LABEL_MAX || at + 1 + n >= len || out + n + 1 > DNS_NAME_MAX)
			return 0;
		if (out)
			ret[out++] = '.';
		for (size_t i = 1; i <= n; i++) {
			char c = (char)m[at + i];
			if (c == '.' || c == '\0')
				return 0; /* no name that could be meant */
			ret[out++] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
		}
	}
	ret[out] = '\0';
	return at < len ? at + 1 : 0;
}

int dns_read(const uint8_t *m, size_t len, struct dns_question *ret)
{
	*ret = (struct dns_question){.end = DNS_HEADER};
	if (len < DNS_HEADER || m[FLAGS] & QR)
		return -1;
	ret->id = get16(m);
	if (m[FLAGS] & OPCODE)
		return DNS_NOT_DONE;
	if (get16(m + COUNTS) != 1)
		return DNS_FORMAT;
	size_t at = read_name(m, len, DNS_HEADER, ret->name);
	if (at == 0 || at + 4 > len)
		return DNS_FORMAT;
	ret->type = get16(m + at);
	ret->end = at + 4;
	return get16(m + at + 2) == CLASS_IN ? 0 : DNS_REFUSED;
}

void dns_begin(struct dns_answer *a, const uint8_t *m, size_t end, enum dns_code code)
{
	memcpy(a->bytes, m, end);
	a->bytes[FLAGS] = (uint8_t)(QR | AA | (m[FLAGS] & (OPCODE | RD)));
	a->bytes[FLAGS + 1] = (uint8_t)(RA | code);
	memset(a->bytes + COUNTS, 0, DNS_HEADER - COUNTS);
	put16(a->bytes + COUNTS, end > DNS_HEADER);
	a->len = end;
}

/* Its name is a pointer to that of the question. */
static void add(struct dns_answer *a, unsigned type, const uint8_t *data, size_t len)
{
	uint8_t *p = a->bytes + a->len;
	if (a->len + 12 + len > sizeof(a->bytes))
		return;
	put16(p, 0xc000 | DNS_HEADER);
	put16(p + 2, type);
	put16(p + 4, CLASS_IN);
	put16(p + 6, 0);
	put16(p + 8, TTL);
	put16(p + 10, (unsigned)len);
	memcpy(p + 12, data, len);
	a->len += 12 + len;
	put16(a->bytes + COUNTS + 2, get16(a->bytes + COUNTS + 2) + 1u);
}

void dns_add_address(struct dns_answer *a, const struct ip *ip)
{
	add(a, ip->family == AF_INET ? DNS_A : DNS_AAAA, ip->bytes, ip_size(ip));
}

void dns_add_name(struct dns_answer *a, const char *name)
{
	uint8_t data[DNS_NAME_MAX + 2];
	size_t len = 0;
	while (*name) {
		size_t n = strcspn(name, ".");
		if (n == 0 || n > LABEL_MAX || len + n + 2 > sizeof(data))
			return;
		data[len++] = (uint8_t)n;
		memcpy(data + len, name, n);
		len += n;
		name += n + (name[n] == '.');
	}
	data[len++] = 0;
	add(a, DNS_PTR, data, len);
}

/* Labels from the last to the first: @digits of @base each, as many as the address has. */
bool dns_reverse(const char *name, struct ip *ret)
{
	const char *end = strstr(name, ".in-addr.arpa"), *six = strstr(name, ".ip6.arpa");
	if ((!end || end[13]) && (!six || six[9]))
		return false;
	bool v6 = !(end && !end[13]);
	unsigned count = v6 ? 32 : 4, value;
	*ret = (struct ip){.family = v6 ? AF_INET6 : AF_INET};
	for (unsigned i = 0; i < count; i++) {
		char label[4];
		size_t n = strcspn(name, ".");
		if (n == 0 || n > (v6 ? 1 : 3) || name[n] != '.')
			return false;
		snprintf(label, sizeof(label), "%.*s", (int)n, name);
		char *rest;
		value = (unsigned)strtoul(label, &rest, v6 ? 16 : 10);
		if (*rest || value > (v6 ? 15 : 255))
			return false;
		if (v6)
			ret->bytes[15 - i / 2] |= (uint8_t)(i % 2 ? value << 4 : value);
		else
			ret->bytes[3 - i] = (uint8_t)value;
		name += n + 1;
	}
	return !strcmp(name, v6 ? "ip6.arpa" : "in-addr.arpa");
}
