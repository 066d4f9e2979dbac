/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names on networks: the file <runroot>/networks/<id>/names, written from the rows inside the
 * transaction that changes them, and the process hull-dns that answers from it (src/dns/). It is
 * started by the first container of a network, on a port that the kernel chooses, and reached as
 * port 53 of the gateway by an element of the firewall's maps. The format is in dns/names.h.
 *
 * Crash rule: names first, then a look at the lock that hull-dns holds while it lives. It gives the
 * lock up before its last look at the names, so one of both sees the other.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "base/units.h"
#include "engine/network.h"
#include "engine/servant.h"

enum { FILE_MAX = 8 << 20, TRIES = 16, NAME_SERVICE = 53 };

/* The default network has no names, as with docker: too many know it by what it lacks. */
bool network_has_names(const struct network *n)
{
	return n->bridge[0] && !network_is_builtin(n->name);
}

static int open_folder(struct engine *en, const struct network *n, struct err *e)
{
	char path[sizeof("networks/") + ID_LEN];
	snprintf(path, sizeof(path), "networks/%s", n->id);
	/* hull-dns, which is nobody, passes through it. */
	mode_t mask = umask(022);
	int r = dir_make(en->run_fd, path, 0711, e);
	umask(mask);
	return r < 0 ? r : dir_open(en->run_fd, path, e);
}

/* ---- the file ---- */

static void put_names(struct strbuf *out, sqlite3_stmt *s, const struct docker_endpoint *p)
{
	const char *name = db_text(s, 1), *hostname = db_text(s, 5);
	strbuf_printf(out, " %s %.12s", name, db_text(s, 0));
	if (hostname && *hostname && strncmp(hostname, db_text(s, 0), ID_SHORT_LEN))
		strbuf_printf(out, " %s", hostname);
	for (size_t i = 0; i < p->aliases.count; i++)
		if (!strpbrk(p->aliases.items[i], " \t\r\n"))
			strbuf_printf(out, " %s", p->aliases.items[i]);
	strbuf_putc(out, '\n');
}

static void put_servers(struct strbuf *out, const char *client, const char *dns, struct arena *a)
{
	CLEANUP_JSON struct json_object *list = NULL;
	struct ip ip;
	if (!dns || json_parse(dns, strlen(dns), &list, ERR_IGNORED) < 0 ||
	    !json_object_is_type(list, json_type_array) || !json_object_array_length(list))
		return;
	strbuf_printf(out, "servers %s", client);
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		const char *text = json_object_get_string(json_object_array_get_idx(list, i));
		if (text && ip_parse(text, &ip))
			strbuf_printf(out, " %s", text);
	}
	strbuf_putc(out, '\n');
}

/* The lines of one network; for a @client that is on another one, too, or for all. */
static int put_network(struct engine *en, const struct network *n, const char *client,
		       struct strbuf *out, struct arena *a, struct err *e)
{
	CLEANUP_STMT sqlite3_stmt *s = NULL;
	int r = db_query(&en->db, &s, e,
			 "SELECT container.id, container.name, endpoint.config, host4, host6, "
			 "container.config ->> '$.Config.Hostname', container.config -> "
			 "'$.HostConfig.Dns' FROM endpoint JOIN container ON container.id = "
			 "endpoint.container WHERE network = ?1 AND status = 'running' ORDER BY "
			 "container.created",
			 "s", n->id);
	while (r == 0 && (r = db_next(s, e)) == 1) {
		struct docker_endpoint p = {0};
		const char *config = db_text(s, 2);
		r = shape_parse(&docker_endpoint_shape, config, strlen(config), &p, a, e);
		for (size_t i = 0; r == 0 && i < n->subnet_count; i++) {
			struct ip ip = subnet_base(&n->subnets[i].subnet);
			char text[IP_TEXT_SIZE];
			int64_t host = db_int(s, ip.family == AF_INET ? 3 : 4);
			if (host <= 0)
				continue;
			ip = ip_add(ip, host);
			ip_print(&ip, text);
			if (client)
				strbuf_printf(out, "for %s ", client);
			strbuf_puts(out, text);
			put_names(out, s, &p);
			if (!client)
				put_servers(out, text, db_text(s, 6), a);
		}
	}
	return r;
}

/* What those who are on other networks as well may ask for there. */
static int put_neighbours(struct engine *en, const struct network *n, struct strbuf *out,
			  struct arena *a, struct err *e)
{
	CLEANUP_STMT sqlite3_stmt *s = NULL;
	int r = db_query(&en->db, &s, e,
			 "SELECT " NETWORK_COLUMNS
			 ", own.host4, own.host6 FROM endpoint own JOIN container ON container.id "
			 "= own.container JOIN endpoint other ON other.container = own.container "
			 "AND other.network <> own.network AND (other.host4 > 0 OR other.host6 > "
			 "0) JOIN network ON network.id = "
			 "other.network WHERE own.network = ?1 AND status = 'running'",
			 "s", n->id);
	while (r == 0 && (r = db_next(s, e)) == 1) {
		struct network other;
		r = network_row(en, s, 0, a, &other, e);
		for (size_t i = 0; r == 0 && network_has_names(&other) && i < n->subnet_count;
		     i++) {
			struct ip ip = subnet_base(&n->subnets[i].subnet);
			int64_t host = db_int(s, ip.family == AF_INET ? 4 : 5);
			char client[IP_TEXT_SIZE];
			if (host <= 0)
				continue;
			ip = ip_add(ip, host);
			r = put_network(en, &other, ip_print(&ip, client), out, a, e);
		}
	}
	return r;
}

