/* SPDX-License-Identifier: Apache-2.0 */
/* Read names.h first. */
#include "dns/names.h"

#include <string.h>
#include <strings.h>

/* The next word of *@at, which is moved past it; NULL: the line has no more. */
static char *word(char **at)
{
	char *p = *at + strspn(*at, " \t\r"), *end = p + strcspn(p, " \t\r");
	if (!*p)
		return NULL;
	*at = end + (*end != 0);
	*end = '\0';
	return p;
}

static size_t words(const char *line)
{
	size_t n = 0;
	for (; *line; n++) {
		line += strspn(line, " \t\r");
		line += strcspn(line, " \t\r");
	}
	return n;
}

static void read_entry(struct names *n, const struct ip *ip, const struct ip *client, char *line)
{
	struct name_entry *e = &n->entries[n->count++];
	*e = (struct name_entry){*ip, *client,
				 arena_array(&n->arena, words(line) + 1, sizeof(char *))};
	char *name;
	for (size_t i = 0; (name = word(&line)); i++) {
		for (char *c = name; *c; c++)
			*c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
		e->names[i] = name;
	}
	if (!e->names[0])
		n->count--;
}

static void read_servers(struct names *n, char *line)
{
	struct name_servers *s = &n->servers[n->server_count];
	char *client = word(&line), *server;
	*s = (struct name_servers){0};
	if (!client || !ip_parse(client, &s->client))
		return;
	while (s->count < SERVERS_MAX && (server = word(&line)))
		s->count += ip_parse(server, &s->list[s->count]);
	n->server_count += s->count != 0;
}

static void read_line(struct names *n, char *line)
{
	struct ip ip, client = {0};
	char *first = word(&line);
	if (first && !strcmp(first, "for")) {
		char *who = word(&line);
		if (!who || !ip_parse(who, &client))
			return;
		first = word(&line);
	}
	if (!first)
		return;
	if (!strcmp(first, "network"))
		n->network = word(&line);
	else if (!strcmp(first, "internal"))
		n->internal = true;
	else if (!strcmp(first, "servers"))
		read_servers(n, line);
	else if (ip_parse(first, &ip))
		read_entry(n, &ip, &client, line);
}

void names_parse(char *text, struct names *ret)
{
	size_t lines = 1;
	*ret = (struct names){0};
	for (const char *p = text; *p; p++)
		lines += *p == '\n';
	ret->entries = arena_array(&ret->arena, lines, sizeof(*ret->entries));
	ret->servers = arena_array(&ret->arena, lines, sizeof(*ret->servers));
	for (char *line = text, *next; line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		read_line(ret, line);
	}
}

bool names_match(const struct names *n, const struct name_entry *e, const char *wanted,
		 const struct ip *client)
{
	if (e->client.family &&
	    (e->client.family != client->family || ip_compare(&e->client, client) != 0))
		return false;
	for (char **name = e->names; *name; name++) {
		size_t len = strlen(*name);
		if (strncmp(*name, wanted, len) != 0)
			continue;
		if (!wanted[len] ||
		    (wanted[len] == '.' && n->network && !strcasecmp(wanted + len + 1, n->network)))
			return true;
	}
	return false;
}

size_t servers_parse(char *text, struct ip ret[static SERVERS_MAX])
{
	size_t count = 0;
	for (char *line = text, *next; line && count < SERVERS_MAX; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		char *key = word(&line), *server = key ? word(&line) : NULL;
		if (server && !strcmp(key, "nameserver"))
			count += ip_parse(server, &ret[count]);
	}
	return count;
}
