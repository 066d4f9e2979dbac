/* SPDX-License-Identifier: Apache-2.0 */
/* The loop of hull-dns, and what it owns: descriptors that the engine passed, and questions on
 * their way. Nothing here is shared; one thread. */
#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/err.h"
#include "dns/message.h"
#include "dns/names.h"

/** What the engine passes (engine/network_names.c). */
enum dns_fd { DNS_FD_UDP = 0, DNS_FD_TCP = 1, DNS_FD_FOLDER = 3, DNS_FD_LOCK = 4 };

enum { PENDING_MAX = 256, STREAMS_MAX = 32, QUERY_MAX = 1232, REPLY_MAX = 4096 };

/* A question that was passed on. */
struct pending {
	int fd; /* connected to a server; -1: free */
	struct sockaddr_storage client;
	socklen_t client_len;
	uint16_t id, client_id;
	int64_t due;
	uint8_t query[QUERY_MAX];
	size_t len, tried;
	struct ip servers[SERVERS_MAX];
	size_t server_count;
};

/* A client's TCP connection: a question is read, answered or passed on, then the next. */
struct stream {
	int fd, up; /* -1: free; -1: nothing is passed on */
	bool connecting;
	int64_t due;
	uint8_t *bytes; /* 2 + DNS_MESSAGE_MAX */
	size_t have;    /* of the question, or passed back of the answer */
	uint8_t head[2];
	struct ip client;
};

struct server {
	struct names names;
	struct arena text; /* that the names lie in */
	struct stat names_were, resolv_was;
	struct ip host_servers[SERVERS_MAX];
	size_t host_server_count;
	unsigned turn; /* who is first among several of one name */
	struct pending pending[PENDING_MAX];
	struct stream streams[STREAMS_MAX];
};

/** Read what has changed. False: there is nobody on the network any more. */
bool server_refresh(struct server *s);
/** Answer @message of @client from the names. 1: @ret is it; 0: it is for others to answer; -1:
 * nothing is to be said. */
int server_answer(struct server *s, const uint8_t *message, size_t len, const struct ip *client,
		  struct dns_answer *ret);
/** Whom to ask for @client. */
size_t server_upstream(const struct server *s, const struct ip *client,
		       struct ip ret[static SERVERS_MAX]);
/** The address a socket has, and who a packet is from. */
socklen_t server_address(const struct ip *ip, struct sockaddr_storage *ret);
struct ip server_client(const struct sockaddr_storage *from);

/* udp.c, tcp.c: what poll(2) is to look at (@p has room for it), and what came. */
size_t udp_watch(const struct server *s, struct pollfd *p);
void udp_serve(struct server *s, const struct pollfd *p, int64_t now);
size_t tcp_watch(const struct server *s, struct pollfd *p);
void tcp_serve(struct server *s, const struct pollfd *p, int64_t now);

/** Give up all rights; @e as ever. */
int confine(struct err *e);