/* The address of place @host in @s, 0 being none. */
static const char *address_text(const struct network_subnet *s, int64_t host4, int64_t host6,
				char buf[static IP_TEXT_SIZE])
{
	struct ip ip = subnet_base(&s->subnet);
	int64_t host = ip.family == AF_INET ? host4 : host6;
	ip = ip_add(ip, host);
	return host > 0 ? ip_print(&ip, buf) : NULL;
}

/* Of links NAME[:ALIAS]: the alias, for the container alone that has the link, which may be on
 * another of its networks. Links are few, and looked for first (CROSS JOIN keeps that order): all
 * pairs of containers would be a million at the size of a bridge. */
static int put_links(struct engine *en, const struct network *n, struct strbuf *out,
		     struct arena *a, struct err *e)
{
	CLEANUP_STMT sqlite3_stmt *s = NULL;
	char client[IP_TEXT_SIZE], text[IP_TEXT_SIZE];
	int r = db_query(
		&en->db, &s, e,
		"WITH link AS (SELECT here.host4, here.host6, own.network, substr(value, "
		"1, instr(value || ':', ':') - 1) AS name, substr(value, instr(value, "
		"':') + 1) AS alias FROM endpoint here CROSS JOIN endpoint own ON "
		"own.container = here.container CROSS JOIN json_each(own.config, "
		"'$.Links') WHERE here.network = ?1 AND value IS NOT NULL) SELECT " NETWORK_COLUMNS
		", link.host4, link.host6, there.host4, there.host6, alias FROM link "
		"CROSS JOIN network ON network.id = link.network CROSS JOIN container ON "
		"container.name = link.name OR (length(link.name) >= 12 AND "
		"substr(container.id, 1, length(link.name)) = link.name) CROSS JOIN "
		"endpoint there ON there.container = container.id AND there.network = "
		"link.network WHERE status = 'running'",
		"s", n->id);
	while (r == 0 && (r = db_next(s, e)) == 1) {
		struct network other;
		r = network_row(en, s, 0, a, &other, e);
		for (size_t i = 0; r == 0 && i < n->subnet_count; i++)
			for (size_t k = 0; k < other.subnet_count; k++)
				if (address_text(&n->subnets[i], db_int(s, 4), db_int(s, 5),
						 client) &&
				    address_text(&other.subnets[k], db_int(s, 6), db_int(s, 7),
						 text))
					strbuf_printf(out, "for %s %s %s\n", client, text,
						      db_text(s, 8));
	}
	return r;
}

static int write_one(struct engine *en, const struct network *n, struct arena *a, struct err *e)
{
	CLEANUP_STRBUF struct strbuf out = STRBUF_MAX(FILE_MAX);
	CLEANUP_FD int folder = open_folder(en, n, e);
	if (folder < 0)
		return folder;
	int r = put_network(en, n, NULL, &out, a, e);
	if (r < 0)
		return r;
	if (!out.len) { /* nobody is there: hull-dns ends */
		unlinkat(folder, "names", 0);
		return 0;
	}
	strbuf_printf(&out, "network %s\n%s", n->name, n->config.internal ? "internal\n" : "");
	r = put_neighbours(en, n, &out, a, e);
	if (r == 0)
		r = put_links(en, n, &out, a, e);
	if (r == 0 && !strbuf_ok(&out))
		return err_set(e, E2BIG, ERR_SYSTEM, "network %s: too many names", n->name);
	if (r == 0)
		r = file_replace(folder, "names", out.buf, out.len, false, e);
	if (r == 0 && fchmodat(folder, "names", 0644, 0) < 0)
		return err_errno(e, errno, "network %s: names", n->name);
	return r;
}

int network_names_write(struct engine *en, const char *container, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	CLEANUP_STMT sqlite3_stmt *s = NULL;
	/* Its networks, and those of others that are on one of them: they see its name there. */
	int r = db_query(
		&en->db, &s, e,
		"SELECT DISTINCT " NETWORK_COLUMNS
		" FROM endpoint own JOIN endpoint near ON near.network = own.network JOIN "
		"endpoint far ON far.container = near.container JOIN network ON network.id "
		"= far.network WHERE own.container = ?1",
		"s", container);
	while (r == 0 && (r = db_next(s, e)) == 1) {
		struct network n;
		r = network_row(en, s, 0, &a, &n, e);
		if (r == 0 && network_has_names(&n))
			r = write_one(en, &n, &a, e);
	}
	return r;
}

