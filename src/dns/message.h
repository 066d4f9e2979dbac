/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DNS messages (RFC 1035), as far as a server needs them that answers for names of its own: one
 * question is read, answers of four kinds are written. What it does not know it passes on whole.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "linux/ip_address.h"

enum { DNS_NAME_MAX = 255, DNS_MESSAGE_MAX = 65535, DNS_UDP_MAX = 512, DNS_HEADER = 12 };
enum dns_type { DNS_A = 1, DNS_PTR = 12, DNS_AAAA = 28, DNS_ANY = 255 };
enum dns_code {
	DNS_OK = 0,
	DNS_FORMAT = 1,
	DNS_FAILED = 2,
	DNS_NO_NAME = 3,
	DNS_NOT_DONE = 4,
	DNS_REFUSED = 5
};

struct dns_question {
	uint16_t id, type;
	char name[DNS_NAME_MAX +
		  1]; /* small letters, without the last dot; other bytes as they are */
	size_t end;   /* of the question in the message */
};
/** 0; or the code that the answer has, where there can be one; -1: nothing is to be said. */
int dns_read(const uint8_t *message, size_t len, struct dns_question *ret);

/** What an answer is made in: the question is copied, records follow. */
struct dns_answer {
	uint8_t bytes[DNS_UDP_MAX];
	size_t len;
};
/** Begin an answer to @message; @end as dns_read() gave it, or DNS_HEADER without a question. */
void dns_begin(struct dns_answer *a, const uint8_t *message, size_t end, enum dns_code code);
/** Add a record about the name that was asked for; what does not fit is left out. */
void dns_add_address(struct dns_answer *a, const struct ip *ip);
void dns_add_name(struct dns_answer *a, const char *name);
/** The address that "2.0.17.172.in-addr.arpa" or a name below ip6.arpa stands for. */
bool dns_reverse(const char *name, struct ip *ret);
