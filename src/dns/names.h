/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is on a network: the file "names" that the engine writes anew whenever that changes
 * (engine/network_names.c). One line each:
 *
 *   ADDRESS NAME [NAME...]       a container, its name first
 *   for CLIENT ADDRESS NAME...    the same, on another network that CLIENT is on, for him alone
 *   servers CLIENT ADDRESS...    --dns of the container that has the address CLIENT
 *   network NAME                 for names like web.NAME
 *   internal                     nothing is passed on
 */
#pragma once

#include "base/arena.h"
#include "linux/ip_address.h"

enum { NAMES_MAX = 8 << 20, SERVERS_MAX = 8 };

struct name_entry {
	struct ip ip, client; /* family 0: for all */
	char **names;         /* small letters; ends with NULL */
};
struct name_servers {
	struct ip client, list[SERVERS_MAX];
	size_t count;
};
struct names {
	struct arena arena; /* of all of it */
	struct name_entry *entries;
	size_t count;
	struct name_servers *servers;
	size_t server_count;
	char *network;
	bool internal;
};

/** @text is changed, and lives as long as @ret. Lines that make no sense are passed over. */
void names_parse(char *text, struct names *ret);
/** "name" or "name.network", asked for by one who may? */
bool names_match(const struct names *n, const struct name_entry *e, const char *wanted,
		 const struct ip *client);
/** The servers of the host's resolv.conf; how many. */
size_t servers_parse(char *text, struct ip ret[static SERVERS_MAX]);