int network_names_mend(struct engine *en, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	struct network *list;
	size_t count;
	int r = network_list(en, &a, &list, &count, e);
	for (size_t i = 0; r == 0 && i < count; i++) {
		char path[sizeof("networks//names") + ID_LEN];
		snprintf(path, sizeof(path), "networks/%s/names", list[i].id);
		if (file_exists(en->run_fd, path))
			r = write_one(en, &list[i], &a, e);
	}
	return r;
}

/* ---- the process ---- */

/* One port for both protocols, on the address of the bridge. */
static int open_sockets(const struct ip *gateway, int ret[2], uint16_t *ret_port, struct err *e)
{
	int r = -EADDRINUSE;
	for (int i = 0; i < TRIES && r == -EADDRINUSE; i++) {
		struct sockaddr_storage at = {.ss_family = gateway->family};
		struct sockaddr_in *four = (void *)&at;
		struct sockaddr_in6 *six = (void *)&at;
		bool v6 = gateway->family == AF_INET6;
		socklen_t len = v6 ? sizeof(*six) : sizeof(*four);
		CLEANUP_FD int udp = socket(at.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		CLEANUP_FD int tcp =
			socket(at.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		memcpy(v6 ? (void *)&six->sin6_addr : (void *)&four->sin_addr, gateway->bytes,
		       ip_size(gateway));
		r = udp < 0 || tcp < 0 || bind(udp, (void *)&at, len) < 0 ||
				    getsockname(udp, (void *)&at, &len) < 0 ||
				    bind(tcp, (void *)&at, len) < 0 || listen(tcp, 64) < 0
			    ? -errno
			    : 0;
		if (r == 0) {
			*ret_port = ntohs(v6 ? six->sin6_port : four->sin_port);
			ret[0] = fd_steal(&udp);
			ret[1] = fd_steal(&tcp);
		}
	}
	return r < 0 ? err_errno(e, r, "cannot listen for questions about names") : 0;
}

/* Its port is led to before it lives: who finds its lock taken need not look. */
static int start(struct engine *en, struct network_kernel *k, const struct network *n, int folder,
		 int lock, struct err *e)
{
	const bool whole = firewall_is_whole(&k->nft, k->table);
	struct firewall_port ports[2];
	int sockets[2] = {-1, -1};
	uint16_t port = 0;
	char text[8];
	int r = open_sockets(&n->subnets[0].gateway, sockets, &port, e);
	if (r < 0)
		return err_context(e, "network %s", n->name);
	CLEANUP_FD int udp = sockets[0];
	CLEANUP_FD int tcp = sockets[1];
	/* The port of the one before leads nowhere. */
	size_t count = network_names_ports(en, n, ports);
	if (count && whole)
		firewall_unpublish(&k->nft, k->table, ports, count, e);
	snprintf(text, sizeof(text), "%u", port);
	r = file_replace(folder, "port", text, strlen(text), false, e);
	count = r < 0 ? 0 : network_names_ports(en, n, ports);
	if (count && whole)
		r = firewall_publish(&k->nft, k->table, ports, count, e);
	/* Descriptors as dns/server.h numbers them. */
	const int passed[] = {sockets[0], sockets[1], -1, folder, lock};
	static char *const argv[] = {"hull-dns", NULL};
	return r < 0 ? r : servant_start(en, argv, passed, ARRAY_LEN(passed), e);
}

int network_names_serve(struct engine *en, struct network_kernel *k, const struct network *n,
			struct err *e)
{
	CLEANUP_FD int folder = open_folder(en, n, e);
	if (folder < 0)
		return folder;
	CLEANUP_FD int lock =
		openat(folder, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (lock < 0)
		return err_errno(e, errno, "network %s: its lock", n->name);
	if (flock(lock, LOCK_EX | LOCK_NB) < 0)
		return 0; /* it lives */
	return start(en, k, n, folder, lock, e);
}

size_t network_names_ports(struct engine *en, const struct network *n, struct firewall_port ret[2])
{
	static const uint8_t protocols[] = {IPPROTO_UDP, IPPROTO_TCP};
	char path[sizeof("networks//port") + ID_LEN], text[8];
	uint64_t port;
	snprintf(path, sizeof(path), "networks/%s/port", n->id);
	if (!network_has_names(n) || file_read_small(en->run_fd, path, text, sizeof(text)) <= 0 ||
	    uint_parse(text, UINT16_MAX, &port) < 0)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(protocols); i++)
		ret[i] = (struct firewall_port){.host = n->subnets[0].gateway,
						.to = n->subnets[0].gateway,
						.protocol = protocols[i],
						.host_port = NAME_SERVICE,
						.port = (uint16_t)port};
	return ARRAY_LEN(protocols);
}

void network_names_drop(struct engine *en, const struct network *n)
{
	char path[sizeof("networks/") + ID_LEN];
	snprintf(path, sizeof(path), "networks/%s", n->id);
	tree_remove(en->run_fd, path, ERR_IGNORED);
}
