/* SPDX-License-Identifier: Apache-2.0 */
/* What hull-dns knows, and what follows from it. Read server.h first. */
#include "dns/server.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

enum { RESOLV_MAX = 64 << 10, PORT = 53 };

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static void refresh_host(struct server *s)
{
	CLEANUP_ARENA struct arena a = {0};
	struct stat st;
	char *text;
	if (fstatat(AT_FDCWD, "/etc/resolv.conf", &st, 0) < 0 || is_same(&st, &s->resolv_was) ||
	    file_read(AT_FDCWD, "/etc/resolv.conf", RESOLV_MAX, &a, &text, NULL, ERR_IGNORED) < 0)
		return;
	s->host_server_count = servers_parse(text, s->host_servers);
	s->resolv_was = st;
}

bool server_refresh(struct server *s)
{
	struct stat st;
	struct arena a = {0};
	char *text;
	refresh_host(s);
	if (fstatat(DNS_FD_FOLDER, "names", &st, 0) < 0)
		return errno != ENOENT;
	if (is_same(&st, &s->names_were))
		return true;
	if (file_read(DNS_FD_FOLDER, "names", NAMES_MAX, &a, &text, NULL, ERR_IGNORED) < 0)
		return true; /* what it knows is better than nothing */
	struct names fresh;
	names_parse(text, &fresh);
	arena_free(&s->names.arena);
	s->names = fresh;
	s->names_were = st;
	arena_free(&s->text);
	s->text = a;
	return true;
}

static void answer_name(struct server *s, const struct dns_question *q, const struct ip *client,
			struct dns_answer *ret)
{
	size_t n = s->names.count, first = n ? s->turn++ % n : 0;
	for (size_t i = 0; i < n; i++) {
		const struct name_entry *e = &s->names.entries[(first + i) % n];
		bool type = q->type == DNS_ANY ||
			    q->type == (e->ip.family == AF_INET ? DNS_A : DNS_AAAA);
		if (type && names_match(&s->names, e, q->name, client))
			dns_add_address(ret, &e->ip);
	}
}

static bool is_known(const struct names *n, const char *name, const struct ip *client)
{
	for (size_t i = 0; i < n->count; i++)
		if (names_match(n, &n->entries[i], name, client))
			return true;
	return false;
}

static const struct name_entry *find_address(const struct names *n, const struct ip *ip)
{
	for (size_t i = 0; i < n->count; i++)
		if (n->entries[i].ip.family == ip->family && ip_compare(&n->entries[i].ip, ip) == 0)
			return &n->entries[i];
	return NULL;
}

/* The gateway's address is reached from other networks, too. Only who is on this one is served. */
static bool is_here(const struct names *n, const struct ip *client)
{
	for (size_t i = 0; i < n->count; i++) {
		const struct name_entry *e = &n->entries[i];
		if (!e->client.family && e->ip.family == client->family &&
		    ip_compare(&e->ip, client) == 0)
			return true;
	}
	return false;
}

int server_answer(struct server *s, const uint8_t *message, size_t len, const struct ip *client,
		  struct dns_answer *ret)
{
	struct dns_question q;
	struct ip ip;
	struct ip upstream[SERVERS_MAX];
	int r = dns_read(message, len, &q);
	if (r == 0 && !is_here(&s->names, client))
		r = DNS_REFUSED;
	if (r != 0) {
		if (r > 0)
			dns_begin(ret, message, q.end, (enum dns_code)r);
		return r < 0 ? -1 : 1;
	}
	if (is_known(&s->names, q.name, client)) {
		dns_begin(ret, message, q.end, DNS_OK);
		answer_name(s, &q, client, ret);
		return 1;
	}
	const struct name_entry *e = NULL;
	if (q.type == DNS_PTR && dns_reverse(q.name, &ip))
		e = find_address(&s->names, &ip);
	if (e) {
		char full[2 * DNS_NAME_MAX];
		snprintf(full, sizeof(full), "%s.%s", e->names[0],
			 s->names.network ? s->names.network : "");
		dns_begin(ret, message, q.end, DNS_OK);
		dns_add_name(ret, full);
		return 1;
	}
	if (!s->names.internal && server_upstream(s, client, upstream))
		return 0;
	dns_begin(ret, message, q.end, DNS_REFUSED);
	return 1;
}

size_t server_upstream(const struct server *s, const struct ip *client,
		       struct ip ret[static SERVERS_MAX])
{
	for (size_t i = 0; i < s->names.server_count; i++) {
		const struct name_servers *own = &s->names.servers[i];
		if (own->client.family == client->family && ip_compare(&own->client, client) == 0) {
			memcpy(ret, own->list, sizeof(own->list));
			return own->count;
		}
	}
	memcpy(ret, s->host_servers, sizeof(s->host_servers));
	return s->host_server_count;
}

socklen_t server_address(const struct ip *ip, struct sockaddr_storage *ret)
{
	*ret = (struct sockaddr_storage){.ss_family = ip->family};
	if (ip->family == AF_INET6) {
		struct sockaddr_in6 *in = (void *)ret;
		in->sin6_port = htons(PORT);
		memcpy(&in->sin6_addr, ip->bytes, 16);
		return sizeof(*in);
	}
	struct sockaddr_in *in = (void *)ret;
	in->sin_port = htons(PORT);
	memcpy(&in->sin_addr, ip->bytes, 4);
	return sizeof(*in);
}

struct ip server_client(const struct sockaddr_storage *from)
{
	struct ip ip = {.family = (uint8_t)from->ss_family};
	if (ip.family == AF_INET6)
		memcpy(ip.bytes, &((const struct sockaddr_in6 *)from)->sin6_addr, 16);
	else
		memcpy(ip.bytes, &((const struct sockaddr_in *)from)->sin_addr, 4);
	return ip;
}
